//! The order in which operands enter the array and results leave it: tiling, and the words of every stream.
//!
//! Each matrix product runs as three nested loops of tiles: *outer* (streamed rows, or rows of C for a stationary output), *lane*
//! (the array's columns) and *reduction* (along K), the innermost. One round of the innermost loop is a *pass*. Beyond the
//! edges of a matrix words carry zeros.

use ndarray::{Array2, ArrayView1, ArrayView2};

use super::hardware::{Dataflow, HardwareParameters};

/// Sizes of C\[M×N\] = A\[M×K\]·B\[K×N\], each at least 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape {
    /// Rows of A and C.
    pub m: usize,
    /// The reduction: columns of A, rows of B.
    pub k: usize,
    /// Columns of B and C.
    pub n: usize,
}

/// One axis cut into tiles: all of length `full` but the last, which has `last`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tiles {
    /// Number of tiles, at least 1.
    pub count: usize,
    /// Length of every tile but the last.
    pub full: usize,
    /// Length of the last tile, 1 to `full`.
    pub last: usize,
}

impl Tiles {
    /// The fewest tiles of at most `most` that cover `length`, as even as possible.
    fn balanced(length: usize, most: usize) -> Tiles {
        Tiles::of(length, length.div_ceil(length.div_ceil(most)))
    }

    /// Tiles of exactly `full`, but for the last.
    fn of(length: usize, full: usize) -> Tiles {
        let count = length.div_ceil(full);
        Tiles { count, full, last: length - full * (count - 1) }
    }

    /// Where tile `index` begins.
    fn start(self, index: usize) -> usize {
        index * self.full
    }

    /// How long tile `index` is.
    pub fn length(self, index: usize) -> usize {
        if index + 1 == self.count { self.last } else { self.full }
    }
}

/// The tiling of one matrix product on one array.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    dataflow: Dataflow,
    rows: usize,
    columns: usize,
    shape: Shape,
    /// Tiles of the outermost loop.
    pub outer: Tiles,
    /// Tiles of the middle loop.
    pub lanes: Tiles,
    /// Tiles of the innermost loop.
    pub reduction: Tiles,
}

/// One round of the three loops.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Pass {
    outer: usize,
    lane: usize,
    reduction: usize,
}

/// The output tile of an outer and a lane tile, complete after its last pass.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct OutputTile {
    outer: usize,
    lane: usize,
}

/// What a lane of a word holds: an element at row and column of its matrix.
type Position = (usize, usize);

impl Schedule {
    /// Tiles a product of this shape for this hardware.
    pub fn new(hardware: &HardwareParameters, shape: Shape) -> Schedule {
        let (rows, columns, depth) = (hardware.rows as usize, hardware.columns as usize, hardware.buffer_rows as usize);
        let (outer, lanes, reduction) = match hardware.dataflow {
            Dataflow::WeightStationary => (Tiles::balanced(shape.m, depth), Tiles::of(shape.n, columns), Tiles::of(shape.k, rows)),
            Dataflow::InputStationary => (Tiles::balanced(shape.n, depth), Tiles::of(shape.m, columns), Tiles::of(shape.k, rows)),
            Dataflow::OutputStationary => (Tiles::of(shape.m, rows), Tiles::of(shape.n, columns), Tiles::balanced(shape.k, depth)),
        };
        Schedule { dataflow: hardware.dataflow, rows, columns, shape, outer, lanes, reduction }
    }

    /// The product's sizes.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// The loop whose tiles are buffered: its lengths are a job's `full_length` and `last_length`.
    pub fn streamed(&self) -> Tiles {
        if self.dataflow == Dataflow::OutputStationary { self.reduction } else { self.outer }
    }

    /// Words of stream `a`, in order.
    pub fn a_words(self, a: ArrayView2<'_, i64>) -> impl Iterator<Item = Vec<i64>> {
        self.passes().flat_map(move |pass| (0..self.a_length(pass)).map(move |word| gather(a, self.a_positions(pass, word))))
    }

    /// Words of stream `b`, in order.
    pub fn b_words(self, b: ArrayView2<'_, i64>) -> impl Iterator<Item = Vec<i64>> {
        self.passes().flat_map(move |pass| (0..self.b_length(pass)).map(move |word| gather(b, self.b_positions(pass, word))))
    }

    /// Words of stream `bias`, in order. `bias` has an element for each column of C.
    pub fn bias_words(self, bias: ArrayView1<'_, i64>) -> impl Iterator<Item = Vec<i64>> {
        let element = move |n: usize| bias.get(n).copied().unwrap_or(0);
        self.output_tiles().flat_map(move |tile| {
            let (words, lanes, first) = match self.dataflow {
                Dataflow::InputStationary => (self.outer.length(tile.outer), 1, self.outer.start(tile.outer)),
                _ => (1, self.columns, self.lanes.start(tile.lane)),
            };
            (0..words).map(move |word| (0..lanes).map(|lane| element(first + word + lane)).collect())
        })
    }

    /// Number of words of stream `c`.
    pub fn output_words(self) -> usize {
        self.output_tiles().map(|tile| self.output_length(tile)).sum()
    }

    /// C from the words of stream `c`; lanes beyond its edges are dropped. Elements of missing words are 0, surplus words are ignored.
    pub fn scatter(self, words: impl IntoIterator<Item = Vec<i64>>) -> Array2<i64> {
        let mut c = Array2::zeros((self.shape.m, self.shape.n));
        let places = self.output_tiles().flat_map(move |tile| (0..self.output_length(tile)).map(move |word| (tile, word)));
        for ((tile, word), lanes) in places.zip(words) {
            for (position, element) in self.output_positions(tile, word).zip(lanes) {
                if let Some(place) = c.get_mut(position) {
                    *place = element;
                }
            }
        }
        c
    }

    /// All passes in order.
    pub fn passes(self) -> impl Iterator<Item = Pass> {
        self.output_tiles()
            .flat_map(move |OutputTile { outer, lane }| (0..self.reduction.count).map(move |reduction| Pass { outer, lane, reduction }))
    }

    fn output_tiles(self) -> impl Iterator<Item = OutputTile> {
        (0..self.outer.count).flat_map(move |outer| (0..self.lanes.count).map(move |lane| OutputTile { outer, lane }))
    }

    /// Words of the buffered operand in a pass: how long the array is busy with it.
    pub fn streamed_length(&self, pass: Pass) -> usize {
        match self.dataflow {
            Dataflow::OutputStationary => self.reduction.length(pass.reduction),
            _ => self.outer.length(pass.outer),
        }
    }

    fn a_length(&self, pass: Pass) -> usize {
        if self.dataflow == Dataflow::InputStationary { self.rows } else { self.streamed_length(pass) }
    }

    fn b_length(&self, pass: Pass) -> usize {
        if self.dataflow == Dataflow::WeightStationary { self.rows } else { self.streamed_length(pass) }
    }

    fn output_length(&self, tile: OutputTile) -> usize {
        self.outer.length(tile.outer)
    }

    /// Positions in A of the lanes of word `word` of a pass.
    fn a_positions(&self, pass: Pass, word: usize) -> impl Iterator<Item = Position> + use<> {
        let along_k = self.reduction.start(pass.reduction);
        let (first, step, lanes) = match self.dataflow {
            Dataflow::WeightStationary => ((self.outer.start(pass.outer) + word, along_k), (0, 1), self.rows),
            Dataflow::OutputStationary => ((self.outer.start(pass.outer), along_k + word), (1, 0), self.rows),
            Dataflow::InputStationary => ((self.lanes.start(pass.lane), along_k + word), (1, 0), self.columns),
        };
        (0..lanes).map(move |lane| (first.0 + step.0 * lane, first.1 + step.1 * lane))
    }

    /// Positions in B of the lanes of word `word` of a pass.
    fn b_positions(&self, pass: Pass, word: usize) -> impl Iterator<Item = Position> + use<> {
        let along_k = self.reduction.start(pass.reduction);
        let (first, step, lanes) = match self.dataflow {
            Dataflow::InputStationary => ((along_k, self.outer.start(pass.outer) + word), (1, 0), self.rows),
            _ => ((along_k + word, self.lanes.start(pass.lane)), (0, 1), self.columns),
        };
        (0..lanes).map(move |lane| (first.0 + step.0 * lane, first.1 + step.1 * lane))
    }

    /// Positions in C of the lanes of output word `word` of a tile.
    fn output_positions(&self, tile: OutputTile, word: usize) -> impl Iterator<Item = Position> + use<> {
        let (row, column) = (self.outer.start(tile.outer) + word, self.lanes.start(tile.lane));
        let transposed = self.dataflow == Dataflow::InputStationary;
        (0..self.columns).map(move |lane| if transposed { (column + lane, row) } else { (row, column + lane) })
    }
}

/// The elements at `positions`, zero beyond the matrix.
fn gather(matrix: ArrayView2<'_, i64>, positions: impl Iterator<Item = Position>) -> Vec<i64> {
    positions.map(|position| matrix.get(position).copied().unwrap_or(0)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systolic::golden;
    use ndarray::Array1;
    use proptest::prelude::*;
    use systole_hdl::Type;

    fn hardware(dataflow: Dataflow, rows: u32, columns: u32, buffer_rows: u32) -> HardwareParameters {
        HardwareParameters {
            rows,
            columns,
            dataflow,
            overlap_load: true,
            buffer_rows,
            a: Type::s(8),
            b: Type::s(8),
            accumulator: Type::s(32),
            output: Type::s(32),
            multiplier_bits: golden::MULTIPLIER_BITS,
            shift_bits: golden::SHIFT_BITS,
        }
    }

    /// An array that only counts words and multiplies: what the hardware does with the streams, without its timing.
    fn emulate(schedule: Schedule, [a, b, bias]: [&mut dyn Iterator<Item = Vec<i64>>; 3]) -> Vec<Vec<i64>> {
        let take = |stream: &mut dyn Iterator<Item = Vec<i64>>, count: usize| -> Vec<Vec<i64>> { stream.take(count).collect() };
        let (stationary, streaming) = if schedule.dataflow == Dataflow::InputStationary { (a, b) } else { (b, a) };
        let mut outputs = Vec::new();
        for outer in 0..schedule.outer.count {
            for _ in 0..schedule.lanes.count {
                let rows = schedule.outer.length(outer);
                let mut sums: Vec<Vec<i64>> = match schedule.dataflow {
                    Dataflow::InputStationary => take(bias, rows).into_iter().map(|word| vec![word[0]; schedule.columns]).collect(),
                    _ => vec![take(bias, 1).remove(0); rows],
                };
                for reduction in 0..schedule.reduction.count {
                    if schedule.dataflow == Dataflow::OutputStationary {
                        for _ in 0..schedule.reduction.length(reduction) {
                            let (column, row) = (take(streaming, 1).remove(0), take(stationary, 1).remove(0));
                            assert_eq!((column.len(), row.len()), (schedule.rows, schedule.columns));
                            for (sums, a) in sums.iter_mut().zip(&column) {
                                sums.iter_mut().zip(&row).for_each(|(sum, b)| *sum += a * b);
                            }
                        }
                    } else {
                        let (weights, words) = (take(stationary, schedule.rows), take(streaming, rows));
                        for (sums, word) in sums.iter_mut().zip(&words) {
                            assert_eq!((word.len(), weights[0].len()), (schedule.rows, schedule.columns));
                            for (element, weights) in word.iter().zip(&weights) {
                                sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += element * weight);
                            }
                        }
                    }
                }
                outputs.extend(sums);
            }
        }
        outputs
    }

    fn dataflows() -> impl Strategy<Value = Dataflow> {
        prop::sample::select(vec![Dataflow::WeightStationary, Dataflow::OutputStationary, Dataflow::InputStationary])
    }

    #[test]
    fn tiles_are_balanced_and_within_the_buffer() {
        assert_eq!(Tiles::balanced(257, 256), Tiles { count: 2, full: 129, last: 128 });
        assert_eq!(Tiles::balanced(21, 4), Tiles { count: 6, full: 4, last: 1 });
        assert_eq!(Tiles::of(33, 16), Tiles { count: 3, full: 16, last: 1 });
    }

    #[test]
    fn a_weight_stationary_word_of_a_is_a_row_with_zeros_beyond_the_edge() {
        let schedule = Schedule::new(&hardware(Dataflow::WeightStationary, 2, 2, 20), Shape { m: 2, k: 3, n: 1 });
        let a = ndarray::array![[1, 2, 3], [4, 5, 6]];
        let words: Vec<_> = schedule.a_words(a.view()).collect();
        assert_eq!(words, [[1, 2], [4, 5], [3, 0], [6, 0]]);
        let b = ndarray::array![[7], [8], [9]];
        let words: Vec<_> = schedule.b_words(b.view()).collect();
        assert_eq!(words, [[7, 0], [8, 0], [9, 0], [0, 0]]);
    }

    proptest! {
        #[test]
        fn tiles_cover_their_axis_exactly(length in 1usize..2000, most in 1usize..300) {
            let tiles = Tiles::balanced(length, most);
            prop_assert_eq!((0..tiles.count).map(|i| tiles.length(i)).sum::<usize>(), length);
            prop_assert!(tiles.full <= most && (1..=tiles.full).contains(&tiles.last));
            prop_assert_eq!(tiles.count, length.div_ceil(most));
        }

        #[test]
        fn the_words_of_every_dataflow_make_the_product(
            dataflow in dataflows(), rows in 1u32..7, columns in 1u32..7, depth in 1u32..12,
            m in 1usize..30, k in 1usize..30, n in 1usize..30, seed in any::<i64>(),
        ) {
            let element = |i: usize, j: usize| (seed ^ (i as i64 * 7919 + j as i64 * 104_729)).wrapping_mul(0x9e37_79b9_7f4a_7c15u64 as i64) >> 56;
            let a = Array2::from_shape_fn((m, k), |(i, j)| element(i, j));
            let b = Array2::from_shape_fn((k, n), |(i, j)| element(i + 1000, j));
            let bias = Array1::from_shape_fn(n, |i| element(i, 9999));
            let schedule = Schedule::new(&hardware(dataflow, rows, columns, depth), Shape { m, k, n });
            let (mut a_words, mut b_words, mut bias_words) =
                (schedule.a_words(a.view()), schedule.b_words(b.view()), schedule.bias_words(bias.view()));
            let words = emulate(schedule, [&mut a_words, &mut b_words, &mut bias_words]);
            prop_assert!(a_words.next().is_none() && b_words.next().is_none() && bias_words.next().is_none(), "words are left over");
            prop_assert_eq!(words.len(), schedule.output_words());
            prop_assert_eq!(schedule.scatter(words), golden::accumulate(a.view(), b.view(), bias.view()));
        }
    }
}

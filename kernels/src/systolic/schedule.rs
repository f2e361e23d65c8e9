//! The order in which operands enter the array and results leave it: tiling, and the words of every stream.
//!
//! Each matrix product runs as three nested loops of tiles: *outer* (streamed rows, or rows of C for a stationary output), *lane*
//! (the array's columns) and *reduction* (along K), the innermost. One round of the innermost loop is a *pass*. Beyond the
//! edges of a matrix words carry zeros.

use ndarray::{Array2, ArrayView1, ArrayView2};

use systole_hdl::Type;

use super::compression::Compression;
use super::hardware::{Dataflow, Group, HardwareParameters};

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

    /// Tiles of at most `most`, about as even as possible, all but the last a multiple of `unit`, which is at most `most`.
    fn whole(length: usize, most: usize, unit: usize) -> Tiles {
        Tiles::of(length, Tiles::balanced(length, most / unit * unit).full.next_multiple_of(unit))
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
    group: Group,
    shape: Shape,
    compression: Compression,
    weights_from: u64,
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
    /// Tiles a product of this shape, with B compressed like that, for this hardware.
    pub fn new(hardware: &HardwareParameters, shape: Shape, compression: Compression) -> Schedule {
        let (rows, columns, depth) = (hardware.rows as usize, hardware.columns as usize, hardware.buffer_rows as usize);
        let slots = compression.slots(shape.k);
        let (outer, lanes, reduction) = match hardware.dataflow {
            Dataflow::WeightStationary => (Tiles::balanced(shape.m, depth), Tiles::of(shape.n, columns), Tiles::of(slots, rows)),
            Dataflow::InputStationary => (Tiles::balanced(shape.n, depth), Tiles::of(shape.m, columns), Tiles::of(slots, rows)),
            Dataflow::OutputStationary => {
                let whole_groups = Tiles::whole(slots, depth, hardware.group.slots as usize);
                (Tiles::of(shape.m, rows), Tiles::of(shape.n, columns), whole_groups)
            }
        };
        Schedule {
            dataflow: hardware.dataflow,
            rows,
            columns,
            group: hardware.group,
            shape,
            compression,
            weights_from: 0,
            outer,
            lanes,
            reduction,
        }
    }

    /// The same where a sparsifier cannot have its first word of weights before this cycle, counted from the first words of all other streams.
    pub fn with_weights_from(self, cycle: u64) -> Schedule {
        Schedule { weights_from: cycle, ..self }
    }

    /// The same product tiled for other hardware.
    pub fn on(&self, hardware: &HardwareParameters) -> Schedule {
        Schedule::new(hardware, self.shape, self.compression).with_weights_from(self.weights_from)
    }

    /// Words of the buffered operand if no tile of it is split: rows of A, columns of B or slots along K, these in whole groups.
    pub fn unsplit_length(&self) -> usize {
        match self.dataflow {
            Dataflow::WeightStationary => self.shape.m,
            Dataflow::InputStationary => self.shape.n,
            Dataflow::OutputStationary => self.slots().next_multiple_of(self.group.slots as usize),
        }
    }

    /// The first cycle in which a sparsifier can have a word of weights.
    pub fn weights_from(&self) -> u64 {
        self.weights_from
    }

    /// The product's sizes.
    pub fn shape(&self) -> Shape {
        self.shape
    }

    /// How B lies along K.
    pub fn compression(&self) -> Compression {
        self.compression
    }

    /// The length of the reduction in slots: rows of B as it is streamed.
    pub fn slots(&self) -> usize {
        self.compression.slots(self.shape.k)
    }

    /// Products of an element of C that can be other than zero, at most.
    pub fn products(&self) -> usize {
        self.compression.products(self.shape.k)
    }

    /// The loop whose tiles are buffered: its lengths are a job's `full_length` and `last_length`.
    pub fn streamed(&self) -> Tiles {
        if self.dataflow == Dataflow::OutputStationary { self.reduction } else { self.outer }
    }

    /// Words of stream `a`, in order.
    pub fn a_words(self, a: ArrayView2<'_, i64>) -> impl Iterator<Item = Vec<i64>> {
        self.passes().flat_map(move |pass| (0..self.a_length(pass)).map(move |word| gather(a, self.a_positions(pass, word))))
    }

    /// Kept elements of B, `[slots, N]`, with the places in their groups by which the array picks activations: what
    /// [`Schedule::b_words`] streams. `values` are of type `value`, `elements` say which of the K each of them is.
    pub fn indexed(self, values: ArrayView2<'_, i64>, elements: ArrayView2<'_, usize>, value: Type) -> Array2<i64> {
        let low_bits = i64::MAX >> (63 - value.width());
        let slots = self.group.slots as usize;
        Array2::from_shape_fn((self.slots(), self.shape.n), |(slot, column)| match self.group.elements {
            1 => values[[slot, column]],
            _ => {
                let window = self.compression.window(slot / slots * slots, slots);
                (values[[slot, column]] & low_bits) | ((elements[[slot, column]] - window.start) as i64) << value.width()
            }
        })
    }

    /// Words of stream `b`, in order: of elements that are [indexed](Schedule::indexed).
    pub fn b_words(self, b: ArrayView2<'_, i64>) -> impl Iterator<Item = Vec<i64>> {
        self.passes().flat_map(move |pass| (0..self.b_length(pass)).map(move |word| gather(b, self.b_positions(pass, word))))
    }

    /// Groups that an output tile needs of each column, where all weights come: as many as fill its tiles along K.
    pub fn groups_of_tile(self) -> usize {
        let slots = match self.dataflow {
            Dataflow::OutputStationary => self.slots(),
            _ => self.reduction.count * self.rows,
        };
        slots.div_ceil(self.group.slots as usize)
    }

    /// Groups of each column in all output tiles together.
    pub fn all_groups(self) -> usize {
        self.outer.count * self.lanes.count * self.groups_of_tile()
    }

    /// All weights `[K, N]` by groups, in the order in which the array needs them: the words of a group, each an element of every column.
    pub fn group_words(self, b: ArrayView2<'_, i64>) -> impl Iterator<Item = Vec<Vec<i64>>> {
        let elements = self.compression.elements_of_group();
        self.output_tiles().flat_map(move |tile| {
            let columns = self.lanes.start(tile.lane);
            let word = move |row: usize| gather(b, (0..self.columns).map(move |lane| (row, columns + lane)));
            (0..self.groups_of_tile()).map(move |group| (group * elements..(group + 1) * elements).map(word).collect())
        })
    }

    /// Where group `index` of [`Schedule::group_words`] is: its first column, and its number along K.
    pub fn place_of_group(self, index: usize) -> (usize, usize) {
        let (tile, group) = (index / self.groups_of_tile(), index % self.groups_of_tile());
        (self.lanes.start(tile % self.lanes.count), group)
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

    /// Output words of the tile that the pass ends, if it ends one.
    pub fn ended_rows(&self, pass: Pass) -> Option<usize> {
        (pass.reduction + 1 == self.reduction.count).then(|| self.outer.length(pass.outer))
    }

    /// Words of the buffered operand in a pass: how long the array is busy with it.
    pub fn streamed_length(&self, pass: Pass) -> usize {
        match self.dataflow {
            Dataflow::OutputStationary => self.reduction.length(pass.reduction),
            _ => self.outer.length(pass.outer),
        }
    }

    /// Words of A that go with a streamed tile of this length.
    pub fn groups(&self, length: usize) -> usize {
        if self.dataflow == Dataflow::OutputStationary { length.div_ceil(self.group.slots as usize) } else { length }
    }

    fn a_length(&self, pass: Pass) -> usize {
        if self.dataflow == Dataflow::InputStationary { self.rows } else { self.groups(self.streamed_length(pass)) }
    }

    fn b_length(&self, pass: Pass) -> usize {
        if self.dataflow == Dataflow::WeightStationary { self.rows } else { self.streamed_length(pass) }
    }

    fn output_length(&self, tile: OutputTile) -> usize {
        self.outer.length(tile.outer)
    }

    /// Positions in A of the lanes of word `word` of a pass: groups one after the other. What a group does not use is beyond the matrix.
    fn a_positions(&self, pass: Pass, word: usize) -> impl Iterator<Item = Position> + use<> {
        let slots = self.group.slots as usize;
        let first_group = self.reduction.start(pass.reduction) / slots;
        let (first_row, step, first_group, groups) = match self.dataflow {
            Dataflow::WeightStationary => {
                (self.outer.start(pass.outer) + word, (0, 1), first_group, self.group.touched_by(self.rows as u32))
            }
            Dataflow::OutputStationary => (self.outer.start(pass.outer), (1, 0), first_group + word, self.rows as u32),
            Dataflow::InputStationary => (self.lanes.start(pass.lane), (1, 0), first_group + word, self.columns as u32),
        };
        let (compression, elements) = (self.compression, self.group.elements as usize);
        (0..groups as usize).flat_map(move |lane| {
            let row = first_row + step.0 * lane;
            let window = compression.window((first_group + step.1 * lane) * slots, slots);
            window.map(move |column| (row, column)).chain(std::iter::repeat((row, usize::MAX))).take(elements)
        })
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
#[path = "schedule_tests.rs"]
mod tests;

//! In which order numbers enter and leave the hardware.

use ndarray::Array2;
use systole_hdl::Type;

use super::attending::Attending;
use super::graph::{Layout, Operands};
use super::mask::Slot;
use super::parameters::Parallelism;
use super::prepare::{PreparedHead, Shape, Workload};

impl Layout {
    /// The numbers of all sources, in order.
    pub fn operands(&self, workload: &Workload) -> Operands {
        let mut operands = [Vec::new(), Vec::new(), Vec::new(), Vec::new()];
        for head in &workload.heads {
            self.push_queries(head, &mut operands[0]);
            // A window holds what it needs; otherwise each pass brings all keys and values again.
            let times = if self.windows() { 1 } else { self.passes() };
            for _ in 0..times {
                operands[1].extend(self.tokens(&head.k));
                operands[2].extend(self.tokens(&head.v));
            }
            if self.key_mask {
                self.push_mask(&head.attending, &mut operands[3]);
            }
        }
        let [q, k, v, mask] = operands.map(Into::into);
        Operands { q, k, v, mask }
    }

    /// As many numbers as the graph takes, all zero: for its times, which depend on no number.
    pub fn zeros(&self) -> Operands {
        let passes = self.passes() * self.heads;
        let times = if self.windows() { self.heads } else { passes };
        let zeros = |vectors: usize| vec![0; vectors * self.shape.head_dimension].into();
        let bits = if self.key_mask { passes * self.slots() * self.rows_in_parallel } else { 0 };
        Operands {
            q: zeros(passes * self.rows_in_parallel),
            k: zeros(times * self.shape.keys),
            v: zeros(times * self.shape.keys),
            mask: vec![0; bits].into(),
        }
    }

    /// The numbers of the keys or values of a head, N vectors of D: zeros for those that it does not have.
    fn tokens(&self, vectors: &Array2<i64>) -> impl Iterator<Item = i64> {
        let Shape { keys, head_dimension, .. } = self.shape;
        (0..keys).flat_map(move |key| (0..head_dimension).map(move |d| vectors.get((key, d)).copied().unwrap_or(0)))
    }

    /// A bit a lane for each slot of each pass. Lanes and rows that the head does not have attend to nothing.
    fn push_mask(&self, attending: &Attending, bits: &mut Vec<i64>) {
        let slots = self.slots();
        for pass in 0..self.passes() {
            let rows = (0..self.rows_in_parallel).map(|lane| pass * self.rows_in_parallel + lane);
            let streams: Vec<Vec<Slot>> = rows.map(|row| if row < attending.rows() { attending.stream(row) } else { Vec::new() }).collect();
            let bit = |slot: usize, stream: &Vec<Slot>| i64::from(matches!(stream.get(slot), Some(Slot::Kept(_))));
            bits.extend((0..slots).flat_map(|slot| streams.iter().map(move |stream| bit(slot, stream))));
        }
    }

    fn push_queries(&self, head: &PreparedHead, numbers: &mut Vec<i64>) {
        for pass in 0..self.passes() {
            let number = |lane: usize, d: usize| head.q.get((pass * self.rows_in_parallel + lane, d)).copied().unwrap_or(0);
            numbers.extend(self.places().map(|(lane, d)| number(lane, d)));
        }
    }

    /// Lane and element of each number of a pass's queries and results: a lane's vector after the other, or in series the lanes' numbers
    /// together, element by element.
    fn places(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let (lanes, dimension) = (self.rows_in_parallel, self.shape.head_dimension);
        let series = self.head_dimension == Parallelism::Series;
        (0..lanes * dimension).map(move |i| if series { (i % lanes, i / lanes) } else { (i / dimension, i % dimension) })
    }

    /// The results of a head, `[R, D]`, from the numbers that came out for it.
    pub fn results(&self, numbers: &[i64]) -> Array2<i64> {
        let mut results = Array2::zeros((self.shape.rows, self.shape.head_dimension));
        for (pass, numbers) in numbers.chunks(self.rows_in_parallel * self.shape.head_dimension).enumerate() {
            for ((lane, d), &number) in self.places().zip(numbers) {
                // Lanes beyond the last row have worked on zeros.
                if let Some(result) = results.get_mut((pass * self.rows_in_parallel + lane, d)) {
                    *result = number;
                }
            }
        }
        results
    }

    /// Types of the numbers of an output word.
    pub fn output_fields(&self) -> Vec<Type> {
        let fields = self.graph(&Operands::default());
        let (_, sink) = fields.graph.units().last().expect("the graph ends in a sink");
        fields.graph.channel(sink.inputs[0]).fields.clone()
    }
}

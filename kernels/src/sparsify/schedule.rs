//! In which order the weights enter the hardware, and where in the matrix its results belong.

use ndarray::{Array2, ArrayView2};

/// Groups of M inputs and `lanes` outputs of a matrix `[inputs, outputs]`, which counts as padded with zeros to whole ones.
///
/// They come tile by tile, `lanes` outputs in each, and in a tile from the first input to the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Schedule {
    /// Rows of the matrix.
    pub inputs: usize,
    /// Columns of the matrix.
    pub outputs: usize,
    /// Inputs of a group, M.
    pub m: usize,
    /// Outputs of a tile.
    pub lanes: usize,
}

impl Schedule {
    /// Groups of one output.
    pub fn groups(&self) -> usize {
        self.inputs.div_ceil(self.m)
    }

    /// Tiles of outputs.
    pub fn tiles(&self) -> usize {
        self.outputs.div_ceil(self.lanes)
    }

    /// Groups of all lanes.
    pub fn steps(&self) -> usize {
        self.tiles() * self.groups()
    }

    /// The tile and the group in it of a step.
    pub fn place(&self, step: usize) -> (usize, usize) {
        (step / self.groups(), step % self.groups())
    }

    /// The elements of each step, position by position and in each position lane by lane: `[M, lanes]` in row-major order.
    pub fn elements(&self, weights: ArrayView2<i64>) -> impl Iterator<Item = Vec<i64>> {
        (0..self.steps()).map(move |step| {
            let (tile, group) = self.place(step);
            let element = |at: usize| weights.get([group * self.m + at / self.lanes, tile * self.lanes + at % self.lanes]);
            (0..self.m * self.lanes).map(|at| element(at).copied().unwrap_or(0)).collect()
        })
    }

    /// An array of `rows` rows a group and `columns` columns a tile from the numbers of each step, which are in row-major order.
    pub fn gather(&self, rows: usize, columns: usize, steps: impl Iterator<Item = Vec<i64>>) -> Array2<i64> {
        let mut gathered = Array2::zeros((self.groups() * rows, self.tiles() * columns));
        for (step, numbers) in steps.enumerate().take(self.steps()) {
            let (tile, group) = self.place(step);
            for (at, number) in numbers.into_iter().enumerate() {
                gathered[[group * rows + at / columns, tile * columns + at % columns]] = number;
            }
        }
        gathered
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn groups_are_padded_and_come_tile_by_tile() {
        let weights = array![[1, 2, 3], [4, 5, 6], [7, 8, 9]];
        let schedule = Schedule { inputs: 3, outputs: 3, m: 2, lanes: 2 };
        let steps: Vec<Vec<i64>> = schedule.elements(weights.view()).collect();
        assert_eq!(steps, [[1, 2, 4, 5], [7, 8, 0, 0], [3, 0, 6, 0], [9, 0, 0, 0]]);
    }

    #[test]
    fn gathering_what_was_cut_gives_the_padded_matrix() {
        let weights = array![[1, 2, 3], [4, 5, 6], [7, 8, 9]];
        let schedule = Schedule { inputs: 3, outputs: 3, m: 2, lanes: 2 };
        let padded = array![[1, 2, 3, 0], [4, 5, 6, 0], [7, 8, 9, 0], [0, 0, 0, 0]];
        assert_eq!(schedule.gather(2, 2, schedule.elements(weights.view())), padded);
    }
}

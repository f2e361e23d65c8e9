//! Rows of a drawing: the columns of a graph, cut into bands that fit a page.

use std::ops::Range;

use super::layout::Wire;

/// Width of a page in pixels: a drawing is no wider unless a single column is.
const PAGE: f64 = 920.0;

/// Widths in pixels that a column and the gap behind it need.
#[derive(Clone, Copy, Debug)]
pub(super) struct ColumnWidths {
    /// The widest unit.
    pub(super) units: f64,
    /// The gap behind the column, if the next column stands beside it.
    pub(super) gap: f64,
    /// The gap behind the column, if the band ends here: lines turn, queues and labels stand, connectors close.
    pub(super) tail: f64,
    /// The room in front of the column, if a band begins here: connectors open, lines turn.
    pub(super) lead: f64,
}

/// Columns that stand beside one another.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Band {
    /// Which columns.
    pub(super) columns: Range<usize>,
    /// Lanes from the topmost to the lowest that is used, both included.
    pub(super) lanes: (i64, i64),
}

/// Width of a band in pixels without the margins.
pub(super) fn width_of(band: &Range<usize>, columns: &[ColumnWidths]) -> f64 {
    let lead = if band.start > 0 { columns[band.start].lead } else { 0.0 };
    let tail = if band.end < columns.len() { columns[band.end - 1].tail } else { 0.0 };
    let units: f64 = columns[band.clone()].iter().map(|column| column.units).sum();
    let gaps: f64 = columns[band.start..band.end - 1].iter().map(|column| column.gap).sum();
    lead + units + gaps + tail
}

/// The fewest bands that fit a page of `PAGE` with its `margin` on each side; of these, the ones whose widest is narrowest.
pub(super) fn bands(columns: &[ColumnWidths], margin: f64) -> Vec<Range<usize>> {
    let widest = PAGE - 2.0 * margin;
    let fewest = bands_within(columns, widest);
    let narrower = (1..).map(|step| bands_within(columns, widest - 10.0 * f64::from(step)));
    narrower.take_while(|bands| bands.len() == fewest.len()).take((widest / 10.0) as usize).last().unwrap_or(fewest)
}

/// Bands of at most this width, each as long as it can be. A column that is wider has a band of its own.
fn bands_within(columns: &[ColumnWidths], width: f64) -> Vec<Range<usize>> {
    let mut bands = Vec::new();
    let mut start = 0;
    while start < columns.len() {
        let fits = |&end: &usize| width_of(&(start..end), columns) <= width;
        let end = (start + 2..=columns.len()).rev().find(fits).unwrap_or(start + 1);
        bands.push(start..end);
        start = end;
    }
    bands
}

/// The bands with the lanes that their units and wires use; `column` and `lane` are those of each unit.
pub(super) fn with_lanes(bands: Vec<Range<usize>>, column: &[usize], lane: &[i64], wires: &[Wire]) -> Vec<Band> {
    let of_band = |columns: Range<usize>| {
        let units = column.iter().zip(lane).filter(|(column, _)| columns.contains(column)).map(|(_, &lane)| lane);
        let passing = wires.iter().filter(|wire| column[wire.from] < columns.end && column[wire.to] >= columns.start);
        let used: Vec<i64> = units.chain(passing.map(|wire| wire.lane)).collect();
        let (top, bottom) = (used.iter().min().copied().unwrap_or(0), used.iter().max().copied().unwrap_or(0));
        Band { columns, lanes: (top, bottom) }
    };
    bands.into_iter().map(of_band).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(widths: &[f64]) -> Vec<ColumnWidths> {
        widths.iter().map(|&units| ColumnWidths { units, gap: 50.0, tail: 80.0, lead: 30.0 }).collect()
    }

    #[test]
    fn what_fits_stands_in_one_row() {
        assert_eq!(bands(&columns(&[100.0; 5]), 20.0).len(), 1);
    }

    #[test]
    fn rows_are_about_equally_long() {
        assert_eq!(bands(&columns(&[100.0; 8]), 20.0), [0..4, 4..8]);
        assert_eq!(bands(&columns(&[100.0; 14]), 20.0), [0..5, 5..9, 9..14]);
    }

    #[test]
    fn a_column_wider_than_the_page_has_a_row_of_its_own() {
        assert_eq!(bands(&columns(&[100.0, 2000.0, 100.0]), 20.0), [0..1, 1..2, 2..3]);
    }
}

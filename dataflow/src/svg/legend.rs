//! The legend below a drawing: only what occurs in it.

use std::fmt::Write;

use super::queue::queue;
use super::text::text_width;
use super::{LINE, MARGIN, PLACE};
use crate::graph::Depth;

/// Height of a line of the legend.
const ROW: f64 = 26.0;
/// Width of a sample.
const SAMPLE: f64 = 30.0;
/// Room between two entries.
const BETWEEN: f64 = 22.0;

/// An entry: the sample, drawn in its width around height 0 from `x` = 0, and the text beside it.
struct Entry {
    sample: String,
    text: &'static str,
}

/// What a drawing shows, and its legend explains.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Shown {
    /// A channel that is no FIFO.
    pub(super) wires: bool,
    /// A FIFO.
    pub(super) fifos: bool,
    /// How far FIFOs were filled.
    pub(super) uses: bool,
    /// A FIFO that was full at a time.
    pub(super) full: bool,
    /// More than one row.
    pub(super) rows: bool,
}

/// The legend from the height `top` down, broken at `width`; returns its text and its height.
pub(super) fn legend(shown: Shown, top: f64, width: f64) -> (String, f64) {
    let mut text = String::from("<g class=\"legend\">\n");
    let (mut x, mut y) = (MARGIN, top + ROW / 2.0);
    for Entry { sample, text: words } in entries(shown) {
        let wide = SAMPLE + 8.0 + text_width(words);
        if x > MARGIN && x + wide > width - MARGIN {
            (x, y) = (MARGIN, y + ROW);
        }
        let beside = SAMPLE + 8.0;
        _ = writeln!(
            text,
            "<g transform=\"translate({x:.1} {y:.1})\">{sample}<text x=\"{beside}\" y=\"{:.1}\">{words}</text></g>",
            LINE / 4.0
        );
        x += wide + BETWEEN;
    }
    (text + "</g>\n", y + ROW / 2.0 - top)
}

fn entries(shown: Shown) -> Vec<Entry> {
    let box_of = |class: &str, radius: f64| {
        format!("<rect class=\"{class}\" x=\"1\" y=\"-8\" width=\"{}\" height=\"16\" rx=\"{radius}\"/>", SAMPLE - 2.0)
    };
    let fifo = |used: Option<f64>| {
        let width = 2.0 * PLACE.0;
        let line = format!("<path class=\"line\" d=\"M0 0H{SAMPLE}\"/>");
        line + &queue(Depth::Words(2), used, (SAMPLE - width) / 2.0, 0.0, width)
    };
    let mut entries = vec![
        Entry { sample: box_of("unit border", 8.0), text: "source or sink" },
        Entry { sample: box_of("unit", 4.0), text: "unit; n: elements a period; interval and latency in cycles, where not 1" },
    ];
    if shown.wires {
        entries.push(Entry { sample: format!("<path class=\"line\" d=\"M0 0H{SAMPLE}\"/>"), text: "wire: holds nothing" });
    }
    if shown.fifos {
        let text = if shown.uses { "FIFO, filled as far as it ever was" } else { "FIFO with its places" };
        entries.push(Entry { sample: fifo(shown.uses.then_some(0.5)), text });
    }
    if shown.full {
        entries.push(Entry { sample: format!("<g class=\"full\">{}</g>", fifo(Some(1.0))), text: "FIFO that was full at a time" });
    }
    if shown.rows {
        entries.push(Entry { sample: connector(SAMPLE / 2.0, 0.0, 1), text: "goes on in the next row" });
    }
    entries
}

/// A numbered circle at which a channel leaves a row, or comes into one.
pub(super) fn connector(x: f64, y: f64, number: usize) -> String {
    format!(
        "<circle class=\"connector\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"8\"/><text class=\"number\" x=\"{x:.1}\" y=\"{:.1}\">{number}</text>",
        y + 4.0
    )
}

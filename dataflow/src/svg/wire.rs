//! Channels in a drawing: lines, queues, and the circles at which they go on in another row.

use std::fmt::Write;

use super::layout::Wire;
use super::legend::connector;
use super::queue::{depth_of, is_deep, places, queue};
use super::text::escaped;
use super::{APART, CONNECTOR, Drawing, LINE, PLACE, STUB};

/// A part of a wire, within one band.
struct Piece {
    band: usize,
    /// Ends of the part that is straight and has nothing else in it, where a queue has room.
    free: (f64, f64),
    /// Ends of the line, and where it turns into and out of the wire's lane: `None` at a connector.
    start: (f64, Option<f64>),
    end: (f64, Option<f64>),
}

impl Drawing<'_> {
    /// The parts of a wire, one a band.
    fn pieces(&self, wire: &Wire) -> Vec<Piece> {
        let (from, to) = (self.column[wire.from], self.column[wire.to]);
        let (first, last) = (self.band_of(from), self.band_of(to));
        let piece = |band: usize| {
            let (left, right) = self.edges[band];
            let (start, free_from) = if band == first {
                let start = self.extent[from].1;
                ((start, Some(start + self.turn_out(wire) - STUB / 2.0)), start + self.turn_out(wire))
            } else {
                ((left + CONNECTOR / 2.0, None), left + CONNECTOR)
            };
            let (end, free_to) = if band == last {
                let end = self.extent[to].0;
                ((end, Some(end - self.turn_in(wire) + STUB / 2.0 - APART / 2.0)), end - self.turn_in(wire))
            } else {
                ((right - CONNECTOR / 2.0, None), right - CONNECTOR)
            };
            Piece { band, free: (free_from, free_to), start, end }
        };
        (first..=last).map(piece).collect()
    }

    /// A channel: its line, and its queue if it is a FIFO. `number` stands in its circles, if it is broken.
    pub(super) fn wire(&self, wire: &Wire, number: usize) -> String {
        let pieces = self.pieces(wire);
        let class = if self.is_full(wire) { " class=\"full\"" } else { "" };
        let mut text = format!("<g{class}><title>{}</title>", escaped(&wire.channel.name));
        for piece in &pieces {
            text += &self.line(wire, piece, number);
        }
        if self.graph.is_fifo(wire.id) {
            let longest = pieces.iter().max_by(|a, b| (a.free.1 - a.free.0).total_cmp(&(b.free.1 - b.free.0)));
            // A short wire has its room at its producer.
            let single = self.column[wire.to] - self.column[wire.from] == 1;
            let piece = if single { pieces.first() } else { longest }.expect("a wire passes through a band");
            let (middle, y) = ((piece.free.0 + piece.free.1) / 2.0, self.height_of(piece.band, wire.lane));
            let shown = places(wire.channel.depth) as f64 * PLACE.0;
            let width = if is_deep(wire.channel.depth) && !single { piece.free.1 - piece.free.0 - STUB } else { shown };
            let share = self.used(wire).zip(depth_of(wire.channel.depth)).map(|(used, depth)| used.high_water as f64 / depth as f64);
            text += &queue(wire.channel.depth, share, middle - width / 2.0, y, width);
            for (label, line) in self.labels(wire).iter().zip(0..) {
                let below = y + PLACE.1 / 2.0 + LINE * (f64::from(line) + 1.0);
                _ = write!(text, "<text x=\"{middle:.1}\" y=\"{below:.1}\">{label}</text>");
            }
        }
        text + "</g>\n"
    }

    /// The line of a part of a wire, with its arrow or its connectors.
    fn line(&self, wire: &Wire, piece: &Piece, number: usize) -> String {
        let y = self.height_of(piece.band, wire.lane);
        let mut path = match piece.start {
            (start, Some(turn)) => format!("M{start:.1} {:.1}H{turn:.1}V{y:.1}", self.height_of(piece.band, self.lane[wire.from])),
            (start, None) => format!("M{start:.1} {y:.1}"),
        };
        let mut text = String::new();
        match piece.end {
            (end, Some(back)) => {
                let to = self.height_of(piece.band, self.lane[wire.to]) + APART * 1.3 * self.port(wire) as f64;
                _ = write!(path, "H{back:.1}V{to:.1}H{:.1}", end - 6.0);
                _ = write!(text, "<path class=\"arrow\" d=\"M{end:.1} {to:.1}l-8 -4v8z\"/>");
            }
            (end, None) => {
                _ = write!(path, "H{end:.1}");
                text += &connector(end, y, number);
            }
        }
        if let (start, None) = piece.start {
            text += &connector(start, y, number);
        }
        format!("<path class=\"line\" d=\"{path}\"/>{text}")
    }
}

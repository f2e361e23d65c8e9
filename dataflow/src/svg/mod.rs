//! A drawing of a graph, as SVG.
//!
//! Units stand in columns, every unit right of all that it takes from, and in lanes; the longest path is a straight line. A channel runs
//! in one lane from the column of its producer to that of its consumer, in a lane that nothing else uses there, so that neither lines nor labels
//! meet a unit. Only its two ends change lanes, in the gaps beside these columns.
//!
//! A FIFO is drawn as a queue, as long as its channel where it is deep. Places that were in use at a time are filled, from the
//! consumer's end; a FIFO that was full at a time is orange. The drawing brings its own background.

mod layout;

use std::collections::BTreeSet;
use std::fmt::Write;

use self::layout::{Wire, columns, lanes};
use crate::dot::{ChannelUse, facts};
use crate::graph::{Depth, Graph, Kind, Unit};

/// Height of a lane, and the sizes within it, in pixels.
const LANE: f64 = 86.0;
const UNIT_HEIGHT: f64 = 54.0;
const LINE: f64 = 14.0;
const MARGIN: f64 = 24.0;
/// Place of a FIFO: width and height.
const PLACE: (f64, f64) = (11.0, 18.0);
/// Places drawn singly; a deeper FIFO shows some at each end.
const PLACES: usize = 6;
/// Least length of a line before and behind a queue.
const STUB: f64 = 16.0;
/// Between lines that run in parallel.
const APART: f64 = 9.0;

const STYLE: &str = "\
text { font-family: Inter, 'Helvetica Neue', Arial, sans-serif; font-size: 11px; fill: #5a6472; text-anchor: middle }
.name { font-size: 13px; font-weight: 600; fill: #1c2530 }
.unit { fill: #f3f6fa; stroke: #7b8794; stroke-width: 1.2 }
.border { fill: #e6f4ec; stroke: #4f8f6a }
.line { fill: none; stroke: #7b8794; stroke-width: 1.4; stroke-linejoin: round }
.arrow { fill: #7b8794 }
.queue { fill: #ffffff; stroke: #3b6fb6; stroke-width: 1.2 }
.used { fill: #a9c7ee }
.place { fill: none; stroke: #3b6fb6 }
.more { fill: #3b6fb6 }
.full .queue, .full .place { stroke: #c2691c }
.full .more { fill: #c2691c }
.full .used { fill: #f6c48f }
.full text { fill: #a04f0e; font-weight: 600 }
";

/// Draws the graph from left to right: units with what [`dot`](crate::dot::dot) says of them, FIFOs with their depth and, where `uses` has an
/// entry a channel and is not empty, with the most that they held and their stalls.
pub fn svg(graph: &Graph, uses: &[ChannelUse]) -> String {
    if graph.units().len() == 0 {
        return String::from("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"1\" height=\"1\"/>\n");
    }
    Drawing::new(graph, uses).draw()
}

struct Drawing<'a> {
    units: Vec<&'a Unit>,
    graph: &'a Graph,
    uses: &'a [ChannelUse],
    /// Of each unit.
    column: Vec<usize>,
    lane: Vec<i64>,
    wires: Vec<Wire<'a>>,
    /// Left and right end of each column of units.
    extent: Vec<(f64, f64)>,
    top_lane: i64,
}

impl<'a> Drawing<'a> {
    fn new(graph: &'a Graph, uses: &'a [ChannelUse]) -> Drawing<'a> {
        let units: Vec<&Unit> = graph.units().map(|(_, unit)| unit).collect();
        let ends = graph.channels().filter_map(|(id, channel)| {
            let consumer = channel.consumer?;
            Some(Wire { id, channel, from: channel.producer.0, to: consumer.0, lane: 0 })
        });
        let wires: Vec<Wire> = ends.collect();
        let column = columns(units.len(), &wires);
        let (lane, lanes) = lanes(&column, &wires);
        let wires: Vec<Wire> = wires.into_iter().zip(lanes).map(|(wire, lane)| Wire { lane, ..wire }).collect();
        let top_lane = lane.iter().copied().chain(wires.iter().map(|wire| wire.lane)).min().unwrap_or(0);
        let mut drawing = Drawing { units, graph, uses, column, lane, wires, extent: Vec::new(), top_lane };
        drawing.extent = drawing.extents();
        drawing
    }

    /// Columns are as wide as their widest unit, gaps as their widest queue or label and the lines that turn there.
    fn extents(&self) -> Vec<(f64, f64)> {
        let count = self.column.iter().max().map_or(0, |last| last + 1);
        let mut widths = vec![64.0_f64; count];
        let mut gaps = vec![0.0_f64; count];
        for (unit, &column) in self.units.iter().zip(&self.column) {
            let lines = unit_lines(unit).into_iter().map(|line| text_width(&line)).fold(text_width(&unit.name) * 1.25, f64::max);
            widths[column] = widths[column].max(lines + 24.0);
        }
        for wire in &self.wires {
            let (from, to) = (self.column[wire.from], self.column[wire.to]);
            let label = self.labels(wire).iter().map(|label| text_width(label)).fold(0.0, f64::max);
            let queue = if self.graph.is_fifo(wire.id) { places(wire.channel.depth) as f64 * PLACE.0 } else { 0.0 };
            let bends = self.turn_out(wire) + self.turn_in(wire);
            // A long one has the columns between for its label.
            let own = if to - from == 1 { label.max(queue) } else { 0.0 };
            gaps[from] = gaps[from].max(own + bends);
            gaps[to - 1] = gaps[to - 1].max(own + bends);
        }
        let mut left = MARGIN;
        let edges = widths.iter().zip(&gaps).map(|(width, gap)| {
            let here = (left, left + width);
            left += width + gap;
            here
        });
        edges.collect()
    }

    /// Room that a wire takes behind its producer, where it may turn into its lane. Lines of several producers stay apart.
    fn turn_out(&self, wire: &Wire) -> f64 {
        let column = self.column[wire.from];
        let producers = (0..wire.from).filter(|&unit| self.column[unit] == column && self.turns(unit)).count();
        STUB + APART * if self.turns(wire.from) { producers as f64 } else { 0.0 }
    }

    /// Whether lines that come from a unit leave its lane.
    fn turns(&self, unit: usize) -> bool {
        self.wires.iter().any(|wire| wire.from == unit && wire.lane != self.lane[unit])
    }

    /// Room that a wire takes before its consumer, where it may leave its lane. Of those that go to one unit, the farthest turns nearest to it;
    /// those to other units of the column turn elsewhere.
    fn turn_in(&self, wire: &Wire) -> f64 {
        let key = |wire: &Wire| (wire.to, self.port(wire).abs());
        let into_column = |other: &&Wire| self.column[other.to] == self.column[wire.to] && self.port(other) != 0;
        let turns: BTreeSet<_> = self.wires.iter().filter(into_column).map(key).collect();
        let nearer = if self.port(wire) == 0 { 0 } else { turns.iter().filter(|&&other| other <= key(wire)).count() };
        STUB + APART * (turns.len() - nearer) as f64
    }

    /// At which port a wire meets its consumer: 0 in the middle, negative above, positive below.
    fn port(&self, wire: &Wire) -> i64 {
        let here = self.lane[wire.to];
        let nearer = |other: &&Wire| {
            other.to == wire.to
                && (other.lane - here).signum() == (wire.lane - here).signum()
                && (other.lane - here).abs() < (wire.lane - here).abs()
        };
        (wire.lane - here).signum() * (1 + self.wires.iter().filter(nearer).count() as i64)
    }

    fn height_of(&self, lane: i64) -> f64 {
        LANE * ((lane - self.top_lane) as f64 + 0.5)
    }

    fn labels(&self, wire: &Wire) -> Vec<String> {
        if !self.graph.is_fifo(wire.id) {
            return Vec::new();
        }
        let used = self.uses.get(wire.id.0);
        let held = match (wire.channel.depth, used) {
            (Depth::Words(depth), Some(used)) => format!("held {} of {}", grouped(used.high_water), grouped(depth as u64)),
            (Depth::Words(depth), None) => format!("depth {}", grouped(depth as u64)),
            (Depth::Unbounded, Some(used)) => format!("held {}, unbounded", grouped(used.high_water)),
            (Depth::Unbounded, None) => "unbounded".to_string(),
        };
        let stalled = used.and_then(|used| used.stalled).filter(|&stalled| stalled > 0);
        [Some(held), stalled.map(|cycles| format!("stalled {} cycles", grouped(cycles)))].into_iter().flatten().collect()
    }

    fn draw(&self) -> String {
        let bottom = self.lane.iter().copied().chain(self.wires.iter().map(|wire| wire.lane)).max().unwrap_or(0);
        let width = self.extent.last().map_or(0.0, |last| last.1) + MARGIN;
        let height = self.height_of(bottom) + LANE / 2.0;
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\">\n\
             <style>\n{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#ffffff\"/>\n"
        );
        text.extend(self.wires.iter().map(|wire| self.wire(wire)));
        text.extend((0..self.units.len()).map(|unit| self.unit(unit)));
        text + "</svg>\n"
    }

    fn unit(&self, index: usize) -> String {
        let (left, right) = self.extent[self.column[index]];
        let (middle, y) = ((left + right) / 2.0, self.height_of(self.lane[index]));
        let unit = self.units[index];
        let lines = unit_lines(unit);
        let (class, radius) =
            if matches!(unit.kind, Kind::Source | Kind::Sink) { ("unit border", UNIT_HEIGHT / 2.0) } else { ("unit", 6.0) };
        let mut text = String::from("<g>");
        _ = write!(
            text,
            "<rect class=\"{class}\" x=\"{left:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{UNIT_HEIGHT}\" rx=\"{radius}\"/>",
            y - UNIT_HEIGHT / 2.0,
            right - left
        );
        let first = y + 4.0 - LINE * lines.len() as f64 / 2.0;
        _ = write!(text, "<text class=\"name\" x=\"{middle:.1}\" y=\"{first:.1}\">{}</text>", escaped(&unit.name));
        for (line, below) in lines.iter().zip(1..) {
            _ = write!(text, "<text x=\"{middle:.1}\" y=\"{:.1}\">{line}</text>", first + LINE * f64::from(below) + 1.0);
        }
        text + "</g>\n"
    }

    fn wire(&self, wire: &Wire) -> String {
        let (start, end) = (self.extent[self.column[wire.from]].1, self.extent[self.column[wire.to]].0);
        let (from, y) = (self.height_of(self.lane[wire.from]), self.height_of(wire.lane));
        let to = self.height_of(self.lane[wire.to]) + APART * 1.3 * self.port(wire) as f64;
        let (out, into) = (start + self.turn_out(wire), end - self.turn_in(wire));
        let mut text = String::from("<g");
        let used = self.uses.get(wire.id.0).filter(|_| self.graph.is_fifo(wire.id));
        if used.is_some_and(|used| wire.channel.depth == Depth::Words(used.high_water as usize)) {
            text += " class=\"full\"";
        }
        let turn = start + self.turn_out(wire) - STUB / 2.0;
        let back = end - self.turn_in(wire) + STUB / 2.0 - APART / 2.0;
        _ = write!(text, "><title>{}</title>", escaped(&wire.channel.name));
        _ = write!(text, "<path class=\"line\" d=\"M{start:.1} {from:.1}H{turn:.1}V{y:.1}H{back:.1}V{to:.1}H{:.1}\"/>", end - 6.0);
        _ = write!(text, "<path class=\"arrow\" d=\"M{end:.1} {to:.1}l-8 -4v8z\"/>");
        if self.graph.is_fifo(wire.id) {
            let single = self.column[wire.to] - self.column[wire.from] == 1;
            let shown = places(wire.channel.depth) as f64 * PLACE.0;
            let deep = depth_of(wire.channel.depth).is_none_or(|depth| depth > PLACES);
            let width = if deep && !single { into - out } else { shown };
            text += &queue(wire.channel.depth, used, (out + into - width) / 2.0, y, width);
            for (label, line) in self.labels(wire).iter().zip(0..) {
                let below = y + PLACE.1 / 2.0 + LINE * (f64::from(line) + 1.0);
                _ = write!(text, "<text x=\"{:.1}\" y=\"{below:.1}\">{label}</text>", (out + into) / 2.0);
            }
        }
        text + "</g>\n"
    }
}

/// A queue around a height: its outline, what was in use of it, and its places or those at its ends.
fn queue(depth: Depth, used: Option<&ChannelUse>, left: f64, y: f64, width: f64) -> String {
    let (top, height) = (y - PLACE.1 / 2.0, PLACE.1);
    let rectangle = |class: &str, left: f64, width: f64| {
        format!("<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>")
    };
    let mut text = rectangle("queue", left, width);
    if let (Some(used), Some(depth)) = (used, depth_of(depth)) {
        let filled = width * (used.high_water as f64 / depth as f64).min(1.0);
        text += &rectangle("used", left + width - filled, filled);
    }
    let mut lines: Vec<f64> = match depth_of(depth) {
        Some(depth) if depth <= PLACES => (1..depth).map(|place| place as f64 * PLACE.0).collect(),
        _ => (1..=2).flat_map(|place| [place as f64 * PLACE.0, width - place as f64 * PLACE.0]).collect(),
    };
    lines.sort_by(f64::total_cmp);
    let strokes: String = lines.iter().map(|x| format!("M{:.1} {top:.1}v{height:.1}", left + x)).collect();
    if depth_of(depth).is_none_or(|depth| depth > PLACES) {
        let middle = left + width / 2.0;
        for x in [-6.0, 0.0, 6.0] {
            _ = write!(text, "<circle class=\"place more\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"1\"/>", middle + x);
        }
    }
    let outline = format!("M{left:.1} {top:.1}h{width:.1}v{height:.1}h-{width:.1}z");
    text + &format!("<path class=\"place\" d=\"{outline}{strokes}\"/>")
}

/// What stands in a unit below its name.
fn unit_lines(unit: &Unit) -> Vec<String> {
    let kind = format!("{:?}", unit.kind).to_lowercase();
    let facts: Vec<String> = facts(unit).map(|(what, value)| format!("{what} {}", grouped(value))).collect();
    std::iter::once(kind).chain((!facts.is_empty()).then(|| facts.join(", "))).collect()
}

fn depth_of(depth: Depth) -> Option<usize> {
    match depth {
        Depth::Words(words) => Some(words.max(1)),
        Depth::Unbounded => None,
    }
}

/// How many places a queue is wide at least.
fn places(depth: Depth) -> usize {
    depth_of(depth).map_or(PLACES + 2, |depth| if depth <= PLACES { depth } else { PLACES + 2 })
}

/// About how wide a label is.
fn text_width(text: &str) -> f64 {
    6.1 * text.chars().count() as f64
}

/// Thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).expect("digits are text")).collect();
    parts.join("\u{202f}")
}

fn escaped(name: &str) -> String {
    name.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use systole_hdl::Type;

    use crate::dot::uses;
    use crate::execute::{Record, Values};
    use crate::expression::{input, next, state};
    use crate::graph::{Fold, Word};

    const TY: Type = Type::uq(4, 4);

    /// Numbers as shares of the sum of each eight of them, weighted: the numbers wait for the sum in a FIFO of ten.
    fn shares() -> Graph {
        let mut g = Graph::new();
        let numbers = g.source("numbers", [TY], [0.5; 32], 1);
        let weights = g.source("weights", [TY], [1.0; 8], 4);
        let [wait, to_sum] = g.fork("fork", numbers);
        let sum = Fold::new([Word::zero(TY)], [(state(0) + input(0)).wrap(TY)], [next(0)]);
        let sum = g.reduce("sum", &[to_sum], 8, sum);
        let sums = g.repeat("repeat-sum", sum, 8);
        let shares = g.zip("divide", &[wait, sums], [input(0).divide(input(1), TY)]);
        let weighted = g.zip("weigh", &[shares, weights], [input(0) * input(1)]);
        g.set_depth(wait, Depth::Words(10));
        g.sink("out", weighted);
        g
    }

    /// Forks into forks, joined crosswise, and a channel from the first to the last.
    fn tangle() -> Graph {
        let mut g = Graph::new();
        let source = g.source("in", [TY], [1.0], 1);
        let [a, b, c] = g.fork("a&b", source);
        let [d, e] = g.fork("d", b);
        let [f, h] = g.fork("f", c);
        let other = g.source("other", [TY], [1.0], 1);
        let x = g.zip("x", &[e, f, other], [input(0)]);
        let y = g.zip("y", &[h, d], [input(0)]);
        let z = g.zip("z", &[y, a, x], [input(0)]);
        g.sink("out", z);
        g
    }

    #[test]
    fn no_two_things_are_drawn_in_one_place() {
        for graph in [shares(), tangle()] {
            let drawing = Drawing::new(&graph, &[]);
            let units = drawing.column.iter().zip(&drawing.lane).map(|(column, &lane)| (2 * column, lane));
            let of_wire = |wire: &Wire| (2 * drawing.column[wire.from] + 1..2 * drawing.column[wire.to], wire.lane);
            let wires = drawing.wires.iter().map(of_wire).flat_map(|(places, lane)| places.map(move |place| (place, lane)));
            let mut seen = HashSet::new();
            units.chain(wires).for_each(|place| assert!(seen.insert(place), "{place:?} is used twice"));
        }
    }

    #[test]
    fn the_longest_path_is_straight() {
        let graph = shares();
        let drawing = Drawing::new(&graph, &[]);
        let aside: Vec<&str> =
            drawing.units.iter().zip(&drawing.lane).filter(|(_, lane)| **lane != 0).map(|(unit, _)| unit.name.as_str()).collect();
        assert_eq!(aside, ["weights"]);
    }

    #[test]
    fn the_picture_shows_that_the_long_fifo_is_full() {
        let graph = shares();
        let run = graph.run_with(Record { values: Values::None, transfers: true }).unwrap();
        insta::assert_snapshot!(svg(&graph, &uses(&graph, &run)));
    }

    #[test]
    fn names_are_escaped_and_a_graph_without_units_is_an_empty_drawing() {
        assert!(svg(&tangle(), &[]).contains(">a&amp;b</text>"));
        assert!(svg(&Graph::new(), &[]).starts_with("<svg "));
    }
}

//! A drawing of a graph, as SVG.
//!
//! Units stand in columns, every unit right of all that it takes from, and in lanes; the longest path is a straight line. A channel runs
//! in one lane from the column of its producer to that of its consumer, in a lane that nothing else uses there, so that neither lines nor labels
//! meet a unit. Only its two ends change lanes, in the gaps beside these columns. Columns are broken into rows that fit a page; a channel
//! that goes on in the next row ends at a numbered circle there, and begins at one with the same number.
//!
//! A FIFO is drawn as a queue, as long as its channel where it is deep. Places that were in use at a time are filled, from the
//! consumer's end; a FIFO that was full at a time is orange. A legend explains what occurs. The drawing brings its own background.

mod bands;
mod layout;
mod legend;
mod queue;
mod text;
mod wire;

use std::collections::BTreeSet;
use std::fmt::Write;

use self::bands::{Band, ColumnWidths, bands, width_of, with_lanes};
use self::layout::{Wire, columns, lanes};
use self::legend::{Shown, legend};
use self::queue::places;
pub use self::text::printable;
use self::text::{escaped, grouped, text_width};
use crate::dot::{ChannelUse, facts};
use crate::graph::{Depth, Graph, Kind, Unit};

/// Height of a lane, and the sizes within it, in pixels.
const LANE: f64 = 86.0;
const UNIT_HEIGHT: f64 = 54.0;
const LINE: f64 = 14.0;
const MARGIN: f64 = 24.0;
/// Place of a FIFO: width and height.
const PLACE: (f64, f64) = (11.0, 18.0);
/// Least length of a line before and behind a queue.
const STUB: f64 = 16.0;
/// Between lines that run in parallel.
const APART: f64 = 9.0;
/// Room for the circle at which a channel leaves a row or comes into one.
const CONNECTOR: f64 = 24.0;
/// Least width that the legend is broken at.
const LEAST_WIDTH: f64 = 480.0;

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
.connector { fill: #ffffff; stroke: #7b8794; stroke-width: 1.2 }
.number { font-weight: 600; fill: #1c2530 }
.full .queue, .full .place { stroke: #c2691c }
.full .more { fill: #c2691c }
.full .used { fill: #f6c48f }
.full text { fill: #a04f0e; font-weight: 600 }
.full .number { fill: #1c2530 }
.legend text { text-anchor: start; font-weight: 400; fill: #5a6472 }
.legend .number { text-anchor: middle; font-weight: 600; fill: #1c2530 }
";

/// Draws the graph from left to right and row by row: units with what [`dot`](crate::dot::dot) says of them, FIFOs with their depth and, where
/// `uses` has an entry a channel and is not empty, with the most that they held and their stalls.
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
    bands: Vec<Band>,
    /// Left and right end of each column of units, and of each band.
    extent: Vec<(f64, f64)>,
    edges: Vec<(f64, f64)>,
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
        let mut drawing = Drawing { units, graph, uses, column, lane, wires, bands: Vec::new(), extent: Vec::new(), edges: Vec::new() };
        let widths = drawing.widths();
        drawing.bands = with_lanes(bands(&widths, MARGIN), &drawing.column, &drawing.lane, &drawing.wires);
        for band in &drawing.bands {
            let mut left = MARGIN + if band.columns.start > 0 { widths[band.columns.start].lead } else { 0.0 };
            for column in &widths[band.columns.clone()] {
                drawing.extent.push((left, left + column.units));
                left += column.units + column.gap;
            }
            drawing.edges.push((MARGIN, MARGIN + width_of(&band.columns, &widths)));
        }
        drawing
    }

    /// Columns are as wide as their widest unit, gaps as their widest queue or label and the lines that turn there.
    fn widths(&self) -> Vec<ColumnWidths> {
        let count = self.column.iter().max().map_or(0, |last| last + 1);
        let mut columns = vec![ColumnWidths { units: 64.0, gap: 0.0, tail: 0.0, lead: 0.0 }; count];
        for (unit, &column) in self.units.iter().zip(&self.column) {
            let lines = unit_lines(unit).into_iter().map(|line| text_width(&line)).fold(text_width(&unit.name) * 1.25, f64::max);
            columns[column].units = columns[column].units.max(lines + 24.0);
        }
        // Widest queue or label, and widest turns, of the wires in each gap.
        let (mut queues, mut turns_out) = (vec![0.0_f64; count], vec![0.0_f64; count]);
        for wire in &self.wires {
            let (from, to) = (self.column[wire.from], self.column[wire.to]);
            let label = self.labels(wire).iter().map(|label| text_width(label)).fold(0.0, f64::max);
            let queue = if self.graph.is_fifo(wire.id) { places(wire.channel.depth) as f64 * PLACE.0 } else { 0.0 };
            // A long one has the columns between for its label.
            let own = if to - from == 1 { label.max(queue) } else { 0.0 };
            let (out, into) = (self.turn_out(wire), self.turn_in(wire));
            columns[from].gap = columns[from].gap.max(own + out + into);
            columns[to - 1].gap = columns[to - 1].gap.max(own + out + into);
            columns[to].lead = columns[to].lead.max(CONNECTOR + into);
            queues[from] = queues[from].max(own);
            turns_out[from] = turns_out[from].max(out);
        }
        for (column, (queue, out)) in columns.iter_mut().zip(queues.into_iter().zip(turns_out)) {
            column.tail = out + queue + CONNECTOR;
            column.lead = column.lead.max(CONNECTOR + STUB);
        }
        columns
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

    /// The band of a column.
    fn band_of(&self, column: usize) -> usize {
        self.bands.iter().position(|band| band.columns.contains(&column)).expect("the bands hold every column")
    }

    /// Upper edge of a band.
    fn top_of(&self, band: usize) -> f64 {
        self.bands[..band].iter().map(|band| LANE * (band.lanes.1 - band.lanes.0 + 1) as f64).sum()
    }

    /// Middle of a lane in a band.
    fn height_of(&self, band: usize, lane: i64) -> f64 {
        self.top_of(band) + LANE * ((lane - self.bands[band].lanes.0) as f64 + 0.5)
    }

    fn used(&self, wire: &Wire) -> Option<&ChannelUse> {
        self.uses.get(wire.id.0).filter(|_| self.graph.is_fifo(wire.id))
    }

    fn is_full(&self, wire: &Wire) -> bool {
        self.used(wire).is_some_and(|used| wire.channel.depth == Depth::Words(used.high_water as usize))
    }

    fn draw(&self) -> String {
        let width = self.edges.iter().map(|edges| edges.1 + MARGIN).fold(LEAST_WIDTH, f64::max);
        let shown = Shown {
            wires: self.wires.iter().any(|wire| !self.graph.is_fifo(wire.id)),
            fifos: self.wires.iter().any(|wire| self.graph.is_fifo(wire.id)),
            uses: !self.uses.is_empty(),
            full: self.wires.iter().any(|wire| self.is_full(wire)),
            rows: self.bands.len() > 1,
        };
        let (legend, legend_height) = legend(shown, self.top_of(self.bands.len()) + MARGIN / 2.0, width);
        let height = self.top_of(self.bands.len()) + legend_height + MARGIN;
        let mut text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\">\n\
             <style>\n{STYLE}</style>\n<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#ffffff\"/>\n"
        );
        let broken = |wire: &&Wire| self.band_of(self.column[wire.from]) < self.band_of(self.column[wire.to]);
        let mut numbers =
            self.wires.iter().filter(broken).map(|wire| (self.band_of(self.column[wire.from]), wire.lane, wire.id.0)).collect::<Vec<_>>();
        numbers.sort_unstable();
        text.extend(self.wires.iter().map(|wire| {
            let number = numbers.iter().position(|&(_, _, id)| id == wire.id.0).map_or(0, |position| position + 1);
            self.wire(wire, number)
        }));
        text.extend((0..self.units.len()).map(|unit| self.unit(unit)));
        text + &legend + "</svg>\n"
    }

    fn unit(&self, index: usize) -> String {
        let (left, right) = self.extent[self.column[index]];
        let (middle, y) = ((left + right) / 2.0, self.height_of(self.band_of(self.column[index]), self.lane[index]));
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
}

/// What stands in a unit below its name.
fn unit_lines(unit: &Unit) -> Vec<String> {
    let kind = format!("{:?}", unit.kind).to_lowercase();
    let facts: Vec<String> = facts(unit).map(|(what, value)| format!("{what} {}", grouped(value))).collect();
    std::iter::once(kind).chain((!facts.is_empty()).then(|| facts.join(", "))).collect()
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

    /// A chain of repeats and reduces with a FIFO from its first unit to its last.
    fn chain(units: usize) -> Graph {
        let mut g = Graph::new();
        let source = g.source("in", [TY], [1.0; 8], 1);
        let [around, mut along] = g.fork("fork", source);
        for unit in 0..units {
            along = g.zip(&format!("unit-{unit}"), &[along], [input(0)]);
        }
        let joined = g.zip("join", &[along, around], [input(0) + input(1)]);
        g.sink("out", joined);
        g.set_depth(around, Depth::Words(units + 2));
        g
    }

    fn width_of(svg: &str) -> f64 {
        let document = roxmltree::Document::parse(svg).unwrap();
        document.root_element().attribute("width").unwrap().parse().unwrap()
    }

    /// Numbers in the circles of a drawing, without the legend's.
    fn connectors(svg: &str) -> Vec<usize> {
        let document = roxmltree::Document::parse(svg).unwrap();
        let drawn = document.descendants().filter(|node| node.attribute("class") == Some("number"));
        let in_legend = |node: &roxmltree::Node| node.ancestors().any(|above| above.attribute("class") == Some("legend"));
        drawn.filter(|node| !in_legend(node)).map(|node| node.text().unwrap().parse().unwrap()).collect()
    }

    #[test]
    fn a_long_graph_is_broken_into_rows_of_a_page() {
        for units in [1, 4, 7, 12, 40] {
            let graph = chain(units);
            let text = svg(&graph, &[]);
            assert!(width_of(&text) <= 920.0, "{units} units: {}", width_of(&text));
            let bands = Drawing::new(&graph, &[]).bands.len();
            // The chain and the FIFO around it leave a row and come into the next.
            assert_eq!(connectors(&text).len(), 4 * (bands - 1), "{units} units in {bands} rows");
            let number = |number: usize| connectors(&text).iter().filter(|&&other| other == number).count();
            assert!((1..=bands).all(|wire| number(wire) > 0 || bands == 1), "{:?}", connectors(&text));
        }
    }

    #[test]
    fn any_name_of_a_unit_gives_well_formed_xml() {
        for name in ["a\u{0}b", "\u{1b}[31m", "<&>\"'", "\u{fffe}", "]]>", "--"] {
            let mut g = Graph::new();
            let source = g.source(name, [TY], [1.0], 1);
            g.sink("out", source);
            roxmltree::Document::parse(&svg(&g, &[])).unwrap();
        }
    }

    #[test]
    fn names_are_escaped_and_a_graph_without_units_is_an_empty_drawing() {
        assert!(svg(&tangle(), &[]).contains(">a&amp;b</text>"));
        assert!(svg(&Graph::new(), &[]).starts_with("<svg "));
    }
}

//! The cycle of every transfer, without values: a clock that leaps.
//!
//! In a cycle the nodes decide one after the other whether they fire: sources first, then consumers before producers. So a
//! node sees the room that a consumer makes in the same cycle, but no element that is given in it. As a graph has no cycle, one pass will do. Where
//! nothing fires, the clock goes on to the next event; where the same firings come again and again, it [leaps](crate::leap).

use crate::deadlock::Wait;
use crate::execute::{Output, Run, RunError, Stop, Traffic, Transfers};
use crate::graph::{Depth, Graph, Kind, Room};
use crate::leap::{History, MOST_CYCLES_OF_A_RUN};
use crate::link::Link;
use crate::node::{Blocked, Node};
use crate::rates::{Rates, elements_of};

/// The times of a checked graph with other depths. The outputs have no values.
pub(crate) fn times(graph: &Graph, depths: &[Depth], transfers: bool) -> Result<Run, Stop> {
    let mut clock = Clock::new(graph, depths, transfers);
    clock.run()?;
    clock.result(graph)
}

/// A graph during the computation of times.
pub(crate) struct Clock {
    pub(crate) cycle: u64,
    /// In the order of units; the last stage of a pipeline after its unit.
    pub(crate) nodes: Vec<Node>,
    pub(crate) links: Vec<Link>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) history: History,
    /// Nodes in the order in which they decide.
    order: Vec<usize>,
    /// Those of the links that are pipelines.
    pipelines: Vec<usize>,
    /// Cycles that were stepped one by one.
    pub(crate) steps: u64,
}

impl Clock {
    pub(crate) fn new(graph: &Graph, depths: &[Depth], transfers: bool) -> Clock {
        let mut clock = Clock {
            cycle: 0,
            nodes: Vec::new(),
            links: Vec::new(),
            outputs: Vec::new(),
            history: History::new(),
            order: Vec::new(),
            pipelines: Vec::new(),
            steps: 0,
        };
        let mut link_of = vec![usize::MAX; depths.len()];
        for (id, unit) in graph.units() {
            let mut at = clock.nodes.len();
            let inputs: Vec<usize> = unit.inputs.iter().map(|channel| link_of[channel.0]).collect();
            let mut node = Node::new(id, inputs, Rates::of(unit), unit.interval);
            let is_source = unit.kind == Kind::Source;
            if is_source {
                node.become_source(elements_of(graph, unit));
            }
            if unit.kind == Kind::Sink {
                clock.outputs.push(Output { unit: id, values: Vec::new(), raw: Vec::new() });
            }
            clock.add_node(node);
            if unit.latency > 1 && !matches!(unit.kind, Kind::Source | Kind::Sink) {
                let pipeline = clock.add_link(Link::pipeline(at, unit.latency - 1));
                clock.pipelines.push(pipeline);
                at = clock.add_node(Node::new(id, vec![pipeline], Rates::EVERY, 1));
            }
            for &channel in &unit.outputs {
                // A source decides first in a cycle, so that what it offers can be taken at once, and its wire is free only in the next cycle.
                let depth = if is_source { Depth::Words(1) } else { depths[channel.0] };
                let mut link = Link::new(channel, at, depth);
                link.is_registered = graph.room() == Room::NextCycle;
                if transfers {
                    link.record();
                }
                link_of[channel.0] = clock.add_link(link);
            }
        }
        let (sources, others): (Vec<_>, Vec<_>) = (0..clock.nodes.len()).partition(|&at| clock.nodes[at].is_source);
        clock.order = sources.into_iter().chain(others.into_iter().rev()).collect();
        clock
    }

    fn add_node(&mut self, node: Node) -> usize {
        let id = self.nodes.len();
        node.inputs.iter().for_each(|&input| self.links[input].consumer = id);
        self.nodes.push(node);
        id
    }

    fn add_link(&mut self, link: Link) -> usize {
        let id = self.links.len();
        self.nodes[link.producer].outputs.push(id);
        self.links.push(link);
        id
    }

    /// Runs until nothing can happen any more.
    pub(crate) fn run(&mut self) -> Result<(), Stop> {
        let mut idle = 0;
        while self.cycle < MOST_CYCLES_OF_A_RUN {
            let fired = self.step();
            let next = if fired == NONE_FIRED { self.next_event() } else { Some(self.cycle + 1) };
            let Some(next) = next else { return Ok(()) };
            let step = hashed(fired, idle);
            idle = next - self.cycle;
            self.cycle = next;
            self.leap(step);
        }
        Err(Stop::Error(RunError::TooLong))
    }

    /// A cycle: which nodes fired, as a hash.
    fn step(&mut self) -> u64 {
        self.steps += 1;
        let cycle = self.cycle;
        self.pipelines.iter().for_each(|&pipeline| self.links[pipeline].arrive(cycle));
        let mut fired = NONE_FIRED;
        for &at in &self.order {
            let node = &mut self.nodes[at];
            if node.fires(&mut self.links, cycle) {
                node.fire(&mut self.links, cycle);
                fired = hashed(fired, at as u64 + 1);
            }
        }
        fired
    }

    /// The next cycle in which a node may fire that cannot now, if nothing fires before.
    fn next_event(&self) -> Option<u64> {
        let timers = self.nodes.iter().map(Node::earliest).filter(|&cycle| cycle > self.cycle);
        let arrivals = self.pipelines.iter().filter_map(|&pipeline| self.links[pipeline].next_arrival());
        timers.chain(arrivals).min()
    }

    fn result(self, graph: &Graph) -> Result<Run, Stop> {
        if let Some(stuck) = self.nodes.iter().position(|node| node.is_unfinished(&self.links)) {
            return Err(self.stop(graph, stuck));
        }
        let mut traffic = vec![Traffic::default(); graph.channels().len()];
        let mut transfers = Vec::new();
        for link in self.links {
            let Some(channel) = link.channel else { continue };
            let (mut of_link, mut of_link_transfers) = link.into_traffic();
            if !graph.is_fifo(channel) {
                // On a wire nothing stays: an element enters when it is taken.
                (of_link.entered, of_link.high_water) = (of_link.left, 0);
                if let Some(transfers) = &mut of_link_transfers {
                    transfers.entered.clone_from(&transfers.left);
                }
            }
            traffic[channel.0] = of_link;
            if let Some(of_link) = of_link_transfers {
                transfers.resize(traffic.len(), Transfers::default());
                transfers[channel.0] = of_link;
            }
        }
        let taken_by = |output: &Output| traffic[graph.unit(output.unit).inputs[0].0].left.map(|(_, last)| last + 1);
        let cycles = self.outputs.iter().filter_map(taken_by).max().unwrap_or(0);
        Ok(Run { cycles, outputs: self.outputs, traffic, transfers })
    }

    /// Follows what a node waits for, from node to node, until a source that has ended, or round a circle.
    fn stop(&self, graph: &Graph, stuck: usize) -> Stop {
        let mut path: Vec<usize> = Vec::new();
        // Of each node on the path; none where a unit's stages wait for each other.
        let mut waits: Vec<Option<Wait>> = Vec::new();
        let mut at = stuck;
        loop {
            if let Some(start) = path.iter().position(|&node| node == at) {
                // A source fires when it offers, which is no event yet.
                let units = self.nodes.iter().filter(|node| !node.is_source);
                let cycle = units.filter_map(Node::last_firing).max().map_or(0, |last| last + 1);
                return Stop::Deadlock { cycle, waits: waits.into_iter().skip(start).flatten().collect() };
            }
            path.push(at);
            let unit = self.nodes[at].unit;
            let (link, for_room) = match self.nodes[at].blocked(&self.links) {
                Some(Blocked::Element(link)) => (link, false),
                Some(Blocked::Room(link)) => (link, true),
                Some(Blocked::Ended) | None => {
                    let last = waits.into_iter().flatten().next_back().expect("a source that has ended is not stuck, so another led here");
                    return Stop::Error(RunError::Starved {
                        unit: last.unit_name,
                        channel: last.channel_name,
                        source_name: graph.unit(unit).name.clone(),
                        elements: self.nodes[at].fired(),
                    });
                }
            };
            waits.push(self.links[link].channel.map(|channel| Wait {
                unit,
                unit_name: graph.unit(unit).name.clone(),
                channel,
                channel_name: graph.channel(channel).name.clone(),
                full: for_room.then(|| self.links[link].held() as usize),
            }));
            at = if for_room { self.links[link].consumer } else { self.links[link].producer };
        }
    }
}

/// The hash of a cycle in which nothing fires.
const NONE_FIRED: u64 = 0;

/// A hash of a hash and a number.
fn hashed(hash: u64, number: u64) -> u64 {
    (hash ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use systole_hdl::Type;

    use crate::expression::{index, input, next, state};
    use crate::graph::{Fold, Word};

    const TY: Type = Type::s(32);

    fn sum() -> Fold {
        Fold::new([Word::zero(TY)], [(state(0) + input(0)).wrap(TY)], [next(0)])
    }

    fn steps(graph: &Graph) -> u64 {
        let depths: Vec<Depth> = graph.channels().map(|(_, channel)| channel.depth).collect();
        let mut clock = Clock::new(graph, &depths, false);
        assert!(clock.run().is_ok());
        let steps = clock.steps;
        assert!(clock.result(graph).is_ok());
        steps
    }

    #[test]
    fn a_row_of_a_million_numbers_takes_as_few_steps_as_one_of_ten_thousand() {
        let steps = [10_000_u64, 640_000, 1_000_000].map(|count| {
            let mut g = Graph::new();
            let numbers = g.source("in", [TY], [0.0], 3 * count);
            let [wait, to_sum] = g.fork("fork", numbers);
            let sum = g.reduce("sum", &[to_sum], count, sum());
            let sums = g.repeat("repeat", sum, count);
            let joined = g.zip("join", &[wait, sums], [input(0), input(1)]);
            g.set_depth(wait, Depth::Words(count as usize + 2));
            g.sink("out", joined);
            steps(&g)
        });
        assert!(steps[0] < 200 && steps[0] == steps[1] && steps[0] == steps[2], "{steps:?}");
    }

    #[test]
    fn slow_units_and_long_pipelines_take_no_more_steps() {
        for (interval, latency) in [(1, 1000), (3, 1), (3, 1000), (100, 7), (1_000_000, u64::from(u32::MAX))] {
            let steps = [10_000_u64, 640_000].map(|count| {
                let mut g = Graph::new();
                let source = g.source("in", [TY], [0.0], 1);
                let numbers = g.flatmap("numbers", &[source], count, [(input(0) + index()).wrap(TY)]);
                let doubled = g.map("doubled", numbers, [input(0).wrap(TY)]);
                let sum = g.reduce("sum", &[doubled], count, sum());
                g.sink("out", sum);
                g.set_interval(g.producer(sum), interval);
                g.set_latency(g.producer(doubled), latency);
                g.set_depth(doubled, Depth::Words(50));
                steps(&g)
            });
            assert!(steps[0] < 4000 && steps[0].abs_diff(steps[1]) < 100, "interval {interval}, latency {latency}: {steps:?}");
        }
    }

    #[test]
    fn cycles_that_cannot_be_counted_are_an_error() {
        let mut g = Graph::new();
        let source = g.source("in", [TY], [0.0], u64::MAX);
        let sum = g.reduce("sum", &[source], u64::MAX, sum());
        g.sink("out", sum);
        assert_eq!(g.run(), Err(RunError::TooLong));
    }
}

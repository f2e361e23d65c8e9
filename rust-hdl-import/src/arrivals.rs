//! Flip-flops that rust-hdl's simulator clocks too late.
//!
//! That simulator calls `update` of all blocks, from the top down, until nothing changes. What a block assigns to a child's input the
//! child reads in the next turn, and what it assigns to an output its parent reads in the next turn: every port on a path costs one turn,
//! on the path of a clock too. What a block assigns to a local signal or an output it reads itself in the same turn, if the assignment
//! comes first. A flip-flop that sees its edge in turn `n` takes what its input is in turn `n`, and its output has changed in turn
//! `n + 1`. So where the clock of one flip-flop passes more ports than the data that come to it from another, it takes what the other has
//! just become. In hardware, and in rust-hdl's Verilog, all flip-flops of a clock change at once.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rustc_hash::FxHashMap;

use crate::diagnostic::{Diagnostic, Problem};

/// A signal of one block of the circuit, as its parent reads it or, if it is an output, as the block itself does.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct Point(u32);

/// A flip-flop or a memory takes or shows something at each edge.
struct Edge {
    clock: Point,
    signal: Point,
    /// Path of the flip-flop or memory.
    owner: String,
}

/// How signals follow each other in the whole circuit.
#[derive(Default)]
pub(crate) struct Arrivals {
    points: FxHashMap<String, Point>,
    /// For each signal those that are computed from it, and how many turns later.
    followers: Vec<Vec<(Point, u32)>>,
    /// What feeds each clock, and how many turns later it follows.
    clock_sources: FxHashMap<Point, (Point, u32)>,
    samples: Vec<Edge>,
    launches: Vec<Edge>,
}

impl Arrivals {
    /// The signal `name` of the block at `path`.
    pub fn point(&mut self, path: &str, name: &str) -> Point {
        let next = Point(self.followers.len() as u32);
        let point = *self.points.entry(format!("{path}.{name}")).or_insert(next);
        if point == next {
            self.followers.push(Vec::new());
        }
        point
    }

    /// Notes that `signal` is computed from `source`, and how many turns later it follows.
    pub fn follow(&mut self, signal: Point, source: Point, turns: u32) {
        self.followers[source.0 as usize].push((signal, turns));
    }

    /// Notes that a clock is fed from another, and how many turns later it follows.
    pub fn feed(&mut self, clock: Point, source: Point, turns: u32) {
        self.clock_sources.insert(clock, (source, turns));
    }

    /// Notes that the flip-flop or memory `owner` takes a signal at an edge of `clock`.
    pub fn sample(&mut self, owner: &str, clock: Point, signal: Point) {
        self.samples.push(Edge { clock, signal, owner: owner.to_string() });
    }

    /// Notes that a signal of the flip-flop or memory `owner` changes at an edge of `clock`.
    pub fn launch(&mut self, owner: &str, clock: Point, signal: Point) {
        self.launches.push(Edge { clock, signal, owner: owner.to_string() });
    }

    /// The clock that a clock comes from, and the number of turns that it takes.
    fn origin(&self, clock: Point) -> (Point, u32) {
        let (mut origin, mut taken) = (clock, 0);
        // A chain has at most as many links as there are signals; a circle has been reported.
        for _ in 0..self.followers.len() {
            let Some(&(source, turns)) = self.clock_sources.get(&origin) else { break };
            (origin, taken) = (source, taken + turns);
        }
        (origin, taken)
    }

    /// What is wrong if any flip-flop takes what another has become at the same edge.
    pub fn late(&self) -> Option<Diagnostic> {
        let mut clocks: Vec<Point> = self.launches.iter().map(|edge| self.origin(edge.clock).0).collect();
        clocks.sort_unstable();
        clocks.dedup();
        let mut late: Vec<(&Edge, &Edge, u32)> = Vec::new();
        for clock in clocks {
            let earliest = self.earliest(clock);
            late.extend(self.samples.iter().filter_map(|sample| {
                let (origin, arrival) = self.origin(sample.clock);
                let (turn, launch) = *earliest.get(&sample.signal).filter(|_| origin == clock)?;
                (turn <= arrival).then_some((sample, launch, arrival))
            }));
        }
        let (sample, launch, ports) = *late.first()?;
        let mut others: Vec<&str> = late.iter().map(|(sample, ..)| sample.owner.as_str()).filter(|owner| *owner != sample.owner).collect();
        others.sort_unstable();
        others.dedup();
        let (module, name) = sample.owner.rsplit_once('.').unwrap_or((&sample.owner, &sample.owner));
        let first = format!(
            "it passes {ports} ports, so that in rust-hdl's simulator it arrives when `{}` has changed at the same edge, and `{name}` takes \
             what comes of that, where hardware takes what was before",
            launch.owner
        );
        let reason = match others.len() {
            0 => first,
            1 => format!("{first}, and `{}` is late too", others[0]),
            count => format!("{first}, and {count} more are late, `{}` among them", others[0]),
        };
        let remedy = "let the clock pass no more ports than the data, or import what hardware does with `late_clocks: LateClocks::AtOnce`";
        Some(Problem::new(format!("clock of `{name}`"), reason, remedy).within(module))
    }

    /// For each signal that follows a flip-flop of this clock, the first turn after which it may have changed, and the flip-flop.
    fn earliest(&self, clock: Point) -> FxHashMap<Point, (u32, &Edge)> {
        let mut earliest = FxHashMap::default();
        let launches = self.launches.iter().enumerate().filter_map(|(place, launch)| {
            let (origin, arrival) = self.origin(launch.clock);
            (origin == clock).then_some(Reverse((arrival + 1, launch.signal, place)))
        });
        let mut open: BinaryHeap<_> = launches.collect();
        while let Some(Reverse((turn, signal, place))) = open.pop() {
            if earliest.contains_key(&signal) {
                continue;
            }
            earliest.insert(signal, (turn, &self.launches[place]));
            let followers = self.followers[signal.0 as usize].iter();
            open.extend(followers.map(|&(follower, turns)| Reverse((turn + turns, follower, place))));
        }
        earliest
    }
}

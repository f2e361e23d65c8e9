//! The graph of what waits for what.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;
use systole_hdl::design::Cell;

use super::cone::Cone;
use super::{Side, is_full};
use crate::connect::SignalId;
use crate::engine::Engine;
use crate::hierarchy::NodeId;
use crate::probes::Probes;

/// One side of a stream's handshake that is 0 and holds others up.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Point {
    /// Index among the probes' streams.
    pub stream: usize,
    pub lacks: Side,
}

/// Points looked into before a search for circles gives up: a circle is found near its victims.
const MOST_POINTS: usize = 2048;

/// What each point waits for, as far as it can be reached from the roots.
pub(super) struct WaitGraph<'p> {
    probes: &'p Probes,
    /// In the order in which they were reached, roots first.
    points: Vec<Point>,
    cones: Vec<Cone>,
    /// Parallel to `points`: indices of the points waited for, nearest first.
    waits: Vec<Vec<usize>>,
    /// The full FIFOs, by index among the probes' levels.
    pub full: Vec<usize>,
}

impl<'p> WaitGraph<'p> {
    pub fn explore(engine: &dyn Engine, probes: &'p Probes, roots: &[Point]) -> WaitGraph<'p> {
        let mut boundary: FxHashMap<SignalId, Point> = FxHashMap::default();
        for (index, stream) in probes.streams.iter().enumerate() {
            boundary.entry(stream.valid).or_insert(Point { stream: index, lacks: Side::Valid });
            boundary.entry(stream.ready).or_insert(Point { stream: index, lacks: Side::Ready });
        }
        let full = (0..probes.levels.len()).filter(|&level| is_full(engine, &probes.levels[level])).collect();
        let mut graph = WaitGraph { probes, points: Vec::new(), cones: Vec::new(), waits: Vec::new(), full };
        let mut numbers: FxHashMap<SignalId, usize> = FxHashMap::default();
        for &root in roots {
            graph.number(&mut numbers, root);
        }
        while graph.cones.len() < graph.points.len().min(MOST_POINTS) {
            let cone = Cone::of(engine, graph.signal(graph.points[graph.cones.len()]), &boundary);
            let waits = cone.waits.iter().map(|signal| graph.number(&mut numbers, boundary[signal])).collect();
            graph.waits.push(waits);
            graph.cones.push(cone);
        }
        graph.waits.resize(graph.points.len(), Vec::new());
        graph.cones.resize(graph.points.len(), Cone::default());
        graph
    }

    /// The point's index, new or known. Points on one and the same wire are one.
    fn number(&mut self, numbers: &mut FxHashMap<SignalId, usize>, point: Point) -> usize {
        *numbers.entry(self.signal(point)).or_insert_with(|| {
            self.points.push(point);
            self.points.len() - 1
        })
    }

    fn signal(&self, point: Point) -> SignalId {
        let stream = &self.probes.streams[point.stream];
        match point.lacks {
            Side::Ready => stream.ready,
            Side::Valid => stream.valid,
        }
    }

    /// The shortest circle with a full FIFO on it; without one, the shortest circle.
    pub fn best_circle(&self) -> Option<Vec<Point>> {
        let circles = (0..self.points.len()).filter_map(|start| self.shortest_circle(start));
        let best = circles.min_by_key(|circle| (self.full_on(circle).is_empty(), circle.len()));
        best.map(|circle| circle.into_iter().map(|index| self.points[index]).collect())
    }

    /// The shortest way from a point back to itself.
    fn shortest_circle(&self, start: usize) -> Option<Vec<usize>> {
        let mut reached_from = vec![None; self.points.len()];
        let mut waiting = VecDeque::from([start]);
        while let Some(at) = waiting.pop_front() {
            for &next in &self.waits[at] {
                if next == start {
                    let mut circle = vec![at];
                    while let Some(before) = reached_from[*circle.last()?] {
                        circle.push(before);
                    }
                    circle.reverse();
                    return Some(circle);
                }
                if reached_from[next].is_none() {
                    reached_from[next] = Some(at);
                    waiting.push_back(next);
                }
            }
        }
        None
    }

    /// From the first root along what each waits for first, until one waits for none.
    pub fn first_chain(&self) -> Vec<Point> {
        let mut chain: Vec<usize> = if self.points.is_empty() { Vec::new() } else { vec![0] };
        while let Some(&next) = chain.last().and_then(|&last| self.waits[last].iter().find(|next| !chain.contains(next))) {
            chain.push(next);
        }
        chain.into_iter().map(|index| self.points[index]).collect()
    }

    /// The full FIFOs that hold up a circle.
    pub fn fifos_on(&self, circle: &[Point]) -> Vec<usize> {
        let indices: Vec<usize> = circle.iter().filter_map(|point| self.points.iter().position(|p| p == point)).collect();
        self.full_on(&indices)
    }

    /// A full FIFO holds up a circle if its level explains one of the circle's `ready` signals, or that stream enters the
    /// instance that holds the level.
    fn full_on(&self, circle: &[usize]) -> Vec<usize> {
        let unready = || circle.iter().filter(|&&index| self.points[index].lacks == Side::Ready);
        let holds_up = |&&level: &&usize| {
            let level = &self.probes.levels[level];
            unready().any(|&index| {
                let (node, _) = self.signal(self.points[index]);
                self.cones[index].seen.contains(&level.level) || node == level.node && node != NodeId::TOP
            })
        };
        self.full.iter().filter(holds_up).copied().collect()
    }

    /// Whether the point's signal is an input port of the top module.
    pub fn is_input(&self, point: Point, engine: &dyn Engine) -> bool {
        let (node, cell) = self.signal(point);
        node == NodeId::TOP && matches!(engine.hierarchy().module(node).cell(cell), Cell::Input(_))
    }

    /// The top module's inputs that a point depends on.
    pub fn inputs_of(&self, point: Point, engine: &dyn Engine) -> Vec<String> {
        let index = self.points.iter().position(|p| *p == point);
        let inputs = index.map_or(&[][..], |index| &self.cones[index].inputs);
        let mut names: Vec<String> = inputs.iter().map(|&(node, cell)| engine.hierarchy().signal_path(node, cell)).collect();
        names.sort_unstable();
        names
    }
}

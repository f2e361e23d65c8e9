//! Deadlocks: which FIFOs are full, who waits for what, and the depths with which the graph would run.
//!
//! In a graph without cycles units wait for each other only round a fork and the join of its branches: one branch is full, and the other
//! cannot deliver before it gets more. So each circle of waits has a full FIFO in it, and depth is always a remedy.

use std::fmt;

use crate::execute::{Record, Stop, execute};
use crate::graph::{ChannelId, Depth, Graph, UnitId};

/// Units that wait for each other for ever. Displayed as one sentence, or with `{:#}` in lines: a wait in each, and a FIFO that is too short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deadlock {
    /// Cycles after which nothing happens.
    pub cycle: u64,
    /// The circle: each unit waits for the next one, the last for the first.
    pub waits: Vec<Wait>,
    /// The FIFOs that are too short. More than one if deepening the full one only leads to the next deadlock.
    pub short: Vec<ShortFifo>,
}

/// What a unit waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The unit.
    pub unit: UnitId,
    /// Its name.
    pub unit_name: String,
    /// The channel at which it waits.
    pub channel: ChannelId,
    /// The channel's name.
    pub channel_name: String,
    /// If it waits for room: how many elements the channel holds. `None` if it waits for an element.
    pub full: Option<usize>,
}

/// A FIFO that is too short for the graph to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortFifo {
    /// The channel.
    pub channel: ChannelId,
    /// Its name.
    pub name: String,
    /// The depth that it has.
    pub depth: usize,
    /// The least depth with which the graph runs, those before in the list having their least depth, and those behind being deep enough.
    /// `None` if it does not run for another reason.
    pub least: Option<usize>,
}

impl fmt::Display for Deadlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = f.alternate();
        write!(f, "deadlock after {} cycles", self.cycle)?;
        for (i, wait) in self.waits.iter().enumerate() {
            let unit = &wait.unit_name;
            let between = match (i, lines) {
                (0, false) => ": ",
                (0, true) => ", since these wait for each other in a circle:\n  ",
                (_, false) => ", ",
                (_, true) => "\n  ",
            };
            write!(f, "{between}`{unit}` waits for ")?;
            match wait.full {
                Some(elements) => write!(f, "room in `{}`, full with {elements}", wait.channel_name)?,
                None => write!(f, "an element of `{}`", wait.channel_name)?,
            }
        }
        for short in &self.short {
            write!(f, "{}`{}` has depth {}, ", if lines { "\n" } else { "; " }, short.name, short.depth)?;
            match short.least {
                Some(least) => write!(f, "and needs {least}")?,
                None => write!(f, "but more does not help")?,
            }
        }
        Ok(())
    }
}

/// Adds to what one execution told the depths that would do, found by executing again.
pub(crate) fn explain(graph: &Graph, depths: &[Depth], cycle: u64, waits: Vec<Wait>) -> Deadlock {
    let mut deep = depths.to_vec();
    let mut short: Vec<ShortFifo> = Vec::new();
    let mut full = full_fifos(&waits);
    let run = loop {
        let unknown: Vec<ChannelId> = full.into_iter().filter(|channel| deep[channel.0] != Depth::Unbounded).collect();
        if unknown.is_empty() {
            break None;
        }
        for channel in unknown {
            if let Depth::Words(depth) = deep[channel.0] {
                short.push(ShortFifo { channel, name: graph.channel(channel).name.clone(), depth, least: None });
            }
            deep[channel.0] = Depth::Unbounded;
        }
        match execute(graph, &deep, Record::default()) {
            Ok(run) => break Some(run),
            Err(Stop::Deadlock { waits, .. }) => full = full_fifos(&waits),
            Err(Stop::Error(_)) => break None,
        }
    };
    if let Some(run) = run {
        for fifo in &mut short {
            let guess = run.traffic(fifo.channel).high_water.max(fifo.depth) + 1;
            let depth = least(fifo.depth, guess, |depth| {
                deep[fifo.channel.0] = Depth::Words(depth);
                execute(graph, &deep, Record::default()).is_ok()
            });
            deep[fifo.channel.0] = Depth::Words(depth);
            fifo.least = Some(depth);
        }
        // Where two FIFOs are full in one circle, to deepen one of them may do.
        short.retain(|fifo| fifo.least != Some(fifo.depth));
    }
    Deadlock { cycle, waits, short }
}

/// The least number from `from` on for which `holds`. It must hold for some number, and for all above one for which it holds.
///
/// The search begins at a guess: what a FIFO held while others were deeper says where to look, but with those at their least it may need more.
pub(crate) fn least(mut from: usize, guess: usize, mut holds: impl FnMut(usize) -> bool) -> usize {
    let mut enough = guess;
    while !holds(enough) {
        from = enough + 1;
        enough = enough.saturating_mul(2);
    }
    while from < enough {
        let middle = from + (enough - from) / 2;
        if holds(middle) { enough = middle } else { from = middle + 1 }
    }
    enough
}

fn full_fifos(waits: &[Wait]) -> Vec<ChannelId> {
    waits.iter().filter(|wait| wait.full.is_some()).map(|wait| wait.channel).collect()
}

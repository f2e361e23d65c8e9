//! Channels and pipelines during an execution.

use std::collections::VecDeque;

use crate::execute::{Traffic, Transfers};
use crate::graph::{ChannelId, Depth};

/// A channel, or the registers of a pipeline.
pub(crate) struct Link {
    /// `None` of the registers of a pipeline.
    pub(crate) channel: Option<ChannelId>,
    pub(crate) producer: usize,
    pub(crate) consumer: usize,
    pub(crate) wire: bool,
    pub(crate) bounded: bool,
    /// From an element's giving to the first cycle in which it can be taken.
    pub(crate) transit: u64,
    /// From an element's taking to the first cycle in which its place is free.
    pub(crate) recovery: u64,
    /// The cycle from which each element here can be taken.
    ready: VecDeque<u64>,
    /// The cycle from which each free place that was in use is free.
    free: VecDeque<u64>,
    /// Places that were never in use. Apart from the others, since a depth may be any number.
    fresh: usize,
    pub(crate) traffic: Traffic,
    pub(crate) transfers: Option<Transfers>,
    occupancy: Occupancy,
}

/// Merges the cycles of entering and leaving, which come to be known in any order, into how much there was at a time.
#[derive(Default)]
struct Occupancy {
    entered: VecDeque<u64>,
    left: VecDeque<u64>,
    now: usize,
    most: usize,
}

impl Occupancy {
    fn merge(&mut self) {
        while let (Some(&entered), Some(&left)) = (self.entered.front(), self.left.front()) {
            // What leaves in a cycle leaves before what enters in it: after the cycle, both have happened.
            if left <= entered {
                self.left.pop_front();
                self.now -= 1;
            } else {
                self.entered.pop_front();
                self.now += 1;
                self.most = self.most.max(self.now);
            }
        }
    }
}

impl Link {
    /// A channel or pipeline with FIFO timing that leads from the node `producer`.
    pub(crate) fn new(channel: Option<ChannelId>, producer: usize, depth: Depth) -> Link {
        let places = match depth {
            Depth::Words(words) => words,
            Depth::Unbounded => 0,
        };
        Link {
            channel,
            producer,
            consumer: usize::MAX,
            wire: false,
            bounded: depth != Depth::Unbounded,
            transit: 1,
            recovery: 0,
            ready: VecDeque::new(),
            free: VecDeque::new(),
            fresh: places,
            traffic: Traffic::default(),
            transfers: None,
            occupancy: Occupancy::default(),
        }
    }

    /// The cycle from which an element can be taken, if there is one.
    pub(crate) fn element(&self) -> Option<u64> {
        self.ready.front().copied()
    }

    /// The cycle from which an element can be given, if it is known.
    pub(crate) fn room(&self) -> Option<u64> {
        if self.bounded && self.fresh == 0 { self.free.front().copied() } else { Some(0) }
    }

    /// Elements given and not taken.
    pub(crate) fn held(&self) -> usize {
        self.ready.len()
    }

    /// The most elements that were here after any cycle, all transfers being known.
    pub(crate) fn high_water(&self) -> usize {
        self.occupancy.most
    }

    /// Gives an element.
    pub(crate) fn enter(&mut self, cycle: u64) {
        if self.bounded {
            match self.fresh {
                0 => _ = self.free.pop_front(),
                _ => self.fresh -= 1,
            }
        }
        self.ready.push_back(cycle + self.transit);
        if !self.wire {
            self.traffic.entered = Some((self.traffic.entered.map_or(cycle, |(first, _)| first), cycle));
            if let Some(transfers) = &mut self.transfers {
                transfers.entered.push(cycle);
            }
            self.occupancy.entered.push_back(cycle);
            self.occupancy.merge();
        }
    }

    /// Takes an element.
    pub(crate) fn leave(&mut self, cycle: u64) {
        self.ready.pop_front();
        if self.bounded {
            self.free.push_back(cycle + self.recovery);
        }
        self.traffic.elements += 1;
        self.traffic.left = Some((self.traffic.left.map_or(cycle, |(first, _)| first), cycle));
        if let Some(transfers) = &mut self.transfers {
            transfers.left.push(cycle);
            if self.wire {
                transfers.entered.push(cycle);
            }
        }
        if self.wire {
            self.traffic.entered = self.traffic.left;
        } else {
            self.occupancy.left.push_back(cycle);
            self.occupancy.merge();
        }
    }
}

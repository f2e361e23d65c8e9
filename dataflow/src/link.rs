//! Channels and pipelines during the computation of times.

use crate::delay::Delay;
use crate::execute::{Traffic, Transfers};
use crate::graph::{ChannelId, Depth};
use crate::leap::{Seen, extend_repeated, shift};

/// A channel, or the registers of a pipeline.
pub(crate) struct Link {
    /// `None` of the registers of a pipeline.
    pub(crate) channel: Option<ChannelId>,
    pub(crate) producer: usize,
    pub(crate) consumer: usize,
    /// How many elements it holds at most; if it is unbounded, more than there can be.
    places: u64,
    /// Whether a place that was left in this cycle cannot be used in the same one.
    pub(crate) is_registered: bool,
    /// Of a pipeline: its elements that have not come to the end.
    delay: Option<Delay>,
    entered: u64,
    left: u64,
    traffic: Traffic,
    transfers: Option<Transfers>,
    mark: Mark,
}

/// The beginning of a window, and what was seen since.
#[derive(Default)]
struct Mark {
    entered: u64,
    left: u64,
    /// Elements that could be taken.
    ready: u64,
    elements: Seen,
    room: Seen,
    /// The most elements held after a cycle in which one entered.
    peak: u64,
}

impl Link {
    /// A channel that leads from the node `producer`.
    pub(crate) fn new(channel: ChannelId, producer: usize, depth: Depth) -> Link {
        let places = match depth {
            Depth::Words(words) => words as u64,
            Depth::Unbounded => u64::MAX,
        };
        Link {
            channel: Some(channel),
            producer,
            consumer: usize::MAX,
            places,
            is_registered: false,
            delay: None,
            entered: 0,
            left: 0,
            traffic: Traffic::default(),
            transfers: None,
            mark: Mark::default(),
        }
    }

    /// A pipeline of so many registers behind the node `producer`.
    pub(crate) fn pipeline(producer: usize, registers: u64) -> Link {
        let link = Link::new(ChannelId(usize::MAX), producer, Depth::Unbounded);
        Link { channel: None, places: registers, delay: Some(Delay::new(registers)), ..link }
    }

    /// Keeps the cycle of every transfer.
    pub(crate) fn record(&mut self) {
        self.transfers = Some(Transfers::default());
    }

    /// Elements given and not taken.
    pub(crate) fn held(&self) -> u64 {
        self.entered - self.left
    }

    /// Whether no more elements can enter as long as none leaves.
    pub(crate) fn is_full(&self) -> bool {
        self.held() >= self.places
    }

    /// Elements that can be taken.
    fn ready(&self) -> u64 {
        self.held() - self.delay.as_ref().map_or(0, Delay::under_way)
    }

    /// Whether an element can be taken.
    pub(crate) fn has_element(&mut self) -> bool {
        let ready = self.ready();
        self.mark.elements.is_positive(ready)
    }

    /// Whether an element can be given.
    pub(crate) fn has_room(&mut self, cycle: u64) -> bool {
        let left_now = self.is_registered && self.traffic.left.is_some_and(|(_, last)| last == cycle);
        let room = self.places - self.held() - u64::from(left_now);
        self.mark.room.is_positive(room)
    }

    /// Begins a cycle: elements of a pipeline come to its end.
    pub(crate) fn arrive(&mut self, cycle: u64) {
        if let Some(delay) = &mut self.delay {
            delay.arrive(cycle);
        }
    }

    /// The next cycle in which an element comes to the end of a pipeline.
    pub(crate) fn next_arrival(&self) -> Option<u64> {
        self.delay.as_ref().and_then(Delay::next_arrival)
    }

    /// Gives an element.
    pub(crate) fn enter(&mut self, cycle: u64) {
        self.entered += 1;
        self.mark.peak = self.mark.peak.max(self.held());
        self.traffic.high_water = self.traffic.high_water.max(self.held() as usize);
        self.traffic.entered = Some((self.traffic.entered.map_or(cycle, |(first, _)| first), cycle));
        if let Some(delay) = &mut self.delay {
            delay.enter(cycle);
        }
        if let Some(transfers) = &mut self.transfers {
            transfers.entered.push(cycle);
        }
    }

    /// Takes an element.
    pub(crate) fn leave(&mut self, cycle: u64) {
        self.left += 1;
        self.traffic.left = Some((self.traffic.left.map_or(cycle, |(first, _)| first), cycle));
        if let Some(transfers) = &mut self.transfers {
            transfers.left.push(cycle);
        }
    }

    /// What happened, at the end.
    pub(crate) fn into_traffic(self) -> (Traffic, Option<Transfers>) {
        (Traffic { elements: self.left, ..self.traffic }, self.transfers)
    }

    /// Begins a window.
    pub(crate) fn mark(&mut self) {
        self.mark = Mark { entered: self.entered, left: self.left, ready: self.ready(), ..Mark::default() };
        if let Some(delay) = &mut self.delay {
            delay.mark();
        }
    }

    /// How often the window, which ends before `cycle` and took `span` cycles, can be repeated as far as this link is concerned.
    pub(crate) fn repetitions(&self, cycle: u64, span: u64) -> u64 {
        let ready = self.mark.elements.repetitions(shift(self.ready(), self.mark.ready));
        let room = self.mark.room.repetitions(shift(self.mark.entered - self.mark.left, self.held()));
        let arrivals = self.delay.as_ref().map_or(u64::MAX, |delay| delay.repetitions(cycle, span));
        ready.min(room).min(arrivals)
    }

    /// Repeats the window `times` times.
    pub(crate) fn repeat(&mut self, span: u64, times: u64) {
        let (entered, left) = (self.entered - self.mark.entered, self.left - self.mark.left);
        self.entered += entered * times;
        self.left += left * times;
        if let (true, Some((_, last))) = (entered > 0, &mut self.traffic.entered) {
            *last += span * times;
        }
        if let (true, Some((_, last))) = (left > 0, &mut self.traffic.left) {
            *last += span * times;
        }
        // What is held at a place of the window grows or shrinks evenly, so the most is in the last repetition, or was in the window itself.
        let peak = self.mark.peak + entered.saturating_sub(left) * times;
        self.traffic.high_water = self.traffic.high_water.max(peak as usize);
        if let Some(transfers) = &mut self.transfers {
            extend_repeated(&mut transfers.entered, entered as usize, span, times);
            extend_repeated(&mut transfers.left, left as usize, span, times);
        }
        if let Some(delay) = &mut self.delay {
            delay.repeat(span, times);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_leap_raises_the_high_water_mark_as_stepping_would() {
        let mut links = [(); 2].map(|()| Link::new(ChannelId(0), 0, Depth::Words(100)));
        // In two of three cycles one enters, in the third one leaves.
        let window = |link: &mut Link, start: u64| {
            link.enter(start);
            link.enter(start + 1);
            link.leave(start + 2);
        };
        let [leaping, stepping] = &mut links;
        leaping.mark();
        window(leaping, 0);
        leaping.repeat(3, 20);
        (0..=20).for_each(|time| window(stepping, time * 3));
        let [leaping, stepping] = links.map(Link::into_traffic);
        assert_eq!(leaping.0.high_water, 22);
        assert_eq!(leaping, stepping);
    }
}

//! The elements of a pipeline that have not come to its end, at no cost for each element of a series.

use std::collections::VecDeque;

/// Elements under way, as the cycles in which they arrive: in runs of cycles that repeat.
pub(crate) struct Delay {
    /// Cycles from entering to arrival, at least 1.
    latency: u64,
    runs: VecDeque<Run>,
    /// Elements of the first run that have arrived.
    arrived: u64,
    under_way: u64,
    /// Of the window: the cycles of arrival of those that arrived in it, and of those that entered in it.
    window_arrived: Vec<u64>,
    window_entered: Vec<u64>,
}

/// Cycles in growing order: `offsets` from `first`, from `first + period`, and so on, `count` in all.
#[derive(Clone, Debug, PartialEq)]
struct Run {
    first: u64,
    /// More than the last offset; 0 as long as there is one cycle only.
    period: u64,
    /// Begins with 0.
    offsets: Vec<u64>,
    count: u64,
}

/// Elements that are compared one by one to see whether arrivals go on as they were; what is behind them is taken as different.
const COMPARED: usize = 256;

impl Run {
    fn cycle(&self, at: u64) -> u64 {
        let length = self.offsets.len() as u64;
        self.first + at / length * self.period + self.offsets[(at % length) as usize]
    }

    /// The same cycles in the shortest period: of two in every four cycles, evenly, one in two.
    fn in_lowest_terms(self) -> Run {
        let (length, period) = (self.offsets.len(), self.period);
        let repeats = |part: &usize| {
            let times = (length / part) as u64;
            length.is_multiple_of(*part)
                && period.is_multiple_of(times)
                && (*part..length).all(|i| self.offsets[i] == self.offsets[i - part] + period / times)
        };
        let part = (1..=length).find(repeats).unwrap_or(length);
        Run { period: period / (length / part) as u64, offsets: self.offsets[..part].to_vec(), ..self }
    }

    /// Whether `next` goes on where this run ends, in the same manner.
    fn is_continued_by(&self, next: &Run) -> bool {
        self.period == next.period
            && self.offsets.len() == next.offsets.len()
            && (0..next.offsets.len() as u64).all(|i| self.cycle(self.count + i) == next.cycle(i))
    }
}

impl Delay {
    pub(crate) fn new(latency: u64) -> Delay {
        Delay { latency, runs: VecDeque::new(), arrived: 0, under_way: 0, window_arrived: Vec::new(), window_entered: Vec::new() }
    }

    /// Elements that have not arrived.
    pub(crate) fn under_way(&self) -> u64 {
        self.under_way
    }

    /// An element enters.
    pub(crate) fn enter(&mut self, cycle: u64) {
        let arrival = cycle + self.latency;
        self.window_entered.push(arrival);
        self.under_way += 1;
        match self.runs.back_mut() {
            Some(run) if run.count == 1 && run.offsets.len() == 1 => (run.period, run.count) = (arrival - run.first, 2),
            Some(run) if run.cycle(run.count) == arrival => run.count += 1,
            _ => self.runs.push_back(Run { first: arrival, period: 0, offsets: vec![0], count: 1 }),
        }
    }

    /// The next arrival.
    pub(crate) fn next_arrival(&self) -> Option<u64> {
        let front = self.runs.front()?;
        if self.arrived < front.count { Some(front.cycle(self.arrived)) } else { self.runs.get(1).map(|run| run.first) }
    }

    /// Lets arrive what arrives up to this cycle.
    pub(crate) fn arrive(&mut self, cycle: u64) {
        while let Some(arrival) = self.next_arrival().filter(|&arrival| arrival <= cycle) {
            self.window_arrived.push(arrival);
            self.remove(1);
        }
    }

    /// Removes the first ones. The last run stays, to be continued.
    fn remove(&mut self, mut count: u64) {
        self.under_way -= count;
        while count > 0 {
            let rest = self.runs[0].count - self.arrived;
            if rest == 0 {
                self.runs.pop_front();
                self.arrived = 0;
            } else {
                let removed = count.min(rest);
                self.arrived += removed;
                count -= removed;
            }
        }
    }

    /// Begins a window.
    pub(crate) fn mark(&mut self) {
        self.window_arrived.clear();
        self.window_entered.clear();
    }

    /// How often the arrivals of the window, which ends before `cycle` and took `span` cycles, come again, if its enterings are repeated.
    ///
    /// They do as long as each arrival is `span` after the one that is as many places before it as the window has arrivals. Behind those
    /// under way come the ones that the repetitions let in, which are `span` after those that entered in the window.
    pub(crate) fn repetitions(&self, cycle: u64, span: u64) -> u64 {
        let arrivals = self.window_arrived.len();
        if arrivals == 0 {
            return self.next_arrival().map_or(u64::MAX, |arrival| (arrival - cycle) / span);
        }
        // The last ones before the place that is looked at: as many as the window has arrivals.
        let mut before: VecDeque<u64> = self.window_arrived.iter().copied().collect();
        let mut compared = 0;
        for (i, run) in self.runs.iter().enumerate() {
            let mut at = if i == 0 { self.arrived } else { 0 };
            let times = arrivals / run.offsets.len();
            let fits = arrivals.is_multiple_of(run.offsets.len()) && run.period.checked_mul(times as u64) == Some(span);
            while at < run.count {
                if fits && at >= arrivals as u64 {
                    // The rest of the run goes on like this.
                    before = (run.count - arrivals as u64..run.count).map(|at| run.cycle(at)).collect();
                    break;
                }
                let (expected, arrival) = (before[0] + span, run.cycle(at));
                compared += 1;
                if arrival != expected || compared > COMPARED {
                    return (arrival.min(expected) - cycle) / span;
                }
                before.pop_front();
                before.push_back(arrival);
                at += 1;
            }
        }
        match self.window_entered.first() {
            Some(_) if self.window_entered.len() == arrivals => u64::MAX,
            first => (first.map_or(before[0], |&first| before[0].min(first)) + span - cycle) / span,
        }
    }

    /// Repeats the window `times` times, at least once.
    pub(crate) fn repeat(&mut self, span: u64, times: u64) {
        if let Some(&first) = self.window_entered.first() {
            let offsets: Vec<u64> = self.window_entered.iter().map(|entered| entered - first).collect();
            let count = offsets.len() as u64 * times;
            let run = Run { first: first + span, period: span, offsets, count }.in_lowest_terms();
            self.under_way += count;
            match self.runs.back_mut() {
                Some(last) if last.is_continued_by(&run) => last.count += count,
                _ => self.runs.push_back(run),
            }
        }
        self.remove(self.window_arrived.len() as u64 * times);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Cycles in which an element enters: patterns of up to 6 cycles, one after the other.
    fn random_entries(seed: u64) -> Vec<bool> {
        let mut random = seed;
        let mut below = |end: u64| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 33) % end
        };
        let mut entries = Vec::new();
        for _ in 0..8 {
            let (period, pattern, length) = (1 + below(6), below(64), below(60));
            entries.extend((0..length).map(|cycle| pattern >> (cycle % period) & 1 == 1));
        }
        entries
    }

    /// A cycle: whether an element arrives.
    fn step(delay: &mut Delay, cycle: u64, enters: bool) -> bool {
        let under_way = delay.under_way();
        delay.arrive(cycle);
        let arrives = delay.under_way() < under_way;
        if enters {
            delay.enter(cycle);
        }
        arrives
    }

    #[test]
    fn arrivals_repeat_as_often_as_is_told_and_are_the_same_after_a_leap() {
        let mut leaps = 0;
        for seed in 0..3000 {
            let entries = random_entries(seed);
            let span = 1 + seed % 12;
            let mut delays = [Delay::new(1 + seed / 12 % 20), Delay::new(1 + seed / 12 % 20)];
            let start = (entries.len() as u64).saturating_sub(span);
            for cycle in 0..start {
                delays.iter_mut().for_each(|delay| _ = step(delay, cycle, entries[cycle as usize]));
            }
            delays.iter_mut().for_each(Delay::mark);
            let entries = &entries[start as usize..];
            let mut window = Vec::new();
            for (cycle, &enters) in (start..).zip(entries) {
                delays.iter_mut().for_each(|delay| window.push((enters, step(delay, cycle, enters))));
            }
            let window: Vec<(bool, bool)> = window.into_iter().step_by(2).collect();
            let span = window.len() as u64;
            let end = start + span;
            let [leaping, stepping] = &mut delays;
            let times = if span > 0 { leaping.repetitions(end, span).min(40) } else { 0 };
            if times == 0 {
                continue;
            }
            leaps += u64::from(times > 10);
            leaping.repeat(span, times);
            for cycle in end..end + span * times {
                let (enters, arrives) = window[((cycle - end) % span) as usize];
                assert_eq!(step(stepping, cycle, enters), arrives, "seed {seed}: cycle {cycle} of {times} repetitions from {end}");
            }
            assert_eq!(leaping.under_way(), stepping.under_way(), "seed {seed}");
            for cycle in end + span * times..end + span * times + 30 {
                assert_eq!(step(leaping, cycle, false), step(stepping, cycle, false), "seed {seed}");
            }
        }
        assert!(leaps > 300, "{leaps}");
    }
}

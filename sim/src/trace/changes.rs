//! What changed in which cycle: found by the simulating thread, handed to the writing thread in batches.

/// The limbs of one sampled signal among those of all.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// First limb.
    pub start: u32,
    /// Number of limbs, at least 1.
    pub limbs: u32,
}

impl Span {
    /// As a range of limbs.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..(self.start + self.limbs) as usize
    }
}

/// Changes of several cycles. Its buffers travel back and are used again.
#[derive(Default, Debug)]
pub(super) struct Batch {
    /// The cycles, ascending; also those without a change.
    pub cycles: Vec<CycleChanges>,
    /// Domains whose edge began each cycle: `domains` entries a cycle.
    pub edges: Vec<bool>,
    /// Sampled signals that changed, cycle by cycle.
    pub changed: Vec<u32>,
    /// Their new limbs, signal by signal.
    pub limbs: Vec<u64>,
}

/// One cycle of a [`Batch`].
#[derive(Debug)]
pub(super) struct CycleChanges {
    /// The cycle's number.
    pub cycle: u64,
    /// How many entries of [`Batch::changed`] belong to it.
    pub changed: usize,
}

impl Batch {
    /// Whether it is time to hand it over: large enough to make the handing over cheap, small enough to stay in cache.
    pub fn is_full(&self) -> bool {
        self.changed.len() >= 8192 || self.cycles.len() >= 1024
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.cycles.clear();
        self.edges.clear();
        self.changed.clear();
        self.limbs.clear();
    }
}

/// The sampled signals' values in the last traced cycle.
#[derive(Debug)]
pub(super) struct Sampler {
    spans: Vec<Span>,
    now: Vec<u64>,
    before: Vec<u64>,
    /// Whether `before` holds a cycle's values.
    primed: bool,
}

impl Sampler {
    /// For signals of these widths, in bits.
    pub fn new(widths: impl IntoIterator<Item = u32>) -> Sampler {
        let mut total = 0;
        let mut span = |width: u32| {
            let span = Span { start: total, limbs: width.div_ceil(64).max(1) };
            total += span.limbs;
            span
        };
        let spans: Vec<Span> = widths.into_iter().map(&mut span).collect();
        Sampler { spans, now: vec![0; total as usize], before: vec![0; total as usize], primed: false }
    }

    /// Where each signal's limbs are.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Adds a cycle to `batch`: the signals that differ from the last cycle sampled, or all in the first.
    /// `read` fills in the limbs of every signal.
    pub fn sample(&mut self, cycle: u64, batch: &mut Batch, read: impl FnOnce(&[Span], &mut [u64])) {
        read(&self.spans, &mut self.now);
        let first = batch.changed.len();
        for (index, span) in self.spans.iter().enumerate() {
            let start = span.start as usize;
            // Most signals have one limb, for which this is a single comparison.
            let differs = match span.limbs {
                1 => self.now[start] != self.before[start],
                _ => self.now[span.range()] != self.before[span.range()],
            };
            if differs || !self.primed {
                batch.changed.push(index as u32);
                match span.limbs {
                    1 => batch.limbs.push(self.now[start]),
                    _ => batch.limbs.extend_from_slice(&self.now[span.range()]),
                }
            }
        }
        batch.cycles.push(CycleChanges { cycle, changed: batch.changed.len() - first });
        self.primed = true;
        std::mem::swap(&mut self.now, &mut self.before);
    }
}

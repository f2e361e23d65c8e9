//! What every engine can do: the one interface that drivers, counters, traces and the user's [`Simulator`] rest on.
//!
//! A cycle runs like this, and an engine may rely on it:
//!
//! 1. [`set_input`](Engine::set_input) and [`set_reset`](Engine::set_reset) as often as wanted,
//! 2. [`settle`](Engine::settle): every combinational signal follows,
//! 3. [`read`](Engine::read) anything,
//! 4. [`edge`](Engine::edge): registers, registered reads and memory writes of the given domains act together, from the
//!    values that were settled in 2,
//! 5. [`settle`](Engine::settle) again, and so on from 1.
//!
//! **Invariant.** Between `set_input`, `set_reset`, `write_memory` or `edge` and the next `settle`, what `read` returns for
//! combinational signals is unspecified, and `edge` must not be called.
//! **Invariant.** After `settle`, all engines agree on every signal of every instance, every memory word and every answer of
//! [`is_at_rest`](Engine::is_at_rest).
//!
//! [`Simulator`]: crate::simulator::Simulator

use systole_hdl::design::{DomainId, MemoryId};
use systole_hdl::{CellId, Value};
use thiserror::Error;

use crate::hierarchy::{Hierarchy, NodeId, TooManyInstances};
use crate::lockstep::Difference;
use crate::samples::Watch;

/// A running circuit. Object safe, so that drivers and traces are compiled once for all engines.
///
/// Values travel in 64-bit limbs, least significant first, as many as the width needs; bits above the width are zero in what
/// an engine returns and ignored in what it is given.
pub trait Engine: Send {
    /// The instance tree, which also holds the design.
    fn hierarchy(&self) -> &Hierarchy;

    /// Drives an input port of the top module, by its index among the module's inputs. Inputs are zero at the start.
    ///
    /// # Panics
    /// If the port does not exist or `limbs` is shorter than the port's width needs.
    fn set_input(&mut self, port: usize, limbs: &[u64]);

    /// Drives the reset of one of the top module's domains; it acts at the domain's edges. Resets are 0 at the start.
    fn set_reset(&mut self, domain: DomainId, asserted: bool);

    /// The reset of one of the top module's domains, as last driven.
    fn reset(&self, domain: DomainId) -> bool;

    /// Lets every combinational signal follow the inputs, registers and memories.
    fn settle(&mut self);

    /// An edge of all domains in `domains` (the top module's) at the same instant: everything samples the settled values
    /// from before the edge.
    fn edge(&mut self, domains: DomainSet);

    /// `cycles` times an edge of `domains` and a settle, with inputs and resets as they are. Begins and ends settled.
    /// Engines override it where many cycles at once are cheaper.
    fn advance(&mut self, domains: DomainSet, cycles: u64) {
        for _ in 0..cycles {
            self.edge(domains);
            self.settle();
        }
    }

    /// The value of a signal into `limbs`, which is as long as the width needs.
    ///
    /// Works for every cell of every instance; an engine that does not store a signal computes it when asked.
    ///
    /// # Panics
    /// If the node or cell does not exist or `limbs` is too short.
    fn read(&self, node: NodeId, cell: CellId, limbs: &mut [u64]);

    /// The low 64 bits of a signal; all of it where the width is at most 64.
    fn read_u64(&self, node: NodeId, cell: CellId) -> u64;

    /// Announces signals that will be read in most cycles, so that an engine which does not store everything keeps them.
    /// Replaces nothing and changes no value.
    fn keep(&mut self, signals: &[(NodeId, CellId)]) {
        let _ = signals;
    }

    /// Announces signals as [`Engine::keep`] does, and says where they will stand in samples. The watch is good for this
    /// engine alone.
    fn watch(&mut self, signals: &[(NodeId, CellId)]) -> Watch {
        self.keep(signals);
        Watch::one_by_one(self, signals)
    }

    /// The values of all watched signals into `sample`, which has the watch's number of words.
    ///
    /// # Panics
    /// If the sample is too short, or the watch another engine's.
    fn sample(&self, watch: &Watch, sample: &mut [u64]) {
        watch.sample(self, &[], sample);
    }

    /// A word of a memory, as it stands, into `limbs`; zero at or beyond the depth.
    fn read_memory(&self, node: NodeId, memory: MemoryId, address: u32, limbs: &mut [u64]);

    /// Puts a word into a memory at once; nothing happens at or beyond the depth. Takes effect on signals at the next `settle`.
    fn write_memory(&mut self, node: NodeId, memory: MemoryId, address: u32, limbs: &[u64]);

    /// Puts a value into a register or registered read at once; bits above its width are ignored. Takes effect on other
    /// signals at the next `settle`.
    ///
    /// For bringing back a state that the design reached before (see [`crate::state`]), register by register: an engine may rely
    /// on what holds in every such state, as that equal instances with equal inputs have equal registers.
    ///
    /// # Panics
    /// If the node or cell does not exist, the cell is neither, or `limbs` is too short.
    fn set_register(&mut self, node: NodeId, cell: CellId, limbs: &[u64]);

    /// Whether an edge of `domains` now would leave every register, registered read and memory word as it is. With
    /// unchanging inputs such a circuit never moves again. May cost as much as an edge.
    fn is_at_rest(&self, domains: DomainSet) -> bool;

    /// Puts registers, registered reads, memories, inputs and resets back to where they were at the start. Not settled afterwards.
    fn restore_initial_state(&mut self);

    /// The first difference that an engine which checks itself against another one has found, in a settled cycle. `None`
    /// for all others.
    fn difference(&self) -> Option<&Difference> {
        None
    }
}

/// Why no engine can be made for a design.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum BuildError {
    /// The instance tree is too large.
    #[error(transparent)]
    TooManyInstances(#[from] TooManyInstances),
    /// All instances together have too much state to number.
    #[error("the design has {limbs} 64-bit words of signals over all instances, more than can be simulated: reduce the array's size")]
    TooManySignals {
        /// Words of 64 bits that its signals need.
        limbs: u64,
    },
    /// The top module has more clock domains than a [`DomainSet`] holds.
    #[error("the top module has {count} clock domains; at most {} can be simulated", DomainSet::MAX_DOMAINS)]
    TooManyDomains {
        /// How many it has.
        count: usize,
    },
    /// A combinational path closes on itself.
    #[error("combinational loop: {} -> back to the first; put a register into it", path.join(" -> "))]
    CombinationalLoop {
        /// The signals on the loop, each an operand of the one before it.
        path: Vec<String>,
    },
}

/// Limbs that a value of `width` bits needs.
pub const fn limbs_for(width: u32) -> usize {
    width.div_ceil(64) as usize
}

/// The value of a signal.
///
/// # Panics
/// If the node or cell does not exist.
pub fn read_value(engine: &dyn Engine, node: NodeId, cell: CellId) -> Value {
    let width = engine.hierarchy().module(node).ty(cell).width();
    let mut limbs = smallvec::SmallVec::<[u64; 4]>::from_elem(0, limbs_for(width));
    engine.read(node, cell, &mut limbs);
    Value::from_limbs(width, limbs)
}

/// The domains of the top module that are in reset.
pub fn resets(engine: &dyn Engine) -> DomainSet {
    let domains = (0..engine.hierarchy().module(NodeId::TOP).domains.len() as u32).map(DomainId);
    domains.filter(|&domain| engine.reset(domain)).fold(DomainSet::EMPTY, DomainSet::with)
}

/// A set of the top module's clock domains.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct DomainSet(u64);

impl DomainSet {
    /// No domain.
    pub const EMPTY: DomainSet = DomainSet(0);
    /// The most domains a top module may have.
    pub const MAX_DOMAINS: usize = 64;

    /// The first `count` domains; `count` is at most [`DomainSet::MAX_DOMAINS`].
    pub fn first(count: usize) -> DomainSet {
        assert!(count <= DomainSet::MAX_DOMAINS, "{count} clock domains are more than {}", DomainSet::MAX_DOMAINS);
        DomainSet(if count == 64 { u64::MAX } else { (1 << count) - 1 })
    }

    /// Only this domain.
    pub fn only(domain: DomainId) -> DomainSet {
        DomainSet::EMPTY.with(domain)
    }

    /// This set and `domain`.
    #[must_use]
    pub fn with(self, domain: DomainId) -> DomainSet {
        assert!(domain.index() < DomainSet::MAX_DOMAINS, "{domain:?} is beyond {}", DomainSet::MAX_DOMAINS);
        DomainSet(self.0 | 1 << domain.0)
    }

    /// This set without `domain`.
    #[must_use]
    pub fn without(self, domain: DomainId) -> DomainSet {
        if self.contains(domain) { DomainSet(self.0 & !(1 << domain.0)) } else { self }
    }

    /// Whether the set holds `domain`.
    pub fn contains(self, domain: DomainId) -> bool {
        domain.index() < DomainSet::MAX_DOMAINS && self.0 >> domain.0 & 1 == 1
    }

    /// Whether the set holds no domain.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The set as a number: bit *i* for domain *i*.
    pub fn bits(self) -> u64 {
        self.0
    }

    /// The set that [`DomainSet::bits`] gives as this number.
    pub fn from_bits(bits: u64) -> DomainSet {
        DomainSet(bits)
    }

    /// The domains in order.
    pub fn iter(self) -> impl Iterator<Item = DomainId> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let domain = (rest != 0).then(|| DomainId(rest.trailing_zeros()))?;
            rest &= rest - 1;
            Some(domain)
        })
    }
}

//! The stimulus and the checksum of every design of this benchmark, as hardware: so that they cost every simulator the same, and a
//! testbench has nothing to do but to step the clock.

use systole_hdl::prelude::*;

/// A source of numbers that look random: a register of twice the data's width to which an odd key is added each cycle (a Weyl sequence,
/// which takes every value once before it repeats), and as data the exclusive-or of its halves. Sources with different keys give
/// different sequences.
#[derive(Clone, Debug)]
pub struct Source {
    /// Type of the data.
    pub data: Type,
    /// Whether the source stands still where an input `enable` is 0.
    pub gated: bool,
}

bundle! {
    /// What enters a [`Source`]: a constant, of type [`Source::key_type`], and `enable` if it is gated.
    pub struct SourceIn { key: Signal, enable: Option<Signal> }
}
bundle! {
    /// The number of this cycle.
    pub struct SourceOut { data: Signal }
}

impl Source {
    /// Type of the key of a source of `data`.
    pub fn key_type(data: Type) -> Type {
        Type::u(2 * data.width())
    }
}

impl Component for Source {
    type In = SourceIn;
    type Out = SourceOut;

    fn inputs(&self) -> SourceIn {
        SourceIn { key: port(Source::key_type(self.data)), enable: self.gated.then(|| port(Type::BIT)) }
    }

    fn build(&self, m: Module, i: SourceIn) -> SourceOut {
        let width = self.data.width();
        let state = m.reg("state", Source::key_type(self.data));
        match i.enable {
            Some(enable) => {
                m.when(enable, || state.next(state + i.key));
            }
            None => state.next(state + i.key),
        }
        let (low, high) = (state.bits(0..width), state.bits(width..2 * width));
        SourceOut { data: (low ^ high).reinterpret(self.data) }
    }
}

/// The key of source number `port`: odd, below 2^16, and far from those of its neighbours.
pub fn key(port: u32) -> u32 {
    (0x9e37 * (2 * port + 1)) & 0xffff | 1
}

/// The register `checksum`: turned left by one place and exclusive-or `word` (32 bits) each cycle, or each cycle with `enable`.
pub fn fold_into(m: Module, word: Signal, enable: Option<Signal>) -> Signal {
    let checksum = m.reg("checksum", Type::u(32));
    let turned = concat(&[checksum.bits(0..31), checksum.bit(31)]).reinterpret(Type::u(32));
    match enable {
        Some(enable) => {
            m.when(enable, || checksum.next(turned ^ word));
        }
        None => checksum.next(turned ^ word),
    }
    *checksum
}

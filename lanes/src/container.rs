//! The machine integers that hold a lane.

/// A machine integer that holds an element.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Container {
    /// A byte.
    W8,
    /// 16 bits.
    W16,
    /// 32 bits.
    W32,
    /// 64 bits.
    W64,
}

impl Container {
    /// The smallest first.
    pub const ALL: [Container; 4] = [Container::W8, Container::W16, Container::W32, Container::W64];

    /// The narrowest for a width of at most 64 bits.
    pub fn of(width: u32) -> Container {
        match width {
            0..=8 => Container::W8,
            9..=16 => Container::W16,
            17..=32 => Container::W32,
            _ => Container::W64,
        }
    }

    /// Its size in bytes.
    pub const fn bytes(self) -> usize {
        1 << self as usize
    }

    /// Its size in bits.
    pub const fn bits(self) -> u32 {
        8 << self as u32
    }

    /// All of its bits.
    pub const fn mask(self) -> u64 {
        u64::MAX >> (64 - self.bits())
    }
}

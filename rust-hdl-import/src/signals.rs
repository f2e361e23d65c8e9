//! The names that a block's code can use: its own signals, those of its children, and the values of enums.

use num_bigint::BigInt;
use rustc_hash::FxHashMap;
use systole_hdl::CellId;

use crate::probe::SignalInfo;

/// A signal of a block: index into its [`Signals`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(crate) struct SignalId(pub usize);

/// What the code may do with a signal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    /// Read this cell: an input, a constant, a child's output.
    Read(CellId),
    /// Assign it, and read what was assigned last: an output or a local signal.
    Assign,
    /// Assign it, and read what it has in the end: a child's input. The simulator lets assignments to it take effect after
    /// `update`, which it repeats until nothing changes.
    Wire,
    /// Feed it from another clock, or pass it on.
    Clock,
    /// Pass it on: a clock that comes from outside or out of a child.
    ClockSource,
    /// Nothing; why not has been reported.
    Refused,
}

/// A signal, under the name that the code has for it.
#[derive(Clone, Debug)]
pub(crate) struct Symbol {
    pub name: String,
    pub info: SignalInfo,
    pub role: Role,
}

impl Symbol {
    /// Whether it is a signal of the block itself, and not of a child.
    pub fn is_own(&self) -> bool {
        self.name == self.info.name
    }
}

/// What a name of an enum's variant stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Variant {
    Value(BigInt),
    /// Two enums of one name give it different values.
    Ambiguous,
}

/// All names of a block.
#[derive(Default)]
pub(crate) struct Signals {
    symbols: Vec<Symbol>,
    by_name: FxHashMap<String, SignalId>,
    /// By the enum's name and their own: `State$Idle`.
    variants: FxHashMap<String, Variant>,
}

impl Signals {
    pub fn add(&mut self, name: String, info: SignalInfo, role: Role) -> SignalId {
        let id = SignalId(self.symbols.len());
        self.by_name.insert(name.clone(), id);
        self.symbols.push(Symbol { name, info, role });
        id
    }

    /// Makes the enums of `info` known.
    pub fn add_variants(&mut self, info: &SignalInfo) {
        let enums = info.fields().iter().map(|field| field.variants.as_slice()).chain([info.variants()]);
        for names in enums {
            for (value, name) in names.iter().enumerate() {
                let variant = Variant::Value(value.into());
                let known = self.variants.entry(name.replace("::", "$")).or_insert_with(|| variant.clone());
                if *known != variant {
                    *known = Variant::Ambiguous;
                }
            }
        }
    }

    /// Whether a name begins as that of something in a child or an array does: with `taps$`.
    pub fn is_within(&self, name: &str) -> bool {
        let start = name.find('$').map(|end| &name[..=end]);
        start.is_some_and(|start| self.symbols.iter().any(|symbol| symbol.name.starts_with(start)))
    }

    pub fn find(&self, name: &str) -> Option<SignalId> {
        self.by_name.get(name).copied()
    }

    /// What a variant stands for. A name that is one of the enum of `counterpart` is that one, whatever stands before it: the enum
    /// may have another name here, or be left off, as `use` allows. Else its enum must be named.
    pub fn variant(&self, name: &str, counterpart: Option<SignalId>) -> Option<Variant> {
        let last = |parts| name.rmatch_indices('$').nth(parts).map_or(name, |(start, _)| &name[start + 1..]);
        let variants = counterpart.map_or(&[][..], |signal| self.get(signal).info.variants());
        let place = variants.iter().position(|variant| variant.rsplit("::").next() == Some(last(0)));
        place.map(|place| Variant::Value(place.into())).or_else(|| self.variants.get(last(1)).cloned())
    }

    pub fn get(&self, id: SignalId) -> &Symbol {
        &self.symbols[id.0]
    }

    pub fn ids(&self) -> impl Iterator<Item = SignalId> + use<> {
        (0..self.symbols.len()).map(SignalId)
    }
}

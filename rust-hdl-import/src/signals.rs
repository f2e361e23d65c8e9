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
    /// Pass it on: a clock.
    Clock,
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

    pub fn find(&self, name: &str) -> Option<SignalId> {
        self.by_name.get(name).copied()
    }

    /// What a variant stands for, with or without the modules before the enum's name: `line$State$Idle` is `State$Idle`.
    pub fn variant(&self, name: &str) -> Option<&Variant> {
        self.variants.get(name).or_else(|| {
            let (start, _) = name.rmatch_indices('$').nth(1)?;
            self.variants.get(&name[start + 1..])
        })
    }

    pub fn get(&self, id: SignalId) -> &Symbol {
        &self.symbols[id.0]
    }

    pub fn ids(&self) -> impl Iterator<Item = SignalId> + use<> {
        (0..self.symbols.len()).map(SignalId)
    }
}

//! What stands in a trace file, whatever its format: the scope tree with its variables, and the runs of values they show.

use systole_hdl::Type;

/// The header of a trace and the runs of values behind it.
pub(super) struct Contents {
    /// Scopes and variables in the order in which they are declared.
    pub items: Vec<Item>,
    /// The runs of values; [`Variable::series`] indexes them.
    pub series: Vec<Series>,
    /// Names of state values; [`Variable::states`] and [`Series::StateName`] index them.
    pub states: Vec<StateNames>,
    /// Number of clock domains of the top module.
    pub domains: usize,
    /// The earliest time that can be shown, in units: where the window begins.
    pub start: u64,
}

impl Contents {
    /// Whether a reset, which comes before the signals among the sources, is shown. Signals are.
    pub fn shows(&self, source: usize) -> bool {
        source >= self.domains || self.series.iter().any(|series| matches!(series, Series::Bits { source: shown, .. } if *shown == source))
    }
}

/// A declaration in the header.
pub(super) enum Item {
    /// Everything up to the matching `Up` is in this scope.
    Scope {
        /// Safe and unique among the names of its scope.
        name: String,
        /// The module it is an instance of, made safe.
        module: String,
    },
    /// A name for a run of values.
    Variable(Variable),
    /// Ends the scope.
    Up,
}

/// A named signal in a scope. Several may show one run of values: an instance's input and what feeds it, for example.
pub(super) struct Variable {
    /// Safe and unique among the names of its scope.
    pub name: String,
    /// Index of the run of values.
    pub series: usize,
    /// Whether it is a register.
    pub register: bool,
    /// Whether it is a port.
    pub direction: Direction,
    /// Names of its values, if it is a state.
    pub states: Option<usize>,
    /// How its bits are read; `None` for clocks, resets and texts.
    pub ty: Option<Type>,
}

impl Variable {
    /// Whether its bits are a number that may be negative.
    pub fn is_signed(&self) -> bool {
        matches!(self.ty, Some(Type::SInt(_) | Type::Fixed { .. }))
    }
}

/// Whether and how a variable crosses its scope's border.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Direction {
    /// Not a port.
    Internal,
    /// An input port, a clock or a reset.
    Input,
    /// An output port.
    Output,
}

/// A run of values.
pub(super) enum Series {
    /// The clock of a domain of the top module: high in the first half of each cycle that an edge began.
    Clock {
        /// Index into the top module's domains.
        domain: usize,
    },
    /// The bits of a source.
    Bits {
        /// Index into the sampled signals.
        source: usize,
        /// In bits.
        width: u32,
    },
    /// A source read as a fixed-point number.
    Real {
        /// Index into the sampled signals.
        source: usize,
        /// Its type.
        ty: Type,
    },
    /// A source read as a state: text. In a format that attaches names to values, nothing.
    StateName {
        /// Index into the sampled signals.
        source: usize,
        /// Index into [`Contents::states`].
        states: usize,
    },
}

/// Names of the values 0, 1, 2, … of a state register, made safe and unique.
pub(super) struct StateNames {
    /// The register's name, made safe.
    pub name: String,
    /// Width of the register in bits.
    pub width: u32,
    /// Name of each value.
    pub names: Vec<String>,
}

//! The embedded hardware description language and its netlist, the design.
//!
//! - [`design`]: the netlist, what every back end reads; [`types`] and [`value`] are what its signals carry.
//! - [`describe`]: the language. A [`Component`] is a parameter struct with a function from input signals to output signals;
//!   [`elaborate`] turns it into a [`Design`], or into [`Diagnostics`] that name places and remedies.
//! - [`library`]: parts that most circuits need.
//! - [`analysis`], [`validate`]: what can be said about a netlist. [`text`]: its text form.

pub mod analysis;
pub mod describe;
pub mod design;
pub mod library;
pub mod text;
pub mod types;
pub mod validate;
pub mod value;

pub use describe::bundle::{Bundle, Leaf, join};
pub use describe::component::{Component, back, elaborate, elaborate_with_warnings, port};
pub use describe::convert::Rounding;
pub use describe::design_instance::DesignOutputs;
pub use describe::diagnostic::{Diagnostic, Diagnostics, Severity};
pub use describe::literal::constant;
pub use describe::memory::Memory;
pub use describe::module::{Module, Reg, Wire};
pub use describe::signal::{Signal, concat, pack};
pub use describe::state::{StateMachine, States};
pub use describe::stream::Stream;
pub use design::{Cell, CellId, Collision, Design, ModuleDef};
pub use types::Type;
pub use value::Value;

/// What a description usually needs: `use systole_hdl::prelude::*;`.
pub mod prelude {
    pub use crate::describe::convert::{sum_type, widen};
    pub use crate::{
        Bundle, Collision, Component, Design, Diagnostics, Memory, Module, Reg, Rounding, Signal, StateMachine, States, Stream, Type,
        Value, Wire, back, bundle, concat, constant, elaborate, elaborate_with_warnings, pack, port, states,
    };
}

//! The embedded hardware description language and its netlist, the design.

pub mod analysis;
pub mod design;
pub mod types;
pub mod value;

pub use design::{Cell, CellId, Design, ModuleDef};
pub use types::Type;
pub use value::Value;

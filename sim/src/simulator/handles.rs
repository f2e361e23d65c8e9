//! Typed handles: a name is looked up once, and read or written by its handle from then on. A handle is good for the
//! simulator that gave it and others of the same design.

use systole_hdl::design::MemoryId;
use systole_hdl::{CellId, Type};

use crate::connect::SignalId;
use crate::hierarchy::NodeId;

/// An input port of the top module.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct InputPort {
    pub(super) index: usize,
    pub(super) cell: CellId,
    pub(super) ty: Type,
}

/// An output port of the top module.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct OutputPort {
    pub(super) cell: CellId,
    pub(super) ty: Type,
}

/// Any signal of any instance. Ports are signals too.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Signal {
    pub(super) node: NodeId,
    pub(super) cell: CellId,
    pub(super) ty: Type,
}

/// A memory of an instance.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Memory {
    pub(super) node: NodeId,
    pub(super) memory: MemoryId,
    pub(super) ty: Type,
    pub(super) depth: u32,
}

/// A source on an input stream of the top module.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SourceHandle(pub(super) usize);

/// A sink on an output stream of the top module.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct SinkHandle(pub(super) usize);

impl InputPort {
    /// The port's type.
    pub fn ty(self) -> Type {
        self.ty
    }
}

impl OutputPort {
    /// The port's type.
    pub fn ty(self) -> Type {
        self.ty
    }
}

impl Signal {
    /// The signal's type.
    pub fn ty(self) -> Type {
        self.ty
    }

    /// Where the signal is: its instance and cell.
    pub fn id(self) -> SignalId {
        (self.node, self.cell)
    }
}

impl Memory {
    /// Type of a word.
    pub fn ty(self) -> Type {
        self.ty
    }

    /// Number of words.
    pub fn depth(self) -> u32 {
        self.depth
    }
}

impl From<InputPort> for Signal {
    fn from(port: InputPort) -> Signal {
        Signal { node: NodeId::TOP, cell: port.cell, ty: port.ty }
    }
}

impl From<OutputPort> for Signal {
    fn from(port: OutputPort) -> Signal {
        Signal { node: NodeId::TOP, cell: port.cell, ty: port.ty }
    }
}

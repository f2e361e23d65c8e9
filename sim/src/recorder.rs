//! Records what goes in and comes out of the top module in each cycle: stimulus and expectation for a testbench.
//!
//! What it takes to see every signal of a run again, in less room, is in [`record`](crate::record).

use systole_hdl::{CellId, Value};

use crate::engine::{DomainSet, Engine, limbs_for, resets};
use crate::hierarchy::NodeId;
use crate::observer::{Observer, ObserverError};

/// An observer that keeps all input and output values of the top module, cycle by cycle, at 8 bytes a limb.
#[derive(Clone, Debug, Default)]
pub struct Recorder {
    /// Inputs, then outputs.
    ports: Vec<Port>,
    inputs: usize,
    limbs_per_cycle: usize,
    limbs: Vec<u64>,
    cycles: Vec<RecordedCycle>,
}

#[derive(Clone, Copy, Debug)]
struct Port {
    cell: CellId,
    width: u32,
    /// Where it starts in a cycle's limbs.
    start: usize,
}

/// A recorded cycle, beside the values.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordedCycle {
    /// Its number.
    pub cycle: u64,
    /// Domains whose edge ends it.
    pub edges: DomainSet,
    /// Domains in reset.
    pub resets: DomainSet,
}

impl Recorder {
    /// A recorder that has seen nothing yet.
    pub fn new() -> Recorder {
        Recorder::default()
    }

    /// The recorded cycles in order.
    pub fn cycles(&self) -> &[RecordedCycle] {
        &self.cycles
    }

    /// The value of an input port (index among the top module's inputs) in the `row`-th recorded cycle.
    ///
    /// # Panics
    /// If there is no such row or port.
    pub fn input(&self, row: usize, port: usize) -> Value {
        self.value(row, self.ports[..self.inputs][port])
    }

    /// The settled value of an output port (index among the top module's outputs) in the `row`-th recorded cycle.
    ///
    /// # Panics
    /// If there is no such row or port.
    pub fn output(&self, row: usize, port: usize) -> Value {
        self.value(row, self.ports[self.inputs..][port])
    }

    fn value(&self, row: usize, port: Port) -> Value {
        let limbs = &self.limbs[row * self.limbs_per_cycle..][..self.limbs_per_cycle];
        Value::from_limbs(port.width, limbs[port.start..].iter().copied())
    }

    fn find_ports(&mut self, engine: &dyn Engine) {
        let top = engine.hierarchy().module(NodeId::TOP);
        let cells = top.inputs.iter().map(|port| port.cell).chain(top.outputs.iter().map(|port| port.value));
        for cell in cells {
            let width = top.ty(cell).width();
            self.ports.push(Port { cell, width, start: self.limbs_per_cycle });
            self.limbs_per_cycle += limbs_for(width);
        }
        self.inputs = top.inputs.len();
    }
}

impl Observer for Recorder {
    fn observe(&mut self, cycle: u64, engine: &dyn Engine, edges: DomainSet) -> Result<(), ObserverError> {
        if self.cycles.is_empty() {
            self.find_ports(engine);
        }
        let start = self.limbs.len();
        self.limbs.resize(start + self.limbs_per_cycle, 0);
        for port in &self.ports {
            engine.read(NodeId::TOP, port.cell, &mut self.limbs[start + port.start..][..limbs_for(port.width)]);
        }
        self.cycles.push(RecordedCycle { cycle, edges, resets: resets(engine) });
        Ok(())
    }
}

//! What every stream must keep, checked while a circuit runs.

use systole_hdl::Design;
use systole_hdl::analysis::PortPaths;
use systole_hdl::design::{Cell, StreamDirection, StreamProbe};
use systole_sim::engine::read_value;
use systole_sim::observer::ObserverError;
use systole_sim::{DomainSet, Engine, NodeId, Observer};

/// Watches the streams at the border of the top module: an offer is not taken back, and its data hold until it is taken.
#[derive(Default)]
pub struct ProtocolChecker {
    /// By stream: the data that were offered in the cycle before and not taken.
    stalled: Vec<Option<systole_hdl::Value>>,
}

impl Observer for ProtocolChecker {
    fn observe(&mut self, cycle: u64, engine: &dyn Engine, _: DomainSet) -> Result<(), ObserverError> {
        let streams = &engine.hierarchy().module(NodeId::TOP).streams;
        self.stalled.resize(streams.len(), None);
        for (stream, before) in streams.iter().zip(&mut self.stalled) {
            let [data, valid, ready] = [stream.data, stream.valid, stream.ready].map(|cell| read_value(engine, NodeId::TOP, cell));
            if let Some(before) = before.take() {
                if valid.is_zero() {
                    return Err(format!("cycle {cycle}: stream `{}` took back its offer of {before}", stream.name).into());
                }
                if data != before {
                    return Err(format!("cycle {cycle}: stalled stream `{}` changed from {before} to {data}", stream.name).into());
                }
            }
            *before = (!valid.is_zero() && ready.is_zero()).then_some(data);
        }
        Ok(())
    }
}

/// Whether `follower` depends on `source` within the cycle, at the border of the top module.
fn follows(design: &Design, follower: systole_hdl::CellId, source: systole_hdl::CellId) -> bool {
    let paths = PortPaths::of_design(design).expect("a valid design has no loop");
    let top = design.top_module();
    let (Some(output), Cell::Input(input)) = (top.outputs.iter().position(|port| port.value == follower), top.cell(source)) else {
        return false;
    };
    paths[design.top().index()].follows(output as u32, *input)
}

/// The border streams of one direction.
pub fn border(design: &Design, direction: StreamDirection) -> Vec<&StreamProbe> {
    design.top_module().streams.iter().filter(|stream| stream.direction == direction).collect()
}

/// Panics if an offer waits for an answer: the `valid` or the data of an output stream depend on a `ready` from outside.
pub fn check_that_no_offer_waits_for_an_answer(design: &Design) {
    for offering in border(design, StreamDirection::Output) {
        for answering in border(design, StreamDirection::Output) {
            for offered in [offering.valid, offering.data] {
                let waits = follows(design, offered, answering.ready);
                assert!(!waits, "stream `{}` waits for the ready of `{}`", offering.name, answering.name);
            }
        }
    }
}

/// Whether any output of one side depends on an input of the other within a cycle.
pub fn is_cut_from_side_to_side(design: &Design) -> bool {
    let (up, down) = (border(design, StreamDirection::Input), border(design, StreamDirection::Output));
    up.iter().all(|up| {
        down.iter().all(|down| {
            !follows(design, up.ready, down.ready) && !follows(design, down.valid, up.valid) && !follows(design, down.data, up.data)
        })
    })
}

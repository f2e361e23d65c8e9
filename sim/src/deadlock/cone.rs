//! Back from a signal to what explains its value: through logic, registers and instances.

use std::collections::VecDeque;

use rustc_hash::{FxHashMap, FxHashSet};
use systole_hdl::design::Cell;

use crate::connect::{SignalId, is_high, origin};
use crate::engine::Engine;
use crate::hierarchy::NodeId;

/// Signals looked at before a search gives up: enough for any control logic, and an end when it leads into a data path.
const MOST_SIGNALS: usize = 1 << 17;

/// What a search for the causes of a value came across.
#[derive(Clone, Debug, Default)]
pub(super) struct Cone {
    /// The low boundary signals that the search ended at, nearest first.
    pub waits: Vec<SignalId>,
    /// Every signal looked at.
    pub seen: FxHashSet<SignalId>,
    /// Input ports of the top module among them, other than boundary signals.
    pub inputs: Vec<SignalId>,
}

impl Cone {
    /// Searches from `start` (an origin) back to boundary signals. A boundary signal that is low is a cause; one that is
    /// high is none; neither is passed.
    pub fn of<T>(engine: &dyn Engine, start: SignalId, boundary: &FxHashMap<SignalId, T>) -> Cone {
        let mut cone = Cone::default();
        let mut waiting = VecDeque::from([start]);
        cone.seen.insert(start);
        while let Some(signal) = waiting.pop_front() {
            if signal != start && boundary.contains_key(&signal) {
                if !is_high(engine, signal) {
                    cone.waits.push(signal);
                }
                continue;
            }
            let (node, cell) = signal;
            if signal != start && node == NodeId::TOP && matches!(engine.hierarchy().module(node).cell(cell), Cell::Input(_)) {
                cone.inputs.push(signal);
            }
            if cone.seen.len() < MOST_SIGNALS {
                for_each_cause(engine, signal, |cause| {
                    let cause = origin(engine.hierarchy(), cause);
                    if cone.seen.insert(cause) {
                        waiting.push_back(cause);
                    }
                });
            }
        }
        cone
    }
}

/// The operands that make a cell's value what it is: of an `and` that is 0 only those that are 0, of a choice only the
/// chosen. For a register, what it takes next.
fn for_each_cause(engine: &dyn Engine, (node, cell): SignalId, mut visit: impl FnMut(SignalId)) {
    let module = engine.hierarchy().module(node);
    let high = |cell| is_high(engine, (node, cell));
    let one_bit = module.ty(cell).width() == 1;
    match *module.cell(cell) {
        Cell::And(a, b) | Cell::Or(a, b) if one_bit => {
            let decisive = matches!(module.cell(cell), Cell::Or(..));
            let decided = high(cell) == decisive;
            for operand in [a, b] {
                if !decided || high(operand) == decisive {
                    visit((node, operand));
                }
            }
        }
        Cell::Mux { condition, then, otherwise } => {
            visit((node, condition));
            visit((node, if high(condition) { then } else { otherwise }));
        }
        Cell::Select { index, ref options } => {
            visit((node, index));
            let wide = module.ty(index).width() > 64;
            let chosen = if wide { usize::MAX } else { usize::try_from(engine.read_u64(node, index)).unwrap_or(usize::MAX) };
            if let Some(&option) = options.get(chosen).or(options.last()) {
                visit((node, option));
            }
        }
        Cell::MemoryRead { memory, address } | Cell::MemoryReadRegistered { memory, address, .. } => {
            visit((node, address));
            if let Cell::MemoryReadRegistered { enable, .. } = *module.cell(cell) {
                visit((node, enable));
            }
            for port in &module.memories[memory.index()].writes {
                visit((node, port.enable));
            }
        }
        ref other => other.for_each_operand(|operand| visit((node, operand))),
    }
}

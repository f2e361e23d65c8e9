//! Registers and memories of a module, from the primitives that it holds.

use num_bigint::BigInt;
use systole_hdl::design::{DomainId, Memory, MemoryId, WritePort};
use systole_hdl::{Cell, Collision, Type, Value};

use crate::build::Build;
use crate::diagnostic::Problem;
use crate::primitives::{Content, Primitive};
use crate::probe::{Node, SignalInfo};

/// The widest address of a memory that is imported, in bits.
const MAX_ADDRESS_WIDTH: u32 = 28;

/// Gives the outputs of a primitive, which are reserved, their function.
pub(crate) fn define(build: &mut Build, node: &Node, primitive: &Primitive) {
    match primitive {
        Primitive::Register { clock, initial } => {
            let info = signal(node, "q");
            let (q, next, domain) = (build.shown(node, "q"), build.fed(node, "d"), build.domain(node, clock));
            let initial = Value::from_bigint(info.ty().width(), initial);
            build.netlist.define(q, Cell::Register { next, initial, reset: false, domain });
            build.netlist.name(q, &node.name);
            let short = |variant: &String| variant.rsplit("::").next().unwrap_or(variant).to_string();
            build.netlist.module.info[q.index()].states = info.variants().iter().map(short).collect();
        }
        Primitive::Ram { content } => {
            let (read_domain, write_domain) = (build.domain(node, "read_clock"), build.domain(node, "write_clock"));
            let Some(memory) = memory(build, node, "read_data", "read_address", content, &BigInt::ZERO, write_domain) else { return };
            let write = WritePort {
                address: build.fed(node, "write_address"),
                data: build.fed(node, "write_data"),
                enable: build.fed(node, "write_enable"),
                mask: None,
            };
            build.netlist.module.memories[memory.index()].writes.push(write);
            registered_read(build, node, memory, "read_data", "read_address", read_domain);
        }
        Primitive::SynchronousRom { content } => {
            let domain = build.domain(node, "clock");
            let Some(memory) = memory(build, node, "data", "address", content, &BigInt::ZERO, domain) else { return };
            registered_read(build, node, memory, "data", "address", domain);
        }
        Primitive::Rom { content, default } => {
            let Some(memory) = memory(build, node, "data", "address", content, default, DomainId(0)) else { return };
            let (data, address) = (build.shown(node, "data"), build.fed(node, "address"));
            build.netlist.define(data, Cell::MemoryRead { memory, address });
            build.netlist.name(data, &format!("{}_data", node.name));
        }
    }
}

fn signal<'a>(node: &'a Node, name: &str) -> &'a SignalInfo {
    node.signals.iter().find(|signal| signal.name == name).expect("a primitive is recognised by its ports")
}

/// Adds the memory of a primitive, `default` in all words without content.
fn memory(
    build: &mut Build,
    node: &Node,
    data: &str,
    address: &str,
    content: &Content,
    default: &BigInt,
    write_domain: DomainId,
) -> Option<MemoryId> {
    let (ty, address_width): (Type, u32) = (signal(node, data).ty(), signal(node, address).ty().width());
    if address_width > MAX_ADDRESS_WIDTH {
        let reason = format!("its address has {address_width} bits; at most {MAX_ADDRESS_WIDTH} are imported");
        build.problems.push(Problem::new(format!("memory `{}`", node.name), reason, "make it smaller"));
        return None;
    }
    let depth = 1u32 << address_width;
    let word = |value: &BigInt| Value::from_bigint(ty.width(), value);
    // Words that are not given are zero.
    let given = if *default == BigInt::ZERO { content.last_key_value().map_or(0, |(last, _)| last + 1) } else { u64::from(depth) };
    let mut initial: Vec<Value> = (0..given.min(u64::from(depth))).map(|address| word(content.get(&address).unwrap_or(default))).collect();
    let used = initial.iter().rposition(|word| !word.is_zero()).map_or(0, |last| last + 1);
    initial.truncate(used);
    let name = build.netlist.unique(&node.name);
    let memories = &mut build.netlist.module.memories;
    memories.push(Memory { name, depth, ty, initial, writes: Vec::new(), write_domain, location: None });
    Some(MemoryId(memories.len() as u32 - 1))
}

fn registered_read(build: &mut Build, node: &Node, memory: MemoryId, data: &str, address: &str, domain: DomainId) {
    if signal(node, data).value != BigInt::ZERO {
        let reason = format!("`{data}` does not start with zero, as a read of a memory does here");
        let remedy = "import before simulating, and give the words' type a default of zero";
        build.problems.push(Problem::new(format!("memory `{}`", node.name), reason, remedy));
    }
    let (cell, address) = (build.shown(node, data), build.fed(node, address));
    let enable = build.netlist.constant(&BigInt::from(1), Type::BIT);
    build.netlist.define(cell, Cell::MemoryReadRegistered { memory, address, enable, collision: Collision::ReadFirst, domain });
    build.netlist.name(cell, &format!("{}_{data}", node.name));
}

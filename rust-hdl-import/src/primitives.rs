//! Flip-flops, memories and ROMs: blocks whose Verilog rust-hdl writes as text.
//!
//! They are known by that text, which is fixed but for names and numbers. A block of the user that has the same text does the same.

use std::collections::BTreeMap;

use num_bigint::BigInt;
use rust_hdl_core::atom::AtomKind;

use crate::arrivals::Arrivals;
use crate::literal;
use crate::probe::{Node, SignalInfo};

/// A block that becomes a register or a memory of the module that holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Primitive {
    /// `q` takes `d` at each edge of the clock input of this name.
    Register { clock: &'static str, initial: BigInt },
    /// `read_data` takes the word before the write.
    Ram { content: Content },
    /// `data` takes the word at `address` at each edge.
    SynchronousRom { content: Content },
    /// `data` is the word at `address`.
    Rom { content: Content, default: BigInt },
}

/// Words by their address.
pub(crate) type Content = BTreeMap<u64, BigInt>;

/// The primitive that a block with this custom Verilog is.
pub(crate) fn recognise(node: &Node, verilog: &str) -> Option<Primitive> {
    let text = verilog.split_whitespace().collect::<Vec<_>>().join(" ");
    let primitive = register(&text).or_else(|| ram(&text)).or_else(|| synchronous_rom(&text)).or_else(|| rom(&text))?;
    primitive.has_its_ports(node).then_some(primitive)
}

impl Primitive {
    /// What it is called where no field names it.
    pub fn name(&self) -> &'static str {
        match self {
            Primitive::Register { .. } => "register",
            Primitive::Ram { .. } | Primitive::SynchronousRom { .. } | Primitive::Rom { .. } => "memory",
        }
    }

    /// Notes what the primitive at `path` takes and shows at an edge.
    pub fn note_arrivals(&self, path: &str, arrivals: &mut Arrivals) {
        match self {
            Primitive::Register { clock, .. } => {
                let (clock, d, q) = (arrivals.point(path, clock), arrivals.point(path, "d"), arrivals.point(path, "q"));
                arrivals.sample(path, clock, d);
                arrivals.launch(path, clock, q);
            }
            Primitive::Ram { .. } => {
                let (read_clock, write_clock) = (arrivals.point(path, "read_clock"), arrivals.point(path, "write_clock"));
                for signal in ["write_address", "write_data", "write_enable"] {
                    let signal = arrivals.point(path, signal);
                    arrivals.sample(path, write_clock, signal);
                }
                let (address, data) = (arrivals.point(path, "read_address"), arrivals.point(path, "read_data"));
                let content = arrivals.point(path, "the content");
                arrivals.launch(path, write_clock, content);
                arrivals.sample(path, read_clock, content);
                arrivals.sample(path, read_clock, address);
                arrivals.launch(path, read_clock, data);
            }
            Primitive::SynchronousRom { .. } => {
                let (clock, address, data) = (arrivals.point(path, "clock"), arrivals.point(path, "address"), arrivals.point(path, "data"));
                arrivals.sample(path, clock, address);
                arrivals.launch(path, clock, data);
            }
            Primitive::Rom { .. } => {
                let (address, data) = (arrivals.point(path, "address"), arrivals.point(path, "data"));
                arrivals.follow(data, address, 1);
            }
        }
    }

    /// Whether the block has the ports of the primitive, and no clock among its data.
    fn has_its_ports(&self, node: &Node) -> bool {
        let port = |name: &str, kind| node.signals.iter().find(|signal| signal.name == name && signal.kind == kind);
        let data = |name, kind| port(name, kind).filter(|signal| !signal.is_clock()).map(|signal| signal.ty().width());
        let input = |name| data(name, AtomKind::InputParameter);
        let output = |name| data(name, AtomKind::OutputParameter);
        let is_clock = |name| port(name, AtomKind::InputParameter).is_some_and(SignalInfo::is_clock);
        match self {
            Primitive::Register { clock, .. } => is_clock(clock) && output("q").is_some() && input("d") == output("q"),
            Primitive::Ram { .. } => {
                let has_addresses = input("read_address").is_some() && input("write_address") == input("read_address");
                let has_data = output("read_data").is_some() && input("write_data") == output("read_data");
                has_addresses && has_data && input("write_enable") == Some(1) && is_clock("read_clock") && is_clock("write_clock")
            }
            Primitive::SynchronousRom { .. } => is_clock("clock") && input("address").is_some() && output("data").is_some(),
            Primitive::Rom { .. } => input("address").is_some() && output("data").is_some(),
        }
    }
}

fn register(text: &str) -> Option<Primitive> {
    let rest = text.strip_prefix("initial begin q = ")?;
    let (initial, rest) = rest.split_once("; end always @(posedge ")?;
    let clock = match rest {
        "clock) begin q <= d; end" => "clock",
        "clk) q <= d;" => "clk",
        _ => return None,
    };
    Some(Primitive::Register { clock, initial: literal::parse(initial)?.0 })
}

fn ram(text: &str) -> Option<Primitive> {
    let behaviour = "always @(posedge read_clock) begin read_data <= mem[read_address]; end always @(posedge write_clock) begin \
                     if (write_enable) begin mem[write_address] <= write_data; end end";
    Some(Primitive::Ram { content: content(text.strip_suffix(behaviour)?)? })
}

fn synchronous_rom(text: &str) -> Option<Primitive> {
    let behaviour = "always @(posedge clock) begin data <= mem[address]; end";
    Some(Primitive::SynchronousRom { content: content(text.strip_suffix(behaviour)?)? })
}

/// The declaration of the memory `mem`, and its initial content: `initial begin mem[2'h0] = 8'h1; … end`.
fn content(text: &str) -> Option<Content> {
    let (declaration, initial) = text.split_once(';')?;
    if !declaration.starts_with("reg[") || !declaration.contains("mem") {
        return None;
    }
    if initial.trim().is_empty() {
        return Some(Content::new());
    }
    let words = initial.trim().strip_prefix("initial begin")?.strip_suffix("end")?;
    let words = words.split(';').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let (address, value) = word.strip_prefix("mem[")?.split_once("] = ")?;
            Some((u64::try_from(literal::parse(address)?.0).ok()?, literal::parse(value)?.0))
        })
        .collect()
}

fn rom(text: &str) -> Option<Primitive> {
    let cases = text.strip_prefix("always @* case (address)")?.strip_suffix("endcase")?;
    let mut content = Content::new();
    let mut default = None;
    for case in cases.split(';').map(str::trim).filter(|case| !case.is_empty()) {
        let (address, value) = case.split_once(": data = ")?;
        let value = literal::parse(value)?.0;
        if address == "default" {
            default = Some(value);
        } else {
            content.insert(u64::try_from(literal::parse(address)?.0).ok()?, value);
        }
    }
    Some(Primitive::Rom { content, default: default? })
}

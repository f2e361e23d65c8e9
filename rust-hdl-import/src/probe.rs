//! What a circuit consists of: the tree of its blocks with their signals and code.

use std::panic::{AssertUnwindSafe, catch_unwind};

use num_bigint::BigInt;
use rust_hdl_core::ast::Verilog;
use rust_hdl_core::atom::{Atom, AtomKind};
use rust_hdl_core::block::Block;
use rust_hdl_core::probe::Probe;
use rust_hdl_core::type_descriptor::{TypeDescriptor, TypeKind};
use systole_hdl::Type;

use crate::literal;
use crate::names::plain;

/// A block of the circuit.
#[derive(Debug)]
pub(crate) struct Node {
    /// The field that holds it, e.g. `taps$0`.
    pub name: String,
    /// Where it is, e.g. `top.filter.taps$0`.
    pub path: String,
    pub signals: Vec<SignalInfo>,
    pub children: Vec<Node>,
    /// Its code, or the words with which rust-hdl panicked instead of giving it.
    pub code: Result<Verilog, String>,
}

/// A signal or constant of a block.
#[derive(Clone, Debug)]
pub(crate) struct SignalInfo {
    /// The field, with those of the interfaces around it: `bus$data`.
    pub name: String,
    pub kind: AtomKind,
    pub shape: Shape,
    /// The present value: a constant's value, an output's initial value.
    pub value: BigInt,
}

/// What a signal carries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Shape {
    Clock,
    Data {
        ty: Type,
        /// Names of the values 0, 1, 2, … of an enum: `State::Idle`.
        variants: Vec<String>,
        /// Fields of a packed struct.
        fields: Vec<Field>,
    },
}

/// A field of a packed struct.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Field {
    pub low: u32,
    pub ty: Type,
    pub variants: Vec<String>,
}

impl SignalInfo {
    pub fn is_clock(&self) -> bool {
        self.shape == Shape::Clock
    }

    /// The type of the signal; a clock is a bit.
    pub fn ty(&self) -> Type {
        match &self.shape {
            Shape::Clock => Type::BIT,
            Shape::Data { ty, .. } => *ty,
        }
    }

    pub fn variants(&self) -> &[String] {
        match &self.shape {
            Shape::Clock => &[],
            Shape::Data { variants, .. } => variants,
        }
    }

    pub fn fields(&self) -> &[Field] {
        match &self.shape {
            Shape::Clock => &[],
            Shape::Data { fields, .. } => fields,
        }
    }
}

/// Walks a block and everything in it.
pub(crate) fn walk<B: Block>(block: &B, name: &str) -> Node {
    // The outermost node holds the top block, and stays alone if `block` is a bare signal.
    let mut walk = Walk { open: vec![Node::new("", String::new(), Ok(Verilog::Empty))], interfaces: Vec::new() };
    block.accept(name, &mut walk);
    let mut root = walk.open.swap_remove(0);
    if root.children.len() == 1 { root.children.swap_remove(0) } else { Node { path: name.to_string(), name: name.to_string(), ..root } }
}

struct Walk {
    open: Vec<Node>,
    interfaces: Vec<String>,
}

impl Walk {
    fn node(&mut self) -> &mut Node {
        self.open.last_mut().expect("the outermost node is never closed")
    }
}

impl Node {
    fn new(name: &str, path: String, code: Result<Verilog, String>) -> Node {
        Node { name: name.to_string(), path, signals: Vec::new(), children: Vec::new(), code }
    }
}

/// The code of a block. rust-hdl computes it with machine integers that may overflow, as for a RAM with an address of 31 bits.
fn code(block: &dyn Block) -> Result<Verilog, String> {
    catch_unwind(AssertUnwindSafe(|| block.hdl())).map_err(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        words.unwrap_or("without a message").to_string()
    })
}

impl Probe for Walk {
    fn visit_start_scope(&mut self, name: &str, node: &dyn Block) {
        let (parent, name) = (self.node().path.clone(), &plain(name));
        let path = if parent.is_empty() { name.to_string() } else { format!("{parent}.{name}") };
        self.open.push(Node::new(name, path, code(node)));
        self.interfaces.clear();
    }

    fn visit_start_namespace(&mut self, name: &str, _node: &dyn Block) {
        self.interfaces.push(plain(name));
    }

    fn visit_atom(&mut self, name: &str, signal: &dyn Atom) {
        let name = self.interfaces.iter().map(String::as_str).chain([plain(name).as_str()]).collect::<Vec<_>>().join("$");
        let value = literal::value(&signal.verilog()).map(|(value, _)| value).unwrap_or_default();
        let shape = shape(&signal.descriptor(), signal.bits() as u32);
        self.node().signals.push(SignalInfo { name, kind: signal.kind(), shape, value });
    }

    fn visit_end_namespace(&mut self, _name: &str, _node: &dyn Block) {
        self.interfaces.pop();
    }

    fn visit_end_scope(&mut self, _name: &str, _node: &dyn Block) {
        let node = self.open.pop().expect("a scope that ends was started");
        self.node().children.push(node);
    }
}

fn shape(descriptor: &TypeDescriptor, width: u32) -> Shape {
    if descriptor.name == "clock" && matches!(descriptor.kind, TypeKind::Bits(1)) {
        return Shape::Clock;
    }
    let fields = match &descriptor.kind {
        TypeKind::Composite(fields) => packed(fields.iter().map(|field| &field.kind)),
        _ => Vec::new(),
    };
    Shape::Data { ty: ty(descriptor, width), variants: variants(descriptor), fields }
}

fn packed<'a>(kinds: impl Iterator<Item = &'a TypeDescriptor>) -> Vec<Field> {
    let mut low = 0;
    kinds
        .map(|kind| {
            let field = Field { low, ty: ty(kind, width(kind)), variants: variants(kind) };
            low += width(kind);
            field
        })
        .collect()
}

fn variants(descriptor: &TypeDescriptor) -> Vec<String> {
    match &descriptor.kind {
        TypeKind::Enum(names) => names.clone(),
        _ => Vec::new(),
    }
}

fn ty(descriptor: &TypeDescriptor, width: u32) -> Type {
    match &descriptor.kind {
        TypeKind::Bits(_) if width == 1 => Type::BIT,
        TypeKind::Bits(_) => Type::u(width),
        TypeKind::Signed(_) => Type::s(width),
        TypeKind::Enum(_) | TypeKind::Composite(_) => Type::Bits(width),
    }
}

fn width(descriptor: &TypeDescriptor) -> u32 {
    match &descriptor.kind {
        TypeKind::Bits(width) | TypeKind::Signed(width) => *width as u32,
        TypeKind::Enum(names) => names.len().next_power_of_two().trailing_zeros(),
        TypeKind::Composite(fields) => fields.iter().map(|field| width(&field.kind)).sum(),
    }
}

//! The instructions that a design grows from.

use std::ops::Range;

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use systole_hdl::design::Collision;
use systole_hdl::{Type, Value};

use super::MAX_WIDTH;

/// A design: its modules, the top last.
#[derive(Clone, Debug)]
pub(super) struct Recipe {
    pub(super) modules: Vec<ModuleRecipe>,
}

/// A module.
#[derive(Clone, Debug)]
pub(super) struct ModuleRecipe {
    pub(super) name: Label,
    /// Names of the domains after the default one.
    pub(super) domains: Vec<Label>,
    pub(super) inputs: Vec<(Shape, Label)>,
    pub(super) registers: Vec<RegisterRecipe>,
    pub(super) memories: Vec<MemoryRecipe>,
    pub(super) steps: Vec<Step>,
    /// What output ports show, beside everything that nothing else uses.
    pub(super) outputs: Vec<(Pick, Label)>,
    /// Puts the cells in another order.
    pub(super) shuffle: Option<u64>,
}

/// A register, which every step may use and whose next value may use every step.
#[derive(Clone, Debug)]
pub(super) struct RegisterRecipe {
    pub(super) shape: Shape,
    pub(super) label: Option<Label>,
    pub(super) initial: Pattern,
    pub(super) reset: bool,
    pub(super) domain: Pick,
    pub(super) states: u8,
    pub(super) next: Pick,
    /// Condition and value of the muxes before `next`, the outermost first; a value of `None` holds.
    pub(super) branches: Vec<(Pick, Option<Pick>)>,
}

/// A memory; steps read it.
#[derive(Clone, Debug)]
pub(super) struct MemoryRecipe {
    pub(super) shape: Shape,
    pub(super) label: Label,
    pub(super) depth: u32,
    /// Cut off at the depth.
    pub(super) initial: Vec<Pattern>,
    pub(super) domain: Pick,
    pub(super) writes: Vec<WriteRecipe>,
}

/// A write port.
#[derive(Clone, Debug)]
pub(super) struct WriteRecipe {
    pub(super) address: AddressRecipe,
    pub(super) data: Pick,
    pub(super) enable: Pick,
    /// Which divisor of the width the mask has, and what it is.
    pub(super) mask: Option<(Pick, Pick)>,
}

/// An address and how wide it is.
#[derive(Clone, Copy, Debug)]
pub(super) enum AddressRecipe {
    /// Just wide enough for the depth.
    Fitting(Pick),
    /// Any signal as it is.
    Any(Pick),
}

/// An instruction: a function, what it is applied to, and what comes out. Each function reads of it what it needs.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) function: Function,
    pub(super) picks: [Pick; 4],
    pub(super) shape: Shape,
    pub(super) pattern: Pattern,
    pub(super) label: Option<Label>,
}

/// What a step adds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Function {
    Wire,
    Const,
    Not,
    And,
    Or,
    Xor,
    ReduceAnd,
    ReduceOr,
    ReduceXor,
    Add,
    Sub,
    Mul,
    Equal,
    Less,
    ShiftLeft,
    ShiftRight,
    Mux,
    Select,
    Concat,
    Slice,
    Extend,
    MemoryRead,
    MemoryReadRegistered(Collision),
    Instances,
}

/// A choice among what there is: a number that is reduced to it. Zero is always the plainest choice.
pub(super) type Pick = u16;

/// A choice of a name.
pub(super) type Label = u16;

/// A type: family, width, and the place of a binary point if the family has one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) family: Family,
    pub(super) width: u32,
    point: u32,
}

/// A type without its width.
#[derive(Clone, Copy, Debug)]
pub(super) enum Family {
    Bits,
    Unsigned,
    Signed,
    UnsignedFixed,
    SignedFixed,
}

impl Shape {
    pub(super) fn ty(self) -> Type {
        self.with_width(self.width)
    }

    /// The type of this family with another width.
    pub(super) fn with_width(self, width: u32) -> Type {
        let frac = self.point % (width + 1);
        match self.family {
            Family::Bits => Type::Bits(width),
            Family::Unsigned => Type::u(width),
            Family::Signed => Type::s(width),
            Family::UnsignedFixed => Type::uq(width - frac, frac),
            Family::SignedFixed => Type::q(width - frac, frac),
        }
    }
}

/// A constant of any width.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pattern {
    Small(u8),
    Ones,
    /// The top bit alone.
    Top,
    /// All bits but the top one.
    BelowTop,
    Any([u64; 4]),
}

impl Pattern {
    pub(super) fn value(self, width: u32) -> Value {
        match self {
            Pattern::Small(number) => Value::from_u64(width, number.into()),
            Pattern::Ones => Value::ones(width),
            Pattern::Top => Value::zero(width).with_bit(width - 1),
            Pattern::BelowTop => Value::ones(width).slice(1, width),
            Pattern::Any(limbs) => Value::from_limbs(width, limbs),
        }
    }
}

pub(super) fn recipe() -> impl Strategy<Value = Recipe> {
    prop_oneof![4 => vec(module(), 1..2), 6 => vec(module(), 1..4), 2 => vec(module(), 1..6)].prop_map(|modules| Recipe { modules })
}

fn module() -> impl Strategy<Value = ModuleRecipe> {
    let domains = prop_oneof![6 => vec(label(), 0..1), 3 => vec(label(), 1..2), 1 => vec(label(), 2..3)];
    let frame = (label(), domains, vec((shape(), label()), 0..6), vec((pick(), label()), 0..4), weighted(0.2, any::<u64>()));
    (frame, vec(register(), 0..5), vec(memory(), 0..3), vec(step(), 0..32)).prop_map(|(frame, registers, memories, steps)| {
        let (name, domains, inputs, outputs, shuffle) = frame;
        ModuleRecipe { name, domains, inputs, registers, memories, steps, outputs, shuffle }
    })
}

fn register() -> impl Strategy<Value = RegisterRecipe> {
    let branches = vec((pick(), weighted(0.7, pick())), 0..4);
    let frame = (shape(), optional_label(), pattern(), any::<bool>(), pick());
    (frame, states(), pick(), branches).prop_map(|((shape, label, initial, reset, domain), states, next, branches)| RegisterRecipe {
        shape,
        label,
        initial,
        reset,
        domain,
        states,
        next,
        branches,
    })
}

fn states() -> impl Strategy<Value = u8> {
    prop_oneof![5 => Just(0u8), 1 => 1..5u8]
}

fn memory() -> impl Strategy<Value = MemoryRecipe> {
    let depth = prop_oneof![8 => 1..9u32, 2 => 9..40u32, 1 => select(vec![16, 32, 64])];
    let frame = (shape(), label(), depth, vec(pattern(), 0..12), pick());
    (frame, vec(write(), 0..4)).prop_map(|((shape, label, depth, initial, domain), writes)| MemoryRecipe {
        shape,
        label,
        depth,
        initial,
        domain,
        writes,
    })
}

fn write() -> impl Strategy<Value = WriteRecipe> {
    let mask = weighted(0.5, (pick(), pick()));
    (address(), pick(), pick(), mask).prop_map(|(address, data, enable, mask)| WriteRecipe { address, data, enable, mask })
}

fn address() -> impl Strategy<Value = AddressRecipe> {
    prop_oneof![3 => pick().prop_map(AddressRecipe::Fitting), 1 => pick().prop_map(AddressRecipe::Any)]
}

fn step() -> impl Strategy<Value = Step> {
    (function(), [pick(), pick(), pick(), pick()], shape(), pattern(), optional_label())
        .prop_map(|(function, picks, shape, pattern, label)| Step { function, picks, shape, pattern, label })
}

fn function() -> impl Strategy<Value = Function> {
    let plain = vec![
        Function::Wire,
        Function::Not,
        Function::And,
        Function::Or,
        Function::Xor,
        Function::ReduceAnd,
        Function::ReduceOr,
        Function::ReduceXor,
        Function::Slice,
    ];
    let arithmetic = vec![
        Function::Add,
        Function::Sub,
        Function::Mul,
        Function::Equal,
        Function::Less,
        Function::ShiftLeft,
        Function::ShiftRight,
        Function::Mux,
        Function::Select,
        Function::Concat,
        Function::Extend,
    ];
    let reads = vec![
        Function::MemoryRead,
        Function::MemoryReadRegistered(Collision::ReadFirst),
        Function::MemoryReadRegistered(Collision::WriteFirst),
        Function::MemoryReadRegistered(Collision::Undefined),
    ];
    prop_oneof![6 => select(plain), 3 => Just(Function::Const), 12 => select(arithmetic), 3 => select(reads), 3 => Just(Function::Instances)]
}

fn shape() -> impl Strategy<Value = Shape> {
    let family = select(vec![Family::Bits, Family::Unsigned, Family::Signed, Family::UnsignedFixed, Family::SignedFixed]);
    (width(), family, 0..=MAX_WIDTH).prop_map(|(width, family, point)| Shape { family, width, point })
}

/// Mostly narrow, and often about the sizes at which engines and tools change their ways.
fn width() -> impl Strategy<Value = u32> {
    let about = |width: u32| -> Range<u32> { width - 1..width + 2 };
    prop_oneof![6 => 1..2u32, 10 => 2..9u32, 2 => 9..31u32, 2 => about(32), 3 => about(64), 1 => about(128), 1 => 66..MAX_WIDTH, 1 => MAX_WIDTH..MAX_WIDTH + 1]
}

fn pattern() -> impl Strategy<Value = Pattern> {
    prop_oneof![
        4 => any::<u8>().prop_map(Pattern::Small),
        1 => Just(Pattern::Ones),
        1 => Just(Pattern::Top),
        1 => Just(Pattern::BelowTop),
        3 => any::<[u64; 4]>().prop_map(Pattern::Any),
    ]
}

fn pick() -> impl Strategy<Value = Pick> {
    any::<u16>()
}

fn label() -> impl Strategy<Value = Label> {
    any::<u16>()
}

fn optional_label() -> impl Strategy<Value = Option<Label>> {
    weighted(0.35, label())
}

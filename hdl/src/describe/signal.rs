//! Signals and what can be computed from them.

use std::marker::PhantomData;
use std::ops::Range;
use std::panic::Location;

use super::arena::{Arena, with};
use super::diagnostic::Place;
use super::literal::Operand;
use super::operator::{Operator, align_help, binary, combine};
use crate::design::{Cell, CellId};
use crate::types::Type;

/// A value in every cycle: a `Copy` handle into the elaboration in progress.
///
/// Operators combine signals into new ones. A mistake (types that differ, a literal that does not fit) is reported at
/// the line that made it, and elaboration goes on to find the next one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Signal {
    pub(crate) cell: CellId,
    /// Serial number of the module that made it.
    pub(crate) module: u32,
    /// Handles stay on the thread that elaborates.
    not_send: PhantomData<*const ()>,
}

/// A cell with one operand of the module, poison in, poison out.
#[track_caller]
pub(crate) fn unary(a: Signal, at: Place, make: impl FnOnce(&mut Arena, Signal, Type) -> Signal) -> Signal {
    with(|arena| {
        let a = arena.own(a, at);
        let ty = arena.ty(a);
        make(arena, a, ty)
    })
}

impl Signal {
    pub(crate) fn new(cell: CellId, module: u32) -> Signal {
        Signal { cell, module, not_send: PhantomData }
    }

    /// The type of the value.
    #[track_caller]
    pub fn ty(self) -> Type {
        let at = Location::caller();
        unary(self, at, |_, a, _| a).type_unchecked()
    }

    #[track_caller]
    fn type_unchecked(self) -> Type {
        with(|arena| arena.ty(self))
    }

    /// Gives the value a name, shown in waveforms and Verilog. A name already taken in the module gets a number.
    #[track_caller]
    pub fn named(self, name: &str) -> Signal {
        let at = Location::caller();
        unary(self, at, |arena, a, ty| {
            if name.is_empty() {
                arena.claim_name(name, at);
                return a;
            }
            let fresh = arena.current().module.info[a.cell.index()].name.is_none()
                && !matches!(arena.current().module.cell(a.cell), Cell::Input(_) | Cell::Const(_));
            let target = if fresh || arena.is_poisoned(a) { a } else { arena.push(Cell::Wire(a.cell), ty, at) };
            let name = arena.current().free_name(name.into(), at);
            arena.current().set_name(target.cell, name);
            target
        })
    }

    /// One bit: the values are equal.
    #[track_caller]
    pub fn equals(self, other: impl Operand) -> Signal {
        binary(Operator::Equals, self, other, Location::caller())
    }

    /// One bit: the values differ.
    #[track_caller]
    pub fn differs(self, other: impl Operand) -> Signal {
        binary(Operator::Differs, self, other, Location::caller())
    }

    /// One bit: less than `other`.
    #[track_caller]
    pub fn lt(self, other: impl Operand) -> Signal {
        binary(Operator::Lt, self, other, Location::caller())
    }

    /// One bit: greater than or equal to `other`.
    #[track_caller]
    pub fn ge(self, other: impl Operand) -> Signal {
        binary(Operator::Ge, self, other, Location::caller())
    }

    /// One bit: greater than `other`.
    #[track_caller]
    pub fn gt(self, other: impl Operand) -> Signal {
        binary(Operator::Gt, self, other, Location::caller())
    }

    /// One bit: less than or equal to `other`.
    #[track_caller]
    pub fn le(self, other: impl Operand) -> Signal {
        binary(Operator::Le, self, other, Location::caller())
    }

    /// The lesser of both.
    #[track_caller]
    pub fn min(self, other: Signal) -> Signal {
        self.lt(other).mux(self, other)
    }

    /// The greater of both.
    #[track_caller]
    pub fn max(self, other: Signal) -> Signal {
        self.lt(other).mux(other, self)
    }

    /// The exact sum, one bit wider.
    #[track_caller]
    pub fn add_wide(self, other: impl Operand) -> Signal {
        self.wide(Operator::Add, other, Location::caller())
    }

    /// The exact difference, one bit wider; of unsigned numbers it wraps below zero, so the top bit says "borrowed".
    #[track_caller]
    pub fn sub_wide(self, other: impl Operand) -> Signal {
        self.wide(Operator::Sub, other, Location::caller())
    }

    #[track_caller]
    fn wide(self, operator: Operator, other: impl Operand, at: Place) -> Signal {
        with(|arena| {
            let a = arena.own(self, at);
            let (ty, like) = (arena.ty(a), arena.like(a));
            let b = arena.operand(other, like, at);
            if operator.result(ty, arena.ty(b)).is_err() {
                return combine(arena, operator, a, b, at);
            }
            let wide = ty.resized(ty.int() + 1, ty.frac());
            let (a, b) = (extend(arena, a, wide, at), extend(arena, b, wide, at));
            combine(arena, operator, a, b, at)
        })
    }

    /// One bit: every bit is 1.
    #[track_caller]
    pub fn all(self) -> Signal {
        self.reduce(Cell::ReduceAnd, Location::caller())
    }

    /// One bit: some bit is 1.
    #[track_caller]
    pub fn any(self) -> Signal {
        self.reduce(Cell::ReduceOr, Location::caller())
    }

    /// One bit: an odd number of bits is 1.
    #[track_caller]
    pub fn parity(self) -> Signal {
        self.reduce(Cell::ReduceXor, Location::caller())
    }

    #[track_caller]
    fn reduce(self, cell: fn(CellId) -> Cell, at: Place) -> Signal {
        unary(
            self,
            at,
            |arena, a, _| if arena.is_poisoned(a) { arena.poison(Type::BIT, at) } else { arena.push(cell(a.cell), Type::BIT, at) },
        )
    }

    /// This bit chooses: `then` when it is 1, `otherwise` when it is 0.
    #[track_caller]
    pub fn mux(self, then: impl Operand, otherwise: impl Operand) -> Signal {
        let at = Location::caller();
        unary(self, at, |arena, condition, tc| {
            let (then, otherwise) = arena.operand_pair(then, otherwise, at);
            let (t1, t0) = (arena.ty(then), arena.ty(otherwise));
            if [condition, then, otherwise].iter().any(|&s| arena.is_poisoned(s)) {
                return arena.poison(t1, at);
            }
            if tc != Type::BIT {
                let (message, note) = (format!("{} cannot choose", arena.describe(condition)), arena.origin(condition));
                arena.error(at, message, vec![note], Some("a condition is one bit: compare, or use `.any()`".into()));
                return arena.poison(t1, at);
            }
            if t1 != t0 {
                let notes = vec![arena.origin(then), arena.origin(otherwise)];
                let message = format!("the choices of `mux` differ: {} and {}", arena.describe(then), arena.describe(otherwise));
                arena.error(at, message, notes, Some(align_help(t1, t0)));
                return arena.poison(t1, at);
            }
            arena.push(Cell::Mux { condition: condition.cell, then: then.cell, otherwise: otherwise.cell }, t1, at)
        })
    }

    /// The option at the position that this unsigned value gives; beyond the last one, the last.
    #[track_caller]
    pub fn select(self, options: &[Signal]) -> Signal {
        let at = Location::caller();
        unary(self, at, |arena, index, ti| {
            let options: Vec<Signal> = options.iter().map(|&o| arena.own(o, at)).collect();
            let Some(&first) = options.first() else {
                arena.error(at, "`select` among nothing", vec![], Some("give at least one option".into()));
                return arena.poison(Type::BIT, at);
            };
            let ty = arena.ty(first);
            if options.iter().any(|&s| arena.is_poisoned(s)) || arena.is_poisoned(index) {
                return arena.poison(ty, at);
            }
            if ti.is_signed() {
                let (message, note) = (format!("{} cannot be an index", arena.describe(index)), arena.origin(index));
                arena.error(at, message, vec![note], Some("an index is unsigned: `.reinterpret(Type::u(..))`".into()));
                return arena.poison(ty, at);
            }
            if let Some(&odd) = options.iter().find(|&&o| arena.ty(o) != ty) {
                let notes = vec![arena.origin(first), arena.origin(odd)];
                let message = format!("the options of `select` differ: {} and {}", arena.describe(first), arena.describe(odd));
                let help = align_help(ty, arena.ty(odd));
                arena.error(at, message, notes, Some(help));
                return arena.poison(ty, at);
            }
            let options = options.iter().map(|o| o.cell).collect();
            arena.push(Cell::Select { index: index.cell, options }, ty, at)
        })
    }

    /// Bits `range.start .. range.end`, counted from the least significant.
    #[track_caller]
    pub fn bits(self, range: Range<u32>) -> Signal {
        let at = Location::caller();
        unary(self, at, |arena, a, ty| {
            let width = range.end.saturating_sub(range.start);
            if range.end > ty.width() || width == 0 {
                if !arena.is_poisoned(a) {
                    let (what, note) = (arena.describe(a), arena.origin(a));
                    let Range { start, end } = range;
                    let message = if width == 0 {
                        format!("the range {start}..{end} is empty")
                    } else {
                        format!("{what} has no bits {start}..{end}")
                    };
                    arena.error(at, message, vec![note], Some(format!("a range lies within 0..{} and is not empty", ty.width())));
                }
                return arena.poison(Type::Bits(width.clamp(1, crate::types::MAX_WIDTH)), at);
            }
            slice(arena, a, range.start, Type::Bits(width), at)
        })
    }

    /// One bit, counted from the least significant.
    #[track_caller]
    pub fn bit(self, index: u32) -> Signal {
        self.bits(index..index.saturating_add(1))
    }

    /// The bit at the position that an unsigned signal gives; 0 beyond the width (the sign of a signed value).
    #[track_caller]
    pub fn bit_at(self, index: Signal) -> Signal {
        (self >> index).bit(0)
    }

    /// The value cut into `count` equal parts of type `ty`, the least significant first.
    #[track_caller]
    pub fn lanes(self, ty: Type, count: u32) -> Vec<Signal> {
        let at = Location::caller();
        with(|arena| {
            let a = arena.own(self, at);
            let whole = arena.ty(a);
            if u64::from(whole.width()) != u64::from(ty.width()) * u64::from(count) {
                let (message, note) = (format!("{} is not {count} lanes of {ty}", arena.describe(a)), arena.origin(a));
                if !arena.is_poisoned(a) {
                    let help = format!("{count} lanes of {ty} are {} bits", u64::from(ty.width()) * u64::from(count));
                    arena.error(at, message, vec![note], Some(help));
                }
                return (0..count).map(|_| arena.poison(ty, at)).collect();
            }
            (0..count).map(|lane| slice(arena, a, lane * ty.width(), ty, at)).collect()
        })
    }

    /// The same bits with another meaning; the width stays.
    #[track_caller]
    pub fn reinterpret(self, ty: Type) -> Signal {
        let at = Location::caller();
        unary(self, at, |arena, a, from| {
            if from == ty || arena.is_poisoned(a) {
                return if from == ty { a } else { arena.poison(ty, at) };
            }
            if from.width() != ty.width() {
                let (message, note) = (format!("{} cannot be read as {ty}", arena.describe(a)), arena.origin(a));
                let help = format!("both must have {} bits; `.to(..)` changes the width first", from.width());
                arena.error(at, message, vec![note], Some(help));
                return arena.poison(ty, at);
            }
            reinterpret(arena, a, ty, at)
        })
    }

    /// The same bits without a meaning.
    #[track_caller]
    pub fn as_bits(self) -> Signal {
        let width = self.ty().width();
        self.reinterpret(Type::Bits(width))
    }
}

/// Signals side by side as bits, the first at the most significant end.
#[track_caller]
pub fn concat(parts: &[Signal]) -> Signal {
    let at = Location::caller();
    with(|arena| {
        let parts: Vec<Signal> = parts.iter().map(|&p| arena.own(p, at)).collect();
        if parts.is_empty() {
            arena.error(at, "`concat` of nothing", vec![], Some("give at least one signal".into()));
            return arena.poison(Type::BIT, at);
        }
        let width = parts.iter().fold(0u32, |sum, &p| sum.saturating_add(arena.ty(p).width()));
        if parts.iter().any(|&p| arena.is_poisoned(p)) {
            return arena.poison(Type::Bits(width), at);
        }
        arena.push(Cell::Concat(parts.iter().map(|p| p.cell).collect()), Type::Bits(width), at)
    })
}

/// Signals side by side as bits, the first at the *least* significant end: the inverse of [`Signal::lanes`].
#[track_caller]
pub fn pack(lanes: &[Signal]) -> Signal {
    let reversed: Vec<Signal> = lanes.iter().rev().copied().collect();
    concat(&reversed)
}

/// Part of a value under a type of the part's width; the caller has checked the range.
pub(crate) fn slice(arena: &mut Arena, a: Signal, low: u32, ty: Type, at: Place) -> Signal {
    if arena.is_poisoned(a) { arena.poison(ty, at) } else { arena.push(Cell::Slice { value: a.cell, low }, ty, at) }
}

/// Extension to a type at least as wide; the caller has checked that.
pub(crate) fn extend(arena: &mut Arena, a: Signal, ty: Type, at: Place) -> Signal {
    let from = arena.ty(a);
    if arena.is_poisoned(a) {
        arena.poison(ty, at)
    } else if from.width() == ty.width() {
        reinterpret(arena, a, ty, at)
    } else {
        arena.push(Cell::Extend(a.cell), ty, at)
    }
}

/// Another type of the same width; the caller has checked that. A slice of the whole, so that equal ones are shared.
pub(crate) fn reinterpret(arena: &mut Arena, a: Signal, ty: Type, at: Place) -> Signal {
    if arena.ty(a) == ty { a } else { slice(arena, a, 0, ty, at) }
}

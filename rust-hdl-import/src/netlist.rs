//! Building one module of a design, cell by cell. Equal cells are shared, constants are folded where that is free.

use num_bigint::BigInt;
use rustc_hash::FxHashMap;
use systole_hdl::design::{CellInfo, InputPort, Name};
use systole_hdl::{Cell, CellId, ModuleDef, Type, Value};

use crate::expression::unsigned;
use crate::names::UniqueNames;

/// A module in the making.
#[derive(Default)]
pub(crate) struct Netlist {
    pub module: ModuleDef,
    shared: FxHashMap<(Cell, Type), CellId>,
    names: UniqueNames,
}

impl Netlist {
    /// A name that nothing in the module has yet: `wanted`, with a number if needed. `$` becomes `_`.
    pub fn unique(&mut self, wanted: &str) -> Name {
        self.names.unique(&wanted.replace('$', "_")).into()
    }

    /// Takes the name of a port, which is its own.
    pub fn take(&mut self, port: &str) {
        self.names.take(&port.replace('$', "_"));
    }

    /// An input port and its cell.
    pub fn input(&mut self, name: &str, ty: Type) -> CellId {
        let cell = self.alone(Cell::Input(self.module.inputs.len() as u32), ty);
        self.take(name);
        self.module.inputs.push(InputPort { name: name.replace('$', "_").into(), cell });
        cell
    }

    /// A cell that is only ever itself: an input, a register, an instance's output.
    pub fn alone(&mut self, cell: Cell, ty: Type) -> CellId {
        let id = CellId(self.module.cells.len() as u32);
        self.module.cells.push(cell);
        self.module.info.push(CellInfo { ty, name: None, location: None, states: Box::default() });
        id
    }

    /// A cell whose function is not known yet; see [`Netlist::define`]. Until then it stands for itself.
    pub fn reserve(&mut self, ty: Type) -> CellId {
        let itself = CellId(self.module.cells.len() as u32);
        self.alone(Cell::Wire(itself), ty)
    }

    /// Gives a reserved cell its function.
    pub fn define(&mut self, id: CellId, cell: Cell) {
        self.module.cells[id.index()] = cell;
    }

    pub fn ty(&self, id: CellId) -> Type {
        self.module.ty(id)
    }

    pub fn width(&self, id: CellId) -> u32 {
        self.ty(id).width()
    }

    pub fn cell(&mut self, cell: Cell, ty: Type) -> CellId {
        if let Some(value) = self.folded(&cell, ty) {
            return self.cell(Cell::Const(value), ty);
        }
        if let Some(&id) = self.shared.get(&(cell.clone(), ty)) {
            return id;
        }
        let id = self.alone(cell.clone(), ty);
        self.shared.insert((cell, ty), id);
        id
    }

    /// The number that a cell is, if it is a constant.
    pub fn known(&self, id: CellId) -> Option<BigInt> {
        match self.module.cell(id) {
            Cell::Const(value) => Some(value.to_number(self.ty(id))),
            _ => None,
        }
    }

    /// The value of a cell whose operands are constants, for the cells that unrolled loops leave.
    fn folded(&self, cell: &Cell, ty: Type) -> Option<Value> {
        let bits = |id: CellId| match self.module.cell(id) {
            Cell::Const(value) => Some(value),
            _ => None,
        };
        let number = |id: CellId| self.known(id);
        let truth = |holds: bool| Value::from_u64(1, holds.into());
        let value = |number: BigInt| Value::from_bigint(ty.width(), &number);
        Some(match *cell {
            Cell::Wire(a) => bits(a)?.clone(),
            Cell::Extend(a) => value(number(a)?),
            Cell::Not(a) => value(-number(a)? - 1),
            Cell::And(a, b) => value(number(a)? & number(b)?),
            Cell::Or(a, b) => value(number(a)? | number(b)?),
            Cell::Xor(a, b) => value(number(a)? ^ number(b)?),
            Cell::Add(a, b) => value(number(a)? + number(b)?),
            Cell::Sub(a, b) => value(number(a)? - number(b)?),
            Cell::Mul(a, b) => value(number(a)? * number(b)?),
            Cell::Equal(a, b) => truth(bits(a)? == bits(b)?),
            Cell::Less(a, b) => truth(number(a)? < number(b)?),
            Cell::Slice { value, low } => bits(value)?.slice(low, ty.width()),
            Cell::ReduceAnd(a) => truth(*bits(a)? == Value::ones(self.width(a))),
            Cell::ReduceOr(a) => truth(!bits(a)?.is_zero()),
            Cell::ReduceXor(a) => truth(bits(a)?.limbs().iter().map(|limb| limb.count_ones()).sum::<u32>() % 2 == 1),
            Cell::ShiftLeft(a, amount) => value(number(a)? << amount_within(number(amount)?, ty.width())),
            Cell::ShiftRight(a, amount) => value(number(a)? >> amount_within(number(amount)?, ty.width())),
            _ => return None,
        })
    }

    pub fn constant(&mut self, value: &BigInt, ty: Type) -> CellId {
        self.cell(Cell::Const(Value::from_bigint(ty.width(), value)), ty)
    }

    /// The same bits as another type of the same width.
    pub fn retype(&mut self, id: CellId, ty: Type) -> CellId {
        if self.ty(id) == ty { id } else { self.cell(Cell::Wire(id), ty) }
    }

    /// The value in the width of `ty`: cut off at the top, or extended by its own sign.
    pub fn resize(&mut self, id: CellId, ty: Type) -> CellId {
        let (from, to) = (self.width(id), ty.width());
        if from < to {
            self.cell(Cell::Extend(id), ty)
        } else if from > to {
            self.slice(id, 0, ty)
        } else {
            self.retype(id, ty)
        }
    }

    pub fn not(&mut self, id: CellId) -> CellId {
        let ty = self.ty(id);
        self.cell(Cell::Not(id), ty)
    }

    pub fn and(&mut self, a: CellId, b: CellId) -> CellId {
        let ty = self.ty(a);
        match (self.uniform(a), self.uniform(b)) {
            (Some(false), _) | (_, Some(true)) => a,
            (Some(true), _) | (_, Some(false)) => b,
            _ => self.cell(Cell::And(a, b), ty),
        }
    }

    pub fn or(&mut self, a: CellId, b: CellId) -> CellId {
        let ty = self.ty(a);
        match (self.uniform(a), self.uniform(b)) {
            (Some(true), _) | (_, Some(false)) => a,
            (Some(false), _) | (_, Some(true)) => b,
            _ => self.cell(Cell::Or(a, b), ty),
        }
    }

    /// What all bits of a cell are, if it is a constant that has them all equal.
    fn uniform(&self, id: CellId) -> Option<bool> {
        match self.module.cell(id) {
            Cell::Const(value) if value.is_zero() => Some(false),
            Cell::Const(value) if *value == Value::ones(value.width()) => Some(true),
            _ => None,
        }
    }

    pub fn equal(&mut self, a: CellId, b: CellId) -> CellId {
        self.cell(Cell::Equal(a, b), Type::BIT)
    }

    /// `a < b` by number; operands of equal type.
    pub fn less(&mut self, a: CellId, b: CellId) -> CellId {
        self.cell(Cell::Less(a, b), Type::BIT)
    }

    pub fn mux(&mut self, condition: CellId, then: CellId, otherwise: CellId) -> CellId {
        match self.module.cell(condition) {
            _ if then == otherwise => return then,
            Cell::Const(holds) => return if holds.is_zero() { otherwise } else { then },
            _ => {}
        }
        let ty = self.ty(then);
        if ty == Type::BIT
            && let (Some(then), Some(_)) = (self.known(then), self.known(otherwise))
        {
            // They differ, so the bit is the condition or its opposite.
            let condition = self.retype(condition, ty);
            return if then == BigInt::ZERO { self.not(condition) } else { condition };
        }
        self.cell(Cell::Mux { condition, then, otherwise }, ty)
    }

    /// Bits of a cell, from `low` on as many as `ty` has. Of a cell that was put together, only the parts that have them.
    pub fn slice(&mut self, value: CellId, low: u32, ty: Type) -> CellId {
        if low == 0 && ty.width() == self.width(value) {
            return self.retype(value, ty);
        }
        if let Cell::Concat(parts) = self.module.cell(value) {
            let mut from = 0;
            for part in parts.clone().into_iter().rev() {
                let width = self.width(part);
                if from <= low && low + ty.width() <= from + width {
                    return self.slice(part, low - from, ty);
                }
                from += width;
            }
        }
        self.cell(Cell::Slice { value, low }, ty)
    }

    /// Puts `part` into `whole` at a fixed place.
    pub fn replace(&mut self, whole: CellId, low: u32, part: CellId) -> CellId {
        let ty = self.ty(whole);
        let high = low + self.width(part);
        let mut parts = Vec::new();
        if high < ty.width() {
            parts.push(self.slice(whole, high, unsigned(ty.width() - high)));
        }
        parts.push(part);
        if low > 0 {
            parts.push(self.slice(whole, 0, unsigned(low)));
        }
        if parts.len() == 1 { self.retype(part, ty) } else { self.cell(Cell::Concat(parts), ty) }
    }

    /// Gives a cell a name, if it has none and is no constant.
    pub fn name(&mut self, id: CellId, wanted: &str) {
        if self.module.info[id.index()].name.is_none() && !matches!(self.module.cell(id), Cell::Const(_) | Cell::Input(_)) {
            let name = self.unique(wanted);
            self.module.info[id.index()].name = Some(name);
        }
    }
}

/// An amount of a shift, or one that shifts all bits out.
fn amount_within(amount: BigInt, width: u32) -> u32 {
    u32::try_from(amount).unwrap_or(width).min(width)
}

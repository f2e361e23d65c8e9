//! A vector as lane kernels: the cell itself and what is computed only on the way to it.

use systole_hdl::design::Cell;
use systole_hdl::{CellId, ModuleDef, Type};

use super::build::Builder;
use super::graph::Site;
use super::group::{Address, Group, Reached, STRIP, Test};
use super::layout::{Place, Shape, VectorId};
use super::links::Operand;
use systole_lanes::{BinaryKind, CHUNK, CompareKind, Container, FitKind, Operation, ShiftKind, View};

/// Lanes of a value on the way.
#[derive(Clone, Copy, Debug)]
struct Lanes {
    address: Address,
    container: Container,
}

impl Lanes {
    fn is_common(&self) -> bool {
        self.address.reached == Reached::Common
    }
}

/// A tree of cells being made into kernels.
struct Tree<'a, 'b> {
    builder: &'b mut Builder<'a>,
    module: &'a ModuleDef,
    class: u32,
    group: Group,
    /// What has been computed where the next kernel is; a branch's entries leave with it.
    known: Vec<(CellId, Lanes)>,
    /// Intermediate results: bytes and where.
    rooms: Vec<(usize, usize)>,
    read_across: Vec<VectorId>,
}

impl<'a> Builder<'a> {
    /// Adds what computes all lanes of a vector from what is stored.
    pub fn lanes(&mut self, vector: VectorId) {
        let site = Site::of(self.parts.hierarchy, self.parts.layout, vector);
        let to = self.parts.layout.vectors[vector as usize].byte;
        self.tree(&site, vector, |tree| {
            let dest = tree.stored(vector, to);
            tree.lower(site.cell, Some(dest));
        });
    }

    /// Adds what puts a register's next value in all lanes to `to`.
    pub fn next_lanes(&mut self, register: VectorId, next: CellId, to: usize) {
        let site = Site::of(self.parts.hierarchy, self.parts.layout, register);
        self.tree(&site, register, |tree| {
            let dest = tree.stored(register, to);
            tree.lower_pattern(next, tree.ty(site.cell), dest);
        });
    }

    /// Adds what fills all lanes of a register with a number.
    pub fn fill_lanes(&mut self, register: VectorId, number: u64, to: usize) {
        let site = Site::of(self.parts.hierarchy, self.parts.layout, register);
        let word = self.constant(number);
        self.tree(&site, register, |tree| {
            let dest = tree.stored(register, to);
            let from = Lanes { address: Address { byte: word as usize * 8, reached: Reached::Common }, container: Container::W64 };
            tree.convert(from, dest, false, FitKind::Whole, 0);
        });
    }

    fn tree(&mut self, site: &Site<'a>, writes: VectorId, fill: impl FnOnce(&mut Tree)) {
        let group = Group::new(self.parts.layout.classes[site.class as usize].lanes(), self.parts.set);
        let (known, rooms, read_across) = (Vec::new(), Vec::new(), Vec::new());
        let mut tree = Tree { builder: self, module: site.module, class: site.class, group, known, rooms, read_across };
        fill(&mut tree);
        let Tree { group, rooms, read_across, .. } = tree;
        self.group(group, writes, &read_across);
        rooms.into_iter().for_each(|(bytes, byte)| self.give_back(bytes, byte));
    }
}

/// How a result of type `ty` in `container` is fitted, and the unused bits.
fn fit(ty: Type, container: Container) -> (FitKind, u64) {
    fit_width(ty.width(), ty.is_signed(), container)
}

fn fit_width(width: u32, signed: bool, container: Container) -> (FitKind, u64) {
    match container.bits().saturating_sub(width) {
        0 => (FitKind::Whole, 0),
        unused => (if signed { FitKind::Signs } else { FitKind::Zeros }, unused.into()),
    }
}

impl Tree<'_, '_> {
    fn ty(&self, cell: CellId) -> Type {
        self.module.ty(cell)
    }

    fn container(&self, cell: CellId) -> Container {
        Container::of(self.ty(cell).width())
    }

    fn stored(&self, vector: VectorId, byte: usize) -> Lanes {
        let Shape::Narrow(container) = self.builder.parts.layout.vectors[vector as usize].shape else {
            unreachable!("lane kernels compute no limbs");
        };
        Lanes { address: Address { byte, reached: Reached::ByLane }, container }
    }

    /// Room for an intermediate result.
    fn room(&mut self, container: Container) -> Lanes {
        let bytes = (self.group.lanes().min(STRIP) * container.bytes()).next_multiple_of(64);
        let byte = self.builder.room(bytes);
        self.rooms.push((bytes, byte));
        Lanes { address: Address { byte, reached: Reached::ByLaneOfStrip }, container }
    }

    /// The vector of an operand, if it is computed on the way to the root and has not been yet.
    fn pending(&self, cell: CellId) -> Option<CellId> {
        let Place::Vector(vector) = self.builder.parts.layout.place(self.class, cell) else { return None };
        let cell = self.builder.parts.layout.vectors[vector as usize].cell;
        let is_known = self.known.iter().any(|&(known, _)| known == cell);
        (self.builder.is_absorbed(vector) && !is_known).then_some(cell)
    }

    /// An operand's lanes, computed now if need be.
    fn value(&mut self, cell: CellId) -> Lanes {
        match self.builder.parts.operand(self.class, cell) {
            Operand::Lanes { vector, first } => {
                let stored = self.builder.parts.layout.vectors[vector as usize];
                if self.builder.is_absorbed(vector) {
                    if let Some(&(_, lanes)) = self.known.iter().find(|(known, _)| *known == stored.cell) {
                        return lanes;
                    }
                    let lanes = self.lower(stored.cell, None);
                    self.known.push((stored.cell, lanes));
                    return lanes;
                }
                if first != 0 || stored.class != self.class {
                    self.read_across.push(vector);
                }
                self.stored(vector, stored.element(first))
            }
            Operand::One(element) => {
                self.read_across.push(element.vector);
                let byte = self.builder.parts.byte(element);
                // A word holds its number in every container. Behind an alias, another type's sign may stand above the cell's own.
                let word = self.builder.parts.layout.vectors[element.vector as usize].shape == Shape::Narrow(Container::W64);
                let stored = self.builder.parts.site(element.vector);
                let whole = word && stored.module.ty(stored.cell).is_signed() == self.ty(cell).is_signed();
                let container = if whole { Container::W64 } else { self.container(cell) };
                Lanes { address: Address { byte, reached: Reached::Common }, container }
            }
            Operand::Link(link) => {
                let byte = self.builder.link(link);
                Lanes { address: Address { byte, reached: Reached::ByLane }, container: self.container(cell) }
            }
        }
    }

    fn convert(&mut self, from: Lanes, to: Lanes, signed: bool, fit: FitKind, unused: u64) {
        let view = View { container: from.container, signed };
        let operation = Operation::Convert { from: view, container: to.container, fit, common: from.is_common() };
        self.group.push(operation, to.address, &[from.address], unused);
    }

    /// An operand's number in a container, which holds at least what matters of it. May be common to all lanes.
    fn number(&mut self, cell: CellId, container: Container) -> Lanes {
        let value = self.value(cell);
        if value.container == container || (value.is_common() && container < value.container) {
            return Lanes { container, ..value };
        }
        let to = self.room(container);
        self.convert(value, to, self.ty(cell).is_signed(), FitKind::Whole, 0);
        to
    }

    /// The same with an element for each lane.
    fn each_number(&mut self, cell: CellId, container: Container) -> Lanes {
        let value = self.number(cell, container);
        self.spread(value)
    }

    fn spread(&mut self, value: Lanes) -> Lanes {
        if !value.is_common() {
            return value;
        }
        let to = self.room(value.container);
        self.convert(value, to, false, FitKind::Whole, 0);
        to
    }

    /// An operand's bits as the number of a type of its width, in a container.
    fn pattern(&mut self, cell: CellId, signed: bool, container: Container) -> Lanes {
        let ty = self.ty(cell);
        if ty.is_signed() == signed || ty.width() >= container.bits() {
            return self.number(cell, container);
        }
        let (value, to) = (self.value(cell), self.room(container));
        let (fit, unused) = fit_width(ty.width(), signed, container);
        self.convert(value, to, ty.is_signed(), fit, unused);
        to
    }

    /// Puts an operand's bits to `dest` as the number of a type of its width.
    fn lower_pattern(&mut self, cell: CellId, ty: Type, dest: Lanes) {
        let same = self.ty(cell).is_signed() == ty.is_signed() || ty.width() == dest.container.bits();
        if let (true, Some(pending)) = (same, self.pending(cell))
            && self.container(pending) == dest.container
        {
            self.lower(pending, Some(dest));
            return;
        }
        let value = self.pattern(cell, ty.is_signed(), dest.container);
        if value.address != dest.address {
            self.convert(value, dest, false, FitKind::Whole, 0);
        }
    }

    /// Computes a cell into `dest`, or somewhere. `dest` has the container of the cell's width and is written last, because
    /// it may be an operand.
    fn lower(&mut self, cell: CellId, dest: Option<Lanes>) -> Lanes {
        let ty = self.ty(cell);
        let container = self.container(cell);
        let dest = match dest {
            Some(dest) => dest,
            None => self.room(container),
        };
        match *self.module.cell(cell) {
            Cell::Wire(a) => {
                let value = self.pattern(a, ty.is_signed(), container);
                self.convert(value, dest, false, FitKind::Whole, 0);
            }
            Cell::Extend(a) => {
                let value = self.value(a);
                // Zeros enter above an unsigned operand, which makes it a number of any wider type.
                let whole = !self.ty(a).is_signed() && self.ty(a).width() < ty.width();
                let (fit, unused) = if whole { (FitKind::Whole, 0) } else { fit(ty, container) };
                self.convert(value, dest, self.ty(a).is_signed(), fit, unused);
            }
            Cell::Not(a) => {
                let a = self.each_number(a, container);
                let (fit, unused) = fit(ty, container);
                self.group.push(Operation::Not { fit, container }, dest.address, &[a.address], unused);
            }
            Cell::And(a, b) => self.bitwise(BinaryKind::And, a, b, ty, dest),
            Cell::Or(a, b) => self.bitwise(BinaryKind::Or, a, b, ty, dest),
            Cell::Xor(a, b) => self.bitwise(BinaryKind::Xor, a, b, ty, dest),
            Cell::Add(a, b) => {
                if !self.multiply_add(a, b, None, ty, dest) && !self.multiply_add(b, a, None, ty, dest) {
                    let (a, b) = (self.number(a, container), self.number(b, container));
                    self.binary(BinaryKind::Add, a, b, ty, dest);
                }
            }
            Cell::Sub(a, b) => {
                let (a, b) = (self.number(a, container), self.number(b, container));
                self.binary(BinaryKind::Sub, a, b, ty, dest);
            }
            Cell::Mul(a, b) => self.product(a, b, ty, dest),
            Cell::Equal(a, b) => {
                let (container, signed) = (self.container(a), self.ty(a).is_signed());
                let (a, b) = (self.pattern(a, signed, container), self.pattern(b, signed, container));
                self.compare(CompareKind::Equal, a, b, container, ty, dest);
            }
            Cell::Less(a, b) => {
                let container = self.container(a);
                let kind = if self.ty(a).is_signed() { CompareKind::LessSigned } else { CompareKind::Less };
                let (a, b) = (self.number(a, container), self.number(b, container));
                self.compare(kind, a, b, container, ty, dest);
            }
            Cell::ReduceAnd(a) => {
                let container = self.container(a);
                let a_ty = self.ty(a);
                let ones = if a_ty.is_signed() { u64::MAX } else { u64::MAX >> (64 - a_ty.width()) };
                self.reduce(Operation::CompareConstant { kind: CompareKind::Equal, container }, a, ones, ty, dest);
            }
            Cell::ReduceOr(a) => {
                let container = self.container(a);
                self.reduce(Operation::CompareConstant { kind: CompareKind::Differs, container }, a, 0, ty, dest);
            }
            Cell::ReduceXor(a) => {
                let container = self.container(a);
                self.reduce(Operation::Parity { container }, a, u64::MAX >> (64 - self.ty(a).width()), ty, dest);
            }
            Cell::ShiftLeft(a, b) => self.shift(ShiftKind::Left, a, b, ty, dest),
            Cell::ShiftRight(a, b) => {
                let kind = if self.ty(a).is_signed() { ShiftKind::RightSigned } else { ShiftKind::Right };
                self.shift(kind, a, b, ty, dest);
            }
            Cell::Mux { condition, then, otherwise } => self.mux(condition, then, otherwise, ty, dest),
            Cell::Select { index, ref options } => self.select(index, options, ty, dest),
            Cell::Concat(ref parts) => self.concat(parts, ty, dest),
            Cell::Slice { value, low } => {
                let from = self.container(value);
                let value = self.each_number(value, from);
                let shifted = if low == 0 { value } else { self.room(from) };
                if low > 0 {
                    let operation = Operation::ShiftConstant { kind: ShiftKind::Right, container: from };
                    self.group.push(operation, shifted.address, &[value.address], low.into());
                }
                let (fit, unused) = fit(ty, container);
                self.convert(shifted, dest, false, fit, unused);
            }
            Cell::Const(_)
            | Cell::Input(_)
            | Cell::Register { .. }
            | Cell::MemoryRead { .. }
            | Cell::MemoryReadRegistered { .. }
            | Cell::InstanceOutput { .. } => unreachable!("{:?} is not computed by lane kernels", self.module.cell(cell)),
        }
        dest
    }

    fn bitwise(&mut self, kind: BinaryKind, a: CellId, b: CellId, ty: Type, dest: Lanes) {
        let a = self.pattern(a, ty.is_signed(), dest.container);
        let b = self.pattern(b, ty.is_signed(), dest.container);
        self.binary(kind, a, b, ty, dest);
    }

    fn binary(&mut self, kind: BinaryKind, a: Lanes, b: Lanes, ty: Type, dest: Lanes) {
        let (fit, unused) = match kind {
            BinaryKind::Add | BinaryKind::Sub => fit(ty, dest.container),
            BinaryKind::And | BinaryKind::Or | BinaryKind::Xor => (FitKind::Whole, 0),
        };
        let operation = Operation::Binary { kind, fit, container: dest.container, a_common: a.is_common(), b_common: b.is_common() };
        self.group.push(operation, dest.address, &[a.address, b.address], unused);
    }

    /// A result of one bit: 1 is the number 1 or, in a signed bit, -1.
    fn bit(&mut self, operation: Operation, operands: &[Address], immediate: u64, ty: Type, dest: Lanes) {
        self.group.push(operation, dest.address, operands, immediate);
        if ty.is_signed() {
            self.convert(dest, dest, true, FitKind::Signs, 7);
        }
    }

    fn compare(&mut self, kind: CompareKind, a: Lanes, b: Lanes, container: Container, ty: Type, dest: Lanes) {
        let operation = Operation::Compare { kind, container, a_common: a.is_common(), b_common: b.is_common() };
        self.bit(operation, &[a.address, b.address], 0, ty, dest);
    }

    fn reduce(&mut self, operation: Operation, a: CellId, immediate: u64, ty: Type, dest: Lanes) {
        let a = self.each_number(a, self.container(a));
        self.bit(operation, &[a.address], immediate, ty, dest);
    }

    fn shift(&mut self, kind: ShiftKind, a: CellId, b: CellId, ty: Type, dest: Lanes) {
        let container = dest.container.max(self.container(b));
        let a_signed = self.ty(a).is_signed();
        let value = self.each_number(a, container);
        let distance = self.pattern(b, false, container);
        let shifted = if container == dest.container { dest } else { self.room(container) };
        let operation = Operation::Shift { kind, container, distance_common: distance.is_common() };
        self.group.push(operation, shifted.address, &[value.address, distance.address], ty.width().into());
        let keeps = kind != ShiftKind::Left && a_signed == ty.is_signed();
        let (fit, unused) = if keeps { (FitKind::Whole, 0) } else { fit(ty, dest.container) };
        if shifted.address != dest.address || fit != FitKind::Whole {
            self.convert(shifted, dest, false, fit, unused);
        }
    }

    /// The factors of a product on the way, and how their lanes are read; past an extension that keeps its number.
    fn factors(&self, cell: CellId) -> Option<(CellId, CellId, View)> {
        let mut cell = self.pending(cell)?;
        if let Cell::Extend(a) = *self.module.cell(cell) {
            let (from, to) = (self.ty(a), self.ty(cell));
            if from.is_signed() && !to.is_signed() || from.is_signed() != to.is_signed() && from.width() == to.width() {
                return None;
            }
            cell = self.pending(a)?;
        }
        let Cell::Mul(a, b) = *self.module.cell(cell) else { return None };
        let signed = self.ty(a).is_signed();
        let container = self.container(a).max(self.container(b));
        // A signed product under an unsigned type is a number of its own only if it fills 64 bits.
        (self.ty(cell).is_signed() == signed).then_some((a, b, View { container, signed }))
    }

    /// `dest = sum + product` in one kernel, if the second is a product on the way; `unless` makes the sum zero in some lanes.
    fn multiply_add(&mut self, sum: CellId, product: CellId, unless: Option<Lanes>, ty: Type, dest: Lanes) -> bool {
        let Some((a, b, of)) = self.factors(product) else { return false };
        let mut sum = self.each_number(sum, dest.container);
        if let Some(unless) = unless {
            let zero = self.builder.constant(0);
            let zero = Address { byte: zero as usize * 8, reached: Reached::Common };
            let kept = self.room(dest.container);
            let operation = Operation::Mux { container: dest.container, then_common: true, otherwise_common: false };
            self.group.push(operation, kept.address, &[zero, sum.address, unless.address], 0);
            sum = kept;
        }
        let (mut a, mut b) = (self.number(a, of.container), self.number(b, of.container));
        if a.is_common() {
            std::mem::swap(&mut a, &mut b);
        }
        let a = self.spread(a);
        let (fit, unused) = fit(ty, dest.container);
        let operation = Operation::MultiplyAdd { of, container: dest.container, fit, b_common: b.is_common() };
        self.group.push(operation, dest.address, &[a.address, b.address, sum.address], unused);
        true
    }

    fn product(&mut self, a: CellId, b: CellId, ty: Type, dest: Lanes) {
        let signed = self.ty(a).is_signed();
        let of = View { container: self.container(a).max(self.container(b)), signed };
        let (mut a, mut b) = (self.number(a, of.container), self.number(b, of.container));
        if a.is_common() {
            std::mem::swap(&mut a, &mut b);
        }
        let a = self.spread(a);
        let operation = Operation::Product { of, container: dest.container, b_common: b.is_common() };
        self.group.push(operation, dest.address, &[a.address, b.address], 0);
        if signed != ty.is_signed() {
            let (fit, unused) = fit(ty, dest.container);
            self.convert(dest, dest, false, fit, unused);
        }
    }

    fn mux(&mut self, condition: CellId, then: CellId, otherwise: CellId, ty: Type, dest: Lanes) {
        let chosen = self.value(condition);
        if chosen.is_common() {
            let test = Test { byte: chosen.address.byte, container: Container::W8, mask: 1, value: 1 };
            let known = self.known.len();
            let opened = self.group.when(test);
            self.lower_pattern(then, ty, dest);
            self.known.truncate(known);
            let opened = self.group.otherwise(opened);
            self.lower_pattern(otherwise, ty, dest);
            self.known.truncate(known);
            self.group.end(opened);
            return;
        }
        if self.sum_or_product(chosen, then, otherwise, ty, dest) {
            return;
        }
        let then = self.pattern(then, ty.is_signed(), dest.container);
        let otherwise = self.pattern(otherwise, ty.is_signed(), dest.container);
        self.mux_of(chosen, then, otherwise, dest);
    }

    fn mux_of(&mut self, chosen: Lanes, then: Lanes, otherwise: Lanes, dest: Lanes) {
        let operation =
            Operation::Mux { container: dest.container, then_common: then.is_common(), otherwise_common: otherwise.is_common() };
        self.group.push(operation, dest.address, &[then.address, otherwise.address, chosen.address], 0);
    }

    /// `condition ? product : sum + product` is a sum that is cleared first: a multiply-add.
    fn sum_or_product(&mut self, chosen: Lanes, product: CellId, sum: CellId, ty: Type, dest: Lanes) -> bool {
        let Some(sum) = self.pending(sum).filter(|&sum| self.ty(sum) == ty && self.ty(product) == ty) else { return false };
        let Cell::Add(a, b) = *self.module.cell(sum) else { return false };
        let is_product =
            |cell: CellId| self.builder.parts.layout.place(self.class, cell) == self.builder.parts.layout.place(self.class, product);
        let (kept, product) = if is_product(b) {
            (a, b)
        } else if is_product(a) {
            (b, a)
        } else {
            return false;
        };
        self.multiply_add(kept, product, Some(chosen), ty, dest)
    }

    fn select(&mut self, index: CellId, options: &[CellId], ty: Type, dest: Lanes) {
        let (width, container) = (self.ty(index).width(), self.container(index));
        let chosen = self.value(index);
        let (&last, others) = options.split_last().expect("a valid design's selection has an option");
        // An index beyond the type's numbers is never met.
        let reachable = |option: u64| width >= 64 || option >> width == 0;
        if chosen.is_common() {
            let known = self.known.len();
            let mut opened = Vec::new();
            for (&option, value) in others.iter().zip(0u64..).filter(|&(_, value)| reachable(value)) {
                let mask = u64::MAX >> (64 - width);
                let open = self.group.when(Test { byte: chosen.address.byte, container, mask, value });
                self.lower_pattern(option, ty, dest);
                self.known.truncate(known);
                opened.push(self.group.otherwise(open));
            }
            self.lower_pattern(last, ty, dest);
            self.known.truncate(known);
            opened.into_iter().rev().for_each(|open| self.group.end(open));
            return;
        }
        let index = self.pattern(index, false, container);
        let mut result = self.pattern(last, ty.is_signed(), dest.container);
        for (&option, value) in others.iter().zip(0u64..).filter(|&(_, value)| reachable(value)) {
            let option = self.pattern(option, ty.is_signed(), dest.container);
            let here = self.room(Container::W8);
            let operation = Operation::CompareConstant { kind: CompareKind::Equal, container };
            self.group.push(operation, here.address, &[index.address], value);
            let chosen = self.room(dest.container);
            self.mux_of(here, option, result, chosen);
            result = chosen;
        }
        self.convert(result, dest, false, FitKind::Whole, 0);
    }

    fn concat(&mut self, parts: &[CellId], ty: Type, dest: Lanes) {
        let container = dest.container;
        let mut joined: Option<Lanes> = None;
        for &part in parts {
            let bits = self.pattern(part, false, container);
            joined = Some(match joined {
                None => self.spread(bits),
                Some(high) => {
                    let (shifted, both) = (self.room(container), self.room(container));
                    let operation = Operation::ShiftConstant { kind: ShiftKind::Left, container };
                    self.group.push(operation, shifted.address, &[high.address], self.ty(part).width().into());
                    self.binary(BinaryKind::Or, shifted, bits, ty, both);
                    both
                }
            });
        }
        let joined = joined.expect("a valid design's concatenation has a part");
        let (fit, unused) = if ty.is_signed() { fit(ty, container) } else { (FitKind::Whole, 0) };
        self.convert(joined, dest, false, fit, unused);
    }
}

const _: () = assert!(STRIP.is_multiple_of(CHUNK));

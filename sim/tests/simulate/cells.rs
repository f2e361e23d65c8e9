//! Every combinational cell against an oracle that works on lists of bits, least significant first.

use proptest::prelude::*;
use systole_hdl::{Cell, CellId, Type, Value};
use systole_sim::{Options, Simulator};

use crate::build::{Net, design};

type Bits = Vec<bool>;

fn bits(value: &Value) -> Bits {
    (0..value.width()).map(|i| value.bit(i)).collect()
}

fn value(bits: &[bool]) -> Value {
    (0..).zip(bits).filter(|(_, bit)| **bit).fold(Value::zero(bits.len() as u32), |value, (i, _)| value.with_bit(i))
}

/// Longer, by zeros or by copies of the sign.
fn stretched(bits: &[bool], width: usize, signed: bool) -> Bits {
    let fill = signed && bits[bits.len() - 1];
    let mut bits = bits.to_vec();
    bits.resize(width, fill);
    bits
}

fn sum(a: &[bool], b: &[bool], mut carry: bool) -> Bits {
    let mut sum = Bits::new();
    for (&a, &b) in a.iter().zip(b) {
        sum.push(a ^ b ^ carry);
        carry = (a & b) | (carry & (a ^ b));
    }
    sum
}

fn inverted(bits: &[bool]) -> Bits {
    bits.iter().map(|bit| !bit).collect()
}

/// Shift and add, modulo the width.
fn product(a: &[bool], b: &[bool]) -> Bits {
    let mut total = vec![false; a.len()];
    for (i, _) in b.iter().enumerate().filter(|(_, bit)| **bit) {
        let shifted: Bits = std::iter::repeat_n(false, i).chain(a.iter().copied()).take(a.len()).collect();
        total = sum(&total, &shifted, false);
    }
    total
}

fn less(a: &[bool], b: &[bool], signed: bool) -> bool {
    let (mut a, mut b) = (a.to_vec(), b.to_vec());
    if signed {
        // With the sign bits inverted, two's complement numbers stand in the order of unsigned ones.
        for bits in [&mut a, &mut b] {
            let top = bits.len() - 1;
            bits[top] = !bits[top];
        }
    }
    a.iter().rev().lt(b.iter().rev())
}

/// The unsigned number, or `limit` if that is smaller.
fn number_up_to(bits: &[bool], limit: usize) -> usize {
    bits.iter().rev().fold(0, |number: usize, &bit| (2 * number + usize::from(bit)).min(limit))
}

fn oracle(cell: &Cell, ty: Type, operands: &[(Type, Value)]) -> Value {
    let width = ty.width() as usize;
    let operand = |i: usize| bits(&operands[i].1);
    let signed = operands[0].0.is_signed();
    let (a, b) = (operand(0), operands.get(1).map(|b| bits(&b.1)).unwrap_or_default());
    let pairs = |f: fn(bool, bool) -> bool| a.iter().zip(&b).map(|(&a, &b)| f(a, b)).collect::<Bits>();
    let result = match cell {
        Cell::Wire(_) => a,
        Cell::Not(_) => inverted(&a),
        Cell::And(..) => pairs(|a, b| a && b),
        Cell::Or(..) => pairs(|a, b| a || b),
        Cell::Xor(..) => pairs(|a, b| a != b),
        Cell::ReduceAnd(_) => vec![a.iter().all(|&bit| bit)],
        Cell::ReduceOr(_) => vec![a.iter().any(|&bit| bit)],
        Cell::ReduceXor(_) => vec![a.iter().fold(false, |odd, &bit| odd != bit)],
        Cell::Add(..) => sum(&a, &b, false),
        Cell::Sub(..) => sum(&a, &inverted(&b), true),
        Cell::Mul(..) => product(&stretched(&a, width, signed), &stretched(&b, width, signed)),
        Cell::Equal(..) => vec![a == b],
        Cell::Less(..) => vec![less(&a, &b, signed)],
        Cell::ShiftLeft(..) => std::iter::repeat_n(false, number_up_to(&b, width)).chain(a).take(width).collect(),
        Cell::ShiftRight(..) => stretched(&a, 2 * width, signed)[number_up_to(&b, width)..][..width].to_vec(),
        Cell::Mux { .. } => operand(if a[0] { 1 } else { 2 }),
        Cell::Select { options, .. } => operand(1 + number_up_to(&a, options.len() - 1)),
        Cell::Concat(_) => (0..operands.len()).rev().flat_map(operand).collect(),
        Cell::Slice { low, .. } => a[*low as usize..][..width].to_vec(),
        Cell::Extend(_) => stretched(&a, width, signed),
        other => panic!("{other:?} is not a function of its operands"),
    };
    value(&result)
}

/// The cell's value in the engine, its operands being input ports.
fn simulated(cell: Cell, ty: Type, operands: &[(Type, Value)]) -> Value {
    let mut net = Net::new("top");
    for (i, (ty, _)) in operands.iter().enumerate() {
        net.input(&format!("i{i}"), *ty);
    }
    let out = net.cell(cell, ty);
    net.output("out", out);
    let mut sim = Simulator::new(&design([net]), Options::default()).unwrap();
    for (i, (_, value)) in operands.iter().enumerate() {
        let port = sim.input(&format!("i{i}")).unwrap();
        sim.set(port, value).unwrap();
    }
    let out = sim.output("out").unwrap();
    sim.get(out)
}

fn check(cell: Cell, ty: Type, operands: &[(Type, Value)]) {
    assert_eq!(simulated(cell.clone(), ty, operands), oracle(&cell, ty, operands), "{cell:?} of {operands:?} as {ty}");
}

/// A width, often one next to the limbs' border.
fn width() -> impl Strategy<Value = u32> {
    prop_oneof![1u32..=12, 1u32..=200, 62u32..=66, 126u32..=130]
}

/// A pattern, often an extreme one.
fn pattern(width: u32) -> impl Strategy<Value = Value> {
    let spread = prop::collection::vec(any::<u64>(), 4).prop_map(move |limbs| Value::from_limbs(width, limbs));
    let sign = Value::zero(width).with_bit(width - 1);
    let small = any::<u8>().prop_map(move |number| Value::from_u64(width, number.into()));
    prop_oneof![4 => spread, 2 => small, 1 => Just(Value::zero(width)), 1 => Just(Value::ones(width)), 1 => Just(sign)]
}

fn number_type(width: u32, signed: bool) -> Type {
    if signed { Type::s(width) } else { Type::u(width) }
}

/// Operands 0, 1, 2 and so on.
fn id(index: usize) -> CellId {
    CellId(index as u32)
}

proptest! {
    #[test]
    fn functions_of_one_value((width, value) in width().prop_flat_map(|w| (Just(w), pattern(w))), signed in any::<bool>()) {
        let operand = [(number_type(width, signed), value)];
        for cell in [Cell::Not(id(0)), Cell::Wire(id(0))] {
            check(cell, number_type(width, signed), &operand);
        }
        for cell in [Cell::ReduceAnd(id(0)), Cell::ReduceOr(id(0)), Cell::ReduceXor(id(0))] {
            check(cell, Type::BIT, &operand);
        }
    }

    #[test]
    fn functions_of_two_values_of_one_type((a, b) in width().prop_flat_map(|w| (pattern(w), pattern(w))), signed in any::<bool>(), equal in any::<bool>()) {
        let b = if equal { a.clone() } else { b };
        let ty = number_type(a.width(), signed);
        let operands = [(ty, a), (ty, b)];
        let of_two: [fn(CellId, CellId) -> Cell; 5] = [Cell::And, Cell::Or, Cell::Xor, Cell::Add, Cell::Sub];
        for cell in of_two {
            check(cell(id(0), id(1)), ty, &operands);
        }
        check(Cell::Equal(id(0), id(1)), Type::BIT, &operands);
        check(Cell::Less(id(0), id(1)), Type::BIT, &operands);
    }

    #[test]
    fn a_product_is_full((a, b) in (width(), width()).prop_flat_map(|(a, b)| (pattern(a), pattern(b))), signed in any::<bool>()) {
        let ty = number_type(a.width() + b.width(), signed);
        check(Cell::Mul(id(0), id(1)), ty, &[(number_type(a.width(), signed), a), (number_type(b.width(), signed), b)]);
    }

    #[test]
    fn shifts_by_any_distance((a, b) in (width(), width()).prop_flat_map(|(a, b)| (pattern(a), pattern(b))), signed in any::<bool>()) {
        let ty = number_type(a.width(), signed);
        let operands = [(ty, a), (Type::u(b.width()), b)];
        check(Cell::ShiftLeft(id(0), id(1)), ty, &operands);
        check(Cell::ShiftRight(id(0), id(1)), ty, &operands);
    }

    #[test]
    fn choices(index in width().prop_flat_map(pattern), options in width().prop_flat_map(|w| prop::collection::vec(pattern(w), 1..6))) {
        let ty = Type::Bits(options[0].width());
        let options: Vec<(Type, Value)> = options.into_iter().map(|value| (ty, value)).collect();
        let condition = Value::from_u64(1, index.limbs()[0]);
        let of = |choice: (Type, Value)| std::iter::once(choice).chain(options.iter().cloned()).collect::<Vec<_>>();
        check(Cell::Select { index: id(0), options: (1..=options.len()).map(id).collect() }, ty, &of((Type::u(index.width()), index)));
        let (then, otherwise) = (options[0].clone(), options[options.len() - 1].clone());
        check(Cell::Mux { condition: id(0), then: id(1), otherwise: id(2) }, ty, &[(Type::BIT, condition), then, otherwise]);
    }

    #[test]
    fn values_side_by_side(parts in prop::collection::vec(width().prop_flat_map(pattern), 1..5)) {
        let ty = Type::Bits(parts.iter().map(Value::width).sum());
        let operands: Vec<(Type, Value)> = parts.into_iter().map(|value| (Type::Bits(value.width()), value)).collect();
        check(Cell::Concat((0..operands.len()).map(id).collect()), ty, &operands);
    }

    #[test]
    fn slices_and_extensions((value, low, width) in width().prop_flat_map(|w| (pattern(w), 0..w, Just(w))).prop_flat_map(|(v, low, w)| (Just(v), Just(low), 1..=w - low)), more in 0u32..130, signed in any::<bool>()) {
        let ty = number_type(value.width(), signed);
        check(Cell::Slice { value: id(0), low }, Type::Bits(width), &[(ty, value.clone())]);
        check(Cell::Extend(id(0)), number_type(value.width() + more, signed), &[(ty, value)]);
    }
}

#[test]
fn the_documented_borders_of_shifts_and_choices() {
    let u8 = |number: u64| (Type::u(8), Value::from_u64(8, number));
    let shift = |cell: fn(CellId, CellId) -> Cell, ty: Type, value: u64, distance: u64| {
        simulated(cell(id(0), id(1)), ty, &[(ty, Value::from_u64(8, value)), u8(distance)]).to_u64().unwrap()
    };
    assert_eq!(shift(Cell::ShiftLeft, Type::u(8), 0xff, 7), 0x80);
    assert_eq!(shift(Cell::ShiftLeft, Type::u(8), 0xff, 8), 0);
    assert_eq!(shift(Cell::ShiftRight, Type::u(8), 0xff, 200), 0);
    assert_eq!(shift(Cell::ShiftRight, Type::s(8), 0x80, 200), 0xff);
    assert_eq!(shift(Cell::ShiftRight, Type::s(8), 0x80, 3), 0xf0);
    let select = |index: u64| {
        let cell = Cell::Select { index: id(0), options: vec![id(1), id(2), id(3)] };
        simulated(cell, Type::u(8), &[u8(index), u8(10), u8(11), u8(12)]).to_u64().unwrap()
    };
    assert_eq!([0, 1, 2, 3, 255].map(select), [10, 11, 12, 12, 12]);
    let smallest = (Type::s(8), Value::from_i64(8, -128));
    assert_eq!(simulated(Cell::Mul(id(0), id(1)), Type::s(16), &[smallest.clone(), smallest]).to_i64(), Some(16384));
}

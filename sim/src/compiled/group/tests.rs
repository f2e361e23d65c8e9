//! Every compiled loop against plain arithmetic, in an arena that has not a byte more than it needs.
//!
//! The operands and the result lie in random bytes, each in turn at the arena's very end: a kernel that writes beside its result is
//! found by the bytes around it, one that reaches beyond the arena by an address sanitizer (`cargo xtask sanitize`).

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use systole_lanes::{BinaryKind, CompareKind, Container, FitKind, InstructionSet, Operation, ShiftKind, View};

use super::{Address, Group, Reached, STRIP, Test};
use crate::compiled::arena::Arena;

const CONTAINERS: [Container; 4] = [Container::W8, Container::W16, Container::W32, Container::W64];
const FITS: [FitKind; 3] = [FitKind::Whole, FitKind::Zeros, FitKind::Signs];
const COMPARES: [CompareKind; 4] = [CompareKind::Equal, CompareKind::Differs, CompareKind::Less, CompareKind::LessSigned];
const SHIFTS: [ShiftKind; 3] = [ShiftKind::Left, ShiftKind::Right, ShiftKind::RightSigned];
const EITHER: [bool; 2] = [false, true];

/// Bytes between two operands, and before the first; a whole vector register and more.
const GUARD: usize = 128;

fn sets() -> Vec<InstructionSet> {
    let mut sets = vec![InstructionSet::PORTABLE, InstructionSet::of_this_processor()];
    sets.dedup();
    sets
}

/// All operations there are.
fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for container in CONTAINERS {
        let views = CONTAINERS.iter().flat_map(|&container| EITHER.map(|signed| View { container, signed }));
        for (a_common, b_common) in EITHER.iter().flat_map(|&a| EITHER.map(|b| (a, b))) {
            for kind in [BinaryKind::And, BinaryKind::Or, BinaryKind::Xor] {
                all.push(Operation::Binary { kind, fit: FitKind::Whole, container, a_common, b_common });
            }
            for fit in FITS {
                all.extend([BinaryKind::Add, BinaryKind::Sub].map(|kind| Operation::Binary { kind, fit, container, a_common, b_common }));
            }
            all.extend(COMPARES.map(|kind| Operation::Compare { kind, container, a_common, b_common }));
            all.push(Operation::Mux { container, then_common: a_common, otherwise_common: b_common });
        }
        all.extend(FITS.map(|fit| Operation::Not { fit, container }));
        all.extend(COMPARES.map(|kind| Operation::CompareConstant { kind, container }));
        all.push(Operation::Parity { container });
        all.extend(SHIFTS.map(|kind| Operation::ShiftConstant { kind, container }));
        for common in EITHER {
            all.extend(SHIFTS.map(|kind| Operation::Shift { kind, container, distance_common: common }));
            for of in views.clone() {
                all.push(Operation::Product { of, container, b_common: common });
                all.extend(FITS.map(|fit| Operation::Convert { from: of, container, fit, common }));
                all.extend(FITS.map(|fit| Operation::MultiplyAdd { of, container, fit, b_common: common }));
            }
        }
    }
    all
}

/// The container of the result, and container and spread of each operand.
fn shape(operation: Operation) -> (Container, Vec<(Container, bool)>) {
    let bit = Container::W8;
    match operation {
        Operation::Binary { container, a_common, b_common, .. } => (container, vec![(container, a_common), (container, b_common)]),
        Operation::Not { container, .. } | Operation::ShiftConstant { container, .. } => (container, vec![(container, false)]),
        Operation::Compare { container, a_common, b_common, .. } => (bit, vec![(container, a_common), (container, b_common)]),
        Operation::CompareConstant { container, .. } | Operation::Parity { container } => (bit, vec![(container, false)]),
        Operation::Shift { container, distance_common, .. } => (container, vec![(container, false), (container, distance_common)]),
        Operation::Convert { from, container, common, .. } => (container, vec![(from.container, common)]),
        Operation::Mux { container, then_common, otherwise_common } => {
            (container, vec![(container, then_common), (container, otherwise_common), (bit, false)])
        }
        Operation::Product { of, container, b_common } => (container, vec![(of.container, false), (of.container, b_common)]),
        Operation::MultiplyAdd { of, container, b_common, .. } => {
            (container, vec![(of.container, false), (of.container, b_common), (container, false)])
        }
    }
}

/// The low `bits` of a number, as a number with or without sign.
fn number(bits_of: u64, bits: u32, signed: bool) -> i128 {
    let low = i128::from(bits_of) & ((1 << bits) - 1);
    if signed && low >> (bits - 1) & 1 == 1 { low - (1 << bits) } else { low }
}

fn fitted(fit: FitKind, value: i128, container: Container, unused: u64) -> i128 {
    let width = container.bits() - unused as u32;
    match fit {
        FitKind::Whole => value,
        FitKind::Zeros => number(value as u64, width, false),
        FitKind::Signs => number(value as u64, width, true),
    }
}

fn holds(kind: CompareKind, a: u64, b: u64, bits: u32) -> bool {
    match kind {
        CompareKind::Equal => a == b,
        CompareKind::Differs => a != b,
        CompareKind::Less => a < b,
        CompareKind::LessSigned => number(a, bits, true) < number(b, bits, true),
    }
}

/// What becomes of a lane, by arithmetic in 128 bits.
fn expected(operation: Operation, [a, b, c]: [u64; 3], immediate: u64) -> u64 {
    let product = |of: View| number(a, of.container.bits(), of.signed).wrapping_mul(number(b, of.container.bits(), of.signed));
    let shifted = |kind: ShiftKind, bits: u32, distance: u64| {
        let distance = distance.min(64) as u32;
        match kind {
            ShiftKind::Left => i128::from(a) << distance,
            ShiftKind::Right => i128::from(a) >> distance,
            ShiftKind::RightSigned => number(a, bits, true) >> distance,
        }
    };
    let result = match operation {
        Operation::Binary { kind, fit, container, .. } => {
            let (wide_a, wide_b) = (i128::from(a), i128::from(b));
            let value = match kind {
                BinaryKind::And => wide_a & wide_b,
                BinaryKind::Or => wide_a | wide_b,
                BinaryKind::Xor => wide_a ^ wide_b,
                BinaryKind::Add => wide_a + wide_b,
                BinaryKind::Sub => wide_a - wide_b,
            };
            fitted(fit, value, container, immediate)
        }
        Operation::Not { fit, container } => fitted(fit, !i128::from(a), container, immediate),
        Operation::Compare { kind, container, .. } => holds(kind, a, b, container.bits()).into(),
        Operation::CompareConstant { kind, container } => holds(kind, a, immediate & container.mask(), container.bits()).into(),
        Operation::Parity { .. } => ((a & immediate).count_ones() % 2).into(),
        // Nothing is left of an unsigned number at its width; the immediate is the width.
        Operation::Shift { kind: ShiftKind::Left | ShiftKind::Right, .. } if b >= immediate => 0,
        Operation::Shift { kind, container, .. } => shifted(kind, container.bits(), b),
        Operation::ShiftConstant { kind, container } => shifted(kind, container.bits(), immediate),
        Operation::Convert { from, container, fit, .. } => fitted(fit, number(a, from.container.bits(), from.signed), container, immediate),
        Operation::Mux { .. } => (if c != 0 { a } else { b }).into(),
        Operation::Product { of, .. } => product(of),
        Operation::MultiplyAdd { of, container, fit, .. } => fitted(fit, i128::from(c).wrapping_add(product(of)), container, immediate),
    };
    result as u64 & shape(operation).0.mask()
}

/// An immediate that the operation may be given.
fn immediate(operation: Operation, random: &mut ChaCha8Rng) -> u64 {
    match operation {
        Operation::Binary { container, .. }
        | Operation::Not { container, .. }
        | Operation::Convert { container, .. }
        | Operation::MultiplyAdd { container, .. }
        | Operation::ShiftConstant { container, .. } => random.next_u64() % u64::from(container.bits()),
        Operation::Shift { container, .. } => 1 + random.next_u64() % u64::from(container.bits()),
        Operation::CompareConstant { container, .. } => any(random, container),
        Operation::Parity { .. } => random.next_u64(),
        Operation::Compare { .. } | Operation::Mux { .. } | Operation::Product { .. } => 0,
    }
}

/// Any number, often one at which something changes.
fn any(random: &mut ChaCha8Rng, container: Container) -> u64 {
    let top = 1u64 << (container.bits() - 1);
    let number = match random.next_u32() % 8 {
        0 => 0,
        1 => u64::MAX,
        2 => top,
        3 => top - 1,
        4 => random.next_u64() % 70,
        _ => random.next_u64(),
    };
    number & container.mask()
}

fn load(arena: &Arena, container: Container, byte: usize, lane: usize) -> u64 {
    let mut bytes = [0; 8];
    let (from, size) = (byte + lane * container.bytes(), container.bytes());
    bytes[..size].copy_from_slice(&arena.as_bytes()[from..from + size]);
    u64::from_le_bytes(bytes)
}

fn store(arena: &mut Arena, container: Container, byte: usize, lane: usize, number: u64) {
    let (from, size) = (byte + lane * container.bytes(), container.bytes());
    arena.bytes_mut()[from..from + size].copy_from_slice(&number.to_le_bytes()[..size]);
}

/// An arena of random bytes with room for vectors of these sizes in bytes, the one numbered `last` at its very end.
fn arena(random: &mut ChaCha8Rng, sizes: &[usize], last: usize) -> (Arena, Vec<usize>) {
    let total: usize = sizes.iter().map(|size| size.next_multiple_of(8) + GUARD).sum();
    let mut arena = Arena::new(total.saturating_sub(Arena::new(0).bytes()).div_ceil(8));
    let words = arena.words_mut();
    words.iter_mut().for_each(|word| *word = random.next_u64());
    let mut places = vec![0; sizes.len()];
    let mut end = arena.bytes();
    for vector in std::iter::once(last).chain((0..sizes.len()).filter(|&vector| vector != last)) {
        // Elements are aligned to their size, and sizes are multiples of it.
        places[vector] = end - sizes[vector];
        end = (places[vector] - GUARD) / 8 * 8;
    }
    (arena, places)
}

/// Runs one operation over `lanes` and checks every byte of the arena.
fn check(operation: Operation, set: InstructionSet, lanes: usize, last: usize, in_place: Option<usize>, random: &mut ChaCha8Rng) {
    let (out, operands) = shape(operation);
    let mut group = Group::new(lanes, set);
    let padded = group.lanes();
    let size = |(container, common): (Container, bool)| container.bytes() * if common { 1 } else { padded };
    let sizes: Vec<usize> = std::iter::once((out, false)).chain(operands.iter().copied()).map(size).collect();
    let (mut arena, mut places) = arena(random, &sizes, last % sizes.len());
    if let Some(operand) = in_place {
        places[0] = places[1 + operand];
    }
    let immediate = immediate(operation, random);
    for (&(container, common), &place) in operands.iter().zip(&places[1..]) {
        for lane in 0..if common { 1 } else { padded } {
            let mut number = any(random, container);
            if let Operation::Shift { kind, .. } = operation
                && place == places[1]
            {
                // The value has its width: zeros or signs above it.
                number = self::number(number, immediate as u32, kind == ShiftKind::RightSigned) as u64;
            }
            store(&mut arena, container, place, lane, number);
        }
    }
    let before = arena.clone();
    let addresses: Vec<Address> = operands
        .iter()
        .zip(&places[1..])
        .map(|(&(_, common), &byte)| Address { byte, reached: if common { Reached::Common } else { Reached::ByLane } })
        .collect();
    group.push(operation, Address { byte: places[0], reached: Reached::ByLane }, &addresses, immediate);
    group.run(&mut arena);

    let mut wanted = before.clone();
    for lane in 0..padded {
        let mut values = [0; 3];
        for (value, (&(container, common), &place)) in values.iter_mut().zip(operands.iter().zip(&places[1..])) {
            *value = load(&before, container, place, if common { 0 } else { lane });
        }
        store(&mut wanted, out, places[0], lane, expected(operation, values, immediate));
    }
    if arena.as_bytes() != wanted.as_bytes() {
        let byte = (0..arena.bytes()).find(|&byte| arena.as_bytes()[byte] != wanted.as_bytes()[byte]);
        panic!("{operation:?} with {set:?}, immediate {immediate:#x}: byte {byte:?} of {} differs, vectors at {places:?}", arena.bytes());
    }
}

#[test]
fn every_kernel_does_its_arithmetic_and_touches_nothing_else() {
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for (operation, set) in operations().into_iter().flat_map(|operation| sets().into_iter().map(move |set| (operation, set))) {
        for (round, lanes) in [1, 16, 17, 100, STRIP + 40].into_iter().enumerate() {
            check(operation, set, lanes, round, None, &mut random);
        }
    }
}

#[test]
fn a_result_may_stand_where_an_operand_of_its_size_stood() {
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for (operation, set) in operations().into_iter().flat_map(|operation| sets().into_iter().map(move |set| (operation, set))) {
        let (out, operands) = shape(operation);
        for operand in (0..operands.len()).filter(|&operand| operands[operand] == (out, false)) {
            for lanes in [20, STRIP + 16] {
                check(operation, set, lanes, 1 + operand, Some(operand), &mut random);
            }
        }
    }
}

#[test]
fn an_intermediate_result_needs_no_more_than_a_strip() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    for set in sets() {
        let (w, lanes) = (Container::W32, 3 * STRIP + 50);
        let mut group = Group::new(lanes, set);
        let sizes = [4 * group.lanes(), 4 * group.lanes(), 4 * STRIP];
        let (mut arena, places) = arena(&mut random, &sizes, 2);
        let inputs: Vec<u64> = (0..group.lanes()).map(|lane| load(&arena, w, places[0], lane)).collect();
        let [a, out] = [0, 1].map(|vector| Address { byte: places[vector], reached: Reached::ByLane });
        let between = Address { byte: places[2], reached: Reached::ByLaneOfStrip };
        let add = Operation::Binary { kind: BinaryKind::Add, fit: FitKind::Whole, container: w, a_common: false, b_common: false };
        group.push(add, between, &[a, a], 0);
        group.push(add, out, &[between, a], 0);
        group.run(&mut arena);
        for (lane, input) in inputs.iter().enumerate() {
            assert_eq!(load(&arena, w, places[1], lane), (3 * input) & w.mask(), "lane {lane} with {set:?}");
        }
    }
}

#[test]
fn a_branch_runs_by_its_test_alone() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let w = Container::W16;
    for (set, value) in sets().into_iter().flat_map(|set| [0u64, 3, 7].map(|value| (set, value))) {
        let mut group = Group::new(40, set);
        let vector = 2 * group.lanes();
        let (mut arena, places) = arena(&mut random, &[vector, vector, vector, 2], 3);
        store(&mut arena, w, places[3], 0, value | 0x100);
        let before = arena.clone();
        let [a, first, second] = [0, 1, 2].map(|vector| Address { byte: places[vector], reached: Reached::ByLane });
        let not = Operation::Not { fit: FitKind::Whole, container: w };
        let opened = group.when(Test { byte: places[3], container: w, mask: 0xff, value: 3 });
        group.push(not, first, &[a], 0);
        let opened = group.otherwise(opened);
        group.push(not, second, &[a], 0);
        group.end(opened);
        group.run(&mut arena);
        let (written, kept) = if value == 3 { (1, 2) } else { (2, 1) };
        for lane in 0..group.lanes() {
            assert_eq!(load(&arena, w, places[written], lane), !load(&before, w, places[0], lane) & w.mask());
            assert_eq!(load(&arena, w, places[kept], lane), load(&before, w, places[kept], lane));
        }
    }
}

#[test]
#[should_panic(expected = "the arena has grown to all that its programs need")]
fn a_group_that_reaches_beyond_the_arena_does_not_run() {
    let mut arena = Arena::new(16);
    let end = arena.bytes();
    let mut group = Group::new(16, InstructionSet::of_this_processor());
    let [a, out] = [0, end - 15].map(|byte| Address { byte, reached: Reached::ByLane });
    group.push(Operation::Not { fit: FitKind::Whole, container: Container::W8 }, out, &[a], 0);
    group.run(&mut arena);
}

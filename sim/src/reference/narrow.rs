//! The same functions for cells whose operands and result fit 64 bits each, over the flat state.
//!
//! A value of width *w* stands in one limb, its bits above *w* zero; every function keeps that true.

/// What a narrow cell computes. The order of the variants only serves to bring equal functions together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Function {
    Not {
        mask: u64,
    },
    And,
    Or,
    Xor,
    ReduceAnd {
        mask: u64,
    },
    ReduceOr,
    ReduceXor,
    Add {
        mask: u64,
    },
    Sub {
        mask: u64,
    },
    MulUnsigned,
    /// Operands of `64 - a_unused` and `64 - b_unused` bits.
    MulSigned {
        a_unused: u32,
        b_unused: u32,
        mask: u64,
    },
    Equal,
    LessUnsigned,
    /// Operands of `64 - unused` bits.
    LessSigned {
        unused: u32,
    },
    ShiftLeft {
        width: u32,
        mask: u64,
    },
    ShiftRightUnsigned {
        width: u32,
    },
    ShiftRightSigned {
        width: u32,
        mask: u64,
    },
    /// `a` chooses `b` (1) or `c` (0).
    Mux,
    /// `a` chooses among the `c` slots in the pool from `b` on.
    Select,
    /// The `c` pairs of slot and width in the pool from `b` on, most significant first.
    Concat,
    Slice {
        low: u32,
        mask: u64,
    },
    /// A slice of a wide value that crosses from limb `a` into limb `b`; `low` is in 1..64.
    SliceAcross {
        low: u32,
        mask: u64,
    },
    /// Operand of `64 - unused` bits.
    ExtendSigned {
        unused: u32,
        mask: u64,
    },
}

/// The slots of one cell: where its result goes and where its operands are. What `a`, `b` and `c` mean is the function's matter.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(super) struct Slots {
    pub out: u32,
    pub a: u32,
    pub b: u32,
    pub c: u32,
}

/// All bits of a value of `width` bits (1 to 64).
pub(super) fn mask(width: u32) -> u64 {
    u64::MAX >> (64 - width)
}

/// Evaluates cells of one function, none of which reads another's result.
pub(super) fn evaluate(function: Function, cells: &[Slots], pool: &[u32], state: &mut [u64]) {
    match function {
        Function::Not { mask } => unary(cells, state, |a| !a & mask),
        Function::And => binary(cells, state, |a, b| a & b),
        Function::Or => binary(cells, state, |a, b| a | b),
        Function::Xor => binary(cells, state, |a, b| a ^ b),
        Function::ReduceAnd { mask } => unary(cells, state, |a| (a == mask).into()),
        Function::ReduceOr => unary(cells, state, |a| (a != 0).into()),
        Function::ReduceXor => unary(cells, state, |a| u64::from(a.count_ones() % 2)),
        Function::Add { mask } => binary(cells, state, |a, b| a.wrapping_add(b) & mask),
        Function::Sub { mask } => binary(cells, state, |a, b| a.wrapping_sub(b) & mask),
        Function::MulUnsigned => binary(cells, state, u64::wrapping_mul),
        Function::MulSigned { a_unused, b_unused, mask } => {
            binary(cells, state, |a, b| signed(a, a_unused).wrapping_mul(signed(b, b_unused)) as u64 & mask)
        }
        Function::Equal => binary(cells, state, |a, b| (a == b).into()),
        Function::LessUnsigned => binary(cells, state, |a, b| (a < b).into()),
        Function::LessSigned { unused } => binary(cells, state, |a, b| (signed(a, unused) < signed(b, unused)).into()),
        Function::ShiftLeft { width, mask } => binary(cells, state, |a, b| if b < width.into() { a << b & mask } else { 0 }),
        Function::ShiftRightUnsigned { width } => binary(cells, state, |a, b| if b < width.into() { a >> b } else { 0 }),
        Function::ShiftRightSigned { width, mask } => {
            binary(cells, state, |a, b| (signed(a, 64 - width) >> b.min(u64::from(width) - 1)) as u64 & mask)
        }
        Function::Mux => {
            for cell in cells {
                let chosen = if state[cell.a as usize] & 1 == 1 { cell.b } else { cell.c };
                state[cell.out as usize] = state[chosen as usize];
            }
        }
        Function::Select => {
            for cell in cells {
                let options = &pool[cell.b as usize..][..cell.c as usize];
                let index = state[cell.a as usize].min(u64::from(cell.c) - 1);
                state[cell.out as usize] = state[options[index as usize] as usize];
            }
        }
        Function::Concat => {
            for cell in cells {
                let mut joined = 0;
                for part in pool[cell.b as usize..][..2 * cell.c as usize].chunks_exact(2) {
                    // The first part may be 64 bits wide; nothing stands above it then.
                    joined = joined << (part[1] % 64) | state[part[0] as usize];
                }
                state[cell.out as usize] = joined;
            }
        }
        Function::Slice { low, mask } => unary(cells, state, |a| a >> low & mask),
        Function::SliceAcross { low, mask } => binary(cells, state, |a, b| (a >> low | b << (64 - low)) & mask),
        Function::ExtendSigned { unused, mask } => unary(cells, state, |a| signed(a, unused) as u64 & mask),
    }
}

/// The two's complement number in the low `64 - unused` bits.
fn signed(bits: u64, unused: u32) -> i64 {
    (bits << unused) as i64 >> unused
}

fn unary(cells: &[Slots], state: &mut [u64], function: impl Fn(u64) -> u64) {
    for cell in cells {
        state[cell.out as usize] = function(state[cell.a as usize]);
    }
}

fn binary(cells: &[Slots], state: &mut [u64], function: impl Fn(u64, u64) -> u64) {
    for cell in cells {
        state[cell.out as usize] = function(state[cell.a as usize], state[cell.b as usize]);
    }
}

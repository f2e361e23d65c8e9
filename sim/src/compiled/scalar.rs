//! Steps on single elements: control, address generators, and lanes that have to go one by one.
//!
//! Operands are words of the arena that hold numbers; what stands in a narrower container or in limbs is taken out and put
//! back by steps of its own.

/// What a step computes, before it is fitted to the result's width.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Function {
    /// `a`.
    Move,
    Not,
    And,
    Or,
    Xor,
    Add,
    Sub,
    Mul,
    /// The lowest `c` bits of `a` and `b` are equal.
    Equal,
    Less,
    LessSigned,
    /// The lowest `c` bits of `a` are all ones.
    ReduceAnd,
    ReduceOr,
    /// Parity of the lowest `c` bits of `a`.
    ReduceXor,
    /// `a` by `b`; a distance of `c` or more leaves nothing.
    ShiftLeft,
    ShiftRight,
    /// `a` by `b`, signs enter.
    ShiftRightSigned,
    /// `a` chooses `b` or `c`.
    Mux,
    /// `a` chooses among the `c` words in the pool from `b` on.
    Select,
    /// `c` [`Piece`]s from `b` on, side by side.
    Join,
    /// `a` without its lowest `b` bits (a number, not a word). Takes elements out of containers, too.
    Slice,
    /// The word at `a` without its lowest `b` bits (1 to 63), the next word above it.
    SliceAcross,
    /// `a` shifted down by the number `b`, signs enter.
    Signs,
    /// Puts `a` into the container of `c` bits that lies `b` bits up in the word `out`.
    Store,
}

/// A step.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scalar {
    pub function: Function,
    pub fit: Fit,
    pub out: u32,
    pub a: u32,
    pub b: u32,
    pub c: u32,
}

impl Scalar {
    /// Calls `visit` with every word that it reads or writes.
    pub fn for_each_word(&self, pools: &Pools, visit: &mut dyn FnMut(u32)) {
        visit(self.out);
        match self.function {
            Function::Join => pools.pieces[self.b as usize..][..self.c as usize].iter().for_each(|piece| visit(piece.word)),
            Function::Select => {
                visit(self.a);
                pools.words[self.b as usize..][..self.c as usize].iter().for_each(|&word| visit(word));
            }
            Function::Mux => [self.a, self.b, self.c].into_iter().for_each(visit),
            Function::Move
            | Function::Not
            | Function::ReduceAnd
            | Function::ReduceOr
            | Function::ReduceXor
            | Function::Slice
            | Function::Signs
            | Function::Store => visit(self.a),
            Function::SliceAcross => [self.a, self.a + 1].into_iter().for_each(visit),
            Function::And
            | Function::Or
            | Function::Xor
            | Function::Add
            | Function::Sub
            | Function::Mul
            | Function::Equal
            | Function::Less
            | Function::LessSigned
            | Function::ShiftLeft
            | Function::ShiftRight
            | Function::ShiftRightSigned => [self.a, self.b].into_iter().for_each(visit),
        }
    }
}

/// What stands above the width of a result: `unused` bits of zeros or of signs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Fit {
    pub unused: u8,
    pub signed: bool,
}

impl Fit {
    /// The result is right as it is.
    pub const WHOLE: Fit = Fit { unused: 0, signed: false };

    /// For a width of 1 to 64 bits.
    pub fn of(width: u32, signed: bool) -> Fit {
        Fit { unused: (64 - width) as u8, signed }
    }

    #[inline(always)]
    fn apply(self, result: u64) -> u64 {
        if self.signed { ((result << self.unused) as i64 >> self.unused) as u64 } else { result << self.unused >> self.unused }
    }
}

/// Some bits of a word, put somewhere into a result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub word: u32,
    /// The lowest bit taken.
    pub from: u8,
    /// Where it goes.
    pub to: u8,
    /// Number of bits, at least 1.
    pub width: u8,
}

/// What steps with many operands refer to.
#[derive(Default)]
pub(super) struct Pools {
    pub words: Vec<u32>,
    pub pieces: Vec<Piece>,
}

/// Runs steps over the arena's words.
pub(super) fn run(steps: &[Scalar], pools: &Pools, words: &mut [u64]) {
    for &Scalar { function, fit, out, a, b, c } in steps {
        let at = |word: u32| words[word as usize];
        let low = |width: u32, value: u64| value << (64 - width);
        let result = match function {
            Function::Move => at(a),
            Function::Not => !at(a),
            Function::And => at(a) & at(b),
            Function::Or => at(a) | at(b),
            Function::Xor => at(a) ^ at(b),
            Function::Add => at(a).wrapping_add(at(b)),
            Function::Sub => at(a).wrapping_sub(at(b)),
            Function::Mul => at(a).wrapping_mul(at(b)),
            Function::Equal => (low(c, at(a) ^ at(b)) == 0).into(),
            Function::Less => (at(a) < at(b)).into(),
            Function::LessSigned => ((at(a) as i64) < at(b) as i64).into(),
            Function::ReduceAnd => (low(c, !at(a)) == 0).into(),
            Function::ReduceOr => (at(a) != 0).into(),
            Function::ReduceXor => u64::from(low(c, at(a)).count_ones() & 1),
            Function::ShiftLeft => {
                if at(b) < u64::from(c) {
                    at(a) << at(b)
                } else {
                    0
                }
            }
            Function::ShiftRight => {
                if at(b) < u64::from(c) {
                    at(a) >> at(b)
                } else {
                    0
                }
            }
            Function::ShiftRightSigned => (at(a) as i64 >> at(b).min(63)) as u64,
            Function::Mux => at(if at(a) != 0 { b } else { c }),
            Function::Select => at(pools.words[b as usize + at(a).min(u64::from(c) - 1) as usize]),
            Function::Join => pools.pieces[b as usize..][..c as usize].iter().fold(0, |joined, piece| {
                let bits = at(piece.word) >> piece.from & u64::MAX >> (64 - piece.width);
                joined | bits << piece.to
            }),
            Function::Slice => at(a) >> b,
            Function::SliceAcross => at(a) >> b | at(a + 1) << (64 - b),
            Function::Signs => (at(a) as i64 >> b) as u64,
            Function::Store => {
                let mask = u64::MAX >> (64 - c) << b;
                at(out) & !mask | at(a) << b & mask
            }
        };
        words[out as usize] = fit.apply(result);
    }
}

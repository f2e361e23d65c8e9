//! Which compiled loop does an operation.

use crate::Container;
use crate::functions::{Add, And, Differs, Equal, Left, Less, LessSigned, Or, Right, RightSigned, Signs, Sub, Whole, Xor, Zeros};
use crate::{
    BinaryKernel, Common, CompareConstant, CompareKernel, ConvertKernel, Each, Kernel, LaneKernel, MultiplyAdd, MuxKernel, NotKernel,
    ParityKernel, ProductKernel, ShiftConstant, ShiftKernel, portable,
};

/// A container and whether the number in it is signed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct View {
    /// The container.
    pub container: Container,
    /// Whether the highest bit is a sign.
    pub signed: bool,
}

/// Functions of two words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BinaryKind {
    /// Bitwise and.
    And,
    /// Bitwise or.
    Or,
    /// Bitwise exclusive or.
    Xor,
    /// Sum, wraps.
    Add,
    /// Difference, wraps.
    Sub,
}

/// Questions about two words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CompareKind {
    /// The patterns are equal.
    Equal,
    /// The patterns differ.
    Differs,
    /// The first is less as an unsigned number.
    Less,
    /// The first is less as a signed number.
    LessSigned,
}

/// Shifts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShiftKind {
    /// Towards the highest bit; zeros enter.
    Left,
    /// Towards the lowest bit; zeros enter.
    Right,
    /// Towards the lowest bit; signs enter.
    RightSigned,
}

/// What makes a result the number of its width, which leaves some of the container's bits unused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FitKind {
    /// Nothing: no bit is unused, or the result is right as it is.
    Whole,
    /// Zeros in the unused bits.
    Zeros,
    /// Signs in the unused bits.
    Signs,
}

/// What a lane kernel computes; `container` is the one it computes in. An operand named `.._common` may be one element for all
/// lanes. What the kernel's immediate number means stands with each.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are explained above and by their types")]
pub enum Operation {
    /// `fit(a ∘ b)`; the immediate is the number of unused bits.
    Binary { kind: BinaryKind, fit: FitKind, container: Container, a_common: bool, b_common: bool },
    /// `fit(!a)`; the immediate is the number of unused bits.
    Not { fit: FitKind, container: Container },
    /// A byte of 0 or 1.
    Compare { kind: CompareKind, container: Container, a_common: bool, b_common: bool },
    /// `a` against the immediate: a byte of 0 or 1.
    CompareConstant { kind: CompareKind, container: Container },
    /// Whether an odd number of the bits of `a & immediate` is one: a byte of 0 or 1.
    Parity { container: Container },
    /// `a` by `b`; the immediate is the width of `a`, at which nothing of it is left.
    Shift { kind: ShiftKind, container: Container, distance_common: bool },
    /// `a` by the immediate, which is less than the container's bits.
    ShiftConstant { kind: ShiftKind, container: Container },
    /// `fit(a)` in another container; the immediate is the number of unused bits of the result's.
    Convert { from: View, container: Container, fit: FitKind, common: bool },
    /// `c`, a byte of 0 or 1, chooses `a` (1) or `b`.
    Mux { container: Container, then_common: bool, otherwise_common: bool },
    /// `a · b`, as far as the container holds it.
    Product { of: View, container: Container, b_common: bool },
    /// `fit(c + a · b)`; the immediate is the number of unused bits.
    MultiplyAdd { of: View, container: Container, fit: FitKind, b_common: bool },
}

/// Evaluates the expression with a type name bound by the value of a variable.
macro_rules! with {
    (word $container:expr, $name:ident => $body:expr) => {
        match $container {
            Container::W8 => {
                type $name = u8;
                $body
            }
            Container::W16 => {
                type $name = u16;
                $body
            }
            Container::W32 => {
                type $name = u32;
                $body
            }
            Container::W64 => {
                type $name = u64;
                $body
            }
        }
    };
    (lane $view:expr, $name:ident => $body:expr) => {
        match ($view.container, $view.signed) {
            (Container::W8, false) => {
                type $name = u8;
                $body
            }
            (Container::W16, false) => {
                type $name = u16;
                $body
            }
            (Container::W32, false) => {
                type $name = u32;
                $body
            }
            (Container::W8, true) => {
                type $name = i8;
                $body
            }
            (Container::W16, true) => {
                type $name = i16;
                $body
            }
            (Container::W32, true) => {
                type $name = i32;
                $body
            }
            (Container::W64, _) => {
                type $name = u64;
                $body
            }
        }
    };
    (fit $fit:expr, $name:ident => $body:expr) => {
        match $fit {
            FitKind::Whole => {
                type $name = Whole;
                $body
            }
            FitKind::Zeros => {
                type $name = Zeros;
                $body
            }
            FitKind::Signs => {
                type $name = Signs;
                $body
            }
        }
    };
    (spread $common:expr, $name:ident => $body:expr) => {
        if $common {
            type $name = Common;
            $body
        } else {
            type $name = Each;
            $body
        }
    };
}

/// What the lane kernels are compiled for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InstructionSet {
    /// Invariant: only if the processor has it.
    avx2: bool,
}

impl InstructionSet {
    /// What any processor of the architecture has.
    pub const PORTABLE: InstructionSet = InstructionSet { avx2: false };

    /// The best that this processor has.
    pub fn of_this_processor() -> InstructionSet {
        #[cfg(target_arch = "x86_64")]
        return InstructionSet { avx2: std::arch::is_x86_feature_detected!("avx2") };
        #[cfg(not(target_arch = "x86_64"))]
        InstructionSet::PORTABLE
    }

    fn compiled<K: LaneKernel>(self) -> Kernel {
        #[cfg(target_arch = "x86_64")]
        if self.avx2 {
            return crate::avx2::<K>;
        }
        portable::<K>
    }
}

impl Operation {
    /// The loop for this operation.
    pub fn kernel(self, set: InstructionSet) -> Kernel {
        match self {
            Operation::Binary { kind, fit, container, a_common, b_common } => binary(set, kind, fit, container, a_common, b_common),
            Operation::Not { fit, container } => {
                with!(word container, W => with!(fit fit, N => set.compiled::<NotKernel<N, W>>()))
            }
            Operation::Compare { kind, container, a_common, b_common } => with!(word container, W => {
                with!(spread a_common, A => with!(spread b_common, B => match kind {
                    CompareKind::Equal => set.compiled::<CompareKernel<Equal, W, A, B>>(),
                    CompareKind::Differs => set.compiled::<CompareKernel<Differs, W, A, B>>(),
                    CompareKind::Less => set.compiled::<CompareKernel<Less, W, A, B>>(),
                    CompareKind::LessSigned => set.compiled::<CompareKernel<LessSigned, W, A, B>>(),
                }))
            }),
            Operation::CompareConstant { kind, container } => with!(word container, W => match kind {
                CompareKind::Equal => set.compiled::<CompareConstant<Equal, W>>(),
                CompareKind::Differs => set.compiled::<CompareConstant<Differs, W>>(),
                CompareKind::Less => set.compiled::<CompareConstant<Less, W>>(),
                CompareKind::LessSigned => set.compiled::<CompareConstant<LessSigned, W>>(),
            }),
            Operation::Parity { container } => with!(word container, W => set.compiled::<ParityKernel<W>>()),
            Operation::Shift { kind, container, distance_common } => {
                with!(word container, W => with!(spread distance_common, B => match kind {
                    ShiftKind::Left => set.compiled::<ShiftKernel<Left, W, B>>(),
                    ShiftKind::Right => set.compiled::<ShiftKernel<Right, W, B>>(),
                    ShiftKind::RightSigned => set.compiled::<ShiftKernel<RightSigned, W, B>>(),
                }))
            }
            Operation::ShiftConstant { kind, container } => with!(word container, W => match kind {
                ShiftKind::Left => set.compiled::<ShiftConstant<Left, W>>(),
                ShiftKind::Right => set.compiled::<ShiftConstant<Right, W>>(),
                ShiftKind::RightSigned => set.compiled::<ShiftConstant<RightSigned, W>>(),
            }),
            Operation::Convert { from, container, fit, common } => {
                with!(lane from, L => with!(word container, W => with!(fit fit, N => with!(spread common, A => {
                    set.compiled::<ConvertKernel<L, W, N, A>>()
                }))))
            }
            Operation::Mux { container, then_common, otherwise_common } => {
                with!(word container, W => with!(spread then_common, A => with!(spread otherwise_common, B => {
                    set.compiled::<MuxKernel<W, A, B>>()
                })))
            }
            Operation::Product { of, container, b_common } => {
                with!(lane of, L => with!(word container, W => with!(spread b_common, B => set.compiled::<ProductKernel<L, W, B>>())))
            }
            Operation::MultiplyAdd { of, container, fit, b_common } => {
                with!(lane of, L => with!(word container, W => with!(fit fit, N => with!(spread b_common, B => {
                    set.compiled::<MultiplyAdd<L, W, N, B>>()
                }))))
            }
        }
    }
}

fn binary(set: InstructionSet, kind: BinaryKind, fit: FitKind, container: Container, a_common: bool, b_common: bool) -> Kernel {
    with!(word container, W => with!(spread a_common, A => with!(spread b_common, B => match kind {
        BinaryKind::And => set.compiled::<BinaryKernel<And, Whole, W, A, B>>(),
        BinaryKind::Or => set.compiled::<BinaryKernel<Or, Whole, W, A, B>>(),
        BinaryKind::Xor => set.compiled::<BinaryKernel<Xor, Whole, W, A, B>>(),
        BinaryKind::Add => with!(fit fit, N => set.compiled::<BinaryKernel<Add, N, W, A, B>>()),
        BinaryKind::Sub => with!(fit fit, N => set.compiled::<BinaryKernel<Sub, N, W, A, B>>()),
    })))
}

/// An operand of an operation: bytes of an element, and whether there is one for all lanes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OperandSize {
    /// Bytes of an element.
    pub bytes: usize,
    /// Whether all lanes share one element.
    pub common: bool,
}

impl Operation {
    /// Bytes of an element of the result.
    pub fn result_size(self) -> usize {
        match self {
            Operation::Compare { .. } | Operation::CompareConstant { .. } | Operation::Parity { .. } => 1,
            Operation::Binary { container, .. }
            | Operation::Not { container, .. }
            | Operation::Shift { container, .. }
            | Operation::ShiftConstant { container, .. }
            | Operation::Convert { container, .. }
            | Operation::Mux { container, .. }
            | Operation::Product { container, .. }
            | Operation::MultiplyAdd { container, .. } => container.bytes(),
        }
    }

    /// What it takes as `a`, `b` and `c`.
    pub fn operand_sizes(self) -> [Option<OperandSize>; 3] {
        let each = |container: Container| Some(OperandSize { bytes: container.bytes(), common: false });
        let maybe = |container: Container, common: bool| Some(OperandSize { bytes: container.bytes(), common });
        match self {
            Operation::Binary { container, a_common, b_common, .. } | Operation::Compare { container, a_common, b_common, .. } => {
                [maybe(container, a_common), maybe(container, b_common), None]
            }
            Operation::Not { container, .. }
            | Operation::CompareConstant { container, .. }
            | Operation::Parity { container }
            | Operation::ShiftConstant { container, .. } => [each(container), None, None],
            Operation::Shift { container, distance_common, .. } => [each(container), maybe(container, distance_common), None],
            Operation::Convert { from, common, .. } => [maybe(from.container, common), None, None],
            Operation::Mux { container, then_common, otherwise_common } => {
                [maybe(container, then_common), maybe(container, otherwise_common), each(Container::W8)]
            }
            Operation::Product { of, b_common, .. } => [each(of.container), maybe(of.container, b_common), None],
            Operation::MultiplyAdd { of, container, b_common, .. } => [each(of.container), maybe(of.container, b_common), each(container)],
        }
    }
}

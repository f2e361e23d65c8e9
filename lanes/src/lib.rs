//! Lane kernels: loops over the lanes of a vector, compiled in advance for every integer width, portably and for AVX2.
//!
//! The compiled engine evaluates equal instances together: a signal of all of them is a vector, a lane each. An [`Operation`] says what
//! is to be done to vectors, and [`Operation::kernel`] finds the loop that does it on this processor.
//!
//! A kernel works in chunks of [`CHUNK`] lanes: it loads a chunk of each operand, computes, and stores the chunk. So a result
//! may stand where an operand stood, and there is no tail: vectors are padded to whole chunks, and what is computed in the
//! padding is never looked at.
//!
//! A crate of its own because its thousand loops take long to compile and seldom change.

#![allow(unsafe_code)]

mod container;
mod functions;
mod operation;
mod word;

use std::marker::PhantomData;

use self::functions::{Binary, Compare, Fit, Shift};
use self::word::{Lane, Word};

pub use self::container::Container;
pub use self::operation::{BinaryKind, CompareKind, FitKind, InstructionSet, OperandSize, Operation, ShiftKind, View};

/// Lanes that a kernel takes at once; vectors are padded to a multiple.
pub const CHUNK: usize = 16;

/// Where a kernel works: the first lane of each operand. Which operands there are, and of what, is the kernel's matter.
struct Arguments {
    out: *mut u8,
    a: *const u8,
    b: *const u8,
    c: *const u8,
    chunks: usize,
    immediate: u64,
}

/// A compiled loop: the first lanes of the result and of the operands `a`, `b` and `c`, the number of chunks, and the immediate of its
/// [`Operation`]. With the platform's calling convention, so that machine code made at run time can call it.
///
/// # Safety
/// `out` is valid for writing and `a`, `b`, `c`, where used, for reading so many chunks of the kernel's types (one element
/// for a broadcast operand); the processor has the features that the kernel was compiled for.
pub type Kernel = unsafe extern "C" fn(*mut u8, *const u8, *const u8, *const u8, usize, u64);

/// A loop body, to be compiled for several instruction sets.
trait LaneKernel {
    /// # Safety
    /// As for [`Kernel`].
    unsafe fn run(arguments: &Arguments);
}

/// How an operand is spread over the lanes.
trait Spread {
    /// # Safety
    /// `base` is valid for reading `chunk + 1` chunks of `T`, or one `T` if the operand is one for all lanes.
    unsafe fn load<T: Copy>(base: *const u8, chunk: usize) -> [T; CHUNK];
}

/// An element for each lane.
struct Each;

impl Spread for Each {
    #[inline(always)]
    unsafe fn load<T: Copy>(base: *const u8, chunk: usize) -> [T; CHUNK] {
        // SAFETY: the caller vouches for the range; the read needs no alignment.
        unsafe { base.cast::<[T; CHUNK]>().add(chunk).read_unaligned() }
    }
}

/// One element for all lanes.
struct Common;

impl Spread for Common {
    #[inline(always)]
    unsafe fn load<T: Copy>(base: *const u8, _chunk: usize) -> [T; CHUNK] {
        // SAFETY: the caller vouches for one element; the read needs no alignment.
        [unsafe { base.cast::<T>().read_unaligned() }; CHUNK]
    }
}

/// Stores a chunk of results.
///
/// # Safety
/// `arguments.out` is valid for writing `chunk + 1` chunks of `W`.
#[inline(always)]
unsafe fn store<W: Word>(arguments: &Arguments, chunk: usize, result: impl Fn(usize) -> W) {
    let mut results = [W::ZERO; CHUNK];
    for (lane, place) in results.iter_mut().enumerate() {
        *place = result(lane);
    }
    // SAFETY: the caller vouches for the range; the write needs no alignment.
    unsafe { arguments.out.cast::<[W; CHUNK]>().add(chunk).write_unaligned(results) };
}

/// `out = fit(F(a, b))`; the immediate is the container's unused bits.
struct BinaryKernel<F, N, W, A, B>(PhantomData<(F, N, W, A, B)>);

impl<F: Binary, N: Fit, W: Word, A: Spread, B: Spread> LaneKernel for BinaryKernel<F, N, W, A, B> {
    #[inline(always)]
    unsafe fn run(arguments: &Arguments) {
        let unused = arguments.immediate as u32;
        for chunk in 0..arguments.chunks {
            // SAFETY: the caller vouches for `a`, `b` and `out` over all chunks.
            unsafe {
                let (a, b) = (A::load::<W>(arguments.a, chunk), B::load::<W>(arguments.b, chunk));
                store(arguments, chunk, |lane| N::fit(F::apply(a[lane], b[lane]), unused));
            }
        }
    }
}

/// `out = fit(!a)`.
struct NotKernel<N, W>(PhantomData<(N, W)>);

impl<N: Fit, W: Word> LaneKernel for NotKernel<N, W> {
    #[inline(always)]
    unsafe fn run(arguments: &Arguments) {
        for chunk in 0..arguments.chunks {
            // SAFETY: the caller vouches for `a` and `out` over all chunks.
            unsafe {
                let a = Each::load::<W>(arguments.a, chunk);
                store(arguments, chunk, |lane| N::fit(a[lane].not(), arguments.immediate as u32));
            }
        }
    }
}

/// `out = F(a, b)` as a byte of 0 or 1.
struct CompareKernel<F, W, A, B>(PhantomData<(F, W, A, B)>);

impl<F: Compare, W: Word, A: Spread, B: Spread> LaneKernel for CompareKernel<F, W, A, B> {
    #[inline(always)]
    unsafe fn run(arguments: &Arguments) {
        for chunk in 0..arguments.chunks {
            // SAFETY: the caller vouches for `a`, `b` and `out` over all chunks.
            unsafe {
                let (a, b) = (A::load::<W>(arguments.a, chunk), B::load::<W>(arguments.b, chunk));
                store(arguments, chunk, |lane| u8::from(F::holds(a[lane], b[lane])));
            }
        }
    }
}

/// `out = F(a, immediate)` as a byte of 0 or 1.
struct CompareConstant<F, W>(PhantomData<(F, W)>);

impl<F: Compare, W: Word> LaneKernel for CompareConstant<F, W> {
    #[inline(always)]
    unsafe fn run(arguments: &Arguments) {
        let constant = W::truncate(arguments.immediate);
        for chunk in 0..arguments.chunks {
            // SAFETY: the caller vouches for `a` and `out` over all chunks.
            unsafe {
                let a = Each::load::<W>(arguments.a, chunk);
                store(arguments, chunk, |lane| u8::from(F::holds(a[lane], constant)));
            }
        }
    }
}

/// Whether an odd number of the bits of `a & immediate` is one, as a byte.
struct ParityKernel<W>(PhantomData<W>);

impl<W: Word> LaneKernel for ParityKernel<W> {
    #[inline(always)]
    unsafe fn run(arguments: &Arguments) {
        let mask = W::truncate(arguments.immediate);
        for chunk in 0..arguments.chunks {
            // SAFETY: the caller vouches for `a` and `out` over all chunks.
            unsafe {
                let a = Each::load::<W>(arguments.a, chunk);
                store(arguments, chunk, |lane| (a[lane].and(mask).count_ones() & 1) as u8);
            }
        }
    }
}

/// `out = F(a, b)`; the immediate is the width of `a`.
struct ShiftKernel<F, W, B>(PhantomData<(F, W, B)>);

impl<F: Shift, W: Word, B: Spread> LaneKernel for ShiftKernel<F, W, B> {
    #[inline(always)]
    unsafe fn run(arguments: &Arguments) {
        for chunk in 0..arguments.chunks {
            // SAFETY: the caller vouches for `a`, `b` and `out` over all chunks.
            unsafe {
                let (a, b) = (Each::load::<W>(arguments.a, chunk), B::load::<W>(arguments.b, chunk));
                store(arguments, chunk, |lane| F::apply(a[lane], b[lane], arguments.immediate as u32));
            }
        }
    }
}

/// `out = F(a, immediate)`, the immediate below the container's size.
struct ShiftConstant<F, W>(PhantomData<(F, W)>);

impl<F: Shift, W: Word> LaneKernel for ShiftConstant<F, W> {
    #[inline(always)]
    unsafe fn run(arguments: &Arguments) {
        let distance = W::truncate(arguments.immediate);
        for chunk in 0..arguments.chunks {
            // SAFETY: the caller vouches for `a` and `out` over all chunks.
            unsafe {
                let a = Each::load::<W>(arguments.a, chunk);
                store(arguments, chunk, |lane| F::apply(a[lane], distance, W::BITS));
            }
        }
    }
}

/// `out = fit(a)` in another container; the immediate is the unused bits of the result's.
struct ConvertKernel<L, W, N, A>(PhantomData<(L, W, N, A)>);

impl<L: Lane, W: Word, N: Fit, A: Spread> LaneKernel for ConvertKernel<L, W, N, A> {
    #[inline(always)]
    unsafe fn run(arguments: &Arguments) {
        for chunk in 0..arguments.chunks {
            // SAFETY: the caller vouches for `a` and `out` over all chunks.
            unsafe {
                let a = A::load::<L>(arguments.a, chunk);
                store(arguments, chunk, |lane| N::fit(a[lane].to::<W>(), arguments.immediate as u32));
            }
        }
    }
}

/// `out = if c { a } else { b }`, `c` a byte a lane.
struct MuxKernel<W, A, B>(PhantomData<(W, A, B)>);

impl<W: Word, A: Spread, B: Spread> LaneKernel for MuxKernel<W, A, B> {
    #[inline(always)]
    unsafe fn run(arguments: &Arguments) {
        for chunk in 0..arguments.chunks {
            // SAFETY: the caller vouches for `a`, `b`, `c` and `out` over all chunks.
            unsafe {
                let (a, b) = (A::load::<W>(arguments.a, chunk), B::load::<W>(arguments.b, chunk));
                let c = Each::load::<u8>(arguments.c, chunk);
                store(arguments, chunk, |lane| if c[lane] != 0 { a[lane] } else { b[lane] });
            }
        }
    }
}

/// `out = a · b`, the full product of two lanes.
struct ProductKernel<L, W, B>(PhantomData<(L, W, B)>);

impl<L: Lane, W: Word, B: Spread> LaneKernel for ProductKernel<L, W, B> {
    #[inline(always)]
    unsafe fn run(arguments: &Arguments) {
        for chunk in 0..arguments.chunks {
            // SAFETY: the caller vouches for `a`, `b` and `out` over all chunks.
            unsafe {
                let (a, b) = (Each::load::<L>(arguments.a, chunk), B::load::<L>(arguments.b, chunk));
                store(arguments, chunk, |lane| a[lane].product(b[lane]).to::<W>());
            }
        }
    }
}

/// `out = fit(out + a · b)` with `c` in the place of the old `out`: the heart of a processing element.
struct MultiplyAdd<L, W, N, B>(PhantomData<(L, W, N, B)>);

impl<L: Lane, W: Word, N: Fit, B: Spread> LaneKernel for MultiplyAdd<L, W, N, B> {
    #[inline(always)]
    unsafe fn run(arguments: &Arguments) {
        for chunk in 0..arguments.chunks {
            // SAFETY: the caller vouches for `a`, `b`, `c` and `out` over all chunks.
            unsafe {
                let (a, b) = (Each::load::<L>(arguments.a, chunk), B::load::<L>(arguments.b, chunk));
                let sum = Each::load::<W>(arguments.c, chunk);
                let result = |lane: usize| sum[lane].add(a[lane].product(b[lane]).to::<W>());
                store(arguments, chunk, |lane| N::fit(result(lane), arguments.immediate as u32));
            }
        }
    }
}

/// Compiles a kernel for any processor.
unsafe extern "C" fn portable<K: LaneKernel>(out: *mut u8, a: *const u8, b: *const u8, c: *const u8, chunks: usize, immediate: u64) {
    // SAFETY: the caller keeps the kernel's contract.
    unsafe { K::run(&Arguments { out, a, b, c, chunks, immediate }) }
}

/// Compiles a kernel for processors with AVX2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
unsafe extern "C" fn avx2<K: LaneKernel>(out: *mut u8, a: *const u8, b: *const u8, c: *const u8, chunks: usize, immediate: u64) {
    // SAFETY: the caller keeps the kernel's contract.
    unsafe { K::run(&Arguments { out, a, b, c, chunks, immediate }) }
}

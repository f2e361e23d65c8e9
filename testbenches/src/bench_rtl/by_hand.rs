//! The function of [`ArrayBench`](super::array::ArrayBench) as loops in Rust, as one writes them who wants nothing but this array fast:
//! what a simulator could reach at best.

// Calling what is compiled for AVX2, where the processor has it.
#![allow(unsafe_code)]

use std::hint::black_box;

use anyhow::Result;

use super::array::TILE;
use super::measure::{Contender, Cpu, Sample, sample};
use super::sources::key;

/// The state of the array, its sources and its checksum.
pub struct ByHand {
    n: usize,
    /// By row, n + 1 operands: the one that enters, then what the elements hold.
    west: Vec<i8>,
    /// n + 1 rows of operands: those that enter, then what the elements hold.
    north: Vec<i8>,
    /// By row, n sums.
    acc: Vec<i32>,
    /// What the sources of the rows, then those of the columns, hold.
    state: Vec<u16>,
    keys: Vec<u16>,
    cycle: u32,
    folded: Vec<u32>,
    checksum: u32,
}

impl ByHand {
    /// An array of `n` × `n` elements at its start.
    pub fn new(n: usize) -> ByHand {
        let keys = |first: u32| (0..n as u32).map(move |lane| key(2 * lane + first) as u16);
        ByHand {
            n,
            west: vec![0; n * (n + 1)],
            north: vec![0; (n + 1) * n],
            acc: vec![0; n * n],
            state: vec![0; 2 * n],
            keys: keys(0).chain(keys(1)).collect(),
            cycle: 0,
            folded: vec![0; n],
            checksum: 0,
        }
    }

    /// Lets `cycles` clock cycles pass.
    pub fn run(&mut self, cycles: u64) {
        #[cfg(target_arch = "x86_64")]
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { run_with_avx2(self, cycles) };
        }
        self.run_here(cycles);
    }

    /// The output of the design.
    pub fn checksum(&self) -> u32 {
        self.checksum
    }

    #[inline(always)]
    fn run_here(&mut self, cycles: u64) {
        for _ in 0..cycles {
            self.cycle();
        }
        black_box(&self.acc);
    }

    /// Everything takes its value from before the edge, so what is read by others is written after them.
    #[inline(always)]
    fn cycle(&mut self) {
        let n = self.n;
        let last = self.folded[n - 1];
        self.checksum = self.checksum.rotate_left(1) ^ last;
        for place in (0..n).rev() {
            let before = if place == 0 { 0 } else { self.folded[place - 1] };
            self.folded[place] = before ^ self.acc[place * (n + 1)] as u32;
        }

        let data = |state: u16| (state ^ (state >> 8)) as i8;
        for (row, &state) in self.west.chunks_exact_mut(n + 1).zip(&self.state) {
            row[0] = data(state);
        }
        for (north, &state) in self.north.iter_mut().zip(&self.state[n..]) {
            *north = data(state);
        }
        for (state, key) in self.state.iter_mut().zip(&self.keys) {
            *state = state.wrapping_add(*key);
        }

        let clear = self.cycle == TILE - 1;
        self.cycle = if clear { 0 } else { self.cycle + 1 };
        let rows = self.acc.chunks_exact_mut(n).zip(self.west.chunks_exact_mut(n + 1)).zip(self.north.chunks_exact(n));
        for ((acc, west), north) in rows {
            let operands = west.iter().zip(north).map(|(&west, &north)| i32::from(i16::from(west) * i16::from(north)));
            if clear {
                acc.iter_mut().zip(operands).for_each(|(acc, product)| *acc = product);
            } else {
                acc.iter_mut().zip(operands).for_each(|(acc, product)| *acc = acc.wrapping_add(product));
            }
            west.copy_within(..n, 1);
        }
        self.north.copy_within(..n * n, n);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn run_with_avx2(array: &mut ByHand, cycles: u64) {
    array.run_here(cycles);
}

impl Contender for ByHand {
    fn measure(&mut self, seconds: f64) -> Result<Sample> {
        sample(Cpu::Thread, seconds, |cycles| {
            self.run(cycles);
            Ok(())
        })
    }
}

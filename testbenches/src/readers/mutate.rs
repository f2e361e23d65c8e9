//! Mutations: what disks, editors, other programs and ill will do to a file.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Numbers at which readers go wrong.
const ODD_NUMBERS: [u64; 14] = [0, 1, 2, 7, 127, 128, 255, 65_535, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 53, u64::MAX];
/// The longest file, so that repeated blocks do not grow over many mutations.
const LONGEST: usize = 1 << 20;

/// File `number` of a campaign: one of `seeds` with one to four mutations.
pub fn mutated(seeds: &[Vec<u8>], seed: u64, number: u64) -> Vec<u8> {
    let mut random = Random(ChaCha8Rng::seed_from_u64(seed));
    random.0.set_stream(number);
    let mut bytes = seeds[random.below(seeds.len())].clone();
    for _ in 0..=random.below(4) {
        random.mutate(&mut bytes, seeds);
    }
    bytes.truncate(LONGEST);
    bytes
}

struct Random(ChaCha8Rng);

impl Random {
    /// A number below `end`; 0 if `end` is.
    fn below(&mut self, end: usize) -> usize {
        (self.0.next_u64() % end.max(1) as u64) as usize
    }

    /// A range of up to `most` bytes of a file of `length`.
    fn range(&mut self, length: usize, most: usize) -> std::ops::Range<usize> {
        // The beginning, where headers are, as often as all the rest.
        let within = if self.below(2) == 0 { length.min(256) } else { length };
        let start = self.below(within + 1);
        start..(start + 1 + self.below(most)).min(length)
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let length = bytes.len();
        match self.below(12) {
            0 => bytes.truncate(self.below(length + 1)),
            1 => {
                let range = self.range(length, 64);
                bytes.drain(range);
            }
            2 => {
                let range = self.range(length, 64);
                let copies = [1, 1, 2, 50, 5000][self.below(5)];
                let block = bytes[range.clone()].repeat(copies);
                bytes.splice(range.end..range.end, block.into_iter().take(LONGEST));
            }
            3 => {
                let (from, to) = (self.range(length, 64), self.range(length, 1).start);
                let block = bytes[from].to_vec();
                bytes.splice(to..to, block);
            }
            4 => {
                let (a, b) = (self.range(length, 300), self.range(length, 300));
                let (first, second) = if a.start < b.start { (a, b) } else { (b, a) };
                if first.end <= second.start {
                    let swapped = [&bytes[second.clone()], &bytes[first.end..second.start], &bytes[first.clone()]].concat();
                    bytes.splice(first.start..second.end, swapped);
                }
            }
            5 => {
                let other = &seeds[self.below(seeds.len())];
                let (range, place) = (self.range(other.len(), 300), self.range(length, 300));
                bytes.splice(place, other[range].iter().copied());
            }
            6 | 7 => self.overwrite_number(bytes),
            8 | 9 => self.rewrite_digits(bytes),
            10 => {
                let junk: Vec<u8> = (0..1 + self.below(16)).map(|_| self.0.next_u32() as u8).collect();
                let at = self.range(length, 1).start;
                bytes.splice(at..at, junk);
            }
            _ => {
                let at = self.range(length, 1).start;
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
        }
    }

    /// An odd number in the place of 1, 2, 4 or 8 bytes.
    fn overwrite_number(&mut self, bytes: &mut [u8]) {
        let (size, number) = (1 << self.below(4), ODD_NUMBERS[self.below(ODD_NUMBERS.len())]);
        let start = self.range(bytes.len(), 1).start;
        for (place, byte) in bytes.iter_mut().skip(start).take(size).zip(number.to_le_bytes()) {
            *place = byte;
        }
    }

    /// An odd number in the place of one in decimal digits.
    fn rewrite_digits(&mut self, bytes: &mut Vec<u8>) {
        let from = self.range(bytes.len(), 1).start;
        let digit = |byte: &u8| byte.is_ascii_digit();
        if let Some(start) = bytes.iter().skip(from).position(digit).map(|position| from + position) {
            let length = bytes[start..].iter().take_while(|byte| digit(byte)).count();
            let number = ODD_NUMBERS[self.below(ODD_NUMBERS.len())].to_string();
            let sign = if self.below(4) == 0 { "-" } else { "" };
            bytes.splice(start..start + length, format!("{sign}{number}").bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_and_a_number_fix_the_file_and_most_differ() {
        let seeds = [b"rows = 16\ncolumns = 4\n".to_vec(), (0..=255).collect()];
        let files: Vec<Vec<u8>> = (0..200).map(|number| mutated(&seeds, 1, number)).collect();
        assert_eq!(files[7], mutated(&seeds, 1, 7));
        assert_ne!(files[7], mutated(&seeds, 2, 7));
        assert!(files.iter().filter(|file| !seeds.contains(file)).count() > 150);
        assert!(mutated(&[Vec::new()], 1, 1).len() <= LONGEST);
    }
}

//! One copy of a weight matrix on the chip, for products with it and with its transpose.
//!
//! ```text
//! w ──► rotate ──► P banks ──► rotate ──► b
//!                     ▲
//! job ──► sequence ───┘
//! ```
//!
//! W, `[inputs, outputs]` = `[K, N]`, is cut into tiles of P×P elements, tile (i, j) from row i·P and column j·P. Element (a, b) of a tile is
//! in bank (a + b) mod P at address (i · `output_tiles` + j)·P + a. The P elements of a row of a tile are thus in P different banks, and
//! so are those of a column: either is read in one cycle. Row a leaves the banks turned by a lanes, column b by b lanes, and a
//! rotation turns them back; on their way in rows are turned the other way.
//!
//! The store is empty at first and takes [`WeightStore::words`] words of weights, one a cycle; then it is full and takes jobs, until one
//! releases the weights with its last word: then it is empty again. Which job reads which weights thus follows from the order
//! on each stream alone, whatever stalls.
//!
//! A word takes three steps, of which each takes a cycle: its places are found, the banks are read, the word is turned. When nothing
//! stalls, a word leaves in every cycle, over rows, tiles, repeats and jobs: the first job comes in the cycle after the last word of
//! weights, and the last of n words that jobs send in a row leaves n + [`WeightStore::LATENCY`] cycles after the first of these jobs came.
//! New weights can come n + 1 cycles after it, before the last words have left.
//!
//! **Invariant.** Filling and reading never overlap: weights are only taken while the store is empty, and words are only read while it
//! is full. So no read ever meets a write to the same place, and reads need not say what such a collision gives.
//!
//! **Cost.** P memories of `input_tiles` · `output_tiles` · P elements, which become block memory. Two rotations of ⌈log₂ P⌉ stages, each a
//! two-way multiplexer for each bit of a word: 2·4·128 for 16 lanes of 8 bits. For each bank an adder of an address's width and a
//! comparator of a lane number's, for all together two more adders. One register of a word, before `b`, beside those at the outputs of the
//! memories. The rotation to `b` lies between the two; the one from `w` to the memories has no register of its own.

use std::ops::RangeInclusive;

use ndarray::ArrayView2;
use systole_hdl::Value;
use systole_hdl::library::{counter, pipeline_stage};
use systole_hdl::prelude::*;
use thiserror::Error;

use super::weight_sequence::{Places, WeightSequence, WeightSequenceIn};

/// The store, with everything that fixes its hardware.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct WeightStore {
    /// Elements in a word, rows and columns of a tile: P, 1 to 256.
    pub banks: u32,
    /// Tiles along the inputs of the matrix, at least 1.
    pub input_tiles: u32,
    /// Tiles along the outputs of the matrix, at least 1.
    pub output_tiles: u32,
    /// Type of an element.
    pub element: Type,
}

/// What a job asks for: `repeats` times, for each lane tile t, the words r = 0 to `rows` + `padding` − 1. Word r has the elements
/// W\[r, t·P..t·P + P\], or W\[t·P..t·P + P, r\] if transposed; from r = `rows` on it is zero.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reading {
    /// Whether the matrix is sent transposed: lanes are then inputs, and words follow each other along the outputs.
    pub transposed: bool,
    /// How often everything is sent, 1 to [`WeightStore::GREATEST_COUNT`].
    pub repeats: u32,
    /// Tiles of P lanes: 1 to `output_tiles`, or to `input_tiles` if transposed.
    pub lane_tiles: u32,
    /// Words of a lane tile that come from the store: up to `input_tiles` · P, or to `output_tiles` · P if transposed.
    pub rows: u32,
    /// Zero words of a lane tile after those, up to [`WeightStore::GREATEST_COUNT`]; at least 1 if there are no `rows`.
    pub padding: u32,
    /// Words of a group, 1 to [`WeightStore::LONGEST_GROUP`], counted from the start of each lane tile.
    pub group: u32,
    /// Whether it is the last one of these weights: the store then takes new ones, and the next job waits for them.
    pub releases: bool,
}

impl Reading {
    /// Words that are sent.
    pub fn words(&self) -> u64 {
        u64::from(self.repeats) * u64::from(self.lane_tiles) * (u64::from(self.rows) + u64::from(self.padding))
    }
}

/// A reading of which a store is not capable.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("`{field}` of a reading is {value}; this store takes {} to {}", .accepted.start(), .accepted.end())]
pub struct ReadingError {
    /// The field of [`Reading`].
    pub field: &'static str,
    /// What it is.
    pub value: u32,
    /// What it may be beside the reading's other fields.
    pub accepted: RangeInclusive<u32>,
}

impl WeightStore {
    /// The greatest `repeats` and `padding` of a reading.
    pub const GREATEST_COUNT: u32 = (1 << 16) - 1;
    /// The greatest `group` of a reading.
    pub const LONGEST_GROUP: u32 = 32;
    /// Cycles that a word takes after its places are found: to the read, and through the rotation.
    pub const LATENCY: u64 = 2;
    /// The most words of a store.
    pub const MOST_WORDS: u64 = 1 << 24;

    /// Words of stream `w` that fill the store.
    pub fn words(&self) -> u64 {
        u64::from(self.depth())
    }

    /// Elements of a bank; at least 1, so that parameters that are refused are not refused again for what follows from them.
    pub(super) fn depth(&self) -> u32 {
        self.input_tiles.max(1).saturating_mul(self.row_of_tiles())
    }

    /// Elements of a bank for the tiles beside each other along the outputs.
    pub(super) fn row_of_tiles(&self) -> u32 {
        self.output_tiles.max(1).saturating_mul(self.banks.max(1))
    }

    /// The most rows that a reading has, in the direction that has more.
    pub(super) fn most_rows(&self) -> u32 {
        self.input_tiles.max(self.output_tiles).saturating_mul(self.banks)
    }

    /// The fields of a beat of stream `job`, the first in the least significant bits: those of [`Reading`].
    pub fn job_fields(&self) -> [(&'static str, Type); 7] {
        [
            ("transposed", Type::BIT),
            ("repeats", Type::count(Self::GREATEST_COUNT)),
            ("lane_tiles", Type::count(self.input_tiles.max(self.output_tiles))),
            ("rows", Type::count(self.most_rows())),
            ("padding", Type::count(Self::GREATEST_COUNT)),
            ("group", Type::count(Self::LONGEST_GROUP)),
            ("releases", Type::BIT),
        ]
    }

    /// Type of a beat of stream `job`.
    pub fn job_type(&self) -> Type {
        Type::Bits(self.job_fields().iter().map(|(_, ty)| ty.width()).sum())
    }

    /// The beat of stream `job` that asks for a reading.
    ///
    /// # Errors
    /// The first field that is out of range.
    pub fn job(&self, reading: Reading) -> Result<Value, ReadingError> {
        let Reading { transposed, repeats, lane_tiles, rows, padding, group, releases } = reading;
        let (lanes, along) = if transposed { (self.input_tiles, self.output_tiles) } else { (self.output_tiles, self.input_tiles) };
        let numbers = [
            (u32::from(transposed), 0..=1),
            (repeats, 1..=Self::GREATEST_COUNT),
            (lane_tiles, 1..=lanes),
            (rows, 0..=along.saturating_mul(self.banks)),
            (padding, u32::from(rows == 0)..=Self::GREATEST_COUNT),
            (group, 1..=Self::LONGEST_GROUP),
            (u32::from(releases), 0..=1),
        ];
        self.job_fields().into_iter().zip(numbers).try_fold(Value::zero(0), |beat, ((field, ty), (value, accepted))| {
            if accepted.contains(&value) {
                Ok(beat.concat(&Value::from_u64(ty.width(), value.into())))
            } else {
                Err(ReadingError { field, value, accepted })
            }
        })
    }

    /// The words of stream `w` for a matrix `[K, N]`, each with its lanes: P elements of a row, by rows, of each the output tiles in order.
    /// A matrix smaller than the store is padded with zeros; of a larger one only what the store holds is sent.
    pub fn fill_words<'a>(&self, matrix: ArrayView2<'a, i64>) -> impl Iterator<Item = Vec<i64>> + use<'a> {
        let [lanes, input_tiles, output_tiles] = [self.banks, self.input_tiles, self.output_tiles].map(|count| count as usize);
        let word = move |row: usize, first: usize| {
            let element = |column| matrix.get([row, column]).copied().unwrap_or(0);
            (first..first + lanes).map(element).collect()
        };
        (0..input_tiles * lanes).flat_map(move |row| (0..output_tiles).map(move |tile| word(row, tile * lanes)))
    }

    /// Type of a word of P elements.
    fn word_type(&self) -> Type {
        Type::Bits(self.banks.max(1).saturating_mul(self.element.width()))
    }
}

bundle! {
    /// The streams into a [`WeightStore`].
    pub struct WeightStoreIn {
        /// Words of [`WeightStore::fill_words`], which wait while the store is full.
        w: Stream,
        /// What [`WeightStore::job`] gives. It waits until the store is full.
        job: Stream,
    }
}
bundle! {
    /// The stream out of a [`WeightStore`].
    pub struct WeightStoreOut {
        /// For each word of a [`Reading`], from the least significant end: its P elements, lane 0 first; `ends`, one bit, on the last word of
        /// each whole group; `exact`, one bit, always 0.
        b: Stream,
    }
}

impl Component for WeightStore {
    type In = WeightStoreIn;
    type Out = WeightStoreOut;

    fn inputs(&self) -> WeightStoreIn {
        WeightStoreIn { w: Stream::port(self.word_type()), job: Stream::port(self.job_type()) }
    }

    fn build(&self, m: Module, i: WeightStoreIn) -> WeightStoreOut {
        m.require((1..=256).contains(&self.banks), "a weight store of no or too many banks", "`banks` is 1 to 256");
        m.require(
            self.input_tiles.min(self.output_tiles) >= 1,
            "a weight store without a tile",
            "`input_tiles` and `output_tiles` are at least 1",
        );
        let remedy = format!("`input_tiles` times `output_tiles` times `banks` is at most {}", Self::MOST_WORDS);
        m.require(self.words() <= Self::MOST_WORDS, "a weight store of too many tiles", &remedy);

        let filled = m.reg("filled", Type::BIT);
        let take = m.wire("take", Type::BIT);
        let input = WeightSequenceIn { job: i.job, filled: *filled, take: *take };
        let sequence = m.instance("sequence", &WeightSequence { store: self.clone() }, input);
        i.w.ready.drive(!filled);
        let fill = self.fill(m, i.w);
        m.when(fill.last, || filled.next(true)).or_when(sequence.releases, || filled.next(false));

        // The banks hold a word until the next read; the stage `read` holds its tags as long.
        let tags = pack(&[sequence.places.turn, sequence.stored, sequence.ends]);
        let requests = m.stream("requests", tags, sequence.valid);
        take.drive(requests.fires());
        let bank = WeightBank { store: self.clone() };
        let fill_lanes = fill.word.lanes(self.element, self.banks);
        let elements: Vec<Signal> = (0..self.banks)
            .zip(fill_lanes)
            .map(|(number, write_element)| {
                let input = WeightBankIn {
                    number: constant(Type::index(self.banks), number),
                    write: i.w.fires(),
                    write_address: fill.address,
                    write_element,
                    read: *take & sequence.stored,
                    places: sequence.places.clone(),
                };
                m.instance(&format!("bank_{number}"), &bank, input).element
            })
            .collect();
        let read_word = pack(&elements).named("read_word");

        let read = pipeline_stage(m, "read", requests, |tags| tags);
        let word = pipeline_stage(m, "word", read, |tags| {
            let turn_bits = sequence.places.turn.ty().width();
            let turn = tags.bits(0..turn_bits);
            let word = self.rotate(read_word, turn, Towards::LowerLanes);
            let (stored, ends) = (tags.bit(turn_bits), tags.bit(turn_bits + 1));
            pack(&[stored.mux(word, constant(word.ty(), 0)), ends])
        });
        WeightStoreOut { b: word.map(|word| pack(&[word, constant(Type::BIT, false)])) }
    }
}

/// A word of weights on its way into the banks.
struct Fill {
    /// Element of bank 0 first.
    word: Signal,
    /// The address, equal in all banks.
    address: Signal,
    /// One bit: the word is there and makes the store full.
    last: Signal,
}

/// The direction of a rotation.
#[derive(Clone, Copy)]
enum Towards {
    /// Lane n gets the element of lane (n + turn) mod P.
    LowerLanes,
    /// Lane n gets the element of lane (n − turn) mod P.
    HigherLanes,
}

impl WeightStore {
    /// Counts the words of `w` through the store.
    fn fill(&self, m: Module, w: Stream) -> Fill {
        let enters = w.fires().named("enters");
        let output_tile = counter(m, "fill_output_tile", self.output_tiles, enters);
        let row = counter(m, "fill_row", self.banks, enters & output_tile.last);
        let input_tile = counter(m, "fill_input_tile", self.input_tiles, enters & output_tile.last & row.last);

        // The tiles of a row are P addresses apart; the first row of the next tiles follows the last row of these.
        let ty = Type::index(self.depth());
        let (address, row_start) = (m.reg("fill_address", ty), m.reg("fill_row_start", ty));
        let next_row = row.last.mux(address + 1, row_start + 1);
        let last = (enters & output_tile.last & row.last & input_tile.last).named("fill_last");
        m.when(enters, || {
            if self.output_tiles > 1 {
                address.next(address + self.banks);
            }
            m.when(output_tile.last, || {
                address.next(next_row);
                row_start.next(next_row);
            });
            m.when(last, || {
                address.next(0);
                row_start.next(0);
            });
        });
        Fill { word: self.rotate(w.data, row.value, Towards::HigherLanes), address: *address, last }
    }

    /// Turns a word by `turn` lanes, 0 to P − 1: for each bit of `turn` a stage that turns by its weight or not.
    fn rotate(&self, word: Signal, turn: Signal, towards: Towards) -> Signal {
        let (lane, width) = (self.element.width(), word.ty().width());
        let weights = (0..turn.ty().width()).map(|stage| (stage, 1 << stage)).filter(|(_, weight)| *weight < self.banks);
        weights.fold(word, |word, (stage, weight)| {
            let lanes = match towards {
                Towards::LowerLanes => weight,
                Towards::HigherLanes => self.banks - weight,
            };
            let turned = pack(&[word.bits(lanes * lane..width), word.bits(0..lanes * lane)]);
            turn.bit(stage).mux(turned, word)
        })
    }
}

/// A bank: one memory, and the address of its element of a word.
#[derive(Clone, Debug)]
struct WeightBank {
    /// Its store.
    store: WeightStore,
}

bundle! {
    /// What enters a [`WeightBank`].
    struct WeightBankIn {
        /// Which bank it is: a constant, so that all banks are one module.
        number: Signal,
        /// One bit: write `write_element` at `write_address`.
        write: Signal,
        write_address: Signal,
        write_element: Signal,
        /// One bit: read the element of the word at `places`.
        read: Signal,
        places: Places,
    }
}
bundle! {
    /// What leaves a [`WeightBank`].
    struct WeightBankOut {
        /// The element last read.
        element: Signal,
    }
}

impl Component for WeightBank {
    type In = WeightBankIn;
    type Out = WeightBankOut;

    fn inputs(&self) -> WeightBankIn {
        WeightBankIn {
            number: port(Type::index(self.store.banks)),
            write: port(Type::BIT),
            write_address: port(Type::index(self.store.depth())),
            write_element: port(self.store.element),
            read: port(Type::BIT),
            places: self.store.places_ports(),
        }
    }

    fn build(&self, m: Module, i: WeightBankIn) -> WeightBankOut {
        let depth = self.store.depth();
        let words = m.memory("words", depth, self.store.element);
        words.write(i.write_address, i.write_element, i.write);
        let start = i.number.lt(i.places.turn).mux(i.places.wrapped_address, i.places.address);
        let growth = i.places.transposed.mux(i.number, 0).to(start.ty());
        let address = (start + growth).wrap(Type::index(depth)).named("read_address");
        WeightBankOut { element: words.read_registered(address, i.read, Collision::Undefined) }
    }
}

//! From a job of a weight store to its reads: the loop nest over repeats, lane tiles and words, and where each word lies.

use systole_hdl::library::loop_counter;
use systole_hdl::prelude::*;

use super::weight_store::WeightStore;

/// Lists the reads of one job after the other, one a cycle, without a gap between jobs.
#[derive(Clone, Debug)]
pub(super) struct WeightSequence {
    /// Its store.
    pub store: WeightStore,
}

bundle! {
    /// What enters a [`WeightSequence`].
    pub(super) struct WeightSequenceIn {
        /// See [`WeightStore::job_fields`].
        job: Stream,
        /// One bit: the store holds a whole matrix.
        filled: Signal,
        /// One bit: the read is taken.
        take: Signal,
    }
}
bundle! {
    /// The places of the elements of one word in the banks.
    pub(super) struct Places {
        /// The bank that holds lane 0.
        turn: Signal,
        /// One bit: a word of a transposed reading. Then the address of a bank also grows with its number.
        transposed: Signal,
        /// The address in the banks from `turn` on, in bank 0 if it grows.
        address: Signal,
        /// The same for the banks before `turn`, which hold the lanes that come after those of the last bank.
        wrapped_address: Signal,
    }
}
bundle! {
    /// What leaves a [`WeightSequence`].
    pub(super) struct WeightSequenceOut {
        /// One bit: there is a read, and a job is running.
        valid: Signal,
        places: Places,
        /// One bit: the word is stored; otherwise it is padding.
        stored: Signal,
        /// One bit: the word is the last of its group.
        ends: Signal,
        /// One bit: the last word on these weights is read, and the store is empty from the next cycle on.
        releases: Signal,
    }
}

impl WeightStore {
    /// Type of an address to which a tile's or a row of tiles' words can be added. Addresses wrap in it, and a bank takes its low bits.
    fn reach(&self) -> Type {
        Type::count(self.depth())
    }

    pub(super) fn places_ports(&self) -> Places {
        Places {
            turn: port(Type::index(self.banks)),
            transposed: port(Type::BIT),
            address: port(self.reach()),
            wrapped_address: port(self.reach()),
        }
    }
}

impl Component for WeightSequence {
    type In = WeightSequenceIn;
    type Out = WeightSequenceOut;

    fn inputs(&self) -> WeightSequenceIn {
        WeightSequenceIn { job: Stream::port(self.store.job_type()), filled: port(Type::BIT), take: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: WeightSequenceIn) -> WeightSequenceOut {
        let banks = self.store.banks;
        let busy = m.reg("busy", Type::BIT);
        let (ends_job, releases) = (m.wire("ends_job", Type::BIT), m.wire("releases", Type::BIT));
        // The next job on the same weights follows in the cycle after the last one's last read.
        i.job.ready.drive(i.filled & (!busy | *ends_job) & !*releases);
        let starts = i.job.fires().named("starts");
        m.when(starts, || busy.next(true)).or_when(*ends_job, || busy.next(false));

        // The job's fields, kept while it runs.
        let mut low = 0;
        let [transposed, repeats, lane_tiles, rows, padding, group, releases_weights] = self.store.job_fields().map(|(_, ty)| {
            low += ty.width();
            i.job.data.bits(low - ty.width()..low).reinterpret(ty)
        });
        let keep = |name: &str, value: Signal| {
            let kept = m.reg(name, value.ty()).without_reset();
            m.when(starts, || kept.next(value));
            *kept
        };
        let words_type = Type::count(self.store.most_rows().saturating_add(WeightStore::GREATEST_COUNT));
        let words = keep("words", rows.to(words_type) + padding.to(words_type));
        let rows = keep("rows", rows.to(words_type));
        let transposed = keep("transposed", transposed);
        let releases_weights = keep("releases_weights", releases_weights);

        let repeat = loop_counter(m, "repeat", keep("repeats", repeats));
        let lane_tile = loop_counter(m, "lane_tile", keep("lane_tiles", lane_tiles));
        let word = loop_counter(m, "word", words);
        let in_group = loop_counter(m, "word_of_group", keep("group", group));
        ends_job.drive(i.take & word.last & lane_tile.last & repeat.last);
        releases.drive(*ends_job & releases_weights);

        // The row of the tile, or its column if transposed; where the tile starts, and where the first one of the lane tile does.
        let turn = m.reg("turn", Type::index(banks));
        let (tile, first_tile) = (m.reg("tile", self.store.reach()), m.reg("first_tile", self.store.reach()));
        let last_turn = turn.equals(banks.saturating_sub(1));
        let (next_output_tile, next_input_tile) = (banks, self.store.row_of_tiles());
        let next_lane_tile = (first_tile + transposed.mux(constant(tile.ty(), next_input_tile), next_output_tile)).named("next_lane_tile");
        m.when(i.take, || {
            turn.next(last_turn.mux(0, turn + 1));
            m.when(last_turn, || tile.next(tile + transposed.mux(constant(tile.ty(), next_output_tile), next_input_tile)));
            in_group.step();
            word.step();
            m.when(word.last, || {
                lane_tile.step();
                in_group.round.next(0);
                turn.next(0);
                tile.next(next_lane_tile);
                first_tile.next(next_lane_tile);
                m.when(lane_tile.last, || {
                    repeat.step();
                    tile.next(0);
                    first_tile.next(0);
                });
            });
        });

        // Row a of a tile is at address a of every bank; of its column b, bank c has the element of row (c − b) mod P, at that address.
        let offset = turn.to(tile.ty());
        let address = transposed.mux(tile - offset, tile + offset).named("address");
        let wrapped_address = transposed.mux(address + banks, address).named("wrapped_address");
        WeightSequenceOut {
            valid: *busy,
            places: Places { turn: *turn, transposed, address, wrapped_address },
            stored: word.round.lt(rows),
            ends: in_group.last,
            releases: *releases,
        }
    }
}

//! A design without any array: queues, an arbiter, state machines, counters and a memory with its address generators.

use systole_hdl::library::{
    ArbiterIn, Deserializer, RoundRobinArbiter, Serializer, WidthIn, counter, fifo, fork, join, pipeline_stage, skid_buffer,
};
use systole_hdl::prelude::*;

use super::array::BenchOut;
use super::sources::{Source, SourceIn, fold_into, key};

/// What travels.
const WORD: Type = Type::UInt(16);

/// Four producers, each with a state machine of its own rhythm, fill queues of different depths; an arbiter merges them; one copy of
/// each word goes through a memory, the other through width adapters; a consumer that often refuses joins both into the checksum.
#[derive(Clone, Debug)]
pub struct ControlBench;

impl Component for ControlBench {
    type In = ();
    type Out = BenchOut;

    fn name(&self) -> Option<String> {
        Some("control_bench".into())
    }

    fn inputs(&self) {}

    fn build(&self, m: Module, (): ()) -> BenchOut {
        let queues = [(3, 5, 2), (8, 12, 7), (17, 30, 20), (32, 50, 100)];
        let up = (0..).zip(queues).map(|(number, (depth, burst, pause))| {
            let producer = Producer { burst, pause };
            let key = constant(Source::key_type(WORD), key(number) | number << 16);
            let words = m.instance(&format!("producer_{number}"), &producer, ProducerIn { key }).words;
            fifo(m, &format!("queue_{number}"), words, depth)
        });
        let up: Vec<Stream> = up.collect();
        let inputs = up.len() as u32;
        let merged = m.instance("arbiter", &RoundRobinArbiter { ty: WORD, inputs }, ArbiterIn { up }).down;
        let staged = pipeline_stage(m, "staged", skid_buffer(m, "skid", merged), |word| word + 1);
        let copies = fork(m, "copy", staged, 2);

        let stored = m.instance("reorder", &Reorder { block: 32 }, ReorderIn { up: copies[0] }).down;
        let lane = Type::Bits(4);
        let cut = m.instance("cut", &Serializer { lane, lanes: 4 }, WidthIn { up: copies[1].map(Signal::as_bits) }).down;
        let whole = m.instance("whole", &Deserializer { lane, lanes: 4 }, WidthIn { up: cut }).down;
        // Twice a block: the memory gives a block only when it holds all of it.
        let both = join(m, "both", stored, fifo(m, "waiting", whole, 64));

        let refusal = m.instance(
            "refusal",
            &Source { data: Type::u(8), gated: false },
            SourceIn { key: constant(Source::key_type(Type::u(8)), key(9)), enable: None },
        );
        both.ready.drive(refusal.data.lt(192));
        BenchOut { checksum: fold_into(m, both.data.reinterpret(Type::u(32)), Some(both.fires())) }
    }
}

states! { enum Rhythm { Idle, Burst, Pause } }

/// Offers `burst` words one after the other, then none for `pause` cycles.
#[derive(Clone, Debug)]
struct Producer {
    burst: u32,
    pause: u32,
}

bundle! { struct ProducerIn { key: Signal } }
bundle! { struct ProducerOut { words: Stream } }

impl Component for Producer {
    type In = ProducerIn;
    type Out = ProducerOut;

    fn inputs(&self) -> ProducerIn {
        ProducerIn { key: port(Source::key_type(WORD)) }
    }

    fn build(&self, m: Module, i: ProducerIn) -> ProducerOut {
        let state = m.state_machine("rhythm", Rhythm::Idle);
        let taken = m.wire("taken", Type::BIT);
        let word = m.instance("source", &Source { data: WORD, gated: true }, SourceIn { key: i.key, enable: Some(*taken) }).data;
        let words = m.stream("words", word, state.is(Rhythm::Burst));
        taken.drive(words.fires());
        let sent = counter(m, "sent", self.burst, words.fires());
        let waited = counter(m, "waited", self.pause, state.is(Rhythm::Pause));
        m.when(state.is(Rhythm::Idle), || state.go(Rhythm::Burst))
            .or_when(words.fires() & sent.last, || state.go(Rhythm::Pause))
            .or_when(state.is(Rhythm::Pause) & waited.last, || state.go(Rhythm::Idle));
        ProducerOut { words }
    }
}

states! { enum Phase { Fill, Fetch, Offer } }

/// Writes a block of words into a memory, then reads it with an odd stride, so that every word comes once in another order.
#[derive(Clone, Debug)]
struct Reorder {
    /// Words of a block, a power of 2.
    block: u32,
}

bundle! { struct ReorderIn { up: Stream } }
bundle! { struct ReorderOut { down: Stream } }

impl Component for Reorder {
    type In = ReorderIn;
    type Out = ReorderOut;

    fn inputs(&self) -> ReorderIn {
        ReorderIn { up: Stream::port(WORD) }
    }

    fn build(&self, m: Module, i: ReorderIn) -> ReorderOut {
        let phase = m.state_machine("phase", Phase::Fill);
        let words = m.memory("words", self.block, WORD);
        i.up.ready.drive(phase.is(Phase::Fill));
        let write = counter(m, "write_address", self.block, i.up.fires());
        words.write(write.value, i.up.data, i.up.fires());

        let read_address = m.reg("read_address", Type::index(self.block));
        let word = words.read_registered(*read_address, phase.is(Phase::Fetch), Collision::Undefined);
        let down = m.stream("down", word, phase.is(Phase::Offer));
        let read = counter(m, "read", self.block, down.fires());
        m.when(down.fires(), || read_address.next(read_address + 11));
        m.when(i.up.fires() & write.last, || phase.go(Phase::Fetch))
            .or_when(phase.is(Phase::Fetch), || phase.go(Phase::Offer))
            .or_when(down.fires() & read.last, || phase.go(Phase::Fill))
            .or_when(down.fires(), || phase.go(Phase::Fetch));
        ReorderOut { down }
    }
}

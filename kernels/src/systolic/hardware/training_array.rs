//! The array with its weights beside it: one copy, read as it is and transposed.
//!
//! ```text
//! w ────────► store ──┐
//! readings ────┘      ├──► sparsifier ──► array ──► c
//! b ──────────────────┘                     ▲
//! plan ──► which, and how many words        a, bias, job
//! ```

use systole_hdl::library::loop_counter;
use systole_hdl::prelude::*;
use systole_hdl::{Design, Diagnostics};

use super::HardwareParameters;
use super::top::{Gemm, GemmIn};
use crate::sparse::hardware::weight_store::{WeightStore, WeightStoreIn};

/// An array whose sparsifier takes weights from a store on the chip, or operands from a stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TrainingArray {
    /// The array, with a streaming sparsifier.
    pub array: HardwareParameters,
    /// The weights; a word of it has an element for each column of the array.
    pub store: WeightStore,
}

bundle! {
    /// The streams into a [`TrainingArray`].
    pub struct TrainingArrayIn {
        /// As of a [`Gemm`].
        job: Stream,
        a: Stream,
        /// Operands that are not in the store, as the sparsifier takes them.
        b: Stream,
        bias: Stream,
        /// Weights for the store.
        w: Stream,
        /// What to read from it.
        readings: Stream,
        /// For each product a beat of [`TrainingArray::plan`].
        plan: Stream,
    }
}
bundle! {
    /// The streams out of a [`TrainingArray`].
    pub struct TrainingArrayOut { c: Stream, refusals: Option<Stream> }
}

impl TrainingArray {
    /// Bits of a number of words in a plan.
    const COUNT_BITS: u32 = 32;

    /// Cycles from the one in which a reading is offered until its first word is, which comes from `b` at once.
    pub const STORE_LATENCY: u64 = WeightStore::LATENCY + 1;

    /// The beat of stream `plan` that sends words of the store, or of `b`, to the array: the choice in bit 0, their number above.
    pub fn plan(stored: bool, words: u64) -> Value {
        Value::from_u64(1, stored.into()).concat(&Value::from_u64(Self::COUNT_BITS, words))
    }

    /// Elaborates the hardware.
    ///
    /// # Errors
    /// Diagnostics, for parameters that do not fit together.
    pub fn design(&self) -> Result<Design, Diagnostics> {
        elaborate(self)
    }

    /// The planned words in order.
    fn planned(&self, m: Module, plan: Stream, stored: Stream, streamed: Stream) -> Stream {
        let from_store = plan.data.bit(0).named("from_store");
        let words = plan.data.bits(1..1 + Self::COUNT_BITS).reinterpret(Type::u(Self::COUNT_BITS));
        let data = from_store.mux(stored.data, streamed.data);
        let weights = m.stream("weights", data, plan.valid & from_store.mux(stored.valid, streamed.valid));
        let word = loop_counter(m, "word", words);
        m.when(weights.fires(), || word.step());
        let ready = plan.valid & *weights.ready;
        stored.ready.drive(ready & from_store);
        streamed.ready.drive(ready & !from_store);
        plan.ready.drive(weights.fires() & word.last);
        weights
    }
}

impl Component for TrainingArray {
    type In = TrainingArrayIn;
    type Out = TrainingArrayOut;

    fn name(&self) -> Option<String> {
        Some("training_array".into())
    }

    fn inputs(&self) -> TrainingArrayIn {
        let GemmIn { job, a, b, bias } = Gemm { hardware: self.array.clone() }.inputs();
        let WeightStoreIn { w, job: readings } = self.store.inputs();
        TrainingArrayIn { job, a, b, bias, w, readings, plan: Stream::port(Type::Bits(1 + Self::COUNT_BITS)) }
    }

    fn build(&self, m: Module, i: TrainingArrayIn) -> TrainingArrayOut {
        let store = m.instance("store", &self.store, WeightStoreIn { w: i.w, job: i.readings });
        let b = self.planned(m, i.plan, store.b, i.b);
        let array = m.instance("array", &Gemm { hardware: self.array.clone() }, GemmIn { job: i.job, a: i.a, b, bias: i.bias });
        TrainingArrayOut { c: array.c, refusals: array.refusals }
    }
}

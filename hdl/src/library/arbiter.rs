//! Several streams into one, in turn.

use crate::prelude::*;

/// Merges `inputs` streams of one type. Of those that offer a word the next one after the last served is served; a word once
/// offered stays until it is taken.
#[derive(Clone, Debug)]
pub struct RoundRobinArbiter {
    /// Type of a word.
    pub ty: Type,
    /// Number of streams, at least 1.
    pub inputs: u32,
}

bundle! {
    /// The streams into a [`RoundRobinArbiter`].
    pub struct ArbiterIn { up: Vec<Stream> }
}
bundle! {
    /// The merged stream, and the number of the input that its word comes from (valid with the word).
    pub struct ArbiterOut { down: Stream, from: Signal }
}

impl Component for RoundRobinArbiter {
    type In = ArbiterIn;
    type Out = ArbiterOut;

    fn inputs(&self) -> ArbiterIn {
        ArbiterIn { up: (0..self.inputs).map(|_| Stream::port(self.ty)).collect() }
    }

    fn build(&self, m: Module, i: ArbiterIn) -> ArbiterOut {
        m.require(self.inputs >= 1, "an arbiter of no streams", "`inputs` is at least 1");
        let number = Type::index(self.inputs);
        // The input that is served first if it offers a word: the one after the last served, or the one stalled.
        let first = m.reg("first", number);
        let offers: Vec<Signal> = i.up.iter().map(|up| up.valid).collect();

        // Of all inputs, the nearest at or after `first`, going round.
        let choice_from = |start: u32| {
            let order = (0..self.inputs).map(|step| (start + step) % self.inputs).rev();
            order.fold(constant(number, start), |later, input| offers[input as usize].mux(constant(number, input), later))
        };
        let choices: Vec<Signal> = (0..self.inputs).map(choice_from).collect();
        let from = first.select(&choices).named("from_input");

        let data: Vec<Signal> = i.up.iter().map(|up| up.data).collect();
        let any = pack(&offers).any();
        let down = m.stream("down", from.select(&data), any);
        for (input, up) in i.up.iter().enumerate() {
            up.ready.drive(from.equals(input) & *down.ready);
        }
        m.when(down.fires(), || first.next(from.equals(self.inputs.saturating_sub(1)).mux(0, from + 1))).or_when(any, || first.next(from));
        ArbiterOut { down, from }
    }
}

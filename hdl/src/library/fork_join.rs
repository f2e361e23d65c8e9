//! One stream into several, two streams into one.

use crate::prelude::*;

/// Copies a stream: each word leaves once on every copy, on each as soon as it is taken there. The source moves on when all
/// copies have been taken. A copy's `valid` does not wait for another's `ready`. At least one copy.
#[track_caller]
pub fn fork(m: Module, name: &str, up: Stream, copies: usize) -> Vec<Stream> {
    m.require(copies > 0, "a fork into no copies", "give at least one; a stream that nobody wants is taken with `ready.drive(true)`");
    let mut all_taken: Option<Signal> = None;
    let moves_on = m.wire(&format!("{name}_moves_on"), Type::BIT);
    let streams = (0..copies)
        .map(|copy| {
            // Set while this copy has been taken and others have not.
            let taken = m.reg(&format!("{name}_taken_{copy}"), Type::BIT);
            let down = m.stream(&format!("{name}_{copy}"), up.data, up.valid & !taken);
            let done = taken | *down.ready;
            taken.next(up.valid & done & !*moves_on);
            all_taken = Some(all_taken.map_or(done, |all| all & done));
            down
        })
        .collect();
    moves_on.drive(all_taken.unwrap_or_else(|| constant(Type::BIT, true)));
    up.ready.drive(*moves_on);
    streams
}

/// Pairs the words of two streams: `{a, b}` as bits, `a` at the most significant end, when both are there.
#[track_caller]
pub fn join(m: Module, name: &str, a: Stream, b: Stream) -> Stream {
    let both = m.stream(name, concat(&[a.data, b.data]), a.valid & b.valid);
    a.ready.drive(b.valid & *both.ready);
    b.ready.drive(a.valid & *both.ready);
    both
}

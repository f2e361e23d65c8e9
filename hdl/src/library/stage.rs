//! Registers in streams: they cut combinational paths and lose nothing under any stall.

use crate::prelude::*;

/// A register slice around a combinational function: one word per cycle, one cycle of latency. `ready` passes through
/// combinationally; [`SkidBuffer`] cuts it too.
#[track_caller]
pub fn pipeline_stage(m: Module, name: &str, up: Stream, f: impl FnOnce(Signal) -> Signal) -> Stream {
    let result = f(up.data);
    let full = m.reg(&format!("{name}_full"), Type::BIT);
    let data = m.reg(&format!("{name}_data"), result.ty()).without_reset();
    let down = m.stream(name, *data, *full);
    up.ready.drive(!full | *down.ready);
    m.when(up.fires(), || {
        data.next(result);
        full.next(true);
    })
    .or_when(*down.ready, || full.next(false));
    down
}

/// A two-word buffer whose `valid`, `data` and `ready` all come straight from registers: one word per cycle, one cycle of
/// latency, no combinational path from one side to the other.
#[derive(Clone, Debug)]
pub struct SkidBuffer {
    /// Type of a word.
    pub ty: Type,
}

bundle! {
    /// The stream into a [`SkidBuffer`].
    pub struct SkidIn { up: Stream }
}
bundle! {
    /// The stream out of a [`SkidBuffer`].
    pub struct SkidOut { down: Stream }
}

impl Component for SkidBuffer {
    type In = SkidIn;
    type Out = SkidOut;

    fn inputs(&self) -> SkidIn {
        SkidIn { up: Stream::port(self.ty) }
    }

    fn build(&self, m: Module, i: SkidIn) -> SkidOut {
        let full = m.reg("full", Type::BIT);
        let data = m.reg("data", self.ty).without_reset();
        // A word that arrived in the cycle in which the way out became blocked.
        let spare_full = m.reg("spare_full", Type::BIT);
        let spare = m.reg("spare", self.ty).without_reset();
        let down = m.stream("down", *data, *full);

        i.up.ready.drive(!spare_full);
        let open = (!full | *down.ready).named("open");
        m.when(open, || {
            full.next(*spare_full | i.up.valid);
            data.next(spare_full.mux(*spare, i.up.data));
            spare_full.next(false);
        })
        .or_when(i.up.fires(), || {
            spare_full.next(true);
            spare.next(i.up.data);
        });
        SkidOut { down }
    }
}

/// A [`SkidBuffer`] in a stream.
#[track_caller]
pub fn skid_buffer(m: Module, name: &str, up: Stream) -> Stream {
    let ty = up.data.ty();
    m.instance(name, &SkidBuffer { ty }, SkidIn { up }).down
}

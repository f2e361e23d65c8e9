//! Inputs of children that nothing in the circuit drives, and interfaces of the block itself that are joined.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;
use rust_hdl_widgets::sdram::{SDRAMDevice, SDRAMDriver};

use crate::{only_refusal, refusals};

#[derive(LogicBlock)]
struct Fixture {
    pub clock: Signal<In, Clock>,
    masters: [SPIMaster<8>; 5],
}

impl Default for Fixture {
    fn default() -> Self {
        let config = SPIConfig { clock_speed: 1_000_000, cs_off: true, mosi_off: false, speed_hz: 50_000, cpha: true, cpol: false };
        Fixture { clock: Default::default(), masters: std::array::from_fn(|_| SPIMaster::new(config)) }
    }
}

impl Logic for Fixture {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..5 {
            self.masters[i].clock.next = self.clock.val();
        }
    }
}

#[test]
fn inputs_that_nothing_drives_are_refused_at_once() {
    let text = only_refusal(&Fixture::default());
    assert!(text.starts_with("top: signals `masters[0].") && text.contains(" and 5 more: nothing in the circuit drives them; "), "{text}");
    assert!(text.ends_with("; assign them in `update`, or, if a testbench drives them, import with `undriven: Undriven::Ports`"), "{text}");
}

#[derive(LogicBlock, Default)]
struct Joined {
    pub clock: Signal<In, Clock>,
    pub left: SDRAMDriver<8>,
    pub right: SDRAMDevice<8>,
    buffer: SDRAMOnChipBuffer<8>,
}

impl Logic for Joined {
    #[hdl_gen]
    fn update(&mut self) {
        SDRAMDriver::<8>::join(&mut self.left, &mut self.buffer.buf_in);
        SDRAMDriver::<8>::join(&mut self.buffer.buf_out, &mut self.right);
    }
}

#[test]
fn an_interface_of_the_block_itself_is_told_to_be_linked() {
    let found = refusals(&Joined::default());
    let text = |own, other| {
        format!(
            "top: join of `{own}` and `{other}`: `join` connects the interfaces of two children, and `{own}` is the block's own, whose \
             inputs come from outside; give the block's interface the type of the child's, and write `link`, the block's first"
        )
    };
    assert_eq!(found, [text("left", "buffer.buf_in"), text("right", "buffer.buf_out")]);
}

//! The widgets that come with rust-hdl.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

use crate::compare;

#[test]
fn lfsr() {
    compare!(LFSRSimple = LFSRSimple::default(), clocks[clock], inputs[strobe], 2000);
}

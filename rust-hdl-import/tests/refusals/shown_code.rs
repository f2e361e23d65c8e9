//! Messages show code as it was written.

use rust_hdl_core::prelude::*;

use crate::only_refusal;

#[derive(LogicBlock, Default)]
struct Echo {
    pub data: Signal<In, Bits<4>>,
    pub echo: Signal<Out, Bits<4>>,
}

impl Logic for Echo {
    #[hdl_gen]
    fn update(&mut self) {
        self.echo.next = self.data.val();
    }
}

#[derive(LogicBlock, Default)]
struct Place {
    pub place: Signal<In, Bits<32>>,
    pub result: Signal<Out, Bits<4>>,
    words: [Echo; 4],
}

impl Logic for Place {
    #[hdl_gen]
    fn update(&mut self) {
        for i in 0..4 {
            self.words[i].data.next = 1.into();
        }
        self.result.next = self.words[self.place.val().get_bits::<30>(2).to_u32() as usize % 4].echo.val();
    }
}

#[test]
fn an_index_is_shown_as_it_was_written() {
    let text = only_refusal(&Place::default());
    assert!(text.contains("the index `place.val().get_bits::<30>(2).to_u32() as usize % 4` is not a sum"), "{text}");
}

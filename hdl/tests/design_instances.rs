//! Finished designs inside of components.

use systole_hdl::prelude::*;

/// Delays a number by one cycle of the default clock, and a bit by one cycle of the clock `link`.
#[derive(Debug)]
struct Delays {
    width: u32,
}
bundle! { struct DelaysIn { data: Signal, bit: Signal } }
bundle! { struct DelaysOut { delayed: Signal, linked: Signal } }

impl Component for Delays {
    type In = DelaysIn;
    type Out = DelaysOut;

    fn inputs(&self) -> DelaysIn {
        DelaysIn { data: port(Type::u(self.width)), bit: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: DelaysIn) -> DelaysOut {
        DelaysOut { delayed: m.delay("data_q", i.data), linked: m.in_domain("link").delay("bit_q", i.bit) }
    }
}

/// The same delays, as instances of components or of the components' designs.
#[derive(Debug)]
struct Both {
    as_designs: bool,
}
bundle! { struct BothIn { narrow: Signal, wide: Signal, bit: Signal } }
bundle! { struct BothOut { narrow_q: Signal, wide_q: Signal, narrow_q2: Signal, bit_q: Signal } }

impl Both {
    fn delays(&self, m: Module, name: &str, width: u32, data: Signal, bit: Signal) -> DelaysOut {
        if !self.as_designs {
            return m.instance(name, &Delays { width }, DelaysIn { data, bit });
        }
        let design = elaborate(&Delays { width }).unwrap();
        let outputs = m.instance_of_design(name, &design, &[("bit", bit), ("data", data)]);
        assert_eq!(outputs.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["delayed", "linked"]);
        DelaysOut { delayed: outputs.get("delayed"), linked: outputs.get("linked") }
    }
}

impl Component for Both {
    type In = BothIn;
    type Out = BothOut;

    fn inputs(&self) -> BothIn {
        BothIn { narrow: port(Type::u(8)), wide: port(Type::u(16)), bit: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: BothIn) -> BothOut {
        let narrow = self.delays(m, "narrow_delays", 8, i.narrow, i.bit);
        let wide = self.delays(m, "wide_delays", 16, i.wide, narrow.linked);
        let again = self.delays(m, "again", 8, narrow.delayed, wide.linked);
        BothOut { narrow_q: narrow.delayed, wide_q: wide.delayed, narrow_q2: again.delayed, bit_q: again.linked }
    }
}

/// The text form without what differs between the two ways: the lines of the source and the parameters.
fn structure(design: &Design) -> Design {
    let mut design = design.clone();
    design.files.clear();
    for module in &mut design.modules {
        module.parameters.clear();
        module.info.iter_mut().for_each(|info| info.location = None);
        module.instances.iter_mut().for_each(|instance| instance.location = None);
    }
    design
}

#[test]
fn an_instance_of_a_design_is_an_instance_of_the_component_it_was_made_from() {
    let [components, designs] = [false, true].map(|as_designs| elaborate(&Both { as_designs }).unwrap());
    assert_eq!(structure(&designs), structure(&components));
    assert_eq!(designs.instance_counts(), [2, 1, 1]);
    designs.validate().unwrap();
}

#[test]
fn places_of_a_design_s_signals_stay_what_they_were() {
    let place = |design: &Design| {
        let module = design.module(design.find_module("delays").unwrap());
        let location = module.info.iter().find(|info| info.name.as_deref() == Some("data_q")).unwrap().location.unwrap();
        (design.files[location.file as usize].clone(), location.line, location.column)
    };
    let mut alone = elaborate(&Delays { width: 8 }).unwrap();
    // A design that knows another file first has other numbers for its files.
    alone.files.insert(0, "elsewhere.rs".to_string());
    for module in &mut alone.modules {
        module.info.iter_mut().filter_map(|info| info.location.as_mut()).for_each(|location| location.file += 1);
    }

    #[derive(Debug)]
    struct Holder(Design);
    impl Component for Holder {
        type In = DelaysIn;
        type Out = DelaysOut;

        fn inputs(&self) -> DelaysIn {
            DelaysIn { data: port(Type::u(8)), bit: port(Type::BIT) }
        }

        fn build(&self, m: Module, i: DelaysIn) -> DelaysOut {
            let held = m.instance_of_design("held", &self.0, &[("data", i.data), ("bit", i.bit)]);
            DelaysOut { delayed: held.get("delayed"), linked: held.get("linked") }
        }
    }

    let expected = place(&alone);
    assert!(expected.0.ends_with("design_instances.rs"));
    assert_eq!(place(&elaborate(&Holder(alone)).unwrap()), expected);
}

//! Finished designs inside of components.

use insta::assert_snapshot;
use systole_hdl::prelude::*;
use systole_hdl::{Cell, ModuleDef};

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

bundle! { struct NumberIn { data: Signal } }
bundle! { struct NumberOut { result: Signal } }

/// Designs one after the other, each fed with what the one before gives.
struct Chain(Vec<Design>);

impl std::fmt::Debug for Chain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Chain")
    }
}

impl Component for Chain {
    type In = NumberIn;
    type Out = NumberOut;

    fn inputs(&self) -> NumberIn {
        NumberIn { data: port(Type::u(8)) }
    }

    fn build(&self, m: Module, i: NumberIn) -> NumberOut {
        let link = |data, (index, design)| m.instance_of_design(&format!("link_{index}"), design, &[("data", data)]).get("result");
        NumberOut { result: self.0.iter().enumerate().fold(i.data, link) }
    }
}

/// A module `outer` around a module `inner`, which adds a constant.
fn adder_of(constant: u8) -> String {
    format!(
        r#"systole netlist 1
file 0 "adder_{constant}.rs"

module "inner" {{
  domain ""
  input "data" = %0
  output "result" = %2
  %0 "data" : u8 = input 0
  %1 : u8 = const {constant:#x} @0:1:1
  %2 : u8 = add %0 %1
}}

module "outer" {{
  domain ""
  input "data" = %0
  output "result" = %1
  instance "adder" of "inner" inputs %0
  %0 "data" : u8 = input 0
  %1 : u8 = output_of "adder" "result"
}}
"#
    )
}

/// The elaborated chain of these designs, and for each module its name, how often it occurs, and the modules of its instances.
fn chained(designs: &[&str]) -> (Design, Vec<(String, u64, Vec<String>)>) {
    let design = elaborate(&Chain(designs.iter().map(|text| Design::parse(text).unwrap()).collect())).unwrap();
    design.validate().unwrap();
    let parts = |module: &ModuleDef| module.instances.iter().map(|part| design.module(part.module).name.clone()).collect();
    let modules = design.modules.iter().zip(design.instance_counts()).map(|(module, count)| (module.name.clone(), count, parts(module)));
    let modules = modules.collect();
    (design, modules)
}

#[test]
fn designs_with_modules_of_one_name_keep_their_own() {
    let (_, modules) = chained(&[&adder_of(1), &adder_of(2), &adder_of(1), &adder_of(2), &adder_of(2)]);
    let [inner, outer, inner_2, outer_2, top] = modules.try_into().unwrap();
    assert_eq!(inner, ("inner".to_string(), 2, vec![]));
    assert_eq!(outer, ("outer".to_string(), 2, vec!["inner".to_string()]));
    assert_eq!(inner_2, ("inner_2".to_string(), 3, vec![]));
    assert_eq!(outer_2, ("outer_2".to_string(), 3, vec!["inner_2".to_string()]));
    assert_eq!(top, ("chain".to_string(), 1, ["outer", "outer_2", "outer", "outer_2", "outer_2"].map(String::from).to_vec()));
}

#[test]
fn different_designs_share_the_modules_that_are_equal() {
    let (_, modules) = chained(&[&adder_of(1), &adder_of(1).replace("\"adder\"", "\"increment\"")]);
    let [inner, outer, outer_2, _] = modules.try_into().unwrap();
    assert_eq!(inner, ("inner".to_string(), 2, vec![]));
    assert_eq!(outer, ("outer".to_string(), 1, vec!["inner".to_string()]));
    assert_eq!(outer_2, ("outer_2".to_string(), 1, vec!["inner".to_string()]));
}

#[test]
fn designs_from_different_files_are_different() {
    let (design, modules) = chained(&[&adder_of(1), &adder_of(1).replace("adder_1.rs", "elsewhere.rs")]);
    assert_eq!(modules.iter().map(|(name, ..)| name.as_str()).collect::<Vec<_>>(), ["inner", "outer", "inner_2", "outer_2", "chain"]);
    let file = |module: &ModuleDef| design.files[module.info[1].location.unwrap().file as usize].as_str();
    assert_eq!([0, 2].map(|module| file(&design.modules[module])), ["adder_1.rs", "elsewhere.rs"]);
}

#[test]
fn a_design_that_has_changed_since_its_last_instance_is_another() {
    #[derive(Debug)]
    struct Changing;
    impl Component for Changing {
        type In = NumberIn;
        type Out = NumberOut;

        fn inputs(&self) -> NumberIn {
            NumberIn { data: port(Type::u(8)) }
        }

        fn build(&self, m: Module, i: NumberIn) -> NumberOut {
            let mut design = Design::parse(&adder_of(1)).unwrap();
            let before = m.instance_of_design("before", &design, &[("data", i.data)]).get("result");
            // At the same address.
            design.modules[0].cells[1] = Cell::Const(Value::from_u64(8, 3));
            NumberOut { result: m.instance_of_design("after", &design, &[("data", before)]).get("result") }
        }
    }

    let design = elaborate(&Changing).unwrap();
    let constants = ["inner", "inner_2"].map(|name| design.module(design.find_module(name).unwrap()).cells[1].clone());
    assert_eq!(constants, [1, 3].map(|number| Cell::Const(Value::from_u64(8, number))));
    assert_eq!(design.instance_counts(), [1; 5]);
}

/// A bit through a register of each of two clocks, neither of which is the default one.
const CROSSING: &str = r#"systole netlist 1

module "crossing" {
  domain "near"
  domain "far"
  input "bit" = %0
  output "crossed" = %2
  %0 "bit" : bit = input 0
  %1 : bit = register %0 initial 0x0 in "near"
  %2 : bit = register %1 initial 0x0 in "far"
}
"#;

/// A crossing, behind a register of the clock `first` if there is one.
#[derive(Debug)]
struct Crosses {
    first: Option<&'static str>,
}
bundle! { struct BitIn { bit: Signal } }
bundle! { struct BitOut { crossed: Signal } }

impl Component for Crosses {
    type In = BitIn;
    type Out = BitOut;

    fn inputs(&self) -> BitIn {
        BitIn { bit: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: BitIn) -> BitOut {
        let bit = self.first.map_or(i.bit, |domain| m.in_domain(domain).delay("first", i.bit));
        let crossing = m.instance_of_design("crossing", &Design::parse(CROSSING).unwrap(), &[("bit", bit)]);
        BitOut { crossed: crossing.get("crossed") }
    }
}

/// The text form of the top module that holds a crossing.
fn holder_of_crossing(first: Option<&'static str>) -> String {
    let design = elaborate(&Crosses { first }).unwrap().without_locations();
    design.validate().unwrap();
    design.to_text().split_once("\n\n").unwrap().1.split_once("\n\n").unwrap().1.to_string()
}

#[test]
fn a_parent_gets_the_named_domains_of_a_design() {
    assert_snapshot!(holder_of_crossing(None), @r#"
    module "crosses" {
      parameters "first: None"
      domain ""
      domain "near"
      domain "far"
      input "bit" = %0
      output "crossed" = %1
      instance "crossing" of "crossing" inputs %0 domains "near" "far"
      %0 "bit" : bit = input 0
      %1 "crossing_crossed" : bit = output_of "crossing" "crossed"
    }
    "#);
}

#[test]
fn a_parent_s_domain_of_the_same_name_is_the_design_s() {
    assert_snapshot!(holder_of_crossing(Some("far")), @r#"
    module "crosses" {
      parameters "first: Some(\"far\")"
      domain ""
      domain "far"
      domain "near"
      input "bit" = %0
      output "crossed" = %2
      instance "crossing" of "crossing" inputs %1 domains "near" "far"
      %0 "bit" : bit = input 0
      %1 "first" : bit = register %0 initial 0x0 reset in "far"
      %2 "crossing_crossed" : bit = output_of "crossing" "crossed"
    }
    "#);
}

/// A bit in, a bit out, and what the function makes of it.
#[derive(Debug)]
struct Through(fn(Module, Signal) -> Signal);

impl Component for Through {
    type In = BitIn;
    type Out = BitOut;

    fn inputs(&self) -> BitIn {
        BitIn { bit: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: BitIn) -> BitOut {
        BitOut { crossed: (self.0)(m, i.bit) }
    }
}

#[test]
fn the_only_domain_of_a_design_is_the_handle_s() {
    let design = elaborate(&Through(|m, bit| {
        let text = CROSSING.replace("  domain \"far\"\n", "").replace("in \"far\"", "in \"near\"");
        let design = Design::parse(&text).unwrap();
        let first = m.instance_of_design("first", &design, &[("bit", bit)]).get("crossed");
        m.in_domain("link").instance_of_design("second", &design, &[("bit", first)]).get("crossed")
    }));
    let design = design.unwrap();
    let top = design.top_module();
    assert_eq!(top.domains.iter().map(|domain| domain.name.as_str()).collect::<Vec<_>>(), ["", "link"]);
    assert_eq!(top.instances.iter().map(|instance| instance.domains[0].index()).collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn names_that_are_words_of_verilog_stay() {
    let design = elaborate(&Through(|m, bit| {
        let text = CROSSING.replace("\"bit\"", "\"wire\"").replace("\"crossed\"", "\"reg\"").replace("\"crossing\"", "\"module\"");
        m.instance_of_design("endmodule", &Design::parse(&text).unwrap(), &[("wire", bit)]).get("reg")
    }));
    let design = design.unwrap();
    assert_eq!(design.modules[0].name, "module");
    assert_eq!(design.modules[1].instances[0].name, "endmodule");
    assert!(design.modules[1].find_signal("endmodule_reg").is_some());
    assert_eq!(Design::parse(&design.to_text()).as_ref(), Ok(&design));
}

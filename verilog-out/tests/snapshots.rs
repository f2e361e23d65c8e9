//! The text of a few modules, as a reader sees it.

use systole_hdl::library::Fifo;
use systole_hdl::prelude::*;
use systole_verilog::{Options, write};

fn text<C: Component>(component: &C) -> String {
    let design = elaborate(component).unwrap().without_locations();
    write(&design, &Options::default()).unwrap().text()
}

#[derive(Debug)]
struct MacPe {
    data: Type,
    acc: Type,
}

bundle! { struct PeIn { west: Signal, north: Signal, clear: Signal } }
bundle! { struct PeOut { east: Signal, south: Signal, sum: Signal } }

impl Component for MacPe {
    type In = PeIn;
    type Out = PeOut;

    fn inputs(&self) -> PeIn {
        PeIn { west: port(self.data), north: port(self.data), clear: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: PeIn) -> PeOut {
        let acc = m.reg("acc", self.acc);
        let product = (i.west * i.north).to(self.acc).named("product");
        acc.next(i.clear.mux(product, acc + product));
        PeOut { east: m.delay("west_q", i.west), south: m.delay("north_q", i.north), sum: *acc }
    }
}

#[derive(Debug)]
struct Row {
    columns: usize,
}

bundle! { struct RowIn { west: Signal, north: Vec<Signal>, clear: Signal } }
bundle! { struct RowOut { sums: Vec<Signal> } }

impl Component for Row {
    type In = RowIn;
    type Out = RowOut;

    fn inputs(&self) -> RowIn {
        RowIn { west: port(Type::s(8)), north: (0..self.columns).map(|_| port(Type::s(8))).collect(), clear: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: RowIn) -> RowOut {
        let pe = MacPe { data: Type::s(8), acc: Type::s(32) };
        let mut west = i.west;
        let sums = i.north.iter().enumerate().map(|(column, &north)| {
            let pe = m.instance(&format!("pe_{column}"), &pe, PeIn { west, north, clear: i.clear });
            west = pe.east;
            pe.sum
        });
        RowOut { sums: sums.collect() }
    }
}

#[test]
fn a_row_of_processing_elements() {
    insta::assert_snapshot!(text(&Row { columns: 2 }));
}

#[test]
fn a_fifo_of_five_words() {
    insta::assert_snapshot!(text(&Fifo { ty: Type::u(8), depth: 5 }));
}

#[test]
fn source_locations_are_shown_on_request() {
    let design = elaborate(&Fifo { ty: Type::u(8), depth: 5 }).unwrap();
    let text = |locations| write(&design, &Options { locations }).unwrap().text();
    assert!(text(true).lines().any(|line| line.contains("reg [2:0] tail; // ") && line.contains(".rs:")), "{}", text(true));
    assert!(!text(false).contains(".rs:"));
}

#[test]
fn a_memory_with_masks_and_a_bypass() {
    let design = Design::parse(
        r#"systole netlist 1

module "scratchpad" {
  parameters "width: 32, depth: 48"
  domain ""
  input "address" = %0
  input "data" = %1
  input "mask" = %2
  input "write" = %3
  input "state" = %6
  output "word" = %4
  output "flags" = %9
  memory "words" : bits32 depth 48
    initial 0xdeadbeef
    write address %0 data %1 enable %3 mask %2
  %0 : u6 = input 0
  %1 : bits32 = input 1
  %2 : bits4 = input 2
  %3 : bit = input 3
  %4 "word" : bits32 = read_registered "words" address %0 enable %5 write_first
  %5 : bit = not %3
  %6 : u2 = input 4
  %7 : bits3 = const 0x1
  %8 : bits3 = concat %3 %5 %3
  %9 : bits3 = select %6 of %7 %8 %10
  %10 : bits3 = register %9 initial 0x0 states "idle" "busy" "done"
}
"#,
    )
    .unwrap();
    insta::assert_snapshot!(write(&design, &Options::default()).unwrap().text());
}

//! Circuits of several blocks: interfaces, arrays, equal blocks.

use rust_hdl_core::prelude::*;
use rust_hdl_widgets::prelude::*;

use crate::compare;

#[derive(LogicInterface, Default)]
#[join = "Consumer"]
struct Producer {
    pub data: Signal<Out, Bits<8>>,
    pub valid: Signal<Out, Bit>,
    pub ready: Signal<In, Bit>,
}

#[derive(LogicInterface, Default)]
#[join = "Producer"]
struct Consumer {
    pub data: Signal<In, Bits<8>>,
    pub valid: Signal<In, Bit>,
    pub ready: Signal<Out, Bit>,
}

#[derive(LogicBlock, Default)]
struct Stage {
    pub clock: Signal<In, Clock>,
    pub upstream: Consumer,
    pub downstream: Producer,
    data: DFF<Bits<8>>,
    full: DFF<Bit>,
}

impl Logic for Stage {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, data, full);
        self.upstream.ready.next = !self.full.q.val() | self.downstream.ready.val();
        if self.upstream.ready.val() {
            self.data.d.next = self.upstream.data.val() + 1;
            self.full.d.next = self.upstream.valid.val();
        }
        self.downstream.data.next = self.data.q.val();
        self.downstream.valid.next = self.full.q.val();
    }
}

#[derive(LogicBlock, Default)]
struct Pipeline {
    pub clock: Signal<In, Clock>,
    pub upstream: Consumer,
    pub downstream: Producer,
    first: Stage,
    middle: Stage,
    last: Stage,
}

impl Logic for Pipeline {
    #[hdl_gen]
    fn update(&mut self) {
        clock!(self, clock, first, middle, last);
        Consumer::link(&mut self.upstream, &mut self.first.upstream);
        Producer::join(&mut self.first.downstream, &mut self.middle.upstream);
        Producer::join(&mut self.middle.downstream, &mut self.last.upstream);
        Producer::link(&mut self.downstream, &mut self.last.downstream);
    }
}

#[test]
fn interfaces_that_are_linked_and_joined() {
    compare!(
        Pipeline = Pipeline::default(),
        clocks [clock],
        inputs [upstream.data, upstream.valid, downstream.ready],
        3000
    );
}

#[test]
fn equal_blocks_become_one_module() {
    let design = systole_rust_hdl::import(&Pipeline::default()).unwrap();
    let names: Vec<&str> = design.modules.iter().map(|module| module.name.as_str()).collect();
    assert_eq!(names, ["first", "top"]);
    assert_eq!(design.top_module().instances.len(), 3);
}

#[derive(LogicBlock)]
struct Cell {
    pub clock: Signal<In, Clock>,
    pub left: Signal<In, Bits<8>>,
    pub right: Signal<Out, Bits<8>>,
    held: DFF<Bits<8>>,
    addend: Constant<Bits<8>>,
}

impl Cell {
    fn new(addend: u64) -> Cell {
        Cell {
            clock: Default::default(),
            left: Default::default(),
            right: Default::default(),
            held: Default::default(),
            addend: Constant::new(addend.into()),
        }
    }
}

impl Logic for Cell {
    #[hdl_gen]
    fn update(&mut self) {
        self.held.clock.next = self.clock.val();
        self.held.d.next = self.left.val() + self.addend.val();
        self.right.next = self.held.q.val();
    }
}

#[derive(LogicBlock)]
pub struct Row {
    pub clock: Signal<In, Clock>,
    pub data: Signal<In, Bits<8>>,
    pub select: Signal<In, Bits<2>>,
    pub picked: Signal<Out, Bits<8>>,
    pub parity: Signal<Out, Bits<8>>,
    cells: [Cell; 4],
    partial: [Signal<Local, Bits<8>>; 5],
}

impl Row {
    pub fn new() -> Row {
        Row {
            clock: Default::default(),
            data: Default::default(),
            select: Default::default(),
            picked: Default::default(),
            parity: Default::default(),
            cells: [Cell::new(1), Cell::new(2), Cell::new(3), Cell::new(1)],
            partial: Default::default(),
        }
    }
}

impl Logic for Row {
    #[hdl_gen]
    fn update(&mut self) {
        self.cells[0].left.next = self.data.val();
        self.partial[0].next = 0.into();
        self.picked.next = 0.into();
        for i in 0..4 {
            self.cells[i].clock.next = self.clock.val();
            self.partial[i + 1].next = self.partial[i].val() ^ self.cells[i].right.val();
            if self.select.val().index() == i {
                self.picked.next = self.cells[i].right.val();
            }
        }
        for i in 1..4 {
            self.cells[i].left.next = self.cells[i - 1].right.val();
        }
        self.parity.next = self.partial[4].val();
    }
}

#[test]
fn loops_over_arrays_of_blocks_and_signals() {
    compare!(Row = Row::new(), clocks [clock], inputs [data, select], 2000);
}

#[derive(LogicBlock, Default)]
struct Domains {
    pub fast_clock: Signal<In, Clock>,
    pub slow_clock: Signal<In, Clock>,
    pub data: Signal<In, Bits<8>>,
    pub fast: Signal<Out, Bits<8>>,
    pub slow: Signal<Out, Bits<8>>,
    first: Cell,
    second: Cell,
    forwarded: Forward,
    third: Cell,
}

/// Passes a clock on.
#[derive(LogicBlock, Default)]
struct Forward {
    pub clock: Signal<In, Clock>,
    pub same_clock: Signal<Out, Clock>,
}

impl Logic for Forward {
    #[hdl_gen]
    fn update(&mut self) {
        self.same_clock.next = self.clock.val();
    }
}

impl Default for Cell {
    fn default() -> Cell {
        Cell::new(5)
    }
}

impl Logic for Domains {
    #[hdl_gen]
    fn update(&mut self) {
        self.first.clock.next = self.fast_clock.val();
        self.second.clock.next = self.slow_clock.val();
        self.forwarded.clock.next = self.slow_clock.val();
        self.third.clock.next = self.forwarded.same_clock.val();
        self.first.left.next = self.data.val();
        self.second.left.next = self.data.val();
        self.third.left.next = self.second.right.val();
        self.fast.next = self.first.right.val();
        self.slow.next = self.third.right.val();
    }
}

#[test]
fn one_definition_serves_two_clock_domains() {
    let design = systole_rust_hdl::import(&Domains::default()).unwrap();
    let names: Vec<&str> = design.modules.iter().map(|module| module.name.as_str()).collect();
    assert_eq!(names, ["first", "forwarded", "top"]);
    let domains: Vec<&str> = design.top_module().domains.iter().map(|domain| domain.name.as_str()).collect();
    assert_eq!(domains, ["fast", "slow"]);
    let domains = design.top_module().instances.iter().map(|instance| instance.domains[0].0);
    assert_eq!(domains.collect::<Vec<_>>(), [0, 1, 1, 1]);
}

#[test]
fn domains_have_their_own_edges() {
    compare!(Domains = Domains::default(), clocks [fast_clock, slow_clock], inputs [data], 2000);
}

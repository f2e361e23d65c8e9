//! What a description becomes: names, sharing, ports, streams and statements in the netlist.

use systole_hdl::design::{ModuleDef, StreamDirection};
use systole_hdl::library::{Deserializer, Fifo, FifoIn, RoundRobinArbiter, Serializer, SkidBuffer, SkidIn};
use systole_hdl::prelude::*;

/// Elaborates and checks the result against every rule of the netlist.
fn valid(component: &impl Component) -> Design {
    let design = elaborate(component).unwrap_or_else(|errors| panic!("{errors}"));
    design.validate().unwrap_or_else(|violations| panic!("{violations:#?}"));
    design
}

/// Name and direction of each stream of a module.
fn streams(module: &ModuleDef) -> Vec<(&str, StreamDirection)> {
    module.streams.iter().map(|s| (s.name.as_str(), s.direction)).collect()
}

#[test]
fn every_library_component_gives_a_valid_design() {
    valid(&SkidBuffer { ty: Type::s(8) });
    for n in 1..6 {
        valid(&Fifo { ty: Type::s(8), depth: n });
        valid(&RoundRobinArbiter { ty: Type::s(8), inputs: n });
        valid(&Serializer { lane: Type::s(8), lanes: n });
        valid(&Deserializer { lane: Type::s(8), lanes: n });
    }
}

/// Two buffers in a row, in every way that streams cross a border.
#[derive(Debug)]
struct Chain;
bundle! { struct ChainIn { up: Stream, through: Stream } }
bundle! { struct ChainOut { down: Stream, through_down: Stream } }

impl Component for Chain {
    type In = ChainIn;
    type Out = ChainOut;

    fn inputs(&self) -> ChainIn {
        ChainIn { up: Stream::port(Type::s(8)), through: Stream::port(Type::u(3)) }
    }

    fn build(&self, m: Module, i: ChainIn) -> ChainOut {
        let middle = m.instance("skid", &SkidBuffer { ty: Type::s(8) }, SkidIn { up: i.up }).down;
        let down = m.instance("fifo", &Fifo { ty: Type::s(8), depth: 3 }, FifoIn { up: middle }).down;
        ChainOut { down, through_down: i.through }
    }
}

#[test]
fn streams_cross_borders_in_both_directions() {
    let design = valid(&Chain);
    let top = design.top_module();
    let names = |ports: Vec<&str>| ports.join(" ");
    let inputs = names(top.inputs.iter().map(|p| p.name.as_str()).collect());
    let outputs = names(top.outputs.iter().map(|p| p.name.as_str()).collect());
    assert_eq!(inputs, "up_data up_valid through_data through_valid down_ready through_down_ready");
    assert_eq!(outputs, "up_ready through_ready down_data down_valid through_down_data through_down_valid");
    use StreamDirection::{Input, Output};
    assert_eq!(streams(top), [("up", Input), ("through", Input), ("down", Output), ("through_down", Output)]);
}

#[test]
fn a_stream_made_inside_and_returned_is_counted_once_at_the_border() {
    let design = valid(&SkidBuffer { ty: Type::s(8) });
    assert_eq!(streams(design.top_module()), [("up", StreamDirection::Input), ("down", StreamDirection::Output)]);
}

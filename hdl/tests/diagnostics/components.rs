//! Components, their records of ports and their instances.

use insta::assert_snapshot;
use systole_hdl::library::{Fifo, FifoIn, RoundRobinArbiter, Serializer};

use super::*;

/// Negates every input.
#[derive(Debug)]
struct Negate {
    count: usize,
    ty: Type,
    name: Option<&'static str>,
}
bundle! { struct Many { x: Vec<Signal> } }
bundle! { struct ManyOut { y: Vec<Signal> } }

impl Component for Negate {
    type In = Many;
    type Out = ManyOut;

    fn name(&self) -> Option<String> {
        self.name.map(str::to_string)
    }

    fn inputs(&self) -> Many {
        Many { x: (0..self.count).map(|_| port(self.ty)).collect() }
    }

    fn build(&self, _: Module, i: Many) -> ManyOut {
        ManyOut { y: i.x.into_iter().map(|x| -x).collect() }
    }
}

#[test]
fn inputs_of_an_instance_have_the_types_of_its_ports() {
    assert_snapshot!(report(|m, i| m.instance("negate", &Negate { count: 2, ty: Type::s(8), name: None }, Many { x: vec![i.s8, i.s16] })), @r#"
    error: input `x_1` of `negate` is s8, connected to `s16` (s16)
      --> components.rs: instance("negate", &Negate { count: 2, t
       in top
       = `x_1` is declared here (components.rs: port(self.ty)).collect() })
       = `s16` (s16) was made here (main.rs: port(Type::s(16)),)
       = help: s8 does not hold every value; say what becomes of the others: `.saturate(s8)` keeps to its range, `.wrap(s8)` wraps
    "#);
}

#[test]
fn vectors_have_the_lengths_that_the_instance_declares() {
    assert_snapshot!(report(|m, i| m.instance("negate", &Negate { count: 2, ty: Type::s(8), name: None }, Many { x: vec![i.s8] })), @r#"
    error: `negate` has an input `x_1` that is not given
      --> components.rs: instance("negate", &Negate { count: 2, t
       in top
       = its input `x_1` is declared here (components.rs: port(self.ty)).collect() })
       = help: vectors must have the lengths that the component's `inputs` declares
    "#);
    assert_snapshot!(report(|m, i| m.instance("negate", &Negate { count: 1, ty: Type::s(8), name: None }, Many { x: vec![i.s8, i.s8] })), @r#"
    error: `negate` has no input `x_1`
      --> components.rs: instance("negate", &Negate { count: 1, t
       in top
       = its input `x_0` is declared here (components.rs: port(self.ty)).collect() })
       = help: vectors must have the lengths that the component's `inputs` declares
    "#);
}

#[test]
fn one_stated_name_means_one_body() {
    assert_snapshot!(report(|m, i| {
        m.instance("first", &Negate { count: 1, ty: Type::s(8), name: Some("negate") }, Many { x: vec![i.s8] });
        m.instance("second", &Negate { count: 1, ty: Type::s(16), name: Some("negate") }, Many { x: vec![i.s16] });
    }), @r#"
    error: two different modules are named `negate`
      --> components.rs: instance("second", &Negate { count: 1, t
       in top.second
       = the other one was instantiated here (components.rs: instance("first", &Negate { count: 1, ty)
       = help: let `name` return a name that tells the parameters apart, or none
    "#);
}

/// Instantiates itself.
#[derive(Debug)]
struct Endless;

impl Component for Endless {
    type In = One;
    type Out = Y;

    fn inputs(&self) -> One {
        One { x: port(Type::s(8)) }
    }

    fn build(&self, m: Module, i: One) -> Y {
        m.instance("inner", &Endless, i)
    }
}

#[test]
fn a_component_that_holds_itself_comes_to_an_end() {
    assert_snapshot!(readable(&findings_of(&Endless)), @r#"
    error: components nest deeper than 256
      --> components.rs: instance("inner", &Endless, i)
       in endless.inner.inner.inner.(249 more).inner.inner.inner.inner
       = help: a component whose `build` instantiates itself needs parameters that shrink to an end
    "#);
}

/// Declares its inputs in ways that do not work.
#[derive(Debug)]
struct OddInputs;
bundle! { struct Pair { a: Signal, b: Signal } }

impl Component for OddInputs {
    type In = Pair;
    type Out = ();

    fn inputs(&self) -> Pair {
        let shared = port(Type::s(8));
        port(Type::BIT);
        Pair { a: shared, b: shared }
    }

    fn build(&self, _: Module, _: Pair) {}
}

#[test]
fn each_input_is_a_port_of_its_own() {
    assert_snapshot!(readable(&findings_of(&OddInputs)), @r"
    error: input `b` is not a port of its own
      --> components.rs: port(Type::s(8));
       in odd_inputs
       = help: each field of the inputs is a `port(..)`, `back(..)` or `Stream::port(..)` of its own

    error: a port is declared but is no field of the inputs
      --> components.rs: port(Type::BIT);
       in odd_inputs
       = help: return it in the record of inputs
    ");
}

#[test]
fn a_stream_out_of_an_instance_needs_a_consumer() {
    #[derive(Debug)]
    struct Source;
    bundle! { struct SourceOut { words: Stream } }
    impl Component for Source {
        type In = ();
        type Out = SourceOut;

        fn inputs(&self) {}

        fn build(&self, m: Module, (): ()) -> SourceOut {
            SourceOut { words: m.stream("words", constant(Type::s(8), 1), constant(Type::BIT, 1)) }
        }
    }
    assert_snapshot!(report(|m, _| {
        m.instance("source", &Source, ());
    }), @r#"
    error: `source_words_ready` (bit) is never driven
      --> components.rs: instance("source", &Source, ());
       in top
       = help: whoever consumes the stream answers it: give the stream to a component, or drive this with `.drive(..)`
    "#);
}

#[test]
fn a_stream_into_a_component_must_be_answered() {
    #[derive(Debug)]
    struct Sink;
    bundle! { struct SinkIn { words: Stream } }
    impl Component for Sink {
        type In = SinkIn;
        type Out = One;

        fn inputs(&self) -> SinkIn {
            SinkIn { words: Stream::port(Type::s(8)) }
        }

        fn build(&self, m: Module, i: SinkIn) -> One {
            One { x: m.delay("last", i.words.data) }
        }
    }
    assert_snapshot!(readable(&findings_of(&Sink)), @r"
    error: `words_ready` (bit) is never driven
      --> components.rs: Stream::port(Type::s(8)) }
       in sink
       = help: whoever consumes the stream answers it: give the stream to a component, or drive this with `.drive(..)`
    ");
}

#[test]
fn a_stream_has_one_consumer() {
    #[derive(Debug)]
    struct Twice;
    bundle! { struct TwiceIn { words: Stream } }
    bundle! { struct TwiceOut { a: Stream, b: Stream } }
    impl Component for Twice {
        type In = TwiceIn;
        type Out = TwiceOut;

        fn inputs(&self) -> TwiceIn {
            TwiceIn { words: Stream::port(Type::s(8)) }
        }

        fn build(&self, m: Module, i: TwiceIn) -> TwiceOut {
            let fifo = |name: &str| m.instance(name, &Fifo { ty: Type::s(8), depth: 2 }, FifoIn { up: i.words }).down;
            TwiceOut { a: fifo("fifo_a"), b: fifo("fifo_b") }
        }
    }
    assert_snapshot!(readable(&findings_of(&Twice)), @r"
    error: `words_ready` (bit) is driven twice
      --> components.rs: instance(name, &Fifo { ty: Type::s(8), d
       in twice
       = it was driven here first (components.rs: instance(name, &Fifo { ty: Type::s(8), d)
       = help: a stream has one consumer; `library::fork` copies it for several
    ");
}

#[test]
fn an_output_stream_is_answered_from_outside() {
    #[derive(Debug)]
    struct Eager;
    bundle! { struct EagerOut { words: Stream } }
    impl Component for Eager {
        type In = ();
        type Out = EagerOut;

        fn inputs(&self) {}

        fn build(&self, m: Module, (): ()) -> EagerOut {
            let words = m.stream("words", constant(Type::s(8), 1), constant(Type::BIT, 1));
            words.ready.drive(1);
            EagerOut { words }
        }
    }
    assert_snapshot!(readable(&findings_of(&Eager)), @r#"
    error: `words_ready` of an output stream is driven inside the module
      --> components.rs: stream("words", constant(Type::s(8), 1),
       in eager
       = it is driven here (components.rs: drive(1);)
       = help: whoever consumes the stream drives its `ready`: leave it open here
    "#);
}

#[test]
fn parameters_of_library_parts_are_checked() {
    assert_snapshot!(readable(&findings_of(&Fifo { ty: Type::s(8), depth: 0 })), @r#"
    error: a queue of no words
      --> fifo.rs: require(self.depth >= 1, "a queue of no
       in fifo
       = `fifo` is instantiated here (main.rs: elaborate_with_warnings(component) {)
       = help: `depth` is at least 1
    "#);
    assert_snapshot!(readable(&findings_of(&RoundRobinArbiter { ty: Type::s(8), inputs: 0 })), @r#"
    error: an arbiter of no streams
      --> arbiter.rs: require(self.inputs >= 1, "an arbiter of
       in round_robin_arbiter
       = `round_robin_arbiter` is instantiated here (main.rs: elaborate_with_warnings(component) {)
       = help: `inputs` is at least 1
    "#);
    assert_snapshot!(readable(&findings_of(&Serializer { lane: Type::s(8), lanes: 0 })), @r#"
    error: a word of no lanes
      --> width.rs: require(self.lanes >= 1, "a word of no l
       in serializer
       = `serializer` is instantiated here (main.rs: elaborate_with_warnings(component) {)
       = help: `lanes` is at least 1
    "#);
}

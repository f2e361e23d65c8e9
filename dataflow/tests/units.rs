//! What each unit computes, what is refused, and how a graph is drawn.

use systole_dataflow::dot::{dot, uses};
use systole_dataflow::{
    ChannelId, Depth, Exp2, Expression, Fold, Graph, Problem, Record, Room, RunError, Type, Values, Word, depths::growth, field, index,
    input, next, number, state, sum,
};

/// Of all numbers here.
const TY: Type = Type::q(20, 8);
const COUNTING: [f64; 6] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];

/// What comes of 0, 1, 2, 3, 4, 5.
fn from_counting(build: impl FnOnce(&mut Graph, ChannelId) -> ChannelId) -> Vec<f64> {
    let mut g = Graph::new();
    let source = g.source("in", [TY], COUNTING, 1);
    let result = build(&mut g, source);
    g.sink("out", result);
    g.run().unwrap().outputs.remove(0).values
}

fn refusals(build: impl FnOnce(&mut Graph, ChannelId)) -> Vec<Problem> {
    let mut g = Graph::new();
    let source = g.source("in", [TY], COUNTING, 1);
    build(&mut g, source);
    match g.run() {
        Err(RunError::Graph(problems)) => problems,
        other => panic!("{other:?}"),
    }
}

/// A state of one word that begins as `initial`, becomes `step`, and is given.
fn running(initial: f64, step: Expression) -> Fold {
    Fold::new([Word::new(TY, initial)], [step.wrap(TY)], [next(0)])
}

fn whole(value: f64) -> Expression {
    number(value, TY)
}

#[test]
fn a_map_applies_its_function_to_each_element() {
    let doubled = from_counting(|g, x| g.map("double", x, [input(0) * whole(2.0) - whole(1.0)]));
    assert_eq!(doubled, [-1.0, 1.0, 3.0, 5.0, 7.0, 9.0]);
}

#[test]
fn operations_have_the_values_that_their_documentation_states() {
    let x = || input(0);
    let third = || whole(0.328125);
    let cases: [(Expression, f64); 18] = [
        (x() + whole(2.0), 5.0),
        (whole(2.0) - x(), -1.0),
        (x() * third(), 0.984375),
        (x().max(whole(2.0)), 3.0),
        (x().min(whole(2.0)), 2.0),
        (x().lt(whole(3.0)).mux(whole(1.0), whole(2.0)), 2.0),
        (x().equals(whole(3.0)).mux(whole(1.0), whole(2.0)), 1.0),
        ((x() * third()).round(1), 1.0),
        ((x() * third()).floor(1), 0.5),
        ((whole(2.0) - x()).scale(-1).round(0), 0.0),
        ((x() * whole(-0.5)).round(0), -2.0),
        ((x() * whole(100.0)).saturate(Type::q(4, 16)), 7.0 + 65535.0 / 65536.0),
        (x().wrap(Type::uq(1, 8)), 1.0),
        (x().scale(3), 24.0),
        (whole(-1.0).shift_right(x().saturate(Type::uq(3, 8)).floor(0)), -0.125),
        (x().saturate(Type::uq(3, 8)).floor(0).lookup(vec![5, 6, 7, 8], Type::uq(3, 1)), 4.0),
        (x().saturate(Type::uq(3, 8)).floor(0).select([whole(1.0), whole(2.0)]), 2.0),
        (sum([x(), x(), x()]), 9.0),
    ];
    for (expression, expected) in cases {
        let values = from_counting(|g, channel| g.map("operation", channel, [expression.clone()]));
        assert_eq!(values[3], expected, "{expression:?}");
    }
}

#[test]
fn a_quotient_is_rounded_towards_zero_and_saturates() {
    let quotient = |dividend: f64, divisor: f64, ty: Type| {
        let divided = move |g: &mut Graph, x| g.map("divide", x, [whole(dividend).divide(number(divisor, Type::uq(8, 8)), ty)]);
        from_counting(divided)[0]
    };
    assert_eq!(quotient(7.0, 2.0, Type::q(8, 0)), 3.0);
    assert_eq!(quotient(-7.0, 2.0, Type::q(8, 0)), -3.0);
    assert_eq!(quotient(1.0, 3.0, Type::q(4, 4)), 5.0 / 16.0);
    assert_eq!(quotient(100.0, 0.5, Type::q(8, 0)), 127.0);
    assert_eq!(quotient(-100.0, 0.5, Type::q(8, 0)), -128.0);
    assert_eq!(quotient(-1.0, 0.0, Type::q(8, 0)), -128.0);
    assert_eq!(quotient(0.0, 0.0, Type::q(8, 0)), 127.0);
}

#[test]
fn on_real_numbers_formats_cost_nothing() {
    let mut g = Graph::new();
    let source = g.source("in", [TY], [0.5], 1);
    let power = Exp2 { ty: Type::uq(2, 4), table_bits: 2, degree: 0 };
    let map = g.map("power", source, [input(0).exp2(power), (input(0) * input(0)).round(1)]);
    g.sink("out", map);
    let values = |values| g.run_with(Record { values, transfers: false }).unwrap().outputs.remove(0).values;
    assert_eq!(values(Values::Real), [2.0_f64.sqrt(), 0.25]);
    assert_eq!(values(Values::Exact), [1.4375, 0.0]);
    assert_eq!(values(Values::None), []);
}

#[test]
fn a_zip_joins_one_element_of_each_input() {
    let sums = from_counting(|g, x| {
        let [a, b] = g.fork("fork", x);
        let squares = g.map("square", b, [input(0) * input(0)]);
        g.zip("sum", &[a, squares], [input(0) + input(1)])
    });
    assert_eq!(sums, [0.0, 2.0, 6.0, 12.0, 20.0, 30.0]);
}

#[test]
fn a_reduction_gives_its_state_after_each_period_and_begins_anew() {
    let sums = from_counting(|g, x| g.reduce("sum", &[x], 3, running(100.0, state(0) + input(0))));
    assert_eq!(sums, [103.0, 112.0]);
}

#[test]
fn a_mem_reduce_keeps_a_state_for_each_place_and_begins_anew() {
    let sums = from_counting(|g, x| {
        let twice = g.repeat("twice", x, 2);
        let places = g.scan("places", &[twice], 6, running(-1.0, state(0) + whole(1.0)));
        g.mem_reduce("sums", &[places], 3, 2, running(100.0, state(0) + input(0)))
    });
    // Of 0, 1, 2, 3, 4, 5: the even ones and the odd ones; twice.
    assert_eq!(sums, [106.0, 109.0, 106.0, 109.0]);
}

#[test]
fn a_mem_scan_gives_the_state_of_each_place_in_turn() {
    let sums = from_counting(|g, x| g.mem_scan("sums", &[x], 3, 2, running(0.0, state(0) + input(0))));
    assert_eq!(sums, [0.0, 1.0, 2.0, 4.0, 6.0, 9.0]);
}

#[test]
fn a_scan_gives_its_state_with_each_element_and_begins_anew() {
    let step = (state(0) + input(0)).wrap(TY);
    let sums = from_counting(|g, x| g.scan("sum", &[x], 3, Fold::new([Word::zero(TY)], [step], [next(0), state(0)])));
    assert_eq!(sums, [0.0, 0.0, 1.0, 0.0, 3.0, 1.0, 3.0, 0.0, 7.0, 3.0, 12.0, 7.0]);
}

#[test]
fn the_words_of_a_state_change_at_once() {
    // Fibonacci: each word becomes what the other one was.
    let fold = Fold::new([Word::zero(TY), Word::new(TY, 1.0)], [state(1), (state(0) + state(1)).wrap(TY)], [next(0)]);
    let numbers = from_counting(|g, x| g.scan("fibonacci", &[x], 6, fold));
    assert_eq!(numbers, [1.0, 1.0, 2.0, 3.0, 5.0, 8.0]);
}

#[test]
fn repeat_and_flatmap_give_several_elements_of_one() {
    let both = from_counting(|g, x| {
        let pairs = g.repeat("pairs", x, 2);
        g.flatmap("triples", &[pairs], 3, [input(0) * whole(10.0) + index()])
    });
    let expected: Vec<f64> = (0..36).map(|i| f64::from(i / 6 * 10 + i % 3)).collect();
    assert_eq!(both, expected);
}

#[test]
fn a_vector_in_series_is_repeated_as_a_whole() {
    let again = from_counting(|g, x| g.repeat_vector("again", x, 2, 3));
    assert_eq!(again, [0.0, 1.0, 2.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 3.0, 4.0, 5.0]);
}

#[test]
fn dot_and_matmul_multiply_vectors_and_matrices() {
    let mut g = Graph::new();
    let a = g.source("a", [TY; 2], [1.0, 2.0, 3.0, 4.0], 1);
    let b = g.source("b", [TY; 2], [5.0, 6.0, 7.0, 8.0], 1);
    let products = g.dot("dot", a, b, TY);
    let matrix = g.source("matrix", [TY; 2], [1.0, -1.0, 0.5, 2.0], 1);
    let product = g.matmul("matmul", products, matrix, 2, TY);
    g.sink("out", product);
    // 17 and 53 are the dot products.
    assert_eq!(g.run().unwrap().outputs[0].values, [17.0 + 26.5, -17.0 + 106.0]);
}

#[test]
fn elements_have_fields_and_sources_begin_again() {
    let mut g = Graph::new();
    let pairs = g.source("pairs", [TY, Type::uq(4, 1)], [1.0, 2.5, 3.0, 4.0], 2);
    let products = g.map("product", pairs, [field(0, 0) * field(0, 1)]);
    g.sink("out", products);
    assert_eq!(g.channel(products).fields, [Type::q(25, 9)]);
    assert_eq!(g.run().unwrap().outputs[0].values, [2.5, 12.0, 2.5, 12.0]);
}

#[test]
fn long_periods_pass_through_turns_of_any_length() {
    let mut g = Graph::new();
    let numbers: Vec<f64> = (0..5000).map(|i| f64::from(i % 10)).collect();
    let source = g.source("in", [TY], numbers, 3);
    let [wait, to_sum] = g.fork("fork", source);
    let sum = g.reduce("sum", &[to_sum], 5000, running(0.0, state(0) + input(0)));
    let sums = g.repeat("sums", sum, 5000);
    let above = g.zip("above", &[sums, wait], [input(0) - input(1)]);
    g.set_depth(wait, Depth::Unbounded);
    g.sink("out", above);
    let values = &g.run().unwrap().outputs[0].values;
    assert_eq!((values.len(), values[0], values[14999]), (15000, 22500.0, 22491.0));
}

#[test]
fn traffic_tells_elements_cycles_and_high_water() {
    let mut g = Graph::new();
    let source = g.source("in", [TY], COUNTING, 1);
    let map = g.map("map", source, [input(0)]);
    let sink = g.sink("out", map);
    g.set_interval(sink, 4);
    g.set_depth(map, Depth::Words(3));
    let run = g.run_with(Record { values: Values::None, transfers: true }).unwrap();
    assert_eq!(run.transfers(map).unwrap().left, [1, 5, 9, 13, 17, 21]);
    assert_eq!(run.cycles, 22);
    let traffic = run.traffic(map);
    // Three fit; the sixth element enters when the third leaves.
    assert_eq!((traffic.elements, traffic.entered, traffic.left, traffic.high_water), (6, Some((0, 9)), Some((1, 21)), 3));
    let wire = run.traffic(source);
    assert_eq!((wire.elements, wire.entered, wire.left, wire.high_water), (6, Some((0, 9)), Some((0, 9)), 0));
}

#[test]
fn an_enormous_depth_takes_no_memory() {
    let mut g = Graph::new();
    let source = g.source("in", [TY], COUNTING, 1);
    let map = g.map("map", source, [input(0)]);
    g.sink("out", map);
    g.set_depth(map, Depth::Words(usize::MAX));
    assert_eq!(g.run().unwrap().traffic(map).high_water, 1);
}

#[test]
fn the_same_without_values_takes_the_same_cycles() {
    let mut g = Graph::new();
    let source = g.source("in", [TY], COUNTING, 3);
    let sum = g.reduce("sum", &[source], 2, running(0.0, state(0) + input(0)));
    g.sink("out", sum);
    let (run, timing) = (g.run().unwrap(), g.run_timing().unwrap());
    assert_eq!((run.cycles, &run.traffic), (timing.cycles, &timing.traffic));
    assert_eq!((run.outputs[0].values.len(), timing.outputs[0].values.len()), (9, 0));
}

#[test]
fn sources_of_unequal_length_are_told_from_deadlocks() {
    let mut g = Graph::new();
    let long = g.source("long", [TY], COUNTING, 1);
    let short = g.source("short", [TY], [1.0, 2.0], 2);
    let sum = g.zip("sum", &[long, short], [input(0) + input(1)]);
    g.sink("out", sum);
    let error = g.run().unwrap_err();
    assert_eq!(
        error.to_string(),
        "`sum` waits for an element of `short` for ever: source `short` ended after 4; give it as many as the periods and the other \
         sources ask for"
    );
}

#[test]
fn a_period_that_is_not_full_at_the_end_is_reported() {
    let mut g = Graph::new();
    let source = g.source("in", [TY], COUNTING, 1);
    let sum = g.reduce("sum", &[source], 4, running(0.0, state(0) + input(0)));
    g.sink("out", sum);
    assert!(matches!(g.run(), Err(RunError::Starved { elements: 6, .. })));
}

#[test]
fn mistakes_in_building_are_refused() {
    let named = |name: &str| name.to_string();
    assert_eq!(refusals(|_, _| {}), [Problem::Unused(named("in"))]);
    let twice = refusals(|g, x| {
        g.sink("a", x);
        g.sink("b", x);
    });
    assert_eq!(twice, [Problem::UsedTwice { channel: named("in"), first: named("a"), second: named("b") }]);
    let same_name = refusals(|g, x| {
        g.sink("in", x);
    });
    assert_eq!(same_name, [Problem::SameName(named("in"))]);
    let zeros = refusals(|g, x| {
        let sum = g.reduce("sum", &[x], 0, Fold::stateless([whole(0.0)]));
        g.set_interval(g.producer(sum), 0);
        g.set_latency(g.producer(sum), 0);
        g.set_depth(sum, Depth::Words(0));
        g.sink("out", sum);
    });
    let zero = |what| Problem::Zero { unit: named("sum"), what };
    let expected = [zero("a period"), zero("an initiation interval"), zero("a latency"), Problem::NoDepth(named("sum"))];
    assert_eq!(zeros, expected);
}

#[test]
fn cycles_that_could_not_be_counted_are_refused() {
    let problems = refusals(|g, x| {
        let sink = g.sink("out", x);
        g.set_interval(sink, u64::MAX);
    });
    assert_eq!(problems, [Problem::TooLong { unit: "out".into(), what: "an initiation interval", cycles: u64::MAX }]);
}

#[test]
fn functions_that_cannot_be_are_refused() {
    let refusal = |step: Vec<Expression>, output: Vec<Expression>| {
        let problems = refusals(|g, x| {
            let sum = g.reduce("sum", &[x], 2, Fold::new([Word::zero(TY)], step, output));
            g.sink("out", sum);
        });
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let cases: [(Vec<Expression>, Vec<Expression>, &str); 13] = [
        (
            vec![field(0, 1)],
            vec![next(0)],
            "word 0 of the next state: it reads field 1 of input 0, whose elements have 1; fields count from 0",
        ),
        (vec![field(1, 0)], vec![next(0)], "word 0 of the next state: it reads input 1, but has 1; inputs count from 0"),
        (vec![state(1)], vec![next(0)], "word 0 of the next state: it reads word 1 of its state, which has 1; words count from 0"),
        (vec![state(0)], vec![next(1)], "field 0 of the output: it reads word 1 of the next state, which has 1; words count from 0"),
        (vec![next(0)], vec![next(0)], "word 0 of the next state: it reads word 0 of the next state; only outputs may"),
        (vec![], vec![whole(0.0)], "the function has 1 words of state, but 0 expressions for the next state; give one for each word"),
        (
            vec![state(0) + input(0)],
            vec![next(0)],
            "word 0 of the next state: q20.8 does not hold every q21.8; say how with `round`, `floor`, `saturate`, `wrap` or `fit`",
        ),
        (vec![state(0)], vec![number(200.0, Type::s(8))], "field 0 of the output: 200 is beyond the range of s8"),
        (vec![state(0)], vec![input(0).lt(next(0)) + input(0)], "arithmetic on a condition; choose numbers by it with `mux`"),
        (vec![state(0)], vec![input(0).mux(input(0), input(0))], "a number of type q20.8 as a condition; compare it"),
        (vec![state(0)], vec![input(0).lookup(vec![1], TY)], "an index of type q20.8; it must be an unsigned integer"),
        (vec![state(0)], vec![input(0).divide(input(0), TY)], "division by a signed number of type q20.8; the divisor must be unsigned"),
        (vec![state(0)], vec![input(0) * input(0) * input(0)], "a result of type q60.24, wider than 64 bits; round or saturate before"),
    ];
    for (step, output, expected) in cases {
        let refusal = refusal(step, output);
        let expected = expected.replace("the function has", "unit `sum` has");
        assert!(refusal.ends_with(&expected), "{refusal}\ndoes not end with\n{expected}");
    }
}

#[test]
fn divisions_and_types_beyond_64_bits_are_refused() {
    let refusal = |expression: Expression| match &refusals(|g, x| {
        let map = g.map("map", x, [expression]);
        g.sink("out", map);
    })[..]
    {
        [Problem::Function { what, .. }] => what.clone(),
        other => panic!("{other:?}"),
    };
    let small = || number(0.5, Type::uq(1, 34));
    assert!(refusal(input(0).divide(number(0.5, Type::uq(0, 63)), TY)).contains("of divisor"));
    assert!(refusal(input(0).divide(small(), Type::s(1))).contains("a quotient of 1 to 62 bits"));
    assert!(refusal(input(0).wrap(Type::u(0))).contains("at least one bit"));
    assert!(refusal(input(0).saturate(Type::q(1, 64))).contains("wider than 64 bits"));
    let power = |ty| Exp2 { ty, table_bits: 2, degree: 1 };
    assert!(refusal(input(0).exp2(power(Type::uq(0, u32::MAX)))).contains("of at most 48 bits"));
}

#[test]
fn a_reciprocal_with_many_fraction_bits_is_right() {
    let reciprocal = |divisor: f64| {
        let divided =
            move |g: &mut Graph, x| g.map("divide", x, [number(1.0, Type::u(1)).divide(number(divisor, Type::uq(1, 30)), Type::uq(1, 31))]);
        from_counting(divided)[0]
    };
    assert!((reciprocal(1.5) - 2.0 / 3.0).abs() < 1e-9);
}

#[test]
fn saturation_holds_for_types_without_integer_bits() {
    let saturated = |value: f64, ty| from_counting(move |g, x| g.map("saturate", x, [number(value, Type::s(4)).saturate(ty)]))[0];
    assert_eq!(saturated(-1.0, Type::q(0, 4)), -0.5);
    assert_eq!(saturated(1.0, Type::q(0, 4)), 7.0 / 16.0);
    assert_eq!(saturated(0.0, Type::q(0, 4)), 0.0);
    assert_eq!(saturated(-8.0, Type::q(1, 20)), -1.0);
}

#[test]
fn a_fork_whose_channel_has_the_name_of_a_unit_is_refused() {
    let problems = refusals(|g, x| {
        let [a, b] = g.fork("x", x);
        let map = g.map("x.0", a, [input(0)]);
        g.sink("out", map);
        g.sink("other", b);
    });
    assert_eq!(problems, [Problem::SameName("x.0".into())]);
}

#[test]
fn a_stream_without_an_end_takes_no_memory() {
    let mut g = Graph::new();
    let source = g.source("in", [TY], [0.0], 1 << 40);
    g.sink("out", source);
    assert_eq!(g.run_timing().unwrap().cycles, 1 << 40);
}

#[test]
fn numbers_beyond_the_range_of_a_source_are_refused() {
    let problems = refusals(|g, x| {
        let bytes = g.source("bytes", [Type::s(8)], [1.0, 128.0], 1);
        let both = g.zip("both", &[x, bytes], [input(0), input(1)]);
        g.sink("out", both);
    });
    let beyond = || Problem::Beyond { source_name: "bytes".into(), value: "128".into(), ty: Type::s(8) };
    assert_eq!(problems, [beyond()]);
    let problems = refusals(|g, x| {
        let bytes = g.source_raw("bytes", [Type::s(8)], [1, 128], 1);
        let both = g.zip("both", &[x, bytes], [input(0), input(1)]);
        g.sink("out", both);
    });
    assert_eq!(problems, [beyond()]);
}

#[test]
fn a_zip_of_a_channel_with_itself_is_refused() {
    let problems = refusals(|g, x| {
        let sum = g.zip("sum", &[x, x], [input(0) + input(1)]);
        g.sink("out", sum);
    });
    let name = || "sum".to_string();
    assert_eq!(problems, [Problem::UsedTwice { channel: "in".into(), first: name(), second: name() }]);
}

#[test]
fn a_ragged_source_and_a_unit_without_inputs_are_refused() {
    let problems = refusals(|g, x| {
        let ragged = g.source("ragged", [TY; 2], [1.0, 2.0, 3.0], 1);
        let nothing = g.zip("nothing", &[], [whole(1.0)]);
        for (i, channel) in [x, ragged, nothing].into_iter().enumerate() {
            g.sink(&format!("out{i}"), channel);
        }
    });
    let expected = [Problem::Ragged { source_name: "ragged".into(), numbers: 3, width: 2 }, Problem::NoInputs("nothing".into())];
    assert_eq!(problems, expected);
}

#[test]
fn growth_is_constant_or_exactly_linear_or_neither() {
    let shown = |depths: &[(u64, usize)]| growth(depths).to_string();
    assert_eq!(shown(&[(8, 2), (16, 2), (64, 2)]), "2");
    assert_eq!(shown(&[(8, 10), (16, 18), (64, 66)]), "N + 2");
    assert_eq!(shown(&[(8, 15), (16, 31), (64, 127)]), "2N - 1");
    assert_eq!(shown(&[(8, 4), (16, 8), (64, 32)]), "1/2N");
    assert_eq!(shown(&[(8, 64), (16, 256), (64, 4096)]), "neither constant nor linear");
}

#[test]
fn the_picture_shows_depths_and_high_water_marks() {
    let mut g = Graph::new();
    let source = g.source("in", [TY], COUNTING, 1);
    let [wait, to_sum] = g.fork("fork", source);
    let sum = g.reduce("sum", &[to_sum], 6, running(0.0, state(0) + input(0)));
    let sums = g.repeat("repeat", sum, 6);
    let shares = g.zip("share", &[wait, sums], [input(0).divide(input(1).saturate(Type::uq(8, 8)), TY)]);
    g.sink("out", shares);
    g.set_depth(wait, Depth::Words(6));
    g.set_latency(g.producer(shares), 3);
    let run = g.run().unwrap();
    let expected = "\
digraph dataflow {
  rankdir=LR;
  node [shape=box];
  u0 [label=\"in\\nsource\"];
  u1 [label=\"fork\\nfork\"];
  u2 [label=\"sum\\nreduce\\nn 6\"];
  u3 [label=\"repeat\\nrepeat\\nn 6\"];
  u4 [label=\"share\\nzip\\nlatency 3\"];
  u5 [label=\"out\\nsink\"];
  u0 -> u1 [label=\"wire\"];
  u1 -> u4 [label=\"depth 6\\nheld 6\", style=bold];
  u1 -> u2 [label=\"depth 2\\nheld 1\"];
  u2 -> u3 [label=\"depth 2\\nheld 1\"];
  u3 -> u4 [label=\"depth 2\\nheld 1\"];
  u4 -> u5 [label=\"depth 2\\nheld 1\"];
}
";
    assert_eq!(dot(&g, &uses(&g, &run)), expected);
    assert!(dot(&g, &[]).contains("u1 -> u4 [label=\"depth 6\"];"));
}

#[test]
fn the_picture_counts_the_cycles_in_which_elements_stood_untaken_where_transfers_were_recorded() {
    let mut g = Graph::new();
    let source = g.source("in", [TY], COUNTING, 1);
    let same = g.map("same", source, [input(0)]);
    let sink = g.sink("out", same);
    let stalls = |g: &Graph| {
        let run = g.run_with(Record { values: Values::None, transfers: true }).unwrap();
        uses(g, &run)[1].stalled
    };
    assert_eq!(stalls(&g), Some(0));
    // Each element but the first waits for two of the sink's three cycles.
    g.set_interval(sink, 3);
    let waits = 2 * (COUNTING.len() as u64 - 1);
    assert_eq!(stalls(&g), Some(waits));
    assert!(
        dot(&g, &uses(&g, &g.run_with(Record { values: Values::None, transfers: true }).unwrap())).contains(&format!("stalled {waits}\""))
    );
    assert_eq!(uses(&g, &g.run().unwrap())[1].stalled, None);
}

#[test]
fn elements_that_come_as_slowly_as_they_are_taken_never_stand_untaken() {
    let rooms = [Room::SameCycle, Room::NextCycle];
    for (room, depth, latency) in rooms.into_iter().flat_map(|room| (1..12).map(move |i| (room, 1 + i % 3, 1 + i as u64 / 3))) {
        let mut g = Graph::new();
        let source = g.source("in", [TY], COUNTING, 1);
        let same = g.map("same", source, [input(0)]);
        let sink = g.sink("out", same);
        g.set_room(room);
        g.set_depth(same, Depth::Words(depth));
        g.set_latency(g.producer(same), latency);
        let stalls = |g: &Graph| uses(g, &g.run_with(Record { values: Values::None, transfers: true }).unwrap())[1].stalled.unwrap();
        assert_eq!(stalls(&g), 0, "{room:?}, depth {depth}, latency {latency}");
        g.set_interval(sink, 3);
        assert!(stalls(&g) > 0, "{room:?}, depth {depth}, latency {latency}");
    }
}

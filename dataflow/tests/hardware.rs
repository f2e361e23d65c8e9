//! Hardware does what abstract execution says, in the same cycles.

mod support;

use support::lockstep::assert_same;
use support::random::{LONG, SHORT, random_graph};
use systole_dataflow::{Depth, Exp2, Fold, Graph, Room, Type, Word, dot, field, index, input, next, number, state};
use systole_sim::simulator::EngineKind;

fn numbers(count: usize) -> Vec<f64> {
    (0..count).map(|i| ((i * 37 % 61) as f64 - 30.0) / 4.0).collect()
}

/// Runs the graph on both engines.
#[track_caller]
fn check(graph: &Graph) {
    for engine in [EngineKind::Reference, EngineKind::Compiled] {
        assert_same(graph, engine, "").expect("the graph runs to its end");
    }
}

#[test]
fn shares_of_a_sum_with_a_fork_a_reduction_a_repeat_and_a_division() {
    let (small, wide) = (Type::uq(4, 4), Type::uq(8, 4));
    for latency in [1, 2, 5] {
        let mut g = Graph::new();
        let values: Vec<f64> = (0..24).map(|i| f64::from(i % 7) + 0.5).collect();
        let source = g.source("in", [small], values, 1);
        let [wait, to_sum] = g.fork("fork", source);
        let fold = Fold::new([Word::zero(wide)], [(state(0) + input(0)).wrap(wide)], [next(0)]);
        let sum = g.reduce("sum", &[to_sum], 8, fold);
        let sums = g.repeat("repeat", sum, 8);
        let shares = g.zip("divide", &[wait, sums], [input(0).divide(input(1), Type::uq(1, 8))]);
        g.set_latency(g.producer(shares), latency);
        g.set_depth(wait, Depth::Words(10));
        g.sink("out", shares);
        check(&g);
        g.set_room(Room::NextCycle);
        check(&g);
    }
}

#[test]
fn every_operation_has_the_same_result() {
    let ty = Type::q(5, 4);
    for latency in [1, 3] {
        let mut g = Graph::new();
        let a = g.source("a", [ty], numbers(60), 1);
        let b = g.source("b", [Type::uq(3, 2)], numbers(60).iter().map(|x| x.abs()).collect::<Vec<_>>(), 1);
        let (a_is, b_is) = (input(0), input(1));
        let (x, y) = (|| a_is.clone(), || b_is.clone());
        let outputs = [
            x() + y(),
            x() - y(),
            y() - y().scale(1),
            x() * y(),
            x().max(y()),
            x().min(y()),
            x().lt(y()).mux(x(), y()),
            (x().equals(y()) | !x().lt(y())).mux(number(1.0, ty), number(-1.5, ty)),
            x().round(1),
            (x() * y()).round(3),
            (x() * y()).floor(1),
            (x() * x()).saturate(Type::q(3, 8)),
            (x() * x()).wrap(Type::q(3, 8)),
            x().wrap(Type::uq(3, 6)),
            x().saturate(Type::uq(2, 4)),
            x().fit(Type::s(3)),
            x().scale(-6),
            x().scale(7),
            x().shift_right(y().floor(0)),
            y().floor(0).lookup(vec![3, -1, 7, 100], Type::q(4, 5)),
            y().floor(0).select([x(), y(), x() + x()]),
            x().divide(y(), Type::q(6, 5)),
            y().divide(number(0.75, Type::uq(0, 2)), Type::uq(2, 6)),
            x().exp2(Exp2 { ty: Type::uq(3, 8), table_bits: 2, degree: 0 }),
            x().exp2(Exp2 { ty: Type::uq(1, 10), table_bits: 3, degree: 1 }),
            x().exp2(Exp2 { ty: Type::uq(0, 12), table_bits: 0, degree: 3 }),
        ];
        let all = g.zip("all", &[a, b], outputs);
        g.set_latency(g.producer(all), latency);
        g.sink("out", all);
        check(&g);
    }
}

#[test]
fn every_quotient_of_small_formats_is_right_in_any_number_of_stages() {
    let (signed, unsigned, divisor) = (Type::q(3, 2), Type::uq(2, 3), Type::uq(2, 2));
    let all = |ty: Type| -> Vec<i64> {
        let least = if ty.is_signed() { -(1 << (ty.width() - 1)) } else { 0 };
        (0..1 << ty.width()).map(|i| least + i).collect()
    };
    let pairs: Vec<i64> = all(signed).iter().flat_map(|&a| all(divisor).into_iter().flat_map(move |b| [a, a & 31, b])).collect();
    for latency in [1, 2, 7, 30] {
        let mut g = Graph::new();
        let source = g.source_raw("pairs", [signed, unsigned, divisor], pairs.clone(), 1);
        let quotients = [Type::q(3, 2), Type::q(8, 0), Type::q(1, 6), Type::q(12, 9), Type::q(2, 0)];
        let of_signed = quotients.map(|ty| field(0, 0).divide(field(0, 2), ty));
        let of_unsigned =
            [Type::uq(3, 2), Type::uq(8, 0), Type::uq(0, 6), Type::uq(12, 9), Type::s(4)].map(|ty| field(0, 1).divide(field(0, 2), ty));
        let divided = g.map("divide", source, [of_signed.to_vec(), of_unsigned.to_vec()].concat());
        g.set_latency(g.producer(divided), latency);
        g.sink("out", divided);
        check(&g);
        let (run, width) = (g.run().unwrap(), 10);
        for (pair, quotients) in pairs.chunks(3).zip(run.outputs[0].values.chunks(width)) {
            let (dividend, divisor) = (pair[0] as f64 / 4.0, pair[2] as f64 / 4.0);
            if divisor > 0.0 {
                // To two fraction bits, towards zero, at most 3.75 and at least -4.
                assert_eq!(quotients[0], ((dividend / divisor * 4.0).trunc() / 4.0).clamp(-4.0, 3.75), "{pair:?}");
            } else {
                assert_eq!(quotients[0], if dividend < 0.0 { -4.0 } else { 3.75 }, "{pair:?}");
            }
        }
    }
}

#[test]
fn vectors_that_come_in_series_are_repeated_scanned_and_reduced() {
    let ty = Type::q(6, 2);
    let wide = Type::q(12, 4);
    let mut g = Graph::new();
    let q = g.source("q", [ty], numbers(12), 1);
    let k = g.source("k", [ty], numbers(30), 4);
    let repeated = g.repeat_vector("q-again", q, 10, 3);
    let products = g.zip("product", &[repeated, k], [input(0) * input(1)]);
    let [to_max, to_sum] = g.fork("fork", products);
    let max = g.mem_scan("running", &[to_max], 5, 3, Fold::new([Word::least(Type::q(12, 4))], [state(0).max(input(0))], [next(0)]));
    let sum = g.mem_reduce("sum", &[to_sum], 10, 3, Fold::new([Word::zero(wide)], [(state(0) + input(0)).wrap(wide)], [next(0)]));
    let pairs = g.flatmap("pairs", &[sum], 2, [input(0) + index(), input(0)]);
    g.set_latency(g.producer(sum), 4);
    g.set_interval(g.producer(pairs), 3);
    let maxima = g.sink("maxima", max);
    g.set_interval(maxima, 2);
    g.sink("sums", pairs);
    check(&g);
}

#[test]
fn sources_with_an_interval_offer_in_time() {
    let mut g = Graph::new();
    let a = g.source("a", [Type::s(8)], (0..20).map(f64::from).collect::<Vec<_>>(), 1);
    let b = g.source("b", [Type::s(8)], (0..20).map(f64::from).collect::<Vec<_>>(), 1);
    g.set_interval(g.producer(a), 3);
    g.set_interval(g.producer(b), 2);
    let sum = g.zip("sum", &[a, b], [input(0) + input(1)]);
    g.set_interval(g.producer(sum), 5);
    g.sink("out", sum);
    check(&g);
}

#[test]
fn dot_products_and_matrix_products_are_exact() {
    let ty = Type::q(6, 2);
    let mut g = Graph::new();
    let a = g.source("a", [ty; 3], numbers(24), 1);
    let [a, again] = g.fork("fork", a);
    let b = g.source("b", [ty; 3], numbers(24), 1);
    let [b, matrix] = g.fork("fork-b", b);
    let products = g.dot("dot", a, b, Type::q(10, 3));
    let result = g.matmul("matmul", products, matrix, 4, Type::q(20, 3));
    let norms = g.map("norm", again, [dot((0..3).map(|i| field(0, i)), (0..3).map(|i| field(0, i)))]);
    g.set_depth(matrix, Depth::Words(4));
    g.sink("out", result);
    g.sink("norms", norms);
    check(&g);
}

/// Random graphs as hardware, whose unbounded FIFOs get a depth.
fn same_as_hardware(seeds: std::ops::Range<u64>, scale: &support::random::Scale) -> [usize; 2] {
    let (mut complete, mut deadlocks) = (0, 0);
    for seed in seeds {
        let mut graph = random_graph(seed, scale);
        let unbounded: Vec<_> = graph.fifos().filter(|(_, fifo)| fifo.depth == Depth::Unbounded).map(|(id, _)| id).collect();
        unbounded.into_iter().for_each(|fifo| graph.set_depth(fifo, Depth::Words(7)));
        let engine = if seed % 2 == 0 { EngineKind::Reference } else { EngineKind::Compiled };
        match assert_same(&graph, engine, &format!("seed {seed}")) {
            Some(_) => complete += 1,
            None => deadlocks += 1,
        }
    }
    [complete, deadlocks]
}

#[test]
fn random_graphs_have_the_same_transfers_and_values_as_hardware() {
    let [complete, deadlocks] = same_as_hardware(0..200, &SHORT);
    assert!(complete > 100 && deadlocks > 4, "{complete} complete, {deadlocks} deadlocks");
}

#[test]
fn random_graphs_with_long_periods_have_the_same_transfers_and_values_as_hardware() {
    let [complete, deadlocks] = same_as_hardware(0..12, &LONG);
    assert!(complete > 3, "{complete} complete, {deadlocks} deadlocks");
}

#[test]
fn names_that_become_one_in_hardware_are_refused() {
    let mut g = Graph::new();
    let a = g.source("in", [Type::s(8)], [1.0], 1);
    let b = g.map("a-b", a, [input(0)]);
    let c = g.map("a.b", b, [input(0)]);
    g.sink("out", c);
    let error = g.hardware("graph").unwrap_err();
    assert_eq!(error.to_string(), "`a-b` and `a.b` would both be `a_b` in hardware; give one another name");
}

#[test]
fn what_hardware_is_not_made_for_is_refused() {
    let mut g = Graph::new();
    let a = g.source("in", [Type::s(8)], [1.0], 1);
    let b = g.map("map", a, [input(0)]);
    g.sink("out", b);
    g.set_depth(b, Depth::Unbounded);
    let unbounded = g.hardware("graph").unwrap_err().to_string();
    assert_eq!(unbounded, "channel `map` is unbounded; give it a depth: `least_depths` finds the least at full rate");
    g.set_depth(b, Depth::Words(1));
    g.set_latency(g.producer(b), 100_000);
    assert_eq!(g.hardware("graph").unwrap_err().to_string(), "the latency of `map` is 100000; in hardware the most is 1024");
}

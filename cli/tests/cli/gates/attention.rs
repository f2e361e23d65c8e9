use super::{Layout, SlowGate};

/// A head of three queries and eight keys of four dimensions, in formats that suit every variant.
const HEAD: &str = r#"kernel = "attention"
seed = 3
formats = { query = "q3.5", key = "q3.5", value = "q3.5", score = "q6.6", weight = "uq6.8", sum_fraction = 10, output = "q4.6" }
exp = { table_bits = 3, degree = 1 }
latency = { divide = 5 }

[[heads]]
q = { random = "gaussian", shape = [3, 4] }
k = { random = "gaussian", shape = [8, 4] }
v = { random = "gaussian", shape = [8, 4] }
"#;

const fn layout(settings: &'static [&'static str], slow_gates: &'static [SlowGate]) -> Layout {
    Layout { top: "attention", config: HEAD, settings, slow_gates }
}

const LAYOUTS: [Layout; 11] = [
    layout(&["variant=naive"], &[SlowGate::Synthesis]),
    layout(&["variant=stable"], &[]),
    layout(&["variant=deferred"], &[]),
    layout(&["variant=memory-free"], &[SlowGate::VerilatorTestbench]),
    layout(&["variant=memory-free", "mask=causal"], &[]),
    layout(&["variant=memory-free", "mask={ sinks = 1, window = 3 }", "heads[0].q.shape=[8,4]"], &[SlowGate::Synthesis]),
    layout(&["variant=deferred", "head_dimension=series"], &[]),
    layout(&["variant=stable", "rows_in_parallel=2"], &[]),
    layout(&["rows_in_parallel=2", "heads[0].mask=[true, false, true, true, false, true, true, true]"], &[SlowGate::VerilatorTestbench]),
    layout(
        &["variant=stable", "head_dimension=series", "mask=causal", "heads[0].mask=[false, true, true, true, true, false, true, true]"],
        &[],
    ),
    layout(&["variant=deferred", "division=parallel", "fifos.registered_full=true"], &[]),
];

gates!(LAYOUTS);

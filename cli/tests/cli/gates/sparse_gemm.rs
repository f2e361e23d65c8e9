use super::{Layout, SlowGate};

/// A product whose every edge lies within a tile and a group, on an array as small as the control allows.
const PRODUCT: &str = r#"kernel = "sparse-gemm"
seed = 7

[array]
rows = 4
columns = 3
dataflow = "weight-stationary"
buffer_rows = 32

[sparsity]
group = "2:4"

[[layers]]
a = { random = "gaussian", shape = [6, 43] }
b = { random = "gaussian", shape = [43, 5] }
bias = { random = "gaussian", shape = [5] }
"#;

const fn layout(settings: &'static [&'static str], slow_gates: &'static [SlowGate]) -> Layout {
    Layout { top: "sparse_gemm", config: PRODUCT, settings, slow_gates }
}

const LAYOUTS: [Layout; 16] = [
    layout(&[], &[]),
    layout(&["layers[0].patterns=['dense']"], &[]),
    // Tiles begin at each slot of a group in turn, so rows have two groups to choose from.
    layout(&["sparsity.group=3:8"], &[SlowGate::Synthesis, SlowGate::VerilatorTestbench]),
    layout(&["sparsity.group=5:8", "array.rows=2"], &[]),
    layout(&["sparsity.group=1:32"], &[]),
    // Products of several patterns follow each other on one array.
    layout(&["sparsity.group=1:32", "layers[0].patterns=['1:2', 'dense', '3:4', '2:32']"], &[]),
    layout(&["sparsity.group=4:4"], &[]),
    layout(&["array.dataflow=output-stationary"], &[SlowGate::Synthesis]),
    layout(&["array.dataflow=output-stationary", "sparsity.group=3:4", "array.rows=5", "array.columns=2"], &[]),
    layout(&["array.overlap_load=false"], &[]),
    layout(&["array.dataflow=output-stationary", "array.overlap_load=false", "sparsity.group=3:4"], &[]),
    layout(&["formats.output=accumulator"], &[]),
    // Sparsifiers in front.
    layout(&["sparsity.weights=streaming", "layers[0].patterns=['2:4', 'dense']"], &[SlowGate::Synthesis]),
    layout(&["sparsity.weights=streaming", "array.dataflow=output-stationary"], &[]),
    layout(&["sparsity.weights=parallel"], &[]),
    layout(&["formats={ a = 'q4.4', b = 'q2.4', accumulator = 'q12.8', output = 'q4.4' }", "sparsity.group=2:8"], &[]),
];

gates!(LAYOUTS);

use super::{Layout, SlowGate};

/// A step of which no size is a multiple of the array's, with a store of several tiles.
const STEP: &str = r#"kernel = "sparse-training"
seed = 7
pattern = "2:4"
x = { random = "gaussian", shape = [6, 9] }
w = { random = "gaussian", shape = [9, 7] }
dy = { random = "gaussian", shape = [6, 7] }

[array]
rows = 4
columns = 3
dataflow = "weight-stationary"
buffer_rows = 32
"#;

const fn layout(settings: &'static [&'static str], slow_gates: &'static [SlowGate]) -> Layout {
    Layout { top: "training_array", config: STEP, settings, slow_gates }
}

const LAYOUTS: [Layout; 4] = [
    layout(&[], &[SlowGate::Synthesis, SlowGate::VerilatorTestbench]),
    layout(&["pattern=1:8", "array.overlap_load=false"], &[]),
    layout(&["array.dataflow=output-stationary", "formats.output=s8"], &[]),
    layout(&["stalls.a={ random = { probability = 0.6 } }", "stalls.b={ random = { probability = 0.4 } }"], &[]),
];

gates!(LAYOUTS);

use super::{Layout, SlowGate};

/// A matrix that neither groups nor lanes divide, with stalls at both ends.
const MATRIX: &str = r#"kernel = "sparsify"
seed = 3
lanes = 3
format = "s6"
weights = { random = "full-range", shape = [21, 7] }

[stalls]
weights = { random = { probability = 0.8 } }
pairs = { random = { probability = 0.6 } }
"#;

const fn sparsifier(settings: &'static [&'static str], slow_gates: &'static [SlowGate]) -> Layout {
    Layout { top: "sparsifier", config: MATRIX, settings, slow_gates }
}

const fn selector(settings: &'static [&'static str]) -> Layout {
    Layout { top: "transposable_selector", config: MATRIX, settings, slow_gates: &[SlowGate::Synthesis] }
}

const LAYOUTS: [Layout; 8] = [
    sparsifier(&["pattern=2:4"], &[SlowGate::Synthesis, SlowGate::VerilatorTestbench]),
    sparsifier(&["pattern=4:4", "format=u6"], &[SlowGate::Synthesis]),
    sparsifier(&["pattern=1:8", "lanes=1"], &[SlowGate::Synthesis]),
    sparsifier(&["method=parallel", "pattern=2:4"], &[SlowGate::Synthesis]),
    sparsifier(&["method=parallel", "pattern=1:2", "lanes=1", "format=u6"], &[SlowGate::Synthesis]),
    sparsifier(&["method=parallel", "pattern=8:8", "format=q2.4"], &[]),
    selector(&["method=transposable", "lanes=4"]),
    selector(&["method=transposable", "lanes=4", "format=u2"]),
];

gates!(LAYOUTS);

use super::{Layout, SlowGate};
use crate::support::SMALL;

const fn layout(settings: &'static [&'static str], slow_gates: &'static [SlowGate]) -> Layout {
    Layout { top: "gemm", config: SMALL, settings, slow_gates }
}

const LAYOUTS: [Layout; 4] = [
    layout(&["array.buffer_rows=23"], &[SlowGate::Synthesis, SlowGate::VerilatorTestbench]),
    layout(&["array.dataflow=output-stationary", "array.overlap_load=false"], &[]),
    layout(&["array.dataflow=input-stationary", "formats.output=accumulator"], &[]),
    layout(&["formats={ a = 'q4.4', b = 'q2.4', accumulator = 'q12.8', output = 'q4.4' }"], &[]),
];

gates!(LAYOUTS);

//! A report as tables for the terminal. `report.json` holds the same numbers and more.

use std::fmt::Display;

use comfy_table::{CellAlignment, Table};
use systole_kernels::report::{Cycles, Measured, NamedTable, Numerics, Report, Throughput};

use super::{columns, grouped, untitled, warnings};

/// The whole report: a summary, warnings, then tables of parts, streams, intermediate memory, FIFOs, quantization and outputs where there are any,
/// then those of the kernel's own.
pub fn show(report: &Report) -> String {
    let mut text = format!("{} (seed {})\n{}\n", report.kernel, report.seed, summary(report));
    if !report.outcome.warnings.is_empty() {
        text += &format!("\n{}", warnings::lines(&report.outcome.warnings));
    }
    // The only part is the whole, which the summary has shown.
    if report.outcome.parts.len() > 1 {
        text += &format!("\n{}\n", parts(report));
    }
    for table in [streams(report), memory(report), fifos(report), quantization(report), outputs(report)] {
        if !table.is_empty() {
            text += &format!("\n{table}\n");
        }
    }
    for table in &report.outcome.tables {
        text += &format!("\n{}\n{}\n", table.title(), named(table));
    }
    text
}

fn summary(report: &Report) -> Table {
    let outcome = &report.outcome;
    let mut table = untitled();
    let mut row = |name: &str, value: String| {
        table.add_row([name, &value]);
    };
    if let [part] = outcome.parts.as_slice() {
        row("work", format!("{}: {}", part.name, part.shape));
    }
    row("bit exact", exactness(&outcome.numerics));
    row("cycles", cycles(&outcome.cycles));
    if let Some(formula) = &outcome.cycles.formula {
        row("cycle model", formula.clone());
    }
    row("throughput", throughput(&outcome.throughput));
    row("error against float", error(&outcome.numerics));
    if let Measured::Value(task) = &outcome.numerics.task {
        row(&task.metric, format!("{:.4} ({:.4} in floating point) on {} samples", task.value, task.reference, grouped(task.samples)));
    }
    row("intermediate memory", counted(outcome.memory.intermediate_words(), "words"));
    if !outcome.chosen.is_empty() {
        let chosen: Vec<String> = outcome.chosen.iter().map(ToString::to_string).collect();
        row("chosen from data", chosen.join(", "));
    }
    let design = &report.design;
    row(
        "design",
        format!(
            "{} modules, {} instances, {} multipliers, {} register bits, {} memory bits",
            grouped(design.modules),
            grouped(design.instances),
            grouped(design.multipliers),
            grouped(design.register_bits),
            grouped(design.memory_bits)
        ),
    );
    let simulator = &report.simulator;
    row(
        "simulator",
        format!(
            "{} engine, {} cycles at {} cycles/s; elaborated in {}, ready in {}",
            simulator.engine,
            grouped(simulator.cycles),
            measured(&simulator.cycles_per_second, |rate| grouped(rate.round() as u64)),
            measured(&simulator.elaborate_ms, |ms| format!("{ms:.1} ms")),
            measured(&simulator.compile_ms, |ms| format!("{ms:.1} ms")),
        ),
    );
    table
}

fn parts(report: &Report) -> Table {
    let titles = ["part", "shape", "cycles", "model", "ops/cycle", "utilization", "bit exact", "max error"];
    let mut table = columns(titles);
    for part in &report.outcome.parts {
        table.add_row([
            part.name.clone(),
            part.shape.clone(),
            grouped(part.cycles.total),
            measured(&part.cycles.model, |&model| grouped(model)),
            format!("{:.1}", part.throughput.ops_per_cycle()),
            format!("{:.1} %", 100.0 * part.throughput.utilization()),
            if part.numerics.bit_exact { "yes".into() } else { "NO".to_string() },
            measured(&part.numerics.max_abs_error, short),
        ]);
    }
    numbers_right(table, 2)
}

fn streams(report: &Report) -> Table {
    let mut table = columns(["stream", "transfers", "stalled", "starved"]);
    for stream in &report.outcome.streams {
        table.add_row([stream.path.clone(), grouped(stream.transfers), grouped(stream.stalled), grouped(stream.starved)]);
    }
    numbers_right(table, 1)
}

fn memory(report: &Report) -> Table {
    let mut table = columns(["memory", "kind", "words", "bits a word"]);
    for item in report.outcome.memory.items() {
        table.add_row([item.name.clone(), item.kind.name().into(), grouped(item.words), item.bits_per_word.to_string()]);
    }
    numbers_right(table, 2)
}

fn fifos(report: &Report) -> Table {
    let mut table = columns(["fifo", "high water", "capacity"]);
    for fifo in report.outcome.memory.fifo_high_water() {
        table.add_row([fifo.path.clone(), grouped(fifo.high_water), grouped(fifo.capacity)]);
    }
    numbers_right(table, 1)
}

fn quantization(report: &Report) -> Table {
    let mut table = columns(["tensor", "format", "scale", "saturated"]);
    for tensor in &report.outcome.numerics.quantization {
        table.add_row([tensor.tensor.clone(), tensor.format.clone(), short(&tensor.scale), grouped(tensor.saturated)]);
    }
    numbers_right(table, 2)
}

fn outputs(report: &Report) -> Table {
    let mut table = columns(["output", "shape", "format", "scale"]);
    for output in &report.outcome.outputs {
        let shape: Vec<String> = output.raw().shape().iter().map(usize::to_string).collect();
        let scale = output.scale().map_or_else(|| "-".into(), |scale| short(&scale));
        table.add_row([output.name().into(), shape.join(" x "), output.ty().to_string(), scale]);
    }
    numbers_right(table, 3)
}

/// A kernel's own table: columns that hold nothing but numbers stand to the right.
fn named(source: &NamedTable) -> Table {
    let mut table = untitled();
    table.set_header(source.columns()).add_rows(source.rows());
    for (index, column) in table.column_iter_mut().enumerate() {
        if source.rows().iter().all(|row| row[index].replace(' ', "").parse::<f64>().is_ok()) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}

fn numbers_right(mut table: Table, first: usize) -> Table {
    for column in table.column_iter_mut().skip(first) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// `yes`, or how much differs and where first.
pub fn exactness(numerics: &Numerics) -> String {
    if numerics.bit_exact {
        return "yes".into();
    }
    let first = numerics
        .first_mismatch
        .as_ref()
        .map(|first| format!("; first {}{:?}: expected {}, got {}", first.tensor, first.index, first.expected, first.actual));
    format!("NO: {} elements differ from the golden model{}", grouped(numerics.mismatches), first.unwrap_or_default())
}

fn cycles(cycles: &Cycles) -> String {
    let model = measured(&cycles.model, |&model| if model == cycles.total { "the same".into() } else { grouped(model) });
    format!("{}; first output after {}; model: {model}", grouped(cycles.total), measured(&cycles.first_output, |&first| grouped(first)))
}

fn throughput(throughput: &Throughput) -> String {
    format!(
        "{:.1} of {} operations per cycle, utilization {:.1} %",
        throughput.ops_per_cycle(),
        grouped(throughput.peak_ops_per_cycle()),
        100.0 * throughput.utilization()
    )
}

fn error(numerics: &Numerics) -> String {
    match &numerics.max_abs_error {
        Measured::NotMeasured(_) => numerics.max_abs_error.to_string(),
        Measured::Value(largest) if *largest == 0.0 => "none".into(),
        Measured::Value(largest) => format!(
            "at most {}, rms {}, where the largest value is {}",
            short(largest),
            measured(&numerics.rms_error, short),
            measured(&numerics.reference_max_abs, short),
        ),
    }
}

/// Four significant digits.
fn short(number: &f64) -> String {
    match number.abs() {
        0.0 => "0".into(),
        size if (1e-2..1e4).contains(&size) => {
            let decimals = (3.0 - size.log10().floor()).max(0.0) as usize;
            format!("{number:.decimals$}")
        }
        _ => format!("{number:.3e}"),
    }
}

fn counted(count: &Measured<u64>, unit: &str) -> String {
    measured(count, |&count| format!("{} {unit}", grouped(count)))
}

/// The value as `show` writes it, or why there is none.
fn measured<T: Display>(value: &Measured<T>, show: impl Fn(&T) -> String) -> String {
    value.value().map_or_else(|| value.to_string(), show)
}

#[cfg(test)]
mod tests {
    use systole_hdl::Type;
    use systole_kernels::report::{
        DesignSize, HighWater, MemoryItem, MemoryKind, MemoryUse, Mismatch, Outcome, OutputTensor, Part, Quantization, REPORT_SCHEMA,
        Setting, SimulatorReport, StreamTraffic, Task, Warning,
    };

    use super::*;

    fn numerics(mismatches: u64) -> Numerics {
        let first = Mismatch { tensor: "layer 0".into(), index: vec![3, 4], expected: 5, actual: -6 };
        Numerics {
            bit_exact: mismatches == 0,
            mismatches,
            first_mismatch: (mismatches > 0).then_some(first),
            max_abs_error: 0.0125.into(),
            rms_error: 0.004.into(),
            reference_max_abs: 5.25.into(),
            quantization: vec![Quantization { tensor: "layers[0].a".into(), format: "s8".into(), scale: 0.5, saturated: 17 }],
            task: Measured::Value(Task { metric: "accuracy".into(), value: 0.975, reference: 0.9778, samples: 360 }),
        }
    }

    fn report(parts: usize, mismatches: u64) -> Report {
        let cycles = Cycles {
            total: 12345,
            first_output: 404.into(),
            model: 12340.into(),
            formula: Some("R N + 4 = 12 340; 5 more for stalls".into()),
        };
        let throughput = Throughput::new(12345 * 256, 12345, 512).unwrap();
        let part = |index| Part {
            name: format!("layer {index}"),
            shape: "128 x 384 x 384".into(),
            cycles: cycles.clone(),
            throughput: throughput.clone(),
            numerics: numerics(0),
        };
        Report {
            schema: REPORT_SCHEMA,
            kernel: "gemm".into(),
            config: serde_json::json!({}),
            seed: 7,
            version: "0.1.0".into(),
            design: DesignSize { modules: 4, instances: 270, register_bits: 1000, memory_bits: 2000, multipliers: 256 },
            outcome: Outcome {
                cycles: cycles.clone(),
                throughput: throughput.clone(),
                memory: MemoryUse::of_items(
                    vec![
                        MemoryItem { name: "exp.0".into(), kind: MemoryKind::Fifo, words: 1026, bits_per_word: 18 },
                        MemoryItem { name: "sum".into(), kind: MemoryKind::Accumulator, words: 1, bits_per_word: 32 },
                    ],
                    vec![HighWater { path: "gemm.fifo".into(), high_water: 3, capacity: 8 }],
                ),
                streams: vec![StreamTraffic { path: "gemm.a".into(), transfers: 49152, stalled: 11, starved: 22 }],
                numerics: numerics(mismatches),
                chosen: vec![Setting::format("formats.a", "u8"), Setting::format("formats.b", "s8")],
                warnings: vec![Warning::counted("layers[0].a", 17, 64, "elements", "saturate in s8")],
                parts: (0..parts).map(part).collect(),
                tables: vec![NamedTable::new(
                    "error against fraction bits",
                    ["format", "rms error"],
                    [["q4.12".to_string(), "2.2e-3".to_string()], ["q4.16".to_string(), "16e-5".to_string()]],
                )],
                figures: Vec::new(),
                outputs: vec![OutputTensor::new("layer 1", "c", ndarray::array![[7, -8]], Type::s(8), Some(0.5))],
            },
            simulator: SimulatorReport {
                engine: "reference".into(),
                elaborate_ms: 1.25.into(),
                compile_ms: 2.5.into(),
                cycles: 12350,
                cycles_per_second: 1500.4.into(),
            },
            synthesis: Measured::not_measured("see `systole synth`"),
            output_files: Vec::new(),
        }
    }

    #[track_caller]
    fn shows(text: &str, parts: &[&str]) {
        for part in parts {
            assert!(text.contains(part), "`{part}` is not in:\n{text}");
        }
    }

    #[test]
    fn the_summary_states_cycles_model_utilization_error_task_and_what_is_unknown() {
        let text = show(&report(1, 0));
        shows(&text, &["gemm (seed 7)", "layer 0: 128 x 384 x 384", "yes", "12 345; first output after 404; model: 12 340"]);
        shows(
            &text,
            &[
                "256.0 of 512 operations per cycle, utilization 50.0 %",
                "at most 0.01250, rms 4.000e-3, where the largest value is 5.250",
                "0.9750 (0.9778",
                "360 samples",
            ],
        );
        shows(&text, &["R N + 4 = 12 340; 5 more for stalls", "1 027 words", "256 multipliers", "12 350 cycles at 1 500 cycles/s"]);
        assert!(!text.contains("utilization  "), "a single part has no table of its own");
    }

    #[test]
    fn what_was_chosen_from_the_data_is_stated_as_the_configuration_would() {
        let text = show(&report(1, 0));
        shows(&text, &["chosen from data", "formats.a = \"u8\", formats.b = \"s8\""]);
    }

    #[test]
    fn streams_fifos_quantization_and_parts_have_tables() {
        let text = show(&report(2, 0));
        shows(&text, &["gemm.a", "49 152", "gemm.fifo", "high water", "layers[0].a", "0.5000", "layer 1", "layer1.c", "1 x 2"]);
    }

    #[test]
    fn warnings_stand_right_behind_the_summary() {
        let text = show(&report(2, 0));
        let warning = text.find("\nwarning: layers[0].a: 17 of 64 elements saturate in s8\n").expect(&text);
        assert!(warning < text.find("utilization  ").expect("parts have a table"), "{text}");
    }

    #[test]
    fn intermediate_memory_is_listed_item_by_item() {
        shows(&show(&report(1, 0)), &["exp.0", "fifo", "1 026", "accumulator"]);
        let mut without = report(1, 0);
        without.outcome.memory = MemoryUse::not_measured("no hardware", Vec::new());
        shows(&show(&without), &["not measured (no hardware)"]);
        assert!(!show(&without).contains("bits a word"));
    }

    #[test]
    fn a_kernels_own_table_has_its_title_and_numbers_to_the_right() {
        shows(&show(&report(1, 0)), &["error against fraction bits\n", "q4.12 ", " 2.2e-3", "  16e-5"]);
    }

    #[test]
    fn a_difference_from_the_golden_model_is_said_with_its_first_place() {
        shows(&show(&report(1, 1234)), &["NO: 1 234 elements differ", "layer 0[3, 4]: expected 5, got -6"]);
    }
}

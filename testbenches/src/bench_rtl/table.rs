//! The result as text.

use comfy_table::{CellAlignment, Table};

use super::{DesignName, EngineName, Ready, Row, SourceName, Subject, TraceName};

/// The name of an engine in a table.
pub fn engine(engine: EngineName) -> &'static str {
    match engine {
        EngineName::Systole => "systole",
        EngineName::SystoleReference => "systole-reference",
        EngineName::Verilator => "verilator",
        EngineName::Icarus => "icarus",
        EngineName::HandWritten => "hand-written (Rust)",
    }
}

/// The name of a text; nothing for engines that read none.
pub fn source(source: Option<SourceName>) -> &'static str {
    match source {
        Some(SourceName::Exported) => "exported",
        Some(SourceName::HandWritten) => "hand-written",
        None => "",
    }
}

/// The name of a trace; nothing for none.
pub fn trace(trace: TraceName) -> &'static str {
    match trace {
        TraceName::None => "",
        TraceName::Vcd => "vcd",
        TraceName::Fst => "fst",
    }
}

/// All rows; the last column has each row's rate as a part of Systole's without a trace.
pub fn rows(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.set_header(["design", "engine", "Verilog", "trace", "cycles/CPU s", "least .. greatest", "cycles/s", "ready", "Systole is"]);
    for column in [4, 5, 6, 7, 8] {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in rows {
        let systole = find(rows, row.design, row.n, EngineName::Systole, TraceName::None);
        let is_systole = (row.engine, row.trace) == (EngineName::Systole, TraceName::None);
        let ratio = systole.filter(|_| !is_systole).map(|systole| systole.cycles_per_cpu_second / row.cycles_per_cpu_second);
        table.add_row([
            Subject { design: row.design, n: row.n }.title(),
            engine(row.engine).to_string(),
            source(row.source).to_string(),
            trace(row.trace).to_string(),
            count(row.cycles_per_cpu_second),
            format!("{} .. {}", count(row.min_cycles_per_cpu_second), count(row.max_cycles_per_cpu_second)),
            count(row.cycles_per_second),
            row.ready_ms.map_or(String::new(), milliseconds),
            ratio.map_or(String::new(), times),
        ]);
    }
    table.to_string()
}

/// What is wanted, beside what was measured: a line each, for those whose rows are there.
pub fn goals(rows: &[Row]) -> Vec<String> {
    let mut lines = Vec::new();
    let ratios = [
        (DesignName::Array, 16, 8.0),
        (DesignName::Array, 32, 12.0),
        (DesignName::Array, 64, 10.0),
        (DesignName::Gemm, 16, 5.0),
        (DesignName::Control, 0, 1.0),
    ];
    for (design, n, wanted) in ratios {
        let verilator = rows.iter().filter(|row| (row.design, row.n, row.engine) == (design, n, EngineName::Verilator));
        let better = verilator.filter(|row| row.trace == TraceName::None).map(|row| row.cycles_per_cpu_second).reduce(f64::max);
        let systole = find(rows, design, n, EngineName::Systole, TraceName::None);
        if let (Some(systole), Some(better)) = (systole, better) {
            let ratio = times(systole.cycles_per_cpu_second / better);
            lines.push(format!("{}: {ratio} the better Verilator, wanted >= {wanted}x", Subject { design, n }.title()));
        }
        let by_hand = find(rows, design, n, EngineName::HandWritten, TraceName::None);
        if let (Some(systole), Some(by_hand)) = (systole, by_hand) {
            let ratio = times(systole.cycles_per_cpu_second / by_hand.cycles_per_cpu_second);
            lines.push(format!("{}: {ratio} the loops written by hand, wanted close to 1x", Subject { design, n }.title()));
        }
    }
    lines.extend(
        rows.iter().filter(|row| row.trace == TraceName::Vcd && row.engine == EngineName::Systole).flat_map(|vcd| traces(rows, vcd)),
    );
    lines
}

/// How soon an array runs on Systole, beside Verilator if it is among the rows.
pub fn ready(rows: &[Row], n: usize, ready: Ready) -> String {
    let wanted = match n {
        16 => ", wanted under 5 ms",
        64 => ", wanted under 20 ms",
        128 => ", wanted under 60 ms",
        _ => "",
    };
    let build = find(rows, DesignName::Array, n, EngineName::Verilator, TraceName::None).and_then(|row| row.ready_ms);
    let build = build.map_or(String::new(), |time| format!("; Verilator after {}", milliseconds(time)));
    let (wall, cpu) = (milliseconds(ready.wall_ms), milliseconds(ready.cpu_ms));
    format!("array {n}x{n}: first cycle after {wall} on the wall, {cpu} of processor time{wanted}{build}")
}

/// What is wanted of traces, by processor time of all threads and by the wall: a trace writes in a thread of its own.
fn traces(rows: &[Row], vcd: &Row) -> Vec<String> {
    let (title, of) = (Subject { design: vcd.design, n: vcd.n }.title(), |engine, trace| find(rows, vcd.design, vcd.n, engine, trace));
    let both = |a: &Row, b: &Row| {
        let (cpu, wall) = (a.cycles_per_cpu_second / b.cycles_per_cpu_second, a.cycles_per_second / b.cycles_per_second);
        format!("{} by processor time, {} by the wall", times(cpu), times(wall))
    };
    let mut lines = Vec::new();
    if let Some(untraced) = of(EngineName::Systole, TraceName::None) {
        lines.push(format!("{title}: rate without a trace over rate with VCD: {}, wanted <= 4x", both(untraced, vcd)));
    }
    if let Some(verilator) = of(EngineName::Verilator, TraceName::Vcd) {
        lines.push(format!("{title}: rate with VCD over Verilator's with VCD: {}, wanted >= 2x", both(vcd, verilator)));
    }
    if let Some(fst) = of(EngineName::Systole, TraceName::Fst) {
        lines.push(format!("{title}: rate with FST over rate with VCD: {}, wanted >= 1x", both(fst, vcd)));
    }
    lines
}

fn find(rows: &[Row], design: DesignName, n: usize, engine: EngineName, trace: TraceName) -> Option<&Row> {
    rows.iter().find(|row| (row.design, row.n, row.engine, row.trace) == (design, n, engine, trace))
}

/// Three digits and a unit.
fn count(number: f64) -> String {
    let (scaled, unit) = match number {
        1e6.. => (number / 1e6, " M"),
        1e3.. => (number / 1e3, " k"),
        _ => (number, ""),
    };
    let digits = if scaled >= 100.0 {
        0
    } else if scaled >= 10.0 {
        1
    } else {
        2
    };
    format!("{scaled:.digits$}{unit}")
}

fn times(ratio: f64) -> String {
    if ratio >= 100.0 {
        format!("{ratio:.0}x")
    } else if ratio >= 10.0 {
        format!("{ratio:.1}x")
    } else {
        format!("{ratio:.2}x")
    }
}

/// A time, in milliseconds or seconds.
pub fn milliseconds(time: f64) -> String {
    if time >= 1000.0 {
        format!("{:.1} s", time / 1000.0)
    } else if time >= 10.0 {
        format!("{time:.0} ms")
    } else {
        format!("{time:.2} ms")
    }
}

//! Verilator: built once, run as a program of its own for each measurement.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use systole_sim::trace::TraceFormat;
use systole_verilog::tools::{self, Tool};

use super::icarus::output;
use super::measure::{Contender, Sample};
use super::verilog_source::{VerilogSource, write};

/// The program that steps the clock.
const MAIN: &str = include_str!("verilog/main.cpp");

/// A built program.
pub struct Verilator {
    program: PathBuf,
    trace: Option<PathBuf>,
}

/// How to build.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Build {
    /// The C++ compiler's `-O` for the model's code.
    pub optimize: u32,
    /// Whether every signal is written to a file, and how.
    pub trace: Option<TraceFormat>,
}

impl Verilator {
    /// Builds a design in `folder`, which exists. Gives the time that it took, too.
    ///
    /// # Errors
    /// If Verilator or a C++ compiler is missing, or one of them refuses the design.
    pub fn build(source: &VerilogSource, build: Build, folder: &Path) -> Result<(Verilator, Duration)> {
        source.write(folder)?;
        let reset = source.reset.as_ref().map_or("(void)0".to_string(), |reset| format!("top->{reset} = 0"));
        let (class, header, option) = match build.trace {
            Some(TraceFormat::Fst) => ("VerilatedFstC", "verilated_fst_c.h", Some("--trace-fst")),
            _ => ("VerilatedVcdC", "verilated_vcd_c.h", build.trace.map(|_| "--trace")),
        };
        let definitions = [
            ("CLOCK", source.clock.clone()),
            ("RESET", reset),
            ("TRACED", u8::from(build.trace.is_some()).to_string()),
            ("TRACE_CLASS", class.to_string()),
            ("TRACE_HEADER", format!("\"{header}\"")),
        ];
        let definitions: String = definitions.iter().map(|(name, text)| format!("#define {name} {text}\n")).collect();
        write(folder, "main.cpp", &format!("{definitions}{MAIN}"))?;
        let observable = source.observable.iter().map(|(module, name)| format!("public_flat_rd -module \"{module}\" -var \"{name}\"\n"));
        write(folder, "observable.vlt", &format!("`verilator_config\n{}", observable.collect::<String>()))?;

        let mut command = Command::new(tools::find(Tool::Verilator)?);
        command.current_dir(folder).args(["--cc", "--exe", "--build", "-j", "0", "--top-module", &source.top, "--prefix", "Vtop"]);
        command.args(["-O3", "--x-assign", "fast", "--x-initial", "fast", "--noassert", "-Wno-fatal", "-Wno-lint", "-Wno-style"]);
        command.args(option).args(source.parameters.iter().map(|(name, value)| format!("-G{name}={value}")));
        let global = format!("OPT_GLOBAL=-O{}", if build.optimize == 0 { 0 } else { 3 });
        // No `-CFLAGS -O3`: that would come after OPT_FAST and win. OPT_GLOBAL is for Verilator's own code, the trace writer among it.
        command.args(["-MAKEFLAGS", &format!("OPT_FAST=-O{}", build.optimize), "-MAKEFLAGS", &global]);
        command.args(["observable.vlt", "design.v", "main.cpp"]);
        let start = Instant::now();
        output(&mut command)?;
        let ready = start.elapsed();
        let trace = build.trace.map(|_| folder.join("trace"));
        Ok((Verilator { program: folder.join("obj_dir/Vtop"), trace }, ready))
    }

    /// The checksum after so many cycles.
    ///
    /// # Errors
    /// If the program fails or prints something else.
    pub fn checksum_after(&self, cycles: u64) -> Result<u32> {
        let text = self.run(cycles, 0.0)?;
        u32::from_str_radix(text.trim(), 16).with_context(|| format!("the Verilated program printed `{}`", text.trim()))
    }

    fn run(&self, check: u64, seconds: f64) -> Result<String> {
        let mut command = Command::new(&self.program);
        output(command.arg(check.to_string()).arg(seconds.to_string()).args(&self.trace))
    }
}

impl Contender for Verilator {
    fn measure(&mut self, seconds: f64) -> Result<Sample> {
        let text = self.run(256, seconds)?;
        let mut numbers = text.lines().nth(1).unwrap_or_default().split_whitespace();
        let mut next = || numbers.next().with_context(|| format!("the Verilated program printed `{text}`"));
        let cycles = next()?.parse()?;
        let (cpu, wall) = (next()?.parse()?, next()?.parse()?);
        Ok(Sample { cycles, cpu: Duration::from_secs_f64(cpu), wall: Duration::from_secs_f64(wall) })
    }
}

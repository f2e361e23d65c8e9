//! Icarus Verilog: compiled once, run as a program of its own for each measurement.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use systole_verilog::tools::{self, Tool};

use super::measure::{Contender, Cpu, Sample};
use super::verilog_source::{VerilogSource, write};

/// A compiled design and the rate that it had last.
pub struct Icarus {
    folder: PathBuf,
    vvp: PathBuf,
    cycles_per_second: f64,
}

impl Icarus {
    /// Compiles a design in `folder`, which exists. Gives the time that it took, too.
    ///
    /// # Errors
    /// If Icarus Verilog is missing or refuses the design.
    pub fn compile(source: &VerilogSource, folder: &Path) -> Result<(Icarus, Duration)> {
        source.write(folder)?;
        write(folder, "bench.v", &bench(source))?;
        let vvp = tools::find(Tool::Vvp)?;
        let start = Instant::now();
        let arguments = ["-g2005", "-s", "bench", "-o", "bench.vvp", "design.v", "bench.v"];
        output(Command::new(tools::find(Tool::Iverilog)?).current_dir(folder).args(arguments))?;
        let ready = start.elapsed();
        Ok((Icarus { folder: folder.to_path_buf(), vvp, cycles_per_second: 0.0 }, ready))
    }

    /// The checksum after so many cycles.
    ///
    /// # Errors
    /// If the program fails or prints something else.
    pub fn checksum_after(&mut self, cycles: u64) -> Result<u32> {
        let start = Cpu::Children.now();
        let text = self.run(cycles)?;
        self.cycles_per_second = cycles as f64 / (Cpu::Children.now() - start).as_secs_f64().max(1e-3);
        u32::from_str_radix(text.trim(), 16).with_context(|| format!("vvp printed `{}` where a checksum was expected", text.trim()))
    }

    fn run(&self, cycles: u64) -> Result<String> {
        output(Command::new(&self.vvp).current_dir(&self.folder).args(["-n", "bench.vvp"]).arg(format!("+cycles={cycles}")))
    }
}

/// A clock for the design, and its checksum at the end.
fn bench(source: &VerilogSource) -> String {
    let VerilogSource { top, clock, .. } = source;
    let reset = source.reset.as_ref().map_or(String::new(), |reset| format!(", .{reset}(1'b0)"));
    let parameters: Vec<String> = source.parameters.iter().map(|(name, value)| format!(".{name}({value})")).collect();
    let parameters = if parameters.is_empty() { String::new() } else { format!(" #({})", parameters.join(", ")) };
    format!(
        "module bench;\n  reg clock = 0;\n  wire [31:0] checksum;\n  integer cycles;\n  \
         {top}{parameters} dut (.{clock}(clock){reset}, .checksum(checksum));\n  \
         initial begin\n    if (!$value$plusargs(\"cycles=%d\", cycles)) cycles = 0;\n    \
         repeat (cycles) begin\n      #5 clock = 1;\n      #5 clock = 0;\n    end\n    \
         #5 $display(\"%h\", checksum);\n    $finish;\n  end\nendmodule\n"
    )
}

/// Runs a program and gives what it prints.
///
/// # Errors
/// If it cannot be started or fails, with what it wrote.
pub(super) fn output(command: &mut Command) -> Result<String> {
    let name = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("{name} could not be started"))?;
    let [stdout, stderr] = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    ensure!(output.status.success(), "{name} failed with {}:\n{stderr}{stdout}", output.status);
    Ok(stdout)
}

impl Contender for Icarus {
    /// The difference between a long run and one of no cycles: starting takes longer than many cycles.
    fn measure(&mut self, seconds: f64) -> Result<Sample> {
        let timed = |cycles| -> Result<(Duration, Duration)> {
            let (start, cpu) = (Instant::now(), Cpu::Children.now());
            self.run(cycles)?;
            Ok((start.elapsed(), Cpu::Children.now() - cpu))
        };
        let cycles = (self.cycles_per_second * seconds).ceil().max(16.0) as u64;
        let (wall, cpu) = timed(0)?;
        let (long_wall, long_cpu) = timed(cycles)?;
        let sample = Sample { cycles, cpu: long_cpu.saturating_sub(cpu), wall: long_wall.saturating_sub(wall) };
        ensure!(!sample.cpu.is_zero(), "vvp needs no time for {cycles} cycles; give more --seconds");
        self.cycles_per_second = sample.per_cpu_second();
        Ok(sample)
    }
}

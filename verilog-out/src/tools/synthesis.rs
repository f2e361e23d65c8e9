//! Synthesis with Yosys, and what it counts.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;
use systole_hdl::Design;
use systole_hdl::design::Memory;

use super::{Tool, ToolError, find, run, run_program, strings, version};

/// What a design is synthesized for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Target {
    /// 4-input LUTs and flip-flops; memories and multipliers are made of them.
    Generic,
    /// Lattice iCE40 UP5K, with its DSP blocks.
    Ice40,
    /// Lattice ECP5.
    Ecp5,
    /// Xilinx 7 series.
    Xilinx,
    /// Xilinx 7 series without its DSP blocks: multipliers and accumulators are LUTs and carry chains, and so can be compared.
    XilinxLut,
}

impl Target {
    /// All of them.
    pub const ALL: [Target; 5] = [Target::Generic, Target::Ice40, Target::Ecp5, Target::Xilinx, Target::XilinxLut];

    /// The name used on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Target::Generic => "generic",
            Target::Ice40 => "ice40",
            Target::Ecp5 => "ecp5",
            Target::Xilinx => "xilinx",
            Target::XilinxLut => "xilinx-lut",
        }
    }

    fn command(self) -> &'static str {
        match self {
            Target::Generic => "synth -lut 4",
            Target::Ice40 => "synth_ice40 -dsp",
            Target::Ecp5 => "synth_ecp5",
            Target::Xilinx => "synth_xilinx -noiopad",
            // By default Yosys takes half as many LUTs again for a multiplier, twice as many for a wide selector, and varies by more than
            // what is to be compared.
            Target::XilinxLut => "synth_xilinx -noiopad -nodsp -abc9 -widemux 5",
        }
    }

    /// What a cell of the mapped netlist is, and how often it counts.
    fn count(self, cell: &str, resources: &mut Resources, number: u64) {
        let (lut, ff, dsp, bram) = match self {
            Target::Generic => (u64::from(cell == "$lut"), u64::from(cell.contains("FF") && cell.starts_with("$_")), 0, 0),
            Target::Ice40 => (
                u64::from(cell == "SB_LUT4"),
                u64::from(cell.starts_with("SB_DFF")),
                u64::from(cell == "SB_MAC16"),
                u64::from(cell.starts_with("SB_RAM40") || cell.starts_with("SB_SPRAM")),
            ),
            // A carry cell takes the two LUTs of its slice; a 16x4 distributed RAM takes four.
            Target::Ecp5 => (
                match cell {
                    "LUT4" => 1,
                    "CCU2C" => 2,
                    "TRELLIS_DPR16X4" => 4,
                    _ => 0,
                },
                u64::from(cell == "TRELLIS_FF"),
                u64::from(cell.starts_with("MULT") || cell.starts_with("ALU54")),
                u64::from(cell == "DP16KD" || cell == "PDPW16KD"),
            ),
            Target::Xilinx | Target::XilinxLut => (
                match cell {
                    "LUT1" | "LUT2" | "LUT3" | "LUT4" | "LUT5" | "LUT6" | "SRL16E" | "SRLC32E" | "RAM32X1S" | "RAM64X1S" => 1,
                    "RAM32X1D" | "RAM64X1D" => 2,
                    "RAM32M" | "RAM64M" | "RAM128X1D" => 4,
                    _ => 0,
                },
                u64::from(matches!(cell, "FDRE" | "FDSE" | "FDCE" | "FDPE" | "FDRE_1" | "FDSE_1" | "FDCE_1" | "FDPE_1")),
                u64::from(cell.starts_with("DSP48")),
                u64::from(cell.starts_with("RAMB")),
            ),
        };
        resources.lut += number * lut;
        resources.ff += number * ff;
        resources.dsp += number * dsp;
        resources.bram += number * bram;
        resources.cells += number;
    }
}

/// What a synthesized design takes, counted over its whole hierarchy.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Resources {
    /// Look-up tables: those that compute, carry, and store; a carry cell counts as the LUTs that it takes.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Multiplier blocks.
    pub dsp: u64,
    /// Block RAMs, of whatever size the target has.
    pub bram: u64,
    /// Cells of the mapped netlist.
    pub cells: u64,
    /// The cells by type.
    pub by_type: BTreeMap<String, u64>,
    /// Which Yosys counted.
    pub tool_version: String,
    /// The synthesis script.
    pub command: String,
}

/// Checks with Yosys that `files` in `directory` are one complete design, synthesizes it generically and checks the result:
/// no missing module, no undriven or doubly driven net, no loop.
///
/// # Errors
/// If Yosys is missing, or refuses the design.
pub fn check(directory: &Path, files: &[String], top: &str) -> Result<(), ToolError> {
    let script = format!("read_verilog {}; hierarchy -check -top {top}; proc; check -assert; synth; check -assert", files.join(" "));
    run(Tool::Yosys, &strings(&["-Q", "-q", "-p", &script]), directory).map(|_| ())
}

/// The most bits of a memory that [`check_design`] checks as it is. Yosys makes flip-flops of all of them, in half a minute for so many,
/// and unrolls the loop that clears them: with a memory of 2^20 words it never ends.
pub const MAX_CHECKED_MEMORY_BITS: u64 = 1 << 14;
/// The bits that a larger memory is cut to.
const CUT_MEMORY_BITS: u64 = 1 << 10;

/// As [`check`], for the files of a design that may have large memories. If one has more than [`MAX_CHECKED_MEMORY_BITS`], its Verilog is
/// checked with that memory cut to some words, which changes no port, net or gate outside of it.
///
/// # Errors
/// As [`check`], or if the Verilog with cut memories cannot be written.
pub fn check_design(design: &Design, directory: &Path, files: &[String]) -> Result<(), ToolError> {
    let top = &design.top_module().name;
    let words = |memory: &Memory, bits: u64| bits / u64::from(memory.ty.width()).max(1);
    let is_large = |memory: &Memory| u64::from(memory.depth) > words(memory, MAX_CHECKED_MEMORY_BITS).max(1);
    if !design.modules.iter().flat_map(|module| &module.memories).any(is_large) {
        return check(directory, files, top);
    }
    let mut cut = design.clone();
    for memory in cut.modules.iter_mut().flat_map(|module| &mut module.memories).filter(|memory| is_large(memory)) {
        memory.depth = words(memory, CUT_MEMORY_BITS).max(2) as u32;
        memory.initial.truncate(memory.depth as usize);
    }
    let folder = directory.join("cut-memories");
    let source = |source| ToolError::Start { tool: Tool::Yosys, source };
    let output = crate::write(&cut, &crate::Options::default()).map_err(|closed| source(std::io::Error::other(closed)))?;
    std::fs::create_dir_all(&folder).map_err(source)?;
    let files = output.write_files(&folder).map_err(source)?;
    check(&folder, &files, top)
}

/// Synthesizes `files` in `directory` for `target` with Yosys and counts what it takes.
///
/// # Errors
/// If Yosys is missing, refuses the design, or answers in an unknown form.
pub fn synthesize(directory: &Path, files: &[String], top: &str, target: Target) -> Result<Resources, ToolError> {
    synthesize_by_steps(directory, files, top, target, &mut |_| {})
}

/// The file of the counts, beside the design.
const COUNTS: &str = "counts.json";

/// The same as [`synthesize`], and tells `follow` each step of the script, such as `SYNTH_ECP5 pass: DFFLEGALIZE pass (convert FFs …)`, as
/// Yosys begins it.
///
/// # Errors
/// As [`synthesize`].
pub fn synthesize_by_steps(
    directory: &Path,
    files: &[String],
    top: &str,
    target: Target,
    follow: &mut dyn FnMut(&str),
) -> Result<Resources, ToolError> {
    let command = format!("read_verilog {}; {} -top {top}; check -assert", files.join(" "), target.command());
    // Into a file: a Yosys in WebAssembly has no `/dev/stdout`.
    let script = format!("{command}; tee -q -o {COUNTS} stat -json");
    // Headings of the script's steps and of the steps within them go to the error output.
    let arguments = strings(&["-Q", "-v", "2", "-p", &script]);
    let answer = run_program(Tool::Yosys, &find(Tool::Yosys)?, &arguments, directory, &mut |line| match step(line) {
        Some(step) => {
            follow(step);
            false
        }
        None => true,
    })?;
    let text = fs::read_to_string(directory.join(COUNTS)).unwrap_or_default();
    let counts = cell_counts(&text).ok_or_else(|| ToolError::Answer {
        command: answer.command,
        problem: "no counts of cells by type; Yosys 0.20 or newer writes them".to_string(),
    })?;
    let mut resources = Resources { tool_version: version(Tool::Yosys)?, command, ..Resources::default() };
    for (cell, number) in &counts {
        target.count(cell, &mut resources, *number);
    }
    resources.by_type = counts;
    Ok(resources)
}

/// What a heading says is done: `2.11. Executing DFFLEGALIZE pass (..).`
fn step(line: &str) -> Option<&str> {
    let (number, step) = line.split_once(". Executing ")?;
    number.starts_with(|first: char| first.is_ascii_digit()).then(|| step.trim_end_matches('.'))
}

/// The counts of the whole design in what `stat -json` writes. Only that object is read: of a hierarchy, Yosys up to 0.23 also
/// writes lines before it that are not JSON.
fn cell_counts(text: &str) -> Option<BTreeMap<String, u64>> {
    let (_, design) = text.rsplit_once("\"design\":")?;
    let design = serde_json::Deserializer::from_str(design).into_iter::<Value>().next()?.ok()?;
    let counts = design.get("num_cells_by_type")?.as_object()?;
    counts.iter().map(|(cell, number)| Some((cell.clone(), number.as_u64()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_from_the_whole_design() {
        let text = r#"noise {"modules": {"\\a": {"num_cells_by_type": {"LUT4": 1}}}, "design": {"num_cells_by_type": {"LUT4": 8, "CCU2C": 2, "TRELLIS_FF": 3}}}"#;
        let counts = cell_counts(text).unwrap();
        let mut resources = Resources::default();
        counts.iter().for_each(|(cell, number)| Target::Ecp5.count(cell, &mut resources, *number));
        assert_eq!((resources.lut, resources.ff, resources.cells), (12, 3, 13));
    }

    #[test]
    fn a_heading_tells_the_step() {
        assert_eq!(step("2.11.3. Executing OPT_DFF pass (perform DFF optimizations)."), Some("OPT_DFF pass (perform DFF optimizations)"));
        assert_eq!(step("ERROR: Module `\\x' is not part of the design."), None);
    }

    #[test]
    fn lines_between_the_modules_and_the_design_do_no_harm() {
        let text = "{\n\"modules\": {},\n  operand_bank   1\n  \"design\": {\"num_cells_by_type\": {\"LUT4\": 8}}\n}\n";
        assert_eq!(cell_counts(text), Some(BTreeMap::from([("LUT4".to_string(), 8)])));
    }

    #[test]
    fn an_answer_without_counts_is_refused() {
        assert_eq!(cell_counts("} {"), None);
        assert_eq!(cell_counts(r#"{"design": {}}"#), None);
    }
}

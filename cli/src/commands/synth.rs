//! `systole synth`: how large the hardware is on a device.

use systole_kernels::report::{Measured, Synthesis};
use systole_verilog::tools::{Resources, Target, Tool, find, synthesize};

use super::export::{verilog_of, write_modules};
use super::workload::Workload;
use crate::arguments::{SynthArguments, SynthTarget};
use crate::failure::{Failure, message_with_help};
use crate::output::{OutputFolder, print};
use crate::view::{columns, grouped};

/// Synthesizes a configuration's hardware, prints what it takes and writes `synthesis.json`.
pub fn synth(arguments: &SynthArguments) -> Result<(), Failure> {
    let workload = Workload::open(&arguments.config)?;
    find(Tool::Yosys).map_err(|error| tool_failed(&error))?;
    let verilog = verilog_of(&workload.design()?)?;
    let target = match arguments.target {
        SynthTarget::Generic => Target::Generic,
        SynthTarget::Ice40 => Target::Ice40,
        SynthTarget::Ecp5 => Target::Ecp5,
        SynthTarget::Xilinx => Target::Xilinx,
        SynthTarget::XilinxLut => Target::XilinxLut,
    };

    let folder = OutputFolder::make(arguments.out.clone().unwrap_or_else(|| workload.default_folder()))?;
    let files = write_modules(&folder, &verilog)?;
    let resources = synthesize(folder.path(), &files, &verilog.top().name, target).map_err(|error| tool_failed(&error))?;
    let synthesis = entry(target, resources);
    let json = serde_json::to_string_pretty(&[&synthesis]).map_err(|error| Failure::defect(&error))?;
    let path = folder.write("synthesis.json", format!("{json}\n").as_bytes())?;
    print(&format!("{}\n\nsynthesis: {}\n", table(&synthesis), path.display()))
}

fn tool_failed(error: &dyn std::error::Error) -> Failure {
    Failure::Tool(message_with_help(error.to_string(), "`systole doctor` shows which tools were found"))
}

fn entry(target: Target, resources: Resources) -> Synthesis {
    // The generic target knows no blocks, so it cannot say how many there would be.
    let blocks = |count: u64| match target {
        Target::Generic => Measured::not_measured("the generic target has no such blocks"),
        _ => Measured::Value(count),
    };
    Synthesis {
        target: target.name().into(),
        tool: Tool::Yosys.program().into(),
        tool_version: resources.tool_version,
        command: resources.command,
        lut: resources.lut.into(),
        ff: resources.ff.into(),
        dsp: blocks(resources.dsp),
        bram: blocks(resources.bram),
        fmax_mhz: Measured::not_measured("no place and route"),
    }
}

fn table(synthesis: &Synthesis) -> comfy_table::Table {
    let count = |count: &Measured<u64>| count.value().map_or_else(|| count.to_string(), |&count| grouped(count));
    let mut table = columns(["target", "LUT", "FF", "DSP", "BRAM", "Fmax (MHz)", "tool"]);
    table.add_row([
        synthesis.target.clone(),
        count(&synthesis.lut),
        count(&synthesis.ff),
        count(&synthesis.dsp),
        count(&synthesis.bram),
        synthesis.fmax_mhz.to_string(),
        synthesis.tool_version.clone(),
    ]);
    table
}

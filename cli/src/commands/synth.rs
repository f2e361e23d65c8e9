//! `systole synth`: how large the hardware is on a device.

use std::fs;
use std::io::{self, IsTerminal};

use systole_kernels::report::{Measured, Synthesis};
use systole_sim::files::UnfinishedFolder;
use systole_verilog::tools::{Resources, Target, Tool, find, synthesize_by_steps};

use super::export::{module_files, verilog_of};
use super::workload::Workload;
use crate::arguments::{SynthArguments, SynthTarget};
use crate::failure::{Failure, message_with_help};
use crate::output::{OutputFolder, print, print_error};
use crate::view::progress::ProgressLine;
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
    let modules = module_files(&verilog);
    let resources = run_yosys(&folder, &modules, &verilog.top().name, target)?;
    let synthesis = entry(target, resources);
    let json = serde_json::to_string_pretty(&[&synthesis]).map_err(|error| Failure::defect(&error))? + "\n";
    let mut files = vec![("synthesis.json".to_string(), json.as_bytes())];
    files.extend(modules);
    let path = folder.write_all(&files, &[] as &[&str])?.remove(0);
    print(&format!("{}\n\nsynthesis: {}\n", table(&synthesis), path.display()))
}

/// Has Yosys count, in a folder that goes away: what it refuses leaves no files. Shows meanwhile how far it is.
fn run_yosys(folder: &OutputFolder, modules: &[(String, &[u8])], top: &str, target: Target) -> Result<Resources, Failure> {
    let unwritten = |error: io::Error| {
        let message = format!("cannot write into {}: {error}", folder.path().display());
        Failure::input(message, "make room, or choose another folder with --out")
    };
    let workshop = UnfinishedFolder::make_in(folder.path()).map_err(unwritten)?;
    modules.iter().try_for_each(|(name, text)| fs::write(workshop.path().join(name), text)).map_err(unwritten)?;
    let names: Vec<String> = modules.iter().map(|(name, _)| name.clone()).collect();
    if !io::stderr().is_terminal() {
        let count = grouped(names.len() as u64);
        print_error(&format!(
            "synthesizing {top} ({count} modules) for {} with Yosys; this takes seconds to many minutes\n",
            target.name()
        ));
    }
    let line = ProgressLine::of_steps();
    line.step("starting Yosys");
    let resources = synthesize_by_steps(workshop.path(), &names, top, target, &mut |step| line.step(step));
    line.clear();
    resources.map_err(|error| tool_failed(&error))
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

//! `systole export`: Verilog, and a testbench that replays a simulation.

use systole_hdl::Design;
use systole_hdl::design::DomainId;
use systole_kernels::kernel::{RunContext, RunError};
use systole_sim::observer::{Observer, ObserverError};
use systole_sim::recorder::Recorder;
use systole_sim::simulator::{Options, Simulator};
use systole_sim::{DomainSet, Engine};
use systole_verilog::testbench::{DomainTrace, PortTrace, Recording, Testbench, TestbenchOptions, testbench};
use systole_verilog::{VerilogOutput, write};
use thiserror::Error;

use super::run::stopped;
use super::workload::Workload;
use crate::arguments::ExportArguments;
use crate::failure::Failure;
use crate::output::{OutputFolder, print};
use crate::view::grouped;
use crate::view::progress::ProgressLine;

/// Writes a configuration's hardware, one file a module, and a testbench if asked for.
pub fn export(arguments: &ExportArguments) -> Result<(), Failure> {
    let workload = Workload::open(&arguments.config)?;
    let design = workload.design()?;
    let verilog = verilog_of(&design)?;
    // Everything is made before anything is written, so that a failure leaves no half of it.
    let bench = match arguments.testbench {
        true => Some(make_testbench(&workload, &design, &verilog, arguments.testbench_cycles)?),
        false => None,
    };
    let folder = OutputFolder::make(arguments.out.clone())?;
    let shown = folder.path().display();
    let mut text = format!("{} modules in {shown}, top module {}\n", verilog.modules.len(), verilog.top().name);
    let mut files: Vec<(String, &[u8])> = module_files(&verilog);
    if let Some((bench, extent)) = &bench {
        files.extend(bench.data.iter().map(|(name, data)| (name.to_string(), data.as_bytes())));
        files.push((bench.file_name().to_string(), bench.text.as_bytes()));
        files.push((Testbench::SCRIPT.to_string(), bench.script.as_bytes()));
        let cycles = grouped(bench.cycles as u64);
        text += &match extent {
            Extent::Whole => format!("testbench {} replays the whole run, {cycles} cycles", bench.name),
            Extent::Beginning => {
                format!("testbench {} replays the first {cycles} cycles of the run (--testbench-cycles replays more)", bench.name)
            }
        };
        text += &format!("; run it with: sh {}\n", Testbench::SCRIPT);
    }
    let list = files.iter().map(|(name, _)| format!("{name}\n")).collect::<String>();
    files.push((FILE_LIST.to_string(), list.as_bytes()));
    folder.write_all(&files, &files_of_last_export(&folder))?;
    print(&text)
}

/// Names the files of an export, so that the next one into the same folder can remove those that it does not write.
const FILE_LIST: &str = ".systole-export";

fn files_of_last_export(folder: &OutputFolder) -> Vec<String> {
    let list = String::from_utf8(folder.content(FILE_LIST)).unwrap_or_default();
    folder.files_of(list.lines())
}

/// How much of a run a testbench replays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Extent {
    Whole,
    Beginning,
}

/// The hardware as Verilog.
pub fn verilog_of(design: &Design) -> Result<VerilogOutput, Failure> {
    write(design, &systole_verilog::Options::default()).map_err(|error| Failure::defect(&error))
}

/// Each module as a file of its own, children first: name and content.
pub fn module_files(verilog: &VerilogOutput) -> Vec<(String, &[u8])> {
    verilog.modules.iter().map(|module| (module.file_name(), module.text.as_bytes())).collect()
}

fn make_testbench(workload: &Workload, design: &Design, verilog: &VerilogOutput, cycles: u64) -> Result<(Testbench, Extent), Failure> {
    let (recorder, extent) = record(workload, design, cycles)?;
    let options = TestbenchOptions { max_cycles: usize::try_from(cycles).unwrap_or(usize::MAX), ..TestbenchOptions::default() };
    let bench = testbench(design, verilog, &recording(design, &recorder), &options).map_err(|error| Failure::defect(&error))?;
    Ok((bench, extent))
}

/// Runs the workload and keeps what crosses the top module's border in its first cycles.
fn record(workload: &Workload, design: &Design, cycles: u64) -> Result<(Recorder, Extent), Failure> {
    let prepared = workload.prepare()?;
    let mut simulator = Simulator::new(design, Options::default()).map_err(|error| Failure::defect(&error))?;
    let attached = simulator.attach(FirstCycles { recorder: Recorder::new(), cycles });
    let line = ProgressLine::new(false);
    line.watch(&mut simulator);
    let ran =
        prepared.run(&mut RunContext { simulator: &mut simulator, cycle_limit: u64::MAX, progress: &mut |progress| line.follow(progress) });
    line.clear();
    let extent = match ran {
        Ok(_) => Extent::Whole,
        Err(RunError::Stopped(systole_sim::RunError::Observer { error, .. })) if error.is::<Enough>() => Extent::Beginning,
        Err(error) => return Err(stopped(error)),
    };
    Ok((simulator.detach(attached).map_err(|error| Failure::defect(&*error))?.recorder, extent))
}

/// A recorder that stops the simulation when it has enough.
struct FirstCycles {
    recorder: Recorder,
    cycles: u64,
}

#[derive(Debug, Error)]
#[error("enough cycles have been recorded")]
struct Enough;

impl Observer for FirstCycles {
    fn observe(&mut self, cycle: u64, engine: &dyn Engine, edges: DomainSet) -> Result<(), ObserverError> {
        if self.recorder.cycles().len() as u64 == self.cycles {
            return Err(Enough.into());
        }
        self.recorder.observe(cycle, engine, edges)
    }
}

/// What the simulator recorded, in the form that the testbench takes.
fn recording(design: &Design, recorder: &Recorder) -> Recording {
    let top = design.top_module();
    let rows = 0..recorder.cycles().len();
    let domains = (0..top.domains.len() as u32).map(DomainId).map(|domain| DomainTrace {
        edges: recorder.cycles().iter().map(|cycle| cycle.edges.contains(domain)).collect(),
        resets: recorder.cycles().iter().map(|cycle| cycle.resets.contains(domain)).collect(),
    });
    let inputs = top.inputs.iter().enumerate().map(|(index, port)| PortTrace {
        port: port.name.to_string(),
        values: rows.clone().map(|row| recorder.input(row, index)).collect(),
    });
    let outputs = top.outputs.iter().enumerate().map(|(index, port)| PortTrace {
        port: port.name.to_string(),
        values: rows.clone().map(|row| recorder.output(row, index)).collect(),
    });
    Recording { domains: domains.collect(), inputs: inputs.collect(), outputs: outputs.collect() }
}

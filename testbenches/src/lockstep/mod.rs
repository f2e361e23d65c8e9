//! Lockstep: the reference engine and the exported Verilog in Icarus Verilog run the same random stimulus, and every signal
//! that both know is compared in every cycle.
//!
//! Many cases share one run of Icarus, which takes longer to start than most designs to simulate.

mod bench;
mod failure;
mod icarus;
mod stimulus;

use std::fs;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

use systole_hdl::design::{DomainId, InstanceId, MemoryId};
use systole_hdl::{Cell, CellId, Design, ModuleDef};
use systole_sim::engine::BuildError;
use systole_sim::{Engine, Hierarchy, NodeId, Reference};
use systole_verilog::tools::{self, Tool, ToolError};
use systole_verilog::{Options, VerilogOutput};
use tempfile::TempDir;
use thiserror::Error;

use self::bench::{Place, Probe};
pub use self::failure::Failure;
pub use self::stimulus::{Cycle, StimulusPlan, random_stimulus};

/// The most signals and words of a design that are compared: an array of large modules has more than a line should hold.
const MAX_PROBES: usize = 1000;

/// About how many gates a design may have to be synthesized.
const SMALL_GATES: u64 = 10_000;

/// A design and what it is given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// The design; its validity is checked first.
    pub design: Design,
    /// Its stimulus.
    pub stimulus: StimulusPlan,
}

/// Why nothing could be compared.
#[derive(Debug, Error)]
pub enum LockstepError {
    /// A tool is missing or does not start.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// Files for the tools could not be written or read.
    #[error("a file for Icarus Verilog in {folder} could not be written or read")]
    Files {
        /// The folder.
        folder: String,
        /// What the system said.
        source: io::Error,
    },
}

/// A case that is ready for Icarus.
struct Prepared {
    /// Its number in the batch.
    tag: usize,
    verilog: VerilogOutput,
    probes: Vec<Probe>,
    cycles: Vec<Cycle>,
    /// For each cycle, what each probe prints.
    expected: Vec<Vec<String>>,
}

/// Runs cases in lockstep. Answers each with its first failure, if it has one.
///
/// # Errors
/// If Icarus Verilog is missing or files cannot be written.
pub fn check(cases: &[Case]) -> Result<Vec<Option<Failure>>, LockstepError> {
    check_altered(cases, |text| text)
}

/// Like [`check`], with the Verilog of every module changed by `alter` on its way to Icarus: what tests of this comparison
/// plant faults with.
///
/// # Errors
/// If Icarus Verilog is missing or files cannot be written.
pub fn check_altered(cases: &[Case], alter: impl Fn(String) -> String) -> Result<Vec<Option<Failure>>, LockstepError> {
    let mut failures: Vec<Option<Failure>> = vec![None; cases.len()];
    let mut ready = Vec::new();
    for (tag, case) in cases.iter().enumerate() {
        match prepare(tag, case, cases.len() > 1) {
            Ok(prepared) => ready.push(prepared),
            Err(failure) => failures[tag] = Some(failure),
        }
    }
    ready.iter_mut().flat_map(|prepared| &mut prepared.verilog.modules).for_each(|module| {
        module.text = alter(std::mem::take(&mut module.text));
    });
    match simulate(cases, &ready)? {
        Ok(outcomes) => outcomes.into_iter().for_each(|(tag, outcome)| failures[tag] = outcome),
        Err(failure) if ready.len() <= 1 => ready.iter().for_each(|prepared| failures[prepared.tag] = Some(failure.clone())),
        // Who spoiled the run shows when each runs alone.
        Err(_) => {
            for prepared in &ready {
                let outcome = check_altered(std::slice::from_ref(&cases[prepared.tag]), &alter as &dyn Fn(String) -> String)?;
                failures[prepared.tag] = outcome.into_iter().next().flatten();
            }
        }
    }
    Ok(failures)
}

/// Runs one case alone, in lockstep, then through the other tools, and builds a model of it. Answers with its first failure, if it
/// has one.
///
/// # Errors
/// If a tool is missing or files cannot be written.
pub fn check_everywhere(case: &Case) -> Result<Option<Failure>, LockstepError> {
    let failure = check(std::slice::from_ref(case))?.into_iter().next().flatten();
    let failure = if failure.is_some() { failure } else { check_with_other_tools(&case.design)? };
    if failure.is_some() { Ok(failure) } else { check_build(&case.design) }
}

/// Builds a C++ model of a design with Verilator, all warnings on: lint does not show which names C++ refuses. Takes seconds.
///
/// # Errors
/// If a tool is missing or files cannot be written.
pub fn check_build(design: &Design) -> Result<Option<Failure>, LockstepError> {
    in_verilog(design, |folder, files, top| {
        let model = scratch()?;
        refused(Tool::Verilator, tools::build(folder, files, top, model.path()))
    })
}

/// Lints the Verilog of a design with Verilator, all warnings on, and synthesizes it with Yosys if it is [`is_small`].
///
/// # Errors
/// If a tool is missing or files cannot be written.
pub fn check_with_other_tools(design: &Design) -> Result<Option<Failure>, LockstepError> {
    in_verilog(design, |folder, files, top| {
        let failure = refused(Tool::Verilator, tools::lint(folder, files, top))?;
        if failure.is_some() || !is_small(design) {
            return Ok(failure);
        }
        refused(Tool::Yosys, tools::check(folder, files, top))
    })
}

/// What `check` says of the design's Verilog, given its folder, its files in it and its top module.
fn in_verilog(
    design: &Design,
    check: impl FnOnce(&Path, &[String], &str) -> Result<Option<Failure>, LockstepError>,
) -> Result<Option<Failure>, LockstepError> {
    let verilog = match guarded("the Verilog writer", || systole_verilog::write(design, &Options { locations: true })) {
        Ok(verilog) => verilog,
        Err(failure) => return Ok(Some(failure)),
    };
    let folder = scratch()?;
    let files = verilog.write_files(folder.path()).map_err(|source| in_folder(&folder, source))?;
    check(folder.path(), &files, &verilog.top().name)
}

/// A tool's refusal as a failure of the design; that it is missing is none.
fn refused(tool: Tool, answer: Result<(), ToolError>) -> Result<Option<Failure>, LockstepError> {
    match answer {
        Err(error @ (ToolError::Missing { .. } | ToolError::Start { .. })) => Err(error.into()),
        Err(error) => Ok(Some(Failure::Refused { tool: tool.program(), messages: error.to_string() })),
        Ok(()) => Ok(None),
    }
}

/// Whether Yosys synthesizes the design within seconds: it has few gates, which wide products and shifts do not.
pub fn is_small(design: &Design) -> bool {
    let gates_of = |module: &ModuleDef| -> u64 {
        let width = |id: &CellId| u64::from(module.ty(*id).width());
        let gates = module.cells.iter().zip(&module.info).map(|(cell, info)| match cell {
            Cell::Mul(a, b) => width(a) * width(b),
            Cell::ShiftLeft(a, amount) | Cell::ShiftRight(a, amount) => width(a) * width(amount).min(8),
            Cell::Select { options, .. } => u64::from(info.ty.width()) * options.len() as u64,
            Cell::MemoryRead { memory, .. } | Cell::MemoryReadRegistered { memory, .. } => {
                u64::from(info.ty.width()) * u64::from(module.memories[memory.index()].depth)
            }
            _ => u64::from(info.ty.width()),
        });
        let words =
            module.memories.iter().map(|memory| u64::from(memory.depth) * u64::from(memory.ty.width()) * (1 + memory.writes.len() as u64));
        gates.chain(words).sum()
    };
    let gates: u64 = design.modules.iter().zip(design.instance_counts()).map(|(module, count)| count * gates_of(module)).sum();
    gates <= SMALL_GATES
}

/// Everything up to the tools. In a batch, modules of different cases must have different names.
fn prepare(tag: usize, case: &Case, in_batch: bool) -> Result<Prepared, Failure> {
    let original = &case.design;
    original.validate().map_err(|violations| Failure::Invalid(violations.first().map(ToString::to_string).unwrap_or_default()))?;
    match guarded("the text form", || Ok::<_, Failure>(Design::parse(&original.to_text())))? {
        Ok(parsed) if parsed == *original => {}
        Ok(_) => return Err(Failure::RoundTrip("another design".to_string())),
        Err(errors) => return Err(Failure::RoundTrip(errors.first().map(ToString::to_string).unwrap_or_default())),
    }
    let design = if in_batch { with_prefixed_modules(original, tag) } else { original.clone() };
    let verilog = guarded("the Verilog writer", || systole_verilog::write(&design, &Options { locations: true }))?;
    let cycles = random_stimulus(&design, case.stimulus);
    let (probes, expected) = guarded("the reference engine", || {
        let mut engine = Reference::new(&Arc::new(design))?;
        let probes = probes(engine.hierarchy(), &verilog);
        let expected = record(&mut engine, &cycles, &probes);
        Ok::<_, BuildError>((probes, expected))
    })?;
    Ok(Prepared { tag, verilog, probes, cycles, expected })
}

fn with_prefixed_modules(design: &Design, tag: usize) -> Design {
    let mut design = design.clone();
    design.modules.iter_mut().for_each(|module| module.name = format!("d{tag} {}", module.name));
    design
}

/// Runs a part of ours; an error or a panic is a failure of the case, and the campaign goes on.
fn guarded<T, E: std::fmt::Display>(part: &'static str, run: impl FnOnce() -> Result<T, E>) -> Result<T, Failure> {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(Failure::Broken { part, message: error.to_string() }),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
            Err(Failure::Broken { part, message: format!("panic: {}", text.unwrap_or("without a message")) })
        }
    }
}

/// The output ports of the top module, then every net and every word of every instance, as far as there is room.
fn probes(hierarchy: &Hierarchy, verilog: &VerilogOutput) -> Vec<Probe> {
    let top = hierarchy.module(NodeId::TOP);
    let outputs = top.outputs.iter().enumerate().map(|(i, port)| Probe {
        node: NodeId::TOP,
        place: Place::Cell(port.value),
        path: format!("out_{i}"),
        label: format!("output `{}`", port.name),
    });
    let mut probes: Vec<Probe> = outputs.collect();
    let mut waiting = vec![(NodeId::TOP, "dut".to_string())];
    while let Some((node, path)) = waiting.pop() {
        let definition = hierarchy.module(node);
        let Some(module) = verilog.modules.iter().find(|module| module.module == hierarchy.module_id(node)) else { continue };
        let nets = module.nets.iter().zip(definition.cell_ids()).filter_map(|(net, cell)| {
            let path = format!("{path}.{}", net.as_ref()?);
            let label = format!("`{}`, which is {path} in the Verilog", hierarchy.signal_path(node, cell));
            Some(Probe { node, place: Place::Cell(cell), path, label })
        });
        probes.extend(nets);
        for (name, (memory, id)) in module.memories.iter().zip(definition.memories.iter().zip((0..).map(MemoryId))) {
            let label = hierarchy.path_of(node, &memory.name);
            probes.extend((0..memory.depth).map(|address| Probe {
                node,
                place: Place::Word(id, address),
                path: format!("{path}.{name}[{address}]"),
                label: format!("word {address} of memory `{label}`"),
            }));
        }
        let instances = module.instances.iter().zip((0..).map(InstanceId));
        waiting.extend(instances.map(|(name, instance)| (hierarchy.child(node, instance), format!("{path}.{name}"))));
    }
    probes.truncate(MAX_PROBES);
    probes
}

/// What an engine has on the probes in each cycle, settled, before the cycle's edges.
fn record(engine: &mut dyn Engine, cycles: &[Cycle], probes: &[Probe]) -> Vec<Vec<String>> {
    let mut trace = Vec::with_capacity(cycles.len());
    for cycle in cycles {
        for (port, value) in cycle.inputs.iter().enumerate() {
            engine.set_input(port, value.limbs());
        }
        let domains = engine.hierarchy().module(NodeId::TOP).domains.len() as u32;
        (0..domains).map(DomainId).for_each(|domain| engine.set_reset(domain, cycle.resets.contains(domain)));
        engine.settle();
        trace.push(probes.iter().map(|probe| bench::engine_hex(engine, probe)).collect());
        engine.edge(cycle.edges);
    }
    trace
}

/// What became of each case, by its number; or what spoiled the run.
type Outcomes = Result<Vec<(usize, Option<Failure>)>, Failure>;

fn simulate(cases: &[Case], ready: &[Prepared]) -> Result<Outcomes, LockstepError> {
    if ready.is_empty() {
        return Ok(Ok(Vec::new()));
    }
    let folder = scratch()?;
    let (mut files, mut tops) = (Vec::new(), Vec::new());
    for prepared in ready {
        let (design, tag) = (&cases[prepared.tag].design, prepared.tag);
        let bench = bench::text(design, &prepared.verilog, &prepared.probes, tag, prepared.cycles.len());
        let file = format!("d{tag}.v");
        let write = |name: &str, text: String| fs::write(folder.path().join(name), text).map_err(|source| in_folder(&folder, source));
        write(&file, format!("{}\n{bench}", prepared.verilog.text()))?;
        write(&bench::stimulus_file(tag), bench::stimulus_words(design, &prepared.cycles))?;
        files.push(file);
        tops.push(bench::name(&prepared.verilog, tag));
    }
    let printed = match icarus::run(folder.path(), &files, &tops)? {
        Ok(printed) => printed,
        Err(failure) => return Ok(Err(failure)),
    };
    let mut lines: Vec<Vec<&str>> = vec![Vec::new(); cases.len()];
    for line in printed.lines() {
        let (tag, rest) = line.split_once(' ').unwrap_or((line, ""));
        if let Some(lines) = tag.parse().ok().and_then(|tag: usize| lines.get_mut(tag)) {
            lines.push(rest);
        }
    }
    Ok(Ok(ready.iter().map(|prepared| (prepared.tag, compare(prepared, &lines[prepared.tag]))).collect()))
}

/// The first difference between what was expected and the lines that a case printed.
fn compare(prepared: &Prepared, lines: &[&str]) -> Option<Failure> {
    for (cycle, (expected, line)) in prepared.expected.iter().zip(lines).enumerate() {
        // The first word is the cycle's number.
        let got = line.split(' ').skip(1).chain(std::iter::repeat(""));
        let differs = prepared.probes.iter().zip(expected).zip(got).find(|((_, expected), got)| expected != got);
        if let Some(((probe, expected), got)) = differs {
            return Some(Failure::Differs { cycle, signal: probe.label.clone(), expected: expected.clone(), got: got.to_string() });
        }
    }
    let (printed, wanted) = (lines.len(), prepared.expected.len());
    (printed != wanted).then(|| Failure::Unfinished(format!("{printed} of {wanted} cycles")))
}

fn scratch() -> Result<TempDir, LockstepError> {
    tempfile::tempdir().map_err(|source| LockstepError::Files { folder: std::env::temp_dir().display().to_string(), source })
}

fn in_folder(folder: &TempDir, source: io::Error) -> LockstepError {
    LockstepError::Files { folder: folder.path().display().to_string(), source }
}

/// Whether the tools that lockstep needs are there.
///
/// # Errors
/// The first one that is missing, with how to get it.
pub fn find_tools() -> Result<(), ToolError> {
    [Tool::Iverilog, Tool::Vvp].into_iter().try_for_each(|tool| tools::find(tool).map(|_: std::path::PathBuf| ()))
}

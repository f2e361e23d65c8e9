//! Systole's engines in this process, through the interface that drivers and traces use.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use systole_hdl::Design;
use systole_sim::trace::{Trace, TraceFormat, TraceOptions};
use systole_sim::{Compiled, DomainSet, Engine, NodeId, Reference};

use super::measure::{Contender, Cpu, Sample, sample};

/// Which engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The one that people run.
    Compiled,
    /// The interpreter.
    Reference,
}

/// An engine for a design, not yet settled.
///
/// # Errors
/// If the design is too large.
pub fn engine(kind: Kind, design: &Arc<Design>) -> Result<Box<dyn Engine>> {
    Ok(match kind {
        Kind::Compiled => Box::new(Compiled::new(design)?),
        Kind::Reference => Box::new(Reference::new(design)?),
    })
}

/// From the description to the end of the first cycle: elaboration, making the engine, a cycle.
///
/// # Errors
/// If the description or the engine refuses.
pub fn ready(kind: Kind, elaborate: &dyn Fn() -> Result<Design>) -> Result<Sample> {
    let (start, cpu) = (Instant::now(), Cpu::Thread.now());
    let design = Arc::new(elaborate()?);
    let mut engine = engine(kind, &design)?;
    engine.settle();
    engine.advance(DomainSet::first(1), 1);
    Ok(Sample { cycles: 1, cpu: Cpu::Thread.now() - cpu, wall: start.elapsed() })
}

/// The design's output `checksum` after so many cycles.
pub fn checksum_after(engine: &mut dyn Engine, cycles: u64) -> u32 {
    engine.settle();
    engine.advance(DomainSet::first(1), cycles);
    let outputs = &engine.hierarchy().module(NodeId::TOP).outputs;
    let value = outputs.iter().find(|port| port.name == "checksum").expect("a design of this benchmark has this output").value;
    engine.read_u64(NodeId::TOP, value) as u32
}

/// A settled engine that runs without a trace.
pub struct Untraced(pub Box<dyn Engine>);

impl Contender for Untraced {
    fn measure(&mut self, seconds: f64) -> Result<Sample> {
        sample(Cpu::Thread, seconds, |cycles| {
            self.0.advance(DomainSet::first(1), cycles);
            Ok(())
        })
    }
}

/// An engine whose every signal is written to a file: a new engine and a new file for each measurement, which ends when the file is
/// complete. The processor time is that of all threads: a trace has one of its own.
pub struct Traced {
    /// What runs.
    pub design: Arc<Design>,
    /// How it is written.
    pub format: TraceFormat,
    /// Where to.
    pub file: PathBuf,
}

impl Contender for Traced {
    fn measure(&mut self, seconds: f64) -> Result<Sample> {
        let mut engine = engine(Kind::Compiled, &self.design)?;
        let options = TraceOptions { format: self.format, ..TraceOptions::default() };
        let mut trace = Trace::create(&self.file, &mut *engine, &options)?;
        engine.settle();
        let domains = DomainSet::first(1);
        let mut cycle = 0;
        let (start, cpu) = (Instant::now(), Cpu::Process.now());
        let run = sample(Cpu::Process, seconds, |cycles| {
            for _ in 0..cycles {
                trace.observe(cycle, &*engine, domains)?;
                engine.edge(domains);
                engine.settle();
                cycle += 1;
            }
            Ok(())
        })?;
        trace.finish()?;
        let done = Sample { cycles: run.cycles, cpu: Cpu::Process.now() - cpu, wall: start.elapsed() };
        std::fs::remove_file(&self.file).with_context(|| format!("{} cannot be removed", self.file.display()))?;
        Ok(done)
    }
}

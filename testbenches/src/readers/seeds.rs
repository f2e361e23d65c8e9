//! The real files that are mutated.

use std::fs;
use std::io::{Cursor, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use systole_kernels::kernel::RunContext;
use systole_kernels::registry::configure;
use systole_kernels::report::Outcome;
use systole_sim::record::Record;
use systole_sim::{EngineKind, Options, Simulator};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::Kind;

/// A configuration whose run is small.
const SMALL: &str = r#"kernel = "sparsify"
lanes = 1
weights = { random = "gaussian", shape = [8, 3] }
"#;

/// The files of a kind.
pub fn seeds(kind: Kind) -> Result<Vec<Vec<u8>>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate lies in a folder of the workspace")?;
    match kind {
        Kind::Configuration => all_of(&root.join("configs"), "toml"),
        Kind::Netlist => all_of(&root.join("testbenches/replays"), "netlist"),
        Kind::Safetensors => Ok(vec![outputs()?.swap_remove(0)]),
        Kind::Npy => Ok(outputs()?.split_off(1)),
        Kind::Npz => {
            let arrays = outputs()?.split_off(1);
            [CompressionMethod::Stored, CompressionMethod::Deflated].into_iter().map(|method| npz(&arrays, method)).collect()
        }
        Kind::Record => Ok(vec![record()?]),
    }
}

fn all_of(folder: &Path, extension: &str) -> Result<Vec<Vec<u8>>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| path.extension().is_some_and(|found| found == extension));
    // In the order of names, so that numbers stand for the same files everywhere.
    paths.sort();
    paths.iter().map(|path| Ok(fs::read(path)?)).collect()
}

/// What a small run writes: `outputs.safetensors`, then its arrays in NumPy's format.
fn outputs() -> Result<Vec<Vec<u8>>> {
    let outcome = run(None)?;
    let files = systole::tensors::write::files(&outcome.outputs, true).map_err(|_| anyhow::anyhow!("the outputs cannot be written"))?;
    Ok(files.into_iter().map(|file| file.content).collect())
}

fn npz(arrays: &[Vec<u8>], method: CompressionMethod) -> Result<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (number, array) in arrays.iter().enumerate() {
        archive.start_file(format!("arr_{number}.npy"), SimpleFileOptions::default().compression_method(method))?;
        archive.write_all(array)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// The record of a small run.
fn record() -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("record.systole");
    run(Some(&path))?;
    Ok(fs::read(&path)?)
}

fn run(record: Option<&Path>) -> Result<Outcome> {
    let (_, configured) = configure(SMALL.parse()?)?;
    let design = configured.design(&[])?;
    let mut engine = EngineKind::Compiled.make(&design.into())?;
    let record = record.map(|path| -> Result<Record> {
        let mut record = Record::create(path, &mut *engine)?;
        // Several checkpoints in a small file.
        record.set_checkpoint_growth(200);
        Ok(record)
    });
    let record = record.transpose()?;
    let mut simulator = Simulator::with_engine(engine, &Options::default())?;
    let attached = record.map(|record| simulator.attach(record));
    let prepared = configured.prepare(Vec::new())?;
    let progress = &mut |_| ControlFlow::Continue(());
    let outcome = prepared.run(&mut RunContext { simulator: &mut simulator, cycle_limit: 100_000, progress })?;
    if let Some(attached) = attached {
        simulator.detach(attached).map_err(|error| anyhow::anyhow!("the record is not complete: {error}"))?;
    }
    Ok(outcome)
}

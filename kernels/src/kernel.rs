//! What every kernel offers, so that the command line, reports, export and tests treat all kernels alike.
//!
//! The life of a run: a [`Kernel`] reads its configuration and becomes [`Configured`]; that says which tensors it needs and
//! gives the hardware; with the tensors it becomes [`Prepared`]; that drives a simulator and gives an [`Outcome`].
//!
//! **Invariant.** A kernel never prints, never opens a file and never parses arguments. Its caller, the *host*, does: it
//! reads the configuration, loads the tensors, makes the simulator (engine, trace, limits) and shows progress.

use std::marker::PhantomData;
use std::ops::ControlFlow;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use systole_hdl::{Design, Diagnostics};
use systole_sim::Simulator;
use thiserror::Error;

use crate::common::slice::Slice;
use crate::common::tensor::Tensor;
use crate::report::{ImpossibleThroughput, Outcome};

/// A kernel: a family of hardware under a name.
pub trait Kernel: Sync {
    /// The name in configurations, such as `gemm`.
    fn name(&self) -> &'static str;

    /// What it computes, in one line.
    fn summary(&self) -> &'static str;

    /// JSON schema of its configuration, without the key `kernel`.
    fn schema(&self) -> schemars::Schema;

    /// Reads and checks a configuration, which no longer holds the key `kernel`.
    ///
    /// # Errors
    /// For an unknown key, a wrong type, or parameters that the hardware does not support.
    fn configure(&self, config: toml::Table) -> Result<Box<dyn Configured>, ConfigError>;
}

/// The parameters of a kernel: its configuration as a type.
pub trait KernelParameters: Configured + DeserializeOwned + JsonSchema + 'static {
    /// The kernel's name in configurations.
    const NAME: &'static str;

    /// What the kernel computes, in one line.
    const SUMMARY: &'static str;

    /// Refuses what the hardware does not support, as far as it shows without the tensors.
    ///
    /// # Errors
    /// The first key at fault, why, and the nearest thing that works.
    fn validate(&self) -> Result<(), ConfigError>;

    /// Reads and checks a configuration.
    ///
    /// # Errors
    /// For an unknown key or a wrong type, and as [`KernelParameters::validate`].
    fn read(config: toml::Table) -> Result<Self, ConfigError> {
        let parameters: Self = deserialize(config)?;
        parameters.validate()?;
        Ok(parameters)
    }
}

/// The kernel with these parameters.
pub struct KernelOf<P>(PhantomData<fn() -> P>);

impl<P> KernelOf<P> {
    /// The only one.
    pub const KERNEL: KernelOf<P> = KernelOf(PhantomData);
}

impl<P: KernelParameters> Kernel for KernelOf<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    fn summary(&self) -> &'static str {
        P::SUMMARY
    }

    fn schema(&self) -> schemars::Schema {
        schemars::schema_for!(P)
    }

    fn configure(&self, config: toml::Table) -> Result<Box<dyn Configured>, ConfigError> {
        Ok(Box::new(P::read(config)?))
    }
}

/// A kernel with its parameters, checked as far as is possible without the tensors.
pub trait Configured {
    /// The configuration with its defaults filled in, but for those that follow from the tensors: [`Prepared::config`] has these too.
    fn config(&self) -> serde_json::Value;

    /// The seed of random data and random stalls.
    fn seed(&self) -> u64;

    /// The tensors that the host has to load.
    fn tensors(&self) -> Vec<TensorRequest>;

    /// Whether sizes of the hardware follow from the tensors' shapes, so that [`Configured::design`] has to be given them.
    fn design_needs_tensors(&self) -> bool {
        false
    }

    /// Elaborates the hardware. `tensors` are parallel to [`Configured::tensors`], or empty if they are not
    /// [needed](Configured::design_needs_tensors).
    ///
    /// # Errors
    /// If the tensors' shapes are beyond what the hardware supports, or its description is at fault for these parameters.
    fn design(&self, tensors: &[Tensor]) -> Result<Design, DesignError>;

    /// Quantizes the tensors, which are parallel to [`Configured::tensors`], generates random data, and computes the golden results.
    ///
    /// # Errors
    /// If shapes do not fit together or the values are beyond what the hardware supports.
    fn prepare(&self, tensors: Vec<Tensor>) -> Result<Box<dyn Prepared>, ConfigError>;
}

/// A kernel with its data, ready to run.
pub trait Prepared {
    /// The configuration that runs: with its defaults filled in, those that follow from the tensors included.
    fn config(&self) -> serde_json::Value;

    /// Simulates the whole work and compares the results with the golden model. Results that differ are an `Ok` outcome that
    /// says so.
    ///
    /// # Errors
    /// If the simulation stops early, by a deadlock, a limit or the host, or if surplus words come out.
    fn run(&self, context: &mut RunContext<'_>) -> Result<Outcome, RunError>;
}

/// What the host gives to a run.
pub struct RunContext<'a> {
    /// A simulation of [`Configured::design`] in its initial state, with its streams counted and without drivers on them.
    pub simulator: &'a mut Simulator,
    /// Cycles that the run may take, counted as [`Cycles::total`](crate::report::Cycles::total) counts them: after the reset, up to the last
    /// output word.
    pub cycle_limit: u64,
    /// Called from time to time with the state of the run; a break stops it.
    pub progress: &'a mut dyn FnMut(Progress) -> ControlFlow<()>,
}

/// How far a run is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Progress {
    /// Output words received.
    pub done: u64,
    /// Output words of the whole run.
    pub total: u64,
    /// Cycles simulated.
    pub cycles: u64,
}

/// A tensor that a kernel wants from a file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TensorRequest {
    /// Where in the configuration it is asked for, such as `layers[0].b`.
    pub key: String,
    /// The file as the configuration writes it.
    pub file: PathBuf,
    /// The tensor's name in the file; may be absent where the file holds a single one.
    pub tensor: Option<String>,
    /// The part of the tensor that is wanted.
    pub slice: Slice,
}

/// A configuration that cannot be used: where, why, and what would be accepted.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("{}{message}{}", in_front(key), behind(remedy))]
pub struct ConfigError {
    /// Path of the key, such as `layers[0].b.file`; empty for the configuration as a whole.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What would be accepted, where that is known.
    pub remedy: Option<String>,
}

fn in_front(key: &str) -> String {
    if key.is_empty() { String::new() } else { format!("`{key}`: ") }
}

fn behind(remedy: &Option<String>) -> String {
    remedy.as_ref().map(|remedy| format!("; {remedy}")).unwrap_or_default()
}

impl ConfigError {
    /// An error at a key without a known remedy.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> ConfigError {
        ConfigError { key: key.into(), message: message.into(), remedy: None }
    }

    /// The same with what would be accepted.
    pub fn with_remedy(self, remedy: impl Into<String>) -> ConfigError {
        ConfigError { remedy: Some(remedy.into()), ..self }
    }
}

/// There is no hardware.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum DesignError {
    /// The configuration and its tensors ask for hardware that is not supported.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The hardware's description is at fault: what elaboration reports, one entry a diagnostic.
    #[error("the hardware does not elaborate:\n{}", .0.join("\n"))]
    Elaboration(Vec<String>),
}

impl From<Diagnostics> for DesignError {
    fn from(diagnostics: Diagnostics) -> DesignError {
        DesignError::Elaboration(diagnostics.0.iter().map(ToString::to_string).collect())
    }
}

/// A run that came to no result.
#[derive(Debug, Error)]
pub enum RunError {
    /// The simulation stopped: a deadlock, or an observer that gave up.
    #[error(transparent)]
    Stopped(#[from] systole_sim::RunError),
    /// The run took as many cycles as it may, and was not done.
    #[error("not done within {limit} cycles")]
    CycleLimit {
        /// Cycles that it may take.
        limit: u64,
    },
    /// The simulation came to a deadlock, and the kernel knows why: that is what is displayed.
    #[error("{reason}")]
    Deadlock {
        /// What the simulation says, of signals.
        stopped: systole_sim::RunError,
        /// What of the configuration makes it so.
        reason: String,
        /// What to change.
        remedy: String,
    },
    /// The hardware refused its input, as the configuration asks it to.
    #[error("{reason}")]
    Refused {
        /// What it refused, and why.
        reason: String,
        /// What to change.
        remedy: String,
    },
    /// The hardware does not have the streams that the run drives, or a word does not fit one.
    #[error(transparent)]
    Drivers(#[from] systole_sim::SimError),
    /// The host asked to stop.
    #[error("stopped in cycle {cycle}")]
    Interrupted {
        /// The cycle in which the run stands.
        cycle: u64,
    },
    /// More words came out than the work has.
    #[error("stream `{stream}` gave {words} words more than the work has")]
    Surplus {
        /// The output stream.
        stream: String,
        /// How many.
        words: u64,
    },
    /// The measured counts contradict each other.
    #[error(transparent)]
    Inconsistent(#[from] ImpossibleThroughput),
}

/// A configuration with its defaults, for the report.
pub fn serialize(parameters: &impl Serialize) -> serde_json::Value {
    serde_json::to_value(parameters).expect("parameters have only string keys and finite numbers")
}

/// Deserializes a configuration, turning errors into a key path, a message and a remedy.
///
/// # Errors
/// For an unknown key (with the nearest known one), a missing key or a wrong type.
pub fn deserialize<T: DeserializeOwned>(config: toml::Table) -> Result<T, ConfigError> {
    serde_path_to_error::deserialize(toml::Value::Table(config)).map_err(|error| {
        let path = error.path().to_string();
        let key = if path == "." { "" } else { &path };
        let error = error.into_inner();
        let message = error.message();
        if let Some((unknown, accepted)) = unknown_word(message, "unknown field `") {
            let parent = key.strip_suffix(unknown).unwrap_or(key).trim_end_matches('.');
            let full = if parent.is_empty() { unknown.to_string() } else { format!("{parent}.{unknown}") };
            return ConfigError::new(full, format!("unknown key `{unknown}`")).with_remedy(remedy_for(unknown, &accepted));
        }
        match unknown_word(message, "unknown variant `") {
            Some((unknown, accepted)) => {
                ConfigError::new(key, format!("there is no `{unknown}`")).with_remedy(remedy_for(unknown, &accepted))
            }
            None => ConfigError::new(key, message),
        }
    })
}

/// What to write instead of `word`: the nearest of `accepted` if one is near, else all of them.
pub fn remedy_for(word: &str, accepted: &[&str]) -> String {
    let nearest = accepted.iter().map(|&known| (strsim::damerau_levenshtein(word, known), known)).min();
    match nearest {
        Some((distance, known)) if distance <= 1 + word.len() / 4 => format!("did you mean `{known}`?"),
        _ => format!("accepted: {}", accepted.join(", ")),
    }
}

/// Takes serde's message on a word that it does not know apart: the word, and those it knows.
fn unknown_word<'a>(message: &'a str, prefix: &str) -> Option<(&'a str, Vec<&'a str>)> {
    let (unknown, expected) = message.strip_prefix(prefix)?.split_once('`')?;
    Some((unknown, expected.split('`').skip(1).step_by(2).collect()))
}

//! What `run`, `export` and `synth` begin with: a configuration, its kernel, its tensors, its hardware.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use systole_hdl::Design;
use systole_kernels::common::tensor::Tensor;
use systole_kernels::kernel::{ConfigError, Configured, DesignError, Kernel, Prepared, TensorRequest};
use systole_kernels::registry::{configure, find};

use crate::arguments::ConfigArguments;
use crate::config::{Config, ReadError};
use crate::failure::Failure;
use crate::output::print_error;
use crate::parameters::parameters;
use crate::tensors;
use crate::tensors::search::Folders;

/// A configuration that its kernel has accepted.
pub struct Workload {
    /// The configuration's text and places.
    pub config: Config,
    /// Its kernel.
    pub kernel: &'static dyn Kernel,
    /// The kernel with its parameters.
    pub configured: Box<dyn Configured>,
    /// Keys of the files about which it was said that they are elsewhere.
    elsewhere: RefCell<BTreeSet<String>>,
}

impl Workload {
    /// Reads the configuration and lets its kernel check it.
    pub fn open(arguments: &ConfigArguments) -> Result<Workload, Failure> {
        let config = Config::read(&arguments.config, &arguments.overrides()).map_err(|error| {
            Failure::Input(match error {
                ReadError::Unreadable(error) => error.into(),
                ReadError::Problem(error) => (*error).into(),
            })
        })?;
        let (kernel, configured) = configure(config.table().clone()).map_err(|error| refused(&config, error))?;
        Ok(Workload { config, kernel, configured, elsewhere: RefCell::default() })
    }

    /// Loads the tensors and lets the kernel quantize them and compute the golden results.
    pub fn prepare(&self) -> Result<Box<dyn Prepared>, Failure> {
        self.configured.prepare(self.load()?).map_err(|error| refused(&self.config, error))
    }

    /// The hardware. Tensors are loaded only where its sizes follow from theirs.
    pub fn design(&self) -> Result<Design, Failure> {
        let tensors = if self.configured.design_needs_tensors() { self.load()? } else { Vec::new() };
        self.configured.design(&tensors).map_err(|error| match error {
            DesignError::Config(error) => refused(&self.config, error),
            error @ DesignError::Elaboration(_) => Failure::defect(&error),
        })
    }

    fn load(&self) -> Result<Vec<Tensor>, Failure> {
        let requests = self.configured.tensors();
        let elsewhere = |request: &TensorRequest, path: &Path| {
            // Once for each key, although tensors may be loaded twice: for the hardware's sizes, and for its data.
            if self.elsewhere.borrow_mut().insert(request.key.clone()) {
                let file = request.file.display();
                let folder = "is not in the configuration's folder; taken from";
                print_error(&format!("note: `{}.file`: {file} {folder} {}\n", request.key, path.display()));
            }
        };
        let folders = Folders::of_configuration(self.config.folder());
        tensors::load_all(&requests, &folders, elsewhere).map_err(|error| refused(&self.config, error))
    }

    /// Where outputs go unless the command line says otherwise: `out/<name of the configuration>`.
    pub fn default_folder(&self) -> PathBuf {
        Path::new("out").join(self.config.name())
    }
}

/// The complaint at its place. Where the kernel knows no remedy, what its schema says of the key is one.
fn refused(config: &Config, error: ConfigError) -> Failure {
    let remedy = error.remedy.clone().or_else(|| {
        let kernel = find(config.table().get("kernel")?.as_str()?).ok()?;
        let key = with_open_indices(&error.key);
        let parameter = parameters(&kernel.schema()).into_iter().find(|parameter| parameter.key == key)?;
        Some(format!("accepted: {}. {}", parameter.accepted, parameter.meaning).trim_end().to_string())
    });
    Failure::Input(config.locate(ConfigError { remedy, ..error }).into())
}

/// `layers[0].relu` as listings write it: `layers[].relu`.
fn with_open_indices(key: &str) -> String {
    let mut in_index = false;
    let keep = |&letter: &char| {
        in_index = (in_index || letter == '[') && letter != ']';
        !in_index || letter == '['
    };
    key.chars().filter(keep).collect()
}

//! All kernels. A new kernel is a folder beside this file and one line here.

use crate::kernel::{ConfigError, Configured, Kernel, KernelOf, remedy_for};
use crate::{attention, gemm, sparse_gemm, sparse_training, sparsify};

/// Every kernel, in the order of listings.
pub static KERNELS: &[&dyn Kernel] = &[
    &KernelOf::<gemm::parameters::Parameters>::KERNEL,
    &KernelOf::<sparse_gemm::parameters::Parameters>::KERNEL,
    &KernelOf::<sparse_training::parameters::Parameters>::KERNEL,
    &KernelOf::<sparsify::parameters::Parameters>::KERNEL,
    &KernelOf::<attention::parameters::Parameters>::KERNEL,
];

/// The kernel of this name.
///
/// # Errors
/// If there is none; the remedy names the nearest.
pub fn find(name: &str) -> Result<&'static dyn Kernel, ConfigError> {
    KERNELS.iter().copied().find(|kernel| kernel.name() == name).ok_or_else(|| {
        let names: Vec<&str> = KERNELS.iter().map(|kernel| kernel.name()).collect();
        ConfigError::new("kernel", format!("there is no kernel `{name}`")).with_remedy(remedy_for(name, &names))
    })
}

/// Reads a whole configuration: the key `kernel` chooses the kernel, the other keys are its parameters.
///
/// # Errors
/// If the key is missing or names no kernel, or if the kernel refuses its parameters.
pub fn configure(mut config: toml::Table) -> Result<(&'static dyn Kernel, Box<dyn Configured>), ConfigError> {
    let kernel = match config.remove("kernel") {
        Some(toml::Value::String(name)) => find(&name)?,
        Some(other) => return Err(ConfigError::new("kernel", format!("expected a string, found {}", other.type_str()))),
        None => {
            let names: Vec<&str> = KERNELS.iter().map(|kernel| kernel.name()).collect();
            return Err(ConfigError::new("kernel", "the key is missing").with_remedy(format!("accepted: {}", names.join(", "))));
        }
    };
    Ok((kernel, kernel.configure(config)?))
}

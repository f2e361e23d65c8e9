//! `systole list`: the kernels, and the parameters of one.

use systole_kernels::kernel::Kernel;
use systole_kernels::registry::{KERNELS, find};

use crate::arguments::ListArguments;
use crate::failure::{Failure, message_with_help};
use crate::output::print;
use crate::parameters::parameters;
use crate::view::{columns, untitled};

/// Prints one line a kernel, or a kernel's parameters.
pub fn list(arguments: &ListArguments) -> Result<(), Failure> {
    match &arguments.kernel {
        None => print(&kernels()),
        Some(name) => {
            let kernel = find(name).map_err(|error| Failure::Input(message_with_help(error.message, error.remedy.unwrap_or_default())))?;
            print(&keys_of(kernel))
        }
    }
}

fn kernels() -> String {
    let mut table = untitled();
    for kernel in KERNELS {
        table.add_row([kernel.name(), kernel.summary()]);
    }
    format!("{table}\n\n`systole list <kernel>` shows a kernel's parameters.\n")
}

fn keys_of(kernel: &dyn Kernel) -> String {
    let mut table = columns(["key", "accepted", "default", "meaning"]);
    for parameter in parameters(&kernel.schema()) {
        table.add_row([parameter.key, parameter.accepted, parameter.default, parameter.meaning]);
    }
    let name = kernel.name();
    format!(
        "{name}: {}\n{table}\n\nA configuration is a TOML file with `kernel = \"{name}\"` and these keys; run it with `systole run <file>`.\n",
        kernel.summary()
    )
}

//! `systole list`: the kernels and their parameters.

use systole_kernels::registry::KERNELS;

use crate::failure::Failure;
use crate::output::print;
use crate::parameters::parameters;
use crate::view::columns;

/// Prints every kernel with its parameters.
pub fn list() -> Result<(), Failure> {
    let mut text = String::new();
    for kernel in KERNELS {
        text += &format!("{}: {}\n", kernel.name(), kernel.summary());
        let mut table = columns(["key", "accepted", "default", "meaning"]);
        for parameter in parameters(&kernel.schema()) {
            table.add_row([parameter.key, parameter.accepted, parameter.default, parameter.meaning]);
        }
        text += &format!("{table}\n\n");
    }
    text += "A configuration is a TOML file with `kernel = \"<name>\"` and these keys; run it with `systole run <file>`.\n";
    print(&text)
}

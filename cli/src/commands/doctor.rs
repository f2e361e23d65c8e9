//! `systole doctor`: which outside tools were found.

use systole_verilog::tools;

use crate::failure::Failure;
use crate::output::print;
use crate::view::columns;

/// Prints every outside tool with its version or how to get it, and what it enables.
pub fn doctor() -> Result<(), Failure> {
    let mut table = columns(["tool", "found", "enables"]);
    for status in tools::doctor() {
        let found = match (status.path, status.version) {
            (Some(_), Some(version)) => version,
            (Some(path), None) => format!("{}, version unknown", path.display()),
            (None, _) => format!("no: {}", status.tool.remedy()),
        };
        table.add_row([status.tool.program(), &found, status.tool.purpose()]);
    }
    print(&format!("{table}\n\nSimulation, waveforms, reports and export need none of them.\n"))
}

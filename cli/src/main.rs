//! The program `systole`; all of it is in the library, whose readers other crates test too.

use std::process::ExitCode;

fn main() -> ExitCode {
    systole::main()
}

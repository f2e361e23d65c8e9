//! The program, run as its users run it.

mod bad_input;
#[cfg(unix)]
mod documents;
mod exports;
mod gates;
#[cfg(unix)]
mod interrupts;
mod listings;
mod outputs;
mod python;
mod records;
mod runs;
mod support;
mod synthesis;

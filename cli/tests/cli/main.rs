//! The program, run as its users run it.

mod bad_input;
#[cfg(unix)]
mod documents;
mod exports;
#[cfg(unix)]
mod full_disk;
mod gates;
#[cfg(unix)]
mod interrupts;
mod limits;
mod listings;
mod outputs;
mod python;
mod records;
mod runs;
#[cfg(target_os = "linux")]
mod streams;
mod support;
mod synthesis;

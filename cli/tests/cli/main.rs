//! The program, run as its users run it.

mod attention;
mod bad_input;
#[cfg(unix)]
mod documents;
mod exports;
#[cfg(unix)]
mod interrupts;
mod listings;
mod runs;
mod support;
mod synthesis;

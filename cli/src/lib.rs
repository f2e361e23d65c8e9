//! The command line of Systole: reads configurations and tensors, runs kernels, shows reports, writes files.
//!
//! Everything that touches the outside (arguments, files, the terminal, outside tools) is here and nowhere below.

// Printing macros panic where nothing can be written; `output` has what does not.
#![deny(clippy::print_stdout, clippy::print_stderr)]

mod arguments;
mod commands;
pub mod config;
mod failure;
mod files;
mod interrupt;
mod output;
mod parameters;
pub mod tensors;
mod text;
mod view;

use std::io::{ErrorKind, IsTerminal};
use std::panic;
use std::process::ExitCode;

use clap::Parser;
use miette::MietteHandlerOpts;

use arguments::{Arguments, Command};
use failure::{BAD_INPUT, Failure};
use interrupt::catch_interrupts;
use output::{print_error, unwritable};

/// The program: reads the command line, does what it says, and gives the exit code.
pub fn main() -> ExitCode {
    install_hooks();
    catch_interrupts();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(answer) => return answered(&answer),
    };
    let done = match arguments.command {
        Command::List(arguments) => commands::list::list(&arguments),
        Command::Run(arguments) => commands::run::run(&arguments),
        Command::Trace(arguments) => commands::trace::trace(&arguments),
        Command::Export(arguments) => commands::export::export(&arguments),
        Command::Schema(arguments) => commands::schema::schema(&arguments),
        Command::Synth(arguments) => commands::synth::synth(&arguments),
        Command::Doctor => commands::doctor::doctor(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

/// Says why there is no success.
fn failed(failure: &Failure) -> ExitCode {
    print_error(&format!("{:?}\n", failure.report()));
    failure.exit_code()
}

/// Shows the help or the version that was asked for, or what is wrong with the command line.
fn answered(answer: &clap::Error) -> ExitCode {
    let code = if answer.use_stderr() { BAD_INPUT } else { 0 };
    match answer.print() {
        // Help that could not be shown is a failure, as results are; a reader that went away has seen enough.
        Err(error) if code == 0 && error.kind() != ErrorKind::BrokenPipe => failed(&unwritable(&error)),
        _ => ExitCode::from(code),
    }
}

/// How errors and panics are shown.
fn install_hooks() {
    let on_terminal = std::io::stderr().is_terminal();
    // Off the terminal, text is for programs and logs: lines are not broken at some width.
    // Fails only if a hook was set before, and this is the first thing that the program does.
    let _ = miette::set_hook(Box::new(move |_| {
        let options = MietteHandlerOpts::new();
        Box::new(if on_terminal { options } else { options.wrap_lines(false) }.build())
    }));
    panic::set_hook(Box::new(|panic| {
        print_error(&format!(
            "systole {} has come upon a defect in itself: {panic}\n\
             This is a bug in Systole, whatever the input was. Please report it with the command and the configuration that led here.\n",
            env!("CARGO_PKG_VERSION")
        ));
    }));
}

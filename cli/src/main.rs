//! The command line of Systole: reads configurations and tensors, runs kernels, shows reports, writes files.
//!
//! Everything that touches the outside (arguments, files, the terminal, outside tools) is here and nowhere below.

mod arguments;
mod commands;
mod config;
mod failure;
mod files;
mod interrupt;
mod output;
mod parameters;
mod tensors;
mod view;

use std::io::IsTerminal;
use std::panic;
use std::process::ExitCode;

use clap::Parser;
use miette::MietteHandlerOpts;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    install_hooks();
    let done = match Arguments::parse().command {
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
        Err(failure) => {
            eprintln!("{:?}", failure.report());
            failure.exit_code()
        }
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
        eprintln!(
            "systole {} has come upon a defect in itself: {panic}\n\
             This is a bug in Systole, whatever the input was. Please report it with the command and the configuration that led here.",
            env!("CARGO_PKG_VERSION")
        );
    }));
}

//! The outside tools: which there are, how to find them, how to install them.

use std::env;

use anyhow::{Result, bail};
use xshell::{Shell, cmd};

use crate::python;

/// An outside program and where it comes from.
struct Tool {
    program: &'static str,
    /// The Debian package that brings it.
    package: &'static str,
    /// What needs it.
    purpose: &'static str,
}

/// What the tests call. Verilator turns a design into C++ and needs a compiler and make to run it.
const TOOLS: &[Tool] = &[
    Tool { program: "verilator", package: "verilator", purpose: "lint and simulation of exported Verilog" },
    Tool { program: "g++", package: "g++", purpose: "simulation with Verilator" },
    Tool { program: "make", package: "make", purpose: "simulation with Verilator" },
    Tool { program: "iverilog", package: "iverilog", purpose: "simulation of exported Verilog" },
    Tool { program: "vvp", package: "iverilog", purpose: "simulation of exported Verilog" },
    Tool { program: "yosys", package: "yosys", purpose: "synthesis, and proofs of equality" },
    Tool { program: "vcd2fst", package: "gtkwave", purpose: "an independent reader of VCD traces" },
    Tool { program: "fst2vcd", package: "gtkwave", purpose: "an independent reader of FST traces" },
    Tool { program: "python3", package: "python3", purpose: "an independent reader of output tensors" },
];

/// Makes sure that every tool is there: installs the missing ones where that is possible without asking, otherwise
/// fails with the names of what is missing and the command that installs it.
pub fn install(shell: &Shell) -> Result<()> {
    install_programs(shell)?;
    if python::present(shell) {
        return Ok(());
    }
    // Debian's own Python makes no environments without this package, and others do.
    match privileges(shell) {
        Some(sudo) if python::make(shell).is_err() => apt_get(shell, sudo, &["python3-venv"]).and_then(|()| python::make(shell)),
        Some(_) => Ok(()),
        None => python::make(shell),
    }
}

fn install_programs(shell: &Shell) -> Result<()> {
    let absent = missing();
    if absent.is_empty() {
        return Ok(());
    }
    let mut packages: Vec<&str> = absent.iter().map(|tool| tool.package).collect();
    packages.dedup();
    let advice = advice(&absent, &packages);
    let Some(sudo) = privileges(shell) else { bail!(advice) };
    if let Err(error) = apt_get(shell, sudo, &packages) {
        bail!("{error}\n{advice}");
    }
    let still_absent = missing();
    if !still_absent.is_empty() {
        bail!("after installing {}: {}", packages.join(" "), self::advice(&still_absent, &packages));
    }
    Ok(())
}

/// Installs Debian packages; `sudo` are the words before `apt-get`.
fn apt_get(shell: &Shell, sudo: &[&str], packages: &[&str]) -> Result<()> {
    eprintln!("installing {}", packages.join(" "));
    let silent = "DEBIAN_FRONTEND=noninteractive";
    cmd!(shell, "env {sudo...} env {silent} apt-get update").run()?;
    cmd!(shell, "env {sudo...} env {silent} apt-get install --yes --no-install-recommends").args(packages).run()?;
    Ok(())
}

/// Whether a program of this name is on the search path.
pub fn on_path(program: &str) -> bool {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(&file).is_file()))
}

fn missing() -> Vec<&'static Tool> {
    TOOLS.iter().filter(|tool| !on_path(tool.program)).collect()
}

/// The words before `apt-get` that let it install without asking: none for root, `sudo -n` where that works. `None` where
/// there is no `apt-get` or no permission.
fn privileges(shell: &Shell) -> Option<&'static [&'static str]> {
    if !on_path("apt-get") {
        None
    } else if cmd!(shell, "id -u").quiet().read().is_ok_and(|user| user == "0") {
        Some(&[])
    } else if on_path("sudo") && cmd!(shell, "sudo -n true").quiet().ignore_stderr().run().is_ok() {
        Some(&["sudo", "-n"])
    } else {
        None
    }
}

fn advice(absent: &[&Tool], packages: &[&str]) -> String {
    let mut text = String::from("these tools are missing:\n");
    for tool in absent {
        text += &format!("  {:<10} {}\n", tool.program, tool.purpose);
    }
    text + &format!("install them, then run this again; on Debian or Ubuntu: sudo apt-get install {}", packages.join(" "))
}

//! What the processing elements of dense and sparse arrays take on a device; see the library's module `element_size`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Parser;
use systole_kernels::sparse::pattern::Pattern;
use systole_testbenches::element_size::{Kept, by_group, by_pattern, measure};
use systole_testbenches::exit_code;
use systole_verilog::tools::{Target, Tool, version};

/// The patterns that are compared, where their groups are measured.
const PATTERNS: [(usize, usize); 6] = [(2, 4), (1, 4), (2, 8), (1, 8), (1, 16), (1, 32)];

/// Synthesize single processing elements with Yosys and print what they take, as tables in Markdown.
///
/// Operands are s8, accumulators s32. The device is AMD's 7 series without its multiplier blocks, unless another is chosen. An element for groups of M does the work of M/N dense ones on
/// weights of the pattern N:M.
#[derive(Parser)]
#[command(name = "element-size")]
struct Arguments {
    /// M, the activations that an element picks from; 1, which all are compared with, is among them.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 2, 4, 8, 16, 32])]
    groups: Vec<u32>,
    /// The device, by the name that `systole synth` has for it. A carry cell and a distributed RAM count as the LUTs that they take.
    #[arg(long, default_value = Target::XilinxLut.name())]
    target: String,
}

fn main() -> ExitCode {
    exit_code(run(&Arguments::parse()))
}

fn run(arguments: &Arguments) -> Result<()> {
    let target = Target::ALL
        .into_iter()
        .find(|target| target.name() == arguments.target)
        .with_context(|| format!("`{}` is no target; there are {}", arguments.target, Target::ALL.map(Target::name).join(", ")))?;
    println!("{}, target {}", version(Tool::Yosys)?, target.name());
    let patterns = PATTERNS.map(|(n, m)| Pattern::new(n, m).expect("the patterns above exist"));
    for kept in Kept::ALL {
        let sizes = arguments.groups.iter().map(|&elements| measure(kept, elements, target)).collect::<Result<Vec<_>>>()?;
        println!("\n{}\n\n{}\n{}", kept.element(), by_group(&sizes)?, by_pattern(&sizes, &patterns)?.trim_end());
    }
    Ok(())
}

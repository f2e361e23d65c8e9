//! What a processing element of the systolic arrays takes on a device, by the group of activations that it picks from.
//!
//! An element for groups of M holds the M activations that pass, an index of log₂ M bits beside each weight, and a selector of M
//! activations; nothing of it depends on N. Where multiplier and adder are LUTs and carry chains, Yosys maps them a little differently each
//! time: differences between elements are uncertain by some 20 LUTs, so the selector is measured by itself, too. The network that leads groups to the rows, and the buffers, are no part of it.

use anyhow::{Context, Result, anyhow, ensure};
use systole_hdl::prelude::*;
use systole_hdl::{Component, Design, elaborate};
use systole_kernels::sparse::pattern::Pattern;
use systole_kernels::systolic::hardware::{Group, OutputStationaryPe, StationaryPe};
use systole_verilog::tools::{Resources, Target, synthesize};
use systole_verilog::{Options, write};

/// Type of an activation and of a weight.
const OPERAND: Type = Type::s(8);
/// Type of a sum.
const ACCUMULATOR: Type = Type::s(32);

/// Which operand or sum an element keeps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// A weight, and the next one beside it.
    Weight,
    /// A sum, and the finished one beside it.
    Sum,
}

impl Kept {
    /// Both.
    pub const ALL: [Kept; 2] = [Kept::Weight, Kept::Sum];

    /// The element's type, as the hardware names it.
    pub fn element(self) -> &'static str {
        match self {
            Kept::Weight => "StationaryPe",
            Kept::Sum => "OutputStationaryPe",
        }
    }
}

/// The size of one element.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Size {
    /// M, the activations that it picks from; 1 for a dense one.
    pub elements: u32,
    /// Look-up tables.
    pub lut: u64,
    /// Flip-flops.
    pub ff: u64,
    /// Look-up tables of its selector, synthesized alone.
    pub selector_lut: u64,
}

/// Picks an activation, as an element does.
#[derive(Clone, Debug)]
struct Selector {
    /// M.
    elements: u32,
}

bundle! {
    /// What enters a [`Selector`].
    struct SelectorIn { activations: Vec<Signal>, index: Signal }
}
bundle! {
    /// What leaves a [`Selector`].
    struct SelectorOut { picked: Signal }
}

impl Component for Selector {
    type In = SelectorIn;
    type Out = SelectorOut;

    fn inputs(&self) -> SelectorIn {
        SelectorIn { activations: (0..self.elements).map(|_| port(OPERAND)).collect(), index: port(Type::index(self.elements)) }
    }

    fn build(&self, _: Module, i: SelectorIn) -> SelectorOut {
        SelectorOut { picked: i.index.select(&i.activations) }
    }
}

/// Synthesizes an element for groups of `elements`: 1, 2, 4, 8, 16 or 32. On [`Target::XilinxLut`] a multiplier is as much logic as any other;
/// on [`Target::Ecp5`] it is a block, and the rest is counted.
///
/// # Errors
/// If there are no such groups, or Yosys is missing or fails.
pub fn measure(kept: Kept, elements: u32, target: Target) -> Result<Size> {
    ensure!(elements.is_power_of_two() && elements <= 32, "a group has 1, 2, 4, 8, 16 or 32 elements, not {elements}");
    let Resources { lut, ff, .. } = resources(&element(kept, elements)?, target)?;
    let selector_lut = match elements {
        1 => 0,
        _ => resources(&elaborate(&Selector { elements }).map_err(|diagnostics| anyhow!("{diagnostics}"))?, target)?.lut,
    };
    Ok(Size { elements, lut, ff, selector_lut })
}

fn resources(design: &Design, target: Target) -> Result<Resources> {
    let verilog = write(design, &Options::default()).context("the hardware cannot be written as Verilog")?;
    let folder = tempfile::tempdir().context("no temporary folder can be made")?;
    let files = verilog.write_files(folder.path()).context("the Verilog cannot be written")?;
    Ok(synthesize(folder.path(), &files, &verilog.top().name, target)?)
}

fn element(kept: Kept, elements: u32) -> Result<Design> {
    let group = Group { slots: 1, elements };
    let design = match kept {
        Kept::Weight => {
            elaborate(&StationaryPe { streamed: OPERAND, group, stationary: OPERAND, accumulator: ACCUMULATOR, double_buffered: true })
        }
        Kept::Sum => elaborate(&OutputStationaryPe { a: OPERAND, group, b: OPERAND, accumulator: ACCUMULATOR, double_buffered: true }),
    };
    design.map_err(|diagnostics| anyhow!("{diagnostics}"))
}

/// The sizes as a table in Markdown, with what each element has beyond the dense one.
///
/// # Errors
/// If there is no dense one among them.
pub fn by_group(sizes: &[Size]) -> Result<String> {
    let dense = dense(sizes)?;
    let more = |count: u64, of_dense: u64| format!("{:+}", count as i64 - of_dense as i64);
    let rows = sizes.iter().map(|size| {
        let &Size { elements, lut, ff, selector_lut } = size;
        format!("| {elements} | {lut} | {ff} | {} | {} | {selector_lut} |\n", more(lut, dense.lut), more(ff, dense.ff))
    });
    let heading = "| M | LUT | FF | LUT beyond dense | FF beyond dense | LUT of the selector alone |\n|---|---|---|---|---|---|\n";
    Ok(heading.to_string() + &rows.collect::<String>())
}

/// The sizes by pattern as a table in Markdown, each divided by the M/N dense elements whose work an element does.
///
/// # Errors
/// If there is no dense element among the sizes.
pub fn by_pattern(sizes: &[Size], patterns: &[Pattern]) -> Result<String> {
    let dense = dense(sizes)?;
    let mut table =
        "| pattern | does the work of | LUT for each | FF for each | LUT : dense | FF : dense |\n|---|---|---|---|---|---|\n".to_string();
    for pattern in patterns {
        let Some(size) = sizes.iter().find(|size| size.elements as usize == pattern.m()) else { continue };
        let work = pattern.m() as f64 / pattern.n() as f64;
        let [lut, ff] = [size.lut, size.ff].map(|count| count as f64 / work);
        let [lut_share, ff_share] = [lut / dense.lut as f64, ff / dense.ff as f64];
        table += &format!("| {pattern} | {work} | {lut:.1} | {ff:.1} | {lut_share:.2} | {ff_share:.2} |\n");
    }
    Ok(table)
}

fn dense(sizes: &[Size]) -> Result<Size> {
    sizes.iter().copied().find(|size| size.elements == 1).context("there is no element for groups of 1 to compare with")
}

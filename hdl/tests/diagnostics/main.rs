//! Every mistake that a description can contain, and what is said about it.
//!
//! A snapshot shows the whole message; a place in it is replaced by the file's name and the source text found there, so that
//! it says what the message points at and does not change with the lines above it.

mod components;
mod conversions;
mod design_instances;
mod drives;
mod literals;
mod memories;
mod names;
mod operators;
mod reporting;
mod strays;

use std::fmt;
use std::path::Path;

use systole_hdl::prelude::*;
use systole_hdl::{Diagnostic, Severity, elaborate_with_warnings};

/// A component whose description is a closure, so that a test shows just the mistake.
struct Circuit<F>(F);

impl<F> fmt::Debug for Circuit<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Circuit")
    }
}

bundle! {
    /// One input of many types.
    struct Inputs { s8: Signal, s16: Signal, u8: Signal, u3: Signal, q8_8: Signal, uq4_4: Signal, bits8: Signal, flag: Signal, other: Signal }
}
bundle! { struct One { x: Signal } }
bundle! { struct Y { y: Signal } }

impl<F: Fn(Module, Inputs) -> R + 'static, R: Bundle> Component for Circuit<F> {
    type In = Inputs;
    type Out = R;

    fn name(&self) -> Option<String> {
        Some("top".to_string())
    }

    fn inputs(&self) -> Inputs {
        Inputs {
            s8: port(Type::s(8)),
            s16: port(Type::s(16)),
            u8: port(Type::u(8)),
            u3: port(Type::u(3)),
            q8_8: port(Type::q(8, 8)),
            uq4_4: port(Type::uq(4, 4)),
            bits8: port(Type::Bits(8)),
            flag: port(Type::BIT),
            other: port(Type::BIT),
        }
    }

    fn build(&self, m: Module, i: Inputs) -> R {
        (self.0)(m, i)
    }
}

/// What elaborating a description says: errors, or the warnings that come with a design.
fn findings<R: Bundle>(build: impl Fn(Module, Inputs) -> R + 'static) -> Vec<Diagnostic> {
    findings_of(&Circuit(build))
}

fn findings_of(component: &impl Component) -> Vec<Diagnostic> {
    match elaborate_with_warnings(component) {
        Ok((design, warnings)) => {
            design.validate().unwrap_or_else(|violations| panic!("an invalid design without an error: {violations:#?}"));
            warnings
        }
        Err(found) => found.0,
    }
}

/// The messages with readable places.
fn readable(findings: &[Diagnostic]) -> String {
    findings.iter().map(readable_finding).collect::<Vec<_>>().join("\n\n")
}

/// What a description reports, readably.
fn report<R: Bundle>(build: impl Fn(Module, Inputs) -> R + 'static) -> String {
    readable(&findings(build))
}

fn readable_finding(finding: &Diagnostic) -> String {
    let mut places: Vec<_> = finding.notes.iter().map(|note| note.at).chain([finding.at]).collect();
    // The place at column 12 before its prefix at column 1.
    places.sort_by_key(|place| std::cmp::Reverse(place.to_string().len()));
    places.into_iter().fold(finding.to_string(), |text, place| text.replace(&place.to_string(), &source_text(place)))
}

/// `operators.rs: i.s8 + i.u8)`.
fn source_text(place: &std::panic::Location<'_>) -> String {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace");
    let source = std::fs::read_to_string(workspace.join(place.file())).expect("a place lies in a source file");
    let line = source.lines().nth(place.line() as usize - 1).expect("a place lies within its file");
    // The snapshot itself begins on some of these lines.
    let line = line.split(", @").next().expect("a split has a first part");
    let text: String = line.chars().skip(place.column() as usize - 1).take(40).collect();
    let file = Path::new(place.file()).file_name().expect("a source file has a name").to_string_lossy();
    format!("{file}: {}", text.trim_end())
}

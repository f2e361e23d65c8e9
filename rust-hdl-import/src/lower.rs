//! Puts the modules of a design together: children first, equal ones shared, primitives within the module that holds them.

use std::hash::BuildHasher;

use rust_hdl_core::ast::{Verilog, VerilogExpression, VerilogStatement};
use rust_hdl_core::atom::AtomKind;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use systole_hdl::design::ModuleId;
use systole_hdl::validate::{Item, Violation};
use systole_hdl::{Design, ModuleDef};

use crate::Widths;
use crate::build::{Build, Child, Lowered};
use crate::diagnostic::{Diagnostic, Problem};
use crate::evaluate::Evaluator;
use crate::names::UniqueNames;
use crate::primitives::{Primitive, recognise};
use crate::probe::{Node, SignalInfo};
use crate::refusals::{refused_code, refused_signals};

/// The design of a circuit.
pub(crate) fn lower(root: &Node, widths: Widths) -> Result<Design, Vec<Diagnostic>> {
    let mut lowering = Lowering { widths, ..Lowering::default() };
    lowering.names.take(&root.name);
    match primitive(root) {
        Some(primitive) => lowering.module(&held_alone(root, &primitive)),
        None => lowering.module(root),
    };
    if !lowering.diagnostics.is_empty() {
        return Err(lowering.diagnostics);
    }
    lowering
        .design
        .validate()
        .map_err(|violations| violations.iter().map(|violation| lowering.invalid(root, violation)).collect::<Vec<_>>())?;
    Ok(lowering.design)
}

fn primitive(node: &Node) -> Option<Primitive> {
    match &node.code {
        Ok(Verilog::Custom(text)) => recognise(node, text),
        _ => None,
    }
}

/// A block that holds a primitive and connects its ports to its own.
fn held_alone(node: &Node, primitive: &Primitive) -> Node {
    let signal = |name: String| VerilogExpression::Signal(name);
    let connect = |info: &SignalInfo| {
        let (outer, inner) = (signal(info.name.clone()), signal(format!("{}${}", primitive.name(), info.name)));
        if info.kind == AtomKind::InputParameter {
            VerilogStatement::Assignment(inner, outer)
        } else {
            VerilogStatement::Assignment(outer, inner)
        }
    };
    Node {
        name: node.name.clone(),
        path: node.path.clone(),
        signals: node.signals.clone(),
        children: vec![Node {
            name: primitive.name().to_string(),
            path: node.path.clone(),
            signals: node.signals.clone(),
            children: Vec::new(),
            code: node.code.clone(),
        }],
        code: Ok(Verilog::Combinatorial(node.signals.iter().map(connect).collect())),
    }
}

#[derive(Default)]
struct Lowering {
    widths: Widths,
    design: Design,
    diagnostics: Vec<Diagnostic>,
    reported: FxHashSet<Diagnostic>,
    names: UniqueNames,
    /// For each module the block that it was first made of.
    paths: Vec<String>,
    /// Modules by the hash of what they hold, to find equal ones.
    alike: FxHashMap<u64, Vec<ModuleId>>,
}

impl Lowering {
    /// A broken rule of the netlist: a combinational loop, two signals whose names become one, a word beyond all bounds.
    fn invalid(&self, root: &Node, violation: &Violation) -> Diagnostic {
        let path = violation.module.and_then(|module| self.paths.get(module.index())).unwrap_or(&root.path);
        let remedy = match violation.item {
            Item::Cell(_) if violation.text.contains("combinational loop") => {
                "put a flip-flop into the loop; a word whose bits depend on each other is better several signals"
            }
            _ if violation.text.contains("name") => "rename one of two signals whose names become one",
            _ => "make its words narrower",
        };
        Problem::new("design", &violation.text, remedy).within(path)
    }

    fn report(&mut self, node: &Node, problem: Problem) {
        let diagnostic = problem.within(&node.path);
        // A fault in a loop comes in each turn of it.
        if self.reported.insert(diagnostic.clone()) {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Lowers a block and all its children. `None` if that failed, which has been reported.
    fn module(&mut self, node: &Node) -> Option<Lowered> {
        let reported = self.diagnostics.len();
        let children: Vec<Child> = node.children.iter().map(|child| self.child(child)).collect();
        for problem in refused_code(node).into_iter().chain(refused_signals(node)) {
            self.report(node, problem);
        }
        // What cannot be executed drives nothing; reporting that too would only distract.
        let block = match &node.code {
            Ok(Verilog::Combinatorial(block)) => block.as_slice(),
            Ok(Verilog::Empty) if self.diagnostics.len() == reported => &[],
            _ => return None,
        };
        let mut build = Build::default();
        build.declare_own(node);
        for (child, lowered) in node.children.iter().zip(&children) {
            build.declare_child(&self.design, child, lowered);
        }
        let mut evaluator = Evaluator::new(self.widths, &build.signals, &mut build.netlist, &mut build.clocks);
        evaluator.block(block);
        let executed = evaluator.finish();
        build.values = executed.values;
        build.open_locals = executed.open_locals;
        build.wires = executed.wires;
        build.problems.extend(executed.problems);
        if self.diagnostics.len() == reported {
            build.finish(node, &children, &self.design);
        }
        for problem in std::mem::take(&mut build.problems) {
            self.report(node, problem);
        }
        if self.diagnostics.len() > reported {
            return None;
        }
        let id = self.share(node, build.netlist.module);
        Some(Lowered { id, inputs: build.inputs, clocks: build.own_clocks, passed_clocks: build.passed_clocks })
    }

    fn child(&mut self, node: &Node) -> Child {
        if let Some(primitive) = primitive(node) {
            let problems = refused_signals(node);
            let is_refused = !problems.is_empty();
            problems.into_iter().for_each(|problem| self.report(node, problem));
            return if is_refused { Child::Failed } else { Child::Primitive(primitive) };
        }
        self.module(node).map_or(Child::Failed, Child::Instance)
    }

    /// The definition equal to `module`, or `module` itself: `taps$3` is called `taps`, what the name is not free for gets a number.
    fn share(&mut self, node: &Node, mut module: ModuleDef) -> ModuleId {
        let is_top = node.path == node.name;
        // It has no name yet.
        let alike = self.alike.entry(FxBuildHasher.hash_one(&module)).or_default();
        for &id in alike.iter().filter(|_| !is_top) {
            module.name.clone_from(&self.design.module(id).name);
            if module == *self.design.module(id) {
                return id;
            }
        }
        module.name = if is_top { node.name.clone() } else { self.names.unique(&array_name(&node.name).replace('$', "_")) };
        let id = ModuleId(self.design.modules.len() as u32);
        self.design.modules.push(module);
        self.paths.push(node.path.clone());
        alike.push(id);
        id
    }
}

/// The name of the array that a field is an element of, or the field's own.
fn array_name(field: &str) -> &str {
    match field.rsplit_once('$') {
        Some((array, index)) if !index.is_empty() && index.bytes().all(|symbol| symbol.is_ascii_digit()) => array_name(array),
        _ => field,
    }
}

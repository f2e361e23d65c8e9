//! Puts the modules of a design together: children first, equal ones shared, primitives within the module that holds them.

use rust_hdl_core::ast::{Verilog, VerilogExpression, VerilogStatement};
use rust_hdl_core::atom::AtomKind;
use rustc_hash::{FxHashMap, FxHashSet};
use systole_hdl::design::ModuleId;
use systole_hdl::{Design, ModuleDef};

use crate::Widths;
use crate::build::{Build, Child, Lowered};
use crate::diagnostic::{Diagnostic, Problem};
use crate::evaluate::Evaluator;
use crate::primitives::{Primitive, recognise};
use crate::probe::{Node, SignalInfo};
use crate::refusals::{refused_code, refused_signals};

/// The design of a circuit.
pub(crate) fn lower(root: &Node, widths: Widths) -> Result<Design, Vec<Diagnostic>> {
    let mut lowering = Lowering { widths, ..Lowering::default() };
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
        .map_err(|violations| violations.into_iter().map(|violation| invalid(root, &violation.text)).collect::<Vec<_>>())?;
    Ok(lowering.design)
}

/// A broken rule of the netlist: a combinational loop, or two signals whose names become one. No other is expected.
fn invalid(root: &Node, text: &str) -> Diagnostic {
    Problem::new("design", text, "put a flip-flop into a loop, rename one of two signals").within(&root.path)
}

fn primitive(node: &Node) -> Option<Primitive> {
    match &node.code {
        Verilog::Custom(text) => recognise(node, text),
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
        code: Verilog::Combinatorial(node.signals.iter().map(connect).collect()),
    }
}

#[derive(Default)]
struct Lowering {
    widths: Widths,
    design: Design,
    diagnostics: Vec<Diagnostic>,
    names: FxHashSet<String>,
    /// Modules by their numbers of cells, instances and ports, to find equal ones.
    alike: FxHashMap<(usize, usize, usize), Vec<ModuleId>>,
}

impl Lowering {
    fn report(&mut self, node: &Node, problem: Problem) {
        self.diagnostics.push(problem.within(&node.path));
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
            Verilog::Combinatorial(block) => block.as_slice(),
            Verilog::Empty if self.diagnostics.len() == reported => &[],
            _ => return None,
        };
        let mut build = Build::default();
        build.declare_own(node);
        for (child, lowered) in node.children.iter().zip(&children) {
            build.declare_child(&self.design, child, lowered);
        }
        let mut evaluator = Evaluator::new(self.widths, &build.signals, &mut build.netlist, &mut build.clocks);
        evaluator.block(block);
        let (values, problems) = evaluator.finish();
        build.values = values;
        build.problems.extend(problems);
        if self.diagnostics.len() == reported {
            build.finish(node, &children, &self.design);
        }
        for problem in std::mem::take(&mut build.problems) {
            self.report(node, problem);
        }
        if self.diagnostics.len() > reported {
            return None;
        }
        let id = self.share(&node.name, build.netlist.module);
        Some(Lowered { id, inputs: build.inputs, outputs: build.outputs, clocks: build.own_clocks, passed_clocks: build.passed_clocks })
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

    /// The definition equal to `module`, or `module` under a name made from the field's.
    fn share(&mut self, field: &str, mut module: ModuleDef) -> ModuleId {
        let key = (module.cells.len(), module.instances.len(), module.inputs.len() + module.outputs.len());
        let alike = self.alike.entry(key).or_default();
        for &id in alike.iter() {
            module.name.clone_from(&self.design.module(id).name);
            if module == *self.design.module(id) {
                return id;
            }
        }
        let base = field.trim_end_matches(|symbol: char| symbol.is_ascii_digit() || symbol == '$').replace('$', "_");
        let numbered = (1..).map(|number| format!("{base}_{number}"));
        let free = std::iter::once(base.clone()).chain(numbered).find(|name| !self.names.contains(name));
        module.name = free.expect("numbers do not run out");
        self.names.insert(module.name.clone());
        let id = ModuleId(self.design.modules.len() as u32);
        self.design.modules.push(module);
        alike.push(id);
        id
    }
}

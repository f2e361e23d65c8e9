//! Expressions, in which every operator has operands of exactly the width that Verilog would otherwise extend them to.
//!
//! Verilog sizes an expression by its widest operand and by what it is assigned to, and makes it unsigned if one operand
//! is. Here all operands of an operator have the width of its result (comparisons: of each other), extension is written
//! out, and the two operators whose result depends on signedness alone (`<`, `>>>`) get operands made signed or unsigned.

use systole_hdl::{Cell, CellId, Type, Value};

use super::constancy::Constancy;
use super::literal::{literal, unsigned};
use super::plan::{Form, Plan, SHIFT_AMOUNT_WIDTH};
use super::sources::{Source, reachable_options};

/// The widest product written with signed operands, which tools recognise as a signed multiplier. Beyond it Verilator
/// gives up; the operands are extended to full width, so the product is the same without.
const SIGNED_PRODUCT_WIDTH: u32 = 512;

/// A chain of conditional operators longer than this takes a line for each arm.
const CHAIN_LINE: usize = 60;

/// A piece of Verilog text. Only a chain of conditional operators may span lines; its lines are not yet indented.
pub(crate) struct Expression {
    pub(crate) text: String,
    shape: Shape,
    /// Whether Verilog takes the text as signed.
    signed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Primary,
    Prefix,
    Binary(&'static str),
    Conditional,
}

/// A name or part of it, or a constant: what bits can be selected from.
#[derive(Clone)]
pub(crate) enum Reference {
    Constant(Value),
    Net { cell: CellId, low: u32, width: u32 },
}

/// Writes the expressions of one module and notes which bits of which nets they read.
pub(crate) struct Printer<'p> {
    pub(crate) plan: &'p Plan<'p>,
    /// For each cell, the ranges of bits (lowest, number) read so far.
    reads: Vec<Vec<(u32, u32)>>,
    /// Which memories are read, parallel to the module's.
    pub(crate) memory_reads: Vec<bool>,
}

impl Printer<'_> {
    pub(crate) fn new<'p>(plan: &'p Plan<'p>) -> Printer<'p> {
        Printer { plan, reads: vec![Vec::new(); plan.module.cells.len()], memory_reads: vec![false; plan.module.memories.len()] }
    }

    /// The text of an operand, whatever stands for it.
    pub(crate) fn operand(&mut self, id: CellId) -> Expression {
        match self.plan.sources.get(id) {
            Source::Constant(value) => constant(value, self.plan.ty(id)),
            Source::Cell(cell) if self.plan.form(*cell) == Form::Net => {
                let signed = self.plan.ty(*cell).is_signed();
                self.read(*cell, 0, self.plan.ty(*cell).width());
                Expression { text: self.plan.name(*cell).to_string(), shape: Shape::Primary, signed }
            }
            Source::Cell(cell) => self.cell(*cell),
        }
    }

    /// The text of an operand that is a whole expression by itself.
    pub(crate) fn text(&mut self, id: CellId) -> String {
        self.operand(id).text
    }

    /// An operand that the plan writes as a name, a slice of one, or a constant.
    pub(crate) fn reference(&self, id: CellId) -> Reference {
        match self.plan.sources.get(id) {
            Source::Constant(value) => Reference::Constant(value.clone()),
            Source::Cell(cell) => self.cell_reference(*cell),
        }
    }

    fn cell_reference(&self, cell: CellId) -> Reference {
        let width = self.plan.ty(cell).width();
        match self.plan.module.cell(cell) {
            Cell::Slice { value, low } if self.plan.form(cell) == Form::Inline => self.reference(*value).part(*low, width),
            _ => Reference::Net { cell, low: 0, width },
        }
    }

    /// The text of a reference.
    pub(crate) fn reference_text(&mut self, reference: &Reference) -> String {
        match reference {
            Reference::Constant(value) => unsigned(value),
            Reference::Net { cell, low, width } => {
                self.read(*cell, *low, *width);
                let (name, whole) = (self.plan.name(*cell), self.plan.ty(*cell).width());
                match (*low, *width) {
                    (0, width) if width == whole => name.to_string(),
                    (low, 1) => format!("{name}[{low}]"),
                    (low, width) => format!("{name}[{}:{low}]", low + width - 1),
                }
            }
        }
    }

    /// The text of a reference as an index, which must not be signed: `-1` is no address.
    pub(crate) fn index_text(&mut self, reference: &Reference) -> String {
        let text = self.reference_text(reference);
        match reference {
            Reference::Net { cell, width, .. } if self.plan.ty(*cell).is_signed() && *width == self.plan.ty(*cell).width() => {
                format!("$unsigned({text})")
            }
            _ => text,
        }
    }

    /// The right side that computes cell `id`.
    pub(crate) fn cell(&mut self, id: CellId) -> Expression {
        let ty = self.plan.ty(id);
        let width = ty.width();
        if let Some(value) = self.plan.sources.value(id) {
            return constant(value, ty);
        }
        match self.plan.module.cell(id) {
            Cell::Const(value) => constant(value, ty),
            Cell::Wire(operand) => self.operand(*operand),
            Cell::Not(operand) => self.not(*operand),
            Cell::And(a, b) => self.binary("&", *a, *b),
            Cell::Or(a, b) => self.binary("|", *a, *b),
            Cell::Xor(a, b) => self.binary("^", *a, *b),
            Cell::ReduceAnd(operand) => self.reduction("&", *operand),
            Cell::ReduceOr(operand) => self.reduction("|", *operand),
            Cell::ReduceXor(operand) => self.reduction("^", *operand),
            Cell::Add(a, b) => self.binary("+", *a, *b),
            Cell::Sub(a, b) => self.binary("-", *a, *b),
            Cell::Mul(a, b) => self.product(*a, *b, width),
            Cell::Equal(a, b) => Expression { signed: false, ..self.binary("==", *a, *b) },
            Cell::Less(a, b) => self.less("<", *a, *b),
            Cell::ShiftLeft(value, amount) => self.shift("<<", *value, *amount),
            Cell::ShiftRight(value, amount) if self.plan.ty(*value).is_signed() => self.shift(">>>", *value, *amount),
            Cell::ShiftRight(value, amount) => self.shift(">>", *value, *amount),
            Cell::Mux { condition, then, otherwise } => {
                let condition = self.operand(*condition);
                let (then, otherwise) = (self.operand(*then), self.operand(*otherwise));
                conditional(condition, then, otherwise)
            }
            Cell::Select { index, options } => self.selection(*index, options),
            Cell::Concat(parts) => {
                let parts: Vec<String> = parts.iter().map(|&part| self.text(part)).collect();
                primary(format!("{{{}}}", parts.join(", ")))
            }
            Cell::Slice { value, low } => {
                let part = self.reference(*value).part(*low, width);
                primary(self.reference_text(&part))
            }
            Cell::Extend(operand) => primary(self.extension(*operand, width)),
            // Ports, state and memories have names and statements of their own; one that passes another on reads its name.
            Cell::Input(_) | Cell::Register { .. } | Cell::MemoryRead { .. } | Cell::MemoryReadRegistered { .. } => {
                unreachable!("state, ports and memory reads are not expressions")
            }
            Cell::InstanceOutput { instance, port } => {
                let net = self.plan.sources.instance_net(*instance, *port).expect("a cell that shows the port exists: this one");
                self.operand(net)
            }
        }
    }

    /// Bits of each net that nothing has read so far, as lists of (lowest, number). Empty for a net that is read whole.
    pub(crate) fn unread(&self, id: CellId) -> Vec<(u32, u32)> {
        let mut reads = self.reads[id.index()].clone();
        reads.sort_unstable();
        let mut gaps = Vec::new();
        let mut next = 0;
        for (low, width) in reads {
            if low > next {
                gaps.push((next, low - next));
            }
            next = next.max(low + width);
        }
        let width = self.plan.ty(id).width();
        if next < width {
            gaps.push((next, width - next));
        }
        gaps
    }

    fn read(&mut self, cell: CellId, low: u32, width: u32) {
        let reads = &mut self.reads[cell.index()];
        if reads.last() != Some(&(low, width)) {
            reads.push((low, width));
        }
    }

    fn not(&mut self, operand: CellId) -> Expression {
        let comparison = self.plan.sources.cell(operand).filter(|&cell| self.plan.form(cell) == Form::Inline);
        match comparison.map(|cell| self.plan.module.cell(cell)) {
            Some(Cell::Equal(a, b)) => Expression { signed: false, ..self.binary("!=", *a, *b) },
            Some(Cell::Less(a, b)) => self.less(">=", *a, *b),
            _ => self.prefix("~", operand),
        }
    }

    fn prefix(&mut self, operator: &str, operand: CellId) -> Expression {
        let operand = self.operand(operand);
        Expression { text: format!("{operator}{}", tight(&operand)), shape: Shape::Prefix, signed: operand.signed }
    }

    fn reduction(&mut self, operator: &str, operand: CellId) -> Expression {
        // In parentheses, because `a & &b` is easily misread, and by some tools.
        Expression { shape: Shape::Conditional, signed: false, ..self.prefix(operator, operand) }
    }

    fn binary(&mut self, operator: &'static str, a: CellId, b: CellId) -> Expression {
        let (a, b) = (self.operand(a), self.operand(b));
        let left_associative = matches!(operator, "+" | "&" | "|" | "^") && a.shape == Shape::Binary(operator);
        let left = if left_associative { a.text } else { loose(&a) };
        Expression { text: format!("{left} {operator} {}", loose(&b)), shape: Shape::Binary(operator), signed: a.signed && b.signed }
    }

    fn less(&mut self, operator: &'static str, a: CellId, b: CellId) -> Expression {
        let signed = self.plan.ty(a).is_signed();
        if !signed && self.may_be_decided(a, b) {
            let (left, right) = (self.text(a), self.text(b));
            return guarded_less(&left, operator, &right);
        }
        let (mut left, mut right) = (self.operand(a), self.operand(b));
        if signed {
            (left, right) = (made_signed(left), made_signed(right));
        } else if left.signed && right.signed {
            left = primary(format!("$unsigned({})", left.text));
        }
        comparison(&loose(&left), operator, &loose(&right))
    }

    /// Whether tools may find that constants decide `a < b`: a whole constant where none is written (one that is written
    /// decides nothing by itself), or some constant bits against a constant.
    fn may_be_decided(&self, a: CellId, b: CellId) -> bool {
        let level = |id: CellId| self.plan.constancy(id);
        let hidden = |id: CellId| level(id) == Constancy::Full && self.plan.sources.known(id).is_none();
        let partial = |id: CellId, other: CellId| level(id) == Constancy::Partial && level(other) != Constancy::Varies;
        hidden(a) || hidden(b) || partial(a, b) || partial(b, a)
    }

    fn shift(&mut self, operator: &'static str, value: CellId, amount: CellId) -> Expression {
        let mut shifted = self.operand(value);
        if operator == ">>>" {
            shifted = made_signed(shifted);
        }
        let ty = self.plan.ty(value);
        let signed = shifted.signed;
        let build = |amount: String| Expression {
            text: format!("{} {operator} {amount}", loose(&shifted)),
            shape: Shape::Binary(operator),
            signed,
        };
        let amount_width = self.plan.ty(amount).width();
        if amount_width <= SHIFT_AMOUNT_WIDTH {
            let amount = self.operand(amount);
            return build(loose(&amount));
        }
        let amount = self.reference(amount);
        let low = self.reference_text(&amount.part(0, SHIFT_AMOUNT_WIDTH));
        let high = self.reference_text(&amount.part(SHIFT_AMOUNT_WIDTH, amount_width - SHIFT_AMOUNT_WIDTH));
        let beyond = match operator {
            ">>>" => build(unsigned(&Value::from_u64(SHIFT_AMOUNT_WIDTH, ty.width().into()))),
            _ => constant(&Value::zero(ty.width()), ty),
        };
        let condition = Expression { text: format!("|{high}"), shape: Shape::Conditional, signed: false };
        conditional(condition, beyond, build(low))
    }

    fn product(&mut self, a: CellId, b: CellId, width: u32) -> Expression {
        let (a_text, b_text) = (self.extension(a, width), self.extension(b, width));
        let signed = self.plan.ty(a).is_signed() && width <= SIGNED_PRODUCT_WIDTH;
        let text = if signed { format!("$signed({a_text}) * $signed({b_text})") } else { format!("{a_text} * {b_text}") };
        Expression { text, shape: Shape::Binary("*"), signed }
    }

    /// The operand in `width` bits, at least its own.
    fn extension(&mut self, operand: CellId, width: u32) -> String {
        let ty = self.plan.ty(operand);
        let missing = width - ty.width();
        if let Some(value) = self.plan.sources.constant(operand) {
            return unsigned(&Value::from_bigint(width, &value.to_number(ty)));
        }
        if missing == 0 {
            return self.text(operand);
        }
        if !ty.is_signed() {
            return format!("{{{}, {}}}", unsigned(&Value::zero(missing)), self.text(operand));
        }
        let reference = self.reference(operand);
        let sign = self.reference_text(&reference.part(ty.width() - 1, 1));
        format!("{{{{{missing}{{{sign}}}}}, {}}}", self.reference_text(&reference))
    }

    fn selection(&mut self, index: CellId, options: &[CellId]) -> Expression {
        let index_ty = self.plan.ty(index);
        let reachable = reachable_options(index_ty, options.len());
        let mut rest = self.operand(options[reachable - 1]);
        for position in (0..reachable - 1).rev() {
            let option = self.operand(options[position]);
            let test = self.operand(index);
            if index_ty.width() == 1 {
                rest = conditional(test, rest, option);
            } else {
                let position = unsigned(&Value::from_u64(index_ty.width(), position as u64));
                rest = conditional(comparison(&loose(&test), "==", &position), option, rest);
            }
        }
        rest
    }
}

impl Reference {
    /// Bits `low .. low + width` of the reference.
    pub(crate) fn part(&self, low: u32, width: u32) -> Reference {
        match self {
            Reference::Constant(value) => Reference::Constant(value.slice(low, width)),
            Reference::Net { cell, low: base, .. } => Reference::Net { cell: *cell, low: base + low, width },
        }
    }
}

/// `left operator right`, a comparison.
pub(crate) fn comparison(left: &str, operator: &'static str, right: &str) -> Expression {
    Expression { text: format!("{left} {operator} {right}"), shape: Shape::Binary(operator), signed: false }
}

/// `left < right` (or `>=`) of unsigned operands in the form on which lint does not comment; see [`super::constancy`].
pub(crate) fn guarded_less(left: &str, operator: &'static str, right: &str) -> Expression {
    comparison(&format!("$signed({{1'b0, {left}}})"), operator, &format!("$signed({{1'b0, {right}}})"))
}

/// Text that binds as tightly as a name.
pub(crate) fn primary(text: String) -> Expression {
    Expression { text, shape: Shape::Primary, signed: false }
}

fn constant(value: &Value, ty: Type) -> Expression {
    let text = literal(value, ty);
    let shape = if text.starts_with('-') { Shape::Prefix } else { Shape::Primary };
    Expression { text, shape, signed: ty.is_signed() }
}

fn conditional(condition: Expression, then: Expression, otherwise: Expression) -> Expression {
    let condition_text = if condition.shape == Shape::Conditional { format!("({})", condition.text) } else { condition.text };
    let then_text = if then.shape == Shape::Conditional { format!("({})", then.text) } else { then.text };
    let separator = if otherwise.shape == Shape::Conditional && condition_text.len() + then_text.len() + otherwise.text.len() > CHAIN_LINE {
        '\n'
    } else {
        ' '
    };
    let text = format!("{condition_text} ? {then_text} :{separator}{}", otherwise.text);
    Expression { text, shape: Shape::Conditional, signed: then.signed && otherwise.signed }
}

fn made_signed(expression: Expression) -> Expression {
    if expression.signed {
        return expression;
    }
    Expression { text: format!("$signed({})", expression.text), shape: Shape::Primary, signed: true }
}

/// As an operand of a binary operator.
fn loose(expression: &Expression) -> String {
    match expression.shape {
        Shape::Primary => expression.text.clone(),
        Shape::Prefix if expression.text.starts_with('~') => expression.text.clone(),
        _ => format!("({})", expression.text),
    }
}

/// As the operand of a prefix operator.
fn tight(expression: &Expression) -> String {
    match expression.shape {
        Shape::Primary => expression.text.clone(),
        _ => format!("({})", expression.text),
    }
}

impl Expression {
    /// The opposite of a one-bit expression, as a condition.
    pub(crate) fn negated(&self) -> String {
        format!("!{}", tight(self))
    }

    /// The text as an operand of `&&`.
    pub(crate) fn conjunct(&self) -> String {
        match self.shape {
            Shape::Binary("<" | "==" | "!=" | ">=") => self.text.clone(),
            _ => loose(self),
        }
    }
}

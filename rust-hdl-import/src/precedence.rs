//! How a Verilog tool groups an expression that rust-hdl writes without more parentheses than the Rust source has: in Verilog
//! comparisons bind tighter than `&`, `^` and `|`, in Rust the other way round (IEEE 1364-2005, table 5-4).

use rust_hdl_core::ast::{VerilogExpression, VerilogOp};

/// The expression that Verilog's precedences make of the same text.
pub(crate) fn grouped_as_verilog(expression: &VerilogExpression) -> VerilogExpression {
    let group = |inner: &VerilogExpression| Box::new(grouped_as_verilog(inner));
    match expression {
        VerilogExpression::Signal(_) | VerilogExpression::Literal(_) => expression.clone(),
        VerilogExpression::Binary(..) => {
            let (mut operands, mut operators) = (Vec::new(), Vec::new());
            flatten(expression, &mut operands, &mut operators);
            climb(&mut operands.into_iter(), &mut operators.into_iter().peekable(), 0)
        }
        VerilogExpression::Paren(inner) => VerilogExpression::Paren(group(inner)),
        VerilogExpression::Cast(inner, bits) => VerilogExpression::Cast(group(inner), *bits),
        VerilogExpression::Signed(inner) => VerilogExpression::Signed(group(inner)),
        VerilogExpression::Unsigned(inner) => VerilogExpression::Unsigned(group(inner)),
        VerilogExpression::Unary(operator, inner) => VerilogExpression::Unary(operator.clone(), group(inner)),
        VerilogExpression::Index(inner, index) => VerilogExpression::Index(group(inner), group(index)),
        VerilogExpression::Slice(inner, bits, offset) => VerilogExpression::Slice(group(inner), *bits, group(offset)),
        VerilogExpression::IndexReplace(inner, index, bit) => VerilogExpression::IndexReplace(group(inner), group(index), group(bit)),
    }
}

/// The operands and operators of an expression as they stand in its text, down to the next parentheses.
fn flatten(expression: &VerilogExpression, operands: &mut Vec<VerilogExpression>, operators: &mut Vec<VerilogOp>) {
    if let VerilogExpression::Binary(left, operator, right) = expression {
        flatten(left, operands, operators);
        operators.push(operator.clone());
        flatten(right, operands, operators);
    } else {
        operands.push(grouped_as_verilog(expression));
    }
}

/// The next operand with all operators after it that bind at least as tight as `least`.
fn climb(
    operands: &mut impl Iterator<Item = VerilogExpression>,
    operators: &mut std::iter::Peekable<impl Iterator<Item = VerilogOp>>,
    least: u32,
) -> VerilogExpression {
    let mut left = operands.next().expect("there is one operand more than operators");
    while let Some(operator) = operators.next_if(|operator| precedence(operator) >= least) {
        let right = climb(operands, operators, precedence(&operator) + 1);
        left = VerilogExpression::Binary(Box::new(left), operator, Box::new(right));
    }
    left
}

/// How tight an operator binds in Verilog; all of them from left to right.
fn precedence(operator: &VerilogOp) -> u32 {
    match operator {
        VerilogOp::LogicalOr => 0,
        VerilogOp::LogicalAnd => 1,
        VerilogOp::BitOr => 2,
        VerilogOp::BitXor => 3,
        VerilogOp::BitAnd => 4,
        VerilogOp::Eq | VerilogOp::Ne => 5,
        VerilogOp::Lt | VerilogOp::Le | VerilogOp::Gt | VerilogOp::Ge => 6,
        VerilogOp::Shl | VerilogOp::Shr => 7,
        VerilogOp::Add | VerilogOp::Sub => 8,
        VerilogOp::Mul => 9,
    }
}

//! Literals of rust-hdl's Verilog. Their value is private to rust-hdl, their text is not.

use num_bigint::BigInt;
use rust_hdl_core::ast::VerilogLiteral;

use crate::diagnostic::Problem;

/// The value and the width in bits of a literal.
pub(crate) fn value(literal: &VerilogLiteral) -> Option<(BigInt, u32)> {
    parse(&literal.to_string())
}

/// The value and the width in bits of a literal that must have one.
pub(crate) fn number(literal: &VerilogLiteral) -> Result<(BigInt, u32), Problem> {
    value(literal).ok_or_else(|| Problem::new(format!("literal `{literal}`"), "it is not a number", "write a number"))
}

/// Reads a literal in Verilog's notation (`8'hff`) or in Rust's (`255`, `0xFF_u8`, `true`). A number without a width has 32 bits.
pub(crate) fn parse(text: &str) -> Option<(BigInt, u32)> {
    match text {
        "false" => return Some((BigInt::ZERO, 1)),
        "true" => return Some((BigInt::from(1), 1)),
        _ => {}
    }
    if let Some((width, digits)) = text.split_once('\'') {
        let (radix, digits) = match digits.as_bytes().split_first()? {
            (b'h', digits) => (16, digits),
            (b'b', digits) => (2, digits),
            (b'd', digits) => (10, digits),
            _ => return None,
        };
        return Some((BigInt::parse_bytes(digits, radix)?, width.parse().ok()?));
    }
    let plain = text.replace('_', "");
    let (digits, radix) = match plain.get(..2) {
        Some("0x") => (&plain[2..], 16),
        Some("0b") => (&plain[2..], 2),
        Some("0o") => (&plain[2..], 8),
        _ => (plain.as_str(), 10),
    };
    // A suffix such as `u8` or `usize`; no digit of any radix is `u` or `i`.
    let digits = digits.split(['u', 'i']).next()?;
    Some((BigInt::parse_bytes(digits.as_bytes(), radix)?, 32))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_of_both_notations_read() {
        let read = |text| parse(text).map(|(value, width)| (i64::try_from(value).unwrap(), width));
        assert_eq!(read("8'hff"), Some((255, 8)));
        assert_eq!(read("5'b101"), Some((5, 5)));
        assert_eq!(read("16'h-17"), Some((-23, 16)));
        assert_eq!(read("0xFF_u8"), Some((255, 32)));
        assert_eq!(read("12usize"), Some((12, 32)));
        assert_eq!(read("true"), Some((1, 1)));
        assert_eq!(read("State$Idle"), None);
    }

    #[test]
    fn a_literal_of_rust_hdl_reads() {
        let literal = VerilogLiteral::from(0x1234_u16);
        assert_eq!(value(&literal), Some((BigInt::from(0x1234), 16)));
    }
}

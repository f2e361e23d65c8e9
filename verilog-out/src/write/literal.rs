//! Verilog's constants.

use systole_hdl::{Type, Value};

/// The widest number written in decimal; beyond it hexadecimal reads better, and older tools stop at 32 bits.
const DECIMAL_WIDTH: u32 = 32;

/// `value` as a literal of type `ty`, which has its width: `8'd200`, `-8'sd5`, `8'h1f`, `1'b1`. Never unsized.
pub(crate) fn literal(value: &Value, ty: Type) -> String {
    let width = ty.width();
    let sign = if ty.is_signed() { "s" } else { "" };
    if width == 1 {
        return format!("1'{sign}b{value:x}");
    }
    if !ty.is_number() || width > DECIMAL_WIDTH {
        return format!("{width}'{sign}h{value:x}");
    }
    let number = value.to_number(ty).to_string();
    match number.strip_prefix('-') {
        Some(magnitude) => format!("-{width}'sd{magnitude}"),
        None => format!("{width}'{sign}d{number}"),
    }
}

/// `value` as an unsigned literal.
pub(crate) fn unsigned(value: &Value) -> String {
    literal(value, Type::u(value.width()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_shows_width_sign_and_number() {
        assert_eq!(literal(&Value::from_i64(8, -5), Type::s(8)), "-8'sd5");
        assert_eq!(literal(&Value::from_i64(8, -128), Type::s(8)), "-8'sd128");
        assert_eq!(literal(&Value::from_u64(8, 200), Type::u(8)), "8'd200");
        assert_eq!(literal(&Value::from_u64(8, 0x1f), Type::Bits(8)), "8'h1f");
        assert_eq!(literal(&Value::ones(1), Type::s(1)), "1'sb1");
        assert_eq!(literal(&Value::ones(40), Type::u(40)), "40'hffffffffff");
    }
}

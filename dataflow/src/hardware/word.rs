//! Elements as words of a stream, for driving hardware.

use systole_hdl::{Type, Value};

/// The word of an element: raw fields of these types, at most 64 bits wide, the first at the least significant end.
pub fn word(fields: &[Type], raw: &[i64]) -> Value {
    let width: u32 = fields.iter().map(|ty| ty.width()).sum();
    let mut limbs = vec![0u64; width.div_ceil(64) as usize];
    let mut low = 0;
    for (&ty, &raw) in fields.iter().zip(raw) {
        let bits = raw as u64 & (u64::MAX >> (64 - ty.width()));
        let (limb, shift) = ((low / 64) as usize, low % 64);
        limbs[limb] |= bits << shift;
        if shift + ty.width() > 64 {
            limbs[limb + 1] |= bits >> (64 - shift);
        }
        low += ty.width();
    }
    Value::from_limbs(width, limbs)
}

/// The raw fields of a word; the inverse of [`word`].
pub fn fields(types: &[Type], word: &Value) -> Vec<i64> {
    let limbs = word.limbs();
    let mut low = 0;
    let field = |ty: &Type| {
        let (limb, shift) = ((low / 64) as usize, low % 64);
        let below = limbs[limb] >> shift;
        let above = if shift == 0 { 0 } else { limbs.get(limb + 1).map_or(0, |limb| limb << (64 - shift)) };
        let aligned = (below | above) << (64 - ty.width());
        low += ty.width();
        if ty.is_signed() { aligned as i64 >> (64 - ty.width()) } else { (aligned >> (64 - ty.width())) as i64 }
    };
    types.iter().map(field).collect()
}

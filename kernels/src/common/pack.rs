//! Words of several lanes: lane 0 in the least significant bits.

use systole_hdl::{Type, Value};

/// Packs raw numbers, `lane` bits each; numbers wrap to the lane's width, which is at most 64.
pub fn pack(lanes: &[i64], lane: Type) -> Value {
    let lane_width = lane.width();
    let mut limbs = vec![0u64; (lanes.len() * lane_width as usize).div_ceil(64)];
    let mask = if lane_width >= 64 { u64::MAX } else { (1 << lane_width) - 1 };
    for (index, &number) in lanes.iter().enumerate() {
        let bits = number as u64 & mask;
        let (limb, shift) = (index * lane_width as usize / 64, index * lane_width as usize % 64);
        limbs[limb] |= bits << shift;
        if shift + lane_width as usize > 64 {
            limbs[limb + 1] |= bits >> (64 - shift);
        }
    }
    Value::from_limbs(lanes.len() as u32 * lane_width, limbs)
}

/// Takes a word apart into raw numbers of type `lane`, at most 64 bits wide (63 if unsigned).
pub fn unpack(word: &Value, lane: Type) -> Vec<i64> {
    let width = lane.width();
    let limbs = word.limbs();
    let above = 64 - width;
    (0..word.width() / width)
        .map(|index| {
            let (limb, shift) = ((index * width / 64) as usize, index * width % 64);
            let low = limbs[limb] >> shift;
            let high = if shift == 0 { 0 } else { limbs.get(limb + 1).map_or(0, |limb| limb << (64 - shift)) };
            let aligned = (low | high) << above;
            if lane.is_signed() { aligned as i64 >> above } else { (aligned >> above) as i64 }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lane_0_is_least_significant() {
        assert_eq!(pack(&[1, 2, -1], Type::s(4)), Value::from_u64(12, 0xf21));
    }

    proptest! {
        #[test]
        fn unpacking_gives_back_what_was_packed(numbers in prop::collection::vec(any::<i64>(), 1..9), width in 1u32..=64) {
            let ty = Type::s(width);
            let wrapped: Vec<i64> = numbers.iter().map(|n| n << (64 - width) >> (64 - width)).collect();
            prop_assert_eq!(unpack(&pack(&numbers, ty), ty), wrapped);
        }

        #[test]
        fn each_lane_is_a_slice_of_the_word(numbers in prop::collection::vec(0i64.., 1..9), width in 1u32..=63) {
            let word = pack(&numbers, Type::u(width));
            for (lane, number) in unpack(&word, Type::u(width)).into_iter().enumerate() {
                prop_assert_eq!(word.slice(lane as u32 * width, width).to_u64(), Some(number as u64));
            }
        }
    }
}

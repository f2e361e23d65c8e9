//! The integers that lanes are made of, so that a kernel is written once for all widths.

/// An unsigned machine integer: a container in which a kernel computes.
pub(crate) trait Word: Copy + PartialEq + 'static {
    /// Its size.
    const BITS: u32;
    /// Zero.
    const ZERO: Self;
    /// The low bits of a number.
    fn truncate(number: u64) -> Self;
    fn and(self, other: Self) -> Self;
    fn or(self, other: Self) -> Self;
    fn xor(self, other: Self) -> Self;
    fn not(self) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn less(self, other: Self) -> bool;
    fn less_signed(self, other: Self) -> bool;
    /// By less than `BITS`.
    fn left(self, distance: u32) -> Self;
    /// By less than `BITS`; zeros enter.
    fn right(self, distance: u32) -> Self;
    /// By less than `BITS`; signs enter.
    fn right_signed(self, distance: u32) -> Self;
    /// The smaller of the number and 255.
    fn up_to_255(self) -> u32;
    fn count_ones(self) -> u32;
    /// All ones if `condition`, otherwise zero.
    fn filled(condition: bool) -> Self;
}

macro_rules! words {
    ($($unsigned:ty, $signed:ty;)*) => {$(
        impl Word for $unsigned {
            const BITS: u32 = <$unsigned>::BITS;
            const ZERO: Self = 0;
            #[inline(always)]
            fn truncate(number: u64) -> Self { number as $unsigned }
            #[inline(always)]
            fn and(self, other: Self) -> Self { self & other }
            #[inline(always)]
            fn or(self, other: Self) -> Self { self | other }
            #[inline(always)]
            fn xor(self, other: Self) -> Self { self ^ other }
            #[inline(always)]
            fn not(self) -> Self { !self }
            #[inline(always)]
            fn add(self, other: Self) -> Self { self.wrapping_add(other) }
            #[inline(always)]
            fn sub(self, other: Self) -> Self { self.wrapping_sub(other) }
            #[inline(always)]
            fn less(self, other: Self) -> bool { self < other }
            #[inline(always)]
            fn less_signed(self, other: Self) -> bool { (self as $signed) < other as $signed }
            #[inline(always)]
            fn left(self, distance: u32) -> Self { self.wrapping_shl(distance) }
            #[inline(always)]
            fn right(self, distance: u32) -> Self { self.wrapping_shr(distance) }
            #[inline(always)]
            fn right_signed(self, distance: u32) -> Self { (self as $signed).wrapping_shr(distance) as $unsigned }
            #[inline(always)]
            fn up_to_255(self) -> u32 { self.min(255) as u32 }
            #[inline(always)]
            fn count_ones(self) -> u32 { self.count_ones() }
            #[inline(always)]
            fn filled(condition: bool) -> Self { (0 as $unsigned).wrapping_sub(condition as $unsigned) }
        }
    )*};
}

words! { u8, i8; u16, i16; u32, i32; u64, i64; }

/// A lane as it stands in memory: a container and whether its number is signed.
pub(crate) trait Lane: Copy + 'static {
    /// The container of a full product of two such lanes.
    type Product: Lane;
    fn product(self, other: Self) -> Self::Product;
    /// The number in another container: signs or zeros enter, or the top is cut off.
    fn to<W: Word>(self) -> W;
}

macro_rules! lanes {
    ($($lane:ty, $wide:ty, $number:ty;)*) => {$(
        impl Lane for $lane {
            type Product = $wide;
            #[inline(always)]
            fn product(self, other: Self) -> $wide { (self as $wide).wrapping_mul(other as $wide) }
            #[inline(always)]
            fn to<W: Word>(self) -> W { W::truncate(self as $number as u64) }
        }
    )*};
}

lanes! {
    u8, u16, u64; u16, u32, u64; u32, u64, u64; u64, u64, u64;
    i8, i16, i64; i16, i32, i64; i32, i64, i64; i64, i64, i64;
}

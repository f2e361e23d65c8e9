//! What kernels compute lane by lane. Each is a type without values, so that a kernel is compiled for it.

use super::word::Word;

/// A function of two words.
pub(crate) trait Binary {
    fn apply<W: Word>(a: W, b: W) -> W;
}

macro_rules! binary {
    ($($name:ident = $method:ident;)*) => {$(
        pub(crate) struct $name;

        impl Binary for $name {
            #[inline(always)]
            fn apply<W: Word>(a: W, b: W) -> W { a.$method(b) }
        }
    )*};
}

binary! { And = and; Or = or; Xor = xor; Add = add; Sub = sub; }

/// A question about two words.
pub(crate) trait Compare {
    fn holds<W: Word>(a: W, b: W) -> bool;
}

pub(crate) struct Equal;
pub(crate) struct Differs;
pub(crate) struct Less;
pub(crate) struct LessSigned;

impl Compare for Equal {
    #[inline(always)]
    fn holds<W: Word>(a: W, b: W) -> bool {
        a == b
    }
}

impl Compare for Differs {
    #[inline(always)]
    fn holds<W: Word>(a: W, b: W) -> bool {
        a != b
    }
}

impl Compare for Less {
    #[inline(always)]
    fn holds<W: Word>(a: W, b: W) -> bool {
        a.less(b)
    }
}

impl Compare for LessSigned {
    #[inline(always)]
    fn holds<W: Word>(a: W, b: W) -> bool {
        a.less_signed(b)
    }
}

/// A shift; `width` is that of the value, at which nothing of it is left.
pub(crate) trait Shift {
    fn apply<W: Word>(value: W, distance: W, width: u32) -> W;
}

pub(crate) struct Left;
pub(crate) struct Right;
pub(crate) struct RightSigned;

impl Shift for Left {
    #[inline(always)]
    fn apply<W: Word>(value: W, distance: W, width: u32) -> W {
        let distance = distance.up_to_255();
        value.left(distance & (W::BITS - 1)).and(W::filled(distance < width))
    }
}

impl Shift for Right {
    #[inline(always)]
    fn apply<W: Word>(value: W, distance: W, width: u32) -> W {
        let distance = distance.up_to_255();
        value.right(distance & (W::BITS - 1)).and(W::filled(distance < width))
    }
}

impl Shift for RightSigned {
    #[inline(always)]
    fn apply<W: Word>(value: W, distance: W, width: u32) -> W {
        value.right_signed(distance.up_to_255().min(width - 1))
    }
}

/// How a result of some width becomes the number in its container: nothing to do, zeros or signs above the width.
pub(crate) trait Fit {
    /// `unused` bits of the container lie above the width.
    fn fit<W: Word>(word: W, unused: u32) -> W;
}

pub(crate) struct Whole;
pub(crate) struct Zeros;
pub(crate) struct Signs;

impl Fit for Whole {
    #[inline(always)]
    fn fit<W: Word>(word: W, _unused: u32) -> W {
        word
    }
}

impl Fit for Zeros {
    #[inline(always)]
    fn fit<W: Word>(word: W, unused: u32) -> W {
        word.and(W::ZERO.not().right(unused))
    }
}

impl Fit for Signs {
    #[inline(always)]
    fn fit<W: Word>(word: W, unused: u32) -> W {
        word.left(unused).right_signed(unused)
    }
}

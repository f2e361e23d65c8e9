//! What several test files use; none uses all of it.
#![allow(dead_code)]

pub mod clocked;
pub mod lockstep;
pub mod random;

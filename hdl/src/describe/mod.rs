//! Describing hardware: signals, registers, memories, streams, modules and components.
//!
//! A description is ordinary Rust that runs once, inside [`elaborate`](component::elaborate), and leaves a
//! [`Design`](crate::design::Design) behind.

mod arena;
pub mod bundle;
pub mod component;
pub mod convert;
mod definitions;
pub mod design_instance;
pub mod diagnostic;
mod finish;
pub mod literal;
mod loops;
pub mod memory;
pub mod module;
mod operator;
mod remedy;
pub mod signal;
pub mod state;
pub mod stream;

//! Programs as machine code, made by Cranelift while the simulation runs.
//!
//! A [`Program`] is translated as one straight function. Scalar steps become operations on registers; only what somebody reads from
//! the arena is stored there. Memory ports, moves and the lanes of small classes are written out; kernels over many lanes are
//! called; what is rare (arithmetic on limbs, masked writes) goes back to the interpreter for the one step.
//!
//! - `translate` goes through the steps and knows which values are in registers. `facts` says what has to reach the arena.
//! - `scalars`, `ports`, `moves`, `lanes` and `vectors` translate the kinds of steps.
//!
//! **Invariant.** Machine code and interpreter read and write the same arena, so that one may take over from the other between any
//! two runs of a program. What a program computes only for itself may be missing from the arena after the machine code ran.

#![allow(unsafe_code)]

mod facts;
mod lanes;
mod moves;
mod ports;
mod scalars;
mod translate;
mod vectors;

use std::sync::Arc;

use cranelift_codegen::settings::{self, Configurable};
use cranelift_frontend::FunctionBuilderContext;
use cranelift_jit::{JITBuilder, JITModule};
use cranelift_module::{Linkage, Module, default_libcall_names};
use systole_hdl::Design;

pub(super) use self::facts::ScalarWords;

use super::arena::Arena;
use super::program::Program;

/// Scalar steps of a program beyond which its code is made in a hurry.
const MOST_ALLOCATED_WELL: usize = 20_000;

/// What machine code needs to have single steps interpreted.
#[repr(C)]
struct Context {
    arena: *mut Arena,
    program: *const Program,
    design: *const Design,
}

/// A compiled program: the arena's first byte, and the context for steps that are interpreted.
type Entry = unsafe extern "C" fn(*mut u8, *const Context);

/// A program as machine code, and the program itself, whose tables the code refers to.
pub(super) struct Native {
    entry: Entry,
    program: Arc<Program>,
    /// Bytes that an arena must have.
    reach: usize,
    /// Owns the code; `None` only while it is being dropped.
    module: Option<JITModule>,
}

// SAFETY: the code is never changed once it is made, and running it touches only what `run` is given.
unsafe impl Send for Native {}

impl Native {
    /// Compiles a program. `None` if there is no code for this machine or the program is beyond what code can reach: it stays
    /// interpreted.
    pub fn compile(program: &Arc<Program>, words: &ScalarWords) -> Option<Native> {
        // A compiler that fails is no reason for a simulation to fail.
        std::panic::catch_unwind(|| Native::translated(program, words)).ok().flatten()
    }

    fn translated(program: &Arc<Program>, words: &ScalarWords) -> Option<Native> {
        let mut flags = settings::builder();
        let checked = if cfg!(debug_assertions) { "true" } else { "false" };
        // The better allocation of registers takes time that grows faster than the program.
        let allocation = if program.scalars.len() > MOST_ALLOCATED_WELL { "single_pass" } else { "backtracking" };
        for (name, value) in [("opt_level", "speed"), ("enable_verifier", checked), ("regalloc_algorithm", allocation)] {
            flags.set(name, value).ok()?;
        }
        let isa = cranelift_native::builder().ok()?.finish(settings::Flags::new(flags)).ok()?;
        let mut module = JITModule::new(JITBuilder::with_isa(isa, default_libcall_names()));
        let mut context = module.make_context();
        let mut builder = FunctionBuilderContext::new();
        let translated = translate::translate(program, words, &module, &mut context.func, &mut builder);
        let entry = translated.and_then(|()| {
            let id = module.declare_function("program", Linkage::Export, &context.func.signature).ok()?;
            module.define_function(id, &mut context).ok()?;
            module.finalize_definitions().ok()?;
            Some(module.get_finalized_function(id))
        });
        let Some(entry) = entry else {
            // SAFETY: none of its code was handed out.
            unsafe { module.free_memory() };
            return None;
        };
        // SAFETY: `translate` made the function with this signature, and the module keeps it as long as `self` lives.
        let entry = unsafe { std::mem::transmute::<*const u8, Entry>(entry) };
        Some(Native { entry, program: Arc::clone(program), reach: program.reach(), module: Some(module) })
    }

    /// Runs the program on its arena.
    pub fn run(&self, design: &Design, arena: &mut Arena) {
        assert!(self.reach <= arena.bytes(), "the arena has grown to all that its programs need");
        let arena: *mut Arena = arena;
        let context = Context { arena, program: &*self.program, design };
        // SAFETY: the code touches bytes below the program's reach, which is within the arena; the arena is borrowed alone, and the
        // code and the steps it has interpreted use it one after the other.
        unsafe { (self.entry)((*arena).base(), &context) };
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        if let Some(module) = self.module.take() {
            // SAFETY: the only pointer into the code is `entry`, which goes with `self`.
            unsafe { module.free_memory() };
        }
    }
}

/// Interprets one step for machine code.
unsafe extern "C" fn interpret(context: *const Context, step: usize) {
    // SAFETY: machine code passes on the context that `Native::run` gave it, whose pointers are good for the run, and holds no
    // reference to the arena.
    let (program, design, arena) = unsafe { (&*(*context).program, &*(*context).design, &mut *(*context).arena) };
    program.run_step(&program.steps[step], design, arena);
}

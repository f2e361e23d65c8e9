//! When a program is interpreted and when it runs as machine code.
//!
//! Every program is interpreted at first, so that nothing waits for a compiler. One that has run often enough to be worth it is
//! compiled by a thread of its own while it goes on being interpreted, and the machine code takes over when it is there. Results
//! do not depend on when that is.

use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use systole_hdl::Design;

use super::arena::Arena;
use super::native::{Native, ScalarWords};
use super::program::Program;

/// When the compiled engine makes machine code.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MachineCode {
    /// In the background, once a program has run some hundred times.
    #[default]
    WhenWorthwhile,
    /// Before a program first runs. For tests and for measuring.
    AtOnce,
    /// Never: everything is interpreted.
    Never,
}

/// Runs after which a program is compiled: about what compiling it costs, so that a run that ends soon loses nothing and a long one
/// wins early. Compiling a large program costs more for each of its steps than a small one.
fn worthwhile(program: &Program) -> u32 {
    500.max(program.scalars.len() as u32 / 8)
}

/// A program and its machine code, if it has any.
pub(super) struct Tiered {
    program: Arc<Program>,
    code: Code,
}

enum Code {
    /// Interpreted so many times.
    Interpreted(u32),
    UnderWay(JoinHandle<Option<Box<Native>>>),
    Ready(Box<Native>),
    /// Interpreted for good.
    None,
}

impl Tiered {
    /// A program that has not run.
    pub fn new(program: Program, machine_code: MachineCode, words: &ScalarWords) -> Tiered {
        let program = Arc::new(program);
        let code = match machine_code {
            _ if program.steps.is_empty() => Code::None,
            MachineCode::WhenWorthwhile => Code::Interpreted(0),
            MachineCode::AtOnce => Native::compile(&program, words).map_or(Code::None, |native| Code::Ready(Box::new(native))),
            MachineCode::Never => Code::None,
        };
        Tiered { program, code }
    }

    /// A program that does nothing.
    pub fn idle() -> Tiered {
        Tiered { program: Arc::default(), code: Code::None }
    }

    /// The program, to be interpreted.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// Runs it once.
    #[inline]
    pub fn run(&mut self, words: &Arc<ScalarWords>, design: &Design, arena: &mut Arena) {
        match &self.code {
            Code::Ready(native) => native.run(design, arena),
            Code::None => self.program.run(design, arena),
            Code::Interpreted(_) | Code::UnderWay(_) => {
                self.progress(words);
                self.program.run(design, arena);
            }
        }
    }

    #[cold]
    fn progress(&mut self, words: &Arc<ScalarWords>) {
        match &mut self.code {
            Code::Interpreted(runs) if *runs < worthwhile(&self.program) => *runs += 1,
            Code::Interpreted(_) => {
                let (program, words) = (Arc::clone(&self.program), Arc::clone(words));
                let thread = Builder::new().name("compile".to_string()).spawn(move || Native::compile(&program, &words).map(Box::new));
                // Without a thread it stays interpreted, which is only slower.
                self.code = thread.map_or(Code::None, Code::UnderWay);
            }
            Code::UnderWay(thread) if thread.is_finished() => {
                if let Code::UnderWay(thread) = std::mem::replace(&mut self.code, Code::None) {
                    // A compiler that panicked has told so itself; the interpreter goes on.
                    self.code = thread.join().ok().flatten().map_or(Code::None, Code::Ready);
                }
            }
            Code::UnderWay(_) | Code::Ready(_) | Code::None => {}
        }
    }
}

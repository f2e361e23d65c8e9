//! Every test of the hardware runs on each engine: a file's tests are functions of the engine, and one line names them.

/// Makes a test for each engine of functions that take an `EngineKind`.
macro_rules! on_each_engine {
    ($($test:ident),* $(,)?) => {
        mod compiled {
            $(#[test] fn $test() { super::$test(systole_sim::EngineKind::Compiled); })*
        }
        mod reference {
            $(#[test] fn $test() { super::$test(systole_sim::EngineKind::Reference); })*
        }
    };
}

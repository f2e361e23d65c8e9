//! The compiled engine against the reference engine, on random designs: every signal in every cycle.

use systole_testbenches::engines;

#[test]
fn both_engines_agree_on_every_signal_in_every_cycle() {
    for seed in 1..=200 {
        let case = engines::case(seed, 30);
        let difference = engines::first_difference(&case).expect("both engines can be made");
        assert_eq!(difference, None, "seed {seed}: {}", engines::text(&case.design));
    }
}

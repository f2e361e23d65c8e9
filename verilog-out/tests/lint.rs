mod support;
#[test]
fn valid() {
    for seed in 0..300 {
        let design = support::random::design(seed);
        if let Err(v) = design.validate() {
            panic!("{seed}: {v:?}");
        }
        let out = systole_verilog::write(&design, &Default::default()).unwrap();
        if seed == 3 {
            println!("{}", out.text());
        }
    }
}

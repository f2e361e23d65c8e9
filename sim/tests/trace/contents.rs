//! What a trace holds.

use std::collections::BTreeSet;

use num_traits::ToPrimitive;
use systole_hdl::Type;
use systole_sim::Hierarchy;
use systole_sim::trace::{TraceFormat, TraceOptions};

use crate::designs::{hostile, mixed};
use crate::run::{FORMATS, signals, simulate};
use crate::waves::{Seen, Waves};

#[test]
fn every_signal_has_the_engines_value_in_every_cycle() {
    let design = mixed();
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mixed.wave");
        let cycles = simulate(&design, &path, &TraceOptions { format, ..TraceOptions::default() }, 300);
        let waves = Waves::read(&path);
        for (number, cycle) in (0..).zip(&cycles) {
            for (name, value) in &cycle.signals {
                // From the first moment of the cycle to the last.
                for time in [10 * number, 10 * number + 9] {
                    assert_eq!(waves.at(name, time), Some(value.into()), "{format:?}: {name} at {time}");
                }
            }
        }
    }
}

#[test]
fn a_trace_names_each_port_named_cell_clock_and_reset_and_nothing_else() {
    let design = mixed();
    let hierarchy = Hierarchy::of(&design).unwrap();
    let mut expected: BTreeSet<String> = signals(&hierarchy).into_iter().map(|(path, ..)| path).collect();
    for node in hierarchy.nodes() {
        for domain in &hierarchy.module(node).domains {
            expected.insert(hierarchy.path_of(node, &domain.clock()));
            expected.insert(hierarchy.path_of(node, &domain.reset()));
        }
    }
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mixed.wave");
        simulate(&design, &path, &TraceOptions { format, ..TraceOptions::default() }, 3);
        let mut expected = expected.clone();
        if format == TraceFormat::Vcd {
            expected.insert("top.control.state_name".to_string());
        }
        assert_eq!(Waves::read(&path).names(), expected.iter().map(String::as_str).collect());
    }
}

#[test]
fn a_clock_rises_where_an_edge_began_a_cycle_and_resets_follow_their_domain() {
    let design = mixed();
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mixed.wave");
        let cycles = simulate(&design, &path, &TraceOptions { format, ..TraceOptions::default() }, 60);
        let waves = Waves::read(&path);
        let bit = |value: bool| Some(Seen::Bits(if value { "1" } else { "0" }.to_string()));
        // The domain that each clock and reset port belongs to at the top; `control` runs on the slow one.
        let ports = [("top", 0), ("top.slow", 1), ("top.pe_1.mac", 0), ("top.control", 1)];
        for (time, cycle) in (0..).step_by(10).zip(&cycles) {
            for (port, domain) in ports {
                let port = if port == "top.slow" { "top.slow_".to_string() } else { format!("{port}.") };
                assert_eq!(waves.at(&format!("{port}clock"), time), bit(cycle.edges[domain]), "{port}clock at {time}");
                assert_eq!(waves.at(&format!("{port}clock"), time + 5), bit(false), "{port}clock at {time} + 5");
                assert_eq!(waves.at(&format!("{port}reset"), time), bit(cycle.resets[domain]), "{port}reset at {time}");
            }
        }
        assert!(cycles.iter().any(|c| c.edges[1]) && cycles.iter().any(|c| c.resets[1]), "the slow domain was never exercised");
    }
}

#[test]
fn the_last_cycle_lasts_as_long_as_the_others() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mixed.wave");
        simulate(&mixed(), &path, &TraceOptions { format, ..TraceOptions::default() }, 7);
        let waves = Waves::read(&path);
        assert_eq!((waves.times().first(), waves.times().last()), (Some(&0), Some(&70)), "{format:?}");
    }
}

#[test]
fn fixed_point_appears_as_real_numbers_on_request() {
    let design = mixed();
    let hierarchy = Hierarchy::of(&design).unwrap();
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mixed.wave");
        let cycles = simulate(&design, &path, &TraceOptions { format, reals: true, ..TraceOptions::default() }, 80);
        let waves = Waves::read(&path);
        let mut compared = 0;
        for (number, cycle) in (0..).zip(&cycles) {
            for (name, value) in &cycle.signals {
                let (node, cell) = hierarchy.find_signal(name).unwrap();
                let ty = hierarchy.module(node).ty(cell);
                let real = format!("{name}_real");
                if matches!(ty, Type::Fixed { .. } | Type::UFixed { .. }) {
                    let expected = value.to_number(ty).to_f64().unwrap() / 2f64.powi(ty.frac() as i32);
                    assert_eq!(waves.at(&real, 10 * number), Some(Seen::Real(expected)), "{format:?}: {real} in cycle {number}");
                    compared += 1;
                } else {
                    assert!(!waves.names().contains(real.as_str()), "{name} of type {ty} is not fixed point");
                }
            }
        }
        assert_eq!(compared, 80 * 29, "fixed-point signals in 80 cycles");
        assert_eq!(waves.at("top.pe_0.mac.wide_square_real", 0), Some(Seen::Real(-0.0625 + 2f64.powi(-40))));
    }
}

#[test]
fn states_appear_by_name() {
    let design = mixed();
    let folder = tempfile::tempdir().unwrap();
    let vcd = folder.path().join("mixed.vcd");
    let cycles = simulate(&design, &vcd, &TraceOptions { format: TraceFormat::Vcd, ..TraceOptions::default() }, 60);
    let waves = Waves::read(&vcd);
    let names = ["Idle", "Load_tile", "Run", "3"];
    let mut seen = BTreeSet::new();
    for (number, cycle) in (0..).zip(&cycles) {
        let state = cycle.signals["top.control.state"].to_u64().unwrap() as usize;
        assert_eq!(waves.at("top.control.state_name", 10 * number), Some(Seen::Text(names[state].to_string())));
        seen.insert(state);
    }
    assert_eq!(seen.len(), 4, "the fourth value has no name, and is to be seen too");

    let fst = folder.path().join("mixed.fst");
    simulate(&design, &fst, &TraceOptions { format: TraceFormat::Fst, ..TraceOptions::default() }, 60);
    let attached = [("00", "Idle"), ("01", "Load_tile"), ("10", "Run")].map(|(value, name)| (value.to_string(), name.to_string()));
    assert_eq!(Waves::read(&fst).value_names("top.control.state"), attached);
    assert_eq!(Waves::read(&fst).value_names("top.phase"), []);
}

#[test]
fn signals_that_are_one_wire_share_their_values() {
    let design = mixed();
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mixed.wave");
        simulate(&design, &path, &TraceOptions { format, ..TraceOptions::default() }, 3);
        let waves = Waves::read(&path);
        // Two clocks, two resets, four inputs; by PE: west_q and by MAC: square, wide_square, extended, acc; in control
        // state, and its name in VCD; in the top: go, long_q, word, weight_q, both_sums.
        let states = usize::from(format == TraceFormat::Vcd);
        assert_eq!(waves.runs(), 4 + 4 + 2 * 5 + 1 + states + 5, "{format:?}: {:?}", waves.names());
    }
}

#[test]
fn hostile_names_are_made_safe_and_keep_their_values() {
    let design = hostile();
    let written = [
        ("top module.in_3_0_", "top_module.in_3_0_"),
        ("top module.in[3:0]", "top_module.in_3_0__2"),
        ("top module.a.b", "top_module.a_b_2"),
        ("top module.clock_", "top_module.clock_"),
        ("top module.state", "top_module.state"),
        ("top module.state_name", "top_module.state_name"),
        ("top module.state_name_real", "top_module.state_name_real"),
        ("top module.a b.in[3:0]", "top_module.a_b_3.in_3_0_"),
        ("top module.a b.$end", "top_module.a_b_3._end"),
        ("top module.a b.sum.of δ", "top_module.a_b_3.sum_of___2"),
        ("top module.a b.sum_of__", "top_module.a_b_3.sum_of__"),
        ("top module.a_b.in[3:0]", "top_module.a_b.in_3_0_"),
        ("top module.a_b.$end", "top_module.a_b._end"),
        ("top module.a_b.sum.of δ", "top_module.a_b.sum_of___2"),
        ("top module.a_b.sum_of__", "top_module.a_b.sum_of__"),
    ];
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hostile wave");
        let cycles = simulate(&design, &path, &TraceOptions { format, reals: true, ..TraceOptions::default() }, 40);
        let waves = Waves::read(&path);
        for (number, cycle) in (0..).zip(&cycles) {
            assert_eq!(cycle.signals.len(), written.len());
            for (name, safe) in written {
                assert_eq!(waves.at(safe, 10 * number), Some((&cycle.signals[name]).into()), "{format:?}: {name}");
            }
            let fixed = cycle.signals["top module.state_name"].to_u64().unwrap();
            assert_eq!(waves.at("top_module.state_name_real_2", 10 * number), Some(Seen::Real(fixed as f64 / 4.0)));
            if format == TraceFormat::Vcd {
                let states = ["_0", "s_t_2", "s_t", "_end", "1"];
                let state = cycle.signals["top module.state"].to_u64().unwrap() as usize;
                let name = states.get(state).map_or_else(|| format!("{state:x}"), |name| name.to_string());
                assert_eq!(waves.at("top_module.state_name_2", 10 * number), Some(Seen::Text(name)));
            }
        }
    }
}

#[test]
fn equal_simulations_give_equal_files() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let bytes = ["first", "second"].map(|name| {
            simulate(&mixed(), &folder.path().join(name), &TraceOptions { format, ..TraceOptions::default() }, 50);
            std::fs::read(folder.path().join(name)).unwrap()
        });
        assert!(bytes[0] == bytes[1], "{format:?}");
    }
}

#[test]
fn a_trace_of_no_cycle_has_names_and_lasts_one_unit_without_values() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mixed.wave");
        simulate(&mixed(), &path, &TraceOptions { format, ..TraceOptions::default() }, 0);
        let waves = Waves::read(&path);
        assert_eq!(waves.times(), [0, 1], "{format:?}");
        assert!(matches!(waves.at("top.pe_0.west", 0), None | Some(Seen::Bits(_))));
        assert_ne!(waves.at("top.pe_0.mac.acc", 0), Some(Seen::Bits("0".repeat(20))), "{format:?}");
    }
}

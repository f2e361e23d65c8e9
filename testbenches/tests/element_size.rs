//! The sizes of processing elements can be measured, and are told apart.

use std::process::Command;

use systole_kernels::sparse::pattern::Pattern;
use systole_testbenches::element_size::{Kept, Size, by_group, by_pattern, measure};
use systole_verilog::tools::{Target, Tool, present_for_test};

#[test]
fn elements_for_larger_groups_are_larger() {
    if !present_for_test(&[Tool::Yosys]) {
        return;
    }
    for kept in Kept::ALL {
        let [dense, wide] = [1, 32].map(|elements| measure(kept, elements, Target::XilinxLut).unwrap());
        assert!(dense.lut < wide.lut && dense.ff < wide.ff, "{kept:?}: {dense:?}, {wide:?}");
        assert!(dense.selector_lut == 0 && wide.selector_lut > 0, "{kept:?}: {dense:?}, {wide:?}");
    }
}

/// 129 with the choice behind the adder; written by hand it is 97.
#[test]
fn an_output_stationary_element_is_as_small_as_by_hand_on_ecp5() {
    if present_for_test(&[Tool::Yosys]) {
        let dense = measure(Kept::Sum, 1, Target::Ecp5).unwrap();
        assert!(dense.lut <= 100 && dense.ff <= 83, "{dense:?}");
    }
}

#[test]
fn the_program_prints_tables_of_both_elements() {
    if !present_for_test(&[Tool::Yosys]) {
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_element-size")).args(["--groups", "1,4"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed = String::from_utf8(output.stdout).unwrap();
    let rows = |start: &str| printed.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!([rows("| 1 |"), rows("| 4 |"), rows("| 2:4 |"), rows("| 1:8 |")], [2, 2, 2, 0], "{printed}");
}

#[test]
fn a_group_that_is_no_power_of_two_and_a_comparison_with_nothing_are_refused() {
    let of_three = measure(Kept::Weight, 3, Target::XilinxLut).unwrap_err();
    assert_eq!(of_three.to_string(), "a group has 1, 2, 4, 8, 16 or 32 elements, not 3");
    let alone = [Size { elements: 4, lut: 1, ff: 1, selector_lut: 8 }];
    assert!(by_group(&alone).unwrap_err().to_string().contains("no element for groups of 1"));
}

#[test]
fn sizes_are_compared_with_the_dense_element_and_divided_by_the_work_done() {
    let sizes = [Size { elements: 1, lut: 100, ff: 50, selector_lut: 0 }, Size { elements: 4, lut: 120, ff: 75, selector_lut: 8 }];
    let table = by_group(&sizes).unwrap();
    assert!(table.ends_with("| 1 | 100 | 50 | +0 | +0 | 0 |\n| 4 | 120 | 75 | +20 | +25 | 8 |\n"), "{table}");
    let patterns = [(2, 4), (1, 4), (1, 8)].map(|(n, m)| Pattern::new(n, m).unwrap());
    let table = by_pattern(&sizes, &patterns).unwrap();
    assert!(table.ends_with("| 2:4 | 2 | 60.0 | 37.5 | 0.60 | 0.75 |\n| 1:4 | 4 | 30.0 | 18.8 | 0.30 | 0.38 |\n"), "{table}");
}

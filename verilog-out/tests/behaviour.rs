//! Cells whose Verilog operator differs from the netlist's meaning in some case, each with numbers worked out by hand.

mod support;

use support::{expect, parse};

#[test]
fn a_shift_by_the_width_or_more_gives_zero_or_signs() {
    let design = parse(
        r#"  input "a" = %0
  input "n" = %1
  output "left" = %2
  output "right" = %3
  output "arithmetic" = %5
  %0 : u8 = input 0
  %1 : s5 = input 1
  %2 : u8 = shift_left %0 %1
  %3 : u8 = shift_right %0 %1
  %4 : s8 = wire %0
  %5 : s8 = shift_right %4 %1"#,
    );
    expect(
        &design,
        &[
            (false, &[0x81, 1], &[0x02, 0x40, 0xc0]),
            (false, &[0x81, 7], &[0x80, 0x01, 0xff]),
            (false, &[0x81, 8], &[0x00, 0x00, 0xff]),
            (false, &[0x71, 31], &[0x00, 0x00, 0x00]),
            (false, &[0x81, 31], &[0x00, 0x00, 0xff]),
        ],
    );
}

#[test]
fn a_shift_amount_may_be_wider_than_an_integer() {
    let design = parse(
        r#"  input "a" = %0
  input "n" = %1
  output "left" = %2
  output "arithmetic" = %3
  %0 : s40 = input 0
  %1 : u60 = input 1
  %2 : s40 = shift_left %0 %1
  %3 : s40 = shift_right %0 %1"#,
    );
    expect(
        &design,
        &[(false, &[-4, 1], &[-8, -2]), (false, &[-4, 1 << 32], &[0, -1]), (false, &[5, 1 << 59], &[0, 0]), (false, &[-4, 40], &[0, -1])],
    );
}

#[test]
fn a_signed_shift_stays_signed_beside_unsigned_operands() {
    let design = parse(
        r#"  input "a" = %0
  input "b" = %1
  output "sum" = %4
  %0 : s8 = input 0
  %1 : u8 = input 1
  %2 : u2 = const 0x2
  %3 : s8 = shift_right %0 %2
  %5 : u8 = wire %3
  %4 : u8 = add %5 %1"#
            .replace("%5", "%x")
            .replace("%4", "%5")
            .replace("%x", "%4")
            .as_str(),
    );
    expect(&design, &[(false, &[-8, 0], &[0xfe]), (false, &[-8, 3], &[1]), (false, &[127, 1], &[32])]);
}

#[test]
fn comparison_follows_the_type_and_not_the_spelling() {
    let design = parse(
        r#"  input "a" = %0
  input "b" = %1
  output "signed_less" = %2
  output "unsigned_less" = %5
  output "bit_less" = %8
  %0 : s8 = input 0
  %1 : s8 = input 1
  %2 : bit = less %0 %1
  %3 : u8 = wire %0
  %4 : u8 = wire %1
  %5 : bit = less %3 %4
  %6 : s1 = slice %0 from 7
  %7 : s1 = slice %1 from 7
  %8 : bit = less %6 %7"#,
    );
    expect(
        &design,
        &[(false, &[-1, 1], &[1, 0, 1]), (false, &[1, -1], &[0, 1, 0]), (false, &[-128, 127], &[1, 0, 1]), (false, &[5, 5], &[0, 0, 0])],
    );
}

#[test]
fn products_and_extensions_keep_the_sign() {
    let design = parse(
        r#"  input "a" = %0
  input "b" = %1
  output "product" = %2
  output "wide" = %3
  output "from_bit" = %5
  %0 : s8 = input 0
  %1 : s4 = input 1
  %2 : s12 = mul %0 %1
  %3 : s70 = extend %2
  %4 : s1 = slice %0 from 7
  %5 : s9 = extend %4"#,
    );
    expect(
        &design,
        &[(false, &[-128, -8], &[1024, 1024, -1]), (false, &[-128, 7], &[-896, -896, -1]), (false, &[127, -8], &[-1016, -1016, 0])],
    );
}

#[test]
fn a_selection_beyond_the_last_option_gives_the_last() {
    let options: Vec<String> = (0..20).map(|i| format!("  %{} : u8 = const 0x{i:x}", i + 2)).collect();
    let body = format!(
        r#"  input "few" = %0
  input "many" = %1
  output "of_three" = %22
  output "of_twenty" = %23
  %0 : s3 = input 0
  %1 : u6 = input 1
{}
  %22 : u8 = select %0 of %5 %7 %9
  %23 : u8 = select %1 of {}"#,
        options.join("\n"),
        (2..22).map(|i| format!("%{i}")).collect::<Vec<_>>().join(" ")
    );
    expect(
        &parse(&body),
        &[(false, &[0, 0], &[3, 0]), (false, &[2, 19], &[7, 19]), (false, &[-1, 63], &[7, 19]), (false, &[3, 20], &[7, 19])],
    );
}

#[test]
fn memory_addresses_beyond_the_depth_read_zero_and_write_nothing() {
    let design = parse(
        r#"  input "address" = %0
  input "data" = %1
  input "enable" = %2
  output "now" = %3
  output "registered" = %4
  memory "words" : u8 depth 5
    initial 0x11 0x22
    write address %0 data %1 enable %2
  %0 : s4 = input 0
  %1 : u8 = input 1
  %2 : bit = input 2
  %3 : u8 = read "words" address %0
  %4 : u8 = read_registered "words" address %0 enable %2 read_first"#,
    );
    expect(
        &design,
        &[
            (false, &[1, 0x55, 0], &[0x22, 0]),
            (false, &[1, 0x55, 1], &[0x22, 0]),
            (false, &[1, 0x66, 0], &[0x55, 0x22]),
            (false, &[-1, 0x77, 1], &[0, 0x22]),
            (false, &[5, 0x77, 1], &[0, 0]),
            (false, &[4, 0x99, 1], &[0, 0]),
            (false, &[4, 0, 1], &[0x99, 0]),
            (false, &[0, 0, 0], &[0x11, 0x99]),
        ],
    );
}

#[test]
fn a_write_first_read_shows_all_writes_of_its_edge_in_order_and_masked() {
    let design = parse(
        r#"  input "read_address" = %0
  input "a" = %1
  input "b" = %2
  input "mask" = %3
  input "enable_b" = %4
  output "word" = %7
  memory "words" : bits8 depth 4
    write address %5 data %1 enable %6
    write address %5 data %2 enable %4 mask %3
  %0 : u2 = input 0
  %1 : bits8 = input 1
  %2 : bits8 = input 2
  %3 : bits2 = input 3
  %4 : bit = input 4
  %5 : u3 = const 0x2
  %6 : bit = const 0x1
  %7 : bits8 = read_registered "words" address %0 enable %6 write_first"#,
    );
    expect(
        &design,
        &[
            (false, &[2, 0xab, 0xcd, 0b10, 1], &[0]),
            (false, &[2, 0x12, 0x34, 0b11, 0], &[0xcb]),
            (false, &[2, 0x12, 0x34, 0b01, 1], &[0x12]),
            (false, &[1, 0x00, 0x00, 0b00, 0], &[0x14]),
            (false, &[2, 0x77, 0x00, 0b00, 1], &[0]),
            (false, &[2, 0, 0, 0, 0], &[0x77]),
        ],
    );
}

#[test]
fn a_register_starts_with_its_initial_value_and_obeys_reset_only_if_it_has_one() {
    let design = parse(
        r#"  output "with" = %0
  output "without" = %1
  %0 : s8 = register %3 initial 0xfe reset
  %1 : s8 = register %4 initial 0x7
  %2 : s8 = const 0x1
  %3 : s8 = add %0 %2
  %4 : s8 = sub %1 %2"#,
    );
    expect(&design, &[(false, &[], &[-2, 7]), (false, &[], &[-1, 6]), (true, &[], &[0, 5]), (true, &[], &[-2, 4]), (false, &[], &[-2, 3])]);
}

#[test]
fn registers_that_feed_each_other_exchange_their_values() {
    let design = parse(
        r#"  input "go" = %0
  output "a" = %1
  output "b" = %2
  %0 : bit = input 0
  %1 : u4 = register %3 initial 0x3
  %2 : u4 = register %4 initial 0xc
  %3 : u4 = mux %0 %2 %1
  %4 : u4 = mux %0 %1 %2"#,
    );
    expect(&design, &[(false, &[1], &[3, 12]), (false, &[0], &[12, 3]), (false, &[1], &[12, 3]), (false, &[1], &[3, 12])]);
}

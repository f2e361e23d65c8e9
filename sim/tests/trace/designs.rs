//! Circuits to trace.

use std::sync::Arc;

use systole_hdl::Design;

pub fn parse(text: &str) -> Arc<Design> {
    Arc::new(Design::parse(text).unwrap_or_else(|errors| panic!("{}", errors.iter().map(|e| format!("{e}\n")).collect::<String>())))
}

/// Two clock domains, three levels of modules, states, fixed point of many widths, a signal of 100 bits, a memory, and
/// signals that are one wire.
///
/// Inputs of the top: `west` (q4.4), `clear` (one bit), `seed` (100 bits), `weight` (uq0.8).
pub fn mixed() -> Arc<Design> {
    parse(MIXED)
}

const MIXED: &str = r#"systole netlist 1

module "mac" {
  domain ""
  input "a" = %0
  input "clear" = %1
  output "sum" = %7
  %0 "a" : q4.4 = input 0
  %1 "clear" : bit = input 1
  %2 "square" : q8.8 = mul %0 %0
  %3 "wide_square" : q40.40 = const 0xfffffffffff000000001
  %4 "extended" : q12.8 = extend %2
  %5 : q12.8 = add %4 %7
  %6 : q12.8 = mux %1 %4 %5
  %7 "acc" : q12.8 = register %6 initial 0x0 reset
}

module "pe" {
  domain ""
  input "west" = %0
  input "clear" = %1
  output "east" = %2
  output "sum" = %3
  instance "mac" of "mac" inputs %0 %1
  %0 "west" : q4.4 = input 0
  %1 "clear" : bit = input 1
  %2 "west_q" : q4.4 = register %0 initial 0x0 reset
  %3 "total" : q12.8 = output_of "mac" "sum"
}

module "control" {
  domain ""
  input "go" = %0
  output "state" = %6
  %0 "go" : bit = input 0
  %1 : u2 = const 0x1
  %2 : u2 = const 0x2
  %3 : u2 = const 0x0
  %4 : u2 = select %6 of %1 %2 %7 %3
  %5 : u2 = mux %0 %4 %6
  %6 "state" : u2 = register %5 initial 0x0 reset states "Idle" "Load tile" "Run"
  %7 : u2 = const 0x3
}

module "top" {
  domain ""
  domain "slow"
  input "west" = %0
  input "clear" = %1
  input "seed" = %2
  input "weight" = %3
  output "east" = %5
  output "sum" = %7
  output "long" = %12
  output "word" = %14
  memory "words" : u8 depth 4
    initial 0x1 0x2 0x3 0x4
    write address %13 data %16 enable %1
  instance "pe_0" of "pe" inputs %0 %1
  instance "pe_1" of "pe" inputs %4 %1
  instance "control" of "control" inputs %8 domains "slow"
  %0 "west" : q4.4 = input 0
  %1 "clear" : bit = input 1
  %2 "seed" : bits100 = input 2
  %3 "weight" : uq0.8 = input 3
  %4 : q4.4 = output_of "pe_0" "east"
  %5 "last_east" : q4.4 = output_of "pe_1" "east"
  %6 : q12.8 = output_of "pe_0" "sum"
  %7 : q12.8 = output_of "pe_1" "sum"
  %8 "go" : bit = not %1
  %9 : u2 = output_of "control" "state"
  %10 "phase" : u2 = wire %9
  %11 : bits100 = xor %12 %2
  %12 "long_q" : bits100 = register %11 initial 0x123456789abcdef0123456789 in "slow"
  %13 "address" : u2 = wire %9
  %14 : u8 = read "words" address %13
  %15 "weight_q" : uq0.8 = register %3 initial 0x80
  %16 : u8 = wire %15
  %17 "both_sums" : q12.8 = add %6 %7
}
"#;

/// Names that break a careless writer: white space, keywords, brackets, dots, other scripts, and twins of the safe form.
pub fn hostile() -> Arc<Design> {
    parse(HOSTILE)
}

const HOSTILE: &str = r##"systole netlist 1

module "a module $end" {
  domain ""
  input "in[3:0]" = %0
  output "$end" = %1
  %0 "in[3:0]" : u4 = input 0
  %1 "sum.of δ" : u4 = add %0 %2
  %2 "sum_of__" : u4 = register %1 initial 0x3
}

module "top module" {
  domain ""
  domain "$dumpvars x"
  input "in_3_0_" = %0
  input "in[3:0]" = %1
  output "a.b" = %2
  instance "a b" of "a module $end" inputs %0 domains ""
  instance "a_b" of "a module $end" inputs %1 domains "$dumpvars x"
  %0 "in_3_0_" : u4 = input 0
  %1 "in[3:0]" : u4 = input 1
  %2 : u4 = output_of "a b" "$end"
  %3 "clock_" : u4 = output_of "a_b" "$end"
  %4 "state" : u4 = register %2 initial 0x0 states "#0" "s t" "s_t" "$end" "1"
  %5 "state_name" : uq2.2 = register %3 initial 0x0
  %6 "state_name_real" : u4 = wire %5
}
"##;

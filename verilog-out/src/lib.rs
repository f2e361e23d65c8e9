//! Writes a design as Verilog-2005 with a self-checking testbench.

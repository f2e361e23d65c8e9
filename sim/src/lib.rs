//! Cycle-accurate simulation of a design, with traces, stream drivers and counters.

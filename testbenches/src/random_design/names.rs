//! Names as users give them when nobody stops them.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::recipe::Label;

/// Plain names first. Then words that Verilog or C++ reserve, names that the writer itself makes, characters that no
/// identifier has, and pairs that fall together when those are replaced.
const NAMES: &[&str] = &[
    "a",
    "b",
    "data",
    "sum",
    "acc",
    "A",
    "reg",
    "wire",
    "module",
    "endmodule",
    "output",
    "logic",
    "class",
    "double",
    "this",
    "std",
    "clock",
    "reset",
    "mem_clock",
    "mem_reset",
    "i",
    "word",
    "sum_1",
    "stored",
    "passed",
    "part",
    "instance",
    "dut",
    "x y",
    "x_y",
    "x-y",
    "größe",
    "gr__e",
    "\\hostile ",
    "9lives",
    "_9lives",
    "$display",
    "a.b",
    "a[3]",
    "a\"b",
    "*/",
    "line\nbreak",
    "",
    " ",
    "日本",
    "_",
    "__",
    "a_name_that_goes_on_for_much_longer_than_anybody_would_like_to_read_in_a_waveform_viewer_or_in_a_netlist",
];

/// Words that tools hold as theirs.
static RESERVED: LazyLock<Vec<&str>> = LazyLock::new(|| systole_verilog::reserved_words().collect());

/// Names of the clock domains after the default one.
const DOMAINS: &[&str] = &["mem", "host", "mem ", "reg", "größe", "clock", "reset", "9"];

/// Names of modules. Some differ in case only.
const MODULES: &[&str] =
    &["pe", "mac", "Pe", "PE", "row", "module", "a b", "a_b", "größe", "endmodule", "top", "", "9lives", "dut", "a", "main"];

/// A name space in which every name is given once.
#[derive(Clone, Debug, Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// A name for a port, cell, memory or instance: one in five is a word that the writer must not let stand.
    pub(super) fn claim(&mut self, label: Label) -> String {
        if label % 5 == 4 { self.claim_from(&RESERVED, label / 5) } else { self.claim_from(NAMES, label) }
    }

    /// A name for a domain.
    pub(super) fn claim_domain(&mut self, label: Label) -> String {
        self.claim_from(DOMAINS, label)
    }

    /// A name for a module.
    pub(super) fn claim_module(&mut self, label: Label) -> String {
        self.claim_from(MODULES, label)
    }

    /// Takes a name that must be free.
    pub(super) fn take(&mut self, name: &str) {
        self.0.insert(name.to_string());
    }

    fn claim_from(&mut self, list: &[&str], label: Label) -> String {
        let base = list[usize::from(label) % list.len()];
        // The separator is illegal in Verilog as often as not.
        let separator = ["_", " ", "#"][usize::from(label) / list.len() % 3];
        let mut name = base.to_string();
        for number in 1.. {
            if self.0.insert(name.clone()) {
                break;
            }
            name = format!("{base}{separator}{number}");
        }
        name
    }
}

//! Verilog identifiers from user's names: legal, unreserved and unique in their scope.

use std::sync::LazyLock;

use rustc_hash::{FxHashMap, FxHashSet};

/// Lists of words that no identifier may be. A line that begins with `#` says where a list comes from.
const RESERVED_LISTS: [&str; 4] = [
    include_str!("names/languages.txt"),
    include_str!("names/standard_library.txt"),
    include_str!("names/macros.txt"),
    include_str!("names/verilator.txt"),
];

static RESERVED: LazyLock<FxHashSet<&str>> = LazyLock::new(|| reserved_words().collect());

/// The most characters of a module's identifier. Verilator's files are named after two modules and more, and a file name holds 255.
const LONGEST_MODULE: usize = 96;

/// The most characters of any other identifier.
const LONGEST: usize = 200;

/// Words that no identifier in exported Verilog is, each once: those of Verilog, SystemVerilog (Verilator reads the text as such)
/// and its standard package, C++ and its library's macros (Verilator makes C++ members of signals), and Verilator's own classes.
/// A signal of such a name gets `_` behind it. Besides, no identifier has the form of a name that these tools make.
pub fn reserved_words() -> impl Iterator<Item = &'static str> {
    let lines = RESERVED_LISTS.iter().flat_map(|list| list.lines());
    lines.filter(|line| !line.starts_with('#')).flat_map(str::split_whitespace)
}

/// Whether a tool takes `text` for something of its own.
fn is_reserved(text: &str) -> bool {
    RESERVED.contains(text) || is_of_a_reserved_family(text)
}

/// Names of Verilator's macros and types, of VPI's constants, and of macros for formats and system calls: too many for lists.
fn is_of_a_reserved_family(text: &str) -> bool {
    let followed_by = |prefix: &str, test: fn(char) -> bool| text.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(test));
    ["VL_", "VPI_", "VERILATOR_", "VERILATED_", "Verilated", "vl_", "__V"].iter().any(|prefix| text.starts_with(prefix))
        || ["Vl", "vpi"].iter().any(|prefix| followed_by(prefix, |c| c.is_ascii_uppercase()))
        || ["PRI", "SCN"].iter().any(|prefix| followed_by(prefix, |c| "dioxuX".contains(c)))
        || followed_by("SYS_", |c| c.is_ascii_lowercase() || c == '_')
}

/// Whether a module of this name would give Verilator's files, or its own, names that something else has: Verilator's library
/// is in files `verilated…`, a model in files that begin with `V`, and some systems keep devices where others have files.
fn is_reserved_for_a_module(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let port = lower.strip_prefix("com").or(lower.strip_prefix("lpt"));
    lower.starts_with("erilated")
        || ["con", "prn", "aux", "nul"].contains(&lower.as_str())
        || port.is_some_and(|number| number.len() == 1 && number.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether `name` may stand in Verilog text as it is.
pub(crate) fn is_legal(name: &str) -> bool {
    let mut chars = name.chars();
    let start = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    start && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') && name.len() <= LONGEST && !is_reserved(name)
}

/// One name space, in which each identifier is given once.
#[derive(Default)]
pub(crate) struct Names {
    taken: FxHashSet<String>,
    /// For each name that was wanted again, the last number given.
    numbers: FxHashMap<String, u32>,
    /// Whether names that differ only in case are held for equal: file names must be so on some systems.
    ignore_case: bool,
    /// The name of the class that Verilator makes of the module whose names these are; its other classes' names begin so.
    class: Option<String>,
}

impl Names {
    /// The name space of modules, in which names differ by more than case.
    pub(crate) fn of_modules() -> Names {
        Names { ignore_case: true, ..Names::default() }
    }

    /// The name space of the module `name`. No name in it is that of the module, which Verilator would take for the module, nor
    /// that of a class of its model; no module can be sure not to be the top.
    pub(crate) fn of_module(name: &str) -> Names {
        let mut names = Names { class: Some(format!("V{name}")), ..Names::default() };
        names.take(name);
        names
    }

    /// `wanted` made legal, with the first free number behind it if somebody has that name already.
    pub(crate) fn claim(&mut self, wanted: &str) -> String {
        self.claim_apart_from(wanted, None)
    }

    /// Like [`Names::claim`], and a name that is not taken in `other` either.
    pub(crate) fn claim_apart_from(&mut self, wanted: &str, other: Option<&Names>) -> String {
        let base = self.legal(wanted);
        let is_free = |name: &str| other.is_none_or(|other| !other.taken.contains(name));
        if is_free(&base) && self.take(&base) {
            return base;
        }
        let mut number = self.numbers.get(&base).copied().unwrap_or(0);
        loop {
            number += 1;
            let name = format!("{base}_{number}");
            if is_free(&name) && self.take(&name) {
                self.numbers.insert(base, number);
                return name;
            }
        }
    }

    /// Names for all of `wanted`. Whoever has a legal name keeps it, whatever stands before it in the list.
    pub(crate) fn claim_all<'a>(&mut self, wanted: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
        let verbatim: Vec<bool> = wanted.clone().map(|name| self.is_legal(name) && self.take(name)).collect();
        wanted.zip(verbatim).map(|(name, verbatim)| if verbatim { name.to_string() } else { self.claim(name) }).collect()
    }

    /// The identifier nearest to `name`: other characters become `_`, a leading digit gets one before it, a reserved word
    /// one after it, and the end of a long name is cut.
    fn legal(&self, name: &str) -> String {
        let mut text: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
        if text.is_empty() {
            text.push_str("unnamed");
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) || is_of_a_reserved_family(&text) || self.is_a_class(&text) {
            text.insert(0, '_');
        }
        text.truncate(self.longest());
        if !self.is_legal(&text) {
            text.push('_');
        }
        text
    }

    fn is_legal(&self, name: &str) -> bool {
        let is_reserved = if self.ignore_case { is_reserved_for_a_module(name) } else { self.is_a_class(name) };
        name.len() <= self.longest() && is_legal(name) && !is_reserved
    }

    fn is_a_class(&self, name: &str) -> bool {
        let rest = self.class.as_ref().and_then(|class| name.strip_prefix(class.as_str()));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    }

    fn longest(&self) -> usize {
        if self.ignore_case { LONGEST_MODULE } else { LONGEST }
    }

    fn take(&mut self, name: &str) -> bool {
        self.taken.insert(if self.ignore_case { name.to_ascii_lowercase() } else { name.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reserved_word_is_in_one_list() {
        let mut words: Vec<&str> = reserved_words().collect();
        words.sort_unstable();
        let doubled: Vec<&[&str]> = words.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(doubled.is_empty(), "{doubled:?}");
        assert!(words.iter().all(|word| word.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_')));
    }

    #[test]
    fn every_reserved_word_and_family_is_renamed_to_something_legal() {
        let families = ["VL_IN8", "VlWide", "VerilatedModel", "vpiModule", "PRIu64", "SYS_read", "__VdlyVal", "VERILATED_VPI_H_"];
        for word in reserved_words().chain(families) {
            assert!(!is_legal(word), "{word}");
            let name = Names::default().claim(word);
            assert!(is_legal(&name) && name.trim_matches('_') == word.trim_matches('_'), "{word}: {name}");
        }
        for word in ["reset", "VALID", "Vector", "vpi", "PRIORITY", "SYS_CLK", "SCN", "ENABLE", "Vl"] {
            assert!(is_legal(word), "{word}");
        }
    }

    #[test]
    fn the_classes_of_a_module_are_no_names_in_it() {
        let wanted = ["Vmac", "Vmac__Syms", "Vmac_child", "Vmachine", "mac"];
        assert_eq!(Names::of_module("mac").claim_all(wanted.into_iter()), ["_Vmac", "_Vmac__Syms", "_Vmac_child", "Vmachine", "mac_1"]);
    }

    #[test]
    fn modules_are_not_called_like_files_of_others() {
        let wanted = ["erilated", "Erilated_vcd", "aux", "COM1", "com", "names"];
        let given = ["erilated_", "Erilated_vcd_", "aux_", "COM1_", "com", "names"];
        assert_eq!(Names::of_modules().claim_all(wanted.into_iter()), given);
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let [long, longer] = ["x".repeat(300), "x".repeat(400)];
        let names = Names::default().claim_all([long.as_str(), longer.as_str()].into_iter());
        assert_eq!(names, ["x".repeat(LONGEST), format!("{}_1", "x".repeat(LONGEST))]);
        assert_eq!(Names::of_modules().claim(&long).len(), LONGEST_MODULE);
    }

    #[test]
    fn hostile_names_become_legal_and_stay_apart() {
        let hostile = ["", "a b", "a-b", "3x", "größe", "\\x ", "reg", "reg_", "x\n", "class", "double"];
        let names = Names::default().claim_all(hostile.into_iter());
        assert!(names.iter().all(|name| is_legal(name)), "{names:?}");
        let different: FxHashSet<&String> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{names:?}");
    }

    #[test]
    fn a_legal_name_is_kept_even_if_an_illegal_one_before_it_wants_it() {
        assert_eq!(Names::default().claim_all(["a b", "a_b", "A_b"].into_iter()), ["a_b_1", "a_b", "A_b"]);
    }

    #[test]
    fn names_that_differ_only_in_case_clash_where_files_are_named_after_them() {
        assert_eq!(Names::of_modules().claim_all(["Pe", "pe"].into_iter()), ["Pe", "pe_1"]);
    }
}

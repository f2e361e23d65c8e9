//! Verilog identifiers from user's names: legal, unreserved and unique in their scope.

use rustc_hash::{FxHashMap, FxHashSet};

/// Words that no identifier may be: Verilog-2005, SystemVerilog (Verilator reads our text as such) and C++ (Verilator
/// makes C++ members of our signals). Sorted, for binary search.
#[rustfmt::skip]
const RESERVED: &[&str] = &[
    "accept_on", "alias", "alignas", "alignof", "always", "always_comb", "always_ff", "always_latch", "and", "and_eq", "asm",
    "assert", "assign", "assume", "atomic_cancel", "atomic_commit", "atomic_noexcept", "auto", "automatic", "before", "begin",
    "bind", "bins", "binsof", "bit", "bit_vector", "bitand", "bitor", "bool", "break", "buf", "bufif0", "bufif1", "byte", "case",
    "casex", "casez", "catch", "cdecl", "cell", "chandle", "char", "char16_t", "char32_t", "char8_t", "checker", "class",
    "clocking", "cmos", "co_await", "co_return", "co_yield", "compl", "complex", "concept", "config", "const", "const_cast",
    "const_iterator", "const_reference", "consteval", "constexpr", "constinit", "constraint", "context", "continue", "cover",
    "covergroup", "coverpoint", "cross", "deassign", "decltype", "default", "defparam", "delete", "deque", "design", "disable",
    "dist", "do", "double", "dynamic_cast", "edge", "else", "end", "endcase", "endchecker", "endclass", "endclocking",
    "endconfig", "endfunction", "endgenerate", "endgroup", "endinterface", "endmodule", "endpackage", "endprimitive",
    "endprogram", "endproperty", "endsequence", "endspecify", "endtable", "endtask", "enum", "event", "eventually", "expect",
    "explicit", "export", "extends", "extern", "false", "far", "final", "first_match", "float", "for", "force", "foreach",
    "forever", "fork", "forkjoin", "friend", "function", "generate", "genvar", "global", "goto", "highz0", "highz1", "huge",
    "if", "iff", "ifnone", "ignore_bins", "illegal_bins", "implements", "implies", "import", "incdir", "include", "initial",
    "inline", "inout", "input", "inside", "instance", "int", "integer", "interconnect", "interface", "interrupt", "intersect",
    "join", "join_any", "join_none", "large", "let", "liblist", "library", "list", "local", "localparam", "logic", "long",
    "longint", "macromodule", "main", "map", "matches", "medium", "modport", "module", "multimap", "multiset", "mutable",
    "namespace", "nand", "near", "negedge", "nettype", "new", "nexttime", "nmos", "noexcept", "nor", "noshowcancelled", "not",
    "not_eq", "notif0", "notif1", "null", "nullptr", "operator", "or", "or_eq", "output", "override", "package", "packed",
    "parameter", "pascal", "pmos", "posedge", "primitive", "priority", "private", "process", "program", "property",
    "protected", "public", "pull0", "pull1", "pulldown", "pullup", "pulsestyle_ondetect", "pulsestyle_onevent", "pure",
    "queue", "rand", "randc", "randcase", "randomize", "randsequence", "rcmos", "real", "realtime", "ref", "reg", "register",
    "reinterpret_cast", "reject_on", "release", "repeat", "requires", "restrict", "return", "rnmos", "rpmos", "rtran",
    "rtranif0", "rtranif1", "s_always", "s_eventually", "s_nexttime", "s_until", "s_until_with", "sc_clock", "sc_in",
    "sc_inout", "sc_out", "sc_signal", "scalared", "sensitive", "sensitive_neg", "sensitive_pos", "sequence", "set", "short",
    "shortint", "shortreal", "showcancelled", "signed", "sizeof", "small", "soft", "solve", "specify", "specparam", "stack",
    "static", "static_assert", "static_cast", "std", "string", "strong", "strong0", "strong1", "struct", "super", "supply0",
    "supply1", "switch", "sync_accept_on", "sync_reject_on", "synchronized", "table", "tagged", "task", "template", "this",
    "thread_local", "throughout", "throw", "time", "timeprecision", "timeunit", "tran", "tranif0", "tranif1",
    "transaction_safe", "transaction_safe_dynamic", "tri", "tri0", "tri1", "triand", "trior", "trireg", "true", "try", "type",
    "type_info", "typedef", "typeid", "typename", "union", "unique", "unique0", "unsigned", "until", "until_with", "untyped",
    "use", "using", "uwire", "var", "vector", "vectored", "virtual", "void", "volatile", "wait", "wait_order", "wand",
    "wchar_t", "weak", "weak0", "weak1", "while", "wildcard", "wire", "with", "within", "wor", "xnor", "xor", "xor_eq",
];

/// Whether `name` may stand in Verilog text as it is.
pub(crate) fn is_legal(name: &str) -> bool {
    let mut chars = name.chars();
    let start = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    start && chars.all(|c| c.is_ascii_alphanumeric() || c == '_') && RESERVED.binary_search(&name).is_err()
}

/// The identifier nearest to `name`: other characters become `_`, a leading digit gets one before it, a reserved word
/// one after it.
fn legal(name: &str) -> String {
    let mut text: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if text.is_empty() {
        text.push_str("unnamed");
    }
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        text.insert(0, '_');
    }
    if RESERVED.binary_search(&text.as_str()).is_ok() {
        text.push('_');
    }
    text
}

/// One name space, in which each identifier is given once.
#[derive(Default)]
pub(crate) struct Names {
    taken: FxHashSet<String>,
    /// For each name that was wanted again, the last number given.
    numbers: FxHashMap<String, u32>,
    /// Whether names that differ only in case are held for equal: file names must be so on some systems.
    ignore_case: bool,
}

impl Names {
    /// A name space in which names differ by more than case.
    pub(crate) fn ignoring_case() -> Names {
        Names { ignore_case: true, ..Names::default() }
    }

    /// `wanted` made legal, with the first free number behind it if somebody has that name already.
    pub(crate) fn claim(&mut self, wanted: &str) -> String {
        self.claim_apart_from(wanted, None)
    }

    /// Like [`Names::claim`], and a name that is not taken in `other` either.
    pub(crate) fn claim_apart_from(&mut self, wanted: &str, other: Option<&Names>) -> String {
        let base = legal(wanted);
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
        let verbatim: Vec<bool> = wanted.clone().map(|name| is_legal(name) && self.take(name)).collect();
        wanted.zip(verbatim).map(|(name, verbatim)| if verbatim { name.to_string() } else { self.claim(name) }).collect()
    }

    fn take(&mut self, name: &str) -> bool {
        self.taken.insert(if self.ignore_case { name.to_ascii_lowercase() } else { name.to_string() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserved_words_are_sorted() {
        assert!(RESERVED.is_sorted());
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
        assert_eq!(Names::ignoring_case().claim_all(["Pe", "pe"].into_iter()), ["Pe", "pe_1"]);
    }
}

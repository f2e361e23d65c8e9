//! Names that waveform formats and their viewers take as they are.
//!
//! VCD separates words by white space, so a name with a space, or one that reads `$end`, breaks the file; viewers read
//! dots as hierarchy and brackets as bit ranges. A name of ASCII letters, digits and `_`, with `$` inside it, passes
//! everywhere unchanged.

use std::collections::HashSet;

/// Longest name written, in characters; FST readers keep names in fixed buffers of 512.
const MAX_LENGTH: usize = 200;

/// Gives every name of a scope a safe form, unique in the scope; parallel to `names`.
///
/// A name that is safe already keeps its spelling, whatever else is in the scope. In any other, each foreign character
/// becomes `_`, and a number is appended where the result is taken. The outcome depends on the names and their order only.
pub(super) fn safe_names<'a>(names: impl IntoIterator<Item = &'a str> + Clone) -> Vec<String> {
    let mut taken: HashSet<String> = names.clone().into_iter().filter(|name| is_safe(name)).map(str::to_string).collect();
    let mut kept = HashSet::new();
    names
        .into_iter()
        .map(|name| {
            // A second name of the same spelling is not the first one's owner: it is numbered.
            if is_safe(name) && kept.insert(name) { name.to_string() } else { claim(&safe(name), &mut taken) }
        })
        .collect()
}

/// `wanted` if nobody has it, otherwise `wanted_2`, `wanted_3`, …; the result is then taken.
pub(super) fn claim(wanted: &str, taken: &mut HashSet<String>) -> String {
    let free = |name: &String| !taken.contains(name);
    let numbered = || (2..).map(|n: u64| format!("{wanted}_{n}")).find(free).expect("there are more numbers than names");
    let name = Some(wanted.to_string()).filter(free).unwrap_or_else(numbered);
    taken.insert(name.clone());
    name
}

fn is_safe(name: &str) -> bool {
    name == safe(name)
}

fn safe(name: &str) -> String {
    let plain = |(i, c): (usize, char)| if c.is_ascii_alphanumeric() || c == '_' || (c == '$' && i > 0) { c } else { '_' };
    let name: String = name.chars().take(MAX_LENGTH).enumerate().map(plain).collect();
    if name.is_empty() { "_".to_string() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_safe_name_keeps_its_spelling_even_after_a_hostile_twin() {
        assert_eq!(safe_names(["a b", "a_b", "a.b", "a$b", "$end", "_end"]), ["a_b_2", "a_b", "a_b_3", "a$b", "_end_2", "_end"]);
    }

    #[test]
    fn equal_and_empty_names_are_told_apart() {
        assert_eq!(safe_names(["x", "x", "", "δ"]), ["x", "x_2", "_", "__2"]);
    }

    proptest! {
        #[test]
        fn names_are_safe_unique_and_stable(names in prop::collection::vec(".{0,4}|[ab._$]{1,3}", 0..30)) {
            let written = safe_names(names.iter().map(String::as_str));
            let different: HashSet<&String> = written.iter().collect();
            prop_assert_eq!(different.len(), names.len());
            prop_assert!(written.iter().all(|name| is_safe(name)));
            prop_assert_eq!(&written, &safe_names(names.iter().map(String::as_str)));
            prop_assert_eq!(&written, &safe_names(written.iter().map(String::as_str)));
        }
    }
}

//! Which signals scope patterns and a depth select.

use std::cmp::Reverse;

use glob::{MatchOptions, Pattern};

use super::error::TraceError;

/// Scope patterns and a depth, ready to be asked. What any of the scopes selects is selected.
pub(super) struct Selection {
    scopes: Vec<Scope>,
    depth: u32,
}

struct Scope {
    text: String,
    /// `None` selects everything.
    pattern: Option<Pattern>,
    /// Whether it has selected something.
    found: bool,
}

/// The level of an instance in what each scope selects: 1 if it is selected itself, one more than its parent's level inside a
/// selected one, `None` outside.
pub(super) type Levels = Vec<Option<u32>>;

impl Selection {
    /// What the scopes select, or everything if there are none.
    ///
    /// # Errors
    /// If one of `scopes` is not a pattern, or `depth` is 0.
    pub fn new(scopes: &[String], depth: Option<u32>) -> Result<Selection, TraceError> {
        let depth = depth.unwrap_or(u32::MAX);
        if depth == 0 {
            return Err(TraceError::Depth);
        }
        if scopes.is_empty() {
            return Ok(Selection { scopes: vec![Scope { text: String::new(), pattern: None, found: false }], depth });
        }
        Selection::only(scopes).map(|selection| Selection { depth, ..selection })
    }

    /// What the scopes select, at any depth: nothing if there are none.
    ///
    /// # Errors
    /// If one of them is not a pattern.
    pub fn only(scopes: &[String]) -> Result<Selection, TraceError> {
        let parse = |text: &String| {
            let fault = |e: glob::PatternError| TraceError::Pattern { pattern: text.clone(), reason: e.msg.to_string() };
            let pattern = Some(Pattern::new(&text.replace('.', "/")).map_err(fault)?);
            Ok(Scope { text: text.clone(), pattern, found: false })
        };
        Ok(Selection { scopes: scopes.iter().map(parse).collect::<Result<_, TraceError>>()?, depth: u32::MAX })
    }

    /// The levels of an instance, given those of its parent.
    pub fn levels(&self, path: &str, parent: Option<&Levels>) -> Levels {
        let level = |(index, scope): (usize, &Scope)| {
            let inside = parent.and_then(|levels| levels[index]).map(|level| level.saturating_add(1));
            inside.or_else(|| scope.matches(path).then_some(1))
        };
        self.scopes.iter().enumerate().map(level).collect()
    }

    /// Whether a signal is traced, given its path and the levels of its instance.
    pub fn selects(&mut self, path: impl Fn() -> String, levels: &Levels) -> bool {
        let mut selected = false;
        for (scope, level) in self.scopes.iter_mut().zip(levels) {
            let found = level.map_or_else(|| scope.matches(&path()), |level| level <= self.depth);
            scope.found |= found;
            selected |= found;
        }
        selected
    }

    /// The first scope that has selected nothing of all that was asked for.
    pub fn missed(&self) -> Option<&str> {
        self.scopes.iter().find(|scope| !scope.found).map(|scope| scope.text.as_str())
    }
}

impl Scope {
    fn matches(&self, path: &str) -> bool {
        // The pattern library knows paths with slashes: `*` then stays within one name, `**` crosses any number.
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
        self.pattern.as_ref().is_none_or(|pattern| pattern.matches_with(&path.replace('.', "/"), options))
    }
}

/// The most paths that a message names.
const NAMED: usize = 5;

/// The paths that are most like `pattern`, nearest first; the outermost of those that are equally so.
pub(super) fn nearest(pattern: &str, paths: impl IntoIterator<Item = String>) -> Vec<String> {
    let likeness = |path: &str| (strsim::normalized_damerau_levenshtein(pattern, path) * 1e6) as u32;
    let mut scored: Vec<_> = paths.into_iter().map(|path| (Reverse(likeness(&path)), path.matches('.').count(), path)).collect();
    scored.sort_unstable();
    scored.dedup();
    scored.into_iter().take(NAMED).map(|(.., path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a fixed small tree, the signals that scope and depth select.
    fn selected(scope: Option<&str>, depth: Option<u32>) -> String {
        let mut selection = Selection::new(&scope.map(str::to_string).into_iter().collect::<Vec<_>>(), depth).unwrap();
        let mut found = Vec::new();
        let top = selection.levels("top", None);
        let array = selection.levels("top.array", Some(&top));
        let pe = selection.levels("top.array.pe_0", Some(&array));
        for (path, levels) in [("top.a", top), ("top.array.b", array), ("top.array.pe_0.acc", pe)] {
            if selection.selects(|| path.to_string(), &levels) {
                found.push(path);
            }
        }
        found.join(" ")
    }

    #[test]
    fn an_instance_brings_all_that_is_in_it() {
        assert_eq!(selected(None, None), "top.a top.array.b top.array.pe_0.acc");
        assert_eq!(selected(Some("top"), None), selected(None, None));
        assert_eq!(selected(Some("top.array"), None), "top.array.b top.array.pe_0.acc");
        assert_eq!(selected(Some("top.array.*"), None), "top.array.b top.array.pe_0.acc");
        assert_eq!(selected(Some("top.*.pe_?"), None), "top.array.pe_0.acc");
    }

    #[test]
    fn depth_counts_from_the_selected_instance() {
        assert_eq!(selected(None, Some(1)), "top.a");
        assert_eq!(selected(None, Some(2)), "top.a top.array.b");
        assert_eq!(selected(Some("top.array"), Some(1)), "top.array.b");
        assert_eq!(selected(Some("top.array"), Some(2)), "top.array.b top.array.pe_0.acc");
    }

    #[test]
    fn single_signals_can_be_named() {
        assert_eq!(selected(Some("top.array.b"), None), "top.array.b");
        assert_eq!(selected(Some("top.**.acc"), None), "top.array.pe_0.acc");
        assert_eq!(selected(Some("top.*.acc"), None), "");
    }

    #[test]
    fn what_cannot_select_anything_is_refused() {
        assert!(matches!(Selection::new(&[], Some(0)), Err(TraceError::Depth)));
        assert!(matches!(Selection::new(&["top.[a".to_string()], None), Err(TraceError::Pattern { .. })));
    }
}

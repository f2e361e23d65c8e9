//! Which signals a scope pattern and a depth select.

use glob::{MatchOptions, Pattern};

use super::error::TraceError;

/// A scope pattern and a depth, ready to be asked.
pub(super) struct Selection {
    scope: Option<Pattern>,
    depth: u32,
}

impl Selection {
    /// # Errors
    /// If `scope` is not a pattern, or `depth` is 0.
    pub fn new(scope: Option<&str>, depth: Option<u32>) -> Result<Selection, TraceError> {
        let parse = |text: &str| {
            let fault = |e: glob::PatternError| TraceError::Pattern { pattern: text.to_string(), reason: e.msg.to_string() };
            Pattern::new(&text.replace('.', "/")).map_err(fault)
        };
        let depth = depth.unwrap_or(u32::MAX);
        if depth == 0 {
            return Err(TraceError::Depth);
        }
        Ok(Selection { scope: scope.map(parse).transpose()?, depth })
    }

    /// The level of an instance: 1 if it is selected itself, one more than its parent's level inside a selected one,
    /// `None` outside.
    pub fn level(&self, path: &str, parent: Option<u32>) -> Option<u32> {
        parent.map(|level| level.saturating_add(1)).or_else(|| self.matches(path).then_some(1))
    }

    /// Whether a signal is traced, given its path and the level of its instance.
    pub fn selects(&self, path: impl FnOnce() -> String, level: Option<u32>) -> bool {
        match level {
            Some(level) => level <= self.depth,
            None => self.matches(&path()),
        }
    }

    fn matches(&self, path: &str) -> bool {
        // The pattern library knows paths with slashes: `*` then stays within one name, `**` crosses any number.
        let options = MatchOptions { require_literal_separator: true, ..MatchOptions::default() };
        self.scope.as_ref().is_none_or(|pattern| pattern.matches_with(&path.replace('.', "/"), options))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a fixed small tree, the signals that scope and depth select.
    fn selected(scope: Option<&str>, depth: Option<u32>) -> String {
        let selection = Selection::new(scope, depth).unwrap();
        let mut found = Vec::new();
        let (top, array) = (selection.level("top", None), selection.level("top.array", selection.level("top", None)));
        let pe = selection.level("top.array.pe_0", array);
        for (path, level) in [("top.a", top), ("top.array.b", array), ("top.array.pe_0.acc", pe)] {
            if selection.selects(|| path.to_string(), level) {
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
        assert!(matches!(Selection::new(None, Some(0)), Err(TraceError::Depth)));
        assert!(matches!(Selection::new(Some("top.[a"), None), Err(TraceError::Pattern { .. })));
    }
}

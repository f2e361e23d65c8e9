//! A run's warnings and notes as lines of text.

use systole_kernels::report::{Severity, Warning};

/// One line each, warnings before notes: `warning: layers[0].a: ..`. Empty if there are none.
pub fn lines(warnings: &[Warning]) -> String {
    let of = |severity: Severity| warnings.iter().filter(move |warning| warning.severity() == severity);
    let line = |warning: &Warning| format!("{}: {warning}\n", warning.severity().name());
    of(Severity::Warning).chain(of(Severity::Note)).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_come_before_notes_and_say_what_they_are() {
        let warnings = [Warning::note("b", "advice", 0), Warning::counted("a", 1, 2, "elements", "saturate in s8")];
        assert_eq!(lines(&warnings), "warning: a: 1 of 2 elements saturate in s8\nnote: b: advice\n");
        assert_eq!(lines(&[]), "");
    }
}

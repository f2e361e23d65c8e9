//! What a reader of the report must not overlook: results worse than the tensors and the hardware allow, with what mends it.

use std::fmt;

use serde::Serialize;

use super::grouped;

/// How much a [`Warning`] matters.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Results are worse than they have to be, such as where numbers saturate.
    Warning,
    /// Advice, or a fact about the data that may be meant: results are as good as the formats allow.
    Note,
}

impl Severity {
    /// As reports write it.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// Something in a run that its user did not ask for, or could have better.
///
/// Displays as one line: `heads[0].q: 8 of 4 096 elements saturate in q3.13, ..; set formats.query = "q4.12"`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Warning {
    severity: Severity,
    subject: String,
    happened: String,
    count: u64,
    effect: Option<String>,
    remedy: Option<Setting>,
}

/// A key of the configuration with a value.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Setting {
    key: String,
    value: String,
}

impl Setting {
    /// A key, such as `formats.query`, and the value as TOML writes it: a string in its quotes.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Setting {
        Setting { key: key.into(), value: value.into() }
    }

    /// A key for a format, such as `formats.query = "q4.12"`.
    pub fn format(key: &str, format: impl fmt::Display) -> Setting {
        Setting::new(key, format!("\"{format}\""))
    }

    /// Path of the key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The value as TOML writes it.
    pub fn value(&self) -> &str {
        &self.value
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} = {}", self.key, self.value)
    }
}

impl Warning {
    /// A warning about `subject` (a tensor's key, or numbers that the hardware computes): what happened to how many of how many `things`,
    /// such as 8 of 4096 `elements` that `saturate in q3.13`.
    pub fn counted(subject: impl Into<String>, count: u64, of: u64, things: &str, happened: &str) -> Warning {
        let happened = format!("{} of {} {things} {happened}", grouped(count), grouped(of));
        Warning { severity: Severity::Warning, subject: subject.into(), happened, count, effect: None, remedy: None }
    }

    /// Advice about `subject`, a sentence without its full stop; `count` is the number that it speaks of, such as cycles to be saved.
    pub fn note(subject: impl Into<String>, advice: impl Into<String>, count: u64) -> Warning {
        Warning { severity: Severity::Note, subject: subject.into(), happened: advice.into(), count, effect: None, remedy: None }
    }

    /// The same with what comes of it, in real units, such as `off by up to 0.22, where the largest value is 2.03`.
    pub fn with_effect(self, effect: impl Into<String>) -> Warning {
        Warning { effect: Some(effect.into()), ..self }
    }

    /// The same with the key that mends it.
    pub fn with_remedy(self, remedy: Setting) -> Warning {
        Warning { remedy: Some(remedy), ..self }
    }

    /// The same as mere information.
    pub fn as_note(self) -> Warning {
        Warning { severity: Severity::Note, ..self }
    }

    /// How much it matters.
    pub fn severity(&self) -> Severity {
        self.severity
    }

    /// The tensor, or the numbers that the hardware computes.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What happened, with the count, or the advice.
    pub fn happened(&self) -> &str {
        &self.happened
    }

    /// How many elements, rows or cycles it speaks of.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// What comes of it.
    pub fn effect(&self) -> Option<&str> {
        self.effect.as_deref()
    }

    /// The key that mends it.
    pub fn remedy(&self) -> Option<&Setting> {
        self.remedy.as_ref()
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.happened)?;
        if let Some(effect) = &self.effect {
            write!(f, ", {effect}")?;
        }
        self.remedy.as_ref().map_or(Ok(()), |remedy| write!(f, "; set {remedy}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_names_subject_count_effect_and_remedy_in_one_line() {
        let warning = Warning::counted("heads[0].q", 8, 4096, "elements", "saturate in q3.13")
            .with_effect("off by up to 0.22, where the largest value is 2.03")
            .with_remedy(Setting::new("formats.query", "\"q4.12\""));
        assert_eq!(
            warning.to_string(),
            "heads[0].q: 8 of 4 096 elements saturate in q3.13, off by up to 0.22, where the largest value is 2.03; \
             set formats.query = \"q4.12\""
        );
        assert_eq!(warning.count(), 8);
    }

    #[test]
    fn a_note_serialises_with_its_setting_and_without_an_effect() {
        let note =
            Warning::note("array.buffer_rows", "384 words save 120 cycles", 120).with_remedy(Setting::new("array.buffer_rows", "384"));
        assert_eq!(
            serde_json::to_value(note).unwrap(),
            serde_json::json!({
                "severity": "note", "subject": "array.buffer_rows", "happened": "384 words save 120 cycles", "count": 120,
                "effect": null, "remedy": { "key": "array.buffer_rows", "value": "384" },
            })
        );
    }
}

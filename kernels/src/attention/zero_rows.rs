//! Rows whose results are zeros, whatever the values are: how many, and what the report says of them.

use systole_hdl::types::bits_for;

use super::formats::{Formats, MOST_SUM_FRACTION};
use crate::report::{Setting, Warning};

/// Rows whose results are zeros, whatever the values are.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ZeroRows {
    /// Those of which no key is attended to.
    pub masked: u64,
    /// Those that attend to keys whose weights all round to zero, as naive weights of very low scores do.
    pub weights: u64,
    /// Those whose weights sum to more, but each of which, divided by the sum, rounds to zero.
    pub quotients: u64,
}

impl ZeroRows {
    /// What the report says of them, of `rows` rows of `subject` with `keys` keys each.
    pub fn warnings(&self, subject: &str, rows: u64, keys: usize, formats: &Formats) -> Vec<Warning> {
        let counted =
            |count, happened: &str| Warning::counted(subject, count, rows, "rows", happened).with_effect("and their results are 0");
        let fraction = formats.sum_fraction();
        let mut warnings = Vec::new();
        if self.masked > 0 {
            warnings.push(counted(self.masked, "attend to no key").as_note());
        }
        if self.weights > 0 {
            let warning = counted(self.weights, &format!("have weights that all round to zero in {}", formats.weight));
            warnings.push(warning.with_remedy(Setting::new("variant", "\"stable\"")));
        }
        if self.quotients > 0 {
            // The greatest of N shares is at least 1/N; with four bits more it is no mere last place.
            let enough = (bits_for(keys as u64) + 4).min(MOST_SUM_FRACTION);
            let warning = counted(self.quotients, &format!("have shares that all round to zero with {fraction} fraction bits"));
            warnings.push(warning.with_remedy(Setting::new("formats.sum_fraction", enough.to_string())));
        }
        warnings
    }
}

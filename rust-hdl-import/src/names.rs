//! Names in rust-hdl's Verilog tree: paths joined by `$`, array elements by an index in brackets that may count a loop.

use rustc_hash::FxHashMap;

use crate::diagnostic::Problem;

/// Names of which none is given twice.
#[derive(Default)]
pub(crate) struct UniqueNames {
    /// The names that are taken, with the number to try next for each.
    taken: FxHashMap<String, u32>,
}

impl UniqueNames {
    /// `wanted`, or the first of `wanted_1`, `wanted_2`, … that is free.
    pub fn unique(&mut self, wanted: &str) -> String {
        if self.take(wanted) {
            return wanted.to_string();
        }
        loop {
            let next = self.taken.get_mut(wanted).expect("the name is taken");
            let name = format!("{wanted}_{next}");
            *next += 1;
            if self.take(&name) {
                return name;
            }
        }
    }

    /// Takes a name; `false` if it was taken before.
    pub fn take(&mut self, name: &str) -> bool {
        let is_free = !self.taken.contains_key(name);
        self.taken.entry(name.to_string()).or_insert(1);
        is_free
    }
}

/// The variables of the loops around a statement, the innermost last.
pub(crate) type Loops = Vec<(String, i64)>;

/// Names without the mark of raw identifiers: `r#type` is called `type`.
pub(crate) fn plain(name: &str) -> String {
    name.replace("r#", "")
}

/// The value of a loop variable.
pub(crate) fn loop_variable(name: &str, loops: &Loops) -> Option<i64> {
    loops.iter().rev().find(|(variable, _)| variable == name).map(|(_, value)| *value)
}

/// The signal that a piece of text names: `taps[i+1]$q$next` is `taps$3$q` where `i` is 2.
pub(crate) fn resolve(text: &str, loops: &Loops) -> Result<String, Problem> {
    let text = plain(&text.replace("::", "$").replace('.', "$"));
    let mut rest = text.trim_start_matches('$').trim_end_matches("$next");
    let mut name = String::new();
    while let Some((before, after)) = rest.split_once('[') {
        let unreadable = |index: &str| {
            let reason = format!(
                "the index `{index}` is not a sum or product of numbers and loop variables, and other names have no value in rust-hdl's tree"
            );
            Problem::new(format!("signal `{text}`"), reason, "count a loop over the elements and compare the index in an `if`")
        };
        let (index, after) = split_at_bracket(after).ok_or_else(|| unreadable(after))?;
        let number = evaluate(index, loops).ok_or_else(|| unreadable(index))?;
        name.push_str(&format!("{before}${number}"));
        rest = after;
    }
    name.push_str(rest);
    Ok(name)
}

/// The index up to the bracket that closes it, and what comes after.
fn split_at_bracket(text: &str) -> Option<(&str, &str)> {
    let mut open = 0;
    let end = text.find(|symbol| {
        match symbol {
            '[' => open += 1,
            ']' => open -= 1,
            _ => {}
        }
        open < 0
    })?;
    Some((&text[..end], &text[end + 1..]))
}

/// The value of an index: sums and products of numbers and loop variables, with parentheses.
fn evaluate(text: &str, loops: &Loops) -> Option<i64> {
    let mut parser = Index { rest: text, loops };
    let value = parser.sum()?;
    parser.rest.trim().is_empty().then_some(value)
}

struct Index<'a> {
    rest: &'a str,
    loops: &'a Loops,
}

impl Index<'_> {
    fn take(&mut self, symbol: char) -> bool {
        match self.rest.trim_start().strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn sum(&mut self) -> Option<i64> {
        let mut sum = self.product()?;
        loop {
            if self.take('+') {
                sum = sum.checked_add(self.product()?)?;
            } else if self.take('-') {
                sum = sum.checked_sub(self.product()?)?;
            } else {
                return Some(sum);
            }
        }
    }

    fn product(&mut self) -> Option<i64> {
        let mut product = self.term()?;
        loop {
            if self.take('*') {
                product = product.checked_mul(self.term()?)?;
            } else if self.take('/') {
                product = product.checked_div(self.term()?)?;
            } else if self.take('%') {
                product = product.checked_rem(self.term()?)?;
            } else {
                return Some(product);
            }
        }
    }

    fn term(&mut self) -> Option<i64> {
        if self.take('(') {
            let value = self.sum()?;
            return self.take(')').then_some(value);
        }
        let text = self.rest.trim_start();
        let end = text.find(|symbol: char| !symbol.is_alphanumeric() && symbol != '_').unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        self.rest = rest;
        loop_variable(word, self.loops).or_else(|| i64::try_from(crate::literal::parse(word)?.0).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_loses_its_suffix_and_its_indices_become_numbers() {
        let loops = vec![("i".to_string(), 2), ("j".to_string(), 5)];
        assert_eq!(resolve("counter$q", &loops).unwrap(), "counter$q");
        assert_eq!(resolve("taps[i+1]$d$next", &loops).unwrap(), "taps$3$d");
        assert_eq!(resolve("grid[(2*i-1)][j]$q", &loops).unwrap(), "grid$3$5$q");
        assert_eq!(resolve("State::Idle", &loops).unwrap(), "State$Idle");
        assert_eq!(resolve(".bus.data", &loops).unwrap(), "bus$data");
    }

    #[test]
    fn an_index_that_is_a_signal_is_refused() {
        for index in ["pointer$val()", "places[pointer$val()]"] {
            let problem = resolve(&format!("taps[{index}]$q"), &Vec::new()).unwrap_err();
            assert!(problem.reason.contains(&format!("`{index}`")), "{}", problem.reason);
        }
    }
}

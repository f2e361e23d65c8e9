//! Rust source as it was written, from what rust-hdl keeps of it.
//!
//! The tree has places and indices as text without any space, in which `.` and `::` have become `$`: `taps[(i + 1) as usize].q` is
//! `taps[(i+1)asusize]$q`. Spaces return where rustfmt has them. What is gone is `self.` and `&mut`.

/// Names and code within a message, as the source has them: `taps$3$q` is written `taps[3].q`. Code stands between backquotes and has
/// no space in it; whatever has one is prose.
pub(crate) fn as_written(message: &str) -> String {
    let parts = message.split('`').enumerate().map(|(place, part)| match place % 2 {
        1 if !part.contains(' ') => code(part),
        _ => part.split(' ').map(path).collect::<Vec<_>>().join(" "),
    });
    parts.collect::<Vec<_>>().join("`")
}

/// A path of names: `taps$3$q`.
fn path(text: &str) -> String {
    let mut parts = text.split('$');
    let mut written = parts.next().unwrap_or_default().to_string();
    for part in parts {
        match part.find(|symbol: char| !symbol.is_ascii_digit()).unwrap_or(part.len()) {
            0 => written.push_str(&format!(".{part}")),
            digits => written.push_str(&format!("[{}]{}", &part[..digits], &part[digits..])),
        }
    }
    written
}

/// Operators and other signs of several symbols, longer ones first.
const SIGNS: [&str; 19] =
    ["$$=", "::", "<<=", ">>=", "$$", "<<", ">>", "<=", ">=", "==", "!=", "&&", "||", "=>", "->", "+=", "-=", "|=", "&="];
/// Types that a number is cast to.
const NUMBERS: [&str; 15] = ["usize", "isize", "u128", "i128", "u64", "u32", "u16", "u8", "i64", "i32", "i16", "i8", "f64", "f32", "bool"];
/// Words after which a path goes on with `::`.
const ROOTS: [&str; 5] = ["crate", "super", "Self", "std", "core"];

/// A piece of code, with the spaces that rustfmt puts into it.
fn code(text: &str) -> String {
    let mut writer = Writer { rest: text, written: String::new(), last: Last::Start, angles: 0, is_closure: false };
    while writer.token() {}
    writer.written
}

/// What was written last, which tells what a sign after it means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Last {
    Start,
    /// The end of an operand: a name, a number, a closing bracket.
    Operand,
    /// A number that is no index.
    Number,
    /// The start of a statement within braces.
    Statement,
    Sign,
}

struct Writer<'t> {
    rest: &'t str,
    written: String,
    last: Last,
    /// How many `<` of parameters are open.
    angles: usize,
    /// Whether the parameters of a closure are open.
    is_closure: bool,
}

impl Writer<'_> {
    fn follows_operand(&self) -> bool {
        matches!(self.last, Last::Operand | Last::Number)
    }

    /// Writes the next token; `false` at the end.
    fn token(&mut self) -> bool {
        let Some(first) = self.rest.chars().next() else { return false };
        let is_word = |symbol: char| symbol.is_alphanumeric() || symbol == '_';
        if first == '"' {
            let length = self.rest[1..].find('"').map_or(self.rest.len(), |end| end + 2);
            self.push(length, Last::Operand);
        } else if is_word(first) {
            let length = self.rest.find(|symbol| !is_word(symbol)).unwrap_or(self.rest.len());
            let word = &self.rest[..length];
            self.rest = &self.rest[length..];
            self.word(word);
        } else if let Some(sign) = SIGNS.iter().find(|sign| self.rest.starts_with(**sign)) {
            // Two brackets that close, or a closure without parameters.
            let is_two = self.angles > 0 && *sign == ">>" || *sign == "||" && !self.follows_operand();
            if is_two { self.sign(&sign[..1]) } else { self.sign(sign) }
        } else {
            self.sign(&self.rest[..first.len_utf8()]);
        }
        true
    }

    fn push(&mut self, length: usize, last: Last) {
        self.written.push_str(&self.rest[..length]);
        self.rest = &self.rest[length..];
        self.last = last;
    }

    /// Writes a word, which may be several: `letx`, `xasu8asusize`.
    fn word(&mut self, word: &str) {
        if let Some(rest) = word.strip_prefix("as").filter(|rest| self.follows_operand() && !rest.is_empty()) {
            self.written.push_str(" as ");
            return self.operand(rest);
        }
        if self.written.ends_with('}') && word.starts_with("else") {
            self.written.push_str(" else");
            self.last = Last::Sign;
            return match &word["else".len()..] {
                "" => {}
                rest => {
                    self.written.push(' ');
                    self.word(rest);
                }
            };
        }
        let begins_statement = matches!(self.last, Last::Statement);
        let has_block = self.rest.contains('{');
        let is_glued = |keyword: &str| match keyword {
            "let" => begins_statement && (self.rest.starts_with('=') || self.rest.starts_with(':')),
            "if" | "match" => has_block && !self.follows_operand(),
            "move" => self.rest.starts_with('|'),
            _ => self.written.ends_with("let "),
        };
        let keyword = ["let", "if", "match", "move", "mut"].into_iter().find(|keyword| word.starts_with(keyword) && is_glued(keyword));
        match keyword {
            Some(keyword) => {
                self.written.push_str(keyword);
                self.written.push(' ');
                self.last = Last::Sign;
                if word.len() > keyword.len() {
                    self.word(&word[keyword.len()..]);
                }
            }
            None => self.operand(word),
        }
    }

    /// Writes a name or a number, and what it is cast to.
    fn operand(&mut self, word: &str) {
        let cast = |number: &&str| word.strip_suffix(*number).and_then(|rest| rest.strip_suffix("as")).filter(|rest| !rest.is_empty());
        let is_number = word.starts_with(|symbol: char| symbol.is_ascii_digit());
        match NUMBERS.iter().find_map(|number| Some((cast(number)?, *number))) {
            Some((rest, number)) => {
                self.operand(rest);
                self.written.push_str(&format!(" as {number}"));
                self.last = Last::Operand;
            }
            None => {
                self.written.push_str(word);
                self.last = if is_number { Last::Number } else { Last::Operand };
            }
        }
    }

    fn sign(&mut self, sign: &str) {
        let after = &self.rest[sign.len()..];
        let follows_operand = self.follows_operand();
        let (written, last) = match sign {
            "$" => return self.separator(),
            "$$" => ("..".to_string(), Last::Sign),
            "$$=" => ("..=".to_string(), Last::Sign),
            "(" | "[" => (sign.to_string(), Last::Sign),
            ")" | "]" | "?" => (sign.to_string(), Last::Operand),
            "{" => (if follows_operand || self.written.ends_with("else") { " { " } else { "{ " }.to_string(), Last::Statement),
            "}" => (" }".to_string(), Last::Operand),
            ";" => ("; ".to_string(), Last::Statement),
            "," | ":" => (format!("{sign} "), Last::Sign),
            "<" if self.written.ends_with("::") || self.angles > 0 => {
                self.angles += 1;
                (sign.to_string(), Last::Sign)
            }
            ">" if self.angles > 0 => {
                self.angles -= 1;
                (sign.to_string(), Last::Operand)
            }
            "|" if self.is_closure => {
                self.is_closure = false;
                ("| ".to_string(), Last::Sign)
            }
            "|" if !follows_operand => {
                self.is_closure = true;
                (sign.to_string(), Last::Sign)
            }
            // A macro is called.
            "!" if follows_operand && after.starts_with(['(', '[', '{']) => (sign.to_string(), Last::Sign),
            "." | "::" | "!" | "#" | "@" | "'" => (sign.to_string(), Last::Sign),
            _ if follows_operand => (format!(" {sign} "), Last::Sign),
            "=>" | "->" => (format!(" {sign} "), Last::Sign),
            _ => (sign.to_string(), Last::Sign),
        };
        self.written.push_str(&written);
        self.rest = after;
        self.last = last;
    }

    /// Writes what `$` stands for: `.`, `::`, or the index of an element.
    fn separator(&mut self) {
        let after = &self.rest["$".len()..];
        let digits = after.find(|symbol: char| !symbol.is_ascii_digit()).unwrap_or(after.len());
        let before = self.written.rsplit(|symbol: char| !symbol.is_alphanumeric() && symbol != '_').next().unwrap_or_default();
        let is_type = before.starts_with(char::is_uppercase) || ROOTS.contains(&before) || NUMBERS.contains(&before);
        self.rest = after;
        if digits > 0 && self.last == Last::Number {
            self.written.push('.');
        } else if digits > 0 {
            self.written.push_str(&format!("[{}]", &after[..digits]));
            self.rest = &after[digits..];
            self.last = Last::Operand;
        } else if after.starts_with('<') || is_type || after.starts_with(char::is_uppercase) && !self.written.is_empty() {
            self.written.push_str("::");
        } else if !self.written.is_empty() {
            self.written.push('.');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::as_written;

    /// Code as `fixup_ident` of rust-hdl's macros leaves it.
    fn squashed(source: &str) -> String {
        source.replace(' ', "").replace("self.", "").replace('.', "$").replace("::", "$").replace("&mut", "")
    }

    #[test]
    fn code_is_shown_as_it_was_written() {
        for source in [
            "words[place.val().get_bits::<30>(2).to_u32() as usize].echo",
            "words[i as usize + 1].d",
            "words[(x.val() as u8) as usize]",
            "words[x as u8 as usize]",
            "words[usize::from(x.val())]",
            "words[State::Idle as usize]",
            "words[Self::DEPTH - 1]",
            "words[crate::sizes::DEPTH]",
            "words[first(&x, *y)]",
            "words[-1 + !n]",
            "words[idx!(i, 3)]",
            "words[(|x| x + 1)(i)]",
            "words[(|| 1)()]",
            "words[{ let n = i; n + 1 }]",
            "words[{ let mut n = i; n += 1; n }]",
            "words[if i == 0 { 1 } else { 2 }]",
            "words[match i { 0 => 1, _ => 2 }]",
            "words[size_of::<Vec<u8>>()]",
            "words[convert::<3, 4>(i)]",
            "words[i << 2 | 1]",
            "words[a[i]]",
            "words[0..3]",
            "words[f(1.5)]",
            "grid[3][i * 2].q",
            "letter[matches(i)]",
        ] {
            let message = format!("the index `{}` is unknown", squashed(source));
            assert_eq!(as_written(&message), format!("the index `{source}` is unknown"));
        }
    }

    #[test]
    fn names_are_shown_as_they_were_written() {
        assert_eq!(as_written("top.taps$3.multiplier"), "top.taps[3].multiplier");
        assert_eq!(as_written("signal `bus$4$data` of `top.taps$3`"), "signal `bus[4].data` of `top.taps[3]`");
        assert_eq!(as_written("a loop: bus$4$data -> `taps$3$q`"), "a loop: bus[4].data -> `taps[3].q`");
        assert_eq!(as_written("`(a + b).index()` wraps"), "`(a + b).index()` wraps");
    }
}

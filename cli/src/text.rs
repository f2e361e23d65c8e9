//! Text from outside, made fit for a message.

/// Characters of a line of a message at most.
const LONGEST: usize = 1000;

/// The text with every character that would act on a terminal (controls, overrides of the direction of writing) replaced by one that is seen.
/// Tabs and ends of lines stay; the number of characters is the same.
pub fn printable(text: &str) -> String {
    let seen = |letter: char| match letter {
        '\n' | '\t' => letter,
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(letter)).unwrap_or(char::REPLACEMENT_CHARACTER),
        '\u{7f}' => '\u{2421}',
        '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' => {
            char::REPLACEMENT_CHARACTER
        }
        _ => letter,
    };
    text.chars().map(seen).collect()
}

/// The text with the middle left out if it has more than `most` characters.
pub fn shortened(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_string();
    }
    let (head, tail) = (most * 2 / 3, most / 3);
    let head: String = text.chars().take(head).collect();
    let tail: String = text.chars().skip(count - tail).collect();
    format!("{head} ... ({} characters left out) ... {tail}", count - most * 2 / 3 - most / 3)
}

/// A message whose lines are short and hold nothing that acts on a terminal.
pub fn presentable(message: &str) -> String {
    let lines: Vec<String> = message.split('\n').map(|line| printable(&shortened(line, LONGEST))).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn controls_are_seen_and_do_nothing() {
        assert_eq!(printable("a\u{1b}[31m\tb\0\u{7f}\u{9b}\u{202e}é漢"), "a␛[31m\tb␀␡\u{fffd}\u{fffd}é漢");
    }

    #[test]
    fn a_long_line_keeps_its_ends() {
        let text = format!("begin{}end", "x".repeat(100_000));
        let short = presentable(&text);
        assert!(short.starts_with("beginx") && short.ends_with("xend") && short.contains("99009 characters left out"), "{short}");
        assert_eq!(presentable("two\nlines"), "two\nlines");
    }
}

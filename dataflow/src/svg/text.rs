//! Text in drawings: what XML admits, escaped, and about how wide it is.

/// The text with every character that XML 1.0 forbids, such as most control characters, replaced by U+FFFD.
///
/// Text from outside (names of layers, of units) passes through here before it becomes part of a picture.
pub fn printable(text: &str) -> String {
    let admitted = |c: char| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars().map(|c| if admitted(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// [`printable`] text as the content of an XML element or attribute.
pub(super) fn escaped(text: &str) -> String {
    printable(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Width of a label in pixels, estimated.
pub(super) fn text_width(text: &str) -> f64 {
    6.1 * text.chars().count() as f64
}

/// A number with its thousands apart.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|part| std::str::from_utf8(part).expect("digits are text")).collect();
    parts.join("\u{202f}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_text_becomes_well_formed_xml(text in "\\PC*|(?s:.)*") {
            let document = format!("<text title=\"{0}\">{0}</text>", escaped(&text));
            prop_assert!(roxmltree::Document::parse(&document).is_ok(), "{document:?}");
        }
    }

    #[test]
    fn forbidden_characters_are_replaced_and_others_kept() {
        assert_eq!(printable("a\u{0}b\u{1b}[1m\tc\nd\u{fffe}\u{1f600}"), "a\u{fffd}b\u{fffd}[1m\tc\nd\u{fffd}\u{1f600}");
        assert_eq!(escaped("a<b>&\"\u{7}"), "a&lt;b&gt;&amp;&quot;\u{fffd}");
    }
}

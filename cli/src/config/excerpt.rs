//! The lines that a message shows: few, short, and without characters that would act on a terminal.

use std::ops::Range;

use miette::{MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};

use crate::text::{printable, shortened};

/// Characters shown of a line at most.
const SHOWN: usize = 160;

/// Characters shown before the place in a line that is longer.
const BEFORE: usize = 60;

const CUT: &str = "... ";

/// A place in a text, with its line and the lines beside it. A line too long to be shown is cut to a window around the place; line and column
/// stay those of the whole text.
#[derive(Debug)]
pub struct Excerpt {
    name: String,
    /// The shown lines.
    text: String,
    span: Range<usize>,
    /// The first shown line, from 0.
    first_line: usize,
    /// Line and column in characters of the place, from 0.
    place: (usize, usize),
}

impl Excerpt {
    /// The place `span` of `text`, in bytes; of a place on several lines, the part on the first. `name` is what the text is called.
    pub fn new(name: &str, text: &str, span: Range<usize>) -> Excerpt {
        let start = text.floor_char_boundary(span.start);
        let line_start = text[..start].rfind('\n').map_or(0, |end| end + 1);
        let number = text[..line_start].matches('\n').count();
        let line = without_end(text[line_start..].lines().next().unwrap_or_default());
        let before = text[..line_start].strip_suffix('\n').map(|before| without_end(before.rsplit('\n').next().unwrap_or_default()));
        let after = text[line_start..].lines().nth(1).map(without_end);

        let column = text[line_start..start].chars().count();
        let length = text[start..text.floor_char_boundary(span.end).max(start)].chars().take_while(|&letter| letter != '\n').count();
        let first_shown = if line.chars().count() > SHOWN { column.saturating_sub(BEFORE) } else { 0 };
        let mut shown = String::new();
        for line in before.into_iter() {
            shown += &window(line, 0);
            shown.push('\n');
        }
        let begin = shown.len();
        let line = window(line, first_shown);
        // Where the place stands in the window, behind the mark of what is left out.
        let mark = if first_shown > 0 { CUT.chars().count() } else { 0 };
        let offset = |characters: usize| line.char_indices().nth(characters).map_or(line.len(), |(offset, _)| offset);
        let from = column - first_shown + mark;
        let span = begin + offset(from)..begin + offset(from + length);
        shown += &line;
        shown.push('\n');
        for line in after.into_iter() {
            shown += &window(line, 0);
            shown.push('\n');
        }
        let first_line = number - usize::from(before.is_some());
        Excerpt { name: printable(&shortened(name, SHOWN)), text: shown, span, first_line, place: (number, column) }
    }

    /// The place in the shown text.
    pub fn span(&self) -> SourceSpan {
        self.span.clone().into()
    }
}

fn without_end(line: &str) -> &str {
    line.strip_suffix('\r').unwrap_or(line)
}

/// The characters of a line that are shown, from number `first` on, with marks where some are left out.
fn window(line: &str, first: usize) -> String {
    let mut rest = line.chars().skip(first);
    let shown: String = rest.by_ref().take(SHOWN).collect();
    let (before, after) = (if first > 0 { CUT } else { "" }, if rest.next().is_some() { " ..." } else { "" });
    format!("{before}{}{after}", printable(&shown))
}

impl SourceCode for Excerpt {
    fn read_span<'a>(&'a self, span: &SourceSpan, before: usize, after: usize) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let shown = self.text.read_span(span, before, after)?;
        // The renderer asks for the place alone to learn line and column, and for whole lines to draw them.
        let (line, column) = if before == 0 { self.place } else { (self.first_line + shown.line(), shown.column()) };
        let contents = MietteSpanContents::new_named(self.name.clone(), shown.data(), *shown.span(), line, column, shown.line_count());
        Ok(Box::new(contents))
    }
}

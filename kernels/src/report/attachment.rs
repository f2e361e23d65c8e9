//! What a kernel adds to the report of its own: tables of text, and pictures as files.

use serde::Serialize;

/// A table that only this kernel has, such as error against fraction bits. Cells are text as it is to be read, with units in the headings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct NamedTable {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl NamedTable {
    /// A table: what it shows in one line, column headings, and rows with one cell a column.
    pub fn new<const N: usize>(title: impl Into<String>, columns: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> NamedTable {
        NamedTable {
            title: title.into(),
            columns: columns.map(str::to_string).into(),
            rows: rows.into_iter().map(|row| row.into()).collect(),
        }
    }

    /// What it shows, in one line.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// Headings.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// Cells, as many a row as there are headings.
    pub fn rows(&self) -> &[Vec<String>] {
        &self.rows
    }
}

/// A file beside the report: a picture, or the image of a memory. Serialises as its file's name and its title; the content goes into the file, which the host writes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Figure {
    file: String,
    title: String,
    #[serde(skip)]
    content: String,
}

/// The language of such a file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FigureFormat {
    /// Scalable Vector Graphics.
    Svg,
    /// A graph in the language of Graphviz.
    Dot,
    /// The words of a memory in hexadecimal, one a line, as `$readmemh` reads them.
    Hex,
}

impl FigureFormat {
    /// Ending of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            FigureFormat::Svg => "svg",
            FigureFormat::Dot => "dot",
            FigureFormat::Hex => "hex",
        }
    }
}

impl Figure {
    /// A file under a name, unique in the report for its format: what it shows in one line, and the text of its file.
    pub fn new(name: &str, title: impl Into<String>, format: FigureFormat, content: impl Into<String>) -> Figure {
        Figure { file: format!("{}.{}", plain(name), format.extension()), title: title.into(), content: content.into() }
    }

    /// Name of its file: letters and digits of ASCII, `-` and `_`, and the format's ending.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// What it shows, in one line.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The text of its file.
    pub fn content(&self) -> &str {
        &self.content
    }
}

/// The longest name of a file, without its ending: file systems take 255 bytes.
const LONGEST_NAME: usize = 200;

/// The name with everything that a file system may object to replaced by `-`, and no longer than it takes.
pub(super) fn plain(name: &str) -> String {
    let characters = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' });
    let plain: String = characters.take(LONGEST_NAME).collect();
    if plain.is_empty() { "figure".into() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_names_a_figure_by_file_and_title_without_its_content() {
        let figure = Figure::new("graph", "the graph", FigureFormat::Dot, "digraph {}");
        assert_eq!(serde_json::to_string(&figure).unwrap(), r#"{"file":"graph.dot","title":"the graph"}"#);
    }

    #[test]
    fn no_name_leads_out_of_the_folder() {
        for (name, file) in [("../x y", "---x-y.svg"), ("/etc/x", "-etc-x.svg"), ("", "figure.svg"), (".a", "-a.svg"), ("ü", "-.svg")] {
            assert_eq!(Figure::new(name, "", FigureFormat::Svg, "").file(), file);
        }
        assert_eq!(Figure::new(&"x".repeat(300), "", FigureFormat::Svg, "").file().len(), 204, "a file system takes it");
    }
}

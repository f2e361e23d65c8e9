//! Tables for people.

pub mod progress;
pub mod report;
pub mod warnings;

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
pub use systole_kernels::report::grouped;

/// A line under the titles, and nothing else to come between the reader and the numbers.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Columns of text that is not on a terminal, in characters.
const WIDTH_OFF_TERMINAL: u16 = 120;

/// An empty table without titles, as wide as the terminal allows.
pub fn untitled() -> Table {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Dynamic);
    if table.width().is_none() {
        table.set_width(WIDTH_OFF_TERMINAL);
    }
    table
}

/// An empty table with these column titles, as wide as the terminal allows.
pub fn columns<const N: usize>(titles: [&str; N]) -> Table {
    let mut table = untitled();
    table.set_header(titles);
    table
}

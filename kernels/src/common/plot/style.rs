//! How series are drawn: colours, dashes and markers that stay apart where lines coincide.

use plotters::coord::Shift;
use plotters::element::DashedPathElement;
use plotters::prelude::*;

pub(super) const FONT: &str = "Inter, 'Helvetica Neue', Arial, sans-serif";
pub(super) const INK: RGBColor = RGBColor(28, 37, 48);
pub(super) const GREY: RGBColor = RGBColor(90, 100, 114);
pub(super) const GRID: RGBColor = RGBColor(226, 231, 237);
/// Okabe and Ito's colours, which people with any colour vision can tell apart.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
/// Width, dash and gap of lines in pixels. Each is seen on the one before it.
const STROKES: [(u32, i32, i32); 4] = [(5, i32::MAX, 0), (3, 14, 7), (2, 4, 4), (2, 18, 4)];

/// The estimated width of a text in the font of ticks and legend, in pixels.
pub(super) fn text_width(text: &str) -> i32 {
    (7.3 * text.chars().count() as f64).ceil() as i32
}

/// How one series is drawn.
#[derive(Clone, Copy, Debug)]
pub(super) struct SeriesStyle {
    pub(super) colour: RGBColor,
    shape: usize,
}

type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

impl SeriesStyle {
    /// The style of the series at an index.
    pub(super) fn of(index: usize) -> SeriesStyle {
        SeriesStyle { colour: COLOURS[index % COLOURS.len()], shape: index % STROKES.len() }
    }

    /// A line through these pixels.
    pub(super) fn draw_line<B: DrawingBackend>(self, area: &DrawingArea<B, Shift>, line: &[(i32, i32)]) -> Drawn<B> {
        let (width, dash, gap) = STROKES[self.shape];
        let style = self.colour.stroke_width(width);
        if gap == 0 {
            return area.draw(&PathElement::new(line, style));
        }
        // Dashes with a white edge are seen on a line of any colour.
        area.draw(&DashedPathElement::new(line.iter().copied(), dash, gap, WHITE.stroke_width(width + 2)))?;
        area.draw(&DashedPathElement::new(line.iter().copied(), dash, gap, style))
    }

    /// A point; later shapes are smaller, so that they lie within earlier ones.
    pub(super) fn draw_marker<B: DrawingBackend>(self, area: &DrawingArea<B, Shift>, (x, y): (i32, i32)) -> Drawn<B> {
        match self.shape {
            0 => area.draw(&Circle::new((x, y), 7, self.colour.filled())),
            1 => area.draw(&TriangleMarker::new((x, y), 6, self.colour.filled())),
            2 => {
                area.draw(&Rectangle::new([(x - 4, y - 4), (x + 4, y + 4)], WHITE.filled()))?;
                area.draw(&Rectangle::new([(x - 4, y - 4), (x + 4, y + 4)], self.colour.stroke_width(2)))
            }
            _ => area.draw(&Polygon::new([(x, y - 5), (x + 5, y), (x, y + 5), (x - 5, y)], self.colour.filled())),
        }
    }
}

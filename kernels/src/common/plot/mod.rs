//! Line plots as SVG text: the same text for the same numbers, whatever the machine.

mod labels;
mod scale;
mod style;

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use systole_dataflow::svg::printable;

use self::labels::{Rectangle as Place, places};
pub use self::scale::Scale;
use self::style::{FONT, GREY, GRID, INK, SeriesStyle, text_width};

/// Size of the whole plot in pixels.
const SIZE: (u32, u32) = (840, 480);
/// Height of the title, and of a line of the legend.
const TITLE: i32 = 42;
const LEGEND_ROW: i32 = 22;
/// Width of a sample in the legend, and the room around its text.
const SAMPLE: i32 = 34;
const BETWEEN: i32 = 22;
/// The longest name that the legend shows, in characters.
const LONGEST_NAME: usize = 60;

/// What a plot shows.
#[derive(Clone, PartialEq, Debug)]
pub struct LinePlot {
    /// What it shows, in one line.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines. Later ones lie above earlier ones and are thinner, so that lines that coincide are all seen.
    pub series: Vec<Series>,
}

/// An axis.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Axis {
    /// What it measures, with the unit.
    pub label: String,
    /// How it is divided.
    pub scale: Scale,
}

/// A line.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// What it is, as the legend says.
    pub name: String,
    /// Its points from left to right.
    pub points: Vec<Point>,
}

/// A point of a line. It is not drawn if a coordinate is infinite or none.
#[derive(Clone, PartialEq, Debug)]
pub struct Point {
    /// Along the horizontal axis.
    pub x: f64,
    /// Along the vertical axis.
    pub y: f64,
    /// Text beside it; may be empty.
    pub label: String,
}

impl Point {
    /// A point without a label.
    pub fn new(x: f64, y: f64) -> Point {
        Point { x, y, label: String::new() }
    }
}

/// A point in places of the axes, with its label.
type Labelled = ((f64, f64), String);
type Area<B> = DrawingArea<B, Shift>;
type Drawn<B> = Result<(), DrawingAreaErrorKind<<B as DrawingBackend>::ErrorType>>;

impl LinePlot {
    /// The plot as the text of an SVG file, on a white background. Characters that XML forbids are replaced.
    pub fn svg(&self) -> String {
        let mut text = String::new();
        self.draw(&SVGBackend::with_string(&mut text, SIZE).into_drawing_area()).expect("text in memory takes every drawing");
        text
    }

    fn draw<B: DrawingBackend>(&self, area: &Area<B>) -> Drawn<B> {
        let place = |point: &Point| Some((self.x.scale.place(point.x)?, self.y.scale.place(point.y)?));
        let drawable = |series: &Series| -> Vec<Labelled> {
            series.points.iter().filter_map(|point| Some((place(point)?, printable(&point.label)))).collect()
        };
        let lines: Vec<Vec<Labelled>> = self.series.iter().map(drawable).collect();
        let all = || lines.iter().flatten().map(|(at, _)| at);
        let (x, y) = (self.x.scale.range(all().map(|at| at.0)), self.y.scale.range(all().map(|at| at.1)));
        let widest_tick = y.ticks.iter().map(|&tick| text_width(&self.y.scale.label(tick))).max().unwrap_or(0);

        area.fill(&WHITE)?;
        let (_, below) = area.split_vertically(self.draw_head(area)?);
        let mut chart = ChartBuilder::on(&below)
            .margin(14)
            .margin_top(8)
            .margin_right(28)
            .x_label_area_size(48)
            .y_label_area_size(widest_tick + 36)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .x_desc(printable(&self.x.label))
            .y_desc(printable(&self.y.label))
            .axis_desc_style((FONT, 14).into_font().color(&INK))
            .label_style((FONT, 13).into_font().color(&GREY))
            .x_label_formatter(&|&place| self.x.scale.label(place))
            .y_label_formatter(&|&place| self.y.scale.label(place))
            .axis_style(GREY)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()?;

        let pixels: Vec<Vec<(i32, i32)>> = lines.iter().map(|line| line.iter().map(|(at, _)| chart.backend_coord(at)).collect()).collect();
        for (index, line) in pixels.iter().enumerate() {
            let style = SeriesStyle::of(index);
            style.draw_line(area, line)?;
            line.iter().try_for_each(|&at| style.draw_marker(area, at))?;
        }
        let (columns, rows) = chart.plotting_area().get_pixel_range();
        draw_labels(area, &lines, &pixels, Place(columns.start, rows.start, columns.end, rows.end))?;
        area.present()
    }

    /// Title and legend, above the plot; returns their height.
    fn draw_head<B: DrawingBackend>(&self, area: &Area<B>) -> Result<i32, DrawingAreaErrorKind<B::ErrorType>> {
        let width = SIZE.0 as i32;
        let centred = Pos::new(HPos::Center, VPos::Center);
        let title = (FONT, 18).into_font().style(FontStyle::Bold).color(&INK).pos(centred);
        area.draw(&Text::new(printable(&self.title), (width / 2, TITLE / 2 + 4), title))?;
        let font = (FONT, 13).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center));
        let (mut x, mut y) = (BETWEEN, TITLE + LEGEND_ROW / 2);
        for (index, series) in self.series.iter().enumerate() {
            let name = legend_name(&series.name);
            let wide = SAMPLE + 8 + text_width(&name);
            if x > BETWEEN && x + wide > width - BETWEEN {
                (x, y) = (BETWEEN, y + LEGEND_ROW);
            }
            let style = SeriesStyle::of(index);
            style.draw_line(area, &[(x, y), (x + SAMPLE, y)])?;
            style.draw_marker(area, (x + SAMPLE / 2, y))?;
            area.draw(&Text::new(name, (x + SAMPLE + 8, y), font.clone()))?;
            x += wide + BETWEEN;
        }
        Ok(y + LEGEND_ROW / 2)
    }
}

/// The labels of points, in the colours of their lines; `pixels` says where each point of `lines` is drawn.
fn draw_labels<B: DrawingBackend>(area: &Area<B>, lines: &[Vec<Labelled>], pixels: &[Vec<(i32, i32)>], bounds: Place) -> Drawn<B> {
    let points = lines.iter().zip(pixels).enumerate().flat_map(|(index, (line, pixels))| {
        line.iter().zip(pixels).map(move |((_, text), &at)| (SeriesStyle::of(index).colour, (at, text.as_str())))
    });
    let (colours, labelled): (Vec<RGBColor>, Vec<_>) = points.filter(|(_, (_, text))| !text.is_empty()).unzip();
    for ((place, (_, text)), colour) in places(pixels, &labelled, bounds).into_iter().zip(&labelled).zip(colours) {
        let font = (FONT, 11).into_font().color(&colour).pos(Pos::new(HPos::Left, VPos::Center));
        area.draw(&Text::new(*text, (place.0, (place.1 + place.3) / 2), font))?;
    }
    Ok(())
}

/// A series' name as the legend has room for it.
fn legend_name(name: &str) -> String {
    let name = printable(name);
    match name.char_indices().nth(LONGEST_NAME) {
        Some((end, _)) => format!("{}…", &name[..end]),
        None => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(scale: Scale) -> LinePlot {
        let series = |name: &str, words: fn(f64) -> f64| Series {
            name: name.into(),
            points: (4..=20).step_by(2).map(|log| f64::from(log).exp2()).map(|keys| Point::new(keys, words(keys))).collect(),
        };
        let axis = |label: &str| Axis { label: label.into(), scale };
        LinePlot {
            title: "Intermediate words over sequence length".into(),
            x: axis("sequence length N"),
            y: axis("intermediate words"),
            series: vec![
                series("naive", |keys| keys + 15.0),
                series("stable", |keys| 2.0 * keys + 24.0),
                series("deferred", |keys| keys + 20.0),
                series("memory-free", |_| 15.0),
            ],
        }
    }

    fn ticks(scale: Scale, places: &[f64]) -> Vec<String> {
        let range = scale.range(places.iter().copied());
        range.ticks.into_iter().map(|place| scale.label(place)).collect()
    }

    #[test]
    fn four_lines_over_powers_of_two() {
        insta::assert_snapshot!(plot(Scale::Log2).svg());
    }

    #[test]
    fn ticks_are_round_and_enclose_everything() {
        assert_eq!(ticks(Scale::Linear, &[3.0, 41.0]), ["0", "5", "10", "15", "20", "25", "30", "35", "40", "45"]);
        assert_eq!(ticks(Scale::Linear, &[-0.25, 0.31]), ["-0.3", "-0.2", "-0.1", "0", "0.1", "0.2", "0.3", "0.4"]);
        assert_eq!(ticks(Scale::Log2, &[6.5, 10.0]), ["64", "128", "256", "512", "1 024"]);
    }

    #[test]
    fn points_carry_their_labels() {
        let at = |x: f64, y: f64, label: &str| Point { x, y, label: label.into() };
        let points = vec![at(64.0, 1.0, "2:4"), at(128.0, 2.0, ""), at(256.0, f64::NAN, "gone"), at(256.0, 4.0, "1:4")];
        let svg = LinePlot { series: vec![Series { name: "one".into(), points }], ..plot(Scale::Log2) }.svg();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let texts: Vec<&str> =
            document.descendants().filter(|node| node.has_tag_name("text")).filter_map(|node| node.text()).map(str::trim).collect();
        assert_eq!(["2:4", "1:4", "gone"].map(|label| texts.contains(&label)), [true, true, false]);
    }

    #[test]
    fn any_text_gives_well_formed_xml() {
        for text in ["a\u{0}b", "\u{1b}[31m", "<&>\"'", "\u{fffe}\u{7}", "]]>", &"long ".repeat(100)] {
            let series = vec![Series { name: text.into(), points: vec![Point { x: 1.0, y: 1.0, label: text.into() }] }];
            let axis = || Axis { label: text.into(), scale: Scale::Linear };
            let svg = LinePlot { title: text.into(), x: axis(), y: axis(), series }.svg();
            assert!(roxmltree::Document::parse(&svg).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn equal_absent_and_impossible_numbers_are_drawn_as_far_as_they_can_be() {
        for points in [vec![], vec![(64.0, 64.0)], vec![(0.0, -1.0), (f64::NAN, 1.0), (8.0, f64::INFINITY)]] {
            for scale in [Scale::Linear, Scale::Log2] {
                let points = points.iter().map(|&(x, y)| Point::new(x, y)).collect();
                let series = vec![Series { name: "one & only".into(), points }];
                assert!(LinePlot { series, ..plot(scale) }.svg().contains("one &amp; only"));
            }
        }
    }
}

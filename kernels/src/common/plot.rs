//! Line plots as SVG text: the same text for the same numbers, whatever the machine.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::report::grouped;

/// Size of the whole plot in pixels.
const SIZE: (u32, u32) = (840, 480);
const FONT: &str = "Inter, 'Helvetica Neue', Arial, sans-serif";
const INK: RGBColor = RGBColor(28, 37, 48);
const GREY: RGBColor = RGBColor(90, 100, 114);
const GRID: RGBColor = RGBColor(226, 231, 237);
/// Okabe and Ito's colours, which people with any colour vision can tell apart.
const COLOURS: [RGBColor; 6] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
];
/// Most ticks of an axis.
const TICKS: f64 = 9.0;

/// What a plot shows.
#[derive(Clone, PartialEq, Debug)]
pub struct LinePlot {
    /// What it shows, in one line.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines; those drawn later lie above, dashed, so that lines that coincide are all seen.
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

/// How an axis is divided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scale {
    /// Evenly. Begins at 0 where nothing is below.
    Linear,
    /// By powers of two. What is not above 0 is not drawn.
    Log2,
}

/// A line.
#[derive(Clone, PartialEq, Debug)]
pub struct Series {
    /// What it is, as the legend says.
    pub name: String,
    /// Its points from left to right. Those with infinite coordinates, or none, are not drawn.
    pub points: Vec<(f64, f64)>,
}

impl LinePlot {
    /// The plot as the text of an SVG file, on a white background.
    pub fn svg(&self) -> String {
        let mut text = String::new();
        self.draw(&SVGBackend::with_string(&mut text, SIZE).into_drawing_area()).expect("text in memory takes every drawing");
        text
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, plotters::coord::Shift>) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let place = |&(x, y): &(f64, f64)| Some((self.x.scale.place(x)?, self.y.scale.place(y)?));
        let lines: Vec<Vec<(f64, f64)>> = self.series.iter().map(|series| series.points.iter().filter_map(place).collect()).collect();
        let (x, y) = (self.x.scale.range(lines.iter().flatten().map(|at| at.0)), self.y.scale.range(lines.iter().flatten().map(|at| at.1)));
        area.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(area)
            .caption(&self.title, (FONT, 18).into_font().style(FontStyle::Bold).color(&INK))
            .margin(14)
            .margin_right(28)
            .x_label_area_size(48)
            .y_label_area_size(84)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .x_desc(&self.x.label)
            .y_desc(&self.y.label)
            .axis_desc_style((FONT, 14).into_font().color(&INK))
            .label_style((FONT, 13).into_font().color(&GREY))
            .x_label_formatter(&|&place| self.x.scale.label(place))
            .y_label_formatter(&|&place| self.y.scale.label(place))
            .axis_style(GREY)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .draw()?;
        for (index, (series, line)) in self.series.iter().zip(lines).enumerate() {
            let colour = COLOURS[index % COLOURS.len()];
            let style = colour.stroke_width(if index % 3 == 0 { 4 } else { 2 });
            let dashes = [(1 << 20, 0), (12, 6), (4, 5)][index % 3];
            chart
                .draw_series(DashedLineSeries::new(line.iter().copied(), dashes.0, dashes.1, style))?
                .label(&series.name)
                .legend(move |(x, y)| PathElement::new([(x, y), (x + 22, y)], style));
            chart.draw_series(line.into_iter().map(|at| Circle::new(at, 4, colour.filled())))?;
        }
        let legend = chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .margin(14)
            .legend_area_size(30)
            .background_style(WHITE.mix(0.9))
            .border_style(GRID)
            .label_font((FONT, 14).into_font().color(&INK).pos(Pos::new(HPos::Left, VPos::Center)))
            .draw();
        legend?;
        area.present()
    }
}

/// Places of an axis, and those with ticks.
struct Places {
    range: Range<f64>,
    ticks: Vec<f64>,
}

impl Ranged for Places {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    fn map(&self, place: &f64, (first, last): (i32, i32)) -> i32 {
        first + (f64::from(last - first) * (place - self.range.start) / (self.range.end - self.range.start)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, _: Hint) -> Vec<f64> {
        self.ticks.clone()
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl Scale {
    /// Where on the axis a number stands, if it can.
    fn place(self, number: f64) -> Option<f64> {
        let place = match self {
            Scale::Linear => number,
            Scale::Log2 => number.log2(),
        };
        place.is_finite().then_some(place)
    }

    /// A range of places that holds all of these, with ticks at round numbers.
    fn range(self, places: impl Iterator<Item = f64>) -> Places {
        let (least, most) = places.fold((f64::INFINITY, f64::NEG_INFINITY), |(least, most), place| (least.min(place), most.max(place)));
        let (least, most) = if least <= most { (least, most) } else { (0.0, 1.0) };
        let least = if self == Scale::Linear { least.min(0.0) } else { least };
        let step = self.step(most - least);
        let first = (least / step).floor();
        let last = (most / step).ceil().max(first + 1.0);
        let ticks: Vec<f64> = (0..=(last - first) as u32).map(|tick| (first + f64::from(tick)) * step).collect();
        Places { range: first * step..last * step, ticks }
    }

    /// From one tick to the next: 1, 2 or 5 times a power of ten, or whole powers of two.
    fn step(self, span: f64) -> f64 {
        let least = span / TICKS;
        match self {
            Scale::Log2 => least.ceil().max(1.0),
            Scale::Linear if least > 0.0 => {
                let ten = 10_f64.powi(least.log10().floor() as i32);
                [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * ten).find(|&step| step >= least).unwrap_or(10.0 * ten)
            }
            Scale::Linear => 1.0,
        }
    }

    /// What is written at a place.
    fn label(self, place: f64) -> String {
        let number = match self {
            Scale::Linear => place,
            Scale::Log2 => place.exp2(),
        };
        match number {
            _ if number.fract() == 0.0 && (0.0..1e15).contains(&number) => grouped(number as u64),
            _ if number.abs() < 1e-3 || number.abs() >= 1e15 => format!("{number:.0e}"),
            // Sums of steps such as 0.1 are not quite round.
            _ => format!("{:.4}", number).trim_end_matches('0').to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(scale: Scale) -> LinePlot {
        let series = |name: &str, words: fn(f64) -> f64| Series {
            name: name.into(),
            points: (4..=20).step_by(2).map(|log| f64::from(log).exp2()).map(|keys| (keys, words(keys))).collect(),
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
    fn equal_absent_and_impossible_numbers_are_drawn_as_far_as_they_can_be() {
        for points in [vec![], vec![(64.0, 64.0)], vec![(0.0, -1.0), (f64::NAN, 1.0), (8.0, f64::INFINITY)]] {
            for scale in [Scale::Linear, Scale::Log2] {
                let series = vec![Series { name: "one & only".into(), points: points.clone() }];
                assert!(LinePlot { series, ..plot(scale) }.svg().contains("one &amp; only"));
            }
        }
    }
}

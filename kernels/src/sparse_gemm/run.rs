//! The run on the array, and what sparsity adds to its report.

use super::parameters::LayerPattern;
use super::prepare::SparseLayer;
use crate::common::plot::{Axis, LinePlot, Point, Scale, Series};
use crate::kernel::{Prepared, RunContext, RunError};
use crate::report::{Figure, FigureFormat, NamedTable, Outcome, grouped};
use crate::systolic::model::Model;
use crate::systolic::run::ArrayRun;

/// A sparse GEMM run with its data.
#[derive(Clone, Debug)]
pub struct SparseRun {
    run: ArrayRun,
    layers: Vec<SparseLayer>,
}

impl SparseRun {
    /// A run of these layers, parallel to those of `run`.
    pub fn new(run: ArrayRun, layers: Vec<SparseLayer>) -> SparseRun {
        SparseRun { run, layers }
    }
}

impl Prepared for SparseRun {
    fn config(&self) -> serde_json::Value {
        self.run.config()
    }

    fn run(&self, context: &mut RunContext<'_>) -> Result<Outcome, RunError> {
        let mut outcome = self.run.run(context)?;
        outcome.tables.push(self.products(&outcome));
        outcome.tables.extend(self.accuracies(&outcome));
        outcome.figures.extend(self.error_over_speed());
        outcome.figures.extend(self.memory_images());
        Ok(outcome)
    }
}

impl SparseRun {
    fn products(&self, outcome: &Outcome) -> NamedTable {
        let value_bits = self.run.hardware.b.width();
        let rows = self.layers.iter().zip(&outcome.parts).map(|(layer, part)| {
            let shape = layer.layer.schedule.shape();
            let dense_bits = (shape.k * shape.n) as u64 * u64::from(value_bits);
            let (bits, ratio) = match &layer.compressed {
                Some(compressed) => (compressed.storage_bits(value_bits), compressed.storage_ratio(value_bits)),
                None => (dense_bits, 1.0),
            };
            [
                layer.family.clone(),
                layer.pattern.to_string(),
                grouped(part.cycles.total),
                grouped(self.array_cycles(layer)),
                format!("{:.2} of {}", self.speed_up(layer), layer.pattern.bound()),
                grouped(bits.div_ceil(8)),
                format!("{ratio:.4}"),
                format!("{:.2} %", 100.0 * layer.kept_l1),
                if layer.relative_error.is_finite() { format!("{:.4}", layer.relative_error) } else { "-".to_string() },
            ]
        });
        let columns =
            ["layer", "pattern", "cycles", "in the array", "dense : these", "weight bytes", "of dense", "kept L1", "relative error"];
        NamedTable::new(
            "cycles by pattern, those in the array by the model; weights in compressed form; errors against dense weights in floating point",
            columns,
            rows,
        )
    }

    /// The accuracy of every chain that is judged, beside that of its weights in floating point.
    fn accuracies(&self, outcome: &Outcome) -> Option<NamedTable> {
        let judged = self.layers.iter().zip(&outcome.parts).filter_map(|(layer, part)| Some((layer, part.numerics.task.value()?)));
        let percent = |share: f64| format!("{:.2} %", 100.0 * share);
        let rows: Vec<[String; 4]> = judged
            .map(|(layer, task)| [layer.layer.name.clone(), percent(task.value), percent(task.reference), grouped(task.samples)])
            .collect();
        let columns = ["chain that ends in", "in hardware", "in floating point", "samples"];
        (!rows.is_empty()).then(|| NamedTable::new("accuracy", columns, rows))
    }

    fn array_cycles(&self, layer: &SparseLayer) -> u64 {
        Model::of(&self.run.hardware, &layer.layer.schedule).array_cycles()
    }

    /// Against dense weights on the same array.
    fn speed_up(&self, layer: &SparseLayer) -> f64 {
        layer.dense_array_cycles as f64 / self.array_cycles(layer) as f64
    }

    /// What each speed-up costs, for layers with several patterns.
    fn error_over_speed(&self) -> Option<Figure> {
        let mut families: Vec<&str> = self.layers.iter().map(|layer| layer.family.as_str()).collect();
        families.dedup();
        let series = families.into_iter().map(|family| {
            let of_family = self.layers.iter().filter(|layer| layer.family == family && layer.relative_error.is_finite());
            let point = |layer: &SparseLayer| Point { x: self.speed_up(layer), y: layer.relative_error, label: layer.pattern.to_string() };
            let mut points: Vec<Point> = of_family.map(point).collect();
            points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
            Series { name: family.to_string(), points }
        });
        let series: Vec<Series> = series.filter(|series| series.points.len() > 1).collect();
        let title = "relative error of the output over the speed-up against dense weights";
        let plot = LinePlot {
            title: title.to_string(),
            x: Axis { label: "dense cycles : cycles, in the array, by the model".to_string(), scale: Scale::Log2 },
            y: Axis { label: "relative error".to_string(), scale: Scale::Linear },
            series,
        };
        (!plot.series.is_empty()).then(|| Figure::new("error", title, FigureFormat::Svg, plot.svg()))
    }

    /// The compressed weights of every layer as a memory holds them.
    fn memory_images(&self) -> impl Iterator<Item = Figure> {
        let value_bits = self.run.hardware.b.width();
        self.layers.iter().enumerate().filter_map(move |(index, layer)| {
            let compressed = layer.compressed.as_ref()?;
            let LayerPattern::Sparse(pattern) = layer.pattern else { return None };
            let bytes = grouped(compressed.storage_bits(value_bits).div_ceil(8));
            let title = format!("compressed {pattern} weights of {}, {bytes} bytes", layer.family);
            Some(Figure::new(&format!("weights {index} {}", layer.layer.name), title, FigureFormat::Hex, compressed.image(value_bits)))
        })
    }
}

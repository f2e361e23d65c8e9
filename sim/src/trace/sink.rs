//! From batches of samples to a file: the same sequence of times and values for every format.

use std::io;

use num_traits::ToPrimitive;
use systole_hdl::design::DomainId;
use systole_hdl::{Type, Value};

use super::changes::{Batch, Line, Table};
use super::contents::{Contents, Series, StateNames};
use super::start_of;
use crate::samples::LINE_WORDS;

/// A file of one format, after its header.
pub(super) trait Sink {
    /// Whether it takes the changes of a batch signal by signal, after all its times: for formats in which the changes of one
    /// signal stand together, since what is written next is then still in cache.
    const BY_SIGNAL: bool = false;
    /// Number of the time begun last.
    fn moment(&self) -> u32 {
        0
    }
    /// The changes that follow happen at an earlier time, as [`Sink::moment`] gave it; those of one signal ascend in time.
    fn go_to(&mut self, moment: u32) {
        let _ = moment;
    }
    /// No earlier time will be gone to.
    fn end_batch(&mut self) -> io::Result<()> {
        Ok(())
    }
    /// The changes that follow happen at `time`; times ascend.
    fn time(&mut self, time: u64) -> io::Result<()>;
    /// The bits of a series of this width.
    fn bits(&mut self, series: usize, width: u32, limbs: &[u64]) -> io::Result<()>;
    /// The value of a series of real numbers.
    fn real(&mut self, series: usize, value: f64) -> io::Result<()>;
    /// The value of a series of texts.
    fn text(&mut self, series: usize, text: &str) -> io::Result<()>;
    /// The bits of many series at once: of the elements of a line that are in `changed`, as [`Line::changed`] has them. The
    /// series of each element is the one that the sink was given for it.
    fn line(&mut self, line: &Line, values: &[u64; LINE_WORDS], changed: u64) -> io::Result<()>;
}

/// An element of a line as the series that shows its bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    /// The series.
    pub series: usize,
    /// Its width in bits, at most 64.
    pub width: u32,
}

/// What shows the sources.
pub(super) struct Views {
    /// By element of all lines: what [`Sink::line`] shows for it; `None` where no source is.
    pub elements: Vec<Option<Shown>>,
    /// By element of all lines, then by wide source: further series that show it.
    others: Vec<Vec<usize>>,
    /// By line: the elements that have others.
    with_others: Vec<u64>,
    /// Series and domain of each clock in the file.
    clocks: Vec<(usize, usize)>,
}

impl Views {
    /// For sources that stand in samples as the table says.
    pub fn new(contents: &Contents, table: &Table) -> Views {
        let sources = table.sources.iter().flatten().max().map_or(0, |source| source + 1);
        let mut shown = vec![Vec::new(); sources];
        let mut clocks = Vec::new();
        for (index, series) in contents.series.iter().enumerate() {
            match *series {
                Series::Clock { domain } => clocks.push((index, domain)),
                Series::Bits { source, .. } | Series::Real { source, .. } | Series::StateName { source, .. } => shown[source].push(index),
            }
        }
        let mut others: Vec<Vec<usize>> =
            table.sources.iter().map(|sources| sources.iter().flat_map(|&source| shown[source].iter().copied()).collect()).collect();
        let elements = others[..table.first_wide()].iter_mut().map(|all| {
            let width = |&series: &usize| if let Series::Bits { width, .. } = contents.series[series] { Some(width) } else { None };
            let position = all.iter().position(|series| width(series).is_some())?;
            let series = all.remove(position);
            Some(Shown { series, width: width(&series)? })
        });
        let elements = elements.collect();
        let with_others = |line: &Line| {
            let of_line = others[line.first..][..line.elements()].iter();
            of_line.rev().fold(0, |set, others| set << 1 | u64::from(!others.is_empty()))
        };
        Views { elements, with_others: table.lines.iter().map(with_others).collect(), others, clocks }
    }
}

/// Turns samples into changes of the series that show them.
pub(super) struct Renderer<'a> {
    contents: &'a Contents,
    table: &'a Table,
    views: &'a Views,
    /// The last sample.
    before: Vec<u64>,
    /// First time not yet over.
    end: Option<u64>,
}

impl<'a> Renderer<'a> {
    /// Nothing has been shown yet.
    pub fn new(contents: &'a Contents, table: &'a Table, views: &'a Views) -> Renderer<'a> {
        Renderer { contents, table, views, before: vec![0; table.words], end: None }
    }

    /// Writes the cycles of a batch.
    pub fn write<S: Sink>(&mut self, batch: &Batch, sink: &mut S) -> io::Result<()> {
        let mut moments = Vec::new();
        let samples = || batch.iter(self.table.words).map(|(_, sample)| sample);
        let first = self.end.is_none();
        // Before the first cycle there is nothing to compare with.
        let befores = || std::iter::once(self.before.as_slice()).chain(samples());
        for ((index, (cycle, sample)), before) in batch.iter(self.table.words).enumerate().zip(befores()) {
            let (start, end) = (start_of(cycle.cycle), start_of(cycle.cycle + 1));
            let first = first && index == 0;
            sink.time(start)?;
            self.end = Some(end);
            let rises = |domain: usize| cycle.began.contains(DomainId(domain as u32));
            for &(series, domain) in self.views.clocks.iter().filter(|(_, domain)| first || rises(*domain)) {
                sink.bits(series, 1, &[rises(domain).into()])?;
            }
            if S::BY_SIGNAL {
                moments.push(sink.moment());
            } else {
                (0..self.places()).try_for_each(|place| self.changes(place, first, before, sample, sink))?;
            }
            if self.views.clocks.iter().any(|(_, domain)| rises(*domain)) {
                sink.time(start.midpoint(end))?;
                for &(series, _) in self.views.clocks.iter().filter(|(_, domain)| rises(*domain)) {
                    sink.bits(series, 1, &[0])?;
                }
            }
        }
        if S::BY_SIGNAL {
            for place in 0..self.places() {
                for (((index, moment), sample), before) in moments.iter().enumerate().zip(samples()).zip(befores()) {
                    sink.go_to(*moment);
                    self.changes(place, first && index == 0, before, sample, sink)?;
                }
            }
        }
        if let Some((_, last)) = batch.iter(self.table.words).last() {
            self.before.copy_from_slice(last);
        }
        sink.end_batch()
    }

    /// Number of lines and wide sources.
    fn places(&self) -> usize {
        self.table.lines.len() + self.table.wide.len()
    }

    /// Writes what changed in a line, or of the wide sources behind the lines in one.
    fn changes(&self, place: usize, all: bool, before: &[u64], now: &[u64], sink: &mut impl Sink) -> io::Result<()> {
        let Some(line) = self.table.lines.get(place) else {
            let index = place - self.table.lines.len();
            let wide = self.table.wide[index];
            let range = wide.word..wide.word + wide.limbs;
            let differs = all || before[range.clone()] != now[range.clone()];
            return if differs { self.show(&self.views.others[self.table.first_wide() + index], &now[range], sink) } else { Ok(()) };
        };
        let values = line.of(now);
        let changed = if all { line.all() } else { line.changed(line.of(before), values) };
        if changed == 0 {
            return Ok(());
        }
        sink.line(line, values, changed)?;
        let mut more = changed & self.views.with_others[place];
        while more != 0 {
            let element = line.first + more.trailing_zeros() as usize;
            let value = line.value(values, element - line.first);
            let width = self.views.elements[element].map_or(64, |shown| shown.width);
            self.show(&self.views.others[element], &[value & u64::MAX >> (64 - width)], sink)?;
            more &= more - 1;
        }
        Ok(())
    }

    /// Lets the last cycle last as long as the others. A trace without cycles lasts one unit in which nothing has a value:
    /// readers stumble over files without times.
    pub fn end(&self, sink: &mut impl Sink) -> io::Result<()> {
        let start = self.contents.start;
        match self.end {
            Some(end) => sink.time(end),
            None => sink.time(start).and_then(|()| sink.time(start + 1)),
        }
    }

    fn show(&self, all: &[usize], limbs: &[u64], sink: &mut impl Sink) -> io::Result<()> {
        for &series in all {
            match &self.contents.series[series] {
                Series::Bits { width, .. } => sink.bits(series, *width, limbs)?,
                Series::Real { ty, .. } => sink.real(series, real_of(limbs, *ty))?,
                Series::StateName { states, .. } => match self.contents.states[*states].name_of(limbs) {
                    Some(name) => sink.text(series, name)?,
                    None => {
                        sink.text(series, &format!("{:x}", Value::from_limbs(self.contents.states[*states].width, limbs.iter().copied())))?
                    }
                },
                Series::Clock { .. } => {}
            }
        }
        Ok(())
    }
}
impl StateNames {
    fn name_of(&self, limbs: &[u64]) -> Option<&str> {
        let small = limbs.iter().skip(1).all(|limb| *limb == 0);
        let index = limbs.first().filter(|_| small).and_then(|limb| usize::try_from(*limb).ok())?;
        self.names.get(index).map(String::as_str)
    }
}

/// The fixed-point number as the nearest double; beyond the range of a double, infinite or zero.
fn real_of(limbs: &[u64], ty: Type) -> f64 {
    let number = Value::from_limbs(ty.width(), limbs.iter().copied()).to_number(ty);
    // A double reaches 2¹⁰²³: of a wider number the last bits are dropped first, far below its precision.
    let dropped = ty.width().saturating_sub(1000);
    let mantissa = (number >> dropped).to_f64().unwrap_or(f64::NAN);
    mantissa * 2f64.powi(dropped as i32 - ty.frac() as i32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fixed_point_is_read_with_its_sign_and_binary_point() {
        assert_eq!(real_of(&[0xff80], Type::q(8, 8)), -0.5);
        assert_eq!(real_of(&[0xff80], Type::uq(8, 8)), 255.5);
        assert_eq!(real_of(&[0, 1], Type::q(2, 64)), 1.0);
        assert_eq!(real_of(&[u64::MAX, 3], Type::q(2, 64)), -(2f64.powi(-64)));
        let mut wide = vec![0; 32];
        wide[31] = 1 << 62;
        assert_eq!(real_of(&wide, Type::q(48, 2000)), 2f64.powi(46));
    }
}

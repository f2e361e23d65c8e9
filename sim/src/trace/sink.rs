//! From batches of changes to a file: the same sequence of times and values for every format.

use std::io;

use num_traits::ToPrimitive;
use systole_hdl::{Type, Value};

use super::changes::{Batch, Span};
use super::contents::{Contents, Series, StateNames};
use super::start_of;

/// A file of one format, after its header.
pub(super) trait Sink {
    /// The changes that follow happen at `time`; times ascend.
    fn time(&mut self, time: u64) -> io::Result<()>;
    /// The bits of a series of this width.
    fn bits(&mut self, series: usize, width: u32, limbs: &[u64]) -> io::Result<()>;
    /// The value of a series of real numbers.
    fn real(&mut self, series: usize, value: f64) -> io::Result<()>;
    /// The value of a series of texts.
    fn text(&mut self, series: usize, text: &str) -> io::Result<()>;
}

/// Turns changes of sources into changes of the series that show them.
pub(super) struct Renderer<'a> {
    contents: &'a Contents,
    spans: &'a [Span],
    /// Series showing each source.
    shown: Vec<Vec<usize>>,
    /// Series and domain of each clock in the file.
    clocks: Vec<(usize, usize)>,
    /// First time not yet over.
    end: Option<u64>,
}

impl<'a> Renderer<'a> {
    /// For sources whose limbs lie at `spans`.
    pub fn new(contents: &'a Contents, spans: &'a [Span]) -> Renderer<'a> {
        let mut shown = vec![Vec::new(); spans.len()];
        let mut clocks = Vec::new();
        for (index, series) in contents.series.iter().enumerate() {
            match *series {
                Series::Clock { domain } => clocks.push((index, domain)),
                Series::Bits { source, .. } | Series::Real { source, .. } | Series::StateName { source, .. } => shown[source].push(index),
            }
        }
        Renderer { contents, spans, shown, clocks, end: None }
    }

    /// Writes the cycles of a batch.
    pub fn write(&mut self, batch: &Batch, sink: &mut impl Sink) -> io::Result<()> {
        let (mut changed, mut limbs) = (batch.changed.as_slice(), batch.limbs.as_slice());
        let domains = self.contents.domains;
        for (position, cycle) in batch.cycles.iter().enumerate() {
            let edges = &batch.edges[position * domains..(position + 1) * domains];
            let (start, end) = (start_of(cycle.cycle), start_of(cycle.cycle + 1));
            let first = self.end.is_none();
            sink.time(start)?;
            self.end = Some(end);
            for &(series, domain) in self.clocks.iter().filter(|(_, domain)| edges[*domain] || first) {
                sink.bits(series, 1, &[edges[domain].into()])?;
            }
            for &source in changed.split_off(..cycle.changed).unwrap_or_default() {
                let span = self.spans[source as usize];
                let value = limbs.split_off(..span.limbs as usize).unwrap_or_default();
                self.show(source as usize, value, sink)?;
            }
            if self.clocks.iter().any(|(_, domain)| edges[*domain]) {
                sink.time(start.midpoint(end))?;
                for &(series, _) in self.clocks.iter().filter(|(_, domain)| edges[*domain]) {
                    sink.bits(series, 1, &[0])?;
                }
            }
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

    fn show(&self, source: usize, limbs: &[u64], sink: &mut impl Sink) -> io::Result<()> {
        for &series in &self.shown[source] {
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

/// The eight binary digits of each byte in ASCII, most significant first.
pub(super) const DIGITS: [[u8; 8]; 256] = {
    let mut digits = [[b'0'; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let mut place = 0;
        while place < 8 {
            digits[byte][place] += (byte >> (7 - place) & 1) as u8;
            place += 1;
        }
        byte += 1;
    }
    digits
};

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

//! FST, GTKWave's compressed format: small, and quick to open.

mod additions;
mod sections;

use std::io::{self, BufWriter, Read, Seek, Write};
use std::sync::mpsc::{Receiver, Sender, channel};

use fst_writer::{
    FstFileType, FstHeaderWriter, FstInfo, FstScopeType, FstSignalId, FstSignalType, FstVarDirection, FstVarType, FstWriteError,
};

use self::additions::Counts;
use self::sections::{Changes, Form, Section, SectionWriter};
use super::changes::Line;
use super::contents::{Contents, Direction, Item, Series, Variable};
use super::jobs::Jobs;
use super::sink::{Shown, Sink};
use super::vcd::bits_of;
use crate::samples::LINE_WORDS;

/// Changes, in bytes, beyond which a section is written out.
const SECTION: usize = 4 << 20;

/// Where changes go.
pub(super) struct FstSink<F: Write> {
    changes: Changes,
    /// Whether a time has been begun.
    begun: bool,
    /// Bytes of changes beyond which a section is written.
    limit: usize,
    /// The file's signal of each series; `None` for texts.
    signals: Vec<Option<usize>>,
    /// By element of all lines: the signal, and the bits that its values have.
    elements: Vec<(usize, u64)>,
    jobs: Jobs<FstFile<F>>,
    used: (Sender<Section>, Receiver<Section>),
}

/// An FST file after its header, for the thread that writes it.
pub(super) struct FstFile<F> {
    file: F,
    sections: SectionWriter,
    counts: Counts,
    forms: Vec<Form>,
    signals: Vec<Option<usize>>,
}

/// Writes the header.
pub(super) fn start<F: Read + Write + Seek>(mut file: F, contents: &Contents) -> io::Result<FstFile<F>> {
    let info = FstInfo {
        start_time: 0,
        timescale_exponent: -9,
        version: super::VERSION.to_string(),
        date: String::new(),
        file_type: FstFileType::Verilog,
    };
    let mut out = BufWriter::new(&mut file);
    let mut header = FstHeaderWriter::new(&mut out, &info).map_err(into_io)?;
    let mut ids: Vec<Option<FstSignalId>> = vec![None; contents.series.len()];
    let (mut signals, mut forms) = (vec![None; contents.series.len()], Vec::new());
    let mut counts = Counts::default();
    for item in &contents.items {
        match item {
            Item::Scope { name, module } => {
                counts.scopes += 1;
                header.scope(name, module, FstScopeType::Module).map_err(into_io)?;
            }
            Item::Up => header.up_scope().map_err(into_io)?,
            Item::Variable(variable) => {
                if let Some((signal, kind)) = form(variable, contents) {
                    let direction = match variable.direction {
                        Direction::Internal => FstVarDirection::Implicit,
                        Direction::Input => FstVarDirection::Input,
                        Direction::Output => FstVarDirection::Output,
                    };
                    counts.variables += 1;
                    let series = variable.series;
                    let id = header.var(&variable.name, signal, kind, direction, ids[series]).map_err(into_io)?;
                    if ids[series].replace(id).is_none() {
                        // Signals are numbered as they first appear.
                        signals[series] = Some(forms.len());
                        forms.push(match contents.series[series] {
                            Series::Bits { width, .. } => Form::Bits(width),
                            Series::Real { .. } => Form::Real,
                            Series::Clock { .. } | Series::StateName { .. } => Form::Bits(1),
                        });
                    }
                }
            }
        }
    }
    // The rest of the crate's writer would write value changes.
    drop(header.finish().map_err(into_io)?);
    out.flush()?;
    drop(out);
    counts.signals = forms.len() as u64;
    additions::add_state_names(&mut file, contents)?;
    Ok(FstFile { file, sections: SectionWriter::new(&forms, contents.start), counts, forms, signals })
}

impl<F: Read + Write + Seek> FstFile<F> {
    /// Completes the file, once all sections are in it.
    pub fn complete(mut self, contents: &Contents) -> io::Result<()> {
        let counts = Counts { sections: self.sections.written, ..self.counts };
        additions::complete_header(&mut self.file, contents.start, self.sections.end(), &counts)
    }

    /// What takes changes for this file. `elements` are the series that [`Sink::line`] shows.
    pub fn sink(&self, elements: &[Option<Shown>], jobs: Jobs<FstFile<F>>) -> FstSink<F> {
        let element = |shown: &Option<Shown>| {
            let signal = shown.and_then(|shown| Some((self.signals[shown.series]?, u64::MAX >> (64 - shown.width))));
            signal.unwrap_or((usize::MAX, 0))
        };
        FstSink {
            changes: Changes::new(&self.forms),
            begun: false,
            // A section begins with a frame; that should stay the smaller part.
            limit: SECTION.max(2 * self.sections.frame().len()),
            signals: self.signals.clone(),
            elements: elements.iter().map(element).collect(),
            jobs,
            used: channel(),
        }
    }
}

/// How a variable is declared; `None` for a state's name, which FST attaches to the state's bits.
pub(super) fn form(variable: &Variable, contents: &Contents) -> Option<(FstSignalType, FstVarType)> {
    match contents.series[variable.series] {
        Series::Clock { .. } => Some((FstSignalType::bit_vec(1), FstVarType::Wire)),
        Series::Bits { width, .. } if variable.is_signed() => Some((FstSignalType::bit_vec(width), FstVarType::Integer)),
        Series::Bits { width, .. } => {
            Some((FstSignalType::bit_vec(width), if variable.register { FstVarType::Reg } else { FstVarType::Wire }))
        }
        Series::Real { .. } => Some((FstSignalType::real(), FstVarType::Real)),
        Series::StateName { .. } => None,
    }
}

fn into_io(error: FstWriteError) -> io::Error {
    match error {
        FstWriteError::Io(error) => error,
        other => io::Error::other(other),
    }
}

impl<F: Write> FstSink<F> {
    /// Hands on what is left.
    pub fn finish(mut self) -> io::Result<()> {
        self.hand_on()
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let section = self.changes.take(self.used.1.try_recv().unwrap_or_default());
        let used = self.used.0.clone();
        self.jobs.add(move |out| {
            out.sections.write(&section, &mut out.file)?;
            // At the end nobody takes it back any more.
            let _ = used.send(section);
            Ok(())
        })
    }
}

impl<F: Write> Sink for FstSink<F> {
    const BY_SIGNAL: bool = true;

    fn moment(&self) -> u32 {
        self.changes.moment()
    }

    fn go_to(&mut self, moment: u32) {
        self.changes.go_to(moment);
    }

    fn end_batch(&mut self) -> io::Result<()> {
        if self.changes.pending() > self.limit { self.hand_on() } else { Ok(()) }
    }

    fn time(&mut self, time: u64) -> io::Result<()> {
        self.changes.time(time, !std::mem::replace(&mut self.begun, true));
        Ok(())
    }

    fn bits(&mut self, series: usize, _width: u32, limbs: &[u64]) -> io::Result<()> {
        match (self.signals[series], limbs) {
            (None, _) => {}
            (Some(signal), [value]) => self.changes.narrow(signal, *value),
            (Some(signal), limbs) => self.changes.wide(signal, limbs),
        }
        Ok(())
    }

    fn real(&mut self, series: usize, value: f64) -> io::Result<()> {
        if let Some(signal) = self.signals[series] {
            self.changes.real(signal, value);
        }
        Ok(())
    }

    fn text(&mut self, _series: usize, _text: &str) -> io::Result<()> {
        Ok(())
    }

    fn line(&mut self, line: &Line, values: &[u64; LINE_WORDS], changed: u64) -> io::Result<()> {
        let elements = &self.elements[line.first..][..line.elements()];
        for index in bits_of(changed) {
            let (signal, mask) = elements[index];
            self.changes.narrow(signal, line.value(values, index) & mask);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::super::jobs::with_jobs;
    use super::*;

    #[test]
    fn values_carry_over_from_section_to_section() {
        let variable = |(name, series): (&str, usize)| {
            Item::Variable(Variable {
                name: name.to_string(),
                series,
                register: false,
                direction: Direction::Internal,
                states: None,
                ty: None,
            })
        };
        let (top, names) = ("top".to_string(), ["still", "moving", "bit", "wide", "real"]);
        let declared = names.into_iter().zip(0..).map(variable);
        let scope = Item::Scope { name: top.clone(), module: top };
        let bits = |width| Series::Bits { source: 0, width };
        let contents = Contents {
            items: std::iter::once(scope).chain(declared).chain([Item::Up]).collect(),
            series: vec![bits(3), bits(8), bits(1), bits(100), Series::Real { source: 0, ty: systole_hdl::Type::q(8, 8) }],
            states: Vec::new(),
            domains: 0,
            start: 50,
        };
        let mut file = Cursor::new(Vec::new());
        let out = start(&mut file, &contents).unwrap();
        let wide = |time: u64| [time << 60 | 5, time];
        let show = |mut sink: FstSink<_>| {
            // Some changes fill a section; there are more than the times that one byte tells apart.
            sink.limit = 500;
            for time in 0..500 {
                sink.end_batch()?;
                sink.time(50 + 10 * time)?;
                if time == 0 {
                    sink.bits(0, 3, &[0b101])?;
                }
                sink.bits(1, 8, &[time & 0xff])?;
                if time % 100 == 0 {
                    sink.bits(2, 1, &[time / 100 % 2])?;
                    sink.bits(3, 100, &wide(time))?;
                    sink.real(4, time as f64 / 8.0)?;
                }
            }
            sink.finish()
        };
        let out = with_jobs(out, |out, jobs| out.sink(&[], jobs), show).unwrap();
        assert!(out.sections.written >= 2, "{} sections", out.sections.written);
        let last = format!("101{:08b}0{:036b}{:064b}", 499 & 0xff, wide(400)[1], wide(400)[0]);
        assert_eq!(out.sections.frame(), [last.as_bytes(), &50f64.to_le_bytes()].concat());
        out.complete(&contents).unwrap();

        let mut wave = wellen::simple::read_from_reader(file).unwrap();
        let hierarchy = wave.hierarchy();
        let signals = names.map(|name| hierarchy[hierarchy.lookup_var(&["top"], name).unwrap()].signal_ref());
        wave.load_signals(&signals);
        assert_eq!(wave.time_table(), (0..500).map(|time| 50 + 10 * time).collect::<Vec<u64>>());
        for time in 0..500u32 {
            let shown = signals.map(|signal| {
                let signal = wave.get_signal(signal).unwrap();
                signal.get_value_at(&signal.get_offset(time).unwrap(), 0).to_string()
            });
            let step = u64::from(time / 100 * 100);
            let [low, high] = wide(step);
            let moving = format!("{:08b}", time & 0xff);
            let (bit, wide) = ((step / 100 % 2).to_string(), format!("{high:036b}{low:064b}"));
            assert_eq!(shown, ["101".to_string(), moving, bit, wide, (step as f64 / 8.0).to_string()], "at position {time}");
        }
    }
}

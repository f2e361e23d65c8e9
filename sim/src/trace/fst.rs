//! FST, GTKWave's compressed format: small, and quick to open.

mod additions;
mod sections;

use std::io::{self, BufWriter, Read, Seek, Write};

use fst_writer::{
    FstFileType, FstHeaderWriter, FstInfo, FstScopeType, FstSignalId, FstSignalType, FstVarDirection, FstVarType, FstWriteError,
};

use self::additions::Counts;
use self::sections::{Form, Sections};
use super::changes::Line;
use super::contents::{Contents, Direction, Item, Series, Variable};
use super::sink::{Shown, Sink};
use super::vcd::bits_of;
use crate::samples::LINE_WORDS;

/// Changes, in bytes, beyond which a section is written out.
const SECTION: usize = 4 << 20;

/// An FST file after its header.
pub(super) struct FstSink<'a, F: Write + Seek> {
    file: &'a mut F,
    sections: Sections,
    counts: Counts,
    /// The file's signal of each series; `None` for texts.
    signals: Vec<Option<usize>>,
    /// By element of all lines: the signal, and the bits that its values have.
    elements: Vec<(usize, u64)>,
}

/// Writes the header. `elements` are the series that [`Sink::line`] shows.
pub(super) fn start<'a, F: Read + Write + Seek>(
    file: &'a mut F,
    contents: &Contents,
    elements: &[Option<Shown>],
) -> io::Result<FstSink<'a, F>> {
    let info = FstInfo {
        start_time: 0,
        timescale_exponent: -9,
        version: super::VERSION.to_string(),
        date: String::new(),
        file_type: FstFileType::Verilog,
    };
    let mut out = BufWriter::new(&mut *file);
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
    additions::add_state_names(file, contents)?;
    let element = |shown: &Option<Shown>| {
        let signal = shown.and_then(|shown| Some((signals[shown.series]?, u64::MAX >> (64 - shown.width))));
        signal.unwrap_or((usize::MAX, 0))
    };
    let elements = elements.iter().map(element).collect();
    Ok(FstSink { file, sections: Sections::new(forms, contents.start, SECTION), counts, signals, elements })
}

/// How a variable is declared; `None` for a state's name, which FST attaches to the state's bits.
pub(super) fn form(variable: &Variable, contents: &Contents) -> Option<(FstSignalType, FstVarType)> {
    match contents.series[variable.series] {
        Series::Clock { .. } => Some((FstSignalType::bit_vec(1), FstVarType::Wire)),
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

impl<F: Read + Write + Seek> FstSink<'_, F> {
    /// Writes what is left and completes the file.
    pub fn finish(mut self, contents: &Contents) -> io::Result<()> {
        self.sections.write(self.file)?;
        let counts = Counts { sections: self.sections.written, ..self.counts };
        additions::complete_header(self.file, contents.start, self.sections.end(), &counts)
    }
}

impl<F: Write + Seek> Sink for FstSink<'_, F> {
    fn time(&mut self, time: u64) -> io::Result<()> {
        self.sections.time(time, self.file)
    }

    fn bits(&mut self, series: usize, _width: u32, limbs: &[u64]) -> io::Result<()> {
        match (self.signals[series], limbs) {
            (None, _) => {}
            (Some(signal), [value]) => self.sections.narrow(signal, *value),
            (Some(signal), limbs) => self.sections.wide(signal, limbs),
        }
        Ok(())
    }

    fn real(&mut self, series: usize, value: f64) -> io::Result<()> {
        if let Some(signal) = self.signals[series] {
            self.sections.real(signal, value);
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
            self.sections.narrow(signal, line.value(values, index) & mask);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn values_carry_over_from_section_to_section() {
        let variable = |name: &str, series| {
            Item::Variable(Variable { name: name.to_string(), series, register: false, direction: Direction::Internal, states: None })
        };
        let top = "top".to_string();
        let contents = Contents {
            items: vec![Item::Scope { name: top.clone(), module: top }, variable("still", 0), variable("moving", 1), Item::Up],
            series: vec![Series::Bits { source: 0, width: 3 }, Series::Bits { source: 1, width: 8 }],
            states: Vec::new(),
            domains: 0,
            start: 50,
        };
        let mut file = Cursor::new(Vec::new());
        let mut sink = start(&mut file, &contents, &[]).unwrap();
        // Any change fills a section.
        sink.sections = Sections::new([Form::Bits(3), Form::Bits(8)], 50, 0);
        for time in 0..20 {
            sink.time(50 + 10 * time).unwrap();
            if time == 0 {
                sink.bits(0, 3, &[0b101]).unwrap();
            }
            sink.bits(1, 8, &[time]).unwrap();
        }
        sink.finish(&contents).unwrap();

        let mut wave = wellen::simple::read_from_reader(file).unwrap();
        let hierarchy = wave.hierarchy();
        let [still, moving] = ["still", "moving"].map(|name| hierarchy[hierarchy.lookup_var(&["top"], name).unwrap()].signal_ref());
        wave.load_signals(&[still, moving]);
        assert_eq!(wave.time_table(), (0..20).map(|time| 50 + 10 * time).collect::<Vec<u64>>());
        let at = |signal, time| {
            let signal = wave.get_signal(signal).unwrap();
            signal.get_value_at(&signal.get_offset(time).unwrap(), 0).to_string()
        };
        for time in 0..20 {
            assert_eq!((at(still, time), at(moving, time)), ("101".to_string(), format!("{time:08b}")), "at position {time}");
        }
    }
}

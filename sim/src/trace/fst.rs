//! FST, GTKWave's compressed format: small, and quick to open.

mod additions;

use std::cell::RefCell;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::rc::Rc;

use fst_writer::{
    FstBodyWriter, FstFileType, FstHeaderWriter, FstInfo, FstScopeType, FstSignalId, FstSignalType, FstVarDirection, FstVarType,
    FstWriteError,
};

use super::contents::{Contents, Direction, Item, Series, Variable};
use super::sink::{DIGITS, Sink};

/// Buffered changes, in bytes, beyond which a block is written out.
const BLOCK: usize = 4 << 20;

/// An FST file after its header.
pub(super) struct FstSink<'a, F: Write + Seek> {
    body: FstBodyWriter<Shared<'a, F>>,
    out: Shared<'a, F>,
    /// The file's signal of each series; `None` for texts.
    ids: Vec<Option<FstSignalId>>,
    /// Room for the digits of one value.
    digits: Vec<u8>,
    /// Size of the buffers beyond which a block is written out, in bytes.
    block: usize,
}

/// The file, of which the crate's writer holds one end from the header to the last block, and we the other.
struct Shared<'a, F: Write>(Rc<RefCell<BufWriter<&'a mut F>>>);

impl<F: Write> Write for Shared<'_, F> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.borrow_mut().flush()
    }
}

impl<F: Write + Seek> Seek for Shared<'_, F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.borrow_mut().seek(to)
    }
}

impl<F: Write> Shared<'_, F> {
    /// Hands the file out with nothing buffered before it.
    fn with_file(&self, act: impl FnOnce(&mut F) -> io::Result<()>) -> io::Result<()> {
        let mut out = self.0.borrow_mut();
        out.flush()?;
        act(out.get_mut())
    }
}

/// Writes the header.
pub(super) fn start<'a, F: Read + Write + Seek>(file: &'a mut F, contents: &Contents) -> io::Result<FstSink<'a, F>> {
    let out = Shared(Rc::new(RefCell::new(BufWriter::with_capacity(1 << 16, file))));
    let info = FstInfo {
        start_time: 0,
        timescale_exponent: -9,
        version: super::VERSION.to_string(),
        date: String::new(),
        file_type: FstFileType::Verilog,
    };
    let mut header = FstHeaderWriter::new(Shared(Rc::clone(&out.0)), &info).map_err(into_io)?;
    let mut ids = vec![None; contents.series.len()];
    for item in &contents.items {
        match item {
            Item::Scope { name, module } => header.scope(name, module, FstScopeType::Module).map_err(into_io)?,
            Item::Up => header.up_scope().map_err(into_io)?,
            Item::Variable(variable) => {
                if let Some((signal, kind)) = form(variable, contents) {
                    let direction = match variable.direction {
                        Direction::Internal => FstVarDirection::Implicit,
                        Direction::Input => FstVarDirection::Input,
                        Direction::Output => FstVarDirection::Output,
                    };
                    let id = header.var(&variable.name, signal, kind, direction, ids[variable.series]).map_err(into_io)?;
                    ids[variable.series] = Some(id);
                }
            }
        }
    }
    let mut body = header.finish().map_err(into_io)?;
    // Only changes arrive here.
    body.set_deduplicate(false);
    out.with_file(|file| additions::add_state_names(file, contents))?;
    // A block begins with a byte for each bit of the file; that should stay the smaller part.
    let frame: usize = contents.series.iter().map(|series| if let Series::Bits { width, .. } = series { *width as usize } else { 8 }).sum();
    let block = body.size() + BLOCK.max(2 * frame);
    Ok(FstSink { body, out, ids, digits: Vec::new(), block })
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
    /// Writes what is buffered and completes the file.
    pub fn finish(self, contents: &Contents) -> io::Result<()> {
        self.body.finish().map_err(into_io)?;
        self.out.with_file(|file| additions::set_start(file, contents))
    }
}

impl<F: Write + Seek> Sink for FstSink<'_, F> {
    fn time(&mut self, time: u64) -> io::Result<()> {
        if self.body.size() > self.block {
            self.body.flush().map_err(into_io)?;
        }
        self.body.time_change(time).map_err(into_io)
    }

    fn bits(&mut self, series: usize, width: u32, limbs: &[u64]) -> io::Result<()> {
        let Some(id) = self.ids[series] else { return Ok(()) };
        self.digits.clear();
        for limb in limbs.iter().rev() {
            limb.to_be_bytes().iter().for_each(|byte| self.digits.extend_from_slice(&DIGITS[usize::from(*byte)]));
        }
        let surplus = self.digits.len() - width as usize;
        self.body.signal_change(id, &self.digits[surplus..]).map_err(into_io)
    }

    fn real(&mut self, series: usize, value: f64) -> io::Result<()> {
        self.ids[series].map_or(Ok(()), |id| self.body.signal_change(id, &value.to_le_bytes()).map_err(into_io))
    }

    fn text(&mut self, _series: usize, _text: &str) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn values_carry_over_from_block_to_block() {
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
        let mut sink = start(&mut file, &contents).unwrap();
        // Any change fills a block.
        sink.block = sink.body.size();
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

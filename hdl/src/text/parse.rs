//! Reads the text form: files and modules, and what to do after a line that does not read.

use rustc_hash::FxHashMap;

use super::line::{Fault, Line};
use super::module::{Earlier, OpenModule};
use super::{HEADER, ParseError, Problem};
use crate::design::{Design, ModuleId};
use crate::validate::{Item, Violation};

pub(super) fn parse(text: &str) -> Result<Design, Vec<ParseError>> {
    let mut lines = text.split('\n').enumerate().map(|(i, text)| (u32::try_from(i + 1).unwrap_or(u32::MAX), Line::new(text)));
    let header = lines.by_ref().find(|(_, line)| !line.is_at_end());
    let (number, mut header) = header.unwrap_or((1, Line::new("")));
    // What does not begin as a netlist is reported once, not line by line.
    read_header(&mut header).map_err(|fault| vec![at(number, fault)])?;

    let mut reader = Reader::default();
    let mut last = number;
    for (number, mut line) in lines {
        last = number;
        if !line.is_at_end()
            && let Err(fault) = reader.line(number, &mut line)
        {
            reader.errors.push(at(number, fault));
        }
    }
    reader.finish(last)
}

fn read_header(line: &mut Line) -> Result<(), Fault> {
    let column = line.column();
    let read = |line: &mut Line| {
        line.word("systole")?;
        line.word("netlist")?;
        line.number("the version")
    };
    match read(line) {
        Ok(1) => line.end("nothing after the version"),
        Ok(version) => Err(Fault { column, message: format!("version {version} of the netlist; this reader knows 1") }),
        Err(fault) => Err(Fault { message: format!("{}; a netlist begins with `{HEADER}`", fault.message), ..fault }),
    }
}

/// A position in the text: line and column, from 1.
pub(super) type Place = (u32, u32);

#[derive(Default)]
struct Reader {
    files: Vec<String>,
    earlier: Earlier,
    open: Option<OpenModule>,
    /// Whether lines are passed over, after one outside a module that belongs inside.
    skipping: bool,
    places: FxHashMap<(ModuleId, Item), Place>,
    errors: Vec<ParseError>,
}

impl Reader {
    fn line(&mut self, number: u32, line: &mut Line) -> Result<(), Fault> {
        let place = (number, line.column());
        if line.is_at_word("module") {
            return self.open_module(place, line);
        }
        if line.accept_symbol('}') {
            let open = self.open.take();
            if open.is_none() && !self.skipping {
                return Err(Fault { column: place.1, message: "`}` closes nothing: no module is open".to_string() });
            }
            self.skipping = false;
            open.into_iter().for_each(|module| self.close(module));
            return line.end("nothing after `}`");
        }
        match &mut self.open {
            Some(module) => module.line(place, line, &self.earlier),
            None if line.accept_word("file") => self.file(line),
            None if self.skipping => Ok(()),
            None => {
                self.skipping = true;
                Err(line.expected("`file` or `module`"))
            }
        }
    }

    fn file(&mut self, line: &mut Line) -> Result<(), Fault> {
        let wanted = self.files.len();
        let start = line.position();
        let number = line.number("the number of the file")?;
        self.files.push(line.quoted("the path of the file")?);
        if number as usize != wanted {
            return Err(line.fault_at(start, format!("expected {wanted}: files are numbered in order")));
        }
        line.end("nothing after the path")
    }

    fn open_module(&mut self, place: Place, line: &mut Line) -> Result<(), Fault> {
        self.skipping = false;
        if let Some(unclosed) = self.open.take() {
            let message = format!("expected `}}` before this: module `{}` is still open", unclosed.name());
            self.errors.push(at(place.0, Fault { column: place.1, message }));
            self.close(unclosed);
        }
        line.word("module")?;
        let name = line.quoted("the name of the module");
        // Opened in any case, so that the lines that follow are read as a module's.
        self.open = Some(OpenModule::new(name.as_deref().unwrap_or_default(), place));
        name?;
        line.symbol('{')?;
        line.end("nothing after `{`")
    }

    fn close(&mut self, module: OpenModule) {
        let id = ModuleId(self.earlier.modules.len() as u32);
        let places = self.earlier.add(module);
        self.places.extend(places.into_iter().map(|(item, place)| ((id, item), place)));
    }

    fn finish(mut self, last: u32) -> Result<Design, Vec<ParseError>> {
        if let Some(module) = self.open.take() {
            let message = format!("the text ends before `}}` of module `{}`", module.name());
            self.errors.push(at(last, Fault { column: 1, message }));
        }
        if !self.errors.is_empty() {
            return Err(self.errors);
        }
        let design = Design { modules: self.earlier.modules, files: self.files };
        let place = |violation: &Violation| {
            let module = violation.module?;
            self.places.get(&(module, violation.item)).or_else(|| self.places.get(&(module, Item::Module)))
        };
        let located = |violation: Violation| {
            let (line, column) = place(&violation).copied().unwrap_or((last, 1));
            ParseError { line, column, problem: Problem::Invalid(violation) }
        };
        match design.validate() {
            Ok(()) => Ok(design),
            Err(violations) => Err(violations.into_iter().map(located).collect()),
        }
    }
}

fn at(line: u32, fault: Fault) -> ParseError {
    ParseError { line, column: fault.column, problem: Problem::Syntax(fault.message) }
}

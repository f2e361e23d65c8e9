//! Configurations: a TOML file and `--set` overrides, and for every key the place that gave it.
//!
//! A kernel reads the merged table and complains by key path; [`Config::locate`] turns such a complaint into a diagnostic
//! with file, line and column, or with the override's own text.

mod excerpt;
mod key_path;
mod places;
#[cfg(test)]
mod tests;

use std::fs;
use std::io::ErrorKind;
use std::mem;
use std::ops::Range;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, SourceSpan};
use systole_kernels::kernel::ConfigError;
use thiserror::Error;
use toml::{Table, Value};

use excerpt::Excerpt;
use key_path::{KeyPath, Segment};
use places::{Place, Places};

use crate::text::presentable;

/// A configuration that has been read, with overrides applied.
#[derive(Debug)]
pub struct Config {
    path: PathBuf,
    text: String,
    table: Table,
    places: Places,
}

/// One `key=value` of the command line.
#[derive(Clone, PartialEq, Debug)]
pub struct Override {
    /// The option that brought it, such as `--set`.
    pub option: &'static str,
    /// The text after the option: `array.rows=8`.
    pub text: String,
}

impl Override {
    /// A `--set` override.
    pub fn set(text: impl Into<String>) -> Override {
        Override { option: "--set", text: text.into() }
    }
}

/// A configuration, or part of it, that cannot be used.
#[derive(Debug, Error, Diagnostic)]
#[error("{message}")]
pub struct ConfigProblem {
    message: String,
    #[source_code]
    source_code: Excerpt,
    #[label("{label}")]
    span: SourceSpan,
    label: String,
    #[help]
    help: Option<String>,
}

/// A configuration file that cannot be read at all.
#[derive(Debug, Error, Diagnostic)]
#[error("cannot read the configuration {path}: {reason}")]
pub struct UnreadableConfig {
    path: String,
    reason: String,
    #[help]
    help: String,
}

/// Why there is no configuration.
#[derive(Debug, Error, Diagnostic)]
pub enum ReadError {
    /// The file cannot be read.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Unreadable(#[from] UnreadableConfig),
    /// The file's or an override's text is at fault.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Problem(#[from] Box<ConfigProblem>),
}

/// The longest configuration in bytes.
const LONGEST: u64 = 4 << 20;

const OVERRIDE_FORM: &str = "write it like `array.rows=8` or `layers[0].relu=false`";

const WHAT_A_CONFIG_IS: &str = "a configuration is a TOML file that names a kernel and its parameters; `systole list` shows the \
                                kernels, `systole list <kernel>` the parameters, and configs/ holds examples";

impl Config {
    /// Reads a file and applies the overrides in order, later ones over earlier ones.
    ///
    /// # Errors
    /// If the file cannot be read or is not TOML, or an override is malformed or does not fit the file's structure.
    pub fn read(path: &Path, overrides: &[Override]) -> Result<Config, ReadError> {
        Config::of_text(path, read_text(path)?, overrides)
    }

    /// Reads the text of the file `path` and applies the overrides in order, later ones over earlier ones.
    ///
    /// # Errors
    /// If the text is not TOML, or an override is malformed or does not fit its structure.
    pub fn of_text(path: &Path, text: String, overrides: &[Override]) -> Result<Config, ReadError> {
        let table = text.parse::<Table>().map_err(|error| Box::new(syntax_problem(path, &text, &error)))?;
        let places = Places::of_document(&text);
        let mut config = Config { path: path.to_path_buf(), text, table, places };
        for change in overrides {
            config.apply(change)?;
        }
        Ok(config)
    }

    /// The file's name without folder and extension, which names its outputs.
    pub fn name(&self) -> String {
        self.path.file_stem().map_or_else(|| "config".into(), |stem| stem.to_string_lossy().into_owned())
    }

    /// The folder that relative paths in the configuration start from.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The merged table.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// A complaint about a key, at the place that gave the key or, where nothing did, at the nearest table around it.
    pub fn locate(&self, error: ConfigError) -> ConfigProblem {
        let ConfigError { key, message, remedy } = error;
        let (place, found) = self.places.nearest(&KeyPath::parse(&key).unwrap_or_default());
        let label = if found && !key.is_empty() { "here".to_string() } else { "in here".to_string() };
        let message = if key.is_empty() { message } else { format!("`{key}`: {message}") };
        match place {
            Place::Override(change) => override_problem(&change, message, remedy),
            Place::File(span) => file_problem(&self.path, &self.text, span, message, label, remedy),
        }
    }

    fn apply(&mut self, change: &Override) -> Result<(), Box<ConfigProblem>> {
        let refuse = |Refusal { message, help }| Box::new(override_problem(change, message, Some(help.to_string())));
        let Some((key, value)) = change.text.split_once('=') else {
            return Err(refuse(Refusal { message: "an override is a key, `=` and a value".into(), help: OVERRIDE_FORM }));
        };
        let Some(path) = KeyPath::parse(key.trim()) else {
            return Err(refuse(Refusal { message: format!("`{key}` is not a key"), help: OVERRIDE_FORM }));
        };
        let value = value.trim();
        if is_beyond_integers(value) {
            let message = format!("`{}`: {value} is beyond the integers of TOML", key.trim());
            let help = "they reach from -9223372036854775808 to 9223372036854775807";
            return Err(refuse(Refusal { message, help }));
        }
        // What is no TOML value is a string, so that words need no quotes inside the shell's quotes.
        let value = value.parse::<Value>().unwrap_or_else(|_| Value::String(value.to_string()));
        let mut taken = KeyPath::default();
        let mut root = Value::Table(mem::take(&mut self.table));
        insert(&mut root, path.segments(), value, &mut taken).map_err(refuse)?;
        if let Value::Table(table) = root {
            self.table = table;
        }
        self.places.set(&taken, change);
        Ok(())
    }
}

/// Whether the text is written as an integer whose value fits no TOML integer: these have 64 bits with sign.
fn is_beyond_integers(text: &str) -> bool {
    let (sign, digits) = text.split_at(usize::from(text.starts_with(['+', '-'])));
    let prefixed = [("0x", 16), ("0o", 8), ("0b", 2)].into_iter().find_map(|(prefix, radix)| Some((digits.strip_prefix(prefix)?, radix)));
    let (digits, radix) = prefixed.unwrap_or((digits, 10));
    let is_number = digits.starts_with(|first: char| first.is_digit(radix)) && digits.chars().all(|c| c == '_' || c.is_digit(radix));
    is_number && i64::from_str_radix(&format!("{sign}{}", digits.replace('_', "")), radix).is_err()
}

fn read_text(path: &Path) -> Result<String, UnreadableConfig> {
    let unreadable = |reason: &str, help: &str| UnreadableConfig {
        path: presentable(&path.display().to_string()),
        reason: reason.to_string(),
        help: help.to_string(),
    };
    if fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > LONGEST) {
        return Err(unreadable(&format!("it has more than {LONGEST} bytes"), WHAT_A_CONFIG_IS));
    }
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(_) if path.is_dir() => return Err(unreadable("it is a folder", "name a file in it")),
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(unreadable("there is no such file", WHAT_A_CONFIG_IS)),
        Err(error) => return Err(unreadable(&error.to_string(), WHAT_A_CONFIG_IS)),
    };
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = 1 + valid.iter().filter(|&&byte| byte == b'\n').count();
        unreadable(&format!("line {line} is not UTF-8 text"), "a TOML file is UTF-8 text")
    })?;
    if text.trim().is_empty() {
        return Err(unreadable("it is empty", WHAT_A_CONFIG_IS));
    }
    Ok(text)
}

fn syntax_problem(path: &Path, text: &str, error: &toml::de::Error) -> ConfigProblem {
    let help = "a line is `key = value`, `[table]` or `[[list of tables]]`; words stand in double quotes";
    let message = format!("this is not TOML: {}", error.message());
    file_problem(path, text, error.span().unwrap_or(0..0), message, "here".into(), Some(help.into()))
}

fn file_problem(path: &Path, text: &str, span: Range<usize>, message: String, label: String, help: Option<String>) -> ConfigProblem {
    problem(Excerpt::new(&path.display().to_string(), text, span), message, label, help)
}

fn override_problem(change: &Override, message: String, help: Option<String>) -> ConfigProblem {
    let Override { option, text } = change;
    problem(Excerpt::new(&format!("{option} {text}"), text, 0..text.len()), message, format!("given by {option}"), help)
}

fn problem(source_code: Excerpt, message: String, label: String, help: Option<String>) -> ConfigProblem {
    let (message, help) = (presentable(&message), help.as_deref().map(presentable));
    ConfigProblem { message, span: source_code.span(), source_code, label, help }
}

/// What is wrong with an override, and what to write instead.
struct Refusal {
    message: String,
    help: &'static str,
}

/// Sets the value at `path` below `here`, making tables on the way. `taken` collects the way, with list positions as indices.
fn insert(here: &mut Value, path: &[Segment], value: Value, taken: &mut KeyPath) -> Result<(), Refusal> {
    let Some((segment, rest)) = path.split_first() else {
        *here = value;
        return Ok(());
    };
    let inner = match here {
        Value::Table(table) => {
            let Segment::Key(key) = segment else {
                return Err(Refusal { message: format!("{taken} is not a list"), help: OVERRIDE_FORM });
            };
            taken.push(segment.clone());
            table.entry(key.clone()).or_insert_with(|| Value::Table(Table::new()))
        }
        Value::Array(list) => {
            let Some(index) = segment.as_index() else {
                return Err(Refusal {
                    message: format!("{taken} is a list, and `{segment}` does not say which entry"),
                    help: OVERRIDE_FORM,
                });
            };
            let length = list.len();
            let Some(element) = list.get_mut(index) else {
                let message = format!("{taken} has no entry {index}: the configuration holds {length}");
                return Err(Refusal { message, help: "entries count from 0; add further ones in the file" });
            };
            taken.push(Segment::Index(index));
            element
        }
        other => {
            let message = format!("{taken} is of type {}, so there is no key below it", other.type_str());
            return Err(Refusal { message, help: "give it a value of its own instead" });
        }
    };
    insert(inner, rest, value, taken)
}

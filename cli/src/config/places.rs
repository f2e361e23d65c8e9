//! Where each key of a configuration was given.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::Override;
use super::key_path::{KeyPath, Segment};

/// What gave a key.
#[derive(Clone, PartialEq, Debug)]
pub enum Place {
    /// Bytes of the file.
    File(Range<usize>),
    /// An override of the command line.
    Override(Override),
}

/// The place of every key.
#[derive(Debug, Default)]
pub struct Places(BTreeMap<KeyPath, Place>);

impl Places {
    /// The places of a file's keys.
    pub fn of_document(text: &str) -> Places {
        let mut places = Places::default();
        if let Ok(document) = DeTable::parse(text) {
            places.add_table(text, &KeyPath::default(), document.get_ref());
        }
        places
    }

    /// An override takes over a key and everything below it; it also stands for the tables that it made on the way.
    pub fn set(&mut self, path: &KeyPath, change: &Override) {
        self.0.retain(|key, _| !key.is_within(path));
        for outer in path.outwards().filter(|outer| !outer.segments().is_empty()) {
            self.0.entry(outer).or_insert_with(|| Place::Override(change.clone()));
        }
    }

    /// The place of the key or, where nothing gave it, of the innermost table or list around it; and whether it is the key's own.
    pub fn nearest(&self, path: &KeyPath) -> (Place, bool) {
        let found = path.outwards().find_map(|outer| Some((self.0.get(&outer)?.clone(), outer == *path)));
        found.unwrap_or((Place::File(0..0), false))
    }

    fn add_table(&mut self, text: &str, path: &KeyPath, table: &DeTable<'_>) {
        for (key, value) in table {
            let inner = path.with(Segment::Key(key.get_ref().to_string()));
            // A table under a `[header]` may span all its lines; its name in the header says enough.
            let after_equals = text.get(key.span().end..value.span().start).is_some_and(|between| between.trim() == "=");
            let span = if after_equals { key.span().start..value.span().end } else { key.span() };
            self.add(text, &inner, span, value.get_ref());
        }
    }

    fn add(&mut self, text: &str, path: &KeyPath, span: Range<usize>, value: &DeValue<'_>) {
        match value {
            DeValue::Table(table) => self.add_table(text, path, table),
            DeValue::Array(list) => {
                for (index, element) in list.iter().enumerate() {
                    self.add(text, &path.with(Segment::Index(index)), element.span(), element.get_ref());
                }
            }
            _ => {}
        }
        self.0.insert(path.clone(), Place::File(span));
    }
}

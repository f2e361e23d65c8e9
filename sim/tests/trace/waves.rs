//! Reading a trace back, and what should be in it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use systole_hdl::Value;
use wellen::simple::Waveform;
use wellen::{SignalValueRef, VarRef};

/// What a trace shows of a variable at some time.
#[derive(Clone, PartialEq, Debug)]
pub enum Seen {
    Bits(String),
    Real(f64),
    Text(String),
}

impl From<&Value> for Seen {
    fn from(value: &Value) -> Seen {
        Seen::Bits((0..value.width()).rev().map(|bit| if value.bit(bit) { '1' } else { '0' }).collect())
    }
}

/// A trace read back.
pub struct Waves {
    wave: Waveform,
    variables: BTreeMap<String, VarRef>,
}

impl Waves {
    /// Reads a file whole.
    pub fn read(path: &Path) -> Waves {
        let mut wave = wellen::simple::read(path).unwrap();
        let hierarchy = wave.hierarchy();
        let variables: Vec<VarRef> = hierarchy.all_vars().collect();
        let signals: Vec<_> = variables.iter().map(|&var| hierarchy[var].signal_ref()).collect();
        let named: BTreeMap<String, VarRef> = variables.iter().map(|&var| (hierarchy[var].full_name(hierarchy), var)).collect();
        assert_eq!(named.len(), variables.len(), "two variables have one name");
        wave.load_signals(&signals);
        Waves { wave, variables: named }
    }

    /// Paths of all variables.
    pub fn names(&self) -> BTreeSet<&str> {
        self.variables.keys().map(String::as_str).collect()
    }

    /// Times at which something is written, in ns.
    pub fn times(&self) -> &[u64] {
        self.wave.time_table()
    }

    /// What a variable shows at a time; `None` before its first value.
    pub fn at(&self, name: &str, time: u64) -> Option<Seen> {
        let variable = *self.variables.get(name).unwrap_or_else(|| panic!("no {name} among {:?}", self.names()));
        let signal = self.wave.get_signal(self.wave.hierarchy()[variable].signal_ref()).unwrap();
        let position = self.times().partition_point(|&t| t <= time).checked_sub(1)?;
        let offset = signal.get_offset(position as u32)?;
        Some(match signal.get_value_at(&offset, 0) {
            SignalValueRef::BitVec(bits) => Seen::Bits(bits.bit_string()),
            SignalValueRef::Real(value) => Seen::Real(value),
            SignalValueRef::String(text) => Seen::Text(text.to_string()),
            SignalValueRef::Event => panic!("{name} is an event"),
        })
    }

    /// Names attached to a variable's values.
    pub fn value_names(&self, name: &str) -> Vec<(String, String)> {
        let hierarchy = self.wave.hierarchy();
        let (_, names) = hierarchy[self.variables[name]].enum_type(hierarchy).unwrap_or_default();
        names.into_iter().map(|(value, name)| (value.to_string(), name.to_string())).collect()
    }

    /// Number of different runs of values.
    pub fn runs(&self) -> usize {
        let hierarchy = self.wave.hierarchy();
        self.variables.values().map(|&var| hierarchy[var].signal_ref()).collect::<std::collections::HashSet<_>>().len()
    }
}

//! Paths of keys: `array.rows`, `layers[0].relu`.

use std::fmt;

/// One step of a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Segment {
    /// A key of a table.
    Key(String),
    /// A position in a list, from 0.
    Index(usize),
}

/// From the top of the configuration down to one value; the empty path is the whole configuration.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct KeyPath(Vec<Segment>);

impl Segment {
    /// As a position: an index, or a key of digits, so that `layers.0.relu` says the same as `layers[0].relu`.
    pub fn as_index(&self) -> Option<usize> {
        match self {
            Segment::Index(index) => Some(*index),
            Segment::Key(key) => key.parse().ok(),
        }
    }
}

impl KeyPath {
    /// Reads `layers[0].relu` or `layers.0.relu`. `None` if a key is empty or a bracket holds no number.
    pub fn parse(text: &str) -> Option<KeyPath> {
        let mut segments = Vec::new();
        for part in text.split('.') {
            let (key, indices) = part.split_at(part.find('[').unwrap_or(part.len()));
            if key.is_empty() || key.contains(']') {
                return None;
            }
            segments.push(Segment::Key(key.to_string()));
            let mut rest = indices;
            while !rest.is_empty() {
                let (index, after) = rest.strip_prefix('[')?.split_once(']')?;
                segments.push(Segment::Index(index.parse().ok()?));
                rest = after;
            }
        }
        Some(KeyPath(segments))
    }

    /// The steps, outermost first.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// Goes one step further.
    pub fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    /// The path with one more step.
    pub fn with(&self, segment: Segment) -> KeyPath {
        let mut path = self.clone();
        path.push(segment);
        path
    }

    /// The path itself, then ever shorter ones, down to the empty path.
    pub fn outwards(&self) -> impl Iterator<Item = KeyPath> {
        (0..=self.0.len()).rev().map(|length| KeyPath(self.0[..length].to_vec()))
    }

    /// Whether this path leads to or through `outer`.
    pub fn is_within(&self, outer: &KeyPath) -> bool {
        self.0.starts_with(&outer.0)
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Segment::Key(key) => f.write_str(key),
            Segment::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// `` `layers[0].relu` ``, or `the configuration` for the empty path.
impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("the configuration");
        }
        f.write_str("`")?;
        for (position, segment) in self.0.iter().enumerate() {
            if position > 0 && matches!(segment, Segment::Key(_)) {
                f.write_str(".")?;
            }
            write!(f, "{segment}")?;
        }
        f.write_str("`")
    }
}

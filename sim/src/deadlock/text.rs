//! A deadlock in words.

use std::fmt;

use super::{Certainty, Explanation, Reason, Side, Wait};

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Side::Ready => "ready",
            Side::Valid => "valid",
        })
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not {}: ", self.stream, self.lacks)?;
        let driver = match self.lacks {
            Side::Ready => "sink",
            Side::Valid => "source",
        };
        match &self.reason {
            Reason::Stream { stream, lacks } => write!(f, "it waits for `{stream}` to be {lacks}"),
            Reason::SourceEmpty => write!(f, "its source has no word left"),
            Reason::Inactive => write!(f, "its {driver} is never active"),
            Reason::Inputs(inputs) => write!(f, "it depends on {}, set from outside", quoted(inputs)),
            Reason::Circuit => write!(f, "no other stream explains it; look at the logic that drives it"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deadlock: nothing has been transferred since cycle {} ", self.since)?;
        match self.certainty {
            Certainty::AtRest => writeln!(f, "(seen in cycle {}: no register or memory can change any more)", self.found)?,
            Certainty::Quiet { cycles } => writeln!(f, "(for {cycles} cycles, although something still changes inside)")?,
        }
        for (stream, words) in &self.pending {
            writeln!(f, "  `{stream}` has {words} {} left to send", plural(*words as u64, "word"))?;
        }
        if self.waits.is_empty() {
            writeln!(f, "no stream waits for another")?;
        } else {
            writeln!(f, "{}", if self.circular { "these wait for each other in a circle:" } else { "each waits for the next:" })?;
        }
        for wait in &self.waits {
            writeln!(f, "  {wait}")?;
        }
        for fifo in &self.full {
            let capacity = fifo.capacity;
            writeln!(f, "  FIFO `{}` is full with {capacity} {}", fifo.path, plural(capacity.into(), "word"))?;
        }
        write!(f, "remedy: {}", self.remedy())
    }
}

fn quoted(names: &[String]) -> String {
    format!("`{}`", names.join("`, `"))
}

fn plural(count: u64, word: &str) -> String {
    if count == 1 { word.to_string() } else { format!("{word}s") }
}

impl Explanation {
    /// What to change, in a sentence.
    pub fn remedy(&self) -> String {
        let shallow: Vec<String> =
            self.full.iter().filter(|f| f.too_shallow).map(|f| format!("`{}` deeper than {}", f.path, f.capacity)).collect();
        match (self.circular, shallow.as_slice(), self.waits.last().map(|wait| &wait.reason)) {
            (true, [], _) => {
                "put a FIFO into the circle where words pile up, or let one of its streams go ahead without the other".to_string()
            }
            (true, fifos, _) => format!("make {}; it is too shallow for the words that must wait in it", fifos.join(" or ")),
            (false, _, Some(Reason::SourceEmpty)) => "push more words, or expect fewer".to_string(),
            (false, _, Some(Reason::Inactive)) => {
                "put a source or sink there, or give it a stall pattern that is active at times".to_string()
            }
            (false, _, Some(Reason::Inputs(inputs))) => format!("set {} so that the circuit goes on", quoted(inputs)),
            (false, _, _) => "look at the logic behind the last of these signals".to_string(),
        }
    }
}

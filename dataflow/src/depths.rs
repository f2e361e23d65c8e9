//! Least FIFO depths at full rate, and which of them grow with a size of the graph.
//!
//! Full rate means: all sinks have their last element as early as they would if every FIFO were unbounded.

use std::fmt;

use crate::deadlock::least;
use crate::execute::{Record, RunError, Stop, execute};
use crate::graph::{ChannelId, Depth, Graph};

/// How a depth depends on a size N.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// The same for every N.
    Constant(usize),
    /// `slope.0 / slope.1` · N + `offset.0 / offset.1`, exactly, at every N that was tried; the fractions are in lowest terms.
    Linear {
        /// Numerator and denominator.
        slope: (i128, i128),
        /// Numerator and denominator.
        offset: (i128, i128),
    },
    /// Neither.
    Other,
}

/// What a FIFO of a family of graphs needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Need {
    /// The FIFO's name.
    pub name: String,
    /// Each size, and the least depth there.
    pub depths: Vec<(u64, usize)>,
    /// How the depth depends on the size.
    pub growth: Growth,
}

/// The least depth of every FIFO with which the graph has full rate; wires are left out.
///
/// The depths are found one FIFO after the other, with the least depths of those before and unbounded ones behind. Together they give full
/// rate, and none of them can be smaller while the others stay. Depths that the graph states are not looked at.
///
/// # Errors
/// If the graph has mistakes, or its sources do not match its rates.
pub fn least_depths(graph: &Graph) -> Result<Vec<(ChannelId, usize)>, RunError> {
    graph.check().map_err(RunError::Graph)?;
    let mut depths = vec![Depth::Unbounded; graph.channels().len()];
    let unbounded = execute(graph, &depths, Record::default()).map_err(|stop| match stop {
        Stop::Error(error) => error,
        Stop::Deadlock { .. } => unreachable!("a deadlock has a full FIFO, and unbounded ones are never full"),
    })?;
    let mut found = Vec::new();
    for (channel, _) in graph.fifos() {
        // With a registered `full` flag, one more than what it holds.
        let guess = unbounded.traffic(channel).high_water + 1;
        let depth = least(1, guess, |depth| {
            depths[channel.0] = Depth::Words(depth);
            execute(graph, &depths, Record::default()).is_ok_and(|run| run.cycles == unbounded.cycles)
        });
        depths[channel.0] = Depth::Words(depth);
        found.push((channel, depth));
    }
    Ok(found)
}

/// The least depths of a family of graphs that differ in a size; FIFOs of the same name belong together.
///
/// # Errors
/// As for [`least_depths`].
pub fn family_depths(sizes: &[u64], graph: impl Fn(u64) -> Graph) -> Result<Vec<Need>, RunError> {
    let mut needs: Vec<Need> = Vec::new();
    for &size in sizes {
        let graph = graph(size);
        for (channel, depth) in least_depths(&graph)? {
            let name = &graph.channel(channel).name;
            match needs.iter_mut().find(|need| need.name == *name) {
                Some(need) => need.depths.push((size, depth)),
                None => needs.push(Need { name: name.clone(), depths: vec![(size, depth)], growth: Growth::Other }),
            }
        }
    }
    needs.iter_mut().for_each(|need| need.growth = growth(&need.depths));
    Ok(needs)
}

/// How depths depend on sizes: constant, linear through all points, or neither. Two points are always one of the first two.
pub fn growth(depths: &[(u64, usize)]) -> Growth {
    let points: Vec<(i128, i128)> = depths.iter().map(|&(size, depth)| (size.into(), depth as i128)).collect();
    let (Some(&(x0, y0)), Some(&(x1, y1))) = (points.first(), points.last()) else { return Growth::Other };
    if points.iter().all(|&(_, y)| y == y0) {
        return Growth::Constant(depths[0].1);
    }
    let (dx, dy) = (x1 - x0, y1 - y0);
    if dx == 0 || !points.iter().all(|&(x, y)| (y - y0) * dx == (x - x0) * dy) {
        return Growth::Other;
    }
    Growth::Linear { slope: lowest(dy, dx), offset: lowest(y0 * dx - x0 * dy, dx) }
}

fn lowest(numerator: i128, denominator: i128) -> (i128, i128) {
    let (mut a, mut b) = (numerator.abs(), denominator.abs());
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let divisor = a.max(1) * denominator.signum();
    (numerator / divisor, denominator / divisor)
}

impl fmt::Display for Growth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fraction = |(numerator, denominator): (i128, i128)| match denominator {
            1 => numerator.to_string(),
            _ => format!("{numerator}/{denominator}"),
        };
        match *self {
            Growth::Constant(depth) => write!(f, "{depth}"),
            Growth::Other => write!(f, "neither constant nor linear"),
            Growth::Linear { slope, offset } => {
                match slope {
                    (1, 1) => write!(f, "N")?,
                    _ => write!(f, "{}N", fraction(slope))?,
                }
                match offset.0 {
                    0 => Ok(()),
                    1.. => write!(f, " + {}", fraction(offset)),
                    _ => write!(f, " - {}", fraction((-offset.0, offset.1))),
                }
            }
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`: {}", self.name, self.growth)?;
        if let Growth::Constant(_) = self.growth {
            return Ok(());
        }
        let points: Vec<_> = self.depths.iter().map(|(size, depth)| format!("{depth} at N = {size}")).collect();
        write!(f, " ({})", points.join(", "))
    }
}

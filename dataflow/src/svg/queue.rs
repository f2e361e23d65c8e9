//! A FIFO as it is drawn: a queue of places.

use std::fmt::Write;

use super::PLACE;
use crate::graph::Depth;

/// Places drawn singly; a deeper FIFO shows some at each end.
pub(super) const PLACES: usize = 6;

/// A queue around the height `y`: its outline, the share of it that was `used` (0 to 1), and its places or those at its ends.
pub(super) fn queue(depth: Depth, used: Option<f64>, left: f64, y: f64, width: f64) -> String {
    let (top, height) = (y - PLACE.1 / 2.0, PLACE.1);
    let rectangle = |class: &str, left: f64, width: f64| {
        format!("<rect class=\"{class}\" x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{height:.1}\"/>")
    };
    let mut text = rectangle("queue", left, width);
    if let Some(used) = used {
        let filled = width * used.min(1.0);
        text += &rectangle("used", left + width - filled, filled);
    }
    let mut lines: Vec<f64> = match depth_of(depth) {
        Some(depth) if depth <= PLACES => (1..depth).map(|place| place as f64 * PLACE.0).collect(),
        _ => (1..=2).flat_map(|place| [place as f64 * PLACE.0, width - place as f64 * PLACE.0]).collect(),
    };
    lines.sort_by(f64::total_cmp);
    let strokes: String = lines.iter().map(|x| format!("M{:.1} {top:.1}v{height:.1}", left + x)).collect();
    if is_deep(depth) {
        let middle = left + width / 2.0;
        for x in [-6.0, 0.0, 6.0] {
            _ = write!(text, "<circle class=\"place more\" cx=\"{:.1}\" cy=\"{y:.1}\" r=\"1\"/>", middle + x);
        }
    }
    let outline = format!("M{left:.1} {top:.1}h{width:.1}v{height:.1}h-{width:.1}z");
    text + &format!("<path class=\"place\" d=\"{outline}{strokes}\"/>")
}

/// The number of places, if it is bounded.
pub(super) fn depth_of(depth: Depth) -> Option<usize> {
    match depth {
        Depth::Words(words) => Some(words.max(1)),
        Depth::Unbounded => None,
    }
}

/// Whether a FIFO has more places than are drawn singly.
pub(super) fn is_deep(depth: Depth) -> bool {
    depth_of(depth).is_none_or(|depth| depth > PLACES)
}

/// Least width of a queue, in places.
pub(super) fn places(depth: Depth) -> usize {
    depth_of(depth).map_or(PLACES + 2, |depth| if depth <= PLACES { depth } else { PLACES + 2 })
}

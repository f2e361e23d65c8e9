//! Labels beside points: placed one after the other where they meet the least of what is there.

/// Height of a label in pixels, and the estimated width of a character.
const HEIGHT: i32 = 12;
const CHARACTER: f64 = 6.6;
/// Between a point and its label.
const APART: i32 = 8;

/// A rectangle in pixels: left, top, right, bottom.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Rectangle(pub(super) i32, pub(super) i32, pub(super) i32, pub(super) i32);

impl Rectangle {
    fn meets(self, other: Rectangle) -> bool {
        self.0 < other.2 && other.0 < self.2 && self.1 < other.3 && other.1 < self.3
    }

    fn is_within(self, other: Rectangle) -> bool {
        self.0 >= other.0 && self.1 >= other.1 && self.2 <= other.2 && self.3 <= other.3
    }
}

/// Places for the labels of points, as rectangles with the text's size; `lines` are all that is drawn, and `labelled` the points with their
/// texts. A label stays within `bounds`.
pub(super) fn places(lines: &[Vec<(i32, i32)>], labelled: &[((i32, i32), &str)], bounds: Rectangle) -> Vec<Rectangle> {
    let mut taken: Vec<Rectangle> = lines.iter().flatten().map(|&at| around(at, 6)).collect();
    // Stretches of a line, as small squares along it.
    let stretches = lines.iter().flat_map(|line| line.windows(2)).flat_map(|ends| along(ends[0], ends[1]));
    let strokes: Vec<Rectangle> = stretches.map(|at| around(at, 2)).collect();
    let mut placed = Vec::with_capacity(labelled.len());
    for &(at, text) in labelled {
        let width = (CHARACTER * text.chars().count() as f64).ceil() as i32;
        let hidden = |place: Rectangle| {
            let outside = usize::from(!place.is_within(bounds)) * 1000;
            // A label may touch a line rather than a point or another label.
            let things = taken.iter().filter(|&&thing| place.meets(thing)).count() * 10;
            outside + things + strokes.iter().filter(|&&stroke| place.meets(stroke)).count().min(9)
        };
        let place = candidates(at, width).into_iter().min_by_key(|&place| hidden(place)).expect("there are candidates");
        taken.push(place);
        placed.push(place);
    }
    placed
}

/// Around a point: below and above, right and left.
fn candidates((x, y): (i32, i32), width: i32) -> [Rectangle; 8] {
    let half = HEIGHT / 2;
    let (right, left, centred) = (x + APART, x - APART - width, x - width / 2);
    let (below, above, beside) = (y + APART / 2, y - APART / 2 - HEIGHT, y - half);
    let corners = [(right, below), (left, above), (right, above), (left, below), (right, beside), (left, beside)];
    let middle = [(centred, y + APART), (centred, y - APART - HEIGHT)];
    let place = |(left, top): (i32, i32)| Rectangle(left, top, left + width, top + HEIGHT);
    let [a, b, c, d, e, f] = corners.map(place);
    let [g, h] = middle.map(place);
    [a, b, c, d, e, f, g, h]
}

fn around((x, y): (i32, i32), radius: i32) -> Rectangle {
    Rectangle(x - radius, y - radius, x + radius, y + radius)
}

/// Points of a stretch, a few pixels apart.
fn along(from: (i32, i32), to: (i32, i32)) -> impl Iterator<Item = (i32, i32)> {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let steps = (dx.abs().max(dy.abs()) / 4).max(1);
    (0..=steps).map(move |step| (from.0 + dx * step / steps, from.1 + dy * step / steps))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const BOUNDS: Rectangle = Rectangle(0, 0, 800, 400);

    #[test]
    fn labels_of_two_rising_lines_meet_nothing() {
        let lines = [vec![(10, 380), (200, 300), (204, 280), (400, 100)], vec![(10, 360), (200, 290), (204, 262), (400, 80)]];
        let labelled: Vec<_> = lines.iter().flatten().map(|&at| (at, "1:16")).collect();
        let places = places(&lines, &labelled, BOUNDS);
        for (index, place) in places.iter().enumerate() {
            assert!(place.is_within(BOUNDS), "{place:?}");
            assert!(places[..index].iter().all(|other| !place.meets(*other)), "{place:?} meets another");
            assert!(lines.iter().flatten().all(|&at| !place.meets(around(at, 2))), "{place:?} hides a point");
        }
    }

    proptest! {
        #[test]
        fn a_lone_label_always_finds_room(x in 0..800, y in 0..400) {
            let place = places(&[vec![(x, y)]], &[((x, y), "2:4")], BOUNDS)[0];
            prop_assert!(place.is_within(BOUNDS) && !place.meets(around((x, y), 3)));
        }
    }
}

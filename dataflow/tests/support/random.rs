//! Random graphs.

use systole_dataflow::{ChannelId, Depth, Fold, Graph, Room, Type, UnitId, Word, index, input, next, number, state};

/// Of all numbers; they wrap.
const TY: Type = Type::q(10, 2);

fn running_sum() -> Fold {
    Fold::new([Word::zero(TY)], [(state(0) + input(0)).wrap(TY)], [next(0)])
}

struct Random(u64);

impl Random {
    /// From 0 to below `end`.
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn one_of(&mut self, numbers: &[u64]) -> u64 {
        numbers[self.below(numbers.len() as u64) as usize]
    }
}

/// How large random graphs are made.
pub struct Scale {
    /// Elements of each source, one of these.
    elements: &'static [u64],
    /// The longest period, and the most elements of a channel that are repeated.
    longest: u64,
    /// The largest initiation interval and latency of most units, and of a few.
    cycles: [u64; 2],
}

/// Small enough for many graphs: everything happens at the beginning or at the end.
pub const SHORT: Scale = Scale { elements: &[24], longest: 6, cycles: [4, 4] };

/// Long enough for patterns of any kind to set in, to drift, to meet the ends of periods, and to end, several rows one after the other.
pub const LONG: Scale = Scale { elements: &[96, 360, 480, 720, 1024, 1440], longest: 720, cycles: [6, 150] };

/// A graph of up to a dozen units with any depths, intervals and latencies. Channels with equally many elements may be joined.
pub fn random_graph(seed: u64, scale: &Scale) -> Graph {
    let mut random = Random(seed);
    let mut g = Graph::new();
    if random.below(2) == 0 {
        g.set_room(Room::NextCycle);
    }
    let mut open: Vec<(ChannelId, u64)> = Vec::new();
    let mut fixed: Vec<ChannelId> = Vec::new();
    let elements = random.one_of(scale.elements);
    for i in 0..1 + random.below(2) {
        let values: Vec<f64> = (0..elements).map(|_| random.below(8) as f64).collect();
        open.push((g.source(&format!("source{i}"), [TY], values, 1), elements));
    }
    for i in 0..3 + random.below(12) {
        let at = random.below(open.len() as u64) as usize;
        let (channel, count) = open.swap_remove(at);
        let other = open.iter().position(|&(_, other)| other == count);
        let name = format!("unit{i}");
        let divisors = |number: u64| (1..=scale.longest).filter(|divisor| number.is_multiple_of(*divisor)).collect::<Vec<u64>>();
        let period = random.one_of(&divisors(count));
        match (random.below(12), other) {
            (0, _) => open.push((g.map(&name, channel, [(input(0) + number(1.0, TY)).wrap(TY)]), count)),
            (1, _) => open.push((g.scan(&name, &[channel], period, running_sum()), count)),
            (2, _) => open.push((g.reduce(&name, &[channel], period, running_sum()), count / period)),
            (8, _) => {
                let rest = count / period;
                let length = random.one_of(&divisors(rest));
                open.push((g.mem_reduce(&name, &[channel], period, length, running_sum()), rest));
            }
            (3, _) if count <= elements => open.push((g.repeat(&name, channel, period.min(24)), count * period.min(24))),
            (4 | 5, Some(other)) => {
                let (other, _) = open.swap_remove(other);
                open.push((g.zip(&name, &[channel, other], [(input(0) - input(1)).wrap(TY)]), count));
            }
            (6, _) => {
                // A branch that gives nothing before a period is over, beside one that may be too short for that.
                let [wait, to_sum] = g.fork(&name, channel);
                let sum = g.reduce(&format!("{name}-sum"), &[to_sum], period, running_sum());
                let sums = g.repeat(&format!("{name}-repeat"), sum, period);
                if random.below(2) == 0 {
                    g.set_depth(wait, Depth::Words((period + random.below(8)).saturating_sub(2).max(1) as usize));
                    fixed.push(wait);
                }
                open.extend([(wait, count), (sums, count)]);
            }
            (9, _) => {
                let length = random.one_of(&divisors(count / period));
                open.push((g.mem_scan(&name, &[channel], period, length, running_sum()), count));
            }
            (10, _) if count * 2 <= elements => {
                let repeated = g.repeat_vector(&name, channel, 2, period);
                open.push((repeated, count * 2));
            }
            (11, Some(other)) if count * 3 <= elements => {
                let (other, _) = open.swap_remove(other);
                open.push((g.flatmap(&name, &[channel, other], 3, [(input(0) + input(1) - index()).wrap(TY)]), count * 3));
            }
            _ => open.extend(g.fork::<2>(&name, channel).map(|channel| (channel, count))),
        }
    }
    for (i, (channel, _)) in open.into_iter().enumerate() {
        g.sink(&format!("sink{i}"), channel);
    }
    let (units, channels): (Vec<UnitId>, Vec<ChannelId>) =
        (g.units().map(|(id, _)| id).collect(), g.channels().map(|(id, _)| id).collect());
    let cycles = |random: &mut Random| {
        let most = scale.cycles[usize::from(random.below(8) == 0)];
        1 + random.below(most)
    };
    for unit in units {
        if random.below(4) == 0 {
            g.set_interval(unit, cycles(&mut random).min(40));
        }
        if random.below(4) == 0 {
            g.set_latency(unit, cycles(&mut random));
        }
    }
    for channel in channels.into_iter().filter(|channel| !fixed.contains(channel)) {
        let depth = match random.below(8) {
            0 => Depth::Unbounded,
            1 => Depth::Words(1 + random.below(scale.longest) as usize),
            _ => Depth::Words(1 + random.below(5) as usize),
        };
        g.set_depth(channel, depth);
    }
    g
}

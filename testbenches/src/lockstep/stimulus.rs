//! What a top module is given in each cycle.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use systole_hdl::design::DomainId;
use systole_hdl::{Design, Value};
use systole_sim::DomainSet;

/// Which stimulus: the same for the same seed, number of cycles and ports.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StimulusPlan {
    /// Seed of all choices.
    pub seed: u64,
    /// Number of cycles, at least 1.
    pub cycles: u32,
}

/// One cycle: inputs and resets take their values, everything settles, then the domains with an edge have it together.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cycle {
    /// One value for each input port.
    pub inputs: Vec<Value>,
    /// Domains in reset.
    pub resets: DomainSet,
    /// Domains with an edge.
    pub edges: DomainSet,
}

/// When clock domains have their edges.
enum Edges {
    /// All in every cycle.
    Together,
    /// Each with its own period and phase in cycles.
    Periodic(Vec<(u32, u32)>),
    /// Each in every cycle with even odds.
    Random,
}

/// How an input moves.
enum Motion {
    /// Any pattern, every cycle.
    Random,
    /// Any pattern, kept for some cycles.
    Holding,
    /// Zero, one, all ones, the top bit, all but the top bit.
    Corners,
    /// Small numbers: addresses and shift amounts that are in range.
    Small,
}

/// The cycles of a random stimulus for the top module of `design`: resets in the middle, and domains that tick together, with
/// periods of their own, or anyhow.
pub fn random_stimulus(design: &Design, plan: StimulusPlan) -> Vec<Cycle> {
    let mut random = ChaCha8Rng::seed_from_u64(plan.seed);
    let top = design.top_module();
    let domains = top.domains.len() as u32;
    let edges = match random.next_u32() % 4 {
        0 | 1 => Edges::Together,
        2 => Edges::Periodic((0..domains).map(|_| (1 + random.next_u32() % 4, random.next_u32())).collect()),
        _ => Edges::Random,
    };
    let initial_reset = random.next_u32() % 4;
    // One cycle in so many begins a reset; never for zero.
    let reset_every = [0, 40, 10][(random.next_u32() % 3) as usize];
    let motions: Vec<Motion> = top.inputs.iter().map(|_| motion(&mut random)).collect();
    let mut inputs: Vec<Value> = top.inputs.iter().map(|port| Value::zero(top.ty(port.cell).width())).collect();
    let mut cycles = Vec::with_capacity(plan.cycles as usize);
    for cycle in 0..plan.cycles {
        for (value, motion) in inputs.iter_mut().zip(&motions) {
            advance(&mut random, value, motion);
        }
        let in_reset = |random: &mut ChaCha8Rng| cycle < initial_reset || reset_every > 0 && random.next_u32().is_multiple_of(reset_every);
        let has_edge = |random: &mut ChaCha8Rng, domain: usize| match &edges {
            Edges::Together => true,
            Edges::Periodic(clocks) => cycle % clocks[domain].0 == clocks[domain].1 % clocks[domain].0,
            Edges::Random => random.next_u32().is_multiple_of(2),
        };
        let (mut resets, mut due) = (DomainSet::EMPTY, DomainSet::EMPTY);
        for domain in (0..domains).map(DomainId) {
            if in_reset(&mut random) {
                resets = resets.with(domain);
            }
            if has_edge(&mut random, domain.index()) {
                due = due.with(domain);
            }
        }
        cycles.push(Cycle { inputs: inputs.clone(), resets, edges: due });
    }
    cycles
}

fn motion(random: &mut ChaCha8Rng) -> Motion {
    match random.next_u32() % 6 {
        0 | 1 => Motion::Random,
        2 => Motion::Holding,
        3 | 4 => Motion::Corners,
        _ => Motion::Small,
    }
}

fn advance(random: &mut ChaCha8Rng, value: &mut Value, motion: &Motion) {
    let width = value.width();
    let any =
        |random: &mut ChaCha8Rng| Value::from_limbs(width, std::iter::repeat_with(|| random.next_u64()).take(width.div_ceil(64) as usize));
    match motion {
        Motion::Random => *value = any(random),
        Motion::Holding if random.next_u32().is_multiple_of(4) => *value = any(random),
        Motion::Holding => {}
        Motion::Corners => {
            *value = match random.next_u32() % 6 {
                0 => Value::zero(width),
                1 => Value::from_u64(width, 1),
                2 => Value::ones(width),
                3 => Value::zero(width).with_bit(width - 1),
                4 => Value::ones(width).slice(1, width),
                _ => any(random),
            }
        }
        Motion::Small => *value = Value::from_u64(width, u64::from(random.next_u32() % 6)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_plans_give_equal_stimulus_of_the_ports_widths() {
        let design = Design::parse(
            "systole netlist 1\nmodule \"m\" {\n domain \"\"\n domain \"b\"\n input \"x\" = %0\n output \"y\" = %0\n %0 : bits70 = input 0\n}\n",
        );
        let design = design.expect("the netlist is valid");
        for seed in 0..20 {
            let cycles = random_stimulus(&design, StimulusPlan { seed, cycles: 50 });
            assert_eq!(cycles, random_stimulus(&design, StimulusPlan { seed, cycles: 50 }));
            assert_eq!(cycles.len(), 50);
            assert!(cycles.iter().all(|cycle| cycle.inputs[0].width() == 70));
        }
    }
}

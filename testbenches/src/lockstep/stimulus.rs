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
    Periodic,
    /// Each in every cycle with even odds.
    Random,
}

/// What the domains of a stimulus have in common.
struct DomainHabits {
    edges: Edges,
    /// Cycles of reset at the start.
    initial_reset: u32,
    /// Later, one cycle in so many is in reset; never for zero.
    reset_every: u32,
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
///
/// What a port or domain is given depends on its name, so the others keep theirs when a design shrinks.
pub fn random_stimulus(design: &Design, plan: StimulusPlan) -> Vec<Cycle> {
    let top = design.top_module();
    let mut common = ChaCha8Rng::seed_from_u64(plan.seed);
    let habits = DomainHabits {
        edges: match common.next_u32() % 4 {
            0 | 1 => Edges::Together,
            2 => Edges::Periodic,
            _ => Edges::Random,
        },
        initial_reset: common.next_u32() % 4,
        reset_every: [0, 40, 10][(common.next_u32() % 3) as usize],
    };
    let mut ports: Vec<(ChaCha8Rng, Motion, Value)> = Vec::new();
    for port in &top.inputs {
        let mut random = named_source(plan.seed, &port.name);
        let motion = motion(&mut random);
        ports.push((random, motion, Value::zero(top.ty(port.cell).width())));
    }
    let mut domains: Vec<(ChaCha8Rng, u32, u32)> = Vec::new();
    for domain in &top.domains {
        let mut random = named_source(plan.seed, &domain.name);
        let (period, phase) = (1 + random.next_u32() % 4, random.next_u32());
        domains.push((random, period, phase % period));
    }
    let mut cycles = Vec::with_capacity(plan.cycles as usize);
    for cycle in 0..plan.cycles {
        ports.iter_mut().for_each(|(random, motion, value)| advance(random, value, motion));
        let (mut resets, mut edges) = (DomainSet::EMPTY, DomainSet::EMPTY);
        for ((random, period, phase), domain) in domains.iter_mut().zip((0..).map(DomainId)) {
            let (reset, edge) = (random.next_u32(), random.next_u32());
            if cycle < habits.initial_reset || habits.reset_every > 0 && reset.is_multiple_of(habits.reset_every) {
                resets = resets.with(domain);
            }
            let has_edge = match habits.edges {
                Edges::Together => true,
                Edges::Periodic => cycle % *period == *phase,
                Edges::Random => edge.is_multiple_of(2),
            };
            if has_edge {
                edges = edges.with(domain);
            }
        }
        cycles.push(Cycle { inputs: ports.iter().map(|(_, _, value)| value.clone()).collect(), resets, edges });
    }
    cycles
}

/// A source of random choices for something of this name (FNV-1a).
fn named_source(seed: u64, name: &str) -> ChaCha8Rng {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    ChaCha8Rng::seed_from_u64(seed ^ hash)
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
    let (choice, limbs) = (random.next_u32(), std::array::from_fn::<u64, 4, _>(|_| random.next_u64()));
    let any = || Value::from_limbs(width, limbs.into_iter().cycle());
    match motion {
        Motion::Random => *value = any(),
        Motion::Holding if choice.is_multiple_of(4) => *value = any(),
        Motion::Holding => {}
        Motion::Corners => {
            *value = match choice % 6 {
                0 => Value::zero(width),
                1 => Value::from_u64(width, 1),
                2 => Value::ones(width),
                3 => Value::zero(width).with_bit(width - 1),
                4 => Value::ones(width).slice(1, width),
                _ => any(),
            }
        }
        Motion::Small => *value = Value::from_u64(width, u64::from(choice % 6)),
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

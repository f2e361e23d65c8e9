//! Stimuli in a batch run as they would alone.

use std::collections::BTreeMap;

use systole_hdl::Value;
use systole_sim::simulator::{Batch, Signal};
use systole_sim::{Clock, EngineKind, NodeId, Options, Simulator};
use systole_testbenches::campaign;
use systole_testbenches::lockstep::{StimulusPlan, random_stimulus};

const CYCLES: u32 = 20;

/// By cycle: what each input is given.
fn inputs(design: &systole_hdl::Design, seed: u64) -> Vec<Vec<Value>> {
    random_stimulus(design, StimulusPlan { seed, cycles: CYCLES }).into_iter().map(|cycle| cycle.inputs).collect()
}

#[test]
fn each_stimulus_of_a_batch_is_a_simulation_of_its_own() {
    let mut compared = 0;
    for seed in 1..=60 {
        let design = campaign::case(seed, CYCLES).design;
        let stimuli = 1 + (seed % 19) as usize;
        // Domains that tick apart, and resets in the middle.
        let domains = &design.top_module().domains;
        let clocks: BTreeMap<String, Clock> =
            (1..).zip(domains).map(|(period, domain)| (domain.name.clone(), Clock { period, phase: 0 })).collect();
        let options = |engine| Options { engine, clocks: clocks.clone(), ..Options::default() };
        let mut batch = Batch::new(&design, stimuli, options(EngineKind::Compiled)).expect("the design is valid");
        let mut alone: Vec<Simulator> =
            (0..stimuli).map(|_| Simulator::new(&design, options(EngineKind::Reference)).expect("the design is valid")).collect();
        // By stimulus: for each cycle, what each input is given.
        let mut given: Vec<_> = (0..stimuli).map(|number| inputs(&design, seed * 100 + number as u64).into_iter()).collect();

        let ports: Vec<_> = design.top_module().inputs.iter().map(|port| port.name.clone()).collect();
        let signals: Vec<[Signal; 2]> = shared_signals(&alone[0], &batch);
        for cycle in 0..CYCLES {
            for (number, (sim, given)) in alone.iter_mut().zip(&mut given).enumerate() {
                for (name, value) in ports.iter().zip(given.next().expect("a stimulus for each cycle")) {
                    let [port, in_batch] = [sim.input(name).unwrap(), batch.input(name).unwrap()];
                    sim.set(port, value.clone()).unwrap();
                    batch.stimulus(number).unwrap().set(in_batch, value.clone()).unwrap();
                }
            }
            for (number, sim) in alone.iter_mut().enumerate() {
                for &[signal, in_batch] in &signals {
                    let got = batch.stimulus(number).unwrap().get(in_batch);
                    assert_eq!(got, sim.get(signal), "seed {seed}, cycle {cycle}, stimulus {number} of {stimuli}, {signal:?}");
                    compared += 1;
                }
            }
            let resets = cycle == 9;
            let advance = |sim: &mut Simulator| if resets { sim.reset() } else { sim.step(1) };
            alone.iter_mut().for_each(|sim| advance(sim).unwrap());
            advance(batch.simulator()).unwrap();
        }
    }
    assert!(compared > 100_000, "{compared} values compared");
}

/// All outputs, and what else is found by its path.
fn shared_signals(alone: &Simulator, batch: &Batch) -> Vec<[Signal; 2]> {
    let hierarchy = alone.hierarchy();
    let outputs = hierarchy.module(NodeId::TOP).outputs.iter();
    let outputs = outputs.map(|port| [alone.output(&port.name).unwrap().into(), batch.output(&port.name).unwrap().into()]);
    let below = hierarchy.path(NodeId::TOP).len() + 1;
    let paths = hierarchy.nodes().flat_map(|node| hierarchy.module(node).cell_ids().map(move |cell| hierarchy.signal_path(node, cell)));
    let inner = paths.step_by(7).filter_map(|path| Some([alone.signal(&path).ok()?, batch.signal(&path[below..]).ok()?]));
    outputs.chain(inner).collect()
}

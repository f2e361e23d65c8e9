//! Elaboration of whole descriptions.

use systole_hdl::prelude::*;

#[derive(Debug, Clone)]
struct MacPe {
    data: Type,
    acc: Type,
}
bundle! { struct PeIn { west: Signal, north: Signal, clear: Signal } }
bundle! { struct PeOut { east: Signal, south: Signal, sum: Signal } }

impl Component for MacPe {
    type In = PeIn;
    type Out = PeOut;

    fn inputs(&self) -> PeIn {
        PeIn { west: port(self.data), north: port(self.data), clear: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: PeIn) -> PeOut {
        let acc = m.reg("acc", self.acc);
        let product = (i.west * i.north).to(self.acc).named("product");
        acc.next(i.clear.mux(product, acc + product));
        PeOut { east: m.delay("west_q", i.west), south: m.delay("north_q", i.north), sum: *acc }
    }
}

#[derive(Debug, Clone)]
struct Systolic {
    n: usize,
    pe: MacPe,
}
bundle! { struct ArrayIn { west: Vec<Signal>, north: Vec<Signal>, clear: Signal } }
bundle! { struct ArrayOut { acc: Vec<Vec<Signal>> } }

impl Component for Systolic {
    type In = ArrayIn;
    type Out = ArrayOut;

    fn inputs(&self) -> ArrayIn {
        let edge = || (0..self.n).map(|_| port(self.pe.data)).collect();
        ArrayIn { west: edge(), north: edge(), clear: port(Type::BIT) }
    }

    fn build(&self, m: Module, i: ArrayIn) -> ArrayOut {
        let mut north = i.north;
        let mut acc = vec![];
        for row in 0..self.n {
            let mut west = i.west[row];
            let mut sums = vec![];
            for (col, north) in north.iter_mut().enumerate() {
                let pe = m.instance(&format!("pe_{row}_{col}"), &self.pe, PeIn { west, north: *north, clear: i.clear });
                west = pe.east;
                *north = pe.south;
                sums.push(pe.sum);
            }
            acc.push(sums);
        }
        ArrayOut { acc }
    }
}

#[test]
fn an_array_shares_one_module_for_all_its_elements() {
    let pe = MacPe { data: Type::s(8), acc: Type::s(32) };
    let design = elaborate(&Systolic { n: 4, pe }).unwrap();
    design.validate().unwrap();
    assert_eq!(design.modules.iter().map(|m| m.name.as_str()).collect::<Vec<_>>(), ["mac_pe", "systolic"]);
    let statistics = design.statistics();
    assert_eq!((statistics.instances, statistics.multipliers, statistics.register_bits), (17, 16, 16 * 48));
}

//! The GEMM accelerator as a whole, with control, memories and streams, fed without a pause.

use systole_hdl::prelude::*;
use systole_kernels::systolic::hardware::{Dataflow, Gemm, GemmIn, Group, HardwareParameters};
use systole_kernels::systolic::parameters::{ArrayParameters, Formats};

use super::array::BenchOut;
use super::sources::{Source, SourceIn, fold_into, key};

/// A weight-stationary int8 accelerator of `n` × `n` elements. Operands come from a [`Source`] for each lane and are always there,
/// the same job comes again and again, every output word is taken and folded into the checksum.
#[derive(Clone, Debug)]
pub struct GemmBench {
    /// Rows, and columns, of the array.
    pub n: u32,
}

impl GemmBench {
    /// The parameters of the accelerator.
    pub fn hardware(&self) -> HardwareParameters {
        HardwareParameters {
            rows: self.n,
            columns: self.n,
            ..ArrayParameters::default().hardware(Dataflow::WeightStationary, &Formats::default(), Group::DENSE)
        }
    }
}

/// A job of 4 × 4 × 8 tiles whose streamed tiles have half the length of a buffer.
fn job(hardware: &HardwareParameters) -> Value {
    let field = |name: &str| match name {
        "outer_tiles" | "lane_tiles" => 4,
        "reduction_tiles" => 8,
        "full_length" | "last_length" => u64::from(hardware.buffer_rows / 2),
        "last_rows" => u64::from(hardware.rows),
        "multiplier" => 40_000,
        // Sums and biases of 16 bits or so come out as about 8 bits.
        "shift" => 25,
        _ => 0,
    };
    hardware.job_fields().into_iter().fold(Value::zero(0), |beat, (name, ty)| beat.concat(&Value::from_u64(ty.width(), field(name))))
}

impl Component for GemmBench {
    type In = ();
    type Out = BenchOut;

    fn name(&self) -> Option<String> {
        Some("gemm_bench".into())
    }

    fn inputs(&self) {}

    fn build(&self, m: Module, (): ()) -> BenchOut {
        let h = self.hardware();
        let always = constant(Type::BIT, true);
        let operands = |name: &str, lanes: u32, data: Type, as_type: Type, first: u32| {
            let taken = m.wire(&format!("{name}_taken"), Type::BIT);
            let lane = |lane: u32| {
                let key = constant(Source::key_type(data), key(first + lane));
                let input = SourceIn { key, enable: Some(*taken) };
                m.instance(&format!("{name}_{lane}"), &Source { data, gated: true }, input).data.to(as_type)
            };
            let words = pack(&(0..lanes).map(lane).collect::<Vec<_>>());
            let stream = m.stream(name, words, always);
            taken.drive(stream.fires());
            stream
        };
        let a = operands("a", h.a_lanes(), h.a, h.a, 0);
        let b = operands("b", h.b_lanes(), h.b, h.b, h.a_lanes());
        let bias = operands("bias", h.bias_lanes(), Type::s(16), h.accumulator, h.a_lanes() + h.b_lanes());
        let job = m.stream("job", constant(h.job_type(), job(&h)), always);
        let c = m.instance("gemm", &Gemm { hardware: h.clone() }, GemmIn { job, a, b, bias }).c;
        c.ready.drive(true);

        // The word's lanes, four at a time.
        let padding = (32 - c.data.ty().width() % 32) % 32;
        let word = if padding == 0 { c.data } else { concat(&[constant(Type::Bits(padding), 0), c.data]) };
        let parts = word.lanes(Type::u(32), word.ty().width() / 32);
        let folded = parts.into_iter().reduce(|all, part| all ^ part).expect("a word has at least one part");
        BenchOut { checksum: fold_into(m, folded, Some(c.fires())) }
    }
}

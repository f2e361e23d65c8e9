//! What stands below a column of the array: accumulation over the tiles of K, bias, ReLU, requantization, and the bank in which
//! finished outputs wait for the row's other columns.

use systole_hdl::library::{Requantize, ShiftedProduct, counter, requantize_product, requantize_round, requantize_shift};
use systole_hdl::prelude::*;

/// Registers on the way from a finished sum to an output: after the product, after its shift, after rounding and saturation.
const REQUANTIZE_STAGES: u32 = 3;

/// One column's output stage.
#[derive(Clone, Debug)]
pub struct OutputColumn {
    /// Type of a sum.
    pub accumulator: Type,
    /// Type of an output; the accumulator's type stands for the sum itself.
    pub output: Type,
    /// Partial sums kept between tiles of K, in words; 0 if the array keeps them.
    pub partial_sums: u32,
    /// Words of the output bank.
    pub bank_words: u32,
    /// Whether one bias serves the column during a whole pass, or each sum brings its own.
    pub bias_per_column: bool,
    /// Bits of the requantization's multiplier.
    pub multiplier_bits: u32,
    /// Bits of the requantization's shift.
    pub shift_bits: u32,
}

bundle! {
    /// What travels with a row of sums from column to column.
    pub struct RowTags {
        /// One bit: there is a sum.
        valid: Signal,
        /// One bit: the first row of a pass.
        first_row: Signal,
        /// One bit: the pass is the first along K, so the bias is added.
        first_k: Signal,
        /// One bit: the pass is the last along K, so the sum is finished.
        last_k: Signal,
    }
}

bundle! {
    /// How finished sums become outputs; steady while any is on its way.
    pub struct Scaling {
        /// Only if requantizing.
        multiplier: Option<Signal>,
        /// Only if requantizing.
        shift: Option<Signal>,
        /// One bit: negative sums become zero first.
        relu: Signal,
    }
}

bundle! {
    /// What enters an [`OutputColumn`].
    pub struct ColumnIn {
        sum: Signal,
        tags: RowTags,
        /// The bias, one cycle after the sum that it is added to.
        bias: Signal,
        scaling: Scaling,
        /// One bit: read the output bank.
        read: Signal,
        read_address: Signal,
    }
}
bundle! {
    /// What leaves an [`OutputColumn`].
    pub struct ColumnOut {
        /// For the next column.
        next_tags: RowTags,
        /// The bias for the next column, where it is shared.
        next_bias: Option<Signal>,
        /// One bit: an output is written to the bank in this cycle.
        finished: Signal,
        /// The output read a cycle ago, held until the next read.
        output: Signal,
    }
}

impl RowTags {
    /// Declares them as inputs.
    pub fn ports() -> RowTags {
        let bit = || port(Type::BIT);
        RowTags { valid: bit(), first_row: bit(), first_k: bit(), last_k: bit() }
    }
}

impl OutputColumn {
    fn requantizes(&self) -> bool {
        self.output != self.accumulator
    }

    /// Cycles from a sum at the south edge to the cycle that writes it to the bank.
    pub fn latency(requantizes: bool) -> u32 {
        if requantizes { 2 + REQUANTIZE_STAGES } else { 2 }
    }

    /// Declares what tells how sums become outputs.
    pub fn scaling_ports(&self) -> Scaling {
        Scaling {
            multiplier: self.requantizes().then(|| port(Type::u(self.multiplier_bits))),
            shift: self.requantizes().then(|| port(Type::u(self.shift_bits))),
            relu: port(Type::BIT),
        }
    }

    /// The finished sum after ReLU becomes an output through the pipeline; `valid` goes along.
    fn outputs(&self, m: Module, sum: Signal, valid: Signal, scaling: &Scaling) -> (Signal, Signal) {
        // The sign alone: some tools make a carry chain of a comparison with zero.
        let negative =
            if self.accumulator.is_signed() { sum.as_bits().bit(self.accumulator.width() - 1) } else { constant(Type::BIT, false) };
        let rectified = (negative & scaling.relu).mux(0, sum).named("rectified");
        let (Some(multiplier), Some(shift)) = (scaling.multiplier, scaling.shift) else { return (rectified, valid) };
        let formats =
            Requantize { input: self.accumulator, multiplier_bits: self.multiplier_bits, shift_bits: self.shift_bits, output: self.output };
        let product = m.delay("product", requantize_product(&formats, rectified, multiplier));
        let shifted = requantize_shift(product, shift);
        let shifted = ShiftedProduct {
            floor: m.delay("floor", shifted.floor),
            guard: m.delay("guard", shifted.guard),
            sticky: m.delay("sticky", shifted.sticky),
        };
        let output = m.delay("output_q", requantize_round(&formats, shifted));
        (output, m.delay_by("finished", valid, REQUANTIZE_STAGES))
    }
}

impl Component for OutputColumn {
    type In = ColumnIn;
    type Out = ColumnOut;

    fn inputs(&self) -> ColumnIn {
        ColumnIn {
            sum: port(self.accumulator),
            tags: RowTags::ports(),
            bias: port(self.accumulator),
            scaling: self.scaling_ports(),
            read: port(Type::BIT),
            read_address: port(Type::index(self.bank_words)),
        }
    }

    fn build(&self, m: Module, i: ColumnIn) -> ColumnOut {
        // A cycle to read the partial sum of the earlier tiles of K.
        let tags = RowTags {
            valid: m.delay("valid_q", i.tags.valid),
            first_row: m.delay("first_row_q", i.tags.first_row),
            first_k: m.delay("first_k_q", i.tags.first_k),
            last_k: m.delay("last_k_q", i.tags.last_k),
        };
        let sum = m.delay("sum_q", i.sum);

        let bias = if self.bias_per_column {
            let kept = m.reg("kept_bias", self.accumulator);
            let bias = tags.first_row.mux(i.bias, *kept).named("bias_in_use");
            m.when(tags.valid, || kept.next(bias));
            bias
        } else {
            i.bias
        };
        let total = match self.partial_sums {
            0 => sum + bias,
            words => {
                let row = m.reg("row", Type::index(words));
                let address = i.tags.first_row.mux(0, *row).named("address");
                m.when(i.tags.valid, || row.next(address + 1));
                let partial = m.memory("partial_sums", words, self.accumulator);
                // Passes of a single row follow each other so closely that one reads what the other is writing.
                let earlier = partial.read_registered(address, i.tags.valid & !i.tags.first_k, Collision::WriteFirst);
                let total = sum + tags.first_k.mux(bias, earlier);
                partial.write(m.delay("address_q", address), total, tags.valid & !tags.last_k);
                total
            }
        };
        let total = m.delay("total", total);
        let valid = m.delay("total_valid", tags.valid & tags.last_k);
        let (output, finished) = self.outputs(m, total, valid, &i.scaling);

        let bank = m.memory("bank", self.bank_words, self.output);
        bank.write(counter(m, "tail", self.bank_words, finished).value, output, finished);
        ColumnOut {
            next_tags: tags,
            next_bias: (!self.bias_per_column).then(|| m.delay("bias_q", i.bias)),
            finished,
            output: bank.read_registered(i.read_address, i.read, Collision::Undefined),
        }
    }
}

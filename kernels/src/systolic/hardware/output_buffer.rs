//! The row of output columns and the stream that leaves it.

use systole_hdl::library::{counter, up_down};
use systole_hdl::prelude::*;

use super::output_column::{ColumnIn, OutputColumn, RowTags, Scaling};

/// The output columns of an array behind a common output stream: a word holds an output of every column, column 0 at the least
/// significant end. A word can leave when its last column is written.
#[derive(Clone, Debug)]
pub struct OutputBuffer {
    /// Columns, C.
    pub columns: u32,
    /// One of them.
    pub column: OutputColumn,
}

bundle! {
    /// What enters an [`OutputBuffer`].
    pub struct OutputBufferIn {
        /// The sums at the south edge; column *n*'s is a cycle later than column *n* − 1's.
        sums: Vec<Signal>,
        /// Beside the sum of column 0.
        tags: RowTags,
        /// A bias for each column, one cycle after its sum; or one that passes all columns.
        biases: Vec<Signal>,
        scaling: Scaling,
    }
}
bundle! {
    /// What leaves an [`OutputBuffer`].
    pub struct OutputBufferOut {
        /// One bit: a word is complete in this cycle.
        completes: Signal,
        c: Stream,
    }
}

impl Component for OutputBuffer {
    type In = OutputBufferIn;
    type Out = OutputBufferOut;

    fn inputs(&self) -> OutputBufferIn {
        let biases = if self.column.bias_per_column { self.columns } else { 1 };
        OutputBufferIn {
            sums: (0..self.columns).map(|_| port(self.column.accumulator)).collect(),
            tags: RowTags::ports(),
            biases: (0..biases).map(|_| port(self.column.accumulator)).collect(),
            scaling: self.column.scaling_ports(),
        }
    }

    fn build(&self, m: Module, i: OutputBufferIn) -> OutputBufferOut {
        let words = self.column.bank_words;
        let read = m.wire("read", Type::BIT);
        let read_address = counter(m, "front", words, *read).value;

        let (mut tags, mut shared_bias) = (i.tags, i.biases[0]);
        let (mut outputs, mut completes) = (Vec::new(), constant(Type::BIT, false));
        for (index, &sum) in i.sums.iter().enumerate() {
            let bias = if self.column.bias_per_column { i.biases[index] } else { shared_bias };
            let input = ColumnIn { sum, tags, bias, scaling: i.scaling.clone(), read: *read, read_address };
            let column = m.instance(&format!("column_{index}"), &self.column, input);
            tags = column.next_tags;
            shared_bias = column.next_bias.unwrap_or(shared_bias);
            completes = column.finished;
            outputs.push(column.output);
        }

        // Words complete in all columns and not yet read; a word read stands at the banks' outputs until it is taken.
        let waiting = m.reg("waiting", Type::count(words));
        m.probe_level("words", *waiting, words);
        let standing = m.reg("standing", Type::BIT);
        let c = m.stream("c", pack(&outputs), *standing);
        read.drive(waiting.differs(0) & (!standing | *c.ready));
        m.when(*read, || standing.next(true)).or_when(*c.ready, || standing.next(false));
        up_down(m, waiting, completes, *read);
        OutputBufferOut { completes, c }
    }
}

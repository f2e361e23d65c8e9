//! Reading a part of a stored tensor, element by element, without the rest.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

use ndarray::{ArrayD, IxDyn};
use systole_kernels::common::slice::Window;
use systole_kernels::common::tensor::Tensor;

use super::Stored;
use super::element::Undecodable;

/// Bytes that are read at a time.
const CHUNK: usize = 1 << 16;

/// A source of bytes that can be skipped.
pub trait Bytes: Read {
    /// Goes on by so many bytes.
    fn skip(&mut self, bytes: u64) -> io::Result<()>;
}

/// A file, in which skipping costs nothing.
pub struct Seekable<S>(pub S);

impl<S: Read> Read for Seekable<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<S: Read + Seek> Bytes for Seekable<S> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        let bytes = i64::try_from(bytes).map_err(io::Error::other)?;
        self.0.seek(SeekFrom::Current(bytes)).map(|_| ())
    }
}

/// A stream, such as a compressed file, whose skipped bytes are read too.
pub struct Streamed<S>(pub S);

impl<S: Read> Read for Streamed<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl<S: Read> Bytes for Streamed<S> {
    fn skip(&mut self, bytes: u64) -> io::Result<()> {
        match io::copy(&mut (&mut self.0).take(bytes), &mut io::sink())? {
            skipped if skipped == bytes => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

/// Why a window was not read.
pub enum WindowError {
    /// The source does not give its bytes.
    Unreadable(io::Error),
    /// The element of this number in the window cannot be used.
    Element(usize, Undecodable),
}

/// The window's elements as a tensor in standard layout. `source` stands at the first element of the whole.
pub fn read(source: &mut impl Bytes, stored: &Stored, window: &Window) -> Result<Tensor, WindowError> {
    // In the order of the file, axes run from the slowest to the fastest.
    let in_order = |mut axes: Vec<Range<usize>>| {
        if stored.first_index_fastest {
            axes.reverse();
        }
        axes
    };
    let lengths: Vec<usize> = in_order(stored.shape.iter().map(|&length| 0..length).collect()).iter().map(ExactSizeIterator::len).collect();
    let ranges = in_order(window.ranges.clone());
    let taken: Vec<usize> = ranges.iter().map(ExactSizeIterator::len).collect();

    let mut values = Vec::with_capacity(taken.iter().product());
    let size = stored.element.bytes();
    let mut position = 0u64;
    let mut buffer = vec![0; CHUNK];
    for run in runs(&lengths, &ranges) {
        let (start, bytes) = ((run.start * size) as u64, run.len() * size);
        source.skip(start - position).map_err(WindowError::Unreadable)?;
        position = start + bytes as u64;
        let mut left = bytes;
        while left > 0 {
            let chunk = &mut buffer[..left.min(CHUNK)];
            source.read_exact(chunk).map_err(WindowError::Unreadable)?;
            for element in chunk.chunks_exact(size) {
                let value = stored.element.decode(element, stored.big_endian);
                values.push(value.map_err(|error| WindowError::Element(values.len(), error))?);
            }
            left -= chunk.len();
        }
    }
    let array = ArrayD::from_shape_vec(IxDyn(&taken), values).expect("runs cover the window");
    let array = if stored.first_index_fastest { array.reversed_axes().as_standard_layout().into_owned() } else { array };
    let values = array.into_shape_with_order(IxDyn(&window.shape())).expect("the axes that go away have one element");
    Ok(Tensor { values, integer: stored.element.is_integer() })
}

/// The elements of a box in a row-major array, as ranges of consecutive ones in rising order.
fn runs(lengths: &[usize], ranges: &[Range<usize>]) -> impl Iterator<Item = Range<usize>> {
    // Axes behind the last one that is cut are taken whole and lie together.
    let split = ranges.iter().zip(lengths).rposition(|(range, &length)| range.len() != length).unwrap_or(0);
    let inner: usize = lengths.iter().skip(split + 1).product();
    let cut = ranges.get(split).cloned().unwrap_or(0..1);
    let outer: Vec<(usize, usize)> =
        ranges[..split.min(ranges.len())].iter().zip(lengths).map(|(range, _)| (range.start, range.len())).collect();
    let count: usize = if cut.is_empty() || inner == 0 { 0 } else { outer.iter().map(|(_, length)| length).product() };
    let lengths = lengths.to_vec();
    (0..count).map(move |number| {
        // The position of the run in the outer axes, fastest axis first.
        let (mut rest, mut stride, mut at) = (number, 1, 0);
        for (axis, &(from, length)) in outer.iter().enumerate().rev() {
            at += (from + rest % length) * stride;
            rest /= length;
            stride *= lengths[axis];
        }
        let at = at * lengths.get(split).copied().unwrap_or(1);
        (at + cut.start) * inner..(at + cut.end) * inner
    })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use ndarray::Array3;
    use proptest::prelude::*;
    use systole_kernels::common::slice::Slice;

    use super::*;
    use crate::tensors::element::Element;

    #[test]
    fn runs_join_what_lies_together() {
        let of = |lengths: &[usize], ranges: &[Range<usize>]| runs(lengths, ranges).map(|run| (run.start, run.end)).collect::<Vec<_>>();
        assert_eq!(of(&[4, 6], &[1..3, 0..6]), [(6, 18)]);
        assert_eq!(of(&[4, 6], &[1..3, 2..4]), [(8, 10), (14, 16)]);
        assert_eq!(of(&[2, 3, 4], &[0..2, 1..3, 0..4]), [(4, 12), (16, 24)]);
        assert_eq!(of(&[2, 3, 4], &[1..2, 0..3, 0..4]), [(12, 24)]);
        assert_eq!(of(&[], &[]), [(0, 1)]);
        assert!(of(&[4, 0], &[1..3, 0..0]).is_empty());
    }

    proptest! {
        #[test]
        fn a_window_is_the_slice_of_the_whole(
            shape in prop::array::uniform3(1usize..5), cuts in prop::array::uniform3((0usize..5, 0usize..5)), dropped in 0usize..2, fortran: bool
        ) {
            let ranges: Vec<Range<usize>> = (0..3)
                .map(|axis| {
                    let (a, b) = (cuts[axis].0 % shape[axis], cuts[axis].1 % shape[axis]);
                    if axis < dropped { a..a + 1 } else { a.min(b)..a.max(b) + 1 }
                })
                .collect();
            let window = Window { ranges: ranges.clone(), dropped };
            let whole = Array3::from_shape_fn(shape, |(i, j, k)| (i * 25 + j * 5 + k) as u8);
            let bytes: Vec<u8> = if fortran { whole.t().iter().copied().collect() } else { whole.iter().copied().collect() };
            let stored = Stored { shape: shape.into(), element: Element::Unsigned(1), big_endian: false, first_index_fastest: fortran };
            let expected: Vec<f64> = whole
                .indexed_iter()
                .filter(|((i, j, k), _)| ranges[0].contains(i) && ranges[1].contains(j) && ranges[2].contains(k))
                .map(|(_, &byte)| byte.into())
                .collect();
            for result in [
                read(&mut Seekable(Cursor::new(bytes.clone())), &stored, &window),
                read(&mut Streamed(bytes.as_slice()), &stored, &window),
            ] {
                let tensor = result.ok().unwrap();
                prop_assert_eq!(tensor.shape(), window.shape());
                prop_assert_eq!(tensor.values.iter().copied().collect::<Vec<_>>(), expected.clone());
            }
            prop_assert!(Slice::default().window(&shape, "a").unwrap().shape() == shape);
        }
    }
}

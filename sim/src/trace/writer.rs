//! The thread that renders a trace, and the channel that feeds it.

use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

use super::TraceFormat;
use super::changes::{Batch, Cycle, Table};
use super::contents::Contents;
use super::error::TraceError;
use super::fst::{self, FstSink};
use super::jobs::with_jobs;
use super::sink::{Renderer, Sink, Views};
use super::vcd::{self, VcdSink};
use crate::files::unfinished_file;

/// Full batches that may wait for the writer; the simulating thread waits when there are more.
const WAITING: usize = 4;

/// The simulating thread's end.
#[derive(Debug)]
pub(super) struct Feed {
    path: PathBuf,
    /// Words of a sample.
    words: usize,
    batch: Batch,
    /// Whether the file is not wanted any more.
    abandoned: Arc<AtomicBool>,
    /// `None` once writing is over, well or not.
    thread: Option<WriterThread>,
}

#[derive(Debug)]
struct WriterThread {
    full: SyncSender<Batch>,
    empty: Receiver<Batch>,
    handle: JoinHandle<io::Result<()>>,
}

impl Feed {
    /// Makes the file and starts the thread that writes into it.
    pub fn start(path: &Path, format: TraceFormat, contents: Contents, table: Table) -> Result<Feed, TraceError> {
        let create = |reason| TraceError::Create { path: path.to_path_buf(), reason };
        let mut file = unfinished_file(path).map_err(create)?;
        let destination = path.to_path_buf();
        let words = table.words;
        let abandoned = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&abandoned);
        let work = move |batches: Receiver<Batch>, used: Sender<Batch>| {
            write_trace(file.as_file_mut(), format, &contents, &table, &batches, &used)?;
            if stop.load(Ordering::Acquire) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            file.persist(destination).map_err(|failure| failure.error)?;
            Ok(())
        };
        let mut feed = Feed::to(path, words, work).map_err(create)?;
        feed.abandoned = abandoned;
        Ok(feed)
    }

    /// Starts a thread that takes batches and gives them back when it has used them.
    fn to(
        path: &Path,
        words: usize,
        work: impl FnOnce(Receiver<Batch>, Sender<Batch>) -> io::Result<()> + Send + 'static,
    ) -> io::Result<Feed> {
        let (full, batches) = sync_channel(WAITING);
        let (used, empty) = channel();
        let handle = Builder::new().name("trace".to_string()).spawn(move || work(batches, used))?;
        Ok(Feed {
            path: path.to_path_buf(),
            words,
            batch: Batch::default(),
            abandoned: Arc::default(),
            thread: Some(WriterThread { full, empty, handle }),
        })
    }

    /// Adds a cycle and gives its sample, to be filled.
    pub fn add(&mut self, cycle: Cycle) -> &mut [u64] {
        self.batch.add(cycle, self.words)
    }

    /// Hands the batch over when it is worth it.
    pub fn pass_on_if_full(&mut self) -> Result<(), TraceError> {
        if self.batch.is_full(self.words) { self.pass_on() } else { Ok(()) }
    }

    fn pass_on(&mut self) -> Result<(), TraceError> {
        let Some(thread) = &self.thread else {
            self.batch.clear();
            return Ok(());
        };
        let mut next = thread.empty.try_recv().unwrap_or_default();
        next.clear();
        match thread.full.send(std::mem::replace(&mut self.batch, next)) {
            Ok(()) => Ok(()),
            // The writer has stopped: it tells why.
            Err(_) => self.join(),
        }
    }

    /// Writes the rest, completes the file and gives it its name. Nothing happens the second time.
    pub fn finish(&mut self) -> Result<(), TraceError> {
        self.pass_on()?;
        self.join()
    }

    /// Stops without a file.
    pub fn abandon(&mut self) {
        self.abandoned.store(true, Ordering::Release);
        // It ends with the error that it was told to.
        let _ = self.join();
    }

    fn join(&mut self) -> Result<(), TraceError> {
        let Some(WriterThread { full, empty: _, handle }) = self.thread.take() else {
            return Ok(());
        };
        drop(full);
        let result = handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        result.map_err(|reason| TraceError::Write { path: self.path.clone(), reason })
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        // Nobody is left to be told of an error; the file then does not appear.
        let _ = self.finish();
    }
}

/// Writes batches as they come until there are no more, and completes the file.
fn write_trace(
    file: &mut (impl Read + Write + Seek + Send),
    format: TraceFormat,
    contents: &Contents,
    table: &Table,
    batches: &Receiver<Batch>,
    used: &Sender<Batch>,
) -> io::Result<()> {
    let views = Views::new(contents, table);
    let mut renderer = Renderer::new(contents, table, &views);
    match format {
        TraceFormat::Vcd => {
            let file = vcd::start(file, contents)?;
            let render = |mut sink: VcdSink<_>| write_batches(&mut renderer, &mut sink, batches, used).and_then(|()| sink.finish());
            with_jobs(file, |_, jobs| VcdSink::new(contents, &views.elements, jobs), render)?.flush()
        }
        TraceFormat::Fst => {
            let file = fst::start(file, contents)?;
            let render = |mut sink: FstSink<_>| write_batches(&mut renderer, &mut sink, batches, used).and_then(|()| sink.finish());
            with_jobs(file, |file, jobs| file.sink(&views.elements, jobs), render)?.complete(contents)
        }
    }
}

fn write_batches(renderer: &mut Renderer, sink: &mut impl Sink, batches: &Receiver<Batch>, used: &Sender<Batch>) -> io::Result<()> {
    for batch in batches {
        renderer.write(&batch, sink)?;
        // At the end nobody takes used batches back any more.
        let _ = used.send(batch);
    }
    renderer.end(sink)
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, SeekFrom};

    use super::super::contents::{Direction, Item, Series, Variable};
    use super::*;
    use crate::engine::DomainSet;
    use crate::samples::Place;

    /// A disk with this much room.
    struct SmallDisk(Cursor<Vec<u8>>, usize);

    impl Write for SmallDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0.position() as usize + bytes.len() > self.1 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.0.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    impl Read for SmallDisk {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            self.0.read(bytes)
        }
    }

    impl Seek for SmallDisk {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }

    #[test]
    fn a_full_disk_is_an_error_in_either_format_wherever_it_strikes() {
        let variable =
            Variable { name: "x".to_string(), series: 0, register: false, direction: Direction::Internal, states: None, ty: None };
        let contents = Contents {
            items: vec![Item::Scope { name: "top".to_string(), module: "top".to_string() }, Item::Variable(variable), Item::Up],
            series: vec![Series::Bits { source: 0, width: 64 }],
            states: Vec::new(),
            domains: 0,
            start: 0,
        };
        let table = Table::new(8, [(0, Place { byte: 0, bytes: 8, width: 64 })]);
        for format in [TraceFormat::Vcd, TraceFormat::Fst] {
            let write = |room: usize| {
                let (full, batches) = channel();
                let mut batch = Batch::default();
                for cycle in 0..100 {
                    batch.add(Cycle { cycle, began: DomainSet::EMPTY }, 8)[0] = cycle.wrapping_mul(0x9e37_79b9_7f4a_7c15);
                }
                full.send(batch).unwrap();
                drop(full);
                let mut disk = SmallDisk(Cursor::default(), room);
                write_trace(&mut disk, format, &contents, &table, &batches, &channel().0).map(|()| disk.0.into_inner().len())
            };
            let needed = write(usize::MAX).unwrap();
            assert!(needed > 500, "{needed} bytes say nothing about the middle of a file");
            for room in [0, 10, needed / 2, needed - 1] {
                assert_eq!(write(room).map_err(|e| e.kind()), Err(io::ErrorKind::StorageFull), "{format:?}, {room} of {needed} bytes");
            }
            assert_eq!(write(needed).unwrap(), needed);
        }
    }

    #[test]
    fn a_failure_of_the_writer_is_told_once_while_the_simulation_runs() {
        let work = |batches: Receiver<Batch>, _| batches.recv().map_or(Ok(()), |_| Err(io::ErrorKind::StorageFull.into()));
        let mut feed = Feed::to(Path::new("some/trace.vcd"), 8, work).unwrap();
        let told = (0..1000).find_map(|_| feed.pass_on().err()).expect("the channel is shorter than that");
        assert!(matches!(&told, TraceError::Write { reason, .. } if reason.kind() == io::ErrorKind::StorageFull));
        assert!(told.to_string().starts_with("cannot write the trace `some/trace.vcd`: "), "{told}");
        assert!(feed.pass_on().is_ok() && feed.finish().is_ok());
    }
}

//! The last stage of writing a trace: a thread that compresses and writes what another has rendered.

use std::io;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// Jobs that may wait; who adds more waits.
const WAITING: usize = 2;

type Job<T> = Box<dyn FnOnce(&mut T) -> io::Result<()> + Send>;

/// Takes jobs on a file.
pub(super) struct Jobs<T>(SyncSender<Job<T>>);

impl<T> Jobs<T> {
    /// Adds a job behind the others.
    ///
    /// # Errors
    /// If an earlier one failed; [`with_jobs`] tells how.
    pub fn add(&self, job: impl FnOnce(&mut T) -> io::Result<()> + Send + 'static) -> io::Result<()> {
        self.0.send(Box::new(job)).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// Has `render` add jobs on `file`, through what `prepare` makes of it; another thread does them in order meanwhile. Gives the
/// file back when all are done.
///
/// # Errors
/// The first of a job, or else that of `render`.
pub(super) fn with_jobs<T: Send, S>(
    mut file: T,
    prepare: impl FnOnce(&T, Jobs<T>) -> S,
    render: impl FnOnce(S) -> io::Result<()>,
) -> io::Result<T> {
    let (jobs, waiting) = sync_channel::<Job<T>>(WAITING);
    let sink = prepare(&file, Jobs(jobs));
    thread::scope(|scope| {
        let work = move || waiting.into_iter().try_for_each(|job| job(&mut file)).map(|()| file);
        let worker = thread::Builder::new().name("trace-file".to_string()).spawn_scoped(scope, work)?;
        let rendered = render(sink);
        let file = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        rendered.map(|()| file)
    })
}

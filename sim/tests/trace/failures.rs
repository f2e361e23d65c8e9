//! What is left when something goes wrong.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use systole_sim::trace::{Trace, TraceError, TraceOptions};
use systole_sim::{DomainSet, Engine, Reference};

use crate::designs::mixed;
use crate::run::{FORMATS, simulate};
use crate::waves::Waves;

fn create(path: &Path) -> Result<Trace, TraceError> {
    Trace::create(path, &mut Reference::new(&mixed()).unwrap(), &TraceOptions::default())
}

fn files_in(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_path_where_no_file_can_be_is_refused_with_the_systems_reason() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    std::fs::create_dir(folder.path().join("folder")).unwrap();
    let cases = [("missing/x.fst", "No such file or directory"), ("file/x.fst", "Not a directory"), ("folder", "is a directory")];
    for (path, reason) in cases {
        let path = folder.path().join(path);
        let message = create(&path).unwrap_err().to_string();
        assert!(message.contains(&format!("`{}`", path.display())) && message.contains(reason), "{message}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_folder_is_refused() {
    // Nobody can make files here, not even the superuser, to whom an ordinary folder's permissions mean nothing.
    let error = create(Path::new("/proc/trace.fst")).unwrap_err();
    assert!(matches!(error, TraceError::Create { .. }), "{error}");
}

#[test]
fn a_trace_that_is_dropped_is_complete() {
    let design = mixed();
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("dropped");
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let mut engine = Reference::new(&design).unwrap();
            let mut trace = Trace::create(&path, &mut engine, &TraceOptions { format, ..TraceOptions::default() }).unwrap();
            for cycle in 0..10 {
                engine.settle();
                trace.observe(cycle, &engine, DomainSet::first(2)).unwrap();
                engine.edge(DomainSet::first(2));
            }
            assert!(!path.exists(), "the file has its name before it is whole");
            panic!("as planned");
        }));
        assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&"as planned"));
        assert_eq!(Waves::read(&path).times().last(), Some(&100));
        assert_eq!(files_in(folder.path()), ["dropped"]);
    }
}

#[test]
fn an_earlier_file_stays_until_the_new_one_is_whole() {
    let design = mixed();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.fst");
    std::fs::write(&path, "earlier").unwrap();
    let trace = create(&path).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"earlier");
    trace.finish().unwrap();
    simulate(&design, &path, &TraceOptions::default(), 2);
    assert_eq!(Waves::read(&path).times().last(), Some(&20));
    assert_eq!(files_in(folder.path()), ["trace.fst"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_folder_that_vanishes_is_an_error_at_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    let trace = create(&inner.join("x.fst")).unwrap();
    std::fs::remove_dir_all(&inner).unwrap();
    let error = trace.finish().unwrap_err();
    assert!(matches!(error, TraceError::Write { .. }), "{error}");
    assert!(error.to_string().contains("x.fst") && error.to_string().contains("No such file"), "{error}");
}

//! Scope, depth and window cut a trace exactly.

use std::collections::BTreeSet;

use systole_sim::Reference;
use systole_sim::trace::{Trace, TraceError, TraceFormat, TraceOptions};

use crate::designs::mixed;
use crate::run::{FORMATS, simulate};
use crate::waves::Waves;

/// The variables left of a trace in FST, which has no variables for states' names.
fn traced(scope: Option<&str>, depth: Option<u32>) -> BTreeSet<String> {
    let options = TraceOptions {
        format: TraceFormat::Fst,
        scopes: scope.map(str::to_string).into_iter().collect(),
        depth,
        ..TraceOptions::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.fst");
    simulate(&mixed(), &path, &options, 2);
    Waves::read(&path).names().into_iter().map(str::to_string).collect()
}

/// Those of all variables that are in one of the instances, or below it.
fn within(instances: &[&str]) -> BTreeSet<String> {
    traced(None, None)
        .into_iter()
        .filter(|name| instances.iter().any(|i| name.strip_prefix(i).is_some_and(|rest| rest.starts_with('.'))))
        .collect()
}

#[test]
fn a_scope_shows_the_instances_it_matches_with_all_in_them() {
    assert_eq!(traced(Some("top"), None), traced(None, None));
    assert_eq!(traced(Some("top.pe_1"), None), within(&["top.pe_1"]));
    assert_eq!(traced(Some("top.pe_1.*"), None), within(&["top.pe_1"]));
    assert_eq!(traced(Some("top.pe_*"), None), within(&["top.pe_0", "top.pe_1"]));
    assert_eq!(traced(Some("**.mac"), None), within(&["top.pe_0.mac", "top.pe_1.mac"]));
}

#[test]
fn several_scopes_show_what_each_of_them_shows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.fst");
    for depth in [None, Some(1)] {
        let scopes = ["top", "top.pe_0.mac", "top.**.acc"];
        let options = TraceOptions { scopes: scopes.map(str::to_string).into(), depth, ..TraceOptions::default() };
        simulate(&mixed(), &path, &options, 2);
        let shown: BTreeSet<String> = Waves::read(&path).names().into_iter().map(str::to_string).collect();
        assert_eq!(shown, scopes.iter().flat_map(|scope| traced(Some(scope), depth)).collect());
    }
}

#[test]
fn a_scope_shows_single_signals_it_matches() {
    let names = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<BTreeSet<String>>();
    assert_eq!(traced(Some("top.**.acc"), None), names(&["top.pe_0.mac.acc", "top.pe_1.mac.acc"]));
    assert_eq!(traced(Some("top.*_q"), None), names(&["top.long_q", "top.weight_q"]));
}

#[test]
fn depth_counts_levels_from_the_selected_instances() {
    let level = |name: &str| name.matches('.').count();
    let up_to = |most: usize| traced(None, None).into_iter().filter(|name| level(name) <= most).collect::<BTreeSet<String>>();
    assert_eq!(traced(None, Some(1)), up_to(1));
    assert_eq!(traced(None, Some(2)), up_to(2));
    assert_eq!(traced(None, Some(9)), traced(None, None));
    let below_pe = within(&["top.pe_0"]);
    assert_eq!(traced(Some("top.pe_0"), Some(1)), below_pe.into_iter().filter(|name| level(name) == 2).collect());
}

#[test]
fn a_window_shows_its_cycles_at_their_true_times() {
    let design = mixed();
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let (whole, cut) = (folder.path().join("whole"), folder.path().join("cut"));
        simulate(&design, &whole, &TraceOptions { format, ..TraceOptions::default() }, 60);
        simulate(&design, &cut, &TraceOptions { format, from: 20, to: Some(29), ..TraceOptions::default() }, 60);
        let (whole, cut) = (Waves::read(&whole), Waves::read(&cut));
        assert_eq!(cut.names(), whole.names());
        assert_eq!((cut.times().first(), cut.times().last()), (Some(&200), Some(&300)), "{format:?}");
        for name in cut.names() {
            for time in 200..300 {
                assert_eq!(cut.at(name, time), whole.at(name, time), "{format:?}: {name} at {time}");
            }
        }
    }
}

#[test]
fn a_window_that_the_simulation_never_reaches_has_no_cycle() {
    for format in FORMATS {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("late");
        simulate(&mixed(), &path, &TraceOptions { format, from: 20, ..TraceOptions::default() }, 10);
        assert_eq!(Waves::read(&path).times(), [200, 201], "{format:?}");
    }
}

#[test]
fn options_that_select_nothing_are_refused_with_what_there_is() {
    let refusal = |options: TraceOptions| {
        let folder = tempfile::tempdir().unwrap();
        let result = Trace::create(folder.path().join("none"), &mut Reference::new(&mixed()).unwrap(), &options);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a file is left behind");
        result.unwrap_err()
    };
    let scoped = |scope: &str| refusal(TraceOptions { scopes: vec![scope.to_string()], ..TraceOptions::default() });
    assert_eq!(
        scoped("array.*").to_string(),
        "the trace scope `array.*` selects no signal; the nearest paths are: top.control.go, top.pe_0.mac.a, \
         top.pe_1.mac.a, top.pe_0.mac.acc, top.pe_0.mac.sum"
    );
    // One of several that selects nothing is refused too, although the other does.
    let both = refusal(TraceOptions { scopes: vec!["top".to_string(), "top.pe_7".to_string()], ..TraceOptions::default() }).to_string();
    assert!(both.starts_with("the trace scope `top.pe_7` selects no signal; the nearest paths are: top.pe_0, top.pe_1, "), "{both}");
    assert!(matches!(scoped("top.[pe"), TraceError::Pattern { .. }));
    assert!(matches!(refusal(TraceOptions { depth: Some(0), ..TraceOptions::default() }), TraceError::Depth));
    let window = TraceOptions { from: 5, to: Some(4), ..TraceOptions::default() };
    assert_eq!(refusal(window).to_string(), "the trace window ends at cycle 4, before it begins at cycle 5");
}

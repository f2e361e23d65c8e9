use std::fs;

use miette::{GraphicalReportHandler, GraphicalTheme};
use tempfile::TempDir;

use super::*;

/// A configuration read from `text`, in a folder that lives as long as the test needs it.
fn read(text: &str, overrides: &[&str]) -> (TempDir, Result<Config, ReadError>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, text).unwrap();
    let overrides: Vec<Override> = overrides.iter().map(|&text| Override::set(text)).collect();
    let config = Config::read(&path, &overrides);
    (folder, config)
}

fn render(problem: &dyn Diagnostic) -> String {
    let mut text = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::none()).with_wrap_lines(false).render_report(&mut text, problem).unwrap();
    text
}

fn refused(text: &str, overrides: &[&str]) -> String {
    render(&read(text, overrides).1.expect_err("the configuration is refused"))
}

const LAYERS: &str = "\
kernel = \"gemm\"

[array]
rows = 4
cols = 4

[[layers]]
relu = true

[[layers]]
relu = false
";

#[test]
fn overrides_reach_tables_and_list_entries_in_both_notations() {
    let (_folder, config) = read(LAYERS, &["array.rows=8", "layers[0].relu=false", "layers.1.relu = true", "word=plain", "new.key=[1, 2]"]);
    let config = config.unwrap();
    assert_eq!(config.table()["array"]["rows"], Value::Integer(8));
    assert_eq!(config.table()["layers"][0]["relu"], Value::Boolean(false));
    assert_eq!(config.table()["layers"][1]["relu"], Value::Boolean(true));
    assert_eq!(config.table()["word"], Value::String("plain".into()));
    assert_eq!(config.table()["new"]["key"][1], Value::Integer(2));
}

#[test]
fn a_later_override_wins() {
    let (_folder, config) = read(LAYERS, &["array.rows=8", "array.rows=9"]);
    assert_eq!(config.unwrap().table()["array"]["rows"], Value::Integer(9));
}

#[test]
fn a_value_that_is_not_toml_is_taken_as_text_and_brings_no_further_keys() {
    let (_folder, config) = read(LAYERS, &["array.rows=1\nother = 2"]);
    let config = config.unwrap();
    assert_eq!(config.table()["array"]["rows"], Value::String("1\nother = 2".into()));
    assert!(config.table().get("other").is_none());
}

#[test]
fn malformed_overrides_are_refused_with_their_own_text() {
    for (text, expected) in [
        ("array.rows", "a key, `=` and a value"),
        ("=3", "not a key"),
        ("array..rows=3", "not a key"),
        ("layers[x].relu=true", "not a key"),
        ("layers[7].relu=true", "`layers` has no entry 7: the configuration holds 2"),
        ("layers.relu=true", "`layers` is a list, and `relu` does not say which entry"),
        ("array[0]=1", "`array` is not a list"),
        ("array.rows.more=1", "`array.rows` is of type integer"),
    ] {
        let message = refused(LAYERS, &[text]);
        assert!(message.contains(expected) && message.contains(&format!("--set {text}")), "{message}");
    }
}

#[test]
fn a_syntax_error_names_file_line_and_column() {
    let message = refused("kernel = \"gemm\"\nrows = \n", &[]);
    assert!(message.contains("config.toml:2:"), "{message}");
}

#[test]
fn a_key_given_twice_is_refused() {
    let message = refused("rows = 1\nrows = 2\n", &[]);
    assert!(message.contains("duplicate key") && message.contains("config.toml:2:1"), "{message}");
}

fn located(text: &str, overrides: &[&str], key: &str) -> String {
    let (_folder, config) = read(text, overrides);
    render(&config.unwrap().locate(ConfigError::new(key, "is wrong").with_remedy("write it right")))
}

#[test]
fn a_complaint_points_at_the_key_that_caused_it() {
    for (key, place) in [
        ("kernel", "config.toml:1:1"),
        ("array.rows", "config.toml:4:1"),
        ("array", "config.toml:3:2"),
        ("array.missing", "config.toml:3:2"),
        ("layers[1].relu", "config.toml:11:1"),
        ("layers[1]", "config.toml:10:1"),
        ("missing", "config.toml:1:1"),
        ("", "config.toml:1:1"),
    ] {
        let message = located(LAYERS, &[], key);
        assert!(message.contains(place), "{key}: {message}");
        assert!(message.contains("write it right"), "{message}");
    }
}

#[test]
fn a_complaint_about_an_overridden_key_shows_the_override() {
    for (change, key) in [
        ("array.rows=0", "array.rows"),
        ("layers.1.relu=3", "layers[1].relu"),
        ("array={ rows = 0 }", "array.rows"),
        ("bias.bits=0", "bias.bits"),
        ("bias.bits=0", "bias.missing"),
    ] {
        let message = located(LAYERS, &[change], key);
        assert!(message.contains(&format!("--set {change}")) && !message.contains("config.toml"), "{message}");
    }
}

#[test]
fn files_that_are_no_text_are_refused_with_the_reason() {
    assert!(refused("", &[]).contains("it is empty"));
    assert!(refused(" \n\n", &[]).contains("it is empty"));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    assert!(render(&Config::read(&path, &[]).unwrap_err()).contains("there is no such file"));
    assert!(render(&Config::read(folder.path(), &[]).unwrap_err()).contains("it is a folder"));
    fs::write(&path, b"kernel = \"gemm\"\nname = \"\xff\"\n").unwrap();
    assert!(render(&Config::read(&path, &[]).unwrap_err()).contains("line 2 is not UTF-8"));
}

#[test]
fn a_message_about_a_long_line_is_short() {
    let text = format!("long = [{}]\nlist = [{}]\nlast = 1\n", "1, ".repeat(5000), "2, ".repeat(5000));
    for (key, place) in [("list", "config.toml:2:1"), ("list[3]", "config.toml:2:18"), ("last", "config.toml:3:1")] {
        let message = located(&text, &[], key);
        assert!(message.contains(place) && message.len() < 1000, "{key}: {message}");
    }
}

/// What cannot be drawn whole: lines beyond the widths that a formatter knows, many lines, characters that act on a terminal.
#[test]
fn a_message_about_any_text_is_short_and_names_the_place() {
    let far = format!("kernel = \"gemm\"{}!\n", " ".repeat(66_000));
    let wide = format!("漢 = \"{}\" !\n", "漢".repeat(70_000));
    let many = format!("layers = [\n{}]\nrows = !\n", "1,\n".repeat(70_000));
    for (text, place) in [
        (far.as_str(), "config.toml:1:66016"),
        (&wide, "config.toml:1:70008"),
        (&many, "config.toml:70003:8"),
        ("name = \"\u{1b}[2Jx\"\n", "config.toml:1:"),
        ("a = 1\r\nb = !\r\n", "config.toml:2:5"),
        ("a = 1\rb = 2\n", "config.toml:1:"),
        ("\tx = \"\t\" \t!", "config.toml:1:"),
    ] {
        let message = refused(text, &[]);
        assert!(message.contains(place), "{place}: {message}");
        assert!(message.len() < 2000 && !message.contains('\u{1b}'), "{} bytes: {message}", message.len());
    }
}

#[test]
fn the_place_in_a_cut_line_is_in_the_shown_part() {
    let text = format!("é = \"{}\"\tlist = 5\n", "ü".repeat(500));
    let message = refused(&text, &[]);
    assert!(message.contains("config.toml:1:") && message.contains("list = 5"), "{message}");
}

#[test]
fn a_complaint_about_a_table_of_many_lines_shows_the_first() {
    let text = format!("kernel = \"gemm\"\nlayers = [\n{}]\n", "1,\n".repeat(5_000));
    let message = located(&text, &[], "layers");
    assert!(message.contains("config.toml:2:1") && message.lines().count() < 15, "{message}");
}

#[test]
fn a_message_about_a_huge_override_is_short() {
    for change in [format!("array.{}=1", "x".repeat(70_000)), format!("array.rows={}", "漢".repeat(70_000)), "rows\u{7}".repeat(30_000)] {
        for message in [located(LAYERS, &[&format!("key={change}")], "key"), refused(LAYERS, &[&format!("[{change}")])] {
            assert!(message.contains("--set") && message.len() < 4000 && !message.contains('\u{7}'), "{} bytes: {message}", message.len());
        }
    }
}

#[test]
fn a_number_beyond_the_integers_of_toml_is_no_text() {
    for value in
        ["18446744073709551615", "9223372036854775808", "-9223372036854775809", "1_000_000_000_000_000_000_000", "0xffffffffffffffff"]
    {
        let message = refused(LAYERS, &[&format!("seed={value}")]);
        assert!(message.contains(value) && message.contains("to 9223372036854775807"), "{message}");
        let message = refused(&format!("seed = {value}\n"), &[]);
        assert!(message.contains("config.toml:1:8"), "{message}");
    }
    for (value, expected) in
        [("9223372036854775807", Value::Integer(i64::MAX)), ("00012345678901234567", Value::String("00012345678901234567".into()))]
    {
        let (_folder, config) = read(LAYERS, &[&format!("seed={value}")]);
        assert_eq!(config.unwrap().table()["seed"], expected);
    }
}

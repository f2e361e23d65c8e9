//! The script that runs a testbench.

/// The script for testbench module `name`, made of `files` that stand beside the script.
pub(super) fn script(name: &str, files: &[String]) -> String {
    SCRIPT.replace("@NAME@", name).replace("@FILES@", &files.join(" "))
}

const SCRIPT: &str = r#"#!/bin/sh
# Runs the testbench @NAME@ in Icarus Verilog and Verilator, or in those named as arguments (iverilog, verilator).
# Ends with 0 if all that ran passed, 1 if one failed, 3 if none is installed.
set -u
cd "$(dirname "$0")" || exit 3
files="@FILES@"
build=$(mktemp -d) || exit 3
trap 'rm -rf "$build"' EXIT
ran=0
failed=0

[ $# -gt 0 ] || set -- iverilog verilator
for tool in "$@"; do
  if ! command -v "$tool" >/dev/null 2>&1; then
    echo "$tool: not installed, skipped"
    continue
  fi
  ran=1
  : >"$build/log"
  case $tool in
    iverilog)
      iverilog -g2005 -Wall -s @NAME@ -o "$build/icarus" $files && vvp -n "$build/icarus" >"$build/log" 2>&1
      ;;
    verilator)
      verilator --binary --timing -Wno-fatal --top-module @NAME@ --Mdir "$build/verilator" -o simulation $files >"$build/log" 2>&1 &&
        "$build/verilator/simulation" >"$build/log" 2>&1
      ;;
    *)
      echo "$tool: unknown; give iverilog or verilator" >&2
      exit 2
      ;;
  esac
  if grep -q '^PASS ' "$build/log"; then
    echo "$tool: $(grep '^PASS ' "$build/log")"
  else
    failed=1
    echo "$tool: failed"
    head -n 40 "$build/log"
  fi
done
[ $ran -eq 1 ] || exit 3
exit $failed
"#;

//! The end-to-end bench, run for a moment: it must see frames come through with the right pixels, and say so.

use std::{path::Path, process::Command};

use serde_json::Value;

/// Builds the agent next to the bench's own programs: cargo knows of no dependency of a test on another package's.
fn build_agent(folder: &Path) {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let profile = match folder.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        other => other,
    };
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--package", "gui-agent", "--bins", "--profile", profile]);
    assert!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
}

const CASES: [&str; 3] = ["full-1080p", "64x64", "scroll"];
const PATHS: [&str; 3] = ["direct", "transom", "transom-1.8"];

#[test]
fn frames_are_measured_on_every_path_of_our_own() {
    let bench = Path::new(env!("CARGO_BIN_EXE_end-to-end"));
    let folder = bench.parent().unwrap();
    build_agent(folder);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("bench.json");
    let mut command = Command::new(bench);
    command.arg("--programs").arg(folder).arg("--json").arg(&file).args([
        "--seconds",
        "0.5",
        "--rounds",
        "1",
    ]);
    for case in CASES {
        command.args(["--case", case]);
    }
    for path in PATHS {
        command.args(["--path", path]);
    }
    assert!(command.status().unwrap().success());

    let report: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let rows = report["rows"].as_array().unwrap();
    let names: Vec<_> =
        rows.iter().map(|row| [&row["case"], &row["path"]].map(|name| name.as_str().unwrap())).collect();
    let expected = CASES.map(|case| PATHS.map(|path| [case, path]));
    assert_eq!(names, expected.concat());
    for row in rows {
        let positive = |value: &Value| value.as_f64().is_some_and(|value| value > 0.0);
        let latency = &row["latency_ms"];
        assert!(positive(&row["fps"]) && positive(&row["cpu_us_per_frame"]), "{row}");
        assert!(positive(&latency["p50"]) && positive(&latency["p99"]), "{row}");
        assert!(positive(&row["peak_rss_kib"]) && row["wakeups_per_s"].is_null(), "{row}");
        assert!(positive(&report["bound"][row["case"].as_str().unwrap()]["memcpy_us"]), "{row}");
    }
}

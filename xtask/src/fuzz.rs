//! `cargo xtask fuzz`: every fuzz target for a while, from the seeds and what earlier rounds found.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;
use serde_json::Value;

use crate::{packages, workspace};

/// The package that holds the targets.
const PACKAGE: &str = "transom-fuzz";
/// Turned on for the targets alone, so that nothing else needs the engine.
const FEATURE: &str = "libfuzzer";
/// The engine's last words say what failed.
const OUTPUT_TAIL_LINES: usize = 100;

#[derive(Args)]
pub struct Options {
    /// How long each target runs
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
    /// Fail, instead of skipping, where the nightly toolchain or cargo-fuzz is not installed
    #[arg(long)]
    require: bool,
    /// Only this target
    target: Option<String>,
}

pub fn run(options: Options) -> anyhow::Result<()> {
    if let Some(lacking) = lacking_tool() {
        ensure!(!options.require, "{lacking}");
        println!("skipped: {lacking}");
        return Ok(());
    }
    packages::ensure_installed(&[packages::BUILD, packages::FUZZ])?;
    let mut targets = targets(&workspace::metadata(&["--no-deps"])?);
    if let Some(only) = options.target {
        ensure!(targets.contains(&only), "no target {only}; there are: {}", targets.join(", "));
        targets = vec![only];
    }
    ensure!(!targets.is_empty(), "{PACKAGE} has no targets");

    workspace::run(cargo_fuzz("build").args(["--features", FEATURE]))?;
    let mut failed = Vec::new();
    for target in targets {
        match run_target(&target, options.seconds)? {
            Outcome::Passed { runs, per_second } => {
                println!("ok      {target}: {runs} runs, {per_second} a second")
            }
            Outcome::Failed { input, output } => {
                println!("{output}\nFAILED  {target}: {}", input.as_deref().unwrap_or("see above"));
                failed.push(target);
            }
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// What must be installed first, if anything, and how.
fn lacking_tool() -> Option<&'static str> {
    let answers = |arguments: &[&str]| {
        let mut command = Command::new("rustup");
        clean(&mut command).args(["run", "nightly", "cargo"]).args(arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    };
    if !answers(&["--version"]) {
        Some("fuzzing needs the nightly toolchain: rustup toolchain install nightly --profile minimal")
    } else if !answers(&["fuzz", "--version"]) {
        Some("fuzzing needs cargo-fuzz: cargo install --locked cargo-fuzz")
    } else {
        None
    }
}

/// Takes away what names the toolchain that runs this, so that another one can be chosen.
fn clean(command: &mut Command) -> &mut Command {
    command.env_remove("CARGO").env_remove("RUSTC").env_remove("RUSTDOC").env_remove("RUSTUP_TOOLCHAIN")
}

/// A subcommand of cargo-fuzz on the nightly toolchain.
fn cargo_fuzz(subcommand: &str) -> Command {
    let mut command = Command::new("rustup");
    clean(&mut command).current_dir(workspace::root());
    command.args(["run", "nightly", "cargo", "fuzz", subcommand, "--fuzz-dir", "fuzz"]);
    command
}

/// The names of the fuzz targets.
fn targets(metadata: &Value) -> Vec<String> {
    let list =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let has = |value: &Value, key: &str, text: &str| list(value, key).iter().any(|item| item == text);
    list(metadata, "packages")
        .iter()
        .filter(|package| package.get("name").is_some_and(|name| name == PACKAGE))
        .flat_map(|package| list(package, "targets"))
        .filter(|target| has(target, "kind", "bin") && has(target, "required-features", FEATURE))
        .filter_map(|target| target.get("name").and_then(Value::as_str).map(str::to_owned))
        .collect()
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Passed {
        runs: u64,
        per_second: u64,
    },
    Failed {
        /// The file with the input that fails.
        input: Option<String>,
        output: String,
    },
}

fn run_target(target: &str, seconds: u32) -> anyhow::Result<Outcome> {
    let folder = workspace::root().join("fuzz");
    // New inputs are kept in the first folder; the seeds are only read.
    let corpus = folder.join("corpus").join(target);
    let seeds = folder.join("seeds").join(target);
    fs::create_dir_all(&corpus)?;
    let mut inputs: Vec<&Path> = vec![&corpus];
    if seeds.is_dir() {
        inputs.push(&seeds);
    }
    println!("{target}: {seconds} seconds");
    let mut command = cargo_fuzz("run");
    command.args(["--features", FEATURE, target]).args(inputs).arg("--");
    command.arg(format!("-max_total_time={seconds}")).arg("-print_final_stats=1");
    let output = command.stdin(Stdio::null()).output().context("cannot start rustup")?;
    Ok(outcome(output.status.success(), &String::from_utf8_lossy(&output.stderr)))
}

/// Reads the engine's report.
fn outcome(success: bool, report: &str) -> Outcome {
    let number = |name: &str| {
        let line = report.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim_start_matches(':').trim().parse().ok()
    };
    match (success, number("stat::number_of_executed_units"), number("stat::average_exec_per_sec")) {
        (true, Some(runs), Some(per_second)) => Outcome::Passed { runs, per_second },
        _ => {
            let lines: Vec<_> = report.lines().collect();
            let tail = lines.get(lines.len().saturating_sub(OUTPUT_TAIL_LINES)..).unwrap_or_default();
            let input = report.lines().find_map(|line| line.split_once("Test unit written to "));
            Outcome::Failed { input: input.map(|(_, file)| file.trim().to_owned()), output: tail.join("\n") }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn targets_are_the_programs_behind_the_feature() {
        let metadata = json!({ "packages": [
            { "name": "other", "targets": [{ "name": "x", "kind": ["bin"], "required-features": [FEATURE] }] },
            { "name": PACKAGE, "targets": [
                { "name": "lib", "kind": ["lib"] },
                { "name": "tool", "kind": ["bin"] },
                { "name": "decode", "kind": ["bin"], "required-features": [FEATURE] },
            ]},
        ]});
        assert_eq!(targets(&metadata), ["decode"]);
    }

    #[test]
    fn a_round_without_a_failure() {
        let report =
            "INFO: Seed: 1\nstat::number_of_executed_units: 1200\nstat::average_exec_per_sec:     400\n";
        assert_eq!(outcome(true, report), Outcome::Passed { runs: 1200, per_second: 400 });
    }

    #[test]
    fn a_failure_names_its_input() {
        let report = "thread panicked\nartifact_prefix='x/'; Test unit written to x/crash-1\nBase64: AA==\n";
        let Outcome::Failed { input, output } = outcome(false, report) else { panic!("passed") };
        assert_eq!(input.as_deref(), Some("x/crash-1"));
        assert!(output.contains("thread panicked"));
    }

    #[test]
    fn an_empty_report_is_a_failure() {
        assert_eq!(outcome(true, ""), Outcome::Failed { input: None, output: String::new() });
    }
}

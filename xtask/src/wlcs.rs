//! `cargo xtask wlcs`: the Wayland conformance suite against the agent, compared with what is expected of it.
//!
//! The suite runs the agent in its own process (`tests/wlcs`). Each of its groups of tests gets a process; one that dies
//! costs the test that it died in, and the rest of the group runs in another.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
    thread,
};

use anyhow::{Context as _, bail, ensure};
use clap::Args;

use crate::{packages, workspace};

mod expected;
mod report;

use expected::Expectations;

/// What the suite loads: the library of `transom-wlcs`.
const LIBRARY: &str = "libtransom_wlcs.so";

/// Where the suite's program is: in the folder of libraries, or by Debian 13 in that of helpers.
const PROGRAM: &str = "wlcs/wlcs";
const NEWER_PROGRAM: &str = "/usr/libexec/wlcs/wlcs";

/// What is expected, and the document that says so.
const EXPECTATIONS: &str = "tests/wlcs/expected.txt";
const DOCUMENT: &str = "docs/conformance.md";

/// Processes at a time.
const WORKERS: usize = 2;

/// No group takes longer than this, in seconds; some tests wait 10 s for what never comes.
const LIMIT: &str = "300";

#[derive(Args)]
pub struct Options {
    /// Only tests whose names match, `*` standing for anything
    #[arg(long, value_name = "PATTERN")]
    only: Option<String>,
    /// Write the tables of docs/conformance.md
    #[arg(long, conflicts_with = "only")]
    write: bool,
}

/// What became of a test.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Passed,
    /// Also if the process died in it.
    Failed,
    /// It needs this, which the agent says not to have.
    Skipped(String),
    /// The suite itself has switched it off.
    Disabled,
}

/// What became of each test, by its name.
type Results = BTreeMap<String, Outcome>;

pub fn run(options: &Options) -> anyhow::Result<()> {
    packages::ensure_installed(&[packages::BUILD, packages::CONFORMANCE])?;
    // With the rest: alone it would have its dependencies with fewer features, and compile all of them again.
    workspace::run(workspace::cargo().args(["build", "--locked", "--workspace"]))?;
    let target = workspace::target_dir()?;
    let suite = Suite { program: program()?, library: target.join("debug").join(LIBRARY) };
    let expectations = Expectations::read(&workspace::root().join(EXPECTATIONS))?;
    let mut tests = suite.list()?;
    if let Some(pattern) = &options.only {
        tests.retain(|test| expected::matches(pattern, test));
    }
    let log = target.join("wlcs.log");
    let mut results = suite.run(tests, &log)?;
    // some tests wait for a time, and a busy machine takes longer
    let again: Vec<_> = expectations.surprises(&results).iter().map(|(test, _)| (*test).to_owned()).collect();
    if !again.is_empty() {
        results.extend(suite.run(again, &target.join("wlcs-again.log"))?);
    }
    expectations.settle(&mut results);
    println!("{}", report::groups(&results));
    println!("{}", report::totals(&results));
    println!("What the tests printed: {}", log.display());

    let surprises = expectations.surprises(&results);
    for (test, outcome) in &surprises {
        println!("UNEXPECTED  {test}: {outcome:?}");
    }
    ensure!(surprises.is_empty(), "{} tests did not end as {EXPECTATIONS} says", surprises.len());
    if options.only.is_some() {
        return Ok(());
    }
    if let Some(line) = expectations.unused(&results) {
        bail!("{EXPECTATIONS} speaks of tests that do not exist: {line}");
    }
    report::into_document(
        &workspace::root().join(DOCUMENT),
        &report::tables(&results, &expectations),
        options.write,
    )
}

fn program() -> anyhow::Result<PathBuf> {
    let found = packages::library_path(PROGRAM).or_else(|| Some(PathBuf::from(NEWER_PROGRAM)));
    found.filter(|program| program.is_file()).context("the suite's program is not where it should be")
}

/// The suite and what it is to load.
struct Suite {
    program: PathBuf,
    library: PathBuf,
}

impl Suite {
    /// The names of all tests, as `group.test`.
    fn list(&self) -> anyhow::Result<Vec<String>> {
        let output = Command::new(&self.program).arg(&self.library).arg("--gtest_list_tests").output()?;
        ensure!(output.status.success(), "the suite does not list its tests: {}", output.status);
        let mut group = String::new();
        let mut tests = Vec::new();
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            // what follows is a parameter's value
            let name = line.split('#').next().unwrap_or_default();
            match name.starts_with(' ') {
                true => tests.push(format!("{group}{}", name.trim())),
                false => name.trim().clone_into(&mut group),
            }
        }
        ensure!(!tests.is_empty(), "the suite has no tests");
        Ok(tests)
    }

    /// Runs these tests. What they print goes to a file.
    fn run(&self, tests: Vec<String>, log: &Path) -> anyhow::Result<Results> {
        let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for test in tests {
            groups.entry(group_of(&test).to_owned()).or_default().push(test);
        }
        let waiting = Mutex::new(groups.into_values().collect::<VecDeque<_>>());
        let log = Mutex::new(fs::File::create(log)?);
        let work = || -> anyhow::Result<Results> {
            let mut results = Results::new();
            loop {
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(group) = next else { return Ok(results) };
                let (outcomes, output) = self.run_group(group)?;
                results.extend(outcomes);
                log.lock().unwrap_or_else(PoisonError::into_inner).write_all(&output)?;
            }
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
            let mut all = Results::new();
            for worker in workers {
                all.extend(worker.join().map_err(|_| anyhow::anyhow!("a worker has panicked"))??);
            }
            Ok(all)
        })
    }

    /// Runs the tests of one group, in as many processes as it takes.
    fn run_group(&self, mut tests: Vec<String>) -> anyhow::Result<(Results, Vec<u8>)> {
        let (mut results, mut printed) = (Results::new(), Vec::new());
        tests.retain(|test| {
            let disabled = test.contains(".DISABLED_");
            if disabled {
                results.insert(test.clone(), Outcome::Disabled);
            }
            !disabled
        });
        while !tests.is_empty() {
            let output = Command::new("timeout")
                .args(["--kill-after=5", LIMIT])
                .arg(&self.program)
                .arg(&self.library)
                .arg(format!("--gtest_filter={}", tests.join(":")))
                .output()
                .context("cannot start the suite")?;
            let outcomes = outcomes(&String::from_utf8_lossy(&output.stdout));
            printed.extend(output.stdout);
            printed.extend(output.stderr);
            let before = tests.len();
            tests.retain(|test| !outcomes.contains_key(test));
            ensure!(tests.len() < before, "the suite ran none of {}: {}", tests.join(" "), output.status);
            results.extend(outcomes);
        }
        Ok((results, printed))
    }
}

/// The group of a test.
fn group_of(test: &str) -> &str {
    test.split_once('.').map_or(test, |(group, _)| group)
}

/// What a process of the suite says of its tests. One that began and did not end has failed.
fn outcomes(output: &str) -> Results {
    let mut results = Results::new();
    let (mut running, mut reason) = (None, String::new());
    for line in output.lines() {
        let Some((mark, rest)) = line.strip_prefix('[').and_then(|line| line.split_once("] ")) else {
            continue;
        };
        let name = || rest.split([' ', ',']).next().unwrap_or_default().to_owned();
        let outcome = match mark.trim() {
            "RUN" => {
                running = Some(name());
                continue;
            }
            "" => {
                let lacking = rest.trim().strip_prefix("Missing extension: ").unwrap_or(rest.trim());
                reason = lacking.split('>').next().unwrap_or_default().to_owned();
                continue;
            }
            "OK" => Outcome::Passed,
            "FAILED" => Outcome::Failed,
            "SKIP" => Outcome::Skipped(reason.clone()),
            _ => continue,
        };
        // after the last test the summary repeats names
        if running.as_ref().is_some_and(|running| *running == name()) {
            results.extend(running.take().map(|test| (test, outcome)));
        }
    }
    results.extend(running.map(|test| (test, Outcome::Failed)));
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_read_to_where_it_died() {
        let output = "\
[ RUN      ] A.one
[       OK ] A.one (3 ms)
[ RUN      ] A.two/0
./tests/a.cpp:1: Failure
[  FAILED  ] A.two/0, where GetParam() = 4 (3 ms)
[ RUN      ] A.three
[          ] Missing extension: x>= 1
[     SKIP ] A.three (4ms)
[  FAILED  ] A.one
[ RUN      ] A.four
";
        let wanted = [
            ("A.four", Outcome::Failed),
            ("A.one", Outcome::Passed),
            ("A.three", Outcome::Skipped("x".to_owned())),
            ("A.two/0", Outcome::Failed),
        ];
        let found = outcomes(output);
        assert_eq!(found, wanted.map(|(name, outcome)| (name.to_owned(), outcome)).into());
    }
}

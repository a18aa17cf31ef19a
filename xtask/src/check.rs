//! `cargo xtask check`: everything that can be checked without running the program.
//!
//! Formatting, lints and documentation are cargo's own tools; licences, sources and the rules of the design about who
//! may depend on whom are checked here. Every check runs, whatever the others found, and prints one line.

mod dependencies;
mod licence;
mod source;

use std::process::Command;

use anyhow::bail;

use crate::{packages, workspace};

/// What a check found wrong, one line each; none: it passed.
type Findings = Vec<String>;

pub fn run() -> anyhow::Result<()> {
    packages::ensure_installed(&[packages::BUILD])?;
    let mut failed = Vec::new();
    let mut report = |name: &'static str, findings: anyhow::Result<Findings>| {
        let findings = findings.unwrap_or_else(|error| vec![format!("{error:#}")]);
        for finding in &findings {
            println!("FAILED  {name}: {finding}");
        }
        if findings.is_empty() {
            println!("ok      {name}");
        } else {
            failed.push(name);
        }
    };

    // The quick ones first.
    let metadata = workspace::metadata(&["--all-features", "--locked"])?;
    report("licences", dependencies::licences(&metadata));
    report("sources", dependencies::sources(&metadata));
    report("dependencies", dependencies::forbidden(&metadata));
    report("mentions", source::mentions(workspace::root()));
    report("unsafe code", source::unsafe_code(&metadata));
    report("formatting", cargo(&["fmt", "--all", "--check"], |_| {}));
    report(
        "lints",
        cargo(&["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"], |_| {}),
    );
    report(
        "documentation",
        cargo(&["doc", "--locked", "--workspace", "--no-deps"], |command| {
            command.env("RUSTDOCFLAGS", "-D warnings");
        }),
    );
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

/// Runs one of cargo's tools, which print themselves what they find.
fn cargo(arguments: &[&str], adjust: impl FnOnce(&mut Command)) -> anyhow::Result<Findings> {
    let mut command = workspace::cargo();
    adjust(command.args(arguments));
    let status = command.status()?;
    Ok(if status.success() { Vec::new() } else { vec![format!("cargo {}: see above", arguments.join(" "))] })
}

//! Where things are, and how cargo is called.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

/// The repository's root.
pub fn root() -> &'static Path {
    let crate_root = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_root.parent().unwrap_or(crate_root)
}

/// The cargo that runs this, in the repository's root.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// `cargo metadata` with `arguments`.
///
/// # Errors
/// When cargo refuses, with its own words.
pub fn metadata(arguments: &[&str]) -> anyhow::Result<Value> {
    let output = cargo().args(["metadata", "--format-version", "1"]).args(arguments).output()?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The folder cargo builds into.
pub fn target_dir() -> anyhow::Result<PathBuf> {
    let metadata = metadata(&["--no-deps"])?;
    metadata.get("target_directory").and_then(Value::as_str).map(PathBuf::from).context("no target directory")
}

/// Runs a command to its end on this terminal.
///
/// # Errors
/// When it cannot be started or does not succeed.
pub fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command.status().with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{program}: {status}");
    }
    Ok(())
}

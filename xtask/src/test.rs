//! `cargo xtask test`: every test of the workspace.

use std::ffi::OsString;

use clap::Args;

use crate::{packages, workspace};

#[derive(Args)]
pub struct Options {
    /// Passed on to `cargo test`, for instance a part of a test's name
    #[arg(last = true)]
    arguments: Vec<OsString>,
}

pub fn run(options: Options) -> anyhow::Result<()> {
    packages::ensure_installed(&[
        packages::BUILD,
        packages::APPLICATIONS,
        packages::NESTED,
        packages::TESTS,
    ])?;
    // The end-to-end tests run the programs, which a test build alone does not make for another package's tests.
    workspace::run(workspace::cargo().args(["build", "--workspace", "--bins"]))?;
    workspace::run(workspace::cargo().args(["test", "--workspace", "--no-fail-fast"]).args(options.arguments))
}

//! `cargo xtask bench`: a client's frames through agent and daemon, then the parts by themselves.

use clap::Args;

use crate::{packages, workspace};

/// The package that holds the benches.
const PACKAGE: &str = "transom-benches";
/// The program in it that runs agent and daemon.
const END_TO_END: &str = "end-to-end";

#[derive(Args)]
pub struct Options {
    /// How long each case of the end-to-end bench runs
    #[arg(long, value_name = "N", default_value_t = 5)]
    seconds: u32,
    /// Rougher figures of the parts in a shorter time
    #[arg(long)]
    quick: bool,
}

pub fn run(options: Options) -> anyhow::Result<()> {
    packages::ensure_installed(&[packages::BUILD])?;
    let build = ["build", "--release", "-p", "gui-agent", "-p", "gui-daemon", "-p", PACKAGE];
    workspace::run(workspace::cargo().args(build).arg("--bins"))?;
    let programs = workspace::target_dir()?.join("release");
    let mut end_to_end = std::process::Command::new(programs.join(END_TO_END));
    end_to_end.arg("--programs").arg(&programs).arg("--seconds").arg(options.seconds.to_string());
    workspace::run(&mut end_to_end)?;

    let mut parts = workspace::cargo();
    parts.args(["bench", "-p", PACKAGE]);
    if options.quick {
        parts.args(["--", "--quick"]);
    }
    workspace::run(&mut parts)
}

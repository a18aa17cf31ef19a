//! `cargo xtask bench`: a client's frames through agent and daemon and through their peers, then the parts by themselves.

use std::path::PathBuf;

use clap::Args;

use crate::{packages, workspace};

/// The package that holds the benches.
const PACKAGE: &str = "transom-benches";
/// The program in it that runs clients, agents, daemons and peers.
const END_TO_END: &str = "end-to-end";

#[derive(Args)]
pub struct Options {
    /// Seconds that each case runs on each path in each round
    #[arg(long, value_name = "N", default_value_t = 2)]
    seconds: u32,
    /// How often each case runs on each path; paths take turns
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: u32,
    /// Write what was measured from client to screen to a file
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// See in some seconds whether it all works: few cases, short, no peers and no parts
    #[arg(long)]
    quick: bool,
    /// Further arguments for the end-to-end bench, such as --case or --path
    #[arg(last = true)]
    arguments: Vec<String>,
}

pub fn run(options: Options) -> anyhow::Result<()> {
    packages::ensure_installed(&[packages::BUILD])?;
    if !options.quick {
        // what cannot be installed is listed under the table
        if let Err(err) = packages::ensure_installed(&[packages::PEERS]) {
            eprintln!("note: not all peers will be measured: {err:#}");
        }
    }
    let build = ["build", "--release", "-p", "gui-agent", "-p", PACKAGE, "--bins"];
    workspace::run(workspace::cargo().args(build))?;
    let programs = workspace::target_dir()?.join("release");
    let mut end_to_end = std::process::Command::new(programs.join(END_TO_END));
    end_to_end.arg("--programs").arg(&programs);
    if options.quick {
        end_to_end.args(["--seconds", "0.5", "--rounds", "1", "--path", "direct", "--path", "transom"]);
        end_to_end.args(["--case", "full-1080p", "--case", "64x64", "--case", "idle"]);
    } else {
        end_to_end.arg("--seconds").arg(options.seconds.to_string());
        end_to_end.arg("--rounds").arg(options.rounds.to_string());
    }
    if let Some(file) = &options.json {
        end_to_end.arg("--json").arg(file);
    }
    workspace::run(end_to_end.args(&options.arguments))?;
    if options.quick {
        return Ok(());
    }
    workspace::run(workspace::cargo().args(["bench", "-p", PACKAGE]))
}

//! `xen-probe COMMAND`: what this workspace promises of Xen, tried on a real one.
//!
//! It runs inside dom0 or another domain. Every check prints one line, `ok NAME` or `FAILED NAME: why`; the exit
//! status is a failure if one was. One file per command.

#![forbid(unsafe_code)]

mod devices;
mod report;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::Report;

/// What is promised of Xen, tried on a real one.
#[derive(Parser)]
#[command(name = "xen-probe")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Open every device of Xen that is used
    Devices,
}

fn main() -> ExitCode {
    let mut report = Report::default();
    match Cli::parse().command {
        Command::Devices => devices::run(&mut report),
    }
    report.exit_status()
}

//! `xen-probe COMMAND`: what this workspace promises of Xen, tried on a real one.
//!
//! It runs inside dom0 or another domain. Every check prints one line, `ok NAME` or `FAILED NAME: why`; the exit
//! status is a failure if one was. One file per command.

#![forbid(unsafe_code)]

mod counterpart;
mod devices;
mod events;
mod grants;
mod remote;
mod report;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use shm_grant::xen::Port;
use shm_grant::{DomId, GrantRef};

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
    /// Share pages as the checks in dom0 ask for, until killed
    Counterpart,
    /// Map pages of a domain that runs a counterpart
    Grants {
        /// The number of the domain
        domain: u16,
        /// The number of one more domain, with which pages are shared that dom0 must not see
        #[arg(long)]
        stranger: Option<u16>,
    },
    /// Exchange events with a domain that runs a counterpart
    Events {
        /// The number of the domain
        domain: u16,
    },
    /// Map a page and wait to be killed
    #[command(hide = true)]
    Hold { domain: u16, port: u32, reference: u32 },
}

fn main() -> ExitCode {
    let mut report = Report::default();
    let ran = match Cli::parse().command {
        Command::Devices => {
            devices::run(&mut report);
            Ok(())
        }
        Command::Counterpart => counterpart::run(DomId(0)),
        Command::Grants { domain, stranger } => grants::run(&mut report, DomId(domain), stranger.map(DomId)),
        Command::Events { domain } => events::run(&mut report, DomId(domain)),
        Command::Hold { domain, port, reference } => {
            grants::hold(DomId(domain), Port(port), GrantRef(reference))
        }
    };
    match ran {
        Ok(()) => report.exit_status(),
        Err(error) => {
            eprintln!("xen-probe: {error:#}");
            ExitCode::FAILURE
        }
    }
}

//! `xen-probe COMMAND`: what this workspace promises of Xen, tried on a real one.
//!
//! It runs inside dom0 or another domain. Every check prints one line, `ok NAME` or `FAILED NAME: why`; the exit
//! status is a failure if one was. One file per command.

#![forbid(unsafe_code)]

mod copying;
mod counterpart;
mod devices;
mod driver;
mod events;
mod frames;
mod grants;
mod hostile;
mod leak;
mod numbers;
mod programs;
mod registers;
mod remote;
mod report;
mod vchan;

use std::process::ExitCode;
use std::time::Duration;

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
    /// Share pages until the grant table of a domain is full; it should be small, `max_grant_frames=8`, and have no disks
    Exhausted {
        /// The number of the domain
        domain: u16,
    },
    /// Exchange events with a domain that runs a counterpart
    Events {
        /// The number of the domain
        domain: u16,
    },
    /// Share, map and give back very many windows, and compare what the kernels and Xen count before and after
    Leak {
        /// The number of the domain
        domain: u16,
        /// How many windows
        #[arg(long, default_value_t = 10_000)]
        windows: usize,
    },
    /// Compare drawing through a mapping with drawing from Xen's copy, as JSON
    Copying {
        /// The number of the domain
        domain: u16,
    },
    /// Make links to a domain that runs a counterpart, with libxenvchan and without, and break them
    Vchan {
        /// The number of the domain
        domain: u16,
        /// Check only what has this in its name
        #[arg(default_value = "")]
        filter: String,
    },
    /// Make links to a domain that runs a counterpart, and destroy it
    Destroy {
        /// The number of the domain
        domain: u16,
    },
    /// Be one end of a link
    VchanEnd(vchan::end::Options),
    /// Print the references of a domain that anybody has mapped, one a line
    Mapped {
        /// The number of the domain
        domain: u16,
    },
    /// Be an agent that does all that one must not
    Hostile(hostile::Options),
    /// Draw frames on the display that WAYLAND_DISPLAY names, and take the times that they need
    Frames(frames::Options),
    /// Show a window whose pixels are in the memory of a display's driver, and another picture for each line on standard input
    Pictures(driver::pictures::Options),
    /// See which buffers in that memory an agent takes, and how many
    DmaBufs,
    /// Calculate, and see whether other domains disturb that
    Registers {
        /// For how long
        seconds: u64,
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
        Command::Exhausted { domain } => grants::run_exhausted(&mut report, DomId(domain)),
        Command::Registers { seconds } => {
            registers::run(&mut report, Duration::from_secs(seconds));
            Ok(())
        }
        Command::Events { domain } => events::run(&mut report, DomId(domain)),
        Command::Leak { domain, windows } => leak::run(&mut report, DomId(domain), windows),
        Command::Copying { domain } => copying::run(DomId(domain)),
        Command::Vchan { domain, filter } => vchan::run(&mut report, DomId(domain), &filter),
        Command::Destroy { domain } => vchan::destroyed::run(&mut report, DomId(domain)),
        Command::VchanEnd(options) => vchan::end::run(&options),
        Command::Mapped { domain } => numbers::print_mapped(DomId(domain)),
        Command::Hostile(options) => hostile::run(&mut report, &options),
        Command::Frames(options) => frames::run(&options),
        Command::Pictures(options) => driver::pictures::run(&options),
        Command::DmaBufs => driver::limits::run(&mut report),
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

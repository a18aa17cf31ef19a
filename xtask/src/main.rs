//! The project's commands, run as `cargo xtask COMMAND`: what a newcomer needs to see it work, and what CI calls.
//!
//! One file per command. This crate stays small and never depends on the compositor library: it is the first thing
//! a new machine compiles, before the system packages that the rest needs are there.

#![forbid(unsafe_code)]

mod apps;
mod bench;
mod check;
mod demo;
mod fuzz;
mod package;
mod packages;
mod process;
mod session;
mod test;
mod wlcs;
mod workspace;
mod xen;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The project's commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Build everything and run it: one desktop, three domains, real applications
    Demo(demo::Options),
    /// Run every test of the workspace
    Test(test::Options),
    /// Formatting, lints, documentation, licences, sources and the forbidden dependencies
    Check,
    /// Run the fuzz targets (needs the nightly toolchain and cargo-fuzz)
    Fuzz(fuzz::Options),
    /// Measure frames from a client to the screen, then the parts by themselves
    Bench(bench::Options),
    /// Try real applications of Debian's packages, and write docs/applications.md
    Apps(apps::Options),
    /// Run the Wayland conformance suite against the agent
    Wlcs(wlcs::Options),
    /// Make the Debian packages for dom0 and for the domains with applications
    Package(package::Options),
    /// Boot real Xen on an emulated machine, and try everything there
    XenTest(xen::TestOptions),
    /// Boot real Xen on an emulated machine, and leave it up
    XenRun,
}

/// What the shell conventionally sees of a program ended by Ctrl-C.
const EXIT_INTERRUPTED: u8 = 130;
/// System packages are missing and could not be installed from here.
const EXIT_MISSING_PACKAGES: u8 = 2;

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Demo(options) => demo::run(options),
        Command::Test(options) => test::run(options),
        Command::Check => check::run(),
        Command::Fuzz(options) => fuzz::run(options),
        Command::Bench(options) => bench::run(options),
        Command::Apps(options) => apps::run(&options),
        Command::Wlcs(options) => wlcs::run(&options),
        Command::Package(options) => package::run(options),
        Command::XenTest(options) => xen::test(&options),
        Command::XenRun => xen::run(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<process::Interrupted>() => ExitCode::from(EXIT_INTERRUPTED),
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(if error.is::<packages::Missing>() { EXIT_MISSING_PACKAGES } else { 1 })
        }
    }
}

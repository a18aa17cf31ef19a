//! `gui-daemon`: runs the compositor, or talks to one that runs.

#![forbid(unsafe_code)]

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser as _;
use gui_daemon::{
    BackendKind, Daemon, Options, catch_signals,
    cli::{Cli, Command},
    config::Config,
    domain::XenPlaces,
    msg,
};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use tracing::warn;
use tracing_subscriber::EnvFilter;

/// What is logged unless `RUST_LOG` says otherwise. smithay's DRM devices warn of what a seat manager has done already; what
/// fails in earnest is an error that the backend tells itself.
const LOGGED: &str = "info,smithay=warn,smithay::backend::drm=off";

fn main() -> ExitCode {
    let cli = Cli::parse();
    if let Some(Command::Msg(args)) = &cli.command {
        return msg::run(args);
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(err) => {
            eprintln!("gui-daemon: {err:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let config = match &cli.config {
        Some(path) => Config::load(path)?,
        None => Config::default(),
    };
    if cli.validate {
        return Ok(());
    }
    raise_descriptor_limit();
    let signals = catch_signals()?;
    let mut daemon = Daemon::new(Options {
        backend: cli.backend.unwrap_or_else(BackendKind::of_surroundings),
        config,
        control_socket: cli.socket,
        wayland: true,
        vchan_directory: None,
        xen: XenPlaces::default(),
    })?;
    daemon.stop_on(signals)?;
    // Applications can connect from now on. Without a service manager nobody is told.
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        warn!("the service manager cannot be told: {error}");
    }
    daemon.run()
}

/// Lets the process open as many descriptors as it may: on the software transport each window buffer is one, and a domain
/// is allowed a thousand. Where that is refused, fewer windows fit, which each import reports by itself.
fn raise_descriptor_limit() {
    let limit = getrlimit(Resource::Nofile);
    if let Err(err) = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }) {
        tracing::debug!(%err, "the limit of open descriptors stays");
    }
}

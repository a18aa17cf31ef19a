//! The program `gui-agent`: an [`Agent`] with a command line.

#![forbid(unsafe_code)]

use std::{cell::Cell, ffi::OsString, io::IsTerminal as _, process::ExitCode, rc::Rc};

use anyhow::Context;
use calloop::signals::{Signal, Signals};
use clap::Parser as _;
use gui_agent::{
    Agent, Command, Privilege,
    cli::{Action, Arguments},
    session,
};
use sd_notify::NotifyState;
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(Action::Send { files }) = &arguments.action {
        return match gui_agent::session_agent().and_then(|agent| gui_agent::send(&agent, files)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("gui-agent: {error}");
                error.exit_code()
            }
        };
    }
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,gui_agent=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let ended = match arguments.action {
        Some(Action::Tray) => gui_agent::tray::run().context("the tray"),
        _ => run(&arguments),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("gui-agent: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let mut agent = Agent::new(&arguments.options()?).map_err(|error| anyhow::anyhow!("{error}"))?;
    let (stop, look) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
    let signals = Signals::new(&[Signal::SIGTERM, Signal::SIGINT, Signal::SIGCHLD]).context("signals")?;
    let (on_stop, on_child) = (stop.clone(), look.clone());
    agent
        .handle()
        .insert_source(signals, move |event, (), _| match event.signal() {
            Signal::SIGCHLD => on_child.set(true),
            _ => on_stop.set(true),
        })
        .context("signals")?;

    if arguments.session {
        session::announce(&agent.environment());
    }
    // Applications can connect from now on. Without a service manager nobody is told.
    if let Err(error) = sd_notify::notify(&[NotifyState::Ready]) {
        warn!("the service manager cannot be told: {error}");
    }
    let mut command = match arguments.command.as_slice() {
        [] => None,
        line => {
            Some(Command::start(line, agent.environment()).with_context(|| format!("starting {line:?}"))?)
        }
    };
    let methods = arguments.input_method.iter().map(|line| (line, Privilege::InputMethod));
    let manager = arguments.clipboard_manager.iter().map(|line| (line, Privilege::ClipboardManager));
    let words = |line: &String| line.split_whitespace().map(OsString::from).collect();
    let mut programs: Vec<(Vec<OsString>, _)> =
        methods.chain(manager).map(|(line, privilege)| (words(line), privilege)).collect();
    if arguments.shows_icons() {
        let this = std::env::current_exe().context("this program's own path")?;
        programs.push((vec![this.into(), "tray".into()], Privilege::Tray));
    }
    for (line, privilege) in programs {
        let what = format!("starting {line:?}");
        agent.start_privileged(line, privilege).context(what)?;
    }
    while !stop.get() {
        agent.dispatch(None)?;
        if look.take()
            && let Some(status) = command.as_mut().and_then(Command::poll_ended)
        {
            match status.success() {
                true => info!("the application has ended"),
                false => warn!("the application has ended: {status}"),
            }
        }
    }
    info!("told to stop");
    Ok(())
}

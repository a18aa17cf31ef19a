//! The program `gui-agent`: an [`Agent`] with a command line.

#![forbid(unsafe_code)]

use std::{cell::Cell, ffi::OsString, io::IsTerminal as _, rc::Rc};

use anyhow::Context;
use calloop::signals::{Signal, Signals};
use clap::{Parser, ValueEnum};
use gui_agent::{Agent, Command, DEFAULT_REFRESH_HZ, GUI_PORT, Options};
use gui_protocol::Version;
use shm_grant::{Backend, DomId};
use tracing::{info, warn};
use tracing_subscriber::EnvFilter;

/// Shows the windows of this domain's Wayland applications in the GUI domain.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// How to reach the GUI domain. The sockets lie in $VCHAN_SOCKET_DIR, /var/run/vchan if that is unset.
    #[arg(long, value_enum)]
    transport: Transport,
    /// The number of this domain.
    #[arg(long, value_name = "DOMID")]
    domain: u16,
    /// The number of the GUI domain.
    #[arg(long, value_name = "DOMID", default_value_t = 0)]
    gui_domain: u16,
    /// The vchan port.
    #[arg(long, default_value_t = GUI_PORT)]
    port: u32,
    /// The newest minor version of the protocol to offer, in hexadecimal after 0x; 8 for plain Qubes.
    #[arg(long, value_name = "MINOR", value_parser = minor, default_value_t = Version::NEWEST.minor)]
    max_minor: u16,
    /// Most frame callbacks per second and window, where the daemon does not say when a frame is done; 0 for as many as
    /// the GUI domain takes.
    #[arg(long, value_name = "HZ", default_value_t = DEFAULT_REFRESH_HZ)]
    refresh: u32,
    /// The name of the Wayland socket in $XDG_RUNTIME_DIR. Without it, the first free of wayland-1, wayland-2, …
    #[arg(long, value_name = "NAME")]
    socket_name: Option<String>,
    /// An application to start, with its arguments. The agent stays when it ends, and ends it when it goes.
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Transport {
    /// A byte stream on a Unix socket.
    Socket,
    /// Xen's ring in shared memory.
    Ring,
}

impl Arguments {
    fn options(&self) -> Options {
        let backend = match self.transport {
            Transport::Socket => Backend::Socket,
            Transport::Ring => Backend::Ring,
        };
        Options {
            gui_domain: DomId(self.gui_domain),
            port: self.port,
            max_minor: self.max_minor,
            refresh_hz: self.refresh,
            socket_name: self.socket_name.clone(),
            ..Options::new(backend, DomId(self.domain))
        }
    }
}

/// A minor version, in hexadecimal after `0x`.
fn minor(text: &str) -> Result<u16, std::num::ParseIntError> {
    text.strip_prefix("0x").map_or_else(|| text.parse(), |digits| u16::from_str_radix(digits, 16))
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,gui_agent=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();

    let mut agent = Agent::new(&arguments.options())?;
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

    let mut command = match arguments.command.as_slice() {
        [] => None,
        line => {
            Some(Command::start(line, agent.environment()).with_context(|| format!("starting {line:?}"))?)
        }
    };
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

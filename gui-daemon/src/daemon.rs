//! The daemon as a whole: its parts put together, and its event loop.

use std::{
    cell::RefCell,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use rustix::termios::ttyname;
use smithay::{
    reexports::{
        calloop::{
            EventLoop, Interest, LoopHandle, Mode, PostAction,
            channel::{self, Sender, channel},
            generic::Generic,
            signals::{Signal, Signals},
        },
        wayland_server::{Display, backend::ClientId},
    },
    wayland::socket::ListeningSocketSource,
};
use tracing::{info, warn};

use crate::{
    backend::Backend,
    config::Config,
    domain::XenPlaces,
    handlers::ClientState,
    ipc::{self, IpcServer},
    state::{Parts, State},
};

/// Which backend shows the desktop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum BackendKind {
    /// No screen: frames are drawn to memory, input comes over the control socket.
    Headless,
    /// A window in an X11 or Wayland session.
    Nested,
    /// The machine's own screens, keyboards and pointers.
    Kms,
}

impl BackendKind {
    /// The one for where the daemon was started: a window where there is a session to open one in, the machine's screens on
    /// a virtual terminal.
    pub fn of_surroundings() -> Self {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        if ["WAYLAND_DISPLAY", "WAYLAND_SOCKET", "DISPLAY"].into_iter().any(is_set) {
            return Self::Nested;
        }
        let terminal = ttyname(std::io::stdin(), Vec::new()).unwrap_or_default();
        let on_terminal = is_virtual_terminal(terminal.as_bytes()) || is_set("XDG_VTNR");
        if on_terminal { Self::Kms } else { Self::Nested }
    }
}

/// Whether this is a terminal on the machine's own screen and keyboard.
fn is_virtual_terminal(name: &[u8]) -> bool {
    name.strip_prefix(b"/dev/tty").is_some_and(|number| number.first().is_some_and(u8::is_ascii_digit))
}

/// How a daemon is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the desktop is shown.
    pub backend: BackendKind,
    /// The configuration.
    pub config: Config,
    /// The control socket; `None` takes the configuration's, or one named after the Wayland socket.
    pub control_socket: Option<PathBuf>,
    /// Whether to open a Wayland socket for dom0's own clients. Without, they come in by [`State::add_client`].
    pub wayland: bool,
    /// Where agents on the software transport are found; `None` asks the environment, as vchan-socket does.
    pub vchan_directory: Option<PathBuf>,
    /// Where Xen's domains are found.
    pub xen: XenPlaces,
}

/// SIGINT and SIGTERM, from now on caught. To be called before there is a daemon: its threads inherit that they do not
/// take these signals, and a single one that did would end the process.
///
/// # Errors
/// When the signals cannot be caught.
pub fn catch_signals() -> anyhow::Result<Signals> {
    Signals::new(&[Signal::SIGINT, Signal::SIGTERM]).context("signals")
}

/// A daemon that runs.
pub struct Daemon {
    event_loop: EventLoop<'static, State>,
    state: State,
    socket_name: Option<String>,
}

impl Daemon {
    /// Opens the screen and the sockets, and begins to wait for the configured domains' agents.
    ///
    /// # Errors
    /// Whatever cannot be had, with the name of it.
    pub fn new(options: Options) -> anyhow::Result<Self> {
        let Options { backend, config, control_socket, wayland, vchan_directory, xen } = options;
        let event_loop = EventLoop::try_new().context("no event loop")?;
        let handle = event_loop.handle();

        let (backend, screen) = match backend {
            BackendKind::Headless => Backend::headless(),
            BackendKind::Nested => {
                let output = config.outputs.first().cloned().unwrap_or_default();
                Backend::nested(&output)
            }
            BackendKind::Kms => Backend::kms(config.input, config.pointer_planes),
        }
        .map_err(|err| anyhow::anyhow!("{err}"))?;
        handle
            .insert_source(screen, |event, _, state: &mut State| state.handle_input(event))
            .map_err(|err| err.error)
            .context("the screen's events")?;

        let socket_name = if wayland { listen(&handle, &config)? } else { None };

        let display: Display<State> = Display::new().context("no Wayland display")?;
        let display_handle = display.handle();
        let disconnected = serve_clients(&handle, display)?;

        let control_path = match control_socket.or_else(|| config.control_socket.clone()) {
            Some(path) => path,
            None => ipc::server::default_socket_path(socket_name.as_deref().unwrap_or("none"))?,
        };
        let (ipc, requests) = IpcServer::new(&control_path)?;
        handle
            .insert_source(requests, |(client, request), (), state: &mut State| {
                state.handle_request(client, request)
            })
            .map_err(|err| err.error)
            .context("the control socket's events")?;
        info!(wayland = socket_name.as_deref(), control = %control_path.display(), "ready");

        let loop_signal = event_loop.get_signal();
        let loop_handle = handle;
        let parts = Parts { loop_handle, loop_signal, display_handle, disconnected, config, backend, ipc };
        let mut state = State::new(parts)?;
        state.connect_domains(vchan_directory, xen)?;
        Ok(Self { event_loop, state, socket_name })
    }

    /// Name of the Wayland socket for dom0's own clients, below `XDG_RUNTIME_DIR`, if there is one.
    pub fn socket_name(&self) -> Option<&str> {
        self.socket_name.as_deref()
    }

    /// The daemon's state.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The daemon's state.
    pub fn state_mut(&mut self) -> &mut State {
        &mut self.state
    }

    /// Ends the event loop, and with it the daemon in good order, when one of these comes.
    ///
    /// # Errors
    /// When the event loop does not take them.
    pub fn stop_on(&mut self, signals: Signals) -> anyhow::Result<()> {
        self.loop_handle()
            .insert_source(signals, |_, (), state: &mut State| state.stop())
            .map_err(|err| err.error)
            .context("signals")?;
        Ok(())
    }

    /// Runs until something asks it to stop.
    ///
    /// # Errors
    /// When the event loop fails.
    pub fn run(&mut self) -> anyhow::Result<()> {
        self.event_loop.run(None, &mut self.state, State::after_dispatch).context("event loop")
    }

    /// Handles what is there now, or the first that comes within `timeout`.
    ///
    /// # Errors
    /// When the event loop fails.
    pub fn dispatch(&mut self, timeout: Duration) -> anyhow::Result<()> {
        self.event_loop.dispatch(timeout, &mut self.state).context("event loop")?;
        self.state.after_dispatch();
        Ok(())
    }

    /// A handle to the event loop, to add sources of one's own.
    pub fn loop_handle(&self) -> LoopHandle<'static, State> {
        self.event_loop.handle()
    }
}

impl AsFd for Daemon {
    /// Readable when [`Daemon::dispatch`] has something to do, timers aside.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event_loop.as_fd()
    }
}

impl State {
    /// Takes in a Wayland client of dom0's own on a connected socket.
    pub fn add_client(&mut self, stream: UnixStream) {
        let client = ClientState::new(self.disconnected.clone());
        if let Err(err) = self.display_handle.insert_client(stream, Arc::new(client)) {
            warn!(%err, "a client of dom0 could not be taken in");
        }
    }
}

/// Has the requests of dom0's own clients handled, and the remains of those removed that the answer is told of.
fn serve_clients(
    handle: &LoopHandle<'static, State>,
    mut display: Display<State>,
) -> anyhow::Result<Sender<ClientId>> {
    const CONTEXT: &str = "the Wayland clients' events";
    // A descriptor of its own for the loop leaves the display to the closures, which need it whole.
    let requests = display.backend().poll_fd().try_clone_to_owned().context(CONTEXT)?;
    let display = Rc::new(RefCell::new(display));
    let clients = display.clone();
    handle
        .insert_source(Generic::new(requests, Interest::READ, Mode::Level), move |_, _, state| {
            clients.borrow_mut().dispatch_clients(state)?;
            Ok(PostAction::Continue)
        })
        .map_err(|err| err.error)
        .context(CONTEXT)?;
    // A client that is disconnected for what shows only when its buffer is drawn would keep its windows until the next
    // request of any other.
    let (disconnected, clients) = channel();
    handle
        .insert_source(clients, move |event, (), state| {
            if let channel::Event::Msg(client) = event {
                // Dispatching one that is gone fails, and removes what it has left.
                drop(display.borrow_mut().backend().dispatch_single_client(state, client));
            }
        })
        .map_err(|err| err.error)
        .context(CONTEXT)?;
    Ok(disconnected)
}

/// Opens the Wayland socket for dom0's own clients and returns its name. Without a place for it, and none asked for, the
/// domains are served all the same.
fn listen(handle: &LoopHandle<'static, State>, config: &Config) -> anyhow::Result<Option<String>> {
    if config.wayland_socket.is_none() && std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        warn!("XDG_RUNTIME_DIR is not set: there is no Wayland socket for dom0's own clients");
        return Ok(None);
    }
    let listener = match &config.wayland_socket {
        Some(name) => ListeningSocketSource::with_name(name),
        None => ListeningSocketSource::new_auto(),
    }
    .context("no Wayland socket for dom0's clients (is XDG_RUNTIME_DIR set?)")?;
    let name = listener.socket_name().to_string_lossy().into_owned();
    handle
        .insert_source(listener, |stream, _, state: &mut State| state.add_client(stream))
        .map_err(|err| err.error)
        .context("the Wayland socket's events")?;
    Ok(Some(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn virtual_terminals_have_numbers() {
        let names: [&[u8]; 5] = [b"/dev/tty1", b"/dev/tty63", b"/dev/ttyS0", b"/dev/pts/3", b""];
        assert_eq!(names.map(is_virtual_terminal), [true, true, false, false, false]);
    }
}

//! One agent with its event loop.

use std::{
    ffi::OsString,
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use gui_protocol::WindowId;
use smithay::{
    input::keyboard,
    reexports::{
        calloop::{self, EventLoop, Interest, LoopHandle, Mode, PostAction, generic::Generic},
        wayland_server::{
            BindError, Client, Display, ListeningSocket, backend::InitError, protocol::wl_surface::WlSurface,
        },
    },
};
use tracing::{info, warn};

use crate::{
    files::Files,
    options::Options,
    privilege::Privilege,
    socket::SocketPlace,
    state::{ClientState, State},
};

/// Why an agent cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No socket for the GUI domain.
    #[error("cannot listen for the GUI domain: {0}")]
    Link(#[source] io::Error),
    /// No socket for the applications.
    #[error("no Wayland socket: {0}")]
    Socket(#[from] BindError),
    /// The names in `XKB_DEFAULT_*` make no keymap.
    #[error("no keymap: {0}")]
    Keymap(#[from] keyboard::Error),
    /// The Wayland library does not work.
    #[error("no Wayland display: {0}")]
    Display(#[from] InitError),
    /// The system has no event loop to give.
    #[error("no event loop: {0}")]
    Loop(#[from] calloop::Error),
    /// The system refused something else.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// An application that was taken on by its stream.
#[derive(Debug)]
pub struct Application(Client);

/// A running agent. Does something only while it is dispatched; its sockets go with it.
pub struct Agent {
    pub(crate) state: State,
    display: Display<State>,
    event_loop: EventLoop<'static, State>,
    // last: the folder can go only when the socket in it has gone with the loop
    place: SocketPlace,
}

impl Agent {
    /// Listens for applications and for the GUI domain.
    ///
    /// # Errors
    ///
    /// [`StartError`].
    pub fn new(options: &Options) -> Result<Self, StartError> {
        let event_loop = EventLoop::try_new()?;
        let handle: LoopHandle<'static, State> = event_loop.handle();
        let mut display = Display::new()?;
        let (place, socket) =
            SocketPlace::bind(options.runtime_dir.as_deref(), options.socket_name.as_deref())?;
        let files = Files::new(&place.path(), options.incoming.as_deref(), &handle)?;
        let state = State::new(options, place.environment(), display.handle(), files, handle.clone())?;
        info!("listening for applications: {}", place.path().display());
        let socket = Generic::new(socket, Interest::READ, Mode::Level);
        insert(&handle, socket, accept)?;

        // the display's own descriptor stays with the display; readiness shows on a duplicate as well
        let clients = display.backend().poll_fd().try_clone_to_owned()?;
        let clients = Generic::new(clients, Interest::READ, Mode::Level);
        insert(&handle, clients, |_, state| state.clients_ready = true)?;

        insert(&handle, state.link.source()?, |_, state| state.link_ready = true)?;
        Ok(Self { state, display, event_loop, place })
    }

    /// Waits for something to happen, at most `timeout` (`None`: for ever), and deals with it.
    ///
    /// # Errors
    ///
    /// What the system says about waiting. The agent is of no use then.
    pub fn dispatch(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.event_loop.dispatch(timeout, &mut self.state).map_err(|error| match error {
            calloop::Error::IoError(error) => error,
            other => io::Error::other(other),
        })?;
        if std::mem::take(&mut self.state.clients_ready) {
            self.display.dispatch_clients(&mut self.state)?;
        }
        self.state.settle();
        self.display.flush_clients()
    }

    /// Where applications connect.
    pub fn socket_path(&self) -> PathBuf {
        self.place.path()
    }

    /// The environment variables by which an application finds this agent.
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        self.state.environment.clone()
    }

    /// Takes on an application by a stream it holds the other end of, as if it had come through the socket.
    ///
    /// # Errors
    ///
    /// What the system says about the stream.
    pub fn add_client(&mut self, stream: UnixStream) -> io::Result<Application> {
        insert_client(&mut self.state, stream, None).map(Application)
    }

    /// Takes on an application that may more than others.
    ///
    /// # Errors
    ///
    /// What the system says about the stream.
    pub fn add_privileged_client(
        &mut self,
        stream: UnixStream,
        privilege: Privilege,
    ) -> io::Result<Application> {
        insert_client(&mut self.state, stream, Some(privilege)).map(Application)
    }

    /// What the GUI domain calls the window of an application's surface, by the surface's number on the application's
    /// connection. `None`: there is no such surface, or it is no window now.
    pub fn window_of(&self, application: &Application, surface: u32) -> Option<WindowId> {
        let surface =
            application.0.object_from_protocol_id::<WlSurface>(&self.state.display, surface).ok()?;
        self.state.windows.of_surface(&surface)
    }

    /// Bytes of pixels that were written into windows' images since the start: what a frame costs, counted.
    pub fn bytes_written(&self) -> u64 {
        self.state.written
    }

    /// The agent's event loop, to add sources to.
    pub fn handle(&self) -> LoopHandle<'static, State> {
        self.event_loop.handle()
    }
}

impl AsFd for Agent {
    /// Readable when [`Agent::dispatch`] has something to do, timers aside.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.event_loop.as_fd()
    }
}

/// Adds a level-triggered descriptor to the loop.
fn insert<F: AsFd + 'static>(
    handle: &LoopHandle<'static, State>,
    source: Generic<F>,
    mut ready: impl FnMut(&F, &mut State) + 'static,
) -> Result<(), calloop::Error> {
    let inserted = handle.insert_source(source, move |_, descriptor, state| {
        ready(descriptor, state);
        Ok(PostAction::Continue)
    });
    inserted.map(drop).map_err(|error| error.error)
}

fn accept(socket: &ListeningSocket, state: &mut State) {
    loop {
        match socket.accept() {
            Ok(Some(stream)) => {
                if let Err(error) = insert_client(state, stream, None) {
                    warn!("an application cannot be served: {error}");
                }
            }
            Ok(None) => return,
            Err(error) => return warn!("an application could not connect: {error}"),
        }
    }
}

pub(crate) fn insert_client(
    state: &mut State,
    stream: UnixStream,
    privilege: Option<Privilege>,
) -> io::Result<Client> {
    let data = ClientState { privilege, ..ClientState::default() };
    state.display.insert_client(stream, Arc::new(data))
}

//! The control socket, server side.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use smithay::reexports::calloop::{EventSource, Poll, PostAction, Readiness, Token, TokenFactory};

/// What a control client asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "snake_case", deny_unknown_fields)]
#[expect(missing_docs, reason = "fields say it")]
pub enum Request {
    /// The configured domains.
    Domains,
    /// All windows.
    Windows,
    /// Writes the screen as PNG; the path is absolute.
    Screenshot { path: PathBuf },
    /// Asks a window to close.
    Close { id: u64 },
    /// Raises and focuses a window.
    Focus { id: u64 },
    /// Ends the daemon.
    Quit,
    /// Presses and releases a chord such as `ctrl+shift+c`.
    InputKey { name: String },
    /// Types text.
    InputText { string: String },
    /// Moves the pointer to a place on the screen.
    InputMove { x: f64, y: f64 },
    /// Presses or releases a pointer button.
    InputButton { name: ButtonName, action: ButtonAction },
    /// Scrolls by steps of a wheel.
    InputScroll { dx: f64, dy: f64 },
    /// Streams an [`Event`] for each change.
    Subscribe,
    /// Answered when all earlier input is processed and everything pending is drawn.
    Sync,
}

/// Pointer buttons by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "names say it")]
pub enum ButtonName {
    Left,
    Right,
    Middle,
    Side,
    Extra,
}

impl ButtonName {
    /// The evdev code.
    pub fn code(self) -> u32 {
        todo!()
    }
}

/// What to do with a button.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "names say it")]
pub enum ButtonAction {
    Press,
    Release,
    Click,
}

/// The answer to one [`Request`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// Done; nothing to tell.
    Done {},
    /// The domains in the order of the configuration.
    Domains(Vec<DomainInfo>),
    /// The windows.
    Windows(Vec<WindowInfo>),
    /// Refused, and why.
    Error(String),
}

/// A change, streamed to subscribers; carries the complete new state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The windows as they are now.
    WindowsChanged(Vec<WindowInfo>),
    /// The domains as they are now.
    DomainsChanged(Vec<DomainInfo>),
}

/// A domain's state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DomainInfo {
    /// Its name.
    pub name: String,
    /// Its label's name or `#rrggbb`.
    pub label: String,
    /// Its transport as in the configuration.
    pub transport: String,
    /// Its link.
    pub state: LinkState,
    /// How many windows it has.
    pub windows: usize,
}

/// The state of a domain's link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// The agent is connected.
    Connected,
    /// Waiting for the agent to appear.
    Waiting,
    /// The last link ended in a violation; waiting before the next.
    BackingOff,
}

/// One window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowInfo {
    /// Stable for the window's life, never reused.
    pub id: u64,
    /// The domain's name; `dom0` for dom0's own.
    pub domain: String,
    /// The label's name or `#rrggbb`.
    pub label: String,
    /// The title as drawn.
    pub title: String,
    /// The content on the screen, without the frame.
    pub geometry: Geometry,
    /// Whether it has the keyboard.
    pub focused: bool,
    /// Whether it is mapped.
    pub mapped: bool,
    /// Whether it is minimised.
    pub minimised: bool,
    /// Whether it is maximised.
    pub maximised: bool,
    /// What kind of window.
    pub kind: WindowKind,
}

/// A rectangle in screen pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "names say it")]
pub struct Geometry {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

/// Kinds of window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "names say it")]
pub enum WindowKind {
    Toplevel,
    Popup,
}

/// A connected control client; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ClientId(u64);

/// Why the control socket could not be opened.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct IpcError(String);

/// `$XDG_RUNTIME_DIR/transom-<display>.sock`.
pub fn default_socket_path(_display: &str) -> Result<PathBuf, IpcError> {
    todo!()
}

/// The handle to answer with; lives in the daemon's state.
#[derive(Debug)]
pub struct IpcServer {}

/// The event source to insert into the loop; yields one request per client at a time.
#[derive(Debug)]
pub struct IpcSource {}

impl IpcServer {
    /// Opens the socket.
    pub fn new(_path: &Path) -> Result<(Self, IpcSource), IpcError> {
        todo!()
    }

    /// Where it listens.
    pub fn path(&self) -> &Path {
        todo!()
    }

    /// Answers a client's current request; to be called once per request, at once or later.
    pub fn reply(&self, _client: ClientId, _response: &Response) {}

    /// Sends an event to one client (the current state, to a new subscriber, after its reply).
    pub fn send(&self, _client: ClientId, _event: &Event) {}

    /// Sends an event to all subscribers. Clients become that by [`Request::Subscribe`].
    pub fn broadcast(&self, _event: &Event) {}

    /// Whether anyone subscribed: without, no [`Event`] needs making.
    pub fn has_subscribers(&self) -> bool {
        false
    }
}

impl EventSource for IpcSource {
    type Event = (ClientId, Request);
    type Metadata = ();
    type Ret = ();
    type Error = std::io::Error;

    fn process_events<F>(&mut self, _: Readiness, _: Token, _: F) -> Result<PostAction, Self::Error>
    where
        F: FnMut(Self::Event, &mut ()),
    {
        todo!()
    }

    fn register(&mut self, _: &mut Poll, _: &mut TokenFactory) -> smithay::reexports::calloop::Result<()> {
        todo!()
    }

    fn reregister(&mut self, _: &mut Poll, _: &mut TokenFactory) -> smithay::reexports::calloop::Result<()> {
        todo!()
    }

    fn unregister(&mut self, _: &mut Poll) -> smithay::reexports::calloop::Result<()> {
        todo!()
    }
}

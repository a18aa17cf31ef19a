//! The agent's end of one link.
//!
//! Holds the complete scene, so that a channel can come and go: commands are valid at any time and change the
//! scene; what a daemon has not been told of it yet is remembered per window and sent when the channel has room. A
//! fresh channel is then nothing special, only one whose daemon has been told nothing.
//!
//! Invariants:
//!
//! * The daemon is trusted, but nothing it sends makes this end panic or grow without bound.
//! * Queued bytes stay below a backlog plus one window's messages and the answers the daemon is owed: later
//!   changes replace earlier ones that were not sent.
//! * Every `CONFIGURE` is answered with exactly its geometry, before anything else is said about that window.
//! * A buffer is reported removed only when no daemon will look at its references again, and at level 1 is not to be
//!   written from its commit until it is reported released.

mod commands;
mod extended;
mod files;
mod frames;
mod handle;
mod scene;
mod tell;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use thiserror::Error;

use crate::error::Violation;
use crate::files::Transfers;
use crate::framing::Framer;
use crate::limits::{BACKLOG, GREETING_TIMEOUT};
use crate::message::{AgentMessage, DaemonMessage};
use crate::outbox::Outbox;
use crate::types::{
    Arrange, ButtonInput, CrossingInput, FileList, FilesEnd, Gesture, KeyInput, Modifiers, Output,
    PointerConstraint, Presented, Rect, RelativeMotion, Scale, Screen, Scroll, Tool, Touch, WindowFlags,
    WindowId,
};
use crate::version::Version;
use scene::Window;

/// What an agent's end needs to know.
#[derive(Clone, Copy, Debug)]
pub struct AgentConfig {
    /// The newest minor version to offer, see [`Version::up_to`]: 8 is the protocol without the extension. Below 4 the
    /// daemon does not say what it chose, and is taken to be at least as new.
    pub max_minor: u16,
}

impl Default for AgentConfig {
    fn default() -> AgentConfig {
        AgentConfig { max_minor: Version::NEWEST.minor }
    }
}

/// One of an agent's buffers. Never used twice, over all windows and links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BufferSerial(pub u64);

/// Why there can be no window of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CreateError {
    /// It exists.
    #[error("window {0} exists")]
    Exists(WindowId),
    /// The daemon has not confirmed the end of the last one.
    #[error("window {0} is waiting for the daemon to forget its predecessor")]
    AwaitsDestroyAck(WindowId),
}

/// What the daemon did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentEvent {
    /// The greetings are over; all windows are being announced.
    Connected {
        /// What both ends speak.
        version: Version,
        /// The daemon's screen.
        screen: Screen,
    },
    /// A window has this geometry now, within the limits. Already answered.
    Configure {
        /// Its id.
        window: WindowId,
        /// The geometry.
        geometry: Rect,
    },
    /// The user wants a window closed.
    Close {
        /// Its id.
        window: WindowId,
    },
    /// A key went down or up.
    Key {
        /// The window with the focus.
        window: WindowId,
        /// Which, and when.
        input: KeyInput,
    },
    /// A button went down or up.
    Button {
        /// The window under the pointer.
        window: WindowId,
        /// Which, and where.
        input: ButtonInput,
    },
    /// The pointer moved.
    Motion {
        /// The window under it.
        window: WindowId,
        /// Pixels from the window's corner.
        x: i32,
        /// Pixels from the window's corner.
        y: i32,
        /// X modifier and button mask.
        state: u32,
    },
    /// The pointer came in or went out. If `focus` is set the window has the keyboard focus, even if no
    /// [`AgentEvent::Focus`] said so: after a reconnect none may come.
    Crossing {
        /// Its id.
        window: WindowId,
        /// How, and where.
        input: CrossingInput,
    },
    /// The keyboard focus came or went.
    Focus {
        /// Its id.
        window: WindowId,
        /// Came, or went.
        focused: bool,
    },
    /// The keys that are down in the GUI domain; any other that is held must be released.
    KeymapNotify {
        /// A bit for each X keycode.
        keys: [u8; 32],
    },
    /// A window entered and left states.
    Flags {
        /// Its id.
        window: WindowId,
        /// Entered.
        set: WindowFlags,
        /// Left.
        unset: WindowFlags,
    },
    /// The desktop shows a window that was not mapped.
    Mapped {
        /// Its id.
        window: WindowId,
    },
    /// The user copies in this window: answer with [`AgentConn::clipboard`].
    ClipboardRequested {
        /// Its id.
        window: WindowId,
    },
    /// The user pastes: this is the clipboard now.
    Clipboard {
        /// Any bytes.
        data: Vec<u8>,
    },
    /// A buffer may be written again; at level 1 only, see [`AgentConn::is_held`].
    BufferReleased {
        /// Its window.
        window: WindowId,
        /// Which.
        serial: BufferSerial,
    },
    /// A buffer is not a window's any more and its references will not be looked at again. Comes once for each.
    BufferRemoved {
        /// The window it was given for.
        window: WindowId,
        /// Which.
        serial: BufferSerial,
    },
    /// This commit and all before it are taken for a frame: the next may be drawn. At level 1 only; a commit that was
    /// made when there was no link, or is repeated to a new one, is reported by the link that it was told to last.
    FrameDone {
        /// Its window.
        window: WindowId,
        /// What [`AgentConn::commit`] returned.
        serial: u64,
    },
    /// A commit that wanted to know was seen. None comes for one that was replaced before.
    Presented {
        /// Its window.
        window: WindowId,
        /// When, counted back from now.
        presented: Presented,
    },
    /// A window is to be so, at level 1. The commit that takes it into account names its serial. One whose program has
    /// nothing new to show for it must be answered too, by repeating the last commit with the serial.
    Arranged {
        /// Its id.
        window: WindowId,
        /// How. The serial grows over all links.
        arrange: Arrange,
    },
    /// All outputs, the primary one first.
    Outputs(Vec<Output>),
    /// The keymap, in XKB's text form.
    Keymap(String),
    /// The keyboard's state.
    Modifiers(Modifiers),
    /// The user scrolls in a window.
    Scroll {
        /// Its id.
        window: WindowId,
        /// How.
        scroll: Scroll,
    },
    /// The user makes a gesture in a window.
    Gesture {
        /// Its id.
        window: WindowId,
        /// Which.
        gesture: Gesture,
    },
    /// The user touches a window.
    Touch {
        /// Its id.
        window: WindowId,
        /// How.
        touch: Touch,
    },
    /// The user holds a tool to a tablet, over a window.
    Tablet {
        /// Its id.
        window: WindowId,
        /// The tool.
        tool: Tool,
    },
    /// The pointer's device moved.
    RelativeMotion {
        /// The window that has the pointer.
        window: WindowId,
        /// How far.
        motion: RelativeMotion,
    },
    /// What has become of a window's wish for the pointer.
    PointerConstrained {
        /// Its id.
        window: WindowId,
        /// How it is now.
        kind: PointerConstraint,
    },
    /// The user wants a command to be run. Answer with [`AgentConn::run_result`].
    Run {
        /// For the answer, and for [`Wish::Activate`](crate::Wish::Activate).
        token: u32,
        /// The program and its arguments; at least one word.
        argv: Vec<String>,
    },
    /// Answer with [`AgentConn::sync_done`] when all events before this one have been handled.
    Sync {
        /// For the answer.
        token: u32,
    },
    /// The daemon has handled all that was said before [`AgentConn::sync`].
    SyncDone {
        /// That one's.
        token: u32,
    },
    /// Another domain sends files. Answer with [`AgentConn::files_credit`] or [`AgentConn::files_result`]; there is one such
    /// offer at a time.
    FilesOffered {
        /// For the answer.
        token: u32,
        /// That domain's name; at most 255 bytes, no NUL, otherwise any text.
        from: String,
        /// Which.
        files: FileList,
    },
    /// The next bytes of the files, no more than were allowed.
    FilesData {
        /// The offer's.
        token: u32,
        /// The bytes, at most 32768.
        data: Vec<u8>,
    },
    /// No more of the files comes. No answer is due.
    FilesEnded {
        /// The offer's.
        token: u32,
        /// Why: cancelled or failed.
        end: FilesEnd,
    },
    /// What [`AgentConn::offer_files`] offered is taken, or more of it: [`AgentConn::files_room`].
    FilesCredit {
        /// The offer's.
        token: u32,
        /// How many more bytes.
        bytes: u32,
    },
    /// What became of what [`AgentConn::offer_files`] offered.
    FilesResult {
        /// The offer's.
        token: u32,
        /// It.
        end: FilesEnd,
    },
}

/// All that is needed to show a window now, for [`AgentConn::commit`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCommit {
    /// Where the pixels are.
    pub buffer: BufferSerial,
    /// The serial of the newest [`AgentEvent::Arranged`] it takes into account, or 0.
    pub configure: u32,
    /// The window's width, logical pixels.
    pub width: u32,
    /// The window's height, logical pixels.
    pub height: u32,
    /// Buffer pixels per logical pixel.
    pub scale: Scale,
    /// The part of the buffer that is the window, see [`Commit::source`](crate::Commit::source). Before level 1 all of
    /// the buffer is shown, whatever this says.
    pub source: Rect,
    /// Whether [`AgentEvent::Presented`] is wanted.
    pub wants_presented: bool,
    /// What differs from the commit before, pixels of the buffer.
    pub damage: Vec<Rect>,
    /// Where the buffer is opaque, pixels of it.
    pub opaque: Vec<Rect>,
}

impl NewCommit {
    /// All of a buffer of this size, as large as it is, all of it new.
    #[must_use]
    pub fn whole(buffer: BufferSerial, width: u32, height: u32) -> NewCommit {
        let source = Rect::new(0, 0, width, height);
        NewCommit {
            buffer,
            configure: 0,
            width,
            height,
            scale: Scale::ONE,
            source,
            wants_presented: false,
            damage: Vec::from([source]),
            opaque: Vec::new(),
        }
    }
}

/// The agent's end of one link.
///
/// Feed it with [`handle_bytes`](AgentConn::handle_bytes) and [`handle_timeout`](AgentConn::handle_timeout), give
/// commands, then drain [`poll_event`](AgentConn::poll_event) and [`transmit`](AgentConn::transmit).
#[derive(Debug)]
pub struct AgentConn {
    config: AgentConfig,
    now: Duration,
    link: Link,
    framer: Framer<DaemonMessage>,
    windows: BTreeMap<WindowId, Window>,
    /// What the daemon has not been told, longest waiting first. May name windows that are gone.
    waiting: VecDeque<Waiting>,
    /// Windows whose destruction the daemon has not confirmed, and those of their buffers that it knows.
    dying: BTreeMap<WindowId, Vec<BufferSerial>>,
    /// Buffers announced on this channel and not acknowledged, oldest first.
    unacked: VecDeque<(WindowId, BufferSerial)>,
    /// The `SYNC` and the commands of this channel that were not answered.
    asked_sync: Option<u32>,
    asked_runs: BTreeSet<u32>,
    files: Transfers,
    /// An answer to a clipboard request, waiting for room.
    clipboard: Option<Vec<u8>>,
    next_serial: u64,
    next_order: u64,
    last_commit: u64,
    last_token: u32,
    /// Whether the next channel is offered no extension: the daemon of this one did not understand it.
    plain_next: bool,
    /// What this channel was offered.
    offered: Version,
    events: VecDeque<AgentEvent>,
    outbox: Outbox,
}

/// Something the daemon is to be told. One after another, so that an answer to a `SYNC` comes after all that was said
/// before it.
#[derive(Clone, Debug)]
enum Waiting {
    /// What is untold of a window.
    Window(WindowId),
    /// Asks for an answer.
    Sync(u32),
    /// All before it has been handled.
    SyncDone(u32),
    /// What became of a command.
    RunResult { token: u32, status: i32 },
    /// Something about files, but for their bytes.
    Files(AgentMessage),
}

/// How far the link is.
#[derive(Debug)]
enum Link {
    /// There is no channel.
    Down,
    /// Waiting for the daemon's answer; these bytes of it have come.
    Greeting { partial: Vec<u8>, deadline: Duration },
    /// The ends speak this version.
    Running(Version),
    /// The daemon broke a rule.
    Ended(Violation),
}

impl AgentConn {
    /// An empty scene without a channel.
    #[must_use]
    pub fn new(config: AgentConfig, now: Duration) -> AgentConn {
        AgentConn {
            config,
            now,
            link: Link::Down,
            framer: Framer::new(Version::NEWEST),
            windows: BTreeMap::new(),
            waiting: VecDeque::new(),
            dying: BTreeMap::new(),
            unacked: VecDeque::new(),
            asked_sync: None,
            asked_runs: BTreeSet::new(),
            files: Transfers::default(),
            clipboard: None,
            next_serial: 0,
            next_order: 0,
            last_commit: 0,
            last_token: 0,
            plain_next: false,
            offered: Version::BASE,
            events: VecDeque::new(),
            outbox: Outbox::default(),
        }
    }

    /// A channel to a daemon was connected at `now`. Greets; once the daemon has answered, announces all windows in
    /// the order of their creation.
    pub fn connected(&mut self, now: Duration) {
        self.disconnected();
        self.now = self.now.max(now);
        let newest = Version::up_to(self.config.max_minor);
        self.offered = if core::mem::take(&mut self.plain_next) { newest.min(Version::BASE) } else { newest };
        self.outbox.push_raw(&self.offered.to_wire().to_le_bytes());
        let deadline = self.now.saturating_add(GREETING_TIMEOUT);
        self.link = Link::Greeting { partial: Vec::new(), deadline };
    }

    /// The channel is gone. The scene stays; buffers that only the old daemon still had are released.
    pub fn disconnected(&mut self) {
        self.link = Link::Down;
        self.framer = Framer::new(Version::NEWEST);
        self.outbox.clear();
        self.asked_sync = None;
        self.asked_runs.clear();
        self.files = Transfers::default();
        self.clipboard = None;
        self.waiting.clear();
        let mut removed: BTreeSet<_> = core::mem::take(&mut self.unacked).into_iter().collect();
        removed.retain(|(window, serial)| !self.windows.get(window).is_some_and(|known| known.has(*serial)));
        for (window, buffers) in core::mem::take(&mut self.dying) {
            removed.extend(buffers.into_iter().map(|serial| (window, serial)));
        }
        self.events
            .extend(removed.into_iter().map(|(window, serial)| AgentEvent::BufferRemoved { window, serial }));
        for (window, known) in &mut self.windows {
            known.forget_peer(*window, &mut self.events);
        }
    }

    /// Takes what the channel brought, cut anywhere.
    ///
    /// # Errors
    ///
    /// The first rule the daemon broke, again at every later call until [`AgentConn::connected`]. Not being
    /// connected is no error; the bytes are dropped.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Duration) -> Result<(), Violation> {
        self.handle_timeout(now)?;
        let handled = self.receive(bytes);
        handled.inspect_err(|violation| self.link = Link::Ended(violation.clone()))?;
        self.flush();
        Ok(())
    }

    /// Looks at the time. To be called at [`AgentConn::poll_timeout`].
    ///
    /// # Errors
    ///
    /// As [`AgentConn::handle_bytes`].
    pub fn handle_timeout(&mut self, now: Duration) -> Result<(), Violation> {
        self.now = self.now.max(now);
        if let Link::Greeting { deadline, .. } = self.link
            && deadline <= self.now
        {
            self.link = Link::Ended(Violation::NoGreeting { limit: GREETING_TIMEOUT });
        }
        match &self.link {
            Link::Ended(violation) => Err(violation.clone()),
            Link::Down | Link::Greeting { .. } | Link::Running(_) => Ok(()),
        }
    }

    /// When to call [`AgentConn::handle_timeout`], if nothing happens before: the greeting is late then.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match self.link {
            Link::Greeting { deadline, .. } => Some(deadline),
            Link::Down | Link::Running(_) | Link::Ended(_) => None,
        }
    }

    /// The next thing the daemon did.
    pub fn poll_event(&mut self) -> Option<AgentEvent> {
        self.events.pop_front()
    }

    /// Bytes for the channel. Say how many it took with [`AgentConn::transmitted`] before giving another command.
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        match self.link {
            Link::Greeting { .. } | Link::Running(_) => self.outbox.pending(),
            Link::Down | Link::Ended(_) => &[],
        }
    }

    /// The channel took this many bytes from the front of [`AgentConn::transmit`]. What has waited for room follows.
    pub fn transmitted(&mut self, count: usize) {
        self.outbox.take(count);
        self.flush();
    }

    /// A window's geometry: what the daemon said last, or what was asked for since.
    #[must_use]
    pub fn geometry(&self, window: WindowId) -> Option<Rect> {
        self.windows.get(&window).map(|known| known.geometry)
    }

    /// The level of the extension the ends speak; 0 if none, or while there is no link.
    #[must_use]
    pub fn level(&self) -> u16 {
        self.version().and_then(Version::level).unwrap_or_default()
    }

    /// Whether there is a daemon and it is agreed which version is spoken with it.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.version().is_some()
    }

    fn version(&self) -> Option<Version> {
        match self.link {
            Link::Running(version) => Some(version),
            Link::Down | Link::Greeting { .. } | Link::Ended(_) => None,
        }
    }

    fn send(&mut self, window: WindowId, message: &AgentMessage) {
        if let Some(version) = self.version() {
            self.outbox.push(message, window, version);
        }
    }

    fn has_room(&self) -> bool {
        self.outbox.pending().len() < BACKLOG
    }
}

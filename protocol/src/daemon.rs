//! The daemon's end of one link.
//!
//! The peer is hostile. What it says is checked here against the state of its windows, and comes out as events
//! that need no further check; the first broken rule ends the connection for good, with all its windows.
//!
//! Invariants:
//!
//! * Events of a window come only between its `Created` and its `Destroyed`.
//! * The work and memory one call causes are bounded by the bytes handed to it, and no call waits for the peer.
//! * One `CONFIGURE` at most is unanswered per window; the daemon's geometry wins over the agent's.
//! * Acknowledgements go out in the order of what they acknowledge.
//! * At level 1 a buffer is the caller's from the commit it is told of until it releases that one; a release for an
//!   earlier commit than the newest of a buffer is never sent.

pub(crate) mod commands;
pub(crate) mod extended;
mod files;
pub(crate) mod frames;
mod handle;
mod window;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::budget::Budget;
use crate::error::Violation;
use crate::files::Transfers;
use crate::framing::Framer;
use crate::limits::{GREETING_TIMEOUT, Limits, MAX_PENDING};
use crate::message::{AgentMessage, DaemonMessage, Message};
use crate::outbox::Outbox;
use crate::types::{
    BufferId, Commit, Cursor, CursorLook, FileList, FilesEnd, GrantRef, Image, PixelFormat,
    PointerConstraint, PointerNeeds, Positioner, Rect, Screen, SizeHints, WindowFlags, WindowId, Wish,
};
use crate::version::Version;
use crate::wire::{Reader, fill};
use window::Window;

/// What a daemon's end needs to know.
#[derive(Clone, Debug)]
pub struct DaemonConfig {
    /// Told to the agent.
    pub screen: Screen,
    /// What this agent may have.
    pub limits: Limits,
    /// The newest minor version to agree to, see [`Version::up_to`]: 8 is the protocol without the extension.
    pub max_minor: u16,
}

/// What an agent did, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DaemonEvent {
    /// The greetings are over.
    Connected {
        /// What both ends speak.
        version: Version,
    },
    /// A window exists, unmapped and without a buffer.
    Created {
        /// Its id.
        window: WindowId,
        /// The geometry it would like, within the limits. The agent takes it for granted: answer with
        /// [`DaemonConn::configure`] only to give it another.
        geometry: Rect,
        /// Whether it asks not to be managed: a menu or a tooltip.
        override_redirect: bool,
    },
    /// A window is gone, and so is its buffer.
    Destroyed {
        /// Its id.
        window: WindowId,
    },
    /// A window is to be shown.
    Mapped {
        /// Its id.
        window: WindowId,
        /// The existing window it belongs above.
        transient_for: Option<WindowId>,
        /// Whether it asks not to be managed; final until it is unmapped.
        override_redirect: bool,
    },
    /// A window is not to be shown any more, and its buffer is gone (except window 0's, which stays).
    Unmapped {
        /// Its id.
        window: WindowId,
    },
    /// The agent moved or resized a window by itself. Answer with [`DaemonConn::configure`], with this geometry or
    /// another: the agent believes in its own until then. Of several wishes in a row only the last may come.
    ConfigureRequested {
        /// Its id.
        window: WindowId,
        /// What it would like, within the limits.
        geometry: Rect,
    },
    /// The agent has taken on the geometry it was told.
    ConfigureAcked {
        /// Its id.
        window: WindowId,
        /// The geometry.
        geometry: Rect,
    },
    /// A window has a new buffer, of rows of `width` pixels of 4 bytes (B, G, R, unused) from the start of the first
    /// page. Answer with [`DaemonConn::buffer_done`], once and in order, when the references are mapped or never
    /// will be. All of it is to be drawn.
    Buffer {
        /// Its id.
        window: WindowId,
        /// Pixels; need not be the window's.
        width: u32,
        /// Pixels; need not be the window's.
        height: u32,
        /// One for each page, at least as many as the size needs.
        refs: Vec<GrantRef>,
    },
    /// A part of a window's buffer has changed.
    Damaged {
        /// Its id; it has a buffer.
        window: WindowId,
        /// Within the buffer, not empty.
        rect: Rect,
    },
    /// A window has a title.
    Title {
        /// Its id.
        window: WindowId,
        /// At most 1024 bytes (127 before level 1), no NUL; otherwise any text the agent likes, so sanitise before showing it.
        title: String,
    },
    /// An unmapped window says what it is.
    Class {
        /// Its id.
        window: WindowId,
        /// At most 63 bytes, no NUL; otherwise any text.
        class: String,
        /// Likewise.
        name: String,
    },
    /// A window says which sizes it likes.
    Hints {
        /// Its id.
        window: WindowId,
        /// What it said within the limits; the rest is left out.
        hints: SizeHints,
    },
    /// A window asks for states. At least one of the two is not empty, and they share no flag.
    FlagsRequested {
        /// Its id.
        window: WindowId,
        /// To enter.
        set: WindowFlags,
        /// To leave.
        unset: WindowFlags,
    },
    /// An unmapped window is an icon for the tray. It is shown without being mapped and never moves by itself.
    Docked {
        /// Its id.
        window: WindowId,
    },
    /// What the pointer looks like over a window.
    Cursor {
        /// Its id.
        window: WindowId,
        /// The look.
        cursor: Cursor,
    },
    /// The clipboard that [`DaemonConn::request_clipboard`] asked for.
    Clipboard {
        /// At most [`Limits::clipboard_bytes`], of any content; empty if there is nothing.
        data: Vec<u8>,
    },
    /// The clipboard asked for has more bytes than are taken.
    ClipboardTooLarge,
    /// A window has one more buffer in its pool: rows of `width` pixels of 4 bytes from the start of the first page.
    BufferAdded {
        /// Its id.
        window: WindowId,
        /// The buffer's.
        buffer: BufferId,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// What a pixel is.
        format: PixelFormat,
        /// One for each page, at least as many as the size needs.
        refs: Vec<GrantRef>,
    },
    /// A buffer has left a window's pool, also because the window is about to be [`Destroyed`]. If it is shown the
    /// content goes with it. Answer with [`DaemonConn::buffer_removed`] once its references are not looked at any more.
    ///
    /// [`Destroyed`]: DaemonEvent::Destroyed
    BufferRemoved {
        /// Its id.
        window: WindowId,
        /// The buffer's.
        buffer: BufferId,
    },
    /// A window is to be shown so from now on. Its buffer is the daemon's to read until [`DaemonConn::release`], also
    /// those of earlier commits that were not released. What is damaged is complete: if the window had no content, or
    /// another size, scale or source, it is all of the source.
    Committed {
        /// Its id.
        window: WindowId,
        /// How.
        commit: Commit,
    },
    /// A window says which application it is of.
    AppId {
        /// Its id.
        window: WindowId,
        /// At most 256 bytes, no NUL; otherwise any text the agent likes.
        app_id: String,
    },
    /// A window is a dialog of another, or not any more. Never of itself nor of its own dialogs.
    Parent {
        /// Its id.
        window: WindowId,
        /// A window that exists.
        parent: Option<WindowId>,
    },
    /// A window would like something.
    Wished {
        /// Its id.
        window: WindowId,
        /// What.
        wish: Wish,
    },
    /// A window is a popup, or is to be placed anew. Answer with [`DaemonConn::arrange`] and this token; place and
    /// size count from the parent's corner. Popups never stand on themselves, whatever is between.
    Popup {
        /// Its id.
        window: WindowId,
        /// The window it belongs to; exists, and never changes.
        parent: WindowId,
        /// For the answer; not 0.
        token: u32,
        /// Where it belongs.
        positioner: Positioner,
    },
    /// What the pointer looks like over a window, at level 1.
    CursorChanged {
        /// Its id.
        window: WindowId,
        /// The look.
        cursor: CursorLook,
    },
    /// A window has an icon, or none if it is empty.
    Icon {
        /// Its id.
        window: WindowId,
        /// The icon.
        icon: Image,
    },
    /// A window would like to hold the pointer.
    ConstrainPointer {
        /// Its id.
        window: WindowId,
        /// How.
        kind: PointerConstraint,
        /// Where, logical pixels from the window's corner; everywhere in the window if there is none.
        region: Option<Rect>,
    },
    /// What a window's client listens to; nothing before this.
    PointerNeeds {
        /// Its id.
        window: WindowId,
        /// What.
        needs: PointerNeeds,
    },
    /// What became of a command given with [`DaemonConn::run`].
    RunResult {
        /// The command's.
        token: u32,
        /// The process's id, or the error's number.
        result: Result<u32, u32>,
    },
    /// Answer with [`DaemonConn::sync_done`] when all events before this one have been handled.
    Sync {
        /// For the answer.
        token: u32,
    },
    /// The agent has handled all that was sent before [`DaemonConn::sync`].
    SyncDone {
        /// That one's.
        token: u32,
    },
    /// The agent would like to send files to another domain. Answer with [`DaemonConn::files_credit`] or
    /// [`DaemonConn::files_result`]; there is one such offer at a time.
    FilesOffered {
        /// For the answer.
        token: u32,
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
    /// The agent sends no more of the files. No answer is due.
    FilesEnded {
        /// The offer's.
        token: u32,
        /// Why: cancelled or failed.
        end: FilesEnd,
    },
    /// The agent takes more bytes of what [`DaemonConn::offer_files`] offered: [`DaemonConn::files_room`].
    FilesCredit {
        /// The offer's.
        token: u32,
        /// How many more.
        bytes: u32,
    },
    /// What became of what [`DaemonConn::offer_files`] offered; done only when all bytes were sent.
    FilesResult {
        /// The offer's.
        token: u32,
        /// It.
        end: FilesEnd,
    },
}

/// The daemon's end of one link.
///
/// Feed it with [`handle_bytes`](DaemonConn::handle_bytes) and [`handle_timeout`](DaemonConn::handle_timeout), give
/// commands, then drain [`poll_event`](DaemonConn::poll_event) and [`transmit`](DaemonConn::transmit). Commands for
/// windows that do not exist, or before the greetings are over, do nothing.
#[derive(Debug)]
pub struct DaemonConn {
    config: DaemonConfig,
    now: Duration,
    link: Link,
    framer: Framer<AgentMessage>,
    budget: Budget,
    windows: BTreeMap<WindowId, Window>,
    /// How many `Created` of an id the caller has not seen yet. It may still think of a predecessor then, so its
    /// commands for this id are not for the window there is.
    unseen: BTreeMap<WindowId, u32>,
    /// Pages in the buffers of all windows.
    pages: u32,
    /// What the agent is owed an acknowledgement for, oldest first.
    owed: VecDeque<Owed>,
    clipboard_requested: bool,
    /// The `SYNC` the agent has not answered.
    sync: Option<u32>,
    /// Commands of which the agent has not said what became.
    runs: BTreeSet<u32>,
    files: Transfers,
    events: VecDeque<DaemonEvent>,
    outbox: Outbox,
}

/// How far the link is.
#[derive(Debug)]
enum Link {
    /// Waiting for the agent's version; these bytes of it have come.
    Greeting { partial: Vec<u8>, deadline: Duration },
    /// The ends speak this version.
    Running(Version),
    /// The agent broke a rule, or does not read.
    Ended { violation: Violation, reported: bool },
}

/// An acknowledgement to be sent when all before it are.
#[derive(Debug)]
enum Owed {
    /// For a buffer; `done` once the caller has answered it.
    Dump { window: WindowId, done: bool },
    /// For a buffer of a pool; `done` once the caller has answered it. Of a destroyed window's nothing is `told`, as the
    /// window's own acknowledgement follows.
    Removal { window: WindowId, buffer: BufferId, pages: u32, told: bool, done: bool },
    /// For a destroyed window.
    Destroy { window: WindowId },
}

impl DaemonConn {
    /// The end of a channel that was connected at `now`.
    #[must_use]
    pub fn new(config: DaemonConfig, now: Duration) -> DaemonConn {
        let budget = Budget::new(config.limits.messages_per_second, config.limits.message_burst);
        DaemonConn {
            now,
            link: Link::Greeting { partial: Vec::new(), deadline: now.saturating_add(GREETING_TIMEOUT) },
            framer: Framer::new(Version::NEWEST),
            budget,
            windows: BTreeMap::new(),
            unseen: BTreeMap::new(),
            pages: 0,
            owed: VecDeque::new(),
            clipboard_requested: false,
            sync: None,
            runs: BTreeSet::new(),
            files: Transfers::default(),
            events: VecDeque::new(),
            outbox: Outbox::default(),
            config,
        }
    }

    /// Takes what the channel brought, cut anywhere.
    ///
    /// # Errors
    ///
    /// The first rule the agent broke, again at every later call; there are no events any more.
    pub fn handle_bytes(&mut self, bytes: &[u8], now: Duration) -> Result<(), Violation> {
        self.handle_timeout(now)?;
        let handled = self.receive(bytes);
        handled.map_err(|violation| self.end(violation, true))?;
        self.report()
    }

    /// Looks at the time. To be called at [`DaemonConn::poll_timeout`].
    ///
    /// # Errors
    ///
    /// As [`DaemonConn::handle_bytes`]: this is also where a caller learns that the agent does not read.
    pub fn handle_timeout(&mut self, now: Duration) -> Result<(), Violation> {
        self.now = self.now.max(now);
        if let Link::Greeting { deadline, .. } = self.link
            && deadline <= self.now
        {
            self.end(Violation::NoGreeting { limit: GREETING_TIMEOUT }, true);
        }
        self.report()
    }

    /// When to call [`DaemonConn::handle_timeout`], if nothing happens before: the greeting is late then, reading is
    /// wanted again, or the connection has ended without the caller knowing yet.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        match &self.link {
            Link::Greeting { deadline, .. } => Some(*deadline),
            Link::Running(_) => self.budget.is_spent(self.now).then(|| self.budget.refills_at()),
            Link::Ended { reported, .. } => (!reported).then_some(self.now),
        }
    }

    /// Whether to read from the channel. False while the agent's message budget is spent or it has too many buffers
    /// unanswered, so that the channel fills up and the agent waits: a flood slows its own domain only.
    #[must_use]
    pub fn wants_read(&self, now: Duration) -> bool {
        !matches!(self.link, Link::Ended { .. })
            && !self.budget.is_spent(self.now.max(now))
            && self.owed.len() < self.config.limits.unanswered_buffers
    }

    /// The next thing the agent did. Drain after every `handle_bytes`: nothing is bounded but by what one call of
    /// it was given.
    pub fn poll_event(&mut self) -> Option<DaemonEvent> {
        loop {
            let event = self.events.pop_front()?;
            match event {
                DaemonEvent::Created { window, .. } => self.see(window),
                DaemonEvent::Committed { window, ref commit } => {
                    if let Some(known) = self.seen(window) {
                        known.frames.see(commit);
                    }
                }
                // Agents ask several times in a row; to answer an earlier wish would only undo a later one.
                DaemonEvent::ConfigureRequested { window, geometry }
                    if !self.seen(window).is_some_and(|known| known.geometry.is_wish(geometry)) =>
                {
                    continue;
                }
                _ => {}
            }
            return Some(event);
        }
    }

    /// Bytes for the channel. Say how many it took with [`DaemonConn::transmitted`] before giving another command.
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        self.outbox.pending()
    }

    /// The channel took this many bytes from the front of [`DaemonConn::transmit`].
    pub fn transmitted(&mut self, count: usize) {
        self.outbox.take(count);
    }

    /// The level of the extension the ends speak; 0 if none, or while nothing is agreed.
    #[must_use]
    pub fn level(&self) -> u16 {
        self.version().and_then(Version::level).unwrap_or_default()
    }

    fn version(&self) -> Option<Version> {
        match self.link {
            Link::Running(version) => Some(version),
            Link::Greeting { .. } | Link::Ended { .. } => None,
        }
    }

    fn receive(&mut self, mut bytes: &[u8]) -> Result<(), Violation> {
        if let Link::Greeting { partial, .. } = &mut self.link {
            if !fill(partial, 4, &mut bytes) {
                return Ok(());
            }
            let offered = Version::from_wire(Reader::new(partial).u32().unwrap_or_default());
            self.greet(offered)?;
        }
        // Answering may end the link, if the agent does not take the answers.
        while matches!(self.link, Link::Running(_))
            && let Some((window, message)) = self.framer.pull(&mut bytes)?
        {
            self.handle(window, message)?;
        }
        Ok(())
    }

    /// Settles the version and answers the agent's greeting.
    fn greet(&mut self, offered: Version) -> Result<(), Violation> {
        let ours = Version::up_to(self.config.max_minor);
        if offered.major != ours.major {
            return Err(Violation::Version { theirs: offered, ours, lowest: 0 });
        }
        let version = ours.agree(offered);
        if version.daemon_tells_version() {
            self.outbox.push_raw(&version.to_wire().to_le_bytes());
        }
        let Screen { width, height, depth, mem_kib } = self.config.screen;
        for field in [width, height, depth, mem_kib] {
            self.outbox.push_raw(&field.to_le_bytes());
        }
        self.framer = Framer::new(version);
        self.link = Link::Running(version);
        self.events.push_back(DaemonEvent::Connected { version });
        Ok(())
    }

    /// Ends the connection and hands the reason back.
    fn end(&mut self, violation: Violation, reported: bool) -> Violation {
        self.link = Link::Ended { violation: violation.clone(), reported };
        self.windows.clear();
        self.unseen.clear();
        self.owed.clear();
        self.sync = None;
        self.runs.clear();
        self.files = Transfers::default();
        self.events.clear();
        self.outbox.clear();
        self.framer = Framer::new(Version::NEWEST);
        violation
    }

    fn report(&mut self) -> Result<(), Violation> {
        match &mut self.link {
            Link::Greeting { .. } | Link::Running(_) => Ok(()),
            Link::Ended { violation, reported } => {
                *reported = true;
                Err(violation.clone())
            }
        }
    }

    /// The window that the caller means by an id.
    fn seen(&mut self, window: WindowId) -> Option<&mut Window> {
        self.windows.get_mut(&window).filter(|_| !self.unseen.contains_key(&window))
    }

    /// The caller has learnt of a window.
    fn see(&mut self, window: WindowId) {
        let left = self.unseen.remove(&window).and_then(|unseen| unseen.checked_sub(1));
        if let Some(left @ 1..) = left {
            self.unseen.insert(window, left);
        }
    }

    /// Sends what the link's version has; tells whether it has it.
    fn send(&mut self, window: WindowId, message: &DaemonMessage) -> bool {
        let version = self.version().filter(|version| message.spoken().is_in(*version));
        if let Some(version) = version {
            self.outbox.push(message, window, version);
            self.check_pending();
        }
        version.is_some()
    }

    fn check_pending(&mut self) {
        let pending = self.outbox.pending().len();
        if pending > MAX_PENDING {
            self.end(Violation::DoesNotRead { pending, limit: MAX_PENDING }, false);
        }
    }
}

//! One window of the scene, and what of it the daemon has still to be told.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use bitflags::bitflags;

use super::{AgentEvent, BufferSerial, NewCommit};
use crate::types::{
    BufferId, CursorLook, Edges, GrantRef, Image, PixelFormat, PointerConstraint, PointerNeeds, Popup, Rect,
    SizeHints, WindowFlags, WindowId, Wish,
};

bitflags! {
    /// What is still to be told.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(super) struct Untold: u32 {
        const CREATE = 1 << 0;
        const UNMAP = 1 << 1;
        const CONFIGURE = 1 << 2;
        const POPUP = 1 << 3;
        const PARENT = 1 << 4;
        const CLASS = 1 << 5;
        const HINTS = 1 << 6;
        const ICON = 1 << 7;
        const BUFFERS = 1 << 8;
        const COMMIT = 1 << 9;
        const DOCK = 1 << 10;
        const MAP = 1 << 11;
        const TITLE = 1 << 12;
        const STATES = 1 << 13;
        const CURSOR = 1 << 14;
        const CONSTRAINT = 1 << 15;
        const NEEDS = 1 << 16;
    }
}

/// Whether a window is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not shown.
    Unmapped,
    /// Shown, above another window perhaps.
    Mapped { transient_for: Option<WindowId> },
    /// An icon in the tray.
    Docked,
}

/// A buffer in a window's pool.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    pub(super) serial: BufferSerial,
    /// Its name at level 1.
    pub(super) id: BufferId,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) format: PixelFormat,
    pub(super) refs: Vec<GrantRef>,
    /// Whether the program wants it back.
    pub(super) removed: bool,

    /// Whether a daemon of level 1 was told of it.
    pub(super) told: bool,
    /// Whether it was told that the buffer is to go.
    pub(super) told_removed: bool,
    /// The newest commit of it that a daemon of level 1 was told of, and has not released.
    pub(super) lent: Option<u64>,
}

bitflags! {
    /// States the agent asks for. The lower three are [`WindowFlags`].
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(super) struct Held: u32 {
        const FULLSCREEN = 1;
        const ATTENTION = 2;
        const MINIMISED = 4;
        const MAXIMISED = 8;
        const AT_TOP = 16;
        const AT_BOTTOM = 32;
        const AT_LEFT = 64;
        const AT_RIGHT = 128;
        /// Which edges of the work area it is tiled at.
        const TILED = 240;
        const AWAKE = 256;
        const MODAL = 512;
    }
}

impl From<WindowFlags> for Held {
    fn from(flags: WindowFlags) -> Held {
        Held::from_bits_truncate(flags.bits())
    }
}

impl Held {
    /// [`Edges`] have four bits, and lie above the other states.
    const TILED_SHIFT: u32 = 4;

    pub(super) fn tiled_at(edges: Edges) -> Held {
        Held::from_bits_truncate(edges.bits() << Self::TILED_SHIFT)
    }

    pub(super) fn tiled(self) -> Edges {
        Edges::from_bits_truncate(self.intersection(Held::TILED).bits() >> Self::TILED_SHIFT)
    }

    /// As [`WindowFlags`] has them on the wire.
    pub(super) fn flags(self) -> u32 {
        WindowFlags::from_bits_truncate(self.bits()).bits()
    }
}

/// States to enter and to leave; disjoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct StateChange {
    pub(super) set: Held,
    pub(super) unset: Held,
}

impl StateChange {
    pub(super) fn new(set: Held, unset: Held) -> StateChange {
        StateChange { set: set.difference(unset), unset }
    }

    fn applied_to(self, states: Held) -> Held {
        states.difference(self.unset).union(self.set)
    }

    /// This change, then `later`.
    fn then(self, later: StateChange) -> StateChange {
        StateChange::new(later.applied_to(self.set), self.unset.difference(later.set).union(later.unset))
    }
}

#[derive(Debug)]
pub(super) struct Window {
    /// Windows are announced in this order.
    pub(super) order: u64,
    pub(super) parent: Option<WindowId>,
    pub(super) override_redirect: bool,
    pub(super) stage: Stage,
    /// What both ends hold for true, or what was asked for since.
    pub(super) geometry: Rect,
    pub(super) pool: Vec<Buffer>,
    /// The window's content. What is damaged is what the daemon has not been told.
    pub(super) commit: Option<NewCommit>,
    pub(super) commit_serial: u64,
    pub(super) popup: Option<Popup>,
    pub(super) dialog_of: Option<WindowId>,
    pub(super) title: Option<String>,
    /// Class, or the application's id, and instance name.
    pub(super) class: Option<(String, String)>,
    pub(super) icon: Option<Image>,
    pub(super) hints: Option<SizeHints>,
    pub(super) cursor: CursorLook,
    pub(super) constraint: (PointerConstraint, Option<Rect>),
    pub(super) needs: PointerNeeds,
    /// States as far as known, once anybody spoke of them.
    states: Option<Held>,
    next_buffer: u32,
    /// The newest `ARRANGE`, counted over all links, and how many of those were of earlier ones.
    pub(super) arranged: u32,
    pub(super) arranged_before: u32,

    /// Whether the daemon knows of the window.
    pub(super) announced: bool,
    /// Whether the daemon was told of content, or to show it, and not to unmap it since.
    pub(super) unmap_matters: bool,
    pub(super) untold: Untold,
    pub(super) state_change: StateChange,
    /// Something to be done once, not to be told to the next daemon.
    pub(super) deed: Option<Wish>,
    /// Before level 1, the buffer that the daemon draws from.
    pub(super) dumped: Option<BufferSerial>,
    /// At level 1, the buffer of the newest commit it was told of.
    pub(super) shown_told: Option<BufferSerial>,
    /// The newest `ARRANGE` of this link that a commit named.
    pub(super) named: u32,
    /// The last geometry asked for, and the one in force then: the same is not asked for twice.
    pub(super) wish: Option<(Rect, Rect)>,
    /// Whether it stands in the line of what waits.
    pub(super) in_line: bool,
}

impl Window {
    pub(super) fn new(
        order: u64,
        geometry: Rect,
        parent: Option<WindowId>,
        override_redirect: bool,
    ) -> Window {
        Window {
            order,
            parent,
            override_redirect,
            stage: Stage::Unmapped,
            geometry,
            pool: Vec::new(),
            commit: None,
            commit_serial: 0,
            popup: None,
            dialog_of: None,
            title: None,
            class: None,
            icon: None,
            hints: None,
            cursor: CursorLook::default(),
            constraint: (PointerConstraint::None, None),
            needs: PointerNeeds::empty(),
            states: None,
            next_buffer: 0,
            arranged: 0,
            arranged_before: 0,
            announced: false,
            unmap_matters: false,
            untold: Untold::CREATE,
            state_change: StateChange::default(),
            deed: None,
            dumped: None,
            shown_told: None,
            named: 0,
            wish: None,
            in_line: false,
        }
    }

    /// The daemon that had been told about this window is gone: its successor is to be told all. What only the old one
    /// still had comes back.
    pub(super) fn forget_peer(&mut self, window: WindowId, events: &mut VecDeque<AgentEvent>) {
        let shown = self.shown();
        self.pool.retain_mut(|buffer| {
            let serial = buffer.serial;
            let stays = !buffer.removed || shown == Some(serial);
            (buffer.told, buffer.told_removed) = (false, false);
            if !stays {
                events.push_back(AgentEvent::BufferRemoved { window, serial });
            } else if buffer.lent.take().is_some() && !buffer.removed {
                events.push_back(AgentEvent::BufferReleased { window, serial });
            }
            stays
        });
        if let Some(commit) = &mut self.commit {
            commit.damage = Vec::from([commit.source]);
        }
        self.announced = false;
        self.unmap_matters = false;
        self.deed = None;
        self.dumped = None;
        self.shown_told = None;
        self.named = 0;
        self.arranged_before = self.arranged;
        self.wish = None;
        self.in_line = false;
        self.state_change = StateChange::new(self.states.unwrap_or_default(), Held::empty());
        self.untold = Untold::CREATE.union(Untold::CONFIGURE);
        self.untold.set(Untold::POPUP, self.popup.is_some());
        self.untold.set(Untold::PARENT, self.dialog_of.is_some());
        self.untold.set(Untold::BUFFERS, !self.pool.is_empty());
        self.untold.set(Untold::COMMIT, self.commit.is_some());
        self.untold.set(Untold::CLASS, self.class.is_some());
        self.untold.set(Untold::ICON, self.icon.is_some());
        self.untold.set(Untold::HINTS, self.hints.is_some());
        self.untold.set(Untold::DOCK, self.stage == Stage::Docked);
        self.untold.set(Untold::MAP, matches!(self.stage, Stage::Mapped { .. }));
        self.untold.set(Untold::TITLE, self.title.is_some());
        self.untold.set(Untold::STATES, self.states.is_some());
        self.untold.set(Untold::CURSOR, self.cursor != CursorLook::default());
        self.untold.set(Untold::CONSTRAINT, self.constraint.0 != PointerConstraint::None);
        self.untold.set(Untold::NEEDS, !self.needs.is_empty());
    }

    /// The buffers that a daemon is to have.
    pub(super) fn in_use(&self) -> impl Iterator<Item = &Buffer> {
        let shown = self.shown();
        self.pool.iter().filter(move |buffer| !buffer.removed || Some(buffer.serial) == shown)
    }

    /// Whether a buffer is in the pool, or on its way out of it.
    pub(super) fn has(&self, serial: BufferSerial) -> bool {
        self.pool.iter().any(|buffer| buffer.serial == serial)
    }

    /// The buffer that its content is in.
    pub(super) fn shown(&self) -> Option<BufferSerial> {
        self.commit.as_ref().map(|commit| commit.buffer)
    }

    /// Whether a daemon of level 1 has a buffer, or is to be told of its commit.
    pub(super) fn holds(&self, buffer: &Buffer) -> bool {
        buffer.lent.is_some() || self.untold.contains(Untold::COMMIT) && self.shown() == Some(buffer.serial)
    }

    /// A name for one more buffer.
    pub(super) fn next_buffer(&mut self) -> BufferId {
        let id = BufferId(self.next_buffer);
        self.next_buffer = self.next_buffer.wrapping_add(1);
        id
    }

    /// Asks for states; to be told.
    pub(super) fn ask_states(&mut self, change: StateChange) {
        self.know_states(change);
        self.state_change = self.state_change.then(change);
        self.untold.insert(Untold::STATES);
    }

    /// The states are changed so.
    pub(super) fn know_states(&mut self, change: StateChange) {
        self.states = Some(change.applied_to(self.states.unwrap_or_default()));
    }
}

//! One window of the scene, and what of it the daemon has still to be told.

use alloc::vec::Vec;

use bitflags::bitflags;

use super::BufferSerial;
use crate::limits::{CLASS_BYTES, MAX_DAMAGE_RECTS, TITLE_BYTES};
use crate::types::{Cursor, GrantRef, Rect, SizeHints, WindowFlags, WindowId};

bitflags! {
    /// What is still to be told, in the order of telling.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(super) struct Untold: u16 {
        const CREATE = 1 << 0;
        const UNMAP = 1 << 1;
        const CONFIGURE = 1 << 2;
        const BUFFER = 1 << 3;
        const CLASS = 1 << 4;
        const HINTS = 1 << 5;
        const DOCK = 1 << 6;
        const MAP = 1 << 7;
        const TITLE = 1 << 8;
        const FLAGS = 1 << 9;
        const DAMAGE = 1 << 10;
        const CURSOR = 1 << 11;
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

/// A window's pixels.
#[derive(Clone, Debug)]
pub(super) struct Buffer {
    pub(super) serial: BufferSerial,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) refs: Vec<GrantRef>,
}

/// States to enter and to leave; disjoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct FlagChange {
    pub(super) set: WindowFlags,
    pub(super) unset: WindowFlags,
}

impl FlagChange {
    pub(super) fn new(set: WindowFlags, unset: WindowFlags) -> FlagChange {
        FlagChange { set: set.difference(unset), unset }
    }

    fn applied_to(self, flags: WindowFlags) -> WindowFlags {
        flags.difference(self.unset).union(self.set)
    }

    /// This change, then `later`.
    fn then(self, later: FlagChange) -> FlagChange {
        FlagChange::new(later.applied_to(self.set), self.unset.difference(later.set).union(later.unset))
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
    pub(super) buffer: Option<Buffer>,
    pub(super) title: Option<[u8; TITLE_BYTES]>,
    pub(super) class: Option<([u8; CLASS_BYTES], [u8; CLASS_BYTES])>,
    pub(super) hints: Option<SizeHints>,
    pub(super) cursor: Cursor,
    /// States as far as known, once anybody spoke of them.
    flags: Option<WindowFlags>,

    /// Whether the daemon knows of the window.
    pub(super) announced: bool,
    /// Whether the daemon was told of a buffer, or to show it, and not to unmap it since.
    pub(super) unmap_matters: bool,
    pub(super) untold: Untold,
    pub(super) flag_change: FlagChange,
    pub(super) damage: Vec<Rect>,
    /// The last geometry asked for, and the one in force then: the same is not asked for twice.
    pub(super) wish: Option<(Rect, Rect)>,
    /// Whether it stands in the line of waiting windows.
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
            buffer: None,
            title: None,
            class: None,
            hints: None,
            cursor: Cursor::Default,
            flags: None,
            announced: false,
            unmap_matters: false,
            untold: Untold::CREATE,
            flag_change: FlagChange::default(),
            damage: Vec::new(),
            wish: None,
            in_line: false,
        }
    }

    /// The daemon that had been told about this window is gone: its successor is to be told all.
    pub(super) fn forget_peer(&mut self) {
        self.announced = false;
        self.unmap_matters = false;
        self.wish = None;
        self.in_line = false;
        self.damage.clear();
        self.flag_change = FlagChange::new(self.flags.unwrap_or_default(), WindowFlags::empty());
        self.untold = Untold::CREATE.union(Untold::CONFIGURE);
        self.untold.set(Untold::BUFFER, self.buffer.is_some());
        self.untold.set(Untold::CLASS, self.class.is_some());
        self.untold.set(Untold::HINTS, self.hints.is_some());
        self.untold.set(Untold::DOCK, self.stage == Stage::Docked);
        self.untold.set(Untold::MAP, matches!(self.stage, Stage::Mapped { .. }));
        self.untold.set(Untold::TITLE, self.title.is_some());
        self.untold.set(Untold::FLAGS, self.flags.is_some());
        self.untold.set(Untold::CURSOR, self.cursor != Cursor::Default);
    }

    /// Asks for states; to be told.
    pub(super) fn ask_flags(&mut self, change: FlagChange) {
        self.know_flags(change);
        self.flag_change = self.flag_change.then(change);
        self.untold.insert(Untold::FLAGS);
    }

    /// The states are changed so.
    pub(super) fn know_flags(&mut self, change: FlagChange) {
        self.flags = Some(change.applied_to(self.flags.unwrap_or_default()));
    }

    /// Adds a changed part of the buffer; to be told.
    pub(super) fn add_damage(&mut self, rect: Rect) {
        if self.damage.len() < MAX_DAMAGE_RECTS {
            self.damage.push(rect);
        } else {
            let all = self.damage.drain(..).fold(rect, Rect::union);
            self.damage.push(all);
        }
        self.untold.insert(Untold::DAMAGE);
    }
}

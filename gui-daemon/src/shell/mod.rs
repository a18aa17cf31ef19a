//! The desktop as geometry: which window is where, above which, and which one has the keyboard.
//!
//! Pure: no rendering, no protocol, no clock. Change things with the methods, then drain [`Shell::poll_effect`] until
//! it is empty. An operation on a window that does not exist, or to which it does not apply, does nothing. Every
//! number may come from a peer and may be anything.
//!
//! What always holds:
//! - A toplevel's frame encloses its content and adds to it on all four sides; a popup's lies inside its content.
//! - A toplevel on the desktop can be grabbed: part of its title band is on an output.
//! - What belongs to a window is directly above it: its popups and its dialogs.
//! - The focus is on a toplevel on the desktop, if there is one, or on an icon that the user clicked.
//! - What domains dock lies in cells of the tray, above the windows, and nothing that fills an output is under it.
//! - A window that draws at the sizes it is told has a frame of the size it has drawn, unless it is late with that.

mod focus;
pub mod frame;
pub mod geom;
mod grab;
mod hold;
mod layout;
mod placement;
pub mod popup;
mod stacking;
mod tile;
pub mod tray;
pub mod window;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use focus::Switcher;
pub use frame::{Button, FramePart, Hit, Metrics};
use geom::{Edges, Insets, Point, Rect};
use grab::Grab;
use hold::Answer;
pub use popup::Positioner;
use stacking::Windows;
pub use tile::Tile;
use tray::Tray;
pub use window::{Id, NewWindow, Owner, Role, SizeLimits, State, Window};

/// What the caller has to do after an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell the window's owner where its content is to be and how it is shown. If [`Window::is_awaited`] afterwards, the
    /// size waits for content that fits it.
    Configure {
        /// The window.
        id: Id,
        /// Its content's place and size to be.
        content: Rect,
        /// How it is shown.
        states: State,
    },
    /// Tell the window's owner whether it has the focus and is being resized.
    Restyled {
        /// The window.
        id: Id,
    },
    /// Move the keyboard focus.
    FocusChanged {
        /// The window that had it; may be gone.
        from: Option<Id>,
        /// The window that has it.
        to: Option<Id>,
    },
    /// Ask the window to close.
    Close {
        /// The window.
        id: Id,
    },
    /// Something visible moved, came, went or looks different: draw.
    Changed,
}

/// Which way to go through the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the window used last to those used before.
    Forward,
    /// The other way.
    Backward,
}

/// The window manager.
#[derive(Debug)]
pub struct Shell {
    metrics: Metrics,
    /// Never empty.
    outputs: Vec<Rect>,
    /// What of each of `outputs` windows may fill.
    work_areas: Vec<Rect>,
    tray: Tray,
    windows: Windows,
    /// All of `windows`, bottom to top.
    order: Vec<Id>,
    /// The mapped toplevels, the one used last first.
    recent: Vec<Id>,
    /// The windows that were placed by a [`Positioner`].
    positioned: BTreeSet<Id>,
    focused: Option<Id>,
    switcher: Option<Switcher>,
    grab: Option<Grab>,
    /// Where the pointer was last.
    pointer: Point,
    effects: Effects,
    next_id: u64,
}

/// What happened since the caller asked last. Names only, so that what is told is what is true at the time of asking,
/// and nothing piles up.
#[derive(Debug, Default)]
struct Effects {
    /// Windows that may have to be told something.
    configure: BTreeSet<Id>,
    /// Windows that got or lost the focus, or the pointer's hold.
    restyled: BTreeSet<Id>,
    /// Windows to close.
    close: BTreeSet<Id>,
    /// The focus as the caller knows it.
    focus: Option<Id>,
    changed: bool,
}

impl Shell {
    /// A desktop without windows on these outputs, in logical pixels. Measures are brought between 1 and 256, and
    /// outputs are taken as by [`Shell::set_outputs`].
    pub fn new(metrics: Metrics, outputs: Vec<Rect>) -> Self {
        let outputs = placement::usable(outputs);
        let pointer = outputs.first().map(|output| output.centre()).unwrap_or_default();
        Self {
            metrics: metrics.sane(),
            work_areas: outputs.clone(),
            tray: Tray::default(),
            outputs,
            windows: Windows::new(),
            order: Vec::new(),
            recent: Vec::new(),
            positioned: BTreeSet::new(),
            focused: None,
            switcher: None,
            grab: None,
            pointer,
            effects: Effects::default(),
            next_id: 0,
        }
    }

    /// Adds a window. It is not shown before it is mapped.
    pub fn add(&mut self, new: NewWindow) -> Id {
        let id = Id(self.next_id);
        self.next_id += 1;
        let content = placement::within_limits(new.content);
        let window = Window {
            id,
            owner: new.owner,
            role: Role::Toplevel,
            transient_for: None,
            content,
            frame: content,
            insets: Insets::default(),
            state: State::default(),
            mapped: false,
            modal: false,
            focused: false,
            normal: content,
            goal: content,
            shown: State::default(),
            told: (new.content, State::default()),
            patient: false,
            answer: Answer::default(),
            pulled: Edges::NONE,
            wants_popup: false,
            placed: new.placed,
            limits: SizeLimits::default(),
            may_fullscreen: false,
            popup_protection: new.owner != Owner::Dom0,
            maximised_instead: false,
            positioner: None,
        };
        self.windows.insert(id, window);
        self.order.push(id);
        self.set_role(id, new.role);
        id
    }

    /// Makes a window that is not mapped a toplevel or a popup, or docks it. A popup's parent must be of the same owner, or
    /// counts as none; a toplevel's is set by [`Shell::set_transient`].
    pub fn set_role(&mut self, id: Id, role: Role) {
        if role == Role::Icon {
            return self.dock(id);
        }
        let Some(window) = self.changeable(id) else { return };
        window.wants_popup = matches!(role, Role::Popup { .. });
        window.set_role(window.wants_popup, window.parent());
        if let Role::Popup { parent } = role {
            self.adopt(id, parent);
        }
        self.lay_out(id);
        self.settle();
    }

    /// Shows a window. A toplevel gets a place, if it has none, and comes forward with the focus, if it may. A popup
    /// is brought onto its output, or, if it is a domain's and would cover it, becomes a toplevel.
    pub fn map(&mut self, id: Id) {
        let Some(window) = self.changeable(id) else { return };
        window.mapped = true;
        window.set_role(window.wants_popup, window.parent());
        let (normal, placed) = (window.normal, window.placed);
        if window.is_popup() {
            self.place(id, normal);
        } else {
            self.remember(id);
            let place = if placed { normal } else { self.room_for(id, normal) };
            self.place(id, place);
        }
        self.go_ahead(id);
        if let Some(window) = self.windows.get_mut(&id) {
            window.placed = true;
        }
        self.come_forward(id);
        self.settle();
    }

    /// Takes a window off the desktop. It keeps its place. An icon stays.
    pub fn unmap(&mut self, id: Id) {
        let can_go = |window: &&mut Window| window.mapped && window.role != Role::Icon;
        if let Some(window) = self.windows.get_mut(&id).filter(can_go) {
            window.mapped = false;
            window.answer = Answer::default();
            self.go_ahead(id);
            self.effects.changed = true;
            self.settle();
        }
    }

    /// A window that is not mapped, and no icon.
    fn changeable(&mut self, id: Id) -> Option<&mut Window> {
        self.windows.get_mut(&id).filter(|window| !window.mapped && window.role != Role::Icon)
    }

    /// Forgets a window. What belonged to it belongs to what it belonged to.
    pub fn remove(&mut self, id: Id) {
        let Some(removed) = self.windows.remove(&id) else { return };
        for child in self.windows.values_mut().filter(|window| window.parent() == Some(id)) {
            child.set_parent(removed.parent());
        }
        self.forget_removed();
    }

    /// Forgets all windows of an owner.
    pub fn remove_owner(&mut self, owner: Owner) {
        self.windows.retain(|_, window| window.owner != owner);
        self.forget_removed();
    }

    fn forget_removed(&mut self) {
        let windows = &self.windows;
        let known = |id: &Id| windows.contains_key(id);
        self.order.retain(known);
        self.effects.close.retain(known);
        self.positioned.retain(known);
        self.forget_icons();
        self.effects.changed = true;
        self.settle();
    }

    /// The window of this name.
    pub fn window(&self, id: Id) -> Option<&Window> {
        self.windows.get(&id)
    }

    /// The next thing for the caller to do; `None` when all is done.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        while let Some(id) = self.effects.configure.pop_first() {
            let Some(window) = self.windows.get_mut(&id) else { continue };
            if let Some((content, states)) = window.tell() {
                return Some(Effect::Configure { id, content, states });
            }
        }
        if self.effects.focus != self.focused {
            let from = std::mem::replace(&mut self.effects.focus, self.focused);
            return Some(Effect::FocusChanged { from, to: self.focused });
        }
        if let Some(id) = self.effects.restyled.pop_first() {
            return Some(Effect::Restyled { id });
        }
        if let Some(id) = self.effects.close.pop_first() {
            return Some(Effect::Close { id });
        }
        std::mem::take(&mut self.effects.changed).then_some(Effect::Changed)
    }
}

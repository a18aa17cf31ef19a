//! What covers what.
//!
//! The order lists every window, bottom to top, shown or not. A window's popups and dialogs, and theirs in turn, follow
//! it without anything else in between: its family. So a family moves as a whole, a menu never hides behind a
//! stranger's window and a dialog never behind its own parent. Families are of one owner and have no cycles.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::iter::successors;
use std::ops::Range;

use super::Shell;
use super::frame::{self, Hit};
use super::geom::Point;
use super::window::{Id, Role, Window};

/// How deep popups and dialogs may be nested. Deeper ones become families of their own: no program's menus go that
/// deep, and walking up to the root has to stay cheap whatever a domain builds.
const MAX_DEPTH: usize = 16;

pub(super) type Windows = BTreeMap<Id, Window>;

/// The window and what it belongs to, upwards.
pub(super) fn chain(windows: &Windows, id: Id) -> impl Iterator<Item = &Window> {
    successors(windows.get(&id), |window| windows.get(&window.parent()?))
}

fn belongs_to(windows: &Windows, id: Id, ancestor: Id) -> bool {
    chain(windows, id).any(|window| window.id == ancestor)
}

/// Where in `order` the window lies with all that belongs to it.
fn family(windows: &Windows, order: &[Id], id: Id) -> Range<usize> {
    let start = order.iter().position(|other| *other == id).unwrap_or(order.len());
    let members = order.iter().skip(start).take_while(|other| belongs_to(windows, **other, id)).count();
    start..start + members
}

/// Moves the window with all that belongs to it to the top of its siblings. Returns whether that changed anything.
fn lift_among_siblings(windows: &Windows, order: &mut [Id], window: &Window) -> bool {
    let end = window.parent().map_or(order.len(), |parent| family(windows, order, parent).end);
    let own = family(windows, order, window.id);
    if let Some(span) = order.get_mut(own.start..end) {
        span.rotate_left(own.len());
    }
    own.end < end
}

/// Moves the window to the top, and what it belongs to with it. Returns whether that changed anything.
fn lift(windows: &Windows, order: &mut [Id], id: Id) -> bool {
    let mut moved = false;
    for window in chain(windows, id) {
        moved |= lift_among_siblings(windows, order, window);
    }
    moved
}

impl Shell {
    /// Puts a window above all others, together with what it belongs to and what belongs to it.
    pub fn raise(&mut self, id: Id) {
        self.effects.changed |= lift(&self.windows, &mut self.order, id);
    }

    /// Puts a window above what else belongs to its parent, and leaves the rest of the desktop alone.
    pub(super) fn raise_among_siblings(&mut self, id: Id) {
        if let Some(window) = self.windows.get(&id) {
            self.effects.changed |= lift_among_siblings(&self.windows, &mut self.order, window);
        }
    }

    /// Puts a window's family directly below that of `above`, another owner's.
    pub(super) fn lower_below(&mut self, id: Id, above: Id) {
        let root = |id| chain(&self.windows, id).last().map_or(id, |window| window.id);
        let (root, above) = (root(id), root(above));
        let own = family(&self.windows, &self.order, root);
        let start = family(&self.windows, &self.order, above).start;
        if own.start < start {
            self.order.get_mut(own.start..start).unwrap_or_default().rotate_left(own.len());
        } else {
            self.order.get_mut(start..own.end).unwrap_or_default().rotate_right(own.len());
        }
        self.effects.changed = true;
    }

    /// Makes a toplevel a dialog of `parent`, or of none: it stays above it and is hidden with it. A parent of
    /// another owner, one that would close a circle, or nesting deeper than 16 counts as none.
    pub fn set_transient(&mut self, id: Id, parent: Option<Id>) {
        if self.windows.get(&id).is_some_and(|window| !window.wants_popup) {
            self.adopt(id, parent);
            self.settle();
        }
    }

    /// Says whether a dialog is to be done with before its window is used again: then it gets the keyboard in its place.
    pub fn set_modal(&mut self, id: Id, modal: bool) {
        if let Some(window) = self.windows.get_mut(&id) {
            window.modal = modal;
        }
    }

    /// The window to be used when the user turns to this one: the topmost of its modal dialogs, and so on.
    pub(super) fn in_use(&self, id: Id) -> Id {
        let family = self.order.get(family(&self.windows, &self.order, id)).unwrap_or_default();
        let members = family.iter().rev().filter_map(|member| self.windows.get(member));
        let mut blocking = members.filter(|window| {
            let modal = |window: &Window| window.modal && window.is_toplevel() && window.mapped;
            // every window between must be modal as well: a dialog holds up its own window and no other
            chain(&self.windows, window.id).take_while(|above| above.id != id).all(modal)
        });
        blocking.next().map_or(id, |window| window.id)
    }

    /// Makes the window a child of `parent`, on top of its siblings, if that is possible; else of none.
    pub(super) fn adopt(&mut self, id: Id, parent: Option<Id>) {
        let parent = parent.filter(|parent| self.can_adopt(id, *parent));
        let Some(old) = self.windows.get(&id).map(Window::parent) else { return };
        if old == parent {
            return;
        }
        let own = family(&self.windows, &self.order, id);
        let root = chain(&self.windows, id).last().map_or(id, |window| window.id);
        if let Some(window) = self.windows.get_mut(&id) {
            window.set_parent(parent);
        }
        let moved: Vec<Id> = self.order.drain(own).collect();
        // without a new parent it stays as near as it can: directly above the family it leaves
        let end = family(&self.windows, &self.order, parent.unwrap_or(root)).end;
        self.order.splice(end..end, moved);
        self.effects.changed = true;
    }

    fn can_adopt(&self, id: Id, parent: Id) -> bool {
        let (Some(child), Some(above)) = (self.windows.get(&id), self.windows.get(&parent)) else {
            return false;
        };
        let depth = |id| chain(&self.windows, id).count();
        let members = self.order.get(family(&self.windows, &self.order, id)).unwrap_or_default();
        let height = members.iter().map(|member| depth(*member)).max().unwrap_or(0) + 1 - depth(id);
        child.owner == above.owner
            && child.role != Role::Icon
            && !belongs_to(&self.windows, parent, id)
            && depth(parent) + height <= MAX_DEPTH
    }

    /// Whether the window is on the desktop: wanted by its owner, and neither it nor what it belongs to minimised,
    /// save `awake` and what that belongs to.
    fn is_shown(&self, window: &Window, awake: Option<Id>) -> bool {
        let asleep = |window: &Window| {
            window.mapped
                && window.state.minimised
                && !awake.is_some_and(|awake| belongs_to(&self.windows, awake, window.id))
        };
        window.mapped && !chain(&self.windows, window.id).any(asleep)
    }

    /// Whether the window is on the desktop, previews aside.
    pub fn is_visible(&self, id: Id) -> bool {
        self.windows.get(&id).is_some_and(|window| self.is_shown(window, None))
    }

    /// The windows on the desktop, bottom to top. While the user goes through the windows with
    /// [`Shell::alt_tab`], the one chosen so far is on top, even if it is minimised.
    pub fn stack(&self) -> impl DoubleEndedIterator<Item = &Window> {
        let choice = self.alt_tab_choice();
        let mut order = Cow::Borrowed(self.order.as_slice());
        if let Some(choice) = choice {
            lift(&self.windows, order.to_mut(), choice);
        }
        if self.has_icons() {
            self.lift_strip(order.to_mut(), |window| self.is_shown(window, choice));
        }
        (0..order.len())
            .filter_map(move |place| self.windows.get(order.get(place)?))
            .filter(move |window| self.is_shown(window, choice))
    }

    /// Every window, bottom to top, shown or not.
    pub fn all_windows(&self) -> impl Iterator<Item = &Window> {
        self.order.iter().filter_map(|id| self.windows.get(id))
    }

    /// What lies topmost at a place.
    pub fn hit(&self, at: Point) -> Hit {
        self.stack()
            .rev()
            .map(|window| frame::hit(window, at))
            .find(|hit| *hit != Hit::Nothing)
            .unwrap_or(Hit::Nothing)
    }

    /// The toplevel or icon that a window is or belongs to, if it is to be shown: the one that has the keyboard for it.
    pub fn base_of(&self, id: Id) -> Option<Id> {
        let suits = |window: &&Window| window.mapped && !window.is_popup();
        chain(&self.windows, id).find(suits).map(|window| window.id)
    }
}

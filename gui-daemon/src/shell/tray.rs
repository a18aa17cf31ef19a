//! The tray: a strip at the lower right of the first output, with the icons that domains have docked.
//!
//! An icon has a cell, and neither its place nor its size is its owner's choice. What holds:
//! - The cells of the strip do not overlap, and lie whole on the first output, however many icons there are. An owner has
//!   [`MAX_SHOWN`] of them at most, and fewer where all would not fit; icons without a cell are not mapped.
//! - The strip lies above every window but for those that are fullscreen. What fills an output, title bands and popups
//!   stay clear of the rows it is in.
//! - An icon belongs to nothing. Its popups and dialogs belong to it, but are stacked as if they did not: only the icon
//!   itself has a place above the windows.
//!
//! The rows are kept free until the caller says that there has been no icon for long enough ([`Shell::end_tray`]):
//! whoever docks and undocks without end does not resize the others' windows with every turn.

use std::collections::BTreeSet;

use super::geom::{Point, Rect, Size};
use super::stacking::chain;
use super::window::{Id, Owner, Role, State, Window};
use super::{Hit, Shell, placement};

/// Side of an icon's content, in logical pixels: the usual size of icons in panels.
pub const ICON: i32 = 22;

/// Between cells, and from them to the output's edges.
const GAP: i32 = 2;

/// Icons of one owner that have cells: more than an honest domain has programs in the tray, and few enough that the
/// other domains' are not lost among them.
pub const MAX_SHOWN: usize = 16;

/// The strip takes no more than one in so many of its output's rows; an output that is too low for that has none.
const LEAST_SHARE: i32 = 8;

/// The icons, and the room that is kept for them.
#[derive(Debug, Default)]
pub(super) struct Tray {
    /// All that are docked, by owner and age.
    icons: BTreeSet<(Owner, Id)>,
    /// Whether the rows of the strip are kept free.
    has_room: bool,
    /// The icon that has the keyboard, if it has a popup.
    menu_of: Option<Id>,
}

impl Shell {
    /// Makes a window that is not mapped an icon of the tray, which it stays as long as it exists. Of what it asks for
    /// itself nothing counts any more.
    pub fn dock(&mut self, id: Id) {
        if !self.windows.get(&id).is_some_and(|window| !window.mapped && window.role != Role::Icon) {
            return;
        }
        self.adopt(id, None);
        let Some(window) = self.windows.get_mut(&id) else { return };
        window.role = Role::Icon;
        window.state = State::default();
        self.tray.icons.insert((window.owner, id));
        self.lay_out_tray();
        self.lay_out(id);
        self.settle();
    }

    /// Whether room is kept for icons, of which none is shown.
    pub fn tray_is_idle(&self) -> bool {
        self.tray.has_room && !self.shown_icons().any(|_| true)
    }

    /// Gives the room of a tray without icons back to the windows.
    pub fn end_tray(&mut self) {
        if self.tray_is_idle() {
            self.keep_room(false);
            self.settle();
        }
    }

    /// What windows may fill of an output: without the strip's rows, as long as room is kept for it.
    pub fn work_area(&self, output: Rect) -> Rect {
        let known = self.outputs.iter().zip(&self.work_areas).find(|(known, _)| **known == output);
        known.map_or(output, |(_, area)| *area)
    }

    /// What a popup of this window has room in: the whole output, if what it belongs to covers the strip.
    pub(super) fn room_around(&self, window: &Window, at: Rect) -> Rect {
        let output = placement::output_of(&self.outputs, at);
        if self.is_over_strip(window) { output } else { self.work_area(output) }
    }

    /// Brings the work areas in line with the outputs.
    pub(super) fn fit_work_areas(&mut self) {
        self.work_areas.clone_from(&self.outputs);
        if let Some(strip) = self.strip()
            && let Some(first) = self.work_areas.first_mut()
        {
            first.height = strip.y.saturating_sub(first.y);
        }
    }

    pub(super) fn forget_icons(&mut self) {
        let (before, windows) = (self.tray.icons.len(), &self.windows);
        self.tray.icons.retain(|(_, id)| windows.contains_key(id));
        if self.tray.icons.len() < before {
            self.lay_out_tray();
        }
    }

    /// Puts the icons into their cells.
    pub(super) fn lay_out_tray(&mut self) {
        let cells = self.cells();
        if !cells.is_empty() && !self.tray.has_room {
            self.keep_room(true);
        }
        let mut cells = cells.into_iter().peekable();
        for (_, id) in self.tray.icons.clone() {
            let cell = cells.next_if(|(shown, _)| *shown == id).map(|(_, cell)| cell);
            let Some(icon) = self.windows.get_mut(&id) else { continue };
            let place = cell.unwrap_or(icon.normal);
            if (icon.mapped, icon.normal) != (cell.is_some(), place) {
                (icon.mapped, icon.normal) = (cell.is_some(), place);
                self.lay_out(id);
            }
        }
        self.effects.changed = true;
    }

    /// The icons that have a cell, the ones at the right first, and where their content is.
    fn cells(&self) -> Vec<(Id, Rect)> {
        let Some(output) = self.outputs.first().filter(|output| self.has_rows(**output)) else {
            return Vec::new();
        };
        let (side, border) = (self.cell(), self.metrics.border);
        let columns = usize::try_from((output.width - GAP) / (side + GAP)).unwrap_or(0);
        let chosen = choose(self.tray.icons.iter().copied(), columns);
        let y = output.bottom() - GAP - side + border;
        let lefts = (1..).map(|column| output.right() - column * (side + GAP) + border);
        let places = lefts.map(|x| Rect::at(Point { x, y }, Size::new(ICON, ICON)));
        chosen.into_iter().zip(places).collect()
    }

    /// Side of a cell, frame included.
    fn cell(&self) -> i32 {
        ICON + 2 * self.metrics.border
    }

    fn has_rows(&self, output: Rect) -> bool {
        (self.cell() + 2 * GAP).saturating_mul(LEAST_SHARE) <= output.height
    }

    /// The rows of the first output that are kept for icons.
    fn strip(&self) -> Option<Rect> {
        let output = self.outputs.first().filter(|output| self.tray.has_room && self.has_rows(**output))?;
        let height = self.cell() + 2 * GAP;
        Some(Rect { y: output.bottom() - height, height, ..*output })
    }

    /// Takes the strip's rows from the windows, or gives them back.
    fn keep_room(&mut self, has_room: bool) {
        self.tray.has_room = has_room;
        self.fit_work_areas();
        let mapped = self.all_windows().filter(|window| window.mapped && window.role != Role::Icon);
        let mapped: Vec<(Id, Rect)> = mapped.map(|window| (window.id, window.normal)).collect();
        for (id, normal) in mapped {
            self.place(id, normal);
        }
    }

    pub(super) fn has_icons(&self) -> bool {
        !self.tray.icons.is_empty()
    }

    fn shown_icons(&self) -> impl Iterator<Item = Id> {
        let icons = self.tray.icons.iter().map(|(_, id)| *id);
        icons.filter(|id| self.windows.get(id).is_some_and(|icon| icon.mapped))
    }

    /// Whether the window, or what it belongs to, is one that covers the strip.
    fn is_over_strip(&self, window: &Window) -> bool {
        chain(&self.windows, window.id).any(|window| window.shown.fullscreen)
    }

    /// Moves the icons to where the strip is in an order of all windows, bottom to top: of those that reach its rows, above
    /// all but the fullscreen ones that nothing else lies above. `is_shown` says which windows are on the desktop.
    pub(super) fn lift_strip(&self, order: &mut Vec<Id>, is_shown: impl Fn(&Window) -> bool) {
        let icons: Vec<Id> = self.shown_icons().collect();
        let Some(strip) = self.strip().filter(|_| !icons.is_empty()) else { return };
        order.retain(|id| !icons.contains(id));
        let mut place = order.len();
        for (at, id) in order.iter().enumerate().rev() {
            let Some(window) = self.windows.get(id) else { continue };
            if window.frame.intersection(strip).is_empty() || !is_shown(window) {
                continue;
            }
            if !self.is_over_strip(window) {
                break;
            }
            place = at;
        }
        order.splice(place..place, icons);
    }

    /// Whether the window is an icon or one of its popups or dialogs.
    pub(super) fn is_of_tray(&self, id: Id) -> bool {
        chain(&self.windows, id).last().is_some_and(|root| root.role == Role::Icon)
    }

    /// The user presses on something. An icon that has the keyboard, and with it its menu, loses it unless that is its owner's.
    pub(super) fn leave_icon(&mut self, hit: &Hit) {
        let owner = |id: &Id| self.windows.get(id).map(|window| window.owner);
        let focused = self.focused.filter(|id| self.windows.get(id).is_some_and(|it| it.role == Role::Icon));
        let stays = matches!(hit, Hit::Content { id, .. } if owner(id) == focused.as_ref().and_then(owner));
        if focused.is_some() && !stays {
            self.focus_last_used();
            self.settle();
        }
    }

    /// Whether the last popup of the icon that has the keyboard has gone since this was asked last.
    pub(super) fn menu_has_closed(&mut self) -> bool {
        let icon = self.focused.filter(|id| self.windows.get(id).is_some_and(|it| it.role == Role::Icon));
        let of_icon = |window: &Window| chain(&self.windows, window.id).any(|it| Some(it.id) == icon);
        let mut windows = self.windows.values();
        let is_open =
            icon.is_some() && windows.any(|window| window.mapped && window.is_popup() && of_icon(window));
        let before = std::mem::replace(&mut self.tray.menu_of, icon.filter(|_| is_open));
        icon.is_some() && before == icon && !is_open
    }
}

/// Which icons have one of so many cells: the oldest of each owner, as many as fairness to the others leaves room for.
fn choose(icons: impl Iterator<Item = (Owner, Id)> + Clone, columns: usize) -> Vec<Id> {
    let oldest = |most: usize| {
        let mut of_owner = (None, 0_usize);
        icons.clone().filter_map(move |(owner, id)| {
            of_owner =
                if of_owner.0 == Some(owner) { (Some(owner), of_owner.1 + 1) } else { (Some(owner), 1) };
            (of_owner.1 <= most).then_some(id)
        })
    };
    let share = (1..=MAX_SHOWN).rev().find(|most| oldest(*most).count() <= columns).unwrap_or(1);
    oldest(share).take(columns).collect()
}

//! What X11 programs drag to Wayland's, Wayland's side of it; [`super::drag_from_x11`] is the other.
//!
//! As long as the button is held, the X server has the pointer, and the X11 program looks for a target in its own way. So
//! the Wayland program below the pointer hears of it when the button has been let go of: then what was dropped is
//! dragged over its window, and dropped there as soon as it says what it would do with it.

use std::{
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use gui_protocol::WindowId;
use smithay::{
    input::{Seat, pointer::GrabStartData},
    reexports::wayland_server::protocol::wl_data_device_manager::DndAction,
    utils::{Logical, Point, SERIAL_COUNTER},
    wayland::selection::data_device::{ServerDndGrabHandler, SourceMetadata, start_dnd},
};

use crate::{state::State, window::Window};

/// How long a program may take to say that it would take something, which is no more than an answer.
const ANSWER: Duration = Duration::from_secs(1);

/// How long it may then take to have all of it.
const TRANSFER: Duration = Duration::from_secs(10);

/// The kernel's number of the button that things are dragged with.
const LEFT: u32 = 0x110;

/// Something that was dropped and has not been taken.
pub(super) struct Drop {
    /// Whether the program has been told that it is dropped.
    told: bool,
    /// Whether it is to be told.
    due: bool,
    until: Instant,
}

impl super::XWayland {
    /// When something has to be given up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let to_x11 = self.to_x11.as_ref().and_then(|dragged| dragged.until);
        self.drop.as_ref().map(|drop| drop.until).into_iter().chain(to_x11).min()
    }
}

impl State {
    /// The pointer is there, with a button held that was pressed on this window.
    pub(crate) fn x11_drags_over(&mut self, id: WindowId, location: Point<f64, Logical>) {
        if !self.xwayland.manager().is_some_and(super::Manager::drags) {
            return;
        }
        let held = self.seat.get_pointer().is_some_and(|pointer| pointer.is_grabbed());
        let from = self.windows.get(id).and_then(Window::x11).filter(|_| held);
        let target = from.and_then(|_| self.windows.get(self.windows.topmost_at(location)?));
        let place = target.filter(|target| target.x11().is_none()).map(|target| target.geometry);
        let Some(manager) = self.xwayland.manager_mut() else { return };
        let let_go = !held && manager.is_over();
        manager.drag_over(place);
        if let_go {
            self.xwayland.let_go = Some(Instant::now());
        }
    }

    /// An X11 program has dropped something on a Wayland window.
    pub(super) fn x11_dropped(&mut self) {
        let kinds = self.xwayland.manager().map(super::Manager::dropped).unwrap_or_default();
        let Some(pointer) = self.seat.get_pointer() else { return };
        // word of it may come after the pointer has moved on
        let just_now = self.xwayland.let_go.take().is_some_and(|at| at.elapsed() < ANSWER);
        let by_user = just_now || self.xwayland.manager().is_some_and(super::Manager::is_over);
        let location = pointer.current_location();
        let target = self.windows.topmost_at(location);
        let target = target.filter(|id| self.windows.get(*id).is_some_and(|target| target.x11().is_none()));
        let under = target.and_then(|id| self.under(id, location));
        if kinds.is_empty() || under.is_none() || pointer.is_grabbed() || !by_user {
            return self.finish_x11_drop(false);
        }
        self.xwayland.drop = Some(Drop { told: false, due: false, until: Instant::now() + ANSWER });
        let metadata = SourceMetadata { mime_types: kinds, dnd_action: DndAction::Copy };
        let start = GrabStartData { focus: None, button: LEFT, location };
        let (display, seat) = (self.display.clone(), self.seat.clone());
        start_dnd(&display, &seat, self, SERIAL_COUNTER.next_serial(), Some(start), None, metadata);
        self.point_at(under, location);
    }

    fn finish_x11_drop(&mut self, taken: bool) {
        self.xwayland.drop = None;
        if let Some(manager) = self.xwayland.manager_mut() {
            manager.drag_over(None);
            manager.finish_drop(taken);
        }
    }

    /// Tells a program of what was dropped if it would take it, and gives up what takes too long.
    pub(super) fn serve_x11_drop(&mut self) {
        let Some(drop) = &mut self.xwayland.drop else { return };
        let late = drop.until <= Instant::now();
        match drop.told {
            false if std::mem::take(&mut drop.due) || late => self.end_x11_drag(),
            true if late => self.finish_x11_drop(false),
            _ => {}
        }
    }

    /// Ends the drag over a Wayland window: by a drop, or, if its program has not said that it wants any, without.
    fn end_x11_drag(&mut self) {
        if let Some(pointer) = self.seat.get_pointer() {
            pointer.unset_grab(self, SERIAL_COUNTER.next_serial(), self.frames.millis());
            self.look_again = true;
        }
    }

    /// There is no X server any more that anything could be had from.
    pub(super) fn forget_x11_drop(&mut self) {
        if self.xwayland.drop.take().is_some_and(|drop| !drop.told) {
            self.end_x11_drag();
        }
    }
}

impl ServerDndGrabHandler for State {
    fn action(&mut self, action: DndAction, _: Seat<Self>) {
        if let Some(drop) = &mut self.xwayland.drop {
            // not at once: this is said within what is done then
            drop.due = !action.is_empty();
        }
    }

    fn dropped(&mut self, _: Seat<Self>) {
        if let Some(drop) = &mut self.xwayland.drop {
            (drop.told, drop.until) = (true, Instant::now() + TRANSFER);
        }
    }

    fn cancelled(&mut self, _: Seat<Self>) {
        self.finish_x11_drop(false);
    }

    fn send(&mut self, kind: String, pipe: OwnedFd, _: Seat<Self>) {
        let number = self.xwayland.manager_mut().and_then(|manager| manager.fetch_dropped(&kind));
        // without one the pipe is closed, which says that there is nothing
        number.map(|number| self.xwayland.fetching.insert(number, pipe));
    }

    fn finished(&mut self, _: Seat<Self>) {
        self.finish_x11_drop(true);
    }
}

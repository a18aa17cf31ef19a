//! Popups: where they go, when they move, and who holds the input while one is open.
//!
//! The GUI domain sees a popup as a window of its own that its window manager keeps its hands off
//! (override-redirect). So it is the agent that keeps it on the screen, by the client's positioner, and that moves it
//! along with its parent.

use smithay::{
    desktop::{
        PopupGrab, PopupKeyboardGrab, PopupKind, PopupPointerGrab, PopupUngrabStrategy,
        find_popup_root_surface,
    },
    input::pointer::Focus,
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{IsAlive, Logical, Point, Rectangle, SERIAL_COUNTER, Serial},
    wayland::{
        compositor::with_states,
        shell::xdg::{PopupSurface, PositionerState, XdgPopupSurfaceData},
    },
};

use wayland_guard::admit_popup;

use super::output;
use crate::{state::State, surface::has_content};

/// Where a popup goes relative to its parent's window geometry, as last configured and acknowledged.
pub(crate) fn offset(popup: &PopupSurface) -> Point<i32, Logical> {
    with_states(popup.wl_surface(), |states| {
        let attributes = states.data_map.get::<XdgPopupSurfaceData>().and_then(|data| data.lock().ok());
        attributes.map_or_else(Point::default, |attributes| attributes.current.geometry.loc)
    })
}

impl State {
    pub(super) fn popup_created(&mut self, popup: PopupSurface) {
        if admit_popup(&popup) {
            // fails only for a parent that is gone, and this one is not
            let _ = self.popups.track_popup(PopupKind::Xdg(popup));
        }
    }

    /// A popup's surface was committed: configure it, show it, redraw it or take it away.
    pub(super) fn popup_committed(&mut self, surface: &WlSurface) {
        let popups = self.globals.xdg_shell.popup_surfaces();
        let Some(popup) = popups.iter().find(|it| it.wl_surface() == surface).cloned() else { return };
        match (self.windows.of_surface(surface), has_content(surface)) {
            (Some(_), false) => self.unmap(surface),
            (Some(id), true) => self.windows.touch(id),
            (None, true) if popup.ensure_configured() => self.map_popup(popup),
            (None, true) => {}
            (None, false) if !popup.is_initial_configure_sent() => self.configure_popup(&popup),
            (None, false) => {}
        }
    }

    fn configure_popup(&mut self, popup: &PopupSurface) {
        let positioner = popup.with_pending_state(|state| state.positioner);
        match self.constrain(popup, &positioner) {
            Some(geometry) => {
                popup.with_pending_state(|state| state.geometry = geometry);
                // fails only for a popup that was configured before, and this one was not
                let _ = popup.send_configure();
            }
            // nothing to be placed by: the parent is not shown (any more)
            None => popup.send_popup_done(),
        }
    }

    pub(super) fn popup_repositioned(
        &mut self,
        popup: &PopupSurface,
        positioner: PositionerState,
        token: u32,
    ) {
        let geometry = self.constrain(popup, &positioner).unwrap_or_else(|| positioner.get_geometry());
        popup.with_pending_state(|state| {
            state.positioner = positioner;
            state.geometry = geometry;
        });
        popup.send_repositioned(token);
    }

    /// The place of a popup, relative to its parent, that keeps it on the screen as its positioner allows.
    fn constrain(
        &self,
        popup: &PopupSurface,
        positioner: &PositionerState,
    ) -> Option<Rectangle<i32, Logical>> {
        let parent = self.windows.of_surface(&popup.get_parent_surface()?)?;
        let parent = self.windows.get(parent)?;
        let mut screen = output::screen(&self.output);
        screen.loc -= parent.position();
        Some(positioner.get_unconstrained_geometry(screen))
    }

    /// A window moved: its popups move with it, and those that asked for it are fitted to the screen again.
    pub(crate) fn move_popups_of(&mut self, parent: &WlSurface) {
        let children: Vec<_> = self.globals.xdg_shell.popup_surfaces().to_vec();
        for popup in children.into_iter().filter(|it| it.get_parent_surface().as_ref() == Some(parent)) {
            let positioner = popup.with_pending_state(|state| state.positioner);
            if positioner.reactive
                && popup.is_initial_configure_sent()
                && let Some(geometry) = self.constrain(&popup, &positioner)
            {
                popup.with_pending_state(|state| state.geometry = geometry);
                // refused for clients too old to be configured twice; they stay where they are
                let _ = popup.send_pending_configure();
            }
            if let Some(id) = self.windows.of_surface(popup.wl_surface()) {
                self.place_popup(id);
            }
        }
    }

    pub(super) fn popup_gone(&mut self, popup: &PopupSurface) {
        self.unmap(popup.wl_surface());
        self.popups.cleanup();
        self.grab_changed();
    }

    /// A client wants its popup to hold the input until it is done with.
    pub(super) fn popup_wants_grab(&mut self, popup: PopupSurface, serial: Serial) {
        let kind = PopupKind::Xdg(popup);
        let Ok(root) = find_popup_root_surface(&kind) else { return };
        let Ok(mut grab) = self.popups.grab_popup(root.clone(), kind, &self.seat, serial) else { return };
        let (Some(keyboard), Some(pointer)) = (self.seat.get_keyboard(), self.seat.get_pointer()) else {
            return;
        };
        let previous = grab.previous_serial().unwrap_or(serial);
        let foreign = |grabbed: bool, by_us: bool| grabbed && !by_us;
        if foreign(keyboard.is_grabbed(), keyboard.has_grab(serial) || keyboard.has_grab(previous))
            || foreign(pointer.is_grabbed(), pointer.has_grab(serial) || pointer.has_grab(previous))
        {
            grab.ungrab(PopupUngrabStrategy::All);
            return;
        }
        // keys go to the popup only if they went to its window before: focus is the GUI domain's to give
        if self.focused.as_ref() == Some(&root) {
            keyboard.set_focus(self, grab.current_grab(), serial);
            keyboard.set_grab(self, PopupKeyboardGrab::new(&grab), serial);
        }
        pointer.set_grab(self, PopupPointerGrab::new(&grab), serial, Focus::Keep);
        self.grab = Some(grab);
    }

    /// Dismisses the open popups that hold the input: the user went elsewhere.
    pub(crate) fn dismiss_popups(&mut self) {
        if let Some(mut grab) = self.grab.take() {
            grab.ungrab(PopupUngrabStrategy::All);
            self.release_grabs();
        }
    }

    /// A popup went away: gives the keyboard to the one below it, or back to the window.
    fn grab_changed(&mut self) {
        let Some(grab) = self.grab.take() else { return };
        if grab.has_ended() {
            self.release_grabs();
            return;
        }
        if let Some(keyboard) = self.seat.get_keyboard().filter(|it| it.is_grabbed()) {
            keyboard.set_focus(self, grab.current_grab(), SERIAL_COUNTER.next_serial());
        }
        self.grab = Some(grab);
    }

    fn release_grabs(&mut self) {
        let serial = SERIAL_COUNTER.next_serial();
        if let Some(pointer) = self.seat.get_pointer().filter(|it| it.is_grabbed()) {
            pointer.unset_grab(self, serial, self.frames.millis());
        }
        if let Some(keyboard) = self.seat.get_keyboard() {
            if keyboard.is_grabbed() {
                keyboard.unset_grab(self);
            }
            let focus = self.focused.clone().filter(IsAlive::alive);
            keyboard.set_focus(self, focus, serial);
        }
    }
}

/// The input a popup holds, see [`State::popup_wants_grab`].
pub(crate) type Grab = PopupGrab<State>;

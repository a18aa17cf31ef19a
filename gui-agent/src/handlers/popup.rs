//! Popups: where they go, when they move, and who holds the input while one is open.
//!
//! With a daemon of Transom's own, the GUI domain places them: a popup is announced with its client's positioner when it
//! is first committed, and configured once the GUI domain has answered; the same when it is repositioned. Where it is
//! then, relative to its parent, is the GUI domain's word.
//!
//! To a daemon of the base protocol, a popup is a window of its own that its window manager keeps its hands off
//! (override-redirect). There it is the agent that keeps it on the screen, by the client's positioner, and that moves
//! it along with its parent; as it does when nobody is there to ask.

use std::sync::atomic::{AtomicBool, Ordering};

use gui_protocol::{Arrange, Positioner, WindowId, limits};
use smithay::{
    desktop::{
        PopupGrab, PopupKeyboardGrab, PopupKind, PopupManager, PopupPointerGrab, PopupUngrabStrategy,
        find_popup_root_surface,
    },
    input::pointer::Focus,
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{IsAlive, Logical, Point, Rectangle, SERIAL_COUNTER, Serial, Size},
    wayland::{
        compositor::with_states,
        shell::xdg::{PopupSurface, PositionerState, XdgPopupSurfaceData},
    },
};

use tracing::{debug, warn};
use wayland_guard::{admit_popup, admit_positioner};

use crate::{
    keymap::KeyFocus,
    state::State,
    surface::has_content,
    window::{Role, to_rect},
};

/// The most popups announced that have no content yet. Programs open them one by one, and each is a window to the GUI
/// domain, which ends the link of a domain with too many.
const MAX_ANNOUNCED: usize = 64;

/// Where a popup goes relative to its parent's window geometry, as last configured and acknowledged; as last configured
/// if its client has acknowledged nothing.
pub(crate) fn offset(popup: &PopupSurface) -> Point<i32, Logical> {
    with_states(popup.wl_surface(), |states| {
        let attributes = states.data_map.get::<XdgPopupSurfaceData>().and_then(|data| data.lock().ok());
        attributes.map_or_else(Point::default, |attributes| match attributes.pending_configures().last() {
            Some(configure) if !attributes.configured => configure.state.geometry.loc,
            _ => attributes.current.geometry.loc,
        })
    })
}

/// What the GUI domain knows of popups that are not windows yet, and has been asked about popups.
#[derive(Default)]
pub(crate) struct Placings {
    /// Announced and without content so far.
    announced: Vec<(PopupSurface, WindowId)>,
    /// Questions without an answer, the last one of each popup.
    asked: Vec<Asked>,
}

/// Where a popup is to go.
struct Asked {
    popup: PopupSurface,
    positioner: PositionerState,
    token: u32,
    /// The client's own token, if it repositions the popup.
    reposition: Option<u32>,
}

/// Whether the client has asked for the input before the popup's first commit. Kept with the surface.
#[derive(Default)]
struct WantsGrab(AtomicBool);

fn wants_grab(popup: &PopupSurface) -> bool {
    with_states(popup.wl_surface(), |states| {
        states.data_map.get::<WantsGrab>().is_some_and(|wants| wants.0.load(Ordering::Relaxed))
    })
}

fn set_wants_grab(popup: &PopupSurface, wants: bool) {
    with_states(popup.wl_surface(), |states| {
        states.data_map.get_or_insert_threadsafe(WantsGrab::default).0.store(wants, Ordering::Relaxed);
    });
}

/// A client's positioner in the protocol's terms. The guard has brought its numbers into bounds.
fn to_wire(positioner: &PositionerState, grab: bool) -> Positioner {
    let Size { w, h, .. } = positioner.rect_size;
    Positioner {
        anchor_rect: to_rect(positioner.anchor_rect),
        width: w.unsigned_abs().clamp(1, limits::MAX_WIDTH),
        height: h.unsigned_abs().clamp(1, limits::MAX_HEIGHT),
        anchor: positioner.anchor_edges as u32,
        gravity: positioner.gravity as u32,
        constraint: positioner.constraint_adjustment.bits(),
        offset_x: positioner.offset.x,
        offset_y: positioner.offset.y,
        reactive: positioner.reactive,
        grab,
    }
}

impl State {
    pub(super) fn popup_created(&mut self, popup: PopupSurface, positioner: &PositionerState) {
        // a panel's popup gets its parent after it was made
        let is_to_come = self.layers.offered_to(popup.wl_surface()) && popup.get_parent_surface().is_none();
        if (is_to_come || admit_popup(&popup)) && admit_positioner(&popup, positioner) {
            set_wants_grab(&popup, false);
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
            (Some(id), true) => self.window_committed(id),
            // the rule is to wait for the configure and agree to it; nothing here depends on that
            (None, true) if popup.is_initial_configure_sent() => self.map_popup(popup),
            // shown when the GUI domain has placed it
            (None, _) if self.is_announced(surface) => {}
            (None, _) => {
                if !popup.is_initial_configure_sent() {
                    self.announce_popup(&popup);
                }
                self.show_placed(&popup);
            }
        }
    }

    /// Shows a popup whose content came before its place was known.
    pub(crate) fn show_placed(&mut self, popup: &PopupSurface) {
        let surface = popup.wl_surface();
        if popup.is_initial_configure_sent()
            && has_content(surface)
            && self.windows.of_surface(surface).is_none()
        {
            self.map_popup(popup.clone());
        }
    }

    /// A new popup wants to know where it goes.
    fn announce_popup(&mut self, popup: &PopupSurface) {
        let positioner = popup.with_pending_state(|state| state.positioner);
        let parent = popup.get_parent_surface().and_then(|parent| self.windows.of_surface(&parent));
        let Some((parent, corner)) = parent.and_then(|id| Some((id, self.windows.get(id)?.position())))
        else {
            // nothing to be placed by: the parent is not shown (any more)
            return popup.send_popup_done();
        };
        if !self.link.is_extended() {
            return self.place_alone(popup, positioner, None);
        }
        if self.placings.announced.len() >= MAX_ANNOUNCED {
            debug!("too many popups without content; one more is not shown");
            return popup.send_popup_done();
        }
        let id = self.windows.next_id();
        let mut geometry = positioner.get_geometry();
        geometry.loc += corner;
        if let Err(error) = self.link.conn.create(id, to_rect(geometry), Some(parent), true) {
            warn!("popup {id} cannot be announced: {error}");
            return popup.send_popup_done();
        }
        self.placings.announced.push((popup.clone(), id));
        self.ask(id, parent, popup, positioner, None);
    }

    fn ask(
        &mut self,
        id: WindowId,
        parent: WindowId,
        popup: &PopupSurface,
        positioner: PositionerState,
        reposition: Option<u32>,
    ) {
        self.placings.asked.retain(|it| it.popup != *popup);
        match self.link.conn.popup(id, parent, to_wire(&positioner, wants_grab(popup))) {
            // the GUI domain has it on another parent, which is gone
            0 => self.place_alone(popup, positioner, reposition),
            token => self.placings.asked.push(Asked { popup: popup.clone(), positioner, token, reposition }),
        }
    }

    pub(super) fn popup_repositioned(
        &mut self,
        popup: &PopupSurface,
        positioner: PositionerState,
        token: u32,
    ) {
        if !admit_positioner(popup, &positioner) {
            return;
        }
        let id = self.window_of_popup(popup.wl_surface());
        let parent = popup.get_parent_surface().and_then(|parent| self.windows.of_surface(&parent));
        match (id, parent) {
            (Some(id), Some(parent)) if self.link.is_extended() => {
                self.ask(id, parent, popup, positioner, Some(token));
            }
            _ => self.place_alone(popup, positioner, Some(token)),
        }
    }

    /// The GUI domain has placed a popup, or moved it. Returns the serial of what the client is told of it, if anything.
    pub(crate) fn popup_arranged(&mut self, popup: &PopupSurface, arrange: &Arrange) -> Option<Serial> {
        let asked = &mut self.placings.asked;
        let (positioner, reposition) = match asked.iter().position(|it| it.popup == *popup) {
            Some(at) if asked.get(at).is_some_and(|it| it.token == arrange.token) => {
                let Asked { positioner, reposition, .. } = asked.swap_remove(at);
                (positioner, reposition)
            }
            // the answer to what was asked last is still to come
            Some(_) => return None,
            None => (popup.with_pending_state(|state| state.positioner), None),
        };
        let side = |told: u32, own: i32| i32::try_from(told).ok().filter(|told| *told > 0).unwrap_or(own);
        let size = Size::from((
            side(arrange.width, positioner.rect_size.w),
            side(arrange.height, positioner.rect_size.h),
        ));
        let geometry = Rectangle::new((arrange.x, arrange.y).into(), size);
        configure(popup, positioner, geometry, reposition)
    }

    /// Nobody is there any more who could answer: the agent does.
    pub(crate) fn place_what_was_asked(&mut self) {
        for Asked { popup, positioner, reposition, .. } in std::mem::take(&mut self.placings.asked) {
            self.place_alone(&popup, positioner, reposition);
            self.show_placed(&popup);
        }
    }

    /// Places a popup without the GUI domain.
    fn place_alone(&self, popup: &PopupSurface, positioner: PositionerState, reposition: Option<u32>) {
        let geometry = self.constrain(popup, &positioner).unwrap_or_else(|| positioner.get_geometry());
        configure(popup, positioner, geometry, reposition);
    }

    /// The place of a popup, relative to its parent, that keeps it on the screen as its positioner allows.
    fn constrain(
        &self,
        popup: &PopupSurface,
        positioner: &PositionerState,
    ) -> Option<Rectangle<i32, Logical>> {
        let parent = self.windows.of_surface(&popup.get_parent_surface()?)?;
        let parent = self.windows.get(parent)?;
        let mut screen = self.outputs.screen();
        screen.loc -= parent.position();
        Some(positioner.get_unconstrained_geometry(screen))
    }

    /// A window moved: its popups move with it, and those that asked for it are fitted to the screen again.
    pub(crate) fn move_popups_of(&mut self, parent: &WlSurface) {
        let children: Vec<_> = self.globals.xdg_shell.popup_surfaces().to_vec();
        for popup in children.into_iter().filter(|it| it.get_parent_surface().as_ref() == Some(parent)) {
            let positioner = popup.with_pending_state(|state| state.positioner);
            if positioner.reactive && popup.is_initial_configure_sent() && !self.link.is_extended() {
                self.place_alone(&popup, positioner, None);
            }
            if let Some(id) = self.windows.of_surface(popup.wl_surface()) {
                self.place_popup(id);
            }
        }
    }

    /// Tells the GUI domain of a popup that it has been shown without being asked, for the time it can answer.
    pub(crate) fn tell_popup(&mut self, id: WindowId, popup: &PopupSurface) {
        let parent = popup.get_parent_surface().and_then(|parent| self.windows.of_surface(&parent));
        if let Some(parent) = parent {
            let positioner = popup.with_pending_state(|state| state.positioner);
            self.link.conn.popup(id, parent, to_wire(&positioner, wants_grab(popup)));
        }
    }

    fn is_announced(&self, surface: &WlSurface) -> bool {
        self.placings.announced.iter().any(|(popup, _)| popup.wl_surface() == surface)
    }

    /// The id under which a popup has been announced, which is a window from now on.
    pub(crate) fn take_announced(&mut self, surface: &WlSurface) -> Option<WindowId> {
        let announced = &mut self.placings.announced;
        let position = announced.iter().position(|(popup, _)| popup.wl_surface() == surface)?;
        Some(announced.swap_remove(position).1)
    }

    /// The popup of this id, announced or shown.
    pub(crate) fn popup_of(&self, id: WindowId) -> Option<PopupSurface> {
        let announced = self.placings.announced.iter().find(|(_, it)| *it == id).map(|(popup, _)| popup);
        let shown = || match &self.windows.get(id)?.role {
            Role::Popup { popup } => Some(popup),
            Role::Toplevel { .. } | Role::Layer { .. } | Role::Input | Role::X11 { .. } => None,
        };
        announced.or_else(shown).cloned()
    }

    fn window_of_popup(&self, surface: &WlSurface) -> Option<WindowId> {
        let announced = self.placings.announced.iter().find(|(popup, _)| popup.wl_surface() == surface);
        announced.map(|(_, id)| *id).or_else(|| self.windows.of_surface(surface))
    }

    /// A popup is gone, or its content is: takes back what the GUI domain was told in advance.
    pub(crate) fn forget_placing(&mut self, surface: &WlSurface) {
        self.placings.asked.retain(|it| it.popup.wl_surface() != surface);
        if let Some(id) = self.take_announced(surface) {
            self.link.conn.destroy(id);
        }
    }

    /// The user wants a popup gone: so are those on it, and if it holds the input, that is free.
    pub(crate) fn close_popup(&mut self, popup: &PopupSurface) {
        let kind = PopupKind::Xdg(popup.clone());
        let Ok(root) = find_popup_root_surface(&kind) else { return };
        if PopupManager::popups_for_surface(&root).all(|(it, _)| it != kind) {
            // it has been told already
            return;
        }
        if let Some(grab) = self.grab.as_mut().filter(|_| wants_grab(popup)) {
            let ends = [popup.get_parent_surface(), Some(root.clone())];
            while !ends.contains(&grab.current_grab().map(WlSurface::from)) {
                let _ = grab.ungrab(PopupUngrabStrategy::Topmost);
            }
        }
        // fails only for a root that is gone, and it is not
        let _ = PopupManager::dismiss_popup(&root, &kind);
        self.grab_changed();
    }

    pub(super) fn popup_gone(&mut self, popup: &PopupSurface) {
        self.unmap(popup.wl_surface());
        self.popups.cleanup();
        self.grab_changed();
    }

    /// A client wants its popup to hold the input until it is done with.
    pub(super) fn popup_wants_grab(&mut self, popup: PopupSurface, serial: Serial) {
        set_wants_grab(&popup, true);
        let kind = PopupKind::Xdg(popup);
        let Ok(root) = find_popup_root_surface(&kind) else { return };
        let focus = KeyFocus::from(root.clone());
        let Ok(mut grab) = self.popups.grab_popup(focus, kind, &self.seat, serial) else { return };
        let (Some(keyboard), Some(pointer)) = (self.seat.get_keyboard(), self.seat.get_pointer()) else {
            return;
        };
        let previous = grab.previous_serial().unwrap_or(serial);
        let foreign = |grabbed: bool, by_us: bool| grabbed && !by_us;
        if self.drag.is_some()
            || foreign(keyboard.is_grabbed(), keyboard.has_grab(serial) || keyboard.has_grab(previous))
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
            let typed_into = self.typed_into(focus.as_ref());
            keyboard.set_focus(self, typed_into.map(KeyFocus::from), serial);
        }
    }
}

/// The input a popup holds, see [`State::popup_wants_grab`].
pub(crate) type Grab = PopupGrab<State>;

/// Tells a client where its popup is. Refused for clients too old to be told twice, and for popups that do not want to
/// be; these stay where they are.
fn configure(
    popup: &PopupSurface,
    positioner: PositionerState,
    geometry: Rectangle<i32, Logical>,
    reposition: Option<u32>,
) -> Option<Serial> {
    if !popup.alive() {
        return None;
    }
    popup.with_pending_state(|state| {
        state.positioner = positioner;
        state.geometry = geometry;
    });
    match reposition {
        Some(token) => Some(popup.send_repositioned(token)),
        None if popup.is_initial_configure_sent() => popup.send_pending_configure().ok().flatten(),
        None => popup.send_configure().ok(),
    }
}

//! From what clients commit to what the GUI domain is told, and back.
//!
//! Geometry follows one rule: the GUI domain decides. What it says is passed on to the client as a size to take.
//! What the client makes of it is shown in any case, as a buffer of the client's own size, and asked for once.

use std::sync::{Mutex, PoisonError};

use gui_protocol::{Rect, SizeHints, States, WindowFlags, WindowId, Wish};
use smithay::{
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel::State as XdgState,
        wayland_server::protocol::wl_surface::WlSurface,
    },
    utils::{Logical, Point, Rectangle, SERIAL_COUNTER},
    wayland::{
        compositor::with_states,
        shell::xdg::{PopupSurface, ToplevelSurface, XdgToplevelSurfaceData},
    },
};
use tracing::warn;

use crate::{
    handlers::popup,
    keymap::KeyFocus,
    state::State,
    surface,
    window::{Role, Window, content_area, from_rect, size_hints, to_rect},
};

/// What a client asked for before its window existed, at most one of a kind, kept with the surface.
#[derive(Default)]
struct EarlyWishes(Mutex<Vec<Wish>>);

impl State {
    /// A toplevel has its first content: it becomes a window.
    pub(crate) fn map_toplevel(&mut self, toplevel: ToplevelSurface) {
        let parent = toplevel.parent().and_then(|parent| self.windows.of_surface(&parent));
        // Where it goes is the window manager's to say. A dialog at least starts out where its window is, and what was
        // shown before, where that was.
        let surface = toplevel.wl_surface().clone();
        let kept = || surface::kept_corner(&surface);
        let corner = parent.and_then(|id| self.windows.get(id)).map_or_else(kept, Window::position);
        let hints = size_hints(&surface);
        let role = Role::Toplevel { toplevel, hints };
        self.map(surface, role, corner, parent);
    }

    /// A popup has its first content: it becomes a window.
    pub(crate) fn map_popup(&mut self, popup: PopupSurface) {
        let parent = popup.get_parent_surface().and_then(|parent| self.windows.of_surface(&parent));
        let Some(position) = parent.and_then(|id| self.windows.get(id)).map(Window::position) else {
            popup.send_popup_done();
            return;
        };
        let corner = position + popup::offset(&popup);
        let surface = popup.wl_surface().clone();
        self.map(surface, Role::Popup { popup }, corner, parent);
    }

    /// A surface with content becomes a window.
    pub(crate) fn map(
        &mut self,
        surface: WlSurface,
        role: Role,
        corner: Point<i32, Logical>,
        parent: Option<WindowId>,
    ) {
        let Some(area) = content_area(&surface) else { return };
        let geometry = Rectangle::new(corner, area.size);
        let (override_redirect, docked) = (role.overrides_redirect(), role.is_docked());
        let announced = self.take_announced(&surface);
        let id = announced.unwrap_or_else(|| self.windows.next_id());
        let conn = &mut self.link.conn;
        if announced.is_none()
            && let Err(error) = conn.create(id, to_rect(geometry), parent, override_redirect)
        {
            warn!("window {id} cannot be announced: {error}");
            return;
        }
        if let Role::Toplevel { hints, .. } = &role {
            let (title, app_id) = texts(&surface);
            conn.title(id, &title);
            conn.app_id(id, &app_id);
            conn.hints(id, *hints);
            conn.parent(id, parent);
        }
        if let Role::X11 { window, hints, .. } = &role {
            let [title, class, instance] = self.xwayland.texts(*window);
            conn.title(id, &title);
            conn.class(id, &class, &instance);
            conn.hints(id, *hints);
            conn.parent(id, parent.filter(|_| !override_redirect));
        }
        if let Role::Layer { namespace, .. } = &role {
            conn.title(id, namespace);
            conn.class(id, namespace, namespace);
        }
        if let Role::Popup { popup } = &role
            && announced.is_none()
        {
            self.tell_popup(id, popup);
        }
        if matches!(role, Role::Input) {
            self.tell_input_popup(id, area.size);
        }
        let preferred = self.outputs.best(geometry).density();
        let mut window = Window::new(surface.clone(), role, geometry, preferred);
        window.pace.configured(None, surface::take_arranged(&surface), None);
        self.windows.insert(id, window);
        self.present(id);
        let Some(window) = self.windows.get(id).filter(|window| window.picture.pool.newest().is_some())
        else {
            // there are no pages for it
            self.unmap(&surface);
            return;
        };
        let shown = window.picture.whole();
        let conn = &mut self.link.conn;
        match docked {
            false => conn.map(id, parent),
            true => conn.dock(id),
        }
        if !self.extended {
            // what was shown before there was a window to show it in is shown once more
            let _repeated = shown.and_then(|commit| conn.commit(id, commit));
        }
        self.enter_outputs(id);
        for wish in with_early_wishes(&surface, std::mem::take) {
            self.link.conn.wish(id, wish);
        }
        self.tell_pointer_needs(id);
        self.update_icon(id, &surface, true);
        self.tell_children(id, &surface);
    }

    /// Takes a window away, if the surface is one, and its popups with it.
    pub(crate) fn unmap(&mut self, surface: &WlSurface) {
        self.forget_placing(surface);
        let Some(id) = self.windows.of_surface(surface) else { return };
        self.point_away(id);
        self.take_tool_away(Some(id));
        let Some(mut window) = self.windows.remove(id) else { return };
        surface::keep_corner(surface, window.position());
        window.pace.end(self.frames.millis());
        self.link.conn.destroy(id);
        for buffer in window.picture.pool.into_buffers() {
            self.windows.retire(buffer);
        }
        self.outputs.leave(surface);
        if self.focused.as_ref() == Some(surface) {
            self.set_keyboard_focus(None);
        }
        let popups = self.globals.xdg_shell.popup_surfaces().to_vec();
        for popup in popups.iter().filter(|it| it.get_parent_surface().as_ref() == Some(surface)) {
            popup.send_popup_done();
            self.unmap(popup.wl_surface());
        }
    }

    /// The client may have chosen a size of its own. Asks for it.
    pub(crate) fn reconcile_size(&mut self, id: WindowId) {
        let Some(window) = self.windows.get_mut(id) else { return };
        if self.extended {
            // its commits say so
            window.geometry.size = window.picture.area().size;
            return;
        }
        let size = window.picture.area().size;
        let unanswered = match window.x11() {
            Some(window) => !self.xwayland.is_drawn_in(window, size),
            None => has_unanswered_configure(&window.surface),
        };
        if unanswered {
            // drawn before the client saw the size it is to have: what it wants then is not known yet
            return;
        }
        let geometry = Rectangle::new(window.geometry.loc, size);
        self.ask_for(id, geometry);
    }

    /// Asks for a geometry, which holds from now on unless the GUI domain says otherwise. A wish that was refused is not
    /// repeated as long as what it was refused for is in force; the protocol's end sees to that.
    pub(crate) fn ask_for(&mut self, id: WindowId, geometry: Rectangle<i32, Logical>) {
        self.link.conn.request_configure(id, to_rect(geometry));
        if let (Some(window), Some(geometry)) = (self.windows.get_mut(id), self.link.conn.geometry(id)) {
            window.geometry = from_rect(geometry);
        }
    }

    /// Asks for a popup to be where its positioner and its parent say.
    pub(crate) fn place_popup(&mut self, id: WindowId) {
        let Some(window) = self.windows.get(id) else { return };
        let Role::Popup { popup } = &window.role else { return };
        let parent = popup.get_parent_surface().and_then(|parent| self.windows.of_surface(&parent));
        let Some(corner) = parent.and_then(|id| self.windows.get(id)).map(Window::position) else { return };
        let wish = Rectangle::new(corner + popup::offset(popup), window.picture.area().size);
        let (surface, old) = (window.surface.clone(), window.position());
        match self.link.is_extended() {
            // it is there already, by the GUI domain's own word
            true => self.windows.get_mut(id).into_iter().for_each(|window| window.geometry = wish),
            false => self.ask_for(id, wish),
        }
        if self.windows.get(id).is_some_and(|window| window.position() != old) {
            self.move_popups_of(&surface);
        }
    }

    /// The GUI domain gave a window this place and size.
    pub(crate) fn configured(&mut self, id: WindowId, geometry: Rect) {
        let Some(window) = self.windows.get_mut(id) else { return };
        let old = std::mem::replace(&mut window.geometry, from_rect(geometry));
        let new = window.geometry;
        let surface = window.surface.clone();
        if let Some(toplevel) = window.toplevel().filter(|_| old.size != new.size) {
            toplevel.with_pending_state(|state| state.size = Some(new.size));
            // sent even if it repeats what the client was told last: the client may have gone elsewhere since
            toplevel.send_configure();
        }
        if let Some(window) = window.x11() {
            self.xwayland.configure(window, new);
        }
        self.resize_icon(&surface, new.size);
        if old.loc != new.loc {
            self.move_popups_of(&surface);
        }
        self.keep_place(id);
    }

    /// A toplevel has been given a place. Says so in its hints, so that a daemon that comes later leaves it there.
    pub(crate) fn keep_place(&mut self, id: WindowId) {
        let Some(hints) = self.windows.get_mut(id).and_then(|window| window.role.hints_mut()) else { return };
        if !hints.user_position {
            hints.user_position = true;
            self.link.conn.hints(id, *hints);
        }
    }

    /// The user wants a window closed.
    pub(crate) fn close(&mut self, id: WindowId) {
        if let Some(popup) = self.popup_of(id) {
            self.close_popup(&popup);
        } else if let Some(toplevel) = self.windows.get(id).and_then(Window::toplevel) {
            toplevel.send_close();
        } else if let Some(window) = self.windows.get(id).and_then(Window::x11) {
            self.xwayland.close(window);
        } else if let Some(Window { role: Role::Layer { layer, .. }, .. }) = self.windows.get(id) {
            layer.send_close();
        }
    }

    /// The GUI domain says which states a window has.
    pub(crate) fn flags_changed(&mut self, id: WindowId, set: WindowFlags, unset: WindowFlags) {
        if let Some(window) = self.windows.get(id).and_then(Window::x11) {
            return self.x11_flags_changed(window, set, unset);
        }
        let Some(toplevel) = self.windows.get(id).and_then(Window::toplevel) else { return };
        toplevel.with_pending_state(|pending| {
            for (flag, state) in [
                (WindowFlags::FULLSCREEN, XdgState::Fullscreen),
                (WindowFlags::MINIMIZE, XdgState::Suspended),
            ] {
                if set.contains(flag) {
                    pending.states.set(state);
                } else if unset.contains(flag) {
                    pending.states.unset(state);
                }
            }
        });
        toplevel.send_pending_configure();
    }

    /// Gives the keyboard to a toplevel, or to none.
    pub(crate) fn set_keyboard_focus(&mut self, surface: Option<WlSurface>) {
        if self.focused == surface {
            return;
        }
        let old = std::mem::replace(&mut self.focused, surface.clone());
        self.dismiss_popups();
        self.xwayland.set_focus(surface.as_ref().and_then(surface::x11_of));
        if let Some(keyboard) = self.seat.get_keyboard() {
            let typed_into = self.typed_into(surface.as_ref());
            keyboard.set_focus(self, typed_into.map(KeyFocus::from), SERIAL_COUNTER.next_serial());
        }
        self.set_activated(old.as_ref(), false);
        self.set_activated(surface.as_ref(), true);
    }

    fn set_activated(&mut self, surface: Option<&WlSurface>, activated: bool) {
        if self.link.is_extended() {
            // the GUI domain arranges it
            return;
        }
        let window = surface.and_then(|it| self.windows.get(self.windows.of_surface(it)?));
        if let Some(window) = window.and_then(Window::x11) {
            let (on, off) = (States::ACTIVATED, States::empty());
            let (set, unset) = if activated { (on, off) } else { (off, on) };
            return self.xwayland.change_states(window, set, unset);
        }
        let Some(toplevel) = window.and_then(Window::toplevel) else { return };
        toplevel.with_pending_state(|pending| match activated {
            true => pending.states.set(XdgState::Activated),
            false => pending.states.unset(XdgState::Activated),
        });
        toplevel.send_pending_configure();
    }

    pub(crate) fn update_title(&mut self, surface: &WlSurface) {
        if let Some(id) = self.windows.of_surface(surface) {
            self.link.conn.title(id, &texts(surface).0);
        }
    }

    pub(crate) fn update_class(&mut self, surface: &WlSurface) {
        if let Some(id) = self.windows.of_surface(surface) {
            self.link.conn.app_id(id, &texts(surface).1);
        }
    }

    pub(crate) fn update_hints(&mut self, id: WindowId) {
        let Some(window) = self.windows.get_mut(id) else { return };
        let Role::Toplevel { hints, .. } = &mut window.role else { return };
        let new = SizeHints { user_position: hints.user_position, ..size_hints(&window.surface) };
        if *hints != new {
            *hints = new;
            self.link.conn.hints(id, new);
        }
    }

    /// The window that a toplevel belongs to has changed.
    pub(crate) fn update_parent(&mut self, toplevel: &ToplevelSurface) {
        if let Some(id) = self.windows.of_surface(toplevel.wl_surface()) {
            let parent = toplevel.parent().and_then(|parent| self.windows.of_surface(&parent));
            self.link.conn.parent(id, parent);
        }
    }

    /// A window is new: those that were waiting for it belong to it now.
    fn tell_children(&mut self, id: WindowId, surface: &WlSurface) {
        for (child, window) in self.windows.iter() {
            if window.toplevel().and_then(ToplevelSurface::parent).as_ref() == Some(surface) {
                self.link.conn.parent(child, Some(id));
            }
        }
    }

    /// Passes a client's wish on; before the window exists, keeps it for then if it makes sense then.
    pub(crate) fn wish(&mut self, surface: &WlSurface, wish: Wish) {
        match (self.windows.of_surface(surface), wish) {
            // where states are flags, one goes out as the other comes in
            (Some(id), Wish::Fullscreen(true)) if !self.link.is_extended() => {
                self.link.conn.flags(id, WindowFlags::FULLSCREEN, WindowFlags::MINIMIZE);
            }
            (Some(id), Wish::Minimised) if !self.link.is_extended() => {
                self.link.conn.flags(id, WindowFlags::MINIMIZE, WindowFlags::FULLSCREEN);
            }
            (Some(id), wish) => self.link.conn.wish(id, wish),
            (None, Wish::Move | Wish::Resize(_) | Wish::WindowMenu) => {}
            (None, wish) => with_early_wishes(surface, |wishes| {
                let kind = std::mem::discriminant(&wish);
                wishes.retain(|other| {
                    let excluded = matches!(
                        (other, wish),
                        (Wish::Fullscreen(true), Wish::Minimised) | (Wish::Minimised, Wish::Fullscreen(true))
                    );
                    std::mem::discriminant(other) != kind && !excluded
                });
                wishes.push(wish);
            }),
        }
    }
}

fn with_early_wishes<T>(surface: &WlSurface, change: impl FnOnce(&mut Vec<Wish>) -> T) -> T {
    with_states(surface, |states| {
        let wishes = states.data_map.get_or_insert_threadsafe(EarlyWishes::default);
        change(&mut wishes.0.lock().unwrap_or_else(PoisonError::into_inner))
    })
}

/// The state in which a toplevel is to fill the screen when it is shown first, if its client has asked for one.
pub(crate) fn early_state(surface: &WlSurface) -> Option<XdgState> {
    with_early_wishes(surface, |wishes| {
        wishes.iter().rev().find_map(|wish| match wish {
            Wish::Maximised(true) => Some(XdgState::Maximized),
            Wish::Fullscreen(true) => Some(XdgState::Fullscreen),
            _ => None,
        })
    })
}

/// A toplevel's title and application id.
fn texts(surface: &WlSurface) -> (String, String) {
    with_toplevel_data(surface, |data| {
        (data.title.clone().unwrap_or_default(), data.app_id.clone().unwrap_or_default())
    })
    .unwrap_or_default()
}

fn has_unanswered_configure(surface: &WlSurface) -> bool {
    with_toplevel_data(surface, |data| !data.pending_configures().is_empty()).unwrap_or(false)
}

fn with_toplevel_data<T>(
    surface: &WlSurface,
    look: impl FnOnce(&smithay::wayland::shell::xdg::XdgToplevelSurfaceRoleAttributes) -> T,
) -> Option<T> {
    with_states(surface, |states| {
        let data = states.data_map.get::<XdgToplevelSurfaceData>()?.lock().ok()?;
        Some(look(&data))
    })
}

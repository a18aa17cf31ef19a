//! What the GUI domain wants windows to be, and what their clients make of it.
//!
//! An arrangement goes to the client as a configure. It is answered by the commit with the content that the client has
//! made for it, and at once where it leaves the size alone.

use gui_protocol::{Arrange, States, WindowId};
use smithay::{
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_toplevel::State as XdgState,
        wayland_server::protocol::wl_surface::WlSurface,
    },
    utils::{Logical, Serial, Size},
    wayland::shell::xdg::ToplevelSurface,
};

use crate::{
    state::State,
    surface,
    window::{Role, from_rect},
};

/// What the GUI domain calls a state, and what clients do. Hidden windows are seen by nobody as well.
const STATES: [(States, XdgState); 9] = [
    (States::ACTIVATED, XdgState::Activated),
    (States::MAXIMISED, XdgState::Maximized),
    (States::FULLSCREEN, XdgState::Fullscreen),
    (States::RESIZING, XdgState::Resizing),
    (States::TILED_LEFT, XdgState::TiledLeft),
    (States::TILED_RIGHT, XdgState::TiledRight),
    (States::TILED_TOP, XdgState::TiledTop),
    (States::TILED_BOTTOM, XdgState::TiledBottom),
    (States::SUSPENDED.union(States::MINIMISED), XdgState::Suspended),
];

impl State {
    /// The GUI domain wants a window to be so.
    pub(crate) fn arranged(&mut self, id: WindowId, arrange: &Arrange) {
        if let Some(popup) = self.popup_of(id) {
            let serial = self.popup_arranged(&popup, arrange);
            match self.windows.get_mut(id) {
                Some(window) => {
                    window.pace.configured(serial, arrange.serial, None);
                    self.windows.touch(id);
                    self.scale_arranged(id, arrange);
                }
                None => {
                    surface::set_arranged(popup.wl_surface(), arrange.serial);
                    self.show_placed(&popup);
                }
            }
            return;
        }
        let Some(window) = self.windows.get_mut(id) else { return };
        if window.x11().is_some() {
            return self.x11_arranged(id, arrange);
        }
        let toplevel = match &window.role {
            Role::Toplevel { toplevel, .. } => toplevel.clone(),
            Role::Layer { docked: true, .. } => return self.icon_arranged(id, arrange),
            _ => return self.input_popup_arranged(id, arrange),
        };
        let old = window.geometry;
        let shown = window.picture.area().size;
        let wanted = from_rect(gui_protocol::Rect::new(arrange.x, arrange.y, arrange.width, arrange.height));
        let size = (arrange.width > 0 || arrange.height > 0).then_some(wanted.size);
        window.geometry.loc = wanted.loc;
        let side = |told: i32, own: i32| if told > 0 { told } else { own };
        window.geometry.size = (side(wanted.size.w, shown.w), side(wanted.size.h, shown.h)).into();
        let serial = configure(&toplevel, arrange, size, shown);
        window.pace.configured(serial, arrange.serial, size);
        if serial.is_none() {
            self.windows.touch(id);
        }
        self.scale_arranged(id, arrange);
        if old.loc != wanted.loc {
            self.move_popups_of(toplevel.wl_surface());
        }
        self.keep_place(id);
    }

    /// A client agrees to what it was told.
    pub(crate) fn agreed(&mut self, surface: &WlSurface, serial: Serial) {
        let Some(id) = self.windows.of_surface(surface) else { return };
        let Some(window) = self.windows.get_mut(id) else { return };
        if window.pace.agreed(serial, window.picture.area().size) {
            self.windows.touch(id);
        }
    }

    /// A window's root has been committed.
    pub(crate) fn window_committed(&mut self, id: WindowId) {
        if let Some(window) = self.windows.get_mut(id) {
            window.pace.committed();
        }
        self.windows.touch(id);
    }
}

/// Tells a client, if it is news to it.
fn configure(
    toplevel: &ToplevelSurface,
    arrange: &Arrange,
    size: Option<Size<i32, Logical>>,
    shown: Size<i32, Logical>,
) -> Option<Serial> {
    toplevel.with_pending_state(|pending| {
        pending.size = size;
        if let Some((width, height)) = arrange.bounds {
            pending.bounds = Some(from_rect(gui_protocol::Rect::new(0, 0, width, height)).size);
        }
        for (ours, theirs) in STATES {
            match arrange.states.intersects(ours) {
                true => pending.states.set(theirs),
                false => pending.states.unset(theirs),
            };
        }
    });
    match size {
        // sent even if it repeats what the client was told last: it may have gone elsewhere since
        Some(size) if size != shown => Some(toplevel.send_configure()),
        _ => toplevel.send_pending_configure(),
    }
}

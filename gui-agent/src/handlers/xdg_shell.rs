//! Windows: `xdg_toplevel` requests in terms of the GUI protocol. Popups are in [`super::popup`].
//!
//! What the base protocol has no message for is not offered: moving and resizing by the client, the window menu and
//! maximising are the GUI domain's own, done with the frame it draws. A client that asks to be maximised is told that
//! nothing changed.

use gui_protocol::WindowFlags;
use smithay::{
    reexports::{
        wayland_protocols::xdg::{
            decoration::zv1::server::zxdg_toplevel_decoration_v1::Mode,
            shell::server::xdg_toplevel::WmCapabilities,
        },
        wayland_server::protocol::{wl_output::WlOutput, wl_seat::WlSeat, wl_surface::WlSurface},
    },
    utils::Serial,
    wayland::shell::xdg::{PopupSurface, PositionerState, ToplevelSurface, XdgShellHandler, XdgShellState},
};

use super::output;
use crate::{state::State, surface::has_content};

/// What a client may ask of its window and have a chance to get.
pub(crate) const CAPABILITIES: [WmCapabilities; 2] = [WmCapabilities::Fullscreen, WmCapabilities::Minimize];

impl State {
    /// A toplevel's surface was committed: configure it, show it, redraw it or take it away.
    pub(super) fn toplevel_committed(&mut self, surface: &WlSurface) {
        let toplevels = self.globals.xdg_shell.toplevel_surfaces();
        let Some(toplevel) = toplevels.iter().find(|it| it.wl_surface() == surface).cloned() else { return };
        match (self.windows.of_surface(surface), has_content(surface)) {
            (Some(_), false) => self.unmap(surface),
            (Some(id), true) => {
                self.windows.touch(id);
                self.update_hints(id);
            }
            (None, true) if toplevel.ensure_configured() => self.map_toplevel(toplevel),
            (None, true) => {}
            (None, false) if !toplevel.is_initial_configure_sent() => {
                // no size: a new window's is the client's to choose
                let bounds = output::screen(&self.output).size;
                toplevel.with_pending_state(|state| {
                    state.bounds = Some(bounds);
                    state.decoration_mode = Some(Mode::ServerSide);
                });
                toplevel.send_configure();
            }
            (None, false) => {}
        }
    }
}

impl XdgShellHandler for State {
    fn xdg_shell_state(&mut self) -> &mut XdgShellState {
        &mut self.globals.xdg_shell
    }

    fn new_toplevel(&mut self, _toplevel: ToplevelSurface) {}

    fn toplevel_destroyed(&mut self, toplevel: ToplevelSurface) {
        self.unmap(toplevel.wl_surface());
    }

    fn title_changed(&mut self, toplevel: ToplevelSurface) {
        self.update_title(toplevel.wl_surface());
    }

    fn app_id_changed(&mut self, toplevel: ToplevelSurface) {
        self.update_class(toplevel.wl_surface());
    }

    fn maximize_request(&mut self, toplevel: ToplevelSurface) {
        answer(&toplevel);
    }

    fn unmaximize_request(&mut self, toplevel: ToplevelSurface) {
        answer(&toplevel);
    }

    fn fullscreen_request(&mut self, toplevel: ToplevelSurface, _output: Option<WlOutput>) {
        self.request_flags(toplevel.wl_surface(), WindowFlags::FULLSCREEN, WindowFlags::MINIMIZE);
        answer(&toplevel);
    }

    fn unfullscreen_request(&mut self, toplevel: ToplevelSurface) {
        self.request_flags(toplevel.wl_surface(), WindowFlags::empty(), WindowFlags::FULLSCREEN);
        answer(&toplevel);
    }

    fn minimize_request(&mut self, toplevel: ToplevelSurface) {
        self.request_flags(toplevel.wl_surface(), WindowFlags::MINIMIZE, WindowFlags::FULLSCREEN);
    }

    fn new_popup(&mut self, popup: PopupSurface, _positioner: PositionerState) {
        self.popup_created(popup);
    }

    fn grab(&mut self, popup: PopupSurface, _seat: WlSeat, serial: Serial) {
        self.popup_wants_grab(popup, serial);
    }

    fn reposition_request(&mut self, popup: PopupSurface, positioner: PositionerState, token: u32) {
        self.popup_repositioned(&popup, positioner, token);
    }

    fn popup_destroyed(&mut self, popup: PopupSurface) {
        self.popup_gone(&popup);
    }
}

/// A request about states is answered by a configure in any case. What comes of it follows from the GUI domain.
fn answer(toplevel: &ToplevelSurface) {
    if toplevel.is_initial_configure_sent() {
        toplevel.send_configure();
    }
}

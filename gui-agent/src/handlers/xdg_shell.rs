//! Windows: `xdg_toplevel` requests in terms of the GUI protocol. Popups are in [`super::popup`].
//!
//! What the base protocol has no message for is not offered with it: moving and resizing by the client, the window menu
//! and maximising are the GUI domain's own then, done with the frame it draws. A client that asks to be maximised is
//! told that nothing changed.

use gui_protocol::{Edges, Wish};
use smithay::{
    reexports::{
        wayland_protocols::xdg::{
            decoration::zv1::server::zxdg_toplevel_decoration_v1::Mode,
            shell::server::xdg_toplevel::{ResizeEdge, WmCapabilities},
        },
        wayland_server::protocol::{wl_output::WlOutput, wl_seat::WlSeat, wl_surface::WlSurface},
    },
    utils::{Logical, Point, Serial},
    wayland::shell::xdg::{
        Configure, PopupSurface, PositionerState, ToplevelSurface, XdgShellHandler, XdgShellState,
    },
};

use crate::{scene::early_state, state::State, surface::has_content};

/// What a client may ask of its window and have a chance to get, from a daemon of the base protocol or from none.
pub(crate) const CAPABILITIES: [WmCapabilities; 2] = [WmCapabilities::Fullscreen, WmCapabilities::Minimize];
/// The same from a daemon of ours.
const EXTENDED_CAPABILITIES: [WmCapabilities; 4] = [
    WmCapabilities::Fullscreen,
    WmCapabilities::Minimize,
    WmCapabilities::Maximize,
    WmCapabilities::WindowMenu,
];

impl State {
    /// What clients may ask for depends on the daemon.
    pub(crate) fn offer_capabilities(&mut self) {
        let offered: &[WmCapabilities] = match self.link.is_extended() {
            true => &EXTENDED_CAPABILITIES,
            false => &CAPABILITIES,
        };
        self.globals.xdg_shell.replace_capabilities(offered.iter().copied());
        for toplevel in self.globals.xdg_shell.toplevel_surfaces() {
            toplevel.with_pending_state(|state| state.capabilities.replace(offered.iter().copied()));
            if toplevel.is_initial_configure_sent() {
                toplevel.send_pending_configure();
            }
        }
    }

    /// A toplevel's surface was committed: configure it, show it, redraw it or take it away.
    pub(super) fn toplevel_committed(&mut self, surface: &WlSurface) {
        if let Some(id) = self.windows.of_surface(surface) {
            match has_content(surface) {
                false => self.unmap(surface),
                true => {
                    self.window_committed(id);
                    self.update_hints(id);
                    self.update_icon(id, surface, false);
                }
            }
            return;
        }
        let toplevels = self.globals.xdg_shell.toplevel_surfaces();
        let Some(toplevel) = toplevels.iter().find(|it| it.wl_surface() == surface).cloned() else { return };
        if !toplevel.is_initial_configure_sent() {
            let bounds = self.bounds();
            self.prefer_scale(surface, self.outputs.primary().density());
            let fills = self.extended.then(|| early_state(surface)).flatten();
            toplevel.with_pending_state(|state| {
                state.bounds = Some(bounds);
                state.decoration_mode = Some(Mode::ServerSide);
                // No size: a new window's is the client's to choose. Only one that is to fill the screen begins so,
                // and not with a size that it will hardly keep; the GUI domain says the right one when it sees it.
                state.size = fills.map(|_| bounds);
                if let Some(fills) = fills {
                    state.states.set(fills);
                }
            });
            toplevel.send_configure();
        }
        // The rule is to wait for the configure and agree to it. Nothing here depends on that, and some clients do not.
        if has_content(surface) {
            self.map_toplevel(toplevel);
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

    fn parent_changed(&mut self, toplevel: ToplevelSurface) {
        self.update_parent(&toplevel);
    }

    fn move_request(&mut self, toplevel: ToplevelSurface, _seat: WlSeat, _serial: Serial) {
        self.wish(toplevel.wl_surface(), Wish::Move);
    }

    fn resize_request(
        &mut self,
        toplevel: ToplevelSurface,
        _seat: WlSeat,
        _serial: Serial,
        edge: ResizeEdge,
    ) {
        if let Some(edges) = Edges::from_bits(edge as u32).filter(|edges| !edges.is_empty()) {
            self.wish(toplevel.wl_surface(), Wish::Resize(edges));
        }
    }

    fn show_window_menu(
        &mut self,
        toplevel: ToplevelSurface,
        _seat: WlSeat,
        _serial: Serial,
        _location: Point<i32, Logical>,
    ) {
        self.wish(toplevel.wl_surface(), Wish::WindowMenu);
    }

    fn maximize_request(&mut self, toplevel: ToplevelSurface) {
        self.wish(toplevel.wl_surface(), Wish::Maximised(true));
        answer(&toplevel);
    }

    fn unmaximize_request(&mut self, toplevel: ToplevelSurface) {
        self.wish(toplevel.wl_surface(), Wish::Maximised(false));
        answer(&toplevel);
    }

    fn fullscreen_request(&mut self, toplevel: ToplevelSurface, _output: Option<WlOutput>) {
        self.wish(toplevel.wl_surface(), Wish::Fullscreen(true));
        answer(&toplevel);
    }

    fn unfullscreen_request(&mut self, toplevel: ToplevelSurface) {
        self.wish(toplevel.wl_surface(), Wish::Fullscreen(false));
        answer(&toplevel);
    }

    fn minimize_request(&mut self, toplevel: ToplevelSurface) {
        self.wish(toplevel.wl_surface(), Wish::Minimised);
    }

    fn ack_configure(&mut self, surface: WlSurface, configure: Configure) {
        let serial = match configure {
            Configure::Toplevel(configure) => configure.serial,
            Configure::Popup(configure) => configure.serial,
        };
        self.agreed(&surface, serial);
    }

    fn new_popup(&mut self, popup: PopupSurface, positioner: PositionerState) {
        self.popup_created(popup, &positioner);
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

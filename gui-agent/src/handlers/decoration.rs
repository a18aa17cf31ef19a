//! Who draws window frames: always the GUI domain, whatever a client would like. A frame says which domain a window
//! belongs to, so it cannot come from inside that domain, and a second one inside it would only confuse.

use smithay::{
    reexports::{
        wayland_protocols::xdg::decoration::zv1::server::zxdg_toplevel_decoration_v1::Mode,
        wayland_protocols_misc::server_decoration::server::org_kde_kwin_server_decoration::{
            Mode as KdeMode, OrgKdeKwinServerDecoration,
        },
        wayland_server::{WEnum, protocol::wl_surface::WlSurface},
    },
    wayland::shell::{
        kde::decoration::{KdeDecorationHandler, KdeDecorationState},
        xdg::{ToplevelSurface, decoration::XdgDecorationHandler},
    },
};

use crate::state::State;

impl XdgDecorationHandler for State {
    fn new_decoration(&mut self, toplevel: ToplevelSurface) {
        insist(&toplevel);
    }

    fn request_mode(&mut self, toplevel: ToplevelSurface, _mode: Mode) {
        insist(&toplevel);
    }

    fn unset_mode(&mut self, toplevel: ToplevelSurface) {
        insist(&toplevel);
    }
}

fn insist(toplevel: &ToplevelSurface) {
    toplevel.with_pending_state(|state| state.decoration_mode = Some(Mode::ServerSide));
    // before the initial configure there is nothing to add: it will carry the mode
    if toplevel.is_initial_configure_sent() {
        toplevel.send_configure();
    }
}

impl KdeDecorationHandler for State {
    fn kde_decoration_state(&self) -> &KdeDecorationState {
        &self.globals.kde_decoration
    }

    fn new_decoration(&mut self, _surface: &WlSurface, decoration: &OrgKdeKwinServerDecoration) {
        decoration.mode(KdeMode::Server);
    }

    fn request_mode(
        &mut self,
        _surface: &WlSurface,
        decoration: &OrgKdeKwinServerDecoration,
        mode: WEnum<KdeMode>,
    ) {
        // a wish for what is already so needs no answer
        if mode != WEnum::Value(KdeMode::Server) {
            decoration.mode(KdeMode::Server);
        }
    }
}

smithay::delegate_xdg_decoration!(State);
smithay::delegate_kde_decoration!(State);

//! Surfaces, subsurfaces and their commits.

use smithay::{
    reexports::wayland_server::{Client, Resource as _, protocol::wl_surface::WlSurface},
    wayland::{
        compositor::{
            CompositorClientState, CompositorHandler, CompositorState, add_pre_commit_hook, get_parent,
            get_role, is_sync_subsurface,
        },
        seat::CURSOR_IMAGE_ROLE,
        shell::{
            wlr_layer::LAYER_SURFACE_ROLE,
            xdg::{XDG_POPUP_ROLE, XDG_TOPLEVEL_ROLE},
        },
    },
};

use super::input_popup;
use crate::{
    compose::Density,
    state::{ClientState, State},
    surface, xwayland,
};

impl CompositorHandler for State {
    fn compositor_state(&mut self) -> &mut CompositorState {
        &mut self.globals.compositor
    }

    fn client_compositor_state<'a>(&self, client: &'a Client) -> &'a CompositorClientState {
        // every client was inserted with one; the other arm serves clients of no known kind all the same
        static UNKNOWN: std::sync::LazyLock<CompositorClientState> =
            std::sync::LazyLock::new(Default::default);
        client.get_data::<ClientState>().map_or(&UNKNOWN, |data| &data.compositor)
    }

    fn new_surface(&mut self, surface: &WlSurface) {
        add_pre_commit_hook::<Self, _>(surface, |state, _, surface| {
            surface::will_commit(surface);
            state.await_driver(surface);
        });
    }

    fn commit(&mut self, surface: &WlSurface) {
        let client = surface.client();
        let density = client.as_ref().and_then(|it| it.get_data::<ClientState>()).map(ClientState::density);
        surface::committed(surface, density.unwrap_or(Density::ONE), &self.dmabufs);
        if is_sync_subsurface(surface) {
            // applied, and seen by us, when the parent commits
            return;
        }
        let root = root_of(surface);
        match get_role(&root) {
            Some(XDG_TOPLEVEL_ROLE) => self.toplevel_committed(&root),
            Some(XDG_POPUP_ROLE) => {
                self.popups.commit(&root);
                self.popup_committed(&root);
            }
            Some(input_popup::ROLE) => self.input_popup_committed(&root),
            Some(LAYER_SURFACE_ROLE) => self.layer_committed(&root),
            Some(CURSOR_IMAGE_ROLE) => return self.cursor_committed(&root),
            Some(xwayland::ROLE) => self.x11_committed(&root),
            None if self.xwayland.owns(&root) => self.unknown_x11_committed(&root),
            _ => {}
        }
        if self.under_pointer.as_ref().is_some_and(|(under, _)| under == surface) {
            // a lock or a confinement may have got another region
            self.update_constraint();
        }
        let window = surface::window_of(&root);
        // it may have come or gone below the pointer
        self.look_again |= window.is_some() && window == self.pointed;
        if !self.extended || window.is_none() {
            self.frames.committed(&root);
        }
    }

    fn destroyed(&mut self, surface: &WlSurface) {
        // a role object normally goes first and takes the window along; not so when a client just disappears
        self.unmap(surface);
        self.lift_fingers(surface);
        self.tool_loses(surface);
        self.drag_loses(surface);
        self.forget_x11(surface);
        surface::destroyed(surface);
        self.cursor_surface_changed(surface);
        self.frames.forget_dead();
    }
}

/// The surface at the top of a tree of subsurfaces.
pub(super) fn root_of(surface: &WlSurface) -> WlSurface {
    let mut root = surface.clone();
    while let Some(parent) = get_parent(&root) {
        root = parent;
    }
    root
}

//! Surfaces, subsurfaces and their commits.

use smithay::{
    backend::renderer::utils::{on_commit_buffer_handler, with_renderer_surface_state},
    reexports::wayland_server::{
        Client, Resource,
        protocol::{wl_subcompositor, wl_surface::WlSurface},
    },
    wayland::{
        compositor::{
            CompositorClientState, CompositorHandler, CompositorState, SurfaceData, TraversalAction,
            get_parent, get_role, is_sync_subsurface, with_surface_tree_downward,
        },
        shell::xdg::{XDG_POPUP_ROLE, XDG_TOPLEVEL_ROLE},
    },
};

use crate::state::{ClientState, State};

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

    fn commit(&mut self, surface: &WlSurface) {
        on_commit_buffer_handler::<Self>(surface);
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
            _ => {}
        }
        self.frames.committed(&root);
    }

    fn new_subsurface(&mut self, surface: &WlSurface, _parent: &WlSurface) {
        if depth(&root_of(surface)) > MAX_NESTING {
            surface.post_error(wl_subcompositor::Error::BadParent, "subsurfaces are nested too deep");
        }
    }

    fn destroyed(&mut self, surface: &WlSurface) {
        // a role object normally goes first and takes the window along; not so when a client just disappears
        self.unmap(surface);
        self.frames.forget_dead();
    }
}

/// The most levels of subsurfaces on one another. Real ones are two or three; trees are walked by recursion, so an
/// endless one would end the agent.
const MAX_NESTING: usize = 64;

/// The levels of a tree of subsurfaces.
fn depth(root: &WlSurface) -> usize {
    let mut depth = 0;
    let descend = |_: &WlSurface, _: &SurfaceData, level: &usize| TraversalAction::DoChildren(*level + 1);
    with_surface_tree_downward(root, 0, descend, |_, _, level| depth = depth.max(*level), |_, _, _| true);
    depth
}

/// The surface at the top of a tree of subsurfaces.
fn root_of(surface: &WlSurface) -> WlSurface {
    let mut root = surface.clone();
    while let Some(parent) = get_parent(&root) {
        root = parent;
    }
    root
}

/// Whether a surface has something to show.
pub(crate) fn has_buffer(surface: &WlSurface) -> bool {
    with_renderer_surface_state(surface, |state| state.buffer().is_some()).unwrap_or(false)
}

mod delegates {
    use super::State;
    use smithay::{
        reexports::wayland_server::{delegate_dispatch, delegate_global_dispatch, protocol},
        wayland::compositor::CompositorState,
    };

    // surfaces, regions and subsurfaces pass through `bounds` first
    delegate_global_dispatch!(State: [protocol::wl_compositor::WlCompositor: ()] => CompositorState);
    delegate_global_dispatch!(State: [protocol::wl_subcompositor::WlSubcompositor: ()] => CompositorState);
    delegate_dispatch!(State: [protocol::wl_compositor::WlCompositor: ()] => CompositorState);
    delegate_dispatch!(State: [protocol::wl_subcompositor::WlSubcompositor: ()] => CompositorState);
    delegate_dispatch!(State: [protocol::wl_callback::WlCallback: ()] => CompositorState);
}

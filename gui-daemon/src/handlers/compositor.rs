//! `wl_compositor`, `wl_subcompositor` and buffers: a commit maps, changes or unmaps a window.

use smithay::{
    backend::renderer::utils::{on_commit_buffer_handler, with_renderer_surface_state},
    reexports::{
        calloop::channel::Sender,
        wayland_server::{
            Client, DisplayHandle,
            backend::{ClientData, ClientId, DisconnectReason},
            protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface},
        },
    },
    wayland::{
        buffer::BufferHandler,
        compositor::{
            CompositorClientState, CompositorHandler, CompositorState, get_parent, is_sync_subsurface,
            with_states,
        },
    },
};
use tracing::debug;

use crate::state::State;

/// What the daemon keeps for each of dom0's clients.
#[derive(Debug)]
pub struct ClientState {
    compositor: CompositorClientState,
    disconnected: Sender<ClientId>,
}

impl ClientState {
    /// The state of a new client, of whose end `disconnected` is told.
    pub fn new(disconnected: Sender<ClientId>) -> Self {
        Self { compositor: CompositorClientState::default(), disconnected }
    }
}

impl ClientData for ClientState {
    fn disconnected(&self, client: ClientId, reason: DisconnectReason) {
        debug!(?reason, "a client of dom0 disconnected");
        // Nobody listens any more when the daemon ends, and then it does not matter.
        drop(self.disconnected.send(client));
    }
}

impl CompositorHandler for State {
    fn compositor_state(&mut self) -> &mut CompositorState {
        &mut self.compositor_state
    }

    #[expect(clippy::expect_used, reason = "the listener inserts every client with this data")]
    fn client_compositor_state<'a>(&self, client: &'a Client) -> &'a CompositorClientState {
        &client.get_data::<ClientState>().expect("client without state").compositor
    }

    fn new_surface(&mut self, surface: &WlSurface) {
        with_states(surface, |states| self.prefer_first_scale(surface, states));
    }

    fn commit(&mut self, surface: &WlSurface) {
        on_commit_buffer_handler::<Self>(surface);
        if is_sync_subsurface(surface) {
            return;
        }
        let mut root = surface.clone();
        while let Some(parent) = get_parent(&root) {
            root = parent;
        }
        let has_buffer =
            with_renderer_surface_state(&root, |state| state.buffer().is_some()).unwrap_or(false);
        self.local_commit(&root, has_buffer);
        match self.windows.by_surface(&root) {
            Some(id) => {
                self.tell_outputs(id);
                self.await_local_frame(id);
            }
            // It may be the pointer's.
            None => self.queue_cursor_redraw(),
        }
    }
}

impl BufferHandler for State {
    fn buffer_destroyed(&mut self, _: &WlBuffer) {}
}

impl State {
    /// A handle for the display that dom0's clients are served on.
    pub fn display(&self) -> &DisplayHandle {
        &self.display_handle
    }
}

//! `zwp_linux_dmabuf_v1`: clients' pixels in a driver's memory, where the processor can read it.
//!
//! The agent has no GPU: it reads such a buffer as it does shared memory, so a buffer must be linear and of a format that
//! shared memory has. The protocol is offered up to version 3, which names no device. A client that draws by OpenGL
//! would take a device as an invitation to open it; without one Mesa draws on the processor, into shared memory, and
//! that is what the agent reads fastest.
//!
//! A surface waits with its commit until the driver is done with the buffer, and the agent goes on meanwhile.

use std::{collections::HashMap, rc::Rc};

use shm_grant::{ClientDmabuf, DmabufError, LayoutError};
use smithay::{
    backend::allocator::{
        Format, Fourcc, Modifier,
        dmabuf::{Dmabuf, WeakDmabuf},
    },
    reexports::{
        calloop::Interest,
        wayland_protocols::wp::linux_dmabuf::zv1::server::{
            zwp_linux_buffer_params_v1::ZwpLinuxBufferParamsV1,
            zwp_linux_dmabuf_feedback_v1::ZwpLinuxDmabufFeedbackV1, zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1,
        },
        wayland_server::{
            DisplayHandle, Resource, delegate_dispatch, delegate_global_dispatch,
            protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface},
        },
    },
    wayland::{
        compositor::{BufferAssignment, CompositorHandler, SurfaceAttributes, add_blocker, with_states},
        dmabuf::{
            DmabufData, DmabufFeedbackData, DmabufGlobal, DmabufGlobalData, DmabufHandler, DmabufParamsData,
            DmabufState, ImportNotifier, get_dmabuf,
        },
    },
};
use tracing::debug;
use wayland_guard::Guard;

use crate::state::State;

/// The most there are at a time, of all clients together: each takes a descriptor. A window has three or four, and a
/// client that is refused one draws into shared memory.
const MAX_DMABUFS: usize = 256;

/// All buffers of this kind, mapped.
#[derive(Debug)]
pub(crate) struct Dmabufs {
    state: DmabufState,
    mapped: HashMap<WeakDmabuf, Rc<ClientDmabuf>>,
}

impl Dmabufs {
    /// Makes the protocol known to clients.
    pub(crate) fn new(display: &DisplayHandle) -> Self {
        let mut state = DmabufState::new();
        let formats =
            [Fourcc::Argb8888, Fourcc::Xrgb8888].map(|code| Format { code, modifier: Modifier::Linear });
        state.create_global::<State>(display, formats);
        Self { state, mapped: HashMap::new() }
    }

    /// A buffer as one of this kind.
    pub(crate) fn of(&self, buffer: &WlBuffer) -> Option<Rc<ClientDmabuf>> {
        self.mapped.get(&get_dmabuf(buffer).ok()?.weak()).cloned()
    }

    pub(super) fn forget(&mut self, buffer: &WlBuffer) {
        if let Ok(dmabuf) = get_dmabuf(buffer) {
            self.mapped.remove(&dmabuf.weak());
        }
    }
}

impl State {
    /// Holds a commit back until the driver has drawn what it shows.
    pub(super) fn await_driver(&mut self, surface: &WlSurface) {
        let dmabuf = with_states(surface, |states| {
            match &states.cached_state.get::<SurfaceAttributes>().pending().buffer {
                Some(BufferAssignment::NewBuffer(buffer)) => get_dmabuf(buffer).ok().cloned(),
                _ => None,
            }
        });
        let (Some(dmabuf), Some(client)) = (dmabuf, surface.client()) else { return };
        let Ok((blocker, drawn)) = dmabuf.generate_blocker(Interest::READ) else { return };
        let waits = self.event_loop.insert_source(drawn, move |(), _, state| {
            let display = state.display.clone();
            state.client_compositor_state(&client).blocker_cleared(state, &display);
            Ok(())
        });
        match waits {
            Ok(_) => add_blocker(surface, blocker),
            // what is not drawn yet is not shown then
            Err(error) => debug!("a driver cannot be waited for: {error}"),
        }
    }
}

impl DmabufHandler for State {
    fn dmabuf_state(&mut self) -> &mut DmabufState {
        &mut self.dmabufs.state
    }

    fn dmabuf_imported(&mut self, _: &DmabufGlobal, dmabuf: Dmabuf, notifier: ImportNotifier) {
        if self.dmabufs.mapped.len() >= MAX_DMABUFS {
            return notifier.failed();
        }
        let key = dmabuf.weak();
        match ClientDmabuf::import(&dmabuf) {
            Ok(mapped) => {
                // a client that has gone meanwhile gets none, and no word of its end comes
                if notifier.successful::<Self>().is_ok() {
                    self.dmabufs.mapped.insert(key, Rc::new(mapped));
                }
            }
            Err(error) => {
                debug!("a dma-buf is refused: {error}");
                match error {
                    DmabufError::Layout(LayoutError::Size(..)) => notifier.invalid_dimensions(),
                    _ if dmabuf.num_planes() != 1 => notifier.incomplete(),
                    _ => notifier.failed(),
                }
            }
        }
    }
}

delegate_global_dispatch!(State: [ZwpLinuxDmabufV1: DmabufGlobalData] => DmabufState);
delegate_dispatch!(State: [ZwpLinuxDmabufV1: DmabufData] => DmabufState);
delegate_dispatch!(State: [ZwpLinuxBufferParamsV1: DmabufParamsData] => Guard);
delegate_dispatch!(State: [ZwpLinuxDmabufFeedbackV1: DmabufFeedbackData] => DmabufState);
delegate_dispatch!(State: [WlBuffer: Dmabuf] => DmabufState);

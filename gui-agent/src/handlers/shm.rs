//! `wl_shm`: clients' pixels in shared memory. The only kind of buffer the agent takes.

use smithay::{
    reexports::wayland_server::protocol::{wl_buffer::WlBuffer, wl_shm, wl_shm_pool},
    wayland::{
        buffer::BufferHandler,
        shm::{ShmHandler, ShmState},
    },
};

use crate::state::State;

impl ShmHandler for State {
    fn shm_state(&self) -> &ShmState {
        &self.globals.shm
    }
}

impl BufferHandler for State {
    fn buffer_destroyed(&mut self, _buffer: &WlBuffer) {}
}

/// What is wrong with a pool request, if anything, beyond what smithay looks at itself.
///
/// Smithay takes a resize to a size below one for granted to be impossible, and pixman refuses rows that do not begin
/// on a whole pixel, each time anew.
pub(super) fn pool_fault(request: &wl_shm_pool::Request) -> Option<(wl_shm::Error, &'static str)> {
    const PIXEL: i32 = 4;
    match *request {
        wl_shm_pool::Request::Resize { size } if size <= 0 => {
            Some((wl_shm::Error::InvalidFd, "a pool cannot shrink to nothing"))
        }
        wl_shm_pool::Request::CreateBuffer { offset, stride, .. }
            if offset % PIXEL != 0 || stride % PIXEL != 0 =>
        {
            Some((wl_shm::Error::InvalidStride, "rows must begin on a whole pixel"))
        }
        _ => None,
    }
}

mod delegates {
    use super::State;
    use smithay::{
        reexports::wayland_server::{delegate_dispatch, delegate_global_dispatch, protocol},
        wayland::shm::{ShmBufferUserData, ShmState},
    };

    // pools pass through `bounds` first
    delegate_global_dispatch!(State: [protocol::wl_shm::WlShm: ()] => ShmState);
    delegate_dispatch!(State: [protocol::wl_shm::WlShm: ()] => ShmState);
    delegate_dispatch!(State: [protocol::wl_buffer::WlBuffer: ShmBufferUserData] => ShmState);
}

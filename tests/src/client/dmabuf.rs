//! Buffers in a driver's memory, or what a client says is that.

use std::os::fd::BorrowedFd;

use wayland_client::{Connection, Dispatch, QueueHandle, event_created_child, protocol::wl_buffer::WlBuffer};
use wayland_protocols::wp::linux_dmabuf::zv1::client::{
    zwp_linux_buffer_params_v1::{self, Flags, ZwpLinuxBufferParamsV1},
    zwp_linux_dmabuf_v1::{self, ZwpLinuxDmabufV1},
};

use super::{Client, Inbox};

/// How the pixels of such a buffer lie in memory.
#[derive(Debug, Clone, Copy)]
pub struct DmabufLayout {
    /// Pixels in a row.
    pub width: i32,
    /// Rows.
    pub height: i32,
    /// A code of DRM's: four letters, the first one the lowest byte.
    pub format: u32,
    /// DRM's number of the order of the pixels; 0 is row by row.
    pub modifier: u64,
    /// Bytes before the first pixel.
    pub offset: u32,
    /// Bytes from a row to the next.
    pub stride: u32,
}

impl Client {
    /// A buffer to be made of these planes, which all lie alike.
    pub fn dmabuf_params(
        &mut self,
        planes: &[(u32, BorrowedFd<'_>)],
        layout: DmabufLayout,
    ) -> ZwpLinuxBufferParamsV1 {
        let dmabuf: ZwpLinuxDmabufV1 = self.bind(5);
        let params = dmabuf.create_params(&self.handle, ());
        let [high, low] = [layout.modifier >> 32, layout.modifier & 0xffff_ffff].map(|half| half as u32);
        for (index, memory) in planes {
            params.add(*memory, *index, layout.offset, layout.stride, high, low);
        }
        params
    }

    /// Has the buffer made, and uses it before the server has said whether it can be.
    pub fn dmabuf_at_once(&mut self, params: &ZwpLinuxBufferParamsV1, layout: DmabufLayout) -> WlBuffer {
        let DmabufLayout { width, height, format, .. } = layout;
        params.create_immed(width, height, format, Flags::empty(), &self.handle, ())
    }
}

impl Dispatch<ZwpLinuxDmabufV1, ()> for Inbox {
    fn event(
        inbox: &mut Self,
        _: &ZwpLinuxDmabufV1,
        event: zwp_linux_dmabuf_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let zwp_linux_dmabuf_v1::Event::Modifier { format, modifier_hi, modifier_lo } = event {
            inbox.dmabuf_formats.push((format, u64::from(modifier_hi) << 32 | u64::from(modifier_lo)));
        }
    }
}

impl Dispatch<ZwpLinuxBufferParamsV1, ()> for Inbox {
    fn event(
        inbox: &mut Self,
        _: &ZwpLinuxBufferParamsV1,
        event: zwp_linux_buffer_params_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        inbox.dmabufs.push(matches!(event, zwp_linux_buffer_params_v1::Event::Created { .. }));
    }

    event_created_child!(Self, ZwpLinuxBufferParamsV1, [
        zwp_linux_buffer_params_v1::EVT_CREATED_OPCODE => (WlBuffer, ())
    ]);
}

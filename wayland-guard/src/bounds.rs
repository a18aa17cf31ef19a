//! The numbers of each request, brought into bounds.

use std::sync::atomic::{AtomicBool, Ordering};

use smithay::{
    backend::renderer::buffer_dimensions,
    reexports::{
        wayland_protocols::{
            wp::{
                linux_dmabuf::zv1::server::zwp_linux_buffer_params_v1::{self, ZwpLinuxBufferParamsV1},
                viewporter::server::wp_viewport::{self, WpViewport},
            },
            xdg::shell::server::{
                xdg_positioner::{self, XdgPositioner},
                xdg_surface::{self, XdgSurface},
                xdg_toplevel::{self, XdgToplevel},
                xdg_wm_base::{self, XdgWmBase},
            },
        },
        wayland_server::{
            Resource,
            protocol::{
                wl_region::{self, WlRegion},
                wl_shm,
                wl_shm_pool::{self, WlShmPool},
                wl_subsurface::{self, WlSubsurface},
                wl_surface::{self, WlSurface},
            },
        },
    },
    wayland::{
        compositor::{
            BufferAssignment, CompositorState, RegionUserData, SubsurfaceUserData, SurfaceAttributes,
            SurfaceUserData, get_role, with_states,
        },
        dmabuf::{DmabufParamsData, DmabufState},
        shell::xdg::{
            XDG_POPUP_ROLE, XDG_TOPLEVEL_ROLE, XdgPositionerUserData, XdgShellState, XdgShellSurfaceUserData,
            XdgSurfaceUserData, XdgWmBaseUserData,
        },
        shm::{ShmPoolUserData, ShmState},
        viewporter::{ViewportCachedState, ViewportState},
    },
};

use crate::Guarded;

/// No coordinate or size that matters is larger: windows end at 16384 × 6144, pixman's coordinates end here, and a sum
/// of a thousand of these still fits into 32 bits.
pub const FAR: i32 = 32767;

/// The largest buffer scale. Real ones are 1 to 4.
pub const MAX_SCALE: i32 = 64;

fn position(value: i32) -> i32 {
    value.clamp(-FAR, FAR)
}

fn size(value: i32) -> i32 {
    value.clamp(0, FAR)
}

/// Smithay takes an anchor rectangle without extent for an error. The protocol says so only of a negative one.
fn anchor_side(value: i32) -> i32 {
    match value {
        0 => 1,
        _ => value.min(FAR),
    }
}

impl Guarded for WlSurface {
    type Data = SurfaceUserData;
    type Handler = CompositorState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        use wl_surface::Request;
        Some(match request {
            Request::Attach { buffer, x, y } => Request::Attach { buffer, x: position(x), y: position(y) },
            Request::Offset { x, y } => Request::Offset { x: position(x), y: position(y) },
            Request::Damage { x, y, width, height } => {
                Request::Damage { x: position(x), y: position(y), width: size(width), height: size(height) }
            }
            Request::DamageBuffer { x, y, width, height } => Request::DamageBuffer {
                x: position(x),
                y: position(y),
                width: size(width),
                height: size(height),
            },
            Request::SetBufferScale { scale } => Request::SetBufferScale { scale: scale.min(MAX_SCALE) },
            Request::Commit => {
                if let Some((error, message)) = commit_fault(self) {
                    self.post_error(error, message);
                    return None;
                }
                note_content(self);
                Request::Commit
            }
            other => other,
        })
    }
}

/// What is wrong with the state about to be committed. Each of these would have smithay divide by zero.
fn commit_fault(surface: &WlSurface) -> Option<(wl_surface::Error, &'static str)> {
    with_states(surface, |states| {
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        let pending = attributes.pending();
        if let Some(BufferAssignment::NewBuffer(buffer)) = &pending.buffer {
            let scale = pending.buffer_scale.max(1);
            let whole = buffer_dimensions(buffer).is_none_or(|it| it.w % scale == 0 && it.h % scale == 0);
            if !whole {
                return Some((wl_surface::Error::InvalidSize, "buffer size is not a multiple of its scale"));
            }
        }
        drop(attributes);
        let mut viewport = states.cached_state.get::<ViewportCachedState>();
        let viewport = viewport.pending();
        let whole = |it: f64| it.fract() == 0.0;
        match (viewport.src, viewport.dst) {
            (Some(source), None) if !whole(source.size.w) || !whole(source.size.h) => {
                Some((wl_surface::Error::InvalidSize, "viewport source is not whole and has no destination"))
            }
            _ => None,
        }
    })
}

/// Whether a surface has had a buffer committed that was not removed again. Kept with the surface.
#[derive(Default)]
struct HasContent(AtomicBool);

/// Notes what the state about to be committed does to a surface's content.
fn note_content(surface: &WlSurface) {
    with_states(surface, |states| {
        let has_content = states.data_map.get_or_insert_threadsafe(HasContent::default);
        if let Some(assigned) = &states.cached_state.get::<SurfaceAttributes>().pending().buffer {
            let has = matches!(assigned, BufferAssignment::NewBuffer(_));
            has_content.0.store(has, Ordering::Relaxed);
        }
    });
}

impl Guarded for XdgWmBase {
    type Data = XdgWmBaseUserData;
    type Handler = XdgShellState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        if let xdg_wm_base::Request::GetXdgSurface { surface, .. } = &request
            && let Some((error, message)) = window_fault(surface)
        {
            self.post_error(error, message);
            return None;
        }
        Some(request)
    }
}

/// Why a surface cannot become a window.
fn window_fault(surface: &WlSurface) -> Option<(xdg_wm_base::Error, &'static str)> {
    match get_role(surface) {
        // again what it has been
        Some(XDG_TOPLEVEL_ROLE | XDG_POPUP_ROLE) => None,
        Some(_) => Some((xdg_wm_base::Error::Role, "the surface is something else")),
        None => with_states(surface, |states| {
            let committed =
                states.data_map.get::<HasContent>().is_some_and(|it| it.0.load(Ordering::Relaxed));
            let mut attributes = states.cached_state.get::<SurfaceAttributes>();
            let attached = matches!(attributes.pending().buffer, Some(BufferAssignment::NewBuffer(_)));
            (committed || attached)
                .then_some((xdg_wm_base::Error::InvalidSurfaceState, "the surface has content already"))
        }),
    }
}

impl Guarded for WlRegion {
    type Data = RegionUserData;
    type Handler = CompositorState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        use wl_region::Request;
        Some(match request {
            Request::Add { x, y, width, height } => {
                Request::Add { x: position(x), y: position(y), width: size(width), height: size(height) }
            }
            Request::Subtract { x, y, width, height } => {
                Request::Subtract { x: position(x), y: position(y), width: size(width), height: size(height) }
            }
            other => other,
        })
    }
}

impl Guarded for WlSubsurface {
    type Data = SubsurfaceUserData;
    type Handler = CompositorState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        use wl_subsurface::Request;
        Some(match request {
            Request::SetPosition { x, y } => Request::SetPosition { x: position(x), y: position(y) },
            other => other,
        })
    }
}

impl Guarded for WpViewport {
    type Data = ViewportState;
    type Handler = ViewportState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        use wp_viewport::Request;
        Some(match request {
            Request::SetDestination { width, height } => {
                Request::SetDestination { width: width.min(FAR), height: height.min(FAR) }
            }
            other => other,
        })
    }
}

impl Guarded for WlShmPool {
    type Data = ShmPoolUserData;
    type Handler = ShmState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        if let Some((error, message)) = pool_fault(&request) {
            self.post_error(error, message);
            return None;
        }
        Some(request)
    }
}

/// What is wrong with a pool request, if anything, beyond what smithay looks at itself.
///
/// Smithay takes a resize to a size below one for granted to be impossible, and pixman refuses rows that do not begin
/// on a whole pixel, each time anew.
fn pool_fault(request: &wl_shm_pool::Request) -> Option<(wl_shm::Error, &'static str)> {
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

/// Smithay calculates on with sizes that it has found to be wrong.
impl Guarded for ZwpLinuxBufferParamsV1 {
    type Data = DmabufParamsData;
    type Handler = DmabufState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        use zwp_linux_buffer_params_v1::{Error, Request};
        match request {
            Request::Create { width, height, .. } | Request::CreateImmed { width, height, .. }
                if width < 1 || height < 1 =>
            {
                self.post_error(Error::InvalidDimensions, "a buffer must not be empty");
                None
            }
            other => Some(other),
        }
    }
}

impl Guarded for XdgPositioner {
    type Data = XdgPositionerUserData;
    type Handler = XdgShellState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        use xdg_positioner::Request;
        Some(match request {
            Request::SetSize { width, height } => {
                Request::SetSize { width: width.min(FAR), height: height.min(FAR) }
            }
            Request::SetAnchorRect { x, y, width, height } => Request::SetAnchorRect {
                x: position(x),
                y: position(y),
                width: anchor_side(width),
                height: anchor_side(height),
            },
            Request::SetOffset { x, y } => Request::SetOffset { x: position(x), y: position(y) },
            Request::SetParentSize { parent_width, parent_height } => Request::SetParentSize {
                parent_width: size(parent_width),
                parent_height: size(parent_height),
            },
            other => other,
        })
    }
}

impl Guarded for XdgSurface {
    type Data = XdgSurfaceUserData;
    type Handler = XdgShellState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        use xdg_surface::Request;
        match request {
            Request::SetWindowGeometry { width, height, .. } if width < 1 || height < 1 => {
                self.post_error(xdg_surface::Error::InvalidSize, "window geometry must not be empty");
                None
            }
            Request::SetWindowGeometry { x, y, width, height } => Some(Request::SetWindowGeometry {
                x: position(x),
                y: position(y),
                width: size(width),
                height: size(height),
            }),
            other => Some(other),
        }
    }
}

impl Guarded for XdgToplevel {
    type Data = XdgShellSurfaceUserData;
    type Handler = XdgShellState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        use xdg_toplevel::Request;
        match request {
            Request::SetMinSize { width, height } | Request::SetMaxSize { width, height }
                if width < 0 || height < 0 =>
            {
                self.post_error(xdg_toplevel::Error::InvalidSize, "size limits must not be negative");
                None
            }
            Request::SetMinSize { width, height } => {
                Some(Request::SetMinSize { width: size(width), height: size(height) })
            }
            Request::SetMaxSize { width, height } => {
                Some(Request::SetMaxSize { width: size(width), height: size(height) })
            }
            other => Some(other),
        }
    }
}

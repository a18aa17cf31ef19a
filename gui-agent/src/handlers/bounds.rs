//! The numbers clients may name, brought into bounds before smithay calculates with them.
//!
//! Smithay adds, multiplies and divides client values as they come. Absurd ones (a popup two thousand million pixels
//! to the right, a region of negative width, a scale the buffer cannot be divided by) would end the agent in a failed
//! assertion or overflow, and all applications with it. So requests that carry such numbers pass through here first:
//! what has a sensible nearest value gets it, what the protocol calls an error ends that client's connection.

use smithay::{
    backend::renderer::buffer_dimensions,
    reexports::{
        wayland_protocols::{
            wp::viewporter::server::wp_viewport::{self, WpViewport},
            xdg::shell::server::{
                xdg_positioner::{self, XdgPositioner},
                xdg_surface::{self, XdgSurface},
                xdg_toplevel::{self, XdgToplevel},
            },
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource,
            backend::ClientId,
            protocol::{
                wl_region::{self, WlRegion},
                wl_shm_pool::WlShmPool,
                wl_subsurface::{self, WlSubsurface},
                wl_surface::{self, WlSurface},
            },
        },
    },
    wayland::{
        compositor::{
            BufferAssignment, CompositorState, RegionUserData, SubsurfaceUserData, SurfaceAttributes,
            SurfaceUserData, with_states,
        },
        shell::xdg::{XdgPositionerUserData, XdgShellState, XdgShellSurfaceUserData, XdgSurfaceUserData},
        shm::{ShmPoolUserData, ShmState},
        viewporter::{ViewportCachedState, ViewportState},
    },
};

use super::shm;
use crate::state::State;

/// No coordinate or size that matters is larger: windows end at 16384 × 6144, pixman's coordinates end here, and a sum
/// of a thousand of these still fits into 32 bits.
const FAR: i32 = 32767;

/// The largest buffer scale. Real ones are 1 to 4.
const MAX_SCALE: i32 = 64;

fn position(value: i32) -> i32 {
    value.clamp(-FAR, FAR)
}

fn size(value: i32) -> i32 {
    value.clamp(0, FAR)
}

/// A request that passes on, in bounds, or none if it has ended its client.
trait Bounded: Resource + Sized {
    fn bounded(resource: &Self, request: Self::Request) -> Option<Self::Request>;
}

impl Bounded for WlSurface {
    fn bounded(surface: &Self, request: Self::Request) -> Option<Self::Request> {
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
                if let Some((error, message)) = commit_fault(surface) {
                    surface.post_error(error, message);
                    return None;
                }
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

impl Bounded for WlRegion {
    fn bounded(_: &Self, request: Self::Request) -> Option<Self::Request> {
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

impl Bounded for WlSubsurface {
    fn bounded(_: &Self, request: Self::Request) -> Option<Self::Request> {
        use wl_subsurface::Request;
        Some(match request {
            Request::SetPosition { x, y } => Request::SetPosition { x: position(x), y: position(y) },
            other => other,
        })
    }
}

impl Bounded for WpViewport {
    fn bounded(_: &Self, request: Self::Request) -> Option<Self::Request> {
        use wp_viewport::Request;
        Some(match request {
            Request::SetDestination { width, height } => {
                Request::SetDestination { width: width.min(FAR), height: height.min(FAR) }
            }
            other => other,
        })
    }
}

impl Bounded for WlShmPool {
    fn bounded(pool: &Self, request: Self::Request) -> Option<Self::Request> {
        if let Some((error, message)) = shm::pool_fault(&request) {
            pool.post_error(error, message);
            return None;
        }
        Some(request)
    }
}

impl Bounded for XdgPositioner {
    fn bounded(_: &Self, request: Self::Request) -> Option<Self::Request> {
        use xdg_positioner::Request;
        Some(match request {
            Request::SetSize { width, height } => {
                Request::SetSize { width: width.min(FAR), height: height.min(FAR) }
            }
            Request::SetAnchorRect { x, y, width, height } => Request::SetAnchorRect {
                x: position(x),
                y: position(y),
                width: width.min(FAR),
                height: height.min(FAR),
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

impl Bounded for XdgSurface {
    fn bounded(surface: &Self, request: Self::Request) -> Option<Self::Request> {
        use xdg_surface::Request;
        match request {
            Request::SetWindowGeometry { width, height, .. } if width < 1 || height < 1 => {
                surface.post_error(xdg_surface::Error::InvalidSize, "window geometry must not be empty");
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

impl Bounded for XdgToplevel {
    fn bounded(toplevel: &Self, request: Self::Request) -> Option<Self::Request> {
        use xdg_toplevel::Request;
        match request {
            Request::SetMinSize { width, height } | Request::SetMaxSize { width, height }
                if width < 0 || height < 0 =>
            {
                toplevel.post_error(xdg_toplevel::Error::InvalidSize, "size limits must not be negative");
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

/// Has an interface's requests bounded before smithay handles them.
macro_rules! dispatch_bounded {
    ($($interface:ty: $data:ty => $smithay:ty;)*) => {$(
        impl Dispatch<$interface, $data> for State {
            fn request(
                state: &mut Self,
                client: &Client,
                resource: &$interface,
                request: <$interface as Resource>::Request,
                data: &$data,
                display: &DisplayHandle,
                init: &mut DataInit<'_, Self>,
            ) {
                if let Some(request) = Bounded::bounded(resource, request) {
                    <$smithay as Dispatch<$interface, $data, Self>>::request(
                        state, client, resource, request, data, display, init,
                    );
                }
            }

            fn destroyed(state: &mut Self, client: ClientId, resource: &$interface, data: &$data) {
                <$smithay as Dispatch<$interface, $data, Self>>::destroyed(state, client, resource, data);
            }
        }
    )*};
}

dispatch_bounded! {
    WlSurface: SurfaceUserData => CompositorState;
    WlRegion: RegionUserData => CompositorState;
    WlSubsurface: SubsurfaceUserData => CompositorState;
    WlShmPool: ShmPoolUserData => ShmState;
    WpViewport: ViewportState => ViewportState;
    XdgPositioner: XdgPositionerUserData => XdgShellState;
    XdgSurface: XdgSurfaceUserData => XdgShellState;
    XdgToplevel: XdgShellSurfaceUserData => XdgShellState;
}

//! Window icons, `xdg_toplevel_icon_v1`: the pixels that clients give, sent to the GUI domain within its limits.
//!
//! An icon by name means nothing outside of this domain and its themes, so it counts as none. Smithay's own handling of
//! this protocol lets a client change an icon after its use, and fails an assertion then; hence this one.

use std::sync::{Mutex, MutexGuard, PoisonError};

use gui_protocol::{Image, WindowId};
use smithay::{
    reexports::{
        wayland_protocols::xdg::toplevel_icon::v1::server::{
            xdg_toplevel_icon_manager_v1::{self, XdgToplevelIconManagerV1},
            xdg_toplevel_icon_v1::{self, XdgToplevelIconV1},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource,
            protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface},
        },
    },
    wayland::{
        compositor::{Cacheable, with_states},
        shm::with_buffer_contents,
    },
};
use tracing::debug;

use crate::{state::State, still};

/// The side that clients are asked to make icons of, in pixels. The frames of the GUI domain show them much smaller.
const PREFERRED_SIDE: i32 = 64;

/// The longest side the protocol carries, in pixels.
const MAX_SIDE: i32 = gui_protocol::limits::ICON_SIDE as i32;

/// The most buffers kept of one icon. Programs have one for each of half a dozen sizes.
const MAX_BUFFERS: usize = 16;

/// An icon as its client makes it. It cannot be changed once it has been given to a window.
#[derive(Debug, Default)]
pub(crate) struct Icon(Mutex<IconState>);

#[derive(Debug, Default)]
struct IconState {
    /// Square ones, with their sides in pixels.
    buffers: Vec<(WlBuffer, i32)>,
    used: bool,
}

impl Icon {
    fn lock(&self) -> MutexGuard<'_, IconState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The smallest buffer that has what the GUI domain can use, or else the largest.
    fn best(&self) -> Option<(WlBuffer, i32)> {
        let icon = self.lock();
        let living = || icon.buffers.iter().filter(|(buffer, _)| buffer.is_alive());
        let enough = living().filter(|(_, side)| *side >= PREFERRED_SIDE).min_by_key(|(_, side)| *side);
        enough.or_else(|| living().max_by_key(|(_, side)| *side)).cloned()
    }
}

/// The icon of a surface, part of its committed state.
#[derive(Debug, Default, Clone)]
struct SurfaceIcon {
    icon: Option<XdgToplevelIconV1>,
    /// Set by each request that names one, so that the same object counts again.
    changed: bool,
}

impl Cacheable for SurfaceIcon {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        Self { icon: self.icon.clone(), changed: std::mem::take(&mut self.changed) }
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        *into = Self { changed: self.changed || into.changed, ..self };
    }
}

impl State {
    /// Makes icons known to clients.
    pub(crate) fn offer_icons(display: &DisplayHandle) {
        display.create_global::<Self, XdgToplevelIconManagerV1, _>(1, ());
    }

    /// A toplevel was committed: tells the GUI domain of its icon if that has changed, or if `anew`.
    pub(crate) fn update_icon(&mut self, id: WindowId, surface: &WlSurface, anew: bool) {
        let icon = with_states(surface, |states| {
            let mut icon = states.cached_state.get::<SurfaceIcon>();
            let icon = icon.current();
            (std::mem::take(&mut icon.changed) || anew).then(|| icon.icon.clone())
        });
        let Some(icon) = icon else { return };
        let best = icon.as_ref().filter(|icon| icon.is_alive()).and_then(|icon| icon.data::<Icon>()?.best());
        if best.is_none() && anew {
            return;
        }
        let image = best.and_then(|(buffer, side)| {
            let side = side.min(MAX_SIDE);
            match still::of_buffer(&buffer, (side, side).into()) {
                Ok(pixels) => Image::icon(side.unsigned_abs(), side.unsigned_abs(), pixels),
                Err(error) => {
                    debug!("an icon could not be drawn: {error}");
                    None
                }
            }
        });
        self.link.conn.icon(id, image.unwrap_or_default());
    }
}

impl GlobalDispatch<XdgToplevelIconManagerV1, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        manager: New<XdgToplevelIconManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        let manager = init.init(manager, ());
        manager.icon_size(PREFERRED_SIDE);
        manager.done();
    }
}

impl Dispatch<XdgToplevelIconManagerV1, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        _: &XdgToplevelIconManagerV1,
        request: xdg_toplevel_icon_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        use xdg_toplevel_icon_manager_v1::Request;
        match request {
            Request::CreateIcon { id } => drop(init.init(id, Icon::default())),
            Request::SetIcon { toplevel, icon } => {
                let Some(toplevel) = state.globals.xdg_shell.get_toplevel(&toplevel) else { return };
                if let Some(icon) = icon.as_ref().and_then(|icon| icon.data::<Icon>()) {
                    icon.lock().used = true;
                }
                with_states(toplevel.wl_surface(), |states| {
                    *states.cached_state.get::<SurfaceIcon>().pending() = SurfaceIcon { icon, changed: true };
                });
            }
            _ => {}
        }
    }
}

impl Dispatch<XdgToplevelIconV1, Icon> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        icon: &XdgToplevelIconV1,
        request: xdg_toplevel_icon_v1::Request,
        data: &Icon,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        use xdg_toplevel_icon_v1::{Error, Request};
        let mut data = data.lock();
        if data.used && !matches!(request, Request::Destroy) {
            return icon.post_error(Error::Immutable, "the icon has been given to a window");
        }
        if let Request::AddBuffer { buffer, scale } = request {
            let size = with_buffer_contents(&buffer, |_, _, data| (data.width, data.height));
            match size {
                Ok((width, height)) if width == height && scale > 0 => {
                    data.buffers.retain(|(other, side)| *side != width && other.is_alive());
                    if data.buffers.len() < MAX_BUFFERS {
                        data.buffers.push((buffer, width));
                    }
                }
                _ => icon.post_error(Error::InvalidBuffer, "an icon's buffer must be square and of wl_shm"),
            }
        }
    }
}

//! The agent, as its clients see it: surfaces to draw on, and buffers to draw them with.

use std::{fs::File, io::Write as _, os::fd::AsFd as _};

use rustix::fs::{MemfdFlags, memfd_create};
use tiny_skia::Pixmap;
use wayland_client::{
    Connection, Dispatch, QueueHandle, delegate_noop,
    globals::{BindError, GlobalList, GlobalListContents},
    protocol::{
        wl_buffer::{self, WlBuffer},
        wl_compositor::WlCompositor,
        wl_registry::{self, WlRegistry},
        wl_seat::WlSeat,
        wl_shm::{Format, WlShm},
        wl_shm_pool::WlShmPool,
        wl_surface::WlSurface,
    },
};
use wayland_protocols::{
    wp::{
        fractional_scale::v1::client::{
            wp_fractional_scale_manager_v1::WpFractionalScaleManagerV1,
            wp_fractional_scale_v1::{self, WpFractionalScaleV1},
        },
        viewporter::client::{wp_viewport::WpViewport, wp_viewporter::WpViewporter},
    },
    xdg::shell::client::{
        xdg_positioner::XdgPositioner,
        xdg_wm_base::{self, XdgWmBase},
    },
};
use wayland_protocols_wlr::layer_shell::v1::client::zwlr_layer_shell_v1::ZwlrLayerShellV1;

use super::Tray;

/// A scale of one, in the protocol's 120ths.
const UNSCALED: u32 = 120;

/// What the agent offers.
pub(super) struct Shell {
    compositor: WlCompositor,
    shm: WlShm,
    viewporter: WpViewporter,
    fractional: WpFractionalScaleManagerV1,
    pub(super) layers: ZwlrLayerShellV1,
    pub(super) windows: XdgWmBase,
    pub(super) seat: WlSeat,
    pub(super) queue: QueueHandle<Tray>,
}

impl Shell {
    pub(super) fn new(globals: &GlobalList, queue: QueueHandle<Tray>) -> Result<Self, BindError> {
        Ok(Self {
            compositor: globals.bind(&queue, 4..=6, ())?,
            shm: globals.bind(&queue, 1..=1, ())?,
            viewporter: globals.bind(&queue, 1..=1, ())?,
            fractional: globals.bind(&queue, 1..=1, ())?,
            layers: globals.bind(&queue, 1..=4, ())?,
            windows: globals.bind(&queue, 3..=6, ())?,
            seat: globals.bind(&queue, 5..=7, ())?,
            queue,
        })
    }
}

/// A surface with a picture of its own size and scale.
pub(super) struct Canvas {
    pub(super) surface: WlSurface,
    viewport: WpViewport,
    fractional: WpFractionalScaleV1,
    /// In 120ths.
    scale: u32,
    /// In logical pixels.
    pub(super) size: (i32, i32),
}

impl Canvas {
    pub(super) fn new(shell: &Shell, size: (i32, i32)) -> Self {
        let surface = shell.compositor.create_surface(&shell.queue, ());
        let viewport = shell.viewporter.get_viewport(&surface, &shell.queue, ());
        let fractional = shell.fractional.get_fractional_scale(&surface, &shell.queue, surface.clone());
        Self { surface, viewport, fractional, scale: UNSCALED, size }
    }

    pub(super) fn scale(&self) -> f32 {
        self.scale as f32 / UNSCALED as f32
    }

    /// Takes another scale. Returns whether it is another.
    pub(super) fn rescale(&mut self, scale: u32) -> bool {
        std::mem::replace(&mut self.scale, scale) != scale
    }

    /// The size of its picture.
    pub(super) fn pixels(&self) -> (u32, u32) {
        let side = |side: i32| {
            let scaled = u64::from(side.unsigned_abs()) * u64::from(self.scale);
            u32::try_from((scaled + u64::from(UNSCALED / 2)) / u64::from(UNSCALED)).unwrap_or(u32::MAX)
        };
        (side(self.size.0), side(self.size.1))
    }

    /// Shows an opaque picture of [`Canvas::pixels`].
    pub(super) fn show(&self, shell: &Shell, picture: &Pixmap) -> std::io::Result<()> {
        let buffer = shell.buffer(picture)?;
        self.viewport.set_destination(self.size.0, self.size.1);
        self.surface.attach(Some(&buffer), 0, 0);
        self.surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
        self.surface.commit();
        Ok(())
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        self.fractional.destroy();
        self.viewport.destroy();
        self.surface.destroy();
    }
}

impl Shell {
    fn buffer(&self, picture: &Pixmap) -> std::io::Result<WlBuffer> {
        let (width, height) = (picture.width().cast_signed(), picture.height().cast_signed());
        let mut bytes = picture.data().to_vec();
        for pixel in bytes.chunks_exact_mut(4) {
            // from red, green, blue to what little-endian numbers make of that
            pixel.swap(0, 2);
        }
        let mut file = File::from(memfd_create("tray", MemfdFlags::CLOEXEC)?);
        file.write_all(&bytes)?;
        let length = i32::try_from(bytes.len()).map_err(|_| std::io::ErrorKind::FileTooLarge)?;
        let pool = self.shm.create_pool(file.as_fd(), length, &self.queue, ());
        let stride = width.saturating_mul(4);
        let buffer = pool.create_buffer(0, width, height, stride, Format::Xrgb8888, &self.queue, ());
        pool.destroy();
        Ok(buffer)
    }
}

impl Dispatch<WlRegistry, GlobalListContents> for Tray {
    fn event(
        _: &mut Self,
        _: &WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

impl Dispatch<WlBuffer, ()> for Tray {
    fn event(
        _: &mut Self,
        buffer: &WlBuffer,
        event: wl_buffer::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_buffer::Event::Release = event {
            buffer.destroy();
        }
    }
}

impl Dispatch<XdgWmBase, ()> for Tray {
    fn event(
        _: &mut Self,
        windows: &XdgWmBase,
        event: xdg_wm_base::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_wm_base::Event::Ping { serial } = event {
            windows.pong(serial);
        }
    }
}

impl Dispatch<WpFractionalScaleV1, WlSurface> for Tray {
    fn event(
        tray: &mut Self,
        _: &WpFractionalScaleV1,
        event: wp_fractional_scale_v1::Event,
        surface: &WlSurface,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wp_fractional_scale_v1::Event::PreferredScale { scale } = event {
            tray.rescale(surface, scale);
        }
    }
}

delegate_noop!(Tray: WlCompositor);
delegate_noop!(Tray: ignore WlShm);
delegate_noop!(Tray: WlShmPool);
delegate_noop!(Tray: ignore WlSurface);
delegate_noop!(Tray: WpViewporter);
delegate_noop!(Tray: WpViewport);
delegate_noop!(Tray: WpFractionalScaleManagerV1);
delegate_noop!(Tray: ZwlrLayerShellV1);
delegate_noop!(Tray: XdgPositioner);

//! A Wayland client that commits prepared frames as fast as frame callbacks come.

use std::{
    ops::Range,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use wayland_client::{
    Connection, Dispatch, EventQueue, QueueHandle, delegate_noop,
    globals::{GlobalListContents, registry_queue_init},
    protocol::{
        wl_buffer::WlBuffer,
        wl_callback::{self, WlCallback},
        wl_compositor::WlCompositor,
        wl_registry::{self, WlRegistry},
        wl_shm::{self, WlShm},
        wl_shm_pool::WlShmPool,
        wl_surface::WlSurface,
    },
};
use wayland_protocols::xdg::shell::client::{
    xdg_surface::{self, XdgSurface},
    xdg_toplevel::{self, XdgToplevel},
    xdg_wm_base::{self, XdgWmBase},
};

const WIDTH: i32 = 1920;
const HEIGHT: i32 = 1080;
const PIXEL: i32 = 4;
/// The compositor may hold one while the next is drawn.
const BUFFERS: i32 = 2;

/// What a frame changes.
#[derive(Debug, Clone, Copy)]
pub enum Case {
    /// Every pixel of a 1920x1080 window.
    Full,
    /// 64x64 pixels in the middle of it.
    Small,
}

impl Case {
    /// All cases.
    pub const ALL: [Case; 2] = [Case::Full, Case::Small];

    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Case::Full => "full-1080p",
            Case::Small => "64x64",
        }
    }

    /// Bytes of an image of the window.
    pub const IMAGE_BYTES: usize = (WIDTH * HEIGHT * PIXEL) as usize;

    /// The bytes that one frame changes in an image of the window.
    pub fn damaged_rows(self) -> impl Iterator<Item = Range<usize>> {
        let (x, y, width, height) = self.damage();
        (y..y + height).map(move |row| {
            let start = ((row * WIDTH + x) * PIXEL) as usize;
            start..start + (width * PIXEL) as usize
        })
    }

    fn damage(self) -> (i32, i32, i32, i32) {
        match self {
            Case::Full => (0, 0, WIDTH, HEIGHT),
            Case::Small => (WIDTH / 2, HEIGHT / 2, 64, 64),
        }
    }
}

/// One window.
pub struct Client {
    queue: EventQueue<Window>,
    window: Window,
}

struct Window {
    case: Case,
    surface: WlSurface,
    buffers: Vec<WlBuffer>,
    configured: bool,
    /// Draws no more.
    still: bool,
    frames: u64,
}

impl Client {
    /// Opens a window and waits until it is configured.
    pub fn connect(socket: &Path, case: Case) -> anyhow::Result<Self> {
        let stream = UnixStream::connect(socket).with_context(|| socket.display().to_string())?;
        let connection = Connection::from_socket(stream)?;
        let (globals, mut queue) = registry_queue_init::<Window>(&connection)?;
        let handle = queue.handle();
        let compositor: WlCompositor = globals.bind(&handle, 4..=6, ())?;
        let shm: WlShm = globals.bind(&handle, 1..=1, ())?;
        let shell: XdgWmBase = globals.bind(&handle, 1..=6, ())?;

        let memory = prepared_frames()?;
        let pool = shm.create_pool(memory.as_fd(), BUFFERS * WIDTH * HEIGHT * PIXEL, &handle, ());
        let buffer = |index| {
            let offset = index * WIDTH * HEIGHT * PIXEL;
            pool.create_buffer(offset, WIDTH, HEIGHT, WIDTH * PIXEL, wl_shm::Format::Xrgb8888, &handle, ())
        };
        let buffers = (0..BUFFERS).map(buffer).collect();
        let surface = compositor.create_surface(&handle, ());
        let xdg_surface = shell.get_xdg_surface(&surface, &handle, ());
        let toplevel = xdg_surface.get_toplevel(&handle, ());
        toplevel.set_title("bench".into());
        surface.commit();

        let mut window = Window { case, surface, buffers, configured: false, still: false, frames: 0 };
        while !window.configured {
            queue.blocking_dispatch(&mut window)?;
        }
        window.commit(&handle, true);
        Ok(Self { queue, window })
    }

    /// Waits for the first frame to have been taken, and draws no more.
    pub fn wait_until_shown(&mut self) -> anyhow::Result<()> {
        self.window.still = true;
        while self.window.frames == 0 {
            self.queue.blocking_dispatch(&mut self.window)?;
        }
        Ok(())
    }

    /// Commits frames for that long and returns how many were shown.
    pub fn run_for(&mut self, time: Duration) -> anyhow::Result<u64> {
        let before = self.window.frames;
        let end = Instant::now() + time;
        while Instant::now() < end {
            self.queue.blocking_dispatch(&mut self.window)?;
        }
        Ok(self.window.frames - before)
    }
}

/// Two frames one after the other, of different content.
fn prepared_frames() -> anyhow::Result<OwnedFd> {
    let memory = memfd_create("frames", MemfdFlags::CLOEXEC)?;
    let frame = (WIDTH * HEIGHT * PIXEL) as usize;
    ftruncate(&memory, (frame * BUFFERS as usize) as u64)?;
    let mut at = 0u64;
    for index in 0..BUFFERS {
        let row = vec![0x20 + 0x60 * index as u8; (WIDTH * PIXEL) as usize];
        for _ in 0..HEIGHT {
            at += rustix::io::pwrite(&memory, &row, at)? as u64;
        }
    }
    Ok(memory)
}

impl Window {
    fn commit(&mut self, handle: &QueueHandle<Self>, everything: bool) {
        let buffer = &self.buffers[self.frames as usize % self.buffers.len()];
        let (x, y, width, height) = if everything { Case::Full } else { self.case }.damage();
        self.surface.attach(Some(buffer), 0, 0);
        self.surface.damage_buffer(x, y, width, height);
        self.surface.frame(handle, ());
        self.surface.commit();
    }
}

impl Dispatch<WlCallback, ()> for Window {
    fn event(
        window: &mut Self,
        _: &WlCallback,
        event: wl_callback::Event,
        (): &(),
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        if let wl_callback::Event::Done { .. } = event {
            window.frames += 1;
            if !window.still {
                window.commit(handle, false);
            }
        }
    }
}

impl Dispatch<XdgSurface, ()> for Window {
    fn event(
        window: &mut Self,
        xdg_surface: &XdgSurface,
        event: xdg_surface::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event {
            xdg_surface.ack_configure(serial);
            window.configured = true;
        }
    }
}

impl Dispatch<XdgToplevel, ()> for Window {
    fn event(
        _: &mut Self,
        _: &XdgToplevel,
        _: xdg_toplevel::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        // The window keeps its size, whatever it is told.
    }
}

impl Dispatch<XdgWmBase, ()> for Window {
    fn event(
        _: &mut Self,
        shell: &XdgWmBase,
        event: xdg_wm_base::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_wm_base::Event::Ping { serial } = event {
            shell.pong(serial);
        }
    }
}

impl Dispatch<WlRegistry, GlobalListContents> for Window {
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

delegate_noop!(Window: ignore WlCompositor);
delegate_noop!(Window: ignore WlShm);
delegate_noop!(Window: ignore WlShmPool);
delegate_noop!(Window: ignore WlSurface);
delegate_noop!(Window: ignore WlBuffer);

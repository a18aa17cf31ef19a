//! `bench-client`: a Wayland client that draws every frame it commits, one for each frame callback.
//!
//! It takes a buffer that the compositor has released, draws all that the frame changes, notes the time and commits.
//! Where no buffer is free it waits for one. It runs until the connection ends.

#![forbid(unsafe_code)]

use std::{convert::Infallible, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Parser;
use smithay_client_toolkit::{
    delegate_shm,
    shm::{Shm, ShmHandler, raw::RawPool},
};
use transom_benches::{
    content::{Case, NUMBERS, PIXEL, Painter},
    record::{Recorder, What, now},
};
use wayland_client::{
    Connection, Dispatch, QueueHandle, delegate_noop,
    globals::{GlobalListContents, registry_queue_init},
    protocol::{
        wl_buffer::{self, WlBuffer},
        wl_callback::{self, WlCallback},
        wl_compositor::WlCompositor,
        wl_registry::{self, WlRegistry},
        wl_shm,
        wl_surface::WlSurface,
    },
};
use wayland_protocols::xdg::shell::client::{
    xdg_surface::{self, XdgSurface},
    xdg_toplevel::{self, XdgToplevel},
    xdg_wm_base::{self, XdgWmBase},
};

/// Draws and commits frames on the display that WAYLAND_DISPLAY names.
#[derive(Parser)]
struct Options {
    /// What to show.
    #[arg(long, value_enum)]
    case: Case,
    /// The file to note commits in.
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// How many windows show it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    windows: usize,
}

/// One is shown, one is on its way, one is drawn.
const BUFFERS: usize = 3;

struct Client {
    case: Case,
    painter: Painter,
    recorder: Recorder,
    shm: Shm,
    windows: Vec<Window>,
}

struct Window {
    surface: WlSurface,
    pool: RawPool,
    buffers: Vec<(WlBuffer, State)>,
    /// The frame drawn last.
    number: u32,
    /// A frame is wanted, but there may be no buffer for it.
    wanted: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Never drawn to.
    Blank,
    /// Holds an old frame.
    Free,
    /// The compositor may read it.
    Held,
}

/// Which window an event is about.
#[derive(Clone, Copy)]
struct Index(usize);

fn main() -> ExitCode {
    let Err(err) = run(&Options::parse());
    eprintln!("bench-client: {err:#}");
    ExitCode::FAILURE
}

/// Ends with the connection.
fn run(options: &Options) -> anyhow::Result<Infallible> {
    let connection = Connection::connect_to_env()?;
    let (globals, mut queue) = registry_queue_init::<Client>(&connection)?;
    let handle = queue.handle();
    let compositor: WlCompositor = globals.bind(&handle, 4..=6, ())?;
    let shell: XdgWmBase = globals.bind(&handle, 1..=6, ())?;
    let shm = Shm::bind(&globals, &handle)?;
    let recorder = Recorder::create(&options.record).context("the record")?;
    let painter = Painter::new(options.case);
    let mut client = Client { case: options.case, painter, recorder, shm, windows: Vec::new() };
    for index in 0..options.windows {
        client.open(&compositor, &shell, &handle, index)?;
    }
    loop {
        // also sends what the last events have led to
        queue.blocking_dispatch(&mut client)?;
    }
}

impl Client {
    fn open(
        &mut self,
        compositor: &WlCompositor,
        shell: &XdgWmBase,
        handle: &QueueHandle<Self>,
        index: usize,
    ) -> anyhow::Result<()> {
        let window = self.case.window();
        let bytes = window.pixels() * PIXEL;
        let [width, height, stride] =
            [window.width, window.height, window.width * PIXEL as u32].map(u32::cast_signed);
        // a window that never changes has no use for more
        let buffers = if self.case == Case::Idle { 1 } else { BUFFERS };
        let mut pool = RawPool::new(bytes * buffers, &self.shm)?;
        let format = wl_shm::Format::Xrgb8888;
        let buffers = (0..buffers).map(|buffer| {
            let offset = i32::try_from(bytes * buffer)?;
            let buffer = pool.create_buffer(offset, width, height, stride, format, Index(index), handle);
            Ok((buffer, State::Blank))
        });
        let buffers = buffers.collect::<anyhow::Result<Vec<_>>>()?;
        let surface = compositor.create_surface(handle, ());
        let xdg_surface = shell.get_xdg_surface(&surface, handle, Index(index));
        let toplevel = xdg_surface.get_toplevel(handle, ());
        toplevel.set_title(self.case.name().into());
        surface.commit();
        self.windows.push(Window { surface, pool, buffers, number: 0, wanted: false });
        Ok(())
    }

    /// Draws and commits the frame that a window wants, if it can.
    fn commit(&mut self, Index(index): Index, handle: &QueueHandle<Self>) {
        let Some(window) = self.windows.get_mut(index).filter(|window| window.wanted) else { return };
        let free = window.buffers.iter_mut().enumerate().find(|(_, (_, state))| *state != State::Held);
        let Some((place, (buffer, state))) = free else { return };

        window.number = (window.number + 1) % NUMBERS;
        let (whole, damage) = (self.case.window(), self.case.damage());
        let bytes = whole.pixels() * PIXEL;
        let image = &mut window.pool.mmap()[place * bytes..][..bytes];
        if *state == State::Blank {
            self.painter.prepare(image);
        }
        self.painter.draw(window.number, image);
        *state = State::Held;
        let damage = if window.number == 1 { whole } else { damage };
        let [x, y, width, height] = [damage.x, damage.y, damage.width, damage.height].map(u32::cast_signed);
        window.surface.attach(Some(buffer), 0, 0);
        window.surface.damage_buffer(x, y, width, height);
        window.wanted = false;
        if self.case != Case::Idle {
            window.surface.frame(handle, Index(index));
        }
        let noted = self.recorder.note(What::Committed, window.number, now());
        noted.expect("the record is in memory");
        window.surface.commit();
    }
}

impl Dispatch<WlCallback, Index> for Client {
    fn event(
        client: &mut Self,
        _: &WlCallback,
        event: wl_callback::Event,
        &index: &Index,
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        if let (wl_callback::Event::Done { .. }, Some(window)) = (event, client.windows.get_mut(index.0)) {
            window.wanted = true;
            client.commit(index, handle);
        }
    }
}

impl Dispatch<WlBuffer, Index> for Client {
    fn event(
        client: &mut Self,
        released: &WlBuffer,
        event: wl_buffer::Event,
        &index: &Index,
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        if let (wl_buffer::Event::Release, Some(window)) = (event, client.windows.get_mut(index.0)) {
            for (_, state) in window.buffers.iter_mut().filter(|(buffer, _)| buffer == released) {
                *state = State::Free;
            }
            client.commit(index, handle);
        }
    }
}

impl Dispatch<XdgSurface, Index> for Client {
    fn event(
        client: &mut Self,
        xdg_surface: &XdgSurface,
        event: xdg_surface::Event,
        &index: &Index,
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        if let (xdg_surface::Event::Configure { serial }, Some(window)) =
            (event, client.windows.get_mut(index.0))
        {
            xdg_surface.ack_configure(serial);
            if window.number == 0 {
                window.wanted = true;
                client.commit(index, handle);
            }
        }
    }
}

impl Dispatch<XdgToplevel, ()> for Client {
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

impl Dispatch<XdgWmBase, ()> for Client {
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

impl Dispatch<WlRegistry, GlobalListContents> for Client {
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

impl ShmHandler for Client {
    fn shm_state(&mut self) -> &mut Shm {
        &mut self.shm
    }
}

delegate_shm!(Client);
delegate_noop!(Client: ignore WlCompositor);
delegate_noop!(Client: ignore WlSurface);

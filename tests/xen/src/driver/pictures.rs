//! A Wayland client that draws into a driver's memory what is known for every pixel: red is the column and green the row,
//! both modulo 256, and blue tells the picture.
//!
//! The first picture is there at once, a new one for each line on standard input. Each takes the other one of two buffers,
//! once it has been given back. The first of every five changes the whole window; the others a square of it, and say so (damage).
//! A line on standard output tells that the compositor has a picture.

use std::process::Child;

use anyhow::ensure;
use rustix::event::{PollFd, PollFlags, poll};
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::{wl_buffer, wl_compositor, wl_registry, wl_surface};
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};
use wayland_protocols::wp::linux_dmabuf::zv1::client::{zwp_linux_buffer_params_v1, zwp_linux_dmabuf_v1};
use wayland_protocols::xdg::shell::client::{xdg_surface, xdg_toplevel, xdg_wm_base};

use super::{Card, Memory};

/// From one picture to the next that changes the whole window.
const WHOLE_EVERY: u8 = 5;

/// Blue changes by this much.
const STEP: u8 = 24;

#[derive(clap::Args)]
pub struct Options {
    /// What its window is called
    #[arg(long)]
    title: String,
    /// Width of the window, in pixels
    #[arg(long)]
    width: u32,
    /// Height of the window, in pixels
    #[arg(long)]
    height: u32,
    /// Side of the square that changes, and its distance from the left and the top, in pixels
    #[arg(long)]
    square: u32,
    /// The picture that another driver, vgem, still draws when it is committed; one more line on standard input ends that
    #[arg(long)]
    drawn_late: Option<u8>,
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    let connection = Connection::connect_to_env()?;
    let (globals, mut queue) = registry_queue_init::<Client>(&connection)?;
    let handle = queue.handle();
    let compositor: wl_compositor::WlCompositor = globals.bind(&handle, 4..=6, ())?;
    let shell: xdg_wm_base::XdgWmBase = globals.bind(&handle, 1..=6, ())?;
    let dmabuf: zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1 = globals.bind(&handle, 3..=3, ())?;

    let card = Card::open()?;
    let buffer = || {
        let memory = card.memory(options.width, options.height)?;
        let [width, height] = memory.size();
        let params = card.describe(&memory, &dmabuf, &handle)?;
        let flags = zwp_linux_buffer_params_v1::Flags::empty();
        let buffer = params.create_immed(width, height, Memory::FORMAT, flags, &handle, ());
        anyhow::Ok(Buffer { memory, buffer, free: true })
    };
    let buffers = [buffer()?, buffer()?];
    let surface = compositor.create_surface(&handle, ());
    let toplevel = shell.get_xdg_surface(&surface, &handle, ()).get_toplevel(&handle, ());
    toplevel.set_title(options.title.clone());
    surface.commit();

    let mut client = Client {
        square: options.square,
        card,
        buffers,
        surface,
        drawn: 0,
        wanted: 0,
        late: options.drawn_late,
        driver: None,
        refused: false,
    };
    let input = std::io::stdin();
    loop {
        queue.dispatch_pending(&mut client)?;
        ensure!(!client.refused, "the buffers were refused");
        if client.draw_if_wanted()? {
            queue.roundtrip(&mut client)?;
            println!("picture {}", client.drawn);
        }
        queue.flush()?;
        let Some(reading) = queue.prepare_read() else { continue };
        let mut sources = [
            PollFd::from_borrowed_fd(reading.connection_fd(), PollFlags::IN),
            PollFd::new(&input, PollFlags::IN),
        ];
        poll(&mut sources, None)?;
        let [server, lines] = sources.map(|source| !source.revents().is_empty());
        if server {
            reading.read()?;
        }
        if lines {
            let mut bytes = [0; 64];
            let count = rustix::io::read(&input, &mut bytes)?;
            ensure!(count > 0, "nobody wants more pictures");
            for _ in bytes.iter().take(count).filter(|byte| **byte == b'\n') {
                client.line()?;
            }
        }
    }
}

struct Buffer {
    memory: Memory,
    buffer: wl_buffer::WlBuffer,
    /// May be drawn to.
    free: bool,
}

struct Client {
    square: u32,
    card: Card,
    buffers: [Buffer; 2],
    surface: wl_surface::WlSurface,
    /// How many pictures have been drawn.
    drawn: u8,
    /// How many are to be.
    wanted: u8,
    /// The picture that vgem draws.
    late: Option<u8>,
    /// What ends by its end.
    driver: Option<Child>,
    refused: bool,
}

impl Client {
    fn line(&mut self) -> anyhow::Result<()> {
        match self.driver.take() {
            Some(mut driver) => {
                driver.kill()?;
                driver.wait()?;
            }
            None => self.wanted = self.wanted.saturating_add(1),
        }
        Ok(())
    }

    /// Whether a picture was drawn.
    fn draw_if_wanted(&mut self) -> anyhow::Result<bool> {
        let Self { square, drawn, .. } = *self;
        let number = drawn + 1;
        let [first, second] = &mut self.buffers;
        let buffer = if number.is_multiple_of(2) { first } else { second };
        if number > self.wanted || !buffer.free {
            return Ok(false);
        }
        let whole = drawn - drawn % WHOLE_EVERY + 1;
        let in_square = |place: u32| (square..2 * square).contains(&place);
        self.card.draw(&mut buffer.memory, |x, y| {
            let blue = STEP.wrapping_mul(if in_square(x) && in_square(y) { number } else { whole });
            [x.to_le_bytes()[0], y.to_le_bytes()[0], blue]
        })?;
        if self.late == Some(number) {
            self.driver = Some(self.card.has_vgem_draw(&buffer.memory)?);
        }
        buffer.free = false;
        self.surface.attach(Some(&buffer.buffer), 0, 0);
        let [place, side] = if number == whole { [0, i32::MAX] } else { [square.cast_signed(); 2] };
        self.surface.damage_buffer(place, place, side, side);
        self.surface.commit();
        self.drawn = number;
        Ok(true)
    }
}

impl Dispatch<wl_buffer::WlBuffer, ()> for Client {
    fn event(
        client: &mut Self,
        released: &wl_buffer::WlBuffer,
        _: wl_buffer::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        for buffer in client.buffers.iter_mut().filter(|buffer| buffer.buffer == *released) {
            buffer.free = true;
        }
    }
}

impl Dispatch<zwp_linux_buffer_params_v1::ZwpLinuxBufferParamsV1, ()> for Client {
    fn event(
        client: &mut Self,
        _: &zwp_linux_buffer_params_v1::ZwpLinuxBufferParamsV1,
        event: zwp_linux_buffer_params_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        client.refused |= matches!(event, zwp_linux_buffer_params_v1::Event::Failed);
    }
}

impl Dispatch<xdg_surface::XdgSurface, ()> for Client {
    fn event(
        client: &mut Self,
        xdg_surface: &xdg_surface::XdgSurface,
        event: xdg_surface::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event {
            xdg_surface.ack_configure(serial);
            // It keeps its size, whatever it is told.
            client.wanted = client.wanted.max(1);
        }
    }
}

impl Dispatch<xdg_wm_base::XdgWmBase, ()> for Client {
    fn event(
        _: &mut Self,
        shell: &xdg_wm_base::XdgWmBase,
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

impl Dispatch<wl_registry::WlRegistry, GlobalListContents> for Client {
    fn event(
        _: &mut Self,
        _: &wl_registry::WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

delegate_noop!(Client: wl_compositor::WlCompositor);
delegate_noop!(Client: ignore zwp_linux_dmabuf_v1::ZwpLinuxDmabufV1);
delegate_noop!(Client: ignore wl_surface::WlSurface);
delegate_noop!(Client: ignore xdg_toplevel::XdgToplevel);

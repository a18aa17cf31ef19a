//! A Wayland client that takes the time from each commit until it is told that the frame is on the screen.
//!
//! One runs in a domain and one in dom0, on the same screen: what the way through Xen costs is the ratio between them. Both
//! draw the same, one frame at a time: whole windows, or a small square of them.
//!
//! Two ends of a frame are told: the callback for the next one (`frame`), which every compositor has, and the time of the
//! page flip (`flip`), where there is `wp_presentation`. Either is of the same clock as the commit: the callback's arrival is
//! seen here, and the agent translates the flip's time to its domain's clock. It does so by how long ago the flip was when
//! the word of it was sent, so that the way back counts as part of the time.

use std::fs::File;
use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
use rustix::time::{ClockId, clock_gettime};
use wayland_client::globals::{GlobalListContents, registry_queue_init};
use wayland_client::protocol::{
    wl_buffer, wl_callback, wl_compositor, wl_registry, wl_shm, wl_shm_pool, wl_surface,
};
use wayland_client::{Connection, Dispatch, QueueHandle, delegate_noop};
use wayland_protocols::wp::presentation_time::client::{wp_presentation, wp_presentation_feedback};
use wayland_protocols::xdg::shell::client::{xdg_surface, xdg_toplevel, xdg_wm_base};

/// One is shown, one is on its way, one is drawn.
const BUFFERS: usize = 3;

/// Bytes of a pixel.
const PIXEL: u32 = 4;

/// Frames that are not counted: at the first, buffers are shared and the window finds its place.
const WARM_UP: u32 = 10;

/// An endless run tells of every so many frames.
const TOLD: u32 = 10;

#[derive(clap::Args)]
pub struct Options {
    /// What its window is called
    #[arg(long, default_value = "frames")]
    title: String,
    /// Width of the window, in pixels
    #[arg(long, default_value_t = 640)]
    width: u32,
    /// Height of the window, in pixels
    #[arg(long, default_value_t = 480)]
    height: u32,
    /// Side of the square that changes, in pixels; all of the window if it is not given
    #[arg(long)]
    damage: Option<u32>,
    /// After how many frames to end with the times as JSON; it goes on for ever and tells how many there were if not given
    #[arg(long)]
    frames: Option<u32>,
}

pub fn run(options: &Options) -> anyhow::Result<()> {
    let connection = Connection::connect_to_env()?;
    let (globals, mut queue) = registry_queue_init::<Client>(&connection)?;
    let handle = queue.handle();
    let compositor: wl_compositor::WlCompositor = globals.bind(&handle, 4..=6, ())?;
    let shell: xdg_wm_base::XdgWmBase = globals.bind(&handle, 1..=6, ())?;
    let shm: wl_shm::WlShm = globals.bind(&handle, 1..=1, ())?;
    let presentation = globals.bind(&handle, 1..=1, ()).ok();

    let stride = options.width * PIXEL;
    let bytes = stride * options.height;
    let all = bytes * u32::try_from(BUFFERS)?;
    let memory = File::from(memfd_create("frames", MemfdFlags::CLOEXEC)?);
    ftruncate(&memory, all.into())?;
    let [width, height, stride, all] = [options.width, options.height, stride, all].map(u32::cast_signed);
    let pool = shm.create_pool(memory.as_fd(), all, &handle, ());
    let buffers = (0..BUFFERS).map(|place| {
        let offset = i32::try_from(place)? * stride * height;
        Ok((pool.create_buffer(offset, width, height, stride, wl_shm::Format::Xrgb8888, &handle, ()), true))
    });
    let buffers = buffers.collect::<anyhow::Result<Vec<_>>>()?;
    let surface = compositor.create_surface(&handle, ());
    let toplevel = shell.get_xdg_surface(&surface, &handle, ()).get_toplevel(&handle, ());
    toplevel.set_title(options.title.clone());
    surface.commit();

    let side = options.damage.map(u32::cast_signed);
    let mut client = Client {
        changes: (side.unwrap_or(width), side.unwrap_or(height)),
        size: (width, height),
        memory,
        buffers,
        surface,
        presentation,
        number: 0,
        wanted: false,
        committed: Duration::ZERO,
        frame_times: Vec::new(),
        flip_times: Vec::new(),
        failed: None,
    };
    let mut told = 0;
    while options.frames.is_none_or(|frames| client.number <= frames + WARM_UP) {
        queue.blocking_dispatch(&mut client)?;
        client.draw_if_wanted(&handle)?;
        if let Some(why) = client.failed.take() {
            return Err(why);
        }
        if options.frames.is_none() && client.number >= told + TOLD {
            told = client.number;
            println!("frame {told}");
            std::io::stdout().flush()?;
        }
    }
    println!(
        "{}",
        serde_json::json!({
            "frames": options.frames,
            "changed_bytes": client.changes.0 * client.changes.1 * PIXEL.cast_signed(),
            "frame_ms": median_ms(client.frame_times)?,
            "flip_ms": median_ms(client.flip_times).ok(),
        })
    );
    Ok(())
}

fn median_ms(mut times: Vec<Duration>) -> anyhow::Result<f64> {
    ensure!(!times.is_empty(), "no frame was shown");
    times.sort_unstable();
    Ok(times.get(times.len() / 2).context("no time")?.as_secs_f64() * 1e3)
}

/// The clock of all times here, and of `wp_presentation` where the agent or the daemon serves it.
fn now() -> anyhow::Result<Duration> {
    Ok(Duration::try_from(clock_gettime(ClockId::Monotonic))?)
}

struct Client {
    /// Width and height of what each frame changes.
    changes: (i32, i32),
    size: (i32, i32),
    memory: File,
    /// Each with whether it may be drawn to.
    buffers: Vec<(wl_buffer::WlBuffer, bool)>,
    surface: wl_surface::WlSurface,
    presentation: Option<wp_presentation::WpPresentation>,
    /// Of the frame drawn last, from 1.
    number: u32,
    /// A frame is wanted, but there may be no buffer for it.
    wanted: bool,
    committed: Duration,
    frame_times: Vec<Duration>,
    flip_times: Vec<Duration>,
    failed: Option<anyhow::Error>,
}

impl Client {
    fn draw_if_wanted(&mut self, handle: &QueueHandle<Self>) -> anyhow::Result<()> {
        let free = self.buffers.iter_mut().enumerate().find(|(_, (_, free))| *free);
        let Some((place, (buffer, free))) = free.filter(|_| self.wanted) else { return Ok(()) };
        (self.wanted, *free) = (false, false);
        self.number += 1;
        let (width, height) = if self.number == 1 { self.size } else { self.changes };
        let row = [self.number.to_le_bytes()[0]].repeat(usize::try_from(width * PIXEL.cast_signed())?);
        let stride = u64::try_from(self.size.0)? * u64::from(PIXEL);
        let start = stride * u64::try_from(self.size.1)? * u64::try_from(place)?;
        for line in 0..u64::try_from(height)? {
            self.memory.write_all_at(&row, start + line * stride)?;
        }
        self.surface.attach(Some(buffer), 0, 0);
        self.surface.damage_buffer(0, 0, width, height);
        self.surface.frame(handle, ());
        self.committed = now()?;
        if let Some(presentation) = &self.presentation {
            presentation.feedback(&self.surface, handle, (self.number, self.committed));
        }
        self.surface.commit();
        Ok(())
    }

    fn frame_done(&mut self) -> anyhow::Result<()> {
        if self.number > WARM_UP {
            self.frame_times.push(now()?.saturating_sub(self.committed));
        }
        self.wanted = true;
        Ok(())
    }
}

impl Dispatch<wl_callback::WlCallback, ()> for Client {
    fn event(
        client: &mut Self,
        _: &wl_callback::WlCallback,
        _: wl_callback::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        client.failed = client.frame_done().err();
    }
}

/// With the number of the frame and when it was committed.
impl Dispatch<wp_presentation_feedback::WpPresentationFeedback, (u32, Duration)> for Client {
    fn event(
        client: &mut Self,
        _: &wp_presentation_feedback::WpPresentationFeedback,
        event: wp_presentation_feedback::Event,
        &(number, committed): &(u32, Duration),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wp_presentation_feedback::Event::Presented { tv_sec_hi, tv_sec_lo, tv_nsec, .. } = event
            && number > WARM_UP
        {
            let seen = Duration::new(u64::from(tv_sec_hi) << 32 | u64::from(tv_sec_lo), tv_nsec);
            client.flip_times.push(seen.saturating_sub(committed));
        }
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
        for (_, free) in client.buffers.iter_mut().filter(|(buffer, _)| buffer == released) {
            *free = true;
        }
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
            client.wanted |= client.number == 0;
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
delegate_noop!(Client: wl_shm_pool::WlShmPool);
delegate_noop!(Client: ignore wl_shm::WlShm);
delegate_noop!(Client: ignore wl_surface::WlSurface);
delegate_noop!(Client: ignore wp_presentation::WpPresentation);
delegate_noop!(Client: ignore xdg_toplevel::XdgToplevel);

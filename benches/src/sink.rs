//! `bench-sink`: the daemon with its headless backend, which looks into its own framebuffer.
//!
//! After each frame that it has composed it reads the stamps and a few random pixels of the measured window where they
//! would be on a screen, and notes which frame is there, and when. In between it is the daemon as it is.

#![forbid(unsafe_code)]

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use clap::Parser;
use gui_daemon::{
    BackendKind, Daemon, Options as DaemonOptions,
    config::Config,
    shell::{Id, geom::Point},
    state::State,
};
use tracing_subscriber::EnvFilter;
use transom_benches::{
    content::{Area, Case, STAMP, number},
    record::{Recorder, What, now},
};

/// Runs the daemon and notes which frames of a client it shows.
#[derive(Parser)]
struct Options {
    /// What the client shows.
    #[arg(long, value_enum)]
    case: Case,
    /// The daemon's configuration.
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
    /// The daemon's control socket.
    #[arg(long, value_name = "PATH")]
    socket: PathBuf,
    /// The file to note frames in.
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
}

/// Random pixels looked at in each frame: most in what has changed, the others anywhere.
const CHANGED: u32 = 6;
const ANYWHERE: u32 = 2;
/// Frames this far apart may be in one composition, where it reads pixels while they change.
const NEAR: u32 = 64;
/// For as long as nothing happens, the process sleeps.
const FOREVER: Duration = Duration::from_secs(86_400);

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let recorder = Recorder::create(&options.record).context("the record")?;
    let mut daemon = Daemon::new(DaemonOptions {
        backend: BackendKind::Headless,
        config: Config::load(&options.config)?,
        control_socket: Some(options.socket),
        wayland: true,
        vchan_directory: None,
    })?;
    let mut observer =
        Observer { case: options.case, recorder, window: None, drawn: 0, last: 0, random: Random(1) };
    loop {
        daemon.dispatch(FOREVER)?;
        let at = now();
        let drawn = daemon.state().frames_drawn();
        if drawn != observer.drawn && options.case != Case::Idle {
            observer.drawn = drawn;
            observer.look(daemon.state(), at)?;
        }
    }
}

struct Observer {
    case: Case,
    recorder: Recorder,
    window: Option<Id>,
    /// Frames the daemon had drawn when it was last looked at.
    drawn: u64,
    /// The frame seen last.
    last: u32,
    random: Random,
}

impl Observer {
    /// Looks at a frame composed at this time.
    fn look(&mut self, state: &State, at: Duration) -> anyhow::Result<()> {
        let Some(corner) = self.corner(state) else { return Ok(()) };
        let stamps = self.case.stamps().map(|place| number(read(state, corner, place)));
        let what = match stamps {
            [Some(first), second, third, fourth] if [second, third, fourth] == [Some(first); 3] => {
                if first == self.last {
                    return Ok(());
                }
                self.last = first;
                self.look_closer(state, corner, first)
            }
            // nothing was drawn yet
            _ if self.last == 0 => return Ok(()),
            _ => {
                let known = || stamps.into_iter().flatten();
                let span = known().max().zip(known().min()).map(|(latest, earliest)| latest - earliest);
                if span.is_some_and(|span| span <= NEAR) { What::Torn } else { What::Wrong }
            }
        };
        self.recorder.note(what, self.last, at).context("the record")
    }

    /// Looks at random pixels of a frame whose stamps all agree.
    fn look_closer(&mut self, state: &State, corner: Point, number: u32) -> What {
        let case = self.case;
        let areas = [(case.damage(), CHANGED), (case.window(), ANYWHERE)];
        let mut seen = What::Seen;
        for (area, looks) in areas {
            for _ in 0..looks {
                let (x, y) = self.random.place(area);
                if case.is_stamp(x, y) {
                    continue;
                }
                let [color, _] = read(state, corner, (x, y));
                if color == case.pixel(number, x, y) {
                    continue;
                }
                // another frame's pixel between this one's stamps
                let mut near = number.saturating_sub(NEAR)..=number.saturating_add(NEAR);
                if !near.any(|other| color == case.pixel(other, x, y)) {
                    return What::Wrong;
                }
                seen = What::Torn;
            }
        }
        seen
    }

    /// Where the measured window's content begins.
    fn corner(&mut self, state: &State) -> Option<Point> {
        let titled = |id: Id| state.windows.get(id).is_some_and(|window| window.title() == self.case.name());
        let known = self.window.filter(|&id| titled(id));
        self.window =
            known.or_else(|| state.shell.all_windows().map(|window| window.id).find(|&id| titled(id)));
        Some(state.shell.window(self.window?)?.content.origin())
    }
}

/// Two pixels of the framebuffer, the first of them at a place in the window; black where they cannot be read.
fn read(state: &State, corner: Point, (x, y): (u32, u32)) -> [u32; STAMP] {
    let mut pixels = [0; STAMP];
    let place = Point::new(corner.x + x.cast_signed(), corner.y + y.cast_signed());
    // fails for no pixels only
    drop(state.canvas.copy_run(place, &mut pixels));
    pixels
}

/// Marsaglia's xorshift: places that no path can prepare for are not needed, only different ones in each frame.
struct Random(u32);

impl Random {
    fn place(&mut self, area: Area) -> (u32, u32) {
        (area.x + self.next() % area.width, area.y + self.next() % area.height)
    }

    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0
    }
}

//! `bench-sink`: the daemon with its headless backend, which looks into its own framebuffer.
//!
//! After each frame that it has composed it reads the stamps and a few random pixels of the measured window where they
//! would be on a screen, and notes which frame is there, and when. In between it is the daemon as it is.

#![forbid(unsafe_code)]

use std::{convert::Infallible, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Context as _;
use clap::Parser;
use gui_daemon::{
    BackendKind, Daemon, Options as DaemonOptions,
    config::Config,
    domain::XenPlaces,
    shell::{Id, geom::Point},
    state::State,
};
use tracing_subscriber::EnvFilter;
use transom_benches::{
    content::{Case, STAMP},
    look::Eye,
    record::{Recorder, now},
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

/// For as long as nothing happens, the process sleeps.
const FOREVER: Duration = Duration::from_secs(86_400);

fn main() -> ExitCode {
    let Err(err) = run(Options::parse());
    eprintln!("bench-sink: {err:#}");
    ExitCode::FAILURE
}

fn run(options: Options) -> anyhow::Result<Infallible> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();

    let recorder = Recorder::create(&options.record).context("the record")?;
    let mut daemon = Daemon::new(DaemonOptions {
        backend: BackendKind::Headless,
        config: Config::load(&options.config)?,
        control_socket: Some(options.socket),
        wayland: true,
        vchan_directory: None,
        xen: XenPlaces::default(),
    })?;
    let mut observer = Observer { recorder, eye: Eye::new(options.case), window: None, drawn: 0 };
    loop {
        daemon.dispatch(FOREVER)?;
        let at = now();
        let drawn = daemon.state().frames_drawn();
        if drawn != observer.drawn && options.case != Case::Idle {
            observer.drawn = drawn;
            observer.look(daemon.state(), options.case, at)?;
        }
    }
}

struct Observer {
    recorder: Recorder,
    eye: Eye,
    window: Option<Id>,
    /// Frames the daemon had drawn when it was last looked at.
    drawn: u64,
}

impl Observer {
    /// Looks at a frame composed at this time.
    fn look(&mut self, state: &State, case: Case, at: Duration) -> anyhow::Result<()> {
        let Some(corner) = self.corner(state, case) else { return Ok(()) };
        let sight = self.eye.look(|x, y| {
            let mut pixels = [0; STAMP];
            let place = Point::new(corner.x + x.cast_signed(), corner.y + y.cast_signed());
            // fails for no pixels only
            drop(state.outputs.primary().map(|screen| screen.canvas.copy_run(place, &mut pixels)));
            pixels
        });
        if let Some((what, number)) = sight {
            self.recorder.note(what, number, at).context("the record")?;
        }
        Ok(())
    }

    /// Where the measured window's content begins.
    fn corner(&mut self, state: &State, case: Case) -> Option<Point> {
        let titled = |id: Id| state.windows.get(id).is_some_and(|window| window.title() == case.name());
        let known = self.window.filter(|&id| titled(id));
        self.window =
            known.or_else(|| state.shell.all_windows().map(|window| window.id).find(|&id| titled(id)));
        Some(state.shell.window(self.window?)?.content.origin())
    }
}

//! The ways from a client to a framebuffer, and starting one.

use std::{
    env,
    fmt::Write as _,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context as _;
use tempfile::TempDir;
use transom_benches::{content::Case, record};

use super::process::Process;

/// A way from a client to a framebuffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Route {
    /// The client on our own compositor.
    Direct,
    /// Agent and daemon.
    Transom,
    /// The same without the extension, as with a peer of the base protocol.
    #[value(name = "transom-1.8")]
    TransomBase,
    /// Waypipe, which does not compress, in front of our own compositor.
    Waypipe,
    /// Waypipe as it is by default, with LZ4, in front of our own compositor.
    WaypipeLz4,
    /// The client on headless Weston.
    Weston,
    /// Waypipe, which does not compress, in front of headless Weston.
    WaypipeWeston,
}

impl Route {
    /// As printed.
    pub fn name(self) -> &'static str {
        match self {
            Route::Direct => "direct",
            Route::Transom => "transom",
            Route::TransomBase => "transom-1.8",
            Route::Waypipe => "waypipe",
            Route::WaypipeLz4 => "waypipe-lz4",
            Route::Weston => "weston",
            Route::WaypipeWeston => "waypipe-weston",
        }
    }

    /// The first program it needs that is not ours and not there: the same name in Debian.
    pub fn missing(self) -> Option<&'static str> {
        let needed: &[&str] = match self {
            Route::Direct | Route::Transom | Route::TransomBase => &[],
            Route::Waypipe | Route::WaypipeLz4 => &["waypipe"],
            Route::Weston => &["weston"],
            Route::WaypipeWeston => &["weston", "waypipe"],
        };
        needed.iter().copied().find(|program| !on_path(program))
    }

    /// Whether the framebuffer at its end is ours to look into.
    pub fn ends_in_sink(self) -> bool {
        !matches!(self, Route::Weston | Route::WaypipeWeston)
    }

    /// Whether it is not ours, and to be compared with.
    pub fn is_peer(self) -> bool {
        !matches!(self, Route::Direct | Route::Transom | Route::TransomBase)
    }

    /// Whether pixels are shown while they change: such a way may tear a frame and skip one.
    pub fn is_live(self) -> bool {
        self == Route::TransomBase
    }

    /// Whether it can serve several clients, each through its own channel.
    pub fn has_channels(self) -> bool {
        self.has_agents() || matches!(self, Route::Direct | Route::Weston)
    }

    fn has_agents(self) -> bool {
        matches!(self, Route::Transom | Route::TransomBase)
    }
}

/// What is started.
pub struct Setup<'a> {
    /// Folder with our own programs.
    pub programs: &'a Path,
    /// How agents and daemon exchange bytes: socket or ring.
    pub transport: &'a str,
    /// The way.
    pub route: Route,
    /// What is shown in the measured window.
    pub case: Case,
    /// Clients beside the measured one, each in its own domain where there are domains, with windows that never change.
    pub bystanders: usize,
    /// Windows of each client.
    pub windows: usize,
}

/// A way that is open, with a client at its start.
pub struct Session {
    // in this order, so that each end sees the other close and not break
    clients: Vec<Process>,
    between: Vec<Process>,
    compositor: Process,
    // the measured one's is the last
    committed: Vec<PathBuf>,
    seen: Option<PathBuf>,
    directory: TempDir,
}

impl Session {
    /// Starts everything, the measured client last, and waits until each has committed a frame in each window.
    pub fn start(setup: &Setup<'_>) -> anyhow::Result<Self> {
        // frames are noted there as they come, which must not wait for a disk
        let directory = if Path::new("/dev/shm").is_dir() {
            tempfile::tempdir_in("/dev/shm")
        } else {
            tempfile::tempdir()
        }?;
        let seen = setup.route.ends_in_sink().then(|| directory.path().join("seen"));
        let display = "compositor";
        let compositor = match &seen {
            Some(seen) => start_sink(setup, directory.path(), display, seen)?,
            None => start_weston(setup, directory.path(), display)?,
        };
        let mut session = Self {
            clients: Vec::new(),
            between: Vec::new(),
            compositor,
            committed: Vec::new(),
            seen,
            directory,
        };
        for channel in (0..=setup.bystanders).rev() {
            session.open(setup, channel, display)?;
        }
        Ok(session)
    }

    /// Starts a client, and what is between it and the compositor. Channel 0 is the measured one.
    fn open(&mut self, setup: &Setup<'_>, channel: usize, display: &str) -> anyhow::Result<()> {
        let directory = self.directory.path();
        let committed = directory.join(format!("committed-{channel}"));
        let client = |command: &mut Command| {
            let case = if channel == 0 { setup.case } else { Case::Idle };
            command.args(["--case", case.name(), "--windows", &setup.windows.to_string(), "--record"]);
            command.arg(&committed);
        };
        let own = setup.programs.join("bench-client");
        let mut command = match setup.route {
            Route::Direct | Route::Weston => {
                let mut command = program(&own, directory);
                command.env("WAYLAND_DISPLAY", display);
                client(&mut command);
                command
            }
            Route::Transom | Route::TransomBase => {
                let name = format!("domain-{channel}");
                let mut agent = program(&setup.programs.join("gui-agent"), directory);
                agent.args(["--transport", setup.transport, "--domain", &(channel + 1).to_string()]);
                agent.args(["--refresh", &setup.case.refresh_hz().to_string(), "--socket-name", &name]);
                if setup.route == Route::TransomBase {
                    agent.args(["--max-minor", "8"]);
                }
                let mut agent = Process::start(&mut agent)?;
                agent.wait_for_socket(&directory.join(&name))?;
                self.between.push(agent);
                let mut command = program(&own, directory);
                command.env("WAYLAND_DISPLAY", name);
                client(&mut command);
                command
            }
            Route::Waypipe | Route::WaypipeLz4 | Route::WaypipeWeston => {
                let compression = if setup.route == Route::WaypipeLz4 { "lz4" } else { "none" };
                let socket = directory.join(format!("waypipe-{channel}"));
                let waypipe = || {
                    let mut command = program(Path::new("waypipe"), directory);
                    command.args(["--no-gpu", "--compress", compression, "--socket"]).arg(&socket);
                    // in the end its two sides see each other go, and say so
                    command.stderr(Stdio::null());
                    command
                };
                let mut near = Process::start(waypipe().env("WAYLAND_DISPLAY", display).arg("client"))?;
                near.wait_for_socket(&socket)?;
                self.between.push(near);
                let mut command = waypipe();
                command.args(["server", "--"]).arg(own);
                client(&mut command);
                command
            }
        };
        let mut client = Process::start(&mut command)?;
        client.wait_until("frame in each window", || record::entries(&committed) >= setup.windows)?;
        self.clients.push(client);
        self.committed.push(committed);
        Ok(())
    }

    /// # Errors
    /// When a program has ended.
    pub fn check(&mut self) -> anyhow::Result<()> {
        self.clients.iter_mut().chain(&mut self.between).try_for_each(Process::check)?;
        self.compositor.check()
    }

    /// All programs that were started here.
    pub fn processes(&self) -> Vec<u32> {
        let others = self.clients.iter().chain(&self.between).map(Process::id);
        others.chain([self.compositor.id()]).collect()
    }

    /// The compositor.
    pub fn compositor(&self) -> u32 {
        self.compositor.id()
    }

    /// What the measured client has committed.
    pub fn committed(&self) -> anyhow::Result<Vec<record::Entry>> {
        let path = self.committed.last().context("no client")?;
        Ok(record::read(path)?)
    }

    /// What was in our own compositor's framebuffer; nothing if another is at the end.
    pub fn seen(&self) -> anyhow::Result<Vec<record::Entry>> {
        Ok(self.seen.as_deref().map(record::read).transpose()?.unwrap_or_default())
    }
}

/// A screen on which the case's window and its frame are all to be seen.
fn screen(case: Case) -> (u32, u32) {
    let window = case.window();
    (window.width.max(1920) + 128, window.height.max(1080) + 120)
}

fn start_sink(setup: &Setup<'_>, directory: &Path, display: &str, seen: &Path) -> anyhow::Result<Process> {
    let (width, height) = screen(setup.case);
    let refresh = setup.case.refresh_hz();
    let mut config = format!("[output]\nwidth = {width}\nheight = {height}\nrefresh_hz = {refresh}\n");
    writeln!(config, "[wayland]\nsocket = \"{display}\"")?;
    if setup.route.has_agents() {
        for domain in 1..=setup.bystanders + 1 {
            writeln!(config, "[[domain]]\nname = \"d{domain}\"\nlabel = \"blue\"")?;
            writeln!(config, "transport = \"{}:{domain}\"", setup.transport)?;
        }
    }
    let path = directory.join("config.toml");
    fs::write(&path, config)?;
    let mut command = program(&setup.programs.join("bench-sink"), directory);
    command.args(["--case", setup.case.name(), "--config"]).arg(path).arg("--record").arg(seen);
    let control = directory.join("control.sock");
    let mut sink = Process::start(command.arg("--socket").arg(&control))?;
    // the last that it makes
    sink.wait_for_socket(&control)?;
    Ok(sink)
}

fn start_weston(setup: &Setup<'_>, directory: &Path, display: &str) -> anyhow::Result<Process> {
    let (width, height) = screen(setup.case);
    let mut command = program(Path::new("weston"), directory);
    command.args(["--no-config", "--idle-time=0", "--backend=headless-backend.so", "--use-pixman"]);
    // of its shells, the kiosk's sends a client no frame callbacks on a screen without a seat
    command.args(["--shell=desktop-shell.so", "--socket", display]);
    command.args([format!("--width={width}"), format!("--height={height}")]);
    let mut weston = Process::start(command.arg("--log=/dev/null").stderr(Stdio::null()))?;
    weston.wait_for_socket(&directory.join(display))?;
    Ok(weston)
}

fn program(path: &Path, directory: &Path) -> Command {
    let mut command = Command::new(path);
    command.env("XDG_RUNTIME_DIR", directory).env("VCHAN_SOCKET_DIR", directory).env("RUST_LOG", "warn");
    command.env_remove("WAYLAND_DISPLAY").env_remove("DISPLAY").env_remove("WAYLAND_SOCKET");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    command
}

fn on_path(program: &str) -> bool {
    let directories = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&directories).any(|directory| {
        let metadata = directory.join(program).metadata();
        metadata.is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    })
}

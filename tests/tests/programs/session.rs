//! A daemon, agents and applications as processes of their own, with everything they leave in one folder.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::{
        OnceLock,
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    time::{Duration, Instant},
};

use gui_daemon::ipc::{Event, FilesInfo, WindowInfo};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// For what takes a second or two on a normal machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The programs, as they are now.
pub fn program(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = std::env::current_exe().unwrap().parent().unwrap().parent().unwrap().to_owned();
        // cargo knows of no dependency of a test on another package's program
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let profile = match folder.file_name().unwrap().to_str().unwrap() {
            "debug" => "dev",
            other => other,
        };
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--workspace", "--bins", "--profile", profile]);
        assert!(build.current_dir(env!("CARGO_MANIFEST_DIR")).status().unwrap().success());
        folder
    });
    folder.join(name)
}

/// Whether an application can be had; says so if not.
pub fn is_installed(application: &str) -> bool {
    let found = Command::new(application).arg("--version").output().is_ok();
    if !found {
        println!("skipped: {application} is not installed");
    }
    found
}

/// What an agent says when applications can come.
const AGENT_READY: &str = "listening for applications";

/// A process that ends with the test.
pub struct Process(Child);

impl Process {
    pub fn kill(mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }

    /// Asks it to end, and sees that it does so in good order.
    pub fn terminate(mut self) {
        kill_process(Pid::from_child(&self.0), Signal::TERM).unwrap();
        let status = self.0.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // one that has ended already cannot be killed, and is no less gone
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub struct Session {
    pub dir: TempDir,
}

/// What the daemon tells of its windows.
pub struct Watch {
    _process: Process,
    lines: Receiver<String>,
    /// As told last, by domain and title.
    pub windows: BTreeMap<(String, String), WindowInfo>,
    /// The files on their way, as told last.
    pub files: FilesInfo,
}

const CONFIG: &str = r#"
[output]
width = 1280
height = 800
refresh_hz = 0
[wayland]
socket = "wayland-dom0"
[[domain]]
name = "personal"
label = "green"
transport = "socket:1"
[[domain]]
name = "work"
label = "blue"
transport = "ring:2"
"#;

impl Session {
    pub fn new() -> Self {
        let dir = TempDir::with_prefix("transom-").unwrap();
        fs::write(dir.path().join("config.toml"), CONFIG).unwrap();
        for name in ["dom0", "personal", "work"] {
            fs::DirBuilder::new().mode(0o700).create(dir.path().join(name)).unwrap();
        }
        Self { dir }
    }

    pub fn control(&self) -> PathBuf {
        self.dir.path().join("control.sock")
    }

    /// A command that sees nothing of the session these tests run in.
    fn command(&self, program: impl AsRef<Path>, runtime_dir: &str) -> Command {
        let mut command = Command::new(program.as_ref());
        command
            .env("XDG_RUNTIME_DIR", self.dir.path().join(runtime_dir))
            .env("HOME", self.dir.path().join(runtime_dir))
            .env("VCHAN_SOCKET_DIR", self.dir.path().join("vchan"))
            .env_remove("WAYLAND_DISPLAY")
            .env_remove("WAYLAND_SOCKET")
            .env_remove("DISPLAY")
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    /// Starts a program and waits for a line of its log. The lines after that can be received.
    fn start(&self, mut command: Command, ready: &str) -> (Process, Receiver<String>) {
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let process = Process(child);
        assert!(log.any(|line| line.contains(ready)), "it ended before it was ready");
        let (sender, lines) = channel();
        // where nobody wants to know the rest, it must have somewhere to go all the same
        std::thread::spawn(move || {
            log.for_each(|line| {
                let _ = sender.send(line);
            });
        });
        (process, lines)
    }

    pub fn daemon(&self) -> Process {
        let mut daemon = self.command(program("gui-daemon"), "dom0");
        daemon.args(["--backend", "headless", "--config"]).arg(self.dir.path().join("config.toml"));
        daemon.arg("--socket").arg(self.control());
        self.start(daemon, "ready").0
    }

    /// The agent of one of the domains with an application in it.
    pub fn agent(&self, domain: &str, application: &[&str]) -> Process {
        self.agent_with(domain, &[], application)
    }

    /// The same, with what it tells of every frame that it draws.
    pub fn agent_telling(&self, domain: &str, application: &[&str]) -> (Process, Receiver<String>) {
        let mut agent = self.agent_command(domain, &[], application);
        agent.env("RUST_LOG", "info,gui_agent::present=trace");
        self.start(agent, AGENT_READY)
    }

    /// The same, with options of its own.
    pub fn agent_with(&self, domain: &str, options: &[&str], application: &[&str]) -> Process {
        self.start(self.agent_command(domain, options, application), AGENT_READY).0
    }

    fn agent_command(&self, domain: &str, options: &[&str], application: &[&str]) -> Command {
        let (transport, number) = if domain == "work" { ("ring", "2") } else { ("socket", "1") };
        let mut agent = self.command(program("gui-agent"), domain);
        agent.args(["--transport", transport, "--domain", number, "--gui-domain", "0"]);
        agent.args(options).arg("--").args(application);
        agent
    }

    /// Any program as a domain's agent.
    pub fn any_agent(&self, domain: &str, program: &[&str]) -> Process {
        let mut command = self.command(program[0], domain);
        Process(command.args(&program[1..]).spawn().unwrap())
    }

    /// An application of dom0's own.
    pub fn local(&self, application: &[&str]) -> Process {
        let mut command = self.command(application[0], "dom0");
        command.args(&application[1..]).env("WAYLAND_DISPLAY", "wayland-dom0").stderr(Stdio::null());
        Process(command.spawn().unwrap())
    }

    /// A program of a domain that sends files, with its agent at the first free socket.
    pub fn send(&self, domain: &str, files: &[&Path]) -> Child {
        let mut send = self.command(program("gui-agent"), domain);
        send.arg("send").args(files).env("WAYLAND_DISPLAY", "wayland-1").stderr(Stdio::piped());
        send.spawn().unwrap()
    }

    fn msg_command(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(program("gui-daemon"), "dom0");
        command.args(["msg", "--json", "--socket"]).arg(self.control()).args(arguments);
        command
    }

    /// Tells the daemon to do something, and waits until it has.
    pub fn msg(&self, arguments: &[&str]) {
        let Output { status, stderr, .. } = self.msg_command(arguments).output().unwrap();
        assert!(status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&stderr));
    }

    /// The colours of the screen: how many pixels of each.
    pub fn picture(&self) -> BTreeMap<[u8; 3], usize> {
        let path = self.dir.path().join("screen.png");
        self.msg(&["sync"]);
        self.msg(&["screenshot", path.to_str().unwrap()]);
        let mut reader =
            png::Decoder::new(BufReader::new(fs::File::open(path).unwrap())).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut bytes).unwrap();
        let mut colours = BTreeMap::new();
        for pixel in bytes.as_chunks::<3>().0 {
            *colours.entry(*pixel).or_default() += 1;
        }
        colours
    }

    pub fn watch(&self) -> Watch {
        let mut child = self.msg_command(&["subscribe"]).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Watch { _process: Process(child), lines, windows: BTreeMap::new(), files: FilesInfo::default() }
    }
}

impl Watch {
    /// Waits until the windows, by domain and title, are so.
    #[track_caller]
    pub fn until(&mut self, what: &str, is_so: impl Fn(&BTreeMap<(String, String), WindowInfo>) -> bool) {
        self.until_told(what, |watch| is_so(&watch.windows));
    }

    fn note(&mut self, line: &str) {
        match serde_json::from_str(line).unwrap() {
            Event::WindowsChanged(windows) => {
                let named = |it: WindowInfo| ((it.domain.clone(), it.title.clone()), it);
                self.windows = windows.into_iter().filter(|it| it.mapped).map(named).collect();
            }
            Event::FilesChanged(files) => self.files = files,
            Event::DomainsChanged(_) | Event::ClipboardChanged(_) => {}
        }
    }

    /// Takes in what was told until now.
    pub fn take_told(&mut self) {
        while let Ok(line) = self.lines.try_recv() {
            self.note(&line);
        }
    }

    /// Waits until what was told is so.
    #[track_caller]
    pub fn until_told(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        while !is_so(self) {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => self.note(&line),
                Err(RecvTimeoutError::Timeout) => {
                    panic!("waited in vain: {what}; there are {:?}, {:?}", self.windows, self.files)
                }
                Err(RecvTimeoutError::Disconnected) => panic!("the daemon ended before: {what}"),
            }
        }
    }

    /// Waits until exactly these are there, and returns them in this order.
    #[track_caller]
    pub fn until_there_are(&mut self, wanted: &[(&str, &str)]) -> Vec<WindowInfo> {
        let key = |(domain, title): &(&str, &str)| ((*domain).to_owned(), (*title).to_owned());
        self.until(&format!("{wanted:?}"), |windows| {
            windows.len() == wanted.len() && wanted.iter().all(|it| windows.contains_key(&key(it)))
        });
        wanted.iter().map(|it| self.windows[&key(it)].clone()).collect()
    }
}

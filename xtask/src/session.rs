//! The running system of the demo: a daemon, an agent per domain, and the applications in them.
//!
//! All its sockets and files are in one private folder that goes with it. The applications see nothing of the user's
//! own session: no display but their agent's, and no message bus, over which a program would hand its work to another
//! instance of itself outside.

use std::{
    env,
    fmt::Write as _,
    fs::{self, DirBuilder, File},
    io,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::{
    demo::Size,
    process::{Processes, Wake},
};

/// Applications of a normal machine show their windows in a second or two; this is for a slow one.
const SHOW_LIMIT: Duration = Duration::from_secs(60);
/// How often the daemon is asked whether all windows are there.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// A window comes before its application has drawn what belongs in it (a shell's prompt, say), and nothing announces
/// that: a picture waits this long after the last window.
const SETTLE: Duration = Duration::from_millis(1500);
/// The daemon answers a question at once or not at all.
const ANSWER_LIMIT: Duration = Duration::from_secs(10);
/// The last lines of a log say what went wrong.
const LOG_TAIL_LINES: usize = 15;
/// A folder for sockets, whose paths may have 107 bytes, must leave room for their names.
const MAX_TEMP_DIR_BYTES: usize = 40;

const DAEMON: &str = "gui-daemon";
/// Starts each of its arguments as a command, and stays until all have ended.
const START_ALL: &str = r#"for command; do sh -c "$command" & done; wait"#;

/// One domain and what runs in it.
pub struct Domain {
    pub name: &'static str,
    pub label: &'static str,
    pub applications: Vec<String>,
}

/// The programs under demonstration.
pub struct Programs {
    daemon: PathBuf,
    agent: PathBuf,
}

impl Programs {
    /// Both out of one folder.
    pub fn in_directory(directory: &Path) -> anyhow::Result<Self> {
        let directory = std::path::absolute(directory)?;
        let programs = Self { daemon: directory.join(DAEMON), agent: directory.join("gui-agent") };
        for file in [&programs.daemon, &programs.agent] {
            ensure!(file.is_file(), "{} does not exist", file.display());
        }
        Ok(programs)
    }
}

/// The desktop of the user to nest in.
pub struct Display {
    /// Absolute, because the daemon gets a runtime folder of its own.
    wayland: Option<PathBuf>,
}

impl Display {
    /// The one this process runs on, if any.
    pub fn of_this_session() -> Option<Self> {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
        let wayland = variable("WAYLAND_DISPLAY")
            .map(|name| PathBuf::from(variable("XDG_RUNTIME_DIR").unwrap_or_default()).join(name))
            .filter(|socket| socket.is_absolute() && socket.exists());
        (wayland.is_some() || variable("DISPLAY").is_some()).then_some(Self { wayland })
    }
}

/// What is to run.
pub struct Setup<'a> {
    pub programs: Programs,
    /// None: headless.
    pub display: Option<Display>,
    pub size: Size,
    pub domains: &'a [Domain],
}

/// The running system. Dropping it ends every process of it and removes its folder.
pub struct Session {
    // In this order: processes end before their folder goes.
    processes: Processes,
    folder: Folder,
    daemon: PathBuf,
    expected: Vec<(&'static str, usize)>,
}

impl Session {
    /// Starts everything; what becomes of it shows later.
    pub fn start(mut processes: Processes, setup: &Setup<'_>) -> anyhow::Result<Self> {
        let folder = Folder::create().context("cannot make a private folder")?;
        for directory in ["vchan", DAEMON] {
            folder.subfolder(directory)?;
        }
        let config = folder.path(&format!("{DAEMON}/config.toml"));
        fs::write(&config, config_text(setup.size, setup.domains))?;

        let mut daemon = folder.command(&setup.programs.daemon, DAEMON)?;
        daemon.arg("--backend").arg(if setup.display.is_some() { "nested" } else { "headless" });
        daemon.arg("--config").arg(config).arg("--socket").arg(folder.control_socket());
        if let Some(socket) = setup.display.as_ref().and_then(|display| display.wayland.as_ref()) {
            daemon.env("WAYLAND_DISPLAY", socket);
        } else {
            daemon.env_remove("WAYLAND_DISPLAY");
        }
        processes.spawn(DAEMON, &mut daemon)?;

        for (domain, id) in setup.domains.iter().zip(1..) {
            folder.subfolder(domain.name)?;
            let mut agent = folder.command(&setup.programs.agent, domain.name)?;
            agent.args(["--transport", "socket", "--gui-domain", "0", "--domain"]).arg(i32::to_string(&id));
            if !domain.applications.is_empty() {
                agent.args(["--", "sh", "-c", START_ALL, "sh"]).args(&domain.applications);
            }
            for variable in ["DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"] {
                agent.env_remove(variable);
            }
            processes.spawn(domain.name, &mut agent)?;
        }
        let expected = setup.domains.iter().map(|domain| (domain.name, domain.applications.len())).collect();
        Ok(Self { processes, folder, daemon: setup.programs.daemon.clone(), expected })
    }

    /// Returns when the daemon has ended as it should: its window was closed.
    pub fn run_until_closed(&mut self) -> anyhow::Result<()> {
        loop {
            if let Wake::Ended(name, how) = self.processes.wait(None)? {
                if name == DAEMON {
                    ensure!(how.success(), "{name} {how}");
                    return Ok(());
                }
                println!("{name}: the agent {how}");
            }
        }
    }

    /// Runs for `time`.
    ///
    /// # Errors
    /// When one of the programs ends before.
    pub fn run_for(&mut self, time: Duration) -> anyhow::Result<()> {
        match self.wait(time)? {
            Wake::TimedOut => Ok(()),
            Wake::Ended(name, how) => bail!("{name} {how}"),
        }
    }

    /// Waits for `time`, or for one of the programs to end.
    pub fn wait(&mut self, time: Duration) -> anyhow::Result<Wake> {
        self.processes.wait(Some(Instant::now() + time))
    }

    /// Makes a folder that goes with the session.
    pub fn subfolder(&self, name: &str) -> anyhow::Result<PathBuf> {
        self.folder.subfolder(name)?;
        Ok(self.folder.path(name))
    }

    /// Returns when every application shows a window with its first content.
    ///
    /// # Errors
    /// When one of the programs ends before, or the time for it is over.
    pub fn wait_until_shown(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + SHOW_LIMIT;
        loop {
            // Refused as long as the daemon does not listen yet.
            let windows = self.message(&["--json", "windows"])?.unwrap_or(Value::Null);
            let missing = missing_windows(&windows, &self.expected);
            if missing.is_empty() {
                break;
            }
            ensure!(
                Instant::now() < deadline,
                "after {} seconds there are windows missing of: {}",
                SHOW_LIMIT.as_secs(),
                missing.join(", ")
            );
            self.run_for(ASK_EVERY)?;
        }
        self.run_for(SETTLE)
    }

    /// Writes a picture of the desktop; `file` is absolute.
    pub fn screenshot(&mut self, file: &Path) -> anyhow::Result<()> {
        let name = file.to_str().context("the picture's name is not UTF-8")?;
        self.message(&["--json", "screenshot", name])?.map_err(anyhow::Error::msg)?;
        ensure!(file.is_file(), "the daemon wrote no picture");
        Ok(())
    }

    /// The last lines of every program's log.
    pub fn logs(&self) -> String {
        let mut text = String::new();
        for name in std::iter::once(DAEMON).chain(self.expected.iter().map(|(name, _)| *name)) {
            let log = fs::read(self.folder.log(name)).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let skipped = log.lines().count().saturating_sub(LOG_TAIL_LINES);
            for line in log.lines().skip(skipped) {
                // Writing to a string does not fail.
                let _ = writeln!(text, "{name:>10}: {line}");
            }
        }
        text
    }

    /// One request to the daemon: its answer, null if there is nothing to tell, or why it was refused.
    pub fn message(&mut self, arguments: &[&str]) -> anyhow::Result<Result<Value, String>> {
        let answer = self.folder.path("answer");
        let complaint = self.folder.path("complaint");
        let mut command = Command::new(&self.daemon);
        command.args(["msg", "--socket"]).arg(self.folder.control_socket()).args(arguments);
        command.stdin(Stdio::null()).stdout(File::create(&answer)?).stderr(File::create(&complaint)?);
        let how = self.processes.run("gui-daemon msg", &mut command, Some(Instant::now() + ANSWER_LIMIT))?;
        if !how.success() {
            return Ok(Err(format!("gui-daemon msg: {}", fs::read_to_string(&complaint)?.trim())));
        }
        let answer = fs::read_to_string(&answer)?;
        Ok(Ok(if answer.trim().is_empty() { Value::Null } else { serde_json::from_str(&answer)? }))
    }
}

/// Names the domains that show fewer windows than they have applications.
fn missing_windows(windows: &Value, expected: &[(&'static str, usize)]) -> Vec<&'static str> {
    let windows = windows.get("windows").unwrap_or(windows).as_array();
    let shown = |domain: &str| {
        let is_shown = |window: &&Value| {
            window.get("domain").and_then(Value::as_str) == Some(domain)
                && window.get("mapped").and_then(Value::as_bool) == Some(true)
                && window.get("kind").and_then(Value::as_str) != Some("popup")
        };
        windows.into_iter().flatten().filter(is_shown).count()
    };
    expected.iter().filter(|(domain, count)| shown(domain) < *count).map(|(domain, _)| *domain).collect()
}

fn config_text(size: Size, domains: &[Domain]) -> String {
    let mut text = format!("[output]\nwidth = {}\nheight = {}\n", size.width, size.height);
    for (domain, id) in domains.iter().zip(1..) {
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "\n[[domain]]\nname = \"{}\"\nlabel = \"{}\"\ntransport = \"socket:{id}\"\n",
            domain.name, domain.label
        );
    }
    text
}

/// A folder that only this user can enter, removed with all that is in it.
struct Folder(PathBuf);

impl Folder {
    fn create() -> io::Result<Self> {
        let mut parent = env::temp_dir();
        if parent.as_os_str().len() > MAX_TEMP_DIR_BYTES {
            parent = "/tmp".into();
        }
        for attempt in 0.. {
            let path = parent.join(format!("transom-demo-{}-{attempt}", std::process::id()));
            // Fails if anything of that name is there, a link laid out by another user included.
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn subfolder(&self, name: &str) -> io::Result<()> {
        DirBuilder::new().mode(0o700).create(self.path(name))
    }

    fn control_socket(&self) -> PathBuf {
        self.path(DAEMON).join("control.sock")
    }

    fn log(&self, name: &str) -> PathBuf {
        self.path(name).join("log")
    }

    /// A program with its own runtime folder and log, and the common folder of channels.
    fn command(&self, program: &Path, name: &str) -> io::Result<Command> {
        let log = File::create(self.log(name))?;
        let mut command = Command::new(program);
        command.env("XDG_RUNTIME_DIR", self.path(name)).env("VCHAN_SOCKET_DIR", self.path("vchan"));
        // A descriptor number of a parent's connection, which is not passed on.
        command.env_remove("WAYLAND_SOCKET");
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(command)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("warning: {} is left behind: {error}", self.0.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_domain_is_missing_until_each_application_shows_a_window() {
        let window = |domain, mapped, kind| json!({ "domain": domain, "mapped": mapped, "kind": kind });
        let expected = [("personal", 1), ("work", 2), ("untrusted", 0)];
        assert_eq!(missing_windows(&Value::Null, &expected), ["personal", "work"]);
        let mut windows = vec![
            window("personal", true, "toplevel"),
            window("work", true, "toplevel"),
            window("work", false, "toplevel"),
            window("work", true, "popup"),
        ];
        assert_eq!(missing_windows(&json!(windows), &expected), ["work"]);
        windows.push(window("work", true, "toplevel"));
        assert!(missing_windows(&json!(windows), &expected).is_empty());
        assert!(missing_windows(&json!({ "windows": windows }), &expected).is_empty());
    }

    #[test]
    fn the_configuration_names_every_domain() {
        let domains = [("a", "red"), ("b", "blue")].map(|(name, label)| Domain {
            name,
            label,
            applications: Vec::new(),
        });
        let text = config_text(Size { width: 3, height: 2 }, &domains);
        assert_eq!(
            text,
            "[output]\nwidth = 3\nheight = 2\n\n\
             [[domain]]\nname = \"a\"\nlabel = \"red\"\ntransport = \"socket:1\"\n\n\
             [[domain]]\nname = \"b\"\nlabel = \"blue\"\ntransport = \"socket:2\"\n"
        );
    }
}

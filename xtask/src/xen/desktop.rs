//! The desktop on the machine: the daemon in dom0, an agent and applications in each domain, as its packages set them up
//! and as an ordinary user runs them.
//!
//! Each program's log goes where it can be waited for: the daemon's to a file shared with the host ([`Machine::daemon_log`]),
//! those of agents and applications to their domain's console, with the program's name before each line
//! ([`Machine::console`]).

use std::{fs, time::Duration};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::{
    machine::{Domain, Log, Machine, Outcome},
    picture::Colour,
    qmp::Input,
};

/// From the start of a program until what it shows is there: some seconds on an idle host.
pub const SHOW_LIMIT: Duration = Duration::from_secs(120);

/// The domains with applications: their names, the labels of their frames, and the colours of these around the window with
/// the keyboard and around others.
pub const DOMAINS: [(&str, &str, [Colour; 2]); 2] = [
    ("work", "blue", [[0x34, 0x65, 0xa4], [0x36, 0x54, 0x7a]]),
    ("untrusted", "red", [[0xcc, 0, 0], [0x92, 0x17, 0x17]]),
];

/// One more for the daemon, which is none of Xen's: an agent in dom0 over the software transport, where there are drivers of
/// displays. Its name, the label of its frames and the colour of that around the window with the keyboard, and its number.
pub const LOCAL: (&str, &str, Colour, u16) = ("local", "green", [0x73, 0xd2, 0x16], 7);

/// There is no GPU to look for, which takes Mesa 15 s on such a machine.
const OUTPUT: &str = "[output]\nrenderer = \"pixman\"\n\n";

/// What runs in each domain: the name that its lines in the log have, and the command.
pub const APPLICATIONS: [(&str, &str); 2] = [("foot", "foot"), ("wev", "stdbuf --output=L wev")];

/// Runs the rest of the line as the user who has the desktop, with the rights that the unit and the group give.
pub const AS_USER: &str = "setpriv --reuid=user --regid=user --groups=transom --no-new-privs env --chdir=/home/user HOME=/home/user \
                       XDG_RUNTIME_DIR=/run/user/1000 VCHAN_SOCKET_DIR=/run/user/1000/vchan";

/// Daemon and agent also tell how many bytes they move for each frame.
pub const LOGGED: &str = "RUST_LOG=info,gui_daemon::backend::kms::scanout=trace,gui_agent::present=trace";

/// The whole range of a tablet's axis.
const TABLET_RANGE: i64 = 0x8000;

/// A window on the desktop: what the daemon says of it.
#[derive(Clone, Debug)]
pub struct Window {
    /// Its number, never reused by this daemon.
    pub id: u64,
    /// The name of its domain.
    pub domain: String,
    /// As its frame shows it.
    pub title: String,
    /// Where its content is on the display, in pixels: left, top, width, height.
    pub place: [i64; 4],
    /// Whether it has the keyboard.
    pub focused: bool,
}

impl Machine {
    /// Makes sure that the daemon runs, with both domains in its configuration.
    pub fn daemon(&mut self) -> anyhow::Result<()> {
        if self.dom0("pgrep --exact gui-daemon")?.status == 0 {
            return Ok(());
        }
        let entry = |name: &str, label: &str, transport: &str| {
            format!("[[domain]]\nname = \"{name}\"\nlabel = \"{label}\"\ntransport = \"{transport}\"\n\n")
        };
        let domains = DOMAINS.map(|(name, label, _)| entry(name, label, "xen"));
        let (name, label, _, number) = LOCAL;
        let local = entry(name, label, &format!("socket:{number}"));
        fs::write(self.shared().join("transom.toml"), format!("{OUTPUT}{}{local}", domains.concat()))?;
        self.dom0(&format!(
            "cp /host/transom.toml /etc/transom/ && {{ {AS_USER} {LOGGED} \
             gui-daemon --backend kms --config /etc/transom/transom.toml & }} </dev/null >>/host/daemon.log 2>&1"
        ))?
        .success()?;
        self.until("the daemon answers", SHOW_LIMIT, |machine| {
            Ok((machine.ask(&["sync"])?.status == 0).then_some(()))
        })
        .with_context(|| self.daemon_log().text())
    }

    /// What the daemon has logged, of all runs of it.
    pub fn daemon_log(&self) -> Log {
        Log::whole(self.shared().join("daemon.log"))
    }

    /// Makes sure that a domain runs, with an agent and the applications in it.
    pub fn domain_with_applications(&mut self, name: &str) -> anyhow::Result<Domain> {
        let domain = self.domain(name)?;
        if self.run_in(&domain, "pgrep --exact gui-agent")?.status != 0 {
            let agent = format!("env {LOGGED} gui-agent --transport xen --socket-name wayland-0");
            self.start_program(&domain, "agent", &agent)?;
            let socket = "until [ -S /run/user/1000/wayland-0 ]; do busybox usleep 10000; done";
            self.run_in(&domain, socket)?.success()?;
            for (name, command) in APPLICATIONS {
                self.start_program(&domain, name, &format!("env WAYLAND_DISPLAY=wayland-0 {command}"))?;
            }
        }
        Ok(domain)
    }

    /// Starts a program as the user in a domain; its output goes to the console, with `name` before each line.
    pub fn start_program(&mut self, domain: &Domain, name: &str, command: &str) -> anyhow::Result<()> {
        let script = format!(
            "{{ {AS_USER} {command} 2>&1 | sed --unbuffered 's/^/{name}: /'; }} </dev/null >/dev/hvc0 2>&1 &"
        );
        self.run_in(domain, &script)?.success().map(drop)
    }

    /// Runs `gui-daemon msg` with these arguments.
    pub fn ask(&mut self, arguments: &[&str]) -> anyhow::Result<Outcome> {
        self.dom0(&format!("{AS_USER} gui-daemon msg {}", arguments.join(" ")))
    }

    /// The windows that are shown.
    pub fn windows(&mut self) -> anyhow::Result<Vec<Window>> {
        let answer = self.ask(&["--json", "windows"])?.success()?;
        let answer: Value = serde_json::from_str(&answer)?;
        let shown = answer.as_array().into_iter().flatten().filter(|window| window["mapped"] == true);
        let window = |window: &Value| {
            let number = |key| window.get("geometry")?.get(key)?.as_i64();
            Some(Window {
                id: window["id"].as_u64()?,
                domain: window["domain"].as_str()?.to_owned(),
                title: window["title"].as_str()?.to_owned(),
                place: [number("x")?, number("y")?, number("width")?, number("height")?],
                focused: window["focused"].as_bool()?,
            })
        };
        shown
            .map(window)
            .collect::<Option<_>>()
            .context("the daemon describes a window otherwise than expected")
    }

    /// Waits until each of these domains shows a window of each of its applications, and the others none.
    pub fn until_shown(&mut self, domains: &[&str]) -> anyhow::Result<Vec<Window>> {
        let mut seen = Vec::new();
        self.until("the windows are shown", SHOW_LIMIT, |machine| {
            seen = machine.windows()?;
            let count = |domain: &str| seen.iter().filter(|window| window.domain == domain).count();
            let right = DOMAINS
                .iter()
                .all(|(name, ..)| count(name) == if domains.contains(name) { APPLICATIONS.len() } else { 0 });
            Ok(right.then(|| seen.clone()))
        })
        .with_context(|| format!("of {domains:?}; the last ones were {seen:?}"))
    }

    /// Puts the pointer on a place of the display, in pixels.
    pub fn point(&mut self, x: i64, y: i64) -> anyhow::Result<()> {
        let picture = self.picture()?;
        let part = |place: i64, size: usize| -> anyhow::Result<u32> {
            let size = i64::try_from(size)?;
            ensure!((0..size).contains(&place), "a place beside the display");
            // The middle of the pixel.
            Ok(u32::try_from((2 * place + 1) * TABLET_RANGE / (2 * size))?)
        };
        let input = Input::Place(part(x, picture.width)?, part(y, picture.height)?);
        self.input(&[input])
    }

    /// Presses and releases the left button.
    pub fn click(&mut self) -> anyhow::Result<()> {
        self.input(&[Input::Button("left", true)])?;
        self.input(&[Input::Button("left", false)])
    }

    /// Presses keys one after the other and releases them in reverse.
    pub fn press(&mut self, keys: &[&str]) -> anyhow::Result<()> {
        let down = keys.iter().map(|key| Input::Key(key, true));
        for input in down.chain(keys.iter().rev().map(|key| Input::Key(key, false))) {
            self.input(&[input])?;
        }
        Ok(())
    }

    /// Waits until a window of this title is shown.
    pub fn until_window(&mut self, domain: &str, title: &str) -> anyhow::Result<Window> {
        self.until(&format!("{domain} shows {title}"), SHOW_LIMIT, |machine| {
            let mut windows = machine.windows()?.into_iter();
            Ok(windows.find(|window| window.domain == domain && window.title == title))
        })
    }

    /// Brings a window to the top, so that no other is in the way, and clicks in its middle.
    pub fn click_on(&mut self, window: &Window) -> anyhow::Result<()> {
        self.ask(&["focus", &window.id.to_string()])?.success()?;
        let [x, y, width, height] = window.place;
        self.point(x + width / 2, y + height / 2)?;
        self.click()
    }
}

//! `cargo xtask demo` as a process, with scripts in the place of the two programs: how it ends, and that nothing of
//! it is left then.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "a test fails where it stands")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

/// An application that has not started by then never will.
const PATIENCE: Duration = Duration::from_secs(60);

/// Plays the daemon: answers requests out of files, writes a picture, and otherwise refuses to end when asked.
const DAEMON: &str = r#"#!/bin/sh
if [ "$1" = msg ]; then
    [ "$2" = --socket ] && [ -e "$3" ] || exit 1
    case "$5" in
    windows) cat "$STANDIN/windows" ;;
    screenshot) echo picture >"$6" ;;
    esac
    exit 0
fi
trap '' TERM INT HUP
while [ "$1" != --socket ]; do shift; done
: >"$2"
setsid sh -c 'trap "" TERM; echo started >"$STANDIN/daemon"; exec sleep 1000' &
while :; do sleep 1000; done
"#;

/// Plays an agent: leaves an orphan in a session of its own, then runs its command.
const AGENT: &str = r#"#!/bin/sh
[ -n "$VCHAN_SOCKET_DIR" ] && [ -z "$WAYLAND_DISPLAY$DISPLAY" ] || exit 1
(setsid sleep 1000 &)
while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
[ $# -gt 0 ] || exec sleep 1000
shift
exec "$@"
"#;

const ALL_SHOWN: &str = r#"[
    {"domain": "personal", "mapped": true, "kind": "toplevel"},
    {"domain": "work", "mapped": true, "kind": "toplevel"},
    {"domain": "untrusted", "mapped": true, "kind": "toplevel"}
]"#;

/// A folder with the scripts in it, which is also what marks every process of this demo.
struct Scene(PathBuf);

impl Scene {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (program, script) in [("gui-daemon", DAEMON), ("gui-agent", AGENT)] {
            let file = folder.join(program);
            fs::write(&file, script).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        fs::write(folder.join("windows"), "[]").unwrap();
        Self(folder)
    }

    fn demo(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_xtask"));
        command.arg("demo").arg("--programs").arg(&self.0).args(arguments).current_dir(&self.0);
        command.env("STANDIN", &self.0).env_remove("WAYLAND_DISPLAY").env_remove("DISPLAY");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Checks that no process of this scene runs and no file of the demo is left.
    fn assert_nothing_left(&self, demo: u32) {
        let mark = format!("STANDIN={}", self.0.display());
        let left: Vec<_> = fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter(|entry| {
                let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
                environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes())
            })
            .map(|entry| fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default())
            .collect();
        assert!(left.is_empty(), "processes left: {left:?}");
        let prefix = format!("transom-demo-{demo}-");
        let folders: Vec<_> = fs::read_dir(std::env::temp_dir())
            .unwrap()
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
            .collect();
        assert!(folders.is_empty(), "folders left: {folders:?}");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The demo's process id and all it had to say, once it has ended.
fn finish(child: Child) -> (u32, Output) {
    (child.id(), child.wait_with_output().unwrap())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn takes_a_picture_when_all_windows_are_shown() {
    let scene = Scene::new("picture");
    fs::write(scene.0.join("windows"), ALL_SHOWN).unwrap();
    let apps = ["--app", "sleep 1000", "--app", "sleep 1000", "--app", "untrusted:sleep 1000"];
    let (id, output) = finish(scene.demo(&apps).spawn().unwrap());
    assert!(output.status.success(), "{output:?}");
    let picture = scene.0.join("transom-demo.png");
    assert!(text(&output.stdout).contains(&format!("Screenshot: {}", picture.display())), "{output:?}");
    assert_eq!(fs::read_to_string(picture).unwrap(), "picture\n");
    scene.assert_nothing_left(id);
}

#[test]
fn a_signal_ends_it_without_a_trace() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let scene = Scene::new(&format!("signal-{}", signal.as_raw()));
        let ready = scene.0.join("ready");
        assert!(Command::new("mkfifo").arg(&ready).status().unwrap().success());
        let app = format!("work:echo up >{}; exec sleep 1000", ready.display());
        let child = scene.demo(&["--seconds", "1000", "--app", &app]).spawn().unwrap();
        let (sender, up) = mpsc::channel();
        thread::spawn(move || sender.send(fs::read_to_string(ready)));
        assert_eq!(up.recv_timeout(PATIENCE).unwrap().unwrap(), "up\n");
        kill_process(Pid::from_child(&child), signal).unwrap();
        let (id, output) = finish(child);
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        scene.assert_nothing_left(id);
    }
}

#[test]
fn a_program_that_ends_early_ends_it_with_the_log() {
    let scene = Scene::new("early");
    fs::write(scene.0.join("gui-agent"), "#!/bin/sh\necho no such thing >&2\nexit 3\n").unwrap();
    let (id, output) = finish(scene.demo(&["--seconds", "1000", "--app", "sleep 1000"]).spawn().unwrap());
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let errors = text(&output.stderr);
    // Three agents end at about the same time; the log of the one that was noticed is complete.
    let (_, ended) = errors.split_once("error: ").unwrap_or_else(|| panic!("{errors}"));
    let (name, status) = ended.split_once(' ').unwrap();
    assert!(status.starts_with("ended with status 3"), "{errors}");
    assert!(errors.contains(&format!("{name}: no such thing")), "{errors}");
    scene.assert_nothing_left(id);
}

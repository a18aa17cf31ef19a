//! The programs themselves, with applications that know nothing of them.

mod files;
mod input_method;
mod no_xen;
mod session;
mod typists;

use std::process::Command;

use session::{PATIENCE, Session, is_installed, program};

/// Makes what was last typed into a terminal its title.
const TITLES: &str = r#"while read -r line; do printf '\033]2;%s\007' "$line"; done"#;
/// A terminal whose title is what was last typed into it, at first `empty`.
const TERMINAL: &[&str] = &["foot", "--config=/dev/null", "--title=empty", "sh", "-c", TITLES];
const FLOWER: &[&str] = &["weston-flower"];

/// The frames' colours.
const GREEN: [u8; 3] = [0x73, 0xd2, 0x16];

#[test]
fn what_is_typed_reaches_the_focused_terminal() {
    if !is_installed("foot") {
        return;
    }
    let session = Session::new();
    let _daemon = session.daemon();
    let mut watch = session.watch();
    let _agents = [session.agent("personal", TERMINAL), session.agent("work", TERMINAL)];
    let windows = watch.until_there_are(&[("personal", "empty"), ("work", "empty")]);
    for (window, text) in windows.iter().zip(["only here", "A&b \"C\" {d}"]) {
        session.msg(&["focus", &window.id.to_string()]);
        session.msg(&["input", "text", text]);
        session.msg(&["input", "key", "Return"]);
        watch.until(text, |windows| windows.contains_key(&(window.domain.clone(), text.to_owned())));
        let titles = watch.windows.keys().filter(|(_, title)| title == text).count();
        assert_eq!(titles, 1, "one terminal was typed into");
    }
}

#[test]
fn windows_survive_the_daemon_and_go_with_their_agent() {
    if !is_installed("foot") || !is_installed("weston-flower") {
        return;
    }
    let session = Session::new();
    let daemon = session.daemon();
    let personal = session.agent("personal", TERMINAL);
    let work = session.agent("work", FLOWER);
    let wanted = [("personal", "empty"), ("work", "Flower")];
    let mut watch = session.watch();
    let windows = watch.until_there_are(&wanted);
    session.msg(&["focus", &windows[0].id.to_string()]);
    let before = watch.until_there_are(&wanted);
    let picture = session.picture();
    assert!(picture.contains_key(&GREEN) && picture.len() > 100, "{} colours", picture.len());

    daemon.kill();
    let daemon = session.daemon();
    let mut watch = session.watch();
    let after = watch.until_there_are(&wanted);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.geometry, after.geometry, "{before:?}");
    }
    // the terminal's shell is the same one
    session.msg(&["focus", &after[0].id.to_string()]);
    session.msg(&["input", "text", "still here\n"]);
    watch.until_there_are(&[("personal", "still here"), ("work", "Flower")]);

    work.kill();
    watch.until_there_are(&[("personal", "still here")]);
    let _work = session.agent("work", FLOWER);
    watch.until_there_are(&[("personal", "still here"), ("work", "Flower")]);

    // whoever is told to end leaves nothing behind
    let named = |folder: &str| {
        let entries = std::fs::read_dir(session.dir.path().join(folder)).unwrap();
        let names = entries.map(|it| it.unwrap().file_name().into_string().unwrap());
        names.filter(|it| it.contains("wayland") || it.contains(".1.0.")).collect::<Vec<_>>()
    };
    assert_eq!((named("vchan").len(), named("personal").is_empty()), (2, false));
    personal.terminate();
    watch.until_there_are(&[("work", "Flower")]);
    assert_eq!((named("vchan"), named("personal")), (vec![], vec![]));
    assert!(session.control().exists() && !named("dom0").is_empty());
    daemon.terminate();
    assert!(!session.control().exists());
    assert_eq!(named("dom0"), [""; 0]);
}

#[test]
fn what_opengl_draws_on_the_cpu_is_moved_once() {
    if !is_installed("weston-simple-egl") {
        return;
    }
    let session = Session::new();
    let _daemon = session.daemon();
    let mut watch = session.watch();
    let (_agent, log) = session.agent_telling("personal", &["weston-simple-egl"]);
    watch.until_there_are(&[("personal", "simple-egl")]);
    let mut frames = 0;
    while frames < 20 {
        let line = log.recv_timeout(PATIENCE).unwrap();
        let Some((_, bytes)) = line.split_once("frame drawn bytes=") else { continue };
        let bytes = bytes.split(' ').next().unwrap();
        assert_eq!(bytes.parse::<u32>().unwrap(), 250 * 250 * 4, "every pixel of the window: {line}");
        frames += 1;
    }
    assert!(session.picture().len() > 100, "a triangle of many colours");
}

#[test]
fn dom0_has_applications_too() {
    if !is_installed("foot") {
        return;
    }
    let session = Session::new();
    let _daemon = session.daemon();
    let mut watch = session.watch();
    let terminal = session.local(TERMINAL);
    watch.until_there_are(&[("dom0", "empty")]);
    session.msg(&["input", "text", "hello\n"]);
    let windows = watch.until_there_are(&[("dom0", "hello")]);
    assert!(windows[0].focused && windows[0].label == "black");
    terminal.kill();
    watch.until_there_are(&[]);
    assert_eq!(session.picture().len(), 1, "an empty desktop");
}

#[test]
fn an_agent_written_from_the_documents_is_shown() {
    let can_run = "import os, socket, fcntl; os.memfd_create, socket.send_fds, fcntl.F_ADD_SEALS";
    if !std::process::Command::new("python3").args(["-c", can_run]).status().is_ok_and(|it| it.success()) {
        println!("skipped: there is no python3 of version 3.9 or later");
        return;
    }
    let session = Session::new();
    let _daemon = session.daemon();
    let mut watch = session.watch();
    let _agent = session.any_agent("personal", &["python3", "-c", include_str!("agent.py")]);
    let windows = watch.until_there_are(&[("personal", "python")]);
    assert_eq!((windows[0].geometry.width, windows[0].geometry.height), (64, 48));
    session.msg(&["input", "move", "1279", "799"]);
    assert_eq!(session.picture().get(&[0x12, 0x34, 0x56]), Some(&(64 * 48)));
}

#[test]
fn a_configuration_is_validated_without_a_desktop() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("transom.toml");
    let validate = |text: &str| {
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(program("gui-daemon"));
        let output = command.arg("--validate").arg("--config").arg(&file).env_clear().output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(validate("[keyboard]\nlayout = \"de\"\n"), (Some(0), String::new()));
    let (status, said) = validate("[keyboard]\nlayuot = \"de\"\n");
    assert_eq!((status, said.lines().count()), (Some(1), 1), "{said}");
    assert!(said.contains("transom.toml:2: unknown key \"layuot\""), "{said}");
}

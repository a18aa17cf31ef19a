//! A real program that types, `wtype`, into real terminals: it makes up a keymap with a key for each letter of its text.

use std::{fs, io::Write as _};

use crate::{
    TERMINAL, TITLES,
    session::{Session, is_installed},
};

/// No keyboard of the session has all of these.
const TEXT: &str = "Grüße für 5 €: Ω≠ж";

fn typed_into(options: &[&str], terminal: &[&str]) {
    let session = Session::new();
    let (cue, script) = (session.dir.path().join("cue"), session.dir.path().join("typist"));
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &cue,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    // wtype reads its text as its locale has it
    let lines = format!("read -r line < {}; LC_ALL=C.UTF-8 exec wtype \"$line\" -k Return", cue.display());
    fs::write(&script, lines).unwrap();
    let typist = format!("sh {}", script.display());
    let _daemon = session.daemon();
    let mut watch = session.watch();
    let options = [options, &["--input-method", &typist]].concat();
    let _agent = session.agent_with("personal", &options, terminal);
    let windows = watch.until_there_are(&[("personal", "empty")]);
    session.msg(&["focus", &windows[0].id.to_string()]);
    session.msg(&["input", "text", "z: before\n"]);
    watch.until_there_are(&[("personal", "z: before")]);

    let mut cue = fs::File::options().write(true).open(&cue).unwrap();
    writeln!(cue, "{TEXT}").unwrap();
    watch.until_there_are(&[("personal", TEXT)]);
    // keys mean again what they did
    session.msg(&["input", "text", "z: after\n"]);
    watch.until_there_are(&[("personal", "z: after")]);
}

#[test]
fn any_text_can_be_typed_into_a_wayland_terminal() {
    if is_installed("foot") && is_installed("wtype") {
        typed_into(&["--no-x11"], TERMINAL);
    }
}

#[test]
fn any_text_can_be_typed_into_an_x11_terminal() {
    if is_installed("xterm") && is_installed("Xwayland") && is_installed("wtype") {
        let terminal = ["env", "LC_ALL=C.UTF-8", "xterm", "-u8", "-T", "empty", "-xrm", "*utf8Title: true"];
        typed_into(&[], &[&terminal[..], &["-e", "sh", "-c", TITLES]].concat());
    }
}

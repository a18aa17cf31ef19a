//! A real input method, fcitx 5 with its Korean engine, writing into a real text field, a terminal's.

use std::{fs, path::Path};

use gui_daemon::ipc::WindowKind;

use crate::{
    TERMINAL,
    session::{PATIENCE, Session, Watch, is_installed},
};

/// Nothing of it but what serves Wayland: it finds no session bus, and must not find the user's.
const FCITX: &str = "fcitx5 --disable=all --enable=wayland,waylandim,keyboard,hangul,classicui --verbose *=0";

const ENGINE: &str = "/usr/share/fcitx5/inputmethod/hangul.conf";

/// Korean from the start; Control and the space bar turn it off and on.
const PROFILE: &str = "\
[Groups/0]
Name=Default
Default Layout=us
DefaultIM=hangul
[Groups/0/Items/0]
Name=keyboard-us
[Groups/0/Items/1]
Name=hangul
[GroupOrder]
0=Default
";
const BEHAVIOUR: &str = "[Behavior]\nActiveByDefault=True\n";

/// Types a line until it has been composed: the input method says to nobody when it is ready.
fn compose_first(session: &Session, watch: &mut Watch) {
    let started = std::time::Instant::now();
    for attempt in 0.. {
        session.msg(&["input", "text", &format!("gks{attempt}\n")]);
        let ends = attempt.to_string();
        watch.until("a line", |windows| windows.keys().any(|(_, title)| title.ends_with(&ends)));
        if watch.windows.contains_key(&("personal".to_owned(), format!("한{attempt}"))) {
            return;
        }
        assert!(started.elapsed() < PATIENCE, "fcitx5 has never composed anything");
    }
}

#[test]
fn fcitx_composes_shows_candidates_and_gives_keys_back() {
    if !is_installed("foot") || !is_installed("fcitx5") {
        return;
    }
    if !Path::new(ENGINE).exists() {
        println!("skipped: fcitx5-hangul is not installed");
        return;
    }
    let session = Session::new();
    let settings = session.dir.path().join("personal/.config/fcitx5");
    fs::create_dir_all(&settings).unwrap();
    fs::write(settings.join("profile"), PROFILE).unwrap();
    fs::write(settings.join("config"), BEHAVIOUR).unwrap();
    let _daemon = session.daemon();
    let mut watch = session.watch();
    let _agent = session.agent_with("personal", &["--no-x11", "--input-method", FCITX], TERMINAL);
    watch.until_there_are(&[("personal", "empty")]);
    compose_first(&session, &mut watch);

    // two syllables; the second is still being composed when its Chinese characters are asked for
    session.msg(&["input", "text", "gksrmf"]);
    session.msg(&["input", "key", "F9"]);
    watch.until("candidates", |windows| windows.values().any(|it| it.kind == WindowKind::Popup));
    let terminal = watch.windows.values().find(|it| it.kind == WindowKind::Toplevel).unwrap().geometry;
    let candidates = watch.windows.values().find(|it| it.kind == WindowKind::Popup).unwrap().geometry;
    let (right, down) = (candidates.x - terminal.x, candidates.y - terminal.y);
    assert!(
        (1..200).contains(&right) && (1..500).contains(&down),
        "below the line, which is the lower the later it was ready: {candidates:?} {terminal:?}"
    );
    session.msg(&["input", "text", "1\n"]);
    watch.until_there_are(&[("personal", "한契")]);

    // what it does not use comes back as it was typed, however fast
    session.msg(&["input", "key", "ctrl+space"]);
    let line = "The quick {brown} FOX & \"1 Dog\"";
    session.msg(&["input", "text", &format!("{line}\n")]);
    watch.until_there_are(&[("personal", line)]);
}

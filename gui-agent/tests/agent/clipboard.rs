//! Clipboard and primary selection: between applications, and to and from the GUI domain.

use std::{
    fs::File,
    io::Write,
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use gui_protocol::WindowId;
use transom_tests::client::{Buffer, Toplevel};
use wayland_client::protocol::wl_surface::WlSurface;

use crate::{
    fixture::World,
    windows::{BLUE, RED, another_window, window},
};

pub const UTF8: &str = "text/plain;charset=utf-8";

/// An application that takes part, its window and what keeps that in place.
pub struct App {
    pub client: usize,
    pub id: WindowId,
    _window: (Toplevel, Buffer),
}

impl App {
    pub fn surface(&self) -> WlSurface {
        self._window.0.surface.clone()
    }
}

pub fn app(world: &mut World, colour: u32) -> App {
    let (client, toplevel, buffer, id) = match world.clients.is_empty() {
        true => window(world, 40, 40, colour),
        false => {
            let client = world.connect();
            let (toplevel, buffer, id) = another_window(world, client, 40, 40, colour);
            (client, toplevel, buffer, id)
        }
    };
    world.client(client).take_part();
    world.settle();
    App { client, id, _window: (toplevel, buffer) }
}

pub fn focus(world: &mut World, app: &App) {
    let windows: Vec<_> = world.daemon().windows.keys().copied().collect();
    for window in windows.into_iter().filter(|window| *window != app.id) {
        world.daemon().conn.focus(window, false, &[0; 32]);
    }
    world.daemon().conn.focus(app.id, true, &[0; 32]);
    world.settle();
}

/// What an application is asked for.
pub fn asked(world: &mut World, app: &App) -> (String, File) {
    let (kind, pipe): (String, OwnedFd) =
        world.client(app.client).inbox.selections.asked.pop().expect("a question");
    (kind, pipe.into())
}

/// An application with the focus that has put these kinds of data on the clipboard.
fn copied(world: &mut World, kinds: &[&str]) -> App {
    let app = app(world, RED);
    focus(world, &app);
    world.client(app.client).copy(kinds);
    world.settle();
    app
}

/// The user copies. What the GUI domain is answered, once that takes no more than messages.
pub fn copy(world: &mut World, app: &App) -> Vec<Vec<u8>> {
    world.daemon().conn.request_clipboard(app.id);
    world.settle();
    std::mem::take(&mut world.daemon().clipboards)
}

#[test]
fn applications_share_the_clipboard_of_their_domain() {
    let mut world = World::new();
    let one = copied(&mut world, &["text/html", UTF8]);
    let two = app(&mut world, BLUE);
    assert_eq!(world.client(two.client).clipboard(), None, "not before it has the focus");
    focus(&mut world, &two);
    assert_eq!(world.client(two.client).clipboard().unwrap(), ["text/html", UTF8]);
    let mut pasted = world.client(two.client).paste("text/html");
    world.settle();
    let (kind, mut pipe) = asked(&mut world, &one);
    assert_eq!(kind, "text/html");
    pipe.write_all(b"<b>bold</b>").unwrap();
    drop(pipe);
    assert!(pasted.is_whole());
    assert_eq!(pasted.bytes, b"<b>bold</b>");

    // who has no focus cannot take the clipboard away
    world.client(one.client).copy(&["text/x-sneaked"]);
    world.settle();
    assert_eq!(world.client(two.client).clipboard().unwrap(), ["text/html", UTF8]);
    world.client(two.client).copy(&["text/plain"]);
    world.settle();
    assert_eq!(world.client(one.client).inbox.selections.cancelled, 1);
}

#[test]
fn applications_share_what_is_marked() {
    let mut world = World::new();
    let (one, two) = (app(&mut world, RED), app(&mut world, BLUE));
    focus(&mut world, &one);
    world.client(one.client).mark(&[UTF8]);
    world.settle();
    focus(&mut world, &two);
    assert_eq!(world.client(two.client).marked().unwrap(), [UTF8]);
    assert_eq!(world.client(two.client).clipboard(), None);
    let mut pasted = world.client(two.client).paste_marked(UTF8);
    world.settle();
    asked(&mut world, &one).1.write_all(b"marked").unwrap();
    assert!(pasted.is_whole());
    assert_eq!(pasted.bytes, b"marked");
    // the GUI domain gets the clipboard, which is empty
    assert_eq!(copy(&mut world, &two), [b""]);
}

#[test]
fn the_user_copies_text_in_its_best_form() {
    for (kinds, expected) in [
        (&["text/html", "text/plain", "UTF8_STRING", UTF8][..], UTF8),
        (&["STRING", "UTF8_STRING", "text/plain"], "UTF8_STRING"),
        (&["TEXT", "text/plain"], "text/plain"),
        (&["TEXT"], "TEXT"),
    ] {
        let mut world = World::new();
        let app = copied(&mut world, kinds);
        assert_eq!(copy(&mut world, &app), [[0u8; 0]; 0], "it takes the application");
        let (kind, mut pipe) = asked(&mut world, &app);
        assert_eq!(kind, expected);
        // what it is, is nobody's business here
        let text = b"\xff\0\x1b[31m caf\xc3\xa9\r\n";
        pipe.write_all(text).unwrap();
        world.settle();
        assert_eq!(world.daemon().clipboards, [[0u8; 0]; 0], "not before it is whole");
        drop(pipe);
        world.settle();
        assert_eq!(world.daemon().clipboards, [text]);
    }
}

#[test]
fn what_is_no_text_is_not_copied() {
    let mut world = World::new();
    let empty = app(&mut world, BLUE);
    assert_eq!(copy(&mut world, &empty), [b""], "nothing was copied at all");
    let picture = copied(&mut world, &["image/png"]);
    assert_eq!(copy(&mut world, &picture), [b""]);
    assert!(world.client(picture.client).inbox.selections.asked.is_empty());
    // its owner is gone
    let text = copied(&mut world, &[UTF8]);
    world.clients[text.client] = transom_tests::client::Client::new({
        let path = world.agent.socket_path();
        std::os::unix::net::UnixStream::connect(path).unwrap()
    });
    world.settle();
    assert_eq!(copy(&mut world, &picture), [b""]);
}

#[test]
fn too_much_is_told_as_too_much() {
    let mut world = World::new();
    let app = copied(&mut world, &[UTF8]);
    for (length, told) in [(64_000, 1), (64_001, 0), (256_000, 0), (256_001, 0), (5_000_000, 0)] {
        world.daemon().conn.request_clipboard(app.id);
        world.settle();
        let (_, mut pipe) = asked(&mut world, &app);
        // ends early where the agent has heard enough
        let writer = std::thread::spawn(move || pipe.write_all(&vec![b'x'; length]).is_ok());
        world.until("an answer", |world| {
            world.daemon().clipboards.len() + world.daemon().clipboards_too_large == 1
        });
        let daemon = world.daemon();
        assert_eq!((daemon.clipboards.len(), daemon.clipboards_too_large), (told, 1 - told), "{length}");
        assert!(daemon.clipboards.drain(..).all(|text| text.len() == length));
        daemon.clipboards_too_large = 0;
        assert_eq!(writer.join().unwrap(), length <= 256_001 + 65_536);
    }
}

#[test]
fn an_application_that_keeps_its_clipboard_is_waited_for_a_moment() {
    let mut world = World::new();
    let app = copied(&mut world, &[UTF8]);
    let started = Instant::now();
    assert_eq!(copy(&mut world, &app), [[0u8; 0]; 0]);
    let (_, mut pipe) = asked(&mut world, &app);
    pipe.write_all(b"half of ").unwrap();
    world.until("the answer", |world| !world.daemon().clipboards.is_empty());
    assert!(started.elapsed() >= Duration::from_millis(1500));
    assert_eq!(world.daemon().clipboards, [b""], "half of a text is none");
    assert!(pipe.write_all(b"it").is_err(), "nobody reads any more");
}

#[test]
fn of_two_questions_the_last_is_answered() {
    let mut world = World::new();
    let app = copied(&mut world, &[UTF8]);
    world.daemon().conn.request_clipboard(app.id);
    world.settle();
    let (_, mut first) = asked(&mut world, &app);
    first.write_all(b"fir").unwrap();
    world.daemon().conn.request_clipboard(app.id);
    world.settle();
    assert!(first.write_all(b"st").is_err());
    asked(&mut world, &app).1.write_all(b"second").unwrap();
    world.settle();
    assert_eq!(world.daemon().clipboards, [b"second"]);
}

#[test]
fn a_daemon_that_is_gone_gets_no_answer_and_neither_does_the_next() {
    let mut world = World::new();
    let app = copied(&mut world, &[UTF8]);
    world.daemon().conn.request_clipboard(app.id);
    world.settle();
    let (_, mut pipe) = asked(&mut world, &app);
    world.daemon = None;
    world.settle();
    assert!(pipe.write_all(b"late").is_err());
    world.start_daemon();
    assert_eq!(world.daemon().clipboards, [[0u8; 0]; 0]);
}

#[test]
fn the_user_pastes_into_the_domains_clipboard() {
    let mut world = World::new();
    let one = copied(&mut world, &["text/html"]);
    let two = app(&mut world, BLUE);
    // more than a pipe holds
    let text: Vec<u8> = (0..256_000).map(|n| n as u8).collect();
    assert!(world.daemon().conn.send_clipboard(one.id, &text));
    world.settle();
    let expected = [UTF8, "UTF8_STRING", "text/plain", "STRING", "TEXT"];
    assert_eq!(world.client(one.client).clipboard().unwrap(), expected);
    assert_eq!(world.client(one.client).inbox.selections.cancelled, 1, "what it had there is gone");
    assert_eq!(world.client(two.client).clipboard(), None);
    for app in [&one, &two] {
        focus(&mut world, app);
        for kind in expected {
            let mut pasted = world.client(app.client).paste(kind);
            world.until("the text", |_| pasted.is_whole());
            assert!(pasted.bytes == text);
        }
        let mut other = world.client(app.client).paste("text/html");
        world.until("the end", |_| other.is_whole());
        assert_eq!(other.bytes, []);
    }
    // what came from the GUI domain may be copied there again
    assert!(copy(&mut world, &two).is_empty(), "too much for this daemon's taste");
    assert_eq!(world.daemon().clipboards_too_large, 1);
    assert!(world.daemon().conn.send_clipboard(one.id, b"short"));
    assert_eq!(copy(&mut world, &two), [b"short"]);
}

#[test]
fn applications_that_do_not_take_what_they_want_cost_little() {
    let mut world = World::new();
    let app = app(&mut world, RED);
    focus(&mut world, &app);
    assert!(world.daemon().conn.send_clipboard(app.id, &[b'x'; 200_000]));
    world.settle();
    let mut slow: Vec<_> = (0..20).map(|_| world.client(app.client).paste(UTF8)).collect();
    world.settle();
    // the first four were given up when the last four came
    for (n, slow) in slow.iter_mut().enumerate() {
        world.until("the end", |_| slow.is_whole());
        assert_eq!(slow.bytes.len() == 200_000, n >= 4, "{n}: {}", slow.bytes.len());
    }
    // a reader that goes away is no loss
    drop(world.client(app.client).paste(UTF8));
    world.settle();
    let mut pasted = world.client(app.client).paste(UTF8);
    world.until("the text", |_| pasted.is_whole());
}

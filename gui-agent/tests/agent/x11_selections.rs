//! What X11 programs copy, Wayland programs paste, and the other way round; and the user in the GUI domain.

use std::{
    io::Write as _,
    sync::{Arc, mpsc},
    thread,
};

use gui_protocol::WindowId;
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{
            Atom, AtomEnum, ConnectionExt as _, EventMask, PropMode, Property, Rectangle,
            SELECTION_NOTIFY_EVENT, SelectionNotifyEvent, SelectionRequestEvent, Window,
        },
    },
    rust_connection::RustConnection,
    wrapper::ConnectionExt as _,
};

use crate::{
    clipboard::{App, UTF8, app, asked, focus},
    fixture::{
        World,
        x11::{RED, XClient},
    },
    windows::BLUE,
};

/// An X11 program with a window.
struct XApp {
    client: XClient,
    window: Window,
    id: WindowId,
}

fn x11_app(world: &mut World) -> XApp {
    let client = world.connect_x11();
    let (window, id) = world.show_x11(&client, Rectangle { x: 0, y: 0, width: 60, height: 40 }, RED);
    XApp { client, window, id }
}

/// Gives the keyboard to an X11 window.
fn focus_x11(world: &mut World, app: &mut XApp) {
    let windows: Vec<_> = world.daemon().windows.keys().copied().collect();
    for window in windows.into_iter().filter(|window| *window != app.id) {
        world.daemon().conn.focus(window, false, &[0; 32]);
    }
    world.daemon().conn.focus(app.id, true, &[0; 32]);
    let window = app.window;
    world.until_told(&mut app.client, "the keyboard", |event| {
        matches!(event, Event::FocusIn(it) if it.event == window).then_some(())
    });
}

/// Text of this many bytes, no two places alike.
fn text(bytes: usize) -> Vec<u8> {
    (0..).flat_map(|number: u32| format!("{number} ").into_bytes()).take(bytes).collect()
}

pub fn answer(conn: &RustConnection, request: &SelectionRequestEvent) {
    let event = SelectionNotifyEvent {
        response_type: SELECTION_NOTIFY_EVENT,
        sequence: 0,
        time: request.time,
        requestor: request.requestor,
        selection: request.selection,
        target: request.target,
        property: request.property,
    };
    conn.send_event(false, request.requestor, EventMask::NO_EVENT, event).unwrap();
    conn.flush().unwrap();
}

/// The X11 program copies: from now on it hands over the content of each selection to whoever asks, as text. Returns when
/// the agent knows, since it takes notice only of what is copied with the keyboard.
fn x11_copies(world: &mut World, app: &XApp, contents: Vec<(&'static str, Vec<u8>)>) {
    let [targets, utf8, incr] = ["TARGETS", "UTF8_STRING", "INCR"].map(|name| world.atom(&app.client, name));
    let contents: Vec<_> =
        contents.into_iter().map(|(name, content)| (world.atom(&app.client, name), content)).collect();
    let (conn, window) = (Arc::clone(&app.client.conn), app.window);
    for (selection, _) in &contents {
        conn.set_selection_owner(window, *selection, 0u32).unwrap();
    }
    conn.flush().unwrap();
    let (selections, (asked, was_asked)) = (contents.len(), mpsc::channel());
    // ends with the connection
    thread::spawn(move || {
        while let Ok(event) = conn.wait_for_event() {
            let Event::SelectionRequest(request) = event else { continue };
            let (_, content) =
                contents.iter().find(|(selection, _)| *selection == request.selection).unwrap();
            let (requestor, property) = (request.requestor, request.property);
            let replace = PropMode::REPLACE;
            if request.target == targets {
                let kinds = [targets, utf8];
                conn.change_property32(replace, requestor, property, AtomEnum::ATOM, &kinds).unwrap();
                answer(&conn, &request);
                let _ = asked.send(());
            } else if content.len() < 200_000 {
                conn.change_property8(replace, requestor, property, utf8, content).unwrap();
                answer(&conn, &request);
            } else {
                give_in_parts(&conn, &request, utf8, incr, content);
            }
        }
    });
    for _ in 0..selections {
        world.until("it is asked what there is", |_| was_asked.try_recv().is_ok());
    }
}

fn give_in_parts(
    conn: &RustConnection,
    request: &SelectionRequestEvent,
    utf8: Atom,
    incr: Atom,
    content: &[u8],
) {
    use x11rb::protocol::xproto::ChangeWindowAttributesAux;
    let (requestor, property) = (request.requestor, request.property);
    let watch = ChangeWindowAttributesAux::new().event_mask(EventMask::PROPERTY_CHANGE);
    conn.change_window_attributes(requestor, &watch).unwrap();
    conn.change_property32(PropMode::REPLACE, requestor, property, incr, &[content.len() as u32]).unwrap();
    answer(conn, request);
    for part in content.chunks(100_000).chain([&[][..]]) {
        loop {
            match conn.wait_for_event() {
                Ok(Event::PropertyNotify(it)) if it.window == requestor && it.state == Property::DELETE => {
                    break;
                }
                Ok(_) => {}
                Err(_) => return,
            }
        }
        conn.change_property8(PropMode::REPLACE, requestor, property, utf8, part).unwrap();
        conn.flush().unwrap();
    }
}

/// What an X11 program gets that pastes: all of it, or nothing.
type Pasting = thread::JoinHandle<Option<Vec<u8>>>;

fn x11_pastes(world: &mut World, app: &XApp, selection: &'static str, kind: &'static str) -> Option<Vec<u8>> {
    let pasting = start_pasting(world, app, selection, kind);
    world.finish(pasting)
}

fn start_pasting(world: &mut World, app: &XApp, selection: &'static str, kind: &'static str) -> Pasting {
    let [selection, kind, incr, property] =
        [selection, kind, "INCR", "_HERE"].map(|name| world.atom(&app.client, name));
    let (conn, window) = (Arc::clone(&app.client.conn), app.window);
    thread::spawn(move || {
        conn.convert_selection(window, selection, kind, property, 0u32).unwrap();
        conn.flush().unwrap();
        let take =
            || conn.get_property(true, window, property, AtomEnum::ANY, 0, 1 << 24).unwrap().reply().unwrap();
        let given = loop {
            if let Event::SelectionNotify(it) = conn.wait_for_event().unwrap() {
                break it.property;
            }
        };
        if given == 0 {
            return None;
        }
        let whole = take();
        if whole.type_ != incr {
            return Some(whole.value);
        }
        let mut bytes = Vec::new();
        loop {
            match conn.wait_for_event().unwrap() {
                Event::PropertyNotify(it) if it.atom == property && it.state == Property::NEW_VALUE => {
                    let part = take().value;
                    if part.is_empty() {
                        return Some(bytes);
                    }
                    bytes.extend(part);
                }
                _ => {}
            }
        }
    })
}

#[test]
fn what_x11_programs_copy_wayland_programs_paste() {
    for size in [0, 5, 150_000, 500_000] {
        let mut world = World::with_x11();
        world.start_daemon();
        let other = app(&mut world, BLUE);
        let mut x11 = x11_app(&mut world);
        focus_x11(&mut world, &mut x11);
        let contents = vec![("CLIPBOARD", text(size)), ("PRIMARY", b"marked".to_vec())];
        x11_copies(&mut world, &x11, contents);
        focus(&mut world, &other);
        let is_there =
            |kinds: Option<&[String]>| kinds.is_some_and(|kinds| kinds.iter().any(|it| it == UTF8));
        world.until("it is offered", |world| {
            let client = world.client(other.client);
            is_there(client.clipboard()) && is_there(client.marked())
        });
        let mut pasted = world.client(other.client).paste(UTF8);
        world.until("it is pasted", |_| pasted.is_whole());
        assert!(pasted.bytes == text(size), "{} bytes of {size}", pasted.bytes.len());
        let mut pasted = world.client(other.client).paste_marked(UTF8);
        world.until("it is pasted", |_| pasted.is_whole());
        assert_eq!(pasted.bytes, b"marked");

        // and the user in the GUI domain
        world.daemon().conn.request_clipboard(other.id);
        world.until("an answer", |world| {
            world.daemon().clipboards.len() + world.daemon().clipboards_too_large == 1
        });
        let copied = world.daemon().clipboards.pop();
        assert_eq!(copied, (size <= 64_000).then(|| text(size)), "{size}: more is told as too much");

        // it goes with its owner
        x11.client.conn.kill_client(x11.window).unwrap();
        x11.client.conn.flush().unwrap();
        world.until("it is gone", |world| world.client(other.client).clipboard().is_none());
    }
}

fn offers(world: &mut World, x11: &XApp, selection: &'static str) -> bool {
    let utf8 = world.atom(&x11.client, "UTF8_STRING");
    let targets = x11_pastes(world, x11, selection, "TARGETS");
    targets.is_some_and(|targets| targets.chunks(4).any(|atom| atom == utf8.to_ne_bytes()))
}

/// A Wayland program hands over what it is asked for.
fn hand_over(world: &mut World, other: &App, content: &[u8]) {
    world.until("it is asked", |world| !world.client(other.client).inbox.selections.asked.is_empty());
    let (kind, mut pipe) = asked(world, other);
    assert_eq!(kind, UTF8);
    let content = content.to_vec();
    // waits for the agent, which is in this thread
    thread::spawn(move || pipe.write_all(&content).unwrap());
}

#[test]
fn what_wayland_programs_copy_x11_programs_paste() {
    for size in [0, 5, 131_072, 131_073, 1_000_000] {
        let mut world = World::with_x11();
        world.start_daemon();
        let other = app(&mut world, BLUE);
        focus(&mut world, &other);
        // before there is an X server, and when there is one
        world.client(other.client).copy(&[UTF8, "text/html"]);
        world.settle();
        let mut x11 = x11_app(&mut world);
        focus_x11(&mut world, &mut x11);
        assert!(offers(&mut world, &x11, "CLIPBOARD"));
        assert!(!offers(&mut world, &x11, "PRIMARY"));
        let content = text(size);
        let pasting = start_pasting(&mut world, &x11, "CLIPBOARD", "UTF8_STRING");
        hand_over(&mut world, &other, &content);
        let pasted = world.finish(pasting);
        assert!(pasted.as_ref() == Some(&content), "{:?} bytes of {size}", pasted.map(|it| it.len()));

        // what is newer counts
        focus(&mut world, &other);
        world.client(other.client).mark(&[UTF8]);
        world.settle();
        focus_x11(&mut world, &mut x11);
        let pasting = start_pasting(&mut world, &x11, "PRIMARY", "UTF8_STRING");
        hand_over(&mut world, &other, b"marked");
        assert_eq!(world.finish(pasting).unwrap(), b"marked");
        world.daemon().conn.send_clipboard(other.id, b"from elsewhere");
        world.settle();
        assert_eq!(x11_pastes(&mut world, &x11, "CLIPBOARD", "UTF8_STRING").unwrap(), b"from elsewhere");

        // without the keyboard nothing is told
        focus(&mut world, &other);
        assert_eq!(x11_pastes(&mut world, &x11, "CLIPBOARD", "UTF8_STRING"), None);
    }
}

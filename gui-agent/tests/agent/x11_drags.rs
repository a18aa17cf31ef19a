//! What X11 programs drag to Wayland programs of their domain.

use gui_protocol::{Arrange, ButtonInput, CrossingInput, WindowId};
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, PropMode, Window},
    },
    wrapper::ConnectionExt as _,
};

use crate::{
    clipboard::{App, app},
    fixture::{
        World,
        x11::{RED, XClient},
    },
    windows::BLUE,
    x11::{NO_KEYS, rect},
    x11_selections::answer,
};

/// An X11 program that drags, and a Wayland program beside it.
struct Drag {
    world: World,
    client: XClient,
    window: Window,
    id: WindowId,
    target: App,
}

/// With the pointer over the Wayland program.
fn drag() -> Drag {
    let mut world = World::with_x11();
    world.start_extended_daemon();
    let target = app(&mut world, BLUE);
    let beside = Arrange { x: 100, width: 40, height: 40, ..Arrange::default() };
    world.daemon().conn.arrange(target.id, beside);
    let client = world.connect_x11();
    let (window, id) = world.show_x11(&client, rect(0, 0, 60, 40), RED);
    let selection = world.atom(&client, "XdndSelection");
    let enter = CrossingInput { entered: true, x: 5, y: 6, state: 0, focus: false };
    world.daemon().conn.crossing(id, enter, &NO_KEYS);
    world.daemon().conn.button(id, ButtonInput { pressed: true, x: 5, y: 6, state: 0, button: 1 });
    client.conn.set_selection_owner(window, selection, 0u32).unwrap();
    world.sync_x11(&client);
    world.settle();
    world.daemon().conn.motion(id, 110, 9, 0x100);
    Drag { world, client, window, id, target }
}

impl Drag {
    /// The window that the program finds below the pointer.
    fn below(&mut self) -> Window {
        let (conn, root) = (self.client.conn.clone(), self.client.root);
        self.world
            .beside(move || conn.translate_coordinates(root, root, 110, 9).unwrap().reply().unwrap().child)
    }

    fn aware(&mut self) -> Window {
        let mut found = 0;
        for _ in 0..100 {
            found = self.below();
            if found != 0 && found != self.window {
                return found;
            }
        }
        panic!("nothing below the pointer but {found}");
    }

    fn tell(&mut self, window: Window, kind: &'static str, data: [u32; 5]) {
        let event = ClientMessageEvent::new(32, window, self.world.atom(&self.client, kind), data);
        self.client.conn.send_event(false, window, EventMask::NO_EVENT, event).unwrap();
        self.client.conn.flush().unwrap();
    }

    fn told(&mut self, kind: &'static str) -> [u32; 5] {
        let type_ = self.world.atom(&self.client, kind);
        self.world.until_told(&mut self.client, kind, |event| match event {
            Event::ClientMessage(it) if it.type_ == type_ => Some(it.data.as_data32()),
            _ => None,
        })
    }

    fn kinds(&mut self) -> [Atom; 2] {
        ["text/uri-list", "UTF8_STRING"].map(|name| self.world.atom(&self.client, name))
    }

    /// Drags these kinds there, and lets go.
    fn drop_on(&mut self, there: Window) {
        let (source, kinds) = (self.window, self.kinds());
        let copy = self.world.atom(&self.client, "XdndActionCopy");
        self.tell(there, "XdndEnter", [source, 5 << 24, kinds[0], kinds[1], 0]);
        self.tell(there, "XdndPosition", [source, 0, 110 << 16 | 9, 0, copy]);
        let status = self.told("XdndStatus");
        assert_eq!((status[0], status[1] & 1, status[4]), (there, 1, copy), "it would take that");
        let release = ButtonInput { pressed: false, x: 110, y: 9, state: 0x100, button: 1 };
        self.world.daemon().conn.button(self.id, release);
        self.world.settle();
        self.tell(there, "XdndDrop", [source, 0, 0, 0, 0]);
    }

    fn heard(&mut self) -> Vec<String> {
        self.world.client(self.target.client).inbox.selections.drag.clone()
    }

    fn until_heard(&mut self, word: &str) {
        let number = self.target.client;
        self.world.until(word, |world| {
            world.client(number).inbox.selections.drag.iter().any(|heard| heard.starts_with(word))
        });
    }
}

#[test]
fn what_an_x11_program_drops_a_wayland_program_takes() {
    let mut drag = drag();
    let there = drag.aware();
    let aware = drag.world.atom(&drag.client, "XdndAware");
    assert_eq!(drag.world.words(&drag.client, there, aware), [5]);
    drag.drop_on(there);
    drag.until_heard("in");
    let heard = drag.heard();
    assert_eq!(heard, ["in 10 9: text/uri-list UTF8_STRING text/plain;charset=utf-8 text/plain"]);
    let number = drag.target.client;
    drag.world.client(number).accept_drag("text/uri-list");
    drag.until_heard("drop");

    let mut dropped = drag.world.client(number).take_dropped("text/uri-list");
    let selection = drag.world.atom(&drag.client, "XdndSelection");
    let request = drag.world.until_told(&mut drag.client, "the question", |event| match event {
        Event::SelectionRequest(it) if it.selection == selection => Some(*it),
        _ => None,
    });
    let list = drag.kinds()[0];
    assert_eq!(request.target, list);
    let (conn, replace) = (&drag.client.conn, PropMode::REPLACE);
    let content = b"file:///etc/motd\r\n";
    conn.change_property8(replace, request.requestor, request.property, list, content).unwrap();
    answer(conn, &request);
    drag.world.until("all of it", |_| dropped.is_whole());
    assert_eq!(dropped.bytes, content);
    drag.world.client(number).finish_drag();
    let finished = drag.told("XdndFinished");
    assert_eq!((finished[0], finished[1]), (there, 1));
    assert_ne!(drag.below(), there, "no longer in the way");
}

#[test]
fn what_a_wayland_program_does_not_want_is_given_up() {
    let mut drag = drag();
    let there = drag.aware();
    drag.drop_on(there);
    drag.until_heard("in");
    let finished = drag.told("XdndFinished");
    assert_eq!((finished[0], finished[1]), (there, 0));
    drag.until_heard("out");
    assert!(!drag.heard().contains(&"drop".to_owned()));
    // the pointer is free again
    let (id, target) = (drag.id, drag.target.id);
    let enter = CrossingInput { entered: true, x: 3, y: 4, state: 0, focus: false };
    drag.world.daemon().conn.crossing(target, enter, &NO_KEYS);
    drag.world.daemon().conn.crossing(id, enter, &NO_KEYS);
    drag.world.daemon().conn.button(id, ButtonInput { pressed: true, x: 3, y: 4, state: 0, button: 2 });
    drag.world.until_told(&mut drag.client, "a click", |event| {
        matches!(event, Event::ButtonPress(it) if it.detail == 2).then_some(())
    });
}

#[test]
fn claims_of_programs_that_drag_nothing_come_to_nothing() {
    let mut drag = drag();
    let there = drag.aware();
    let (source, list) = (drag.window, drag.world.atom(&drag.client, "XdndTypeList"));
    drag.tell(there, "XdndDrop", [source, 0, 0, 0, 0]);
    drag.tell(there, "XdndPosition", [source, 0, 0, 0, 0]);
    drag.tell(there, "XdndLeave", [source, 0, 0, 0, 0]);
    // kinds that are none, by the thousand
    let none: Vec<u32> = (0..2000).map(|number| u32::MAX - number).collect();
    drag.client.set_words(source, list, AtomEnum::ATOM, &none);
    for source in [source, 0, u32::MAX, there] {
        drag.tell(there, "XdndEnter", [source, u32::MAX, 1, 2, 3]);
        drag.tell(there, "XdndEnter", [source, 0, 0, u32::MAX, 3]);
        drag.tell(there, "XdndDrop", [source, 0, 0, 0, 0]);
    }
    let client = &drag.client;
    drag.world.sync_x11(client);
    drag.world.settle();
    assert!(drag.heard().is_empty());

    // a drop, but the user has let go over the program's own window
    let (id, target) = (drag.id, drag.target.id);
    drag.world.daemon().conn.motion(id, 7, 8, 0x100);
    let release = ButtonInput { pressed: false, x: 7, y: 8, state: 0x100, button: 1 };
    drag.world.daemon().conn.button(id, release);
    let enter = CrossingInput { entered: true, x: 3, y: 4, state: 0, focus: false };
    drag.world.daemon().conn.crossing(target, enter, &NO_KEYS);
    drag.world.settle();
    let list = drag.kinds()[0];
    drag.client.events.clear();
    drag.tell(there, "XdndEnter", [source, 5 << 24, list, 0, 0]);
    drag.tell(there, "XdndDrop", [source, 0, 0, 0, 0]);
    assert_eq!(drag.told("XdndFinished")[1], 0);
    drag.world.settle();
    assert!(drag.heard().is_empty());
    drag.world.show_x11(&drag.client, rect(0, 0, 60, 40), RED);
}

//! What X11 programs drag to Wayland programs of their domain, and the other way round.

use std::{io::Write as _, thread};

use gui_protocol::{Arrange, ButtonInput, CrossingInput, WindowId};
use wayland_client::protocol::wl_data_device_manager::DndAction;
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{
            Atom, AtomEnum, ClientMessageEvent, ConnectionExt as _, EventMask, PropMode, Property, Window,
        },
    },
    wrapper::ConnectionExt as _,
};

use crate::{
    clipboard::{App, app, asked},
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

    /// Drags these kinds there, to do this with it. Returns what is answered at first.
    fn enter(&mut self, there: Window, action: &'static str) -> [u32; 5] {
        let (source, kinds) = (self.window, self.kinds());
        self.tell(there, "XdndEnter", [source, 5 << 24, kinds[0], kinds[1], 0]);
        self.position(there, action)
    }

    fn position(&mut self, there: Window, action: &'static str) -> [u32; 5] {
        let (source, action) = (self.window, self.world.atom(&self.client, action));
        self.tell(there, "XdndPosition", [source, 0, 110 << 16 | 9, 77, action]);
        self.told("XdndStatus")
    }

    fn let_go(&mut self) {
        let release = ButtonInput { pressed: false, x: 110, y: 9, state: 0x100, button: 1 };
        self.world.daemon().conn.button(self.id, release);
        self.world.settle();
    }

    fn drop_on(&mut self, there: Window) {
        let source = self.window;
        self.let_go();
        self.tell(there, "XdndDrop", [source, 0, 77, 0, 0]);
    }

    /// The Wayland program accepts what it is offered. Returns what the X11 program is told.
    fn accept(&mut self, action: DndAction) -> [u32; 5] {
        let number = self.target.client;
        self.world.client(number).accept_drag_to("text/uri-list", DndAction::all(), action);
        self.told("XdndStatus")
    }

    fn heard(&mut self) -> Vec<String> {
        self.world.client(self.target.client).inbox.selections.drag.clone()
    }

    /// The next click is an X11 window's.
    fn pointer_is_free(&mut self) {
        let (id, target) = (self.id, self.target.id);
        let enter = CrossingInput { entered: true, x: 3, y: 4, state: 0, focus: false };
        self.world.daemon().conn.crossing(target, enter, &NO_KEYS);
        self.world.daemon().conn.crossing(id, enter, &NO_KEYS);
        self.world.daemon().conn.button(id, ButtonInput { pressed: true, x: 3, y: 4, state: 0, button: 2 });
        self.world.until_told(&mut self.client, "a click", |event| {
            matches!(event, Event::ButtonPress(it) if it.detail == 2).then_some(())
        });
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
    let status = drag.enter(there, "XdndActionCopy");
    assert_eq!((status[0], status[1] & 1, status[4]), (there, 0, 0), "it has not said that it wants it");
    drag.until_heard("in");
    let heard = drag.heard();
    assert_eq!(heard, ["in 10 9: text/uri-list UTF8_STRING text/plain;charset=utf-8 text/plain"]);
    let copy = drag.world.atom(&drag.client, "XdndActionCopy");
    let status = drag.accept(DndAction::Copy);
    assert_eq!((status[0], status[1] & 1, status[4]), (there, 1, copy), "it would take that");
    drag.let_go();
    let enter = CrossingInput { entered: true, x: 10, y: 9, state: 0, focus: false };
    let (source, target) = (drag.window, drag.target.id);
    drag.world.daemon().conn.crossing(target, enter, &NO_KEYS);
    drag.world.settle();
    assert_eq!(drag.below(), there, "the program may look once more before it drops");
    drag.tell(there, "XdndDrop", [source, 0, 77, 0, 0]);
    drag.until_heard("drop");

    let number = drag.target.client;
    let mut dropped = drag.world.client(number).take_dropped("text/uri-list");
    let selection = drag.world.atom(&drag.client, "XdndSelection");
    let request = drag.world.until_told(&mut drag.client, "the question", |event| match event {
        Event::SelectionRequest(it) if it.selection == selection => Some(*it),
        _ => None,
    });
    let list = drag.kinds()[0];
    assert_eq!((request.target, request.time), (list, 77));
    let (conn, replace) = (&drag.client.conn, PropMode::REPLACE);
    let content = b"file:///etc/motd\r\n";
    conn.change_property8(replace, request.requestor, request.property, list, content).unwrap();
    answer(conn, &request);
    drag.world.until("all of it", |_| dropped.is_whole());
    assert_eq!(dropped.bytes, content);
    drag.world.client(number).finish_drag();
    let finished = drag.told("XdndFinished");
    assert_eq!((finished[0], finished[1], finished[2]), (there, 1, copy));
    assert_ne!(drag.below(), there, "no longer in the way");
}

#[test]
fn a_wayland_program_hears_where_an_x11_program_drags_and_says_what_it_would_do() {
    let mut drag = drag();
    let there = drag.aware();
    drag.enter(there, "XdndActionCopy");
    drag.until_heard("in");
    assert_eq!(drag.accept(DndAction::Copy)[1] & 1, 1);
    let (id, number) = (drag.id, drag.target.client);
    drag.world.daemon().conn.motion(id, 112, 11, 0x100);
    drag.until_heard("at 12 11");
    // and changes its mind
    drag.world.client(number).refuse_drag();
    assert_eq!(drag.told("XdndStatus")[1] & 1, 0);
    // the program would rather have it moved: that is another offer
    drag.world.client(number).inbox.selections.drag.clear();
    assert_eq!(drag.position(there, "XdndActionMove")[1] & 1, 0);
    drag.until_heard("in");
    let moved = drag.world.atom(&drag.client, "XdndActionMove");
    let status = drag.accept(DndAction::Copy);
    assert_eq!((status[1] & 1, status[4]), (1, moved), "nothing else is to be had");
    assert_eq!(drag.position(there, "XdndActionMove")[4], moved);

    // elsewhere, and back
    drag.world.daemon().conn.motion(id, 500, 11, 0x100);
    drag.until_heard("out");
    assert_eq!(drag.told("XdndStatus")[1] & 1, 0);
    drag.tell(there, "XdndLeave", [drag.window, 0, 0, 0, 0]);
    drag.world.sync_x11(&drag.client);
    drag.world.settle();
    drag.world.client(number).inbox.selections.drag.clear();
    drag.world.daemon().conn.motion(id, 110, 9, 0x100);
    drag.aware();
    drag.enter(there, "XdndActionCopy");
    drag.until_heard("in");
    // it is given up while the button is held
    drag.tell(there, "XdndLeave", [drag.window, 0, 0, 0, 0]);
    drag.until_heard("out");
    let heard = drag.heard();
    assert_eq!(heard.len(), 2, "{heard:?}");
}

#[test]
fn what_a_wayland_program_does_not_want_is_given_up() {
    let mut drag = drag();
    let there = drag.aware();
    drag.enter(there, "XdndActionCopy");
    drag.until_heard("in");
    drag.drop_on(there);
    let finished = drag.told("XdndFinished");
    assert_eq!((finished[0], finished[1]), (there, 0));
    drag.until_heard("out");
    assert!(!drag.heard().contains(&"drop".to_owned()));
    drag.pointer_is_free();
}

#[test]
fn an_x11_program_that_does_not_say_what_it_dropped_loses_it() {
    let mut drag = drag();
    let there = drag.aware();
    drag.enter(there, "XdndActionCopy");
    drag.until_heard("in");
    drag.accept(DndAction::Copy);
    drag.let_go();
    drag.until_heard("out");
    drag.tell(there, "XdndDrop", [drag.window, 0, 0, 0, 0]);
    assert_eq!(drag.told("XdndFinished")[1], 0);
    assert!(!drag.heard().contains(&"drop".to_owned()));
    drag.pointer_is_free();
}

#[test]
fn a_drop_while_the_button_is_held_is_none() {
    let mut drag = drag();
    let there = drag.aware();
    drag.enter(there, "XdndActionCopy");
    drag.until_heard("in");
    drag.accept(DndAction::Copy);
    drag.tell(there, "XdndDrop", [drag.window, 0, 0, 0, 0]);
    assert_eq!(drag.told("XdndFinished")[1], 0);
    drag.until_heard("out");
    assert!(!drag.heard().contains(&"drop".to_owned()));
}

#[test]
fn a_wayland_program_is_not_flooded_with_offers() {
    let mut drag = drag();
    let there = drag.aware();
    drag.enter(there, "XdndActionCopy");
    drag.until_heard("in");
    let actions = ["XdndActionMove", "XdndActionCopy"].map(|name| drag.world.atom(&drag.client, name));
    let position = drag.world.atom(&drag.client, "XdndPosition");
    for round in 0..500 {
        let data = [drag.window, 0, 0, 0, actions[round % 2]];
        let event = ClientMessageEvent::new(32, there, position, data);
        drag.client.conn.send_event(false, there, EventMask::NO_EVENT, event).unwrap();
    }
    drag.world.sync_x11(&drag.client);
    drag.world.settle();
    let offers = drag.heard().iter().filter(|heard| heard.starts_with("in")).count();
    assert_eq!(offers, 32);
    // the last one of them is as good as any
    let number = drag.target.client;
    drag.world.client(number).accept_drag_to("text/uri-list", DndAction::all(), DndAction::Copy);
    let status = drag.world.atom(&drag.client, "XdndStatus");
    drag.world.until_told(&mut drag.client, "it is wanted", |event| match event {
        Event::ClientMessage(it) if it.type_ == status => (it.data.as_data32()[1] & 1 == 1).then_some(()),
        _ => None,
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

/// A Wayland program that drags, and an X11 program beside it.
struct Onto {
    world: World,
    source: App,
    client: XClient,
    window: Window,
    /// The window that speaks for the Wayland program.
    drags: Window,
}

/// With a button held on the Wayland program, and the X11 program taking drops in this version of XDND.
fn onto(version: u32) -> Onto {
    let mut world = World::with_x11();
    world.start_extended_daemon();
    let source = app(&mut world, BLUE);
    let beside = Arrange { x: 100, width: 40, height: 40, ..Arrange::default() };
    world.daemon().conn.arrange(source.id, beside);
    let client = world.connect_x11();
    let window = client.window(rect(0, 0, 60, 40), RED);
    let aware = world.atom(&client, "XdndAware");
    client.set_words(window, aware, AtomEnum::ATOM, &[version]);
    world.map_x11(&client, window);
    let enter = CrossingInput { entered: true, x: 5, y: 6, state: 0, focus: false };
    world.daemon().conn.crossing(source.id, enter, &NO_KEYS);
    world.daemon().conn.button(source.id, ButtonInput { pressed: true, x: 5, y: 6, state: 0, button: 1 });
    world.settle();
    Onto { world, source, client, window, drags: 0 }
}

const KINDS: [&str; 2] = ["text/uri-list", "text/html"];

impl Onto {
    /// Drags these kinds over the X11 window. Returns what the window is told first.
    fn drag(&mut self, kinds: &[&str], actions: DndAction) -> [u32; 5] {
        let surface = self.source.surface();
        self.world.client(self.source.client).drag_to(kinds, &surface, actions);
        self.world.settle();
        self.move_to(7, 9);
        let told = self.told("XdndEnter");
        self.drags = told[0];
        told
    }

    /// Moves the pointer to a place of the screen.
    fn move_to(&mut self, x: i32, y: i32) {
        self.world.daemon().conn.motion(self.source.id, x - 100, y, 0x100);
        self.world.settle();
    }

    fn let_go(&mut self) {
        let release = ButtonInput { pressed: false, x: 7 - 100, y: 9, state: 0x100, button: 1 };
        self.world.daemon().conn.button(self.source.id, release);
        self.world.settle();
    }

    fn atom(&mut self, name: &'static str) -> Atom {
        self.world.atom(&self.client, name)
    }

    fn told(&mut self, kind: &'static str) -> [u32; 5] {
        let type_ = self.atom(kind);
        self.world.until_told(&mut self.client, kind, |event| match event {
            Event::ClientMessage(it) if it.type_ == type_ => Some(it.data.as_data32()),
            _ => None,
        })
    }

    /// All that the window has been told of drags and has not been asked about.
    fn all_told(&mut self) -> Vec<&'static str> {
        self.world.sync_x11(&self.client);
        self.world.settle();
        self.world.sync_x11(&self.client);
        while let Some(event) = self.client.conn.poll_for_event().unwrap() {
            self.client.events.push(event);
        }
        let names = ["XdndEnter", "XdndPosition", "XdndLeave", "XdndDrop"];
        let names = names.map(|name| (self.atom(name), name));
        let told = std::mem::take(&mut self.client.events);
        let type_of = |event: &Event| match event {
            Event::ClientMessage(it) => {
                names.iter().find(|(atom, _)| *atom == it.type_).map(|(_, name)| *name)
            }
            _ => None,
        };
        told.iter().filter_map(type_of).collect()
    }

    fn say(&mut self, kind: &'static str, data: [u32; 4]) {
        let (window, [a, b, c, d]) = (self.window, data);
        self.say_as(window, kind, [a, b, c, d]);
    }

    fn say_as(&mut self, window: Window, kind: &'static str, [a, b, c, d]: [u32; 4]) {
        let (drags, type_) = (self.drags, self.atom(kind));
        let event = ClientMessageEvent::new(32, drags, type_, [window, a, b, c, d]);
        self.client.conn.send_event(false, drags, EventMask::NO_EVENT, event).unwrap();
        self.client.conn.flush().unwrap();
    }

    /// The window would do this.
    fn would(&mut self, action: &'static str) {
        let action = self.atom(action);
        self.say("XdndStatus", [1, 0, 0, action]);
    }

    fn words(&mut self) -> Vec<String> {
        self.world.client(self.source.client).inbox.selections.source.clone()
    }

    fn until_source_hears(&mut self, word: &str) {
        let number = self.source.client;
        self.world.until(word, |world| {
            world.client(number).inbox.selections.source.last().is_some_and(|last| last == word)
        });
    }

    /// The window takes what was dropped, of which there is so much.
    fn take(&mut self, kind: &'static str, time: u32, content: &[u8]) -> Vec<u8> {
        let [selection, target, incr, property] =
            ["XdndSelection", kind, "INCR", "_HERE"].map(|name| self.atom(name));
        let (conn, window) = (self.client.conn.clone(), self.window);
        conn.convert_selection(window, selection, target, property, time).unwrap();
        conn.flush().unwrap();
        let number = self.source.client;
        self.world.until("a question", |world| !world.client(number).inbox.selections.asked.is_empty());
        let (wanted, mut pipe) = asked(&mut self.world, &self.source);
        assert_eq!(wanted, kind);
        let content = content.to_vec();
        // waits for the agent, which is in this thread
        thread::spawn(move || pipe.write_all(&content).unwrap());
        let given = self.world.until_told(&mut self.client, "it is handed over", |event| match event {
            Event::SelectionNotify(it) => Some(it.property),
            _ => None,
        });
        assert_eq!(given, property);
        let get = move || {
            conn.get_property(true, window, property, AtomEnum::ANY, 0, 1 << 24).unwrap().reply().unwrap()
        };
        let whole = self.world.beside(get.clone());
        if whole.type_ != incr {
            return whole.value;
        }
        let mut bytes = Vec::new();
        loop {
            self.world.until_told(&mut self.client, "a part", |event| match event {
                Event::PropertyNotify(it) => {
                    (it.atom == property && it.state == Property::NEW_VALUE).then_some(())
                }
                _ => None,
            });
            let part = self.world.beside(get.clone()).value;
            if part.is_empty() {
                return bytes;
            }
            bytes.extend(part);
        }
    }
}

#[test]
fn what_a_wayland_program_drops_an_x11_program_takes() {
    let mut onto = onto(5);
    let told = onto.drag(&KINDS, DndAction::Copy);
    let [list, html, copy] = ["text/uri-list", "text/html", "XdndActionCopy"].map(|name| onto.atom(name));
    assert_eq!(told, [onto.drags, 5 << 24, list, html, 0]);
    let position = onto.told("XdndPosition");
    assert_eq!((position[0], position[2], position[4]), (onto.drags, 7 << 16 | 9, copy));
    assert_ne!(position[3], 0, "a time by which it can be had");
    onto.would("XdndActionCopy");
    onto.until_source_hears("Copy");
    assert_eq!(onto.words(), ["for text/uri-list", "Copy"]);
    onto.let_go();
    let dropped = onto.told("XdndDrop");
    assert_eq!((dropped[0], dropped[2]), (onto.drags, position[3]));
    onto.until_source_hears("dropped");
    let content = b"file:///etc/motd\r\n";
    assert_eq!(onto.take("text/uri-list", dropped[2], content), content);
    onto.say("XdndFinished", [1, copy, 0, 0]);
    onto.until_source_hears("finished");
    assert_eq!(onto.words(), ["for text/uri-list", "Copy", "dropped", "finished"]);
    // and the pointer is anybody's again
    let (window, id) = onto.world.show_x11(&onto.client, rect(0, 60, 60, 40), RED);
    let enter = CrossingInput { entered: true, x: 3, y: 4, state: 0, focus: false };
    onto.world.daemon().conn.crossing(id, enter, &NO_KEYS);
    onto.world.daemon().conn.button(id, ButtonInput { pressed: true, x: 3, y: 4, state: 0, button: 2 });
    onto.world.until_told(&mut onto.client, "a click", |event| {
        matches!(event, Event::ButtonPress(it) if it.event == window && it.detail == 2).then_some(())
    });
}

#[test]
fn many_kinds_much_content_and_other_actions_go_to_x11_as_well() {
    let mut onto = onto(77);
    let told = onto.drag(&["text/uri-list", "text/plain;charset=utf-8"], DndAction::all());
    let [text, list] = ["UTF8_STRING", "XdndTypeList"].map(|name| onto.atom(name));
    assert_eq!(told[1], 5 << 24 | 1, "as both speak it, and more than these");
    let kinds = onto.world.words(&onto.client, onto.drags, list);
    assert_eq!(kinds[..3], told[2..]);
    assert!(kinds.contains(&text), "{kinds:?}");
    let actions = onto.atom("XdndActionList");
    let actions = onto.world.words(&onto.client, onto.drags, actions);
    let all = ["XdndActionCopy", "XdndActionMove", "XdndActionAsk"].map(|name| onto.atom(name));
    assert_eq!(actions, all);
    onto.told("XdndPosition");
    onto.would("XdndActionAsk");
    onto.until_source_hears("Ask");
    onto.let_go();
    let dropped = onto.told("XdndDrop");
    let content: Vec<u8> = (0..400_000u32).map(|number| number.to_le_bytes()[0]).collect();
    assert!(onto.take("text/uri-list", dropped[2], &content) == content);
    let moved = onto.atom("XdndActionMove");
    onto.say("XdndFinished", [1, moved, 0, 0]);
    onto.until_source_hears("finished");
    assert_eq!(onto.words(), ["for text/uri-list", "Ask", "dropped", "Move", "finished"]);
}

#[test]
fn a_slow_x11_program_hears_of_the_last_place_only() {
    let mut onto = onto(3);
    assert_eq!(onto.drag(&KINDS, DndAction::Move)[1], 3 << 24);
    onto.told("XdndPosition");
    (10..30).for_each(|x| onto.move_to(x, 9));
    assert!(onto.all_told().is_empty());
    onto.would("XdndActionMove");
    let position = onto.told("XdndPosition");
    assert_eq!(position[2], 29 << 16 | 9);
    // the answer about the last place counts, though the user has let go before it came
    onto.let_go();
    assert!(onto.all_told().is_empty());
    // another's is none
    let other = onto.client.root;
    onto.say_as(other, "XdndStatus", [0; 4]);
    onto.would("XdndActionMove");
    // there, which is where it has been let go
    assert_eq!(onto.told("XdndPosition")[2], 7 << 16 | 9);
    onto.would("XdndActionMove");
    onto.told("XdndDrop");
    // before version 5 it went without saying that it was taken
    onto.say("XdndFinished", [0; 4]);
    onto.until_source_hears("finished");
}

#[test]
fn what_an_x11_program_does_not_want_is_given_up() {
    let mut onto = onto(5);
    onto.drag(&KINDS, DndAction::Copy);
    onto.would("XdndActionCopy");
    onto.until_source_hears("Copy");
    onto.say("XdndStatus", [0; 4]);
    onto.until_source_hears("None");
    onto.let_go();
    assert_eq!(onto.all_told(), ["XdndPosition", "XdndLeave"]);
    assert_eq!(onto.words().last().unwrap(), "cancelled");
    let selection = onto.atom("XdndSelection");
    let conn = onto.client.conn.clone();
    let owner =
        onto.world.beside(move || conn.get_selection_owner(selection).unwrap().reply().unwrap().owner);
    assert_eq!(owner, 0);
}

#[test]
fn an_action_that_the_source_does_not_allow_is_none() {
    let mut onto = onto(5);
    onto.drag(&KINDS, DndAction::Copy);
    onto.would("XdndActionMove");
    onto.until_source_hears("None");
    // what nobody knows is taken for copying
    onto.would("XdndActionLink");
    onto.until_source_hears("Copy");
}

#[test]
fn an_x11_program_that_does_not_answer_keeps_nobody_from_going_on() {
    let mut onto = onto(5);
    onto.drag(&KINDS, DndAction::Copy);
    onto.let_go();
    onto.until_source_hears("cancelled");
    assert_eq!(onto.all_told(), ["XdndPosition", "XdndLeave"]);
    // too late
    onto.would("XdndActionCopy");
    onto.say("XdndFinished", [1, 0, 0, 0]);
    assert!(onto.all_told().is_empty());
    assert_eq!(onto.words(), ["cancelled"]);
}

#[test]
fn what_is_dragged_is_to_be_had_only_where_it_is() {
    let mut onto = onto(5);
    onto.drag(&KINDS, DndAction::Copy);
    onto.told("XdndPosition");
    // over the program itself
    onto.move_to(110, 9);
    assert_eq!(onto.all_told(), ["XdndLeave"]);
    assert_eq!(onto.world.client(onto.source.client).inbox.selections.drag.len(), 1);
    let [selection, list, here] = ["XdndSelection", "text/uri-list", "_HERE"].map(|name| onto.atom(name));
    onto.client.conn.convert_selection(onto.window, selection, list, here, 0u32).unwrap();
    onto.client.conn.flush().unwrap();
    let given = onto.world.until_told(&mut onto.client, "an answer", |event| match event {
        Event::SelectionNotify(it) => Some(it.property),
        _ => None,
    });
    assert_eq!(given, 0);
    // and back
    onto.move_to(8, 9);
    assert_eq!(onto.all_told(), ["XdndEnter", "XdndPosition"]);
    // the window goes, and another comes that takes nothing
    let window = onto.window;
    onto.client.conn.destroy_window(window).unwrap();
    onto.world.show_x11(&onto.client, rect(0, 0, 60, 40), RED);
    onto.move_to(9, 9);
    onto.let_go();
    assert_eq!(onto.words().last().unwrap(), "cancelled");
    assert!(onto.all_told().is_empty());
}

#[test]
fn what_was_dropped_is_lost_with_the_window_and_with_the_next_drag() {
    let mut onto = onto(5);
    onto.drag(&KINDS, DndAction::Copy);
    onto.would("XdndActionCopy");
    onto.let_go();
    onto.until_source_hears("dropped");
    let press = ButtonInput { pressed: true, x: 5, y: 6, state: 0, button: 1 };
    onto.world.daemon().conn.button(onto.source.id, press);
    onto.world.settle();
    onto.drag(&KINDS, DndAction::Copy);
    onto.until_source_hears("cancelled");
    onto.would("XdndActionCopy");
    onto.let_go();
    onto.until_source_hears("dropped");
    onto.client.conn.destroy_window(onto.window).unwrap();
    onto.client.conn.flush().unwrap();
    onto.until_source_hears("cancelled");
}

#[test]
fn answers_about_nothing_come_to_nothing() {
    let mut onto = onto(5);
    onto.drag(&KINDS, DndAction::Copy);
    onto.let_go();
    onto.until_source_hears("cancelled");
    for window in [onto.window, 0, u32::MAX, onto.drags] {
        for data in [[0; 4], [1; 4], [u32::MAX; 4]] {
            onto.say_as(window, "XdndStatus", data);
            onto.say_as(window, "XdndFinished", data);
            onto.say_as(window, "XdndDrop", data);
        }
    }
    onto.all_told();
    assert_eq!(onto.words(), ["cancelled"]);
    onto.world.show_x11(&onto.client, rect(0, 60, 60, 40), RED);
}

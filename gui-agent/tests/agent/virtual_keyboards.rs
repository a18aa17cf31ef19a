//! Keyboards that are programs, with keymaps of their own.

use std::os::fd::AsFd as _;

use gui_agent::Privilege;
use gui_protocol::{KeyInput, WindowId};
use transom_tests::client::{Buffer, Toplevel};
use wayland_protocols_misc::zwp_virtual_keyboard_v1::client::zwp_virtual_keyboard_v1::ZwpVirtualKeyboardV1;

use crate::{
    fixture::World,
    windows::{RED, window},
};

/// What a program makes that types a text of two letters.
const MADE_UP: &str = r#"xkb_keymap {
    xkb_keycodes { minimum = 8; maximum = 300; <K1> = 9; <K2> = 300; };
    xkb_types { include "complete" };
    xkb_compatibility { include "complete" };
    xkb_symbols { key <K1> { [ssharp] }; key <K2> { [EuroSign] }; };
};"#;

/// X11's number of the key that is 30 on Wayland.
const A: u32 = 38;

/// An application whose window has the keyboard, and a program that types.
struct Desk {
    world: World,
    app: usize,
    id: WindowId,
    typist: usize,
    keyboard: ZwpVirtualKeyboardV1,
    _window: (Toplevel, Buffer),
}

impl Desk {
    fn new(mut world: World) -> Self {
        let (app, toplevel, buffer, id) = window(&mut world, 64, 32, RED);
        let typist = world.connect_as(Privilege::InputMethod);
        let keyboard = world.client(typist).virtual_keyboard();
        world.client(typist).tell_keymap(&keyboard, MADE_UP);
        let mut desk = Self { world, app, id, typist, keyboard, _window: (toplevel, buffer) };
        desk.focus(id);
        desk
    }

    fn focus(&mut self, id: WindowId) {
        self.world.daemon().conn.focus(id, true, &[0; 32]);
        self.world.settle();
        self.world.client(self.app).take_input();
    }

    fn app_hears(&mut self) -> Vec<String> {
        self.world.settle();
        self.world.client(self.app).take_input()
    }

    /// Whether the application has been told the keymap that was made up, and not the usual one.
    fn has_made_up(&mut self) -> bool {
        self.world.settle();
        let keymap = &self.world.client(self.app).inbox.keymap;
        let (made_up, usual) = (keymap.contains("ssharp"), keymap.contains("<AC01>"));
        assert_ne!(made_up, usual);
        made_up
    }

    fn key(&mut self, pressed: bool) {
        let input = KeyInput { pressed, x: 0, y: 0, state: 0, keycode: A };
        self.world.daemon().conn.key(self.id, input);
        self.world.settle();
    }
}

#[test]
fn its_keys_come_with_its_keymap_and_others_with_theirs() {
    for world in [World::new(), World::extended()] {
        let mut desk = Desk::new(world);
        let (other, _others) = {
            let (other, toplevel, buffer, _) = window(&mut desk.world, 16, 16, RED);
            (other, (toplevel, buffer))
        };
        let usual = desk.world.client(other).inbox.keymap.clone();
        assert!(!desk.has_made_up(), "nothing has been typed");
        desk.keyboard.key(0, 1, 1);
        desk.keyboard.key(0, 1, 0);
        assert!(desk.has_made_up());
        assert_eq!(desk.app_hears(), ["modifiers 0x0 locked 0x0", "key 1 down", "key 1 up"]);
        // there is no such key; the last of the keymap is one
        desk.keyboard.key(0, 293, 1);
        desk.keyboard.key(0, u32::MAX, 1);
        desk.keyboard.key(0, 292, 1);
        desk.keyboard.key(0, 292, 0);
        assert_eq!(desk.app_hears(), ["key 292 down", "key 292 up"]);
        assert_eq!(desk.world.client(other).inbox.keymap, usual, "nobody types there");

        desk.key(true);
        assert!(!desk.has_made_up());
        assert_eq!(desk.app_hears(), ["modifiers 0x0 locked 0x0", "key 30 down"]);
        assert_eq!(desk.world.client(desk.app).inbox.keymap, usual);
        desk.keyboard.key(0, 1, 1);
        assert!(desk.has_made_up());
        assert_eq!(desk.app_hears(), ["modifiers 0x0 locked 0x0", "key 1 down"]);
        // what is held when it goes comes up
        desk.keyboard.destroy();
        assert_eq!(desk.app_hears(), ["key 1 up"]);
    }
}

#[test]
fn modifiers_are_told_to_the_one_who_is_typed_to() {
    let mut desk = Desk::new(World::extended());
    desk.world.daemon().conn.modifiers(gui_protocol::Modifiers { locked: 2, ..Default::default() });
    assert_eq!(desk.app_hears(), ["modifiers 0x0 locked 0x2"]);
    desk.keyboard.modifiers(4, 0, 0, 0);
    assert_eq!(desk.app_hears(), ["modifiers 0x4 locked 0x0"]);
    assert!(desk.has_made_up());
    desk.keyboard.key(0, 1, 1);
    desk.keyboard.key(0, 1, 0);
    assert_eq!(desk.app_hears(), ["key 1 down", "key 1 up"]);
    desk.key(true);
    assert_eq!(desk.app_hears(), ["modifiers 0x0 locked 0x2", "key 30 down"]);
    // it has let go meanwhile
    desk.keyboard.modifiers(0, 0, 0, 0);
    desk.world.daemon().conn.modifiers(gui_protocol::Modifiers::default());
    assert_eq!(desk.app_hears(), ["modifiers 0x0 locked 0x0", "modifiers 0x0 locked 0x0"]);
    assert!(!desk.has_made_up());
}

#[test]
fn a_window_that_loses_the_keyboard_has_the_usual_keymap_again() {
    let mut desk = Desk::new(World::extended());
    desk.keyboard.key(0, 1, 1);
    assert!(desk.has_made_up());
    let id = desk.id;
    desk.world.daemon().conn.focus(id, false, &[0; 32]);
    assert!(!desk.has_made_up());
    desk.app_hears();
    // nobody hears of a key that comes up elsewhere, or goes down nowhere
    desk.keyboard.key(0, 292, 1);
    desk.focus(id);
    desk.keyboard.key(0, 1, 0);
    desk.keyboard.key(0, 292, 0);
    assert_eq!(desk.app_hears(), [""; 0]);
    desk.keyboard.key(0, 1, 1);
    desk.keyboard.key(0, 1, 1);
    let repeated = ["modifiers 0x0 locked 0x0", "key 1 down", "key 1 up", "key 1 down"];
    assert_eq!(desk.app_hears(), repeated);
}

#[test]
fn keyboards_and_keymaps_that_come_meanwhile_are_right() {
    let mut desk = Desk::new(World::extended());
    desk.keyboard.key(0, 1, 1);
    assert!(desk.has_made_up());
    // all keyboards of a client have one keymap
    desk.world.client(desk.app).keyboard();
    assert!(!desk.has_made_up());
    desk.keyboard.key(0, 1, 0);
    assert!(desk.has_made_up());
    let usual = desk.world.client(desk.typist).inbox.keymap.clone();
    assert!(desk.world.daemon().conn.keymap(&usual));
    assert!(!desk.has_made_up(), "told again, although it is the same");
    desk.keyboard.key(0, 1, 1);
    assert!(desk.has_made_up());
    desk.world.client(desk.typist).tell_keymap(&desk.keyboard, &MADE_UP.replace("ssharp", "udiaeresis"));
    desk.keyboard.key(0, 1, 0);
    desk.world.settle();
    assert!(desk.world.client(desk.app).inbox.keymap.contains("udiaeresis"));
}

#[test]
fn what_is_no_keymap_ends_the_typist_alone() {
    let file = tempfile::tempfile().unwrap();
    file.set_len(64).unwrap();
    let (pipe, _writer) = std::io::pipe().unwrap();
    let bad: [(&str, u32, std::os::fd::BorrowedFd<'_>, u32); 5] = [
        ("no format", 0, file.as_fd(), 64),
        ("empty", 1, file.as_fd(), 0),
        ("a file that is shorter", 1, file.as_fd(), 65),
        ("too large", 1, file.as_fd(), u32::MAX),
        ("a pipe", 1, pipe.as_fd(), 1),
    ];
    for (what, format, fd, size) in bad {
        let mut desk = Desk::new(World::new());
        desk.keyboard.keymap(format, fd, size);
        desk.world.settle();
        assert!(desk.world.client(desk.typist).error.is_some(), "{what}");
        desk.key(true);
        assert_eq!(desk.app_hears(), ["key 30 down"], "{what}");
    }
    let mut desk = Desk::new(World::new());
    desk.world.client(desk.typist).tell_keymap(&desk.keyboard, "xkb_keymap { nonsense };");
    desk.world.settle();
    assert!(desk.world.client(desk.typist).error.is_some());
    let early: [fn(&ZwpVirtualKeyboardV1); 2] =
        [|keyboard| keyboard.key(0, 1, 1), |keyboard| keyboard.modifiers(1, 0, 0, 0)];
    for request in early {
        let mut desk = Desk::new(World::new());
        let second = desk.world.client(desk.typist).virtual_keyboard();
        request(&second);
        desk.world.settle();
        assert!(desk.world.client(desk.typist).error.is_some(), "without a keymap");
    }
}

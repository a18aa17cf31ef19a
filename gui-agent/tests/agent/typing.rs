//! Text fields and the input method that writes into them.

use gui_agent::Privilege;
use gui_protocol::{Arrange, KeyInput, Modifiers, WindowId};
use transom_tests::client::{Toplevel, show};
use wayland_protocols::wp::text_input::zv3::client::zwp_text_input_v3::{
    ChangeCause, ContentHint, ContentPurpose, ZwpTextInputV3,
};
use wayland_protocols_misc::{
    zwp_input_method_v2::client::zwp_input_method_v2::ZwpInputMethodV2,
    zwp_virtual_keyboard_v1::client::zwp_virtual_keyboard_v1::ZwpVirtualKeyboardV1,
};

use crate::{
    fixture::World,
    windows::{BLUE, GREEN, LETTERS, RED, window},
};

/// An application whose window has the keyboard, with a text field in it, and an input method.
struct Desk {
    world: World,
    app: usize,
    _toplevel: Toplevel,
    id: WindowId,
    field: ZwpTextInputV3,
    ime: usize,
    method: ZwpInputMethodV2,
    _buffer: transom_tests::client::Buffer,
}

impl Desk {
    fn new(mut world: World) -> Self {
        let (app, toplevel, buffer, id) = window(&mut world, 64, 32, RED);
        let field = world.client(app).text_input();
        let ime = world.connect_as(Privilege::InputMethod);
        let method = world.client(ime).input_method();
        world.daemon().conn.focus(id, true, &[0; 32]);
        world.settle();
        // it has a keyboard as any client does
        world.client(ime).take_input();
        let mut desk = Self { world, app, _toplevel: toplevel, id, field, ime, method, _buffer: buffer };
        assert!(desk.app_hears().contains(&"text in".into()));
        desk
    }

    fn app_hears(&mut self) -> Vec<String> {
        self.world.settle();
        self.world.client(self.app).take_input()
    }

    fn ime_hears(&mut self) -> Vec<String> {
        self.world.settle();
        self.world.client(self.ime).take_input()
    }

    fn enable(&mut self) {
        self.field.enable();
        self.field.set_cursor_rectangle(10, 4, 2, 12);
        self.field.commit();
        assert_eq!(self.ime_hears(), ["activate", "done"]);
    }

    /// The input method takes the keymap that it was told for its keyboard's.
    fn give_back_by(&mut self, keyboard: &ZwpVirtualKeyboardV1) {
        self.world.settle();
        let keymap = self.world.client(self.ime).inbox.keymap.clone();
        self.world.client(self.ime).tell_keymap(keyboard, &keymap);
    }

    fn key(&mut self, keycode: u32, pressed: bool) {
        let input = KeyInput { pressed, x: 0, y: 0, state: 0, keycode };
        self.world.daemon().conn.key(self.id, input);
        self.world.settle();
    }
}

#[test]
fn an_input_method_writes_into_the_field_that_is_used() {
    let mut desk = Desk::new(World::new());
    desk.field.enable();
    desk.field.set_surrounding_text("Straße".into(), 4, 7);
    desk.field.set_text_change_cause(ChangeCause::Other);
    desk.field.set_content_type(ContentHint::Multiline, ContentPurpose::Email);
    assert_eq!(desk.ime_hears(), [""; 0], "not before it is committed");
    desk.field.commit();
    assert_eq!(desk.ime_hears(), ["activate", "around Straße 4 7", "cause 1", "content 512 6", "done"]);

    desk.method.set_preedit_string("ni".into(), 0, 2);
    desk.method.commit(1);
    assert_eq!(desk.app_hears(), ["preedit ni 0 2", "done 1"]);
    desk.method.delete_surrounding_text(2, 1);
    desk.method.commit_string("你".into());
    desk.method.commit(1);
    assert_eq!(desk.app_hears(), ["delete 2 1", "text 你", "done 1"]);

    desk.field.set_surrounding_text("你".into(), 3, 3);
    desk.field.commit();
    assert_eq!(desk.ime_hears(), ["around 你 3 3", "done"]);
    desk.field.disable();
    desk.field.commit();
    assert_eq!(desk.ime_hears(), ["deactivate", "done"]);
    desk.method.commit_string("late".into());
    desk.method.commit(3);
    assert_eq!(desk.app_hears(), [""; 0]);
}

#[test]
fn what_was_written_for_another_field_is_dropped() {
    let mut desk = Desk::new(World::new());
    desk.enable();
    desk.field.disable();
    desk.field.commit();
    desk.field.enable();
    desk.field.commit();
    // it has heard of the first only
    desk.method.commit_string("secret".into());
    desk.method.commit(1);
    assert_eq!(desk.app_hears(), [""; 0]);
    desk.method.commit_string("text".into());
    desk.method.commit(3);
    assert_eq!(desk.app_hears(), ["text text", "done 3"]);
}

#[test]
fn a_field_goes_with_the_keyboard() {
    let mut desk = Desk::new(World::new());
    desk.enable();
    let id = desk.id;
    desk.world.daemon().conn.focus(id, false, &[0; 32]);
    assert_eq!(desk.ime_hears(), ["deactivate", "done"]);
    assert!(desk.app_hears().contains(&"text out".into()));
    desk.field.enable();
    desk.field.commit();
    assert_eq!(desk.ime_hears(), [""; 0], "nobody types there");
    // the same when its client goes
    desk.world.daemon().conn.focus(id, true, &[0; 32]);
    desk.world.settle();
    desk.field.enable();
    desk.field.commit();
    assert_eq!(desk.ime_hears(), ["activate", "done"]);
    desk.world.clients.remove(desk.app);
    desk.ime -= 1;
    assert_eq!(desk.ime_hears(), ["deactivate", "done"]);
}

#[test]
fn keys_go_to_the_input_method_and_come_back_by_its_keyboard() {
    for world in [World::new(), World::extended()] {
        let mut desk = Desk::new(world);
        let _grab = desk.world.client(desk.ime).grab_keyboard(&desk.method);
        let keyboard = desk.world.client(desk.ime).virtual_keyboard();
        desk.give_back_by(&keyboard);
        assert_eq!(desk.ime_hears(), ["grabbed modifiers 0x0"]);
        assert!(desk.world.client(desk.ime).inbox.keymap.contains("xkb_symbols"));
        // no field is active: it is not asked
        desk.key(38, true);
        assert_eq!(desk.app_hears().last().unwrap(), "key 30 down");
        desk.enable();
        desk.key(38, false);
        assert_eq!(desk.app_hears(), ["key 30 up"], "a key comes up where it went down");
        desk.key(39, true);
        desk.key(39, false);
        assert_eq!(desk.ime_hears(), ["grabbed 31 down", "grabbed 31 up"]);
        assert_eq!(desk.app_hears(), [""; 0]);
        keyboard.key(0, 31, 1);
        keyboard.key(0, 31, 0);
        keyboard.key(0, u32::MAX, 1);
        assert_eq!(desk.app_hears(), ["key 31 down", "key 31 up"]);
        // what it holds when the field is left comes up for it
        desk.key(40, true);
        desk.field.disable();
        desk.field.commit();
        desk.key(40, false);
        let heard = desk.ime_hears();
        assert_eq!(heard, ["grabbed 32 down", "deactivate", "done", "grabbed 32 up"]);
        assert_eq!(desk.app_hears(), ["modifiers 0x0 locked 0x0"], "which come by themselves again");
    }
}

#[test]
fn modifiers_come_to_the_window_with_the_keys_that_are_given_back() {
    const SHIFT: Modifiers = Modifiers { depressed: 1, latched: 0, locked: 0, group: 0 };
    const NONE: Modifiers = Modifiers { depressed: 0, ..SHIFT };
    let mut desk = Desk::new(World::extended());
    let grab = desk.world.client(desk.ime).grab_keyboard(&desk.method);
    assert_eq!(desk.ime_hears(), ["grabbed modifiers 0x0"]);
    desk.enable();
    // without a keyboard of its own, it can say nothing of them
    desk.world.daemon().conn.modifiers(SHIFT);
    assert_eq!(desk.app_hears(), ["modifiers 0x1 locked 0x0"]);
    desk.world.daemon().conn.modifiers(NONE);
    assert_eq!(desk.app_hears(), ["modifiers 0x0 locked 0x0"]);

    let keyboard = desk.world.client(desk.ime).virtual_keyboard();
    desk.give_back_by(&keyboard);
    desk.world.settle();
    desk.ime_hears();
    // shift is up again before the letter comes back
    desk.world.daemon().conn.modifiers(SHIFT);
    desk.key(39, true);
    desk.key(39, false);
    desk.world.daemon().conn.modifiers(NONE);
    assert_eq!(
        desk.ime_hears(),
        ["grabbed modifiers 0x1", "grabbed 31 down", "grabbed 31 up", "grabbed modifiers 0x0"]
    );
    assert_eq!(desk.app_hears(), [""; 0]);
    keyboard.modifiers(1, 0, 0, 0);
    keyboard.key(0, 31, 1);
    keyboard.key(0, 31, 0);
    keyboard.modifiers(0, 0, 0, 0);
    assert_eq!(
        desk.app_hears(),
        ["modifiers 0x1 locked 0x0", "key 31 down", "key 31 up", "modifiers 0x0 locked 0x0"]
    );

    // what holds is told when keys come by themselves again, and then by nobody else
    desk.world.daemon().conn.modifiers(SHIFT);
    assert_eq!(desk.app_hears(), [""; 0]);
    desk.field.disable();
    desk.field.commit();
    assert_eq!(desk.app_hears(), ["modifiers 0x1 locked 0x0"]);
    keyboard.modifiers(2, 0, 0, 0);
    desk.world.settle();
    assert_eq!(desk.app_hears(), [""; 0]);
    desk.field.enable();
    desk.field.commit();
    desk.world.settle();
    desk.world.daemon().conn.modifiers(NONE);
    assert_eq!(desk.app_hears(), [""; 0]);
    grab.release();
    desk.world.settle();
    assert_eq!(desk.app_hears(), ["modifiers 0x0 locked 0x0"]);
    let _grab = desk.world.client(desk.ime).grab_keyboard(&desk.method);
    desk.world.settle();
    desk.world.daemon().conn.modifiers(SHIFT);
    assert_eq!(desk.app_hears(), [""; 0]);
    keyboard.destroy();
    desk.world.settle();
    assert_eq!(desk.app_hears(), ["modifiers 0x1 locked 0x0"]);
}

#[test]
fn a_field_works_again_when_the_input_method_has_gone_and_come() {
    let mut desk = Desk::new(World::new());
    desk.enable();
    let _grab = desk.world.client(desk.ime).grab_keyboard(&desk.method);
    desk.key(39, true);
    desk.world.clients.remove(desk.ime);
    desk.world.settle();
    desk.key(40, true);
    assert_eq!(desk.app_hears(), ["key 32 down"]);
    desk.ime = desk.world.connect_as(Privilege::InputMethod);
    desk.method = desk.world.client(desk.ime).input_method();
    assert_eq!(desk.ime_hears(), ["repeats 0", "activate", "done"]);
    let second = desk.world.client(desk.ime).input_method();
    assert_eq!(desk.ime_hears(), ["unavailable"], "there is one");
    second.commit_string("x".into());
    second.commit(1);
    second.destroy();
    desk.method.commit_string("y".into());
    desk.method.commit(1);
    assert_eq!(desk.app_hears(), ["text y", "done 1"]);
}

#[test]
fn candidates_are_shown_at_the_cursor() {
    for extended in [false, true] {
        let mut desk = Desk::new(if extended { World::extended() } else { World::new() });
        let surface = desk.world.client(desk.ime).surface();
        let popup = desk.world.client(desk.ime).input_popup(&desk.method, &surface);
        let buffer = desk.world.client(desk.ime).buffer(32, 16, GREEN);
        show(&surface, &buffer);
        desk.world.settle();
        assert_eq!(desk.world.daemon().windows.len(), 1, "there is no field");
        desk.enable_with_popup();
        let id = desk.world.daemon().newest();
        assert_ne!(id, desk.id);
        let parent = desk.id;
        let seen = desk.world.daemon().seen(id);
        assert!(seen.mapped && seen.override_redirect);
        assert_eq!(desk.world.daemon().image(id).grid(16, &LETTERS), "GG");
        if extended {
            let (on, token, positioner) = desk.world.daemon().seen(id).popup.unwrap();
            assert_eq!((on, positioner.anchor_rect), (parent, gui_protocol::Rect::new(10, 4, 2, 12)));
            let place = Arrange { x: 10, y: 16, token, ..Arrange::default() };
            let serial = desk.world.daemon().conn.arrange(id, place);
            desk.world.settle();
            let named = desk.world.daemon().seen(id).commits.last().unwrap().configure;
            assert_eq!(named, serial, "it agrees to where it is put");
        } else {
            let at = desk.world.daemon().seen(id).geometry;
            let window = desk.world.daemon().seen(parent).geometry;
            assert_eq!((at.x - window.x, at.y - window.y), (10, 16));
        }
        // it changes, follows the cursor, and goes with the field
        let buffer = desk.world.client(desk.ime).buffer(32, 16, BLUE);
        show(&surface, &buffer);
        desk.field.set_cursor_rectangle(20, 4, 2, 12);
        desk.field.commit();
        assert_eq!(desk.ime_hears(), ["cursor 0 -12 2 12", "done"]);
        assert_eq!(desk.world.daemon().image(id).grid(16, &LETTERS), "BB");
        desk.field.disable();
        desk.field.commit();
        desk.world.settle();
        assert_eq!(desk.world.daemon().windows.len(), 1);
        popup.destroy();
        desk.world.settle();
        assert_eq!(desk.world.client(desk.ime).error, None);
    }
}

impl Desk {
    fn enable_with_popup(&mut self) {
        self.field.enable();
        self.field.set_cursor_rectangle(10, 4, 2, 12);
        self.field.commit();
        assert!(self.ime_hears().contains(&"cursor 0 -12 2 12".into()));
    }
}

#[test]
fn absurd_texts_and_places_are_borne() {
    let mut desk = Desk::new(World::extended());
    desk.field.enable();
    desk.field.set_surrounding_text("ß".into(), 1, 0);
    desk.field.set_surrounding_text("ß".into(), -1, i32::MAX);
    desk.field.set_cursor_rectangle(i32::MIN, i32::MAX, i32::MIN, i32::MAX);
    desk.field.commit();
    assert_eq!(desk.ime_hears(), ["activate", "done"], "a cursor in the middle of a letter is nowhere");
    assert_eq!(desk.world.client(desk.app).error, None);
}

#[test]
fn an_input_method_keeps_the_rules() {
    let mut desk = Desk::new(World::new());
    let keyboard = desk.world.client(desk.ime).virtual_keyboard();
    keyboard.key(0, 30, 1);
    desk.world.settle();
    assert!(desk.world.client(desk.ime).error.is_some(), "a keyboard without a keymap");
    let mut desk = Desk::new(World::new());
    let toplevel = desk.world.client(desk.ime).toplevel();
    desk.world.client(desk.ime).input_popup(&desk.method, &toplevel.surface);
    desk.world.settle();
    assert!(desk.world.client(desk.ime).error.is_some(), "a surface with another role");
    desk.enable_alone();
}

impl Desk {
    /// Without an input method, nothing happens.
    fn enable_alone(&mut self) {
        self.field.enable();
        self.field.commit();
        assert_eq!(self.app_hears(), [""; 0]);
        assert_eq!(self.world.client(self.app).error, None);
    }
}

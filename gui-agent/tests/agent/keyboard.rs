//! The keyboard at level 1: the GUI domain's keymap, its modifiers and layouts.

use gui_protocol::{KeyInput, Modifiers, WindowId};

use crate::{
    fixture::World,
    windows::{RED, window},
};

/// Two layouts: the second is Dvorak.
const TWO_LAYOUTS: &str = r#"xkb_keymap {
    xkb_keycodes { include "evdev+aliases(qwerty)" };
    xkb_types { include "complete" };
    xkb_compat { include "complete" };
    xkb_symbols { include "pc+us+us(dvorak):2+inet(evdev)" };
};"#;

fn focus(world: &mut World, id: WindowId) {
    world.daemon().conn.focus(id, true, &[0; 32]);
    world.settle();
}

fn modifiers(world: &mut World, depressed: u32, latched: u32, locked: u32, group: u32) {
    world.daemon().conn.modifiers(Modifiers { depressed, latched, locked, group });
    world.settle();
}

#[test]
fn the_keymap_is_the_gui_domains() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, _) = window(&mut world, 64, 64, RED);
    let own = world.client(client).inbox.keymap.clone();
    assert!(!own.contains("Dvorak") && own.contains("xkb_keymap"));
    assert!(world.daemon().conn.keymap(TWO_LAYOUTS));
    world.settle();
    assert!(world.client(client).inbox.keymap.contains("Dvorak"), "told to those who have a keyboard");
    let (late, ..) = window(&mut world, 64, 64, RED);
    assert!(world.client(late).inbox.keymap.contains("Dvorak"), "and to those who come later");
    assert!(world.client(client).take_input().contains(&"repeats 0".into()));

    // one that cannot be used changes nothing
    world.daemon().conn.keymap("no keymap at all");
    world.settle();
    assert!(world.client(client).inbox.keymap.contains("Dvorak"));

    // a daemon that has none leaves the agent its own
    world.daemon = None;
    world.settle();
    world.start_daemon();
    assert_eq!(world.client(client).inbox.keymap, own);
}

#[test]
fn modifiers_and_layout_are_told_exactly() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    world.daemon().conn.keymap(TWO_LAYOUTS);
    modifiers(&mut world, 0, 0, 2, 1);
    world.client(client).take_input();
    focus(&mut world, id);
    assert_eq!(world.client(client).take_input(), ["keyboard in", "modifiers 0x0 locked 0x2"]);
    assert_eq!(world.client(client).inbox.latched_and_layout, (0, 1));
    modifiers(&mut world, 0x40, 1, 0x10, 0);
    assert_eq!(world.client(client).take_input(), ["modifiers 0x40 locked 0x10"]);
    assert_eq!(world.client(client).inbox.latched_and_layout, (1, 0));
    // another keymap, with a key held, says nothing else about modifiers
    world.daemon().conn.key(id, KeyInput { pressed: true, x: 0, y: 0, state: 0, keycode: 50 });
    world.daemon().conn.keymap(&TWO_LAYOUTS.replace("dvorak", "intl"));
    world.settle();
    assert!(!world.client(client).inbox.keymap.contains("Dvorak"));
    assert_eq!(world.client(client).take_input(), ["key 42 down", "modifiers 0x40 locked 0x10"]);
    assert_eq!(world.client(client).inbox.latched_and_layout, (1, 0));
}

#[test]
fn a_modifiers_key_is_told_and_then_what_it_does_once() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    modifiers(&mut world, 0, 0, 0, 0);
    focus(&mut world, id);
    world.client(client).take_input();
    let shift = 50;
    for (pressed, state, depressed) in [(true, 0, 1), (false, 1, 0)] {
        world.daemon().conn.key(id, KeyInput { pressed, x: 0, y: 0, state, keycode: shift });
        modifiers(&mut world, depressed, 0, 0, 0);
    }
    let expected = ["key 42 down", "modifiers 0x1 locked 0x0", "key 42 up", "modifiers 0x0 locked 0x0"];
    assert_eq!(world.client(client).take_input(), expected);
}

#[test]
fn state_masks_mean_nothing_beside_exact_modifiers() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    modifiers(&mut world, 0, 0, 0, 0);
    focus(&mut world, id);
    world.client(client).take_input();
    let a = 38;
    for pressed in [true, false] {
        world.daemon().conn.key(id, KeyInput { pressed, x: 0, y: 0, state: 0xff, keycode: a });
    }
    world.settle();
    assert_eq!(world.client(client).take_input(), ["key 30 down", "key 30 up"]);
}

#[test]
fn a_keyboard_made_late_is_told_the_same() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    modifiers(&mut world, 1, 4, 2, 3);
    focus(&mut world, id);
    world.client(client).keyboard();
    world.settle();
    let input = world.client(client).take_input();
    assert_eq!(input.last().unwrap(), "modifiers 0x1 locked 0x2");
    assert_eq!(world.client(client).inbox.latched_and_layout, (4, 3));
}

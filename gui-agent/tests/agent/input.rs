//! Input: X11's numbers on one side, Wayland's on the other.

use gui_protocol::{ButtonInput, CrossingInput, Cursor, KeyInput, WindowId};
use transom_tests::client::show;
use wayland_protocols::wp::cursor_shape::v1::client::wp_cursor_shape_device_v1::Shape;

use crate::{
    fixture::World,
    windows::{BLUE, RED, another_window, window},
};

const NONE: [u8; 32] = [0; 32];
const SHIFT: u32 = 1;
const LOCK: u32 = 2;
const CONTROL: u32 = 4;

/// X keycode of the key A. Wayland counts from the kernel's 0, 8 less.
const A: u32 = 38;

fn focus(world: &mut World, id: WindowId) {
    world.daemon().conn.focus(id, true, &NONE);
    world.settle();
}

fn key(world: &mut World, id: WindowId, keycode: u32, pressed: bool, state: u32) {
    world.daemon().conn.key(id, KeyInput { pressed, x: 0, y: 0, state, keycode });
    world.settle();
}

fn enter(world: &mut World, id: WindowId, x: i32, y: i32, has_focus: bool) {
    let input = CrossingInput { entered: true, x, y, state: 0, focus: has_focus };
    world.daemon().conn.crossing(id, input, &NONE);
    world.settle();
}

#[test]
fn keys_reach_the_window_with_the_focus() {
    let mut world = World::new();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    assert_eq!(world.client(client).take_input(), ["repeats 0"], "the GUI domain repeats keys");
    focus(&mut world, id);
    assert_eq!(world.client(client).take_input(), ["keyboard in", "modifiers 0x0 locked 0x0"]);
    let activated = wayland_protocols::xdg::shell::client::xdg_toplevel::State::Activated as u32;
    assert_eq!(world.client(client).states(&toplevel), [activated]);
    key(&mut world, id, A, true, 0);
    key(&mut world, id, A, false, 0);
    assert_eq!(world.client(client).take_input(), ["key 30 down", "key 30 up"]);

    world.daemon().conn.focus(id, false, &NONE);
    world.settle();
    assert_eq!(world.client(client).take_input(), ["keyboard out"]);
    assert_eq!(world.client(client).states(&toplevel), []);
}

#[test]
fn a_repeat_is_a_key_of_its_own() {
    let mut world = World::new();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    focus(&mut world, id);
    world.client(client).take_input();
    key(&mut world, id, A, true, 0);
    key(&mut world, id, A, true, 0);
    key(&mut world, id, A, false, 0);
    key(&mut world, id, A, false, 0);
    let expected = ["key 30 down", "key 30 up", "key 30 down", "key 30 up"];
    assert_eq!(world.client(client).take_input(), expected);
}

#[test]
fn modifiers_are_what_the_gui_domain_says() {
    let mut world = World::new();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    focus(&mut world, id);
    world.client(client).take_input();
    // Control went down elsewhere, and capitals were locked there
    key(&mut world, id, A, true, CONTROL | LOCK);
    assert_eq!(world.client(client).take_input(), ["modifiers 0x4 locked 0x2", "key 30 down"]);
    key(&mut world, id, A, false, SHIFT);
    assert_eq!(world.client(client).take_input(), ["modifiers 0x1 locked 0x0", "key 30 up"]);
    // a modifier that comes over the wire as a key needs no correction
    key(&mut world, id, A, true, 0);
    world.client(client).take_input();
    let shift_key = 50;
    key(&mut world, id, shift_key, true, 0);
    assert_eq!(world.client(client).take_input(), ["key 42 down", "modifiers 0x1 locked 0x0"]);
    key(&mut world, id, A, false, SHIFT);
    assert_eq!(world.client(client).take_input(), ["key 30 up"]);
    key(&mut world, id, shift_key, false, SHIFT);
    assert_eq!(world.client(client).take_input(), ["key 42 up", "modifiers 0x0 locked 0x0"]);
}

#[test]
fn keys_that_came_up_elsewhere_are_released() {
    let mut world = World::new();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    focus(&mut world, id);
    key(&mut world, id, A, true, 0);
    key(&mut world, id, A + 1, true, 0);
    world.client(client).take_input();
    let mut held = NONE;
    held[(A / 8) as usize] = 1 << (A % 8);
    world.daemon().conn.focus(id, true, &held);
    world.settle();
    assert_eq!(world.client(client).take_input(), ["key 31 up"]);
}

#[test]
fn absurd_keys_are_nobodys() {
    let mut world = World::new();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    focus(&mut world, id);
    world.client(client).take_input();
    for keycode in [0, 7, 256, u32::MAX] {
        key(&mut world, id, keycode, true, !0xff);
    }
    assert_eq!(world.client(client).take_input(), Vec::<String>::new());
}

#[test]
fn the_pointer_is_where_the_gui_domain_says() {
    let mut world = World::new();
    let (client, toplevel, buffer, id) = window(&mut world, 64, 64, RED);
    // a shadow: the window begins 10 pixels into the surface
    toplevel.xdg_surface.set_window_geometry(10, 10, 54, 54);
    show(&toplevel.surface, &buffer);
    world.settle();
    world.client(client).take_input();
    enter(&mut world, id, 3, 4, false);
    world.daemon().conn.motion(id, 5, 6, 0);
    world.settle();
    let left = CrossingInput { entered: false, x: -1, y: 6, state: 0, focus: false };
    world.daemon().conn.crossing(id, left, &NONE);
    world.settle();
    let input = world.client(client).take_input();
    assert_eq!(input, ["pointer in 13 14", "pointer 15 16", "pointer out"]);
}

#[test]
fn the_pointer_enters_subsurfaces() {
    let mut world = World::new();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    let (child, subsurface) = world.client(client).subsurface(&toplevel.surface);
    subsurface.set_position(32, 32);
    let child_buffer = world.client(client).buffer(16, 16, BLUE);
    show(&child, &child_buffer);
    toplevel.surface.commit();
    world.settle();
    world.client(client).take_input();
    enter(&mut world, id, 1, 1, false);
    world.daemon().conn.motion(id, 40, 41, 0);
    world.settle();
    assert_eq!(world.client(client).take_input(), ["pointer in 1 1", "pointer out", "pointer in 8 9"]);
}

#[test]
fn buttons_and_wheels() {
    let mut world = World::new();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    enter(&mut world, id, 1, 1, false);
    world.client(client).take_input();
    for button in 1..=9 {
        for pressed in [true, false] {
            world.daemon().conn.button(id, ButtonInput { pressed, x: 1, y: 1, state: 0, button });
        }
    }
    world.settle();
    let mut input = world.client(client).take_input();
    input.retain(|it| !it.starts_with("pointer"));
    let expected = [
        "button 0x110 down",
        "button 0x110 up",
        "button 0x112 down",
        "button 0x112 up",
        "button 0x111 down",
        "button 0x111 up",
        "wheel 0 -120",
        "wheel 0 120",
        "wheel 1 -120",
        "wheel 1 120",
        "button 0x113 down",
        "button 0x113 up",
        "button 0x114 down",
        "button 0x114 up",
    ];
    assert_eq!(input, expected);
}

#[test]
fn a_crossing_may_be_all_there_is_about_focus() {
    let mut world = World::new();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    world.client(client).take_input();
    enter(&mut world, id, 1, 1, true);
    assert!(world.client(client).take_input().contains(&"keyboard in".into()));
}

#[test]
fn focus_moves_between_windows() {
    let mut world = World::new();
    let (client, _toplevel, _buffer, first) = window(&mut world, 64, 64, RED);
    let (_, _second_buffer, second) = another_window(&mut world, client, 32, 32, BLUE);
    focus(&mut world, first);
    world.client(client).take_input();
    focus(&mut world, second);
    let moved = ["keyboard out", "keyboard in", "modifiers 0x0 locked 0x0"];
    assert_eq!(world.client(client).take_input(), moved);
    // late news of the first window changes nothing
    world.daemon().conn.focus(first, false, &NONE);
    world.settle();
    assert_eq!(world.client(client).take_input(), Vec::<String>::new());
}

#[test]
fn a_named_cursor_becomes_a_glyph() {
    let mut world = World::new();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    enter(&mut world, id, 1, 1, false);
    let shapes = world.client(client).cursor_shapes();
    shapes.set_shape(world.client(client).inbox.serial, Shape::Text);
    world.settle();
    assert_eq!(world.daemon().seen(id).cursor, Cursor::XFont(152));
}

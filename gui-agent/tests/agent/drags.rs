//! What Wayland applications drag to each other.

use std::io::Write as _;

use gui_protocol::{Arrange, ButtonInput, CrossingInput, Fixed, Touch, TouchKind};
use wayland_client::protocol::wl_data_device_manager::DndAction;

use crate::{
    clipboard::{App, app, asked, focus},
    fixture::World,
    windows::{BLUE, RED},
};

/// Two applications, the second below the pointer with what the first drags, to do any of this with it.
fn dragged(actions: DndAction) -> (World, App, App) {
    let mut world = World::extended();
    let (from, to) = (app(&mut world, RED), app(&mut world, BLUE));
    let entered = CrossingInput { entered: true, x: 1, y: 1, state: 0, focus: false };
    world.daemon().conn.crossing(from.id, entered, &[0; 32]);
    world.daemon().conn.button(from.id, ButtonInput { pressed: true, x: 1, y: 1, state: 0, button: 1 });
    world.settle();
    world.client(from.client).drag_to(&["text/plain"], &from.surface(), actions);
    world.settle();
    world.daemon().conn.motion(to.id, 7, 9, 0x100);
    world.settle();
    (world, from, to)
}

fn let_go(world: &mut World, over: &App) {
    let release = ButtonInput { pressed: false, x: 7, y: 9, state: 0x100, button: 1 };
    world.daemon().conn.button(over.id, release);
    world.settle();
}

fn words(world: &mut World, app: &App) -> Vec<String> {
    std::mem::take(&mut world.client(app.client).inbox.selections.source)
}

fn heard(world: &mut World, app: &App) -> Vec<String> {
    std::mem::take(&mut world.client(app.client).inbox.selections.drag)
}

#[test]
fn a_drag_goes_to_the_window_below_the_pointer_though_the_button_was_pressed_on_another() {
    let mut world = World::extended();
    let (from, to) = (app(&mut world, RED), app(&mut world, BLUE));
    for (id, x) in [(from.id, 0), (to.id, 30)] {
        let arrange = Arrange { x, width: 40, height: 40, ..Arrange::default() };
        world.daemon().conn.arrange(id, arrange);
    }
    world.settle();
    let surface = from.surface();
    focus(&mut world, &from);
    let entered = CrossingInput { entered: true, x: 1, y: 1, state: 0, focus: false };
    world.daemon().conn.crossing(from.id, entered, &[0; 32]);
    world.daemon().conn.button(from.id, ButtonInput { pressed: true, x: 1, y: 1, state: 0, button: 1 });
    world.settle();
    world.client(from.client).drag(&["text/plain"], &surface);
    world.settle();
    // both are there
    world.daemon().conn.motion(from.id, 35, 9, 0x100);
    world.settle();
    assert!(world.client(to.client).inbox.selections.drag.is_empty());
    world.daemon().conn.motion(from.id, 60, 9, 0x100);
    world.settle();
    assert_eq!(world.client(to.client).inbox.selections.drag, ["in 30 9: text/plain"]);
    world.client(to.client).accept_drag("text/plain");
    world.settle();
    world.daemon().conn.button(from.id, ButtonInput { pressed: false, x: 60, y: 9, state: 0x100, button: 1 });
    world.settle();
    let drag = &world.client(to.client).inbox.selections.drag;
    assert_eq!(drag[drag.len() - 2..], ["drop", "out"], "{drag:?}");
    // it is over
    world.daemon().conn.motion(from.id, 61, 9, 0);
    world.settle();
    assert_eq!(world.client(to.client).inbox.selections.drag.last().unwrap(), "out");
}

#[test]
fn something_is_dragged_to_another_application() {
    let mut world = World::extended();
    let (from, to) = (app(&mut world, RED), app(&mut world, BLUE));
    let surface = from.surface();
    let entered = CrossingInput { entered: true, x: 1, y: 1, state: 0, focus: false };
    world.daemon().conn.crossing(from.id, entered, &[0; 32]);
    world.daemon().conn.button(from.id, ButtonInput { pressed: true, x: 1, y: 1, state: 0, button: 1 });
    world.settle();
    world.client(from.client).drag(&["text/uri-list"], &surface);
    world.settle();
    world.daemon().conn.motion(to.id, 7, 9, 0x100);
    world.settle();
    assert_eq!(world.client(to.client).inbox.selections.drag, ["in 7 9: text/uri-list"]);
    world.client(to.client).accept_drag("text/uri-list");
    world.settle();
    world.daemon().conn.button(to.id, ButtonInput { pressed: false, x: 7, y: 9, state: 0x100, button: 1 });
    world.settle();
    let drag = &world.client(to.client).inbox.selections.drag;
    assert_eq!(drag[drag.len() - 2..], ["drop", "out"], "{drag:?}");
    let mut dropped = world.client(to.client).take_dropped("text/uri-list");
    world.settle();
    asked(&mut world, &from).1.write_all(b"file:///etc/motd").unwrap();
    assert!(dropped.is_whole());
    assert_eq!(dropped.bytes, b"file:///etc/motd");
    world.client(to.client).finish_drag();
    world.settle();
    let words = &world.client(from.client).inbox.selections.source;
    assert_eq!(words, &["for text/uri-list", "Copy", "dropped", "finished"]);
}

#[test]
fn the_target_says_what_is_done_and_may_change_its_mind() {
    let (mut world, from, to) = dragged(DndAction::Copy | DndAction::Move);
    let client = world.client(to.client);
    client.accept_drag_to("text/plain", DndAction::Copy | DndAction::Move, DndAction::Move);
    client.accept_drag_to("text/plain", DndAction::Copy | DndAction::Ask, DndAction::Ask);
    client.refuse_drag();
    world.settle();
    assert_eq!(words(&mut world, &from), ["for text/plain", "Move", "for text/plain", "Copy", "for none"]);
    // over none, and back
    world.daemon().conn.motion(to.id, 1000, 9, 0x100);
    world.settle();
    world.daemon().conn.motion(to.id, 8, 9, 0x100);
    world.settle();
    assert_eq!(words(&mut world, &from), ["for none", "None"]);
    assert_eq!(heard(&mut world, &to), ["in 7 9: text/plain", "Move", "Copy", "out", "in 8 9: text/plain"]);
    let_go(&mut world, &to);
    assert_eq!(heard(&mut world, &to), ["at 7 9", "out"], "it has not said that it wants it");
    assert_eq!(words(&mut world, &from), ["cancelled"]);
}

#[test]
fn what_the_user_is_asked_when_it_is_dropped_the_source_hears_at_the_end() {
    let (mut world, from, to) = dragged(DndAction::Copy | DndAction::Move | DndAction::Ask);
    world.client(to.client).accept_drag_to("text/plain", DndAction::all(), DndAction::Ask);
    world.settle();
    let_go(&mut world, &to);
    assert_eq!(words(&mut world, &from), ["for text/plain", "Ask", "dropped"]);
    world.client(to.client).accept_drag_to("text/plain", DndAction::Move, DndAction::Move);
    world.client(to.client).finish_drag();
    world.settle();
    assert_eq!(words(&mut world, &from), ["Move", "finished"]);

    // or does not want it after all
    let (mut world, from, to) = dragged(DndAction::Copy);
    world.client(to.client).accept_drag("text/plain");
    world.settle();
    let_go(&mut world, &to);
    world.client(to.client).forget_drag();
    world.settle();
    assert_eq!(words(&mut world, &from), ["for text/plain", "Copy", "dropped", "cancelled"]);
}

#[test]
fn nobody_drags_with_a_button_held_on_another() {
    let mut world = World::extended();
    let (pressed, other) = (app(&mut world, RED), app(&mut world, BLUE));
    let entered = CrossingInput { entered: true, x: 1, y: 1, state: 0, focus: false };
    world.daemon().conn.crossing(pressed.id, entered, &[0; 32]);
    world.daemon().conn.button(pressed.id, ButtonInput { pressed: true, x: 1, y: 1, state: 0, button: 1 });
    world.settle();
    world.client(other.client).inbox.serial = world.client(pressed.client).inbox.serial;
    world.client(other.client).drag(&["text/plain"], &other.surface());
    world.settle();
    assert_eq!(words(&mut world, &other), ["cancelled"]);
}

#[test]
fn a_drag_goes_with_its_source() {
    let mut world = World::extended();
    let (from, to) = (app(&mut world, RED), app(&mut world, BLUE));
    let entered = CrossingInput { entered: true, x: 1, y: 1, state: 0, focus: false };
    world.daemon().conn.crossing(from.id, entered, &[0; 32]);
    world.daemon().conn.button(from.id, ButtonInput { pressed: true, x: 1, y: 1, state: 0, button: 1 });
    world.settle();
    let source = world.client(from.client).drag(&["text/plain"], &from.surface());
    world.settle();
    world.daemon().conn.motion(to.id, 7, 9, 0x100);
    world.settle();
    source.destroy();
    world.settle();
    world.daemon().conn.motion(to.id, 8, 9, 0x100);
    world.settle();
    assert_eq!(heard(&mut world, &to), ["in 7 9: text/plain", "out"]);
    // a second one needs a button that is held
    world.client(from.client).drag(&["text/plain"], &from.surface());
    let_go(&mut world, &to);
    assert_eq!(words(&mut world, &from), ["cancelled"]);
}

#[test]
fn what_is_finished_before_it_is_dropped_is_an_error() {
    let (mut world, from, to) = dragged(DndAction::Copy);
    world.client(to.client).accept_drag("text/plain");
    world.client(to.client).finish_drag();
    world.settle();
    assert!(world.client(to.client).error.is_some());
    let_go(&mut world, &from);
    assert_eq!(words(&mut world, &from).last().unwrap(), "cancelled");
}

#[test]
fn a_drag_without_a_source_is_its_applications_own() {
    let mut world = World::extended();
    let (from, to) = (app(&mut world, RED), app(&mut world, BLUE));
    let entered = CrossingInput { entered: true, x: 1, y: 1, state: 0, focus: false };
    world.daemon().conn.crossing(from.id, entered, &[0; 32]);
    world.daemon().conn.button(from.id, ButtonInput { pressed: true, x: 1, y: 1, state: 0, button: 1 });
    world.settle();
    world.client(from.client).drag_within(&from.surface());
    world.settle();
    world.daemon().conn.motion(to.id, 7, 9, 0x100);
    world.daemon().conn.motion(from.id, 3, 4, 0x100);
    world.settle();
    world.daemon().conn.motion(from.id, 4, 4, 0x100);
    world.settle();
    let_go(&mut world, &from);
    assert!(heard(&mut world, &to).is_empty());
    assert_eq!(heard(&mut world, &from), ["in 3 4: ", "at 4 4", "at 7 9", "drop", "out"]);
}

#[test]
fn a_finger_drags() {
    let mut world = World::extended();
    let (from, to) = (app(&mut world, RED), app(&mut world, BLUE));
    let beside = Arrange { x: 60, width: 40, height: 40, ..Arrange::default() };
    world.daemon().conn.arrange(to.id, beside);
    world.settle();
    world.client(from.client).touch();
    world.settle();
    let touch = |world: &mut World, kind, x: i32| {
        let touch = Touch { kind, id: 3, x: Fixed(x * 256), y: Fixed(9 * 256), time_ms: 1 };
        world.daemon().conn.touch(from.id, touch);
        world.settle();
    };
    touch(&mut world, TouchKind::Down, 5);
    touch(&mut world, TouchKind::Frame, 0);
    world.client(from.client).drag(&["text/plain"], &from.surface());
    world.settle();
    touch(&mut world, TouchKind::Motion, 70);
    touch(&mut world, TouchKind::Motion, 71);
    world.client(to.client).accept_drag("text/plain");
    world.settle();
    touch(&mut world, TouchKind::Up, 71);
    assert_eq!(heard(&mut world, &to), ["in 10 9: text/plain", "at 11 9", "Copy", "drop", "out"]);
    assert_eq!(words(&mut world, &from), ["for text/plain", "Copy", "dropped"]);
    // and touches again
    world.client(from.client).take_input();
    touch(&mut world, TouchKind::Down, 6);
    touch(&mut world, TouchKind::Frame, 0);
    assert_eq!(world.client(from.client).take_input(), ["finger 3 down 6 9", "fingers"]);
}

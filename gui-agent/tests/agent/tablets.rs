//! Graphics tablets at level 1.

use gui_protocol::{CursorLook, Fixed, PointerNeeds, Tool, ToolAxes, ToolKind, ToolState, WindowId};
use transom_tests::client::show;
use wayland_protocols::wp::cursor_shape::v1::client::wp_cursor_shape_device_v1::Shape;

use crate::{
    fixture::World,
    windows::{BLUE, GREEN, RED, another_window, window},
};

/// A pen that hovers upright at 10, 20 of a window.
const PEN: Tool = Tool {
    kind: ToolKind::Pen,
    axes: ToolAxes::PRESSURE.union(ToolAxes::TILT),
    state: ToolState::NEAR,
    x: Fixed(10 * 256),
    y: Fixed(20 * 256),
    pressure: 0,
    distance: 0,
    tilt_x: Fixed(0),
    tilt_y: Fixed(0),
    rotation: Fixed(0),
    slider: 0,
    wheel: Fixed(0),
    clicks: 0,
    time_ms: 1,
};
const DOWN: ToolState = ToolState::NEAR.union(ToolState::TIP);
const AWAY: Tool = Tool { state: ToolState::empty(), ..PEN };

fn at(x: i32, y: i32, state: ToolState) -> Tool {
    Tool { x: Fixed(x * 256), y: Fixed(y * 256), state, ..PEN }
}

/// What a client hears of this.
fn told(world: &mut World, client: usize, id: WindowId, tools: &[Tool]) -> Vec<String> {
    world.client(client).take_input();
    for tool in tools {
        assert!(world.daemon().conn.tablet(id, *tool));
    }
    world.settle();
    world.client(client).take_input()
}

#[test]
fn a_client_that_listens_gets_all_that_a_tool_tells() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    assert_eq!(world.daemon().seen(id).needs, PointerNeeds::empty());
    world.client(client).tablets();
    world.settle();
    assert_eq!(world.daemon().seen(id).needs, PointerNeeds::TABLETS);
    let airbrush = Tool {
        kind: ToolKind::Airbrush,
        axes: ToolAxes::all(),
        distance: 300,
        tilt_x: Fixed(-30 * 256),
        rotation: Fixed(90 * 256),
        slider: -65535,
        ..PEN
    };
    let moved = Tool {
        state: DOWN,
        x: Fixed(10 * 256 + 128),
        pressure: 40000,
        distance: 0,
        tilt_y: Fixed(45 * 256),
        wheel: Fixed(-15 * 256),
        clicks: -1,
        ..airbrush
    };
    let turned = Tool { state: DOWN | ToolState::STYLUS, wheel: Fixed(0), clicks: 0, ..moved };
    let lifted = Tool { state: ToolState::NEAR, pressure: 0, ..turned };
    let away = Tool { state: ToolState::empty(), ..lifted };
    let expected = [
        "tool in, at 10 20",
        "at 10 20, pressure 0, distance 300, tilt -30 0, slider -65535, rotation 90",
        "at 10.5 20, pressure 40000, distance 0, tilt -30 45, wheel -15 -1",
        "tip down",
        "at 10.5 20",
        "button 0x14b pressed",
        "at 10.5 20, pressure 0",
        "tip up",
        "button 0x14b released",
        "tool out",
    ];
    assert_eq!(told(&mut world, client, id, &[airbrush, moved, turned, lifted, away]), expected);
    let known = ["airbrush", "serial 0 0", "pressure", "distance", "tilt", "slider", "rotation", "wheel"];
    assert_eq!(world.client(client).inbox.tools.known[0].1, known);
}

#[test]
fn there_is_a_tool_of_each_sort_and_none_twice() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    world.client(client).tablets();
    world.settle();
    let eraser = Tool { kind: ToolKind::Eraser, ..PEN };
    // the other end of the pen, without a word that the first has gone
    let heard = told(&mut world, client, id, &[PEN, eraser, PEN, AWAY]);
    let ins = heard.iter().filter(|it| it.starts_with("tool in")).count();
    let outs = heard.iter().filter(|it| *it == "tool out").count();
    assert_eq!((ins, outs), (3, 3), "{heard:?}");
    let sorts = |world: &mut World, client: usize| -> Vec<String> {
        world.client(client).inbox.tools.known.iter().map(|(_, known)| known[0].clone()).collect()
    };
    assert_eq!(sorts(&mut world, client), ["pen", "eraser"]);
    // those who come later are told of both
    let (later, _toplevel, _buffer, _) = window(&mut world, 64, 64, RED);
    world.client(later).tablets();
    world.settle();
    let mut known = sorts(&mut world, later);
    known.sort();
    assert_eq!(known, ["eraser", "pen"]);
}

#[test]
fn what_is_held_stays_with_its_surface() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    let (child, subsurface) = world.client(client).subsurface(&toplevel.surface);
    subsurface.set_position(32, 0);
    let buffer = world.client(client).buffer(32, 64, BLUE);
    show(&child, &buffer);
    toplevel.surface.commit();
    world.client(client).tablets();
    world.settle();
    let stroke =
        [at(10, 20, DOWN), at(40, 20, DOWN), at(40, 20, ToolState::NEAR), at(41, 20, ToolState::NEAR)];
    let expected = [
        "tool in, at 10 20",
        "at 10 20, pressure 0, tilt 0 0",
        "tip down",
        "at 40 20",
        "at 40 20",
        "tip up",
        "tool out",
        "tool in, at 9 20",
        "at 9 20, pressure 0, tilt 0 0",
    ];
    assert_eq!(told(&mut world, client, id, &stroke), expected);
    // a surface that goes under the tool takes nothing along, and the stroke goes nowhere else
    assert_eq!(told(&mut world, client, id, &[at(41, 20, DOWN)]), ["at 9 20", "tip down"]);
    subsurface.destroy();
    child.destroy();
    world.settle();
    assert_eq!(told(&mut world, client, id, &[at(42, 20, DOWN)]), [""; 0]);
    let heard = told(&mut world, client, id, &[at(42, 20, ToolState::NEAR), at(43, 20, ToolState::NEAR)]);
    assert_eq!(heard, ["tool in, at 43 20", "at 43 20, pressure 0, tilt 0 0"]);
}

#[test]
fn a_tool_has_the_cursor_that_its_client_sets() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    world.client(client).tablets();
    world.settle();
    told(&mut world, client, id, &[PEN]);
    let surface = world.client(client).surface();
    let buffer = world.client(client).buffer(24, 16, GREEN);
    let serial = world.client(client).inbox.serial;
    let tool = world.client(client).inbox.tools.known[0].0.clone();
    tool.set_cursor(serial, Some(&surface), i32::MAX, i32::MIN);
    show(&surface, &buffer);
    world.settle();
    let CursorLook::Image(cursor) = &world.daemon().seen(id).look else { panic!("no picture") };
    assert_eq!((cursor.image.width, cursor.hot_x, cursor.hot_y), (24, 23, 0));
    tool.set_cursor(serial, None, 0, 0);
    world.settle();
    assert_eq!(world.daemon().seen(id).look, CursorLook::Hidden);
    let shapes = world.client(client).cursor_shapes_of(&tool);
    shapes.set_shape(serial, Shape::Crosshair);
    world.settle();
    assert_eq!(world.daemon().seen(id).look, CursorLook::Shape(Shape::Crosshair as u32));
    // away, it has no say any more
    told(&mut world, client, id, &[AWAY]);
    tool.set_cursor(serial, None, 0, 0);
    world.settle();
    assert_eq!(world.daemon().seen(id).look, CursorLook::Shape(Shape::Crosshair as u32));

    // what is a window already is no cursor: this client is ended, and nobody else
    let (other, _toplevel, _buffer, other_id) = window(&mut world, 64, 64, RED);
    world.client(other).tablets();
    world.settle();
    told(&mut world, client, id, &[PEN]);
    tool.set_cursor(serial, Some(&toplevel.surface), 0, 0);
    world.settle();
    assert!(world.client(client).error.is_some());
    assert!(!world.daemon().windows.contains_key(&id));
    assert_eq!(told(&mut world, other, other_id, &[PEN])[0], "tool in, at 10 20");
}

#[test]
fn a_tool_leaves_with_the_window_and_with_the_daemon() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, first) = window(&mut world, 64, 64, RED);
    let (toplevel, _second_buffer, second) = another_window(&mut world, client, 64, 64, BLUE);
    let seat = world.client(client).tablets();
    world.settle();
    told(&mut world, client, second, &[at(5, 5, DOWN)]);
    world.client(client).take_input();
    toplevel.toplevel.destroy();
    toplevel.xdg_surface.destroy();
    world.settle();
    assert_eq!(world.client(client).take_input(), ["tip up", "tool out"]);
    told(&mut world, client, first, &[at(5, 5, DOWN | ToolState::STYLUS_2)]);
    world.daemon = None;
    world.settle();
    let heard = world.client(client).take_input();
    assert_eq!(heard[..3], ["button 0x14c released", "tip up", "tool out"], "{heard:?}");
    world.start_extended_daemon();
    world.settle();
    let seen = world.daemon().windows.values().map(|seen| seen.needs).collect::<Vec<_>>();
    assert_eq!(seen, [PointerNeeds::TABLETS], "the next one is told who listens");
    seat.destroy();
    world.settle();
    let seen = world.daemon().windows.values().map(|seen| seen.needs).collect::<Vec<_>>();
    assert_eq!(seen, [PointerNeeds::empty()]);
}

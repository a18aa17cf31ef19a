//! A pen on a graphics tablet: who hears of it, and what it does where nobody does.

use gui_daemon::{
    backend::{BackendEvent, Tool},
    shell::geom::Point,
};
use gui_protocol::{ToolAxes, ToolKind, ToolState};

use crate::fixture::{App, Dom0, Personal, Who, Work, World};

const HOVERS: ToolState = ToolState::NEAR;
const TOUCHES: ToolState = ToolState::NEAR.union(ToolState::TIP);

fn pen(world: &mut World, x: i32, y: i32, state: ToolState) {
    let tool = Tool::at(ToolKind::Pen, state, x.into(), y.into());
    let pressure = if state.contains(ToolState::TIP) { 0.5 } else { 0.0 };
    let tool = Tool { axes: ToolAxes::PRESSURE, pressure, ..tool };
    world.event(|time_ms| BackendEvent::Tablet(tool, time_ms));
}

fn away(world: &mut World) {
    pen(world, 0, 0, ToolState::empty());
}

fn heard(world: &mut World, app: &App) -> Vec<String> {
    world.client(app.client).take_input()
}

/// An application that listens to tablets, with nothing in its inbox.
fn artist(world: &mut World, who: Who, x: i32, y: i32) -> App {
    let app = world.app(who, 200, 150);
    world.client(app.client).tablets();
    world.put(app.id, x, y);
    world.motion(790, 590);
    heard(world, &app);
    app
}

#[test]
fn a_pen_is_heard_of_by_the_window_under_it_alone() {
    let mut world = World::new();
    let work = artist(&mut world, Work, 400, 100);
    let personal = artist(&mut world, Personal, 50, 100);
    heard(&mut world, &work);
    let content = world.content(work.id);
    pen(&mut world, content.x + 5, content.y + 6, HOVERS);
    assert_eq!(heard(&mut world, &work), ["tool in, at 5 6", "at 5 6, pressure 0"]);
    assert_eq!(world.focused(), Some(personal.id));
    pen(&mut world, content.x + 5, content.y + 6, TOUCHES);
    assert_eq!(world.focused(), Some(work.id), "the tip does what a click does");
    let mut input = heard(&mut world, &work);
    // the keyboard comes along
    input.retain(|it| it.starts_with("at") || it.starts_with("tip") || it.starts_with("tool"));
    assert_eq!(input, ["at 5 6, pressure 32768", "tip down"]);
    heard(&mut world, &personal);

    // a stroke stays with its window, over another's too
    let other = world.content(personal.id);
    pen(&mut world, other.x + 9, other.y + 9, TOUCHES);
    let there = format!("at {} {}", other.x + 9 - content.x, other.y + 9 - content.y);
    assert_eq!(heard(&mut world, &work), std::slice::from_ref(&there));
    assert_eq!(heard(&mut world, &personal), [""; 0]);
    pen(&mut world, other.x + 9, other.y + 9, HOVERS);
    assert_eq!(heard(&mut world, &work), [format!("{there}, pressure 0"), "tip up".into()]);
    assert_eq!(heard(&mut world, &personal), [""; 0]);
    pen(&mut world, other.x + 9, other.y + 9, HOVERS);
    assert_eq!(heard(&mut world, &work), ["tool out"]);
    assert_eq!(heard(&mut world, &personal), ["tool in, at 9 9", "at 9 9, pressure 0"]);
    away(&mut world);
    assert_eq!(heard(&mut world, &work), [""; 0]);
    let input = heard(&mut world, &personal);
    assert_eq!(input[..2], ["tool out", "pointer in 9 9"], "{input:?}");
    let known = ["pen", "serial 0 0", "pressure"];
    assert_eq!(world.client(personal.client).inbox.tools.known[0].1, known);
}

/// What a pen's stroke from 5, 6 to 20, 21 of a window's content does there.
fn stroke(world: &mut World, app: &App) -> Vec<String> {
    world.motion(790, 590);
    world.focus(app.id);
    heard(world, app);
    let content = world.content(app.id);
    pen(world, content.x + 5, content.y + 6, HOVERS);
    pen(world, content.x + 5, content.y + 6, TOUCHES | ToolState::STYLUS);
    pen(world, content.x + 20, content.y + 21, TOUCHES);
    pen(world, content.x + 20, content.y + 21, HOVERS);
    away(world);
    let mut input = heard(world, app);
    input.dedup();
    input
}

#[test]
fn where_nobody_listens_to_tablets_a_pen_is_the_pointer() {
    for (mut world, owners) in [(World::new(), [Personal, Dom0]), (World::of_1_8(), [Personal, Dom0])] {
        for who in owners {
            let app = world.app(who, 200, 150);
            if who == Personal && world.policy.contains("1.8") {
                // it would, but its agent's protocol has no tablets
                world.client(app.client).tablets();
            }
            world.put(app.id, 100, 100);
            let input = stroke(&mut world, &app);
            for part in [
                "pointer in 5 6",
                "button 0x110 down",
                "button 0x111 down",
                "pointer 20 21",
                "button 0x111 up",
                "button 0x110 up",
            ] {
                assert!(input.iter().any(|it| it == part), "{who:?}, {part}: {input:?}");
            }
            assert!(!input.iter().any(|it| it.contains("tool")), "{input:?}");
        }
    }
}

#[test]
fn a_pen_on_a_title_moves_the_window() {
    let mut world = World::new();
    let app = artist(&mut world, Personal, 100, 100);
    let frame = world.frame(app.id);
    pen(&mut world, frame.x + 60, frame.y + 12, HOVERS);
    pen(&mut world, frame.x + 60, frame.y + 12, TOUCHES);
    // over its own content on the way, which hears nothing of it
    pen(&mut world, frame.x + 110, frame.y + 100, TOUCHES);
    pen(&mut world, frame.x + 160, frame.y + 42, TOUCHES);
    assert!(!heard(&mut world, &app).iter().any(|it| it.contains("tool")));
    pen(&mut world, frame.x + 160, frame.y + 42, HOVERS);
    assert_eq!(world.frame(app.id).origin(), frame.origin().plus(Point::new(100, 30)));
    pen(&mut world, 5, 5, HOVERS);
    assert_eq!(world.frame(app.id).x, frame.x + 100, "the tip is up");
}

#[test]
fn a_window_that_asks_to_be_moved_by_the_pen_is() {
    let mut world = World::new();
    let app = artist(&mut world, Personal, 100, 100);
    let (frame, content) = (world.frame(app.id), world.content(app.id));
    pen(&mut world, content.x + 50, content.y + 50, TOUCHES);
    heard(&mut world, &app);
    world.client(app.client).move_by_input(&app.toplevel);
    world.settle();
    pen(&mut world, content.x + 60, content.y + 70, TOUCHES);
    assert_eq!(heard(&mut world, &app)[..2], ["tip up", "tool out"]);
    assert_eq!(world.frame(app.id).origin(), frame.origin().plus(Point::new(10, 20)));
    pen(&mut world, content.x + 60, content.y + 70, HOVERS);
    pen(&mut world, 400, 400, HOVERS);
    assert_eq!(world.frame(app.id).origin(), frame.origin().plus(Point::new(10, 20)));
}

#[test]
fn the_mouse_takes_the_pointer_from_a_pen_that_rests() {
    let mut world = World::new();
    let app = artist(&mut world, Personal, 100, 100);
    let content = world.content(app.id);
    pen(&mut world, content.x + 5, content.y + 6, HOVERS);
    heard(&mut world, &app);
    world.motion(content.x + 7, content.y + 8);
    let input = heard(&mut world, &app);
    assert_eq!(input[0], "tool out");
    assert_eq!(input.last().unwrap(), "pointer 7 8");
    // but not while it draws
    pen(&mut world, content.x + 5, content.y + 6, TOUCHES);
    heard(&mut world, &app);
    world.motion(400, 500);
    pen(&mut world, content.x + 6, content.y + 6, TOUCHES);
    assert_eq!(heard(&mut world, &app), ["at 6 6"]);
}

#[test]
fn a_window_that_goes_under_a_pen_takes_nothing_with_it() {
    let mut world = World::new();
    let below = artist(&mut world, Work, 100, 100);
    let app = artist(&mut world, Personal, 100, 100);
    heard(&mut world, &below);
    let content = world.content(app.id);
    pen(&mut world, content.x + 5, content.y + 6, TOUCHES);
    world.drop_client(app.client);
    pen(&mut world, content.x + 9, content.y + 9, TOUCHES);
    let input = heard(&mut world, &below);
    assert!(!input.iter().any(|it| it.contains("tool") || it.contains("button")), "{input:?}");
    pen(&mut world, content.x + 9, content.y + 9, HOVERS);
    pen(&mut world, content.x + 9, content.y + 9, HOVERS);
    let input = heard(&mut world, &below);
    assert!(!input.iter().any(|it| it.contains("button")), "{input:?}");
    assert!(input.contains(&"tool in, at 9 9".to_owned()), "{input:?}");
}

//! What devices tell besides keys and buttons: scrolling in detail, touch, gestures, motion, locks; and the layouts.

use gui_daemon::{
    backend::{AxisSource, BackendEvent, Gesture, Touch},
    shell::geom::{Point, Rect},
};
use wayland_protocols::wp::pointer_constraints::zv1::client::zwp_pointer_constraints_v1::Lifetime;

use crate::fixture::{App, Dom0, Personal, World, code, screen::frame_colour};

/// A window of dom0 with the pointer at 50, 50 of its content, and nothing in its inbox.
fn pointed_at(world: &mut World) -> App {
    let app = world.app(Dom0, 200, 150);
    world.put(app.id, 100, 100);
    let content = world.content(app.id);
    world.motion(content.x + 50, content.y + 50);
    world.client(app.client).take_input();
    app
}

fn heard(world: &mut World, app: &App) -> Vec<String> {
    world.client(app.client).take_input()
}

#[test]
fn scrolling_arrives_in_all_its_detail() {
    let mut world = World::new();
    let app = pointed_at(&mut world);
    world.wheel(0.0, 0.25);
    world.event(|time_ms| {
        let source = AxisSource::Finger;
        BackendEvent::PointerAxis { dx: 1.5, dy: -2.5, v120: None, source, time_ms }
    });
    world.event(|time_ms| BackendEvent::PointerAxisStop { horizontal: true, vertical: true, time_ms });
    let scrolls = std::mem::take(&mut world.client(app.client).inbox.scrolls);
    assert_eq!(scrolls[0], "source 0, steps 0 30, axis 0 3.75");
    assert_eq!(scrolls[1], "source 1, axis 1 1.5, axis 0 -2.5");
    assert_eq!(scrolls[2], "source 1, stop 1, stop 0");
}

#[test]
fn gestures_arrive() {
    let mut world = World::new();
    let app = pointed_at(&mut world);
    let _gestures = world.client(app.client).gestures();
    world.settle();
    for gesture in [
        Gesture::SwipeBegin { fingers: 3 },
        Gesture::SwipeUpdate { dx: 1.0, dy: -2.0 },
        Gesture::SwipeEnd { cancelled: false },
        Gesture::PinchBegin { fingers: 2 },
        Gesture::PinchUpdate { dx: 0.0, dy: 0.5, scale: 1.25, rotation: -5.0 },
        Gesture::PinchEnd { cancelled: true },
        Gesture::HoldBegin { fingers: 4 },
        Gesture::HoldEnd { cancelled: false },
    ] {
        world.event(|time_ms| BackendEvent::Gesture(gesture, time_ms));
    }
    let expected = [
        "swipe of 3",
        "swipe 1 -2",
        "swipe over 0",
        "pinch of 2",
        "pinch 0 0.5 by 1.25 turned -5",
        "pinch over 1",
        "hold of 4",
        "hold over 0",
    ];
    assert_eq!(heard(&mut world, &app), expected);
}

fn touch(world: &mut World, touch: Touch) {
    world.event(|time_ms| BackendEvent::Touch(touch, time_ms));
    world.event(|time_ms| BackendEvent::Touch(Touch::Frame, time_ms));
}

fn down(world: &mut World, slot: u32, x: i32, y: i32) {
    touch(world, Touch::Down { slot, x: x.into(), y: y.into() });
}

fn drag(world: &mut World, slot: u32, x: i32, y: i32) {
    touch(world, Touch::Motion { slot, x: x.into(), y: y.into() });
}

#[test]
fn a_finger_belongs_to_the_window_it_went_down_on() {
    let mut world = World::new();
    let app = pointed_at(&mut world);
    let other = world.app(Dom0, 100, 100);
    world.put(other.id, 500, 100);
    for app in [&app, &other] {
        world.client(app.client).touch();
    }
    world.settle();
    let content = world.content(app.id);
    heard(&mut world, &app);
    down(&mut world, 0, content.x + 5, content.y + 6);
    assert_eq!(world.focused(), Some(app.id), "a touch focuses as a click does");
    down(&mut world, 1, content.x + 20, content.y + 21);
    drag(&mut world, 0, 560, 150);
    touch(&mut world, Touch::Up { slot: 0 });
    touch(&mut world, Touch::Up { slot: 1 });
    let mut input = heard(&mut world, &app);
    input.retain(|it| it.starts_with("finger"));
    let away = format!("finger 0 {} {}", 560 - content.x, 150 - content.y);
    let expected = [
        "finger 0 down 5 6",
        "fingers",
        "finger 1 down 20 21",
        "fingers",
        &away,
        "fingers",
        "finger 0 up",
        "fingers",
        "finger 1 up",
        "fingers",
    ];
    assert_eq!(input, expected);
    assert!(!heard(&mut world, &other).iter().any(|it| it.starts_with("finger")));

    down(&mut world, 0, content.x + 5, content.y + 6);
    heard(&mut world, &app);
    touch(&mut world, Touch::Cancel);
    assert_eq!(heard(&mut world, &app).last().unwrap(), "fingers cancelled");
    touch(&mut world, Touch::Up { slot: 0 });
    assert_eq!(heard(&mut world, &app), [""; 0]);
}

#[test]
fn a_finger_on_a_title_moves_the_window() {
    let mut world = World::new();
    let app = pointed_at(&mut world);
    let frame = world.frame(app.id);
    down(&mut world, 3, frame.x + 60, frame.y + 12);
    drag(&mut world, 3, frame.x + 160, frame.y + 42);
    touch(&mut world, Touch::Up { slot: 3 });
    assert_eq!(world.frame(app.id).origin(), frame.origin().plus(Point::new(100, 30)));
    drag(&mut world, 3, 5, 5);
    assert_eq!(world.frame(app.id).x, frame.x + 100, "the finger is gone");
}

#[test]
fn a_window_that_goes_under_a_finger_takes_nothing_with_it() {
    let mut world = World::new();
    let app = pointed_at(&mut world);
    let other = world.app(Dom0, 100, 100);
    world.put(other.id, 500, 100);
    let content = world.content(app.id);
    down(&mut world, 0, content.x + 5, content.y + 6);
    world.drop_client(app.client);
    drag(&mut world, 0, 550, 150);
    touch(&mut world, Touch::Up { slot: 0 });
    world.client(other.client).touch();
    world.settle();
    heard(&mut world, &other);
    let content = world.content(other.id);
    down(&mut world, 0, content.x + 1, content.y + 2);
    assert!(heard(&mut world, &other).contains(&"finger 0 down 1 2".to_owned()));
}

fn relative(world: &mut World, dx: f64, dy: f64) {
    world.event(|_| BackendEvent::PointerRelative { dx, dy, dx_raw: dx * 2.0, dy_raw: dy * 2.0, time_us: 1 });
}

/// Whether the frame of a window says that its pointer is held.
fn says_so(world: &mut World, app: &App) -> bool {
    let frame = world.frame(app.id);
    let band = Rect { height: 28, ..frame };
    let screen = world.screen();
    let said = screen.colours(band).contains(&0xff_c83d);
    assert!(screen.colours(band).contains(&frame_colour(Dom0, true)));
    said
}

#[test]
fn a_locked_pointer_stands_still_until_the_combination_frees_it() {
    let mut world = World::new();
    let app = pointed_at(&mut world);
    let surface = app.toplevel.surface.clone();
    let _relative = world.client(app.client).relative_pointer();
    let _lock = world.client(app.client).lock(&surface, None, Lifetime::Persistent);
    world.settle();
    assert_eq!(heard(&mut world, &app), ["locked"]);
    assert!(says_so(&mut world, &app));
    world.motion(5, 5);
    relative(&mut world, 3.0, -4.0);
    assert_eq!(heard(&mut world, &app), ["relative 3 -4 raw 6 -8"]);

    world.key(code::LEFT_SUPER, true);
    world.tap(code::ESCAPE);
    world.key(code::LEFT_SUPER, false);
    let input = heard(&mut world, &app);
    assert!(input.contains(&"unlocked".to_owned()), "{input:?}");
    assert!(!input.contains(&format!("key {} down", code::ESCAPE)), "{input:?}");
    assert!(!says_so(&mut world, &app));
    let content = world.content(app.id);
    world.motion(content.x + 9, content.y + 9);
    assert_eq!(heard(&mut world, &app), ["pointer 9 9"], "free, and not locked again");
    world.click(content.x + 9, content.y + 9);
    assert!(heard(&mut world, &app).contains(&"locked".to_owned()), "a click gives it back");
}

#[test]
fn a_lock_ends_with_the_focus_and_with_the_wish() {
    let mut world = World::new();
    let other = world.app(Personal, 100, 100);
    world.put(other.id, 500, 300);
    let app = pointed_at(&mut world);
    let surface = app.toplevel.surface.clone();
    let lock = world.client(app.client).lock(&surface, None, Lifetime::Persistent);
    world.settle();
    assert_eq!(heard(&mut world, &app), ["locked"]);
    world.focus(other.id);
    assert!(heard(&mut world, &app).contains(&"unlocked".to_owned()));
    world.focus(app.id);
    assert!(heard(&mut world, &app).contains(&"locked".to_owned()));
    lock.destroy();
    world.settle();
    world.motion(5, 5);
    assert!(heard(&mut world, &app).contains(&"pointer out".to_owned()), "it moves again");
}

#[test]
fn a_confined_pointer_stays_inside() {
    let mut world = World::new();
    let app = pointed_at(&mut world);
    let client = world.client(app.client);
    let region = client.region();
    region.add(40, 40, 60, 30);
    let _held = client.confine(&app.toplevel.surface, Some(&region), Lifetime::Persistent);
    world.settle();
    assert_eq!(heard(&mut world, &app), ["confined"]);
    let content = world.content(app.id);
    world.motion(content.x + 99, content.y + 69);
    assert_eq!(heard(&mut world, &app), ["pointer 99 69"]);
    for (x, y) in [(0, 0), (799, 599), (content.x + 100, content.y + 50)] {
        world.motion(x, y);
        let input = heard(&mut world, &app);
        assert!(!input.iter().any(|it| it == "pointer out" || it == "unconfined"), "{input:?}");
    }
}

#[test]
fn a_lock_elsewhere_than_at_the_pointer_or_without_the_keyboard_is_not_granted() {
    let mut world = World::new();
    let app = pointed_at(&mut world);
    let other = world.app(Personal, 100, 100);
    world.put(other.id, 500, 300);
    let surface = app.toplevel.surface.clone();
    heard(&mut world, &app);
    let _lock = world.client(app.client).lock(&surface, None, Lifetime::Persistent);
    world.settle();
    assert_eq!(heard(&mut world, &app), [""; 0], "another window has the keyboard");
    world.motion(5, 5);
    world.focus(app.id);
    assert!(!heard(&mut world, &app).contains(&"locked".to_owned()), "the pointer is elsewhere");
}

#[test]
fn the_layout_is_switched_by_key_and_everyone_is_told() {
    let mut world = World::with_keyboard("layout = \"us,de\"\n");
    let app = world.app(Dom0, 100, 100);
    let group = |world: &mut World| world.client(app.client).inbox.latched_and_layout.1;
    assert_eq!(group(&mut world), 0);
    heard(&mut world, &app);
    let switch = |world: &mut World| {
        world.key(code::LEFT_SUPER, true);
        world.tap(code::SPACE);
        world.key(code::LEFT_SUPER, false);
    };
    switch(&mut world);
    assert_eq!(group(&mut world), 1);
    let input = heard(&mut world, &app);
    assert!(!input.iter().any(|it| it.starts_with(&format!("key {}", code::SPACE))), "{input:?}");
    let later = world.app(Dom0, 100, 100);
    assert_eq!(world.client(later.client).inbox.latched_and_layout.1, 1, "one layout for the whole desktop");
    switch(&mut world);
    assert_eq!(world.client(later.client).inbox.latched_and_layout.1, 0);
}

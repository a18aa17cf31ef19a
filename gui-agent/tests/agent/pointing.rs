//! The pointer at level 1: its looks, finer scrolling, gestures, touch, relative motion, locks.

use gui_protocol::{
    CrossingInput, CursorLook, Fixed, Gesture, GestureKind, PointerConstraint, PointerNeeds, Rect,
    RelativeMotion, Scroll, ScrollFlags, ScrollSource, Touch, TouchKind, WindowId,
};
use transom_tests::client::show;
use wayland_protocols::wp::{
    cursor_shape::v1::client::wp_cursor_shape_device_v1::Shape,
    pointer_constraints::zv1::client::zwp_pointer_constraints_v1::Lifetime,
};

use crate::{
    fixture::World,
    windows::{BLUE, GREEN, RED, another_window, window},
};

fn enter(world: &mut World, id: WindowId, x: i32, y: i32) {
    let input = CrossingInput { entered: true, x, y, state: 0, focus: false };
    world.daemon().conn.crossing(id, input, &[0; 32]);
    world.settle();
}

fn leave(world: &mut World, id: WindowId) {
    let input = CrossingInput { entered: false, x: -1, y: -1, state: 0, focus: false };
    world.daemon().conn.crossing(id, input, &[0; 32]);
    world.settle();
}

fn fixed(number: f64) -> Fixed {
    Fixed((number * 256.0) as i32)
}

/// A cursor as told: width, height, hot spot, scale, and its upper left pixel.
fn picture(world: &mut World, id: WindowId) -> (u32, u32, u32, u32, u32, u32) {
    let CursorLook::Image(cursor) = &world.daemon().seen(id).look else {
        panic!("no picture: {:?}", world.daemon().seen(id).look);
    };
    let pixel = u32::from_le_bytes(cursor.image.pixels[..4].try_into().unwrap());
    let scale = cursor.scale.in_120ths();
    (cursor.image.width, cursor.image.height, cursor.hot_x, cursor.hot_y, scale, pixel)
}

#[test]
fn a_cursor_is_a_picture_a_shape_or_nothing() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    enter(&mut world, id, 1, 1);
    let surface = world.client(client).surface();
    let half_green = 0x8000_8000;
    let buffer = world.client(client).buffer(24, 16, half_green);
    world.client(client).set_cursor(Some(&surface), (3, 15));
    show(&surface, &buffer);
    world.settle();
    assert_eq!(picture(&mut world, id), (24, 16, 3, 15, 120, half_green));

    world.client(client).set_cursor(None, (0, 0));
    world.settle();
    assert_eq!(world.daemon().seen(id).look, CursorLook::Hidden);

    let shapes = world.client(client).cursor_shapes();
    shapes.set_shape(world.client(client).inbox.serial, Shape::NeswResize);
    world.settle();
    assert_eq!(world.daemon().seen(id).look, CursorLook::Shape(Shape::NeswResize as u32));

    // the same picture again, the hot spot outside of it
    world.client(client).set_cursor(Some(&surface), (i32::MAX, i32::MIN));
    world.settle();
    assert_eq!(picture(&mut world, id), (24, 16, 23, 0, 120, half_green));
}

#[test]
fn an_animated_cursor_comes_frame_by_frame() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    enter(&mut world, id, 1, 1);
    let surface = world.client(client).surface();
    let frames = [RED, GREEN, BLUE].map(|colour| world.client(client).buffer(8, 8, colour));
    world.client(client).set_cursor(Some(&surface), (0, 0));
    for (frame, colour) in frames.iter().zip([RED, GREEN, BLUE]) {
        world.client(client).frame(&surface);
        show(&surface, frame);
        world.settle();
        assert_eq!(picture(&mut world, id).5, colour);
    }
    world.until("frame callbacks of the cursor", |world| world.client(client).inbox.frames_done == 3);
    // moved by an offset: the hot spot stays under the pointer
    surface.offset(-2, -3);
    surface.commit();
    world.settle();
    let (.., hot_x, hot_y, _, _) = picture(&mut world, id);
    assert_eq!((hot_x, hot_y), (2, 3));
}

#[test]
fn a_cursor_that_changes_too_fast_comes_as_fast_as_frames() {
    const HZ: u32 = 4;
    const COMMITS: u32 = 60;
    let mut world = World::without_daemon(HZ);
    world.start_extended_daemon();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    enter(&mut world, id, 1, 1);
    let surface = world.client(client).surface();
    world.client(client).set_cursor(Some(&surface), (0, 0));
    let colours = |n: u32| 0xff00_0000 | n;
    let frames: Vec<_> = (0..COMMITS).map(|n| world.client(client).buffer(8, 8, colours(n))).collect();
    let started = std::time::Instant::now();
    for frame in &frames {
        show(&surface, frame);
        world.settle();
    }
    let most = 2 + (started.elapsed().as_secs_f64() * f64::from(HZ)) as usize;
    assert!(most < frames.len(), "this machine is too slow for this test");
    world.until("the last one", |world| picture(world, id).5 == colours(COMMITS - 1));
    let told = world.daemon().seen(id).looks;
    assert!((2..=most + 1).contains(&told), "{told} of {COMMITS}");
}

#[test]
fn a_cursor_for_a_dense_screen_keeps_its_pixels() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    enter(&mut world, id, 1, 1);
    let surface = world.client(client).surface();
    let buffer = world.client(client).buffer(48, 48, GREEN);
    surface.set_buffer_scale(2);
    world.client(client).set_cursor(Some(&surface), (5, 6));
    show(&surface, &buffer);
    world.settle();
    assert_eq!(picture(&mut world, id), (48, 48, 10, 12, 240, GREEN));

    let surface = world.client(client).surface();
    let viewport = world.client(client).viewport(&surface);
    viewport.set_destination(24, 24);
    let buffer = world.client(client).buffer(36, 36, BLUE);
    world.client(client).set_cursor(Some(&surface), (2, 4));
    show(&surface, &buffer);
    world.settle();
    assert_eq!(picture(&mut world, id), (36, 36, 3, 6, 180, BLUE));
}

#[test]
fn a_cursor_too_large_is_shrunk_or_left_out() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    enter(&mut world, id, 1, 1);
    let surface = world.client(client).surface();
    let buffer = world.client(client).buffer(400, 200, GREEN);
    world.client(client).set_cursor(Some(&surface), (399, 0));
    show(&surface, &buffer);
    world.settle();
    let (width, height, hot_x, _, scale, _) = picture(&mut world, id);
    assert!(width <= 256 && width > 250 && height == width.div_ceil(2), "{width}x{height}");
    assert!(hot_x == width - 1 && scale == 76);
    let buffer = world.client(client).buffer(600, 600, GREEN);
    show(&surface, &buffer);
    world.settle();
    assert_eq!(world.daemon().seen(id).look, CursorLook::default());
}

#[test]
fn a_cursor_whose_surface_goes_is_hidden() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    enter(&mut world, id, 1, 1);
    let surface = world.client(client).surface();
    let buffer = world.client(client).buffer(8, 8, GREEN);
    world.client(client).set_cursor(Some(&surface), (0, 0));
    show(&surface, &buffer);
    world.settle();
    surface.attach(None, 0, 0);
    surface.commit();
    world.settle();
    assert_eq!(world.daemon().seen(id).look, CursorLook::Hidden);
    show(&surface, &buffer);
    world.settle();
    assert_eq!(picture(&mut world, id).5, GREEN);
    surface.destroy();
    world.settle();
    assert_eq!(world.daemon().seen(id).look, CursorLook::Hidden);
}

#[test]
fn scrolling_comes_in_all_its_detail() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    enter(&mut world, id, 1, 1);
    let nothing = Scroll {
        horizontal: Fixed(0),
        vertical: Fixed(0),
        v120_x: 0,
        v120_y: 0,
        source: ScrollSource::Finger,
        flags: ScrollFlags::empty(),
        time_ms: 7,
    };
    let scrolls = [
        Scroll { vertical: fixed(3.75), v120_y: 30, source: ScrollSource::Wheel, ..nothing },
        Scroll { horizontal: fixed(-0.5), vertical: fixed(2.25), ..nothing },
        Scroll { flags: ScrollFlags::STOP_HORIZONTAL | ScrollFlags::STOP_VERTICAL, ..nothing },
        Scroll { vertical: fixed(1.0), source: ScrollSource::Continuous, ..nothing },
        Scroll { horizontal: fixed(15.0), v120_x: 120, source: ScrollSource::WheelTilt, ..nothing },
    ];
    for scroll in scrolls {
        world.daemon().conn.scroll(id, scroll);
    }
    world.settle();
    let expected = [
        "source 0, steps 0 30, axis 0 3.75",
        "source 1, axis 1 -0.5, axis 0 2.25",
        "source 1, stop 1, stop 0",
        "source 2, axis 0 1",
        "source 3, steps 1 120, axis 1 15",
    ];
    assert_eq!(world.client(client).inbox.scrolls, expected);
}

#[test]
fn gestures_reach_the_window_under_the_pointer() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    world.client(client).gestures();
    enter(&mut world, id, 1, 1);
    assert_eq!(world.daemon().seen(id).needs, PointerNeeds::GESTURES);
    world.client(client).take_input();
    let nothing = Gesture {
        kind: GestureKind::SwipeBegin,
        fingers: 0,
        dx: Fixed(0),
        dy: Fixed(0),
        scale: Fixed(0),
        rotation: Fixed(0),
        cancelled: false,
        time_ms: 1,
    };
    use GestureKind as G;
    let gestures = [
        Gesture { kind: G::SwipeBegin, fingers: 3, ..nothing },
        Gesture { kind: G::SwipeUpdate, dx: fixed(1.5), dy: fixed(-2.0), ..nothing },
        Gesture { kind: G::SwipeEnd, cancelled: true, ..nothing },
        Gesture { kind: G::PinchBegin, fingers: 2, ..nothing },
        Gesture {
            kind: G::PinchUpdate,
            dx: fixed(1.0),
            scale: fixed(1.5),
            rotation: fixed(-45.0),
            ..nothing
        },
        Gesture { kind: G::PinchEnd, ..nothing },
        Gesture { kind: G::HoldBegin, fingers: 4, ..nothing },
        Gesture { kind: G::HoldEnd, ..nothing },
    ];
    for gesture in gestures {
        world.daemon().conn.gesture(id, gesture);
    }
    world.settle();
    let expected = [
        "swipe of 3",
        "swipe 1.5 -2",
        "swipe over 1",
        "pinch of 2",
        "pinch 1 0 by 1.5 turned -45",
        "pinch over 0",
        "hold of 4",
        "hold over 0",
    ];
    assert_eq!(world.client(client).take_input(), expected);
}

#[test]
fn needs_are_told_while_they_last_and_for_every_window() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, first) = window(&mut world, 64, 64, RED);
    let (_, _, _other_buffer, stranger) = window(&mut world, 64, 64, RED);
    assert_eq!(world.daemon().seen(first).needs, PointerNeeds::empty());
    let pointers = [(); 2].map(|()| world.client(client).relative_pointer());
    world.settle();
    assert_eq!(world.daemon().seen(first).needs, PointerNeeds::RELATIVE_MOTION);
    assert_eq!(world.daemon().seen(stranger).needs, PointerNeeds::empty());
    let (swipe, pinch, hold) = world.client(client).gestures();
    let (_, _second_buffer, second) = another_window(&mut world, client, 20, 20, BLUE);
    let both = PointerNeeds::RELATIVE_MOTION | PointerNeeds::GESTURES;
    assert_eq!(world.daemon().seen(second).needs, both);
    pointers[0].destroy();
    swipe.destroy();
    pinch.destroy();
    world.settle();
    assert_eq!(world.daemon().seen(first).needs, both);
    pointers[1].destroy();
    hold.destroy();
    world.settle();
    for id in [first, second] {
        assert_eq!(world.daemon().seen(id).needs, PointerNeeds::empty());
    }
}

#[test]
fn relative_motion_comes_beside_the_pointers_place() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    world.client(client).relative_pointer();
    enter(&mut world, id, 1, 1);
    world.client(client).take_input();
    let motion = RelativeMotion {
        dx: fixed(1.5),
        dy: fixed(-1.0),
        dx_unaccelerated: fixed(0.5),
        dy_unaccelerated: fixed(-0.25),
        time_us: u64::from(u32::MAX) + 5,
    };
    world.daemon().conn.relative_motion(id, motion);
    world.settle();
    assert_eq!(world.client(client).take_input(), ["relative 1.5 -1 raw 0.5 -0.25"]);
}

#[test]
fn fingers_touch_what_is_under_them() {
    let mut world = World::extended();
    let (client, _toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    world.settle();
    assert!(world.client(client).inbox.has_touch);
    world.client(client).touch();
    world.settle();
    world.client(client).take_input();
    let (first, second) = (0, 7);
    for (kind, finger, x, y) in [
        (TouchKind::Down, first, 10.5, 20.0),
        (TouchKind::Down, second, 30.0, 40.25),
        (TouchKind::Frame, 0, 0.0, 0.0),
        (TouchKind::Motion, second, 31.0, 40.25),
        (TouchKind::Frame, 0, 0.0, 0.0),
        (TouchKind::Up, first, 0.0, 0.0),
        (TouchKind::Frame, 0, 0.0, 0.0),
        // a finger that never touched
        (TouchKind::Up, 99, 0.0, 0.0),
        (TouchKind::Cancel, 0, 0.0, 0.0),
    ] {
        let touch = Touch { kind, id: finger, x: fixed(x), y: fixed(y), time_ms: 1 };
        world.daemon().conn.touch(id, touch);
    }
    world.settle();
    let expected = [
        "finger 0 down 10.5 20",
        "finger 7 down 30 40.25",
        "fingers",
        "finger 7 31 40.25",
        "fingers",
        "finger 0 up",
        "fingers",
        "finger 7 31 40.25",
        "fingers cancelled",
    ];
    assert_eq!(world.client(client).take_input(), expected);
}

#[test]
fn there_is_a_touch_screen_only_where_the_daemon_knows_of_such() {
    let mut world = World::new();
    let (client, _toplevel, _buffer, _) = window(&mut world, 64, 64, RED);
    assert!(!world.client(client).inbox.has_touch);
}

#[test]
fn a_lock_holds_when_the_gui_domain_grants_it() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    let lock = world.client(client).lock(&toplevel.surface, None, Lifetime::Persistent);
    world.settle();
    assert_eq!(world.daemon().seen(id).constraint, None, "the pointer is not there");
    enter(&mut world, id, 1, 1);
    assert_eq!(world.daemon().seen(id).constraint, Some((PointerConstraint::Lock, None)));
    world.client(client).take_input();
    for (kind, heard) in [
        (PointerConstraint::Confine, ""),
        (PointerConstraint::Lock, "locked"),
        (PointerConstraint::Lock, ""),
        (PointerConstraint::None, "unlocked"),
        (PointerConstraint::Lock, "locked"),
    ] {
        world.daemon().conn.pointer_constrained(id, kind);
        world.settle();
        assert_eq!(world.client(client).take_input().join(" "), heard);
    }
    let (_, _other_buffer, other) = another_window(&mut world, client, 20, 20, BLUE);
    world.daemon().conn.pointer_constrained(other, PointerConstraint::None);
    world.settle();
    assert_eq!(world.client(client).take_input(), [""; 0], "another window is another matter");
    leave(&mut world, id);
    assert!(world.client(client).take_input().contains(&"unlocked".into()));
    assert_eq!(world.daemon().seen(id).constraint, Some((PointerConstraint::None, None)));
    enter(&mut world, id, 1, 1);
    assert_eq!(world.daemon().seen(id).constraint, Some((PointerConstraint::Lock, None)));
    lock.destroy();
    world.settle();
    assert_eq!(world.daemon().seen(id).constraint, Some((PointerConstraint::None, None)));
}

#[test]
fn a_lock_for_once_is_over_when_it_ends() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    enter(&mut world, id, 1, 1);
    let _lock = world.client(client).lock(&toplevel.surface, None, Lifetime::Oneshot);
    world.settle();
    for kind in [PointerConstraint::Lock, PointerConstraint::None, PointerConstraint::Lock] {
        world.daemon().conn.pointer_constrained(id, kind);
        world.settle();
    }
    let input = world.client(client).take_input();
    assert_eq!(input.iter().filter(|it| *it == "locked").count(), 1);
    assert_eq!(world.daemon().seen(id).constraint, Some((PointerConstraint::None, None)));
}

#[test]
fn a_confinement_has_a_region_in_the_window() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    toplevel.xdg_surface.set_window_geometry(4, 4, 60, 60);
    toplevel.surface.commit();
    world.settle();
    enter(&mut world, id, 20, 20);
    let region = world.client(client).region();
    region.add(14, 24, 10, 10);
    region.add(30, 30, 10, 5);
    let confinement = world.client(client).confine(&toplevel.surface, Some(&region), Lifetime::Persistent);
    world.settle();
    let around = Some(Rect::new(10, 20, 26, 11));
    assert_eq!(world.daemon().seen(id).constraint, Some((PointerConstraint::Confine, around)));
    world.daemon().conn.pointer_constrained(id, PointerConstraint::Confine);
    world.settle();
    assert!(world.client(client).take_input().contains(&"confined".into()));
    // another region counts from the next commit
    let smaller = world.client(client).region();
    smaller.add(5, 6, 7, 8);
    confinement.set_region(Some(&smaller));
    world.settle();
    assert_eq!(world.daemon().seen(id).constraint, Some((PointerConstraint::Confine, around)));
    toplevel.surface.commit();
    world.settle();
    let inside = Some(Rect::new(1, 2, 7, 8));
    assert_eq!(world.daemon().seen(id).constraint, Some((PointerConstraint::Confine, inside)));
}

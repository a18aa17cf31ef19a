//! Clients that break the rules, or only stretch them. Whatever they do, the agent and its other clients go on.

use gui_protocol::{Arrange, CrossingInput, Fixed, PointerConstraint, RelativeMotion, Touch, TouchKind};
use transom_tests::client::{Toplevel, show};
use wayland_client::protocol::wl_shm::Format;
use wayland_protocols::{
    wp::pointer_constraints::zv1::client::zwp_pointer_constraints_v1::Lifetime,
    xdg::shell::client::xdg_positioner::{Anchor, ConstraintAdjustment, Gravity},
};

use crate::{
    fixture::World,
    windows::{GREEN, LETTERS, RED, another_window, window},
};

/// Lets a client do something and expects it, and nobody else, to lose its connection.
pub fn ends_its_client(misbehave: impl FnOnce(&mut World, usize)) {
    let mut world = World::new();
    let (honest, ..) = window(&mut world, 16, 16, GREEN);
    let client = world.connect();
    misbehave(&mut world, client);
    world.settle();
    assert!(world.client(client).error.is_some(), "such a client is to be disconnected");
    goes_on(&mut world, honest);
}

/// Lets a client do something odd that is not forbidden.
pub fn is_borne(act: impl FnOnce(&mut World, usize)) {
    let mut world = World::new();
    let (honest, ..) = window(&mut world, 16, 16, GREEN);
    let client = world.connect();
    act(&mut world, client);
    world.settle();
    assert_eq!(world.client(client).error, None);
    goes_on(&mut world, honest);
}

fn goes_on(world: &mut World, honest: usize) {
    let toplevel = world.client(honest).toplevel();
    world.settle();
    let buffer = world.client(honest).buffer(32, 16, RED);
    world.client(honest).ack(&toplevel.xdg_surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.client(honest).error, None);
    let id = world.daemon().newest();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RR");
}

#[test]
fn a_pool_resized_to_nothing() {
    for size in [0, -1, i32::MIN] {
        ends_its_client(|world, client| world.client(client).buffer(8, 8, RED).pool.resize(size));
    }
}

#[test]
fn rows_that_begin_between_pixels() {
    ends_its_client(|world, client| {
        world.client(client).unchecked_buffer(8, 8, 33, Format::Xrgb8888);
    });
}

#[test]
fn rows_shorter_than_the_image() {
    ends_its_client(|world, client| {
        world.client(client).unchecked_buffer(8, 8, 28, Format::Xrgb8888);
    });
}

#[test]
fn memory_that_is_not_there_at_first() {
    ends_its_client(|world, client| {
        let toplevel = world.client(client).toplevel();
        world.settle();
        let buffer = world.client(client).buffer(64, 64, RED);
        buffer.truncate();
        world.client(client).ack(&toplevel.xdg_surface);
        show(&toplevel.surface, &buffer);
    });
}

#[test]
fn memory_that_goes_away() {
    ends_its_client(|world, client| {
        let toplevel = world.client(client).toplevel();
        world.settle();
        let buffer = world.client(client).buffer(64, 64, RED);
        world.client(client).ack(&toplevel.xdg_surface);
        show(&toplevel.surface, &buffer);
        world.settle();
        assert_eq!(world.client(client).error, None);
        buffer.truncate();
        show(&toplevel.surface, &buffer);
    });
}

#[test]
fn content_before_the_first_configure() {
    ends_its_client(|world, client| {
        let surface = world.client(client).surface();
        let xdg_surface = world.client(client).xdg_surface(&surface);
        let buffer = world.client(client).buffer(8, 8, RED);
        xdg_surface.ack_configure(1234);
        show(&surface, &buffer);
    });
}

#[test]
fn an_unscalable_buffer() {
    ends_its_client(|world, client| {
        let surface = world.client(client).surface();
        let buffer = world.client(client).buffer(9, 9, RED);
        surface.set_buffer_scale(2);
        show(&surface, &buffer);
    });
}

#[test]
fn a_viewport_on_half_a_pixel() {
    ends_its_client(|world, client| {
        let surface = world.client(client).surface();
        let viewport = world.client(client).viewport(&surface);
        viewport.set_source(0.0, 0.0, 0.5, 0.5);
        let buffer = world.client(client).buffer(8, 8, RED);
        show(&surface, &buffer);
    });
}

#[test]
fn a_viewport_outside_the_buffer() {
    ends_its_client(|world, client| {
        let toplevel = world.client(client).toplevel();
        world.settle();
        let viewport = world.client(client).viewport(&toplevel.surface);
        viewport.set_source(4.0, 4.0, 8000.0, 8.0);
        viewport.set_destination(16, 16);
        let buffer = world.client(client).buffer(8, 8, RED);
        world.client(client).ack(&toplevel.xdg_surface);
        show(&toplevel.surface, &buffer);
    });
}

#[test]
fn an_empty_window_geometry() {
    for (width, height) in [(0, 5), (5, 0), (-1, -1)] {
        ends_its_client(|world, client| {
            let toplevel = world.client(client).toplevel();
            toplevel.xdg_surface.set_window_geometry(0, 0, width, height);
        });
    }
}

#[test]
fn negative_size_limits() {
    ends_its_client(|world, client| world.client(client).toplevel().toplevel.set_min_size(-1, 5));
    ends_its_client(|world, client| world.client(client).toplevel().toplevel.set_max_size(5, i32::MIN));
}

#[test]
fn a_popup_that_is_its_own_parent() {
    ends_its_client(|world, client| {
        let surface = world.client(client).surface();
        let xdg_surface = world.client(client).xdg_surface(&surface);
        let positioner = world.client(client).positioner();
        positioner.set_size(5, 5);
        positioner.set_anchor_rect(0, 0, 1, 1);
        let popup = world.client(client).popup_on(&xdg_surface, Some(&xdg_surface), &positioner);
        popup.grab(&world.client(client).seat.clone().unwrap(), 1);
        surface.commit();
    });
}

#[test]
fn popups_in_a_circle() {
    ends_its_client(|world, client| {
        let surfaces = [(); 2].map(|()| world.client(client).surface());
        let [a, b] = surfaces.each_ref().map(|it| world.client(client).xdg_surface(it));
        let positioner = world.client(client).positioner();
        positioner.set_size(5, 5);
        positioner.set_anchor_rect(0, 0, 1, 1);
        world.client(client).popup_on(&a, Some(&b), &positioner);
        world.client(client).popup_on(&b, Some(&a), &positioner);
        surfaces.iter().for_each(wayland_client::protocol::wl_surface::WlSurface::commit);
    });
}

#[test]
fn a_popup_on_nothing() {
    ends_its_client(|world, client| {
        let positioner = world.client(client).positioner();
        positioner.set_size(5, 5);
        positioner.set_anchor_rect(0, 0, 1, 1);
        world.client(client).bare_popup(None, &positioner);
    });
}

#[test]
fn absurd_damage_and_regions() {
    is_borne(|world, client| {
        let toplevel = world.client(client).toplevel();
        world.settle();
        let region = world.client(client).region();
        for (x, y, width, height) in [
            (0, 0, i32::MAX, i32::MAX),
            (i32::MAX, i32::MAX, i32::MAX, i32::MAX),
            (i32::MIN, i32::MIN, i32::MAX, i32::MAX),
            (5, 5, -3, -3),
            (i32::MIN, 0, i32::MIN, i32::MIN),
        ] {
            region.add(x, y, width, height);
            region.subtract(y, x, height, width);
            toplevel.surface.damage(x, y, width, height);
            toplevel.surface.damage_buffer(x, y, width, height);
            toplevel.surface.offset(x, y);
        }
        toplevel.surface.set_opaque_region(Some(&region));
        toplevel.surface.set_input_region(Some(&region));
        let buffer = world.client(client).buffer(64, 64, RED);
        world.client(client).ack(&toplevel.xdg_surface);
        show(&toplevel.surface, &buffer);
    });
}

#[test]
fn absurd_positions_of_subsurfaces_and_geometry() {
    is_borne(|world, client| {
        let toplevel = world.client(client).toplevel();
        world.settle();
        world.client(client).ack(&toplevel.xdg_surface);
        let mut buffers = Vec::new();
        let mut parent = toplevel.surface.clone();
        for position in [i32::MAX, i32::MAX, i32::MIN, i32::MIN, 7] {
            let (child, subsurface) = world.client(client).subsurface(&parent);
            subsurface.set_position(position, position);
            let buffer = world.client(client).buffer(8, 8, GREEN);
            show(&child, &buffer);
            buffers.push(buffer);
            parent = child;
        }
        let buffer = world.client(client).buffer(64, 64, RED);
        toplevel.xdg_surface.set_window_geometry(i32::MIN, i32::MIN, i32::MAX, i32::MAX);
        show(&toplevel.surface, &buffer);
        world.settle();
        toplevel.xdg_surface.set_window_geometry(i32::MAX, i32::MAX, i32::MAX, i32::MAX);
        show(&toplevel.surface, &buffer);
        world.settle();
        toplevel.xdg_surface.set_window_geometry(0, 0, 64, 64);
        show(&toplevel.surface, &buffer);
    });
}

#[test]
fn a_window_larger_than_any_screen() {
    is_borne(|world, client| {
        let toplevel = world.client(client).toplevel();
        world.settle();
        let viewport = world.client(client).viewport(&toplevel.surface);
        viewport.set_destination(i32::MAX, 10);
        let buffer = world.client(client).buffer(1, 1, RED);
        world.client(client).ack(&toplevel.xdg_surface);
        show(&toplevel.surface, &buffer);
        world.settle();
        let id = world.daemon().newest();
        assert_eq!(world.daemon().image(id).width, gui_protocol::limits::MAX_WIDTH);
    });
}

#[test]
fn next_to_nothing_made_as_large_as_can_be() {
    is_borne(|world, client| {
        let toplevel = world.client(client).toplevel();
        world.settle();
        let viewport = world.client(client).viewport(&toplevel.surface);
        viewport.set_source(1024.0, 4.0, 1.0 / 256.0, 1.0 / 256.0);
        viewport.set_destination(i32::MAX, i32::MAX);
        toplevel.xdg_surface.set_window_geometry(0, 0, 64, 64);
        let buffer = world.client(client).buffer(2048, 8, RED);
        world.client(client).ack(&toplevel.xdg_surface);
        show(&toplevel.surface, &buffer);
        world.settle();
        for (x, y) in [(0, 0), (2047, 7), (0, 7)] {
            toplevel.surface.attach(Some(&buffer.buffer), 0, 0);
            toplevel.surface.damage_buffer(x, y, 2048 - x, 1);
            toplevel.surface.commit();
            world.settle();
        }
    });
}

#[test]
fn absurd_positioners() {
    for value in [i32::MAX, i32::MIN, -1] {
        is_borne(|world, client| {
            let toplevel = world.client(client).toplevel();
            world.settle();
            let buffer = world.client(client).buffer(64, 64, RED);
            world.client(client).ack(&toplevel.xdg_surface);
            show(&toplevel.surface, &buffer);
            world.settle();
            let positioner = world.client(client).positioner();
            positioner.set_size(i32::MAX, i32::MAX);
            positioner.set_anchor_rect(value, value, i32::MAX, i32::MAX);
            positioner.set_offset(value, value);
            positioner.set_anchor(Anchor::BottomRight);
            positioner.set_gravity(Gravity::TopLeft);
            positioner.set_constraint_adjustment(ConstraintAdjustment::all());
            positioner.set_reactive();
            positioner.set_parent_size(value, value);
            world.client(client).popup(&toplevel.xdg_surface, &positioner);
        });
    }
}

#[test]
fn leaving_in_the_middle_of_everything() {
    let mut world = World::new();
    let (honest, ..) = window(&mut world, 16, 16, GREEN);
    let (client, toplevel, ..) = window(&mut world, 64, 64, RED);
    let (_, _subsurface) = world.client(client).subsurface(&toplevel.surface);
    let id = world.daemon().newest();
    world.daemon().conn.focus(id, true, &[0; 32]);
    world.settle();
    world.clients.remove(client);
    world.settle();
    assert_eq!(world.daemon().windows.len(), 1, "its windows go with it");
    goes_on(&mut world, honest);
}

#[test]
fn surfaces_in_a_circle() {
    ends_its_client(|world, client| {
        let surface = world.client(client).surface();
        world.client(client).subsurface_of(&surface, &surface);
        surface.commit();
    });
    ends_its_client(|world, client| {
        let (a, b) = (world.client(client).surface(), world.client(client).surface());
        world.client(client).subsurface_of(&a, &b);
        world.client(client).subsurface_of(&b, &a);
        a.commit();
        b.commit();
    });
}

#[test]
fn roles_that_lose_their_surface() {
    let mut world = World::new();
    let (honest, ..) = window(&mut world, 16, 16, GREEN);
    let (client, toplevel, ..) = window(&mut world, 16, 16, GREEN);
    // whether this is forgiven is smithay's business
    toplevel.surface.destroy();
    world.settle();
    toplevel.toplevel.set_title("late".into());
    toplevel.toplevel.set_fullscreen(None);
    toplevel.xdg_surface.set_window_geometry(0, 0, 5, 5);
    toplevel.toplevel.destroy();
    toplevel.xdg_surface.destroy();
    world.settle();
    let _ = world.client(client);
    assert_eq!(world.daemon().windows.len(), 1);
    goes_on(&mut world, honest);
}

#[test]
fn buffers_destroyed_while_they_are_shown() {
    is_borne(|world, client| {
        let toplevel = world.client(client).toplevel();
        world.settle();
        let buffer = world.client(client).buffer(64, 64, RED);
        world.client(client).ack(&toplevel.xdg_surface);
        show(&toplevel.surface, &buffer);
        world.settle();
        buffer.buffer.destroy();
        buffer.pool.destroy();
        // drawn again from what is no more
        let (child, _subsurface) = world.client(client).subsurface(&toplevel.surface);
        let other = world.client(client).buffer(8, 8, GREEN);
        show(&child, &other);
        toplevel.surface.commit();
        world.settle();
        other.buffer.destroy();
        toplevel.xdg_surface.set_window_geometry(1, 1, 32, 32);
        toplevel.surface.commit();
    });
}

#[test]
fn subsurfaces_without_end() {
    // from the leaf up and from the root down
    for upwards in [true, false] {
        ends_its_client(|world, client| {
            let mut last = world.client(client).surface();
            for _ in 0..100 {
                // as many at a time as the socket takes
                for _ in 0..100 {
                    let next = world.client(client).surface();
                    let (child, parent) = if upwards { (&last, &next) } else { (&next, &last) };
                    world.client(client).subsurface_of(child, parent);
                    last = next;
                }
                last.commit();
                world.settle();
                if world.client(client).error.is_some() {
                    return;
                }
            }
        });
    }
}

/// The same with a daemon that speaks the extension.
fn ends_its_client_at_level_1(misbehave: impl FnOnce(&mut World, usize)) {
    let mut world = World::extended();
    let (honest, ..) = window(&mut world, 16, 16, GREEN);
    let client = world.connect();
    misbehave(&mut world, client);
    world.settle();
    assert!(world.client(client).error.is_some(), "such a client is to be disconnected");
    goes_on(&mut world, honest);
}

fn is_borne_at_level_1(act: impl FnOnce(&mut World, usize)) {
    let mut world = World::extended();
    let (honest, ..) = window(&mut world, 16, 16, GREEN);
    let client = world.connect();
    act(&mut world, client);
    world.settle();
    assert_eq!(world.client(client).error, None);
    goes_on(&mut world, honest);
}

/// A window with the pointer in it.
fn pointed_window(world: &mut World, client: usize) -> Toplevel {
    let (toplevel, _buffer, id) = another_window(world, client, 64, 64, RED);
    let entered = CrossingInput { entered: true, x: 1, y: 1, state: 0, focus: false };
    world.daemon().conn.crossing(id, entered, &[0; 32]);
    world.settle();
    toplevel
}

#[test]
fn a_positioner_that_says_nothing() {
    for (size, anchor) in [(false, true), (true, false)] {
        let incomplete = |world: &mut World, client: usize| {
            let positioner = world.client(client).positioner();
            if size {
                positioner.set_size(5, 5);
            }
            if anchor {
                positioner.set_anchor_rect(0, 0, 1, 1);
            }
            positioner
        };
        ends_its_client_at_level_1(|world, client| {
            let toplevel = pointed_window(world, client);
            let positioner = incomplete(world, client);
            world.client(client).popup(&toplevel.xdg_surface, &positioner);
        });
        ends_its_client_at_level_1(|world, client| {
            let toplevel = pointed_window(world, client);
            let complete = world.client(client).positioner();
            complete.set_size(5, 5);
            complete.set_anchor_rect(0, 0, 1, 1);
            let popup = world.client(client).popup(&toplevel.xdg_surface, &complete);
            world.settle();
            assert_eq!(world.client(client).error, None);
            popup.popup.reposition(&incomplete(world, client), 1);
        });
    }
}

#[test]
fn absurd_positioners_for_the_gui_domain() {
    for value in [i32::MAX, i32::MIN, -1] {
        is_borne_at_level_1(|world, client| {
            let toplevel = pointed_window(world, client);
            let positioner = world.client(client).positioner();
            positioner.set_size(i32::MAX, i32::MAX);
            positioner.set_anchor_rect(value, value, i32::MAX, i32::MAX);
            positioner.set_offset(value, value);
            positioner.set_constraint_adjustment(ConstraintAdjustment::all());
            let popup = world.client(client).popup(&toplevel.xdg_surface, &positioner);
            world.settle();
            let id = world.daemon().newest();
            let (_, token, _) = world.daemon().seen(id).popup.unwrap();
            let far = Arrange { x: value, y: value, token, ..Arrange::default() };
            world.daemon().conn.arrange(id, far);
            world.settle();
            let buffer = world.client(client).buffer(8, 8, RED);
            world.client(client).ack(&popup.xdg_surface);
            show(&popup.surface, &buffer);
        });
    }
}

#[test]
fn absurd_arrangements_by_the_gui_domain() {
    is_borne_at_level_1(|world, client| {
        let toplevel = pointed_window(world, client);
        let id = world.daemon().newest();
        let positioner = world.client(client).positioner();
        positioner.set_size(5, 5);
        positioner.set_anchor_rect(0, 0, 1, 1);
        positioner.set_reactive();
        for (x, y) in [(i32::MAX, i32::MIN), (i32::MIN, i32::MAX)] {
            let far = Arrange { x, y, width: u32::MAX, height: u32::MAX, ..Arrange::default() };
            world.daemon().conn.arrange(id, far);
            world.settle();
            toplevel.xdg_surface.set_window_geometry(7, 7, 50, 50);
            toplevel.surface.commit();
            let popup = world.client(client).popup(&toplevel.xdg_surface, &positioner);
            world.settle();
            let above = world.daemon().newest();
            let (_, token, _) = world.daemon().seen(above).popup.unwrap();
            world.daemon().conn.arrange(above, Arrange { token, ..far });
            world.settle();
            let buffer = world.client(client).buffer(8, 8, RED);
            world.client(client).ack(&popup.xdg_surface);
            show(&popup.surface, &buffer);
            world.settle();
            for window in [id, above] {
                let entered = CrossingInput { entered: true, x, y, state: 0, focus: false };
                world.daemon().conn.crossing(window, entered, &[0; 32]);
                let kind = TouchKind::Down;
                let touch = Touch { kind, id: u32::MAX, x: Fixed(x), y: Fixed(y), time_ms: 0 };
                world.daemon().conn.touch(window, touch);
            }
            world.settle();
        }
    });
}

#[test]
fn popups_without_end_and_without_content() {
    is_borne_at_level_1(|world, client| {
        let toplevel = pointed_window(world, client);
        let positioner = world.client(client).positioner();
        positioner.set_size(5, 5);
        positioner.set_anchor_rect(0, 0, 1, 1);
        for _ in 0..30 {
            for n in 0..50 {
                let popup = world.client(client).popup(&toplevel.xdg_surface, &positioner);
                popup.popup.reposition(&positioner, n);
            }
            world.settle();
        }
        assert!(world.daemon().windows.len() < 100, "the GUI domain would not bear so many");
    });
}

#[test]
fn an_icon_changed_after_its_use() {
    ends_its_client_at_level_1(|world, client| {
        let toplevel = pointed_window(world, client);
        let buffer = world.client(client).buffer(8, 8, RED);
        let icon = world.client(client).icon(&[&buffer]);
        world.client(client).set_icon(&toplevel, Some(&icon));
        icon.set_name("late".into());
    });
    ends_its_client_at_level_1(|world, client| {
        let toplevel = pointed_window(world, client);
        let buffer = world.client(client).buffer(8, 8, RED);
        let icon = world.client(client).icon(&[]);
        world.client(client).set_icon(&toplevel, Some(&icon));
        icon.add_buffer(&buffer.buffer, 1);
    });
}

#[test]
fn icons_that_are_none() {
    ends_its_client_at_level_1(|world, client| {
        let buffer = world.client(client).buffer(8, 9, RED);
        world.client(client).icon(&[&buffer]);
    });
    ends_its_client_at_level_1(|world, client| {
        let toplevel = pointed_window(world, client);
        let buffer = world.client(client).buffer(64, 64, RED);
        let icon = world.client(client).icon(&[&buffer]);
        buffer.truncate();
        world.client(client).set_icon(&toplevel, Some(&icon));
        toplevel.surface.commit();
    });
    is_borne_at_level_1(|world, client| {
        let toplevel = pointed_window(world, client);
        let buffers: Vec<_> = (1..=40).map(|side| world.client(client).buffer(side, side, RED)).collect();
        let icon = world.client(client).icon(&buffers.iter().collect::<Vec<_>>());
        buffers.iter().for_each(|buffer| buffer.buffer.destroy());
        world.client(client).set_icon(&toplevel, Some(&icon));
        icon.destroy();
        toplevel.surface.commit();
        world.settle();
        toplevel.toplevel.destroy();
        toplevel.surface.commit();
    });
}

#[test]
fn a_cursor_whose_memory_goes_away() {
    ends_its_client_at_level_1(|world, client| {
        pointed_window(world, client);
        let surface = world.client(client).surface();
        let buffer = world.client(client).buffer(64, 64, RED);
        world.client(client).set_cursor(Some(&surface), (0, 0));
        show(&surface, &buffer);
        world.settle();
        assert_eq!(world.client(client).error, None);
        buffer.truncate();
        show(&surface, &buffer);
    });
}

#[test]
fn absurd_cursors() {
    is_borne_at_level_1(|world, client| {
        pointed_window(world, client);
        let surface = world.client(client).surface();
        let viewport = world.client(client).viewport(&surface);
        let buffer = world.client(client).buffer(3, 3, RED);
        for (x, y) in [(i32::MAX, i32::MIN), (i32::MIN, i32::MAX)] {
            world.client(client).set_cursor(Some(&surface), (x, y));
            for (width, height) in [(i32::MAX, 1), (1, i32::MAX), (1, 1), (255, 257)] {
                viewport.set_destination(width, height);
                surface.offset(x, y);
                show(&surface, &buffer);
                world.settle();
            }
        }
        let (child, subsurface) = world.client(client).subsurface(&surface);
        subsurface.set_position(i32::MIN, i32::MAX);
        show(&child, &buffer);
        show(&surface, &buffer);
    });
}

#[test]
fn a_cursor_that_is_a_window() {
    ends_its_client_at_level_1(|world, client| {
        let toplevel = pointed_window(world, client);
        world.client(client).set_cursor(Some(&toplevel.surface), (0, 0));
    });
}

#[test]
fn two_locks_on_one_surface() {
    ends_its_client_at_level_1(|world, client| {
        let toplevel = pointed_window(world, client);
        world.client(client).lock(&toplevel.surface, None, Lifetime::Persistent);
        world.client(client).confine(&toplevel.surface, None, Lifetime::Persistent);
    });
}

#[test]
fn absurd_locks() {
    is_borne_at_level_1(|world, client| {
        let toplevel = pointed_window(world, client);
        let region = world.client(client).region();
        region.add(i32::MAX, i32::MAX, i32::MAX, i32::MAX);
        region.add(i32::MIN, i32::MIN, i32::MAX, i32::MAX);
        let lock = world.client(client).lock(&toplevel.surface, Some(&region), Lifetime::Oneshot);
        lock.set_cursor_position_hint(f64::from(i32::MAX), -1.0e9);
        toplevel.surface.commit();
        world.settle();
        let id = world.daemon().newest();
        world.daemon().conn.pointer_constrained(id, PointerConstraint::Lock);
        world.settle();
        // everything goes in the wrong order
        toplevel.toplevel.destroy();
        toplevel.xdg_surface.destroy();
        toplevel.surface.destroy();
        world.settle();
        lock.set_region(None);
        lock.destroy();
    });
}

#[test]
fn more_tokens_than_anyone_needs() {
    is_borne_at_level_1(|world, client| {
        let toplevel = pointed_window(world, client);
        let serial = world.client(client).inbox.serial;
        for _ in 0..300 {
            world.client(client).ask_for_token(Some(serial));
        }
        world.settle();
        let tokens = world.client(client).inbox.tokens.clone();
        assert_eq!(tokens.len(), 300);
        let surface = world.client(client).surface();
        for token in &tokens {
            world.client(client).activate(token, &surface);
            world.client(client).activate(token, &toplevel.surface);
        }
    });
}

#[test]
fn devices_that_outlive_their_pointer() {
    is_borne_at_level_1(|world, client| {
        pointed_window(world, client);
        let relative = world.client(client).relative_pointer();
        let (swipe, ..) = world.client(client).gestures();
        world.client(client).pointer.clone().unwrap().release();
        world.settle();
        let id = world.daemon().newest();
        let motion = RelativeMotion::default();
        world.daemon().conn.relative_motion(id, motion);
        world.settle();
        relative.destroy();
        swipe.destroy();
        world.settle();
        world.client(client).pointer = None;
    });
}

#[test]
fn lists_of_kinds_without_end_are_refused() {
    let kinds = |count: usize| (0..count).map(|n| format!("text/x-{n:0>1000}")).collect::<Vec<_>>();
    for (count, fits) in [(30, true), (40, false)] {
        let kinds = kinds(count);
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        let judge = |act: &dyn Fn(&mut World, usize)| match fits {
            true => is_borne(act),
            false => ends_its_client(act),
        };
        judge(&|world, client| drop(world.client(client).data_source(&kinds)));
        judge(&|world, client| drop(world.client(client).primary_source(&kinds)));
        // each source has its own list
        if fits {
            is_borne(|world, client| {
                for _ in 0..4 {
                    world.client(client).data_source(&kinds).destroy();
                }
            });
        }
    }
}

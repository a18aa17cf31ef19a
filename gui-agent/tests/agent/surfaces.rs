//! What clients do with their surfaces, and what input follows from that without anything being moved.

use gui_protocol::{CrossingInput, Fixed, Touch, TouchKind, WindowId};
use transom_tests::client::show;
use wayland_client::{Proxy, protocol::wl_surface::WlSurface};
use wayland_protocols::xdg::shell::client::{
    xdg_positioner::{Anchor, Gravity},
    xdg_toplevel::State,
    xdg_wm_base,
};

use crate::{
    fixture::World,
    windows::{BLUE, GREEN, RED, window},
};

fn enter(world: &mut World, id: WindowId, x: i32, y: i32) {
    let input = CrossingInput { entered: true, x, y, state: 0, focus: false };
    world.daemon().conn.crossing(id, input, &[0; 32]);
    world.settle();
}

#[test]
fn a_window_is_shown_whether_or_not_its_client_waits_to_be_configured() {
    let mut world = World::new();
    let client = world.connect();
    let toplevel = world.client(client).bare_toplevel();
    let buffer = world.client(client).buffer(32, 32, RED);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.client(client).error, None);
    let id = world.daemon().only();
    assert_eq!(world.daemon().image(id).pixel(3, 3), RED & 0x00ff_ffff);
}

#[test]
fn a_popup_that_did_not_wait_is_shown_where_the_gui_domain_puts_it() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, _) = window(&mut world, 100, 100, RED);
    let positioner = world.client(client).positioner();
    positioner.set_size(20, 20);
    positioner.set_anchor_rect(0, 0, 0, 0);
    positioner.set_anchor(Anchor::BottomRight);
    positioner.set_gravity(Gravity::BottomRight);
    let popup = world.client(client).bare_popup(Some(&toplevel.xdg_surface), &positioner);
    let buffer = world.client(client).buffer(20, 20, GREEN);
    show(&popup.surface, &buffer);
    world.settle();
    let id = world.daemon().newest();
    assert!(!world.daemon().seen(id).mapped, "nobody has said yet where it goes");
    let (_, token, _) = world.daemon().seen(id).popup.unwrap();
    let arrange = gui_protocol::Arrange { x: 7, y: 8, width: 20, height: 20, token, ..Default::default() };
    world.daemon().conn.arrange(id, arrange);
    world.settle();
    assert!(world.daemon().seen(id).mapped);
    assert_eq!(world.daemon().image(id).pixel(3, 3), GREEN & 0x00ff_ffff);
    assert_eq!(world.client(client).inbox.popups[&popup.popup.id()].last(), Some(&(7, 8, 20, 20)));
}

#[test]
fn a_window_that_is_to_fill_the_screen_begins_so() {
    let mut world = World::extended();
    let client = world.connect();
    let toplevel = world.client(client).bare_toplevel();
    toplevel.toplevel.set_maximized();
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.client(client).states(&toplevel), [State::Maximized as u32]);
    assert!(
        world.client(client).sizes(&toplevel).last().is_some_and(|(width, height)| *width > 0 && *height > 0)
    );
}

/// A window of 100×100 with a subsurface of 20×20 at its corner, and the pointer at 50,50 in it.
fn with_subsurface(world: &mut World) -> (usize, impl FnMut(&mut World, i32, i32, bool) + use<>) {
    let (client, toplevel, _buffer, id) = window(world, 100, 100, RED);
    let (child, subsurface) = world.client(client).subsurface(&toplevel.surface);
    subsurface.set_desync();
    let buffer = world.client(client).buffer(20, 20, BLUE);
    show(&child, &buffer);
    toplevel.surface.commit();
    world.settle();
    enter(world, id, 50, 50);
    world.client(client).take_input();
    let to = move |world: &mut World, x: i32, y: i32, by_parent: bool| {
        let _shown = &buffer;
        subsurface.set_position(x, y);
        child.commit();
        if by_parent {
            toplevel.surface.commit();
        }
        world.settle();
    };
    (client, to)
}

#[test]
fn a_subsurface_moves_when_its_parent_is_committed_and_the_pointer_is_told() {
    let mut world = World::new();
    let (client, mut to) = with_subsurface(&mut world);
    to(&mut world, 45, 40, false);
    assert_eq!(world.client(client).take_input(), [""; 0], "its parent has not been committed");
    to(&mut world, 45, 40, true);
    assert_eq!(world.client(client).take_input(), ["pointer out", "pointer in 5 10"]);
    let id = world.daemon().only();
    assert_eq!(world.daemon().image(id).pixel(46, 41), BLUE & 0x00ff_ffff);
    to(&mut world, 0, 0, true);
    assert_eq!(world.client(client).take_input(), ["pointer out", "pointer in 50 50"]);
}

#[test]
fn a_subsurface_does_not_move_before_its_parent_is_committed_itself() {
    let mut world = World::new();
    let (client, toplevel, _buffer, id) = window(&mut world, 100, 100, RED);
    let (middle, _middle) = world.client(client).subsurface(&toplevel.surface);
    let (inner, subsurface) = world.client(client).subsurface(&middle);
    let buffers = [50, 20].map(|size| world.client(client).buffer(size, size, BLUE));
    show(&inner, &buffers[1]);
    show(&middle, &buffers[0]);
    toplevel.surface.commit();
    world.settle();
    let blue_at = |world: &mut World, x: u32| {
        world.settle();
        world.daemon().image(id).pixel(x, 5) == BLUE & 0x00ff_ffff
    };
    subsurface.set_position(60, 0);
    inner.commit();
    toplevel.surface.commit();
    assert!(!blue_at(&mut world, 70), "its parent was not committed");
    middle.commit();
    assert!(!blue_at(&mut world, 70), "its parent waits for the window");
    toplevel.surface.commit();
    assert!(blue_at(&mut world, 70));
}

#[test]
fn the_pointer_leaves_a_window_that_goes() {
    let mut world = World::new();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    enter(&mut world, id, 1, 1);
    world.client(client).take_input();
    toplevel.surface.attach(None, 0, 0);
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.client(client).take_input(), ["pointer out"]);
}

#[test]
fn a_finger_is_lifted_from_a_surface_that_goes() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    world.client(client).touch();
    world.settle();
    world.client(client).take_input();
    for kind in [TouchKind::Down, TouchKind::Frame] {
        let touch = Touch { kind, id: 3, x: Fixed(256), y: Fixed(512), time_ms: 1 };
        world.daemon().conn.touch(id, touch);
    }
    world.settle();
    toplevel.toplevel.destroy();
    toplevel.xdg_surface.destroy();
    toplevel.surface.destroy();
    world.settle();
    let expected = ["finger 3 down 1 2", "fingers", "finger 3 up", "fingers"];
    assert_eq!(world.client(client).take_input(), expected);
}

/// What ends a client that makes a window of what this makes.
fn made_a_window_of(make: impl FnOnce(&mut World, usize) -> WlSurface) -> u32 {
    let mut world = World::new();
    let client = world.connect();
    let surface = make(&mut world, client);
    world.client(client).xdg_surface(&surface);
    world.settle();
    world.client(client).protocol_error().expect("a protocol error")
}

#[test]
fn what_is_something_else_or_shows_something_cannot_become_a_window() {
    let role = made_a_window_of(|world, client| {
        let parent = world.client(client).surface();
        world.client(client).subsurface(&parent).0
    });
    assert_eq!(role, xdg_wm_base::Error::Role as u32);
    for committed in [false, true] {
        let content = made_a_window_of(|world, client| {
            let surface = world.client(client).surface();
            let buffer = world.client(client).buffer(8, 8, RED);
            surface.attach(Some(&buffer.buffer), 0, 0);
            if committed {
                surface.commit();
            }
            surface
        });
        assert_eq!(content, xdg_wm_base::Error::InvalidSurfaceState as u32, "committed: {committed}");
    }
}

#[test]
fn nobody_puts_a_panel_anywhere_unless_it_is_allowed() {
    let mut world = World::extended();
    let client = world.connect();
    assert!(!world.client(client).offers("zwlr_layer_shell_v1"));
    let mut world = World::with_layers();
    let client = world.connect();
    assert!(world.client(client).offers("zwlr_layer_shell_v1"));
}

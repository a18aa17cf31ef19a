//! Popups: where they are, that they follow, when they go.

use gui_protocol::{ButtonInput, CrossingInput, Rect, WindowId};
use transom_tests::client::{Buffer, Popup, show};
use wayland_client::Proxy;
use wayland_protocols::xdg::shell::client::{
    xdg_positioner::{Anchor, ConstraintAdjustment, Gravity, XdgPositioner},
    xdg_surface::XdgSurface,
};

use crate::{
    fixture::World,
    windows::{BLUE, GREEN, RED, another_window, window},
};

/// Below the lower left corner of a 10×10 button at 20,20.
pub fn menu_positioner(world: &mut World, client: usize, width: i32, height: i32) -> XdgPositioner {
    let positioner = world.client(client).positioner();
    positioner.set_size(width, height);
    positioner.set_anchor_rect(20, 20, 10, 10);
    positioner.set_anchor(Anchor::BottomLeft);
    positioner.set_gravity(Gravity::BottomRight);
    positioner
}

fn open(
    world: &mut World,
    client: usize,
    parent: &XdgSurface,
    positioner: &XdgPositioner,
) -> (Popup, Buffer) {
    let popup = world.client(client).popup(parent, positioner);
    world.settle();
    let buffer = fill(world, client, &popup);
    (popup, buffer)
}

/// Draws a popup at the size it was configured to.
fn fill(world: &mut World, client: usize, popup: &Popup) -> Buffer {
    let (_, _, width, height) = placed(world, client, popup);
    let buffer = world.client(client).buffer(width, height, GREEN);
    world.client(client).ack(&popup.xdg_surface);
    show(&popup.surface, &buffer);
    world.settle();
    buffer
}

fn placed(world: &mut World, client: usize, popup: &Popup) -> (i32, i32, i32, i32) {
    *world.client(client).inbox.popups[&popup.popup.id()].last().unwrap()
}

fn geometry(world: &mut World, id: WindowId) -> Rect {
    world.daemon().seen(id).geometry
}

#[test]
fn a_popup_is_an_unmanaged_window_beside_its_parent() {
    let mut world = World::new();
    let (client, toplevel, _buffer, parent) = window(&mut world, 200, 100, RED);
    world.daemon().configure(parent, Rect::new(300, 200, 200, 100));
    world.settle();
    let positioner = menu_positioner(&mut world, client, 60, 40);
    let (popup, _buffer) = open(&mut world, client, &toplevel.xdg_surface, &positioner);
    assert_eq!(placed(&mut world, client, &popup), (20, 30, 60, 40));
    let id = world.daemon().newest();
    assert_eq!(geometry(&mut world, id), Rect::new(320, 230, 60, 40));
    let seen = world.daemon().seen(id);
    assert!(seen.override_redirect && seen.mapped);
    assert_eq!(seen.transient_for, Some(parent));
}

#[test]
fn a_popup_is_kept_on_the_screen_as_it_allows() {
    let mut world = World::new();
    let (client, toplevel, _buffer, parent) = window(&mut world, 200, 100, RED);
    // the button is at 1220,720 of 1280x800
    world.daemon().configure(parent, Rect::new(1200, 700, 200, 100));
    world.settle();
    let cases = [
        (ConstraintAdjustment::empty(), (20, 30, 100, 90)),
        (ConstraintAdjustment::FlipY, (20, -70, 100, 90)),
        (ConstraintAdjustment::SlideX, (-20, 30, 100, 90)),
        (ConstraintAdjustment::SlideX | ConstraintAdjustment::SlideY, (-20, 10, 100, 90)),
        (ConstraintAdjustment::ResizeX | ConstraintAdjustment::ResizeY, (20, 30, 60, 70)),
        (ConstraintAdjustment::FlipX | ConstraintAdjustment::FlipY, (-70, -70, 100, 90)),
    ];
    for (allowed, expected) in cases {
        let positioner = menu_positioner(&mut world, client, 100, 90);
        positioner.set_constraint_adjustment(allowed);
        let (popup, _buffer) = open(&mut world, client, &toplevel.xdg_surface, &positioner);
        assert_eq!(placed(&mut world, client, &popup), expected, "{allowed:?}");
        let (x, y, width, height) = expected;
        let id = world.daemon().newest();
        assert_eq!(geometry(&mut world, id), Rect::new(1200 + x, 700 + y, width as u32, height as u32));
        popup.popup.destroy();
        world.settle();
        assert_eq!(world.daemon().windows.len(), 1);
    }
}

#[test]
fn popups_follow_their_window() {
    let mut world = World::new();
    let (client, toplevel, _buffer, parent) = window(&mut world, 200, 100, RED);
    let positioner = menu_positioner(&mut world, client, 60, 40);
    let (menu, _menu_buffer) = open(&mut world, client, &toplevel.xdg_surface, &positioner);
    let menu_id = world.daemon().newest();
    let (_submenu, _submenu_buffer) = open(&mut world, client, &menu.xdg_surface, &positioner);
    let submenu_id = world.daemon().newest();
    assert_eq!(geometry(&mut world, submenu_id), Rect::new(40, 60, 60, 40));

    world.daemon().configure(parent, Rect::new(300, 200, 200, 100));
    world.settle();
    assert_eq!(geometry(&mut world, menu_id), Rect::new(320, 230, 60, 40));
    assert_eq!(geometry(&mut world, submenu_id), Rect::new(340, 260, 60, 40));
}

#[test]
fn a_popup_can_be_repositioned() {
    let mut world = World::new();
    let (client, toplevel, _buffer, _) = window(&mut world, 200, 100, RED);
    let positioner = menu_positioner(&mut world, client, 60, 40);
    let (popup, _buffer) = open(&mut world, client, &toplevel.xdg_surface, &positioner);
    let id = world.daemon().newest();
    let elsewhere = menu_positioner(&mut world, client, 80, 20);
    elsewhere.set_offset(5, 7);
    popup.popup.reposition(&elsewhere, 42);
    world.settle();
    assert_eq!(world.client(client).inbox.repositioned, [42]);
    assert_eq!(placed(&mut world, client, &popup), (25, 37, 80, 20));
    let _buffer = fill(&mut world, client, &popup);
    assert_eq!(geometry(&mut world, id), Rect::new(25, 37, 80, 20));
    assert_eq!(world.daemon().image(id).width, 80);
}

#[test]
fn a_reactive_popup_is_fitted_again_when_its_window_moves() {
    let mut world = World::new();
    let (client, toplevel, _buffer, parent) = window(&mut world, 200, 100, RED);
    let positioner = menu_positioner(&mut world, client, 100, 40);
    positioner.set_constraint_adjustment(ConstraintAdjustment::SlideX);
    positioner.set_reactive();
    let (popup, _buffer) = open(&mut world, client, &toplevel.xdg_surface, &positioner);
    let id = world.daemon().newest();
    world.daemon().configure(parent, Rect::new(1200, 0, 200, 100));
    world.settle();
    assert_eq!(placed(&mut world, client, &popup), (-20, 30, 100, 40));
    let _buffer = fill(&mut world, client, &popup);
    assert_eq!(geometry(&mut world, id), Rect::new(1180, 30, 100, 40));
}

/// Presses the left button in a window, which also serves as the reason for a grab.
fn click(world: &mut World, id: WindowId, x: i32, y: i32) {
    let entered = CrossingInput { entered: true, x, y, state: 0, focus: false };
    world.daemon().conn.crossing(id, entered, &[0; 32]);
    for pressed in [true, false] {
        let state = if pressed { 0 } else { 0x100 };
        world.daemon().conn.button(id, ButtonInput { pressed, x, y, state, button: 1 });
    }
    world.settle();
}

/// A window with the focus and a menu that holds the input.
fn menu(world: &mut World) -> (usize, WindowId, Popup, WindowId, [Buffer; 2]) {
    let (client, toplevel, buffer, parent) = window(world, 200, 100, RED);
    world.daemon().conn.focus(parent, true, &[0; 32]);
    click(world, parent, 25, 25);
    let positioner = menu_positioner(world, client, 60, 40);
    let popup = world.client(client).bare_popup(Some(&toplevel.xdg_surface), &positioner);
    let (seat, serial) = (world.client(client).seat.clone().unwrap(), world.client(client).inbox.serial);
    popup.popup.grab(&seat, serial);
    popup.surface.commit();
    world.settle();
    let popup_buffer = fill(world, client, &popup);
    let id = world.daemon().newest();
    world.client(client).take_input();
    (client, parent, popup, id, [buffer, popup_buffer])
}

#[test]
fn a_menu_gets_the_keyboard_and_gives_it_back() {
    let mut world = World::new();
    let (client, parent, popup, ..) = menu(&mut world);
    let key = gui_protocol::KeyInput { pressed: true, x: 0, y: 0, state: 0, keycode: 38 };
    world.daemon().conn.key(parent, key);
    world.settle();
    assert_eq!(world.client(client).take_input(), ["key 30 down"]);
    popup.popup.destroy();
    world.settle();
    let input = world.client(client).take_input();
    assert_eq!(input[..2], ["keyboard out", "keyboard in"], "back to the window: {input:?}");
}

#[test]
fn a_menu_goes_when_the_focus_does() {
    let mut world = World::new();
    let (client, parent, popup, ..) = menu(&mut world);
    world.daemon().conn.focus(parent, false, &[0; 32]);
    world.settle();
    assert_eq!(world.client(client).inbox.popups_done, [popup.popup.id()]);
}

#[test]
fn a_menu_goes_when_another_window_is_clicked() {
    let mut world = World::new();
    let (client, _, popup, ..) = menu(&mut world);
    let (_, _, _buffer, other) = window(&mut world, 50, 50, BLUE);
    click(&mut world, other, 5, 5);
    assert_eq!(world.client(client).inbox.popups_done, [popup.popup.id()]);
}

#[test]
fn a_click_into_the_menu_leaves_it_open() {
    let mut world = World::new();
    let (client, _, _, id, _buffers) = menu(&mut world);
    click(&mut world, id, 5, 6);
    assert!(world.client(client).inbox.popups_done.is_empty());
    let input = world.client(client).take_input();
    assert!(
        input.contains(&"pointer in 5 6".into()) && input.contains(&"button 0x110 down".into()),
        "{input:?}"
    );
}

#[test]
fn popups_go_with_their_window() {
    let mut world = World::new();
    let (client, toplevel, _buffer, _) = window(&mut world, 200, 100, RED);
    let (_, _other_buffer, other) = another_window(&mut world, client, 50, 50, BLUE);
    let positioner = menu_positioner(&mut world, client, 60, 40);
    let (menu, _menu_buffer) = open(&mut world, client, &toplevel.xdg_surface, &positioner);
    let (submenu, _submenu_buffer) = open(&mut world, client, &menu.xdg_surface, &positioner);
    toplevel.surface.attach(None, 0, 0);
    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().only(), other);
    assert_eq!(world.client(client).inbox.popups_done, [menu.popup.id(), submenu.popup.id()]);
}

#[test]
fn an_application_that_dies_with_its_menu_open_leaves_the_input_free() {
    let mut world = World::new();
    let (_, _other, _other_buffer, other) = window(&mut world, 50, 50, BLUE);
    let (client, parent, ..) = menu(&mut world);
    world.clients.remove(client);
    world.settle();
    assert_eq!(world.daemon().only(), other);
    // late news of windows that are gone
    world.daemon().conn.focus(parent, false, &[0; 32]);
    world.daemon().conn.focus(other, true, &[0; 32]);
    click(&mut world, other, 5, 5);
    let key = gui_protocol::KeyInput { pressed: true, x: 0, y: 0, state: 0, keycode: 38 };
    world.daemon().conn.key(other, key);
    world.settle();
    let input = world.client(0).take_input();
    assert!(
        input.contains(&"button 0x110 down".into()) && input.contains(&"key 30 down".into()),
        "{input:?}"
    );
}

#[test]
fn a_window_closed_under_its_menu_takes_it_along() {
    let mut world = World::new();
    let (client, toplevel, _buffer, parent) = window(&mut world, 200, 100, RED);
    world.daemon().conn.focus(parent, true, &[0; 32]);
    click(&mut world, parent, 25, 25);
    let positioner = menu_positioner(&mut world, client, 60, 40);
    let popup = world.client(client).bare_popup(Some(&toplevel.xdg_surface), &positioner);
    let (seat, serial) = (world.client(client).seat.clone().unwrap(), world.client(client).inbox.serial);
    popup.popup.grab(&seat, serial);
    popup.surface.commit();
    world.settle();
    let _popup_buffer = fill(&mut world, client, &popup);
    toplevel.toplevel.destroy();
    world.settle();
    assert!(world.daemon().windows.is_empty());
    popup.popup.destroy();
    world.settle();
    assert_eq!(world.client(client).error, None);
}

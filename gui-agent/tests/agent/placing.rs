//! Popups that the GUI domain places.

use gui_protocol::{Arrange, ButtonInput, CrossingInput, KeyInput, Rect, WindowId};
use transom_tests::client::{Buffer, Popup, show};
use wayland_client::Proxy;
use wayland_protocols::xdg::shell::client::{
    xdg_positioner::{Anchor, ConstraintAdjustment, Gravity},
    xdg_surface::XdgSurface,
};

use crate::{
    fixture::World,
    popups::menu_positioner,
    windows::{BLUE, GREEN, LETTERS, RED, window},
};

fn placed(world: &mut World, client: usize, popup: &Popup) -> Option<(i32, i32, i32, i32)> {
    world.client(client).inbox.popups.get(&popup.popup.id()).and_then(|all| all.last().copied())
}

/// The GUI domain answers what was asked last of a popup.
fn place(world: &mut World, id: WindowId, x: i32, y: i32, width: u32, height: u32) {
    let token = world.daemon().seen(id).popup.unwrap().1;
    world.daemon().conn.arrange(id, Arrange { x, y, width, height, token, ..Arrange::default() });
    world.settle();
}

fn fill(world: &mut World, client: usize, popup: &Popup) -> Buffer {
    let (_, _, width, height) = placed(world, client, popup).unwrap();
    let buffer = world.client(client).buffer(width, height, GREEN);
    world.client(client).ack(&popup.xdg_surface);
    show(&popup.surface, &buffer);
    world.settle();
    buffer
}

/// A popup, asked for and placed by the GUI domain, with its content.
fn open(world: &mut World, client: usize, parent: &XdgSurface) -> (Popup, WindowId, Buffer) {
    let positioner = menu_positioner(world, client, 60, 40);
    let popup = world.client(client).popup(parent, &positioner);
    world.settle();
    let id = world.daemon().newest();
    place(world, id, 20, 30, 60, 40);
    let buffer = fill(world, client, &popup);
    (popup, id, buffer)
}

#[test]
fn a_popup_waits_for_the_gui_domain_to_place_it() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, parent) = window(&mut world, 200, 100, RED);
    let positioner = menu_positioner(&mut world, client, 60, 40);
    positioner.set_constraint_adjustment(ConstraintAdjustment::SlideX | ConstraintAdjustment::FlipY);
    positioner.set_offset(3, -4);
    let popup = world.client(client).popup(&toplevel.xdg_surface, &positioner);
    world.settle();
    let id = world.daemon().newest();
    assert_eq!(placed(&mut world, client, &popup), None, "it does not know where yet");
    let seen = world.daemon().seen(id);
    assert!(!seen.mapped);
    let (of, _, told) = seen.popup.unwrap();
    assert_eq!((of, told.anchor_rect, told.width, told.height), (parent, Rect::new(20, 20, 10, 10), 60, 40));
    assert_eq!((told.anchor, told.gravity), (Anchor::BottomLeft as u32, Gravity::BottomRight as u32));
    assert_eq!((told.constraint, told.offset_x, told.offset_y), (1 | 8, 3, -4));
    assert!(!told.reactive && !told.grab);

    // the GUI domain turned it round and made it smaller
    place(&mut world, id, 20, -35, 50, 35);
    assert_eq!(placed(&mut world, client, &popup), Some((20, -35, 50, 35)));
    let _popup_buffer = fill(&mut world, client, &popup);
    assert!(world.daemon().seen(id).mapped);
    assert_eq!(world.daemon().image(id).grid(5, &LETTERS), ["GGGGGGGGGG"; 7].join("\n"));
    assert_eq!(world.client(client).inbox.popups[&popup.popup.id()].len(), 1, "configured once");
}

#[test]
fn a_popup_is_moved_when_its_client_and_the_gui_domain_agree() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, _) = window(&mut world, 200, 100, RED);
    let (popup, id, _popup_buffer) = open(&mut world, client, &toplevel.xdg_surface);
    for (token, width) in [(41, 70), (42, 80)] {
        let elsewhere = menu_positioner(&mut world, client, width, 20);
        popup.popup.reposition(&elsewhere, token);
    }
    world.settle();
    assert_eq!(world.client(client).inbox.repositioned, []);
    place(&mut world, id, 25, 37, 80, 20);
    assert_eq!(world.client(client).inbox.repositioned, [42], "the last one counts");
    assert_eq!(placed(&mut world, client, &popup), Some((25, 37, 80, 20)));
    let _larger = fill(&mut world, client, &popup);
    assert_eq!(world.daemon().image(id).width, 80);
}

#[test]
fn a_popup_is_placed_anew_before_it_has_content() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, _) = window(&mut world, 200, 100, RED);
    let small = menu_positioner(&mut world, client, 60, 40);
    let popup = world.client(client).popup(&toplevel.xdg_surface, &small);
    world.settle();
    let id = world.daemon().newest();
    place(&mut world, id, 20, 30, 60, 40);
    for (token, width) in [(41, 70), (42, 80)] {
        let elsewhere = menu_positioner(&mut world, client, width, 20);
        popup.popup.reposition(&elsewhere, token);
        world.settle();
        place(&mut world, id, 25, 37, width as u32, 20);
    }
    assert_eq!(world.client(client).inbox.repositioned, [41, 42], "it may wait for that before it draws");
    assert_eq!(placed(&mut world, client, &popup), Some((25, 37, 80, 20)));
    let _popup_buffer = fill(&mut world, client, &popup);
    assert_eq!(world.daemon().image(id).width, 80);
}

#[test]
fn only_a_reactive_popup_is_moved_unasked() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, _) = window(&mut world, 200, 100, RED);
    let (popup, id, _popup_buffer) = open(&mut world, client, &toplevel.xdg_surface);
    world.daemon().conn.arrange(id, Arrange { x: 1, y: 2, width: 60, height: 40, ..Arrange::default() });
    world.settle();
    assert_eq!(placed(&mut world, client, &popup), Some((20, 30, 60, 40)));

    let reactive = menu_positioner(&mut world, client, 60, 40);
    reactive.set_reactive();
    let popup = world.client(client).popup(&toplevel.xdg_surface, &reactive);
    world.settle();
    let id = world.daemon().newest();
    assert!(world.daemon().seen(id).popup.unwrap().2.reactive);
    place(&mut world, id, 20, 30, 60, 40);
    let _popup_buffer = fill(&mut world, client, &popup);
    world.daemon().conn.arrange(id, Arrange { x: 1, y: 2, width: 60, height: 40, ..Arrange::default() });
    world.settle();
    assert_eq!(placed(&mut world, client, &popup), Some((1, 2, 60, 40)));
}

#[test]
fn a_popup_gone_before_it_was_placed_leaves_nothing() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, parent) = window(&mut world, 200, 100, RED);
    let positioner = menu_positioner(&mut world, client, 60, 40);
    let popup = world.client(client).popup(&toplevel.xdg_surface, &positioner);
    world.settle();
    let id = world.daemon().newest();
    assert_ne!(id, parent);
    popup.popup.destroy();
    world.daemon().conn.arrange(id, Arrange { x: 1, y: 2, token: 1, ..Arrange::default() });
    world.settle();
    assert_eq!(world.daemon().only(), parent);
    assert_eq!(world.client(client).error, None);
}

#[test]
fn popups_that_were_not_placed_are_when_the_daemon_goes() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, _) = window(&mut world, 200, 100, RED);
    let positioner = menu_positioner(&mut world, client, 60, 40);
    let popup = world.client(client).popup(&toplevel.xdg_surface, &positioner);
    world.settle();
    world.daemon = None;
    world.settle();
    assert_eq!(placed(&mut world, client, &popup), Some((20, 30, 60, 40)), "the agent does it alone");
    let _popup_buffer = fill(&mut world, client, &popup);

    // the next one is told all about it, and may have it elsewhere
    world.start_extended_daemon();
    let id = world.daemon().newest();
    let seen = world.daemon().seen(id);
    assert!(seen.mapped && seen.popup.is_some());
}

#[test]
fn a_popup_shown_to_a_plain_daemon_is_one_to_the_next() {
    let mut world = World::new();
    let (client, toplevel, _buffer, _) = window(&mut world, 200, 100, RED);
    let positioner = menu_positioner(&mut world, client, 60, 40);
    let popup = world.client(client).popup(&toplevel.xdg_surface, &positioner);
    world.settle();
    let _popup_buffer = fill(&mut world, client, &popup);
    world.daemon = None;
    world.settle();
    world.start_extended_daemon();
    let id = world.daemon().newest();
    let (_, _, told) = world.daemon().seen(id).popup.unwrap();
    assert_eq!((told.width, told.height), (60, 40));
}

/// Presses the left button in a window, which also serves as the reason for a grab.
fn click(world: &mut World, id: WindowId, x: i32, y: i32) {
    let entered = CrossingInput { entered: true, x, y, state: 0, focus: false };
    world.daemon().conn.crossing(id, entered, &[0; 32]);
    for pressed in [true, false] {
        world.daemon().conn.button(id, ButtonInput { pressed, x, y, state: 0, button: 1 });
    }
    world.settle();
}

/// A menu that holds the input.
fn menu(world: &mut World, client: usize, parent: &XdgSurface) -> (Popup, WindowId, Buffer) {
    let positioner = menu_positioner(world, client, 60, 40);
    let popup = world.client(client).bare_popup(Some(parent), &positioner);
    let (seat, serial) = (world.client(client).seat.clone().unwrap(), world.client(client).inbox.serial);
    popup.popup.grab(&seat, serial);
    popup.surface.commit();
    world.settle();
    let id = world.daemon().newest();
    assert!(world.daemon().seen(id).popup.unwrap().2.grab, "the GUI domain knows that it holds the input");
    place(world, id, 20, 30, 60, 40);
    let buffer = fill(world, client, &popup);
    (popup, id, buffer)
}

/// A window in use with a menu and a menu of that.
fn menus(world: &mut World) -> (usize, [WindowId; 3], [Popup; 2], [Buffer; 3]) {
    let (client, toplevel, buffer, parent) = window(world, 200, 100, RED);
    world.daemon().conn.focus(parent, true, &[0; 32]);
    click(world, parent, 25, 25);
    let (menu_popup, menu_id, menu_buffer) = menu(world, client, &toplevel.xdg_surface);
    let (submenu, submenu_id, submenu_buffer) = menu(world, client, &menu_popup.xdg_surface);
    world.client(client).take_input();
    (client, [parent, menu_id, submenu_id], [menu_popup, submenu], [buffer, menu_buffer, submenu_buffer])
}

#[test]
fn closing_a_menu_closes_what_stands_on_it() {
    let mut world = World::extended();
    let (client, [parent, menu, submenu], popups, _buffers) = menus(&mut world);
    assert_eq!(world.daemon().seen(submenu).popup.unwrap().0, menu, "it stands on the menu");
    // the user turned elsewhere: all are closed, which need be said but once
    for id in [submenu, menu] {
        world.daemon().conn.close(id);
    }
    world.settle();
    let [menu, submenu] = popups.each_ref().map(|it| it.popup.id());
    assert_eq!(world.client(client).inbox.popups_done, [submenu, menu]);
    popups.iter().rev().for_each(|popup| popup.popup.destroy());
    world.settle();
    assert_eq!(world.daemon().only(), parent);
    // and the window has the keyboard again
    world.client(client).take_input();
    world.daemon().conn.key(parent, KeyInput { pressed: true, x: 0, y: 0, state: 0, keycode: 38 });
    world.settle();
    assert_eq!(world.client(client).take_input(), ["key 30 down"]);
}

#[test]
fn closing_the_lowest_menu_is_enough() {
    let mut world = World::extended();
    let (client, [_, menu, _], popups, _buffers) = menus(&mut world);
    world.daemon().conn.close(menu);
    world.settle();
    let [menu, submenu] = popups.each_ref().map(|it| it.popup.id());
    assert_eq!(world.client(client).inbox.popups_done, [submenu, menu]);
}

#[test]
fn closing_the_upper_menu_leaves_the_lower_one_the_input() {
    let mut world = World::extended();
    let (client, [parent, _, submenu], popups, _buffers) = menus(&mut world);
    world.daemon().conn.close(submenu);
    world.settle();
    assert_eq!(world.client(client).inbox.popups_done, [popups[1].popup.id()]);
    popups[1].popup.destroy();
    world.settle();
    world.client(client).take_input();
    world.daemon().conn.key(parent, KeyInput { pressed: true, x: 0, y: 0, state: 0, keycode: 38 });
    world.settle();
    assert_eq!(world.client(client).take_input(), ["key 30 down"]);
    assert_eq!(world.client(client).inbox.popups_done.len(), 1);
}

#[test]
fn a_tooltip_is_closed_without_a_word_about_input() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, parent) = window(&mut world, 200, 100, BLUE);
    let (popup, id, _popup_buffer) = open(&mut world, client, &toplevel.xdg_surface);
    assert!(!world.daemon().seen(id).popup.unwrap().2.grab);
    world.daemon().conn.close(id);
    world.settle();
    assert_eq!(world.client(client).inbox.popups_done, [popup.popup.id()]);
    popup.popup.destroy();
    world.settle();
    assert_eq!(world.daemon().only(), parent);
}

//! Menus lie where there is room for them, and go when the user turns to anything else.

use gui_daemon::shell::geom::Rect;
use transom_tests::client::{Popup, show};
use wayland_client::Proxy;
use wayland_protocols::xdg::shell::client::{
    xdg_positioner::{Anchor, ConstraintAdjustment, Gravity, XdgPositioner},
    xdg_surface::XdgSurface,
};

use crate::fixture::{App, Dom0, HEIGHT, Personal, World};

const MENU: (i32, i32) = (90, 120);

/// A positioner for a menu below a button at the window's upper left, or above it where there is no room.
fn drop_down(world: &mut World, app: &App) -> XdgPositioner {
    let positioner = world.client(app.client).positioner();
    positioner.set_size(MENU.0, MENU.1);
    positioner.set_anchor_rect(10, 10, 40, 20);
    positioner.set_anchor(Anchor::BottomLeft);
    positioner.set_gravity(Gravity::BottomRight);
    positioner.set_constraint_adjustment(ConstraintAdjustment::FlipY | ConstraintAdjustment::SlideX);
    positioner
}

/// A menu on the screen, and the daemon's number of it.
fn open(
    world: &mut World,
    app: &App,
    parent: &XdgSurface,
    positioner: &XdgPositioner,
    grabs: bool,
) -> (Popup, u64) {
    let client = world.client(app.client);
    let menu = client.bare_popup(Some(parent), positioner);
    if grabs {
        menu.popup.grab(client.seat.as_ref().unwrap(), client.inbox.serial);
    }
    menu.surface.commit();
    world.settle();
    let client = world.client(app.client);
    client.ack(&menu.xdg_surface);
    let buffer = client.buffer(MENU.0, MENU.1, app.colour);
    show(&menu.surface, &buffer);
    world.settle();
    (menu, world.newest())
}

/// Which popups were dismissed since last asked.
fn dismissed(world: &mut World, app: &App) -> Vec<u32> {
    let done = std::mem::take(&mut world.client(app.client).inbox.popups_done);
    done.iter().map(|id| id.protocol_id()).collect()
}

fn name(menu: &Popup) -> u32 {
    menu.popup.id().protocol_id()
}

#[test]
fn a_menu_without_room_below_opens_above() {
    let mut world = World::new();
    let app = world.app(Dom0, 200, 150);
    world.put(app.id, 100, HEIGHT - 100);
    let positioner = drop_down(&mut world, &app);
    let (menu, id) = open(&mut world, &app, &app.toplevel.xdg_surface, &positioner, false);
    let content = world.content(app.id);
    let expected = Rect::new(content.x + 10, content.y + 10 - MENU.1, MENU.0, MENU.1);
    assert_eq!(world.content(id), expected);
    let told = &world.client(app.client).inbox.popups[&menu.popup.id()];
    assert_eq!(told, &[(10, 10 - MENU.1, MENU.0, MENU.1)]);
}

#[test]
fn a_menu_goes_with_its_window_and_a_reactive_one_is_told() {
    for reactive in [false, true] {
        let mut world = World::new();
        let app = world.app(Dom0, 200, 150);
        world.put(app.id, 100, 100);
        let positioner = drop_down(&mut world, &app);
        if reactive {
            positioner.set_reactive();
        }
        let (menu, id) = open(&mut world, &app, &app.toplevel.xdg_surface, &positioner, false);
        world.put(app.id, 60, 80);
        let content = world.content(app.id);
        let below = Rect::new(content.x + 10, content.y + 30, MENU.0, MENU.1);
        assert_eq!(world.content(id), below);
        world.put(app.id, 60, HEIGHT - 100);
        let content = world.content(app.id);
        let told = world.client(app.client).inbox.popups[&menu.popup.id()].clone();
        if reactive {
            assert_eq!(world.content(id).y, content.y + 10 - MENU.1, "turned over");
            assert_eq!(told, [(10, 30, MENU.0, MENU.1), (10, 10 - MENU.1, MENU.0, MENU.1)]);
        } else {
            assert_eq!(world.content(id).y, HEIGHT - MENU.1, "pushed back onto the screen");
            assert_eq!(told.len(), 1);
        }
    }
}

#[test]
fn a_click_anywhere_else_closes_all_menus_the_topmost_first() {
    type Place = fn(&mut World, &App, &App) -> (i32, i32);
    let somewhere: [(&str, Place); 4] = [
        ("the desktop", |_, _, _| (700, 500)),
        ("its window's frame", |world, app, _| (world.frame(app.id).x + 60, world.frame(app.id).y + 10)),
        ("its window", |world, app, _| {
            (world.content(app.id).right() - 5, world.content(app.id).bottom() - 5)
        }),
        ("a domain's window", |world, _, other| {
            (world.content(other.id).x + 50, world.content(other.id).y + 50)
        }),
    ];
    for (place, at) in somewhere {
        let mut world = World::new();
        let other = world.app(Personal, 100, 100);
        world.put(other.id, 500, 20);
        let app = world.app(Dom0, 200, 150);
        world.put(app.id, 20, 100);
        let positioner = drop_down(&mut world, &app);
        let (menu, _) = open(&mut world, &app, &app.toplevel.xdg_surface, &positioner, true);
        let (submenu, id) = open(&mut world, &app, &menu.xdg_surface, &positioner, true);

        let inside = world.content(id);
        world.click(inside.x + 5, inside.y + 5);
        assert_eq!(dismissed(&mut world, &app), [0u32; 0], "its own menus are not elsewhere");
        let (x, y) = at(&mut world, &app, &other);
        world.click(x, y);
        assert_eq!(dismissed(&mut world, &app), [name(&submenu), name(&menu)], "{place}");
    }
}

#[test]
fn menus_go_with_the_focus_and_only_the_focused_window_has_some() {
    let mut world = World::new();
    let other = world.app(Personal, 100, 100);
    world.put(other.id, 500, 20);
    let app = world.app(Dom0, 200, 150);
    world.put(app.id, 20, 100);
    let positioner = drop_down(&mut world, &app);
    let (menu, _) = open(&mut world, &app, &app.toplevel.xdg_surface, &positioner, true);
    world.focus(other.id);
    assert_eq!(dismissed(&mut world, &app), [name(&menu)]);
    menu.popup.destroy();
    let (late, _) = open(&mut world, &app, &app.toplevel.xdg_surface, &positioner, true);
    assert_eq!(dismissed(&mut world, &app), [name(&late)], "one that comes too late is closed at once");
    assert_eq!(world.focused(), Some(other.id));
}

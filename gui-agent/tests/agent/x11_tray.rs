//! Icons that X11 programs put in the tray.

use gui_protocol::{ButtonInput, CrossingInput, Rect, WindowId};
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{AtomEnum, ClientMessageEvent, ConfigureWindowAux, ConnectionExt as _, EventMask, Window},
    },
};

use crate::{
    fixture::{
        World,
        x11::{BLUE, GREEN, RED, XClient},
    },
    x11::{NO_KEYS, place, rect, with_both},
};

/// The window that icons are handed to.
fn tray_of(world: &mut World, client: &XClient) -> Window {
    let (conn, selection) = (client.conn.clone(), world.atom(client, "_NET_SYSTEM_TRAY_S0"));
    world.beside(move || conn.get_selection_owner(selection).unwrap().reply().unwrap().owner)
}

/// Hands a window over as an icon.
fn dock(world: &mut World, client: &XClient, window: Window) {
    let (tray, opcode) = (tray_of(world, client), world.atom(client, "_NET_SYSTEM_TRAY_OPCODE"));
    let event = ClientMessageEvent::new(32, tray, opcode, [0, 0, window, 0, 0]);
    client.conn.send_event(false, tray, EventMask::NO_EVENT, event).unwrap();
    client.conn.flush().unwrap();
}

/// Waits for an icon that the daemon has not been told of before.
fn docked(world: &mut World) -> WindowId {
    let before: Vec<_> = world.daemon().windows.keys().copied().collect();
    world.until("the icon is shown", |world| {
        let windows = &world.daemon().windows;
        windows.iter().any(|(id, seen)| !before.contains(id) && seen.docked && seen.image.is_some())
    });
    *world.daemon().windows.keys().find(|id| !before.contains(id)).unwrap()
}

fn is_drawn(world: &mut World, id: WindowId, side: u32, colour: u32) -> bool {
    let image = world.daemon().image(id);
    (image.width, image.height) == (side, side)
        && [(0, 0), (side - 1, side - 1)].iter().all(|(x, y)| image.pixel(*x, *y) == colour)
}

#[test]
fn an_icon_is_docked_where_the_gui_domain_has_its_tray() {
    with_both(|world| {
        let mut client = world.connect_x11();
        let icon = client.window(rect(0, 0, 16, 16), RED);
        client.set_text(icon, AtomEnum::WM_NAME, AtomEnum::STRING, "mail");
        let embed = world.atom(&client, "_XEMBED");
        dock(world, &client, icon);
        let id = docked(world);
        assert!(world.daemon().seen(id).override_redirect && !world.daemon().seen(id).mapped);
        let told = world.until_told(&mut client, "its being an icon", |event| match event {
            Event::ClientMessage(it) if it.window == icon && it.type_ == embed => Some(it.data.as_data32()),
            _ => None,
        });
        assert_eq!((told[1], told[4]), (0, 0), "embedded, by version 0");
        world.until("its picture", |world| is_drawn(world, id, 22, RED));
        assert_eq!(world.daemon().seen(id).title, "mail", "as the icon is called");

        place(world, id, Rect::new(1200, 4, 24, 24));
        world.until("it fills its cell", |world| is_drawn(world, id, 24, RED));
        // it is not the program's to say
        client.conn.configure_window(icon, &ConfigureWindowAux::new().x(7).width(50).height(5)).unwrap();
        world.sync_x11(&client);
        world.settle();
        assert!(is_drawn(world, id, 24, RED));

        let enter = CrossingInput { entered: true, x: 5, y: 6, state: 0, focus: false };
        world.daemon().conn.crossing(id, enter, &NO_KEYS);
        world.daemon().conn.button(id, ButtonInput { pressed: true, x: 5, y: 6, state: 0, button: 3 });
        let click = world.until_told(&mut client, "the click", |event| match event {
            Event::ButtonPress(it) if it.event == icon => Some(*it),
            _ => None,
        });
        // so its menu comes out beside it
        assert_eq!((click.event_x, click.event_y, click.root_x, click.root_y), (5, 6, 1205, 10));
        assert_eq!(click.detail, 3);

        world.daemon().conn.close(id);
        world.sync_x11(&client);
        world.settle();
        assert_eq!(world.daemon().windows.len(), 1, "an icon is not closed, and nothing ends");
        client.conn.destroy_window(icon).unwrap();
        client.conn.flush().unwrap();
        world.until("it is gone", |world| world.daemon().windows.is_empty());
    });
}

#[test]
fn an_icon_with_an_opacity_keeps_it() {
    let mut world = World::with_x11();
    world.start_extended_daemon();
    let client = world.connect_x11();
    let (tray, visual) = (tray_of(&mut world, &client), world.atom(&client, "_NET_SYSTEM_TRAY_VISUAL"));
    let offered = world.words(&client, tray, visual);
    let depths = &client.conn.setup().roots[0].allowed_depths;
    let deep = depths.iter().find(|depth| depth.depth == 32).unwrap();
    assert!(deep.visuals.iter().any(|visual| [visual.visual_id] == *offered));
    // half of a green
    let icon = client.translucent(rect(0, 0, 16, 16), 0x8000_8000);
    dock(&mut world, &client, icon);
    let id = docked(&mut world);
    world.until("its picture", |world| {
        let image = world.daemon().image(id);
        image.word(10, 10) == 0x8000_8000
    });
}

#[test]
fn an_icon_is_seen_as_long_as_its_program_wants() {
    with_both(|world| {
        let client = world.connect_x11();
        let info = world.atom(&client, "_XEMBED_INFO");
        let icon = client.window(rect(0, 0, 16, 16), BLUE);
        client.set_words(icon, info, info, &[0, 0]);
        dock(world, &client, icon);
        world.sync_x11(&client);
        world.settle();
        assert!(world.daemon().windows.is_empty());
        client.set_words(icon, info, info, &[0, 1]);
        docked(world);
        client.set_words(icon, info, info, &[0, 0]);
        world.until("it is hidden", |world| world.daemon().windows.is_empty());
        client.set_words(icon, info, info, &[0, 1]);
        docked(world);
        // taken out
        client.conn.reparent_window(icon, client.root, 0, 0).unwrap();
        client.conn.flush().unwrap();
        world
            .until("it is an icon no more", |world| !world.daemon().windows.values().any(|seen| seen.docked));
        client.conn.unmap_window(icon).unwrap();
        dock(world, &client, icon);
        docked(world);
        drop(client);
        world.until("it goes with its program", |world| world.daemon().windows.is_empty());
    });
}

#[test]
fn programs_that_hand_over_what_is_no_icon_get_nowhere() {
    let mut world = World::with_x11();
    world.start_extended_daemon();
    let client = world.connect_x11();
    let (window, id) = world.show_x11(&client, rect(0, 0, 60, 40), RED);
    let tray = tray_of(&mut world, &client);
    let icon = client.window(rect(0, 0, 16, 16), GREEN);
    dock(&mut world, &client, icon);
    let docked_id = docked(&mut world);
    let (conn, of_icon) = (client.conn.clone(), icon);
    let cell = world.beside(move || conn.query_tree(of_icon).unwrap().reply().unwrap().parent);
    assert_ne!(cell, client.root);
    // the root, the tray itself, a cell, an icon again, windows that are shown, are none, or are gone
    for window in [client.root, tray, cell, icon, icon, window, 0, u32::MAX, 12345] {
        dock(&mut world, &client, window);
    }
    let close = world.atom(&client, "_NET_CLOSE_WINDOW");
    client.tell_manager(cell, close, [0; 5]);
    let gone = client.window(rect(0, 0, 16, 16), RED);
    dock(&mut world, &client, gone);
    client.conn.destroy_window(gone).unwrap();
    world.sync_x11(&client);
    world.settle();
    // the one that is gone may have been an icon for a moment
    world.until("all is as before", |world| world.daemon().windows.keys().eq([&id, &docked_id]));

    // another's doing, in a way that no program should
    client.conn.destroy_window(cell).unwrap();
    client.conn.flush().unwrap();
    world.until("the icon went with its cell", |world| world.daemon().windows.len() == 1);

    let icons: Vec<_> = (0..100).map(|_| client.window(rect(0, 0, 16, 16), GREEN)).collect();
    icons.iter().for_each(|icon| dock(&mut world, &client, *icon));
    world.until("as many as there may be are docked", |world| world.daemon().windows.len() == 65);
    world.sync_x11(&client);
    world.settle();
    assert_eq!(world.daemon().windows.len(), 65);
    for icon in icons {
        client.conn.destroy_window(icon).unwrap();
    }
    client.conn.flush().unwrap();
    world.until("they are gone", |world| world.daemon().windows.len() == 1);
    let icon = client.window(rect(0, 0, 16, 16), BLUE);
    dock(&mut world, &client, icon);
    docked(&mut world);
}

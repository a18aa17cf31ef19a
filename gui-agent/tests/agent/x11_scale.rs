//! X11 programs on screens of other scales than 1: they draw pixels, and are told how large things should be.

use gui_protocol::{Arrange, ButtonInput, CrossingInput, Scale, WindowId};
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{AtomEnum, ConnectionExt as _, CreateGCAux, PropMode, Window},
    },
    wrapper::ConnectionExt as _,
};

use crate::{
    fixture::{
        World,
        x11::{BLUE, GREEN, RED, XClient},
    },
    paced::output,
    x11::{NO_KEYS, rect},
};

/// An agent whose GUI domain has one output of 2560x1600 pixels.
fn world_at(in_120ths: u32) -> World {
    let mut world = World::with_x11();
    world.start_extended_daemon();
    world.daemon().conn.outputs(&[output(1, 0, (2560, 1600), in_120ths)]);
    world.settle();
    world
}

/// The daemon wants a window so, on an output of this scale.
fn arrange(world: &mut World, id: WindowId, (x, y): (i32, i32), (width, height): (u32, u32), in_120ths: u32) {
    let scale = Scale::new(in_120ths).unwrap();
    world.daemon().conn.arrange(id, Arrange { x, y, width, height, scale, ..Arrange::default() });
}

fn resources(world: &mut World, client: &XClient) -> String {
    let (conn, root) = (client.conn.clone(), client.root);
    let reply = world.beside(move || {
        let (property, type_) = (AtomEnum::RESOURCE_MANAGER, AtomEnum::STRING);
        conn.get_property(false, root, property, type_, 0, 1000).unwrap().reply().unwrap()
    });
    String::from_utf8(reply.value).unwrap()
}

/// The settings that toolkits look for, each a number.
fn settings(world: &mut World, client: &XClient) -> Vec<(String, u32)> {
    let (selection, property) =
        (world.atom(client, "_XSETTINGS_S0"), world.atom(client, "_XSETTINGS_SETTINGS"));
    let conn = client.conn.clone();
    let bytes = world.beside(move || {
        let owner = conn.get_selection_owner(selection).unwrap().reply().unwrap().owner;
        conn.get_property(false, owner, property, property, 0, 1000).unwrap().reply().unwrap().value
    });
    let word = |at: usize| u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap());
    assert_eq!(bytes[0], u8::from(cfg!(target_endian = "big")));
    let mut at = 12;
    let settings = (0..word(8)).map(|_| {
        assert_eq!(bytes[at], 0, "a number");
        let length = usize::from(u16::from_ne_bytes([bytes[at + 2], bytes[at + 3]]));
        let name = String::from_utf8(bytes[at + 4..at + 4 + length].to_vec()).unwrap();
        at += 4 + length.next_multiple_of(4) + 8;
        (name, word(at - 4))
    });
    let settings = settings.collect();
    assert_eq!(at, bytes.len());
    settings
}

/// Draws lines of one pixel each, every other red.
fn draw_lines(client: &XClient, window: Window, width: i16, height: u16) {
    let context = client.conn.generate_id().unwrap();
    client.conn.create_gc(context, window, &CreateGCAux::new().foreground(RED)).unwrap();
    let lines: Vec<_> = (0..width).step_by(2).map(|x| rect(x, 0, 1, height)).collect();
    client.conn.poly_fill_rectangle(window, context, &lines).unwrap();
    client.conn.flush().unwrap();
}

fn shows_lines(world: &mut World, id: WindowId, width: u32, height: u32) -> bool {
    let image = world.daemon().image(id);
    (image.width, image.height) == (width, height)
        && (0..width).all(|x| image.pixel(x, height / 2) == if x % 2 == 0 { RED } else { BLUE })
}

#[test]
fn what_a_program_draws_is_shown_pixel_by_pixel() {
    for (in_120ths, size) in [(120, (400, 300)), (180, (267, 200)), (240, (200, 150))] {
        let mut world = world_at(in_120ths);
        let mut client = world.connect_x11();
        let (conn, root) = (client.conn.clone(), client.root);
        let screen = world.beside(move || conn.get_geometry(root).unwrap().reply().unwrap());
        assert_eq!((screen.width, screen.height), (2560, 1600), "the screen's pixels");

        let (window, id) = world.show_x11(&client, rect(0, 0, 400, 300), BLUE);
        draw_lines(&client, window, 400, 300);
        world.until("the lines are seen", |world| shows_lines(world, id, 400, 300));
        let last = world.daemon().seen(id).commits.last().unwrap().clone();
        assert_eq!((last.width, last.height), size);
        assert_eq!(last.scale, Scale::new(in_120ths).unwrap());

        // the size of its own stays when it is told of
        arrange(&mut world, id, (100, 60), size, in_120ths);
        let scaled = |units: i32| i16::try_from(units * in_120ths as i32 / 120).unwrap();
        let corner = (scaled(100), scaled(60));
        world.until("it is there", |world| world.place_of(&client, window) == corner);
        world.settle();
        assert!(shows_lines(&mut world, id, 400, 300));

        let enter = CrossingInput { entered: true, x: 20, y: 10, state: 0, focus: false };
        world.daemon().conn.crossing(id, enter, &NO_KEYS);
        world.daemon().conn.button(id, ButtonInput { pressed: true, x: 20, y: 10, state: 0, button: 1 });
        let click = world.until_told(&mut client, "the click", |event| match event {
            Event::ButtonPress(it) if it.event == window => Some(*it),
            _ => None,
        });
        assert_eq!((click.event_x, click.event_y), (scaled(20), scaled(10)));
        assert_eq!((click.root_x, click.root_y), (corner.0 + scaled(20), corner.1 + scaled(10)));

        arrange(&mut world, id, (100, 60), (300, 100), in_120ths);
        let (wide, high) = (scaled(300) as u32, scaled(100) as u32);
        world.until("it is drawn so", |world| {
            let image = world.daemon().image(id);
            (image.width, image.height) == (wide, high)
        });

        // a menu, as programs place them: in pixels from the window's corner
        let menu = client.menu(rect(corner.0 + scaled(10), corner.1 + scaled(20), 60, 90), GREEN);
        let menu_id = world.map_x11(&client, menu);
        let seen = world.daemon().seen(menu_id).geometry;
        assert_eq!((seen.x, seen.y), (110, 80));
        assert_eq!((seen.width, seen.height), (60 * 120 / in_120ths, 90 * 120 / in_120ths));
    }
}

#[test]
fn programs_are_told_the_scale_and_when_it_changes() {
    let mut world = world_at(240);
    let client = world.connect_x11();
    assert_eq!(resources(&mut world, &client), "Xft.dpi:\t192\nXcursor.size:\t48\n");
    let told = |unscaled: u32, factor, cursor, dpi: u32| {
        [
            ("Gdk/UnscaledDPI", unscaled * 1024),
            ("Gdk/WindowScalingFactor", factor),
            ("Gtk/CursorThemeSize", cursor),
            ("Xft/DPI", dpi * 1024),
        ]
        .map(|(name, number)| (name.to_owned(), number))
    };
    assert_eq!(settings(&mut world, &client), told(96, 2, 48, 192));
    let (_, id) = world.show_x11(&client, rect(0, 0, 400, 300), BLUE);
    world.settle();
    arrange(&mut world, id, (10, 10), (200, 150), 240);

    let user = b"XTerm*font: 9x15\n";
    let (property, type_) = (AtomEnum::RESOURCE_MANAGER, AtomEnum::STRING);
    client.conn.change_property8(PropMode::PREPEND, client.root, property, type_, user).unwrap();
    world.sync_x11(&client);
    world.daemon().conn.outputs(&[output(1, 0, (1280, 800), 120), output(2, 1280, (1920, 1200), 180)]);
    world.until("they are told", |world| {
        resources(world, &client) == "XTerm*font: 9x15\nXft.dpi:\t144\nXcursor.size:\t36\n"
    });
    assert_eq!(settings(&mut world, &client), told(144, 1, 36, 144), "the densest one counts");
    world.until("the window keeps its size in units", |world| {
        let image = world.daemon().image(id);
        (image.width, image.height) == (400, 300) || (image.width, image.height) == (300, 225)
    });
    let last = world.daemon().seen(id).commits.last().unwrap().clone();
    assert_eq!((last.width, last.height), (200, 150));
}

#[test]
fn hints_are_told_in_units() {
    let mut world = world_at(240);
    let client = world.connect_x11();
    let window = client.window(rect(0, 0, 60, 40), BLUE);
    let mut hints = [0; 18];
    // min, max, increment, base
    hints[0] = 16 | 32 | 64 | 256;
    (hints[5], hints[6], hints[7], hints[8]) = (60, 40, 800, 600);
    (hints[9], hints[10], hints[15], hints[16]) = (12, 26, 8, 8);
    client.set_words(window, AtomEnum::WM_NORMAL_HINTS, AtomEnum::WM_SIZE_HINTS, &hints);
    let id = world.map_x11(&client, window);
    world.settle();
    let told = world.daemon().seen(id).hints;
    assert_eq!((told.min, told.max), (Some((30, 20)), Some((400, 300))));
    assert_eq!((told.increment, told.base), (Some((6, 13)), Some((4, 4))));
}

//! X11 programs: their windows, by the real Xwayland, to both kinds of daemons.

use gui_protocol::{
    Arrange, ButtonInput, CrossingInput, Edges, KeyInput, Rect, SizeHints, States, WindowFlags, WindowId,
    Wish,
};
use rustix::process::{Pid, Signal, kill_process};
use x11rb::{
    connection::Connection as _,
    protocol::{
        Event,
        xproto::{AtomEnum, ConfigureWindowAux, ConnectionExt as _, Rectangle},
    },
};

use crate::{
    fixture::{
        World,
        x11::{BLUE, GREEN, RED},
    },
    windows::another_window,
};

pub fn rect(x: i16, y: i16, width: u16, height: u16) -> Rectangle {
    Rectangle { x, y, width, height }
}

/// No key is held.
pub const NO_KEYS: [u8; 32] = [0; 32];

/// With a daemon of the base protocol, then with one of ours.
pub fn with_both(test: impl Fn(&mut World)) {
    for extended in [false, true] {
        let mut world = World::with_x11();
        match extended {
            false => world.start_daemon(),
            true => world.start_extended_daemon(),
        }
        test(&mut world);
    }
}

#[test]
fn xwayland_starts_with_the_first_program_and_a_window_shows_its_pixels() {
    with_both(|world| {
        let client = world.connect_x11();
        let (_, id) = world.show_x11(&client, rect(0, 0, 120, 80), RED);
        let grid = world.daemon().image(id).grid(40, &[(RED, 'r')]);
        assert_eq!(grid, "rrr\nrrr");
        assert!(!world.daemon().seen(id).override_redirect);
    });
}

#[test]
fn a_window_takes_the_size_it_is_given_and_asks_for_its_own() {
    with_both(|world| {
        let mut client = world.connect_x11();
        let (window, id) = world.show_x11(&client, rect(0, 0, 120, 80), RED);
        place(world, id, Rect::new(300, 200, 200, 160));
        world.until("it is drawn so", |world| {
            let image = world.daemon().image(id);
            (image.width, image.height) == (200, 160)
        });
        let told = world.until_told(&mut client, "its place", |event| match event {
            Event::ConfigureNotify(it) if it.window == window && it.width == 200 => Some(*it),
            _ => None,
        });
        assert_eq!((told.x, told.y, told.width, told.height), (300, 200, 200, 160));

        client.conn.configure_window(window, &ConfigureWindowAux::new().width(90).height(70).x(5)).unwrap();
        client.conn.flush().unwrap();
        world.until("its own choice is shown", |world| {
            let image = world.daemon().image(id);
            (image.width, image.height) == (90, 70)
        });
        world.sync_x11(&client);
        world.settle();
        if world.is_extended() {
            let last = world.daemon().seen(id).commits.last().unwrap().clone();
            assert_eq!((last.width, last.height), (90, 70));
            assert!(last.configure > 0, "the arrangement was taken into account");
        } else {
            assert_eq!(
                world.daemon().seen(id).geometry,
                Rect::new(300, 200, 90, 70),
                "where it is, it stays"
            );
        }
    });
}

/// The daemon wants a window so.
pub fn place(world: &mut World, id: WindowId, geometry: Rect) {
    match world.is_extended() {
        false => world.daemon().configure(id, geometry),
        true => {
            let Rect { x, y, width, height } = geometry;
            let arrange = Arrange { x, y, width, height, ..Arrange::default() };
            world.daemon().conn.arrange(id, arrange);
        }
    }
}

#[test]
fn a_menu_is_where_its_program_puts_it_and_moves_with_it() {
    with_both(|world| {
        let client = world.connect_x11();
        let (window, id) = world.show_x11(&client, rect(0, 0, 120, 80), RED);
        place(world, id, Rect::new(300, 200, 120, 80));
        world.until("it is there", |world| world.place_of(&client, window) == (300, 200));
        // as toolkits do: from the window's place, as the server tells it
        let menu = client.menu(rect(310, 220, 60, 40), GREEN);
        client.set_words(menu, AtomEnum::WM_TRANSIENT_FOR, AtomEnum::WINDOW, &[window]);
        let menu_id = world.map_x11(&client, menu);
        let seen = world.daemon().seen(menu_id);
        assert!(seen.override_redirect);
        assert_eq!(seen.geometry, Rect::new(310, 220, 60, 40));
        if !world.is_extended() {
            assert_eq!(world.daemon().seen(menu_id).transient_for, Some(id));
        }

        client.conn.configure_window(menu, &ConfigureWindowAux::new().x(330).y(260)).unwrap();
        client.conn.flush().unwrap();
        world.until("it has moved", |world| {
            let mut seen = world.daemon().windows.values();
            seen.any(|seen| {
                seen.override_redirect && seen.mapped && seen.geometry == Rect::new(330, 260, 60, 40)
            })
        });
        client.conn.unmap_window(menu).unwrap();
        client.conn.flush().unwrap();
        world.until("it is gone", |world| world.daemon().windows.len() == 1);
    });
}

#[test]
fn a_window_says_what_it_is() {
    with_both(|world| {
        let client = world.connect_x11();
        let (utf8, name) = (world.atom(&client, "UTF8_STRING"), world.atom(&client, "_NET_WM_NAME"));
        let icon = world.atom(&client, "_NET_WM_ICON");
        let (main, main_id) = world.show_x11(&client, rect(0, 0, 120, 80), RED);
        let window = client.window(rect(0, 0, 60, 40), BLUE);
        client.set_text(window, AtomEnum::WM_NAME, AtomEnum::STRING, "plain");
        client.set_text(window, name, utf8, "Größe 大");
        client.set_text(window, AtomEnum::WM_CLASS, AtomEnum::STRING, "instance\0Class\0");
        client.set_words(window, AtomEnum::WM_TRANSIENT_FOR, AtomEnum::WINDOW, &[main]);
        let mut hints = [0; 18];
        // min, increment, base
        hints[0] = 16 | 64 | 256;
        (hints[5], hints[6], hints[9], hints[10], hints[15], hints[16]) = (10, 17, 6, 13, 4, 4);
        client.set_words(window, AtomEnum::WM_NORMAL_HINTS, AtomEnum::WM_SIZE_HINTS, &hints);
        client.set_words(window, icon, AtomEnum::CARDINAL, &[2, 1, 0xff11_2233, 0x80ff_ffff]);
        // urgent
        client.set_words(window, AtomEnum::WM_HINTS, AtomEnum::WM_HINTS, &[256, 0, 0, 0, 0, 0, 0, 0, 0]);
        let id = world.map_x11(&client, window);
        world.settle();
        let extended = world.is_extended();
        let seen = world.daemon().seen(id);
        assert_eq!(seen.title, "Größe 大");
        assert_eq!(
            (seen.hints.min, seen.hints.max, seen.hints.increment, seen.hints.base),
            (Some((10, 17)), None, Some((6, 13)), Some((4, 4)))
        );
        if extended {
            assert_eq!(seen.app_id, "Class");
            assert_eq!(seen.parent, Some(main_id));
            assert!(seen.wishes.contains(&Wish::Attention(true)));
            let icon = seen.icon.as_ref().unwrap();
            assert_eq!((icon.width, icon.height), (2, 1));
            assert_eq!(icon.pixels, [0x33, 0x22, 0x11, 0xff, 0x80, 0x80, 0x80, 0x80]);
        } else {
            assert_eq!(seen.class, "Class");
            assert_eq!(seen.transient_for, Some(main_id));
            let (set, unset) = *seen.flags_requested.last().unwrap();
            assert_eq!((set, unset), (WindowFlags::DEMANDS_ATTENTION, WindowFlags::empty()));
        }

        client.set_text(window, name, utf8, "other");
        world.until("the title follows", |world| world.daemon().seen(id).title == "other");
        client.conn.delete_property(window, AtomEnum::WM_NORMAL_HINTS.into()).unwrap();
        client.conn.flush().unwrap();
        world.until("the hints follow", |world| {
            let hints = world.daemon().seen(id).hints;
            hints == SizeHints { user_position: hints.user_position, ..SizeHints::default() }
        });
    });
}

#[test]
fn a_window_is_closed_as_it_wants_to_be() {
    with_both(|world| {
        let mut client = world.connect_x11();
        let (protocols, delete) =
            (world.atom(&client, "WM_PROTOCOLS"), world.atom(&client, "WM_DELETE_WINDOW"));
        let window = client.window(rect(0, 0, 60, 40), BLUE);
        client.set_words(window, protocols, AtomEnum::ATOM, &[delete]);
        let id = world.map_x11(&client, window);
        world.daemon().conn.close(id);
        let asked = world.until_told(&mut client, "the wish", |event| match event {
            Event::ClientMessage(it) if it.window == window => Some(it.data.as_data32()[0]),
            _ => None,
        });
        assert_eq!(asked, delete);
        client.conn.destroy_window(window).unwrap();
        client.conn.flush().unwrap();
        world.until("it is gone", |world| world.daemon().windows.is_empty());

        // one that cannot be asked loses its connection
        let (_, id) = world.show_x11(&client, rect(0, 0, 60, 40), RED);
        world.daemon().conn.close(id);
        world.until("it is gone", |world| world.daemon().windows.is_empty());
        world.until("so is its program", |_| client.conn.poll_for_event().is_err());
    });
}

#[test]
fn wishes_of_windows_reach_the_gui_domain_and_its_word_reaches_them() {
    let mut world = World::with_x11();
    world.start_extended_daemon();
    let client = world.connect_x11();
    let state = world.atom(&client, "_NET_WM_STATE");
    let [vertical, horizontal, fullscreen, hidden, focused] = [
        "_NET_WM_STATE_MAXIMIZED_VERT",
        "_NET_WM_STATE_MAXIMIZED_HORZ",
        "_NET_WM_STATE_FULLSCREEN",
        "_NET_WM_STATE_HIDDEN",
        "_NET_WM_STATE_FOCUSED",
    ]
    .map(|name| world.atom(&client, name));
    let (change, move_resize) =
        (world.atom(&client, "WM_CHANGE_STATE"), world.atom(&client, "_NET_WM_MOVERESIZE"));
    let (window, id) = world.show_x11(&client, rect(0, 0, 60, 40), BLUE);
    for (type_, data, wish) in [
        (state, [1, vertical, horizontal, 0, 0], Wish::Maximised(true)),
        (state, [2, fullscreen, 0, 0, 0], Wish::Fullscreen(true)),
        (change, [3, 0, 0, 0, 0], Wish::Minimised),
        (move_resize, [0, 0, 8, 1, 0], Wish::Move),
        (move_resize, [0, 0, 4, 1, 0], Wish::Resize(Edges::BOTTOM | Edges::RIGHT)),
    ] {
        client.tell_manager(window, type_, data);
        world.until("the wish", |world| world.daemon().seen(id).wishes.last() == Some(&wish));
    }

    let all = States::MAXIMISED | States::FULLSCREEN | States::MINIMISED | States::ACTIVATED;
    world.daemon().conn.arrange(id, Arrange { width: 60, height: 40, states: all, ..Arrange::default() });
    world.until("the states", |world| {
        let mut told = world.words(&client, window, state);
        told.sort_unstable();
        let mut all = [vertical, horizontal, fullscreen, hidden, focused];
        all.sort_unstable();
        told == all
    });
    // now it is the other way round
    client.tell_manager(window, state, [2, fullscreen, 0, 0, 0]);
    let wish = Wish::Fullscreen(false);
    world.until("the wish", |world| world.daemon().seen(id).wishes.last() == Some(&wish));
    world.daemon().conn.arrange(id, Arrange { width: 60, height: 40, ..Arrange::default() });
    world.until("no states", |world| world.words(&client, window, state).is_empty());
}

#[test]
fn keys_and_clicks_arrive_even_if_typed_as_the_focus_comes() {
    with_both(|world| {
        let mut client = world.connect_x11();
        let windows = [RED, BLUE].map(|colour| world.show_x11(&client, rect(0, 0, 60, 40), colour));
        let [first, (window, id)] = windows;
        for ((window, id), code) in [(first, 40), ((window, id), 38), (first, 41), ((window, id), 39)] {
            let daemon = world.daemon();
            daemon.conn.focus(id, true, &NO_KEYS);
            for pressed in [true, false] {
                daemon.conn.key(id, KeyInput { pressed, x: 0, y: 0, state: 0, keycode: code });
            }
            let key = world.until_told(&mut client, "the key", |event| match event {
                Event::KeyPress(it) if it.event == window => Some(it.detail),
                _ => None,
            });
            assert_eq!(u32::from(key), code);
        }
        place(world, id, Rect::new(300, 200, 60, 40));
        world.until("it is there", |world| world.place_of(&client, window) == (300, 200));
        let enter = CrossingInput { entered: true, x: 20, y: 10, state: 0, focus: false };
        world.daemon().conn.crossing(id, enter, &NO_KEYS);
        world.daemon().conn.button(id, ButtonInput { pressed: true, x: 20, y: 10, state: 0, button: 1 });
        let click = world.until_told(&mut client, "the click", |event| match event {
            Event::ButtonPress(it) if it.event == window => Some(*it),
            _ => None,
        });
        assert_eq!((click.event_x, click.event_y, click.root_x, click.root_y), (20, 10, 320, 210));
    });
}

#[test]
fn windows_are_given_the_keyboard_in_the_way_they_want() {
    let mut world = World::with_x11();
    world.start_daemon();
    let mut client = world.connect_x11();
    let (protocols, take) = (world.atom(&client, "WM_PROTOCOLS"), world.atom(&client, "WM_TAKE_FOCUS"));
    let active = world.atom(&client, "_NET_ACTIVE_WINDOW");
    // input, takes focus: no input, passive, locally active, globally active
    for (input, takes) in [(0, false), (1, false), (1, true), (0, true)] {
        let window = client.window(rect(0, 0, 60, 40), BLUE);
        client.set_words(window, AtomEnum::WM_HINTS, AtomEnum::WM_HINTS, &[1, input, 0, 0, 0, 0, 0, 0, 0]);
        client.set_words(window, protocols, AtomEnum::ATOM, &[take][..usize::from(takes)]);
        let id = world.map_x11(&client, window);
        client.events.clear();
        world.daemon().conn.focus(id, true, &NO_KEYS);
        let (mut focused, mut asked) = (false, false);
        let conn = client.conn.clone();
        world
            .until("the focus has been given", |world| world.words(&client, client.root, active) == [window]);
        while let Some(event) = conn.poll_for_event().unwrap() {
            focused |= matches!(event, Event::FocusIn(it) if it.event == window);
            asked |= matches!(event, Event::ClientMessage(it) if it.data.as_data32()[0] == take);
        }
        assert_eq!((focused, asked), (input == 1, takes));
        world.daemon().conn.focus(id, false, &NO_KEYS);
    }
}

#[test]
fn a_killed_xwayland_takes_its_windows_along_and_comes_back_for_the_next_program() {
    with_both(|world| {
        let wayland = world.connect();
        let client = world.connect_x11();
        world.show_x11(&client, rect(0, 0, 60, 40), BLUE);
        let pid = xwayland_of(&world.display());
        kill_process(pid, Signal::KILL).unwrap();
        world.until("its windows are gone", |world| world.daemon().windows.is_empty());
        assert!(world.client(wayland).error.is_none(), "others have nothing to do with it");

        let client = world.connect_x11();
        world.show_x11(&client, rect(0, 0, 60, 40), GREEN);
        assert_ne!(xwayland_of(&world.display()), pid);
    });
}

/// The process that serves a display.
fn xwayland_of(display: &str) -> Pid {
    let mut found = std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let entry = entry.ok()?;
        let line = std::fs::read(entry.path().join("cmdline")).ok()?;
        let mut words = line.split(|byte| *byte == 0);
        let is_it = words.next()?.ends_with(b"Xwayland") && words.next()? == display.as_bytes();
        let pid = entry.file_name().to_str()?.parse().ok()?;
        is_it.then(|| Pid::from_raw(pid).unwrap())
    });
    found.next().expect("a running Xwayland")
}

#[test]
fn a_server_that_does_not_answer_holds_up_nobody_else() {
    let mut world = World::with_x11();
    world.start_daemon();
    let client = world.connect_x11();
    let (_, held) = world.show_x11(&client, rect(0, 0, 60, 40), BLUE);
    let server = xwayland_of(&world.display());
    kill_process(server, Signal::STOP).unwrap();
    // all this waits for the server
    world.daemon().conn.focus(held, true, &NO_KEYS);
    world.daemon().configure(held, Rect::new(0, 0, 100, 100));
    world.daemon().conn.close(held);
    let wayland = world.connect();
    another_window(&mut world, wayland, 40, 40, GREEN);
    assert_eq!(world.daemon().windows.len(), 2, "Wayland programs go on");
    kill_process(server, Signal::CONT).unwrap();
    world.until("then it is closed", |world| world.daemon().windows.len() == 1);
}

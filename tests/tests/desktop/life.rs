//! Daemon, agents and applications come and go; whoever is left notices nothing but that.

use std::time::Duration;

use gui_daemon::ipc::LinkState;
use shm_grant::Backend;
use transom_tests::client::show;

use crate::fixture::{DOMAINS, Dom0, Personal, Work, World, code};

/// Both transports.
const BACKENDS: [Backend; 2] = [Backend::Socket, Backend::Ring];

#[test]
fn a_new_daemon_shows_everything_as_it_was() {
    for backend in BACKENDS {
        let mut world = World::over(backend);
        let mut apps = DOMAINS.map(|who| (who, world.app(who, 200, 120)));
        for (place, (who, app)) in (0..).zip(&apps) {
            world.put(app.id, 30 + 150 * place, 40 + 130 * place);
            app.toplevel.toplevel.set_title(format!("of {}", who.name()));
        }
        // one that its user has made larger
        let content = world.content(apps[2].1.id);
        world.drag((content.right() + 1, content.y + 9), (content.right() + 31, content.y + 9));
        world.agree(&mut apps[2].1);
        let places = apps.each_ref().map(|(_, app)| world.content(app.id));
        assert_eq!(places[2].width, 230);

        world.daemon = None;
        world.settle();
        // life goes on without one
        let changed = &mut apps[0].1;
        changed.buffer.fill(|_, _| 0xff44_3322);
        show(&changed.toplevel.surface, &changed.buffer);
        world.settle();

        world.start_daemon();
        let windows = world.windows();
        assert_eq!(windows.len(), 3, "{backend:?}");
        for (place, (who, app)) in places.iter().zip(&mut apps) {
            let window = windows.iter().find(|it| it.domain == who.name()).unwrap();
            assert_eq!(window.title, format!("of {}", who.name()));
            assert!(window.mapped);
            app.id = window.id;
            assert_eq!(world.content(app.id), *place, "{backend:?} {who:?}");
            world.focus(app.id);
            let colour = if *who == Personal { 0x44_3322 } else { who.colour() };
            world.assert_shown(app.id, colour);
            // and has the keyboard
            world.client(app.client).take_input();
            world.tap(code::A);
            assert_eq!(world.client(app.client).take_input(), ["key 30 down", "key 30 up"]);
        }
        assert_eq!(world.take_warnings(), [""; 0]);
    }
}

#[test]
fn an_agent_goes_with_its_windows_only() {
    for backend in BACKENDS {
        let mut world = World::over(backend);
        let apps = [Personal, Work, Dom0].map(|who| world.app(who, 150, 100));
        for (place, app) in (0..).zip(&apps) {
            world.put(app.id, 10 + 200 * place, 10);
        }
        world.drop_agent(Work);
        assert_eq!(world.owners(), [("dom0".to_owned(), 1), ("personal".to_owned(), 1)]);
        assert_eq!(world.screen().find(Work.colour()).count(), 0);
        world.assert_shown(apps[0].id, Personal.colour());
        world.assert_shown(apps[2].id, Dom0.colour());
        assert_eq!(world.link_state(Work), LinkState::Waiting);

        // the others are served as ever
        world.client(apps[0].client).frame(&apps[0].toplevel.surface);
        show(&apps[0].toplevel.surface, &apps[0].buffer);
        world.settle();
        assert_eq!(world.client(apps[0].client).inbox.frames_done, 1);

        world.start_agent(Work);
        assert_eq!(world.link_state(Work), LinkState::Connected);
        let app = world.app(Work, 150, 100);
        assert_eq!(world.window(app.id).domain, "work");
        world.assert_shown(app.id, Work.colour());
        assert_eq!(world.take_warnings(), [""; 0], "a death is no offence");
    }
}

#[test]
fn an_application_goes_with_its_windows_only() {
    for who in [Personal, Dom0] {
        let mut world = World::new();
        let stays = world.app(who, 100, 100);
        let first = world.app(who, 100, 100);
        let second = world.app_of(first.client, 100, 100, who.colour());
        assert_eq!(world.windows().len(), 3);
        assert_eq!(world.focused(), Some(second.id));
        world.drop_client(first.client);
        assert_eq!(world.windows().iter().map(|it| it.id).collect::<Vec<_>>(), [stays.id]);
        assert_eq!(world.focused(), Some(stays.id));
        assert_eq!(world.client(stays.client).error, None);
        world.assert_shown(stays.id, who.colour());
    }
}

#[test]
fn where_nothing_happens_nobody_wakes_up() {
    for mut world in [World::new(), World::of_1_8()] {
        for who in DOMAINS.into_iter().chain([Dom0]) {
            let app = world.app(who, 150, 100);
            world.client(app.client).frame(&app.toplevel.surface);
            show(&app.toplevel.surface, &app.buffer);
        }
        world.settle();
        world.assert_idle(Duration::from_millis(300));
    }
}

#[test]
fn a_window_that_goes_gives_the_pointer_back() {
    let mut world = World::new();
    let below = world.app(Personal, 200, 200);
    world.put(below.id, 100, 100);
    let above = world.app(Work, 200, 200);
    world.put(above.id, 100, 100);
    world.motion(200, 200);
    world.client(below.client).take_input();
    world.drop_client(above.client);
    let input = world.client(below.client).take_input();
    assert!(input.iter().any(|it| it.starts_with("pointer in")), "{input:?}");
    assert!(input.contains(&"keyboard in".into()), "{input:?}");
}

#[test]
fn a_client_of_dom0_that_breaks_the_rules_goes_alone() {
    let mut world = World::new();
    let stays = world.app(Dom0, 100, 100);
    world.put(stays.id, 500, 300);
    for misbehaviour in 0..4 {
        let mut app = world.app(Dom0, 100, 100);
        world.put(app.id, 50, 50);
        match misbehaviour {
            // a file that is shorter than it was said to be
            0 => {
                app.buffer.truncate();
                show(&app.toplevel.surface, &app.buffer);
            }
            1 => app.buffer.pool.resize(0),
            2 => app.toplevel.xdg_surface.ack_configure(123_456),
            _ => {
                let format = wayland_client::protocol::wl_shm::Format::Argb8888;
                app.buffer = world.client(app.client).unchecked_buffer(100, 100, 3, format);
            }
        }
        world.settle();
        assert!(world.client(app.client).error.is_some(), "misbehaviour {misbehaviour}");
        assert_eq!(world.windows().len(), 1, "misbehaviour {misbehaviour}");
        world.assert_shown(stays.id, Dom0.colour());
    }
}

//! Ends of different versions: whatever they agree on, a window is shown, framed, typed into, resized and closed.

use gui_daemon::shell::geom::Rect;
use gui_protocol::{
    Rect as WireRect, Version, WindowId,
    message::{AgentMessage, DaemonMessage},
};
use shm_grant::Backend;
use transom_tests::client::show;

use crate::{
    fixture::{DOMAINS, Personal, Untrusted, World, code, screen::frame_colour},
    frames::{app_at, assert_grid},
};

const LEVEL_1: &str = "protocol = \"1.8+1\"";
const BASE: &str = "protocol = \"1.8\"";

/// The window of the agent that is played.
const WINDOW: u32 = 7;

/// Frames at 1,1 of the grid, 10 by 7 cells, and two cells wider.
const BEFORE: &str = "
    .........................
    .PPPPPPPPPP..............
    .P11111111P..............
    .P11111111P..............
    .P11111111P..............
    .P11111111P..............
    .P11111111P..............
    .PPPPPPPPPP..............
    .........................
    .........................
    .........................
    .........................
    .........................
    .........................
    .........................
    .........................
    .........................
    .........................
";
const AFTER: &str = "
    .........................
    .PPPPPPPPPPPP............
    .P1111111111P............
    .P1111111111P............
    .P1111111111P............
    .P1111111111P............
    .P1111111111P............
    .PPPPPPPPPPPP............
    .........................
    .........................
    .........................
    .........................
    .........................
    .........................
    .........................
    .........................
    .........................
    .........................
";

/// The same of another domain's window.
fn of_untrusted(grid: &str) -> String {
    grid.replace('P', "U").replace('1', "3")
}

/// The versions that links were made with since the log was last taken, in the daemon's words.
fn agreed(world: &mut World) -> Vec<String> {
    let log = world.take_log();
    let version = |line: &String| line.split("version=").nth(1).map(str::to_owned);
    log.iter().filter(|line| line.contains("agent connected")).filter_map(version).collect()
}

/// Pulls the right edge of a window's frame two cells to the right.
fn widen(world: &mut World, id: u64) {
    let frame = world.frame(id);
    let (x, y) = (frame.right() - 2, frame.y + frame.height / 2);
    world.drag((x, y), (x + 64, y));
}

fn alt_f4(world: &mut World) {
    world.key(code::LEFT_ALT, true);
    world.tap(code::F4);
    world.key(code::LEFT_ALT, false);
}

#[test]
fn our_ends_understand_each_other_whatever_they_are_kept_to() {
    let newest = Version::NEWEST.minor;
    let ours = [(newest, LEVEL_1, Version::NEWEST), (newest, BASE, Version::BASE), (8, BASE, Version::BASE)];
    let kept = (0..=8).map(|minor| (minor, LEVEL_1, Version::minor(minor)));
    for (offered, policy, version) in kept.chain(ours) {
        let mut world = World::with(Backend::Socket, &[], policy);
        world.agents_offer = offered;
        world.start_agent(Personal);
        assert_eq!(agreed(&mut world), [version.to_string()]);

        let mut app = app_at(&mut world, Personal, (1, 1), (10, 7));
        assert_grid(&world.screen(), BEFORE);
        world.client(app.client).take_input();
        world.tap(code::A);
        assert_eq!(world.client(app.client).take_input(), ["key 30 down", "key 30 up"], "{version}");

        let before = world.content(app.id);
        widen(&mut world, app.id);
        world.agree(&mut app);
        assert_eq!(world.content(app.id), Rect { width: before.width + 64, ..before }, "{version}");
        assert_eq!(app.size, (before.width + 64, before.height), "{version}");
        assert_grid(&world.screen(), AFTER);

        world.client(app.client).frame(&app.toplevel.surface);
        app.buffer.fill(|_, _| 0xff44_3322);
        show(&app.toplevel.surface, &app.buffer);
        world.settle();
        assert_eq!(world.client(app.client).inbox.frames_done, 1, "{version}");
        world.assert_shown(app.id, 0x44_3322);

        alt_f4(&mut world);
        assert_eq!(world.client(app.client).inbox.close_requests, 1, "{version}");
        world.drop_client(app.client);
        assert_eq!(world.windows().len(), 0, "{version}");
        assert_eq!(world.screen().find(frame_colour(Personal, true)).count(), 0);
        assert_eq!(world.take_warnings(), [""; 0], "{version}");
    }
}

/// How many such things a played agent was told of its window, ever.
fn told(world: &World, is_meant: impl Fn(&DaemonMessage) -> bool) -> usize {
    let heard = world.peers[0].heard.iter();
    heard.filter(|(window, message)| *window == WindowId(WINDOW) && is_meant(message)).count()
}

/// A played agent draws at the size of every geometry it is given, until it is given no more. Returns the last size, if any
/// came.
fn agree(world: &mut World) -> Option<(u32, u32)> {
    let mut size = None;
    loop {
        let peer = &mut world.peers[0];
        let (geometries, others) = std::mem::take(&mut peer.heard)
            .into_iter()
            .partition::<Vec<_>, _>(|(_, message)| matches!(message, DaemonMessage::Configure { .. }));
        peer.heard = others;
        if geometries.is_empty() {
            return size;
        }
        for (window, geometry) in geometries {
            if let DaemonMessage::Configure { x, y, width, height, .. } = geometry {
                peer.configure(window.0, WireRect::new(x, y, width, height));
                let export = peer.share(width, height, Untrusted.colour());
                let refs = peer.refs(export);
                peer.dump(window.0, width, height, &refs);
                size = Some((width, height));
            }
        }
        world.settle();
    }
}

#[test]
fn agents_of_all_ages_are_served() {
    for (minor, policy) in (0..=8).flat_map(|minor| [(minor, LEVEL_1), (minor, BASE)]) {
        let version = Version::minor(minor);
        let mut world = World::with(Backend::Socket, &[], policy);
        world.peer(Untrusted);
        world.peers[0].version = version;
        world.peers[0].greet();
        let (width, height) = (10 * 32 - 36, 7 * 32 - 60);
        world.peers[0].window(WINDOW, WireRect::new(0, 0, width, height), false, Untrusted.colour());
        world.settle();
        assert_eq!(agreed(&mut world), [version.to_string()]);
        agree(&mut world);
        let id = world.newest();
        world.put(id, 46, 46);
        agree(&mut world);
        assert_grid(&world.screen(), &of_untrusted(BEFORE));

        world.tap(code::A);
        let keys = world.peers[0].heard.iter().filter_map(|(_, message)| match message {
            DaemonMessage::Keypress { kind, keycode, .. } => Some((*kind, *keycode)),
            _ => None,
        });
        assert_eq!(keys.collect::<Vec<_>>(), [(2, code::A + 8), (3, code::A + 8)], "{version}");

        widen(&mut world, id);
        let size = agree(&mut world).expect("a new size");
        assert_eq!(size, (width + 64, height), "{version}");
        assert_grid(&world.screen(), &of_untrusted(AFTER));
        let dumps = world.peers[0].exports.len();
        let acknowledged = told(&world, |it| matches!(it, DaemonMessage::WindowDumpAck {}));
        assert_eq!(acknowledged, if minor >= 7 { dumps } else { 0 }, "{version}");

        alt_f4(&mut world);
        assert_eq!(told(&world, |it| matches!(it, DaemonMessage::Close {})), 1, "{version}");
        world.peers[0].say(WINDOW, &AgentMessage::Destroy {});
        world.settle();
        let destroyed = told(&world, |it| matches!(it, DaemonMessage::Destroy {}));
        assert_eq!(destroyed, if minor >= 5 { 1 } else { 0 }, "{version}");
        assert_eq!(world.windows().len(), 0, "{version}");
        assert_eq!(world.screen().find(Untrusted.colour()).count(), 0, "{version}");
        assert_eq!(world.take_warnings(), [""; 0], "{version}");
    }
}

#[test]
fn windows_are_back_whatever_the_next_daemon_speaks() {
    let mut world = World::with(Backend::Socket, &DOMAINS, LEVEL_1);
    let mut apps = [
        app_at(&mut world, Personal, (1, 1), (10, 7)),
        app_at(&mut world, DOMAINS[1], (14, 2), (9, 5)),
        app_at(&mut world, Untrusted, (6, 5), (11, 9)),
    ];
    let before = world.screen();
    let rows = before.grid().lines().collect::<Vec<_>>();
    assert_eq!(rows[5], ".p1111UUUUUUUUUUU22222w..", "all three are there");
    assert_eq!(agreed(&mut world), ["1.8+1"; 3]);
    for (policy, version) in
        [(BASE, "1.8"), (LEVEL_1, "1.8+1"), (BASE, "1.8"), (BASE, "1.8"), (LEVEL_1, "1.8+1")]
    {
        world.daemon = None;
        world.settle();
        // drawn while nobody looks: what is shown next is this
        for app in &mut apps {
            app.buffer.fill(|_, _| app.colour);
            world.client(app.client).frame(&app.toplevel.surface);
            show(&app.toplevel.surface, &app.buffer);
        }
        world.settle();
        world.policy = policy;
        world.film = Some(Vec::new());
        world.start_daemon();
        assert_eq!(agreed(&mut world), [version; 3]);
        let film = world.film.take().unwrap();
        assert!(!film.is_empty());
        for screen in film {
            assert!(!screen.grid().contains('_'), "a window without its pixels:\n{}", screen.grid());
        }
        // the order of the windows is that of the links
        for (app, who) in apps.iter_mut().zip(DOMAINS) {
            app.id = world.windows().iter().find(|it| it.domain == who.name()).expect("a window").id;
            world.focus(app.id);
            world.client(app.client).take_input();
            world.tap(code::A);
            assert_eq!(world.client(app.client).take_input(), ["key 30 down", "key 30 up"], "{version}");
        }
        assert_eq!(world.screen().grid(), before.grid(), "{version}");
        // and all go on drawing
        for app in &apps {
            let done = world.client(app.client).inbox.frames_done;
            world.client(app.client).frame(&app.toplevel.surface);
            show(&app.toplevel.surface, &app.buffer);
            world.settle();
            assert_eq!(world.client(app.client).inbox.frames_done, done + 1, "{version}");
        }
        assert_eq!(world.take_warnings(), [""; 0], "{version}");
    }
}

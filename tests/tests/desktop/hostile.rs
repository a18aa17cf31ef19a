//! One domain is wholly in the hands of an attacker. The daemon and the other domains go on.

use std::time::Duration;

use gui_daemon::{
    ipc::{LinkState, WindowKind},
    shell::geom,
};
use gui_protocol::{
    Rect, WindowId, limits,
    message::{AgentMessage, DaemonMessage},
};
use transom_tests::client::show;

use crate::fixture::{
    App, HEIGHT, Personal, Untrusted, WIDTH, Who, Work, World, code,
    peer::Peer,
    screen::{all, frame_colour},
};

/// Two honest domains with a window each, and the attacker, greeted.
struct Siege {
    world: World,
    honest: [(Who, App); 2],
    peer: usize,
}

/// The attacker's first window.
const FIRST: u32 = 7;

impl Siege {
    fn new() -> Self {
        let mut world = World::with_stranger();
        let honest = [Personal, Work].map(|who| (who, world.app(who, 180, 120)));
        for (place, (_, app)) in (0..).zip(&honest) {
            world.put(app.id, 20 + 200 * place, 400);
        }
        let peer = world.peer(Untrusted);
        let mut siege = Self { world, honest, peer };
        siege.greet();
        siege
    }

    fn greet(&mut self) {
        self.peer().greet();
        self.world.settle();
        assert_eq!(self.world.link_state(Untrusted), LinkState::Connected);
    }

    /// The same, with a window of the attacker on the screen.
    fn with_window() -> Self {
        let mut siege = Self::new();
        siege.peer().window(FIRST, Rect::new(50, 50, 200, 100), false, Untrusted.colour());
        siege.world.settle();
        siege.peer().echo();
        siege.world.settle();
        let id = siege.world.newest();
        siege.world.assert_shown(id, Untrusted.colour());
        siege
    }

    fn peer(&mut self) -> &mut Peer {
        &mut self.world.peers[self.peer]
    }

    /// The honest domains are served as ever.
    #[track_caller]
    fn others_are_served(&mut self) {
        for (who, app) in &self.honest {
            let world = &mut self.world;
            let before = world.client(app.client).inbox.frames_done;
            world.client(app.client).frame(&app.toplevel.surface);
            show(&app.toplevel.surface, &app.buffer);
            world.settle();
            // at once, unless the attacker covers it: then within the second
            world.until("a frame", |world| world.client(app.client).inbox.frames_done == before + 1);
            assert_eq!(world.window(app.id).domain, who.name());
        }
    }

    /// The attacker's windows are gone, one line says why, and it has to wait.
    #[track_caller]
    fn link_has_ended(&mut self, why: &str) {
        let warnings = self.world.take_warnings();
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].contains("untrusted") && warnings[0].contains(why), "{warnings:?}");
        assert_eq!(self.world.link_state(Untrusted), LinkState::BackingOff);
        assert!(!self.peer().connected);
        assert_eq!(self.world.owners(), [("personal".to_owned(), 1), ("work".to_owned(), 1)]);
        assert_eq!(self.world.screen().find(Untrusted.colour()).count(), 0);
        self.others_are_served();
    }
}

/// The daemon is busy with one domain for less than this at a stretch, with much room for a slow machine.
const LONGEST_TURN: Duration = Duration::from_secs(1);

/// Breaks one rule and expects no more than the end of this link.
#[track_caller]
fn ends_the_link(why: &str, misbehave: impl FnOnce(&mut Peer)) {
    let mut siege = Siege::with_window();
    siege.world.take_log();
    misbehave(siege.peer());
    siege.world.settle();
    siege.link_has_ended(why);
}

fn header(kind: u32, window: u32, length: u32) -> Vec<u8> {
    [kind, window, length].map(u32::to_le_bytes).concat()
}

#[test]
fn bytes_that_are_no_message_end_the_link() {
    ends_the_link("message type 200 (window 0x7, 4 bytes)", |peer| peer.send(&header(200, FIRST, 4)));
    ends_the_link("message type 4294967295", |peer| peer.send(&[0xff; 400]));
    ends_the_link("MAP for window 0x7 has 4 bytes, must have 8", |peer| peer.send(&header(132, FIRST, 4)));
    ends_the_link("SHMIMAGE for window 0x7 has 4294967295 bytes", |peer| {
        peer.send(&header(136, FIRST, u32::MAX));
    });
    ends_the_link("WINDOW_DUMP for window 0x7 has 17 bytes", |peer| peer.send(&header(147, FIRST, 17)));
}

#[test]
fn messages_that_must_not_be_end_the_link() {
    ends_the_link("which does not exist", |peer| peer.map(8, false));
    ends_the_link("CREATE of window 0x7, which exists", |peer| {
        peer.create(FIRST, Rect::new(0, 0, 1, 1), false);
    });
    ends_the_link("has size 0x5", |peer| peer.create(8, Rect::new(0, 0, 0, 5), false));
    ends_the_link("has size 5x2147483648", |peer| peer.create(8, Rect::new(0, 0, 5, 1 << 31), false));
    ends_the_link("has size 16385x1", |peer| peer.dump(FIRST, 16385, 1, &[8; 20]));
    ends_the_link("has cursor 666", |peer| peer.say(FIRST, &AgentMessage::Cursor { cursor: 666 }));
    ends_the_link("MFNDUMP", |peer| {
        let dump = AgentMessage::MfnDump {
            shmid: 0,
            width: 1,
            height: 1,
            bits_per_pixel: 24,
            offset: 0,
            count: 1,
            domain: 0,
            frames: vec![0],
        };
        peer.say(FIRST, &dump);
    });
}

#[test]
fn pages_that_are_not_there_end_the_link() {
    ends_the_link("has 1 pages, needs 40", |peer| peer.dump(FIRST, 200, 200, &[8]));
    ends_the_link("the pages of a window buffer", |peer| peer.dump(FIRST, 4, 4, &[4_000_000]));
    ends_the_link("the pages of a window buffer", |peer| {
        let export = peer.share(64, 64, 0);
        let refs = peer.refs(export);
        // taken back before it is named
        peer.exports.pop();
        peer.dump(FIRST, 64, 64, &refs);
    });
    ends_the_link("the pages of a window buffer", |peer| {
        let export = peer.share(64, 64, 0);
        let mut refs = peer.refs(export);
        // one past the end of what is shared
        refs.rotate_left(1);
        *refs.last_mut().unwrap() = refs[2] + 1;
        peer.dump(FIRST, 64, 64, &refs);
    });
}

#[test]
fn another_major_version_ends_the_link() {
    let mut siege = Siege::with_window();
    // begin anew
    siege.peer().send(&[0xff; 12]);
    siege.world.settle();
    siege.world.until("another chance", |world| world.peers[0].links == 2);
    siege.world.take_log();
    siege.peer().send(&(2u32 << 16).to_le_bytes());
    siege.world.settle();
    siege.link_has_ended("speaks version 2.0");
}

#[test]
fn an_agent_may_come_back_after_a_pause_that_grows() {
    let mut siege = Siege::with_window();
    for pause_ms in [250, 500] {
        siege.world.take_log();
        siege.peer().send(&header(200, 0, 0));
        let started = std::time::Instant::now();
        siege.world.settle();
        siege.link_has_ended("message type 200");
        let links = siege.peer().links;
        siege.world.until("another chance", |world| world.peers[0].links > links);
        let waited = started.elapsed().as_millis();
        assert!(waited >= pause_ms, "after {waited} ms of {pause_ms}");
        siege.greet();
        siege.peer().window(FIRST, Rect::new(50, 50, 200, 100), false, Untrusted.colour());
        siege.world.settle();
        let id = siege.world.newest();
        siege.world.assert_shown(id, Untrusted.colour());
    }
}

#[test]
fn half_a_message_and_silence_disturb_nobody() {
    let mut siege = Siege::with_window();
    siege.peer().send(&header(147, FIRST, 16 + 4 * limits::MAX_REFS));
    siege.peer().send(&[0; 1000]);
    siege.world.settle();
    for _ in 0..3 {
        siege.others_are_served();
    }
    assert_eq!(siege.world.link_state(Untrusted), LinkState::Connected);
    assert_eq!(siege.world.windows().len(), 3);
    // nor does one byte at a time
    for _ in 0..20 {
        siege.peer().send(&[0]);
        siege.others_are_served();
    }
}

/// Sends far more than a domain may, and expects the others to be served while most of it waits.
fn floods(flood: impl Fn(&mut Peer, u32)) {
    let mut siege = Siege::with_window();
    for round in 0..300_000 {
        flood(siege.peer(), round);
    }
    siege.world.settle();
    let mut frames = 0;
    while siege.peer().unsent() > 1_000_000 && frames < 200 {
        siege.others_are_served();
        frames += 1;
    }
    assert!(frames >= 100, "the flood was over after {frames} frames");
    assert_eq!(siege.world.link_state(Untrusted), LinkState::Connected);
    assert!(siege.world.longest_turn < LONGEST_TURN, "{:?}", siege.world.longest_turn);
    // and they are heard, too
    siege.world.focus(siege.honest[0].1.id);
    let client = siege.honest[0].1.client;
    siege.world.client(client).take_input();
    siege.world.tap(code::A);
    // the flood may go on, and take the keyboard for moments
    let keys: Vec<String> =
        siege.world.client(client).take_input().into_iter().filter(|it| it.starts_with("key ")).collect();
    assert_eq!(keys, ["key 30 down", "key 30 up"]);
    assert_eq!(siege.world.take_warnings(), [""; 0]);
}

#[test]
fn a_flood_of_damage_starves_nobody() {
    floods(|peer, _| peer.damage(FIRST, Rect::new(0, 0, 200, 100)));
}

#[test]
fn a_flood_of_wishes_starves_nobody() {
    floods(|peer, round| {
        let wish = (round % 500) as i32;
        peer.configure(FIRST, Rect::new(wish, 500 - wish, 100 + round % 300, 100));
    });
}

#[test]
fn a_flood_of_titles_starves_nobody() {
    floods(|peer, round| peer.title(FIRST, &round.to_string()));
}

#[test]
fn a_flood_of_windows_that_come_and_go_starves_nobody() {
    floods(|peer, _| {
        peer.create(8, Rect::new(0, 0, 1, 1), false);
        peer.map(8, false);
        peer.say(8, &AgentMessage::Destroy {});
    });
}

#[test]
fn as_many_windows_as_may_be_and_one_more() {
    let mut siege = Siege::with_window();
    let most = gui_protocol::Limits::default().windows as u32;
    for window in 0..most - 1 {
        siege.peer().create(100 + window, Rect::new(0, 0, 1, 1), false);
        // each costs time, and the more the more there are
        siege.peer().map(100 + window, false);
    }
    siege.world.until("all windows", |world| world.windows().len() == 2 + most as usize);
    siege.others_are_served();
    assert!(siege.world.longest_turn < LONGEST_TURN, "{:?}", siege.world.longest_turn);
    siege.world.take_log();
    siege.peer().create(1, Rect::new(0, 0, 1, 1), false);
    siege.world.settle();
    siege.link_has_ended("beyond the limit of 1024 windows");
}

#[test]
fn an_agent_that_does_not_read_is_cut_off() {
    let mut siege = Siege::with_window();
    siege.peer().set_reads(false);
    let middle = {
        let id = siege.world.newest();
        siege.world.content(id).centre()
    };
    siege.world.motion(middle.x, middle.y);
    siege.world.take_log();
    // a key waits for every reader, and is never merged with another
    let most = limits::MAX_PENDING / 64 + 10_000;
    for time_ms in 0..most as u32 {
        for pressed in [true, false] {
            let event = gui_daemon::backend::BackendEvent::Key { keycode: code::A, pressed, time_ms };
            siege.world.state().handle_input(event);
        }
    }
    siege.world.settle();
    // so as to notice the end
    siege.peer().set_reads(true);
    siege.world.settle();
    siege.link_has_ended("bytes are waiting to be read, the limit is 10000000");
}

#[test]
fn nothing_of_others_is_heard() {
    let mut siege = Siege::with_window();
    siege.peer().heard.clear();
    for number in 0..2 {
        let middle = siege.world.content(siege.honest[number].1.id).centre();
        siege.world.click(middle.x, middle.y);
        siege.world.tap(code::A);
        siege.world.wheel(0.0, 1.0);
    }
    let heard = std::mem::take(&mut siege.peer().heard);
    // that the keyboard has gone is all
    let expected = (WindowId(FIRST), DaemonMessage::Focus { kind: 10, mode: 0, detail: 3 });
    let heard: Vec<_> = heard.iter().filter(|(_, message)| !is_harmless(message)).collect();
    assert!(heard.len() <= 1, "{heard:?}");
    assert!(
        heard.iter().all(|it| matches!(it.1, DaemonMessage::Focus { kind: 10, .. })),
        "{heard:?} {expected:?}"
    );
}

/// Whether this tells nothing about anybody's input: acks.
fn is_harmless(message: &DaemonMessage) -> bool {
    matches!(message, DaemonMessage::WindowDumpAck {} | DaemonMessage::Destroy {})
}

#[test]
fn pixels_changed_behind_the_daemons_back_show_with_the_next_damage() {
    let mut siege = Siege::with_window();
    let id = siege.world.newest();
    let before = siege.world.screen();
    let other: Vec<u8> = std::iter::repeat_n(0xff00_ffff_u32.to_le_bytes(), 200 * 100).flatten().collect();
    siege.peer().exports[0].pages().copy_in(0, &other).unwrap();
    siege.others_are_served();
    assert!(siege.world.screen() == before, "nobody asked for a change");
    // what is said to have changed is what is drawn
    siege.peer().damage(FIRST, Rect::new(10, 20, 30, 1));
    siege.world.settle();
    let content = siege.world.content(id);
    let drawn = geom::Rect::new(content.x + 10, content.y + 20, 30, 1);
    assert_eq!(siege.world.screen().difference(&before), Some((drawn, 30)));
    // more damage than there is window
    siege.peer().damage(FIRST, Rect::new(-5, -5, 1_000_000, 1_000_000));
    siege.world.settle();
    siege.world.assert_shown(id, 0x00_ffff);
    assert_eq!(siege.world.screen().difference(&before).unwrap().0, content);
    // pages taken back keep showing what they showed
    siege.peer().exports.clear();
    siege.others_are_served();
    siege.world.assert_shown(id, 0x00_ffff);
}

#[test]
fn a_buffer_of_another_size_than_its_window_stays_in_it() {
    let mut siege = Siege::with_window();
    let id = siege.world.newest();
    let content = siege.world.content(id);
    for (width, height) in [(300, 50), (100, 400), (1, 1), (2000, 1)] {
        let export = siege.peer().share(width, height, 0xffab_cdef);
        let refs = siege.peer().refs(export);
        siege.peer().dump(FIRST, width, height, &refs);
        siege.peer().damage(FIRST, Rect::new(0, 0, width, height));
        siege.world.settle();
        assert_eq!(siege.world.content(id), content, "a buffer does not resize");
        let shown = geom::Rect::new(content.x, content.y, width as i32, height as i32).intersection(content);
        let screen = siege.world.screen();
        assert_eq!(screen.colours(shown), [0xab_cdef]);
        assert_eq!(screen.find(0xab_cdef).count() as i64, shown.area(), "{width}x{height}");
    }
}

#[test]
fn windows_of_any_legal_size_and_place_are_framed() {
    let mut siege = Siege::new();
    let colour = Untrusted.colour();
    let places = [
        Rect::new(0, 0, 1, 1),
        Rect::new(-30_000, -30_000, 300, 200),
        Rect::new(i32::MAX, i32::MIN, 10, 10),
        Rect::new(790, 590, 500, 500),
    ];
    for (window, place) in (1..).zip(places) {
        for override_redirect in [false, true] {
            siege.peer().window(window, place, override_redirect, colour);
            siege.world.settle();
            siege.peer().echo();
            siege.world.settle();
            let id = siege.world.newest();
            let shown = siege.world.window(id);
            let (content, frame) = (siege.world.content(id), siege.world.frame(id));
            let screen = siege.world.screen();
            let visible: Vec<_> = screen.find(colour).collect();
            assert!(visible.iter().all(|at| content.contains(*at)), "{place:?}");
            if shown.kind == WindowKind::Toplevel {
                assert!(frame.encloses(content) && frame.area() > content.area());
                assert!(!frame.intersection(all()).is_empty(), "{place:?} can be reached");
            }
            siege.peer().say(window, &AgentMessage::Destroy {});
            siege.world.settle();
        }
    }
    siege.others_are_served();
    assert_eq!(siege.world.take_warnings(), [""; 0]);
}

#[test]
fn the_largest_window_is_shown_and_goes() {
    let mut siege = Siege::new();
    let (width, height) = (limits::MAX_WIDTH, limits::MAX_HEIGHT);
    for window in [1, 2] {
        let peer = siege.peer();
        // its pages have never been touched: it costs nobody any memory
        let export = peer.share_bare(limits::MAX_REFS as usize);
        let refs = peer.refs(export);
        peer.create(window, Rect::new(0, 0, width, height), false);
        peer.dump(window, width, height, &refs);
        peer.map(window, false);
        peer.damage(window, Rect::new(0, 0, width, height));
        siege.world.settle();
        siege.peer().echo();
        siege.world.settle();
        let id = siege.world.newest();
        let frame = siege.world.frame(id);
        assert!(all().encloses(frame), "{frame:?} has been made to fit");
        siege.others_are_served();
    }
    siege.peer().say(1, &AgentMessage::Destroy {});
    siege.peer().say(2, &AgentMessage::Destroy {});
    siege.world.settle();
    siege.others_are_served();
}

#[test]
fn a_popup_as_large_as_the_screen_is_no_popup() {
    let mut siege = Siege::new();
    let screen = Rect::new(0, 0, WIDTH as u32, HEIGHT as u32);
    siege.peer().window(1, screen, true, Untrusted.colour());
    siege.world.settle();
    siege.peer().echo();
    siege.world.settle();
    let id = siege.world.newest();
    assert_eq!(siege.world.window(id).kind, WindowKind::Toplevel);
    let (content, frame) = (siege.world.content(id), siege.world.frame(id));
    assert!(frame.encloses(content) && frame.y >= 0 && frame.x >= 0);
    // the title band is in the user's hands
    assert_eq!(siege.world.screen().pixel(frame.x + 60, frame.y + 2), frame_colour(Untrusted, true));

    // one that grows up to it is none any more, either
    siege.peer().say(1, &AgentMessage::Destroy {});
    siege.peer().window(2, Rect::new(0, 0, 100, 100), true, Untrusted.colour());
    siege.world.settle();
    let id = siege.world.newest();
    assert_eq!(siege.world.window(id).kind, WindowKind::Popup);
    siege.peer().configure(2, screen);
    siege.world.settle();
    assert_eq!(siege.world.window(id).kind, WindowKind::Toplevel);
}

#[test]
fn popups_without_a_parent_have_their_frame_and_never_the_keyboard() {
    let mut siege = Siege::with_window();
    let focused = siege.world.focused();
    siege.peer().window(8, Rect::new(14, 334, 356, 70), true, Untrusted.colour());
    siege.world.settle();
    assert_eq!(siege.world.focused(), focused);
    let id = siege.world.newest();
    let content = siege.world.content(id);
    siege.world.motion(content.x + 50, content.y + 20);
    siege.world.click(content.x + 50, content.y + 20);
    assert_eq!(siege.world.focused(), focused);
    let inside = content.inset(geom::Insets::uniform(2));
    let screen = siege.world.screen();
    assert!(
        screen
            .find(Untrusted.colour())
            .all(|at| inside.contains(at) || siege_window_contains(&mut siege.world, at))
    );
}

fn siege_window_contains(world: &mut World, at: geom::Point) -> bool {
    let windows = world.windows();
    let first =
        windows.iter().find(|it| it.domain == "untrusted" && it.kind == WindowKind::Toplevel).unwrap();
    world.content(first.id).contains(at)
}

#[test]
fn titles_are_shown_without_tricks() {
    let mut siege = Siege::with_window();
    let id = siege.world.newest();
    let tricks = "\u{202e}gnp.\u{2066}exe\u{1b}[31m\r\n\u{200b}\u{e0041}[work] x";
    siege.peer().title(FIRST, tricks);
    siege.world.settle();
    let title = siege.world.window(id).title;
    assert_eq!(title, "gnp.exe[31m [work] x");
    // bytes that are no text at all
    let mut bytes = [0x80; 128];
    bytes[127] = 0;
    siege.peer().say(FIRST, &AgentMessage::WmName { title: bytes });
    siege.world.settle();
    let title = siege.world.window(id).title;
    assert!(title.chars().all(|it| it == char::REPLACEMENT_CHARACTER), "{title:?}");
    assert!(siege.world.take_log().iter().all(|line| !line.contains('\u{1b}') && !line.contains('\u{202e}')));
}

#[test]
fn a_window_that_is_not_shown_hears_nothing() {
    let mut world = World::with_stranger();
    world.peer(Untrusted);
    world.peers[0].greet();
    world.settle();
    world.peers[0].window(FIRST, Rect::new(0, 0, 100, 100), false, Untrusted.colour());
    world.settle();
    world.tap(code::A);
    world.peers[0].say(FIRST, &AgentMessage::Unmap {});
    world.settle();
    world.peers[0].heard.clear();
    world.tap(code::A);
    assert_eq!(world.peers[0].heard, []);
}

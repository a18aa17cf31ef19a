//! What agents of level 1 are given beside pixels, and what they ask for: by an agent that says what a test wants.

use std::{
    io::{Read, Write},
    os::unix::net::UnixStream,
};

use gui_daemon::{
    backend::{AxisSource, BackendEvent, Gesture, Touch},
    ipc::WindowKind,
    render::SHARE,
    shell::geom::Rect,
};
use gui_protocol::{
    Rect as WireRect, Version,
    message::{AgentMessage, Bytes, DaemonMessage},
};
use shm_grant::Backend;

use crate::fixture::{DOMAINS, Dom0, HEIGHT, Personal, Untrusted, WIDTH, World, code};

/// A domain's configuration that allows level 1, and more.
macro_rules! level1 {
    ($($more:literal)?) => {
        concat!("protocol = \"1.8+1\"\n", $($more)?)
    };
}

/// The window of the agent that is played.
const WINDOW: u32 = 7;
const MENU: u32 = 8;

/// A world in which the third domain's agent is played, with a window of 200x150 at 300,200 that has the focus.
fn world(policy: &'static str) -> World {
    let mut world = World::with(Backend::Socket, &DOMAINS[..2], policy);
    world.peer(Untrusted);
    world.peers[0].version = Version::NEWEST;
    world.peers[0].greet();
    window(&mut world, WINDOW);
    world.put(0, 300, 200);
    world.peers[0].heard.clear();
    world
}

fn window(world: &mut World, window: u32) {
    world.peers[0].create(window, WireRect::new(0, 0, 200, 150), false);
    world.peers[0].map(window, false);
    world.settle();
}

fn say(world: &mut World, window: u32, message: &AgentMessage) {
    world.peers[0].say(window, message);
    world.settle();
}

/// What the agent was told since last asked, as far as `pick` wants to know.
fn told<T>(world: &mut World, pick: impl Fn(&DaemonMessage) -> Option<T>) -> Vec<T> {
    let heard = std::mem::take(&mut world.peers[0].heard);
    heard.iter().filter_map(|(_, message)| pick(message)).collect()
}

/// The agent breaks a rule with this.
fn ends_the_link(world: &mut World, message: &AgentMessage) {
    let links = world.peers[0].links;
    world.peers[0].say(WINDOW, message);
    world.until("the link to end", |world| world.peers[0].links > links || !world.peers[0].connected);
    assert_eq!(world.take_warnings().len(), 1);
}

fn popup(parent: u32, token: u32, flags: u32) -> AgentMessage {
    AgentMessage::Popup {
        parent: gui_protocol::WindowId(parent),
        token,
        anchor_rect: WireRect::new(10, 10, 40, 20),
        width: 90,
        height: 120,
        anchor: 6,
        gravity: 8,
        constraint: 8 | 1,
        offset_x: 0,
        offset_y: 0,
        flags,
    }
}

/// A menu of the window, and the daemon's number of it.
fn menu(world: &mut World, menu: u32, parent: u32, flags: u32) -> u64 {
    world.peers[0].create(menu, WireRect::new(0, 0, 90, 120), true);
    world.peers[0].say(menu, &popup(parent, 5, flags));
    world.peers[0].map(menu, true);
    world.settle();
    world.newest()
}

/// Place, size and token of the arrangements.
fn arranged(world: &mut World) -> Vec<(i32, i32, u32, u32, u32)> {
    told(world, |message| match message {
        DaemonMessage::Arrange { x, y, width, height, token, .. } if *token != 0 => {
            Some((*x, *y, *width, *height, *token))
        }
        _ => None,
    })
}

#[test]
fn a_popup_is_placed_on_its_parent_and_told_where() {
    let mut world = world(level1!());
    let id = menu(&mut world, MENU, WINDOW, 0);
    let content = world.content(0);
    assert_eq!(world.content(id), Rect::new(content.x + 10, content.y + 30, 90, 120));
    assert_eq!(world.window(id).kind, WindowKind::Popup);
    assert_eq!(arranged(&mut world), [(10, 30, 90, 120, 5)]);
    world.put(0, 300, HEIGHT - 100);
    say(&mut world, MENU, &popup(WINDOW, 6, 0));
    assert_eq!(arranged(&mut world), [(10, -110, 90, 120, 6)], "there is room above");
}

#[test]
fn a_popup_of_any_numbers_stays_on_the_screen() {
    for (anchor_rect, offset, size) in [
        (WireRect::new(i32::MIN, i32::MAX, u32::MAX, u32::MAX), (0, 0), (90, 120)),
        (WireRect::new(0, 0, 0, 0), (i32::MAX, i32::MIN), (90, 120)),
        (WireRect::new(0, 0, 1, 1), (0, 0), (500, 500)),
        (WireRect::new(-9999, -9999, 1, 1), (-9999, -9999), (1, 1)),
    ] {
        let mut world = world(level1!());
        let AgentMessage::Popup { parent, token, anchor, gravity, flags, .. } = popup(WINDOW, 5, 0) else {
            unreachable!()
        };
        let (width, height) = size;
        let (offset_x, offset_y) = offset;
        let constraint = 0;
        let strange = AgentMessage::Popup {
            parent,
            token,
            anchor_rect,
            width,
            height,
            anchor,
            gravity,
            constraint,
            offset_x,
            offset_y,
            flags,
        };
        world.peers[0].create(MENU, WireRect::new(0, 0, 90, 120), true);
        world.peers[0].say(MENU, &strange);
        world.peers[0].map(MENU, true);
        world.settle();
        let id = world.newest();
        let place = world.content(id);
        assert!(Rect::new(0, 0, WIDTH, HEIGHT).encloses(place), "{place:?}");
    }
}

#[test]
fn a_thousand_popups_on_one_another_harm_nobody() {
    let mut world = world(level1!());
    let honest = world.app(Personal, 100, 100);
    world.focus(0);
    for depth in 0..1000 {
        world.peers[0].create(100 + depth, WireRect::new(0, 0, 90, 120), true);
        let parent = if depth == 0 { WINDOW } else { 99 + depth };
        world.peers[0].say(100 + depth, &popup(parent, 5, 2));
        world.peers[0].map(100 + depth, true);
    }
    world.until("the end of the link or of the popups", |world| {
        !world.peers[0].connected || world.peers[0].unsent() == 0
    });
    world.settle();
    world.focus(honest.id);
    world.client(honest.client).take_input();
    world.tap(code::A);
    let keys: Vec<_> =
        world.client(honest.client).take_input().into_iter().filter(|it| it.starts_with("key")).collect();
    assert_eq!(keys, ["key 30 down", "key 30 up"]);
}

#[test]
fn a_click_in_another_domain_closes_the_menus_the_topmost_first() {
    let mut world = world(level1!());
    let other = world.app(Personal, 100, 100);
    world.put(other.id, 20, 20);
    world.focus(0);
    menu(&mut world, MENU, WINDOW, 2);
    let submenu = menu(&mut world, MENU + 1, MENU, 2);
    world.peers[0].heard.clear();
    let closed = |world: &mut World| {
        let heard = std::mem::take(&mut world.peers[0].heard);
        let closes = heard.iter().filter(|(_, message)| matches!(message, DaemonMessage::Close {}));
        closes.map(|(window, _)| window.0).collect::<Vec<_>>()
    };
    let inside = world.content(submenu);
    world.click(inside.x + 50, inside.y + 5);
    assert_eq!(closed(&mut world), [0u32; 0]);
    let (x, y) = (world.content(other.id).x + 5, world.content(other.id).y + 5);
    world.click(x, y);
    assert_eq!(closed(&mut world), [MENU + 1, MENU]);
    assert_eq!(world.focused(), Some(other.id));
    menu(&mut world, MENU + 2, WINDOW, 2);
    assert_eq!(closed(&mut world), [MENU + 2], "without the keyboard no menu holds the input");
}

#[test]
fn the_pointers_looks_are_the_windows_choice_within_limits() {
    let mut world = world(level1!());
    let middle = world.content(0).centre();
    world.motion(middle.x, middle.y);
    let picture = |side: u32, hot: u32, scale: u32| AgentMessage::CursorImage {
        width: side,
        height: side,
        hot_x: hot,
        hot_y: hot,
        scale,
        pixels: Bytes([0x10, 0x20, 0x30, 0xff].repeat((side * side) as usize)),
    };
    say(&mut world, WINDOW, &picture(256, 255, 60));
    let bare = world.screen();
    let drawn = world.screen_with_pointer().difference(&bare).unwrap().0;
    let most = HEIGHT / SHARE;
    assert_eq!(drawn, Rect::new(middle.x - most + 1, middle.y - most + 1, most, most));
    say(&mut world, WINDOW, &AgentMessage::CursorShape { shape: 0 });
    assert!(world.screen_with_pointer() == world.screen(), "hidden");
    let frame = world.frame(0);
    world.motion(frame.x + 50, frame.y + 10);
    assert!(world.screen_with_pointer() != world.screen(), "but not over the frame");

    for (side, hot) in [(257, 0), (16, 16), (0, 0)] {
        let mut world = self::world(level1!());
        ends_the_link(&mut world, &picture(side, hot, 120));
    }
    ends_the_link(&mut world, &AgentMessage::CursorShape { shape: 37 });
}

#[test]
fn an_icon_stands_in_its_place_on_the_band() {
    const COLOUR: u32 = 0x12_3456;
    let mut world = world(level1!());
    let icon = |side: u32| AgentMessage::Icon {
        width: side,
        height: side,
        pixels: Bytes([0x56, 0x34, 0x12, 0xff].repeat((side * side) as usize)),
    };
    say(&mut world, WINDOW, &icon(256));
    let places: Vec<_> = world.screen().find(COLOUR).collect();
    let frame = world.frame(0);
    let band = Rect { height: 28, ..frame };
    assert!(!places.is_empty() && places.len() <= 18 * 18, "{}", places.len());
    assert!(places.iter().all(|at| band.contains(*at) && at.y >= band.y + 4 && at.y < band.bottom() - 4));
    let labels = world.screen().colours(band);
    assert!(labels.contains(&crate::fixture::screen::frame_colour(Untrusted, true)));
    ends_the_link(&mut world, &icon(257));
}

#[test]
fn scrolling_and_gestures_and_fingers_go_to_the_window() {
    let mut world = world(level1!());
    let content = world.content(0);
    world.motion(content.x + 20, content.y + 30);
    told(&mut world, |_| None::<()>);
    world.event(|time_ms| {
        let source = AxisSource::Finger;
        BackendEvent::PointerAxis { dx: 0.5, dy: -1.0, v120: None, source, time_ms }
    });
    let scrolled = told(&mut world, |message| match message {
        DaemonMessage::Scroll { horizontal, vertical, source, .. } => {
            Some((horizontal.0, vertical.0, *source))
        }
        DaemonMessage::Button { .. } => panic!("a wheel is no button"),
        _ => None,
    });
    assert_eq!(scrolled, [(128, -256, 1)]);

    let swipe = |world: &mut World| {
        world.event(|time_ms| BackendEvent::Gesture(Gesture::SwipeBegin { fingers: 3 }, time_ms));
        world.event(|time_ms| BackendEvent::Gesture(Gesture::SwipeEnd { cancelled: true }, time_ms));
        told(world, |message| match message {
            DaemonMessage::Gesture { kind, fingers, cancelled, .. } => Some((*kind, *fingers, *cancelled)),
            _ => None,
        })
    };
    assert_eq!(swipe(&mut world), [], "nobody listens");
    say(&mut world, WINDOW, &AgentMessage::PointerNeeds { needs: 2 });
    assert_eq!(swipe(&mut world), [(1, 3, 0), (3, 0, 1)]);

    let touch = |world: &mut World, touch| {
        world.event(|time_ms| BackendEvent::Touch(touch, time_ms));
        told(world, |message| match message {
            DaemonMessage::Touch { kind, id, x, y, .. } => Some((*kind, *id, x.0 / 256, y.0 / 256)),
            _ => None,
        })
    };
    let (x, y) = (f64::from(content.x + 7), f64::from(content.y + 8));
    assert_eq!(touch(&mut world, Touch::Down { slot: 4, x, y }), [(1, 4, 7, 8)]);
    assert_eq!(touch(&mut world, Touch::Frame), [(4, 0, 0, 0)]);
    assert_eq!(touch(&mut world, Touch::Motion { slot: 4, x: 0.0, y: 0.0 })[0].0, 3);
    // the window goes: its finger is cancelled, and what it does then is nobody's
    world.peers[0].say(WINDOW, &AgentMessage::Unmap {});
    world.settle();
    let cancelled = told(&mut world, |message| match message {
        DaemonMessage::Touch { kind, .. } => Some(*kind),
        _ => None,
    });
    assert_eq!(cancelled, [5]);
    assert_eq!(touch(&mut world, Touch::Motion { slot: 4, x, y }), []);
    assert_eq!(touch(&mut world, Touch::Up { slot: 4 }), []);
}

fn constrained(world: &mut World) -> Vec<u32> {
    told(world, |message| match message {
        DaemonMessage::PointerConstrained { kind } => Some(*kind),
        _ => None,
    })
}

fn relative(world: &mut World) -> usize {
    let (dx, dy, time_us) = (3.0, 4.0, 1);
    world.event(|_| BackendEvent::PointerRelative { dx, dy, dx_raw: dx, dy_raw: dy, time_us });
    told(world, |message| matches!(message, DaemonMessage::RelativeMotion { .. }).then_some(())).len()
}

const LOCK: AgentMessage = AgentMessage::ConstrainPointer { kind: 1, region: WireRect::new(0, 0, 0, 0) };

#[test]
fn without_permission_no_domain_locks_the_pointer_or_hears_how_it_moves() {
    let mut world = world(level1!());
    let content = world.content(0);
    world.motion(content.x + 20, content.y + 30);
    say(&mut world, WINDOW, &AgentMessage::PointerNeeds { needs: 3 });
    say(&mut world, WINDOW, &LOCK);
    assert_eq!(constrained(&mut world), [0u32; 0]);
    assert_eq!(relative(&mut world), 0);
    world.motion(5, 5);
    assert_eq!(world.state().pointer.at, (5.0, 5.0).into());
}

#[test]
fn a_lock_shows_and_the_combination_ends_it() {
    let mut world = world(level1!("allow_pointer_lock = true"));
    let content = world.content(0);
    world.motion(content.x + 20, content.y + 30);
    say(&mut world, WINDOW, &AgentMessage::PointerNeeds { needs: 1 });
    world.peers[0].heard.clear();
    say(&mut world, WINDOW, &LOCK);
    assert_eq!(constrained(&mut world), [1]);
    assert_eq!(relative(&mut world), 1);
    let at = world.state().pointer.at;
    world.motion(5, 5);
    assert_eq!(world.state().pointer.at, at);
    let band = Rect { height: 28, ..world.frame(0) };
    assert!(world.screen().colours(band).contains(&0xff_c83d), "the frame says so");

    world.key(code::LEFT_SUPER, true);
    world.tap(code::ESCAPE);
    world.key(code::LEFT_SUPER, false);
    let heard = std::mem::take(&mut world.peers[0].heard);
    let escape = code::ESCAPE + 8;
    assert!(!heard.iter().any(
        |(_, message)| matches!(message, DaemonMessage::Keypress { keycode, .. } if *keycode == escape)
    ));
    assert!(
        heard.iter().any(|(_, message)| matches!(message, DaemonMessage::PointerConstrained { kind: 0 }))
    );
    assert!(!world.screen().colours(band).contains(&0xff_c83d));
    // asking again does not bring it back
    say(&mut world, WINDOW, &LOCK);
    assert_eq!(constrained(&mut world), [0u32; 0]);
    world.motion(5, 5);
    assert_eq!(world.state().pointer.at, (5.0, 5.0).into());
}

#[test]
fn a_fullscreen_window_shows_its_lock_too() {
    let mut world = world(level1!("allow_pointer_lock = true\nallow_fullscreen = true"));
    say(&mut world, WINDOW, &AgentMessage::Wish { kind: 2, value: 1 });
    assert_eq!(world.frame(0), Rect::new(0, 0, WIDTH, HEIGHT));
    world.motion(400, 300);
    say(&mut world, WINDOW, &LOCK);
    assert!(constrained(&mut world).contains(&1));
    let top = Rect::new(0, 0, WIDTH, 40);
    assert!(world.screen().colours(top).contains(&0xff_c83d));
}

#[test]
fn the_keymap_and_the_modifiers_come_before_the_focus() {
    let mut world = World::with_stranger_and_keyboard("layout = \"us,de\"\n");
    world.peer(Untrusted);
    world.peers[0].version = Version::NEWEST;
    world.peers[0].greet();
    world.settle();
    let keymaps = told(&mut world, |message| match message {
        DaemonMessage::Keymap { text } => Some(String::from_utf8(text.0.clone()).unwrap()),
        _ => None,
    });
    assert_eq!(keymaps.len(), 1);
    assert!(keymaps[0].contains("xkb_keymap") && keymaps[0].contains("German"));
    window(&mut world, WINDOW);
    let order = told(&mut world, |message| match message {
        DaemonMessage::Modifiers { group, .. } => Some(format!("group {group}")),
        DaemonMessage::Focus { kind: 9, .. } => Some("focus".into()),
        _ => None,
    });
    assert_eq!(order[..2], ["group 0", "focus"]);
    world.key(code::LEFT_SUPER, true);
    world.tap(code::SPACE);
    world.key(code::LEFT_SUPER, false);
    let groups = told(&mut world, |message| match message {
        DaemonMessage::Modifiers { group, .. } => Some(*group),
        DaemonMessage::Keypress { keycode, .. } => {
            assert_ne!(*keycode, code::SPACE + 8, "the combination is nobody's");
            None
        }
        _ => None,
    });
    assert_eq!(groups.last(), Some(&1));
}

/// A control client.
struct Control(UnixStream);

impl Control {
    fn ask(world: &mut World, request: &str) -> Self {
        let mut stream = UnixStream::connect(world.dir.path().join("control.sock")).unwrap();
        stream.set_nonblocking(true).unwrap();
        writeln!(stream, "{request}").unwrap();
        world.settle();
        Self(stream)
    }

    /// The answer, if there is one by now.
    fn answer(&mut self) -> Option<String> {
        let mut text = String::new();
        match self.0.read_to_string(&mut text) {
            Ok(_) => panic!("the daemon has hung up"),
            Err(_) if text.is_empty() => None,
            Err(_) => Some(text.trim().to_owned()),
        }
    }
}

const RUN: &str = r#"{"request":"run","domain":"untrusted","argv":["foot","-e","top"]}"#;

fn runs(world: &mut World) -> Vec<(u32, Vec<u8>)> {
    told(world, |message| match message {
        DaemonMessage::Run { token, argv } => Some((*token, argv.0.clone())),
        _ => None,
    })
}

#[test]
fn a_program_is_started_and_its_window_gets_the_focus() {
    let mut world = world(level1!());
    let other = world.app(Personal, 100, 100);
    let mut client = Control::ask(&mut world, RUN);
    assert_eq!(runs(&mut world), [(1, b"foot\0-e\0top\0".to_vec())]);
    assert_eq!(client.answer(), None);
    say(&mut world, 0, &AgentMessage::RunResult { token: 1, status: 4711 });
    assert_eq!(client.answer().as_deref(), Some(r#"{"started":{"pid":4711}}"#));

    // a token that is nobody's only asks for a look
    assert_eq!(world.focused(), Some(other.id));
    say(&mut world, WINDOW, &AgentMessage::Wish { kind: 7, value: 99 });
    assert_eq!(world.focused(), Some(other.id));
    assert!(world.window(0).attention);
    say(&mut world, WINDOW, &AgentMessage::Wish { kind: 7, value: 1 });
    assert_eq!(world.focused(), Some(0));
    assert!(!world.window(0).attention);
    // and each is good once
    world.focus(other.id);
    say(&mut world, WINDOW, &AgentMessage::Wish { kind: 7, value: 1 });
    assert_eq!(world.focused(), Some(other.id));
}

#[test]
fn a_program_that_cannot_be_started_has_a_reason() {
    let answer = |world: &mut World, request: &str| Control::ask(world, request).answer().unwrap_or_default();
    let mut world = world(level1!());
    let unknown = answer(&mut world, &RUN.replace("untrusted", "nowhere"));
    assert_eq!(unknown, r#"{"error":"no domain is called \"nowhere\""}"#);
    let nothing = answer(&mut world, r#"{"request":"run","domain":"untrusted","argv":[]}"#);
    assert!(nothing.contains("1 to 256 words"), "{nothing}");
    let mut refused = Control::ask(&mut world, RUN);
    let token = runs(&mut world)[0].0;
    say(&mut world, 0, &AgentMessage::RunResult { token, status: -2 });
    let refused = refused.answer().unwrap();
    assert!(refused.contains("No such file"), "{refused}");
    let mut lost = Control::ask(&mut world, RUN);
    ends_the_link(&mut world, &AgentMessage::RunResult { token: 77, status: 1 });
    world.settle();
    assert!(lost.answer().unwrap().contains("went away"));

    let mut world = World::with(Backend::Socket, &DOMAINS[..2], "allow_run = false");
    assert!(answer(&mut world, RUN).contains("is not connected"));
    world.peer(Untrusted);
    world.peers[0].greet();
    world.settle();
    assert!(answer(&mut world, RUN).contains("base protocol"), "an agent of 1.8");
    let mut world = self::world(level1!("allow_run = false"));
    assert!(answer(&mut world, RUN).contains("allow_run = false"));
}

fn syncs(world: &mut World) -> Vec<u32> {
    told(world, |message| match message {
        DaemonMessage::Sync { token } => Some(*token),
        _ => None,
    })
}

#[test]
fn a_sync_is_answered_when_the_agent_has_handled_everything() {
    let mut world = world(level1!());
    world.peers[0].answers_syncs = false;
    let mut client = Control::ask(&mut world, r#"{"request":"sync_domain","domain":"untrusted"}"#);
    let asked = syncs(&mut world);
    assert_eq!((asked.len(), client.answer()), (1, None));
    let mut later = Control::ask(&mut world, r#"{"request":"sync_domain","domain":"untrusted"}"#);
    say(&mut world, 0, &AgentMessage::SyncDone { token: asked[0] });
    assert_eq!(client.answer().as_deref(), Some(r#"{"done":{}}"#));
    assert_eq!(later.answer(), None, "the answer was to a question from before");
    let asked = syncs(&mut world);
    say(&mut world, 0, &AgentMessage::SyncDone { token: asked[0] });
    assert_eq!(later.answer().as_deref(), Some(r#"{"done":{}}"#));
}

#[test]
fn an_agent_that_does_not_answer_is_shown_as_such_until_it_does() {
    let mut world = World::with_impatience();
    world.peer(Untrusted);
    world.peers[0].answers_syncs = false;
    world.peers[0].version = Version::NEWEST;
    world.peers[0].greet();
    window(&mut world, WINDOW);
    let band = Rect { height: 28, ..world.frame(0) };
    let says_so = |world: &mut World| world.screen().colours(band).contains(&0xff_c83d);
    let asked = world.peers[0].heard.iter().find_map(|(_, message)| match message {
        DaemonMessage::Sync { token } => Some(*token),
        _ => None,
    });
    world.until("the daemon to lose patience", |world| !world.state().domain_infos()[2].responding);
    assert!(says_so(&mut world));
    assert!(world.take_warnings()[0].contains("the agent does not respond"), "one line");
    say(&mut world, 0, &AgentMessage::SyncDone { token: asked.unwrap() });
    assert!(world.state().domain_infos()[2].responding);
    assert!(!says_so(&mut world));
    assert!(world.take_log().iter().any(|line| line.contains("responds again")));
}

#[test]
fn an_idle_agent_is_asked_nothing() {
    let mut world = world(level1!());
    let other = world.app(Personal, 100, 100);
    world.focus(other.id);
    world.peers[0].heard.clear();
    world.peers[0].answers_syncs = false;
    let started = std::time::Instant::now();
    world.until("more than the time between questions", |_| started.elapsed().as_millis() > 1200);
    assert_eq!(world.peers[0].heard.len(), 0, "{:?}", world.peers[0].heard);
}

#[test]
fn a_window_is_moved_only_while_a_button_is_held_that_was_pressed_in_it() {
    let mut world = world(level1!());
    let before = world.frame(0);
    let content = world.content(0);
    let moving = AgentMessage::Wish { kind: 5, value: 0 };
    say(&mut world, WINDOW, &moving);
    world.motion(content.x + 40, content.y + 40);
    assert_eq!(world.frame(0), before);
    world.button(code::LEFT, true);
    say(&mut world, WINDOW, &moving);
    world.motion(content.x + 60, content.y + 30);
    world.button(code::LEFT, false);
    assert_eq!(world.frame(0).origin(), gui_daemon::shell::geom::Point::new(before.x + 20, before.y - 10));
    world.motion(5, 5);
    assert_eq!(world.frame(0).x, before.x + 20);
}

/// Whether dom0's client, which waits for the user to be away, has been told so.
fn away(world: &mut World, client: usize) -> Option<bool> {
    world.settle();
    world.client(client).inbox.away
}

#[test]
fn a_window_keeps_the_screens_on_where_its_domain_may() {
    let wish = |value| AgentMessage::Wish { kind: 10, value };
    for (policy, may) in [(level1!("allow_idle_inhibit = true"), true), (level1!(), false)] {
        let mut world = world(policy);
        let watcher = world.connect(Dom0);
        world.client(watcher).watch_for_absence(1);
        world.until("absence", |world| away(world, watcher) == Some(true));
        say(&mut world, WINDOW, &wish(1));
        assert_eq!(away(&mut world, watcher), Some(!may));
        // what nobody sees keeps nothing on
        if may {
            world.peers[0].say(WINDOW, &AgentMessage::Unmap {});
            world.until("absence", |world| away(world, watcher) == Some(true));
            world.peers[0].map(WINDOW, false);
            assert_eq!(away(&mut world, watcher), Some(false));
        }
        say(&mut world, WINDOW, &wish(0));
        world.until("absence", |world| away(world, watcher) == Some(true));
    }
}

#[test]
fn the_user_is_here_as_long_as_there_is_input() {
    let mut world = World::new();
    let watcher = world.connect(Dom0);
    world.client(watcher).watch_for_absence(1);
    world.until("absence", |world| away(world, watcher) == Some(true));
    world.client(watcher).inbox.away = None;
    world.motion(5, 5);
    world.until("absence", |world| away(world, watcher) == Some(true));
    assert_eq!(world.client(watcher).inbox.returns, 1);
}

#[test]
fn a_modal_dialog_gets_the_keyboard_of_its_window() {
    let mut world = world(level1!());
    let main = world.newest();
    window(&mut world, MENU);
    let dialog = world.newest();
    say(&mut world, MENU, &AgentMessage::Parent { parent: gui_protocol::WindowId(WINDOW) });
    say(&mut world, MENU, &AgentMessage::Wish { kind: 11, value: 1 });
    world.focus(main);
    assert_eq!(world.focused(), Some(dialog));
    say(&mut world, MENU, &AgentMessage::Wish { kind: 11, value: 0 });
    world.focus(main);
    assert_eq!(world.focused(), Some(main));
}

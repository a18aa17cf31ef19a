//! The agent's end at level 1: pools, commits and what holds them, and a scene that outlives daemons of any level.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::Duration;

use common::*;
use gui_protocol::limits::{BACKLOG, MAX_ARGV, MAX_COMMIT_RECTS, MAX_REFS, MAX_RUNS};
use gui_protocol::message::{AgentMessage, Bytes, DaemonMessage, Message};
use gui_protocol::{
    AgentEvent, Arrange, BufferId, BufferSerial, CursorImage, CursorLook, Edges, Fixed, Gesture, GestureKind,
    Image, Modifiers, NewCommit, Output, PixelFormat, PointerConstraint, PointerNeeds, Positioner, Presented,
    PresentedFlags, Rect, RelativeMotion, Scale, Scroll, ScrollFlags, ScrollSource, SizeHints, States, Touch,
    TouchKind, Violation, WindowFlags, WindowId, Wish,
};

const W: WindowId = WindowId(5);
const GEOMETRY: Rect = Rect::new(10, 20, 8, 8);
const PART: Rect = Rect::new(1, 1, 2, 2);
const WHOLE: Rect = Rect::new(0, 0, 8, 8);

fn with_window(minor: u16) -> Agent {
    let mut agent = Agent::with(minor);
    agent.conn.create(W, GEOMETRY, None, false).unwrap();
    agent.heard();
    agent
}

fn add(agent: &mut Agent) -> BufferSerial {
    agent.conn.add_buffer(W, 8, 8, PixelFormat::Argb8888, refs(1))
}

fn damaged(buffer: BufferSerial, damage: &[Rect]) -> NewCommit {
    NewCommit { damage: damage.to_vec(), ..NewCommit::whole(buffer, 8, 8) }
}

fn released(serial: BufferSerial) -> AgentEvent {
    AgentEvent::BufferReleased { window: W, serial }
}

fn removed(serial: BufferSerial) -> AgentEvent {
    AgentEvent::BufferRemoved { window: W, serial }
}

fn release(buffer: u32, serial: u64) -> DaemonMessage {
    DaemonMessage::Release { buffer: BufferId(buffer), serial }
}

/// The serial, buffer, `configure` and damage of the one commit the agent said.
fn commit_heard(agent: &mut Agent) -> (u64, u32, u32, Vec<Rect>) {
    let heard = agent.heard();
    let [(5, AgentMessage::Commit { serial, buffer, configure, damage_count, rects, .. })] = &heard[..]
    else {
        panic!("{heard:?}")
    };
    (*serial, buffer.0, *configure, rects[..*damage_count as usize].to_vec())
}

#[test]
fn pools_and_commits_are_told_as_they_are() {
    let mut agent = with_window(LEVEL_1);
    let first = add(&mut agent);
    let expected =
        AgentMessage::Buffer { buffer: BufferId(0), width: 8, height: 8, format: 1, refs: refs(1) };
    assert_eq!(agent.heard(), [(5, expected)]);
    let commit = NewCommit {
        buffer: first,
        configure: 0,
        width: 4,
        height: 3,
        scale: Scale::new(180).unwrap(),
        source: Rect::new(1, 1, 6, 5),
        wants_presented: true,
        damage: vec![PART, Rect::new(8, 0, 1, 1)],
        opaque: vec![PART, Rect::new(-1, -1, 100, 100)],
    };
    let serial = agent.conn.commit(W, commit).unwrap();
    let expected = AgentMessage::Commit {
        serial,
        configure: 0,
        buffer: BufferId(0),
        width: 4,
        height: 3,
        scale: 180,
        source: Rect::new(1, 1, 6, 5),
        flags: 1,
        damage_count: 1,
        rects: vec![Rect::new(1, 1, 6, 5), PART, WHOLE],
    };
    assert_eq!(agent.heard(), [(5, expected)]);
    let geometry = agent.conn.geometry(W).unwrap();
    assert_eq!((geometry.width, geometry.height), (4, 3));
    // Then what it says is damaged, and nothing of it twice.
    let second = add(&mut agent);
    agent.conn.commit(W, damaged(second, &[]));
    agent.heard();
    agent.say(5, release(0, serial)).unwrap();
    agent.conn.commit(W, damaged(first, &[PART]));
    assert_eq!(commit_heard(&mut agent).3, [PART]);
}

#[test]
fn a_buffer_is_held_from_its_commit_to_the_release_of_that_commit() {
    let mut agent = with_window(LEVEL_1);
    let (first, second) = (add(&mut agent), add(&mut agent));
    assert!(!agent.conn.is_held(W, first));
    let one = agent.conn.commit(W, damaged(first, &[PART])).unwrap();
    assert!(agent.conn.is_held(W, first) && !agent.conn.is_held(W, second));
    // The content may be repeated, but not changed.
    assert_eq!(agent.conn.commit(W, damaged(first, &[PART])), None);
    let two = agent.conn.commit(W, damaged(first, &[])).unwrap();
    // A release of the first commit crossed the second.
    assert_eq!(agent.say(5, release(0, one)).unwrap(), []);
    assert!(agent.conn.is_held(W, first));
    agent.conn.commit(W, damaged(second, &[PART])).unwrap();
    assert_eq!(agent.conn.commit(W, damaged(first, &[])), None, "held, and not the content");
    assert_eq!(agent.say(5, release(0, two)).unwrap(), [released(first)]);
    assert!(!agent.conn.is_held(W, first));
    assert_eq!(agent.say(5, release(0, two)).unwrap(), []);
    assert!(agent.conn.commit(W, damaged(first, &[PART])).is_some());
    // An unmap gives nothing back by itself.
    agent.conn.map(W, None);
    agent.conn.unmap(W);
    assert!(agent.conn.is_held(W, first) && agent.conn.is_held(W, second));
}

#[test]
fn what_cannot_be_committed_is_not() {
    let mut agent = with_window(LEVEL_1);
    let buffer = add(&mut agent);
    agent.heard();
    let whole = || NewCommit::whole(buffer, 8, 8);
    for wrong in [
        NewCommit { buffer: BufferSerial(77), ..whole() },
        NewCommit { width: 0, ..whole() },
        NewCommit { width: 7, ..whole() },
        NewCommit { scale: Scale::new(60).unwrap(), ..whole() },
        NewCommit { source: Rect::new(1, 0, 8, 8), ..whole() },
        NewCommit { source: Rect::default(), ..whole() },
    ] {
        assert_eq!(agent.conn.commit(W, wrong.clone()), None, "{wrong:?}");
    }
    assert_eq!(agent.conn.commit(WindowId(6), whole()), None);
    agent.conn.remove_buffer(W, buffer);
    assert_eq!(agent.conn.commit(W, whole()), None);
    assert_eq!(agent.heard(), [(5, AgentMessage::RemoveBuffer { buffer: BufferId(0) })]);
    // Rectangles beyond what a commit has: damage becomes more, what is opaque less.
    let buffer = add(&mut agent);
    let (damage, opaque) = (vec![PART; MAX_COMMIT_RECTS + 1], vec![PART; MAX_COMMIT_RECTS + 1]);
    agent.conn.commit(W, NewCommit { opaque, ..damaged(buffer, &damage) });
    let (_, message) = agent.heard().pop().unwrap();
    let AgentMessage::Commit { damage_count: 1, rects, .. } = message else { panic!("{message:?}") };
    assert_eq!(rects.len(), 1 + MAX_COMMIT_RECTS);
}

#[test]
fn a_pool_has_three_places_and_one_for_the_shown() {
    let mut agent = with_window(LEVEL_1);
    let shown = add(&mut agent);
    agent.conn.commit(W, damaged(shown, &[]));
    let (second, third) = (add(&mut agent), add(&mut agent));
    let fourth = add(&mut agent);
    assert_eq!(agent.events(), [removed(fourth)]);
    agent.conn.remove_buffer(W, second);
    agent.conn.remove_buffer(W, third);
    let next = add(&mut agent);
    agent.conn.commit(W, damaged(next, &[]));
    agent.conn.remove_buffer(W, shown);
    let names = [
        "BUFFER",
        "COMMIT",
        "BUFFER",
        "BUFFER",
        "REMOVE_BUFFER",
        "REMOVE_BUFFER",
        "BUFFER",
        "COMMIT",
        "REMOVE_BUFFER",
    ];
    assert_eq!(agent.heard_names(), names);
    assert_eq!(agent.events(), []);
    for (id, serial) in [(1, second), (2, third), (0, shown)] {
        let answer = DaemonMessage::BufferRemoved { buffer: BufferId(id) };
        assert_eq!(agent.say(5, answer.clone()).unwrap(), [removed(serial)]);
        assert_eq!(agent.say(5, answer).unwrap(), []);
    }
    // Not asked for.
    assert_eq!(agent.say(5, DaemonMessage::BufferRemoved { buffer: BufferId(3) }).unwrap(), []);
    agent.conn.destroy(W);
    assert_eq!(agent.events(), []);
    assert_eq!(agent.say(5, DaemonMessage::Destroy {}).unwrap(), [removed(next)]);
}

/// Fills the channel with a window of its own.
fn fill(agent: &mut Agent) {
    let big = WindowId(99);
    agent.conn.create(big, GEOMETRY, None, false).unwrap();
    agent.conn.add_buffer(big, 1, 1, PixelFormat::Xrgb8888, refs(MAX_REFS / 2));
    assert!(agent.conn.transmit().len() >= BACKLOG);
}

#[test]
fn commits_that_wait_become_one() {
    let mut agent = with_window(LEVEL_1);
    let (first, second) = (add(&mut agent), add(&mut agent));
    let shown = agent.conn.commit(W, damaged(first, &[])).unwrap();
    agent.heard();
    fill(&mut agent);
    let queued = agent.conn.transmit().len();
    for x in 0..5 {
        agent.conn.commit(W, damaged(second, &[Rect::new(x, 0, 1, 1)]));
        agent.events();
        // The daemon has not been told of it: it can be written again when another is committed.
        assert_eq!(agent.conn.commit(W, damaged(second, &[PART])), None);
        assert!(agent.conn.is_held(W, second));
        if x == 0 {
            assert_eq!(agent.say(5, release(0, shown)).unwrap(), [released(first)]);
        }
        agent.conn.commit(W, damaged(first, &[Rect::new(x, 1, 1, 1)]));
        assert_eq!(agent.events(), [released(second)]);
        agent.conn.commit(W, damaged(second, &[]));
        assert_eq!(agent.events(), [released(first)]);
        let newest = agent.conn.commit(W, damaged(first, &[])).unwrap();
        assert_eq!(agent.events(), [released(second)]);
        assert_eq!(agent.conn.transmit().len(), queued);
        if x < 4 {
            continue;
        }
        let heard = agent.heard();
        assert_eq!(heard.len(), 3, "CREATE, BUFFER and one COMMIT");
        let AgentMessage::Commit { serial, buffer, damage_count, rects, .. } = &heard[2].1 else {
            panic!("{heard:?}")
        };
        assert_eq!((*serial, *buffer, *damage_count), (newest, BufferId(0), 10));
        for x in 0..5 {
            assert!(rects.contains(&Rect::new(x, 0, 1, 1)) && rects.contains(&Rect::new(x, 1, 1, 1)));
        }
    }
}

#[test]
fn of_many_waiting_rectangles_the_box_is_told() {
    let mut agent = with_window(LEVEL_1);
    let (first, second) = (add(&mut agent), add(&mut agent));
    agent.conn.commit(W, damaged(first, &[]));
    agent.heard();
    fill(&mut agent);
    agent.conn.commit(W, damaged(second, &[Rect::new(0, 0, 1, 1); MAX_COMMIT_RECTS]));
    agent.say(5, release(0, 1)).unwrap();
    agent.conn.commit(W, damaged(first, &[Rect::new(6, 5, 1, 1)]));
    let (_, message) = agent.heard().pop().unwrap();
    let AgentMessage::Commit { damage_count: 1, rects, .. } = message else { panic!("{message:?}") };
    assert_eq!(rects[0], Rect::new(0, 0, 7, 6));
}

/// While a pool is exchanged the daemon never has more than four, nor nothing to show.
#[test]
fn a_pool_is_exchanged_in_an_order_that_fits() {
    let mut agent = with_window(LEVEL_1);
    let old = [add(&mut agent), add(&mut agent), add(&mut agent)];
    agent.conn.commit(W, damaged(old[0], &[]));
    agent.heard();
    fill(&mut agent);
    agent.conn.remove_buffer(W, old[1]);
    agent.conn.remove_buffer(W, old[2]);
    let new = [add(&mut agent), add(&mut agent)];
    agent.conn.commit(W, damaged(new[0], &[]));
    agent.conn.remove_buffer(W, old[0]);
    add(&mut agent);
    let names = agent.heard_names();
    let expected =
        ["REMOVE_BUFFER", "REMOVE_BUFFER", "BUFFER", "BUFFER", "BUFFER", "COMMIT", "REMOVE_BUFFER"];
    assert_eq!(names[2..], expected);
}

#[test]
fn frames_are_reported_for_windows_there_are() {
    let mut agent = with_window(LEVEL_1);
    let buffer = add(&mut agent);
    let serial = agent.conn.commit(W, damaged(buffer, &[])).unwrap();
    let done = |serial| DaemonMessage::FrameDone { serial };
    assert_eq!(agent.say(5, done(serial)).unwrap(), [AgentEvent::FrameDone { window: W, serial }]);
    assert_eq!(agent.say(5, done(serial + 1)).unwrap(), [], "not yet made");
    assert_eq!(agent.say(6, done(serial)).unwrap(), []);
    let (ago_ns, refresh_ns, sequence) = (5, 16, 1 << 40);
    let message = DaemonMessage::Presented { serial, ago_ns, refresh_ns, sequence, flags: 0xff };
    let (ago, refresh) = (Duration::from_nanos(5), Some(Duration::from_nanos(16)));
    let presented = Presented { serial, ago, refresh, sequence, flags: PresentedFlags::all() };
    assert_eq!(agent.say(5, message).unwrap(), [AgentEvent::Presented { window: W, presented }]);
}

fn arrange(serial: u32, x: i32, width: u32, states: u32) -> DaemonMessage {
    DaemonMessage::Arrange {
        serial,
        x,
        y: 2,
        width,
        height: 0,
        bounds_width: 0,
        bounds_height: 9,
        states,
        scale: 150,
        token: 0,
    }
}

#[test]
fn arranges_are_numbered_over_all_links() {
    let mut agent = with_window(LEVEL_1);
    let (first, second) = (add(&mut agent), add(&mut agent));
    agent.heard();
    let scale = Scale::new(150).unwrap();
    let expected = |serial, width, states| {
        let arrange = Arrange { serial, x: 1, y: 2, width, height: 0, bounds: None, states, scale, token: 0 };
        vec![AgentEvent::Arranged { window: W, arrange }]
    };
    let full = States::FULLSCREEN | States::ACTIVATED;
    assert_eq!(agent.say(5, arrange(1, 1, 30, full.bits())), Ok(expected(1, 30, full)));
    assert_eq!(agent.say(5, arrange(2, 1, 0, 0)), Ok(expected(2, 0, States::empty())));
    assert_eq!(agent.conn.geometry(W), Some(Rect::new(1, 2, 30, 8)));
    assert_eq!(agent.heard(), [], "only commits answer");
    agent.conn.commit(W, NewCommit { configure: 2, ..damaged(first, &[]) });
    assert_eq!(commit_heard(&mut agent).2, 2);
    // Older ones and such as were never sent are not named.
    agent.conn.commit(W, NewCommit { configure: 1, ..damaged(second, &[]) });
    assert_eq!(commit_heard(&mut agent).2, 2);
    agent.conn.commit(W, NewCommit { configure: 9, ..damaged(second, &[]) });
    assert_eq!(commit_heard(&mut agent).2, 2);
    // Another daemon counts anew.
    agent.conn.disconnected();
    agent.connect();
    let heard = agent.heard();
    let configures: Vec<_> = heard
        .iter()
        .filter_map(|(_, message)| match message {
            AgentMessage::Commit { configure, .. } => Some(*configure),
            _ => None,
        })
        .collect();
    assert_eq!(configures, [0]);
    assert_eq!(agent.say(5, arrange(1, 1, 30, 0)), Ok(expected(3, 30, States::empty())));
    agent.conn.commit(W, NewCommit { configure: 2, ..damaged(second, &[]) });
    assert_eq!(commit_heard(&mut agent).2, 0);
    agent.conn.commit(W, NewCommit { configure: 3, ..damaged(second, &[]) });
    assert_eq!(commit_heard(&mut agent).2, 1);
    let violation = agent.say(
        5,
        DaemonMessage::Arrange {
            serial: 2,
            x: 0,
            y: 0,
            width: 0,
            height: 0,
            bounds_width: 0,
            bounds_height: 0,
            states: 0,
            scale: 961,
            token: 0,
        },
    );
    assert!(matches!(violation, Err(Violation::Field { field: "scale", value: 961, .. })));
}

#[test]
fn popups_are_wished_for_and_placed_by_the_daemon() {
    let mut agent = with_window(LEVEL_1);
    let menu = WindowId(6);
    agent.conn.create(menu, GEOMETRY, None, false).unwrap();
    let positioner = Positioner {
        width: 0,
        height: 7000,
        anchor: 9,
        constraint: 255,
        grab: true,
        ..Positioner::default()
    };
    assert_eq!(agent.conn.popup(menu, menu, positioner), 0);
    assert_eq!(agent.conn.popup(WindowId(7), W, positioner), 0);
    let token = agent.conn.popup(menu, W, positioner);
    agent.conn.map(menu, None);
    let heard = agent.heard();
    assert_eq!(heard.len(), 3);
    let (anchor, constraint) = (8, 63);
    let expected = AgentMessage::Popup {
        parent: W,
        token,
        anchor_rect: Rect::default(),
        width: 1,
        height: 6144,
        anchor,
        gravity: 0,
        constraint,
        offset_x: 0,
        offset_y: 0,
        flags: 2,
    };
    assert_eq!(heard[1], (6, expected));
    assert_eq!(agent.conn.popup(menu, WindowId(8), positioner), 0, "it has a parent");
    assert_ne!(agent.conn.popup(menu, W, positioner), token);
    assert_eq!(agent.conn.popup(W, menu, positioner), 0, "it would stand on itself");
    // Its place is from its parent's corner; a daemon without popups is told the sum.
    agent.say(5, arrange(1, 100, 0, 0)).unwrap();
    agent.say(6, arrange(1, 5, 40, 0)).unwrap();
    assert_eq!(agent.conn.geometry(menu), Some(Rect::new(105, 4, 40, 8)));
    agent.minor = 8;
    let mut base = agent_of(agent, 8);
    let heard = base.heard();
    assert!(heard.contains(&(6, AgentMessage::Map { transient_for: W, override_redirect: 1 })));
    assert!(heard.iter().any(|(window, message)| {
        *window == 6 && matches!(message, AgentMessage::Create { x: 105, y: 4, override_redirect: 1, .. })
    }));
}

/// The same scene with a daemon that answers with another minor.
fn agent_of(mut agent: Agent, minor: u16) -> Agent {
    agent.conn.connected(NOW);
    agent.conn.transmitted(4);
    let words = [0x1_0000 | u32::from(minor), 1280, 800, 24, 4001];
    let answer: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
    agent.conn.handle_bytes(&answer, NOW).unwrap();
    agent.minor = minor;
    agent
}

#[test]
fn a_scene_goes_from_level_1_to_1_8_and_back() {
    let mut agent = with_window(LEVEL_1);
    let (first, second) = (add(&mut agent), add(&mut agent));
    let gone = add(&mut agent);
    agent.conn.map(W, None);
    agent.conn.title(W, &"ż".repeat(600));
    agent.conn.app_id(W, "org.example.App");
    agent.conn.hints(W, SizeHints { min: Some((1, 2)), ..SizeHints::default() });
    agent.conn.icon(W, Image { width: 1, height: 1, pixels: vec![9, 9, 9, 5] });
    agent.conn.cursor(W, CursorLook::Shape(9));
    agent.conn.constrain_pointer(W, PointerConstraint::Lock, None);
    agent.conn.pointer_needs(W, PointerNeeds::GESTURES);
    agent.conn.parent(W, Some(WindowId(3)));
    agent.conn.wish(W, Wish::Maximised(true));
    agent.conn.wish(W, Wish::Attention(true));
    agent.conn.commit(W, damaged(first, &[]));
    let serial = agent.conn.commit(W, damaged(second, &[PART])).unwrap();
    agent.conn.remove_buffer(W, gone);
    agent.heard();
    assert_eq!(agent.events(), []);
    // The end of the link gives all back, and what was removed.
    agent.conn.disconnected();
    assert_eq!(agent.events(), [released(first), released(second), removed(gone)]);
    assert!(!agent.conn.is_held(W, second));

    let mut agent = agent_of(agent, 8);
    agent.events();
    let names = [
        "CREATE",
        "CONFIGURE",
        "WINDOW_DUMP",
        "WMCLASS",
        "WINDOW_HINTS",
        "MAP",
        "WMNAME",
        "WINDOW_FLAGS",
        "CURSOR",
    ];
    let heard = agent.heard();
    assert_eq!(heard.iter().map(|(_, message)| message.name()).collect::<Vec<_>>(), names);
    assert!(heard.contains(&(5, AgentMessage::WindowFlags { set: 2, unset: 0 })));
    assert!(heard.contains(&(5, AgentMessage::Cursor { cursor: 0x100 + 152 })));
    assert!(heard.contains(&(5, AgentMessage::Map { transient_for: WindowId(3), override_redirect: 0 })));
    assert!(!agent.conn.is_held(W, second), "nobody holds anything");
    // There a commit of the same buffer is damage, and of another a dump.
    agent.conn.commit(W, damaged(second, &[PART, WHOLE]));
    assert_eq!(agent.heard_names(), ["SHMIMAGE", "SHMIMAGE"]);
    agent.conn.commit(W, damaged(first, &[PART]));
    assert_eq!(agent.heard_names(), ["WINDOW_DUMP"]);
    agent.conn.remove_buffer(W, second);
    agent.conn.wish(W, Wish::Maximised(false));
    agent.conn.wish(W, Wish::Move);
    agent.conn.wish(W, Wish::Minimised);
    assert_eq!(agent.heard(), [(5, AgentMessage::WindowFlags { set: 4, unset: 0 })]);
    assert_eq!(agent.events(), []);
    agent.say(5, DaemonMessage::WindowDumpAck {}).unwrap();
    let events = agent.say(5, DaemonMessage::WindowDumpAck {}).unwrap();
    assert_eq!(events, [], "the first dump's buffer came back with its own acknowledgement");

    let mut agent = agent_of(agent, LEVEL_1);
    agent.events();
    assert!(agent.conn.is_held(W, first), "its commit is told again");
    let heard = agent.heard();
    let names = [
        "CREATE",
        "PARENT",
        "WINDOW_HINTS",
        "TITLE",
        "APP_ID",
        "ICON",
        "BUFFER",
        "COMMIT",
        "MAP",
        "WISH",
        "WISH",
        "CURSOR_SHAPE",
        "CONSTRAIN_POINTER",
        "POINTER_NEEDS",
    ];
    assert_eq!(heard.iter().map(|(_, message)| message.name()).collect::<Vec<_>>(), names);
    assert!(heard.contains(&(5, AgentMessage::Title { text: Bytes("ż".repeat(512).into_bytes()) })));
    assert!(heard.contains(&(5, AgentMessage::Wish { kind: 3, value: 1 })));
    assert!(heard.contains(&(5, AgentMessage::Wish { kind: 4, value: 1 })));
    let commit = heard.iter().find_map(|(_, message)| match message {
        AgentMessage::Commit { serial, buffer, damage_count: 1, rects, .. } => {
            Some((*serial, *buffer, rects[0]))
        }
        _ => None,
    });
    assert_eq!(commit, Some((serial + 2, BufferId(0), WHOLE)));
}

#[test]
fn wishes_are_told_and_only_those_for_states_are_kept() {
    let mut agent = with_window(LEVEL_1);
    let wish = |kind, value| (5, AgentMessage::Wish { kind, value });
    for (asked, told) in [
        (Wish::Maximised(true), wish(1, 1)),
        (Wish::Fullscreen(false), wish(2, 0)),
        (Wish::Minimised, wish(3, 1)),
        (Wish::Attention(true), wish(4, 1)),
        (Wish::Move, wish(5, 0)),
        (Wish::Resize(Edges::LEFT), wish(6, 4)),
        (Wish::Activate(7), wish(7, 7)),
        (Wish::WindowMenu, wish(8, 0)),
        (Wish::Tiled(Edges::TOP | Edges::LEFT), wish(9, 5)),
        (Wish::Tiled(Edges::TOP | Edges::BOTTOM | Edges::RIGHT), wish(9, 11)),
        (Wish::KeepAwake(true), wish(10, 1)),
        (Wish::Modal(true), wish(11, 1)),
        (Wish::Modal(false), wish(11, 0)),
    ] {
        agent.conn.wish(W, asked);
        assert_eq!(agent.heard(), [told]);
    }
    agent.conn.flags(W, WindowFlags::FULLSCREEN, WindowFlags::MINIMIZE);
    assert_eq!(agent.heard(), [wish(2, 1)]);
    // What the daemon says of them is what holds.
    let states = States::MINIMISED | States::TILED_LEFT | States::TILED_TOP;
    agent.say(5, arrange(1, 0, 0, states.bits())).unwrap();
    agent.conn.wish(W, Wish::Move);
    agent.conn.disconnected();
    agent.conn.wish(W, Wish::Activate(1));
    agent.connect();
    let heard = agent.heard();
    assert_eq!(heard[1..], [wish(9, 5), wish(3, 1), wish(4, 1), wish(10, 1)]);
}

#[test]
fn a_barrier_comes_after_all_that_was_said_before_it() {
    let mut agent = with_window(LEVEL_1);
    fill(&mut agent);
    agent.conn.title(W, "before");
    assert_eq!(agent.say(0, DaemonMessage::Sync { token: 8 }).unwrap(), [AgentEvent::Sync { token: 8 }]);
    for token in 3..=5 {
        agent.say(0, DaemonMessage::Run { token, argv: Bytes(b"x\0".to_vec()) }).unwrap();
    }
    agent.conn.sync_done(8);
    agent.conn.sync_done(8);
    agent.conn.sync_done(7);
    agent.conn.run_result(3, Ok(77));
    agent.conn.run_result(3, Ok(77));
    agent.conn.run_result(4, Err(2));
    agent.conn.run_result(5, Ok(0));
    assert!(agent.conn.sync(9));
    agent.conn.title(WindowId(99), "after");
    let heard = agent.heard();
    let names: Vec<_> = heard.iter().map(|(_, message)| message.name()).collect();
    let expected =
        ["CREATE", "BUFFER", "TITLE", "SYNC_DONE", "RUN_RESULT", "RUN_RESULT", "RUN_RESULT", "SYNC", "TITLE"];
    assert_eq!(names, expected);
    assert_eq!(heard[3].1, AgentMessage::SyncDone { token: 8 });
    let statuses: Vec<_> = heard[4..7].iter().map(|(_, message)| message.clone()).collect();
    let result = |token, status| AgentMessage::RunResult { token, status };
    assert_eq!(statuses, [result(3, 77), result(4, -2), result(5, -22)]);
    assert_eq!(
        agent.say(0, DaemonMessage::SyncDone { token: 9 }).unwrap(),
        [AgentEvent::SyncDone { token: 9 }]
    );
    // What a link asked is not answered to the next.
    agent.say(0, DaemonMessage::Sync { token: 8 }).unwrap();
    agent.say(0, DaemonMessage::Run { token: 3, argv: Bytes(b"x\0".to_vec()) }).unwrap();
    agent.connect();
    agent.heard();
    agent.conn.sync_done(8);
    agent.conn.run_result(3, Ok(1));
    assert_eq!(agent.heard(), []);
    // Nothing of it before level 1.
    let mut agent = with_window(8);
    assert!(!agent.conn.sync(1));
    agent.conn.sync_done(1);
    agent.conn.run_result(1, Ok(1));
    assert_eq!(agent.heard(), []);
}

#[test]
fn pictures_are_told_if_they_are_some() {
    let mut agent = with_window(LEVEL_1);
    let cursor = CursorImage::new((2, 1), (1, 0), Scale::ONE, vec![1, 2, 3, 2, 0, 0, 0, 0]).unwrap();
    agent.conn.cursor(W, CursorLook::Image(cursor.clone()));
    let pixels = Bytes(vec![1, 2, 2, 2, 0, 0, 0, 0]);
    let expected = AgentMessage::CursorImage { width: 2, height: 1, hot_x: 1, hot_y: 0, scale: 120, pixels };
    assert_eq!(agent.heard(), [(5, expected)]);
    agent.conn.cursor(W, CursorLook::Image(CursorImage { hot_y: 1, ..cursor }));
    agent.conn.icon(W, Image { width: 9, height: 9, pixels: vec![] });
    assert_eq!(agent.heard(), []);
    agent.conn.cursor(W, CursorLook::Hidden);
    agent.conn.cursor(W, CursorLook::Shape(99));
    let shape = |shape| (5, AgentMessage::CursorShape { shape });
    assert_eq!(agent.heard(), [shape(0), shape(1)]);
}

#[test]
fn what_the_daemon_tells_comes_as_types() {
    let mut agent = with_window(LEVEL_1);
    let output = [1, -100i32 as u32, 0, 1280, 720, 1920, 1080, 60000, 180];
    let scale = Scale::new(180).unwrap();
    let told = Output {
        id: 1,
        x: -100,
        y: 0,
        width: 1280,
        height: 720,
        mode_width: 1920,
        mode_height: 1080,
        refresh_mhz: 60000,
        scale,
    };
    let scroll = DaemonMessage::Scroll {
        horizontal: Fixed(1),
        vertical: Fixed(-2),
        v120_x: 3,
        v120_y: -4,
        source: 2,
        flags: 0xff,
        time_ms: 6,
    };
    let gesture = DaemonMessage::Gesture {
        kind: 8,
        fingers: 3,
        dx: Fixed(1),
        dy: Fixed(2),
        scale: Fixed(256),
        rotation: Fixed(4),
        cancelled: 7,
        time_ms: 8,
    };
    let touch = DaemonMessage::Touch { kind: 1, id: 2, x: Fixed(3), y: Fixed(4), time_ms: 5 };
    let motion = DaemonMessage::RelativeMotion {
        dx: Fixed(1),
        dy: Fixed(2),
        dx_unaccelerated: Fixed(3),
        dy_unaccelerated: Fixed(4),
        time_us: 5,
    };
    let run = |token, argv: &[u8]| DaemonMessage::Run { token, argv: Bytes(argv.to_vec()) };
    let window = W;
    for (message, event) in [
        (DaemonMessage::Outputs { outputs: vec![output] }, AgentEvent::Outputs(vec![told])),
        (DaemonMessage::Keymap { text: Bytes(b"xkb".to_vec()) }, AgentEvent::Keymap("xkb".into())),
        (
            DaemonMessage::Modifiers { depressed: 1, latched: 2, locked: 3, group: 4 },
            AgentEvent::Modifiers(Modifiers { depressed: 1, latched: 2, locked: 3, group: 4 }),
        ),
        (
            scroll,
            AgentEvent::Scroll {
                window,
                scroll: Scroll {
                    horizontal: Fixed(1),
                    vertical: Fixed(-2),
                    v120_x: 3,
                    v120_y: -4,
                    source: ScrollSource::Continuous,
                    flags: ScrollFlags::all(),
                    time_ms: 6,
                },
            },
        ),
        (
            gesture,
            AgentEvent::Gesture {
                window,
                gesture: Gesture {
                    kind: GestureKind::HoldEnd,
                    fingers: 3,
                    dx: Fixed(1),
                    dy: Fixed(2),
                    scale: Fixed(256),
                    rotation: Fixed(4),
                    cancelled: true,
                    time_ms: 8,
                },
            },
        ),
        (
            touch,
            AgentEvent::Touch {
                window,
                touch: Touch { kind: TouchKind::Down, id: 2, x: Fixed(3), y: Fixed(4), time_ms: 5 },
            },
        ),
        (
            motion,
            AgentEvent::RelativeMotion {
                window,
                motion: RelativeMotion {
                    dx: Fixed(1),
                    dy: Fixed(2),
                    dx_unaccelerated: Fixed(3),
                    dy_unaccelerated: Fixed(4),
                    time_us: 5,
                },
            },
        ),
        (
            DaemonMessage::PointerConstrained { kind: 2 },
            AgentEvent::PointerConstrained { window, kind: PointerConstraint::Confine },
        ),
        (
            run(7, b"sh\0-c\0\0"),
            AgentEvent::Run { token: 7, argv: vec!["sh".into(), "-c".into(), String::new()] },
        ),
    ] {
        assert_eq!(agent.say(5, message).unwrap(), [event]);
    }
    // Wheels are no buttons, and what level 1 dropped is passed over.
    let wheel = DaemonMessage::Button { kind: 4, x: 0, y: 0, state: 0, button: 5 };
    assert_eq!(agent.say(5, wheel).unwrap(), []);
    assert_eq!(agent.say(5, daemon_configure(1, 2, 3, 4)).unwrap(), []);
    assert_eq!(agent.heard(), []);
    let mut bad_output = output;
    bad_output[8] = 0;
    let words = b"x\0".repeat(MAX_ARGV + 1);
    for wrong in [
        DaemonMessage::Outputs { outputs: vec![output, bad_output] },
        DaemonMessage::Keymap { text: Bytes(vec![0xff]) },
        DaemonMessage::PointerConstrained { kind: 3 },
        DaemonMessage::Touch { kind: 6, id: 0, x: Fixed(0), y: Fixed(0), time_ms: 0 },
        run(0, b"x\0"),
        run(1, b""),
        run(1, b"x"),
        run(1, b"\xff\0"),
        run(1, &words),
    ] {
        let name = wrong.name();
        let violation = with_window(LEVEL_1).say(5, wrong).unwrap_err();
        assert!(violation.to_string().starts_with(name), "{violation}");
    }
}

#[test]
fn what_is_shown_stays_until_it_is_replaced() {
    for minor in [LEVEL_1, 8] {
        let mut agent = with_window(minor);
        let shown = add(&mut agent);
        agent.conn.commit(W, damaged(shown, &[]));
        agent.heard();
        agent.say(5, DaemonMessage::WindowDumpAck {}).unwrap();
        agent.conn.remove_buffer(W, shown);
        assert_eq!((agent.heard(), agent.events()), (vec![], vec![]));
        assert_eq!(agent.conn.commit(W, damaged(shown, &[PART])), None);
        assert!(agent.conn.commit(W, damaged(shown, &[])).is_some(), "it may be repeated");
        agent.connect();
        let names = agent.heard_names();
        assert!(
            names.contains(&"COMMIT") || names.contains(&"WINDOW_DUMP"),
            "and is told to the next daemon"
        );
        agent.events();
        agent.say(5, DaemonMessage::WindowDumpAck {}).unwrap();
        let next = add(&mut agent);
        agent.conn.commit(W, damaged(next, &[]));
        if minor == LEVEL_1 {
            assert_eq!(agent.heard_names(), ["BUFFER", "COMMIT", "REMOVE_BUFFER"]);
            let answer = DaemonMessage::BufferRemoved { buffer: BufferId(0) };
            assert_eq!(agent.say(5, answer).unwrap(), [removed(shown)]);
        } else {
            assert_eq!(agent.events(), [removed(shown)]);
        }
    }
}

#[test]
fn unanswered_commands_have_a_limit() {
    let mut agent = with_window(LEVEL_1);
    let run = |token| DaemonMessage::Run { token, argv: Bytes(b"x\0".to_vec()) };
    for token in 1..=MAX_RUNS as u32 {
        agent.say(0, run(token)).unwrap();
    }
    agent.conn.run_result(9, Ok(1));
    agent.say(0, run(1000)).unwrap();
    let violation = agent.say(0, run(1001)).unwrap_err();
    assert!(matches!(violation, Violation::Field { message: "RUN", value: 1001, .. }), "{violation}");
    let mut agent = with_window(LEVEL_1);
    agent.say(0, run(1)).unwrap();
    assert!(agent.say(0, run(1)).is_err(), "one that is not answered");
}

//! The agent's rules: what it tells a daemon, what it makes of a daemon's words, and what survives a daemon's end.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::time::Duration;

use common::*;
use gui_protocol::limits::{BACKLOG, GREETING_TIMEOUT, MAX_COMMIT_RECTS, MAX_REFS};
use gui_protocol::message::{AgentMessage, DaemonMessage, Message};
use gui_protocol::{
    AgentEvent, BufferSerial, CreateError, CrossingInput, CursorLook, Family, Rect, SizeHints, Version,
    Violation, WindowFlags, WindowId,
};
use proptest::prelude::*;

const W: WindowId = WindowId(5);
const GEOMETRY: Rect = Rect::new(10, 20, 100, 50);

fn with_window(minor: u16) -> Agent {
    let mut agent = Agent::with(minor);
    agent.conn.create(W, GEOMETRY, None, false).unwrap();
    agent.heard();
    agent
}

fn mapped(minor: u16) -> Agent {
    let mut agent = with_window(minor);
    agent.conn.map(W, None);
    agent.buffer(W, 8, 8, refs(1));
    agent.heard();
    agent
}

fn released(serial: BufferSerial) -> AgentEvent {
    AgentEvent::BufferRemoved { window: W, serial }
}

#[test]
fn takes_only_versions_it_can_speak() {
    let greet = |offered, answered: u32| {
        let mut agent = Agent::down(offered);
        agent.conn.connected(NOW);
        let mut answer = answered.to_le_bytes().to_vec();
        answer.extend([0; 16]);
        agent.conn.handle_bytes(&answer, NOW).map(|()| agent.conn.poll_event())
    };
    for (offered, answered) in [(8, 8), (8, 4), (99, 8), (4, 4)] {
        let version = Version::minor(answered);
        let event = greet(offered, version.to_wire()).unwrap();
        assert!(matches!(event, Some(AgentEvent::Connected { version: v, .. }) if v == version));
    }
    for (offered, answered) in [(8, 0x1_0003), (8, 0x1_0009), (8, 0x2_0008), (8, 1280), (4, 0x1_0005)] {
        let violation = greet(offered, answered).unwrap_err();
        assert_eq!(violation.family(), Family::Incompatible, "{violation}");
    }
    // An agent that old is not told.
    Agent::with(3);
}

#[test]
fn a_silent_daemon_is_given_up() {
    let mut agent = Agent::down(8);
    assert_eq!(agent.conn.poll_timeout(), None);
    agent.conn.connected(NOW);
    assert_eq!(agent.conn.poll_timeout(), Some(GREETING_TIMEOUT));
    agent.conn.handle_timeout(GREETING_TIMEOUT - Duration::from_nanos(1)).unwrap();
    let violation = Violation::NoGreeting { limit: GREETING_TIMEOUT };
    assert_eq!(agent.conn.handle_timeout(GREETING_TIMEOUT), Err(violation.clone()));
    assert_eq!(agent.conn.handle_bytes(&[0; 20], GREETING_TIMEOUT), Err(violation));
    agent.connect();
}

#[test]
fn every_configure_is_answered_with_itself() {
    let mut agent = with_window(8);
    for (x, width) in [(1, 100), (1, 100), (2, 200)] {
        let events = agent.say(5, daemon_configure(x, 0, width, 50)).unwrap();
        let geometry = Rect::new(x, 0, width, 50);
        assert_eq!(events, [AgentEvent::Configure { window: W, geometry }]);
        assert_eq!(agent.heard(), [(5, agent_configure(x, 0, width, 50))]);
        assert_eq!(agent.conn.geometry(W), Some(geometry));
    }
}

#[test]
fn a_daemons_impossible_geometry_is_not_told_to_the_next() {
    let mut agent = with_window(8);
    let geometry = Rect::new(0, 0, 1, 6144);
    let events = agent.say(5, daemon_configure(0, 0, 0, u32::MAX)).unwrap();
    assert_eq!(events, [AgentEvent::Configure { window: W, geometry }]);
    assert_eq!(agent.heard(), [(5, agent_configure(0, 0, 0, u32::MAX))]);
    agent.connect();
    assert_eq!(agent.heard(), [(5, create(0, 0, 1, 6144)), (5, agent_configure(0, 0, 1, 6144))]);
}

#[test]
fn the_same_wish_is_not_repeated() {
    let mut agent = with_window(8);
    let wish = Rect::new(10, 20, 90, 50);
    agent.conn.request_configure(W, GEOMETRY);
    assert_eq!(agent.heard(), []);
    agent.conn.request_configure(W, wish);
    assert_eq!(agent.heard(), [(5, agent_configure(10, 20, 90, 50))]);
    // Refused.
    agent.say(5, daemon_configure(10, 20, 100, 50)).unwrap();
    agent.heard();
    agent.conn.request_configure(W, wish);
    assert_eq!(agent.heard(), []);
    // The user resized: the wish may be granted now.
    agent.say(5, daemon_configure(10, 20, 120, 50)).unwrap();
    agent.heard();
    agent.conn.request_configure(W, wish);
    assert_eq!(agent.heard().len(), 1);
    // Never a size that ends the link.
    agent.conn.request_configure(W, Rect::new(i32::MIN, i32::MAX, 0, u32::MAX));
    assert_eq!(agent.heard(), [(5, agent_configure(-16384, 6144, 1, 6144))]);
}

#[test]
fn buffers_come_back_after_their_acknowledgement() {
    for (minor, acks) in [(6, false), (7, true)] {
        let mut agent = with_window(minor);
        let first = agent.buffer(W, 8, 8, refs(1));
        let second = agent.buffer(W, 8, 8, refs(1));
        let third = agent.buffer(W, 8, 8, refs(1));
        assert_eq!(agent.heard_names(), ["WINDOW_DUMP"; 3]);
        if !acks {
            assert_eq!(agent.events(), [released(first), released(second)]);
            agent.conn.destroy(W);
            assert_eq!(agent.events(), [released(third)]);
            continue;
        }
        assert_eq!(agent.events(), []);
        let ack = DaemonMessage::WindowDumpAck {};
        assert_eq!(agent.say(5, ack.clone()).unwrap(), [released(first)]);
        agent.conn.destroy(W);
        assert_eq!(agent.say(5, ack.clone()).unwrap(), [released(second)]);
        assert_eq!(agent.say(5, ack.clone()).unwrap(), [released(third)]);
        assert_eq!(agent.say(5, ack).unwrap(), []);
    }
    // Acknowledged while in use: released as soon as it is not.
    for give_up in [|agent: &mut Agent| agent.unmap(W), |agent: &mut Agent| agent.conn.destroy(W)] {
        let mut agent = mapped(8);
        assert_eq!(agent.say(5, DaemonMessage::WindowDumpAck {}).unwrap(), []);
        give_up(&mut agent);
        assert_eq!(agent.events(), [released(BufferSerial(0))]);
    }
}

#[test]
fn an_impossible_buffer_comes_back_at_once_and_is_not_told() {
    let mut agent = with_window(8);
    for (window, width, height, pages) in [
        (6, 8, 8, 1),
        (5, 0, 8, 1),
        (5, 8, 0, 1),
        (5, 16385, 1, 17),
        (5, 1, 6145, 7),
        (5, 33, 32, 1),
        (5, 1, 1, MAX_REFS + 1),
        (5, u32::MAX, u32::MAX, 1),
    ] {
        let window = WindowId(window);
        let serial = agent.buffer(window, width, height, refs(pages));
        assert_eq!(agent.events(), [AgentEvent::BufferRemoved { window, serial }]);
        assert_eq!(agent.heard(), []);
    }
    agent.buffer(W, 16384, 6144, refs(MAX_REFS));
    assert_eq!(agent.heard().len(), 1);
}

#[test]
fn a_destroyed_id_waits_for_the_acknowledgement() {
    let mut agent = mapped(5);
    agent.conn.destroy(W);
    assert_eq!(agent.heard_names(), ["DESTROY"]);
    assert_eq!(agent.events(), [released(BufferSerial(0))]);
    let error = agent.conn.create(W, GEOMETRY, None, false).unwrap_err();
    assert_eq!(error, CreateError::AwaitsDestroyAck(W));
    // Late words for the old window.
    for message in [DaemonMessage::Close {}, daemon_configure(0, 0, 9, 9), DaemonMessage::ClipboardReq {}] {
        assert_eq!(agent.say(5, message).unwrap(), []);
    }
    assert_eq!(agent.heard(), []);
    agent.say(5, DaemonMessage::Destroy {}).unwrap();
    agent.conn.create(W, GEOMETRY, None, false).unwrap();
    assert_eq!(agent.conn.create(W, GEOMETRY, None, false), Err(CreateError::Exists(W)));
    // Nothing is owed before 1.5, nor for a window no daemon knew.
    let mut agent = mapped(4);
    agent.conn.destroy(W);
    agent.conn.create(W, GEOMETRY, None, false).unwrap();
    let mut agent = Agent::down(8);
    for _ in 0..3 {
        agent.conn.create(W, GEOMETRY, None, false).unwrap();
        agent.conn.destroy(W);
    }
    agent.connect();
    assert_eq!(agent.heard(), []);
}

#[test]
fn a_new_daemon_is_told_everything_in_order() {
    let mut agent = Agent::with(8);
    let other = WindowId(3);
    agent.conn.create(W, GEOMETRY, Some(WindowId(0x52f)), true).unwrap();
    agent.conn.create(other, GEOMETRY, None, false).unwrap();
    agent.conn.create(WindowId(4), GEOMETRY, None, false).unwrap();
    agent.conn.map(W, Some(other));
    agent.conn.title(W, "title");
    agent.conn.class(W, "Class", "name");
    agent.conn.hints(W, SizeHints { min: Some((1, 2)), ..SizeHints::default() });
    agent.conn.flags(W, WindowFlags::FULLSCREEN, WindowFlags::empty());
    agent.conn.flags(W, WindowFlags::DEMANDS_ATTENTION, WindowFlags::empty());
    agent.conn.cursor(W, CursorLook::Shape(2));
    let first = agent.buffer(W, 8, 8, refs(1));
    let second = agent.buffer(W, 9, 9, refs(1));
    agent.damage(W, Rect::new(0, 0, 1, 1));
    agent.conn.dock(other);
    agent.conn.destroy(WindowId(4));
    agent.heard();
    agent.say(5, DaemonMessage::WindowFlags { set: 4, unset: 1 }).unwrap();
    agent.say(5, daemon_configure(1, 2, 30, 40)).unwrap();

    agent.conn.disconnected();
    assert_eq!(agent.events(), [released(first)], "only the old daemon could still have looked at it");
    assert_eq!(agent.conn.transmit(), []);
    agent.conn.title(W, "changed meanwhile");
    agent.connect();
    let heard = agent.heard();
    let names: Vec<_> = heard.iter().map(|(window, message)| (*window, message.name())).collect();
    let expected = [
        (5, "CREATE"),
        (5, "CONFIGURE"),
        (5, "WINDOW_DUMP"),
        (5, "WMCLASS"),
        (5, "WINDOW_HINTS"),
        (5, "MAP"),
        (5, "WMNAME"),
        (5, "WINDOW_FLAGS"),
        (5, "CURSOR"),
        (3, "CREATE"),
        (3, "CONFIGURE"),
        (3, "DOCK"),
    ];
    assert_eq!(names, expected);
    let message = |name| heard.iter().find(|(_, message)| message.name() == name).unwrap().1.clone();
    let (x, y, width, height) = (1, 2, 30, 40);
    let create = AgentMessage::Create { x, y, width, height, parent: WindowId(0x52f), override_redirect: 1 };
    assert_eq!(message("CREATE"), create);
    assert_eq!(message("WINDOW_FLAGS"), AgentMessage::WindowFlags { set: 6, unset: 0 });
    assert_eq!(message("MAP"), AgentMessage::Map { transient_for: other, override_redirect: 1 });
    let AgentMessage::WmName { title } = message("WMNAME") else { unreachable!() };
    assert!(title.starts_with(b"changed meanwhile\0"));
    let AgentMessage::WindowDump { width: 9, height: 9, bits_per_pixel: 32, .. } = message("WINDOW_DUMP")
    else {
        panic!("the current buffer")
    };
    // It is the new daemon's to acknowledge.
    agent.unmap(W);
    assert_eq!(agent.events(), []);
    assert_eq!(agent.say(5, DaemonMessage::WindowDumpAck {}).unwrap(), [released(second)]);
}

#[test]
fn what_waits_for_room_is_merged() {
    let mut agent = mapped(8);
    let (big, other) = (Rect::new(0, 0, 2048, 2048), WindowId(6));
    agent.conn.create(other, GEOMETRY, None, false).unwrap();
    // Fills the channel.
    let first = agent.buffer(other, 2048, 2048, refs(4096));
    let queued = agent.conn.transmit().len();
    assert!(queued >= BACKLOG);
    let removed = |serial| AgentEvent::BufferRemoved { window: other, serial };
    let unsent = agent.buffer(other, 2048, 2048, refs(4096));
    let last = agent.buffer(other, 2048, 2048, refs(4096));
    assert_eq!(agent.events(), [removed(unsent)], "it was never told");
    for n in 0..100 {
        agent.conn.title(W, &format!("title {n}"));
        agent.conn.cursor(W, CursorLook::Shape(n));
        agent.conn.flags(W, WindowFlags::FULLSCREEN, WindowFlags::empty());
        agent.conn.flags(W, WindowFlags::MINIMIZE, WindowFlags::FULLSCREEN);
        agent.conn.request_configure(W, Rect::new(n.cast_signed(), 0, 100, 50));
        agent.damage(W, Rect::new((n % 8).cast_signed(), (n / 13).cast_signed(), 1, 1));
        // Windows that come and go unseen.
        agent.conn.create(WindowId(77), big, None, false).unwrap();
        agent.conn.destroy(WindowId(77));
    }
    assert_eq!(agent.conn.transmit().len(), queued);
    let heard = agent.heard();
    let names: Vec<_> = heard.iter().map(|(_, message)| message.name()).collect();
    let mut expected = vec!["CREATE", "WINDOW_DUMP", "WINDOW_DUMP", "CONFIGURE", "WMNAME", "WINDOW_FLAGS"];
    let rects = names.iter().filter(|name| **name == "SHMIMAGE").count();
    expected.extend(std::iter::repeat_n("SHMIMAGE", rects));
    expected.push("CURSOR");
    assert_eq!(names, expected);
    assert!(rects <= MAX_COMMIT_RECTS);
    assert!(heard.contains(&(5, AgentMessage::WindowFlags { set: 4, unset: 1 })));
    assert!(heard.contains(&(5, agent_configure(99, 0, 100, 50))));
    // Every damaged pixel is covered.
    let covered: Vec<Rect> = heard
        .iter()
        .filter_map(|(_, message)| match *message {
            AgentMessage::ShmImage { x, y, width, height } => Some(Rect { x, y, width, height }),
            _ => None,
        })
        .collect();
    let at = |n: i32| Rect::new(n % 8, n / 13, 1, 1);
    assert!((0..100).all(|n| covered.iter().any(|rect| rect.contains(at(n)))));
    agent.conn.destroy(other);
    for expected in [first, last] {
        assert_eq!(agent.say(6, DaemonMessage::WindowDumpAck {}).unwrap(), [removed(expected)]);
    }
}

#[test]
fn damage_rectangles_are_kept_to_the_limit_and_then_boxed() {
    for (count, told) in [(MAX_COMMIT_RECTS, MAX_COMMIT_RECTS), (MAX_COMMIT_RECTS + 1, 1)] {
        let mut agent = mapped(8);
        agent.buffer(W, 2048, 2048, refs(4096));
        for n in 0..count {
            agent.damage(W, Rect::new(2 * n as i32, n as i32, 1, 1));
        }
        let heard = agent.heard_names();
        assert_eq!(heard.iter().filter(|name| **name == "SHMIMAGE").count(), told);
    }
}

#[test]
fn a_wish_that_waits_is_dropped_when_the_daemon_speaks() {
    let mut agent = mapped(8);
    agent.buffer(W, 2048, 2048, refs(4096));
    agent.conn.request_configure(W, Rect::new(1, 1, 1, 1));
    agent.say(5, daemon_configure(7, 7, 70, 70)).unwrap();
    let configures: Vec<_> =
        agent.heard().into_iter().filter(|(_, message)| message.name() == "CONFIGURE").collect();
    assert_eq!(configures, [(5, agent_configure(7, 7, 70, 70))]);
}

#[test]
fn remapping_before_there_is_room_is_told_as_both() {
    let mut agent = mapped(8);
    agent.buffer(W, 2048, 2048, refs(4096));
    agent.unmap(W);
    agent.conn.map(W, None);
    agent.buffer(W, 8, 8, refs(1));
    agent.unmap(W);
    agent.conn.map(W, None);
    assert_eq!(agent.heard_names(), ["WINDOW_DUMP", "UNMAP", "MAP"]);
}

#[test]
fn damage_is_told_only_of_what_can_be_seen() {
    let mut agent = with_window(8);
    agent.damage(W, GEOMETRY);
    agent.buffer(W, 8, 8, refs(1));
    agent.damage(W, GEOMETRY);
    agent.conn.map(W, None);
    assert_eq!(agent.heard_names(), ["WINDOW_DUMP", "MAP"]);
    agent.damage(W, Rect::new(-1, 7, 3, 3));
    assert_eq!(agent.heard(), [(5, AgentMessage::ShmImage { x: 0, y: 7, width: 2, height: 1 })]);
    agent.damage(W, Rect::new(8, 0, 1, 1));
    assert_eq!(agent.heard(), []);
}

#[test]
fn texts_are_cut_between_characters() {
    let title = |text: &str| {
        let mut agent = with_window(8);
        agent.conn.title(W, text);
        match agent.heard().remove(0).1 {
            AgentMessage::WmName { title } => String::from_utf8(title.to_vec()).unwrap(),
            other => panic!("{other:?}"),
        }
    };
    let told = |text: &str| title(text).trim_end_matches('\0').to_owned();
    assert_eq!(told(&"x".repeat(127)), "x".repeat(127));
    assert_eq!(told(&"x".repeat(128)), "x".repeat(127));
    assert_eq!(told(&"ż".repeat(64)), "ż".repeat(63));
    assert_eq!(told("a\0b"), "a");
    assert_eq!(title("").len(), 128);
}

#[test]
fn too_much_clipboard_is_told_as_too_much_or_as_none() {
    for (minor, length, told) in [
        (8, 256_000, 256_000),
        (8, 256_001, 256_001),
        (8, 999_999, 256_001),
        (7, 65_000, 65_000),
        (7, 65_001, 0),
        (8, 0, 0),
    ] {
        let mut agent = with_window(minor);
        assert_eq!(
            agent.say(5, DaemonMessage::ClipboardReq {}).unwrap(),
            [AgentEvent::ClipboardRequested { window: W }]
        );
        agent.conn.clipboard(&vec![7; length]);
        assert_eq!(agent.heard(), [(0, AgentMessage::ClipboardData { data: vec![7; told] })]);
    }
}

#[test]
fn input_is_told_in_types() {
    let mut agent = mapped(8);
    let (x, y, state, mode, detail, is_hint) = (1, -2, 4, 0, 3, 0);
    let crossing = |kind, mode| DaemonMessage::Crossing { kind, x, y, state, mode, detail, focus: 1 };
    let input = CrossingInput { entered: true, x, y, state, focus: true };
    assert_eq!(agent.say(5, crossing(7, 0)).unwrap(), [AgentEvent::Crossing { window: W, input }]);
    assert_eq!(agent.say(5, crossing(7, 2)).unwrap(), []);
    let focus = |kind| DaemonMessage::Focus { kind, mode, detail };
    assert_eq!(agent.say(5, focus(9)).unwrap(), [AgentEvent::Focus { window: W, focused: true }]);
    assert_eq!(agent.say(5, focus(10)).unwrap(), [AgentEvent::Focus { window: W, focused: false }]);
    let motion = DaemonMessage::Motion { x, y, state, is_hint };
    assert_eq!(agent.say(5, motion).unwrap(), [AgentEvent::Motion { window: W, x, y, state }]);
    let keys = [1; 32];
    assert_eq!(
        agent.say(0, DaemonMessage::KeymapNotify { keys }).unwrap(),
        [AgentEvent::KeymapNotify { keys }]
    );
    let flags = DaemonMessage::WindowFlags { set: 0xff, unset: 1 };
    let (set, unset) = (WindowFlags::DEMANDS_ATTENTION | WindowFlags::MINIMIZE, WindowFlags::FULLSCREEN);
    assert_eq!(agent.say(5, flags).unwrap(), [AgentEvent::Flags { window: W, set, unset }]);
    let map = DaemonMessage::Map { transient_for: WindowId(0), override_redirect: 0 };
    assert_eq!(agent.say(5, map).unwrap(), [AgentEvent::Mapped { window: W }]);
    let data = b"text".to_vec();
    let paste = DaemonMessage::ClipboardData { data: data.clone() };
    assert_eq!(agent.say(5, paste).unwrap(), [AgentEvent::Clipboard { data }]);
    for obsolete in [
        DaemonMessage::Resize { width: 1, height: 1 },
        DaemonMessage::Execute { command: Box::new([0; 255]) },
    ] {
        assert_eq!(agent.say(5, obsolete).unwrap(), []);
    }
    for wrong in [
        DaemonMessage::Keypress { kind: 4, x, y, state, keycode: 9 },
        DaemonMessage::Button { kind: 2, x, y, state, button: 1 },
        crossing(9, 0),
        focus(7),
    ] {
        let violation = mapped(8).say(5, wrong).unwrap_err();
        assert!(matches!(violation, Violation::Field { field: "type", .. }), "{violation}");
    }
    assert_eq!(agent.heard(), []);
}

proptest! {
    #[test]
    fn any_bytes_are_survived(
        minor in prop_oneof![Just(8), Just(LEVEL_1)],
        pieces in proptest::collection::vec(piece(), 1..40),
    ) {
        let mut agent = mapped(minor);
        for piece in pieces {
            let result = agent.conn.handle_bytes(&piece, NOW);
            agent.events();
            if result.is_err() {
                prop_assert!(agent.conn.transmit().is_empty());
                prop_assert_eq!(agent.conn.handle_timeout(NOW), result);
                agent.conn.title(W, "ignored");
                agent.connect();
            }
            agent.heard();
        }
    }
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![0u32..12, Just(u32::MAX), Just(1 << 31), any::<u32>()];
    (prop_oneof![124u32..152, 0x1100u32..0x1111], 4u32..7, proptest::collection::vec(number, 0..9)).prop_map(
        |(kind, window, body)| {
            let words = [kind, window, 4 * body.len() as u32];
            words.into_iter().chain(body).flat_map(u32::to_le_bytes).collect()
        },
    )
}

//! The daemon's rules for one agent, message by message, and what breaking each does.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::num::NonZeroU32;
use std::time::Duration;

use common::*;
use gui_protocol::limits::{GREETING_TIMEOUT, MAX_PENDING, MAX_REFS, MAX_REFUSALS};
use gui_protocol::message::{AgentMessage, DaemonMessage};
use gui_protocol::{
    ButtonInput, CrossingInput, Cursor, DaemonConfig, DaemonConn, DaemonEvent, Family, KeyInput, Limits,
    Rect, SizeHints, Version, Violation, WindowFlags, WindowId,
};
use proptest::prelude::*;

const W: WindowId = WindowId(5);
const KEYS: [u8; 32] = [3; 32];

fn with_window() -> Daemon {
    let mut daemon = Daemon::new();
    daemon.say(5, create(10, 20, 100, 50)).unwrap();
    daemon
}

fn mapped() -> Daemon {
    let mut daemon = with_window();
    daemon.say(5, map()).unwrap();
    daemon
}

fn rect(x: i32, y: i32, width: u32, height: u32) -> Rect {
    Rect { x, y, width, height }
}

/// Says something illegal: the violation comes, stays, and nothing else does.
fn refused(daemon: &mut Daemon, window: u32, message: AgentMessage) -> Violation {
    let violation = daemon.say(window, message).unwrap_err();
    assert_eq!(daemon.say(900, create(0, 0, 1, 1)), Err(violation.clone()));
    assert_eq!(daemon.conn.handle_timeout(NOW), Err(violation.clone()));
    daemon.conn.configure(W, rect(0, 0, 9, 9));
    assert_eq!((daemon.conn.poll_event(), daemon.conn.transmit()), (None, [].as_slice()));
    assert!(!daemon.conn.wants_read(NOW) && daemon.conn.poll_timeout().is_none());
    violation
}

#[test]
fn greets_with_the_lower_minor() {
    for (theirs, ours, agreed, answer) in [
        (8, 8, 8, 20),
        (8, 7, 7, 20),
        (0x8001, 8, 8, 20),
        (4, 8, 4, 20),
        (3, 8, 3, 16),
        (0, 8, 0, 16),
        (8, 99, 8, 20),
    ] {
        let config = DaemonConfig { screen: SCREEN, limits: Limits::default(), max_minor: ours };
        let mut conn = DaemonConn::new(config, NOW);
        for byte in Version::minor(theirs).to_wire().to_le_bytes() {
            assert_eq!(conn.poll_event(), None);
            conn.handle_bytes(&[byte], NOW).unwrap();
        }
        assert_eq!(conn.poll_event(), Some(DaemonEvent::Connected { version: Version::minor(agreed) }));
        assert_eq!(conn.transmit().len(), answer, "1.{theirs} with 1.{ours}");
        let screen: Vec<u8> = [1280u32, 800, 24, 4001].into_iter().flat_map(u32::to_le_bytes).collect();
        assert!(conn.transmit().ends_with(&screen));
    }
    let mut conn =
        DaemonConn::new(DaemonConfig { screen: SCREEN, limits: Limits::default(), max_minor: 8 }, NOW);
    let violation = conn.handle_bytes(&[8, 0, 2, 0], NOW).unwrap_err();
    assert_eq!(violation.to_string(), "the peer speaks version 2.8, this end 1.0 to 1.8");
    assert_eq!(violation.family(), Family::Incompatible);
}

#[test]
fn a_silent_peer_is_given_up_but_one_in_the_middle_of_a_message_is_not() {
    let config = DaemonConfig { screen: SCREEN, limits: Limits::default(), max_minor: 8 };
    let start = Duration::from_secs(100);
    let mut conn = DaemonConn::new(config, start);
    conn.handle_bytes(&[8, 0], start).unwrap();
    let late = start + GREETING_TIMEOUT;
    assert_eq!(conn.poll_timeout(), Some(late));
    conn.handle_timeout(late - Duration::from_nanos(1)).unwrap();
    assert_eq!(conn.handle_timeout(late), Err(Violation::NoGreeting { limit: GREETING_TIMEOUT }));

    let mut daemon = with_window();
    let half = &encode(5, &dump(100, 50, 5), 8)[..20];
    daemon.conn.handle_bytes(half, NOW).unwrap();
    assert_eq!(daemon.conn.poll_timeout(), None);
    daemon.conn.handle_timeout(Duration::from_secs(1_000_000)).unwrap();
    daemon.conn.close(W);
    assert_eq!(daemon.heard(), [(5, DaemonMessage::Close {})]);
}

#[test]
fn windows_are_created_before_anything_else_and_once() {
    for message in [map(), agent_configure(0, 0, 1, 1), dump(1, 1, 1), AgentMessage::Destroy {}] {
        let violation = refused(&mut Daemon::new(), 5, message);
        assert!(matches!(violation, Violation::UnknownWindow { window: W, .. }), "{violation}");
    }
    assert_eq!(refused(&mut with_window(), 5, create(0, 0, 1, 1)), Violation::WindowExists { window: W });
    // An id is free again at once.
    let mut daemon = with_window();
    daemon.say(5, AgentMessage::Destroy {}).unwrap();
    let events = daemon.say(5, create(1, 2, 3, 4)).unwrap();
    let geometry = rect(1, 2, 3, 4);
    assert_eq!(events, [DaemonEvent::Created { window: W, geometry, override_redirect: false }]);
}

#[test]
fn sizes_are_clamped_above_and_refused_below() {
    let mut daemon = Daemon::new();
    let events = daemon.say(5, create(-99999, 99999, 16385, 6145)).unwrap();
    let geometry = rect(-16384, 6144, 16384, 6144);
    assert_eq!(events, [DaemonEvent::Created { window: W, geometry, override_redirect: false }]);
    // The agent believes in what it said, so even agreeing to the clamped geometry has to be told.
    daemon.conn.configure(W, geometry);
    assert_eq!(daemon.heard(), [(5, daemon_configure(-16384, 6144, 16384, 6144))]);
    assert!(daemon.say(6, create(0, 0, i32::MAX as u32, 1)).is_ok());
    for (width, height) in [(0, 1), (1, 0), (1 << 31, 1), (1, u32::MAX)] {
        let violation = refused(&mut Daemon::new(), 5, create(0, 0, width, height));
        assert!(matches!(violation, Violation::Size { message: "CREATE", .. }), "{violation}");
        let violation = refused(&mut with_window(), 5, agent_configure(0, 0, width, height));
        assert!(matches!(violation, Violation::Size { message: "CONFIGURE", .. }), "{violation}");
    }
}

#[test]
fn windows_have_a_limit() {
    let mut daemon = Daemon::with(8, Limits { windows: 2, ..Limits::default() });
    daemon.say(1, create(0, 0, 1, 1)).unwrap();
    daemon.say(2, create(0, 0, 1, 1)).unwrap();
    daemon.say(2, AgentMessage::Destroy {}).unwrap();
    daemon.say(3, create(0, 0, 1, 1)).unwrap();
    let violation = refused(&mut daemon, 4, create(0, 0, 1, 1));
    assert_eq!(violation, Violation::TooManyWindows { window: WindowId(4), limit: 2 });
}

#[test]
fn an_agents_geometry_is_a_request_and_an_unchanged_one_is_nothing() {
    let mut daemon = mapped();
    assert_eq!(daemon.say(5, agent_configure(10, 20, 100, 50)), Ok(vec![]));
    let geometry = rect(11, 20, 100, 50);
    let requested = [DaemonEvent::ConfigureRequested { window: W, geometry }];
    assert_eq!(daemon.say(5, agent_configure(11, 20, 100, 50)).unwrap(), requested);
    // Granted: the agent has it already. Refused: it has to be told.
    daemon.conn.configure(W, geometry);
    assert_eq!(daemon.heard(), []);
    daemon.say(5, agent_configure(12, 20, 100, 50)).unwrap();
    daemon.conn.configure(W, geometry);
    assert_eq!(daemon.heard(), [(5, daemon_configure(11, 20, 100, 50))]);
}

#[test]
fn one_configure_is_outstanding_and_the_newest_follows_it() {
    let mut daemon = mapped();
    for x in 1..=9 {
        daemon.conn.configure(W, rect(x, 0, 100, 50));
    }
    assert_eq!(daemon.heard(), [(5, daemon_configure(1, 0, 100, 50))]);
    assert_eq!(daemon.say(5, agent_configure(1, 0, 100, 50)), Ok(vec![]));
    assert_eq!(daemon.heard(), [(5, daemon_configure(9, 0, 100, 50))]);
    let acked = DaemonEvent::ConfigureAcked { window: W, geometry: rect(9, 0, 100, 50) };
    assert_eq!(daemon.say(5, agent_configure(9, 0, 100, 50)), Ok(vec![acked]));
    daemon.conn.configure(W, rect(9, 0, 100, 50));
    assert_eq!(daemon.heard(), []);
}

#[test]
fn the_daemon_wins_over_a_request_that_crossed_its_own() {
    let mut daemon = mapped();
    daemon.conn.configure(W, rect(1, 0, 100, 50));
    daemon.heard();
    assert_eq!(daemon.say(5, agent_configure(77, 0, 100, 50)), Ok(vec![]));
    assert_eq!(daemon.heard(), [(5, daemon_configure(1, 0, 100, 50))]);
    // The agent answers both, and only the first answer is news.
    assert_eq!(daemon.say(5, agent_configure(1, 0, 100, 50)).unwrap().len(), 1);
    assert_eq!(daemon.say(5, agent_configure(1, 0, 100, 50)), Ok(vec![]));
    assert_eq!(daemon.heard(), []);
}

#[test]
fn an_agent_that_never_agrees_is_left_alone() {
    let mut daemon = mapped();
    daemon.conn.configure(W, rect(1, 0, 100, 50));
    let mut told = daemon.heard().len();
    for width in 200..300 {
        daemon.say(5, agent_configure(1, 0, width, 50)).unwrap();
        told += daemon.heard().len();
    }
    assert_eq!(told, 1 + usize::from(MAX_REFUSALS));
    // Something new is told again.
    daemon.conn.configure(W, rect(2, 0, 100, 50));
    assert_eq!(daemon.heard(), [(5, daemon_configure(2, 0, 100, 50))]);
}

#[test]
fn window_0_is_told_and_not_waited_for() {
    let mut daemon = Daemon::new();
    daemon.say(0, create(0, 0, 100, 50)).unwrap();
    for x in 1..=3 {
        daemon.conn.configure(WindowId(0), rect(x, 0, 100, 50));
    }
    assert_eq!(daemon.heard().len(), 3);
    // One that answers is understood, and one that does not may ask all the same.
    assert_eq!(daemon.say(0, agent_configure(1, 0, 100, 50)), Ok(vec![]));
    let requested = DaemonEvent::ConfigureRequested { window: WindowId(0), geometry: rect(4, 0, 100, 50) };
    assert_eq!(daemon.say(0, agent_configure(4, 0, 100, 50)), Ok(vec![requested]));
}

#[test]
fn docked_windows_do_not_move_themselves_nor_map() {
    let mut daemon = with_window();
    assert_eq!(daemon.say(5, AgentMessage::Dock {}), Ok(vec![DaemonEvent::Docked { window: W }]));
    for message in [AgentMessage::Dock {}, map(), AgentMessage::Unmap {}, agent_configure(1, 1, 8, 8)] {
        assert_eq!(daemon.say(5, message), Ok(vec![]));
    }
    assert_eq!(daemon.heard(), [(5, daemon_configure(10, 20, 100, 50))]);
    // It is shown all the same.
    daemon.say(5, dump(8, 8, 1)).unwrap();
    let damage = AgentMessage::ShmImage { x: 0, y: 0, width: 8, height: 8 };
    assert_eq!(daemon.say(5, damage).unwrap().len(), 1);
    assert_eq!(mapped().say(5, AgentMessage::Dock {}), Ok(vec![]));
}

#[test]
fn mapping_names_an_existing_parent_or_none() {
    for (transient_for, known) in [(6, Some(WindowId(6))), (7, None), (5, None), (0, None)] {
        let mut daemon = with_window();
        for window in [0, 6] {
            daemon.say(window, create(0, 0, 1, 1)).unwrap();
        }
        let map = AgentMessage::Map { transient_for: WindowId(transient_for), override_redirect: 3 };
        let mapped = DaemonEvent::Mapped { window: W, transient_for: known, override_redirect: true };
        assert_eq!(daemon.say(5, map.clone()), Ok(vec![mapped]));
        assert_eq!(daemon.say(5, map), Ok(vec![]));
    }
}

#[test]
fn unmapping_drops_the_buffer_except_window_0s() {
    let damage = AgentMessage::ShmImage { x: 0, y: 0, width: 8, height: 8 };
    for (window, kept) in [(5, 0), (0, 1)] {
        let mut daemon = Daemon::with(8, Limits { pages: 1, ..Limits::default() });
        for message in [create(0, 0, 8, 8), dump(8, 8, 1), map()] {
            daemon.say(window, message).unwrap();
        }
        assert_eq!(daemon.say(window, AgentMessage::Unmap {}).unwrap().len(), 1);
        let twice = daemon.say(window, AgentMessage::Unmap {}).unwrap();
        assert_eq!(twice.len(), kept);
        assert_eq!(daemon.say(window, damage.clone()), Ok(vec![]));
        daemon.say(window, map()).unwrap();
        assert_eq!(daemon.say(window, damage.clone()).unwrap().len(), kept);
        // Its pages do not count any more.
        daemon.say(99, create(0, 0, 8, 8)).unwrap();
        assert_eq!(daemon.say(99, dump(8, 8, 1)).is_ok(), kept == 0);
    }
}

#[test]
fn buffers_have_a_legal_size_and_the_pages_for_it() {
    for (width, height, pages) in
        [(1, 1, 1), (32, 32, 1), (33, 32, 2), (1, 1, MAX_REFS), (16384, 6144, MAX_REFS)]
    {
        let events = with_window().say(5, dump(width, height, pages)).unwrap();
        assert_eq!(events, [DaemonEvent::Buffer { window: W, width, height, refs: refs(pages) }]);
    }
    for (width, height, pages) in [(33, 32, 1), (16384, 6144, MAX_REFS - 1), (1, 1, 0)] {
        let violation = refused(&mut with_window(), 5, dump(width, height, pages));
        assert!(matches!(violation, Violation::BufferTooSmall { .. }), "{violation}");
    }
    for (width, height) in [(0, 1), (1, 0), (16385, 1), (1, 6145), (u32::MAX, u32::MAX)] {
        let violation = refused(&mut with_window(), 5, dump(width, height, MAX_REFS));
        assert!(matches!(violation, Violation::Size { message: "WINDOW_DUMP", .. }), "{violation}");
    }
    let mut other = dump(1, 1, 1);
    if let AgentMessage::WindowDump { kind, .. } = &mut other {
        *kind = 1;
    }
    let violation = refused(&mut with_window(), 5, other);
    assert_eq!(violation.to_string(), "WINDOW_DUMP for window 0x5 has type 1, must be 0 (grant references)");
    assert_eq!(violation.family(), Family::Malformed);
}

#[test]
fn pages_have_a_limit_over_all_windows() {
    let mut daemon = Daemon::with(8, Limits { pages: 10, ..Limits::default() });
    daemon.say(1, create(0, 0, 1, 1)).unwrap();
    daemon.say(2, create(0, 0, 1, 1)).unwrap();
    daemon.say(1, dump(1, 1, 9)).unwrap();
    daemon.say(1, dump(1, 1, 6)).unwrap();
    daemon.say(2, dump(1, 1, 4)).unwrap();
    daemon.say(1, AgentMessage::Destroy {}).unwrap();
    daemon.say(2, dump(1, 1, 10)).unwrap();
    let violation = refused(&mut daemon, 2, dump(1, 1, 11));
    assert_eq!(
        violation,
        Violation::TooManyPages { message: "WINDOW_DUMP", window: WindowId(2), pages: 11, limit: 10 }
    );
}

#[test]
fn frame_numbers_are_understood_and_refused() {
    let message = AgentMessage::MfnDump {
        shmid: 0,
        width: 1,
        height: 1,
        bits_per_pixel: 24,
        offset: 0,
        count: 1,
        domain: 0,
        frames: vec![1],
    };
    let violation = refused(&mut with_window(), 5, message);
    assert_eq!(
        (violation.clone(), violation.family()),
        (Violation::FrameNumbers { window: W }, Family::Incompatible)
    );
}

#[test]
fn acknowledgements_keep_the_order_across_windows() {
    let mut daemon = with_window();
    daemon.say(6, create(0, 0, 1, 1)).unwrap();
    daemon.say(5, dump(1, 1, 1)).unwrap();
    daemon.say(6, dump(1, 1, 1)).unwrap();
    daemon.say(5, AgentMessage::Destroy {}).unwrap();
    daemon.say(5, create(0, 0, 1, 1)).unwrap();
    daemon.say(5, dump(1, 1, 1)).unwrap();
    daemon.conn.buffer_done(WindowId(6));
    assert_eq!(daemon.heard(), []);
    daemon.conn.buffer_done(W);
    let ack = DaemonMessage::WindowDumpAck {};
    assert_eq!(daemon.heard(), [(5, ack.clone()), (6, ack.clone()), (5, DaemonMessage::Destroy {})]);
    daemon.conn.buffer_done(W);
    daemon.conn.buffer_done(W);
    assert_eq!(daemon.heard(), [(5, ack)]);
}

#[test]
fn acknowledgements_depend_on_the_version() {
    for (minor, dumps, destroys) in [(4, 0, 0), (5, 0, 1), (6, 0, 1), (7, 1, 1), (8, 1, 1)] {
        let mut daemon = Daemon::with(minor, Limits::default());
        daemon.say(5, create(0, 0, 1, 1)).unwrap();
        daemon.say(5, dump(1, 1, 1)).unwrap();
        daemon.conn.buffer_done(W);
        assert_eq!(daemon.heard().len(), dumps, "1.{minor}");
        daemon.say(5, AgentMessage::Destroy {}).unwrap();
        assert_eq!(daemon.heard().len(), destroys, "1.{minor}");
    }
}

#[test]
fn damage_stays_within_the_buffer() {
    let mut daemon = mapped();
    let mut damage =
        |x, y, width, height| daemon.say(5, AgentMessage::ShmImage { x, y, width, height }).unwrap();
    assert_eq!(damage(0, 0, 1, 1), []);
    daemon.say(5, dump(8, 4, 1)).unwrap();
    let mut damage =
        |x, y, width, height| daemon.say(5, AgentMessage::ShmImage { x, y, width, height }).unwrap();
    let damaged =
        |x, y, width, height| vec![DaemonEvent::Damaged { window: W, rect: rect(x, y, width, height) }];
    assert_eq!(damage(0, 0, 8, 4), damaged(0, 0, 8, 4));
    assert_eq!(damage(7, 3, 1, 1), damaged(7, 3, 1, 1));
    assert_eq!(damage(7, 3, u32::MAX, 2), damaged(7, 3, 1, 1));
    assert_eq!(damage(-1, -1, 2, 2), damaged(0, 0, 1, 1));
    for (x, y, width, height) in
        [(8, 0, 1, 1), (0, 4, 1, 1), (0, 0, 0, 4), (-1, 0, 1, 1), (i32::MIN, 0, 1, 1)]
    {
        assert_eq!(damage(x, y, width, height), []);
    }
}

fn padded<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut field = [0; N];
    field[..text.len()].copy_from_slice(text);
    field
}

#[test]
fn texts_end_at_nul_and_are_valid() {
    let title = |bytes: &[u8]| {
        let events = with_window().say(5, AgentMessage::WmName { title: padded(bytes) }).unwrap();
        match events.as_slice() {
            [DaemonEvent::Title { title, .. }] => title.clone(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(title("żółć\0rest".as_bytes()), "żółć");
    assert_eq!(title(b""), "");
    assert_eq!(title(b"a\xffb"), "a\u{fffd}b");
    assert_eq!(title(&[b'x'; 128]), "x".repeat(127));
    assert_eq!(title(&[0xff; 128]), "\u{fffd}".repeat(42));
    let class = AgentMessage::WmClass { class: padded(b"XTerm"), name: [b'n'; 64] };
    let (told, name) = ("XTerm".to_owned(), "n".repeat(63));
    let event = DaemonEvent::Class { window: W, class: told, name };
    assert_eq!(with_window().say(5, class.clone()), Ok(vec![event]));
    assert_eq!(mapped().say(5, class), Ok(vec![]));
}

#[test]
fn hints_out_of_limits_are_left_out() {
    let say = |flags, [min, max, increment, base]: [(u32, u32); 4]| {
        let message = AgentMessage::WindowHints {
            flags,
            min_width: min.0,
            min_height: min.1,
            max_width: max.0,
            max_height: max.1,
            width_increment: increment.0,
            height_increment: increment.1,
            base_width: base.0,
            base_height: base.1,
        };
        match with_window().say(5, message).unwrap().as_slice() {
            [DaemonEvent::Hints { hints, .. }] => *hints,
            other => panic!("{other:?}"),
        }
    };
    let all = u32::MAX;
    let most = (16384, 6144);
    let hints = say(all, [most, most, (16383, 16383), most]);
    let expected = SizeHints {
        user_position: true,
        program_position: true,
        min: Some(most),
        max: Some(most),
        increment: Some((16383, 16383)),
        base: Some(most),
    };
    assert_eq!(hints, expected);
    let none = SizeHints { user_position: true, program_position: true, ..SizeHints::default() };
    assert_eq!(say(all, [(16385, 1), (1, 6145), (1, 16384), (all, 0)]), none);
    assert_eq!(
        say(all, [most, (0, 1), (0, 0), most]),
        SizeHints { max: None, increment: Some((1, 1)), ..expected }
    );
    assert_eq!(say(0, [most; 4]), SizeHints::default());
}

#[test]
fn flags_are_disjoint_and_known_ones() {
    let say = |set, unset| with_window().say(5, AgentMessage::WindowFlags { set, unset });
    let asked = |set: u32, unset: u32| {
        let (set, unset) = (WindowFlags::from_bits_retain(set), WindowFlags::from_bits_retain(unset));
        Ok(vec![DaemonEvent::FlagsRequested { window: W, set, unset }])
    };
    assert_eq!(say(0, 0), Ok(vec![]));
    assert_eq!(say(0xffff_fff8, 7), asked(0, 5));
    assert_eq!(say(7, 0xffff_fff8), asked(6, 0));
    assert_eq!(say(1, 4), asked(1, 4));
    let violation = say(3, 2).unwrap_err();
    assert!(matches!(violation, Violation::Field { message: "WINDOW_FLAGS", value: 3, .. }), "{violation}");
}

#[test]
fn cursors_are_in_the_font() {
    let say = |cursor| with_window().say(5, AgentMessage::Cursor { cursor });
    assert_eq!(say(0x199), Ok(vec![DaemonEvent::Cursor { window: W, cursor: Cursor::XFont(153) }]));
    assert!(matches!(say(0x19a), Err(Violation::Field { message: "CURSOR", value: 0x19a, .. })));
}

#[test]
fn the_clipboard_is_taken_once_when_asked_for() {
    let mut daemon = with_window();
    let data = |length| AgentMessage::ClipboardData { data: vec![1; length] };
    assert_eq!(daemon.say(0x20_0002, data(3)), Ok(vec![]));
    daemon.conn.request_clipboard(WindowId(99));
    assert_eq!(daemon.say(0x20_0002, data(3)), Ok(vec![]));
    for (length, event) in [
        (64_000, DaemonEvent::Clipboard { data: vec![1; 64_000] }),
        (64_001, DaemonEvent::ClipboardTooLarge),
        (256_001, DaemonEvent::ClipboardTooLarge),
        (0, DaemonEvent::Clipboard { data: vec![] }),
    ] {
        daemon.conn.request_clipboard(W);
        assert_eq!(daemon.heard(), [(5, DaemonMessage::ClipboardReq {})]);
        assert_eq!(daemon.say(0x20_0002, data(length)), Ok(vec![event]));
        assert_eq!(daemon.say(0x20_0002, data(length)), Ok(vec![]));
    }
}

#[test]
fn a_paste_fits_the_agents_version_or_is_not_sent() {
    for (minor, most) in [(7, 65_000), (8, 256_000)] {
        let mut daemon = Daemon::with(minor, Limits::default());
        daemon.say(5, create(0, 0, 1, 1)).unwrap();
        assert!(daemon.conn.send_clipboard(W, &vec![2; most]));
        assert_eq!(daemon.heard(), [(5, DaemonMessage::ClipboardData { data: vec![2; most] })]);
        assert!(!daemon.conn.send_clipboard(W, &vec![2; most + 1]));
        assert!(!daemon.conn.send_clipboard(WindowId(99), &[]));
        assert_eq!(daemon.heard(), []);
    }
}

#[test]
fn input_carries_xs_numbers_and_keys_come_first() {
    let mut daemon = mapped();
    let (x, y, state) = (1, -2, 0x104);
    daemon.conn.key(W, KeyInput { pressed: true, x, y, state, keycode: 37 });
    daemon.conn.key(W, KeyInput { pressed: false, x, y, state, keycode: 37 });
    daemon.conn.button(W, ButtonInput { pressed: true, x, y, state, button: 1 });
    daemon.conn.button(W, ButtonInput { pressed: false, x, y, state, button: 1 });
    daemon.conn.crossing(W, CrossingInput { entered: true, x, y, state, focus: true }, &KEYS);
    daemon.conn.crossing(W, CrossingInput { entered: false, x, y, state, focus: false }, &KEYS);
    daemon.conn.focus(W, true, &KEYS);
    daemon.conn.focus(W, false, &KEYS);
    daemon.conn.flags(W, WindowFlags::all(), WindowFlags::MINIMIZE);
    daemon.conn.map(W);
    daemon.conn.motion(W, 1, 1, 0);
    daemon.conn.motion(W, 2, 2, 0);
    let (mode, detail) = (0, 0);
    let keymap = (0, DaemonMessage::KeymapNotify { keys: KEYS });
    let crossing = |kind, focus| (5, DaemonMessage::Crossing { kind, x, y, state, mode, detail, focus });
    let expected = [
        (5, DaemonMessage::Keypress { kind: 2, x, y, state, keycode: 37 }),
        (5, DaemonMessage::Keypress { kind: 3, x, y, state, keycode: 37 }),
        (5, DaemonMessage::Button { kind: 4, x, y, state, button: 1 }),
        (5, DaemonMessage::Button { kind: 5, x, y, state, button: 1 }),
        keymap.clone(),
        crossing(7, 1),
        crossing(8, 0),
        keymap,
        (5, DaemonMessage::Focus { kind: 9, mode, detail }),
        (5, DaemonMessage::Focus { kind: 10, mode, detail }),
        (5, DaemonMessage::WindowFlags { set: 3, unset: 4 }),
        (5, DaemonMessage::Map { transient_for: WindowId(0), override_redirect: 0 }),
        (5, DaemonMessage::Motion { x: 2, y: 2, state: 0, is_hint: 0 }),
    ];
    assert_eq!(daemon.heard(), expected);
}

#[test]
fn commands_are_for_the_window_the_caller_has_seen() {
    let mut daemon = with_window();
    let mut bytes = encode(5, &agent_configure(1, 1, 9, 9), 8);
    bytes.extend(encode(5, &AgentMessage::Destroy {}, 8));
    bytes.extend(encode(5, &create(1, 1, 9, 9), 8));
    daemon.conn.handle_bytes(&bytes, NOW).unwrap();
    daemon.conn.configure(W, rect(0, 0, 1, 1));
    daemon.conn.close(W);
    // The old window's wish is not told: an answer would reach the new one.
    assert_eq!(daemon.conn.poll_event(), Some(DaemonEvent::Destroyed { window: W }));
    assert_eq!(daemon.heard(), [(5, DaemonMessage::Destroy {})]);
    assert!(matches!(daemon.conn.poll_event(), Some(DaemonEvent::Created { window: W, .. })));
    daemon.conn.configure(W, rect(0, 0, 1, 1));
    assert_eq!(daemon.heard(), [(5, daemon_configure(0, 0, 1, 1))]);
}

#[test]
fn of_several_wishes_the_last_is_told() {
    let mut daemon = mapped();
    let bytes: Vec<u8> = (1..4).flat_map(|x| encode(5, &agent_configure(x, 0, 100, 50), 8)).collect();
    daemon.conn.handle_bytes(&bytes, NOW).unwrap();
    let requested = DaemonEvent::ConfigureRequested { window: W, geometry: rect(3, 0, 100, 50) };
    assert_eq!(daemon.events(), [requested]);
    daemon.conn.configure(W, rect(3, 0, 100, 50));
    assert_eq!(daemon.heard(), []);
}

#[test]
fn commands_for_unknown_windows_do_nothing() {
    let mut daemon = Daemon::new();
    daemon.conn.key(W, KeyInput { pressed: true, x: 0, y: 0, state: 0, keycode: 9 });
    daemon.conn.crossing(W, CrossingInput { entered: true, x: 0, y: 0, state: 0, focus: true }, &KEYS);
    daemon.conn.focus(W, true, &KEYS);
    daemon.conn.motion(W, 0, 0, 0);
    daemon.conn.configure(W, rect(0, 0, 1, 1));
    daemon.conn.close(W);
    daemon.conn.map(W);
    daemon.conn.buffer_done(W);
    daemon.conn.flags(W, WindowFlags::all(), WindowFlags::empty());
    assert_eq!(daemon.heard(), []);
}

#[test]
fn an_agent_that_does_not_read_is_given_up_one_byte_past_the_limit() {
    let mut daemon = mapped();
    let message = 12 + 20;
    let keys = MAX_PENDING / message;
    let press = KeyInput { pressed: true, x: 0, y: 0, state: 0, keycode: 9 };
    for _ in 0..keys {
        daemon.conn.key(W, press);
    }
    assert_eq!(daemon.conn.transmit().len(), MAX_PENDING, "the limit is a multiple of a key's message");
    assert_eq!(daemon.conn.handle_timeout(NOW), Ok(()));
    daemon.conn.close(W);
    assert_eq!(daemon.conn.poll_timeout(), Some(NOW), "the caller is to learn of it");
    let violation = daemon.conn.handle_timeout(NOW).unwrap_err();
    assert_eq!(violation, Violation::DoesNotRead { pending: MAX_PENDING + 12, limit: MAX_PENDING });
    assert_eq!(daemon.conn.poll_timeout(), None);
}

#[test]
fn a_flood_stops_the_reading_until_the_budget_is_back() {
    let limits =
        Limits { messages_per_second: NonZeroU32::new(100).unwrap(), message_burst: 10, ..Limits::default() };
    let mut daemon = Daemon::with(8, limits);
    daemon.say(5, create(0, 0, 1, 1)).unwrap();
    let bell = AgentMessage::Cursor { cursor: 0 };
    for _ in 0..8 {
        daemon.say(5, bell.clone()).unwrap();
    }
    assert!(daemon.conn.wants_read(NOW) && daemon.conn.poll_timeout().is_none());
    daemon.say(5, bell.clone()).unwrap();
    assert!(!daemon.conn.wants_read(NOW));
    let back = daemon.conn.poll_timeout().unwrap();
    assert_eq!(back, Duration::from_millis(10));
    assert!(!daemon.conn.wants_read(back - Duration::from_nanos(1)));
    assert!(daemon.conn.wants_read(back));
    daemon.conn.handle_timeout(back).unwrap();
    assert_eq!(daemon.conn.poll_timeout(), None);
    // A long body weighs by the KiB.
    daemon.now = Duration::from_secs(10);
    daemon.say(5, dump(1, 1, 10 * 256)).unwrap();
    daemon.conn.buffer_done(W);
    assert_eq!(daemon.conn.poll_timeout(), Some(daemon.now + Duration::from_millis(20)));
}

#[test]
fn too_many_unanswered_buffers_stop_the_reading() {
    let mut daemon = Daemon::with(8, Limits { unanswered_buffers: 2, ..Limits::default() });
    daemon.say(5, create(0, 0, 1, 1)).unwrap();
    daemon.say(5, dump(1, 1, 1)).unwrap();
    assert!(daemon.conn.wants_read(NOW));
    daemon.say(5, dump(1, 1, 1)).unwrap();
    assert!(!daemon.conn.wants_read(NOW));
    daemon.conn.buffer_done(W);
    assert!(daemon.conn.wants_read(NOW));
}

proptest! {
    /// Whatever comes, nothing panics, and an ended connection stays ended.
    #[test]
    fn any_bytes_are_survived(
        minor in prop_oneof![Just(8), Just(LEVEL_1)],
        pieces in proptest::collection::vec(hostile_piece(), 1..60),
    ) {
        let mut daemon = Daemon::with(minor, Limits::default());
        let mut ended = None;
        for piece in pieces {
            let result = daemon.conn.handle_bytes(&piece, NOW);
            if let Some(violation) = &ended {
                prop_assert_eq!(result.as_ref(), Err(violation));
            }
            ended = result.err();
            let events = daemon.events();
            prop_assert!(ended.is_none() || events.is_empty());
            prop_assert!(ended.is_none() || daemon.conn.transmit().is_empty());
        }
    }
}

fn hostile_piece() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![0u32..4, Just(u32::MAX), Just(1 << 31), 4090u32..4100, any::<u32>()];
    let message =
        (prop_oneof![124u32..150, 0x1000u32..0x1011], 0u32..3, proptest::collection::vec(number, 0..10))
            .prop_map(|(kind, window, body)| {
                let words = [kind, window, 4 * body.len() as u32];
                words.into_iter().chain(body).flat_map(u32::to_le_bytes).collect()
            });
    let good = (0u32..3, 1u32..9000, 1u32..7000, 0i32..9).prop_map(|(window, width, height, which)| {
        let message = match which {
            0..3 => create(which, -which, width, height),
            3..6 => agent_configure(which, -which, width, height),
            6 => dump(width % 40, height % 40, 2),
            7 => map(),
            _ => AgentMessage::ShmImage { x: which, y: -which, width, height },
        };
        encode(window, &message, 8)
    });
    prop_oneof![6 => good, 1 => message]
}

//! The daemon's rules of level 1 for pools, commits, releases and arrangements, and what breaking each does.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::num::NonZeroU32;
use std::time::Duration;

use common::*;
use gui_protocol::limits::{BUFFERS_PER_WINDOW, MAX_COMMIT_RECTS, MAX_UNANSWERED_ARRANGES};
use gui_protocol::message::{AgentMessage, DaemonMessage};
use gui_protocol::{
    Arrange, BufferId, Commit, DaemonEvent, Family, Limits, PixelFormat, Presented, PresentedFlags, Rect,
    Scale, States, Violation, WindowFlags, WindowId,
};

const W: WindowId = WindowId(5);

fn with_window() -> Daemon {
    let mut daemon = Daemon::with(LEVEL_1, Limits::default());
    daemon.say(5, create(10, 20, 100, 50)).unwrap();
    daemon
}

/// With buffers 1 and 2 of 40x20 pixels.
fn with_pool() -> Daemon {
    let mut daemon = with_window();
    daemon.say(5, buffer(1, 40, 20, 1)).unwrap();
    daemon.say(5, buffer(2, 40, 20, 1)).unwrap();
    daemon
}

fn buffer(id: u32, width: u32, height: u32, pages: u32) -> AgentMessage {
    AgentMessage::Buffer { buffer: BufferId(id), width, height, format: 0, refs: refs(pages) }
}

fn remove(id: u32) -> AgentMessage {
    AgentMessage::RemoveBuffer { buffer: BufferId(id) }
}

/// Fields of a commit of a whole buffer of 40x20 without damage, to be changed.
struct Raw {
    serial: u64,
    configure: u32,
    buffer: u32,
    size: (u32, u32),
    scale: u32,
    source: Rect,
    flags: u32,
    damage: Vec<Rect>,
    opaque: Vec<Rect>,
}

fn raw(serial: u64, buffer: u32) -> Raw {
    Raw {
        serial,
        configure: 0,
        buffer,
        size: (40, 20),
        scale: 120,
        source: Rect::new(0, 0, 40, 20),
        flags: 0,
        damage: vec![],
        opaque: vec![],
    }
}

impl Raw {
    fn message(self) -> AgentMessage {
        let damage_count = self.damage.len() as u32;
        AgentMessage::Commit {
            serial: self.serial,
            configure: self.configure,
            buffer: BufferId(self.buffer),
            width: self.size.0,
            height: self.size.1,
            scale: self.scale,
            source: self.source,
            flags: self.flags,
            damage_count,
            rects: [self.damage, self.opaque].concat(),
        }
    }
}

fn commit(serial: u64, buffer: u32, damage: &[Rect]) -> AgentMessage {
    Raw { damage: damage.to_vec(), ..raw(serial, buffer) }.message()
}

fn committed(events: &[DaemonEvent]) -> Commit {
    let [DaemonEvent::Committed { window: W, commit }] = events else { panic!("{events:?}") };
    commit.clone()
}

/// Says something illegal: the violation comes and stays.
fn refused(daemon: &mut Daemon, message: AgentMessage) -> Violation {
    let violation = daemon.say(5, message).unwrap_err();
    assert_eq!(daemon.conn.handle_timeout(NOW), Err(violation.clone()));
    assert_eq!((daemon.conn.poll_event(), daemon.conn.transmit()), (None, [].as_slice()));
    violation
}

const PART: Rect = Rect::new(1, 2, 3, 4);
const WHOLE: Rect = Rect::new(0, 0, 40, 20);

#[test]
fn a_commit_is_told_as_it_is() {
    let mut daemon = with_pool();
    daemon.say(5, commit(1, 1, &[])).unwrap();
    let opaque = vec![Rect::new(0, 0, 10, 10), Rect::new(-5, 15, 100, 100), Rect::new(40, 0, 1, 1)];
    let full = Raw { serial: 7, flags: 1, damage: vec![PART, Rect::new(90, 0, 1, 1)], opaque, ..raw(7, 2) };
    let events = daemon.say(5, full.message()).unwrap();
    let expected = Commit {
        serial: 7,
        configure: 0,
        buffer: BufferId(2),
        width: 40,
        height: 20,
        scale: Scale::ONE,
        source: WHOLE,
        wants_presented: true,
        damage: vec![PART],
        opaque: vec![Rect::new(0, 0, 10, 10), Rect::new(0, 15, 40, 5)],
    };
    assert_eq!(committed(&events), expected);
}

#[test]
fn without_a_like_commit_before_all_is_damaged() {
    let mut daemon = with_pool();
    let mut damage = |raw: Raw| {
        let (serial, buffer) = (raw.serial, BufferId(raw.buffer));
        let damage = committed(&daemon.say(5, raw.message()).unwrap()).damage;
        daemon.conn.release(W, buffer);
        assert_eq!(daemon.heard(), [(5, DaemonMessage::Release { buffer, serial })]);
        damage
    };
    assert_eq!(damage(raw(1, 1)), [WHOLE]);
    assert_eq!(damage(raw(2, 2)), []);
    assert_eq!(damage(Raw { damage: vec![PART], ..raw(3, 1) }), [PART]);
    let source = Rect::new(4, 2, 36, 18);
    assert_eq!(damage(Raw { damage: vec![PART], size: (36, 18), source, ..raw(4, 2) }), [source]);
    assert_eq!(damage(Raw { damage: vec![PART], size: (36, 18), source, ..raw(5, 2) }), [PART]);
    let moved = Rect::new(0, 2, 36, 18);
    assert_eq!(damage(Raw { size: (36, 18), source: moved, ..raw(6, 2) }), [moved]);
    assert_eq!(damage(Raw { size: (18, 9), scale: 240, source: moved, ..raw(7, 2) }), [moved]);
    daemon.say(5, map()).unwrap();
    assert_eq!(daemon.say(5, AgentMessage::Unmap {}).unwrap(), [DaemonEvent::Unmapped { window: W }]);
    let again = Raw { damage: vec![PART], size: (18, 9), scale: 240, source: moved, ..raw(8, 2) };
    assert_eq!(committed(&daemon.say(5, again.message()).unwrap()).damage, [moved]);
}

#[test]
fn a_held_buffer_is_repeated_without_damage_or_not_at_all() {
    // The content may be repeated, also smaller.
    let mut daemon = with_pool();
    daemon.say(5, commit(1, 1, &[PART])).unwrap();
    let smaller = Raw { size: (30, 20), source: Rect::new(0, 0, 30, 20), ..raw(2, 1) };
    daemon.say(5, smaller.message()).unwrap();
    let violation = refused(&mut daemon, commit(3, 1, &[PART]));
    assert_eq!(violation, Violation::HeldBuffer { window: W, buffer: BufferId(1) });
    assert_eq!(violation.family(), Family::Misbehaved);
    // Damage that is cut off is damage.
    let mut daemon = with_pool();
    daemon.say(5, commit(1, 1, &[])).unwrap();
    refused(&mut daemon, commit(2, 1, &[Rect::new(500, 0, 1, 1)]));
    // What is not the content must not come back before its release.
    let mut daemon = with_pool();
    daemon.say(5, commit(1, 1, &[])).unwrap();
    daemon.say(5, commit(2, 2, &[])).unwrap();
    let violation = refused(&mut daemon, commit(3, 1, &[]));
    assert!(matches!(violation, Violation::HeldBuffer { buffer: BufferId(1), .. }));
    // Nor what was, after an unmap.
    let mut daemon = with_pool();
    daemon.say(5, map()).unwrap();
    daemon.say(5, commit(1, 1, &[])).unwrap();
    daemon.say(5, AgentMessage::Unmap {}).unwrap();
    daemon.say(5, commit(2, 2, &[])).unwrap();
    refused(&mut daemon, commit(3, 1, &[]));
}

#[test]
fn a_release_is_for_what_the_caller_has_seen() {
    let mut daemon = with_pool();
    daemon.say(5, commit(3, 1, &[])).unwrap();
    // The agent repeats it; the caller does not know yet.
    daemon.conn.handle_bytes(&encode(5, &commit(4, 1, &[]), LEVEL_1), NOW).unwrap();
    daemon.conn.release(W, BufferId(1));
    assert_eq!(daemon.heard(), []);
    committed(&daemon.events());
    daemon.conn.release(W, BufferId(1));
    assert_eq!(daemon.heard(), [(5, DaemonMessage::Release { buffer: BufferId(1), serial: 4 })]);
    // Once, and only what was committed.
    for buffer in [1, 2, 3] {
        daemon.conn.release(W, BufferId(buffer));
        daemon.conn.release(WindowId(6), BufferId(buffer));
    }
    assert_eq!(daemon.heard(), []);
    // It may be written and committed again.
    assert_eq!(committed(&daemon.say(5, commit(5, 1, &[PART])).unwrap()).damage, [PART]);
}

#[test]
fn commits_have_growing_serials_and_known_buffers() {
    for serial in [0, 6, 7] {
        let mut daemon = with_pool();
        daemon.say(5, commit(7, 1, &[])).unwrap();
        assert_eq!(
            refused(&mut daemon, commit(serial, 1, &[])),
            Violation::Serial { window: W, serial, last: 7 }
        );
    }
    // An unmap does not start them anew.
    let mut daemon = with_pool();
    daemon.say(5, commit(u64::MAX, 1, &[])).unwrap();
    daemon.say(5, AgentMessage::Unmap {}).unwrap();
    refused(&mut daemon, commit(1, 1, &[]));
    let violation = refused(&mut with_pool(), commit(1, 3, &[]));
    assert_eq!(violation, Violation::UnknownBuffer { message: "COMMIT", window: W, buffer: BufferId(3) });
    let mut daemon = with_pool();
    daemon.say(5, remove(1)).unwrap();
    refused(&mut daemon, commit(1, 1, &[]));
}

#[test]
fn sizes_scales_and_sources_fit_one_another() {
    let at = |size, scale, source| Raw { size, scale, source, ..raw(1, 1) }.message();
    let (w, h) = (40, 20);
    for (size, scale, source) in [
        ((40, 20), 120, Rect::new(0, 0, 40, 20)),
        ((1, 1), 120, Rect::new(39, 19, 1, 1)),
        ((80, 40), 60, Rect::new(0, 0, 40, 20)),
        ((79, 39), 60, Rect::new(0, 0, 40, 19)),
        ((5, 2), 960, Rect::new(0, 0, 40, 16)),
        // 1.25 * 17 = 21.25
        ((17, 1), 150, Rect::new(3, 0, 21, 1)),
        ((17, 1), 150, Rect::new(3, 0, 22, 2)),
    ] {
        with_pool().say(5, at(size, scale, source)).unwrap();
    }
    for (size, scale, source) in [
        ((40, 20), 120, Rect::new(0, 0, 40, 19)),
        ((40, 20), 120, Rect::new(0, 0, 41, 20)),
        ((40, 20), 120, Rect::new(1, 0, 40, 20)),
        ((40, 20), 120, Rect::new(-1, 0, 40, 20)),
        ((40, 20), 120, Rect::new(0, 1, 40, 20)),
        ((17, 1), 150, Rect::new(0, 0, 20, 1)),
        ((17, 1), 150, Rect::new(0, 0, 23, 1)),
        ((1, 1), 60, Rect::new(0, 0, 0, 1)),
        ((1, 1), 120, Rect::new(0, 0, 0, 0)),
        ((1, 1), 120, Rect::new(i32::MAX, i32::MAX, 1, 1)),
        ((40, 20), 120, Rect::new(0, 0, u32::MAX, u32::MAX)),
    ] {
        let violation = refused(&mut with_pool(), at(size, scale, source));
        let Rect { x, y, width: source_width, height: source_height } = source;
        let expected =
            Violation::Source { window: W, x, y, source_width, source_height, width: w, height: h };
        assert_eq!(violation, expected);
    }
    for scale in [0, 59, 961, u32::MAX] {
        let violation = refused(&mut with_pool(), at((40, 20), scale, WHOLE));
        assert!(matches!(violation, Violation::Field { field: "scale", value, .. } if value == scale));
        assert_eq!(violation.family(), Family::Malformed);
    }
    for size in [(0, 20), (40, 0), (16385, 20), (40, 6145), (u32::MAX, u32::MAX)] {
        let violation = refused(&mut with_pool(), at(size, 120, WHOLE));
        assert!(matches!(violation, Violation::Size { message: "COMMIT", .. }));
    }
    // The largest window there is.
    let mut daemon = with_window();
    daemon.say(5, buffer(1, 16384, 6144, 98304)).unwrap();
    daemon.say(5, at((16384, 6144), 120, Rect::new(0, 0, 16384, 6144))).unwrap();
}

#[test]
fn rectangles_and_flags_have_limits() {
    let many = |damage, opaque| {
        Raw { damage: vec![PART; damage], opaque: vec![PART; opaque], ..raw(1, 1) }.message()
    };
    let events = with_pool().say(5, many(MAX_COMMIT_RECTS, MAX_COMMIT_RECTS)).unwrap();
    assert_eq!(committed(&events).opaque.len(), MAX_COMMIT_RECTS);
    let violation = refused(&mut with_pool(), many(MAX_COMMIT_RECTS + 1, 0));
    assert!(matches!(violation, Violation::Field { field: "damage count", value: 65, .. }), "{violation}");
    let violation = refused(&mut with_pool(), many(0, MAX_COMMIT_RECTS + 1));
    assert!(matches!(violation, Violation::Field { field: "opaque count", value: 65, .. }), "{violation}");
    for count in [1, u32::MAX] {
        let AgentMessage::Commit {
            serial,
            configure,
            buffer,
            width,
            height,
            scale,
            source,
            flags,
            rects,
            ..
        } = commit(1, 1, &[])
        else {
            unreachable!()
        };
        let lies = AgentMessage::Commit {
            serial,
            configure,
            buffer,
            width,
            height,
            scale,
            source,
            flags,
            damage_count: count,
            rects,
        };
        assert!(matches!(refused(&mut with_pool(), lies), Violation::Field { field: "damage count", .. }));
    }
    for flags in [2, 3, 1 << 31] {
        let violation = refused(&mut with_pool(), Raw { flags, ..raw(1, 1) }.message());
        assert!(matches!(violation, Violation::Field { field: "flags", .. }));
    }
}

#[test]
fn pools_have_limits() {
    let mut daemon = with_window();
    for id in 0..BUFFERS_PER_WINDOW as u32 {
        let format = id % 2;
        let message =
            AgentMessage::Buffer { buffer: BufferId(id), width: 9, height: 8, format, refs: refs(2) };
        let formats = [PixelFormat::Xrgb8888, PixelFormat::Argb8888];
        let expected = DaemonEvent::BufferAdded {
            window: W,
            buffer: BufferId(id),
            width: 9,
            height: 8,
            format: formats[format as usize],
            refs: refs(2),
        };
        assert_eq!(daemon.say(5, message).unwrap(), [expected]);
    }
    // One that is removed makes place at once.
    daemon.say(5, remove(0)).unwrap();
    daemon.say(5, buffer(0, 1, 1, 1)).unwrap();
    let violation = refused(&mut daemon, buffer(9, 1, 1, 1));
    assert_eq!(violation, Violation::TooManyBuffers { window: W, limit: BUFFERS_PER_WINDOW });

    let violation = refused(&mut with_pool(), buffer(1, 1, 1, 1));
    assert_eq!(violation, Violation::BufferExists { window: W, buffer: BufferId(1) });
    let violation = refused(&mut with_pool(), remove(3));
    assert_eq!(
        violation,
        Violation::UnknownBuffer { message: "REMOVE_BUFFER", window: W, buffer: BufferId(3) }
    );
    for (width, height) in [(0, 1), (1, 0), (16385, 1), (1, 6145)] {
        let violation = refused(&mut with_window(), buffer(1, width, height, 1));
        assert!(matches!(violation, Violation::Size { message: "BUFFER", .. }));
    }
    let violation = refused(&mut with_window(), buffer(1, 33, 32, 1));
    let message = "BUFFER";
    assert_eq!(
        violation,
        Violation::BufferTooSmall { message, window: W, width: 33, height: 32, pages: 1, needed: 2 }
    );
    let format = AgentMessage::Buffer { buffer: BufferId(1), width: 1, height: 1, format: 2, refs: refs(1) };
    assert!(matches!(
        refused(&mut with_window(), format),
        Violation::Field { field: "format", value: 2, .. }
    ));
}

#[test]
fn pages_count_until_their_removal_is_answered() {
    let mut daemon = Daemon::with(LEVEL_1, Limits { pages: 10, ..Limits::default() });
    daemon.say(5, create(0, 0, 1, 1)).unwrap();
    daemon.say(6, create(0, 0, 1, 1)).unwrap();
    daemon.say(5, buffer(1, 1, 1, 6)).unwrap();
    daemon.say(6, buffer(1, 1, 1, 4)).unwrap();
    assert_eq!(
        daemon.say(5, remove(1)).unwrap(),
        [DaemonEvent::BufferRemoved { window: W, buffer: BufferId(1) }]
    );
    daemon.conn.buffer_removed(W, BufferId(1));
    assert_eq!(daemon.heard(), [(5, DaemonMessage::BufferRemoved { buffer: BufferId(1) })]);
    daemon.say(5, buffer(1, 1, 1, 6)).unwrap();
    daemon.say(5, AgentMessage::Destroy {}).unwrap();
    daemon.conn.buffer_removed(W, BufferId(1));
    assert_eq!(daemon.heard(), [(5, DaemonMessage::Destroy {})]);
    daemon.say(6, buffer(2, 1, 1, 6)).unwrap();
    daemon.say(6, remove(2)).unwrap();
    let violation = daemon.say(6, buffer(2, 1, 1, 1)).unwrap_err();
    assert_eq!(
        violation,
        Violation::TooManyPages { message: "BUFFER", window: WindowId(6), pages: 11, limit: 10 }
    );
}

#[test]
fn a_destroyed_windows_buffers_are_let_go_before_it_is() {
    let mut daemon = with_pool();
    daemon.say(5, commit(1, 1, &[])).unwrap();
    let removed = |id| DaemonEvent::BufferRemoved { window: W, buffer: BufferId(id) };
    let events = daemon.say(5, AgentMessage::Destroy {}).unwrap();
    assert_eq!(events, [removed(1), removed(2), DaemonEvent::Destroyed { window: W }]);
    // A successor's buffer of the same name is another.
    daemon.say(5, create(0, 0, 1, 1)).unwrap();
    daemon.say(5, buffer(1, 1, 1, 1)).unwrap();
    daemon.say(5, remove(1)).unwrap();
    daemon.conn.buffer_removed(W, BufferId(2));
    assert_eq!(daemon.heard(), []);
    daemon.conn.buffer_removed(W, BufferId(1));
    assert_eq!(daemon.heard(), [(5, DaemonMessage::Destroy {})]);
    daemon.conn.buffer_removed(W, BufferId(1));
    assert_eq!(daemon.heard(), [(5, DaemonMessage::BufferRemoved { buffer: BufferId(1) })]);
    // Nothing is owed any more.
    daemon.conn.buffer_removed(W, BufferId(1));
    assert_eq!(daemon.heard(), []);
}

#[test]
fn unanswered_removals_stop_the_reading() {
    let mut daemon = Daemon::with(LEVEL_1, Limits { unanswered_buffers: 2, ..Limits::default() });
    daemon.say(5, create(0, 0, 1, 1)).unwrap();
    for reads in [true, false] {
        daemon.say(5, buffer(1, 1, 1, 1)).unwrap();
        daemon.say(5, remove(1)).unwrap();
        assert_eq!(daemon.conn.wants_read(NOW), reads);
    }
    daemon.conn.buffer_removed(W, BufferId(1));
    assert!(daemon.conn.wants_read(NOW));
}

#[test]
fn removing_the_content_takes_it_away() {
    let mut daemon = with_pool();
    daemon.say(5, commit(1, 1, &[])).unwrap();
    daemon.say(5, remove(1)).unwrap();
    daemon.conn.release(W, BufferId(1));
    assert_eq!(daemon.heard(), [], "there is nothing to give back");
    assert_eq!(committed(&daemon.say(5, commit(2, 2, &[PART])).unwrap()).damage, [WHOLE]);
}

#[test]
fn frames_are_done_once_and_in_order() {
    let mut daemon = with_pool();
    daemon.say(5, commit(5, 1, &[])).unwrap();
    daemon.say(5, commit(9, 2, &[])).unwrap();
    for serial in [0, 10, 5, 5, 9, 5, 9] {
        daemon.conn.frame_done(W, serial);
        daemon.conn.frame_done(WindowId(6), serial);
    }
    let done = |serial| (5, DaemonMessage::FrameDone { serial });
    assert_eq!(daemon.heard(), [done(5), done(9)]);
    let ago = Duration::from_micros(1500);
    let presented = |serial, ago, refresh| Presented {
        serial,
        ago,
        refresh,
        sequence: 1 << 40,
        flags: PresentedFlags::VSYNC,
    };
    daemon.conn.presented(W, presented(9, ago, Some(Duration::from_nanos(16_666_667))));
    daemon.conn.presented(W, presented(9, Duration::from_secs(5), None));
    daemon.conn.presented(W, presented(10, ago, None));
    let expected = |ago_ns, refresh_ns| {
        (5, DaemonMessage::Presented { serial: 9, ago_ns, refresh_ns, sequence: 1 << 40, flags: 1 })
    };
    assert_eq!(daemon.heard(), [expected(1_500_000, 16_666_667), expected(u32::MAX, 0)]);
}

fn arrange(width: u32, states: States) -> Arrange {
    Arrange { x: -3, y: 4, width, height: 50, states, ..Arrange::default() }
}

fn arranged(daemon: &mut Daemon) -> Vec<(u32, u32)> {
    let heard = daemon.heard().into_iter();
    heard
        .map(|(_, message)| match message {
            DaemonMessage::Arrange { serial, width, .. } => (serial, width),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn one_new_size_is_outstanding_and_the_newest_follows_it() {
    let mut daemon = with_pool();
    let none = States::empty();
    assert_eq!(daemon.conn.arrange(W, arrange(100, none)), 1);
    for width in 101..110 {
        assert_eq!(daemon.conn.arrange(W, arrange(width, none)), 2);
    }
    assert_eq!(arranged(&mut daemon), [(1, 100)]);
    // A commit that has not seen it answers nothing.
    daemon.say(5, commit(1, 1, &[])).unwrap();
    assert_eq!(arranged(&mut daemon), []);
    daemon.say(5, Raw { configure: 1, ..raw(2, 1) }.message()).unwrap();
    assert_eq!(arranged(&mut daemon), [(2, 109)]);
    // The same again is nothing, another state is told at once.
    assert_eq!(daemon.conn.arrange(W, arrange(109, none)), 2);
    assert_eq!(daemon.conn.arrange(W, arrange(109, States::ACTIVATED)), 3);
    assert_eq!(arranged(&mut daemon), [(3, 109)]);
    assert_eq!(daemon.conn.arrange(WindowId(6), arrange(1, none)), 0);
}

#[test]
fn eight_arranges_are_unanswered_at_most() {
    let mut daemon = with_pool();
    let states = [States::empty(), States::ACTIVATED];
    for n in 0..20 {
        let serial = daemon.conn.arrange(W, arrange(100, states[n % 2]));
        assert_eq!(serial, (n as u32 + 1).min(MAX_UNANSWERED_ARRANGES + 1));
    }
    assert_eq!(arranged(&mut daemon).len(), 8);
    daemon.say(5, Raw { configure: 3, ..raw(1, 1) }.message()).unwrap();
    let heard = daemon.heard();
    assert!(matches!(heard[..], [(5, DaemonMessage::Arrange { serial: 9, states: 1, .. })]), "{heard:?}");
}

#[test]
fn a_commit_names_an_arrange_that_was_sent_and_none_older_than_before() {
    let with_arranges = || {
        let mut daemon = with_pool();
        daemon.conn.arrange(W, arrange(100, States::empty()));
        daemon.conn.arrange(W, arrange(100, States::ACTIVATED));
        daemon.conn.arrange(W, arrange(200, States::ACTIVATED));
        daemon
    };
    for (first, second, legal) in [
        (0, 0, true),
        (0, 1, true),
        (1, 1, true),
        (2, 2, true),
        (2, 3, true),
        (0, 3, false),
        (2, 1, false),
        (1, 0, false),
        (0, u32::MAX, false),
    ] {
        let mut daemon = with_arranges();
        daemon.say(5, Raw { configure: first, ..raw(1, 1) }.message()).unwrap();
        let result = daemon.say(5, Raw { configure: second, ..raw(2, 1) }.message());
        assert_eq!(result.is_ok(), legal, "{first}, {second}");
        let is_field = |violation| matches!(violation, Violation::Field { field: "configure", .. });
        assert!(result.is_ok() || is_field(result.unwrap_err()));
    }
}

#[test]
fn an_arrange_is_told_in_full() {
    let mut daemon = with_window();
    let full = Arrange {
        serial: 77,
        x: -3,
        y: 4,
        width: 16385,
        height: 0,
        bounds: Some((800, 600)),
        states: States::MAXIMISED | States::SUSPENDED,
        scale: Scale::new(180).unwrap(),
        token: 9,
    };
    assert_eq!(daemon.conn.arrange(W, full), 1);
    let (bounds_width, bounds_height, states, scale, token) = (800, 600, 258, 180, 9);
    let expected = DaemonMessage::Arrange {
        serial: 1,
        x: -3,
        y: 4,
        width: 16384,
        height: 0,
        bounds_width,
        bounds_height,
        states,
        scale,
        token,
    };
    assert_eq!(daemon.heard(), [(5, expected)]);
    // What is not spoken at level 1.
    daemon.conn.configure(W, WHOLE);
    daemon.conn.flags(W, WindowFlags::FULLSCREEN, WindowFlags::empty());
    daemon.conn.map(W);
    assert_eq!(daemon.heard(), []);
}

#[test]
fn before_level_1_an_arrange_is_a_geometry_and_flags() {
    let mut daemon = Daemon::new();
    daemon.say(5, create(10, 20, 100, 50)).unwrap();
    let flags = |set, unset| (5, DaemonMessage::WindowFlags { set, unset });
    daemon.conn.arrange(W, Arrange { x: 10, y: 20, ..arrange(100, States::ACTIVATED) });
    assert_eq!(daemon.heard(), []);
    daemon.conn.arrange(W, arrange(200, States::FULLSCREEN));
    assert_eq!(daemon.heard(), [(5, daemon_configure(-3, 4, 200, 50)), flags(1, 0)]);
    daemon.say(5, agent_configure(-3, 4, 200, 50)).unwrap();
    daemon.conn.arrange(W, arrange(0, States::MINIMISED));
    assert_eq!(daemon.heard(), [flags(4, 1)]);
    daemon.conn.arrange(W, arrange(200, States::empty()));
    assert_eq!(daemon.heard(), [flags(0, 4)]);
}

/// 20000 frames a second, each with a little damage, are not held up.
#[test]
fn a_fast_program_stays_within_the_budget() {
    let mut daemon = with_pool();
    let mut serial = 0;
    for second in 1..=3 {
        for frame in 0..20_000 {
            daemon.now = Duration::from_secs(second) + Duration::from_micros(50) * frame;
            serial += 1;
            let buffer = 1 + serial as u32 % 2;
            daemon.say(5, commit(serial, buffer, &[PART])).unwrap();
            daemon.conn.release(W, BufferId(buffer));
            daemon.conn.transmitted(usize::MAX);
            assert!(daemon.conn.wants_read(daemon.now), "{second} {frame}");
        }
    }
    // A commit without rectangles is one message, and each KiB of them begun one more.
    let (messages_per_second, message_burst) = (NonZeroU32::new(1).unwrap(), 100);
    let mut daemon =
        Daemon::with(LEVEL_1, Limits { messages_per_second, message_burst, ..Limits::default() });
    daemon.say(5, create(0, 0, 1, 1)).unwrap();
    daemon.say(5, buffer(1, 40, 20, 1)).unwrap();
    daemon.say(5, commit(1, 1, &[])).unwrap();
    daemon.conn.release(W, BufferId(1));
    daemon.say(5, Raw { damage: vec![PART; 64], opaque: vec![PART; 64], ..raw(2, 1) }.message()).unwrap();
    for spent in 1 + 2 + 1 + 3 + 1..=message_burst {
        assert!(daemon.conn.wants_read(NOW), "{spent}");
        daemon.say(5, AgentMessage::Parent { parent: WindowId(0) }).unwrap();
    }
    assert!(!daemon.conn.wants_read(NOW));
}

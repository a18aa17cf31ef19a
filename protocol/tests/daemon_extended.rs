//! The daemon's rules of level 1 besides pixels: names, popups, wishes, pictures, input, commands, barriers.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::*;
use gui_protocol::limits::{MAX_ARGV, MAX_ARGV_BYTES, MAX_KEYMAP, MAX_POPUP_DEPTH, MAX_RUNS};
use gui_protocol::message::{AgentMessage, Bytes, DaemonMessage, Message};
use gui_protocol::{
    ButtonInput, CursorLook, DaemonEvent, Edges, Family, Fixed, Gesture, GestureKind, Limits, Modifiers,
    Output, PointerConstraint, PointerNeeds, Positioner, Rect, RelativeMotion, Scale, Scroll, ScrollFlags,
    ScrollSource, Tool, ToolAxes, ToolKind, ToolState, Touch, TouchKind, Violation, WindowId, Wish,
};

const W: WindowId = WindowId(5);

fn with_window() -> Daemon {
    let mut daemon = Daemon::with(LEVEL_1, Limits::default());
    daemon.say(5, create(10, 20, 100, 50)).unwrap();
    daemon
}

/// What a fresh window's message breaks.
fn refused(message: AgentMessage) -> Violation {
    let mut daemon = with_window();
    let violation = daemon.say(5, message).unwrap_err();
    assert_eq!(daemon.conn.handle_timeout(NOW), Err(violation.clone()));
    violation
}

/// That a field is refused with this value.
fn refused_field(message: AgentMessage, field_name: &str, refused_value: u32) {
    let name = message.name();
    let violation = refused(message);
    let Violation::Field { message, field, value, .. } = violation else { panic!("{violation}") };
    assert_eq!((message, field, value), (name, field_name, refused_value));
}

fn popup(parent: u32, token: u32) -> AgentMessage {
    AgentMessage::Popup {
        parent: WindowId(parent),
        token,
        anchor_rect: Rect::new(-1, 2, 0, 6145),
        width: 30,
        height: 40,
        anchor: 8,
        gravity: 0,
        constraint: 63,
        offset_x: i32::MIN,
        offset_y: 7,
        flags: 2,
    }
}

#[test]
fn nothing_is_said_of_windows_that_do_not_exist() {
    for row in AgentMessage::TABLE.iter().filter(|row| row.spoken.is_in(gui_protocol::Version::NEWEST)) {
        let message = AgentMessage::decode(row.kind, &vec![0; row.length.min as usize]).unwrap();
        let mut daemon = Daemon::with(LEVEL_1, Limits::default());
        let result = daemon.say(5, message);
        let is_unknown = matches!(result, Err(Violation::UnknownWindow { window: W, .. }));
        let needs_none = ["CREATE", "CLIPBOARD_DATA", "RUN_RESULT", "SYNC", "SYNC_DONE"].contains(&row.name)
            || row.name.starts_with("FILES_");
        assert_eq!(is_unknown, !needs_none, "{}", row.name);
    }
}

#[test]
fn what_the_level_dropped_ends_the_link() {
    for row in AgentMessage::TABLE.iter().filter(|row| !row.spoken.is_in(gui_protocol::Version::NEWEST)) {
        let message = AgentMessage::decode(row.kind, &vec![0; row.length.min as usize]).unwrap();
        assert!(matches!(refused(message), Violation::UnknownType { kind, .. } if kind == row.kind));
    }
}

#[test]
fn texts_are_utf_8_without_nul_up_to_their_limit() {
    let title = |bytes: &[u8]| AgentMessage::Title { text: Bytes(bytes.into()) };
    let app_id = |bytes: &[u8]| AgentMessage::AppId { text: Bytes(bytes.into()) };
    let mut daemon = with_window();
    for (text, length) in [("", 0), ("ż", 512), ("x", 1024)] {
        let text = text.repeat(length);
        let told = daemon.say(5, title(text.as_bytes())).unwrap();
        assert_eq!(told, [DaemonEvent::Title { window: W, title: text }]);
    }
    let long = "x".repeat(256);
    let told = daemon.say(5, app_id(long.as_bytes())).unwrap();
    assert_eq!(told, [DaemonEvent::AppId { window: W, app_id: long }]);
    for (message, name) in [(title(&[b'x'; 1025]), "TITLE"), (app_id(&[b'x'; 257]), "APP_ID")] {
        assert!(matches!(refused(message), Violation::Length { message, .. } if message == name));
    }
    for wrong in [b"a\0".as_slice(), b"\0", b"\xff", b"\xc5", b"\xed\xa0\x80"] {
        for (message, name) in [(title(wrong), "TITLE"), (app_id(wrong), "APP_ID")] {
            let violation = refused(message);
            let expected = Violation::Text { message: name, window: W, length: wrong.len() };
            assert_eq!(violation, expected);
            assert_eq!(violation.family(), Family::Malformed);
        }
    }
}

#[test]
fn dialogs_have_parents_that_exist_and_no_circles() {
    let mut daemon = with_window();
    daemon.say(6, create(0, 0, 1, 1)).unwrap();
    let mut parent = |window, parent| {
        let events = daemon.say(window, AgentMessage::Parent { parent: WindowId(parent) }).unwrap();
        let [DaemonEvent::Parent { parent, .. }] = events[..] else { panic!("{events:?}") };
        parent.map(|parent| parent.0)
    };
    assert_eq!(parent(5, 0), None);
    assert_eq!(parent(5, 5), None);
    assert_eq!(parent(5, 77), None);
    assert_eq!(parent(5, 6), Some(6));
    assert_eq!(parent(6, 5), None);
    assert_eq!(parent(5, 0), None);
    assert_eq!(parent(6, 5), Some(5));
    // With a parent the bond ends.
    daemon.say(5, AgentMessage::Destroy {}).unwrap();
    daemon.say(5, create(0, 0, 1, 1)).unwrap();
    let events = daemon.say(5, AgentMessage::Parent { parent: WindowId(6) }).unwrap();
    assert_eq!(events, [DaemonEvent::Parent { window: W, parent: Some(WindowId(6)) }]);
}

#[test]
fn popups_are_told_in_limits_and_keep_their_parent() {
    let mut daemon = with_window();
    for window in [6, 7] {
        daemon.say(window, create(0, 0, 1, 1)).unwrap();
    }
    let positioner = Positioner {
        anchor_rect: Rect::new(-1, 2, 0, 6144),
        width: 30,
        height: 40,
        anchor: 8,
        gravity: 0,
        constraint: 63,
        offset_x: -16384,
        offset_y: 7,
        reactive: false,
        grab: true,
    };
    let expected = |token| DaemonEvent::Popup { window: W, parent: WindowId(6), token, positioner };
    assert_eq!(daemon.say(5, popup(6, 3)).unwrap(), [expected(3)]);
    daemon.say(5, map()).unwrap();
    assert_eq!(daemon.say(5, popup(6, 4)).unwrap(), [expected(4)]);
    let violation = daemon.say(5, popup(7, 5)).unwrap_err();
    assert!(matches!(violation, Violation::Field { field: "parent", value: 7, .. }), "{violation}");
    // Only an unmapped window becomes one.
    let mut daemon = with_window();
    daemon.say(6, create(0, 0, 1, 1)).unwrap();
    daemon.say(5, map()).unwrap();
    let violation = daemon.say(5, popup(6, 1)).unwrap_err();
    assert!(matches!(violation, Violation::Field { field: "window", .. }), "{violation}");
    // A parent that is gone is nobody's fault.
    let mut daemon = with_window();
    for message in [popup(77, 1), map(), popup(77, 2)] {
        assert_eq!(daemon.say(5, message).unwrap(), [], "it is not shown as anything else");
        assert_eq!(daemon.heard(), [(5, DaemonMessage::Close {})]);
    }
    let mut daemon = with_window();
    daemon.say(6, create(0, 0, 1, 1)).unwrap();
    daemon.say(5, popup(6, 1)).unwrap();
    daemon.say(5, map()).unwrap();
    daemon.say(6, AgentMessage::Destroy {}).unwrap();
    daemon.heard();
    assert_eq!(daemon.say(5, popup(6, 2)).unwrap(), []);
    assert_eq!(daemon.heard(), [(5, DaemonMessage::Close {})]);
}

#[test]
fn popups_do_not_stand_on_themselves_nor_too_deep() {
    refused_field(popup(5, 1), "parent", 5);
    let mut daemon = with_window();
    let depth = MAX_POPUP_DEPTH as u32;
    for window in 6..=6 + depth {
        daemon.say(window, create(0, 0, 1, 1)).unwrap();
    }
    for window in 6..5 + depth {
        daemon.say(window, popup(window - 1, 1)).unwrap();
    }
    let violation = daemon.say(5, popup(4 + depth, 1)).unwrap_err();
    assert!(matches!(violation, Violation::Field { field: "parent", .. }), "a circle: {violation}");
    let mut daemon = with_window();
    for window in 6..=6 + depth {
        daemon.say(window, create(0, 0, 1, 1)).unwrap();
    }
    for window in 6..5 + depth {
        daemon.say(window, popup(window - 1, 1)).unwrap();
    }
    daemon.say(5 + depth, popup(4 + depth, 1)).unwrap();
    assert!(daemon.say(6 + depth, popup(5 + depth, 1)).is_err());
}

#[test]
fn positioners_have_legal_numbers() {
    let with = |change: fn(&mut AgentMessage)| {
        let mut message = popup(6, 1);
        change(&mut message);
        let mut daemon = with_window();
        daemon.say(6, create(0, 0, 1, 1)).unwrap();
        daemon.say(5, message)
    };
    macro_rules! refused {
        ($field:ident, $legal:expr, $illegal:expr) => {
            assert!(
                with(|message| if let AgentMessage::Popup { $field, .. } = message {
                    *$field = $legal
                })
                .is_ok()
            );
            assert!(
                with(|message| if let AgentMessage::Popup { $field, .. } = message {
                    *$field = $illegal
                })
                .is_err()
            );
        };
    }
    refused!(token, u32::MAX, 0);
    refused!(anchor, 8, 9);
    refused!(gravity, 8, 9);
    refused!(constraint, 63, 64);
    refused!(flags, 3, 4);
    refused!(width, 1, 0);
    refused!(width, 16384, 16385);
    refused!(height, 1, 0);
    refused!(height, 6144, 6145);
}

#[test]
fn wishes_are_of_a_kind_and_its_values() {
    let mut daemon = with_window();
    for (kind, value, wish) in [
        (1, 1, Wish::Maximised(true)),
        (2, 0, Wish::Fullscreen(false)),
        (3, 1, Wish::Minimised),
        (4, 1, Wish::Attention(true)),
        (5, 0, Wish::Move),
        (6, 1, Wish::Resize(Edges::TOP)),
        (6, 10, Wish::Resize(Edges::BOTTOM | Edges::RIGHT)),
        (7, u32::MAX, Wish::Activate(u32::MAX)),
        (8, 0, Wish::WindowMenu),
        (9, 0, Wish::Tiled(Edges::empty())),
        (9, 7, Wish::Tiled(Edges::TOP | Edges::BOTTOM | Edges::LEFT)),
        (10, 1, Wish::KeepAwake(true)),
        (11, 0, Wish::Modal(false)),
    ] {
        let events = daemon.say(5, AgentMessage::Wish { kind, value }).unwrap();
        assert_eq!(events, [DaemonEvent::Wished { window: W, wish }]);
        assert_eq!(wish.to_wire(), (kind, value));
    }
    for (kind, value) in [
        (1, 2),
        (2, 2),
        (3, 0),
        (3, 2),
        (4, 2),
        (5, 1),
        (6, 0),
        (6, 3),
        (6, 12),
        (6, 16),
        (8, 1),
        (9, 16),
        (10, 2),
        (11, 2),
    ] {
        refused_field(AgentMessage::Wish { kind, value }, "value", value);
    }
    for kind in [0, 12, u32::MAX] {
        refused_field(AgentMessage::Wish { kind, value: 0 }, "kind", kind);
    }
}

fn picture(width: u32, height: u32, hot: (u32, u32), scale: u32, bytes: usize) -> AgentMessage {
    let pixels = Bytes(vec![0; bytes]);
    AgentMessage::CursorImage { width, height, hot_x: hot.0, hot_y: hot.1, scale, pixels }
}

#[test]
fn cursors_are_shapes_or_small_pictures() {
    let mut daemon = with_window();
    let mut look = |message| {
        let mut events = daemon.say(5, message).unwrap();
        let Some(DaemonEvent::CursorChanged { window: W, cursor }) = events.pop() else { panic!() };
        cursor
    };
    assert_eq!(look(AgentMessage::CursorShape { shape: 0 }), CursorLook::Hidden);
    assert_eq!(look(AgentMessage::CursorShape { shape: 36 }), CursorLook::Shape(36));
    refused_field(AgentMessage::CursorShape { shape: 37 }, "shape", 37);
    for (width, height, hot, scale) in [(1, 1, (0, 0), 60), (256, 256, (255, 255), 960)] {
        let message = picture(width, height, hot, scale, (width * height * 4) as usize);
        let CursorLook::Image(cursor) = look(message) else { panic!() };
        assert_eq!(
            (cursor.image.width, cursor.hot_x, cursor.scale),
            (width, hot.0, Scale::new(scale).unwrap())
        );
    }
    for (width, height, hot, bytes) in [
        (0, 1, (0, 0), 0),
        (1, 0, (0, 0), 0),
        (257, 1, (0, 0), 257 * 4),
        (1, 257, (0, 0), 257 * 4),
        (2, 2, (2, 0), 16),
        (2, 2, (0, 2), 16),
        (2, 2, (u32::MAX, 0), 16),
        (2, 2, (0, 0), 15),
        (2, 2, (0, 0), 17),
        (u32::MAX, u32::MAX, (0, 0), 4),
    ] {
        let violation = refused(picture(width, height, hot, 120, bytes));
        assert!(matches!(violation, Violation::Picture { message: "CURSOR_IMAGE", .. }), "{violation}");
        assert_eq!(violation.family(), Family::Malformed);
    }
    refused_field(picture(1, 1, (0, 0), 59, 4), "scale", 59);
    refused_field(picture(1, 1, (0, 0), 961, 4), "scale", 961);
}

#[test]
fn icons_are_small_and_no_colour_is_above_its_opacity() {
    let icon =
        |width, height, pixels: &[u8]| AgentMessage::Icon { width, height, pixels: Bytes(pixels.into()) };
    let mut daemon = with_window();
    let mut told = |message| {
        let mut events = daemon.say(5, message).unwrap();
        let Some(DaemonEvent::Icon { window: W, icon }) = events.pop() else { panic!() };
        icon
    };
    assert!(told(icon(0, 0, &[])).is_empty());
    assert_eq!(told(icon(256, 256, &vec![9; 1 << 18])).pixels.len(), 1 << 18);
    assert_eq!(told(icon(2, 1, &[1, 200, 255, 100, 7, 7, 7, 0])).pixels, [1, 100, 100, 100, 0, 0, 0, 0]);
    for (width, height, bytes) in
        [(0, 1, 0), (1, 0, 0), (257, 1, 1028), (1, 257, 1028), (1, 1, 0), (1, 1, 8), (0, 0, 4)]
    {
        let violation = refused(icon(width, height, &vec![0; bytes]));
        assert!(matches!(violation, Violation::Picture { message: "ICON", .. }), "{violation}");
    }
}

#[test]
fn wishes_for_the_pointer_are_known_ones() {
    let mut daemon = with_window();
    let constrain = |kind, region| AgentMessage::ConstrainPointer { kind, region };
    let told = |kind, region| DaemonEvent::ConstrainPointer { window: W, kind, region };
    let region = Rect::new(-20000, 1, u32::MAX, 2);
    for (message, event) in [
        (constrain(0, Rect::default()), told(PointerConstraint::None, None)),
        (constrain(1, Rect::new(1, 2, 0, 5)), told(PointerConstraint::Lock, None)),
        (constrain(2, region), told(PointerConstraint::Confine, Some(Rect::new(-16384, 1, 16384, 2)))),
        (
            AgentMessage::PointerNeeds { needs: 7 },
            DaemonEvent::PointerNeeds { window: W, needs: PointerNeeds::all() },
        ),
    ] {
        assert_eq!(daemon.say(5, message).unwrap(), [event]);
    }
    refused_field(constrain(3, region), "kind", 3);
    refused_field(AgentMessage::PointerNeeds { needs: 8 }, "needs", 8);
}

#[test]
fn commands_are_answered_once() {
    let mut daemon = with_window();
    assert!(daemon.conn.run(9, &["xterm", "-e", ""]));
    assert!(!daemon.conn.run(9, &["xterm"]), "a token in use");
    assert!(!daemon.conn.run(0, &["xterm"]) && !daemon.conn.run(1, &[]) && !daemon.conn.run(1, &["a\0b"]));
    assert_eq!(
        daemon.heard(),
        [(0, DaemonMessage::Run { token: 9, argv: Bytes(b"xterm\0-e\0\0".to_vec()) })]
    );
    for (status, result) in
        [(1, Ok(1)), (-2, Err(2)), (i32::MIN, Err(1 << 31)), (i32::MAX, Ok(i32::MAX as u32))]
    {
        daemon.conn.run(7, &["xterm"]);
        let events = daemon.say(0, AgentMessage::RunResult { token: 7, status }).unwrap();
        assert_eq!(events, [DaemonEvent::RunResult { token: 7, result }]);
    }
    let violation = daemon.say(0, AgentMessage::RunResult { token: 7, status: 1 }).unwrap_err();
    assert!(matches!(violation, Violation::Field { field: "token", value: 7, .. }), "{violation}");
    let mut daemon = with_window();
    daemon.conn.run(7, &["xterm"]);
    assert!(daemon.say(0, AgentMessage::RunResult { token: 7, status: 0 }).is_err());

    let mut daemon = with_window();
    let most = "x".repeat(MAX_ARGV_BYTES as usize - 1);
    assert!(daemon.conn.run(1, &[&most]) && !daemon.conn.run(2, &[&most, ""]));
    assert!(daemon.conn.run(2, &[""; MAX_ARGV]) && !daemon.conn.run(3, &[""; MAX_ARGV + 1]));
    for token in 3..=MAX_RUNS as u32 {
        assert!(daemon.conn.run(token, &["x"]));
    }
    assert!(!daemon.conn.run(1000, &["x"]));
    daemon.say(0, AgentMessage::RunResult { token: 1, status: 1 }).unwrap();
    assert!(daemon.conn.run(1000, &["x"]));
}

#[test]
fn one_sync_is_outstanding() {
    let mut daemon = with_window();
    assert!(daemon.conn.sync(4) && !daemon.conn.sync(5));
    assert_eq!(daemon.conn.pending_sync(), Some(4));
    assert_eq!(daemon.heard(), [(0, DaemonMessage::Sync { token: 4 })]);
    let events = daemon.say(0, AgentMessage::SyncDone { token: 4 }).unwrap();
    assert_eq!((events, daemon.conn.pending_sync()), (vec![DaemonEvent::SyncDone { token: 4 }], None));
    assert!(daemon.conn.sync(0));
    let violation = daemon.say(0, AgentMessage::SyncDone { token: 4 }).unwrap_err();
    assert!(matches!(violation, Violation::Field { message: "SYNC_DONE", value: 4, .. }), "{violation}");
    refused_field(AgentMessage::SyncDone { token: 0 }, "token", 0);
    let mut daemon = with_window();
    assert_eq!(daemon.say(0, AgentMessage::Sync { token: 8 }).unwrap(), [DaemonEvent::Sync { token: 8 }]);
    daemon.conn.sync_done(8);
    assert_eq!(daemon.heard(), [(0, DaemonMessage::SyncDone { token: 8 })]);
}

const SCROLL: Scroll = Scroll {
    horizontal: Fixed(-256),
    vertical: Fixed(2560),
    v120_x: 0,
    v120_y: 120,
    source: ScrollSource::Finger,
    flags: ScrollFlags::STOP_VERTICAL,
    time_ms: 77,
};

fn gesture() -> Gesture {
    Gesture {
        kind: GestureKind::PinchUpdate,
        fingers: 2,
        dx: Fixed(1),
        dy: Fixed(-1),
        scale: Fixed(300),
        rotation: Fixed(-5),
        cancelled: true,
        time_ms: 5,
    }
}

const TOUCH: Touch = Touch { kind: TouchKind::Motion, id: 3, x: Fixed(256), y: Fixed(-1), time_ms: 9 };

const TOOL: Tool = Tool {
    kind: ToolKind::Airbrush,
    axes: ToolAxes::PRESSURE.union(ToolAxes::SLIDER),
    state: ToolState::NEAR.union(ToolState::STYLUS_2),
    x: Fixed(256),
    y: Fixed(-1),
    pressure: 65535,
    distance: 1,
    tilt_x: Fixed(-2),
    tilt_y: Fixed(3),
    rotation: Fixed(4),
    slider: -65536,
    wheel: Fixed(-5),
    clicks: -6,
    time_ms: 7,
};

const MOTION: RelativeMotion = RelativeMotion {
    dx: Fixed(1),
    dy: Fixed(2),
    dx_unaccelerated: Fixed(3),
    dy_unaccelerated: Fixed(4),
    time_us: 1 << 33,
};

#[test]
fn input_goes_to_windows_that_exist() {
    let mut daemon = with_window();
    for window in [W, WindowId(6)] {
        let exists = window == W;
        assert_eq!(daemon.conn.scroll(window, SCROLL), exists);
        assert_eq!(daemon.conn.gesture(window, gesture()), exists);
        assert_eq!(daemon.conn.touch(window, TOUCH), exists);
        assert_eq!(daemon.conn.tablet(window, TOOL), exists);
        assert_eq!(daemon.conn.relative_motion(window, MOTION), exists);
        assert_eq!(daemon.conn.pointer_constrained(window, PointerConstraint::Lock), exists);
    }
    let (x, y) = (Fixed(256), Fixed(-1));
    let expected = [
        DaemonMessage::Scroll {
            horizontal: Fixed(-256),
            vertical: Fixed(2560),
            v120_x: 0,
            v120_y: 120,
            source: 1,
            flags: 2,
            time_ms: 77,
        },
        DaemonMessage::Gesture {
            kind: 5,
            fingers: 2,
            dx: Fixed(1),
            dy: Fixed(-1),
            scale: Fixed(300),
            rotation: Fixed(-5),
            cancelled: 1,
            time_ms: 5,
        },
        DaemonMessage::Touch { kind: 3, id: 3, x, y, time_ms: 9 },
        tablet([5, 18, 9], [65535, 1], Tool { slider: -65535, ..TOOL }),
        DaemonMessage::RelativeMotion {
            dx: Fixed(1),
            dy: Fixed(2),
            dx_unaccelerated: Fixed(3),
            dy_unaccelerated: Fixed(4),
            time_us: 1 << 33,
        },
        DaemonMessage::PointerConstrained { kind: 1 },
    ];
    assert_eq!(daemon.heard(), expected.map(|message| (5, message)));
    // Wheels are no buttons.
    for (button, told) in [(3, 1), (4, 0), (7, 0), (8, 1)] {
        daemon.conn.button(W, ButtonInput { pressed: true, x: 0, y: 0, state: 0, button });
        assert_eq!(daemon.heard().len(), told);
    }
}

fn output(id: u32) -> Output {
    let scale = Scale::new(180).unwrap();
    Output {
        id,
        x: -100,
        y: 0,
        width: 1280,
        height: 720,
        mode_width: 1920,
        mode_height: 1080,
        refresh_mhz: 60000,
        scale,
    }
}

#[test]
fn the_desktop_is_told_within_limits() {
    let mut daemon = with_window();
    daemon.conn.outputs(&[output(1), output(2)]);
    let words = |id| [id, -100i32 as u32, 0, 1280, 720, 1920, 1080, 60000, 180];
    assert_eq!(daemon.heard(), [(0, DaemonMessage::Outputs { outputs: vec![words(1), words(2)] })]);
    daemon.conn.outputs(&(0..17).map(output).collect::<Vec<_>>());
    let heard = daemon.heard();
    assert!(matches!(&heard[..], [(0, DaemonMessage::Outputs { outputs })] if outputs.len() == 16));
    let most = "k".repeat(MAX_KEYMAP as usize);
    assert!(
        daemon.conn.keymap(&most) && !daemon.conn.keymap(&format!("{most}k")) && !daemon.conn.keymap("\0")
    );
    assert!(daemon.conn.modifiers(Modifiers { depressed: 1, latched: 2, locked: 4, group: 3 }));
    let heard = daemon.heard();
    let modifiers = DaemonMessage::Modifiers { depressed: 1, latched: 2, locked: 4, group: 3 };
    assert!(matches!(&heard[0], (0, DaemonMessage::Keymap { text }) if text.0 == most.as_bytes()));
    assert_eq!(heard[1..], [(0, modifiers)]);
}

#[test]
fn before_level_1_nothing_of_it_is_sent() {
    let mut daemon = Daemon::new();
    daemon.say(5, create(0, 0, 1, 1)).unwrap();
    daemon.conn.outputs(&[output(1)]);
    assert!(!daemon.conn.keymap("keymap") && !daemon.conn.modifiers(Modifiers::default()));
    assert!(!daemon.conn.run(1, &["x"]) && !daemon.conn.sync(1) && daemon.conn.pending_sync().is_none());
    assert!(
        !daemon.conn.scroll(W, SCROLL) && !daemon.conn.touch(W, TOUCH) && !daemon.conn.gesture(W, gesture())
    );
    assert!(!daemon.conn.relative_motion(W, MOTION) && !daemon.conn.tablet(W, TOOL));
    assert!(!daemon.conn.pointer_constrained(W, PointerConstraint::None));
    daemon.conn.sync_done(1);
    daemon.conn.frame_done(W, 1);
    daemon.conn.release(W, gui_protocol::BufferId(0));
    daemon.conn.buffer_removed(W, gui_protocol::BufferId(0));
    assert_eq!(daemon.heard(), []);
    assert!(matches!(daemon.say(5, popup(5, 1)), Err(Violation::UnknownType { kind: 0x1007, .. })));
}

//! What two real peers said to each other, said again with one of ours in the place of each.
//!
//! The log's agent announces each change at once, so ours does too; where it repeats itself (a CONFIGURE with the
//! geometry in force, a second UNMAP), ours says nothing. Its daemon passes on grabs and the detail of crossings,
//! which ours does not have.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;
#[path = "common/log.rs"]
mod log;

use std::collections::{BTreeMap, VecDeque};

use common::*;
use gui_protocol::message::{AgentMessage, DaemonMessage};
use gui_protocol::{
    AgentEvent, ButtonInput, CrossingInput, CursorLook, DaemonEvent, KeyInput, Rect, SizeHints, WindowFlags,
    WindowId,
};
use log::{Line, log};

/// The real agent's words into our end, which says the real daemon's when told to do what that did.
#[test]
fn our_daemon_understands_the_real_agent_and_speaks_like_the_real_daemon() {
    let mut daemon = Daemon::new();
    let mut keys = None;
    let mut events = Vec::new();
    for line in log() {
        let (window, message) = match line {
            Line::Agent(window, message) => {
                events.extend(daemon.say(window, message).expect("a real agent breaks no rule"));
                assert_eq!(daemon.heard(), []);
                continue;
            }
            Line::Daemon(_, DaemonMessage::KeymapNotify { keys: now }) => {
                keys = Some(now);
                continue;
            }
            Line::Daemon(window, message) => (window, message),
        };
        let keymap = keys.take();
        let mut expected: Vec<_> =
            keymap.map(|keys| (0, DaemonMessage::KeymapNotify { keys })).into_iter().collect();
        expected.push((window, message.clone()));
        let keys = keymap.unwrap_or_default();
        let (conn, window) = (&mut daemon.conn, WindowId(window));
        match message {
            DaemonMessage::Crossing { mode: 1.., .. } => continue,
            DaemonMessage::Configure { x, y, width, height, .. } => {
                conn.configure(window, Rect { x, y, width, height })
            }
            DaemonMessage::WindowDumpAck {} => conn.buffer_done(window),
            DaemonMessage::Crossing { kind, x, y, state, focus, .. } => {
                conn.crossing(
                    window,
                    CrossingInput { entered: kind == 7, x, y, state, focus: focus == 1 },
                    &keys,
                );
            }
            DaemonMessage::Focus { kind, .. } => conn.focus(window, kind == 9, &keys),
            DaemonMessage::Motion { x, y, state, .. } => conn.motion(window, x, y, state),
            DaemonMessage::Keypress { kind, x, y, state, keycode } => {
                conn.key(window, KeyInput { pressed: kind == 2, x, y, state, keycode });
            }
            DaemonMessage::Button { kind, x, y, state, button } => {
                conn.button(window, ButtonInput { pressed: kind == 4, x, y, state, button });
            }
            DaemonMessage::WindowFlags { set, unset } => {
                let [set, unset] = [set, unset].map(WindowFlags::from_bits_retain);
                conn.flags(window, set, unset);
            }
            DaemonMessage::ClipboardReq {} => conn.request_clipboard(window),
            other => panic!("{other:?}"),
        }
        assert_eq!(daemon.heard(), expected);
    }
    let count = |wanted: fn(&DaemonEvent) -> bool| events.iter().filter(|event| wanted(event)).count();
    assert_eq!(count(|event| matches!(event, DaemonEvent::Created { .. })), 4);
    assert_eq!(count(|event| matches!(event, DaemonEvent::Mapped { .. })), 3);
    assert_eq!(count(|event| matches!(event, DaemonEvent::Unmapped { .. })), 1);
    assert_eq!(count(|event| matches!(event, DaemonEvent::ConfigureRequested { .. })), 4);
    assert_eq!(count(|event| matches!(event, DaemonEvent::ConfigureAcked { .. })), 9);
    assert!(events.contains(&DaemonEvent::Clipboard { data: b"from-vm".to_vec() }));
    let title =
        |event: &DaemonEvent| matches!(event, DaemonEvent::Title { title, .. } if title == "title żółć");
    assert!(events.iter().any(title));
}

/// The real daemon's words into our end, which says the real agent's when told to do what that did.
#[test]
fn our_agent_understands_the_real_daemon_and_speaks_like_the_real_agent() {
    let lines = log();
    // The log starts with a reconnect: the agent announces a window that is there already.
    let announced = lines.iter().take_while(|line| matches!(line, Line::Agent(..))).count();
    let mut agent = Agent::down(8);
    let mut buffers = 0;
    let mut expected = Vec::new();
    for line in &lines[..announced] {
        let Line::Agent(window, message) = line else { unreachable!() };
        act(&mut agent, *window, message, &mut buffers);
        expected.push((*window, message.clone()));
    }
    agent.connect();
    assert_eq!(agent.heard(), expected);

    let mut mapped = BTreeMap::from([(0x40_000c, true)]);
    let mut echoes = VecDeque::new();
    let mut events = Vec::new();
    for line in &lines[announced..] {
        match line {
            Line::Daemon(window, message) => {
                events.extend(agent.say(*window, message.clone()).expect("a real daemon breaks no rule"));
                echoes.extend(agent.heard());
            }
            // The answers: ours come at once, the real agent's when its X server has obeyed.
            Line::Agent(window, message) if echoes.front() == Some(&(*window, message.clone())) => {
                echoes.pop_front();
            }
            Line::Agent(window, message) => {
                let repeats = match message {
                    AgentMessage::Configure { x, y, width, height, .. } => {
                        agent.conn.geometry(WindowId(*window)) == Some(Rect::new(*x, *y, *width, *height))
                    }
                    AgentMessage::Unmap {} => mapped.insert(*window, false) == Some(false),
                    AgentMessage::Map { .. } => mapped.insert(*window, true) == Some(true),
                    _ => false,
                };
                // The answer to a clipboard request names no window.
                let window_said =
                    if matches!(message, AgentMessage::ClipboardData { .. }) { 0 } else { *window };
                act(&mut agent, *window, message, &mut buffers);
                let expected = (!repeats).then(|| (window_said, message.clone()));
                assert_eq!(agent.heard(), Vec::from_iter(expected));
                events.extend(agent.events());
            }
        }
    }
    assert_eq!(echoes, []);
    // Every buffer but the two in use has come back, and none twice.
    let mut released: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            AgentEvent::BufferRemoved { serial, .. } => Some(*serial),
            _ => None,
        })
        .collect();
    let all = released.len();
    released.sort_unstable();
    released.dedup();
    assert_eq!((released.len(), all), (buffers - 2, buffers - 2));
    assert!(events.contains(&AgentEvent::ClipboardRequested { window: WindowId(0x60_000c) }));
}

/// Does what made the real agent send this.
fn act(agent: &mut Agent, window: u32, message: &AgentMessage, buffers: &mut usize) {
    let window = WindowId(window);
    let text = |field: &[u8]| {
        let end = field.iter().position(|byte| *byte == 0).unwrap();
        String::from_utf8(field[..end].to_vec()).unwrap()
    };
    let conn = &mut agent.conn;
    match message.clone() {
        AgentMessage::Create { x, y, width, height, parent, override_redirect } => {
            conn.create(window, Rect { x, y, width, height }, Some(parent), override_redirect == 1).unwrap();
        }
        AgentMessage::Configure { x, y, width, height, .. } => {
            conn.request_configure(window, Rect { x, y, width, height });
        }
        AgentMessage::Map { transient_for, .. } => conn.map(window, Some(transient_for)),
        AgentMessage::Unmap {} => agent.unmap(window),
        AgentMessage::ShmImage { x, y, width, height } => agent.damage(window, Rect { x, y, width, height }),
        AgentMessage::WindowDump { width, height, refs, .. } => {
            agent.buffer(window, width, height, refs);
            *buffers += 1;
        }
        AgentMessage::WmClass { class, name } => conn.class(window, &text(&class), &text(&name)),
        AgentMessage::WmName { title } => conn.title(window, &text(&title)),
        AgentMessage::WindowFlags { set, unset } => {
            let [set, unset] = [set, unset].map(WindowFlags::from_bits_retain);
            conn.flags(window, set, unset);
        }
        AgentMessage::Cursor { cursor } => {
            let look = |shape: &CursorLook| shape.nearest_glyph().to_wire() == cursor;
            conn.cursor(window, (1..=36).map(CursorLook::Shape).find(look).unwrap());
        }
        AgentMessage::ClipboardData { data } => conn.clipboard(&data),
        AgentMessage::WindowHints {
            flags,
            min_width,
            min_height,
            max_width,
            max_height,
            width_increment,
            height_increment,
            base_width,
            base_height,
        } => {
            let pair = |bit: u32, width, height| (flags & bit != 0).then_some((width, height));
            let hints = SizeHints {
                user_position: flags & 1 != 0,
                program_position: flags & 4 != 0,
                min: pair(16, min_width, min_height),
                max: pair(32, max_width, max_height),
                increment: pair(64, width_increment, height_increment),
                base: pair(256, base_width, base_height),
            };
            conn.hints(window, hints);
        }
        other => panic!("{other:?}"),
    }
}

//! Graphics tablets: what goes over the wire and what does not.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::*;
use gui_protocol::{AgentEvent, Fixed, Rect, Tool, ToolAxes, ToolKind, ToolState, Violation, WindowId};

const W: WindowId = WindowId(5);

const LENS: Tool = Tool {
    kind: ToolKind::Lens,
    axes: ToolAxes::all(),
    state: ToolState::all(),
    x: Fixed(1),
    y: Fixed(-2),
    pressure: 65535,
    distance: 65535,
    tilt_x: Fixed(-3),
    tilt_y: Fixed(4),
    rotation: Fixed(5),
    slider: -65535,
    wheel: Fixed(6),
    clicks: -7,
    time_ms: 8,
};

const PEN: Tool = Tool {
    kind: ToolKind::Pen,
    axes: ToolAxes::empty(),
    state: ToolState::empty(),
    pressure: 0,
    distance: 0,
    slider: 65535,
    ..LENS
};

fn with_window(minor: u16) -> Agent {
    let mut agent = Agent::with(minor);
    agent.conn.create(W, Rect::new(10, 20, 8, 8), None, false).unwrap();
    agent.heard();
    agent
}

#[test]
fn a_tool_comes_as_types_within_its_limits() {
    let mut agent = with_window(LEVEL_1);
    let mut hear = |message| agent.say(5, message).unwrap();
    for (message, tool) in [
        (tablet([7, u32::MAX, u32::MAX], [65535; 2], LENS), LENS),
        (tablet([7, 63, 1023], [65535; 2], Tool { slider: i32::MIN, ..LENS }), LENS),
        (tablet([1, 0, 0], [0; 2], Tool { slider: 65536, ..PEN }), PEN),
    ] {
        assert_eq!(hear(message), [AgentEvent::Tablet { window: W, tool }]);
    }
    for (wrong, named) in [
        (tablet([0, 0, 1], [0; 2], PEN), "kind"),
        (tablet([8, 0, 1], [0; 2], PEN), "kind"),
        (tablet([1, 0, 1], [65536, 0], PEN), "pressure"),
        (tablet([1, 0, 1], [0, 65536], PEN), "distance"),
    ] {
        let violation = with_window(LEVEL_1).say(5, wrong).unwrap_err();
        assert!(
            matches!(&violation, Violation::Field { message: "TABLET", field, .. } if *field == named),
            "{violation}"
        );
    }
}

#[test]
fn before_level_1_there_are_no_tablets() {
    let message = tablet([1, 0, 1], [0; 2], PEN);
    assert_eq!(with_window(8).say(5, message).unwrap(), []);
}

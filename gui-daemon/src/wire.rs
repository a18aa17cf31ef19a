//! Input as it goes to the agents that know more than X11 did.

use gui_protocol::{Fixed, GestureKind, Scroll, ScrollFlags, ScrollSource, limits::FULL_AXIS};
use smithay::{
    backend::input::{AxisRelativeDirection, AxisSource},
    input::pointer::AxisFrame,
};

use crate::{backend::Tool, shell::geom::Point};

/// The nearest number of the wire's, which counts in 256ths.
pub fn fixed(value: f64) -> Fixed {
    // The conversion saturates, and what is no number becomes 0.
    Fixed((value * 256.0).round() as i32)
}

/// A tool of a tablet over a window whose content begins at `origin`.
pub fn tool(tool: &Tool, origin: Point, time_ms: u32) -> gui_protocol::Tool {
    // The conversions saturate, and what is no number becomes 0.
    let full = |value: f64| (value * f64::from(FULL_AXIS)).round();
    gui_protocol::Tool {
        kind: tool.kind,
        axes: tool.axes,
        state: tool.state,
        x: fixed(tool.x - f64::from(origin.x)),
        y: fixed(tool.y - f64::from(origin.y)),
        pressure: full(tool.pressure) as u16,
        distance: full(tool.distance) as u16,
        tilt_x: fixed(tool.tilt_x),
        tilt_y: fixed(tool.tilt_y),
        rotation: fixed(tool.rotation),
        slider: full(tool.slider) as i32,
        wheel: fixed(tool.wheel),
        clicks: tool.clicks,
        time_ms,
    }
}

/// A scroll event.
pub fn scroll(frame: &AxisFrame) -> Scroll {
    let (v120_x, v120_y) = frame.v120.unwrap_or_default();
    let inverted = |direction| direction == AxisRelativeDirection::Inverted;
    let mut flags = ScrollFlags::empty();
    flags.set(ScrollFlags::STOP_HORIZONTAL, frame.stop.0);
    flags.set(ScrollFlags::STOP_VERTICAL, frame.stop.1);
    flags.set(ScrollFlags::INVERTED_HORIZONTAL, inverted(frame.relative_direction.0));
    flags.set(ScrollFlags::INVERTED_VERTICAL, inverted(frame.relative_direction.1));
    Scroll {
        horizontal: fixed(frame.axis.0),
        vertical: fixed(frame.axis.1),
        v120_x,
        v120_y,
        source: match frame.source {
            Some(AxisSource::Wheel) => ScrollSource::Wheel,
            Some(AxisSource::Finger) => ScrollSource::Finger,
            Some(AxisSource::WheelTilt) => ScrollSource::WheelTilt,
            Some(AxisSource::Continuous) | None => ScrollSource::Continuous,
        },
        flags,
        time_ms: frame.time,
    }
}

/// A gesture in which nothing moves.
pub fn gesture(kind: GestureKind, fingers: u32, time_ms: u32) -> gui_protocol::Gesture {
    gui_protocol::Gesture {
        kind,
        fingers,
        dx: fixed(0.0),
        dy: fixed(0.0),
        scale: fixed(1.0),
        rotation: fixed(0.0),
        cancelled: false,
        time_ms,
    }
}

#[cfg(test)]
mod tests {
    use smithay::backend::input::Axis;

    use super::*;

    #[test]
    fn numbers_count_in_256ths_and_stay_numbers() {
        let numbers = [1.0, -0.5, 1e300, -1e300, f64::NAN].map(|value| fixed(value).0);
        assert_eq!(numbers, [256, -128, i32::MAX, i32::MIN, 0]);
    }

    #[test]
    fn a_scroll_keeps_what_a_device_tells() {
        let frame = AxisFrame::new(7)
            .source(AxisSource::Finger)
            .value(Axis::Vertical, -2.5)
            .stop(Axis::Horizontal)
            .relative_direction(Axis::Vertical, AxisRelativeDirection::Inverted);
        let scroll = scroll(&frame);
        assert_eq!((scroll.horizontal, scroll.vertical), (Fixed(0), Fixed(-640)));
        assert_eq!((scroll.v120_x, scroll.v120_y, scroll.time_ms), (0, 0, 7));
        assert_eq!(scroll.source, ScrollSource::Finger);
        assert_eq!(scroll.flags, ScrollFlags::STOP_HORIZONTAL | ScrollFlags::INVERTED_VERTICAL);
    }
}

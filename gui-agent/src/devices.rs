//! Scrolling, gestures, touch and relative motion, which the base protocol does not have.

use gui_protocol::{
    Fixed, Gesture, GestureKind, RelativeMotion, Scroll, ScrollFlags, ScrollSource, Touch, TouchKind,
    WindowId,
};
use smithay::{
    backend::input::{Axis, AxisRelativeDirection, AxisSource, TouchSlot},
    input::{
        pointer::{
            AxisFrame, GestureHoldBeginEvent, GestureHoldEndEvent, GesturePinchBeginEvent,
            GesturePinchEndEvent, GesturePinchUpdateEvent, GestureSwipeBeginEvent, GestureSwipeEndEvent,
            GestureSwipeUpdateEvent, RelativeMotionEvent,
        },
        touch::{DownEvent, MotionEvent, UpEvent},
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, SERIAL_COUNTER},
};

use crate::{drag::By, state::State};

/// The GUI domain's milliseconds in terms of this domain's, so that a client can compare all its events.
#[derive(Debug, Default)]
pub(crate) struct ForeignClock {
    /// How far it is behind, as far as known.
    behind: Option<u32>,
}

impl ForeignClock {
    /// What time it was here when it was `time` there. Never later than `now`.
    fn local(&mut self, time: u32, now: u32) -> u32 {
        let behind = now.wrapping_sub(time);
        // what came fastest tells best; the rest is delay
        let least = self.behind.filter(|least| behind.wrapping_sub(*least) <= u32::MAX / 2).unwrap_or(behind);
        self.behind = Some(least);
        time.wrapping_add(least)
    }
}

/// What touches.
#[derive(Debug)]
pub(crate) struct Finger {
    /// Where on the screen.
    location: Point<f64, Logical>,
    /// What it was put down on.
    surface: Option<WlSurface>,
}

pub(crate) fn float(number: Fixed) -> f64 {
    f64::from(number.0) / 256.0
}

pub(crate) fn vector(x: Fixed, y: Fixed) -> Point<f64, Logical> {
    (float(x), float(y)).into()
}

impl State {
    pub(crate) fn local_time(&mut self, time_ms: u32) -> u32 {
        self.clock.local(time_ms, self.frames.millis())
    }

    pub(crate) fn scroll(&mut self, scroll: Scroll) {
        let Some(pointer) = self.seat.get_pointer() else { return };
        let mut frame = AxisFrame::new(self.local_time(scroll.time_ms)).source(match scroll.source {
            ScrollSource::Wheel => AxisSource::Wheel,
            ScrollSource::Finger => AxisSource::Finger,
            ScrollSource::Continuous => AxisSource::Continuous,
            ScrollSource::WheelTilt => AxisSource::WheelTilt,
        });
        let [across, down] = [
            (Axis::Horizontal, ScrollFlags::INVERTED_HORIZONTAL, ScrollFlags::STOP_HORIZONTAL),
            (Axis::Vertical, ScrollFlags::INVERTED_VERTICAL, ScrollFlags::STOP_VERTICAL),
        ];
        for ((axis, inverted, stop), value, steps) in
            [(across, scroll.horizontal, scroll.v120_x), (down, scroll.vertical, scroll.v120_y)]
        {
            frame = frame.value(axis, float(value));
            if steps != 0 {
                frame = frame.v120(axis, steps);
            }
            if scroll.flags.contains(inverted) {
                frame = frame.relative_direction(axis, AxisRelativeDirection::Inverted);
            }
            if scroll.flags.contains(stop) {
                frame = frame.stop(axis);
            }
        }
        pointer.axis(self, frame);
        pointer.frame(self);
    }

    pub(crate) fn relative_motion(&mut self, motion: RelativeMotion) {
        let Some(pointer) = self.seat.get_pointer() else { return };
        let event = RelativeMotionEvent {
            delta: vector(motion.dx, motion.dy),
            delta_unaccel: vector(motion.dx_unaccelerated, motion.dy_unaccelerated),
            utime: motion.time_us,
        };
        pointer.relative_motion(self, self.under_pointer.clone(), &event);
        pointer.frame(self);
    }

    pub(crate) fn gesture(&mut self, gesture: Gesture) {
        let Some(pointer) = self.seat.get_pointer() else { return };
        let (serial, time) = (SERIAL_COUNTER.next_serial(), self.local_time(gesture.time_ms));
        let (fingers, cancelled) = (gesture.fingers, gesture.cancelled);
        let delta = vector(gesture.dx, gesture.dy);
        match gesture.kind {
            GestureKind::SwipeBegin => {
                pointer.gesture_swipe_begin(self, &GestureSwipeBeginEvent { serial, time, fingers });
            }
            GestureKind::SwipeUpdate => {
                pointer.gesture_swipe_update(self, &GestureSwipeUpdateEvent { time, delta });
            }
            GestureKind::SwipeEnd => {
                pointer.gesture_swipe_end(self, &GestureSwipeEndEvent { serial, time, cancelled });
            }
            GestureKind::PinchBegin => {
                pointer.gesture_pinch_begin(self, &GesturePinchBeginEvent { serial, time, fingers });
            }
            GestureKind::PinchUpdate => {
                let (scale, rotation) = (float(gesture.scale), float(gesture.rotation));
                let event = GesturePinchUpdateEvent { time, delta, scale, rotation };
                pointer.gesture_pinch_update(self, &event);
            }
            GestureKind::PinchEnd => {
                pointer.gesture_pinch_end(self, &GesturePinchEndEvent { serial, time, cancelled });
            }
            GestureKind::HoldBegin => {
                pointer.gesture_hold_begin(self, &GestureHoldBeginEvent { serial, time, fingers });
            }
            GestureKind::HoldEnd => {
                pointer.gesture_hold_end(self, &GestureHoldEndEvent { serial, time, cancelled });
            }
        }
    }

    pub(crate) fn touch(&mut self, id: WindowId, touch: Touch) {
        let Some(handle) = self.seat.get_touch() else { return };
        let (serial, time) = (SERIAL_COUNTER.next_serial(), self.local_time(touch.time_ms));
        let slot = TouchSlot::from(Some(touch.id));
        let location = self.on_screen(id, vector(touch.x, touch.y));
        match touch.kind {
            TouchKind::Down => {
                let under = self.under(id, location);
                let surface = under.as_ref().map(|(surface, _)| surface.clone());
                self.fingers.insert(touch.id, Finger { location, surface });
                handle.down(self, under, &DownEvent { slot, location, serial, time });
            }
            TouchKind::Motion => {
                let under = self.under_or_dragged_over(id, location);
                if let Some(finger) = self.fingers.get_mut(&touch.id) {
                    finger.location = location;
                    match self.dragged_by() == Some(By::Finger(slot)) {
                        true => self.drag_over(under, location),
                        false => handle.motion(self, under, &MotionEvent { slot, location, time }),
                    }
                }
            }
            TouchKind::Up => {
                if self.fingers.remove(&touch.id).is_some() {
                    match self.dragged_by() == Some(By::Finger(slot)) {
                        true => self.drop_dragged(),
                        false => handle.up(self, &UpEvent { slot, serial, time }),
                    }
                }
            }
            TouchKind::Frame => handle.frame(self),
            TouchKind::Cancel => self.cancel_touch(),
        }
    }

    /// All that touches is none of the clients' business any more.
    pub(crate) fn cancel_touch(&mut self) {
        if matches!(self.dragged_by(), Some(By::Finger(_))) {
            self.cancel_drag();
        }
        let fingers = std::mem::take(&mut self.fingers);
        let Some(handle) = self.seat.get_touch() else { return };
        let time = self.frames.millis();
        for (id, Finger { location, .. }) in fingers {
            // smithay tells only of those to whom something happened since the last frame
            let slot = TouchSlot::from(Some(id));
            handle.motion(self, None, &MotionEvent { slot, location, time });
        }
        handle.cancel(self);
    }

    /// A surface is gone. What touched it does not any more.
    pub(crate) fn lift_fingers(&mut self, surface: &WlSurface) {
        let Some(handle) = self.seat.get_touch() else { return };
        let time = self.frames.millis();
        let lifted: Vec<u32> = self
            .fingers
            .iter()
            .filter(|(_, finger)| finger.surface.as_ref() == Some(surface))
            .map(|(id, _)| *id)
            .collect();
        for id in &lifted {
            self.fingers.remove(id);
            let (slot, serial) = (TouchSlot::from(Some(*id)), SERIAL_COUNTER.next_serial());
            handle.up(self, &UpEvent { slot, serial, time });
        }
        if !lifted.is_empty() {
            handle.frame(self);
        }
    }

    /// A daemon that knows touch screens is there, or one that does not.
    pub(crate) fn offer_touch(&mut self, offered: bool) {
        match (offered, self.seat.get_touch()) {
            (true, None) => drop(self.seat.add_touch()),
            (false, Some(_)) => self.seat.remove_touch(),
            (true, Some(_)) | (false, None) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_brought_to_our_own_clock() {
        let mut clock = ForeignClock::default();
        // the first took 50 ms longer than the second
        assert_eq!(clock.local(1000, 5050), 5050);
        assert_eq!(clock.local(1010, 5010), 5010);
        assert_eq!(clock.local(1020, 5050), 5020);
        // past the end of the numbers
        let mut clock = ForeignClock::default();
        assert_eq!(clock.local(u32::MAX - 5, 10), 10);
        assert_eq!(clock.local(4, 25), 20);
    }
}

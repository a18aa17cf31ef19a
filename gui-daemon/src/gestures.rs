//! Gestures on a touch pad, and motion that is not the pointer's: both go to the window the pointer is in.

use smithay::{
    input::pointer::{
        GestureHoldBeginEvent, GestureHoldEndEvent, GesturePinchBeginEvent, GesturePinchEndEvent,
        GesturePinchUpdateEvent, GestureSwipeBeginEvent, GestureSwipeEndEvent, GestureSwipeUpdateEvent,
        RelativeMotionEvent,
    },
    utils::SERIAL_COUNTER,
};

use crate::{backend::Gesture, shell::Hit, state::State};

impl State {
    pub(crate) fn gesture(&mut self, gesture: Gesture, time: u32) {
        let Some(pointer) = self.seat.get_pointer() else { return };
        let serial = SERIAL_COUNTER.next_serial();
        match gesture {
            Gesture::SwipeBegin { fingers } => {
                pointer.gesture_swipe_begin(self, &GestureSwipeBeginEvent { serial, time, fingers });
            }
            Gesture::SwipeUpdate { dx, dy } => {
                let delta = (dx, dy).into();
                pointer.gesture_swipe_update(self, &GestureSwipeUpdateEvent { time, delta });
            }
            Gesture::SwipeEnd { cancelled } => {
                pointer.gesture_swipe_end(self, &GestureSwipeEndEvent { serial, time, cancelled });
            }
            Gesture::PinchBegin { fingers } => {
                pointer.gesture_pinch_begin(self, &GesturePinchBeginEvent { serial, time, fingers });
            }
            Gesture::PinchUpdate { dx, dy, scale, rotation } => {
                let event = GesturePinchUpdateEvent { time, delta: (dx, dy).into(), scale, rotation };
                pointer.gesture_pinch_update(self, &event);
            }
            Gesture::PinchEnd { cancelled } => {
                pointer.gesture_pinch_end(self, &GesturePinchEndEvent { serial, time, cancelled });
            }
            Gesture::HoldBegin { fingers } => {
                pointer.gesture_hold_begin(self, &GestureHoldBeginEvent { serial, time, fingers });
            }
            Gesture::HoldEnd { cancelled } => {
                pointer.gesture_hold_end(self, &GestureHoldEndEvent { serial, time, cancelled });
            }
        }
    }

    pub(crate) fn relative_motion(&mut self, event: &RelativeMotionEvent) {
        let focus = match self.shell.hit(self.pointer_position()) {
            Hit::Content { id, .. } if self.shell.grabbed().is_none() => {
                self.target_under(id, self.pointer.at)
            }
            _ => None,
        };
        let Some(pointer) = self.seat.get_pointer() else { return };
        pointer.relative_motion(self, focus, event);
        pointer.frame(self);
    }
}

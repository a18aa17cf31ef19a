//! Where input goes: to a window of an AppVM through its link, or to a surface of one of dom0's own clients.
//!
//! Invariant: an event is delivered to exactly one target. A target of a domain carries the shell's id of the window it
//! stands for, which is never reused, so a late event can at worst be dropped, never reach another domain's window.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use gui_protocol::{
    ButtonInput, CrossingInput, Gesture, GestureKind, KeyInput, PointerNeeds, RelativeMotion, WindowId,
};
use smithay::{
    backend::input::{ButtonState, KeyState},
    input::{
        Seat,
        keyboard::{KeyboardTarget, KeysymHandle, ModifiersState},
        pointer::{
            AxisFrame, ButtonEvent, GestureHoldBeginEvent, GestureHoldEndEvent, GesturePinchBeginEvent,
            GesturePinchEndEvent, GesturePinchUpdateEvent, GestureSwipeBeginEvent, GestureSwipeEndEvent,
            GestureSwipeUpdateEvent, MotionEvent, PointerTarget, RelativeMotionEvent,
        },
    },
    reexports::wayland_server::{Resource, backend::ObjectId, protocol::wl_surface::WlSurface},
    utils::{IsAlive, Serial},
    wayland::seat::WaylandFocus,
};
use std::borrow::Cow;

use crate::{
    domain::DomainId,
    input::{self, KeyMap},
    shell,
    state::State,
    wire,
};

/// A window of an AppVM as an input target.
#[derive(Debug, Clone)]
pub struct GuestTarget {
    /// The domain the window belongs to.
    pub domain: DomainId,
    /// The window's id on that domain's link.
    pub window: WindowId,
    /// The window's id in the shell.
    pub id: shell::Id,
    /// Cleared when the window goes.
    pub alive: Arc<AtomicBool>,
}

impl PartialEq for GuestTarget {
    fn eq(&self, other: &Self) -> bool {
        self.id == other.id
    }
}

/// Where keys, or the pointer's events, go.
#[derive(Debug, Clone, PartialEq)]
pub enum Focus {
    /// A window of an AppVM.
    Guest(GuestTarget),
    /// A surface of one of dom0's own clients.
    Surface(WlSurface),
}

impl IsAlive for Focus {
    fn alive(&self) -> bool {
        match self {
            Focus::Guest(guest) => guest.alive.load(Ordering::Relaxed),
            Focus::Surface(surface) => surface.alive(),
        }
    }
}

impl WaylandFocus for Focus {
    fn wl_surface(&self) -> Option<Cow<'_, WlSurface>> {
        match self {
            Focus::Guest(_) => None,
            Focus::Surface(surface) => Some(Cow::Borrowed(surface)),
        }
    }

    fn same_client_as(&self, object_id: &ObjectId) -> bool {
        match self {
            Focus::Guest(_) => false,
            Focus::Surface(surface) => surface.id().same_client_as(object_id),
        }
    }
}

impl KeyboardTarget<State> for Focus {
    fn enter(&self, seat: &Seat<State>, data: &mut State, keys: Vec<KeysymHandle<'_>>, serial: Serial) {
        match self {
            Focus::Surface(surface) => KeyboardTarget::enter(surface, seat, data, keys, serial),
            Focus::Guest(guest) => {
                let held = KeyMap::from_held(keys.iter().map(|key| key.raw_code().raw()));
                data.tell_modifiers(guest.domain);
                data.with_link(guest.domain, |link| link.focus(guest.window, true, held.as_bytes()));
            }
        }
    }

    fn leave(&self, seat: &Seat<State>, data: &mut State, serial: Serial) {
        match self {
            Focus::Surface(surface) => KeyboardTarget::leave(surface, seat, data, serial),
            Focus::Guest(guest) => {
                data.key_repeat.stop(&data.loop_handle);
                let none = KeyMap::default();
                data.with_link(guest.domain, |link| link.focus(guest.window, false, none.as_bytes()));
            }
        }
    }

    fn key(
        &self,
        seat: &Seat<State>,
        data: &mut State,
        key: KeysymHandle<'_>,
        state: KeyState,
        serial: Serial,
        time: u32,
    ) {
        match self {
            Focus::Surface(surface) => KeyboardTarget::key(surface, seat, data, key, state, serial, time),
            Focus::Guest(guest) => {
                data.guest_key(guest, key.raw_code(), state == KeyState::Pressed);
            }
        }
    }

    fn modifiers(&self, seat: &Seat<State>, data: &mut State, modifiers: ModifiersState, serial: Serial) {
        data.x11_modifiers = input::x11_modifiers(&modifiers);
        data.keyboard.set_modifiers(&modifiers);
        match self {
            Focus::Surface(surface) => KeyboardTarget::modifiers(surface, seat, data, modifiers, serial),
            // One that cannot be told gets the mask with each of its events instead.
            Focus::Guest(guest) => data.tell_modifiers(guest.domain),
        }
    }
}

impl GuestTarget {
    /// A key with the state a peer of the base protocol expects: the modifiers as they were before this key.
    pub fn key_input(&self, data: &State, keycode: u32, pressed: bool) -> KeyInput {
        let at = data.pointer_in(self.id);
        KeyInput { pressed, x: at.x, y: at.y, state: data.x11_state(), keycode }
    }
}

impl PointerTarget<State> for Focus {
    fn enter(&self, seat: &Seat<State>, data: &mut State, event: &MotionEvent) {
        match self {
            Focus::Surface(surface) => PointerTarget::enter(surface, seat, data, event),
            Focus::Guest(guest) => crossing(guest, data, event, true),
        }
    }

    fn motion(&self, seat: &Seat<State>, data: &mut State, event: &MotionEvent) {
        match self {
            Focus::Surface(surface) => PointerTarget::motion(surface, seat, data, event),
            Focus::Guest(guest) => {
                let (x, y) = input::whole(event.location);
                let state = data.x11_state();
                data.with_link(guest.domain, |link| link.motion(guest.window, x, y, state));
            }
        }
    }

    fn relative_motion(&self, seat: &Seat<State>, data: &mut State, event: &RelativeMotionEvent) {
        match self {
            Focus::Surface(surface) => PointerTarget::relative_motion(surface, seat, data, event),
            Focus::Guest(guest) => data.tell_relative_motion(guest, event),
        }
    }

    fn button(&self, seat: &Seat<State>, data: &mut State, event: &ButtonEvent) {
        match self {
            Focus::Surface(surface) => PointerTarget::button(surface, seat, data, event),
            Focus::Guest(guest) => {
                if let Some(button) = input::x11_button(event.button) {
                    guest_button(guest, data, button, event.state == ButtonState::Pressed);
                }
            }
        }
    }

    fn axis(&self, seat: &Seat<State>, data: &mut State, frame: AxisFrame) {
        match self {
            Focus::Surface(surface) => PointerTarget::axis(surface, seat, data, frame),
            Focus::Guest(guest) => {
                if data.is_extended(guest.domain) {
                    data.with_link(guest.domain, |link| {
                        link.scroll(guest.window, wire::scroll(&frame));
                    });
                    return;
                }
                // The base protocol knows a wheel only as buttons 4 to 7, pressed and released once a step.
                for button in data.wheel.x11_clicks(&frame) {
                    guest_button(guest, data, button, true);
                    guest_button(guest, data, button, false);
                }
            }
        }
    }

    fn frame(&self, seat: &Seat<State>, data: &mut State) {
        if let Focus::Surface(surface) = self {
            PointerTarget::frame(surface, seat, data);
        }
    }

    fn leave(&self, seat: &Seat<State>, data: &mut State, serial: Serial, time: u32) {
        match self {
            Focus::Surface(surface) => PointerTarget::leave(surface, seat, data, serial, time),
            Focus::Guest(guest) => {
                let at = data.pointer_in(guest.id);
                let input = CrossingInput {
                    entered: false,
                    x: at.x,
                    y: at.y,
                    state: data.x11_state(),
                    focus: data.has_keyboard_focus(guest.id),
                };
                data.with_link(guest.domain, |link| {
                    link.crossing(guest.window, input, KeyMap::default().as_bytes())
                });
            }
        }
    }

    fn gesture_swipe_begin(&self, seat: &Seat<State>, data: &mut State, event: &GestureSwipeBeginEvent) {
        match self {
            Focus::Surface(surface) => PointerTarget::gesture_swipe_begin(surface, seat, data, event),
            Focus::Guest(guest) => {
                data.tell_gesture(guest, wire::gesture(GestureKind::SwipeBegin, event.fingers, event.time))
            }
        }
    }

    fn gesture_swipe_update(&self, seat: &Seat<State>, data: &mut State, event: &GestureSwipeUpdateEvent) {
        match self {
            Focus::Surface(surface) => PointerTarget::gesture_swipe_update(surface, seat, data, event),
            Focus::Guest(guest) => {
                let (dx, dy) = (wire::fixed(event.delta.x), wire::fixed(event.delta.y));
                let still = wire::gesture(GestureKind::SwipeUpdate, 0, event.time);
                data.tell_gesture(guest, Gesture { dx, dy, ..still });
            }
        }
    }

    fn gesture_swipe_end(&self, seat: &Seat<State>, data: &mut State, event: &GestureSwipeEndEvent) {
        match self {
            Focus::Surface(surface) => PointerTarget::gesture_swipe_end(surface, seat, data, event),
            Focus::Guest(guest) => {
                let over = wire::gesture(GestureKind::SwipeEnd, 0, event.time);
                data.tell_gesture(guest, Gesture { cancelled: event.cancelled, ..over });
            }
        }
    }

    fn gesture_pinch_begin(&self, seat: &Seat<State>, data: &mut State, event: &GesturePinchBeginEvent) {
        match self {
            Focus::Surface(surface) => PointerTarget::gesture_pinch_begin(surface, seat, data, event),
            Focus::Guest(guest) => {
                data.tell_gesture(guest, wire::gesture(GestureKind::PinchBegin, event.fingers, event.time))
            }
        }
    }

    fn gesture_pinch_update(&self, seat: &Seat<State>, data: &mut State, event: &GesturePinchUpdateEvent) {
        match self {
            Focus::Surface(surface) => PointerTarget::gesture_pinch_update(surface, seat, data, event),
            Focus::Guest(guest) => {
                let (dx, dy) = (wire::fixed(event.delta.x), wire::fixed(event.delta.y));
                let (scale, rotation) = (wire::fixed(event.scale), wire::fixed(event.rotation));
                let still = wire::gesture(GestureKind::PinchUpdate, 0, event.time);
                data.tell_gesture(guest, Gesture { dx, dy, scale, rotation, ..still });
            }
        }
    }

    fn gesture_pinch_end(&self, seat: &Seat<State>, data: &mut State, event: &GesturePinchEndEvent) {
        match self {
            Focus::Surface(surface) => PointerTarget::gesture_pinch_end(surface, seat, data, event),
            Focus::Guest(guest) => {
                let over = wire::gesture(GestureKind::PinchEnd, 0, event.time);
                data.tell_gesture(guest, Gesture { cancelled: event.cancelled, ..over });
            }
        }
    }

    fn gesture_hold_begin(&self, seat: &Seat<State>, data: &mut State, event: &GestureHoldBeginEvent) {
        match self {
            Focus::Surface(surface) => PointerTarget::gesture_hold_begin(surface, seat, data, event),
            Focus::Guest(guest) => {
                data.tell_gesture(guest, wire::gesture(GestureKind::HoldBegin, event.fingers, event.time))
            }
        }
    }

    fn gesture_hold_end(&self, seat: &Seat<State>, data: &mut State, event: &GestureHoldEndEvent) {
        match self {
            Focus::Surface(surface) => PointerTarget::gesture_hold_end(surface, seat, data, event),
            Focus::Guest(guest) => {
                let over = wire::gesture(GestureKind::HoldEnd, 0, event.time);
                data.tell_gesture(guest, Gesture { cancelled: event.cancelled, ..over });
            }
        }
    }
}

fn crossing(guest: &GuestTarget, data: &mut State, event: &MotionEvent, entered: bool) {
    let (x, y) = input::whole(event.location);
    let keys = data.held_keys();
    let input =
        CrossingInput { entered, x, y, state: data.x11_state(), focus: data.has_keyboard_focus(guest.id) };
    data.with_link(guest.domain, |link| link.crossing(guest.window, input, keys.as_bytes()));
}

fn guest_button(guest: &GuestTarget, data: &mut State, button: u32, pressed: bool) {
    let at = data.pointer_in(guest.id);
    let input = ButtonInput { pressed, x: at.x, y: at.y, state: data.x11_state(), button };
    data.with_link(guest.domain, |link| link.button(guest.window, input));
}

impl State {
    fn tell_gesture(&mut self, guest: &GuestTarget, gesture: Gesture) {
        if self.needs(guest).contains(PointerNeeds::GESTURES) {
            self.with_link(guest.domain, |link| {
                link.gesture(guest.window, gesture);
            });
        }
    }

    /// An AppVM learns how the device moves only if it may: it tells more of the user than where the pointer goes.
    fn tell_relative_motion(&mut self, guest: &GuestTarget, event: &RelativeMotionEvent) {
        if self.may_hold_pointer(guest) && self.needs(guest).contains(PointerNeeds::RELATIVE_MOTION) {
            let motion = RelativeMotion {
                dx: wire::fixed(event.delta.x),
                dy: wire::fixed(event.delta.y),
                dx_unaccelerated: wire::fixed(event.delta_unaccel.x),
                dy_unaccelerated: wire::fixed(event.delta_unaccel.y),
                time_us: event.utime,
            };
            self.with_link(guest.domain, |link| {
                link.relative_motion(guest.window, motion);
            });
        }
    }

    /// What the window's client listens to.
    fn needs(&mut self, guest: &GuestTarget) -> PointerNeeds {
        self.windows.guest_mut(guest.id).map(|guest| guest.pointer_needs).unwrap_or_default()
    }
}

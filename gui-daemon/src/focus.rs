//! Where input goes: to a window of an AppVM through its link, or to a surface of one of dom0's own clients.
//!
//! Invariant: an event is delivered to exactly one target. A target of a domain carries the shell's id of the window it
//! stands for, which is never reused, so a late event can at worst be dropped, never reach another domain's window.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use gui_protocol::{ButtonInput, CrossingInput, KeyInput, WindowId};
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
        // A guest gets the mask with each of its events instead.
        data.x11_modifiers = input::x11_modifiers(&modifiers);
        if let Focus::Surface(surface) = self {
            KeyboardTarget::modifiers(surface, seat, data, modifiers, serial);
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
        if let Focus::Surface(surface) = self {
            PointerTarget::relative_motion(surface, seat, data, event);
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
        if let Focus::Surface(surface) = self {
            PointerTarget::gesture_swipe_begin(surface, seat, data, event);
        }
    }

    fn gesture_swipe_update(&self, seat: &Seat<State>, data: &mut State, event: &GestureSwipeUpdateEvent) {
        if let Focus::Surface(surface) = self {
            PointerTarget::gesture_swipe_update(surface, seat, data, event);
        }
    }

    fn gesture_swipe_end(&self, seat: &Seat<State>, data: &mut State, event: &GestureSwipeEndEvent) {
        if let Focus::Surface(surface) = self {
            PointerTarget::gesture_swipe_end(surface, seat, data, event);
        }
    }

    fn gesture_pinch_begin(&self, seat: &Seat<State>, data: &mut State, event: &GesturePinchBeginEvent) {
        if let Focus::Surface(surface) = self {
            PointerTarget::gesture_pinch_begin(surface, seat, data, event);
        }
    }

    fn gesture_pinch_update(&self, seat: &Seat<State>, data: &mut State, event: &GesturePinchUpdateEvent) {
        if let Focus::Surface(surface) = self {
            PointerTarget::gesture_pinch_update(surface, seat, data, event);
        }
    }

    fn gesture_pinch_end(&self, seat: &Seat<State>, data: &mut State, event: &GesturePinchEndEvent) {
        if let Focus::Surface(surface) = self {
            PointerTarget::gesture_pinch_end(surface, seat, data, event);
        }
    }

    fn gesture_hold_begin(&self, seat: &Seat<State>, data: &mut State, event: &GestureHoldBeginEvent) {
        if let Focus::Surface(surface) = self {
            PointerTarget::gesture_hold_begin(surface, seat, data, event);
        }
    }

    fn gesture_hold_end(&self, seat: &Seat<State>, data: &mut State, event: &GestureHoldEndEvent) {
        if let Focus::Surface(surface) = self {
            PointerTarget::gesture_hold_end(surface, seat, data, event);
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

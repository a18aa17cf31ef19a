//! Input from the GUI domain, in X11's numbers, to the seat that clients see.
//!
//! The GUI domain owns the keyboard and the pointer: it says where they are and which modifiers hold, and what it
//! says replaces what the agent believed. Keys repeat over the wire, so clients are told not to repeat by themselves.

use gui_protocol::{ButtonInput, CrossingInput, KeyInput, WindowId};
use smithay::{
    backend::input::{Axis, AxisSource, ButtonState, KeyState, Keycode},
    input::{
        keyboard::{KeyboardHandle, KeyboardTarget, ModifiersState},
        pointer::{AxisFrame, ButtonEvent, MotionEvent},
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Logical, Point, SERIAL_COUNTER},
};

use crate::{drag::By, state::State, surface, window::Role};

/// X keycodes. Below are none, and the kernel's numbers, 8 less, would be negative.
pub(crate) const KEYCODES: std::ops::RangeInclusive<u32> = 8..=255;

/// What one click of a wheel scrolls, in surface coordinates. As much as libinput says for most mice.
const WHEEL_CLICK: f64 = 15.0;
/// The same in the unit of `wl_pointer.axis_value120`.
const WHEEL_CLICK_120: i32 = 120;

/// What an X button is on a Wayland pointer.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Button {
    /// A code from the kernel's `input-event-codes.h`.
    Code(u32),
    /// One click of a wheel, forwards or backwards.
    Wheel(Axis, i32),
}

impl Button {
    fn from_x11(number: u32) -> Option<Self> {
        const LEFT: u32 = 0x110;
        const RIGHT: u32 = 0x111;
        const MIDDLE: u32 = 0x112;
        const SIDE: u32 = 0x113;
        const EXTRA: u32 = 0x114;
        Some(match number {
            1 => Self::Code(LEFT),
            2 => Self::Code(MIDDLE),
            3 => Self::Code(RIGHT),
            4 => Self::Wheel(Axis::Vertical, -1),
            5 => Self::Wheel(Axis::Vertical, 1),
            6 => Self::Wheel(Axis::Horizontal, -1),
            7 => Self::Wheel(Axis::Horizontal, 1),
            8 => Self::Code(SIDE),
            9 => Self::Code(EXTRA),
            _ => return None,
        })
    }
}

/// Whether `keys`, one bit per X keycode, has this one.
fn has_key(keys: &[u8; 32], keycode: u32) -> bool {
    usize::try_from(keycode / 8)
        .ok()
        .and_then(|byte| keys.get(byte))
        .is_some_and(|byte| byte >> (keycode % 8) & 1 == 1)
}

/// The modifiers of an X state mask. The mask does not tell held from locked; of the two locks it is taken for granted.
fn modifiers_of(mask: u32, now: &ModifiersState) -> ModifiersState {
    let bit = |number: u32| mask >> number & 1 == 1;
    ModifiersState {
        shift: bit(0),
        caps_lock: bit(1),
        ctrl: bit(2),
        alt: bit(3),
        num_lock: bit(4),
        iso_level5_shift: bit(5),
        logo: bit(6),
        iso_level3_shift: bit(7),
        ..*now
    }
}

impl State {
    pub(crate) fn key(&mut self, input: KeyInput) {
        if self.xwayland.holds_back(input) {
            return;
        }
        let Some(keyboard) = self.seat.get_keyboard().filter(|_| KEYCODES.contains(&input.keycode)) else {
            return;
        };
        self.sync_modifiers(&keyboard, input.state);
        let keycode = Keycode::from(input.keycode);
        let held = keyboard.pressed_keys().contains(&keycode);
        if input.pressed && held {
            // a repeat whose release was left out
            self.send_key(&keyboard, keycode, KeyState::Released);
        }
        match input.pressed {
            true => self.send_key(&keyboard, keycode, KeyState::Pressed),
            // a key that went down elsewhere comes up unnoticed
            false if held => self.send_key(&keyboard, keycode, KeyState::Released),
            false => {}
        }
    }

    /// Releases the keys that are not held any more according to the GUI domain.
    pub(crate) fn held_keys(&mut self, keys: &[u8; 32]) {
        let Some(keyboard) = self.seat.get_keyboard() else { return };
        for keycode in keyboard.pressed_keys() {
            if !has_key(keys, keycode.raw()) {
                self.send_key(&keyboard, keycode, KeyState::Released);
            }
        }
    }

    fn send_key(&mut self, keyboard: &KeyboardHandle<Self>, keycode: Keycode, state: KeyState) {
        let (serial, time) = (SERIAL_COUNTER.next_serial(), self.frames.millis());
        let ((), changes_modifiers) = keyboard.input_intercept(self, keycode, state, |_, _, _| ());
        // exact ones are on their way by themselves: told of now, the client would hear the last ones again
        let tells_modifiers = changes_modifiers && !self.has_exact_modifiers();
        keyboard.input_forward(self, keycode, state, serial, time, tells_modifiers);
    }

    fn sync_modifiers(&mut self, keyboard: &KeyboardHandle<Self>, mask: u32) {
        if self.has_exact_modifiers() {
            return;
        }
        let now = keyboard.modifier_state();
        let wanted = modifiers_of(mask, &now);
        if wanted == now || keyboard.set_modifier_state(wanted) == 0 {
            return;
        }
        if let Some(focus) = keyboard.current_focus() {
            let (seat, now) = (self.seat.clone(), keyboard.modifier_state());
            KeyboardTarget::modifiers(&focus, &seat, self, now, SERIAL_COUNTER.next_serial());
        }
    }

    pub(crate) fn button(&mut self, id: WindowId, input: ButtonInput) {
        self.motion(id, input.x, input.y);
        let (Some(pointer), Some(keyboard)) = (self.seat.get_pointer(), self.seat.get_keyboard()) else {
            return;
        };
        self.sync_modifiers(&keyboard, input.state);
        let time = self.frames.millis();
        match Button::from_x11(input.button) {
            Some(Button::Code(button)) => {
                let state = if input.pressed { ButtonState::Pressed } else { ButtonState::Released };
                let serial = SERIAL_COUNTER.next_serial();
                pointer.button(self, &ButtonEvent { serial, time, button, state });
                if !input.pressed && self.dragged_by() == Some(By::Button(button)) {
                    self.drop_dragged();
                }
                if !input.pressed && !pointer.is_grabbed() {
                    self.x11_lets_go();
                }
            }
            Some(Button::Wheel(axis, clicks)) if input.pressed => {
                let frame = AxisFrame::new(time)
                    .source(AxisSource::Wheel)
                    .v120(axis, clicks * WHEEL_CLICK_120)
                    .value(axis, f64::from(clicks) * WHEEL_CLICK);
                pointer.axis(self, frame);
            }
            // a wheel click is over as soon as it is made
            Some(Button::Wheel(..)) | None => return,
        }
        pointer.frame(self);
    }

    pub(crate) fn crossing(&mut self, id: WindowId, input: CrossingInput) {
        if !input.entered {
            let location = self.on_screen(id, Point::from((input.x, input.y)).to_f64());
            // first, so that the window keeps its cursor: smithay makes it the usual one
            self.pointed = None;
            self.point_at(None, location);
            self.forget_cursor();
            self.update_constraint();
            return;
        }
        if let Some(keyboard) = self.seat.get_keyboard() {
            self.sync_modifiers(&keyboard, input.state);
        }
        if input.focus && self.focused.is_none() {
            // after a reconnect this may be the only word about focus
            self.focus(id, true);
        }
        self.motion(id, input.x, input.y);
    }

    pub(crate) fn motion(&mut self, id: WindowId, x: i32, y: i32) {
        if self.windows.get(id).is_none() {
            return;
        }
        let location = self.on_screen(id, Point::from((x, y)).to_f64());
        self.pointed = Some(id);
        let under = self.under_or_dragged_over(id, location);
        self.point_at(under, location);
        self.x11_drags_over(id, location);
        self.update_constraint();
    }

    /// A point of a window on the screen.
    pub(crate) fn on_screen(&self, id: WindowId, point: Point<f64, Logical>) -> Point<f64, Logical> {
        let corner = self.windows.get(id).map_or(Point::default(), |window| window.position());
        corner.to_f64() + point
    }

    /// The surface of a window that takes input at a point of the screen, and where on the screen that surface begins.
    pub(crate) fn under(
        &self,
        id: WindowId,
        location: Point<f64, Logical>,
    ) -> Option<(WlSurface, Point<f64, Logical>)> {
        let window = self.windows.get(id)?;
        let origin = window.surface_origin();
        let under = surface::under(&window.surface, location - origin.to_f64());
        under.map(|(surface, corner)| (surface, (origin + corner).to_f64()))
    }

    /// The same, for what may drag something: as long as it does, the GUI domain tells of the window that it began on.
    pub(crate) fn under_or_dragged_over(
        &self,
        id: WindowId,
        location: Point<f64, Logical>,
    ) -> Option<(WlSurface, Point<f64, Logical>)> {
        let drags = matches!(self.dragged_by(), Some(By::Button(_) | By::Finger(_)));
        let dragged_over = || {
            let target = self.windows.topmost_at(location).filter(|_| drags);
            target.and_then(|target| self.under(target, location))
        };
        self.under(id, location).or_else(dragged_over)
    }

    /// What the pointer is over may have changed without its moving: clients are told as if it had moved.
    pub(crate) fn point_again(&mut self) {
        let (Some(id), Some(pointer)) = (self.pointed, self.seat.get_pointer()) else { return };
        let location = pointer.current_location();
        let under = self.under(id, location);
        // a grab keeps what it has until it ends
        if under != self.under_pointer && !pointer.is_grabbed() && self.drag.is_none() {
            self.point_at(under, location);
            self.update_constraint();
        }
    }

    /// The pointer is over this window no more, which is about to go.
    pub(crate) fn point_away(&mut self, id: WindowId) {
        if self.pointed != Some(id) {
            return;
        }
        self.pointed = None;
        if let Some(pointer) = self.seat.get_pointer() {
            self.point_at(None, pointer.current_location());
        }
        self.forget_cursor();
        self.update_constraint();
    }

    pub(crate) fn point_at(
        &mut self,
        focus: Option<(WlSurface, Point<f64, Logical>)>,
        location: Point<f64, Logical>,
    ) {
        let Some(pointer) = self.seat.get_pointer() else { return };
        let mut focus = focus;
        if matches!(self.dragged_by(), Some(By::Button(_))) {
            self.drag_over(focus.take(), location);
        }
        let (serial, time) = (SERIAL_COUNTER.next_serial(), self.frames.millis());
        self.under_pointer.clone_from(&focus);
        pointer.motion(self, focus, &MotionEvent { location, serial, time });
        pointer.frame(self);
    }

    /// Nobody types or points any more: what was held is released. Whoever comes next says anew where the focus is.
    pub(crate) fn let_go(&mut self) {
        self.held_keys(&[0; 32]);
        self.set_keyboard_focus(None);
        self.pointed = None;
        if let Some(pointer) = self.seat.get_pointer() {
            self.point_at(None, pointer.current_location());
        }
        self.cancel_drag();
        self.cancel_touch();
        self.take_tool_away(None);
        self.forget_cursor();
        self.update_constraint();
    }

    /// The GUI domain gives the keyboard to a window or takes it away.
    pub(crate) fn focus(&mut self, id: WindowId, focused: bool) {
        let Some(window) = self.windows.get(id) else { return };
        // popups get the keyboard from their window, by a grab, and what X11 programs place themselves takes none
        let is_icon = matches!(window.role, Role::Layer { docked: true, .. });
        if window.role.overrides_redirect() && !is_icon {
            return;
        }
        let surface = window.surface.clone();
        if focused {
            self.windows.raise(id);
            self.set_keyboard_focus(Some(surface));
        } else if self.focused.as_ref() == Some(&surface) {
            self.set_keyboard_focus(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buttons_are_the_kernels_and_wheels_are_axes() {
        let all: Vec<_> = (0..=10).map(Button::from_x11).collect();
        assert_eq!(
            all,
            [
                None,
                Some(Button::Code(0x110)),
                Some(Button::Code(0x112)),
                Some(Button::Code(0x111)),
                Some(Button::Wheel(Axis::Vertical, -1)),
                Some(Button::Wheel(Axis::Vertical, 1)),
                Some(Button::Wheel(Axis::Horizontal, -1)),
                Some(Button::Wheel(Axis::Horizontal, 1)),
                Some(Button::Code(0x113)),
                Some(Button::Code(0x114)),
                None,
            ]
        );
    }

    #[test]
    fn key_maps_have_one_bit_per_keycode() {
        let mut keys = [0; 32];
        keys[4] = 1 << 6;
        keys[31] = 1 << 7;
        let held: Vec<u32> = (0..300).filter(|code| has_key(&keys, *code)).collect();
        assert_eq!(held, [38, 255]);
    }

    #[test]
    fn every_modifier_bit_has_its_meaning() {
        let none = ModifiersState::default();
        assert_eq!(modifiers_of(0, &none), none);
        assert!(modifiers_of(1, &none).shift);
        assert!(modifiers_of(2, &none).caps_lock);
        assert!(modifiers_of(4, &none).ctrl);
        assert!(modifiers_of(8, &none).alt);
        assert!(modifiers_of(16, &none).num_lock);
        assert!(modifiers_of(32, &none).iso_level5_shift);
        assert!(modifiers_of(64, &none).logo);
        assert!(modifiers_of(128, &none).iso_level3_shift);
        // buttons and groups are no modifiers
        assert_eq!(modifiers_of(0xffff_ff00, &none), none);
    }
}

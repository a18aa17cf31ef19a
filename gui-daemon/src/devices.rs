//! Input from the control socket, as if it came from devices.
//!
//! Numbers that no device would tell are refused by value and rule.

use crate::{
    backend::{BackendEvent, Gesture, Touch, now_us},
    inject::{KeyStroke, keys_for_text, stroke_for_name},
    ipc::{ButtonAction, GestureInput, TouchInput},
    state::State,
};
use smithay::backend::input::AxisSource;

/// The longest way a device is said to have moved at a time, in pixels.
const MAX_DISTANCE: f64 = 10_000.0;

impl State {
    pub(crate) fn inject_key(&mut self, name: &str) -> Result<(), String> {
        let stroke = stroke_for_name(self.keyboard.keymap(), self.keyboard.layout(), name)
            .map_err(|err| err.to_string())?;
        self.inject_strokes(&[stroke]);
        Ok(())
    }

    pub(crate) fn inject_text(&mut self, text: &str) -> Result<(), String> {
        let strokes = keys_for_text(self.keyboard.keymap(), self.keyboard.layout(), text)
            .map_err(|err| err.to_string())?;
        self.inject_strokes(&strokes);
        Ok(())
    }

    fn inject_strokes(&mut self, strokes: &[KeyStroke]) {
        for (keycode, pressed) in strokes.iter().flat_map(KeyStroke::transitions) {
            let time_ms = self.now_ms();
            self.handle_input(BackendEvent::Key { keycode, pressed, time_ms });
        }
    }

    pub(crate) fn inject_motion(&mut self, x: f64, y: f64) -> Result<(), String> {
        self.on_screen(x, y)?;
        let time_ms = self.now_ms();
        self.handle_input(BackendEvent::PointerMotion { x, y, time_ms });
        Ok(())
    }

    pub(crate) fn inject_button(&mut self, button: u32, action: ButtonAction) {
        let (press, release) = match action {
            ButtonAction::Press => (true, false),
            ButtonAction::Release => (false, true),
            ButtonAction::Click => (true, true),
        };
        for pressed in [press.then_some(true), release.then_some(false)].into_iter().flatten() {
            let time_ms = self.now_ms();
            self.handle_input(BackendEvent::PointerButton { button, pressed, time_ms });
        }
    }

    pub(crate) fn inject_scroll(&mut self, dx: f64, dy: f64) -> Result<(), String> {
        const MAX_STEPS: f64 = 100.0;
        if !dx.is_finite() || !dy.is_finite() || dx.abs() > MAX_STEPS || dy.abs() > MAX_STEPS {
            return Err(format!("a scroll of ({dx}, {dy}) steps is out of range: at most {MAX_STEPS}"));
        }
        self.handle_input(BackendEvent::wheel(dx, dy, self.now_ms()));
        Ok(())
    }

    /// A place on an output, in the desktop's logical pixels.
    fn on_screen(&self, x: f64, y: f64) -> Result<(), String> {
        let at = (x, y).into();
        if self.outputs.nearest(at) == at { Ok(()) } else { Err(format!("({x}, {y}) is on no output")) }
    }

    pub(crate) fn inject_relative(&mut self, dx: f64, dy: f64) -> Result<(), String> {
        let (dx, dy) = distance(dx, dy)?;
        let time_us = now_us();
        self.handle_input(BackendEvent::PointerRelative { dx, dy, dx_raw: dx, dy_raw: dy, time_us });
        Ok(())
    }

    pub(crate) fn inject_finger_scroll(&mut self, dx: f64, dy: f64, lift: bool) -> Result<(), String> {
        let (dx, dy) = distance(dx, dy)?;
        let (source, time_ms) = (AxisSource::Finger, self.now_ms());
        self.handle_input(BackendEvent::PointerAxis { dx, dy, v120: None, source, time_ms });
        if lift {
            let (horizontal, vertical) = (dx != 0.0, dy != 0.0);
            self.handle_input(BackendEvent::PointerAxisStop { horizontal, vertical, time_ms });
        }
        Ok(())
    }

    pub(crate) fn inject_gesture(&mut self, input: GestureInput) -> Result<(), String> {
        let gesture = match input {
            GestureInput::SwipeBegin { fingers } => Gesture::SwipeBegin { fingers },
            GestureInput::Swipe { dx, dy } => {
                let (dx, dy) = distance(dx, dy)?;
                Gesture::SwipeUpdate { dx, dy }
            }
            GestureInput::SwipeEnd { cancelled } => Gesture::SwipeEnd { cancelled },
            GestureInput::PinchBegin { fingers } => Gesture::PinchBegin { fingers },
            GestureInput::Pinch { scale, rotation } => {
                let (scale, rotation) = distance(scale, rotation)?;
                Gesture::PinchUpdate { dx: 0.0, dy: 0.0, scale, rotation }
            }
            GestureInput::PinchEnd { cancelled } => Gesture::PinchEnd { cancelled },
            GestureInput::HoldBegin { fingers } => Gesture::HoldBegin { fingers },
            GestureInput::HoldEnd { cancelled } => Gesture::HoldEnd { cancelled },
        };
        let time_ms = self.now_ms();
        self.handle_input(BackendEvent::Gesture(gesture, time_ms));
        Ok(())
    }

    pub(crate) fn inject_touch(&mut self, input: TouchInput) -> Result<(), String> {
        let touch = match input {
            TouchInput::Down { slot, x, y } => {
                self.on_screen(x, y)?;
                Touch::Down { slot, x, y }
            }
            TouchInput::Motion { slot, x, y } => {
                self.on_screen(x, y)?;
                Touch::Motion { slot, x, y }
            }
            TouchInput::Up { slot } => Touch::Up { slot },
            TouchInput::Cancel => Touch::Cancel,
        };
        for touch in [touch, Touch::Frame] {
            let time_ms = self.now_ms();
            self.handle_input(BackendEvent::Touch(touch, time_ms));
        }
        Ok(())
    }
}

fn distance(dx: f64, dy: f64) -> Result<(f64, f64), String> {
    let sane = |value: f64| value.abs() <= MAX_DISTANCE;
    if sane(dx) && sane(dy) {
        return Ok((dx, dy));
    }
    Err(format!("({dx}, {dy}) is out of range: at most {MAX_DISTANCE}"))
}

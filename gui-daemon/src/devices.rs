//! Input from the control socket, as if it came from devices.
//!
//! Numbers that no device would tell are refused by value and rule.

use crate::{
    backend::{BackendEvent, Gesture, Tool, Touch, now_us},
    inject::{KeyStroke, keys_for_text, stroke_for_name},
    ipc::{ButtonAction, GestureInput, NearTool, TabletInput, ToolName, ToolPart, TouchInput},
    state::State,
};
use gui_protocol::{ToolAxes, ToolKind, ToolState};
use smithay::backend::input::AxisSource;

/// Degrees of one click of a tool's wheel.
const DEGREES_PER_CLICK: f64 = 15.0;
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

    pub(crate) fn inject_tablet(&mut self, input: &TabletInput) -> Result<(), String> {
        let tool = match input {
            TabletInput::Near(near) => {
                self.on_screen(near.x, near.y)?;
                near_tool(near)?
            }
            TabletInput::Away => Tool::at(ToolKind::Pen, ToolState::empty(), 0.0, 0.0),
        };
        let time_ms = self.now_ms();
        self.handle_input(BackendEvent::Tablet(tool, time_ms));
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

fn near_tool(near: &NearTool) -> Result<Tool, String> {
    let state = near.hold.iter().copied().map(tool_part).fold(ToolState::NEAR, ToolState::union);
    let mut tool = Tool::at(tool_kind(near.tool), state, near.x, near.y);
    let tilt = near.tilt_x.or(near.tilt_y);
    for (axis, told) in [
        (ToolAxes::PRESSURE, near.pressure.is_some()),
        (ToolAxes::DISTANCE, near.distance.is_some()),
        (ToolAxes::TILT, tilt.is_some()),
        (ToolAxes::ROTATION, near.rotation.is_some()),
        (ToolAxes::SLIDER, near.slider.is_some()),
        (ToolAxes::WHEEL, near.wheel.is_some()),
    ] {
        tool.axes.set(axis, told);
    }
    tool.pressure = within("pressure", near.pressure, 0.0, 1.0)?;
    tool.distance = within("distance", near.distance, 0.0, 1.0)?;
    tool.tilt_x = within("tilt", near.tilt_x, -90.0, 90.0)?;
    tool.tilt_y = within("tilt", near.tilt_y, -90.0, 90.0)?;
    tool.rotation = within("rotation", near.rotation, -360.0, 360.0)?;
    tool.slider = within("slider", near.slider, -1.0, 1.0)?;
    tool.clicks = within("wheel", near.wheel.map(f64::from), -100.0, 100.0)? as i32;
    tool.wheel = f64::from(tool.clicks) * DEGREES_PER_CLICK;
    Ok(tool)
}

/// The value, or 0 for none.
fn within(what: &str, value: Option<f64>, least: f64, most: f64) -> Result<f64, String> {
    match value.unwrap_or(0.0) {
        value if (least..=most).contains(&value) => Ok(value),
        value => Err(format!("a {what} of {value} is out of range: {least} to {most}")),
    }
}

fn tool_kind(name: ToolName) -> ToolKind {
    match name {
        ToolName::Pen => ToolKind::Pen,
        ToolName::Eraser => ToolKind::Eraser,
        ToolName::Brush => ToolKind::Brush,
        ToolName::Pencil => ToolKind::Pencil,
        ToolName::Airbrush => ToolKind::Airbrush,
        ToolName::Mouse => ToolKind::Mouse,
        ToolName::Lens => ToolKind::Lens,
    }
}

fn tool_part(part: ToolPart) -> ToolState {
    match part {
        ToolPart::Tip => ToolState::TIP,
        ToolPart::Stylus => ToolState::STYLUS,
        ToolPart::Stylus2 => ToolState::STYLUS_2,
        ToolPart::Stylus3 => ToolState::STYLUS_3,
        ToolPart::Left => ToolState::LEFT,
        ToolPart::Right => ToolState::RIGHT,
        ToolPart::Middle => ToolState::MIDDLE,
        ToolPart::Side => ToolState::SIDE,
        ToolPart::Extra => ToolState::EXTRA,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::ipc::Request;

    #[derive(clap::Parser)]
    struct Line {
        #[command(subcommand)]
        input: TabletInput,
    }

    fn near(line: &str) -> NearTool {
        let words = ["tablet", "near"].into_iter().chain(line.split(' '));
        let TabletInput::Near(near) = Line::parse_from(words).input else { panic!("{line}") };
        let request = Request::InputTablet(TabletInput::Near(near.clone()));
        let json = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&json).unwrap(), request);
        near
    }

    #[test]
    fn a_tool_is_as_it_is_said() {
        let said = "-10 20.5 --tool brush --hold tip --hold stylus2 --pressure 0.5 --tilt-x -30 --wheel -2";
        let told = Tool {
            axes: ToolAxes::PRESSURE | ToolAxes::TILT | ToolAxes::WHEEL,
            pressure: 0.5,
            tilt_x: -30.0,
            wheel: -30.0,
            clicks: -2,
            ..Tool::at(ToolKind::Brush, ToolState::NEAR | ToolState::TIP | ToolState::STYLUS_2, -10.0, 20.5)
        };
        assert_eq!(near_tool(&near(said)), Ok(told));
        assert_eq!(near_tool(&near("0 0")), Ok(Tool::at(ToolKind::Pen, ToolState::NEAR, 0.0, 0.0)));
    }

    #[test]
    fn no_tool_tells_more_than_there_is() {
        for (most, beyond) in [
            ("--pressure 1", "--pressure 1.001"),
            ("--distance 0", "--distance -0.001"),
            ("--tilt-y 90", "--tilt-y 90.5"),
            ("--rotation -360", "--rotation -361"),
            ("--slider -1", "--slider -1.001"),
            ("--wheel 100", "--wheel 101"),
        ] {
            assert!(near_tool(&near(&format!("1 1 {most}"))).is_ok(), "{most}");
            assert!(near_tool(&near(&format!("1 1 {beyond}"))).is_err(), "{beyond}");
        }
        assert!(within("pressure", Some(f64::NAN), 0.0, 1.0).is_err());
    }
}

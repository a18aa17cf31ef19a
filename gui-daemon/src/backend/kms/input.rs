//! What libinput's devices tell, in the backend's words.
//!
//! Invariants: a key or button that several devices hold at once goes down with the first and up with the last; when the
//! devices are taken away, what they held is released first.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
};

use gui_protocol::{ToolAxes, ToolKind, ToolState};
use smithay::{
    backend::{
        input::AxisSource,
        libinput::LibinputSessionInterface,
        session::{Session as _, libseat::LibSeatSession},
    },
    input::keyboard::LedState,
    reexports::input::{
        Device, DeviceCapability, Event, Led, Libinput,
        event::{
            DeviceEvent, EventTrait as _, GestureEvent, KeyboardEvent, PointerEvent, TabletToolEvent,
            TouchEvent,
            gesture::{
                GestureEndEvent as _, GestureEventCoordinates as _, GestureEventTrait as _, GestureHoldEvent,
                GesturePinchEvent, GesturePinchEventTrait as _, GestureSwipeEvent,
            },
            keyboard::{KeyState, KeyboardEventTrait as _},
            pointer::{Axis, ButtonState, PointerEventTrait as _, PointerScrollEvent},
            tablet_tool::{ProximityState, TabletToolEventTrait as _, TabletToolType, TipState},
            touch::{TouchEventPosition as _, TouchEventSlot as _, TouchEventTrait as _},
        },
    },
};
use tracing::{info, warn};

use super::super::{BackendEvent, Gesture, Tool, Touch};
use crate::{config::InputConfig, shell::geom::Rect};

/// Where devices that tell a place of their own, and not a motion, have it on the desktop.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Places {
    /// For pointers and pens: the rectangle around all outputs.
    pub all: Rect,
    /// For touch screens: the first output.
    pub first: Rect,
}

/// The seat's input devices.
#[derive(Debug)]
pub(super) struct Input {
    context: Libinput,
    config: InputConfig,
    devices: usize,
    keyboards: Vec<Device>,
    leds: Led,
    /// What of a tablet's tool is held down.
    tool: ToolState,
    pub places: Places,
}

impl AsFd for Input {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.context.as_fd()
    }
}

impl Input {
    /// Opens the seat's devices, now and whenever one is plugged in. `None` if there is no udev to ask.
    pub fn open(session: &LibSeatSession, config: InputConfig) -> Option<Self> {
        let mut context = Libinput::new_with_udev(LibinputSessionInterface::from(session.clone()));
        context.udev_assign_seat(&session.seat()).ok()?;
        let (keyboards, leds, places) = (Vec::new(), Led::empty(), Places::default());
        let tool = ToolState::empty();
        Some(Self { context, config, devices: 0, keyboards, leds, tool, places })
    }

    /// Takes in what the devices have told since the last time.
    pub fn dispatch(&mut self, events: &mut impl Extend<BackendEvent>) -> io::Result<()> {
        self.context.dispatch()?;
        while let Some(event) = self.context.next() {
            self.translate(event, events);
        }
        Ok(())
    }

    /// Gives the devices back. What was held is released.
    pub fn suspend(&mut self, events: &mut impl Extend<BackendEvent>) -> io::Result<()> {
        self.context.suspend();
        self.dispatch(events)
    }

    /// Takes the devices again.
    pub fn resume(&mut self) {
        if self.context.resume().is_err() {
            warn!("the input devices cannot be opened again");
        }
    }

    /// Whether there is no device at all.
    pub fn is_empty(&self) -> bool {
        self.devices == 0
    }

    pub fn set_leds(&mut self, leds: LedState) {
        self.leds = leds.into();
        for keyboard in &mut self.keyboards {
            keyboard.led_update(self.leds);
        }
    }

    fn translate(&mut self, event: Event, events: &mut impl Extend<BackendEvent>) {
        let places = self.places;
        match event {
            Event::Device(DeviceEvent::Added(event)) => self.added(event.device()),
            Event::Device(DeviceEvent::Removed(event)) => {
                let device = event.device();
                info!(device = device.name(), "input device gone");
                self.devices = self.devices.saturating_sub(1);
                self.keyboards.retain(|keyboard| *keyboard != device);
            }
            Event::Keyboard(KeyboardEvent::Key(event)) => {
                let pressed = event.key_state() == KeyState::Pressed;
                if is_edge(pressed, event.seat_key_count()) {
                    events.extend([BackendEvent::Key {
                        keycode: event.key(),
                        pressed,
                        time_ms: event.time(),
                    }]);
                }
            }
            Event::Pointer(event) => events.extend(pointer(event, places.all).into_iter().flatten()),
            Event::Touch(event) => {
                let time = event.time();
                events.extend(touch(event, places.first).map(|touch| BackendEvent::Touch(touch, time)));
            }
            Event::Tablet(event) => {
                let tool = tool(&event, places.all, &mut self.tool);
                events.extend(tool.map(|tool| BackendEvent::Tablet(tool, event.time())));
            }
            Event::Gesture(event) => {
                let time = event.time();
                events.extend(gesture(event).map(|gesture| BackendEvent::Gesture(gesture, time)));
            }
            _ => {}
        }
    }

    fn added(&mut self, mut device: Device) {
        info!(device = device.name(), "input device");
        self.devices = self.devices.saturating_add(1);
        let InputConfig { tap, natural_scroll, pointer_speed } = self.config;
        // A device that has no such setting refuses it, which is well.
        if device.config_tap_finger_count() > 0 {
            let _unsupported = device.config_tap_set_enabled(tap);
        }
        if device.config_scroll_has_natural_scroll() {
            let _unsupported = device.config_scroll_set_natural_scroll_enabled(natural_scroll);
        }
        if device.config_accel_is_available() {
            let _unsupported = device.config_accel_set_speed(f64::from(pointer_speed) / 100.0);
        }
        if device.has_capability(DeviceCapability::Keyboard) {
            device.led_update(self.leds);
            self.keyboards.push(device);
        }
    }
}

/// Whether with `count` devices holding a key or button now it has just gone down or up for the seat.
fn is_edge(pressed: bool, count: u32) -> bool {
    count == u32::from(pressed)
}

/// A place in `area` for one that was told as fractions of it.
fn place(area: Rect, across: impl Fn(u32) -> f64, down: impl Fn(u32) -> f64) -> (f64, f64) {
    let x = f64::from(area.x) + across(area.width.unsigned_abs());
    (x, f64::from(area.y) + down(area.height.unsigned_abs()))
}

fn pointer(event: PointerEvent, area: Rect) -> [Option<BackendEvent>; 2] {
    let time_ms = event.time();
    match event {
        PointerEvent::Motion(event) => {
            let (dx, dy, time_us) = (event.dx(), event.dy(), event.time_usec());
            let (dx_raw, dy_raw) = (event.dx_unaccelerated(), event.dy_unaccelerated());
            [
                Some(BackendEvent::PointerRelative { dx, dy, dx_raw, dy_raw, time_us }),
                Some(BackendEvent::PointerMotionBy { dx, dy, time_ms }),
            ]
        }
        PointerEvent::MotionAbsolute(event) => {
            let (x, y) = place(
                area,
                |width| event.absolute_x_transformed(width),
                |height| event.absolute_y_transformed(height),
            );
            [Some(BackendEvent::PointerMotion { x, y, time_ms }), None]
        }
        PointerEvent::Button(event) => {
            let pressed = event.button_state() == ButtonState::Pressed;
            let edge = is_edge(pressed, event.seat_button_count());
            [edge.then(|| BackendEvent::PointerButton { button: event.button(), pressed, time_ms }), None]
        }
        PointerEvent::ScrollWheel(event) => {
            let v120 =
                |axis| if event.has_axis(axis) { event.scroll_value_v120(axis).round() as i32 } else { 0 };
            let v120 = (v120(Axis::Horizontal), v120(Axis::Vertical));
            let scrolled = axes(&event).map(|value| value.unwrap_or(0.0));
            let [dx, dy] = scrolled;
            let source = AxisSource::Wheel;
            [Some(BackendEvent::PointerAxis { dx, dy, v120: Some(v120), source, time_ms }), None]
        }
        PointerEvent::ScrollFinger(event) => smooth(axes(&event), AxisSource::Finger, time_ms),
        PointerEvent::ScrollContinuous(event) => smooth(axes(&event), AxisSource::Continuous, time_ms),
        _ => [None, None],
    }
}

/// How far was scrolled to the right and down; none for an axis that is not told of.
fn axes(event: &impl PointerScrollEvent) -> [Option<f64>; 2] {
    [Axis::Horizontal, Axis::Vertical].map(|axis| event.has_axis(axis).then(|| event.scroll_value(axis)))
}

/// Scrolling without clicks. A distance of 0 is the end of it.
fn smooth(axes: [Option<f64>; 2], source: AxisSource, time_ms: u32) -> [Option<BackendEvent>; 2] {
    let [horizontal, vertical] = axes.map(|value| value == Some(0.0));
    let [dx, dy] = axes.map(|value| value.unwrap_or(0.0));
    let moved = dx != 0.0 || dy != 0.0;
    [
        moved.then_some(BackendEvent::PointerAxis { dx, dy, v120: None, source, time_ms }),
        (horizontal || vertical).then_some(BackendEvent::PointerAxisStop { horizontal, vertical, time_ms }),
    ]
}

/// A tool as it is after this event, if it is one that is known; `state` is what it was before.
///
/// What identifies it, its number and its maker's, is not asked for.
fn tool(event: &TabletToolEvent, area: Rect, state: &mut ToolState) -> Option<Tool> {
    let tool = event.tool();
    let kind = tool_kind(tool.tool_type()?)?;
    state.insert(ToolState::NEAR);
    match event {
        TabletToolEvent::Proximity(event) => {
            *state = ToolState::empty();
            state.set(ToolState::NEAR, event.proximity_state() == ProximityState::In);
        }
        TabletToolEvent::Tip(event) => state.set(ToolState::TIP, event.tip_state() == TipState::Down),
        TabletToolEvent::Button(event) => {
            state.set(tool_button(event.button()), event.button_state() == ButtonState::Pressed);
        }
        _ => {}
    }
    let mut axes = ToolAxes::empty();
    for (axis, has) in [
        (ToolAxes::TILT, tool.has_tilt()),
        (ToolAxes::PRESSURE, tool.has_pressure()),
        (ToolAxes::DISTANCE, tool.has_distance()),
        (ToolAxes::ROTATION, tool.has_rotation()),
        (ToolAxes::SLIDER, tool.has_slider()),
        (ToolAxes::WHEEL, tool.has_wheel()),
    ] {
        axes.set(axis, has);
    }
    let (x, y) = place(area, |width| event.x_transformed(width), |height| event.y_transformed(height));
    let (wheel, clicks) = match event.wheel_has_changed() {
        true => (event.wheel_delta(), event.wheel_delta_discrete().round() as i32),
        false => (0.0, 0),
    };
    Some(Tool {
        kind,
        axes,
        state: *state,
        x,
        y,
        pressure: event.pressure(),
        distance: event.distance(),
        tilt_x: event.tilt_x(),
        tilt_y: event.tilt_y(),
        rotation: event.rotation(),
        slider: event.slider_position(),
        wheel,
        clicks,
    })
}

fn tool_kind(kind: TabletToolType) -> Option<ToolKind> {
    Some(match kind {
        TabletToolType::Pen => ToolKind::Pen,
        TabletToolType::Eraser => ToolKind::Eraser,
        TabletToolType::Brush => ToolKind::Brush,
        TabletToolType::Pencil => ToolKind::Pencil,
        TabletToolType::Airbrush => ToolKind::Airbrush,
        TabletToolType::Mouse => ToolKind::Mouse,
        TabletToolType::Lens => ToolKind::Lens,
        _ => return None,
    })
}

/// What a button of evdev's code is on a tool; nothing for one that tools do not have.
fn tool_button(code: u32) -> ToolState {
    match code {
        0x14b => ToolState::STYLUS,
        0x14c => ToolState::STYLUS_2,
        0x149 => ToolState::STYLUS_3,
        0x110 => ToolState::LEFT,
        0x111 => ToolState::RIGHT,
        0x112 => ToolState::MIDDLE,
        0x113 => ToolState::SIDE,
        0x114 => ToolState::EXTRA,
        _ => ToolState::empty(),
    }
}

fn touch(event: TouchEvent, area: Rect) -> Option<Touch> {
    match event {
        TouchEvent::Down(event) => {
            let (x, y) =
                place(area, |width| event.x_transformed(width), |height| event.y_transformed(height));
            Some(Touch::Down { slot: event.seat_slot(), x, y })
        }
        TouchEvent::Motion(event) => {
            let (x, y) =
                place(area, |width| event.x_transformed(width), |height| event.y_transformed(height));
            Some(Touch::Motion { slot: event.seat_slot(), x, y })
        }
        TouchEvent::Up(event) => Some(Touch::Up { slot: event.seat_slot() }),
        TouchEvent::Cancel(_) => Some(Touch::Cancel),
        TouchEvent::Frame(_) => Some(Touch::Frame),
        _ => None,
    }
}

fn gesture(event: GestureEvent) -> Option<Gesture> {
    let fingers = event.finger_count().unsigned_abs();
    match event {
        GestureEvent::Swipe(GestureSwipeEvent::Begin(_)) => Some(Gesture::SwipeBegin { fingers }),
        GestureEvent::Swipe(GestureSwipeEvent::Update(event)) => {
            Some(Gesture::SwipeUpdate { dx: event.dx(), dy: event.dy() })
        }
        GestureEvent::Swipe(GestureSwipeEvent::End(event)) => {
            Some(Gesture::SwipeEnd { cancelled: event.cancelled() })
        }
        GestureEvent::Pinch(GesturePinchEvent::Begin(_)) => Some(Gesture::PinchBegin { fingers }),
        GestureEvent::Pinch(GesturePinchEvent::Update(event)) => Some(Gesture::PinchUpdate {
            dx: event.dx(),
            dy: event.dy(),
            scale: event.scale(),
            rotation: event.angle_delta(),
        }),
        GestureEvent::Pinch(GesturePinchEvent::End(event)) => {
            Some(Gesture::PinchEnd { cancelled: event.cancelled() })
        }
        GestureEvent::Hold(GestureHoldEvent::Begin(_)) => Some(Gesture::HoldBegin { fingers }),
        GestureEvent::Hold(GestureHoldEvent::End(event)) => {
            Some(Gesture::HoldEnd { cancelled: event.cancelled() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_two_keyboards_hold_goes_down_once_and_up_once() {
        // Pressed on one, on the other; released on the one, on the other.
        let told =
            [(true, 1), (true, 2), (false, 1), (false, 0)].map(|(pressed, count)| is_edge(pressed, count));
        assert_eq!(told, [true, false, false, true]);
    }

    #[test]
    fn places_are_fractions_of_their_area() {
        let area = Rect::new(-1280, 100, 3200, 1080);
        let at = |x: f64, y: f64| place(area, |width| x * f64::from(width), |height| y * f64::from(height));
        assert_eq!(at(0.0, 0.0), (-1280.0, 100.0));
        assert_eq!(at(0.5, 0.25), (320.0, 370.0));
    }

    #[test]
    fn smooth_scrolling_ends_where_it_is_told_nothing_more() {
        let told = |axes| smooth(axes, AxisSource::Finger, 7);
        let axis = |dx, dy| {
            Some(BackendEvent::PointerAxis { dx, dy, v120: None, source: AxisSource::Finger, time_ms: 7 })
        };
        let stop =
            |horizontal, vertical| Some(BackendEvent::PointerAxisStop { horizontal, vertical, time_ms: 7 });
        assert_eq!(told([None, Some(3.5)]), [axis(0.0, 3.5), None]);
        assert_eq!(told([Some(0.0), Some(0.0)]), [None, stop(true, true)]);
        assert_eq!(told([Some(-2.0), Some(0.0)]), [axis(-2.0, 0.0), stop(false, true)]);
    }

    #[test]
    fn a_tools_buttons_are_known_by_their_codes() {
        let codes = [0x149, 0x14b, 0x14c, 0x110, 0x111, 0x112, 0x113, 0x114];
        let all: ToolState = codes.into_iter().map(tool_button).collect();
        assert_eq!(all, ToolState::all() - ToolState::NEAR - ToolState::TIP);
        assert_eq!(tool_button(0x14a), ToolState::empty(), "the touch of a tip is told otherwise");
    }
}

//! Graphics tablets, for the clients that listen to them; for the others the GUI domain makes a tool the pointer.
//!
//! Clients see one tablet, which has no number and no place of its own, and on it a tool of each sort that was ever used: the
//! GUI domain tells nothing by which one pen could be known from another. It says what a tool is like now; clients are told
//! what has changed. Invariant: while anything of a tool is held down, it stays with the surface that it was over.

use gui_protocol::{Fixed, Tool, ToolAxes, ToolKind, ToolState, WindowId};
use smithay::{
    backend::input::{ButtonState, TabletToolCapabilities, TabletToolDescriptor, TabletToolType},
    input::pointer::CursorImageStatus,
    reexports::{
        wayland_protocols::wp::tablet::zv2::server::{
            zwp_tablet_tool_v2::ZwpTabletToolV2, zwp_tablet_v2::ZwpTabletV2,
        },
        wayland_server::{delegate_dispatch, protocol::wl_surface::WlSurface},
    },
    utils::{Logical, Point, SERIAL_COUNTER},
    wayland::tablet_manager::{
        TabletDescriptor, TabletManagerState, TabletSeatHandler, TabletSeatTrait, TabletToolHandle,
        TabletToolUserData, TabletUserData,
    },
};

use crate::{
    devices::{float, vector},
    state::State,
};

/// The kernel's codes of what may be held down beside the tip.
const BUTTONS: [(ToolState, u32); 8] = [
    (ToolState::STYLUS, 0x14b),
    (ToolState::STYLUS_2, 0x14c),
    (ToolState::STYLUS_3, 0x149),
    (ToolState::LEFT, 0x110),
    (ToolState::RIGHT, 0x111),
    (ToolState::MIDDLE, 0x112),
    (ToolState::SIDE, 0x113),
    (ToolState::EXTRA, 0x114),
];
/// What an axis without a unit tells at its end.
const FULL: f64 = 65535.0;

/// The tool that is near.
#[derive(Debug)]
pub(crate) struct NearTool {
    handle: TabletToolHandle,
    window: WindowId,
    /// The surface it is over, and where that begins, from the window's corner.
    over: Option<(WlSurface, Point<f64, Logical>)>,
    told: Tool,
}

impl NearTool {
    fn is_held(&self) -> bool {
        !self.told.state.difference(ToolState::NEAR).is_empty()
    }

    /// Lets go of all that is held, and of the surface.
    fn leave(&self, time: u32) {
        for (_, code) in BUTTONS.into_iter().filter(|(flag, _)| self.told.state.contains(*flag)) {
            self.handle.button(code, ButtonState::Released, SERIAL_COUNTER.next_serial(), time);
        }
        self.handle.tip_up(time);
        self.handle.proximity_out(time);
    }
}

/// What clients get to know of a tool for good.
fn descriptor(tool: &Tool) -> TabletToolDescriptor {
    let tool_type = match tool.kind {
        ToolKind::Pen => TabletToolType::Pen,
        ToolKind::Eraser => TabletToolType::Eraser,
        ToolKind::Brush => TabletToolType::Brush,
        ToolKind::Pencil => TabletToolType::Pencil,
        ToolKind::Airbrush => TabletToolType::Airbrush,
        ToolKind::Mouse => TabletToolType::Mouse,
        ToolKind::Lens => TabletToolType::Lens,
    };
    let mut capabilities = TabletToolCapabilities::empty();
    for (axis, capability) in [
        (ToolAxes::TILT, TabletToolCapabilities::TILT),
        (ToolAxes::PRESSURE, TabletToolCapabilities::PRESSURE),
        (ToolAxes::DISTANCE, TabletToolCapabilities::DISTANCE),
        (ToolAxes::ROTATION, TabletToolCapabilities::ROTATION),
        (ToolAxes::SLIDER, TabletToolCapabilities::SLIDER),
        (ToolAxes::WHEEL, TabletToolCapabilities::WHEEL),
    ] {
        capabilities.set(capability, tool.axes.contains(axis));
    }
    TabletToolDescriptor { tool_type, hardware_serial: 0, hardware_id_wacom: 0, capabilities }
}

/// Queues what has changed of a tool's axes, or all if nothing was told, for its next motion.
fn queue_axes(handle: &TabletToolHandle, tool: &Tool, told: Option<&Tool>) {
    let has = |axis| tool.axes.contains(axis);
    if has(ToolAxes::PRESSURE) && told.is_none_or(|told| told.pressure != tool.pressure) {
        handle.pressure(f64::from(tool.pressure) / FULL);
    }
    if has(ToolAxes::DISTANCE) && told.is_none_or(|told| told.distance != tool.distance) {
        handle.distance(f64::from(tool.distance) / FULL);
    }
    let tilt = |tool: &Tool| (tool.tilt_x, tool.tilt_y);
    if has(ToolAxes::TILT) && told.is_none_or(|told| tilt(told) != tilt(tool)) {
        handle.tilt((float(tool.tilt_x), float(tool.tilt_y)));
    }
    if has(ToolAxes::ROTATION) && told.is_none_or(|told| told.rotation != tool.rotation) {
        handle.rotation(float(tool.rotation));
    }
    if has(ToolAxes::SLIDER) && told.is_none_or(|told| told.slider != tool.slider) {
        handle.slider_position(f64::from(tool.slider) / FULL);
    }
    if has(ToolAxes::WHEEL) && (tool.wheel, tool.clicks) != (Fixed(0), 0) {
        handle.wheel(float(tool.wheel), tool.clicks);
    }
}

impl State {
    /// The GUI domain says how a tool is that it holds over a window.
    pub(crate) fn tablet(&mut self, id: WindowId, tool: Tool) {
        let time = self.local_time(tool.time_ms);
        let is_known =
            |near: &NearTool| near.window == id && (near.told.kind, near.told.axes) == (tool.kind, tool.axes);
        if !tool.state.contains(ToolState::NEAR) {
            if self.near_tool.as_ref().is_some_and(is_known) {
                self.tool_away(time);
            }
            return;
        }
        if !self.near_tool.as_ref().is_some_and(is_known) {
            self.tool_away(time);
        }
        let corner = self.on_screen(id, Point::default());
        let location = corner + vector(tool.x, tool.y);
        let before = self.near_tool.take();
        let (held, was_over) = match &before {
            Some(near) => (near.is_held(), near.over.clone()),
            None => (false, None),
        };
        let over = if held {
            was_over.clone()
        } else {
            self.under(id, location).map(|(surface, origin)| (surface, origin - corner))
        };
        let (seat, display) = (self.seat.tablet_seat(), self.display.clone());
        let tablet = TabletDescriptor { name: "Transom tablet".into(), usb_id: None, syspath: None };
        let tablet = seat.add_tablet::<Self>(&display, &tablet);
        let handle = seat.add_tool::<Self>(self, &display, &descriptor(&tool));

        let surface = |over: &Option<(WlSurface, _)>| over.as_ref().map(|(surface, _)| surface.clone());
        let stays = before.is_some() && surface(&over) == surface(&was_over);
        let focus = over.clone().map(|(surface, offset)| (surface, corner + offset));
        let motion = |serial| handle.motion(location, focus.clone(), &tablet, serial, time);
        if !stays {
            // comes in, and tells nothing but its place with that
            motion(SERIAL_COUNTER.next_serial());
        }
        if over.is_some() {
            queue_axes(&handle, &tool, before.as_ref().map(|near| &near.told).filter(|_| stays));
            motion(SERIAL_COUNTER.next_serial());
        }
        let was = before.map_or(ToolState::empty(), |near| near.told.state);
        let changed = was.symmetric_difference(tool.state);
        if changed.contains(ToolState::TIP) {
            match tool.state.contains(ToolState::TIP) {
                true => handle.tip_down(SERIAL_COUNTER.next_serial(), time),
                false => handle.tip_up(time),
            }
        }
        for (flag, code) in BUTTONS.into_iter().filter(|(flag, _)| changed.contains(*flag)) {
            handle.button(code, pressed(tool.state.contains(flag)), SERIAL_COUNTER.next_serial(), time);
        }
        self.near_tool = Some(NearTool { handle, window: id, over, told: tool });
    }

    /// The tool is over none of the clients' windows any more. What was held is released.
    fn tool_away(&mut self, time: u32) {
        if let Some(near) = self.near_tool.take() {
            near.leave(time);
            self.forget_cursor();
        }
    }

    /// Nobody holds a tool any more, or not over this window, which is about to go.
    pub(crate) fn take_tool_away(&mut self, from: Option<WindowId>) {
        if self.near_tool.as_ref().is_some_and(|near| from.is_none_or(|from| from == near.window)) {
            self.tool_away(self.frames.millis());
        }
    }

    /// A surface is gone; the tool that was held over it is over nothing until it is let go.
    pub(crate) fn tool_loses(&mut self, surface: &WlSurface) {
        let time = self.frames.millis();
        if let Some(near) = &mut self.near_tool
            && near.over.as_ref().is_some_and(|(over, _)| over == surface)
        {
            near.over = None;
            near.leave(time);
        }
    }
}

fn pressed(pressed: bool) -> ButtonState {
    if pressed { ButtonState::Pressed } else { ButtonState::Released }
}

impl TabletSeatHandler for State {
    fn tablet_tool_image(&mut self, _tool: &TabletToolDescriptor, image: CursorImageStatus) {
        self.set_cursor(self.near_tool.as_ref().map(|near| near.window), image);
    }
}

// the seats are counted, see `gestures`
delegate_dispatch!(State: [ZwpTabletV2: TabletUserData] => TabletManagerState);
delegate_dispatch!(State: [ZwpTabletToolV2: TabletToolUserData] => TabletManagerState);

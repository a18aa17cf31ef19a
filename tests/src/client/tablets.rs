//! Graphics tablets.

use wayland_client::{Connection, Dispatch, QueueHandle, WEnum, delegate_noop, event_created_child};
use wayland_protocols::wp::{
    cursor_shape::v1::client::{
        wp_cursor_shape_device_v1::WpCursorShapeDeviceV1, wp_cursor_shape_manager_v1::WpCursorShapeManagerV1,
    },
    tablet::zv2::client::{
        zwp_tablet_manager_v2::ZwpTabletManagerV2,
        zwp_tablet_pad_v2::ZwpTabletPadV2,
        zwp_tablet_seat_v2::{
            self, EVT_PAD_ADDED_OPCODE, EVT_TABLET_ADDED_OPCODE, EVT_TOOL_ADDED_OPCODE, ZwpTabletSeatV2,
        },
        zwp_tablet_tool_v2::{self, ZwpTabletToolV2},
        zwp_tablet_v2::ZwpTabletV2,
    },
};

use super::{Client, Inbox, Toplevel};

/// The tools of a client's tablets.
#[derive(Default)]
pub struct Tools {
    /// What is known of each for good, in the order they came.
    pub known: Vec<(ZwpTabletToolV2, Vec<String>)>,
    frame: Vec<String>,
}

impl Client {
    /// Listens to tablets. Each frame of a tool is one text in the inbox.
    pub fn tablets(&mut self) -> ZwpTabletSeatV2 {
        self.basics();
        let manager: ZwpTabletManagerV2 = self.bind(1);
        manager.get_tablet_seat(self.seat.as_ref().unwrap(), &self.handle, ())
    }

    /// The shapes of a tool's cursor.
    pub fn cursor_shapes_of(&mut self, tool: &ZwpTabletToolV2) -> WpCursorShapeDeviceV1 {
        let manager: WpCursorShapeManagerV1 = self.bind(1);
        manager.get_tablet_tool_v2(tool, &self.handle, ())
    }

    /// Wants a window to follow what was pressed in it last.
    pub fn move_by_input(&mut self, toplevel: &Toplevel) {
        toplevel.toplevel._move(self.seat.as_ref().unwrap(), self.inbox.serial);
    }
}

impl Dispatch<ZwpTabletSeatV2, ()> for Inbox {
    fn event(
        inbox: &mut Self,
        _: &ZwpTabletSeatV2,
        event: zwp_tablet_seat_v2::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let zwp_tablet_seat_v2::Event::ToolAdded { id } = event {
            inbox.tools.known.push((id, Vec::new()));
        }
    }

    event_created_child!(Inbox, ZwpTabletSeatV2, [
        EVT_TABLET_ADDED_OPCODE => (ZwpTabletV2, ()),
        EVT_TOOL_ADDED_OPCODE => (ZwpTabletToolV2, ()),
        EVT_PAD_ADDED_OPCODE => (ZwpTabletPadV2, ()),
    ]);
}

fn name<T: std::fmt::Debug>(value: WEnum<T>) -> String {
    match value {
        WEnum::Value(value) => format!("{value:?}").to_lowercase(),
        WEnum::Unknown(number) => number.to_string(),
    }
}

take_in!(ZwpTabletToolV2, zwp_tablet_tool_v2::Event, |inbox, tool, event| {
    use zwp_tablet_tool_v2::Event;
    let known = match event {
        Event::Type { tool_type } => Some(name(tool_type)),
        Event::HardwareSerial { hardware_serial_hi, hardware_serial_lo } => {
            Some(format!("serial {hardware_serial_hi} {hardware_serial_lo}"))
        }
        Event::Capability { capability } => Some(name(capability)),
        _ => None,
    };
    if let Some(known) = known {
        let of_tool = inbox.tools.known.iter_mut().find(|(it, _)| it == tool);
        return of_tool.unwrap().1.push(known);
    }
    let part = match event {
        Event::ProximityIn { serial, .. } => {
            inbox.serial = serial;
            "tool in".into()
        }
        Event::ProximityOut => "tool out".into(),
        Event::Down { serial } => {
            inbox.serial = serial;
            "tip down".into()
        }
        Event::Up => "tip up".into(),
        Event::Motion { x, y } => format!("at {x} {y}"),
        Event::Pressure { pressure } => format!("pressure {pressure}"),
        Event::Distance { distance } => format!("distance {distance}"),
        Event::Tilt { tilt_x, tilt_y } => format!("tilt {tilt_x} {tilt_y}"),
        Event::Rotation { degrees } => format!("rotation {degrees}"),
        Event::Slider { position } => format!("slider {position}"),
        Event::Wheel { degrees, clicks } => format!("wheel {degrees} {clicks}"),
        Event::Button { serial, button, state } => {
            inbox.serial = serial;
            format!("button {button:#x} {}", name(state))
        }
        Event::Frame { .. } => {
            let frame = std::mem::take(&mut inbox.tools.frame).join(", ");
            return inbox.input.push(frame);
        }
        _ => return,
    };
    inbox.tools.frame.push(part);
});

delegate_noop!(Inbox: ignore ZwpTabletV2);
delegate_noop!(Inbox: ignore ZwpTabletPadV2);
delegate_noop!(Inbox: ZwpTabletManagerV2);

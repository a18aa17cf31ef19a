//! The seat: one keyboard and one pointer, moved by the GUI domain alone (see [`crate::input`]), and the pointer's
//! looks, which go the other way as far as the protocol has names for them.

use gui_protocol::CursorLook;
use smithay::{
    input::{
        Seat, SeatHandler, SeatState,
        pointer::{CursorIcon, CursorImageStatus},
    },
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::{selection::data_device::set_data_device_focus, tablet_manager::TabletSeatHandler},
};

use crate::state::State;

impl SeatHandler for State {
    type KeyboardFocus = WlSurface;
    type PointerFocus = WlSurface;
    type TouchFocus = WlSurface;

    fn seat_state(&mut self) -> &mut SeatState<Self> {
        &mut self.globals.seat
    }

    fn focus_changed(&mut self, seat: &Seat<Self>, focused: Option<&WlSurface>) {
        // the clipboard goes with the keyboard
        set_data_device_focus(&self.display, seat, focused.and_then(Resource::client));
    }

    fn cursor_image(&mut self, _seat: &Seat<Self>, image: CursorImageStatus) {
        let Some(window) = self.pointed else { return };
        let cursor = match image {
            CursorImageStatus::Named(icon) => cursor_of(icon),
            // the base protocol carries neither images nor the absence of any
            CursorImageStatus::Surface(_) | CursorImageStatus::Hidden => CursorLook::default(),
        };
        self.link.conn.cursor(window, cursor);
    }
}

/// Smithay asks for it with the cursor shapes. There are no tablets.
impl TabletSeatHandler for State {}

/// A cursor's number in Wayland's cursor-shape protocol, by its name.
fn cursor_of(icon: CursorIcon) -> CursorLook {
    CursorLook::Shape(match icon {
        CursorIcon::ContextMenu => 2,
        CursorIcon::Help => 3,
        CursorIcon::Pointer => 4,
        CursorIcon::Progress => 5,
        CursorIcon::Wait => 6,
        CursorIcon::Cell => 7,
        CursorIcon::Crosshair => 8,
        CursorIcon::Text => 9,
        CursorIcon::VerticalText => 10,
        CursorIcon::Alias => 11,
        CursorIcon::Copy => 12,
        CursorIcon::Move => 13,
        CursorIcon::NoDrop => 14,
        CursorIcon::NotAllowed => 15,
        CursorIcon::Grab => 16,
        CursorIcon::Grabbing => 17,
        CursorIcon::EResize => 18,
        CursorIcon::NResize => 19,
        CursorIcon::NeResize => 20,
        CursorIcon::NwResize => 21,
        CursorIcon::SResize => 22,
        CursorIcon::SeResize => 23,
        CursorIcon::SwResize => 24,
        CursorIcon::WResize => 25,
        CursorIcon::EwResize => 26,
        CursorIcon::NsResize => 27,
        CursorIcon::NeswResize => 28,
        CursorIcon::NwseResize => 29,
        CursorIcon::ColResize => 30,
        CursorIcon::RowResize => 31,
        CursorIcon::AllScroll => 32,
        CursorIcon::ZoomIn => 33,
        CursorIcon::ZoomOut => 34,
        CursorIcon::DndAsk => 35,
        CursorIcon::AllResize => 36,
        _ => return CursorLook::default(),
    })
}

smithay::delegate_seat!(State);
smithay::delegate_cursor_shape!(State);

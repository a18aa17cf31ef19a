//! The seat: one keyboard and one pointer, moved by the GUI domain alone (see [`crate::input`]), and the pointer's
//! looks, which go the other way as far as the protocol has names for them.

use gui_protocol::Cursor;
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
            CursorImageStatus::Surface(_) | CursorImageStatus::Hidden => Cursor::Default,
        };
        self.link.conn.cursor(window, cursor);
    }
}

/// Smithay asks for it with the cursor shapes. There are no tablets.
impl TabletSeatHandler for State {}

/// The glyph of the X cursor font (`X11/cursorfont.h`) that comes nearest to a cursor's name.
fn cursor_of(icon: CursorIcon) -> Cursor {
    Cursor::XFont(match icon {
        CursorIcon::Pointer => 60,
        CursorIcon::Text | CursorIcon::VerticalText => 152,
        CursorIcon::Wait | CursorIcon::Progress => 150,
        CursorIcon::Crosshair => 34,
        CursorIcon::Cell => 90,
        CursorIcon::Help => 92,
        CursorIcon::Move
        | CursorIcon::AllScroll
        | CursorIcon::AllResize
        | CursorIcon::Grab
        | CursorIcon::Grabbing => 52,
        CursorIcon::NotAllowed | CursorIcon::NoDrop => 24,
        CursorIcon::NResize => 138,
        CursorIcon::SResize => 16,
        CursorIcon::EResize => 96,
        CursorIcon::WResize => 70,
        CursorIcon::NwResize => 134,
        CursorIcon::NeResize => 136,
        CursorIcon::SwResize | CursorIcon::NeswResize => 12,
        CursorIcon::SeResize | CursorIcon::NwseResize => 14,
        CursorIcon::EwResize | CursorIcon::ColResize => 108,
        CursorIcon::NsResize | CursorIcon::RowResize => 116,
        _ => return Cursor::Default,
    })
}

smithay::delegate_seat!(State);
smithay::delegate_cursor_shape!(State);

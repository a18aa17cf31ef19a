//! `wl_seat` and the clipboard among dom0's own clients. Nothing here crosses to a domain.

use smithay::{
    delegate_cursor_shape, delegate_data_device, delegate_pointer_gestures, delegate_relative_pointer,
    delegate_seat,
    input::{Seat, SeatHandler, SeatState, pointer::CursorImageStatus},
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    wayland::{
        seat::WaylandFocus,
        selection::{
            SelectionHandler,
            data_device::{
                ClientDndGrabHandler, DataDeviceHandler, DataDeviceState, ServerDndGrabHandler,
                set_data_device_focus,
            },
        },
        tablet_manager::TabletSeatHandler,
    },
};

use crate::{focus::Focus, state::State};

impl SeatHandler for State {
    type KeyboardFocus = Focus;
    type PointerFocus = Focus;
    type TouchFocus = WlSurface;

    fn seat_state(&mut self) -> &mut SeatState<Self> {
        &mut self.seat_state
    }

    fn focus_changed(&mut self, seat: &Seat<Self>, focused: Option<&Focus>) {
        let client = focused.and_then(Focus::wl_surface).and_then(|surface| surface.client());
        set_data_device_focus(&self.display_handle, seat, client);
    }

    fn cursor_image(&mut self, _: &Seat<Self>, image: CursorImageStatus) {
        self.local_cursor = image;
        self.queue_cursor_redraw();
    }
}

impl SelectionHandler for State {
    type SelectionUserData = ();
}

impl DataDeviceHandler for State {
    fn data_device_state(&self) -> &DataDeviceState {
        &self.data_device_state
    }
}

impl ClientDndGrabHandler for State {}
impl ServerDndGrabHandler for State {}

impl TabletSeatHandler for State {}

delegate_seat!(State);
delegate_cursor_shape!(State);
delegate_pointer_gestures!(State);
delegate_relative_pointer!(State);
delegate_data_device!(State);

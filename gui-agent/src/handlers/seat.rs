//! The seat: one keyboard, one pointer and touch, moved by the GUI domain alone, see [`crate::input`].

use smithay::{
    input::{Seat, SeatHandler, SeatState, pointer::CursorImageStatus},
    reexports::wayland_server::{
        Resource, delegate_dispatch, delegate_global_dispatch,
        protocol::{
            wl_keyboard::WlKeyboard, wl_pointer::WlPointer, wl_seat::WlSeat, wl_surface::WlSurface,
            wl_touch::WlTouch,
        },
    },
    wayland::{
        seat::{
            KeyboardUserData, PointerUserData, SeatGlobalData, SeatUserData, TouchUserData, WaylandFocus,
        },
        selection::{data_device::set_data_device_focus, primary_selection::set_primary_focus},
    },
};

use crate::{
    keymap::{KeyFocus, SeatRequests},
    state::State,
};

impl SeatHandler for State {
    type KeyboardFocus = KeyFocus;
    type PointerFocus = WlSurface;
    type TouchFocus = WlSurface;

    fn seat_state(&mut self) -> &mut SeatState<Self> {
        &mut self.globals.seat
    }

    fn focus_changed(&mut self, seat: &Seat<Self>, focused: Option<&KeyFocus>) {
        // the selections go with the keyboard
        let client = focused.and_then(KeyFocus::wl_surface).and_then(|surface| surface.client());
        set_data_device_focus(&self.display, seat, client.clone());
        set_primary_focus(&self.display, seat, client);
    }

    fn cursor_image(&mut self, _seat: &Seat<Self>, image: CursorImageStatus) {
        self.set_cursor(self.pointed, image);
    }
}

smithay::delegate_cursor_shape!(State);

// smithay's `delegate_seat!` but for the requests on the seat itself
delegate_global_dispatch!(State: [WlSeat: SeatGlobalData<State>] => SeatState<State>);
delegate_dispatch!(State: [WlSeat: SeatUserData<State>] => SeatRequests);
delegate_dispatch!(State: [WlPointer: PointerUserData<State>] => SeatState<State>);
delegate_dispatch!(State: [WlKeyboard: KeyboardUserData<State>] => SeatState<State>);
delegate_dispatch!(State: [WlTouch: TouchUserData<State>] => SeatState<State>);

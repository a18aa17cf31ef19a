//! Clipboard and drag-and-drop between the applications of this domain. Nothing of it leaves the domain.

use smithay::wayland::selection::{
    SelectionHandler,
    data_device::{ClientDndGrabHandler, DataDeviceHandler, DataDeviceState, ServerDndGrabHandler},
};

use crate::state::State;

impl SelectionHandler for State {
    type SelectionUserData = ();
}

impl DataDeviceHandler for State {
    fn data_device_state(&self) -> &DataDeviceState {
        &self.globals.data_device
    }
}

impl ClientDndGrabHandler for State {}
impl ServerDndGrabHandler for State {}

smithay::delegate_data_device!(State);

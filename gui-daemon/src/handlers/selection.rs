//! Clipboard, primary selection and drag-and-drop among dom0's own clients. Nothing here crosses to or from a domain.

use smithay::wayland::selection::{
    SelectionHandler,
    data_device::{ClientDndGrabHandler, DataDeviceHandler, DataDeviceState, ServerDndGrabHandler},
    primary_selection::{PrimarySelectionHandler, PrimarySelectionState},
};

use crate::state::State;

impl SelectionHandler for State {
    type SelectionUserData = ();
}

impl DataDeviceHandler for State {
    fn data_device_state(&self) -> &DataDeviceState {
        &self.data_device_state
    }
}

impl PrimarySelectionHandler for State {
    fn primary_selection_state(&self) -> &PrimarySelectionState {
        &self.primary_selection_state
    }
}

impl ClientDndGrabHandler for State {}
impl ServerDndGrabHandler for State {}

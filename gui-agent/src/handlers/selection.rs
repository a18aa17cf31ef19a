//! Clipboard, primary selection and drag-and-drop between the applications of this domain. What goes to and comes from the
//! GUI domain, on the user's gesture there, is in [`crate::clipboard`].

use std::{os::fd::OwnedFd, sync::Arc};

use smithay::{
    input::Seat,
    wayland::selection::{
        SelectionHandler, SelectionTarget,
        data_device::{ClientDndGrabHandler, DataDeviceHandler, DataDeviceState, ServerDndGrabHandler},
        primary_selection::{PrimarySelectionHandler, PrimarySelectionState},
    },
};

use crate::state::State;

impl SelectionHandler for State {
    /// What the user pasted into this domain.
    type SelectionUserData = Arc<[u8]>;

    fn send_selection(
        &mut self,
        _target: SelectionTarget,
        _kind: String,
        pipe: OwnedFd,
        _seat: Seat<Self>,
        pasted: &Arc<[u8]>,
    ) {
        self.give(&pipe, Arc::clone(pasted));
    }
}

impl DataDeviceHandler for State {
    fn data_device_state(&self) -> &DataDeviceState {
        &self.globals.data_device
    }
}

impl PrimarySelectionHandler for State {
    fn primary_selection_state(&self) -> &PrimarySelectionState {
        &self.globals.primary_selection
    }
}

impl ClientDndGrabHandler for State {}
impl ServerDndGrabHandler for State {}

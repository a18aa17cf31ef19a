//! Clipboard and primary selection between the applications of this domain. What goes to and comes from the GUI domain, on
//! the user's gesture there, is in [`crate::clipboard`]; what is dragged, in [`crate::drag`].

use std::{os::fd::OwnedFd, sync::Arc};

use smithay::{
    input::Seat,
    wayland::selection::{
        SelectionHandler, SelectionSource, SelectionTarget,
        data_device::{ClientDndGrabHandler, DataDeviceHandler, DataDeviceState, ServerDndGrabHandler},
        primary_selection::{PrimarySelectionHandler, PrimarySelectionState},
    },
};

use crate::{clipboard::Owner, state::State};

impl SelectionHandler for State {
    /// Whose it is if it is no Wayland application's.
    type SelectionUserData = Owner;

    fn new_selection(&mut self, target: SelectionTarget, source: Option<SelectionSource>, _seat: Seat<Self>) {
        let kinds = source.map(|source| source.mime_types()).unwrap_or_default();
        self.offer_to_x11(target, kinds);
    }

    fn send_selection(
        &mut self,
        target: SelectionTarget,
        kind: String,
        pipe: OwnedFd,
        _seat: Seat<Self>,
        owner: &Owner,
    ) {
        match owner {
            Owner::GuiDomain(text) => self.give(&pipe, Arc::clone(text)),
            // without it the pipe is closed
            Owner::X11 => drop(self.fetch_from_x11(target, &kind, pipe)),
        }
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

// smithay's own drags are not used, see `crate::drag`
impl ClientDndGrabHandler for State {}
impl ServerDndGrabHandler for State {}

//! Clipboards for a program that keeps what was copied, `ext_data_control_manager_v1` and its older twin of wlroots. Shown to
//! the program only that the agent was told to start as its clipboard manager, see [`crate::privilege`].

use smithay::{
    reexports::wayland_server::DisplayHandle,
    wayland::selection::{
        ext_data_control::{DataControlHandler as ExtHandler, DataControlState as ExtState},
        primary_selection::PrimarySelectionState,
        wlr_data_control::{DataControlHandler, DataControlState},
    },
};

use crate::{
    privilege::{Privilege, has_privilege},
    state::State,
};

/// What smithay keeps.
pub(crate) struct DataControl {
    ext: ExtState,
    wlr: DataControlState,
}

impl DataControl {
    /// Makes both known to the program that is the clipboard manager.
    pub(crate) fn new(display: &DisplayHandle, primary: &PrimarySelectionState) -> Self {
        let is_manager = |client: &_| has_privilege(client, Privilege::ClipboardManager);
        Self {
            ext: ExtState::new::<State, _>(display, Some(primary), is_manager),
            wlr: DataControlState::new::<State, _>(display, Some(primary), is_manager),
        }
    }
}

impl ExtHandler for State {
    fn data_control_state(&self) -> &ExtState {
        &self.globals.data_control.ext
    }
}

impl DataControlHandler for State {
    fn data_control_state(&self) -> &DataControlState {
        &self.globals.data_control.wlr
    }
}

smithay::delegate_ext_data_control!(State);
smithay::delegate_data_control!(State);

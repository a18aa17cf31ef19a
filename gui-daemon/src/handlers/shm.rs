//! `wl_shm`, and the outputs and viewports whose handlers carry no decisions.

use smithay::{
    delegate_output, delegate_shm, delegate_viewporter,
    wayland::{
        output::OutputHandler,
        shm::{ShmHandler, ShmState},
    },
};

use crate::state::State;

impl ShmHandler for State {
    fn shm_state(&self) -> &ShmState {
        &self.shm_state
    }
}

impl OutputHandler for State {}

delegate_shm!(State);
delegate_output!(State);
delegate_viewporter!(State);

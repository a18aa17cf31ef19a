//! `wl_shm` and the outputs, whose handlers carry no decisions.

use smithay::{
    delegate_output,
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

delegate_output!(State);

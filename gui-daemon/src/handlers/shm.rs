//! `wl_shm`, the outputs and fractional scales, whose handlers carry no decisions.

use smithay::{
    delegate_fractional_scale, delegate_output,
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    wayland::{
        fractional_scale::FractionalScaleHandler,
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

// A surface is told its scale when it is made and when it moves: smithay keeps it for an object that comes later.
impl FractionalScaleHandler for State {
    fn new_fractional_scale(&mut self, _: WlSurface) {}
}

delegate_output!(State);
delegate_fractional_scale!(State);

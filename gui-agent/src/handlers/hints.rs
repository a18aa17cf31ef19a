//! Protocols that only say more about a surface: a colour for a buffer (`wp_single_pixel_buffer_manager_v1`), how opaque
//! it is (`wp_alpha_modifier_v1`), both drawn by [`crate::compose`]; what it shows (`wp_content_type_manager_v1`), which
//! changes nothing here; that it keeps the screens on, see [`super::awake`].

use smithay::{
    reexports::wayland_server::DisplayHandle,
    wayland::{
        alpha_modifier::AlphaModifierState, content_type::ContentTypeState,
        idle_inhibit::IdleInhibitManagerState, single_pixel_buffer::SinglePixelBufferState,
    },
};

use crate::state::State;

impl State {
    /// Makes these protocols known to clients.
    pub(crate) fn offer_hints(display: &DisplayHandle) {
        SinglePixelBufferState::new::<Self>(display);
        AlphaModifierState::new::<Self>(display);
        ContentTypeState::new::<Self>(display);
        IdleInhibitManagerState::new::<Self>(display);
    }
}

smithay::delegate_single_pixel_buffer!(State);
smithay::delegate_alpha_modifier!(State);
smithay::delegate_content_type!(State);

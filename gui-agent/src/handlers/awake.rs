//! Windows that keep the screens on, `zwp_idle_inhibit_manager_v1`: a wish of each window that shows a surface with an
//! inhibitor. What comes of it is the GUI domain's to say.

use std::sync::atomic::{AtomicUsize, Ordering};

use gui_protocol::{WindowId, Wish};
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    wayland::{
        compositor::{SurfaceData, with_states},
        idle_inhibit::IdleInhibitHandler,
    },
};

use super::compositor::root_of;
use crate::{state::State, surface};

/// How many inhibitors a surface has. Kept with it.
#[derive(Default)]
struct Inhibitors(AtomicUsize);

fn count(states: &SurfaceData) -> &AtomicUsize {
    &states.data_map.get_or_insert_threadsafe(Inhibitors::default).0
}

impl State {
    /// What a window shows may have changed: the GUI domain hears if it is to keep the screens on, or not any more.
    pub(crate) fn update_awake(&mut self, id: WindowId) {
        if !self.inhibitors_seen {
            return;
        }
        let Some(window) = self.windows.get(id) else { return };
        let wants = surface::any_shown(&window.surface, |states| count(states).load(Ordering::Relaxed) > 0);
        if window.keeps_awake != wants {
            self.link.conn.wish(id, Wish::KeepAwake(wants));
            self.windows.get_mut(id).into_iter().for_each(|window| window.keeps_awake = wants);
        }
    }

    fn inhibitors_changed(&mut self, surface: &WlSurface) {
        if let Some(id) = surface::window_of(&root_of(surface)) {
            self.update_awake(id);
        }
    }
}

impl IdleInhibitHandler for State {
    fn inhibit(&mut self, surface: WlSurface) {
        self.inhibitors_seen = true;
        with_states(&surface, |states| count(states).fetch_add(1, Ordering::Relaxed));
        self.inhibitors_changed(&surface);
    }

    fn uninhibit(&mut self, surface: WlSurface) {
        // one object each: as many come as have gone
        with_states(&surface, |states| count(states).fetch_sub(1, Ordering::Relaxed));
        self.inhibitors_changed(&surface);
    }
}

smithay::delegate_idle_inhibit!(State);

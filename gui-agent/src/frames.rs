//! When clients are told to draw again.
//!
//! The base protocol has no frame callbacks, and nobody shows surfaces that are no windows, so the agent paces their
//! clients itself: each window gets its callbacks at most once per interval, and only while the channel to the GUI domain
//! is empty. A daemon that does not keep up, or none at all, thereby holds the clients back instead of letting damage
//! pile up. Nothing here wakes the process unless a callback is waiting. With the extension, windows are paced by the
//! GUI domain instead, see [`crate::present`].

use std::time::{Duration, Instant};

use smithay::{
    desktop::utils::with_surfaces_surface_tree,
    output::Output,
    reexports::{
        wayland_protocols::wp::presentation_time::server::wp_presentation_feedback::Kind,
        wayland_server::protocol::wl_surface::WlSurface,
    },
    utils::{Clock, IsAlive, Monotonic, Time},
    wayland::{
        compositor::SurfaceAttributes,
        presentation::{PresentationFeedbackCachedState, Refresh},
    },
};

/// `CLOCK_MONOTONIC`, as presentation-time names it.
pub(crate) const PRESENTATION_CLOCK: u32 = rustix::time::ClockId::Monotonic as u32;

/// One root surface and its pace.
#[derive(Debug)]
struct Paced {
    surface: WlSurface,
    last: Option<Instant>,
    waiting: bool,
}

/// The pace of all surfaces.
#[derive(Debug)]
pub(crate) struct FrameClock {
    interval: Duration,
    paced: Vec<Paced>,
    clock: Clock<Monotonic>,
}

impl FrameClock {
    pub(crate) fn new(interval: Duration) -> Self {
        Self { interval, paced: Vec::new(), clock: Clock::new() }
    }

    /// The time of presentation feedback.
    pub(crate) fn now(&self) -> Time<Monotonic> {
        self.clock.now()
    }

    /// Milliseconds for events to clients.
    pub(crate) fn millis(&self) -> u32 {
        self.clock.now().as_millis()
    }

    /// A surface was committed: remember if anything in its tree waits for a callback.
    pub(crate) fn committed(&mut self, root: &WlSurface) {
        if !waits(root) {
            return;
        }
        match self.paced.iter_mut().find(|paced| paced.surface == *root) {
            Some(paced) => paced.waiting = true,
            None => self.paced.push(Paced { surface: root.clone(), last: None, waiting: true }),
        }
    }

    /// Forgets surfaces that are gone.
    pub(crate) fn forget_dead(&mut self) {
        self.paced.retain(|paced| paced.surface.alive());
    }

    /// When the next callback falls due, if any waits. Not before `now`.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        self.paced.iter().filter(|paced| paced.waiting).map(|paced| paced.due(self.interval, now)).min()
    }

    /// Sends every callback that is due. Only to be called while the channel is empty.
    pub(crate) fn send_due(&mut self, now: Instant, output: &Output) {
        let stamp = self.clock.now();
        for paced in self.paced.iter_mut().filter(|paced| paced.waiting) {
            if paced.due(self.interval, now) <= now {
                paced.waiting = false;
                paced.last = Some(now);
                send(&paced.surface, stamp, output, self.interval);
            }
        }
    }
}

impl Paced {
    fn due(&self, interval: Duration, now: Instant) -> Instant {
        self.last.map_or(now, |last| last + interval).max(now)
    }
}

fn waits(root: &WlSurface) -> bool {
    let mut waits = false;
    with_surfaces_surface_tree(root, |_, states| {
        waits |= !states.cached_state.get::<SurfaceAttributes>().current().frame_callbacks.is_empty();
        waits |= !states.cached_state.get::<PresentationFeedbackCachedState>().current().callbacks.is_empty();
    });
    waits
}

fn send(root: &WlSurface, stamp: Time<Monotonic>, output: &Output, interval: Duration) {
    let refresh = if interval.is_zero() { Refresh::Unknown } else { Refresh::fixed(interval) };
    with_surfaces_surface_tree(root, |_, states| {
        for callback in states.cached_state.get::<SurfaceAttributes>().current().frame_callbacks.drain(..) {
            callback.done(stamp.as_millis());
        }
        let mut presentation = states.cached_state.get::<PresentationFeedbackCachedState>();
        for feedback in std::mem::take(&mut presentation.current().callbacks) {
            feedback.presented(output, stamp, refresh, 0, Kind::empty());
        }
    });
}

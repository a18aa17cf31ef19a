//! When a client's frames were seen.

use std::time::Duration;

use wayland_client::{Connection, Dispatch, QueueHandle, protocol::wl_surface::WlSurface};
use wayland_protocols::wp::presentation_time::client::{
    wp_presentation::{self, WpPresentation},
    wp_presentation_feedback::{self, WpPresentationFeedback},
};

use super::{Client, Inbox};

/// What became of a commit.
#[derive(Debug, Clone, PartialEq)]
pub enum Fate {
    /// It was seen.
    Presented {
        /// When, by the presentation clock.
        at: Duration,
        /// How long a frame lasts; zero if unknown.
        refresh: Duration,
        /// Which frame it was.
        sequence: u64,
    },
    /// It never was.
    Discarded,
}

impl Client {
    /// Asks what becomes of a surface's next commit. The answer is kept under `name`.
    pub fn feedback(&mut self, surface: &WlSurface, name: u32) {
        let presentation: WpPresentation = self.bind(1);
        presentation.feedback(surface, &self.handle, name);
    }
}

impl Dispatch<WpPresentationFeedback, u32> for Inbox {
    fn event(
        inbox: &mut Self,
        _: &WpPresentationFeedback,
        event: wp_presentation_feedback::Event,
        name: &u32,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use wp_presentation_feedback::Event;
        let whole = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
        match event {
            Event::Presented { tv_sec_hi, tv_sec_lo, tv_nsec, refresh, seq_hi, seq_lo, .. } => {
                let fate = Fate::Presented {
                    at: Duration::new(whole(tv_sec_hi, tv_sec_lo), tv_nsec),
                    refresh: Duration::from_nanos(refresh.into()),
                    sequence: whole(seq_hi, seq_lo),
                };
                inbox.fates.insert(*name, fate);
            }
            Event::Discarded => drop(inbox.fates.insert(*name, Fate::Discarded)),
            _ => {}
        }
    }
}

impl Dispatch<WpPresentation, ()> for Inbox {
    fn event(
        _: &mut Self,
        _: &WpPresentation,
        _: wp_presentation::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

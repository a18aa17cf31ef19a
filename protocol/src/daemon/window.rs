//! One window as the daemon's end knows it, and the arbitration of its geometry.

use crate::limits::MAX_REFUSALS;
use crate::types::{Rect, WindowId};

/// Whether a window is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Not shown.
    Unmapped,
    /// Shown.
    Mapped,
    /// An icon in the tray.
    Docked,
}

/// The size and pages of a window's buffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buffer {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pages: u32,
}

#[derive(Debug)]
pub(super) struct Window {
    pub(super) stage: Stage,
    pub(super) buffer: Option<Buffer>,
    pub(super) geometry: Geometry,
}

/// Who believes what about a window's geometry.
#[derive(Debug)]
pub(super) struct Geometry {
    /// What the agent last said or was told, exactly as on the wire.
    agent: Rect,
    /// What the daemon wants it to be.
    wanted: Rect,
    /// What was sent and has not been answered.
    unanswered: Option<Rect>,
    /// How often in a row the agent answered with something else.
    refusals: u8,
}

/// What an agent's `CONFIGURE` amounts to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing new.
    Known,
    /// The answer to the daemon's.
    Acked,
    /// The agent's own idea.
    Requested,
    /// Not accepted, or out of date: send this.
    Send(Rect),
}

impl Geometry {
    pub(super) fn new(agent: Rect) -> Geometry {
        Geometry { agent, wanted: agent, unanswered: None, refusals: 0 }
    }

    /// The daemon wants a geometry; what to send now, if anything. While one is unanswered the newest is only
    /// kept, which makes one message per round trip of an interactive resize.
    pub(super) fn want(&mut self, window: WindowId, geometry: Rect) -> Option<Rect> {
        self.wanted = geometry;
        (self.unanswered.is_none() && self.agent != geometry).then(|| self.send(window))
    }

    /// Insists on the geometry as it was before the agent asked for another.
    pub(super) fn insist(&mut self, window: WindowId) -> Option<Rect> {
        self.want(window, self.wanted)
    }

    /// The agent said a geometry.
    pub(super) fn heard(&mut self, window: WindowId, said: Rect) -> Verdict {
        let before = core::mem::replace(&mut self.agent, said);
        match self.unanswered.take() {
            None if said == before => Verdict::Known,
            None => Verdict::Requested,
            Some(_) if said == self.wanted => {
                self.refusals = 0;
                Verdict::Acked
            }
            // The right answer, but the daemon has changed its mind since.
            Some(sent) if said == sent => {
                self.refusals = 0;
                Verdict::Send(self.send(window))
            }
            Some(_) if self.refusals < MAX_REFUSALS => {
                self.refusals = self.refusals.saturating_add(1);
                Verdict::Send(self.send(window))
            }
            // It will not have it. Its pictures are drawn as they are until the daemon wants something new.
            Some(_) => Verdict::Known,
        }
    }

    /// The geometry to be sent, taken as sent. Window 0 is told and not waited for: it is the whole screen, and
    /// agents of whole screens do not answer.
    fn send(&mut self, window: WindowId) -> Rect {
        if window == WindowId(0) {
            self.agent = self.wanted;
        } else {
            self.unanswered = Some(self.wanted);
        }
        self.wanted
    }
}

//! One window as the daemon's end knows it, and the arbitration of its geometry.

use alloc::collections::VecDeque;

use super::frames::{Arranging, Frames};
use crate::limits::{MAX_LATE_ANSWERS, MAX_REFUSALS};
use crate::types::{Rect, WindowFlags, WindowId, clamp_geometry};

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
    /// Before level 1, the states the agent was last told of by an arrangement.
    pub(super) told_flags: WindowFlags,
    /// At level 1, its pool and what it shows of it.
    pub(super) frames: Frames,
    pub(super) arranging: Arranging,
    pub(super) is_popup: bool,
    /// The window it is a popup of, as long as that exists.
    pub(super) popup_of: Option<WindowId>,
    /// The window it is a dialog of.
    pub(super) dialog_of: Option<WindowId>,
}

impl Window {
    pub(super) fn new(geometry: Geometry) -> Window {
        Window {
            stage: Stage::Unmapped,
            buffer: None,
            geometry,
            told_flags: WindowFlags::empty(),
            frames: Frames::default(),
            arranging: Arranging::default(),
            is_popup: false,
            popup_of: None,
            dialog_of: None,
        }
    }
}

/// Who believes what about a window's geometry.
///
/// The agent answers each `CONFIGURE` with the same, in order. What it says while an answer is due and is none was
/// sent before it saw the daemon's, or is its idea of an answer: either way it is told again.
#[derive(Debug)]
pub(super) struct Geometry {
    /// Whether answers are waited for. Not for window 0: it is the whole screen, and agents of whole screens need
    /// not answer.
    waits: bool,
    /// What the agent last said or was told, exactly as on the wire.
    agent: Rect,
    /// What the daemon wants it to be.
    wanted: Rect,
    /// The last one sent, until it is answered.
    unanswered: Option<Rect>,
    /// All that may still be answered, oldest first; more than one after something was told again. Agents need not
    /// answer a repetition, so this is only used to know late answers from new requests.
    sent: VecDeque<Rect>,
    /// How often in a row the agent said something else.
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
    pub(super) fn new(window: WindowId, agent: Rect) -> Geometry {
        let waits = window != WindowId(0);
        Geometry { waits, agent, wanted: agent, unanswered: None, sent: VecDeque::new(), refusals: 0 }
    }

    /// The daemon wants a geometry; what to send now, if anything. While one is unanswered the newest is only
    /// kept, which makes one message per round trip of an interactive resize.
    pub(super) fn want(&mut self, geometry: Rect) -> Option<Rect> {
        self.wanted = geometry;
        let is_news = self.unanswered.unwrap_or(self.agent) != geometry;
        (is_news && (self.unanswered.is_none() || !self.waits)).then(|| self.send())
    }

    /// Insists on the geometry as it was before the agent asked for another.
    pub(super) fn insist(&mut self) -> Option<Rect> {
        self.want(self.wanted)
    }

    /// Whether the agent's wish for this geometry still stands: it has not changed its mind, nor been told another.
    pub(super) fn is_wish(&self, geometry: Rect) -> bool {
        self.unanswered.is_none() && clamp_geometry(self.agent) == geometry
    }

    /// The agent said a geometry.
    pub(super) fn heard(&mut self, said: Rect) -> Verdict {
        let before = core::mem::replace(&mut self.agent, said);
        let answers = self.sent.iter().position(|sent| *sent == said);
        if let Some(at) = answers {
            self.sent.drain(..=at);
        }
        match self.unanswered {
            None if said == before => Verdict::Known,
            None => Verdict::Requested,
            Some(latest) if said == latest => {
                self.unanswered = None;
                self.refusals = 0;
                if self.wanted == latest { Verdict::Acked } else { Verdict::Send(self.send()) }
            }
            // A late answer; the one to the latest follows it.
            Some(_) if answers.is_some() => Verdict::Known,
            Some(_) if !self.waits => {
                self.unanswered = None;
                Verdict::Requested
            }
            Some(_) if self.refusals < MAX_REFUSALS => {
                self.refusals = self.refusals.saturating_add(1);
                Verdict::Send(self.send())
            }
            // It will not have it. Its pictures are drawn as they are until the daemon wants something new.
            Some(_) => {
                self.unanswered = None;
                Verdict::Known
            }
        }
    }

    /// The geometry to be sent, taken as sent.
    fn send(&mut self) -> Rect {
        self.unanswered = Some(self.wanted);
        self.sent.push_back(self.wanted);
        if self.sent.len() > MAX_LATE_ANSWERS {
            self.sent.pop_front();
        }
        self.wanted
    }
}

//! Bytes waiting for the transport.

use alloc::vec::Vec;

use crate::message::{DaemonMessage, HEADER_BYTES, Message};
use crate::types::WindowId;
use crate::version::Version;

/// A queue of encoded messages, taken from the front in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    bytes: Vec<u8>,
    /// How many of `bytes` the transport has taken.
    taken: usize,
    /// Where the last message starts, if it is a motion in this window.
    last_motion: Option<(WindowId, usize)>,
}

/// Taken bytes are dropped from the front only when there are this many, to move the rest seldom.
const COMPACT: usize = 65536;

impl Outbox {
    pub(crate) fn pending(&self) -> &[u8] {
        self.bytes.get(self.taken..).unwrap_or_default()
    }

    pub(crate) fn take(&mut self, count: usize) {
        self.taken = self.taken.saturating_add(count).min(self.bytes.len());
        if self.taken == self.bytes.len() {
            self.clear();
        } else if self.taken >= COMPACT && self.taken >= self.pending().len() {
            self.bytes.drain(..self.taken);
            self.last_motion =
                self.last_motion.and_then(|(window, at)| Some((window, at.checked_sub(self.taken)?)));
            self.taken = 0;
        }
    }

    /// Forgets everything, and gives memory back that only an exceptional moment needed.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(COMPACT);
        self.taken = 0;
        self.last_motion = None;
    }

    /// Appends bytes that are no message: the greetings.
    pub(crate) fn push_raw(&mut self, bytes: &[u8]) {
        self.last_motion = None;
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn push<M: Message>(&mut self, message: &M, window: WindowId, version: Version) {
        self.last_motion = None;
        message.encode(window, version, &mut self.bytes);
    }

    /// Appends a motion, or puts it in the place of one that nothing follows and of which no byte has left: only
    /// where the pointer is now matters.
    pub(crate) fn push_motion(&mut self, motion: &DaemonMessage, window: WindowId, version: Version) {
        if let Some((last_window, at)) = self.last_motion
            && last_window == window
            && at >= self.taken
        {
            self.bytes.truncate(at);
        }
        let at = self.bytes.len();
        motion.encode(window, version, &mut self.bytes);
        self.last_motion = Some((window, at));
        debug_assert!(self.bytes.len() > at.saturating_add(HEADER_BYTES));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOTION: usize = HEADER_BYTES + 16;

    fn move_to(outbox: &mut Outbox, window: u32, x: i32) {
        let motion = DaemonMessage::Motion { x, y: 0, state: 0, is_hint: 0 };
        outbox.push_motion(&motion, WindowId(window), Version::NEWEST);
    }

    #[test]
    fn a_motion_replaces_only_an_untouched_last_one_of_its_window() {
        let mut outbox = Outbox::default();
        move_to(&mut outbox, 1, 10);
        move_to(&mut outbox, 1, 20);
        assert_eq!(outbox.pending().len(), MOTION);
        assert_eq!(outbox.pending()[HEADER_BYTES], 20);
        move_to(&mut outbox, 2, 30);
        assert_eq!(outbox.pending().len(), 2 * MOTION);
        outbox.push(&DaemonMessage::Close {}, WindowId(2), Version::NEWEST);
        move_to(&mut outbox, 2, 40);
        assert_eq!(outbox.pending().len(), 3 * MOTION + HEADER_BYTES);
        outbox.take(2 * MOTION + HEADER_BYTES + 1);
        move_to(&mut outbox, 2, 50);
        assert_eq!(outbox.pending().len(), 2 * MOTION - 1);
    }

    #[test]
    fn taking_in_any_pieces_gives_the_same_bytes() {
        let mut outbox = Outbox::default();
        let all: Vec<u8> = (0..3 * COMPACT).map(|n| (n % 251) as u8).collect();
        outbox.push_raw(&all);
        let mut taken = Vec::new();
        for step in [1, COMPACT, COMPACT, 7, COMPACT - 10] {
            taken.extend_from_slice(&outbox.pending()[..step]);
            outbox.take(step);
        }
        taken.extend_from_slice(outbox.pending());
        assert_eq!(taken, all);
        outbox.take(usize::MAX);
        assert!(outbox.pending().is_empty());
    }
}

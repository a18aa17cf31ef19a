//! The files that one link carries: one transfer each way at a time, each in the hands of its sender's credit.
//!
//! Both ends keep the same account. A transfer is open from its offer until either end has said that it is over; what was
//! on its way then is recognised by its number, which only grows, and means nothing.
//!
//! Invariant: of a transfer no more bytes are under way than its receiver has allowed, nor more than were announced.

use crate::error::Violation;
use crate::limits::FILES_WINDOW;
use crate::types::{FilesEnd, WindowId};

/// Both directions.
#[derive(Debug, Default)]
pub(crate) struct Transfers {
    outgoing: Direction,
    incoming: Direction,
}

#[derive(Debug, Default)]
struct Direction {
    open: Option<Stream>,
    /// The number of the newest.
    last: u32,
}

/// What may still come of a transfer.
#[derive(Debug)]
struct Stream {
    token: u32,
    /// Bytes to come in all.
    left: u64,
    /// Bytes that may come now; at most [`FILES_WINDOW`].
    credit: u32,
}

impl Stream {
    /// Counts bytes that are sent. Whether they may be.
    fn spend(&mut self, length: usize) -> bool {
        let Ok(length) = u32::try_from(length) else { return false };
        let (Some(credit), Some(left)) =
            (self.credit.checked_sub(length), self.left.checked_sub(u64::from(length)))
        else {
            return false;
        };
        (self.credit, self.left) = (credit, left);
        true
    }

    /// Lets more come. Whether that is not too much at once.
    fn allow(&mut self, bytes: u32) -> bool {
        let credit = self.credit.checked_add(bytes).filter(|credit| *credit <= FILES_WINDOW);
        self.credit = credit.unwrap_or(self.credit);
        credit.is_some()
    }
}

impl Direction {
    fn open(&mut self, token: u32) -> Option<&mut Stream> {
        self.open.as_mut().filter(|stream| stream.token == token)
    }

    /// The open transfer of this number, or none if that one is over.
    fn heard(&mut self, message: &'static str, token: u32) -> Result<Option<&mut Stream>, Violation> {
        if token == 0 || token > self.last {
            return Err(wrong(message, "token", token, "that of a transfer that was offered"));
        }
        Ok(self.open(token))
    }

    fn close(&mut self, token: u32) -> bool {
        self.open.take_if(|stream| stream.token == token).is_some()
    }
}

/// What this end does. Each tells whether it may be done now.
impl Transfers {
    /// Offers this many bytes. The transfer's number.
    pub(crate) fn offer(&mut self, total: u64) -> Option<u32> {
        if self.outgoing.open.is_some() {
            return None;
        }
        let token = self.outgoing.last.checked_add(1)?;
        self.outgoing.last = token;
        self.outgoing.open = Some(Stream { token, left: total, credit: 0 });
        Some(token)
    }

    /// Bytes that may be sent now.
    pub(crate) fn room(&self) -> usize {
        let room = self.outgoing.open.as_ref().map_or(0, |open| u64::from(open.credit).min(open.left));
        usize::try_from(room).unwrap_or(usize::MAX)
    }

    /// Bytes of the open transfer that were not sent.
    pub(crate) fn left(&self) -> u64 {
        self.outgoing.open.as_ref().map_or(0, |open| open.left)
    }

    /// Sends this many bytes. None are nothing to be sent, and would go out even where there is no room.
    pub(crate) fn send(&mut self, token: u32, length: usize) -> bool {
        length > 0 && self.outgoing.open(token).is_some_and(|stream| stream.spend(length))
    }

    /// Takes an offer back.
    pub(crate) fn end(&mut self, token: u32) -> bool {
        self.outgoing.close(token)
    }

    /// Lets the peer send more.
    pub(crate) fn allow(&mut self, token: u32, bytes: u32) -> bool {
        self.incoming.open(token).is_some_and(|stream| stream.allow(bytes))
    }

    /// Says how the peer's transfer ended.
    pub(crate) fn finish(&mut self, token: u32) -> bool {
        self.incoming.close(token)
    }
}

/// What the peer does. Each tells whether it means anything, or the rule it breaks.
impl Transfers {
    pub(crate) fn heard_offer(&mut self, token: u32, total: u64) -> Result<(), Violation> {
        if token <= self.incoming.last || self.incoming.open.is_some() {
            let rule = "above that of the last, which is over";
            return Err(wrong("FILES_OFFER", "token", token, rule));
        }
        self.incoming.last = token;
        self.incoming.open = Some(Stream { token, left: total, credit: 0 });
        Ok(())
    }

    pub(crate) fn heard_data(&mut self, token: u32, length: usize) -> Result<bool, Violation> {
        if length == 0 {
            return Err(wrong("FILES_DATA", "length of the bytes", 0, "1 to 32768"));
        }
        let Some(stream) = self.incoming.heard("FILES_DATA", token)? else { return Ok(false) };
        let (credit, left) = (stream.credit, stream.left);
        if stream.spend(length) { Ok(true) } else { Err(Violation::FilesOverrun { length, credit, left }) }
    }

    pub(crate) fn heard_end(&mut self, token: u32, end: u32) -> Result<Option<FilesEnd>, Violation> {
        let rule = "2 or 3";
        let ended = FilesEnd::from_wire(end)
            .filter(|end| matches!(end, FilesEnd::Cancelled | FilesEnd::Failed))
            .ok_or_else(|| wrong("FILES_END", "end", end, rule))?;
        self.incoming.heard("FILES_END", token)?;
        Ok(self.incoming.close(token).then_some(ended))
    }

    pub(crate) fn heard_credit(&mut self, token: u32, bytes: u32) -> Result<bool, Violation> {
        let Some(stream) = self.outgoing.heard("FILES_CREDIT", token)? else { return Ok(false) };
        if stream.allow(bytes) {
            return Ok(true);
        }
        Err(wrong("FILES_CREDIT", "bytes", bytes, "no more than makes 262144 with those that were not used"))
    }

    pub(crate) fn heard_result(&mut self, token: u32, end: u32) -> Result<Option<FilesEnd>, Violation> {
        let message = "FILES_RESULT";
        let ended = FilesEnd::from_wire(end).ok_or_else(|| wrong(message, "end", end, "0 to 6"))?;
        let open = self.outgoing.heard(message, token)?;
        if ended == FilesEnd::Done && open.is_some_and(|stream| stream.left > 0) {
            return Err(wrong(message, "end", end, "not 0 before all bytes were sent"));
        }
        Ok(self.outgoing.close(token).then_some(ended))
    }
}

fn wrong(message: &'static str, field: &'static str, value: u32, rule: &'static str) -> Violation {
    Violation::Field { message, window: WindowId(0), field, value, rule }
}

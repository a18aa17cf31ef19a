//! Bytes to messages.
//!
//! Holds at most one incomplete message, so never more than the longest legal body of its direction, and grows
//! only by bytes that have arrived, whatever a header promises. A header is judged before its body is waited for.

use alloc::vec::Vec;
use core::marker::PhantomData;

use crate::error::Violation;
use crate::message::{CLIPBOARD_DATA, HEADER_BYTES, LengthRule, Message, Row};
use crate::types::WindowId;
use crate::version::Version;
use crate::wire::{Reader, fill};

/// Takes the messages of one direction from a stream that may be cut anywhere.
#[derive(Debug)]
pub struct Framer<M> {
    version: Version,
    /// Bytes of the header, then of the body, that have come so far.
    partial: Vec<u8>,
    stage: Stage,
    direction: PhantomData<fn() -> M>,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// Waiting for a whole header.
    Header,
    /// Waiting for this many bytes of a body.
    Body { kind: u32, window: WindowId, length: usize },
    /// Passing over what is left of a body nobody knows.
    Skip { left: usize },
}

impl<M: Message> Framer<M> {
    /// A stream that starts with a header, under the rules of this version.
    #[must_use]
    pub fn new(version: Version) -> Framer<M> {
        Framer { version, partial: Vec::new(), stage: Stage::Header, direction: PhantomData }
    }

    /// Takes bytes from `input` until a message is complete, or all of them if none is.
    ///
    /// # Errors
    ///
    /// A type or length that is not the protocol's. The stream cannot be followed after that.
    pub fn pull(&mut self, input: &mut &[u8]) -> Result<Option<(WindowId, M)>, Violation> {
        loop {
            match self.stage {
                Stage::Header => {
                    if !fill(&mut self.partial, HEADER_BYTES, input) {
                        return Ok(None);
                    }
                    self.stage = self.judge()?;
                    self.partial.clear();
                }
                Stage::Skip { left } => {
                    let (skipped, rest) = input.split_at(left.min(input.len()));
                    *input = rest;
                    let left = left.saturating_sub(skipped.len());
                    if left > 0 {
                        self.stage = Stage::Skip { left };
                        return Ok(None);
                    }
                    self.stage = Stage::Header;
                }
                Stage::Body { kind, window, length } => {
                    // A body that is here in one piece is read where it lies.
                    let message = match input.split_at_checked(length) {
                        Some((body, rest)) if self.partial.is_empty() => {
                            *input = rest;
                            M::decode(kind, body)
                        }
                        _ if fill(&mut self.partial, length, input) => {
                            let message = M::decode(kind, &self.partial);
                            // Not only cleared: one large buffer must not hold its memory for the link's life.
                            self.partial = Vec::new();
                            message
                        }
                        _ => return Ok(None),
                    };
                    self.stage = Stage::Header;
                    // A judged header cannot fail to decode; should it, the type is what was not understood.
                    let unknown = || Violation::UnknownType { kind, window, length: saturate(length) };
                    return message.map(|message| Some((window, message))).ok_or_else(unknown);
                }
            }
        }
    }

    /// What the header in `partial` announces.
    fn judge(&self) -> Result<Stage, Violation> {
        let mut header = Reader::new(&self.partial);
        let mut field = || header.u32().unwrap_or_default();
        let (kind, window, length) = (field(), WindowId(field()), field());
        match M::row(kind).filter(|row| row.spoken.is_in(self.version)) {
            Some(row) => {
                let length = self.body_length(row, window, length)?;
                Ok(Stage::Body { kind, window, length: widen(length) })
            }
            None if M::SKIPS_UNKNOWN => Ok(Stage::Skip { left: widen(length) }),
            None => Err(Violation::UnknownType { kind, window, length }),
        }
    }

    /// The length of a body under this version, from what the header says of it.
    fn body_length(&self, row: &Row, window: WindowId, claimed: u32) -> Result<u32, Violation> {
        let mut rule = row.length;
        let mut length = claimed;
        if row.kind == CLIPBOARD_DATA {
            rule = LengthRule { max: saturate(self.version.clipboard_wire_max()), ..rule };
            if self.version.clipboard_length_in_window() {
                length = window.0;
            }
        }
        if rule.allows(length) {
            Ok(length)
        } else if rule.is_exact() && !self.version.lengths_are_strict() {
            Ok(rule.min)
        } else {
            Err(Violation::Length { message: row.name, window, length, rule })
        }
    }
}

fn widen(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}

fn saturate(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MAX_REFS;
    use crate::message::AgentMessage;

    #[test]
    fn memory_follows_the_bytes_that_came_and_not_the_header() {
        let mut framer = Framer::<AgentMessage>::new(Version::BASE);
        let longest = 16 + MAX_REFS * 4;
        let header: Vec<u8> = [147, 1, longest].into_iter().flat_map(u32::to_le_bytes).collect();
        assert_eq!(framer.pull(&mut header.as_slice()), Ok(None));
        for _ in 0..100 {
            assert_eq!(framer.pull(&mut [0].as_slice()), Ok(None));
        }
        assert!(framer.partial.capacity() < 1024, "{}", framer.partial.capacity());
        let rest = std::vec![0; longest as usize];
        let mut rest = rest.as_slice();
        assert!(matches!(framer.pull(&mut rest), Ok(Some(_))));
        assert_eq!(rest.len(), 100);
        assert_eq!(framer.partial.capacity(), 0);
    }
}

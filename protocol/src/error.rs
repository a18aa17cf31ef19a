//! What can be wrong with what a peer says.
//!
//! A violation names the value and the rule it breaks, in numbers and the protocol's own names only: no text of the
//! peer gets into it, so it may be logged as it is.

use core::time::Duration;

use thiserror::Error;

use crate::message::LengthRule;
use crate::types::WindowId;
use crate::version::Version;

/// What sort of wrong a [`Violation`] is, for a caller who treats them differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Bytes that are no message of the protocol.
    Malformed,
    /// A message that must not be sent, or not now.
    Misbehaved,
    /// A peer that may be right in its own terms and that this end cannot talk to.
    Incompatible,
}

/// A rule the peer broke. It ends the link.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Violation {
    /// A type this direction does not have.
    #[error("message type {kind} (window {window}, {length} bytes): no such message in this direction")]
    UnknownType {
        /// The header's type.
        kind: u32,
        /// The header's window.
        window: WindowId,
        /// The header's length.
        length: u32,
    },
    /// A body that is too short, too long, or not of whole items.
    #[error("{message} for window {window} has {length} bytes, must have {rule}")]
    Length {
        /// The protocol's name of the message.
        message: &'static str,
        /// The header's window.
        window: WindowId,
        /// The header's length.
        length: u32,
        /// What it must be.
        rule: LengthRule,
    },
    /// A field whose value the protocol does not define.
    #[error("{message} for window {window} has {field} {value}, must be {rule}")]
    Field {
        /// The protocol's name of the message.
        message: &'static str,
        /// The header's window.
        window: WindowId,
        /// The field.
        field: &'static str,
        /// Its value.
        value: u32,
        /// What it must be.
        rule: &'static str,
    },
    /// A message for a window that does not exist.
    #[error("{message} for window {window}, which does not exist")]
    UnknownWindow {
        /// The protocol's name of the message.
        message: &'static str,
        /// The header's window.
        window: WindowId,
    },
    /// A second window with the id of a living one.
    #[error("CREATE of window {window}, which exists")]
    WindowExists {
        /// The header's window.
        window: WindowId,
    },
    /// More windows than [`Limits::windows`](crate::Limits::windows).
    #[error("CREATE of window {window} beyond the limit of {limit} windows")]
    TooManyWindows {
        /// The header's window.
        window: WindowId,
        /// The limit.
        limit: usize,
    },
    /// A size that no window or buffer can have.
    #[error("{message} for window {window} has size {width}x{height}, must be {rule}")]
    Size {
        /// The protocol's name of the message.
        message: &'static str,
        /// The header's window.
        window: WindowId,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// What it must be.
        rule: &'static str,
    },
    /// A buffer with too few pages for its size.
    #[error("WINDOW_DUMP for window {window} of {width}x{height} has {pages} pages, needs {needed}")]
    BufferTooSmall {
        /// The header's window.
        window: WindowId,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Pages it has.
        pages: usize,
        /// Pages it needs.
        needed: u32,
    },
    /// More shared pages than [`Limits::pages`](crate::Limits::pages).
    #[error("WINDOW_DUMP for window {window} makes {pages} pages in all buffers, the limit is {limit}")]
    TooManyPages {
        /// The header's window.
        window: WindowId,
        /// Pages with this buffer.
        pages: u32,
        /// The limit.
        limit: u32,
    },
    /// A buffer given as frame numbers of the machine, which only a daemon with power over all memory could map.
    #[error(
        "MFNDUMP for window {window}: buffers by frame number are not supported, the agent must share by grants"
    )]
    FrameNumbers {
        /// The header's window.
        window: WindowId,
    },
    /// A peer that does not take the bytes sent to it.
    #[error("{pending} bytes are waiting to be read, the limit is {limit}")]
    DoesNotRead {
        /// Bytes queued.
        pending: usize,
        /// The limit.
        limit: usize,
    },
    /// A peer that does not greet.
    #[error("no greeting for {} seconds", .limit.as_secs())]
    NoGreeting {
        /// The limit.
        limit: Duration,
    },
    /// A version this end cannot speak.
    #[error("the peer speaks version {theirs}, this end 1.{lowest} to {ours}")]
    Version {
        /// What the peer said.
        theirs: Version,
        /// The newest this end takes.
        ours: Version,
        /// The oldest minor this end takes.
        lowest: u16,
    },
}

impl Violation {
    /// What sort of wrong this is.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Violation::UnknownType { .. } | Violation::Length { .. } | Violation::Field { .. } => {
                Family::Malformed
            }
            Violation::UnknownWindow { .. }
            | Violation::WindowExists { .. }
            | Violation::TooManyWindows { .. }
            | Violation::Size { .. }
            | Violation::BufferTooSmall { .. }
            | Violation::TooManyPages { .. }
            | Violation::DoesNotRead { .. }
            | Violation::NoGreeting { .. } => Family::Misbehaved,
            Violation::FrameNumbers { .. } | Violation::Version { .. } => Family::Incompatible,
        }
    }
}

//! What can be wrong with what a peer says.
//!
//! A violation names the value and the rule it breaks, in numbers and the protocol's own names only: no text of the
//! peer gets into it, so it may be logged as it is.

use core::time::Duration;

use thiserror::Error;

use crate::message::LengthRule;
use crate::types::{BufferId, WindowId};
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
    /// A type this direction does not have, or not in the link's version.
    #[error(
        "message type {kind} (window {window}, {length} bytes): no such message in this direction and version"
    )]
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
    #[error("{message} for window {window} of {width}x{height} has {pages} pages, needs {needed}")]
    BufferTooSmall {
        /// The protocol's name of the message.
        message: &'static str,
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
    #[error("{message} for window {window} makes {pages} pages in all buffers, the limit is {limit}")]
    TooManyPages {
        /// The protocol's name of the message.
        message: &'static str,
        /// The header's window.
        window: WindowId,
        /// Pages with this buffer.
        pages: u32,
        /// The limit.
        limit: u32,
    },
    /// A message about a buffer that is not in the window's pool.
    #[error("{message} for window {window} of buffer {}, which it does not have", .buffer.0)]
    UnknownBuffer {
        /// The protocol's name of the message.
        message: &'static str,
        /// The header's window.
        window: WindowId,
        /// The buffer.
        buffer: BufferId,
    },
    /// A second buffer with the id of one in the window's pool.
    #[error("BUFFER for window {window} of buffer {}, which it has", .buffer.0)]
    BufferExists {
        /// The header's window.
        window: WindowId,
        /// The buffer.
        buffer: BufferId,
    },
    /// More buffers in a window's pool than [`BUFFERS_PER_WINDOW`](crate::limits::BUFFERS_PER_WINDOW).
    #[error("BUFFER for window {window} beyond the limit of {limit} in its pool")]
    TooManyBuffers {
        /// The header's window.
        window: WindowId,
        /// The limit.
        limit: usize,
    },
    /// A commit of a buffer that is the daemon's, and does not only repeat the newest.
    #[error("COMMIT for window {window} of buffer {}, which must not change until its RELEASE", .buffer.0)]
    HeldBuffer {
        /// The header's window.
        window: WindowId,
        /// The buffer.
        buffer: BufferId,
    },
    /// A commit whose serial is not greater than the last.
    #[error("COMMIT for window {window} has serial {serial}, must be above {last}")]
    Serial {
        /// The header's window.
        window: WindowId,
        /// Its serial.
        serial: u64,
        /// The last one's.
        last: u64,
    },
    /// A commit that shows no part of its buffer, or one of another size than the window's.
    #[error(
        "COMMIT for window {window} shows {source_width}x{source_height} at {x},{y} of a buffer of {width}x{height}, \
         must be of the window's size at its scale and within the buffer"
    )]
    Source {
        /// The header's window.
        window: WindowId,
        /// Pixels.
        x: i32,
        /// Pixels.
        y: i32,
        /// Pixels.
        source_width: u32,
        /// Pixels.
        source_height: u32,
        /// The buffer's, pixels.
        width: u32,
        /// The buffer's, pixels.
        height: u32,
    },
    /// A text that is none.
    #[error("{message} for window {window} has a text of {length} bytes that is not UTF-8 without NUL")]
    Text {
        /// The protocol's name of the message.
        message: &'static str,
        /// The header's window.
        window: WindowId,
        /// Its bytes.
        length: usize,
    },
    /// A picture of another length than its size needs, too large, or whose hot spot is outside.
    #[error(
        "{message} for window {window} is a picture of {width}x{height} in {length} bytes, must be {rule}"
    )]
    Picture {
        /// The protocol's name of the message.
        message: &'static str,
        /// The header's window.
        window: WindowId,
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
        /// Its bytes.
        length: usize,
        /// What it must be.
        rule: &'static str,
    },
    /// A list of files that is none.
    #[error("{message} has a list of files in {length} bytes that is not of 1 to 256 sizes and file names")]
    FileList {
        /// The protocol's name of the message.
        message: &'static str,
        /// Its bytes.
        length: usize,
    },
    /// Bytes of files that were not asked for, or not announced.
    #[error("FILES_DATA of {length} bytes, of which {credit} may come now and {left} in all")]
    FilesOverrun {
        /// Its bytes.
        length: usize,
        /// How many may come.
        credit: u32,
        /// How many were announced and have not come.
        left: u64,
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
            Violation::UnknownType { .. }
            | Violation::Length { .. }
            | Violation::Field { .. }
            | Violation::Text { .. }
            | Violation::Picture { .. }
            | Violation::FileList { .. } => Family::Malformed,
            Violation::UnknownWindow { .. }
            | Violation::WindowExists { .. }
            | Violation::TooManyWindows { .. }
            | Violation::Size { .. }
            | Violation::BufferTooSmall { .. }
            | Violation::TooManyPages { .. }
            | Violation::UnknownBuffer { .. }
            | Violation::BufferExists { .. }
            | Violation::TooManyBuffers { .. }
            | Violation::HeldBuffer { .. }
            | Violation::Serial { .. }
            | Violation::Source { .. }
            | Violation::FilesOverrun { .. }
            | Violation::DoesNotRead { .. }
            | Violation::NoGreeting { .. } => Family::Misbehaved,
            Violation::FrameNumbers { .. } | Violation::Version { .. } => Family::Incompatible,
        }
    }
}

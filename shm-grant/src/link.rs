//! What both ends of a link tell their owner.

use std::io;

use crate::import::ImportError;
use crate::ring::RingError;

/// What happened on a link. Pulled with `poll_event` until it returns `None`, whenever the end's descriptor is readable.
#[derive(Debug)]
pub enum Event {
    /// A peer is there. Both directions start empty.
    Connected,
    /// There are bytes: `read` until it returns 0, or less, and this event comes again.
    Readable,
    /// There is room again after a `write` that took less than it was given.
    Writable,
    /// The link is gone, and why. A server waits for the next client; a client waits for its owner to call `connect`.
    Disconnected(LinkError),
}

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The peer closed its end or died. What it had sent was read before.
    #[error("the peer has closed the link")]
    Closed,
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// The peer broke the ring.
    #[error("the ring is broken: {0}")]
    Ring(#[from] RingError),
    /// The peer broke the rules of the grant socket.
    #[error("the grant socket was misused: {0}")]
    Grants(#[from] ImportError),
}

/// A level-triggered source on a duplicate of `end`'s descriptor.
#[cfg(feature = "calloop")]
pub(crate) fn calloop_source(
    end: &impl std::os::fd::AsFd,
) -> io::Result<calloop::generic::Generic<std::os::fd::OwnedFd>> {
    let ready = end.as_fd().try_clone_to_owned()?;
    Ok(calloop::generic::Generic::new(ready, calloop::Interest::READ, calloop::Mode::Level))
}

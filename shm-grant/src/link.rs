//! What both ends of a link have in common: one channel at most, and the events about it.
//!
//! Events come in rounds. A round takes a snapshot of what is ready and turns it into events; when the last
//! of them has been pulled, the round ends and the set of descriptors is left ready only if there is more to
//! do. A failure closes the channel at once and is an event like any other, so no call but `poll_event` has
//! an error to handle.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, send};

use crate::DomId;
use crate::poll::{Interest, Poller, Ready, Source, Token, Wake};
use crate::ring::{Moved, Ring, RingError};
use crate::software::GrantError;
use crate::xen::OfferError;

/// What happened on a link. Pulled with `poll_event` until it returns `None`, whenever the end's descriptor
/// is readable.
#[derive(Debug)]
pub enum Event {
    /// A peer is there. Both directions start empty.
    Connected,
    /// There may be bytes: `read` until it returns 0, or less, and this event comes again.
    Readable,
    /// There is room again after a `write` that took less than it was given.
    Writable,
    /// The link is gone, or could not be made, and why. A server waits for the next client by itself; a
    /// client waits for its owner to call `connect`, which decides when.
    Disconnected(LinkError),
}

/// Why a link ended.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The peer closed its end or died. What it had sent was read before.
    #[error("the peer has closed the link")]
    Closed,
    /// The peer broke the ring.
    #[error("the ring is broken: {0}")]
    Ring(#[from] RingError),
    /// The peer broke the rules of the grant socket.
    #[error("the grant socket was misused: {0}")]
    Grants(#[from] GrantError),
    /// The peer's domain is gone; what it had sent and was not read is, too.
    #[error("domain {} is gone", .0.0)]
    DomainGone(DomId),
    /// The server's offer of a link is not one.
    #[error("the server cannot be joined: {0}")]
    Offer(#[from] OfferError),
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// What carries the bytes.
#[derive(Debug)]
pub(crate) enum Channel {
    Stream(Source),
    Ring {
        ring: Ring,
        /// The peer's end of the socket for notifications is closed. What is in the ring can still be read.
        orphaned: bool,
    },
}

/// The state of one end.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) poller: Arc<Poller>,
    pub(crate) wake: Wake,
    pub(crate) events: VecDeque<Event>,
    in_round: bool,
    channel: Option<Channel>,
    want_read: bool,
    want_write: bool,
}

impl Link {
    pub(crate) fn new() -> io::Result<Self> {
        let poller = Poller::new()?;
        let wake = Wake::new(&poller)?;
        let events = VecDeque::new();
        Ok(Self { poller, wake, events, in_round: false, channel: None, want_read: true, want_write: false })
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.channel.is_some()
    }

    pub(crate) fn connected(&mut self, channel: Channel) {
        self.channel = Some(channel);
        (self.want_read, self.want_write) = (true, false);
        self.events.push_back(Event::Connected);
    }

    /// The channel failed: closes it and says so.
    pub(crate) fn fail(&mut self, error: LinkError) {
        self.channel = None;
        self.events.push_back(Event::Disconnected(error));
        self.wake.set(true);
    }

    /// Closes the channel without a word.
    pub(crate) fn close(&mut self) {
        self.channel = None;
        self.events.clear();
    }

    /// Begins anew: the next call starts a round, even in the middle of one. Its end would take the wish for it back, and
    /// what there is to see may have been taken in already, so that no descriptor tells of it again.
    pub(crate) fn begin(&mut self) {
        self.in_round = false;
        self.wake.set(true);
    }

    /// Whether a new round starts; if not, the one under way has just ended.
    pub(crate) fn starts_round(&mut self) -> bool {
        self.in_round = !self.in_round;
        if !self.in_round {
            let more = self.channel.as_ref().map_or(Ok(false), |channel| channel.has_unseen(self.want_read));
            match more {
                Ok(more) => self.wake.set(more),
                Err(error) => self.fail(error),
            }
        }
        self.in_round
    }

    /// Turns what is ready into events.
    pub(crate) fn round(&mut self, ready: &Ready) -> Result<(), LinkError> {
        let Some(channel) = &mut self.channel else { return Ok(()) };
        let (readable, writable) = match channel {
            Channel::Stream(_) => (ready.readable(Token::Stream), ready.writable(Token::Stream)),
            Channel::Ring { ring, .. } => {
                let writable = self.want_write && ring.writable(1)? > 0;
                (channel.has_unseen(self.want_read)?, writable)
            }
        };
        if readable && self.want_read {
            self.events.push_back(Event::Readable);
        }
        if writable && self.want_write {
            self.set_want_write(false)?;
            self.events.push_back(Event::Writable);
        }
        Ok(())
    }

    /// The peer's end of the grant socket is closed.
    pub(crate) fn orphan(&mut self) {
        if let Some(Channel::Ring { orphaned, .. }) = &mut self.channel {
            *orphaned = true;
            self.wake.set(true);
        }
    }

    pub(crate) fn read(&mut self, into: &mut [u8], notify: impl FnOnce() -> io::Result<()>) -> usize {
        match &mut self.channel {
            Some(channel) if !into.is_empty() => {
                let moved = channel.read(into);
                self.moved(moved, notify)
            }
            _ => 0,
        }
    }

    pub(crate) fn write(&mut self, bytes: &[u8], notify: impl FnOnce() -> io::Result<()>) -> usize {
        let Some(channel) = self.channel.as_mut().filter(|_| !bytes.is_empty()) else { return 0 };
        let moved = channel.write(bytes);
        let written = self.moved(moved, notify);
        if written < bytes.len()
            && let Err(error) = self.set_want_write(true)
        {
            self.fail(error.into());
        }
        written
    }

    pub(crate) fn set_want_read(&mut self, want: bool) {
        self.want_read = want;
        match &mut self.channel {
            Some(Channel::Stream(stream)) => {
                if let Err(error) = stream.watch_for(Interest::IN, want) {
                    self.fail(error.into());
                }
            }
            // What came while it was not wanted has been notified already.
            Some(Channel::Ring { .. }) if want => self.wake.set(true),
            _ => {}
        }
    }

    fn set_want_write(&mut self, want: bool) -> io::Result<()> {
        self.want_write = want;
        match &mut self.channel {
            Some(Channel::Stream(stream)) => stream.watch_for(Interest::OUT, want),
            _ => Ok(()),
        }
    }

    fn moved(&mut self, moved: Result<Moved, LinkError>, notify: impl FnOnce() -> io::Result<()>) -> usize {
        let notified = moved.and_then(|moved| {
            if moved.notify {
                notify()?;
            }
            Ok(moved.bytes)
        });
        notified.unwrap_or_else(|error| {
            self.fail(error);
            0
        })
    }
}

impl Channel {
    fn read(&mut self, into: &mut [u8]) -> Result<Moved, LinkError> {
        match self {
            Self::Stream(stream) => match recv(stream, into, RecvFlags::DONTWAIT) {
                Ok((0, _)) | Err(Errno::CONNRESET) => Err(LinkError::Closed),
                Ok((bytes, _)) => Ok(Moved { bytes, notify: false }),
                Err(Errno::AGAIN | Errno::INTR) => Ok(Moved { bytes: 0, notify: false }),
                Err(error) => Err(LinkError::Io(error.into())),
            },
            Self::Ring { ring, orphaned } => {
                // In this order: what the peer wrote before it closed its end is then in the ring.
                let open = !*orphaned && ring.peer_open()?;
                let moved = ring.read(into)?;
                if moved.bytes == 0 && !open { Err(LinkError::Closed) } else { Ok(moved) }
            }
        }
    }

    /// To a peer that has gone nothing is written; that it has gone is noticed by reading, after what it had
    /// sent.
    fn write(&mut self, bytes: &[u8]) -> Result<Moved, LinkError> {
        match self {
            Self::Stream(stream) => match send(stream, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
                Ok(bytes) => Ok(Moved { bytes, notify: false }),
                Err(Errno::AGAIN | Errno::INTR | Errno::PIPE | Errno::CONNRESET) => {
                    Ok(Moved { bytes: 0, notify: false })
                }
                Err(error) => Err(LinkError::Io(error.into())),
            },
            Self::Ring { ring, .. } => Ok(ring.write(bytes)?),
        }
    }

    /// Whether a ring has bytes, or an end, that nothing will notify us of again. A socket stays ready by
    /// itself.
    fn has_unseen(&self, want_read: bool) -> Result<bool, LinkError> {
        match self {
            Self::Ring { ring, orphaned } if want_read => {
                Ok(ring.readable()? > 0 || *orphaned || !ring.peer_open()?)
            }
            _ => Ok(false),
        }
    }
}

/// A level-triggered source on a duplicate of `end`'s descriptor.
#[cfg(feature = "calloop")]
pub(crate) fn calloop_source(
    end: &impl std::os::fd::AsFd,
) -> io::Result<calloop::generic::Generic<std::os::fd::OwnedFd>> {
    let ready = end.as_fd().try_clone_to_owned()?;
    Ok(calloop::generic::Generic::new(ready, calloop::Interest::READ, calloop::Mode::Level))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_ready(link: &Link) -> bool {
        link.poller.ready().unwrap().readable(Token::Wake)
    }

    #[test]
    fn what_begins_in_the_middle_of_a_round_gets_its_own() {
        let mut link = Link::new().unwrap();
        link.begin();
        assert!(link.starts_round());
        link.fail(LinkError::Closed);
        link.close();
        link.begin();
        assert!(is_ready(&link));
        assert!(link.starts_round(), "nothing was looked at since");
        assert!(!link.starts_round());
        assert!(!is_ready(&link), "there is nothing more to look at");
    }
}

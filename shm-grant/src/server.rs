//! The end that listens.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::{Address, Event, Exporter};

/// Listens at an address, serves one client at a time, and exports pages to it. After a loss it listens again.
///
/// Drive it from any event loop: whenever the descriptor ([`AsFd`]; [`Server::calloop_source`]) is readable, pull
/// [`Server::poll_event`] until it returns `None`. All other calls may be made at any time. Nothing blocks.
#[derive(Debug)]
pub struct Server {
    ready: OwnedFd,
    exporter: Exporter,
}

impl Server {
    /// Listens at `address`. Creates the directory, replaces files that a dead server left; the files go with the server.
    ///
    /// # Errors
    ///
    /// What the system says; `InvalidInput` for a path too long for a socket.
    pub fn bind(_address: &Address) -> io::Result<Self> {
        unimplemented!()
    }

    /// Shares pages with the peer; valid for as long as the server lives, connected or not.
    #[must_use]
    pub fn exporter(&self) -> &Exporter {
        &self.exporter
    }

    /// The next thing that happened, if any. `None` ends the round: wait for the descriptor.
    pub fn poll_event(&mut self) -> Option<Event> {
        unimplemented!()
    }

    /// Takes bytes the peer sent. 0: none now (or no link); an [`Event::Readable`] follows when there are.
    pub fn read(&mut self, _into: &mut [u8]) -> usize {
        unimplemented!()
    }

    /// Sends bytes and returns how many were taken; the peer knows of every earlier export before it sees them. Less than
    /// all: an [`Event::Writable`] follows when there is room. Without a link all are left.
    pub fn write(&mut self, _bytes: &[u8]) -> usize {
        unimplemented!()
    }

    /// While `false`, [`Event::Readable`] is withheld, so that a peer that sends too fast waits. `true` on every new link.
    pub fn set_want_read(&mut self, _want: bool) {
        unimplemented!()
    }

    /// Ends the link, if there is one, without an event, and listens again.
    pub fn disconnect(&mut self) {
        unimplemented!()
    }

    /// A calloop source that is ready whenever [`Server::poll_event`] should be called. It holds a descriptor of its own;
    /// remove it from the loop with the server.
    ///
    /// # Errors
    ///
    /// Out of descriptors.
    #[cfg(feature = "calloop")]
    pub fn calloop_source(&self) -> io::Result<calloop::generic::Generic<OwnedFd>> {
        crate::link::calloop_source(self)
    }
}

impl AsFd for Server {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}

//! The end that connects.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use crate::import::ImportError;
use crate::{Address, Event, GrantRef, ImportedPages};

/// Waits for a server to appear at an address, connects, and imports the pages it shares.
///
/// Driven like [`Server`](crate::Server): whenever the descriptor is readable, pull [`Client::poll_event`] until it
/// returns `None`. Nothing blocks, and nothing the server does makes it.
#[derive(Debug)]
pub struct Client {
    ready: OwnedFd,
}

impl Client {
    /// Watches for the server at `address` and connects once it is there. Creates the directory if it is missing.
    ///
    /// # Errors
    ///
    /// What the system says; `InvalidInput` for a path too long for a socket.
    pub fn new(_address: &Address) -> io::Result<Self> {
        unimplemented!()
    }

    /// The next thing that happened, if any. `None` ends the round: wait for the descriptor.
    pub fn poll_event(&mut self) -> Option<Event> {
        unimplemented!()
    }

    /// Takes bytes the peer sent. 0: none now (or no link); an [`Event::Readable`] follows when there are.
    pub fn read(&mut self, _into: &mut [u8]) -> usize {
        unimplemented!()
    }

    /// Sends bytes and returns how many were taken. Less than all: an [`Event::Writable`] follows when there is room.
    /// Without a link all are left.
    pub fn write(&mut self, _bytes: &[u8]) -> usize {
        unimplemented!()
    }

    /// While `false`, [`Event::Readable`] is withheld, so that a peer that sends too fast waits. `true` on every new link.
    pub fn set_want_read(&mut self, _want: bool) {
        unimplemented!()
    }

    /// Maps the pages behind `refs`, in that order, of which `bytes` bytes will be used. The server's word is taken for
    /// nothing: every grant is checked when it comes.
    ///
    /// # Errors
    ///
    /// [`ImportError`]; the caller should then end the link, for the server has broken the rules or died.
    pub fn import(&mut self, _refs: &[GrantRef], _bytes: usize) -> Result<ImportedPages, ImportError> {
        unimplemented!()
    }

    /// Ends the link, or the wait for one, without an event. [`Client::connect`] starts anew.
    pub fn disconnect(&mut self) {
        unimplemented!()
    }

    /// Waits for the server again, after [`Event::Disconnected`] or [`Client::disconnect`]. Nothing happens on a client
    /// that waits or is connected already.
    pub fn connect(&mut self) {
        unimplemented!()
    }

    /// A calloop source that is ready whenever [`Client::poll_event`] should be called. It holds a descriptor of its own;
    /// remove it from the loop with the client.
    ///
    /// # Errors
    ///
    /// Out of descriptors.
    #[cfg(feature = "calloop")]
    pub fn calloop_source(&self) -> io::Result<calloop::generic::Generic<OwnedFd>> {
        crate::link::calloop_source(self)
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ready.as_fd()
    }
}

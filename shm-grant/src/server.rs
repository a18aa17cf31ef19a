//! The end that listens.
//!
//! Invariants: at most one client is served at a time, and the next is accepted only after the owner has been
//! told that the last has gone.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use crate::address::Means;
use crate::link::{Link, LinkError};
use crate::{Address, Event, Exporter, export, software, xen};

/// Listens at an address, serves one client at a time, and exports pages to it. After a loss it listens
/// again.
///
/// Drive it from any event loop: whenever the descriptor ([`AsFd`], or `calloop_source`) is readable, pull
/// [`Server::poll_event`] until it returns `None`. All other calls may be made at any time. Nothing blocks.
#[derive(Debug)]
pub struct Server {
    link: Link,
    exporter: Exporter,
    transport: Transport,
}

#[derive(Debug)]
enum Transport {
    Software(software::Server),
    Xen(Box<xen::Server>),
}

impl Server {
    /// Listens at `address`. Over the software backends it creates the directory and replaces files that a dead
    /// server left; the files go with the server.
    ///
    /// # Errors
    ///
    /// What the system says; `InvalidInput` for a path too long for a socket. Over Xen, one line that says what is
    /// missing: Xen itself, a device, a module, a permission, xenstored, grants.
    pub fn bind(address: &Address) -> io::Result<Self> {
        let link = Link::new()?;
        let (transport, exporter) = match &address.0 {
            Means::Software(address) => {
                let server = software::Server::bind(&link, address)?;
                let exporter = export::Means::Software(server.exporter().clone());
                (Transport::Software(server), exporter)
            }
            Means::Xen(address) => {
                let server = xen::Server::bind(&link, address)?;
                let exporter = export::Means::Xen(server.exporter());
                (Transport::Xen(Box::new(server)), exporter)
            }
        };
        Ok(Self { link, exporter: Exporter(exporter), transport })
    }

    /// Shares pages with the peer; valid for as long as the server lives, connected or not.
    #[must_use]
    pub fn exporter(&self) -> &Exporter {
        &self.exporter
    }

    /// The next thing that happened, if any. `None` ends the round: wait for the descriptor.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.link.events.pop_front() {
                if matches!(event, Event::Disconnected(_)) {
                    self.listen();
                }
                return Some(event);
            }
            if !self.link.starts_round() {
                return None;
            }
            if let Err(error) = self.round() {
                self.link.fail(error);
            }
        }
    }

    /// Takes bytes the peer sent. 0: none now (or no link); an [`Event::Readable`] follows when there are.
    pub fn read(&mut self, into: &mut [u8]) -> usize {
        self.link.read(into, || self.transport.notify())
    }

    /// Sends bytes and returns how many were taken; the peer knows of every earlier export before it sees
    /// them. Less than all: an [`Event::Writable`] follows when there is room. Without a link none are taken.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        let held_back = match &mut self.transport {
            Transport::Software(server) => server.holds_back(&self.link),
            Transport::Xen(_) => false,
        };
        if held_back { 0 } else { self.link.write(bytes, || self.transport.notify()) }
    }

    /// While `false`, [`Event::Readable`] is withheld, so that a peer that sends too fast waits. `true` on
    /// every new link.
    pub fn set_want_read(&mut self, want: bool) {
        self.link.set_want_read(want);
    }

    /// Ends the link, if there is one, without an event, and listens again.
    pub fn disconnect(&mut self) {
        self.link.close();
        self.listen();
    }

    /// A calloop source that is ready whenever [`Server::poll_event`] should be called. It holds a descriptor
    /// of its own; remove it from the loop with the server.
    ///
    /// # Errors
    ///
    /// Out of descriptors.
    #[cfg(feature = "calloop")]
    pub fn calloop_source(&self) -> io::Result<calloop::generic::Generic<std::os::fd::OwnedFd>> {
        crate::link::calloop_source(self)
    }

    fn round(&mut self) -> Result<(), LinkError> {
        match &mut self.transport {
            Transport::Software(server) => server.round(&mut self.link),
            Transport::Xen(server) => server.round(&mut self.link),
        }
    }

    /// Gives up the last client and waits for the next.
    fn listen(&mut self) {
        match &mut self.transport {
            Transport::Software(server) => server.listen(&self.link),
            Transport::Xen(server) => server.listen(&mut self.link),
        }
    }
}

impl Transport {
    fn notify(&self) -> io::Result<()> {
        match self {
            Self::Software(server) => server.exporter().notify(),
            Self::Xen(server) => server.notify(),
        }
    }
}

impl AsFd for Server {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.poller.as_fd()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // In this order: the peer is notified of an end that it can see.
        self.link.close();
        match &mut self.transport {
            Transport::Software(server) => server.exporter().detach(),
            Transport::Xen(server) => server.close(),
        }
    }
}

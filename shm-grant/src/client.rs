//! The end that connects.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use crate::address::Means;
use crate::link::{Link, LinkError};
use crate::{Address, Event, GrantRef, ImportError, ImportedPages, software, xen};

/// Waits for a server to appear at an address, connects, and imports the pages it shares.
///
/// Driven like [`Server`](crate::Server): whenever the descriptor is readable, pull [`Client::poll_event`]
/// until it returns `None`, or call [`Client::leave_rest`]. Nothing blocks, and nothing the server does makes it.
#[derive(Debug)]
pub struct Client {
    link: Link,
    transport: Transport,
}

#[derive(Debug)]
enum Transport {
    Software(software::Client),
    Xen(xen::Client),
}

impl Client {
    /// Watches for the server at `address` and connects once it is there. Over the software backends it creates the
    /// directory if it is missing.
    ///
    /// # Errors
    ///
    /// Out of descriptors; over Xen also one line that says what is missing: Xen itself, a device, a module, a
    /// permission, xenstored. That the directory cannot be watched, or the server not be connected to, is an
    /// [`Event::Disconnected`]; that its domain is not there is no error, for it may come.
    pub fn new(address: &Address) -> io::Result<Self> {
        let link = Link::new()?;
        let transport = match &address.0 {
            Means::Software(address) => Transport::Software(software::Client::new(address.clone())),
            Means::Xen(address) => Transport::Xen(xen::Client::new(&link, address)?),
        };
        let mut client = Self { link, transport };
        client.connect();
        Ok(client)
    }

    /// The next thing that happened, if any. `None` ends the round: wait for the descriptor.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.link.events.pop_front() {
                if matches!(event, Event::Disconnected(_)) {
                    self.rest();
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

    /// Leaves what else has happened for later: the descriptor is readable until it has been pulled. Without this,
    /// nothing may tell of it again.
    pub fn leave_rest(&mut self) {
        self.link.wake.set(true);
    }

    /// Takes bytes the peer sent. 0: none now (or no link); an [`Event::Readable`] follows when there are.
    pub fn read(&mut self, into: &mut [u8]) -> usize {
        self.link.read(into, || self.transport.notify())
    }

    /// Sends bytes and returns how many were taken. Less than all: an [`Event::Writable`] follows when there
    /// is room. Without a link none are taken.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        self.link.write(bytes, || self.transport.notify())
    }

    /// While `false`, [`Event::Readable`] is withheld, so that a peer that sends too fast waits. `true` on
    /// every new link.
    pub fn set_want_read(&mut self, want: bool) {
        self.link.set_want_read(want);
        let watched = match &mut self.transport {
            Transport::Software(client) => client.set_want_read(want),
            Transport::Xen(_) => Ok(()),
        };
        if let Err(error) = watched {
            self.link.fail(error.into());
        }
    }

    /// Maps the pages behind `refs`, in that order, of which `bytes` bytes will be used. The server's word is
    /// taken for nothing: every grant is checked, when it comes or, by Xen, now.
    ///
    /// # Errors
    ///
    /// [`ImportError`]; the caller should then end the link, for the server has broken the rules or died.
    pub fn import(&mut self, refs: &[GrantRef], bytes: usize) -> Result<ImportedPages, ImportError> {
        match &mut self.transport {
            Transport::Software(client) => client.import(&mut self.link, refs, bytes),
            Transport::Xen(client) => client.import(refs, bytes),
        }
    }

    /// Ends the link, or the wait for one, without an event. [`Client::connect`] starts anew.
    pub fn disconnect(&mut self) {
        self.link.close();
        self.rest();
    }

    /// Waits for the server again, after [`Event::Disconnected`] or [`Client::disconnect`]. Nothing happens
    /// on a client that waits or is connected already. A failure is an [`Event::Disconnected`].
    pub fn connect(&mut self) {
        let connected = match &mut self.transport {
            Transport::Software(client) => client.connect(&mut self.link),
            Transport::Xen(client) => client.connect(&self.link),
        };
        if let Err(error) = connected {
            self.link.fail(error);
        }
        self.link.begin();
    }

    /// A calloop source that is ready whenever [`Client::poll_event`] should be called. It holds a descriptor
    /// of its own; remove it from the loop with the client.
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
            Transport::Software(client) => client.round(&mut self.link),
            Transport::Xen(client) => client.round(&mut self.link),
        }
    }

    /// Lets go of the server and waits for the owner.
    fn rest(&mut self) {
        match &mut self.transport {
            Transport::Software(client) => client.rest(),
            Transport::Xen(client) => client.rest(),
        }
    }
}

impl Transport {
    fn notify(&self) -> io::Result<()> {
        match self {
            Self::Software(client) => client.notify(),
            Self::Xen(client) => client.notify(),
        }
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.poller.as_fd()
    }
}

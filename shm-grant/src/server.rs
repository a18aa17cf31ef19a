//! The end that listens.
//!
//! Invariants: at most one client is served at a time, and the next is accepted only after the owner has been
//! told that the last has gone; no byte is sent before the client was told of everything that is shared.

use std::fs;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use crate::address::SocketKind;
use crate::export::Peer;
use crate::link::{Channel, Link, LinkError};
use crate::poll::{Interest, Source, Timer, Token};
use crate::socket::Listener;
use crate::{Address, Backend, Event, Exporter, software_ring};

/// Before accepting is tried again where it failed: typically the process has no descriptor left for the
/// client.
const ACCEPT_RETRY: Duration = Duration::from_secs(1);

/// Listens at an address, serves one client at a time, and exports pages to it. After a loss it listens
/// again.
///
/// Drive it from any event loop: whenever the descriptor ([`AsFd`], or `calloop_source`) is readable, pull
/// [`Server::poll_event`] until it returns `None`. All other calls may be made at any time. Nothing blocks.
#[derive(Debug)]
pub struct Server {
    link: Link,
    exporter: Exporter,
    /// Of the backend with a byte stream.
    stream: Option<Listener>,
    grants: Listener,
    accept_again: Timer,
    /// A write was refused because the client has yet to be told of grants.
    held_back: bool,
}

impl Server {
    /// Listens at `address`. Creates the directory, replaces files that a dead server left; the files go with
    /// the server.
    ///
    /// # Errors
    ///
    /// What the system says; `InvalidInput` for a path too long for a socket.
    pub fn bind(address: &Address) -> io::Result<Self> {
        fs::create_dir_all(&address.directory)?;
        let link = Link::new()?;
        // The grant socket first: a client that finds the stream must find this as well.
        let grants = Listener::bind(&link.poller, address, SocketKind::Grants)?;
        let stream = match address.backend {
            Backend::Socket => Some(Listener::bind(&link.poller, address, SocketKind::Stream)?),
            Backend::Ring => None,
        };
        let accept_again = Timer::new(&link.poller)?;
        let exporter = Exporter::default();
        let mut server = Self { link, exporter, stream, grants, accept_again, held_back: false };
        server.watch_listeners()?;
        Ok(server)
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
        self.link.read(into, || self.exporter.notify())
    }

    /// Sends bytes and returns how many were taken; the peer knows of every earlier export before it sees
    /// them. Less than all: an [`Event::Writable`] follows when there is room. Without a link none are taken.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        if self.link.is_connected() && self.exporter.is_behind() {
            self.held_back = true;
            return 0;
        }
        self.link.write(bytes, || self.exporter.notify())
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
        let ready = self.link.poller.ready()?;
        if ready.readable(Token::Timer) && self.accept_again.expired() {
            self.watch_listeners()?;
        }
        if ready.readable(Token::Grants) || ready.writable(Token::Grants) {
            self.exchange()?;
        }
        if self.held_back && !self.exporter.is_behind() {
            self.held_back = false;
            self.link.events.push_back(Event::Writable);
        }
        self.link.round(&ready)?;
        let waiting = ready.readable(Token::StreamListener) || ready.readable(Token::GrantListener);
        if waiting && self.accept().is_err() {
            self.grants.watch(false)?;
            if let Some(stream) = &mut self.stream {
                stream.watch(false)?;
            }
            self.accept_again.arm(ACCEPT_RETRY)?;
        }
        Ok(())
    }

    /// Sends and takes what there is on the grant socket.
    fn exchange(&mut self) -> Result<(), LinkError> {
        let peer = self.exporter.exchange();
        if matches!(peer, Ok(Peer::Open | Peer::Absent)) {
            return Ok(());
        }
        self.exporter.detach();
        self.link.orphan();
        self.watch_listeners()?;
        match peer {
            Err(error) if self.link.is_connected() => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        match &self.stream {
            Some(stream) => {
                // The stream first: a client connects its grant socket before, which is then among those that
                // wait.
                let client = if self.link.is_connected() { None } else { stream.accept()? };
                self.accept_grants()?;
                if let Some(client) = client {
                    let stream = Source::new(&self.link.poller, Token::Stream, client, Interest::IN)?;
                    self.link.connected(Channel::Stream(stream));
                }
            }
            None if self.link.is_connected() => {}
            None => {
                if let Some(client) = self.grants.accept()? {
                    let socket = Source::new(&self.link.poller, Token::Grants, client, Interest::IN)?;
                    let (ring, file, pages) = software_ring::serve()?;
                    self.exporter.attach(socket, Some((file, pages)));
                    self.link.connected(Channel::Ring { ring, orphaned: false });
                }
            }
        }
        self.watch_listeners()
    }

    /// Takes the first grant socket that waits and is not closed already. They wait in the order of their
    /// clients.
    fn accept_grants(&mut self) -> io::Result<()> {
        loop {
            match self.exporter.exchange() {
                Ok(Peer::Open) => return Ok(()),
                Ok(Peer::Absent) => {}
                Ok(Peer::Closed) | Err(_) => self.exporter.detach(),
            }
            let Some(client) = self.grants.accept()? else { return Ok(()) };
            let socket = Source::new(&self.link.poller, Token::Grants, client, Interest::IN)?;
            self.exporter.attach(socket, None);
        }
    }

    /// Gives up the last client's grant socket and waits for the next client.
    fn listen(&mut self) {
        self.held_back = false;
        self.exporter.detach();
        // Registering a valid descriptor fails for want of memory only; the timer is there already.
        if self.watch_listeners().is_err() {
            let _ = self.accept_again.arm(ACCEPT_RETRY);
        }
    }

    /// Waits for clients that can be served, and for those only.
    fn watch_listeners(&mut self) -> io::Result<()> {
        let free = !self.link.is_connected();
        match &mut self.stream {
            Some(stream) => {
                stream.watch(free)?;
                self.grants.watch(!self.exporter.has_peer())
            }
            None => self.grants.watch(free),
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
        // Exports may outlive the server; the client must not be left waiting on a grant socket that they
        // keep open.
        self.link.close();
        self.exporter.detach();
    }
}

//! The end that listens.
//!
//! Invariants: at most one client is served at a time; no byte is sent before the client was told of everything that
//! is shared.

use std::fs;
use std::io;
use std::time::Duration;

use crate::link::{Channel, Link};
use crate::poll::{Interest, Source, Timer, Token};
use crate::ring::Layout;
use crate::software::address::{Carrier, SocketAddress, SocketKind};
use crate::software::export::{Exporter, Peer};
use crate::software::ring;
use crate::software::socket::Listener;
use crate::{Event, LinkError};

/// Before accepting is tried again where it failed: typically the process has no descriptor left for the
/// client.
const ACCEPT_RETRY: Duration = Duration::from_secs(1);

/// The sockets of one server.
#[derive(Debug)]
pub(crate) struct Server {
    exporter: Exporter,
    bytes: Bytes,
    grants: Listener,
    accept_again: Timer,
    /// A write was refused because the client has yet to be told of grants.
    held_back: bool,
}

/// What carries the bytes.
#[derive(Debug)]
enum Bytes {
    Stream(Listener),
    /// Made for each client.
    Ring(Layout),
}

impl Server {
    /// Listens at `address`.
    pub(crate) fn bind(link: &Link, address: &SocketAddress) -> io::Result<Self> {
        fs::create_dir_all(&address.directory)?;
        // The grant socket first: a client that finds the stream must find this as well.
        let grants = Listener::bind(&link.poller, address, SocketKind::Grants)?;
        let bytes = match address.carrier {
            Carrier::Stream => Bytes::Stream(Listener::bind(&link.poller, address, SocketKind::Stream)?),
            Carrier::Ring(layout) => Bytes::Ring(layout),
        };
        let accept_again = Timer::new(&link.poller)?;
        let mut server =
            Self { exporter: Exporter::default(), bytes, grants, accept_again, held_back: false };
        server.watch_listeners(link)?;
        Ok(server)
    }

    pub(crate) fn exporter(&self) -> &Exporter {
        &self.exporter
    }

    /// Whether nothing may be sent yet, for the client has to be told of exports before.
    pub(crate) fn holds_back(&mut self, link: &Link) -> bool {
        let behind = link.is_connected() && self.exporter.is_behind();
        self.held_back |= behind;
        behind
    }

    /// Turns what is ready into events.
    pub(crate) fn round(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let ready = link.poller.ready()?;
        if ready.readable(Token::Timer) && self.accept_again.expired() {
            self.watch_listeners(link)?;
        }
        if ready.readable(Token::Grants) || ready.writable(Token::Grants) {
            self.exchange(link)?;
        }
        if self.held_back && !self.exporter.is_behind() {
            self.held_back = false;
            link.events.push_back(Event::Writable);
        }
        link.round(&ready)?;
        let waiting = ready.readable(Token::StreamListener) || ready.readable(Token::GrantListener);
        if waiting && self.accept(link).is_err() {
            self.grants.watch(false)?;
            if let Bytes::Stream(stream) = &mut self.bytes {
                stream.watch(false)?;
            }
            self.accept_again.arm(ACCEPT_RETRY)?;
        }
        Ok(())
    }

    /// Sends and takes what there is on the grant socket.
    fn exchange(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let peer = self.exporter.exchange();
        if matches!(peer, Ok(Peer::Open | Peer::Absent)) {
            return Ok(());
        }
        self.exporter.detach();
        link.orphan();
        self.watch_listeners(link)?;
        match peer {
            Err(error) if link.is_connected() => Err(error.into()),
            _ => Ok(()),
        }
    }

    fn accept(&mut self, link: &mut Link) -> io::Result<()> {
        match &self.bytes {
            Bytes::Stream(stream) => {
                // The stream first: a client connects its grant socket before, which is then among those that
                // wait.
                let client = if link.is_connected() { None } else { stream.accept()? };
                self.accept_grants(link)?;
                if let Some(client) = client {
                    let stream = Source::new(&link.poller, Token::Stream, client, Interest::IN)?;
                    link.connected(Channel::Stream(stream));
                }
            }
            Bytes::Ring(_) if link.is_connected() => {}
            Bytes::Ring(layout) => {
                if let Some(client) = self.grants.accept()? {
                    let socket = Source::new(&link.poller, Token::Grants, client, Interest::IN)?;
                    let (ring, file, pages) = ring::serve(*layout)?;
                    self.exporter.attach(socket, Some((file, pages)));
                    link.connected(Channel::Ring { ring, orphaned: false });
                }
            }
        }
        self.watch_listeners(link)
    }

    /// Takes the first grant socket that waits and is not closed already. They wait in the order of their
    /// clients.
    fn accept_grants(&mut self, link: &Link) -> io::Result<()> {
        loop {
            match self.exporter.exchange() {
                Ok(Peer::Open) => return Ok(()),
                Ok(Peer::Absent) => {}
                Ok(Peer::Closed) | Err(_) => self.exporter.detach(),
            }
            let Some(client) = self.grants.accept()? else { return Ok(()) };
            let socket = Source::new(&link.poller, Token::Grants, client, Interest::IN)?;
            self.exporter.attach(socket, None);
        }
    }

    /// Gives up the last client's grant socket and waits for the next client.
    pub(crate) fn listen(&mut self, link: &Link) {
        self.held_back = false;
        self.exporter.detach();
        // Registering a valid descriptor fails for want of memory only; the timer is there already.
        if self.watch_listeners(link).is_err() {
            let _ = self.accept_again.arm(ACCEPT_RETRY);
        }
    }

    /// Waits for clients that can be served, and for those only.
    fn watch_listeners(&mut self, link: &Link) -> io::Result<()> {
        let free = !link.is_connected();
        match &mut self.bytes {
            Bytes::Stream(stream) => {
                stream.watch(free)?;
                self.grants.watch(!self.exporter.has_peer())
            }
            Bytes::Ring(_) => self.grants.watch(free),
        }
    }
}

//! The end that connects.

use std::io;
use std::mem;
use std::os::fd::{AsFd, BorrowedFd};

use crate::address::SocketKind;
use crate::import::{self, ImportError, Importer};
use crate::link::{Channel, Link, LinkError};
use crate::poll::{Interest, Source, Token};
use crate::socket::{Attempt, try_connect};
use crate::wait::{Seen, Wait};
use crate::{Address, Backend, Event, GrantRef, ImportedPages, software_ring};

/// Waits for a server to appear at an address, connects, and imports the pages it shares.
///
/// Driven like [`Server`](crate::Server): whenever the descriptor is readable, pull [`Client::poll_event`]
/// until it returns `None`. Nothing blocks, and nothing the server does makes it.
#[derive(Debug)]
pub struct Client {
    link: Link,
    state: State,
    address: Address,
}

#[derive(Debug)]
enum State {
    /// Waits for its owner.
    Idle,
    /// Waits for the server to appear.
    Waiting(Wait),
    /// Has reached the server and waits for the ring.
    Greeting(Importer),
    /// A peer without a grant socket shares nothing.
    Connected(Option<Importer>),
}

impl Client {
    /// Watches for the server at `address` and connects once it is there. Creates the directory if it is
    /// missing.
    ///
    /// # Errors
    ///
    /// Out of descriptors. That the directory cannot be watched, or the server not be connected to, is an
    /// [`Event::Disconnected`].
    pub fn new(address: &Address) -> io::Result<Self> {
        let mut client = Self { link: Link::new()?, state: State::Idle, address: address.clone() };
        client.connect();
        Ok(client)
    }

    /// The next thing that happened, if any. `None` ends the round: wait for the descriptor.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.link.events.pop_front() {
                if matches!(event, Event::Disconnected(_)) {
                    self.state = State::Idle;
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
        self.link.read(into, || notify(&self.state))
    }

    /// Sends bytes and returns how many were taken. Less than all: an [`Event::Writable`] follows when there
    /// is room. Without a link none are taken.
    pub fn write(&mut self, bytes: &[u8]) -> usize {
        self.link.write(bytes, || notify(&self.state))
    }

    /// While `false`, [`Event::Readable`] is withheld, so that a peer that sends too fast waits. `true` on
    /// every new link.
    pub fn set_want_read(&mut self, want: bool) {
        self.link.set_want_read(want);
        if let State::Connected(Some(importer)) = &mut self.state
            // In the other backend the socket also says when there is room to write.
            && self.address.backend == Backend::Socket
            && let Err(error) = importer.watch(want)
        {
            self.link.fail(error.into());
        }
    }

    /// Maps the pages behind `refs`, in that order, of which `bytes` bytes will be used. The server's word is
    /// taken for nothing: every grant is checked when it comes.
    ///
    /// # Errors
    ///
    /// [`ImportError`]; the caller should then end the link, for the server has broken the rules or died.
    pub fn import(&mut self, refs: &[GrantRef], bytes: usize) -> Result<ImportedPages, ImportError> {
        let State::Connected(Some(importer)) = &mut self.state else {
            return Err(ImportError::NoGrants);
        };
        if importer.drain(import::ALL)? {
            // The notification was about the ring, which the next round looks at.
            self.link.wake.set(true);
        }
        importer.import(refs, bytes)
    }

    /// Ends the link, or the wait for one, without an event. [`Client::connect`] starts anew.
    pub fn disconnect(&mut self) {
        self.link.close();
        self.state = State::Idle;
    }

    /// Waits for the server again, after [`Event::Disconnected`] or [`Client::disconnect`]. Nothing happens
    /// on a client that waits or is connected already. A failure is an [`Event::Disconnected`].
    pub fn connect(&mut self) {
        if !matches!(self.state, State::Idle) {
            return;
        }
        if let Err(error) = self.watch_and_attempt() {
            self.link.fail(error);
        }
        self.link.wake.set(true);
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

    /// The socket whose appearance says that the server is there.
    fn sign(&self) -> SocketKind {
        match self.address.backend {
            Backend::Socket => SocketKind::Stream,
            Backend::Ring => SocketKind::Grants,
        }
    }

    fn watch_and_attempt(&mut self) -> Result<(), LinkError> {
        // In this order, or a server that comes in between would be missed.
        let wait = Wait::new(&self.link.poller, &self.address, self.address.file_name(self.sign()))?;
        self.state = State::Waiting(wait);
        self.attempt()
    }

    fn round(&mut self) -> Result<(), LinkError> {
        let ready = self.link.poller.ready()?;
        match &mut self.state {
            State::Idle => Ok(()),
            State::Waiting(wait) => match wait.look()? {
                Seen::Nothing => Ok(()),
                Seen::Appeared => self.attempt(),
                Seen::DirectoryLost => self.watch_and_attempt(),
            },
            State::Greeting(_) => self.greet(),
            State::Connected(importer) => {
                if let Some(importer) = importer
                    && ready.readable(Token::Grants)
                {
                    importer.drain(import::A_FEW)?;
                    if !importer.is_open() {
                        self.link.orphan();
                    }
                }
                self.link.round(&ready)
            }
        }
    }

    /// Connects, if the server is there.
    fn attempt(&mut self) -> Result<(), LinkError> {
        // The grant socket first: the server looks for it when it accepts the stream.
        let grants = match try_connect(&self.address, SocketKind::Grants)? {
            Attempt::Connected(socket) => Some(socket),
            attempt => match (self.address.backend, attempt) {
                (_, Attempt::Busy) => return self.try_later(Attempt::Busy),
                (Backend::Ring, attempt) => return self.try_later(attempt),
                (Backend::Socket, _) => None,
            },
        };
        let importer = match grants {
            None => None,
            Some(socket) => {
                let socket = Source::new(&self.link.poller, Token::Grants, socket, Interest::IN)?;
                Some(Importer::new(socket))
            }
        };
        if self.address.backend == Backend::Ring {
            self.state = importer.map_or(State::Idle, State::Greeting);
            return self.greet();
        }
        let stream = match try_connect(&self.address, SocketKind::Stream)? {
            Attempt::Connected(stream) => stream,
            attempt => return self.try_later(attempt),
        };
        if importer.is_none()
            && matches!(try_connect(&self.address, SocketKind::Grants)?, Attempt::Connected(_))
        {
            // The server has just started: its grant socket came after the first look, its stream before the
            // second. It may have accepted the stream already, without grants, so this is given up.
            return self.try_later(Attempt::Refused);
        }
        self.state = State::Connected(importer);
        self.link.connected(Channel::Stream(Source::new(
            &self.link.poller,
            Token::Stream,
            stream,
            Interest::IN,
        )?));
        Ok(())
    }

    fn try_later(&mut self, attempt: Attempt) -> Result<(), LinkError> {
        if let State::Waiting(wait) = &mut self.state {
            match attempt {
                Attempt::Refused => wait.refused()?,
                Attempt::Busy => wait.busy()?,
                Attempt::Absent | Attempt::Connected(_) => {}
            }
        }
        Ok(())
    }

    /// Joins the ring, if the server has sent it.
    fn greet(&mut self) -> Result<(), LinkError> {
        let State::Greeting(importer) = &mut self.state else { return Ok(()) };
        match importer.receive_ring()? {
            Some((file, pages)) => {
                let ring = software_ring::join(&file, pages)?;
                importer.notify()?;
                if let State::Greeting(importer) = mem::replace(&mut self.state, State::Idle) {
                    self.state = State::Connected(Some(importer));
                }
                self.link.connected(Channel::Ring { ring, orphaned: false });
                Ok(())
            }
            None if importer.is_open() => Ok(()),
            None => Err(LinkError::Closed),
        }
    }
}

fn notify(state: &State) -> io::Result<()> {
    match state {
        State::Connected(Some(importer)) => importer.notify(),
        _ => Ok(()),
    }
}

impl AsFd for Client {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.link.poller.as_fd()
    }
}

//! The end that connects.

use std::io;
use std::mem;

use crate::link::{Channel, Link};
use crate::poll::{Interest, Source, Token};
use crate::software::address::{Carrier, SocketAddress, SocketKind};
use crate::software::import::{self, Importer};
use crate::software::ring;
use crate::software::socket::{Attempt, try_connect};
use crate::software::wait::{Seen, Wait};
use crate::{GrantRef, ImportError, ImportedPages, LinkError};

/// The sockets of one client.
#[derive(Debug)]
pub(crate) struct Client {
    state: State,
    address: SocketAddress,
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
    pub(crate) fn new(address: SocketAddress) -> Self {
        Self { state: State::Idle, address }
    }

    pub(crate) fn set_want_read(&mut self, want: bool) -> io::Result<()> {
        match (&mut self.state, self.address.carrier) {
            (State::Connected(Some(importer)), Carrier::Stream) => importer.watch(want),
            // With a ring the socket also says when there is room to write.
            _ => Ok(()),
        }
    }

    /// Maps the pages behind `refs`, of which `bytes` bytes will be used.
    pub(crate) fn import(
        &mut self,
        link: &mut Link,
        refs: &[GrantRef],
        bytes: usize,
    ) -> Result<ImportedPages, ImportError> {
        let State::Connected(Some(importer)) = &mut self.state else {
            return Err(ImportError::NoGrants);
        };
        if importer.drain(import::ALL)? {
            // The notification was about the ring, which the next round looks at.
            link.wake.set(true);
        }
        importer.import(refs, bytes)
    }

    /// Lets go of the server, or of the wait for one.
    pub(crate) fn rest(&mut self) {
        self.state = State::Idle;
    }

    /// Waits for the server, unless it waits or is connected already.
    pub(crate) fn connect(&mut self, link: &mut Link) -> Result<(), LinkError> {
        match self.state {
            State::Idle => self.watch_and_attempt(link),
            _ => Ok(()),
        }
    }

    pub(crate) fn notify(&self) -> io::Result<()> {
        match &self.state {
            State::Connected(Some(importer)) => importer.notify(),
            _ => Ok(()),
        }
    }

    /// The socket whose appearance says that the server is there.
    fn sign(&self) -> SocketKind {
        match self.address.carrier {
            Carrier::Stream => SocketKind::Stream,
            Carrier::Ring(_) => SocketKind::Grants,
        }
    }

    fn watch_and_attempt(&mut self, link: &mut Link) -> Result<(), LinkError> {
        // In this order, or a server that comes in between would be missed.
        let wait = Wait::new(&link.poller, &self.address, self.address.file_name(self.sign()))?;
        self.state = State::Waiting(wait);
        self.attempt(link)
    }

    /// Turns what is ready into events.
    pub(crate) fn round(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let ready = link.poller.ready()?;
        match &mut self.state {
            State::Idle => Ok(()),
            State::Waiting(wait) => match wait.look()? {
                Seen::Nothing => Ok(()),
                Seen::Appeared => self.attempt(link),
                Seen::DirectoryLost => self.watch_and_attempt(link),
            },
            State::Greeting(_) => self.greet(link),
            State::Connected(importer) => {
                if let Some(importer) = importer
                    && ready.readable(Token::Grants)
                {
                    importer.drain(import::A_FEW)?;
                    if !importer.is_open() {
                        link.orphan();
                    }
                }
                link.round(&ready)
            }
        }
    }

    /// Connects, if the server is there.
    fn attempt(&mut self, link: &mut Link) -> Result<(), LinkError> {
        // The grant socket first: the server looks for it when it accepts the stream.
        let grants = match try_connect(&self.address, SocketKind::Grants)? {
            Attempt::Connected(socket) => Some(socket),
            attempt => match (self.address.carrier, attempt) {
                (_, Attempt::Busy) => return self.try_later(Attempt::Busy),
                (Carrier::Ring(_), attempt) => return self.try_later(attempt),
                (Carrier::Stream, _) => None,
            },
        };
        let importer = match grants {
            None => None,
            Some(socket) => {
                let socket = Source::new(&link.poller, Token::Grants, socket, Interest::IN)?;
                Some(Importer::new(socket))
            }
        };
        if matches!(self.address.carrier, Carrier::Ring(_)) {
            self.state = importer.map_or(State::Idle, State::Greeting);
            return self.greet(link);
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
        link.connected(Channel::Stream(Source::new(&link.poller, Token::Stream, stream, Interest::IN)?));
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
    fn greet(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let State::Greeting(importer) = &mut self.state else { return Ok(()) };
        match importer.receive_ring()? {
            Some((file, pages)) => {
                let ring = ring::join(&file, pages)?;
                importer.notify()?;
                if let State::Greeting(importer) = mem::replace(&mut self.state, State::Idle) {
                    self.state = State::Connected(Some(importer));
                }
                link.connected(Channel::Ring { ring, orphaned: false });
                Ok(())
            }
            None if importer.is_open() => Ok(()),
            None => Err(LinkError::Closed),
        }
    }
}

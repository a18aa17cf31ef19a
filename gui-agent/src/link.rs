//! The link to the GUI domain: channel and protocol together.
//!
//! The protocol's end holds the complete scene, so a lost link costs nothing but time: the channel listens again, and
//! whoever connects next is told everything from the start.

use std::{
    io,
    time::{Duration, Instant},
};

use gui_protocol::{AgentConfig, AgentConn, AgentEvent, Violation};
use shm_grant::{Address, Event, Server};
use smithay::reexports::calloop::generic::Generic;
use tracing::{info, warn};

use crate::options::Options;

/// Bytes read at once. Input events are 20 to 40 bytes, the clipboard may be more; it comes in parts then.
const READ_BYTES: usize = 4096;

/// One agent's end of the link.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) server: Server,
    pub(crate) conn: AgentConn,
    started: Instant,
    lost: bool,
}

impl Link {
    /// Listens where the options say.
    pub(crate) fn listen(options: &Options) -> io::Result<Self> {
        let mut address = Address::new(options.backend, options.domain, options.gui_domain, options.port);
        if let Some(directory) = &options.vchan_dir {
            address = address.in_directory(directory);
        }
        let server = Server::bind(&address)?;
        info!("listening for the GUI domain: {address}");
        let conn = AgentConn::new(AgentConfig { max_minor: options.max_minor }, Duration::ZERO);
        Ok(Self { server, conn, started: Instant::now(), lost: false })
    }

    /// Ready whenever [`Link::read`] has something to do.
    pub(crate) fn source(&self) -> io::Result<Generic<std::os::fd::OwnedFd>> {
        self.server.calloop_source()
    }

    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Takes in everything that has arrived.
    pub(crate) fn read(&mut self) {
        while let Some(event) = self.server.poll_event() {
            match event {
                Event::Connected => {
                    info!("the GUI domain has connected");
                    self.conn.connected(self.started.elapsed());
                }
                Event::Readable => self.read_bytes(),
                // `write` follows every round of events
                Event::Writable => {}
                Event::Disconnected(reason) => {
                    info!("the GUI domain is gone ({reason}); applications keep running");
                    self.forget_peer();
                }
            }
        }
    }

    fn read_bytes(&mut self) {
        let mut bytes = [0; READ_BYTES];
        loop {
            let read = self.server.read(&mut bytes);
            let Some(read) = bytes.get(..read).filter(|read| !read.is_empty()) else { return };
            if let Err(violation) = self.conn.handle_bytes(read, self.started.elapsed()) {
                return self.give_up(&violation);
            }
            if read.len() < READ_BYTES {
                // there was no more, and what comes now is told
                return;
            }
        }
    }

    fn give_up(&mut self, violation: &Violation) {
        warn!("the GUI domain broke the protocol, link ended: {violation}");
        self.server.disconnect();
        self.forget_peer();
    }

    fn forget_peer(&mut self) {
        self.lost = true;
        self.conn.disconnected();
    }

    /// Whether a daemon was lost since this was last asked, be there a new one or not.
    pub(crate) fn take_lost(&mut self) -> bool {
        std::mem::take(&mut self.lost)
    }

    /// The next thing the GUI domain wants.
    pub(crate) fn next_event(&mut self) -> Option<AgentEvent> {
        self.conn.poll_event()
    }

    /// Lets time pass and sends as much as the channel takes.
    pub(crate) fn write(&mut self) {
        if let Err(violation) = self.conn.handle_timeout(self.now()) {
            self.give_up(&violation);
        }
        loop {
            let written = self.server.write(self.conn.transmit());
            if written == 0 {
                return;
            }
            self.conn.transmitted(written);
        }
    }

    /// Whether a daemon is there and has been sent everything there is to say. One that has not greeted yet has not: which
    /// version it speaks decides who paces the clients.
    pub(crate) fn is_clear(&self) -> bool {
        self.conn.is_running() && self.conn.transmit().is_empty()
    }

    /// Whether a daemon is there that speaks this project's extension.
    pub(crate) fn is_extended(&self) -> bool {
        self.conn.level() > 0
    }

    /// When [`Link::write`] wants to be called even if nothing happens.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.conn.poll_timeout().map(|since| self.started + since)
    }
}

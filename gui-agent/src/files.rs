//! Files to and from other domains, which the GUI domain's user lets pass.
//!
//! What holds:
//! - Who sends is a program of this user's: it hands over the bytes, so no file is opened for anybody else.
//! - What comes lands in a folder of the sending domain's name, under names that are made harmless, beside what is there.
//!   All of it, or nothing: files get their names when all are whole and on the disk.
//! - The loop waits for no disk: one thread writes, and takes no more than the protocol's window at a time.
//! - A link that ends, ends both directions.

mod incoming;
mod local;
mod outgoing;
mod place;
pub(crate) mod send;

use std::{io, path::Path};

use smithay::reexports::calloop::LoopHandle;

use crate::state::State;
use incoming::Incoming;
use outgoing::Outgoing;

/// Both directions.
#[derive(Debug)]
pub(crate) struct Files {
    outgoing: Outgoing,
    incoming: Incoming,
}

impl Files {
    /// Listens beside the applications' socket for programs that send files; what comes goes to a folder below `folder`.
    pub(crate) fn new(
        socket: &Path,
        folder: Option<&Path>,
        event_loop: &LoopHandle<'static, State>,
    ) -> io::Result<Self> {
        let outgoing = Outgoing::listen(socket, event_loop)?;
        let incoming = Incoming::new(folder, event_loop)?;
        Ok(Self { outgoing, incoming })
    }
}

impl State {
    /// The link is gone: neither direction goes on.
    pub(crate) fn end_files(&mut self) {
        self.link_lost_for_sender();
        self.files.incoming.stop();
    }
}

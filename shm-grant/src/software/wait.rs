//! Waiting for a server to appear, without looking for it again and again.
//!
//! The directory is watched, and a file that appears under the right name is the sign. Two states have no
//! sign to wait for and are tried again by a timer: a file nobody listens behind (a few times only, since a
//! dead server's file stays), and a server with too many clients (rare, at leisure).

use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::time::Duration;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, Reader, WatchFlags};
use rustix::io::Errno;

use crate::poll::{Interest, Poller, Source, Timer, Token};
use crate::software::address::SocketAddress;

/// Between the appearance of a file and the second attempt; doubled from one to the next. A server that binds
/// first and listens then does so within microseconds.
const FIRST_RETRY: Duration = Duration::from_millis(10);

/// Attempts on a file that refuses, 2.5 seconds in all: then it is a dead server's, until it is replaced.
const MAX_RETRIES: u32 = 8;

/// Between attempts on a server that serves another client and has one more waiting.
const BUSY_RETRY: Duration = Duration::from_secs(1);

/// A watch on the directory of the sockets.
#[derive(Debug)]
pub(crate) struct Wait {
    directory: Source,
    timer: Timer,
    name: String,
    retries: u32,
}

impl Wait {
    /// Watches for files of that name. Creates the directory if it is missing.
    pub(crate) fn new(poller: &Arc<Poller>, address: &SocketAddress, name: String) -> io::Result<Self> {
        fs::create_dir_all(&address.directory)?;
        let directory = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let flags =
            WatchFlags::CREATE | WatchFlags::MOVED_TO | WatchFlags::DELETE_SELF | WatchFlags::MOVE_SELF;
        inotify::add_watch(&directory, &address.directory, flags | WatchFlags::ONLYDIR)?;
        let directory = Source::new(poller, Token::Directory, directory, Interest::IN)?;
        Ok(Self { directory, timer: Timer::new(poller)?, name, retries: 0 })
    }

    /// Takes what the watch has seen.
    pub(crate) fn look(&mut self) -> io::Result<Seen> {
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = Reader::new(&self.directory, &mut buffer);
        let mut seen = Seen::Nothing;
        loop {
            let event = match reader.next() {
                Ok(event) => event,
                Err(Errno::AGAIN | Errno::INTR) => break,
                Err(error) => return Err(error.into()),
            };
            let lost = ReadFlags::IGNORED | ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF;
            if event.events().intersects(lost) {
                return Ok(Seen::DirectoryLost);
            }
            let ours = event.file_name().is_some_and(|name| name.to_bytes() == self.name.as_bytes());
            if ours || event.events().contains(ReadFlags::QUEUE_OVERFLOW) {
                seen = Seen::Appeared;
            }
        }
        if seen == Seen::Appeared {
            self.retries = 0;
        }
        if self.timer.expired() {
            seen = Seen::Appeared;
        }
        Ok(seen)
    }

    /// The file was there and refused: tries again soon, unless it has refused too often.
    pub(crate) fn refused(&mut self) -> io::Result<()> {
        if self.retries < MAX_RETRIES {
            self.timer.arm(FIRST_RETRY.saturating_mul(1 << self.retries))?;
            self.retries = self.retries.saturating_add(1);
        }
        Ok(())
    }

    /// The server has enough clients: tries again later.
    pub(crate) fn busy(&mut self) -> io::Result<()> {
        self.timer.arm(BUSY_RETRY)
    }
}

/// What a [`Wait`] has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Nothing,
    /// There is reason to try.
    Appeared,
    /// The directory was moved or removed: this watch will see nothing any more.
    DirectoryLost,
}

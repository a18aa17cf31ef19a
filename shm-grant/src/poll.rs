//! One epoll set per end of a link, so that its owner has one descriptor to wait for, and the few kinds of
//! descriptor in it.
//!
//! What a source waits for changes with a single system call at any time, without the owner's event loop. A
//! source that waits for nothing is not in the set at all: a peer that hung up cannot then wake us again and
//! again.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::io::Errno;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};

pub(crate) use rustix::event::epoll::EventFlags as Interest;

/// What a descriptor in the set is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    StreamListener,
    GrantListener,
    Stream,
    Grants,
    Directory,
    Events,
    Store,
    Timer,
    Wake,
}

const TOKENS: usize = Token::Wake as usize + 1;

/// The set.
#[derive(Debug)]
pub(crate) struct Poller {
    epoll: OwnedFd,
}

impl Poller {
    pub(crate) fn new() -> io::Result<Arc<Self>> {
        Ok(Arc::new(Self { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)? }))
    }

    /// What is ready now.
    pub(crate) fn ready(&self) -> io::Result<Ready> {
        let mut events = Vec::with_capacity(TOKENS);
        match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&Timespec::default())) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(Ready(events.iter().map(|event| (event.data.u64(), event.flags)).collect()))
    }
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

/// A snapshot of what was ready.
pub(crate) struct Ready(Vec<(u64, Interest)>);

impl Ready {
    /// Data, a connection, an end or an error.
    pub(crate) fn readable(&self, token: Token) -> bool {
        self.any(token, Interest::IN | Interest::HUP | Interest::ERR)
    }

    pub(crate) fn writable(&self, token: Token) -> bool {
        self.any(token, Interest::OUT)
    }

    fn any(&self, token: Token, wanted: Interest) -> bool {
        self.0.iter().any(|(data, flags)| *data == token as u64 && flags.intersects(wanted))
    }
}

/// A descriptor, or what owns one, with its place in the set.
#[derive(Debug)]
pub(crate) struct Source<F: AsFd = OwnedFd> {
    poller: Arc<Poller>,
    token: Token,
    interest: Interest,
    fd: F,
}

impl<F: AsFd> Source<F> {
    pub(crate) fn new(poller: &Arc<Poller>, token: Token, fd: F, interest: Interest) -> io::Result<Self> {
        let mut source = Self { poller: Arc::clone(poller), token, interest: Interest::empty(), fd };
        source.watch(interest)?;
        Ok(source)
    }

    pub(crate) fn get(&self) -> &F {
        &self.fd
    }

    pub(crate) fn get_mut(&mut self) -> &mut F {
        &mut self.fd
    }

    /// Waits for exactly `interest` from now on.
    pub(crate) fn watch(&mut self, interest: Interest) -> io::Result<()> {
        let data = epoll::EventData::new_u64(self.token as u64);
        match (self.interest.is_empty(), interest.is_empty()) {
            (true, true) => {}
            (true, false) => epoll::add(&self.poller.epoll, &self.fd, data, interest)?,
            (false, true) => epoll::delete(&self.poller.epoll, &self.fd)?,
            (false, false) if self.interest == interest => {}
            (false, false) => epoll::modify(&self.poller.epoll, &self.fd, data, interest)?,
        }
        self.interest = interest;
        Ok(())
    }

    /// Adds or removes one wish.
    pub(crate) fn watch_for(&mut self, wish: Interest, wanted: bool) -> io::Result<()> {
        let mut interest = self.interest;
        interest.set(wish, wanted);
        self.watch(interest)
    }
}

impl<F: AsFd> AsFd for Source<F> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl<F: AsFd> Drop for Source<F> {
    fn drop(&mut self) {
        // Closing the descriptor would do it, unless a child between fork and exec holds a copy. Nothing can
        // be done about a failure, and nothing depends on it.
        let _ = self.watch(Interest::empty());
    }
}

/// Makes the set ready by our own will.
#[derive(Debug)]
pub(crate) struct Wake {
    event: Source,
    set: bool,
}

impl Wake {
    pub(crate) fn new(poller: &Arc<Poller>) -> io::Result<Self> {
        let event = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Self { event: Source::new(poller, Token::Wake, event, Interest::IN)?, set: false })
    }

    /// Makes the set ready until told otherwise.
    pub(crate) fn set(&mut self, set: bool) {
        if self.set == set {
            return;
        }
        self.set = set;
        // The counter goes between 0 and 1, and nobody else has the descriptor: neither call can fail or
        // block.
        let _ = match set {
            true => rustix::io::write(&self.event, &1u64.to_ne_bytes()),
            false => rustix::io::read(&self.event, &mut [0; 8]),
        };
    }
}

/// Makes the set ready after a time, once.
#[derive(Debug)]
pub(crate) struct Timer(Source);

impl Timer {
    pub(crate) fn new(poller: &Arc<Poller>) -> io::Result<Self> {
        let timer =
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK)?;
        Ok(Self(Source::new(poller, Token::Timer, timer, Interest::IN)?))
    }

    pub(crate) fn arm(&self, after: Duration) -> io::Result<()> {
        let it_value = Timespec::try_from(after).map_err(|_| io::ErrorKind::InvalidInput)?;
        let once = Itimerspec { it_interval: Timespec::default(), it_value };
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once)?;
        Ok(())
    }

    /// Whether the time has come since it was armed.
    pub(crate) fn expired(&self) -> bool {
        let mut count = [MaybeUninit::<u8>::uninit(); 8];
        rustix::io::read(&self.0, &mut count).is_ok()
    }
}

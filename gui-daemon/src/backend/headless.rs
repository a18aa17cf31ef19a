//! Virtual screens: nothing is shown, but frames are taken at the pace of real ones.

use std::{cell::RefCell, io, os::fd::OwnedFd, rc::Rc, time::Duration};

use rustix::event::epoll;
use smithay::reexports::calloop::{
    self, EventSource, Interest, Mode, Poll, PostAction, Readiness, Token, TokenFactory, generic::Generic,
};

use super::{BackendError, OutputId, clock::RefreshClock};

/// Virtual screens, each with a clock of its own.
#[derive(Debug)]
pub struct Headless {
    clocks: Rc<RefCell<Vec<(OutputId, RefreshClock)>>>,
    /// Readable while any of the clocks is.
    epoll: Rc<OwnedFd>,
}

/// The clocks' ticks.
#[derive(Debug)]
pub(super) struct HeadlessSource {
    clocks: Rc<RefCell<Vec<(OutputId, RefreshClock)>>>,
    ticks: Generic<Rc<OwnedFd>>,
}

impl Headless {
    pub(super) fn new() -> Result<(Self, HeadlessSource), BackendError> {
        let epoll =
            epoll::create(epoll::CreateFlags::CLOEXEC).map_err(|err| BackendError::Clock(err.into()))?;
        let (clocks, epoll) = (Rc::default(), Rc::new(epoll));
        let ticks = Generic::new(Rc::clone(&epoll), Interest::READ, Mode::Level);
        let source = HeadlessSource { clocks: Rc::clone(&clocks), ticks };
        Ok((Self { clocks, epoll }, source))
    }

    /// Adds a screen, or changes the pace of the one there is.
    pub(super) fn connect(&self, output: OutputId, refresh_hz: u32) -> io::Result<()> {
        let interval = 1_000_000_000_u64.checked_div(refresh_hz.into()).unwrap_or(0);
        let clock = RefreshClock::new(Duration::from_nanos(interval))?;
        let data = epoll::EventData::new_u64(output.0.into());
        epoll::add(&*self.epoll, &clock, data, epoll::EventFlags::IN)?;
        // The kernel forgets a clock with its descriptor.
        self.disconnect(output);
        self.clocks.borrow_mut().push((output, clock));
        Ok(())
    }

    pub(super) fn disconnect(&self, output: OutputId) {
        self.clocks.borrow_mut().retain(|(known, _)| *known != output);
    }

    pub(super) fn schedule_frame(&self, output: OutputId) -> io::Result<()> {
        let clocks = self.clocks.borrow();
        clocks.iter().find(|(known, _)| *known == output).map_or(Ok(()), |(_, clock)| clock.schedule())
    }
}

impl HeadlessSource {
    pub(super) fn process_events(
        &mut self,
        readiness: Readiness,
        token: Token,
        mut callback: impl FnMut(OutputId),
    ) -> io::Result<PostAction> {
        let clocks = &self.clocks;
        self.ticks.process_events(readiness, token, |_, _| {
            let mut due = Vec::new();
            for (output, clock) in clocks.borrow().iter() {
                if clock.tick()? {
                    due.push(*output);
                }
            }
            due.into_iter().for_each(&mut callback);
            Ok(PostAction::Continue)
        })
    }

    pub(super) fn register(&mut self, poll: &mut Poll, tokens: &mut TokenFactory) -> calloop::Result<()> {
        self.ticks.register(poll, tokens)
    }

    pub(super) fn reregister(&mut self, poll: &mut Poll, tokens: &mut TokenFactory) -> calloop::Result<()> {
        self.ticks.reregister(poll, tokens)
    }

    pub(super) fn unregister(&mut self, poll: &mut Poll) -> calloop::Result<()> {
        self.ticks.unregister(poll)
    }
}

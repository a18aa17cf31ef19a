//! The one timer of the event loop.
//!
//! It costs a system call when its time changes and nothing otherwise, whereas a timer of the loop's own would be set anew
//! for each wait.

use std::{io, os::fd::OwnedFd, time::Instant};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create, timerfd_settime,
};
use smithay::reexports::calloop::{self, Interest, LoopHandle, Mode, PostAction, generic::Generic};
use tracing::error;

use crate::state::State;

/// Wakes the agent at one time.
#[derive(Debug)]
pub(crate) struct Alarm {
    timer: OwnedFd,
    at: Option<Instant>,
}

impl Alarm {
    /// Not set. `ring` is called when it rings.
    pub(crate) fn new(
        event_loop: &LoopHandle<'static, State>,
        ring: impl Fn(&mut State) + 'static,
    ) -> Result<Self, calloop::Error> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags).map_err(io::Error::from)?;
        let source = Generic::new(timer.try_clone()?, Interest::READ, Mode::Level);
        let ring = move |_, _: &mut _, state: &mut State| {
            ring(state);
            Ok(PostAction::Continue)
        };
        event_loop.insert_source(source, ring).map_err(|error| error.error)?;
        Ok(Self { timer, at: None })
    }

    /// Rings at this time, or not at all.
    pub(crate) fn set(&mut self, at: Option<Instant>) {
        if self.at != at {
            self.at = at;
            self.arm();
        }
    }

    /// It has rung, and does not ring again.
    pub(crate) fn rang(&mut self) {
        self.set(None);
    }

    fn arm(&self) {
        // a time of zero is none, so one that is past is one nanosecond away
        let until = self.at.map(|at| at.saturating_duration_since(Instant::now()));
        let until = until.map_or((0, 0), |until| (until.as_secs(), until.subsec_nanos().max(1)));
        let it_value =
            Timespec { tv_sec: i64::try_from(until.0).unwrap_or(i64::MAX), tv_nsec: until.1.into() };
        let it_interval = Timespec { tv_sec: 0, tv_nsec: 0 };
        let time = Itimerspec { it_interval, it_value };
        if let Err(error) = timerfd_settime(&self.timer, TimerfdTimerFlags::empty(), &time) {
            error!("no timer can be set: {error}");
        }
    }
}

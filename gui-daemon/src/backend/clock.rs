//! The pace of a screen: a clock that ticks only when a frame was asked for.
//!
//! Invariants: at most one tick per interval, on a steady grid while frames follow each other; no wake-up at all while
//! nothing is asked for.

use std::{
    cell::Cell,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    rc::Rc,
    time::Duration,
};

use rustix::{
    event::{EventfdFlags, eventfd},
    io::Errno,
    time::{
        ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
        timerfd_create, timerfd_settime,
    },
};

/// A clock with one pending tick at most. Clones share it; its descriptor is readable when the tick is due.
#[derive(Debug, Clone)]
pub struct RefreshClock(Rc<Shared>);

#[derive(Debug)]
struct Shared {
    /// A timer; with no interval an event, since a timer that is due costs an interrupt.
    alarm: OwnedFd,
    interval: Duration,
    /// When the pending tick is due, on the monotonic clock.
    due: Cell<Option<Duration>>,
    /// The grid point of the last tick.
    last: Cell<Option<Duration>>,
}

impl RefreshClock {
    /// A clock with at least `interval` between ticks; zero ticks as soon as asked.
    pub fn new(interval: Duration) -> io::Result<Self> {
        let alarm = if interval.is_zero() {
            eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?
        } else {
            timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC)?
        };
        Ok(Self(Rc::new(Shared { alarm, interval, due: Cell::new(None), last: Cell::new(None) })))
    }

    /// Asks for one tick, at once if the last was an interval ago.
    pub fn schedule(&self) -> io::Result<()> {
        if self.0.due.get().is_some() {
            return Ok(());
        }
        let due = self.0.last.get().map_or(Duration::ZERO, |last| last.saturating_add(self.0.interval));
        if self.0.interval.is_zero() {
            rustix::io::write(&self.0.alarm, &1_u64.to_ne_bytes())?;
        } else {
            // A time in the past fires at once, but zero would disarm the timer.
            let value = Timespec::try_from(due.max(Duration::from_nanos(1))).map_err(|_| Errno::OVERFLOW)?;
            let once = Itimerspec { it_interval: Timespec::default(), it_value: value };
            timerfd_settime(&self.0.alarm, TimerfdTimerFlags::ABSTIME, &once)?;
        }
        self.0.due.set(Some(due));
        Ok(())
    }

    /// Goes on from now, as if this were a tick or, without `ticked`, the start. Not to be called while one is asked for.
    pub fn restart(&self, ticked: bool) {
        self.0.last.set(ticked.then(monotonic));
    }

    /// Takes the tick that is due, if one is.
    pub fn tick(&self) -> io::Result<bool> {
        // Either kind of alarm is silent once its count is read.
        let mut count = [0; 8];
        match rustix::io::read(&self.0.alarm, &mut count) {
            Ok(_) => {}
            Err(Errno::AGAIN | Errno::INTR) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
        let Some(due) = self.0.due.take() else { return Ok(false) };
        let now = monotonic();
        // Only a tick that is late by less than an interval belongs to the running grid.
        let on_grid = now.saturating_sub(due) < self.0.interval;
        self.0.last.set(Some(if on_grid { due } else { now }));
        Ok(true)
    }
}

impl AsFd for RefreshClock {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.alarm.as_fd()
    }
}

/// The monotonic clock.
pub fn monotonic() -> Duration {
    // The kernel's monotonic clock starts at boot: it is never negative.
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use rustix::event::{PollFd, PollFlags, poll};

    use super::*;

    fn wait(clock: &RefreshClock, timeout: Duration) -> bool {
        let timeout = Timespec::try_from(timeout).unwrap();
        poll(&mut [PollFd::new(clock, PollFlags::IN)], Some(&timeout)).unwrap() > 0
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn it_is_silent_until_asked_and_ticks_once() {
        let clock = RefreshClock::new(Duration::ZERO).unwrap();
        assert!(!wait(&clock, Duration::ZERO));
        clock.schedule().unwrap();
        clock.schedule().unwrap();
        assert!(wait(&clock, LONG));
        assert!(clock.tick().unwrap());
        assert!(!clock.tick().unwrap());
        assert!(!wait(&clock, Duration::ZERO));
    }

    #[test]
    fn the_first_tick_comes_at_once_and_the_next_an_interval_later() {
        let interval = Duration::from_millis(20);
        let clock = RefreshClock::new(interval).unwrap();
        clock.schedule().unwrap();
        assert!(wait(&clock, LONG));
        assert!(clock.tick().unwrap());
        let first = clock.0.last.get().unwrap();
        for frame in 1..=5 {
            clock.schedule().unwrap();
            assert!(wait(&clock, LONG));
            assert!(clock.tick().unwrap());
            // Ticks are at least the interval apart, also when this test was held up.
            assert!(monotonic() >= first + interval * frame);
        }
    }

    #[test]
    fn a_restarted_clock_counts_from_then() {
        let clock = RefreshClock::new(LONG * 60).unwrap();
        clock.restart(true);
        clock.schedule().unwrap();
        assert!(!wait(&clock, Duration::ZERO));
        let clock = RefreshClock::new(LONG * 60).unwrap();
        clock.schedule().unwrap();
        assert!(wait(&clock, LONG) && clock.tick().unwrap());
        clock.restart(false);
        clock.schedule().unwrap();
        assert!(wait(&clock, LONG) && clock.tick().unwrap());
    }

    #[test]
    fn a_tick_far_in_the_future_is_not_due() {
        let clock = RefreshClock::new(LONG * 60).unwrap();
        clock.schedule().unwrap();
        assert!(wait(&clock, LONG));
        assert!(clock.tick().unwrap());
        clock.schedule().unwrap();
        assert!(!wait(&clock, Duration::ZERO));
    }
}

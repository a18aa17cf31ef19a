//! The programs that the agent was told to start with a privilege, and keeps running.
//!
//! One that fails, by a signal or with a status that says so, is started again with a connection of its own: soon, and after a
//! pause twice as long each time it fails again before it has run for a while. After some such failures in a row it is left
//! alone, and the log says so. One that ends without failing has been told to by somebody, and stays ended.

use std::{
    ffi::OsString,
    io,
    os::{fd::AsRawFd as _, unix::net::UnixStream},
    time::{Duration, Instant},
};

use rustix::io::{FdFlags, fcntl_setfd};
use smithay::reexports::calloop::{Interest, Mode, PostAction, generic::Generic};
use tracing::{info, warn};

use crate::{Command, Privilege, agent::insert_client, state::State};

/// The first pause.
const SOON: Duration = Duration::from_millis(250);

/// Starts after failures in a row; the last comes after a pause of 32 s.
const ATTEMPTS: u32 = 8;

/// Whoever has run this long was well, and what fails then is not the failure before.
const WELL: Duration = Duration::from_secs(60);

/// What the agent keeps running. Dropping this ends them all.
#[derive(Debug, Default)]
pub(crate) struct Programs {
    kept: Vec<Program>,
    /// Set when one may have ended.
    look: bool,
}

#[derive(Debug)]
struct Program {
    line: Vec<OsString>,
    privilege: Privilege,
    run: Run,
    failures: Failures,
}

#[derive(Debug)]
enum Run {
    Runs {
        command: Command,
        since: Instant,
    },
    /// It has failed, and is started again then.
    Waits {
        until: Instant,
    },
}

/// How often a program has failed in a row.
#[derive(Debug, Default)]
struct Failures(u32);

impl Failures {
    /// It has failed once more, after it had run this long. How long to leave it alone; `None`: for ever.
    fn add(&mut self, ran: Duration) -> Option<Duration> {
        let before = if ran < WELL { self.0 } else { 0 };
        self.0 = before.saturating_add(1);
        (before < ATTEMPTS).then(|| SOON.saturating_mul(1 << before))
    }
}

impl Programs {
    /// When the next one is to be started.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let due = |program: &Program| match program.run {
            Run::Waits { until } => Some(until),
            Run::Runs { .. } => None,
        };
        self.kept.iter().filter_map(due).min()
    }
}

impl State {
    /// Starts `line[0]` with the rest as its arguments, and again whenever it fails.
    pub(crate) fn keep_running(&mut self, line: Vec<OsString>, privilege: Privilege) -> io::Result<()> {
        let run = self.start_program(&line, privilege)?;
        self.programs.kept.push(Program { line, privilege, run, failures: Failures::default() });
        Ok(())
    }

    fn start_program(&mut self, line: &[OsString], privilege: Privilege) -> io::Result<Run> {
        let (ours, theirs) = UnixStream::pair()?;
        // kept by the child; here it is closed as soon as the child has it
        fcntl_setfd(&theirs, FdFlags::empty())?;
        let connection = [("WAYLAND_SOCKET", theirs.as_raw_fd().to_string().into())];
        let command = Command::start(line, self.environment.iter().cloned().chain(connection))?;
        let ended = Generic::new(command.watch()?, Interest::READ, Mode::Level);
        let look = |_, _: &mut _, state: &mut Self| {
            state.programs.look = true;
            Ok(PostAction::Remove)
        };
        self.event_loop.insert_source(ended, look).map_err(|error| io::Error::other(error.error))?;
        insert_client(self, ours, Some(privilege))?;
        Ok(Run::Runs { command, since: Instant::now() })
    }

    /// Finds those that have ended, and starts those again whose time has come.
    pub(crate) fn tend_programs(&mut self, now: Instant) {
        let is_due = self.programs.deadline().is_some_and(|at| at <= now);
        if !std::mem::take(&mut self.programs.look) && !is_due {
            return;
        }
        let kept = std::mem::take(&mut self.programs.kept);
        self.programs.kept = kept.into_iter().filter_map(|program| self.tend(program, now)).collect();
    }

    /// A program as it goes on, if it does.
    fn tend(&mut self, mut program: Program, now: Instant) -> Option<Program> {
        let (how, ran) = match &mut program.run {
            Run::Runs { command, since } => match command.poll_ended() {
                None => return Some(program),
                Some(status) if status.success() => {
                    info!("{:?} has ended", program.line);
                    return None;
                }
                Some(status) => (status.to_string(), now.saturating_duration_since(*since)),
            },
            Run::Waits { until } if now < *until => return Some(program),
            Run::Waits { .. } => match self.start_program(&program.line, program.privilege) {
                Ok(run) => return Some(Program { run, ..program }),
                Err(error) => (error.to_string(), Duration::ZERO),
            },
        };
        let Some(pause) = program.failures.add(ran) else {
            warn!("{:?} has failed too often ({how}), and is not started again", program.line);
            return None;
        };
        warn!("{:?} has failed ({how}), and is started again in {pause:?}", program.line);
        // what it has left behind of itself ends here
        Some(Program { run: Run::Waits { until: now.checked_add(pause)? }, ..program })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUICK: Duration = Duration::from_secs(59);

    #[test]
    fn pauses_grow_until_it_is_left_alone() {
        let mut failures = Failures::default();
        let pauses: Vec<_> = std::iter::from_fn(|| failures.add(QUICK)).collect();
        let seconds = [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0];
        assert_eq!(pauses, seconds.map(Duration::from_secs_f64));
        assert_eq!(failures.add(QUICK), None, "for ever");
    }

    #[test]
    fn who_was_well_begins_anew() {
        let mut failures = Failures::default();
        assert_eq!(
            [QUICK, QUICK, WELL, QUICK].map(|ran| failures.add(ran)),
            [1, 2, 1, 2].map(|n| Some(SOON * n))
        );
    }
}

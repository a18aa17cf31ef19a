//! The application an agent is started with.

use std::{
    ffi::OsString,
    io,
    os::{fd::OwnedFd, unix::process::CommandExt},
    process::{self, Child, ExitStatus},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, poll},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open},
};

/// How long an application may take to end when asked, before it is made to.
const PATIENCE: Duration = Duration::from_secs(2);

/// A running application and all it started itself, as far as that stayed in its process group. Dropping this ends them.
#[derive(Debug)]
pub struct Command {
    child: Child,
    ended: bool,
}

impl Command {
    /// Starts `line[0]` with the rest as its arguments and `environment` added to this process's own.
    ///
    /// # Errors
    ///
    /// What the system says; `InvalidInput` for an empty line.
    pub fn start(
        line: &[OsString],
        environment: impl IntoIterator<Item = (&'static str, OsString)>,
    ) -> io::Result<Self> {
        let child = prepare(line, environment)?.spawn()?;
        Ok(Self { child, ended: false })
    }

    /// How the application ended, if it does within two seconds; if not, it is made to.
    #[must_use]
    pub fn finish(mut self) -> Option<ExitStatus> {
        wait(Pid::from_child(&self.child), PATIENCE);
        self.poll_ended()
    }

    /// What becomes readable when the application has ended.
    pub(crate) fn watch(&self) -> io::Result<OwnedFd> {
        Ok(pidfd_open(Pid::from_child(&self.child), PidfdFlags::empty())?)
    }

    /// How the application ended, if it has. Tells it once.
    pub fn poll_ended(&mut self) -> Option<ExitStatus> {
        if self.ended {
            return None;
        }
        let status = self.child.try_wait().ok().flatten()?;
        self.ended = true;
        Some(status)
    }
}

impl Drop for Command {
    fn drop(&mut self) {
        // signals fail only if nobody is left in the group
        let group = Pid::from_child(&self.child);
        let _ = kill_process_group(group, Signal::TERM);
        if !self.ended {
            wait(group, PATIENCE);
        }
        let _ = kill_process_group(group, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// An application about to be started: `line[0]` with the rest as its arguments and `environment` added to this process's
/// own, in a process group of its own.
///
/// # Errors
///
/// `InvalidInput` for an empty line.
pub(crate) fn prepare(
    line: &[OsString],
    environment: impl IntoIterator<Item = (&'static str, OsString)>,
) -> io::Result<process::Command> {
    let (program, arguments) = line.split_first().ok_or(io::ErrorKind::InvalidInput)?;
    let mut command = process::Command::new(program);
    // a display of another compositor would be taken for this domain's
    command.args(arguments).env_remove("DISPLAY").env_remove("WAYLAND_SOCKET").envs(environment);
    command.process_group(0);
    Ok(command)
}

/// Waits for a child of this process to end, at most this long.
fn wait(child: Pid, patience: Duration) {
    let (Ok(process), Ok(patience)) = (pidfd_open(child, PidfdFlags::empty()), patience.try_into()) else {
        return;
    };
    // interrupted or not, what follows does not depend on it
    let _ = poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&patience));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start(line: &[&str]) -> Command {
        let line: Vec<OsString> = line.iter().map(Into::into).collect();
        Command::start(&line, [("WAYLAND_DISPLAY", "here".into())]).unwrap()
    }

    #[test]
    fn an_application_goes_with_its_owner() {
        let command = start(&["sleep", "1000"]);
        let pid = Pid::from_child(&command.child);
        drop(command);
        assert!(rustix::process::test_kill_process(pid).is_err(), "it is gone, and not even a zombie");
    }

    #[test]
    fn its_environment_names_the_display() {
        let mut command = start(&["sh", "-c", "test \"$WAYLAND_DISPLAY\" = here"]);
        wait(Pid::from_child(&command.child), Duration::from_secs(20));
        assert!(command.poll_ended().unwrap().success());
        assert_eq!(command.poll_ended(), None, "told once");
    }

    #[test]
    fn nothing_is_no_application() {
        assert_eq!(Command::start(&[], []).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}

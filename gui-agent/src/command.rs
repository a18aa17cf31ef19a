//! The application an agent is started with.

use std::{
    ffi::OsString,
    io,
    os::unix::process::CommandExt,
    process::{self, Child, ExitStatus},
};

use rustix::process::{Pid, Signal, kill_process_group};

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
        let (program, arguments) = line.split_first().ok_or(io::ErrorKind::InvalidInput)?;
        let mut command = process::Command::new(program);
        // a display of another compositor would be taken for this domain's
        command.args(arguments).env_remove("DISPLAY").env_remove("WAYLAND_SOCKET").envs(environment);
        let child = command.process_group(0).spawn()?;
        Ok(Self { child, ended: false })
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
        let group = Pid::from_child(&self.child);
        // fails only if nobody is left in the group
        let _ = kill_process_group(group, Signal::TERM);
        if !self.ended {
            // an application without a compositor ends by itself if the signal did not do it; it is not waited for
            let _ = self.child.try_wait();
        }
    }
}

//! Programs that the GUI domain starts in this domain.

use std::{
    ffi::OsString,
    io,
    process::{Child, Stdio},
};

use rustix::process::{Pid, PidfdFlags, pidfd_open};
use smithay::reexports::calloop::{Interest, Mode, PostAction, generic::Generic};
use tracing::info;

use crate::{command, state::State};

impl State {
    /// Starts `argv` as one of this agent's applications and says how that went. The program may bring a window of its
    /// own to the front by the `token` it was asked for with. It outlives the agent.
    pub(crate) fn run(&mut self, token: u32, argv: &[String]) {
        let line: Vec<OsString> = argv.iter().map(OsString::from).collect();
        let activation = OsString::from(self.token_for_run(token));
        let tokens = ["XDG_ACTIVATION_TOKEN", "DESKTOP_STARTUP_ID"].map(|name| (name, activation.clone()));
        let environment = self.environment.iter().cloned().chain(tokens);
        let started = command::prepare(&line, environment)
            .and_then(|mut command| command.stdin(Stdio::null()).spawn())
            .and_then(|child| self.reap_later(child));
        match &started {
            Ok(pid) => info!("process {pid} was started for the GUI domain"),
            Err(error) => info!("what the GUI domain wanted could not be started: {error}"),
        }
        let number = |error: io::Error| error.raw_os_error().map_or(0, i32::unsigned_abs);
        self.link.conn.run_result(token, started.map_err(number));
    }

    /// Sees to it that a child leaves no zombie, with neither a signal handler nor a thread. Returns its number.
    fn reap_later(&self, mut child: Child) -> io::Result<u32> {
        let pid = child.id();
        let ended = match pidfd_open(Pid::from_child(&child), PidfdFlags::empty()) {
            Ok(ended) => Generic::new(ended, Interest::READ, Mode::Level),
            Err(error) => {
                // it cannot be watched, so it must not be
                let _ = child.kill();
                let _ = child.wait();
                return Err(error.into());
            }
        };
        let reap = move |_, _: &mut _, _: &mut Self| {
            // it has ended, so this returns at once; how it ended is nobody's business
            let _ = child.wait();
            Ok(PostAction::Remove)
        };
        match self.event_loop.insert_source(ended, reap) {
            Ok(_) => Ok(pid),
            Err(error) => Err(io::Error::other(error.error)),
        }
    }
}

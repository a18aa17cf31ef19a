//! What only a program may do that the agent itself was told to start for it.
//!
//! Such a program is known by its connection: the agent makes it, and nobody else can have it. All other clients, whoever
//! started them, do not even see these protocols.

use std::{ffi::OsString, io, os::fd::AsRawFd as _, os::unix::net::UnixStream};

use rustix::io::{FdFlags, fcntl_setfd};
use smithay::reexports::wayland_server::Client;

use crate::{Agent, Command, state::ClientState};

/// More than what every application may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// To see what is typed into text fields and to write there.
    InputMethod,
    /// To see and set the clipboard and the primary selection without the keyboard.
    ClipboardManager,
    /// To show icons in the GUI domain's tray.
    Tray,
}

/// Whether a client has been started for this.
pub(crate) fn has_privilege(client: &Client, privilege: Privilege) -> bool {
    client.get_data::<ClientState>().is_some_and(|data| data.privilege == Some(privilege))
}

impl Agent {
    /// Starts `line[0]` with the rest as its arguments; it has a privilege, and ends with what this returns.
    ///
    /// # Errors
    ///
    /// What the system says; `InvalidInput` for an empty line.
    pub fn start_privileged(&mut self, line: &[OsString], privilege: Privilege) -> io::Result<Command> {
        let (ours, theirs) = UnixStream::pair()?;
        // kept by the child; here it is closed as soon as the child has it
        fcntl_setfd(&theirs, FdFlags::empty())?;
        let connection = [("WAYLAND_SOCKET", theirs.as_raw_fd().to_string().into())];
        let command = Command::start(line, self.environment().into_iter().chain(connection))?;
        self.add_privileged_client(ours, privilege)?;
        Ok(command)
    }
}

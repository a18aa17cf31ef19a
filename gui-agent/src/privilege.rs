//! What only a program may do that the agent itself was told to start for it.
//!
//! Such a program is known by its connection: the agent makes it, and nobody else can have it. All other clients, whoever
//! started them, do not even see these protocols.

use std::{ffi::OsString, io};

use smithay::reexports::wayland_server::Client;

use crate::{Agent, state::ClientState};

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
    /// Starts `line[0]` with the rest as its arguments, with a privilege. It is started again when it fails, and ends with the
    /// agent.
    ///
    /// # Errors
    ///
    /// What the system says to the first start; `InvalidInput` for an empty line.
    pub fn start_privileged(&mut self, line: Vec<OsString>, privilege: Privilege) -> io::Result<()> {
        self.state.keep_running(line, privilege)
    }
}

//! `gui-daemon msg`: the control client.

use std::path::PathBuf;
use std::process::ExitCode;

/// Arguments of `gui-daemon msg`.
#[derive(Debug, clap::Args)]
pub struct MsgArgs {
    /// The daemon's control socket [default: $TRANSOM_SOCKET, or the newest in $XDG_RUNTIME_DIR]
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
}

/// Runs the command; errors go to standard error in one line with exit code 1.
pub fn run(_args: &MsgArgs) -> ExitCode {
    todo!()
}

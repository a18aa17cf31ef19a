//! The program's command line. It is a part of the library so that the manual page can be made from it.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::{BackendKind, msg};

/// The GUI domain's Wayland compositor: AppVMs' windows on one desktop, each in a frame that says whose it is.
#[derive(Debug, Parser)]
#[command(name = "gui-daemon", version, args_conflicts_with_subcommands = true)]
pub struct Cli {
    /// To do something else than run the compositor.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Where the desktop is shown. Left out, it is a window if there is a session to open one in, and the machine's own
    /// screens if it is started on a virtual terminal.
    #[arg(long, value_enum)]
    pub backend: Option<BackendKind>,
    /// The configuration file.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Read the configuration, say what is wrong with it, and exit.
    #[arg(long)]
    pub validate: bool,
    /// Path of the control socket.
    #[arg(long, value_name = "PATH")]
    pub socket: Option<PathBuf>,
}

/// What the program does beside being the compositor.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Talks to a running daemon.
    Msg(msg::MsgArgs),
}

//! The program's command line. It is a part of the library so that the manual page can be made from it.

use std::{ffi::OsString, path::PathBuf};

use clap::{Parser, Subcommand, ValueEnum};
use gui_protocol::Version;
use shm_grant::{Backend, DomId};

use crate::domains::{self, LookUpError};
use crate::options::{DEFAULT_REFRESH_HZ, GUI_PORT, Options};

/// Shows the windows of this domain's Wayland applications in the GUI domain.
#[derive(Debug, Parser)]
#[command(
    name = "gui-agent",
    version,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub struct Arguments {
    /// Something else than to be the agent.
    #[command(subcommand)]
    pub action: Option<Action>,
    /// How to reach the GUI domain.
    #[arg(long, value_enum, default_value_t = Transport::Xen)]
    transport: Transport,
    /// The number of this domain. On Xen it is known without.
    #[arg(long, value_name = "DOMID", required_if_eq_any([("transport", "socket"), ("transport", "ring")]))]
    domain: Option<u16>,
    /// The number of the GUI domain. Without it, on Xen what xenstore's node qubes-gui-domain-xid in this domain's own
    /// directory says, else what qubesdb says under that name, else 0; on the other transports 0.
    #[arg(long, value_name = "DOMID")]
    gui_domain: Option<u16>,
    /// The vchan port.
    #[arg(long, default_value_t = GUI_PORT)]
    port: u32,
    /// The newest minor version of the protocol to offer, in hexadecimal after 0x; 8 for plain Qubes.
    #[arg(long, value_name = "MINOR", value_parser = minor, default_value_t = Version::NEWEST.minor)]
    max_minor: u16,
    /// Most frame callbacks per second and window, where the daemon does not say when a frame is done; 0 for as many as
    /// the GUI domain takes.
    #[arg(long, value_name = "HZ", default_value_t = DEFAULT_REFRESH_HZ)]
    refresh: u32,
    /// The name of the Wayland socket in $XDG_RUNTIME_DIR. Without it, the first free of wayland-1, wayland-2, …
    #[arg(long, value_name = "NAME")]
    socket_name: Option<String>,
    /// What applications may do that they may not by themselves.
    #[arg(long, value_enum, value_name = "WHAT")]
    allow: Vec<Allowed>,
    /// Serve no X11 applications. Without this, they are if Xwayland is installed.
    #[arg(long)]
    no_x11: bool,
    /// Be the user's graphical session: tell the user's service manager and D-Bus the environment in which programs that
    /// they start find this agent (WAYLAND_DISPLAY, DISPLAY, XDG_CURRENT_DESKTOP, XDG_SESSION_TYPE).
    #[arg(long)]
    pub session: bool,
    /// The input method to start, such as fcitx5, or an on-screen keyboard: a program and its arguments, separated by blanks.
    /// It sees what is typed into the text fields of this domain and types into its windows, and no other program can. If it
    /// fails, it is started again, with growing pauses, up to 8 times in a row. Can be given for each of several.
    #[arg(long, value_name = "COMMAND")]
    pub input_method: Vec<String>,
    /// The program to start that keeps what was copied, given likewise. It sees the clipboard and the primary selection
    /// of this domain without having the keyboard, and no other program can. It is started again likewise.
    #[arg(long, value_name = "COMMAND")]
    pub clipboard_manager: Option<String>,
    /// Show the status icons (StatusNotifier items) of this domain's applications in the GUI domain's tray. Done anyway where
    /// this is the session.
    #[arg(long)]
    tray: bool,
    /// Leave the icons to another program, such as a panel of the session.
    #[arg(long, conflicts_with = "tray")]
    no_tray: bool,
    /// An application to start, with its arguments. The agent stays when it ends, and ends it when it goes.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// What the program does for an agent that runs.
#[derive(Debug, Clone, Subcommand)]
pub enum Action {
    /// Send files to another domain: the user of the GUI domain says to which.
    Send {
        /// Regular files, at most 256.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Show status icons. The agent starts this itself.
    Tray,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Transport {
    /// A vchan of Xen.
    Xen,
    /// A byte stream on a Unix socket in $VCHAN_SOCKET_DIR, /var/run/vchan if that is unset.
    Socket,
    /// Xen's ring in memory shared over sockets in the same place.
    Ring,
}

/// What is not every application's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Allowed {
    /// Panels, launchers and notifications that place themselves at the edges of an output.
    LayerShell,
}

impl Arguments {
    /// Whether the agent is to start its tray.
    pub fn shows_icons(&self) -> bool {
        (self.session || self.tray) && !self.no_tray
    }

    /// What the agent is to be made with. On Xen, what is not given is looked up.
    ///
    /// # Errors
    ///
    /// One line that says what is missing of Xen, or which number found there is none.
    pub fn options(&self) -> Result<Options, LookUpError> {
        let (given, peer) = (self.domain.map(DomId), self.gui_domain.map(DomId));
        let software = |backend| (backend, given.unwrap_or(DomId(0)), peer.unwrap_or(DomId(0)));
        let (backend, domain, gui_domain) = match self.transport {
            Transport::Socket => software(Backend::Socket),
            Transport::Ring => software(Backend::Ring),
            Transport::Xen => {
                let (domain, gui_domain) = domains::look_up(given, peer)?;
                (Backend::Xen, domain, gui_domain)
            }
        };
        Ok(Options {
            gui_domain,
            port: self.port,
            max_minor: self.max_minor,
            refresh_hz: self.refresh,
            socket_name: self.socket_name.clone(),
            layer_shell: self.allow.contains(&Allowed::LayerShell),
            x11: !self.no_x11,
            ..Options::new(backend, domain)
        })
    }
}

/// A minor version, in hexadecimal after `0x`.
fn minor(text: &str) -> Result<u16, std::num::ParseIntError> {
    text.strip_prefix("0x").map_or_else(|| text.parse(), |digits| u16::from_str_radix(digits, 16))
}

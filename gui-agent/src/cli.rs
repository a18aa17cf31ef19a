//! The program's command line. It is a part of the library so that the manual page can be made from it.

use std::ffi::OsString;

use clap::{Parser, ValueEnum};
use gui_protocol::Version;
use shm_grant::{Backend, DomId};

use crate::options::{DEFAULT_REFRESH_HZ, GUI_PORT, Options};

/// Shows the windows of this domain's Wayland applications in the GUI domain.
#[derive(Debug, Parser)]
#[command(name = "gui-agent", version)]
pub struct Arguments {
    /// How to reach the GUI domain. The sockets lie in $VCHAN_SOCKET_DIR, /var/run/vchan if that is unset.
    #[arg(long, value_enum)]
    transport: Transport,
    /// The number of this domain.
    #[arg(long, value_name = "DOMID")]
    domain: u16,
    /// The number of the GUI domain.
    #[arg(long, value_name = "DOMID", default_value_t = 0)]
    gui_domain: u16,
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
    /// Serve no X11 applications. Without this, they are if Xwayland is installed.
    #[arg(long)]
    no_x11: bool,
    /// An application to start, with its arguments. The agent stays when it ends, and ends it when it goes.
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Transport {
    /// A byte stream on a Unix socket.
    Socket,
    /// Xen's ring in shared memory.
    Ring,
}

impl Arguments {
    /// What the agent is to be made with.
    pub fn options(&self) -> Options {
        let backend = match self.transport {
            Transport::Socket => Backend::Socket,
            Transport::Ring => Backend::Ring,
        };
        Options {
            gui_domain: DomId(self.gui_domain),
            port: self.port,
            max_minor: self.max_minor,
            refresh_hz: self.refresh,
            socket_name: self.socket_name.clone(),
            x11: !self.no_x11,
            ..Options::new(backend, DomId(self.domain))
        }
    }
}

/// A minor version, in hexadecimal after `0x`.
fn minor(text: &str) -> Result<u16, std::num::ParseIntError> {
    text.strip_prefix("0x").map_or_else(|| text.parse(), |digits| u16::from_str_radix(digits, 16))
}

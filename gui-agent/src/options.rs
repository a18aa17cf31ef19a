//! What an agent is told at its start. The program fills this from its command line, tests fill it themselves.

use std::{path::PathBuf, time::Duration};

use gui_protocol::Version;
use shm_grant::{Backend, DomId};

/// The vchan port of the GUI protocol.
pub const GUI_PORT: u32 = 6000;

/// Frame callbacks per second when nothing else is asked for.
pub const DEFAULT_REFRESH_HZ: u32 = 60;

/// The size of the screen, in pixels, until the daemon tells the real one.
pub(crate) const DEFAULT_SCREEN: (i32, i32) = (1920, 1080);

/// The settings of one agent.
#[derive(Debug, Clone)]
pub struct Options {
    /// How the channel to the GUI domain is made.
    pub backend: Backend,
    /// This domain.
    pub domain: DomId,
    /// The domain whose screen the windows go to.
    pub gui_domain: DomId,
    /// The vchan port, [`GUI_PORT`] unless a test needs another.
    pub port: u32,
    /// The folder of the software transport's sockets. `None`: as the environment says, see `shm_grant`.
    pub vchan_dir: Option<PathBuf>,
    /// The minor version of the protocol to offer at most. 8 is the plain Qubes protocol.
    pub max_minor: u16,
    /// Most frame callbacks per second and window, where the daemon does not say when a frame is done. 0: a callback as
    /// soon as the frame has left for the GUI domain.
    pub refresh_hz: u32,
    /// The name of the Wayland socket. `None`: the first free of `wayland-1`, `wayland-2`, …
    pub socket_name: Option<String>,
    /// Whether applications may put panels and launchers at the edges of an output (`zwlr_layer_shell_v1`). To the GUI
    /// domain these are windows that place themselves.
    pub layer_shell: bool,
    /// Whether X11 applications are served, if Xwayland is installed.
    pub x11: bool,
    /// The folder that other domains' files come to, each domain's in one of its own. `None`: `Incoming` in the user's home.
    pub incoming: Option<PathBuf>,
    /// The folder of the Wayland socket. `None`: `XDG_RUNTIME_DIR`, or a new private folder if that is unset.
    pub runtime_dir: Option<PathBuf>,
}

impl Options {
    /// Settings for `domain` with dom0 as its GUI domain, everything else at its default, and no X11.
    pub fn new(backend: Backend, domain: DomId) -> Self {
        Self {
            backend,
            domain,
            gui_domain: DomId(0),
            port: GUI_PORT,
            vchan_dir: None,
            max_minor: Version::NEWEST.minor,
            refresh_hz: DEFAULT_REFRESH_HZ,
            socket_name: None,
            layer_shell: false,
            x11: false,
            incoming: None,
            runtime_dir: None,
        }
    }

    /// The least time between two frame callbacks of one window.
    pub(crate) fn frame_interval(&self) -> Duration {
        match self.refresh_hz {
            0 => Duration::ZERO,
            hz => Duration::from_secs(1) / hz,
        }
    }
}

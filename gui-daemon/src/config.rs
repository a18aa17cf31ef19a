//! The daemon's configuration file.

use std::fmt;
use std::path::{Path, PathBuf};

use shm_grant::DomId;

/// Everything the configuration file says; [`Config::default`] is an empty file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The screen: the headless one, or the nested window's first size.
    pub output: Output,
    /// The domains served, in the order of the file.
    pub domains: Vec<Domain>,
    /// Keyboard layout and repeat.
    pub keyboard: Keyboard,
    /// Name of the Wayland socket for dom0's own clients; the first free `wayland-N` when absent.
    pub wayland_socket: Option<String>,
    /// Path of the control socket; chosen by [`crate::ipc::default_socket_path`] when absent.
    pub control_socket: Option<PathBuf>,
}

/// The `[output]` table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Frames per second; 0 draws as fast as frames are wanted.
    pub refresh_hz: u32,
}

/// One `[[domain]]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// The name shown in every frame.
    pub name: String,
    /// The colour of its frames.
    pub label: Label,
    /// How its agent is reached.
    pub transport: Transport,
    /// Whether its windows may cover the whole screen.
    pub allow_fullscreen: bool,
    /// Whether override-redirect windows are kept from covering most of the screen.
    pub override_redirect_protection: bool,
    /// What is drawn where a window has no pixels yet.
    pub window_background_color: Color,
}

/// A domain's label as configured: one of Qubes' names, or any colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Label {
    /// `label = "red"`
    Named(LabelName),
    /// `color = "#rrggbb"`
    Custom(Color),
}

impl Label {
    /// The colour of the frames.
    pub fn color(self) -> Color {
        todo!()
    }
}

impl fmt::Display for Label {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

/// Qubes' eight labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum LabelName {
    Red,
    Orange,
    Yellow,
    Green,
    Gray,
    Blue,
    Purple,
    Black,
}

/// An opaque sRGB colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Color {
    pub r: u8,
    pub g: u8,
    pub b: u8,
}

/// How an agent is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    /// Which kind of channel.
    pub kind: TransportKind,
    /// The agent's domain.
    pub domid: DomId,
}

/// The kinds of channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransportKind {
    /// vchan-socket's byte stream over a Unix socket.
    Socket,
    /// libxenvchan's ring in a memfd.
    Ring,
}

/// The `[keyboard]` table; empty names mean xkbcommon's defaults.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Keyboard {
    /// XKB layout, as `de` or `us,ru`.
    pub layout: String,
    /// XKB variant.
    pub variant: String,
    /// XKB options, as `ctrl:nocaps`.
    pub options: Option<String>,
    /// XKB model.
    pub model: String,
    /// Repeats per second; 0 turns repeat off.
    pub repeat_rate: i32,
    /// Milliseconds before the first repeat.
    pub repeat_delay: i32,
}

impl Default for Output {
    fn default() -> Self {
        todo!()
    }
}

/// Why a configuration was refused; the message names file, line, key, value and rule.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

impl Config {
    /// Reads and checks a file.
    pub fn load(_path: &Path) -> Result<Self, ConfigError> {
        todo!()
    }

    /// Checks a file's text.
    pub fn parse(_text: &str) -> Result<Self, ConfigError> {
        todo!()
    }
}

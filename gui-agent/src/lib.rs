//! The agent: a Wayland compositor without a screen, for the unmodified applications of one domain.
//!
//! Applications connect to it as to any compositor. It draws nothing but their windows' contents, each into pages that
//! the GUI domain can map, and tells the daemon there about windows, damage and wishes in the GUI protocol; input,
//! sizes and focus come back the same way. Frames, stacking and placement are not its business.
//!
//! What it keeps to:
//!
//! * Applications are at arm's length: one that breaks a protocol, truncates its memory or names absurd numbers loses
//!   its connection, and the agent and its other clients go on.
//! * The GUI domain's word on geometry, focus and states is final.
//! * A daemon that is gone costs applications nothing: they keep running, and the next daemon is told everything.
//! * Nothing wakes the process when nothing happens, and nothing is copied that did not change.

#![forbid(unsafe_code)]

mod agent;
mod alarm;
mod arrange;
pub mod cli;
mod clipboard;
mod command;
mod compose;
mod devices;
mod domains;
mod drag;
mod files;
mod frames;
mod handlers;
mod input;
mod keymap;
mod link;
mod options;
mod picture;
mod pool;
mod present;
mod privilege;
mod programs;
mod region;
mod run;
mod scene;
pub mod session;
mod socket;
mod state;
mod still;
mod surface;
pub mod tray;
mod window;
mod xwayland;

pub use agent::{Agent, Application, StartError};
pub use command::Command;
pub use domains::LookUpError;
pub use files::send::{SendError, send, session_agent};
pub use options::{DEFAULT_REFRESH_HZ, GUI_PORT, Options};
pub use privilege::Privilege;
pub use state::State;

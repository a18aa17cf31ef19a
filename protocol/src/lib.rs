//! The Qubes GUI protocol, versions 1.0 to 1.8, and this project's extension of it, without I/O.
//!
//! An *agent* in a domain announces windows, shares their pixels and receives input; a *daemon* in the GUI
//! domain shows them. [`AgentConn`] and [`DaemonConn`] are the two ends of one link as state machines: bytes and
//! time go in, events and bytes come out, and the caller owns the transport, the clock and the loop.
//!
//! * Nothing here reads a clock, opens a descriptor, logs, or blocks. Time is a [`core::time::Duration`] since any
//!   fixed start and never goes backwards (a smaller value than the last is taken as the last).
//! * Bytes become types once, in [`framing`], from the one table in [`message`]; the connections then check what
//!   depends on state. Nothing downstream has to check again.
//! * An agent is hostile: every quantity it controls has a limit named in [`limits`], and every broken rule is a
//!   [`Violation`] that ends the link for good.
//!
//! The rules themselves are in the project's `docs/protocol.md`.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::arithmetic_side_effects)]
#![cfg_attr(test, allow(clippy::arithmetic_side_effects))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod agent;
mod budget;
mod daemon;
mod error;
mod files;
pub mod framing;
pub mod limits;
pub mod message;
mod outbox;
mod types;
mod version;
mod wire;

pub use agent::{AgentConfig, AgentConn, AgentEvent, BufferSerial, CreateError, NewCommit};
pub use daemon::{DaemonConfig, DaemonConn, DaemonEvent};
pub use error::{Family, Violation};
pub use limits::Limits;
pub use types::{
    Arrange, BufferId, ButtonInput, Commit, CrossingInput, Cursor, CursorImage, CursorLook, Edges, FileInfo,
    FileList, FilesEnd, Fixed, Gesture, GestureKind, GrantRef, Image, KeyInput, Modifiers, Output,
    PixelFormat, Point, PointerConstraint, PointerNeeds, Positioner, Presented, PresentedFlags, Rect,
    RelativeMotion, Scale, Screen, Scroll, ScrollFlags, ScrollSource, SizeHints, States, Tool, ToolAxes,
    ToolKind, ToolState, Touch, TouchKind, WindowFlags, WindowId, Wish,
};
pub use version::Version;

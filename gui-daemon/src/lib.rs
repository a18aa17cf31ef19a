//! The GUI domain's Wayland compositor: every AppVM's windows on one desktop, each in a frame that says whose it is.
//!
//! [`Daemon`] is the whole program but for its command line; tests run it in a loop with agents and clients.
//! [`shell`] decides where windows are and who has the focus, [`render`] draws what it is told, [`domain`] speaks to the
//! agents, [`backend`] is the screen. They meet in [`state`].

#![forbid(unsafe_code)]

pub mod backend;
mod chord;
pub mod cli;
pub mod clipboard;
pub mod config;
mod configure;
mod control;
mod daemon;
mod devices;
pub mod domain;
pub mod files;
mod focus;
mod frames;
mod gestures;
mod handlers;
mod idle;
mod inject;
mod input;
pub mod ipc;
mod keyboard;
pub mod label;
mod liveness;
pub mod msg;
pub mod outputs;
mod pointer_lock;
mod pool;
mod popup;
pub mod render;
mod run;
pub mod sanitise;
pub mod scale;
mod scene;
pub mod shell;
pub mod state;
mod tablet;
mod touch;
pub mod windows;
mod wire;

pub use daemon::{BackendKind, Daemon, Options, catch_signals};

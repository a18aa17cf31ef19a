//! The agent as its applications and its daemon see it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod clipboard;
mod dmabuf;
mod drags;
mod files;
mod fixture;
mod frames;
mod input;
mod keyboard;
mod life;
mod misbehaviour;
mod names;
mod no_request;
mod paced;
mod placing;
mod pointing;
mod popups;
mod privileges;
mod protocols;
mod running;
mod surfaces;
mod tablets;
mod tray;
mod typing;
mod virtual_keyboards;
mod windows;
mod x11;
mod x11_drags;
mod x11_scale;
mod x11_selections;
mod x11_tray;

//! The agent as its applications and its daemon see it.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod fixture;
mod frames;
mod input;
mod life;
mod misbehaviour;
mod popups;
mod windows;

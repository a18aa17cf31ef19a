//! What tests of the agent and tests of the whole path share.

#![forbid(unsafe_code)]

pub mod client;
pub mod wire;
pub mod xenstore;

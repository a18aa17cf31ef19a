//! What the programs of the end-to-end bench share: the frames, and the record of when each was where.
//!
//! `bench-client` draws and commits frames, `bench-sink` is the daemon and looks for them in its framebuffer, and
//! `end-to-end` runs both, with whatever is to be measured in between, and compares their records.

#![forbid(unsafe_code)]

pub mod content;
pub mod look;
pub mod record;

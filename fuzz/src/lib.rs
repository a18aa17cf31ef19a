//! The fuzz targets, as plain functions.
//!
//! Each takes any bytes and panics where a promise is broken. The programs in `fuzz_targets/` hand them to libFuzzer;
//! the seeds in `seeds/`, made by a test, are replayed by the ordinary test run, as is any input that once failed.

#![forbid(unsafe_code)]

pub mod agent_clients;
pub mod agent_conn;
pub mod daemon_conn;
pub mod decode;
mod input;
pub mod pair;
pub mod ring;
mod wayland;

/// A target's function.
pub type Target = fn(&[u8]);

/// Every target under the name of its program and of its folder of seeds.
pub const TARGETS: &[(&str, Target)] = &[
    ("decode_agent", decode::agent),
    ("decode_daemon", decode::daemon),
    ("daemon_conn", daemon_conn::daemon_conn),
    ("agent_conn", agent_conn::agent_conn),
    ("pair", pair::pair),
    ("agent_clients", agent_clients::agent_clients),
    ("ring", ring::ring),
];

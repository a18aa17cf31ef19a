//! The agent as WLCS, the Wayland conformance suite, wants to see it: a library that the suite loads into its process.
//!
//! For each of its tests the suite makes a display server. Here that is an agent as it is, and at the other end of its link a
//! small GUI domain (`desk`) that does what the daemon would: it places windows, gives them the focus, takes their frames, and
//! turns a pointer and fingers on the desktop into input for the window that they are over. Both live in one thread
//! (`world`); the suite's threads hand it work and wait until every consequence of that has taken place
//! (`integration`).

mod desk;
mod integration;
#[allow(unsafe_code, reason = "the suite names its clients' objects by libwayland's pointers")]
mod pointers;
mod world;

use wlcs::{ffi_display_server_api::WlcsServerIntegration, ffi_wrappers::wlcs_server};

use integration::Server;

wlcs::wlcs_server_integration!(Server);

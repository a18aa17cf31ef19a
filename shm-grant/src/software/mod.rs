//! The transport between processes of one machine: Unix sockets, or a ring in a memory file, and grants as sealed
//! memory files over a socket beside it. Specification: `docs/software-transport.md`.

mod address;
mod client;
mod export;
mod grants;
#[allow(unsafe_code)]
mod import;
mod memfd;
mod ring;
mod server;
mod socket;
mod wait;

pub(crate) use address::{Carrier, SocketAddress};
pub(crate) use client::Client;
pub(crate) use export::{Exporter, Share};
pub use grants::GrantError;
pub(crate) use server::Server;

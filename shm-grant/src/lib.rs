//! What two domains share: pages, the vchan ring, and the links made of them.
//!
//! A *server* ([`Server`], in the domain of the applications) exports pages to one peer and exchanges bytes
//! with it; a *client* ([`Client`], in the GUI domain) waits for the server, exchanges bytes and maps the
//! pages read-only. What carries both is a [`Backend`]: Xen, where either end may be libxenvchan's, or one of two
//! that stand in for Xen on any Linux machine; `docs/software-transport.md` is their specification. Above them nothing
//! depends on which it is.
//!
//! Both ends are driven alike, from any event loop:
//!
//! ```no_run
//! use shm_grant::{Address, Backend, DomId, Event, Server};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut server = Server::bind(&Address::new(Backend::Socket, DomId(5), DomId(0), 6000))?;
//! let buffer = server.exporter().export(2025)?;
//! // Whenever the server's descriptor is readable:
//! while let Some(event) = server.poll_event() {
//!     match event {
//!         Event::Connected => assert_eq!(server.write(&buffer.refs()[0].0.to_le_bytes()), 4),
//!         Event::Readable => {
//!             let mut bytes = [0; 4096];
//!             let taken = server.read(&mut bytes);
//!             println!("{:?}", &bytes[..taken]);
//!         }
//!         Event::Writable => println!("write what was left"),
//!         Event::Disconnected(error) => println!("{error}"),
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Invariants of the whole crate:
//!
//! * No slice and no reference to shared memory ever exists. [`Pages`] and [`ImportedPages`] are copied in
//!   and out with volatile accesses, or drawn from and into by pixman.
//! * Nothing here blocks. Every descriptor is either used with per-call non-blocking flags or owned by this
//!   process alone.
//! * Every byte the peer sends is looked at once; what it says is checked against a named limit before it is
//!   acted upon.
//!
//! All unsafe code of the workspace is in this crate, but for what opens a GPU's driver (`transom-gpu`): `mem` (volatile copies), `pages` (access to mappings),
//! `software::import` (several grants into one mapping), `xen` (requests to Xen's devices), `image` (pixman),
//! `client_image` (pixman over the shared memory of Wayland clients) and `client_dmabuf` (the one request that reading a
//! dma-buf takes).

#![deny(unsafe_op_in_unsafe_fn)]

mod address;
mod client;
#[cfg(feature = "wayland")]
#[allow(unsafe_code)]
mod client_dmabuf;
#[cfg(feature = "wayland")]
#[allow(unsafe_code)]
mod client_image;
mod export;
#[cfg(feature = "pixman")]
#[allow(unsafe_code)]
mod image;
mod import;
mod link;
#[allow(unsafe_code)]
mod mem;
#[allow(unsafe_code)]
mod pages;
mod poll;
pub mod ring;
mod server;
mod software;
pub mod xen;

pub use address::{Address, Backend, own_domain};
pub use client::Client;
#[cfg(feature = "wayland")]
pub use client_dmabuf::{ClientDmabuf, DmabufError};
#[cfg(feature = "wayland")]
pub use client_image::{ClientImage, ClientImageError};
pub use export::{Export, ExportError, Exporter};
#[cfg(feature = "pixman")]
pub use image::{LayoutError, MAX_SIDE, PixelFormat, PixelLayout};
pub use import::ImportError;
pub use link::{Event, LinkError};
pub use pages::{ImportedPages, OutOfBounds, PAGE_SIZE, Pages};
pub use server::Server;
pub use software::GrantError;

/// The number of a domain. Source: Xen public headers, `domid_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomId(pub u16);

/// A grant reference: the number by which a peer names one page that was shared with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantRef(pub u32);

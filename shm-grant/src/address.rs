//! Where a link is found.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::DomId;
use crate::ring::Layout;
use crate::software::{Carrier, SocketAddress};
use crate::xen::VchanAddress;

/// What carries the bytes and the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// A byte stream over a Unix socket, as vchan-socket has it; pages as sealed memfds beside it.
    Socket,
    /// Xen's own ring layout in a sealed memfd; pages as with [`Backend::Socket`].
    Ring,
    /// Xen: libxenvchan's rings in granted pages, event channels, xenstore; pages as grants.
    Xen,
}

/// Names one link: who serves whom on which port, and by what means.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address(pub(crate) Means);

/// What each transport has to know of an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Means {
    Software(SocketAddress),
    Xen(VchanAddress),
}

impl Address {
    /// The link on vchan port `port` between the domain that listens and exports pages (`server`) and the one that
    /// connects and imports them (`client`). The sockets of a software backend lie in the directory named by the
    /// environment variable `VCHAN_SOCKET_DIR`, else in `/var/run/vchan`.
    #[must_use]
    pub fn new(backend: Backend, server: DomId, client: DomId, port: u32) -> Self {
        let sockets = |carrier| Means::Software(SocketAddress::new(carrier, server, client, port));
        Self(match backend {
            Backend::Socket => sockets(Carrier::Stream),
            Backend::Ring => sockets(Carrier::Ring(Layout::ONE_PAGE_EACH)),
            Backend::Xen => Means::Xen(VchanAddress { server, client, port, layout: Layout::ONE_PAGE_EACH }),
        })
    }

    /// The same link with the sockets in another directory, if it has any.
    #[must_use]
    pub fn in_directory(mut self, directory: impl Into<PathBuf>) -> Self {
        match &mut self.0 {
            Means::Software(sockets) => sockets.directory = directory.into(),
            Means::Xen(_) => {}
        }
        self
    }

    /// The same link with rings of other sizes than a page each, if its server makes any. A client takes them as they
    /// are.
    #[must_use]
    pub fn with_rings(mut self, layout: Layout) -> Self {
        match &mut self.0 {
            Means::Software(SocketAddress { carrier: Carrier::Ring(rings), .. }) => *rings = layout,
            Means::Software(_) => {}
            Means::Xen(vchan) => vchan.layout = layout,
        }
        self
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Means::Software(sockets) => sockets.fmt(f),
            Means::Xen(vchan) => vchan.fmt(f),
        }
    }
}

/// The domain this process runs in: the environment variable `VCHAN_DOMAIN`, 0 where it is missing.
///
/// # Errors
///
/// The variable's value where it is not a domain number.
pub fn own_domain() -> Result<DomId, OsString> {
    match env::var_os("VCHAN_DOMAIN") {
        None => Ok(DomId(0)),
        Some(value) => match value.to_str().map(str::parse) {
            Some(Ok(id)) => Ok(DomId(id)),
            _ => Err(value),
        },
    }
}

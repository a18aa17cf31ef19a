//! Where a link is found.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::DomId;

/// Where the sockets lie unless `VCHAN_SOCKET_DIR` says otherwise; the place vchan-socket uses.
const DEFAULT_DIRECTORY: &str = "/var/run/vchan";

/// What carries the bytes and the pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Backend {
    /// A byte stream over a Unix socket, as vchan-socket has it; pages as sealed memfds beside it.
    Socket,
    /// Xen's own ring layout in a sealed memfd; pages as with [`Backend::Socket`].
    Ring,
}

/// Names one link: who serves whom on which port, by what means, and in which directory the sockets lie.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// What carries the link.
    pub backend: Backend,
    /// The domain that listens and exports pages.
    pub server: DomId,
    /// The domain that connects and imports them.
    pub client: DomId,
    /// The vchan port.
    pub port: u32,
    /// Directory of the sockets.
    pub directory: PathBuf,
}

impl Address {
    /// An address in the directory named by the environment variable `VCHAN_SOCKET_DIR`, else in
    /// `/var/run/vchan`.
    #[must_use]
    pub fn new(backend: Backend, server: DomId, client: DomId, port: u32) -> Self {
        let directory = env::var_os("VCHAN_SOCKET_DIR").filter(|directory| !directory.is_empty());
        let directory = directory.unwrap_or_else(|| OsString::from(DEFAULT_DIRECTORY)).into();
        Self { backend, server, client, port, directory }
    }

    /// File name of the socket of that kind within [`Address::directory`].
    pub(crate) fn file_name(&self, socket: SocketKind) -> String {
        let Self { server: DomId(server), client: DomId(client), port, .. } = self;
        let kind = match socket {
            SocketKind::Stream => "vchan",
            SocketKind::Grants => "grants",
        };
        format!("{kind}.{server}.{client}.{port}.sock")
    }

    pub(crate) fn path(&self, socket: SocketKind) -> PathBuf {
        self.directory.join(self.file_name(socket))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { backend, server: DomId(server), client: DomId(client), port, directory } = self;
        let backend = match backend {
            Backend::Socket => "socket",
            Backend::Ring => "ring",
        };
        write!(f, "{backend} {server}->{client}:{port} in {}", directory.display())
    }
}

/// The two sockets of the software backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketKind {
    /// The byte stream of vchan-socket.
    Stream,
    /// Datagrams about grants, and of the ring.
    Grants,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_are_those_of_vchan_socket() {
        let mut address = Address::new(Backend::Socket, DomId(5), DomId(0), 6000);
        address.directory = "/tmp/x".into();
        assert_eq!(address.path(SocketKind::Stream), PathBuf::from("/tmp/x/vchan.5.0.6000.sock"));
        assert_eq!(address.path(SocketKind::Grants), PathBuf::from("/tmp/x/grants.5.0.6000.sock"));
        assert_eq!(address.to_string(), "socket 5->0:6000 in /tmp/x");
    }
}

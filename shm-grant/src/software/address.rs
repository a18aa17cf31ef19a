//! The paths of the sockets.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;

use crate::DomId;
use crate::ring::Layout;

/// Where the sockets lie unless `VCHAN_SOCKET_DIR` says otherwise; the place vchan-socket uses.
const DEFAULT_DIRECTORY: &str = "/var/run/vchan";

/// What carries the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Carrier {
    Stream,
    /// In rings of these sizes.
    Ring(Layout),
}

/// Names one link of the software transport.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct SocketAddress {
    pub(crate) carrier: Carrier,
    pub(crate) server: DomId,
    pub(crate) client: DomId,
    pub(crate) port: u32,
    pub(crate) directory: PathBuf,
}

impl SocketAddress {
    /// In the directory that the environment names, else in the default one.
    pub(crate) fn new(carrier: Carrier, server: DomId, client: DomId, port: u32) -> Self {
        let directory = env::var_os("VCHAN_SOCKET_DIR").filter(|directory| !directory.is_empty());
        let directory = directory.unwrap_or_else(|| OsString::from(DEFAULT_DIRECTORY)).into();
        Self { carrier, server, client, port, directory }
    }

    /// File name of the socket of that kind within the directory.
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

impl fmt::Display for SocketAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { carrier, server: DomId(server), client: DomId(client), port, directory } = self;
        let carrier = match carrier {
            Carrier::Stream => "socket",
            Carrier::Ring(_) => "ring",
        };
        write!(f, "{carrier} {server}->{client}:{port} in {}", directory.display())
    }
}

/// The two sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketKind {
    /// The byte stream of vchan-socket.
    Stream,
    /// Datagrams about grants, and of the ring.
    Grants,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paths_are_those_of_vchan_socket() {
        let mut address = SocketAddress::new(Carrier::Stream, DomId(5), DomId(0), 6000);
        address.directory = "/tmp/x".into();
        assert_eq!(address.path(SocketKind::Stream), PathBuf::from("/tmp/x/vchan.5.0.6000.sock"));
        assert_eq!(address.path(SocketKind::Grants), PathBuf::from("/tmp/x/grants.5.0.6000.sock"));
        assert_eq!(address.to_string(), "socket 5->0:6000 in /tmp/x");
    }
}

//! Unix sockets at the paths of a [`SocketAddress`]: how a server takes its place and how a client finds it.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, SocketAddrUnix, SocketFlags, SocketType, accept_with, bind, connect, listen, socket_with,
};

use crate::poll::{Interest, Poller, Source, Token};
use crate::software::address::{SocketAddress, SocketKind};

/// Clients that wait while one is served. One is what vchan-socket has; a client that finds no place tries
/// again.
const BACKLOG: i32 = 1;

impl SocketKind {
    fn socket_type(self) -> SocketType {
        match self {
            Self::Stream => SocketType::STREAM,
            Self::Grants => SocketType::SEQPACKET,
        }
    }

    fn socket(self) -> io::Result<OwnedFd> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        Ok(socket_with(AddressFamily::UNIX, self.socket_type(), flags, None)?)
    }
}

/// A listening socket in its place in the file system, which it leaves on drop.
#[derive(Debug)]
pub(crate) struct Listener {
    source: Source,
    path: PathBuf,
    /// Device and inode of the file, to know it from another server's that took its place.
    identity: (u64, u64),
}

impl Listener {
    /// Listens first and takes the place then, so that who sees the file can connect. Whatever was there is
    /// replaced.
    pub(crate) fn bind(poller: &Arc<Poller>, address: &SocketAddress, kind: SocketKind) -> io::Result<Self> {
        let path = address.path(kind);
        let hidden = address.directory.join(format!(".{}.{}", address.file_name(kind), process::id()));
        // Only a process that died before with this id can have left it.
        match fs::remove_file(&hidden) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = kind.socket()?;
        bind(&socket, &socket_address(&hidden)?)?;
        let placed = listen(&socket, BACKLOG)
            .map_err(io::Error::from)
            .and_then(|()| fs::symlink_metadata(&hidden))
            .and_then(|metadata| fs::rename(&hidden, &path).map(|()| (metadata.dev(), metadata.ino())));
        let identity = match placed {
            Ok(identity) => identity,
            Err(error) => {
                let _ = fs::remove_file(&hidden);
                return Err(error);
            }
        };
        let token = match kind {
            SocketKind::Stream => Token::StreamListener,
            SocketKind::Grants => Token::GrantListener,
        };
        Ok(Self { source: Source::new(poller, token, socket, Interest::empty())?, path, identity })
    }

    /// Whether clients that come wake us.
    pub(crate) fn watch(&mut self, watch: bool) -> io::Result<()> {
        self.source.watch_for(Interest::IN, watch)
    }

    /// The next client that waits, if any.
    pub(crate) fn accept(&self) -> io::Result<Option<OwnedFd>> {
        match accept_with(&self.source, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok(socket) => Ok(Some(socket)),
            Err(Errno::AGAIN | Errno::CONNABORTED | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|now| (now.dev(), now.ino()) == self.identity);
        if ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// How an attempt to connect went.
#[derive(Debug)]
pub(crate) enum Attempt {
    Connected(OwnedFd),
    /// There is no such file.
    Absent,
    /// The file is there and nobody listens: its server has died, or is about to listen.
    Refused,
    /// The server has enough clients that wait.
    Busy,
}

pub(crate) fn try_connect(address: &SocketAddress, kind: SocketKind) -> io::Result<Attempt> {
    let socket = kind.socket()?;
    match connect(&socket, &socket_address(&address.path(kind))?) {
        Ok(()) => Ok(Attempt::Connected(socket)),
        Err(Errno::NOENT) => Ok(Attempt::Absent),
        Err(Errno::CONNREFUSED) => Ok(Attempt::Refused),
        Err(Errno::AGAIN | Errno::INTR) => Ok(Attempt::Busy),
        Err(error) => Err(error.into()),
    }
}

/// `InvalidInput` where the kernel has no room for the path.
fn socket_address(path: &Path) -> io::Result<SocketAddrUnix> {
    SocketAddrUnix::new(path).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, format!("{} is too long for a socket", path.display()))
    })
}

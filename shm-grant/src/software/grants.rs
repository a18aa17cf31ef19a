//! The grant socket: what its datagrams say, how they travel, and the limits on what a peer may share.
//!
//! Specification: `docs/software-transport.md`.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

use crate::export::MAX_EXPORT_PAGES;

/// Grants a peer has at a time. Each holds a descriptor, of which the whole process has a limited number.
pub(crate) const MAX_GRANTS: usize = 1024;

/// Pages a peer shares at a time: 4 GiB, several hundred screens. Sparse files make it cheap for the peer to
/// name more.
pub(crate) const MAX_PAGES: usize = 1 << 20;

/// Bytes of every datagram: four little-endian words.
const DATAGRAM: usize = 16;

const SHARE: u32 = 1;
const REVOKE: u32 = 2;
const RING: u32 = 3;
const NOTIFY: u32 = 4;

/// A datagram, checked on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Datagram {
    /// References from `first` on name the pages of the file that comes along.
    Share { first: u32, pages: u32 },
    /// These references, shared together, name nothing any longer.
    Revoke { first: u32, pages: u32 },
    /// The file that comes along holds the ring.
    Ring { pages: u32 },
    /// Look at the ring.
    Notify,
}

/// What a peer did wrong on the grant socket.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// Datagrams have 16 bytes.
    #[error("a datagram is not of {DATAGRAM} bytes")]
    Length,
    /// No such datagram, or not in this direction, at this time.
    #[error("a datagram of kind {0} does not belong here")]
    Kind(u32),
    /// A word without a meaning is not 0.
    #[error("a datagram of kind {0} has a stray word")]
    StrayWord(u32),
    /// No pages, more than a buffer can have, or beyond the last reference.
    #[error("{pages} pages from reference {first} on are not a grant")]
    Range {
        /// First reference.
        first: u32,
        /// Number of pages.
        pages: u32,
    },
    /// A descriptor is missing, or there is one too many, or this process has none left.
    #[error("a datagram does not carry the descriptors that it should")]
    Descriptors,
    /// The descriptor is not a memory file of ordinary pages.
    #[error("the descriptor is not a memory file of ordinary pages")]
    NotMemory,
    /// The file could shrink while it is mapped.
    #[error("the memory file is not sealed against shrinking")]
    NotSealed,
    /// The file is shorter than the pages it should hold.
    #[error("a memory file of {bytes} bytes does not hold {pages} pages")]
    TooSmall {
        /// Bytes of the file.
        bytes: u64,
        /// Pages it should hold.
        pages: u32,
    },
    /// A reference is shared already.
    #[error("{pages} pages from reference {first} on overlap a grant that exists")]
    Overlap {
        /// First reference.
        first: u32,
        /// Number of pages.
        pages: u32,
    },
    /// These references were not shared together.
    #[error("{pages} pages from reference {first} on were not shared")]
    NotShared {
        /// First reference.
        first: u32,
        /// Number of pages.
        pages: u32,
    },
    /// More grants than a peer may have.
    #[error("more than {MAX_GRANTS} grants")]
    TooManyGrants,
    /// More pages than a peer may share.
    #[error("more than {MAX_PAGES} pages in grants")]
    TooManyPages,
    /// The ring's file is not of the size that its control page asks for.
    #[error("a ring of {0} pages is not in the file")]
    RingSize(usize),
    /// The system refused.
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl Datagram {
    pub(crate) fn encode(self) -> [u8; DATAGRAM] {
        let words = match self {
            Self::Share { first, pages } => [SHARE, first, pages, 0],
            Self::Revoke { first, pages } => [REVOKE, first, pages, 0],
            Self::Ring { pages } => [RING, 0, pages, 0],
            Self::Notify => [NOTIFY, 0, 0, 0],
        };
        let mut bytes = [0; DATAGRAM];
        for (bytes, word) in bytes.as_chunks_mut().0.iter_mut().zip(words) {
            *bytes = word.to_le_bytes();
        }
        bytes
    }

    pub(crate) fn decode(bytes: [u8; DATAGRAM]) -> Result<Self, GrantError> {
        let mut words = [0; 4];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        let [kind, first, pages, _] = words;
        let datagram = match kind {
            SHARE => Self::Share { first, pages },
            REVOKE => Self::Revoke { first, pages },
            RING => Self::Ring { pages },
            NOTIFY => Self::Notify,
            _ => return Err(GrantError::Kind(kind)),
        };
        if datagram.encode() != bytes {
            return Err(GrantError::StrayWord(kind));
        }
        if let Self::Share { .. } | Self::Revoke { .. } | Self::Ring { .. } = datagram {
            let last = pages.checked_sub(1).and_then(|more| first.checked_add(more));
            if last.is_none() || pages > MAX_EXPORT_PAGES {
                return Err(GrantError::Range { first, pages });
            }
        }
        Ok(datagram)
    }

    /// The error for a datagram that is sound and comes from the wrong side or at the wrong time.
    pub(crate) fn misplaced(self) -> GrantError {
        GrantError::Kind(match self {
            Self::Share { .. } => SHARE,
            Self::Revoke { .. } => REVOKE,
            Self::Ring { .. } => RING,
            Self::Notify => NOTIFY,
        })
    }
}

/// Sends a datagram. `false`: the peer has not made room; try again when the socket is writable.
pub(crate) fn send(
    socket: BorrowedFd<'_>,
    datagram: Datagram,
    file: Option<BorrowedFd<'_>>,
) -> io::Result<bool> {
    let bytes = datagram.encode();
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let files = file.as_slice();
    if !files.is_empty() && !control.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    match sendmsg(socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
        Ok(_) => Ok(true),
        Err(Errno::AGAIN) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// What [`receive`] found.
#[derive(Debug)]
pub(crate) enum Received {
    Nothing,
    Closed,
    Datagram(Datagram, Option<OwnedFd>),
}

/// Takes the next datagram, whose descriptor, if it needs one, is there and unchecked.
pub(crate) fn receive(socket: BorrowedFd<'_>) -> Result<Received, GrantError> {
    let mut bytes = [0; DATAGRAM];
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let message = match recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut control, flags) {
        Ok(message) => message,
        Err(Errno::AGAIN) => return Ok(Received::Nothing),
        Err(Errno::CONNRESET) => return Ok(Received::Closed),
        Err(error) => return Err(io::Error::from(error).into()),
    };
    let mut files = Vec::new();
    for ancillary in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = ancillary {
            files.extend(received);
        }
    }
    // Room for one is, by its alignment, room for two; the kernel keeps back the third.
    let file = files.pop();
    if !files.is_empty() || message.flags.contains(ReturnFlags::CTRUNC) {
        return Err(GrantError::Descriptors);
    }
    match message.bytes {
        0 => return Ok(Received::Closed),
        DATAGRAM if !message.flags.contains(ReturnFlags::TRUNC) => {}
        _ => return Err(GrantError::Length),
    }
    let datagram = Datagram::decode(bytes)?;
    let wants_file = matches!(datagram, Datagram::Share { .. } | Datagram::Ring { .. });
    if wants_file != file.is_some() {
        return Err(GrantError::Descriptors);
    }
    Ok(Received::Datagram(datagram, file))
}

/// Tells the peer to look at the ring. A peer that has not read what was sent before will look anyway.
pub(crate) fn notify(socket: &impl AsFd) -> io::Result<()> {
    match send(socket.as_fd(), Datagram::Notify, None) {
        // That the peer has gone is noticed where its end of the socket is watched.
        Err(error) if matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset) => {
            Ok(())
        }
        sent => sent.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::*;

    fn words(words: [u32; 4]) -> [u8; 16] {
        let bytes: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        bytes.try_into().unwrap()
    }

    #[test]
    fn datagrams_have_their_documented_form() {
        for (datagram, form) in [
            (Datagram::Share { first: 8, pages: 2 }, [1, 8, 2, 0]),
            (Datagram::Revoke { first: 8, pages: 2 }, [2, 8, 2, 0]),
            (Datagram::Ring { pages: 3 }, [3, 0, 3, 0]),
            (Datagram::Notify, [4, 0, 0, 0]),
            (Datagram::Share { first: 8, pages: MAX_EXPORT_PAGES }, [1, 8, 98304, 0]),
            (Datagram::Share { first: u32::MAX, pages: 1 }, [1, u32::MAX, 1, 0]),
        ] {
            assert_eq!(datagram.encode(), words(form));
            assert_eq!(Datagram::decode(words(form)).unwrap(), datagram);
        }
    }

    #[test]
    fn other_datagrams_are_refused() {
        let refused = |form| Datagram::decode(words(form)).unwrap_err();
        assert!(matches!(refused([0, 0, 0, 0]), GrantError::Kind(0)));
        assert!(matches!(refused([5, 0, 0, 0]), GrantError::Kind(5)));
        assert!(matches!(refused([1, 8, 2, 1]), GrantError::StrayWord(1)));
        assert!(matches!(refused([3, 8, 2, 0]), GrantError::StrayWord(3)));
        assert!(matches!(refused([4, 0, 1, 0]), GrantError::StrayWord(4)));
        assert!(matches!(refused([1, 8, 0, 0]), GrantError::Range { .. }));
        assert!(matches!(refused([1, 8, 98305, 0]), GrantError::Range { .. }));
        assert!(matches!(refused([2, u32::MAX, 2, 0]), GrantError::Range { .. }));
    }

    #[test]
    fn length_and_descriptors_must_be_right() {
        let flags = SocketFlags::CLOEXEC;
        let (ours, peer) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
        let take = || receive(ours.as_fd());
        assert!(matches!(take(), Ok(Received::Nothing)));
        for len in [1, 15, 17, 400] {
            rustix::net::send(&peer, &[1; 400][..len], SendFlags::empty()).unwrap();
            assert!(matches!(take(), Err(GrantError::Length)));
        }
        let file = crate::software::memfd::create(1).unwrap();
        let share = Datagram::Share { first: 8, pages: 1 };
        send(peer.as_fd(), share, None).unwrap();
        assert!(matches!(take(), Err(GrantError::Descriptors)));
        send(peer.as_fd(), Datagram::Notify, Some(file.as_fd())).unwrap();
        assert!(matches!(take(), Err(GrantError::Descriptors)));
        send(peer.as_fd(), share, Some(file.as_fd())).unwrap();
        assert!(matches!(take(), Ok(Received::Datagram(datagram, Some(_))) if datagram == share));

        for too_many in [2, 3] {
            let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(3))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            let files = vec![file.as_fd(); too_many];
            assert!(control.push(SendAncillaryMessage::ScmRights(&files)));
            sendmsg(&peer, &[IoSlice::new(&share.encode())], &mut control, SendFlags::empty()).unwrap();
            assert!(matches!(take(), Err(GrantError::Descriptors)));
        }
        drop(peer);
        assert!(matches!(take(), Ok(Received::Closed)));
    }
}

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

use super::*;
use crate::Pages;
use crate::poll::{Poller, Token};

/// An importer and the socket by which a peer talks to it.
fn importer() -> (Importer, OwnedFd) {
    let flags = SocketFlags::CLOEXEC;
    let (ours, peer) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    let poller = Poller::new().unwrap();
    (Importer::new(Source::new(&poller, Token::Grants, ours, Interest::IN).unwrap()), peer)
}

/// Pages numbered from `number` on in their first byte, shared from reference `first` on.
fn share(peer: &OwnedFd, first: u32, pages: u32, number: u8) -> Pages {
    let file = memfd::create(pages as usize).unwrap();
    let memory = Pages::of_file(file.as_fd(), 0, pages as usize).unwrap();
    for page in 0..pages as usize {
        memory.copy_in(page * PAGE_SIZE, &[number + page as u8]).unwrap();
    }
    assert!(grants::send(peer.as_fd(), Datagram::Share { first, pages }, Some(file.as_fd())).unwrap());
    memory
}

fn revoke(peer: &OwnedFd, first: u32, pages: u32) {
    assert!(grants::send(peer.as_fd(), Datagram::Revoke { first, pages }, None).unwrap());
}

fn import(importer: &Importer, refs: impl IntoIterator<Item = u32>) -> Result<Vec<u8>, ImportError> {
    let refs: Vec<GrantRef> = refs.into_iter().map(GrantRef).collect();
    let pages = importer.import(&refs, refs.len() * PAGE_SIZE)?;
    assert_eq!(pages.len(), refs.len() * PAGE_SIZE);
    let number = |page| {
        let mut byte = [0];
        pages.copy_out(page * PAGE_SIZE, &mut byte).map(|()| byte[0])
    };
    Ok((0..refs.len()).map(|page| number(page).unwrap()).collect())
}

#[test]
fn pages_come_in_the_order_of_their_references() {
    let (mut importer, peer) = importer();
    let memory = share(&peer, 10, 5, 100);
    share(&peer, 15, 2, 200);
    importer.drain(ALL).unwrap();
    assert_eq!(import(&importer, 10..15).unwrap(), [100, 101, 102, 103, 104]);
    assert_eq!(import(&importer, 12..14).unwrap(), [102, 103]);
    assert_eq!(import(&importer, 13..17).unwrap(), [103, 104, 200, 201]);
    assert_eq!(import(&importer, [16, 10, 10, 14, 15]).unwrap(), [201, 100, 100, 104, 200]);

    // Shared, not copied, in one piece as in several.
    let whole = importer.import(&[GrantRef(11)], 1).unwrap();
    let pieces = importer.import(&[GrantRef(11), GrantRef(16)], 1).unwrap();
    memory.copy_in(PAGE_SIZE, b"new").unwrap();
    for pages in [whole, pieces] {
        let mut bytes = [0; 3];
        pages.copy_out(0, &mut bytes).unwrap();
        assert_eq!(&bytes, b"new");
    }
}

#[test]
fn pages_outlive_their_revocation_and_the_peer() {
    let (mut importer, peer) = importer();
    share(&peer, 10, 1, 42);
    importer.drain(ALL).unwrap();
    let pages = importer.import(&[GrantRef(10)], 4096).unwrap();
    revoke(&peer, 10, 1);
    drop(peer);
    importer.drain(ALL).unwrap();
    assert!(!importer.is_open());
    assert!(matches!(import(&importer, [10]), Err(ImportError::NotShared(GrantRef(10)))));
    let mut byte = [0];
    pages.copy_out(0, &mut byte).unwrap();
    assert_eq!(byte, [42]);
}

#[test]
fn references_that_name_nothing_are_refused() {
    let (mut importer, peer) = importer();
    share(&peer, 10, 2, 0);
    importer.drain(ALL).unwrap();
    for unknown in [9, 12, u32::MAX] {
        let refused = import(&importer, [10, unknown]).unwrap_err();
        assert!(matches!(refused, ImportError::NotShared(GrantRef(found)) if found == unknown));
    }
    assert!(matches!(importer.import(&[], 0), Err(ImportError::Size { refs: 0, bytes: 0 })));
    assert!(matches!(importer.import(&[GrantRef(10)], 4097), Err(ImportError::Size { .. })));
    importer.import(&[GrantRef(10)], 4096).unwrap();
    let many = vec![GrantRef(10); crate::export::MAX_EXPORT_PAGES as usize + 1];
    assert!(matches!(importer.import(&many, 1), Err(ImportError::Size { .. })));
}

#[test]
fn sixty_four_pieces_are_mapped_and_one_more_is_not() {
    let (mut importer, peer) = importer();
    share(&peer, 10, 3, 0);
    importer.drain(ALL).unwrap();
    let scattered = |pieces: usize| [12, 10].into_iter().cycle().take(pieces);
    assert_eq!(import(&importer, scattered(64)).unwrap(), [2, 0].repeat(32));
    assert!(matches!(import(&importer, scattered(65)), Err(ImportError::Scattered(64))));
}

#[test]
fn grants_do_not_overlap() {
    for (first, pages) in [(10, 5), (10, 1), (14, 1), (14, 3), (8, 3), (9, 7)] {
        let (mut importer, peer) = importer();
        share(&peer, 10, 5, 0);
        share(&peer, 15, 1, 0);
        share(&peer, 9, 1, 0);
        importer.drain(ALL).unwrap();
        share(&peer, first, pages, 0);
        let refused = importer.drain(ALL).unwrap_err();
        assert!(matches!(refused, GrantError::Overlap { .. }), "{first} {pages}: {refused}");
    }
}

#[test]
fn only_what_was_shared_together_is_revoked_together() {
    for (first, pages) in [(10, 4), (10, 6), (11, 4), (9, 1), (20, 1)] {
        let (mut importer, peer) = importer();
        share(&peer, 10, 5, 0);
        revoke(&peer, first, pages);
        assert!(matches!(importer.drain(ALL), Err(GrantError::NotShared { .. })), "{first} {pages}");
    }
    let (mut importer, peer) = importer();
    for _ in 0..2 {
        share(&peer, 10, 5, 0);
        revoke(&peer, 10, 5);
    }
    importer.drain(ALL).unwrap();
    assert_eq!((importer.grants.len(), importer.pages), (0, 0));
}

#[test]
fn what_a_peer_may_share_is_limited() {
    // The limit itself is reached without as many descriptors as it takes.
    let (mut importer, peer) = importer();
    importer.pages = MAX_PAGES - 1;
    share(&peer, 10, 1, 0);
    importer.drain(ALL).unwrap();
    share(&peer, 11, 1, 0);
    assert!(matches!(importer.drain(ALL), Err(GrantError::TooManyPages)));

    let (mut importer, peer) = self::importer();
    let spare = memfd::create(1).unwrap();
    for first in 0..MAX_GRANTS as u32 - 1 {
        let Ok(file) = spare.try_clone() else {
            return eprintln!("skipped: too few descriptors for the limit on grants");
        };
        importer.grants.insert(1_000_000 + first, Grant { pages: 1, file });
    }
    share(&peer, 10, 1, 0);
    importer.drain(ALL).unwrap();
    share(&peer, 11, 1, 0);
    assert!(matches!(importer.drain(ALL), Err(GrantError::TooManyGrants)));
}

#[test]
fn files_are_checked_when_they_come() {
    let (mut importer, peer) = importer();
    let short = memfd::create(1).unwrap();
    grants::send(peer.as_fd(), Datagram::Share { first: 10, pages: 2 }, Some(short.as_fd())).unwrap();
    assert!(matches!(importer.drain(ALL), Err(GrantError::TooSmall { bytes: 4096, pages: 2 })));
    let null = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
    grants::send(peer.as_fd(), Datagram::Share { first: 10, pages: 2 }, Some(null.as_fd())).unwrap();
    assert!(matches!(importer.drain(ALL), Err(GrantError::NotMemory)));
    assert!(importer.grants.is_empty());
}

#[test]
fn a_ring_belongs_at_the_start_only() {
    let (mut importer, peer) = importer();
    let file = memfd::create(3).unwrap();
    let ring = || grants::send(peer.as_fd(), Datagram::Ring { pages: 3 }, Some(file.as_fd())).unwrap();
    assert!(importer.receive_ring().unwrap().is_none());
    ring();
    assert!(matches!(importer.receive_ring(), Ok(Some((_, 3)))));
    ring();
    assert!(matches!(importer.drain(ALL), Err(GrantError::Kind(3))));
    share(&peer, 10, 1, 0);
    assert!(matches!(importer.receive_ring(), Err(GrantError::Kind(1))));
}

use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair, sockopt};

use super::*;
use crate::poll::{Poller, Token};
use crate::software::import::{ALL, Importer};

/// A connected pair: the exporter's source and the importer.
fn connect() -> (Source, Importer) {
    let flags = SocketFlags::CLOEXEC;
    let (ours, peers) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    // So small that few datagrams are under way.
    sockopt::set_socket_send_buffer_size(&ours, 4096).unwrap();
    let source = |fd| Source::new(&Poller::new().unwrap(), Token::Grants, fd, Interest::IN).unwrap();
    (source(ours), Importer::new(source(peers)))
}

fn first_byte(importer: &Importer, export: &Export) -> u8 {
    let pages = importer.import(export.refs(), export.pages().len()).unwrap();
    let mut byte = [0];
    pages.copy_out(0, &mut byte).unwrap();
    byte[0]
}

#[test]
fn a_new_peer_is_told_of_all_that_lives() {
    let exporter = Exporter::default();
    let before = exporter.export(2).unwrap();
    drop(exporter.export(1).unwrap());
    before.pages().copy_in(0, &[7]).unwrap();
    for _link in 0..2 {
        let (socket, mut importer) = connect();
        exporter.attach(socket, None);
        let after = exporter.export(1).unwrap();
        after.pages().copy_in(0, &[8]).unwrap();
        assert!(!exporter.is_behind());
        importer.drain(ALL).unwrap();
        assert_eq!((first_byte(&importer, &before), first_byte(&importer, &after)), (7, 8));
        let gone = after.refs().to_vec();
        drop(after);
        importer.drain(ALL).unwrap();
        assert!(importer.import(&gone, 1).is_err());
        exporter.detach();
        importer.drain(ALL).unwrap();
        assert!(!importer.is_open());
    }
}

#[test]
fn a_peer_that_does_not_listen_is_told_later_and_in_order() {
    let exporter = Exporter::default();
    let (socket, mut importer) = connect();
    exporter.attach(socket, None);
    let mut exports: Vec<Export> = (0..200).map(|_| exporter.export(1).unwrap()).collect();
    assert!(exporter.is_behind());
    let queued = |exporter: &Exporter| exporter.state().link.as_ref().unwrap().queue.len();
    let untold = queued(&exporter);
    // The last was never told: it leaves no trace. The first was: its end waits.
    let last = exports.pop().unwrap();
    drop(last);
    assert_eq!(queued(&exporter), untold - 1);
    drop(exports.remove(0));
    assert_eq!(queued(&exporter), untold);
    while exporter.is_behind() {
        importer.drain(ALL).unwrap();
        assert_eq!(exporter.exchange().unwrap(), Peer::Open);
    }
    importer.drain(ALL).unwrap();
    for export in &exports {
        first_byte(&importer, export);
    }
}

#[test]
fn a_peer_has_limits() {
    let exporter = Exporter::default();
    assert!(matches!(exporter.export(0), Err(ExportError::Size(0))));
    assert!(matches!(exporter.export(98_305), Err(ExportError::Size(98_305))));

    // Ten of the largest, and what remains of 2^20 pages. The files are sparse.
    let mut large: Vec<Export> = (0..10).map(|_| exporter.export(98_304).unwrap()).collect();
    large.push(exporter.export(MAX_PAGES - 983_040).unwrap());
    assert!(matches!(exporter.export(1), Err(ExportError::Exhausted { .. })));
    large.pop();
    let _fits = exporter.export(1).unwrap();
    drop(large);

    let state = || exporter.state();
    let grant = || Grant { pages: 1, file: memfd::create(1).unwrap() };
    // Descriptors of which a test process has not that many.
    let spare = grant();
    for first in 0..MAX_GRANTS as u32 - 2 {
        let file = spare.file.try_clone();
        let Ok(file) = file else { return eprintln!("skipped: too few descriptors for the limit on grants") };
        state().grants.insert(1_000_000 + first, Grant { pages: 1, file });
    }
    let _last = exporter.export(1).unwrap();
    assert!(matches!(exporter.export(1), Err(ExportError::Exhausted { .. })));
}

#[test]
fn references_wrap_around_and_never_collide() {
    let exporter = Exporter::default();
    let low = exporter.export(4).unwrap();
    assert_eq!(low.refs().first(), Some(&GrantRef(FIRST_REF)));
    exporter.state().next = u32::MAX - 2;
    let high = exporter.export(3).unwrap();
    assert_eq!(high.refs(), [GrantRef(u32::MAX - 2), GrantRef(u32::MAX - 1), GrantRef(u32::MAX)]);
    let wrapped = exporter.export(5).unwrap();
    assert_eq!(wrapped.refs().first(), Some(&GrantRef(12)));
    exporter.state().next = 10;
    assert_eq!(exporter.export(1).unwrap().refs(), [GrantRef(17)]);
}

#[test]
fn a_peer_that_sends_anything_but_notifications_is_out() {
    let exporter = Exporter::default();
    let flags = SocketFlags::CLOEXEC;
    let (ours, peer) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None).unwrap();
    exporter.attach(Source::new(&Poller::new().unwrap(), Token::Grants, ours, Interest::IN).unwrap(), None);
    grants::notify(&peer).unwrap();
    assert_eq!(exporter.exchange().unwrap(), Peer::Open);
    grants::send(peer.as_fd(), Datagram::Revoke { first: 8, pages: 1 }, None).unwrap();
    assert!(matches!(exporter.exchange(), Err(GrantError::Kind(2))));
    drop(peer);
    assert_eq!(exporter.exchange().unwrap(), Peer::Closed);
}

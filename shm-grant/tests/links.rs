//! Both ends of a link, in one process and in two, over both backends.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, its helpers too"
)]

use std::collections::VecDeque;
use std::fs;
use std::io::{Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use shm_grant::{
    Address, Backend, Client, DomId, Event, GrantRef, ImportError, LinkError, PAGE_SIZE, Server,
};

const BACKENDS: [Backend; 2] = [Backend::Socket, Backend::Ring];

/// How long something that must happen may take on a machine under load.
const LONG: Duration = Duration::from_secs(60);

/// A directory of its own for each test, gone with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("shm-grant-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Self(std::env::temp_dir().join(name))
    }

    fn address(&self, backend: Backend) -> Address {
        Address::new(backend, DomId(5), DomId(0), 6000).in_directory(&self.0)
    }

    fn stream_path(&self) -> PathBuf {
        self.0.join("vchan.5.0.6000.sock")
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Either end, to be driven by the same code.
trait End: AsFd {
    fn poll_event(&mut self) -> Option<Event>;
    fn read(&mut self, into: &mut [u8]) -> usize;
    fn write(&mut self, bytes: &[u8]) -> usize;
}

macro_rules! end {
    ($end:ty) => {
        impl End for $end {
            fn poll_event(&mut self) -> Option<Event> {
                Self::poll_event(self)
            }
            fn read(&mut self, into: &mut [u8]) -> usize {
                Self::read(self, into)
            }
            fn write(&mut self, bytes: &[u8]) -> usize {
                Self::write(self, bytes)
            }
        }
    };
}
end!(Server);
end!(Client);

fn is_ready(fd: BorrowedFd<'_>, timeout: Duration) -> bool {
    let timeout = Timespec::try_from(timeout).unwrap();
    poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&timeout)).unwrap() > 0
}

/// An end with what it has been told.
struct Driven<E: End> {
    end: E,
    received: Vec<u8>,
    to_send: VecDeque<u8>,
    connected: bool,
    lost: Option<LinkError>,
    rounds: usize,
}

impl<E: End> Driven<E> {
    fn new(end: E) -> Self {
        let (received, to_send) = (Vec::new(), VecDeque::new());
        Self { end, received, to_send, connected: false, lost: None, rounds: 0 }
    }

    /// One turn of an event loop: takes everything, sends what there is.
    fn turn(&mut self) {
        self.rounds += 1;
        while let Some(event) = self.end.poll_event() {
            match event {
                Event::Connected => (self.connected, self.lost) = (true, None),
                Event::Disconnected(error) => (self.connected, self.lost) = (false, Some(error)),
                Event::Writable => self.flush(),
                Event::Readable => {
                    let mut bytes = [0; 1000];
                    // Half of the time not to the end: the rest must be offered again.
                    for _ in 0..1 + self.rounds % 2 * 100 {
                        let taken = self.end.read(&mut bytes);
                        self.received.extend(&bytes[..taken]);
                        if taken == 0 {
                            break;
                        }
                    }
                }
            }
        }
    }

    fn flush(&mut self) {
        while !self.to_send.is_empty() {
            let (bytes, _) = self.to_send.as_slices();
            match self.end.write(bytes) {
                0 => break,
                taken => drop(self.to_send.drain(..taken)),
            }
        }
    }

    fn send(&mut self, bytes: impl IntoIterator<Item = u8>) {
        self.to_send.extend(bytes);
        self.flush();
    }

    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            assert!(is_ready(self.end.as_fd(), LONG), "it never happened");
            self.turn();
        }
    }
}

/// Runs two ends in one thread until both are satisfied.
fn run<A: End, B: End>(a: &mut Driven<A>, b: &mut Driven<B>, done: impl Fn(&Driven<A>, &Driven<B>) -> bool) {
    while !done(a, b) {
        let both = [a.end.as_fd(), b.end.as_fd()];
        let mut both = both.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let timeout = Timespec::try_from(LONG).unwrap();
        assert!(poll(&mut both, Some(&timeout)).unwrap() > 0, "it never happened");
        let [a_ready, b_ready] = both.map(|fd| !fd.revents().is_empty());
        if a_ready {
            a.turn();
        }
        if b_ready {
            b.turn();
        }
    }
}

fn connected<A: End, B: End>(a: &Driven<A>, b: &Driven<B>) -> bool {
    a.connected && b.connected
}

fn pair(place: &Place, backend: Backend) -> (Driven<Server>, Driven<Client>) {
    let mut server = Driven::new(Server::bind(&place.address(backend)).unwrap());
    let mut client = Driven::new(Client::new(&place.address(backend)).unwrap());
    run(&mut server, &mut client, connected);
    (server, client)
}

/// Nothing more happens on either end, however often one looks.
fn assert_idle(ends: [BorrowedFd<'_>; 2]) {
    assert_eq!(ends.map(|fd| is_ready(fd, Duration::ZERO)), [false; 2], "an end wakes up for nothing");
}

fn pattern(len: usize, seed: usize) -> impl Iterator<Item = u8> {
    (0..len).map(move |i| ((i * 7 + seed) % 251) as u8)
}

#[test]
fn bytes_go_both_ways_in_any_amount() {
    const TOTAL: usize = 3_000_000;
    for backend in BACKENDS {
        let place = Place::new();
        let (mut server, mut client) = pair(&place, backend);
        assert!(fs::read_dir(&place.0).unwrap().count() <= 2);
        server.send(pattern(TOTAL, 1));
        client.send(pattern(TOTAL, 2));
        run(&mut server, &mut client, |server, client| {
            server.received.len() == TOTAL && client.received.len() == TOTAL
        });
        assert!(client.received.iter().copied().eq(pattern(TOTAL, 1)));
        assert!(server.received.iter().copied().eq(pattern(TOTAL, 2)));
        server.turn();
        client.turn();
        assert_idle([server.end.as_fd(), client.end.as_fd()]);
        drop(server);
        assert_eq!(fs::read_dir(&place.0).unwrap().count(), 0, "the sockets are gone with the server");
    }
}

#[test]
fn an_end_that_does_not_want_to_read_makes_the_other_wait() {
    for backend in BACKENDS {
        let place = Place::new();
        let (mut server, mut client) = pair(&place, backend);
        client.end.set_want_read(false);
        server.send(pattern(2_000_000, 3));
        client.turn();
        assert!(!server.to_send.is_empty());
        server.turn();
        client.turn();
        assert!(client.received.is_empty());
        assert_idle([server.end.as_fd(), client.end.as_fd()]);
        // The other direction goes on.
        client.send(pattern(100_000, 4));
        server.until(|server| server.received.len() >= 4096);
        run(&mut server, &mut client, |server, _| server.received.len() == 100_000);

        client.end.set_want_read(true);
        run(&mut server, &mut client, |_, client| client.received.len() == 2_000_000);
        assert!(client.received.iter().copied().eq(pattern(2_000_000, 3)));
    }
}

#[test]
fn what_is_left_for_later_is_told_of_later() {
    for backend in BACKENDS {
        let place = Place::new();
        let (mut server, mut client) = pair(&place, backend);
        server.send(pattern(3000, 5));
        assert!(is_ready(client.end.as_fd(), LONG));
        // One read of a turn that ends in the middle of a round.
        let mut bytes = [0; 1000];
        assert!(matches!(client.end.poll_event(), Some(Event::Readable)));
        assert_eq!(client.end.read(&mut bytes), 1000);
        client.end.leave_rest();
        client.until(|client| client.received.len() == 2000);
        client.turn();
        server.turn();
        assert_idle([server.end.as_fd(), client.end.as_fd()]);
    }
}

#[test]
fn a_client_waits_for_its_server_and_outlives_it() {
    for backend in BACKENDS {
        let place = Place::new();
        let mut client = Driven::new(Client::new(&place.address(backend)).unwrap());
        client.turn();
        fs::write(place.0.join("vchan.6.0.6000.sock"), "another's").unwrap();
        client.turn();
        assert!(!client.connected && client.lost.is_none());
        assert!(!is_ready(client.end.as_fd(), Duration::ZERO));
        for link in 0..3 {
            let mut server = Driven::new(Server::bind(&place.address(backend)).unwrap());
            run(&mut server, &mut client, connected);
            server.send(pattern(50, link));
            drop(server);
            // What was sent before is read before the end is noticed.
            client.until(|client| client.lost.is_some());
            assert!(matches!(client.lost, Some(LinkError::Closed)));
            assert!(std::mem::take(&mut client.received).into_iter().eq(pattern(50, link)));
            client.turn();
            assert!(!is_ready(client.end.as_fd(), Duration::ZERO), "it waits for its owner");
            client.end.connect();
        }
    }
}

#[test]
fn a_server_serves_one_client_after_the_other() {
    for backend in BACKENDS {
        let place = Place::new();
        let (mut server, mut first) = pair(&place, backend);
        let mut second = Driven::new(Client::new(&place.address(backend)).unwrap());
        second.turn();
        server.turn();
        assert_idle([server.end.as_fd(), second.end.as_fd()]);
        first.send(*b"last words");
        drop(first);
        run(&mut server, &mut second, |server, _| server.lost.is_some());
        assert_eq!(server.received, b"last words");
        run(&mut server, &mut second, connected);
        second.send(*b"hello");
        run(&mut server, &mut second, |server, _| server.received.ends_with(b"hello"));
        assert_eq!(server.received, b"last wordshello");
        server.turn();
        second.turn();
        assert_idle([server.end.as_fd(), second.end.as_fd()]);
    }
}

#[test]
fn either_end_can_hang_up_and_start_anew() {
    for backend in BACKENDS {
        let place = Place::new();
        let (mut server, mut client) = pair(&place, backend);
        server.end.disconnect();
        client.until(|client| client.lost.is_some());
        client.end.connect();
        server.connected = false;
        run(&mut server, &mut client, connected);
        client.end.disconnect();
        server.until(|server| server.lost.is_some());
        client.end.connect();
        client.connected = false;
        run(&mut server, &mut client, connected);
        server.send(*b"again");
        run(&mut server, &mut client, |_, client| client.received == b"again");
    }
}

#[test]
fn stale_files_are_replaced() {
    for backend in BACKENDS {
        let place = Place::new();
        fs::create_dir_all(&place.0).unwrap();
        for name in ["vchan.5.0.6000.sock", "grants.5.0.6000.sock"] {
            drop(UnixListener::bind(place.0.join(name)).unwrap());
        }
        let mut client = Driven::new(Client::new(&place.address(backend)).unwrap());
        client.turn();
        assert!(!client.connected && client.lost.is_none());
        let mut server = Driven::new(Server::bind(&place.address(backend)).unwrap());
        run(&mut server, &mut client, connected);
        // The place of a server that was replaced is not cleared by it.
        let successor = Server::bind(&place.address(backend)).unwrap();
        let files = fs::read_dir(&place.0).unwrap().count();
        drop(server);
        assert_eq!(fs::read_dir(&place.0).unwrap().count(), files);
        drop(successor);
    }
}

#[test]
fn a_directory_that_goes_is_made_again() {
    let place = Place::new();
    let mut client = Driven::new(Client::new(&place.address(Backend::Socket)).unwrap());
    client.turn();
    fs::remove_dir(&place.0).unwrap();
    client.until(|_| place.0.exists());
    let mut server = Driven::new(Server::bind(&place.address(Backend::Socket)).unwrap());
    run(&mut server, &mut client, connected);
}

#[test]
fn pages_are_seen_by_the_client_when_their_references_arrive() {
    for backend in BACKENDS {
        let place = Place::new();
        let mut server = Driven::new(Server::bind(&place.address(backend)).unwrap());
        // More than the kernel queues on a socket, so that the link has to wait for the grants.
        let exports: Vec<_> = (0..600).map(|_| server.end.exporter().export(1).unwrap()).collect();
        for (number, export) in exports.iter().enumerate() {
            export.pages().copy_in(0, &(number as u32).to_ne_bytes()).unwrap();
        }
        for _link in 0..2 {
            let mut client = Driven::new(Client::new(&place.address(backend)).unwrap());
            run(&mut server, &mut client, connected);
            let last = exports[599].refs()[0];
            server.to_send.clear();
            server.send(last.0.to_le_bytes());
            assert_eq!(server.to_send.len(), 4, "the reference waits for the grants before it");
            run(&mut server, &mut client, |_, client| client.received.len() == 4);
            for (number, export) in exports.iter().enumerate() {
                let pages = client.end.import(export.refs(), PAGE_SIZE).unwrap();
                let mut bytes = [0; 4];
                pages.copy_out(0, &mut bytes).unwrap();
                assert_eq!(u32::from_ne_bytes(bytes), number as u32);
            }
            let unknown = client.end.import(&[GrantRef(1)], 1);
            assert!(matches!(unknown, Err(ImportError::NotShared(GrantRef(1)))));
            client.end.disconnect();
            assert!(matches!(client.end.import(&[last], 1), Err(ImportError::NoGrants)));
            run(&mut server, &mut client, |server, _| server.lost.is_some());
        }
    }
}

#[test]
fn a_server_of_vchan_socket_is_a_peer_without_grants() {
    let place = Place::new();
    let mut client = Driven::new(Client::new(&place.address(Backend::Socket)).unwrap());
    let listener = UnixListener::bind(place.stream_path()).unwrap();
    client.until(|client| client.connected);
    let (mut server, _) = listener.accept().unwrap();
    server.write_all(b"hello").unwrap();
    client.until(|client| client.received == b"hello");
    client.send(*b"world");
    let mut bytes = [0; 5];
    server.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"world");
    assert!(matches!(client.end.import(&[GrantRef(8)], 1), Err(ImportError::NoGrants)));
    drop(server);
    client.until(|client| client.lost.is_some());
}

#[test]
fn a_server_that_binds_before_it_listens_is_tried_again() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
    let place = Place::new();
    let mut client = Driven::new(Client::new(&place.address(Backend::Socket)).unwrap());
    let server = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
    bind(&server, &SocketAddrUnix::new(place.stream_path()).unwrap()).unwrap();
    client.until(|client| client.rounds == 1);
    assert!(!client.connected && client.lost.is_none());
    listen(&server, 1).unwrap();
    client.until(|client| client.connected);
}

#[test]
fn a_client_of_vchan_socket_is_served_without_grants() {
    let place = Place::new();
    let mut server = Driven::new(Server::bind(&place.address(Backend::Socket)).unwrap());
    let _export = server.end.exporter().export(1).unwrap();
    let mut client = UnixStream::connect(place.stream_path()).unwrap();
    client.write_all(b"hello").unwrap();
    server.until(|server| server.received == b"hello");
    server.send(*b"world");
    let mut bytes = [0; 5];
    client.read_exact(&mut bytes).unwrap();
    assert_eq!(&bytes, b"world");
    drop(client);
    server.until(|server| server.lost.is_some());
}

#[test]
fn a_grant_socket_that_is_misused_ends_the_link() {
    // no such datagram; a notification of a ring where there is none
    for words in [[9u32; 4], [4, 0, 0, 0]] {
        let place = Place::new();
        let grants = SeqPacket::bind(&place, "grants.5.0.6000.sock");
        let listener = UnixListener::bind(place.stream_path()).unwrap();
        let mut client = Driven::new(Client::new(&place.address(Backend::Socket)).unwrap());
        client.until(|client| client.connected);
        let (_stream, _) = listener.accept().unwrap();
        let server = grants.accept();
        let datagram: Vec<u8> = words.into_iter().flat_map(u32::to_le_bytes).collect();
        rustix::net::send(&server, &datagram, rustix::net::SendFlags::empty()).unwrap();
        client.until(|client| client.lost.is_some());
        assert!(matches!(client.lost, Some(LinkError::Grants(_))), "{words:?}: {:?}", client.lost);
    }
}

#[test]
fn a_server_with_a_bad_ring_is_refused() {
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};
    // (orders in the control page, pages of the file, pages said)
    for (orders, pages, said) in
        [([12u16, 12], 3, 3u32), ([12, 12], 3, 4), ([12, 12], 4, 4), ([10, 10], 3, 3), ([12, 21], 3, 3)]
    {
        let place = Place::new();
        let grants = SeqPacket::bind(&place, "grants.5.0.6000.sock");
        let mut client = Driven::new(Client::new(&place.address(Backend::Ring)).unwrap());
        client.turn();
        let server = grants.accept();
        let file = rustix::fs::memfd_create("ring", rustix::fs::MemfdFlags::ALLOW_SEALING).unwrap();
        rustix::fs::ftruncate(&file, pages * 4096).unwrap();
        rustix::fs::fcntl_add_seals(&file, rustix::fs::SealFlags::SHRINK).unwrap();
        let orders: Vec<u8> = orders.into_iter().flat_map(u16::to_ne_bytes).chain([2, 1]).collect();
        rustix::io::pwrite(&file, &orders, 16).unwrap();
        let words: Vec<u8> = [3, 0, said, 0].into_iter().flat_map(u32::to_le_bytes).collect();
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        let files = [file.as_fd()];
        assert!(control.push(SendAncillaryMessage::ScmRights(&files)));
        sendmsg(&server, &[std::io::IoSlice::new(&words)], &mut control, SendFlags::empty()).unwrap();
        client.until(|client| client.connected || client.lost.is_some());
        assert_eq!(
            client.connected,
            (pages, said) == (3, 3) && orders[0] == 12 && orders[2] == 12,
            "{orders:?}"
        );

        if client.connected {
            // An index that cannot be, at any later time.
            rustix::io::pwrite(&file, &4097u32.to_ne_bytes(), 12).unwrap();
            let notify: Vec<u8> = [4u32, 0, 0, 0].into_iter().flat_map(u32::to_le_bytes).collect();
            rustix::net::send(&server, &notify, SendFlags::empty()).unwrap();
            client.until(|client| client.lost.is_some());
            assert!(matches!(client.lost, Some(LinkError::Ring(_))), "{:?}", client.lost);
        }
    }
}

/// A listening socket for datagrams, which the standard library lacks.
struct SeqPacket(std::os::fd::OwnedFd);

impl SeqPacket {
    fn bind(place: &Place, name: &str) -> Self {
        use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
        fs::create_dir_all(&place.0).unwrap();
        let socket = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).unwrap();
        bind(&socket, &SocketAddrUnix::new(place.0.join(name)).unwrap()).unwrap();
        listen(&socket, 1).unwrap();
        Self(socket)
    }

    fn accept(&self) -> std::os::fd::OwnedFd {
        rustix::net::accept(&self.0).unwrap()
    }
}

/// Runs the test `name` of this program in a process of its own, as a part of another test.
fn child(name: &str, place: &Place, backend: Backend) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name])
        .env("SHM_GRANT_PLACE", &place.0)
        .env("SHM_GRANT_BACKEND", if backend == Backend::Ring { "ring" } else { "socket" })
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap()
}

/// The address a child was given.
fn childs_address() -> Option<Address> {
    let ring = std::env::var_os("SHM_GRANT_BACKEND")? == "ring";
    let backend = if ring { Backend::Ring } else { Backend::Socket };
    Some(Address::new(backend, DomId(5), DomId(0), 6000).in_directory(std::env::var_os("SHM_GRANT_PLACE")?))
}

#[test]
fn child_that_serves() {
    let Some(address) = childs_address() else { return };
    let mut server = Driven::new(Server::bind(&address).unwrap());
    let export = server.end.exporter().export(100).unwrap();
    for page in 0..100 {
        export.pages().copy_in(page * PAGE_SIZE, &pattern(PAGE_SIZE, page).collect::<Vec<_>>()).unwrap();
    }
    server.until(|server| server.connected);
    server.send(export.refs()[0].0.to_le_bytes());
    // Echoes until it is killed.
    loop {
        server.until(|server| !server.received.is_empty());
        let received = std::mem::take(&mut server.received);
        server.send(received);
    }
}

#[test]
fn child_that_connects() {
    let Some(address) = childs_address() else { return };
    let mut client = Driven::new(Client::new(&address).unwrap());
    client.until(|client| client.connected);
    client.send(*b"here");
    client.until(|_| false);
}

#[test]
fn a_server_in_another_process_is_used_and_killed() {
    for backend in BACKENDS {
        let place = Place::new();
        let mut client = Driven::new(Client::new(&place.address(backend)).unwrap());
        for _life in 0..2 {
            let mut process = child("child_that_serves", &place, backend);
            client.until(|client| client.connected && client.received.len() == 4);
            let first = u32::from_le_bytes(client.received[..].try_into().unwrap());
            client.received.clear();
            let refs: Vec<_> = (first..first + 100).map(GrantRef).collect();
            let pages = client.end.import(&refs, 100 * PAGE_SIZE).unwrap();
            client.send(pattern(200_000, 5));
            client.until(|client| client.received.len() == 200_000);
            assert!(std::mem::take(&mut client.received).into_iter().eq(pattern(200_000, 5)));

            process.kill().unwrap();
            process.wait().unwrap();
            client.until(|client| client.lost.is_some());
            // What is mapped stays.
            let mut bytes = vec![0; PAGE_SIZE];
            for page in 0..100 {
                pages.copy_out(page * PAGE_SIZE, &mut bytes).unwrap();
                assert!(bytes.iter().copied().eq(pattern(PAGE_SIZE, page)));
            }
            client.end.connect();
        }
    }
}

#[test]
fn a_client_in_another_process_comes_and_is_killed() {
    for backend in BACKENDS {
        let place = Place::new();
        let mut server = Driven::new(Server::bind(&place.address(backend)).unwrap());
        for _life in 0..2 {
            let mut process = child("child_that_connects", &place, backend);
            server.until(|server| server.received == b"here");
            server.received.clear();
            process.kill().unwrap();
            process.wait().unwrap();
            server.until(|server| server.lost.is_some());
        }
    }
}

//! An agent that lies about the pages it shares, byte by byte and descriptor by descriptor.

use std::{
    fs::File,
    io::{IoSlice, Write},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::{UnixListener, UnixStream},
    },
};

use gui_daemon::ipc::LinkState;
use gui_protocol::{
    Version, WindowId,
    message::{AgentMessage, Message},
};
use rustix::{
    fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create},
    net::{
        AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags,
        SocketType, accept, bind, listen, sendmsg, socket_with,
    },
};

use crate::fixture::{Untrusted, World};

const SHARE: u32 = 1;
const REVOKE: u32 = 2;
const RING: u32 = 3;
const PAGE: u64 = 4096;
const FIRST: u32 = 100;

struct Liar {
    world: World,
    stream: UnixStream,
    grants: OwnedFd,
}

impl Liar {
    /// An agent that has greeted and announced a window of 32x32.
    fn new() -> Self {
        let mut world = World::with_stranger();
        let directory = world.dir.path().join("vchan");
        let path = |name: &str| directory.join(format!("{name}.3.0.6000.sock"));
        let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
        let grants = socket_with(family, kind, SocketFlags::CLOEXEC, None).unwrap();
        bind(&grants, &SocketAddrUnix::new(path("grants")).unwrap()).unwrap();
        listen(&grants, 1).unwrap();
        let stream = UnixListener::bind(path("vchan")).unwrap();
        world.until("a link", |world| world.link_state(Untrusted) == LinkState::Connected);
        let (stream, _) = stream.accept().unwrap();
        let mut liar = Self { world, stream, grants: accept(&grants).unwrap() };

        let mut bytes = (1u32 << 16 | 8).to_le_bytes().to_vec();
        let create = AgentMessage::Create {
            x: 0,
            y: 0,
            width: 32,
            height: 32,
            parent: WindowId(0),
            override_redirect: 0,
        };
        create.encode(WindowId(1), Version::BASE, &mut bytes);
        liar.stream.write_all(&bytes).unwrap();
        liar.world.settle();
        assert_eq!(liar.world.owners(), [("untrusted".to_owned(), 1)]);
        liar.world.take_log();
        liar
    }

    fn datagram(&mut self, bytes: &[u8], descriptors: &[BorrowedFd<'_>]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            assert!(control.push(SendAncillaryMessage::ScmRights(descriptors)));
        }
        sendmsg(&self.grants, &[IoSlice::new(bytes)], &mut control, SendFlags::empty()).unwrap();
    }

    fn words(&mut self, words: [u32; 4], descriptors: &[BorrowedFd<'_>]) {
        self.datagram(&words.map(u32::to_le_bytes).concat(), descriptors);
    }

    fn share(&mut self, pages: u32, file: impl AsFd) {
        self.words([SHARE, FIRST, pages, 0], &[file.as_fd()]);
    }

    /// Names the first page as the window's buffer.
    fn dump(&mut self) {
        let refs = vec![gui_protocol::GrantRef(FIRST)];
        let mut bytes = Vec::new();
        let dump = AgentMessage::WindowDump { kind: 0, width: 32, height: 32, bits_per_pixel: 24, refs };
        dump.encode(WindowId(1), Version::BASE, &mut bytes);
        let map = AgentMessage::Map { transient_for: WindowId(0), override_redirect: 0 };
        map.encode(WindowId(1), Version::BASE, &mut bytes);
        // the daemon may have hung up
        let _ = self.stream.write_all(&bytes);
    }
}

fn memory(pages: u64, seals: SealFlags) -> OwnedFd {
    let file = memfd_create("pages", MemfdFlags::ALLOW_SEALING | MemfdFlags::CLOEXEC).unwrap();
    ftruncate(&file, pages * PAGE).unwrap();
    fcntl_add_seals(&file, seals).unwrap();
    file
}

fn sealed(pages: u64) -> OwnedFd {
    memory(pages, SealFlags::SHRINK)
}

/// Tells a lie, uses it, and expects the end of the link with one line that says why.
#[track_caller]
fn is_found_out(why: &str, lie: impl FnOnce(&mut Liar)) {
    let mut liar = Liar::new();
    lie(&mut liar);
    liar.dump();
    liar.world.settle();
    let warnings = liar.world.take_warnings();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains(why) && warnings[0].contains("untrusted"), "{warnings:?}");
    assert_eq!(liar.world.link_state(Untrusted), LinkState::BackingOff);
    assert_eq!(liar.world.owners(), []);
}

#[test]
fn the_truth_is_believed() {
    let mut liar = Liar::new();
    liar.share(1, sealed(1));
    liar.dump();
    liar.world.settle();
    assert_eq!(liar.world.take_warnings(), [""; 0]);
    let id = liar.world.newest();
    liar.world.assert_shown(id, 0);
}

#[test]
fn files_that_could_fail_under_the_daemon() {
    is_found_out("not sealed against shrinking", |liar| liar.share(1, memory(1, SealFlags::empty())));
    is_found_out("not sealed against shrinking", |liar| liar.share(1, memory(1, SealFlags::GROW)));
    is_found_out("does not hold 1 pages", |liar| liar.share(1, sealed(0)));
    is_found_out("does not hold 3 pages", |liar| liar.share(3, sealed(2)));
    is_found_out("not a memory file", |liar| liar.share(1, File::open("/dev/zero").unwrap()));
    is_found_out("not a memory file", |liar| liar.share(1, UnixStream::pair().unwrap().0));
    is_found_out("not a memory file", |liar| {
        liar.share(1, File::open(std::env::current_exe().unwrap()).unwrap());
    });
}

#[test]
fn grants_that_are_none() {
    is_found_out("nothing is shared under reference 100", |_| {});
    is_found_out("nothing is shared under reference 100", |liar| {
        liar.share(1, sealed(1));
        liar.words([REVOKE, FIRST, 1, 0], &[]);
    });
    is_found_out("0 pages from reference 100 on are not a grant", |liar| liar.share(0, sealed(1)));
    is_found_out("98305 pages from reference 100", |liar| liar.share(98_305, sealed(98_305)));
    is_found_out("2 pages from reference 4294967295", |liar| {
        liar.words([SHARE, u32::MAX, 2, 0], &[sealed(2).as_fd()]);
    });
    is_found_out("overlap", |liar| {
        liar.share(2, sealed(2));
        liar.words([SHARE, FIRST + 1, 1, 0], &[sealed(1).as_fd()]);
    });
    is_found_out("were not shared", |liar| {
        liar.share(2, sealed(2));
        liar.words([REVOKE, FIRST, 1, 0], &[]);
    });
    is_found_out("more than 1024 grants", |liar| {
        let file = sealed(1);
        for number in 0..1025 {
            liar.words([SHARE, FIRST + number, 1, 0], &[file.as_fd()]);
            // the socket does not hold many
            liar.world.settle();
        }
    });
}

#[test]
fn datagrams_that_are_none() {
    is_found_out("not of 16 bytes", |liar| liar.datagram(&[0; 15], &[]));
    is_found_out("not of 16 bytes", |liar| liar.datagram(&[0; 1000], &[]));
    is_found_out("kind 77 does not belong", |liar| liar.words([77, 0, 0, 0], &[]));
    is_found_out("kind 3 does not belong", |liar| liar.words([RING, 0, 1, 0], &[sealed(1).as_fd()]));
    is_found_out("stray word", |liar| liar.words([SHARE, FIRST, 1, 9], &[sealed(1).as_fd()]));
    is_found_out("carry the descriptors", |liar| liar.words([SHARE, FIRST, 1, 0], &[]));
    is_found_out("carry the descriptors", |liar| {
        let file = sealed(1);
        liar.words([SHARE, FIRST, 1, 0], &[file.as_fd(), file.as_fd()]);
    });
    is_found_out("carry the descriptors", |liar| {
        let file = sealed(1);
        liar.share(1, &file);
        liar.words([REVOKE, FIRST, 1, 0], &[file.as_fd()]);
    });
}

#[test]
fn a_file_that_shrinks_is_refused_by_the_system() {
    let mut liar = Liar::new();
    let file = sealed(1);
    liar.share(1, &file);
    liar.dump();
    liar.world.settle();
    let id = liar.world.newest();
    // what the seal is for
    assert!(ftruncate(&file, 0).is_err());
    let hole = rustix::fs::FallocateFlags::PUNCH_HOLE | rustix::fs::FallocateFlags::KEEP_SIZE;
    rustix::fs::fallocate(&file, hole, 0, PAGE).unwrap();
    liar.world.focus(id);
    liar.world.assert_shown(id, 0);
    // nor does it matter that the agent is gone
    drop((file, liar.stream, liar.grants));
    liar.world.settle();
    assert_eq!(liar.world.owners(), []);
}

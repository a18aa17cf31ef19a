//! Files to and from other domains, as a program that sends some and a daemon see it.

use std::{
    fs,
    io::{ErrorKind, Read as _, Write as _},
    os::unix::{
        fs::{PermissionsExt as _, symlink},
        net::UnixStream,
    },
    path::PathBuf,
    thread::JoinHandle,
};

use gui_agent::SendError;
use gui_protocol::{DaemonEvent, FileInfo, FileList, FilesEnd, limits::FILES_WINDOW};

use crate::{
    fixture::World,
    windows::{RED, window},
};

type Sending = JoinHandle<Result<(), SendError>>;

fn list(files: &[(&str, u64)]) -> FileList {
    let file = |(name, size): &(&str, u64)| FileInfo { name: (*name).into(), size: *size };
    FileList::new(files.iter().map(file).collect()).unwrap()
}

/// A program that sends a file of this many bytes.
fn send(world: &World, bytes: usize) -> Sending {
    let path = world.dir.path().join("plan.txt");
    fs::write(&path, vec![b'x'; bytes]).unwrap();
    let agent = world.agent.socket_path();
    std::thread::spawn(move || gui_agent::send(&agent, &[path]))
}

/// The same, offered to the daemon. The offer's number.
fn offered(world: &mut World, bytes: usize) -> (Sending, u32) {
    let sending = send(world, bytes);
    world.until("an offer", |world| !world.daemon().files.is_empty());
    let Some(DaemonEvent::FilesOffered { token, files }) = world.daemon().files.pop() else { panic!() };
    assert_eq!(files, list(&[("plan.txt", bytes as u64)]));
    (sending, token)
}

fn said(world: &mut World, sending: Sending) -> String {
    world.until("the end of the program", |_| sending.is_finished());
    world.settle();
    sending.join().unwrap().map_or_else(|error| error.to_string(), |()| "sent".to_owned())
}

/// How many bytes have come to the daemon.
fn came(world: &mut World) -> usize {
    let length = |event: &DaemonEvent| match event {
        DaemonEvent::FilesData { data, .. } => data.len(),
        other => panic!("{other:?}"),
    };
    world.daemon().files.iter().map(length).sum()
}

fn incoming(world: &World) -> PathBuf {
    world.dir.path().join("Incoming")
}

fn names(folder: PathBuf) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> = entries.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Waits for what the agent makes of files, and for how much more it takes until then.
fn result(world: &mut World) -> FilesEnd {
    let is_result = |event: &DaemonEvent| matches!(event, DaemonEvent::FilesResult { .. });
    world.until("a result", |world| world.daemon().files.iter().any(is_result));
    let Some(DaemonEvent::FilesResult { end, .. }) = world.daemon().files.pop() else { panic!() };
    world.daemon().files.clear();
    end
}

#[test]
fn no_more_is_sent_than_is_taken_and_windows_come_first() {
    let mut world = World::extended();
    let (sending, token) = offered(&mut world, 1_000_000);
    world.settle();
    assert_eq!(came(&mut world), 0);
    world.daemon().conn.files_credit(token, 5000);
    world.until("what is taken", |world| came(world) == 5000);
    world.settle();
    assert_eq!(came(&mut world), 5000);
    // a window opens while the channel is full of files
    world.daemon().set_reads(false);
    world.daemon().conn.files_credit(token, FILES_WINDOW - 1);
    let client = world.connect();
    assert_eq!(client, 0);
    world.daemon().set_reads(true);
    let (.., id) = window(&mut world, 40, 40, RED);
    assert!(world.daemon().windows[&id].mapped);
    for _ in 0..4 {
        world.until("all of it", |world| came(world) >= 5000 + FILES_WINDOW as usize - 1);
        let more = 1_000_000 - came(&mut world) as u32;
        world.daemon().conn.files_credit(token, more.min(FILES_WINDOW));
        world.until("more", |world| came(world) as u32 >= 1_000_000 - more + more.min(FILES_WINDOW));
    }
    assert_eq!(came(&mut world), 1_000_000);
    assert!(!sending.is_finished(), "it is not in its place yet");
    world.daemon().conn.files_result(token, FilesEnd::Done);
    assert_eq!(said(&mut world, sending), "sent");
}

#[test]
fn whoever_ends_it_the_others_hear() {
    let mut world = World::extended();
    for (end, words) in [
        (FilesEnd::Refused, "refused: no domain takes them"),
        (FilesEnd::Cancelled, "stopped by the user: nothing was kept"),
        (FilesEnd::Failed, "failed on the way: nothing was kept"),
    ] {
        let (sending, token) = offered(&mut world, 1_000_000);
        world.daemon().conn.files_result(token, end);
        assert_eq!(said(&mut world, sending), words);
    }
    // while it is on its way
    let (sending, token) = offered(&mut world, 1_000_000);
    world.daemon().conn.files_credit(token, 1000);
    world.until("some of it", |world| came(world) == 1000);
    world.daemon().conn.files_result(token, FilesEnd::Cancelled);
    assert_eq!(said(&mut world, sending), "stopped by the user: nothing was kept");
    world.daemon().files.clear();
    // a second one has to wait for the first
    let (first, _) = offered(&mut world, 10);
    let second = send(&world, 10);
    assert!(said(&mut world, second).contains("another transfer is under way"));
    // the link goes
    world.daemon = None;
    assert_eq!(said(&mut world, first), "failed on the way: nothing was kept");
    let nobody = send(&world, 10);
    assert_eq!(said(&mut world, nobody), "there is no GUI domain that takes files now");
}

#[test]
fn files_land_whole_or_not_at_all() {
    let mut world = World::extended();
    let token = world.daemon().conn.offer_files("work", &list(&[("a", 3), ("b", 70_000), ("c", 0)])).unwrap();
    world.until("room", |world| world.daemon().conn.files_room() > 0);
    world.daemon().conn.files_data(token, b"abc".to_vec());
    for length in [32768, 32768, 4464] {
        assert_eq!(names(incoming(&world).join("work")), [""; 0]);
        world.daemon().conn.files_data(token, vec![b'b'; length]);
        world.settle();
    }
    assert_eq!(result(&mut world), FilesEnd::Done);
    assert_eq!(names(incoming(&world).join("work")), ["a", "b", "c"]);
    assert_eq!(fs::read(incoming(&world).join("work/b")).unwrap(), vec![b'b'; 70_000]);

    let token = world.daemon().conn.offer_files("work", &list(&[("d", 3), ("e", 9)])).unwrap();
    world.until("room", |world| world.daemon().conn.files_room() > 0);
    world.daemon().conn.files_data(token, b"12345".to_vec());
    world.settle();
    world.daemon().conn.files_end(token, FilesEnd::Cancelled);
    world.daemon().files.clear();
    // the next is taken at once, and is the only one that lands
    world.daemon().conn.offer_files("../work", &list(&[("f", 0)])).unwrap();
    assert_eq!(result(&mut world), FilesEnd::Done);
    assert_eq!(names(incoming(&world).join("work")), ["a", "b", "c"]);
    assert_eq!(names(incoming(&world)), ["_._work", "work"]);
}

#[test]
fn a_full_disk_is_told_as_one() {
    let mut world = World::extended();
    world.daemon().conn.offer_files("work", &list(&[("a", u64::MAX)])).unwrap();
    assert_eq!(result(&mut world), FilesEnd::NoRoom);
    // nor is there a way through a link that lies where the folder should be
    symlink("/tmp", incoming(&world).join("vault")).unwrap();
    world.daemon().conn.offer_files("vault", &list(&[("a", 1)])).unwrap();
    assert_eq!(result(&mut world), FilesEnd::Failed);
    assert_eq!(names(incoming(&world).join("work")), [""; 0]);
}

#[test]
fn a_program_that_talks_nonsense_is_sent_away() {
    let mut world = World::extended();
    let mut socket = world.agent.socket_path().into_os_string();
    socket.push(".files");
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let said = |world: &mut World, words: &[u8]| {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(words).unwrap();
        world.settle();
        let mut answer = Vec::new();
        stream.set_nonblocking(true).unwrap();
        // what the agent did not read makes its end an error
        let end = stream.read_to_end(&mut answer);
        (answer, !end.is_err_and(|error| error.kind() == ErrorKind::WouldBlock))
    };
    // a list that is none; one that claims to be longer than any; one that never comes, which keeps nobody waiting
    assert_eq!(said(&mut world, &[1, 0, 0, 0, 7]), (vec![b'3'], true));
    assert_eq!(said(&mut world, &[&[0xff; 4][..], &[0; 65536]].concat()), (vec![b'3'], true));
    assert_eq!(said(&mut world, &[9]), (vec![], false));
    assert!(world.daemon().files.is_empty());
    // bytes that nobody let come
    let files = list(&[("a", 5)]).to_wire();
    let early = [&(files.len() as u32).to_le_bytes()[..], &files, b"bytes"].concat();
    assert_eq!(said(&mut world, &early), (vec![], true));
    let events = std::mem::take(&mut world.daemon().files);
    assert!(matches!(events[..], [DaemonEvent::FilesOffered { .. }, DaemonEvent::FilesEnded { .. }]));
}

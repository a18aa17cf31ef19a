//! Nothing is left behind by links that come and go. A program of its own: it counts what the process holds.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use shm_grant::{Address, Backend, Client, DomId, Event, PAGE_SIZE, Server};

/// Descriptors and mappings of shared pages.
fn held() -> (usize, usize) {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let pages = maps.lines().filter(|line| line.contains("transom-pages")).count();
    (fs::read_dir("/proc/self/fd").unwrap().count(), pages)
}

/// What an end should say, if anything.
type Wanted = Option<fn(&Event) -> bool>;

/// Turns both ends until each has said what it should.
fn run(server: &mut Server, client: &mut Client, wanted: [Wanted; 2]) {
    let minute = Timespec::try_from(Duration::from_secs(60)).unwrap();
    let mut said = wanted.map(|wanted| wanted.is_none());
    while said != [true; 2] {
        let mut both = [server.as_fd(), client.as_fd()].map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        assert!(poll(&mut both, Some(&minute)).unwrap() > 0, "it never happened");
        while let Some(event) = server.poll_event() {
            said[0] |= wanted[0].is_some_and(|wanted| wanted(&event));
            assert_eq!(server.read(&mut [0; 8]), 0);
        }
        while let Some(event) = client.poll_event() {
            said[1] |= wanted[1].is_some_and(|wanted| wanted(&event));
            assert_eq!(client.read(&mut [0; 8]), 0);
        }
    }
}

#[test]
fn links_and_grants_that_go_leave_nothing_behind() {
    let connected: Wanted = Some(|event| matches!(event, Event::Connected));
    let lost: Wanted = Some(|event| matches!(event, Event::Disconnected(_)));
    let directory = std::env::temp_dir().join(format!("shm-grant-descriptors-{}", std::process::id()));
    let before = held();
    for backend in [Backend::Socket, Backend::Ring] {
        let address = Address::new(backend, DomId(5), DomId(0), 6000).in_directory(&directory);
        let mut server = Server::bind(&address).unwrap();
        let kept = server.exporter().export(3).unwrap();
        let idle = held();
        for _ in 0..20 {
            let mut client = Client::new(&address).unwrap();
            run(&mut server, &mut client, [connected; 2]);
            let export = server.exporter().export(5).unwrap();
            let whole = client.import(export.refs(), 5 * PAGE_SIZE).unwrap();
            let pieces: Vec<_> = export.refs().iter().rev().chain(kept.refs()).copied().collect();
            let pieces = client.import(&pieces, 8 * PAGE_SIZE).unwrap();
            assert!(client.import(&[export.refs()[0]; 65], 1).is_err());
            drop(export);
            assert!(held() > idle);
            server.disconnect();
            run(&mut server, &mut client, [None, lost]);
            drop((client, whole, pieces));
            assert_eq!(held(), idle);
        }
        drop((server, kept));
        assert_eq!(held(), before);
    }
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
    fs::remove_dir(&directory).unwrap();
}

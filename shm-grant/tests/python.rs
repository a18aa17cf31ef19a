//! The agent's side that `docs/software-transport.md` gives as an example, against the real client.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking, its helpers too")]

use std::fs;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use shm_grant::{Address, Backend, Client, DomId, Event, GrantRef, PAGE_SIZE};

/// Ends the other process whatever becomes of the test.
struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Waits for events and hands them to `on_event` until it is satisfied.
fn until(client: &mut Client, mut on_event: impl FnMut(&mut Client, Event) -> bool) {
    let minute = Timespec::try_from(Duration::from_secs(60)).unwrap();
    loop {
        let ready = poll(&mut [PollFd::new(client, PollFlags::IN)], Some(&minute)).unwrap();
        assert!(ready > 0, "it never happened");
        let mut done = false;
        while let Some(event) = client.poll_event() {
            done |= on_event(client, event);
        }
        if done {
            return;
        }
    }
}

#[test]
fn the_documented_agent_is_understood() {
    let document = include_str!("../../docs/software-transport.md");
    let (_, program) = document.split_once("```python\n").unwrap();
    let (program, _) = program.split_once("```").unwrap();
    let has_all = "import os, socket, fcntl; os.memfd_create, socket.send_fds, fcntl.F_ADD_SEALS";
    if !Command::new("python3").args(["-c", has_all]).status().is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no python3 of version 3.9 or later");
        return;
    }

    let directory = std::env::temp_dir().join(format!("shm-grant-python-{}", std::process::id()));
    let address = Address::new(Backend::Socket, DomId(5), DomId(0), 6000).in_directory(&directory);
    let mut client = Client::new(&address).unwrap();
    let agent =
        Command::new("python3").args(["-c", program]).env("VCHAN_SOCKET_DIR", &directory).spawn().unwrap();
    let agent = Agent(agent);

    let mut received = Vec::new();
    until(&mut client, |client, event| {
        assert!(!matches!(event, Event::Disconnected(_)), "{event:?}");
        let mut bytes = [0; 8];
        let taken = client.read(&mut bytes);
        received.extend(&bytes[..taken]);
        received.len() == 8
    });
    let refs: Vec<GrantRef> =
        received.as_chunks().0.iter().map(|word| GrantRef(u32::from_le_bytes(*word))).collect();
    let pages = client.import(&refs, 2 * PAGE_SIZE).unwrap();
    let (mut first, mut second) = ([0; 5], [0; 6]);
    pages.copy_out(0, &mut first).unwrap();
    pages.copy_out(PAGE_SIZE, &mut second).unwrap();
    assert_eq!((&first, &second), (b"first", b"second"));

    assert_eq!(client.write(b"ping"), 4);
    received.clear();
    until(&mut client, |client, _| {
        let mut bytes = [0; 8];
        let taken = client.read(&mut bytes);
        received.extend(&bytes[..taken]);
        received == b"ping"
    });

    drop(agent);
    until(&mut client, |client, event| {
        assert_eq!(client.read(&mut [0; 8]), 0);
        matches!(event, Event::Disconnected(_))
    });
    fs::remove_dir_all(&directory).unwrap();
}

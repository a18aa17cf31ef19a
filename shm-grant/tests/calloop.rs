//! Both ends in an event loop of calloop, as agent and daemon have them.

#![cfg(feature = "calloop")]

use std::fs;
use std::time::Duration;

use calloop::{EventLoop, PostAction};
use shm_grant::{Address, Backend, Client, DomId, Event, Server};

struct State {
    server: Server,
    client: Client,
    echoed: Vec<u8>,
    lost: bool,
}

#[test]
fn an_event_loop_drives_both_ends_and_sleeps_when_nothing_happens() {
    for backend in [Backend::Socket, Backend::Ring] {
        let directory = std::env::temp_dir().join(format!("shm-grant-calloop-{}", std::process::id()));
        let address = Address::new(backend, DomId(5), DomId(0), 6000).in_directory(&directory);
        let mut event_loop = EventLoop::<State>::try_new().unwrap();
        let client = Client::new(&address).unwrap();
        let server = Server::bind(&address).unwrap();
        let handle = event_loop.handle();
        let server_token = handle
            .insert_source(server.calloop_source().unwrap(), |_, _, state: &mut State| {
                while let Some(event) = state.server.poll_event() {
                    if let Event::Readable = event {
                        let mut bytes = [0; 64];
                        let taken = state.server.read(&mut bytes);
                        assert_eq!(state.server.write(&bytes[..taken]), taken);
                    }
                }
                Ok(PostAction::Continue)
            })
            .unwrap();
        handle
            .insert_source(client.calloop_source().unwrap(), |_, _, state: &mut State| {
                while let Some(event) = state.client.poll_event() {
                    match event {
                        Event::Connected => assert_eq!(state.client.write(b"round and back"), 14),
                        Event::Readable => {
                            let mut bytes = [0; 64];
                            let taken = state.client.read(&mut bytes);
                            state.echoed.extend(&bytes[..taken]);
                        }
                        Event::Writable => {}
                        Event::Disconnected(_) => state.lost = true,
                    }
                }
                Ok(PostAction::Continue)
            })
            .unwrap();
        let mut state = State { server, client, echoed: Vec::new(), lost: false };
        let minute = Duration::from_secs(60);
        while state.echoed != b"round and back" {
            event_loop.dispatch(minute, &mut state).unwrap();
        }
        // What is ready now is the rest of what happened; after that nothing is.
        for _ in 0..3 {
            event_loop.dispatch(Duration::ZERO, &mut state).unwrap();
        }
        for end in [&state.server as &dyn std::os::fd::AsFd, &state.client] {
            let mut poll = [rustix::event::PollFd::new(&end, rustix::event::PollFlags::IN)];
            let now = rustix::event::Timespec::default();
            assert_eq!(rustix::event::poll(&mut poll, Some(&now)).unwrap(), 0, "an end wakes up for nothing");
        }
        handle.remove(server_token);
        state.server.disconnect();
        while !state.lost {
            event_loop.dispatch(minute, &mut state).unwrap();
        }
        drop((event_loop, state));
        fs::remove_dir(directory).unwrap();
    }
}

//! What is no request at all, said to each protocol that the agent serves, in Wayland's own bytes.

use std::{
    collections::BTreeMap,
    io::{ErrorKind, Read as _, Write as _},
    os::unix::net::UnixStream,
};

use gui_agent::Privilege;

use crate::{
    fixture::World,
    windows::{RED, window},
};

const DISPLAY: u32 = 1;
const REGISTRY: u32 = 2;
const BOUND: u32 = 3;

/// `wl_display.get_registry`, `wl_registry.bind`; no interface has as many requests as the last.
const GET_REGISTRY: u16 = 1;
const BIND: u16 = 0;
const NO_REQUEST: u16 = 1000;

/// `wl_display.error` and its code `invalid_object`; `wl_registry.global`.
const ERROR: u16 = 0;
const INVALID_OBJECT: u32 = 0;
const GLOBAL: u16 = 0;

/// A connection whose client writes what it likes.
struct Raw(UnixStream);

/// An object, the number of an event, and its words.
type Told = (u32, u16, Vec<u8>);

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_ne_bytes(bytes[at..at + 4].try_into().unwrap())
}

impl Raw {
    fn say(&mut self, object: u32, request: u16, words: &[u8]) {
        let length = u32::try_from(words.len() + 8).unwrap();
        self.0.write_all(&object.to_ne_bytes()).unwrap();
        self.0.write_all(&(length << 16 | u32::from(request)).to_ne_bytes()).unwrap();
        self.0.write_all(words).unwrap();
    }

    fn bind(&mut self, global: u32, interface: &str) {
        let mut words =
            [global.to_ne_bytes(), u32::try_from(interface.len() + 1).unwrap().to_ne_bytes()].concat();
        words.extend_from_slice(interface.as_bytes());
        words.resize((words.len() + 1).next_multiple_of(4), 0);
        words.extend([1, BOUND].into_iter().flat_map(u32::to_ne_bytes));
        self.say(REGISTRY, BIND, &words);
    }

    /// All that has come, and whether the connection goes on.
    fn hears(&mut self, world: &mut World) -> (Vec<Told>, bool) {
        world.settle();
        self.0.set_nonblocking(true).unwrap();
        let mut bytes = vec![];
        let goes_on = match self.0.read_to_end(&mut bytes) {
            Ok(_) => false,
            Err(error) if error.kind() == ErrorKind::WouldBlock => true,
            Err(error) => panic!("{error}"),
        };
        let (mut told, mut rest) = (vec![], &bytes[..]);
        while !rest.is_empty() {
            let (object, number) = (word(rest, 0), word(rest, 4));
            let (event, after) = rest.split_at((number >> 16) as usize);
            told.push((object, (number & 0xffff) as u16, event[8..].to_vec()));
            rest = after;
        }
        (told, goes_on)
    }

    /// The globals by name, with their numbers.
    fn globals(&mut self, world: &mut World) -> BTreeMap<String, u32> {
        self.say(DISPLAY, GET_REGISTRY, &REGISTRY.to_ne_bytes());
        let (told, goes_on) = self.hears(world);
        assert!(goes_on);
        let globals = told.into_iter().filter(|(object, event, _)| (*object, *event) == (REGISTRY, GLOBAL));
        let name =
            |words: &[u8]| String::from_utf8(words[8..8 + word(words, 4) as usize - 1].to_vec()).unwrap();
        globals.map(|(_, _, words)| (name(&words), word(&words, 0))).collect()
    }
}

fn connect(world: &mut World, privilege: Option<Privilege>) -> Raw {
    match privilege {
        None => Raw(UnixStream::connect(world.agent.socket_path()).unwrap()),
        Some(privilege) => {
            let (ours, theirs) = UnixStream::pair().unwrap();
            world.agent.add_privileged_client(theirs, privilege).unwrap();
            Raw(ours)
        }
    }
}

#[test]
fn every_protocol_ends_a_client_that_says_what_is_no_request() {
    let mut world = World::extended();
    let (honest, ..) = window(&mut world, 16, 16, RED);
    let programs =
        [None, Some(Privilege::InputMethod), Some(Privilege::ClipboardManager), Some(Privilege::Tray)];
    for privilege in programs {
        let globals = connect(&mut world, privilege).globals(&mut world);
        assert!(globals.len() >= 30);
        for (interface, global) in globals {
            // what cannot be read has no error of its own; an object that is there already has
            for (again, expected) in [(false, vec![]), (true, vec![INVALID_OBJECT])] {
                let mut client = connect(&mut world, privilege);
                client.say(DISPLAY, GET_REGISTRY, &REGISTRY.to_ne_bytes());
                client.bind(global, &interface);
                match again {
                    false => client.say(BOUND, NO_REQUEST, &[]),
                    true => client.bind(global, &interface),
                }
                let (told, goes_on) = client.hears(&mut world);
                // what an object has to say of itself may come after
                let errors = told.iter().filter(|(object, event, _)| (*object, *event) == (DISPLAY, ERROR));
                let codes: Vec<u32> = errors.map(|(_, _, words)| word(words, 4)).collect();
                assert_eq!((codes, goes_on), (expected, false), "{interface}");
            }
        }
    }
    world.settle();
    assert_eq!(world.client(honest).error, None);
}

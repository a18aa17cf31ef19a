//! The seeds: made here, so that they cannot rot, and every one replayed.
//!
//! `TRANSOM_WRITE_SEEDS=1 cargo test -p transom-fuzz` writes them anew after a change of the formats; without it they
//! are compared. Files of other names in the folders, found by fuzzing perhaps, are only replayed.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gui_protocol::message::{AgentMessage, DaemonMessage, Message};
use gui_protocol::{Version, WindowId};
use log::{Line, log};
use transom_fuzz::TARGETS;

#[path = "../../protocol/tests/common/log.rs"]
mod log;

/// Messages of the wire log in one seed: enough for a window's whole life to be in one.
const LOG_PIECE: usize = 40;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds")
}

fn encode<M: Message>(window: u32, message: &M) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(WindowId(window), Version::BASE, &mut bytes);
    bytes
}

/// Every message of a direction with its shortest body.
fn shortest<M: Message>() -> Vec<Vec<u8>> {
    let body = |length: u32| (0..length).map(|at| at as u8).collect::<Vec<_>>();
    let message = |row: &gui_protocol::message::Row| M::decode(row.kind, &body(row.length.min)).unwrap();
    M::TABLE.iter().map(|row| encode(1, &message(row))).collect()
}

/// What follows a step's byte for raw bytes: how many, and those.
fn raw_step(bytes: &[u8]) -> Vec<u8> {
    [&[0], u16::try_from(bytes.len()).unwrap().to_le_bytes().as_slice(), bytes].concat()
}

/// The seeds by target and name.
fn seeds() -> BTreeMap<(&'static str, String), Vec<u8>> {
    let mut seeds = BTreeMap::new();
    let mut add = |target, name: &str, number: usize, seed| {
        seeds.insert((target, format!("{name}-{number:02}")), seed);
    };
    for (number, message) in shortest::<AgentMessage>().iter().enumerate() {
        add("decode_agent", "shortest", number, [&[8, 4], message.as_slice()].concat());
    }
    for (number, message) in shortest::<DaemonMessage>().iter().enumerate() {
        add("decode_daemon", "shortest", number, [&[8, 4], message.as_slice()].concat());
    }
    // The long buffer of a maximised window is left out: it makes a seed slow and no code is reached by it.
    let short = |message: &AgentMessage| !matches!(message, AgentMessage::WindowDump { refs, .. } if refs.len() > 200);
    let (mut agents, mut daemons) = (Vec::new(), Vec::new());
    for line in log() {
        match line {
            Line::Agent(window, message) if short(&message) => agents.push((window, message)),
            Line::Agent(..) => {}
            Line::Daemon(window, message) => daemons.push(encode(window, &message)),
        }
    }
    for (number, piece) in agents.chunks(LOG_PIECE).enumerate() {
        let bytes: Vec<u8> = piece.iter().flat_map(|(window, message)| encode(*window, message)).collect();
        add("decode_agent", "log", number, [&[8, 100], bytes.as_slice()].concat());
        // A piece from the middle speaks of windows that were made before it.
        let known = piece.iter().filter(|(_, message)| !matches!(message, AgentMessage::Create { .. }));
        let mut steps = vec![8];
        let (window, height, parent) = (1, 100, WindowId(0));
        let create = AgentMessage::Create { x: 0, y: 0, width: 100, height, parent, override_redirect: 0 };
        steps.extend(raw_step(&encode(window, &create)));
        for (_, message) in known {
            steps.extend(raw_step(&encode(window, message)));
        }
        // Then the daemon moves it, the agent reads, time passes.
        steps.extend([6, 0, 1, 0, 0, 0, 3, 3, 50, 50, 5, 255, 255, 4, 100, 0]);
        add("daemon_conn", "log", number, steps);
    }
    for (number, piece) in daemons.chunks(LOG_PIECE).enumerate() {
        let bytes = piece.concat();
        add("decode_daemon", "log", number, [&[8, 100], bytes.as_slice()].concat());
        // Two windows, one of them shown with pixels; connect; the log; the daemon reads.
        let mut steps = vec![8];
        steps.extend([5, 0, 1, 0, 5, 5, 60, 60, 5, 4, 1, 0, 5, 8, 1, 8, 4, 0, 4, 0, 3, 255, 255]);
        steps.extend(raw_step(&bytes));
        steps.extend([5, 7, 1, 0, 9, 9, 90, 90, 5, 11, 1, 0, 1, 1, 8, 8, 5, 3, 1, 0, 3, 255, 255]);
        add("agent_conn", "log", number, steps);
    }
    for (number, minors) in
        [[8, 4, 0], [8, 4, 255], [6, 4, 0], [4, 4, 255], [0, 0, 0], [8, 0, 255]].iter().enumerate()
    {
        let (to_daemon, to_agent) = ([18, 0, 255, 255], [21, 0, 255, 255]);
        let (create, map, ask) = ([0, 1, 0, 0, 50, 50], [4, 1], [8, 1, 9, 9, 60, 60]);
        let (buffer, damage, place) = ([10, 1, 4], [12, 1, 1, 1, 5, 5], [15, 1, 7, 7, 70, 70]);
        let steps: [&[u8]; 16] = [
            minors,
            &create,
            &to_daemon,
            &to_agent,
            &map,
            &buffer,
            &damage,
            &to_daemon,
            &ask,
            &place,
            &to_agent,
            &ask,
            &[18, 0, 40, 0],
            &[23, 0],
            &to_daemon,
            &[3, 1],
        ];
        add("pair", "life", number, steps.concat());
    }
    seeds
}

#[test]
fn the_seeds_are_what_the_formats_make_them() {
    let write = std::env::var_os("TRANSOM_WRITE_SEEDS").is_some();
    for ((target, name), seed) in seeds() {
        let file = folder().join(target).join(&name);
        if write {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, &seed).unwrap();
        }
        let committed = fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert!(committed == seed, "{} is out of date", file.display());
    }
}

#[test]
fn every_seed_is_survived() {
    for (target, run) in TARGETS {
        let seeds = fs::read_dir(folder().join(target)).into_iter().flatten();
        for seed in seeds.map(|seed| seed.unwrap().path()) {
            println!("{}", seed.display());
            run(&fs::read(seed).unwrap());
        }
    }
}

#[test]
fn every_folder_of_seeds_is_a_targets() {
    for folder in fs::read_dir(folder()).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(TARGETS.iter().any(|(target, _)| *target == name), "nobody replays {name}");
    }
}

//! The seeds: made here, so that they cannot rot, and every one replayed.
//!
//! `TRANSOM_WRITE_SEEDS=1 cargo test -p transom-fuzz` writes them anew after a change of the formats; without it they
//! are compared. Files of other names in the folders, found by fuzzing perhaps, are only replayed.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use gui_protocol::message::{AgentMessage, Bytes, DaemonMessage, Message, Row, Spoken};
use gui_protocol::{BufferId, FileInfo, FileList, GrantRef, Rect, Version, WindowId};
use log::{Line, log};
use transom_fuzz::TARGETS;

#[path = "../../protocol/tests/common/log.rs"]
mod log;

/// The targets' byte for level 1 in the place of a base minor.
const LEVEL_1: u8 = 9;
/// The same for what an agent offers to the target of the daemon's end.
const OFFERS_LEVEL_1: u8 = 10;
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

/// Every message of a direction with its shortest body, and the target's byte for a version that has it.
fn shortest<M: Message>() -> Vec<(u8, Vec<u8>)> {
    let body = |length: u32| (0..length).map(|at| at as u8).collect::<Vec<_>>();
    let message = |row: &Row| M::decode(row.kind, &body(row.length.min)).unwrap();
    let version = |row: &Row| if row.spoken == Spoken::Extended { LEVEL_1 } else { 8 };
    M::TABLE.iter().map(|row| (version(row), encode(1, &message(row)))).collect()
}

/// What follows a step's byte for raw bytes: how many, and those.
fn raw_step(bytes: &[u8]) -> Vec<u8> {
    [&[0], u16::try_from(bytes.len()).unwrap().to_le_bytes().as_slice(), bytes].concat()
}

/// A window's life at level 1 for each end.
fn add_level_1(add: &mut impl FnMut(&'static str, &str, usize, Vec<u8>)) {
    let (x, y, width, height, parent) = (0, 0, 8, 8, WindowId(0));
    let create = AgentMessage::Create { x, y, width, height, parent, override_redirect: 0 };
    let source = Rect::new(0, 0, 8, 8);
    let buffer = |id| AgentMessage::Buffer {
        buffer: BufferId(id),
        width,
        height,
        format: 1,
        refs: vec![GrantRef(id)],
    };
    let commit = |serial, id, rects: &[Rect]| AgentMessage::Commit {
        serial,
        configure: 0,
        buffer: BufferId(id),
        width,
        height,
        scale: 120,
        source,
        flags: 1,
        damage_count: u32::try_from(rects.len().min(1)).unwrap(),
        rects: rects.to_vec(),
    };
    let popup = AgentMessage::Popup {
        parent: WindowId(1),
        token: 1,
        anchor_rect: source,
        width,
        height,
        anchor: 2,
        gravity: 2,
        constraint: 15,
        offset_x: 0,
        offset_y: 0,
        flags: 1,
    };
    let pixels = Bytes(vec![1, 2, 3, 4]);
    let cursor = AgentMessage::CursorImage { width: 1, height: 1, hot_x: 0, hot_y: 0, scale: 240, pixels };
    let life = [
        (1, create.clone()),
        (1, AgentMessage::Title { text: Bytes("Straße".into()) }),
        (1, buffer(0)),
        (1, buffer(1)),
        (1, commit(1, 0, &[])),
        (1, AgentMessage::Map { transient_for: WindowId(0), override_redirect: 0 }),
        (1, commit(2, 1, &[source, Rect::new(-3, 0, 8, 3)])),
        (1, AgentMessage::Wish { kind: 1, value: 1 }),
        (1, cursor),
        (2, create),
        (2, popup),
        (0, AgentMessage::Sync { token: 5 }),
        (1, AgentMessage::RemoveBuffer { buffer: BufferId(0) }),
    ];
    let bytes: Vec<u8> = life.iter().flat_map(|(window, message)| encode(*window, message)).collect();
    add("decode_agent", "level-1", 0, [&[LEVEL_1, 30], bytes.as_slice()].concat());
    let mut steps = vec![OFFERS_LEVEL_1];
    life.iter().for_each(|(window, message)| steps.extend(raw_step(&encode(*window, message))));
    // Then the daemon arranges it, says what became of its frames and releases its buffers; the agent reads.
    let commands =
        [[6, 12, 1, 0, 0, 7].as_slice(), &[5, 5, 60, 60], &[6, 16, 1, 0, 0, 2], &[6, 14, 1, 0, 0, 1]];
    steps.extend(commands.concat());
    steps.extend([6, 18, 1, 0, 0, 2, 6, 20, 0, 0, 0, 9, 5, 255, 255]);
    add("daemon_conn", "level-1", 0, steps);

    let (serial, scale) = (1, 180);
    let words = [
        (0, DaemonMessage::Outputs { outputs: vec![[1, 0, 0, 1280, 720, 1920, 1080, 60000, 180]] }),
        (0, DaemonMessage::Keymap { text: Bytes("xkb_keymap {};".into()) }),
        (
            1,
            DaemonMessage::Arrange {
                serial,
                x,
                y,
                width,
                height,
                bounds_width: 0,
                bounds_height: 0,
                states: 5,
                scale,
                token: 0,
            },
        ),
        (1, DaemonMessage::FrameDone { serial: 1 }),
        (1, DaemonMessage::Release { buffer: BufferId(0), serial: 1 }),
        (0, DaemonMessage::Run { token: 3, argv: Bytes(b"sh\0-c\0true\0".to_vec()) }),
        (0, DaemonMessage::Sync { token: 4 }),
    ];
    let bytes: Vec<u8> = words.iter().flat_map(|(window, message)| encode(*window, message)).collect();
    add("decode_daemon", "level-1", 0, [&[LEVEL_1, 30], bytes.as_slice()].concat());
    // A window with two buffers, a commit of each; connect; the daemon's words; the daemon reads.
    let mut steps = vec![LEVEL_1];
    steps.extend([4, 0, 5, 0, 1, 0, 5, 5, 60, 60, 5, 4, 1, 0, 5, 8, 1, 1, 4, 0, 5, 8, 1, 1, 4, 0]);
    steps.extend([5, 11, 1, 0, 5, 11, 1, 1, 3, 255, 255]);
    steps.extend(raw_step(&bytes));
    steps.extend([5, 11, 1, 128, 1, 1, 8, 8, 5, 25, 1, 4, 5, 6, 1, 0, 3, 255, 255]);
    add("agent_conn", "level-1", 0, steps);
}

/// Files both ways, for each end and between the two.
fn add_files(add: &mut impl FnMut(&'static str, &str, usize, Vec<u8>)) {
    let file = |name: &str, size| FileInfo { name: name.into(), size };
    let list = FileList::new(vec![file("report \u{202e}fdp.exe", 4), file("x", 0)]).unwrap().to_wire();
    let data = |token| AgentMessage::FilesData { token, data: Bytes(vec![9; 4]) };
    // The daemon offers files of its own between the two halves, under number 1.
    let first = [AgentMessage::FilesOffer { token: 1, files: Bytes(list.clone()) }, data(1)];
    let second = [
        AgentMessage::FilesCredit { token: 1, bytes: 100 },
        AgentMessage::FilesResult { token: 1, end: 4 },
        AgentMessage::FilesEnd { token: 1, end: 2 },
        data(1),
    ];
    let mut steps = vec![OFFERS_LEVEL_1];
    first.iter().for_each(|message| steps.extend(raw_step(&encode(0, message))));
    steps.extend([6, 22, 0, 1, 0, 9, 0, 1]);
    second.iter().for_each(|message| steps.extend(raw_step(&encode(0, message))));
    steps.extend([5, 255, 255]);
    add("daemon_conn", "files", 0, steps);
    let bytes: Vec<u8> = first.iter().chain(&second).flat_map(|message| encode(0, message)).collect();
    add("decode_agent", "files", 0, [&[LEVEL_1, 30], bytes.as_slice()].concat());

    let offer = |token| DaemonMessage::FilesOffer {
        token,
        from_and_files: Bytes([b"work\0".as_slice(), &list].concat()),
    };
    let words = [
        offer(1),
        DaemonMessage::FilesCredit { token: 1, bytes: 100 },
        DaemonMessage::FilesResult { token: 1, end: 1 },
        DaemonMessage::FilesEnd { token: 1, end: 3 },
        offer(2),
    ];
    let bytes: Vec<u8> = words.iter().flat_map(|message| encode(0, message)).collect();
    add("decode_daemon", "files", 0, [&[LEVEL_1, 30], bytes.as_slice()].concat());
    let mut steps = vec![LEVEL_1, 4, 0, 5, 26, 1, 9, 9, 0];
    steps.extend(raw_step(&bytes));
    steps.extend([5, 26, 1, 2, 9, 0, 3, 255, 255]);
    add("agent_conn", "files", 0, steps);

    let (to_daemon, to_agent, files) = ([18, 0, 255, 255], [21, 0, 255, 255], [30, 0, 60, 5]);
    let mut steps = vec![LEVEL_1, 5, 0];
    steps.extend([to_daemon, to_agent, files].concat());
    steps.extend([to_daemon, to_agent].concat().repeat(4));
    steps.extend([31, 0, 4]);
    add("pair", "files", 0, steps);
}

/// The seeds by target and name.
fn seeds() -> BTreeMap<(&'static str, String), Vec<u8>> {
    let mut seeds = BTreeMap::new();
    let mut add = |target, name: &str, number: usize, seed| {
        seeds.insert((target, format!("{name}-{number:02}")), seed);
    };
    for (number, (version, message)) in shortest::<AgentMessage>().iter().enumerate() {
        add("decode_agent", "shortest", number, [&[*version, 4], message.as_slice()].concat());
    }
    for (number, (version, message)) in shortest::<DaemonMessage>().iter().enumerate() {
        add("decode_daemon", "shortest", number, [&[*version, 4], message.as_slice()].concat());
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
    add_level_1(&mut add);
    add_files(&mut add);
    for (number, minors) in [
        [8, 4, 0],
        [8, 4, 255],
        [6, 4, 0],
        [4, 4, 255],
        [0, 0, 0],
        [8, 0, 255],
        [LEVEL_1, 5, 0],
        [LEVEL_1, 4, 0],
    ]
    .iter()
    .enumerate()
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
    // Each global bound and asked for something; windows shown, focused and closed; two clients at once; noise.
    let window: [&[u8]; 5] = [&[0, 1], &[0, 15], &[0, 15], &[0, 2, 0, 0], &[0, 15]];
    let window = window.concat();
    let everything = (0..28).flat_map(|global| [0, 0, global]).chain([0, 15]).collect::<Vec<u8>>();
    let asked = (0..28).flat_map(|n| [0, 3, n + 2, n, 5, 5, 9, 5, 9, 5, 0, 15]).collect::<Vec<u8>>();
    let input = [[0, 11, 0, 0, 2, 2], [0, 11, 0, 1, 4, 4], [0, 11, 0, 3, 2, 2], [0, 11, 0, 5, 0, 0]].concat();
    let second = window.chunks_exact(2).flat_map(|step| [1, step[1]]).collect::<Vec<u8>>();
    let noise = [2, 10, 8, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, 2, 15, 2, 1, 2, 15].to_vec();
    let lives: [&[&[u8]]; 4] = [
        &[&window, &input],
        &[&everything, &window, &asked],
        &[&window, &second, &input, &[0, 15, 1, 15]],
        &[&window, &noise, &everything],
    ];
    for (number, life) in lives.iter().enumerate() {
        add("agent_clients", "life", number, life.concat());
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

//! Every message of the table: its length rule at the limit and one past, and decode → encode as identity.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use std::fmt::Write;

use common::{decode, encode};
use gui_protocol::framing::Framer;
use gui_protocol::message::{AgentMessage, DaemonMessage, HEADER_BYTES, LengthRule, Message, Spoken};
use gui_protocol::{Family, Version, Violation, WindowId};
use proptest::prelude::*;

fn table<M: Message>() -> String {
    let mut text = String::from("\n");
    for row in M::TABLE {
        writeln!(text, "{} {:?} {} {}", row.kind, row.spoken, row.name, row.length).unwrap();
    }
    text
}

#[test]
fn the_table_is_the_protocols() {
    let agent = "
130 Always CREATE 24
131 Always DESTROY 0
132 Always MAP 8
133 Always UNMAP 0
134 Base CONFIGURE 20
135 Base MFNDUMP 28 to 393244 in steps of 4
136 Base SHMIMAGE 16
140 Always CLIPBOARD_DATA 0 to 256001
141 Base WMNAME 128
143 Always DOCK 0
144 Always WINDOW_HINTS 36
145 Base WINDOW_FLAGS 8
146 Base WMCLASS 128
147 Base WINDOW_DUMP 16 to 393232 in steps of 4
148 Base CURSOR 4
4096 Extended BUFFER 16 to 393232 in steps of 4
4097 Extended REMOVE_BUFFER 4
4098 Extended COMMIT 52 to 2100 in steps of 16
4099 Extended TITLE 0 to 1024
4100 Extended APP_ID 0 to 256
4101 Extended PARENT 4
4102 Extended WISH 8
4103 Extended POPUP 56
4104 Extended CURSOR_SHAPE 4
4105 Extended CURSOR_IMAGE 20 to 262164
4106 Extended ICON 8 to 262152
4107 Extended CONSTRAIN_POINTER 20
4108 Extended RUN_RESULT 8
4109 Extended SYNC_DONE 4
4110 Extended SYNC 4
4111 Extended POINTER_NEEDS 4
4128 Extended FILES_OFFER 4 to 65540
4129 Extended FILES_DATA 4 to 32772
4130 Extended FILES_END 8
4131 Extended FILES_CREDIT 8
4132 Extended FILES_RESULT 8
";
    let daemon = "
124 Always KEYPRESS 20
125 Always BUTTON 20
126 Always MOTION 16
127 Always CROSSING 28
128 Always FOCUS 12
129 Base RESIZE 8
131 Always DESTROY 0
132 Base MAP 8
134 Base CONFIGURE 20
137 Always CLOSE 0
138 Base EXECUTE 255
139 Always CLIPBOARD_REQ 0
140 Always CLIPBOARD_DATA 0 to 256001
142 Always KEYMAP_NOTIFY 32
145 Base WINDOW_FLAGS 8
149 Base WINDOW_DUMP_ACK 0
4352 Extended OUTPUTS 0 to 576 in steps of 36
4353 Extended BUFFER_REMOVED 4
4354 Extended RELEASE 12
4355 Extended FRAME_DONE 8
4356 Extended PRESENTED 28
4357 Extended ARRANGE 40
4358 Extended SCROLL 28
4359 Extended GESTURE 32
4360 Extended TOUCH 20
4361 Extended RELATIVE_MOTION 24
4362 Extended POINTER_CONSTRAINED 4
4363 Extended KEYMAP 0 to 262144
4364 Extended MODIFIERS 16
4365 Extended RUN 4 to 65540
4366 Extended SYNC 4
4367 Extended SYNC_DONE 4
4368 Extended TABLET 56
4384 Extended FILES_OFFER 4 to 65796
4385 Extended FILES_DATA 4 to 32772
4386 Extended FILES_END 8
4387 Extended FILES_CREDIT 8
4388 Extended FILES_RESULT 8
";
    assert_eq!(table::<AgentMessage>(), agent);
    assert_eq!(table::<DaemonMessage>(), daemon);
}

fn header(kind: u32, window: u32, length: u32) -> Vec<u8> {
    [kind, window, length].into_iter().flat_map(u32::to_le_bytes).collect()
}

/// A message with this body length and bytes that all differ from their neighbours.
fn raw(kind: u32, length: u32) -> Vec<u8> {
    let mut bytes = header(kind, 7, length);
    bytes.extend((0..length).map(|at| (at.wrapping_mul(31) >> 3) as u8));
    bytes
}

fn pull<M: Message>(minor: u16, mut bytes: &[u8]) -> Result<Option<(WindowId, M)>, Violation> {
    let pulled = Framer::new(Version::minor(minor)).pull(&mut bytes)?;
    assert!(pulled.is_none() || bytes.is_empty());
    Ok(pulled)
}

fn check_rows<M: Message>() {
    for row in M::TABLE {
        let minor = if row.spoken == Spoken::Extended { Version::NEWEST.minor } else { 8 };
        let LengthRule { min, max, step } = row.length;
        for length in [min, min + (max - min) / step / 2 * step, max] {
            let bytes = raw(row.kind, length);
            let (window, message) = pull::<M>(minor, &bytes).unwrap().unwrap();
            assert_eq!((window.0, message.kind(), message.name()), (7, row.kind, row.name));
            assert_eq!(encode(7, &message, minor), bytes, "{} of {length}", row.name);
            assert!(pull::<M>(minor, &bytes[..bytes.len() - 1]).unwrap().is_none());
        }
        let mut illegal = vec![max + 1, max.wrapping_add(step), u32::MAX];
        illegal.extend(min.checked_sub(1));
        if step > 1 {
            illegal.extend([min + 1, max - 1]);
        }
        for length in illegal {
            let wrong = header(row.kind, 7, length);
            let Err(violation) = pull::<M>(minor, &wrong) else { panic!("{} of {length}", row.name) };
            assert_eq!(violation.family(), Family::Malformed);
            assert!(
                matches!(violation, Violation::Length { message, .. } if message == row.name),
                "{violation}"
            );
            assert!(M::decode(row.kind, &vec![0; length.min(max + 1) as usize]).is_none());
        }
    }
}

#[test]
fn lengths_are_checked_at_the_limit_and_one_past() {
    check_rows::<AgentMessage>();
    check_rows::<DaemonMessage>();
}

#[test]
fn an_agents_unknown_type_is_an_error_and_a_daemons_is_passed_over() {
    let mut bytes = header(200, 1, 5);
    bytes.extend(b"hello");
    bytes.extend(encode(3, &DaemonMessage::Close {}, 8));
    assert_eq!(decode::<DaemonMessage>(&bytes, 8), [(3, DaemonMessage::Close {})]);
    let violation = Violation::UnknownType { kind: 200, window: WindowId(1), length: 5 };
    assert_eq!(pull::<AgentMessage>(8, &bytes), Err(violation));
    // The other direction's messages are as unknown.
    assert!(matches!(pull::<AgentMessage>(8, &header(137, 1, 0)), Err(Violation::UnknownType { .. })));
    // A body of 4 GiB nobody knows is passed over without being kept.
    let mut framer = Framer::<DaemonMessage>::new(Version::NEWEST);
    assert_eq!(framer.pull(&mut header(200, 1, u32::MAX).as_slice()), Ok(None));
    assert_eq!(framer.pull(&mut vec![0; 1 << 20].as_slice()), Ok(None));
}

fn check_levels<M: Message>() {
    for row in M::TABLE {
        for version in [Version::minor(4), Version::BASE, Version::NEWEST] {
            let bytes = raw(row.kind, row.length.min);
            let pulled = pull::<M>(version.minor, &bytes);
            let is_unknown = matches!(pulled, Ok(None) | Err(Violation::UnknownType { .. }));
            let is_spoken = match row.spoken {
                Spoken::Always => true,
                Spoken::Base => !version.is_extended(),
                Spoken::Extended => version.is_extended(),
            };
            assert_eq!(is_unknown, !is_spoken, "{} in {version}", row.name);
        }
    }
}

#[test]
fn what_a_level_does_not_have_is_unknown_in_it() {
    check_levels::<AgentMessage>();
    check_levels::<DaemonMessage>();
}

#[test]
fn before_1_6_a_wrong_length_is_taken_as_the_right_one() {
    let body = [9u8; 8];
    for wrong in [0, 7, 9, u32::MAX] {
        let mut bytes = header(132, 7, wrong);
        bytes.extend(body);
        let (_, message) = pull::<AgentMessage>(5, &bytes).unwrap().unwrap();
        assert!(matches!(message, AgentMessage::Map { transient_for: WindowId(0x0909_0909), .. }));
        assert!(matches!(pull::<AgentMessage>(6, &bytes), Err(Violation::Length { .. })));
    }
    // What has no one right length cannot be guessed.
    assert!(matches!(pull::<AgentMessage>(5, &header(147, 7, 15)), Err(Violation::Length { .. })));
}

#[test]
fn clipboard_lengths_depend_on_the_version() {
    for (minor, most) in [(0, 65000), (7, 65000), (8, 256_001)] {
        let data = vec![1; most];
        let bytes = encode(0, &AgentMessage::ClipboardData { data: data.clone() }, minor);
        let (_, message) = pull::<AgentMessage>(minor, &bytes).unwrap().unwrap();
        assert_eq!(message, AgentMessage::ClipboardData { data });
        let longer = encode(0, &AgentMessage::ClipboardData { data: vec![1; most + 1] }, minor);
        assert!(matches!(pull::<AgentMessage>(minor, &longer), Err(Violation::Length { .. })), "{minor}");
    }
    // 1.0 and 1.1 have it in the window's place and nothing meaningful in the length's.
    let mut old = header(140, 3, 99);
    old.extend(b"abc");
    for minor in [0, 1] {
        assert_eq!(
            decode::<DaemonMessage>(&old, minor),
            [(3, DaemonMessage::ClipboardData { data: b"abc".to_vec() })]
        );
        assert_eq!(
            encode(50, &DaemonMessage::ClipboardData { data: b"abc".to_vec() }, minor)[4..8],
            [3, 0, 0, 0]
        );
    }
    assert_eq!(encode(50, &DaemonMessage::ClipboardData { data: b"abc".to_vec() }, 2)[4..8], [50, 0, 0, 0]);
}

#[test]
fn versions_are_halves_of_a_word() {
    assert_eq!(Version::BASE.to_wire(), 65544);
    assert_eq!(Version::from_wire(65544), Version::BASE);
    assert_eq!(Version::NEWEST.to_wire(), 0x0001_8001);
    assert_eq!(Version::from_wire(0x0002_8001), Version { major: 2, minor: 0x8001 });
}

/// Messages of a version, of legal lengths.
fn any_bytes<M: Message>(version: Version) -> impl Strategy<Value = Vec<u8>> {
    let rows: Vec<_> = M::TABLE.iter().filter(|row| row.spoken.is_in(version)).collect();
    let one =
        (0..rows.len(), any::<u32>(), 0u32..40, any::<u8>()).prop_map(move |(row, window, extra, fill)| {
            let row = rows[row];
            let length = (row.length.min + extra * row.length.step).min(row.length.max);
            let mut bytes = header(row.kind, window, length);
            bytes.extend((0..length).map(|at| fill.wrapping_add((at as u8).wrapping_mul(fill | 1))));
            bytes
        });
    proptest::collection::vec(one, 1..8).prop_map(|all| all.concat())
}

fn any_versions<M: Message>() -> impl Strategy<Value = (Version, Vec<u8>)> {
    prop_oneof![Just(Version::BASE), Just(Version::NEWEST)]
        .prop_flat_map(|version| (Just(version), any_bytes::<M>(version)))
}

fn check_identity<M: Message>(version: Version, bytes: &[u8], cuts: &[usize]) {
    let mut framer = Framer::<M>::new(version);
    let mut again = Vec::new();
    let mut rest = bytes;
    let mut cuts = cuts.iter().copied().cycle();
    while !rest.is_empty() {
        let (mut piece, later) = rest.split_at(cuts.next().unwrap().min(rest.len()));
        rest = later;
        while let Some((window, message)) = framer.pull(&mut piece).unwrap() {
            message.encode(window, version, &mut again);
        }
    }
    assert_eq!(again, bytes);
    assert!(again.len() >= HEADER_BYTES);
}

proptest! {
    #[test]
    fn agents_bytes_come_back_however_they_are_cut(
        (version, bytes) in any_versions::<AgentMessage>(),
        cuts in proptest::collection::vec(1usize..50, 1..20),
    ) {
        check_identity::<AgentMessage>(version, &bytes, &cuts);
    }

    #[test]
    fn daemons_bytes_come_back_however_they_are_cut(
        (version, bytes) in any_versions::<DaemonMessage>(),
        cuts in proptest::collection::vec(1usize..50, 1..20),
    ) {
        check_identity::<DaemonMessage>(version, &bytes, &cuts);
    }
}

//! Files between domains, at either end and from one agent through a daemon's two ends to another.
#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod common;

use common::*;
use gui_protocol::limits::{BACKLOG, FILES_WINDOW};
use gui_protocol::message::{AgentMessage, Bytes, DaemonMessage};
use gui_protocol::{
    AgentEvent, DaemonEvent, Family, FileInfo, FileList, FilesEnd, Limits, Rect, Violation, WindowId,
};
use proptest::prelude::*;

fn files(sizes: &[u64]) -> FileList {
    let file = |(number, size): (usize, &u64)| FileInfo { name: format!("file {number}"), size: *size };
    FileList::new(sizes.iter().enumerate().map(file).collect()).unwrap()
}

fn offer(token: u32, files: &FileList) -> AgentMessage {
    AgentMessage::FilesOffer { token, files: Bytes(files.to_wire()) }
}

fn data(token: u32, length: usize) -> AgentMessage {
    AgentMessage::FilesData { token, data: Bytes(vec![7; length]) }
}

fn daemon() -> Daemon {
    Daemon::with(LEVEL_1, Limits::default())
}

/// A daemon that was offered 10,000 bytes under number 3 and has let the first 1000 come.
fn offered() -> Daemon {
    let mut daemon = daemon();
    let list = files(&[4000, 6000]);
    let told = daemon.say(0, offer(3, &list)).unwrap();
    assert_eq!(told, [DaemonEvent::FilesOffered { token: 3, files: list }]);
    assert!(daemon.conn.files_credit(3, 1000));
    assert_eq!(daemon.heard(), [(0, DaemonMessage::FilesCredit { token: 3, bytes: 1000 })]);
    daemon
}

/// A daemon that has offered 1000 bytes to the agent.
fn offering() -> (Daemon, u32) {
    let mut daemon = daemon();
    let token = daemon.conn.offer_files("work", &files(&[1000])).unwrap();
    daemon.heard();
    (daemon, token)
}

fn refused(daemon: &mut Daemon, message: AgentMessage) -> Violation {
    daemon.say(0, message).unwrap_err()
}

#[test]
fn no_more_comes_than_was_allowed_and_announced() {
    let mut daemon = offered();
    let told = daemon.say(0, data(3, 1000)).unwrap();
    assert_eq!(told, [DaemonEvent::FilesData { token: 3, data: vec![7; 1000] }]);
    let violation = refused(&mut daemon, data(3, 1));
    assert_eq!(violation, Violation::FilesOverrun { length: 1, credit: 0, left: 9000 });
    assert_eq!(violation.family(), Family::Misbehaved);

    let mut daemon = offered();
    assert!(daemon.conn.files_credit(3, 20_000));
    daemon.say(0, data(3, 10_000)).unwrap();
    let violation = refused(&mut daemon, data(3, 1));
    assert_eq!(violation, Violation::FilesOverrun { length: 1, credit: 11_000, left: 0 });
    // none at all would keep a transfer that stands still from being ended
    let violation = refused(&mut offered(), data(3, 0));
    assert!(matches!(violation, Violation::Field { message: "FILES_DATA", value: 0, .. }));
    // of those that nobody has let come, nothing
    let mut daemon = self::daemon();
    daemon.say(0, offer(1, &files(&[5]))).unwrap();
    assert!(matches!(refused(&mut daemon, data(1, 1)), Violation::FilesOverrun { credit: 0, left: 5, .. }));
}

#[test]
fn at_most_a_window_is_under_way() {
    let mut daemon = daemon();
    daemon.say(0, offer(1, &files(&[u64::MAX]))).unwrap();
    assert!(daemon.conn.files_credit(1, FILES_WINDOW));
    assert!(!daemon.conn.files_credit(1, 1));

    let (mut daemon, token) = offering();
    let credit = |bytes| AgentMessage::FilesCredit { token, bytes };
    let told = daemon.say(0, credit(FILES_WINDOW)).unwrap();
    assert_eq!(told, [DaemonEvent::FilesCredit { token, bytes: FILES_WINDOW }]);
    let violation = refused(&mut daemon, credit(1));
    assert!(matches!(violation, Violation::Field { message: "FILES_CREDIT", field: "bytes", .. }));
}

#[test]
fn an_offer_is_new_and_the_only_one() {
    let list = files(&[1]);
    for token in [1, 3, 4] {
        let violation = refused(&mut offered(), offer(token, &list));
        assert!(matches!(violation, Violation::Field { message: "FILES_OFFER", field: "token", .. }));
    }
    assert!(matches!(refused(&mut daemon(), offer(0, &list)), Violation::Field { value: 0, .. }));
    // when the first is over, whoever has ended it
    let mut daemon = offered();
    let told = daemon.say(0, AgentMessage::FilesEnd { token: 3, end: 2 }).unwrap();
    assert_eq!(told, [DaemonEvent::FilesEnded { token: 3, end: FilesEnd::Cancelled }]);
    assert!(!daemon.conn.files_result(3, FilesEnd::Refused), "nothing is due");
    daemon.say(0, offer(4, &list)).unwrap();
    assert!(daemon.conn.files_result(4, FilesEnd::Refused));
    daemon.say(0, offer(5, &list)).unwrap();
    assert_eq!(refused(&mut daemon, offer(5, &list)).family(), Family::Malformed);
}

#[test]
fn what_crosses_an_end_means_nothing() {
    let mut daemon = offered();
    assert!(daemon.conn.files_result(3, FilesEnd::Cancelled));
    for late in [data(3, 1000), data(1, 1), AgentMessage::FilesEnd { token: 3, end: 3 }] {
        assert_eq!(daemon.say(0, late).unwrap(), []);
    }
    assert!(matches!(refused(&mut daemon, data(4, 1)), Violation::Field { field: "token", value: 4, .. }));

    let (mut daemon, token) = offering();
    assert!(daemon.conn.files_end(token, FilesEnd::Cancelled));
    assert_eq!(daemon.heard(), [(0, DaemonMessage::FilesEnd { token, end: 2 })]);
    for late in [AgentMessage::FilesCredit { token, bytes: 1 }, AgentMessage::FilesResult { token, end: 0 }] {
        assert_eq!(daemon.say(0, late).unwrap(), []);
    }
    let violation = refused(&mut daemon, AgentMessage::FilesResult { token: token + 1, end: 0 });
    assert!(matches!(violation, Violation::Field { field: "token", .. }));
}

#[test]
fn an_agent_cannot_claim_what_it_was_not_sent() {
    let (mut daemon, token) = offering();
    daemon.say(0, AgentMessage::FilesCredit { token, bytes: 2000 }).unwrap();
    assert_eq!(daemon.conn.files_room(), 1000);
    assert!(!daemon.conn.files_data(token, vec![0; 1001]));
    assert!(!daemon.conn.files_data(token, Vec::new()));
    assert!(daemon.conn.files_data(token, vec![0; 999]));
    let violation = refused(&mut daemon, AgentMessage::FilesResult { token, end: 0 });
    assert!(matches!(violation, Violation::Field { message: "FILES_RESULT", field: "end", value: 0, .. }));

    let (mut daemon, token) = offering();
    let told = daemon.say(0, AgentMessage::FilesResult { token, end: 4 }).unwrap();
    assert_eq!(told, [DaemonEvent::FilesResult { token, end: FilesEnd::NoRoom }]);
    for (message, value) in [
        (AgentMessage::FilesResult { token, end: 7 }, 7),
        (AgentMessage::FilesEnd { token, end: 0 }, 0),
        (AgentMessage::FilesEnd { token, end: 4 }, 4),
    ] {
        let violation = refused(&mut offering().0, message);
        assert!(matches!(violation, Violation::Field { field: "end", value: of, .. } if of == value));
    }
}

#[test]
fn lists_that_are_none_end_the_link() {
    let raw = |files: &[u8]| AgentMessage::FilesOffer { token: 1, files: Bytes(files.into()) };
    let named = |name: &[u8]| [[0; 8].as_slice(), name, &[0]].concat();
    for bytes in [&[][..], &[0; 8], &named(b"a/b"), &named(b".."), &named(b""), &named(b"\xff"), &[1; 30]] {
        let violation = refused(&mut daemon(), raw(bytes));
        assert_eq!(violation, Violation::FileList { message: "FILES_OFFER", length: bytes.len() });
        assert_eq!(violation.family(), Family::Malformed);
    }
    let none = Bytes([b"work\0".as_slice(), &named(b"/etc/passwd")].concat());
    let offer = DaemonMessage::FilesOffer { token: 1, from_and_files: none };
    assert!(matches!(Agent::with(LEVEL_1).say(0, offer), Err(Violation::FileList { .. })));
}

#[test]
fn nobody_hears_of_files_before_level_1() {
    let list = files(&[1]);
    let mut daemon = Daemon::new();
    assert_eq!(daemon.conn.offer_files("work", &list), None);
    assert!(matches!(refused(&mut daemon, offer(1, &list)), Violation::UnknownType { kind: 0x1020, .. }));
    for mut agent in [Agent::new(), Agent::down(LEVEL_1)] {
        assert_eq!(agent.conn.offer_files(&list), None);
        assert!(agent.heard().is_empty());
    }
    let mut daemon = self::daemon();
    assert_eq!(daemon.conn.offer_files(&"x".repeat(256), &list), None);
    assert_eq!(daemon.conn.offer_files("a\0b", &list), None);
}

#[test]
fn windows_come_before_files() {
    let mut agent = Agent::with(LEVEL_1);
    let token = agent.conn.offer_files(&files(&[1_000_000])).unwrap();
    assert_eq!(agent.heard_names(), ["FILES_OFFER"]);
    let credit = DaemonMessage::FilesCredit { token, bytes: FILES_WINDOW };
    assert_eq!(agent.say(0, credit).unwrap(), [AgentEvent::FilesCredit { token, bytes: FILES_WINDOW }]);
    assert_eq!(agent.conn.files_room(), BACKLOG);
    assert!(!agent.conn.files_data(token, Vec::new()));
    assert!(agent.conn.files_data(token, vec![1; BACKLOG]));
    assert_eq!(agent.conn.files_room(), 0, "what is not sent yet counts");
    agent.conn.create(WindowId(1), Rect::new(0, 0, 10, 10), None, false).unwrap();
    agent.conn.transmitted(BACKLOG / 2);
    assert_eq!(agent.conn.files_room(), BACKLOG - agent.conn.transmit().len());
    assert!(agent.conn.transmit().len() > BACKLOG / 2 + 24, "the window is told");
    // the link's end is the transfer's
    agent.connect();
    assert_eq!(agent.conn.files_room(), 0);
    assert!(!agent.conn.files_end(token, FilesEnd::Cancelled));
    assert_eq!(agent.conn.offer_files(&files(&[1])), Some(1));
}

/// One agent's files on their way to another.
struct Way {
    from: Agent,
    to: Agent,
    ends: [Daemon; 2],
    sent: u64,
    received: Vec<u8>,
    result: Option<FilesEnd>,
}

/// What the `at`-th byte is.
fn byte(at: u64) -> u8 {
    (at % 251) as u8
}

impl Way {
    fn new() -> Way {
        let agent = || Agent::with(LEVEL_1);
        let (from, to, ends) = (agent(), agent(), [daemon(), daemon()]);
        Way { from, to, ends, sent: 0, received: Vec::new(), result: None }
    }

    /// Moves at most so many bytes each way and does what they say. Whether anything moved.
    fn step(&mut self, count: usize, credit: u32, total: u64) -> bool {
        let mut moved = false;
        for (agent, end) in [(&mut self.from, 0), (&mut self.to, 1)] {
            let daemon = &mut self.ends[end];
            let bytes = agent.conn.transmit().iter().copied().take(count).collect::<Vec<_>>();
            agent.conn.transmitted(bytes.len());
            daemon.conn.handle_bytes(&bytes, NOW).unwrap();
            let back = daemon.conn.transmit().iter().copied().take(count).collect::<Vec<_>>();
            daemon.conn.transmitted(back.len());
            agent.conn.handle_bytes(&back, NOW).unwrap();
            moved |= !bytes.is_empty() || !back.is_empty();
        }
        let [left, right] = &mut self.ends;
        for event in left.events() {
            match event {
                DaemonEvent::FilesOffered { files, .. } => drop(right.conn.offer_files("from", &files)),
                DaemonEvent::FilesData { data, .. } => assert!(right.conn.files_data(1, data)),
                other => panic!("{other:?}"),
            }
        }
        for event in right.events() {
            match event {
                DaemonEvent::FilesCredit { bytes, .. } => assert!(left.conn.files_credit(1, bytes)),
                DaemonEvent::FilesResult { end, .. } => assert!(left.conn.files_result(1, end)),
                other => panic!("{other:?}"),
            }
        }
        for event in self.to.events() {
            match event {
                AgentEvent::FilesOffered { token, from, .. } => {
                    assert_eq!((token, from.as_str()), (1, "from"));
                    self.to.conn.files_credit(1, credit);
                }
                AgentEvent::FilesData { data, .. } => {
                    self.to.conn.files_credit(1, data.len() as u32);
                    self.received.extend(data);
                }
                other => panic!("{other:?}"),
            }
            if self.received.len() as u64 == total {
                self.to.conn.files_result(1, FilesEnd::Done);
            }
        }
        for event in self.from.events() {
            if let AgentEvent::FilesResult { end, .. } = event {
                self.result = Some(end);
            }
        }
        let room = self.from.conn.files_room().min(count);
        if room > 0 {
            let data = (self.sent..self.sent + room as u64).map(byte).collect();
            assert!(self.from.conn.files_data(1, data));
            self.sent += room as u64;
        }
        // a daemon holds no more of a transfer than its window
        assert!(right.conn.transmit().len() <= FILES_WINDOW as usize + 1000);
        moved || room > 0
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn all_bytes_arrive_in_order(
        sizes in prop::collection::vec(0u64..60_000, 1..5),
        count in 1usize..5000,
        credit in 1u32..FILES_WINDOW,
    ) {
        let list = files(&sizes);
        let total = list.total();
        let mut way = Way::new();
        way.from.conn.offer_files(&list).unwrap();
        while way.step(count.max(200), credit, total) {}
        prop_assert_eq!(way.result, Some(FilesEnd::Done));
        prop_assert_eq!(way.received.len() as u64, total);
        prop_assert!(way.received.iter().zip(0..).all(|(got, at)| *got == byte(at)));
    }
}

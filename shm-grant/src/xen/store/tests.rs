//! The answers are laid down before the question is asked: requests are numbered from 1, so a test knows their numbers.

use std::io::{Read, Write};

use super::*;

const WAIT: Duration = Duration::from_millis(50);

/// The other end of a store's connection.
struct Xenstored(UnixStream);

impl Xenstored {
    /// With a store that has made its first request.
    fn with_store() -> (Self, Store) {
        let (ours, peer) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        let mut xenstored = Self(peer);
        xenstored.answer(Kind::DomainPath, 1, b"/local/domain/0\0");
        let store = Store::over(ours.into(), WAIT).unwrap();
        assert_eq!(xenstored.asked(), (Kind::DomainPath as u32, 1, 0, b"0\0".to_vec()));
        (xenstored, store)
    }

    fn answer(&mut self, kind: Kind, request: u32, payload: &[u8]) {
        self.0.write_all(&message(kind as u32, request, payload)).unwrap();
    }

    fn event(&mut self, path: &str, token: &str) {
        self.answer(Kind::WatchEvent, 0, format!("{path}\0{token}\0").as_bytes());
    }

    /// The next request: kind, number, transaction, payload.
    fn asked(&mut self) -> (u32, u32, u32, Vec<u8>) {
        let mut header = [0; 16];
        self.0.read_exact(&mut header).unwrap();
        let (words, _) = header.as_chunks::<4>();
        let [kind, request, transaction, length] = [0, 1, 2, 3].map(|i| u32::from_ne_bytes(words[i]));
        let mut payload = vec![0; length as usize];
        self.0.read_exact(&mut payload).unwrap();
        (kind, request, transaction, payload)
    }
}

fn message(kind: u32, request: u32, payload: &[u8]) -> Vec<u8> {
    let words = [kind, request, 0, u32::try_from(payload.len()).unwrap()];
    [&words.map(u32::to_ne_bytes).concat(), payload].concat()
}

fn event(path: &str, token: &str) -> WatchEvent {
    WatchEvent { path: path.to_owned(), token: token.to_owned() }
}

#[test]
fn every_request_has_its_documented_form() {
    /// Kind and payload of the request, the answer, what the call makes of it, and the call.
    type Case = (Kind, &'static [u8], &'static [u8], &'static str, fn(&mut Store) -> String);
    let cases: [Case; 10] = [
        (Kind::Read, b"name\0", b"work", "[119, 111, 114, 107]", |s| {
            format!("{:?}", s.read("name").unwrap())
        }),
        (Kind::Read, b"domid\0", b"7", "Some(DomId(7))", |s| format!("{:?}", s.own_domain().unwrap())),
        (Kind::Write, b"data/x\0\x001\0", b"OK\0", "()", |s| {
            format!("{:?}", s.write("data/x", b"\x001\0").unwrap())
        }),
        (Kind::Remove, b"data/x\0", b"OK\0", "()", |s| format!("{:?}", s.remove("data/x").unwrap())),
        (Kind::Directory, b"/local/domain\0", b"0\x0012\0", r#"["0", "12"]"#, |s| {
            format!("{:?}", s.directory("/local/domain").unwrap())
        }),
        (Kind::Directory, b"empty\0", b"", "[]", |s| format!("{:?}", s.directory("empty").unwrap())),
        (Kind::GetPermissions, b"x\0", b"n5\0r0\0", "n5 r0", |s| {
            let list = s.permissions("x").unwrap();
            list.iter().map(Permission::to_string).collect::<Vec<_>>().join(" ")
        }),
        (Kind::SetPermissions, b"x\0w5\0b0\0", b"OK\0", "()", |s| {
            let list = [(5, Access::Write), (0, Access::Both)];
            let list = list.map(|(domain, access)| Permission { domain: DomId(domain), access });
            format!("{:?}", s.set_permissions("x", &list).unwrap())
        }),
        (Kind::Watch, b"@releaseDomain\0gone\0", b"OK\0", "()", |s| {
            format!("{:?}", s.watch("@releaseDomain", "gone").unwrap())
        }),
        (Kind::IsIntroduced, b"7\0", b"F\0", "false", |s| {
            format!("{:?}", s.is_introduced(DomId(7)).unwrap())
        }),
    ];
    let (mut xenstored, mut store) = Xenstored::with_store();
    for (request, (kind, payload, answer, result, call)) in (2..).zip(cases) {
        xenstored.answer(kind, request, answer);
        assert_eq!(call(&mut store), result, "{kind:?}");
        assert_eq!(xenstored.asked(), (kind as u32, request, 0, payload.to_vec()));
    }
}

#[test]
fn events_between_answers_are_kept_in_order_and_once() {
    let (mut xenstored, mut store) = Xenstored::with_store();
    xenstored.event("@introduceDomain", "came");
    xenstored.event("/local/domain/7/name", "names");
    xenstored.event("@introduceDomain", "came");
    xenstored.answer(Kind::Read, 2, b"work");
    xenstored.event("@releaseDomain", "went");
    assert_eq!(store.read("/local/domain/7/name").unwrap(), b"work");
    let seen: Vec<_> = std::iter::from_fn(|| store.poll_watch().unwrap()).collect();
    assert_eq!(
        seen,
        [
            event("@introduceDomain", "came"),
            event("/local/domain/7/name", "names"),
            event("@releaseDomain", "went")
        ]
    );
}

#[test]
fn a_flooded_watch_costs_a_fixed_amount_and_says_look_at_all() {
    let (mut xenstored, mut store) = Xenstored::with_store();
    xenstored.answer(Kind::Watch, 2, b"OK\0");
    xenstored.answer(Kind::Watch, 3, b"OK\0");
    store.watch("/local/domain/7/data", "seven").unwrap();
    store.watch("/local/domain/8/data", "eight").unwrap();
    for node in 0..=MAX_EVENTS {
        xenstored.event(&format!("/local/domain/7/data/{node}"), "seven");
    }
    xenstored.event("/local/domain/7/data/more", "seven");
    xenstored.event("/local/domain/8/data/x", "eight");
    xenstored.answer(Kind::Read, 4, b"");
    store.read("x").unwrap();
    let seen: Vec<_> = std::iter::from_fn(|| store.poll_watch().unwrap()).collect();
    assert_eq!(seen.len(), MAX_EVENTS + 2);
    assert_eq!(seen[MAX_EVENTS - 1], event("/local/domain/7/data/63", "seven"));
    assert_eq!(seen[MAX_EVENTS], event("/local/domain/7/data", "seven"));
    assert_eq!(seen[MAX_EVENTS + 1], event("/local/domain/8/data/x", "eight"));
}

#[test]
fn refusals_are_told_by_name_and_end_nothing() {
    let names = [
        ("EINVAL", Refusal::Invalid),
        ("EACCES", Refusal::Access),
        ("EPERM", Refusal::Access),
        ("EROFS", Refusal::Access),
        ("EEXIST", Refusal::Exists),
        ("ENOENT", Refusal::Missing),
        ("ENOSPC", Refusal::Space),
        ("E2BIG", Refusal::Space),
        ("EAGAIN", Refusal::Again),
        ("EBUSY", Refusal::Again),
        ("EIO", Refusal::Failed),
        ("ESOMETHING", Refusal::Failed),
    ];
    let (mut xenstored, mut store) = Xenstored::with_store();
    for (request, (name, refusal)) in (2..).zip(names) {
        xenstored.answer(Kind::Error, request, format!("{name}\0").as_bytes());
        assert_eq!(store.read("x").unwrap_err().refusal(), Some(refusal), "{name}");
    }
    xenstored.answer(Kind::Error, 14, b"EACCES\0");
    let error = store.write("/local/domain/0/x", b"").unwrap_err();
    assert_eq!(error.to_string(), "xenstore: cannot write /local/domain/0/x: this domain has no permission");
    xenstored.answer(Kind::Error, 15, b"ENOENT\0");
    assert_eq!(store.parse::<u32>("x", "a number").unwrap(), None);
}

#[test]
fn a_value_of_another_kind_is_shown_and_cut() {
    let (mut xenstored, mut store) = Xenstored::with_store();
    xenstored.answer(Kind::Read, 2, &[b'9'; 400]);
    let error = store.parse::<u32>("data/port", "an event channel").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("xenstore: data/port is {:?}, not an event channel", "9".repeat(40))
    );
    xenstored.answer(Kind::Read, 3, b"\xff");
    assert!(store.parse::<u32>("data/port", "an event channel").is_err());
    xenstored.answer(Kind::Read, 4, b"7");
    assert_eq!(store.parse("data/port", "an event channel").unwrap(), Some(7_u32));
}

#[test]
fn a_transaction_is_tried_again_until_nobody_interferes() {
    let (mut xenstored, mut store) = Xenstored::with_store();
    for (request, transaction, verdict) in [(2, "11", Kind::Error), (5, "12", Kind::TransactionEnd)] {
        xenstored.answer(Kind::TransactionStart, request, format!("{transaction}\0").as_bytes());
        xenstored.answer(Kind::Write, request + 1, b"OK\0");
        xenstored.answer(verdict, request + 2, if verdict == Kind::Error { b"EAGAIN\0" } else { b"OK\0" });
    }
    let mut runs = 0;
    let result = store.transaction(|store| {
        runs += 1;
        store.write("data/x", b"1").map(|()| runs)
    });
    assert_eq!(result.unwrap(), 2);
    for (request, transaction) in [(2, 11), (5, 12)] {
        assert_eq!(xenstored.asked(), (Kind::TransactionStart as u32, request, 0, b"\0".to_vec()));
        assert_eq!(
            xenstored.asked(),
            (Kind::Write as u32, request + 1, transaction, b"data/x\x001".to_vec())
        );
        assert_eq!(
            xenstored.asked(),
            (Kind::TransactionEnd as u32, request + 2, transaction, b"T\0".to_vec())
        );
    }
    xenstored.answer(Kind::Read, 8, b"");
    store.read("x").unwrap();
    assert_eq!(xenstored.asked().2, 0, "the transaction is over");
}

#[test]
fn a_transaction_whose_body_fails_is_undone_and_tells_why() {
    let (mut xenstored, mut store) = Xenstored::with_store();
    xenstored.answer(Kind::TransactionStart, 2, b"11\0");
    xenstored.answer(Kind::Error, 3, b"EACCES\0");
    xenstored.answer(Kind::TransactionEnd, 4, b"OK\0");
    let error = store.transaction(|store| store.write("/x", b"")).unwrap_err();
    assert_eq!(error.refusal(), Some(Refusal::Access));
    let asked = [(); 3].map(|()| xenstored.asked());
    assert_eq!(asked[2], (Kind::TransactionEnd as u32, 4, 11, b"F\0".to_vec()));

    xenstored.answer(Kind::TransactionStart, 5, b"12\0");
    xenstored.answer(Kind::TransactionEnd, 6, b"OK\0");
    let nested = store.transaction(|store| store.transaction(|_| Ok(())));
    assert!(matches!(nested, Err(StoreError::Invalid(_))), "{nested:?}");
}

#[test]
fn a_transaction_is_not_tried_for_ever() {
    let (mut xenstored, mut store) = Xenstored::with_store();
    for attempt in 0..=MAX_ATTEMPTS {
        xenstored.answer(Kind::TransactionStart, 2 + 2 * attempt, b"11\0");
        xenstored.answer(Kind::Error, 3 + 2 * attempt, b"EAGAIN\0");
    }
    let mut runs = 0;
    let result = store.transaction(|_| {
        runs += 1;
        Ok(())
    });
    assert_eq!((result.unwrap_err().refusal(), runs), (Some(Refusal::Again), MAX_ATTEMPTS));
}

#[test]
fn what_makes_no_sense_ends_the_connection() {
    let header = |kind, request, length: u32| [kind, request, 0, length].map(u32::to_ne_bytes).concat();
    let read = Kind::Read as u32;
    let event = Kind::WatchEvent as u32;
    let cases = [
        ("another request", message(read, 1, b"")),
        ("another request", message(read, 3, b"")),
        ("answer", message(Kind::Write as u32, 2, b"OK\0")),
        ("answer", message(999, 2, b"")),
        ("length", header(read, 2, 4097)),
        ("length", header(event, 0, u32::MAX)),
        ("event", message(event, 0, b"only a path\0")),
        ("list", message(event, 0, b"path\0token")),
        ("string", message(Kind::Error as u32, 2, b"E\0F\0")),
    ];
    for (part, bytes) in cases {
        let (mut xenstored, mut store) = Xenstored::with_store();
        xenstored.0.write_all(&bytes).unwrap();
        let error = store.read("x").unwrap_err();
        assert!(error.to_string().contains(part), "{error} for {bytes:?}");
        assert!(matches!(store.read("x"), Err(StoreError::Ended)), "{part}");
        assert!(matches!(store.poll_watch(), Err(StoreError::Ended)), "{part}");
    }
}

#[test]
fn answers_of_a_wrong_form_end_the_connection() {
    type Call = fn(&mut Store) -> Option<StoreError>;
    let cases: [(Kind, &[u8], Call); 7] = [
        (Kind::Write, b"OK", |s| s.write("x", b"").err()),
        (Kind::Directory, b"a\0b", |s| s.directory("x").err()),
        (Kind::GetPermissions, b"q5\0", |s| s.permissions("x").err()),
        (Kind::GetPermissions, b"r65536\0", |s| s.permissions("x").err()),
        (Kind::IsIntroduced, b"maybe\0", |s| s.is_introduced(DomId(1)).err()),
        (Kind::TransactionStart, b"0\0", |s| s.transaction(|_| Ok(())).err()),
        (Kind::TransactionStart, b"x\0", |s| s.transaction(|_| Ok(())).err()),
    ];
    for (kind, answer, call) in cases {
        let (mut xenstored, mut store) = Xenstored::with_store();
        xenstored.answer(kind, 2, answer);
        let error = call(&mut store).unwrap();
        assert!(matches!(error, StoreError::Malformed(_)), "{kind:?}: {error}");
        assert!(matches!(store.read("x"), Err(StoreError::Ended)));
    }
}

#[test]
fn an_answer_without_a_question_ends_the_connection() {
    let (mut xenstored, mut store) = Xenstored::with_store();
    xenstored.answer(Kind::Read, 1, b"");
    assert!(matches!(store.poll_watch(), Err(StoreError::Malformed(_))));
}

#[test]
fn xenstored_that_stays_silent_or_goes_is_reported() {
    let (mut xenstored, mut store) = Xenstored::with_store();
    xenstored.0.write_all(&message(Kind::Read as u32, 2, b"half")[..18]).unwrap();
    let error = store.read("x").unwrap_err();
    assert_eq!(error.to_string(), "xenstored does not answer within 0.05 s: is it running?");
    assert!(matches!(store.read("x"), Err(StoreError::Ended)));

    let (xenstored, mut store) = Xenstored::with_store();
    assert_eq!(store.poll_watch().unwrap(), None);
    drop(xenstored);
    assert!(matches!(store.poll_watch(), Err(StoreError::Ended)));

    let (ours, _silent) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    assert!(matches!(Store::over(ours.into(), WAIT), Err(StoreError::Timeout(_))));
}

#[test]
fn requests_that_cannot_be_sent_are_refused_here() {
    let (_xenstored, mut store) = Xenstored::with_store();
    assert!(matches!(store.read("a\0b"), Err(StoreError::Invalid(_))));
    assert!(matches!(store.watch("a", "to\0ken"), Err(StoreError::Invalid(_))));
    assert!(matches!(store.write("a", &[0; 4079]), Err(StoreError::TooLong { bytes: 4081 })));
    assert!(!store.broken);
}

#[test]
fn a_machine_without_xen_is_told_so() {
    // On Xen there is nothing to be seen here.
    if !Path::new("/sys/hypervisor/type").exists() {
        let error = Store::connect().unwrap_err();
        assert_eq!(
            error.to_string(),
            "no xenstore: /dev/xen/xenbus is missing because this machine does not run under Xen: start it as a domain of \
             Xen"
        );
    }
    let error = Store::connect_to(Path::new("/nonexistent/xenstored")).unwrap_err();
    assert!(error.to_string().starts_with("no xenstore at /nonexistent/xenstored: "), "{error}");
}

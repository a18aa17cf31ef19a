//! Files from one domain to another: where the user says, whole, under harmless names, or not at all.

use std::{
    fs,
    path::{Path, PathBuf},
    thread::JoinHandle,
};

use gui_agent::SendError;
use gui_daemon::{ipc::FilesInfo, shell::geom::Rect};
use gui_protocol::{
    FileInfo, FileList, FilesEnd, Version,
    limits::FILES_WINDOW,
    message::{AgentMessage, Bytes, DaemonMessage},
};

use crate::fixture::{
    DOMAINS, HEIGHT, Personal, Untrusted, WIDTH, Who, Work, World, code,
    screen::{DESKTOP, all, frame_colour},
};

const ASK: &str = "another domain. Which one takes them?";

/// A program that sends files.
struct Sending(JoinHandle<Result<(), SendError>>);

/// What a program says at its end.
fn said(result: Result<(), SendError>) -> String {
    result.map_or_else(|error| error.to_string(), |()| "sent".to_owned())
}

impl World {
    fn files(&mut self) -> FilesInfo {
        self.state().files_info()
    }

    fn told_of_files(&mut self) -> String {
        self.files().notice.unwrap_or_default()
    }

    /// A file in a domain.
    fn file(&self, who: Who, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.dir.path().join(who.name()).join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn send(&mut self, who: Who, files: &[PathBuf]) -> Sending {
        let agent = self.agent_socket(who);
        let files = files.to_vec();
        Sending(std::thread::spawn(move || gui_agent::send(&agent, &files)))
    }

    /// Sends files, and waits for the user to be asked.
    fn ask(&mut self, who: Who, files: &[PathBuf]) -> Sending {
        let sending = self.send(who, files);
        self.until("a question", |world| world.told_of_files().contains(ASK));
        sending
    }

    fn end(&mut self, Sending(thread): Sending) -> String {
        self.until("the end of the program", |_| thread.is_finished());
        self.settle();
        said(thread.join().unwrap())
    }

    fn super_tap(&mut self, key: u32) {
        self.key(code::LEFT_SUPER, true);
        self.tap(key);
        self.key(code::LEFT_SUPER, false);
    }

    /// The user answers the question, as soon as it takes answers.
    fn answer_by(&mut self, key: u32) {
        self.until("an answer", |world| {
            world.super_tap(key);
            !world.told_of_files().contains(ASK)
        });
    }

    /// What has come to a domain from another.
    fn landed(&self, to: Who, from: Who) -> Vec<(String, Vec<u8>)> {
        let folder = self.dir.path().join(to.name()).join("Incoming").join(from.name());
        let entries = fs::read_dir(folder).into_iter().flatten().map(Result::unwrap);
        let read = |path: &Path| fs::read(path).unwrap();
        let mut files: Vec<_> =
            entries.map(|entry| (entry.file_name().into_string().unwrap(), read(&entry.path()))).collect();
        files.sort();
        files
    }

    /// A stranger in the place of a domain's agent, of level 1.
    fn stranger(&mut self, who: Who) -> usize {
        let peer = self.peer(who);
        self.peers[peer].version = Version::NEWEST;
        self.peers[peer].greet();
        self.settle();
        peer
    }
}

fn names(files: &[(String, Vec<u8>)]) -> Vec<&str> {
    files.iter().map(|(name, _)| name.as_str()).collect()
}

/// Bytes that are not all alike, more than fit into any buffer on the way.
fn many() -> Vec<u8> {
    (0..3_000_000u32).map(|at| (at % 251) as u8).collect()
}

fn offer(token: u32, files: &[(&str, u64)]) -> AgentMessage {
    let file = |(name, size): &(&str, u64)| FileInfo { name: (*name).into(), size: *size };
    let files = FileList::new(files.iter().map(file).collect()).unwrap();
    AgentMessage::FilesOffer { token, files: Bytes(files.to_wire()) }
}

fn stranger_and(config: &'static str) -> World {
    World::with_stranger_and_keyboard(config)
}

#[test]
fn files_go_where_the_user_says_and_nowhere_else() {
    let mut world = World::new();
    let app = world.app(Work, 200, 150);
    world.focus(app.id);
    world.client(app.client).take_input();
    let files = [world.file(Work, "plan.txt", &many()), world.file(Work, "empty", b"")];
    let sending = world.ask(Work, &files);
    assert_eq!(
        world.told_of_files(),
        "work: 2 files, 3,000,000 bytes to another domain. Which one takes them?; \
         plan.txt (3,000,000 bytes); empty (0 bytes)"
    );
    assert_eq!(world.files().choices, ["personal", "untrusted"]);
    // what is typed is the window's; keys with Super are not, and before the question could be read they mean nothing
    world.super_tap(code::DIGIT_2);
    world.tap(code::DIGIT_1);
    world.tap(code::ESCAPE);
    assert!(world.told_of_files().contains(ASK));
    let input = world.client(app.client).take_input();
    for key in ["key 2 down", "key 1 down"] {
        assert!(input.contains(&key.to_owned()), "{key} in {input:?}");
    }
    assert!(!input.iter().any(|event| event.contains("key 3 ")), "{input:?}");
    assert_eq!(world.landed(Untrusted, Work), []);

    world.answer_by(code::DIGIT_2);
    assert_eq!(world.end(sending), "sent");
    assert_eq!(world.told_of_files(), "work → untrusted: 2 files, 3,000,000 bytes: sent");
    let expected = [("empty".to_owned(), vec![]), ("plan.txt".to_owned(), many())];
    assert_eq!(world.landed(Untrusted, Work), expected);
    assert!(!world.dir.path().join("personal/Incoming").exists());

    // once more: what is there stays
    let sending = world.ask(Work, &files[..1]);
    world.answer_by(code::DIGIT_2);
    assert_eq!(world.end(sending), "sent");
    assert_eq!(names(&world.landed(Untrusted, Work)), ["empty", "plan (2).txt", "plan.txt"]);
}

#[test]
fn the_question_lies_above_everything_and_takes_the_pointer() {
    let mut world = World::with_keyboard("");
    for (who, x) in DOMAINS.into_iter().zip([0, 150, 300]) {
        let app = world.app(who, 480, 540);
        world.put(app.id, x, 10);
    }
    let app = world.app(Personal, 700, 500);
    world.put(app.id, 20, 20);
    let sending = {
        let file = world.file(Work, "r\u{202e}fdp.exe", b"x");
        world.ask(Work, &[file])
    };
    assert!(world.told_of_files().contains("; r\\u{202e}fdp.exe (1 byte)"));
    // two domains, one button that refuses, three lines: in the middle
    let height = 32 + 30 + 2 * 26 + 3 * 44;
    let place = Rect::new((WIDTH - 560) / 2, (HEIGHT - height) / 2, 560, height);
    let screen = world.screen();
    let shown = screen.colours(place);
    for who in DOMAINS {
        assert!(!shown.contains(&(who.colour() & 0xff_ffff)), "{who:?}'s window shows through");
    }
    // by name and colour
    for who in [Work, Personal, Untrusted] {
        assert!(shown.contains(&frame_colour(who, true)), "{who:?}");
    }
    assert!(!shown.contains(&DESKTOP) && screen.colours(all()).contains(&(Personal.colour() & 0xff_ffff)));

    let middle = place.x + 280;
    let first = place.bottom() - 16 - 36 - 44 - 44 + 18;
    world.client(app.client).take_input();
    world.motion(middle, first);
    // before it could be read a click is none, and never the window's
    world.click(middle, first);
    assert!(world.told_of_files().contains(ASK));
    // let go of elsewhere, it is none either
    world.drag((middle, first), (middle, first - 60));
    world.until("time to read it", |world| world.files().takes_answers);
    world.click(middle, first);
    assert!(!world.told_of_files().contains(ASK));
    let input = world.client(app.client).take_input();
    assert!(!input.iter().any(|event| event.contains("button")), "{input:?}");
    assert_eq!(world.end(sending), "sent");
    assert_eq!(names(&world.landed(Personal, Work)), ["r_fdp.exe"]);
}

#[test]
fn the_user_may_refuse() {
    let mut world = World::new();
    let file = world.file(Work, "a", b"x");
    let sending = world.ask(Work, std::slice::from_ref(&file));
    world.answer_by(code::DIGIT_0);
    assert_eq!(world.end(sending), "refused: no domain takes them");
    assert_eq!(world.told_of_files(), "work: 1 file, 1 byte: not sent");
    // and is not asked again at once
    let again = world.send(Work, &[file]);
    assert!(world.end(again).contains("try again in a few seconds"));
    for who in [Personal, Untrusted] {
        assert!(!world.dir.path().join(who.name()).join("Incoming").exists());
    }
}

#[test]
fn a_program_that_ends_takes_its_question_back() {
    let mut world = stranger_and("");
    let peer = world.stranger(Untrusted);
    world.peers[peer].say(0, &offer(1, &[("a", 5)]));
    world.settle();
    assert!(world.told_of_files().contains(ASK));
    world.peers[peer].say(0, &AgentMessage::FilesEnd { token: 1, end: 2 });
    world.settle();
    assert_eq!(world.told_of_files(), "untrusted: 1 file, 5 bytes: taken back: nothing is kept");
    // one that goes with its whole domain
    let file = world.file(Work, "a", b"x");
    let sending = world.ask(Work, &[file]);
    world.drop_agent(Work);
    assert_eq!(world.told_of_files(), "work: 1 file, 1 byte: it is gone");
    assert!(world.end(sending).starts_with("the agent has gone"));
}

#[test]
fn names_are_harmless_whatever_the_sender_says() {
    let mut world = stranger_and("");
    let peer = world.stranger(Untrusted);
    let files =
        [(".bashrc", 1), ("-rf", 1), ("a\nb", 1), ("x\u{202e}y", 1), ("C:\\x", 1), ("same", 1), ("same", 1)];
    world.peers[peer].say(0, &offer(1, &files));
    world.settle();
    // only the first of them are named, escaped
    assert!(world.told_of_files().contains("; a\\nb (1 byte); and 4 more"));
    world.answer_by(code::DIGIT_1);
    world.until("room", |world| {
        world.peers[peer].heard.iter().any(|(_, it)| matches!(it, DaemonMessage::FilesCredit { .. }))
    });
    world.peers[peer].say(0, &AgentMessage::FilesData { token: 1, data: Bytes(b"1234567".to_vec()) });
    world.until("the end", |world| !world.files().open);
    world.settle();
    let landed = world.landed(Personal, Untrusted);
    assert_eq!(names(&landed), ["C:_x", "_bashrc", "_rf", "a_b", "same", "same (2)", "x_y"]);
    assert_eq!(landed[4].1, b"6");
    let result = DaemonMessage::FilesResult { token: 1, end: 0 };
    assert!(world.peers[peer].heard.iter().any(|(_, it)| *it == result));

    // a path is no name: that ends the link
    let path = FileList::new(vec![FileInfo { name: "a|b".into(), size: 1 }]).unwrap().to_wire();
    let path = path.into_iter().map(|byte| if byte == b'|' { b'/' } else { byte }).collect();
    world.peers[peer].say(0, &AgentMessage::FilesOffer { token: 2, files: Bytes(path) });
    world.settle();
    assert!(!world.peers[peer].connected);
}

#[test]
fn what_breaks_off_leaves_nothing() {
    // the sender stops; it dies; the user stops it
    type Break = (fn(&mut World, usize), &'static str);
    let breaks: [Break; 3] = [
        (
            |world, peer| world.peers[peer].say(0, &AgentMessage::FilesEnd { token: 1, end: 3 }),
            "they cannot be read: nothing is kept",
        ),
        (|world, _| drop(world.peers.pop()), "it is gone: nothing is kept"),
        (|world, _| world.super_tap(code::DIGIT_0), "stopped: nothing is kept"),
    ];
    for (break_off, told) in breaks {
        let mut world = stranger_and("");
        let peer = world.stranger(Untrusted);
        world.peers[peer].say(0, &offer(1, &[("whole", 10), ("half", 10)]));
        world.settle();
        world.answer_by(code::DIGIT_2);
        let credit = |world: &mut World| {
            let credit = |(_, it): &(_, DaemonMessage)| matches!(it, DaemonMessage::FilesCredit { .. });
            world.peers[peer].heard.iter().filter(|it| credit(it)).count()
        };
        world.until("room", |world| credit(world) > 0);
        world.peers[peer].say(0, &AgentMessage::FilesData { token: 1, data: Bytes(vec![1; 15]) });
        // both files were written to
        world.until("more room", |world| credit(world) >= 3);
        assert_eq!(world.told_of_files(), "untrusted → work: 2 files, 20 bytes: 75 %");
        assert_eq!(world.landed(Work, Untrusted), [], "no name before all is there");
        break_off(&mut world, peer);
        world.until("the end", |world| !world.files().open);
        assert_eq!(world.told_of_files(), format!("untrusted → work: 2 files, 20 bytes: {told}"));
        // the next transfer finds everything as it should be
        let file = world.file(Personal, "next", b"x");
        let sending = world.ask(Personal, &[file]);
        world.answer_by(code::DIGIT_1);
        assert_eq!(world.end(sending), "sent");
        assert_eq!(names(&world.landed(Work, Personal)), ["next"]);
        assert_eq!(world.landed(Work, Untrusted), []);
    }
}

#[test]
fn a_receiver_takes_what_it_likes_and_may_go() {
    let mut world = stranger_and("");
    let peer = world.stranger(Untrusted);
    let file = world.file(Work, "big", &many());
    let sending = world.ask(Work, &[file]);
    world.answer_by(code::DIGIT_2);
    world.settle();
    let (_, offered) = world.peers[peer].heard.last().unwrap();
    let DaemonMessage::FilesOffer { token, from_and_files } = offered else { panic!("{offered:?}") };
    let token = *token;
    assert!(from_and_files.0.starts_with(b"work\0"));
    let came = |world: &World| {
        let length = |(_, message): &(_, DaemonMessage)| match message {
            DaemonMessage::FilesData { data, .. } => data.0.len(),
            _ => 0,
        };
        world.peers[peer].heard.iter().map(length).sum::<usize>()
    };
    assert_eq!(came(&world), 0, "nothing before it lets it");
    world.peers[peer].say(0, &AgentMessage::FilesCredit { token, bytes: 1000 });
    world.until("what it lets", |world| came(world) == 1000);
    world.peers[peer].say(0, &AgentMessage::FilesCredit { token, bytes: FILES_WINDOW });
    world.until("what it lets", |world| came(world) == 1000 + FILES_WINDOW as usize);
    world.settle();
    assert_eq!(came(&world), 1000 + FILES_WINDOW as usize);
    // it cannot have landed what it does not have
    world.peers[peer].say(0, &AgentMessage::FilesResult { token, end: 0 });
    assert_eq!(world.end(sending), "failed on the way: nothing was kept");
    assert!(!world.peers[peer].connected);
    assert_eq!(world.told_of_files(), "work → untrusted: 1 file, 3,000,000 bytes: it is gone");
}

#[test]
fn who_sends_hears_no_more_than_that_it_failed() {
    let mut world = stranger_and("");
    let peer = world.stranger(Untrusted);
    let file = world.file(Work, "a", b"x");
    let sending = world.ask(Work, &[file]);
    world.answer_by(code::DIGIT_2);
    world.settle();
    world.peers[peer].say(0, &AgentMessage::FilesResult { token: 1, end: FilesEnd::NoRoom.to_wire() });
    assert_eq!(world.end(sending), "failed on the way: nothing was kept");
    assert_eq!(world.told_of_files(), "work → untrusted: 1 file, 1 byte: no room there: nothing is kept");
}

#[test]
fn the_configuration_decides_who_may_send_where() {
    let mut world = World::with_keyboard(
        "[files]\nmax_size_mib = 1\notherwise = \"deny\"\n\
         [[files.rule]]\nfrom = \"work\"\nto = \"personal\"\naction = \"allow\"\n\
         [[files.rule]]\nfrom = \"untrusted\"\nto = \"work\"\naction = \"ask\"\n",
    );
    let file = world.file(Work, "a", b"x");
    let sending = world.send(Work, &[file]);
    assert_eq!(world.end(sending), "sent");
    assert_eq!(names(&world.landed(Personal, Work)), ["a"]);
    let file = world.file(Untrusted, "a", b"x");
    let sending = world.ask(Untrusted, &[file]);
    assert_eq!(world.files().choices, ["work"]);
    world.answer_by(code::DIGIT_0);
    assert_eq!(world.end(sending), "refused: no domain takes them");
    let file = world.file(Personal, "a", b"x");
    let sending = world.send(Personal, &[file]);
    assert_eq!(world.end(sending), "refused: no domain takes them");
    let file = world.file(Work, "large", &many());
    let sending = world.send(Work, &[file]);
    assert_eq!(world.end(sending), "too large: the GUI domain does not carry as much");
}

#[test]
fn there_has_to_be_somebody_who_takes_files() {
    let mut world = World::of_1_8();
    let file = world.file(Work, "a", b"x");
    let sending = world.send(Work, &[file]);
    assert_eq!(world.end(sending), "there is no GUI domain that takes files now");
    // an agent of the base protocol is not to be chosen
    let mut world = stranger_and("");
    let peer = world.peer(Untrusted);
    world.peers[peer].greet();
    world.settle();
    let file = world.file(Work, "a", b"x");
    let sending = world.ask(Work, &[file]);
    assert_eq!(world.files().choices, ["personal"]);
    world.drop_agent(Personal);
    assert_eq!(world.end(sending), "refused: no domain takes them");
}

#[test]
fn only_files_are_sent() {
    let mut world = World::new();
    let folder = world.dir.path().to_owned();
    let sending = world.send(Work, std::slice::from_ref(&folder));
    assert_eq!(world.end(sending), format!("{}: not a regular file", folder.display()));
    let sending = world.send(Work, &["/dev/zero".into()]);
    assert_eq!(world.end(sending), "/dev/zero: not a regular file");
    let sending = world.send(Work, &["/nowhere".into()]);
    assert!(world.end(sending).starts_with("/nowhere: No such file"));
    let none = gui_agent::send(&folder.join("none"), &[world.file(Work, "a", b"")]);
    assert!(said(none).starts_with("no agent at "));
    assert!(!world.files().open);
}

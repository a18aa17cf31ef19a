//! Copying in one domain and pasting into another: by the user's gestures, to that domain, once, and by nothing else.

use std::{fs::File, io::Write};

use gui_daemon::{
    ipc::ClipboardInfo,
    shell::geom::{Point, Rect},
};
use gui_protocol::{
    WindowId,
    message::{AgentMessage, DaemonMessage},
};
use shm_grant::Backend;
use transom_tests::client::{Buffer, show};

use crate::fixture::{
    App, DOMAINS, Dom0, Personal, Untrusted, WIDTH, Who, Work, World, code,
    screen::{DESKTOP, all, frame_colour, points},
};

const UTF8: &str = "text/plain;charset=utf-8";

/// Where the notice is on a screen of the tests' size, but for the buttons of a question.
const NOTICE: Rect = Rect::new((WIDTH - 560) / 2, 16, 560, 88);

/// An application that takes part in the clipboard, out of the notice's way.
fn app(world: &mut World, who: Who) -> App {
    let app = world.app(who, 180, 150);
    world.put(app.id, 4 + 195 * who as i32, 300);
    world.client(app.client).take_part();
    world.settle();
    app
}

/// One for each domain.
fn apps(world: &mut World) -> [App; 3] {
    DOMAINS.map(|who| app(world, who))
}

/// The user copies in an application, which has this text.
fn copy(world: &mut World, app: &App, text: &[u8]) {
    world.focus(app.id);
    world.client(app.client).copy(&[UTF8]);
    world.settle();
    world.ctrl_shift(code::C);
    hand_over(world, app, text);
}

fn hand_over(world: &mut World, app: &App, text: &[u8]) {
    let (_, pipe) = world.client(app.client).inbox.selections.asked.pop().expect("a question for the text");
    let text = text.to_vec();
    let writer = std::thread::spawn(move || File::from(pipe).write_all(&text));
    world.until("the text", |world| world.told().is_some_and(|told| !told.contains('…')));
    writer.join().unwrap().unwrap();
}

/// The user pastes into a window.
fn paste(world: &mut World, app: &App) {
    world.focus(app.id);
    world.ctrl_shift(code::V);
}

/// What an application finds in its clipboard.
fn found(world: &mut World, app: &App) -> Option<Vec<u8>> {
    world.client(app.client).clipboard()?;
    let mut incoming = world.client(app.client).paste(UTF8);
    world.until("the text", |_| incoming.is_whole());
    Some(incoming.bytes)
}

impl World {
    fn clipboard(&mut self) -> ClipboardInfo {
        self.state().clipboard_info()
    }

    fn told(&mut self) -> Option<String> {
        self.clipboard().notice
    }

    #[track_caller]
    fn assert_told(&mut self, expected: &str) {
        assert_eq!(self.told().as_deref(), Some(expected));
    }
}

#[test]
fn what_is_copied_is_pasted_once_and_nobody_else_hears_of_it() {
    for world in [World::new, World::of_1_8, || World::over(Backend::Ring)] {
        let mut world = world();
        let [personal, work, untrusted] = apps(&mut world);
        copy(&mut world, &work, b"caf\xc3\xa9");
        world.assert_told("work: 5 bytes copied, to be pasted once");
        let kept = ClipboardInfo { from: Some("work".into()), bytes: 5, ..world.clipboard() };
        assert_eq!(world.clipboard(), kept);
        paste(&mut world, &untrusted);
        world.assert_told("work → untrusted: 5 bytes pasted, nothing is kept");
        assert_eq!(world.clipboard().from, None);
        assert_eq!(found(&mut world, &untrusted).unwrap(), "café".as_bytes());

        paste(&mut world, &personal);
        world.assert_told("personal: nothing was copied");
        assert_eq!(found(&mut world, &personal), None);
        for app in [&personal, &work, &untrusted] {
            let input = world.client(app.client).take_input();
            assert!(!input.iter().any(|event| ["key 46 ", "key 47 "].iter().any(|key| event.contains(key))));
        }
    }
}

#[test]
fn a_copy_is_seen_by_its_domain_alone() {
    let mut world = World::new();
    let [personal, work, untrusted] = apps(&mut world);
    world.focus(work.id);
    // the pointer rests where the notice comes, in a window of a third domain
    world.put(personal.id, NOTICE.x, 0);
    world.motion(NOTICE.x + 20, NOTICE.y + 40);
    for app in [&personal, &untrusted] {
        world.client(app.client).take_input();
    }
    copy(&mut world, &work, b"x");
    for app in [&personal, &untrusted] {
        assert_eq!(world.client(app.client).take_input(), [""; 0]);
        assert_eq!(world.client(app.client).clipboard(), None);
    }
    // a click there is that window's as ever
    world.button(code::LEFT, true);
    world.button(code::LEFT, false);
    let input = world.client(personal.client).take_input();
    assert!(input.contains(&"button 0x110 down".to_owned()), "{input:?}");
}

#[test]
fn bytes_are_passed_on_as_they_are_and_never_shown() {
    let mut world = World::new();
    let [_, work, untrusted] = apps(&mut world);
    let text = b"\0\x1b]0;owned\x07\xff\xfe\n\xe2\x80\xae".to_vec();
    copy(&mut world, &work, &text);
    world.assert_told("work: 17 bytes copied, to be pasted once");
    paste(&mut world, &untrusted);
    assert_eq!(found(&mut world, &untrusted), Some(text));
    assert!(!world.take_log().iter().any(|line| line.contains("owned")));
}

#[test]
fn sizes_are_limited() {
    let mut world = World::new();
    let [_, work, untrusted] = apps(&mut world);
    copy(&mut world, &work, &[b'x'; 64_000]);
    paste(&mut world, &untrusted);
    world.assert_told("work → untrusted: 64,000 bytes pasted, nothing is kept");
    assert_eq!(found(&mut world, &untrusted).unwrap().len(), 64_000);
    copy(&mut world, &work, &[b'x'; 64_001]);
    world.assert_told("work: it has more than 64,000 bytes: nothing copied");
    assert_eq!(world.clipboard().bytes, 0);

    let mut world = World::with_keyboard("[clipboard]\nmax_clipboard_size = 256000\n");
    let [_, work, untrusted] = apps(&mut world);
    copy(&mut world, &work, &[b'x'; 256_000]);
    paste(&mut world, &untrusted);
    assert_eq!(found(&mut world, &untrusted).unwrap().len(), 256_000);
    copy(&mut world, &work, &[b'x'; 256_001]);
    world.assert_told("work: it has more than 256,000 bytes: nothing copied");
}

#[test]
fn an_agent_of_an_older_protocol_gets_what_it_can_take() {
    let mut world = World::with_stranger_and_keyboard("[clipboard]\nmax_clipboard_size = 256000\n");
    let work = app(&mut world, Work);
    let peer = world.peer(Untrusted);
    world.peers[peer].version = gui_protocol::Version::minor(7);
    world.peers[peer].greet();
    world.peers[peer].window(7, gui_protocol::Rect::new(50, 350, 100, 100), false, Untrusted.colour());
    world.settle();
    let id = world.newest();
    copy(&mut world, &work, &[b'x'; 65_001]);
    world.focus(id);
    world.ctrl_shift(code::V);
    world.assert_told("work → untrusted: its agent does not take 65,001 bytes: nothing pasted");
    assert_eq!(world.clipboard().bytes, 65_001, "for one that can");
    copy(&mut world, &work, &[b'x'; 65_000]);
    world.focus(id);
    world.ctrl_shift(code::V);
    let pasted = |(_, message): &(_, DaemonMessage)| match message {
        DaemonMessage::ClipboardData { data } => Some(data.len()),
        _ => None,
    };
    assert_eq!(world.peers[peer].heard.iter().filter_map(pasted).collect::<Vec<_>>(), [65_000]);
}

#[test]
fn the_configuration_decides_who_may_paste_where() {
    let mut world = World::with_keyboard(
        "[clipboard]\notherwise = \"deny\"\n\
         [[clipboard.rule]]\nfrom = \"work\"\nto = \"personal\"\naction = \"allow\"\n",
    );
    let [personal, work, untrusted] = apps(&mut world);
    copy(&mut world, &work, b"secret");
    paste(&mut world, &untrusted);
    world.assert_told("work → untrusted: the configuration forbids this paste");
    assert_eq!(found(&mut world, &untrusted), None);
    paste(&mut world, &personal);
    assert_eq!(found(&mut world, &personal).unwrap(), b"secret");
}

#[test]
fn keys_that_are_switched_off_are_the_windows() {
    let mut world = World::with_keyboard(
        "[clipboard]\nsecure_copy_sequence = \"none\"\nsecure_paste_sequence = \"Mod4-v\"\n",
    );
    let [_, work, untrusted] = apps(&mut world);
    world.focus(work.id);
    world.client(work.client).copy(&[UTF8]);
    world.client(work.client).take_input();
    world.ctrl_shift(code::C);
    assert!(world.client(work.client).take_input().contains(&"key 46 down".to_owned()));
    assert!(world.client(work.client).inbox.selections.asked.is_empty());
    world.focus(untrusted.id);
    world.key(code::LEFT_SUPER, true);
    world.tap(code::V);
    world.assert_told("untrusted: nothing was copied");
}

#[test]
fn the_keys_are_the_same_in_another_layout() {
    let mut world = World::with_keyboard("layout = \"ru,us\"\n");
    let [_, work, untrusted] = apps(&mut world);
    copy(&mut world, &work, b"secret");
    paste(&mut world, &untrusted);
    assert_eq!(found(&mut world, &untrusted).unwrap(), b"secret");
}

#[test]
fn dom0_neither_gives_nor_takes() {
    let mut world = World::new();
    let (work, dom0) = (app(&mut world, Work), app(&mut world, Dom0));
    copy(&mut world, &work, b"secret");
    world.focus(dom0.id);
    world.ctrl_shift(code::V);
    world.assert_told("dom0: it takes nothing from domains");
    assert_eq!(world.client(dom0.client).clipboard(), None);
    world.client(dom0.client).copy(&[UTF8]);
    world.settle();
    world.ctrl_shift(code::C);
    world.assert_told("dom0: it gives nothing to domains");
    assert!(world.client(dom0.client).inbox.selections.asked.is_empty());
    assert_eq!(world.clipboard().bytes, 6, "what work gave is untouched");
    // among themselves its clients share both selections
    let other = app(&mut world, Dom0);
    world.focus(dom0.id);
    world.focus(other.id);
    assert_eq!(world.client(other.client).clipboard().unwrap(), [UTF8]);
    world.focus(dom0.id);
    world.client(dom0.client).mark(&["text/plain"]);
    world.settle();
    world.focus(other.id);
    assert_eq!(world.client(other.client).marked().unwrap(), ["text/plain"]);
    // with no window at all
    for app in [dom0, other, work] {
        world.drop_client(app.client);
    }
    world.ctrl_shift(code::C);
    world.assert_told("no window to copy from");
    world.ctrl_shift(code::V);
    world.assert_told("no window to paste into");
}

#[test]
fn a_question_takes_a_deliberate_yes() {
    let mut world = World::with_keyboard("[clipboard]\notherwise = \"ask\"\n");
    let [personal, work, untrusted] = apps(&mut world);
    copy(&mut world, &work, b"secret");
    paste(&mut world, &untrusted);
    world.assert_told("work → untrusted: paste 6 bytes?");
    assert!(world.clipboard().asks);
    // pressed too early, it is no answer; what is typed is the window's, Escape included
    world.client(untrusted.client).take_input();
    world.ctrl_shift(code::V);
    world.tap(code::ESCAPE);
    world.tap(code::A);
    assert!(world.clipboard().asks);
    let input = world.client(untrusted.client).take_input();
    for key in ["key 1 down", "key 1 up", "key 30 down", "key 30 up"] {
        assert!(input.contains(&key.to_owned()), "{key} in {input:?}");
    }
    assert_eq!(found(&mut world, &untrusted), None);
    world.until("the paste", |world| {
        world.ctrl_shift(code::V);
        !world.clipboard().asks
    });
    world.assert_told("work → untrusted: 6 bytes pasted, nothing is kept");
    assert_eq!(found(&mut world, &untrusted).unwrap(), b"secret");
    assert_eq!(found(&mut world, &personal), None);
}

#[test]
fn a_question_is_refused_by_escape() {
    let mut world = World::with_keyboard("[clipboard]\notherwise = \"ask\"\n");
    let [_, work, untrusted] = apps(&mut world);
    copy(&mut world, &work, b"secret");
    paste(&mut world, &untrusted);
    world.until("a refusal", |world| {
        world.client(untrusted.client).take_input();
        world.tap(code::ESCAPE);
        !world.clipboard().asks
    });
    world.assert_told("work → untrusted: nothing pasted");
    assert_eq!(world.client(untrusted.client).take_input(), [""; 0], "the key that refused is nobody's");
    world.tap(code::ESCAPE);
    assert_eq!(world.client(untrusted.client).take_input(), ["key 1 down", "key 1 up"]);
    assert_eq!(found(&mut world, &untrusted), None);
    assert_eq!(world.clipboard().bytes, 6, "it may be pasted elsewhere");
}

/// The middle of the left or the right button of a question.
fn button(right: bool) -> Point {
    Point::new(NOTICE.x + if right { 400 } else { 160 }, NOTICE.bottom() + 10)
}

#[test]
fn a_question_is_answered_by_its_buttons() {
    for (right, expected) in [(false, Some(b"secret".to_vec())), (true, None)] {
        let mut world = World::with_keyboard("[clipboard]\notherwise = \"ask\"\n");
        let [personal, work, untrusted] = apps(&mut world);
        // a window below the question hears nothing of the clicks on it
        world.put(personal.id, NOTICE.x, 0);
        copy(&mut world, &work, b"secret");
        paste(&mut world, &untrusted);
        world.motion(NOTICE.x + 10, NOTICE.y + 10);
        world.client(personal.client).take_input();
        world.client(untrusted.client).take_input();
        let Point { x, y } = button(right);
        world.motion(x, y);
        assert_eq!(world.client(personal.client).take_input(), [""; 0], "it is not under the pointer");
        // let go of elsewhere, it is no answer
        world.drag((x, y), (x, y - 60));
        assert!(world.clipboard().asks);
        world.until("an answer", |world| {
            world.click(x, y);
            !world.clipboard().asks
        });
        for app in [&personal, &untrusted] {
            let input = world.client(app.client).take_input();
            assert!(!input.iter().any(|event| event.starts_with("button")), "{input:?}");
        }
        assert_eq!(world.focused(), Some(untrusted.id));
        assert_eq!(found(&mut world, &untrusted), expected);
    }
}

#[test]
fn a_question_is_about_one_window() {
    let mut world = World::with_keyboard("[clipboard]\notherwise = \"ask\"\n");
    let [personal, work, untrusted] = apps(&mut world);
    copy(&mut world, &work, b"secret");
    paste(&mut world, &untrusted);
    world.focus(personal.id);
    assert_eq!((world.clipboard().asks, world.told()), (false, None));
    // the same if it goes
    paste(&mut world, &untrusted);
    assert!(world.clipboard().asks);
    world.drop_client(untrusted.client);
    assert_eq!((world.clipboard().asks, world.told()), (false, None));
    assert_eq!(found(&mut world, &personal), None);
}

#[test]
fn what_was_copied_outlives_its_domain_and_not_the_daemon() {
    let mut world = World::new();
    let [personal, work, untrusted] = apps(&mut world);
    copy(&mut world, &work, b"secret");
    world.drop_agent(Work);
    paste(&mut world, &untrusted);
    assert_eq!(found(&mut world, &untrusted).unwrap(), b"secret");

    copy(&mut world, &untrusted, b"other");
    world.daemon = None;
    world.start_daemon();
    let window = world.windows().into_iter().find(|window| window.domain == "personal").unwrap();
    world.focus(window.id);
    world.ctrl_shift(code::V);
    world.assert_told("personal: nothing was copied");
    assert_eq!(found(&mut world, &personal), None);
}

#[test]
fn a_domain_that_is_gone_before_it_answers_gives_nothing() {
    let mut world = World::new();
    let [_, work, untrusted] = apps(&mut world);
    world.focus(work.id);
    world.client(work.client).copy(&[UTF8]);
    world.settle();
    world.ctrl_shift(code::C);
    world.assert_told("work: copying …");
    paste(&mut world, &untrusted);
    world.assert_told("work → untrusted: still copying: nothing pasted");
    world.drop_agent(Work);
    world.assert_told("work: it is gone: nothing copied");
}

#[test]
fn an_answer_counts_whatever_has_the_focus_by_then() {
    let mut world = World::new();
    let [_, work, untrusted] = apps(&mut world);
    world.focus(work.id);
    world.client(work.client).copy(&[UTF8]);
    world.settle();
    world.ctrl_shift(code::C);
    world.focus(untrusted.id);
    hand_over(&mut world, &work, b"secret");
    assert_eq!(world.clipboard().from.as_deref(), Some("work"));
    // of two copies the last counts
    world.focus(work.id);
    world.ctrl_shift(code::C);
    let first = world.client(work.client).inbox.selections.asked.pop().unwrap();
    copy(&mut world, &untrusted, b"new");
    File::from(first.1).write_all(b"late").unwrap();
    world.settle();
    assert_eq!(world.clipboard().from.as_deref(), Some("untrusted"));
    assert_eq!(world.clipboard().bytes, 3);
}

/// An attacker's domain with a window, beside an honest one.
fn with_attacker() -> (World, App, usize, u64) {
    let mut world = World::with_stranger();
    let personal = app(&mut world, Personal);
    let peer = world.peer(Untrusted);
    world.peers[peer].greet();
    world.peers[peer].window(7, gui_protocol::Rect::new(50, 350, 100, 100), false, Untrusted.colour());
    world.settle();
    let id = world.newest();
    (world, personal, peer, id)
}

fn data(length: usize) -> AgentMessage {
    AgentMessage::ClipboardData { data: vec![b'!'; length] }
}

#[test]
fn what_comes_unasked_goes_nowhere() {
    let (mut world, personal, peer, id) = with_attacker();
    for length in [0, 1, 64_000, 256_001] {
        world.peers[peer].say(0, &data(length));
    }
    world.settle();
    assert_eq!(world.clipboard(), ClipboardInfo::default());
    world.focus(id);
    world.ctrl_shift(code::C);
    for length in [3, 4, 5] {
        world.peers[peer].say(0, &data(length));
    }
    world.settle();
    assert_eq!(world.clipboard().bytes, 3, "one answer to one question");
    paste(&mut world, &personal);
    assert_eq!(found(&mut world, &personal).unwrap(), b"!!!");
    let requests = world.peers[peer].heard.iter();
    let requests = requests.filter(|(_, message)| *message == DaemonMessage::ClipboardReq {});
    assert_eq!(requests.map(|(window, _)| *window).collect::<Vec<_>>(), [WindowId(7)]);
}

#[test]
fn a_flood_of_clipboards_is_borne() {
    let (mut world, personal, peer, id) = with_attacker();
    world.focus(id);
    world.ctrl_shift(code::C);
    world.peers[peer].say(0, &data(256_001));
    world.settle();
    world.assert_told("untrusted: it has more than 64,000 bytes: nothing copied");
    for _ in 0..100 {
        world.peers[peer].say(0, &data(256_001));
    }
    world.until("the end of it", |world| world.peers[peer].unsent() == 0);
    assert_eq!(world.clipboard().bytes, 0);
    let before = world.client(personal.client).inbox.frames_done;
    world.client(personal.client).frame(&personal.toplevel.surface);
    show(&personal.toplevel.surface, &personal.buffer);
    world.until("a frame", |world| world.client(personal.client).inbox.frames_done == before + 1);
    assert!(world.longest_turn.as_secs() < 1);
}

#[test]
fn a_domain_that_never_answers_is_named_to_the_user() {
    let (mut world, personal, peer, id) = with_attacker();
    world.focus(id);
    world.ctrl_shift(code::C);
    world.assert_told("untrusted: copying …");
    world.until("an end", |world| world.told().as_deref() != Some("untrusted: copying …"));
    world.assert_told("untrusted: no answer within 5 s: nothing copied");
    world.peers[peer].say(0, &data(9));
    world.settle();
    assert_eq!(world.clipboard().bytes, 0, "too late");
    paste(&mut world, &personal);
    world.assert_told("personal: nothing was copied");
}

/// The colours of the rim at the left and at the right.
fn rims(world: &mut World) -> (u32, u32) {
    let screen = world.screen();
    let middle = NOTICE.centre().y;
    (screen.pixel(NOTICE.x, middle), screen.pixel(NOTICE.right() - 1, middle))
}

#[test]
fn the_notice_is_in_the_colours_of_both_domains_and_goes_by_itself() {
    let mut world = World::new();
    let [_, work, untrusted] = apps(&mut world);
    assert_eq!(rims(&mut world), (DESKTOP, DESKTOP));
    copy(&mut world, &work, b"x");
    let (blue, red) = (frame_colour(Work, true), frame_colour(Untrusted, true));
    assert_eq!(rims(&mut world), (blue, blue));
    paste(&mut world, &untrusted);
    assert_eq!(rims(&mut world), (blue, red));
    world.until("the end of the notice", |world| world.told().is_none());
    world.settle();
    assert_eq!(rims(&mut world), (DESKTOP, DESKTOP));
    world.assert_idle(std::time::Duration::from_millis(300));
}

#[test]
fn no_domain_covers_the_notice() {
    let mut world = World::with(Backend::Socket, &DOMAINS, "allow_fullscreen = true");
    let [personal, work, untrusted] = apps(&mut world);
    copy(&mut world, &work, b"x");
    let mut full = untrusted;
    full.toplevel.toplevel.set_fullscreen(None);
    world.settle();
    world.agree(&mut full);
    assert_eq!(world.frame(full.id), all());
    paste(&mut world, &full);
    let before = world.screen();
    let colours = (frame_colour(Work, true), frame_colour(Untrusted, true));
    assert_eq!(rims(&mut world), colours);
    // what is drawn below it comes and goes without it
    for colour in [0xff12_3456, Untrusted.colour()] {
        full.buffer.fill(|_, _| colour);
        show(&full.toplevel.surface, &full.buffer);
        world.settle();
        let screen = world.screen_with_pointer();
        assert!(points(NOTICE).all(|(x, y)| screen.pixel(x, y) == before.pixel(x, y)));
        assert_eq!(screen.pixel(400, 500), colour & 0xff_ffff);
    }
    // and so do windows and menus put over it
    world.put(personal.id, NOTICE.x + 100, 0);
    world.focus(personal.id);
    let screen = world.screen();
    assert!(points(NOTICE).all(|(x, y)| screen.pixel(x, y) == before.pixel(x, y)));
}

#[test]
fn a_domains_picture_of_the_pointer_stays_clear_of_the_notice() {
    let mut world = World::new();
    let [personal, work, _] = apps(&mut world);
    world.put(personal.id, NOTICE.x + 100, 0);
    let cursor = world.client(personal.client).surface();
    let picture: Buffer = world.client(personal.client).buffer(64, 64, 0xff00_ff00);
    world.motion(NOTICE.x + 150, NOTICE.y + 60);
    let client = world.client(personal.client);
    client.pointer.as_ref().unwrap().set_cursor(client.inbox.serial, Some(&cursor), 32, 32);
    show(&cursor, &picture);
    world.settle();
    let green = |world: &mut World| world.screen_with_pointer().find(0xff00).count();
    assert_eq!(green(&mut world), 64 * 64);
    copy(&mut world, &work, b"x");
    assert_eq!(green(&mut world), 0);
    world.until("the end of the notice", |world| world.told().is_none());
    world.settle();
    assert_eq!(green(&mut world), 64 * 64);
}

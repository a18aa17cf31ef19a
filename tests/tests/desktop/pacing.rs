//! Frames at level 1: who may draw when, and who may not have what.

use std::time::{Duration, Instant};

use gui_daemon::{ipc::LinkState, shell::geom};
use gui_protocol::{
    BufferId, Rect, States, Version, WindowId,
    message::{AgentMessage, DaemonMessage},
};
use shm_grant::Backend;
use transom_tests::client::show;
use wayland_client::Proxy;

use crate::fixture::{Dom0, Personal, Untrusted, World, peer::Peer};

/// In every domain's configuration.
const LEVEL_1: &str = "protocol = \"1.8+1\"";
const WINDOW: u32 = 7;
const SIZE: (u32, u32) = (200, 100);
const FIRST: u32 = 0xff10_2030;
const SECOND: u32 = 0xff30_2010;

/// What the daemon said of a window's frames.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    Released(u32),
    Done(u64),
    Presented(u64),
    Removed(u32),
}

/// The stranger with a window of two buffers of different colours, of which the first is shown.
fn shown(world: &mut World) -> (usize, u64) {
    let peer = world.peer(Untrusted);
    world.peers[peer].version = Version::NEWEST;
    world.peers[peer].greet();
    world.settle();
    let it = &mut world.peers[peer];
    it.create(WINDOW, Rect::new(0, 0, SIZE.0, SIZE.1), false);
    it.buffer(WINDOW, 1, SIZE, 0, FIRST);
    it.buffer(WINDOW, 2, SIZE, 0, SECOND);
    it.commit(WINDOW, 1, 1, SIZE, &[]);
    it.map(WINDOW, false);
    world.settle();
    let id = world.newest();
    world.assert_shown(id, FIRST);
    said(&mut world.peers[peer]);
    (peer, id)
}

fn said(peer: &mut Peer) -> Vec<Said> {
    let heard = std::mem::take(&mut peer.heard).into_iter();
    heard
        .filter_map(|(_, message)| match message {
            DaemonMessage::Release { buffer, .. } => Some(Said::Released(buffer.0)),
            DaemonMessage::FrameDone { serial } => Some(Said::Done(serial)),
            DaemonMessage::Presented { serial, .. } => Some(Said::Presented(serial)),
            DaemonMessage::BufferRemoved { buffer } => Some(Said::Removed(buffer.0)),
            _ => None,
        })
        .collect()
}

fn all_of() -> Rect {
    Rect::new(0, 0, SIZE.0, SIZE.1)
}

#[test]
fn a_commit_is_shown_with_the_next_frame_and_then_told() {
    let mut world = World::with(Backend::Socket, &[Personal], LEVEL_1);
    let (peer, id) = shown(&mut world);
    world.peers[peer].commit(WINDOW, 2, 2, SIZE, &[all_of()]);
    world.settle();
    assert_eq!(said(&mut world.peers[peer]), [Said::Released(1), Said::Done(2), Said::Presented(2)]);
    world.assert_shown(id, SECOND);
}

#[test]
fn of_many_commits_only_the_newest_is_shown() {
    let mut world = World::with(Backend::Socket, &[Personal], LEVEL_1);
    let (peer, id) = shown(&mut world);
    // they come in one piece, long before the screen takes a frame
    for serial in 2..40 {
        let (buffer, damage) = if serial == 2 { (2, vec![all_of()]) } else { (2, vec![]) };
        world.peers[peer].commit(WINDOW, serial, buffer, SIZE, &damage);
    }
    world.settle();
    assert_eq!(said(&mut world.peers[peer]), [Said::Released(1), Said::Done(39), Said::Presented(39)]);
    world.assert_shown(id, SECOND);
}

#[test]
fn a_commit_of_nothing_new_gets_its_frame_and_draws_nothing() {
    let mut world = World::with(Backend::Socket, &[Personal], LEVEL_1);
    let (peer, _) = shown(&mut world);
    let before = world.state().frames_drawn();
    world.peers[peer].commit(WINDOW, 2, 1, SIZE, &[]);
    world.settle();
    assert_eq!(said(&mut world.peers[peer]), [Said::Done(2), Said::Presented(2)]);
    assert_eq!(world.state().frames_drawn(), before);
}

#[test]
fn only_what_is_damaged_is_drawn() {
    let mut world = World::with(Backend::Socket, &[Personal], LEVEL_1);
    let (peer, id) = shown(&mut world);
    let before = world.screen();
    world.peers[peer].commit(WINDOW, 2, 2, SIZE, &[Rect::new(10, 20, 30, 40)]);
    world.settle();
    let content = world.content(id);
    let (changed, count) = world.screen().difference(&before).unwrap();
    assert_eq!((changed.x - content.x, changed.y - content.y, count), (10, 20, 30 * 40));
}

#[test]
fn a_hidden_window_draws_once_a_second_and_knows_that_it_is_suspended() {
    let mut world = World::with(Backend::Socket, &[Personal], LEVEL_1);
    let (peer, id) = shown(&mut world);
    let state = world.state();
    state.shell.request_minimise(gui_daemon::shell::Id(id), true);
    state.apply_effects();
    world.settle();
    let hidden = (States::SUSPENDED | States::MINIMISED).bits();
    let mut states = world.peers[peer].heard.iter().rev().filter_map(|(_, message)| match message {
        DaemonMessage::Arrange { states, .. } => Some(*states),
        _ => None,
    });
    assert_eq!(states.next().map(|states| states & hidden), Some(hidden));

    let started = Instant::now();
    for serial in 2..4 {
        world.peers[peer].commit(WINDOW, serial, 1, SIZE, &[]);
        world.settle();
        assert_eq!(said(&mut world.peers[peer]), []);
        world.until("a turn for the hidden", |world| {
            world.peers[peer].heard.contains(&(WindowId(WINDOW), DaemonMessage::FrameDone { serial }))
        });
        // it was on no screen
        assert_eq!(said(&mut world.peers[peer]), [Said::Done(serial)]);
    }
    // the first turn may have been due already
    assert!(started.elapsed() >= Duration::from_secs(1));

    // and it is as good as any other again
    world.peers[peer].commit(WINDOW, 4, 2, SIZE, &[all_of()]);
    world.settle();
    world.focus(id);
    assert_eq!(said(&mut world.peers[peer]), [Said::Released(1), Said::Done(4), Said::Presented(4)]);
    world.assert_shown(id, SECOND);
}

#[test]
fn a_covered_client_of_dom0_draws_once_a_second() {
    let mut world = World::new();
    let below = world.app(Dom0, 100, 100);
    world.put(below.id, 100, 100);
    let above = world.app(Personal, 400, 300);
    world.put(above.id, 50, 50);
    let started = Instant::now();
    for done in 1..=2 {
        world.client(below.client).frame(&below.toplevel.surface);
        show(&below.toplevel.surface, &below.buffer);
        world.settle();
        assert_eq!(world.client(below.client).inbox.frames_done, done - 1);
        world.until("a turn", |world| world.client(below.client).inbox.frames_done == done);
    }
    // the first turn may have been due already
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[test]
fn a_screen_of_twenty_frames_a_second_takes_no_more() {
    let mut world = World::with(Backend::Socket, &[Personal], LEVEL_1);
    let (peer, _) = shown(&mut world);
    let mut outputs = world.state().outputs.configs();
    outputs[0].refresh_hz = 20;
    world.state().set_outputs(&outputs).unwrap();
    world.settle();
    said(&mut world.peers[peer]);
    let started = Instant::now();
    let mut serial = 1;
    // it does not wait for anything: of what it commits in between, nothing queues
    while started.elapsed() < Duration::from_millis(500) {
        serial += 1;
        world.peers[peer].commit(WINDOW, serial, 1, SIZE, &[]);
        world.until("the daemon to have read", |world| world.peers[peer].unsent() == 0);
    }
    // the newest is not forgotten
    world.until("the last frame", |world| {
        world.peers[peer].heard.contains(&(WindowId(WINDOW), DaemonMessage::FrameDone { serial }))
    });
    let said = said(&mut world.peers[peer]);
    let done: Vec<u64> =
        said.iter().filter_map(|it| if let Said::Done(serial) = it { Some(*serial) } else { None }).collect();
    let frames = started.elapsed().as_millis() / 50 + 2;
    assert!(done.len() >= 2 && done.len() as u128 <= frames, "{} of {frames}", done.len());
}

#[test]
fn a_buffer_taken_back_is_gone_from_the_screen_before_it_is_given_back() {
    let mut world = World::with(Backend::Socket, &[Personal], LEVEL_1);
    let (peer, id) = shown(&mut world);
    for buffer in [1, 2] {
        world.peers[peer].say(WINDOW, &AgentMessage::RemoveBuffer { buffer: BufferId(buffer) });
    }
    world.until("the pages", |world| {
        let removed =
            |(_, message): &&(_, DaemonMessage)| matches!(message, DaemonMessage::BufferRemoved { .. });
        world.peers[peer].heard.iter().filter(removed).count() == 2
    });
    world.settle();
    world.assert_shown(id, 0xff_ffff);
    // the same numbers may be used anew
    world.peers[peer].buffer(WINDOW, 1, SIZE, 0, SECOND);
    world.peers[peer].commit(WINDOW, 2, 1, SIZE, &[all_of()]);
    world.settle();
    world.assert_shown(id, SECOND);
}

#[test]
fn what_shows_through_a_window_is_its_background() {
    let mut world = World::with(Backend::Socket, &[Personal], LEVEL_1);
    let (peer, id) = shown(&mut world);
    // half of full white, premultiplied, upon white; and nothing at all
    world.peers[peer].buffer(WINDOW, 3, SIZE, 1, 0x8000_0000);
    world.peers[peer].commit(WINDOW, 2, 3, SIZE, &[all_of()]);
    world.settle();
    world.assert_shown(id, 0x7f_7f7f);
    world.peers[peer].buffer(WINDOW, 4, SIZE, 1, 0);
    world.peers[peer].commit(WINDOW, 3, 4, SIZE, &[all_of()]);
    world.settle();
    world.assert_shown(id, 0xff_ffff);
}

#[test]
fn broken_rules_end_the_link() {
    type Misdeed = fn(&mut Peer);
    let tries: [(&str, Misdeed); 6] = [
        ("of buffer 1, which must not change", |peer| peer.commit(WINDOW, 2, 1, SIZE, &[all_of()])),
        ("buffer 9", |peer| peer.commit(WINDOW, 2, 9, SIZE, &[])),
        ("serial", |peer| peer.commit(WINDOW, 1, 2, SIZE, &[])),
        ("shows 201x100", |peer| peer.commit(WINDOW, 2, 2, (SIZE.0 + 1, SIZE.1), &[])),
        ("message type 136", |peer| peer.damage(WINDOW, all_of())),
        ("beyond the limit", |peer| (3..9).for_each(|buffer| peer.buffer(WINDOW, buffer, SIZE, 0, 0))),
    ];
    for (why, break_a_rule) in tries {
        let mut world = World::with(Backend::Socket, &[Personal], LEVEL_1);
        let honest = world.app(Personal, 100, 100);
        let (peer, _) = shown(&mut world);
        world.take_log();
        break_a_rule(&mut world.peers[peer]);
        world.settle();
        let warnings = world.take_warnings();
        assert!(warnings.len() == 1 && warnings[0].contains(why), "{why}: {warnings:?}");
        assert_eq!(world.link_state(Untrusted), LinkState::BackingOff, "{why}");
        assert_eq!(world.owners(), [("personal".to_owned(), 1)]);
        world.assert_shown(honest.id, Personal.colour());
    }
}

#[test]
fn a_flood_of_commits_starves_nobody() {
    let mut world = World::with(Backend::Socket, &[Personal], LEVEL_1);
    let honest = world.app(Personal, 100, 100);
    let (peer, _) = shown(&mut world);
    for serial in 2..50_000 {
        world.peers[peer].commit(WINDOW, serial, 1, SIZE, &[]);
    }
    for _ in 0..20 {
        let before = world.client(honest.client).inbox.frames_done;
        world.client(honest.client).frame(&honest.toplevel.surface);
        show(&honest.toplevel.surface, &honest.buffer);
        world.until("a frame", |world| world.client(honest.client).inbox.frames_done > before);
    }
    assert_eq!(world.link_state(Untrusted), LinkState::Connected);
    assert!(world.longest_turn < Duration::from_secs(1), "{:?}", world.longest_turn);
}

/// A colour that no other of a few hundred frames has.
fn colour_of(frame: u32) -> u32 {
    0xff00_4000 | frame << 16 & 0xff_0000 | frame & 0xff
}

/// The content's colour in every frame that the screen took, each once. It is never two colours.
fn colours_shown(world: &mut World, content: geom::Rect) -> Vec<u32> {
    let film = world.film.take().unwrap();
    let mut shown: Vec<u32> = film
        .iter()
        .map(|screen| match screen.colours(content)[..] {
            [colour] => colour | 0xff00_0000,
            ref torn => panic!("a frame of parts: {torn:x?}"),
        })
        .collect();
    shown.dedup();
    shown
}

#[test]
fn a_program_with_a_single_buffer_never_waits_for_it() {
    for mut world in [World::new(), World::of_1_8()] {
        let mut app = world.app(Personal, 200, 100);
        let content = world.content(app.id);
        world.film = Some(Vec::new());
        for frame in 1..=60 {
            world.client(app.client).inbox.buffers_released.clear();
            app.buffer.fill(|_, _| colour_of(frame));
            world.client(app.client).frame(&app.toplevel.surface);
            show(&app.toplevel.surface, &app.buffer);
            world.settle();
            let inbox = &world.client(app.client).inbox;
            assert_eq!(inbox.buffers_released, [app.buffer.buffer.id()], "frame {frame}");
            assert_eq!(inbox.frames_done, frame as usize);
        }
        let expected: Vec<u32> = (1..=60).map(colour_of).collect();
        assert_eq!(colours_shown(&mut world, content), expected, "all of them, in order");
    }
}

#[test]
fn of_a_program_that_waits_for_nothing_the_newest_frame_is_shown() {
    let mut world = World::with(Backend::Socket, &[Personal], LEVEL_1);
    let app = world.app(Personal, 200, 100);
    let content = world.content(app.id);
    let buffers: Vec<_> =
        (1..=60).map(|frame| world.client(app.client).buffer(200, 100, colour_of(frame))).collect();
    world.client(app.client).inbox.buffers_released.clear();
    world.film = Some(Vec::new());
    for buffer in &buffers {
        world.client(app.client).frame(&app.toplevel.surface);
        show(&app.toplevel.surface, buffer);
    }
    world.settle();
    let shown = colours_shown(&mut world, content);
    assert_eq!(shown.last(), Some(&colour_of(60)));
    assert!(shown.len() <= 3, "{} of 60 were shown", shown.len());
    let inbox = &world.client(app.client).inbox;
    assert_eq!(inbox.frames_done, 60, "every callback comes");
    let given: Vec<_> = buffers.iter().map(|it| it.buffer.id()).collect();
    assert_eq!(inbox.buffers_released, given, "every buffer comes back");
}

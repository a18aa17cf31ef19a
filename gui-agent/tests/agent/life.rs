//! Daemons come and go, applications and frames go on.

use std::time::{Duration, Instant};

use gui_protocol::{CrossingInput, KeyInput, Rect};
use shm_grant::Backend;
use transom_tests::client::show;

use crate::{
    fixture::World,
    windows::{BLUE, GREEN, LETTERS, RED, another_window, window},
};

#[test]
fn applications_start_without_a_daemon() {
    let mut world = World::without_daemon(0);
    let client = world.connect();
    let toplevel = world.client(client).toplevel();
    world.settle();
    let buffer = world.client(client).buffer(32, 32, GREEN);
    world.client(client).ack(&toplevel.xdg_surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    world.start_daemon();
    let id = world.daemon().only();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "GG\nGG");
}

#[test]
fn a_new_daemon_is_told_everything() {
    told_everything(Backend::Socket);
}

#[test]
fn a_new_daemon_is_told_everything_over_a_ring() {
    told_everything(Backend::Ring);
}

fn told_everything(backend: Backend) {
    let mut world = World::over(backend);
    let (client, toplevel, mut buffer, first) = window(&mut world, 32, 32, RED);
    toplevel.toplevel.set_title("first".into());
    let (_, _second_buffer, second) = another_window(&mut world, client, 16, 16, BLUE);
    world.daemon().configure(first, Rect::new(70, 80, 32, 32));
    world.settle();

    world.daemon = None;
    world.settle();
    // life goes on without one
    buffer.fill(|_, _| GREEN);
    show(&toplevel.surface, &buffer);
    world.settle();

    world.start_daemon();
    assert_eq!(world.client(client).error, None);
    assert_eq!(world.daemon().windows.keys().copied().collect::<Vec<_>>(), [first, second]);
    let seen = world.daemon().seen(first);
    assert_eq!((seen.title.as_str(), seen.geometry), ("first", Rect::new(70, 80, 32, 32)));
    assert!(seen.mapped);
    assert_eq!(world.daemon().image(first).grid(16, &LETTERS), "GG\nGG");
    assert_eq!(world.daemon().image(second).grid(16, &LETTERS), "B");

    // and hears of what comes after
    buffer.fill(|_, _| BLUE);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.daemon().image(first).grid(16, &LETTERS), "BB\nBB");
}

#[test]
fn a_lost_daemon_lets_go_of_everything() {
    let mut world = World::new();
    let (client, toplevel, _buffer, id) = window(&mut world, 32, 32, RED);
    world.daemon().conn.focus(id, true, &[0; 32]);
    let entered = CrossingInput { entered: true, x: 1, y: 1, state: 0, focus: true };
    world.daemon().conn.crossing(id, entered, &[0; 32]);
    world.daemon().conn.key(id, KeyInput { pressed: true, x: 0, y: 0, state: 0, keycode: 38 });
    world.settle();
    world.client(client).take_input();
    world.daemon = None;
    world.settle();
    assert_eq!(world.client(client).take_input(), ["key 30 up", "keyboard out", "pointer out"]);
    assert_eq!(world.client(client).states(&toplevel), []);
}

#[test]
fn a_frame_is_called_back_once_it_has_left() {
    let mut world = World::new();
    let (client, toplevel, buffer, _) = window(&mut world, 32, 32, RED);
    world.client(client).frame(&toplevel.surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.client(client).inbox.frames_done, 1);
}

#[test]
fn no_frame_is_called_back_while_nobody_watches() {
    let mut world = World::new();
    let (client, toplevel, buffer, _) = window(&mut world, 32, 32, RED);
    world.daemon = None;
    world.settle();
    world.client(client).frame(&toplevel.surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.client(client).inbox.frames_done, 0);
    world.start_daemon();
    assert_eq!(world.client(client).inbox.frames_done, 1);
}

#[test]
fn no_frame_is_called_back_before_it_is_agreed_who_paces_the_clients() {
    let mut world = World::without_daemon(0);
    world.start_silent_daemon();
    let client = world.connect();
    let toplevel = world.client(client).toplevel();
    world.settle();
    let buffer = world.client(client).buffer(32, 32, RED);
    world.client(client).ack(&toplevel.xdg_surface);
    world.client(client).frame(&toplevel.surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.client(client).inbox.frames_done, 0);
    world.daemon().set_reads(true);
    world.settle();
    assert!(world.daemon().greeted);
    assert_eq!(world.client(client).inbox.frames_done, 1);
}

#[test]
fn a_daemon_that_does_not_read_holds_frames_back() {
    let mut world = World::new();
    let (client, toplevel, buffer, _) = window(&mut world, 32, 32, RED);
    world.daemon().set_reads(false);
    // names are never merged away, so they fill the channel
    for n in 0..20_000 {
        toplevel.toplevel.set_title(n.to_string());
        if n % 100 == 0 {
            world.settle();
        }
    }
    world.settle();
    world.client(client).frame(&toplevel.surface);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.client(client).inbox.frames_done, 0);
    world.daemon().set_reads(true);
    world.settle();
    assert_eq!(world.client(client).inbox.frames_done, 1);
}

#[test]
fn frames_are_paced() {
    const HZ: u32 = 100;
    const FRAMES: usize = 10;
    let mut world = World::without_daemon(HZ);
    world.start_daemon();
    let (client, toplevel, buffer, _) = window(&mut world, 32, 32, RED);
    let started = Instant::now();
    for frame in 1..=FRAMES {
        world.client(client).frame(&toplevel.surface);
        show(&toplevel.surface, &buffer);
        world.until("a frame callback", |world| world.client(client).inbox.frames_done == frame);
    }
    let least = Duration::from_secs(1) / HZ * (FRAMES as u32 - 1);
    assert!(started.elapsed() >= least, "{FRAMES} frames at {HZ} Hz in {:?}", started.elapsed());
}

#[test]
fn sockets_go_with_the_agent() {
    let world = World::without_daemon(0);
    let path = world.agent.socket_path();
    let dir = path.parent().unwrap().to_owned();
    assert!(path.exists());
    let World { agent, dir: _guard, .. } = world;
    drop(agent);
    let left: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn nothing_wakes_an_idle_agent() {
    let mut world = World::without_daemon(60);
    world.start_daemon();
    let (client, toplevel, buffer, _) = window(&mut world, 32, 32, RED);
    world.client(client).frame(&toplevel.surface);
    show(&toplevel.surface, &buffer);
    world.until("the last frame callback", |world| world.client(client).inbox.frames_done == 1);
    world.settle();
    let (asleep, started) = (Duration::from_millis(100), Instant::now());
    world.agent.dispatch(Some(asleep)).unwrap();
    assert!(started.elapsed() >= asleep);
}

//! Frames, arrangements, outputs and scales with a daemon that speaks the extension.

use std::time::Duration;

use gui_protocol::{Arrange, Output, Presented, PresentedFlags, Rect, Scale, States};
use transom_tests::client::{feedback::Fate, show};
use wayland_client::Proxy;
use wayland_protocols::xdg::shell::client::xdg_toplevel::State;

use crate::{
    fixture::World,
    frames::{bytes_of, update},
    windows::{BLUE, GREEN, LETTERS, RED, window},
};

/// Pixels of a buffer in 120ths of logical ones.
fn scale(in_120ths: u32) -> Scale {
    Scale::new(in_120ths).unwrap()
}

#[test]
fn one_frame_is_under_way_and_the_rest_waits_as_one() {
    let mut world = World::extended();
    let (client, toplevel, mut buffer, id) = window(&mut world, 64, 64, RED);
    world.daemon().takes_frames = false;
    world.client(client).frame(&toplevel.surface);
    update(&toplevel.surface, &buffer, 0, 0, 8, 8);
    world.settle();
    assert_eq!(world.client(client).inbox.frames_done, 0, "nobody has taken it yet");

    // two more frames are neither told nor copied
    buffer.fill(|_, _| GREEN);
    let told = world.daemon().seen(id).commits.len();
    let moved = bytes_of(&mut world, |world| {
        world.client(client).frame(&toplevel.surface);
        update(&toplevel.surface, &buffer, 0, 0, 16, 16);
        update(&toplevel.surface, &buffer, 48, 48, 16, 16);
    });
    assert_eq!((moved, world.daemon().seen(id).commits.len()), (0, told));
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RRRR\nRRRR\nRRRR\nRRRR");

    world.daemon().take_last_frame(id);
    world.settle();
    assert_eq!(world.client(client).inbox.frames_done, 1, "the first frame's, and not the second's");
    let commit = world.daemon().seen(id).commits.last().unwrap().clone();
    assert_eq!(commit.damage, [Rect::new(0, 0, 16, 16), Rect::new(48, 48, 16, 16)]);
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "GRRR\nRRRR\nRRRR\nRRRG");
    world.daemon().take_last_frame(id);
    world.settle();
    assert_eq!(world.client(client).inbox.frames_done, 2);
    assert_eq!(world.daemon().seen(id).commits.len(), told + 1, "no more was to be told");
}

#[test]
fn a_frame_costs_its_damage_and_what_its_buffer_has_missed() {
    let mut world = World::extended();
    let (_, toplevel, buffer, id) = window(&mut world, 1920, 1080, RED);
    let full = 1920 * 1080 * 4;
    // the second buffer's first frame
    assert_eq!(bytes_of(&mut world, |_| update(&toplevel.surface, &buffer, 0, 0, 64, 64)), full);
    let same = bytes_of(&mut world, |_| update(&toplevel.surface, &buffer, 0, 0, 64, 64));
    assert_eq!(same, 64 * 64 * 4, "both buffers differ in the same pixels");
    let next = bytes_of(&mut world, |_| update(&toplevel.surface, &buffer, 64, 0, 64, 64));
    assert_eq!(next, 2 * 64 * 64 * 4, "this frame's, and the one before in this buffer");
    assert_eq!(bytes_of(&mut world, |_| show(&toplevel.surface, &buffer)), full, "once");
    assert_eq!(world.daemon().seen(id).buffers, 2, "a daemon that is fast enough needs two");
    let told = world.daemon().seen(id).commits.last().unwrap();
    assert_eq!((told.width, told.height, told.scale), (1920, 1080, Scale::ONE));
}

#[test]
fn what_is_looked_at_is_not_drawn() {
    let mut world = World::extended();
    let (_, toplevel, mut buffer, id) = window(&mut world, 32, 32, RED);
    let shown = world.daemon().seen(id).image.clone().unwrap();
    for colour in [GREEN, BLUE] {
        world.daemon().takes_frames = false;
        buffer.fill(|_, _| colour);
        show(&toplevel.surface, &buffer);
        world.settle();
        // taken for a frame, but nothing is let go of
        let serial = world.daemon().seen(id).commits.last().unwrap().serial;
        world.daemon().conn.frame_done(id, serial);
        world.settle();
        assert_eq!(shown.grid(16, &LETTERS), "RR\nRR");
    }
    // there are three buffers, and all are looked at
    buffer.fill(|_, _| RED);
    show(&toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.daemon().seen(id).commits.len(), 3);
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "BB\nBB");
    world.daemon().take_last_frame(id);
    world.settle();
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RR\nRR", "as soon as one is let go of");
    assert_eq!(world.daemon().seen(id).buffers, 3);
}

#[test]
fn a_client_that_only_waits_for_its_turn_gets_it() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 32, 32, RED);
    let moved = bytes_of(&mut world, |world| {
        world.client(client).frame(&toplevel.surface);
        toplevel.surface.commit();
    });
    assert_eq!(moved, 0);
    assert_eq!(world.client(client).inbox.frames_done, 1);
    let commits = &world.daemon().seen(id).commits;
    assert_eq!((commits.len(), commits[1].damage.len(), commits[1].buffer), (2, 0, commits[0].buffer));

    toplevel.surface.commit();
    world.settle();
    assert_eq!(world.daemon().seen(id).commits.len(), 2, "nothing is asked, nothing is new");
}

#[test]
fn clients_learn_when_their_frames_were_seen() {
    let mut world = World::extended();
    let (client, toplevel, buffer, id) = window(&mut world, 32, 32, RED);
    world.client(client).feedback(&toplevel.surface, 1);
    show(&toplevel.surface, &buffer);
    world.settle();
    world.client(client).feedback(&toplevel.surface, 2);
    show(&toplevel.surface, &buffer);
    world.settle();
    let commit = world.daemon().seen(id).commits.last().unwrap().clone();
    assert!(commit.wants_presented);
    assert!(world.client(client).inbox.fates.is_empty());

    let now = presentation_clock;
    let (ago, refresh) = (Duration::from_millis(3), Duration::from_micros(16_667));
    let flags = PresentedFlags::empty();
    let before = now();
    world.daemon().conn.presented(
        id,
        Presented { serial: commit.serial, ago, refresh: Some(refresh), sequence: 1 << 33, flags },
    );
    world.settle();
    let fates = &world.client(client).inbox.fates;
    assert_eq!(fates[&1], Fate::Discarded, "the second was seen and the first never");
    let Fate::Presented { at, refresh: told, sequence } = fates[&2] else { panic!("it was seen") };
    assert_eq!((told, sequence), (refresh, 1 << 33));
    assert!(before - ago <= at && at <= now() - ago);

    // and when nobody will ever see one
    world.client(client).feedback(&toplevel.surface, 3);
    show(&toplevel.surface, &buffer);
    world.settle();
    world.daemon = None;
    world.settle();
    assert_eq!(world.client(client).inbox.fates[&3], Fate::Discarded);
}

/// What feedback counts from.
fn presentation_clock() -> Duration {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

fn arrange(x: i32, y: i32, width: u32, height: u32, states: States) -> Arrange {
    Arrange { x, y, width, height, bounds: Some((640, 400)), states, scale: Scale::ONE, ..Arrange::default() }
}

#[test]
fn an_arrangement_is_answered_by_the_content_made_for_it() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    let wanted = arrange(10, 20, 96, 32, States::ACTIVATED | States::RESIZING | States::TILED_LEFT);
    let serial = world.daemon().conn.arrange(id, wanted);
    world.settle();
    assert_eq!(world.client(client).sizes(&toplevel).last(), Some(&(96, 32)));
    let states = [State::Activated, State::Resizing, State::TiledLeft].map(|state| state as u32);
    let mut told = world.client(client).states(&toplevel);
    told.sort_unstable();
    let mut states = states.to_vec();
    states.sort_unstable();
    assert_eq!(told, states);

    // agreeing is not drawing
    world.client(client).ack(&toplevel.xdg_surface);
    world.settle();
    assert_eq!(world.daemon().seen(id).commits.len(), 1);
    let buffer = world.client(client).buffer(96, 32, GREEN);
    show(&toplevel.surface, &buffer);
    world.settle();
    let commit = world.daemon().seen(id).commits.last().unwrap().clone();
    assert_eq!((commit.configure, commit.width, commit.height), (serial, 96, 32));
    assert_eq!(world.daemon().image(id).grid(32, &LETTERS), "GGG");
}

#[test]
fn an_arrangement_that_leaves_the_size_alone_is_answered_at_once() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    let serial = world.daemon().conn.arrange(id, arrange(0, 0, 64, 64, States::MAXIMISED));
    world.settle();
    assert_eq!(world.client(client).states(&toplevel), [State::Maximized as u32]);
    assert_eq!(world.daemon().seen(id).commits.last().unwrap().configure, 0, "the client has yet to agree");
    world.client(client).ack(&toplevel.xdg_surface);
    world.settle();
    assert_eq!(world.daemon().seen(id).commits.last().unwrap().configure, serial);

    // a move alone is none of the client's business
    let configures = world.client(client).sizes(&toplevel).len();
    let serial = world.daemon().conn.arrange(id, arrange(300, 200, 64, 64, States::MAXIMISED));
    world.settle();
    assert_eq!(world.client(client).sizes(&toplevel).len(), configures);
    let commit = world.daemon().seen(id).commits.last().unwrap();
    assert_eq!((commit.configure, commit.damage.len()), (serial, 0));
}

#[test]
fn a_client_that_goes_its_own_way_is_shown_as_it_is() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 60, 60, RED);
    let serial = world.daemon().conn.arrange(id, arrange(0, 0, 87, 45, States::empty()));
    world.settle();
    world.client(client).ack(&toplevel.xdg_surface);
    let buffer = world.client(client).buffer(80, 40, GREEN);
    show(&toplevel.surface, &buffer);
    world.settle();
    let commit = world.daemon().seen(id).commits.last().unwrap();
    assert_eq!((commit.configure, commit.width, commit.height), (serial, 80, 40));
    assert!(world.daemon().seen(id).requests.is_empty());
}

#[test]
fn a_resize_does_not_allocate_each_time() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 300, 300, RED);
    let mut buffers = Vec::new();
    for step in 1..100 {
        let buffer = world.client(client).buffer(300 + 2 * step, 300 + step, GREEN);
        show(&toplevel.surface, &buffer);
        world.settle();
        let (width, height) = (300 + 2 * step as u32, 300 + step as u32);
        let image = world.daemon().image(id);
        assert_eq!((image.width, image.height), (width, height));
        assert_eq!((image.pixel(0, 0), image.pixel(width - 1, height - 1)), (0x00_ff00, 0x00_ff00));
        buffers.push(buffer);
    }
    assert_eq!(world.daemon().seen(id).buffers, 1 + 2, "room for all of it in two");
}

pub fn output(id: u32, x: i32, mode: (u32, u32), in_120ths: u32) -> Output {
    let logical = |pixels: u32| pixels * 120 / in_120ths;
    Output {
        id,
        x,
        y: 0,
        width: logical(mode.0),
        height: logical(mode.1),
        mode_width: mode.0,
        mode_height: mode.1,
        refresh_mhz: 75_000,
        scale: scale(in_120ths),
    }
}

#[test]
fn clients_see_the_gui_domains_outputs() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 64, 64, RED);
    world.daemon().conn.outputs(&[output(1, 0, (1280, 800), 120), output(7, 1280, (1920, 1080), 180)]);
    world.settle();
    assert_eq!(world.client(client).inbox.screens.count(), 2);
    world.client(client).listen_to_screens();
    let fractional = world.client(client).fractional_scale(&toplevel.surface);
    world.settle();
    let surface = toplevel.surface.id();
    let seen = &world.client(client).inbox.screens;
    let second = &seen.known["GUI-7"];
    assert_eq!((second.mode, second.refresh, second.place), ((1920, 1080), 75_000, (1280, 0)));
    assert_eq!((second.scale, second.logical), (2, (1280, 720)));
    assert_eq!(seen.fractional[&surface], 120);

    // the window goes over to the second
    let moved = Arrange { scale: scale(180), ..arrange(1500, 100, 64, 64, States::empty()) };
    world.daemon().conn.arrange(id, moved);
    world.settle();
    let seen = &world.client(client).inbox.screens;
    assert_eq!(seen.of[&surface].iter().collect::<Vec<_>>(), ["GUI-7"]);
    assert_eq!((seen.fractional[&surface], seen.whole[&surface]), (180, 2));

    // and the second goes away
    world.daemon().conn.outputs(&[output(1, 0, (1280, 800), 120)]);
    world.settle();
    assert_eq!(world.client(client).inbox.screens.count(), 1);
    assert_eq!(world.client(client).error, None);
    fractional.destroy();
}

#[test]
fn buffers_are_as_dense_as_the_client_draws() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 60, 40, RED);
    // by its buffer's scale
    let mut buffer = world.client(client).buffer(120, 80, RED);
    buffer.fill(|x, _| if x < 60 { RED } else { GREEN });
    toplevel.surface.set_buffer_scale(2);
    show(&toplevel.surface, &buffer);
    world.settle();
    let commit = world.daemon().seen(id).commits.last().unwrap().clone();
    assert_eq!((commit.width, commit.height, commit.scale), (60, 40, scale(240)));
    assert_eq!(world.daemon().image(id).grid(20, &LETTERS), ["RRRGGG"; 4].join("\n"));

    // by a viewport, at the scale it was told
    let told = Arrange { scale: scale(180), ..arrange(0, 0, 60, 40, States::empty()) };
    world.daemon().conn.arrange(id, told);
    world.settle();
    let buffer = world.client(client).buffer(90, 60, BLUE);
    let viewport = world.client(client).viewport(&toplevel.surface);
    viewport.set_destination(60, 40);
    toplevel.surface.set_buffer_scale(1);
    let moved = bytes_of(&mut world, |_| show(&toplevel.surface, &buffer));
    assert_eq!(moved, 90 * 60 * 4);
    let commit = world.daemon().seen(id).commits.last().unwrap().clone();
    assert_eq!((commit.width, commit.height, commit.scale), (60, 40, scale(180)));
    assert_eq!(commit.source, Rect::new(0, 0, 90, 60));
    assert_eq!(world.daemon().image(id).grid(30, &LETTERS), "BBB\nBBB");
    let released = world.client(client).inbox.buffers_released.last().cloned();
    assert_eq!(released, Some(buffer.buffer.id()), "copied one to one, so given back");
}

#[test]
fn what_is_translucent_stays_so_and_what_is_opaque_is_named() {
    let mut world = World::extended();
    let (client, toplevel, _buffer, id) = window(&mut world, 32, 32, RED);
    let region = world.client(client).region();
    region.add(0, 0, 32, 16);
    toplevel.surface.set_opaque_region(Some(&region));
    let mut buffer = world.client(client).buffer(32, 32, RED);
    buffer.fill(|_, y| if y < 16 { RED } else { 0x8000_8000 });
    show(&toplevel.surface, &buffer);
    world.settle();
    let commit = world.daemon().seen(id).commits.last().unwrap().clone();
    assert_eq!(commit.opaque, [Rect::new(0, 0, 32, 16)]);
    let half = [(0xff_0000, 'R'), (0x00_8000, 'g')];
    assert_eq!(world.daemon().image(id).grid(16, &half), "RR\ngg");
}

#[test]
fn a_window_goes_from_daemon_to_daemon_whatever_they_speak() {
    let mut world = World::extended();
    let (client, toplevel, mut buffer, id) = window(&mut world, 300, 300, RED);
    let mut kept = Vec::new();
    for (round, extended) in [false, true, true, false].into_iter().enumerate() {
        // a few frames at another size, so that there are several buffers and some with room
        for step in 0..3 {
            let side = 300 + 10 * round as i32 + step;
            buffer = world.client(client).buffer(side, side, GREEN);
            show(&toplevel.surface, &buffer);
            world.settle();
        }
        world.daemon().takes_frames = false;
        world.client(client).frame(&toplevel.surface);
        toplevel.surface.commit();
        world.settle();
        let done = world.client(client).inbox.frames_done;
        world.daemon = None;
        world.settle();
        world.client(client).frame(&toplevel.surface);
        buffer.fill(|x, _| if x < 150 { BLUE } else { RED });
        show(&toplevel.surface, &buffer);
        world.settle();
        match extended {
            true => world.start_extended_daemon(),
            false => world.start_daemon(),
        }
        let side = 302 + 10 * round as u32;
        let image = world.daemon().image(id);
        assert_eq!((image.width, image.height), (side, side));
        assert_eq!((image.pixel(149, 7), image.pixel(150, side - 1)), (0x00_00ff, 0xff_0000));
        assert!(world.client(client).inbox.frames_done > done, "whoever waited goes on");
        assert_eq!(world.client(client).error, None);
        kept.push(std::mem::replace(&mut buffer, world.client(client).buffer(1, 1, 0)));
    }
}

#[test]
fn an_agent_can_be_kept_to_the_plain_protocol() {
    let mut world = World::plain();
    world.start_extended_daemon();
    let (_, _toplevel, _buffer, id) = window(&mut world, 32, 32, RED);
    assert_eq!(world.daemon().conn.level(), 0);
    assert_eq!(world.daemon().seen(id).commits.len(), 0);
    assert_eq!(world.daemon().image(id).grid(16, &LETTERS), "RR\nRR");
}

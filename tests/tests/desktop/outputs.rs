//! Several screens of several scales: what each shows, and what clients are told of them.

use std::collections::BTreeSet;

use gui_daemon::{
    backend::BackendEvent,
    config::OutputConfig,
    ipc::{OutputChange, OutputMode},
    render::Color,
    scale::Scale,
    shell::{
        Id,
        geom::{Rect, Size},
    },
};
use transom_tests::client::{ScreenInfo, show};
use wayland_client::Proxy;

use crate::fixture::{App, Dom0, HEIGHT, Personal, WIDTH, World};

fn scale(number: f64) -> Scale {
    Scale::from_number(number).unwrap()
}

/// A screen of this many logical pixels.
fn output(name: &str, area: Rect, number: f64) -> OutputConfig {
    let scale = scale(number);
    let pixels = |length: i32| scale.physical(length) as u32;
    OutputConfig {
        name: name.to_owned(),
        x: area.x,
        y: area.y,
        width: pixels(area.width),
        height: pixels(area.height),
        refresh_hz: 0,
        scale,
        ..OutputConfig::default()
    }
}

/// The screen that other tests have, and to the right of it another of this scale.
fn beside(world: &mut World, number: f64) {
    let outputs = [
        output("left", Rect::new(0, 0, WIDTH, HEIGHT), 1.0),
        output("right", Rect::new(WIDTH, 0, WIDTH, HEIGHT), number),
    ];
    set(world, &outputs);
}

fn set(world: &mut World, outputs: &[OutputConfig]) {
    world.state().set_outputs(outputs).unwrap();
    world.settle();
}

/// Where a colour is on a screen, in its own pixels.
fn found(world: &mut World, name: &str, colour: u32) -> Option<(Rect, usize)> {
    let canvas = &world.state().outputs.named(name).unwrap().canvas;
    let grid = canvas.grid(Size::new(1, 1), &[(Color::from_pixel(colour), '#')]).unwrap();
    let lines = grid.lines().zip(0..);
    let points: Vec<(i32, i32)> = lines
        .flat_map(|(line, y)| line.bytes().zip(0..).filter(|(it, _)| *it == b'#').map(move |(_, x)| (x, y)))
        .collect();
    let left = points.iter().map(|it| it.0).min()?;
    let top = points.iter().map(|it| it.1).min()?;
    let right = points.iter().map(|it| it.0).max()?;
    let bottom = points.iter().map(|it| it.1).max()?;
    Some((Rect::new(left, top, right - left + 1, bottom - top + 1), points.len()))
}

fn frames(world: &mut World, name: &str) -> u64 {
    world.state().outputs.named(name).unwrap().frames()
}

/// What an application was told of its window's screens: which, the whole scale, and that in 120ths.
fn told(world: &mut World, app: &App) -> (Vec<String>, i32, u32) {
    let surface = app.toplevel.surface.id();
    let screens = &world.client(app.client).inbox.screens;
    (
        screens.of.get(&surface).into_iter().flatten().cloned().collect(),
        // One is what surfaces begin with.
        screens.whole.get(&surface).copied().unwrap_or(1),
        screens.fractional[&surface],
    )
}

fn on(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn each_screen_shows_its_part_of_a_window_between_them() {
    for (number, wide, high) in [(1.0, 60, 80), (1.5, 90, 120), (2.0, 120, 160)] {
        for who in [Personal, Dom0] {
            let mut world = World::new();
            beside(&mut world, number);
            let app = world.app(who, 100, 80);
            world.put(app.id, WIDTH - 44, 100);
            let content = world.content(app.id);
            assert_eq!(content, Rect::new(WIDTH - 40, 128, 100, 80));
            let left = Rect::new(WIDTH - 40, 128, 40, 80);
            assert_eq!(found(&mut world, "left", who.colour()), Some((left, 40 * 80)), "{who:?}");
            let right = Rect::new(0, scale(number).physical(128), wide, high);
            let pixels = (wide * high) as usize;
            assert_eq!(
                found(&mut world, "right", who.colour()),
                Some((right, pixels)),
                "{who:?} at {number}"
            );
        }
    }
}

#[test]
fn a_guest_that_knows_no_scales_covers_its_logical_size() {
    let mut world = World::new();
    set(&mut world, &[output("only", Rect::new(0, 0, WIDTH, HEIGHT), 1.5)]);
    let app = world.app(Personal, 100, 100);
    world.put(app.id, 100, 100);
    assert_eq!(world.content(app.id).size(), Size::new(100, 100));
    let place = Rect::new(156, 192, 150, 150);
    assert_eq!(found(&mut world, "only", Personal.colour()), Some((place, 150 * 150)));
}

/// Draws a chequered content of 81×41 for a scale, and sees on a screen that no pixel of it is mixed with its neighbours.
fn shows_every_pixel(world: &mut World, app: &App, factor: f64, screen: &str) {
    let (white, black) = (0xffab_cdef, 0xff12_3456);
    let client = world.client(app.client);
    let viewport = client.viewport(&app.toplevel.surface);
    let (width, height) = (scale(factor).physical(81), scale(factor).physical(41));
    let mut buffer = client.buffer(width, height, 0);
    buffer.fill(|x, y| if (x + y) % 2 == 0 { white } else { black });
    viewport.set_destination(81, 41);
    show(&app.toplevel.surface, &buffer);
    world.settle();
    assert_eq!(world.content(app.id).size(), Size::new(81, 41));
    let all = (width * height) as usize;
    let mut count = |colour| found(world, screen, colour).map_or(0, |(_, count)| count);
    assert_eq!(count(white), all.div_ceil(2));
    assert_eq!(count(black), all / 2);
}

#[test]
fn a_client_that_draws_for_the_scale_is_shown_pixel_by_pixel() {
    let mut world = World::new();
    set(&mut world, &[output("only", Rect::new(0, 0, WIDTH, HEIGHT), 1.25)]);
    let app = world.app(Dom0, 81, 41);
    world.put(app.id, 101, 101);
    shows_every_pixel(&mut world, &app, 1.25, "only");
}

#[test]
fn clients_are_told_of_every_screen() {
    let mut world = World::new();
    beside(&mut world, 1.5);
    let client = world.connect(Dom0);
    world.client(client).listen_to_screens();
    world.settle();
    let info = |mode, place, scale| ScreenInfo { mode, refresh: 0, place, scale, logical: (WIDTH, HEIGHT) };
    let known = &world.client(client).inbox.screens.known;
    assert_eq!(known.len(), 2);
    assert_eq!(known["left"], info((WIDTH, HEIGHT), (0, 0), 1));
    assert_eq!(known["right"], info((WIDTH * 3 / 2, HEIGHT * 3 / 2), (WIDTH, 0), 2));

    let mut outputs = world.state().outputs.configs();
    (outputs[1].scale, outputs[1].y) = (scale(3.0), 10);
    set(&mut world, &outputs);
    let right = &world.client(client).inbox.screens.known["right"];
    assert_eq!((right.scale, right.place, right.logical), (3, (WIDTH, 10), (WIDTH / 2, HEIGHT / 2)));

    set(&mut world, &outputs[..1]);
    assert_eq!(world.client(client).inbox.screens.count(), 1);
    assert_eq!(world.client(client).error, None);
}

#[test]
fn applications_of_a_domain_are_told_of_every_screen() {
    let mut world = World::new();
    beside(&mut world, 1.5);
    let client = world.connect(Personal);
    world.client(client).listen_to_screens();
    world.settle();
    let info = |mode, place, scale| ScreenInfo { mode, refresh: 0, place, scale, logical: (WIDTH, HEIGHT) };
    let all = |world: &mut World, client| {
        let known = &world.client(client).inbox.screens.known;
        let mut known: Vec<ScreenInfo> = known.values().cloned().collect();
        known.sort_by_key(|screen| screen.place);
        known
    };
    let left = info((WIDTH, HEIGHT), (0, 0), 1);
    let right = info((WIDTH * 3 / 2, HEIGHT * 3 / 2), (WIDTH, 0), 2);
    assert_eq!(all(&mut world, client), [left.clone(), right]);

    let outputs = world.state().outputs.configs();
    set(&mut world, &outputs[..1]);
    assert_eq!(world.client(client).inbox.screens.count(), 1);
    // A daemon that comes later tells its own.
    world.daemon = None;
    world.start_daemon();
    let client = world.connect(Personal);
    world.client(client).listen_to_screens();
    world.settle();
    assert_eq!(all(&mut world, client), [left]);
}

#[test]
fn an_application_of_a_domain_draws_for_its_screen_and_is_shown_pixel_by_pixel() {
    let mut world = World::new();
    beside(&mut world, 1.5);
    let app = world.app(Personal, 81, 41);
    let _listened = world.client(app.client).fractional_scale(&app.toplevel.surface);
    world.put(app.id, WIDTH + 101, 101);
    assert_eq!(world.client(app.client).inbox.screens.fractional[&app.toplevel.surface.id()], 180);
    shows_every_pixel(&mut world, &app, 1.5, "right");
}

#[test]
fn a_window_draws_for_the_screen_that_shows_most_of_it() {
    let mut world = World::new();
    beside(&mut world, 1.5);
    let app = world.app(Dom0, 200, 100);
    world.client(app.client).listen_to_screens();
    let _listened = world.client(app.client).fractional_scale(&app.toplevel.surface);
    world.settle();
    world.put(app.id, 100, 100);
    assert_eq!(told(&mut world, &app), (on(&["left"]), 1, 120));
    world.put(app.id, WIDTH - 150, 100);
    assert_eq!(told(&mut world, &app), (on(&["left", "right"]), 1, 120));
    world.put(app.id, WIDTH - 50, 100);
    assert_eq!(told(&mut world, &app), (on(&["left", "right"]), 2, 180));
    world.put(app.id, WIDTH + 50, 100);
    assert_eq!(told(&mut world, &app), (on(&["right"]), 2, 180));

    beside(&mut world, 1.75);
    assert_eq!(told(&mut world, &app), (on(&["right"]), 2, 210));
    app.toplevel.toplevel.set_minimized();
    world.settle();
    assert_eq!(told(&mut world, &app).0, on(&[]));
}

#[test]
fn a_subsurface_draws_for_its_windows_screen() {
    let mut world = World::new();
    beside(&mut world, 2.0);
    let app = world.app(Dom0, 200, 100);
    world.put(app.id, WIDTH + 50, 100);
    let (surface, subsurface) = world.client(app.client).subsurface(&app.toplevel.surface);
    world.client(app.client).listen_to_screens();
    subsurface.set_desync();
    let buffer = world.client(app.client).buffer(20, 20, 0xff00_0000);
    show(&surface, &buffer);
    app.toplevel.surface.commit();
    world.settle();
    let screens = &world.client(app.client).inbox.screens;
    assert_eq!(screens.whole[&surface.id()], 2);
    assert_eq!(screens.of[&surface.id()], BTreeSet::from(["right".to_owned()]));
}

#[test]
fn a_new_window_knows_its_scale_before_it_draws() {
    let mut world = World::new();
    beside(&mut world, 1.5);
    world.motion(WIDTH + 100, 100);
    let client = world.connect(Dom0);
    let surface = world.client(client).surface();
    let _listened = world.client(client).fractional_scale(&surface);
    world.settle();
    let screens = &world.client(client).inbox.screens;
    assert_eq!((screens.whole[&surface.id()], screens.fractional[&surface.id()]), (2, 180));
}

/// Does something that shows on the left screen, and asserts that the right one is not even asked for a frame: it is so slow
/// that it would still be waiting for it.
#[track_caller]
fn on_the_left_only(world: &mut World, change: impl FnOnce(&mut World)) {
    let before = (frames(world, "left"), frames(world, "right"));
    change(world);
    world.until("a frame of the left screen", |world| frames(world, "left") > before.0);
    assert!(!world.state().outputs.named("right").unwrap().is_queued());
    assert_eq!(frames(world, "right"), before.1);
}

#[test]
fn a_screen_on_which_nothing_changes_is_not_asked_for_frames() {
    let mut world = World::new();
    beside(&mut world, 1.5);
    let app = world.app(Dom0, 100, 80);
    let guest = world.app(Personal, 100, 80);
    world.put(app.id, 100, 100);
    world.put(guest.id, 300, 100);
    world.motion(150, 150);
    let mut outputs = world.state().outputs.configs();
    outputs[1].refresh_hz = 1;
    set(&mut world, &outputs);

    on_the_left_only(&mut world, |_| show(&app.toplevel.surface, &app.buffer));
    on_the_left_only(&mut world, |_| app.toplevel.toplevel.set_title("another".to_owned()));
    on_the_left_only(&mut world, |_| show(&guest.toplevel.surface, &guest.buffer));
    on_the_left_only(&mut world, |_| guest.toplevel.toplevel.set_title("another".to_owned()));
    on_the_left_only(&mut world, |world| {
        world.state().handle_input(BackendEvent::PointerMotion { x: 160.0, y: 160.0, time_ms: 1 });
    });
    on_the_left_only(&mut world, |world| {
        let state = world.state();
        state.shell.request_geometry(Id(app.id), Rect::new(130, 140, 100, 80));
        state.apply_effects();
    });
    on_the_left_only(&mut world, |_| guest.toplevel.toplevel.destroy());
    let right = frames(&mut world, "right");
    world.put(app.id, WIDTH - 30, 100);
    assert!(frames(&mut world, "right") > right);
}

#[test]
fn a_window_is_told_of_frames_by_its_own_screen() {
    let mut world = World::new();
    let mut slow = output("left", Rect::new(0, 0, WIDTH, HEIGHT), 1.0);
    beside(&mut world, 1.0);
    let app = world.app(Dom0, 200, 100);
    world.put(app.id, WIDTH - 50, 100);
    slow.refresh_hz = 1;
    let fast = output("right", Rect::new(WIDTH, 0, WIDTH, HEIGHT), 1.0);
    set(&mut world, &[slow, fast]);
    let frames_done = world.client(app.client).inbox.frames_done;
    for done in 1..=3 {
        world.client(app.client).frame(&app.toplevel.surface);
        show(&app.toplevel.surface, &app.buffer);
        world.until("a frame of the right screen", |world| {
            world.client(app.client).inbox.frames_done == frames_done + done
        });
    }
    assert!(world.state().outputs.named("left").unwrap().is_queued());
}

#[test]
fn windows_of_a_screen_that_goes_come_to_another() {
    let mut world = World::new();
    beside(&mut world, 1.5);
    let app = world.app(Dom0, 200, 100);
    world.client(app.client).listen_to_screens();
    let _listened = world.client(app.client).fractional_scale(&app.toplevel.surface);
    let guest = world.app(Personal, 200, 100);
    world.put(app.id, WIDTH + 100, 100);
    world.put(guest.id, WIDTH + 400, 100);
    world.motion(WIDTH + 500, 150);
    let outputs = world.state().outputs.configs();
    set(&mut world, &outputs[..1]);
    for id in [app.id, guest.id] {
        let band = world.frame(id).intersection(Rect::new(0, 0, WIDTH, HEIGHT));
        assert!(band.width >= 100, "{band:?}");
    }
    assert_eq!(told(&mut world, &app).0, on(&["left"]));
    assert!(world.state().pointer_position().x < WIDTH);

    // and what was there when it comes back is drawn on it again
    set(&mut world, &outputs);
    world.put(app.id, WIDTH + 100, 100);
    let place = Rect::new(156, 192, 300, 150);
    assert_eq!(found(&mut world, "right", Dom0.colour()), Some((place, 300 * 150)));
    assert_eq!(world.client(app.client).error, None);
    assert_eq!(world.take_warnings(), Vec::<String>::new());
}

#[test]
fn a_change_of_the_scale_keeps_windows_and_draws_them_anew() {
    let mut world = World::new();
    let app = world.app(Personal, 100, 80);
    world.put(app.id, 40, 40);
    let mut outputs = world.state().outputs.configs();
    for (number, width) in [(2.0, 200), (1.25, 125), (1.0, 100)] {
        outputs[0].scale = scale(number);
        set(&mut world, &outputs);
        assert_eq!(world.content(app.id), Rect::new(44, 68, 100, 80));
        let name = outputs[0].name.clone();
        let (place, _) = found(&mut world, &name, Personal.colour()).unwrap();
        assert_eq!((place.x, place.width), (scale(number).physical(44), width));
    }
}

#[test]
fn the_control_socket_lists_changes_adds_and_removes_screens() {
    let mut world = World::new();
    beside(&mut world, 1.5);
    let change = |world: &mut World, name: &str, change| {
        let outcome = world.state().change_output(name, change);
        world.settle();
        outcome
    };
    let listed = |world: &mut World| -> Vec<String> {
        let infos = world.state().output_infos();
        let line = |it: &gui_daemon::ipc::OutputInfo| {
            let (at, mode) = (it.geometry, it.mode);
            format!(
                "{} {}x{}{:+}{:+} {}x{} {}",
                it.name,
                at.width,
                at.height,
                at.x,
                at.y,
                mode.width,
                mode.height,
                it.scale.as_f64()
            )
        };
        infos.iter().map(line).collect()
    };
    assert_eq!(listed(&mut world), ["left 800x600+0+0 800x600 1", "right 800x600+800+0 1200x900 1.5"]);
    let mode = OutputMode { width: 640, height: 480, refresh_hz: 0 };
    change(&mut world, "third", OutputChange::Add { mode, scale: scale(2.0) }).unwrap();
    change(&mut world, "right", OutputChange::Scale(scale(2.0))).unwrap();
    change(&mut world, "third", OutputChange::Position { x: -320, y: 0 }).unwrap();
    assert_eq!(
        listed(&mut world),
        ["left 800x600+0+0 800x600 1", "right 600x450+800+0 1200x900 2", "third 320x240-320+0 640x480 2"]
    );
    change(&mut world, "right", OutputChange::Remove {}).unwrap();
    change(&mut world, "left", OutputChange::Mode(mode)).unwrap();
    assert_eq!(listed(&mut world), ["left 640x480+0+0 640x480 1", "third 320x240-320+0 640x480 2"]);

    let wrong = [
        ("right", OutputChange::Remove {}, "there is no output \"right\""),
        ("left", OutputChange::Add { mode, scale: Scale::ONE }, "there is an output \"left\" already"),
        ("third", OutputChange::Position { x: -319, y: 0 }, "output \"third\": it overlaps output \"left\""),
        (
            "third",
            OutputChange::Mode(OutputMode { width: 5, ..mode }),
            "output \"third\": a screen has sides of 64 to 16384 pixels",
        ),
    ];
    for (name, wish, expected) in wrong {
        assert_eq!(change(&mut world, name, wish).unwrap_err(), expected);
    }
    change(&mut world, "third", OutputChange::Remove {}).unwrap();
    let last = change(&mut world, "left", OutputChange::Remove {}).unwrap_err();
    assert_eq!(last, "the last output cannot be removed");
}

//! The user moves, resizes, maximises, minimises and closes windows, and clients choose sizes of their own.

use gui_daemon::shell::{
    Button,
    geom::{Point, Rect},
};
use wayland_protocols::xdg::shell::client::xdg_toplevel::State;

use crate::fixture::{App, Dom0, HEIGHT, Personal, Untrusted, WIDTH, Who, Work, World};

/// A window with its frame at 200,150, in everybody's case.
fn placed(world: &mut World, who: Who) -> App {
    let app = world.app(who, 250, 200);
    world.put(app.id, 200, 150);
    app
}

#[test]
fn the_title_band_moves_a_window() {
    for who in [Personal, Dom0] {
        let mut world = World::new();
        let app = placed(&mut world, who);
        let before = world.content(app.id);
        world.drag((300, 160), (350, 130));
        assert_eq!(world.content(app.id), Rect { x: before.x + 50, y: before.y - 30, ..before });
        world.assert_shown(app.id, who.colour());
        // a move is no resize: the client has nothing to do
        assert_eq!(world.client(app.client).inbox.close_requests, 0);
        let sizes = world.client(app.client).sizes(&app.toplevel);
        assert!(sizes.iter().all(|size| [(0, 0), (250, 200)].contains(size)), "{sizes:?}");
        // the band stays within reach
        world.drag((400, 140), (785, 599));
        let frame = world.frame(app.id);
        assert!(frame.y + 28 <= HEIGHT && frame.x < WIDTH - 100, "{frame:?}");
        world.drag((frame.x + 60, frame.y + 14), (10, 10));
        let frame = world.frame(app.id);
        assert!(frame.y >= 0 && frame.right() > 100, "{frame:?}");
    }
}

#[test]
fn every_edge_and_corner_resizes() {
    for who in [Untrusted, Dom0] {
        for (dx, dy) in [(-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (1, -1), (-1, 1), (1, 1)] {
            let mut world = World::new();
            let mut app = placed(&mut world, who);
            world.agree(&mut app);
            let (content, frame) = (world.content(app.id), world.frame(app.id));
            let from = |direction, low, high| match direction {
                -1 => low + 1,
                1 => high - 2,
                _ => (low + high) / 2,
            };
            let at = (from(dx, frame.x, frame.right()), from(dy, frame.y, frame.bottom()));
            // outwards by 40 and 30
            world.motion(at.0, at.1);
            world.button(0x110, true);
            for step in 1..=4 {
                world.motion(at.0 + dx * 10 * step, at.1 + dy * 30 * step / 4);
                world.agree(&mut app);
            }
            world.button(0x110, false);
            world.agree(&mut app);

            let expected = Rect {
                x: content.x - if dx < 0 { 40 } else { 0 },
                y: content.y - if dy < 0 { 30 } else { 0 },
                width: content.width + 40 * dx.abs(),
                height: content.height + 30 * dy.abs(),
            };
            assert_eq!(world.content(app.id), expected, "{who:?} {dx} {dy}");
            let last = *world.client(app.client).sizes(&app.toplevel).last().unwrap();
            assert_eq!(last, (expected.width, expected.height), "what the client was told");
            world.assert_shown(app.id, who.colour());
        }
    }
}

/// Where a button of a window's frame is.
fn on_button(world: &mut World, app: &App, button: Button) -> (i32, i32) {
    let shown = world.state().shell.window(gui_daemon::shell::Id(app.id)).unwrap();
    let (frame, insets) = (shown.frame, shown.insets);
    let Point { x, y } = button.rect(frame.size(), insets).centre();
    (frame.x + x, frame.y + y)
}

fn press(world: &mut World, app: &App, button: Button) {
    let (x, y) = on_button(world, app, button);
    world.click(x, y);
}

#[test]
fn the_close_button_asks_the_client() {
    for who in [Work, Dom0] {
        let mut world = World::new();
        let app = placed(&mut world, who);
        press(&mut world, &app, Button::Close);
        assert_eq!(world.client(app.client).inbox.close_requests, 1);
        assert_eq!(world.windows().len(), 1, "it is the client's to go");
        // a press that is let go of elsewhere is none
        let (x, y) = on_button(&mut world, &app, Button::Close);
        world.drag((x, y), (x, y + 100));
        assert_eq!(world.client(app.client).inbox.close_requests, 1);
    }
}

#[test]
fn maximise_fills_the_screen_and_comes_back() {
    for who in [Work, Dom0] {
        for by_double_click in [false, true] {
            let mut world = World::new();
            let mut app = placed(&mut world, who);
            let before = world.content(app.id);
            let toggle = |world: &mut World, app: &App| {
                let frame = world.frame(app.id);
                match by_double_click {
                    false => press(world, app, Button::Maximise),
                    true => world.double_click(frame.x + frame.width / 2, frame.y + 14),
                }
            };
            toggle(&mut world, &app);
            world.agree(&mut app);
            assert!(world.window(app.id).maximised);
            assert_eq!(world.frame(app.id), Rect::new(0, 0, WIDTH, HEIGHT), "the frame is on the screen");
            let inside = Rect::new(4, 28, WIDTH - 8, HEIGHT - 32);
            assert_eq!(world.content(app.id), inside);
            assert_eq!(world.screen().find(who.colour()).count() as i64, inside.area());

            toggle(&mut world, &app);
            world.agree(&mut app);
            assert!(!world.window(app.id).maximised);
            assert_eq!(world.content(app.id), before);
            world.assert_shown(app.id, who.colour());
        }
    }
}

#[test]
fn a_client_may_ask_to_be_maximised_or_fullscreen() {
    for who in [Work, Dom0] {
        let mut world = World::new();
        let mut app = placed(&mut world, who);
        let before = world.content(app.id);
        // not granted to a domain unless the configuration says so: its frame must stay
        app.toplevel.toplevel.set_fullscreen(None);
        world.settle();
        world.agree(&mut app);
        let (content, frame) = (world.content(app.id), world.frame(app.id));
        assert_eq!(frame, Rect::new(0, 0, WIDTH, HEIGHT));
        assert!(frame.encloses(content) && content.x >= 4 && content.right() <= WIDTH - 4);
        assert!(world.client(app.client).states(&app.toplevel).contains(&(State::Fullscreen as u32)));
        app.toplevel.toplevel.unset_fullscreen();
        world.settle();
        world.agree(&mut app);
        assert_eq!(world.content(app.id), before);
        assert!(!world.client(app.client).states(&app.toplevel).contains(&(State::Fullscreen as u32)));
    }
}

#[test]
fn fullscreen_keeps_a_border_even_where_it_is_allowed() {
    let mut world = World::with(shm_grant::Backend::Socket, &[Work], "allow_fullscreen = true");
    let mut app = placed(&mut world, Work);
    app.toplevel.toplevel.set_fullscreen(None);
    world.settle();
    world.agree(&mut app);
    assert_eq!(world.content(app.id), Rect::new(4, 4, WIDTH - 8, HEIGHT - 8));
    let screen = world.screen();
    let label = crate::fixture::screen::frame_colour(Work, true);
    for (x, y) in [(1, 300), (WIDTH - 2, 300), (400, 1), (400, HEIGHT - 2)] {
        assert_eq!(screen.pixel(x, y), label);
    }
}

#[test]
fn a_minimised_window_is_not_there_until_it_is_chosen() {
    for who in [Work, Dom0] {
        let mut world = World::new();
        let other = world.app(Personal, 100, 100);
        let app = placed(&mut world, who);
        press(&mut world, &app, Button::Minimise);
        assert!(world.window(app.id).minimised);
        assert_eq!(world.focused(), Some(other.id));
        assert_eq!(world.screen().find(who.colour()).count(), 0);

        world.key(crate::fixture::code::LEFT_ALT, true);
        world.tap(crate::fixture::code::TAB);
        world.key(crate::fixture::code::LEFT_ALT, false);
        assert!(!world.window(app.id).minimised);
        assert_eq!(world.focused(), Some(app.id));
        world.assert_shown(app.id, who.colour());
    }
}

#[test]
fn a_client_that_rounds_its_size_down_settles_quickly() {
    const STEP: i32 = 16;
    for who in [Work, Dom0] {
        let mut world = World::new();
        let mut app = placed(&mut world, who);
        let start = world.content(app.id);
        let configures = world.client(app.client).sizes(&app.toplevel).len();
        world.drag((start.right() + 1, start.bottom() + 1), (start.right() + 58, start.bottom() + 38));
        for _ in 0..10 {
            world.agree_to(&mut app, |(width, height)| (width / STEP * STEP, height / STEP * STEP));
        }
        let content = world.content(app.id);
        let wanted = (start.width + 57, start.height + 37);
        let rounded = (wanted.0 / STEP * STEP, wanted.1 / STEP * STEP);
        assert_eq!((content.width, content.height), rounded, "{who:?}");
        world.assert_shown(app.id, who.colour());
        // one for each step of the pointer, and one for each of two ends that insist
        let told = world.client(app.client).sizes(&app.toplevel).len() - configures;
        assert!(told <= 6, "{who:?}: {told} configures for one resize");
    }
}

#[test]
fn a_client_may_change_its_own_size() {
    for who in [Work, Dom0] {
        let mut world = World::new();
        let mut app = placed(&mut world, who);
        let before = world.content(app.id);
        for (width, height) in [(400, 100), (160, 300)] {
            world.resize(&mut app, (width, height));
            assert_eq!(world.content(app.id), Rect { width, height, ..before });
            world.assert_shown(app.id, who.colour());
        }
    }
}

//! The user fills halves and quarters of a screen with windows, by keys and by dragging titles to its edges.

use gui_daemon::{
    ipc::{OutputChange, OutputMode},
    shell::{
        Tile,
        geom::{Insets, Point, Rect},
    },
};
use wayland_protocols::xdg::shell::client::xdg_toplevel::State;

use crate::fixture::{
    App, Dom0, HEIGHT, Personal, Untrusted, WIDTH, Who, Work, World,
    code::{DOWN_ARROW, H, LEFT, LEFT_ARROW, LEFT_SUPER, RIGHT_ARROW, UP_ARROW},
    screen::frame_colour,
};

const SCREEN: Rect = Rect::new(0, 0, WIDTH, HEIGHT);
const FRAME: Insets = Insets { left: 4, right: 4, top: 28, bottom: 4 };

/// A key together with the logo key; then the application does what it is told.
fn chord(world: &mut World, app: &mut App, key: u32) {
    world.key(LEFT_SUPER, true);
    world.tap(key);
    world.key(LEFT_SUPER, false);
    world.agree(app);
}

/// Which edges the application was told that it is tiled at.
fn told(world: &mut World, app: &App) -> Vec<State> {
    let states = world.client(app.client).states(&app.toplevel);
    let edges = [State::TiledLeft, State::TiledRight, State::TiledTop, State::TiledBottom];
    edges.into_iter().filter(|edge| states.contains(&(*edge as u32))).collect()
}

/// That the application fills this part of the screen, in its frame, and knows it.
#[track_caller]
fn assert_tiled(world: &mut World, app: &App, who: Who, tile: Tile) {
    let area = tile.of(SCREEN);
    assert_eq!(world.frame(app.id), area, "{who:?}");
    assert_eq!(app.size, (area.width - 8, area.height - 32), "what the application draws");
    world.assert_shown(app.id, who.colour());
    let screen = world.screen();
    let (x, y) = (area.right() - 2, area.y + area.height / 2);
    assert_eq!(screen.pixel(x, y), frame_colour(who, world.focused() == Some(app.id)), "its frame");
    let edges = tile.edges();
    let expected = [
        (edges.left, State::TiledLeft),
        (edges.right, State::TiledRight),
        (edges.top, State::TiledTop),
        (edges.bottom, State::TiledBottom),
    ];
    let expected: Vec<State> = expected.into_iter().filter(|(at, _)| *at).map(|(_, state)| state).collect();
    assert_eq!(told(world, app), expected, "{who:?}");
}

#[test]
fn keys_place_the_window_that_has_the_keyboard() {
    for who in [Work, Dom0] {
        let mut world = World::new();
        let other = world.app(Untrusted, 250, 200);
        let mut app = world.app(who, 250, 200);
        world.put(app.id, 200, 150);
        let (before, others) = (world.content(app.id), world.frame(other.id));

        chord(&mut world, &mut app, LEFT_ARROW);
        assert_tiled(&mut world, &app, who, Tile::Left);
        chord(&mut world, &mut app, RIGHT_ARROW);
        assert_tiled(&mut world, &app, who, Tile::Right);
        chord(&mut world, &mut app, UP_ARROW);
        assert_eq!(world.frame(app.id), SCREEN);
        assert_eq!(told(&mut world, &app), []);
        chord(&mut world, &mut app, DOWN_ARROW);
        assert_tiled(&mut world, &app, who, Tile::Right);
        chord(&mut world, &mut app, DOWN_ARROW);
        assert_eq!((world.content(app.id), told(&mut world, &app)), (before, vec![]));
        world.assert_shown(app.id, who.colour());
        chord(&mut world, &mut app, DOWN_ARROW);
        assert!(world.window(app.id).minimised);
        assert_eq!(world.focused(), Some(other.id));
        assert_eq!(world.frame(other.id), others, "the others stay as they are");
        // No application saw any of it but the logo key.
        for client in [app.client, other.client] {
            let input = world.client(client).take_input();
            assert!(
                input.iter().all(|it| !it.starts_with("key ") || it.starts_with("key 125 ")),
                "{input:?}"
            );
        }
    }
}

#[test]
fn the_combinations_are_configured() {
    let mut world = World::with_keyboard("tile_left = \"Super+h\"\n");
    let mut app = world.app(Personal, 250, 200);
    let before = world.frame(app.id);
    chord(&mut world, &mut app, LEFT_ARROW);
    assert_eq!(world.frame(app.id), before);
    chord(&mut world, &mut app, H);
    assert_tiled(&mut world, &app, Personal, Tile::Left);
}

#[test]
fn a_title_dragged_to_an_edge_shows_where_the_window_will_be() {
    for who in [Work, Dom0] {
        for (x, y, tile) in [
            (0, 300, Tile::Left),
            (WIDTH - 1, 300, Tile::Right),
            (0, 0, Tile::UpperLeft),
            (WIDTH - 1, HEIGHT - 1, Tile::LowerRight),
        ] {
            let mut world = World::new();
            let mut app = world.app(who, 250, 200);
            world.put(app.id, 300, 250);
            let before = world.screen();
            world.motion(400, 260);
            world.button(LEFT, true);
            world.motion(400, 300);
            world.motion(x, y);
            let area = tile.of(SCREEN);
            let colour = frame_colour(who, true);
            let screen = world.screen();
            let rim = area.less(area.inset(Insets::uniform(4)));
            for (x, y) in rim.flat_map(|side| [(side.x, side.y), (side.right() - 1, side.bottom() - 1)]) {
                assert_eq!(screen.pixel(x, y), colour, "the rim at {x},{y} of {tile:?}");
            }
            let inside = (area.x + area.width / 2, area.y + 20);
            assert!(![colour, before.pixel(inside.0, inside.1)].contains(&screen.pixel(inside.0, inside.1)));
            // away from the edge nothing of it is left
            world.motion(400, 260);
            assert_eq!(world.screen().difference(&before), None);
            world.motion(x, y);
            world.button(LEFT, false);
            world.agree(&mut app);
            assert_tiled(&mut world, &app, who, tile);
            let content = who.colour() & 0x00ff_ffff;
            assert_eq!(world.screen().colours(area.inset(FRAME)), [content], "the veil is gone");
        }
    }
}

#[test]
fn a_tiled_window_comes_off_with_the_size_it_had() {
    for who in [Work, Dom0] {
        let mut world = World::new();
        let mut app = world.app(who, 250, 200);
        chord(&mut world, &mut app, LEFT_ARROW);
        world.drag((200, 14), (400, 300));
        world.agree(&mut app);
        assert_eq!((app.size, told(&mut world, &app)), ((250, 200), vec![]));
        let frame = world.frame(app.id);
        assert!(frame.contains(Point::new(400, 300)), "{frame:?}");
    }
}

#[test]
fn tiles_follow_their_screen_and_outlive_the_daemon() {
    let mut world = World::new();
    let mut app = world.app(Work, 250, 200);
    chord(&mut world, &mut app, RIGHT_ARROW);
    world.daemon = None;
    world.start_daemon();
    app.id = world.newest();
    world.agree(&mut app);
    assert_tiled(&mut world, &app, Work, Tile::Right);

    let mode = OutputMode { width: 640, height: 480, refresh_hz: 0 };
    let name = world.state().outputs.primary().unwrap().config().name.clone();
    world.state().change_output(&name, OutputChange::Mode(mode)).unwrap();
    world.settle();
    world.agree(&mut app);
    assert_eq!(world.frame(app.id), Tile::Right.of(Rect::new(0, 0, 640, 480)));
    assert_eq!(app.size, (320 - 8, 480 - 32));
}

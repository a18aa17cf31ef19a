//! A window that is resized, in every single frame: its content fills its frame, was drawn for that size, and the edges that
//! nobody pulls at stay.

use gui_daemon::shell::{
    Id,
    geom::{Edges, Point, Rect, Size},
};
use shm_grant::Backend;
use wayland_client::Proxy;

use crate::fixture::{
    App, Dom0, Personal, Who, World,
    screen::{Screen, frame_colour, points},
};

/// The outermost pixels of what the client draws.
const RIM: u32 = 0xff_01ff;

/// How often the pointer moves before the client answers once.
const LAG: i32 = 3;

/// Draws at a size: a rim, and inside of it a colour of that size alone.
fn draw(world: &mut World, app: &mut App, (width, height): (i32, i32)) {
    app.buffer = world.client(app.client).buffer(width, height, 0);
    let inside = inner_colour(Size::new(width, height));
    app.buffer.fill(|x, y| {
        let is_rim = x == 0 || y == 0 || x == width - 1 || y == height - 1;
        0xff00_0000 | if is_rim { RIM } else { inside }
    });
    app.size = (width, height);
    transom_tests::client::show(&app.toplevel.surface, &app.buffer);
    world.settle();
}

fn inner_colour(size: Size) -> u32 {
    0x40_0000 | (size.width as u32 & 0x1ff) << 8 | (size.height as u32 & 0xff)
}

/// Answers what the client was configured to, once. Says whether there was anything.
fn answer(world: &mut World, app: &mut App) -> bool {
    let client = world.client(app.client);
    if client.inbox.configures[&app.toplevel.xdg_surface.id()].is_empty() {
        return false;
    }
    client.ack(&app.toplevel.xdg_surface);
    let size = client.sizes(&app.toplevel).last().copied().filter(|size| *size != (0, 0));
    draw(world, app, size.unwrap_or(app.size));
    true
}

/// Where the content is in one frame, which must be whole.
#[track_caller]
fn content_of(screen: &Screen, who: Who) -> Rect {
    let rim: Vec<_> = screen.find(RIM).collect();
    let (left, top) = (rim.iter().map(|it| it.x).min().unwrap(), rim.iter().map(|it| it.y).min().unwrap());
    let (right, bottom) =
        (rim.iter().map(|it| it.x).max().unwrap(), rim.iter().map(|it| it.y).max().unwrap());
    let content = Rect::new(left, top, right - left + 1, bottom - top + 1);
    let inside = Rect::new(left + 1, top + 1, content.width - 2, content.height - 2);
    assert_eq!(rim.len() as i64, content.area() - inside.area(), "a rim that is whole: {content:?}");
    assert_eq!(screen.colours(inside), [inner_colour(content.size())], "drawn for {content:?}");
    // the frame is around it, and nothing is between
    let frame = frame_colour(who, true);
    for (x, y) in points(Rect::new(left - 3, top - 4, content.width + 6, content.height + 7)) {
        let beside = x < left || x > right || y > bottom;
        if beside && y > top {
            assert_ne!(screen.pixel(x, y), 0xff_ffff, "a gap at {x} {y} of {content:?}");
        }
    }
    assert_eq!(screen.pixel(left - 3, top + 5), frame);
    assert_eq!(screen.pixel(right + 3, top + 5), frame);
    assert_eq!(screen.pixel(left + 5, bottom + 3), frame);
    content
}

/// Pulls at these edges of a window, and looks at every frame. Returns where the content was in each. The pointer itself is
/// not seen: it would lie on the edge.
fn pull(who: Who, policy: &'static str, edges: Edges, by: (i32, i32)) -> Vec<Rect> {
    let mut world = World::with(Backend::Socket, &[Personal], policy);
    let mut app = world.app(who, 240, 160);
    world.put(app.id, 200, 150);
    draw(&mut world, &mut app, (240, 160));
    let (start, from) = (world.content(app.id), Point::new(300, 250));
    world.film = Some(Vec::new());
    world.state().shell.begin_resize(Id(app.id), edges, from);
    for step in 1..=12 {
        world.state().shell.pointer_motion(from.plus(Point::new(by.0 * step, by.1 * step)));
        world.state().apply_effects();
        world.settle();
        if step % LAG == 0 {
            answer(&mut world, &mut app);
        }
    }
    world.state().shell.pointer_release();
    world.state().apply_effects();
    world.settle();
    while answer(&mut world, &mut app) {}
    let end = world.content(app.id);
    let film = world.film.take().unwrap();
    let seen: Vec<Rect> = film.iter().map(|screen| content_of(screen, who)).collect();
    assert_eq!(seen.last(), Some(&end));
    let grown = Size::new(end.width - start.width, end.height - start.height);
    assert_eq!(
        (grown.width.abs(), grown.height.abs()),
        ((by.0 * 12).abs(), (by.1 * 12).abs()),
        "{start:?} {end:?}"
    );
    assert!(seen.iter().filter(|content| content.size() != start.size()).count() >= 4, "{seen:?}");
    seen
}

/// Every pairing that a window can be of.
const WAYS: [(Who, &str); 3] =
    [(Personal, "protocol = \"1.8+1\""), (Personal, "protocol = \"1.8\""), (Dom0, "")];

#[test]
fn the_right_edge_follows_and_the_left_one_stays() {
    for (who, policy) in WAYS {
        for by in [(7, 0), (-4, 0)] {
            let seen = pull(who, policy, Edges { right: true, ..Edges::NONE }, by);
            assert!(seen.iter().all(|content| content.x == seen[0].x && content.y == seen[0].y), "{seen:?}");
        }
    }
}

#[test]
fn the_left_edge_follows_and_the_right_one_stays() {
    for (who, policy) in WAYS {
        for by in [(-7, 0), (4, 0)] {
            let seen = pull(who, policy, Edges { left: true, ..Edges::NONE }, by);
            assert!(seen.iter().all(|content| content.right() == seen[0].right()), "{seen:?}");
        }
    }
}

#[test]
fn a_corner_follows_and_the_opposite_one_stays() {
    for (who, policy) in WAYS {
        let seen = pull(who, policy, Edges { left: true, top: true, ..Edges::NONE }, (-5, -6));
        let corner = |content: &Rect| (content.right(), content.bottom());
        assert!(seen.iter().all(|content| corner(content) == corner(&seen[0])), "{seen:?}");
    }
}

#[test]
fn maximising_shows_no_frame_in_between() {
    for (who, policy) in WAYS {
        let mut world = World::with(Backend::Socket, &[Personal], policy);
        let mut app = world.app(who, 240, 160);
        world.put(app.id, 200, 150);
        draw(&mut world, &mut app, (240, 160));
        world.film = Some(Vec::new());
        for maximised in [true, false] {
            let state = world.state();
            state.shell.request_maximise(Id(app.id), maximised);
            state.apply_effects();
            world.settle();
            while answer(&mut world, &mut app) {}
            assert_eq!(world.window(app.id).maximised, maximised);
            assert_eq!(world.content(app.id).width > 700, maximised);
        }
        let film = world.film.take().unwrap();
        let mut sizes: Vec<i32> = film.iter().map(|screen| content_of(screen, who).width).collect();
        sizes.dedup();
        let whole = sizes.iter().filter(|width| **width > 700).count();
        assert_eq!((whole, sizes.len() - whole <= 2), (1, true), "{who:?} {policy}: {sizes:?}");
    }
}

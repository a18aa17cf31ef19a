//! What a client changes is what changes on the screen.

use gui_daemon::shell::geom::Rect;

use crate::fixture::{DOMAINS, Dom0, Personal, Work, World, screen::points};

#[test]
fn damage_arrives_pixel_for_pixel() {
    for who in DOMAINS.into_iter().chain([Dom0]) {
        let mut world = World::new();
        let mut app = world.app(who, 300, 200);
        world.put(app.id, 100, 100);
        let content = world.content(app.id);
        let before = world.screen();

        let patch = Rect::new(40, 70, 64, 64);
        let colour = |x: i32, y: i32| 0xff00_0000 | (x * 3) as u32 | ((y * 5) as u32) << 8;
        app.buffer.fill(|x, y| if inside(patch, x, y) { colour(x, y) } else { who.colour() });
        app.toplevel.surface.attach(Some(&app.buffer.buffer), 0, 0);
        app.toplevel.surface.damage_buffer(patch.x, patch.y, patch.width, patch.height);
        app.toplevel.surface.commit();
        world.settle();

        let after = world.screen();
        let on_screen = Rect { x: content.x + patch.x, y: content.y + patch.y, ..patch };
        assert_eq!(after.difference(&before), Some((on_screen, 64 * 64)));
        for (x, y) in points(patch) {
            assert_eq!(after.pixel(content.x + x, content.y + y), colour(x, y) & 0xff_ffff);
        }
    }
}

#[test]
fn what_is_not_damaged_is_not_copied() {
    let mut world = World::new();
    let mut app = world.app(Personal, 300, 200);
    world.put(app.id, 100, 100);
    let before = world.screen();
    // the client lies: all has changed, but it says that of one row only
    app.buffer.fill(|_, _| 0xff00_ffff);
    app.toplevel.surface.attach(Some(&app.buffer.buffer), 0, 0);
    app.toplevel.surface.damage_buffer(0, 199, 300, 1);
    app.toplevel.surface.commit();
    world.settle();
    let content = world.content(app.id);
    let row = Rect { y: content.bottom() - 1, height: 1, ..content };
    assert_eq!(world.screen().difference(&before), Some((row, 300)));
}

#[test]
fn damage_of_a_covered_window_changes_nothing_above() {
    let mut world = World::new();
    let mut below = world.app(Personal, 300, 200);
    world.put(below.id, 100, 100);
    let above = world.app(Work, 200, 100);
    world.put(above.id, 150, 150);
    let before = world.screen();
    below.buffer.fill(|_, _| 0xff00_ffff);
    transom_tests::client::show(&below.toplevel.surface, &below.buffer);
    world.settle();
    let (content, covered) = (world.content(below.id), world.frame(above.id));
    let after = world.screen();
    let changed = points(content).filter(|(x, y)| !inside(covered, *x, *y)).count();
    assert_eq!(after.difference(&before), Some((content, changed)));
    world.assert_shown(above.id, Work.colour());
}

#[test]
fn frame_callbacks_come_with_frames() {
    for who in [Personal, Dom0] {
        let mut world = World::new();
        let app = world.app(who, 100, 100);
        for done in 1..=3 {
            world.client(app.client).frame(&app.toplevel.surface);
            transom_tests::client::show(&app.toplevel.surface, &app.buffer);
            world.settle();
            assert_eq!(world.client(app.client).inbox.frames_done, done);
        }
    }
}

fn inside(rect: Rect, x: i32, y: i32) -> bool {
    rect.contains(gui_daemon::shell::geom::Point::new(x, y))
}

//! What the pointer looks like, and who decides that where.

use gui_daemon::{render::SHARE, shell::geom::Rect};
use transom_tests::client::show;
use wayland_protocols::wp::cursor_shape::v1::client::wp_cursor_shape_device_v1::Shape;

use crate::fixture::{App, Dom0, HEIGHT, World};

const PICTURE: u32 = 0xff12_3456;

/// A window of dom0 with the pointer in its middle.
fn pointed_at(world: &mut World) -> App {
    let app = world.app(Dom0, 300, 300);
    world.put(app.id, 100, 100);
    let middle = world.content(app.id).centre();
    world.motion(middle.x, middle.y);
    app
}

/// Gives the pointer over the client's windows a picture of this size with this hot spot.
fn set_picture(world: &mut World, app: &App, size: i32, hot: (i32, i32)) {
    let client = world.client(app.client);
    let surface = client.surface();
    let buffer = client.buffer(size, size, PICTURE);
    let pointer = client.pointer.clone().unwrap();
    pointer.set_cursor(client.inbox.serial, Some(&surface), hot.0, hot.1);
    show(&surface, &buffer);
    world.settle();
}

#[test]
fn a_clients_picture_shows_over_its_window_and_not_over_its_frame() {
    let mut world = World::new();
    let app = pointed_at(&mut world);
    set_picture(&mut world, &app, 10, (4, 3));
    let middle = world.content(app.id).centre();
    let screen = world.screen_with_pointer();
    assert_eq!(screen.colours(Rect::new(middle.x - 4, middle.y - 3, 10, 10)), [PICTURE & 0xff_ffff]);
    assert_eq!(screen.find(PICTURE).count(), 100);
    let frame = world.frame(app.id);
    world.motion(frame.x + 40, frame.y + 10);
    assert_eq!(world.screen_with_pointer().find(PICTURE).count(), 0);
}

#[test]
fn no_picture_is_larger_than_its_share_or_far_from_the_pointer() {
    for (size, hot) in [(400, (200, 200)), (400, (0, 0)), (400, (i32::MIN, i32::MAX)), (400, (-5000, 5000))] {
        let mut world = World::new();
        let app = pointed_at(&mut world);
        set_picture(&mut world, &app, size, hot);
        let middle = world.content(app.id).centre();
        let most = HEIGHT / SHARE;
        let allowed = Rect::new(middle.x - most, middle.y - most, 2 * most, 2 * most);
        assert!(world.screen_with_pointer().find(PICTURE).all(|at| allowed.contains(at)), "{hot:?}");
        assert_eq!(world.client(app.client).error, None);
    }
}

#[test]
fn a_hidden_pointer_is_hidden_over_its_own_window_only() {
    let mut world = World::new();
    let app = pointed_at(&mut world);
    let client = world.client(app.client);
    client.pointer.clone().unwrap().set_cursor(client.inbox.serial, None, 0, 0);
    world.settle();
    assert!(world.screen_with_pointer() == world.screen());
    let frame = world.frame(app.id);
    for (x, y) in [(frame.x + 40, frame.y + 10), (700, 500)] {
        world.motion(x, y);
        assert!(world.screen_with_pointer() != world.screen(), "it shows at {x} {y}");
    }
}

#[test]
fn every_named_shape_is_drawn() {
    let mut world = World::new();
    let app = pointed_at(&mut world);
    let device = world.client(app.client).cursor_shapes();
    let serial = world.client(app.client).inbox.serial;
    let mut pictures = Vec::new();
    for shape in
        [Shape::Default, Shape::Text, Shape::Wait, Shape::Grab, Shape::ZoomIn, Shape::Help, Shape::NotAllowed]
    {
        device.set_shape(serial, shape);
        world.settle();
        let picture = world.screen_with_pointer();
        assert!(pictures.iter().all(|other| *other != picture), "{shape:?} looks like another");
        pictures.push(picture);
    }
}

//! Whose a window is shows on all four sides of it.

use wayland_protocols::xdg::shell::client::xdg_positioner::{Anchor, Gravity};

use gui_daemon::shell::geom::Rect;

use crate::fixture::{
    App, DOMAINS, Dom0, Personal, Untrusted, Who, Work, World,
    screen::{Screen, frame_colour},
};

/// A picture that is indented like the code around it.
#[track_caller]
pub fn assert_grid(screen: &Screen, expected: &str) {
    let expected: String =
        expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let grid = screen.grid().trim_end();
    assert!(grid == expected, "is:\n{grid}\nshould be:\n{expected}");
}

/// An application whose frame begins in this cell of the grid and covers this many.
pub fn app_at(world: &mut World, who: Who, (column, row): (i32, i32), (columns, rows): (i32, i32)) -> App {
    // the frame's borders are in the middle of the cells at its edges
    let app = world.app(who, columns * 32 - 36, rows * 32 - 60);
    world.put(app.id, column * 32 + 14, row * 32 + 14);
    app
}

#[test]
fn every_domain_has_its_frame() {
    let mut world = World::new();
    app_at(&mut world, Personal, (1, 1), (10, 7));
    app_at(&mut world, Work, (14, 2), (9, 5));
    app_at(&mut world, Untrusted, (6, 5), (11, 9));
    app_at(&mut world, Dom0, (18, 11), (6, 5));
    assert_grid(
        &world.screen(),
        "
        .........................
        .pppppppppp..............
        .p11111111p...wwwwwwwww..
        .p11111111p...w2222222w..
        .p11111111p...w2222222w..
        .p1111uuuuuuuuuuu22222w..
        .p1111u333333333uwwwwww..
        .pppppu333333333u........
        ......u333333333u........
        ......u333333333u........
        ......u333333333u........
        ......u333333333u.DDDDDD.
        ......u333333333u.D0000D.
        ......uuuuuuuuuuu.D0000D.
        ..................D0000D.
        ..................DDDDDD.
        .........................
        .........................
        ",
    );
}

#[test]
fn text_of_a_domain_stays_in_its_place() {
    let mut world = World::of_1_8();
    let app = app_at(&mut world, Personal, (1, 1), (20, 7));
    let frame = world.frame(app.id);
    let before = world.screen();
    // the name is there without any doing of the domain
    let band = Rect::new(frame.x + 4, frame.y + 4, 80, 20);
    assert!(before.colours(band).len() > 8, "a name, with soft edges");

    app.toplevel.toplevel.set_title("W".repeat(4000));
    world.settle();
    let (changed, _) = world.screen().difference(&before).expect("a title");
    let title = Rect::new(band.right(), frame.y, frame.width - 80 - 3 * 24 - 8, 28);
    assert!(title.encloses(changed), "{changed:?} is not in {title:?}");
    // the whole of the wire's 127 bytes that carry a title
    assert_eq!(world.window(app.id).title, "W".repeat(127));

    app.toplevel.toplevel.set_title("a\u{202e}b\u{7}\nc\u{feff}d\u{300}\u{301}".into());
    world.settle();
    assert_eq!(world.window(app.id).title, "ab cd\u{300}\u{301}");
}

#[test]
fn a_window_says_who_it_is() {
    let mut world = World::new();
    for who in [Personal, Dom0] {
        let app = world.app(who, 100, 100);
        app.toplevel.toplevel.set_title("a title".into());
        world.settle();
        let window = world.window(app.id);
        assert_eq!((window.domain.as_str(), window.label.as_str()), (who.name(), who.label()));
        assert_eq!(window.title, "a title");
        assert!(window.mapped && window.focused && !window.minimised && !window.maximised);
    }
}

/// Opens a menu of 96x64 at 20,30 of the window's content.
fn open_menu(world: &mut World, app: &App, colour: u32) -> Rect {
    let client = world.client(app.client);
    let positioner = client.positioner();
    positioner.set_size(96, 64);
    positioner.set_anchor_rect(20, 20, 10, 10);
    positioner.set_anchor(Anchor::BottomLeft);
    positioner.set_gravity(Gravity::BottomRight);
    let popup = client.popup(&app.toplevel.xdg_surface, &positioner);
    world.settle();
    let client = world.client(app.client);
    let buffer = client.buffer(96, 64, colour);
    client.ack(&popup.xdg_surface);
    transom_tests::client::show(&popup.surface, &buffer);
    world.settle();
    let id = world.newest();
    world.content(id)
}

#[test]
fn a_menu_has_its_frame_inside() {
    const MENU: u32 = 0xab_cdef;
    for who in DOMAINS {
        let mut world = World::new();
        let app = app_at(&mut world, who, (2, 2), (8, 6));
        let content = world.content(app.id);
        let menu = open_menu(&mut world, &app, 0xff00_0000 | MENU);
        assert_eq!(menu, Rect::new(content.x + 20, content.y + 30, 96, 64));
        let screen = world.screen();
        let inside = Rect::new(menu.x + 2, menu.y + 2, 92, 60);
        assert_eq!(screen.colours(inside), [MENU]);
        assert_eq!(screen.find(MENU).count(), 92 * 60, "none of it is on the frame");
        for side in [
            Rect { height: 2, ..menu },
            Rect { width: 2, ..menu },
            Rect { y: menu.bottom() - 2, height: 2, ..menu },
            Rect { x: menu.right() - 2, width: 2, ..menu },
        ] {
            assert_eq!(screen.colours(side), [frame_colour(who, false)], "{side:?}");
        }
    }
}

#[test]
fn a_menu_of_dom0_is_in_place_too() {
    let mut world = World::new();
    let app = app_at(&mut world, Dom0, (2, 2), (8, 6));
    let content = world.content(app.id);
    let menu = open_menu(&mut world, &app, 0xffab_cdef);
    assert_eq!(menu, Rect::new(content.x + 20, content.y + 30, 96, 64));
    assert_eq!(world.screen().pixel(menu.x + 48, menu.y + 32), 0xab_cdef);
}

#[test]
fn content_smaller_or_larger_than_its_window_is_cut_to_it() {
    // what a domain draws is one thing, which size its window has another; see the hostile peers for the worst of it
    let mut world = World::new();
    let app = app_at(&mut world, Work, (2, 2), (8, 6));
    let content = world.content(app.id);
    world.drag((content.right() + 1, content.y + 50), (content.right() + 65, content.y + 50));
    // the client does not draw anew, and at some time nobody waits for it any more
    let wider = Rect { width: content.width + 64, ..content };
    world.until("a wider frame", |world| world.content(app.id) == wider);
    let screen = world.screen();
    assert_eq!(screen.colours(content), [Work.colour() & 0xff_ffff]);
    assert_eq!(screen.colours(Rect { x: content.right(), width: 64, ..content }), [0xff_ffff]);
}

//! Frames and what they are held by: titles, edges, corners, buttons.

use super::*;

#[test]
fn frames_have_a_band_four_sides_and_buttons() {
    let mut shell = small_desktop();
    shown(&mut shell, WORK, cells(3, 4, 12, 5));
    let red = shown(&mut shell, RED, cells(12, 8, 16, 4));
    popup(&mut shell, RED, Some(red), cells(20, 6, 5, 4));
    assert_picture(
        &shell,
        "
        ········································
        ········································
        ··##############························
        ··#AAAAAAA__^xx#························
        ··#aaaaaaaaaaaa#························
        ··#aaaaaaaaaaaa#························
        ··#aaaaaaaa#########ccccc####···········
        ··#aaaaaaaa#BBBBBBBBccccc^xx#···········
        ··#aaaaaaaa#bbbbbbbbcccccbbb#···········
        ··##########bbbbbbbbcccccbbb#···········
        ···········#bbbbbbbbbbbbbbbb#···········
        ···········#bbbbbbbbbbbbbbbb#···········
        ···········##################···········
        ········································
        ········································
        ········································
        ",
    );
}

#[test]
fn content_narrower_than_its_buttons_lies_at_the_left_of_a_wider_frame() {
    let mut shell = small_desktop();
    shown(&mut shell, WORK, cells(3, 4, 2, 2));
    let drawn = picture::draw(&shell);
    let rows: Vec<String> = drawn.lines().skip(2).take(5).map(|row| row.chars().take(14).collect()).collect();
    assert_eq!(
        rows,
        ["··##########··", "··#AAA__^xx#··", "··#aa%%%%%%#··", "··#aa%%%%%%#··", "··##########··"]
    );
}

#[test]
fn each_edge_follows_the_pointer_and_the_others_stay() {
    let start = Rect::new(500, 400, 400, 300);
    let (right, bottom) = (start.right(), start.bottom());
    let places =
        [(498, 550), (901, 550), (700, 373), (700, 702), (498, 374), (901, 374), (498, 702), (901, 702)];
    for (x, y) in places {
        let mut shell = desktop();
        let id = shown(&mut shell, WORK, start);
        let Hit::Frame { part: FramePart::Edge(edges), .. } = shell.pointer_press(Point::new(x, y)) else {
            panic!("no edge at {x},{y}");
        };
        shell.pointer_motion(Point::new(x + 30, y + 20));
        let now = content(&shell, id);
        let expect = |pulled: bool, from: i32, by: i32| if pulled { from + by } else { from };
        assert_eq!(now.x, expect(edges.left, 500, 30), "{edges:?}");
        assert_eq!(now.y, expect(edges.top, 400, 20), "{edges:?}");
        assert_eq!(now.right(), expect(edges.right, right, 30), "{edges:?}");
        assert_eq!(now.bottom(), expect(edges.bottom, bottom, 20), "{edges:?}");
        shell.pointer_release();
        shell.pointer_motion(Point::new(0, 0));
        assert_eq!(content(&shell, id), now, "let go");
    }
}

#[test]
fn a_corner_is_easy_to_hit() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    let (frame, last) = (frame(&shell, id), Point::new(407, 331));
    let corner = |left: bool, top: bool| Edges { left, right: !left, top, bottom: !top };
    let part = |x, y| match shell.hit(frame.origin().plus(Point::new(x, y))) {
        Hit::Frame { part: FramePart::Edge(edges), .. } => edges,
        other => panic!("{other:?} at {x},{y}"),
    };
    for along in [0, 15] {
        assert_eq!([part(along, 0), part(0, along)], [corner(true, true); 2]);
        assert_eq!([part(last.x - along, 0), part(last.x, along)], [corner(false, true); 2]);
        assert_eq!([part(along, last.y), part(0, last.y - along)], [corner(true, false); 2]);
        assert_eq!([part(last.x - along, last.y), part(last.x, last.y - along)], [corner(false, false); 2]);
    }
    assert_eq!(part(16, 0), Edges { top: true, ..Edges::NONE });
    assert_eq!(part(0, 16), Edges { left: true, ..Edges::NONE });
}

#[test]
fn resizing_keeps_the_limits_and_the_opposite_edge() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    let size = |width, height| Some(Size::new(width, height));
    shell.set_limits(
        id,
        SizeLimits { min: size(200, 100), max: size(500, 350), increment: size(10, 20), base: size(5, 0) },
    );
    shell.begin_resize(id, Edges { left: true, top: true, ..Edges::NONE }, Point::new(500, 400));
    for (x, y, width, height) in [(496, 396, 395, 300), (0, 0, 495, 340), (1900, 1000, 205, 100)] {
        shell.pointer_motion(Point::new(x, y));
        assert_eq!(content(&shell, id), Rect::new(900 - width, 700 - height, width, height));
    }
    shell.request_geometry(id, Rect::new(0, 0, 50, 50));
    assert_eq!(content(&shell, id).size(), Size::new(205, 100), "the user's hand goes first");
}

#[test]
fn resizing_stops_where_the_title_would_go_out_of_reach() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    shell.begin_resize(id, Edges { top: true, ..Edges::NONE }, Point::new(600, 372 + 3));
    shell.pointer_motion(Point::new(600, 0));
    assert_eq!((frame(&shell, id).y, content(&shell, id).bottom()), (0, 700));
    shell.pointer_release();

    shell.request_geometry(id, Rect::new(-300, 400, 500, 300));
    shell.begin_resize(id, Edges { right: true, ..Edges::NONE }, Point::new(200, 500));
    shell.pointer_motion(Point::new(0, 500));
    assert_eq!((frame(&shell, id).right(), content(&shell, id).x), (128, -300));
}

#[test]
fn a_window_follows_the_pointer_by_its_title() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    let from = title_of(&shell, id);
    assert_eq!(shell.pointer_press(from), Hit::Frame { id, part: FramePart::Title });
    assert_eq!(shell.grabbed(), Some((id, FramePart::Title)));
    shell.pointer_motion(from.plus(Point::new(-20, 35)));
    assert_eq!(content(&shell, id), Rect::new(480, 435, 400, 300));
    shell.request_geometry(id, Rect::new(0, 0, 600, 200));
    assert_eq!(content(&shell, id), Rect::new(480, 435, 600, 200), "its owner may still choose its size");
    let other = shown(&mut shell, RED, Rect::new(100, 100, 40, 30));
    shell.begin_move(other, Point::new(110, 110));
    assert_eq!(shell.pointer_press(Point::new(110, 110)), Hit::Nothing);
    assert_eq!(shell.grabbed(), Some((id, FramePart::Title)), "one thing at a time");
    shell.pointer_release();
    assert_eq!(shell.grabbed(), None);
}

#[test]
fn a_maximised_window_comes_off_under_the_pointer() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    shell.request_maximise(id, true);
    shell.pointer_press(Point::new(960, 10));
    shell.pointer_motion(Point::new(963, 15));
    assert!(state(&shell, id).maximised, "a hand may shake");
    shell.pointer_motion(Point::new(963, 60));
    assert!(!state(&shell, id).maximised);
    assert_eq!(frame(&shell, id), Rect::new(963 - 204, 50, 408, 332));
    shell.pointer_motion(Point::new(1000, 100));
    assert_eq!(frame(&shell, id).origin(), Point::new(1000 - 204, 90));
    assert_eq!(shell.hit(Point::new(1000, 100)), Hit::Frame { id, part: FramePart::Title });
}

#[test]
fn a_maximised_window_comes_to_the_pointer_from_anywhere() {
    let right = Rect::new(1920, 0, 1920, 1080);
    for (x, y) in [(500, 700), (3500, 700)] {
        let mut shell = Shell::new(Metrics::default(), vec![OUTPUT, right]);
        let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
        shell.request_maximise(id, true);
        shell.begin_move(id, Point::new(x, y));
        shell.pointer_motion(Point::new(x, y + 8));
        let visible = frame(&shell, id);
        assert!(Rect { height: 28, ..visible }.contains(Point::new(x, y + 8)), "{visible:?}");
    }
}

#[test]
fn a_maximised_window_can_be_resized_from_the_size_it_has() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    shell.request_maximise(id, true);
    shell.begin_resize(id, Edges { right: true, ..Edges::NONE }, Point::new(1919, 500));
    shell.pointer_motion(Point::new(1819, 500));
    assert_eq!(frame(&shell, id), Rect::new(0, 0, 1820, 1080));
    assert_eq!(state(&shell, id), State::default());
}

#[test]
fn a_button_acts_where_it_was_pressed() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    let [close, maximise, minimise] = Button::ALL.map(|button| middle_of(&shell, id, button));
    effects(&mut shell);
    shell.pointer_press(close);
    assert_eq!(shell.grabbed(), Some((id, FramePart::Button(Button::Close))));
    shell.pointer_motion(maximise);
    shell.pointer_release();
    assert_eq!(effects(&mut shell), [], "slid off");

    click(&mut shell, close);
    assert_eq!(effects(&mut shell), [Effect::Close { id }]);
    let other = shown(&mut shell, RED, Rect::new(500, 400, 400, 300));
    click(&mut shell, close);
    shell.remove(other);
    assert!(!effects(&mut shell).contains(&Effect::Close { id: other }), "gone before it was asked to");
    click(&mut shell, minimise);
    assert!(state(&shell, id).minimised);
    shell.request_focus(id);
    click(&mut shell, maximise);
    assert!(state(&shell, id).maximised);
    let maximise = middle_of(&shell, id, Button::Maximise);
    click(&mut shell, maximise);
    assert!(!state(&shell, id).maximised);
}

//! Content drawn without the rest of the desktop.

use super::*;

const SHOWN: Rect = Rect::new(10, 30, 100, 50);

/// A window whose content lets what is below it shine through.
fn translucent(width: i32, height: i32) -> Guest {
    let mut guest = Guest::new(width, height, A);
    let (across, down) = (width as u32, height as u32);
    let layout = PixelLayout { width: across, height: down, stride_bytes: across * 4, offset: 0 };
    let argb = GuestPixels::new(|| guest.pages.image(layout, PixelFormat::Argb8888));
    guest.image.replace(argb.unwrap());
    guest.image.set_opaque(Some(Vec::new()));
    guest
}

fn window<'a>(title: &str, guest: &'a Guest) -> View<'a> {
    let spec = FrameSpec { title: title.to_owned(), ..spec("red", true) };
    toplevel(1, spec, SHOWN, Content::Guest(&guest.image))
}

#[test]
fn content_drawn_alone_is_not_drawn_again_with_the_scene() {
    let mut guest = Guest::new(100, 50, A);
    let mut canvas = canvas(128, 96);
    canvas.render(&scene(vec![window("one", &guest)])).unwrap();

    for step in 0..40 {
        guest.paint(Rect::new(20 + step, 10, 10, 10), B);
        let drawn = canvas.refresh(&[window("one", &guest)], None).unwrap();
        assert_eq!(drawn.unwrap(), [Rect::new(30 + step, 40, 10, 10)]);
    }
    assert_eq!(canvas.refresh(&[window("one", &guest)], None).unwrap().unwrap(), []);
    assert_eq!(pixel_at(&canvas, 30, 40), pixel(B));
    assert_eq!(canvas.render(&scene(vec![window("one", &guest)])).unwrap(), []);

    guest.paint(Rect::new(0, 0, 1, 1), A);
    canvas.refresh(&[window("one", &guest)], None).unwrap().unwrap();
    guest.paint(Rect::new(0, 40, 5, 5), B);
    let drawn = canvas.render(&scene(vec![window("two", &guest)])).unwrap();
    let content: Vec<Rect> =
        drawn.iter().map(|rect| rect.intersection(SHOWN)).filter(|rect| !rect.is_empty()).collect();
    assert_eq!(content, [Rect::new(10, 70, 5, 5)]);
}

#[test]
fn what_lies_under_another_window_is_not_drawn() {
    let (mut below, above) = (Guest::new(100, 50, A), Guest::new(60, 50, B));
    let mut canvas = canvas(128, 96);
    let over = || {
        let content = Rect { width: 60, ..SHOWN };
        toplevel(2, spec("blue", true), content, Content::Guest(&above.image))
    };
    canvas.render(&scene(vec![over(), window("", &below)])).unwrap();
    below.paint(Rect::new(0, 0, 50, 50), BLUE);
    assert_eq!(canvas.refresh(&[window("", &below)], None).unwrap().unwrap(), []);
    below.paint(Rect::new(0, 0, 70, 50), BLUE);
    // the frame of the one above is four pixels wide
    assert_eq!(canvas.refresh(&[window("", &below)], None).unwrap().unwrap(), [Rect::new(74, 30, 6, 50)]);
    assert_eq!(pixel_at(&canvas, 60, 40), pixel(B));
    assert_eq!(pixel_at(&canvas, 75, 40), pixel(BLUE));
}

#[test]
fn anything_else_takes_a_scene() {
    let guest = Guest::new(100, 50, A);
    let small = Guest::new(90, 50, A);
    let mut canvas = canvas(128, 96);
    let mut refresh = |view, cursor| canvas.refresh(&[view], cursor).unwrap();
    assert_eq!(refresh(window("", &guest), None), None, "nothing was drawn before");
    canvas.render(&scene(vec![window("", &guest)])).unwrap();
    let mut refresh = |view, cursor| canvas.refresh(&[view], cursor).unwrap();
    assert_eq!(refresh(window("", &guest), None), Some(Vec::new()));
    assert_eq!(refresh(window("", &small), None), None, "another image");
    assert_eq!(refresh(View { id: Id(2), ..window("", &guest) }, None), None, "another window");
    let moved = SHOWN.moved_to(Point::new(11, 30));
    let moved = toplevel(1, spec("red", true), moved, Content::Guest(&guest.image));
    assert_eq!(refresh(moved, None), None, "another place");
    assert_eq!(refresh(View { pixels: Content::Empty, ..window("", &guest) }, None), None, "no content");
    assert_eq!(refresh(window("", &guest), Some(&shape(CursorIcon::Text, 30, 50))), None, "a pointer");
    canvas.move_to(Point::new(1, 0));
    assert_eq!(canvas.refresh(&[window("", &guest)], None).unwrap(), None, "another part of the desktop");
}

/// What happens before a frame.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Content changes: first of one window, then of another.
    Paint(usize, Rect, Rect),
    /// A window moves, comes or goes.
    Place(usize, Rect, bool),
    Point(i32, i32),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0..3usize, rects(), rects()).prop_map(|(which, one, other)| Step::Paint(which, one, other)),
        1 => (0..3usize, rects(), any::<bool>()).prop_map(|(which, place, there)| Step::Place(which, place, there)),
        1 => (0..96, 0..96).prop_map(|(x, y)| Step::Point(x, y)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn content_drawn_alone_looks_like_the_whole_scene_drawn_at_once(
        steps in prop::collection::vec(step(), 1..24),
        scale in prop::sample::select(vec![1.0, 1.25, 2.0]),
    ) {
        let mut guests = [Guest::new(60, 50, A), translucent(70, 60), Guest::new(50, 40, BLUE)];
        let mut placed = [8, 20, 40].map(|at| (Rect::new(at, at + 20, 40, 30), true));
        let mut stepwise = scaled_canvas(96, 96, scale);
        let (mut cursor, mut refreshed) = (None, false);
        for (number, step) in (0..).zip(steps) {
            match step {
                Step::Paint(which, one, other) => {
                    let guest = &mut guests[which];
                    let image = Rect::at(Point::default(), guest.image.size());
                    guest.paint(one.intersection(image), Color::new(number * 9, 200, 90));
                    guest.paint(other.intersection(image), Color::new(number * 9, 20, 90));
                }
                Step::Place(which, place, there) => placed[which] = (place, there),
                Step::Point(x, y) => cursor = Some(shape(CursorIcon::Default, x, y)),
            }
            let view = |which: usize| {
                let pixels = Content::Guest(&guests[which].image);
                toplevel(which as u64, spec("red", which == 0), placed[which].0, pixels)
            };
            let views = (0..3).filter(|which| placed[*which].1).map(view).collect();
            let whole = Scene { cursor: cursor.clone(), ..scene(views) };
            let alone = match step {
                Step::Paint(which, ..) if placed[which].1 => {
                    stepwise.refresh(&[view(which)], cursor.as_ref()).unwrap().is_some()
                }
                _ => false,
            };
            if !alone {
                stepwise.render(&whole).unwrap();
            }
            refreshed |= alone;
            let mut at_once = scaled_canvas(96, 96, scale);
            at_once.render(&whole).unwrap();
            prop_assert!(pixels(&stepwise) == pixels(&at_once), "alone: {alone}, some before: {refreshed}");
        }
    }
}

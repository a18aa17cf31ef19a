//! The same scenes on screens of other scales and places.

use proptest::prelude::*;

use super::*;
use crate::render::elements::{Area, Mapping};

/// The scales that people use, and two that hit no pixel.
const SCALES: [u32; 7] = [120, 150, 160, 180, 210, 240, 155];

fn mapping(parts: u32, origin: Point) -> Mapping {
    Mapping { scale: Scale::from_120ths(parts).unwrap(), origin }
}

fn area(x: i32, y: i32, width: i32, height: i32) -> Area {
    Area::new((x, y).into(), (width, height).into())
}

/// A canvas for the desktop around `view`, drawn.
fn drawn(size: (i32, i32), scale: f64, view: View<'_>) -> Canvas {
    let mut canvas = scaled_canvas(size.0, size.1, scale);
    canvas.render(&scene(vec![view])).unwrap();
    canvas
}

#[test]
fn edges_lie_on_the_nearest_pixel() {
    let rect = Rect::new(1, 2, 3, 5);
    let origin = Point::default();
    assert_eq!(mapping(120, origin).rect(rect), area(1, 2, 3, 5));
    assert_eq!(mapping(150, origin).rect(rect), area(1, 3, 4, 6));
    assert_eq!(mapping(180, origin).rect(rect), area(2, 3, 4, 8));
    assert_eq!(mapping(210, origin).rect(rect), area(2, 4, 5, 8));
    assert_eq!(mapping(240, origin).rect(rect), area(2, 4, 6, 10));
    assert_eq!(mapping(180, Point::new(1, -2)).rect(rect), area(0, 6, 5, 8));
    assert_eq!(mapping(180, Point::new(10, 10)).rect(rect), area(-13, -12, 4, 8));
}

#[test]
fn a_window_has_one_size_wherever_it_lies() {
    for (parts, size) in [(150, (13, 9)), (180, (15, 11)), (210, (18, 12)), (240, (20, 14))] {
        for x in -20..20 {
            let mapping = mapping(parts, Point::new(3, 1));
            let snapped = mapping.snapped(Rect::new(x, 2 * x, 10, 7));
            assert_eq!((snapped.size.w, snapped.size.h), size, "{parts} at {x}");
            assert_eq!(snapped.loc, mapping.rect(Rect::new(x, 2 * x, 10, 7)).loc);
        }
    }
}

proptest! {
    #[test]
    fn neighbours_have_no_gap_and_no_overlap(
        at in -40_000..40_000i32, left in 1..4000i32, right in 1..4000i32, origin in -20_000..20_000i32,
        parts in 60..=960u32,
    ) {
        let mapping = mapping(parts, Point::new(origin, -origin));
        let (a, b) = (Rect::new(at, at, left, 9), Rect::new(at + left, at, right, 9));
        let both = mapping.rect(Rect::new(at, at, left + right, 9));
        let (a, b) = (mapping.rect(a), mapping.rect(b));
        prop_assert_eq!(a.loc.x + a.size.w, b.loc.x);
        prop_assert_eq!(a.size.w + b.size.w, both.size.w);
        prop_assert_eq!((a.loc, a.size.h), (both.loc, both.size.h));
    }

    /// Whatever the scale, and wherever things lie between pixels.
    #[test]
    fn no_pixel_of_a_domain_lies_on_its_frame_at_any_scale(
        outer in (-30..50i32, -30..50i32, 1..90i32, 1..90i32), parts in 60..=480u32, origin in -9..9i32, small in any::<bool>(),
    ) {
        let (x, y, width, height) = outer;
        let outer = Rect::new(x, y, width, height);
        let guest = if small { Guest::new(5, 5, A) } else { Guest::new(120, 120, A) };
        let view = View {
            id: Id(1),
            frame: spec("red", true),
            outer,
            insets: Insets::uniform(2),
            content: outer,
            pixels: Content::Guest(&guest.image),
            background: B,
        };
        let mapping = mapping(parts, Point::new(origin, origin));
        let frame = mapping.rect(outer);
        let mut canvas = Canvas::new(Size::new(96, 96), mapping.scale, Text::without_fonts()).unwrap();
        canvas.move_to(mapping.origin);
        canvas.render(&scene(vec![view])).unwrap();
        for (at, drawn) in (0i32..).zip(pixels(&canvas)) {
            let place = smithay::utils::Point::from((at % 96, at / 96));
            let inside = frame.contains(place);
            let rim = inside && !super::super::elements::grown(frame, -1).contains(place);
            let color = Color::from_pixel(drawn);
            prop_assert_eq!(color == DESK, !inside, "{:?} in {:?}", place, frame);
            prop_assert!(!rim || color == RED, "{:?} in {:?}: {:?}", place, frame, color);
            // Content is of one colour: whatever is mixed with anything else would not be it.
            prop_assert!([DESK, RED, A, B].contains(&color), "{:?}: {:?}", place, color);
        }
    }
}

#[test]
fn a_frame_is_as_thick_as_its_scale_says() {
    let guest = Guest::new(40, 8, A);
    let view = || toplevel(1, spec("red", true), Rect::new(8, 32, 40, 8), Content::Guest(&guest.image));
    let expected = "
        ..............
        .RRRRRRRRRRRR.
        .RRRRRRRRRRRR.
        .RR???RRR?RRR.
        .RR?RRRR?RRRR.
        .RR?wwR?RRRRR.
        .RRRRRRRRRRRR.
        .RRRRRRRRRRRR.
        .R1111111111R.
        .R1111111111R.
        .RRRRRRRRRRRR.
        ..............
        ";
    for scale in [1.0, 1.5, 2.0] {
        let pixels = |length: i32| (f64::from(length) * scale) as i32;
        let canvas = drawn((pixels(56), pixels(48)), scale, view());
        let palette = [(DESK, '.'), (RED, 'R'), (A, '1'), (Color::WHITE, 'w')];
        let cell = Size::new(pixels(4), pixels(4));
        let grid = canvas.grid(cell, &palette).unwrap();
        // The buttons' strokes fall differently on pixels.
        let plain = |text: &str| -> Vec<String> {
            text.trim().lines().map(|row| row.trim().replace(['?', 'w'], "R")).collect()
        };
        assert_eq!(plain(&grid), plain(expected), "at {scale}:\n{grid}");
    }
}

#[test]
fn the_line_along_the_content_is_whole_at_any_scale() {
    let (guest, text) = (Guest::new(300, 20, A), Text::default());
    for parts in SCALES {
        let scale = Scale::from_120ths(parts).unwrap();
        for at in 30..34 {
            let frame = FrameSpec { name: "vault".to_owned(), title: "j".repeat(90), ..spec("red", true) };
            let content = Rect::new(20, at, 300, 20);
            let size = Size::new(scale.physical(340), scale.physical(60));
            let mut canvas = Canvas::new(size, scale, text.clone()).unwrap();
            canvas.render(&scene(vec![toplevel(1, frame, content, Content::Guest(&guest.image))])).unwrap();
            let (shown, top) = (pixels(&canvas), scale.physical(at));
            for y in top - scale.physical(1)..top {
                let row = (y * size.width + scale.physical(20)) as usize..;
                let row = &shown[row][..scale.physical(300) as usize];
                assert!(row.iter().all(|it| *it == row[0] && *it != pixel(RED)), "{parts} {at}: {y}");
            }
        }
    }
}

#[test]
fn a_guest_without_scales_is_stretched() {
    let mut guest = Guest::new(100, 100, A);
    guest.paint(Rect::new(50, 0, 50, 100), B);
    let view = || toplevel(1, spec("red", true), Rect::new(8, 32, 100, 100), Content::Guest(&guest.image));
    for (scale, side, soft) in [(1.0, 100, 0), (1.5, 150, 1), (2.0, 200, 0), (3.0, 300, 0)] {
        let size = (f64::from(116) * scale) as i32;
        let canvas = drawn((size, size + side), scale, view());
        let all = pixels(&canvas);
        let count = |color| all.iter().filter(|&&drawn| drawn == pixel(color)).count() as i32;
        let half = side * side / 2;
        // Every pixel of it, to the very rim, but for a soft line where its colours meet.
        let mixed = half * 2 - count(A) - count(B);
        assert!(mixed <= 2 * side * soft, "at {scale}: {mixed}");
        let (x, y) = ((8.0 * scale) as i32, (32.0 * scale) as i32);
        for (x, y, color) in [
            (x, y, A),
            (x + side - 1, y, B),
            (x, y + side - 1, A),
            (x + side - 1, y + side - 1, B),
            (x + side / 2 - 2, y + 7, A),
            (x + side / 2 + 2, y + 7, B),
        ] {
            assert_eq!(pixel_at(&canvas, x, y), pixel(color), "at {scale}: {x} {y}");
        }
        assert_ne!(pixel_at(&canvas, x - 1, y + 9), pixel(A));
        assert_ne!(pixel_at(&canvas, x + side, y + 9), pixel(B));
    }
}

#[test]
fn what_was_drawn_for_a_scale_is_shown_pixel_by_pixel() {
    for parts in SCALES {
        let scale = Scale::from_120ths(parts).unwrap();
        let (width, height) = (scale.physical(37), scale.physical(23));
        // Some pixels to the left and above that are no part of the window.
        let mut guest = Guest::new(width + 9, height + 5, BLUE);
        for y in 0..height {
            for x in 0..width {
                guest.paint(Rect::new(9 + x, 5 + y, 1, 1), if (x + y) % 2 == 0 { A } else { B });
            }
        }
        guest.image.show(Rect::new(9, 5, width, height), Size::new(37, 23));
        for at in 8..14 {
            let content = Rect::new(at, at + 25, 37, 23);
            let mut canvas = Canvas::new(Size::new(160, 160), scale, Text::without_fonts()).unwrap();
            draw(&mut canvas, &guest.image, content);
            let (left, top) = (scale.physical(at), scale.physical(at + 25));
            let shown = pixels(&canvas);
            for y in 0..height {
                for x in 0..width {
                    let expected = if (x + y) % 2 == 0 { A } else { B };
                    let at = ((top + y) * 160 + left + x) as usize;
                    assert_eq!(shown[at], pixel(expected), "{parts}: {x} {y} of {content:?}");
                }
            }
        }
    }
}

#[test]
fn two_screens_show_a_window_on_both() {
    let guest = Guest::new(40, 20, A);
    let view = || toplevel(1, spec("red", true), Rect::new(20, 32, 40, 20), Content::Guest(&guest.image));
    let mut left = canvas(40, 64);
    let mut right = scaled_canvas(80, 128, 2.0);
    right.move_to(Point::new(40, 0));
    left.render(&scene(vec![view()])).unwrap();
    right.render(&scene(vec![view()])).unwrap();
    let row = |canvas: &Canvas, cell: i32| {
        let palette = [(DESK, '.'), (RED, 'R'), (A, '1')];
        let grid = canvas.grid(Size::new(cell, cell), &palette).unwrap();
        grid.lines().nth(10).unwrap().to_owned()
    };
    assert_eq!(row(&left, 4), "....R11111");
    assert_eq!(row(&right, 8), "11111R....");
}

#[test]
fn steps_at_a_fraction_look_like_all_at_once() {
    let mut guest = Guest::new(90, 60, A);
    let content = Rect::new(5, 31, 90, 60);
    for parts in [150, 180, 210] {
        let scale = Scale::from_120ths(parts).unwrap();
        let new = || Canvas::new(Size::new(200, 200), scale, Text::without_fonts()).unwrap();
        let mut stepwise = new();
        for step in 0..30 {
            let rect = Rect::new(step * 2, step, 3 + step % 5, 4);
            guest.paint(rect, if step % 2 == 0 { B } else { BLUE });
            let drawn = draw(&mut stepwise, &guest.image, content);
            if step > 0 {
                let area: i64 = drawn.iter().map(|rect| rect.area()).sum();
                assert!((1..500).contains(&area), "{parts}: {drawn:?}");
            }
            let mut at_once = new();
            draw(&mut at_once, &guest.image, content);
            assert!(pixels(&stepwise) == pixels(&at_once), "{parts}: step {step}");
        }
    }
}

#[test]
fn a_window_far_to_the_left_does_not_keep_a_frame_from_being_drawn() {
    let guest = Guest::new(16000, 20, A);
    let content = Rect::new(-15_950, 32, 16_000, 20);
    let mut canvas = scaled_canvas(400, 400, 4.0);
    draw(&mut canvas, &guest.image, content);
    assert_eq!([pixel_at(&canvas, 100, 150), pixel_at(&canvas, 199, 207)], [pixel(A); 2]);
    assert_eq!(pixel_at(&canvas, 300, 150), pixel(DESK));
}

#[test]
fn a_window_shrunk_at_the_far_end_of_a_wide_screen_does_not_keep_a_frame_from_being_drawn() {
    let mut guest = Guest::new(800, 160, A);
    guest.image.show(Rect::new(0, 0, 800, 160), Size::new(100, 20));
    let mut canvas = scaled_canvas(8000, 100, 1.0);
    for x in [100, 3900, 4100, 7800] {
        canvas
            .render(&scene(vec![toplevel(
                1,
                spec("red", true),
                Rect::new(x, 40, 100, 20),
                Content::Guest(&guest.image),
            )]))
            .unwrap();
        assert_eq!(pixel_at(&canvas, x - 3, 50), pixel(RED), "its frame at {x}");
        assert_eq!(pixel_at(&canvas, x + 50, 50) == pixel(A), x < 4000, "its content at {x}");
    }
}

#[test]
fn a_picture_of_several_screens_has_each_in_its_place() {
    let mut small = canvas(4, 3);
    let mut large = scaled_canvas(4, 4, 2.0);
    small.move_to(Point::new(-4, 1));
    large.move_to(Point::new(1, 0));
    small.render(&scene(Vec::new())).unwrap();
    large.render(&Scene { background: RED, ..scene(Vec::new()) }).unwrap();
    let file = picture(&[&small, &large]).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    let (width, height) = (reader.info().width, reader.info().height);
    let letter = |pixel: &[u8]| match *pixel {
        [0x10, 0x20, 0x30] => 's',
        [0xcc, 0, 0] => 'L',
        [0, 0, 0] => '.',
        _ => '?',
    };
    let rows: Vec<String> =
        bytes.chunks((width * 3) as usize).map(|row| row.chunks(3).map(letter).collect()).collect();
    let expected = [
        "..........LLLL",
        "..........LLLL",
        "ssssssss..LLLL",
        "ssssssss..LLLL",
        "ssssssss......",
        "ssssssss......",
        "ssssssss......",
        "ssssssss......",
    ];
    assert_eq!((height, rows), (8, expected.map(str::to_owned).to_vec()));

    large.move_to(Point::new(20_000, 0));
    assert!(matches!(picture(&[&small, &large]), Err(RenderError::Picture(_))));
}

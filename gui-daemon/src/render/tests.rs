//! What scenes look like, and what it takes to bring the framebuffer in step with them.

mod gles;
mod refresh;
mod scaled;

use std::sync::Arc;

use proptest::prelude::*;
use shm_grant::{Pages, PixelFormat, PixelLayout};

use super::*;
use crate::{
    scale::Scale,
    shell::{
        Button, Id, Metrics, Role, State,
        geom::{Insets, Point, Rect, Size},
    },
};

const DESK: Color = Color::new(0x10, 0x20, 0x30);
const RED: Color = Color::new(0xcc, 0x00, 0x00);
const BLUE: Color = Color::new(0x34, 0x65, 0xa4);
/// The content of windows.
const A: Color = Color::new(0xa0, 0xb0, 0xc0);
const B: Color = Color::new(0xc0, 0xb0, 0xa0);

fn pixel(color: Color) -> u32 {
    u32::from_be_bytes([0, color.r, color.g, color.b])
}

/// A domain's window content, with the domain's view of its memory.
struct Guest {
    pages: Arc<Pages>,
    image: GuestImage,
}

impl Guest {
    fn new(width: i32, height: i32, color: Color) -> Self {
        let bytes = usize::try_from(width * height * 4).unwrap();
        let pages = Arc::new(Pages::anonymous(bytes).unwrap());
        let image = GuestImage::new(image(&pages, width, height));
        let mut guest = Self { pages, image };
        guest.paint(Rect::new(0, 0, width, height), color);
        guest
    }

    /// Paints like an application: into the shared pages, then tells about it.
    fn paint(&mut self, rect: Rect, color: Color) {
        self.paint_silently(rect, color);
        self.image.damage(rect);
    }

    fn paint_silently(&mut self, rect: Rect, color: Color) {
        // the unused byte is whatever the domain pleases
        let row: Vec<u8> =
            std::iter::repeat_n((0x5a00_0000 | pixel(color)).to_le_bytes(), rect.width as usize)
                .flatten()
                .collect();
        for y in rect.y..rect.bottom() {
            self.pages.copy_in(((y * self.image.size().width + rect.x) * 4) as usize, &row).unwrap();
        }
    }
}

fn image(pages: &Arc<Pages>, width: i32, height: i32) -> GuestPixels {
    let (width, height) = (width as u32, height as u32);
    let layout = PixelLayout { width, height, stride_bytes: width * 4, offset: 0 };
    GuestPixels::new(|| pages.image(layout, PixelFormat::Xrgb8888)).unwrap()
}

fn spec(label: &str, focused: bool) -> FrameSpec {
    FrameSpec {
        style: Style::Domain(Label::named(label).unwrap()),
        // Without text these pictures do not depend on the machine's fonts.
        name: String::new(),
        title: String::new(),
        focused,
        maximised: false,
        hovered: None,
        notice: None,
        icon: None,
    }
}

fn shape(icon: CursorIcon, x: i32, y: i32) -> Cursor {
    Cursor { look: CursorLook::Shape(icon), position: Point::new(x, y) }
}

fn insets(role: Role) -> Insets {
    Metrics::default().frame_insets(role, State::default())
}

fn toplevel<'a>(id: u64, frame: FrameSpec, content: Rect, pixels: Content<'a>) -> View<'a> {
    let insets = insets(Role::Toplevel);
    View {
        id: Id(id),
        frame,
        outer: content.outset(insets),
        insets,
        content,
        pixels,
        background: Color::WHITE,
    }
}

fn popup<'a>(id: u64, frame: FrameSpec, content: Rect, pixels: Content<'a>) -> View<'a> {
    let insets = insets(Role::Popup { parent: None });
    View { id: Id(id), frame, outer: content, insets, content, pixels, background: Color::WHITE }
}

fn scene(views: Vec<View<'_>>) -> Scene<'_> {
    Scene { views, cursor: None, banners: Vec::new(), landing: None, background: DESK }
}

/// Draws one red window that shows `image` in `content`.
fn draw(canvas: &mut Canvas, image: &GuestImage, content: Rect) -> Vec<Rect> {
    canvas.render(&scene(vec![toplevel(1, spec("red", true), content, Content::Guest(image))])).unwrap()
}

fn canvas(width: i32, height: i32) -> Canvas {
    Canvas::new(Size::new(width, height), Scale::ONE, Text::default()).unwrap()
}

fn scaled_canvas(width: i32, height: i32, scale: f64) -> Canvas {
    Canvas::new(Size::new(width, height), Scale::from_number(scale).unwrap(), Text::default()).unwrap()
}

fn pixels(canvas: &Canvas) -> Vec<u32> {
    let size = canvas.size();
    let mut pixels = vec![0; (size.width * size.height) as usize];
    canvas.copy(Rect::at(Point::default(), size), &mut pixels).unwrap();
    pixels
}

fn pixel_at(canvas: &Canvas, x: i32, y: i32) -> u32 {
    pixels(canvas)[(y * canvas.size().width + x) as usize]
}

/// One character for four by four pixels: `.` desk, `R` `B` red and blue frames, `r` `b` those without focus, `1` `2`
/// content, `w` window background and the ink of buttons, `?` anything else, such as the soft edge of a line.
fn grid(canvas: &Canvas) -> String {
    let unfocused = |label| spec(label, false).color();
    let palette = [
        (DESK, '.'),
        (RED, 'R'),
        (BLUE, 'B'),
        (unfocused("red"), 'r'),
        (unfocused("blue"), 'b'),
        (A, '1'),
        (B, '2'),
        (Color::WHITE, 'w'),
    ];
    canvas.grid(Size::new(4, 4), &palette).unwrap()
}

/// Compares with a picture that is indented like the code around it.
#[track_caller]
fn assert_shows(grid: &str, picture: &str) {
    let picture: String = picture.trim().lines().map(|line| line.trim().to_owned() + "\n").collect();
    assert!(grid == picture, "it shows\n{grid}and should show\n{picture}");
}

#[test]
fn overlapping_windows_show_whose_they_are() {
    let (a, b) = (Guest::new(72, 32, A), Guest::new(72, 32, B));
    let mut canvas = canvas(128, 96);
    let views = vec![
        toplevel(1, spec("red", true), Rect::new(44, 56, 72, 32), Content::Guest(&a.image)),
        toplevel(2, spec("blue", false), Rect::new(8, 32, 72, 32), Content::Guest(&b.image)),
    ];
    canvas.render(&scene(views)).unwrap();
    assert_shows(
        &grid(&canvas),
        "
        ................................
        .bbbbbbbbbbbbbbbbbbbb...........
        .bbbbbbbbbbbbbbbbbbbb...........
        .bbbbbbbb???bbbbb?bbb...........
        .bbbbbbbb?bbbbbb?bbbb...........
        .bb?wwbbb?wwbbb?bbbbb...........
        .bbbbbbbbbbbbbbbbbbbb...........
        .bbbbbbbbbRRRRRRRRRRRRRRRRRRRR..
        .b22222222RRRRRRRRRRRRRRRRRRRR..
        .b22222222RRRRRRRR???RRRRR?RRR..
        .b22222222RRRRRRRR?RRRRRR?RRRR..
        .b22222222RR?wwRRR?wwRRR?RRRRR..
        .b22222222RRRRRRRRRRRRRRRRRRRR..
        .b22222222RRRRRRRRRRRRRRRRRRRR..
        .b22222222R111111111111111111R..
        .b22222222R111111111111111111R..
        .bbbbbbbbbR111111111111111111R..
        ..........R111111111111111111R..
        ..........R111111111111111111R..
        ..........R111111111111111111R..
        ..........R111111111111111111R..
        ..........R111111111111111111R..
        ..........RRRRRRRRRRRRRRRRRRRR..
        ................................
        ",
    );
}

#[test]
fn a_popup_wears_its_label_over_whatever_it_shows() {
    // content that imitates another domain's frame to its very edge
    let hostile = Guest::new(48, 40, BLUE);
    let mut canvas = canvas(56, 48);
    let view = popup(1, spec("red", true), Rect::new(4, 4, 48, 40), Content::Guest(&hostile.image));
    canvas.render(&scene(vec![view])).unwrap();
    let palette = [(DESK, '.'), (RED, 'R'), (BLUE, 'B')];
    assert_shows(
        &canvas.grid(Size::new(2, 2), &palette).unwrap(),
        "
        ............................
        ............................
        ..RRRRRRRRRRRRRRRRRRRRRRRR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RBBBBBBBBBBBBBBBBBBBBBBR..
        ..RRRRRRRRRRRRRRRRRRRRRRRR..
        ............................
        ............................
        ",
    );
}

#[test]
fn a_popup_too_small_for_its_frame_is_all_frame() {
    let hostile = Guest::new(3, 40, BLUE);
    let mut canvas = canvas(8, 8);
    let view = popup(1, spec("red", true), Rect::new(2, 2, 3, 4), Content::Guest(&hostile.image));
    canvas.render(&scene(vec![view])).unwrap();
    let palette = [(DESK, '.'), (RED, 'R')];
    let expected = "........\n........\n..RRR...\n..RRR...\n..RRR...\n..RRR...\n........\n........\n";
    assert_eq!(canvas.grid(Size::new(1, 1), &palette).unwrap(), expected);
}

#[test]
fn content_larger_or_smaller_than_its_window_is_cut_or_filled_up() {
    let (large, small) = (Guest::new(400, 300, A), Guest::new(24, 12, B));
    let mut canvas = canvas(128, 64);
    let views = vec![
        toplevel(1, spec("red", true), Rect::new(8, 32, 48, 24), Content::Guest(&large.image)),
        toplevel(2, spec("blue", true), Rect::new(72, 32, 48, 24), Content::Guest(&small.image)),
    ];
    canvas.render(&scene(views)).unwrap();
    assert_shows(
        &grid(&canvas),
        "
        ................................
        .RRRRRRRRRRRRRR..BBBBBBBBBBBBBB.
        .RRRRRRRRRRRRRR..BBBBBBBBBBBBBB.
        .RR???RRRRR?RRR..BB???BBBBB?BBB.
        .RR?RRRRRR?RRRR..BB?BBBBBB?BBBB.
        .RR?wwRRR?RRRRR..BB?wwBBB?BBBBB.
        .RRRRRRRRRRRRRR..BBBBBBBBBBBBBB.
        .RRRRRRRRRRRRRR..BBBBBBBBBBBBBB.
        .R111111111111R..B222222wwwwwwB.
        .R111111111111R..B222222wwwwwwB.
        .R111111111111R..B222222wwwwwwB.
        .R111111111111R..BwwwwwwwwwwwwB.
        .R111111111111R..BwwwwwwwwwwwwB.
        .R111111111111R..BwwwwwwwwwwwwB.
        .RRRRRRRRRRRRRR..BBBBBBBBBBBBBB.
        ................................
        ",
    );
}

#[test]
fn a_window_without_content_shows_its_background() {
    let mut canvas = canvas(128, 64);
    let mut view = toplevel(1, spec("red", true), Rect::new(8, 32, 24, 12), Content::Empty);
    view.background = A;
    canvas.render(&scene(vec![view])).unwrap();
    let grid = grid(&canvas);
    let content: Vec<&str> = grid.lines().skip(8).take(3).map(|row| row.get(2..8).unwrap()).collect();
    assert_eq!(content, ["111111"; 3]);
}

#[test]
fn a_fullscreen_window_keeps_its_border() {
    let guest = Guest::new(64, 64, A);
    let insets =
        Metrics::default().frame_insets(Role::Toplevel, State { fullscreen: true, ..State::default() });
    let outer = Rect::new(0, 0, 32, 24);
    let view = View {
        id: Id(1),
        frame: spec("red", true),
        outer,
        insets,
        content: outer.inset(insets),
        pixels: Content::Guest(&guest.image),
        background: Color::WHITE,
    };
    let mut canvas = canvas(32, 24);
    canvas.render(&scene(vec![view])).unwrap();
    assert_shows(
        &grid(&canvas),
        "
        RRRRRRRR
        R111111R
        R111111R
        R111111R
        R111111R
        RRRRRRRR
        ",
    );
}

#[test]
fn a_row_wider_than_its_content_is_the_frames() {
    let guest = Guest::new(300, 8, A);
    let content = Rect::new(8, 32, 16, 8);
    let mut view = toplevel(1, spec("red", true), content, Content::Guest(&guest.image));
    view.outer.width = 40;
    let mut canvas = canvas(52, 48);
    canvas.render(&scene(vec![view])).unwrap();
    let rows: Vec<String> = grid(&canvas).lines().skip(8).take(2).map(str::to_owned).collect();
    assert_eq!(rows, [".R1111RRRRR..", ".R1111RRRRR.."]);
}

#[test]
fn an_unchanged_scene_draws_nothing() {
    let guest = Guest::new(40, 40, A);
    let mut canvas = canvas(128, 96);
    let content = Rect::new(20, 32, 40, 40);
    let mut draw = |spec: FrameSpec| {
        let mut scene = scene(vec![toplevel(1, spec, content, Content::Guest(&guest.image))]);
        scene.cursor = Some(shape(CursorIcon::Text, 30, 50));
        canvas.render(&scene).unwrap()
    };
    assert_eq!(draw(spec("red", true)), [Rect::new(0, 0, 128, 96)]);
    assert_eq!(draw(spec("red", true)), []);
}

#[test]
fn changed_pixels_are_drawn_and_no_others() {
    let mut guest = Guest::new(100, 50, A);
    let content = Rect::new(10, 30, 100, 50);
    let mut canvas = canvas(128, 96);
    draw(&mut canvas, &guest.image, content);

    guest.paint(Rect::new(20, 10, 10, 10), B);
    // changed behind the daemon's back: shows when it is told, not before
    guest.paint_silently(Rect::new(60, 10, 10, 10), B);
    assert_eq!(draw(&mut canvas, &guest.image, content), [Rect::new(30, 40, 10, 10)]);
    let grid = grid(&canvas);
    assert_eq!(
        grid.matches('2').count(),
        grid.lines().skip(10).take(2).map(|row| row.matches('2').count()).sum::<usize>()
    );
    assert!(grid.contains('2'));

    guest.image.damage(Rect::new(90, 40, 900, 900));
    assert_eq!(draw(&mut canvas, &guest.image, content), [Rect::new(100, 70, 10, 10)]);
    guest.image.damage(Rect::new(-30, -30, 20, 20));
    assert_eq!(draw(&mut canvas, &guest.image, content), []);
}

#[test]
fn a_flood_of_small_updates_is_drawn_as_one() {
    let mut guest = Guest::new(100, 50, A);
    let content = Rect::new(10, 30, 100, 50);
    let mut canvas = canvas(128, 96);
    draw(&mut canvas, &guest.image, content);
    for step in 0..40 {
        guest.paint(Rect::new(step, step, 2, 2), B);
    }
    let drawn = draw(&mut canvas, &guest.image, content);
    assert!(drawn.iter().all(|rect| Rect::new(10, 30, 41, 41).encloses(*rect)), "{drawn:?}");
    let expected: Vec<u32> = (0..41).map(|_| pixel(B)).collect();
    assert_eq!((0..41).map(|step| pixel_at(&canvas, 10 + step, 30 + step)).collect::<Vec<_>>(), expected);
}

#[test]
fn a_new_buffer_is_drawn_whole() {
    let (mut first, second) = (Guest::new(40, 20, A), Guest::new(40, 20, B));
    let content = Rect::new(10, 30, 40, 20);
    let mut canvas = canvas(128, 96);
    draw(&mut canvas, &first.image, content);
    first.image.replace(image(&second.pages, 40, 20));
    assert_eq!(draw(&mut canvas, &first.image, content), [content]);
    assert_eq!(pixel_at(&canvas, 10, 30), pixel(B));
}

#[test]
fn what_changes_on_the_frame_is_drawn_there_only() {
    let guest = Guest::new(200, 60, A);
    let content = Rect::new(10, 32, 200, 60);
    let view = |frame| toplevel(1, frame, content, Content::Guest(&guest.image));
    let (outer, band) = (view(spec("red", true)).outer, Rect::new(6, 4, 208, 28));
    let mut canvas = canvas(256, 128);
    let mut draw = |frame| canvas.render(&scene(vec![view(frame)])).unwrap();
    let named = || FrameSpec { name: "vault".to_owned(), title: "one".to_owned(), ..spec("red", true) };
    draw(named());

    let drawn = draw(FrameSpec { title: "another".to_owned(), ..named() });
    assert!(drawn.iter().all(|rect| band.encloses(*rect)), "{drawn:?}");

    draw(named());
    let close = Button::Close.rect(outer.size(), insets(Role::Toplevel));
    let close = close.moved_to(close.origin().plus(outer.origin()));
    let drawn = draw(FrameSpec { hovered: Some(Button::Close), ..named() });
    assert!(!drawn.is_empty() && drawn.iter().all(|rect| close.encloses(*rect)), "{drawn:?}");

    draw(named());
    let drawn = draw(FrameSpec { focused: false, ..named() });
    assert!(!drawn.is_empty() && drawn.iter().all(|rect| rect.intersection(content).is_empty()), "{drawn:?}");
}

#[test]
fn a_title_stays_clear_of_the_name_and_the_buttons() {
    for width in (90..420).step_by(30) {
        let content = Rect::new(4, 28, width, 8);
        let show = |name: &str, title: &str| {
            let mut canvas = canvas(width + 8, 40);
            let spec = FrameSpec { name: name.to_owned(), title: title.to_owned(), ..spec("red", true) };
            canvas.render(&scene(vec![toplevel(1, spec, content, Content::Empty)])).unwrap();
            pixels(&canvas)
        };
        let differing = |a: &[u32], b: &[u32]| -> Vec<i32> {
            (0..).zip(a.iter().zip(b)).filter(|(_, (a, b))| a != b).map(|(at, _)| at % (width + 8)).collect()
        };
        let (bare, named, titled) = (show("", ""), show("work", ""), show("work", &"Wj\u{301}".repeat(60)));
        let name_ends = differing(&bare, &named).into_iter().max().unwrap_or(0);
        let title = differing(&named, &titled);
        let buttons = Button::Minimise.rect(Size::new(width + 8, 40), insets(Role::Toplevel)).x;
        assert!(title.iter().all(|x| (name_ends + 1..buttons).contains(x)), "{width}: {title:?}");
    }
}

#[test]
fn a_moving_pointer_draws_its_own_places_only() {
    let mut canvas = canvas(128, 96);
    let mut draw = |x, y| {
        let cursor = Some(shape(CursorIcon::Default, x, y));
        canvas.render(&Scene { cursor, ..scene(Vec::new()) }).unwrap()
    };
    draw(10, 10);
    let drawn = draw(80, 60);
    assert!(drawn.iter().all(|rect| {
        Rect::new(8, 8, 24, 24).encloses(*rect) || Rect::new(78, 58, 24, 24).encloses(*rect)
    }));
    assert_eq!(drawn.iter().map(|rect| rect.area()).sum::<i64>(), 2 * 24 * 24);
}

#[test]
fn the_pointer_points_at_its_position() {
    let mut canvas = canvas(64, 64);
    let mut draw = |icon| {
        canvas.render(&Scene { cursor: Some(shape(icon, 30, 30)), ..scene(Vec::new()) }).unwrap();
        assert_ne!(pixel_at(&canvas, 30, 30), pixel(DESK), "{icon:?}");
    };
    for glyph in 0..154 {
        draw(icon_of_x_font(glyph));
    }
    for number in 1..=36 {
        draw(icon_of_shape(number).unwrap());
    }
}

/// Every place of the canvas that shows something else than the desktop, as the rectangle around them.
fn drawn_on(canvas: &Canvas) -> Rect {
    let Size { width, height } = canvas.size();
    let places: Vec<(i32, i32)> = (0..height)
        .flat_map(|y| (0..width).map(move |x| (x, y)))
        .filter(|(x, y)| pixel_at(canvas, *x, *y) != pixel(DESK))
        .collect();
    let (xs, ys) = (places.iter().map(|it| it.0), places.iter().map(|it| it.1));
    let (x, y) = (xs.clone().min().unwrap_or(0), ys.clone().min().unwrap_or(0));
    Rect::new(x, y, xs.max().map_or(0, |right| right - x + 1), ys.max().map_or(0, |bottom| bottom - y + 1))
}

#[test]
fn a_picture_for_the_pointer_never_covers_more_than_its_share() {
    let white = |side: u32| vec![0xff; (side * side * 4) as usize];
    for (side, hot, scale, expected) in [
        (16, 3, 120, Rect::new(97, 97, 16, 16)),
        (32, 8, 240, Rect::new(96, 96, 16, 16)),
        (24, 23, 60, Rect::new(100 - 30, 100 - 30, 32, 32)),
        (256, 255, 120, Rect::new(100 - 31, 100 - 31, 32, 32)),
        (256, 0, 60, Rect::new(100, 100, 32, 32)),
        (1, 0, 960, Rect::new(100, 100, 1, 1)),
    ] {
        let mut canvas = canvas(300, 32 * SHARE);
        let scale = Scale::from_120ths(scale).unwrap();
        let image = CursorImage::new((side, side), (hot, hot), scale, &white(side)).unwrap();
        let cursor = Cursor { look: CursorLook::Image(image), position: Point::new(100, 100) };
        canvas.render(&Scene { cursor: Some(cursor), ..scene(Vec::new()) }).unwrap();
        assert_eq!(drawn_on(&canvas), expected, "{side} {hot} {scale:?}");
    }
}

#[test]
fn another_picture_takes_the_place_of_the_one_before_and_hidden_is_nothing() {
    let mut canvas = canvas(300, 256);
    let mut draw = |look| {
        let cursor = Cursor { look, position: Point::new(100, 100) };
        canvas.render(&Scene { cursor: Some(cursor), ..scene(Vec::new()) }).unwrap();
        pixel_at(&canvas, 100, 100)
    };
    let image = |byte| {
        CursorLook::Image(CursorImage::new((1, 1), (0, 0), Scale::ONE, &[byte, byte, byte, 255]).unwrap())
    };
    assert_eq!(draw(image(0x77)), 0x77_7777);
    assert_eq!(draw(image(0x55)), 0x55_5555);
    assert_eq!(draw(CursorLook::Hidden), pixel(DESK));
}

#[test]
fn a_canvas_without_or_with_too_many_pixels_is_refused() {
    for wrong in [Size::new(0, 5), Size::new(5, -1), Size::new(16385, 5)] {
        let refused = Canvas::new(wrong, Scale::ONE, Text::without_fonts());
        assert!(matches!(refused, Err(RenderError::Framebuffer { size }) if size == wrong));
    }
}

#[test]
fn a_copy_touches_its_rectangle_only() {
    let mut canvas = canvas(8, 4);
    canvas.render(&scene(Vec::new())).unwrap();
    let mut pixels = vec![7; 32];
    canvas.copy(Rect::new(6, 2, 50, 50), &mut pixels).unwrap();
    let copied: Vec<usize> = (0..32).filter(|&at| pixels[at] != 7).collect();
    assert_eq!(copied, [22, 23, 30, 31]);
    assert_eq!(pixels[22], pixel(DESK));
    assert!(matches!(canvas.copy(Rect::new(0, 0, 1, 1), &mut pixels[..31]), Err(RenderError::Destination)));
}

#[test]
fn a_run_is_copied_to_the_edge_of_the_canvas_and_is_black_beyond() {
    let mut guest = Guest::new(8, 4, A);
    guest.paint(Rect::new(3, 2, 1, 1), B);
    let mut canvas = canvas(64, 48);
    draw(&mut canvas, &guest.image, Rect::new(10, 30, 8, 4));
    let mut run = [7; 3];
    canvas.copy_run(Point::new(12, 32), &mut run).unwrap();
    assert_eq!(run, [pixel(A), pixel(B), pixel(A)]);
    canvas.copy_run(Point::new(62, 32), &mut run).unwrap();
    assert_eq!(run, [pixel(DESK), pixel(DESK), 0]);
    canvas.copy_run(Point::new(-9, 99), &mut run).unwrap();
    assert_eq!(run, [0; 3]);
    assert!(matches!(canvas.copy_run(Point::new(0, 0), &mut []), Err(RenderError::Destination)));
}

#[test]
fn a_screenshot_is_a_png_of_the_framebuffer() {
    let mut canvas = canvas(6, 3);
    canvas.render(&scene(Vec::new())).unwrap();
    let file = canvas.screenshot().unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(file)).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    reader.next_frame(&mut bytes).unwrap();
    assert_eq!((reader.info().width, reader.info().height), (6, 3));
    assert_eq!(bytes, [DESK.r, DESK.g, DESK.b].repeat(18));
}

#[test]
fn twice_the_scale_is_the_same_picture_of_twice_the_size() {
    let guest = Guest::new(120, 32, A);
    let content = Rect::new(8, 32, 120, 32);
    let views = || vec![toplevel(1, spec("red", true), content, Content::Guest(&guest.image))];
    let (mut plain, mut double) = (canvas(136, 72), scaled_canvas(272, 144, 2.0));
    plain.render(&scene(views())).unwrap();
    double.render(&scene(views())).unwrap();
    let palette = [(DESK, '.'), (RED, 'R'), (A, '1')];
    let rows = |canvas: &Canvas, cell| {
        let grid = canvas.grid(Size::new(cell, cell), &palette).unwrap();
        // without the buttons, whose curves fall differently on pixels
        grid.lines().map(|row| row.get(..12).unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(rows(&plain, 4), rows(&double, 8));
}

fn rects() -> impl Strategy<Value = Rect> {
    (-60..100i32, -60..100i32, 0..90i32, 0..90i32)
        .prop_map(|(x, y, width, height)| Rect::new(x, y, width, height))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever rectangles a caller makes of a domain's wishes.
    #[test]
    fn no_pixel_of_a_domain_lies_outside_of_its_content(
        steps in prop::collection::vec((rects(), rects(), 1..120i32, 1..80i32, any::<bool>()), 1..5),
    ) {
        let mut canvas = canvas(96, 96);
        for (outer, content, width, height, inner) in steps {
            let guest = Guest::new(width, height, A);
            let insets = if inner { Insets::uniform(2) } else { Insets { top: 28, ..Insets::uniform(4) } };
            let view = View {
                id: Id(1),
                frame: spec("red", true),
                outer,
                insets,
                content,
                pixels: Content::Guest(&guest.image),
                background: Color::WHITE,
            };
            canvas.render(&scene(vec![view])).unwrap();
            let allowed = outer.inset(insets).intersection(content);
            let image = allowed.intersection(Rect::at(content.origin(), Size::new(width, height)));
            for (at, drawn) in (0i32..).zip(pixels(&canvas)) {
                let place = Point::new(at % 96, at / 96);
                prop_assert_eq!(Color::from_pixel(drawn) == A, image.contains(place), "{:?}", place);
                prop_assert_eq!(Color::from_pixel(drawn) == DESK, !outer.contains(place), "{:?}", place);
            }
        }
    }

    /// Damage tracking must not be seen: drawing step by step and drawing at once give the same.
    #[test]
    fn a_scene_drawn_in_steps_looks_like_one_drawn_at_once(
        steps in prop::collection::vec((0..3usize, rects(), rects(), any::<bool>(), any::<bool>()), 1..8),
    ) {
        let mut guests = [Guest::new(60, 50, A), Guest::new(30, 60, B), Guest::new(50, 20, BLUE)];
        let mut shown = [(Rect::new(8, 30, 40, 30), true, false); 3];
        let labels = ["red", "blue", "green"];
        let mut stepwise = canvas(96, 96);
        for (which, content, damage, focused, hidden) in steps {
            let size = guests[which].image.size();
            let damage = damage.intersection(Rect::at(Point::default(), size));
            guests[which].paint(damage, if focused { Color::BLACK } else { A });
            shown[which] = (content, focused, hidden);
            let views = || {
                let all = guests.iter().zip(labels).zip(shown).zip(1..);
                all.filter(|((_, (.., hidden)), _)| !hidden)
                    .map(|(((guest, label), (content, focused, _)), id)| {
                        toplevel(id, spec(label, focused), content, Content::Guest(&guest.image))
                    })
                    .collect()
            };
            stepwise.render(&scene(views())).unwrap();
            let mut at_once = canvas(96, 96);
            at_once.render(&scene(views())).unwrap();
            prop_assert!(pixels(&stepwise) == pixels(&at_once), "stepwise:\n{}at once:\n{}", grid(&stepwise), grid(&at_once));
        }
    }
}

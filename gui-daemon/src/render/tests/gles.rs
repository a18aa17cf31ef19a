//! The same scenes drawn with OpenGL ES, by Mesa on the CPU: they look as pixman draws them.

use transom_gpu::{Gpu, GpuError};

use super::*;

/// How far a channel may be off: blending is rounded in other places, and what is stretched is sampled with other precision.
const TOLERANCE: u8 = 3;

/// The same canvas twice, pixman's first; `None` on a machine without EGL, which is said.
fn canvases(width: i32, height: i32, scale: f64) -> Option<[Canvas; 2]> {
    let renderer = match Gpu::software().and_then(|gpu| gpu.renderer()) {
        Ok(renderer) => renderer,
        Err(error @ (GpuError::NoLibrary(_) | GpuError::NoSoftware)) => {
            eprintln!("skipped: {error}");
            return None;
        }
        Err(error) => panic!("{error}"),
    };
    let (size, scale, text) = (Size::new(width, height), Scale::from_number(scale).unwrap(), Text::default());
    let on_gpu = Canvas::on_gpu(renderer, size, scale, text.clone()).unwrap();
    assert!(on_gpu.is_on_gpu());
    Some([Canvas::new(size, scale, text).unwrap(), on_gpu])
}

#[track_caller]
fn assert_same([cpu, gpu]: &[Canvas; 2]) {
    let width = cpu.size().width as usize;
    for (at, (one, other)) in pixels(cpu).into_iter().zip(pixels(gpu)).enumerate() {
        let off = one.to_be_bytes().iter().zip(other.to_be_bytes()).map(|(a, b)| a.abs_diff(b)).max();
        if off > Some(TOLERANCE) {
            let folder = std::env::temp_dir();
            std::fs::write(folder.join("pixman.png"), cpu.screenshot().unwrap()).unwrap();
            std::fs::write(folder.join("gles.png"), gpu.screenshot().unwrap()).unwrap();
            panic!(
                "at {},{} pixman has {one:06x} and OpenGL ES {other:06x}: see {}",
                at % width,
                at / width,
                folder.display()
            );
        }
    }
}

/// Draws a scene on both, and compares what was drawn, and what there is to be seen.
#[track_caller]
fn draw_both(canvases: &mut [Canvas; 2], scene: &Scene<'_>) -> Vec<Rect> {
    let [cpu, gpu] = canvases.each_mut().map(|canvas| canvas.render(scene).unwrap());
    assert_eq!(cpu, gpu);
    assert_same(canvases);
    cpu
}

fn titled(label: &str, focused: bool) -> FrameSpec {
    FrameSpec {
        name: "work".to_owned(),
        title: "a letter to the editor".to_owned(),
        hovered: Some(Button::Close),
        notice: (!focused).then(|| "not responding".to_owned()),
        icon: Icon::new(2, 2, &[0x40, 0x80, 0xc0, 0xff, 0, 0, 0, 0, 9, 9, 9, 9, 0, 0, 0xff, 0xff]),
        ..spec(label, focused)
    }
}

/// Everything that a scene can have but a client's surface.
fn everything<'a>(a: &'a GuestImage, b: &'a GuestImage, look: CursorLook) -> Scene<'a> {
    Scene {
        views: vec![
            popup(3, spec("red", true), Rect::new(200, 120, 72, 32), Content::Guest(b)),
            toplevel(1, titled("red", true), Rect::new(60, 90, 180, 40), Content::Guest(a)),
            toplevel(2, titled("blue", false), Rect::new(10, 40, 200, 80), Content::Guest(b)),
            toplevel(4, spec("blue", false), Rect::new(250, 40, 50, 50), Content::Empty),
        ],
        cursor: Some(Cursor { look, position: Point::new(101, 99) }),
        banners: vec![Banner {
            place: Rect::new(20, 180, 400, Banner::height(1, 1)),
            parties: vec![("work".to_owned(), Style::Admin)],
            lines: vec!["Copied: 12 characters".to_owned()],
            buttons: vec![BannerButton {
                place: Rect::new(40, 250, 100, 36),
                text: "Yes".to_owned(),
                party: None,
                hovered: true,
            }],
        }],
        landing: Some((Rect::new(30, 20, 200, 100), RED)),
        background: DESK,
    }
}

#[test]
fn a_gpu_draws_what_pixman_draws() {
    for scale in [1.0, 1.5, 2.0] {
        let side = |length: f64| (length * scale) as i32;
        let Some(mut canvases) = canvases(side(440.0), side(300.0), scale) else { return };
        let (a, b) = (Guest::new(180, 40, A), Guest::new(72, 32, B));
        let arrow = CursorLook::Shape(CursorIcon::Default);
        draw_both(&mut canvases, &everything(&a.image, &b.image, arrow));
        let picture = [0x20, 0x40, 0x60, 0x80].repeat(24 * 24);
        let image = CursorImage::new((24, 24), (3, 3), Scale::ONE, &picture).unwrap();
        draw_both(&mut canvases, &everything(&a.image, &b.image, CursorLook::Image(image)));
    }
}

#[test]
fn a_gpu_draws_what_a_commit_changed_and_nothing_else() {
    let Some(mut canvases) = canvases(200, 120, 1.0) else { return };
    let mut guest = Guest::new(120, 60, A);
    let (place, frame) = (Rect::new(20, 40, 120, 60), titled("red", true));
    macro_rules! window {
        () => {
            toplevel(1, frame.clone(), place, Content::Guest(&guest.image))
        };
    }
    draw_both(&mut canvases, &scene(vec![window!()]));
    assert!(draw_both(&mut canvases, &scene(vec![window!()])).is_empty());
    guest.paint(Rect::new(5, 6, 20, 10), B);
    assert_eq!(draw_both(&mut canvases, &scene(vec![window!()])), [Rect::new(25, 46, 20, 10)]);
    guest.paint(Rect::new(100, 50, 20, 10), BLUE);
    for canvas in &mut canvases {
        let drawn = canvas.refresh(&[window!()], None).unwrap();
        assert_eq!(drawn.unwrap(), [Rect::new(120, 90, 20, 10)]);
    }
    assert_same(&canvases);
    // Two commits that are drawn at once, one of them after a frame for content alone.
    guest.paint(Rect::new(0, 0, 8, 8), BLUE);
    guest.paint(Rect::new(40, 20, 8, 8), RED);
    draw_both(&mut canvases, &scene(vec![window!()]));
    // A buffer of another size.
    let other = Guest::new(90, 50, B);
    guest.image.replace(image(&other.pages, 90, 50));
    draw_both(&mut canvases, &scene(vec![window!()]));
}

#[test]
fn a_gpu_has_nothing_to_do_with_what_a_domain_writes_later() {
    let Some([_, mut canvas]) = canvases(64, 64, 1.0) else { return };
    let mut guest = Guest::new(40, 20, A);
    let place = Rect::new(8, 32, 40, 20);
    draw(&mut canvas, &guest.image, place);
    guest.paint_silently(Rect::new(0, 0, 40, 20), B);
    // The window goes elsewhere: all of it is drawn, from the copy.
    draw(&mut canvas, &guest.image, place.moved_to(Point::new(10, 36)));
    assert_eq!(pixel_at(&canvas, 20, 45), pixel(A));
    guest.image.damage(Rect::new(0, 0, 20, 20));
    draw(&mut canvas, &guest.image, place.moved_to(Point::new(10, 36)));
    assert_eq!([20, 45].map(|x| pixel_at(&canvas, x, 45)), [B, A].map(pixel));
}

#[test]
fn a_gpu_blends_what_a_domain_lets_show_through() {
    let Some(mut canvases) = canvases(80, 80, 1.0) else { return };
    let mut guest = Guest::new(40, 20, A);
    let layout = PixelLayout { width: 40, height: 20, stride_bytes: 160, offset: 0 };
    let argb = GuestPixels::new(|| guest.pages.image(layout, PixelFormat::Argb8888));
    guest.image.replace(argb.unwrap());
    guest.image.set_opaque(Some(Vec::new()));
    // Colours brighter than their alpha as well, which no honest client has.
    let pixels: Vec<u8> = (0..40 * 20).flat_map(|n: u32| [n as u8, 0x40, 0xff, (n / 3) as u8]).collect();
    guest.pages.copy_in(0, &pixels).unwrap();
    guest.image.damage(Rect::new(0, 0, 40, 20));
    let view = toplevel(1, spec("red", true), Rect::new(8, 40, 40, 20), Content::Guest(&guest.image));
    draw_both(&mut canvases, &scene(vec![view]));
}

#[test]
fn a_window_that_a_gpu_has_no_room_for_is_an_error() {
    let Some([_, mut canvas]) = canvases(64, 64, 1.0) else { return };
    // Mesa's CPU driver has textures of 16384 pixels on a side.
    let guest = Guest::new(20_000, 2, A);
    let view = toplevel(1, spec("red", true), Rect::new(8, 32, 20_000, 2), Content::Guest(&guest.image));
    let drawn = canvas.render(&scene(vec![view]));
    assert!(matches!(drawn, Err(RenderError::Texture(size)) if size.width == 20_000), "{drawn:?}");
    // What comes then is drawn as if nothing had been.
    let small = Guest::new(40, 20, A);
    assert_eq!(draw(&mut canvas, &small.image, Rect::new(8, 32, 40, 20)), [Rect::new(0, 0, 64, 64)]);
    assert_eq!(pixel_at(&canvas, 20, 40), pixel(A));
}

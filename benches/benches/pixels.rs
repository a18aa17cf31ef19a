//! The two copies a frame's damage makes on its way to the screen, each beside a plain memcpy of as many bytes: the agent's
//! into shared pages, and the daemon's onto the screen.

use std::{hint::black_box, sync::Arc, time::Duration};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use gui_daemon::{
    render::{Canvas, Color, Content, FrameSpec, GuestImage, GuestPixels, Label, Scene, Style, Text, View},
    scale::Scale,
    shell::{
        Id, Metrics, Role, State,
        geom::{Point, Rect, Size},
    },
};
use pixman::{FormatCode, Image, Operation};
use shm_grant::{Address, Backend, DomId, Export, PAGE_SIZE, Pages, PixelFormat, PixelLayout, Server};

const WIDTH: usize = 1920;
const HEIGHT: usize = 1080;
const PIXEL: usize = 4;
const STRIDE: usize = WIDTH * PIXEL;

/// What a frame changes: all of a window, or a little in its middle.
const DAMAGES: [(&str, Rect); 2] =
    [("1920x1080", Rect::new(0, 0, WIDTH as i32, HEIGHT as i32)), ("64x64", Rect::new(960, 540, 64, 64))];

fn bytes_of(rect: Rect) -> u64 {
    rect.area().unsigned_abs() * PIXEL as u64
}

/// Byte ranges of a rectangle's rows in an image of [`WIDTH`].
fn rows(rect: Rect) -> impl Iterator<Item = std::ops::Range<usize>> {
    let (left, length) = (rect.x as usize * PIXEL, rect.width as usize * PIXEL);
    (rect.y..rect.bottom()).map(move |y| {
        let start = y as usize * STRIDE + left;
        start..start + length
    })
}

/// From a client's buffer into granted pages.
fn damage_copy(criterion: &mut Criterion) {
    let (_server, export) = export();
    let pages = export.pages();
    let mut image = pages.image(layout(WIDTH, HEIGHT), PixelFormat::Xrgb8888).expect("an image");
    let mut buffer = vec![0x00a0_b0c0_u32; WIDTH * HEIGHT];
    let bytes: Vec<u8> = buffer.iter().flat_map(|pixel| pixel.to_ne_bytes()).collect();
    let mut plain = vec![0_u8; bytes.len()];
    let client = Image::from_slice_mut(FormatCode::X8R8G8B8, WIDTH, HEIGHT, &mut buffer, STRIDE, false)
        .expect("an image");

    for (name, rect) in DAMAGES {
        let mut group = criterion.benchmark_group(format!("damage copy/{name}"));
        group.throughput(Throughput::Bytes(bytes_of(rect)));
        group.bench_function("memcpy", |bencher| {
            bencher.iter(|| {
                for row in rows(rect) {
                    plain[row.clone()].copy_from_slice(&bytes[row]);
                }
                black_box(&mut plain);
            });
        });
        group.bench_function("Pages::copy_in", |bencher| {
            bencher.iter(|| {
                for row in rows(rect) {
                    pages.copy_in(row.start, &bytes[row]).expect("within the pages");
                }
            });
        });
        group.bench_function("pixman", |bencher| {
            let (corner, extent) = ((rect.x, rect.y), (rect.width, rect.height));
            bencher.iter(|| image.composite32(Operation::Src, &client, None, corner, (0, 0), corner, extent));
        });
        group.finish();
    }
}

/// Pages as an agent grants them. They live as long as their server.
fn export() -> (Server, Export) {
    let directory = tempfile::tempdir().expect("a folder");
    let address = Address::new(Backend::Socket, DomId(5), DomId(0), 6000).in_directory(directory.path());
    let server = Server::bind(&address).expect("a server");
    let export = server.exporter().export((STRIDE * HEIGHT).div_ceil(PAGE_SIZE)).expect("pages");
    (server, export)
}

fn layout(width: usize, height: usize) -> PixelLayout {
    let stride_bytes = (width * PIXEL) as u32;
    PixelLayout { width: width as u32, height: height as u32, stride_bytes, offset: 0 }
}

/// From windows' pages onto the screen, frames and all: one window of which something changes, alone or with others above it
/// that do not change and do not hide it.
fn compose(criterion: &mut Criterion) {
    let screen = Size::new(2048, 1200);
    for windows in [1, 20] {
        let mut group = criterion.benchmark_group(format!("compose/{windows} windows"));
        let damages = DAMAGES.map(|(name, rect)| (name, Some(rect)));
        for (name, damage) in [("nothing", None)].into_iter().chain(damages) {
            let mut images: Vec<_> = (0..windows).map(image).collect();
            let mut canvas = Canvas::new(screen, Scale::ONE, Text::default()).expect("a canvas");
            canvas.render(&scene(&images)).expect("a first frame");
            if let Some(damage) = damage {
                group.throughput(Throughput::Bytes(bytes_of(damage)));
            }
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter(|| {
                    if let Some(damage) = damage {
                        images[0].damage(damage);
                    }
                    let drawn = canvas.render(&scene(&images)).expect("a frame");
                    assert_eq!(drawn.is_empty(), damage.is_none());
                });
            });
        }
        group.finish();
    }
}

/// The first is the window that changes.
fn image(index: usize) -> GuestImage {
    let (width, height) = if index == 0 { (WIDTH, HEIGHT) } else { (320, 200) };
    let pages = Arc::new(Pages::anonymous(width * height * PIXEL).expect("memory"));
    // pages that were never written are all the same one
    pages.copy_in(0, &vec![0x5a; width * height * PIXEL]).expect("within the pages");
    let pixels = GuestPixels::new(|| pages.image(layout(width, height), PixelFormat::Xrgb8888));
    GuestImage::new(pixels.expect("an image"))
}

/// The windows of `images`, the last on top.
fn scene(images: &[GuestImage]) -> Scene<'_> {
    let views = images.iter().enumerate().rev().map(|(index, image)| view(index, image)).collect();
    Scene {
        views,
        cursor: None,
        banners: Vec::new(),
        landing: None,
        background: Color::new(0x2b, 0x30, 0x3b),
    }
}

fn view(index: usize, image: &GuestImage) -> View<'_> {
    let insets = Metrics::default().frame_insets(Role::Toplevel, State::default());
    // in two rows that leave the middle free, overlapping within each
    let place = match index as i32 {
        0 => Point::default(),
        above @ 1..10 => Point::new(above * 160, 0),
        below => Point::new((below - 10) * 160, 900),
    };
    let content = Rect::at(place.plus(Point::new(insets.left, insets.top)), image.size());
    let frame = FrameSpec {
        style: Style::Domain(Label::named("blue").expect("a label")),
        name: "work".into(),
        title: "a title of usual length - application".into(),
        focused: index == 0,
        maximised: false,
        hovered: None,
        notice: None,
        icon: None,
    };
    View {
        id: Id(index as u64),
        frame,
        outer: content.outset(insets),
        insets,
        content,
        pixels: Content::Guest(image),
        background: Color::WHITE,
    }
}

fn settings() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(800))
}

criterion_group! { name = benches; config = settings(); targets = damage_copy, compose }
criterion_main!(benches);

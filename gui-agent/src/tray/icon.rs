//! An item's icon: a square of its own background, so that it can be seen on whatever the GUI domain puts it.

use tiny_skia::{
    Color, ColorU8, FilterQuality, IntSize, Pixmap, PixmapPaint, PremultipliedColorU8, Rect, Transform,
};

use super::{
    item::{Look, Source},
    panel::Art,
    text::Text,
    theme::Themes,
    value,
};

/// What is behind icons and menus.
pub(super) const BACK: ColorU8 = ColorU8::from_rgba(0x2b, 0x2d, 0x31, 0xff);

/// What is written on that, and the colour of icons that have none.
pub(super) const INK: ColorU8 = ColorU8::from_rgba(0xec, 0xee, 0xf0, 0xff);

/// Of the square's side, what the icon takes: 22 of 24 pixels.
const SHARE: (u32, u32) = (11, 12);

/// Draws what an item looks like, in a picture of this size.
pub(super) fn draw(
    look: &Look,
    (width, height): (u32, u32),
    Art { text, themes }: &mut Art,
) -> Option<Pixmap> {
    let mut picture = Pixmap::new(width, height)?;
    picture.fill(color(BACK));
    let side = (width.min(height).saturating_mul(SHARE.0) / SHARE.1).max(1);
    match load(&look.icon, look, side, themes) {
        Some(icon) => put(&mut picture, icon, side, (0.0, 0.0, width as f32, height as f32)),
        None => put_letter(&mut picture, &look.title, side as f32, text),
    }
    let corner = side.div_ceil(2);
    if let Some(overlay) = load(&look.overlay, look, corner, themes) {
        let [left, top] = [width, height].map(|length| ((length + side) / 2).saturating_sub(corner) as f32);
        put(&mut picture, overlay, corner, (left, top, corner as f32, corner as f32));
    }
    Some(picture)
}

/// The picture of an icon that is to have so many pixels along its side.
fn load(source: &Source, look: &Look, side: u32, themes: &Themes) -> Option<Pixmap> {
    let own = || own_picture(source.nearest(side.cast_signed())?);
    themes.load(&source.name, &look.theme_path, side).or_else(own)
}

pub(super) fn color(color: ColorU8) -> Color {
    Color::from_rgba8(color.red(), color.green(), color.blue(), color.alpha())
}

/// The picture that an application has sent: alpha, red, green and blue of each pixel.
fn own_picture(pixmap: &value::Pixmap) -> Option<Pixmap> {
    let size = IntSize::from_wh(u32::try_from(pixmap.0).ok()?, u32::try_from(pixmap.1).ok()?)?;
    let pixels = pixmap.2.chunks_exact(4).flat_map(|pixel| match *pixel {
        [alpha, red, green, blue] => {
            let pixel = ColorU8::from_rgba(red, green, blue, alpha).premultiply();
            [pixel.red(), pixel.green(), pixel.blue(), pixel.alpha()]
        }
        _ => [0; 4],
    });
    Pixmap::from_vec(pixels.collect(), size)
}

/// Puts an icon into the middle of a place (left, top, width and height), its longer side as long as said; one that is longer
/// and has room there is left as it is.
pub(super) fn put(
    picture: &mut Pixmap,
    mut icon: Pixmap,
    side: u32,
    (left, top, across, down): (f32, f32, f32, f32),
) {
    while icon.width().max(icon.height()) >= side.saturating_mul(2) {
        let Some(half) = halve(&icon) else { break };
        icon = half;
    }
    let (width, height) = (icon.width() as f32, icon.height() as f32);
    let fits = (side as f32..=across.min(down)).contains(&width.max(height));
    let scale = if fits { 1.0 } else { side as f32 / width.max(height) };
    let middle = |from: f32, room: f32, side: f32| (from + (room - side * scale) / 2.0).round();
    let corner = (middle(left, across, width), middle(top, down, height));
    let placed = Transform::from_row(scale, 0.0, 0.0, scale, corner.0, corner.1);
    let quality = if scale == 1.0 { FilterQuality::Nearest } else { FilterQuality::Bilinear };
    let paint = PixmapPaint { quality, ..PixmapPaint::default() };
    picture.draw_pixmap(0, 0, icon.as_ref(), &paint, placed, None);
}

/// A picture half as large, each pixel of which is the mean of four; sampling it would leave out the others.
fn halve(picture: &Pixmap) -> Option<Pixmap> {
    let mut half = Pixmap::new(picture.width().div_ceil(2), picture.height().div_ceil(2))?;
    let width = half.width();
    for (at, pixel) in (0u32..).zip(half.pixels_mut()) {
        let (x, y) = (at % width * 2, at / width * 2);
        let four = [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(right, down)| {
            picture.pixel(x + right, y + down).unwrap_or(PremultipliedColorU8::TRANSPARENT)
        });
        let mean = |part: fn(&PremultipliedColorU8) -> u8| {
            u8::try_from(four.iter().map(|pixel| u32::from(part(pixel))).sum::<u32>() / 4).unwrap_or(u8::MAX)
        };
        let (red, green) = (mean(|pixel| pixel.red()), mean(|pixel| pixel.green()));
        let (blue, alpha) = (mean(|pixel| pixel.blue()), mean(|pixel| pixel.alpha()));
        // means of premultiplied colours are premultiplied
        *pixel = PremultipliedColorU8::from_rgba(red, green, blue, alpha)?;
    }
    Some(half)
}

/// For those without an icon: the first letter of their name, in a frame.
fn put_letter(picture: &mut Pixmap, title: &str, side: f32, text: &mut Text) {
    let (width, height) = (picture.width() as f32, picture.height() as f32);
    let (left, top) = ((width - side) / 2.0, (height - side) / 2.0);
    let line = (side / 16.0).ceil();
    let frames = [(left, top, side, INK), (left + line, top + line, side - 2.0 * line, BACK)];
    for (x, y, side, ink) in frames {
        if let Some(square) = Rect::from_xywh(x, y, side, side) {
            let mut paint = tiny_skia::Paint::default();
            paint.set_color(color(ink));
            picture.fill_rect(square, &paint, Transform::identity(), None);
        }
    }
    let letter: String = title.chars().take(1).flat_map(char::to_uppercase).collect();
    let size = side * 0.7;
    let left = (width - text.width(&letter, size)) / 2.0;
    text.draw(picture, &letter, size, (left, width, height / 2.0), INK);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tray::item::Source;

    fn drawn(pixmap: value::Pixmap, size: u32) -> Pixmap {
        let icon = Source { name: String::new(), pixmaps: vec![pixmap] };
        let look = Look { icon, ..Look::default() };
        draw(&look, (size, size), &mut Art::default()).unwrap()
    }

    fn rgb(picture: &Pixmap, x: u32, y: u32) -> (u8, u8, u8) {
        let pixel = picture.pixel(x, y).unwrap().demultiply();
        assert_eq!(pixel.alpha(), 255, "opaque");
        (pixel.red(), pixel.green(), pixel.blue())
    }

    #[test]
    fn a_picture_is_drawn_as_it_is_where_its_size_fits() {
        let mut bytes = [255, 255, 0, 0].repeat(22 * 22);
        bytes[4..8].copy_from_slice(&[0, 9, 9, 9]);
        let picture = drawn(value::Pixmap(22, 22, bytes), 24);
        let back = (BACK.red(), BACK.green(), BACK.blue());
        assert_eq!(rgb(&picture, 0, 0), back);
        assert_eq!(rgb(&picture, 1, 1), (255, 0, 0));
        assert_eq!(rgb(&picture, 2, 1), back, "this one is transparent");
        assert_eq!(rgb(&picture, 22, 22), (255, 0, 0));
        let larger = drawn(value::Pixmap(24, 24, [255, 255, 0, 0].repeat(24 * 24)), 24);
        assert_eq!(rgb(&larger, 0, 23), (255, 0, 0));
    }

    #[test]
    fn large_pictures_are_averaged_and_flat_ones_stay_flat() {
        // lines of black and white
        let lines: Vec<u8> =
            (0..176 * 176).flat_map(|at| [255, if at % 2 == 0 { 255 } else { 0 }, 0, 0]).collect();
        let (red, _, _) = rgb(&drawn(value::Pixmap(176, 176, lines), 24), 12, 12);
        assert!((126..=128).contains(&red), "{red}");
        let flat = drawn(value::Pixmap(44, 22, [255, 0, 255, 0].repeat(44 * 22)), 24);
        assert_eq!(rgb(&flat, 12, 12), (0, 255, 0));
        assert_eq!(rgb(&flat, 12, 3), (BACK.red(), BACK.green(), BACK.blue()));
    }

    #[test]
    fn an_overlay_lies_on_the_lower_right_of_its_icon() {
        let plain = |side: i32, colour: [u8; 4]| Source {
            name: String::new(),
            pixmaps: vec![value::Pixmap(side, side, colour.repeat((side * side) as usize))],
        };
        let look = Look {
            icon: plain(22, [255, 255, 0, 0]),
            overlay: plain(64, [255, 0, 0, 255]),
            ..Look::default()
        };
        let picture = draw(&look, (24, 24), &mut Art::default()).unwrap();
        let (red, blue, back) = ((255, 0, 0), (0, 0, 255), (BACK.red(), BACK.green(), BACK.blue()));
        assert_eq!([(11, 12), (12, 11), (1, 22)].map(|(x, y)| rgb(&picture, x, y)), [red; 3]);
        assert_eq!([(12, 12), (22, 22)].map(|(x, y)| rgb(&picture, x, y)), [blue; 2]);
        assert_eq!(rgb(&picture, 23, 23), back);
    }

    #[test]
    fn without_a_picture_there_is_a_frame() {
        let look = Look { title: "mail".into(), ..Look::default() };
        let picture = draw(&look, (48, 24), &mut Art::default()).unwrap();
        assert_eq!(rgb(&picture, 13, 12), (INK.red(), INK.green(), INK.blue()));
    }
}

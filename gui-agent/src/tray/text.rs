//! Lines of text: measured, cut, drawn.

use cosmic_text::{Attrs, Buffer, Family, FontSystem, Metrics, Shaping, SwashCache, Wrap};
use tiny_skia::{ColorU8, Pixmap};

/// The machine's fonts, looked for when the first text is drawn. Without any, menus have no text.
#[derive(Default)]
pub(super) struct Text(Option<(FontSystem, SwashCache)>);

impl Text {
    /// The width of a text in pixels, at this many pixels per em.
    pub(super) fn width(&mut self, text: &str, size: f32) -> f32 {
        let (fonts, _) = self.fonts();
        let buffer = shape(fonts, text, size);
        buffer.layout_runs().map(|run| run.line_w).fold(0.0, f32::max)
    }

    /// Draws a text on an opaque picture, from `left` to `right` and with its middle at `middle`. What does not fit is cut.
    pub(super) fn draw(
        &mut self,
        picture: &mut Pixmap,
        text: &str,
        size: f32,
        (left, right, middle): (f32, f32, f32),
        ink: ColorU8,
    ) {
        let (fonts, glyphs) = self.fonts();
        let buffer = shape(fonts, text, size);
        let top = (middle - buffer.metrics().line_height / 2.0).round() as i32;
        let (width, height) = (picture.width().cast_signed(), picture.height().cast_signed());
        let (left, right) = (left.round() as i32, (right.round() as i32).min(width));
        let pixels = picture.pixels_mut();
        let color = cosmic_text::Color::rgb(ink.red(), ink.green(), ink.blue());
        buffer.draw(fonts, glyphs, color, |x, y, _, _, drawn| {
            let (x, y) = (x.saturating_add(left), y.saturating_add(top));
            if !(left..right).contains(&x) || !(0..height).contains(&y) {
                return;
            }
            let at = usize::try_from(i64::from(y) * i64::from(width) + i64::from(x)).ok();
            if let Some(pixel) = at.and_then(|at| pixels.get_mut(at)) {
                *pixel = over(*pixel, drawn).premultiply();
            }
        });
    }

    fn fonts(&mut self) -> (&mut FontSystem, &mut SwashCache) {
        let (fonts, glyphs) = self.0.get_or_insert_with(|| (FontSystem::new(), SwashCache::new()));
        (fonts, glyphs)
    }
}

fn shape(fonts: &mut FontSystem, text: &str, size: f32) -> Buffer {
    let mut buffer = Buffer::new(fonts, Metrics::new(size, (size * 1.3).round()));
    // without a font there is nothing to shape with
    if !fonts.db().is_empty() {
        buffer.set_wrap(fonts, Wrap::None);
        buffer.set_size(fonts, None, None);
        let attributes = Attrs::new().family(Family::SansSerif);
        buffer.set_text(fonts, text, &attributes, Shaping::Advanced);
        buffer.shape_until_scroll(fonts, false);
    }
    buffer
}

/// A colour over an opaque pixel.
fn over(pixel: tiny_skia::PremultipliedColorU8, color: cosmic_text::Color) -> ColorU8 {
    let share = u32::from(color.a());
    let mix = |below: u8, above: u8| {
        let sum = u32::from(below) * (255 - share) + u32::from(above) * share;
        u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
    };
    let [red, green, blue] =
        [(pixel.red(), color.r()), (pixel.green(), color.g()), (pixel.blue(), color.b())]
            .map(|(below, above)| mix(below, above));
    ColorU8::from_rgba(red, green, blue, 255)
}

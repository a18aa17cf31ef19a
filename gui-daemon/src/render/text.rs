//! Lines of text: shaped, cut to a width, drawn.

use std::{cell::RefCell, rc::Rc};

use cosmic_text::{Attrs, Buffer, Family, FontSystem, Metrics, Shaping, SwashCache, Wrap};
use tiny_skia::Pixmap;

use super::Color;

const ELLIPSIS: char = '…';

/// The machine's fonts, looked for when the first text is drawn. Without any, frames have no text. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Text(Rc<RefCell<Lazy>>);

#[derive(Default)]
struct Lazy {
    fonts: Option<Fonts>,
    /// Whether they were looked for.
    loaded: bool,
}

struct Fonts {
    system: FontSystem,
    glyphs: SwashCache,
}

/// How heavy the strokes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    /// For running text.
    Regular,
    /// For names.
    Bold,
}

/// One line, ready to be drawn.
#[derive(Debug)]
pub(super) struct Line {
    buffer: Buffer,
    width: f32,
}

impl Line {
    /// Pixels across.
    pub(super) fn width(&self) -> f32 {
        self.width
    }
}

impl std::fmt::Debug for Lazy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lazy").field("loaded", &self.loaded).field("usable", &self.fonts.is_some()).finish()
    }
}

impl Text {
    #[cfg(test)]
    pub(super) fn without_fonts() -> Self {
        Self(Rc::new(RefCell::new(Lazy { fonts: None, loaded: true })))
    }

    /// Whether there is anything to draw text with.
    pub(super) fn has_fonts(&self) -> bool {
        self.0.borrow_mut().fonts().is_some()
    }

    /// `text` in `size` pixels per em, cut with an ellipsis so that it is at most `room` pixels wide. None if there is
    /// no font, or nothing to show, or no room for any of it.
    pub(super) fn line(&self, text: &str, size: f32, weight: Weight, room: f32) -> Option<Line> {
        let mut lazy = self.0.borrow_mut();
        let fonts = lazy.fonts()?;
        if text.is_empty() || room <= 0.0 {
            return None;
        }
        let whole = fonts.shape(text, size, weight);
        if whole.width <= room {
            return Some(whole);
        }
        // Only whole clusters are cut off, or an accent could lose its letter and a ligature its half.
        let mut ends: Vec<usize> =
            whole.buffer.layout_runs().flat_map(|run| run.glyphs).map(|glyph| glyph.start).collect();
        ends.sort_unstable();
        ends.dedup();
        let mut cut = |end: usize| {
            let kept = text.get(..end)?.trim_end();
            let line = fonts.shape(&format!("{kept}{ELLIPSIS}"), size, weight);
            (line.width <= room).then_some(line)
        };
        // The first end would leave the ellipsis alone, which says nothing.
        ends.retain(|&end| end > 0);
        let fitting = ends.partition_point(|&end| cut(end).is_some());
        cut(*ends.get(fitting.checked_sub(1)?)?)
    }

    /// Draws `line` into an opaque `pixmap`, `left` pixels from its left edge and in the middle of its height.
    pub(super) fn draw(&self, line: &Line, pixmap: &mut Pixmap, left: f32, color: Color) {
        let mut lazy = self.0.borrow_mut();
        let Some(fonts) = lazy.fonts() else { return };
        let (width, height) = (pixmap.width().cast_signed(), pixmap.height().cast_signed());
        let (left, top) =
            (left.round() as i32, ((height as f32 - line.buffer.metrics().line_height) / 2.0).round() as i32);
        let pixels = pixmap.pixels_mut();
        let ink = cosmic_text::Color::rgb(color.r, color.g, color.b);
        line.buffer.draw(&mut fonts.system, &mut fonts.glyphs, ink, |x, y, _, _, drawn| {
            let (x, y) = (x.saturating_add(left), y.saturating_add(top));
            if !(0..width).contains(&x) || !(0..height).contains(&y) {
                return;
            }
            let index = usize::try_from(y * width + x).ok();
            if let Some(pixel) = index.and_then(|index| pixels.get_mut(index)) {
                let under = pixel.demultiply();
                let blended = Color::new(under.red(), under.green(), under.blue())
                    .mix(Color::new(drawn.r(), drawn.g(), drawn.b()), f32::from(drawn.a()) / 255.0);
                *pixel = tiny_skia::ColorU8::from_rgba(blended.r, blended.g, blended.b, 0xff).premultiply();
            }
        });
    }
}

impl Lazy {
    fn fonts(&mut self) -> Option<&mut Fonts> {
        if !self.loaded {
            self.loaded = true;
            let system = FontSystem::new();
            if system.db().is_empty() {
                tracing::warn!(
                    "no font found: frames show their colour and no text (install one, such as DejaVu)"
                );
            } else {
                self.fonts = Some(Fonts { system, glyphs: SwashCache::new() });
            }
        }
        self.fonts.as_mut()
    }
}

impl Fonts {
    fn shape(&mut self, text: &str, size: f32, weight: Weight) -> Line {
        let weight = match weight {
            Weight::Regular => cosmic_text::Weight::NORMAL,
            Weight::Bold => cosmic_text::Weight::BOLD,
        };
        let mut buffer = Buffer::new(&mut self.system, Metrics::new(size, (size * 1.3).round()));
        buffer.set_wrap(&mut self.system, Wrap::None);
        buffer.set_size(&mut self.system, None, None);
        let attrs = Attrs::new().family(Family::SansSerif).weight(weight);
        buffer.set_text(&mut self.system, text, &attrs, Shaping::Advanced);
        buffer.shape_until_scroll(&mut self.system, false);
        let width = buffer.layout_runs().map(|run| run.line_w).fold(0.0, f32::max);
        Line { buffer, width }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_never_wider_than_its_room() {
        let text = Text::default();
        for title in [
            "short",
            "a title that is quite a bit longer",
            "שלום עולם שלום עולם",
            "e\u{301}e\u{301}e\u{301}e\u{301}",
            "👩💻🎉🇩🇪",
        ] {
            for room in 0..260 {
                let room = room as f32;
                if let Some(line) = text.line(title, 13.0, Weight::Regular, room) {
                    assert!(line.width() <= room, "{title} in {room}");
                }
            }
        }
    }

    #[test]
    fn a_cut_line_keeps_as_much_as_fits() {
        let text = Text::default();
        let width =
            |text: &Text, words| Some(text.line(words, 13.0, Weight::Regular, f32::INFINITY)?.width());
        let Some(wide) = width(&text, "abcdef…") else { return };
        let cut = text.line("abcdefghijklmno", 13.0, Weight::Regular, wide).map(|line| line.width());
        assert_eq!(cut, Some(wide));
    }
}

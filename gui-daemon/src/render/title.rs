//! What stands on a title band: the domain's name, a notice of the compositor's, the window's icon, its title.
//!
//! They come in this order and do not overlap; only icon and title are a domain's choice, and what stands before them
//! pushes them aside. So a domain can neither cover what the compositor says nor write in its place.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use tiny_skia::{FillRule, Pixmap, PixmapPaint, PixmapRef, Transform};

use super::{
    Color,
    cursor::{premultiplied, scaled},
    elements::Mapping,
    frame::{Palette, paint, rounded, skia},
    text::{Line, Text, Weight},
};

/// From one part to the next.
const GAP: i32 = 9;
/// Between a pill's rim and its text.
const PILL_PADDING: i32 = 8;
/// What a pill leaves of the title's image above and below itself.
const PILL_MARGIN: i32 = 4;
/// Title and name, in pixels per em.
const TEXT_SIZE: f32 = 13.0;
/// Side of an icon.
const ICON: i32 = 18;
/// Behind a notice: what no label's frame has next to the name.
const NOTICE: Color = Color::new(0xff, 0xc8, 0x3d);
/// The longest side of an icon as it comes, in pixels.
pub const MAX_ICON_SIDE: u32 = 256;

/// A window's icon.
#[derive(Clone, Debug)]
pub struct Icon {
    serial: u64,
    width: u32,
    height: u32,
    /// Premultiplied RGBA.
    pixels: Arc<[u8]>,
}

/// Icons are told apart by where they come from: none is ever changed.
impl PartialEq for Icon {
    fn eq(&self, other: &Self) -> bool {
        self.serial == other.serial
    }
}

impl Eq for Icon {}

impl Icon {
    /// An icon of premultiplied ARGB pixels, little-endian. Colours brighter than their alpha are taken down to it. `None`
    /// for a side that is not 1 to [`MAX_ICON_SIDE`], or pixels that are not exactly that many.
    pub fn new(width: u32, height: u32, pixels: &[u8]) -> Option<Self> {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let is_side = |side: u32| (1..=MAX_ICON_SIDE).contains(&side);
        let right_length = u64::try_from(pixels.len()) == Ok(u64::from(width) * u64::from(height) * 4);
        (is_side(width) && is_side(height) && right_length).then(|| {
            let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
            Self { serial, width, height, pixels: premultiplied(pixels).into() }
        })
    }
}

/// What stands there.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Words {
    pub(super) name: String,
    pub(super) notice: Option<String>,
    pub(super) icon: Option<Icon>,
    pub(super) title: String,
}

/// Paints it, as one image of the band's colour.
pub(super) struct TitlePainter<'a> {
    text: &'a Text,
    scale: f32,
    height: i32,
}

impl<'a> TitlePainter<'a> {
    pub(super) fn new(text: &'a Text, mapping: Mapping, height: i32) -> Self {
        Self { text, scale: mapping.scale.as_f64() as f32, height }
    }

    pub(super) fn length(&self, length: i32) -> f32 {
        length as f32 * self.scale
    }

    fn line(&self, text: &str, weight: Weight, room: f32) -> Option<Line> {
        self.text.line(text, TEXT_SIZE * self.scale, weight, room)
    }

    /// Plain words, and where they end.
    pub(super) fn words(
        &self,
        pixmap: &mut Pixmap,
        left: f32,
        text: &str,
        weight: Weight,
        ink: Color,
    ) -> f32 {
        let Some(line) = self.line(text, weight, pixmap.width() as f32 - left) else { return left };
        self.text.draw(&line, pixmap, left, ink);
        left + line.width()
    }

    /// Words in the middle.
    pub(super) fn centred(&self, pixmap: &mut Pixmap, text: &str, ink: Color) {
        let room = pixmap.width() as f32;
        if let Some(line) = self.line(text, Weight::Bold, room) {
            self.text.draw(&line, pixmap, (room - line.width()) / 2.0, ink);
        }
    }

    /// The width at which nothing is cut.
    pub(super) fn natural_width(&self, words: &Words) -> i32 {
        let text = |text: &str, weight| self.line(text, weight, f32::INFINITY).map(|line| line.width());
        let pill =
            |name: &str| (text(name, Weight::Bold).unwrap_or(0.0) + self.length(2 * PILL_PADDING)).ceil();
        let parts = [
            Some(pill(&words.name)),
            words.notice.as_deref().map(pill),
            words.icon.as_ref().map(|_| self.icon_side() as f32),
            text(&words.title, Weight::Regular),
        ];
        let (count, sum) =
            parts.iter().flatten().fold((0, 0.0), |(count, sum), part| (count + 1, sum + part));
        (sum + self.length(GAP * (count - 1))).ceil() as i32
    }

    /// The image, `width` pixels wide; what does not fit is cut from its end. None without a font, if nothing has to be
    /// said.
    pub(super) fn paint(&self, words: &Words, palette: &Palette, width: i32) -> Option<Pixmap> {
        if !self.text.has_fonts() && words.notice.is_none() {
            return None;
        }
        let mut pixmap = Pixmap::new(u32::try_from(width).ok()?, u32::try_from(self.height).ok()?)?;
        pixmap.fill(skia(palette.band));
        let gap = self.length(GAP);
        let mut left = self.pill(&mut pixmap, 0.0, &words.name, (palette.pill, palette.pill_ink));
        if let Some(notice) = &words.notice {
            left = self.pill(&mut pixmap, left + gap, notice, (NOTICE, Color::BLACK));
        }
        if let Some(icon) = &words.icon {
            left = self.icon(&mut pixmap, left + gap, icon);
        }
        left += gap;
        if let Some(title) = self.line(&words.title, Weight::Regular, width as f32 - left) {
            self.text.draw(&title, &mut pixmap, left, palette.ink);
        }
        Some(pixmap)
    }

    /// A text on a ground of its own, and where it ends.
    pub(super) fn pill(
        &self,
        pixmap: &mut Pixmap,
        left: f32,
        text: &str,
        (ground, ink): (Color, Color),
    ) -> f32 {
        let padding = self.length(PILL_PADDING);
        let most = pixmap.width() as f32 - left;
        let line = self.line(text, Weight::Bold, most - 2.0 * padding);
        // of a notice there is the ground even without a font
        if line.is_none() && ground != NOTICE {
            return left;
        }
        let width = (line.as_ref().map_or(0.0, Line::width) + 2.0 * padding).ceil().min(most);
        let margin = self.length(PILL_MARGIN);
        let pill = rounded(left, margin, width, self.height as f32 - 2.0 * margin, self.length(4));
        let Some(pill) = pill.filter(|_| width > 0.0) else { return left };
        pixmap.fill_path(&pill, &paint(ground), FillRule::Winding, Transform::identity(), None);
        if let Some(line) = line {
            self.text.draw(&line, pixmap, left + padding, ink);
        }
        left + width
    }

    fn icon_side(&self) -> u32 {
        self.length(ICON).round().min(self.height as f32).max(1.0) as u32
    }

    /// The icon, in a square of its own, and where that ends.
    fn icon(&self, pixmap: &mut Pixmap, left: f32, icon: &Icon) -> f32 {
        let side = self.icon_side();
        let (left, longest) = (left.round(), icon.width.max(icon.height));
        let part = |length: u32| (length * side / longest).max(1);
        let (width, height) = (part(icon.width), part(icon.height));
        let whole = PixmapRef::from_bytes(&icon.pixels, icon.width, icon.height);
        if let Some(picture) = whole.and_then(|whole| scaled(whole, (width, height))) {
            let x = left as i32 + ((side - width) / 2).cast_signed();
            let y = (self.height - height.cast_signed()) / 2;
            let paint = PixmapPaint::default();
            pixmap.draw_pixmap(x, y, picture.as_ref(), &paint, Transform::identity(), None);
        }
        left + side as f32
    }
}

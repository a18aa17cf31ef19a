//! What the compositor tells the user about what passes between domains: the domains by name and colour, what it is, and what
//! can be pressed. It lies above all views and is opaque, so that none of it is anybody else's.

use tiny_skia::{FillRule, Pixmap, PixmapPaint, Rect as SkiaRect, Transform};

use super::{
    Color,
    elements::{Area, Mapping, Pixels},
    frame::{Painted, Style, paint, rounded, skia},
    painter::Painter,
    text::{Text, Weight},
    title::TitlePainter,
};
use crate::shell::geom::{Point, Rect, Size};

/// Thickness of the rim, in the parties' colours.
const RIM: i32 = 4;
/// From the rim to what is in it, and between the buttons.
const PADDING: i32 = 12;
/// Height of the line with the parties.
const PARTIES: i32 = 30;
/// Height of a line of words.
const SENTENCE: i32 = 26;
/// Height of the buttons.
const BUTTON: i32 = 36;
/// From the words to the buttons, and from one row of these to the next.
const GAP: i32 = 8;
/// From one party to the arrow, and from that to the next.
const ARROW_GAP: i32 = 8;

/// Light enough for a black label to stand out from it, dark enough for white words.
const GROUND: Color = Color::new(0x33, 0x3a, 0x42);
const INK: Color = Color::new(0xf2, 0xf4, 0xf6);
const BUTTON_GROUND: Color = Color::new(0x50, 0x5a, 0x65);
const BUTTON_HOVERED: Color = Color::new(0x70, 0x7e, 0x8c);

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Banner {
    /// Where on the desktop.
    pub place: Rect,
    /// Whom it is about: nobody, one, or from whom to whom.
    pub parties: Vec<(String, Style)>,
    /// What it is about, by lines.
    pub lines: Vec<String>,
    /// What can be pressed.
    pub buttons: Vec<BannerButton>,
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BannerButton {
    /// Where on the desktop; from [`Banner::button_places`].
    pub place: Rect,
    /// What stands on it.
    pub text: String,
    /// The domain that it stands for.
    pub party: Option<(String, Style)>,
    /// Whether the pointer is on it.
    pub hovered: bool,
}

impl Banner {
    /// The width there is room for two of the longest names in, in logical pixels.
    pub const WIDTH: i32 = 560;

    /// The height of one with so many lines and rows of buttons, in logical pixels.
    pub fn height(lines: usize, rows: usize) -> i32 {
        let times =
            |count: usize, height: i32| i32::try_from(count).unwrap_or(i32::MAX).saturating_mul(height);
        let words = (2 * (RIM + PADDING) + PARTIES).saturating_add(times(lines, SENTENCE));
        words.saturating_add(times(rows, GAP + BUTTON))
    }

    /// Where a banner at `place` has its buttons, of which each row has so many.
    pub fn button_places(place: Rect, rows: &[i32]) -> Vec<Rect> {
        let edge = RIM + PADDING;
        let left = place.x.saturating_add(edge);
        let across = place.width.saturating_sub(2 * edge);
        let mut top = place.bottom().saturating_sub(edge);
        let mut places = Vec::new();
        for count in rows.iter().rev() {
            top = top.saturating_sub(BUTTON);
            let gaps = PADDING.saturating_mul(count.saturating_sub(1));
            let width = across.saturating_sub(gaps).checked_div(*count).unwrap_or(0).max(0);
            let at = |number: i32| left.saturating_add(width.saturating_add(PADDING).saturating_mul(number));
            places.splice(0..0, (0..*count).map(|number| Rect::new(at(number), top, width, BUTTON)));
            top = top.saturating_sub(GAP);
        }
        places
    }
}

/// What the image was painted from, but for where it goes.
#[derive(Debug, PartialEq)]
pub(super) struct Key {
    banner: Banner,
    size: (i32, i32),
}

/// The image, kept until it says something else.
pub(super) type BannerImage<T> = Painted<Key, T>;

impl<T: Clone> BannerImage<T> {
    /// The banner on a canvas of this mapping.
    pub(super) fn banner<R: Painter<TextureId = T>>(
        &mut self,
        banner: &Banner,
        mapping: Mapping,
        text: &Text,
        renderer: &mut R,
    ) -> Result<Option<Pixels<T>>, R::Error> {
        let geometry = mapping.snapped(banner.place);
        let corner = banner.place.origin();
        let mut banner = Banner { place: Rect::at(Point::default(), banner.place.size()), ..banner.clone() };
        for button in &mut banner.buttons {
            button.place = Rect::at(button.place.origin().minus(corner), button.place.size());
        }
        let key = Key { banner, size: (geometry.size.w, geometry.size.h) };
        let drawn = self.element(geometry, key, renderer, |key| Brush { mapping, text }.paint(key))?;
        Ok(drawn.map(|pixels| Pixels { opaque: vec![Area::from_size(geometry.size)], ..pixels }))
    }
}

struct Brush<'a> {
    mapping: Mapping,
    text: &'a Text,
}

impl Brush<'_> {
    fn paint(&self, Key { banner, size: (width, height) }: &Key) -> Option<Pixmap> {
        let mut pixmap = Pixmap::new(u32::try_from(*width).ok()?, u32::try_from(*height).ok()?)?;
        self.paint_rim(&mut pixmap, banner);
        let Size { width, .. } = banner.place.size();
        let (edge, across) = (RIM + PADDING, width.saturating_sub(2 * (RIM + PADDING)));
        let parties = self.line(Size::new(across, PARTIES), |painter, line| {
            let mut left = 0.0;
            for (number, (name, style)) in banner.parties.iter().enumerate() {
                if number > 0 {
                    left += painter.length(ARROW_GAP);
                    left = painter.words(line, left, "→", Weight::Bold, INK) + painter.length(ARROW_GAP);
                }
                let colour = style.color();
                left = painter.pill(line, left, name, (colour, colour.readable()));
            }
        });
        self.put(&mut pixmap, parties, Point::new(edge, edge));
        let tops = (edge + PARTIES..).step_by(SENTENCE.unsigned_abs() as usize);
        for (words, top) in banner.lines.iter().zip(tops) {
            let sentence = self.line(Size::new(across, SENTENCE), |painter, line| {
                painter.words(line, 0.0, words, Weight::Regular, INK);
            });
            self.put(&mut pixmap, sentence, Point::new(edge, top));
        }
        for button in &banner.buttons {
            self.put(&mut pixmap, self.button(button), button.place.origin());
        }
        Some(pixmap)
    }

    /// The rim: the left half as who gives, the right half as who takes.
    fn paint_rim(&self, pixmap: &mut Pixmap, banner: &Banner) {
        let (width, height) = (pixmap.width() as f32, pixmap.height() as f32);
        let colour = |party: Option<&(String, Style)>| party.map_or(INK, |(_, style)| style.color());
        let (from, to) = (colour(banner.parties.first()), colour(banner.parties.last()));
        pixmap.fill(skia(from));
        let rim = self.mapping.length(RIM) as f32;
        let halves = [
            (SkiaRect::from_ltrb((width / 2.0).floor(), 0.0, width, height), to),
            (SkiaRect::from_ltrb(rim, rim, width - rim, height - rim), GROUND),
        ];
        for (place, colour) in halves {
            if let Some(place) = place {
                pixmap.fill_rect(place, &paint(colour), Transform::identity(), None);
            }
        }
    }

    fn line(&self, size: Size, draw: impl FnOnce(&TitlePainter<'_>, &mut Pixmap)) -> Option<Pixmap> {
        let size = self.mapping.size(size);
        let mut line = Pixmap::new(u32::try_from(size.w).ok()?, u32::try_from(size.h).ok()?)?;
        line.fill(skia(GROUND));
        draw(&TitlePainter::new(self.text, self.mapping, size.h), &mut line);
        Some(line)
    }

    fn button(&self, button: &BannerButton) -> Option<Pixmap> {
        self.line(button.place.size(), |painter, pixmap| {
            let (width, height) = (pixmap.width() as f32, pixmap.height() as f32);
            let ground = if button.hovered { BUTTON_HOVERED } else { BUTTON_GROUND };
            if let Some(shape) = rounded(0.0, 0.0, width, height, painter.length(6)) {
                pixmap.fill_path(&shape, &paint(ground), FillRule::Winding, Transform::identity(), None);
            }
            let Some((name, style)) = &button.party else {
                return painter.centred(pixmap, &button.text, INK);
            };
            let (edge, colour) = (painter.length(PADDING), style.color());
            let left = painter.words(pixmap, edge, &button.text, Weight::Bold, INK) + edge;
            painter.pill(pixmap, left, name, (colour, colour.readable()));
        })
    }

    fn put(&self, pixmap: &mut Pixmap, part: Option<Pixmap>, at: Point) {
        let (x, y) = (self.mapping.scale.physical(at.x), self.mapping.scale.physical(at.y));
        if let Some(part) = part {
            pixmap.draw_pixmap(x, y, part.as_ref(), &PixmapPaint::default(), Transform::identity(), None);
        }
    }
}

//! What the compositor tells the user about the clipboard: domains by name and colour, a sentence, and the buttons of a
//! question. It lies above all views and is opaque, so that none of it is anybody else's.

use smithay::backend::renderer::pixman::{PixmanError, PixmanRenderer};
use tiny_skia::{FillRule, Pixmap, PixmapPaint, Rect as SkiaRect, Transform};

use super::{
    Color,
    elements::{Area, Mapping, Pixels},
    frame::{Painted, Style, paint, rounded, skia},
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
/// Height of the line with the sentence.
const SENTENCE: i32 = 26;
/// Height of the buttons.
const BUTTON: i32 = 36;
/// From the sentence to the buttons.
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
    /// What it is about.
    pub text: String,
    /// Yes and no, of a question.
    pub buttons: Option<[BannerButton; 2]>,
}

/// An answer to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BannerButton {
    /// What stands on it.
    pub text: String,
    /// Whether the pointer is on it.
    pub hovered: bool,
}

impl Banner {
    /// The width there is room for two of the longest names in, in logical pixels.
    pub const WIDTH: i32 = 560;

    /// The height of a notice, or of a question, in logical pixels.
    pub const fn height(asks: bool) -> i32 {
        2 * (RIM + PADDING) + PARTIES + SENTENCE + if asks { GAP + BUTTON } else { 0 }
    }

    /// Where a question at `place` has its yes and its no.
    pub fn button_places(place: Rect) -> [Rect; 2] {
        let edge = RIM + PADDING;
        let width = (place.width.saturating_sub(2 * edge + PADDING) / 2).max(0);
        let top = place.bottom().saturating_sub(edge + BUTTON);
        let left = place.x.saturating_add(edge);
        let right = place.right().saturating_sub(edge + width);
        [left, right].map(|x| Rect::new(x, top, width, BUTTON))
    }
}

/// What the image was painted from, but for where it goes.
#[derive(Debug, PartialEq)]
pub(super) struct Key {
    banner: Banner,
    size: (i32, i32),
}

/// The image, kept until it says something else.
pub(super) type BannerImage = Painted<Key>;

impl BannerImage {
    /// The banner on a canvas of this mapping.
    pub(super) fn banner(
        &mut self,
        banner: &Banner,
        mapping: Mapping,
        text: &Text,
        renderer: &mut PixmanRenderer,
    ) -> Result<Option<Pixels>, PixmanError> {
        let geometry = mapping.snapped(banner.place);
        let banner = Banner { place: Rect::at(Point::default(), banner.place.size()), ..banner.clone() };
        let key = Key { banner, size: (geometry.size.w, geometry.size.h) };
        let drawn = self.element(geometry, key, renderer, |key| Painter { mapping, text }.paint(key))?;
        Ok(drawn.map(|pixels| Pixels { opaque: vec![Area::from_size(geometry.size)], ..pixels }))
    }
}

struct Painter<'a> {
    mapping: Mapping,
    text: &'a Text,
}

impl Painter<'_> {
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
        let sentence = self.line(Size::new(across, SENTENCE), |painter, line| {
            painter.words(line, 0.0, &banner.text, Weight::Regular, INK);
        });
        self.put(&mut pixmap, parties, Point::new(edge, edge));
        self.put(&mut pixmap, sentence, Point::new(edge, edge + PARTIES));
        for (button, place) in banner.buttons.iter().flatten().zip(Banner::button_places(banner.place)) {
            self.put(&mut pixmap, self.button(button, place.size()), place.origin());
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

    fn button(&self, button: &BannerButton, size: Size) -> Option<Pixmap> {
        self.line(size, |painter, pixmap| {
            let (width, height) = (pixmap.width() as f32, pixmap.height() as f32);
            let ground = if button.hovered { BUTTON_HOVERED } else { BUTTON_GROUND };
            if let Some(shape) = rounded(0.0, 0.0, width, height, painter.length(6)) {
                pixmap.fill_path(&shape, &paint(ground), FillRule::Winding, Transform::identity(), None);
            }
            painter.centred(pixmap, &button.text, INK);
        })
    }

    fn put(&self, pixmap: &mut Pixmap, part: Option<Pixmap>, at: Point) {
        let (x, y) = (self.mapping.scale.physical(at.x), self.mapping.scale.physical(at.y));
        if let Some(part) = part {
            pixmap.draw_pixmap(x, y, part.as_ref(), &PixmapPaint::default(), Transform::identity(), None);
        }
    }
}

//! How a frame looks, and the painted parts of it that are kept from one drawing to the next.
//!
//! A frame is plain rectangles in the label's colour ([`Fill`]) and up to four small painted images: the name with the
//! title, and the buttons. Resizing moves these; it paints only a title that has to be cut anew.

use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::{Color32F, element::Id, utils::CommitCounter},
    },
    utils::{Physical, Rectangle},
};
use tiny_skia::{FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

use super::{
    Color, Content, Label, View,
    elements::{Area, Damage, Fill, Mapping, Pixels, grown},
    opaque,
    painter::Painter,
    scaled::Placing,
    text::Text,
    title::{Icon, TitlePainter, Words},
};
use crate::shell::{Button, geom::Rect};

/// A top side of at least this many pixels is a title band; a thinner one is a plain border.
const MIN_BAND: i32 = 20;
/// A border of at least this many pixels has a line along its edges, so that it stands out from neighbours and content
/// of its own colour.
const MIN_LINED: i32 = 4;
/// From the frame's side to the name, and from the title to the buttons.
const BAND_MARGIN: i32 = 6;
/// Height of the band that a window without one gets for a notice, over its content.
const NOTICE_HEIGHT: i32 = 28;

/// On whose behalf a frame is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Style {
    /// A domain, by its label.
    Domain(Label),
    /// The GUI domain itself: a light neutral that no label of Qubes comes near.
    Admin,
}

impl Style {
    /// The colour that stands for whom it is: a label's, or dom0's.
    pub fn color(self) -> Color {
        self.palette(true).band
    }

    fn palette(self, focused: bool) -> Palette {
        match self {
            Self::Domain(label) => {
                let label = label.color();
                let band = if focused { label } else { subdued(label) };
                let ink = band.readable();
                Palette {
                    band,
                    rim: shade(band, 0.3),
                    line: shade(band, 0.55),
                    ink,
                    pill: ink,
                    pill_ink: band,
                }
            }
            Self::Admin => {
                let band = if focused { Color::new(0xf2, 0xf4, 0xf6) } else { Color::new(0xcd, 0xd2, 0xd8) };
                let ink = if focused { Color::new(0x1b, 0x1f, 0x24) } else { Color::new(0x43, 0x4a, 0x52) };
                let rim = Color::new(0x6b, 0x73, 0x7c);
                Palette { band, rim, line: rim, ink, pill: ink, pill_ink: Color::WHITE }
            }
        }
    }
}

/// How one frame looks. Nothing of it is a domain's choice but the title.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameSpec {
    /// On whose behalf.
    pub style: Style,
    /// The domain's name. Always shown before the title, in a place that the title cannot reach.
    pub name: String,
    /// The window's title, already [sanitised](crate::sanitise::sanitise).
    pub title: String,
    /// Whether the window has the keyboard.
    pub focused: bool,
    /// Whether the maximise button undoes.
    pub maximised: bool,
    /// The button under the pointer.
    pub hovered: Option<Button>,
    /// What the user has to know of the window now; a window without a title band shows it over its content.
    pub notice: Option<String>,
    /// The window's icon, shown before its title.
    pub icon: Option<Icon>,
}

/// The colours of one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Palette {
    /// The frame itself.
    pub(super) band: Color,
    /// The line along its outer edge.
    rim: Color,
    /// The line along the content.
    line: Color,
    /// Title and buttons.
    pub(super) ink: Color,
    /// Behind the name.
    pub(super) pill: Color,
    /// The name.
    pub(super) pill_ink: Color,
}

impl FrameSpec {
    /// The colour of the frame itself: the label's while the window has the focus, a subdued one of its hue if not.
    pub fn color(&self) -> Color {
        self.palette().band
    }

    fn palette(&self) -> Palette {
        self.style.palette(self.focused)
    }
}

/// The label's colour for a window without focus: darker and greyer, of the same hue.
fn subdued(label: Color) -> Color {
    label.mix(Color::new(0x3a, 0x3a, 0x3a), 0.4)
}

/// A colour that shows as a line on `band`: darker, or on what is nearly black lighter.
fn shade(band: Color, share: f32) -> Color {
    band.mix(if band.luminance() < 0.02 { Color::WHITE } else { Color::BLACK }, share)
}

/// What is kept of one view's frame between drawings.
#[derive(Debug)]
pub(super) struct FrameParts<T> {
    /// The colours and what they were chosen for.
    palette: Option<((Style, bool), Palette)>,
    fill: FillState,
    title: Painted<TitleKey, T>,
    /// The title's width if it need not be cut, as long as what it was measured for is unchanged.
    natural: Option<(Words, i32)>,
    buttons: [Painted<ButtonKey, T>; 3],
}

impl<T> Default for FrameParts<T> {
    fn default() -> Self {
        Self {
            palette: None,
            fill: FillState::default(),
            title: Painted::default(),
            natural: None,
            buttons: Default::default(),
        }
    }
}

/// What the title's image was painted from.
#[derive(Debug, PartialEq)]
struct TitleKey {
    words: Words,
    palette: Palette,
    size: (i32, i32),
}

#[derive(Debug, PartialEq)]
struct ButtonKey {
    palette: Palette,
    hovered: bool,
    maximised: bool,
    size: (i32, i32),
}

impl<T: Clone> FrameParts<T> {
    /// The frame of `view`, topmost element first, without the [`Fill`].
    pub(super) fn band<R: Painter<TextureId = T>>(
        &mut self,
        view: &View<'_>,
        mapping: Mapping,
        text: &Text,
        renderer: &mut R,
    ) -> Result<Vec<Pixels<T>>, R::Error> {
        let mut elements = Vec::new();
        let palette = self.palette(&view.frame);
        if view.insets.top < MIN_BAND {
            if view.frame.notice.is_some() {
                let words = Words { title: String::new(), icon: None, ..words(&view.frame) };
                let inner = view.outer.inset(view.insets);
                let band = Rect { height: NOTICE_HEIGHT.min(inner.height), ..inner };
                elements.extend(self.title(words, palette, mapping.rect(band), (mapping, text), renderer)?);
            }
            return Ok(elements);
        }
        let (layout, clear) = (BandLayout::new(view), between_lines(view, mapping));
        for (painted, button) in self.buttons.iter_mut().zip(Button::ALL) {
            let Some(place) = layout.button(button) else { continue };
            let Some(geometry) = mapping.rect(place).intersection(clear) else { continue };
            let key = ButtonKey {
                palette,
                hovered: view.frame.hovered == Some(button),
                maximised: view.frame.maximised,
                size: (geometry.size.w, geometry.size.h),
            };
            elements.extend(painted.element(geometry, key, renderer, |key| paint_button(button, key))?);
        }

        if layout.title.is_empty() {
            return Ok(elements);
        }
        let Some(place) = mapping.rect(layout.title).intersection(clear) else { return Ok(elements) };
        elements.extend(self.title(words(&view.frame), palette, place, (mapping, text), renderer)?);
        Ok(elements)
    }

    /// What stands at the left of `place`, as wide as it has to be: so it stays as it is while the window is resized.
    fn title<R: Painter<TextureId = T>>(
        &mut self,
        words: Words,
        palette: Palette,
        place: Area,
        (mapping, text): (Mapping, &Text),
        renderer: &mut R,
    ) -> Result<Option<Pixels<T>>, R::Error> {
        let painter = TitlePainter::new(text, mapping, place.size.h);
        let natural = match &self.natural {
            Some((measured, width)) if *measured == words => *width,
            _ => {
                let width = painter.natural_width(&words);
                self.natural = Some((words.clone(), width));
                width
            }
        };
        let size = (natural.min(place.size.w), place.size.h);
        let key = TitleKey { words, palette, size };
        self.title.element(Area::new(place.loc, size.into()), key, renderer, |key| {
            painter.paint(&key.words, &key.palette, key.size.0)
        })
    }

    /// The plain colours of `view`, below all its other elements.
    pub(super) fn fill(&mut self, view: &View<'_>, mapping: Mapping) -> Fill {
        let outer = mapping.rect(view.outer);
        let parts = fill_parts(view, self.palette(&view.frame), mapping)
            .into_iter()
            .map(|(mut rect, color)| {
                rect.loc -= outer.loc;
                (rect, opaque(color))
            })
            .collect();
        self.fill.element(outer, parts)
    }

    /// The colours, chosen anew only when the label or the focus changes: it takes a dozen powers.
    fn palette(&mut self, frame: &FrameSpec) -> Palette {
        let wanted = (frame.style, frame.focused);
        match self.palette {
            Some((chosen, palette)) if chosen == wanted => palette,
            _ => self.palette.insert((wanted, frame.palette())).1,
        }
    }
}

fn words(frame: &FrameSpec) -> Words {
    let FrameSpec { name, notice, icon, title, .. } = frame.clone();
    Words { name, notice, icon, title }
}

/// Where things lie on a title band, in desktop coordinates.
#[derive(Debug)]
struct BandLayout {
    /// For name and title; clear of the lines, the sides and the buttons.
    title: Rect,
    buttons: [Rect; 3],
}

impl BandLayout {
    fn new(view: &View<'_>) -> Self {
        let (outer, insets) = (view.outer, view.insets);
        let inner = Rect::new(
            outer.x.saturating_add(insets.left),
            outer.y.saturating_add(1),
            outer.width.saturating_sub(insets.left).saturating_sub(insets.right),
            insets.top.saturating_sub(2),
        )
        .intersection(outer);
        let buttons = Button::ALL.map(|button| {
            let place = button.rect(outer.size(), insets);
            place.moved_to(place.origin().plus(outer.origin())).intersection(inner)
        });
        let right = buttons.iter().filter(|place| !place.is_empty()).map(|place| place.x).min();
        let left = outer.x.saturating_add(insets.left.max(BAND_MARGIN));
        let width = right.unwrap_or(inner.right()).saturating_sub(BAND_MARGIN).saturating_sub(left);
        Self { title: Rect::new(left, inner.y, width.max(0), inner.height), buttons }
    }

    fn button(&self, button: Button) -> Option<Rect> {
        let place = Button::ALL.iter().zip(self.buttons).find(|(other, _)| **other == button)?.1;
        (!place.is_empty()).then_some(place)
    }
}

/// The part of a view's title band that is free of the lines along its edges, which a scale may make thicker than they are
/// far from the edges.
fn between_lines(view: &View<'_>, mapping: Mapping) -> Area {
    let line = mapping.length(1);
    let (body, content) = (grown(mapping.rect(view.outer), -line), mapping.clip(view));
    let height = if content.is_empty() { body.size.h } else { content.loc.y - line - body.loc.y };
    Area::new(body.loc, (body.size.w, height.clamp(0, body.size.h)).into())
}

/// The rectangles of one colour that make up a view's frame and window background; disjoint, and together with the
/// view's content all of it.
fn fill_parts(view: &View<'_>, palette: Palette, mapping: Mapping) -> Vec<(Rectangle<i32, Physical>, Color)> {
    let outer = mapping.rect(view.outer);
    let content = mapping.clip(view);
    let mut parts = Vec::new();
    let mut ring = |outside: Rectangle<i32, Physical>, inside: Rectangle<i32, Physical>, color: Color| {
        parts.extend(outside.subtract_rect(inside).into_iter().map(|rect| (rect, color)));
    };

    if view.insets.left >= MIN_LINED && !content.is_empty() {
        let line = mapping.length(1);
        let body = grown(outer, -line);
        let rim = grown(content, line).intersection(body).unwrap_or_default();
        ring(outer, body, palette.rim);
        ring(body, rim, palette.band);
        ring(rim, content, palette.line);
    } else {
        ring(outer, content, palette.band);
    }

    let covered = match view.pixels {
        // A surface may be translucent: the background is under all of it.
        Content::Empty | Content::Surface { .. } => Rectangle::default(),
        Content::Guest(image) | Content::Icon(image) if !image.is_opaque() => Rectangle::default(),
        Content::Guest(image) | Content::Icon(image) => {
            let placing = image.placing(view, mapping);
            placing.and_then(|placing| placing.target.intersection(content)).unwrap_or_default()
        }
    };
    ring(content, covered, view.background);
    parts
}

/// Knows when plain colours that belong together changed.
#[derive(Debug)]
pub(super) struct FillState {
    id: Id,
    commit: CommitCounter,
    parts: Vec<(Rectangle<i32, Physical>, Color32F)>,
}

impl Default for FillState {
    fn default() -> Self {
        Self { id: Id::new(), commit: CommitCounter::default(), parts: Vec::new() }
    }
}

impl FillState {
    pub(super) fn element(
        &mut self,
        geometry: Rectangle<i32, Physical>,
        parts: Vec<(Rectangle<i32, Physical>, Color32F)>,
    ) -> Fill {
        if self.parts != parts {
            self.commit.increment();
            self.parts.clone_from(&parts);
        }
        Fill { id: self.id.clone(), commit: self.commit, geometry, parts, covers: true }
    }
}

/// A small image that is painted again when what it shows changes.
#[derive(Debug)]
pub(super) struct Painted<Key, T> {
    id: Id,
    commit: CommitCounter,
    image: Option<(Key, T)>,
}

impl<Key, T> Default for Painted<Key, T> {
    fn default() -> Self {
        Self { id: Id::new(), commit: CommitCounter::default(), image: None }
    }
}

impl<Key: PartialEq, T: Clone> Painted<Key, T> {
    /// The image for `key` at `geometry`, whose size it has; none if `paint` has nothing to show.
    pub(super) fn element<R: Painter<TextureId = T>>(
        &mut self,
        geometry: Rectangle<i32, Physical>,
        key: Key,
        renderer: &mut R,
        paint: impl FnOnce(&Key) -> Option<Pixmap>,
    ) -> Result<Option<Pixels<T>>, R::Error> {
        let texture = match &self.image {
            Some((shown, texture)) if *shown == key => texture.clone(),
            _ => {
                let Some(pixmap) = paint(&key) else {
                    self.image = None;
                    return Ok(None);
                };
                let texture = upload(renderer, &pixmap, Fourcc::Xbgr8888)?;
                self.commit.increment();
                self.image = Some((key, texture.clone()));
                texture
            }
        };
        Ok(Some(Pixels {
            id: self.id.clone(),
            commit: self.commit,
            damage: Damage::Whole,
            texture,
            placing: Placing { source: Rect::new(0, 0, geometry.size.w, geometry.size.h), target: geometry },
            geometry,
            opaque: Vec::new(),
        }))
    }
}

/// Makes a texture of a pixmap: `Xbgr8888` where it is opaque, `Abgr8888` where not.
pub(super) fn upload<R: Painter>(
    renderer: &mut R,
    pixmap: &Pixmap,
    format: Fourcc,
) -> Result<R::TextureId, R::Error> {
    let size = (pixmap.width().cast_signed(), pixmap.height().cast_signed());
    renderer.import_memory(pixmap.data(), format, size.into(), false)
}

/// Half the side of a button's glyph, in pixels at scale 1.
const GLYPH: f32 = 4.5;
/// The side of the square that shows behind a button's glyph when the pointer is on it.
const HOVER: f32 = 20.0;

fn paint_button(button: Button, key: &ButtonKey) -> Option<Pixmap> {
    let (width, height) = key.size;
    let mut pixmap = Pixmap::new(u32::try_from(width).ok()?, u32::try_from(height).ok()?)?;
    pixmap.fill(skia(key.palette.band));

    let (width, height) = (width as f32, height as f32);
    let scale = width / crate::shell::frame::BUTTON_WIDTH as f32;
    let centre = Transform::from_translate((width / 2.0).floor(), (height / 2.0).floor());
    let place = centre.pre_scale(scale, scale);
    let mut ink = key.palette.ink;
    if key.hovered {
        let behind = match button {
            Button::Close => key.palette.ink,
            Button::Maximise | Button::Minimise => key.palette.band.mix(key.palette.ink, 0.25),
        };
        ink = if button == Button::Close { key.palette.band } else { ink };
        let square = rounded(-HOVER / 2.0, -HOVER / 2.0, HOVER, HOVER, 4.0)?;
        pixmap.fill_path(&square, &paint(behind), FillRule::Winding, place, None);
    }
    let stroke =
        Stroke { width: 1.5, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
    pixmap.stroke_path(&glyph(button, key.maximised)?, &paint(ink), &stroke, place, None);
    Some(pixmap)
}

/// A button's glyph, around the origin.
fn glyph(button: Button, maximised: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    match button {
        Button::Close => {
            path.move_to(-GLYPH, -GLYPH);
            path.line_to(GLYPH, GLYPH);
            path.move_to(GLYPH, -GLYPH);
            path.line_to(-GLYPH, GLYPH);
        }
        Button::Maximise if maximised => {
            let (near, far) = (GLYPH - 2.0, GLYPH);
            path.push_rect(tiny_skia::Rect::from_ltrb(-far, -near, near, far)?);
            path.move_to(-near, -far);
            path.line_to(far, -far);
            path.line_to(far, near);
        }
        Button::Maximise => path.push_rect(tiny_skia::Rect::from_ltrb(-GLYPH, -GLYPH, GLYPH, GLYPH)?),
        Button::Minimise => {
            path.move_to(-GLYPH, GLYPH);
            path.line_to(GLYPH, GLYPH);
        }
    }
    path.finish()
}

/// A rectangle with round corners.
pub(super) fn rounded(x: f32, y: f32, width: f32, height: f32, radius: f32) -> Option<Path> {
    let radius = radius.min(width / 2.0).min(height / 2.0);
    let (right, bottom) = (x + width, y + height);
    let mut path = PathBuilder::new();
    path.move_to(x + radius, y);
    path.line_to(right - radius, y);
    path.quad_to(right, y, right, y + radius);
    path.line_to(right, bottom - radius);
    path.quad_to(right, bottom, right - radius, bottom);
    path.line_to(x + radius, bottom);
    path.quad_to(x, bottom, x, bottom - radius);
    path.line_to(x, y + radius);
    path.quad_to(x, y, x + radius, y);
    path.close();
    path.finish()
}

pub(super) fn skia(color: Color) -> tiny_skia::Color {
    tiny_skia::Color::from_rgba8(color.r, color.g, color.b, 0xff)
}

/// Paint of one opaque colour with soft edges.
pub(super) fn paint(color: Color) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(skia(color));
    paint
}

#[cfg(test)]
mod tests {
    use smithay::backend::renderer::pixman::PixmanRenderer;

    use super::*;
    use crate::{
        scale::Scale,
        shell::{Id, Metrics, Role, State, geom::Point},
    };

    fn at_scale(parts: u32) -> Mapping {
        Mapping { scale: Scale::from_120ths(parts).unwrap(), origin: Point::new(-3, 7) }
    }

    fn view(width: i32) -> View<'static> {
        let insets = Metrics::default().frame_insets(Role::Toplevel, State::default());
        let content = Rect::new(100, 100, width, 50);
        View {
            id: Id(1),
            frame: FrameSpec {
                style: Style::Admin,
                name: "dom0".to_owned(),
                title: "Terminal".to_owned(),
                focused: true,
                maximised: false,
                hovered: None,
                notice: None,
                icon: None,
            },
            outer: content.outset(insets),
            insets,
            content,
            pixels: Content::Empty,
            background: Color::WHITE,
        }
    }

    #[test]
    fn nothing_on_the_band_overlaps_at_any_width() {
        for width in 1..300 {
            let view = view(width);
            let layout = BandLayout::new(&view);
            let band = Rect::new(view.outer.x, view.outer.y, view.outer.width, view.insets.top);
            let mut taken = vec![layout.title];
            taken.extend(layout.buttons);
            taken.retain(|place| !place.is_empty());
            for (index, place) in taken.iter().enumerate() {
                assert!(band.encloses(*place), "{width}: {place:?}");
                for other in taken.iter().skip(index + 1) {
                    assert!(place.intersection(*other).is_empty(), "{width}: {place:?} {other:?}");
                }
            }
        }
    }

    #[test]
    fn parts_of_a_frame_are_disjoint_and_leave_nothing_out() {
        for scale in [120, 150, 180, 210, 240] {
            let (view, mapping) = (view(60), at_scale(scale));
            let parts = fill_parts(&view, view.frame.palette(), mapping);
            let area = |rect: Rectangle<i32, Physical>| i64::from(rect.size.w) * i64::from(rect.size.h);
            let sum: i64 = parts.iter().map(|(rect, _)| area(*rect)).sum();
            assert_eq!(sum, area(mapping.rect(view.outer)));
            for (index, (rect, _)) in parts.iter().enumerate() {
                assert!(parts.iter().skip(index + 1).all(|(other, _)| !rect.overlaps(*other)), "{parts:?}");
            }
        }
    }

    #[test]
    fn without_fonts_a_frame_has_its_colour_and_buttons() {
        let (text, mut renderer) = (Text::without_fonts(), PixmanRenderer::new().unwrap());
        let band = FrameParts::default().band(&view(200), at_scale(120), &text, &mut renderer);
        assert_eq!(band.unwrap().len(), Button::ALL.len());
    }

    #[test]
    fn what_is_painted_stays_until_it_looks_different() {
        let (text, mut renderer) = (Text::default(), PixmanRenderer::new().unwrap());
        let mut parts = FrameParts::default();
        let mut commits = |view: &View<'_>| -> Vec<CommitCounter> {
            let band = parts.band(view, at_scale(120), &text, &mut renderer).unwrap();
            band.iter().map(|element| element.commit).collect()
        };
        let first = commits(&view(400));
        // wider, elsewhere: the same images in other places
        assert_eq!(commits(&view(600)), first);
        let mut moved = view(500);
        moved.outer.x += 50;
        assert_eq!(commits(&moved), first);
        let mut unfocused = view(500);
        unfocused.frame.focused = false;
        assert!(commits(&unfocused).iter().zip(first).all(|(now, before)| *now > before));
    }

    #[test]
    fn frames_without_focus_keep_their_hue() {
        for label in Label::all() {
            let (label, subdued) = (label.color(), subdued(label.color()));
            assert_ne!(label, subdued);
            let order = |color: Color| {
                let mut channels = [(color.r, 'r'), (color.g, 'g'), (color.b, 'b')];
                channels.sort_unstable();
                channels.map(|(_, channel)| channel)
            };
            if label != Color::BLACK {
                assert_eq!(order(label), order(subdued), "{label}");
            }
            assert!(subdued.contrast(subdued.readable()) >= 4.5, "{label}");
        }
    }
}

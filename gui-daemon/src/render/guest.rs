//! What a domain shows in one window: an image over pages that the domain may rewrite at any time.
//!
//! The image is drawn from where it lies, or copied from there for a GPU; nothing here looks at a pixel. What shows through it is the window background,
//! which lies below: an image cannot make its window transparent.

use std::cell::Cell;

use smithay::{
    backend::renderer::{element::Id, utils::CommitCounter},
    utils::{Physical, Point, Rectangle},
};

use super::{
    Content, View,
    elements::{Area, Damage, Mapping, Pixels},
    painter::GuestPixels,
    scaled::Placing,
};
use crate::shell::geom::{self, Rect, Size};

/// Damage rectangles remembered one by one; beyond this they become their bounding box, so that a domain's flood of
/// small updates costs a short list and at worst one full redraw of its own window.
const MAX_DAMAGE_RECTS: usize = 32;

/// The image of one window, with what changed in it and when.
#[derive(Debug)]
pub struct GuestImage {
    id: Id,
    pixels: GuestPixels,
    size: Size,
    /// The pixels that are the window.
    source: Rect,
    /// How large these are shown, in logical pixels.
    shown_size: Size,
    /// The pixels of the image that nothing shows through; none of them said where all are.
    opaque: Option<Vec<Rect>>,
    commit: CommitCounter,
    /// The commit since which `damage` tells everything.
    complete_since: CommitCounter,
    /// The commit last put into a scene.
    shown: Cell<CommitCounter>,
    damage: Vec<(CommitCounter, Rect)>,
}

impl GuestImage {
    /// An image that nobody has drawn yet, each pixel of it one logical pixel of the window.
    pub fn new(pixels: GuestPixels) -> Self {
        let size = pixels.size();
        Self {
            id: Id::new(),
            size,
            source: Rect::at(geom::Point::default(), size),
            shown_size: size,
            opaque: None,
            pixels,
            commit: CommitCounter::default(),
            complete_since: CommitCounter::default(),
            shown: Cell::default(),
            damage: Vec::new(),
        }
    }

    /// Puts another image in place of this one, shown whole as by [`GuestImage::new`]; all of it counts as changed. The old
    /// one is dropped here.
    pub fn replace(&mut self, pixels: GuestPixels) {
        self.pixels = pixels;
        self.size = self.pixels.size();
        self.source = Rect::at(geom::Point::default(), self.size);
        self.shown_size = self.size;
        self.opaque = None;
        self.damage_all();
    }

    /// Goes on with another image, in which nothing else is different but what [`GuestImage::damage`] says. All of it is,
    /// if it has another size.
    pub fn turn(&mut self, pixels: GuestPixels) {
        self.pixels = pixels;
        let size = self.pixels.size();
        if self.size != size {
            self.size = size;
            self.damage_all();
        }
    }

    /// How large it is shown, in logical pixels.
    pub fn shown_size(&self) -> Size {
        self.shown_size
    }

    /// Says which pixels of the image nothing shows through; `None` for all, as it must be for a format without alpha.
    pub fn set_opaque(&mut self, opaque: Option<Vec<Rect>>) {
        self.opaque = opaque;
    }

    /// Whether nothing shows through any of it.
    pub(super) fn is_opaque(&self) -> bool {
        self.opaque.is_none()
    }

    fn damage_all(&mut self) {
        self.commit.increment();
        self.complete_since = self.commit;
        self.damage.clear();
    }

    /// Shows the pixels `source` of the image, as far as there are any, as a window of `size` logical pixels. Where an
    /// output's scale makes that as many pixels as they are, or one more or less, they are shown as they are.
    pub fn show(&mut self, source: Rect, size: Size) {
        let source = source.intersection(Rect::at(geom::Point::default(), self.size));
        if (self.source, self.shown_size) != (source, size) {
            (self.source, self.shown_size) = (source, size);
            self.damage_all();
        }
    }

    /// Notes that the pixels of `rect` changed, in pixels of the image; what lies outside of the image is ignored.
    pub fn damage(&mut self, rect: Rect) {
        let rect = rect.intersection(Rect::at(geom::Point::default(), self.size));
        if rect.is_empty() {
            return;
        }
        self.commit.increment();
        self.damage.push((self.commit, rect));
        if self.damage.len() > MAX_DAMAGE_RECTS {
            self.complete_since = self.complete_since.max(self.shown.get());
            self.damage.retain(|(commit, _)| *commit > self.complete_since);
        }
        if self.damage.len() > MAX_DAMAGE_RECTS {
            // The newest commit is right for all of them: at worst, pixels already drawn are drawn once more.
            let bounds = self.damage.drain(..).map(|(_, rect)| rect).fold(rect, bounding_box);
            self.damage.push((self.commit, bounds));
        }
    }

    /// Width and height of the image in pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Where the image goes in a view that shows it.
    pub(super) fn placing(&self, view: &View<'_>, mapping: Mapping) -> Option<Placing> {
        match view.pixels {
            Content::Icon(_) => self.centred(mapping.snapped(view.content), mapping),
            _ => self.laid(mapping.point(view.content.origin()), mapping),
        }
    }

    /// With its middle in the middle of `room`. It is not shrunk: pixman cannot, by much and far from the framebuffer's corner.
    fn centred(&self, room: Area, mapping: Mapping) -> Option<Placing> {
        let Placing { source, mut target } = self.laid(room.loc, mapping)?;
        target.loc.x += (room.size.w - target.size.w) / 2;
        target.loc.y += (room.size.h - target.size.h) / 2;
        Some(Placing { source, target })
    }

    /// With its corner at `corner` of the framebuffer.
    fn laid(&self, corner: Point<i32, Physical>, mapping: Mapping) -> Option<Placing> {
        let exact = (self.source.width, self.source.height).into();
        let scaled = mapping.size(self.shown_size);
        let fits = (scaled.w - self.source.width).abs() <= 1 && (scaled.h - self.source.height).abs() <= 1;
        Placing::new(self.source, Rectangle::new(corner, if fits { exact } else { scaled }))
    }

    /// Where its pixels are.
    pub(super) fn pixels(&self) -> &GuestPixels {
        &self.pixels
    }

    /// Counts the changes.
    pub(super) fn commit(&self) -> CommitCounter {
        self.commit
    }

    /// Which pixels changed after the commit that was seen last; all of them if none was, or that is too long ago. Of what
    /// is drawn at once, no commit between is lost.
    pub(super) fn changed_since(&self, seen: Option<CommitCounter>) -> Vec<Rect> {
        match seen {
            Some(seen) if seen >= self.complete_since && seen <= self.commit => {
                self.damage.iter().filter(|(commit, _)| *commit > seen).map(|&(_, rect)| rect).collect()
            }
            _ => vec![Rect::at(geom::Point::default(), self.size)],
        }
    }

    /// What a view shows of the image. The pixels are put in later.
    pub(super) fn element(&self, view: &View<'_>, mapping: Mapping) -> Option<Pixels<()>> {
        let placing = self.placing(view, mapping)?;
        let geometry = placing.target.intersection(mapping.clip(view)).filter(|seen| !seen.is_empty())?;
        self.shown.set(self.commit);
        let damage = self.damage.iter().filter_map(|&(commit, rect)| {
            let changed = placing.changed(rect)?.intersection(geometry)?;
            Some((commit, Area::new(changed.loc - geometry.loc, changed.size)))
        });
        Some(Pixels {
            id: self.id.clone(),
            commit: self.commit,
            damage: Damage::Log { complete_since: self.complete_since, rects: damage.collect() },
            texture: (),
            opaque: self.opaque_in(placing, geometry),
            placing,
            geometry,
        })
    }
}

impl GuestImage {
    /// What of `geometry` nothing shows through, relative to its corner. Of pixels that are stretched only those count that
    /// are not mixed with others.
    fn opaque_in(&self, placing: Placing, geometry: Area) -> Vec<Area> {
        let Some(opaque) = &self.opaque else { return Vec::new() };
        let is_exact = placing.is_multiple();
        let covered = opaque.iter().filter(|_| is_exact).filter_map(|rect| {
            let rect = placing.changed(*rect)?.intersection(geometry)?;
            Some(Area::new(rect.loc - geometry.loc, rect.size))
        });
        covered.collect()
    }
}

fn bounding_box(a: Rect, b: Rect) -> Rect {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    Rect::new(x, y, a.right().max(b.right()).saturating_sub(x), a.bottom().max(b.bottom()).saturating_sub(y))
}

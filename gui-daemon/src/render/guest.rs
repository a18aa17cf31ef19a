//! What a domain shows in one window: an image over pages that the domain may rewrite at any time.
//!
//! The image is drawn from where it lies; nothing here looks at a pixel. What the domain writes into the unused byte of
//! a pixel does not matter, because the image's format has no alpha.

use std::cell::Cell;

use smithay::{
    backend::renderer::{Texture, element::Id, pixman::PixmanTexture, utils::CommitCounter},
    utils::{Physical, Rectangle},
};

use crate::shell::geom::{Point, Rect, Size};

use super::elements::{Damage, Mapping, Pixels};

/// Damage rectangles remembered one by one; beyond this they become their bounding box, so that a domain's flood of
/// small updates costs a short list and at worst one full redraw of its own window.
const MAX_DAMAGE_RECTS: usize = 32;

/// The image of one window, with what changed in it and when.
#[derive(Debug)]
pub struct GuestImage {
    id: Id,
    texture: PixmanTexture,
    size: Size,
    commit: CommitCounter,
    /// The commit since which `damage` tells everything.
    complete_since: CommitCounter,
    /// The commit last put into a scene.
    shown: Cell<CommitCounter>,
    damage: Vec<(CommitCounter, Rect)>,
}

impl GuestImage {
    /// An image that nobody has drawn yet. Its format must have no alpha (`XRGB8888`).
    pub fn new(image: pixman::Image<'static, 'static>) -> Self {
        let texture = PixmanTexture::from(image);
        Self {
            id: Id::new(),
            size: size_of(&texture),
            texture,
            commit: CommitCounter::default(),
            complete_since: CommitCounter::default(),
            shown: Cell::default(),
            damage: Vec::new(),
        }
    }

    /// Puts another image in place of this one; all of it counts as changed. The old one is dropped here.
    pub fn replace(&mut self, image: pixman::Image<'static, 'static>) {
        self.texture = PixmanTexture::from(image);
        self.size = size_of(&self.texture);
        self.commit.increment();
        self.complete_since = self.commit;
        self.damage.clear();
    }

    /// Notes that the pixels of `rect` changed, in pixels of the image; what lies outside of the image is ignored.
    pub fn damage(&mut self, rect: Rect) {
        let rect = rect.intersection(Rect::at(Point::default(), self.size));
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

    /// Width and height in pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// The part of the image, laid with its corner at `origin`, that lies within `clip`.
    pub(super) fn element(&self, origin: Point, clip: Rect, mapping: Mapping) -> Option<Pixels> {
        let visible = Rect::at(origin, self.size).intersection(clip);
        if visible.is_empty() {
            return None;
        }
        let source = visible.moved_to(visible.origin().minus(origin));
        let geometry = mapping.rect(visible);
        self.shown.set(self.commit);
        let damage = self.damage.iter().filter_map(|&(commit, rect)| {
            let shown = rect.intersection(source);
            let placed = mapping.covering(shown.moved_to(shown.origin().plus(origin)));
            let mut placed: Rectangle<i32, Physical> = placed.intersection(geometry)?;
            placed.loc -= geometry.loc;
            (!shown.is_empty()).then_some((commit, placed))
        });
        Some(Pixels {
            id: self.id.clone(),
            commit: self.commit,
            damage: Damage::Log { complete_since: self.complete_since, rects: damage.collect() },
            texture: self.texture.clone(),
            source,
            geometry,
        })
    }
}

fn size_of(texture: &PixmanTexture) -> Size {
    let size = texture.size();
    Size::new(size.w, size.h)
}

fn bounding_box(a: Rect, b: Rect) -> Rect {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    Rect::new(x, y, a.right().max(b.right()).saturating_sub(x), a.bottom().max(b.bottom()).saturating_sub(y))
}

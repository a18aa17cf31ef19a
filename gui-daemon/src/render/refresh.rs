//! Frames in which nothing but windows' content has changed: these are drawn without looking at the rest of the desktop.
//!
//! What holds:
//! - A canvas refreshed shows what it would show had the whole scene been drawn.
//! - What was drawn here is not drawn again with the next whole scene, and what was not is not lost to it: the damage
//!   tracker, which does not see these frames, is told the damage since the last of them ([`Seen::after`]).

use smithay::{
    backend::renderer::{
        Frame as _,
        element::{Element, Id, RenderElement},
        utils::CommitCounter,
    },
    utils::{Rectangle, Transform},
};

use super::{
    Content, Cursor, RenderError, View,
    canvas::rect_of,
    elements::{Area, Damage, Fill, Pixels, SceneElement},
    painter::Painter,
    scaled::Placing,
    sheet::Sheet,
};
use crate::shell::{self, geom::Rect};

/// Pieces of damage drawn one by one; what is cut up finer takes a whole scene.
const MAX_PIECES: usize = 128;

/// What was last drawn of a domain's image.
#[derive(Debug)]
pub(super) struct Seen {
    id: Id,
    placing: Placing,
    geometry: Area,
    /// The window's plain colours below it.
    fill: CommitCounter,
    /// The commit that is on the canvas.
    drawn: CommitCounter,
}

impl Seen {
    pub(super) fn new<T>(pixels: &Pixels<T>, fill: &Fill) -> Self {
        let &Pixels { ref id, placing, geometry, commit, .. } = pixels;
        Self { id: id.clone(), placing, geometry, fill: fill.commit, drawn: commit }
    }

    /// Whether `pixels` go where they were.
    fn is_place_of<T>(&self, pixels: &Pixels<T>) -> bool {
        (&self.id, self.placing, self.geometry) == (&pixels.id, pixels.placing, pixels.geometry)
    }

    /// Takes what is on the canvas already from the damage that the tracker is told. Whichever commit of the image it knows,
    /// the canvas is ahead of it.
    pub(super) fn after<T>(&self, pixels: &mut Pixels<T>) {
        let same = self.is_place_of(pixels);
        if let Damage::Log { complete_since, rects } = &mut pixels.damage
            && same
            && *complete_since <= self.drawn
        {
            *complete_since = CommitCounter::default();
            rects.retain(|(commit, _)| *commit > self.drawn);
        }
    }
}

/// The elements of one view and the pointer, topmost first, and what of the framebuffer they are to be drawn in.
struct Patch<R: Painter> {
    view: shell::Id,
    /// What the content is drawn up to.
    commit: CommitCounter,
    elements: Vec<SceneElement<R>>,
    damage: Vec<Area>,
}

impl<R: Painter> Sheet<R> {
    /// As [`Canvas::refresh`](super::Canvas::refresh).
    pub(super) fn refresh(
        &mut self,
        views: &[View<'_>],
        cursor: Option<&Cursor>,
    ) -> Result<Option<Vec<Rect>>, RenderError> {
        if self.cursor.as_ref() != cursor {
            return Ok(None);
        }
        let mut patches = Vec::new();
        for view in views {
            if !self.is_in_reach(view) {
                continue;
            }
            let Some(mut patch) = self.patch(view)? else { return Ok(None) };
            if !patch.damage.is_empty() {
                patch.elements.splice(..0, self.pointer(cursor)?);
            }
            patches.push(patch);
        }
        if let Err(err) = self.draw_patches(&patches) {
            self.start_over();
            return Err(err);
        }
        for Patch { view, commit, .. } in &patches {
            if let Some(seen) = self.known.get_mut(view).and_then(|known| known.seen.as_mut()) {
                seen.drawn = *commit;
            }
        }
        Ok(Some(patches.iter().flat_map(|patch| &patch.damage).map(rect_of).collect()))
    }

    /// What changed in a view; none if that is more than content.
    fn patch(&mut self, view: &View<'_>) -> Result<Option<Patch<R>>, RenderError> {
        let (Content::Guest(image) | Content::Icon(image)) = view.pixels else { return Ok(None) };
        let Some(at) = self.stack.iter().position(|(id, _)| *id == view.id) else { return Ok(None) };
        let (above, from_here) = self.stack.split_at(at);
        let outer = self.mapping.rect(view.outer);
        let Some(known) = self.known.get_mut(&view.id).filter(|_| from_here.starts_with(&[(view.id, outer)]))
        else {
            return Ok(None);
        };
        let pixels = image.element(view, self.mapping);
        let fill = known.frame.fill(view, self.mapping);
        let (Some(pixels), Some(seen)) = (pixels, &known.seen) else { return Ok(None) };
        if !seen.is_place_of(&pixels) || seen.fill != fill.commit {
            return Ok(None);
        }
        let screen = Area::from_size((self.size.width, self.size.height).into());
        let whole = Area::from_size(pixels.geometry.size);
        let mut damage: Vec<Area> = Vec::new();
        for mut changed in pixels.damage.since(Some(seen.drawn), pixels.commit, whole) {
            changed.loc += pixels.geometry.loc;
            let Some(changed) = changed.intersection(screen) else { continue };
            // What shows through is mixed in once.
            let above = above.iter().map(|(_, outer)| *outer).chain(self.banner_areas.iter().copied());
            let hidden = above.chain(damage.iter().copied());
            let hidden = hidden.filter(|hidden| hidden.overlaps(changed));
            let visible = Rectangle::subtract_rects_many_in_place(vec![changed], hidden);
            damage.extend(visible);
            if damage.len() > MAX_PIECES {
                return Ok(None);
            }
        }
        let (mut elements, commit) = (Vec::new(), pixels.commit);
        if !damage.is_empty() {
            let renderer = self.renderer.get_mut();
            let pixels = pixels.of(renderer.guest(image, &mut known.copied, &mut self.staging)?);
            let band = known.frame.band(view, self.mapping, &self.text, renderer).map_err(Into::into)?;
            elements.extend(band.into_iter().map(SceneElement::from));
            elements.extend([pixels.into(), fill.into()]);
        }
        Ok(Some(Patch { view: view.id, commit, elements, damage }))
    }

    fn draw_patches(&mut self, patches: &[Patch<R>]) -> Result<(), RenderError> {
        if patches.iter().all(|patch| patch.damage.is_empty()) {
            return Ok(());
        }
        let scale = self.mapping.scale.as_f64().into();
        let renderer = self.renderer.get_mut();
        let mut target = renderer.bind(&mut self.board).map_err(Into::into)?;
        let size = (self.size.width, self.size.height).into();
        let mut frame = renderer.render(&mut target, size, Transform::Normal).map_err(Into::into)?;
        for Patch { elements, damage, .. } in patches {
            let mut open = damage.clone();
            let mut drawn = Vec::new();
            for element in elements {
                let geometry = element.geometry(scale);
                let seen = open.iter().filter_map(|rect| rect.intersection(geometry));
                let seen: Vec<Area> =
                    seen.map(|rect| Area::new(rect.loc - geometry.loc, rect.size)).collect();
                if seen.is_empty() {
                    continue;
                }
                let opaque = element.opaque_regions(scale).into_iter();
                let opaque = opaque.map(|rect| Area::new(rect.loc + geometry.loc, rect.size));
                open = Rectangle::subtract_rects_many_in_place(open, opaque);
                drawn.push((element, geometry, seen));
            }
            for (element, geometry, seen) in drawn.iter().rev() {
                element.draw(&mut frame, element.src(), *geometry, seen, &[]).map_err(Into::into)?;
            }
        }
        // Pixman has drawn when it returns, and what a GPU is asked later it does later.
        let _drawn = frame.finish().map_err(Into::into)?;
        Ok(())
    }
}

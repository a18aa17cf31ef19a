//! The kinds of thing a scene is drawn from, as smithay's renderer and damage tracker want them.

use smithay::{
    backend::renderer::{
        Color32F, Frame,
        element::{
            Element, Id, RenderElement, surface::WaylandSurfaceRenderElement, utils::CropRenderElement,
        },
        pixman::{PixmanError, PixmanFrame, PixmanRenderer, PixmanTexture},
        utils::{CommitCounter, DamageSet, OpaqueRegions},
    },
    render_elements,
    utils::{Buffer, Physical, Rectangle, Scale, Transform},
};

use crate::shell::geom::Rect;

render_elements! {
    /// One thing drawn, topmost first in a scene.
    pub(super) SceneElement<=PixmanRenderer>;
    Fill = Fill,
    Pixels = Pixels,
    Surface = CropRenderElement<WaylandSurfaceRenderElement<PixmanRenderer>>,
}

/// From logical pixels to those of the framebuffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapping {
    pub(super) scale: f64,
}

impl Mapping {
    /// The rectangle with each edge at the nearest pixel, so that neighbours stay neighbours without a gap.
    pub(super) fn rect(self, rect: Rect) -> Rectangle<i32, Physical> {
        self.edges(rect, f64::round, f64::round)
    }

    /// The rectangle with every pixel that `rect` touches.
    pub(super) fn covering(self, rect: Rect) -> Rectangle<i32, Physical> {
        self.edges(rect, f64::floor, f64::ceil)
    }

    fn edges(self, rect: Rect, low: fn(f64) -> f64, high: fn(f64) -> f64) -> Rectangle<i32, Physical> {
        let at = |edge: i32, round: fn(f64) -> f64| round(f64::from(edge) * self.scale) as i32;
        let (left, top) = (at(rect.x, low), at(rect.y, low));
        let (right, bottom) = (at(rect.right(), high), at(rect.bottom(), high));
        Rectangle::new((left, top).into(), ((right - left).max(0), (bottom - top).max(0)).into())
    }

    /// A length, to the nearest pixel and at least one.
    pub(super) fn length(self, length: i32) -> i32 {
        ((f64::from(length) * self.scale).round() as i32).max(1)
    }
}

/// What of an element changed, and when. Rectangles are relative to the element's own.
#[derive(Debug)]
pub(super) enum Damage {
    /// Every commit changed all of it.
    Whole,
    /// Commits after `complete_since` changed these rectangles, each at its commit; earlier ones changed all.
    Log { complete_since: CommitCounter, rects: Vec<(CommitCounter, Rectangle<i32, Physical>)> },
}

impl Damage {
    fn since(
        &self,
        seen: Option<CommitCounter>,
        now: CommitCounter,
        whole: Rectangle<i32, Physical>,
    ) -> DamageSet<i32, Physical> {
        match (self, seen) {
            (_, Some(seen)) if seen == now => DamageSet::default(),
            (Self::Log { complete_since, rects }, Some(seen)) if seen >= *complete_since && seen <= now => {
                rects.iter().filter(|(commit, _)| *commit > seen).map(|&(_, rect)| rect).collect()
            }
            _ => DamageSet::from_slice(&[whole]),
        }
    }
}

/// A rectangle of an image.
#[derive(Debug)]
pub(super) struct Pixels {
    pub(super) id: Id,
    pub(super) commit: CommitCounter,
    pub(super) damage: Damage,
    pub(super) texture: PixmanTexture,
    /// Which pixels of the image.
    pub(super) source: Rect,
    /// Where they go; nothing is drawn outside.
    pub(super) geometry: Rectangle<i32, Physical>,
}

impl Element for Pixels {
    fn id(&self) -> &Id {
        &self.id
    }

    fn current_commit(&self) -> CommitCounter {
        self.commit
    }

    fn src(&self) -> Rectangle<f64, Buffer> {
        let source = self.source;
        Rectangle::new(
            (f64::from(source.x), f64::from(source.y)).into(),
            (f64::from(source.width), f64::from(source.height)).into(),
        )
    }

    fn geometry(&self, _scale: Scale<f64>) -> Rectangle<i32, Physical> {
        self.geometry
    }

    fn damage_since(&self, _scale: Scale<f64>, commit: Option<CommitCounter>) -> DamageSet<i32, Physical> {
        self.damage.since(commit, self.commit, Rectangle::from_size(self.geometry.size))
    }
}

impl RenderElement<PixmanRenderer> for Pixels {
    fn draw(
        &self,
        frame: &mut PixmanFrame<'_, '_>,
        src: Rectangle<f64, Buffer>,
        dst: Rectangle<i32, Physical>,
        damage: &[Rectangle<i32, Physical>],
        opaque_regions: &[Rectangle<i32, Physical>],
    ) -> Result<(), PixmanError> {
        frame.render_texture_from_to(&self.texture, src, dst, damage, opaque_regions, Transform::Normal, 1.0)
    }
}

/// The plain colours of one view: its frame, and its window background where the content does not reach.
///
/// It lies below everything else of its view and claims the whole of it as opaque: what it does not paint, the view's
/// other elements do. One opaque rectangle per window is what keeps damage tracking cheap.
#[derive(Debug)]
pub(super) struct Fill {
    pub(super) id: Id,
    pub(super) commit: CommitCounter,
    pub(super) geometry: Rectangle<i32, Physical>,
    /// Disjoint, relative to `geometry`.
    pub(super) parts: Vec<(Rectangle<i32, Physical>, Color32F)>,
}

impl Element for Fill {
    fn id(&self) -> &Id {
        &self.id
    }

    fn current_commit(&self) -> CommitCounter {
        self.commit
    }

    fn src(&self) -> Rectangle<f64, Buffer> {
        Rectangle::default()
    }

    fn geometry(&self, _scale: Scale<f64>) -> Rectangle<i32, Physical> {
        self.geometry
    }

    fn damage_since(&self, _scale: Scale<f64>, commit: Option<CommitCounter>) -> DamageSet<i32, Physical> {
        if commit == Some(self.commit) {
            return DamageSet::default();
        }
        self.parts.iter().map(|&(rect, _)| rect).collect()
    }

    fn opaque_regions(&self, _scale: Scale<f64>) -> OpaqueRegions<i32, Physical> {
        OpaqueRegions::from_slice(&[Rectangle::from_size(self.geometry.size)])
    }
}

impl RenderElement<PixmanRenderer> for Fill {
    fn draw(
        &self,
        frame: &mut PixmanFrame<'_, '_>,
        _src: Rectangle<f64, Buffer>,
        dst: Rectangle<i32, Physical>,
        damage: &[Rectangle<i32, Physical>],
        _opaque_regions: &[Rectangle<i32, Physical>],
    ) -> Result<(), PixmanError> {
        for &(part, color) in &self.parts {
            let damaged: Vec<_> = damage.iter().filter_map(|rect| rect.intersection(part)).collect();
            if !damaged.is_empty() {
                frame.draw_solid(dst, &damaged, color)?;
            }
        }
        Ok(())
    }
}

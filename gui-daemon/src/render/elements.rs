//! The kinds of thing a scene is drawn from, as smithay's renderer and damage tracker want them.

use smithay::{
    backend::renderer::{
        Color32F, Frame as _, Renderer, RendererSuper,
        element::{
            Element, Id, RenderElement,
            surface::{WaylandSurfaceRenderElement, WaylandSurfaceTexture},
        },
        utils::{CommitCounter, DamageSet, OpaqueRegions},
    },
    render_elements,
    utils::{Buffer, Physical, Rectangle, Scale, Transform},
};

use super::{View, painter::Painter, scaled::Placing};
use crate::shell::geom::{Insets, Point, Rect, Size};

/// No coordinate on a framebuffer is larger: sums of a few stay within 32 bits.
const FAR: i32 = 1 << 26;

render_elements! {
    /// One thing drawn, topmost first in a scene.
    pub(super) SceneElement<R> where R: Painter;
    Fill = Fill,
    Pixels = Pixels<<R as RendererSuper>::TextureId>,
    Surface = Surface<R>,
}

impl<R: Painter> SceneElement<R> {
    /// Whether it looks the same drawn with sharp edges between pixels as with soft ones, or better.
    pub(super) fn is_sharp(&self) -> bool {
        match self {
            Self::Pixels(pixels) => pixels.is_sharp(),
            Self::Surface(surface) => surface.is_sharp(),
            _ => true,
        }
    }
}

/// From the desktop's logical pixels to those of one framebuffer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mapping {
    /// Pixels of the framebuffer for a logical one.
    pub(super) scale: crate::scale::Scale,
    /// The place on the desktop of the framebuffer's top left corner.
    pub(super) origin: Point,
}

/// A rectangle of the framebuffer.
pub(super) type Area = Rectangle<i32, Physical>;

impl Mapping {
    /// The rectangle with each edge at the nearest pixel, so that neighbours stay neighbours without a gap.
    pub(super) fn rect(self, rect: Rect) -> Area {
        let corner = self.point(rect.origin());
        let end = self.point(Point::new(rect.right(), rect.bottom()));
        Area::new(corner, ((end.x - corner.x).max(0), (end.y - corner.y).max(0)).into())
    }

    /// The rectangle with its corner at the nearest pixel, and of its size wherever it lies: what was drawn for this scale fits
    /// without being resampled.
    pub(super) fn snapped(self, rect: Rect) -> Area {
        Area::new(self.point(rect.origin()), self.size(rect.size()))
    }

    /// The nearest pixel.
    pub(super) fn point(self, point: Point) -> smithay::utils::Point<i32, Physical> {
        let at = |place: i32, origin: i32| self.scale.physical(place.saturating_sub(origin)).clamp(-FAR, FAR);
        (at(point.x, self.origin.x), at(point.y, self.origin.y)).into()
    }

    /// The size in pixels of the framebuffer, not negative.
    pub(super) fn size(self, size: Size) -> smithay::utils::Size<i32, Physical> {
        let length = |length: i32| self.scale.physical(length).clamp(0, FAR);
        (length(size.width), length(size.height)).into()
    }

    /// A length, to the nearest pixel and at least one.
    pub(super) fn length(self, length: i32) -> i32 {
        self.scale.physical(length).max(1)
    }

    /// Where a view's content may show. It lies within the frame, of which it leaves at least a pixel on each side that has
    /// a frame at all.
    pub(super) fn clip(self, view: &View<'_>) -> Area {
        let outer = self.rect(view.outer);
        let side = |inset: i32| inset.clamp(0, 1);
        let Insets { left, right, top, bottom } = view.insets;
        let inner = Area::from_extremities(
            (outer.loc.x + side(left), outer.loc.y + side(top)),
            (
                (outer.loc.x + outer.size.w - side(right)).max(outer.loc.x + side(left)),
                (outer.loc.y + outer.size.h - side(bottom)).max(outer.loc.y + side(top)),
            ),
        );
        self.snapped(view.clip()).intersection(inner).unwrap_or_default()
    }
}

/// What of an element changed, and when. Rectangles are relative to the element's own.
#[derive(Debug)]
pub(super) enum Damage {
    /// Every commit changed all of it.
    Whole,
    /// Commits after `complete_since` changed these rectangles, each at its commit; earlier ones changed all.
    Log { complete_since: CommitCounter, rects: Vec<(CommitCounter, Area)> },
}

impl Damage {
    pub(super) fn since(
        &self,
        seen: Option<CommitCounter>,
        now: CommitCounter,
        whole: Area,
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
pub(super) struct Pixels<T> {
    pub(super) id: Id,
    pub(super) commit: CommitCounter,
    pub(super) damage: Damage,
    pub(super) texture: T,
    /// Which pixels of the image go where.
    pub(super) placing: Placing,
    /// The part of the placing's target outside of which nothing is drawn.
    pub(super) geometry: Area,
    /// What of the geometry nothing shows through, relative to its corner. Nothing need be said of an image that is drawn on
    /// nothing.
    pub(super) opaque: Vec<Area>,
}

impl<T> Pixels<T> {
    /// Whether soft edges are of no use to it.
    fn is_sharp(&self) -> bool {
        self.placing.is_multiple()
    }
}

impl Pixels<()> {
    /// The same with the image itself.
    pub(super) fn of<T>(self, texture: T) -> Pixels<T> {
        let Self { id, commit, damage, texture: (), placing, geometry, opaque } = self;
        Pixels { id, commit, damage, texture, placing, geometry, opaque }
    }
}

impl<T> Element for Pixels<T> {
    fn id(&self) -> &Id {
        &self.id
    }

    fn current_commit(&self) -> CommitCounter {
        self.commit
    }

    fn src(&self) -> Rectangle<f64, Buffer> {
        self.placing.source_of(self.geometry)
    }

    fn geometry(&self, _scale: Scale<f64>) -> Area {
        self.geometry
    }

    fn damage_since(&self, _scale: Scale<f64>, commit: Option<CommitCounter>) -> DamageSet<i32, Physical> {
        self.damage.since(commit, self.commit, Area::from_size(self.geometry.size))
    }

    fn opaque_regions(&self, _scale: Scale<f64>) -> OpaqueRegions<i32, Physical> {
        OpaqueRegions::from_slice(&self.opaque)
    }
}

impl<R: Painter> RenderElement<R> for Pixels<R::TextureId> {
    fn draw(
        &self,
        frame: &mut R::Frame<'_, '_>,
        _src: Rectangle<f64, Buffer>,
        dst: Area,
        damage: &[Area],
        _opaque_regions: &[Area],
    ) -> Result<(), R::Error> {
        self.placing.draw::<R>(frame, &self.texture, dst, damage)
    }
}

/// One surface of a client of dom0, cut to where its view's content may show.
#[derive(Debug)]
pub(super) struct Surface<R: Renderer> {
    element: WaylandSurfaceRenderElement<R>,
    /// Where all of it would be.
    whole: Area,
    /// What of that is seen.
    seen: Area,
}

impl<R: Painter> Surface<R> {
    /// None if nothing of it is within `clip`.
    pub(super) fn new(
        element: WaylandSurfaceRenderElement<R>,
        scale: Scale<f64>,
        clip: Area,
    ) -> Option<Self> {
        let whole = element.geometry(scale);
        let seen = whole.intersection(clip).filter(|seen| !seen.is_empty())?;
        Some(Self { element, whole, seen })
    }

    /// Its image and how that is drawn, unless it is turned or its client shows fractions of pixels.
    fn placing(&self) -> Option<(Placing, &R::TextureId)> {
        let WaylandSurfaceTexture::Texture(texture) = self.element.texture() else { return None };
        let exact = self.element.src();
        let source = exact.to_i32_round();
        let plain = self.element.transform() == Transform::Normal && source.to_f64() == exact;
        let source = Rect::new(source.loc.x, source.loc.y, source.size.w, source.size.h);
        let placing = Placing::new(source, self.whole).filter(|_| plain)?;
        Some((placing, texture))
    }

    fn is_sharp(&self) -> bool {
        self.placing().is_some_and(|(placing, _)| placing.is_multiple())
    }

    /// Parts of the whole as parts of what is seen.
    fn seen_of(&self, rects: impl Iterator<Item = Area>) -> impl Iterator<Item = Area> {
        let Self { whole, seen, .. } = *self;
        rects.filter_map(move |rect| {
            let rect = Area::new(rect.loc + whole.loc, rect.size).intersection(seen)?;
            Some(Area::new(rect.loc - seen.loc, rect.size))
        })
    }
}

impl<R: Painter> Element for Surface<R> {
    fn id(&self) -> &Id {
        self.element.id()
    }

    fn current_commit(&self) -> CommitCounter {
        self.element.current_commit()
    }

    fn src(&self) -> Rectangle<f64, Buffer> {
        // Told only so that the damage tracker sees it change.
        match self.placing() {
            Some((placing, _)) => placing.source_of(self.seen),
            None => self.element.src(),
        }
    }

    fn transform(&self) -> Transform {
        self.element.transform()
    }

    fn geometry(&self, _scale: Scale<f64>) -> Area {
        self.seen
    }

    fn damage_since(&self, scale: Scale<f64>, commit: Option<CommitCounter>) -> DamageSet<i32, Physical> {
        // A pixel is mixed with its neighbours where it is stretched.
        let margin = if self.is_sharp() { 0 } else { scale.x.max(scale.y).ceil() as i32 + 1 };
        let damage = self.element.damage_since(scale, commit);
        self.seen_of(damage.into_iter().map(|rect| grown(rect, margin))).collect()
    }

    fn opaque_regions(&self, scale: Scale<f64>) -> OpaqueRegions<i32, Physical> {
        self.seen_of(self.element.opaque_regions(scale).into_iter()).collect()
    }
}

impl<R: Painter> RenderElement<R> for Surface<R> {
    fn draw(
        &self,
        frame: &mut R::Frame<'_, '_>,
        _src: Rectangle<f64, Buffer>,
        dst: Area,
        damage: &[Area],
        opaque_regions: &[Area],
    ) -> Result<(), R::Error> {
        if let Some((placing, texture)) = self.placing() {
            return placing.draw::<R>(frame, texture, dst, damage);
        }
        let of_whole = |rect: &Area| Area::new(rect.loc + dst.loc - self.whole.loc, rect.size);
        let damage: Vec<Area> = damage.iter().map(of_whole).collect();
        let opaque: Vec<Area> = opaque_regions.iter().map(of_whole).collect();
        self.element.draw(frame, self.element.src(), self.whole, &damage, &opaque)
    }
}

/// A rectangle with `by` pixels more on each side, or fewer.
pub(super) fn grown(rect: Area, by: i32) -> Area {
    let size = ((rect.size.w + 2 * by).max(0), (rect.size.h + 2 * by).max(0));
    Area::new((rect.loc.x - by, rect.loc.y - by).into(), size.into())
}

/// The plain colours of one view: its frame, and its window background where the content does not reach.
///
/// A view's lies below everything else of the view and claims the whole of it as opaque: what it does not paint, the view's
/// other elements do. One opaque rectangle per window is what keeps damage tracking cheap.
#[derive(Debug)]
pub(super) struct Fill {
    pub(super) id: Id,
    pub(super) commit: CommitCounter,
    pub(super) geometry: Area,
    /// Disjoint, relative to `geometry`.
    pub(super) parts: Vec<(Area, Color32F)>,
    /// Whether nothing below it is seen.
    pub(super) covers: bool,
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

    fn geometry(&self, _scale: Scale<f64>) -> Area {
        self.geometry
    }

    fn damage_since(&self, _scale: Scale<f64>, commit: Option<CommitCounter>) -> DamageSet<i32, Physical> {
        if commit == Some(self.commit) {
            return DamageSet::default();
        }
        self.parts.iter().map(|&(rect, _)| rect).collect()
    }

    fn opaque_regions(&self, _scale: Scale<f64>) -> OpaqueRegions<i32, Physical> {
        let whole = [Rectangle::from_size(self.geometry.size)];
        OpaqueRegions::from_slice(if self.covers { &whole } else { &[] })
    }
}

impl<R: Painter> RenderElement<R> for Fill {
    fn draw(
        &self,
        frame: &mut R::Frame<'_, '_>,
        _src: Rectangle<f64, Buffer>,
        dst: Area,
        damage: &[Area],
        _opaque_regions: &[Area],
    ) -> Result<(), R::Error> {
        for &(part, color) in &self.parts {
            let damaged: Vec<_> = damage.iter().filter_map(|rect| rect.intersection(part)).collect();
            if !damaged.is_empty() {
                frame.draw_solid(dst, &damaged, color)?;
            }
        }
        Ok(())
    }
}

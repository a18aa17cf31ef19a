//! What a renderer draws scenes on, and what it keeps from one to the next.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use smithay::{
    backend::renderer::{
        TextureFilter,
        damage::{self, OutputDamageTracker},
        element::{
            Kind,
            surface::{WaylandSurfaceRenderElement, render_elements_from_surface_tree},
        },
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::Transform,
};

use super::{
    Content, RenderError, Scene, View,
    banner::{Banner, BannerImage},
    canvas::rect_of,
    cursor::{Cursor, CursorImages, CursorLook, PointerPicture, SHARE},
    elements::{Area, Fill, Mapping, SceneElement, Surface},
    frame::FrameParts,
    landing::Landing,
    opaque,
    painter::{Copied, Painter},
    refresh::Seen,
    text::Text,
};
use crate::{
    scale::Scale,
    shell::{
        Id,
        geom::{Point, Rect, Size},
    },
};

/// No window that touches the screen reaches farther than this from its corner, in logical pixels.
const FAR: i32 = 1 << 20;

/// One renderer's part of a [`Canvas`](super::Canvas).
#[derive(Debug)]
pub(super) struct Sheet<R: Painter> {
    /// Borrowed for as long as it draws or reads.
    pub(super) renderer: RefCell<R>,
    tracker: OutputDamageTracker,
    /// What is drawn on. It holds the last frame.
    pub(super) board: R::Board,
    pub(super) size: Size,
    pub(super) mapping: Mapping,
    filter: TextureFilter,
    pub(super) text: Text,
    pub(super) known: HashMap<Id, Known<R::TextureId>>,
    /// The views of the last frame and what they cover, topmost first; none if it was not drawn.
    pub(super) stack: Vec<(Id, Area)>,
    /// The pointer as last drawn.
    pub(super) cursor: Option<Cursor>,
    cursors: CursorImages<R::TextureId>,
    banners: Vec<BannerImage<R::TextureId>>,
    /// What the banners cover.
    pub(super) banner_areas: Vec<Area>,
    landing: Landing,
    /// Where a domain's pixels are on their way to the renderer, if it wants copies; as long as the largest window's yet.
    pub(super) staging: Vec<u32>,
}

/// What is kept of a view between frames.
#[derive(Debug)]
pub(super) struct Known<T> {
    pub(super) frame: FrameParts<T>,
    pub(super) seen: Option<Seen>,
    /// The domain's image, where the renderer wants copies.
    pub(super) copied: Option<Copied<T>>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { frame: FrameParts::default(), seen: None, copied: None }
    }
}

impl<R: Painter> Sheet<R> {
    /// A black one, of which a logical pixel is `scale` pixels wide.
    pub(super) fn new(renderer: R, board: R::Board, size: Size, scale: Scale, text: Text) -> Self {
        Self {
            renderer: RefCell::new(renderer),
            tracker: tracker(size, scale),
            board,
            size,
            mapping: Mapping { scale, origin: Point::default() },
            filter: TextureFilter::Linear,
            text,
            known: HashMap::new(),
            stack: Vec::new(),
            cursor: None,
            cursors: CursorImages::default(),
            banners: Vec::new(),
            banner_areas: Vec::new(),
            landing: Landing::default(),
            staging: Vec::new(),
        }
    }

    pub(super) fn move_to(&mut self, origin: Point) {
        self.mapping.origin = origin;
        self.stack.clear();
    }

    pub(super) fn render(&mut self, scene: &Scene<'_>) -> Result<Vec<Rect>, RenderError> {
        let drawn = self.draw(scene);
        if drawn.is_err() {
            self.start_over();
        }
        drawn
    }

    fn draw(&mut self, scene: &Scene<'_>) -> Result<Vec<Rect>, RenderError> {
        let elements = self.elements(scene)?;
        self.choose_filter(&elements)?;
        let renderer = self.renderer.get_mut();
        let mut target = renderer.bind(&mut self.board).map_err(Into::into)?;
        // The board holds the last frame: its age is 1.
        let drawn = self
            .tracker
            .render_output(renderer, &mut target, 1, &elements, opaque(scene.background))
            .map_err(|error| match error {
                damage::Error::Rendering(error) => error.into(),
                damage::Error::OutputNoMode(error) => RenderError::Mode(error),
            })?;
        let damage = drawn.damage.into_iter().flatten().map(rect_of).collect();
        self.cursor.clone_from(&scene.cursor);
        Ok(damage)
    }

    /// Pixels stay sharp as long as every image is drawn at its size or a multiple of it. A renderer has one filter for
    /// all of them, so a change of it draws everything anew.
    fn choose_filter(&mut self, elements: &[SceneElement<R>]) -> Result<(), RenderError> {
        let sharp = elements.iter().all(SceneElement::is_sharp);
        let filter = if sharp { TextureFilter::Nearest } else { TextureFilter::Linear };
        if self.filter != filter {
            self.filter = filter;
            self.renderer.get_mut().upscale_filter(filter).map_err(Into::into)?;
            self.tracker = tracker(self.size, self.mapping.scale);
        }
        Ok(())
    }

    /// All that `scene` shows, topmost first. Notes its views.
    fn elements(&mut self, scene: &Scene<'_>) -> Result<Vec<SceneElement<R>>, RenderError> {
        let mut elements = self.pointer(scene.cursor.as_ref())?;
        elements.extend(self.banners(&scene.banners)?);
        if let Some((area, color)) = scene.landing {
            elements.push(self.landing.element(area, color, self.mapping).into());
        }
        self.stack.clear();
        let mut all_known = HashMap::with_capacity(scene.views.len());
        for view in &scene.views {
            if !self.is_in_reach(view) {
                continue;
            }
            let mut known = self.known.remove(&view.id).unwrap_or_default();
            let renderer = self.renderer.get_mut();
            let band = known.frame.band(view, self.mapping, &self.text, renderer).map_err(Into::into)?;
            elements.extend(band.into_iter().map(SceneElement::from));
            let fill = known.frame.fill(view, self.mapping);
            self.content(view, &fill, &mut known, &mut elements)?;
            self.stack.push((view.id, fill.geometry));
            elements.push(fill.into());
            all_known.insert(view.id, known);
        }
        self.known = all_known;
        Ok(elements)
    }

    /// Whether any of a view may be on the canvas.
    pub(super) fn is_in_reach(&self, view: &View<'_>) -> bool {
        let reachable = Rect::new(-FAR, -FAR, 2 * FAR, 2 * FAR);
        !view.outer.intersection(self.screen()).is_empty() && reachable.encloses(view.outer)
    }

    pub(super) fn pointer(&mut self, cursor: Option<&Cursor>) -> Result<Vec<SceneElement<R>>, RenderError> {
        let mut elements = Vec::new();
        let Some(cursor) = cursor else { return Ok(elements) };
        let height = self.size.height;
        let renderer = self.renderer.get_mut();
        let drawn = self.cursors.element(cursor, height, self.mapping, renderer).map_err(Into::into)?;
        elements.extend(drawn.map(SceneElement::from));
        if let CursorLook::Surface { surface, hotspot } = &cursor.look {
            let (at, most) = (self.mapping.point(cursor.position), height / SHARE);
            let corner = (at.x.saturating_sub(most), at.y.saturating_sub(most));
            let clip = Area::new(corner.into(), (2 * most, 2 * most).into());
            self.surface(surface, cursor.position.minus(*hotspot), clip, Kind::Cursor, &mut elements);
        }
        Ok(elements)
    }

    /// As [`Canvas::pointer_picture`](super::Canvas::pointer_picture).
    pub(super) fn pointer_picture(
        &mut self,
        cursor: &Cursor,
        most: (u32, u32),
    ) -> Option<(Arc<PointerPicture>, (i32, i32))> {
        self.cursors.picture(cursor, self.size.height, self.mapping, most)
    }

    /// What the user is told, as far as any of it is on the canvas. Notes where.
    fn banners(&mut self, told: &[Banner]) -> Result<Vec<SceneElement<R>>, RenderError> {
        let screen = self.screen();
        self.banners.resize_with(told.len(), BannerImage::default);
        self.banner_areas.clear();
        let mut elements = Vec::new();
        for (told, image) in told.iter().zip(&mut self.banners) {
            if told.place.intersection(screen).is_empty() {
                continue;
            }
            let renderer = self.renderer.get_mut();
            let drawn = image.banner(told, self.mapping, &self.text, renderer).map_err(Into::into)?;
            self.banner_areas.extend(drawn.as_ref().map(|drawn| drawn.geometry));
            elements.extend(drawn.map(SceneElement::from));
        }
        Ok(elements)
    }

    /// Forgets what is on the framebuffer.
    pub(super) fn start_over(&mut self) {
        self.tracker = tracker(self.size, self.mapping.scale);
        self.stack.clear();
    }

    fn content(
        &mut self,
        view: &View<'_>,
        fill: &Fill,
        known: &mut Known<R::TextureId>,
        elements: &mut Vec<SceneElement<R>>,
    ) -> Result<(), RenderError> {
        let clip = self.mapping.clip(view);
        let before = known.seen.take();
        match view.pixels {
            _ if clip.is_empty() => {}
            Content::Empty => {}
            Content::Guest(image) | Content::Icon(image) => {
                if let Some(pixels) = image.element(view, self.mapping) {
                    let renderer = self.renderer.get_mut();
                    let mut pixels =
                        pixels.of(renderer.guest(image, &mut known.copied, &mut self.staging)?);
                    if let Some(before) = before {
                        before.after(&mut pixels);
                    }
                    known.seen = Some(Seen::new(&pixels, fill));
                    elements.push(pixels.into());
                }
            }
            Content::Surface { surface, origin } => {
                let corner = view.content.origin().minus(origin);
                self.surface(surface, corner, clip, Kind::Unspecified, elements);
            }
        }
        Ok(())
    }

    /// A client's surface tree with its root at `corner`, as far as it lies in `clip`.
    fn surface(
        &mut self,
        surface: &WlSurface,
        corner: Point,
        clip: Area,
        kind: Kind,
        elements: &mut Vec<SceneElement<R>>,
    ) {
        let location = self.mapping.point(corner);
        let scale = self.mapping.scale.as_f64();
        let tree: Vec<WaylandSurfaceRenderElement<R>> =
            render_elements_from_surface_tree(self.renderer.get_mut(), surface, location, scale, 1.0, kind);
        let shown = tree.into_iter().filter_map(|part| Surface::new(part, scale.into(), clip));
        elements.extend(shown.map(SceneElement::from));
    }

    /// What of the desktop the canvas shows, in logical pixels; a pixel shown in part counts.
    fn screen(&self) -> Rect {
        let Mapping { scale, origin } = self.mapping;
        let logical = |length: i32| scale.logical(length).saturating_add(1);
        Rect::at(origin, Size::new(logical(self.size.width), logical(self.size.height)))
    }
}

fn tracker(size: Size, scale: Scale) -> OutputDamageTracker {
    OutputDamageTracker::new((size.width, size.height), scale.as_f64(), Transform::Normal)
}

//! The framebuffer, and bringing it up to date.

use std::{collections::HashMap, fmt, sync::Arc};

use pixman::{FormatCode, Image, Operation};
use smithay::{
    backend::renderer::{
        Bind, Renderer, TextureFilter,
        damage::{self, OutputDamageTracker},
        element::{
            Kind,
            surface::{WaylandSurfaceRenderElement, render_elements_from_surface_tree},
        },
        pixman::{PixmanError, PixmanRenderer},
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::Transform,
};

use super::{
    Content, Scene, View,
    banner::{Banner, BannerImage},
    cursor::{Cursor, CursorImages, CursorLook, PointerPicture, SHARE},
    elements::{Area, Fill, Mapping, SceneElement, Surface},
    frame::FrameParts,
    landing::Landing,
    opaque,
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

/// The largest framebuffer, in pixels on each side; keeps every product of coordinates within 32 bits.
const MAX_SIDE: i32 = 16384;
/// The longest row of an image that is copied to, in pixels; a device may pad the longest framebuffer's to that.
const MAX_STRIDE: usize = 2 * MAX_SIDE as usize;
/// No window that touches the screen reaches farther than this from its corner, in logical pixels.
const FAR: i32 = 1 << 20;

/// A screen's worth of pixels, kept in step with a [`Scene`].
///
/// Pixels are 32-bit words `0xrrggbb` below an unused byte (`XRGB8888`); rectangles of it are in buffer coordinates, pixels from its top
/// left corner.
pub struct Canvas {
    pub(super) renderer: PixmanRenderer,
    tracker: OutputDamageTracker,
    pub(super) framebuffer: Image<'static, 'static>,
    pub(super) size: Size,
    pub(super) mapping: Mapping,
    filter: TextureFilter,
    pub(super) text: Text,
    pub(super) known: HashMap<Id, Known>,
    /// The views of the last frame and what they cover, topmost first; none if it was not drawn.
    pub(super) stack: Vec<(Id, Area)>,
    /// The pointer as last drawn.
    pub(super) cursor: Option<Cursor>,
    cursors: CursorImages,
    banners: Vec<BannerImage>,
    /// What the banners cover.
    pub(super) banner_areas: Vec<Area>,
    landing: Landing,
}

/// What is kept of a view between frames.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) frame: FrameParts,
    pub(super) seen: Option<Seen>,
}

impl fmt::Debug for Canvas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canvas")
            .field("size", &self.size)
            .field("scale", &self.mapping.scale)
            .finish_non_exhaustive()
    }
}

impl Canvas {
    /// A black canvas of `size` buffer pixels for a part of the desktop that begins at its origin, and on which a logical
    /// pixel is `scale` pixels wide. Canvases that are given clones of one `text` share what fonts cost.
    ///
    /// # Errors
    /// [`RenderError::Framebuffer`] for a side that is not 1 to 16384, or want of memory.
    pub fn new(size: Size, scale: Scale, text: Text) -> Result<Self, RenderError> {
        let framebuffer = framebuffer(size).ok_or(RenderError::Framebuffer { size })?;
        Ok(Self {
            renderer: PixmanRenderer::new()?,
            tracker: tracker(size, scale),
            framebuffer,
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
        })
    }

    /// Shows the part of the desktop that begins at `origin`, in logical pixels, from the next frame on.
    pub fn move_to(&mut self, origin: Point) {
        self.mapping.origin = origin;
        self.stack.clear();
    }

    /// Width and height, in buffer pixels.
    pub fn size(&self) -> Size {
        self.size
    }

    /// Brings the framebuffer in step with `scene` and returns the rectangles that were drawn, none if nothing had
    /// changed.
    ///
    /// # Errors
    /// [`RenderError::Draw`] if something could not be drawn, such as the buffer of a client that took its memory away.
    /// The framebuffer is then undefined, and the next call draws all of it.
    pub fn render(&mut self, scene: &Scene<'_>) -> Result<Vec<Rect>, RenderError> {
        let drawn = self.draw(scene);
        if drawn.is_err() {
            self.start_over();
        }
        drawn
    }

    fn draw(&mut self, scene: &Scene<'_>) -> Result<Vec<Rect>, RenderError> {
        let elements = self.elements(scene)?;
        self.choose_filter(&elements)?;
        let mut target = self.renderer.bind(&mut self.framebuffer)?;
        // The framebuffer holds the last frame: its age is 1.
        let drawn = self.tracker.render_output(
            &mut self.renderer,
            &mut target,
            1,
            &elements,
            opaque(scene.background),
        )?;
        let damage = drawn.damage.into_iter().flatten().map(rect_of).collect();
        self.cursor.clone_from(&scene.cursor);
        Ok(damage)
    }

    /// Copies the pixels of `rect` to the same place in `into`, an image of the canvas's size without padding, with the
    /// unused byte 0. What of `rect` lies outside of the canvas is left out.
    ///
    /// # Errors
    /// [`RenderError::Destination`] if `into` is too short for that.
    pub fn copy(&self, rect: Rect, into: &mut [u32]) -> Result<(), RenderError> {
        let across = self.size.width.unsigned_abs() as usize;
        self.copy_rows(rect, into, across)?;
        // Domains choose the unused byte of their pixels.
        let rect = rect.intersection(Rect::at(Point::default(), self.size));
        let reach = |edge: i32| edge.max(0).unsigned_abs() as usize;
        for row in into.chunks_exact_mut(across).take(reach(rect.bottom())).skip(reach(rect.y)) {
            let copied = row.get_mut(reach(rect.x)..reach(rect.right())).unwrap_or_default();
            copied.iter_mut().for_each(|pixel| *pixel &= 0x00ff_ffff);
        }
        Ok(())
    }

    /// Copies the pixels of `rect` to the same place in `into`, an image whose rows begin `stride` pixels apart, and never
    /// reads it: memory of a screen is slow to read. The unused byte is of any value. What of `rect` lies outside of the
    /// canvas is left out.
    ///
    /// # Errors
    /// [`RenderError::Destination`] if `into` is too short for that, or its rows are.
    pub fn copy_rows(&self, rect: Rect, into: &mut [u32], stride: usize) -> Result<(), RenderError> {
        let Size { width, height } = self.size;
        let rect = rect.intersection(Rect::at(Point::default(), self.size));
        let (across, down) = (width.unsigned_abs() as usize, height.unsigned_abs() as usize);
        // Pixman trusts the sizes it is told, and takes rows of some length.
        let length = stride.checked_mul(down).filter(|_| (across..=MAX_STRIDE).contains(&stride));
        let into = length.and_then(|length| into.get_mut(..length)).ok_or(RenderError::Destination)?;
        let mut image = Image::from_slice_mut(FormatCode::X8R8G8B8, across, down, into, stride * 4, false)
            .map_err(|_| RenderError::Destination)?;
        let (corner, extent) = ((rect.x, rect.y), (rect.width, rect.height));
        image.composite32(Operation::Src, &self.framebuffer, None, corner, (0, 0), corner, extent);
        Ok(())
    }

    /// Copies a run of pixels of one row, from `start` to the right, with the unused byte 0. What lies outside of the
    /// canvas is 0.
    ///
    /// # Errors
    /// [`RenderError::Destination`] if `into` is empty.
    pub fn copy_run(&self, start: Point, into: &mut [u32]) -> Result<(), RenderError> {
        let across = into.len();
        let Some(length) = i32::try_from(across).ok().filter(|&length| length > 0) else {
            return Err(RenderError::Destination);
        };
        let mut run = Image::from_slice_mut(FormatCode::X8R8G8B8, across, 1, into, across * 4, false)
            .map_err(|_| RenderError::Destination)?;
        let (from, extent) = ((start.x, start.y), (length, 1));
        run.composite32(Operation::Src, &self.framebuffer, None, from, (0, 0), (0, 0), extent);
        drop(run);
        into.iter_mut().for_each(|pixel| *pixel &= 0x00ff_ffff);
        Ok(())
    }

    /// Pixels stay sharp as long as every image is drawn at its size or a multiple of it. Pixman's renderer has one filter
    /// for all of them, so a change of it draws everything anew.
    fn choose_filter(&mut self, elements: &[SceneElement]) -> Result<(), RenderError> {
        let sharp = elements.iter().all(SceneElement::is_sharp);
        let filter = if sharp { TextureFilter::Nearest } else { TextureFilter::Linear };
        if self.filter != filter {
            self.filter = filter;
            self.renderer.upscale_filter(filter)?;
            self.tracker = tracker(self.size, self.mapping.scale);
        }
        Ok(())
    }

    /// All that `scene` shows, topmost first. Notes its views.
    fn elements(&mut self, scene: &Scene<'_>) -> Result<Vec<SceneElement>, RenderError> {
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
            let band = known.frame.band(view, self.mapping, &self.text, &mut self.renderer)?;
            elements.extend(band.into_iter().map(SceneElement::from));
            let fill = known.frame.fill(view, self.mapping);
            self.content(view, &fill, &mut known.seen, &mut elements);
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

    pub(super) fn pointer(&mut self, cursor: Option<&Cursor>) -> Result<Vec<SceneElement>, RenderError> {
        let mut elements = Vec::new();
        let Some(cursor) = cursor else { return Ok(elements) };
        let height = self.size.height;
        let drawn = self.cursors.element(cursor, height, self.mapping, &mut self.renderer)?;
        elements.extend(drawn.map(SceneElement::from));
        if let CursorLook::Surface { surface, hotspot } = &cursor.look {
            let (at, most) = (self.mapping.point(cursor.position), height / SHARE);
            let corner = (at.x.saturating_sub(most), at.y.saturating_sub(most));
            let clip = Area::new(corner.into(), (2 * most, 2 * most).into());
            self.surface(surface, cursor.position.minus(*hotspot), clip, Kind::Cursor, &mut elements);
        }
        Ok(elements)
    }

    /// The pointer by itself and the place of its corner on the framebuffer, for a screen that lays pictures of at most
    /// this width and height over the frame. `None` for one that has to be drawn, if it is shown at all.
    pub fn pointer_picture(
        &mut self,
        cursor: &Cursor,
        most: (u32, u32),
    ) -> Option<(Arc<PointerPicture>, (i32, i32))> {
        self.cursors.picture(cursor, self.size.height, self.mapping, most)
    }

    /// What the user is told, as far as any of it is on the canvas. Notes where.
    fn banners(&mut self, told: &[Banner]) -> Result<Vec<SceneElement>, RenderError> {
        let screen = self.screen();
        self.banners.resize_with(told.len(), BannerImage::default);
        self.banner_areas.clear();
        let mut elements = Vec::new();
        for (told, image) in told.iter().zip(&mut self.banners) {
            if told.place.intersection(screen).is_empty() {
                continue;
            }
            let drawn = image.banner(told, self.mapping, &self.text, &mut self.renderer)?;
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
        seen: &mut Option<Seen>,
        elements: &mut Vec<SceneElement>,
    ) {
        let clip = self.mapping.clip(view);
        let before = seen.take();
        match view.pixels {
            _ if clip.is_empty() => {}
            Content::Empty => {}
            Content::Guest(image) => {
                let corner = self.mapping.point(view.content.origin());
                if let Some(mut pixels) = image.element(corner, clip, self.mapping) {
                    if let Some(before) = before {
                        before.after(&mut pixels);
                    }
                    *seen = Some(Seen::new(&pixels, fill));
                    elements.push(pixels.into());
                }
            }
            Content::Surface { surface, origin } => {
                let corner = view.content.origin().minus(origin);
                self.surface(surface, corner, clip, Kind::Unspecified, elements);
            }
        }
    }

    /// A client's surface tree with its root at `corner`, as far as it lies in `clip`.
    fn surface(
        &mut self,
        surface: &WlSurface,
        corner: Point,
        clip: Area,
        kind: Kind,
        elements: &mut Vec<SceneElement>,
    ) {
        let location = self.mapping.point(corner);
        let scale = self.mapping.scale.as_f64();
        let tree: Vec<WaylandSurfaceRenderElement<PixmanRenderer>> =
            render_elements_from_surface_tree(&mut self.renderer, surface, location, scale, 1.0, kind);
        let shown = tree.into_iter().filter_map(|part| Surface::new(part, scale.into(), clip));
        elements.extend(shown.map(SceneElement::from));
    }

    /// Where the desktop's pixels go.
    pub(super) fn mapping(&self) -> Mapping {
        self.mapping
    }

    /// What of the desktop the canvas shows, in logical pixels; a pixel shown in part counts.
    fn screen(&self) -> Rect {
        let Mapping { scale, origin } = self.mapping;
        let logical = |length: i32| scale.logical(length).saturating_add(1);
        Rect::at(origin, Size::new(logical(self.size.width), logical(self.size.height)))
    }
}

/// A rectangle of the framebuffer as callers take it.
pub(super) fn rect_of(area: &Area) -> Rect {
    Rect::new(area.loc.x, area.loc.y, area.size.w, area.size.h)
}

fn tracker(size: Size, scale: Scale) -> OutputDamageTracker {
    OutputDamageTracker::new((size.width, size.height), scale.as_f64(), Transform::Normal)
}

fn framebuffer(size: Size) -> Option<Image<'static, 'static>> {
    let side = |length: i32| (1..=MAX_SIDE).contains(&length).then(|| length.unsigned_abs() as usize);
    Image::new(FormatCode::X8R8G8B8, side(size.width)?, side(size.height)?, true).ok()
}

/// Why something was not drawn.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// There is no framebuffer of this size.
    #[error("no framebuffer of {}x{} pixels", size.width, size.height)]
    Framebuffer {
        /// The size asked for.
        size: Size,
    },
    /// Pixman refused.
    #[error("pixman: {0}")]
    Pixman(#[from] PixmanError),
    /// An element of the scene could not be drawn.
    #[error("cannot draw: {0}")]
    Draw(#[from] damage::Error<PixmanError>),
    /// The destination of a copy is shorter than the canvas.
    #[error("the destination is smaller than the canvas")]
    Destination,
    /// The picture would be too large.
    #[error("a picture of {}x{} pixels is too large: take one of each output", .0.width, .0.height)]
    Picture(Size),
    /// The picture could not be encoded.
    #[error("cannot encode the picture: {0}")]
    Png(#[from] png::EncodingError),
}

//! What each surface shows: its pixels, how they are to be seen, and what has changed of them.
//!
//! Kept beside the surface and brought up to date whenever a commit takes effect. A client's buffer is held only as long
//! as its pixels may have to be read again; dropping it gives it back to the client.

use std::{
    cell::{Cell, RefCell, RefMut},
    rc::Rc,
};

use gui_protocol::WindowId;
use pixman::{Box32, Color, Operation};
use shm_grant::{ClientDmabuf, ClientImage, PixelFormat};
use smithay::{
    reexports::wayland_server::{
        DisplayHandle, Resource, Weak,
        protocol::{wl_buffer::WlBuffer, wl_callback::WlCallback, wl_surface::WlSurface},
    },
    utils::{Buffer, Logical, Physical, Point, Rectangle, Size, Transform},
    wayland::{
        alpha_modifier::AlphaModifierSurfaceCachedState,
        compositor::{
            BufferAssignment, Cacheable, Damage, RectangleKind, RegionAttributes, SUBSURFACE_ROLE,
            SubsurfaceCachedState, SurfaceAttributes, SurfaceData, TraversalAction, get_children, get_parent,
            with_states, with_surface_tree_downward, with_surface_tree_upward,
        },
        presentation::{PresentationFeedbackCachedState, PresentationFeedbackCallback},
        single_pixel_buffer::get_single_pixel_buffer,
        viewporter::{ViewportCachedState, ensure_viewport_valid},
    },
};
use tracing::debug;

use crate::{
    compose::{self, ComposeError, Density},
    handlers::dmabuf::Dmabufs,
    region::Region,
};

/// Where a surface's pixels are.
pub(crate) enum Pixels {
    /// In the client's memory.
    Client(Held),
    /// In the last image of the window that the surface fills alone; the client has its buffer back.
    Window,
    /// In a copy: the client has its buffer back, or it never had pixels in its memory.
    Kept(pixman::Image<'static, 'static>),
}

/// A buffer that its client must not draw into.
pub(crate) struct Held {
    buffer: WlBuffer,
    /// Its pixels, if they are not in shared memory.
    dmabuf: Option<Rc<ClientDmabuf>>,
}

impl Held {
    /// Its size, and what its pixels are.
    fn describe(&self) -> Result<(Size<i32, Buffer>, PixelFormat), ComposeError> {
        let image = match &self.dmabuf {
            Some(dmabuf) => dmabuf.described(),
            None => ClientImage::of(&self.buffer)?,
        };
        let side = |pixels: u32| i32::try_from(pixels).unwrap_or(i32::MAX);
        Ok(((side(image.width()), side(image.height())).into(), image.format()))
    }

    fn read<T>(&self, draw: impl FnOnce(&mut pixman::Image<'_, 'static>) -> T) -> Result<T, ComposeError> {
        match &self.dmabuf {
            Some(dmabuf) => Ok(dmabuf.read(draw)?),
            None => Ok(ClientImage::read(&self.buffer, draw)?),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if self.buffer.is_alive() {
            self.buffer.release();
        }
    }
}

/// All of a surface's own opacity.
pub(crate) const OPAQUE: u16 = u16::MAX;

/// How a buffer becomes a surface.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct View {
    /// Pixels. No side is below 1.
    pub(crate) buffer: Size<i32, Buffer>,
    /// Pixels for each unit of the surface, before cropping and scaling.
    pub(crate) scale: i32,
    pub(crate) transform: Transform,
    /// The part that is shown, in units of the surface before scaling. Within it, and not empty.
    pub(crate) source: Rectangle<f64, Logical>,
    /// What it is scaled to: the size of the surface. No side is below 1.
    pub(crate) size: Size<i32, Logical>,
    /// By which its opacity is multiplied, as a part of [`OPAQUE`].
    pub(crate) opacity: u16,
    /// Whether its client draws pixels and knows of no units: it is not stretched for the sake of part of a pixel.
    pub(crate) in_pixels: bool,
}

impl View {
    /// The surface's size before cropping and scaling.
    pub(crate) fn uncropped(&self) -> Size<f64, Logical> {
        let size = self.transform.transform_size(self.buffer).to_f64();
        let scale = f64::from(self.scale.max(1));
        (size.w / scale, size.h / scale).into()
    }

    /// Where a point of the surface lies in its buffer.
    pub(crate) fn in_buffer(&self, point: Point<f64, Logical>) -> Point<f64, Buffer> {
        let x = self.source.loc.x + point.x * self.source.size.w / f64::from(self.size.w);
        let y = self.source.loc.y + point.y * self.source.size.h / f64::from(self.size.h);
        let point = Point::<f64, Logical>::from((x, y));
        // the transform is what the client has done to its content; here a point follows it
        point.to_buffer(f64::from(self.scale.max(1)), self.transform.invert(), &self.uncropped())
    }

    /// How many of its pixels there are for each unit of the surface, across.
    pub(crate) fn density(&self) -> f64 {
        self.source.size.w * f64::from(self.scale.max(1)) / f64::from(self.size.w.max(1))
    }

    /// The size of an image of this density that has its pixels as they are, if that is one that it may have.
    pub(crate) fn exact_size(&self, density: Density) -> Option<Size<i32, Physical>> {
        let Size { w, h, .. } = self.source.size.to_i32_round::<i32>();
        let fits = self.in_pixels && density.fits(self.size.w, w) && density.fits(self.size.h, h);
        fits.then(|| (w, h).into())
    }

    /// Whether every pixel of the buffer is shown.
    pub(crate) fn shows_all(&self) -> bool {
        self.source == Rectangle::from_size(self.uncropped())
    }

    fn damaged(&self, rect: Rectangle<i32, Logical>) -> Option<Rectangle<i32, Buffer>> {
        // within the surface the numbers stay small, whatever they are multiplied with
        let rect = rect.intersection(Rectangle::from_size(self.size))?.to_f64();
        let (a, b) = (self.in_buffer(rect.loc), self.in_buffer(rect.loc + rect.size.to_point()));
        let from = (a.x.min(b.x).floor(), a.y.min(b.y).floor());
        let to = (a.x.max(b.x).ceil(), a.y.max(b.y).ceil());
        Some(Rectangle::from_extremities(from, to).to_i32_up())
    }
}

/// What a mapped surface shows.
pub(crate) struct Content {
    pub(crate) pixels: Pixels,
    format: PixelFormat,
    view: View,
    opaque: Region<Logical>,
    /// Since this was last taken.
    damage: Region<Buffer>,
}

/// What the agent keeps for each surface.
#[derive(Default)]
pub(crate) struct Surface {
    pub(crate) content: Option<Content>,
    /// The window whose root this is.
    pub(crate) window: Option<WindowId>,
    /// The X11 window it shows.
    x11: Option<u32>,
    /// How the GUI domain arranged it before it was a window, or 0.
    arranged: u32,
    /// Where it was on the screen when it was last a window.
    corner: Point<i32, Logical>,
}

impl Surface {
    /// What is kept for a surface. Must not be asked for twice at a time.
    pub(crate) fn of(states: &SurfaceData) -> RefMut<'_, Self> {
        states.data_map.get_or_insert(RefCell::<Self>::default).borrow_mut()
    }

    fn attach(&mut self, buffer: WlBuffer, dmabufs: &Dmabufs) {
        match &self.content {
            // attached again before it was given back: once back is enough
            Some(Content { pixels: Pixels::Client(held), .. }) if held.buffer == buffer => return,
            _ => {}
        }
        let held = Held { dmabuf: dmabufs.of(&buffer), buffer };
        match pixels_of(held) {
            Ok((pixels, size, format)) => {
                let (view, opaque, damage) = match self.content.take() {
                    Some(content) => (content.view, content.opaque, content.damage),
                    None => (View::new(size), Region::default(), Region::default()),
                };
                let view = View { buffer: size, ..view };
                self.content = Some(Content { pixels, format, view, opaque, damage });
            }
            Err(error) => {
                log_unreadable(&error);
                self.content = None;
            }
        }
    }
}

impl View {
    fn new(buffer: Size<i32, Buffer>) -> Self {
        let size = Size::from((buffer.w, buffer.h));
        let source = Rectangle::from_size(size.to_f64());
        Self {
            buffer,
            scale: 1,
            transform: Transform::Normal,
            source,
            size,
            opacity: OPAQUE,
            in_pixels: false,
        }
    }
}

/// What a buffer shows, its size, and what its pixels are.
fn pixels_of(held: Held) -> Result<(Pixels, Size<i32, Buffer>, PixelFormat), ComposeError> {
    if let Ok(pixel) = get_single_pixel_buffer(&held.buffer) {
        let format = if pixel.has_alpha() { PixelFormat::Argb8888 } else { PixelFormat::Xrgb8888 };
        let [red, green, blue, alpha] = [pixel.r, pixel.g, pixel.b, pixel.a].map(|part| (part >> 16) as u16);
        // no colour is brighter than its opacity, in any buffer
        let colour = Color::new(red.min(alpha), green.min(alpha), blue.min(alpha), alpha);
        let mut image = compose::new_image((1, 1).into(), format)?;
        let all = Box32 { x1: 0, y1: 0, x2: 1, y2: 1 };
        // fails without memory only, and then there are worse troubles
        let _ = image.fill_boxes(Operation::Src, colour, &[all]);
        return Ok((Pixels::Kept(image), (1, 1).into(), format));
    }
    let (size, format) = held.describe()?;
    Ok((Pixels::Client(held), size, format))
}

/// Where a subsurface is from its parent's corner, as of the last commit of the parent that took effect.
#[derive(Default)]
struct Place(Cell<Point<i32, Logical>>);

/// Where a surface's subsurfaces are to be, as its client had said when it committed the surface: that holds from the moment
/// on that this commit takes effect, which later ones may be made before.
#[derive(Clone, Default)]
struct Places(Vec<(Weak<WlSurface>, Point<i32, Logical>)>);

impl Cacheable for Places {
    fn commit(&mut self, _: &DisplayHandle) -> Self {
        // smithay commits synchronised subsurfaces once more with their parent, without anything new
        self.clone()
    }

    fn merge_into(self, into: &mut Self, _: &DisplayHandle) {
        *into = self;
    }
}

/// A client commits this surface; when this takes effect is another matter.
pub(crate) fn will_commit(parent: &WlSurface) {
    // a surface is among its own children: the order is theirs
    let children = get_children(parent).into_iter().filter(|child| child != parent);
    let place = |states: &SurfaceData| states.cached_state.get::<SubsurfaceCachedState>().pending().location;
    let places = children.map(|child| (child.downgrade(), with_states(&child, place))).collect();
    with_states(parent, |states| states.cached_state.get::<Places>().pending().0 = places);
}

/// Puts the subsurfaces where they are to be since a commit of their parent.
fn place_children(parent: &WlSurface) {
    let places = with_states(parent, |states| std::mem::take(states.cached_state.get::<Places>().current()));
    for (child, place) in places.0 {
        let Ok(child) = child.upgrade() else { continue };
        if get_parent(&child).as_ref() == Some(parent) {
            with_states(&child, |states| states.data_map.get_or_insert(Place::default).0.set(place));
        }
    }
}

/// A commit of this surface has taken effect, of a client that has so many pixels for each unit where others have one.
pub(crate) fn committed(surface: &WlSurface, client: Density, dmabufs: &Dmabufs) {
    // subsurfaces go where their client has said, however they take their own commits
    place_children(surface);
    with_states(surface, |states| {
        let mut attributes = states.cached_state.get::<SurfaceAttributes>();
        let attributes = attributes.current();
        let mut surface = Surface::of(states);
        match attributes.buffer.take() {
            Some(BufferAssignment::NewBuffer(buffer)) => surface.attach(buffer, dmabufs),
            Some(BufferAssignment::Removed) => surface.content = None,
            None => {}
        }
        let Some(content) = &mut surface.content else { return attributes.damage.clear() };
        content.view.scale = attributes.buffer_scale.max(1);
        content.view.transform = attributes.buffer_transform.into();
        content.view.crop(states, client);
        content.view.opacity = opacity(states);
        for damage in attributes.damage.drain(..) {
            let rect = match damage {
                Damage::Buffer(rect) => Some(rect),
                Damage::Surface(rect) => content.view.damaged(rect),
            };
            let rect = rect.and_then(|rect| rect.intersection(Rectangle::from_size(content.view.buffer)));
            rect.into_iter().for_each(|rect| content.damage.add(rect));
        }
        content.opaque = match (content.format, &attributes.opaque_region) {
            _ if content.view.opacity != OPAQUE => Region::default(),
            (PixelFormat::Xrgb8888, _) => Rectangle::from_size(content.view.size).into(),
            (PixelFormat::Argb8888, Some(region)) => opaque_region(region, content.view.size),
            (PixelFormat::Argb8888, None) => Region::default(),
        };
    });
}

impl View {
    /// Takes over what the surface's viewport says. A wrong one ends its client.
    fn crop(&mut self, states: &SurfaceData, client: Density) {
        let whole = self.uncropped();
        let units = Size::from((whole.w as i32, whole.h as i32));
        let valid = ensure_viewport_valid(states, units);
        let mut viewport = states.cached_state.get::<ViewportCachedState>();
        let viewport = viewport.current();
        let size = viewport.size().unwrap_or(units);
        self.size = (size.w.max(1), size.h.max(1)).into();
        self.source = viewport.src.filter(|_| valid).unwrap_or_else(|| Rectangle::from_size(whole));
        self.in_pixels = client != Density::ONE && viewport.size().is_none();
        if self.in_pixels {
            let shown = |pixels: i32| {
                let units = client.units(pixels);
                // the rest of a unit that is not whole
                (units, pixels.min(client.pixels_of(units)))
            };
            let ((width, across), (height, down)) = (shown(units.w), shown(units.h));
            self.size = (width, height).into();
            self.source = Rectangle::from_size((f64::from(across), f64::from(down)).into());
        }
    }
}

fn opaque_region(region: &RegionAttributes, size: Size<i32, Logical>) -> Region<Logical> {
    let mut opaque = Region::default();
    for (kind, rect) in &region.rects {
        let Some(rect) = rect.intersection(Rectangle::from_size(size)) else { continue };
        match kind {
            RectangleKind::Add => opaque.add_exactly(rect),
            RectangleKind::Subtract => opaque = opaque.without(&rect.into()),
        }
    }
    opaque
}

/// By which the surface's opacity is to be multiplied.
fn opacity(states: &SurfaceData) -> u16 {
    if !states.cached_state.has::<AlphaModifierSurfaceCachedState>() {
        return OPAQUE;
    }
    let mut modifier = states.cached_state.get::<AlphaModifierSurfaceCachedState>();
    modifier.current().multiplier().map_or(OPAQUE, |multiplier| (multiplier >> 16) as u16)
}

/// Gives back whatever a surface holds that is no more.
pub(crate) fn destroyed(surface: &WlSurface) {
    with_states(surface, |states| Surface::of(states).content = None);
}

/// Whether a surface has something to show.
pub(crate) fn has_content(surface: &WlSurface) -> bool {
    with_states(surface, |states| Surface::of(states).content.is_some())
}

/// The window whose root this surface is.
pub(crate) fn window_of(surface: &WlSurface) -> Option<WindowId> {
    with_states(surface, |states| Surface::of(states).window)
}

pub(crate) fn set_window(surface: &WlSurface, window: Option<WindowId>) {
    with_states(surface, |states| Surface::of(states).window = window);
}

/// The X11 window that this surface shows.
pub(crate) fn x11_of(surface: &WlSurface) -> Option<u32> {
    with_states(surface, |states| Surface::of(states).x11)
}

pub(crate) fn set_x11(surface: &WlSurface, window: Option<u32>) {
    with_states(surface, |states| Surface::of(states).x11 = window);
}

/// Pixels for each unit of the surface, if its client leaves scaling to its buffer's scale.
pub(crate) fn own_density(surface: &WlSurface) -> Option<Density> {
    with_states(surface, |states| {
        let surface = Surface::of(states);
        let view = surface.content.as_ref()?.view;
        let scaled = view.source.size != view.size.to_f64();
        (!scaled).then(|| Density(view.scale.unsigned_abs().saturating_mul(Density::ONE.0)))
    })
}

/// The size of an image of this density that has a surface's pixels as they are, if that is another than usual.
pub(crate) fn exact_size(surface: &WlSurface, density: Density) -> Option<Size<i32, Physical>> {
    with_states(surface, |states| Surface::of(states).content.as_ref()?.view.exact_size(density))
}

/// Takes everyone who waits to hear of a frame of a root or its subsurfaces.
pub(crate) fn take_callbacks(
    root: &WlSurface,
    callbacks: &mut Vec<WlCallback>,
    feedback: &mut Vec<PresentationFeedbackCallback>,
) {
    with_surface_tree_upward(
        root,
        (),
        |_, _, ()| TraversalAction::DoChildren(()),
        |_, states, ()| {
            callbacks.append(&mut states.cached_state.get::<SurfaceAttributes>().current().frame_callbacks);
            // made for the few surfaces that want it
            if states.cached_state.has::<PresentationFeedbackCachedState>() {
                let mut presentation = states.cached_state.get::<PresentationFeedbackCachedState>();
                feedback.append(&mut presentation.current().callbacks);
            }
        },
        |_, _, ()| true,
    );
}

/// How the GUI domain arranged a popup that has yet to be shown, or 0. What was asked for is over by that.
pub(crate) fn take_arranged(surface: &WlSurface) -> u32 {
    with_states(surface, |states| std::mem::take(&mut Surface::of(states).arranged))
}

pub(crate) fn set_arranged(surface: &WlSurface, arranged: u32) {
    with_states(surface, |states| Surface::of(states).arranged = arranged);
}

/// Remembers where a surface was that is no window any more.
pub(crate) fn keep_corner(surface: &WlSurface, corner: Point<i32, Logical>) {
    with_states(surface, |states| Surface::of(states).corner = corner);
}

pub(crate) fn kept_corner(surface: &WlSurface) -> Point<i32, Logical> {
    with_states(surface, |states| Surface::of(states).corner)
}

/// A surface with something to show, as one of a window's tree.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) surface: WlSurface,
    /// Its corner, from the root's.
    pub(crate) at: Point<i32, Logical>,
    pub(crate) view: View,
    pub(crate) format: PixelFormat,
    /// Parts of the surface, from its corner.
    pub(crate) opaque: Region<Logical>,
}

impl Layer {
    pub(crate) fn area(&self) -> Rectangle<i32, Logical> {
        Rectangle::new(self.at, self.view.size)
    }

    /// Whether nothing is seen through it.
    pub(crate) fn is_opaque(&self) -> bool {
        Region::from(Rectangle::from_size(self.view.size)).without(&self.opaque).is_empty()
    }

    /// Whether the same pixels of the same surface are seen at the same place.
    pub(crate) fn shows_like(&self, other: &Self) -> bool {
        let key = |it: &Self| (it.at, it.view, it.format);
        self.surface == other.surface && key(self) == key(other)
    }
}

/// All layers of a window, the lowest first, with the damage since they were last asked for.
pub(crate) fn layers(root: &WlSurface, mut each: impl FnMut(Layer, Region<Buffer>)) {
    with_surface_tree_upward(
        root,
        Point::default(),
        |_, states, at| match Surface::of(states).content {
            Some(_) => TraversalAction::DoChildren(*at + offset(states)),
            // what is not shown hides its children
            None => TraversalAction::SkipChildren,
        },
        |surface, states, at| {
            let at = *at + offset(states);
            if let Some(content) = &mut Surface::of(states).content {
                let damage = std::mem::take(&mut content.damage);
                let (view, format, opaque) = (content.view, content.format, content.opaque.clone());
                each(Layer { surface: surface.clone(), at, view, format, opaque }, damage);
            }
        },
        |_, _, _| true,
    );
}

/// The rectangle around everything that a root and its subsurfaces show, from the root's corner.
pub(crate) fn bounds(root: &WlSurface) -> Rectangle<i32, Logical> {
    let mut bounds = Rectangle::default();
    with_surface_tree_upward(
        root,
        Point::default(),
        |_, states, at| match &Surface::of(states).content {
            Some(content) => {
                let at = *at + offset(states);
                bounds = bounds.merge(Rectangle::new(at, content.view.size));
                TraversalAction::DoChildren(at)
            }
            None => TraversalAction::SkipChildren,
        },
        |_, _, _| {},
        |_, _, _| true,
    );
    bounds
}

/// Whether `is_so` of a root or any of its subsurfaces that is shown.
pub(crate) fn any_shown(root: &WlSurface, is_so: impl Fn(&SurfaceData) -> bool) -> bool {
    let mut found = false;
    with_surface_tree_upward(
        root,
        (),
        |_, states, ()| match Surface::of(states).content {
            Some(_) => TraversalAction::DoChildren(()),
            None => TraversalAction::SkipChildren,
        },
        |_, states, ()| found |= Surface::of(states).content.is_some() && is_so(states),
        |_, _, _| true,
    );
    found
}

/// The topmost surface of a window that takes input at a point, both from the root's corner, and its own corner.
pub(crate) fn under(
    root: &WlSurface,
    point: Point<f64, Logical>,
) -> Option<(WlSurface, Point<i32, Logical>)> {
    let found = RefCell::new(None);
    with_surface_tree_downward(
        root,
        Point::default(),
        |_, states, at| match Surface::of(states).content {
            Some(_) => TraversalAction::DoChildren(*at + offset(states)),
            None => TraversalAction::SkipChildren,
        },
        |surface, states, at| {
            let at = *at + offset(states);
            if found.borrow().is_none() && takes_input(states, point - at.to_f64()) {
                *found.borrow_mut() = Some((surface.clone(), at));
            }
        },
        |_, _, _| found.borrow().is_none(),
    );
    found.into_inner()
}

fn takes_input(states: &SurfaceData, point: Point<f64, Logical>) -> bool {
    let size = Surface::of(states).content.as_ref().map(|content| content.view.size);
    let inside = size.is_some_and(|size| Rectangle::from_size(size.to_f64()).contains(point));
    let mut attributes = states.cached_state.get::<SurfaceAttributes>();
    let region = &attributes.current().input_region;
    inside && region.as_ref().is_none_or(|region| region.contains(point.to_i32_floor()))
}

/// Where a subsurface is from its parent's corner; nowhere else for other surfaces.
fn offset(states: &SurfaceData) -> Point<i32, Logical> {
    match states.role {
        Some(SUBSURFACE_ROLE) => states.data_map.get::<Place>().map_or_else(Point::default, |it| it.0.get()),
        _ => Point::default(),
    }
}

/// Lends the pixels of a surface to draw from, if they are in an image of their own, as one of the surface's view.
pub(crate) fn read<T>(
    pixels: &mut Pixels,
    draw: impl FnOnce(&mut pixman::Image<'_, 'static>) -> T,
) -> Result<Option<T>, ComposeError> {
    match pixels {
        Pixels::Client(held) => held.read(draw).map(Some),
        Pixels::Kept(image) => Ok(Some(draw(image))),
        Pixels::Window => Ok(None),
    }
}

fn log_unreadable(error: &ComposeError) {
    debug!("a buffer cannot be shown: {error}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_of_the_surface_becomes_damage_of_the_buffer() {
        let logical = |x, y, w, h| Rectangle::<i32, Logical>::new((x, y).into(), (w, h).into());
        let buffer = |x, y, w, h| Some(Rectangle::<i32, Buffer>::new((x, y).into(), (w, h).into()));
        let mut view = View { scale: 2, size: (50, 30).into(), ..View::new((100, 60).into()) };
        view.source = Rectangle::from_size(view.uncropped());
        assert_eq!(view.damaged(logical(1, 2, 3, 4)), buffer(2, 4, 6, 8));
        assert_eq!(view.damaged(logical(-5, 25, i32::MAX, i32::MAX)), buffer(0, 50, 100, 10));
        assert_eq!(view.damaged(logical(50, 0, 1, 1)), None);

        // turned by a quarter against the clock: the upper left corner has become the lower left one
        let turned = View { transform: Transform::_90, size: (30, 50).into(), ..view };
        let turned = View { source: Rectangle::from_size(turned.uncropped()), ..turned };
        assert_eq!(turned.damaged(logical(0, 0, 30, 50)), buffer(0, 0, 100, 60));
        assert_eq!(turned.damaged(logical(0, 0, 1, 1)), buffer(0, 58, 2, 2));

        // and enlarged from a part of it
        let source = Rectangle::new((10.0, 10.0).into(), (5.0, 5.0).into());
        let enlarged = View { source, size: (50, 50).into(), ..view };
        assert_eq!(enlarged.damaged(logical(0, 0, 11, 10)), buffer(20, 20, 3, 2));
    }
}

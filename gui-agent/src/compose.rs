//! Drawing a window's layers into one flat image.
//!
//! Every pixel is written once where that is possible: what lies under opaque layers is left out, the lowest layer of a
//! pixel is copied and not blended, and the background appears only where there is no layer at all. It is transparent
//! where the image has alpha and black where not.

use pixman::{Box32, Color, Filter, FormatCode, Image, ImageRef, Operation, Repeat, Solid};
use shm_grant::{ClientImageError, DmabufError, ExportError, LayoutError, PixelFormat};
use smithay::{
    utils::{Buffer, Logical, Physical, Point, Rectangle, Size, Transform},
    wayland::compositor::with_states,
};

use crate::{
    region::Region,
    surface::{self, Layer, OPAQUE, Pixels, Surface},
};

/// Further than any pixel, and near enough to calculate with.
const FAR: f64 = 1e8;

/// Bytes in a pixel.
pub(crate) const PIXEL_BYTES: u32 = 4;

/// Why a window cannot be shown.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ComposeError {
    #[error("pages for the window could not be shared: {0}")]
    Export(#[from] ExportError),
    #[error("the window's pages do not make an image: {0}")]
    Layout(#[from] LayoutError),
    #[error("a client's buffer could not be drawn: {0}")]
    Client(#[from] ClientImageError),
    #[error("a client's dma-buf could not be drawn: {0}")]
    Dmabuf(#[from] DmabufError),
    #[error("out of memory")]
    OutOfMemory,
}

/// Pixels of an image for each logical unit, in 120ths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Density(pub(crate) u32);

impl Density {
    pub(crate) const ONE: Self = Self(120);

    /// The next one to a number.
    pub(crate) fn from_factor(factor: f64) -> Self {
        Self((factor * f64::from(Self::ONE.0)).round() as u32)
    }

    /// As a number.
    pub(crate) fn factor(self) -> f64 {
        f64::from(self.0) / f64::from(Self::ONE.0)
    }

    /// The next whole number.
    pub(crate) fn whole(self) -> i32 {
        i32::try_from(self.0.div_ceil(Self::ONE.0)).unwrap_or(1)
    }

    /// The pixel next to a coordinate.
    fn pixel(self, at: i32) -> i32 {
        let doubled = i64::from(at).saturating_mul(i64::from(self.0)).saturating_mul(2);
        let pixel = doubled.saturating_add(120).div_euclid(240);
        i32::try_from(pixel).unwrap_or(if at < 0 { i32::MIN / 2 } else { i32::MAX / 2 })
    }

    /// The pixels next to a rectangle's edges.
    pub(crate) fn pixels(self, rect: Rectangle<i32, Logical>) -> Rectangle<i32, Physical> {
        let (from, to) = (rect.loc, rect.loc + rect.size.to_point());
        let pixel =
            |at: Point<i32, Logical>| Point::<i32, Physical>::from((self.pixel(at.x), self.pixel(at.y)));
        Rectangle::from_extremities(pixel(from), pixel(to))
    }

    /// Whether so many pixels are what so many units take, of which the last pixel may be a part.
    pub(crate) fn fits(self, units: i32, pixels: i32) -> bool {
        let exact = i64::from(units).saturating_mul(self.0.into());
        let one = i64::from(Self::ONE.0);
        let (least, most) = (exact.div_euclid(one), exact.saturating_add(one - 1).div_euclid(one));
        (least..=most).contains(&pixels.into())
    }

    /// The pixels that so many units take, the last one whole.
    pub(crate) fn pixels_of(self, units: i32) -> i32 {
        let exact = i64::from(units).saturating_mul(self.0.into());
        let pixels = exact.saturating_add(i64::from(Self::ONE.0) - 1).div_euclid(Self::ONE.0.into());
        i32::try_from(pixels).unwrap_or(i32::MAX)
    }

    /// The units, 1 at least, that take this many pixels, or up to a unit less where no number of them does.
    pub(crate) fn units(self, pixels: i32) -> i32 {
        let (pixels, each) = (i64::from(pixels.max(0)), i64::from(self.0.max(1)));
        let one = i64::from(Self::ONE.0);
        let nearest = (pixels * 2 * one + each).div_euclid(2 * each);
        let too_many = (nearest * each).div_euclid(one) > pixels;
        i32::try_from(nearest - i64::from(too_many)).unwrap_or(i32::MAX).max(1)
    }

    /// The unit next to a pixel.
    pub(crate) fn unit(self, at: i32) -> i32 {
        let (one, each) = (i64::from(Self::ONE.0), i64::from(self.0.max(1)));
        let unit = (i64::from(at) * 2 * one + each).div_euclid(2 * each);
        i32::try_from(unit).unwrap_or(if at < 0 { i32::MIN / 2 } else { i32::MAX / 2 })
    }

    /// The size of an image of something of this size.
    pub(crate) fn size(self, size: Size<i32, Logical>) -> Size<i32, Physical> {
        (self.pixel(size.w).max(1), self.pixel(size.h).max(1)).into()
    }
}

/// How a layer's buffer becomes pixels of the window's image.
#[derive(Debug, Clone, PartialEq)]
enum Sampling {
    /// One to one; the image's pixel lies in the buffer this much further.
    Plain(Point<i32, Physical>),
    /// By an affine map from the image to the buffer.
    Mapped { across: (f64, f64), down: (f64, f64), corner: (f64, f64) },
}

/// A layer where it lies in the window's image.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) layer: Layer,
    /// All of it, whether within the image or not.
    place: Rectangle<i32, Physical>,
    sampling: Sampling,
    opaque: Region<Physical>,
}

impl Placed {
    /// Places a layer in the image of the part of the window that begins at `origin`, both from the root's corner.
    pub(crate) fn new(layer: Layer, origin: Point<i32, Logical>, density: Density) -> Self {
        let area = layer.area();
        let mut place = density.pixels(Rectangle::new(area.loc - origin, area.size));
        let exact = layer.view.exact_size(density);
        place.size = exact.unwrap_or(place.size);
        let sampling = sampling(&layer, place);
        let mut opaque = Region::default();
        for rect in layer.opaque.rects() {
            let rect = Rectangle::new(rect.loc + area.loc - origin, rect.size);
            opaque.add_exactly(density.pixels(rect));
        }
        if exact.is_some() && layer.is_opaque() {
            opaque = place.into();
        }
        Self { layer, place, sampling, opaque }
    }

    /// All of it, whether within the image or not.
    pub(crate) fn place(&self) -> Rectangle<i32, Physical> {
        self.place
    }

    /// Whether an image of `size` has every pixel of the buffer as it is.
    pub(crate) fn is_whole_in(&self, size: Size<i32, Physical>) -> bool {
        matches!(self.sampling, Sampling::Plain(_))
            && self.layer.view.shows_all()
            && self.layer.view.opacity == OPAQUE
            && Rectangle::from_size(size).contains_rect(self.place)
    }

    pub(crate) fn opaque(&self) -> &Region<Physical> {
        &self.opaque
    }

    /// The pixels of the image that change with these of the buffer.
    pub(crate) fn damage(&self, damage: &Region<Buffer>) -> Region<Physical> {
        let mut changed = Region::default();
        for rect in damage.rects() {
            changed.add(self.changed_by(rect));
        }
        changed.within(self.place)
    }

    fn changed_by(&self, rect: Rectangle<i32, Buffer>) -> Rectangle<i32, Physical> {
        let Sampling::Mapped { across, down, corner } = self.sampling else {
            let Sampling::Plain(offset) = self.sampling else { return self.place };
            return Rectangle::new(
                Point::from((rect.loc.x, rect.loc.y)) - offset,
                (rect.size.w, rect.size.h).into(),
            );
        };
        let determinant = across.0 * down.1 - across.1 * down.0;
        if determinant == 0.0 {
            return self.place;
        }
        // a pixel may be made of its neighbours, on either side of the map
        let (left, top) = (f64::from(rect.loc.x) - 1.0, f64::from(rect.loc.y) - 1.0);
        let (right, bottom) = (left + f64::from(rect.size.w) + 2.0, top + f64::from(rect.size.h) + 2.0);
        let image = |(x, y): (f64, f64)| {
            let (x, y) = (x - corner.0, y - corner.1);
            ((x * down.1 - y * down.0) / determinant, (y * across.0 - x * across.1) / determinant)
        };
        let (a, b) = (image((left, top)), image((right, bottom)));
        // of a source of next to nothing, a pixel more is far beyond any image
        let pixel = |at: f64| at.clamp(-FAR, FAR) as i32;
        let from = (pixel((a.0.min(b.0) - 1.0).floor()), pixel((a.1.min(b.1) - 1.0).floor()));
        let to = (pixel((a.0.max(b.0) + 1.0).ceil()), pixel((a.1.max(b.1) + 1.0).ceil()));
        Rectangle::from_extremities(from, to)
    }
}

fn sampling(layer: &Layer, place: Rectangle<i32, Physical>) -> Sampling {
    let view = &layer.view;
    let size = view.size.to_f64();
    let corner = view.in_buffer((0.0, 0.0).into());
    let (right, bottom) = (view.in_buffer((size.w, 0.0).into()), view.in_buffer((0.0, size.h).into()));
    // the buffer's extent must be the place's, and lie on whole pixels
    let whole = |it: f64| it.fract() == 0.0;
    let plain = view.transform == Transform::Normal
        && whole(corner.x)
        && whole(corner.y)
        && right.x - corner.x == f64::from(place.size.w)
        && bottom.y - corner.y == f64::from(place.size.h);
    if plain {
        return Sampling::Plain(Point::from((corner.x as i32, corner.y as i32)) - place.loc);
    }
    let (width, height) = (f64::from(place.size.w.max(1)), f64::from(place.size.h.max(1)));
    let across = ((right.x - corner.x) / width, (right.y - corner.y) / width);
    let down = ((bottom.x - corner.x) / height, (bottom.y - corner.y) / height);
    let (x, y) = (f64::from(place.loc.x), f64::from(place.loc.y));
    let corner = (corner.x - across.0 * x - down.0 * y, corner.y - across.1 * x - down.1 * y);
    Sampling::Mapped { across, down, corner }
}

/// An image being drawn. Its first pixel is the window's pixel `origin`.
pub(crate) struct Canvas<'a> {
    pub(crate) image: &'a mut Image<'static, 'static>,
    pub(crate) origin: Point<i32, Physical>,
    /// Bytes written so far.
    pub(crate) written: &'a mut u64,
}

/// Draws the pixels of `region` of a window, which must lie within the image. `last` has the pixels of a surface that has
/// none of its own any more, if that is another image.
///
/// # Errors
///
/// The first layer that could not be drawn; the others are.
pub(crate) fn draw(
    canvas: &mut Canvas<'_>,
    layers: &[Placed],
    region: &Region<Physical>,
    last: Option<&Image<'static, 'static>>,
) -> Result<(), ComposeError> {
    let mut open = region.clone();
    let mut shares = Vec::with_capacity(layers.len());
    for placed in layers.iter().rev() {
        let share = open.within(placed.place);
        open = open.without(&share.common(&placed.opaque));
        shares.push(share);
    }
    let mut result = Ok(());
    let mut drawn = Region::default();
    for (placed, share) in layers.iter().zip(shares.into_iter().rev()) {
        let (first, over) = (share.without(&drawn), share.common(&drawn));
        let outcome = canvas.draw_layer(placed, &first, &over, last);
        result = result.and(outcome);
        drawn.join(&share);
    }
    canvas.clear(&open.without(&drawn));
    result
}

/// Whether some pixel of `region` is made of more than one layer.
pub(crate) fn blends(layers: &[Placed], region: &Region<Physical>) -> bool {
    let mut open = region.clone();
    let mut seen = Region::default();
    for placed in layers.iter().rev() {
        let share = open.within(placed.place);
        if !share.common(&seen).is_empty() {
            return true;
        }
        open = open.without(&share.common(&placed.opaque));
        seen.join(&share.without(&placed.opaque));
    }
    false
}

impl Canvas<'_> {
    fn draw_layer(
        &mut self,
        placed: &Placed,
        first: &Region<Physical>,
        over: &Region<Physical>,
        last: Option<&Image<'static, 'static>>,
    ) -> Result<(), ComposeError> {
        if first.is_empty() && over.is_empty() {
            return Ok(());
        }
        with_states(&placed.layer.surface, |states| {
            let mut surface = Surface::of(states);
            let Some(content) = &mut surface.content else { return Ok(()) };
            if matches!(content.pixels, Pixels::Window) {
                last.into_iter().for_each(|last| self.copy(last, first));
                return Ok(());
            }
            surface::read(&mut content.pixels, |image| {
                placed.sampling.apply_to(image);
                self.composite(Operation::Src, image, placed, first);
                self.composite(Operation::Over, image, placed, over);
            })?;
            Ok(())
        })
    }

    fn composite(
        &mut self,
        operation: Operation,
        source: &Image<'_, 'static>,
        placed: &Placed,
        region: &Region<Physical>,
    ) {
        let offset = match placed.sampling {
            Sampling::Plain(offset) => offset,
            // the map does it
            Sampling::Mapped { .. } => Point::default(),
        };
        let opacity = placed.layer.view.opacity;
        // fails without memory only; the layer is then seen as if it were opaque
        let mask = (opacity != OPAQUE).then(|| Solid::new(Color::new(0, 0, 0, opacity)).ok()).flatten();
        for rect in region.rects() {
            self.put(operation, source, mask.as_deref(), rect, rect.loc + offset);
        }
    }

    /// Copies pixels from another image of the same window.
    pub(crate) fn copy(&mut self, from: &Image<'static, 'static>, region: &Region<Physical>) {
        self.copy_from(from, Point::default(), region);
    }

    /// The same from an image whose first pixel is the window's pixel `origin`.
    pub(crate) fn copy_from(
        &mut self,
        from: &Image<'static, 'static>,
        origin: Point<i32, Physical>,
        region: &Region<Physical>,
    ) {
        for rect in region.rects() {
            self.put(Operation::Src, from, None, rect, rect.loc - origin);
        }
    }

    fn put(
        &mut self,
        operation: Operation,
        source: &Image<'_, 'static>,
        mask: Option<&ImageRef>,
        rect: Rectangle<i32, Physical>,
        from: Point<i32, Physical>,
    ) {
        let to = rect.loc - self.origin;
        self.image.composite32(
            operation,
            source,
            mask,
            (from.x, from.y),
            (0, 0),
            (to.x, to.y),
            (rect.size.w, rect.size.h),
        );
        self.count(rect);
    }

    fn clear(&mut self, region: &Region<Physical>) {
        if region.is_empty() {
            return;
        }
        let boxes = region.rects().map(|rect| {
            let (from, to) = (rect.loc - self.origin, rect.loc + rect.size.to_point() - self.origin);
            Box32 { x1: from.x, y1: from.y, x2: to.x, y2: to.y }
        });
        let boxes = boxes.collect::<Vec<_>>();
        // fails without memory only, and then there are worse troubles
        let _ = self.image.fill_boxes(Operation::Src, Color::new(0, 0, 0, 0), &boxes);
        region.rects().for_each(|rect| self.count(rect));
    }

    fn count(&mut self, rect: Rectangle<i32, Physical>) {
        let pixels = u64::from(rect.size.w.unsigned_abs()).saturating_mul(rect.size.h.unsigned_abs().into());
        *self.written = self.written.saturating_add(pixels.saturating_mul(PIXEL_BYTES.into()));
    }
}

impl Sampling {
    fn apply_to(&self, image: &mut Image<'_, 'static>) {
        let Self::Mapped { across, down, corner } = *self else {
            // a copy that was kept may have been scaled before
            let _ = image.clear_transform();
            return;
        };
        let matrix = [[across.0, down.0, corner.0], [across.1, down.1, corner.1], [0.0, 0.0, 1.0]];
        // Enlarged, pixels stay pixels, as most clients that use viewports expect of a plain colour; reduced, none is
        // left out.
        let reduces = across.0.hypot(across.1) > 1.0 || down.0.hypot(down.1) > 1.0;
        let filter = if reduces { Filter::Bilinear } else { Filter::Nearest };
        // these fail without memory only; the picture is then wrong and nothing else
        let _ = image.set_transform(pixman::Transform::new(matrix));
        let _ = image.set_filter(filter, &[]);
        image.set_repeat(Repeat::Pad);
    }
}

/// An image of its own memory.
pub(crate) fn new_image(
    size: Size<i32, Physical>,
    format: PixelFormat,
) -> Result<Image<'static, 'static>, ComposeError> {
    let format = match format {
        PixelFormat::Xrgb8888 => FormatCode::X8R8G8B8,
        PixelFormat::Argb8888 => FormatCode::A8R8G8B8,
    };
    let side = |it: i32| usize::try_from(it).unwrap_or(0);
    Image::new(format, side(size.w), side(size.h), false).map_err(|_| ComposeError::OutOfMemory)
}

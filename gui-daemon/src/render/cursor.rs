//! The pointer, for screens where nobody else draws it: one of our own shapes, an image, or a surface.
//!
//! Invariant: whatever a client or a domain gives for an image, what is drawn is no larger than [`SHARE`] of the
//! screen's height, and its hot spot lies in it: a pointer can neither cover the desktop nor point at what it does not
//! touch.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::{element::Id, utils::CommitCounter},
    },
    input::pointer::CursorIcon,
    reexports::wayland_server::protocol::wl_surface::WlSurface,
};
use tiny_skia::{FilterQuality, Pixmap, PixmapPaint, PixmapRef, Transform};

use super::{
    elements::{Area, Damage, Mapping, Pixels},
    frame::upload,
    painter::Painter,
    scaled::Placing,
    shapes,
};
use crate::{
    scale::Scale,
    shell::geom::{Edges, Point, Rect},
};

/// The longest side of a cursor's image, in pixels.
pub const MAX_CURSOR_SIDE: u32 = 256;
/// A pointer's image is at most this part of the screen's height high and wide; larger ones are shrunk.
pub const SHARE: i32 = 8;

/// What the pointer looks like.
#[derive(Clone, Debug, PartialEq)]
pub enum CursorLook {
    /// Nothing at all.
    Hidden,
    /// One of the shapes that are known by name.
    Shape(CursorIcon),
    /// A picture.
    Image(CursorImage),
    /// A surface of one of dom0's own clients.
    Surface {
        /// The surface.
        surface: WlSurface,
        /// The point of it that points.
        hotspot: Point,
    },
}

impl Default for CursorLook {
    fn default() -> Self {
        Self::Shape(CursorIcon::Default)
    }
}

/// A picture for the pointer.
#[derive(Clone, Debug, PartialEq)]
pub struct CursorImage {
    /// Told apart by this number: no two images of one daemon have the same.
    serial: u64,
    width: i32,
    height: i32,
    hotspot: Point,
    /// Its pixels for a logical one.
    scale: Scale,
    /// Premultiplied RGBA.
    pixels: Arc<[u8]>,
}

impl CursorImage {
    /// A picture of premultiplied ARGB pixels, little-endian, of which `scale` make one logical pixel, and the pixel of
    /// it that points. Colours brighter than their alpha are taken down to it. `None` for a side that is not 1 to
    /// [`MAX_CURSOR_SIDE`], pixels that are not exactly that many, or a hot spot outside.
    pub fn new(
        (width, height): (u32, u32),
        (hot_x, hot_y): (i32, i32),
        scale: Scale,
        pixels: &[u8],
    ) -> Option<Self> {
        static SERIAL: AtomicU64 = AtomicU64::new(1);
        let hotspot = Point::new(hot_x, hot_y);
        let (width, height) = (side(width)?, side(height)?);
        let inside = Rect::new(0, 0, width, height).contains(hotspot);
        let right_length = i64::try_from(pixels.len()) == Ok(i64::from(width) * i64::from(height) * 4);
        if !inside || !right_length {
            return None;
        }
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        Some(Self { serial, width, height, hotspot, scale, pixels: premultiplied(pixels).into() })
    }
}

/// A side of an image, if it is one.
fn side(pixels: u32) -> Option<i32> {
    i32::try_from(pixels).ok().filter(|_| (1..=MAX_CURSOR_SIDE).contains(&pixels))
}

/// Little-endian ARGB as RGBA bytes in which no colour is brighter than its alpha allows: others would shine over what
/// they are drawn on.
pub(super) fn premultiplied(argb: &[u8]) -> Vec<u8> {
    let clamped = argb.chunks_exact(4).flat_map(|pixel| match *pixel {
        [blue, green, red, alpha] => [red.min(alpha), green.min(alpha), blue.min(alpha), alpha],
        _ => [0; 4],
    });
    clamped.collect()
}

/// The shape for a glyph of X's cursor font, by its number there (`XC_xterm` is 152); the arrow for those that have no
/// counterpart.
pub fn icon_of_x_font(glyph: u32) -> CursorIcon {
    match glyph {
        24 => CursorIcon::NotAllowed,
        30 | 34 | 130 => CursorIcon::Crosshair,
        90 => CursorIcon::Cell,
        92 => CursorIcon::Help,
        150 => CursorIcon::Wait,
        152 => CursorIcon::Text,
        58 | 60 => CursorIcon::Pointer,
        52 => CursorIcon::Move,
        70 | 96 | 108 | 110 | 112 => CursorIcon::EwResize,
        16 | 138 | 106 | 114 | 116 => CursorIcon::NsResize,
        14 | 134 => CursorIcon::NwseResize,
        12 | 136 => CursorIcon::NeswResize,
        _ => CursorIcon::Default,
    }
}

/// The shape of this number in `wp_cursor_shape_device_v1`, versions 1 and 2.
pub fn icon_of_shape(number: u32) -> Option<CursorIcon> {
    use CursorIcon as I;
    const SHAPES: [CursorIcon; 36] = [
        I::Default,
        I::ContextMenu,
        I::Help,
        I::Pointer,
        I::Progress,
        I::Wait,
        I::Cell,
        I::Crosshair,
        I::Text,
        I::VerticalText,
        I::Alias,
        I::Copy,
        I::Move,
        I::NoDrop,
        I::NotAllowed,
        I::Grab,
        I::Grabbing,
        I::EResize,
        I::NResize,
        I::NeResize,
        I::NwResize,
        I::SResize,
        I::SeResize,
        I::SwResize,
        I::WResize,
        I::EwResize,
        I::NsResize,
        I::NeswResize,
        I::NwseResize,
        I::ColResize,
        I::RowResize,
        I::AllScroll,
        I::ZoomIn,
        I::ZoomOut,
        I::DndAsk,
        I::AllResize,
    ];
    SHAPES.get(usize::try_from(number.checked_sub(1)?).ok()?).copied()
}

/// The shape for pulling at these edges.
pub fn resize_icon(edges: Edges) -> CursorIcon {
    match (edges.left, edges.right, edges.top, edges.bottom) {
        (true, _, true, _) | (_, true, _, true) => CursorIcon::NwseResize,
        (true, _, _, true) | (_, true, true, _) => CursorIcon::NeswResize,
        (true, ..) | (_, true, ..) => CursorIcon::EwResize,
        (_, _, true, _) | (.., true) => CursorIcon::NsResize,
        _ => CursorIcon::Default,
    }
}

/// The pointer.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    /// What it looks like.
    pub look: CursorLook,
    /// The pixel it points at.
    pub position: Point,
}

/// The pointer by itself, as a screen lays it over the frame.
#[derive(Debug, PartialEq)]
pub struct PointerPicture {
    width: usize,
    /// Premultiplied ARGB in native byte order.
    pixels: Vec<u32>,
}

impl PointerPicture {
    fn new(pixmap: &Pixmap) -> Self {
        let pixels = pixmap
            .pixels()
            .iter()
            .map(|pixel| u32::from_be_bytes([pixel.alpha(), pixel.red(), pixel.green(), pixel.blue()]));
        Self { width: pixmap.width() as usize, pixels: pixels.collect() }
    }

    /// Puts it into the top left corner of an image whose rows begin `stride` pixels apart, and makes the rest transparent.
    /// What has no room is left out.
    pub fn lay_into(&self, image: &mut [u32], stride: usize) {
        image.fill(0);
        let rows = self.pixels.chunks_exact(self.width.max(1));
        for (row, into) in rows.zip(image.chunks_exact_mut(stride.max(1))) {
            row.iter().zip(into).for_each(|(pixel, into)| *into = *pixel);
        }
    }
}

/// Which image, and the size it is drawn at.
type ImageKey = (u64, (i32, i32));

/// The shapes drawn so far, and the image shown last.
#[derive(Debug)]
pub(super) struct CursorImages<T> {
    id: Id,
    commit: CommitCounter,
    shown: Option<CursorLook>,
    shapes: HashMap<(CursorIcon, i32), T>,
    image: Option<(ImageKey, T)>,
    /// What is laid over the frame, and its size in it.
    laid: Option<(CursorLook, (i32, i32), Arc<PointerPicture>)>,
}

impl<T> Default for CursorImages<T> {
    fn default() -> Self {
        Self {
            id: Id::new(),
            commit: CommitCounter::default(),
            shown: None,
            shapes: HashMap::new(),
            image: None,
            laid: None,
        }
    }
}

impl<T: Clone> CursorImages<T> {
    /// The pointer on a screen of `height` pixels, unless it is hidden or a surface.
    pub(super) fn element<R: Painter<TextureId = T>>(
        &mut self,
        cursor: &Cursor,
        height: i32,
        mapping: Mapping,
        renderer: &mut R,
    ) -> Result<Option<Pixels<T>>, R::Error> {
        let drawn = match &cursor.look {
            CursorLook::Hidden | CursorLook::Surface { .. } => None,
            CursorLook::Shape(icon) => self.shape(*icon, mapping, renderer)?,
            CursorLook::Image(image) => self.image(image, height, mapping, renderer)?,
        };
        if self.shown.as_ref() != Some(&cursor.look) {
            self.shown = Some(cursor.look.clone());
            self.commit.increment();
        }
        let position = mapping.point(cursor.position);
        Ok(drawn.map(|Drawn { texture, size, hotspot }| {
            let corner = (position.x - hotspot.0, position.y - hotspot.1);
            let geometry = Area::new(corner.into(), size.into());
            let placing = Placing { source: Rect::new(0, 0, size.0, size.1), target: geometry };
            let (id, commit) = (self.id.clone(), self.commit);
            Pixels { id, commit, damage: Damage::Whole, texture, placing, geometry, opaque: Vec::new() }
        }))
    }

    /// The pointer by itself and the place of its corner, in the screen's pixels, unless it is hidden, a surface, or larger
    /// than `most`. The same picture comes again as long as nothing about it changes.
    pub(super) fn picture(
        &mut self,
        cursor: &Cursor,
        height: i32,
        mapping: Mapping,
        most: (u32, u32),
    ) -> Option<(Arc<PointerPicture>, (i32, i32))> {
        let Sketch { size, hotspot } = match &cursor.look {
            CursorLook::Hidden | CursorLook::Surface { .. } => return None,
            CursorLook::Shape(icon) => Sketch::of_shape(*icon, mapping),
            CursorLook::Image(image) => Sketch::of_image(image, height, mapping),
        };
        if size.0.unsigned_abs() > most.0 || size.1.unsigned_abs() > most.1 {
            return None;
        }
        let position = mapping.point(cursor.position);
        let corner = (position.x - hotspot.0, position.y - hotspot.1);
        if let Some((look, laid, picture)) = &self.laid
            && (look, *laid) == (&cursor.look, size)
        {
            return Some((Arc::clone(picture), corner));
        }
        let pixmap = match &cursor.look {
            CursorLook::Shape(icon) => draw_shape(*icon, size.0, mapping)?,
            CursorLook::Image(image) => image.at_size(size)?,
            CursorLook::Hidden | CursorLook::Surface { .. } => return None,
        };
        let picture = Arc::new(PointerPicture::new(&pixmap));
        self.laid = Some((cursor.look.clone(), size, Arc::clone(&picture)));
        Some((picture, corner))
    }

    fn shape<R: Painter<TextureId = T>>(
        &mut self,
        icon: CursorIcon,
        mapping: Mapping,
        renderer: &mut R,
    ) -> Result<Option<Drawn<T>>, R::Error> {
        let Sketch { size, hotspot } = Sketch::of_shape(icon, mapping);
        let texture = match self.shapes.get(&(icon, size.0)) {
            Some(texture) => texture.clone(),
            None => {
                let Some(pixmap) = draw_shape(icon, size.0, mapping) else { return Ok(None) };
                let texture = upload(renderer, &pixmap, Fourcc::Abgr8888)?;
                self.shapes.insert((icon, size.0), texture.clone());
                texture
            }
        };
        Ok(Some(Drawn { texture, size, hotspot }))
    }

    fn image<R: Painter<TextureId = T>>(
        &mut self,
        image: &CursorImage,
        height: i32,
        mapping: Mapping,
        renderer: &mut R,
    ) -> Result<Option<Drawn<T>>, R::Error> {
        let Sketch { size, hotspot } = Sketch::of_image(image, height, mapping);
        let texture = match &self.image {
            Some((shown, texture)) if *shown == (image.serial, size) => texture.clone(),
            _ => {
                let Some(pixmap) = image.at_size(size) else { return Ok(None) };
                let texture = upload(renderer, &pixmap, Fourcc::Abgr8888)?;
                self.image = Some(((image.serial, size), texture.clone()));
                texture
            }
        };
        Ok(Some(Drawn { texture, size, hotspot }))
    }
}

/// How large a picture is on a screen, and the pixel of it that points.
struct Sketch {
    size: (i32, i32),
    hotspot: (i32, i32),
}

impl Sketch {
    fn of_shape(icon: CursorIcon, mapping: Mapping) -> Self {
        let (_, hotspot) = shapes::drawing(icon);
        let side = mapping.length(shapes::SIDE);
        let hotspot = (mapping.scale.physical(hotspot.x), mapping.scale.physical(hotspot.y));
        Self { size: (side, side), hotspot }
    }

    /// On a screen of `height` pixels.
    fn of_image(image: &CursorImage, height: i32, mapping: Mapping) -> Self {
        let wanted = mapping.scale.as_f64() / image.scale.as_f64();
        let most = f64::from((height / SHARE).max(1)) / f64::from(image.width.max(image.height));
        let factor = wanted.min(most);
        let scaled = |length: i32| f64::from(length) * factor;
        let length = |length: i32| (scaled(length).round() as i32).max(1);
        let size = (length(image.width), length(image.height));
        let hot = |at: i32, length: i32| (scaled(at).floor() as i32).min(length - 1);
        Self { size, hotspot: (hot(image.hotspot.x, size.0), hot(image.hotspot.y, size.1)) }
    }
}

fn draw_shape(icon: CursorIcon, side: i32, mapping: Mapping) -> Option<Pixmap> {
    let (paths, _) = shapes::drawing(icon);
    shapes::draw(&paths, side, mapping.scale.as_f64() as f32)
}

impl CursorImage {
    fn at_size(&self, (width, height): (i32, i32)) -> Option<Pixmap> {
        let whole =
            PixmapRef::from_bytes(&self.pixels, self.width.unsigned_abs(), self.height.unsigned_abs())?;
        scaled(whole, (width.unsigned_abs(), height.unsigned_abs()))
    }
}

/// A picture at another size, with soft edges.
pub(super) fn scaled(picture: PixmapRef<'_>, (width, height): (u32, u32)) -> Option<Pixmap> {
    let mut pixmap = Pixmap::new(width, height)?;
    let (across, down) = (width as f32 / picture.width() as f32, height as f32 / picture.height() as f32);
    let same = (width, height) == (picture.width(), picture.height());
    let quality = if same { FilterQuality::Nearest } else { FilterQuality::Bilinear };
    let paint = PixmapPaint { quality, ..PixmapPaint::default() };
    pixmap.draw_pixmap(0, 0, picture, &paint, Transform::from_scale(across, down), None);
    Some(pixmap)
}

/// A picture, and the pixel of it that points.
struct Drawn<T> {
    texture: T,
    size: (i32, i32),
    hotspot: (i32, i32),
}

#[cfg(test)]
mod tests {
    use smithay::backend::renderer::pixman::PixmanTexture;

    use super::*;

    #[test]
    fn images_out_of_bounds_are_none() {
        let image = |width: u32, height: u32, hot| {
            let length = u64::from(width).saturating_mul(height.into()).saturating_mul(4).min(1 << 20);
            CursorImage::new((width, height), hot, Scale::ONE, &vec![0; length as usize])
        };
        assert!(image(1, 1, (0, 0)).is_some() && image(256, 256, (255, 255)).is_some());
        for (width, height) in [(0, 1), (1, 0), (257, 1), (1, 257), (u32::MAX, u32::MAX)] {
            assert_eq!(image(width, height, (0, 0)), None, "{width}x{height}");
        }
        for hot in [(-1, 0), (0, -1), (16, 0), (0, 16), (i32::MIN, i32::MAX)] {
            assert_eq!(image(16, 16, hot), None, "{hot:?}");
        }
        for length in [0, 4 * 15, 4 * 17] {
            assert_eq!(CursorImage::new((4, 4), (0, 0), Scale::ONE, &vec![0; length]), None, "{length}");
        }
    }

    #[test]
    fn a_laid_picture_has_its_corner_at_the_hot_spot_and_is_made_once() {
        let mut images = CursorImages::<PixmanTexture>::default();
        let mapping = Mapping { scale: Scale::from_number(2.0).unwrap(), origin: Point::new(100, 0) };
        // Blue, green, red, alpha.
        let pixels: Vec<u8> = [[0, 0, 80, 80], [0, 60, 0, 255], [9, 0, 0, 9], [0; 4]].concat();
        let image = CursorImage::new((2, 2), (1, 0), Scale::from_number(2.0).unwrap(), &pixels).unwrap();
        let look = CursorLook::Image(image);
        let mut laid = |x, most| {
            let cursor = Cursor { look: look.clone(), position: Point::new(x, 7) };
            images.picture(&cursor, 800, mapping, (most, most))
        };
        let (picture, corner) = laid(110, 64).unwrap();
        assert_eq!(
            (picture.pixels.as_slice(), corner),
            (&[0x5050_0000, 0xff00_3c00, 0x0900_0009, 0][..], (19, 14))
        );
        let (again, moved) = laid(90, 64).unwrap();
        assert!(Arc::ptr_eq(&picture, &again));
        assert_eq!(moved, (-21, 14));
        assert_eq!(laid(110, 1), None, "no room");
        let mut image = [7; 6];
        picture.lay_into(&mut image, 3);
        assert_eq!(image, [0x5050_0000, 0xff00_3c00, 0, 0x0900_0009, 0, 0]);
    }

    #[test]
    fn no_colour_is_brighter_than_its_alpha() {
        assert_eq!(premultiplied(&[255, 1, 90, 80, 3, 2, 1, 0]), [80, 1, 80, 80, 0, 0, 0, 0]);
    }

    #[test]
    fn every_shape_has_its_number() {
        assert_eq!((icon_of_shape(0), icon_of_shape(37)), (None, None));
        let all: std::collections::HashSet<_> = (1..=36).filter_map(icon_of_shape).collect();
        assert_eq!(all.len(), 36);
        assert_eq!(icon_of_shape(9), Some(CursorIcon::Text));
        assert_eq!(icon_of_shape(26), Some(CursorIcon::EwResize));
    }
}

//! The renderers that scenes are drawn with: pixman's on the CPU, and OpenGL ES on a GPU.
//!
//! What holds of the second: the driver reads no memory that a domain writes. What a domain's commit changed is copied once,
//! through memory of the daemon's own, to a texture that is the window's; what the domain does to its pages afterwards
//! is not seen.

use std::{fmt, rc::Rc};

use pixman::{FormatCode, Image, Operation};
use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::{
            Bind, ExportMem as _, ImportAll, ImportMem, RendererSuper,
            gles::{GlesRenderer, GlesTexture},
            pixman::{PixmanRenderer, PixmanTexture},
            utils::CommitCounter,
        },
    },
    utils::{Buffer, Rectangle},
};

use super::{GuestImage, RenderError, canvas::composited};
use crate::shell::geom::{Point, Rect, Size};

/// A renderer that scenes are drawn with.
pub(super) trait Painter:
    ImportAll
    + ImportMem
    + Bind<Self::Board>
    + RendererSuper<TextureId: Clone + 'static, Error: Into<RenderError> + 'static>
{
    /// What is drawn on.
    type Board;

    /// The texture for a domain's image, as of its last commit.
    fn guest(
        &mut self,
        image: &GuestImage,
        copied: &mut Option<Copied<Self::TextureId>>,
        staging: &mut Vec<u32>,
    ) -> Result<Self::TextureId, RenderError>;
}

/// The texture that a domain's image was copied to.
#[derive(Debug)]
pub(super) struct Copied<T> {
    texture: T,
    size: Size,
    /// Up to which commit.
    commit: CommitCounter,
}

/// The pixels of a domain's buffer, where the domain writes them.
#[derive(Clone)]
pub struct GuestPixels {
    texture: PixmanTexture,
    image: Rc<Image<'static, 'static>>,
}

impl GuestPixels {
    /// Those of an image, which is asked for twice: pixman's renderer keeps the one it draws from to itself.
    ///
    /// # Errors
    /// What `image` says.
    pub fn new<E>(image: impl Fn() -> Result<Image<'static, 'static>, E>) -> Result<Self, E> {
        Ok(Self { texture: PixmanTexture::from(image()?), image: Rc::new(image()?) })
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> Size {
        // An image has at most 2^15 pixels on a side.
        let side = |length: usize| i32::try_from(length).unwrap_or_default();
        Size::new(side(self.image.width()), side(self.image.height()))
    }

    /// Copies these rectangles of them to the same places in `into`, an image of their size that has no padding, with the
    /// opacity they are shown with.
    fn copy(&self, rects: &[Rect], into: &mut [u32]) -> Result<(), RenderError> {
        let mut copy = composited(FormatCode::A8R8G8B8, into, self.size())?;
        for Rect { x, y, width, height } in rects.iter().copied() {
            copy.composite32(Operation::Src, &self.image, None, (x, y), (0, 0), (x, y), (width, height));
        }
        Ok(())
    }
}

impl fmt::Debug for GuestPixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuestPixels").field("size", &self.size()).finish_non_exhaustive()
    }
}

impl Painter for PixmanRenderer {
    type Board = Image<'static, 'static>;

    fn guest(
        &mut self,
        image: &GuestImage,
        _copied: &mut Option<Copied<PixmanTexture>>,
        _staging: &mut Vec<u32>,
    ) -> Result<PixmanTexture, RenderError> {
        Ok(image.pixels().texture.clone())
    }
}

impl Painter for GlesRenderer {
    type Board = GlesTexture;

    fn guest(
        &mut self,
        image: &GuestImage,
        copied: &mut Option<Copied<GlesTexture>>,
        staging: &mut Vec<u32>,
    ) -> Result<GlesTexture, RenderError> {
        let size = image.size();
        let before = copied.take().filter(|copied| copied.size == size);
        let changed = image.changed_since(before.as_ref().map(|copied| copied.commit));
        if !changed.is_empty() || before.is_none() {
            let length = usize::try_from(Rect::at(Point::default(), size).area()).unwrap_or_default();
            if staging.len() < length {
                staging.resize(length, 0);
            }
            let staging = staging.get_mut(..length).unwrap_or_default();
            image.pixels().copy(&changed, staging)?;
        }
        let bytes = zerocopy::IntoBytes::as_bytes(staging.as_slice());
        let texture = match before {
            Some(Copied { texture, .. }) => {
                for rect in changed {
                    let Rect { x, y, width, height } = rect;
                    let region: Rectangle<i32, Buffer> =
                        Rectangle::new((x, y).into(), (width, height).into());
                    self.update_memory(&texture, bytes, region)?;
                }
                texture
            }
            None => {
                let texture =
                    self.import_memory(bytes, Fourcc::Argb8888, (size.width, size.height).into(), false)?;
                // The driver is silent about a texture that is too large for it.
                if !self.can_read_texture(&texture)? {
                    return Err(RenderError::Texture(size));
                }
                texture
            }
        };
        *copied = Some(Copied { texture: texture.clone(), size, commit: image.commit() });
        Ok(texture)
    }
}

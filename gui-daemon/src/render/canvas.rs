//! The framebuffer, and bringing it up to date.

use std::{fmt, sync::Arc};

use pixman::{FormatCode, Image, Operation};
use smithay::{
    backend::{
        allocator::{Fourcc, dmabuf::Dmabuf},
        renderer::{
            Bind as _, Color32F, ExportMem as _, Frame as _, Offscreen as _, Renderer as _, Texture as _,
            gles::{GlesError, GlesRenderer, GlesTexture},
            pixman::{PixmanError, PixmanRenderer},
        },
    },
    output::OutputNoMode,
    utils::{Physical, Rectangle, Transform},
};
use transom_gpu::GpuError;

use super::{
    Scene, View,
    cursor::{Cursor, PointerPicture},
    elements::{Area, Mapping},
    sheet::Sheet,
    text::Text,
};
use crate::{
    scale::Scale,
    shell::geom::{Point, Rect, Size},
};

/// The largest framebuffer, in pixels on each side; keeps every product of coordinates within 32 bits.
const MAX_SIDE: i32 = 16384;
/// The longest row of an image that is copied to, in pixels; a device may pad the longest framebuffer's to that.
const MAX_STRIDE: usize = 2 * MAX_SIDE as usize;

/// A screen's worth of pixels, kept in step with a [`Scene`].
///
/// Pixels are 32-bit words `0xrrggbb` below an unused byte (`XRGB8888`); rectangles of it are in buffer coordinates, pixels from its top
/// left corner.
pub struct Canvas(Painting);

/// Who draws, and on what.
enum Painting {
    Cpu(Box<Sheet<PixmanRenderer>>),
    Gpu(Box<Sheet<GlesRenderer>>),
}

/// Does the same with either.
macro_rules! on_sheet {
    ($painting:expr, $sheet:ident => $done:expr) => {
        match $painting {
            Painting::Cpu($sheet) => $done,
            Painting::Gpu($sheet) => $done,
        }
    };
}

impl fmt::Debug for Canvas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canvas")
            .field("size", &self.size())
            .field("scale", &self.mapping().scale)
            .field("gpu", &self.is_on_gpu())
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
        let sheet = Sheet::new(PixmanRenderer::new()?, framebuffer, size, scale, text);
        Ok(Self(Painting::Cpu(Box::new(sheet))))
    }

    /// The same in the memory of a GPU, which draws it.
    ///
    /// # Errors
    /// As of [`Canvas::new`]; [`RenderError::Gles`] for a size that the GPU does not draw to.
    pub fn on_gpu(
        mut renderer: GlesRenderer,
        size: Size,
        scale: Scale,
        text: Text,
    ) -> Result<Self, RenderError> {
        let sides = side(size.width).and(side(size.height));
        sides.ok_or(RenderError::Framebuffer { size })?;
        let mut board: GlesTexture =
            renderer.create_buffer(Fourcc::Argb8888, (size.width, size.height).into())?;
        let whole = Rectangle::from_size((size.width, size.height).into());
        let mut target = renderer.bind(&mut board)?;
        let mut frame = renderer.render(&mut target, whole.size, Transform::Normal)?;
        frame.clear(Color32F::BLACK, &[whole])?;
        let _drawn = frame.finish()?;
        drop(target);
        Ok(Self(Painting::Gpu(Box::new(Sheet::new(renderer, board, size, scale, text)))))
    }

    /// Whether a GPU draws it.
    pub fn is_on_gpu(&self) -> bool {
        matches!(self.0, Painting::Gpu(_))
    }

    /// Shows the part of the desktop that begins at `origin`, in logical pixels, from the next frame on.
    pub fn move_to(&mut self, origin: Point) {
        on_sheet!(&mut self.0, sheet => sheet.move_to(origin));
    }

    /// Width and height, in buffer pixels.
    pub fn size(&self) -> Size {
        on_sheet!(&self.0, sheet => sheet.size)
    }

    /// Brings the framebuffer in step with `scene` and returns the rectangles that were drawn, none if nothing had
    /// changed.
    ///
    /// # Errors
    /// If something could not be drawn, such as the buffer of a client that took its memory away. The framebuffer is then
    /// undefined, and the next call draws all of it.
    pub fn render(&mut self, scene: &Scene<'_>) -> Result<Vec<Rect>, RenderError> {
        on_sheet!(&mut self.0, sheet => sheet.render(scene))
    }

    /// Brings the content of these views up to date and returns the rectangles that were drawn. Since the last frame, nothing
    /// else may have changed on the desktop. The cost is that of the damage, whatever else there is. `None`, with
    /// nothing drawn, if it takes [`Canvas::render`].
    ///
    /// # Errors
    /// As of [`Canvas::render`].
    pub fn refresh(
        &mut self,
        views: &[View<'_>],
        cursor: Option<&Cursor>,
    ) -> Result<Option<Vec<Rect>>, RenderError> {
        on_sheet!(&mut self.0, sheet => sheet.refresh(views, cursor))
    }

    /// Copies the pixels of `rect` to the same place in `into`, an image of the canvas's size without padding, with the
    /// unused byte 0. What of `rect` lies outside of the canvas is left out.
    ///
    /// # Errors
    /// [`RenderError::Destination`] if `into` is too short for that; [`RenderError::Gles`] if the GPU does not give its pixels back.
    pub fn copy(&self, rect: Rect, into: &mut [u32]) -> Result<(), RenderError> {
        let across = self.size().width.unsigned_abs() as usize;
        self.copy_rows(rect, into, across)?;
        // Domains choose the unused byte of their pixels.
        let rect = rect.intersection(Rect::at(Point::default(), self.size()));
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
    /// As of [`Canvas::copy`], or if rows of `into` are too short.
    pub fn copy_rows(&self, rect: Rect, into: &mut [u32], stride: usize) -> Result<(), RenderError> {
        let Size { width, height } = self.size();
        let rect = rect.intersection(Rect::at(Point::default(), self.size()));
        let (across, down) = (width.unsigned_abs() as usize, height.unsigned_abs() as usize);
        // Pixman trusts the sizes it is told, and takes rows of some length.
        let length = stride.checked_mul(down).filter(|_| (across..=MAX_STRIDE).contains(&stride));
        let into = length.and_then(|length| into.get_mut(..length)).ok_or(RenderError::Destination)?;
        let mut image = Image::from_slice_mut(FormatCode::X8R8G8B8, across, down, into, stride * 4, false)
            .map_err(|_| RenderError::Destination)?;
        self.lay(rect, &mut image, rect.origin())
    }

    /// Copies a run of pixels of one row, from `start` to the right, with the unused byte 0. What lies outside of the
    /// canvas is 0.
    ///
    /// # Errors
    /// As of [`Canvas::copy`], or if `into` is empty.
    pub fn copy_run(&self, start: Point, into: &mut [u32]) -> Result<(), RenderError> {
        let across = into.len();
        let Some(length) = i32::try_from(across).ok().filter(|&length| length > 0) else {
            return Err(RenderError::Destination);
        };
        let mut run = Image::from_slice_mut(FormatCode::X8R8G8B8, across, 1, into, across * 4, false)
            .map_err(|_| RenderError::Destination)?;
        self.lay(Rect::at(start, Size::new(length, 1)), &mut run, Point::default())?;
        drop(run);
        into.iter_mut().for_each(|pixel| *pixel &= 0x00ff_ffff);
        Ok(())
    }

    /// Has the GPU copy the pixels of these rectangles, which do not overlap, to the same places in a buffer of its, and
    /// waits until that is done.
    ///
    /// # Errors
    /// [`RenderError::NotOnGpu`] of a canvas that the CPU draws; [`RenderError::Gles`] if the GPU does not know the buffer.
    pub fn lay_on_gpu(
        &self,
        rects: &[Rectangle<i32, Physical>],
        into: &mut Dmabuf,
    ) -> Result<(), RenderError> {
        let Painting::Gpu(sheet) = &self.0 else { return Err(RenderError::NotOnGpu) };
        let mut renderer = sheet.renderer.borrow_mut();
        let whole = Rectangle::from_size((sheet.size.width, sheet.size.height).into());
        let source = Rectangle::from_size(sheet.board.size().to_f64());
        let mut target = renderer.bind(into)?;
        let mut frame = renderer.render(&mut target, whole.size, Transform::Normal)?;
        frame.render_texture_from_to(
            &sheet.board,
            source,
            whole,
            rects,
            &[whole],
            Transform::Normal,
            1.0,
            None,
            &[],
        )?;
        // Not every driver of a screen waits by itself for who draws what it shows.
        frame.finish()?.wait().map_err(|_| GlesError::SyncInterrupted)?;
        Ok(())
    }

    /// Lays the pixels of `rect` into an image with their corner at `at`. What lies outside of the canvas is 0.
    fn lay(&self, rect: Rect, into: &mut Image<'_, '_>, at: Point) -> Result<(), RenderError> {
        let (at, extent) = ((at.x, at.y), (rect.width, rect.height));
        match &self.0 {
            Painting::Cpu(sheet) => {
                into.composite32(Operation::Src, &sheet.board, None, (rect.x, rect.y), (0, 0), at, extent);
            }
            Painting::Gpu(sheet) => {
                let there = rect.intersection(Rect::at(Point::default(), sheet.size));
                let mut pixels = if there.is_empty() { vec![0] } else { read_back(sheet, there)? };
                let size = if there.is_empty() { Size::new(1, 1) } else { there.size() };
                let from = composited(FormatCode::X8R8G8B8, &mut pixels, size)?;
                let corner = (rect.x.saturating_sub(there.x), rect.y.saturating_sub(there.y));
                into.composite32(Operation::Src, &from, None, corner, (0, 0), at, extent);
            }
        }
        Ok(())
    }

    /// The pointer by itself and the place of its corner on the framebuffer, for a screen that lays pictures of at most
    /// this width and height over the frame. `None` for one that has to be drawn, if it is shown at all.
    pub fn pointer_picture(
        &mut self,
        cursor: &Cursor,
        most: (u32, u32),
    ) -> Option<(Arc<PointerPicture>, (i32, i32))> {
        on_sheet!(&mut self.0, sheet => sheet.pointer_picture(cursor, most))
    }

    /// Where the desktop's pixels go.
    pub(super) fn mapping(&self) -> Mapping {
        on_sheet!(&self.0, sheet => sheet.mapping)
    }
}

/// Pixels that a GPU has drawn. Waits for it.
fn read_back(sheet: &Sheet<GlesRenderer>, rect: Rect) -> Result<Vec<u32>, RenderError> {
    let mut renderer = sheet.renderer.borrow_mut();
    let mut board = sheet.board.clone();
    let target = renderer.bind(&mut board)?;
    let region = Rectangle::new((rect.x, rect.y).into(), (rect.width, rect.height).into());
    let mapping = renderer.copy_framebuffer(&target, region, Fourcc::Argb8888)?;
    let bytes = renderer.map_texture(&mapping)?;
    let pixel = |bytes: &[u8]| bytes.try_into().map(u32::from_le_bytes).unwrap_or_default();
    Ok(bytes.chunks_exact(4).map(pixel).collect())
}

/// Pixels without padding as an image to draw into or from.
pub(super) fn composited(
    format: FormatCode,
    pixels: &mut [u32],
    size: Size,
) -> Result<Image<'_, 'static>, RenderError> {
    let (across, down) = (size.width.unsigned_abs() as usize, size.height.unsigned_abs() as usize);
    let length = across.checked_mul(down).filter(|length| (1..=pixels.len()).contains(length));
    let pixels = length.and_then(|length| pixels.get_mut(..length)).ok_or(RenderError::Destination)?;
    Image::from_slice_mut(format, across, down, pixels, across * 4, false)
        .map_err(|_| RenderError::Destination)
}

/// A rectangle of the framebuffer as callers take it.
pub(super) fn rect_of(area: &Area) -> Rect {
    Rect::new(area.loc.x, area.loc.y, area.size.w, area.size.h)
}

fn side(length: i32) -> Option<usize> {
    (1..=MAX_SIDE).contains(&length).then(|| length.unsigned_abs() as usize)
}

fn framebuffer(size: Size) -> Option<Image<'static, 'static>> {
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
    /// The GPU's driver refused.
    #[error("OpenGL ES: {0}")]
    Gles(#[from] GlesError),
    /// The GPU's driver makes no renderer.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// The GPU has no room for an image.
    #[error("the GPU has no texture of {}x{} pixels", .0.width, .0.height)]
    Texture(Size),
    /// A GPU is to copy what the CPU has drawn.
    #[error("the picture is not in the memory of a GPU")]
    NotOnGpu,
    /// A screen has no size.
    #[error(transparent)]
    Mode(#[from] OutputNoMode),
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

//! Small pictures for the GUI domain: cursors and icons, drawn from clients' buffers into memory of the agent's own.
//!
//! The pixels are premultiplied ARGB, little-endian words, rows without gaps. A picture does not depend on the clients'
//! memory once it is there.

use pixman::{Filter, FormatCode, Image, Operation};
use shm_grant::{ClientImage, PixelFormat};
use smithay::{
    reexports::wayland_server::protocol::wl_buffer::WlBuffer,
    utils::{Logical, Physical, Point, Rectangle, Size},
};

use crate::{
    compose::{self, Canvas, ComposeError, Density, Placed},
    surface::Layer,
};

/// Layers as they look together, what is at `origin` at the top left.
pub(crate) fn of_layers(
    layers: Vec<Layer>,
    origin: Point<i32, Logical>,
    density: Density,
    size: Size<i32, Physical>,
) -> Result<Vec<u8>, ComposeError> {
    let layers: Vec<_> = layers.into_iter().map(|layer| Placed::new(layer, origin, density)).collect();
    let mut image = compose::new_image(size, PixelFormat::Argb8888)?;
    let mut canvas = Canvas { image: &mut image, origin: Point::default(), written: &mut 0 };
    compose::draw(&mut canvas, &layers, &Rectangle::from_size(size).into(), None)?;
    pixels_of(&image, size)
}

/// One buffer, stretched or shrunk to `size`.
pub(crate) fn of_buffer(buffer: &WlBuffer, size: Size<i32, Physical>) -> Result<Vec<u8>, ComposeError> {
    ClientImage::read(buffer, |image| {
        let by = |from: usize, to: i32| from as f64 / f64::from(to.max(1));
        let (across, down) = (by(image.width(), size.w), by(image.height(), size.h));
        // these fail without memory only; the picture is then wrong and nothing else
        let _ = image.set_transform(pixman::Transform::new([
            [across, 0.0, 0.0],
            [0.0, down, 0.0],
            [0.0, 0.0, 1.0],
        ]));
        let _ = image.set_filter(Filter::Good, &[]);
        pixels_of(image, size)
    })?
}

/// Copies pixels out of an image.
fn pixels_of(image: &Image<'_, 'static>, size: Size<i32, Physical>) -> Result<Vec<u8>, ComposeError> {
    let side = |it: i32| usize::try_from(it).unwrap_or(0);
    let (width, height) = (side(size.w), side(size.h));
    let mut words = vec![0u32; width.saturating_mul(height)];
    let mut copy = Image::from_slice_mut(
        FormatCode::A8R8G8B8,
        width,
        height,
        &mut words,
        width.saturating_mul(compose::PIXEL_BYTES as usize),
        false,
    )
    .map_err(|_| ComposeError::OutOfMemory)?;
    copy.composite32(Operation::Src, image, None, (0, 0), (0, 0), (0, 0), (size.w, size.h));
    drop(copy);
    Ok(words.into_iter().flat_map(u32::to_le_bytes).collect())
}

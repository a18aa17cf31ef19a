//! Wayland clients' shared memory as pixman images.
//!
//! A client may write to its memory at any moment, and take it away. Pixman only reads pixels, whatever their values;
//! smithay, which owns the mapping, catches the access to memory that is gone and ends that client's connection. The
//! image exists only while smithay holds the mapping in place.

use smithay::{
    reexports::wayland_server::protocol::{wl_buffer::WlBuffer, wl_shm::Format},
    wayland::shm::{BufferAccessError, BufferData, with_buffer_contents},
};

use crate::image::borrowed;
use crate::{LayoutError, PixelFormat, PixelLayout};

/// Why a client's buffer is no image.
#[derive(Debug, thiserror::Error)]
pub enum ClientImageError {
    /// It is not in shared memory, or its memory was not there; the client has been disconnected for the latter.
    #[error("{0}")]
    Access(#[from] BufferAccessError),
    /// It does not lie in its memory as it says.
    #[error("{0}")]
    Layout(#[from] LayoutError),
    /// Its pixels are of another kind than those every compositor takes.
    #[error("pixels of a format that was not offered")]
    Format,
}

/// What a client says of a buffer's pixels, which lie in its memory as it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientImage {
    pub(crate) layout: PixelLayout,
    pub(crate) format: PixelFormat,
}

impl ClientImage {
    /// Looks at a buffer in shared memory, not at its pixels.
    ///
    /// # Errors
    ///
    /// [`ClientImageError`] where [`ClientImage::read`] could not succeed.
    pub fn of(buffer: &WlBuffer) -> Result<Self, ClientImageError> {
        with_buffer_contents(buffer, |base, size, data| {
            let described = Self::described(data)?;
            described.layout.place(base.cast_mut(), size)?;
            Ok(described)
        })?
    }

    /// Pixels per row, from 1 to [`MAX_SIDE`](crate::MAX_SIDE).
    #[must_use]
    pub fn width(&self) -> u32 {
        self.layout.width
    }

    /// Rows, from 1 to [`MAX_SIDE`](crate::MAX_SIDE).
    #[must_use]
    pub fn height(&self) -> u32 {
        self.layout.height
    }

    /// What a pixel is.
    #[must_use]
    pub fn format(&self) -> PixelFormat {
        self.format
    }

    /// Lends the pixels of a buffer in shared memory to draw from. The client's mapping is held meanwhile: no other buffer can be read
    /// within `draw`, and nothing may be drawn into this one.
    ///
    /// # Errors
    ///
    /// [`ClientImageError`]. If the memory went away while it was read, what was drawn is partly black.
    pub fn read<T>(
        buffer: &WlBuffer,
        draw: impl FnOnce(&mut pixman::Image<'_, 'static>) -> T,
    ) -> Result<T, ClientImageError> {
        with_buffer_contents(buffer, |base, size, data| {
            let Self { layout, format } = Self::described(data)?;
            let bits = layout.place(base.cast_mut(), size)?;
            // SAFETY: `place` proved that all rows lie within the mapping, which smithay holds in place until this
            // closure returns; the image cannot leave it, since `draw` gets it for a lifetime it does not know.
            let mut image = unsafe { borrowed(bits, layout, format)? };
            Ok(draw(&mut image))
        })?
    }

    fn described(data: BufferData) -> Result<Self, ClientImageError> {
        let format = match data.format {
            Format::Argb8888 => PixelFormat::Argb8888,
            Format::Xrgb8888 => PixelFormat::Xrgb8888,
            _ => return Err(ClientImageError::Format),
        };
        // 0 is refused by `place` as what it is or as a stride too short
        let side = |value: i32| u32::try_from(value).unwrap_or(0);
        let layout = PixelLayout {
            width: side(data.width),
            height: side(data.height),
            stride_bytes: side(data.stride),
            offset: usize::try_from(data.offset).map_err(|_| LayoutError::Offset(usize::MAX))?,
        };
        Ok(Self { layout, format })
    }
}

//! Pixman images whose pixels are shared pages.
//!
//! An image owns a share of its mapping through pixman's destroy function, so it stays valid however long
//! pixman or a renderer keeps it, and making one is safe. Pixman only reads and writes pixels, whatever their
//! values: a peer that changes them meanwhile changes the picture and nothing else.

use std::os::raw::{c_int, c_void};
use std::sync::Arc;

use pixman_sys as ffi;

use crate::{ImportedPages, Pages};

/// The longest side of an image: pixman's coordinates are 16.16 fixed-point numbers.
pub const MAX_SIDE: u32 = 32_767;

/// How the pixels lie in the pages. Four bytes each, rows from top to bottom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PixelLayout {
    /// Pixels per row, from 1 to [`MAX_SIDE`].
    pub width: u32,
    /// Rows, from 1 to [`MAX_SIDE`].
    pub height: u32,
    /// Bytes from a row to the next: a multiple of 4, at least `4 * width`.
    pub stride_bytes: u32,
    /// Bytes before the first pixel: a multiple of 4.
    pub offset: usize,
}

/// What a pixel's 32-bit word means, in this machine's byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PixelFormat {
    /// Red, green, blue in the low 24 bits; opaque.
    Xrgb8888,
    /// The same with premultiplied alpha in the high 8 bits.
    Argb8888,
}

/// Why pages cannot serve as an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayoutError {
    /// A side is 0 or longer than [`MAX_SIDE`].
    #[error("{0}x{1} pixels are not an image: sides go from 1 to {MAX_SIDE}")]
    Size(u32, u32),
    /// The stride is shorter than a row or not a multiple of 4.
    #[error("a stride of {stride_bytes} bytes does not fit rows of {width} pixels")]
    Stride {
        /// The stride asked for.
        stride_bytes: u32,
        /// Pixels per row.
        width: u32,
    },
    /// The first pixel is not on a multiple of 4 bytes.
    #[error("pixels cannot start at byte {0}")]
    Offset(usize),
    /// The last pixel lies beyond the pages.
    #[error("the image needs {needed} bytes and the pages have {size}")]
    TooSmall {
        /// Bytes up to the end of the last pixel.
        needed: usize,
        /// Bytes mapped.
        size: usize,
    },
    /// Pixman could not allocate.
    #[error("out of memory")]
    OutOfMemory,
}

impl Pages {
    /// The pages as an image to draw into or from.
    ///
    /// # Errors
    ///
    /// [`LayoutError`] where the layout does not fit the pages.
    pub fn image(
        self: &Arc<Self>,
        layout: PixelLayout,
        format: PixelFormat,
    ) -> Result<pixman::Image<'static, 'static>, LayoutError> {
        let bits = layout.place(self.as_ptr(), self.len())?;
        // SAFETY: `place` proved that all rows lie within the mapping, which the `Arc` keeps.
        unsafe { image(bits, layout, format, Arc::clone(self)) }
    }
}

impl ImportedPages {
    /// The pages as an image to draw from. It is no target: the mapping is read-only, and the processor stops
    /// the process that draws into it.
    ///
    /// # Errors
    ///
    /// [`LayoutError`] where the layout does not fit the pages.
    pub fn image(
        self: &Arc<Self>,
        layout: PixelLayout,
        format: PixelFormat,
    ) -> Result<pixman::Image<'static, 'static>, LayoutError> {
        let bits = layout.place(self.as_ptr(), self.len())?;
        // SAFETY: `place` proved that all rows lie within the mapping, which the `Arc` keeps.
        unsafe { image(bits, layout, format, Arc::clone(self)) }
    }
}

impl PixelLayout {
    /// Address of the first pixel in a mapping of `size` bytes at `base`, if all pixels lie in it.
    pub(crate) fn place(&self, base: *mut u8, size: usize) -> Result<*mut u32, LayoutError> {
        self.end(size)?;
        Ok(base.wrapping_add(self.offset).cast())
    }

    /// Bytes up to the end of the last row, if that many are within `size`.
    pub(crate) fn end(&self, size: usize) -> Result<usize, LayoutError> {
        let Self { width, height, stride_bytes, offset } = *self;
        if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
            return Err(LayoutError::Size(width, height));
        }
        let row = width.saturating_mul(4);
        if stride_bytes < row || stride_bytes % 4 != 0 || c_int::try_from(stride_bytes).is_err() {
            return Err(LayoutError::Stride { stride_bytes, width });
        }
        if offset % 4 != 0 {
            return Err(LayoutError::Offset(offset));
        }
        // The last row's padding counts, since pixman is free to read whole rows. Pixman finds a row with
        // 32-bit arithmetic, so even a larger mapping cannot hold an image of more bytes than that.
        let rows =
            usize::try_from(u64::from(height).saturating_mul(u64::from(stride_bytes))).unwrap_or(usize::MAX);
        let needed = rows.saturating_add(offset);
        if needed > size || c_int::try_from(rows).is_err() {
            return Err(LayoutError::TooSmall { needed, size });
        }
        Ok(needed)
    }
}

/// # Safety
///
/// All rows of `layout` at `bits` must stay mapped as long as `owner` lives.
unsafe fn image<T: Send + Sync>(
    bits: *mut u32,
    layout: PixelLayout,
    format: PixelFormat,
    owner: Arc<T>,
) -> Result<pixman::Image<'static, 'static>, LayoutError> {
    // SAFETY: the caller's promise, for as long as `owner` lives, which the image gives up only when it is destroyed.
    let image = unsafe { borrowed(bits, layout, format)? };
    let owner = Arc::into_raw(owner).cast_mut().cast::<c_void>();
    // SAFETY: the image is live. Pixman calls the function once, with this pointer, when the last reference to the
    // image goes; `release::<T>` is what takes this pointer back.
    unsafe { ffi::pixman_image_set_destroy_function(image.as_ptr(), Some(release::<T>), owner) };
    Ok(image)
}

/// # Safety
///
/// `layout` must come from a successful [`PixelLayout::place`], as must `bits`, and all rows must stay mapped as long as
/// the image exists: `'a` must be chosen so.
pub(crate) unsafe fn borrowed<'a>(
    bits: *mut u32,
    layout: PixelLayout,
    format: PixelFormat,
) -> Result<pixman::Image<'a, 'static>, LayoutError> {
    let format = match format {
        PixelFormat::Xrgb8888 => pixman::FormatCode::X8R8G8B8,
        PixelFormat::Argb8888 => pixman::FormatCode::A8R8G8B8,
    };
    // `place` has checked that these fit.
    let [width, height, stride] =
        [layout.width, layout.height, layout.stride_bytes].map(|n| c_int::try_from(n).unwrap_or(c_int::MAX));
    // SAFETY: pixman requires `bits` to be non-null, aligned to 4 and valid for all rows for as long as the
    // image exists, and the stride to be a multiple of 4. The first and last follow from `place`, the
    // validity from the caller's promise.
    let raw = unsafe { ffi::pixman_image_create_bits_no_clear(format.into(), width, height, bits, stride) };
    if raw.is_null() {
        return Err(LayoutError::OutOfMemory);
    }
    // SAFETY: `raw` is a live image with one reference, which is ours to give away.
    Ok(unsafe { pixman::Image::from_ptr(raw) })
}

/// # Safety
///
/// `owner` must come from `Arc::<T>::into_raw` and be given up here.
unsafe extern "C" fn release<T>(_: *mut ffi::pixman_image_t, owner: *mut c_void) {
    // SAFETY: the caller's promise.
    drop(unsafe { Arc::from_raw(owner.cast_const().cast::<T>()) });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PAGE_SIZE;

    const LAYOUT: PixelLayout = PixelLayout { width: 30, height: 8, stride_bytes: 128, offset: 64 };

    #[test]
    fn an_image_outlives_the_handle_of_its_pages() {
        let source = Arc::new(Pages::anonymous(PAGE_SIZE).unwrap());
        let alive = Arc::downgrade(&source);
        for row in 0..8 {
            for x in 0..30 {
                let pixel: u32 = 0x0010_0000 * row + x;
                source.copy_in(64 + row as usize * 128 + x as usize * 4, &pixel.to_ne_bytes()).unwrap();
            }
        }
        let from = source.image(LAYOUT, PixelFormat::Xrgb8888).unwrap();
        drop(source);
        assert!(alive.upgrade().is_some());

        let target = Arc::new(Pages::anonymous(PAGE_SIZE).unwrap());
        let mut into = target.image(LAYOUT, PixelFormat::Argb8888).unwrap();
        into.composite32(pixman::Operation::Src, &from, None, (0, 0), (0, 0), (0, 0), (30, 8));
        drop(from);
        assert!(alive.upgrade().is_none(), "the image's share of the pages went with it");

        for (row, x) in [(0u32, 0u32), (3, 7), (7, 29)] {
            let mut pixel = [0; 4];
            target.copy_out(64 + row as usize * 128 + x as usize * 4, &mut pixel).unwrap();
            assert_eq!(u32::from_ne_bytes(pixel), 0xFF00_0000 | (0x0010_0000 * row + x));
        }
    }

    #[test]
    fn a_layout_must_fit_the_pages() {
        let pages = Arc::new(Pages::anonymous(PAGE_SIZE).unwrap());
        let try_layout = |layout| pages.image(layout, PixelFormat::Xrgb8888).map(drop);
        let full = PixelLayout { width: 32, height: 32, stride_bytes: 128, offset: 0 };
        assert_eq!(try_layout(full), Ok(()));
        assert_eq!(
            try_layout(PixelLayout { height: 33, ..full }),
            Err(LayoutError::TooSmall { needed: 4224, size: 4096 })
        );
        assert_eq!(
            try_layout(PixelLayout { offset: 4, ..full }),
            Err(LayoutError::TooSmall { needed: 4100, size: 4096 })
        );
        assert_eq!(try_layout(PixelLayout { offset: 2, height: 1, ..full }), Err(LayoutError::Offset(2)));
        assert_eq!(
            try_layout(PixelLayout { width: 33, ..full }),
            Err(LayoutError::Stride { stride_bytes: 128, width: 33 })
        );
        assert_eq!(
            try_layout(PixelLayout { stride_bytes: 130, height: 1, ..full }),
            Err(LayoutError::Stride { stride_bytes: 130, width: 32 })
        );
        assert_eq!(try_layout(PixelLayout { width: 0, ..full }), Err(LayoutError::Size(0, 32)));
        let longest = PixelLayout { width: 1, height: MAX_SIDE, stride_bytes: 4, offset: 0 };
        assert!(matches!(try_layout(longest), Err(LayoutError::TooSmall { .. })));
        let past = PixelLayout { height: MAX_SIDE + 1, ..longest };
        assert_eq!(try_layout(past), Err(LayoutError::Size(1, MAX_SIDE + 1)));
    }
}

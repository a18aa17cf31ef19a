//! Wayland clients' dma-bufs as pixman images.
//!
//! A dma-buf is memory of a driver that the kernel shares by a descriptor. Its size never changes, unlike that of a file,
//! so a mapping of it stays readable; hence nothing but a real dma-buf is taken. Its client may write to it at any moment.
//! Pixman only reads pixels, whatever their values.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{SeekFrom, fstatfs, seek};
use smithay::backend::allocator::dmabuf::{Dmabuf, DmabufSyncFailed, DmabufSyncFlags};
use smithay::backend::allocator::{Buffer as _, Fourcc, Modifier};

use crate::{ClientImage, ImportedPages, LayoutError, PAGE_SIZE, PixelFormat, PixelLayout};

/// The kind of file system that dma-bufs are of. Source: the kernel's `uapi/linux/magic.h`, `DMA_BUF_MAGIC`.
const DMA_BUF_MAGIC: i64 = 0x444d_4142;

/// Why a client's dma-buf is no image.
#[derive(Debug, thiserror::Error)]
pub enum DmabufError {
    /// The descriptor is of something else.
    #[error("the memory is not a dma-buf")]
    NotDmabuf,
    /// Its pixels are of another kind than those of shared memory, lie in several planes, upside down, or not in rows.
    #[error("pixels of a format that was not offered")]
    Format,
    /// The pixels do not lie in the memory as is said.
    #[error("{0}")]
    Layout(#[from] LayoutError),
    /// The driver is not done with drawing.
    #[error("a driver is still drawing")]
    Busy,
    /// The driver does not let the processor read.
    #[error("the memory cannot be read: {0}")]
    Io(#[from] io::Error),
}

impl From<rustix::io::Errno> for DmabufError {
    fn from(error: rustix::io::Errno) -> Self {
        Self::Io(error.into())
    }
}

/// A client's dma-buf, mapped read-only for as long as this lives.
#[derive(Debug)]
pub struct ClientDmabuf {
    dmabuf: Dmabuf,
    pages: Arc<ImportedPages>,
    described: ClientImage,
}

impl ClientDmabuf {
    /// Maps what a client says is a buffer of one plane, linear, XRGB8888 or ARGB8888, and the right way up.
    ///
    /// # Errors
    ///
    /// [`DmabufError`], but never [`DmabufError::Busy`].
    pub fn import(dmabuf: &Dmabuf) -> Result<Self, DmabufError> {
        let pixels = dmabuf.format();
        let format = match pixels.code {
            Fourcc::Argb8888 => PixelFormat::Argb8888,
            Fourcc::Xrgb8888 => PixelFormat::Xrgb8888,
            _ => return Err(DmabufError::Format),
        };
        if pixels.modifier != Modifier::Linear || dmabuf.y_inverted() || dmabuf.num_planes() != 1 {
            return Err(DmabufError::Format);
        }
        let file = descriptor(dmabuf)?;
        let (offset, stride) = dmabuf.offsets().zip(dmabuf.strides()).next().ok_or(DmabufError::Format)?;
        let layout = PixelLayout {
            width: dmabuf.width(),
            height: dmabuf.height(),
            stride_bytes: stride,
            offset: usize::try_from(offset).map_err(|_| LayoutError::Offset(usize::MAX))?,
        };
        if fstatfs(file)?.f_type != DMA_BUF_MAGIC {
            return Err(DmabufError::NotDmabuf);
        }
        let size = usize::try_from(seek(file, SeekFrom::End(0))?).unwrap_or(usize::MAX);
        let pages = Arc::new(ImportedPages::of_file(file, 0, layout.end(size)?.div_ceil(PAGE_SIZE))?);
        Ok(Self { dmabuf: dmabuf.clone(), pages, described: ClientImage { layout, format } })
    }

    /// Its size, and what a pixel is.
    #[must_use]
    pub fn described(&self) -> ClientImage {
        self.described
    }

    /// Lends the pixels to draw from. Nothing may be drawn into them.
    ///
    /// This does not wait for a driver, but for one that begins to draw between the look at it and the reading: a client
    /// that has a driver do so with a buffer it has given away stops its own domain's agent for that long.
    ///
    /// # Errors
    ///
    /// [`DmabufError::Busy`] while a driver draws, [`DmabufError::Io`] where it cannot make its pixels seen,
    /// [`LayoutError::OutOfMemory`].
    pub fn read<T>(&self, draw: impl FnOnce(&mut pixman::Image<'_, 'static>) -> T) -> Result<T, DmabufError> {
        let file = descriptor(&self.dmabuf)?;
        if poll(&mut [PollFd::new(&file, PollFlags::IN)], Some(&Timespec::default()))? == 0 {
            return Err(DmabufError::Busy);
        }
        let mut image = self.pages.image(self.described.layout, self.described.format)?;
        self.sync(DmabufSyncFlags::START)?;
        let drawn = draw(&mut image);
        // ends what was begun; the pixels have been read, whatever it says
        let _ = self.sync(DmabufSyncFlags::END);
        Ok(drawn)
    }

    /// Tells the driver that the processor begins to read, or has read. The kernel wants to be asked again where it was
    /// interrupted.
    fn sync(&self, end: DmabufSyncFlags) -> io::Result<()> {
        loop {
            match self.dmabuf.sync_plane(0, DmabufSyncFlags::READ | end) {
                Ok(()) => return Ok(()),
                Err(DmabufSyncFailed::PlaneIndexOutOfBound) => return Err(io::ErrorKind::InvalidInput.into()),
                Err(DmabufSyncFailed::Io(error)) => match error.kind() {
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock => {}
                    _ => return Err(error),
                },
            }
        }
    }
}

/// Of the only plane.
fn descriptor(dmabuf: &Dmabuf) -> Result<BorrowedFd<'_>, DmabufError> {
    dmabuf.handles().next().ok_or(DmabufError::Format)
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
    use smithay::backend::allocator::dmabuf::DmabufFlags;

    use super::*;

    fn memory() -> OwnedFd {
        let memory = memfd_create("posing", MemfdFlags::CLOEXEC).unwrap();
        ftruncate(&memory, 1 << 16).unwrap();
        memory
    }

    /// What is said of memory that is no dma-buf.
    fn refused(format: Fourcc, modifier: Modifier, flags: DmabufFlags, planes: u32) -> DmabufError {
        let mut builder = Dmabuf::builder((64, 64), format, modifier, flags);
        (0..planes).for_each(|plane| assert!(builder.add_plane(memory(), plane, 0, 256)));
        ClientDmabuf::import(&builder.build().unwrap()).unwrap_err()
    }

    #[test]
    fn memory_that_poses_as_a_dmabuf_is_refused() {
        let error = refused(Fourcc::Xrgb8888, Modifier::Linear, DmabufFlags::empty(), 1);
        assert!(matches!(error, DmabufError::NotDmabuf), "{error}");
    }

    #[test]
    fn only_linear_pixels_of_the_two_formats_are_taken() {
        let none = DmabufFlags::empty();
        for (format, modifier, flags, planes) in [
            (Fourcc::Xbgr8888, Modifier::Linear, none, 1),
            (Fourcc::Nv12, Modifier::Linear, none, 2),
            (Fourcc::Argb8888, Modifier::Linear, none, 2),
            (Fourcc::Argb8888, Modifier::Invalid, none, 1),
            (Fourcc::Argb8888, Modifier::I915_x_tiled, none, 1),
            (Fourcc::Argb8888, Modifier::Linear, DmabufFlags::Y_INVERT, 1),
        ] {
            let error = refused(format, modifier, flags, planes);
            assert!(matches!(error, DmabufError::Format), "{format} {modifier:?}: {error}");
        }
    }
}

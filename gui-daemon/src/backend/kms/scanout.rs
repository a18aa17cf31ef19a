//! A screen that is lit: its mode, its two buffers, and the flips between them.
//!
//! Invariants: the buffer on the screen is never written to; there is one flip under way at most; a flip copies only what
//! the buffer has missed, and tells the device what of the picture differs.

use std::io;

use smithay::{
    backend::{
        allocator::{Fourcc, gbm::GbmConvertError},
        drm::{DrmDevice, DrmDeviceFd, DrmError, DrmSurface, PlaneConfig, PlaneDamageClips, PlaneState},
    },
    reexports::drm::{
        buffer::Buffer as _,
        control::{
            Device as _, Mode, connector, crtc,
            dumbbuffer::{DumbBuffer, DumbMapping},
            framebuffer,
        },
    },
    utils::{Physical, Rectangle, Size, Transform},
};
use tracing::{trace, warn};
use zerocopy::FromBytes as _;

use super::{
    super::{Image, copy},
    Rect,
    damage::{Turn, Turns},
    gpu::{Driver, GpuBuffer},
    pointer::PointerPlane,
};
use crate::render::{Canvas, RenderError};

/// Why a screen cannot be lit, or a frame not be shown.
#[derive(Debug, thiserror::Error)]
pub enum ScanoutError {
    /// The device does not do it.
    #[error(transparent)]
    Drm(#[from] DrmError),
    /// No memory for its pictures.
    #[error("no buffer of {width}x{height} pixels: {error}")]
    Buffer {
        /// Width asked for.
        width: u32,
        /// Height asked for.
        height: u32,
        /// Why not.
        error: io::Error,
    },
    /// Memory of the GPU cannot be lent to it.
    #[error(transparent)]
    Lend(#[from] GbmConvertError),
    /// The GPU does not draw.
    #[error(transparent)]
    Gpu(#[from] RenderError),
}

/// Memory that the device shows and the CPU draws to.
pub(super) struct Buffer {
    fd: DrmDeviceFd,
    dumb: DumbBuffer,
    mapping: DumbMapping<'static>,
    framebuffer: framebuffer::Handle,
}

impl Buffer {
    /// A buffer of 32 bits a pixel, zeroed by the kernel: XRGB8888, or with `alpha` ARGB8888.
    pub fn new(fd: &DrmDeviceFd, (width, height): (u32, u32), alpha: bool) -> Result<Self, ScanoutError> {
        let (format, depth) = if alpha { (Fourcc::Argb8888, 32) } else { (Fourcc::Xrgb8888, 24) };
        let allocate = || {
            let dumb = fd.create_dumb_buffer((width, height), format, 32)?;
            // The mapping borrows the buffer's description for as long as it lives, which is as long as this struct: the few
            // bytes of a copy are given up for that. A buffer is made when a screen is lit, not for a frame.
            let description = Box::leak(Box::new(dumb));
            let made = fd.map_dumb_buffer(description).and_then(|mapping| {
                let framebuffer = fd.add_framebuffer(&dumb, depth, 32)?;
                Ok((mapping, framebuffer))
            });
            match made {
                Ok((mapping, framebuffer)) => Ok(Self { fd: fd.clone(), dumb, mapping, framebuffer }),
                Err(error) => {
                    fd.destroy_dumb_buffer(dumb)?;
                    Err(error)
                }
            }
        };
        allocate().map_err(|error| ScanoutError::Buffer { width, height, error })
    }

    /// Its pixels, and how many there are from the start of one row to that of the next.
    pub fn pixels(&mut self) -> Image<'_> {
        let stride = self.dumb.pitch() as usize / 4;
        // A mapping begins with a page and is a whole number of pixels long.
        let pixels = <[u32]>::mut_from_bytes(&mut self.mapping).unwrap_or_default();
        Image { pixels, stride }
    }

    pub fn framebuffer(&self) -> framebuffer::Handle {
        self.framebuffer
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // Of a device that is gone the kernel has taken both already.
        drop(self.fd.destroy_framebuffer(self.framebuffer));
        drop(self.fd.destroy_dumb_buffer(self.dumb));
    }
}

impl std::fmt::Debug for Buffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Buffer").field("dumb", &self.dumb).finish_non_exhaustive()
    }
}

/// The two buffers, and who fills them.
#[derive(Debug)]
enum Buffers {
    Cpu([Buffer; 2]),
    Gpu([GpuBuffer; 2]),
}

impl Buffers {
    /// Brings one up to date, and names it.
    fn fill(&mut self, turn: &Turn, canvas: &Canvas) -> Result<Option<framebuffer::Handle>, ScanoutError> {
        match self {
            Self::Cpu(buffers) => {
                let Some(buffer) = buffers.get_mut(turn.buffer) else { return Ok(None) };
                turn.copy.iter().for_each(|rect| copy(canvas, *rect, buffer.pixels()));
                Ok(Some(buffer.framebuffer()))
            }
            Self::Gpu(buffers) => {
                let Some(buffer) = buffers.get_mut(turn.buffer) else { return Ok(None) };
                buffer.fill(&turn.copy, canvas)?;
                Ok(Some(buffer.framebuffer()))
            }
        }
    }
}

/// A screen that is lit.
#[derive(Debug)]
pub(super) struct Scanout {
    // Before the buffers: it takes them off the screen when it goes.
    surface: DrmSurface,
    pointer: Option<PointerPlane>,
    buffers: Buffers,
    turns: Turns,
    mode: Mode,
    flipping: bool,
    /// Bytes copied into the buffers so far.
    moved: u64,
}

impl Scanout {
    /// Prepares a screen; it is lit with the first frame.
    pub fn new(
        device: &mut DrmDevice,
        crtc: crtc::Handle,
        connector: connector::Handle,
        mode: Mode,
        pointer_plane: bool,
        gpu: Option<&mut Driver>,
    ) -> Result<Self, ScanoutError> {
        let (width, height) = mode.size();
        let surface = device.create_surface(crtc, mode, &[connector])?;
        let buffer = || Buffer::new(device.device_fd(), (width.into(), height.into()), false);
        let buffers = match gpu.and_then(|gpu| gpu.buffers(&surface, (width, height))) {
            Some(buffers) => Buffers::Gpu(buffers),
            None => Buffers::Cpu([buffer()?, buffer()?]),
        };
        let size = (width.into(), height.into()).into();
        let pointer =
            if pointer_plane { PointerPlane::new(device, &surface, Rect::from_size(size))? } else { None };
        let turns = Turns::new(size);
        Ok(Self { surface, pointer, buffers, turns, mode, flipping: false, moved: 0 })
    }

    pub fn mode(&self) -> Mode {
        self.mode
    }

    pub fn crtc(&self) -> crtc::Handle {
        self.surface.crtc()
    }

    /// What lays the pointer over the frame, if anything does.
    pub fn pointer(&self) -> Option<&PointerPlane> {
        self.pointer.as_ref()
    }

    /// What lays the pointer over the frame, if anything does.
    pub fn pointer_mut(&mut self) -> Option<&mut PointerPlane> {
        self.pointer.as_mut()
    }

    /// Whether a GPU fills its buffers.
    pub fn is_on_gpu(&self) -> bool {
        matches!(self.buffers, Buffers::Gpu(_))
    }

    /// Whether a flip is under way.
    pub fn is_flipping(&self) -> bool {
        self.flipping
    }

    /// The flip is done. Whether there was one.
    pub fn flip_done(&mut self) -> bool {
        std::mem::take(&mut self.flipping)
    }

    /// The device was someone else's, or was turned off: what it shows is unknown.
    pub fn lost(&mut self) {
        self.flipping = false;
        self.turns.lost();
        self.pointer.iter_mut().for_each(PointerPlane::lost);
    }

    /// This was drawn, and is not shown for now.
    pub fn drawn(&mut self, damage: &[Rect]) {
        self.turns.drawn(damage);
    }

    /// Shows what was drawn, if anything was, and the pointer where it is. Whether a flip is under way for it, at whose end it
    /// is on the screen.
    pub fn present(&mut self, damage: &[Rect], canvas: &Canvas) -> Result<bool, ScanoutError> {
        self.turns.drawn(damage);
        let pointer_shown = self.pointer.as_ref().is_none_or(PointerPlane::is_shown);
        if self.flipping || (self.turns.is_shown() && pointer_shown) {
            return Ok(false);
        }
        let turn = (!self.turns.is_shown()).then(|| self.turns.take());
        let mut filled = None;
        if let Some(turn) = &turn
            && let Some(framebuffer) = self.buffers.fill(turn, canvas)?
        {
            filled = Some((framebuffer, turn.changed.as_slice()));
            self.moved = self.moved.saturating_add(turn.bytes());
            trace!(bytes = turn.bytes(), total = self.moved, "frame copied");
        }
        let pointer = self.pointer.as_mut().and_then(PointerPlane::state);
        let has_pointer = pointer.is_some();
        if let Err(error) = self.flip(filled, pointer) {
            if !has_pointer {
                return Err(error);
            }
            // Then it is drawn, from the next frame on.
            warn!("the device does not lay the pointer over the frame: {error}");
            self.pointer = None;
            if filled.is_none() {
                return Ok(false);
            }
            self.flip(filled, None)?;
        }
        self.flipping = true;
        self.pointer.iter_mut().for_each(PointerPlane::flipped);
        if turn.is_some() {
            self.turns.flipped();
        }
        Ok(true)
    }

    /// Shows a buffer, of whose picture these parts are new to the screen, and the pointer; either may stay as it is.
    fn flip(
        &self,
        filled: Option<(framebuffer::Handle, &[Rect])>,
        pointer: Option<PlaneState<'static>>,
    ) -> Result<(), ScanoutError> {
        let (width, height) = self.mode.size();
        let size: Size<i32, Physical> = (i32::from(width), i32::from(height)).into();
        let src = Rectangle::from_size((f64::from(width), f64::from(height)).into());
        let dst = Rect::from_size(size);
        // Without them all of the picture counts as changed, which is slower and nothing else.
        let clips = filled.and_then(|(_, changed)| {
            let fd = self.surface.device_fd();
            PlaneDamageClips::from_damage(fd, src, dst, changed.iter().copied()).ok().flatten()
        });
        let frame = filled.map(|(fb, _)| {
            let damage_clips = clips.as_ref().map(PlaneDamageClips::blob);
            let (transform, alpha) = (Transform::Normal, 1.0);
            let config = PlaneConfig { src, dst, transform, alpha, damage_clips, fb, fence: None };
            PlaneState { handle: self.surface.plane(), config: Some(config) }
        });
        let planes = frame.into_iter().chain(pointer);
        if self.surface.commit_pending() {
            self.surface.commit(planes, true)?;
        } else {
            self.surface.page_flip(planes, true)?;
        }
        Ok(())
    }
}

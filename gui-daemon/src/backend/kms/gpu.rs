//! Drawing by a card's own GPU: whether it is to, and the buffers that it draws to and the screen shows.
//!
//! A frame is drawn in the GPU's memory (`render::Canvas`); what a buffer has missed of it is laid there by the GPU, as the CPU
//! copies it otherwise. A GPU that fails once is not asked again: the CPU can do all of it.

use std::{fs, path::Path};

use smithay::{
    backend::{
        allocator::{
            Allocator as _, Fourcc, Modifier,
            dmabuf::{AsDmabuf as _, Dmabuf},
            gbm::{GbmAllocator, GbmBuffer, GbmBufferFlags, GbmDevice},
        },
        drm::{
            DrmDeviceFd, DrmError, DrmSurface, PlaneConfig, PlaneState,
            gbm::{GbmFramebuffer, framebuffer_from_bo},
        },
        renderer::gles::GlesRenderer,
    },
    reexports::drm::control::framebuffer,
    utils::{Rectangle, Size, Transform},
};
use tracing::{info, warn};
use transom_gpu::{Gpu, GpuError};

use crate::{config::RendererChoice, render::Canvas};

use super::{Rect, ScanoutError};

/// What is known of a card's GPU.
#[derive(Debug)]
pub(super) enum CardGpu {
    /// Nobody has looked.
    Unknown,
    /// There is none, or it has failed.
    None,
    /// It draws.
    There(Box<Driver>),
}

/// A driver that is open.
#[derive(Debug)]
pub(super) struct Driver {
    gpu: Gpu,
    allocator: GbmAllocator<DrmDeviceFd>,
}

impl CardGpu {
    /// The driver for a screen that is to be drawn like that, opened when first asked for.
    pub fn chosen(&mut self, choice: RendererChoice, fd: &DrmDeviceFd, card: &Path) -> Option<&mut Driver> {
        if choice == RendererChoice::Pixman {
            return None;
        }
        // A driver is large, and not to be loaded only to find that it would be the CPU that draws.
        if matches!(self, Self::Unknown) && (choice == RendererChoice::Gles || has_renderer(card)) {
            *self = match Driver::open(fd) {
                Ok(driver) => Self::There(Box::new(driver)),
                Err(error) => {
                    info!(card = %card.display(), "the CPU draws, for want of a GPU's driver: {error}");
                    Self::None
                }
            };
        }
        match self {
            Self::There(driver) if choice == RendererChoice::Gles || !driver.gpu.is_software() => {
                Some(driver)
            }
            _ => None,
        }
    }

    /// A renderer of the driver that is open.
    pub fn renderer(&self) -> Option<Result<GlesRenderer, GpuError>> {
        match self {
            Self::There(driver) => Some(driver.gpu.renderer()),
            Self::Unknown | Self::None => None,
        }
    }
}

/// Whether a card's device can draw: its kernel driver has a second node for that, beside the one that shows.
fn has_renderer(card: &Path) -> bool {
    let Some(name) = card.file_name() else { return false };
    let nodes = fs::read_dir(Path::new("/sys/class/drm").join(name).join("device/drm"));
    let mut names = nodes.into_iter().flatten().flatten().map(|node| node.file_name());
    names.any(|name| name.as_encoded_bytes().starts_with(b"renderD"))
}

impl Driver {
    fn open(fd: &DrmDeviceFd) -> Result<Self, GpuError> {
        let device = GbmDevice::new(fd.clone()).map_err(GpuError::Gbm)?;
        let gpu = Gpu::of_device(device.clone())?;
        let flags = GbmBufferFlags::RENDERING | GbmBufferFlags::SCANOUT;
        Ok(Self { gpu, allocator: GbmAllocator::new(device, flags) })
    }

    /// Two buffers that the screen takes, if there is a kind that both it and the GPU know; says why not, once.
    pub fn buffers(&mut self, surface: &DrmSurface, size: (u16, u16)) -> Option<[GpuBuffer; 2]> {
        let code = Fourcc::Xrgb8888;
        let drawn = self.gpu.formats();
        let known = surface.plane_info().formats.iter().filter(|format| format.code == code);
        let common = known.filter(|format| drawn.contains(format)).map(|format| format.modifier);
        // Of whatever kind the driver thinks right, if the kinds that have names do not do.
        let kinds = [common.collect(), vec![Modifier::Invalid]];
        let mut refused = None;
        for modifiers in kinds.iter().filter(|kinds| !kinds.is_empty()) {
            match self.pair(surface, size, modifiers) {
                Ok(pair) => return Some(pair),
                Err(error) => refused = Some(error),
            }
        }
        if let Some(error) = refused {
            warn!("the CPU draws, for want of buffers that a GPU draws to: {error}");
        }
        None
    }

    /// Two buffers of one of these kinds, with which the screen has been tried.
    fn pair(
        &mut self,
        surface: &DrmSurface,
        size: (u16, u16),
        modifiers: &[Modifier],
    ) -> Result<[GpuBuffer; 2], ScanoutError> {
        let (one, other) = (self.buffer(surface, size, modifiers)?, self.buffer(surface, size, modifiers)?);
        surface.test_state([one.state(surface, size)], true)?;
        Ok([one, other])
    }

    fn buffer(
        &mut self,
        surface: &DrmSurface,
        (width, height): (u16, u16),
        modifiers: &[Modifier],
    ) -> Result<GpuBuffer, ScanoutError> {
        let (width, height) = (width.into(), height.into());
        let made = self.allocator.create_buffer(width, height, Fourcc::Xrgb8888, modifiers);
        let memory = made.map_err(|error| ScanoutError::Buffer { width, height, error })?;
        let dmabuf = memory.export()?;
        let framebuffer = framebuffer_from_bo(surface.device_fd(), &memory, true).map_err(DrmError::from)?;
        Ok(GpuBuffer { framebuffer, dmabuf, _memory: memory })
    }
}

/// Memory that a GPU draws to and the device shows.
#[derive(Debug)]
pub(super) struct GpuBuffer {
    framebuffer: GbmFramebuffer,
    dmabuf: Dmabuf,
    _memory: GbmBuffer,
}

impl GpuBuffer {
    /// Lays these rectangles of what a canvas shows into it. They do not overlap.
    pub fn fill(&mut self, rects: &[Rect], canvas: &Canvas) -> Result<(), ScanoutError> {
        Ok(canvas.lay_on_gpu(rects, &mut self.dmabuf)?)
    }

    pub fn framebuffer(&self) -> framebuffer::Handle {
        *self.framebuffer.as_ref()
    }

    fn state(&self, surface: &DrmSurface, (width, height): (u16, u16)) -> PlaneState<'static> {
        let size = Size::from((i32::from(width), i32::from(height)));
        let src = Rectangle::from_size((f64::from(width), f64::from(height)).into());
        let (dst, fb) = (Rect::from_size(size), self.framebuffer());
        let (transform, alpha) = (Transform::Normal, 1.0);
        let config = PlaneConfig { src, dst, transform, alpha, damage_clips: None, fb, fence: None };
        PlaneState { handle: surface.plane(), config: Some(config) }
    }
}

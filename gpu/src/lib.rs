//! OpenGL ES, behind functions that are safe to call.
//!
//! The job: to open a GPU's driver and make renderers for it, which takes unsafe code that nothing else of the compositor
//! is to contain. The driver is a library that is loaded when it is first asked for, so that a machine without one needs none.
//!
//! Invariants: every [`EGLDisplay`] of the process is made here; a context is made for one renderer and known to no other.

#![allow(unsafe_code)]

use std::io;

use smithay::backend::{
    allocator::{format::FormatSet, gbm::GbmDevice},
    drm::DrmDeviceFd,
    egl::{EGLContext, EGLDevice, EGLDisplay, native::EGLNativeDisplay},
    renderer::gles::{Capability, GlesError, GlesRenderer},
};

/// By what name the dynamic linker finds EGL.
const LIBRARY: &str = "libEGL.so.1";

/// Why a GPU cannot be drawn with.
#[derive(Debug, thiserror::Error)]
pub enum GpuError {
    /// There is no EGL on this machine.
    #[error("{0}: install libegl1 and libgl1-mesa-dri")]
    NoLibrary(#[source] libloading::Error),
    /// The device has no memory that a GPU draws to.
    #[error("no GBM: {0}")]
    Gbm(#[source] io::Error),
    /// The driver cannot be opened.
    #[error("EGL: {0}")]
    Egl(#[from] smithay::backend::egl::Error),
    /// The driver does not draw.
    #[error("OpenGL ES: {0}")]
    Gles(#[from] GlesError),
    /// No driver draws on the CPU.
    #[error("there is no software driver")]
    NoSoftware,
    /// The driver is too old.
    #[error("the driver has no OpenGL ES 3")]
    TooOld,
}

/// A driver that draws.
#[derive(Debug)]
pub struct Gpu {
    display: EGLDisplay,
    is_software: bool,
}

impl Gpu {
    /// The driver of a device that shows pictures.
    ///
    /// # Errors
    /// If there is none.
    pub fn of_device(device: GbmDevice<DrmDeviceFd>) -> Result<Self, GpuError> {
        let display = open(device)?;
        // A driver that does not tell is taken for what it is opened as, a GPU's.
        let is_software = EGLDevice::device_for_display(&display).is_ok_and(|device| device.is_software());
        Ok(Self { display, is_software })
    }

    /// The driver that draws on the CPU, without a device: for tests.
    ///
    /// # Errors
    /// If there is none.
    pub fn software() -> Result<Self, GpuError> {
        require_library()?;
        let device = EGLDevice::enumerate()?.find(EGLDevice::is_software).ok_or(GpuError::NoSoftware)?;
        Ok(Self { display: open(device)?, is_software: true })
    }

    /// Whether the CPU does the work.
    pub fn is_software(&self) -> bool {
        self.is_software
    }

    /// The kinds of buffer that it draws to.
    pub fn formats(&self) -> &FormatSet {
        self.display.dmabuf_render_formats()
    }

    /// A renderer with a context of its own.
    ///
    /// # Errors
    /// If the driver makes none, or not one of OpenGL ES 3.
    pub fn renderer(&self) -> Result<GlesRenderer, GpuError> {
        let context = EGLContext::new(&self.display)?;
        // SAFETY: the context must not be current in another thread. It was made a line above, is given away whole, and the
        // renderer that it becomes stays in the thread it is made in.
        let renderer = unsafe { GlesRenderer::new(context) }?;
        if renderer.capabilities().contains(&Capability::Blit) { Ok(renderer) } else { Err(GpuError::TooOld) }
    }
}

fn open<N: EGLNativeDisplay + 'static>(native: N) -> Result<EGLDisplay, GpuError> {
    require_library()?;
    // SAFETY: nobody but smithay may ask EGL for displays, so that none is closed under another's hands. All of this
    // process are made here.
    Ok(unsafe { EGLDisplay::new(native) }?)
}

/// smithay takes it for granted.
fn require_library() -> Result<(), GpuError> {
    // SAFETY: what the library does when it is loaded must be sound, and what it does when it is unloaded. It is the system's,
    // by its own name; smithay loads it next and never unloads it.
    unsafe { libloading::Library::new(LIBRARY) }.map(drop).map_err(GpuError::NoLibrary)
}

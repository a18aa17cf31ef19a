//! The pointer, where the device lays a small picture over the frame by itself: moving it moves no pixels.

use std::sync::Arc;

use smithay::{
    backend::drm::{DrmDevice, DrmSurface, PlaneClaim, PlaneConfig, PlaneState},
    reexports::drm::{Device as _, control::plane},
    utils::{Rectangle, Transform},
};

use super::{
    Rect,
    scanout::{Buffer, ScanoutError},
};
use crate::render::PointerPicture;

/// Drivers of virtual screens: their pointer planes are pointers of the host, which has to be told the point that points, and
/// cannot be told it here. Drawn in the frame, it is where it belongs.
const POINTERS_OF_HOSTS: [&str; 4] = ["virtio_gpu", "vmwgfx", "qxl", "vboxvideo"];

/// A plane for the pointer, and its two buffers: that of the screen is never written to.
#[derive(Debug)]
pub(super) struct PointerPlane {
    plane: plane::Handle,
    // Keeps it from other screens of the device.
    _claim: PlaneClaim,
    size: (u32, u32),
    screen: Rect,
    buffers: [Buffer; 2],
    /// The picture that is in each.
    loaded: [Option<Arc<PointerPicture>>; 2],
    wanted: Option<Place>,
    shown: Option<Place>,
    /// The buffer that `shown` is in.
    front: usize,
    /// Whether the device is known to show `shown`.
    known: bool,
}

/// A picture, and where on the screen its corner is, in the screen's pixels.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub picture: Arc<PointerPicture>,
    pub at: (i32, i32),
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.picture, &other.picture) && self.at == other.at
    }
}

/// Whether a device has a plane for the pointer that can be used: if nobody has decided, where it is not a host's.
pub(super) fn is_usable(device: &DrmDevice, wanted: Option<bool>) -> bool {
    let is_hosts = || {
        let driver = device.get_driver().ok();
        let name = driver.map(|driver| driver.name().to_string_lossy().into_owned()).unwrap_or_default();
        POINTERS_OF_HOSTS.contains(&name.as_str())
    };
    wanted.unwrap_or_else(|| !is_hosts())
}

impl PointerPlane {
    /// The plane for the pointer of a screen of this size, if it has one.
    pub fn new(device: &DrmDevice, surface: &DrmSurface, screen: Rect) -> Result<Option<Self>, ScanoutError> {
        let planes = surface.planes().cursor.iter();
        let Some((plane, claim)) =
            planes.map(|info| info.handle).find_map(|plane| Some((plane, surface.claim_plane(plane)?)))
        else {
            return Ok(None);
        };
        let size = (device.cursor_size().w, device.cursor_size().h);
        let buffers =
            [Buffer::new(device.device_fd(), size, true)?, Buffer::new(device.device_fd(), size, true)?];
        let loaded = [None, None];
        let (wanted, shown, front, known) = (None, None, 0, false);
        Ok(Some(Self { plane, _claim: claim, size, screen, buffers, loaded, wanted, shown, front, known }))
    }

    /// The largest picture, in pixels.
    pub fn size(&self) -> (u32, u32) {
        self.size
    }

    /// Shows the pointer there with the next flip, or none. On another screen it is none.
    pub fn set(&mut self, place: Option<Place>) {
        let area = |place: &Place| self.area(place.at);
        self.wanted = place.filter(|place| area(place).overlaps(self.screen));
    }

    fn area(&self, at: (i32, i32)) -> Rect {
        let side = |side: u32| i32::try_from(side).unwrap_or(i32::MAX);
        Rect::new(at.into(), (side(self.size.0), side(self.size.1)).into())
    }

    /// Whether the screen shows it as it is to be.
    pub fn is_shown(&self) -> bool {
        self.known && self.wanted == self.shown
    }

    /// What the device shows is unknown.
    pub fn lost(&mut self) {
        self.known = false;
    }

    /// What the next flip has to say, if anything.
    pub fn state(&mut self) -> Option<PlaneState<'static>> {
        if self.is_shown() {
            return None;
        }
        let Some(Place { picture, at }) = &self.wanted else {
            return Some(PlaneState { handle: self.plane, config: None });
        };
        let dst = self.area(*at);
        let holds =
            |loaded: &Option<Arc<PointerPicture>>| loaded.as_ref().is_some_and(|it| Arc::ptr_eq(it, picture));
        if !self.loaded.get(self.front).is_some_and(holds) {
            self.front = 1 - self.front;
        }
        let (buffer, loaded) = (self.buffers.get_mut(self.front)?, self.loaded.get_mut(self.front)?);
        if !holds(loaded) {
            let image = buffer.pixels();
            picture.lay_into(image.pixels, image.stride);
            *loaded = Some(Arc::clone(picture));
        }
        let (width, height) = self.size;
        let config = PlaneConfig {
            src: Rectangle::from_size((f64::from(width), f64::from(height)).into()),
            dst,
            transform: Transform::Normal,
            alpha: 1.0,
            damage_clips: None,
            fb: buffer.framebuffer(),
            fence: None,
        };
        Some(PlaneState { handle: self.plane, config: Some(config) })
    }

    /// The flip is under way.
    pub fn flipped(&mut self) {
        self.shown.clone_from(&self.wanted);
        self.known = true;
    }
}

//! The pointer's looks: what clients set, told to the GUI domain for the window the pointer is over.
//!
//! A cursor that is a surface goes as a picture, drawn anew when the surface changes; an animated one at most once per
//! frame, and only while the channel has room. The GUI domain bounds what it takes, and larger ones are shrunk.

use std::time::{Duration, Instant};

use gui_protocol::{CursorImage, CursorLook, Scale, WindowId, limits::MAX_CURSOR_SIDE};
use smithay::{
    input::pointer::{CursorIcon, CursorImageStatus, CursorImageSurfaceData},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{IsAlive, Logical, Physical, Point, Rectangle, Size},
    wayland::compositor::{SurfaceAttributes, with_states},
};
use tracing::{debug, info};
use wayland_guard::FAR;

use crate::{compose::Density, state::State, still, surface};

/// Units of a [`Scale`].
const UNIT: f64 = 120.0;
/// The least and the greatest.
const LEAST: f64 = 0.5;
const MOST: f64 = 8.0;

/// The cursor that is a surface, if it is one.
#[derive(Debug)]
pub(crate) struct CursorSurface {
    shown: Option<(WindowId, WlSurface)>,
    /// Whether it has changed since it was drawn last.
    changed: bool,
    drawn: Option<Instant>,
    /// The least time between two drawings.
    interval: Duration,
    /// Whether one too large was reported, which once is enough for.
    complained: bool,
}

impl CursorSurface {
    pub(crate) fn new(interval: Duration) -> Self {
        Self { shown: None, changed: false, drawn: None, interval, complained: false }
    }

    /// When it is to be drawn again, if it has changed. Not before `now`.
    pub(crate) fn next_due(&self, now: Instant) -> Option<Instant> {
        let due = self.drawn.map_or(now, |drawn| drawn + self.interval);
        self.changed.then_some(due.max(now))
    }
}

impl State {
    /// A client sets the looks of the pointer, or of a tool, which is over this window of its.
    pub(super) fn set_cursor(&mut self, window: Option<WindowId>, image: CursorImageStatus) {
        let Some(window) = window else { return };
        self.cursor.shown = None;
        let look = match image {
            CursorImageStatus::Named(icon) => CursorLook::Shape(number_of(icon)),
            CursorImageStatus::Hidden => CursorLook::Hidden,
            CursorImageStatus::Surface(surface) => {
                self.frames.committed(&surface);
                self.cursor.shown = Some((window, surface));
                // another one is no animation
                (self.cursor.changed, self.cursor.drawn) = (true, None);
                return;
            }
        };
        self.cursor.changed = false;
        self.link.conn.cursor(window, look);
    }

    /// A surface has other content or is gone. Tells whether it is the cursor.
    pub(super) fn cursor_surface_changed(&mut self, surface: &WlSurface) -> bool {
        let is_shown = self.cursor.shown.as_ref().is_some_and(|(_, shown)| shown == surface);
        self.cursor.changed |= is_shown;
        is_shown
    }

    /// The pointer has left: what it looked like there does not change any more until the client sets it anew.
    pub(crate) fn forget_cursor(&mut self) {
        self.cursor.shown = None;
        self.cursor.changed = false;
    }

    /// A cursor's surface was committed. One that is not shown gets no frame callbacks.
    pub(super) fn cursor_committed(&mut self, surface: &WlSurface) {
        let delta = with_states(surface, |states| {
            states.cached_state.get::<SurfaceAttributes>().current().buffer_delta.take()
        });
        if let Some(delta) = delta {
            move_hotspot(surface, delta);
        }
        if self.cursor_surface_changed(surface) {
            self.frames.committed(surface);
        }
    }

    /// Draws the cursor if that is due, and tells the GUI domain.
    pub(crate) fn update_cursor(&mut self, now: Instant) {
        if self.cursor.next_due(now).is_none_or(|due| due > now) {
            return;
        }
        self.cursor.changed = false;
        self.cursor.drawn = Some(now);
        let Some((window, surface)) = self.cursor.shown.clone() else { return };
        if self.windows.get(window).is_none() {
            return;
        }
        let look = match self.draw_cursor(&surface) {
            Ok(image) => CursorLook::Image(image),
            Err(NoCursor::Empty) => CursorLook::Hidden,
            Err(NoCursor::TooLarge) => {
                if !std::mem::replace(&mut self.cursor.complained, true) {
                    info!("a cursor is too large to be shown, the usual one is shown instead");
                }
                CursorLook::default()
            }
        };
        self.link.conn.cursor(window, look);
    }

    fn draw_cursor(&mut self, surface: &WlSurface) -> Result<CursorImage, NoCursor> {
        if !surface.alive() {
            return Err(NoCursor::Empty);
        }
        let mut layers = Vec::new();
        surface::layers(surface, |layer, _| layers.push(layer));
        let root = layers.iter().find(|layer| layer.surface == *surface).ok_or(NoCursor::Empty)?;
        let area = surface::bounds(surface);
        let (density, size) = fit(area.size, root.view.density()).ok_or(NoCursor::TooLarge)?;
        let scale = Scale::new(density.0).ok_or(NoCursor::TooLarge)?;
        let factor = f64::from(density.0) / UNIT;
        let hotspot: Point<i32, Physical> =
            (hotspot_of(surface) - area.loc).to_f64().to_physical(factor).to_i32_round();
        let hotspot = hotspot.constrain(Rectangle::from_size(size));
        let pixels = still::of_layers(layers, area.loc, density, size).map_err(|error| {
            debug!("a cursor could not be drawn: {error}");
            NoCursor::Empty
        })?;
        let side = |it: i32| it.unsigned_abs();
        let image = CursorImage::new(
            (side(size.w), side(size.h)),
            (
                side(hotspot.x).min(side(size.w).saturating_sub(1)),
                side(hotspot.y).min(side(size.h).saturating_sub(1)),
            ),
            scale,
            pixels,
        );
        image.ok_or(NoCursor::TooLarge)
    }
}

/// Why a cursor surface makes no picture.
enum NoCursor {
    Empty,
    TooLarge,
}

/// The density nearest to `wanted`, pixels for each logical one, at which `size` is small enough for the protocol, and the
/// size in pixels then.
fn fit(size: Size<i32, Logical>, wanted: f64) -> Option<(Density, Size<i32, Physical>)> {
    let limit = MAX_CURSOR_SIDE as i32;
    let most = f64::from(limit) / f64::from(size.w.max(size.h).max(1));
    // rounded down, so that the longest side is not a pixel too long
    let density = Density((wanted.min(most).clamp(LEAST, MOST) * UNIT).floor() as u32);
    let pixels = density.size(size);
    (pixels.w <= limit && pixels.h <= limit).then_some((density, pixels))
}

fn hotspot_of(surface: &WlSurface) -> Point<i32, Logical> {
    let hotspot = with_states(surface, |states| {
        let data = states.data_map.get::<CursorImageSurfaceData>()?.lock().ok()?;
        Some(data.hotspot)
    });
    let Point { x, y, .. } = hotspot.unwrap_or_default();
    // the client's own number, which may be any
    (x.clamp(-FAR, FAR), y.clamp(-FAR, FAR)).into()
}

/// A buffer attached with an offset moves the image under the pointer, and the hot spot in the image.
fn move_hotspot(surface: &WlSurface, delta: Point<i32, Logical>) {
    with_states(surface, |states| {
        if let Some(mut data) = states.data_map.get::<CursorImageSurfaceData>().and_then(|it| it.lock().ok())
        {
            let Point { x, y, .. } = data.hotspot;
            data.hotspot = (x.saturating_sub(delta.x), y.saturating_sub(delta.y)).into();
        }
    });
}

/// A cursor's number in Wayland's cursor-shape protocol.
fn number_of(icon: CursorIcon) -> u32 {
    match icon {
        CursorIcon::ContextMenu => 2,
        CursorIcon::Help => 3,
        CursorIcon::Pointer => 4,
        CursorIcon::Progress => 5,
        CursorIcon::Wait => 6,
        CursorIcon::Cell => 7,
        CursorIcon::Crosshair => 8,
        CursorIcon::Text => 9,
        CursorIcon::VerticalText => 10,
        CursorIcon::Alias => 11,
        CursorIcon::Copy => 12,
        CursorIcon::Move => 13,
        CursorIcon::NoDrop => 14,
        CursorIcon::NotAllowed => 15,
        CursorIcon::Grab => 16,
        CursorIcon::Grabbing => 17,
        CursorIcon::EResize => 18,
        CursorIcon::NResize => 19,
        CursorIcon::NeResize => 20,
        CursorIcon::NwResize => 21,
        CursorIcon::SResize => 22,
        CursorIcon::SeResize => 23,
        CursorIcon::SwResize => 24,
        CursorIcon::WResize => 25,
        CursorIcon::EwResize => 26,
        CursorIcon::NsResize => 27,
        CursorIcon::NeswResize => 28,
        CursorIcon::NwseResize => 29,
        CursorIcon::ColResize => 30,
        CursorIcon::RowResize => 31,
        CursorIcon::AllScroll => 32,
        CursorIcon::ZoomIn => 33,
        CursorIcon::ZoomOut => 34,
        CursorIcon::DndAsk => 35,
        CursorIcon::AllResize => 36,
        // also those that are not invented yet
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_have_the_numbers_of_the_protocol() {
        use smithay::reexports::wayland_protocols::wp::cursor_shape::v1::server::wp_cursor_shape_device_v1::Shape;
        for (icon, shape) in [
            (CursorIcon::Default, Shape::Default),
            (CursorIcon::Text, Shape::Text),
            (CursorIcon::EResize, Shape::EResize),
            (CursorIcon::AllScroll, Shape::AllScroll),
            (CursorIcon::AllResize, Shape::AllResize),
        ] {
            assert_eq!(number_of(icon), shape as u32);
        }
    }

    #[test]
    fn cursors_are_shrunk_until_they_fit() {
        let pixels = |size: (i32, i32), density| {
            fit(size.into(), density).map(|(density, size)| (density.0, size.w, size.h))
        };
        assert_eq!(pixels((24, 24), 1.0), Some((120, 24, 24)));
        assert_eq!(pixels((24, 24), 1.5), Some((180, 36, 36)));
        assert_eq!(pixels((256, 16), 2.0), Some((120, 256, 16)));
        assert_eq!(pixels((300, 300), 1.0), Some((102, 255, 255)));
        assert_eq!(pixels((512, 1), 4.0), Some((60, 256, 1)));
        assert_eq!(pixels((513, 1), 4.0), None);
        assert_eq!(pixels((1, 1), 0.001), Some((60, 1, 1)));
        assert_eq!(pixels((32767, 32767), 1.0), None);
    }
}

//! Where the desktop is shown and where input comes from.

pub mod headless;
pub mod nested;

use smithay::input::pointer::CursorIcon;
use smithay::reexports::calloop::{EventSource, Poll, PostAction, Readiness, Token, TokenFactory};
use smithay::utils::{Physical, Rectangle, Size};

use crate::config::Output;
pub use headless::Headless;
pub use nested::Nested;

/// The place where the desktop is shown.
#[derive(Debug)]
pub enum Backend {
    /// Nowhere: a virtual screen, with the pace of a real one.
    Headless(Headless),
    /// A window in an X11 or Wayland session.
    Nested(Nested),
}

/// What a backend tells. Times are milliseconds of the monotonic clock, wrapping.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "fields say it")]
pub enum BackendEvent {
    /// The screen takes the frame asked for with [`Backend::schedule_frame`]: draw, present, send frame callbacks.
    Frame,
    /// The host lost our pixels: present the whole screen again.
    Redraw,
    /// The screen has a new size in pixels.
    Resized { w: u32, h: u32 },
    /// A key by evdev code; never a repeat.
    Key { keycode: u32, pressed: bool, time_ms: u32 },
    /// The pointer is at a place on the screen, in pixels.
    PointerMotion { x: f64, y: f64, time_ms: u32 },
    /// A button by evdev code.
    PointerButton { button: u32, pressed: bool, time_ms: u32 },
    /// Scrolling, right and down positive: in pixels, and in 120ths of a wheel's step (0 for a touchpad).
    PointerAxis { dx: f64, dy: f64, v120: (i32, i32), time_ms: u32 },
    /// The pointer left the screen.
    PointerLeft,
    /// The host took the keyboard: every key is to be taken for released.
    FocusLost,
    /// The user closed the host's window.
    CloseRequested,
}

/// Why a backend could not start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BackendError(String);

impl Backend {
    /// A virtual screen. Insert the source into the loop and keep the backend in the state.
    pub fn headless(_output: &Output) -> Result<(Self, BackendSource), BackendError> {
        todo!()
    }

    /// A window of the host's session.
    pub fn nested(_output: &Output) -> Result<(Self, BackendSource), BackendError> {
        todo!()
    }

    /// The screen's size in pixels.
    pub fn size(&self) -> Size<i32, Physical> {
        todo!()
    }

    /// The screen's refresh in mHz, as wl_output tells it; 0 is unthrottled.
    pub fn refresh_mhz(&self) -> i32 {
        todo!()
    }

    /// Whether input may be injected over the control socket.
    pub fn is_headless(&self) -> bool {
        matches!(self, Self::Headless(_))
    }

    /// Asks for one [`BackendEvent::Frame`] when the screen can take it.
    pub fn schedule_frame(&mut self) {}

    /// Shows what changed. `read(y, x, out)` fills `out` with the pixels of row `y` from column `x`.
    pub fn present(
        &mut self,
        _damage: &[Rectangle<i32, Physical>],
        _read: &mut dyn FnMut(u32, u32, &mut [u32]),
    ) -> Result<(), BackendError> {
        todo!()
    }

    /// Chooses the host's cursor over the window; `None` hides it.
    pub fn set_cursor(&mut self, _icon: Option<CursorIcon>) {}
}

/// The event source of a backend.
#[derive(Debug)]
pub struct BackendSource {}

impl EventSource for BackendSource {
    type Event = BackendEvent;
    type Metadata = ();
    type Ret = ();
    type Error = std::io::Error;

    fn process_events<F>(&mut self, _: Readiness, _: Token, _: F) -> Result<PostAction, Self::Error>
    where
        F: FnMut(Self::Event, &mut ()),
    {
        todo!()
    }

    fn register(&mut self, _: &mut Poll, _: &mut TokenFactory) -> smithay::reexports::calloop::Result<()> {
        todo!()
    }

    fn reregister(&mut self, _: &mut Poll, _: &mut TokenFactory) -> smithay::reexports::calloop::Result<()> {
        todo!()
    }

    fn unregister(&mut self, _: &mut Poll) -> smithay::reexports::calloop::Result<()> {
        todo!()
    }
}

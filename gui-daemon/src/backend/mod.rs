//! Where the desktop is shown and where input comes from.
//!
//! A backend has two halves: [`Backend`] is kept in the daemon's state and takes what is to be shown, [`BackendSource`]
//! goes into the event loop and yields [`BackendEvent`]s. Pixels are drawn elsewhere, on a [`Canvas`]; a backend only copies
//! them from there. Invariant: every backend behaves as a screen, that is, it takes frames at its own pace, one for each time it was
//! asked, and wakes nobody while none is wanted.

pub mod clock;
mod headless;
mod kms;
mod nested;
mod tablet;
mod touch;

use std::{io, sync::Arc, time::Duration};

use smithay::{
    backend::{renderer::gles::GlesRenderer, session::libseat},
    input::{keyboard::LedState, pointer::CursorIcon},
    reexports::calloop::{
        self, EventSource, Interest, Mode, Poll, PostAction, Readiness, Token, TokenFactory, generic::Generic,
    },
    utils::{Physical, Rectangle},
};
use tracing::error;
use transom_gpu::GpuError;

use self::clock::RefreshClock;
pub use smithay::backend::input::AxisSource;

pub use self::{
    headless::Headless,
    kms::{CardError, Kms, ScanoutError},
    nested::Nested,
    tablet::Tool,
    touch::{Gesture, Touch},
};
use crate::{
    config::{InputConfig, OutputConfig},
    render::{Canvas, PointerPicture},
    shell::geom,
};

/// A part of the screen, in its pixels.
type Rect = Rectangle<i32, Physical>;

/// One output for as long as it is there; never used again for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutputId(pub u32);

/// The place where the desktop is shown.
#[derive(Debug)]
pub enum Backend {
    /// Nowhere: virtual screens.
    Headless(Headless),
    /// A window in an X11 or Wayland session.
    Nested(Nested),
    /// The machine's own screens.
    Kms(Kms),
}

/// Memory that a frame goes to.
#[derive(Debug)]
struct Image<'a> {
    /// Rows from the top, each from the left; XRGB in native byte order, its unused byte of any value.
    pixels: &'a mut [u32],
    /// Pixels from the start of a row to the start of the next.
    stride: usize,
}

/// Brings a rectangle of an image of the screen's size up to date.
fn copy(canvas: &Canvas, rect: Rect, image: Image<'_>) {
    let rect = geom::Rect::new(rect.loc.x, rect.loc.y, rect.size.w, rect.size.h);
    if let Err(error) = canvas.copy_rows(rect, image.pixels, image.stride) {
        error!(%error, "the screen's memory is not of the screen's size");
    }
}

/// When a frame is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Now, as far as one can tell.
    Now,
    /// When [`BackendEvent::Presented`] comes.
    Later,
    /// Not at all.
    Nowhere,
}

/// What a backend tells. `time_ms` is [`now_ms`]; positions and distances are in logical pixels of the desktop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum BackendEvent {
    /// This screen takes the frame asked for with [`Backend::schedule_frame`]: draw, present, send frame callbacks.
    Frame(OutputId),
    /// The frame for which [`Backend::present`] has said [`Shown::Later`] is on the screen.
    Presented {
        /// Which.
        output: OutputId,
        /// Since when, on the monotonic clock.
        time: Duration,
        /// The screen's own count of its refreshes, wrapping; 0 where it has none, and `time` is no more than about right.
        frame: u32,
    },
    /// Other screens are there than before, or the same with other modes.
    OutputsChanged,
    /// The host lost what was presented: present the whole screen again.
    Redraw,
    /// The only screen has this size now, and nothing presented before is shown any more.
    Resized {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// A key went down or up; never a repeat.
    Key {
        /// Evdev code.
        keycode: u32,
        /// Down or up.
        pressed: bool,
        /// When.
        time_ms: u32,
    },
    /// The pointer is at this place.
    PointerMotion {
        /// From the left edge.
        x: f64,
        /// From the top edge.
        y: f64,
        /// When.
        time_ms: u32,
    },
    /// The pointer goes on from where it is.
    PointerMotionBy {
        /// To the right.
        dx: f64,
        /// Down.
        dy: f64,
        /// When.
        time_ms: u32,
    },
    /// A pointer button went down or up.
    PointerButton {
        /// Evdev code.
        button: u32,
        /// Down or up.
        pressed: bool,
        /// When.
        time_ms: u32,
    },
    /// Something scrolled, right and down positive.
    PointerAxis {
        /// Pixels to the right.
        dx: f64,
        /// Pixels down.
        dy: f64,
        /// The same in 120ths of a wheel's click, if a wheel did it.
        v120: Option<(i32, i32)>,
        /// What did it.
        source: AxisSource,
        /// When.
        time_ms: u32,
    },
    /// The fingers that scrolled were lifted: along these axes it goes on by itself or ends.
    PointerAxisStop {
        /// To the right.
        horizontal: bool,
        /// Down.
        vertical: bool,
        /// When.
        time_ms: u32,
    },
    /// The pointer's device moved, wherever the pointer is or may go.
    PointerRelative {
        /// Logical pixels to the right, accelerated as the pointer is.
        dx: f64,
        /// Logical pixels down.
        dy: f64,
        /// To the right as the device counts.
        dx_raw: f64,
        /// Down as the device counts.
        dy_raw: f64,
        /// Microseconds of the monotonic clock.
        time_us: u64,
    },
    /// A gesture on a touch pad.
    Gesture(Gesture, u32),
    /// A finger on a touch screen.
    Touch(Touch, u32),
    /// A tool on a graphics tablet.
    Tablet(Tool, u32),
    /// The pointer left the screen.
    PointerLeft,
    /// The keyboard was taken away: no release will come for the keys that are down.
    FocusLost,
    /// The user closed the host's window, or the host ended.
    CloseRequested,
}

impl BackendEvent {
    /// Whether the user did this.
    pub fn is_of_user(&self) -> bool {
        match self {
            Self::Key { .. }
            | Self::PointerMotion { .. }
            | Self::PointerMotionBy { .. }
            | Self::PointerButton { .. }
            | Self::PointerAxis { .. }
            | Self::Gesture(..)
            | Self::Touch(..)
            | Self::Tablet(..) => true,
            // the other two come with one of the above
            Self::PointerAxisStop { .. } | Self::PointerRelative { .. } => false,
            Self::Frame(_)
            | Self::Presented { .. }
            | Self::Redraw
            | Self::OutputsChanged
            | Self::Resized { .. }
            | Self::PointerLeft
            | Self::FocusLost
            | Self::CloseRequested => false,
        }
    }
}

impl BackendEvent {
    /// Whether it moves the pointer or uses its buttons or wheel.
    pub(crate) fn is_of_pointer(&self) -> bool {
        matches!(
            self,
            Self::PointerMotion { .. }
                | Self::PointerMotionBy { .. }
                | Self::PointerButton { .. }
                | Self::PointerAxis { .. }
        )
    }
}

/// Pixels scrolled by one click of a wheel, as libinput's 15 degrees are commonly taken.
const PIXELS_PER_CLICK: f64 = 15.0;

impl BackendEvent {
    /// Scrolling by clicks of a wheel, fractions allowed, right and down positive.
    pub fn wheel(right: f64, down: f64, time_ms: u32) -> Self {
        // The conversion saturates: a broken device's clicks stay a number.
        let v120 = |clicks: f64| (clicks * 120.0).round() as i32;
        Self::PointerAxis {
            dx: right * PIXELS_PER_CLICK,
            dy: down * PIXELS_PER_CLICK,
            v120: Some((v120(right), v120(down))),
            source: AxisSource::Wheel,
            time_ms,
        }
    }
}

/// The monotonic clock in microseconds.
pub fn now_us() -> u64 {
    u64::try_from(clock::monotonic().as_micros()).unwrap_or(u64::MAX)
}

/// The monotonic clock in milliseconds, wrapping, as input events carry it.
pub fn now_ms() -> u32 {
    clock::monotonic().as_millis() as u32
}

/// Why a backend could not start or show a frame.
#[derive(Debug, thiserror::Error)]
pub enum BackendError {
    /// No clock for the frames.
    #[error("no timer for the screen's refresh: {0}")]
    Clock(#[source] io::Error),
    /// No session to open a window in.
    #[error("the nested backend needs a running X11 or Wayland session: {0}")]
    NoHost(String),
    /// The session refused the window.
    #[error("the host's session refused a window: {0}")]
    Window(String),
    /// The session refused pixels.
    #[error("the host's session took no pixels: {0}")]
    Present(#[from] softbuffer::SoftBufferError),
    /// Nobody hands out screens and devices.
    #[error(
        "no seat ({0}): start seatd and be in its group (\"video\"), or log in at this machine where logind runs"
    )]
    NoSeat(#[source] libseat::Error),
    /// The seat is another's here.
    #[error("another display server has this virtual terminal: end that one, or start from another terminal")]
    SeatBusy,
    /// No list of devices.
    #[error("no udev: {0}")]
    NoUdev(#[source] io::Error),
    /// No screen can be reached.
    #[error(
        "no DRM device in /dev/dri: load the display's kernel driver, such as i915, amdgpu, bochs or virtio-gpu"
    )]
    NoCard,
    /// A screen's device is not to be had.
    #[error(transparent)]
    Card(#[from] CardError),
    /// No list of input devices.
    #[error("libinput cannot watch the seat's devices: is udev running?")]
    NoInput,
    /// A screen took no frame.
    #[error("the screen took no frame: {0}")]
    Scanout(#[from] ScanoutError),
}

impl Backend {
    /// A place for virtual screens, still without one.
    pub fn headless() -> Result<(Self, BackendSource), BackendError> {
        let (headless, source) = Headless::new()?;
        Ok((Self::Headless(headless), BackendSource(Source::Headless(source))))
    }

    /// A window of the host's session, at first of the configured size if the host allows it; the host sets the pace. It
    /// shows one output, the first that is connected.
    ///
    /// One per process, and on the main thread.
    pub fn nested(output: &OutputConfig) -> Result<(Self, BackendSource), BackendError> {
        let (nested, source) = nested::open(output)?;
        Ok((Self::Nested(nested), BackendSource(Source::Nested(Box::new(source)))))
    }

    /// The machine's own screens and input devices, as far as the seat of the user's session has them.
    /// Whether they lay the pointer over the frame is decided by `pointer_planes`, or left to what their drivers are known for.
    pub fn kms(
        input: InputConfig,
        pointer_planes: Option<bool>,
    ) -> Result<(Self, BackendSource), BackendError> {
        let (kms, source) = kms::open(input, pointer_planes)?;
        Ok((Self::Kms(kms), BackendSource(Source::Kms(Box::new(source)))))
    }

    /// What of these outputs this backend shows, as it shows them.
    pub fn shown(&self, outputs: &[OutputConfig]) -> Vec<OutputConfig> {
        match self {
            Self::Headless(_) => outputs.to_vec(),
            Self::Nested(nested) => outputs.iter().take(1).map(|output| nested.shown(output)).collect(),
            Self::Kms(kms) => kms.shown(outputs),
        }
    }

    /// Whether outputs may be added, changed and removed at will: only where there is nobody who sees them.
    pub fn outputs_are_virtual(&self) -> bool {
        match self {
            Self::Headless(_) => true,
            Self::Nested(_) | Self::Kms(_) => false,
        }
    }

    /// Shows an output from now on, or goes on in this mode.
    pub fn connect(&mut self, output: OutputId, config: &OutputConfig) -> Result<(), BackendError> {
        match self {
            Self::Headless(headless) => {
                headless.connect(output, config.refresh_hz).map_err(BackendError::Clock)
            }
            Self::Nested(nested) => {
                nested.connect(output);
                Ok(())
            }
            Self::Kms(kms) => kms.connect(output, config),
        }
    }

    /// Shows an output no longer.
    pub fn disconnect(&mut self, output: OutputId) {
        match self {
            Self::Headless(headless) => headless.disconnect(output),
            Self::Nested(_) => {}
            Self::Kms(kms) => kms.disconnect(output),
        }
    }

    /// Where devices that tell places on the desktop have them: pointers in the rectangle around all outputs, touch screens
    /// on the first.
    pub fn set_places(&self, all: geom::Rect, first: geom::Rect) {
        if let Self::Kms(kms) = self {
            kms.set_places(all, first);
        }
    }

    /// Shows on the keyboards which locks are on.
    pub fn set_leds(&self, leds: LedState) {
        if let Self::Kms(kms) = self {
            kms.set_leds(leds);
        }
    }

    /// Turns to another virtual terminal of the machine, where the screens are the machine's own.
    pub fn switch_terminal(&self, number: i32) {
        if let Self::Kms(kms) = self {
            kms.switch_terminal(number);
        }
    }

    /// An output's refresh rate in mHz, as `wl_output` tells it; 0 for an unthrottled one.
    pub fn refresh_mhz(&self, output: &OutputConfig) -> i32 {
        match self {
            Self::Headless(_) => i32::try_from(output.refresh_hz.saturating_mul(1000)).unwrap_or(i32::MAX),
            Self::Nested(nested) => nested.refresh_mhz(),
            Self::Kms(kms) => kms.refresh_mhz(output),
        }
    }

    /// Whether input may be injected: only where there is no user whose input it could be taken for.
    pub fn takes_injected_input(&self) -> bool {
        match self {
            Self::Headless(_) => true,
            Self::Nested(_) | Self::Kms(_) => false,
        }
    }

    /// Asks for one [`BackendEvent::Frame`], to come when this screen can take the next frame. Asking again before that
    /// changes nothing.
    pub fn schedule_frame(&self, output: OutputId) {
        let scheduled = match self {
            Self::Headless(headless) => headless.schedule_frame(output),
            Self::Nested(nested) => nested.schedule_frame(),
            Self::Kms(kms) => kms.schedule_frame(output),
        };
        if let Err(error) = scheduled {
            error!("no frame can be scheduled: {error}");
        }
    }

    /// Shows the damaged part of an output's frame; without damage, what of earlier frames could not be shown.
    ///
    /// Of `canvas` the damage is shown first of all, but also the rest when the screen's buffer has lost it. Damage outside
    /// the screen is ignored.
    pub fn present(
        &mut self,
        output: OutputId,
        damage: &[Rect],
        canvas: &Canvas,
    ) -> Result<Shown, BackendError> {
        match self {
            Self::Headless(_) => Ok(Shown::Now),
            Self::Nested(nested) => nested.present(damage, canvas),
            Self::Kms(kms) => kms.present(output, damage, canvas),
        }
    }

    /// The GPU that is to draw an output, by a number that it does not share with another; `None` where it is the CPU.
    pub fn gpu(&self, output: OutputId) -> Option<u64> {
        match self {
            Self::Headless(_) | Self::Nested(_) => None,
            Self::Kms(kms) => kms.gpu(output),
        }
    }

    /// A new renderer of the GPU that is to draw an output.
    pub fn renderer(&self, output: OutputId) -> Option<Result<GlesRenderer, GpuError>> {
        match self {
            Self::Headless(_) | Self::Nested(_) => None,
            Self::Kms(kms) => kms.renderer(output),
        }
    }

    /// The GPU that draws an output cannot: the CPU is to draw that, and whatever else this GPU has drawn.
    pub fn give_up_gpu(&self, output: OutputId) {
        if let Self::Kms(kms) = self {
            kms.give_up_gpu(output);
        }
    }

    /// The width and height of the largest picture of the pointer that the output's device lays over the frame by itself.
    pub fn pointer_plane(&self, output: OutputId) -> Option<(u32, u32)> {
        match self {
            Self::Headless(_) | Self::Nested(_) => None,
            Self::Kms(kms) => kms.pointer_plane(output),
        }
    }

    /// Lays a picture of the pointer over the frame from the next one on, with its corner at this pixel of the output, or
    /// none. To be called before [`Backend::present`] of each frame of an output that has a [`Backend::pointer_plane`].
    pub fn lay_pointer(&self, output: OutputId, picture: Option<(Arc<PointerPicture>, (i32, i32))>) {
        if let Self::Kms(kms) = self {
            kms.lay_pointer(output, picture);
        }
    }

    /// Holds the pointer still, so that only its relative motion is told, or lets go of it. Where there is no host, nobody
    /// else moves the pointer.
    pub fn hold_pointer(&mut self, hold: bool) {
        match self {
            Self::Headless(_) | Self::Kms(_) => {}
            Self::Nested(nested) => nested.hold_pointer(hold),
        }
    }

    /// Chooses the host's pointer shape over the screen; `None` hides it, for a pointer drawn into the frame.
    pub fn set_cursor(&mut self, icon: Option<CursorIcon>) {
        match self {
            Self::Headless(_) | Self::Kms(_) => {}
            Self::Nested(nested) => nested.set_cursor(icon),
        }
    }
}

/// The half of a backend that goes into the event loop. It removes itself when the host has ended.
#[derive(Debug)]
pub struct BackendSource(Source);

#[derive(Debug)]
enum Source {
    Headless(headless::HeadlessSource),
    Nested(Box<nested::NestedSource>),
    Kms(Box<kms::KmsSource>),
}

fn clock_source(clock: &RefreshClock) -> Generic<RefreshClock> {
    Generic::new(clock.clone(), Interest::READ, Mode::Level)
}

impl EventSource for BackendSource {
    type Event = BackendEvent;
    type Metadata = ();
    type Ret = ();
    type Error = io::Error;

    const NEEDS_EXTRA_LIFECYCLE_EVENTS: bool = true;

    fn before_sleep(&mut self) -> calloop::Result<Option<(Readiness, Token)>> {
        match &mut self.0 {
            Source::Headless(_) | Source::Kms(_) => Ok(None),
            Source::Nested(nested) => Ok(nested.before_sleep()),
        }
    }

    fn process_events<F>(
        &mut self,
        readiness: Readiness,
        token: Token,
        mut callback: F,
    ) -> io::Result<PostAction>
    where
        F: FnMut(BackendEvent, &mut ()),
    {
        match &mut self.0 {
            Source::Headless(headless) => headless
                .process_events(readiness, token, |output| callback(BackendEvent::Frame(output), &mut ())),
            Source::Nested(nested) => {
                nested.process_events(readiness, token, |event| callback(event, &mut ()))
            }
            Source::Kms(kms) => kms.process_events(readiness, token, |event| callback(event, &mut ())),
        }
    }

    fn register(&mut self, poll: &mut Poll, tokens: &mut TokenFactory) -> calloop::Result<()> {
        match &mut self.0 {
            Source::Headless(headless) => headless.register(poll, tokens),
            Source::Nested(nested) => nested.register(poll, tokens),
            Source::Kms(kms) => kms.register(poll, tokens),
        }
    }

    fn reregister(&mut self, poll: &mut Poll, tokens: &mut TokenFactory) -> calloop::Result<()> {
        match &mut self.0 {
            Source::Headless(headless) => headless.reregister(poll, tokens),
            Source::Nested(nested) => nested.reregister(poll, tokens),
            Source::Kms(kms) => kms.reregister(poll, tokens),
        }
    }

    fn unregister(&mut self, poll: &mut Poll) -> calloop::Result<()> {
        match &mut self.0 {
            Source::Headless(headless) => headless.unregister(poll),
            Source::Nested(nested) => nested.unregister(poll),
            Source::Kms(kms) => kms.unregister(poll),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use smithay::reexports::calloop::EventLoop;

    use super::*;

    const FIRST: OutputId = OutputId(0);
    const SECOND: OutputId = OutputId(1);

    fn unthrottled() -> OutputConfig {
        OutputConfig { refresh_hz: 0, ..OutputConfig::default() }
    }

    #[test]
    fn headless_screens_are_as_configured() {
        let (backend, _source) = Backend::headless().unwrap();
        let outputs = [OutputConfig::default(), unthrottled()];
        assert_eq!(backend.shown(&outputs), outputs);
        assert_eq!(outputs.map(|output| backend.refresh_mhz(&output)), [60_000, 0]);
        assert!(backend.takes_injected_input());
    }

    #[test]
    fn a_headless_screen_takes_one_frame_for_each_time_it_was_asked() {
        let mut event_loop = EventLoop::<Vec<BackendEvent>>::try_new().unwrap();
        let (mut backend, source) = Backend::headless().unwrap();
        event_loop.handle().insert_source(source, |event, (), seen| seen.push(event)).unwrap();
        for output in [FIRST, SECOND] {
            backend.connect(output, &unthrottled()).unwrap();
        }
        let mut seen = Vec::new();
        let mut frames = |asked: &[OutputId]| {
            asked.iter().for_each(|output| backend.schedule_frame(*output));
            event_loop.dispatch(Duration::ZERO, &mut seen).unwrap();
            event_loop.dispatch(Duration::ZERO, &mut seen).unwrap();
            std::mem::take(&mut seen)
        };
        assert_eq!(frames(&[]), []);
        for _ in 0..3 {
            assert_eq!(frames(&[SECOND, SECOND]), [BackendEvent::Frame(SECOND)]);
        }
        assert_eq!(frames(&[SECOND, FIRST]), [FIRST, SECOND].map(BackendEvent::Frame));
        assert_eq!(frames(&[OutputId(7)]), []);
    }

    #[test]
    fn a_headless_screen_that_is_gone_takes_no_frames() {
        let mut event_loop = EventLoop::<Vec<BackendEvent>>::try_new().unwrap();
        let (mut backend, source) = Backend::headless().unwrap();
        event_loop.handle().insert_source(source, |event, (), seen| seen.push(event)).unwrap();
        backend.connect(FIRST, &unthrottled()).unwrap();
        backend.schedule_frame(FIRST);
        backend.disconnect(FIRST);
        backend.connect(SECOND, &unthrottled()).unwrap();
        backend.connect(SECOND, &unthrottled()).unwrap();
        backend.schedule_frame(SECOND);
        let mut seen = Vec::new();
        event_loop.dispatch(Duration::ZERO, &mut seen).unwrap();
        assert_eq!(seen, [BackendEvent::Frame(SECOND)]);
    }

    #[test]
    fn a_wheel_tells_pixels_and_clicks() {
        let event = BackendEvent::wheel(0.0, -1.5, 7);
        assert_eq!(
            event,
            BackendEvent::PointerAxis {
                dx: 0.0,
                dy: -22.5,
                v120: Some((0, -180)),
                source: AxisSource::Wheel,
                time_ms: 7
            }
        );
    }
}

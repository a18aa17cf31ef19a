//! A window in an existing X11 or Wayland session, drawn without a GPU.
//!
//! Invariants: the screen's size changes only at the moment its [`BackendEvent::Resized`] is delivered, so what is drawn
//! for the old size is never shown in the new; a frame is taken only after the host has taken the one before.

use std::{
    cell::Cell,
    collections::VecDeque,
    env, io,
    num::NonZeroU32,
    os::{
        fd::{AsFd, OwnedFd},
        unix::net::UnixStream,
    },
    path::PathBuf,
    rc::Rc,
    time::Duration,
};

use smithay::{
    backend::input::AxisSource,
    input::pointer::CursorIcon,
    reexports::calloop::{
        self, EventSource, Interest, Mode, Poll, PostAction, Readiness, Token, TokenFactory, generic::Generic,
    },
    utils::{Physical, Size},
};
use softbuffer::{Context, Surface};
use tracing::{debug, error};
use winit::{
    application::ApplicationHandler,
    dpi::PhysicalSize,
    event::{DeviceEvent, DeviceId, ElementState, MouseButton, MouseScrollDelta, TouchPhase, WindowEvent},
    event_loop::{ActiveEventLoop, EventLoop},
    keyboard::PhysicalKey,
    platform::{
        pump_events::{EventLoopExtPumpEvents, PumpStatus},
        scancode::PhysicalKeyExtScancode,
        wayland::{EventLoopBuilderExtWayland, WindowAttributesExtWayland},
        x11::EventLoopBuilderExtX11,
    },
    window::{CursorGrabMode, Window, WindowId},
};

use super::{
    BackendError, BackendEvent, Gesture, Image, OutputId, Rect, Shown, Touch, clock::RefreshClock,
    clock_source, copy, now_ms, now_us,
};
use crate::{
    config::{OutputConfig, SCREEN_SIDE},
    render::Canvas,
};

/// What the host's screen is taken for when the host does not say.
const USUAL_REFRESH_MHZ: u32 = 60_000;
/// Frames of damage kept for hosts that give buffers back late; a buffer older than this is drawn whole.
const DAMAGE_HISTORY: usize = 3;

/// Evdev's codes of the buttons that every mouse has, and the first that X11 has no wheel number for.
const BTN_LEFT: u32 = 0x110;
const BTN_RIGHT: u32 = 0x111;
const BTN_MIDDLE: u32 = 0x112;
const BTN_SIDE: u32 = 0x113;
const BTN_EXTRA: u32 = 0x114;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Host {
    X11,
    Wayland,
}

/// The window's drawing half.
#[derive(Debug)]
pub struct Nested {
    surface: Surface<Rc<Window>, Rc<Window>>,
    window: Rc<Window>,
    size: Rc<Cell<Size<i32, Physical>>>,
    /// The damage of the frames before, the newest first, all for a buffer of `presented_size`.
    history: VecDeque<Vec<Rect>>,
    presented_size: Size<i32, Physical>,
    refresh_mhz: u32,
    clock: RefreshClock,
    /// The output it shows.
    output: Rc<Cell<Option<OutputId>>>,
    /// Whether something was presented since the last frame was taken.
    presented: Rc<Cell<bool>>,
    host: Host,
}

/// Opens the window. Waits for the host, but not for the user.
pub(super) fn open(output: &OutputConfig) -> Result<(Nested, NestedSource), BackendError> {
    let host = find_host()?;
    let mut builder = EventLoop::builder();
    match host {
        Host::X11 => EventLoopBuilderExtX11::with_x11(&mut builder),
        Host::Wayland => EventLoopBuilderExtWayland::with_wayland(&mut builder),
    };
    let mut event_loop = builder.build().map_err(|error| {
        // winit's own words name places in its source; they are for whoever looks deeper.
        debug!("winit: {error}");
        BackendError::NoHost(match host {
            Host::X11 => format!("no X server at {}", env::var("DISPLAY").unwrap_or_default()),
            Host::Wayland => "the Wayland compositor lacks what a window needs".to_owned(),
        })
    })?;
    let fd =
        event_loop.as_fd().try_clone_to_owned().map_err(|error| BackendError::NoHost(error.to_string()))?;

    let min = PhysicalSize::new(*SCREEN_SIDE.start(), *SCREEN_SIDE.start());
    let attributes = Window::default_attributes()
        .with_title("Transom")
        .with_inner_size(PhysicalSize::new(output.width, output.height))
        .with_min_inner_size(min)
        .with_name("transom", "transom");
    let mut opening = Opening { attributes, window: None };
    // The first round calls `resumed`, which opens the window.
    event_loop.pump_app_events(Some(Duration::ZERO), &mut opening);
    let window =
        opening.window.unwrap_or_else(|| Err("the host ended".to_owned())).map_err(BackendError::Window)?;

    let context = Context::new(window.clone())?;
    let surface = Surface::new(&context, window.clone())?;
    let monitor = window.current_monitor().or_else(|| window.available_monitors().next());
    let refresh_mhz =
        monitor.and_then(|m| m.refresh_rate_millihertz()).filter(|&mhz| mhz > 0).unwrap_or(USUAL_REFRESH_MHZ);
    let interval = Duration::from_nanos(1_000_000_000_000 / u64::from(refresh_mhz));
    let clock = RefreshClock::new(interval).map_err(BackendError::Clock)?;
    let size = Rc::new(Cell::new(to_size(window.inner_size())));

    let presented = Rc::new(Cell::new(false));
    let shown = Rc::new(Cell::new(None));
    let source = NestedSource {
        event_loop,
        wakeups: Generic::new(fd, Interest::READ, Mode::Level),
        ticks: clock_source(&clock),
        token: None,
        host,
        scale: output.scale.as_f64(),
        output: Rc::clone(&shown),
        size: size.clone(),
        presented: presented.clone(),
        events: VecDeque::new(),
        apart: 1.0,
        ended: false,
    };
    let nested = Nested {
        surface,
        window,
        presented_size: size.get(),
        size,
        history: VecDeque::new(),
        refresh_mhz,
        clock,
        output: shown,
        presented,
        host,
    };
    Ok((nested, source))
}

/// Wayland if a compositor answers, else X11: a stale WAYLAND_DISPLAY must not hide a working DISPLAY.
fn find_host() -> Result<Host, BackendError> {
    let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
    let mut tried = Vec::new();
    if variable("WAYLAND_SOCKET").is_some() {
        return Ok(Host::Wayland);
    }
    if let Some(display) = variable("WAYLAND_DISPLAY") {
        // An absolute name replaces the directory.
        let path = variable("XDG_RUNTIME_DIR").map(PathBuf::from).unwrap_or_default().join(display);
        match UnixStream::connect(&path) {
            Ok(_) => return Ok(Host::Wayland),
            Err(error) => tried.push(format!("no Wayland compositor at {} ({error})", path.display())),
        }
    } else {
        tried.push("WAYLAND_DISPLAY is not set".to_owned());
    }
    if variable("DISPLAY").is_some() {
        return Ok(Host::X11);
    }
    tried.push("DISPLAY is not set".to_owned());
    Err(BackendError::NoHost(tried.join(" and ")))
}

impl Nested {
    /// The output as the window shows it: the desktop begins with it, and its size is the window's.
    pub(super) fn shown(&self, output: &OutputConfig) -> OutputConfig {
        let size = self.size.get();
        let (width, height) = (size.w.unsigned_abs(), size.h.unsigned_abs());
        OutputConfig { x: 0, y: 0, width, height, ..output.clone() }
    }

    pub(super) fn connect(&self, output: OutputId) {
        self.output.set(Some(output));
    }

    pub(super) fn refresh_mhz(&self) -> i32 {
        i32::try_from(self.refresh_mhz).unwrap_or(i32::MAX)
    }

    pub(super) fn schedule_frame(&self) -> io::Result<()> {
        if self.host == Host::Wayland && self.presented.get() {
            // Comes back when the host has shown the last frame: a clock beside the host's would miss its beats.
            self.window.request_redraw();
            return Ok(());
        }
        // X11 does not tell when it has shown something, and no host does while nothing is presented.
        self.clock.schedule()
    }

    pub(super) fn set_cursor(&self, icon: Option<CursorIcon>) {
        self.window.set_cursor_visible(icon.is_some());
        if let Some(icon) = icon {
            self.window.set_cursor(icon);
        }
    }

    pub(super) fn hold_pointer(&self, hold: bool) {
        let mode = if hold { CursorGrabMode::Locked } else { CursorGrabMode::None };
        // X11 cannot hold it still, but keep it in the window.
        let held = self.window.set_cursor_grab(mode).or_else(|error| match mode {
            CursorGrabMode::Locked => self.window.set_cursor_grab(CursorGrabMode::Confined),
            _ => Err(error),
        });
        if let Err(error) = held {
            debug!("the host does not hold the pointer: {error}");
        }
    }

    pub(super) fn present(&mut self, damage: &[Rect], canvas: &Canvas) -> Result<Shown, BackendError> {
        let size = self.size.get();
        let side = |side: i32| u32::try_from(side).ok().and_then(NonZeroU32::new);
        let (Some(width), Some(height)) = (side(size.w), side(size.h)) else { return Ok(Shown::Nowhere) };
        let screen = Rect::from_size(size);
        let damage: Vec<_> = damage.iter().filter_map(|rect| rect.intersection(screen)).collect();
        if damage.is_empty() {
            return Ok(Shown::Now);
        }
        if self.presented_size != size {
            self.history.clear();
            self.presented_size = size;
        }

        self.surface.resize(width, height)?;
        let mut buffer = self.surface.buffer_mut()?;
        let missed = usize::from(buffer.age()).checked_sub(1).filter(|&frames| frames <= self.history.len());
        let stale: Vec<_> = match missed {
            Some(frames) => self.history.iter().take(frames).flatten().chain(&damage).copied().collect(),
            None => vec![screen],
        };
        let stride = width.get() as usize;
        for rect in &stale {
            copy(canvas, *rect, Image { pixels: &mut buffer, stride });
            clear_unused(*rect, &mut buffer, stride);
        }

        let shown = if missed.is_some() { &damage } else { &stale };
        let shown: Vec<_> = shown.iter().filter_map(to_host_rect).collect();
        // On Wayland this holds the next frame back until the host has shown this one.
        self.window.pre_present_notify();
        buffer.present_with_damage(&shown)?;
        self.presented.set(true);
        self.history.push_front(damage);
        self.history.truncate(DAMAGE_HISTORY);
        Ok(Shown::Now)
    }
}

/// Domains choose the unused byte of their pixels, and a host might take it for transparency.
fn clear_unused(rect: Rect, image: &mut [u32], stride: usize) {
    // What is negative is not there.
    let [left, right, top, bottom] =
        [rect.loc.x, rect.loc.x + rect.size.w, rect.loc.y, rect.loc.y + rect.size.h]
            .map(|edge| usize::try_from(edge).unwrap_or(0));
    for row in image.chunks_exact_mut(stride).take(bottom).skip(top) {
        row.get_mut(left..right).into_iter().flatten().for_each(|pixel| *pixel &= 0x00ff_ffff);
    }
}

fn to_host_rect(rect: &Rect) -> Option<softbuffer::Rect> {
    Some(softbuffer::Rect {
        x: rect.loc.x.try_into().ok()?,
        y: rect.loc.y.try_into().ok()?,
        width: u32::try_from(rect.size.w).ok().and_then(NonZeroU32::new)?,
        height: u32::try_from(rect.size.h).ok().and_then(NonZeroU32::new)?,
    })
}

fn to_size(size: PhysicalSize<u32>) -> Size<i32, Physical> {
    let side = |pixels| i32::try_from(pixels).unwrap_or(i32::MAX);
    (side(size.width), side(size.height)).into()
}

/// The window's event half.
#[derive(Debug)]
pub(super) struct NestedSource {
    event_loop: EventLoop<()>,
    wakeups: Generic<OwnedFd>,
    ticks: Generic<RefreshClock>,
    /// For events that winit had read before the loop went to sleep on its descriptor.
    token: Option<Token>,
    host: Host,
    /// Pixels of the window for a logical one.
    scale: f64,
    output: Rc<Cell<Option<OutputId>>>,
    size: Rc<Cell<Size<i32, Physical>>>,
    presented: Rc<Cell<bool>>,
    events: VecDeque<BackendEvent>,
    /// How far apart the fingers of a pinch are.
    apart: f64,
    ended: bool,
}

impl NestedSource {
    fn pump(&mut self) {
        if self.ended {
            return;
        }
        let screen = Screen { host: self.host, scale: self.scale, output: self.output.get() };
        let mut handler = Running { screen, events: &mut self.events, apart: &mut self.apart };
        if let PumpStatus::Exit(_) = self.event_loop.pump_app_events(Some(Duration::ZERO), &mut handler) {
            self.ended = true;
            self.events.push_back(BackendEvent::CloseRequested);
        }
    }

    /// Drawing talks to the host on the same connection, so events may have been read that the descriptor no longer
    /// shows; and requests made since must be on their way before the sleep.
    pub(super) fn before_sleep(&mut self) -> Option<(Readiness, Token)> {
        self.pump();
        if self.events.is_empty() { None } else { self.token.map(|token| (Readiness::EMPTY, token)) }
    }

    pub(super) fn process_events(
        &mut self,
        readiness: Readiness,
        token: Token,
        mut callback: impl FnMut(BackendEvent),
    ) -> io::Result<PostAction> {
        let (events, output) = (&mut self.events, self.output.get());
        self.ticks.process_events(readiness, token, |_, clock| {
            if clock.tick()? {
                events.extend(output.map(BackendEvent::Frame));
            }
            Ok(PostAction::Continue)
        })?;
        self.pump();
        for event in self.events.drain(..) {
            match event {
                BackendEvent::Resized { width, height } => {
                    self.size.set(to_size(PhysicalSize::new(width, height)))
                }
                BackendEvent::Frame(_) => self.presented.set(false),
                _ => {}
            }
            callback(event);
        }
        Ok(if self.ended { PostAction::Remove } else { PostAction::Continue })
    }

    pub(super) fn register(&mut self, poll: &mut Poll, tokens: &mut TokenFactory) -> calloop::Result<()> {
        self.token = Some(tokens.token());
        self.wakeups.register(poll, tokens)?;
        self.ticks.register(poll, tokens)
    }

    pub(super) fn reregister(&mut self, poll: &mut Poll, tokens: &mut TokenFactory) -> calloop::Result<()> {
        self.token = Some(tokens.token());
        self.wakeups.reregister(poll, tokens)?;
        self.ticks.reregister(poll, tokens)
    }

    pub(super) fn unregister(&mut self, poll: &mut Poll) -> calloop::Result<()> {
        self.token = None;
        self.wakeups.unregister(poll)?;
        self.ticks.unregister(poll)
    }
}

/// winit's handler until there is a window.
struct Opening {
    attributes: winit::window::WindowAttributes,
    window: Option<Result<Rc<Window>, String>>,
}

impl ApplicationHandler for Opening {
    fn resumed(&mut self, event_loop: &ActiveEventLoop) {
        let window = event_loop.create_window(self.attributes.clone());
        self.window = Some(window.map(Rc::new).map_err(|error| error.to_string()));
    }

    fn window_event(&mut self, _: &ActiveEventLoop, _: WindowId, _: WindowEvent) {}
}

/// What an event of the window has to be seen with.
#[derive(Clone, Copy)]
struct Screen {
    host: Host,
    scale: f64,
    output: Option<OutputId>,
}

/// winit's handler from then on.
struct Running<'a> {
    screen: Screen,
    events: &'a mut VecDeque<BackendEvent>,
    apart: &'a mut f64,
}

impl ApplicationHandler for Running<'_> {
    fn resumed(&mut self, _: &ActiveEventLoop) {}

    fn window_event(&mut self, _: &ActiveEventLoop, _: WindowId, event: WindowEvent) {
        match event {
            WindowEvent::PinchGesture { delta, phase, .. } => self.pinch(delta, 0.0, phase),
            WindowEvent::RotationGesture { delta, phase, .. } => self.pinch(0.0, delta, phase),
            WindowEvent::Touch(touch) => self.events.extend(self.screen.finger(touch)),
            event => self.events.extend(self.screen.translate(event)),
        }
    }

    fn device_event(&mut self, _: &ActiveEventLoop, _: DeviceId, event: DeviceEvent) {
        if let DeviceEvent::MouseMotion { delta: (dx, dy) } = event {
            let time_us = now_us();
            self.events.push_back(BackendEvent::PointerRelative { dx, dy, dx_raw: dx, dy_raw: dy, time_us });
        }
    }
}

impl Running<'_> {
    /// winit tells changes of the distance, everybody else the distance.
    fn pinch(&mut self, delta: f64, degrees: f32, phase: TouchPhase) {
        let event = match phase {
            TouchPhase::Started => {
                *self.apart = 1.0;
                Gesture::PinchBegin { fingers: 2 }
            }
            TouchPhase::Moved => {
                *self.apart = (*self.apart + delta).max(0.0);
                // winit turns the other way round.
                let rotation = -f64::from(degrees);
                Gesture::PinchUpdate { dx: 0.0, dy: 0.0, scale: *self.apart, rotation }
            }
            TouchPhase::Ended => Gesture::PinchEnd { cancelled: false },
            TouchPhase::Cancelled => Gesture::PinchEnd { cancelled: true },
        };
        self.events.push_back(BackendEvent::Gesture(event, now_ms()));
    }
}

impl Screen {
    /// winit counts scrolling the other way round.
    fn scroll(self, delta: MouseScrollDelta, phase: TouchPhase) -> BackendEvent {
        let time_ms = now_ms();
        match (delta, phase) {
            (_, TouchPhase::Ended | TouchPhase::Cancelled) => {
                BackendEvent::PointerAxisStop { horizontal: true, vertical: true, time_ms }
            }
            (MouseScrollDelta::LineDelta(x, y), _) => {
                BackendEvent::wheel(-f64::from(x), -f64::from(y), time_ms)
            }
            (MouseScrollDelta::PixelDelta(delta), _) => {
                let (dx, dy, source) = (-delta.x / self.scale, -delta.y / self.scale, AxisSource::Finger);
                BackendEvent::PointerAxis { dx, dy, v120: None, source, time_ms }
            }
        }
    }

    /// A finger, and the end of its frame: winit tells of each by itself.
    fn finger(self, touch: winit::event::Touch) -> [BackendEvent; 2] {
        // Few fingers are down at a time, and their numbers follow each other.
        let slot = (touch.id & 0xffff_ffff) as u32;
        let (x, y) = (touch.location.x / self.scale, touch.location.y / self.scale);
        let event = match touch.phase {
            TouchPhase::Started => Touch::Down { slot, x, y },
            TouchPhase::Moved => Touch::Motion { slot, x, y },
            TouchPhase::Ended => Touch::Up { slot },
            TouchPhase::Cancelled => Touch::Cancel,
        };
        [event, Touch::Frame].map(|event| BackendEvent::Touch(event, now_ms()))
    }

    fn translate(self, event: WindowEvent) -> Option<BackendEvent> {
        let Self { host, scale, output } = self;
        let time_ms = now_ms();
        match event {
            WindowEvent::Resized(PhysicalSize { width, height }) if width > 0 && height > 0 => {
                Some(BackendEvent::Resized { width, height })
            }
            WindowEvent::RedrawRequested => match host {
                Host::X11 => Some(BackendEvent::Redraw),
                Host::Wayland => output.map(BackendEvent::Frame),
            },
            // A synthetic event stands for a key that changed while another window had the keyboard: it was not meant for us,
            // and the loss of focus has already released ours.
            WindowEvent::KeyboardInput { event, is_synthetic: false, .. } if !event.repeat => {
                let keycode = scancode(event.physical_key)?;
                Some(BackendEvent::Key { keycode, pressed: event.state == ElementState::Pressed, time_ms })
            }
            WindowEvent::Focused(false) => Some(BackendEvent::FocusLost),
            WindowEvent::CursorMoved { position, .. } => {
                Some(BackendEvent::PointerMotion { x: position.x / scale, y: position.y / scale, time_ms })
            }
            WindowEvent::CursorLeft { .. } => Some(BackendEvent::PointerLeft),
            WindowEvent::MouseInput { state, button, .. } => {
                let button = button_code(host, button);
                Some(BackendEvent::PointerButton { button, pressed: state == ElementState::Pressed, time_ms })
            }
            WindowEvent::MouseWheel { delta, phase, .. } => Some(self.scroll(delta, phase)),
            WindowEvent::CloseRequested | WindowEvent::Destroyed => Some(BackendEvent::CloseRequested),
            _ => None,
        }
    }
}

fn scancode(key: PhysicalKey) -> Option<u32> {
    let code = key.to_scancode();
    if code.is_none() {
        error!("winit names the key {key:?} that no keyboard has");
    }
    code
}

fn button_code(host: Host, button: MouseButton) -> u32 {
    match (button, host) {
        (MouseButton::Left, _) => BTN_LEFT,
        (MouseButton::Right, _) => BTN_RIGHT,
        (MouseButton::Middle, _) => BTN_MIDDLE,
        (MouseButton::Back, _) => BTN_SIDE,
        (MouseButton::Forward, _) => BTN_EXTRA,
        // X11 numbers buttons from 1 and spends 4 to 7 on the wheel.
        (MouseButton::Other(number), Host::X11) => (BTN_LEFT + u32::from(number)).saturating_sub(5),
        (MouseButton::Other(code), Host::Wayland) => code.into(),
    }
}

#[cfg(test)]
mod tests {
    use winit::dpi::PhysicalPosition;

    use super::*;

    #[test]
    fn host_buttons_become_evdev_codes() {
        assert_eq!(button_code(Host::X11, MouseButton::Left), 0x110);
        assert_eq!(button_code(Host::X11, MouseButton::Forward), 0x114);
        assert_eq!(button_code(Host::X11, MouseButton::Other(10)), 0x115);
        assert_eq!(button_code(Host::Wayland, MouseButton::Other(0x115)), 0x115);
    }

    #[test]
    fn the_host_sees_no_unused_bytes() {
        let mut image = [u32::MAX; 4 * 3];
        clear_unused(Rect::new((1, 1).into(), (2, 5).into()), &mut image, 4);
        let (all, rgb) = (u32::MAX, 0x00ff_ffff);
        assert_eq!(image, [all, all, all, all, all, rgb, rgb, all, all, rgb, rgb, all]);
    }

    fn screen(host: Host) -> Screen {
        Screen { host, scale: 2.0, output: Some(OutputId(4)) }
    }

    #[test]
    fn a_redraw_is_an_exposure_on_x11_and_a_frame_on_wayland() {
        assert_eq!(screen(Host::X11).translate(WindowEvent::RedrawRequested), Some(BackendEvent::Redraw));
        assert_eq!(
            screen(Host::Wayland).translate(WindowEvent::RedrawRequested),
            Some(BackendEvent::Frame(OutputId(4)))
        );
    }

    #[test]
    fn the_wheel_turns_the_other_way() {
        let moved = |delta| screen(Host::X11).scroll(delta, TouchPhase::Moved);
        let BackendEvent::PointerAxis { dx, dy, v120, source, .. } =
            moved(MouseScrollDelta::LineDelta(0.0, 1.0))
        else {
            panic!("not a scroll");
        };
        assert_eq!((dx, dy, v120, source), (0.0, -15.0, Some((0, -120)), AxisSource::Wheel));
        let pixels = MouseScrollDelta::PixelDelta(PhysicalPosition::new(3.0, -4.0));
        let BackendEvent::PointerAxis { dx, dy, v120, source, .. } = moved(pixels) else {
            panic!("not a scroll")
        };
        assert_eq!((dx, dy, v120, source), (-1.5, 2.0, None, AxisSource::Finger));
        let lifted = screen(Host::X11).scroll(pixels, TouchPhase::Ended);
        assert!(matches!(lifted, BackendEvent::PointerAxisStop { horizontal: true, vertical: true, .. }));
    }

    #[test]
    fn a_pinch_tells_how_far_apart_the_fingers_are() {
        let (mut events, mut apart) = (VecDeque::new(), 7.0);
        let screen = screen(Host::Wayland);
        let mut running = Running { screen, events: &mut events, apart: &mut apart };
        running.pinch(0.0, 0.0, TouchPhase::Started);
        running.pinch(0.25, 0.0, TouchPhase::Moved);
        running.pinch(0.0, 5.0, TouchPhase::Moved);
        running.pinch(0.0, 0.0, TouchPhase::Cancelled);
        let seen: Vec<_> = events
            .iter()
            .map(|event| match event {
                BackendEvent::Gesture(gesture, _) => *gesture,
                other => panic!("{other:?}"),
            })
            .collect();
        let moved = |rotation| Gesture::PinchUpdate { dx: 0.0, dy: 0.0, scale: 1.25, rotation };
        let expected = [
            Gesture::PinchBegin { fingers: 2 },
            moved(0.0),
            moved(-5.0),
            Gesture::PinchEnd { cancelled: true },
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_window_without_size_is_no_screen() {
        assert_eq!(screen(Host::X11).translate(WindowEvent::Resized(PhysicalSize::new(0, 480))), None);
    }
}

//! The daemon's state: what every event handler gets, and the few places where parts meet.
//!
//! Flow: an event changes one part (a link, a client, the pointer); the shell decides what it means for the windows and says
//! so in effects; [`State::apply_effects`] carries these out. Nothing is drawn at once: [`State::queue_redraw`] asks the
//! backend for a frame, and the frame draws what changed. With nothing changed nothing runs.

use std::time::Duration;

use smithay::{
    desktop::PopupManager,
    input::{Seat, SeatState, keyboard::xkb, pointer::CursorImageStatus},
    output::{Mode, Output, PhysicalProperties, Scale, Subpixel},
    reexports::{
        calloop::{LoopHandle, LoopSignal, channel::Sender},
        wayland_server::{DisplayHandle, backend::ClientId as WaylandClient},
    },
    utils::{Clock, Logical, Monotonic, Physical, Size, Transform},
    wayland::{
        compositor::CompositorState,
        cursor_shape::CursorShapeManagerState,
        output::OutputManagerState,
        selection::data_device::DataDeviceState,
        shell::xdg::{XdgShellState, decoration::XdgDecorationState},
        shm::ShmState,
        viewporter::ViewporterState,
    },
};
use tracing::{error, info, warn};

use crate::{
    backend::Backend,
    config::Config,
    domain::{Domain, DomainId, Reaper},
    handlers::Unmapped,
    input::{Bindings, KeyRepeat, PointerState, Wheel, compile_keymap},
    ipc::{ClientId, IpcServer},
    popup::PopupChain,
    render::{Canvas, Text},
    scale,
    shell::{self, Effect, FramePart, Metrics, Shell, geom},
    windows::{LocalWindow, Source, Window, Windows},
};

/// Everything the daemon knows.
pub struct State {
    /// The event loop, to add and remove sources.
    pub loop_handle: LoopHandle<'static, State>,
    /// Ends the event loop.
    pub loop_signal: LoopSignal,
    /// The display of dom0's own clients.
    pub display_handle: DisplayHandle,
    pub(crate) disconnected: Sender<WaylandClient>,
    /// The configuration, as read at start.
    pub config: Config,

    pub(crate) compositor_state: CompositorState,
    pub(crate) shm_state: ShmState,
    pub(crate) xdg_shell_state: XdgShellState,
    pub(crate) seat_state: SeatState<State>,
    pub(crate) data_device_state: DataDeviceState,
    pub(crate) popups: PopupManager,
    pub(crate) popup_chain: PopupChain,
    pub(crate) unmapped: Vec<Unmapped>,
    pub(crate) local_cursor: CursorImageStatus,

    /// The one seat.
    pub seat: Seat<State>,
    /// The one screen.
    pub output: Output,
    /// Geometry, focus and stacking.
    pub shell: Shell,
    /// What is in the shell's windows.
    pub windows: Windows,
    /// The configured domains, by their id.
    pub domains: Vec<Domain>,
    /// Where the desktop is shown.
    pub backend: Backend,
    /// What is shown.
    pub canvas: Canvas,
    /// The control socket.
    pub ipc: IpcServer,

    /// The pointer.
    pub pointer: PointerState,
    pub(crate) bindings: Bindings,
    pub(crate) wheel: Wheel,
    pub(crate) keymap: xkb::Keymap,
    pub(crate) key_repeat: KeyRepeat,
    /// X11 mask of the modifiers in effect.
    pub x11_modifiers: u32,

    pub(crate) reaper: Reaper,
    pub(crate) clock: Clock<Monotonic>,
    pub(crate) redraw: Redraw,
    /// Frames drawn since the start in which something had changed.
    pub(crate) frames: u64,
    pub(crate) tell_subscribers: bool,
    pub(crate) waiting_for_frame: Vec<ClientId>,
}

/// Whether the screen shows what the state says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Redraw {
    /// Nothing changed since the last frame.
    Clean,
    /// A frame is asked for.
    Queued,
}

/// What [`State::new`] is given from outside.
pub struct Parts {
    /// The event loop.
    pub loop_handle: LoopHandle<'static, State>,
    /// Ends the event loop.
    pub loop_signal: LoopSignal,
    /// The display for dom0's own clients.
    pub display_handle: DisplayHandle,
    /// Is to be told of each of these clients that is disconnected, so that what it leaves is removed.
    pub disconnected: Sender<WaylandClient>,
    /// The configuration.
    pub config: Config,
    /// Where the desktop is shown.
    pub backend: Backend,
    /// The control socket.
    pub ipc: IpcServer,
}

impl State {
    /// A daemon with no windows, not yet connected to any domain.
    ///
    /// # Errors
    /// When the keymap of the configuration does not compile, or the screen cannot be drawn to.
    pub fn new(parts: Parts) -> anyhow::Result<Self> {
        let Parts { loop_handle, loop_signal, display_handle, disconnected, config, backend, ipc } = parts;
        let dh = &display_handle;
        let mut seat_state = SeatState::new();
        let mut seat = seat_state.new_wl_seat(dh, "seat0");
        let keyboard = &config.keyboard;
        let Some(keymap) = compile_keymap(keyboard) else {
            anyhow::bail!(
                "no keymap for [keyboard] layout {:?}, variant {:?}, model {:?}, options {:?}",
                keyboard.layout,
                keyboard.variant,
                keyboard.model,
                keyboard.options
            );
        };
        let keymap_text = keymap.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1);
        let added = seat.add_keyboard(Default::default(), keyboard.repeat_delay, keyboard.repeat_rate)?;
        seat.add_pointer();

        let size = backend.size();
        let output = Output::new(
            "transom-0".into(),
            PhysicalProperties {
                size: (0, 0).into(),
                subpixel: Subpixel::Unknown,
                make: "Transom".into(),
                model: "desktop".into(),
            },
        );
        output.create_global::<State>(dh);
        let canvas = Canvas::new(geom::Size::new(size.w, size.h), scale::Scale::ONE, Text::default())?;
        let screen = geom::Rect::new(0, 0, size.w, size.h);

        let key_repeat = KeyRepeat::new(
            u32::try_from(keyboard.repeat_rate).unwrap_or(0),
            u32::try_from(keyboard.repeat_delay).unwrap_or(0),
        );
        let mut state = Self {
            compositor_state: CompositorState::new::<State>(dh),
            shm_state: ShmState::new::<State>(dh, []),
            xdg_shell_state: XdgShellState::new::<State>(dh),
            seat_state,
            data_device_state: DataDeviceState::new::<State>(dh),
            popups: PopupManager::default(),
            popup_chain: PopupChain::default(),
            unmapped: Vec::new(),
            local_cursor: CursorImageStatus::default_named(),
            seat,
            output,
            shell: Shell::new(Metrics::default(), vec![screen]),
            windows: Windows::default(),
            domains: Vec::new(),
            backend,
            canvas,
            ipc,
            pointer: PointerState::default(),
            bindings: Bindings::default(),
            wheel: Wheel::default(),
            keymap,
            key_repeat,
            x11_modifiers: 0,
            reaper: Reaper::start()?,
            clock: Clock::new(),
            redraw: Redraw::Clean,
            frames: 0,
            tell_subscribers: false,
            waiting_for_frame: Vec::new(),
            loop_handle,
            loop_signal,
            display_handle: display_handle.clone(),
            disconnected,
            config,
        };
        CursorShapeManagerState::new::<State>(dh);
        XdgDecorationState::new::<State>(dh);
        ViewporterState::new::<State>(dh);
        OutputManagerState::new_with_xdg_output::<State>(dh);
        added.set_keymap_from_string(&mut state, keymap_text)?;
        state.set_mode(size);
        state.pointer.at = (f64::from(size.w) / 2.0, f64::from(size.h) / 2.0).into();
        state.domains = Domain::from_config(&state.config);
        state.queue_redraw();
        Ok(state)
    }

    /// Milliseconds of the monotonic clock, wrapping as Wayland's event times do.
    pub fn now_ms(&self) -> u32 {
        self.clock.now().as_millis()
    }

    /// Time since the clock's start, as the protocol's connections take it.
    pub fn now(&self) -> Duration {
        self.clock.now().into()
    }

    /// The desktop's size in pixels.
    pub fn output_size(&self) -> Size<i32, Logical> {
        self.backend.size().to_logical(1)
    }

    /// The pointer's position in whole pixels.
    pub fn pointer_position(&self) -> geom::Point {
        let (x, y) = crate::input::whole(self.pointer.at);
        geom::Point::new(x, y)
    }

    /// Ends the event loop after the current event.
    pub fn stop(&mut self) {
        info!("stopping");
        self.loop_signal.stop();
        self.loop_signal.wakeup();
    }

    /// What has to happen once after each round of the event loop.
    pub fn after_dispatch(&mut self) {
        self.apply_effects();
        self.flush_links();
        self.popups.cleanup();
        if std::mem::take(&mut self.tell_subscribers) {
            self.broadcast();
        }
        if let Err(err) = self.display_handle.flush_clients() {
            warn!(%err, "a client of dom0 could not be written to");
        }
    }

    /// Carries out what the shell decided.
    pub fn apply_effects(&mut self) {
        while let Some(effect) = self.shell.poll_effect() {
            self.tell_subscribers = true;
            match effect {
                Effect::Configure { id, content, states } => self.configure(id, content, states),
                Effect::FocusChanged { to, .. } => {
                    self.dismiss_popups_not_of(to);
                    self.focus_keyboard(to);
                }
                Effect::Close { id } => self.close(id),
                Effect::Changed => {}
            }
            self.queue_redraw();
        }
    }

    fn configure(&mut self, id: shell::Id, content: geom::Rect, states: shell::State) {
        let focused = self.shell.focused() == Some(id);
        let resizing = matches!(self.shell.grabbed(), Some((held, FramePart::Edge(_))) if held == id);
        match self.windows.get(id).map(|window| &window.source) {
            Some(Source::Guest(guest)) => {
                let target = guest.target.clone();
                self.configure_guest(&target, content, states);
            }
            Some(Source::Local(LocalWindow::Toplevel(toplevel))) => {
                use smithay::reexports::wayland_protocols::xdg::shell::server::xdg_toplevel::State as X;
                toplevel.with_pending_state(|pending| {
                    pending.size = Some((content.width, content.height).into());
                    for (on, state) in [
                        (states.maximised, X::Maximized),
                        (states.fullscreen, X::Fullscreen),
                        (resizing, X::Resizing),
                        (focused, X::Activated),
                    ] {
                        if on {
                            pending.states.set(state);
                        } else {
                            pending.states.unset(state);
                        }
                    }
                });
                if toplevel.is_initial_configure_sent() {
                    toplevel.send_pending_configure();
                }
            }
            Some(Source::Local(LocalWindow::Popup(popup))) => self.configure_popup(id, content, popup),
            None => {}
        }
    }

    /// Asks a window to close.
    pub fn close(&mut self, id: shell::Id) {
        match self.windows.get(id).map(|window| &window.source) {
            Some(Source::Guest(guest)) => {
                let target = guest.target.clone();
                self.with_link(target.domain, |link| link.close(target.window));
            }
            Some(Source::Local(LocalWindow::Toplevel(toplevel))) => toplevel.send_close(),
            Some(Source::Local(LocalWindow::Popup(popup))) => popup.send_popup_done(),
            None => {}
        }
    }

    /// A title, class or link changed: frames and subscribers want to know.
    pub fn names_changed(&mut self) {
        self.tell_subscribers = true;
        self.queue_redraw();
    }

    /// The domain with this id.
    pub fn domain(&self, id: DomainId) -> Option<&Domain> {
        self.domains.get(usize::from(id.0))
    }

    /// Adds a window the shell knows to the table.
    pub fn insert_window(&mut self, window: Window) {
        self.windows.insert(window);
        self.tell_subscribers = true;
    }

    fn set_mode(&mut self, size: Size<i32, Physical>) {
        let mode = Mode { size, refresh: self.backend.refresh_mhz() };
        self.output.change_current_state(
            Some(mode),
            Some(Transform::Normal),
            Some(Scale::Integer(1)),
            Some((0, 0).into()),
        );
        self.output.set_preferred(mode);
    }

    /// The screen has a new size.
    pub fn output_resized(&mut self, size: Size<i32, Physical>) {
        self.set_mode(size);
        if let Err(err) = self.canvas.resize(geom::Size::new(size.w, size.h)) {
            error!(%err, "no framebuffer for the new size of the screen; it keeps the old one");
            return;
        }
        let screen = geom::Rect::new(0, 0, size.w, size.h);
        self.shell.set_outputs(vec![screen]);
        self.apply_effects();
        self.queue_redraw();
    }

    /// Asks for a frame.
    pub fn queue_redraw(&mut self) {
        if self.redraw == Redraw::Clean {
            self.redraw = Redraw::Queued;
            self.backend.schedule_frame();
        }
    }

    /// Frames drawn since the start in which something had changed.
    pub fn frames_drawn(&self) -> u64 {
        self.frames
    }

    /// Whether a frame is asked for that is not drawn yet.
    pub fn frame_is_queued(&self) -> bool {
        self.redraw == Redraw::Queued
    }

    /// Asks for a frame if the pointer is drawn by us.
    pub fn queue_cursor_redraw(&mut self) {
        // A nested window's pointer is its host's, but its shape may have to change.
        self.queue_redraw();
    }
}

//! The daemon's state: what every event handler gets, and the few places where parts meet.
//!
//! Flow: an event changes one part (a link, a client, the pointer); the shell decides what it means for the windows and says
//! so in effects; [`State::apply_effects`] carries these out. Nothing is drawn at once: [`State::queue_redraw`] and its
//! like ask the backend for frames of outputs, and a frame draws what changed. With nothing changed nothing runs.

use std::time::Duration;

use smithay::{
    desktop::PopupManager,
    input::{Seat, SeatState, pointer::CursorImageStatus},
    reexports::{
        calloop::{
            LoopHandle, LoopSignal,
            channel::{Event, Sender},
        },
        wayland_server::{DisplayHandle, backend::ClientId as WaylandClient},
    },
    utils::{Clock, Monotonic},
    wayland::{
        compositor::CompositorState,
        cursor_shape::CursorShapeManagerState,
        fractional_scale::FractionalScaleManagerState,
        idle_notify::IdleNotifierState,
        output::OutputManagerState,
        pointer_constraints::PointerConstraintsState,
        pointer_gestures::PointerGesturesState,
        relative_pointer::RelativePointerManagerState,
        selection::{data_device::DataDeviceState, primary_selection::PrimarySelectionState},
        shell::xdg::{XdgShellState, decoration::XdgDecorationState},
        shm::ShmState,
        viewporter::ViewporterState,
    },
};
use tracing::{info, warn};

use crate::{
    backend::Backend,
    clipboard::user::ClipboardDesk,
    config::Config,
    configure::Waits,
    domain::{Domain, DomainId, Domains, Reaper, Xen},
    files::user::FilesDesk,
    frames::Pace,
    handlers::Unmapped,
    input::{Bindings, KeyRepeat, PointerState, Wheel},
    ipc::{ClientId, IpcServer},
    keyboard::Keyboard,
    outputs::Outputs,
    pointer_lock::PointerHold,
    popup::PopupChain,
    run::Runs,
    shell::{self, Effect, Metrics, Shell, geom},
    tablet::Tablet,
    touch::Fingers,
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
    pub(crate) primary_selection_state: PrimarySelectionState,
    pub(crate) popups: PopupManager,
    pub(crate) popup_chain: PopupChain,
    pub(crate) unmapped: Vec<Unmapped>,
    pub(crate) local_cursor: CursorImageStatus,

    /// The one seat.
    pub seat: Seat<State>,
    /// The screens, and what each shows.
    pub outputs: Outputs,
    /// Geometry, focus and stacking.
    pub shell: Shell,
    /// What is in the shell's windows.
    pub windows: Windows,
    /// The domains that are served.
    pub domains: Domains,
    pub(crate) xen: Option<Xen>,
    /// Where the desktop is shown.
    pub backend: Backend,
    /// The control socket.
    pub ipc: IpcServer,

    /// The pointer.
    pub pointer: PointerState,
    pub(crate) bindings: Bindings,
    pub(crate) clipboard: ClipboardDesk,
    pub(crate) files: FilesDesk,
    pub(crate) wheel: Wheel,
    pub(crate) keyboard: Keyboard,
    pub(crate) pointer_hold: PointerHold,
    pub(crate) fingers: Fingers,
    pub(crate) tablet: Tablet,
    pub(crate) runs: Runs,
    pub(crate) key_repeat: KeyRepeat,
    /// X11 mask of the modifiers in effect.
    pub x11_modifiers: u32,

    pub(crate) reaper: Reaper,
    pub(crate) waits: Waits,
    pub(crate) tray_is_watched: bool,
    pub(crate) pace: Pace,
    /// Who is told when nobody is at the machine.
    pub(crate) idle: IdleNotifierState<Self>,
    /// Domains whose connections may have something to send.
    pub(crate) unsent: Vec<DomainId>,
    pub(crate) clock: Clock<Monotonic>,
    pub(crate) tell_subscribers: bool,
    /// Whether the shell has changed anything since the outputs were last compared with it.
    pub(crate) rearranged: bool,
    pub(crate) waiting_for_frame: Vec<ClientId>,
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
        let Some(layouts) = Keyboard::new(keyboard) else {
            anyhow::bail!(
                "no keymap for [keyboard] layout {:?}, variant {:?}, model {:?}, options {:?}",
                keyboard.layout,
                keyboard.variant,
                keyboard.model,
                keyboard.options
            );
        };
        let added = seat.add_keyboard(Default::default(), keyboard.repeat_delay, keyboard.repeat_rate)?;
        seat.add_pointer();
        seat.add_touch();
        let bindings = Bindings::new(&config);
        let keymap_text = layouts.text().to_owned();

        let key_repeat = KeyRepeat::new(
            u32::try_from(keyboard.repeat_rate).unwrap_or(0),
            u32::try_from(keyboard.repeat_delay).unwrap_or(0),
        );
        let (reaper, removals) = Reaper::start()?;
        loop_handle
            .insert_source(removals, |event, (), state: &mut State| {
                if let Event::Msg(removal) = event {
                    state.pages_dropped(removal);
                }
            })
            .map_err(|err| err.error)?;
        let mut state = Self {
            compositor_state: CompositorState::new_v6::<State>(dh),
            shm_state: ShmState::new::<State>(dh, []),
            xdg_shell_state: XdgShellState::new::<State>(dh),
            seat_state,
            data_device_state: DataDeviceState::new::<State>(dh),
            primary_selection_state: PrimarySelectionState::new::<State>(dh),
            popups: PopupManager::default(),
            popup_chain: PopupChain::default(),
            unmapped: Vec::new(),
            local_cursor: CursorImageStatus::default_named(),
            seat,
            outputs: Outputs::default(),
            shell: Shell::new(Metrics::default(), Vec::new()),
            windows: Windows::default(),
            domains: Domains::from_config(&config),
            xen: None,
            backend,
            ipc,
            pointer: PointerState::default(),
            bindings,
            clipboard: ClipboardDesk::default(),
            files: FilesDesk::default(),
            wheel: Wheel::default(),
            keyboard: layouts,
            pointer_hold: PointerHold::default(),
            fingers: Fingers::default(),
            tablet: Tablet::default(),
            runs: Runs::default(),
            key_repeat,
            x11_modifiers: 0,
            reaper,
            waits: Waits::default(),
            tray_is_watched: false,
            pace: Pace::default(),
            idle: IdleNotifierState::new(dh, loop_handle.clone()),
            unsent: Vec::new(),
            clock: Clock::new(),
            tell_subscribers: false,
            rearranged: false,
            waiting_for_frame: Vec::new(),
            loop_handle,
            loop_signal,
            display_handle: display_handle.clone(),
            disconnected,
            config,
        };
        CursorShapeManagerState::new::<State>(dh);
        PointerConstraintsState::new::<State>(dh);
        PointerGesturesState::new::<State>(dh);
        RelativePointerManagerState::new::<State>(dh);
        XdgDecorationState::new::<State>(dh);
        ViewporterState::new::<State>(dh);
        FractionalScaleManagerState::new::<State>(dh);
        OutputManagerState::new_with_xdg_output::<State>(dh);
        added.set_keymap_from_string(&mut state, keymap_text)?;
        let outputs = state.config.outputs.clone();
        // A backend's errors are not for other threads, as anyhow's have to be.
        state.set_outputs(&outputs).map_err(|err| anyhow::anyhow!("{err}"))?;
        let middle = state.shell.outputs().first().map(|area| area.centre()).unwrap_or_default();
        state.pointer.at = (f64::from(middle.x), f64::from(middle.y)).into();
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
        if self.pointer_hold.holder().is_some() {
            // dom0's clients may withdraw a wish without a word
            self.update_pointer_hold();
        }
        self.watch_tray();
        self.queue_changed();
        self.flush_links();
        self.popups.cleanup();
        if std::mem::take(&mut self.tell_subscribers) {
            self.update_idle();
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
            self.rearranged = true;
            self.sight_changed();
            match effect {
                Effect::Configure { id, .. } => self.configure(id),
                Effect::Restyled { id } => self.arrange(id),
                Effect::FocusChanged { to, .. } => {
                    self.dismiss_popups_not_of(to);
                    self.focus_keyboard(to);
                    self.clipboard_focus_moved(to);
                    if let Some(to) = to {
                        self.set_attention(to, false);
                    }
                    self.forgive_pointer_hold();
                }
                Effect::Close { id } => self.close(id),
                Effect::Changed => {}
            }
            self.update_pointer_hold();
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

    /// A link changed, or a window came or went: subscribers want to know.
    pub fn names_changed(&mut self) {
        self.tell_subscribers = true;
    }

    /// A window's title or class changed: its frame and subscribers want to know.
    pub(crate) fn name_changed(&mut self, id: shell::Id) {
        self.tell_subscribers = true;
        self.queue_redraw_of(id);
    }

    /// The domain with this id.
    pub fn domain(&self, id: DomainId) -> Option<&Domain> {
        self.domains.get(id)
    }

    /// Adds a window the shell knows to the table.
    pub fn insert_window(&mut self, window: Window) {
        self.windows.insert(window);
        self.tell_subscribers = true;
    }
}

//! Everything one agent knows, and the one place where its parts are brought to agree: [`State::settle`].

use std::{collections::BTreeMap, ffi::OsString, time::Instant};

use gui_protocol::{AgentEvent, Screen, Version, WindowId};
use smithay::{
    desktop::PopupManager,
    input::{Seat, SeatState, keyboard::XkbConfig},
    reexports::{
        calloop::LoopHandle,
        wayland_protocols_misc::server_decoration::server::org_kde_kwin_server_decoration_manager::Mode as KdeMode,
        wayland_server::{
            DisplayHandle,
            backend::{ClientData, ClientId, DisconnectReason},
            protocol::wl_surface::WlSurface,
        },
    },
    utils::{Logical, Point},
    wayland::{
        compositor::{CompositorClientState, CompositorState},
        cursor_shape::CursorShapeManagerState,
        fractional_scale::FractionalScaleManagerState,
        output::OutputManagerState,
        pointer_constraints::PointerConstraintsState,
        pointer_gestures::PointerGesturesState,
        presentation::PresentationState,
        relative_pointer::RelativePointerManagerState,
        selection::{data_device::DataDeviceState, primary_selection::PrimarySelectionState},
        shell::{
            kde::decoration::KdeDecorationState,
            wlr_layer::WlrLayerShellState,
            xdg::{XdgShellState, decoration::XdgDecorationState},
        },
        shm::ShmState,
        tablet_manager::TabletManagerState,
        viewporter::ViewporterState,
        xdg_activation::XdgActivationState,
    },
};
use tracing::{debug, info, warn};

use crate::{
    StartError,
    alarm::Alarm,
    clipboard::Clipboard,
    compose::Density,
    devices::{Finger, ForeignClock},
    drag::Drag,
    files::Files,
    frames::{FrameClock, PRESENTATION_CLOCK},
    handlers::{
        constraints::ToldConstraint,
        cursor::CursorSurface,
        data_control::DataControl,
        dmabuf::Dmabufs,
        foreign::Exports,
        gestures::PointerListeners,
        input_method::Method,
        input_popup::InputPopups,
        layer::Layers,
        output::Outputs,
        popup::{Grab, Placings},
        tablet::NearTool,
        text_input::TextFields,
        virtual_keyboard::VirtualKeyboards,
        xdg_shell,
    },
    keymap::ForeignKeyboard,
    link::Link,
    options::{DEFAULT_SCREEN, Options},
    privilege::{Privilege, has_privilege},
    programs::Programs,
    session,
    window::Windows,
    xwayland::XWayland,
};

/// Milliseconds a key is held before it would repeat; with a rate of 0 no client acts on it.
const REPEAT_DELAY_MS: i32 = 400;
/// Repeats come from the GUI domain as keys of their own.
const REPEAT_RATE_HZ: i32 = 0;

/// What smithay keeps for each protocol.
pub(crate) struct Globals {
    pub(crate) compositor: CompositorState,
    pub(crate) shm: ShmState,
    pub(crate) seat: SeatState<State>,
    pub(crate) data_device: DataDeviceState,
    pub(crate) primary_selection: PrimarySelectionState,
    pub(crate) data_control: DataControl,
    pub(crate) xdg_shell: XdgShellState,
    pub(crate) kde_decoration: KdeDecorationState,
    pub(crate) activation: XdgActivationState,
}

/// The state of an agent, as its event loop passes it around. Use it through [`Agent`](crate::Agent).
pub struct State {
    pub(crate) display: DisplayHandle,
    pub(crate) globals: Globals,
    pub(crate) dmabufs: Dmabufs,
    pub(crate) outputs: Outputs,
    pub(crate) seat: Seat<Self>,
    pub(crate) popups: PopupManager,
    /// The input that an open popup holds.
    pub(crate) grab: Option<Grab>,
    /// The toplevel that the GUI domain gave the keyboard to.
    pub(crate) focused: Option<WlSurface>,
    /// The window the pointer is over.
    pub(crate) pointed: Option<WindowId>,
    /// What is dragged.
    pub(crate) drag: Option<Drag>,
    /// The surface the pointer is over, and where on the screen that begins.
    pub(crate) under_pointer: Option<(WlSurface, Point<f64, Logical>)>,
    pub(crate) placings: Placings,
    pub(crate) cursor: CursorSurface,
    pub(crate) clipboard: Clipboard,
    pub(crate) files: Files,
    pub(crate) keyboard: ForeignKeyboard,
    pub(crate) clock: ForeignClock,
    /// Whether what is under the pointer may be another surface than it was.
    pub(crate) look_again: bool,
    pub(crate) fingers: BTreeMap<u32, Finger>,
    pub(crate) near_tool: Option<NearTool>,
    pub(crate) listeners: PointerListeners,
    pub(crate) constraint: ToldConstraint,
    pub(crate) exports: Exports,
    pub(crate) text: TextFields,
    pub(crate) method: Method,
    pub(crate) virtual_keyboards: VirtualKeyboards,
    pub(crate) input_popups: InputPopups,
    /// Whether any client has ever wanted the screens to stay on.
    pub(crate) inhibitors_seen: bool,
    /// By which applications find this agent.
    pub(crate) environment: Vec<(&'static str, OsString)>,
    pub(crate) programs: Programs,
    pub(crate) layers: Layers,
    pub(crate) windows: Windows,
    pub(crate) xwayland: XWayland,
    /// Whether the daemon, or the last one if there is none, speaks the extension.
    pub(crate) extended: bool,
    /// When some window may have buffers that it does not need any more.
    pub(crate) trim_at: Option<Instant>,
    /// Bytes of pixels moved so far.
    pub(crate) written: u64,
    pub(crate) frames: FrameClock,
    pub(crate) link: Link,
    /// Set when a client has sent something, for the owner of the display to read it.
    pub(crate) clients_ready: bool,
    /// Set when something has happened on the link.
    pub(crate) link_ready: bool,
    pub(crate) refresh_hz: u32,
    pub(crate) event_loop: LoopHandle<'static, Self>,
    alarm: Alarm,
}

impl State {
    pub(crate) fn new(
        options: &Options,
        mut environment: Vec<(&'static str, OsString)>,
        display: DisplayHandle,
        files: Files,
        event_loop: LoopHandle<'static, Self>,
    ) -> Result<Self, StartError> {
        let mut seat_state = SeatState::new();
        let mut seat = seat_state.new_wl_seat(&display, "seat0");
        // an empty configuration is filled from XKB_DEFAULT_RULES, _MODEL, _LAYOUT, _VARIANT and _OPTIONS
        seat.add_keyboard(XkbConfig::default(), REPEAT_DELAY_MS, REPEAT_RATE_HZ)?;
        seat.add_pointer();

        // these serve clients from the display from now on and need no handle here
        OutputManagerState::new_with_xdg_output::<Self>(&display);
        ViewporterState::new::<Self>(&display);
        PresentationState::new::<Self>(&display, PRESENTATION_CLOCK);
        XdgDecorationState::new::<Self>(&display);
        CursorShapeManagerState::new::<Self>(&display);
        RelativePointerManagerState::new::<Self>(&display);
        PointerGesturesState::new::<Self>(&display);
        PointerConstraintsState::new::<Self>(&display);
        TabletManagerState::new::<Self>(&display);
        Self::offer_icons(&display);
        Self::offer_dialogs(&display);
        Self::offer_foreign(&display);
        Self::offer_hints(&display);
        Self::offer_text_input(&display);
        Self::offer_input_method(&display);
        Self::offer_virtual_keyboards(&display);
        FractionalScaleManagerState::new::<Self>(&display);
        let layers_offered = options.layer_shell;
        let layer_shell = WlrLayerShellState::new_with_filter::<Self, _>(&display, move |client| {
            layers_offered || has_privilege(client, Privilege::Tray)
        });
        let outputs = Outputs::new(&display, DEFAULT_SCREEN, options.refresh_hz);

        // what there is to do then is done in `settle`, which follows every round of events
        let alarm = Alarm::new(&event_loop, |state| state.alarm.rang())?;
        let dmabufs = Dmabufs::new(&display);
        let primary_selection = PrimarySelectionState::new::<Self>(&display);
        let globals = Globals {
            data_control: DataControl::new(&display, &primary_selection),
            compositor: CompositorState::new_v6::<Self>(&display),
            shm: ShmState::new::<Self>(&display, []),
            seat: seat_state,
            data_device: DataDeviceState::new::<Self>(&display),
            primary_selection,
            xdg_shell: XdgShellState::new_with_capabilities::<Self>(&display, xdg_shell::CAPABILITIES),
            kde_decoration: KdeDecorationState::new::<Self>(&display, KdeMode::Server),
            activation: XdgActivationState::new::<Self>(&display),
        };
        let xwayland = XWayland::new(options.x11, &event_loop);
        environment.extend(xwayland.environment());
        environment.push(("XDG_CURRENT_DESKTOP", session::DESKTOP.into()));
        // Qt is told by this, and takes X11 without
        environment.push(("XDG_SESSION_TYPE", "wayland".into()));
        Ok(Self {
            display,
            globals,
            dmabufs,
            outputs,
            seat,
            popups: PopupManager::default(),
            grab: None,
            focused: None,
            pointed: None,
            drag: None,
            under_pointer: None,
            placings: Placings::default(),
            cursor: CursorSurface::new(options.frame_interval()),
            clipboard: Clipboard::default(),
            files,
            keyboard: ForeignKeyboard::default(),
            clock: ForeignClock::default(),
            look_again: false,
            fingers: BTreeMap::new(),
            near_tool: None,
            listeners: PointerListeners::default(),
            constraint: ToldConstraint::default(),
            exports: Exports::default(),
            text: TextFields::default(),
            method: Method::default(),
            virtual_keyboards: VirtualKeyboards::default(),
            input_popups: InputPopups::default(),
            inhibitors_seen: false,
            environment,
            programs: Programs::default(),
            layers: Layers::new(layer_shell, layers_offered),
            windows: Windows::default(),
            xwayland,
            extended: false,
            trim_at: None,
            written: 0,
            frames: FrameClock::new(options.frame_interval()),
            link: Link::listen(options).map_err(StartError::Link)?,
            clients_ready: false,
            link_ready: false,
            refresh_hz: options.refresh_hz,
            event_loop,
            alarm,
        })
    }

    /// Brings everything up to date after a round of events: what the GUI domain wants is done, what it is to know is
    /// sent, frame callbacks that are due go out, and the timer is set to the next thing that is not yet.
    pub(crate) fn settle(&mut self) {
        if std::mem::take(&mut self.link_ready) {
            self.link.read();
        }
        if self.link.take_lost() {
            self.let_go();
            self.place_what_was_asked();
            self.nobody_looks();
            self.stop_reading();
            self.end_files();
        }
        while let Some(event) = self.link.next_event() {
            self.handle(event);
        }
        self.serve_x11();
        self.present_all();
        if std::mem::take(&mut self.look_again) {
            self.point_again();
        }
        let now = Instant::now();
        self.trim(now);
        self.tend_programs(now);
        self.give_up_reading(now);
        if self.link.is_clear() {
            self.update_cursor(now);
        }
        self.link.write();
        // files take what the rest leaves
        while self.pump_files() {
            self.link.write();
        }
        self.flush_x11();
        if self.link.is_clear() {
            self.frames.send_due(now, self.outputs.primary_output());
        }
        self.popups.cleanup();
        // a channel that is not clear wakes us itself
        let frames = [self.frames.next_due(now), self.cursor.next_due(now)].into_iter().flatten();
        let frame = frames.min().filter(|_| self.link.is_clear());
        let others = [
            self.link.deadline(),
            self.trim_at,
            self.programs.deadline(),
            self.clipboard.deadline(),
            self.xwayland.deadline(),
        ];
        self.alarm.set(others.into_iter().chain([frame]).flatten().min());
    }

    fn handle(&mut self, event: AgentEvent) {
        match event {
            AgentEvent::Connected { version, screen } => self.greeted(version, screen),
            AgentEvent::Configure { window, geometry } => self.configured(window, geometry),
            AgentEvent::Close { window } => self.close(window),
            AgentEvent::Key { input, .. } => self.key(input),
            AgentEvent::Button { window, input } => self.button(window, input),
            AgentEvent::Motion { window, x, y, .. } => self.motion(window, x, y),
            AgentEvent::Crossing { window, input } => self.crossing(window, input),
            AgentEvent::Focus { window, focused } => self.focus(window, focused),
            AgentEvent::KeymapNotify { keys } => self.held_keys(&keys),
            AgentEvent::Flags { window, set, unset } => self.flags_changed(window, set, unset),
            AgentEvent::BufferReleased { window, serial } => self.buffer_released(window, serial),
            AgentEvent::FrameDone { window, serial } => self.frame_done(window, serial),
            AgentEvent::Presented { window, presented } => self.presented(window, &presented),
            AgentEvent::Outputs(outputs) => self.outputs_changed(&outputs),
            AgentEvent::Arranged { window, arrange } => self.arranged(window, &arrange),
            AgentEvent::BufferRemoved { serial, .. } => self.windows.released(serial),
            AgentEvent::Keymap(keymap) => self.keymap_changed(keymap),
            AgentEvent::Modifiers(modifiers) => self.modifiers_changed(modifiers),
            AgentEvent::Scroll { scroll, .. } => self.scroll(scroll),
            AgentEvent::Gesture { gesture, .. } => self.gesture(gesture),
            AgentEvent::Touch { window, touch } => self.touch(window, touch),
            AgentEvent::Tablet { window, tool } => self.tablet(window, tool),
            AgentEvent::RelativeMotion { motion, .. } => self.relative_motion(motion),
            AgentEvent::PointerConstrained { window, kind } => self.pointer_constrained(window, kind),
            AgentEvent::Run { token, argv } => self.run(token, &argv),
            AgentEvent::Sync { token } => self.synced(token),
            AgentEvent::ClipboardRequested { .. } => self.clipboard_requested(),
            AgentEvent::Clipboard { data } => self.pasted(data),
            AgentEvent::FilesOffered { token, from, files } => self.files_come(token, from, files),
            AgentEvent::FilesData { token, data } => self.files_data_came(token, data),
            AgentEvent::FilesEnded { token, .. } => self.files_broken_off(token),
            AgentEvent::FilesCredit { token, .. } => self.files_wanted(token),
            AgentEvent::FilesResult { token, end } => self.files_sent(token, end),
            // shown already
            AgentEvent::Mapped { .. } => {}
            // not before level 1, which is not offered
            _ => {}
        }
    }

    /// Everything before this has been done. Says so, once the clients have been told what concerns them.
    fn synced(&mut self, token: u32) {
        self.present_all();
        if let Err(error) = self.display.flush_clients() {
            debug!("a client could not be told everything: {error}");
        }
        self.link.conn.sync_done(token);
    }

    fn greeted(&mut self, version: Version, screen: Screen) {
        self.change_level();
        self.offer_capabilities();
        self.offer_touch(self.link.is_extended());
        self.clock = ForeignClock::default();
        if !self.link.is_extended() {
            self.own_keyboard();
        }
        info!("speaking version {version} for a screen of {}x{}", screen.width, screen.height);
        match (i32::try_from(screen.width), i32::try_from(screen.height)) {
            (Ok(width @ 1..), Ok(height @ 1..)) => {
                // with the extension the outputs follow by themselves
                if !self.link.is_extended() {
                    self.screen_changed((width, height));
                }
            }
            _ => warn!("such a screen cannot be; the last size stays"),
        }
    }
}

/// What the agent keeps for each client.
#[derive(Debug, Default)]
pub(crate) struct ClientState {
    pub(crate) compositor: CompositorClientState,
    /// What it may beside what all may.
    pub(crate) privilege: Option<Privilege>,
}

impl ClientState {
    /// How many of its units it takes for one of everybody else's: 1 but for Xwayland, which counts in pixels.
    pub(crate) fn density(&self) -> Density {
        Density::from_factor(self.compositor.client_scale())
    }
}

impl ClientData for ClientState {
    fn disconnected(&self, client: ClientId, reason: DisconnectReason) {
        match reason {
            DisconnectReason::ConnectionClosed => debug!("{client:?} has disconnected"),
            DisconnectReason::ProtocolError(error) => warn!("{client:?} was disconnected: {error}"),
        }
    }
}

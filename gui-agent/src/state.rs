//! Everything one agent knows, and the one place where its parts are brought to agree: [`State::settle`].

use std::time::Instant;

use gui_protocol::{AgentEvent, Screen, Version, WindowId};
use smithay::{
    desktop::PopupManager,
    input::{Seat, SeatState, keyboard::XkbConfig},
    output::Output,
    reexports::{
        calloop::{
            LoopHandle, RegistrationToken,
            timer::{TimeoutAction, Timer},
        },
        wayland_protocols_misc::server_decoration::server::org_kde_kwin_server_decoration_manager::Mode as KdeMode,
        wayland_server::{
            DisplayHandle,
            backend::{ClientData, ClientId, DisconnectReason},
            protocol::wl_surface::WlSurface,
        },
    },
    wayland::{
        compositor::{CompositorClientState, CompositorState},
        cursor_shape::CursorShapeManagerState,
        output::OutputManagerState,
        presentation::PresentationState,
        selection::data_device::DataDeviceState,
        shell::{
            kde::decoration::KdeDecorationState,
            xdg::{XdgShellState, decoration::XdgDecorationState},
        },
        shm::ShmState,
        viewporter::ViewporterState,
    },
};
use tracing::{debug, error, info, warn};

use crate::{
    StartError,
    frames::{FrameClock, PRESENTATION_CLOCK},
    handlers::{output, popup::Grab, xdg_shell},
    link::Link,
    options::{DEFAULT_SCREEN, Options},
    window::Windows,
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
    pub(crate) xdg_shell: XdgShellState,
    pub(crate) kde_decoration: KdeDecorationState,
}

/// The state of an agent, as its event loop passes it around. Use it through [`Agent`](crate::Agent).
pub struct State {
    pub(crate) display: DisplayHandle,
    pub(crate) globals: Globals,
    pub(crate) output: Output,
    pub(crate) seat: Seat<Self>,
    pub(crate) popups: PopupManager,
    /// The input that an open popup holds.
    pub(crate) grab: Option<Grab>,
    /// The toplevel that the GUI domain gave the keyboard to.
    pub(crate) focused: Option<WlSurface>,
    /// The window the pointer is over.
    pub(crate) pointed: Option<WindowId>,
    pub(crate) windows: Windows,
    /// Bytes of pixels moved so far.
    pub(crate) written: u64,
    pub(crate) frames: FrameClock,
    pub(crate) link: Link,
    /// Set when a client has sent something, for the owner of the display to read it.
    pub(crate) clients_ready: bool,
    /// Set when something has happened on the link.
    pub(crate) link_ready: bool,
    refresh_hz: u32,
    event_loop: LoopHandle<'static, Self>,
    alarm: Option<(Instant, RegistrationToken)>,
}

impl State {
    pub(crate) fn new(
        options: &Options,
        display: DisplayHandle,
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
        let output = output::new_output(DEFAULT_SCREEN, options.refresh_hz);
        output.create_global::<Self>(&display);

        let globals = Globals {
            compositor: CompositorState::new_v6::<Self>(&display),
            shm: ShmState::new::<Self>(&display, []),
            seat: seat_state,
            data_device: DataDeviceState::new::<Self>(&display),
            xdg_shell: XdgShellState::new_with_capabilities::<Self>(&display, xdg_shell::CAPABILITIES),
            kde_decoration: KdeDecorationState::new::<Self>(&display, KdeMode::Server),
        };
        Ok(Self {
            display,
            globals,
            output,
            seat,
            popups: PopupManager::default(),
            grab: None,
            focused: None,
            pointed: None,
            windows: Windows::default(),
            written: 0,
            frames: FrameClock::new(options.frame_interval()),
            link: Link::listen(options).map_err(StartError::Link)?,
            clients_ready: false,
            link_ready: false,
            refresh_hz: options.refresh_hz,
            event_loop,
            alarm: None,
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
        }
        while let Some(event) = self.link.next_event() {
            self.handle(event);
        }
        self.present_all();
        self.link.write();
        let now = Instant::now();
        if self.link.is_clear() {
            self.frames.send_due(now, &self.output);
        }
        self.popups.cleanup();
        // a channel that is not clear wakes us itself
        let frame = self.frames.next_due(now).filter(|_| self.link.is_clear());
        self.set_alarm(frame.into_iter().chain(self.link.deadline()).min());
    }

    fn set_alarm(&mut self, at: Option<Instant>) {
        if self.alarm.as_ref().map(|(at, _)| *at) == at {
            return;
        }
        if let Some((_, token)) = self.alarm.take() {
            self.event_loop.remove(token);
        }
        let Some(at) = at else { return };
        let ring = |_: Instant, _: &mut (), state: &mut Self| {
            // what there is to do is done in `settle`, which follows every round of events
            state.alarm = None;
            TimeoutAction::Drop
        };
        match self.event_loop.insert_source(Timer::from_deadline(at), ring) {
            Ok(token) => self.alarm = Some((at, token)),
            Err(error) => error!("no timer can be set: {error}"),
        }
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
            AgentEvent::BufferRemoved { serial, .. } => self.windows.released(serial),
            // this domain's clipboard stays in it: there is nothing to give and nowhere to put what is given
            AgentEvent::ClipboardRequested { .. } => self.link.conn.clipboard(&[]),
            AgentEvent::Clipboard { .. } => {}
            // shown already
            AgentEvent::Mapped { .. } => {}
            // not before level 1, which is not offered
            _ => {}
        }
    }

    fn greeted(&mut self, version: Version, screen: Screen) {
        info!("speaking version {version} for a screen of {}x{}", screen.width, screen.height);
        match (i32::try_from(screen.width), i32::try_from(screen.height)) {
            (Ok(width @ 1..), Ok(height @ 1..)) => {
                output::set_size(&self.output, (width, height), self.refresh_hz)
            }
            _ => warn!("such a screen cannot be; the last size stays"),
        }
    }
}

/// What the agent keeps for each client.
#[derive(Debug, Default)]
pub(crate) struct ClientState {
    pub(crate) compositor: CompositorClientState,
}

impl ClientData for ClientState {
    fn disconnected(&self, client: ClientId, reason: DisconnectReason) {
        match reason {
            DisconnectReason::ConnectionClosed => debug!("{client:?} has disconnected"),
            DisconnectReason::ProtocolError(error) => warn!("{client:?} was disconnected: {error}"),
        }
    }
}

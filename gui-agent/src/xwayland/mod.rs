//! X11 applications: Xwayland, started when the first of them comes, and the window manager it needs.
//!
//! To the agent Xwayland is one more Wayland client, whose surfaces are windows because the window manager says so. What
//! keeps X11 programs at arm's length:
//!
//! * The agent never waits for the X server: what it asks is answered when it is, so a program that keeps the server busy
//!   stops other X11 programs and nobody else.
//! * Every number a program can set is brought into bounds where it is read ([`properties`], [`manager`]), and everything it
//!   can make is counted.
//! * If Xwayland ends, its windows do. The next X11 program starts it anew.
//!
//! X11 programs of one domain see each other, and each other's keys: that is X11, and the domain is the boundary.
//!
//! The order of things: [`display`] has the socket, [`process`] the program, [`startup`] makes of a new [`connection`] a
//! [`manager`], which takes [`messages`] from programs and [`decisions`] from the GUI domain; [`windows`] brings its windows
//! and the surfaces together, [`selection`] and [`clipboard`] what is copied; [`drag_from_x11`] and [`drag_to_x11`] what is dragged; [`tray`] takes programs'
//! icons.
//! Everything here counts in pixels, the rest of the agent in units; [`scale`] has both, [`settings`] tells programs.

mod atoms;
mod clipboard;
mod connection;
mod decisions;
mod display;
mod drag_from_x11;
mod drag_to_x11;
mod manager;
mod messages;
mod process;
mod properties;
mod scale;
mod selection;
mod settings;
mod startup;
mod tray;
mod windows;

use std::{collections::BTreeMap, ffi::OsString, io, os::fd::OwnedFd, process::ExitStatus, time::Instant};

use gui_protocol::{KeyInput, SizeHints, States};
use smithay::{
    reexports::{
        calloop::{Interest, LoopHandle, Mode, PostAction, RegistrationToken, generic::Generic},
        wayland_server::{
            Client, Resource,
            backend::DisconnectReason,
            protocol::{wl_data_device_manager::DndAction, wl_surface::WlSurface},
        },
    },
    utils::{Logical, Rectangle, Size},
    wayland::selection::SelectionTarget,
};
use tracing::{info, warn};

use self::{
    clipboard::Copied,
    connection::Broken,
    display::DisplayPlace,
    drag_from_x11::LetGo,
    drag_to_x11::DraggedToX11,
    manager::{Happening, Manager},
    process::{PROGRAM, Process},
    startup::Startup,
};
use crate::{
    compose::Density,
    state::{ClientState, State},
};

pub(crate) use windows::ROLE;

/// Keys kept back at most. Nobody types faster than the server takes to move the keyboard.
const MAX_HELD_BACK: usize = 64;

/// How far Xwayland is.
enum Stage {
    /// Not running.
    Off,
    /// Started, and not ready.
    Starting(Process, Startup),
    /// Serving programs.
    Running(Process, Box<Manager>),
    /// On its way to its end.
    Ending {
        /// Whether it was ready before that.
        served: bool,
    },
}

/// The display that programs connect to.
struct Listening {
    place: DisplayPlace,
    token: RegistrationToken,
}

/// Everything about X11.
pub(crate) struct XWayland {
    listening: Option<Listening>,
    stage: Stage,
    /// Set when the first program knocks.
    wanted: bool,
    /// Set when the window manager has something to read.
    readable: bool,
    /// Set when Xwayland has ended.
    ended: Option<ExitStatus>,
    /// Those of its surfaces that show windows.
    surfaces: BTreeMap<u32, WlSurface>,
    /// What Wayland's programs have copied.
    copied: Copied,
    /// Where what is fetched from X11 programs goes, by its number.
    fetching: BTreeMap<u64, OwnedFd>,
    /// What is being read for X11 programs.
    reading: Vec<(u64, RegistrationToken)>,
    /// What a Wayland program drags over X11 windows, or has dropped on one.
    to_x11: Option<DraggedToX11>,
    /// How often X11 programs have offered something since a button was let go of.
    offers_from_x11: u32,
    /// What an X11 program may have dragged has been let go of.
    let_go: Option<LetGo>,
    /// Typed while the keyboard was on its way to a window.
    held_back: Vec<KeyInput>,
    /// X11's pixels for each unit of everybody else's.
    density: Density,
}

impl XWayland {
    /// Listens for programs if they are to be served and can be.
    pub(crate) fn new(wanted: bool, event_loop: &LoopHandle<'static, State>) -> Self {
        let listening = match wanted.then(|| listen(event_loop)) {
            Some(Ok(listening)) => {
                info!("listening for X11 applications: {}", listening.place.name());
                Some(listening)
            }
            Some(Err(error)) => {
                warn!("there will be no X11 applications: {error}");
                None
            }
            None => None,
        };
        Self {
            listening,
            stage: Stage::Off,
            wanted: false,
            readable: false,
            ended: None,
            surfaces: BTreeMap::new(),
            copied: Copied::default(),
            fetching: BTreeMap::new(),
            reading: Vec::new(),
            to_x11: None,
            offers_from_x11: 0,
            let_go: None,
            held_back: Vec::new(),
            density: Density::ONE,
        }
    }

    /// When something dragged has to be given up.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let to_x11 = self.to_x11.as_ref().and_then(|dragged| dragged.until);
        self.let_go.map(|it| it.until).into_iter().chain(to_x11).min()
    }

    /// There are this many pixels for each unit now: as many as on the densest output, and never less than one.
    pub(crate) fn set_density(&mut self, density: Density) {
        if std::mem::replace(&mut self.density, density) == density {
            return;
        }
        if let Some(data) = self.client().and_then(Client::get_data::<ClientState>) {
            data.compositor.set_client_scale(density.factor());
        }
        if let Some(manager) = self.manager_mut() {
            manager.set_density(density);
        }
    }

    /// What a window says about the sizes it likes, in units.
    fn size_hints(&self, window: u32) -> Option<SizeHints> {
        let manager = self.manager()?;
        Some(scale::hints_in_units(manager.density, manager.get(window)?.properties.size_hints))
    }

    /// By which programs find the display.
    pub(crate) fn environment(&self) -> Option<(&'static str, OsString)> {
        self.listening.as_ref().map(|listening| ("DISPLAY", listening.place.name().into()))
    }

    /// Whether a surface is one of Xwayland's.
    pub(crate) fn owns(&self, surface: &WlSurface) -> bool {
        self.client().is_some_and(|client| surface.client().is_some_and(|it| it.id() == client.id()))
    }

    fn client(&self) -> Option<&Client> {
        match &self.stage {
            Stage::Starting(process, _) | Stage::Running(process, _) => Some(&process.client),
            Stage::Off | Stage::Ending { .. } => None,
        }
    }

    fn manager(&self) -> Option<&Manager> {
        match &self.stage {
            Stage::Running(_, manager) => Some(manager),
            _ => None,
        }
    }

    fn manager_mut(&mut self) -> Option<&mut Manager> {
        match &mut self.stage {
            Stage::Running(_, manager) => Some(manager),
            _ => None,
        }
    }

    /// A window is here now, and of this size.
    pub(crate) fn configure(&mut self, window: u32, geometry: Rectangle<i32, Logical>) {
        if let Some(manager) = self.manager_mut() {
            manager.configure(window, geometry);
        }
    }

    /// What a window says in words: its title, and its program's class and name.
    pub(crate) fn texts(&self, window: u32) -> [String; 3] {
        let managed = self.manager().and_then(|manager| manager.get(window));
        let texts = managed.map(|managed| &managed.properties);
        texts.map(|it| [it.title().to_owned(), it.class.clone(), it.instance.clone()]).unwrap_or_default()
    }

    /// Whether a window has been drawn in the size it has.
    pub(crate) fn is_drawn_in(&self, window: u32, size: Size<i32, Logical>) -> bool {
        self.geometry(window).is_none_or(|geometry| geometry.size == size)
    }

    fn geometry(&self, window: u32) -> Option<Rectangle<i32, Logical>> {
        let manager = self.manager()?;
        Some(scale::to_units(manager.density, manager.get(window)?.geometry))
    }

    /// Sets and unsets states of a window.
    pub(crate) fn change_states(&mut self, window: u32, set: States, unset: States) {
        if let Some(manager) = self.manager_mut() {
            manager.set_states(window, manager.states(window).difference(unset).union(set));
        }
    }

    /// A window has these states now.
    pub(crate) fn set_states(&mut self, window: u32, states: States) {
        if let Some(manager) = self.manager_mut() {
            manager.set_states(window, states);
        }
    }

    /// The keyboard is this window's, or none's of X11.
    pub(crate) fn set_focus(&mut self, window: Option<u32>) {
        self.held_back.clear();
        if let Some(manager) = self.manager_mut() {
            manager.set_focus(window);
        }
    }

    /// The user wants a window closed.
    pub(crate) fn close(&mut self, window: u32) {
        if let Some(manager) = self.manager_mut() {
            manager.close(window);
        }
    }

    /// Keeps a key for later if the keyboard is on its way to an X11 window: the server hears of keys and of the focus on
    /// two ways, and keys are faster. Returns whether it did.
    pub(crate) fn holds_back(&mut self, key: KeyInput) -> bool {
        let waits = self.manager().is_some_and(|it| it.focus().is_some() && it.is_focusing());
        if waits && self.held_back.len() < MAX_HELD_BACK {
            self.held_back.push(key);
        }
        waits
    }

    fn receive(&mut self) -> Result<(), Broken> {
        match std::mem::replace(&mut self.stage, Stage::Off) {
            Stage::Starting(process, startup) => {
                let (stage, received) = match startup.receive(self.density) {
                    Ok(Ok(manager)) => (Stage::Running(process, Box::new(manager)), Ok(())),
                    Ok(Err(startup)) => (Stage::Starting(process, startup), Ok(())),
                    Err(broken) => (Stage::Ending { served: false }, Err(broken)),
                };
                self.stage = stage;
                received
            }
            Stage::Running(process, mut manager) => {
                let received = manager.receive();
                self.stage = Stage::Running(process, manager);
                received
            }
            other => {
                self.stage = other;
                Ok(())
            }
        }
    }

    fn flush(&mut self) -> Result<(), Broken> {
        let (process, all) = match &mut self.stage {
            Stage::Starting(process, startup) => (process, startup.flush()?),
            Stage::Running(process, manager) => (process, manager.connection.flush()?),
            Stage::Off | Stage::Ending { .. } => return Ok(()),
        };
        process.set_wants_write(!all);
        Ok(())
    }

    fn next(&mut self) -> Option<Happening> {
        self.manager_mut()?.next()
    }
}

fn listen(event_loop: &LoopHandle<'static, State>) -> io::Result<Listening> {
    if !is_installed() {
        return Err(io::Error::other("Xwayland is not installed (Debian's package xwayland)"));
    }
    let place = DisplayPlace::bind()?;
    let source = Generic::new(place.socket.try_clone()?, Interest::READ, Mode::Level);
    let token = process::insert(event_loop, source, |_, _: &mut _, state| {
        state.xwayland.wanted = true;
        Ok(PostAction::Continue)
    })?;
    Ok(Listening { place, token })
}

fn is_installed() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(PROGRAM).is_file())
}

impl State {
    /// Does what there is to do for X11 programs.
    pub(crate) fn serve_x11(&mut self) {
        if let Some(status) = self.xwayland.ended.take() {
            self.xwayland_ended(status);
        }
        if std::mem::take(&mut self.xwayland.wanted) {
            self.start_xwayland();
        }
        let client = self.xwayland.client().cloned();
        if std::mem::take(&mut self.xwayland.readable) {
            let was_running = self.xwayland.manager().is_some();
            if let Err(broken) = self.xwayland.receive() {
                self.stop_xwayland(&broken, client);
            } else if !was_running {
                self.offer_all_to_x11();
            }
        }
        while let Some(happening) = self.xwayland.next() {
            self.x11_happened(happening);
        }
        self.serve_drag_from_x11();
        self.serve_drag_to_x11();
    }

    /// Sends the X server what there is to say.
    pub(crate) fn flush_x11(&mut self) {
        if let Err(broken) = self.xwayland.flush() {
            let client = self.xwayland.client().cloned();
            self.stop_xwayland(&broken, client);
        }
    }

    /// A program knocks.
    fn start_xwayland(&mut self) {
        let (Stage::Off, Some(listening)) = (&self.xwayland.stage, &self.xwayland.listening) else { return };
        // whoever knocks now is for Xwayland to answer; this cannot fail for a source that is there
        let _ = self.event_loop.disable(&listening.token);
        match Process::start(&listening.place, self.xwayland.density, &mut self.display, &self.event_loop) {
            Ok((process, startup)) => self.xwayland.stage = Stage::Starting(process, startup),
            Err(error) => {
                warn!("Xwayland cannot be started: {error}");
                self.refuse_x11();
                self.listen_again();
            }
        }
    }

    /// It is of no more use.
    fn stop_xwayland(&mut self, broken: &Broken, client: Option<Client>) {
        self.disconnect_xwayland(client);
        // when it has nothing to do any more, it ends by closing its connections
        let ends_itself = matches!(broken, Broken::Closed);
        if !ends_itself {
            warn!("Xwayland is of no more use: {broken}");
        }
        let (process, served) = match std::mem::replace(&mut self.xwayland.stage, Stage::Off) {
            Stage::Starting(process, _) => (process, false),
            Stage::Running(process, _) => (process, true),
            other => return self.xwayland.stage = other,
        };
        if !ends_itself {
            process.kill();
        }
        self.xwayland.stage = Stage::Ending { served };
    }

    /// Its windows go with it.
    fn disconnect_xwayland(&mut self, client: Option<Client>) {
        if let Some(client) = client {
            self.display.backend_handle().kill_client(client.id(), DisconnectReason::ConnectionClosed);
        }
    }

    fn xwayland_ended(&mut self, status: ExitStatus) {
        match status.success() {
            true => info!("Xwayland has ended, without programs to serve"),
            false => warn!("Xwayland has ended: {status}"),
        }
        let client = self.xwayland.client().cloned();
        self.disconnect_xwayland(client);
        self.forget_drag_from_x11();
        self.end_drag_to_x11(DndAction::None);
        self.xwayland.held_back.clear();
        self.xwayland.surfaces.clear();
        self.xwayland.fetching.clear();
        for (_, token) in std::mem::take(&mut self.xwayland.reading) {
            self.event_loop.remove(token);
        }
        for which in [SelectionTarget::Clipboard, SelectionTarget::Primary] {
            self.x11_emptied(which);
        }
        let stage = std::mem::replace(&mut self.xwayland.stage, Stage::Off);
        if matches!(stage, Stage::Starting(..) | Stage::Ending { served: false }) {
            // it would be no better the next time for the same programs
            self.refuse_x11();
        }
        self.listen_again();
    }

    /// Turns away the programs that wait.
    fn refuse_x11(&self) {
        let Some(Listening { place, .. }) = &self.xwayland.listening else { return };
        if place.socket.set_nonblocking(true).is_ok() {
            while place.socket.accept().is_ok() {}
        }
    }

    fn listen_again(&self) {
        if let Some(listening) = &self.xwayland.listening
            && let Err(error) = self.event_loop.enable(&listening.token)
        {
            warn!("there will be no more X11 applications: {error}");
        }
    }
}

//! The GUI domain: a desktop of rectangles, one pointer, some fingers.
//!
//! It does what the daemon does as far as an agent can tell, without frames and pixels: a new window comes to the front
//! and gets the keyboard, so does one that is pressed; while a button or a finger is down its window gets everything; open menus
//! are closed by a press elsewhere; every frame is taken as it comes.

mod input;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::fd::OwnedFd,
    path::Path,
    time::{Duration, Instant},
};

use calloop::generic::Generic;
use gui_protocol::{
    Arrange, BufferId, Commit, DaemonConfig, DaemonConn, DaemonEvent, Limits, Output, PointerConstraint,
    Positioner, Rect, Scale, Screen, States, Version, WindowId, Wish,
};
use shm_grant::{Address, Backend, Client, DomId};
use transom_tests::wire;

/// The only output.
const SCREEN: Screen = Screen { width: 1920, height: 1080, depth: 24, mem_kib: 8101 };
const REFRESH_MHZ: u32 = 60_000;

/// No keys are down, ever.
const NO_KEYS: [u8; 32] = [0; 32];

/// One of those that touch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finger(pub u32);

/// A window on the desktop.
struct Window {
    /// In the desktop; of a popup, from its parent's corner.
    corner: (i32, i32),
    size: (i32, i32),
    popup: Option<Popup>,
    /// Nobody manages it.
    unmanaged: bool,
    states: States,
    /// Buffers of frames that were not let go of.
    held: Vec<BufferId>,
    constraint: Option<Constraint>,
}

/// How the pointer is held by the window that it is over.
#[derive(Clone, Copy)]
struct Constraint {
    kind: PointerConstraint,
    /// From the window's corner.
    region: Rect,
}

#[derive(Clone, Copy)]
struct Popup {
    parent: WindowId,
    grab: bool,
}

/// The GUI domain.
pub struct Desk {
    link: Client,
    conn: DaemonConn,
    started: Instant,
    greeted: bool,
    windows: BTreeMap<WindowId, Window>,
    /// From the back to the front.
    stack: Vec<WindowId>,
    focused: Option<WindowId>,
    /// Windows that are to be told what they are to be.
    changed: BTreeSet<WindowId>,
    pointer: (i32, i32),
    pointed: Option<WindowId>,
    /// Buttons that are down.
    pressed: u32,
    touched: BTreeMap<Finger, (WindowId, (i32, i32))>,
}

impl Desk {
    /// Its end of the link to the agent of this domain.
    pub fn new(folder: &Path, agent: DomId) -> io::Result<Self> {
        let address =
            Address::new(Backend::Socket, agent, DomId(0), gui_agent::GUI_PORT).in_directory(folder);
        let config =
            DaemonConfig { screen: SCREEN, limits: Limits::default(), max_minor: Version::NEWEST.minor };
        Ok(Self {
            link: Client::new(&address)?,
            conn: DaemonConn::new(config, Duration::ZERO),
            started: Instant::now(),
            greeted: false,
            windows: BTreeMap::new(),
            stack: Vec::new(),
            focused: None,
            changed: BTreeSet::new(),
            pointer: (0, 0),
            pointed: None,
            pressed: 0,
            touched: BTreeMap::new(),
        })
    }

    /// Readable when [`Desk::pump`] has something to do.
    pub fn source(&self) -> io::Result<Generic<OwnedFd>> {
        self.link.calloop_source()
    }

    pub fn is_greeted(&self) -> bool {
        self.greeted
    }

    /// Hears what the agent says, and says what there is to say.
    pub fn pump(&mut self) {
        if let Err(error) = wire::hear(&mut self.link, &mut self.conn, self.started.elapsed()) {
            eprintln!("{error}");
            self.link.disconnect();
        }
        while let Some(event) = self.conn.poll_event() {
            self.hear(event);
        }
        // once for all that was heard: a window that comes with wishes is told one state, not two
        for id in std::mem::take(&mut self.changed) {
            self.arrange(id);
        }
        wire::say(&mut self.link, &mut self.conn);
    }

    fn hear(&mut self, event: DaemonEvent) {
        use DaemonEvent as E;
        match event {
            E::Connected { .. } => {
                self.greeted = true;
                self.conn.outputs(&[Output {
                    id: 1,
                    x: 0,
                    y: 0,
                    width: SCREEN.width,
                    height: SCREEN.height,
                    mode_width: SCREEN.width,
                    mode_height: SCREEN.height,
                    refresh_mhz: REFRESH_MHZ,
                    scale: Scale::ONE,
                }]);
            }
            E::Created { window, geometry, override_redirect } => {
                let created = Window {
                    corner: (geometry.x, geometry.y),
                    size: (0, 0),
                    popup: None,
                    unmanaged: override_redirect,
                    states: States::empty(),
                    held: Vec::new(),
                    constraint: None,
                };
                self.windows.insert(window, created);
            }
            E::Mapped { window, .. } => {
                self.stack.push(window);
                if self.windows.get(&window).is_some_and(|it| !it.unmanaged) {
                    self.focus(window);
                }
            }
            E::Unmapped { window } => self.vanish(window),
            E::Destroyed { window } => {
                self.vanish(window);
                self.windows.remove(&window);
            }
            E::Committed { window, commit } => self.show(window, &commit),
            E::BufferRemoved { window, buffer } => self.conn.buffer_removed(window, buffer),
            E::Popup { window, parent, token, positioner } => {
                self.place_popup(window, parent, token, &positioner)
            }
            E::ConstrainPointer { window, kind, region } => {
                if let Some(known) = self.windows.get_mut(&window) {
                    let (width, height) = (known.size.0.cast_unsigned(), known.size.1.cast_unsigned());
                    let region = region.unwrap_or(Rect { x: 0, y: 0, width, height });
                    known.constraint =
                        (kind != PointerConstraint::None).then_some(Constraint { kind, region });
                    self.conn.pointer_constrained(window, kind);
                }
            }
            E::Wished { window, wish } => self.wished(window, wish),
            E::Sync { token } => self.conn.sync_done(token),
            // names, icons and cursors are nothing to a desktop that nobody looks at
            _ => {}
        }
    }
}

/// Windows.
impl Desk {
    /// Puts a window there.
    pub fn place(&mut self, id: WindowId, corner: (i32, i32)) {
        if let Some(window) = self.windows.get_mut(&id) {
            window.corner = corner;
            self.arrange(id);
            // the pointer is elsewhere in it now
            self.point(true);
        }
    }

    /// Tells a window what it is to be; no size leaves that to it.
    fn arrange(&mut self, id: WindowId) {
        let Some(Window { corner: (x, y), states, .. }) = self.windows.get(&id) else { return };
        let bounds = Some((SCREEN.width, SCREEN.height));
        let (x, y, states, (width, height)) = (*x, *y, *states, window_size(*states));
        let arrange =
            Arrange { x, y, width, height, bounds, states, scale: Scale::ONE, ..Arrange::default() };
        self.conn.arrange(id, arrange);
    }

    /// The window is shown with this from now on, at once.
    fn show(&mut self, id: WindowId, commit: &Commit) {
        let Some(window) = self.windows.get_mut(&id) else { return };
        window.size = (commit.width.cast_signed(), commit.height.cast_signed());
        window.held.push(commit.buffer);
        for buffer in window.held.extract_if(.., |held| *held != commit.buffer) {
            self.conn.release(id, buffer);
        }
        window.held.dedup();
        self.conn.frame_done(id, commit.serial);
        // what is under the pointer may be another window now
        self.point(false);
    }

    fn vanish(&mut self, id: WindowId) {
        self.stack.retain(|it| *it != id);
        self.touched.retain(|_, (it, _)| *it != id);
        if self.pointed == Some(id) {
            self.pointed = None;
        }
        if self.focused == Some(id) {
            self.focused = None;
            let next =
                self.stack.iter().rev().find(|it| self.windows.get(it).is_some_and(|it| !it.unmanaged));
            if let Some(next) = next.copied() {
                self.focus(next);
            }
        }
        self.point(false);
    }

    /// Brings a window to the front, popups that stand on it above it, and gives it the keyboard.
    fn focus(&mut self, id: WindowId) {
        let (front, back): (Vec<_>, Vec<_>) = self.stack.iter().partition(|it| self.toplevel_of(**it) == id);
        let stack = back.into_iter().chain(front);
        let is_unmanaged =
            |it: &WindowId| self.windows.get(&self.toplevel_of(*it)).is_some_and(|it| it.unmanaged);
        let (above, below): (Vec<_>, Vec<_>) = stack.partition(is_unmanaged);
        self.stack = below.into_iter().chain(above).collect();
        if self.focused == Some(id) {
            return;
        }
        if let Some(last) = self.focused.replace(id) {
            self.conn.focus(last, false, &NO_KEYS);
            self.activate(last, false);
        }
        self.conn.focus(id, true, &NO_KEYS);
        self.activate(id, true);
    }

    fn activate(&mut self, id: WindowId, active: bool) {
        if let Some(window) = self.windows.get_mut(&id) {
            window.states.set(States::ACTIVATED, active);
            self.changed.insert(id);
        }
    }

    fn wished(&mut self, id: WindowId, wish: Wish) {
        let Some(window) = self.windows.get_mut(&id) else { return };
        let (state, wanted) = match wish {
            Wish::Maximised(wanted) => (States::MAXIMISED, wanted),
            Wish::Fullscreen(wanted) => (States::FULLSCREEN, wanted),
            _ => return,
        };
        window.states.set(state, wanted);
        if window_size(window.states) != (0, 0) {
            window.corner = (0, 0);
        }
        self.changed.insert(id);
    }

    /// Answers where a popup goes: where its positioner says, as there is always room.
    fn place_popup(&mut self, id: WindowId, parent: WindowId, token: u32, positioner: &Positioner) {
        let Some(window) = self.windows.get_mut(&id) else { return };
        let anchor = positioner.anchor_rect;
        let (width, height) = (positioner.width.cast_signed(), positioner.height.cast_signed());
        let ((anchor_x, anchor_y), (gravity_x, gravity_y)) =
            (side(positioner.anchor), side(positioner.gravity));
        let along = |start: i32, length: u32, anchor: i32, gravity: i32, own: i32, offset: i32| {
            start + length.cast_signed() * (anchor + 1) / 2 + own * (gravity - 1) / 2 + offset
        };
        let x = along(anchor.x, anchor.width, anchor_x, gravity_x, width, positioner.offset_x);
        let y = along(anchor.y, anchor.height, anchor_y, gravity_y, height, positioner.offset_y);
        window.corner = (x, y);
        window.popup = Some(Popup { parent, grab: positioner.grab });
        let (width, height) = (positioner.width, positioner.height);
        self.conn
            .arrange(id, Arrange { x, y, width, height, scale: Scale::ONE, token, ..Arrange::default() });
    }

    /// Where in the desktop a window is.
    fn corner(&self, id: WindowId) -> (i32, i32) {
        let Some(window) = self.windows.get(&id) else { return (0, 0) };
        let (x, y) = window.popup.map_or((0, 0), |popup| self.corner(popup.parent));
        (x + window.corner.0, y + window.corner.1)
    }

    /// The window that a popup belongs to in the end, or the window itself.
    fn toplevel_of(&self, id: WindowId) -> WindowId {
        let popup = self.windows.get(&id).and_then(|window| window.popup);
        popup.map_or(id, |popup| self.toplevel_of(popup.parent))
    }
}

/// What a window in these states is to measure.
fn window_size(states: States) -> (u32, u32) {
    match states.intersects(States::MAXIMISED | States::FULLSCREEN) {
        true => (SCREEN.width, SCREEN.height),
        false => (0, 0),
    }
}

/// Left or up, in the middle, right or down: -1, 0 or 1, for an edge or corner of a positioner.
fn side(number: u32) -> (i32, i32) {
    let x = match number {
        3 | 5 | 6 => -1,
        4 | 7 | 8 => 1,
        _ => 0,
    };
    let y = match number {
        1 | 5 | 7 => -1,
        2 | 6 | 8 => 1,
        _ => 0,
    };
    (x, y)
}

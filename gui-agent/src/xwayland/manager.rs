//! The window manager of the X server: it knows its windows, carries out what the GUI domain decides, and says what
//! programs want.
//!
//! It neither waits nor does anything on its own account. [`Manager::receive`] takes in what the server sends,
//! [`Manager::next`] tells what came of it, and the rest of its methods queue requests.
//!
//! Windows are left where they are in the tree, the root's children, and get no frames: those are the GUI domain's. Any
//! program can send any message in the name of any other; what is believed of a window is no more than X11 lets every
//! program do to it.

use std::{
    borrow::Cow,
    collections::{BTreeMap, VecDeque},
};

use gui_protocol::{States, Wish, limits};
use smithay::{
    utils::{Physical, Rectangle, Size},
    wayland::selection::SelectionTarget,
};
use x11rb_protocol::{
    id_allocator::IdAllocator,
    protocol::{
        composite::{Redirect, RedirectSubwindowsRequest},
        xproto::{
            self, Atom, AtomEnum, CLIENT_MESSAGE_EVENT, ChangePropertyRequest, ChangeWindowAttributesAux,
            ChangeWindowAttributesRequest, ConfigWindow, ConfigureNotifyEvent, ConfigureRequestEvent,
            ConfigureWindowAux, ConfigureWindowRequest, EventMask, GetPropertyRequest, MapWindowRequest,
            PropMode, SendEventRequest, SetSelectionOwnerRequest, UNMAP_NOTIFY_EVENT, Window,
        },
    },
    x11_utils::TryParse,
};

use super::{
    atoms::Atoms,
    connection::{Broken, Connection, Packet},
    drag_from_x11::{DragFromX11, SourceSays},
    drag_to_x11::{DragToX11, TargetSays},
    properties::{Properties, Property},
    selection::Selections,
    startup::{Question, Screen, parse_property, parse_reply},
    tray::Tray,
};
use crate::compose::Density;

/// Windows shown at once, of all X11 programs together: half of what the GUI domain lets a domain have.
const MAX_WINDOWS: usize = 512;

/// The server's time, whatever it is when it reads this.
pub(super) const CURRENT_TIME: u32 = 0;
/// No window.
pub(super) const NONE: u32 = 0;

/// A window's states in the words of `WM_STATE`.
const WITHDRAWN: u32 = 0;
pub(super) const NORMAL: u32 = 1;
pub(super) const ICONIC: u32 = 3;

/// What came of what the server sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Happening {
    /// A window may be one to show now: it is mapped and its properties are known, or its surface is.
    Ready(Window),
    /// It is not shown any more.
    Hidden(Window),
    /// One of its properties is another.
    Changed(Window, Property),
    /// A window that places itself has done so.
    Moved(Window),
    /// A program wants this of it.
    Wished(Window, Wish),
    /// The keyboard is where it was last put.
    Focused,
    /// An X11 program has something to offer to Wayland's.
    Copied(SelectionTarget),
    /// None has any more.
    Emptied(SelectionTarget),
    /// What was fetched by this number is there, or cannot be had.
    Fetched(u64),
    /// An X11 program wants what Wayland's have to offer.
    Wanted(u64),
    /// One that drags something over a Wayland window has something to say.
    DragSource(SourceSays),
    /// An X11 window that a Wayland program drags something over has something to say.
    DragTarget(TargetSays),
}

/// A window that is mapped.
#[derive(Debug, Default)]
pub(super) struct Managed {
    /// It is not to be managed: a menu, a tooltip, something dragged.
    pub(super) override_redirect: bool,
    /// An icon's place in the tray.
    pub(super) docked: bool,
    /// In pixels, as all that X11 counts is.
    pub(super) geometry: Rectangle<i32, Physical>,
    pub(super) properties: Properties,
    /// The number of its surface, as far as the server has told.
    pub(super) surface: Option<u32>,
    /// As the GUI domain has it.
    pub(super) states: States,
    /// Properties asked for, one bit each, and those of them that have changed since.
    asked: u16,
    again: u16,
    /// Whether all properties have been read once.
    pub(super) known: bool,
}

impl Managed {
    /// Whether it places itself and gets no frame.
    pub(super) fn places_itself(&self) -> bool {
        self.override_redirect || self.properties.passing
    }
}

/// The window manager.
pub(super) struct Manager {
    pub(super) connection: Connection<Question>,
    pub(super) root: Window,
    /// Its own window, which shows that it is there.
    pub(super) own: Window,
    pub(super) atoms: Atoms,
    pub(super) windows: BTreeMap<Window, Managed>,
    /// Windows with frames, the oldest first, and the lowest first.
    listed: Vec<Window>,
    stacked: Vec<Window>,
    pub(super) focus: Option<Window>,
    /// Changes of the focus that the server has not confirmed.
    pub(super) focusing: u32,
    pub(super) selections: Selections,
    pub(super) from_x11: DragFromX11,
    pub(super) to_x11: DragToX11,
    pub(super) tray: Tray,
    pub(super) ids: IdAllocator,
    /// X11's pixels for each unit of everybody else's.
    pub(super) density: Density,
    /// How often settings have been told.
    pub(super) settings_serial: u32,
    pub(super) happenings: VecDeque<Happening>,
}

impl Manager {
    /// Takes the office. Xwayland lets programs in when it is taken.
    pub(super) fn new(
        mut connection: Connection<Question>,
        screen: Screen,
        mut ids: IdAllocator,
        atoms: Atoms,
        density: Density,
    ) -> Result<Self, Broken> {
        let root = screen.root;
        let own = ids.generate_id().ok_or(Broken::Nonsense)?;
        let to_x11 = DragToX11::new(&mut connection, root, &mut ids).ok_or(Broken::Nonsense)?;
        let dragged = (atoms.xdnd_selection, to_x11.window);
        let selections = Selections::new(&mut connection, root, &mut ids, atoms.clipboard, dragged);
        let selections = selections.ok_or(Broken::Nonsense)?;
        let from_x11 = DragFromX11::new(&mut connection, root, &mut ids, atoms.xdnd_selection)
            .ok_or(Broken::Nonsense)?;
        let tray = Tray::new(&mut connection, screen, &mut ids).ok_or(Broken::Nonsense)?;
        let mut manager = Self {
            connection,
            root,
            own,
            atoms,
            windows: BTreeMap::new(),
            listed: Vec::new(),
            stacked: Vec::new(),
            focus: None,
            focusing: 0,
            selections,
            from_x11,
            to_x11,
            tray,
            ids,
            density,
            settings_serial: 0,
            happenings: VecDeque::new(),
        };
        let events = EventMask::SUBSTRUCTURE_REDIRECT | EventMask::SUBSTRUCTURE_NOTIFY;
        manager.select(root, events);
        manager.connection.send(RedirectSubwindowsRequest { window: root, update: Redirect::MANUAL });
        manager.connection.create_hidden(own, root, EventMask::NO_EVENT);
        manager.announce();
        // programs look for these as soon as they are let in
        manager.offer_drops();
        manager.offer_settings();
        manager.offer_tray();
        for selection in [atoms.wm_s0, atoms.net_wm_cm_s0] {
            let time = CURRENT_TIME;
            manager.connection.send(SetSelectionOwnerRequest { owner: own, selection, time });
        }
        Ok(manager)
    }

    /// Says what programs may expect.
    fn announce(&mut self) {
        let (root, own, atoms) = (self.root, self.own, self.atoms);
        let supported = [
            atoms.net_supported,
            atoms.net_supporting_wm_check,
            atoms.net_client_list,
            atoms.net_client_list_stacking,
            atoms.net_active_window,
            atoms.net_wm_name,
            atoms.net_wm_icon,
            atoms.net_wm_window_type,
            atoms.net_wm_state,
            atoms.state_maximized_vert,
            atoms.state_maximized_horz,
            atoms.state_fullscreen,
            atoms.state_hidden,
            atoms.state_focused,
            atoms.state_demands_attention,
            atoms.net_wm_moveresize,
            atoms.net_close_window,
            atoms.net_request_frame_extents,
            atoms.net_frame_extents,
        ];
        self.set_words(root, atoms.net_supported, AtomEnum::ATOM, &supported);
        for window in [root, own] {
            self.set_words(window, atoms.net_supporting_wm_check, AtomEnum::WINDOW, &[own]);
        }
        self.set_letters(own, atoms.net_wm_name, atoms.utf8_string, b"Transom");
        self.list();
        self.set_words(root, atoms.net_active_window, AtomEnum::WINDOW, &[0]);
    }

    /// Takes in what has arrived.
    pub(super) fn receive(&mut self) -> Result<(), Broken> {
        self.connection.receive()?;
        while let Some(packet) = self.connection.next_packet()? {
            match packet {
                Packet::Answer(Question::Property(window, property), reply) => {
                    self.answered(window, property, reply.as_ref());
                }
                Packet::Answer(Question::Focus, _) => {
                    self.focusing = self.focusing.saturating_sub(1);
                    if self.focusing == 0 {
                        self.happenings.push_back(Happening::Focused);
                    }
                }
                Packet::Answer(Question::Selection(question), reply) => {
                    self.selection_answered(question, reply.as_ref());
                }
                Packet::Answer(Question::Icon(window), reply) => self.icon_answered(window, reply.as_ref()),
                Packet::Answer(Question::IconInfo(window), reply) => {
                    self.icon_info_answered(window, reply.as_ref());
                }
                Packet::Answer(Question::Drag(question), reply) => {
                    self.drag_answered(question, reply.as_ref())
                }
                Packet::Answer(Question::DragKinds(round), _) => self.drag_kinds_answered(round),
                Packet::Answer(Question::Resources, reply) => self.resources_answered(reply.as_ref()),
                Packet::Answer(Question::Geometry(window), reply) => {
                    if let (Some(geometry), Some(managed)) = (
                        parse_reply::<xproto::GetGeometryReply>(reply.as_ref()),
                        self.windows.get_mut(&window),
                    ) {
                        managed.geometry = rect(geometry.x, geometry.y, geometry.width, geometry.height);
                    }
                }
                // the rest was answered before there was a window manager
                Packet::Answer(..) => {}
                Packet::Event(event) => self.event(&event),
            }
        }
        Ok(())
    }

    /// The next thing that came of it.
    pub(super) fn next(&mut self) -> Option<Happening> {
        self.happenings.pop_front()
    }

    /// A window, as long as it is mapped.
    pub(super) fn get(&self, window: Window) -> Option<&Managed> {
        self.windows.get(&window)
    }

    /// The window that was told to have the surface with this number.
    pub(super) fn of_surface(&self, number: u32) -> Option<Window> {
        self.windows.iter().find(|(_, managed)| managed.surface == Some(number)).map(|(window, _)| *window)
    }

    /// The window that was given the keyboard last.
    pub(super) fn focus(&self) -> Option<Window> {
        self.focus
    }

    /// Whether the server has yet to confirm where the keyboard is.
    pub(super) fn is_focusing(&self) -> bool {
        self.focusing > 0
    }

    fn event(&mut self, bytes: &[u8]) {
        /// Set if a program sent it, and not the server.
        const SENT: u8 = 0x80;
        const SENT_UNMAP: u8 = UNMAP_NOTIFY_EVENT | SENT;
        const SENT_MESSAGE: u8 = CLIENT_MESSAGE_EVENT | SENT;
        let Some(&kind) = bytes.first() else { return };
        // what does not parse is not what it seems to be
        match kind {
            xproto::MAP_REQUEST_EVENT => {
                parse(bytes, |it: xproto::MapRequestEvent| self.wants_map(it.window))
            }
            xproto::MAP_NOTIFY_EVENT => parse(bytes, |it: xproto::MapNotifyEvent| {
                if it.event == self.root {
                    self.mapped(it.window, it.override_redirect);
                }
            }),
            // sent by programs as well, to withdraw a window
            UNMAP_NOTIFY_EVENT | SENT_UNMAP => parse(bytes, |it: xproto::UnmapNotifyEvent| {
                if self.gone(it.window) {
                    self.set_words(it.window, self.atoms.wm_state, self.atoms.wm_state, &[WITHDRAWN, 0]);
                }
            }),
            xproto::DESTROY_NOTIFY_EVENT => parse(bytes, |it: xproto::DestroyNotifyEvent| {
                self.gone(it.window);
                self.icon_gone(it.window);
            }),
            xproto::REPARENT_NOTIFY_EVENT => parse(bytes, |it: xproto::ReparentNotifyEvent| {
                if it.parent != self.root {
                    self.gone(it.window);
                }
                self.icon_moved(it.window, it.parent);
            }),
            xproto::CONFIGURE_REQUEST_EVENT => parse(bytes, |it| self.wants_configure(&it)),
            xproto::CONFIGURE_NOTIFY_EVENT => parse(bytes, |it| self.configured(&it)),
            xproto::PROPERTY_NOTIFY_EVENT => {
                parse(bytes, |it: xproto::PropertyNotifyEvent| {
                    // an icon's are its cell's
                    let window = self.tray.cell_of(it.window).unwrap_or(it.window);
                    match Property::of(it.atom, &self.atoms) {
                        Some(property) if self.windows.contains_key(&window) => self.ask(window, property),
                        _ if it.atom == self.atoms.xembed_info => self.ask_icon_info(it.window),
                        _ => self.selection_property(&it),
                    }
                })
            }
            CLIENT_MESSAGE_EVENT | SENT_MESSAGE => parse(bytes, |it| self.message(&it)),
            kind => self.selection_event(kind, bytes),
        }
    }

    fn answered(&mut self, window: Window, property: Property, reply: Option<&Vec<u8>>) {
        let Some(managed) = self.windows.get_mut(&window) else { return };
        managed.asked &= !property.bit();
        managed.properties.set(property, parse_property(reply).as_ref(), &self.atoms);
        if managed.again & property.bit() != 0 {
            managed.again &= !property.bit();
            return self.ask(window, property);
        }
        if managed.known {
            self.happenings.push_back(Happening::Changed(window, property));
        } else if managed.asked == 0 {
            managed.known = true;
            self.happenings.push_back(Happening::Ready(window));
        }
    }

    /// Wants to know a property, which may have changed. One that changes all the time is asked for once at a time.
    fn ask(&mut self, window: Window, property: Property) {
        let Some(managed) = self.windows.get_mut(&window) else { return };
        if managed.asked & property.bit() != 0 {
            managed.again |= property.bit();
            return;
        }
        managed.asked |= property.bit();
        let (atom, long_length) = property.question(&self.atoms);
        let request = GetPropertyRequest {
            delete: false,
            window: self.tray.icon_in(window).unwrap_or(window),
            property: atom,
            type_: AtomEnum::ANY.into(),
            long_offset: 0,
            long_length,
        };
        self.connection.ask(request, Question::Property(window, property));
    }

    /// A program wants a window shown: it may, and what it says about itself is read before that.
    fn wants_map(&mut self, window: Window) {
        if !self.windows.contains_key(&window) && self.windows.len() >= MAX_WINDOWS {
            return;
        }
        if self.tray.cell_of(window).is_some() {
            return self.connection.send(MapWindowRequest { window });
        }
        self.send_configure(window, ConfigureWindowAux::new().border_width(0));
        self.set_words(window, self.atoms.wm_state, self.atoms.wm_state, &[NORMAL, 0]);
        self.connection.send(MapWindowRequest { window });
    }

    fn mapped(&mut self, window: Window, override_redirect: bool) {
        if window == self.own || window == self.from_x11.window || self.windows.len() >= MAX_WINDOWS {
            return;
        }
        // mapped already, if the program has unmapped and mapped it unseen
        self.gone(window);
        let docked = self.tray.icon_in(window).is_some();
        self.windows.insert(window, Managed { override_redirect, docked, ..Managed::default() });
        if !docked {
            // a cell's events are chosen already
            self.select(window, EventMask::PROPERTY_CHANGE);
        }
        self.connection.ask(xproto::GetGeometryRequest { drawable: window }, Question::Geometry(window));
        Property::ALL.into_iter().for_each(|property| self.ask(window, property));
        if !override_redirect {
            self.listed.push(window);
            self.stacked.push(window);
            self.list();
        }
    }

    /// A window is not shown any more. Returns whether it was, with a frame.
    fn gone(&mut self, window: Window) -> bool {
        let Some(managed) = self.windows.remove(&window) else { return false };
        self.drag_target_gone(window);
        if self.focus == Some(window) {
            self.focus = None;
        }
        if !managed.override_redirect {
            self.listed.retain(|it| *it != window);
            self.stacked.retain(|it| *it != window);
            self.list();
        }
        self.happenings.push_back(Happening::Hidden(window));
        !managed.override_redirect
    }

    /// A program wants a window elsewhere, or of another size. Before it is shown it gets its will; after that, its size.
    fn wants_configure(&mut self, wish: &ConfigureRequestEvent) {
        if let Some(cell) = self.tray.cell_of(wish.window) {
            return self.fill_cell(cell, wish.window);
        }
        let has = |part: ConfigWindow| u16::from(wish.value_mask) & u16::from(part) != 0;
        let (window, managed) = (wish.window, self.windows.get(&wish.window));
        let bound = managed.is_some_and(|it| it.states.intersects(States::MAXIMISED | States::FULLSCREEN));
        let size = (has(ConfigWindow::WIDTH) || has(ConfigWindow::HEIGHT)).then(|| {
            let side = |told: u16, most: u32| u32::from(told).clamp(1, most);
            (side(wish.width, limits::MAX_WIDTH), side(wish.height, limits::MAX_HEIGHT))
        });
        let mut new = ConfigureWindowAux::new();
        if let Some((width, height)) = size.filter(|_| !bound) {
            (new.width, new.height) = (Some(width), Some(height));
        }
        if managed.is_none() {
            new.x = has(ConfigWindow::X).then_some(wish.x.into());
            new.y = has(ConfigWindow::Y).then_some(wish.y.into());
            new.border_width = has(ConfigWindow::BORDER_WIDTH).then_some(wish.border_width.into());
        }
        let now = managed.map(|managed| managed.geometry);
        let changes = now.is_none_or(|now| new.width.is_some() && size != to_sides(now.size));
        match (changes, now) {
            (false, Some(now)) => self.tell_geometry(window, now),
            _ => self.send_configure(window, new),
        }
    }

    /// Tells a program that wanted another that a window's geometry is what it was.
    pub(super) fn tell_geometry(&mut self, window: Window, now: Rectangle<i32, Physical>) {
        let event = ConfigureNotifyEvent {
            response_type: xproto::CONFIGURE_NOTIFY_EVENT,
            sequence: 0,
            event: window,
            window,
            above_sibling: NONE,
            x: to_i16(now.loc.x),
            y: to_i16(now.loc.y),
            width: u16::try_from(now.size.w).unwrap_or(u16::MAX),
            height: u16::try_from(now.size.h).unwrap_or(u16::MAX),
            border_width: 0,
            override_redirect: false,
        };
        self.send_event(window, EventMask::STRUCTURE_NOTIFY, event);
    }

    fn configured(&mut self, now: &ConfigureNotifyEvent) {
        let Some(managed) = self.windows.get_mut(&now.window) else { return };
        let geometry = rect(now.x, now.y, now.width, now.height);
        let moved = std::mem::replace(&mut managed.geometry, geometry).loc != geometry.loc;
        // a tray's icons are where the GUI domain has them
        if moved && managed.places_itself() && !managed.docked {
            self.happenings.push_back(Happening::Moved(now.window));
        }
    }

    /// A window is the topmost now.
    pub(super) fn raised(&mut self, window: Window) {
        if self.stacked.last() != Some(&window) && self.stacked.contains(&window) {
            self.stacked.retain(|it| *it != window);
            self.stacked.push(window);
            self.list();
        }
    }

    /// The lists of windows that programs can look at.
    fn list(&mut self) {
        let (listed, stacked) = (self.listed.clone(), self.stacked.clone());
        self.set_words(self.root, self.atoms.net_client_list, AtomEnum::WINDOW, &listed);
        self.set_words(self.root, self.atoms.net_client_list_stacking, AtomEnum::WINDOW, &stacked);
    }

    pub(super) fn send_configure(&mut self, window: Window, values: ConfigureWindowAux) {
        self.connection.send(ConfigureWindowRequest { window, value_list: Cow::Owned(values) });
    }

    pub(super) fn select(&mut self, window: Window, events: EventMask) {
        let value_list = Cow::Owned(ChangeWindowAttributesAux::new().event_mask(events));
        self.connection.send(ChangeWindowAttributesRequest { window, value_list });
    }

    pub(super) fn set_words(
        &mut self,
        window: Window,
        property: Atom,
        type_: impl Into<Atom>,
        words: &[u32],
    ) {
        self.connection.send(ChangePropertyRequest {
            mode: PropMode::REPLACE,
            window,
            property,
            type_: type_.into(),
            format: 32,
            data_len: u32::try_from(words.len()).unwrap_or(0),
            data: words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<_>>().into(),
        });
    }

    pub(super) fn send_event(
        &mut self,
        destination: Window,
        event_mask: EventMask,
        event: impl Into<[u8; 32]>,
    ) {
        let event = Cow::Owned(event.into());
        self.connection.send(SendEventRequest { propagate: false, destination, event_mask, event });
    }
}

pub(super) fn parse<T: TryParse>(event: &[u8], then: impl FnOnce(T)) {
    if let Ok((event, _)) = T::try_parse(event) {
        then(event);
    }
}

fn rect(x: i16, y: i16, width: u16, height: u16) -> Rectangle<i32, Physical> {
    let (x, y, width, height) = (x.into(), y.into(), width.into(), height.into());
    Rectangle::new((x, y).into(), (width, height).into())
}

fn to_i16(value: i32) -> i16 {
    i16::try_from(value).unwrap_or(if value < 0 { i16::MIN } else { i16::MAX })
}

pub(super) fn to_sides(size: Size<i32, Physical>) -> Option<(u32, u32)> {
    Some((u32::try_from(size.w).ok()?, u32::try_from(size.h).ok()?))
}

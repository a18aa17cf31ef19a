//! X11 windows as windows of the GUI protocol.
//!
//! A window and its surface come by two ways: the window manager hears of a mapped window and the number of its surface,
//! and Xwayland commits to the surface. Whatever comes last makes the window. Where X11 windows are is the same to X11
//! programs and to the GUI domain, so that menus find their place beside what they belong to.

use gui_protocol::{Arrange, States, WindowFlags, WindowId, Wish};
use smithay::{
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{Point, Rectangle, SERIAL_COUNTER},
    wayland::compositor::{get_role, give_role},
};

use super::{
    Stage,
    manager::{Happening, Managed},
    properties::Property,
};
use crate::{
    state::State,
    surface::{self, has_content, set_x11, x11_of},
    window::{Role, Window, from_rect},
};

/// What Xwayland's surfaces are that show windows.
pub(crate) const ROLE: &str = "xwayland_window";

/// What base flags are among the states.
const FLAGS: [(WindowFlags, States); 2] =
    [(WindowFlags::FULLSCREEN, States::FULLSCREEN), (WindowFlags::MINIMIZE, States::MINIMISED)];

impl State {
    pub(super) fn x11_happened(&mut self, happening: Happening) {
        match happening {
            Happening::Ready(window) => {
                if let Some(surface) = self.surface_of_x11(window)
                    && self.pair(window, &surface)
                {
                    self.show_x11(window, &surface);
                }
            }
            Happening::Hidden(window) => {
                if let Some(surface) = self.xwayland.surfaces.remove(&window) {
                    set_x11(&surface, None);
                    self.unmap(&surface);
                }
            }
            Happening::Changed(window, property) => self.x11_changed(window, property),
            Happening::Moved(window) => self.x11_moved(window),
            Happening::Wished(window, wish) => {
                if let Some(surface) = self.xwayland.surfaces.get(&window).cloned() {
                    self.wish(&surface, wish);
                }
            }
            Happening::Copied(which) => self.x11_copied(which),
            Happening::Emptied(which) => self.x11_emptied(which),
            Happening::Fetched(number) => self.x11_fetched(number),
            Happening::Wanted(number) => self.x11_wants(number),
            Happening::DragSource(says) => self.x11_source_says(says),
            Happening::DragTarget(says) => self.x11_target_says(says),
            Happening::Focused => {
                for key in std::mem::take(&mut self.xwayland.held_back) {
                    self.key(key);
                }
            }
        }
    }

    fn managed(&self, window: u32) -> Option<&Managed> {
        self.xwayland.manager()?.get(window)
    }

    /// The surface that a window was said to have, if it is there already.
    fn surface_of_x11(&self, window: u32) -> Option<WlSurface> {
        let client = self.xwayland.client()?;
        let number = self.managed(window)?.surface?;
        client.object_from_protocol_id(&self.display, number).ok()
    }

    /// A surface of Xwayland was committed that is nothing yet.
    pub(crate) fn unknown_x11_committed(&mut self, surface: &WlSurface) {
        use smithay::reexports::wayland_server::Resource as _;
        let Stage::Running(_, manager) = &self.xwayland.stage else { return };
        if let Some(window) = manager.of_surface(surface.id().protocol_id())
            && self.pair(window, surface)
        {
            self.show_x11(window, surface);
        }
    }

    /// A window and a surface belong together. Returns whether they do.
    fn pair(&mut self, window: u32, surface: &WlSurface) -> bool {
        if x11_of(surface) == Some(window) {
            return true;
        }
        // a program may say anything in the server's name; a cursor stays one
        if get_role(surface) != Some(ROLE) && give_role(surface, ROLE).is_err() {
            return false;
        }
        if let Some(other) = x11_of(surface) {
            self.xwayland.surfaces.remove(&other);
            self.unmap(surface);
        }
        set_x11(surface, Some(window));
        if let Some(old) = self.xwayland.surfaces.insert(window, surface.clone()) {
            set_x11(&old, None);
            self.unmap(&old);
        }
        true
    }

    /// A surface that shows an X11 window was committed.
    pub(crate) fn x11_committed(&mut self, surface: &WlSurface) {
        let Some(window) = x11_of(surface) else { return };
        match (self.windows.of_surface(surface), has_content(surface)) {
            (Some(id), true) => {
                let size = surface::bounds(surface).size;
                if let Some(window) = self.windows.get_mut(id) {
                    window.pace.drawn_in(size);
                }
                self.windows.touch(id);
            }
            (Some(_), false) => self.unmap(surface),
            (None, true) => self.show_x11(window, surface),
            (None, false) => {}
        }
    }

    /// A window is shown if all that takes is there.
    fn show_x11(&mut self, window: u32, surface: &WlSurface) {
        let Some(managed) = self.managed(window).filter(|managed| managed.known) else { return };
        let (Some(geometry), Some(hints)) =
            (self.xwayland.geometry(window), self.xwayland.size_hints(window))
        else {
            return;
        };
        if !has_content(surface) || self.windows.of_surface(surface).is_some() {
            return;
        }
        let properties = &managed.properties;
        let (places_itself, docked) = (managed.places_itself(), managed.docked);
        let chosen = places_itself || hints.user_position || hints.program_position;
        let parent = self.x11_parent(window);
        let corner = match parent.and_then(|id| self.windows.get(id)) {
            _ if chosen => geometry.loc,
            Some(parent) => parent.position(),
            None => Point::default(),
        };
        let wishes = [
            properties.maximised.then_some(Wish::Maximised(true)),
            properties.fullscreen.then_some(Wish::Fullscreen(true)),
            properties.begins_minimised.then_some(Wish::Minimised),
            (properties.urgent || properties.wants_attention).then_some(Wish::Attention(true)),
        ];
        let (icon, startup_id) = (properties.icon.clone(), properties.startup_id.clone());
        let run = self.use_run_token(&startup_id).map(Wish::Activate);
        let role = Role::X11 { window, hints, places_itself, docked };
        self.map(surface.clone(), role, corner, parent);
        let Some(id) = self.windows.of_surface(surface) else { return };
        for wish in wishes.into_iter().chain([run]).flatten().filter(|_| !places_itself) {
            self.wish(surface, wish);
        }
        if let Some(icon) = icon {
            self.link.conn.icon(id, icon);
        }
        self.adopt_x11(window, id);
    }

    /// The window that a window belongs to, as it says itself.
    fn x11_parent(&self, window: u32) -> Option<WindowId> {
        let parent = self.managed(window)?.properties.transient_for.filter(|parent| *parent != window)?;
        self.windows.of_surface(self.xwayland.surfaces.get(&parent)?)
    }

    /// A window is new: those that were waiting for it belong to it now.
    fn adopt_x11(&mut self, window: u32, id: WindowId) {
        for (child, surface) in &self.xwayland.surfaces {
            let is_child = self.managed(*child).is_some_and(|it| it.properties.transient_for == Some(window));
            if let Some(child) = self.windows.of_surface(surface).filter(|child| is_child && *child != id) {
                self.link.conn.parent(child, Some(id));
            }
        }
    }

    fn x11_changed(&mut self, window: u32, property: Property) {
        let Some(surface) = self.xwayland.surfaces.get(&window).cloned() else { return };
        let Some(id) = self.windows.of_surface(&surface) else { return };
        let Some(properties) = self.managed(window).map(|managed| &managed.properties) else { return };
        match property {
            Property::Name | Property::NetName => {
                let title = properties.title().to_owned();
                self.link.conn.title(id, &title);
            }
            Property::Class => {
                let (class, instance) = (properties.class.clone(), properties.instance.clone());
                self.link.conn.class(id, &class, &instance);
            }
            Property::Icon => {
                let icon = properties.icon.clone().unwrap_or_default();
                self.link.conn.icon(id, icon);
            }
            Property::Hints => {
                let urgent = properties.urgent;
                self.wish(&surface, Wish::Attention(urgent));
            }
            Property::NormalHints => {
                let Some(new) = self.xwayland.size_hints(window) else { return };
                if let Some(Window { role: Role::X11 { hints, .. }, .. }) = self.windows.get_mut(id) {
                    // where it was put it stays
                    let user_position = hints.user_position || new.user_position;
                    *hints = gui_protocol::SizeHints { user_position, ..new };
                    self.link.conn.hints(id, *hints);
                }
            }
            Property::TransientFor => {
                let parent = self.x11_parent(window);
                self.link.conn.parent(id, parent);
            }
            // these count when the window is shown, when it is closed, gets the keyboard, or something is over it
            Property::Protocols
            | Property::Kind
            | Property::States
            | Property::StartupId
            | Property::DropVersion => {}
        }
    }

    /// A window that places itself is elsewhere.
    fn x11_moved(&mut self, window: u32) {
        let Some(surface) = self.xwayland.surfaces.get(&window).cloned() else { return };
        let Some(id) = self.windows.of_surface(&surface) else { return };
        let (Some(now), Some(known)) = (self.xwayland.geometry(window), self.windows.get(id)) else { return };
        if now.loc == known.geometry.loc {
            return;
        }
        if self.link.is_extended() {
            // such windows say where they are when they are announced
            self.unmap(&surface);
            self.show_x11(window, &surface);
        } else {
            let geometry = Rectangle::new(now.loc, known.picture.area().size);
            self.ask_for(id, geometry);
        }
    }

    /// The GUI domain wants an X11 window to be so.
    pub(crate) fn x11_arranged(&mut self, id: WindowId, arrange: &Arrange) {
        let Some(known) = self.windows.get_mut(id) else { return };
        let Role::X11 { window, .. } = known.role else { return };
        let shown = known.picture.area().size;
        let wanted = from_rect(gui_protocol::Rect::new(arrange.x, arrange.y, arrange.width, arrange.height));
        let side = |told: i32, own: i32| if told > 0 { told } else { own };
        let size = (side(wanted.size.w, shown.w), side(wanted.size.h, shown.h)).into();
        known.geometry = Rectangle::new(wanted.loc, size);
        // it need not do anything for what it shows already
        let serial = (size != shown).then(|| SERIAL_COUNTER.next_serial());
        known.pace.configured(serial, arrange.serial, Some(size));
        if serial.is_none() {
            self.windows.touch(id);
        }
        self.xwayland.configure(window, Rectangle::new(wanted.loc, size));
        self.xwayland.set_states(window, arrange.states);
        self.scale_arranged(id, arrange);
        self.keep_place(id);
    }

    /// The GUI domain says which states an X11 window has.
    pub(crate) fn x11_flags_changed(&mut self, window: u32, set: WindowFlags, unset: WindowFlags) {
        let states = |of: WindowFlags| {
            FLAGS
                .into_iter()
                .filter(|(flag, _)| of.contains(*flag))
                .fold(States::empty(), |all, (_, state)| all.union(state))
        };
        self.xwayland.change_states(window, states(set), states(unset));
    }

    /// A surface is gone.
    pub(crate) fn forget_x11(&mut self, surface: &WlSurface) {
        if let Some(window) = x11_of(surface) {
            self.xwayland.surfaces.remove(&window);
        }
    }
}

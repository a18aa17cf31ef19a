//! What the GUI domain decides about X11 windows, carried out.

use gui_protocol::States;
use smithay::utils::{Logical, Rectangle};
use x11rb_protocol::protocol::xproto::{
    AtomEnum, CLIENT_MESSAGE_EVENT, ClientMessageEvent, ConfigureWindowAux, EventMask, GetInputFocusRequest,
    InputFocus, KillClientRequest, SetInputFocusRequest, StackMode, Window,
};

use super::{
    manager::{CURRENT_TIME, ICONIC, Manager, NONE, NORMAL, to_sides},
    scale::{to_pixels, to_units},
    startup::Question,
};
use crate::compose::Density;

impl Manager {
    /// There are this many pixels for each unit now. Windows stay as large as they were, in units; what places itself is
    /// placed by its program.
    pub(super) fn set_density(&mut self, density: Density) {
        let old = std::mem::replace(&mut self.density, density);
        let managed = self.windows.iter().filter(|(_, managed)| managed.docked || !managed.places_itself());
        let placed: Vec<_> =
            managed.map(|(window, managed)| (*window, to_units(old, managed.geometry))).collect();
        for (window, geometry) in placed {
            self.configure(window, geometry);
        }
        self.change_settings();
    }

    /// A window is here now, and of this size.
    pub(super) fn configure(&mut self, window: Window, geometry: Rectangle<i32, Logical>) {
        let Some(managed) = self.windows.get_mut(&window) else { return };
        let geometry = to_pixels(self.density, geometry, managed.geometry);
        let Some((width, height)) = to_sides(geometry.size).filter(|_| managed.geometry != geometry) else {
            return;
        };
        managed.geometry = geometry;
        let values =
            ConfigureWindowAux::new().x(geometry.loc.x).y(geometry.loc.y).width(width).height(height);
        self.send_configure(window, values);
        if let Some(icon) = self.tray.icon_in(window) {
            self.fill_cell(window, icon);
        }
    }

    /// A window has these states now.
    pub(super) fn set_states(&mut self, window: Window, states: States) {
        let (atoms, Some(managed)) = (self.atoms, self.windows.get_mut(&window)) else { return };
        let old = std::mem::replace(&mut managed.states, states);
        if old == states {
            return;
        }
        let known = [
            (States::MAXIMISED, atoms.state_maximized_vert),
            (States::MAXIMISED, atoms.state_maximized_horz),
            (States::FULLSCREEN, atoms.state_fullscreen),
            (States::MINIMISED, atoms.state_hidden),
            (States::ACTIVATED, atoms.state_focused),
        ];
        let names: Vec<u32> =
            known.into_iter().filter(|(state, _)| states.contains(*state)).map(|(_, atom)| atom).collect();
        self.set_words(window, atoms.net_wm_state, AtomEnum::ATOM, &names);
        if (old ^ states).contains(States::MINIMISED) {
            let state = if states.contains(States::MINIMISED) { ICONIC } else { NORMAL };
            self.set_words(window, atoms.wm_state, atoms.wm_state, &[state, 0]);
        }
    }

    /// What a window's states are.
    pub(super) fn states(&self, window: Window) -> States {
        self.windows.get(&window).map_or(States::empty(), |managed| managed.states)
    }

    /// The keyboard is this window's, or none's. The window comes to the front.
    pub(super) fn set_focus(&mut self, window: Option<Window>) {
        if self.focus == window {
            return;
        }
        self.focus = window;
        let known = window.and_then(|window| Some((window, self.windows.get(&window)?)));
        let (accepts, takes) =
            known.map_or((true, false), |(_, it)| (it.properties.accepts_input(), it.properties.takes_focus));
        if accepts {
            // with none, keys go nowhere; a window that goes takes the keyboard along
            let focus = window.unwrap_or(NONE);
            let (time, revert_to) = (CURRENT_TIME, InputFocus::NONE);
            self.connection.send(SetInputFocusRequest { revert_to, focus, time });
        }
        if let Some(window) = window {
            if takes {
                self.send_protocol(window, self.atoms.wm_take_focus);
            }
            self.send_configure(window, ConfigureWindowAux::new().stack_mode(StackMode::ABOVE));
            self.raised(window);
        }
        self.focusing = self.focusing.saturating_add(1);
        self.connection.ask(GetInputFocusRequest, Question::Focus);
        let active = [window.unwrap_or(NONE)];
        self.set_words(self.root, self.atoms.net_active_window, AtomEnum::WINDOW, &active);
    }

    /// The user wants a window closed. A program that cannot be asked to is ended.
    pub(super) fn close(&mut self, window: Window) {
        let Some(managed) = self.windows.get(&window) else { return };
        if managed.docked {
            // an icon is its program's to take away; the cell is this connection's own, which would be ended
            return;
        }
        match managed.properties.closes_itself {
            true => self.send_protocol(window, self.atoms.wm_delete_window),
            false => self.connection.send(KillClientRequest { resource: window }),
        }
    }

    /// Programs ask how much room a frame takes before they choose a place. Whose it is draws it where there is room.
    pub(super) fn tell_extents(&mut self, window: Window) {
        self.set_words(window, self.atoms.net_frame_extents, AtomEnum::CARDINAL, &[0; 4]);
    }

    fn send_protocol(&mut self, window: Window, protocol: u32) {
        let event = ClientMessageEvent {
            response_type: CLIENT_MESSAGE_EVENT,
            format: 32,
            sequence: 0,
            window,
            type_: self.atoms.wm_protocols,
            data: [protocol, CURRENT_TIME, 0, 0, 0].into(),
        };
        self.send_event(window, EventMask::NO_EVENT, event);
    }
}

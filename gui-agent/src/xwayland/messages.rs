//! What programs ask of the window manager in messages, their own windows or others.

use gui_protocol::{Edges, Wish};
use x11rb_protocol::protocol::xproto::{ClientMessageEvent, Window};

use super::{
    manager::{Happening, ICONIC, Manager},
    tray::REQUEST_DOCK,
};

impl Manager {
    pub(super) fn message(&mut self, message: &ClientMessageEvent) {
        let (window, atoms) = (message.window, self.atoms);
        if message.format != 32 {
            return;
        }
        if window == self.from_x11.window {
            return self.drag_message(message);
        }
        if window == self.to_x11.window {
            return self.drag_answer(message);
        }
        let [first, second, third, ..] = message.data.as_data32();
        match message.type_ {
            it if it == atoms.wl_surface_id => self.has_surface(window, first),
            it if it == atoms.net_wm_state => self.wants_states(window, first, [second, third]),
            it if it == atoms.wm_change_state && first == ICONIC => self.wants(window, Wish::Minimised),
            // only those whom the user started come to the front by themselves; a window says that with its startup id
            it if it == atoms.net_active_window => self.wants(window, Wish::Attention(true)),
            it if it == atoms.net_wm_moveresize => {
                if let Some(wish) = move_or_resize(third) {
                    self.wants(window, wish);
                }
            }
            it if it == atoms.net_close_window => self.close(window),
            it if it == atoms.net_request_frame_extents => self.tell_extents(window),
            it if it == atoms.net_system_tray_opcode && second == REQUEST_DOCK => self.dock(third),
            _ => {}
        }
    }

    /// Xwayland says which surface shows a window.
    fn has_surface(&mut self, window: Window, number: u32) {
        if let Some(managed) = self.windows.get_mut(&window) {
            managed.surface = Some(number);
            self.happenings.push_back(Happening::Ready(window));
        }
    }

    fn wants(&mut self, window: Window, wish: Wish) {
        if self.windows.get(&window).is_some_and(|managed| !managed.places_itself()) {
            self.happenings.push_back(Happening::Wished(window, wish));
        }
    }

    /// A program wants states set (1), unset (0) or the other way round (2).
    fn wants_states(&mut self, window: Window, action: u32, states: [u32; 2]) {
        let Some(managed) = self.windows.get(&window) else { return };
        let (atoms, now) = (self.atoms, managed.states);
        let on = |is: bool| match action {
            0 => false,
            2 => !is,
            _ => true,
        };
        if states.contains(&atoms.state_maximized_vert) || states.contains(&atoms.state_maximized_horz) {
            self.wants(window, Wish::Maximised(on(now.contains(gui_protocol::States::MAXIMISED))));
        }
        if states.contains(&atoms.state_fullscreen) {
            self.wants(window, Wish::Fullscreen(on(now.contains(gui_protocol::States::FULLSCREEN))));
        }
        if states.contains(&atoms.state_demands_attention) {
            self.wants(window, Wish::Attention(on(false)));
        }
    }
}

/// The directions of `_NET_WM_MOVERESIZE`, clockwise from the top left, then moving. What is done by keys is the GUI domain's.
fn move_or_resize(direction: u32) -> Option<Wish> {
    Some(Wish::Resize(match direction {
        0 => Edges::TOP | Edges::LEFT,
        1 => Edges::TOP,
        2 => Edges::TOP | Edges::RIGHT,
        3 => Edges::RIGHT,
        4 => Edges::BOTTOM | Edges::RIGHT,
        5 => Edges::BOTTOM,
        6 => Edges::BOTTOM | Edges::LEFT,
        7 => Edges::LEFT,
        8 => return Some(Wish::Move),
        _ => return None,
    }))
}

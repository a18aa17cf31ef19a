//! What windows of level 1 wish for beside pixels: a place as a popup, looks, to hold the pointer, another state.

use gui_protocol::{
    CursorLook as WireLook, Edges as WireEdges, Image, PointerConstraint, PointerNeeds, Positioner, Rect,
    WindowId, Wish,
};

use super::{DomainId, desktop_rect};
use crate::{
    focus::Focus,
    pointer_lock,
    render::{CursorImage, CursorLook, Icon, icon_of_shape, resize_icon},
    scale::Scale,
    shell::{
        self, Role, Tile,
        geom::{self, Edges},
        popup::{Adjust, Side},
    },
    state::State,
};

impl State {
    /// A window is a popup of another, or is to be placed anew.
    pub(super) fn guest_popup(
        &mut self,
        id: DomainId,
        window: WindowId,
        parent: WindowId,
        token: u32,
        positioner: &Positioner,
    ) {
        let (Some(popup), Some(parent)) = (self.guest_id(id, window), self.guest_id(id, parent)) else {
            return;
        };
        self.shell.set_role(popup, Role::Popup { parent: Some(parent) });
        self.shell.place_popup(popup, to_shell(positioner));
        if let Some(guest) = self.windows.guest_mut(popup) {
            guest.popup_grabs = positioner.grab;
            guest.popup_token = Some(token);
        }
        self.apply_effects();
        self.arrange(popup);
    }

    /// A window came to the desktop: what it wished for before holds from now on.
    pub(super) fn guest_shown(&mut self, id: shell::Id) {
        let Some(guest) = self.windows.guest_mut(id) else { return };
        let (grabs, activated) = (guest.popup_grabs, std::mem::take(&mut guest.activated));
        if grabs {
            self.popup_grabs(id);
        }
        if activated {
            self.shell.request_focus(id);
            self.apply_effects();
        }
    }

    pub(super) fn guest_wished(&mut self, id: DomainId, window: WindowId, wish: Wish) {
        let Some(shell_id) = self.guest_id(id, window) else { return };
        match wish {
            Wish::Maximised(on) => self.shell.request_maximise(shell_id, on),
            Wish::Fullscreen(on) => {
                if let Some(guest) = self.windows.guest_mut(shell_id) {
                    guest.wants_fullscreen = on;
                }
                self.shell.request_fullscreen(shell_id, on);
            }
            Wish::Tiled(edges) => self.shell.request_tile(shell_id, Tile::at(shell_edges(edges))),
            Wish::Minimised => self.shell.request_minimise(shell_id, true),
            Wish::Attention(on) => self.set_attention(shell_id, on),
            Wish::Move if self.pressed_in(shell_id) => {
                self.shell.begin_move(shell_id, self.pointer_position());
            }
            Wish::Resize(edges) if self.pressed_in(shell_id) => {
                let edges = shell_edges(edges);
                self.pointer.shape = resize_icon(edges);
                self.shell.begin_resize(shell_id, edges, self.pointer_position());
            }
            Wish::Activate(token) => self.guest_activated(id, shell_id, token),
            Wish::KeepAwake(on) => {
                if let Some(guest) = self.windows.guest_mut(shell_id) {
                    guest.keeps_awake = on;
                }
                return self.update_idle();
            }
            Wish::Modal(on) => return self.shell.set_modal(shell_id, on),
            // No button was pressed in it, or, for the menu, there is none.
            Wish::Move | Wish::Resize(_) | Wish::WindowMenu => {}
        }
        self.apply_effects();
        // Whatever came of it: a wish that was not granted is told so.
        self.arrange(shell_id);
    }

    /// A window wants to be used now. It is, if the user has just started its program; others may only ask for a look.
    fn guest_activated(&mut self, id: DomainId, window: shell::Id, token: u32) {
        if !self.runs.arrived(id, token) {
            self.set_attention(window, true);
        } else if self.shell.window(window).is_some_and(|shown| shown.mapped) {
            self.shell.request_focus(window);
        } else if let Some(guest) = self.windows.guest_mut(window) {
            guest.activated = true;
        }
    }

    /// A window asks the user for a look, or not any more. One that has the keyboard has it already.
    pub(crate) fn set_attention(&mut self, id: shell::Id, on: bool) {
        let focused = self.shell.focused() == Some(id);
        if let Some(window) = self.windows.get_mut(id) {
            window.wants_attention = on && !focused;
            self.tell_subscribers = true;
            self.queue_redraw_of(id);
        }
    }

    /// Whether a button, or something of a tool, is held that was pressed in this window.
    fn pressed_in(&self, id: shell::Id) -> bool {
        if self.tablet.is_held_in(id) {
            return true;
        }
        let start = self.seat.get_pointer().and_then(|pointer| pointer.grab_start_data());
        let pressed = start.and_then(|start| start.focus);
        matches!(pressed, Some((Focus::Guest(guest), _)) if guest.id == id)
    }

    pub(super) fn guest_cursor(&mut self, id: DomainId, window: WindowId, look: WireLook) {
        let look = match look {
            WireLook::Hidden => CursorLook::Hidden,
            WireLook::Shape(number) => {
                icon_of_shape(number).map_or_else(CursorLook::default, CursorLook::Shape)
            }
            WireLook::Image(cursor) => {
                let image = &cursor.image;
                let hot = |at: u32| i32::try_from(at).unwrap_or(i32::MAX);
                let (size, hotspot) = ((image.width, image.height), (hot(cursor.hot_x), hot(cursor.hot_y)));
                let scale = Scale::from_120ths(cursor.scale.in_120ths()).unwrap_or(Scale::ONE);
                let image = CursorImage::new(size, hotspot, scale, &image.pixels);
                image.map_or_else(CursorLook::default, CursorLook::Image)
            }
        };
        // What is drawn now has to go, whatever its size.
        self.queue_cursor_redraw();
        if let Some(guest) = self.guest_mut(id, window) {
            guest.cursor = look;
        }
        self.queue_cursor_redraw();
    }

    pub(super) fn guest_icon(&mut self, id: DomainId, window: WindowId, icon: &Image) {
        let icon = Icon::new(icon.width, icon.height, &icon.pixels);
        self.guest_named(id, window, |named| named.icon = icon);
    }

    pub(super) fn guest_constraint(
        &mut self,
        id: DomainId,
        window: WindowId,
        kind: PointerConstraint,
        region: Option<Rect>,
    ) {
        if let Some(guest) = self.guest_mut(id, window) {
            guest.pointer_wish = pointer_lock::Wish::from_wire(kind, region.map(desktop_rect));
            self.update_pointer_hold();
        }
    }

    pub(super) fn guest_pointer_needs(&mut self, id: DomainId, window: WindowId, needs: PointerNeeds) {
        if let Some(guest) = self.guest_mut(id, window) {
            guest.pointer_needs = needs;
        }
    }

    pub(super) fn guest_parent(&mut self, id: DomainId, window: WindowId, parent: Option<WindowId>) {
        let parent = parent.and_then(|parent| self.guest_id(id, parent));
        if let Some(shell_id) = self.guest_id(id, window) {
            self.shell.set_transient(shell_id, parent);
            self.apply_effects();
        }
    }
}

fn shell_edges(edges: WireEdges) -> Edges {
    Edges {
        left: edges.contains(WireEdges::LEFT),
        right: edges.contains(WireEdges::RIGHT),
        top: edges.contains(WireEdges::TOP),
        bottom: edges.contains(WireEdges::BOTTOM),
    }
}

fn to_shell(positioner: &Positioner) -> shell::Positioner {
    let length = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
    shell::Positioner {
        anchor_rect: desktop_rect(positioner.anchor_rect),
        size: geom::Size::new(length(positioner.width), length(positioner.height)),
        anchor: Side::from_wire(positioner.anchor),
        gravity: Side::from_wire(positioner.gravity),
        adjust: Adjust::from_wire(positioner.constraint),
        offset: geom::Point::new(positioner.offset_x, positioner.offset_y),
        reactive: positioner.reactive,
    }
}

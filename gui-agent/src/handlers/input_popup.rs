//! What an input method shows beside the text: a window at the cursor of the text field that is active, as long as there is
//! one. It never takes the keyboard.

use gui_protocol::{Arrange, Positioner, WindowId};
use smithay::{
    reexports::{
        wayland_protocols_misc::zwp_input_method_v2::server::zwp_input_popup_surface_v2::{
            self, ZwpInputPopupSurfaceV2,
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource, backend::ClientId,
            protocol::wl_surface::WlSurface,
        },
    },
    utils::{Logical, Point, Rectangle, Size},
};

use super::compositor::root_of;
use crate::{
    state::State,
    surface::{self, has_content},
    window::{Role, Window, to_rect},
};

/// The role of such a surface.
pub(crate) const ROLE: &str = "zwp_input_popup_surface_v2";

/// Below the cursor, from its left end to the right; above it where there is no room, and moved as far as need be.
const ANCHOR_BOTTOM_LEFT: u32 = 6;
const GRAVITY_BOTTOM_RIGHT: u32 = 8;
const SLIDE_X_FLIP_Y: u32 = 1 | 8;

/// A popup of an input method: its surface.
#[derive(Debug)]
pub(crate) struct InputPopup(pub(super) WlSurface);

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct InputPopups(Vec<ZwpInputPopupSurfaceV2>);

impl InputPopups {
    pub(super) fn has(&self, surface: &WlSurface) -> bool {
        self.surfaces().any(|it| it == *surface)
    }

    pub(super) fn add(&mut self, popup: ZwpInputPopupSurfaceV2) {
        self.0.push(popup);
    }

    fn surfaces(&self) -> impl Iterator<Item = WlSurface> {
        self.0.iter().filter_map(|popup| Some(popup.data::<InputPopup>()?.0.clone()))
    }
}

impl State {
    /// Shows what is to be shown where it belongs, and takes the rest away.
    pub(super) fn update_input_popups(&mut self) {
        let surfaces: Vec<_> = self.input_popups.surfaces().collect();
        surfaces.iter().for_each(|surface| self.update_input_popup(surface));
    }

    /// Its surface was committed.
    pub(super) fn input_popup_committed(&mut self, surface: &WlSurface) {
        match self.windows.of_surface(surface) {
            Some(id) if has_content(surface) => self.window_committed(id),
            _ => self.update_input_popup(surface),
        }
    }

    fn update_input_popup(&mut self, surface: &WlSurface) {
        let shown = self.windows.of_surface(surface);
        let place = Some(())
            .filter(|()| surface.is_alive() && has_content(surface))
            .and_then(|()| self.text_cursor());
        match (shown, place) {
            (None, Some((parent, cursor))) if self.input_popups.has(surface) => {
                let corner = self.below(parent, cursor);
                self.map(surface.clone(), Role::Input, corner, Some(parent));
                if let Some(id) = self.windows.of_surface(surface) {
                    self.place_input_popup(id, parent, cursor);
                }
            }
            (Some(id), Some((parent, cursor))) => self.place_input_popup(id, parent, cursor),
            (Some(_), None) => self.unmap(surface),
            (None, _) => {}
        }
    }

    /// The window that the active text field is in, and where its cursor is, from that window's corner.
    fn text_cursor(&self) -> Option<(WindowId, Rectangle<i32, Logical>)> {
        self.text.active.as_ref()?;
        let root = root_of(self.text.focus.as_ref()?);
        let id = surface::window_of(&root)?;
        let window = self.windows.get(id)?;
        let mut cursor = self.text.told.rectangle.unwrap_or_default();
        cursor.loc += window.surface_origin() - window.position();
        Some((id, cursor))
    }

    /// The point of the screen below a cursor.
    fn below(&self, parent: WindowId, cursor: Rectangle<i32, Logical>) -> Point<i32, Logical> {
        let corner = self.windows.get(parent).map_or(Point::default(), Window::position);
        corner + cursor.loc + Point::from((0, cursor.size.h))
    }

    fn place_input_popup(&mut self, id: WindowId, parent: WindowId, cursor: Rectangle<i32, Logical>) {
        let Some(window) = self.windows.get(id) else { return };
        let (size, surface) = (window.picture.area().size, window.surface.clone());
        let popup =
            self.input_popups.0.iter().find(|it| it.data::<InputPopup>().is_some_and(|it| it.0 == surface));
        if let Some(popup) = popup {
            popup.text_input_rectangle(0, -cursor.size.h, cursor.size.w, cursor.size.h);
        }
        if self.link.is_extended() {
            self.link.conn.popup(id, parent, at_cursor(cursor, size));
        } else {
            let mut wish = Rectangle::new(self.below(parent, cursor), size);
            let screen = self.outputs.screen();
            let most = screen.loc + (screen.size - size).to_point();
            wish.loc.x = wish.loc.x.min(most.x).max(screen.loc.x);
            wish.loc.y = wish.loc.y.min(most.y).max(screen.loc.y);
            self.ask_for(id, wish);
        }
    }

    /// Tells the GUI domain of one that is about to be shown on the window with the text cursor.
    pub(crate) fn tell_input_popup(&mut self, id: WindowId, size: Size<i32, Logical>) {
        if let Some((parent, cursor)) = self.text_cursor() {
            self.link.conn.popup(id, parent, at_cursor(cursor, size));
        }
    }

    /// The GUI domain has placed it.
    pub(crate) fn input_popup_arranged(&mut self, id: WindowId, arrange: &Arrange) {
        if let Some(window) = self.windows.get_mut(id) {
            window.pace.configured(None, arrange.serial, None);
            self.windows.touch(id);
        }
    }
}

fn at_cursor(cursor: Rectangle<i32, Logical>, size: Size<i32, Logical>) -> Positioner {
    let anchor = Rectangle::new(cursor.loc, (cursor.size.w.max(1), cursor.size.h.max(1)).into());
    Positioner {
        anchor_rect: to_rect::<Logical>(anchor),
        width: size.w.unsigned_abs().max(1),
        height: size.h.unsigned_abs().max(1),
        anchor: ANCHOR_BOTTOM_LEFT,
        gravity: GRAVITY_BOTTOM_RIGHT,
        constraint: SLIDE_X_FLIP_Y,
        ..Positioner::default()
    }
}

impl Dispatch<ZwpInputPopupSurfaceV2, InputPopup> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &ZwpInputPopupSurfaceV2,
        _: zwp_input_popup_surface_v2::Request,
        _: &InputPopup,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
    }

    fn destroyed(state: &mut Self, _: ClientId, popup: &ZwpInputPopupSurfaceV2, data: &InputPopup) {
        state.input_popups.0.retain(|it| it != popup);
        state.unmap(&data.0);
    }
}

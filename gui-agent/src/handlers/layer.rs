//! Panels, launchers and notifications that place themselves at the edges of an output (`zwlr_layer_shell_v1`).
//!
//! Offered only where the agent's options say so. The agent lays them out, among themselves; to the GUI domain each is a
//! window that nobody manages, as a dock or a menu of an X11 program is. The layers themselves are not the agent's to keep: the
//! GUI domain shows such windows above the others.
//!
//! Those of the program that shows icons are no panels: each is an icon for the GUI domain's tray, where that one decides its
//! place and size.
//!
//! One that asks for the keyboard alone has it while the GUI domain lets this domain's windows have it, and never else.

use gui_protocol::{Arrange, Rect, WindowId};
use smithay::{
    output::Output,
    reexports::wayland_server::{
        Resource as _,
        protocol::{wl_output::WlOutput, wl_surface::WlSurface},
    },
    utils::{Logical, Point, Rectangle, SERIAL_COUNTER, Serial, Size},
    wayland::{
        compositor::with_states,
        shell::wlr_layer::{
            Anchor, ExclusiveZone, KeyboardInteractivity, Layer, LayerSurface, LayerSurfaceCachedState,
            LayerSurfaceConfigure, LayerSurfaceData, WlrLayerShellHandler, WlrLayerShellState,
        },
    },
};
use wayland_guard::FAR;

use crate::{
    keymap::KeyFocus,
    privilege::{Privilege, has_privilege},
    state::State,
    surface::has_content,
    window::{Role, from_rect},
};

/// From the front to the back, which is the order in which they take their share of the edges.
const LAYERS: [Layer; 4] = [Layer::Overlay, Layer::Top, Layer::Bottom, Layer::Background];

/// All layer surfaces.
pub(crate) struct Layers {
    shell: WlrLayerShellState,
    offered: bool,
    known: Vec<Known>,
}

/// One of them.
struct Known {
    layer: LayerSurface,
    /// Where its client wants it. `None`: on the primary one.
    output: Option<Output>,
    namespace: String,
    /// Whether it is an icon for the tray.
    docked: bool,
    /// Whether what it asks for holds: it was committed, and not taken away since.
    committed: bool,
    /// On the screen.
    place: Rectangle<i32, Logical>,
}

impl Layers {
    pub(crate) fn new(shell: WlrLayerShellState, offered: bool) -> Self {
        Self { shell, offered, known: Vec::new() }
    }

    /// Whether the client of this surface may have any.
    pub(crate) fn offered_to(&self, surface: &WlSurface) -> bool {
        self.offered || is_icons(surface)
    }
}

/// Whether a surface is of the program that shows icons.
fn is_icons(surface: &WlSurface) -> bool {
    surface.client().is_some_and(|client| has_privilege(&client, Privilege::Tray))
}

fn wishes(layer: &LayerSurface) -> LayerSurfaceCachedState {
    with_states(layer.wl_surface(), |states| *states.cached_state.get::<LayerSurfaceCachedState>().current())
}

/// Where something lies along one axis that is anchored to its near end, its far end, both or none, each with a margin.
/// `wanted` 0: all there is.
fn along((start, room): (i32, i32), wanted: i32, near: Option<i32>, far: Option<i32>) -> (i32, i32) {
    let margin = |side: Option<i32>| side.map_or(0, |margin| margin.clamp(-FAR, FAR));
    let (first, last) = (margin(near), margin(far));
    let room = room.saturating_sub(first).saturating_sub(last);
    let length = if wanted > 0 { wanted.min(FAR) } else { room.clamp(1, FAR) };
    let spare = room.saturating_sub(length);
    let offset = match (near, far) {
        (Some(_), None) => 0,
        (None, Some(_)) => spare,
        (Some(_), Some(_)) | (None, None) => spare / 2,
    };
    (start.saturating_add(first).saturating_add(offset), length)
}

/// Where a surface with these wishes goes in an area.
fn place(wishes: &LayerSurfaceCachedState, area: Rectangle<i32, Logical>) -> Rectangle<i32, Logical> {
    let LayerSurfaceCachedState { size, anchor, margin, .. } = *wishes;
    let side = |edge, margin| anchor.contains(edge).then_some(margin);
    let (left, right) = (side(Anchor::LEFT, margin.left), side(Anchor::RIGHT, margin.right));
    let (top, bottom) = (side(Anchor::TOP, margin.top), side(Anchor::BOTTOM, margin.bottom));
    let (x, width) = along((area.loc.x, area.size.w), size.w, left, right);
    let (y, height) = along((area.loc.y, area.size.h), size.h, top, bottom);
    Rectangle::new((x, y).into(), (width, height).into())
}

/// What is left of an area beside a surface that wants a part at one edge for itself.
fn beside(wishes: &LayerSurfaceCachedState, area: Rectangle<i32, Logical>) -> Rectangle<i32, Logical> {
    let ExclusiveZone::Exclusive(zone) = wishes.exclusive_zone else { return area };
    let has = |edge| wishes.anchor.contains(edge);
    let only = |edge, opposite| has(edge) && !has(opposite);
    let taken = |margin: i32, room: i32| {
        let zone = i32::try_from(zone).unwrap_or(FAR).min(FAR);
        zone.saturating_add(margin.clamp(-FAR, FAR)).clamp(0, room.max(0))
    };
    let (mut corner, mut size): (Point<_, _>, Size<_, _>) = (area.loc, area.size);
    // one edge, and both of those beside it or none
    if has(Anchor::TOP) == has(Anchor::BOTTOM) {
        if only(Anchor::LEFT, Anchor::RIGHT) {
            let taken = taken(wishes.margin.left, size.w);
            corner.x = corner.x.saturating_add(taken);
            size.w -= taken;
        } else if only(Anchor::RIGHT, Anchor::LEFT) {
            size.w -= taken(wishes.margin.right, size.w);
        }
    } else if has(Anchor::LEFT) == has(Anchor::RIGHT) {
        if only(Anchor::TOP, Anchor::BOTTOM) {
            let taken = taken(wishes.margin.top, size.h);
            corner.y = corner.y.saturating_add(taken);
            size.h -= taken;
        } else {
            size.h -= taken(wishes.margin.bottom, size.h);
        }
    }
    Rectangle::new(corner, size)
}

impl State {
    /// A layer surface was committed: configure it, show it, move it, redraw it or take it away.
    pub(super) fn layer_committed(&mut self, surface: &WlSurface) {
        let shown = has_content(surface);
        let was_shown = self.windows.of_surface(surface);
        let known = self.layers.known.iter_mut().find(|known| known.layer.wl_surface() == surface);
        let Some(known) = known else { return };
        known.committed = shown || was_shown.is_none();
        if known.docked {
            if known.place.is_empty() {
                known.place.size = wishes(&known.layer).size.clamp((1, 1), (FAR, FAR));
            }
            tell(&known.layer, known.place.size);
        }
        self.lay_out();
        match (self.windows.of_surface(surface), shown) {
            (Some(id), true) => self.window_committed(id),
            (Some(_), false) => self.unmap(surface),
            (None, true) => self.map_layer(surface),
            (None, false) => {}
        }
        self.hand_keyboard();
    }

    /// Finds every layer surface its place, and tells those to which that is news.
    pub(crate) fn lay_out(&mut self) {
        let outputs = &self.outputs;
        let area_of = |known: &Known| outputs.area(known.output.as_ref());
        let mut areas: Vec<_> = self.layers.known.iter().filter(|known| !known.docked).map(area_of).collect();
        areas.dedup();
        let mut moved = Vec::new();
        for whole in areas {
            let mut free = whole;
            // those that take a part of an edge first, then those that go where there is room
            let passes = [true, false].into_iter().flat_map(|takes| LAYERS.map(|layer| (takes, layer)));
            for (takes_part, layer) in passes {
                for known in &mut self.layers.known {
                    let wishes = wishes(&known.layer);
                    let takes = matches!(wishes.exclusive_zone, ExclusiveZone::Exclusive(_));
                    let is_turn =
                        known.committed && !known.docked && wishes.layer == layer && takes == takes_part;
                    if !is_turn || outputs.area(known.output.as_ref()) != whole {
                        continue;
                    }
                    let area = if wishes.exclusive_zone == ExclusiveZone::DontCare { whole } else { free };
                    free = beside(&wishes, free);
                    known.place = place(&wishes, area);
                    tell(&known.layer, known.place.size);
                    moved.push((known.layer.wl_surface().clone(), known.place.loc));
                }
            }
        }
        for (surface, corner) in moved {
            self.move_layer(&surface, corner);
        }
    }

    fn move_layer(&mut self, surface: &WlSurface, corner: Point<i32, Logical>) {
        let Some(id) = self.windows.of_surface(surface) else { return };
        let Some(window) = self.windows.get(id).filter(|window| window.position() != corner) else { return };
        let size = window.picture.area().size;
        if self.extended {
            // told once, when a window is announced
            self.unmap(surface);
            self.map_layer(surface);
        } else {
            self.ask_for(id, Rectangle::new(corner, size));
        }
    }

    fn map_layer(&mut self, surface: &WlSurface) {
        let known = self.layers.known.iter().find(|known| known.layer.wl_surface() == surface);
        let Some(Known { layer, namespace, docked, place, .. }) = known else { return };
        let role = Role::Layer { layer: layer.clone(), namespace: namespace.clone(), docked: *docked };
        self.map(surface.clone(), role, place.loc, None);
    }

    /// The GUI domain wants an icon in this size. Returns the serial of what its client is told of it, if anything.
    pub(crate) fn resize_icon(&mut self, surface: &WlSurface, size: Size<i32, Logical>) -> Option<Serial> {
        let known = self.layers.known.iter_mut().find(|known| known.layer.wl_surface() == surface)?;
        if !known.docked || size.is_empty() || size == known.place.size {
            return None;
        }
        known.place.size = size;
        tell(&known.layer, size)
    }

    /// The GUI domain wants an icon to be so.
    pub(crate) fn icon_arranged(&mut self, id: WindowId, arrange: &Arrange) {
        let Some(window) = self.windows.get_mut(id) else { return };
        let wanted = from_rect(Rect::new(arrange.x, arrange.y, arrange.width, arrange.height));
        let (surface, old) = (window.surface.clone(), window.position());
        window.geometry.loc = wanted.loc;
        let serial = self.resize_icon(&surface, wanted.size);
        if let Some(window) = self.windows.get_mut(id) {
            window.pace.configured(serial, arrange.serial, serial.map(|_| wanted.size));
        }
        if serial.is_none() {
            self.windows.touch(id);
        }
        self.scale_arranged(id, arrange);
        if old != wanted.loc {
            self.move_popups_of(&surface);
        }
    }

    /// Who has the keyboard when the GUI domain gives it to this surface.
    pub(crate) fn typed_into(&self, focused: Option<&WlSurface>) -> Option<WlSurface> {
        let alone = |known: &&Known| {
            let wishes = wishes(&known.layer);
            wishes.keyboard_interactivity == KeyboardInteractivity::Exclusive
                && matches!(wishes.layer, Layer::Overlay | Layer::Top)
                && self.windows.of_surface(known.layer.wl_surface()).is_some()
        };
        let focused = focused?;
        let layer = self.layers.known.iter().rev().find(alone).map(|known| known.layer.wl_surface());
        Some(layer.unwrap_or(focused).clone())
    }

    /// A layer surface may want the keyboard now, or not any more.
    fn hand_keyboard(&mut self) {
        let target = self.typed_into(self.focused.as_ref()).map(KeyFocus::from);
        let Some(keyboard) = self.seat.get_keyboard().filter(|keyboard| !keyboard.is_grabbed()) else {
            return;
        };
        if keyboard.current_focus() != target {
            keyboard.set_focus(self, target, SERIAL_COUNTER.next_serial());
        }
    }
}

/// Tells a client how large its surface is to be, if that is news to it.
fn tell(layer: &LayerSurface, size: Size<i32, Logical>) -> Option<Serial> {
    layer.with_pending_state(|state| state.size = Some(size));
    let sent = with_states(layer.wl_surface(), |states| {
        let attributes = states.data_map.get::<LayerSurfaceData>().and_then(|data| data.lock().ok());
        attributes.is_some_and(|attributes| attributes.initial_configure_sent)
    });
    match sent {
        true => layer.send_pending_configure(),
        false => Some(layer.send_configure()),
    }
}

impl WlrLayerShellHandler for State {
    fn shell_state(&mut self) -> &mut WlrLayerShellState {
        &mut self.layers.shell
    }

    fn new_layer_surface(
        &mut self,
        surface: LayerSurface,
        output: Option<WlOutput>,
        _layer: Layer,
        namespace: String,
    ) {
        let output = output.as_ref().and_then(Output::from_resource);
        let (docked, place) = (is_icons(surface.wl_surface()), Rectangle::default());
        self.layers.known.push(Known { layer: surface, output, namespace, docked, committed: false, place });
    }

    fn ack_configure(&mut self, surface: WlSurface, configure: LayerSurfaceConfigure) {
        self.agreed(&surface, configure.serial);
    }

    fn layer_destroyed(&mut self, layer: LayerSurface) {
        self.layers.known.retain(|known| known.layer != layer);
        self.unmap(layer.wl_surface());
        self.lay_out();
        self.hand_keyboard();
    }
}

smithay::delegate_layer_shell!(State);

#[cfg(test)]
mod tests {
    use smithay::wayland::shell::wlr_layer::Margins;

    use super::*;

    fn rect(x: i32, y: i32, width: i32, height: i32) -> Rectangle<i32, Logical> {
        Rectangle::new((x, y).into(), (width, height).into())
    }

    #[test]
    fn a_surface_goes_to_the_edges_it_is_anchored_to() {
        let area = rect(100, 50, 1000, 500);
        let margin = Margins { top: 1, right: 2, bottom: 3, left: 4 };
        let at = |anchor, size: (i32, i32)| {
            place(&LayerSurfaceCachedState { anchor, margin, size: size.into(), ..Default::default() }, area)
        };
        assert_eq!(at(Anchor::empty(), (200, 100)), rect(500, 250, 200, 100));
        assert_eq!(at(Anchor::TOP | Anchor::LEFT, (200, 100)), rect(104, 51, 200, 100));
        assert_eq!(at(Anchor::BOTTOM | Anchor::RIGHT, (200, 100)), rect(898, 447, 200, 100));
        assert_eq!(at(Anchor::all(), (0, 0)), rect(104, 51, 994, 496));
        // whatever a client says
        let margin = Margins { top: i32::MIN, right: i32::MAX, bottom: i32::MIN, left: i32::MAX };
        let far = LayerSurfaceCachedState { anchor: Anchor::all(), margin, ..Default::default() };
        assert_eq!(place(&far, area).size, (1, FAR).into());
    }

    #[test]
    fn an_edge_is_taken_by_those_that_lie_along_it() {
        let area = rect(0, 0, 1000, 500);
        let left = |anchor, zone: i32| {
            let margin = Margins { top: 1, right: 2, bottom: 3, left: 4 };
            let exclusive_zone = zone.into();
            beside(&LayerSurfaceCachedState { anchor, margin, exclusive_zone, ..Default::default() }, area)
        };
        assert_eq!(left(Anchor::TOP, 10), rect(0, 11, 1000, 489));
        assert_eq!(left(Anchor::BOTTOM | Anchor::LEFT | Anchor::RIGHT, 10), rect(0, 0, 1000, 487));
        assert_eq!(left(Anchor::LEFT, 10), rect(14, 0, 986, 500));
        assert_eq!(left(Anchor::RIGHT, i32::MAX), rect(0, 0, 0, 500));
        // corners, opposite edges and all of them take nothing
        for anchor in
            [Anchor::TOP | Anchor::LEFT, Anchor::LEFT | Anchor::RIGHT, Anchor::all(), Anchor::empty()]
        {
            assert_eq!(left(anchor, 10), area);
        }
        assert_eq!(left(Anchor::TOP, 0), area);
        assert_eq!(left(Anchor::TOP, -1), area);
    }
}

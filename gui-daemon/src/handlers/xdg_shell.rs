//! `xdg_wm_base` and `xdg_decoration` for dom0's own clients: their windows join the shell like any other.
//!
//! A toplevel or popup without a buffer is `Unmapped` and unknown to the shell; its first buffer makes it a window.

use smithay::{
    delegate_xdg_decoration,
    desktop::{PopupKind, utils::bbox_from_surface_tree},
    reexports::{
        wayland_protocols::xdg::{
            decoration::zv1::server::zxdg_toplevel_decoration_v1::Mode, shell::server::xdg_toplevel,
        },
        wayland_server::protocol::{wl_output::WlOutput, wl_seat::WlSeat, wl_surface::WlSurface},
    },
    utils::{Logical, Rectangle, Serial},
    wayland::{
        compositor::with_states,
        shell::xdg::{
            PopupSurface, PositionerState, SurfaceCachedState, ToplevelSurface, XdgShellHandler,
            XdgShellState, XdgToplevelSurfaceData, decoration::XdgDecorationHandler,
        },
    },
};
use tracing::debug;
use wayland_guard::admit_popup;

use crate::{
    render::resize_icon,
    shell::{
        self, NewWindow, Owner, Role, SizeLimits,
        geom::{self, Edges},
        popup::{Adjust, Side},
    },
    state::State,
    windows::{LocalWindow, Source, Window},
};

/// A role without content yet.
#[derive(Debug, Clone)]
pub enum Unmapped {
    /// A toplevel before its first buffer.
    Toplevel(ToplevelSurface),
    /// A popup before its first buffer.
    Popup {
        /// Its role.
        popup: PopupSurface,
        /// Whether it wants to hold the input.
        grabs: bool,
    },
}

impl Unmapped {
    fn surface(&self) -> &WlSurface {
        match self {
            Unmapped::Toplevel(toplevel) => toplevel.wl_surface(),
            Unmapped::Popup { popup, .. } => popup.wl_surface(),
        }
    }
}

impl XdgShellHandler for State {
    fn xdg_shell_state(&mut self) -> &mut XdgShellState {
        &mut self.xdg_shell_state
    }

    fn new_toplevel(&mut self, surface: ToplevelSurface) {
        self.unmapped.push(Unmapped::Toplevel(surface));
    }

    fn new_popup(&mut self, surface: PopupSurface, positioner: PositionerState) {
        if !admit_popup(&surface) {
            return;
        }
        self.place_popup(&surface, positioner);
        if let Err(err) = self.popups.track_popup(PopupKind::Xdg(surface.clone())) {
            debug!(%err, "a popup died before it was tracked");
        }
        self.unmapped.push(Unmapped::Popup { popup: surface, grabs: false });
    }

    fn reposition_request(&mut self, surface: PopupSurface, positioner: PositionerState, token: u32) {
        self.place_popup(&surface, positioner);
        surface.send_repositioned(token);
        if let Some(id) = self.windows.by_surface(surface.wl_surface()) {
            self.shell.place_popup(id, to_shell(&positioner));
            self.apply_effects();
        }
    }

    fn grab(&mut self, surface: PopupSurface, _: WlSeat, _: Serial) {
        for unmapped in &mut self.unmapped {
            if let Unmapped::Popup { popup, grabs } = unmapped
                && *popup == surface
            {
                *grabs = true;
            }
        }
    }

    fn move_request(&mut self, surface: ToplevelSurface, _: WlSeat, _: Serial) {
        if let Some(id) = self.windows.by_surface(surface.wl_surface()).filter(|_| self.pointer.buttons != 0)
        {
            self.shell.begin_move(id, self.pointer_position());
            self.apply_effects();
        }
    }

    fn resize_request(
        &mut self,
        surface: ToplevelSurface,
        _: WlSeat,
        _: Serial,
        edges: xdg_toplevel::ResizeEdge,
    ) {
        let edges = resize_edges(edges);
        if let Some(id) = self.windows.by_surface(surface.wl_surface()).filter(|_| self.pointer.buttons != 0)
        {
            self.pointer.shape = resize_icon(edges);
            self.shell.begin_resize(id, edges, self.pointer_position());
            self.apply_effects();
        }
    }

    fn maximize_request(&mut self, surface: ToplevelSurface) {
        self.local_request(&surface, |shell, id| shell.request_maximise(id, true));
    }

    fn unmaximize_request(&mut self, surface: ToplevelSurface) {
        self.local_request(&surface, |shell, id| shell.request_maximise(id, false));
    }

    fn fullscreen_request(&mut self, surface: ToplevelSurface, _: Option<WlOutput>) {
        self.local_request(&surface, |shell, id| shell.request_fullscreen(id, true));
    }

    fn unfullscreen_request(&mut self, surface: ToplevelSurface) {
        self.local_request(&surface, |shell, id| shell.request_fullscreen(id, false));
    }

    fn minimize_request(&mut self, surface: ToplevelSurface) {
        self.local_request(&surface, |shell, id| shell.request_minimise(id, true));
    }

    fn title_changed(&mut self, surface: ToplevelSurface) {
        self.update_local_names(surface.wl_surface());
    }

    fn app_id_changed(&mut self, surface: ToplevelSurface) {
        self.update_local_names(surface.wl_surface());
    }

    fn parent_changed(&mut self, surface: ToplevelSurface) {
        let parent = surface.parent().and_then(|parent| self.windows.by_surface(&parent));
        if let Some(id) = self.windows.by_surface(surface.wl_surface()) {
            self.shell.set_transient(id, parent);
            self.apply_effects();
        }
    }

    fn toplevel_destroyed(&mut self, surface: ToplevelSurface) {
        self.forget_local(surface.wl_surface());
    }

    fn popup_destroyed(&mut self, surface: PopupSurface) {
        self.forget_local(surface.wl_surface());
    }
}

impl XdgDecorationHandler for State {
    fn new_decoration(&mut self, toplevel: ToplevelSurface) {
        server_side(&toplevel);
    }

    fn request_mode(&mut self, toplevel: ToplevelSurface, _: Mode) {
        server_side(&toplevel);
    }

    fn unset_mode(&mut self, toplevel: ToplevelSurface) {
        server_side(&toplevel);
    }
}

fn server_side(toplevel: &ToplevelSurface) {
    toplevel.with_pending_state(|state| state.decoration_mode = Some(Mode::ServerSide));
    if toplevel.is_initial_configure_sent() {
        toplevel.send_pending_configure();
    }
}

fn resize_edges(edge: xdg_toplevel::ResizeEdge) -> Edges {
    use xdg_toplevel::ResizeEdge as E;
    Edges {
        top: matches!(edge, E::Top | E::TopLeft | E::TopRight),
        bottom: matches!(edge, E::Bottom | E::BottomLeft | E::BottomRight),
        left: matches!(edge, E::Left | E::TopLeft | E::BottomLeft),
        right: matches!(edge, E::Right | E::TopRight | E::BottomRight),
    }
}

fn to_shell(positioner: &PositionerState) -> shell::Positioner {
    let anchor = positioner.anchor_rect;
    shell::Positioner {
        anchor_rect: geom::Rect::new(anchor.loc.x, anchor.loc.y, anchor.size.w, anchor.size.h),
        size: geom::Size::new(positioner.rect_size.w, positioner.rect_size.h),
        anchor: Side::from_wire(positioner.anchor_edges.into()),
        gravity: Side::from_wire(positioner.gravity.into()),
        adjust: Adjust::from_wire(positioner.constraint_adjustment.bits()),
        offset: geom::Point::new(positioner.offset.x, positioner.offset.y),
        reactive: positioner.reactive,
    }
}

fn to_wayland(rect: geom::Rect) -> Rectangle<i32, Logical> {
    Rectangle::new((rect.x, rect.y).into(), (rect.width, rect.height).into())
}

/// The part of a surface tree that is the window, relative to its surface: the geometry it set, or all of it.
pub fn window_geometry(surface: &WlSurface) -> Rectangle<i32, Logical> {
    let all = bbox_from_surface_tree(surface, (0, 0));
    let set =
        with_states(surface, |states| states.cached_state.get::<SurfaceCachedState>().current().geometry);
    set.and_then(|set| set.intersection(all)).unwrap_or(all)
}

impl State {
    /// A surface tree of one of dom0's clients was committed.
    pub(super) fn local_commit(&mut self, root: &WlSurface, has_buffer: bool) {
        self.popups.commit(root);
        if let Some(id) = self.windows.by_surface(root) {
            if has_buffer {
                self.local_geometry(id);
            } else {
                self.unmap_local(id);
            }
        } else if let Some(at) = self.unmapped.iter().position(|unmapped| unmapped.surface() == root) {
            if has_buffer {
                let unmapped = self.unmapped.swap_remove(at);
                self.map_local(unmapped);
            } else if let Some(unmapped) = self.unmapped.get(at) {
                first_configure(unmapped);
            }
        }
    }

    fn map_local(&mut self, unmapped: Unmapped) {
        let geometry = window_geometry(unmapped.surface());
        let size = geom::Size::new(geometry.size.w.max(1), geometry.size.h.max(1));
        let (role, origin, local, grabs) = match unmapped {
            Unmapped::Toplevel(toplevel) => {
                (Role::Toplevel, geom::Point::default(), LocalWindow::Toplevel(toplevel), false)
            }
            Unmapped::Popup { popup, grabs } => {
                let parent = self.popup_parent(&popup);
                let origin = self.popup_origin(&popup, parent);
                (Role::Popup { parent }, origin, LocalWindow::Popup(popup), grabs)
            }
        };
        let positioner = match &local {
            LocalWindow::Popup(popup) => Some(popup.with_pending_state(|state| to_shell(&state.positioner))),
            LocalWindow::Toplevel(_) => None,
        };
        let surface = local.surface().clone();
        let id = self.shell.add(NewWindow {
            owner: Owner::Dom0,
            role,
            content: geom::Rect::at(origin, size),
            placed: matches!(local, LocalWindow::Popup(_)),
        });
        self.windows.insert(Window::new(id, Source::Local(local)));
        self.update_local_names(&surface);
        self.shell.set_allow_fullscreen(id, true);
        self.local_limits(id);
        if let Some(positioner) = positioner {
            self.shell.place_popup(id, positioner);
            let origin = self.shell.window(id).map_or(origin, |window| window.content.origin());
            self.shell.request_geometry(id, geom::Rect::at(origin, size));
        }
        self.shell.map(id);
        self.shell.set_patient(id, true);
        self.apply_effects();
        if grabs {
            self.popup_grabs(id);
        }
        self.refresh_pointer();
    }

    /// Takes over what the client committed: its size, and its limits.
    fn local_geometry(&mut self, id: shell::Id) {
        let Some(Source::Local(local)) = self.windows.get(id).map(|window| &window.source) else { return };
        let geometry = window_geometry(local.surface());
        let size = geom::Size::new(geometry.size.w.max(1), geometry.size.h.max(1));
        let answers = match local {
            // Sizes are compared and not serials: who has the size has answered.
            LocalWindow::Toplevel(toplevel) => {
                let told = self.shell.window(id).map(|window| window.told().0.size());
                let known = toplevel.current_state().size.map(|size| geom::Size::new(size.w, size.h));
                told.is_none() || known == told
            }
            LocalWindow::Popup(_) => true,
        };
        self.local_limits(id);
        self.shell.drawn(id, size, answers);
        self.apply_effects();
    }

    fn local_limits(&mut self, id: shell::Id) {
        let Some(Source::Local(LocalWindow::Toplevel(toplevel))) = self.windows.get(id).map(|w| &w.source)
        else {
            return;
        };
        let (min, max) = with_states(toplevel.wl_surface(), |states| {
            let mut cached = states.cached_state.get::<SurfaceCachedState>();
            let current = cached.current();
            (current.min_size, current.max_size)
        });
        let limit = |size: smithay::utils::Size<i32, Logical>| {
            (size.w > 0 && size.h > 0).then_some(geom::Size::new(size.w, size.h))
        };
        self.shell.set_limits(id, SizeLimits { min: limit(min), max: limit(max), ..SizeLimits::default() });
    }

    fn popup_origin(&self, popup: &PopupSurface, parent: Option<shell::Id>) -> geom::Point {
        let offset = popup.with_pending_state(|state| state.geometry.loc);
        let parent = parent.and_then(|id| self.shell.window(id)).map(|window| window.content.origin());
        let parent = parent.unwrap_or_default();
        parent.plus(geom::Point::new(offset.x, offset.y))
    }

    fn popup_parent(&self, popup: &PopupSurface) -> Option<shell::Id> {
        popup.get_parent_surface().and_then(|parent| self.windows.by_surface(&parent))
    }

    /// Plans a popup's place, as the shell will choose it.
    fn place_popup(&self, popup: &PopupSurface, positioner: PositionerState) {
        let place = match self.popup_parent(popup) {
            Some(parent) => self.shell.popup_place(parent, &to_shell(&positioner)),
            None => None,
        };
        popup.with_pending_state(|state| {
            state.geometry = place.map_or_else(|| positioner.get_geometry(), to_wayland);
            state.positioner = positioner;
        });
    }

    /// Tells a popup where on its parent it is now, if it is to be told.
    pub(crate) fn configure_popup(&self, id: shell::Id, content: geom::Rect, popup: &PopupSurface) {
        let parent = match self.shell.window(id).map(|window| window.role) {
            Some(Role::Popup { parent: Some(parent) }) => self.shell.window(parent),
            _ => None,
        };
        let Some(parent) = parent else { return };
        let place = content.moved_to(content.origin().minus(parent.content.origin()));
        let moved = popup.with_pending_state(|state| {
            let reactive = state.positioner.reactive;
            reactive && std::mem::replace(&mut state.geometry, to_wayland(place)) != to_wayland(place)
        });
        if moved && let Err(err) = popup.send_configure() {
            debug!(%err, "a popup could not be told its place");
        }
    }

    fn unmap_local(&mut self, id: shell::Id) {
        self.popup_left(id);
        let Some(window) = self.windows.remove(id) else { return };
        self.shell.remove(id);
        if let Source::Local(local) = window.source {
            self.unmapped.push(match local {
                LocalWindow::Toplevel(toplevel) => Unmapped::Toplevel(toplevel),
                LocalWindow::Popup(popup) => Unmapped::Popup { popup, grabs: false },
            });
        }
        self.apply_effects();
    }

    fn forget_local(&mut self, surface: &WlSurface) {
        self.unmapped.retain(|unmapped| unmapped.surface() != surface);
        if let Some(id) = self.windows.by_surface(surface) {
            self.popup_left(id);
            self.windows.remove(id);
            self.shell.remove(id);
            self.apply_effects();
        }
    }

    fn local_request(
        &mut self,
        toplevel: &ToplevelSurface,
        request: impl FnOnce(&mut shell::Shell, shell::Id),
    ) {
        if let Some(id) = self.windows.by_surface(toplevel.wl_surface()) {
            request(&mut self.shell, id);
            self.apply_effects();
        }
        // The protocol wants a configure for each of these requests, whatever comes of it.
        if toplevel.is_initial_configure_sent() {
            toplevel.send_configure();
        }
    }

    fn update_local_names(&mut self, surface: &WlSurface) {
        let (title, app_id) = with_states(surface, |states| {
            let data = states.data_map.get::<XdgToplevelSurfaceData>();
            let data = data.and_then(|data| data.lock().ok());
            data.map(|data| (data.title.clone(), data.app_id.clone())).unwrap_or_default()
        });
        let Some(id) = self.windows.by_surface(surface) else { return };
        if let Some(window) = self.windows.get_mut(id) {
            window.set_title(&title.unwrap_or_default());
            window.set_class(&app_id.unwrap_or_default());
            self.name_changed(id);
        }
    }
}

fn first_configure(unmapped: &Unmapped) {
    match unmapped {
        Unmapped::Toplevel(toplevel) if !toplevel.is_initial_configure_sent() => {
            toplevel.send_configure();
        }
        Unmapped::Popup { popup, .. } if !popup.is_initial_configure_sent() => {
            if let Err(err) = popup.send_configure() {
                debug!(%err, "a popup could not be configured");
            }
        }
        _ => {}
    }
}

delegate_xdg_decoration!(State);

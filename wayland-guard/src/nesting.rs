//! Surfaces on surfaces: trees of subsurfaces are walked by recursion and chains of popups to their end, so neither may
//! be endless.

use smithay::{
    reexports::{
        wayland_protocols::xdg::shell::server::xdg_wm_base,
        wayland_server::{
            Resource,
            protocol::{
                wl_subcompositor::{self, WlSubcompositor},
                wl_surface::WlSurface,
            },
        },
    },
    wayland::{
        compositor::{
            CompositorState, SurfaceData, TraversalAction, get_parent, get_role, with_states,
            with_surface_tree_downward,
        },
        shell::{
            wlr_layer::LAYER_SURFACE_ROLE,
            xdg::{PopupSurface, PositionerState, XDG_POPUP_ROLE, XDG_TOPLEVEL_ROLE, XdgPopupSurfaceData},
        },
    },
};

use crate::Guarded;

/// The most levels of subsurfaces above the surface that carries them all. Real ones are two or three.
pub const MAX_SUBSURFACES: usize = 64;

/// The longest chain of popups on popups. Menus nest a handful deep.
pub const MAX_POPUPS: usize = 32;

impl Guarded for WlSubcompositor {
    type Data = ();
    type Handler = CompositorState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        if let wl_subcompositor::Request::GetSubsurface { surface, parent, .. } = &request
            && levels_up_to(parent) + levels_above(surface) > MAX_SUBSURFACES
        {
            self.post_error(wl_subcompositor::Error::BadParent, "subsurfaces are nested too deep");
            return None;
        }
        Some(request)
    }
}

/// The surfaces from the root of a tree to one of its surfaces, which counts too.
fn levels_up_to(surface: &WlSurface) -> usize {
    std::iter::successors(Some(surface.clone()), get_parent).count()
}

/// The levels of subsurfaces on a surface, which does not count.
fn levels_above(surface: &WlSurface) -> usize {
    let mut levels = 0;
    let descend = |_: &WlSurface, _: &SurfaceData, level: &usize| TraversalAction::DoChildren(*level + 1);
    with_surface_tree_downward(
        surface,
        0,
        descend,
        |_, _, level| levels = levels.max(*level),
        |_, _, _| true,
    );
    levels
}

/// Whether a new popup's parents lead to a toplevel, as they must. If they do not, for it stands on nothing, on itself
/// or on too many others, its client's connection has ended, and the popup must be left alone.
pub fn admit_popup(popup: &PopupSurface) -> bool {
    let admitted = leads_to_toplevel(popup);
    if !admitted {
        let error = xdg_wm_base::Error::InvalidPopupParent;
        popup.xdg_popup().post_error(error, "a popup's parent must be a window, or a popup of one");
    }
    admitted
}

/// Whether a positioner says where a popup goes and how large it is, as it must when it is used. If it does not, its
/// client's connection has ended, and the popup must be left alone.
pub fn admit_positioner(popup: &PopupSurface, positioner: &PositionerState) -> bool {
    let is_complete = !positioner.rect_size.is_empty() && !positioner.anchor_rect.is_empty();
    if !is_complete {
        let error = xdg_wm_base::Error::InvalidPositioner;
        popup.xdg_popup().post_error(error, "a positioner needs a size and an anchor rectangle");
    }
    is_complete
}

fn leads_to_toplevel(popup: &PopupSurface) -> bool {
    let mut next = popup.get_parent_surface();
    for _ in 0..MAX_POPUPS {
        let Some(surface) = next else { return false };
        match get_role(&surface) {
            Some(XDG_TOPLEVEL_ROLE | LAYER_SURFACE_ROLE) => return true,
            Some(XDG_POPUP_ROLE) => next = parent_of(&surface),
            _ => return false,
        }
    }
    false
}

fn parent_of(popup: &WlSurface) -> Option<WlSurface> {
    with_states(popup, |states| {
        let attributes = states.data_map.get::<XdgPopupSurfaceData>()?.lock().ok()?;
        attributes.parent.clone()
    })
}

//! Pointer locks and confinements, `zwp_pointer_constraints_v1`: wishes that only the GUI domain can grant.
//!
//! The wish that is told is that of the surface under the pointer, if it has one. Clients hear that it came true when the
//! GUI domain says so, and that it is over when that or the pointer leaves. The cursor position hints of locks are
//! ignored: where the pointer appears again is not the domain's to say.

use gui_protocol::{PointerConstraint, Rect, WindowId};
use smithay::{
    input::pointer::PointerHandle,
    reexports::{
        wayland_protocols::wp::pointer_constraints::zv1::server::{
            zwp_confined_pointer_v1::ZwpConfinedPointerV1, zwp_locked_pointer_v1::ZwpLockedPointerV1,
            zwp_pointer_constraints_v1::ZwpPointerConstraintsV1,
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, Resource, backend::ClientId, delegate_dispatch,
            delegate_global_dispatch, protocol::wl_surface::WlSurface,
        },
    },
    utils::{Logical, Point, Rectangle},
    wayland::{
        compositor::{RectangleKind, RegionAttributes},
        pointer_constraints::{
            PointerConstraint as Constraint, PointerConstraintUserData, PointerConstraintsHandler,
            PointerConstraintsState, with_pointer_constraint,
        },
    },
};

use crate::{state::State, window::to_rect};

/// What a client wants of the pointer, in the protocol's terms.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Wanted {
    kind: PointerConstraint,
    /// From the window's corner; none for all of it.
    region: Option<Rect>,
}

impl Wanted {
    const NOTHING: Self = Self { kind: PointerConstraint::None, region: None };
}

/// What the GUI domain has been told last, of one window at a time.
#[derive(Debug, Default)]
pub(crate) struct ToldConstraint(Option<(WindowId, Wanted)>);

impl State {
    /// Something has changed that may have changed what is wanted of the pointer.
    pub(crate) fn update_constraint(&mut self) {
        let wanted = self.wanted_of_pointer();
        if wanted == self.constraint.0 {
            return;
        }
        if let Some((old, _)) = self.constraint.0
            && wanted.is_none_or(|(id, _)| id != old)
        {
            self.tell_wanted(old, Wanted::NOTHING);
        }
        if let Some((id, wanted)) = wanted {
            self.tell_wanted(id, wanted);
        }
        self.constraint.0 = wanted;
    }

    fn tell_wanted(&mut self, id: WindowId, Wanted { kind, region }: Wanted) {
        if self.windows.get(id).is_some() {
            self.link.conn.constrain_pointer(id, kind, region);
        }
    }

    fn wanted_of_pointer(&self) -> Option<(WindowId, Wanted)> {
        let id = self.pointed?;
        let window = self.windows.get(id)?;
        let pointer = self.seat.get_pointer()?;
        let (surface, origin) = self.under_pointer.as_ref()?;
        let offset = origin.to_i32_round() - window.position();
        with_pointer_constraint(surface, &pointer, |constraint| {
            let constraint = constraint?;
            let kind = kind_of(&constraint);
            let region = constraint.region().map(|region| bounds(region, offset));
            Some((id, Wanted { kind, region }))
        })
    }

    /// How a window holds the pointer now, by the GUI domain's decision. Late news of a window it has left mean nothing.
    pub(crate) fn pointer_constrained(&mut self, id: WindowId, now: PointerConstraint) {
        let Some(pointer) = self.seat.get_pointer().filter(|_| self.pointed == Some(id)) else { return };
        let Some((surface, _)) = &self.under_pointer else { return };
        with_pointer_constraint(surface, &pointer, |constraint| {
            let Some(constraint) = constraint else { return };
            match (constraint.is_active(), kind_of(&constraint) == now) {
                (false, true) => constraint.activate(),
                // one that holds but once is gone with this
                (true, false) => constraint.deactivate(),
                (true, true) | (false, false) => {}
            }
        });
        self.update_constraint();
    }
}

fn kind_of(constraint: &Constraint) -> PointerConstraint {
    match constraint {
        Constraint::Confined(_) => PointerConstraint::Confine,
        Constraint::Locked(_) => PointerConstraint::Lock,
    }
}

/// What a region covers at most. The protocol has rectangles only.
fn bounds(region: &RegionAttributes, offset: Point<i32, Logical>) -> Rect {
    let added =
        region.rects.iter().filter(|(kind, _)| matches!(kind, RectangleKind::Add)).map(|(_, rect)| *rect);
    let mut bounds = added.reduce(Rectangle::merge).unwrap_or_default();
    bounds.loc += offset;
    to_rect(bounds)
}

impl PointerConstraintsHandler for State {
    fn new_constraint(&mut self, _surface: &WlSurface, _pointer: &PointerHandle<Self>) {
        self.update_constraint();
    }

    fn cursor_position_hint(&mut self, _: &WlSurface, _: &PointerHandle<Self>, _: Point<f64, Logical>) {}
}

/// Smithay's own handling, and a look at what is wanted when a constraint goes.
enum Constraints {}

macro_rules! watch_constraints {
    ($object:ty) => {
        impl Dispatch<$object, PointerConstraintUserData<State>, State> for Constraints {
            fn request(
                state: &mut State,
                client: &Client,
                object: &$object,
                request: <$object as Resource>::Request,
                data: &PointerConstraintUserData<State>,
                display: &DisplayHandle,
                init: &mut DataInit<'_, State>,
            ) {
                <PointerConstraintsState as Dispatch<$object, _, State>>::request(
                    state, client, object, request, data, display, init,
                );
            }

            fn destroyed(
                state: &mut State,
                client: ClientId,
                object: &$object,
                data: &PointerConstraintUserData<State>,
            ) {
                <PointerConstraintsState as Dispatch<$object, _, State>>::destroyed(state, client, object, data);
                state.update_constraint();
            }
        }
        delegate_dispatch!(State: [$object: PointerConstraintUserData<State>] => Constraints);
    };
}

watch_constraints!(ZwpLockedPointerV1);
watch_constraints!(ZwpConfinedPointerV1);
delegate_dispatch!(State: [ZwpPointerConstraintsV1: ()] => PointerConstraintsState);
delegate_global_dispatch!(State: [ZwpPointerConstraintsV1: ()] => PointerConstraintsState);

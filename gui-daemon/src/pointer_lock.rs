//! Windows that hold the pointer: games lock it in place, drawing programs keep it inside.
//!
//! Invariants: only the window with the keyboard, with the pointer in it, holds it, and of an AppVM's only where its
//! configuration allows that. While it is held the frame says so and names the combination that ends it; that, and any
//! change of focus, of what lies under the pointer, or of the wish, end it at once. After the combination the window gets
//! it again only when the user clicks into it.

use gui_protocol::PointerConstraint;
use smithay::{
    delegate_pointer_constraints,
    input::pointer::PointerHandle,
    reexports::wayland_server::{Resource, protocol::wl_surface::WlSurface},
    utils::{Logical, Point},
    wayland::pointer_constraints::{self as constraints, PointerConstraintsHandler, with_pointer_constraint},
};

use crate::{
    focus::{Focus, GuestTarget},
    shell::{self, Hit, Role, geom},
    state::State,
    windows::{Source, Windows},
};

/// Who holds the pointer, and who may not for now.
#[derive(Debug, Default)]
pub struct PointerHold {
    held: Option<Held>,
    /// The window that the user took it from.
    taken_from: Option<shell::Id>,
}

/// How the pointer is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It stands still.
    Locked,
    /// It stays inside.
    Confined,
}

#[derive(Debug, Clone, PartialEq)]
struct Held {
    id: shell::Id,
    kind: Kind,
    by: Focus,
}

/// What a window of an AppVM would like to do with the pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// How it would like to hold it.
    pub kind: Kind,
    /// Where in the window; everywhere if there is none.
    pub region: Option<geom::Rect>,
}

impl Wish {
    /// The wish of a `CONSTRAIN_POINTER`, if it is one.
    pub fn from_wire(kind: PointerConstraint, region: Option<geom::Rect>) -> Option<Self> {
        let kind = match kind {
            PointerConstraint::None => return None,
            PointerConstraint::Lock => Kind::Locked,
            PointerConstraint::Confine => Kind::Confined,
        };
        Some(Self { kind, region })
    }

    fn covers(&self, local: geom::Point) -> bool {
        self.region.is_none_or(|region| region.contains(local))
    }
}

impl PointerHold {
    /// The window that holds the pointer, and how.
    pub fn holder(&self) -> Option<(shell::Id, Kind)> {
        self.held.as_ref().map(|held| (held.id, held.kind))
    }

    fn locks(&self) -> bool {
        matches!(self.holder(), Some((_, Kind::Locked)))
    }
}

impl State {
    /// Gives the pointer to the window that wants it and may have it now, and takes it from the one that had it.
    pub(crate) fn update_pointer_hold(&mut self) {
        let wanted = self.wanted_hold();
        if self.pointer_hold.held == wanted {
            return;
        }
        if let Some(before) = self.pointer_hold.held.take() {
            self.tell_hold(&before, false);
        }
        if let Some(now) = &wanted {
            self.tell_hold(now, true);
        }
        self.backend.hold_pointer(wanted.as_ref().is_some_and(|now| now.kind == Kind::Locked));
        self.pointer_hold.held = wanted;
        self.queue_redraw();
    }

    /// The user takes the pointer back.
    pub(crate) fn take_pointer(&mut self) {
        if let Some((id, _)) = self.pointer_hold.holder() {
            self.pointer_hold.taken_from = Some(id);
            self.update_pointer_hold();
        }
    }

    /// The user clicked into a window: it may hold the pointer, whatever was before.
    pub(crate) fn forgive_pointer_hold(&mut self) {
        self.pointer_hold.taken_from = None;
        self.update_pointer_hold();
    }

    /// Where the pointer may go that would go to `to`; nowhere while it is locked.
    pub(crate) fn allowed_motion(&self, to: Point<f64, Logical>) -> Option<Point<f64, Logical>> {
        if self.pointer_hold.locks() {
            return None;
        }
        let Some(Held { id, by, .. }) = &self.pointer_hold.held else { return Some(to) };
        let content = self.shell.window(*id)?.content;
        match by {
            Focus::Guest(_) => {
                let region = guest_wish(&self.windows, *id).and_then(|wish| wish.region);
                let region = region.map(|region| region.moved_to(region.origin().plus(content.origin())));
                let area = region.map_or(content, |region| region.intersection(content));
                Some(clamped(to, area))
            }
            Focus::Surface(surface) => {
                let to = clamped(to, content);
                // its region need not be a rectangle, and then its edges stop the pointer
                let inside = self.surface_wish(surface, *id, to).is_some();
                Some(if inside { to } else { self.pointer.at })
            }
        }
    }

    fn wanted_hold(&self) -> Option<Held> {
        let id = self.shell.focused()?;
        let free = self.shell.grabbed().is_none() && self.shell.alt_tab_choice().is_none();
        let Hit::Content { id: hit, local } = self.shell.hit(self.pointer_position()) else { return None };
        // one whose frame cannot say so does not hold the pointer
        let is_window = self.shell.window(id).is_some_and(|window| window.role == Role::Toplevel);
        if !free || !is_window || hit != id || self.pointer_hold.taken_from == Some(id) {
            return None;
        }
        match &self.windows.get(id)?.source {
            Source::Guest(guest) => {
                let allowed = self.may_hold_pointer(&guest.target);
                let wish = guest.pointer_wish.filter(|wish| allowed && wish.covers(local))?;
                Some(Held { id, kind: wish.kind, by: Focus::Guest(guest.target.clone()) })
            }
            Source::Local(_) => {
                let (Focus::Surface(surface), _) = self.target_under(id, self.pointer.at)? else {
                    return None;
                };
                let kind = self.surface_wish(&surface, id, self.pointer.at)?;
                Some(Held { id, kind, by: Focus::Surface(surface) })
            }
        }
    }

    /// Whether an AppVM's windows may hold the pointer, and hear of its motion other than where it is.
    pub(crate) fn may_hold_pointer(&self, guest: &GuestTarget) -> bool {
        self.domain(guest.domain).is_some_and(|domain| domain.config.allow_pointer_lock)
    }

    /// How a surface of one of dom0's own clients would like to hold the pointer, if that is at a place where it does.
    fn surface_wish(&self, surface: &WlSurface, id: shell::Id, at: Point<f64, Logical>) -> Option<Kind> {
        let (focus, origin) = self.target_under(id, at)?;
        if focus != Focus::Surface(surface.clone()) {
            return None;
        }
        let pointer = self.seat.get_pointer()?;
        let local = (at - origin).to_i32_floor();
        with_pointer_constraint(surface, &pointer, |constraint| {
            let constraint = constraint?;
            let here = constraint.region().is_none_or(|region| region.contains(local));
            here.then_some(match *constraint {
                constraints::PointerConstraint::Locked(_) => Kind::Locked,
                constraints::PointerConstraint::Confined(_) => Kind::Confined,
            })
        })
    }

    fn tell_hold(&mut self, held: &Held, begins: bool) {
        match &held.by {
            Focus::Guest(guest) => {
                let kind = match held.kind {
                    _ if !begins => PointerConstraint::None,
                    Kind::Locked => PointerConstraint::Lock,
                    Kind::Confined => PointerConstraint::Confine,
                };
                self.with_link(guest.domain, |link| {
                    link.pointer_constrained(guest.window, kind);
                });
            }
            Focus::Surface(surface) => {
                let Some(pointer) = self.seat.get_pointer().filter(|_| surface.is_alive()) else { return };
                with_pointer_constraint(surface, &pointer, |constraint| match constraint {
                    Some(constraint) if begins => constraint.activate(),
                    // smithay has ended it if the surface lost the pointer
                    Some(constraint) if constraint.is_active() => constraint.deactivate(),
                    _ => {}
                });
            }
        }
    }
}

fn guest_wish(windows: &Windows, id: shell::Id) -> Option<Wish> {
    match &windows.get(id)?.source {
        Source::Guest(guest) => guest.pointer_wish,
        Source::Local(_) => None,
    }
}

/// The nearest place in `area`, which is not empty.
fn clamped(at: Point<f64, Logical>, area: geom::Rect) -> Point<f64, Logical> {
    // the last place that rounds down to a pixel of it
    let within =
        |value: f64, low: i32, high: i32| value.min(f64::from(high) - 1.0 / 256.0).max(f64::from(low));
    (within(at.x, area.x, area.right()), within(at.y, area.y, area.bottom())).into()
}

impl PointerConstraintsHandler for State {
    fn new_constraint(&mut self, _: &WlSurface, _: &PointerHandle<Self>) {
        self.update_pointer_hold();
    }

    // The pointer comes back where it was: nobody moves the user's pointer.
    fn cursor_position_hint(&mut self, _: &WlSurface, _: &PointerHandle<Self>, _: Point<f64, Logical>) {}
}

delegate_pointer_constraints!(State);

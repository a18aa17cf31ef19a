//! The pointer and the fingers.

use gui_protocol::PointerConstraint;
use gui_protocol::{ButtonInput, CrossingInput, Fixed, RelativeMotion, Touch, TouchKind, WindowId};

use super::{Constraint, Desk, Finger, NO_KEYS};

/// What X calls the kernel's buttons.
fn x11_button(code: i32) -> Option<u32> {
    Some(match code {
        0x110 => 1,
        0x112 => 2,
        0x111 => 3,
        0x113 => 8,
        0x114 => 9,
        _ => return None,
    })
}

fn fixed(pixels: i32) -> Fixed {
    Fixed(pixels << 8)
}

impl Desk {
    /// The pointer goes there, as one does that a pen or a finger moves: its device knows places and no distances.
    pub fn move_to(&mut self, (x, y): (i32, i32)) {
        let holder = self.pointed.and_then(|id| Some((id, self.windows.get(&id)?.constraint?)));
        self.pointer = match holder {
            None => (x, y),
            Some((_, Constraint { kind: PointerConstraint::Lock, .. })) => return,
            Some((id, Constraint { region, .. })) => {
                let corner = self.corner(id);
                let within = |at: i32, corner: i32, start: i32, length: u32| {
                    let first = corner + start;
                    at.clamp(first, first + length.max(1).cast_signed() - 1)
                };
                (within(x, corner.0, region.x, region.width), within(y, corner.1, region.y, region.height))
            }
        };
        self.point(true);
    }

    /// The pointer's device moves.
    pub fn move_by(&mut self, (dx, dy): (i32, i32)) {
        self.move_to((self.pointer.0 + dx, self.pointer.1 + dy));
        if let Some(id) = self.pointed {
            let time_us = u64::try_from(self.started.elapsed().as_micros()).unwrap_or_default();
            let (dx, dy) = (fixed(dx), fixed(dy));
            let motion = RelativeMotion { dx, dy, dx_unaccelerated: dx, dy_unaccelerated: dy, time_us };
            self.conn.relative_motion(id, motion);
        }
    }

    /// A button, by the kernel's number, goes down or up.
    pub fn button(&mut self, code: i32, pressed: bool) {
        let Some(button) = x11_button(code) else { return };
        if pressed {
            self.turn_to(self.pointed);
            self.pressed += 1;
        } else {
            self.pressed = self.pressed.saturating_sub(1);
        }
        if let Some(id) = self.pointed {
            let (x, y) = self.within(id, self.pointer);
            self.conn.button(id, ButtonInput { pressed, x, y, state: 0, button });
        }
        self.point(false);
    }

    /// Brings the agent up to date about what the pointer is over; `moved`: also if that is what it was.
    pub(super) fn point(&mut self, moved: bool) {
        let over = match self.pointed {
            held @ Some(_) if self.pressed > 0 => held,
            _ => self.at(self.pointer),
        };
        if self.pointed != over {
            let cross = |desk: &mut Self, id: Option<WindowId>, entered: bool| {
                let Some(id) = id else { return };
                let (x, y) = desk.within(id, desk.pointer);
                let focus = desk.focused == Some(id);
                desk.conn.crossing(id, CrossingInput { entered, x, y, state: 0, focus }, &NO_KEYS);
            };
            cross(self, self.pointed, false);
            self.pointed = over;
            cross(self, over, true);
        } else if let Some(id) = over.filter(|_| moved) {
            let (x, y) = self.within(id, self.pointer);
            self.conn.motion(id, x, y, 0);
        }
    }

    /// A finger touches.
    pub fn touch_down(&mut self, finger: Finger, place: (i32, i32)) {
        let over = self.at(place);
        self.turn_to(over);
        if let Some(id) = over {
            self.touched.insert(finger, (id, place));
            self.touch(finger, TouchKind::Down);
        }
    }

    /// A finger that touches moves.
    pub fn touch_move(&mut self, finger: Finger, to: (i32, i32)) {
        if let Some((_, place)) = self.touched.get_mut(&finger) {
            *place = to;
            self.touch(finger, TouchKind::Motion);
        }
    }

    /// A finger is lifted.
    pub fn touch_up(&mut self, finger: Finger) {
        self.touch(finger, TouchKind::Up);
        self.touched.remove(&finger);
    }

    fn touch(&mut self, finger: Finger, kind: TouchKind) {
        let Some((window, place)) = self.touched.get(&finger).copied() else { return };
        let (x, y) = self.within(window, place);
        let time_ms = u32::try_from(self.started.elapsed().as_millis()).unwrap_or_default();
        let touch = Touch { kind, id: finger.0, x: fixed(x), y: fixed(y), time_ms };
        self.conn.touch(window, touch);
        self.conn.touch(window, Touch { kind: TouchKind::Frame, ..touch });
    }

    /// The user turns to this window, or to none: menus of others are closed, and it gets the keyboard.
    fn turn_to(&mut self, target: Option<WindowId>) {
        let chain = |id: WindowId| {
            let up = |id: &WindowId| self.windows.get(id).and_then(|it| it.popup).map(|popup| popup.parent);
            std::iter::successors(Some(id), up).collect::<Vec<_>>()
        };
        let kept = target.map(chain).unwrap_or_default();
        let grabbing =
            |id: &&WindowId| self.windows.get(*id).and_then(|it| it.popup).is_some_and(|popup| popup.grab);
        let closed: Vec<_> =
            self.stack.iter().rev().filter(grabbing).filter(|id| !kept.contains(id)).copied().collect();
        for id in closed {
            self.conn.close(id);
        }
        if let Some(target) = target {
            self.focus(self.toplevel_of(target));
        }
    }

    /// The foremost window there.
    fn at(&self, (x, y): (i32, i32)) -> Option<WindowId> {
        let holds = |id: &&WindowId| {
            let Some(window) = self.windows.get(*id) else { return false };
            let (x, y) = self.within(**id, (x, y));
            (0..window.size.0).contains(&x) && (0..window.size.1).contains(&y)
        };
        self.stack.iter().rev().find(holds).copied()
    }

    /// A place of the desktop, from a window's corner.
    fn within(&self, id: WindowId, (x, y): (i32, i32)) -> (i32, i32) {
        let corner = self.corner(id);
        (x - corner.0, y - corner.1)
    }
}

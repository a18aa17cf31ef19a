//! Fingers on a touch screen.
//!
//! A finger belongs, from the moment it goes down to the moment it is lifted, to what it went down on. On a window that
//! knows of touch it is that window's; anywhere else (frames, the desktop, windows of AppVMs that know of no touch) the
//! first finger is the pointer with its left button, so that titles move windows and buttons work.
//!
//! Invariant: a window that goes, or loses its fingers to something else, is told that they are cancelled, and hears of
//! them no more.

use std::collections::BTreeMap;

use gui_protocol::TouchKind;
use smithay::{
    backend::input::TouchSlot,
    input::touch::{DownEvent, MotionEvent, UpEvent},
    utils::{Logical, Point, SERIAL_COUNTER},
};

use crate::{
    backend::{BackendEvent, Touch},
    focus::{Focus, GuestTarget},
    shell::{self, Hit},
    state::State,
    wire,
};

/// Fingers followed at a time: what two hands have. A device that claims more is not heard.
const MAX_FINGERS: usize = 10;
const BTN_LEFT: u32 = 0x110;

/// The fingers that are down.
#[derive(Debug, Default)]
pub struct Fingers(BTreeMap<u32, Finger>);

/// Whose a finger is.
#[derive(Debug, Clone)]
enum Finger {
    /// A window's of an AppVM that knows of touch.
    Guest(GuestTarget),
    /// That of one of dom0's own clients, which smithay keeps; last here.
    Local(Point<f64, Logical>),
    /// The pointer is where it is.
    Pointer,
    /// Nobody's: it went down while another was the pointer.
    Nobody,
}

impl State {
    pub(crate) fn touch(&mut self, touch: Touch, time: u32) {
        match touch {
            Touch::Down { slot, x, y } => self.finger_down(slot, (x, y).into(), time),
            Touch::Motion { slot, x, y } => self.finger_moved(slot, (x, y).into(), time),
            Touch::Up { slot } => self.finger_up(slot, time),
            Touch::Frame => self.finger_frame(time),
            Touch::Cancel => self.fingers_cancelled(time),
        }
        self.apply_effects();
    }

    fn finger_down(&mut self, slot: u32, at: Point<f64, Logical>, time: u32) {
        if self.fingers.0.len() >= MAX_FINGERS || self.fingers.0.contains_key(&slot) {
            return;
        }
        let place = shell_point(at);
        let hit = self.hit(place);
        let target = match hit {
            Hit::Content { id, .. } if self.shell.grabbed().is_none() => self.target_under(id, at),
            _ => None,
        };
        let finger = match target {
            Some((Focus::Surface(surface), origin)) => {
                self.touched(&hit, place);
                let event = DownEvent {
                    slot: TouchSlot::from(Some(slot)),
                    location: at,
                    serial: SERIAL_COUNTER.next_serial(),
                    time,
                };
                if let Some(touch) = self.seat.get_touch() {
                    touch.down(self, Some((surface, origin)), &event);
                }
                Finger::Local(at)
            }
            Some((Focus::Guest(guest), _)) if self.is_extended(guest.domain) => {
                self.touched(&hit, place);
                self.tell_touch(&guest, TouchKind::Down, slot, at, time);
                Finger::Guest(guest)
            }
            _ if self.pointer.buttons == 0 && !self.finger_points() => {
                self.handle_input(BackendEvent::PointerMotion { x: at.x, y: at.y, time_ms: time });
                self.press_pointer(true, time);
                Finger::Pointer
            }
            _ => Finger::Nobody,
        };
        self.fingers.0.insert(slot, finger);
    }

    /// What a press with the pointer does to windows, a finger or a tool on their content does too.
    pub(crate) fn touched(&mut self, hit: &Hit, at: shell::geom::Point) {
        self.dismiss_popups_outside(hit);
        self.shell.pointer_press(at);
        self.apply_effects();
    }

    fn finger_points(&self) -> bool {
        self.fingers.0.values().any(|finger| matches!(finger, Finger::Pointer))
    }

    fn press_pointer(&mut self, pressed: bool, time_ms: u32) {
        self.handle_input(BackendEvent::PointerButton { button: BTN_LEFT, pressed, time_ms });
    }

    fn finger_moved(&mut self, slot: u32, at: Point<f64, Logical>, time: u32) {
        match self.fingers.0.get(&slot).cloned() {
            Some(Finger::Guest(guest)) => self.tell_touch(&guest, TouchKind::Motion, slot, at, time),
            Some(Finger::Local(_)) => {
                self.fingers.0.insert(slot, Finger::Local(at));
                self.local_motion(slot, at, time);
            }
            Some(Finger::Pointer) => {
                self.handle_input(BackendEvent::PointerMotion { x: at.x, y: at.y, time_ms: time });
            }
            Some(Finger::Nobody) | None => {}
        }
    }

    fn local_motion(&mut self, slot: u32, location: Point<f64, Logical>, time: u32) {
        if let Some(touch) = self.seat.get_touch() {
            touch.motion(self, None, &MotionEvent { slot: TouchSlot::from(Some(slot)), location, time });
        }
    }

    fn finger_up(&mut self, slot: u32, time: u32) {
        match self.fingers.0.remove(&slot) {
            Some(Finger::Guest(guest)) => {
                self.tell_touch(&guest, TouchKind::Up, slot, Point::default(), time);
                self.tell_touch(&guest, TouchKind::Frame, 0, Point::default(), time);
            }
            Some(Finger::Local(_)) => {
                let serial = SERIAL_COUNTER.next_serial();
                let event = UpEvent { slot: TouchSlot::from(Some(slot)), serial, time };
                if let Some(touch) = self.seat.get_touch() {
                    touch.up(self, &event);
                }
            }
            Some(Finger::Pointer) => self.press_pointer(false, time),
            Some(Finger::Nobody) | None => {}
        }
    }

    fn finger_frame(&mut self, time: u32) {
        for guest in self.touched_guests() {
            self.tell_touch(&guest, TouchKind::Frame, 0, Point::default(), time);
        }
        if let Some(touch) = self.seat.get_touch() {
            touch.frame(self);
        }
    }

    fn fingers_cancelled(&mut self, time: u32) {
        let guests = self.touched_guests();
        let pointed = self.finger_points();
        for (slot, finger) in std::mem::take(&mut self.fingers.0) {
            if let Finger::Local(at) = finger {
                // smithay cancels only those that did something since the last frame
                self.local_motion(slot, at, time);
            }
        }
        for guest in guests {
            self.tell_touch(&guest, TouchKind::Cancel, 0, Point::default(), time);
        }
        if let Some(touch) = self.seat.get_touch() {
            touch.cancel(self);
        }
        if pointed {
            self.press_pointer(false, time);
        }
    }

    /// A window leaves the desktop: its fingers are no longer its own.
    pub(crate) fn fingers_left(&mut self, id: shell::Id) {
        let time = self.now_ms();
        if let Some(guest) = self.touched_guests().into_iter().find(|guest| guest.id == id) {
            self.tell_touch(&guest, TouchKind::Cancel, 0, Point::default(), time);
        }
        for finger in self.fingers.0.values_mut() {
            if matches!(finger, Finger::Guest(guest) if guest.id == id) {
                *finger = Finger::Nobody;
            }
        }
    }

    /// The windows of AppVMs with fingers on them, each once.
    fn touched_guests(&self) -> Vec<GuestTarget> {
        let mut guests: Vec<GuestTarget> = Vec::new();
        for finger in self.fingers.0.values() {
            if let Finger::Guest(guest) = finger
                && !guests.contains(guest)
            {
                guests.push(guest.clone());
            }
        }
        guests
    }

    fn tell_touch(
        &mut self,
        guest: &GuestTarget,
        kind: TouchKind,
        id: u32,
        at: Point<f64, Logical>,
        time_ms: u32,
    ) {
        let origin = self.shell.window(guest.id).map(|window| window.content.origin()).unwrap_or_default();
        let (x, y) = match kind {
            TouchKind::Down | TouchKind::Motion => (at.x - f64::from(origin.x), at.y - f64::from(origin.y)),
            TouchKind::Up | TouchKind::Frame | TouchKind::Cancel => (0.0, 0.0),
        };
        let touch = gui_protocol::Touch { kind, id, x: wire::fixed(x), y: wire::fixed(y), time_ms };
        self.with_link(guest.domain, |link| {
            link.touch(guest.window, touch);
        });
    }
}

pub(crate) fn shell_point(at: Point<f64, Logical>) -> shell::geom::Point {
    let (x, y) = crate::input::whole(at);
    shell::geom::Point::new(x, y)
}

//! What the daemon tells its agent.

use super::{DaemonConn, Owed};
use crate::message::DaemonMessage;
use crate::types::{ButtonInput, CrossingInput, KeyInput, Rect, WindowFlags, WindowId, clamp_geometry};

/// X's numbers for the kinds of input events.
pub(crate) mod kind {
    pub(crate) const KEY_PRESS: u32 = 2;
    pub(crate) const KEY_RELEASE: u32 = 3;
    pub(crate) const BUTTON_PRESS: u32 = 4;
    pub(crate) const BUTTON_RELEASE: u32 = 5;
    pub(crate) const ENTER: u32 = 7;
    pub(crate) const LEAVE: u32 = 8;
    pub(crate) const FOCUS_IN: u32 = 9;
    pub(crate) const FOCUS_OUT: u32 = 10;
}

/// The buttons that X has for wheels.
pub(crate) const WHEELS: core::ops::RangeInclusive<u32> = 4..=7;

impl DaemonConn {
    /// Says where a window is and how large, before level 1. Sent only if the agent has another geometry; while the agent
    /// owes an answer, the newest is kept and sent after it. Brought into the protocol's limits.
    pub fn configure(&mut self, window: WindowId, geometry: Rect) {
        if self.level() > 0 {
            return;
        }
        let Some(known) = self.seen(window) else { return };
        if let Some(geometry) = known.geometry.want(clamp_geometry(geometry)) {
            self.send_configure(window, geometry);
        }
    }

    /// A key went down or up in a window that has the focus.
    pub fn key(&mut self, window: WindowId, input: KeyInput) {
        let KeyInput { pressed, x, y, state, keycode } = input;
        let kind = if pressed { kind::KEY_PRESS } else { kind::KEY_RELEASE };
        self.send_to(window, &DaemonMessage::Keypress { kind, x, y, state, keycode });
    }

    /// A button went down or up in a window. At level 1 wheels are no buttons: [`DaemonConn::scroll`].
    pub fn button(&mut self, window: WindowId, input: ButtonInput) {
        let ButtonInput { pressed, x, y, state, button } = input;
        if self.level() > 0 && WHEELS.contains(&button) {
            return;
        }
        let kind = if pressed { kind::BUTTON_PRESS } else { kind::BUTTON_RELEASE };
        self.send_to(window, &DaemonMessage::Button { kind, x, y, state, button });
    }

    /// The pointer moved in a window, to this place in pixels from its corner. Replaces a motion in the same window
    /// that was not sent yet, if nothing came after it.
    pub fn motion(&mut self, window: WindowId, x: i32, y: i32, state: u32) {
        if let Some(version) = self.version()
            && self.seen(window).is_some()
        {
            self.outbox.push_motion(&DaemonMessage::Motion { x, y, state, is_hint: 0 }, window, version);
            self.check_pending();
        }
    }

    /// The pointer came into a window or left it. `keys` are the keys that are down, a bit for each X keycode.
    pub fn crossing(&mut self, window: WindowId, input: CrossingInput, keys: &[u8; 32]) {
        let CrossingInput { entered, x, y, state, focus } = input;
        if entered {
            self.held_keys(window, keys);
        }
        let kind = if entered { kind::ENTER } else { kind::LEAVE };
        let crossing =
            DaemonMessage::Crossing { kind, x, y, state, mode: 0, detail: 0, focus: u32::from(focus) };
        self.send_to(window, &crossing);
    }

    /// A window got or lost the keyboard focus. `keys` are the keys that are down, a bit for each X keycode.
    pub fn focus(&mut self, window: WindowId, focused: bool, keys: &[u8; 32]) {
        if focused {
            self.held_keys(window, keys);
        }
        let kind = if focused { kind::FOCUS_IN } else { kind::FOCUS_OUT };
        self.send_to(window, &DaemonMessage::Focus { kind, mode: 0, detail: 0 });
    }

    /// The user wants a window closed. The agent may ignore it.
    pub fn close(&mut self, window: WindowId) {
        self.send_to(window, &DaemonMessage::Close {});
    }

    /// A window entered and left states, before level 1. A flag in both is taken as left.
    pub fn flags(&mut self, window: WindowId, set: WindowFlags, unset: WindowFlags) {
        let (set, unset) = (set.difference(unset).bits(), unset.bits());
        self.send_to(window, &DaemonMessage::WindowFlags { set, unset });
    }

    /// The oldest unanswered buffer of a window has been mapped, or never will be: its references are free to be
    /// withdrawn. Also for a window that was destroyed since.
    pub fn buffer_done(&mut self, window: WindowId) {
        let answered = self.owed.iter_mut().find_map(|owed| match owed {
            Owed::Dump { window: dumped, done } if *dumped == window && !*done => Some(done),
            _ => None,
        });
        if let Some(done) = answered {
            *done = true;
            self.pay();
        }
    }

    /// Asks for the agent's clipboard, on the user's gesture in this window. One answer will be taken, whenever it comes:
    /// how long it is waited for is the caller's to say.
    pub fn request_clipboard(&mut self, window: WindowId) {
        if self.send_to(window, &DaemonMessage::ClipboardReq {}) {
            self.clipboard_requested = true;
        }
    }

    /// Gives the agent a clipboard, on the user's gesture in this window. Tells whether it was sent: nothing is if
    /// there are more bytes than the agent's version takes (65000 before 1.8, 256000 since).
    pub fn send_clipboard(&mut self, window: WindowId, data: &[u8]) -> bool {
        let fits = self.version().is_some_and(|version| data.len() <= version.clipboard_max());
        fits && self.send_to(window, &DaemonMessage::ClipboardData { data: data.to_vec() })
    }

    /// The desktop shows a window that the agent has not mapped, an icon in the tray; before level 1.
    pub fn map(&mut self, window: WindowId) {
        self.send_to(window, &DaemonMessage::Map { transient_for: WindowId(0), override_redirect: 0 });
    }

    fn held_keys(&mut self, window: WindowId, keys: &[u8; 32]) {
        if self.seen(window).is_some() {
            self.send(WindowId(0), &DaemonMessage::KeymapNotify { keys: *keys });
        }
    }

    /// Sends to a window that exists what the link's version has; tells whether both hold.
    pub(super) fn send_to(&mut self, window: WindowId, message: &DaemonMessage) -> bool {
        self.seen(window).is_some() && self.send(window, message)
    }
}

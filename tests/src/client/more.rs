//! What fewer tests need: pointer gestures, touch, locks, activation, icons, cursors.

use wayland_client::{
    Connection, Dispatch, QueueHandle, delegate_noop,
    protocol::{
        wl_keyboard::WlKeyboard,
        wl_region::WlRegion,
        wl_surface::WlSurface,
        wl_touch::{self, WlTouch},
    },
};
use wayland_protocols::{
    wp::{
        pointer_constraints::zv1::client::{
            zwp_confined_pointer_v1::{self, ZwpConfinedPointerV1},
            zwp_locked_pointer_v1::{self, ZwpLockedPointerV1},
            zwp_pointer_constraints_v1::{Lifetime, ZwpPointerConstraintsV1},
        },
        pointer_gestures::zv1::client::{
            zwp_pointer_gesture_hold_v1::{self, ZwpPointerGestureHoldV1},
            zwp_pointer_gesture_pinch_v1::{self, ZwpPointerGesturePinchV1},
            zwp_pointer_gesture_swipe_v1::{self, ZwpPointerGestureSwipeV1},
            zwp_pointer_gestures_v1::ZwpPointerGesturesV1,
        },
        relative_pointer::zv1::client::{
            zwp_relative_pointer_manager_v1::ZwpRelativePointerManagerV1,
            zwp_relative_pointer_v1::{self, ZwpRelativePointerV1},
        },
    },
    xdg::{
        activation::v1::client::{
            xdg_activation_token_v1::{self, XdgActivationTokenV1},
            xdg_activation_v1::XdgActivationV1,
        },
        toplevel_icon::v1::client::{
            xdg_toplevel_icon_manager_v1::XdgToplevelIconManagerV1, xdg_toplevel_icon_v1::XdgToplevelIconV1,
        },
    },
};

use super::{Buffer, Client, Inbox, Toplevel};

impl Client {
    /// Relative motion of the pointer.
    pub fn relative_pointer(&mut self) -> ZwpRelativePointerV1 {
        self.basics();
        let manager: ZwpRelativePointerManagerV1 = self.bind(1);
        manager.get_relative_pointer(self.pointer.as_ref().unwrap(), &self.handle, ())
    }

    /// Swiping, pinching and holding.
    pub fn gestures(
        &mut self,
    ) -> (ZwpPointerGestureSwipeV1, ZwpPointerGesturePinchV1, ZwpPointerGestureHoldV1) {
        self.basics();
        let gestures: ZwpPointerGesturesV1 = self.bind(3);
        let pointer = self.pointer.as_ref().unwrap();
        (
            gestures.get_swipe_gesture(pointer, &self.handle, ()),
            gestures.get_pinch_gesture(pointer, &self.handle, ()),
            gestures.get_hold_gesture(pointer, &self.handle, ()),
        )
    }

    /// The touch screen.
    pub fn touch(&mut self) -> WlTouch {
        self.basics();
        self.seat.as_ref().unwrap().get_touch(&self.handle, ())
    }

    /// Another keyboard.
    pub fn keyboard(&mut self) -> WlKeyboard {
        self.basics();
        self.seat.as_ref().unwrap().get_keyboard(&self.handle, ())
    }

    /// Wants the pointer to stand still over a surface.
    pub fn lock(
        &mut self,
        surface: &WlSurface,
        region: Option<&WlRegion>,
        life: Lifetime,
    ) -> ZwpLockedPointerV1 {
        let constraints: ZwpPointerConstraintsV1 = self.bind(1);
        constraints.lock_pointer(surface, self.pointer.as_ref().unwrap(), region, life, &self.handle, ())
    }

    /// Wants the pointer to stay in a surface.
    pub fn confine(
        &mut self,
        surface: &WlSurface,
        region: Option<&WlRegion>,
        life: Lifetime,
    ) -> ZwpConfinedPointerV1 {
        let constraints: ZwpPointerConstraintsV1 = self.bind(1);
        constraints.confine_pointer(surface, self.pointer.as_ref().unwrap(), region, life, &self.handle, ())
    }

    /// Asks for a token, by an input event's serial if given. It comes to the inbox.
    pub fn ask_for_token(&mut self, serial: Option<u32>) -> XdgActivationTokenV1 {
        let activation: XdgActivationV1 = self.bind(1);
        let token = activation.get_activation_token(&self.handle, ());
        if let Some(serial) = serial {
            token.set_serial(serial, self.seat.as_ref().unwrap());
        }
        token.commit();
        token
    }

    /// Wants a surface to the front.
    pub fn activate(&mut self, token: &str, surface: &WlSurface) {
        let activation: XdgActivationV1 = self.bind(1);
        activation.activate(token.into(), surface);
    }

    /// An icon of these buffers, not yet anyone's.
    pub fn icon(&mut self, buffers: &[&Buffer]) -> XdgToplevelIconV1 {
        let manager: XdgToplevelIconManagerV1 = self.bind(1);
        let icon = manager.create_icon(&self.handle, ());
        buffers.iter().for_each(|buffer| icon.add_buffer(&buffer.buffer, 1));
        icon
    }

    /// Makes an icon a window's, with its next commit.
    pub fn set_icon(&mut self, toplevel: &Toplevel, icon: Option<&XdgToplevelIconV1>) {
        let manager: XdgToplevelIconManagerV1 = self.bind(1);
        manager.set_icon(&toplevel.toplevel, icon);
    }

    /// Makes a surface the pointer's looks, by the last input event.
    pub fn set_cursor(&mut self, surface: Option<&WlSurface>, (hot_x, hot_y): (i32, i32)) {
        let serial = self.inbox.serial;
        self.pointer.as_ref().unwrap().set_cursor(serial, surface, hot_x, hot_y);
    }
}

/// The text of a keymap.
pub(super) fn read_keymap(fd: std::os::fd::OwnedFd, size: u32) -> String {
    use std::os::unix::fs::FileExt;
    let file = std::fs::File::from(fd);
    let mut bytes = vec![0; size as usize];
    let mut read = 0;
    while let Ok(more @ 1..) = file.read_at(&mut bytes[read..], read as u64) {
        read += more;
    }
    bytes.truncate(read);
    String::from_utf8(bytes).unwrap().trim_end_matches('\0').into()
}

take_in!(ZwpRelativePointerV1, zwp_relative_pointer_v1::Event, |inbox, _pointer, event| {
    if let zwp_relative_pointer_v1::Event::RelativeMotion { dx, dy, dx_unaccel, dy_unaccel, .. } = event {
        inbox.input.push(format!("relative {dx} {dy} raw {dx_unaccel} {dy_unaccel}"));
    }
});
take_in!(ZwpPointerGestureSwipeV1, zwp_pointer_gesture_swipe_v1::Event, |inbox, _gesture, event| {
    use zwp_pointer_gesture_swipe_v1::Event;
    inbox.input.push(match event {
        Event::Begin { fingers, .. } => format!("swipe of {fingers}"),
        Event::Update { dx, dy, .. } => format!("swipe {dx} {dy}"),
        Event::End { cancelled, .. } => format!("swipe over {cancelled}"),
        _ => return,
    });
});
take_in!(ZwpPointerGesturePinchV1, zwp_pointer_gesture_pinch_v1::Event, |inbox, _gesture, event| {
    use zwp_pointer_gesture_pinch_v1::Event;
    inbox.input.push(match event {
        Event::Begin { fingers, .. } => format!("pinch of {fingers}"),
        Event::Update { dx, dy, scale, rotation, .. } => {
            format!("pinch {dx} {dy} by {scale} turned {rotation}")
        }
        Event::End { cancelled, .. } => format!("pinch over {cancelled}"),
        _ => return,
    });
});
take_in!(ZwpPointerGestureHoldV1, zwp_pointer_gesture_hold_v1::Event, |inbox, _gesture, event| {
    use zwp_pointer_gesture_hold_v1::Event;
    inbox.input.push(match event {
        Event::Begin { fingers, .. } => format!("hold of {fingers}"),
        Event::End { cancelled, .. } => format!("hold over {cancelled}"),
        _ => return,
    });
});
take_in!(WlTouch, wl_touch::Event, |inbox, _touch, event| {
    inbox.input.push(match event {
        wl_touch::Event::Down { serial, id, x, y, .. } => {
            inbox.serial = serial;
            format!("finger {id} down {x} {y}")
        }
        wl_touch::Event::Motion { id, x, y, .. } => format!("finger {id} {x} {y}"),
        wl_touch::Event::Up { id, .. } => format!("finger {id} up"),
        wl_touch::Event::Frame => "fingers".into(),
        wl_touch::Event::Cancel => "fingers cancelled".into(),
        _ => return,
    });
});
take_in!(ZwpLockedPointerV1, zwp_locked_pointer_v1::Event, |inbox, _lock, event| {
    inbox.input.push(match event {
        zwp_locked_pointer_v1::Event::Locked => "locked".into(),
        zwp_locked_pointer_v1::Event::Unlocked => "unlocked".into(),
        _ => return,
    });
});
take_in!(ZwpConfinedPointerV1, zwp_confined_pointer_v1::Event, |inbox, _confinement, event| {
    inbox.input.push(match event {
        zwp_confined_pointer_v1::Event::Confined => "confined".into(),
        zwp_confined_pointer_v1::Event::Unconfined => "unconfined".into(),
        _ => return,
    });
});
take_in!(XdgActivationTokenV1, xdg_activation_token_v1::Event, |inbox, _token, event| {
    if let xdg_activation_token_v1::Event::Done { token } = event {
        inbox.tokens.push(token);
    }
});

delegate_noop!(Inbox: ZwpRelativePointerManagerV1);
delegate_noop!(Inbox: ZwpPointerGesturesV1);
delegate_noop!(Inbox: ZwpPointerConstraintsV1);
delegate_noop!(Inbox: XdgActivationV1);
delegate_noop!(Inbox: ignore XdgToplevelIconManagerV1);
delegate_noop!(Inbox: XdgToplevelIconV1);

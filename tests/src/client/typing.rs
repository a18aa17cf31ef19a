//! Text fields, and the input method that writes into them.

use std::{io::Write as _, os::fd::AsFd as _};

use wayland_client::{
    Connection, Dispatch, QueueHandle, WEnum, delegate_noop,
    protocol::{wl_keyboard::KeyState, wl_surface::WlSurface},
};
use wayland_protocols::{
    ext::data_control::v1::client::ext_data_control_manager_v1::ExtDataControlManagerV1,
    wp::text_input::zv3::client::{
        zwp_text_input_manager_v3::ZwpTextInputManagerV3,
        zwp_text_input_v3::{self, ZwpTextInputV3},
    },
};
use wayland_protocols_misc::{
    zwp_input_method_v2::client::{
        zwp_input_method_keyboard_grab_v2::{self, ZwpInputMethodKeyboardGrabV2},
        zwp_input_method_manager_v2::ZwpInputMethodManagerV2,
        zwp_input_method_v2::{self, ZwpInputMethodV2},
        zwp_input_popup_surface_v2::{self, ZwpInputPopupSurfaceV2},
    },
    zwp_virtual_keyboard_v1::client::{
        zwp_virtual_keyboard_manager_v1::ZwpVirtualKeyboardManagerV1,
        zwp_virtual_keyboard_v1::ZwpVirtualKeyboardV1,
    },
};
use wayland_protocols_wlr::data_control::v1::client::{
    zwlr_data_control_device_v1::{self, ZwlrDataControlDeviceV1},
    zwlr_data_control_manager_v1::ZwlrDataControlManagerV1,
    zwlr_data_control_offer_v1::{self, ZwlrDataControlOfferV1},
};

use super::{Client, Inbox, more};

impl Client {
    /// Names of all globals, sorted.
    pub fn globals(&self) -> Vec<&str> {
        let mut names: Vec<_> = self.inbox.globals.keys().map(String::as_str).collect();
        names.sort_unstable();
        names
    }

    /// A text field.
    pub fn text_input(&mut self) -> ZwpTextInputV3 {
        self.basics();
        let manager: ZwpTextInputManagerV3 = self.bind(1);
        manager.get_text_input(self.seat.as_ref().unwrap(), &self.handle, ())
    }

    /// Writes for others.
    pub fn input_method(&mut self) -> ZwpInputMethodV2 {
        self.basics();
        let manager: ZwpInputMethodManagerV2 = self.bind(1);
        manager.get_input_method(self.seat.as_ref().unwrap(), &self.handle, ())
    }

    /// Gets the keys in place of the text field.
    pub fn grab_keyboard(&mut self, method: &ZwpInputMethodV2) -> ZwpInputMethodKeyboardGrabV2 {
        method.grab_keyboard(&self.handle, ())
    }

    /// A surface at the text cursor.
    pub fn input_popup(&mut self, method: &ZwpInputMethodV2, surface: &WlSurface) -> ZwpInputPopupSurfaceV2 {
        method.get_input_popup_surface(surface, &self.handle, ())
    }

    /// A keyboard to type with, or to give keys back by.
    pub fn virtual_keyboard(&mut self) -> ZwpVirtualKeyboardV1 {
        self.basics();
        let manager: ZwpVirtualKeyboardManagerV1 = self.bind(1);
        manager.create_virtual_keyboard(self.seat.as_ref().unwrap(), &self.handle, ())
    }

    /// Tells a virtual keyboard's keymap.
    pub fn tell_keymap(&mut self, keyboard: &ZwpVirtualKeyboardV1, text: &str) {
        let mut file = tempfile::tempfile().unwrap();
        write!(file, "{text}\0").unwrap();
        keyboard.keymap(1, file.as_fd(), u32::try_from(text.len() + 1).unwrap());
    }

    /// Sees the clipboard whoever has the keyboard.
    pub fn data_control(&mut self) -> ZwlrDataControlDeviceV1 {
        self.basics();
        let _ext: ExtDataControlManagerV1 = self.bind(1);
        let manager: ZwlrDataControlManagerV1 = self.bind(2);
        manager.get_data_device(self.seat.as_ref().unwrap(), &self.handle, ())
    }
}

fn pressed(state: WEnum<KeyState>) -> &'static str {
    if state == WEnum::Value(KeyState::Pressed) { "down" } else { "up" }
}

take_in!(ZwpTextInputV3, zwp_text_input_v3::Event, |inbox, _input, event| {
    use zwp_text_input_v3::Event;
    inbox.input.push(match event {
        Event::Enter { .. } => "text in".into(),
        Event::Leave { .. } => "text out".into(),
        Event::PreeditString { text, cursor_begin, cursor_end } => {
            format!("preedit {} {cursor_begin} {cursor_end}", text.unwrap_or_default())
        }
        Event::CommitString { text } => format!("text {}", text.unwrap_or_default()),
        Event::DeleteSurroundingText { before_length, after_length } => {
            format!("delete {before_length} {after_length}")
        }
        Event::Done { serial } => format!("done {serial}"),
        _ => return,
    });
});
take_in!(ZwpInputMethodV2, zwp_input_method_v2::Event, |inbox, _method, event| {
    use zwp_input_method_v2::Event;
    inbox.input.push(match event {
        Event::Activate => "activate".into(),
        Event::Deactivate => "deactivate".into(),
        Event::SurroundingText { text, cursor, anchor } => format!("around {text} {cursor} {anchor}"),
        Event::TextChangeCause { cause } => format!("cause {}", u32::from(cause)),
        Event::ContentType { hint, purpose } => {
            format!("content {} {}", u32::from(hint), u32::from(purpose))
        }
        Event::Done => "done".into(),
        Event::Unavailable => "unavailable".into(),
        _ => return,
    });
});
take_in!(ZwpInputMethodKeyboardGrabV2, zwp_input_method_keyboard_grab_v2::Event, |inbox, _grab, event| {
    use zwp_input_method_keyboard_grab_v2::Event;
    match event {
        Event::Keymap { fd, size, .. } => inbox.keymap = more::read_keymap(fd, size),
        Event::Key { key, state, .. } => inbox.input.push(format!("grabbed {key} {}", pressed(state))),
        Event::Modifiers { mods_depressed, .. } => {
            inbox.input.push(format!("grabbed modifiers {mods_depressed:#x}"));
        }
        _ => {}
    }
});
take_in!(ZwpInputPopupSurfaceV2, zwp_input_popup_surface_v2::Event, |inbox, _popup, event| {
    if let zwp_input_popup_surface_v2::Event::TextInputRectangle { x, y, width, height } = event {
        inbox.input.push(format!("cursor {x} {y} {width} {height}"));
    }
});
impl Dispatch<ZwlrDataControlDeviceV1, ()> for Inbox {
    fn event(
        inbox: &mut Self,
        _: &ZwlrDataControlDeviceV1,
        event: zwlr_data_control_device_v1::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let zwlr_data_control_device_v1::Event::Selection { id } = event {
            inbox.input.push(if id.is_some() { "clipboard" } else { "no clipboard" }.into());
        }
    }

    wayland_client::event_created_child!(Inbox, ZwlrDataControlDeviceV1, [
        zwlr_data_control_device_v1::EVT_DATA_OFFER_OPCODE => (ZwlrDataControlOfferV1, ()),
    ]);
}
take_in!(ZwlrDataControlOfferV1, zwlr_data_control_offer_v1::Event, |inbox, _offer, event| {
    if let zwlr_data_control_offer_v1::Event::Offer { mime_type } = event {
        inbox.input.push(format!("offered {mime_type}"));
    }
});

delegate_noop!(Inbox: ZwpTextInputManagerV3);
delegate_noop!(Inbox: ZwpInputMethodManagerV2);
delegate_noop!(Inbox: ZwpVirtualKeyboardManagerV1);
delegate_noop!(Inbox: ZwpVirtualKeyboardV1);
delegate_noop!(Inbox: ExtDataControlManagerV1);
delegate_noop!(Inbox: ZwlrDataControlManagerV1);

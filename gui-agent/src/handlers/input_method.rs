//! The program that writes text for others, `zwp_input_method_v2` and `zwp_virtual_keyboard_v1`.
//!
//! It sees all that is typed into the text fields of this domain, so these protocols are shown to one program only: the
//! one that the agent was told to start as its input method, see [`crate::privilege`]. While a text field is active and
//! the program has grabbed the keyboard, keys go to it; those that it does not use it gives back by its virtual keyboard,
//! and they go on to the window that has the keyboard, under the keymap that holds there anyway. They come back later
//! than they were typed, so meanwhile it is the program that says which modifiers the window is told.

use std::{
    collections::BTreeSet,
    io::{self, Write as _},
    os::fd::AsFd as _,
    sync::atomic::{AtomicBool, Ordering},
};

use rustix::fs::{MemfdFlags, memfd_create};
use smithay::{
    backend::input::{KeyState, Keycode},
    input::keyboard::{SerializedMods, xkb},
    reexports::{
        wayland_protocols_misc::{
            zwp_input_method_v2::server::{
                zwp_input_method_keyboard_grab_v2::{self, ZwpInputMethodKeyboardGrabV2},
                zwp_input_method_manager_v2::{self, ZwpInputMethodManagerV2},
                zwp_input_method_v2::{self, ZwpInputMethodV2},
            },
            zwp_virtual_keyboard_v1::server::{
                zwp_virtual_keyboard_manager_v1::{self, ZwpVirtualKeyboardManagerV1},
                zwp_virtual_keyboard_v1::{self, ZwpVirtualKeyboardV1},
            },
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource,
            backend::ClientId,
            protocol::wl_keyboard::{KeyState as WlKeyState, KeymapFormat},
        },
    },
    utils::{SERIAL_COUNTER, Serial},
    wayland::compositor::give_role,
};
use tracing::{debug, warn};

use super::{
    input_popup::{InputPopup, ROLE},
    text_input::{Field, commits_of},
};
use crate::{
    input::KEYCODES,
    privilege::{Privilege, has_privilege},
    state::State,
};

/// The input method, if it is running.
#[derive(Debug, Default)]
pub(crate) struct Method {
    object: Option<ZwpInputMethodV2>,
    grab: Option<ZwpInputMethodKeyboardGrabV2>,
    /// `done` events so far, and how many there were when the text field that is active became so.
    done: u32,
    since: u32,
    /// What it has said since its last commit.
    draft: Draft,
    /// Keys that went down for it: they come up for it.
    held: BTreeSet<u32>,
    /// By which it gives keys back. It has told a keymap.
    keyboard: Option<ZwpVirtualKeyboardV1>,
    /// Set while it gives a key back.
    gives_back: bool,
}

#[derive(Debug, Default)]
struct Draft {
    commit: Option<String>,
    preedit: Option<(String, i32, i32)>,
    delete: Option<(u32, u32)>,
}

impl Method {
    /// Has what was told so far taken as a whole.
    fn done(&mut self) {
        if let Some(object) = &self.object {
            object.done();
            self.done = self.done.wrapping_add(1);
        }
    }

    fn tell(&self, field: &Field) {
        let Some(object) = &self.object else { return };
        if let Some((text, cursor, anchor)) = &field.surrounding {
            object.surrounding_text(text.clone(), *cursor, *anchor);
        }
        if let Some(cause) = field.cause {
            object.text_change_cause(cause);
        }
        if let Some((hint, purpose)) = field.content {
            object.content_type(hint, purpose);
        }
    }
}

impl State {
    /// Makes the input method's protocols known to the program that is it.
    pub(crate) fn offer_input_method(display: &DisplayHandle) {
        display.create_global::<Self, ZwpInputMethodManagerV2, _>(1, ());
        display.create_global::<Self, ZwpVirtualKeyboardManagerV1, _>(1, ());
    }

    /// A text field wants to be written into.
    pub(super) fn method_activated(&mut self) {
        if let Some(object) = &self.method.object {
            object.activate();
            self.method.tell(&self.text.told);
            self.method.done();
            self.method.since = self.method.done;
        }
        self.update_input_popups();
    }

    /// No text field is there any more to be written into.
    pub(super) fn method_deactivated(&mut self) {
        if let Some(object) = &self.method.object {
            object.deactivate();
            self.method.done();
        }
        self.update_input_popups();
    }

    /// The text field that is active has told more of itself.
    pub(super) fn tell_method(&mut self, field: &Field) {
        self.method.tell(field);
        if field.rectangle.is_some() {
            self.update_input_popups();
        }
        self.method.done();
    }

    /// Writes what the input method has drafted, if that is for the text field that is active now.
    fn method_commits(&mut self, serial: u32) {
        let Draft { commit, preedit, delete } = std::mem::take(&mut self.method.draft);
        let Some(input) = &self.text.active else { return };
        let age = |of: u32| self.method.done.wrapping_sub(of);
        if age(serial) > age(self.method.since) {
            // written for another
            return;
        }
        if let Some((text, begin, end)) = preedit {
            input.preedit_string(Some(text), begin, end);
        }
        if let Some((before, after)) = delete {
            input.delete_surrounding_text(before, after);
        }
        if commit.is_some() {
            input.commit_string(commit);
        }
        input.done(commits_of(input));
    }

    /// Whether a key is the input method's, which has got it then.
    pub(crate) fn method_takes(&mut self, code: u32, pressed: bool, serial: Serial, time: u32) -> bool {
        let method = &mut self.method;
        if method.gives_back {
            return false;
        }
        let takes = match pressed {
            true => self.text.active.is_some() && method.grab.is_some() && method.held.insert(code),
            false => method.held.remove(&code),
        };
        if let Some(grab) = method.grab.as_ref().filter(|_| takes) {
            let state = if pressed { WlKeyState::Pressed } else { WlKeyState::Released };
            grab.key(serial.into(), time, code, state);
        }
        takes
    }

    /// Whether modifiers come to the window by the input method, in order with the keys that it gives back.
    pub(crate) fn method_tells_modifiers(&self) -> bool {
        self.text.active.is_some() && self.method.grab.is_some() && self.method.keyboard.is_some()
    }

    /// Makes a change after which modifiers may come to the window by themselves again.
    pub(super) fn change_method(&mut self, change: impl FnOnce(&mut Self)) {
        let told = self.method_tells_modifiers();
        change(self);
        if told && !self.method_tells_modifiers() {
            self.tell_these_modifiers(self.held_modifiers());
        }
    }

    /// The input method hears of modifiers too.
    pub(crate) fn method_hears(&self, modifiers: SerializedMods, serial: Serial) {
        if let Some(grab) = &self.method.grab {
            let SerializedMods { depressed, latched, locked, layout_effective } = modifiers;
            grab.modifiers(serial.into(), depressed, latched, locked, layout_effective);
        }
    }

    /// The keymap is another.
    pub(crate) fn tell_method_keymap(&self) {
        if let Some(grab) = &self.method.grab
            && let Err(error) = self.send_keymap(grab)
        {
            warn!("the input method cannot be told the keymap: {error}");
        }
    }

    fn send_keymap(&self, grab: &ZwpInputMethodKeyboardGrabV2) -> io::Result<()> {
        let mut text = self.keyboard.keymap().map_or_else(own_keymap, str::to_owned);
        text.push('\0');
        let size = u32::try_from(text.len()).map_err(io::Error::other)?;
        let mut file = std::fs::File::from(memfd_create("keymap", MemfdFlags::CLOEXEC)?);
        file.write_all(text.as_bytes())?;
        grab.keymap(KeymapFormat::XkbV1, file.as_fd(), size);
        Ok(())
    }

    fn grab_keyboard(&mut self, grab: ZwpInputMethodKeyboardGrabV2) {
        // keys repeat over the wire
        grab.repeat_info(0, 0);
        self.method.grab = Some(grab);
        self.tell_method_keymap();
        self.method_hears(self.held_modifiers(), SERIAL_COUNTER.next_serial());
    }

    /// A key that the input method does not use.
    fn key_given_back(&mut self, key: u32, pressed: bool) {
        let code = key.saturating_add(*KEYCODES.start());
        let Some(keyboard) = self.seat.get_keyboard().filter(|_| KEYCODES.contains(&code)) else { return };
        let state = if pressed { KeyState::Pressed } else { KeyState::Released };
        self.method.gives_back = true;
        let (serial, time) = (SERIAL_COUNTER.next_serial(), self.frames.millis());
        keyboard.input_forward(self, Keycode::from(code), state, serial, time, false);
        self.method.gives_back = false;
    }
}

/// The keymap that smithay makes of `XKB_DEFAULT_*`.
fn own_keymap() -> String {
    let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
    let flags = xkb::KEYMAP_COMPILE_NO_FLAGS;
    let keymap = xkb::Keymap::new_from_names(&context, "", "", "", "", None, flags);
    keymap.map_or_else(String::new, |keymap| keymap.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1))
}

impl GlobalDispatch<ZwpInputMethodManagerV2, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        manager: New<ZwpInputMethodManagerV2>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(manager, ());
    }

    fn can_view(client: Client, (): &()) -> bool {
        has_privilege(&client, Privilege::InputMethod)
    }
}

impl Dispatch<ZwpInputMethodManagerV2, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        _: &ZwpInputMethodManagerV2,
        request: zwp_input_method_manager_v2::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let zwp_input_method_manager_v2::Request::GetInputMethod { input_method, .. } = request else {
            return;
        };
        let object = init.init(input_method, ());
        if state.method.object.is_some() {
            return object.unavailable();
        }
        state.method.object = Some(object);
        if state.text.active.is_some() {
            state.method_activated();
        }
    }
}

impl Dispatch<ZwpInputMethodV2, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        object: &ZwpInputMethodV2,
        request: zwp_input_method_v2::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        use zwp_input_method_v2::Request;
        let is_the_one = state.method.object.as_ref() == Some(object);
        let draft = &mut state.method.draft;
        match request {
            Request::GetInputPopupSurface { id, surface } => {
                let popup = init.init(id, InputPopup(surface.clone()));
                if give_role(&surface, ROLE).is_err() || state.input_popups.has(&surface) {
                    // the number of its error `role`
                    return object.post_error(0u32, "the surface has a role");
                }
                if is_the_one {
                    state.input_popups.add(popup);
                }
            }
            Request::GrabKeyboard { keyboard } => {
                let grab = init.init(keyboard, ());
                if is_the_one {
                    state.grab_keyboard(grab);
                }
            }
            Request::CommitString { text } if is_the_one => draft.commit = Some(text),
            Request::SetPreeditString { text, cursor_begin, cursor_end } if is_the_one => {
                draft.preedit = Some((text, cursor_begin, cursor_end));
            }
            Request::DeleteSurroundingText { before_length, after_length } if is_the_one => {
                draft.delete = Some((before_length, after_length));
            }
            Request::Commit { serial } if is_the_one => state.method_commits(serial),
            _ => debug!("an input method that is not the one wants to write"),
        }
    }

    fn destroyed(state: &mut Self, _: ClientId, object: &ZwpInputMethodV2, (): &()) {
        if state.method.object.as_ref() == Some(object) {
            state.change_method(|state| {
                let keyboard = state.method.keyboard.take();
                state.method = Method { keyboard, ..Method::default() };
            });
            state.update_input_popups();
        }
    }
}

impl Dispatch<ZwpInputMethodKeyboardGrabV2, ()> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &ZwpInputMethodKeyboardGrabV2,
        _: zwp_input_method_keyboard_grab_v2::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
    }

    fn destroyed(state: &mut Self, _: ClientId, grab: &ZwpInputMethodKeyboardGrabV2, (): &()) {
        state.change_method(|state| drop(state.method.grab.take_if(|held| held == grab)));
    }
}

/// A virtual keyboard: whether its client has told the keymap that it has to begin with.
#[derive(Debug, Default)]
pub(crate) struct VirtualKeyboard(AtomicBool);

impl GlobalDispatch<ZwpVirtualKeyboardManagerV1, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        manager: New<ZwpVirtualKeyboardManagerV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(manager, ());
    }

    fn can_view(client: Client, (): &()) -> bool {
        has_privilege(&client, Privilege::InputMethod)
    }
}

impl Dispatch<ZwpVirtualKeyboardManagerV1, ()> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &ZwpVirtualKeyboardManagerV1,
        request: zwp_virtual_keyboard_manager_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        if let zwp_virtual_keyboard_manager_v1::Request::CreateVirtualKeyboard { id, .. } = request {
            init.init(id, VirtualKeyboard::default());
        }
    }
}

impl Dispatch<ZwpVirtualKeyboardV1, VirtualKeyboard> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        keyboard: &ZwpVirtualKeyboardV1,
        request: zwp_virtual_keyboard_v1::Request,
        data: &VirtualKeyboard,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        use zwp_virtual_keyboard_v1::{Error, Request};
        match request {
            Request::Keymap { .. } => {
                data.0.store(true, Ordering::Relaxed);
                state.method.keyboard = Some(keyboard.clone());
            }
            Request::Key { .. } | Request::Modifiers { .. } if !data.0.load(Ordering::Relaxed) => {
                keyboard.post_error(Error::NoKeymap, "a virtual keyboard needs a keymap first");
            }
            Request::Key { key, state: pressed, .. } => state.key_given_back(key, pressed > 0),
            Request::Modifiers { mods_depressed, mods_latched, mods_locked, group }
                if state.method_tells_modifiers() =>
            {
                state.tell_these_modifiers(SerializedMods {
                    depressed: mods_depressed,
                    latched: mods_latched,
                    locked: mods_locked,
                    layout_effective: group,
                });
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut Self, _: ClientId, keyboard: &ZwpVirtualKeyboardV1, _: &VirtualKeyboard) {
        state.change_method(|state| drop(state.method.keyboard.take_if(|held| held == keyboard)));
    }
}

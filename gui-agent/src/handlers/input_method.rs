//! The program that writes text for others, `zwp_input_method_v2`.
//!
//! It sees all that is typed into the text fields of this domain, so the protocol is shown to no program but those that the
//! agent was told to start as input methods, see [`crate::privilege`], and served to the first of them. While a text field
//! is active and the program has grabbed the keyboard, keys go to it; those that it does not use it gives back by its
//! virtual keyboard ([`super::virtual_keyboard`]). They come back later than they were typed, so meanwhile it is the
//! program that says which modifiers the window is told.

use std::{collections::BTreeSet, os::fd::AsFd as _};

use smithay::{
    input::keyboard::SerializedMods,
    reexports::{
        wayland_protocols_misc::zwp_input_method_v2::server::{
            zwp_input_method_keyboard_grab_v2::{self, ZwpInputMethodKeyboardGrabV2},
            zwp_input_method_manager_v2::{self, ZwpInputMethodManagerV2},
            zwp_input_method_v2::{self, ZwpInputMethodV2},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource,
            backend::{ClientId, ObjectId},
            protocol::wl_keyboard::{KeyState, KeymapFormat},
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
    keymap::keymap_file,
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
    /// Makes the input method's protocol known to the program that is it.
    pub(crate) fn offer_input_method(display: &DisplayHandle) {
        display.create_global::<Self, ZwpInputMethodManagerV2, _>(1, ());
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
        let takes = match pressed {
            true => self.text.active.is_some() && method.grab.is_some() && method.held.insert(code),
            false => method.held.remove(&code),
        };
        if let Some(grab) = method.grab.as_ref().filter(|_| takes) {
            let state = if pressed { KeyState::Pressed } else { KeyState::Released };
            grab.key(serial.into(), time, code, state);
        }
        takes
    }

    /// Whether modifiers come to the window by the input method, in order with the keys that it gives back.
    pub(crate) fn method_tells_modifiers(&self) -> bool {
        let gives_back = |grab| self.virtual_keyboards.has_one_of(grab);
        self.text.active.is_some() && self.method.grab.as_ref().is_some_and(gives_back)
    }

    /// Whether something is the input method's own.
    pub(super) fn is_the_methods(&self, id: &ObjectId) -> bool {
        self.method.object.as_ref().is_some_and(|object| object.id().same_client_as(id))
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
        let Some(grab) = &self.method.grab else { return };
        match keymap_file(&self.seats_keymap()) {
            Ok((file, size)) => grab.keymap(KeymapFormat::XkbV1, file.as_fd(), size),
            Err(error) => warn!("the input method cannot be told the keymap: {error}"),
        }
    }

    fn grab_keyboard(&mut self, grab: ZwpInputMethodKeyboardGrabV2) {
        // keys repeat over the wire
        grab.repeat_info(0, 0);
        self.method.grab = Some(grab);
        self.tell_method_keymap();
        self.method_hears(self.held_modifiers(), SERIAL_COUNTER.next_serial());
    }
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
            state.change_method(|state| state.method = Method::default());
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

//! Keyboards that are programs, `zwp_virtual_keyboard_v1`: on-screen keyboards, programs that type a text, and the input
//! method where it gives back keys that it does not use. Only programs started as input methods see the protocol, see
//! [`crate::privilege`].
//!
//! A virtual keyboard has a keymap and modifiers of its own, so the window that has the keyboard is told which hold
//! whenever somebody else types than before. Every other client has the seat's keymap: what a window was told is taken
//! back when it loses the keyboard. A key comes up where it went down, or nowhere.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    io,
    ops::RangeInclusive,
    os::{
        fd::{AsFd as _, OwnedFd},
        unix::fs::FileExt as _,
    },
    rc::Rc,
};

use gui_protocol::limits::MAX_KEYMAP;
use smithay::{
    input::keyboard::{KeyboardTarget as _, ModifiersState, SerializedMods, xkb},
    reexports::{
        wayland_protocols_misc::zwp_virtual_keyboard_v1::server::{
            zwp_virtual_keyboard_manager_v1::{self, ZwpVirtualKeyboardManagerV1},
            zwp_virtual_keyboard_v1::{self, ZwpVirtualKeyboardV1},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource,
            backend::{ClientId, ObjectId},
            protocol::{
                wl_keyboard::{KeyState, KeymapFormat, WlKeyboard},
                wl_surface::WlSurface,
            },
        },
    },
    utils::SERIAL_COUNTER,
};
use tracing::{debug, warn};

use crate::{
    keymap::keymap_file,
    privilege::{Privilege, has_privilege},
    state::State,
};

/// Bytes of a keymap's file: as large a keymap as the GUI domain's, which comes back from input methods, and a NUL.
const MAX_FILE: u32 = MAX_KEYMAP + 1;

/// What XKB's numbers of keys are more than the kernel's, which Wayland has.
const XKB_OFFSET: u32 = 8;

/// The highest key that is passed on. The kernel's go to 767, and who makes up a keymap for a text takes one for each
/// letter.
const MAX_KEY: u32 = 4095;

/// Keys that one keyboard can hold down at a time.
const MAX_HELD: usize = 256;

/// All virtual keyboards, and what the window that has the keyboard knows of them.
#[derive(Debug, Default)]
pub(crate) struct VirtualKeyboards {
    /// Those that have told their keymap.
    ready: HashMap<ObjectId, VirtualKeyboard>,
    /// What that window was told last.
    told: Voice,
    /// The modifiers that hold on the seat.
    seat: SerializedMods,
}

#[derive(Debug)]
struct VirtualKeyboard {
    voice: Voice,
    /// The keys of its keymap, in the kernel's numbers.
    keys: RangeInclusive<u32>,
    held: BTreeSet<u32>,
}

/// What a key means.
#[derive(Debug, Clone, Default, PartialEq)]
struct Voice {
    /// None for the seat's, whichever that is.
    keymap: Option<Rc<str>>,
    modifiers: SerializedMods,
}

/// Why a keymap is none.
#[derive(Debug, thiserror::Error)]
enum BadKeymap {
    #[error("a keymap of format {0}, which is not 1")]
    Format(u32),
    #[error("a keymap of {0} bytes, where 1 to {max} can be", max = MAX_FILE)]
    Size(u32),
    #[error("a keymap that is not in a file or in memory")]
    NotAFile,
    #[error("a keymap that cannot be read: {0}")]
    Unreadable(#[from] io::Error),
    #[error("a keymap that does not say one")]
    Meaningless,
}

/// The text of a keymap in a client's file. Nothing of the file is mapped: its owner could take it away meanwhile.
fn read(format: u32, fd: OwnedFd, size: u32) -> Result<String, BadKeymap> {
    if format != u32::from(KeymapFormat::XkbV1) {
        return Err(BadKeymap::Format(format));
    }
    let fits = (1..=MAX_FILE).contains(&size);
    let length = usize::try_from(size).ok().filter(|_| fits).ok_or(BadKeymap::Size(size))?;
    let file = File::from(fd);
    if !file.metadata()?.is_file() {
        // to read something else could take for ever
        return Err(BadKeymap::NotAFile);
    }
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
        bytes.truncate(end);
    }
    String::from_utf8(bytes).map_err(|_| BadKeymap::Meaningless)
}

impl VirtualKeyboard {
    /// One with the seat's keymap.
    fn like_the_seat() -> Self {
        Self { voice: Voice::default(), keys: 0..=MAX_KEY, held: BTreeSet::new() }
    }

    fn with_keymap(text: String) -> Result<Self, BadKeymap> {
        let mut context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
        // what it has to say of a client's text is nothing for the log
        context.set_log_level(xkb::LogLevel::Critical);
        let flags = xkb::KEYMAP_COMPILE_NO_FLAGS;
        let keymap = xkb::Keymap::new_from_string(&context, text, xkb::KEYMAP_FORMAT_TEXT_V1, flags)
            .ok_or(BadKeymap::Meaningless)?;
        let key = |code: xkb::Keycode| code.raw().saturating_sub(XKB_OFFSET);
        Ok(Self {
            keys: key(keymap.min_keycode())..=key(keymap.max_keycode()).min(MAX_KEY),
            voice: Voice {
                // as it was understood, without anything left to look up
                keymap: Some(keymap.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1).into()),
                modifiers: SerializedMods::default(),
            },
            held: BTreeSet::new(),
        })
    }
}

impl VirtualKeyboards {
    /// Whether the client of an object has one.
    pub(super) fn has_one_of(&self, object: &impl Resource) -> bool {
        self.ready.keys().any(|keyboard| keyboard.same_client_as(&object.id()))
    }

    /// What the GUI domain, or without it the agent, takes for held.
    pub(crate) fn seat_has(&mut self, modifiers: SerializedMods) {
        self.seat = modifiers;
    }
}

impl State {
    /// Makes virtual keyboards known to those that may have one.
    pub(crate) fn offer_virtual_keyboards(display: &DisplayHandle) {
        display.create_global::<Self, ZwpVirtualKeyboardManagerV1, _>(1, ());
    }

    /// The window that has the keyboard is told these modifiers.
    pub(crate) fn tell_window_modifiers(&mut self, window: &WlSurface, serialized: SerializedMods) {
        self.virtual_keyboards.told.modifiers = serialized;
        let (seat, modifiers) = (self.seat.clone(), ModifiersState { serialized, ..Default::default() });
        window.modifiers(&seat, self, modifiers, SERIAL_COUNTER.next_serial());
    }

    /// The seat's keymap is the one of the window that has the keyboard, if it was not already.
    pub(crate) fn tell_window_seats_keymap(&mut self, window: &WlSurface) {
        self.tell_window_keymap(window, None);
    }

    /// The seat types: the window that has the keyboard knows what its keys mean.
    pub(crate) fn seat_types(&mut self, window: &WlSurface) {
        let voice = Voice { keymap: None, modifiers: self.virtual_keyboards.seat };
        self.types(window, voice);
    }

    /// A window that has the keyboard no more: it has the seat's keymap again, and forgets what was held.
    pub(crate) fn virtual_keyboards_leave(&mut self, window: &WlSurface) {
        self.tell_window_seats_keymap(window);
        self.virtual_keyboards.ready.values_mut().for_each(|keyboard| keyboard.held.clear());
    }

    fn types(&mut self, window: &WlSurface, voice: Voice) {
        let changed = self.tell_window_keymap(window, voice.keymap);
        if changed || self.virtual_keyboards.told.modifiers != voice.modifiers {
            self.tell_window_modifiers(window, voice.modifiers);
        }
    }

    /// Returns whether it had another.
    fn tell_window_keymap(&mut self, window: &WlSurface, keymap: Option<Rc<str>>) -> bool {
        if self.virtual_keyboards.told.keymap == keymap {
            return false;
        }
        for keyboard in self.keyboards_of(window) {
            let file = match &keymap {
                Some(text) => keymap_file(text),
                None => keymap_file(&self.seats_keymap()),
            };
            match file {
                Ok((file, size)) => keyboard.keymap(KeymapFormat::XkbV1, file.as_fd(), size),
                Err(error) => warn!("an application cannot be told a keymap: {error}"),
            }
        }
        self.virtual_keyboards.told.keymap = keymap;
        true
    }

    /// The keyboards of a window's client.
    fn keyboards_of(&self, window: &WlSurface) -> Vec<WlKeyboard> {
        let (Some(keyboard), Some(client)) = (self.seat.get_keyboard(), window.client()) else {
            return Vec::new();
        };
        keyboard.client_keyboards(&client).collect()
    }

    fn set_virtual_keymap(
        &mut self,
        id: ObjectId,
        (format, fd, size): (u32, OwnedFd, u32),
    ) -> Result<(), BadKeymap> {
        let text = read(format, fd, size)?;
        let mut keyboard = match text == self.seats_keymap() {
            true => VirtualKeyboard::like_the_seat(),
            false => VirtualKeyboard::with_keymap(text)?,
        };
        if let Some(old) = self.virtual_keyboards.ready.remove(&id) {
            keyboard.voice.modifiers = old.voice.modifiers;
            keyboard.held = old.held;
        }
        self.virtual_keyboards.ready.insert(id, keyboard);
        Ok(())
    }

    /// A key of a virtual keyboard, which has a keymap.
    fn virtual_key(&mut self, id: &ObjectId, key: u32, pressed: bool) {
        let Some(window) = self.typed_in() else { return };
        let Some(keyboard) = self.virtual_keyboards.ready.get_mut(id) else { return };
        let was_held = keyboard.held.remove(&key);
        if !was_held && (!pressed || keyboard.held.len() >= MAX_HELD || !keyboard.keys.contains(&key)) {
            debug!("a virtual keyboard's key {key} is left out");
            return;
        }
        if pressed {
            keyboard.held.insert(key);
        }
        let voice = keyboard.voice.clone();
        self.types(&window, voice);
        if was_held {
            self.send_virtual_key(&window, key, KeyState::Released);
        }
        if pressed {
            self.send_virtual_key(&window, key, KeyState::Pressed);
        }
    }

    fn send_virtual_key(&mut self, window: &WlSurface, key: u32, state: KeyState) {
        let (serial, time) = (SERIAL_COUNTER.next_serial(), self.frames.millis());
        for keyboard in self.keyboards_of(window) {
            keyboard.key(serial.into(), time, key, state);
        }
    }

    /// Modifiers of a virtual keyboard, which has a keymap.
    fn virtual_modifiers(&mut self, id: &ObjectId, modifiers: SerializedMods) {
        let Some(keyboard) = self.virtual_keyboards.ready.get_mut(id) else { return };
        keyboard.voice.modifiers = modifiers;
        let voice = keyboard.voice.clone();
        // the input method repeats those of the seat, which it has a say in only while keys go to it
        if self.is_the_methods(id) && !self.method_tells_modifiers() {
            return;
        }
        if let Some(window) = self.typed_in() {
            self.types(&window, voice);
        }
    }

    fn virtual_keyboard_gone(&mut self, id: &ObjectId) {
        let held = self.virtual_keyboards.ready.get(id).map(|it| it.held.clone()).unwrap_or_default();
        for key in held {
            self.virtual_key(id, key, false);
        }
        self.change_method(|state| drop(state.virtual_keyboards.ready.remove(id)));
    }
}

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
            init.init(id, ());
        }
    }
}

impl Dispatch<ZwpVirtualKeyboardV1, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        keyboard: &ZwpVirtualKeyboardV1,
        request: zwp_virtual_keyboard_v1::Request,
        (): &(),
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        use zwp_virtual_keyboard_v1::{Error, Request};
        let id = keyboard.id();
        let is_ready = state.virtual_keyboards.ready.contains_key(&id);
        match request {
            Request::Keymap { format, fd, size } => {
                if let Err(error) = state.set_virtual_keymap(id, (format, fd, size)) {
                    keyboard.post_error(Error::NoKeymap, error.to_string());
                }
            }
            Request::Key { .. } | Request::Modifiers { .. } if !is_ready => {
                keyboard.post_error(Error::NoKeymap, "a virtual keyboard needs a keymap first");
            }
            Request::Key { key, state: pressed, .. } => state.virtual_key(&id, key, pressed > 0),
            Request::Modifiers { mods_depressed, mods_latched, mods_locked, group } => {
                let modifiers = SerializedMods {
                    depressed: mods_depressed,
                    latched: mods_latched,
                    locked: mods_locked,
                    layout_effective: group,
                };
                state.virtual_modifiers(&id, modifiers);
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut Self, _: ClientId, keyboard: &ZwpVirtualKeyboardV1, (): &()) {
        state.virtual_keyboard_gone(&keyboard.id());
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    const KEYMAP: &str = r#"xkb_keymap {
        xkb_keycodes { minimum = 8; maximum = 300; <K1> = 9; <K2> = 300; };
        xkb_types { include "complete" };
        xkb_compatibility { include "complete" };
        xkb_symbols { key <K1> { [ssharp] }; key <K2> { [EuroSign] }; };
    };"#;

    fn told(bytes: &[u8], format: u32, size: u32) -> Result<VirtualKeyboard, BadKeymap> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        VirtualKeyboard::with_keymap(read(format, file.into(), size)?)
    }

    fn whole(bytes: &[u8]) -> Result<VirtualKeyboard, BadKeymap> {
        told(bytes, 1, u32::try_from(bytes.len()).unwrap())
    }

    #[test]
    fn a_keymap_ends_where_it_says_or_at_a_nul() {
        let length = u32::try_from(KEYMAP.len()).unwrap();
        for end in ["", "\0", "\0rest", " of something"] {
            let size =
                if end.starts_with('\0') { length + u32::try_from(end.len()).unwrap() } else { length };
            let keyboard = told(format!("{KEYMAP}{end}").as_bytes(), 1, size).unwrap();
            assert_eq!(keyboard.keys, 1..=292);
            assert!(keyboard.voice.keymap.unwrap().contains("EuroSign"));
        }
    }

    #[test]
    fn what_is_no_keymap_is_refused() {
        assert!(matches!(told(KEYMAP.as_bytes(), 0, 1), Err(BadKeymap::Format(0))));
        assert!(matches!(told(KEYMAP.as_bytes(), 1, 0), Err(BadKeymap::Size(0))));
        assert!(matches!(told(b"", 1, u32::MAX), Err(BadKeymap::Size(u32::MAX))));
        let longer = u32::try_from(KEYMAP.len()).unwrap() + 1;
        assert!(matches!(told(KEYMAP.as_bytes(), 1, longer), Err(BadKeymap::Unreadable(_))));
        for text in [&b"\0"[..], b"xkb_keymap", b"\xff\xfe", &KEYMAP.as_bytes()[..200]] {
            assert!(matches!(whole(text), Err(BadKeymap::Meaningless)), "{text:?}");
        }
        // whoever waited for what is written into it would wait for ever
        let (pipe, _writer) = std::io::pipe().unwrap();
        assert!(matches!(read(1, pipe.into(), 1), Err(BadKeymap::NotAFile)));
    }

    #[test]
    fn a_keymap_is_as_large_as_one_of_the_gui_domain_and_no_larger() {
        let mut text = KEYMAP.to_owned();
        text.push_str(&" ".repeat(MAX_FILE as usize - text.len()));
        assert!(whole(text.as_bytes()).is_ok());
        text.push(' ');
        assert!(matches!(whole(text.as_bytes()), Err(BadKeymap::Size(_))));
    }

    #[test]
    fn keys_are_those_of_the_keymap_up_to_a_limit() {
        let keys = |highest: &str| whole(KEYMAP.replace("300", highest).as_bytes()).unwrap().keys;
        assert_eq!(keys("4103"), 1..=MAX_KEY);
        assert_eq!(keys("4104"), 1..=MAX_KEY);
    }
}

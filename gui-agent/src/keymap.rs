//! The keyboard as clients see it when the GUI domain has one of its own to show: its keymap, and its exact modifiers.
//!
//! Smithay calculates modifiers from the keys it is given. The GUI domain knows better: it tells masks and layout under
//! its keymap, and what clients are told is that. The base protocol has neither; there, the keymap is the agent's own
//! and X11's state masks are all there is about modifiers, see [`crate::input`].

use std::{
    borrow::Cow,
    fs::File,
    io::{self, Write as _},
};

use gui_protocol::Modifiers;
use rustix::fs::{MemfdFlags, memfd_create};
use smithay::{
    backend::input::KeyState,
    desktop::PopupKind,
    input::{
        Seat, SeatState,
        keyboard::{KeyboardTarget, KeysymHandle, ModifiersState, SerializedMods, XkbConfig, xkb},
    },
    reexports::wayland_server::{
        Client, DataInit, Dispatch, DisplayHandle, Resource,
        backend::ObjectId,
        protocol::{
            wl_seat::{self, WlSeat},
            wl_surface::WlSurface,
        },
    },
    utils::{IsAlive, SERIAL_COUNTER, Serial},
    wayland::seat::{SeatUserData, WaylandFocus},
};
use tracing::warn;

use crate::state::State;

/// What the GUI domain says about the keyboard.
#[derive(Debug, Default)]
pub(crate) struct ForeignKeyboard {
    keymap: Option<String>,
    modifiers: Option<SerializedMods>,
}

impl State {
    /// The GUI domain's keymap is every client's from now on.
    pub(crate) fn keymap_changed(&mut self, keymap: String) {
        let Some(keyboard) = self.seat.get_keyboard() else { return };
        // smithay does not know who has been told another, and tells nobody what it takes for known
        self.forget_virtual_keymap();
        match keyboard.set_keymap_from_string(self, keymap.clone()) {
            Ok(()) => {
                self.keyboard.keymap = Some(keymap);
                self.tell_method_keymap();
            }
            Err(error) => warn!("the GUI domain's keymap cannot be used, the last one stays: {error}"),
        }
    }

    /// Modifiers and layout as the GUI domain has them.
    pub(crate) fn modifiers_changed(&mut self, modifiers: Modifiers) {
        self.keyboard.modifiers = Some(SerializedMods {
            depressed: modifiers.depressed,
            latched: modifiers.latched,
            locked: modifiers.locked,
            layout_effective: modifiers.group,
        });
        self.tell_modifiers();
    }

    /// The focused client is told the modifiers that hold.
    fn tell_modifiers(&mut self) {
        let Some(keyboard) = self.seat.get_keyboard() else { return };
        if let Some(focus) = keyboard.current_focus() {
            let (seat, now) = (self.seat.clone(), keyboard.modifier_state());
            focus.modifiers(&seat, self, now, SERIAL_COUNTER.next_serial());
        }
    }

    /// The modifiers that hold.
    pub(crate) fn held_modifiers(&self) -> SerializedMods {
        let own = || self.seat.get_keyboard().map(|keyboard| keyboard.modifier_state().serialized);
        self.keyboard.modifiers.or_else(own).unwrap_or_default()
    }

    /// The surface that has the keyboard.
    pub(crate) fn typed_in(&self) -> Option<WlSurface> {
        self.seat.get_keyboard()?.current_focus().map(WlSurface::from)
    }

    /// The focused client is told these modifiers of the seat, whichever hold.
    pub(crate) fn tell_these_modifiers(&mut self, serialized: SerializedMods) {
        if let Some(surface) = self.typed_in() {
            self.tell_window_seats_keymap(&surface);
            self.tell_window_modifiers(&surface, serialized);
        }
    }

    /// The focused client has the seat's keymap, whoever typed.
    fn forget_virtual_keymap(&mut self) {
        if let Some(surface) = self.typed_in() {
            self.tell_window_seats_keymap(&surface);
        }
    }

    /// The keymap of the keys that come from the GUI domain.
    pub(crate) fn seats_keymap(&self) -> Cow<'_, str> {
        self.keyboard.keymap.as_deref().map_or_else(|| own_keymap().into(), Cow::Borrowed)
    }

    /// Whether modifiers come by themselves, and need not be guessed from the state masks of other input.
    pub(crate) fn has_exact_modifiers(&self) -> bool {
        self.keyboard.modifiers.is_some()
    }

    /// A daemon of the base protocol tells neither keymap nor modifiers: the agent's own keymap it is again.
    pub(crate) fn own_keyboard(&mut self) {
        self.keyboard.modifiers = None;
        self.forget_virtual_keymap();
        if self.keyboard.keymap.take().is_some()
            && let Some(keyboard) = self.seat.get_keyboard()
        {
            if let Err(error) = keyboard.set_xkb_config(self, XkbConfig::default()) {
                warn!("the agent's own keymap cannot be had any more: {error}");
            }
            self.tell_method_keymap();
        }
    }
}

/// The keymap that smithay makes of `XKB_DEFAULT_*`.
fn own_keymap() -> String {
    let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
    let flags = xkb::KEYMAP_COMPILE_NO_FLAGS;
    let keymap = xkb::Keymap::new_from_names(&context, "", "", "", "", None, flags);
    keymap.map_or_else(String::new, |keymap| keymap.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1))
}

/// A keymap as Wayland hands it over: a file for one client alone, and its bytes with the NUL that ends the text.
pub(crate) fn keymap_file(text: &str) -> io::Result<(File, u32)> {
    let mut file = File::from(memfd_create("keymap", MemfdFlags::CLOEXEC)?);
    file.write_all(text.as_bytes())?;
    file.write_all(&[0])?;
    let size = u32::try_from(text.len().saturating_add(1)).map_err(io::Error::other)?;
    Ok((file, size))
}

/// A surface that has the keyboard.
#[derive(Debug, Clone, PartialEq)]
pub struct KeyFocus(WlSurface);

impl From<WlSurface> for KeyFocus {
    fn from(surface: WlSurface) -> Self {
        Self(surface)
    }
}

impl From<PopupKind> for KeyFocus {
    fn from(popup: PopupKind) -> Self {
        Self(popup.into())
    }
}

impl From<KeyFocus> for WlSurface {
    fn from(focus: KeyFocus) -> Self {
        focus.0
    }
}

impl IsAlive for KeyFocus {
    fn alive(&self) -> bool {
        self.0.alive()
    }
}

impl WaylandFocus for KeyFocus {
    fn wl_surface(&self) -> Option<Cow<'_, WlSurface>> {
        Some(Cow::Borrowed(&self.0))
    }

    fn same_client_as(&self, id: &ObjectId) -> bool {
        self.0.id().same_client_as(id)
    }
}

impl KeyboardTarget<State> for KeyFocus {
    fn enter(&self, seat: &Seat<State>, state: &mut State, keys: Vec<KeysymHandle<'_>>, serial: Serial) {
        KeyboardTarget::enter(&self.0, seat, state, keys, serial);
        state.text_entered(&self.0);
    }

    fn leave(&self, seat: &Seat<State>, state: &mut State, serial: Serial) {
        KeyboardTarget::leave(&self.0, seat, state, serial);
        state.virtual_keyboards_leave(&self.0);
        state.text_left(&self.0);
    }

    fn key(
        &self,
        seat: &Seat<State>,
        state: &mut State,
        key: KeysymHandle<'_>,
        pressed: KeyState,
        serial: Serial,
        time: u32,
    ) {
        // the kernel's numbers are 8 less than X11's
        let code = key.raw_code().raw().saturating_sub(8);
        if state.method_takes(code, pressed == KeyState::Pressed, serial, time) {
            return;
        }
        state.seat_types(&self.0);
        KeyboardTarget::key(&self.0, seat, state, key, pressed, serial, time);
    }

    fn modifiers(&self, _: &Seat<State>, state: &mut State, modifiers: ModifiersState, serial: Serial) {
        let serialized = state.keyboard.modifiers.unwrap_or(modifiers.serialized);
        state.virtual_keyboards.seat_has(serialized);
        state.method_hears(serialized, serial);
        if state.method_tells_modifiers() {
            return;
        }
        state.tell_window_seats_keymap(&self.0);
        state.tell_window_modifiers(&self.0, serialized);
    }
}

/// Smithay's seat, but for a keyboard made while its client has the focus: smithay tells it what it believes itself.
pub(crate) enum SeatRequests {}

impl Dispatch<WlSeat, SeatUserData<State>, State> for SeatRequests {
    fn request(
        state: &mut State,
        client: &Client,
        seat: &WlSeat,
        request: wl_seat::Request,
        data: &SeatUserData<State>,
        display: &DisplayHandle,
        init: &mut DataInit<'_, State>,
    ) {
        let is_keyboard = matches!(request, wl_seat::Request::GetKeyboard { .. });
        <SeatState<State> as Dispatch<WlSeat, SeatUserData<State>, State>>::request(
            state, client, seat, request, data, display, init,
        );
        let typed_in = state.typed_in().filter(|surface| surface.id().same_client_as(&seat.id()));
        if let Some(surface) = typed_in.filter(|_| is_keyboard) {
            // the new one has the seat's keymap, and so have they all
            state.seat_types(&surface);
            if state.has_exact_modifiers() {
                state.tell_modifiers();
            }
        }
    }
}

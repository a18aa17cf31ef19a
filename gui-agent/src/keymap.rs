//! The keyboard as clients see it when the GUI domain has one of its own to show: its keymap, and its exact modifiers.
//!
//! Smithay calculates modifiers from the keys it is given. The GUI domain knows better: it tells masks and layout under
//! its keymap, and what clients are told is that. The base protocol has neither; there, the keymap is the agent's own
//! and X11's state masks are all there is about modifiers, see [`crate::input`].

use std::borrow::Cow;

use gui_protocol::Modifiers;
use smithay::{
    backend::input::KeyState,
    desktop::PopupKind,
    input::{
        Seat, SeatState,
        keyboard::{KeyboardTarget, KeysymHandle, ModifiersState, SerializedMods, XkbConfig},
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

impl ForeignKeyboard {
    /// The GUI domain's keymap, if it has told one.
    pub(crate) fn keymap(&self) -> Option<&str> {
        self.keymap.as_deref()
    }
}

impl State {
    /// The GUI domain's keymap is every client's from now on.
    pub(crate) fn keymap_changed(&mut self, keymap: String) {
        let Some(keyboard) = self.seat.get_keyboard() else { return };
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

    /// The focused client is told these modifiers, whichever hold.
    pub(crate) fn tell_these_modifiers(&mut self, serialized: SerializedMods) {
        let Some(keyboard) = self.seat.get_keyboard() else { return };
        if let Some(KeyFocus(surface)) = keyboard.current_focus() {
            let (seat, now) = (self.seat.clone(), keyboard.modifier_state());
            let modifiers = ModifiersState { serialized, ..now };
            KeyboardTarget::modifiers(&surface, &seat, self, modifiers, SERIAL_COUNTER.next_serial());
        }
    }

    /// Whether modifiers come by themselves, and need not be guessed from the state masks of other input.
    pub(crate) fn has_exact_modifiers(&self) -> bool {
        self.keyboard.modifiers.is_some()
    }

    /// A daemon of the base protocol tells neither keymap nor modifiers: the agent's own keymap it is again.
    pub(crate) fn own_keyboard(&mut self) {
        self.keyboard.modifiers = None;
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
        KeyboardTarget::key(&self.0, seat, state, key, pressed, serial, time);
    }

    fn modifiers(&self, seat: &Seat<State>, state: &mut State, modifiers: ModifiersState, serial: Serial) {
        let serialized = state.keyboard.modifiers.unwrap_or(modifiers.serialized);
        state.method_hears(serialized, serial);
        if state.method_tells_modifiers() {
            return;
        }
        KeyboardTarget::modifiers(&self.0, seat, state, ModifiersState { serialized, ..modifiers }, serial);
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
        let focus = state.seat.get_keyboard().and_then(|keyboard| keyboard.current_focus());
        if is_keyboard
            && state.has_exact_modifiers()
            && focus.is_some_and(|focus| focus.same_client_as(&seat.id()))
        {
            state.tell_modifiers();
        }
    }
}

//! Who may come to the front, `xdg_activation_v1`.
//!
//! Programs started by the GUI domain get a token in their environment; a window activated with it is what the user
//! asked for, and the GUI domain is told so by the number it gave. A token that an application made itself, while the
//! user was at it, earns its window the user's attention and no more. Other tokens earn nothing.

use std::time::Duration;

use gui_protocol::Wish;
use smithay::{
    reexports::wayland_server::{Resource, backend::ClientId, protocol::wl_surface::WlSurface},
    utils::Serial,
    wayland::xdg_activation::{
        XdgActivationHandler, XdgActivationState, XdgActivationToken, XdgActivationTokenData,
    },
};

use super::compositor::root_of;
use crate::state::State;

/// How long a token is good for. Slow programs take this long to show their first window.
const TOKEN_LIFE: Duration = Duration::from_secs(60);

/// The most tokens kept for one application. One is used up before the next is needed.
const TOKENS_PER_CLIENT: usize = 8;

/// The number under which the GUI domain asked for a program.
struct Run(u32);

impl State {
    /// A token for the program that the GUI domain starts under this number.
    pub(crate) fn token_for_run(&mut self, run: u32) -> String {
        self.forget_old_tokens();
        let data = XdgActivationTokenData::default();
        data.user_data.insert_if_missing_threadsafe(|| Run(run));
        self.globals.activation.create_external_token(data).0.to_string()
    }

    /// The number under which the GUI domain asked for the program that has this token. It is used up by that.
    pub(crate) fn use_run_token(&mut self, token: &str) -> Option<u32> {
        let token = XdgActivationToken::from(token.to_owned());
        let activation = &mut self.globals.activation;
        let run = activation.data_for_token(&token)?.user_data.get::<Run>()?.0;
        activation.remove_token(&token);
        Some(run)
    }

    fn forget_old_tokens(&mut self) {
        self.globals.activation.retain_tokens(|_, data| data.timestamp.elapsed() < TOKEN_LIFE);
    }

    /// Whether a client names an event that it got while the user was at it, and still is.
    fn is_recent(&self, client: &ClientId, serial: Serial) -> bool {
        let is_theirs = |surface: WlSurface| surface.client().is_some_and(|it| it.id() == *client);
        let no_older = |than: Option<Serial>| than.is_some_and(|than| serial.is_no_older_than(&than));
        let typed = self.seat.get_keyboard().is_some_and(|keyboard| {
            keyboard.current_focus().is_some_and(|focus| is_theirs(focus.into()))
                && no_older(keyboard.last_enter())
        });
        typed
            || self.seat.get_pointer().is_some_and(|pointer| {
                pointer.current_focus().is_some_and(is_theirs) && no_older(pointer.last_enter())
            })
    }
}

impl XdgActivationHandler for State {
    fn activation_state(&mut self) -> &mut XdgActivationState {
        &mut self.globals.activation
    }

    fn token_created(&mut self, _token: XdgActivationToken, data: XdgActivationTokenData) -> bool {
        self.forget_old_tokens();
        let (Some(client), Some((serial, _))) = (&data.client_id, &data.serial) else { return false };
        let theirs = self.globals.activation.tokens().filter(|(_, it)| it.client_id.as_ref() == Some(client));
        theirs.count() < TOKENS_PER_CLIENT && self.is_recent(client, *serial)
    }

    fn request_activation(
        &mut self,
        token: XdgActivationToken,
        data: XdgActivationTokenData,
        surface: WlSurface,
    ) {
        self.globals.activation.remove_token(&token);
        if data.timestamp.elapsed() < TOKEN_LIFE {
            let run = data.user_data.get::<Run>().map_or(0, |run| run.0);
            self.wish(&root_of(&surface), Wish::Activate(run));
        }
    }
}

smithay::delegate_xdg_activation!(State);

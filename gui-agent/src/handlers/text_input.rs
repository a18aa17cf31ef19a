//! Text fields of applications, `zwp_text_input_v3`: what they tell an input method, and what that writes into them.
//!
//! A client's text inputs are told when one of its surfaces has the keyboard. The first that is enabled then is the
//! active one, until it is disabled or the keyboard goes. Smithay's own handling of this protocol ends the compositor at
//! values it does not know, and speaks only while there is an input method; hence this one.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use smithay::{
    reexports::{
        wayland_protocols::wp::text_input::zv3::server::{
            zwp_text_input_manager_v3::{self, ZwpTextInputManagerV3},
            zwp_text_input_v3::{self, ChangeCause, ContentHint, ContentPurpose, ZwpTextInputV3},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, backend::ClientId,
            protocol::wl_surface::WlSurface,
        },
    },
    utils::{Logical, Rectangle},
};
use wayland_guard::FAR;

use crate::state::State;

/// Where text goes.
#[derive(Debug, Default)]
pub(crate) struct TextFields {
    all: HashSet<ZwpTextInputV3>,
    /// The surface that has the keyboard.
    pub(crate) focus: Option<WlSurface>,
    pub(crate) active: Option<ZwpTextInputV3>,
    /// What the active one has told last.
    pub(crate) told: Field,
}

/// What a text field says of itself.
#[derive(Debug, Default, Clone)]
pub(crate) struct Field {
    /// What is around the cursor, and where in it, in bytes, the cursor and the other end of the selection are.
    pub(crate) surrounding: Option<(String, u32, u32)>,
    pub(crate) cause: Option<ChangeCause>,
    pub(crate) content: Option<(ContentHint, ContentPurpose)>,
    /// Where the cursor is, from the surface's corner.
    pub(crate) rectangle: Option<Rectangle<i32, Logical>>,
}

impl Field {
    /// Takes over what `newer` says.
    fn update(&mut self, newer: Self) {
        self.surrounding = newer.surrounding.or(self.surrounding.take());
        self.cause = newer.cause;
        self.content = newer.content.or(self.content);
        self.rectangle = newer.rectangle.or(self.rectangle);
    }
}

/// One text input: what its client has said since its last commit, and how many of these there were.
#[derive(Debug, Default)]
pub(crate) struct TextInput(Mutex<Pending>);

#[derive(Debug, Default)]
struct Pending {
    enable: Option<bool>,
    field: Field,
    commits: u32,
}

impl TextInput {
    fn lock(&self) -> MutexGuard<'_, Pending> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The number that says which commit of a text input an answer is about.
pub(crate) fn commits_of(input: &ZwpTextInputV3) -> u32 {
    input.data::<TextInput>().map_or(0, |data| data.lock().commits)
}

impl State {
    /// Makes text inputs known to clients.
    pub(crate) fn offer_text_input(display: &DisplayHandle) {
        display.create_global::<Self, ZwpTextInputManagerV3, _>(1, ());
    }

    /// A surface got the keyboard.
    pub(crate) fn text_entered(&mut self, surface: &WlSurface) {
        for input in self.text.all.iter().filter(|input| input.id().same_client_as(&surface.id())) {
            input.enter(surface);
        }
        self.text.focus = Some(surface.clone());
    }

    /// A surface lost the keyboard.
    pub(crate) fn text_left(&mut self, surface: &WlSurface) {
        self.text.focus = None;
        if surface.is_alive() {
            for input in self.text.all.iter().filter(|input| input.id().same_client_as(&surface.id())) {
                input.leave(surface);
            }
        }
        self.end_text();
    }

    /// Nothing is written into any more.
    fn end_text(&mut self) {
        if self.text.active.take().is_some() {
            self.text.told = Field::default();
            self.method_deactivated();
        }
    }

    /// What a client has said of a text input holds from now on.
    fn text_committed(&mut self, input: &ZwpTextInputV3, data: &TextInput) {
        let (enable, field) = {
            let mut pending = data.lock();
            pending.commits = pending.commits.wrapping_add(1);
            (pending.enable.take(), std::mem::take(&mut pending.field))
        };
        if !self.text.focus.as_ref().is_some_and(|focus| focus.id().same_client_as(&input.id())) {
            return;
        }
        let is_active = self.text.active.as_ref() == Some(input);
        match enable {
            Some(true) if is_active || self.text.active.is_none() => {
                self.text.active = Some(input.clone());
                self.text.told = field;
                self.method_activated();
            }
            Some(false) if is_active => self.change_method(Self::end_text),
            None if is_active => {
                self.text.told.update(field.clone());
                self.tell_method(&field);
            }
            _ => {}
        }
    }
}

impl GlobalDispatch<ZwpTextInputManagerV3, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        manager: New<ZwpTextInputManagerV3>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(manager, ());
    }
}

impl Dispatch<ZwpTextInputManagerV3, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        _: &ZwpTextInputManagerV3,
        request: zwp_text_input_manager_v3::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let zwp_text_input_manager_v3::Request::GetTextInput { id, .. } = request else { return };
        let input = init.init(id, TextInput::default());
        let focus = state.text.focus.as_ref();
        if let Some(focus) = focus.filter(|focus| focus.is_alive() && focus.id().same_client_as(&input.id()))
        {
            input.enter(focus);
        }
        state.text.all.insert(input);
    }
}

impl Dispatch<ZwpTextInputV3, TextInput> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        input: &ZwpTextInputV3,
        request: zwp_text_input_v3::Request,
        data: &TextInput,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        use zwp_text_input_v3::Request;
        let mut pending = data.lock();
        match request {
            Request::Enable => {
                // what was said before is of another text
                (pending.enable, pending.field) = (Some(true), Field::default());
            }
            Request::Disable => pending.enable = Some(false),
            Request::SetSurroundingText { text, cursor, anchor } => {
                let within =
                    |at: i32| u32::try_from(at).ok().filter(|at| text.is_char_boundary(*at as usize));
                if let (Some(cursor), Some(anchor)) = (within(cursor), within(anchor)) {
                    pending.field.surrounding = Some((text, cursor, anchor));
                }
            }
            // values that nobody knows say nothing
            Request::SetTextChangeCause { cause } => pending.field.cause = cause.into_result().ok(),
            Request::SetContentType { hint, purpose } => {
                let hint = hint.into_result().unwrap_or(ContentHint::None);
                pending.field.content = Some((hint, purpose.into_result().unwrap_or(ContentPurpose::Normal)));
            }
            Request::SetCursorRectangle { x, y, width, height } => {
                let (at, size) =
                    ((x.clamp(-FAR, FAR), y.clamp(-FAR, FAR)), (width.clamp(1, FAR), height.clamp(1, FAR)));
                pending.field.rectangle = Some(Rectangle::new(at.into(), size.into()));
            }
            Request::Commit => {
                drop(pending);
                state.text_committed(input, data);
            }
            _ => {}
        }
    }

    fn destroyed(state: &mut Self, _: ClientId, input: &ZwpTextInputV3, _: &TextInput) {
        state.text.all.remove(input);
        if state.text.active.as_ref() == Some(input) {
            state.change_method(Self::end_text);
        }
    }
}

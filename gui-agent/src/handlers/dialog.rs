//! Dialogs that want to be done with before their window is used again, `xdg_wm_dialog_v1`. Which window that is, the
//! client says by `xdg_toplevel.set_parent` or by `xdg_foreign`; what comes of it is the GUI domain's to say.
//!
//! Smithay's own handling of this protocol takes for granted that the toplevel outlives its dialog object; hence this one.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use gui_protocol::Wish;
use smithay::{
    reexports::{
        wayland_protocols::xdg::{
            dialog::v1::server::{
                xdg_dialog_v1::{self, XdgDialogV1},
                xdg_wm_dialog_v1::{self, XdgWmDialogV1},
            },
            shell::server::xdg_toplevel::XdgToplevel,
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, Weak, backend::ClientId,
        },
    },
    wayland::compositor::with_states,
};

use crate::state::State;

/// A dialog object.
#[derive(Debug)]
pub(crate) struct Dialog {
    toplevel: XdgToplevel,
    modal: AtomicBool,
}

/// The dialog object of a surface's toplevel.
#[derive(Default)]
struct Attached(Mutex<Option<Weak<XdgDialogV1>>>);

impl State {
    /// Makes dialogs known to clients.
    pub(crate) fn offer_dialogs(display: &DisplayHandle) {
        display.create_global::<Self, XdgWmDialogV1, _>(1, ());
    }

    fn set_modal(&mut self, dialog: &Dialog, modal: bool) {
        if dialog.modal.swap(modal, Ordering::Relaxed) == modal {
            return;
        }
        if let Some(toplevel) = self.globals.xdg_shell.get_toplevel(&dialog.toplevel) {
            self.wish(toplevel.wl_surface(), Wish::Modal(modal));
        }
    }
}

impl GlobalDispatch<XdgWmDialogV1, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        manager: New<XdgWmDialogV1>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(manager, ());
    }
}

impl Dispatch<XdgWmDialogV1, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        manager: &XdgWmDialogV1,
        request: xdg_wm_dialog_v1::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let xdg_wm_dialog_v1::Request::GetXdgDialog { id, toplevel } = request else { return };
        let surface = state.globals.xdg_shell.get_toplevel(&toplevel).map(|it| it.wl_surface().clone());
        let dialog = init.init(id, Dialog { toplevel: toplevel.clone(), modal: AtomicBool::default() });
        let Some(surface) = surface else { return };
        let old = with_states(&surface, |states| {
            let attached = states.data_map.get_or_insert_threadsafe(Attached::default);
            let mut attached = attached.0.lock().unwrap_or_else(PoisonError::into_inner);
            attached.replace(dialog.downgrade())
        });
        let is_of_same = |old: &XdgDialogV1| old.data::<Dialog>().is_some_and(|it| it.toplevel == toplevel);
        if old.and_then(|old| old.upgrade().ok()).is_some_and(|old| is_of_same(&old)) {
            manager.post_error(xdg_wm_dialog_v1::Error::AlreadyUsed, "the toplevel has a dialog object");
        }
    }
}

impl Dispatch<XdgDialogV1, Dialog> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        _: &XdgDialogV1,
        request: xdg_dialog_v1::Request,
        dialog: &Dialog,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        match request {
            xdg_dialog_v1::Request::SetModal => state.set_modal(dialog, true),
            xdg_dialog_v1::Request::UnsetModal => state.set_modal(dialog, false),
            _ => {}
        }
    }

    fn destroyed(state: &mut Self, _: ClientId, _: &XdgDialogV1, dialog: &Dialog) {
        state.set_modal(dialog, false);
    }
}

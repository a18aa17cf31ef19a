//! Popups that hold the input: menus, which go when the user turns to anything else.
//!
//! Invariants: the popups that hold it are one chain of one owner, each the child of the one before, and the first
//! belongs to the window that has the keyboard. A popup that cannot join is closed instead. Whatever ends the chain, the
//! topmost popup is told first, as `xdg_popup` wants it.

use crate::{
    shell::{self, Hit, Role},
    state::State,
};

/// The popups that hold the input, the root of the chain first.
#[derive(Debug, Default)]
pub struct PopupChain(Vec<shell::Id>);

impl State {
    /// A popup that wants to hold the input is on the desktop.
    pub(crate) fn popup_grabs(&mut self, id: shell::Id) {
        let parent = match self.shell.window(id).map(|window| window.role) {
            Some(Role::Popup { parent }) => parent,
            // one that was too big for a popup is a window like any other
            Some(Role::Toplevel | Role::Icon) | None => return,
        };
        let focused = self.shell.focused();
        if focused.is_none() || self.shell.base_of(id) != focused {
            self.close(id);
            return;
        }
        while self.popup_chain.0.last().is_some_and(|top| Some(*top) != parent) {
            self.dismiss_topmost();
        }
        self.popup_chain.0.push(id);
    }

    /// Ends the chain if a press lands outside of it: on another window, on a frame, or on the empty desktop.
    pub(crate) fn dismiss_popups_outside(&mut self, hit: &Hit) {
        let inside = matches!(hit, Hit::Content { id, .. } if self.popup_chain.0.contains(id));
        if !inside {
            self.dismiss_popups();
        }
    }

    /// Ends the chain if the keyboard went to another window than the one it belongs to.
    pub(crate) fn dismiss_popups_not_of(&mut self, focused: Option<shell::Id>) {
        let owner = self.popup_chain.0.first().map(|root| self.shell.base_of(*root));
        if owner.is_some_and(|owner| owner != focused) {
            self.dismiss_popups();
        }
    }

    /// A window left the desktop: if it was of the chain, it is that no more, and what hangs on it goes too.
    pub(crate) fn popup_left(&mut self, id: shell::Id) {
        let Some(at) = self.popup_chain.0.iter().position(|popup| *popup == id) else { return };
        while self.popup_chain.0.len() > at + 1 {
            self.dismiss_topmost();
        }
        self.popup_chain.0.pop();
    }

    fn dismiss_popups(&mut self) {
        while !self.popup_chain.0.is_empty() {
            self.dismiss_topmost();
        }
    }

    fn dismiss_topmost(&mut self) {
        if let Some(top) = self.popup_chain.0.pop() {
            self.close(top);
        }
    }
}

//! Which window has the keyboard, and how the user goes from one to the next.
//!
//! Only toplevels on the desktop have it, and as long as there is one, one has it; but for an icon of the tray that the user
//! clicks on, until its menu closes or the user clicks elsewhere. A click and Alt-Tab decide; when the window that has it goes, the one used last before
//! it follows. A window that shows up by itself takes it
//! too, as users expect of a program they just started; this can be used to catch what is typed for another window,
//! so [`Metrics::focus_new`](super::Metrics::focus_new) can reserve that to the owner of the focused one.

use super::stacking::chain;
use super::window::{Id, Window};
use super::{Direction, Shell};

/// The user going through the windows.
#[derive(Debug)]
pub(super) struct Switcher {
    /// Those there were at the beginning, the one used last first. Never empty.
    candidates: Vec<Id>,
    /// Which of them is chosen.
    at: usize,
}

impl Shell {
    /// The window that has the keyboard.
    pub fn focused(&self) -> Option<Id> {
        self.focused
    }

    /// Gives a toplevel or an icon, or the modal dialog on it, the keyboard because the user asked for it: shows it if it
    /// is minimised, and raises it.
    pub fn request_focus(&mut self, id: Id) {
        let id = self.in_use(id);
        if self.windows.get(&id).is_some_and(|window| window.mapped && !window.is_popup()) {
            let minimised = |window: &&Window| window.state.minimised;
            let asleep: Vec<Id> =
                chain(&self.windows, id).filter(minimised).map(|window| window.id).collect();
            for id in asleep {
                self.edit_state(id, |window| window.state.minimised = false);
            }
            self.raise(id);
            self.give_focus(Some(id));
            self.settle();
        }
    }

    /// A window came to the desktop by itself: to the top and to the keyboard, if it may.
    pub(super) fn come_forward(&mut self, id: Id) {
        let Some(window) = self.windows.get(&id) else { return };
        let (owner, toplevel) = (window.owner, window.is_toplevel());
        // an icon's menu comes to the top, where the icon is already
        let stays_on_parent = !toplevel && window.parent().is_some() && !self.is_of_tray(id);
        self.effects.changed = true;
        if !self.is_visible(id) {
            return;
        }
        let rival = self.focused.and_then(|focused| self.windows.get(&focused));
        let rival =
            rival.filter(|rival| !self.metrics.focus_new && rival.owner != owner).map(|rival| rival.id);
        match rival {
            _ if stays_on_parent => self.raise_among_siblings(id),
            Some(rival) => self.lower_below(id, rival),
            None => {
                self.raise(id);
                if toplevel {
                    self.give_focus(Some(id));
                }
            }
        }
    }

    /// Lists a toplevel among those that can have the keyboard: after the focused one, before all others.
    pub(super) fn remember(&mut self, id: Id) {
        if !self.recent.contains(&id) {
            let place = usize::from(self.focused.is_some()).min(self.recent.len());
            self.recent.insert(place, id);
        }
    }

    fn give_focus(&mut self, to: Option<Id>) {
        if let Some(to) = to.filter(|to| self.windows.get(to).is_some_and(Window::is_toplevel)) {
            self.recent.retain(|id| *id != to);
            self.recent.insert(0, to);
        }
        if self.focused != to {
            for (id, focused) in [(self.focused, false), (to, true)] {
                if let Some(window) = id.and_then(|id| self.windows.get_mut(&id)) {
                    self.effects.restyled.insert(window.id);
                    window.focused = focused;
                }
            }
            self.focused = to;
            self.effects.changed = true;
        }
    }

    /// Restores what must always hold after windows came, went or changed: the focus, the grab and the switcher are
    /// on windows that can have them.
    pub(super) fn settle(&mut self) {
        let windows = &self.windows;
        self.recent.retain(|id| windows.get(id).is_some_and(|window| window.mapped && window.is_toplevel()));
        let can_focus = |id: Id| {
            let window = windows.get(&id);
            window.is_some_and(|window| window.mapped && !window.is_popup()) && self.is_visible(id)
        };
        let lost = !self.focused.is_some_and(can_focus);
        let is_done = self.menu_has_closed() && self.last_used().is_some();
        if lost || is_done {
            self.focus_last_used();
        }
        if self.grabbed().is_some_and(|(id, _)| !self.is_visible(id)) {
            self.let_go();
        }
        let recent = &self.recent;
        self.switcher = self.switcher.take().and_then(|switcher| switcher.without(|id| !recent.contains(id)));
    }

    /// The toplevel on the desktop that had the keyboard last.
    fn last_used(&self) -> Option<Id> {
        self.recent.iter().copied().find(|id| self.is_visible(*id))
    }

    pub(super) fn focus_last_used(&mut self) {
        self.give_focus(self.last_used());
    }

    /// The user goes on to the next window. What is chosen shows on top in [`Shell::stack`]; the keyboard and the real
    /// order follow with [`Shell::alt_tab_end`], so that no window learns that it was only passed by.
    pub fn alt_tab(&mut self, direction: Direction) {
        let (candidates, at) = match self.switcher.take() {
            Some(switcher) => (switcher.candidates, Some(switcher.at)),
            // the focused window is the one used last, unless it is an icon
            None => {
                (self.recent.clone(), self.focused.filter(|id| self.recent.first() == Some(id)).map(|_| 0))
            }
        };
        let Some(last) = candidates.len().checked_sub(1) else { return };
        let at = match (direction, at) {
            (Direction::Forward, Some(at)) if at < last => at + 1,
            (Direction::Forward, _) => 0,
            (Direction::Backward, Some(at)) if at > 0 => at - 1,
            (Direction::Backward, _) => last,
        };
        self.switcher = Some(Switcher { candidates, at });
        self.effects.changed = true;
    }

    /// The user let go: the window chosen is focused and raised.
    pub fn alt_tab_end(&mut self) {
        if let Some(choice) = self.alt_tab_choice() {
            self.alt_tab_cancel();
            self.request_focus(choice);
        }
    }

    /// The user thought better of it: all is as before.
    pub fn alt_tab_cancel(&mut self) {
        if self.switcher.take().is_some() {
            self.effects.changed = true;
        }
    }

    /// The window chosen so far, while the user goes through the windows.
    pub fn alt_tab_choice(&self) -> Option<Id> {
        let switcher = self.switcher.as_ref()?;
        switcher.candidates.get(switcher.at).copied()
    }
}

impl Switcher {
    /// The switcher less the candidates that are gone, with the choice kept if it is not.
    fn without(mut self, gone: impl Fn(&Id) -> bool) -> Option<Self> {
        let before = self.candidates.iter().take(self.at).filter(|id| !gone(id)).count();
        self.candidates.retain(|id| !gone(id));
        self.at = before.min(self.candidates.len().checked_sub(1)?);
        Some(self)
    }
}

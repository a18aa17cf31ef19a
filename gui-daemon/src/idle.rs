//! When nobody is at the machine, and who may keep the screens on meanwhile.
//!
//! What happens then (screens off, a lock) is up to a program of dom0's own, such as swayidle, which is told by
//! `ext_idle_notify_v1`. A window that is on the desktop holds that up if it wishes so and its domain may.

use smithay::{
    delegate_idle_notify,
    wayland::idle_notify::{IdleNotifierHandler, IdleNotifierState},
};

use crate::{
    state::State,
    windows::{Source, Window},
};

impl IdleNotifierHandler for State {
    fn idle_notifier_state(&mut self) -> &mut IdleNotifierState<Self> {
        &mut self.idle
    }
}

delegate_idle_notify!(State);

impl State {
    /// The user is here.
    pub fn user_active(&mut self) {
        self.idle.notify_activity(&self.seat);
    }

    /// Looks who keeps the screens on.
    pub fn update_idle(&mut self) {
        let kept_on = self.shell.all_windows().any(|shown| {
            self.shell.is_visible(shown.id)
                && self.windows.get(shown.id).is_some_and(|window| self.may_keep_awake(window))
        });
        self.idle.set_is_inhibited(kept_on);
    }

    fn may_keep_awake(&self, window: &Window) -> bool {
        match &window.source {
            Source::Guest(guest) => {
                guest.keeps_awake
                    && self.domain(guest.target.domain).is_some_and(|it| it.config.allow_idle_inhibit)
            }
            Source::Local(_) => false,
        }
    }
}

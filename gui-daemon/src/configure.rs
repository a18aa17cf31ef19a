//! What windows are told of their place, size and states, and how long their answer is waited for.
//!
//! The shell decides and says of which window something changed; here it is put into the words of whoever owns the window.
//! Telling what is known already does nothing, so it may be asked for as often as it is convenient.

use std::{collections::BTreeMap, time::Duration};

use gui_protocol::{Arrange, States};
use smithay::{
    reexports::{
        calloop::timer::{TimeoutAction, Timer},
        wayland_protocols::xdg::shell::server::xdg_toplevel::State as XdgState,
    },
    wayland::shell::xdg::ToplevelSurface,
};
use tracing::error;

use crate::{
    focus::GuestTarget,
    shell::{self, FramePart, Role, geom},
    state::State,
    windows::{LocalWindow, Source},
};

/// How long frame and content stay as they are for an owner that was told another size. Long enough for nearly every
/// program to draw itself once; short enough that a frame that does not follow the pointer is not taken for a fault.
pub const PATIENCE: Duration = Duration::from_millis(200);

/// Windows whose answer is waited for.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    /// Until when.
    until: BTreeMap<shell::Id, Duration>,
    is_armed: bool,
}

/// All that a window's owner is told of it.
#[derive(Debug, Clone, Copy)]
struct Look {
    content: geom::Rect,
    /// Where its place counts from at level 1: its parent's content, for a popup that is placed on it.
    origin: geom::Point,
    state: shell::State,
    activated: bool,
    resizing: bool,
    /// The largest content that its output has room for.
    bounds: geom::Size,
    scale: crate::scale::Scale,
}

impl State {
    /// The shell told a window another place, size or state.
    pub(crate) fn configure(&mut self, id: shell::Id) {
        let Some(window) = self.shell.window(id) else { return };
        if window.is_awaited() {
            let due = self.now().saturating_add(PATIENCE);
            self.waits.until.insert(id, due);
            self.arm_wait();
        }
        self.arrange(id);
    }

    /// Tells a window's owner what it does not know yet.
    pub(crate) fn arrange(&mut self, id: shell::Id) {
        let Some(look) = self.look(id) else { return };
        match self.windows.get(id).map(|window| &window.source) {
            Some(Source::Guest(guest)) => {
                let target = guest.target.clone();
                self.arrange_guest(&target, look);
            }
            Some(Source::Local(LocalWindow::Toplevel(toplevel))) => arrange_toplevel(toplevel, look),
            Some(Source::Local(LocalWindow::Popup(popup))) => self.configure_popup(id, look.content, popup),
            None => {}
        }
    }

    /// Tells all windows what depends on the outputs.
    pub(crate) fn arrange_all(&mut self) {
        let ids: Vec<shell::Id> = self.windows.iter().map(|window| window.id).collect();
        for id in ids {
            self.arrange(id);
        }
    }

    fn look(&self, id: shell::Id) -> Option<Look> {
        let window = self.shell.window(id)?;
        let (content, state) = window.told();
        let screen = self.outputs.main_of(window.frame)?;
        let parent = window.placed_on().and_then(|parent| self.shell.window(parent));
        let origin = parent.map(|parent| parent.content.origin()).unwrap_or_default();
        let bounds = match window.role {
            Role::Icon => content.size(),
            _ => self.shell.work_area(screen.area()).inset(self.shell.normal_insets()).size(),
        };
        Some(Look {
            content,
            origin,
            state,
            activated: window.focused,
            resizing: matches!(self.shell.grabbed(), Some((held, FramePart::Edge(_))) if held == id),
            bounds,
            scale: screen.config().scale,
        })
    }

    fn arrange_guest(&mut self, target: &GuestTarget, look: Look) {
        let is_extended = self.is_extended(target.domain);
        let Some(guest) = self.windows.guest_mut(target.id) else { return };
        let state = look.state;
        let mut states = States::empty();
        states.set(States::ACTIVATED, look.activated);
        states.set(States::MAXIMISED, state.maximised);
        states.set(States::FULLSCREEN, state.fullscreen);
        let tiled = state.tile().map(shell::Tile::edges).unwrap_or_default();
        states.set(States::TILED_LEFT, tiled.left);
        states.set(States::TILED_RIGHT, tiled.right);
        states.set(States::TILED_TOP, tiled.top);
        states.set(States::TILED_BOTTOM, tiled.bottom);
        states.set(States::RESIZING, look.resizing);
        states.set(States::MINIMISED | States::SUSPENDED, state.minimised);
        if state.maximised && guest.wants_fullscreen {
            // A domain that asked for the whole screen and got a maximised window is told that it has what it asked for.
            states.insert(States::FULLSCREEN);
        }
        let side = |length: i32| u32::try_from(length).unwrap_or_default();
        let place = look.content.origin();
        let geom::Point { x, y } = if !is_extended { place } else { place.minus(look.origin) };
        let arrange = Arrange {
            x,
            y,
            width: side(look.content.width),
            height: side(look.content.height),
            bounds: Some((side(look.bounds.width), side(look.bounds.height))),
            states,
            scale: gui_protocol::Scale::new(look.scale.in_120ths()).unwrap_or_default(),
            token: guest.popup_token.take().unwrap_or_default(),
            ..Arrange::default()
        };
        let size = look.content.size();
        let is_resized = guest.told_size.replace(size) != Some(size);
        let mut serial = 0;
        self.with_link(target.domain, |link| serial = link.arrange(target.window, arrange));
        if let Some(guest) = self.windows.guest_mut(target.id).filter(|_| is_resized) {
            guest.sized = serial;
        }
    }

    fn arm_wait(&mut self) {
        if self.waits.is_armed {
            return;
        }
        let Some(due) = self.waits.until.values().min().copied() else { return };
        let timer = Timer::from_duration(due.saturating_sub(self.now()));
        let fired = |_, _: &mut (), state: &mut State| {
            state.waits.is_armed = false;
            state.end_waits();
            TimeoutAction::Drop
        };
        match self.loop_handle.insert_source(timer, fired) {
            Ok(_) => self.waits.is_armed = true,
            Err(err) => error!(%err, "no timer for the answers of windows"),
        }
    }

    /// Goes ahead without those who took too long.
    fn end_waits(&mut self) {
        let now = self.now();
        let shell = &self.shell;
        self.waits.until.retain(|id, _| shell.window(*id).is_some_and(shell::Window::is_awaited));
        let late: Vec<shell::Id> =
            self.waits.until.iter().filter(|(_, due)| **due <= now).map(|(id, _)| *id).collect();
        for id in late {
            self.waits.until.remove(&id);
            self.shell.give_up(id);
        }
        self.apply_effects();
        self.arm_wait();
    }
}

fn arrange_toplevel(toplevel: &ToplevelSurface, look: Look) {
    let tiled = look.state.tile().map(shell::Tile::edges).unwrap_or_default();
    toplevel.with_pending_state(|pending| {
        pending.size = Some((look.content.width, look.content.height).into());
        pending.bounds = Some((look.bounds.width, look.bounds.height).into());
        for (on, state) in [
            (look.state.maximised, XdgState::Maximized),
            (look.state.fullscreen, XdgState::Fullscreen),
            (look.state.minimised, XdgState::Suspended),
            (look.resizing, XdgState::Resizing),
            (look.activated, XdgState::Activated),
            (tiled.left, XdgState::TiledLeft),
            (tiled.right, XdgState::TiledRight),
            (tiled.top, XdgState::TiledTop),
            (tiled.bottom, XdgState::TiledBottom),
        ] {
            if on {
                pending.states.set(state);
            } else {
                pending.states.unset(state);
            }
        }
    });
    if toplevel.is_initial_configure_sent() {
        toplevel.send_pending_configure();
    }
}

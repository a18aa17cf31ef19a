//! Tools of graphics tablets.
//!
//! Over a window of an AppVM whose program listens to tablets, a tool tells that window all it can. Anywhere else (frames, the
//! desktop, questions, dom0's own clients, windows that know of no tablets) it is the pointer, its tip the left button.
//!
//! Invariants: one window at a time hears of a tool, and is told when that has left it; while it hears of it, the pointer
//! is in no window, only drawn where the tool is; and what of a tool is held down stays with what it was pressed on.

use gui_protocol::{PointerNeeds, ToolState};
use smithay::utils::{Logical, Point};

use crate::{
    backend::{BackendEvent, Tool},
    focus::GuestTarget,
    shell::{self, Hit},
    state::State,
    touch::shell_point,
    windows::Source,
    wire,
};

/// The pointer's buttons that a tool's are where it is the pointer: evdev's codes.
const BUTTONS: [(ToolState, u32); 9] = [
    (ToolState::TIP, 0x110),
    (ToolState::STYLUS, 0x111),
    (ToolState::STYLUS_2, 0x112),
    (ToolState::STYLUS_3, 0x113),
    (ToolState::LEFT, 0x110),
    (ToolState::RIGHT, 0x111),
    (ToolState::MIDDLE, 0x112),
    (ToolState::SIDE, 0x113),
    (ToolState::EXTRA, 0x114),
];

/// The tool that is near, if one is.
#[derive(Debug, Default)]
pub struct Tablet {
    /// As it was told last.
    tool: Option<Tool>,
    /// The window that hears of it.
    guest: Option<GuestTarget>,
    /// What of it the pointer holds as buttons.
    pointing: ToolState,
}

impl Tablet {
    fn held(&self) -> ToolState {
        self.tool.map_or(ToolState::empty(), |tool| tool.held())
    }

    /// Whether a window hears of a tool now.
    pub(crate) fn is_heard(&self) -> bool {
        self.guest.is_some()
    }

    /// Whether something of a tool is held down that was pressed in this window.
    pub(crate) fn is_held_in(&self, id: shell::Id) -> bool {
        self.guest.as_ref().is_some_and(|guest| guest.id == id) && !self.held().is_empty()
    }
}

impl State {
    pub(crate) fn tablet(&mut self, tool: Tool, time: u32) {
        let other = |last: Tool| (last.kind, last.axes) != (tool.kind, tool.axes);
        if !tool.state.contains(ToolState::NEAR) || self.tablet.tool.is_some_and(other) {
            self.tool_away(time);
        }
        if !tool.state.contains(ToolState::NEAR) {
            return;
        }
        let at = self.outputs.nearest((tool.x, tool.y).into());
        let tool = Tool { x: at.x, y: at.y, ..tool };
        let held = self.tablet.held();
        if held.is_empty() {
            let heard_by = self.hears_tool(at);
            if self.tablet.guest != heard_by {
                self.tool_leaves(time);
            }
            self.tablet.guest = heard_by;
        } else if self.tablet.is_heard() && self.shell.grabbed().is_some() {
            // its window is being moved or resized: that is the pointer's
            self.tool_leaves(time);
            self.tablet.pointing = held;
        }
        self.tablet.tool = Some(tool);
        self.pointer_motion(at, time);
        match self.tablet.guest.clone() {
            Some(guest) => {
                if held.is_empty() && !tool.held().is_empty() {
                    let place = shell_point(at);
                    let hit = self.hit(place);
                    self.touched(&hit, place);
                }
                self.tell_tool(&guest, &tool, time);
            }
            None => self.tool_points(held, &tool, time),
        }
        self.apply_effects();
    }

    /// The window that is to hear of a tool at a place where nothing of it is held down.
    fn hears_tool(&self, at: Point<f64, Logical>) -> Option<GuestTarget> {
        let pointer_is_held = self.pointer.buttons != 0
            || self.shell.grabbed().is_some()
            || self.pointer_hold.holder().is_some()
            || self.seat.get_pointer().is_some_and(|pointer| pointer.is_grabbed());
        let Hit::Content { id, .. } = self.hit(shell_point(at)) else { return None };
        match &self.windows.get(id)?.source {
            Source::Guest(guest) if !pointer_is_held => {
                guest.pointer_needs.contains(PointerNeeds::TABLETS).then(|| guest.target.clone())
            }
            _ => None,
        }
    }

    /// The tool is the pointer.
    fn tool_points(&mut self, before: ToolState, tool: &Tool, time_ms: u32) {
        for (flag, button) in BUTTONS {
            let pressed = tool.state.contains(flag);
            if pressed && !before.contains(flag) {
                self.tablet.pointing.insert(flag);
                self.pointer_button(button, true, time_ms);
            } else if !pressed && self.tablet.pointing.contains(flag) {
                self.tablet.pointing.remove(flag);
                self.pointer_button(button, false, time_ms);
            }
        }
        if tool.clicks != 0 {
            self.handle_input(BackendEvent::wheel(0.0, tool.clicks.into(), time_ms));
        }
    }

    /// The tool is near no more: what was held of it is released.
    fn tool_away(&mut self, time: u32) {
        let was_heard = self.tablet.is_heard();
        self.tool_leaves(time);
        let Some(tool) = self.tablet.tool.take() else { return };
        let away = Tool { state: ToolState::empty(), clicks: 0, ..tool };
        self.tool_points(ToolState::empty(), &away, time);
        if was_heard {
            // the pointer stays where the tool has left it
            self.refresh_pointer();
        }
        self.apply_effects();
    }

    /// The window that heard of the tool hears of it no more.
    fn tool_leaves(&mut self, time: u32) {
        let Some(guest) = self.tablet.guest.take() else { return };
        if let Some(tool) = self.tablet.tool {
            let away = Tool { state: ToolState::empty(), wheel: 0.0, clicks: 0, ..tool };
            self.tell_tool(&guest, &away, time);
        }
    }

    /// A window leaves the desktop, and the tool it.
    pub(crate) fn window_loses_tool(&mut self, id: shell::Id) {
        if self.tablet.guest.as_ref().is_some_and(|guest| guest.id == id) {
            self.tool_leaves(self.now_ms());
        }
    }

    /// Whether the pointer's own device may have it now: it takes it from a tool that only hovers.
    pub(crate) fn pointer_is_free(&mut self) -> bool {
        if self.tablet.is_heard() && self.tablet.held().is_empty() {
            self.tool_away(self.now_ms());
        }
        !self.tablet.is_heard()
    }

    fn tell_tool(&mut self, guest: &GuestTarget, tool: &Tool, time: u32) {
        let origin = self.shell.window(guest.id).map(|window| window.content.origin()).unwrap_or_default();
        let tool = wire::tool(tool, origin, time);
        self.with_link(guest.domain, |link| {
            link.tablet(guest.window, tool);
        });
    }
}

//! What level 1 adds to windows besides their pixels: what the agent says of them, and what the daemon tells.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use super::scene::{Held, Stage, StateChange, Untold};
use super::{AgentConn, AgentEvent, Waiting};
use crate::error::Violation;
use crate::limits::{CURSOR_SHAPES, MAX_ARGV, MAX_HEIGHT, MAX_POPUP_DEPTH, MAX_RUNS, MAX_WIDTH};
use crate::message::{DaemonMessage, Message};
use crate::types::{
    Arrange, CursorImage, CursorLook, Edges, Gesture, GestureKind, Image, Modifiers, Output,
    PointerConstraint, PointerNeeds, Popup, Positioner, Presented, PresentedFlags, Rect, RelativeMotion,
    Scale, Scroll, ScrollFlags, ScrollSource, States, Tool, ToolAxes, ToolKind, ToolState, Touch, TouchKind,
    WindowId, Wish, clamp_geometry,
};

/// Before level 1 the daemon is not told of these, unless something else is said here.
impl AgentConn {
    /// Makes a window a popup, before it is mapped, or wants it placed anew; its parent cannot change. Returns the token
    /// that the [`AgentEvent::Arranged`] with its place will have, or 0 if there is no such window, its parent is another, or
    /// it would stand on itself or on more than 32 popups. Sizes and numbers are brought into their limits. Before level 1 popups are placed by the agent:
    /// the window is one that asks not to be managed, above its parent.
    pub fn popup(&mut self, window: WindowId, parent: WindowId, positioner: Positioner) -> u32 {
        let Some(known) = self.windows.get_mut(&window) else { return 0 };
        let may_be = match known.popup {
            Some(before) => before.parent == parent,
            None => known.stage == Stage::Unmapped,
        };
        if !may_be || self.stands_on(parent, window) {
            return 0;
        }
        self.last_token = self.last_token.checked_add(1).unwrap_or(1);
        let positioner = Positioner {
            width: positioner.width.clamp(1, MAX_WIDTH),
            height: positioner.height.clamp(1, MAX_HEIGHT),
            anchor: positioner.anchor.min(8),
            gravity: positioner.gravity.min(8),
            constraint: positioner.constraint & 63,
            ..positioner
        };
        let token = self.last_token;
        self.change(window, Untold::POPUP, |known| known.popup = Some(Popup { parent, token, positioner }));
        token
    }

    /// The window that a window is a dialog of, or that it is none. Before level 1 it is what the window is shown above
    /// if [`AgentConn::map`] names none.
    pub fn parent(&mut self, window: WindowId, parent: Option<WindowId>) {
        self.change(window, Untold::PARENT, |known| known.dialog_of = parent);
    }

    /// Asks for something. States that are asked for hold until the daemon says otherwise, and are told to the next one.
    /// Of the rest only the newest is kept while the channel has no room, and nothing without a link. Before level 1 the
    /// states fullscreen, minimised and attention are asked for as [`AgentConn::flags`].
    pub fn wish(&mut self, window: WindowId, wish: Wish) {
        let only = |state: Held, on: bool| if on { (state, Held::empty()) } else { (Held::empty(), state) };
        let (set, unset) = match wish {
            Wish::Maximised(on) => only(Held::MAXIMISED, on),
            Wish::Fullscreen(on) => only(Held::FULLSCREEN, on),
            Wish::Attention(on) => only(Held::ATTENTION, on),
            Wish::Minimised => only(Held::MINIMISED, true),
            Wish::KeepAwake(on) => only(Held::AWAKE, on),
            Wish::Modal(on) => only(Held::MODAL, on),
            Wish::Tiled(edges) => {
                let tiled = Held::tiled_at(edges);
                (tiled, Held::TILED.difference(tiled))
            }
            Wish::Move | Wish::Resize(_) | Wish::Activate(_) | Wish::WindowMenu => {
                if self.level() > 0 {
                    self.change(window, Untold::STATES, |known| known.deed = Some(wish));
                }
                return;
            }
        };
        let change = StateChange::new(set, unset);
        self.change(window, Untold::STATES, |known| known.ask_states(change));
    }

    /// What the pointer looks like over a window. A shape there is not is the usual one, and a picture that breaks
    /// [`CursorImage::new`]'s rules changes nothing. Before level 1, the nearest of the X cursor font.
    pub fn cursor(&mut self, window: WindowId, cursor: CursorLook) {
        let cursor = match cursor {
            CursorLook::Hidden => CursorLook::Hidden,
            CursorLook::Shape(shape @ 1..=CURSOR_SHAPES) => CursorLook::Shape(shape),
            CursorLook::Shape(_) => CursorLook::default(),
            CursorLook::Image(CursorImage {
                image: Image { width, height, pixels },
                hot_x,
                hot_y,
                scale,
            }) => match CursorImage::new((width, height), (hot_x, hot_y), scale, pixels) {
                Some(image) => CursorLook::Image(image),
                None => return,
            },
        };
        self.change(window, Untold::CURSOR, |known| known.cursor = cursor);
    }

    /// A window's icon; one that breaks [`Image::icon`]'s rules changes nothing.
    pub fn icon(&mut self, window: WindowId, icon: Image) {
        if let Some(icon) = Image::icon(icon.width, icon.height, icon.pixels) {
            self.change(window, Untold::ICON, |known| known.icon = Some(icon));
        }
    }

    /// A window would like to hold the pointer, in this region in logical pixels from its corner, or all of it. What comes
    /// of it is told by [`AgentEvent::PointerConstrained`].
    pub fn constrain_pointer(&mut self, window: WindowId, kind: PointerConstraint, region: Option<Rect>) {
        self.change(window, Untold::CONSTRAINT, |known| known.constraint = (kind, region));
    }

    /// What a window's client listens to; nothing at first.
    pub fn pointer_needs(&mut self, window: WindowId, needs: PointerNeeds) {
        self.change(window, Untold::NEEDS, |known| known.needs = needs);
    }

    /// What became of a command: its process's id, or the number of the error. A 0 or more than 2147483647 is error 22.
    /// Does nothing if the link that asked has ended.
    pub fn run_result(&mut self, token: u32, result: Result<u32, u32>) {
        const INVALID: i32 = -22;
        let number = |value: u32| i32::try_from(value).ok().filter(|value| *value > 0);
        let status = match result {
            Ok(process) => number(process).unwrap_or(INVALID),
            Err(error) => number(error).map_or(INVALID, i32::wrapping_neg),
        };
        if self.asked_runs.remove(&token) {
            self.tell_in_turn(Waiting::RunResult { token, status });
        }
    }

    /// All before [`AgentEvent::Sync`] has been handled. The daemon hears it after everything that was said before. Does
    /// nothing if the link that asked has ended.
    pub fn sync_done(&mut self, token: u32) {
        if self.asked_sync.take_if(|asked| *asked == token).is_some() {
            self.tell_in_turn(Waiting::SyncDone(token));
        }
    }

    /// Asks the daemon to answer when it has handled everything said before. Tells whether it is asked: not before level 1.
    pub fn sync(&mut self, token: u32) -> bool {
        self.tell_in_turn(Waiting::Sync(token))
    }

    /// Whether `window` is `below`, or a popup on it, or on more windows than there may be.
    fn stands_on(&self, window: WindowId, below: WindowId) -> bool {
        let mut at = Some(window);
        for _ in 0..MAX_POPUP_DEPTH {
            match at {
                None => return false,
                Some(window) if window == below => return true,
                Some(window) => {
                    at = self.windows.get(&window).and_then(|known| known.popup).map(|popup| popup.parent)
                }
            }
        }
        at.is_some()
    }

    /// Remembers what is to be answered.
    pub(super) fn note_asked(&mut self, window: WindowId, message: &DaemonMessage) -> Result<(), Violation> {
        match *message {
            DaemonMessage::Sync { token } => self.asked_sync = Some(token),
            DaemonMessage::Run { token, .. }
                if token == 0 || self.asked_runs.len() >= MAX_RUNS || !self.asked_runs.insert(token) =>
            {
                let rule = "not 0 nor that of one of at most 64 unanswered";
                return Err(Violation::Field { message: "RUN", window, field: "token", value: token, rule });
            }
            _ => {}
        }
        Ok(())
    }

    pub(super) fn handle_arrange(
        &mut self,
        window: WindowId,
        message: &DaemonMessage,
    ) -> Result<AgentEvent, Violation> {
        let mut arrange = arrange(window, message)?;
        let parent = self.windows.get(&window).and_then(|known| known.popup).map(|popup| popup.parent);
        let corner = parent.and_then(|parent| self.geometry(parent)).unwrap_or_default();
        if let Some(known) = self.windows.get_mut(&window) {
            arrange.serial = known.arranged_before.saturating_add(arrange.serial);
            known.arranged = known.arranged.max(arrange.serial);
            let (width, height) = (arrange.width, arrange.height);
            known.geometry = clamp_geometry(Rect {
                x: corner.x.saturating_add(arrange.x),
                y: corner.y.saturating_add(arrange.y),
                width: if width > 0 { width } else { known.geometry.width },
                height: if height > 0 { height } else { known.geometry.height },
            });
            let mut edges = Edges::empty();
            edges.set(Edges::TOP, arrange.states.contains(States::TILED_TOP));
            edges.set(Edges::BOTTOM, arrange.states.contains(States::TILED_BOTTOM));
            edges.set(Edges::LEFT, arrange.states.contains(States::TILED_LEFT));
            edges.set(Edges::RIGHT, arrange.states.contains(States::TILED_RIGHT));
            let mut states = Held::tiled_at(edges);
            states.set(Held::FULLSCREEN, arrange.states.contains(States::FULLSCREEN));
            states.set(Held::MAXIMISED, arrange.states.contains(States::MAXIMISED));
            states.set(Held::MINIMISED, arrange.states.contains(States::MINIMISED));
            let others = Held::FULLSCREEN | Held::MAXIMISED | Held::MINIMISED | Held::TILED;
            known.know_states(StateChange::new(states, others.difference(states)));
        }
        Ok(AgentEvent::Arranged { window, arrange })
    }
}

/// The field of a message from the daemon whose value means nothing.
fn undefined(message: &DaemonMessage, window: WindowId, field: &'static str, value: u32) -> Violation {
    Violation::Field { message: message.name(), window, field, value, rule: "a value that is defined" }
}

fn arrange(window: WindowId, message: &DaemonMessage) -> Result<Arrange, Violation> {
    let &DaemonMessage::Arrange {
        serial,
        x,
        y,
        width,
        height,
        bounds_width,
        bounds_height,
        states,
        scale,
        token,
    } = message
    else {
        return Ok(Arrange::default());
    };
    let bounds = (bounds_width > 0 && bounds_height > 0).then_some((bounds_width, bounds_height));
    let states = States::from_bits_truncate(states);
    let scale = Scale::new(scale).ok_or_else(|| undefined(message, window, "scale", scale))?;
    Ok(Arrange { serial, x, y, width, height, bounds, states, scale, token })
}

/// A number of which 65535 is the most.
fn full(
    message: &DaemonMessage,
    window: WindowId,
    field: &'static str,
    value: u32,
) -> Result<u16, Violation> {
    let (message, rule) = (message.name(), "at most 65535");
    value.try_into().map_err(|_| Violation::Field { message, window, field, value, rule })
}

fn tablet(window: WindowId, message: &DaemonMessage) -> Result<AgentEvent, Violation> {
    let &DaemonMessage::Tablet {
        kind,
        axes,
        state,
        x,
        y,
        pressure,
        distance,
        tilt_x,
        tilt_y,
        rotation,
        slider,
        wheel,
        clicks,
        time_ms,
    } = message
    else {
        return Err(undefined(message, window, "type", message.kind()));
    };
    let tool = Tool {
        kind: ToolKind::from_wire(kind).ok_or_else(|| undefined(message, window, "kind", kind))?,
        axes: ToolAxes::from_bits_truncate(axes),
        state: ToolState::from_bits_truncate(state),
        x,
        y,
        pressure: full(message, window, "pressure", pressure)?,
        distance: full(message, window, "distance", distance)?,
        tilt_x,
        tilt_y,
        rotation,
        slider: Tool::bounded_slider(slider),
        wheel,
        clicks,
        time_ms,
    };
    Ok(AgentEvent::Tablet { window, tool })
}

/// What the user does to a window, or the screen did with it.
pub(super) fn input(window: WindowId, message: &DaemonMessage) -> Result<AgentEvent, Violation> {
    let undefined = |field, value| undefined(message, window, field, value);
    Ok(match *message {
        DaemonMessage::Presented { serial, ago_ns, refresh_ns, sequence, flags } => {
            let nanos = |nanos: u32| Duration::from_nanos(nanos.into());
            let refresh = (refresh_ns > 0).then(|| nanos(refresh_ns));
            let flags = PresentedFlags::from_bits_truncate(flags);
            let presented = Presented { serial, ago: nanos(ago_ns), refresh, sequence, flags };
            AgentEvent::Presented { window, presented }
        }
        DaemonMessage::Scroll { horizontal, vertical, v120_x, v120_y, source, flags, time_ms } => {
            let source = ScrollSource::from_wire(source).ok_or_else(|| undefined("source", source))?;
            let flags = ScrollFlags::from_bits_truncate(flags);
            let scroll = Scroll { horizontal, vertical, v120_x, v120_y, source, flags, time_ms };
            AgentEvent::Scroll { window, scroll }
        }
        DaemonMessage::Gesture { kind, fingers, dx, dy, scale, rotation, cancelled, time_ms } => {
            let kind = GestureKind::from_wire(kind).ok_or_else(|| undefined("kind", kind))?;
            let cancelled = cancelled != 0;
            let gesture = Gesture { kind, fingers, dx, dy, scale, rotation, cancelled, time_ms };
            AgentEvent::Gesture { window, gesture }
        }
        DaemonMessage::Touch { kind, id, x, y, time_ms } => {
            let kind = TouchKind::from_wire(kind).ok_or_else(|| undefined("kind", kind))?;
            AgentEvent::Touch { window, touch: Touch { kind, id, x, y, time_ms } }
        }
        DaemonMessage::Tablet { .. } => tablet(window, message)?,
        DaemonMessage::RelativeMotion { dx, dy, dx_unaccelerated, dy_unaccelerated, time_us } => {
            let motion = RelativeMotion { dx, dy, dx_unaccelerated, dy_unaccelerated, time_us };
            AgentEvent::RelativeMotion { window, motion }
        }
        DaemonMessage::PointerConstrained { kind } => {
            let kind = PointerConstraint::from_wire(kind).ok_or_else(|| undefined("kind", kind))?;
            AgentEvent::PointerConstrained { window, kind }
        }
        _ => return Err(undefined("type", message.kind())),
    })
}

/// What is about no window.
pub(super) fn of_the_link(window: WindowId, message: DaemonMessage) -> Result<AgentEvent, Violation> {
    let name = message.name();
    Ok(match message {
        DaemonMessage::Outputs { outputs } => {
            let outputs: Result<Vec<_>, _> = outputs.into_iter().map(Output::from_wire).collect();
            AgentEvent::Outputs(outputs.map_err(|scale| Violation::Field {
                message: name,
                window,
                field: "scale",
                value: scale,
                rule: "60 to 960",
            })?)
        }
        DaemonMessage::Keymap { text } => {
            let length = text.0.len();
            let text = text.text().ok_or(Violation::Text { message: name, window, length })?;
            AgentEvent::Keymap(text)
        }
        DaemonMessage::Modifiers { depressed, latched, locked, group } => {
            AgentEvent::Modifiers(Modifiers { depressed, latched, locked, group })
        }
        DaemonMessage::Run { token, argv } => {
            let length = argv.0.len();
            let argv = words(&argv.0).ok_or(Violation::Text { message: name, window, length })?;
            AgentEvent::Run { token, argv }
        }
        DaemonMessage::Sync { token } => AgentEvent::Sync { token },
        DaemonMessage::SyncDone { token } => AgentEvent::SyncDone { token },
        message => return Err(undefined(&message, window, "type", message.kind())),
    })
}

/// The words of a command, each ended by a NUL.
fn words(argv: &[u8]) -> Option<Vec<String>> {
    let words = str::from_utf8(argv.strip_suffix(&[0])?).ok()?.split('\0');
    let words: Vec<String> = words.take(MAX_ARGV.saturating_add(1)).map(String::from).collect();
    (words.len() <= MAX_ARGV).then_some(words)
}

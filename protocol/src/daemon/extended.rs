//! What level 1 adds to a window besides its pixels: what its agent says of it, and what the daemon tells.

use alloc::vec::Vec;

use super::window::{Stage, Window};
use super::{DaemonConn, DaemonEvent, Owed};
use crate::error::Violation;
use crate::limits::{
    MAX_ARGV, MAX_ARGV_BYTES, MAX_HEIGHT, MAX_KEYMAP, MAX_OUTPUTS, MAX_POPUP_DEPTH, MAX_RUNS, MAX_WIDTH,
};
use crate::message::{AgentMessage, Bytes, DaemonMessage};
use crate::types::{
    Arrange, BufferId, CursorImage, CursorLook, Gesture, Image, Modifiers, Output, PointerConstraint,
    PointerNeeds, Positioner, Presented, Rect, RelativeMotion, Scale, Scroll, States, Tool, Touch,
    WindowFlags, WindowId, Wish, clamp_geometry,
};

/// A `POPUP`'s flags.
pub(crate) const REACTIVE: u32 = 1;
pub(crate) const GRAB: u32 = 2;
/// Windows' ids in messages that are about none.
const NO_WINDOW: WindowId = WindowId(0);

impl DaemonConn {
    /// An unknown window is none, and so is one that would make a window its own dialog.
    pub(super) fn handle_parent(&mut self, window: WindowId, parent: WindowId) {
        let is_parent =
            self.windows.contains_key(&parent) && !self.stands_on(parent, window, |above| above.dialog_of);
        let parent = is_parent.then_some(parent);
        if let Some(known) = self.windows.get_mut(&window) {
            known.dialog_of = parent;
            self.events.push_back(DaemonEvent::Parent { window, parent });
        }
    }

    pub(super) fn handle_popup(&mut self, window: WindowId, message: &AgentMessage) -> Result<(), Violation> {
        let Some((parent, token, positioner)) = positioner(window, message)? else { return Ok(()) };
        let parent_exists = self.windows.contains_key(&parent);
        let is_circle = self.stands_on(parent, window, |above| above.popup_of);
        let Some(known) = self.windows.get_mut(&window) else { return Ok(()) };
        let wrong = |field, value, rule| Violation::Field { message: "POPUP", window, field, value, rule };
        if !known.is_popup && known.stage != Stage::Unmapped {
            return Err(wrong("window", window.0, "unmapped before it is a popup"));
        }
        if known.popup_of.is_some_and(|before| before != parent) {
            return Err(wrong("parent", parent.0, "the same as before"));
        }
        if is_circle {
            return Err(wrong(
                "parent",
                parent.0,
                "another window, that does not stand on it nor on 32 popups",
            ));
        }
        known.is_popup = true;
        if !parent_exists {
            // It may have gone a moment ago.
            self.send(window, &DaemonMessage::Close {});
            return Ok(());
        }
        known.popup_of = Some(parent);
        self.events.push_back(DaemonEvent::Popup { window, parent, token, positioner });
        Ok(())
    }

    /// Whether `window` is `below`, or stands on it, or on more windows than are looked at.
    fn stands_on(&self, window: WindowId, below: WindowId, next: fn(&Window) -> Option<WindowId>) -> bool {
        let mut at = Some(window);
        for _ in 0..MAX_POPUP_DEPTH {
            match at {
                None => return false,
                Some(window) if window == below => return true,
                Some(window) => at = self.windows.get(&window).and_then(next),
            }
        }
        at.is_some()
    }

    pub(super) fn handle_wish(&mut self, window: WindowId, kind: u32, value: u32) -> Result<(), Violation> {
        let is_kind = (1..=11).contains(&kind);
        let (field, said) = if is_kind { ("value", value) } else { ("kind", kind) };
        let rule = if is_kind { "one of its kind's" } else { "1 to 11" };
        let violation = Violation::Field { message: "WISH", window, field, value: said, rule };
        let wish = Wish::from_wire(kind, value).ok_or(violation)?;
        self.events.push_back(DaemonEvent::Wished { window, wish });
        Ok(())
    }

    pub(super) fn handle_cursor_shape(&mut self, window: WindowId, shape: u32) -> Result<(), Violation> {
        let (message, field, rule) = ("CURSOR_SHAPE", "shape", "0 to 36");
        let violation = Violation::Field { message, window, field, value: shape, rule };
        let cursor = CursorLook::from_wire(shape).ok_or(violation)?;
        self.events.push_back(DaemonEvent::CursorChanged { window, cursor });
        Ok(())
    }

    pub(super) fn handle_cursor_image(
        &mut self,
        window: WindowId,
        message: AgentMessage,
    ) -> Result<(), Violation> {
        let AgentMessage::CursorImage { width, height, hot_x, hot_y, scale, pixels } = message else {
            return Ok(());
        };
        let message = "CURSOR_IMAGE";
        let (field, rule) = ("scale", "60 to 960");
        let violation = Violation::Field { message, window, field, value: scale, rule };
        let scale = Scale::new(scale).ok_or(violation)?;
        let rule = "1x1 to 256x256 with 4 bytes a pixel and the hot spot in it";
        let violation = Violation::Picture { message, window, width, height, length: pixels.0.len(), rule };
        let image = CursorImage::new((width, height), (hot_x, hot_y), scale, pixels.0).ok_or(violation)?;
        let cursor = CursorLook::Image(image);
        self.events.push_back(DaemonEvent::CursorChanged { window, cursor });
        Ok(())
    }

    pub(super) fn handle_icon(
        &mut self,
        window: WindowId,
        (width, height): (u32, u32),
        pixels: Vec<u8>,
    ) -> Result<(), Violation> {
        let (message, length) = ("ICON", pixels.len());
        let rule = "0x0, or 1x1 to 256x256, with 4 bytes a pixel";
        let violation = Violation::Picture { message, window, width, height, length, rule };
        let icon = Image::icon(width, height, pixels).ok_or(violation)?;
        self.events.push_back(DaemonEvent::Icon { window, icon });
        Ok(())
    }

    pub(super) fn handle_constrain_pointer(
        &mut self,
        window: WindowId,
        kind: u32,
        region: Rect,
    ) -> Result<(), Violation> {
        let (message, field, rule) = ("CONSTRAIN_POINTER", "kind", "0, 1 or 2");
        let violation = Violation::Field { message, window, field, value: kind, rule };
        let kind = PointerConstraint::from_wire(kind).ok_or(violation)?;
        let region = (!region.is_empty()).then(|| clamp_region(region));
        self.events.push_back(DaemonEvent::ConstrainPointer { window, kind, region });
        Ok(())
    }

    pub(super) fn handle_pointer_needs(&mut self, window: WindowId, needs: u32) -> Result<(), Violation> {
        let (message, field, rule) = ("POINTER_NEEDS", "needs", "a set of 1, 2 and 4");
        let violation = Violation::Field { message, window, field, value: needs, rule };
        let needs = PointerNeeds::from_bits(needs).ok_or(violation)?;
        self.events.push_back(DaemonEvent::PointerNeeds { window, needs });
        Ok(())
    }

    pub(super) fn handle_run_result(
        &mut self,
        window: WindowId,
        token: u32,
        status: i32,
    ) -> Result<(), Violation> {
        let message = "RUN_RESULT";
        if !self.runs.remove(&token) {
            let (field, rule) = ("token", "that of a RUN that was not answered");
            return Err(Violation::Field { message, window, field, value: token, rule });
        }
        let number = status.unsigned_abs();
        let result = match status {
            0 => {
                let (field, rule) = ("status", "a process id above 0 or an error number below");
                return Err(Violation::Field { message, window, field, value: number, rule });
            }
            1.. => Ok(number),
            _ => Err(number),
        };
        self.events.push_back(DaemonEvent::RunResult { token, result });
        Ok(())
    }

    pub(super) fn handle_sync_done(&mut self, window: WindowId, token: u32) -> Result<(), Violation> {
        if self.sync.take_if(|pending| *pending == token).is_none() {
            let (message, field, rule) = ("SYNC_DONE", "token", "that of the SYNC that was not answered");
            return Err(Violation::Field { message, window, field, value: token, rule });
        }
        self.events.push_back(DaemonEvent::SyncDone { token });
        Ok(())
    }

    /// Says what a window is to be; its serial is given here and returned, and comes back in the commits that have taken
    /// it into account. Not sent again if nothing changes. A new size waits for the answer to the one before, and all
    /// wait while eight are unanswered; of those that wait only the newest is sent, and they share one serial.
    ///
    /// Before level 1 this is [`DaemonConn::configure`], if it has a size, and what changes of the states fullscreen and
    /// minimised; the serials mean nothing then. Returns 0 for a window that does not exist.
    pub fn arrange(&mut self, window: WindowId, arrange: Arrange) -> u32 {
        if self.version().is_none() {
            return 0;
        }
        let is_extended = self.level() > 0;
        let Some(known) = self.seen(window) else { return 0 };
        let arrange = Arrange {
            width: arrange.width.min(MAX_WIDTH),
            height: arrange.height.min(MAX_HEIGHT),
            ..arrange
        };
        let (serial, now) = known.arranging.want(arrange);
        if is_extended {
            if let Some(now) = now {
                self.send_arrange(window, now);
            }
            return serial;
        }
        let mut flags = WindowFlags::empty();
        flags.set(WindowFlags::FULLSCREEN, arrange.states.contains(States::FULLSCREEN));
        flags.set(WindowFlags::MINIMIZE, arrange.states.contains(States::MINIMISED));
        let before = core::mem::replace(&mut known.told_flags, flags);
        let Arrange { x, y, width, height, .. } = arrange;
        if width > 0 && height > 0 {
            self.configure(window, Rect { x, y, width, height });
        }
        if before != flags {
            self.flags(window, flags.difference(before), before.difference(flags));
        }
        serial
    }

    pub(super) fn send_arrange(&mut self, window: WindowId, arrange: Arrange) {
        let Arrange { serial, x, y, width, height, bounds, states, scale, token } = arrange;
        let (bounds_width, bounds_height) = bounds.unwrap_or_default();
        let (states, scale) = (states.bits(), scale.in_120ths());
        let message = DaemonMessage::Arrange {
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
        };
        self.send(window, &message);
    }

    /// All outputs, the primary one first; to be told at once when the link is connected, and at each change. Of more
    /// than 16 the rest is left out.
    pub fn outputs(&mut self, outputs: &[Output]) {
        let outputs = outputs.iter().take(MAX_OUTPUTS as usize).map(|output| output.to_wire()).collect();
        self.send(NO_WINDOW, &DaemonMessage::Outputs { outputs });
    }

    /// A buffer will not be read any more for the commits the caller was told of. Nothing is sent if the caller does not
    /// hold it, or a later commit of it is on its way to the caller.
    pub fn release(&mut self, window: WindowId, buffer: BufferId) {
        if let Some(serial) = self.seen(window).and_then(|known| known.frames.release(buffer)) {
            self.send(window, &DaemonMessage::Release { buffer, serial });
        }
    }

    /// The references of a buffer that left its pool will not be looked at again. Also for a window that was destroyed
    /// since.
    pub fn buffer_removed(&mut self, window: WindowId, buffer: BufferId) {
        let answered = self.owed.iter_mut().find_map(|owed| match owed {
            Owed::Removal { window: of, buffer: removed, done, .. }
                if *of == window && *removed == buffer && !*done =>
            {
                Some(done)
            }
            _ => None,
        });
        if let Some(done) = answered {
            *done = true;
            self.pay();
        }
    }

    /// This commit of a window, and all before it, are taken for a frame: its client may draw the next. Of a window nobody
    /// sees, not more often than once a second.
    pub fn frame_done(&mut self, window: WindowId, serial: u64) {
        if self.seen(window).is_some_and(|known| known.frames.done(serial)) {
            self.send(window, &DaemonMessage::FrameDone { serial });
        }
    }

    /// A commit that wanted to know has been seen.
    pub fn presented(&mut self, window: WindowId, presented: Presented) {
        let Presented { serial, ago, refresh, sequence, flags } = presented;
        if self.seen(window).is_some_and(|known| known.frames.knows(serial)) {
            let nanos = |time: core::time::Duration| u32::try_from(time.as_nanos()).unwrap_or(u32::MAX);
            let (ago_ns, refresh_ns) = (nanos(ago), refresh.map_or(0, nanos));
            let flags = flags.bits();
            self.send(window, &DaemonMessage::Presented { serial, ago_ns, refresh_ns, sequence, flags });
        }
    }

    /// The user scrolls in a window.
    pub fn scroll(&mut self, window: WindowId, scroll: Scroll) -> bool {
        let Scroll { horizontal, vertical, v120_x, v120_y, source, flags, time_ms } = scroll;
        let (source, flags) = (source.to_wire(), flags.bits());
        let message = DaemonMessage::Scroll { horizontal, vertical, v120_x, v120_y, source, flags, time_ms };
        self.send_to(window, &message)
    }

    /// The user makes a gesture in a window.
    pub fn gesture(&mut self, window: WindowId, gesture: Gesture) -> bool {
        let Gesture { kind, fingers, dx, dy, scale, rotation, cancelled, time_ms } = gesture;
        let (kind, cancelled) = (kind.to_wire(), cancelled.into());
        let message = DaemonMessage::Gesture { kind, fingers, dx, dy, scale, rotation, cancelled, time_ms };
        self.send_to(window, &message)
    }

    /// The user touches a window.
    pub fn touch(&mut self, window: WindowId, touch: Touch) -> bool {
        let Touch { kind, id, x, y, time_ms } = touch;
        self.send_to(window, &DaemonMessage::Touch { kind: kind.to_wire(), id, x, y, time_ms })
    }

    /// The user holds a tool to a tablet, for a window that needs to know.
    pub fn tablet(&mut self, window: WindowId, tool: Tool) -> bool {
        let Tool { kind, axes, state, x, y, tilt_x, tilt_y, rotation, wheel, clicks, time_ms, .. } = tool;
        let message = DaemonMessage::Tablet {
            kind: kind.to_wire(),
            axes: axes.bits(),
            state: state.bits(),
            x,
            y,
            pressure: tool.pressure.into(),
            distance: tool.distance.into(),
            tilt_x,
            tilt_y,
            rotation,
            slider: Tool::bounded_slider(tool.slider),
            wheel,
            clicks,
            time_ms,
        };
        self.send_to(window, &message)
    }

    /// The pointer's device moved, for a window that needs to know.
    pub fn relative_motion(&mut self, window: WindowId, motion: RelativeMotion) -> bool {
        let RelativeMotion { dx, dy, dx_unaccelerated, dy_unaccelerated, time_us } = motion;
        let message = DaemonMessage::RelativeMotion { dx, dy, dx_unaccelerated, dy_unaccelerated, time_us };
        self.send_to(window, &message)
    }

    /// What has become of a window's wish for the pointer.
    pub fn pointer_constrained(&mut self, window: WindowId, kind: PointerConstraint) -> bool {
        self.send_to(window, &DaemonMessage::PointerConstrained { kind: kind.to_wire() })
    }

    /// The keymap in XKB's text form, to be told when the link is connected and at each change. Tells whether it was
    /// sent: it is not if it has more than 262144 bytes, or a NUL.
    pub fn keymap(&mut self, text: &str) -> bool {
        let fits = text.len() <= MAX_KEYMAP as usize && !text.contains('\0');
        fits && self.send(NO_WINDOW, &DaemonMessage::Keymap { text: Bytes(text.into()) })
    }

    /// The keyboard's state; before a focus comes to the domain, and at each change while it is there.
    pub fn modifiers(&mut self, modifiers: Modifiers) -> bool {
        let Modifiers { depressed, latched, locked, group } = modifiers;
        self.send(NO_WINDOW, &DaemonMessage::Modifiers { depressed, latched, locked, group })
    }

    /// Gives the agent a command to run. Tells whether it was sent: it is not before level 1, with a token that is 0 or
    /// unanswered, without words or with more than 256, with a NUL in one, with more than 65536 bytes in all (each word
    /// has one more), or while 64 are unanswered.
    pub fn run(&mut self, token: u32, argv: &[&str]) -> bool {
        let is_free = token != 0 && !self.runs.contains(&token) && self.runs.len() < MAX_RUNS;
        let is_argv = (1..=MAX_ARGV).contains(&argv.len()) && !argv.iter().any(|word| word.contains('\0'));
        let bytes: Vec<u8> = argv.iter().flat_map(|word| word.bytes().chain([0])).collect();
        let sent = is_free
            && is_argv
            && bytes.len() <= MAX_ARGV_BYTES as usize
            && self.send(NO_WINDOW, &DaemonMessage::Run { token, argv: Bytes(bytes) });
        if sent {
            self.runs.insert(token);
        }
        sent
    }

    /// Asks the agent to answer when it has handled all that was sent. Tells whether it was asked: not before level 1, nor
    /// while an earlier one is unanswered.
    pub fn sync(&mut self, token: u32) -> bool {
        let sent = self.sync.is_none() && self.send(NO_WINDOW, &DaemonMessage::Sync { token });
        if sent {
            self.sync = Some(token);
        }
        sent
    }

    /// The `SYNC` that the agent has not answered.
    #[must_use]
    pub fn pending_sync(&self) -> Option<u32> {
        self.sync
    }

    /// All before [`DaemonEvent::Sync`] has been handled.
    pub fn sync_done(&mut self, token: u32) {
        self.send(NO_WINDOW, &DaemonMessage::SyncDone { token });
    }
}

/// The part of a window with its numbers brought into the protocol's limits. May be empty.
fn clamp_region(region: Rect) -> Rect {
    let Rect { x, y, .. } = clamp_geometry(region);
    Rect { x, y, width: region.width.min(MAX_WIDTH), height: region.height.min(MAX_HEIGHT) }
}

/// What a `POPUP` says.
fn positioner(
    window: WindowId,
    message: &AgentMessage,
) -> Result<Option<(WindowId, u32, Positioner)>, Violation> {
    let &AgentMessage::Popup {
        parent,
        token,
        anchor_rect,
        width,
        height,
        anchor,
        gravity,
        constraint,
        offset_x,
        offset_y,
        flags,
    } = message
    else {
        return Ok(None);
    };
    let name = "POPUP";
    if !(1..=MAX_WIDTH).contains(&width) || !(1..=MAX_HEIGHT).contains(&height) {
        let rule = "1x1 to 16384x6144";
        return Err(Violation::Size { message: name, window, width, height, rule });
    }
    let rules = [
        ("token", token, 1, u32::MAX, "not 0"),
        ("anchor", anchor, 0, 8, "0 to 8"),
        ("gravity", gravity, 0, 8, "0 to 8"),
        ("constraint", constraint, 0, 63, "a set of 1 to 32"),
        ("flags", flags, 0, REACTIVE | GRAB, "a set of 1 and 2"),
    ];
    for (field, value, least, most, rule) in rules {
        if !(least..=most).contains(&value) {
            return Err(Violation::Field { message: name, window, field, value, rule });
        }
    }
    let (reactive, grab) = (flags & REACTIVE != 0, flags & GRAB != 0);
    let Rect { x: offset_x, y: offset_y, .. } = clamp_geometry(Rect::new(offset_x, offset_y, 1, 1));
    let positioner = Positioner {
        anchor_rect: clamp_region(anchor_rect),
        width,
        height,
        anchor,
        gravity,
        constraint,
        offset_x,
        offset_y,
        reactive,
        grab,
    };
    Ok(Some((parent, token, positioner)))
}

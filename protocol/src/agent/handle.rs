//! What the daemon's messages mean, and telling it of the scene.

use alloc::vec::Vec;

use super::scene::{FlagChange, Stage, Untold};
use super::{AgentConn, AgentEvent, BufferSerial, Link};
use crate::daemon::commands::kind;
use crate::error::Violation;
use crate::framing::Framer;
use crate::message::{AgentMessage, DaemonMessage, Message};
use crate::types::{
    ButtonInput, CrossingInput, HintFlags, KeyInput, Rect, Screen, SizeHints, WindowFlags, WindowId,
    clamp_geometry,
};
use crate::version::Version;
use crate::wire::{Reader, fill};

/// The oldest minor version in which a daemon says what it chose, and so the least it may say.
const LEAST_ANSWER: u16 = 4;
/// Bits of a pixel, of which the upper eight mean nothing.
const BITS_PER_PIXEL: u32 = 32;

impl AgentConn {
    pub(super) fn receive(&mut self, mut bytes: &[u8]) -> Result<(), Violation> {
        let offered = self.offered();
        match &mut self.link {
            Link::Down | Link::Ended(_) => return Ok(()),
            Link::Running(_) => {}
            Link::Greeting { partial, .. } => {
                let length = if offered.daemon_tells_version() { 20 } else { 16 };
                if !fill(partial, length, &mut bytes) {
                    return Ok(());
                }
                let answer = core::mem::take(partial);
                self.greeted(&answer, offered)?;
            }
        }
        while let Some((window, message)) = self.framer.pull(&mut bytes)? {
            self.handle(window, message)?;
        }
        Ok(())
    }

    /// Takes the daemon's answer to the greeting, and announces everything.
    fn greeted(&mut self, answer: &[u8], offered: Version) -> Result<(), Violation> {
        let mut answer = Reader::new(answer);
        let mut field = || answer.u32().unwrap_or_default();
        let version = if offered.daemon_tells_version() { Version::from_wire(field()) } else { offered };
        if version.major != offered.major
            || version > offered
            || version.minor < LEAST_ANSWER.min(offered.minor)
        {
            return Err(Violation::Version { theirs: version, ours: offered, lowest: LEAST_ANSWER });
        }
        let screen = Screen { width: field(), height: field(), depth: field(), mem_kib: field() };
        self.framer = Framer::new(version);
        self.link = Link::Running(version);
        self.events.push_back(AgentEvent::Connected { version, screen });
        let mut windows: Vec<_> = self.windows.iter().map(|(window, known)| (known.order, *window)).collect();
        windows.sort_unstable();
        for (_, window) in windows {
            self.tell(window);
        }
        Ok(())
    }

    fn handle(&mut self, window: WindowId, message: DaemonMessage) -> Result<(), Violation> {
        let name = message.name();
        // What does not depend on the window.
        match message {
            DaemonMessage::Destroy {} => {
                self.dying.remove(&window);
                return Ok(());
            }
            DaemonMessage::WindowDumpAck {} => {
                self.handle_dump_ack(window);
                return Ok(());
            }
            DaemonMessage::KeymapNotify { keys } => {
                self.events.push_back(AgentEvent::KeymapNotify { keys });
                return Ok(());
            }
            DaemonMessage::ClipboardData { data } => {
                self.events.push_back(AgentEvent::Clipboard { data });
                return Ok(());
            }
            _ => {}
        }
        // Meant for a window that is gone, if the daemon does not know of one with this id.
        if !self.windows.get(&window).is_some_and(|known| known.announced) {
            return Ok(());
        }
        let either = |value: u32, yes: u32, no: u32, rule: &'static str| match value {
            value if value == yes => Ok(true),
            value if value == no => Ok(false),
            value => Err(Violation::Field { message: name, window, field: "type", value, rule }),
        };
        let event = match message {
            DaemonMessage::Configure { x, y, width, height, .. } => {
                let geometry = self.handle_configure(window, Rect { x, y, width, height });
                AgentEvent::Configure { window, geometry }
            }
            DaemonMessage::Close {} => AgentEvent::Close { window },
            DaemonMessage::Keypress { kind, x, y, state, keycode } => {
                let pressed = either(kind, kind::KEY_PRESS, kind::KEY_RELEASE, "2 or 3")?;
                AgentEvent::Key { window, input: KeyInput { pressed, x, y, state, keycode } }
            }
            DaemonMessage::Button { kind, x, y, state, button } => {
                let pressed = either(kind, kind::BUTTON_PRESS, kind::BUTTON_RELEASE, "4 or 5")?;
                AgentEvent::Button { window, input: ButtonInput { pressed, x, y, state, button } }
            }
            DaemonMessage::Motion { x, y, state, .. } => AgentEvent::Motion { window, x, y, state },
            // Crossings because of grabs say nothing of where the pointer is.
            DaemonMessage::Crossing { mode: 1.., .. } => return Ok(()),
            DaemonMessage::Crossing { kind, x, y, state, focus, .. } => {
                let entered = either(kind, kind::ENTER, kind::LEAVE, "7 or 8")?;
                AgentEvent::Crossing {
                    window,
                    input: CrossingInput { entered, x, y, state, focus: focus != 0 },
                }
            }
            DaemonMessage::Focus { kind, .. } => {
                let focused = either(kind, kind::FOCUS_IN, kind::FOCUS_OUT, "9 or 10")?;
                AgentEvent::Focus { window, focused }
            }
            DaemonMessage::WindowFlags { set, unset } => {
                let flags = WindowFlags::from_bits_truncate;
                let change = FlagChange::new(flags(set), flags(unset));
                if let Some(known) = self.windows.get_mut(&window) {
                    known.know_flags(change);
                }
                AgentEvent::Flags { window, set: change.set, unset: change.unset }
            }
            DaemonMessage::Map { .. } => AgentEvent::Mapped { window },
            DaemonMessage::ClipboardReq {} => AgentEvent::ClipboardRequested { window },
            // Handled above, or obsolete and without a meaning.
            DaemonMessage::Destroy {}
            | DaemonMessage::WindowDumpAck {}
            | DaemonMessage::KeymapNotify { .. }
            | DaemonMessage::ClipboardData { .. }
            | DaemonMessage::Resize { .. }
            | DaemonMessage::Execute { .. } => return Ok(()),
        };
        self.events.push_back(event);
        Ok(())
    }

    /// The daemon's word holds, and is repeated to it at once. A wish it cannot have seen yet is void. What is kept of
    /// it is within the limits, as the next daemon is to be told of it.
    fn handle_configure(&mut self, window: WindowId, told: Rect) -> Rect {
        let geometry = clamp_geometry(told);
        if let Some(known) = self.windows.get_mut(&window) {
            known.geometry = geometry;
            known.untold.remove(Untold::CONFIGURE);
            let configure = configure(told, known.override_redirect);
            self.send(window, &configure);
        }
        geometry
    }

    fn handle_dump_ack(&mut self, window: WindowId) {
        // The oldest of all, with any daemon that keeps the order.
        if let Some(at) = self.unacked.iter().position(|(dumped, _)| *dumped == window)
            && let Some((window, serial)) = self.unacked.remove(at)
        {
            self.release_unless_current(window, serial);
        }
    }

    /// A buffer is not a window's any more: it is released now if no daemon may still look at its references.
    pub(super) fn retire(&mut self, window: WindowId, serial: BufferSerial) {
        if !self.unacked.contains(&(window, serial)) {
            self.events.push_back(AgentEvent::BufferReleased { window, serial });
        }
    }

    pub(super) fn release_unless_current(&mut self, window: WindowId, serial: BufferSerial) {
        let current = self.windows.get(&window).and_then(|known| known.buffer.as_ref());
        if current.is_none_or(|buffer| buffer.serial != serial) {
            self.events.push_back(AgentEvent::BufferReleased { window, serial });
        }
    }

    /// Puts a window in the line of those the daemon is to be told of, and tells what there is room for.
    pub(super) fn tell(&mut self, window: WindowId) {
        if self.version().is_none() {
            return;
        }
        if let Some(known) = self.windows.get_mut(&window)
            && !known.in_line
        {
            known.in_line = true;
            self.waiting.push_back(window);
        }
        self.flush();
    }

    /// Tells the daemon what has waited, as long as there is room.
    pub(super) fn flush(&mut self) {
        let Some(version) = self.version() else { return };
        while self.has_room() {
            if let Some(data) = self.clipboard.take() {
                self.send(WindowId(0), &AgentMessage::ClipboardData { data });
            } else if let Some(window) = self.waiting.pop_front() {
                self.tell_all(window, version);
            } else {
                return;
            }
        }
    }

    /// Tells everything about one window that is still to be told.
    fn tell_all(&mut self, window: WindowId, version: Version) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        known.in_line = false;
        let override_redirect = u32::from(known.override_redirect);
        let outbox = &mut self.outbox;
        for untold in core::mem::take(&mut known.untold).iter() {
            let Rect { x, y, width, height } = known.geometry;
            let message = match untold {
                Untold::CREATE => {
                    known.announced = true;
                    let parent = known.parent.unwrap_or_default();
                    AgentMessage::Create { x, y, width, height, parent, override_redirect }
                }
                Untold::UNMAP => {
                    known.unmap_matters = false;
                    AgentMessage::Unmap {}
                }
                Untold::CONFIGURE => configure(known.geometry, known.override_redirect),
                Untold::BUFFER => {
                    let Some(buffer) = &known.buffer else { continue };
                    known.unmap_matters = true;
                    if version.acks_dumps() {
                        self.unacked.push_back((window, buffer.serial));
                    }
                    let (width, height, refs) = (buffer.width, buffer.height, buffer.refs.clone());
                    AgentMessage::WindowDump { kind: 0, width, height, bits_per_pixel: BITS_PER_PIXEL, refs }
                }
                Untold::CLASS => {
                    let Some((class, name)) = known.class else { continue };
                    AgentMessage::WmClass { class, name }
                }
                Untold::HINTS => {
                    let Some(hints) = known.hints else { continue };
                    raw_hints(hints)
                }
                Untold::DOCK => AgentMessage::Dock {},
                Untold::MAP => {
                    let Stage::Mapped { transient_for } = known.stage else { continue };
                    known.unmap_matters = true;
                    AgentMessage::Map { transient_for: transient_for.unwrap_or_default(), override_redirect }
                }
                Untold::TITLE => {
                    let Some(title) = known.title else { continue };
                    AgentMessage::WmName { title }
                }
                Untold::FLAGS => {
                    let FlagChange { set, unset } = core::mem::take(&mut known.flag_change);
                    AgentMessage::WindowFlags { set: set.bits(), unset: unset.bits() }
                }
                Untold::DAMAGE => {
                    for Rect { x, y, width, height } in known.damage.drain(..) {
                        outbox.push(&AgentMessage::ShmImage { x, y, width, height }, window, version);
                    }
                    continue;
                }
                Untold::CURSOR => AgentMessage::Cursor { cursor: known.cursor.to_wire() },
                _ => continue,
            };
            outbox.push(&message, window, version);
        }
    }
}

fn configure(geometry: Rect, override_redirect: bool) -> AgentMessage {
    let Rect { x, y, width, height } = geometry;
    AgentMessage::Configure { x, y, width, height, override_redirect: u32::from(override_redirect) }
}

fn raw_hints(hints: SizeHints) -> AgentMessage {
    let mut flags = HintFlags::empty();
    flags.set(HintFlags::USER_POSITION, hints.user_position);
    flags.set(HintFlags::PROGRAM_POSITION, hints.program_position);
    let mut pair = |flag: HintFlags, pair: Option<(u32, u32)>| {
        flags.set(flag, pair.is_some());
        pair.unwrap_or_default()
    };
    let (min_width, min_height) = pair(HintFlags::MIN, hints.min);
    let (max_width, max_height) = pair(HintFlags::MAX, hints.max);
    let (width_increment, height_increment) = pair(HintFlags::INCREMENT, hints.increment);
    let (base_width, base_height) = pair(HintFlags::BASE, hints.base);
    AgentMessage::WindowHints {
        flags: flags.bits(),
        min_width,
        min_height,
        max_width,
        max_height,
        width_increment,
        height_increment,
        base_width,
        base_height,
    }
}

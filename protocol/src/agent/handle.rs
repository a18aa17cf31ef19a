//! What the daemon's messages mean, and telling it of the scene.

use alloc::vec::Vec;

use super::extended::{input, of_the_link};
use super::scene::{StateChange, Untold};
use super::tell::configure;
use super::{AgentConn, AgentEvent, Link};
use crate::daemon::commands::{WHEELS, kind};
use crate::error::Violation;
use crate::framing::Framer;
use crate::message::{DaemonMessage, Message};
use crate::types::{
    ButtonInput, CrossingInput, KeyInput, Rect, Screen, WindowFlags, WindowId, clamp_geometry,
};
use crate::version::Version;
use crate::wire::{Reader, fill};

/// The oldest minor version in which a daemon says what it chose, and so the least it may say.
const LEAST_ANSWER: u16 = 4;

impl AgentConn {
    pub(super) fn receive(&mut self, mut bytes: &[u8]) -> Result<(), Violation> {
        let offered = self.offered;
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
        let answered = if offered.daemon_tells_version() { Version::from_wire(field()) } else { offered };
        // What both speak is what the daemon says, if it took nothing that was not offered.
        let version = offered.agree(answered);
        let is_offered = version == answered || answered == Version::LEVEL_0;
        if answered.major != offered.major || !is_offered || version.minor < LEAST_ANSWER.min(offered.minor) {
            // A base newer than ours hides the extension from a daemon that does not know it.
            self.plain_next = offered.is_extended();
            return Err(Violation::Version { theirs: answered, ours: offered, lowest: LEAST_ANSWER });
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
                let buffers = self.dying.remove(&window).unwrap_or_default().into_iter();
                self.events.extend(buffers.map(|serial| AgentEvent::BufferRemoved { window, serial }));
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
            DaemonMessage::Outputs { .. }
            | DaemonMessage::Keymap { .. }
            | DaemonMessage::Modifiers { .. }
            | DaemonMessage::Run { .. }
            | DaemonMessage::Sync { .. }
            | DaemonMessage::SyncDone { .. } => {
                self.note_asked(window, &message)?;
                self.events.push_back(of_the_link(window, message)?);
                return Ok(());
            }
            DaemonMessage::FilesOffer { .. }
            | DaemonMessage::FilesData { .. }
            | DaemonMessage::FilesEnd { .. }
            | DaemonMessage::FilesCredit { .. }
            | DaemonMessage::FilesResult { .. } => return self.handle_files(message),
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
            // At level 1 wheels are not buttons.
            DaemonMessage::Button { button, .. } if self.level() > 0 && WHEELS.contains(&button) => {
                return Ok(());
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
                let unset = WindowFlags::from_bits_truncate(unset);
                let set = WindowFlags::from_bits_truncate(set).difference(unset);
                if let Some(known) = self.windows.get_mut(&window) {
                    known.know_states(StateChange::new(set.into(), unset.into()));
                }
                AgentEvent::Flags { window, set, unset }
            }
            DaemonMessage::Map { .. } => AgentEvent::Mapped { window },
            DaemonMessage::ClipboardReq {} => AgentEvent::ClipboardRequested { window },
            DaemonMessage::BufferRemoved { buffer } => {
                self.handle_buffer_removed(window, buffer);
                return Ok(());
            }
            DaemonMessage::Release { buffer, serial } => {
                self.handle_release(window, buffer, serial);
                return Ok(());
            }
            DaemonMessage::FrameDone { serial } if serial <= self.last_commit => {
                AgentEvent::FrameDone { window, serial }
            }
            DaemonMessage::Arrange { .. } => self.handle_arrange(window, &message)?,
            DaemonMessage::Presented { .. }
            | DaemonMessage::Scroll { .. }
            | DaemonMessage::Gesture { .. }
            | DaemonMessage::Touch { .. }
            | DaemonMessage::Tablet { .. }
            | DaemonMessage::RelativeMotion { .. }
            | DaemonMessage::PointerConstrained { .. } => input(window, &message)?,
            // Handled above, or without a meaning.
            DaemonMessage::Destroy {}
            | DaemonMessage::WindowDumpAck {}
            | DaemonMessage::KeymapNotify { .. }
            | DaemonMessage::ClipboardData { .. }
            | DaemonMessage::Resize { .. }
            | DaemonMessage::Execute { .. }
            | DaemonMessage::FrameDone { .. }
            | DaemonMessage::Outputs { .. }
            | DaemonMessage::Keymap { .. }
            | DaemonMessage::Modifiers { .. }
            | DaemonMessage::Run { .. }
            | DaemonMessage::Sync { .. }
            | DaemonMessage::SyncDone { .. }
            | DaemonMessage::FilesOffer { .. }
            | DaemonMessage::FilesData { .. }
            | DaemonMessage::FilesEnd { .. }
            | DaemonMessage::FilesCredit { .. }
            | DaemonMessage::FilesResult { .. } => return Ok(()),
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
            if self.windows.get(&window).is_some_and(|known| known.has(serial)) {
                self.settle_pool(window);
            } else if !self.unacked.contains(&(window, serial)) {
                // Told once more, perhaps: the last acknowledgement counts.
                self.events.push_back(AgentEvent::BufferRemoved { window, serial });
            }
        }
    }
}

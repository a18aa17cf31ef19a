//! What the agent does to its scene.

use alloc::vec::Vec;

use super::scene::{Buffer, FlagChange, Stage, Untold, Window};
use super::{AgentConn, AgentEvent, BufferSerial, CreateError};
use crate::limits::{MAX_HEIGHT, MAX_REFS, MAX_WIDTH, PAGE_BYTES, PIXEL_BYTES};
use crate::message::AgentMessage;
use crate::types::{Cursor, GrantRef, Rect, SizeHints, WindowFlags, WindowId, clamp_geometry};

/// Commands for windows that do not exist do nothing.
impl AgentConn {
    /// A new window, unmapped and without a buffer. Position and size are brought into the protocol's limits.
    ///
    /// # Errors
    ///
    /// The id is in use, here or still at the daemon; take another.
    pub fn create(
        &mut self,
        window: WindowId,
        geometry: Rect,
        parent: Option<WindowId>,
        override_redirect: bool,
    ) -> Result<(), CreateError> {
        if self.windows.contains_key(&window) {
            return Err(CreateError::Exists(window));
        }
        if self.dying.contains(&window) {
            return Err(CreateError::AwaitsDestroyAck(window));
        }
        let order = self.next_order;
        self.next_order = order.saturating_add(1);
        self.windows.insert(window, Window::new(order, clamp_geometry(geometry), parent, override_redirect));
        self.tell(window);
        Ok(())
    }

    /// A window is gone.
    pub fn destroy(&mut self, window: WindowId) {
        let Some(gone) = self.windows.remove(&window) else { return };
        if gone.announced {
            self.send(window, &AgentMessage::Destroy {});
            if self.version().is_some_and(|version| version.acks_destroy()) {
                self.dying.insert(window);
            }
        }
        if let Some(buffer) = gone.buffer {
            self.retire(window, buffer.serial);
        }
    }

    /// A window is to be shown, above `transient_for` if given. Does nothing if it is shown or docked.
    pub fn map(&mut self, window: WindowId, transient_for: Option<WindowId>) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        if known.stage == Stage::Unmapped {
            known.stage = Stage::Mapped { transient_for };
            known.untold.insert(Untold::MAP);
            self.tell(window);
        }
    }

    /// A window is not to be shown any more; its buffer is given up. Does nothing if it is not mapped.
    pub fn unmap(&mut self, window: WindowId) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        if !matches!(known.stage, Stage::Mapped { .. }) {
            return;
        }
        known.stage = Stage::Unmapped;
        known.damage.clear();
        known.untold.remove(Untold::MAP.union(Untold::BUFFER).union(Untold::DAMAGE));
        known.untold.set(Untold::UNMAP, known.unmap_matters);
        let buffer = known.buffer.take();
        self.tell(window);
        if let Some(buffer) = buffer {
            self.retire(window, buffer.serial);
        }
    }

    /// Asks for a geometry. The daemon may answer with another, as [`AgentEvent::Configure`]; until it does, this one
    /// holds. A wish is not repeated while the geometry it was refused for is in force, and one that was not sent
    /// when the daemon's own arrives is dropped.
    pub fn request_configure(&mut self, window: WindowId, geometry: Rect) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        let geometry = clamp_geometry(geometry);
        if geometry == known.geometry || known.wish == Some((geometry, known.geometry)) {
            return;
        }
        if known.announced {
            known.wish = Some((geometry, known.geometry));
            known.untold.insert(Untold::CONFIGURE);
        }
        known.geometry = geometry;
        self.tell(window);
    }

    /// Gives a window new pixels: rows of `width` pixels of 4 bytes from the start of the first page. The one before
    /// is given up. The serial comes back in [`AgentEvent::BufferReleased`]: at once if the window does not exist, a
    /// side is 0 or beyond 16384x6144, or there are too few references, or too many.
    pub fn buffer(&mut self, window: WindowId, width: u32, height: u32, refs: Vec<GrantRef>) -> BufferSerial {
        let serial = BufferSerial(self.next_serial);
        self.next_serial = self.next_serial.saturating_add(1);
        let pages = u32::try_from(refs.len()).unwrap_or(u32::MAX);
        let is_size = (1..=MAX_WIDTH).contains(&width) && (1..=MAX_HEIGHT).contains(&height);
        let needed = width.saturating_mul(height).saturating_mul(PIXEL_BYTES).div_ceil(PAGE_BYTES);
        let is_legal = is_size && (needed..=MAX_REFS).contains(&pages);
        let Some(known) = self.windows.get_mut(&window).filter(|_| is_legal) else {
            self.events.push_back(AgentEvent::BufferReleased { window, serial });
            return serial;
        };
        let before = known.buffer.replace(Buffer { serial, width, height, refs });
        // What was damaged in the one before does not matter: all of the new one is drawn.
        known.damage.clear();
        known.untold.remove(Untold::DAMAGE);
        known.untold.insert(Untold::BUFFER);
        self.tell(window);
        if let Some(before) = before {
            self.retire(window, before.serial);
        }
        serial
    }

    /// A part of a window's buffer has changed. Dropped while the window is not shown or has no buffer.
    pub fn damage(&mut self, window: WindowId, rect: Rect) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        let Some(buffer) = known.buffer.as_ref().filter(|_| known.stage != Stage::Unmapped) else { return };
        if let Some(rect) = rect.clamp_to(buffer.width, buffer.height) {
            known.add_damage(rect);
            self.tell(window);
        }
    }

    /// A window's title, cut to 127 bytes.
    pub fn title(&mut self, window: WindowId, title: &str) {
        self.change(window, Untold::TITLE, |known| known.title = Some(field(title)));
    }

    /// A window's class and instance name, cut to 63 bytes each. Daemons heed them only before the window is mapped.
    pub fn class(&mut self, window: WindowId, class: &str, name: &str) {
        self.change(window, Untold::CLASS, |known| known.class = Some((field(class), field(name))));
    }

    /// The sizes a window likes.
    pub fn hints(&mut self, window: WindowId, hints: SizeHints) {
        self.change(window, Untold::HINTS, |known| known.hints = Some(hints));
    }

    /// Asks to enter and leave states. A flag in both is left.
    pub fn flags(&mut self, window: WindowId, set: WindowFlags, unset: WindowFlags) {
        self.change(window, Untold::FLAGS, |known| known.ask_flags(FlagChange::new(set, unset)));
    }

    /// What the pointer looks like over a window.
    pub fn cursor(&mut self, window: WindowId, cursor: Cursor) {
        self.change(window, Untold::CURSOR, |known| known.cursor = cursor);
    }

    /// A window is an icon for the tray. Does nothing if it is mapped.
    pub fn dock(&mut self, window: WindowId) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        if known.stage == Stage::Unmapped {
            known.stage = Stage::Docked;
            known.untold.insert(Untold::DOCK);
            self.tell(window);
        }
    }

    /// The clipboard, in answer to [`AgentEvent::ClipboardRequested`]; empty if there is none. Too much of it is told
    /// as too much, if the daemon's version can (from 1.8, 256000 bytes), or else as none (65000).
    pub fn clipboard(&mut self, data: &[u8]) {
        let Some(version) = self.version() else { return };
        let (content, wire) = (version.clipboard_max(), version.clipboard_wire_max());
        let told = if data.len() <= content || wire > content { data.len().min(wire) } else { 0 };
        self.clipboard = data.get(..told).map(Vec::from);
        self.flush();
    }

    fn change(&mut self, window: WindowId, what: Untold, change: impl FnOnce(&mut Window)) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        change(known);
        known.untold.insert(what);
        self.tell(window);
    }
}

/// A text in a field of N bytes, cut between characters so that a NUL follows it.
fn field<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [0; N];
    let mut end = text.find('\0').unwrap_or(text.len()).min(N.saturating_sub(1));
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    for (to, from) in field.iter_mut().zip(text.as_bytes().iter().take(end)) {
        *to = *from;
    }
    field
}

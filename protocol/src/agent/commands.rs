//! What the agent does to its scene.

use alloc::string::String;
use alloc::vec::Vec;

use super::scene::{Buffer, Stage, StateChange, Untold, Window};
use super::{AgentConn, AgentEvent, CreateError};
use crate::limits::{MAX_APP_ID, MAX_TITLE};
use crate::message::AgentMessage;
use crate::types::{Rect, SizeHints, WindowFlags, WindowId, clamp_geometry};

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
        if self.dying.contains_key(&window) {
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
        let mut known_buffers = Vec::new();
        for Buffer { serial, told, .. } in gone.pool {
            if told {
                known_buffers.push(serial);
            } else if !self.unacked.contains(&(window, serial)) {
                self.events.push_back(AgentEvent::BufferRemoved { window, serial });
            }
        }
        if gone.announced {
            self.send(window, &AgentMessage::Destroy {});
            if self.version().is_some_and(|version| version.acks_destroy()) {
                self.dying.insert(window, known_buffers);
            }
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

    /// A window is not to be shown any more, and has no content until the next commit; its buffers stay. Does nothing if
    /// it is not mapped.
    pub fn unmap(&mut self, window: WindowId) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        if !matches!(known.stage, Stage::Mapped { .. }) {
            return;
        }
        known.stage = Stage::Unmapped;
        known.untold.remove(Untold::MAP);
        known.untold.set(Untold::UNMAP, known.unmap_matters);
        known.dumped = None;
        self.drop_content(window);
        self.tell(window);
        self.settle_pool(window);
    }

    /// Asks for a geometry; before level 1, where commits say the size. The daemon may answer with another, as [`AgentEvent::Configure`]; until it does, this one
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

    /// A window's title, cut to 1024 bytes, and before level 1 to 127.
    pub fn title(&mut self, window: WindowId, title: &str) {
        let title = cut(title, MAX_TITLE as usize).into();
        self.change(window, Untold::TITLE, |known| known.title = Some(title));
    }

    /// A window's class and instance name, cut to 63 bytes each. Daemons heed them only before the window is mapped. At
    /// level 1 the class is told as the application's id.
    pub fn class(&mut self, window: WindowId, class: &str, name: &str) {
        let [class, name] = [class, name].map(|text| String::from(cut(text, MAX_APP_ID as usize)));
        self.change(window, Untold::CLASS, |known| known.class = Some((class, name)));
    }

    /// Which application a window is of, cut to 256 bytes. Before level 1 it is the class and the instance name.
    pub fn app_id(&mut self, window: WindowId, app_id: &str) {
        self.class(window, app_id, app_id);
    }

    /// The sizes a window likes.
    pub fn hints(&mut self, window: WindowId, hints: SizeHints) {
        self.change(window, Untold::HINTS, |known| known.hints = Some(hints));
    }

    /// Asks to enter and leave states. A flag in both is left. At level 1 they are wishes; none is to leave
    /// [`WindowFlags::MINIMIZE`].
    pub fn flags(&mut self, window: WindowId, set: WindowFlags, unset: WindowFlags) {
        let change = StateChange::new(set.into(), unset.into());
        self.change(window, Untold::STATES, |known| known.ask_states(change));
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

    pub(super) fn change(&mut self, window: WindowId, what: Untold, change: impl FnOnce(&mut Window)) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        change(known);
        known.untold.insert(what);
        self.tell(window);
    }
}

/// The text up to a NUL, or to the last whole character within this many bytes.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.find('\0').unwrap_or(text.len()).min(most);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

/// A text in a field of N bytes, cut so that a NUL follows it.
pub(super) fn field<const N: usize>(text: &str) -> [u8; N] {
    let mut field = [0; N];
    let text = cut(text, N.saturating_sub(1));
    for (to, from) in field.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    field
}

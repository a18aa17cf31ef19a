//! What an agent's messages mean, given the state of its windows.

use alloc::string::String;
use alloc::vec::Vec;

use super::window::{Buffer, Geometry, Stage, Verdict, Window};
use super::{DaemonConn, DaemonEvent, Owed};
use crate::error::Violation;
use crate::limits::{MAX_HEIGHT, MAX_INCREMENT, MAX_WIDTH, PAGE_BYTES, PIXEL_BYTES};
use crate::message::{AgentMessage, Bytes, DaemonMessage, Message};
use crate::types::{Cursor, GrantRef, HintFlags, Rect, SizeHints, WindowFlags, WindowId, clamp_geometry};

impl DaemonConn {
    pub(super) fn handle(&mut self, window: WindowId, message: AgentMessage) -> Result<(), Violation> {
        self.budget.spend(cost(&message), self.now);
        let name = message.name();
        // The clipboard's window is one of the agent's own, unknown here.
        let needs_window = !matches!(
            message,
            AgentMessage::Create { .. }
                | AgentMessage::ClipboardData { .. }
                | AgentMessage::RunResult { .. }
                | AgentMessage::Sync { .. }
                | AgentMessage::SyncDone { .. }
                | AgentMessage::FilesOffer { .. }
                | AgentMessage::FilesData { .. }
                | AgentMessage::FilesEnd { .. }
                | AgentMessage::FilesCredit { .. }
                | AgentMessage::FilesResult { .. }
        );
        if needs_window && !self.windows.contains_key(&window) {
            return Err(Violation::UnknownWindow { message: name, window });
        }
        match message {
            AgentMessage::Create { x, y, width, height, override_redirect, .. } => {
                check_size(name, window, width, height)?;
                self.handle_create(window, Rect { x, y, width, height }, override_redirect != 0)?;
            }
            AgentMessage::Destroy {} => self.handle_destroy(window),
            AgentMessage::Map { transient_for, override_redirect } => {
                self.handle_map(window, transient_for, override_redirect != 0);
            }
            AgentMessage::Unmap {} => self.handle_unmap(window),
            AgentMessage::Configure { x, y, width, height, .. } => {
                check_size(name, window, width, height)?;
                self.handle_configure(window, Rect { x, y, width, height });
            }
            AgentMessage::MfnDump { .. } => return Err(Violation::FrameNumbers { window }),
            AgentMessage::ShmImage { x, y, width, height } => {
                self.handle_damage(window, Rect { x, y, width, height });
            }
            AgentMessage::ClipboardData { data } => self.handle_clipboard(data),
            AgentMessage::WmName { title } => {
                self.events.push_back(DaemonEvent::Title { window, title: text(&title) });
            }
            AgentMessage::Dock {} => self.handle_dock(window),
            AgentMessage::WindowHints { .. } => {
                self.events.extend(hints(&message).map(|hints| DaemonEvent::Hints { window, hints }));
            }
            AgentMessage::WindowFlags { set, unset } => self.handle_flags(window, set, unset)?,
            AgentMessage::WmClass { class, name } => self.handle_class(window, text(&class), text(&name)),
            AgentMessage::WindowDump { kind: value, width, height, refs, .. } => {
                if value != 0 {
                    let rule = "0 (grant references)";
                    return Err(Violation::Field { message: name, window, field: "type", value, rule });
                }
                self.handle_dump(window, width, height, refs)?;
            }
            AgentMessage::Cursor { cursor: value } => {
                let rule = "0 or 0x100 to 0x199";
                let violation = Violation::Field { message: name, window, field: "cursor", value, rule };
                let cursor = Cursor::from_wire(value).ok_or(violation)?;
                self.events.push_back(DaemonEvent::Cursor { window, cursor });
            }
            AgentMessage::Buffer { buffer, width, height, format, refs } => {
                self.handle_buffer(window, buffer, (width, height), format, refs)?;
            }
            AgentMessage::RemoveBuffer { buffer } => self.handle_remove_buffer(window, buffer)?,
            AgentMessage::Commit { .. } => self.handle_commit(window, message)?,
            AgentMessage::Title { text } => {
                let title = checked_text(name, window, text)?;
                self.events.push_back(DaemonEvent::Title { window, title });
            }
            AgentMessage::AppId { text } => {
                let app_id = checked_text(name, window, text)?;
                self.events.push_back(DaemonEvent::AppId { window, app_id });
            }
            AgentMessage::Parent { parent } => self.handle_parent(window, parent),
            AgentMessage::Wish { kind, value } => self.handle_wish(window, kind, value)?,
            AgentMessage::Popup { .. } => self.handle_popup(window, &message)?,
            AgentMessage::CursorShape { shape } => self.handle_cursor_shape(window, shape)?,
            AgentMessage::CursorImage { .. } => self.handle_cursor_image(window, message)?,
            AgentMessage::Icon { width, height, pixels } => {
                self.handle_icon(window, (width, height), pixels.0)?;
            }
            AgentMessage::ConstrainPointer { kind, region } => {
                self.handle_constrain_pointer(window, kind, region)?;
            }
            AgentMessage::RunResult { token, status } => self.handle_run_result(window, token, status)?,
            AgentMessage::SyncDone { token } => self.handle_sync_done(window, token)?,
            AgentMessage::Sync { token } => self.events.push_back(DaemonEvent::Sync { token }),
            AgentMessage::PointerNeeds { needs } => self.handle_pointer_needs(window, needs)?,
            AgentMessage::FilesOffer { token, files } => self.handle_files_offer(token, &files.0)?,
            AgentMessage::FilesData { token, data } => self.handle_files_data(token, data.0)?,
            AgentMessage::FilesEnd { token, end } => self.handle_files_end(token, end)?,
            AgentMessage::FilesCredit { token, bytes } => self.handle_files_credit(token, bytes)?,
            AgentMessage::FilesResult { token, end } => self.handle_files_result(token, end)?,
        }
        Ok(())
    }

    fn handle_create(
        &mut self,
        window: WindowId,
        asked: Rect,
        override_redirect: bool,
    ) -> Result<(), Violation> {
        if self.windows.contains_key(&window) {
            return Err(Violation::WindowExists { window });
        }
        let limit = self.config.limits.windows;
        if self.windows.len() >= limit {
            return Err(Violation::TooManyWindows { window, limit });
        }
        let geometry = Geometry::new(window, asked);
        self.windows.insert(window, Window::new(geometry));
        let geometry = clamp_geometry(asked);
        let unseen = self.unseen.entry(window).or_default();
        *unseen = unseen.saturating_add(1);
        self.events.push_back(DaemonEvent::Created { window, geometry, override_redirect });
        Ok(())
    }

    fn handle_destroy(&mut self, window: WindowId) {
        let Some(gone) = self.windows.remove(&window) else { return };
        self.pages = self.pages.saturating_sub(gone.buffer.map_or(0, |buffer| buffer.pages));
        self.drop_pool(window, gone.frames);
        for other in self.windows.values_mut() {
            other.popup_of = other.popup_of.filter(|parent| *parent != window);
            other.dialog_of = other.dialog_of.filter(|parent| *parent != window);
        }
        self.events.push_back(DaemonEvent::Destroyed { window });
        if self.version().is_some_and(|version| version.acks_destroy()) {
            self.owed.push_back(Owed::Destroy { window });
            self.pay();
        }
    }

    fn handle_map(&mut self, window: WindowId, transient_for: WindowId, override_redirect: bool) {
        let parent_exists = self.windows.contains_key(&transient_for);
        let Some(known) = self.windows.get_mut(&window) else { return };
        if known.stage != Stage::Unmapped {
            return;
        }
        if known.is_popup && known.popup_of.is_none() {
            self.send(window, &DaemonMessage::Close {});
            return;
        }
        known.stage = Stage::Mapped;
        let is_parent = parent_exists && transient_for != window && transient_for != WindowId(0);
        let transient_for = is_parent.then_some(transient_for);
        self.events.push_back(DaemonEvent::Mapped { window, transient_for, override_redirect });
    }

    fn handle_unmap(&mut self, window: WindowId) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        if known.stage == Stage::Docked {
            return;
        }
        let was_mapped = core::mem::replace(&mut known.stage, Stage::Unmapped) == Stage::Mapped;
        let had_buffer = known.buffer.is_some() || known.frames.drop_content();
        if window != WindowId(0)
            && let Some(buffer) = known.buffer.take()
        {
            self.pages = self.pages.saturating_sub(buffer.pages);
        }
        if was_mapped || had_buffer {
            self.events.push_back(DaemonEvent::Unmapped { window });
        }
    }

    fn handle_configure(&mut self, window: WindowId, said: Rect) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        let docked = known.stage == Stage::Docked;
        let geometry = clamp_geometry(said);
        match known.geometry.heard(said) {
            Verdict::Known => {}
            Verdict::Acked => self.events.push_back(DaemonEvent::ConfigureAcked { window, geometry }),
            Verdict::Requested if docked => {
                if let Some(geometry) = known.geometry.insist() {
                    self.send_configure(window, geometry);
                }
            }
            Verdict::Requested => self.events.push_back(DaemonEvent::ConfigureRequested { window, geometry }),
            Verdict::Send(geometry) => self.send_configure(window, geometry),
        }
    }

    fn handle_dock(&mut self, window: WindowId) {
        if let Some(known) = self.windows.get_mut(&window)
            && known.stage == Stage::Unmapped
        {
            known.stage = Stage::Docked;
            self.events.push_back(DaemonEvent::Docked { window });
        }
    }

    fn handle_class(&mut self, window: WindowId, class: String, name: String) {
        if self.windows.get(&window).is_some_and(|known| known.stage == Stage::Unmapped) {
            self.events.push_back(DaemonEvent::Class { window, class, name });
        }
    }

    fn handle_damage(&mut self, window: WindowId, rect: Rect) {
        if let Some(known) = self.windows.get(&window)
            && known.stage != Stage::Unmapped
            && let Some(buffer) = known.buffer
            && let Some(rect) = rect.clamp_to(buffer.width, buffer.height)
        {
            self.events.push_back(DaemonEvent::Damaged { window, rect });
        }
    }

    fn handle_dump(
        &mut self,
        window: WindowId,
        width: u32,
        height: u32,
        refs: Vec<GrantRef>,
    ) -> Result<(), Violation> {
        let pages = check_buffer("WINDOW_DUMP", window, (width, height), refs.len())?;
        let Some(known) = self.windows.get_mut(&window) else { return Ok(()) };
        let before = known.buffer.replace(Buffer { width, height, pages });
        let before = before.map_or(0, |buffer| buffer.pages);
        self.pages = self.pages.saturating_sub(before);
        self.add_pages("WINDOW_DUMP", window, pages)?;
        self.events.push_back(DaemonEvent::Buffer { window, width, height, refs });
        if self.version().is_some_and(|version| version.acks_dumps()) {
            self.owed.push_back(Owed::Dump { window, done: false });
        }
        Ok(())
    }

    fn handle_flags(&mut self, window: WindowId, set: u32, unset: u32) -> Result<(), Violation> {
        if set & unset != 0 {
            let rule = "without the flags to unset";
            return Err(Violation::Field {
                message: "WINDOW_FLAGS",
                window,
                field: "flags to set",
                value: set,
                rule,
            });
        }
        let mut set = WindowFlags::from_bits_truncate(set);
        // Only the user takes a demand for attention back.
        let unset = WindowFlags::from_bits_truncate(unset).difference(WindowFlags::DEMANDS_ATTENTION);
        if set.contains(WindowFlags::MINIMIZE) {
            set.remove(WindowFlags::FULLSCREEN);
        }
        if !(set | unset).is_empty() {
            self.events.push_back(DaemonEvent::FlagsRequested { window, set, unset });
        }
        Ok(())
    }

    /// What comes unasked is dropped: a domain must not put anything on the user's clipboard by itself.
    fn handle_clipboard(&mut self, data: Vec<u8>) {
        if core::mem::take(&mut self.clipboard_requested) {
            self.events.push_back(if data.len() > self.config.limits.clipboard_bytes {
                DaemonEvent::ClipboardTooLarge
            } else {
                DaemonEvent::Clipboard { data }
            });
        }
    }

    pub(super) fn send_configure(&mut self, window: WindowId, geometry: Rect) {
        let Rect { x, y, width, height } = geometry;
        self.send(window, &DaemonMessage::Configure { x, y, width, height, override_redirect: 0 });
    }

    /// Sends the acknowledgements that nothing older holds back.
    pub(super) fn pay(&mut self) {
        while let Some(oldest) = self.owed.front() {
            let (window, message) = match *oldest {
                Owed::Dump { done: false, .. } | Owed::Removal { done: false, .. } => return,
                Owed::Removal { pages, told: false, .. } => {
                    self.pages = self.pages.saturating_sub(pages);
                    self.owed.pop_front();
                    continue;
                }
                Owed::Removal { window, buffer, pages, .. } => {
                    self.pages = self.pages.saturating_sub(pages);
                    (window, DaemonMessage::BufferRemoved { buffer })
                }
                Owed::Dump { window, done: true } => (window, DaemonMessage::WindowDumpAck {}),
                Owed::Destroy { window } => (window, DaemonMessage::Destroy {}),
            };
            self.owed.pop_front();
            self.send(window, &message);
        }
    }
}

/// Messages weigh 1, and 1 more for every started KiB of what may be long.
fn cost(message: &AgentMessage) -> u32 {
    let bytes = match message {
        AgentMessage::WindowDump { refs, .. } | AgentMessage::Buffer { refs, .. } => {
            refs.len().saturating_mul(4)
        }
        AgentMessage::ClipboardData { data } => data.len(),
        AgentMessage::Commit { rects, .. } => rects.len().saturating_mul(16),
        AgentMessage::Title { text } => text.0.len(),
        AgentMessage::AppId { text } => text.0.len(),
        AgentMessage::CursorImage { pixels, .. } => pixels.0.len(),
        AgentMessage::Icon { pixels, .. } => pixels.0.len(),
        AgentMessage::FilesOffer { files, .. } => files.0.len(),
        AgentMessage::FilesData { data, .. } => data.0.len(),
        _ => 0,
    };
    u32::try_from(bytes.div_ceil(1024)).unwrap_or(u32::MAX).saturating_add(1)
}

/// Sizes are signed on the wire. What is over the maximum is clamped later, but nothing has no size.
fn check_size(message: &'static str, window: WindowId, width: u32, height: u32) -> Result<(), Violation> {
    let fits = |size: u32| i32::try_from(size).is_ok_and(|size| size > 0);
    if fits(width) && fits(height) {
        return Ok(());
    }
    Err(Violation::Size { message, window, width, height, rule: "1 to 2147483647 each" })
}

/// The pages of a buffer of this size, if it can have that and there are enough.
pub(super) fn check_buffer(
    message: &'static str,
    window: WindowId,
    (width, height): (u32, u32),
    pages: usize,
) -> Result<u32, Violation> {
    if !(1..=MAX_WIDTH).contains(&width) || !(1..=MAX_HEIGHT).contains(&height) {
        return Err(Violation::Size { message, window, width, height, rule: "1x1 to 16384x6144" });
    }
    // Within 32 bits, as the largest window's bytes are.
    let needed = width.saturating_mul(height).saturating_mul(PIXEL_BYTES).div_ceil(PAGE_BYTES);
    u32::try_from(pages).ok().filter(|pages| *pages >= needed).ok_or(Violation::BufferTooSmall {
        message,
        window,
        width,
        height,
        pages,
        needed,
    })
}

/// A text of level 1.
fn checked_text<const N: u32>(
    message: &'static str,
    window: WindowId,
    text: Bytes<N>,
) -> Result<String, Violation> {
    let length = text.0.len();
    text.text().ok_or(Violation::Text { message, window, length })
}

/// The text of a field that ends at the first NUL, or one byte before its end. Bytes that are no UTF-8 are replaced;
/// the text does not get longer than the field by that.
fn text(field: &[u8]) -> String {
    let room = field.len().saturating_sub(1);
    let end = field.iter().take(room).position(|byte| *byte == 0).unwrap_or(room);
    let mut text = String::from_utf8_lossy(field.get(..end).unwrap_or_default()).into_owned();
    while text.len() > room {
        text.pop();
    }
    text
}

/// The hints of a `WINDOW_HINTS`, without those out of limits.
fn hints(message: &AgentMessage) -> Option<SizeHints> {
    let &AgentMessage::WindowHints {
        flags,
        min_width,
        min_height,
        max_width,
        max_height,
        width_increment,
        height_increment,
        base_width,
        base_height,
    } = message
    else {
        return None;
    };
    let flagged = HintFlags::from_bits_truncate(flags);
    let pair = |flag: HintFlags, (width, height): (u32, u32), least: u32, most: (u32, u32)| {
        let fits = (least..=most.0).contains(&width) && (least..=most.1).contains(&height);
        (flagged.contains(flag) && fits).then_some((width, height))
    };
    let size = (MAX_WIDTH, MAX_HEIGHT);
    let increment = (MAX_INCREMENT.saturating_sub(1), MAX_INCREMENT.saturating_sub(1));
    Some(SizeHints {
        user_position: flagged.contains(HintFlags::USER_POSITION),
        program_position: flagged.contains(HintFlags::PROGRAM_POSITION),
        min: pair(HintFlags::MIN, (min_width, min_height), 0, size),
        max: pair(HintFlags::MAX, (max_width, max_height), 1, size),
        // X has no increment as 0; here it is 1, so that nobody divides by it.
        increment: pair(HintFlags::INCREMENT, (width_increment, height_increment), 0, increment)
            .map(|(width, height)| (width.max(1), height.max(1))),
        base: pair(HintFlags::BASE, (base_width, base_height), 0, size),
    })
}

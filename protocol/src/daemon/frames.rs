//! A window's pool of buffers, its commits, and what the agent was asked to make of it: the state of level 1.
//!
//! A buffer in the pool is the agent's to write, or held: committed and not released since. Invariant: what the
//! caller was told of a held buffer's commit is the newest there is, or it cannot release it.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::handle::check_buffer;
use super::{DaemonConn, DaemonEvent, Owed};
use crate::error::Violation;
use crate::limits::{BUFFERS_PER_WINDOW, MAX_COMMIT_RECTS, MAX_UNANSWERED_ARRANGES};
use crate::message::AgentMessage;
use crate::types::{Arrange, BufferId, Commit, Extent, GrantRef, PixelFormat, Rect, Scale, WindowId};

/// A `COMMIT`'s flag that asks for `PRESENTED`.
pub(crate) const WANTS_PRESENTED: u32 = 1;

#[derive(Debug)]
struct Pooled {
    width: u32,
    height: u32,
    pages: u32,
    held: Option<Hold>,
}

/// The newest commit of a buffer that was not released since.
#[derive(Clone, Copy, Debug)]
struct Hold {
    serial: u64,
    /// Whether the caller has been told of it.
    seen: bool,
}

/// A window's pool, and what it shows of it.
#[derive(Debug, Default)]
pub(super) struct Frames {
    pool: BTreeMap<BufferId, Pooled>,
    /// The newest commit that is still the window's content.
    newest: Option<(BufferId, Extent)>,
    /// The newest commit's serial, and that of the newest the agent knows to be taken for a frame.
    serial: u64,
    done: u64,
}

impl Frames {
    /// The window shows nothing any more; tells whether it did. The pool stays, and what is held is held.
    pub(super) fn drop_content(&mut self) -> bool {
        self.newest.take().is_some()
    }

    /// The caller has been told of a commit.
    pub(super) fn see(&mut self, commit: &Commit) {
        if let Some(Pooled { held: Some(hold), .. }) = self.pool.get_mut(&commit.buffer)
            && hold.serial == commit.serial
        {
            hold.seen = true;
        }
    }

    /// The caller has read a buffer for the last time; the serial it is released for, if it held it and has been told of
    /// all its commits.
    pub(super) fn release(&mut self, buffer: BufferId) -> Option<u64> {
        let pooled = self.pool.get_mut(&buffer)?;
        let hold = pooled.held.take_if(|hold| hold.seen)?;
        Some(hold.serial)
    }

    /// Whether a commit was made, and none as new was said to be done.
    pub(super) fn done(&mut self, serial: u64) -> bool {
        let is_news = serial > self.done && serial <= self.serial;
        if is_news {
            self.done = serial;
        }
        is_news
    }

    /// Whether a commit with this serial can have been made.
    pub(super) fn knows(&self, serial: u64) -> bool {
        (1..=self.serial).contains(&serial)
    }
}

/// What the agent was asked to make of a window, and has taken into account.
#[derive(Debug, Default)]
pub(super) struct Arranging {
    /// The last one sent.
    sent: Option<Arrange>,
    /// The newest one that changed the size.
    resized: u32,
    /// The newest one that a commit named.
    named: u32,
    /// What is to follow when the agent has caught up.
    kept: Option<Arrange>,
}

impl Arranging {
    fn newest(&self) -> u32 {
        self.sent.map_or(0, |sent| sent.serial)
    }

    /// The caller wants this: its serial, and what to send now, if anything. A new size waits for the answer to the
    /// last, which makes one a round trip of an interactive resize. Where a popup goes does not: its program may ask
    /// that again before it draws anything, and draw nothing before it knows.
    pub(super) fn want(&mut self, arrange: Arrange) -> (u32, Option<Arrange>) {
        let newest = self.newest();
        if self.kept.is_none() && self.sent == Some(Arrange { serial: newest, ..arrange }) {
            return (newest, None);
        }
        let asked = self.kept.map_or(0, |kept| kept.token);
        let token = if arrange.token == 0 { asked } else { arrange.token };
        let next = Arrange { serial: newest.saturating_add(1), token, ..arrange };
        self.kept = Some(next);
        (next.serial, self.next())
    }

    /// What may be sent now, taken as sent.
    fn next(&mut self) -> Option<Arrange> {
        let next = self.kept?;
        let is_resize = self.sent.is_none_or(|sent| sent.size() != next.size());
        let behind = self.newest().saturating_sub(self.named);
        let waits = is_resize && next.token == 0 && self.resized > self.named;
        if behind >= MAX_UNANSWERED_ARRANGES || waits {
            return None;
        }
        if is_resize {
            self.resized = next.serial;
        }
        self.sent = Some(next);
        self.kept.take()
    }

    /// A commit named one; what is to be sent now.
    fn heard(&mut self, window: WindowId, serial: u32) -> Result<Option<Arrange>, Violation> {
        if serial < self.named || serial > self.newest() {
            let rule = "that of an ARRANGE, not older than the last named";
            let (message, field) = ("COMMIT", "configure");
            return Err(Violation::Field { message, window, field, value: serial, rule });
        }
        self.named = serial;
        Ok(self.next())
    }
}

impl DaemonConn {
    pub(super) fn handle_buffer(
        &mut self,
        window: WindowId,
        buffer: BufferId,
        (width, height): (u32, u32),
        format: u32,
        refs: Vec<GrantRef>,
    ) -> Result<(), Violation> {
        let message = "BUFFER";
        let pages = check_buffer(message, window, (width, height), refs.len())?;
        let rule = "0 (XRGB8888) or 1 (ARGB8888)";
        let unknown = Violation::Field { message, window, field: "format", value: format, rule };
        let format = PixelFormat::from_wire(format).ok_or(unknown)?;
        let Some(known) = self.windows.get_mut(&window) else { return Ok(()) };
        let pool = &mut known.frames.pool;
        if pool.contains_key(&buffer) {
            return Err(Violation::BufferExists { window, buffer });
        }
        if pool.len() >= BUFFERS_PER_WINDOW {
            return Err(Violation::TooManyBuffers { window, limit: BUFFERS_PER_WINDOW });
        }
        pool.insert(buffer, Pooled { width, height, pages, held: None });
        self.add_pages(message, window, pages)?;
        self.events.push_back(DaemonEvent::BufferAdded { window, buffer, width, height, format, refs });
        Ok(())
    }

    /// Counts the pages of one more buffer.
    pub(super) fn add_pages(
        &mut self,
        message: &'static str,
        window: WindowId,
        pages: u32,
    ) -> Result<(), Violation> {
        self.pages = self.pages.saturating_add(pages);
        let limit = self.config.limits.pages;
        if self.pages > limit {
            return Err(Violation::TooManyPages { message, window, pages: self.pages, limit });
        }
        Ok(())
    }

    pub(super) fn handle_remove_buffer(
        &mut self,
        window: WindowId,
        buffer: BufferId,
    ) -> Result<(), Violation> {
        let Some(known) = self.windows.get_mut(&window) else { return Ok(()) };
        let unknown = Violation::UnknownBuffer { message: "REMOVE_BUFFER", window, buffer };
        let Pooled { pages, .. } = known.frames.pool.remove(&buffer).ok_or(unknown)?;
        known.frames.newest.take_if(|(newest, _)| *newest == buffer);
        self.remove_pooled(window, buffer, pages, true);
        Ok(())
    }

    /// A window's whole pool goes with it.
    pub(super) fn drop_pool(&mut self, window: WindowId, frames: Frames) {
        for (buffer, pooled) in frames.pool {
            self.remove_pooled(window, buffer, pooled.pages, false);
        }
    }

    /// Its pages count until the caller has let go of them.
    fn remove_pooled(&mut self, window: WindowId, buffer: BufferId, pages: u32, told: bool) {
        self.owed.push_back(Owed::Removal { window, buffer, pages, told, done: false });
        self.events.push_back(DaemonEvent::BufferRemoved { window, buffer });
    }

    pub(super) fn handle_commit(&mut self, window: WindowId, message: AgentMessage) -> Result<(), Violation> {
        let Some(known) = self.windows.get_mut(&window) else { return Ok(()) };
        let Some(mut commit) = commit(window, message)? else { return Ok(()) };
        let frames = &mut known.frames;
        let (serial, buffer, last) = (commit.serial, commit.buffer, frames.serial);
        if serial <= last {
            return Err(Violation::Serial { window, serial, last });
        }
        let unknown = Violation::UnknownBuffer { message: "COMMIT", window, buffer };
        let pooled = frames.pool.get_mut(&buffer).ok_or(unknown)?;
        let (width, height) = (pooled.width, pooled.height);
        if !commit.is_source(width, height) {
            let Rect { x, y, width: source_width, height: source_height } = commit.source;
            return Err(Violation::Source { window, x, y, source_width, source_height, width, height });
        }
        let repeats = frames.newest.is_some_and(|(newest, _)| newest == buffer) && commit.damage.is_empty();
        if pooled.held.is_some() && !repeats {
            return Err(Violation::HeldBuffer { window, buffer });
        }
        let arrange = known.arranging.heard(window, commit.configure)?;

        let extent = commit.extent();
        if frames.newest.is_none_or(|(_, newest)| newest != extent) {
            commit.damage = Vec::from([commit.source]);
        }
        for rects in [&mut commit.damage, &mut commit.opaque] {
            rects.retain_mut(|rect| rect.clamp_to(width, height).map(|inside| *rect = inside).is_some());
        }
        pooled.held = Some(Hold { serial, seen: false });
        frames.serial = serial;
        frames.newest = Some((buffer, extent));
        self.events.push_back(DaemonEvent::Committed { window, commit });
        if let Some(arrange) = arrange {
            self.send_arrange(window, arrange);
        }
        Ok(())
    }
}

/// A `COMMIT`, as far as it can be judged without its buffer.
fn commit(window: WindowId, message: AgentMessage) -> Result<Option<Commit>, Violation> {
    let name = "COMMIT";
    let AgentMessage::Commit {
        serial,
        configure,
        buffer,
        width,
        height,
        scale,
        source,
        flags,
        damage_count,
        rects,
    } = message
    else {
        return Ok(None);
    };
    let wrong = |field, value, rule| Violation::Field { message: name, window, field, value, rule };
    let scale = Scale::new(scale).ok_or_else(|| wrong("scale", scale, "60 to 960"))?;
    if flags & !WANTS_PRESENTED != 0 {
        return Err(wrong("flags", flags, "0 or 1"));
    }
    let mut damage: Vec<Rect> = rects;
    let split =
        usize::try_from(damage_count).ok().filter(|count| *count <= damage.len().min(MAX_COMMIT_RECTS));
    let split =
        split.ok_or_else(|| wrong("damage count", damage_count, "at most 64, and as many as there are"))?;
    let opaque = damage.split_off(split);
    if opaque.len() > MAX_COMMIT_RECTS {
        let count = u32::try_from(opaque.len()).unwrap_or(u32::MAX);
        return Err(wrong("opaque count", count, "at most 64"));
    }
    let wants_presented = flags & WANTS_PRESENTED != 0;
    let commit =
        Commit { serial, configure, buffer, width, height, scale, source, wants_presented, damage, opaque };
    if !commit.is_size() {
        return Err(Violation::Size { message: name, window, width, height, rule: "1x1 to 16384x6144" });
    }
    Ok(Some(commit))
}

//! Pools of buffers and commits, whichever level the daemon has.
//!
//! At level 1 pools and commits are told as they are. Before, a commit of another buffer than the last is a
//! `WINDOW_DUMP`, and its damage is told as `SHMIMAGE`s: the daemon draws from the buffer whenever it likes.

use alloc::vec::Vec;

use super::scene::{Buffer, Untold, Window};
use super::{AgentConn, AgentEvent, BufferSerial, NewCommit};
use crate::limits::{
    BUFFERS_PER_WINDOW, MAX_COMMIT_RECTS, MAX_HEIGHT, MAX_REFS, MAX_WIDTH, PAGE_BYTES, PIXEL_BYTES,
};
use crate::types::{BufferId, Commit, Extent, GrantRef, PixelFormat, Rect, WindowId, bound};

impl AgentConn {
    /// Gives a window one more buffer: rows of `width` pixels of 4 bytes from the start of the first page. It comes back
    /// with [`AgentEvent::BufferRemoved`]: at once if the window does not exist or has three, a side is 0 or beyond
    /// 16384x6144, or there are too few references, or too many.
    pub fn add_buffer(
        &mut self,
        window: WindowId,
        width: u32,
        height: u32,
        format: PixelFormat,
        refs: Vec<GrantRef>,
    ) -> BufferSerial {
        let serial = BufferSerial(self.next_serial);
        self.next_serial = self.next_serial.saturating_add(1);
        let pages = u32::try_from(refs.len()).unwrap_or(u32::MAX);
        let is_size = (1..=MAX_WIDTH).contains(&width) && (1..=MAX_HEIGHT).contains(&height);
        let needed = width.saturating_mul(height).saturating_mul(PIXEL_BYTES).div_ceil(PAGE_BYTES);
        let is_legal = is_size && (needed..=MAX_REFS).contains(&pages);
        // The daemon's last place is for what it shows while that is being replaced.
        let has_place = |known: &Window| known.in_use().count() < BUFFERS_PER_WINDOW.saturating_sub(1);
        let known = self.windows.get_mut(&window).filter(|known| is_legal && has_place(known));
        let Some(known) = known else {
            self.events.push_back(AgentEvent::BufferRemoved { window, serial });
            return serial;
        };
        let id = known.next_buffer();
        known.pool.push(Buffer {
            serial,
            id,
            width,
            height,
            format,
            refs,
            removed: false,
            told: false,
            told_removed: false,
            lent: None,
        });
        known.untold.insert(Untold::BUFFERS);
        self.tell(window);
        serial
    }

    /// Wants a buffer back for good. It comes back with [`AgentEvent::BufferRemoved`]; if it is the window's content, not
    /// before another is, or the window is unmapped or destroyed.
    pub fn remove_buffer(&mut self, window: WindowId, serial: BufferSerial) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        let Some(buffer) = known.pool.iter_mut().find(|buffer| buffer.serial == serial) else { return };
        buffer.removed = true;
        known.untold.insert(Untold::BUFFERS);
        self.tell(window);
        self.settle_pool(window);
    }

    /// Shows this from now on; returns the commit's serial. Of several that could not be told yet only the newest is, with
    /// the damage of all; if the size, the scale or the source is another than the last, all is damaged.
    ///
    /// At level 1 the buffer is held until it is released. Before, its pixels are read whenever the daemon likes, and no
    /// [`AgentEvent::FrameDone`] comes.
    ///
    /// Nothing is done, and `None` returned, if the window or the buffer does not exist, the size is none, the source is
    /// not in the buffer or not of the window's size at the scale; or if the buffer [is held](AgentConn::is_held) or wanted
    /// back, unless this repeats the last commit's without damage.
    pub fn commit(&mut self, window: WindowId, commit: NewCommit) -> Option<u64> {
        let is_extended = self.level() > 0;
        let known = self.windows.get_mut(&window)?;
        let buffer = known.pool.iter().find(|buffer| buffer.serial == commit.buffer)?;
        let mut commit = commit.checked(buffer.width, buffer.height)?;
        let repeats = known.shown() == Some(commit.buffer) && commit.damage.is_empty();
        if (buffer.removed || is_extended && known.holds(buffer)) && !repeats {
            return None;
        }
        // A buffer that is lent has not changed: what else of it is to be drawn the daemon sees by itself.
        let is_like = known.commit.as_ref().is_some_and(|before| before.extent() == commit.extent());
        if is_extended && buffer.lent.is_none() && !is_like {
            commit.damage = Vec::from([commit.source]);
        }
        let is_untold = known.untold.contains(Untold::COMMIT);
        let before = known.commit.take().filter(|_| is_untold);
        if let Some(before) = &before {
            commit.damage.extend_from_slice(&before.damage);
        }
        bound(&mut commit.damage, MAX_COMMIT_RECTS);
        let replaced = before.map(|before| before.buffer).filter(|before| *before != commit.buffer);
        if is_extended {
            known.geometry = Rect { width: commit.width, height: commit.height, ..known.geometry };
        }
        let serial = self.last_commit.saturating_add(1);
        self.last_commit = serial;
        known.commit_serial = serial;
        known.commit = Some(commit);
        known.untold.insert(Untold::COMMIT);
        if let Some(replaced) = replaced {
            self.settle_hold(window, replaced);
        }
        self.tell(window);
        self.settle_pool(window);
        Some(serial)
    }

    /// Whether a buffer must not be written: its commit was not released. Only at level 1; when a link of level 1 begins,
    /// the last committed buffer of each window is held.
    #[must_use]
    pub fn is_held(&self, window: WindowId, serial: BufferSerial) -> bool {
        let Some(known) = self.windows.get(&window).filter(|_| self.level() > 0) else { return false };
        known.pool.iter().any(|buffer| buffer.serial == serial && known.holds(buffer))
    }

    /// The window has no content any more.
    pub(super) fn drop_content(&mut self, window: WindowId) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        let was_untold = known.untold.contains(Untold::COMMIT);
        known.untold.remove(Untold::COMMIT);
        if let Some(commit) = known.commit.take()
            && was_untold
        {
            self.settle_hold(window, commit.buffer);
        }
    }

    /// A commit of this buffer will not be told: it may be writable by that.
    fn settle_hold(&mut self, window: WindowId, serial: BufferSerial) {
        let is_there = self
            .windows
            .get(&window)
            .is_some_and(|known| known.pool.iter().any(|buffer| buffer.serial == serial && !buffer.removed));
        if self.level() > 0 && is_there && !self.is_held(window, serial) {
            self.events.push_back(AgentEvent::BufferReleased { window, serial });
        }
    }

    /// Takes out of the pool what was removed and no daemon may still look at.
    pub(super) fn settle_pool(&mut self, window: WindowId) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        let (shown, dumped, unacked, events) = (known.shown(), known.dumped, &self.unacked, &mut self.events);
        known.pool.retain(|Buffer { serial, removed, told, .. }| {
            let is_shown = [shown, dumped].contains(&Some(*serial));
            let stays = !removed || *told || is_shown || unacked.contains(&(window, *serial));
            if !stays {
                events.push_back(AgentEvent::BufferRemoved { window, serial: *serial });
            }
            stays
        });
    }

    pub(super) fn handle_release(&mut self, window: WindowId, buffer: BufferId, serial: u64) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        // One for an earlier commit of the buffer crossed a later one.
        let lent = known.pool.iter_mut().find(|pooled| pooled.id == buffer && pooled.lent == Some(serial));
        if let Some(pooled) = lent {
            pooled.lent = None;
            let serial = pooled.serial;
            self.settle_hold(window, serial);
        }
    }

    pub(super) fn handle_buffer_removed(&mut self, window: WindowId, buffer: BufferId) {
        let Some(known) = self.windows.get_mut(&window) else { return };
        if let Some(pooled) = known.pool.iter_mut().find(|pooled| pooled.id == buffer && pooled.told_removed)
        {
            pooled.told = false;
            self.settle_pool(window);
        }
    }
}

impl NewCommit {
    pub(super) fn extent(&self) -> Extent {
        self.numbered(0, 0, BufferId::default()).extent()
    }

    /// As it is told, without the rectangles.
    fn numbered(&self, serial: u64, configure: u32, buffer: BufferId) -> Commit {
        let NewCommit { width, height, scale, source, wants_presented, .. } = *self;
        let (damage, opaque) = (Vec::new(), Vec::new());
        Commit { serial, configure, buffer, width, height, scale, source, wants_presented, damage, opaque }
    }

    /// This, if it can be of a buffer of this size, with what of its rectangles is inside.
    fn checked(mut self, width: u32, height: u32) -> Option<NewCommit> {
        let numbered = self.numbered(0, 0, BufferId::default());
        if !numbered.is_size() || !numbered.is_source(width, height) {
            return None;
        }
        for rects in [&mut self.damage, &mut self.opaque] {
            rects.retain_mut(|rect| rect.clamp_to(width, height).map(|inside| *rect = inside).is_some());
        }
        // Less than is opaque may be said, never more.
        self.opaque.truncate(MAX_COMMIT_RECTS);
        Some(self)
    }
}

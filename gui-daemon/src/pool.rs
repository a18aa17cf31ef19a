//! The buffers of an AppVM's window: mapped once, shown in turn.
//!
//! A commit names the buffer to be shown. It waits here until a frame is drawn, a newer one takes its place, or its buffer
//! goes; [`Pool::latch`] makes it what is shown. Invariants: the image shown is over pages of a buffer in the pool; what
//! is neither shown nor waiting has been handed back, by an id that a method returned.

use std::sync::Arc;

use gui_protocol::{BufferId, Commit};
use shm_grant::ImportedPages;

use crate::{
    domain::{Reaper, Removal, desktop_rect},
    render::{GuestImage, GuestPixels},
    shell::geom::Size,
};

/// Damage rectangles of commits that wait for a frame; of more, only the bounding box is kept.
const MAX_RECTS: usize = 64;

/// The buffer of a window of the base protocol, which has one at a time.
const ONLY: BufferId = BufferId(0);

/// A window's buffers, and what is shown of them.
#[derive(Debug)]
pub struct Pool {
    buffers: Vec<Buffer>,
    image: Option<GuestImage>,
    shown: Option<BufferId>,
    waiting: Option<Commit>,
    reaper: Reaper,
}

#[derive(Debug)]
struct Buffer {
    id: BufferId,
    pixels: GuestPixels,
    is_opaque: bool,
    // The image keeps the mapping alive by itself; this second hold on it lets the reaper drop the last one.
    pages: Arc<ImportedPages>,
}

/// A commit that is shown from now on.
#[derive(Debug)]
pub struct Latched {
    /// Which.
    pub serial: u64,
    /// The arrangement it has taken into account.
    pub configure: u32,
    /// The window's size, in logical pixels.
    pub size: Size,
    /// Whether the agent wants to know when it is on the screen.
    pub wants_presented: bool,
    /// The buffer that is not shown any more.
    pub released: Option<BufferId>,
}

impl Pool {
    /// Without buffers.
    pub fn new(reaper: Reaper) -> Self {
        Self { buffers: Vec::new(), image: None, shown: None, waiting: None, reaper }
    }

    /// What is shown.
    pub fn image(&self) -> Option<&GuestImage> {
        self.image.as_ref()
    }

    /// What is shown.
    pub fn image_mut(&mut self) -> Option<&mut GuestImage> {
        self.image.as_mut()
    }

    /// Whether there is content, shown or waiting for a frame.
    pub fn has_content(&self) -> bool {
        self.image.is_some() || self.waiting.is_some()
    }

    /// Shows a buffer that is the only one from now on, as windows of the base protocol do.
    pub fn show_only(&mut self, pixels: GuestPixels, pages: Arc<ImportedPages>) {
        match &mut self.image {
            Some(image) => image.replace(pixels.clone()),
            None => self.image = Some(GuestImage::new(pixels.clone())),
        }
        self.shown = Some(ONLY);
        for old in self.buffers.drain(..) {
            old.retire(&self.reaper, None);
        }
        self.buffers.push(Buffer { id: ONLY, pixels, is_opaque: true, pages });
    }

    /// Takes in a buffer under an id that no other has.
    pub fn add(&mut self, id: BufferId, pixels: GuestPixels, is_opaque: bool, pages: Arc<ImportedPages>) {
        self.buffers.push(Buffer { id, pixels, is_opaque, pages });
    }

    /// Gives a buffer up, and the content with it if that is in it. `removal` is reported by the reaper once nothing
    /// looks at the pages any more; it comes back if there is no such buffer.
    pub fn remove(&mut self, id: BufferId, removal: Removal) -> Option<Removal> {
        let Some(at) = self.buffers.iter().position(|buffer| buffer.id == id) else { return Some(removal) };
        if self.shown == Some(id) {
            self.shown = None;
            self.image = None;
        }
        self.waiting.take_if(|commit| commit.buffer == id);
        self.buffers.swap_remove(at).retire(&self.reaper, Some(removal));
        None
    }

    /// Takes a commit, to be shown with the next frame. Returns the buffer of the one before it, if that is not needed.
    pub fn commit(&mut self, mut commit: Commit) -> Option<BufferId> {
        let before = self.waiting.take();
        let mut released = None;
        if let Some(before) = before {
            let needed = before.buffer == commit.buffer || self.shown == Some(before.buffer);
            released = (!needed).then_some(before.buffer);
            commit.damage.extend(before.damage);
            if commit.damage.len() > MAX_RECTS
                && let Some(all) = commit.damage.drain(..).reduce(gui_protocol::Rect::union)
            {
                commit.damage.push(all);
            }
        }
        self.waiting = Some(commit);
        released
    }

    /// Shows the commit that waits.
    pub fn latch(&mut self) -> Option<Latched> {
        let Commit {
            serial, configure, buffer, width, height, source, wants_presented, damage, opaque, ..
        } = self.waiting.take()?;
        let Buffer { pixels, is_opaque, .. } = self.buffers.iter().find(|known| known.id == buffer)?;
        let image = match &mut self.image {
            Some(image) => {
                image.turn(pixels.clone());
                image
            }
            None => self.image.insert(GuestImage::new(pixels.clone())),
        };
        // The connection has checked that sides fit in 15 bits.
        let side = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
        let size = Size::new(side(width), side(height));
        image.show(desktop_rect(source), size);
        image.set_opaque(if *is_opaque {
            None
        } else {
            Some(opaque.into_iter().map(desktop_rect).collect())
        });
        for rect in damage {
            image.damage(desktop_rect(rect));
        }
        let released = self.shown.replace(buffer).filter(|before| *before != buffer);
        Some(Latched { serial, configure, size, wants_presented, released })
    }

    /// Forgets the content and keeps the buffers. Returns those that were in use.
    pub fn drop_content(&mut self) -> impl Iterator<Item = BufferId> + use<> {
        self.image = None;
        let shown = self.shown.take();
        let waiting = self.waiting.take().map(|commit| commit.buffer).filter(|buffer| Some(*buffer) != shown);
        shown.into_iter().chain(waiting)
    }

    /// Gives up all buffers, and the content.
    pub fn clear(&mut self) {
        drop(self.drop_content());
        for buffer in self.buffers.drain(..) {
            buffer.retire(&self.reaper, None);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Buffer {
    fn retire(self, reaper: &Reaper, removal: Option<Removal>) {
        drop(self.pixels);
        reaper.retire(self.pages, removal);
    }
}

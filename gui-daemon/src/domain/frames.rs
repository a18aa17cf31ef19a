//! A domain's window buffers and commits: what comes of them in its windows' pools.

use std::sync::Arc;

use gui_protocol::{BufferId, Commit, GrantRef, PixelFormat, WindowId};
use shm_grant::{ImportedPages, PixelLayout};

use super::{DomainId, Removal, link::EndReason};
use crate::{render::GuestPixels, shell::geom::Size, state::State, windows::GuestWindow};

/// Bytes of one pixel of a window buffer.
const PIXEL_BYTES: u32 = 4;

impl State {
    /// A window of the base protocol has another buffer, all of which is to be shown.
    pub(super) fn guest_buffer(
        &mut self,
        id: DomainId,
        window: WindowId,
        (width, height): (u32, u32),
        refs: &[GrantRef],
    ) -> Result<(), EndReason> {
        let mapped = self.map_pages(id, (width, height), PixelFormat::Xrgb8888, refs)?;
        // A window that is gone by now still has its pages answered for.
        if let (Some((pixels, pages)), Some(guest)) = (mapped, self.guest_mut(id, window)) {
            guest.pool.show_only(pixels, pages);
        }
        self.with_link(id, |link| link.buffer_done(window));
        if let Some(shell_id) = self.guest_id(id, window) {
            let size = Size::new(width.cast_signed(), height.cast_signed());
            self.shell.set_patient(shell_id, true);
            // Agents of the base protocol wish for sizes in another message. A buffer is an answer or nothing.
            if self.shell.window(shell_id).is_some_and(|shown| shown.told().0.size() == size) {
                self.shell.drawn(shell_id, size, true);
            }
        }
        self.queue_redraw_of_guest(id, window);
        Ok(())
    }

    pub(super) fn guest_buffer_added(
        &mut self,
        id: DomainId,
        window: WindowId,
        buffer: BufferId,
        size: (u32, u32),
        format: PixelFormat,
        refs: &[GrantRef],
    ) -> Result<(), EndReason> {
        let mapped = self.map_pages(id, size, format, refs)?;
        if let (Some((pixels, pages)), Some(guest)) = (mapped, self.guest_mut(id, window)) {
            guest.pool.add(buffer, pixels, format == PixelFormat::Xrgb8888, pages);
        }
        Ok(())
    }

    pub(super) fn guest_buffer_removed(&mut self, id: DomainId, window: WindowId, buffer: BufferId) {
        let Some(link) = self.domain(id).map(|domain| domain.link.number()) else { return };
        let removal = Removal { domain: id, link, window, buffer };
        let unknown = match self.guest_mut(id, window) {
            Some(guest) => guest.pool.remove(buffer, removal),
            None => Some(removal),
        };
        if let Some(removal) = unknown {
            self.pages_dropped(removal);
        }
        self.queue_redraw_of_guest(id, window);
    }

    /// Nothing looks at a buffer's pages any more: its domain may have them back, if this is still the link they came by.
    pub(crate) fn pages_dropped(&mut self, removal: Removal) {
        if self.domain(removal.domain).is_some_and(|domain| domain.link.number() == removal.link) {
            self.with_link(removal.domain, |link| link.buffer_removed(removal.window, removal.buffer));
        }
    }

    pub(super) fn guest_committed(&mut self, id: DomainId, window: WindowId, commit: Commit) {
        let Some(guest) = self.guest_mut(id, window) else { return };
        if let Some(released) = guest.pool.commit(commit) {
            self.with_link(id, |link| link.release(window, released));
        }
        if let Some(shell_id) = self.guest_id(id, window) {
            self.await_frame(shell_id);
        }
    }

    /// A window's content is gone, and what its buffers held is the domain's again.
    pub(super) fn drop_guest_content(&mut self, id: DomainId, window: WindowId) {
        let Some(guest) = self.guest_mut(id, window) else { return };
        for buffer in guest.pool.drop_content() {
            self.with_link(id, |link| link.release(window, buffer));
        }
    }

    pub(super) fn guest_mut(&mut self, id: DomainId, window: WindowId) -> Option<&mut GuestWindow> {
        let shell_id = self.guest_id(id, window)?;
        self.windows.guest_mut(shell_id)
    }

    /// An image over the pages behind `refs`, and a hold on them.
    fn map_pages(
        &mut self,
        id: DomainId,
        (width, height): (u32, u32),
        format: PixelFormat,
        refs: &[GrantRef],
    ) -> Result<Option<(GuestPixels, Arc<ImportedPages>)>, EndReason> {
        let client = self.domains.get_mut(id).and_then(|domain| domain.link.client_mut());
        let Some(client) = client else { return Ok(None) };
        // The connection has checked the size against its limits and the pages against the size.
        let stride_bytes = width.saturating_mul(PIXEL_BYTES);
        let bytes =
            usize::try_from(u64::from(stride_bytes).saturating_mul(height.into())).unwrap_or(usize::MAX);
        let refs: Vec<_> = refs.iter().map(|grant| shm_grant::GrantRef(grant.0)).collect();
        let pages = Arc::new(client.import(&refs, bytes)?);
        let layout = PixelLayout { width, height, stride_bytes, offset: 0 };
        let format = match format {
            PixelFormat::Xrgb8888 => shm_grant::PixelFormat::Xrgb8888,
            PixelFormat::Argb8888 => shm_grant::PixelFormat::Argb8888,
        };
        let pixels = GuestPixels::new(|| pages.image(layout, format))?;
        Ok(Some((pixels, pages)))
    }
}

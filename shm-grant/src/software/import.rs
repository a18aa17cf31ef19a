//! Pages a peer shares with this domain.
//!
//! Invariants: every live grant is a memory file that was checked when it came; live grants do not overlap;
//! their number and their pages stay within the limits of `grants`.

use std::collections::BTreeMap;
use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use memmap2::{MmapOptions, MmapRaw};
use rustix::mm::{MapFlags, ProtFlags, mmap};

use crate::import::mapped_bytes;
use crate::poll::{Interest, Source};
use crate::software::grants::{self, Datagram, GrantError, MAX_GRANTS, MAX_PAGES, Received};
use crate::software::memfd;
use crate::{GrantRef, ImportError, ImportedPages, PAGE_SIZE};

/// Separate mappings for one import. Exporters share a buffer in one piece; the kernel limits mappings per
/// process (65530).
const MAX_RUNS: usize = 64;

/// Datagrams taken whenever some have come, before others have their turn.
pub(crate) const A_FEW: usize = 64;

/// Datagrams taken before an import, which must know of everything that was sent before it was asked for.
/// More than the kernel queues on a socket, and than a well-behaved peer can have under way.
pub(crate) const ALL: usize = 4 * MAX_GRANTS;

/// The client's side of a grant socket.
#[derive(Debug)]
pub(crate) struct Importer {
    socket: Source,
    open: bool,
    /// Whether the stream is a ring, whose notifications come here too.
    has_ring: bool,
    grants: BTreeMap<u32, Grant>,
    pages: usize,
}

#[derive(Debug)]
struct Grant {
    pages: u32,
    file: OwnedFd,
}

/// Consecutive pages of one file.
struct Run<'a> {
    file: &'a OwnedFd,
    first: u32,
    pages: usize,
}

impl Importer {
    pub(crate) fn new(socket: Source) -> Self {
        Self { socket, open: true, has_ring: false, grants: BTreeMap::new(), pages: 0 }
    }

    /// Whether the peer has its end open still.
    pub(crate) fn is_open(&self) -> bool {
        self.open
    }

    /// Whether anything that comes, or the peer's end, wakes us.
    pub(crate) fn watch(&mut self, watch: bool) -> io::Result<()> {
        self.socket.watch_for(Interest::IN, watch && self.open)
    }

    pub(crate) fn notify(&self) -> io::Result<()> {
        grants::notify(&self.socket)
    }

    /// Takes the file of the ring, which the first datagram brings; `None` if it has not come yet.
    pub(crate) fn receive_ring(&mut self) -> Result<Option<(OwnedFd, u32)>, GrantError> {
        match grants::receive(self.socket.as_fd())? {
            Received::Nothing => Ok(None),
            Received::Closed => {
                self.close()?;
                Ok(None)
            }
            Received::Datagram(Datagram::Ring { pages }, Some(file)) => {
                memfd::check(file.as_fd(), pages)?;
                self.has_ring = true;
                Ok(Some((file, pages)))
            }
            Received::Datagram(other, _) => Err(other.misplaced()),
        }
    }

    /// Takes what has come, up to `limit` datagrams. Says whether there was a notification.
    pub(crate) fn drain(&mut self, limit: usize) -> Result<bool, GrantError> {
        let mut notified = false;
        for _ in 0..limit {
            if !self.open {
                break;
            }
            match grants::receive(self.socket.as_fd())? {
                Received::Nothing => break,
                Received::Closed => self.close()?,
                Received::Datagram(Datagram::Share { first, pages }, Some(file)) => {
                    self.share(first, pages, file)?
                }
                Received::Datagram(Datagram::Revoke { first, pages }, _) => self.revoke(first, pages)?,
                Received::Datagram(Datagram::Notify, _) if self.has_ring => notified = true,
                Received::Datagram(other, _) => return Err(other.misplaced()),
            }
        }
        Ok(notified)
    }

    /// Maps the pages behind `refs`, in that order.
    pub(crate) fn import(&self, refs: &[GrantRef], bytes: usize) -> Result<ImportedPages, ImportError> {
        let len = mapped_bytes(refs, bytes)?;
        match self.runs(refs)?.as_slice() {
            [run] => Ok(ImportedPages::of_file(run.file.as_fd(), run.first as usize, run.pages)?),
            runs => Ok(ImportedPages::of_map(map(runs, len)?)),
        }
    }

    fn close(&mut self) -> io::Result<()> {
        self.open = false;
        self.watch(false)
    }

    fn share(&mut self, first: u32, pages: u32, file: OwnedFd) -> Result<(), GrantError> {
        if self.grants.len() >= MAX_GRANTS {
            return Err(GrantError::TooManyGrants);
        }
        if self.pages.saturating_add(pages as usize) > MAX_PAGES {
            return Err(GrantError::TooManyPages);
        }
        if overlaps(&self.grants, first, pages, |grant| grant.pages).is_some() {
            return Err(GrantError::Overlap { first, pages });
        }
        memfd::check(file.as_fd(), pages)?;
        self.grants.insert(first, Grant { pages, file });
        self.pages = self.pages.saturating_add(pages as usize);
        Ok(())
    }

    fn revoke(&mut self, first: u32, pages: u32) -> Result<(), GrantError> {
        if self.grants.get(&first).is_none_or(|grant| grant.pages != pages) {
            return Err(GrantError::NotShared { first, pages });
        }
        self.grants.remove(&first);
        self.pages = self.pages.saturating_sub(pages as usize);
        Ok(())
    }

    /// Joins references to consecutive pages of one grant.
    fn runs(&self, refs: &[GrantRef]) -> Result<Vec<Run<'_>>, ImportError> {
        let mut runs = Vec::new();
        let mut refs = refs.iter().copied().peekable();
        while let Some(reference) = refs.next() {
            let (first, grant) =
                self.grants.range(..=reference.0).next_back().ok_or(ImportError::NotShared(reference))?;
            let page = reference.0.wrapping_sub(*first);
            if page >= grant.pages {
                return Err(ImportError::NotShared(reference));
            }
            if runs.len() == MAX_RUNS {
                return Err(ImportError::Scattered(MAX_RUNS));
            }
            let mut end = page.saturating_add(1);
            while end < grant.pages && refs.next_if_eq(&GrantRef(first.saturating_add(end))).is_some() {
                end = end.saturating_add(1);
            }
            runs.push(Run { file: &grant.file, first: page, pages: (end - page) as usize });
        }
        Ok(runs)
    }
}

/// A grant that has a reference in common with `pages` pages from `first` on, which do not exceed the numbers
/// there are.
pub(crate) fn overlaps<G>(
    grants: &BTreeMap<u32, G>,
    first: u32,
    pages: u32,
    size: impl Fn(&G) -> u32,
) -> Option<(u32, u32)> {
    let last = first.saturating_add(pages.saturating_sub(1));
    let (start, grant) = grants.range(..=last).next_back()?;
    let pages = size(grant);
    (start.saturating_add(pages.saturating_sub(1)) >= first).then_some((*start, pages))
}

/// Maps several runs one after the other, read-only; `len` is the bytes of all of them.
fn map(runs: &[Run<'_>], len: usize) -> io::Result<MmapRaw> {
    // Addresses for the whole, given up again with it if one of the runs cannot be mapped.
    let whole = MmapRaw::from(MmapOptions::new().len(len).no_reserve_swap().map_anon()?.make_read_only()?);
    let mut at = 0usize;
    for run in runs {
        let bytes = run.pages.saturating_mul(PAGE_SIZE);
        let end = at.saturating_add(bytes);
        if end > len {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let offset = u64::from(run.first).saturating_mul(PAGE_SIZE as u64);
        let flags = MapFlags::SHARED | MapFlags::FIXED;
        // SAFETY: with FIXED, `mmap` requires that nothing else uses the addresses it replaces. They are
        // within `whole` (`end <= len`, and both are multiples of the page size), which this function owns
        // and has not yet given to anyone; it unmaps all of its addresses on drop, whatever is mapped there
        // by then. That the file is not truncated later, which would make pages vanish, its seal guarantees.
        unsafe {
            let address = whole.as_mut_ptr().add(at).cast::<c_void>();
            mmap(address, bytes, ProtFlags::READ, flags, run.file, offset)?;
        }
        at = end;
    }
    Ok(whole)
}

#[cfg(test)]
mod tests;

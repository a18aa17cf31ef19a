//! `/dev/xen/gntalloc`: pages of this domain that another may map.
//!
//! The pages are the kernel's, zeroed, and stay in its memory. A page is returned when no mapping of it is left, here or
//! there. Where the peer has it mapped still, nobody tells the kernel when that ends: it looks at ten pages a second
//! unless its parameter `grant_table.free_per_iteration` says more, and so takes minutes for a window. Hence let the
//! peer unmap first.

use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::ioctl::Opcode;

use super::device::{DeviceError, Node, module_parameter, opcode, request};
use super::{UnmapNotify, UnmapNotifyRequest};
use crate::export::MAX_EXPORT_PAGES;
use crate::{DomId, GrantRef, PAGE_SIZE, Pages};

const NODE: Node = Node { path: "/dev/xen/gntalloc", module: "xen-gntalloc" };

const LIMIT: &str = "/sys/module/xen_gntalloc/parameters/limit";

/// An open device. A handle: what clones allocate is independent of each other.
#[derive(Clone, Debug)]
pub struct GrantAllocator(Arc<OwnedFd>);

/// Pages that one other domain may map. Dropping it takes the references back once no clone of the pages is left in
/// this process; where the peer has them mapped still, it keeps its mapping, and the kernel the pages until then.
#[derive(Debug)]
pub struct GrantedPages {
    pages: Arc<Pages>,
    refs: Vec<GrantRef>,
    range: Range,
}

/// A range of the device, given up on drop.
#[derive(Debug)]
struct Range {
    device: Arc<OwnedFd>,
    index: u64,
    count: u32,
}

/// Why pages were not allocated. None were then: the kernel takes back what it had.
#[derive(Debug, thiserror::Error)]
pub enum AllocateError {
    /// No pages, or more than a buffer can have.
    #[error("{0} pages are not shared at once: from 1 to {MAX_EXPORT_PAGES}")]
    Size(usize),
    /// All programs of this domain together share as many pages as they may.
    #[error(
        "no room to share {pages} pages more: write more than {limit} into {LIMIT}, or raise max_grant_frames in this \
         domain's configuration"
    )]
    Exhausted {
        /// Pages that were asked for.
        pages: usize,
        /// Pages that the module lets all programs share.
        limit: u32,
    },
    /// The system refused for another reason.
    #[error("cannot share {pages} pages: {source}")]
    Io {
        /// Pages that were asked for.
        pages: usize,
        /// What the system said.
        source: io::Error,
    },
}

#[repr(C)]
struct AllocateHead {
    domid: u16,
    flags: u16,
    count: u32,
    index: u64,
}

/// As the kernel declares it: with one reference, though it gives as many as `count` says.
#[repr(C)]
struct Allocate {
    head: AllocateHead,
    gref_ids: [u32; 1],
}

#[repr(C)]
struct Deallocate {
    index: u64,
    count: u32,
}

const WRITABLE: u16 = 1;

const ALLOCATE: Opcode = opcode::<Allocate>(b'G', 5);
const DEALLOCATE: Opcode = opcode::<Deallocate>(b'G', 6);
const SET_UNMAP_NOTIFY: Opcode = opcode::<UnmapNotifyRequest>(b'G', 7);

// What the macros of `xen/gntalloc.h` are on the architectures that Xen runs on.
const _: () = {
    assert!(size_of::<Allocate>() == 24);
    assert!(offset_of!(Allocate, head.flags) == 2);
    assert!(offset_of!(Allocate, head.count) == 4);
    assert!(offset_of!(Allocate, head.index) == 8);
    assert!(offset_of!(Allocate, gref_ids) == 16);
    assert!(size_of::<Deallocate>() == 16);
    assert!(ALLOCATE == 0x18_4705);
    assert!(DEALLOCATE == 0x10_4706);
    assert!(SET_UNMAP_NOTIFY == 0x10_4707);
};

impl GrantAllocator {
    /// Opens the device.
    ///
    /// # Errors
    ///
    /// [`DeviceError`].
    pub fn open() -> Result<Self, DeviceError> {
        Ok(Self(Arc::new(NODE.open(OFlags::empty())?)))
    }

    /// Allocates `pages` zeroed pages that `peer` may map, for writing only if they are `writable`. Nobody asks
    /// whether there is such a domain.
    ///
    /// # Errors
    ///
    /// [`AllocateError`].
    pub fn allocate(&self, peer: DomId, pages: usize, writable: bool) -> Result<GrantedPages, AllocateError> {
        let count = u32::try_from(pages).ok().filter(|count| (1..=MAX_EXPORT_PAGES).contains(count));
        let count = count.ok_or(AllocateError::Size(pages))?;
        let failed = |source| AllocateError::new(source, pages, module_parameter(LIMIT));
        let (range, refs) = self.reserve(peer, count, writable).map_err(failed)?;
        let first = usize::try_from(range.index).unwrap_or(usize::MAX) / PAGE_SIZE;
        let pages = Pages::of_file(range.device.as_fd(), first, pages).map_err(failed)?;
        Ok(GrantedPages { pages: Arc::new(pages), refs, range })
    }

    fn reserve(&self, peer: DomId, count: u32, writable: bool) -> io::Result<(Range, Vec<GrantRef>)> {
        let flags = if writable { WRITABLE } else { 0 };
        let references = size_of::<u32>().saturating_mul(count as usize);
        let bytes = offset_of!(Allocate, gref_ids).saturating_add(references).max(size_of::<Allocate>());
        let mut answer = vec![0u8; bytes];
        // SAFETY: `answer` starts with room for one `AllocateHead`, whose fields may hold any bits, so that it can be
        // written and read there, aligned or not. The request reads and writes one `ioctl_gntalloc_alloc_gref`, which
        // is no longer than `answer`, and writes the references of `count` pages, which are not either.
        let head = unsafe {
            let head = answer.as_mut_ptr().cast::<AllocateHead>();
            head.write_unaligned(AllocateHead { domid: peer.0, flags, count, index: 0 });
            request::<ALLOCATE, _>(&self.0, answer.as_mut_slice())?;
            head.read_unaligned()
        };
        let range = Range { device: Arc::clone(&self.0), index: head.index, count };
        let (refs, _) = answer.get(offset_of!(Allocate, gref_ids)..).unwrap_or_default().as_chunks();
        let refs = refs.iter().take(count as usize).map(|reference| GrantRef(u32::from_ne_bytes(*reference)));
        Ok((range, refs.collect()))
    }
}

impl GrantedPages {
    /// The pages, to read and write.
    #[must_use]
    pub fn pages(&self) -> &Arc<Pages> {
        &self.pages
    }

    /// One reference for each page, in order.
    #[must_use]
    pub fn refs(&self) -> &[GrantRef] {
        &self.refs
    }

    /// Says what happens when the page of the byte (the first, if none is to be cleared) goes, in place of what was
    /// said before of that page.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a byte that is not in the pages, or a port that is not bound; else what the system says.
    pub fn set_unmap_notify(&self, notify: UnmapNotify) -> io::Result<()> {
        let asked = notify.request(self.range.index, self.pages.len());
        let mut asked = asked.ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: the request reads one `ioctl_gntalloc_unmap_notify`, which `asked` is, and writes nothing. The byte
        // that is cleared later is one of these shared pages, of which nobody has a reference.
        unsafe { request::<SET_UNMAP_NOTIFY, _>(&self.range.device, &mut asked) }.map(drop)
    }
}

impl Drop for Range {
    fn drop(&mut self) {
        let mut deallocate = Deallocate { index: self.index, count: self.count };
        // SAFETY: the request reads one `ioctl_gntalloc_dealloc_gref`, which the argument is, and writes nothing. It
        // takes no page away from a mapping that is left.
        let freed = unsafe { request::<DEALLOCATE, _>(&self.device, &mut deallocate) };
        debug_assert!(freed.is_ok(), "the device knows its own range: {freed:?}");
    }
}

impl AllocateError {
    fn new(source: io::Error, pages: usize, limit: Option<u32>) -> Self {
        match (Errno::from_io_error(&source), limit) {
            // The module says so of its own limit, and of the domain's grant table.
            (Some(Errno::NOSPC), Some(limit)) => Self::Exhausted { pages, limit },
            _ => Self::Io { pages, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_was_reached_is_named() {
        let error = AllocateError::new(Errno::NOSPC.into(), 2025, Some(1024));
        assert_eq!(
            error.to_string(),
            "no room to share 2025 pages more: write more than 1024 into /sys/module/xen_gntalloc/parameters/limit, or \
             raise max_grant_frames in this domain's configuration"
        );
        let error = AllocateError::new(Errno::NOMEM.into(), 3, Some(1024));
        assert_eq!(error.to_string(), "cannot share 3 pages: Cannot allocate memory (os error 12)");
    }
}

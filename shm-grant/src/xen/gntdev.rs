//! `/dev/xen/gntdev`: pages of another domain, mapped or copied by their references.
//!
//! Xen checks every reference when it is mapped or copied: that the other domain has given it to this one, and for
//! writing where it is to be written. A mapping is made whole or not at all, and stays whatever the other domain does
//! until it is dropped here.

use std::io;
use std::mem::offset_of;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::ioctl::Opcode;

use super::device::{DeviceError, Node, module_parameter, opcode, request};
use super::{UnmapNotify, UnmapNotifyRequest};
use crate::export::MAX_EXPORT_PAGES;
use crate::{DomId, GrantRef, ImportedPages, OutOfBounds, PAGE_SIZE, Pages};

const NODE: Node = Node { path: "/dev/xen/gntdev", module: "xen-gntdev" };

const LIMIT: &str = "/sys/module/xen_gntdev/parameters/limit";

/// Pages mapped through one device at a time: 256 MiB, twice what a domain can share with the grant table that Xen gives
/// it unless configured otherwise. A domain can name the same page over and over, and every mapping takes room in the
/// account that Xen keeps of all that this domain has mapped, for its disks and networks as well.
pub const MAX_MAPPED: usize = 65_536;

/// An open device, for the pages of one other domain. A handle: clones share the limit of [`MAX_MAPPED`] pages.
#[derive(Clone, Debug)]
pub struct GrantDevice(Arc<Device>);

#[derive(Debug)]
struct Device {
    node: OwnedFd,
    /// Pages in the table.
    mapped: AtomicUsize,
}

/// Pages of another domain, mapped writable: those of a ring.
#[derive(Debug)]
pub struct MappedPages {
    pages: Arc<Pages>,
    device: Arc<Device>,
    index: u64,
}

/// References in the table of a device. Dropping it takes them out, for which their mapping must be gone.
#[derive(Debug)]
pub(crate) struct TableEntry {
    device: Arc<Device>,
    index: u64,
    count: u32,
}

/// Why references were not mapped. None of them were then.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// No references, or more than a buffer can have.
    #[error("{0} references are not mapped at once: from 1 to {MAX_EXPORT_PAGES}")]
    Size(usize),
    /// More references than the module maps at once.
    #[error("{refs} references are more than {limit} at once: write more into {LIMIT}")]
    Limit {
        /// Number of references.
        refs: usize,
        /// How many the module maps at once.
        limit: u32,
    },
    /// As many pages are mapped as may be, or nearly.
    #[error("{refs} references are more than there is room for beside {mapped} of {MAX_MAPPED} pages")]
    Exhausted {
        /// Number of references.
        refs: usize,
        /// Pages that are mapped already.
        mapped: usize,
    },
    /// Xen refused at least one of the references: nothing is shared under it, or not with this domain, or not for
    /// writing; or Xen has no room to keep account of them all (its option `gnttab_max_maptrack_frames`).
    #[error("domain {} does not share what is to be mapped under {refs} references", .domain.0)]
    Refused {
        /// The other domain.
        domain: DomId,
        /// Number of references.
        refs: usize,
    },
    /// The system refused for another reason.
    #[error("cannot map {refs} references of domain {}: {source}", .domain.0)]
    Io {
        /// The other domain.
        domain: DomId,
        /// Number of references.
        refs: usize,
        /// What the system said.
        source: io::Error,
    },
}

/// Part of a page to be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopyPiece {
    /// The page.
    pub reference: GrantRef,
    /// First byte within the page.
    pub offset: usize,
    /// Bytes; they must not reach beyond the page.
    pub len: usize,
    /// First byte in the destination.
    pub to: usize,
}

/// Why pages were not copied. Pieces before and after the one that failed may have been.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// A piece reaches beyond its page.
    #[error("{len} bytes at offset {offset} are not within a page")]
    BeyondPage {
        /// First byte.
        offset: usize,
        /// Number of bytes.
        len: usize,
    },
    /// A piece does not fit into the destination.
    #[error(transparent)]
    OutOfBounds(#[from] OutOfBounds),
    /// Xen refused a reference.
    #[error("domain {} does not share what is to be copied under reference {} (status {status})", .domain.0, .reference.0)]
    Refused {
        /// The other domain.
        domain: DomId,
        /// The first reference that was refused.
        reference: GrantRef,
        /// Why: one of the `GNTST_` numbers of Xen's public header `grant_table.h`.
        status: i16,
    },
    /// The system refused for another reason.
    #[error("cannot copy from domain {}: {source}", .domain.0)]
    Io {
        /// The other domain.
        domain: DomId,
        /// What the system said.
        source: io::Error,
    },
}

#[repr(C)]
struct Reference {
    domid: u32,
    reference: u32,
}

#[repr(C)]
struct MapHead {
    count: u32,
    pad: u32,
    index: u64,
}

/// As the kernel declares it: with one reference, though it takes as many as `count` says.
#[repr(C)]
struct Map {
    head: MapHead,
    refs: [Reference; 1],
}

#[repr(C)]
struct Unmap {
    index: u64,
    count: u32,
    pad: u32,
}

#[repr(C)]
struct CopyRequest {
    count: u32,
    segments: *mut Segment,
}

#[repr(C)]
struct Segment {
    source: Side,
    dest: Side,
    len: u16,
    flags: u16,
    status: i16,
}

#[repr(C)]
union Side {
    virt: *mut u8,
    foreign: Foreign,
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Foreign {
    reference: u32,
    offset: u16,
    domid: u16,
}

const SOURCE_IS_REFERENCE: u16 = 1;

const MAP: Opcode = opcode::<Map>(b'G', 0);
const UNMAP: Opcode = opcode::<Unmap>(b'G', 1);
const SET_UNMAP_NOTIFY: Opcode = opcode::<UnmapNotifyRequest>(b'G', 7);
const COPY: Opcode = opcode::<CopyRequest>(b'G', 8);

// What the macros of `xen/gntdev.h` are on the architectures that Xen runs on; only the copy's depends on the size of
// a pointer.
const _: () = {
    assert!(size_of::<Reference>() == 8);
    assert!(size_of::<Map>() == 24);
    assert!(offset_of!(Map, head.index) == 8);
    assert!(offset_of!(Map, refs) == 16);
    assert!(size_of::<Unmap>() == 16);
    assert!(offset_of!(Unmap, count) == 8);
    assert!(size_of::<Foreign>() == 8);
    assert!(offset_of!(Foreign, offset) == 4);
    assert!(offset_of!(Foreign, domid) == 6);
    assert!(size_of::<Segment>() == 24);
    assert!(offset_of!(Segment, dest) == 8);
    assert!(offset_of!(Segment, len) == 16);
    assert!(offset_of!(Segment, flags) == 18);
    assert!(offset_of!(Segment, status) == 20);
    assert!(size_of::<CopyRequest>() == 2 * size_of::<usize>());
    assert!(offset_of!(CopyRequest, segments) == size_of::<usize>());
    assert!(MAP == 0x18_4700);
    assert!(UNMAP == 0x10_4701);
    assert!(SET_UNMAP_NOTIFY == 0x10_4707);
    assert!(size_of::<usize>() != 8 || COPY == 0x10_4708);
};

impl GrantDevice {
    /// Opens the device.
    ///
    /// # Errors
    ///
    /// [`DeviceError`].
    pub fn open() -> Result<Self, DeviceError> {
        let node = NODE.open(OFlags::empty())?;
        Ok(Self(Arc::new(Device { node, mapped: AtomicUsize::new(0) })))
    }

    /// Maps the pages behind `refs`, in that order, read-only.
    ///
    /// # Errors
    ///
    /// [`MapError`].
    pub fn map(&self, domain: DomId, refs: &[GrantRef]) -> Result<ImportedPages, MapError> {
        let entry = self.enter(domain, refs)?;
        ImportedPages::of_grants(entry).map_err(|error| MapError::refused(error, domain, refs.len()))
    }

    /// Maps the pages behind `refs`, in that order, readable and writable.
    ///
    /// # Errors
    ///
    /// [`MapError`].
    pub fn map_writable(&self, domain: DomId, refs: &[GrantRef]) -> Result<MappedPages, MapError> {
        let entry = self.enter(domain, refs)?;
        let index = entry.index;
        let pages = Pages::of_grants(entry).map_err(|error| MapError::refused(error, domain, refs.len()))?;
        Ok(MappedPages { pages: Arc::new(pages), device: Arc::clone(&self.0), index })
    }

    /// Copies pieces of pages into `to` without mapping them.
    ///
    /// # Errors
    ///
    /// [`CopyError`].
    pub fn copy(&self, domain: DomId, pieces: &[CopyPiece], to: &Pages) -> Result<(), CopyError> {
        let failed = |source| CopyError::Io { domain, source };
        let count = u32::try_from(pieces.len()).map_err(|_| failed(io::ErrorKind::InvalidInput.into()))?;
        let segments = pieces.iter().map(|piece| piece.segment(domain, to));
        let mut segments = segments.collect::<Result<Vec<_>, _>>()?;
        let mut copy = CopyRequest { count, segments: segments.as_mut_ptr() };
        // SAFETY: the request reads one `ioctl_gntdev_grant_copy`, which `copy` is, and the `count` segments that it
        // names, in which it writes the status. It writes to the destinations of the segments, of which
        // `CopyPiece::segment` took care: they lie in the writable mapping of `to`, of which no reference exists.
        unsafe { request::<COPY, _>(&self.0.node, &mut copy) }.map_err(failed)?;
        match pieces.iter().zip(&segments).find(|(_, segment)| segment.status != 0) {
            None => Ok(()),
            Some((CopyPiece { reference, .. }, Segment { status, .. })) => {
                Err(CopyError::Refused { domain, reference: *reference, status: *status })
            }
        }
    }

    /// Enters references into the device's table, which does not look at them yet.
    fn enter(&self, domain: DomId, refs: &[GrantRef]) -> Result<TableEntry, MapError> {
        let count = u32::try_from(refs.len()).ok().filter(|count| (1..=MAX_EXPORT_PAGES).contains(count));
        let count = count.ok_or(MapError::Size(refs.len()))?;
        self.0.reserve(refs.len())?;
        let mut asked = vec![0u8; size_of::<MapHead>()];
        for reference in refs {
            asked.extend_from_slice(&u32::from(domain.0).to_ne_bytes());
            asked.extend_from_slice(&reference.0.to_ne_bytes());
        }
        // SAFETY: `asked` starts with room for one `MapHead`, whose fields may hold any bits, so that it can be written
        // and read there, aligned or not. The request reads one `ioctl_gntdev_map_grant_ref`, which is that and
        // `count` references, and writes it without them.
        let answer = unsafe {
            let head = asked.as_mut_ptr().cast::<MapHead>();
            head.write_unaligned(MapHead { count, pad: 0, index: 0 });
            request::<MAP, _>(&self.0.node, asked.as_mut_slice()).map(|_| head.read_unaligned())
        };
        match answer {
            Ok(head) => Ok(TableEntry { device: Arc::clone(&self.0), index: head.index, count }),
            Err(error) => {
                self.0.release(refs.len());
                Err(MapError::not_entered(error, domain, refs.len(), module_parameter(LIMIT)))
            }
        }
    }
}

impl Device {
    /// Takes room for references, to be given back with [`Device::release`].
    fn reserve(&self, refs: usize) -> Result<(), MapError> {
        let with = |mapped: usize| mapped.checked_add(refs).filter(|mapped| *mapped <= MAX_MAPPED);
        match self.mapped.fetch_update(Ordering::Relaxed, Ordering::Relaxed, with) {
            Ok(_) => Ok(()),
            Err(mapped) => Err(MapError::Exhausted { refs, mapped }),
        }
    }

    fn release(&self, refs: usize) {
        self.mapped.fetch_sub(refs, Ordering::Relaxed);
    }
}

impl MappedPages {
    /// The pages, to read and write.
    #[must_use]
    pub fn pages(&self) -> &Arc<Pages> {
        &self.pages
    }

    /// Says what happens when these pages go, in place of what was said before.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a byte that is not in the pages, or a port that is not bound; else what the system says.
    pub fn set_unmap_notify(&self, notify: UnmapNotify) -> io::Result<()> {
        let mut asked = notify.request(self.index, self.pages.len()).ok_or(io::ErrorKind::InvalidInput)?;
        // SAFETY: the request reads one `ioctl_gntdev_unmap_notify`, which `asked` is, and writes nothing. The byte
        // that is cleared later is one of these shared pages, of which nobody has a reference.
        unsafe { request::<SET_UNMAP_NOTIFY, _>(&self.device.node, &mut asked) }.map(drop)
    }
}

impl TableEntry {
    pub(crate) fn device(&self) -> BorrowedFd<'_> {
        self.device.node.as_fd()
    }

    /// The page of the device that the first reference is.
    pub(crate) fn first_page(&self) -> usize {
        // Where a page does not have a number in a `usize`, none is mapped there.
        usize::try_from(self.index).unwrap_or(usize::MAX) / PAGE_SIZE
    }

    pub(crate) fn pages(&self) -> usize {
        self.count as usize
    }
}

impl Drop for TableEntry {
    fn drop(&mut self) {
        let mut unmap = Unmap { index: self.index, count: self.count, pad: 0 };
        // SAFETY: the request reads one `ioctl_gntdev_unmap_grant_ref`, which `unmap` is, and writes nothing. It takes
        // no page away from a mapping.
        let removed = unsafe { request::<UNMAP, _>(&self.device.node, &mut unmap) };
        self.device.release(self.pages());
        debug_assert!(removed.is_ok(), "the device knows its own references: {removed:?}");
    }
}

impl CopyPiece {
    /// The piece as the kernel wants it, if it lies within its page and its destination within `to`.
    fn segment(self, domain: DomId, to: &Pages) -> Result<Segment, CopyError> {
        let Self { reference, offset, len, to: at } = self;
        let beyond = || CopyError::BeyondPage { offset, len };
        if offset.checked_add(len).is_none_or(|end| end > PAGE_SIZE) {
            return Err(beyond());
        }
        let (Ok(offset), Ok(len_u16)) = (u16::try_from(offset), u16::try_from(len)) else {
            return Err(beyond());
        };
        let foreign = Foreign { reference: reference.0, offset, domid: domain.0 };
        Ok(Segment {
            source: Side { foreign },
            dest: Side { virt: to.at(at, len)? },
            len: len_u16,
            flags: SOURCE_IS_REFERENCE,
            status: 0,
        })
    }
}

impl MapError {
    fn not_entered(source: io::Error, domain: DomId, refs: usize, limit: Option<u32>) -> Self {
        match limit {
            Some(limit) if refs > limit as usize => Self::Limit { refs, limit },
            _ => Self::Io { domain, refs, source },
        }
    }

    fn refused(source: io::Error, domain: DomId, refs: usize) -> Self {
        match Errno::from_io_error(&source) {
            Some(Errno::INVAL) => Self::Refused { domain, refs },
            _ => Self::Io { domain, refs, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOMAIN: DomId = DomId(7);

    #[test]
    fn references_that_are_not_mapped_say_why() {
        let entered =
            |error: Errno, refs, limit| MapError::not_entered(error.into(), DOMAIN, refs, limit).to_string();
        assert_eq!(
            entered(Errno::INVAL, 70_000, Some(65_536)),
            "70000 references are more than 65536 at once: write more into /sys/module/xen_gntdev/parameters/limit"
        );
        assert_eq!(
            entered(Errno::NOMEM, 3, Some(65_536)),
            "cannot map 3 references of domain 7: Cannot allocate memory (os error 12)"
        );
        let refused = MapError::refused(Errno::INVAL.into(), DOMAIN, 2025).to_string();
        assert_eq!(refused, "domain 7 does not share what is to be mapped under 2025 references");
    }

    #[test]
    fn a_domain_has_only_so_many_pages_mapped() {
        let node = std::fs::File::open("/dev/null").unwrap().into();
        let device = Device { node, mapped: AtomicUsize::new(0) };
        device.reserve(MAX_MAPPED - 1).unwrap();
        let says = "2 references are more than there is room for beside 65535 of 65536 pages";
        assert_eq!(device.reserve(2).unwrap_err().to_string(), says);
        device.reserve(1).unwrap();
        assert!(matches!(device.reserve(usize::MAX), Err(MapError::Exhausted { .. })));
        device.release(2);
        device.reserve(2).unwrap();
    }

    #[test]
    fn a_piece_lies_within_its_page_and_its_destination() {
        let to = Pages::anonymous(2 * PAGE_SIZE).unwrap();
        let piece = |offset, len, to| CopyPiece { reference: GrantRef(9), offset, len, to };
        let segment = |piece: CopyPiece| piece.segment(DOMAIN, &to);
        let whole = segment(piece(0, PAGE_SIZE, PAGE_SIZE)).unwrap();
        assert_eq!((whole.len, whole.flags, whole.status), (4096, 1, 0));
        assert!(segment(piece(4095, 1, 0)).is_ok());
        for beyond in [piece(4095, 2, 0), piece(0, 4097, 0), piece(usize::MAX, 2, 0), piece(65536, 0, 0)] {
            assert!(matches!(segment(beyond), Err(CopyError::BeyondPage { .. })), "{beyond:?}");
        }
        for outside in [piece(0, 2, 8191), piece(0, 1, 8192), piece(0, 1, usize::MAX)] {
            assert!(matches!(segment(outside), Err(CopyError::OutOfBounds(_))), "{outside:?}");
        }
    }
}

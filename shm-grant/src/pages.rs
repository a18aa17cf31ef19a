//! Mappings of shared pages.
//!
//! The other side may read or write the same memory at any moment. Hence no `Deref`, no slice, no reference:
//! bytes are copied in and out, bounds-checked, and looked at only after they were copied. [`Pages`] is
//! writable, [`ImportedPages`] is not. Both unmap on drop, which for large mappings takes a while: drop them
//! off the event loop.

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};

use memmap2::{MmapOptions, MmapRaw};
use rustix::fd::AsRawFd;

use crate::mem;
use crate::xen::TableEntry;

/// Bytes per page, and per grant. Fixed by the protocols, not by this machine.
pub const PAGE_SIZE: usize = 4096;

/// An access beyond the end of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes at offset {offset} are not within the {size} bytes of the mapping")]
pub struct OutOfBounds {
    /// First byte of the access.
    pub offset: usize,
    /// Bytes of the access.
    pub len: usize,
    /// Bytes of the mapping.
    pub size: usize,
}

/// Whole pages, mapped readable and writable, possibly shared with a peer that writes to them as well.
#[derive(Debug)]
pub struct Pages {
    map: MmapRaw,
    /// After the mapping, which it must outlive.
    _references: Option<TableEntry>,
}

impl Pages {
    /// Private zeroed pages, at least `bytes` long, that no peer sees.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for 0 bytes, else what `mmap` says.
    pub fn anonymous(bytes: usize) -> io::Result<Self> {
        let len = whole_pages(bytes)?;
        Ok(Self { map: MmapOptions::new().len(len).map_anon()?.into(), _references: None })
    }

    /// `pages` pages of a file, from page `first` on, shared and writable.
    pub(crate) fn of_file(file: BorrowedFd<'_>, first: usize, pages: usize) -> io::Result<Self> {
        let (offset, len) = span(first, pages)?;
        let map = MmapOptions::new().offset(offset).len(len).map_raw(file.as_raw_fd())?;
        Ok(Self { map, _references: None })
    }

    /// The pages behind references to another domain's.
    pub(crate) fn of_grants(references: TableEntry) -> io::Result<Self> {
        let pages = Self::of_file(references.device(), references.first_page(), references.pages())?;
        Ok(Self { _references: Some(references), ..pages })
    }

    /// Bytes mapped: a positive multiple of [`PAGE_SIZE`].
    #[expect(clippy::len_without_is_empty, reason = "a mapping is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Copies `from` into the pages at `offset` bytes.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`]; nothing is written then.
    pub fn copy_in(&self, offset: usize, from: &[u8]) -> Result<(), OutOfBounds> {
        let to = self.at(offset, from.len())?;
        // SAFETY: `at` proved that the whole range lies in the mapping, which is writable and lives as long
        // as `self`; no reference to its memory is ever made.
        unsafe { mem::copy_in(to, from) };
        Ok(())
    }

    /// Copies the bytes at `offset` into `to`.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`]; `to` is left alone then.
    pub fn copy_out(&self, offset: usize, to: &mut [u8]) -> Result<(), OutOfBounds> {
        copy_out(&self.map, offset, to)
    }

    pub(crate) fn load_u32(&self, offset: usize, order: Ordering) -> Result<u32, OutOfBounds> {
        let at = self.at_u32(offset)?;
        // SAFETY: `at_u32` proved that the word is mapped writable and aligned. A reference to an atomic
        // exists during the call only; being atomic it claims nothing about what others do to the word.
        Ok(unsafe { AtomicU32::from_ptr(at) }.load(order))
    }

    pub(crate) fn store_u32(&self, offset: usize, value: u32, order: Ordering) -> Result<(), OutOfBounds> {
        let at = self.at_u32(offset)?;
        // SAFETY: as in `load_u32`.
        unsafe { AtomicU32::from_ptr(at) }.store(value, order);
        Ok(())
    }

    pub(crate) fn load_u8(&self, offset: usize) -> Result<u8, OutOfBounds> {
        let at = self.at(offset, 1)?;
        // SAFETY: as in `load_u32`; a byte is always aligned.
        Ok(unsafe { AtomicU8::from_ptr(at) }.load(Ordering::SeqCst))
    }

    pub(crate) fn store_u8(&self, offset: usize, value: u8) -> Result<(), OutOfBounds> {
        let at = self.at(offset, 1)?;
        // SAFETY: as in `load_u8`.
        unsafe { AtomicU8::from_ptr(at) }.store(value, Ordering::SeqCst);
        Ok(())
    }

    /// Sets `bits` in the byte at `offset`.
    pub(crate) fn set_bits(&self, offset: usize, bits: u8) -> Result<(), OutOfBounds> {
        let at = self.at(offset, 1)?;
        // SAFETY: as in `load_u8`.
        unsafe { AtomicU8::from_ptr(at) }.fetch_or(bits, Ordering::SeqCst);
        Ok(())
    }

    /// Clears `bits` in the byte at `offset` and returns those that were set.
    pub(crate) fn take_bits(&self, offset: usize, bits: u8) -> Result<u8, OutOfBounds> {
        let at = self.at(offset, 1)?;
        // SAFETY: as in `load_u8`.
        Ok(unsafe { AtomicU8::from_ptr(at) }.fetch_and(!bits, Ordering::SeqCst) & bits)
    }

    /// Where the bytes at `offset` lie, which are mapped writable as long as `self` lives.
    pub(crate) fn at(&self, offset: usize, len: usize) -> Result<*mut u8, OutOfBounds> {
        check(&self.map, offset, len)?;
        Ok(self.map.as_mut_ptr().wrapping_add(offset))
    }

    fn at_u32(&self, offset: usize) -> Result<*mut u32, OutOfBounds> {
        let at = self.at(offset, size_of::<u32>())?.cast::<u32>();
        if at.is_aligned() {
            Ok(at)
        } else {
            Err(OutOfBounds { offset, len: size_of::<u32>(), size: self.len() })
        }
    }

    #[cfg(feature = "pixman")]
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }
}

/// Whole pages of a peer, mapped read-only. The peer may rewrite them at any moment; it cannot take them
/// away.
#[derive(Debug)]
pub struct ImportedPages {
    map: MmapRaw,
    /// After the mapping, which it must outlive.
    _references: Option<TableEntry>,
}

impl ImportedPages {
    /// `pages` pages of a file, from page `first` on, shared and read-only.
    pub(crate) fn of_file(file: BorrowedFd<'_>, first: usize, pages: usize) -> io::Result<Self> {
        let (offset, len) = span(first, pages)?;
        let map = MmapOptions::new().offset(offset).len(len).map_raw_read_only(file.as_raw_fd())?;
        Ok(Self { map, _references: None })
    }

    /// The pages behind references to another domain's.
    pub(crate) fn of_grants(references: TableEntry) -> io::Result<Self> {
        let pages = Self::of_file(references.device(), references.first_page(), references.pages())?;
        Ok(Self { _references: Some(references), ..pages })
    }

    /// Takes over a mapping of which every page is readable.
    pub(crate) fn of_map(map: MmapRaw) -> Self {
        Self { map, _references: None }
    }

    /// Bytes mapped: a positive multiple of [`PAGE_SIZE`].
    #[expect(clippy::len_without_is_empty, reason = "a mapping is never empty")]
    #[must_use]
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Copies the bytes at `offset` into `to`.
    ///
    /// # Errors
    ///
    /// [`OutOfBounds`]; `to` is left alone then.
    pub fn copy_out(&self, offset: usize, to: &mut [u8]) -> Result<(), OutOfBounds> {
        copy_out(&self.map, offset, to)
    }

    #[cfg(feature = "pixman")]
    pub(crate) fn as_ptr(&self) -> *mut u8 {
        self.map.as_mut_ptr()
    }
}

fn copy_out(map: &MmapRaw, offset: usize, to: &mut [u8]) -> Result<(), OutOfBounds> {
    check(map, offset, to.len())?;
    // SAFETY: `check` proved that the whole range lies in the mapping, which is readable and lives as long as
    // the borrow; no reference to its memory is ever made.
    unsafe { mem::copy_out(map.as_ptr().wrapping_add(offset), to) };
    Ok(())
}

fn check(map: &MmapRaw, offset: usize, len: usize) -> Result<(), OutOfBounds> {
    match offset.checked_add(len) {
        Some(end) if end <= map.len() => Ok(()),
        _ => Err(OutOfBounds { offset, len, size: map.len() }),
    }
}

fn whole_pages(bytes: usize) -> io::Result<usize> {
    match bytes.checked_next_multiple_of(PAGE_SIZE) {
        Some(len) if len > 0 => Ok(len),
        _ => Err(io::ErrorKind::InvalidInput.into()),
    }
}

/// Byte offset and length of `pages` pages from page `first` on.
fn span(first: usize, pages: usize) -> io::Result<(u64, usize)> {
    let len = pages.checked_mul(PAGE_SIZE).filter(|len| *len > 0);
    let offset = first.checked_mul(PAGE_SIZE).and_then(|offset| u64::try_from(offset).ok());
    offset.zip(len).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stays_within_the_mapping() {
        let pages = Pages::anonymous(1).unwrap();
        assert_eq!(pages.len(), PAGE_SIZE);
        pages.copy_in(PAGE_SIZE - 3, b"abc").unwrap();
        let mut back = [0; 4];
        pages.copy_out(PAGE_SIZE - 4, &mut back).unwrap();
        assert_eq!(&back, b"\0abc");

        let past = OutOfBounds { offset: PAGE_SIZE - 2, len: 3, size: PAGE_SIZE };
        assert_eq!(pages.copy_in(PAGE_SIZE - 2, b"abc"), Err(past));
        assert!(pages.copy_out(usize::MAX, &mut back).is_err());
        assert!(pages.load_u32(PAGE_SIZE - 3, Ordering::SeqCst).is_err());
        assert!(pages.load_u32(2, Ordering::SeqCst).is_err(), "a word off its alignment");
    }

    #[test]
    fn there_are_no_empty_mappings() {
        assert_eq!(Pages::anonymous(0).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        assert_eq!(Pages::anonymous(usize::MAX).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }
}

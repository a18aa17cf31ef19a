//! Sealed memory files: what stands for granted pages without Xen.
//!
//! A page of a file that shrinks after it was mapped kills the process that touches it. So a file is made
//! sealed, and one that comes from a peer is mapped only if it is sealed against shrinking.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::fs::{
    FsWord, MemfdFlags, SealFlags, fcntl_add_seals, fcntl_get_seals, fstat, fstatfs, ftruncate, memfd_create,
};

use crate::PAGE_SIZE;
use crate::software::GrantError;

/// File system type of memory files of ordinary pages. Those of huge pages have another: they cannot be
/// mapped by the page. Source: `linux/magic.h`.
const TMPFS_MAGIC: FsWord = 0x0102_1994;

/// A file of `pages` zeroed pages that never changes its size.
pub(crate) fn create(pages: usize) -> io::Result<OwnedFd> {
    let bytes = pages.checked_mul(PAGE_SIZE).ok_or(io::ErrorKind::InvalidInput)?;
    let file = memfd_create("transom-pages", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    ftruncate(&file, bytes as u64)?;
    fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
    Ok(file)
}

/// Whether a peer's file has at least `pages` pages and always will have.
pub(crate) fn check(file: BorrowedFd<'_>, pages: u32) -> Result<(), GrantError> {
    // The seals first: the kernel answers for a memory file itself, whereas a question to any other file may
    // go to whoever implements its file system, and wait for the answer.
    let seals = fcntl_get_seals(file).map_err(|_| GrantError::NotMemory)?;
    if !seals.contains(SealFlags::SHRINK) {
        return Err(GrantError::NotSealed);
    }
    if fstatfs(file).map_err(io::Error::from)?.f_type != TMPFS_MAGIC {
        return Err(GrantError::NotMemory);
    }
    let bytes = u64::try_from(fstat(file).map_err(io::Error::from)?.st_size).unwrap_or(0);
    if bytes < u64::from(pages) * PAGE_SIZE as u64 {
        return Err(GrantError::TooSmall { bytes, pages });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use rustix::fs::fcntl_get_seals;

    use super::*;

    fn unsealed(flags: MemfdFlags, bytes: u64) -> OwnedFd {
        let file = memfd_create("test", flags | MemfdFlags::ALLOW_SEALING).unwrap();
        ftruncate(&file, bytes).unwrap();
        file
    }

    #[test]
    fn our_files_are_sealed_and_pass() {
        let file = create(3).unwrap();
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        assert_eq!(fcntl_get_seals(&file).unwrap(), seals);
        check(file.as_fd(), 3).unwrap();
        let past = check(file.as_fd(), 4).unwrap_err();
        assert!(matches!(past, GrantError::TooSmall { bytes: 12288, pages: 4 }), "{past}");
    }

    #[test]
    fn a_file_that_may_shrink_is_refused() {
        let file = unsealed(MemfdFlags::empty(), 4096);
        fcntl_add_seals(&file, SealFlags::GROW).unwrap();
        assert!(matches!(check(file.as_fd(), 1), Err(GrantError::NotSealed)));
        fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
        check(file.as_fd(), 1).unwrap();
    }

    #[test]
    fn what_is_no_memory_file_is_refused() {
        let null = std::fs::File::open("/dev/null").unwrap();
        assert!(matches!(check(null.as_fd(), 1), Err(GrantError::NotMemory)));
        let (pipe, _other_end) = rustix::pipe::pipe().unwrap();
        assert!(matches!(check(pipe.as_fd(), 1), Err(GrantError::NotMemory)));
    }

    #[test]
    fn huge_pages_are_refused() {
        // The file can be made, and sealed, where the machine has no huge page to put into it.
        let Ok(file) = memfd_create("huge", MemfdFlags::HUGETLB | MemfdFlags::ALLOW_SEALING) else {
            eprintln!("skipped: this kernel has no huge pages");
            return;
        };
        fcntl_add_seals(&file, SealFlags::SHRINK).unwrap();
        assert!(matches!(check(file.as_fd(), 1), Err(GrantError::NotMemory)));
    }
}

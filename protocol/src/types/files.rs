//! Files on their way from one domain to another.

use alloc::string::String;
use alloc::vec::Vec;

use crate::limits::{MAX_FILE_NAME, MAX_FILES, MAX_FILES_LIST};
use crate::wire::Reader;

/// A file as its sender tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileInfo {
    /// Its name without a folder. Any text else, control characters included, so sanitise it before showing or using it.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// The files of one transfer, 1 to 256. The names have 1 to 255 bytes, without NUL or `/`, and are neither `.` nor
/// `..`; the sizes add up to less than 2^64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileList {
    files: Vec<FileInfo>,
    total: u64,
}

impl FileList {
    /// Most bytes of a list as [`FileList::to_wire`] writes it.
    pub const MAX_BYTES: u32 = MAX_FILES_LIST;

    /// These files, if a list may be so, and is not longer than [`FileList::MAX_BYTES`] on the wire.
    #[must_use]
    pub fn new(files: Vec<FileInfo>) -> Option<FileList> {
        if !(1..=MAX_FILES).contains(&files.len()) || !files.iter().all(|file| is_name(&file.name)) {
            return None;
        }
        let total = files.iter().try_fold(0u64, |sum, file| sum.checked_add(file.size))?;
        let bytes = files.iter().map(|file| file.name.len().saturating_add(9)).fold(0, usize::saturating_add);
        (bytes <= MAX_FILES_LIST as usize).then_some(FileList { files, total })
    }

    /// The files, in the order in which their bytes come.
    #[must_use]
    pub fn files(&self) -> &[FileInfo] {
        &self.files
    }

    /// Bytes of all of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Size, name and a NUL for each.
    #[must_use]
    pub fn to_wire(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for FileInfo { name, size } in &self.files {
            bytes.extend_from_slice(&size.to_le_bytes());
            bytes.extend_from_slice(name.as_bytes());
            bytes.push(0);
        }
        bytes
    }

    /// The list that these bytes are, if they are one.
    #[must_use]
    pub fn from_wire(bytes: &[u8]) -> Option<FileList> {
        let mut reader = Reader::new(bytes);
        let mut files = Vec::new();
        while !reader.is_finished() {
            if files.len() >= MAX_FILES {
                return None;
            }
            let size = reader.array().map(u64::from_le_bytes)?;
            let name = String::from(str::from_utf8(reader.until_nul()?).ok()?);
            files.push(FileInfo { name, size });
        }
        FileList::new(files)
    }
}

fn is_name(name: &str) -> bool {
    (1..=MAX_FILE_NAME).contains(&name.len()) && !name.contains(['/', '\0']) && name != "." && name != ".."
}

wire_enum! {
    /// How a transfer of files ended.
    pub enum FilesEnd {
        /// All files are in their place, whole.
        Done = 0,
        /// Nobody takes them: the user or the configuration says no.
        Refused = 1,
        /// The user, or a program, has stopped it.
        Cancelled = 2,
        /// Reading, carrying or writing them failed.
        Failed = 3,
        /// There is no room for them.
        NoRoom = 4,
        /// Another transfer is under way.
        Busy = 5,
        /// They are more than is carried.
        TooLarge = 6,
    }
}

impl FilesEnd {
    /// This, as the one who sends files may say it.
    pub(crate) fn as_broken(self) -> FilesEnd {
        if self == FilesEnd::Cancelled { FilesEnd::Cancelled } else { FilesEnd::Failed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    fn file(name: &str, size: u64) -> FileInfo {
        FileInfo { name: name.into(), size }
    }

    #[test]
    fn a_list_survives_the_wire() {
        let list = FileList::new(vec![file("a b\n.txt", 0), file("…", u64::MAX)]).unwrap();
        assert_eq!(list.total(), u64::MAX);
        assert_eq!(FileList::from_wire(&list.to_wire()), Some(list));
    }

    #[test]
    fn names_and_sizes_have_limits() {
        let one = |name: &str| FileList::new(vec![file(name, 1)]).is_some();
        assert!(one("x") && one("..x") && one(&"x".repeat(255)));
        for name in ["", ".", "..", "a/b", "/", "a\0b", &"x".repeat(256)] {
            assert!(!one(name), "{name:?}");
        }
        assert!(FileList::new(vec![]).is_none());
        assert!(FileList::new(vec![file("x", 0); 256]).is_some());
        assert!(FileList::new(vec![file("x", 0); 257]).is_none());
        assert!(FileList::new(vec![file("x", u64::MAX), file("y", 1)]).is_none());
        // 248 of the longest are the last that fit
        assert!(FileList::new(vec![file(&"x".repeat(255), 0); 248]).is_some());
        assert!(FileList::new(vec![file(&"x".repeat(255), 0); 249]).is_none());
    }

    #[test]
    fn what_is_no_list_is_refused() {
        let good = FileList::new(vec![file("x", 1)]).unwrap().to_wire();
        for cut in 1..good.len() {
            assert_eq!(FileList::from_wire(&good[..cut]), None, "{cut}");
        }
        let mut bad = good.clone();
        bad[8] = 0xff;
        assert_eq!(FileList::from_wire(&bad), None, "not UTF-8");
        assert_eq!(FileList::from_wire(&good.repeat(257)), None);
    }
}

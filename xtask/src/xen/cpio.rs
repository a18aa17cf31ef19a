//! The archive from which a kernel fills its first root: cpio's "new" ASCII format, uncompressed, as described in the
//! kernel's Documentation/driver-api/early-userspace/buffer-format.rst.

/// An archive in memory. A file's folder must be added before it.
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

const DIRECTORY: u32 = 0o040_755;
const PROGRAM: u32 = 0o100_755;
const TRAILER: &str = "TRAILER!!!";

impl Archive {
    /// An empty one.
    pub fn new() -> Self {
        Self { bytes: Vec::new(), entries: 0 }
    }

    /// Adds a folder that everyone may read.
    pub fn directory(&mut self, path: &str) {
        self.entry(path, DIRECTORY, &[]);
    }

    /// Adds a file that everyone may read and run.
    pub fn file(&mut self, path: &str, content: &[u8]) {
        self.entry(path, PROGRAM, content);
    }

    /// The whole archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.entry(TRAILER, 0, &[]);
        self.bytes
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) {
        self.entries += 1;
        let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let name_size = u32::try_from(path.len() + 1).unwrap_or(u32::MAX);
        // inode, mode, owner, group, links, time, size, device, special device (two numbers each), name's size, checksum
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, 0, 0, name_size, 0];
        self.bytes.extend_from_slice(b"070701");
        for field in fields {
            self.bytes.extend_from_slice(format!("{field:08x}").as_bytes());
        }
        self.bytes.extend_from_slice(path.as_bytes());
        self.bytes.push(0);
        self.align();
        self.bytes.extend_from_slice(content);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_contents_start_at_multiples_of_four() {
        let mut archive = Archive::new();
        archive.directory("bin");
        archive.file("bin/sh", b"12345");
        let bytes = archive.finish();
        assert_eq!(bytes.len() % 4, 0);
        assert_eq!(&bytes[..6], b"070701");
        // The second header follows the first, its name and the terminating zero.
        let second = (110_usize + "bin\0".len()).next_multiple_of(4);
        assert_eq!(&bytes[second..second + 6], b"070701");
        let content = (second + 110 + "bin/sh\0".len()).next_multiple_of(4);
        assert_eq!(&bytes[content..content + 8], b"12345\0\0\0");
        assert!(bytes.windows(TRAILER.len()).any(|window| window == TRAILER.as_bytes()));
    }
}

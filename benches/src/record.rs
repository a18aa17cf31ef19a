//! When each frame was where: a file that one process appends to and another reads.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::Path,
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// What happened to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// The client has drawn it and is about to commit it.
    Committed,
    /// All that was looked at in the framebuffer is of this frame.
    Seen,
    /// The framebuffer shows parts of it and of the frame before or after it.
    Torn,
    /// The framebuffer shows something else in its place.
    Wrong,
}

const ALL: [What; 4] = [What::Committed, What::Seen, What::Torn, What::Wrong];

/// One line of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub what: What,
    /// To which frame.
    pub number: u32,
    /// When, on the monotonic clock.
    pub at: Duration,
}

/// Bytes of an entry: number, kind, nanoseconds.
const ENTRY: usize = 16;

/// A record being written.
pub struct Recorder(File);

impl Recorder {
    /// An empty record.
    pub fn create(path: &Path) -> io::Result<Self> {
        File::create(path).map(Self)
    }

    /// Notes that something has happened, now or at another time.
    pub fn note(&mut self, what: What, number: u32, at: Duration) -> io::Result<()> {
        let nanos = u64::try_from(at.as_nanos()).unwrap_or(u64::MAX);
        let mut bytes = [0; ENTRY];
        bytes[..4].copy_from_slice(&number.to_le_bytes());
        bytes[4..8].copy_from_slice(&(what as u32).to_le_bytes());
        bytes[8..].copy_from_slice(&nanos.to_le_bytes());
        self.0.write_all(&bytes)
    }
}

/// All that was noted so far, in order.
pub fn read(path: &Path) -> io::Result<Vec<Entry>> {
    let bytes = fs::read(path)?;
    let entry = |entry: &[u8]| {
        let (number, rest) = entry.split_first_chunk()?;
        let (what, nanos) = rest.split_first_chunk()?;
        let what = *ALL.get(u32::from_le_bytes(*what) as usize)?;
        let at = Duration::from_nanos(u64::from_le_bytes(nanos.try_into().ok()?));
        Some(Entry { what, number: u32::from_le_bytes(*number), at })
    };
    let entries = bytes.chunks_exact(ENTRY).map(entry).collect::<Option<_>>();
    entries.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "not a record"))
}

/// How much was noted so far.
pub fn entries(path: &Path) -> usize {
    path.metadata().map_or(0, |metadata| metadata.len() as usize / ENTRY)
}

/// The monotonic clock.
pub fn now() -> Duration {
    // it starts at boot and is never negative
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_read() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("record");
        let mut recorder = Recorder::create(&path).unwrap();
        let noted = ALL.map(|what| Entry { what, number: 5, at: Duration::from_nanos(1 << 40) });
        for entry in noted {
            recorder.note(entry.what, entry.number, entry.at).unwrap();
        }
        assert_eq!(entries(&path), 4);
        assert_eq!(read(&path).unwrap(), noted);
    }
}

//! Versions, and every rule that depends on one.
//!
//! The two ends agree on one version in their greetings; what each version changed is a method here and nowhere
//! else, so that a reader finds the whole history in one place.

use core::fmt;

use crate::limits::{CLIPBOARD_MAX, CLIPBOARD_MAX_BEFORE_1_8};

/// A protocol version. Ends with different majors cannot talk; of two minors the smaller one holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Incompatible generations.
    pub major: u16,
    /// Compatible additions.
    pub minor: u16,
}

impl Version {
    /// The newest version this crate speaks.
    pub const NEWEST: Version = Version::minor(8);
    /// The only major there is.
    pub const MAJOR: u16 = 1;

    /// Version 1.`minor`.
    #[must_use]
    pub const fn minor(minor: u16) -> Version {
        Version { major: Self::MAJOR, minor }
    }

    /// From the greeting's number.
    #[must_use]
    pub const fn from_wire(value: u32) -> Version {
        let [a, b, c, d] = value.to_le_bytes();
        Version { major: u16::from_le_bytes([c, d]), minor: u16::from_le_bytes([a, b]) }
    }

    /// The greeting's number: major in the upper half, minor in the lower.
    #[must_use]
    pub const fn to_wire(self) -> u32 {
        let ([a, b], [c, d]) = (self.minor.to_le_bytes(), self.major.to_le_bytes());
        u32::from_le_bytes([a, b, c, d])
    }

    /// Before 1.2 the length of clipboard data stood in the header's window field.
    pub(crate) const fn clipboard_length_in_window(self) -> bool {
        self.minor < 2
    }

    /// From 1.4 the daemon tells the version it chose.
    pub(crate) const fn daemon_tells_version(self) -> bool {
        self.minor >= 4
    }

    /// From 1.5 the daemon acknowledges a destroy.
    pub(crate) const fn acks_destroy(self) -> bool {
        self.minor >= 5
    }

    /// From 1.6 a wrong length ends the link; before, the expected length is used instead.
    pub(crate) const fn lengths_are_strict(self) -> bool {
        self.minor >= 6
    }

    /// From 1.7 the daemon says when it is done with the references of a window's buffer.
    pub(crate) const fn acks_dumps(self) -> bool {
        self.minor >= 7
    }

    /// The most clipboard bytes one message may carry as content.
    pub(crate) const fn clipboard_max(self) -> usize {
        if self.minor >= 8 { CLIPBOARD_MAX } else { CLIPBOARD_MAX_BEFORE_1_8 }
    }

    /// The most clipboard bytes an agent's message may have: from 1.8 one more than the content, which says that
    /// there was more.
    pub(crate) const fn clipboard_wire_max(self) -> usize {
        if self.minor >= 8 { CLIPBOARD_MAX.saturating_add(1) } else { CLIPBOARD_MAX_BEFORE_1_8 }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

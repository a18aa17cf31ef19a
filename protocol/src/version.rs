//! Versions, and every rule that depends on one.
//!
//! The two ends agree on one version in their greetings; what each version changed is a method here and nowhere
//! else, so that a reader finds the whole history in one place.

use core::fmt;

use crate::limits::{CLIPBOARD_MAX, CLIPBOARD_MAX_BEFORE_1_8};

/// A protocol version. Ends with different majors cannot talk; [`Version::agree`] says what two of one major speak.
///
/// A minor with the upper bit set is a *level* of this project's extension on top of 1.8: `0x8001` is level 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Incompatible generations.
    pub major: u16,
    /// Compatible additions.
    pub minor: u16,
}

impl Version {
    /// The newest version this crate speaks: level 1.
    pub const NEWEST: Version = Version::minor(Self::EXTENDED | 1);
    /// The newest version without the extension, and the one it stands on.
    pub const BASE: Version = Version::minor(8);
    /// The only major there is.
    pub const MAJOR: u16 = 1;
    /// What would be level 0, and is 1.8.
    pub(crate) const LEVEL_0: Version = Version::minor(Self::EXTENDED);
    /// The bit of a minor that says that the rest of it is a level.
    const EXTENDED: u16 = 0x8000;

    /// Version 1.`minor`.
    #[must_use]
    pub const fn minor(minor: u16) -> Version {
        Version { major: Self::MAJOR, minor }
    }

    /// The newest version this crate speaks whose minor is not beyond `max_minor`.
    #[must_use]
    pub const fn up_to(max_minor: u16) -> Version {
        if max_minor >= Self::NEWEST.minor {
            Self::NEWEST
        } else if max_minor > Self::BASE.minor {
            Self::BASE
        } else {
            Self::minor(max_minor)
        }
    }

    /// The level of the extension, if it is one. There is no level 0: that is 1.8.
    #[must_use]
    pub const fn level(self) -> Option<u16> {
        match self.minor & !Self::EXTENDED {
            level @ 1.. if self.is_marked() => Some(level),
            _ => None,
        }
    }

    /// Whether it is a level of the extension.
    #[must_use]
    pub const fn is_extended(self) -> bool {
        self.level().is_some()
    }

    /// What two ends of one major speak: the lower level if both have one, or else the lower base minor.
    #[must_use]
    pub fn agree(self, other: Version) -> Version {
        let minor = match (self.level(), other.level()) {
            (Some(ours), Some(theirs)) => Self::EXTENDED | ours.min(theirs),
            _ => self.base_minor().min(other.base_minor()),
        };
        Version { major: self.major, minor }
    }

    const fn is_marked(self) -> bool {
        self.minor & Self::EXTENDED != 0
    }

    /// The minor that an end without the extension sees; levels stand on 1.8.
    pub(crate) const fn base_minor(self) -> u16 {
        if self.is_marked() { Self::BASE.minor } else { self.minor }
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
        if self.minor >= Self::BASE.minor { CLIPBOARD_MAX } else { CLIPBOARD_MAX_BEFORE_1_8 }
    }

    /// The most clipboard bytes an agent's message may have: from 1.8 one more than the content, which says that
    /// there was more.
    pub(crate) const fn clipboard_wire_max(self) -> usize {
        if self.minor >= Self::BASE.minor {
            CLIPBOARD_MAX.saturating_add(1)
        } else {
            CLIPBOARD_MAX_BEFORE_1_8
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.base_minor())?;
        self.level().map_or(Ok(()), |level| write!(f, "+{level}"))
    }
}

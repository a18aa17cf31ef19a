//! How the agent of a domain is reached.

use std::{fmt, ops::RangeInclusive};

use shm_grant::DomId;

/// Domain ids that can be another domain: 0 is the GUI domain itself, from 0x7ff0 on Xen keeps them for itself.
pub const AGENT_DOMIDS: RangeInclusive<u16> = 1..=0x7fef;

/// The longest name of a Xen domain that can be given. The toolstacks have no limit of their own.
const MAX_XEN_NAME: usize = 127;

/// How an agent is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Transport {
    /// A byte stream over a Unix socket, as vchan-socket has it: `socket:7`.
    Socket(DomId),
    /// libxenvchan's ring in shared memory, between processes of one machine: `ring:7`.
    Ring(DomId),
    /// A domain of Xen.
    Xen(XenDomain),
}

/// Which domain of Xen is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum XenDomain {
    /// The one with this id, within [`AGENT_DOMIDS`]: `xen:7`. Of those that have it one after the other, the first.
    Id(DomId),
    /// Whichever has this name: `xen:name=work`, or `xen` for the name of the `[[domain]]`.
    Name(String),
    /// Whichever has this UUID: `xen:uuid=` and five groups of digits.
    Uuid(Uuid),
}

/// The UUID of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uuid(u128);

impl Transport {
    /// What may be written.
    pub(super) const RULE: &'static str = "\"socket:DOMID\", \"ring:DOMID\", \"xen\", \"xen:DOMID\", \
        \"xen:name=NAME\" or \"xen:uuid=UUID\" with DOMID from 1 to 32751";

    /// Reads what the configuration says of the domain `name`.
    pub(super) fn parse(text: &str, name: &str) -> Option<Self> {
        let Some((kind, place)) = text.split_once(':') else {
            return (text == "xen").then(|| Self::Xen(XenDomain::Name(name.to_owned())));
        };
        match kind {
            "socket" => domid(place).map(Self::Socket),
            "ring" => domid(place).map(Self::Ring),
            "xen" => match place.split_once('=') {
                None => domid(place).map(XenDomain::Id),
                Some(("name", name)) => is_xen_name(name).then(|| XenDomain::Name(name.to_owned())),
                Some(("uuid", uuid)) => Uuid::parse(uuid).map(XenDomain::Uuid),
                Some(_) => None,
            }
            .map(Self::Xen),
            _ => None,
        }
    }

    /// The id that is configured, if one is.
    pub fn domid(&self) -> Option<DomId> {
        match self {
            Self::Socket(domid) | Self::Ring(domid) | Self::Xen(XenDomain::Id(domid)) => Some(*domid),
            Self::Xen(XenDomain::Name(_) | XenDomain::Uuid(_)) => None,
        }
    }
}

fn domid(text: &str) -> Option<DomId> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|id| AGENT_DOMIDS.contains(id)).map(DomId)
}

/// What xenstore and the toolstacks take for a name.
fn is_xen_name(name: &str) -> bool {
    let characters = name.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
    characters && !name.is_empty() && name.len() <= MAX_XEN_NAME
}

impl Uuid {
    /// Reads five groups of 8, 4, 4, 4 and 12 hexadecimal digits, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        const HYPHENS: [usize; 4] = [8, 13, 18, 23];
        let (hyphens, digits): (Vec<_>, Vec<_>) = text.char_indices().partition(|(_, c)| *c == '-');
        let placed = hyphens.into_iter().map(|(at, _)| at).eq(HYPHENS);
        let digits: String = digits.into_iter().map(|(_, digit)| digit).collect();
        let digital = digits.len() == 32 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        u128::from_str_radix(&digits, 16).ok().filter(|_| placed && digital).map(Self)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(DomId(domid)) => write!(f, "socket:{domid}"),
            Self::Ring(DomId(domid)) => write!(f, "ring:{domid}"),
            Self::Xen(XenDomain::Id(DomId(domid))) => write!(f, "xen:{domid}"),
            Self::Xen(XenDomain::Name(name)) => write!(f, "xen:name={name}"),
            Self::Xen(XenDomain::Uuid(uuid)) => write!(f, "xen:uuid={uuid}"),
        }
    }
}

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{:032x}", self.0);
        let mut rest = digits.as_str();
        for (group, hyphen) in [(8, "-"), (4, "-"), (4, "-"), (4, "-"), (12, "")] {
            let (digits, left) = rest.split_at_checked(group).unwrap_or((rest, ""));
            write!(f, "{digits}{hyphen}")?;
            rest = left;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transports_display_as_written() {
        let uuid = "xen:uuid=0123abcd-0000-4000-8000-00000000000f";
        for text in ["socket:7", "ring:32751", "xen:7", "xen:name=sys-net.2", uuid] {
            assert_eq!(Transport::parse(text, "work").unwrap().to_string(), text);
        }
        assert_eq!(Transport::parse("ring:007", "work").unwrap().to_string(), "ring:7");
        assert_eq!(Transport::parse("xen", "work").unwrap().to_string(), "xen:name=work");
        assert_eq!(Transport::parse(&uuid.to_uppercase().replace("XEN:UUID", "xen:uuid"), ""), {
            Transport::parse(uuid, "")
        });
    }

    #[test]
    fn what_names_no_domain_is_refused() {
        let long = format!("xen:name={}", "n".repeat(MAX_XEN_NAME + 1));
        for text in [
            "",
            "socket",
            "socket:",
            "socket:0",
            "ring:32752",
            "ring:+7",
            "tcp:7",
            "xen:",
            "xen:0",
            "xen:name=",
            "xen:name=a b",
            "xen:name=a/b",
            "xen:name=\u{f6}",
            "xen:id=7",
            "xen:uuid=0123abcd",
            "xen:uuid=0123abcd-0000-4000-8000-00000000000",
            "xen:uuid=0123abcd-0000-4000-8000-0000000000001",
            "xen:uuid=0123abcd00000-4000-8000-00000000000f",
            "xen:uuid=+123abcd-0000-4000-8000-00000000000f",
            &long,
        ] {
            assert_eq!(Transport::parse(text, "work"), None, "{text}");
        }
        assert!(Transport::parse(&long[..long.len() - 1], "work").is_some());
    }
}

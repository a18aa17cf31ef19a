//! `/dev/xen/evtchn`: event channels.
//!
//! An event says nothing but that there was one; those that come before the port is unmasked are one. A port that
//! was pending is masked until [`EventChannels::unmask`]. Closing the device unbinds all its ports.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::ioctl::Opcode;

use super::device::{DeviceError, Node, opcode, request};
use crate::DomId;

const NODE: Node = Node { path: "/dev/xen/evtchn", module: "xen-evtchn" };

/// The number of this domain's end of an event channel. Source: Xen's public headers, `evtchn_port_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port(pub u32);

/// An open device with the ports bound through it, whose descriptor is readable when one is pending.
#[derive(Debug)]
pub struct EventChannels(OwnedFd);

/// Why a port was not bound.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// There is none of this number.
    #[error("there is no domain {}", .0.0)]
    NoDomain(DomId),
    /// The other domain has not offered this port to ours.
    #[error("domain {} offers no event channel at its port {}", .domain.0, .port.0)]
    NotOffered {
        /// The other domain.
        domain: DomId,
        /// Its port.
        port: Port,
    },
    /// [`EventChannels::restrict`] does not allow it.
    #[error("the event channels are restricted to another domain than {}", .0.0)]
    Restricted(DomId),
    /// The system refused for another reason.
    #[error("no event channel with domain {}: {source}", .domain.0)]
    Io {
        /// The other domain.
        domain: DomId,
        /// What the system said.
        source: io::Error,
    },
}

#[repr(C)]
struct BindInterdomain {
    remote_domain: u32,
    remote_port: u32,
}

#[repr(C)]
struct BindUnbound {
    remote_domain: u32,
}

/// `ioctl_evtchn_unbind` and `ioctl_evtchn_notify`.
#[repr(C)]
struct OnePort {
    port: u32,
}

#[repr(C)]
struct Restrict {
    domid: u16,
}

const BIND_INTERDOMAIN: Opcode = opcode::<BindInterdomain>(b'E', 1);
const BIND_UNBOUND: Opcode = opcode::<BindUnbound>(b'E', 2);
const UNBIND: Opcode = opcode::<OnePort>(b'E', 3);
const NOTIFY: Opcode = opcode::<OnePort>(b'E', 4);
const RESTRICT: Opcode = opcode::<Restrict>(b'E', 6);

// What the macros of `xen/evtchn.h` are on the architectures that Xen runs on.
const _: () = {
    assert!(BIND_INTERDOMAIN == 0x8_4501);
    assert!(BIND_UNBOUND == 0x4_4502);
    assert!(UNBIND == 0x4_4503);
    assert!(NOTIFY == 0x4_4504);
    assert!(RESTRICT == 0x2_4506);
};

impl EventChannels {
    /// Opens the device.
    ///
    /// # Errors
    ///
    /// [`DeviceError`].
    pub fn open() -> Result<Self, DeviceError> {
        Ok(Self(NODE.open(OFlags::NONBLOCK)?))
    }

    /// Makes a port that `peer` may bind to. Xen does not ask whether there is such a domain.
    ///
    /// # Errors
    ///
    /// [`BindError`].
    pub fn bind_unbound(&self, peer: DomId) -> Result<Port, BindError> {
        let mut bind = BindUnbound { remote_domain: peer.0.into() };
        // SAFETY: the request reads one `ioctl_evtchn_bind_unbound_port`, which `bind` is, and writes nothing.
        let port = unsafe { request::<BIND_UNBOUND, _>(self, &mut bind) };
        port.map(Port).map_err(|error| BindError::new(error, peer, None))
    }

    /// Binds to a port that `peer` has made for this domain. An event may be pending at once: Xen sends one, so that
    /// what happened before is not missed.
    ///
    /// # Errors
    ///
    /// [`BindError`].
    pub fn bind_interdomain(&self, peer: DomId, remote: Port) -> Result<Port, BindError> {
        let mut bind = BindInterdomain { remote_domain: peer.0.into(), remote_port: remote.0 };
        // SAFETY: the request reads one `ioctl_evtchn_bind_interdomain`, which `bind` is, and writes nothing.
        let port = unsafe { request::<BIND_INTERDOMAIN, _>(self, &mut bind) };
        port.map(Port).map_err(|error| BindError::new(error, peer, Some(remote)))
    }

    /// Sends an event. Nothing says whether the other end is still bound.
    ///
    /// # Errors
    ///
    /// `NotConnected` for a port that was not bound here, else what the system says.
    pub fn notify(&self, port: Port) -> io::Result<()> {
        // SAFETY: the request reads one `ioctl_evtchn_notify`, which the argument is, and writes nothing.
        unsafe { request::<NOTIFY, _>(self, &mut OnePort { port: port.0 }) }.map(drop)
    }

    /// Takes the next port that is pending, if there is one, and leaves it masked.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn next_pending(&self) -> io::Result<Option<Port>> {
        let mut port = [0; size_of::<u32>()];
        match rustix::io::read(self, &mut port) {
            Ok(bytes) if bytes == port.len() => Ok(Some(Port(u32::from_ne_bytes(port)))),
            Ok(_) => Err(io::ErrorKind::UnexpectedEof.into()),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Lets the next event come. One that came while the port was masked is pending at once.
    ///
    /// # Errors
    ///
    /// What the system says. A port that is not bound here, or not masked, is none.
    pub fn unmask(&self, port: Port) -> io::Result<()> {
        rustix::io::write(self, &port.0.to_ne_bytes())?;
        Ok(())
    }

    /// Gives a port up. The other end is told nothing.
    ///
    /// # Errors
    ///
    /// `NotConnected` for a port that was not bound here, else what the system says.
    pub fn unbind(&self, port: Port) -> io::Result<()> {
        // SAFETY: the request reads one `ioctl_evtchn_unbind`, which the argument is, and writes nothing.
        unsafe { request::<UNBIND, _>(self, &mut OnePort { port: port.0 }) }.map(drop)
    }

    /// From now on and for good, ports can only be bound to ports of `domain`, and none can be made. Those that are
    /// bound stay so.
    ///
    /// # Errors
    ///
    /// `PermissionDenied` if they are restricted already, `InvalidInput` for dom0, else what the system says.
    pub fn restrict(&self, domain: DomId) -> io::Result<()> {
        // SAFETY: the request reads one `ioctl_evtchn_restrict_domid`, which the argument is, and writes nothing.
        unsafe { request::<RESTRICT, _>(self, &mut Restrict { domid: domain.0 }) }.map(drop)
    }
}

impl AsFd for EventChannels {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl BindError {
    fn new(source: io::Error, domain: DomId, port: Option<Port>) -> Self {
        match (Errno::from_io_error(&source), port) {
            (Some(Errno::SRCH), _) => Self::NoDomain(domain),
            (Some(Errno::INVAL), Some(port)) => Self::NotOffered { domain, port },
            (Some(Errno::ACCESS), _) => Self::Restricted(domain),
            _ => Self::Io { domain, source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_that_is_not_bound_says_why() {
        let says = |error: Errno, port| BindError::new(error.into(), DomId(7), port).to_string();
        assert_eq!(says(Errno::SRCH, Some(Port(3))), "there is no domain 7");
        assert_eq!(says(Errno::INVAL, Some(Port(3))), "domain 7 offers no event channel at its port 3");
        assert_eq!(says(Errno::ACCESS, None), "the event channels are restricted to another domain than 7");
        assert_eq!(
            says(Errno::NOSPC, None),
            "no event channel with domain 7: No space left on device (os error 28)"
        );
    }
}

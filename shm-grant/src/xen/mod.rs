//! Xen, as Linux gives it to programs: grants, event channels and their devices, and xenstore.
//!
//! A domain shares pages with `gntalloc` ([`GrantAllocator`]) and names them by references; another maps those with
//! `gntdev` ([`GrantDevice`]); an event channel ([`EventChannels`]) tells one of what the other did. These are thin:
//! they check what they are given, name what the system lacks, and give back what they took when dropped. Sizes,
//! layouts and request numbers are those of the kernel's public headers `xen/gntalloc.h`, `xen/gntdev.h` and
//! `xen/evtchn.h`, asserted at compile time.

#[allow(unsafe_code)]
mod device;
#[allow(unsafe_code)]
mod evtchn;
#[allow(unsafe_code)]
mod gntalloc;
#[allow(unsafe_code)]
mod gntdev;
pub mod store;
mod vchan;

pub use device::DeviceError;
pub use evtchn::{BindError, EventChannels, Port};
pub use gntalloc::{AllocateError, GrantAllocator, GrantedPages};
pub(crate) use gntdev::TableEntry;
pub use gntdev::{CopyError, CopyPiece, GrantDevice, MAX_MAPPED, MapError, MappedPages};
pub use vchan::OfferError;
pub(crate) use vchan::{Client, Exporter, Server, VchanAddress};

/// What the system does when a page goes, be it unmapped or its process killed. Source: the kernel's headers; both
/// devices take the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnmapNotify {
    /// The byte to set to 0, counted from the first page.
    pub clear_byte: Option<usize>,
    /// The port to send an event to, which must be bound by an [`EventChannels`] that is open.
    pub send: Option<Port>,
}

/// `ioctl_gntalloc_unmap_notify` and `ioctl_gntdev_unmap_notify`.
#[repr(C)]
struct UnmapNotifyRequest {
    index: u64,
    action: u32,
    event_channel_port: u32,
}

const CLEAR_BYTE: u32 = 1;
const SEND_EVENT: u32 = 2;

const _: () = assert!(size_of::<UnmapNotifyRequest>() == 16);

impl UnmapNotify {
    /// The request for pages of `bytes` bytes that lie at `index` of the device. `None` if the byte is not in them.
    fn request(self, index: u64, bytes: usize) -> Option<UnmapNotifyRequest> {
        let byte = self.clear_byte.unwrap_or(0);
        let action = self.clear_byte.map_or(0, |_| CLEAR_BYTE) | self.send.map_or(0, |_| SEND_EVENT);
        (byte < bytes).then_some(UnmapNotifyRequest {
            index: index.checked_add(u64::try_from(byte).ok()?)?,
            action,
            event_channel_port: self.send.map_or(0, |port| port.0),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notification_names_a_byte_of_the_pages() {
        let notify = |clear_byte, send| UnmapNotify { clear_byte, send };
        let asked = |notify: UnmapNotify| {
            notify.request(8192, 4096).map(|asked| (asked.index, asked.action, asked.event_channel_port))
        };
        assert_eq!(asked(notify(Some(4095), Some(Port(9)))), Some((8192 + 4095, 3, 9)));
        assert_eq!(asked(notify(Some(0), None)), Some((8192, 1, 0)));
        assert_eq!(asked(notify(None, Some(Port(9)))), Some((8192, 2, 9)));
        assert_eq!(asked(notify(None, None)), Some((8192, 0, 0)));
        assert_eq!(asked(notify(Some(4096), None)), None);
    }
}

//! What a client offers to others, by the clipboard, the primary selection or a drag: the kinds of data are repeated to
//! whoever gets the focus, so a list without end would cost that client its connection.

use std::{
    any::Any,
    cell::RefCell,
    collections::HashMap,
    sync::{Arc, Weak},
};

use smithay::{
    reexports::{
        wayland_protocols::wp::primary_selection::zv1::server::zwp_primary_selection_source_v1::{
            self, ZwpPrimarySelectionSourceV1,
        },
        wayland_server::{
            Resource,
            backend::ObjectId,
            protocol::wl_data_source::{self, WlDataSource},
        },
    },
    wayland::selection::{
        data_device::{DataDeviceState, DataSourceUserData},
        primary_selection::{PrimarySelectionState, PrimarySourceUserData},
    },
};

use crate::Guarded;

/// The most bytes of messages one source may have repeated. Office suites offer some forty kinds in less than 4 KiB, and a
/// client that does not read at once has room for 200 KiB in its socket.
pub const MAX_OFFER: usize = 32 * 1024;

/// What a message costs beside its text.
const OVERHEAD: usize = 16;

thread_local! {
    /// What each source there is has offered so far. Smithay keeps the list of one kind of source to itself.
    static OFFERED: RefCell<HashMap<ObjectId, Offered>> = RefCell::default();
}

struct Offered {
    /// Whose this is: of two displays in one thread, each may have an object of the same id.
    object: Weak<dyn Any + Send + Sync>,
    bytes: usize,
}

/// Whether a source may offer this too.
fn fits(source: &impl Resource, kind: &str) -> bool {
    let Some(object) = source.object_data().map(Arc::downgrade) else { return false };
    OFFERED.with_borrow_mut(|offered| {
        let before = offered.get(&source.id()).filter(|known| known.object.ptr_eq(&object));
        let before = before.map_or(0, |known| known.bytes);
        let bytes = before.saturating_add(kind.len()).saturating_add(OVERHEAD);
        offered.insert(source.id(), Offered { object, bytes });
        bytes <= MAX_OFFER
    })
}

fn forget(source: &impl Resource) {
    OFFERED.with_borrow_mut(|offered| offered.remove(&source.id()));
}

const MESSAGE: &str = "a source offers too much";

impl Guarded for WlDataSource {
    type Data = DataSourceUserData;
    type Handler = DataDeviceState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        if let wl_data_source::Request::Offer { mime_type } = &request
            && !fits(self, mime_type)
        {
            self.post_error(wl_data_source::Error::InvalidSource, MESSAGE);
            return None;
        }
        Some(request)
    }

    fn gone(&self) {
        forget(self);
    }
}

impl Guarded for ZwpPrimarySelectionSourceV1 {
    type Data = PrimarySourceUserData;
    type Handler = PrimarySelectionState;

    fn bounded(&self, request: Self::Request) -> Option<Self::Request> {
        if let zwp_primary_selection_source_v1::Request::Offer { mime_type } = &request
            && !fits(self, mime_type)
        {
            // the protocol has no error of its own
            self.post_error(0u32, MESSAGE);
            return None;
        }
        Some(request)
    }

    fn gone(&self) {
        forget(self);
    }
}

//! vchan: libxenvchan's rings in granted pages, found through xenstore, with an event channel between their ends.
//!
//! The server shares the rings, makes a port for its client, and writes both under a key in xenstore that only this
//! client may read. The client waits for the key, binds to the port and maps the pages. Then the server removes the key:
//! an offer is for one client, once, and is made anew for the next. Sources: Xen's public header `io/libxenvchan.h`, and
//! what libxenvchan and Qubes' wrapper of it do.
//!
//! The kernel clears a side's live byte and sends an event when its process dies, so the other side sees that as any
//! close. A domain that is destroyed can do neither: of that xenstore's `@releaseDomain` tells.
//!
//! Invariants:
//!
//! * An event is taken and its port unmasked before the ring is looked at, so that none is lost; and at most one is taken
//!   per round, so that a peer that sends them without end costs others no more than their turn.
//! * Pages are unmapped before the port is given up by which the peer learns of it.

mod client;
mod server;

use std::fmt;
use std::io;
use std::sync::Arc;

use super::store::{Refusal, Store};
use super::{EventChannels, GrantAllocator, MapError, Port};
use crate::export::Share;
use crate::poll::{Interest, Poller, Source, Token};
use crate::ring::Layout;
use crate::{DomId, Export, ExportError};

pub(crate) use client::Client;
pub(crate) use server::Server;

/// The keys of an offer.
const RING_REF: &str = "ring-ref";
const EVENT_CHANNEL: &str = "event-channel";

/// Reported when domains have gone. Domains other than dom0 may watch it only if the toolstack lets them.
const RELEASE_DOMAIN: &str = "@releaseDomain";

/// Names one link.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct VchanAddress {
    pub(crate) server: DomId,
    pub(crate) client: DomId,
    pub(crate) port: u32,
    /// Of the rings that the server makes.
    pub(crate) layout: Layout,
}

/// What is wrong with a server's offer.
#[derive(Debug, thiserror::Error)]
pub enum OfferError {
    /// The key is not a positive decimal number of at most 32 bits.
    #[error("its key {0} in xenstore is not a positive number")]
    Key(&'static str),
    /// The references of the rings' pages are not for us.
    #[error("its rings: {0}")]
    Rings(#[from] MapError),
}

/// Shares pages with one domain, whether it is there or not.
#[derive(Clone, Debug)]
pub(crate) struct Exporter {
    allocator: GrantAllocator,
    peer: DomId,
}

/// One end of an event channel. Dropping it tells the other end to look once more, and unbinds it.
#[derive(Debug)]
struct Line {
    channels: Arc<Source<EventChannels>>,
    port: Port,
}

impl VchanAddress {
    /// The node above those of all links from the server to this client, relative to the server's own directory in
    /// xenstore.
    fn clients_node(&self) -> String {
        format!("data/vchan/{}", self.client.0)
    }

    /// The node of this link.
    fn keys(&self) -> String {
        format!("{}/{}", self.clients_node(), self.port)
    }

    /// A domain cannot be its own peer.
    fn check(&self) -> io::Result<()> {
        if self.server == self.client {
            let DomId(domain) = self.server;
            let same = format!("domain {domain} cannot be both ends of a vchan");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, same));
        }
        Ok(())
    }
}

impl fmt::Display for VchanAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { server: DomId(server), client: DomId(client), port, .. } = self;
        write!(f, "xen {server}->{client}:{port}")
    }
}

impl Exporter {
    /// Allocates `pages` zeroed pages that the peer may read.
    pub(crate) fn export(&self, pages: usize) -> Result<Export, ExportError> {
        Ok(Export(Share::Xen(self.allocator.allocate(self.peer, pages, false)?)))
    }
}

impl Line {
    fn notify(&self) -> io::Result<()> {
        self.channels.get().notify(self.port)
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        // Neither fails on a port that is bound, and nothing could be done about it.
        let _ = self.notify();
        let _ = self.channels.get().unbind(self.port);
    }
}

/// Takes one event, if there is one, and lets the next come.
fn take_event(channels: &EventChannels) -> io::Result<()> {
    match channels.next_pending()? {
        Some(port) => channels.unmask(port),
        None => Ok(()),
    }
}

/// Connects to xenstore and has it report domains that go, if it may.
fn connect_store(poller: &Arc<Poller>) -> io::Result<Source<Store>> {
    let mut store = Store::connect().map_err(io::Error::other)?;
    match store.watch(RELEASE_DOMAIN, RELEASE_DOMAIN) {
        Err(error) if error.refusal() == Some(Refusal::Access) => {}
        watched => watched.map_err(io::Error::other)?,
    }
    Source::new(poller, Token::Store, store, Interest::IN)
}

/// The number that a key holds: decimal digits without more, as libxenvchan writes them, and not 0.
fn parse_key(key: &'static str, value: &[u8]) -> Result<u32, OfferError> {
    let digits = str::from_utf8(value).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok()).filter(|number| *number != 0).ok_or(OfferError::Key(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_positive_decimal_numbers() {
        let parse = |value: &[u8]| parse_key(RING_REF, value).ok();
        assert_eq!(parse(b"8"), Some(8));
        assert_eq!(parse(b"0008"), Some(8));
        assert_eq!(parse(b"4294967295"), Some(u32::MAX));
        for wrong in
            [&b""[..], b"0", b"4294967296", b"+8", b"-8", b" 8", b"8\n", b"8\0", b"0x8", b"\xff", b"1e3"]
        {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
        assert_eq!(
            parse_key(RING_REF, b"x").unwrap_err().to_string(),
            "its key ring-ref in xenstore is not a positive number"
        );
    }

    #[test]
    fn the_keys_lie_where_qubes_looks_for_them() {
        let address =
            VchanAddress { server: DomId(5), client: DomId(0), port: 6000, layout: Layout::ONE_PAGE_EACH };
        assert_eq!(address.keys(), "data/vchan/0/6000");
        assert_eq!(address.to_string(), "xen 5->0:6000");
        assert!(address.check().is_ok());
        let same = VchanAddress { client: DomId(5), ..address }.check().unwrap_err();
        assert_eq!(same.to_string(), "domain 5 cannot be both ends of a vchan");
    }
}

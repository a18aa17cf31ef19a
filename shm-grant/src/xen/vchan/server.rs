//! The end that offers rings to one client after another.

use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::{EVENT_CHANNEL, Exporter, Line, RING_REF, VchanAddress, connect_store, take_event};
use crate::link::{Channel, Link};
use crate::poll::{Interest, Poller, Source, Timer, Token};
use crate::ring::{self, Presence, Ring, RingPages};
use crate::xen::store::{Access, Permission, Store, StoreError};
use crate::xen::{EventChannels, GrantAllocator, GrantedPages, UnmapNotify};
use crate::{GrantRef, LinkError};

/// Before an offer is tried again that could not be made: typically the domain has no grant left, or xenstored does not
/// answer.
const OFFER_RETRY: Duration = Duration::from_secs(1);

/// What a server needs of Xen, and the client it has or waits for.
#[derive(Debug)]
pub(crate) struct Server {
    address: VchanAddress,
    state: State,
    allocator: GrantAllocator,
    channels: Arc<Source<EventChannels>>,
    /// `None` after its connection was lost; the next offer makes a new one.
    store: Option<Source<Store>>,
    offer_again: Timer,
}

#[derive(Debug)]
enum State {
    /// Has no client and has not made an offer.
    Idle,
    /// Could not make an offer and has said so; a timer runs.
    Failed,
    /// Waits for a client; the keys are in xenstore.
    Offered(Ring, Shared),
    /// Has a client; the link has the ring.
    Taken(Shared),
}

/// What lives as long as a client, or the offer to one. The fields go in this order.
#[derive(Debug)]
struct Shared {
    _rings: [Option<GrantedPages>; 2],
    _control: GrantedPages,
    line: Line,
}

impl Server {
    /// Opens what is needed and makes the first offer.
    pub(crate) fn bind(link: &Link, address: &VchanAddress) -> io::Result<Self> {
        address.check()?;
        let allocator = GrantAllocator::open().map_err(io::Error::other)?;
        let channels = EventChannels::open().map_err(io::Error::other)?;
        let channels = Arc::new(Source::new(&link.poller, Token::Events, channels, Interest::IN)?);
        let offer_again = Timer::new(&link.poller)?;
        let (address, state, store) = (address.clone(), State::Idle, None);
        let mut server = Self { address, state, allocator, channels, store, offer_again };
        server.offer(&link.poller)?;
        Ok(server)
    }

    pub(crate) fn exporter(&self) -> Exporter {
        Exporter { allocator: self.allocator.clone(), peer: self.address.client }
    }

    pub(crate) fn notify(&self) -> io::Result<()> {
        match &self.state {
            State::Taken(shared) => shared.line.notify(),
            State::Idle | State::Failed | State::Offered(..) => Ok(()),
        }
    }

    /// Turns what is ready into events.
    pub(crate) fn round(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let ready = link.poller.ready()?;
        if ready.readable(Token::Timer) && self.offer_again.expired() && matches!(self.state, State::Failed) {
            self.offer_or_wait(link);
        }
        if ready.readable(Token::Events) {
            take_event(self.channels.get())?;
        }
        let has_come = self.look_for_client(link)?;
        // What xenstore was asked for a client that has come may have brought a report along.
        if (has_come || ready.readable(Token::Store)) && self.client_domain_is_gone() && link.is_connected() {
            return Err(LinkError::DomainGone(self.address.client));
        }
        link.round(&ready)
    }

    /// Gives up the client there was and offers rings to the next.
    pub(crate) fn listen(&mut self, link: &mut Link) {
        if let State::Idle | State::Taken(_) = self.state {
            self.state = State::Idle;
            self.offer_or_wait(link);
        }
    }

    /// Gives up the client and the offer, whichever there is.
    pub(crate) fn close(&mut self) {
        if let State::Offered(..) = self.state {
            self.remove_keys();
        }
        self.state = State::Idle;
    }

    /// Makes an offer, or says why it cannot be made and tries again later.
    fn offer_or_wait(&mut self, link: &mut Link) {
        let mut offered = self.offer(&link.poller);
        if offered.is_err() {
            // A new connection may help, should that have been the reason.
            self.store = None;
            offered = self.offer_again.arm(OFFER_RETRY).and(offered);
        }
        if let Err(error) = offered
            && !matches!(mem::replace(&mut self.state, State::Failed), State::Failed)
        {
            link.fail(error.into());
        }
    }

    fn offer(&mut self, poller: &Arc<Poller>) -> io::Result<()> {
        let VchanAddress { client: peer, layout, .. } = self.address;
        let port = self.channels.get().bind_unbound(peer).map_err(io::Error::other)?;
        let line = Line { channels: Arc::clone(&self.channels), port };
        let share = |pages, writable| match pages {
            0 => Ok(None),
            pages => self.allocator.allocate(peer, pages, writable).map(Some).map_err(io::Error::other),
        };
        let control = self.allocator.allocate(peer, 1, true).map_err(io::Error::other)?;
        let rings = [share(layout.left().pages(), true)?, share(layout.right().pages(), false)?];
        let refs: Vec<GrantRef> = rings.iter().flatten().flat_map(GrantedPages::refs).copied().collect();
        let [left, right] = rings.each_ref().map(|pages| match pages {
            None => RingPages::Control,
            Some(pages) => RingPages::Writable(Arc::clone(pages.pages())),
        });
        let control_page = Arc::clone(control.pages());
        let ring = Ring::serve(layout, control_page, left, right, &refs).map_err(io::Error::other)?;
        control.set_unmap_notify(UnmapNotify { clear_byte: Some(ring::SERVER_LIVE), send: Some(port) })?;
        let control_ref = control.refs().first().ok_or(io::ErrorKind::NotFound)?.0;
        self.publish(poller, control_ref, port.0).map_err(io::Error::other)?;
        self.state = State::Offered(ring, Shared { _rings: rings, _control: control, line });
        Ok(())
    }

    /// Puts the keys into xenstore for the client alone to read.
    fn publish(&mut self, poller: &Arc<Poller>, ring_ref: u32, port: u32) -> io::Result<()> {
        let store = match &mut self.store {
            Some(store) => store,
            none => none.insert(connect_store(poller)?),
        };
        let keys = self.address.keys();
        let permissions = [
            Permission { domain: self.address.server, access: Access::None },
            Permission { domain: self.address.client, access: Access::Read },
        ];
        let published = store.get_mut().transaction(|store| {
            for (key, value) in [(RING_REF, ring_ref), (EVENT_CHANNEL, port)] {
                let path = format!("{keys}/{key}");
                store.write(&path, value.to_string().as_bytes())?;
                store.set_permissions(&path, &permissions)?;
            }
            Ok(())
        });
        published.map_err(io::Error::other)
    }

    /// Removes the keys, and the node above them if no other link to this client has any there.
    fn remove_keys(&mut self) {
        let Some(store) = &mut self.store else { return };
        let keys = self.address.keys();
        let client = self.address.clients_node();
        let removed = store.get_mut().transaction(|store| {
            store.remove(&keys)?;
            if store.directory(&client)?.is_empty() { store.remove(&client) } else { Ok(()) }
        });
        match removed {
            // They have gone already, or cannot be removed: then they lead to rings that no longer wait for a client.
            Ok(()) | Err(StoreError::Refused { .. }) => {}
            Err(_) => self.store = None,
        }
    }

    /// Hands the ring of a client that has come to the link. Says whether one has.
    fn look_for_client(&mut self, link: &mut Link) -> Result<bool, LinkError> {
        let State::Offered(ring, _) = &self.state else { return Ok(false) };
        match ring.peer()? {
            Presence::Awaited => return Ok(false),
            // It came and went. Its successor needs rings that nobody has used.
            Presence::Gone => self.offer_or_wait(link),
            Presence::Here => {
                self.remove_keys();
                if let State::Offered(ring, shared) = mem::replace(&mut self.state, State::Idle) {
                    self.state = State::Taken(shared);
                    link.connected(Channel::Ring { ring, orphaned: false });
                }
            }
        }
        Ok(true)
    }

    /// Takes the reports of domains that went. Says whether the client's is one of them.
    fn client_domain_is_gone(&mut self) -> bool {
        let Some(store) = &mut self.store else { return false };
        let mut gone = Ok(false);
        loop {
            match store.get_mut().poll_watch() {
                Ok(Some(_)) => {
                    gone = store.get_mut().is_introduced(self.address.client).map(|introduced| !introduced)
                }
                Ok(None) => break,
                Err(error) => gone = Err(error),
            }
            if gone.is_err() {
                // Links live on without xenstore; the next offer connects to it again.
                self.store = None;
                return false;
            }
        }
        gone.unwrap_or(false)
    }
}

//! The end that waits for a server's offer and takes it.

use std::io;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::{EVENT_CHANNEL, Line, OfferError, RING_REF, VchanAddress, connect_store, parse_key, take_event};
use crate::import::mapped_bytes;
use crate::link::{Channel, Link};
use crate::poll::{Interest, Source, Timer, Token};
use crate::ring::{self, Layout, Ring, RingPages};
use crate::xen::store::{Refusal, Store};
use crate::xen::{BindError, EventChannels, GrantDevice, MapError, MappedPages, Port, UnmapNotify};
use crate::{DomId, GrantRef, ImportError, ImportedPages, LinkError};

/// Between attempts to take an offer. A domain may rewrite its keys as fast as it likes, each time for nothing.
const ATTEMPT_PAUSE: Duration = Duration::from_millis(100);

/// The watch on the server's keys.
const KEYS_TOKEN: &str = "keys";

/// What a client needs of Xen, and the server it has or waits for.
#[derive(Debug)]
pub(crate) struct Client {
    address: VchanAddress,
    /// Where the keys lie.
    keys: String,
    state: State,
    device: GrantDevice,
    channels: Arc<Source<EventChannels>>,
    /// `None` after its connection was lost; the next wait makes a new one.
    store: Option<Source<Store>>,
    attempt_again: Timer,
}

#[derive(Debug)]
enum State {
    /// Waits for its owner.
    Idle,
    /// Waits for the server's keys.
    Waiting(Pace),
    /// Has a server; the link has the ring.
    Connected(Shared),
}

/// Whether the keys may be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    Ready,
    /// Not before the timer expires.
    Pausing {
        /// There will be something to look at then.
        changed: bool,
    },
}

/// What lives as long as the link. The fields go in this order.
#[derive(Debug)]
struct Shared {
    _control: MappedPages,
    line: Line,
}

impl Client {
    /// Opens what is needed. Nothing more needs to be opened later, unless xenstored is lost.
    pub(crate) fn new(link: &Link, address: &VchanAddress) -> io::Result<Self> {
        address.check()?;
        let device = GrantDevice::open().map_err(io::Error::other)?;
        let channels = EventChannels::open().map_err(io::Error::other)?;
        // The kernel does not take dom0 for this, of which nothing has to be kept anyway.
        if address.server != DomId(0) {
            channels.restrict(address.server)?;
        }
        let channels = Arc::new(Source::new(&link.poller, Token::Events, channels, Interest::IN)?);
        let mut store = connect_store(&link.poller)?;
        let home = store.get_mut().domain_path(address.server).map_err(io::Error::other)?;
        Ok(Self {
            address: address.clone(),
            keys: format!("{home}/{}", address.keys()),
            state: State::Idle,
            device,
            channels,
            store: Some(store),
            attempt_again: Timer::new(&link.poller)?,
        })
    }

    pub(crate) fn notify(&self) -> io::Result<()> {
        match &self.state {
            State::Connected(shared) => shared.line.notify(),
            State::Idle | State::Waiting(_) => Ok(()),
        }
    }

    /// Maps the server's pages behind `refs`, of which `bytes` bytes will be used.
    pub(crate) fn import(&self, refs: &[GrantRef], bytes: usize) -> Result<ImportedPages, ImportError> {
        mapped_bytes(refs, bytes)?;
        match self.state {
            State::Connected(_) => Ok(self.device.map(self.address.server, refs)?),
            State::Idle | State::Waiting(_) => Err(ImportError::NoGrants),
        }
    }

    /// Lets go of the server, or of the wait for one.
    pub(crate) fn rest(&mut self) {
        if let State::Waiting(_) = mem::replace(&mut self.state, State::Idle) {
            self.unwatch();
        }
    }

    /// Waits for the server, unless it waits or is connected already. Xenstore reports the keys at once if they are
    /// there, and later if they come later, with the domain or without.
    pub(crate) fn connect(&mut self, link: &Link) -> Result<(), LinkError> {
        if !matches!(self.state, State::Idle) {
            return Ok(());
        }
        let store = match &mut self.store {
            Some(store) => store,
            none => none.insert(connect_store(&link.poller)?),
        };
        if let Err(error) = store.get_mut().watch(&watched(&self.keys), KEYS_TOKEN) {
            self.store = None;
            return Err(io::Error::other(error).into());
        }
        self.state = State::Waiting(Pace::Ready);
        Ok(())
    }

    /// Turns what is ready into events.
    pub(crate) fn round(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let ready = link.poller.ready()?;
        if ready.readable(Token::Events) {
            take_event(self.channels.get())?;
        }
        let mut changed = ready.readable(Token::Timer) && self.attempt_again.expired() && self.pause_ends();
        // While it waits, a question to xenstore may have brought a report along at any time.
        if ready.readable(Token::Store) || matches!(self.state, State::Waiting(_)) {
            changed |= self.take_reports()?;
        }
        match &mut self.state {
            State::Waiting(Pace::Ready) if changed => self.attempt(link)?,
            State::Waiting(Pace::Pausing { changed: later }) => *later |= changed,
            State::Idle | State::Waiting(Pace::Ready) | State::Connected(_) => {}
        }
        link.round(&ready)
    }

    /// The keys may be looked at again. Says whether there is reason to.
    fn pause_ends(&mut self) -> bool {
        match &mut self.state {
            State::Waiting(pace) => mem::replace(pace, Pace::Ready) == Pace::Pausing { changed: true },
            State::Idle | State::Connected(_) => false,
        }
    }

    /// Takes what xenstore has reported, and says whether the keys are in it. Losing xenstore ends a wait, but not a link.
    fn take_reports(&mut self) -> Result<bool, LinkError> {
        let mut keys = false;
        while let Some(store) = &mut self.store {
            match store.get_mut().poll_watch() {
                Ok(Some(event)) if event.token == KEYS_TOKEN => keys = true,
                Ok(Some(_)) if self.domain_is_gone() => {
                    return Err(LinkError::DomainGone(self.address.server));
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    self.store = None;
                    if let State::Waiting(_) = self.state {
                        return Err(io::Error::other(error).into());
                    }
                }
            }
        }
        Ok(keys)
    }

    /// Whether the domain of a connected server is gone.
    fn domain_is_gone(&mut self) -> bool {
        let (State::Connected(_), Some(store)) = (&self.state, &mut self.store) else { return false };
        match store.get_mut().is_introduced(self.address.server) {
            Ok(introduced) => !introduced,
            Err(_) => {
                self.store = None;
                false
            }
        }
    }

    /// Takes the server's offer, if there is one for us.
    fn attempt(&mut self, link: &mut Link) -> Result<(), LinkError> {
        let joined = match self.read_keys()? {
            Some((reference, port)) => self.join(reference, port)?,
            None => None,
        };
        match joined {
            Some((ring, shared)) => {
                self.unwatch();
                self.state = State::Connected(shared);
                link.connected(Channel::Ring { ring, orphaned: false });
                // The last questions may have brought along that the domain is gone.
                self.take_reports()?;
            }
            None => {
                self.attempt_again.arm(ATTEMPT_PAUSE)?;
                self.state = State::Waiting(Pace::Pausing { changed: false });
            }
        }
        Ok(())
    }

    /// The reference of the control page and the server's port. `None` if the keys are not there for us.
    fn read_keys(&mut self) -> Result<Option<(GrantRef, Port)>, LinkError> {
        let Some(port) = self.read_key(EVENT_CHANNEL)? else { return Ok(None) };
        let reference = self.read_key(RING_REF)?;
        Ok(reference.map(|reference| (GrantRef(reference), Port(port))))
    }

    fn read_key(&mut self, key: &'static str) -> Result<Option<u32>, LinkError> {
        let Some(store) = &mut self.store else { return Ok(None) };
        match store.get_mut().read(&format!("{}/{key}", self.keys)) {
            Ok(value) => Ok(Some(parse_key(key, &value)?)),
            Err(error) if matches!(error.refusal(), Some(Refusal::Missing | Refusal::Access)) => Ok(None),
            Err(error) => Err(io::Error::other(error).into()),
        }
    }

    /// Joins the rings that were offered. `None` if they are not offered any more: their server has died, or another
    /// client has used them.
    ///
    /// Keys may be old, and the next offer have the same numbers. So the order matters: a server has its port for longer
    /// than its control page, and what was bound between mapping the page and seeing that it is still on offer is the port
    /// that belongs to it. The keys are written when the rings are ready: those that are still the same are this offer's.
    fn join(&mut self, reference: GrantRef, port: Port) -> Result<Option<(Ring, Shared)>, LinkError> {
        let server = self.address.server;
        let control = match self.device.map_writable(server, &[reference]) {
            Err(MapError::Refused { .. }) => return Ok(None),
            mapped => mapped.map_err(OfferError::from)?,
        };
        let line = match self.channels.get().bind_interdomain(server, port) {
            Ok(own) => Line { channels: Arc::clone(&self.channels), port: own },
            Err(BindError::NotOffered { .. } | BindError::NoDomain(_)) => return Ok(None),
            Err(error) => return Err(io::Error::other(error).into()),
        };
        let page = control.pages();
        let awaited = ring::awaits_client(page).map_err(ring::RingError::from)?;
        if !awaited || self.read_keys()? != Some((reference, port)) {
            return Ok(None);
        }
        let layout = Layout::of(page)?;
        let (left, right) = layout.references(page).map_err(ring::RingError::from)?;
        let left = match left.as_slice() {
            [] => RingPages::Control,
            refs => {
                let pages = self.device.map_writable(server, refs).map_err(OfferError::from)?;
                RingPages::Writable(Arc::clone(pages.pages()))
            }
        };
        let right = match right.as_slice() {
            [] => RingPages::Control,
            refs => RingPages::ReadOnly(Arc::new(self.device.map(server, refs).map_err(OfferError::from)?)),
        };
        control
            .set_unmap_notify(UnmapNotify { clear_byte: Some(ring::CLIENT_LIVE), send: Some(line.port) })?;
        let ring = Ring::join(layout, Arc::clone(page), left, right)?;
        line.notify()?;
        Ok(Some((ring, Shared { _control: control, line })))
    }

    fn unwatch(&mut self) {
        if let Some(store) = &mut self.store
            && store.get_mut().unwatch(&watched(&self.keys), KEYS_TOKEN).is_err()
        {
            self.store = None;
        }
    }
}

/// The key that is written last.
fn watched(keys: &str) -> String {
    format!("{keys}/{EVENT_CHANNEL}")
}

//! The way between a domain's connection and its channel: bytes in, bytes out, time.

use std::{os::fd::OwnedFd, time::Duration};

use gui_protocol::{DaemonConfig, DaemonConn, Limits, Screen, Violation};
use shm_grant::{Address, Client, DomId, Event, LinkError};
use smithay::reexports::calloop::{
    PostAction, Readiness, RegistrationToken,
    generic::Generic,
    timer::{TimeoutAction, Timer},
};
use tracing::{error, info, warn};

use super::{DomainId, back_off};
use crate::{ipc, state::State};

/// Bytes taken from a channel at a time: the whole of a usual round, and little to clear for a single message.
const READ_CHUNK: usize = 8 * 1024;
/// How long one domain is listened to before the others get their turn. In time and not in bytes, as a message may cost
/// the more the more windows there are; a turn is longer than this by at most one chunk.
const TURN: Duration = Duration::from_millis(4);
/// A link that lived this long forgives the violations before it.
const FORGIVEN_AFTER: Duration = Duration::from_secs(60);

/// A domain's link.
#[derive(Debug, Default)]
pub struct Link {
    /// Where the agent is served; `None` while there is no such domain.
    place: Option<Place>,
    connection: Option<Connection>,
    timer: Option<(RegistrationToken, Duration)>,
    backing_off: bool,
    /// Whether an agent is there that must not be listened to yet.
    unconfirmed: bool,
    failures: u32,
    /// Connections there have been.
    number: u64,
    /// Whether something may wait to be sent.
    is_dirty: bool,
}

#[derive(Debug)]
struct Place {
    domid: DomId,
    client: Client,
    source: RegistrationToken,
}

#[derive(Debug)]
struct Connection {
    conn: DaemonConn,
    since: Duration,
}

/// Why a link ends.
#[derive(Debug, thiserror::Error)]
pub enum EndReason {
    /// The channel is gone.
    #[error(transparent)]
    Channel(#[from] LinkError),
    /// The agent broke a rule of the protocol.
    #[error(transparent)]
    Violation(#[from] Violation),
    /// The agent announced a buffer whose pages cannot be had.
    #[error("the pages of a window buffer: {0}")]
    Pages(#[from] shm_grant::ImportError),
    /// The agent announced a buffer whose pages cannot be drawn from.
    #[error("the layout of a window buffer: {0}")]
    Layout(#[from] shm_grant::LayoutError),
}

impl EndReason {
    /// Whether to wait before connecting again: the agent is to blame, or the system refuses and would at once do so
    /// again.
    fn needs_pause(&self) -> bool {
        match self {
            EndReason::Channel(LinkError::Closed | LinkError::DomainGone(_)) => false,
            EndReason::Channel(_) | EndReason::Violation(_) | EndReason::Pages(_) | EndReason::Layout(_) => {
                true
            }
        }
    }
}

impl Link {
    /// The connection, while there is one.
    pub fn connection_mut(&mut self) -> Option<&mut DaemonConn> {
        self.connection.as_mut().map(|connection| &mut connection.conn)
    }

    /// Where the pages of the peer come from.
    pub fn client_mut(&mut self) -> Option<&mut Client> {
        self.place.as_mut().map(|place| &mut place.client)
    }

    /// The domain that is waited for or connected to, if there is one.
    pub fn domid(&self) -> Option<DomId> {
        self.place.as_ref().map(|place| place.domid)
    }

    /// The level of the extension that is spoken, 0 for the base protocol or without a connection.
    pub fn level(&self) -> u16 {
        self.connection.as_ref().map_or(0, |connection| connection.conn.level())
    }

    /// Which of the domain's connections this is, counted from 1.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// How the link stands, for those who ask.
    pub fn state(&self) -> ipc::LinkState {
        match (&self.place, &self.connection) {
            (None, _) => ipc::LinkState::Absent,
            (Some(_), Some(_)) => ipc::LinkState::Connected,
            (Some(_), None) if self.backing_off => ipc::LinkState::BackingOff,
            (Some(_), None) => ipc::LinkState::Waiting,
        }
    }

    /// Whether something waits to be sent.
    fn has_unsent(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| !connection.conn.transmit().is_empty())
    }

    /// Sends what waits to be sent, as far as the channel takes it.
    fn flush(&mut self) {
        let (Some(Place { client, .. }), Some(connection)) = (&mut self.place, &mut self.connection) else {
            return;
        };
        loop {
            let pending = connection.conn.transmit();
            if pending.is_empty() {
                return;
            }
            let taken = client.write(pending);
            if taken == 0 {
                return;
            }
            connection.conn.transmitted(taken);
        }
    }
}

impl State {
    /// Begins to wait for the agent of a domain, which is served at `address` by the domain `domid`.
    ///
    /// # Errors
    /// When nothing can be waited for there.
    pub(super) fn attach(&mut self, id: DomainId, domid: DomId, address: &Address) -> anyhow::Result<()> {
        let client = Client::new(address)?;
        let source: Generic<OwnedFd> = client.calloop_source()?;
        let ready = move |_: Readiness, _: &mut _, state: &mut State| {
            state.link_ready(id);
            Ok(PostAction::Continue)
        };
        let source = self.loop_handle.insert_source(source, ready).map_err(|err| err.error)?;
        if let Some(link) = self.link_mut(id) {
            link.place = Some(Place { domid, client, source });
        }
        self.names_changed();
        Ok(())
    }

    /// Leaves a domain that is gone: its windows go, and nothing of it is waited for.
    pub(super) fn detach(&mut self, id: DomainId) {
        let Some(link) = self.link_mut(id) else { return };
        let (place, timer) = (link.place.take(), link.timer.take());
        link.connection = None;
        (link.backing_off, link.unconfirmed) = (false, false);
        if let Some(place) = place {
            self.loop_handle.remove(place.source);
        }
        if let Some((timer, _)) = timer {
            self.loop_handle.remove(timer);
        }
        self.link_left(id);
    }

    /// What a link leaves behind when it ends.
    fn link_left(&mut self, id: DomainId) {
        self.remove_domain_windows(id);
        self.liveness_ended(id);
        self.runs_ended(id);
        self.clipboard_gone(id);
        self.files_gone(id);
    }

    fn link_mut(&mut self, id: DomainId) -> Option<&mut Link> {
        self.domains.get_mut(id).map(|domain| &mut domain.link)
    }

    fn link_ready(&mut self, id: DomainId) {
        self.will_flush(id);
        while let Some(event) = self.link_mut(id).and_then(Link::client_mut).and_then(Client::poll_event) {
            match event {
                Event::Connected => self.link_appeared(id),
                Event::Readable => {
                    let more = self.link_read(id);
                    match more {
                        Ok(true) => {
                            if let Some(client) = self.link_mut(id).and_then(Link::client_mut) {
                                client.leave_rest();
                            }
                            break;
                        }
                        Ok(false) => {}
                        Err(reason) => self.link_ended(id, &reason),
                    }
                }
                Event::Writable => {}
                Event::Disconnected(reason) => self.link_ended(id, &reason.into()),
            }
        }
        self.apply_effects();
    }

    /// There is an agent at the other end.
    fn link_appeared(&mut self, id: DomainId) {
        if self.may_listen(id) {
            return self.link_connected(id);
        }
        let Some(link) = self.link_mut(id) else { return };
        link.unconfirmed = true;
        if let Some(client) = link.client_mut() {
            client.set_want_read(false);
        }
    }

    /// The domain at the other end is the one it was taken for.
    pub(super) fn link_confirmed(&mut self, id: DomainId) {
        let Some(link) = self.link_mut(id) else { return };
        if !std::mem::take(&mut link.unconfirmed) {
            return;
        }
        if let Some(client) = link.client_mut() {
            client.set_want_read(true);
        }
        self.will_flush(id);
        self.link_connected(id);
    }

    fn link_connected(&mut self, id: DomainId) {
        let size = self.output_size();
        let (width, height) = (size.w.unsigned_abs(), size.h.unsigned_abs());
        let pixels_kib = u64::from(width) * u64::from(height) * 4 / 1024;
        let screen =
            Screen { width, height, depth: 24, mem_kib: u32::try_from(pixels_kib + 1).unwrap_or(u32::MAX) };
        let now = self.now();
        let Some(max_minor) = self.domain(id).map(|domain| domain.config.protocol.minor) else { return };
        let limits = Limits { clipboard_bytes: self.config.clipboard.max_size, ..Limits::default() };
        let config = DaemonConfig { screen, limits, max_minor };
        let Some(link) = self.link_mut(id) else { return };
        link.number = link.number.saturating_add(1);
        link.connection = Some(Connection { conn: DaemonConn::new(config, now), since: now });
        self.arm_link_timer(id);
        self.names_changed();
    }

    /// Takes one turn's worth of bytes. Says whether there may be more, for another turn.
    fn link_read(&mut self, id: DomainId) -> Result<bool, EndReason> {
        let mut chunk = [0; READ_CHUNK];
        let end = self.now().saturating_add(TURN);
        loop {
            let now = self.now();
            if now >= end {
                break;
            }
            let Some(link) = self.link_mut(id) else { return Ok(false) };
            let (Some(Place { client, .. }), Some(connection)) = (&mut link.place, &mut link.connection)
            else {
                return Ok(false);
            };
            if !connection.conn.wants_read(now) {
                // The domain is over its budget. What it sent stays in the channel until the budget is back.
                client.set_want_read(false);
                self.arm_link_timer(id);
                return Ok(false);
            }
            let read = client.read(&mut chunk);
            let Some(bytes) = chunk.get(..read).filter(|bytes| !bytes.is_empty()) else { return Ok(false) };
            connection.conn.handle_bytes(bytes, now)?;
            self.handle_events(id)?;
        }
        self.arm_link_timer(id);
        Ok(true)
    }

    /// Has the connection called when it wants to be. A timer that is due earlier stays; it looks again.
    fn arm_link_timer(&mut self, id: DomainId) {
        let Some(link) = self.link_mut(id) else { return };
        let wanted = link.connection.as_ref().and_then(|connection| connection.conn.poll_timeout());
        let Some(due) = wanted else { return };
        if link.timer.as_ref().is_none_or(|(_, armed)| *armed > due) {
            self.start_timer(id, due, State::link_timeout);
        }
    }

    fn start_timer(&mut self, id: DomainId, due: Duration, then: fn(&mut State, DomainId)) {
        if let Some((token, _)) = self.link_mut(id).and_then(|link| link.timer.take()) {
            self.loop_handle.remove(token);
        }
        let after = due.saturating_sub(self.now());
        let timer = Timer::from_duration(after);
        let fired = move |_, _: &mut (), state: &mut State| {
            if let Some(link) = state.link_mut(id) {
                link.timer = None;
            }
            state.will_flush(id);
            then(state, id);
            TimeoutAction::Drop
        };
        match self.loop_handle.insert_source(timer, fired) {
            Ok(token) => {
                if let Some(link) = self.link_mut(id) {
                    link.timer = Some((token, due));
                }
            }
            Err(err) => error!(%err, "no timer for a domain's link"),
        }
    }

    fn link_timeout(&mut self, id: DomainId) {
        let now = self.now();
        let Some(link) = self.link_mut(id) else { return };
        let (Some(Place { client, .. }), Some(connection)) = (&mut link.place, &mut link.connection) else {
            return;
        };
        client.set_want_read(true);
        let result = connection.conn.handle_timeout(now).map_err(EndReason::from);
        match result.and_then(|()| self.handle_events(id)) {
            Ok(()) => self.arm_link_timer(id),
            Err(reason) => self.link_ended(id, &reason),
        }
    }

    /// Ends a link: the domain's windows go, one line says why, and the wait for its agent begins anew.
    fn link_ended(&mut self, id: DomainId, reason: &EndReason) {
        let now = self.now();
        let Some(domain) = self.domains.get_mut(id) else { return };
        let name = &domain.config.name;
        let link = &mut domain.link;
        let lived = link.connection.take().map(|connection| now.saturating_sub(connection.since));
        link.unconfirmed = false;
        if let Some(client) = link.client_mut() {
            client.disconnect();
        }
        let pause = if reason.needs_pause() {
            if lived.is_some_and(|lived| lived >= FORGIVEN_AFTER) {
                link.failures = 0;
            }
            link.failures = link.failures.saturating_add(1);
            let pause = back_off(link.failures);
            warn!(domain = %name, pause_ms = pause.as_millis(), "link ended: {reason}");
            Some(pause)
        } else {
            info!(domain = %name, "link ended: {reason}");
            None
        };
        link.backing_off = pause.is_some();
        match pause {
            Some(pause) => self.start_timer(id, now.saturating_add(pause), State::link_restart),
            None => self.link_restart(id),
        }
        self.link_left(id);
    }

    fn link_restart(&mut self, id: DomainId) {
        if let Some(link) = self.link_mut(id) {
            link.backing_off = false;
            if let Some(client) = link.client_mut() {
                client.connect();
            }
        }
        self.names_changed();
    }

    /// Has a connection flushed with the next flush.
    pub(super) fn will_flush(&mut self, id: DomainId) {
        if let Some(link) = self.link_mut(id)
            && !std::mem::replace(&mut link.is_dirty, true)
        {
            self.unsent.push(id);
        }
    }

    /// Sends what the connections have to send, and notices those whose peer does not read.
    pub fn flush_links(&mut self) {
        let now = self.now();
        while let Some(id) = self.unsent.pop() {
            let Some(link) = self.link_mut(id) else { continue };
            link.is_dirty = false;
            if link.has_unsent() {
                self.probe(id);
            }
            let Some(link) = self.link_mut(id) else { continue };
            link.flush();
            let due = link.connection.as_ref().and_then(|connection| connection.conn.poll_timeout());
            if due.is_some_and(|due| due <= now) {
                self.link_timeout(id);
                if let Some(link) = self.link_mut(id) {
                    link.flush();
                }
            }
        }
    }
}

//! Ends of a vchan that break every rule they can, at the other end of ours.
//!
//! The hostile server is made here, of pages and a port that the counterpart has in its domain: dom0 may write both the
//! pages and that domain's keys. The hostile client is made of Xen's devices alone.

use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use shm_grant::ring::RingError;
use shm_grant::xen::store::{Refusal, Store};
use shm_grant::xen::{EventChannels, GrantDevice, MappedPages, OfferError, Port};
use shm_grant::{
    Address, Backend, Client, DomId, Event, ExportError, GrantRef, ImportError, LinkError, Server,
};

use super::end::End;
use crate::counterpart::wait_readable;
use crate::remote::Remote;
use crate::report::Report;

const SERVER_PORT: u32 = 6002;
const CLIENT_PORT: u32 = 6003;
const EXPORT_PORT: u32 = 6004;

/// Among the references that the toolstack keeps for itself. Below it are those of console and xenstore, which a domain
/// does share with dom0.
const UNSHARED: GrantRef = GrantRef(7);

const PATIENCE: Duration = Duration::from_secs(30);

/// How long nothing must happen where nothing is to happen.
const SILENCE: Duration = Duration::from_millis(500);

/// Offsets in the control page.
const LEFT_CONS: usize = 0;
const LEFT_PROD: usize = 4;
pub const RIGHT_PROD: usize = 12;
pub const ORDERS: usize = 16;
pub const CLIENT_LIVE: usize = 20;
const REFERENCES: usize = 24;

pub fn run(report: &mut Report, remote: &mut Remote, filter: &str) {
    let mut check = |name: &str, promise: fn(&mut Remote) -> anyhow::Result<()>| {
        if name.contains(filter) {
            report.check(name, || promise(remote));
        }
    };
    check("keys that are no numbers end the wait", wrong_keys);
    check("stale and impossible offers are waited out", stale_offers);
    check("rings of impossible sizes end the wait", wrong_orders);
    check("rings that are not shared end the wait", wrong_references);
    check("a server's index that lies ends the link", lying_server);
    check("pages that are not shared are not imported, and the link lives", wrong_import);
    check("a client's index that lies ends the link, and another is served", lying_client);
    check("a client that comes and goes unseen leaves its successor unused rings", fleeting_client);
    check("the keys are the client's alone to read, and go when it has come", keys);
    check("an end that waits, or has nothing to do, is not woken", silence);
    check("a domain with no grants left says so", no_grants_left);
    check("a domain is not its own peer", own_peer);
}

fn wrong_keys(remote: &mut Remote) -> anyhow::Result<()> {
    let offer = HostileOffer::new(remote)?;
    for (ring_ref, event_channel) in [("0", "5"), ("5", "0"), ("-1", "5"), ("5", "4294967296"), ("", "5")] {
        offer.publish(ring_ref, event_channel)?;
        let error = offer.client()?.until_lost()?;
        ensure!(matches!(error, LinkError::Offer(OfferError::Key(_))), "{ring_ref} {event_channel}: {error}");
    }
    Ok(())
}

fn stale_offers(remote: &mut Remote) -> anyhow::Result<()> {
    let mut read_only = remote.share(1, "read-only")?;
    let offer = HostileOffer::new(remote)?;
    let mut end = offer.client()?;
    let unshared = UNSHARED.0.to_string();
    let read_only = read_only.refs.pop().context("no reference")?.0.to_string();
    let port = offer.port.0.to_string();
    for (ring_ref, event_channel) in [(&unshared, &port), (&read_only, &port), (&port, &"4000".to_owned())] {
        offer.publish(ring_ref, event_channel)?;
        end.expect_silence()?;
    }
    // A ring that a client has left.
    offer.control.pages().copy_in(CLIENT_LIVE, &[0])?;
    offer.publish_own()?;
    end.expect_silence()?;
    // And one that nobody has joined.
    offer.control.pages().copy_in(CLIENT_LIVE, &[2])?;
    offer.publish_own()?;
    end.connect()
}

fn wrong_orders(remote: &mut Remote) -> anyhow::Result<()> {
    let offer = HostileOffer::new(remote)?;
    for (left, right) in [(9, 12), (12, 9), (21, 12), (10, 10), (11, 11), (10, 20), (0xffff, 12), (0, 0)] {
        offer.set_orders(left, right)?;
        offer.publish_own()?;
        let error = offer.client()?.until_lost()?;
        let named = matches!(error, LinkError::Ring(RingError::Orders(l, r)) if (l, r) == (left, right));
        ensure!(named, "{left} and {right}: {error}");
    }
    Ok(())
}

fn wrong_references(remote: &mut Remote) -> anyhow::Result<()> {
    let offer = HostileOffer::new(remote)?;
    offer.set_orders(12, 12)?;
    for references in [[UNSHARED.0; 2], [u32::MAX; 2]] {
        for (at, reference) in (REFERENCES..).step_by(4).zip(references) {
            offer.control.pages().copy_in(at, &reference.to_ne_bytes())?;
        }
        offer.publish_own()?;
        let error = offer.client()?.until_lost()?;
        ensure!(matches!(error, LinkError::Offer(OfferError::Rings(_))), "{references:?}: {error}");
    }
    Ok(())
}

fn lying_server(remote: &mut Remote) -> anyhow::Result<()> {
    for (index, claimed) in
        [(RIGHT_PROD, 2049u32), (RIGHT_PROD, u32::MAX), (LEFT_CONS, 2), (LEFT_CONS, 1 << 31)]
    {
        let offer = HostileOffer::new(remote)?;
        offer.publish_own()?;
        let mut end = offer.client()?;
        end.connect()?;
        ensure!(end.write(&[1]) == 1, "nothing was written");
        offer.control.pages().copy_in(index, &claimed.to_ne_bytes())?;
        let mut bytes = [0; 16];
        if index == RIGHT_PROD {
            end.read(&mut bytes);
        } else {
            end.write(&bytes);
        }
        let error = end.until_lost()?;
        ensure!(matches!(error, LinkError::Ring(RingError::ImpossibleIndex { .. })), "{claimed}: {error}");
    }
    Ok(())
}

fn wrong_import(remote: &mut Remote) -> anyhow::Result<()> {
    let offer = HostileOffer::new(remote)?;
    offer.publish_own()?;
    let mut end = offer.client()?;
    end.connect()?;
    let End::Client(client) = &mut end else { bail!("not a client") };
    for refs in [vec![UNSHARED], vec![GrantRef(u32::MAX); 3]] {
        let error = client.import(&refs, 1).err().context("was imported")?;
        ensure!(matches!(error, ImportError::Map(_)), "{error}");
    }
    ensure!(matches!(client.import(&[], 0), Err(ImportError::Size { .. })), "nothing was imported");
    end.expect_silence()
}

fn lying_client(remote: &mut Remote) -> anyhow::Result<()> {
    let DomId(here) = DomId(0);
    let server =
        remote.ask(format!("start xen-probe vchan-end server {here} {CLIENT_PORT} 4096 4096 3 hold"))?;
    for claimed in [4097u32, 1 << 31, u32::MAX] {
        let client = HostileClient::join(remote.domain)?;
        expect_line(remote, &server, "connected")?;
        client.control.pages().copy_in(LEFT_PROD, &claimed.to_ne_bytes())?;
        client.notify()?;
        expect_line(remote, &server, "lost: the ring is broken")?;
    }
    remote.ask(format!("end {server}")).map(drop)
}

fn fleeting_client(remote: &mut Remote) -> anyhow::Result<()> {
    let server = remote.ask(format!("start xen-probe vchan-end server 0 {CLIENT_PORT} 4096 4096 1 hold"))?;
    let fleeting = HostileClient::find(remote.domain)?;
    fleeting.control.pages().copy_in(CLIENT_LIVE, &[0])?;
    let stale = fleeting.reference;
    fleeting.notify()?;
    let client = loop {
        let client = HostileClient::find(remote.domain)?;
        if client.reference != stale {
            break client;
        }
    };
    client.come()?;
    expect_line(remote, &server, "connected")?;
    client.control.pages().copy_in(CLIENT_LIVE, &[0])?;
    client.notify()?;
    expect_line(remote, &server, "lost: the peer has closed")?;
    remote.ask(format!("end {server}")).map(drop)
}

fn keys(remote: &mut Remote) -> anyhow::Result<()> {
    let server = remote.ask(format!("start xen-probe vchan-end server 0 {CLIENT_PORT} 4096 4096 1 hold"))?;
    let client = HostileClient::find(remote.domain)?;
    let mut store = Store::connect()?;
    let keys = keys_of(&mut store, remote.domain, CLIENT_PORT)?;
    for key in ["ring-ref", "event-channel"] {
        let permissions = store.permissions(&format!("{keys}/{key}"))?;
        let text = permissions.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        ensure!(text == format!("n{} r0", remote.domain.0), "{key}: {text}");
    }
    client.come()?;
    expect_line(remote, &server, "connected")?;
    let missing = store.read(&keys).err().and_then(|error| error.refusal());
    ensure!(missing == Some(Refusal::Missing), "{missing:?}");
    remote.ask(format!("kill {server}")).map(drop)
}

fn silence(remote: &mut Remote) -> anyhow::Result<()> {
    let DomId(there) = remote.domain;
    let mut client =
        End::Client(Client::new(&Address::new(Backend::Xen, DomId(there), DomId(0), CLIENT_PORT))?);
    client.expect_silence()?;
    let server = remote.ask(format!("start xen-probe vchan-end server 0 {CLIENT_PORT} 4096 4096 1 hold"))?;
    client.connect()?;
    client.expect_silence()?;
    remote.ask(format!("kill {server}"))?;
    let error = client.until_lost()?;
    ensure!(matches!(error, LinkError::Closed), "{error}");
    client.expect_silence()
}

fn no_grants_left(remote: &mut Remote) -> anyhow::Result<()> {
    let limit = std::fs::read_to_string("/sys/module/xen_gntalloc/parameters/limit")?;
    let most: usize = limit.trim_end().parse()?;
    let server = Server::bind(&Address::new(Backend::Xen, DomId(0), remote.domain, EXPORT_PORT))?;
    let half = server.exporter().export(most / 2)?;
    let error = server.exporter().export(most / 2).err().context("there was room for more than the limit")?;
    ensure!(matches!(error, ExportError::Allocate(_)), "{error}");
    ensure!(error.to_string().starts_with("no room to share"), "{error}");
    drop(half);
    server.exporter().export(1)?;
    Ok(())
}

fn own_peer(remote: &mut Remote) -> anyhow::Result<()> {
    let own = Address::new(Backend::Xen, remote.domain, remote.domain, EXPORT_PORT);
    ensure!(Server::bind(&own).is_err(), "it serves itself");
    ensure!(Client::new(&own).is_err(), "it connects to itself");
    Ok(())
}

fn expect_line(remote: &mut Remote, program: &str, start: &str) -> anyhow::Result<()> {
    let line = remote.ask(format!("line {program}"))?;
    ensure!(line.starts_with(start), "{line:?} is not {start:?}");
    Ok(())
}

fn keys_of(store: &mut Store, server: DomId, port: u32) -> anyhow::Result<String> {
    Ok(format!("{}/data/vchan/0/{port}", store.domain_path(server)?))
}

/// What a server in the counterpart's domain could offer. Both rings lie in the control page.
struct HostileOffer {
    server: DomId,
    control: MappedPages,
    reference: GrantRef,
    port: Port,
    keys: String,
}

impl HostileOffer {
    fn new(remote: &mut Remote) -> anyhow::Result<Self> {
        let window = remote.share(1, "writable")?;
        let control = GrantDevice::open()?.map_writable(remote.domain, &window.refs)?;
        let port = Port(remote.ask("port")?.parse()?);
        let reference = *window.refs.first().context("no reference")?;
        let server = remote.domain;
        let mut store = Store::connect()?;
        let keys = keys_of(&mut store, server, SERVER_PORT)?;
        store.write(&keys, b"")?;
        let offer = Self { server, control, reference, port, keys };
        offer.set_orders(10, 11)?;
        Ok(offer)
    }

    /// Makes the control page that of rings of these orders, which nobody has joined.
    fn set_orders(&self, left: u16, right: u16) -> anyhow::Result<()> {
        let pages = self.control.pages();
        pages.copy_in(0, &[0; 1024])?;
        pages.copy_in(ORDERS, &left.to_ne_bytes())?;
        pages.copy_in(ORDERS + 2, &right.to_ne_bytes())?;
        pages.copy_in(CLIENT_LIVE, &[2, 1, 1, 0])?;
        Ok(())
    }

    fn publish(&self, ring_ref: &str, event_channel: &str) -> anyhow::Result<()> {
        Ok(Store::connect()?.transaction(|store| {
            store.write(&format!("{}/ring-ref", self.keys), ring_ref.as_bytes())?;
            store.write(&format!("{}/event-channel", self.keys), event_channel.as_bytes())
        })?)
    }

    fn publish_own(&self) -> anyhow::Result<()> {
        self.publish(&self.reference.0.to_string(), &self.port.0.to_string())
    }

    /// One of ours that waits for this server.
    fn client(&self) -> anyhow::Result<End> {
        let address = Address::new(Backend::Xen, self.server, DomId(0), SERVER_PORT);
        Ok(End::Client(Client::new(&address)?))
    }
}

impl Drop for HostileOffer {
    fn drop(&mut self) {
        // The next offer makes its own.
        if let Ok(mut store) = Store::connect() {
            let _ = store.remove(&self.keys);
        }
    }
}

/// A client of a server of ours in the counterpart's domain.
struct HostileClient {
    control: MappedPages,
    reference: u32,
    events: EventChannels,
    port: Port,
}

impl HostileClient {
    /// Waits for the server's offer, and touches nothing.
    fn find(server: DomId) -> anyhow::Result<Self> {
        let mut store = Store::connect()?;
        let keys = keys_of(&mut store, server, CLIENT_PORT)?;
        let event_channel = format!("{keys}/event-channel");
        store.watch(&event_channel, "keys")?;
        loop {
            if let Some(port) = store.parse(&event_channel, "a port")?
                && let Some(reference) = store.parse(&format!("{keys}/ring-ref"), "a reference")?
            {
                let events = EventChannels::open()?;
                // An offer that was for another may still be there for a moment.
                if let Ok(port) = events.bind_interdomain(server, Port(port))
                    && let Ok(control) = GrantDevice::open()?.map_writable(server, &[GrantRef(reference)])
                {
                    return Ok(Self { control, reference, events, port });
                }
            }
            ensure!(crate::counterpart::wait_change(&mut store, Some(PATIENCE))?, "no server appeared");
        }
    }

    fn join(server: DomId) -> anyhow::Result<Self> {
        let client = Self::find(server)?;
        client.come()?;
        Ok(client)
    }

    fn come(&self) -> anyhow::Result<()> {
        self.control.pages().copy_in(CLIENT_LIVE, &[1])?;
        self.notify()
    }

    fn notify(&self) -> anyhow::Result<()> {
        Ok(self.events.notify(self.port)?)
    }
}

impl End {
    /// Waits for the link, or the wait for one, to end.
    fn until_lost(&mut self) -> anyhow::Result<LinkError> {
        let mut bytes = [0; 16];
        loop {
            // That the other end has closed is seen by reading.
            self.read(&mut bytes);
            if let Err(error) = self.wait(PATIENCE) {
                return error.downcast();
            }
        }
    }

    /// Nothing wakes the end, once it has done what there was to do.
    fn expect_silence(&mut self) -> anyhow::Result<()> {
        for _ in 0..10 {
            while let Some(event) = self.poll_event() {
                ensure!(!matches!(event, Event::Connected | Event::Disconnected(_)), "{event:?}");
            }
            if !wait_readable(self, Some(SILENCE))? {
                return Ok(());
            }
        }
        bail!("it is woken again and again")
    }
}

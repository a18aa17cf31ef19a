//! Event channels between dom0 and another domain.

use anyhow::ensure;
use shm_grant::DomId;
use shm_grant::xen::{BindError, EventChannels, Port};

use crate::counterpart::next_event;
use crate::remote::Remote;
use crate::report::Report;

/// No domain of a test has this number.
const NOBODY: DomId = DomId(30_000);

pub fn run(report: &mut Report, domain: DomId) -> anyhow::Result<()> {
    let mut remote = Remote::connect(domain)?;
    report.check("an event arrives on either side", || both_ways(&mut remote));
    report.check("events before the port is unmasked are one", || masked(&mut remote));
    report.check("a port that is not offered is refused", || not_offered(&mut remote));
    report.check("a domain that does not exist is named", || {
        let error = EventChannels::open()?.bind_interdomain(NOBODY, Port(1)).map(drop);
        ensure!(matches!(error, Err(BindError::NoDomain(NOBODY))), "{error:?}");
        Ok(())
    });
    report.check("restricted to a domain, others are refused", || restricted(&mut remote));
    report.check("a port that was given up is not notified", || given_up(&mut remote));
    Ok(())
}

/// A port of ours bound to a new one of the counterpart's.
fn bound(remote: &mut Remote, events: &EventChannels) -> anyhow::Result<(Port, Port)> {
    let theirs = Port(remote.ask("port")?.parse()?);
    let ours = events.bind_interdomain(remote.domain, theirs)?;
    // Xen sends one with the binding, to this side.
    ensure!(next_event(events)? == ours, "an event on another port");
    Ok((ours, theirs))
}

fn both_ways(remote: &mut Remote) -> anyhow::Result<()> {
    let events = EventChannels::open()?;
    let (ours, theirs) = bound(remote, &events)?;
    ensure!(events.next_pending()?.is_none(), "an event before one was sent");
    events.notify(ours)?;
    let arrived: u32 = remote.ask("event")?.parse()?;
    ensure!(arrived == theirs.0, "an event on port {arrived}, not {}", theirs.0);
    remote.ask(format!("notify {}", theirs.0))?;
    ensure!(next_event(&events)? == ours, "an event on another port");
    remote.ask(format!("unbind {}", theirs.0)).map(drop)
}

fn masked(remote: &mut Remote) -> anyhow::Result<()> {
    let events = EventChannels::open()?;
    let (ours, theirs) = bound(remote, &events)?;
    for _ in 0..3 {
        remote.ask(format!("notify {}", theirs.0))?;
    }
    ensure!(events.next_pending()? == Some(ours), "no event");
    ensure!(events.next_pending()?.is_none(), "an event on a port that is masked");
    for _ in 0..3 {
        remote.ask(format!("notify {}", theirs.0))?;
    }
    ensure!(events.next_pending()?.is_none(), "an event on a port that is masked");
    events.unmask(ours)?;
    ensure!(next_event(&events)? == ours, "an event on another port");
    ensure!(events.next_pending()?.is_none(), "a second event");
    remote.ask(format!("unbind {}", theirs.0)).map(drop)
}

fn not_offered(remote: &mut Remote) -> anyhow::Result<()> {
    let events = EventChannels::open()?;
    let refused = |port| match events.bind_interdomain(remote.domain, Port(port)) {
        Err(BindError::NotOffered { .. }) => Ok(()),
        other => anyhow::bail!("port {port}: {other:?}"),
    };
    refused(0)?;
    refused(4000)?;
    refused(u32::MAX)?;
    let taken = Port(remote.ask("port")?.parse()?);
    let first = EventChannels::open()?;
    first.bind_interdomain(remote.domain, taken)?;
    match events.bind_interdomain(remote.domain, taken) {
        Err(BindError::NotOffered { .. }) => {}
        other => anyhow::bail!("a port that another has bound: {other:?}"),
    }
    remote.ask(format!("unbind {}", taken.0)).map(drop)
}

fn restricted(remote: &mut Remote) -> anyhow::Result<()> {
    let events = EventChannels::open()?;
    let before = events.bind_unbound(NOBODY)?;
    events.restrict(remote.domain)?;
    let other = events.bind_interdomain(DomId(0), before);
    ensure!(matches!(other, Err(BindError::Restricted(DomId(0)))), "another domain's: {other:?}");
    let new = events.bind_unbound(remote.domain);
    ensure!(matches!(new, Err(BindError::Restricted(_))), "a new one: {new:?}");
    ensure!(events.restrict(DomId(0)).is_err(), "it was restricted again");
    let (ours, theirs) = bound(remote, &events)?;
    events.notify(ours)?;
    ensure!(remote.ask("event")? == theirs.0.to_string(), "an event on another port");
    events.unbind(before)?;
    remote.ask(format!("unbind {}", theirs.0)).map(drop)
}

fn given_up(remote: &mut Remote) -> anyhow::Result<()> {
    let events = EventChannels::open()?;
    let (ours, theirs) = bound(remote, &events)?;
    remote.ask(format!("unbind {}", theirs.0))?;
    // The other end is gone, and nobody says so.
    events.notify(ours)?;
    events.unbind(ours)?;
    for gone in [events.notify(ours), events.unbind(ours)] {
        let kind = gone.map_err(|error| error.kind());
        ensure!(kind == Err(std::io::ErrorKind::NotConnected), "{kind:?}");
    }
    Ok(())
}

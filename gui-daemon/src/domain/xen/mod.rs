//! Domains of Xen: which there are, for which of them there is an entry in the configuration, and whether what is
//! connected still is the domain it was taken for.
//!
//! Invariants:
//!
//! * A link belongs to one [`Identity`]. When a report is without it, the link ends and its windows go, at once.
//! * Nothing that came over a link is looked at before a report made after it was connected has shown the same domain: an id
//!   may have got another owner between a report and the connection, but a connection keeps its own.
//! * Of a domain without an entry nothing is looked at, unless `[xen.others]` says how it is shown.

mod roster;
mod watcher;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::Context as _;
use shm_grant::{
    Address, Backend, DomId,
    xen::{EventChannels, GrantDevice},
};
use smithay::reexports::calloop::channel::Event;
use tracing::{info, warn};

use crate::{
    config::{Transport, XenDomain as Wanted},
    sanitise::escape_for_log,
    state::State,
};

use super::{DomainId, GUI_PORT};
use roster::{Identity, XenDomain};
use watcher::{Report, Watcher};

/// Characters of a domain's name in the log.
const LOGGED_NAME: usize = 64;

/// Where Xen's store and the agents of its domains are found.
#[derive(Debug, Clone)]
pub struct XenPlaces {
    /// The socket of xenstored; `None` for the usual places.
    pub store: Option<PathBuf>,
    /// What carries the links to agents.
    pub links: Backend,
}

impl Default for XenPlaces {
    fn default() -> Self {
        Self { store: None, links: Backend::Xen }
    }
}

/// What is known of the domains of Xen.
#[derive(Debug)]
pub struct Xen {
    watcher: Watcher,
    own: DomId,
    links: Backend,
    directory: Option<PathBuf>,
    /// Whether there has been a report.
    reported: bool,
    /// Whom each domain is for that is served.
    served: BTreeMap<DomainId, Served>,
    /// Who had the id that an entry names, when there was someone.
    first_of_id: BTreeMap<DomainId, Identity>,
    /// Domains that are not served, and have been logged.
    refused: BTreeSet<Identity>,
}

#[derive(Debug)]
struct Served {
    domain: XenDomain,
    /// Whether it is served without an entry of its own.
    by_others: bool,
    /// The look that a new connection waits for.
    confirmed_by: Option<u64>,
}

/// One line, though the error may repeat its source.
fn no_xen(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow::anyhow!("domains of Xen: {error}")
}

impl State {
    /// Begins to look for the domains of Xen, if any are to be served.
    ///
    /// # Errors
    /// Why there is no Xen to be seen, in one line.
    pub(super) fn find_xen_domains(
        &mut self,
        places: XenPlaces,
        directory: Option<PathBuf>,
    ) -> anyhow::Result<()> {
        let configured =
            self.config.domains.iter().any(|domain| matches!(domain.transport, Transport::Xen(_)));
        if !configured && self.config.others.is_none() {
            return Ok(());
        }
        if places.links == Backend::Xen {
            // Better now than when the first domain is there.
            GrantDevice::open().map_err(no_xen)?;
            EventChannels::open().map_err(no_xen)?;
        }
        let (watcher, reports, own) = Watcher::start(places.store).map_err(no_xen)?;
        self.loop_handle
            .insert_source(reports, |event, (), state: &mut State| match event {
                Event::Msg(report) => state.xen_reported(report),
                Event::Closed => {}
            })
            .map_err(|err| err.error)
            .context("reports of Xen's domains")?;
        let (served, first_of_id, refused) = Default::default();
        let (links, reported) = (places.links, false);
        self.xen = Some(Xen { watcher, own, links, directory, reported, served, first_of_id, refused });
        Ok(())
    }

    /// A link to a domain of Xen has been connected. Says whether it may be listened to; if not, that is told by
    /// [`State::link_confirmed`] later.
    pub(super) fn may_listen(&mut self, id: DomainId) -> bool {
        let Some(xen) = &mut self.xen else { return true };
        let Some(served) = xen.served.get_mut(&id) else { return true };
        served.confirmed_by = Some(xen.watcher.look());
        false
    }

    fn xen_reported(&mut self, report: Report) {
        let Report { looks, mut domains } = report;
        self.leave_gone(&domains);
        let Some(xen) = &mut self.xen else { return };
        let is_first = !std::mem::replace(&mut xen.reported, true);
        let there: BTreeSet<&Identity> = domains.iter().map(|domain| &domain.identity).collect();
        xen.refused.retain(|identity| there.contains(identity));
        let served: BTreeSet<&Identity> = xen.served.values().map(|served| &served.domain.identity).collect();
        domains.retain(|domain| !served.contains(&domain.identity));
        for domain in domains {
            self.serve(domain);
        }
        if is_first {
            self.tell_absent();
        }
        self.confirm(looks);
        self.apply_effects();
    }

    /// Tells of the entries that there is no domain for: one may be misspelt.
    fn tell_absent(&self) {
        for entry in self.domains.iter() {
            if let Transport::Xen(_) = &entry.config.transport
                && entry.domid().is_none()
            {
                let (domain, transport) = (&entry.config.name, &entry.config.transport);
                info!(%domain, "there is no {transport} now: it is shown when it is started (`xl list` has the names)");
            }
        }
    }

    /// Leaves the domains that are gone, or are not those any more that they were served as.
    fn leave_gone(&mut self, domains: &[XenDomain]) {
        let Some(xen) = &mut self.xen else { return };
        let mut left = Vec::new();
        for (&id, served) in &mut xen.served {
            let now = domains.iter().find(|domain| domain.identity == served.domain.identity);
            let config = self.domains.get(id).map(|domain| &domain.config);
            let reason = match (now, config.map(|config| &config.transport)) {
                (None, _) | (_, None) => Some("it is gone"),
                (Some(now), Some(Transport::Xen(Wanted::Name(name)))) if *name != now.name => {
                    Some("it has another name now")
                }
                (Some(now), _) if served.by_others && now.name != served.domain.name => {
                    Some("it has another name now")
                }
                (Some(now), _) => {
                    served.domain.name.clone_from(&now.name);
                    None
                }
            };
            left.extend(reason.map(|reason| (id, reason)));
        }
        for (id, reason) in left {
            if let Some(domain) = self.domain(id) {
                info!(domain = %domain.config.name, "domain left: {reason}");
            }
            self.leave(id);
        }
    }

    fn leave(&mut self, id: DomainId) {
        self.detach(id);
        let served = self.xen.as_mut().and_then(|xen| xen.served.remove(&id));
        if served.is_some_and(|served| served.by_others) {
            self.domains.remove(id);
            self.runs_forgotten(id);
        }
    }

    /// Serves a domain that is new, if one of the configuration's entries is for it and free.
    fn serve(&mut self, domain: XenDomain) {
        let Some(xen) = &self.xen else { return };
        let is_new = !xen.refused.contains(&domain.identity);
        let entries: Vec<DomainId> = self.entries_for(&domain);
        let free = entries.iter().copied().find(|id| !xen.served.contains_key(id));
        let DomId(domid) = domain.identity.domid;
        let name = escape_for_log(&domain.name, LOGGED_NAME);
        let id = match (free, &self.config.others) {
            (Some(id), _) => {
                if entries.len() > 1 && is_new {
                    warn!(
                        domid,
                        name,
                        "several entries of the configuration are for this domain: the first free one is taken"
                    );
                }
                Some(id)
            }
            (None, _) if !entries.is_empty() => {
                if is_new {
                    warn!(domid, name, "domain refused: another one is served as the entry for it");
                }
                None
            }
            (None, None) => {
                if is_new {
                    info!(domid, name, "domain refused: it is not in the configuration");
                }
                None
            }
            (None, Some(others)) => self.domains.insert(others.of(&domain.name, domain.identity.domid)),
        };
        let Some(xen) = &mut self.xen else { return };
        let Some(id) = id else {
            xen.refused.insert(domain.identity);
            return;
        };
        let mut address = Address::new(xen.links, domain.identity.domid, xen.own, GUI_PORT);
        if let Some(directory) = &xen.directory {
            address = address.in_directory(directory);
        }
        let by_others = entries.is_empty();
        let identity = domain.identity.clone();
        xen.refused.remove(&identity);
        xen.first_of_id.entry(id).or_insert_with(|| identity.clone());
        xen.served.insert(id, Served { domain, by_others, confirmed_by: None });
        match self.attach(id, identity.domid, &address) {
            Ok(()) => info!(domid, name, "domain found"),
            Err(error) => {
                self.leave(id);
                if let Some(xen) = &mut self.xen {
                    xen.refused.insert(identity);
                }
                if is_new {
                    warn!(domid, name, "cannot wait for the domain's agent: {error}");
                }
            }
        }
    }

    /// The entries of the configuration that are for a domain.
    fn entries_for(&self, domain: &XenDomain) -> Vec<DomainId> {
        let Some(xen) = &self.xen else { return Vec::new() };
        let is_for = |id: &DomainId, wanted: &Wanted| match wanted {
            Wanted::Id(domid) => {
                // Whoever has the id next is somebody else.
                let first = xen.first_of_id.get(id);
                *domid == domain.identity.domid && first.is_none_or(|first| *first == domain.identity)
            }
            Wanted::Name(name) => *name == domain.name,
            Wanted::Uuid(uuid) => *uuid == domain.identity.uuid,
        };
        let entries = self.domains.iter().filter(|entry| match &entry.config.transport {
            Transport::Xen(wanted) => is_for(&entry.id, wanted),
            Transport::Socket(_) | Transport::Ring(_) => false,
        });
        entries.map(|entry| entry.id).collect()
    }

    /// Listens to the links that were connected before that look: their domains have just been seen to be there.
    fn confirm(&mut self, looks: u64) {
        let Some(xen) = &mut self.xen else { return };
        let mut confirmed = Vec::new();
        for (&id, served) in &mut xen.served {
            if served.confirmed_by.is_some_and(|look| look <= looks) {
                served.confirmed_by = None;
                confirmed.push(id);
            }
        }
        for id in confirmed {
            self.link_confirmed(id);
        }
    }
}

//! All domains that are served, by the ids they have here.

use std::collections::BTreeMap;

use crate::{
    config::{Config, DomainConfig},
    shell::Owner,
};

use super::Domain;

/// A domain's number in this daemon, and nowhere else: it is none of Xen's. It is given once, so that what is late for a
/// domain that is gone cannot reach another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DomainId(pub u32);

impl DomainId {
    /// Whose windows the shell takes this domain's for.
    pub fn owner(self) -> Owner {
        Owner::Domain(self.0)
    }
}

/// The domains, in the order in which they were added: the configured ones first.
#[derive(Debug, Default)]
pub struct Domains {
    domains: BTreeMap<DomainId, Domain>,
    next: u32,
}

impl Domains {
    /// The domains of a configuration, none of them connected.
    pub fn from_config(config: &Config) -> Self {
        let mut domains = Self::default();
        for config in &config.domains {
            domains.insert(config.clone());
        }
        domains
    }

    /// Adds a domain, not connected. `None` where all ids have been given.
    pub(super) fn insert(&mut self, config: DomainConfig) -> Option<DomainId> {
        let id = DomainId(self.next);
        self.next = self.next.checked_add(1)?;
        self.domains.insert(id, Domain::new(id, config));
        Some(id)
    }

    pub(super) fn remove(&mut self, id: DomainId) -> Option<Domain> {
        self.domains.remove(&id)
    }

    /// The domain of this id.
    pub fn get(&self, id: DomainId) -> Option<&Domain> {
        self.domains.get(&id)
    }

    /// The domain of this id.
    pub fn get_mut(&mut self, id: DomainId) -> Option<&mut Domain> {
        self.domains.get_mut(&id)
    }

    /// All, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &Domain> {
        self.domains.values()
    }

    /// All ids, in their order.
    pub fn ids(&self) -> Vec<DomainId> {
        self.domains.keys().copied().collect()
    }

    /// Whose window it is; `None` where it is dom0's.
    pub fn owner(&self, owner: Owner) -> Option<&Domain> {
        match owner {
            Owner::Domain(number) => self.get(DomainId(number)),
            Owner::Dom0 => None,
        }
    }
}

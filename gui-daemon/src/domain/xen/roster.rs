//! Which domains of Xen there are, read from xenstore.
//!
//! What is read was written by the toolstack; a value that its own domain could have written is not believed. All of one
//! domain is read in a transaction: it is of one domain, even where another takes over its id meanwhile.

use std::str;

use shm_grant::{
    DomId,
    xen::store::{Access, Refusal, Store, StoreError},
};

use crate::config::{AGENT_DOMIDS, Uuid};

/// Longest value that is looked at, in bytes. Names and UUIDs are shorter.
const MAX_VALUE: usize = 256;

/// A domain that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct XenDomain {
    /// Who it is.
    pub identity: Identity,
    /// What the toolstack calls it now; empty where it has no name.
    pub name: String,
}

/// What no two domains have in common: ids are given again when their domain is gone, and so are UUIDs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identity {
    /// Its id.
    pub domid: DomId,
    /// Its UUID. Every toolstack gives one; a domain without is not looked at.
    pub uuid: Uuid,
    /// When it was started, in the toolstack's words.
    pub started: Option<String>,
}

/// The domains there are now that could have an agent for `own`, by their ids.
pub fn look(store: &mut Store, own: DomId) -> Result<Vec<XenDomain>, StoreError> {
    let mut domains = Vec::new();
    for entry in store.directory("/local/domain")? {
        let domid = entry.parse().ok().filter(|id| AGENT_DOMIDS.contains(id)).map(DomId);
        let Some(domid) = domid.filter(|domid| *domid != own) else { continue };
        domains.extend(look_at(store, domid)?);
    }
    domains.sort_by_key(|domain| domain.identity.domid);
    Ok(domains)
}

/// The domain of this id, if it is there: the toolstack writes what is known of it, builds it and introduces it, and
/// takes this back in the opposite order.
fn look_at(store: &mut Store, domid: DomId) -> Result<Option<XenDomain>, StoreError> {
    if !store.is_introduced(domid)? {
        return Ok(None);
    }
    let path = store.domain_path(domid)?;
    store.transaction(|store| {
        let Some(vm) = value(store, &format!("{path}/vm"), domid)? else { return Ok(None) };
        let uuid = value(store, &format!("{vm}/uuid"), domid)?.and_then(|uuid| Uuid::parse(&uuid));
        let Some(uuid) = uuid else { return Ok(None) };
        let started = value(store, &format!("{vm}/start_time"), domid)?;
        let name = value(store, &format!("{path}/name"), domid)?.unwrap_or_default();
        Ok(Some(XenDomain { identity: Identity { domid, uuid, started }, name }))
    })
}

/// What the toolstack says there of a domain.
fn value(store: &mut Store, path: &str, of: DomId) -> Result<Option<String>, StoreError> {
    let permissions = match store.permissions(path) {
        Err(error) if error.refusal() == Some(Refusal::Missing) => return Ok(None),
        permissions => permissions?,
    };
    let writes = |access| matches!(access, Access::Write | Access::Both);
    let mut entries = permissions.iter();
    let by_default = entries.next().is_none_or(|owner| owner.domain == of || writes(owner.access));
    if by_default || entries.any(|entry| entry.domain == of && writes(entry.access)) {
        return Ok(None);
    }
    let value = store.read(path)?;
    Ok(str::from_utf8(&value).ok().filter(|value| value.len() <= MAX_VALUE).map(str::to_owned))
}

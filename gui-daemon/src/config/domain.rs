//! The domains of the configuration.

use std::collections::HashMap;

use gui_protocol::Version;
use shm_grant::DomId;

use super::{Refusal, Table, Transport, XenDomain};
use crate::{
    label::{Color, Label},
    sanitise::sanitise,
};

/// The longest domain name, in bytes: Qubes' own limit, so a name is valid there exactly when it is valid here.
pub const MAX_DOMAIN_NAME: usize = 31;

/// One `[[domain]]` table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DomainConfig {
    /// The name shown in every frame: ASCII letters, digits, `_` and `-`, a letter first.
    pub name: String,
    /// The colour of its frames: one of Qubes' names (`label = "red"`) or any (`color = "#rrggbb"`).
    pub label: Label,
    /// How its agent is reached.
    pub transport: Transport,
    /// The newest version of the protocol to speak with its agent: `1.8`, the base protocol, or `1.8+1`, level 1 of the
    /// extension.
    pub protocol: Version,
    /// Whether its windows may cover the whole screen.
    pub allow_fullscreen: bool,
    /// Whether its windows may lock the pointer in place or confine it, and hear of its motion other than where it is.
    pub allow_pointer_lock: bool,
    /// Whether its windows may keep the screens on while nobody is at the machine.
    pub allow_idle_inhibit: bool,
    /// Whether programs may be started in it by `gui-daemon msg run`.
    pub allow_run: bool,
    /// Whether its override-redirect windows are kept from covering most of the screen.
    pub override_redirect_protection: bool,
    /// What is drawn where a window has no pixels yet.
    pub window_background_color: Color,
}

/// The `[xen.others]` table: how the domains of Xen are shown that no `[[domain]]` is for, and what they may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OthersConfig(
    /// Of such a domain, but for its name and transport.
    DomainConfig,
);

impl OthersConfig {
    /// What is before the name of such a domain wherever it is shown. No configured name begins with it.
    pub const MARK: &'static str = "unknown: ";

    pub(super) fn read(mut table: Table<'_>) -> Result<Self, Refusal> {
        let nobody = Transport::Xen(XenDomain::Name(String::new()));
        let config = DomainConfig::read_rest(&mut table, "[xen.others]", String::new(), |_| Ok(nobody))?;
        table.finish()?;
        Ok(Self(config))
    }

    /// The configuration of such a domain, which has that name on Xen.
    pub fn of(&self, name: &str, domid: DomId) -> DomainConfig {
        let shown = match sanitise(name, MAX_DOMAIN_NAME) {
            shown if shown.is_empty() => format!("domain {}", domid.0),
            shown => shown,
        };
        let name = format!("{}{shown}", Self::MARK);
        DomainConfig { name, transport: Transport::Xen(XenDomain::Id(domid)), ..self.0.clone() }
    }
}

pub(super) fn read_domains(tables: Vec<Table<'_>>) -> Result<Vec<DomainConfig>, Refusal> {
    let mut domains = Vec::with_capacity(tables.len());
    let mut names = HashMap::new();
    let mut domids = HashMap::new();
    let mut transports = HashMap::new();
    for mut table in tables {
        let name_line = table.line_of_key("name");
        let transport_line = table.line_of_key("transport");
        let domain = DomainConfig::read(&mut table)?;
        if let Some(first) = names.insert(domain.name.clone(), name_line) {
            let message =
                format!("domain.name = {:?}: already used by the domain of line {first}", domain.name);
            return Err(Refusal { line: name_line, message });
        }
        let domid = domain.transport.domid();
        let used = domid.and_then(|domid| domids.insert(domid, transport_line));
        if let Some((DomId(domid), first)) = domid.zip(used) {
            let message = format!(
                "domain.transport = \"{}\": domain id {domid} already used in line {first}",
                domain.transport
            );
            return Err(Refusal { line: transport_line, message });
        }
        if let Some(first) = transports.insert(domain.transport.clone(), transport_line) {
            let message =
                format!("domain.transport = \"{}\": the same domain as in line {first}", domain.transport);
            return Err(Refusal { line: transport_line, message });
        }
        table.finish()?;
        domains.push(domain);
    }
    Ok(domains)
}

impl DomainConfig {
    fn read(table: &mut Table<'_>) -> Result<Self, Refusal> {
        let rule = "1 to 31 of the characters A-Z a-z 0-9 _ -, a letter first, and not dom0's own name";
        let name = table.string("name", rule, |s| is_domain_name(s).then(|| s.to_owned()))?;
        let name = table.required("name", name)?;
        Self::read_rest(table, &format!("domain {name:?}"), name.clone(), |table| {
            let transport =
                table.string("transport", Transport::RULE, |text| Transport::parse(text, &name))?;
            table.required("transport", transport)
        })
    }

    /// Reads all but the name. `who` is what it is of.
    fn read_rest<'a>(
        table: &mut Table<'a>,
        who: &str,
        name: String,
        transport: impl FnOnce(&mut Table<'a>) -> Result<Transport, Refusal>,
    ) -> Result<Self, Refusal> {
        let label_line = table.line_of_key("label");
        let named = table.string(
            "label",
            "one of red, orange, yellow, green, gray, blue, purple, black",
            Label::named,
        )?;
        let custom = table.string("color", "a colour as \"#rrggbb\"", Color::parse)?;
        let label = match (named, custom) {
            (Some(label), None) => label,
            (None, Some(color)) => Label::of(color),
            (None, None) => {
                return Err(table.refuse(format!("{who} needs either a label or a color")));
            }
            (Some(_), Some(_)) => {
                let message = format!("{who} has both a label and a color: only one may be given");
                return Err(Refusal { line: label_line, message });
            }
        };

        let transport = transport(table)?;
        let background = table.string("window_background_color", "a colour as \"#rrggbb\"", Color::parse)?;
        let protocol = table.string("protocol", "\"1.8\" or \"1.8+1\"", |text| {
            [Version::BASE, Version::NEWEST].into_iter().find(|version| version.to_string() == text)
        })?;
        let mut domain = Self {
            name,
            label,
            transport,
            protocol: protocol.unwrap_or(Version::NEWEST),
            allow_fullscreen: false,
            allow_pointer_lock: false,
            allow_idle_inhibit: false,
            allow_run: true,
            override_redirect_protection: true,
            window_background_color: background.unwrap_or(Color::WHITE),
        };
        table.boolean("allow_fullscreen", &mut domain.allow_fullscreen)?;
        table.boolean("allow_pointer_lock", &mut domain.allow_pointer_lock)?;
        table.boolean("allow_idle_inhibit", &mut domain.allow_idle_inhibit)?;
        table.boolean("allow_run", &mut domain.allow_run)?;
        table.boolean("override_redirect_protection", &mut domain.override_redirect_protection)?;
        Ok(domain)
    }
}

/// A domain's name must be one in Qubes, and must not pass for the GUI domain.
fn is_domain_name(name: &str) -> bool {
    let reserved = ["dom0", "domain-0"].iter().any(|r| name.eq_ignore_ascii_case(r));
    let characters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-');
    let first = name.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    first && characters && !reserved && name.len() <= MAX_DOMAIN_NAME
}

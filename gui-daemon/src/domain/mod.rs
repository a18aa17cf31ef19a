//! One AppVM each: its link, and the windows it has on the desktop.
//!
//! A domain is who its link says it is: name, label and policy come from the configuration entry the link was made for,
//! never from a message. Whatever a domain sends ends, at worst, its own link: its windows go, one line is logged, and it
//! may connect again after a pause that grows with each violation. Nothing here waits for a domain.

mod events;
mod frames;
mod link;
mod reaper;
mod table;
mod tray;
mod wishes;
mod xen;

use std::{collections::HashMap, path::PathBuf, time::Duration};

use anyhow::Context as _;
use gui_protocol::{DaemonConn, WindowId};
use shm_grant::{Address, Backend, DomId};

use crate::{
    config::{DomainConfig, Transport},
    ipc,
    liveness::Liveness,
    outputs::Screen,
    shell::{self, geom},
    state::State,
};

use link::Link;
pub use reaper::{Reaper, Removal};
pub use table::{DomainId, Domains};
pub use xen::{Xen, XenPlaces};

/// The port that agents serve, in the GUI protocol's every implementation.
const GUI_PORT: u32 = 6000;

/// A configured AppVM.
#[derive(Debug)]
pub struct Domain {
    /// Its key in [`State::domains`].
    pub id: DomainId,
    /// What the configuration says of it.
    pub config: DomainConfig,
    link: Link,
    windows: HashMap<WindowId, shell::Id>,
    /// Whether it was logged that the tray has no room for all of its icons.
    icons_hidden: bool,
    /// How its agent answers.
    pub(crate) liveness: Liveness,
}

impl Domain {
    fn new(id: DomainId, config: DomainConfig) -> Self {
        let (link, liveness) = (Link::default(), Liveness::default());
        Self { id, config, link, windows: HashMap::new(), icons_hidden: false, liveness }
    }

    /// The id that its domain has on Xen, or on the software transport. `None` where no such domain runs.
    pub fn domid(&self) -> Option<DomId> {
        self.link.domid()
    }

    /// How the link stands.
    pub fn link_state(&self) -> ipc::LinkState {
        self.link.state()
    }

    /// The level of the extension that its agent and we speak, 0 for the base protocol.
    pub fn level(&self) -> u16 {
        self.link.level()
    }

    /// How many windows the domain has, mapped or not.
    pub fn window_count(&self) -> usize {
        self.windows.len()
    }
}

impl State {
    /// Starts waiting for the agents of the domains: for those on the software transport at once, in its directory if one
    /// is given, for Xen's as they are found.
    ///
    /// # Errors
    /// When a domain's channel cannot be watched, or there is no Xen: the message says which and why.
    pub fn connect_domains(&mut self, directory: Option<PathBuf>, xen: XenPlaces) -> anyhow::Result<()> {
        for id in self.domains.ids() {
            let Some(config) = self.domain(id).map(|domain| &domain.config) else { continue };
            let (backend, domid) = match config.transport {
                Transport::Socket(domid) => (Backend::Socket, domid),
                Transport::Ring(domid) => (Backend::Ring, domid),
                Transport::Xen(_) => continue,
            };
            let context = format!("domain {}: cannot wait for its agent", config.name);
            let mut address = Address::new(backend, domid, DomId(0), GUI_PORT);
            if let Some(directory) = &directory {
                address = address.in_directory(directory);
            }
            self.attach(id, domid, &address).context(context)?;
        }
        self.find_xen_domains(xen, directory)
    }

    /// Gives commands to a domain's connection, if it has one. What they send goes out with the next flush.
    pub fn with_link(&mut self, domain: DomainId, command: impl FnOnce(&mut DaemonConn)) {
        self.will_flush(domain);
        let domain = self.domains.get_mut(domain);
        if let Some(connection) = domain.and_then(|domain| domain.link.connection_mut()) {
            command(connection);
        }
    }

    /// Whether the domain's agent speaks more than the base protocol.
    pub fn is_extended(&self, domain: DomainId) -> bool {
        self.domain(domain).is_some_and(|domain| domain.level() > 0)
    }

    /// Tells a domain the outputs, if its agent can be told.
    fn tell_screens(&mut self, domain: DomainId) {
        let screens: Vec<_> = self.outputs.iter().map(|screen| self.wire_screen(screen)).collect();
        self.with_link(domain, |link| link.outputs(&screens));
    }

    /// Tells all domains the outputs.
    pub(crate) fn tell_all_screens(&mut self) {
        for domain in self.domains.ids() {
            self.tell_screens(domain);
        }
    }

    fn wire_screen(&self, screen: &Screen) -> gui_protocol::Output {
        let (config, area) = (screen.config(), wire_rect(screen.area()));
        gui_protocol::Output {
            id: screen.id().0,
            x: area.x,
            y: area.y,
            width: area.width,
            height: area.height,
            mode_width: config.width,
            mode_height: config.height,
            refresh_mhz: self.backend.refresh_mhz(config).unsigned_abs(),
            // The configuration's scales are those of the wire.
            scale: gui_protocol::Scale::new(config.scale.in_120ths()).unwrap_or_default(),
        }
    }

    /// A window leaves the desktop: what it held of the input is free.
    pub(crate) fn window_leaves(&mut self, id: shell::Id) {
        self.popup_left(id);
        self.fingers_left(id);
        self.window_loses_tool(id);
    }

    /// Takes a domain's windows off the desktop.
    fn remove_domain_windows(&mut self, id: DomainId) {
        let Some(domain) = self.domains.get_mut(id) else { return };
        let owner = id.owner();
        for window in std::mem::take(&mut domain.windows).into_values() {
            self.window_leaves(window);
            self.windows.remove(window);
        }
        self.shell.remove_owner(owner);
        self.apply_effects();
        self.refresh_pointer();
        self.names_changed();
    }
}

/// A rectangle of the desktop as it goes on the wire.
fn wire_rect(rect: geom::Rect) -> gui_protocol::Rect {
    let side = |length: i32| u32::try_from(length).unwrap_or(0);
    gui_protocol::Rect { x: rect.x, y: rect.y, width: side(rect.width), height: side(rect.height) }
}

/// A rectangle off the wire as one of the desktop; sides beyond `i32` are cut, which no valid message has.
pub(crate) fn desktop_rect(rect: gui_protocol::Rect) -> geom::Rect {
    let side = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
    geom::Rect::new(rect.x, rect.y, side(rect.width), side(rect.height))
}

/// How long to wait before connecting to a domain that broke the rules `failures` times in a row.
fn back_off(failures: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(250);
    const LONGEST: Duration = Duration::from_secs(30);
    let doublings = failures.saturating_sub(1).min(10);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_doubles_up_to_half_a_minute() {
        let millis = |failures| back_off(failures).as_millis();
        assert_eq!([1, 2, 3, 4].map(millis), [250, 500, 1000, 2000]);
        assert_eq!([8, 9, u32::MAX].map(millis), [30_000, 30_000, 30_000]);
    }
}

//! Windows that domains dock: icons of the tray, whose places are the shell's ([`crate::shell::tray`]).

use std::time::Duration;

use gui_protocol::WindowId;
use smithay::reexports::calloop::timer::{TimeoutAction, Timer};
use tracing::{error, warn};

use super::DomainId;
use crate::{
    render::{Banner, Style},
    shell::{
        Role,
        geom::{Rect, Size},
    },
    state::State,
};

/// How long after the tray's last icon has gone its room is given back, if there is none then: as long as an agent needs to
/// come back, and so long that a domain which docks and undocks does not have the others' windows resized all the time.
pub const ROOM_KEPT: Duration = Duration::from_secs(5);

/// Width of what is told of the icon under the pointer, in logical pixels: room for a domain's name and some words.
const LABEL_WIDTH: i32 = 300;

/// From there to the icon.
const LABEL_GAP: i32 = 4;

impl State {
    pub(super) fn guest_docked(&mut self, id: DomainId, window: WindowId) {
        let Some(shell_id) = self.guest_id(id, window) else { return };
        self.shell.dock(shell_id);
        self.apply_effects();
        // Qubes' agents show an icon when they hear that the tray does. One without a cell may get one any time.
        self.with_link(id, |link| link.map(window));
        let has_cell = self.shell.window(shell_id).is_some_and(|icon| icon.mapped);
        if let Some(domain) = self.domains.get_mut(id).filter(|domain| !has_cell && !domain.icons_hidden) {
            domain.icons_hidden = true;
            warn!(domain = %domain.config.name, "more icons than the tray has room for: the last are not shown");
        }
        self.refresh_pointer();
        self.names_changed();
    }

    /// Whose the icon under the pointer is, and in quotation marks what its owner calls it. Not while it has the keyboard: then
    /// its menu is to be seen.
    pub(crate) fn icon_banner(&self) -> Option<Banner> {
        let icon = self.shell.window(self.pointer.icon?)?;
        if !icon.mapped || icon.role != Role::Icon || icon.focused {
            return None;
        }
        let config = &self.domains.owner(icon.owner)?.config;
        let title = self.windows.get(icon.id)?.title();
        let lines: Vec<_> = (!title.is_empty()).then(|| format!("“{title}”")).into_iter().collect();
        let output = self.shell.outputs().first()?;
        let size = Size::new(LABEL_WIDTH.min(output.width), Banner::height(lines.len(), 0));
        let (left, bottom) = (icon.frame.right() - size.width, icon.frame.y - LABEL_GAP);
        let place = Rect::new(left.max(output.x), bottom - size.height, size.width, size.height);
        let parties = vec![(config.name.clone(), Style::Domain(config.label))];
        Some(Banner { place, parties, lines, buttons: Vec::new() })
    }

    /// Gives the room of a tray without icons back, after a while.
    pub(crate) fn watch_tray(&mut self) {
        if self.tray_is_watched || !self.shell.tray_is_idle() {
            return;
        }
        let fired = |_, _: &mut (), state: &mut State| {
            state.tray_is_watched = false;
            state.shell.end_tray();
            state.apply_effects();
            TimeoutAction::Drop
        };
        match self.loop_handle.insert_source(Timer::from_duration(ROOM_KEPT), fired) {
            Ok(_) => self.tray_is_watched = true,
            Err(err) => error!(%err, "no timer for the room of the tray"),
        }
    }
}

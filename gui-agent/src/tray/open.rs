//! The menu that is open: a popup on its icon, and one on that for each menu below it.
//!
//! The agent, and the GUI domain behind it, give them their place and the input while they are open, and end them when the user
//! turns elsewhere.

use std::time::Duration;

use tracing::warn;
use wayland_client::{Connection, Dispatch, QueueHandle, protocol::wl_surface::WlSurface};
use wayland_protocols::xdg::shell::client::{
    xdg_popup::{self, XdgPopup},
    xdg_positioner::{Anchor, ConstraintAdjustment, Gravity, XdgPositioner},
    xdg_surface::{self, XdgSurface},
};

use super::{
    LEFT, RIGHT, Tray,
    host::ItemId,
    keys::{self, Key},
    menu::{self, Entry, Item},
    panel::{Art, Rows},
    shell::{Canvas, Shell},
};

/// How long after a click its menu may come. Nobody expects it later.
const PATIENCE: Duration = Duration::from_secs(5);

/// An item's menu.
pub(super) struct Menu {
    pub(super) item: ItemId,
    entries: Vec<Entry>,
    /// Each on the one before it.
    panels: Vec<Panel>,
}

/// One popup. It is never the last one's parent that goes first, as the protocol wants it.
struct Panel {
    /// What it shows is below this entry.
    entry: i32,
    rows: Rows,
    /// The row that is under the pointer, or chosen by keys, or whose menu is open.
    chosen: Option<usize>,
    scrolled: i32,
    popup: XdgPopup,
    xdg: XdgSurface,
    canvas: Canvas,
    configured: bool,
}

impl Drop for Panel {
    fn drop(&mut self) {
        self.popup.destroy();
        self.xdg.destroy();
    }
}

/// Where a popup goes.
struct Place {
    /// Beside this, which is x, y, width and height on its parent.
    anchor: (i32, i32, i32, i32),
    below: bool,
}

impl Place {
    /// For an icon, whose menu does not cover it.
    fn beside_icon((width, height): (i32, i32)) -> Self {
        Self { anchor: (0, 0, width, height), below: true }
    }

    fn beside_row(parent: &Panel, row: usize) -> Self {
        let (y, height) = parent.rows.place(row, parent.scrolled);
        Self { anchor: (0, y, parent.canvas.size.0, height), below: false }
    }

    fn positioner(&self, shell: &Shell, size: (i32, i32)) -> XdgPositioner {
        use ConstraintAdjustment as Adjust;
        let positioner = shell.windows.create_positioner(&shell.queue, ());
        let (x, y, width, height) = self.anchor;
        positioner.set_size(size.0, size.1);
        positioner.set_anchor_rect(x, y, width, height);
        let (anchor, adjustment) = match self.below {
            true => (Anchor::BottomLeft, Adjust::FlipY | Adjust::SlideX),
            false => (Anchor::TopRight, Adjust::FlipX | Adjust::SlideX),
        };
        positioner.set_anchor(anchor);
        positioner.set_gravity(Gravity::BottomRight);
        positioner.set_constraint_adjustment(adjustment | Adjust::SlideY | Adjust::ResizeY);
        positioner
    }
}

impl Menu {
    fn panel_of(&self, surface: &WlSurface) -> Option<usize> {
        self.panels.iter().position(|panel| panel.canvas.surface == *surface)
    }

    /// Closes a panel and those on it.
    fn close_from(&mut self, depth: usize) {
        while self.panels.len() > depth {
            self.panels.pop();
        }
    }

    fn draw(&mut self, depth: usize, shell: &Shell, art: &mut Art) {
        let Some(panel) = self.panels.get_mut(depth).filter(|panel| panel.configured) else { return };
        let entries = menu::find(&self.entries, panel.entry).unwrap_or_default();
        let (view, canvas) = ((panel.chosen, panel.scrolled), &panel.canvas);
        let picture = panel.rows.draw(entries, view, canvas.pixels(), canvas.scale(), art);
        if let Some(Err(error)) = picture.map(|picture| canvas.show(shell, &picture)) {
            warn!("a menu cannot be drawn: {error}");
        }
    }

    /// What a panel's row is for.
    fn item(&self, depth: usize, row: usize) -> Option<&Item> {
        match self.entries_of(self.panels.get(depth)?).get(row)? {
            Entry::Item(item) => Some(item),
            Entry::Separator => None,
        }
    }

    fn entries_of(&self, panel: &Panel) -> &[Entry] {
        menu::find(&self.entries, panel.entry).unwrap_or_default()
    }

    /// A panel's row that an entry is in now.
    fn row_of(&self, panel: &Panel, id: i32) -> Option<usize> {
        let is_it = |entry: &Entry| matches!(entry, Entry::Item(item) if item.id == id);
        self.entries_of(panel).iter().position(is_it)
    }

    /// The row whose menu is open on a panel.
    fn opened_row(&self, depth: usize) -> Option<usize> {
        let above = self.panels.get(depth.checked_add(1)?)?;
        self.row_of(self.panels.get(depth)?, above.entry)
    }

    /// Has a row stand out, and be seen.
    fn highlight(&mut self, depth: usize, row: usize, shell: &Shell, art: &mut Art) {
        let Some(panel) = self.panels.get_mut(depth) else { return };
        panel.chosen = Some(row);
        panel.scrolled = panel.rows.scrolled_to(row, panel.scrolled, panel.canvas.size.1);
        self.draw(depth, shell, art);
    }
}

impl Tray {
    /// Asks an item for its menu, to be shown when it comes.
    pub(super) fn want_menu(&mut self, id: ItemId) {
        if self.was_clicked(id) {
            self.host.open_menu(id, menu::ROOT);
        }
    }

    fn was_clicked(&self, id: ItemId) -> bool {
        let clicked = self.click.as_ref().filter(|click| click.item == id);
        clicked.is_some_and(|click| click.at.elapsed() < PATIENCE)
    }

    /// An item has said what its menu is.
    pub(super) fn menu_told(&mut self, id: ItemId, entries: Vec<Entry>) {
        if let Some(menu) = &self.menu {
            if menu.item == id {
                self.update_panels(entries);
            }
        } else if self.was_clicked(id) && !entries.is_empty() {
            let Some(click) = self.click.take() else { return };
            self.menu = Some(Menu { item: id, entries, panels: Vec::new() });
            self.open_panel(menu::ROOT, None, click.serial);
        }
    }

    pub(super) fn menu_changed(&mut self, id: ItemId) {
        if self.menu.as_ref().is_some_and(|menu| menu.item == id) {
            self.host.ask_menu(id);
        }
    }

    pub(super) fn close_menu(&mut self) {
        if let Some(mut menu) = self.menu.take() {
            menu.close_from(0);
            self.host.tell_menu(menu.item, menu::ROOT, "closed");
        }
    }

    /// Opens what is below an entry, on the icon or beside a row of the last panel.
    fn open_panel(&mut self, entry: i32, row: Option<usize>, serial: u32) {
        let Self { shell, menu: Some(menu), icons, art, .. } = self else { return };
        let Some(icon) = icons.get(&menu.item) else { return };
        let entries = menu::find(&menu.entries, entry).unwrap_or_default();
        let rows = Rows::new(entries, &mut art.text);
        let parent = menu.panels.last();
        let place = match (parent, row) {
            (Some(parent), Some(row)) => Place::beside_row(parent, row),
            _ => Place::beside_icon(icon.canvas.size),
        };
        let canvas = Canvas::new(shell, rows.size);
        let xdg = shell.windows.get_xdg_surface(&canvas.surface, &shell.queue, canvas.surface.clone());
        let positioner = place.positioner(shell, rows.size);
        let on = parent.map(|parent| &parent.xdg);
        let popup = xdg.get_popup(on, &positioner, &shell.queue, canvas.surface.clone());
        positioner.destroy();
        if parent.is_none() {
            icon.layer.get_popup(&popup);
        }
        popup.grab(&shell.seat, serial);
        canvas.surface.commit();
        let (chosen, scrolled, configured) = (None, 0, false);
        menu.panels.push(Panel { entry, rows, chosen, scrolled, popup, xdg, canvas, configured });
    }

    /// Shows others than the entries so far, in panels of another size where it takes that.
    fn update_panels(&mut self, entries: Vec<Entry>) {
        let Self { shell, menu: Some(menu), icons, art, .. } = self else { return };
        let Some(icon) = icons.get(&menu.item) else { return };
        let ids = |(depth, panel): (usize, &Panel)| Some(menu.item(depth, panel.chosen?)?.id);
        let mut chosen: Vec<_> = menu.panels.iter().enumerate().map(ids).collect();
        menu.entries = entries;
        let known = |panel: &Panel| menu::find(&menu.entries, panel.entry).is_some();
        let depth = menu.panels.iter().position(|panel| !known(panel));
        menu.close_from(depth.unwrap_or(usize::MAX));
        chosen.truncate(menu.panels.len());
        for (depth, chosen) in chosen.into_iter().enumerate() {
            let Some(panel) = menu.panels.get(depth) else { continue };
            let rows = Rows::new(menu.entries_of(panel), &mut art.text);
            if rows.size != panel.rows.size {
                let parent = depth.checked_sub(1).and_then(|below| menu.panels.get(below));
                let place = match parent.and_then(|it| Some((it, menu.row_of(it, panel.entry)?))) {
                    Some((parent, row)) => Place::beside_row(parent, row),
                    None => Place::beside_icon(icon.canvas.size),
                };
                let positioner = place.positioner(shell, rows.size);
                panel.popup.reposition(&positioner, 0);
                positioner.destroy();
            }
            let chosen = chosen.and_then(|id| menu.row_of(panel, id));
            let Some(panel) = menu.panels.get_mut(depth) else { continue };
            panel.scrolled = panel.scrolled.min(rows.most_scrolled(panel.canvas.size.1));
            (panel.rows, panel.chosen) = (rows, chosen);
            menu.draw(depth, shell, art);
        }
        if self.over_panel().is_some() {
            self.point_at_menu();
        }
    }

    /// The panel that the pointer is over, and at which height.
    pub(super) fn over_panel(&self) -> Option<(usize, f64)> {
        let (surface, _, y) = self.over.as_ref()?;
        Some((self.menu.as_ref()?.panel_of(surface)?, *y))
    }

    /// The pointer has moved.
    pub(super) fn point_at_menu(&mut self) {
        let under = self.over_panel();
        let Self { shell, menu: Some(menu), art, .. } = self else { return };
        for depth in 0..menu.panels.len() {
            let y = under.filter(|(under, _)| *under == depth).map(|(_, y)| y);
            let opened = menu.opened_row(depth);
            let Some(panel) = menu.panels.get_mut(depth) else { continue };
            let chosen = y.map_or(opened, |y| panel.rows.at(y, panel.scrolled));
            if std::mem::replace(&mut panel.chosen, chosen) != chosen {
                menu.draw(depth, shell, art);
            }
        }
    }

    /// A button was pressed, and not on an icon.
    pub(super) fn pressed_on_menu(&mut self, button: u32, serial: u32) {
        let Some((depth, y)) = self.over_panel().filter(|_| [LEFT, RIGHT].contains(&button)) else { return };
        let panel = self.menu.as_ref().and_then(|menu| menu.panels.get(depth));
        if let Some(row) = panel.and_then(|panel| panel.rows.at(y, panel.scrolled)) {
            self.choose(depth, row, serial);
        }
    }

    /// A key was pressed. It is for the panel that was opened last.
    pub(super) fn typed(&mut self, key: Key, serial: u32) {
        let Self { shell, menu: Some(menu), art, .. } = self else { return };
        let Some(depth) = menu.panels.len().checked_sub(1) else { return };
        let Some(panel) = menu.panels.get(depth) else { return };
        let chosen = panel.chosen;
        let opens = chosen.and_then(|row| menu.item(depth, row)).is_some_and(|item| item.below.is_some());
        match (key, chosen) {
            (Key::Close, _) if depth == 0 => self.close_menu(),
            (Key::Close | Key::Out, _) if depth > 0 => menu.close_from(depth),
            (Key::Choose | Key::Into, Some(row)) if opens => {
                self.choose(depth, row, serial);
                self.typed(Key::First, serial);
            }
            (Key::Choose, Some(row)) => self.choose(depth, row, serial),
            (Key::Choose | Key::Into | Key::Out | Key::Close, _) => {}
            _ => {
                if let Some(row) = keys::row_for(key, menu.entries_of(panel), chosen) {
                    menu.highlight(depth, row, shell, art);
                }
            }
        }
    }

    /// The user wants what a row is for.
    fn choose(&mut self, depth: usize, row: usize, serial: u32) {
        let Some(menu) = &mut self.menu else { return };
        let Some(item) = menu.item(depth, row).filter(|item| item.enabled) else { return };
        let (of, id, opens) = (menu.item, item.id, item.below.is_some());
        let above = depth.saturating_add(1);
        if !opens {
            self.host.tell_menu(of, id, "clicked");
            self.close_menu();
        } else if menu.panels.get(above).is_none_or(|panel| panel.entry != id) {
            menu.close_from(above);
            self.open_panel(id, Some(row), serial);
            self.host.open_menu(of, id);
        }
    }

    /// A wheel was turned over a menu.
    pub(super) fn scroll_menu(&mut self, by: f64) {
        let Self { shell, menu: Some(menu), over: Some((surface, _, y)), art, .. } = self else { return };
        let Some(depth) = menu.panel_of(surface) else { return };
        let Some(panel) = menu.panels.get_mut(depth) else { return };
        let most = panel.rows.most_scrolled(panel.canvas.size.1);
        panel.scrolled = panel.scrolled.saturating_add(by.round() as i32).clamp(0, most);
        panel.chosen = panel.rows.at(*y, panel.scrolled);
        menu.draw(depth, shell, art);
    }

    pub(super) fn rescale_panel(&mut self, surface: &WlSurface, scale: u32) {
        let Self { shell, menu: Some(menu), art, .. } = self else { return };
        let Some(depth) = menu.panel_of(surface) else { return };
        if menu.panels.get_mut(depth).is_some_and(|panel| panel.canvas.rescale(scale)) {
            menu.draw(depth, shell, art);
        }
    }
}

impl Dispatch<XdgSurface, WlSurface> for Tray {
    fn event(
        tray: &mut Self,
        xdg: &XdgSurface,
        event: xdg_surface::Event,
        surface: &WlSurface,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let xdg_surface::Event::Configure { serial } = event else { return };
        xdg.ack_configure(serial);
        let Self { shell, menu: Some(menu), art, .. } = tray else { return };
        let Some(depth) = menu.panel_of(surface) else { return };
        if let Some(panel) = menu.panels.get_mut(depth) {
            panel.configured = true;
            menu.draw(depth, shell, art);
        }
    }
}

impl Dispatch<XdgPopup, WlSurface> for Tray {
    fn event(
        tray: &mut Self,
        _: &XdgPopup,
        event: xdg_popup::Event,
        surface: &WlSurface,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        let Some(menu) = &mut tray.menu else { return };
        let Some(depth) = menu.panel_of(surface) else { return };
        match event {
            xdg_popup::Event::Configure { width, height, .. } => {
                if let Some(panel) = menu.panels.get_mut(depth) {
                    panel.canvas.size = (width.max(1), height.max(1));
                    panel.scrolled = panel.scrolled.min(panel.rows.most_scrolled(panel.canvas.size.1));
                }
            }
            xdg_popup::Event::PopupDone if depth == 0 => tray.close_menu(),
            xdg_popup::Event::PopupDone => menu.close_from(depth),
            _ => {}
        }
    }
}

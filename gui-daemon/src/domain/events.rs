//! What a domain's connection tells, carried out on the shell and the window table.

use gui_protocol::{Cursor, DaemonEvent, Rect, SizeHints, WindowFlags, WindowId};
use tracing::info;

use super::{Domain, DomainId, desktop_rect, link::EndReason, wire_rect};
use crate::{
    focus::GuestTarget,
    render::{CursorIcon, CursorLook, icon_of_x_font},
    shell::{self, NewWindow, Role, SizeLimits, geom},
    state::State,
    windows::{GuestWindow, Source, Window, alive},
};

impl State {
    /// Carries out what the domain's connection has to tell.
    pub(super) fn handle_events(&mut self, id: DomainId) -> Result<(), EndReason> {
        loop {
            let conn = self.domains.get_mut(id).and_then(|domain| domain.link.connection_mut());
            let Some(event) = conn.and_then(|conn| conn.poll_event()) else { break };
            self.handle_event(id, event)?;
            self.apply_effects();
        }
        Ok(())
    }

    fn handle_event(&mut self, id: DomainId, event: DaemonEvent) -> Result<(), EndReason> {
        match event {
            DaemonEvent::Connected { version } => {
                if let Some(domain) = self.domain(id) {
                    info!(domain = %domain.config.name, %version, "agent connected");
                }
                self.tell_screens(id);
                self.tell_keymap(id);
            }
            DaemonEvent::Created { window, geometry, override_redirect } => {
                self.guest_created(id, window, geometry, override_redirect);
            }
            DaemonEvent::Destroyed { window } => self.guest_destroyed(id, window),
            DaemonEvent::Mapped { window, transient_for, override_redirect } => {
                self.guest_mapped(id, window, transient_for, override_redirect);
            }
            DaemonEvent::Unmapped { window } => self.guest_unmapped(id, window),
            DaemonEvent::ConfigureRequested { window, geometry } => {
                if let Some(shell_id) = self.guest_id(id, window) {
                    self.shell.request_geometry(shell_id, desktop_rect(geometry));
                    self.apply_effects();
                    self.confirm_geometry(id, window, shell_id);
                }
            }
            DaemonEvent::ConfigureAcked { .. } => {}
            DaemonEvent::Buffer { window, width, height, refs } => {
                self.guest_buffer(id, window, (width, height), &refs)?;
            }
            DaemonEvent::Damaged { window, rect } => {
                if let Some(image) = self.guest_mut(id, window).and_then(|guest| guest.pool.image_mut()) {
                    image.damage(desktop_rect(rect));
                    if let Some(shell_id) = self.guest_id(id, window) {
                        self.queue_content_of(shell_id);
                    }
                }
            }
            DaemonEvent::Title { window, title } => {
                self.guest_named(id, window, |named| named.set_title(&title))
            }
            DaemonEvent::Class { window, class, .. } => {
                self.guest_named(id, window, |named| named.set_class(&class));
            }
            DaemonEvent::Hints { window, hints } => {
                if let Some(shell_id) = self.guest_id(id, window) {
                    self.shell.set_limits(shell_id, size_limits(&hints));
                    self.shell.set_placed(shell_id, hints.user_position || hints.program_position);
                }
            }
            DaemonEvent::FlagsRequested { window, set, unset } => self.guest_flags(id, window, set, unset),
            DaemonEvent::Cursor { window, cursor } => {
                if let Some(guest) = self.guest_mut(id, window) {
                    guest.cursor = CursorLook::Shape(match cursor {
                        Cursor::Default => CursorIcon::Default,
                        Cursor::XFont(glyph) => icon_of_x_font(glyph.into()),
                    });
                    self.queue_cursor_redraw();
                }
            }
            DaemonEvent::Docked { window } => self.guest_docked(id, window),
            DaemonEvent::Clipboard { data } => self.clipboard_came(id, Some(data)),
            DaemonEvent::ClipboardTooLarge => self.clipboard_came(id, None),
            DaemonEvent::BufferAdded { window, buffer, width, height, format, refs } => {
                self.guest_buffer_added(id, window, buffer, (width, height), format, &refs)?;
            }
            DaemonEvent::BufferRemoved { window, buffer } => self.guest_buffer_removed(id, window, buffer),
            DaemonEvent::Committed { window, commit } => self.guest_committed(id, window, commit),
            DaemonEvent::AppId { window, app_id } => {
                self.guest_named(id, window, |named| named.set_class(&app_id));
            }
            DaemonEvent::Parent { window, parent } => self.guest_parent(id, window, parent),
            DaemonEvent::Wished { window, wish } => self.guest_wished(id, window, wish),
            DaemonEvent::Popup { window, parent, token, positioner } => {
                self.guest_popup(id, window, parent, token, &positioner);
            }
            DaemonEvent::CursorChanged { window, cursor } => self.guest_cursor(id, window, cursor),
            DaemonEvent::Icon { window, icon } => self.guest_icon(id, window, &icon),
            DaemonEvent::ConstrainPointer { window, kind, region } => {
                self.guest_constraint(id, window, kind, region);
            }
            DaemonEvent::PointerNeeds { window, needs } => self.guest_pointer_needs(id, window, needs),
            DaemonEvent::RunResult { token, result } => self.run_result(id, token, result),
            DaemonEvent::Sync { token } => self.with_link(id, |link| link.sync_done(token)),
            DaemonEvent::SyncDone { .. } => self.agent_answered(id),
            DaemonEvent::FilesOffered { token, files } => self.files_offered(id, token, files),
            DaemonEvent::FilesData { token, data } => self.files_data(id, token, data),
            DaemonEvent::FilesEnded { token, end } => self.files_ended(id, token, end),
            DaemonEvent::FilesCredit { token, bytes } => self.files_credit(id, token, bytes),
            DaemonEvent::FilesResult { token, end } => self.files_result(id, token, end),
        }
        Ok(())
    }

    /// Answers a wish with what became of it; says nothing where it was granted as it is.
    fn confirm_geometry(&mut self, id: DomainId, window: WindowId, shell_id: shell::Id) {
        if let Some((content, _)) = self.shell.window(shell_id).map(shell::Window::told) {
            self.with_link(id, |link| link.configure(window, wire_rect(content)));
        }
    }

    pub(super) fn guest_id(&self, id: DomainId, window: WindowId) -> Option<shell::Id> {
        self.domain(id)?.windows.get(&window).copied()
    }

    fn guest_created(&mut self, id: DomainId, window: WindowId, geometry: Rect, override_redirect: bool) {
        let Some(domain) = self.domain(id) else { return };
        let role = if override_redirect { Role::Popup { parent: None } } else { Role::Toplevel };
        let new =
            NewWindow { owner: id.owner(), role, content: desktop_rect(geometry), placed: override_redirect };
        let allow_fullscreen = domain.config.allow_fullscreen;
        let shell_id = self.shell.add(new);
        self.shell.set_allow_fullscreen(shell_id, allow_fullscreen);
        let target = GuestTarget { domain: id, window, id: shell_id, alive: alive() };
        let guest = GuestWindow::new(target, self.reaper.clone());
        self.insert_window(Window::new(shell_id, Source::Guest(Box::new(guest))));
        if let Some(domain) = self.domains.get_mut(id) {
            domain.windows.insert(window, shell_id);
        }
    }

    fn guest_destroyed(&mut self, id: DomainId, window: WindowId) {
        let domain = self.domains.get_mut(id);
        let Some(shell_id) = domain.and_then(|domain| domain.windows.remove(&window)) else { return };
        self.window_leaves(shell_id);
        // First the shell, so that focus and pointer leave while the window still is a target.
        self.shell.remove(shell_id);
        self.apply_effects();
        self.windows.remove(shell_id);
        self.refresh_pointer();
        self.names_changed();
    }

    fn guest_mapped(
        &mut self,
        id: DomainId,
        window: WindowId,
        transient_for: Option<WindowId>,
        override_redirect: bool,
    ) {
        let Some(shell_id) = self.guest_id(id, window) else { return };
        // At level 1 PARENT and POPUP say what it belongs to.
        let extended = self.is_extended(id);
        let parent = match self.shell.window(shell_id) {
            Some(window) if extended => window.placed_on(),
            _ => transient_for.and_then(|parent| self.guest_id(id, parent)),
        };
        let protected = self.domain(id).is_some_and(|domain| domain.config.override_redirect_protection);
        let role = if override_redirect { Role::Popup { parent } } else { Role::Toplevel };
        self.shell.set_popup_protection(shell_id, protected);
        self.shell.set_role(shell_id, role);
        if !override_redirect && !extended {
            self.shell.set_transient(shell_id, parent);
        }
        self.shell.map(shell_id);
        self.apply_effects();
        self.guest_shown(shell_id);
        self.refresh_pointer();
        self.names_changed();
    }

    fn guest_unmapped(&mut self, id: DomainId, window: WindowId) {
        let Some(shell_id) = self.guest_id(id, window) else { return };
        self.window_leaves(shell_id);
        self.shell.unmap(shell_id);
        self.apply_effects();
        self.shell.set_patient(shell_id, false);
        self.drop_guest_content(id, window);
        self.refresh_pointer();
        self.names_changed();
    }

    pub(super) fn guest_named(&mut self, id: DomainId, window: WindowId, name: impl FnOnce(&mut Window)) {
        let Some(shell_id) = self.guest_id(id, window) else { return };
        if let Some(named) = self.windows.get_mut(shell_id) {
            name(named);
            self.name_changed(shell_id);
        }
    }

    pub(super) fn queue_redraw_of_guest(&mut self, id: DomainId, window: WindowId) {
        if let Some(shell_id) = self.guest_id(id, window) {
            self.queue_redraw_of(shell_id);
        }
    }

    fn guest_flags(&mut self, id: DomainId, window: WindowId, set: WindowFlags, unset: WindowFlags) {
        let Some(shell_id) = self.guest_id(id, window) else { return };
        for (flags, on) in [(set, true), (unset, false)] {
            if flags.contains(WindowFlags::FULLSCREEN) {
                if let Some(guest) = self.windows.guest_mut(shell_id) {
                    guest.wants_fullscreen = on;
                }
                self.shell.request_fullscreen(shell_id, on);
            }
            if flags.contains(WindowFlags::DEMANDS_ATTENTION) {
                self.set_attention(shell_id, on);
            }
            if flags.contains(WindowFlags::MINIMIZE) {
                self.shell.request_minimise(shell_id, on);
            }
        }
    }
}

fn size_limits(hints: &SizeHints) -> SizeLimits {
    let size = |pair: Option<(u32, u32)>| {
        let (width, height) = pair?;
        Some(geom::Size::new(i32::try_from(width).ok()?, i32::try_from(height).ok()?))
    };
    SizeLimits {
        min: size(hints.min),
        max: size(hints.max),
        increment: size(hints.increment),
        base: size(hints.base),
    }
}

impl Domain {
    /// The domain's windows as the shell knows them.
    pub fn window_ids(&self) -> impl Iterator<Item = shell::Id> + '_ {
        self.windows.values().copied()
    }
}

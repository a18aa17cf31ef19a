//! Protocols that most applications use seldom: colours for buffers, opacity, dialogs, foreign parents, idleness.

use wayland_client::{
    Connection, Dispatch, QueueHandle, delegate_noop,
    protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface},
};
use wayland_protocols::{
    ext::idle_notify::v1::client::{
        ext_idle_notification_v1::{self, ExtIdleNotificationV1},
        ext_idle_notifier_v1::ExtIdleNotifierV1,
    },
    wp::{
        alpha_modifier::v1::client::{
            wp_alpha_modifier_surface_v1::WpAlphaModifierSurfaceV1, wp_alpha_modifier_v1::WpAlphaModifierV1,
        },
        content_type::v1::client::{
            wp_content_type_manager_v1::WpContentTypeManagerV1, wp_content_type_v1::WpContentTypeV1,
        },
        idle_inhibit::zv1::client::{
            zwp_idle_inhibit_manager_v1::ZwpIdleInhibitManagerV1, zwp_idle_inhibitor_v1::ZwpIdleInhibitorV1,
        },
        single_pixel_buffer::v1::client::wp_single_pixel_buffer_manager_v1::WpSinglePixelBufferManagerV1,
    },
    xdg::{
        dialog::v1::client::{xdg_dialog_v1::XdgDialogV1, xdg_wm_dialog_v1::XdgWmDialogV1},
        foreign::zv2::client::{
            zxdg_exported_v2::{self, ZxdgExportedV2},
            zxdg_exporter_v2::ZxdgExporterV2,
            zxdg_imported_v2::{self, ZxdgImportedV2},
            zxdg_importer_v2::ZxdgImporterV2,
        },
        shell::client::xdg_toplevel::XdgToplevel,
    },
};

use super::{Client, Inbox};

impl Client {
    /// A buffer of one pixel: red, green, blue and opacity, multiplied by it.
    pub fn pixel(&mut self, [red, green, blue, alpha]: [u32; 4]) -> WlBuffer {
        let manager: WpSinglePixelBufferManagerV1 = self.bind(1);
        manager.create_u32_rgba_buffer(red, green, blue, alpha, &self.handle, ())
    }

    /// What a surface's opacity is set by.
    pub fn opacity(&mut self, surface: &WlSurface) -> WpAlphaModifierSurfaceV1 {
        let manager: WpAlphaModifierV1 = self.bind(1);
        manager.get_surface(surface, &self.handle, ())
    }

    /// What a surface's kind of content is told by.
    pub fn content_type(&mut self, surface: &WlSurface) -> WpContentTypeV1 {
        let manager: WpContentTypeManagerV1 = self.bind(1);
        manager.get_surface_content_type(surface, &self.handle, ())
    }

    /// Wants the screens to stay on.
    pub fn keep_awake(&mut self, surface: &WlSurface) -> ZwpIdleInhibitorV1 {
        let manager: ZwpIdleInhibitManagerV1 = self.bind(1);
        manager.create_inhibitor(surface, &self.handle, ())
    }

    /// Wants to hear when there was no input for this long. It comes to the inbox.
    pub fn watch_for_absence(&mut self, milliseconds: u32) -> ExtIdleNotificationV1 {
        self.basics();
        let notifier: ExtIdleNotifierV1 = self.bind(1);
        let seat = self.seat.as_ref().unwrap();
        notifier.get_idle_notification(milliseconds, seat, &self.handle, ())
    }

    /// A toplevel's dialog object.
    pub fn dialog(&mut self, toplevel: &XdgToplevel) -> XdgDialogV1 {
        let manager: XdgWmDialogV1 = self.bind(1);
        manager.get_xdg_dialog(toplevel, &self.handle, ())
    }

    /// Lets others make their windows children of this one, by a name that comes to the inbox.
    pub fn export(&mut self, surface: &WlSurface) -> ZxdgExportedV2 {
        let exporter: ZxdgExporterV2 = self.bind(1);
        exporter.export_toplevel(surface, &self.handle, ())
    }

    /// Another program's window, by the name it has told.
    pub fn import(&mut self, name: &str) -> ZxdgImportedV2 {
        let importer: ZxdgImporterV2 = self.bind(1);
        importer.import_toplevel(name.into(), &self.handle, ())
    }
}

take_in!(ZxdgExportedV2, zxdg_exported_v2::Event, |inbox, _exported, event| {
    if let zxdg_exported_v2::Event::Handle { handle } = event {
        inbox.exported.push(handle);
    }
});
take_in!(ZxdgImportedV2, zxdg_imported_v2::Event, |inbox, _imported, event| {
    if let zxdg_imported_v2::Event::Destroyed = event {
        inbox.imports_ended += 1;
    }
});
take_in!(ExtIdleNotificationV1, ext_idle_notification_v1::Event, |inbox, _notification, event| {
    let away = matches!(event, ext_idle_notification_v1::Event::Idled);
    inbox.away = Some(away);
    inbox.returns += usize::from(!away);
});

delegate_noop!(Inbox: WpSinglePixelBufferManagerV1);
delegate_noop!(Inbox: WpAlphaModifierV1);
delegate_noop!(Inbox: WpAlphaModifierSurfaceV1);
delegate_noop!(Inbox: WpContentTypeManagerV1);
delegate_noop!(Inbox: WpContentTypeV1);
delegate_noop!(Inbox: ZwpIdleInhibitManagerV1);
delegate_noop!(Inbox: ZwpIdleInhibitorV1);
delegate_noop!(Inbox: ExtIdleNotifierV1);
delegate_noop!(Inbox: XdgWmDialogV1);
delegate_noop!(Inbox: XdgDialogV1);
delegate_noop!(Inbox: ZxdgExporterV2);
delegate_noop!(Inbox: ZxdgImporterV2);

//! Windows as parents of other programs' windows, `xdg_foreign` version 2: a file chooser or portal is the dialog of the
//! window that asked for it.
//!
//! A handle is a name without meaning that cannot be guessed, and good for as long as the export is there. Smithay's own
//! handling of this protocol waits for itself if a window is made its own parent; hence this one.

use std::{collections::HashMap, fs::File, io::Read as _};

use smithay::{
    reexports::{
        wayland_protocols::xdg::foreign::zv2::server::{
            zxdg_exported_v2::{self, ZxdgExportedV2},
            zxdg_exporter_v2::{self, ZxdgExporterV2},
            zxdg_imported_v2::{self, ZxdgImportedV2},
            zxdg_importer_v2::{self, ZxdgImporterV2},
        },
        wayland_server::{
            Client, DataInit, Dispatch, DisplayHandle, GlobalDispatch, New, Resource, backend::ClientId,
            protocol::wl_surface::WlSurface,
        },
    },
    wayland::{
        compositor::{get_role, with_states},
        shell::{
            is_valid_parent,
            xdg::{ToplevelSurface, XDG_TOPLEVEL_ROLE, XdgToplevelSurfaceData},
        },
    },
};
use tracing::warn;

use crate::state::State;

/// Random bytes in a handle; its text is twice as long.
const HANDLE_BYTES: usize = 16;

/// What has been exported, by handle.
#[derive(Debug, Default)]
pub(crate) struct Exports(HashMap<String, Export>);

#[derive(Debug)]
struct Export {
    surface: WlSurface,
    /// Those who may make windows its children, and the child each has made last.
    imports: HashMap<ZxdgImportedV2, Option<WlSurface>>,
}

/// An export or an import: its handle.
#[derive(Debug)]
pub(crate) struct Handle(String);

impl Handle {
    fn new() -> std::io::Result<Self> {
        let mut bytes = [0; HANDLE_BYTES];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        Ok(Self(bytes.iter().map(|byte| format!("{byte:02x}")).collect()))
    }
}

impl State {
    /// Makes exports and imports known to clients.
    pub(crate) fn offer_foreign(display: &DisplayHandle) {
        display.create_global::<Self, ZxdgExporterV2, _>(1, ());
        display.create_global::<Self, ZxdgImporterV2, _>(1, ());
    }

    fn toplevel_of(&self, surface: &WlSurface) -> Option<ToplevelSurface> {
        self.globals.xdg_shell.toplevel_surfaces().iter().find(|it| it.wl_surface() == surface).cloned()
    }

    /// An import makes a window the child of what it stands for. False if that cannot be.
    fn import_adopts(&mut self, import: &ZxdgImportedV2, handle: &str, child: WlSurface) -> bool {
        if get_role(&child) != Some(XDG_TOPLEVEL_ROLE) {
            return false;
        }
        let Some(export) = self.exports.0.get_mut(handle) else { return true };
        let parent = export.surface.clone();
        if !parent.is_alive() {
            return true;
        }
        if child == parent || !is_valid_parent(&child, &parent) {
            return false;
        }
        let Some(last) = export.imports.get_mut(import) else { return true };
        *last = Some(child.clone());
        self.set_foreign_parent(&child, None, Some(parent));
        true
    }

    /// Makes `new` a toplevel's parent; only if `old` is it, where one is given.
    fn set_foreign_parent(&mut self, child: &WlSurface, old: Option<&WlSurface>, new: Option<WlSurface>) {
        let Some(toplevel) = self.toplevel_of(child) else { return };
        let changed = with_states(child, |states| {
            let data = states.data_map.get::<XdgToplevelSurfaceData>().and_then(|data| data.lock().ok());
            let Some(mut data) = data else { return false };
            let applies = old.is_none() || data.parent.as_ref() == old;
            if applies {
                data.parent = new;
            }
            applies
        });
        if changed {
            self.update_parent(&toplevel);
        }
    }

    /// An import has gone, and with it what it had made.
    fn forget_import(&mut self, handle: &str, import: &ZxdgImportedV2) {
        let Some(export) = self.exports.0.get_mut(handle) else { return };
        let parent = export.surface.clone();
        if let Some(child) = export.imports.remove(import).flatten() {
            self.set_foreign_parent(&child, Some(&parent), None);
        }
    }
}

impl GlobalDispatch<ZxdgExporterV2, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        exporter: New<ZxdgExporterV2>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(exporter, ());
    }
}

impl Dispatch<ZxdgExporterV2, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        exporter: &ZxdgExporterV2,
        request: zxdg_exporter_v2::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let zxdg_exporter_v2::Request::ExportToplevel { id, surface } = request else { return };
        let handle = Handle::new().unwrap_or_else(|error| {
            warn!("a window cannot be exported: {error}");
            Handle(String::new())
        });
        let name = handle.0.clone();
        let exported = init.init(id, handle);
        if get_role(&surface) != Some(XDG_TOPLEVEL_ROLE) {
            return exporter
                .post_error(zxdg_exporter_v2::Error::InvalidSurface, "only a toplevel can be exported");
        }
        if !name.is_empty() {
            state.exports.0.insert(name.clone(), Export { surface, imports: HashMap::new() });
        }
        exported.handle(name);
    }
}

impl Dispatch<ZxdgExportedV2, Handle> for State {
    fn request(
        _: &mut Self,
        _: &Client,
        _: &ZxdgExportedV2,
        _: zxdg_exported_v2::Request,
        _: &Handle,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
    }

    fn destroyed(state: &mut Self, _: ClientId, _: &ZxdgExportedV2, handle: &Handle) {
        let Some(export) = state.exports.0.remove(&handle.0) else { return };
        for (import, child) in export.imports {
            if let Some(child) = child {
                state.set_foreign_parent(&child, Some(&export.surface), None);
            }
            import.destroyed();
        }
    }
}

impl GlobalDispatch<ZxdgImporterV2, ()> for State {
    fn bind(
        _: &mut Self,
        _: &DisplayHandle,
        _: &Client,
        importer: New<ZxdgImporterV2>,
        (): &(),
        init: &mut DataInit<'_, Self>,
    ) {
        init.init(importer, ());
    }
}

impl Dispatch<ZxdgImporterV2, ()> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        _: &ZxdgImporterV2,
        request: zxdg_importer_v2::Request,
        (): &(),
        _: &DisplayHandle,
        init: &mut DataInit<'_, Self>,
    ) {
        let zxdg_importer_v2::Request::ImportToplevel { id, handle } = request else { return };
        let imported = init.init(id, Handle(handle.clone()));
        match state.exports.0.get_mut(&handle).filter(|export| export.surface.is_alive()) {
            Some(export) => drop(export.imports.insert(imported, None)),
            None => imported.destroyed(),
        }
    }
}

impl Dispatch<ZxdgImportedV2, Handle> for State {
    fn request(
        state: &mut Self,
        _: &Client,
        import: &ZxdgImportedV2,
        request: zxdg_imported_v2::Request,
        handle: &Handle,
        _: &DisplayHandle,
        _: &mut DataInit<'_, Self>,
    ) {
        let zxdg_imported_v2::Request::SetParentOf { surface } = request else { return };
        if !state.import_adopts(import, &handle.0, surface) {
            import.post_error(
                zxdg_imported_v2::Error::InvalidSurface,
                "only a toplevel below the import can be its child",
            );
        }
    }

    fn destroyed(state: &mut Self, _: ClientId, import: &ZxdgImportedV2, handle: &Handle) {
        state.forget_import(&handle.0, import);
    }
}

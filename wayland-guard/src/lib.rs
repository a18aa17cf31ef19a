//! Keeps a compositor made of smithay alive whatever its Wayland clients ask of it.
//!
//! Smithay adds, multiplies and divides client values as they come, and walks trees of surfaces as they are. Absurd ones
//! (a popup two thousand million pixels to the right, a region of negative width, a scale the buffer cannot be divided
//! by, popups in a circle) would end the compositor in a failed assertion, an overflow or an endless loop, and every
//! other client with it. So requests that carry such values pass through [`Guard`] on their way to smithay: what has a
//! sensible nearest value gets it, what the protocol calls an error ends that client's connection and nothing more.
//!
//! A compositor writes [`delegate_guarded!`] where it would write smithay's `delegate_compositor!`, `delegate_shm!`,
//! `delegate_viewporter!`, `delegate_xdg_shell!`, `delegate_data_device!` and `delegate_primary_selection!`, and begins its `XdgShellHandler::new_popup` with [`admit_popup`] and
//! whatever uses a positioner with [`admit_positioner`]. One that takes dma-bufs also has [`Guard`] handle
//! `zwp_linux_buffer_params_v1`.

#![forbid(unsafe_code)]

mod bounds;
mod nesting;
mod offers;

use smithay::reexports::wayland_server::{
    Client, DataInit, Dispatch, DisplayHandle, Resource, backend::ClientId,
};

pub use bounds::{FAR, MAX_SCALE};
pub use nesting::{MAX_POPUPS, MAX_SUBSURFACES, admit_popup, admit_positioner};
pub use offers::MAX_OFFER;

/// The smithay that [`delegate_guarded!`] speaks of.
#[doc(hidden)]
pub use smithay;

/// Handles requests in place of smithay's own types, which get them once they are in bounds.
#[derive(Debug)]
pub enum Guard {}

/// An interface whose requests are looked at before smithay handles them.
pub trait Guarded: Resource {
    /// What smithay keeps for each object.
    type Data;
    /// What handles the requests that pass.
    type Handler;

    /// The request in bounds, or none if it has ended its client's connection.
    fn bounded(&self, request: Self::Request) -> Option<Self::Request>;

    /// The object is no more.
    fn gone(&self) {}
}

impl<I, D> Dispatch<I, I::Data, D> for Guard
where
    I: Guarded,
    I::Handler: Dispatch<I, I::Data, D>,
{
    fn request(
        state: &mut D,
        client: &Client,
        resource: &I,
        request: I::Request,
        data: &I::Data,
        display: &DisplayHandle,
        init: &mut DataInit<'_, D>,
    ) {
        if let Some(request) = resource.bounded(request) {
            I::Handler::request(state, client, resource, request, data, display, init);
        }
    }

    fn destroyed(state: &mut D, client: ClientId, resource: &I, data: &I::Data) {
        resource.gone();
        I::Handler::destroyed(state, client, resource, data);
    }
}

/// Serves surfaces, shared memory, viewports, windows and selections: smithay's `delegate_compositor!`, `delegate_shm!`,
/// `delegate_viewporter!`, `delegate_xdg_shell!`, `delegate_data_device!` and `delegate_primary_selection!` with the guard
/// before them.
///
/// One that drags in its own way names what handles `wl_data_device`: `delegate_guarded!(State, data_devices: Devices)`.
///
/// The state must implement what these ask for. To write one of them beside this is an error of compilation.
#[macro_export]
macro_rules! delegate_guarded {
    ($state:ty) => {
        $crate::delegate_guarded!(
            $state,
            data_devices: $crate::smithay::wayland::selection::data_device::DataDeviceState
        );
    };
    ($state:ty, data_devices: $data_devices:ty) => {
        const _: () = {
            use $crate::{
                Guard,
                smithay::{
                    reexports::{
                        wayland_protocols::{
                            wp::{
                                primary_selection::zv1::server::{
                                    zwp_primary_selection_device_manager_v1::ZwpPrimarySelectionDeviceManagerV1,
                                    zwp_primary_selection_device_v1::ZwpPrimarySelectionDeviceV1,
                                    zwp_primary_selection_source_v1::ZwpPrimarySelectionSourceV1,
                                },
                                viewporter::server::{wp_viewport::WpViewport, wp_viewporter::WpViewporter},
                            },
                            xdg::shell::server::{
                                xdg_popup::XdgPopup, xdg_positioner::XdgPositioner, xdg_surface::XdgSurface,
                                xdg_toplevel::XdgToplevel, xdg_wm_base::XdgWmBase,
                            },
                        },
                        wayland_server::{
                            delegate_dispatch, delegate_global_dispatch,
                            protocol::{
                                wl_buffer::WlBuffer, wl_callback::WlCallback, wl_compositor::WlCompositor,
                                wl_data_device::WlDataDevice, wl_data_device_manager::WlDataDeviceManager,
                                wl_data_source::WlDataSource, wl_region::WlRegion, wl_shm::WlShm, wl_shm_pool::WlShmPool,
                                wl_subcompositor::WlSubcompositor, wl_subsurface::WlSubsurface,
                                wl_surface::WlSurface,
                            },
                        },
                    },
                    wayland::{
                        compositor::{CompositorState, RegionUserData, SubsurfaceUserData, SurfaceUserData},
                        selection::{
                            data_device::{DataDeviceState, DataDeviceUserData, DataSourceUserData},
                            primary_selection::{
                                PrimaryDeviceManagerGlobalData, PrimaryDeviceUserData, PrimarySelectionState,
                                PrimarySourceUserData,
                            },
                        },
                        shell::xdg::{
                            XdgPositionerUserData, XdgShellState, XdgShellSurfaceUserData,
                            XdgSurfaceUserData, XdgWmBaseUserData,
                        },
                        shm::{ShmBufferUserData, ShmPoolUserData, ShmState},
                        viewporter::{ViewportState, ViewporterState},
                    },
                },
            };

    delegate_global_dispatch!($state: [WlCompositor: ()] => CompositorState);
    delegate_global_dispatch!($state: [WlSubcompositor: ()] => CompositorState);
    delegate_dispatch!($state: [WlCompositor: ()] => CompositorState);
    delegate_dispatch!($state: [WlCallback: ()] => CompositorState);
    delegate_dispatch!($state: [WlSubcompositor: ()] => Guard);
    delegate_dispatch!($state: [WlSurface: SurfaceUserData] => Guard);
    delegate_dispatch!($state: [WlRegion: RegionUserData] => Guard);
    delegate_dispatch!($state: [WlSubsurface: SubsurfaceUserData] => Guard);

    delegate_global_dispatch!($state: [WlShm: ()] => ShmState);
    delegate_dispatch!($state: [WlShm: ()] => ShmState);
    delegate_dispatch!($state: [WlBuffer: ShmBufferUserData] => ShmState);
    delegate_dispatch!($state: [WlShmPool: ShmPoolUserData] => Guard);

    delegate_global_dispatch!($state: [WpViewporter: ()] => ViewporterState);
    delegate_dispatch!($state: [WpViewporter: ()] => ViewporterState);
    delegate_dispatch!($state: [WpViewport: ViewportState] => Guard);

    delegate_global_dispatch!($state: [XdgWmBase: ()] => XdgShellState);
    delegate_dispatch!($state: [XdgWmBase: XdgWmBaseUserData] => Guard);
    delegate_dispatch!($state: [XdgPopup: XdgShellSurfaceUserData] => XdgShellState);
    delegate_dispatch!($state: [XdgPositioner: XdgPositionerUserData] => Guard);
    delegate_dispatch!($state: [XdgSurface: XdgSurfaceUserData] => Guard);
    delegate_dispatch!($state: [XdgToplevel: XdgShellSurfaceUserData] => Guard);

    delegate_global_dispatch!($state: [WlDataDeviceManager: ()] => DataDeviceState);
    delegate_dispatch!($state: [WlDataDeviceManager: ()] => DataDeviceState);
    delegate_dispatch!($state: [WlDataDevice: DataDeviceUserData] => $data_devices);
    delegate_dispatch!($state: [WlDataSource: DataSourceUserData] => Guard);

    delegate_global_dispatch!($state: [ZwpPrimarySelectionDeviceManagerV1: PrimaryDeviceManagerGlobalData] => PrimarySelectionState);
    delegate_dispatch!($state: [ZwpPrimarySelectionDeviceManagerV1: ()] => PrimarySelectionState);
    delegate_dispatch!($state: [ZwpPrimarySelectionDeviceV1: PrimaryDeviceUserData] => PrimarySelectionState);
    delegate_dispatch!($state: [ZwpPrimarySelectionSourceV1: PrimarySourceUserData] => Guard);
        };
    };
}

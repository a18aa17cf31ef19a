//! What the suite's pointers to libwayland's client objects stand for. All of this package that is unsafe.

use std::os::fd::RawFd;

use wayland_sys::{
    client::{wayland_client_handle, wl_display, wl_proxy},
    ffi_dispatch,
};

/// A surface as its client knows it.
#[derive(Debug, Clone, Copy)]
pub struct ClientSurface {
    /// The client's end of its connection.
    pub connection: RawFd,
    /// The surface's number on it.
    pub number: u32,
}

impl ClientSurface {
    /// Looks the numbers up. The pointers must be the suite's own, handed in by the call that this serves.
    pub fn of(display: *mut wl_display, surface: *mut wl_proxy) -> Self {
        // SAFETY: libwayland wants a live display. The suite's is, until the call returns to it.
        let connection = unsafe { ffi_dispatch!(wayland_client_handle(), wl_display_get_fd, display) };
        // SAFETY: libwayland wants a live proxy, of which it reads a field. As above; a `wl_surface` is a proxy.
        let number = unsafe { ffi_dispatch!(wayland_client_handle(), wl_proxy_get_id, surface) };
        Self { connection, number }
    }
}

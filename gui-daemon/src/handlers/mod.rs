//! What the daemon serves to dom0's own Wayland clients, one file per protocol family.
//!
//! These clients are trusted as dom0 is (SECURITY.md), yet a broken one loses its connection and nothing more.

mod compositor;
mod seat;
mod selection;
mod shm;
mod xdg_shell;

pub use compositor::ClientState;
pub use xdg_shell::{Unmapped, window_geometry};

// What of each family carries clients' numbers passes through the guard.
wayland_guard::delegate_guarded!(crate::state::State);

//! The Wayland protocols the agent serves, one file per family.

mod activation;
mod awake;
mod compositor;
pub(crate) mod constraints;
pub(crate) mod cursor;
pub(crate) mod data_control;
mod decoration;
mod dialog;
pub(crate) mod dmabuf;
pub(crate) mod foreign;
pub(crate) mod gestures;
mod hints;
mod icon;
pub(crate) mod input_method;
pub(crate) mod input_popup;
pub(crate) mod layer;
pub(crate) mod output;
pub(crate) mod popup;
mod seat;
mod selection;
mod shm;
pub(crate) mod tablet;
pub(crate) mod text_input;
pub(crate) mod virtual_keyboard;
pub(crate) mod xdg_shell;

// what of each family carries clients' numbers passes through the guard
wayland_guard::delegate_guarded!(crate::state::State, data_devices: crate::drag::Devices);

//! A window in the host's session.

/// A window in an X11 or Wayland session.
#[derive(Debug)]
pub struct Nested {}

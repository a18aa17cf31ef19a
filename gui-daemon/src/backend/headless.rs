//! A virtual screen.

/// A virtual screen with the pace of a real one.
#[derive(Debug)]
pub struct Headless {}

//! The one output clients see: the GUI domain's screen as the daemon describes it, and what goes with outputs
//! (viewporter, presentation time).
//!
//! The base protocol tells neither scale nor physical size nor refresh: scale is 1, the size in millimetres unknown,
//! and the refresh rate the one the agent paces its clients at.

use smithay::{
    output::{Mode, Output, PhysicalProperties, Subpixel},
    utils::{Logical, Rectangle, Size},
    wayland::output::OutputHandler,
};

use crate::state::State;

impl OutputHandler for State {}

/// An output of `size` pixels.
pub(crate) fn new_output(size: (i32, i32), refresh_hz: u32) -> Output {
    let properties = PhysicalProperties {
        size: (0, 0).into(),
        subpixel: Subpixel::Unknown,
        make: "GUI domain".into(),
        model: "screen".into(),
    };
    let output = Output::new("GUI-1".into(), properties);
    set_size(&output, size, refresh_hz);
    output
}

/// Tells clients about a new size of the screen.
pub(crate) fn set_size(output: &Output, size: (i32, i32), refresh_hz: u32) {
    let refresh = i32::try_from(refresh_hz).unwrap_or(i32::MAX).saturating_mul(1000);
    let mode = Mode { size: size.into(), refresh };
    for old in output.modes().into_iter().filter(|old| *old != mode) {
        output.delete_mode(old);
    }
    output.change_current_state(Some(mode), None, None, Some((0, 0).into()));
    output.set_preferred(mode);
}

/// The screen as a rectangle. Its origin is the origin of all window positions.
pub(crate) fn screen(output: &Output) -> Rectangle<i32, Logical> {
    let size = output.current_mode().map_or(Size::default(), |mode| mode.size);
    Rectangle::from_size((size.w, size.h).into())
}

smithay::delegate_output!(State);
smithay::delegate_presentation!(State);

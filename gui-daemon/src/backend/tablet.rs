//! What graphics tablets tell.

use gui_protocol::{ToolAxes, ToolKind, ToolState};

/// A tool of a tablet as it is now. Which one of its sort it is, nobody is told: no number of it leaves its backend.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tool {
    /// What it is.
    pub kind: ToolKind,
    /// What it tells besides its place; the rest is 0.
    pub axes: ToolAxes,
    /// Whether it is near, and what of it is held down. If it is not near, nothing else counts.
    pub state: ToolState,
    /// Logical pixels of the desktop from the left edge.
    pub x: f64,
    /// Logical pixels of the desktop from the top edge.
    pub y: f64,
    /// 0 to 1.
    pub pressure: f64,
    /// From the tablet, 0 to 1.
    pub distance: f64,
    /// Degrees off the upright to the right.
    pub tilt_x: f64,
    /// Degrees off the upright towards the user.
    pub tilt_y: f64,
    /// Degrees clockwise.
    pub rotation: f64,
    /// -1 to 1, 0 at rest.
    pub slider: f64,
    /// Degrees the wheel was turned since the last event.
    pub wheel: f64,
    /// The same in clicks.
    pub clicks: i32,
}

impl Tool {
    /// A tool at a place, of which nothing else is known.
    pub const fn at(kind: ToolKind, state: ToolState, x: f64, y: f64) -> Self {
        Self {
            kind,
            axes: ToolAxes::empty(),
            state,
            x,
            y,
            pressure: 0.0,
            distance: 0.0,
            tilt_x: 0.0,
            tilt_y: 0.0,
            rotation: 0.0,
            slider: 0.0,
            wheel: 0.0,
            clicks: 0,
        }
    }

    /// What of it is held down.
    pub fn held(&self) -> ToolState {
        self.state.difference(ToolState::NEAR)
    }
}

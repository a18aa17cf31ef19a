//! What the user does with a graphics tablet.

use bitflags::bitflags;

use super::Fixed;
use crate::limits::FULL_AXIS;

wire_enum! {
    /// What a tool is.
    pub enum ToolKind {
        /// It writes.
        Pen = 1,
        /// It rubs out, perhaps as the other end of a pen.
        Eraser = 2,
        /// It paints.
        Brush = 3,
        /// It draws.
        Pencil = 4,
        /// It sprays.
        Airbrush = 5,
        /// A mouse that the tablet knows the place of.
        Mouse = 6,
        /// Such a mouse with a lens.
        Lens = 7,
    }
}

bitflags! {
    /// What a tool tells of itself besides its place.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct ToolAxes: u32 {
        /// How it leans.
        const TILT = 1;
        /// How hard it is pressed.
        const PRESSURE = 2;
        /// How far above the tablet it is.
        const DISTANCE = 4;
        /// How it is turned round itself.
        const ROTATION = 8;
        /// Where its slider is.
        const SLIDER = 16;
        /// That its wheel was turned.
        const WHEEL = 32;
    }
}

bitflags! {
    /// Where a tool is, and what of it is held down.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ToolState: u32 {
        /// Near enough to be noticed, and over the window. Nothing else is told of one that is not.
        const NEAR = 1;
        /// Its tip is on the tablet.
        const TIP = 2;
        /// A pen's button next to the tip.
        const STYLUS = 4;
        /// The second.
        const STYLUS_2 = 8;
        /// The third.
        const STYLUS_3 = 16;
        /// A mouse's button.
        const LEFT = 32;
        /// A mouse's button.
        const RIGHT = 64;
        /// A mouse's button.
        const MIDDLE = 128;
        /// A mouse's button.
        const SIDE = 256;
        /// A mouse's button.
        const EXTRA = 512;
    }
}

/// A tool of a graphics tablet, as it is at one moment. A window is told at each change, and for the last time when the
/// tool is not near any more. There is one tool at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// What it is.
    pub kind: ToolKind,
    /// Which of the numbers below mean something.
    pub axes: ToolAxes,
    /// Where it is, and what of it is held down.
    pub state: ToolState,
    /// Logical pixels from the window's corner.
    pub x: Fixed,
    /// Logical pixels from the window's corner.
    pub y: Fixed,
    /// 65535 is as hard as it can be pressed.
    pub pressure: u16,
    /// 65535 is as far as it is noticed.
    pub distance: u16,
    /// Degrees off the upright, to the right.
    pub tilt_x: Fixed,
    /// Degrees off the upright, towards the user.
    pub tilt_y: Fixed,
    /// Degrees clockwise.
    pub rotation: Fixed,
    /// Where the slider is: 0 at rest, -65535 and 65535 at its ends. What is beyond an end is taken as the end.
    pub slider: i32,
    /// Degrees that the wheel was turned since the last time.
    pub wheel: Fixed,
    /// The same in clicks of the wheel.
    pub clicks: i32,
    /// Milliseconds since any start.
    pub time_ms: u32,
}

impl Tool {
    /// The slider's place within its ends.
    pub(crate) fn bounded_slider(slider: i32) -> i32 {
        slider.clamp(-FULL_AXIS, FULL_AXIS)
    }
}

//! What the user does to a window.

use bitflags::bitflags;

/// One key going down or up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyInput {
    /// Down, or up.
    pub pressed: bool,
    /// Where the pointer is, pixels from the window's corner.
    pub x: i32,
    /// Where the pointer is, pixels from the window's corner.
    pub y: i32,
    /// X modifier and button mask before the event.
    pub state: u32,
    /// X keycode: the kernel's plus 8.
    pub keycode: u32,
}

/// One button going down or up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ButtonInput {
    /// Down, or up.
    pub pressed: bool,
    /// Pixels from the window's corner.
    pub x: i32,
    /// Pixels from the window's corner.
    pub y: i32,
    /// X modifier and button mask before the event.
    pub state: u32,
    /// X button: 1 left, 2 middle, 3 right, 4 and 5 a vertical wheel, 6 and 7 a horizontal one.
    pub button: u32,
}

/// The pointer coming into a window or leaving it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrossingInput {
    /// In, or out.
    pub entered: bool,
    /// Pixels from the window's corner; outside it on the way out.
    pub x: i32,
    /// Pixels from the window's corner.
    pub y: i32,
    /// X modifier and button mask.
    pub state: u32,
    /// Whether the window has the keyboard focus.
    pub focus: bool,
}

/// A number with eight bits behind the point: 256 is 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed(pub i32);

wire_enum! {
    /// What scrolls.
    pub enum ScrollSource {
        /// A wheel that turns in steps.
        Wheel = 0,
        /// A finger on a pad, which may be lifted.
        Finger = 1,
        /// A knob or a ball, without an end.
        Continuous = 2,
        /// A wheel that is tipped sideways.
        WheelTilt = 3,
    }
}

bitflags! {
    /// What else is to be known of a [`Scroll`].
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct ScrollFlags: u32 {
        /// The finger was lifted; horizontal scrolling may glide on.
        const STOP_HORIZONTAL = 1;
        /// The finger was lifted; vertical scrolling may glide on.
        const STOP_VERTICAL = 2;
        /// The user has the horizontal direction turned round.
        const INVERTED_HORIZONTAL = 4;
        /// The user has the vertical direction turned round.
        const INVERTED_VERTICAL = 8;
    }
}

/// Scrolling, at the pointer's last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scroll {
    /// Logical pixels to the right.
    pub horizontal: Fixed,
    /// Logical pixels downwards.
    pub vertical: Fixed,
    /// Wheel steps to the right, 120 for a whole one; 0 from other sources.
    pub v120_x: i32,
    /// Wheel steps downwards, likewise.
    pub v120_y: i32,
    /// What scrolls.
    pub source: ScrollSource,
    /// What else is to be known.
    pub flags: ScrollFlags,
    /// Milliseconds since any start.
    pub time_ms: u32,
}

wire_enum! {
    /// Which moment of which gesture.
    pub enum GestureKind {
        /// Fingers start to move together.
        SwipeBegin = 1,
        /// They move.
        SwipeUpdate = 2,
        /// They are lifted.
        SwipeEnd = 3,
        /// Fingers start to move around a middle.
        PinchBegin = 4,
        /// They move.
        PinchUpdate = 5,
        /// They are lifted.
        PinchEnd = 6,
        /// Fingers lie still.
        HoldBegin = 7,
        /// They move or are lifted.
        HoldEnd = 8,
    }
}

/// A gesture on a pad, at the pointer's last place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gesture {
    /// Which moment of which.
    pub kind: GestureKind,
    /// How many, at a beginning.
    pub fingers: u32,
    /// How far the middle moved, logical pixels, at an update.
    pub dx: Fixed,
    /// As `dx`.
    pub dy: Fixed,
    /// The distance of the fingers, 1 at the beginning, at an update of a pinch.
    pub scale: Fixed,
    /// Degrees clockwise since the last update, likewise.
    pub rotation: Fixed,
    /// Whether it turned out to be none, at an end.
    pub cancelled: bool,
    /// Milliseconds since any start.
    pub time_ms: u32,
}

wire_enum! {
    /// What a finger on a screen does.
    pub enum TouchKind {
        /// It touches.
        Down = 1,
        /// It is lifted.
        Up = 2,
        /// It moves.
        Motion = 3,
        /// All that belongs together has been told.
        Frame = 4,
        /// It was none of the window's business.
        Cancel = 5,
    }
}

/// A finger on a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// What it does.
    pub kind: TouchKind,
    /// Which, among those that touch.
    pub id: u32,
    /// Logical pixels from the window's corner.
    pub x: Fixed,
    /// Logical pixels from the window's corner.
    pub y: Fixed,
    /// Milliseconds since any start.
    pub time_ms: u32,
}

/// How far the pointer's device moved, wherever the pointer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelativeMotion {
    /// Logical pixels.
    pub dx: Fixed,
    /// Logical pixels.
    pub dy: Fixed,
    /// As the device said.
    pub dx_unaccelerated: Fixed,
    /// As the device said.
    pub dy_unaccelerated: Fixed,
    /// Microseconds since any start.
    pub time_us: u64,
}

/// The keyboard's state: XKB's masks and layout under the keymap last told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modifiers {
    /// Held.
    pub depressed: u32,
    /// Until the next key.
    pub latched: u32,
    /// Until unlocked.
    pub locked: u32,
    /// The layout in force.
    pub group: u32,
}

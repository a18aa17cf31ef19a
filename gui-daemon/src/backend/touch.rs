//! What touch pads and touch screens tell.

/// A gesture on a touch pad. Each begins, changes and ends; of one kind there is one at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gesture {
    /// Fingers go the same way.
    SwipeBegin {
        /// How many.
        fingers: u32,
    },
    /// They went this far since the last event.
    SwipeUpdate {
        /// Logical pixels to the right.
        dx: f64,
        /// Logical pixels down.
        dy: f64,
    },
    /// They were lifted.
    SwipeEnd {
        /// Whether it turned out to be something else.
        cancelled: bool,
    },
    /// Fingers go apart, together, or round each other.
    PinchBegin {
        /// How many.
        fingers: u32,
    },
    /// They moved.
    PinchUpdate {
        /// Logical pixels their middle went to the right since the last event.
        dx: f64,
        /// Logical pixels their middle went down since the last event.
        dy: f64,
        /// How far apart they are: 1 is as at the beginning.
        scale: f64,
        /// Degrees clockwise since the last event.
        rotation: f64,
    },
    /// They were lifted.
    PinchEnd {
        /// Whether it turned out to be something else.
        cancelled: bool,
    },
    /// Fingers lie still.
    HoldBegin {
        /// How many.
        fingers: u32,
    },
    /// They moved or were lifted.
    HoldEnd {
        /// Whether it turned out to be something else.
        cancelled: bool,
    },
}

/// A finger on a touch screen; `slot` tells it from others that are down. Positions are in logical pixels of the desktop.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Touch {
    /// A finger went down.
    Down {
        /// Which.
        slot: u32,
        /// From the left edge.
        x: f64,
        /// From the top edge.
        y: f64,
    },
    /// A finger moved.
    Motion {
        /// Which.
        slot: u32,
        /// From the left edge.
        x: f64,
        /// From the top edge.
        y: f64,
    },
    /// A finger was lifted.
    Up {
        /// Which.
        slot: u32,
    },
    /// What was told since the last frame happened at once.
    Frame,
    /// All fingers that are down turned out to mean something else.
    Cancel,
}

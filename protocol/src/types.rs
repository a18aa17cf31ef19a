//! The values both ends speak of.
//!
//! Everything here is already checked: a [`Cursor`] or [`SizeHints`] that exists obeys its limits. The raw numbers
//! of the wire live in [`crate::message`].

use core::fmt;

use bitflags::bitflags;

use crate::limits::{CURSOR_GLYPHS, MAX_HEIGHT, MAX_WIDTH};

/// An enum of which each variant has one number on the wire.
macro_rules! wire_enum {
    ($(#[$meta:meta])* pub enum $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $value:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)*
        }

        impl $name {
            /// The one with this number.
            #[must_use]
            pub const fn from_wire(value: u32) -> Option<$name> {
                match value {
                    $($value => Some($name::$variant),)*
                    _ => None,
                }
            }

            /// Its number.
            #[must_use]
            pub const fn to_wire(self) -> u32 {
                match self {
                    $($name::$variant => $value,)*
                }
            }
        }
    };
}

mod desktop;
mod files;
mod frame;
mod input;
mod tablet;

pub(crate) use desktop::Popup;
pub use desktop::{
    Arrange, CursorImage, CursorLook, Edges, Image, Output, PointerConstraint, PointerNeeds, Positioner,
    States, Wish,
};
pub use files::{FileInfo, FileList, FilesEnd};
pub use frame::{BufferId, Commit, PixelFormat, Presented, PresentedFlags, Scale};
pub(crate) use frame::{Extent, bound};
pub use input::{
    ButtonInput, CrossingInput, Fixed, Gesture, GestureKind, KeyInput, Modifiers, RelativeMotion, Scroll,
    ScrollFlags, ScrollSource, Touch, TouchKind,
};
pub use tablet::{Tool, ToolAxes, ToolKind, ToolState};

/// A window, named by its agent. Ids are unique within one link and one moment: after a destroy the agent may use
/// an id again. Id 0 is the domain's whole screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowId(pub u32);

impl fmt::Display for WindowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0)
    }
}

/// The number under which the agent's domain granted one 4 KiB page to the daemon's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantRef(pub u32);

/// A position in pixels of the domain's virtual screen, which has the layout of the GUI domain's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Point {
    /// To the right.
    pub x: i32,
    /// Downwards.
    pub y: i32,
}

/// A rectangle in pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rect {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

impl Rect {
    /// The rectangle with this corner and size.
    #[must_use]
    pub const fn new(x: i32, y: i32, width: u32, height: u32) -> Rect {
        Rect { x, y, width, height }
    }

    /// The upper left corner.
    #[must_use]
    pub const fn origin(self) -> Point {
        Point { x: self.x, y: self.y }
    }

    /// Whether it covers no pixel.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// The part of it that lies in an image of this size, or `None` if that is empty.
    #[must_use]
    pub fn clamp_to(self, width: u32, height: u32) -> Option<Rect> {
        let (x, width) = overlap(self.x, self.width, width)?;
        let (y, height) = overlap(self.y, self.height, height)?;
        Some(Rect { x, y, width, height })
    }

    /// The smallest rectangle that covers both.
    #[must_use]
    pub fn union(self, other: Rect) -> Rect {
        let (x, width) = cover((self.x, self.width), (other.x, other.width));
        let (y, height) = cover((self.y, self.height), (other.y, other.height));
        Rect { x, y, width, height }
    }

    /// Whether every pixel of `other` is also one of `self`.
    #[must_use]
    pub fn contains(self, other: Rect) -> bool {
        self.union(other) == self
    }
}

/// Where the span `start..start + length` lies within `0..limit`.
fn overlap(start: i32, length: u32, limit: u32) -> Option<(i32, u32)> {
    let end = i64::from(start).saturating_add(i64::from(length)).min(i64::from(limit));
    let start = start.max(0);
    let length = u32::try_from(end.saturating_sub(i64::from(start))).ok()?;
    (length > 0).then_some((start, length))
}

/// The smallest span over both; its length saturates at `u32::MAX`.
fn cover(a: (i32, u32), b: (i32, u32)) -> (i32, u32) {
    let end = |span: (i32, u32)| i64::from(span.0).saturating_add(i64::from(span.1));
    let start = a.0.min(b.0);
    let length = end(a).max(end(b)).saturating_sub(i64::from(start));
    (start, u32::try_from(length).unwrap_or(u32::MAX))
}

/// What the daemon says of its screen when it greets an agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Bits of colour per pixel, 24 everywhere.
    pub depth: u32,
    /// KiB of video memory an agent's X server should have.
    pub mem_kib: u32,
}

bitflags! {
    /// States of a window that either end may ask for or report.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct WindowFlags: u32 {
        /// Covers the screen.
        const FULLSCREEN = 1;
        /// Wants the user to look.
        const DEMANDS_ATTENTION = 2;
        /// Is hidden by the user.
        const MINIMIZE = 4;
    }
}

bitflags! {
    /// Which fields of a `WINDOW_HINTS` are meant; X's numbers.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub(crate) struct HintFlags: u32 {
        const USER_POSITION = 1;
        const PROGRAM_POSITION = 4;
        const MIN = 16;
        const MAX = 32;
        const INCREMENT = 64;
        const BASE = 256;
    }
}

/// Sizes a window is willing to take, pixels as (width, height). Each present pair is within the limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SizeHints {
    /// The user chose the position.
    pub user_position: bool,
    /// The program chose the position.
    pub program_position: bool,
    /// Not smaller than this.
    pub min: Option<(u32, u32)>,
    /// Not larger than this.
    pub max: Option<(u32, u32)>,
    /// Base plus a multiple of this; at least 1.
    pub increment: Option<(u32, u32)>,
    /// What [`SizeHints::increment`] counts from.
    pub base: Option<(u32, u32)>,
}

/// What the pointer looks like over a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Cursor {
    /// The daemon's usual one.
    #[default]
    Default,
    /// A glyph of the X cursor font, even numbers from 0 to 152.
    XFont(u8),
}

impl Cursor {
    /// Added to a glyph on the wire, so that 0 can mean the default.
    const XFONT_BASE: u32 = 0x100;

    /// The cursor a `CURSOR` message names, if it names one.
    #[must_use]
    pub fn from_wire(value: u32) -> Option<Cursor> {
        if value == 0 {
            return Some(Cursor::Default);
        }
        let glyph = u8::try_from(value.checked_sub(Self::XFONT_BASE)?).ok()?;
        (glyph < CURSOR_GLYPHS).then_some(Cursor::XFont(glyph))
    }

    /// The number of a `CURSOR` message. A glyph past the end of the font is the default.
    #[must_use]
    pub fn to_wire(self) -> u32 {
        match self {
            Cursor::XFont(glyph) if glyph < CURSOR_GLYPHS => {
                Self::XFONT_BASE.saturating_add(u32::from(glyph))
            }
            Cursor::XFont(_) | Cursor::Default => 0,
        }
    }
}

/// The geometry with its position and size brought into the protocol's limits.
pub(crate) fn clamp_geometry(geometry: Rect) -> Rect {
    let limit = |value: i32, size: u32| {
        i32::try_from(size).map_or(value, |size| value.clamp(size.saturating_neg(), size))
    };
    Rect {
        x: limit(geometry.x, MAX_WIDTH),
        y: limit(geometry.y, MAX_HEIGHT),
        width: geometry.width.clamp(1, MAX_WIDTH),
        height: geometry.height.clamp(1, MAX_HEIGHT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rectangles_clamp_to_an_image_without_overflow() {
        let clamp = |x, y, width, height| Rect { x, y, width, height }.clamp_to(10, 5);
        assert_eq!(clamp(0, 0, 10, 5), Some(Rect::new(0, 0, 10, 5)));
        assert_eq!(clamp(-5, -5, 6, 6), Some(Rect::new(0, 0, 1, 1)));
        assert_eq!(clamp(9, 4, u32::MAX, u32::MAX), Some(Rect::new(9, 4, 1, 1)));
        assert_eq!(clamp(i32::MIN, i32::MIN, u32::MAX, u32::MAX), Some(Rect::new(0, 0, 10, 5)));
        for (x, y, width, height) in [
            (10, 0, 1, 1),
            (0, 5, 1, 1),
            (0, 0, 0, 1),
            (-1, 0, 1, 1),
            (i32::MAX, 0, u32::MAX, 1),
            (-3, 0, 0, 9),
        ] {
            assert_eq!(clamp(x, y, width, height), None, "{x} {y} {width} {height}");
        }
    }

    #[test]
    fn rectangles_unite_and_contain() {
        let all = Rect::new(-5, 0, 20, 20).union(Rect::new(0, -5, 1, 1));
        assert_eq!(all, Rect::new(-5, -5, 20, 25));
        assert!(all.contains(Rect::new(14, 19, 1, 1)));
        assert!(!all.contains(Rect::new(14, 19, 2, 1)));
        let most = Rect::new(i32::MIN, i32::MIN, u32::MAX, u32::MAX);
        assert_eq!(most.union(Rect::new(i32::MAX, i32::MAX, u32::MAX, u32::MAX)), most);
    }

    #[test]
    fn cursors_end_with_the_font() {
        for (value, cursor) in [
            (0, Some(Cursor::Default)),
            (1, None),
            (0xff, None),
            (0x100, Some(Cursor::XFont(0))),
            (0x199, Some(Cursor::XFont(153))),
            (0x19a, None),
            (u32::MAX, None),
        ] {
            assert_eq!(Cursor::from_wire(value), cursor, "{value:#x}");
            assert!(cursor.is_none_or(|cursor| cursor.to_wire() == value));
        }
        assert_eq!(Cursor::XFont(154).to_wire(), 0);
    }

    #[test]
    fn geometries_are_brought_into_the_limits() {
        assert_eq!(clamp_geometry(Rect::new(-16385, 6145, 0, 6145)), Rect::new(-16384, 6144, 1, 6144));
        assert_eq!(clamp_geometry(Rect::new(-16384, 6144, 1, 6144)), Rect::new(-16384, 6144, 1, 6144));
        assert_eq!(
            clamp_geometry(Rect::new(i32::MAX, i32::MIN, u32::MAX, 0)),
            Rect::new(16384, -6144, 16384, 1)
        );
    }
}

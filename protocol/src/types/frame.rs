//! Buffers, commits and what the screen did with them.

use alloc::vec::Vec;
use core::time::Duration;

use bitflags::bitflags;

use super::Rect;
use crate::limits::{MAX_HEIGHT, MAX_SCALE, MAX_WIDTH, MIN_SCALE, UNIT_SCALE};

/// A buffer in a window's pool, named by its agent. Unique within one window and one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BufferId(pub u32);

wire_enum! {
    /// What the four bytes of a pixel are, as a number 0xAARRGGBB.
    pub enum PixelFormat {
        /// The upper byte means nothing; every pixel is opaque.
        Xrgb8888 = 0,
        /// The upper byte is the opacity, the colours are multiplied by it.
        Argb8888 = 1,
    }
}

/// Buffer pixels per logical pixel, in 120ths. Always within 0.5 to 8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scale(u32);

impl Scale {
    /// One buffer pixel for each logical one.
    pub const ONE: Scale = Scale(UNIT_SCALE);

    /// The scale of this many 120ths, if that is 60 to 960.
    #[must_use]
    pub const fn new(in_120ths: u32) -> Option<Scale> {
        if in_120ths >= MIN_SCALE && in_120ths <= MAX_SCALE { Some(Scale(in_120ths)) } else { None }
    }

    /// The number of 120ths.
    #[must_use]
    pub const fn in_120ths(self) -> u32 {
        self.0
    }

    /// Whether `pixels` may be the size of `logical` pixels at this scale: the exact one, rounded up or down.
    fn fits(self, logical: u32, pixels: u32) -> bool {
        let exact = u64::from(logical).saturating_mul(u64::from(self.0));
        let unit = u64::from(UNIT_SCALE);
        let down = exact.checked_div(unit).unwrap_or_default();
        (down..=exact.div_ceil(unit)).contains(&u64::from(pixels))
    }
}

impl Default for Scale {
    fn default() -> Scale {
        Scale::ONE
    }
}

/// All that is needed to show a window now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    /// Greater than that of every commit of this window before.
    pub serial: u64,
    /// The serial of the newest [`Arrange`](super::Arrange) it takes into account; 0 before the first.
    pub configure: u32,
    /// Where its pixels are, in the window's pool.
    pub buffer: BufferId,
    /// The window's width, logical pixels.
    pub width: u32,
    /// The window's height, logical pixels.
    pub height: u32,
    /// Buffer pixels per logical pixel.
    pub scale: Scale,
    /// The part of the buffer that is the window, pixels; it lies within the buffer and has the window's size at
    /// this scale. What is outside of it is not shown.
    pub source: Rect,
    /// Whether a [`Presented`] is wanted.
    pub wants_presented: bool,
    /// What differs from the commit before, pixels of the buffer, each within it and not empty.
    pub damage: Vec<Rect>,
    /// Where the buffer is opaque, likewise. Of no meaning for a format without opacity.
    pub opaque: Vec<Rect>,
}

impl Commit {
    /// Whether the window's size can be.
    pub(crate) fn is_size(&self) -> bool {
        (1..=MAX_WIDTH).contains(&self.width) && (1..=MAX_HEIGHT).contains(&self.height)
    }

    /// Whether the source lies in a buffer of this size and fits the window.
    pub(crate) fn is_source(&self, width: u32, height: u32) -> bool {
        self.source.clamp_to(width, height) == Some(self.source)
            && self.scale.fits(self.width, self.source.width)
            && self.scale.fits(self.height, self.source.height)
    }

    /// What it shows, and how large.
    pub(crate) fn extent(&self) -> Extent {
        Extent { width: self.width, height: self.height, scale: self.scale, source: self.source }
    }
}

/// What a commit shows of its buffer, and how large. Only between two of one extent does damage say all that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Extent {
    width: u32,
    height: u32,
    scale: Scale,
    source: Rect,
}

/// Makes more rectangles than `most` their bounding box.
pub(crate) fn bound(rects: &mut Vec<Rect>, most: usize) {
    if rects.len() > most
        && let Some(all) = rects.drain(..).reduce(Rect::union)
    {
        rects.push(all);
    }
}

bitflags! {
    /// How sure the time of a [`Presented`] is.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct PresentedFlags: u32 {
        /// The screen changed between two frames, not within one.
        const VSYNC = 1;
        /// The time comes from the display's hardware.
        const HW_CLOCK = 2;
        /// The display's hardware said that it was done.
        const HW_COMPLETION = 4;
    }
}

/// A commit was seen on a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presented {
    /// Which commit.
    pub serial: u64,
    /// How long ago, up to the sending of the message. On the wire in nanoseconds, at most 4.29 seconds.
    pub ago: Duration,
    /// The time between two of the screen's frames, if it has one; likewise.
    pub refresh: Option<Duration>,
    /// The number of the screen's frame; 0 if frames have none.
    pub sequence: u64,
    /// How sure that is.
    pub flags: PresentedFlags,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_have_bounds_and_sizes_round_either_way() {
        assert_eq!([59, 60, 960, 961].map(|scale| Scale::new(scale).is_some()), [false, true, true, false]);
        let scale = Scale::new(180).unwrap();
        // 1.5 * 5 = 7.5
        assert_eq!([6, 7, 8, 9].map(|pixels| scale.fits(5, pixels)), [false, true, true, false]);
        assert_eq!([5, 6, 7].map(|pixels| scale.fits(4, pixels)), [false, true, false]);
        assert!(!Scale::new(960).unwrap().fits(u32::MAX, u32::MAX));
    }
}

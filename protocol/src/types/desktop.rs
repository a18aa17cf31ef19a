//! The desktop as the two ends speak of it: outputs, the places and states of windows, their wishes.

use alloc::vec::Vec;

use bitflags::bitflags;

use super::{Rect, Scale, WindowId};
use crate::limits::{CURSOR_SHAPES, ICON_SIDE, MAX_CURSOR_SIDE, PIXEL_BYTES};
use crate::wire::OUTPUT_WORDS;

/// A screen of the desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Output {
    /// Names it, as long as it is there.
    pub id: u32,
    /// Where it is in the desktop, logical pixels.
    pub x: i32,
    /// Where it is in the desktop, logical pixels.
    pub y: i32,
    /// Logical pixels.
    pub width: u32,
    /// Logical pixels.
    pub height: u32,
    /// Physical pixels.
    pub mode_width: u32,
    /// Physical pixels.
    pub mode_height: u32,
    /// Frames in 1000 seconds; 0 if unknown.
    pub refresh_mhz: u32,
    /// Physical pixels per logical one.
    pub scale: Scale,
}

impl Output {
    /// The numbers of one output in `OUTPUTS`.
    pub(crate) fn to_wire(self) -> [u32; OUTPUT_WORDS] {
        let Output { id, x, y, width, height, mode_width, mode_height, refresh_mhz, scale } = self;
        let (x, y) = (x.cast_unsigned(), y.cast_unsigned());
        [id, x, y, width, height, mode_width, mode_height, refresh_mhz, scale.in_120ths()]
    }

    /// The output of these numbers, or its scale if that is none.
    pub(crate) fn from_wire(words: [u32; OUTPUT_WORDS]) -> Result<Output, u32> {
        let [id, x, y, width, height, mode_width, mode_height, refresh_mhz, scale] = words;
        let (x, y) = (x.cast_signed(), y.cast_signed());
        let scale = Scale::new(scale).ok_or(scale)?;
        Ok(Output { id, x, y, width, height, mode_width, mode_height, refresh_mhz, scale })
    }
}

bitflags! {
    /// How a window is shown.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct States: u32 {
        /// It should look as the one in use.
        const ACTIVATED = 1;
        /// It fills the work area.
        const MAXIMISED = 2;
        /// It fills an output.
        const FULLSCREEN = 4;
        /// The user is resizing it.
        const RESIZING = 8;
        /// Its left edge touches something.
        const TILED_LEFT = 16;
        /// Its right edge touches something.
        const TILED_RIGHT = 32;
        /// Its upper edge touches something.
        const TILED_TOP = 64;
        /// Its lower edge touches something.
        const TILED_BOTTOM = 128;
        /// Nobody sees it.
        const SUSPENDED = 256;
        /// The user has hidden it.
        const MINIMISED = 512;
    }
}

/// What the daemon wants a window to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Arrange {
    /// Per window, growing from 1. Given by the connection.
    pub serial: u32,
    /// Where it is, logical pixels: of a popup from its parent's corner, of others in the desktop.
    pub x: i32,
    /// As `x`.
    pub y: i32,
    /// Logical pixels; 0 leaves it to the client.
    pub width: u32,
    /// Logical pixels; 0 leaves it to the client.
    pub height: u32,
    /// The room there is, logical pixels.
    pub bounds: Option<(u32, u32)>,
    /// How it is shown.
    pub states: States,
    /// The scale that needs no scaling by the daemon.
    pub scale: Scale,
    /// The [`Positioner`]'s it answers, or else 0.
    pub token: u32,
}

impl Arrange {
    /// The width and height it asks for.
    pub(crate) fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }
}

/// Where a popup belongs: the numbers of Wayland's `xdg_positioner`, checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Positioner {
    /// The part of the parent it belongs to, logical pixels from the parent's corner.
    pub anchor_rect: Rect,
    /// Logical pixels, at least 1 and at most [`MAX_WIDTH`](crate::limits::MAX_WIDTH).
    pub width: u32,
    /// Logical pixels, at least 1 and at most [`MAX_HEIGHT`](crate::limits::MAX_HEIGHT).
    pub height: u32,
    /// Which edge or corner of the anchor rectangle, 0 to 8.
    pub anchor: u32,
    /// To which side of it, 0 to 8.
    pub gravity: u32,
    /// How it may be moved to be seen, a set of the bits 1 to 32.
    pub constraint: u32,
    /// Moves it, logical pixels.
    pub offset_x: i32,
    /// Moves it, logical pixels.
    pub offset_y: i32,
    /// Whether it is placed anew when its parent moves.
    pub reactive: bool,
    /// Whether it takes all input until the user clicks elsewhere.
    pub grab: bool,
}

bitflags! {
    /// Edges of a window; two that meet are a corner.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Edges: u32 {
        /// The upper edge.
        const TOP = 1;
        /// The lower edge.
        const BOTTOM = 2;
        /// The left edge.
        const LEFT = 4;
        /// The right edge.
        const RIGHT = 8;
    }
}

impl Edges {
    /// One edge or corner, by its number.
    fn from_wire(value: u32) -> Option<Edges> {
        let edges = Edges::from_bits(value)?;
        let opposite = [Edges::TOP | Edges::BOTTOM, Edges::LEFT | Edges::RIGHT];
        let is_place = !edges.is_empty() && !opposite.iter().any(|both| edges.contains(*both));
        is_place.then_some(edges)
    }
}

/// What a window asks of the desktop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To fill the work area, or not to.
    Maximised(bool),
    /// To fill an output, or not to.
    Fullscreen(bool),
    /// To be hidden.
    Minimised,
    /// That the user looks at it, or need not any more.
    Attention(bool),
    /// That the pointer moves it, as long as a button is held that was pressed in it.
    Move,
    /// That the pointer moves these edges, likewise.
    Resize(Edges),
    /// To be used now, by the token of the run command it comes from; 0 if from none.
    Activate(u32),
    /// That its menu is shown.
    WindowMenu,
    /// To fill the part of the work area at these edges, or, with none, not to.
    Tiled(Edges),
    /// That the screens stay on while it is seen, or need not.
    KeepAwake(bool),
    /// That its dialog's window is not used before it is done with, or may be.
    Modal(bool),
}

impl Wish {
    /// From a `WISH`'s kind and value.
    #[must_use]
    pub fn from_wire(kind: u32, value: u32) -> Option<Wish> {
        Some(match (kind, value) {
            (1, 0 | 1) => Wish::Maximised(value == 1),
            (2, 0 | 1) => Wish::Fullscreen(value == 1),
            (3, 1) => Wish::Minimised,
            (4, 0 | 1) => Wish::Attention(value == 1),
            (5, 0) => Wish::Move,
            (6, _) => Wish::Resize(Edges::from_wire(value)?),
            (7, token) => Wish::Activate(token),
            (8, 0) => Wish::WindowMenu,
            (9, _) => Wish::Tiled(Edges::from_bits(value)?),
            (10, 0 | 1) => Wish::KeepAwake(value == 1),
            (11, 0 | 1) => Wish::Modal(value == 1),
            _ => return None,
        })
    }

    /// The kind and value of a `WISH`.
    #[must_use]
    pub fn to_wire(self) -> (u32, u32) {
        match self {
            Wish::Maximised(on) => (1, on.into()),
            Wish::Fullscreen(on) => (2, on.into()),
            Wish::Minimised => (3, 1),
            Wish::Attention(on) => (4, on.into()),
            Wish::Move => (5, 0),
            Wish::Resize(edges) => (6, edges.bits()),
            Wish::Activate(token) => (7, token),
            Wish::WindowMenu => (8, 0),
            Wish::Tiled(edges) => (9, edges.bits()),
            Wish::KeepAwake(on) => (10, on.into()),
            Wish::Modal(on) => (11, on.into()),
        }
    }
}

/// A picture of pixels as in [`PixelFormat::Argb8888`](super::PixelFormat::Argb8888), row by row without gaps: no
/// colour of a pixel is above its opacity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Image {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Four bytes each: blue, green, red, opacity.
    pub pixels: Vec<u8>,
}

impl Image {
    /// The image, if it has as many bytes as pixels of this size need and no side is over `side`. Colours are
    /// brought below their opacity.
    fn new(width: u32, height: u32, mut pixels: Vec<u8>, side: u32) -> Option<Image> {
        let bytes = width.saturating_mul(height).saturating_mul(PIXEL_BYTES);
        if width > side || height > side || u32::try_from(pixels.len()) != Ok(bytes) {
            return None;
        }
        for [blue, green, red, opacity] in pixels.as_chunks_mut::<4>().0 {
            for colour in [blue, green, red] {
                *colour = (*colour).min(*opacity);
            }
        }
        Some(Image { width, height, pixels })
    }

    /// A window's icon: at most 256 pixels a side, of no pixels if it has none.
    #[must_use]
    pub fn icon(width: u32, height: u32, pixels: Vec<u8>) -> Option<Image> {
        let is_none = width == 0 && height == 0;
        Image::new(width, height, pixels, ICON_SIDE).filter(|image| is_none || !image.is_empty())
    }

    /// Whether it has no pixel.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0
    }
}

/// A pointer's picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CursorImage {
    /// 1 to 256 pixels a side.
    pub image: Image,
    /// The pixel that points.
    pub hot_x: u32,
    /// The pixel that points.
    pub hot_y: u32,
    /// Pixels of it per logical pixel.
    pub scale: Scale,
}

impl CursorImage {
    /// The cursor, if its sides are 1 to 256, its bytes as many as they need, and the hot spot is in it.
    #[must_use]
    pub fn new(
        (width, height): (u32, u32),
        (hot_x, hot_y): (u32, u32),
        scale: Scale,
        pixels: Vec<u8>,
    ) -> Option<CursorImage> {
        let image = Image::new(width, height, pixels, MAX_CURSOR_SIDE)?;
        (hot_x < width && hot_y < height).then_some(CursorImage { image, hot_x, hot_y, scale })
    }
}

/// What the pointer looks like over a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CursorLook {
    /// It is not seen.
    Hidden,
    /// A shape by its number in Wayland's `wp_cursor_shape_device_v1`, 1 to 36; 1 is the usual one.
    Shape(u32),
    /// A picture.
    Image(CursorImage),
}

impl Default for CursorLook {
    fn default() -> CursorLook {
        CursorLook::Shape(1)
    }
}

impl CursorLook {
    /// From a `CURSOR_SHAPE`.
    pub(crate) fn from_wire(shape: u32) -> Option<CursorLook> {
        match shape {
            0 => Some(CursorLook::Hidden),
            1..=CURSOR_SHAPES => Some(CursorLook::Shape(shape)),
            _ => None,
        }
    }

    /// The glyph of the X cursor font that comes next to it, for an end that knows no other.
    #[must_use]
    pub fn nearest_glyph(&self) -> super::Cursor {
        let CursorLook::Shape(shape) = self else { return super::Cursor::Default };
        super::Cursor::XFont(match shape {
            3 => 92,                      // help: question_arrow
            4 => 60,                      // pointer: hand2
            5 | 6 => 150,                 // progress, wait: watch
            7 => 90,                      // cell: plus
            8 => 34,                      // crosshair
            9 | 10 => 152,                // text: xterm
            13 | 16 | 17 | 32 | 36 => 52, // move, grab, all-scroll: fleur
            14 | 15 => 24,                // no-drop, not-allowed: circle
            18 => 96,                     // e-resize: right_side
            19 => 138,                    // n-resize: top_side
            20 => 136,                    // ne-resize: top_right_corner
            21 => 134,                    // nw-resize: top_left_corner
            22 => 16,                     // s-resize: bottom_side
            23 | 29 => 14,                // se-resize, nwse-resize: bottom_right_corner
            24 | 28 => 12,                // sw-resize, nesw-resize: bottom_left_corner
            25 => 70,                     // w-resize: left_side
            26 | 30 => 108,               // ew-resize, col-resize: sb_h_double_arrow
            27 | 31 => 116,               // ns-resize, row-resize: sb_v_double_arrow
            _ => return super::Cursor::Default,
        })
    }
}

wire_enum! {
    /// What a client does, or wants to do, with the pointer.
    pub enum PointerConstraint {
        /// Nothing.
        None = 0,
        /// It stands still; only relative motion is told.
        Lock = 1,
        /// It stays in a region.
        Confine = 2,
    }
}

bitflags! {
    /// What a window's client listens to.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct PointerNeeds: u32 {
        /// [`RelativeMotion`](super::RelativeMotion).
        const RELATIVE_MOTION = 1;
        /// [`Gesture`](super::Gesture).
        const GESTURES = 2;
        /// [`Tool`](super::Tool).
        const TABLETS = 4;
    }
}

/// What a popup is placed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Popup {
    pub(crate) parent: WindowId,
    pub(crate) token: u32,
    pub(crate) positioner: Positioner,
}

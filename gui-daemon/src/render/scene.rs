//! What is on the desktop at one moment.

use smithay::reexports::wayland_server::protocol::wl_surface::WlSurface;

use super::{Banner, Color, Cursor, FrameSpec, GuestImage};
use crate::shell::{
    Id,
    geom::{Insets, Point, Rect},
};

/// Everything visible at one moment.
#[derive(Debug)]
pub struct Scene<'a> {
    /// The framed views, topmost first.
    pub views: Vec<View<'a>>,
    /// The pointer, drawn above all views; `None` where the host draws it.
    pub cursor: Option<Cursor>,
    /// What the user is told, above all views.
    pub banners: Vec<Banner>,
    /// Where the window that the pointer moves will be if it is let go of, and the colour of its frame.
    pub landing: Option<(Rect, Color)>,
    /// What shows where no view is.
    pub background: Color,
}

/// One window in its frame.
#[derive(Debug)]
pub struct View<'a> {
    /// Which window this is.
    pub id: Id,
    /// How its frame looks.
    pub frame: FrameSpec,
    /// The outer edge of the frame.
    pub outer: Rect,
    /// Thickness of the frame, inwards from `outer`. A top side of 20 pixels or more carries name, title and buttons.
    pub insets: Insets,
    /// Where the content goes. What of it lies on the frame or outside is not shown: for a popup, whose frame is drawn
    /// over its content, this is the same as `outer`.
    pub content: Rect,
    /// What the window shows.
    pub pixels: Content<'a>,
    /// What shows inside of the frame where `pixels` do not reach.
    pub background: Color,
}

/// The pixels of a view, laid from the top left corner of its content rectangle if nothing else is said, never scaled to fit
/// it.
#[derive(Clone, Copy, Debug)]
pub enum Content<'a> {
    /// Nothing yet.
    Empty,
    /// A domain's pages.
    Guest(&'a GuestImage),
    /// A domain's pages, with their middle in that of the content rectangle.
    Icon(&'a GuestImage),
    /// A surface of one of dom0's own clients, with its subsurfaces.
    Surface {
        /// The root surface.
        surface: &'a WlSurface,
        /// Which point of the surface lies at the content rectangle's corner: the origin of its window geometry.
        origin: Point,
    },
}

impl View<'_> {
    /// Where its pixels may show.
    pub(super) fn clip(&self) -> Rect {
        self.outer.intersection(self.outer.inset(self.insets)).intersection(self.content)
    }
}

//! The frame around a window: how thick it is, and what lies where on it.
//!
//! The renderer draws what these functions say and hit-testing answers by them, so the two cannot disagree.

use super::geom::{Edges, Insets, Point, Rect, Size};
use super::window::{Id, Role, State, Window};

/// A toplevel's frame is never narrower than this, so that the buttons and some title fit. Narrower content lies at
/// the left, and the rest of the row belongs to the frame.
pub const MIN_FRAME_WIDTH: i32 = 160;

/// Width of one button of the title band.
pub const BUTTON_WIDTH: i32 = 24;

/// How far from a corner, along an edge, the corner still answers.
const CORNER: i32 = 16;

/// The shell's measures and habits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Height of the title band, the frame's upper side.
    pub title_height: i32,
    /// Thickness of a toplevel's other sides, and of all four of a fullscreen window and of an icon.
    pub border: i32,
    /// Thickness of a popup's inner frame.
    pub popup_border: i32,
    /// Whether a window that shows up by itself takes the keyboard focus from a window of another owner. If not, it
    /// is stacked below the focused one: it neither gets the keys nor hides where they go.
    pub focus_new: bool,
}

impl Default for Metrics {
    fn default() -> Self {
        Self { title_height: 28, border: 4, popup_border: 2, focus_new: true }
    }
}

impl Metrics {
    /// The frame's thickness on each side. No side is ever 0.
    pub fn frame_insets(&self, role: Role, state: State) -> Insets {
        match role {
            Role::Popup { .. } => Insets::uniform(self.popup_border),
            Role::Toplevel if state.fullscreen => Insets::uniform(self.border),
            Role::Icon => Insets::uniform(self.border),
            Role::Toplevel => Insets { top: self.title_height, ..Insets::uniform(self.border) },
        }
    }

    /// The same, with every measure brought between 1 and 256 pixels.
    pub(super) fn sane(self) -> Self {
        let sane = |measure: i32| measure.clamp(1, 256);
        Self {
            title_height: sane(self.title_height),
            border: sane(self.border),
            popup_border: sane(self.popup_border),
            focus_new: self.focus_new,
        }
    }
}

/// A button of the title band.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Button {
    /// Asks the window to close.
    Close,
    /// Maximises, or undoes it.
    Maximise,
    /// Hides the window until it is chosen again.
    Minimise,
}

impl Button {
    /// Every button, in the order in which they lie on the band from the right.
    pub const ALL: [Button; 3] = [Button::Close, Button::Maximise, Button::Minimise];

    /// Where the button lies on a frame of size `outer`, relative to the frame's top left corner.
    pub fn rect(self, outer: Size, insets: Insets) -> Rect {
        let place = match self {
            Button::Close => 1,
            Button::Maximise => 2,
            Button::Minimise => 3,
        };
        Rect {
            x: outer.width.saturating_sub(insets.right).saturating_sub(place * BUTTON_WIDTH),
            y: 0,
            width: BUTTON_WIDTH,
            height: insets.top,
        }
    }
}

/// A part of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FramePart {
    /// The title band outside of its buttons: moves the window.
    Title,
    /// A button of the title band.
    Button(Button),
    /// A side or a corner: resizes the window.
    Edge(Edges),
    /// Takes clicks and does nothing with them: the sides of a window that fills its output and of an icon, and what lies
    /// beside content narrower than its frame.
    Border,
}

/// What the pointer is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hit {
    /// No window.
    Nothing,
    /// A window's content; all of a popup is content, what its inner frame hides included.
    Content {
        /// The window.
        id: Id,
        /// The place, relative to the content's top left corner.
        local: Point,
    },
    /// A window's frame.
    Frame {
        /// The window.
        id: Id,
        /// The part of its frame.
        part: FramePart,
    },
}

/// The outer edge of the frame around `content`.
pub(super) fn outer(role: Role, content: Rect, insets: Insets) -> Rect {
    match role {
        Role::Popup { .. } => content,
        Role::Icon => content.outset(insets),
        Role::Toplevel => {
            let frame = content.outset(insets);
            Rect { width: frame.width.max(MIN_FRAME_WIDTH), ..frame }
        }
    }
}

/// What of `window` lies at `at`, regardless of what covers it.
pub(super) fn hit(window: &Window, at: Point) -> Hit {
    let id = window.id;
    if window.content.contains(at) {
        Hit::Content { id, local: at.minus(window.content.origin()) }
    } else if window.frame.contains(at) {
        Hit::Frame { id, part: part(window, at.minus(window.frame.origin())) }
    } else {
        Hit::Nothing
    }
}

/// The part at `at`, a place on the frame relative to its top left corner.
fn part(window: &Window, at: Point) -> FramePart {
    let state = window.state;
    let outer = window.frame.size();
    if state.fullscreen || window.role == Role::Icon {
        return FramePart::Border;
    }
    let edges = edges(outer, window.insets, at);
    let edges = match state.tile() {
        // those at the output's edges stay there
        Some(tile) => edges.without(tile.edges()),
        None if state.maximised => Edges::NONE,
        None => edges,
    };
    if edges != Edges::NONE {
        return FramePart::Edge(edges);
    }
    let on = |button: &Button| button.rect(outer, window.insets).contains(at);
    if let Some(button) = Button::ALL.into_iter().find(on) {
        return FramePart::Button(button);
    }
    if at.y < window.insets.top { FramePart::Title } else { FramePart::Border }
}

/// The edges that `at` pulls at. The upper edge is as thick as the other sides, not as the title band.
fn edges(outer: Size, insets: Insets, at: Point) -> Edges {
    let (from_right, from_bottom) = (outer.width.saturating_sub(at.x), outer.height.saturating_sub(at.y));
    let upper = insets.left.min(insets.top / 2);
    let beside = at.x < insets.left || from_right <= insets.right;
    let above = at.y < upper || from_bottom <= insets.bottom;
    if !beside && !above {
        return Edges::NONE;
    }
    // near a corner both of its edges answer; a frame smaller than two corners is cut in the middle
    let (across, down) = (CORNER.min(outer.width / 2), CORNER.min(outer.height / 2));
    Edges {
        left: at.x < if above { across } else { insets.left },
        right: from_right <= if above { across } else { insets.right },
        top: at.y < if beside { down } else { upper },
        bottom: from_bottom <= if beside { down } else { insets.bottom },
    }
}

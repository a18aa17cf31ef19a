//! The desktop as geometry: which window is where, above which, and which one has the keyboard.
//!
//! Pure: no rendering, no protocol, no clock. Mutate with the methods, then drain [`Shell::poll_effect`] until it is
//! empty. Operations on a window that does not exist, or to which they do not apply, do nothing.

pub mod frame;
pub mod geom;
pub mod window;

pub use frame::{Button, FramePart, Hit, Metrics};
use geom::{Edges, Point, Rect};
pub use window::{Id, NewWindow, Owner, Role, SizeLimits, State, Window};

/// What the caller has to do after an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Tell the window's owner where its content is now and how it is shown.
    Configure {
        /// The window.
        id: Id,
        /// Its content's place and size.
        content: Rect,
        /// How it is shown.
        states: State,
    },
    /// Move the keyboard focus.
    FocusChanged {
        /// The window that had it; may be gone.
        from: Option<Id>,
        /// The window that has it.
        to: Option<Id>,
    },
    /// Ask the window to close.
    Close {
        /// The window.
        id: Id,
    },
    /// Something visible moved, came, went or looks different: draw.
    Changed,
}

/// Which way to go through the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the window used last to those used before.
    Forward,
    /// The other way.
    Backward,
}

/// The window manager.
#[derive(Debug)]
pub struct Shell {}

#[allow(unused, missing_docs, clippy::todo)]
impl Shell {
    pub fn new(metrics: Metrics, outputs: Vec<Rect>) -> Self { todo!() }
    pub fn set_outputs(&mut self, outputs: Vec<Rect>) { todo!() }
    /// Adds a window, not shown before it is mapped.
    pub fn add(&mut self, new: NewWindow) -> Id { todo!() }
    pub fn map(&mut self, id: Id) { todo!() }
    pub fn unmap(&mut self, id: Id) { todo!() }
    pub fn remove(&mut self, id: Id) { todo!() }
    pub fn remove_owner(&mut self, owner: Owner) { todo!() }
    /// Only while unmapped (MAP carries the final override-redirect flag and parent).
    pub fn set_role(&mut self, id: Id, role: Role) { todo!() }
    /// Only before the first map (size hints with a position come after CREATE).
    pub fn set_placed(&mut self, id: Id, placed: bool) { todo!() }
    /// For toplevels; other owners' windows and cycles are not accepted.
    pub fn set_transient(&mut self, id: Id, parent: Option<Id>) { todo!() }
    pub fn set_limits(&mut self, id: Id, limits: SizeLimits) { todo!() }
    /// Default: denied.
    pub fn set_allow_fullscreen(&mut self, id: Id, allow: bool) { todo!() }
    pub fn request_geometry(&mut self, id: Id, content: Rect) { todo!() }
    pub fn request_maximise(&mut self, id: Id, on: bool) { todo!() }
    pub fn request_minimise(&mut self, id: Id, on: bool) { todo!() }
    pub fn request_fullscreen(&mut self, id: Id, on: bool) { todo!() }
    /// The user's choice (a click, `msg focus`): un-minimises, raises, focuses.
    pub fn request_focus(&mut self, id: Id) { todo!() }
    pub fn toggle_maximise(&mut self, id: Id) { todo!() }
    pub fn raise(&mut self, id: Id) { todo!() }
    pub fn hit(&self, at: Point) -> Hit { todo!() }
    pub fn pointer_motion(&mut self, at: Point) { todo!() }
    /// The primary button. Focuses, raises, starts a grab on frame parts. The answer says who gets the press:
    /// only `Hit::Content` is to be forwarded.
    pub fn pointer_press(&mut self, at: Point) -> Hit { todo!() }
    pub fn pointer_release(&mut self) { todo!() }
    /// The window and frame part that the pointer holds: Title while moving, Edge while resizing, Button while pressed.
    pub fn grabbed(&self) -> Option<(Id, FramePart)> { todo!() }
    pub fn begin_move(&mut self, id: Id, at: Point) { todo!() }
    pub fn begin_resize(&mut self, id: Id, edges: Edges, at: Point) { todo!() }
    pub fn focused(&self) -> Option<Id> { todo!() }
    /// Chooses the next candidate; stack() previews it on top, the focus moves in alt_tab_end.
    pub fn alt_tab(&mut self, direction: Direction) { todo!() }
    pub fn alt_tab_end(&mut self) { todo!() }
    pub fn alt_tab_cancel(&mut self) { todo!() }
    /// The window chosen so far, while switching.
    pub fn alt_tab_choice(&self) -> Option<Id> { todo!() }
    /// Visible windows, bottom to top.
    pub fn stack(&self) -> impl DoubleEndedIterator<Item = &Window> { Vec::new().into_iter() }
    pub fn all_windows(&self) -> impl Iterator<Item = &Window> { Vec::new().into_iter() }
    pub fn window(&self, id: Id) -> Option<&Window> { todo!() }
    pub fn outputs(&self) -> &[Rect] { todo!() }
    pub fn poll_effect(&mut self) -> Option<Effect> { todo!() }
}

//! The pointer on windows: clicks, moving, resizing, the frame's buttons.
//!
//! At most one window is held at a time, from a press or a `begin_` call to the release. Whatever takes the window
//! off the desktop or changes its state lets go of it.

use super::Shell;
use super::frame::{Button, FramePart, Hit, MIN_FRAME_WIDTH};
use super::geom::{Edges, Point, Rect, Size};
use super::placement;
use super::tile::Landing;
use super::window::{Id, MAX_CONTENT, Role, Window};

/// How far the pointer must go before it pulls a maximised or tiled window off its place: further than a hand shakes during
/// a double click.
const PULL: i32 = 8;

/// What the pointer holds.
#[derive(Clone, Copy, Debug)]
pub(super) enum Grab {
    /// A window that follows the pointer.
    Move {
        id: Id,
        /// Where the pointer was at first.
        from: Point,
        /// From the content's top left corner to the pointer.
        offset: Point,
        /// Whether the pointer has been away from the outputs' edges: only then does it mean something to be at one.
        was_away: bool,
        /// What the window becomes if it is let go of now.
        landing: Option<Landing>,
    },
    /// Edges of a window that follow the pointer, while the others stay.
    Resize {
        id: Id,
        edges: Edges,
        /// Where the pointer was at first.
        from: Point,
        /// Where the content was at first.
        start: Rect,
    },
    /// A button that acts if the pointer is still on it when released.
    Button { id: Id, button: Button },
}

impl Grab {
    pub(super) fn holds(&self) -> (Id, FramePart) {
        match *self {
            Grab::Move { id, .. } => (id, FramePart::Title),
            Grab::Resize { id, edges, .. } => (id, FramePart::Edge(edges)),
            Grab::Button { id, button } => (id, FramePart::Button(button)),
        }
    }
}

impl Shell {
    /// The window and the part of its frame that the pointer holds: the title while it moves, an edge while it is
    /// resized, a button while that is pressed. Meanwhile no window should hear of the pointer.
    pub fn grabbed(&self) -> Option<(Id, FramePart)> {
        self.grab.as_ref().map(Grab::holds)
    }

    /// The pointer moved, and what it holds with it. A place outside of the outputs counts as the nearest on them.
    pub fn pointer_motion(&mut self, at: Point) {
        self.pointer = placement::onto_outputs(&self.outputs, at);
        match self.grab {
            Some(Grab::Move { id, from, offset, .. }) => self.drag(id, from, offset),
            Some(Grab::Resize { id, edges, from, start }) => self.stretch(id, edges, from, start),
            Some(Grab::Button { .. }) | None => {}
        }
    }

    /// The primary button went down: raises and focuses what is there, and takes hold of a frame. The answer says
    /// what it was; only [`Hit::Content`] concerns the window itself. While something is held that is nothing.
    pub fn pointer_press(&mut self, at: Point) -> Hit {
        if self.grab.is_some() {
            return Hit::Nothing;
        }
        // what the user sees is what the click goes to
        self.alt_tab_end();
        self.pointer = placement::onto_outputs(&self.outputs, at);
        let hit = self.hit(at);
        self.leave_icon(&hit);
        if let Hit::Content { id, .. } | Hit::Frame { id, .. } = hit {
            self.raise(id);
            if let Some(base) = self.base_of(id) {
                self.request_focus(base);
            }
        }
        if let Hit::Frame { id, part } = hit {
            match part {
                FramePart::Title => self.begin_move(id, at),
                FramePart::Edge(edges) => self.begin_resize(id, edges, at),
                FramePart::Button(button) => self.grab = Some(Grab::Button { id, button }),
                FramePart::Border => {}
            }
        }
        hit
    }

    /// The primary button came up: lets go of what is held. A window moved to an edge of an output fills the output, or its
    /// part there.
    pub fn pointer_release(&mut self) {
        let held = self.grab;
        self.let_go();
        let (id, button) = match held {
            Some(Grab::Move { id, landing: Some(landing), .. }) => return self.land(id, landing),
            Some(Grab::Button { id, button }) => (id, button),
            _ => return,
        };
        if self.hit(self.pointer) != (Hit::Frame { id, part: FramePart::Button(button) }) {
            return;
        }
        match button {
            Button::Close => {
                self.effects.close.insert(id);
            }
            Button::Maximise => self.toggle_maximise(id),
            Button::Minimise => self.request_minimise(id, true),
        }
    }

    /// Lets a toplevel follow the pointer, now at `at`, until [`Shell::pointer_release`]. One that is maximised or
    /// tiled comes off its place once the pointer has moved a little, with its title under the pointer. A fullscreen one
    /// stays.
    pub fn begin_move(&mut self, id: Id, at: Point) {
        if let Some(window) = self.can_hold(id) {
            let from = placement::onto_outputs(&self.outputs, at);
            let offset = from.minus(window.content.origin());
            self.pointer = from;
            let was_away = self.landing_at(from).is_none();
            self.grab = Some(Grab::Move { id, from, offset, was_away, landing: None });
        }
    }

    /// Lets `edges` of a toplevel follow the pointer, now at `at`, until [`Shell::pointer_release`]; the opposite ones
    /// stay. One that is maximised or tiled stops being that, with the size it has. A fullscreen one stays as it is.
    pub fn begin_resize(&mut self, id: Id, edges: Edges, at: Point) {
        let contradictory = edges.left && edges.right || edges.top && edges.bottom;
        let Some(window) = self.can_hold(id).filter(|_| edges != Edges::NONE && !contradictory) else {
            return;
        };
        if window.state.fills_output() {
            let filled = window.content;
            self.place(id, filled);
            self.come_off(id);
        }
        let Some(window) = self.windows.get_mut(&id) else { return };
        window.pulled = edges;
        self.effects.restyled.insert(id);
        let start = window.normal;
        let from = placement::onto_outputs(&self.outputs, at);
        self.pointer = from;
        self.grab = Some(Grab::Resize { id, edges, from, start });
    }

    fn can_hold(&self, id: Id) -> Option<&Window> {
        let window = self.windows.get(&id).filter(|window| window.role == Role::Toplevel)?;
        (self.grab.is_none() && self.is_visible(id) && !window.state.fullscreen).then_some(window)
    }

    fn drag(&mut self, id: Id, from: Point, mut offset: Point) {
        let Some(window) = self.windows.get(&id) else { return };
        let (filled, normal) = (window.frame, window.normal);
        if window.state.fills_output() {
            if self.pointer.minus(from).longest() < PULL {
                return;
            }
            // the pointer keeps its share of the title's width, and its height on the band
            let insets = self.normal_insets();
            let width = self.frame_around(normal).width;
            let across = i64::from(from.x - filled.x) * i64::from(width) / i64::from(filled.width.max(1));
            let across = i32::try_from(across).unwrap_or(0).clamp(0, width - 1);
            let down = (from.y - filled.y).clamp(0, insets.top - 1);
            offset = Point { x: across - insets.left, y: down - insets.top };
            let held = self.grab;
            self.come_off(id);
            self.grab = held;
        }
        self.place(id, normal.moved_to(self.pointer.minus(offset)));
        let meant = self.landing_at(self.pointer);
        if let Some(Grab::Move { offset: kept, was_away, landing, .. }) = &mut self.grab {
            *kept = offset;
            *was_away |= meant.is_none();
            let before = std::mem::replace(landing, meant.filter(|_| *was_away));
            self.effects.changed |= before.is_some() || landing.is_some();
        }
    }

    /// A maximised or tiled window goes back to its normal place.
    fn come_off(&mut self, id: Id) {
        self.edit_state(id, |window| {
            (window.state.maximised, window.state.tiled) = (false, None);
            window.maximised_instead = false;
        });
        self.settle();
    }

    fn stretch(&mut self, id: Id, edges: Edges, from: Point, start: Rect) {
        let Some(window) = self.windows.get(&id) else { return };
        let limits = window.limits;
        let pulled = self.pointer.minus(from);
        let insets = self.normal_insets();
        // narrower content would leave the frame as it is, and the edge behind the pointer
        let least = Size::new((MIN_FRAME_WIDTH - insets.left - insets.right).max(1), 1);
        let resized = |size: Size, by: Point| {
            let size = Size {
                width: size.width + if edges.right { by.x } else { 0 } - if edges.left { by.x } else { 0 },
                height: size.height + if edges.bottom { by.y } else { 0 } - if edges.top { by.y } else { 0 },
            };
            let liked = limits.constrain(size.clamped(least, MAX_CONTENT));
            let width = if edges.left || edges.right { liked.width } else { start.width };
            let height = if edges.top || edges.bottom { liked.height } else { start.height };
            let x = if edges.left { start.right() - width } else { start.x };
            let y = if edges.top { start.bottom() - height } else { start.y };
            Rect { x, y, width, height }
        };
        let wanted = resized(start.size(), pulled);
        // what would go out of reach goes as far as it can; the edges not pulled at stay in any case
        let missing = self.reachable(wanted).origin().minus(wanted.origin());
        let allowed = resized(wanted.size(), missing);
        if self.reachable(allowed) == allowed {
            self.place(id, allowed);
        }
    }
}

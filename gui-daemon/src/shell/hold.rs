//! A frame that waits for the content that fits it.
//!
//! A window's owner needs a moment to draw at a size it is told. Until it has, frame and content stay as they are, and
//! then both change at once, so that nobody ever sees one without the other. Whoever takes too long is not waited for
//! any more: the frame goes ahead, until an answer comes again. The shell has no clock; its caller says when the wait
//! is over ([`Shell::give_up`]).
//!
//! One size at most is unanswered per window. What the user does meanwhile is told in one step after the answer.

use super::Shell;
use super::frame;
use super::geom::{Edges, Rect, Size};
use super::grab::Grab;
use super::placement;
use super::window::{Id, MAX_CONTENT, MIN_CONTENT, Role, State, Window};

/// Whether what a window was told has been answered by content.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Answer {
    /// What was told and is waited for.
    pub(super) awaited: Option<(Rect, State)>,
    /// An answer took too long, and none has come since.
    pub(super) late: bool,
    /// The answer was another size than the one told.
    pub(super) chosen: bool,
}

impl Window {
    /// Whether content of a size that its owner was told is being waited for.
    pub fn is_awaited(&self) -> bool {
        self.answer.awaited.is_some()
    }

    /// The content's place and size, and how it is shown, as its owner was told last.
    pub fn told(&self) -> (Rect, State) {
        self.told
    }

    /// Whether the frame stays as it is rather than take this size before the content has it. There must be an answer
    /// to come, or one that came and was another size.
    pub(super) fn holds(&self, size: Size) -> bool {
        let is_told = !self.is_awaited() && !self.answer.chosen && self.told.0.size() == size;
        self.draws() && !self.answer.late && self.content.size() != size && !is_told
    }

    /// What its owner has to be told now, taken as told. A size goes out when the one before is answered; that the
    /// window is minimised does not wait for that.
    pub(super) fn tell(&mut self) -> Option<(Rect, State)> {
        let wanted = match self.answer.awaited {
            Some(_) => (self.told.0, State { minimised: self.state.minimised, ..self.told.1 }),
            None => (self.goal, self.state),
        };
        if self.told == wanted {
            return None;
        }
        if self.draws() && self.told.0.size() != wanted.0.size() {
            self.answer = Answer { awaited: Some(wanted), chosen: false, ..self.answer };
        }
        self.told = wanted;
        Some(wanted)
    }

    /// The size it chose, if the user wants no other by now, is the size it has.
    fn take_choice(&mut self) {
        let is_told = self.told.0.size() == self.goal.size() && !self.state.fills_output();
        if is_told && std::mem::take(&mut self.answer.chosen) {
            self.told.0 = Rect::at(self.told.0.origin(), self.content.size());
            self.normal = self.content;
            self.goal = self.content;
        }
    }

    /// Whether content of this size changes nothing: its owner was told what is wanted, has answered, and all is there.
    fn has_settled_at(&self, size: Size) -> bool {
        let wanted = (self.goal, self.state);
        self.answer == Answer::default()
            && (self.told, (self.content, self.shown)) == (wanted, wanted)
            && (self.state.fills_output() || self.content.size() == size)
    }

    /// Whether sizes that it is told are answered by content.
    fn draws(&self) -> bool {
        self.patient && self.mapped && self.is_toplevel()
    }
}

impl Shell {
    /// Says whether a window draws at the sizes it is told, and says so by [`Shell::drawn`]; if not, as at first, its
    /// frame takes every size at once.
    pub fn set_patient(&mut self, id: Id, patient: bool) {
        let Some(window) = self.windows.get_mut(&id).filter(|window| window.patient != patient) else {
            return;
        };
        window.patient = patient;
        window.answer = Answer::default();
        self.go_ahead(id);
    }

    /// A window's content has this size from now on. `answers` says that its owner knew what it was told last when it
    /// drew it. A size that it was not told is its own choice: it gets it, unless it fills an output or its frame is
    /// ahead of it; while the user resizes it, it gets it for now.
    pub fn drawn(&mut self, id: Id, size: Size, answers: bool) {
        // whatever an icon draws, its cell stays
        let Some(window) = self.windows.get_mut(&id).filter(|window| window.role != Role::Icon) else {
            return;
        };
        let size = size.clamped(MIN_CONTENT, MAX_CONTENT);
        if !window.draws() {
            let wish = Rect::at(window.normal.origin(), size);
            return self.request_geometry(id, wish);
        }
        // as nearly every frame does
        if window.has_settled_at(size) {
            return;
        }
        if window.answer.late && !answers {
            return;
        }
        let answered = if answers { std::mem::take(&mut window.answer).awaited } else { None };
        let (place, state) = match answered {
            _ if window.is_awaited() => (window.content, window.shown),
            _ if window.told.0.size() == window.goal.size() => (window.goal, window.state),
            Some(asked) => asked,
            None => (window.content, window.shown),
        };
        let pulled = window.pulled;
        if state.fills_output() || place.size() == size {
            self.show(id, place, state);
        } else {
            let content = self.reachable(anchored(place, size, pulled));
            self.show(id, content, state);
            let resized = matches!(self.grab, Some(Grab::Resize { id: held, .. }) if held == id);
            if let Some(window) = self.windows.get_mut(&id).filter(|window| !window.is_awaited()) {
                window.answer.chosen = true;
                if !resized {
                    window.take_choice();
                }
            }
        }
        self.effects.configure.insert(id);
        self.settle();
    }

    /// The answer to a size took too long: the frame takes it without the content.
    pub fn give_up(&mut self, id: Id) {
        if let Some(window) = self.windows.get_mut(&id).filter(|window| window.is_awaited()) {
            window.answer = Answer { late: true, ..Answer::default() };
            self.go_ahead(id);
        }
    }

    /// Brings the frame to where it is to be, whatever the content's size.
    pub(super) fn go_ahead(&mut self, id: Id) {
        if let Some(window) = self.windows.get(&id) {
            let (goal, state) = (window.goal, window.state);
            self.show(id, goal, state);
            self.effects.configure.insert(id);
        }
    }

    /// Lets go of what the pointer holds. A window that was resized keeps the size that it has drawn.
    pub(super) fn let_go(&mut self) {
        let Some(Grab::Resize { id, .. }) = self.grab.take() else { return };
        if let Some(window) = self.windows.get_mut(&id) {
            window.take_choice();
            self.effects.configure.insert(id);
            self.effects.restyled.insert(id);
        }
    }

    /// Shows content and frame there.
    pub(super) fn show(&mut self, id: Id, content: Rect, state: State) {
        let Some(window) = self.windows.get_mut(&id) else { return };
        let insets = self.metrics.frame_insets(window.role, state);
        let frame = frame::outer(window.role, content, insets);
        self.effects.changed |= window.mapped && (window.frame, window.content) != (frame, content);
        let before = std::mem::replace(&mut window.content, content);
        (window.frame, window.insets, window.shown) = (frame, insets, state);
        if before != content {
            self.popups_follow(id, before);
        }
    }
}

/// Content of another size in a place: the edges that were not pulled at stay.
fn anchored(place: Rect, size: Size, pulled: Edges) -> Rect {
    let x = if pulled.left { place.right().saturating_sub(size.width) } else { place.x };
    let y = if pulled.top { place.bottom().saturating_sub(size.height) } else { place.y };
    placement::within_limits(Rect { x, y, width: size.width, height: size.height })
}

//! Where each window is, and how it is shown.
//!
//! A window's content and frame follow from three things: its normal place, its role and its state. Whatever changes
//! one of them ends in [`Shell::lay_out`]. A toplevel on the desktop can always be grabbed by its title band.

use super::geom::{Edges, Insets, Rect};
use super::grab::Grab;
use super::window::{Id, MAX_CONTENT, MIN_CONTENT, Role, SizeLimits, State, Window};
use super::{Shell, frame, placement};

impl Shell {
    /// A window's owner wishes its content to have this place and size. A popup gets it, brought onto its output. A
    /// toplevel gets it as far as it stays reachable, but neither while it fills an output nor while the user resizes
    /// it; while the user moves it, it gets the size. An icon stays as it is. Where the outcome differs from the wish, a
    /// [`Configure`](super::Effect::Configure) says so. What comes while an answer is awaited is the answer.
    pub fn request_geometry(&mut self, id: Id, content: Rect) {
        let Some(window) = self.windows.get_mut(&id) else { return };
        if window.is_awaited() {
            return self.drawn(id, content.size(), true);
        }
        window.told.0 = content;
        let is_fixed = window.state.fills_output() || window.role == Role::Icon;
        let held = self.grab.as_ref().filter(|grab| grab.holds().0 == id);
        match held {
            _ if is_fixed => self.lay_out(id),
            Some(Grab::Resize { .. }) => self.lay_out(id),
            Some(Grab::Move { .. }) => {
                let place = window.normal.origin();
                self.place(id, Rect::at(place, content.size()));
                self.go_ahead(id);
            }
            Some(Grab::Button { .. }) | None => {
                self.place(id, content);
                self.go_ahead(id);
            }
        }
        self.settle();
    }

    /// Says which sizes a window likes. Holds from the next resize on.
    pub fn set_limits(&mut self, id: Id, limits: SizeLimits) {
        if let Some(window) = self.windows.get_mut(&id) {
            window.limits = limits;
        }
    }

    /// Says whether the place a toplevel that is not mapped has by now counts when it is shown; if not, it gets one.
    pub fn set_placed(&mut self, id: Id, placed: bool) {
        if let Some(window) = self.windows.get_mut(&id).filter(|window| !window.mapped) {
            window.placed = placed;
        }
    }

    /// Says whether a window may be fullscreen; if not, as at first, it is maximised instead.
    pub fn set_allow_fullscreen(&mut self, id: Id, allow: bool) {
        let Some(window) = self.windows.get_mut(&id) else { return };
        window.may_fullscreen = allow;
        if window.state.fullscreen && !allow {
            self.edit_state(id, |window| window.state.fullscreen = false);
            self.request_fullscreen(id, true);
        }
    }

    /// Says whether a popup that covers more than nine tenths of its output is shown as a toplevel. At first so for the
    /// domains' windows, and not for dom0's. Holds from the next time the popup is placed.
    pub fn set_popup_protection(&mut self, id: Id, protect: bool) {
        if let Some(window) = self.windows.get_mut(&id) {
            window.popup_protection = protect;
        }
    }

    /// Fills an output with a toplevel's frame, or gives it back its normal place.
    pub fn request_maximise(&mut self, id: Id, on: bool) {
        self.edit_state(id, |window| {
            window.state.maximised = on;
            window.maximised_instead = false;
        });
        self.settle();
    }

    /// Maximises a toplevel, or undoes it; one that is fullscreen just stops being that.
    pub fn toggle_maximise(&mut self, id: Id) {
        match self.windows.get(&id).map(|window| window.state) {
            Some(State { fullscreen: true, .. }) => self.request_fullscreen(id, false),
            Some(State { maximised, .. }) => self.request_maximise(id, !maximised),
            None => {}
        }
    }

    /// Hides a toplevel with its popups and dialogs, or shows it again; then it comes forward as a new one does.
    pub fn request_minimise(&mut self, id: Id, on: bool) {
        if self.edit_state(id, |window| window.state.minimised = on) && !on {
            self.come_forward(id);
        }
        self.settle();
    }

    /// Fills an output with a toplevel's content but for a border, or undoes it. Where that is not allowed, the window
    /// is maximised, and undoing it undoes that.
    pub fn request_fullscreen(&mut self, id: Id, on: bool) {
        self.edit_state(id, |window| {
            if on && !window.may_fullscreen {
                window.maximised_instead |= !window.state.maximised;
                window.state.maximised = true;
            } else {
                window.state.fullscreen = on;
                if !on && window.maximised_instead {
                    window.maximised_instead = false;
                    window.state.maximised = false;
                }
            }
        });
        self.settle();
    }

    /// Replaces the outputs; those that are empty do not count, and if none is left there is one of 1024x768. Windows
    /// are brought onto the new ones.
    pub fn set_outputs(&mut self, outputs: Vec<Rect>) {
        self.outputs = placement::usable(outputs);
        self.fit_work_areas();
        self.let_go();
        self.effects.changed = true;
        let mapped: Vec<(Id, Rect)> = self
            .all_windows()
            .filter(|window| window.mapped && window.role != Role::Icon)
            .map(|window| (window.id, window.normal))
            .collect();
        for (id, normal) in mapped {
            if let Some(window) = self.windows.get_mut(&id) {
                window.answer.awaited = None;
            }
            self.place(id, normal);
            self.go_ahead(id);
        }
        self.lay_out_tray();
        self.settle();
    }

    /// The outputs in use; never none.
    pub fn outputs(&self) -> &[Rect] {
        &self.outputs
    }

    /// Changes a toplevel's state; a grab of it ends if that changed anything, and the answer says so.
    pub(super) fn edit_state(&mut self, id: Id, edit: impl FnOnce(&mut Window)) -> bool {
        let Some(window) = self.windows.get_mut(&id).filter(|window| window.is_toplevel()) else {
            return false;
        };
        let before = window.state;
        edit(window);
        if window.state == before {
            return false;
        }
        if self.grabbed().is_some_and(|(held, _)| held == id) {
            self.let_go();
        }
        if let Some(window) = self.windows.get_mut(&id) {
            window.pulled = Edges::NONE;
            window.answer.chosen = false;
        }
        self.effects.changed = true;
        self.lay_out(id);
        true
    }

    /// Gives a window its normal place: `content`, or the nearest that is allowed. A popup that must not cover its
    /// output but would becomes a toplevel, so that the user can move it away, minimise it or close it.
    pub(super) fn place(&mut self, id: Id, content: Rect) {
        let Some(window) = self.windows.get(&id) else { return };
        let content = placement::within_limits(content);
        let protect = window.popup_protection;
        let normal = match window.role {
            Role::Icon => window.normal,
            _ if !window.mapped => content,
            Role::Toplevel => self.reachable(content),
            Role::Popup { parent } if protect && placement::covers_output(&self.work_areas, content) => {
                if let Some(window) = self.windows.get_mut(&id) {
                    window.set_role(false, parent);
                }
                self.remember(id);
                self.room_for(id, content)
            }
            Role::Popup { .. } => self.beside_parent(window, content).unwrap_or_else(|| {
                let output = placement::output_of(&self.outputs, content);
                placement::popup_on_screen(output, self.room_around(window, content), content)
            }),
        };
        let Some(window) = self.windows.get_mut(&id) else { return };
        window.normal = normal;
        let gets_a_frame = window.is_toplevel() && window.frame == window.content;
        self.lay_out(id);
        if gets_a_frame {
            self.go_ahead(id);
        }
    }

    /// A place for a toplevel that has none yet, its whole frame inside an output: dialogs on their parent, others
    /// where the pointer is. Content too big for that is made as small as its limits allow.
    pub(super) fn room_for(&self, id: Id, content: Rect) -> Rect {
        let Some(window) = self.windows.get(&id) else { return content };
        let parent = window.transient_for.filter(|parent| self.is_visible(*parent));
        let parent = parent.and_then(|parent| self.windows.get(&parent)).map(|parent| parent.frame);
        let around = parent.unwrap_or(Rect::at(self.pointer, MIN_CONTENT));
        let output = placement::output_of(&self.work_areas, around);

        let room = output.inset(self.normal_insets()).size().clamped(MIN_CONTENT, MAX_CONTENT);
        let mut size = content.size().clamped(MIN_CONTENT, MAX_CONTENT);
        if size != size.clamped(MIN_CONTENT, room) {
            size = window.limits.constrain(size.clamped(MIN_CONTENT, room));
        }
        let content = Rect::at(content.origin(), size);
        let frame = self.frame_around(content);
        let origin = match parent {
            Some(parent) => placement::centred(parent, frame.size(), output),
            None => {
                let others = self.stack().rev().filter(|other| other.id != id && other.is_toplevel());
                let taken: Vec<Rect> = others.map(|other| other.frame).take(placement::NOTICED).collect();
                let step = self.metrics.title_height + self.metrics.border;
                placement::beside(output, frame.size(), step, &taken)
            }
        };
        // content too big for the output even so still keeps its title band in reach
        self.reachable(content.moved_to(content.origin().plus(origin.minus(frame.origin()))))
    }

    /// Brings content and frame in line with a window's normal place, role and state; both wait for content that fits,
    /// if it is worth waiting for.
    pub(super) fn lay_out(&mut self, id: Id) {
        let Some(window) = self.windows.get(&id) else { return };
        let insets = self.metrics.frame_insets(window.role, window.state);
        let content = match self.filled_by(window) {
            Some(area) => {
                let inside = area.inset(insets);
                Rect::at(inside.origin(), inside.size().clamped(MIN_CONTENT, MAX_CONTENT))
            }
            None => window.normal,
        };
        let (holds, state) = (window.holds(content.size()), window.state);
        if let Some(window) = self.windows.get_mut(&id) {
            window.goal = content;
            self.effects.configure.insert(id);
        }
        if !holds {
            self.show(id, content, state);
        }
    }

    /// The content moved by the shortest way to where its title band can be grabbed.
    pub(super) fn reachable(&self, content: Rect) -> Rect {
        let frame = self.frame_around(content);
        let moved = placement::reachable(&self.work_areas, frame, self.metrics.title_height);
        content.moved_to(content.origin().plus(moved.origin().minus(frame.origin())))
    }

    /// The frame of a toplevel in its normal place.
    pub(super) fn frame_around(&self, content: Rect) -> Rect {
        frame::outer(Role::Toplevel, content, self.normal_insets())
    }

    /// The frame's thickness around a toplevel in its normal place.
    pub fn normal_insets(&self) -> Insets {
        self.metrics.frame_insets(Role::Toplevel, State::default())
    }
}

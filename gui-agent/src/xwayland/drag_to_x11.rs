//! What Wayland programs drag over X11 windows: the source's part of XDND, for a source that is no X11 program.
//!
//! A window of the window manager's, which nobody sees, says what is dragged and hands it over ([`super::selection`], as
//! incrementally as the rest). The window below the pointer is told that something is there and where, and says what it
//! would do with it: an answer to each question, one at a time. So a program that is slow is told of the last place only, and
//! one that does not answer keeps nobody from dragging on; when something is dropped there, it has as long as [`ANSWER`],
//! and then [`FINISH`] to take it.
//!
//! Windows without `XdndAware`, or with a version before 3, are no targets. `XdndProxy` is not followed: it is for a root
//! window with icons on it, which there is none of here. Any program may answer in the name of the window that is asked: it
//! decides no more than the window could, and gets no more than X11 lets it have anyway.

use std::time::{Duration, Instant};

use smithay::{
    reexports::wayland_server::protocol::wl_data_device_manager::DndAction,
    utils::{Logical, Physical, Point},
};
use x11rb_protocol::{
    id_allocator::IdAllocator,
    protocol::xproto::{
        Atom, AtomEnum, CLIENT_MESSAGE_EVENT, ClientMessageEvent, EventMask, GetInputFocusRequest, Window,
    },
};

use super::{
    connection::Connection,
    manager::{Happening, Manager, NONE},
    scale::point_in_pixels,
    selection::Which,
    startup::Question,
};
use crate::{
    drag::source::{Source, Word},
    state::State,
};

/// XDND's newest version.
pub(super) const VERSION: u32 = 5;

/// The oldest that windows are spoken to in: nothing newer than twenty years has one before.
const OLDEST: u32 = 3;

/// How long a window may take to say whether it would take what the user has let go of over it.
const ANSWER: Duration = Duration::from_secs(1);

/// How long it may then take to have all of it, and to ask the user what to do with it.
const FINISH: Duration = Duration::from_secs(60);

/// What came of the window that something is over, or was dropped on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TargetSays {
    /// It would do this with it; nothing, if empty.
    Would(DndAction),
    /// It has been told that it is dropped there.
    Dropped,
    /// It has done this with it; nothing, if empty.
    Did(DndAction),
}

/// How far a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It is told when the server has said what it calls the kinds.
    Waiting { let_go: bool },
    /// It has been told where the pointer is, which may have moved since, or let go.
    Asked { moved: bool, let_go: bool },
    /// It has answered.
    Answered,
    /// It was dropped there.
    Dropped,
}

/// A window that something is over, or was dropped on.
#[derive(Debug)]
struct Target {
    window: Window,
    version: u32,
    stage: Stage,
    place: Point<i32, Physical>,
    /// What it would do.
    action: DndAction,
}

/// What is dragged from Wayland.
#[derive(Debug)]
pub(super) struct DragToX11 {
    /// Stands for the program that drags.
    pub(super) window: Window,
    /// What may be done with it.
    actions: DndAction,
    /// Counts drags, and whether the kinds of this one are known.
    round: u32,
    known: bool,
    target: Option<Target>,
}

impl DragToX11 {
    pub(super) fn new(
        connection: &mut Connection<Question>,
        root: Window,
        ids: &mut IdAllocator,
    ) -> Option<Self> {
        let window = ids.generate_id()?;
        connection.create_hidden(window, root, EventMask::NO_EVENT);
        Some(Self { window, actions: DndAction::None, round: 0, known: false, target: None })
    }

    /// Whether X11 programs may have what is dragged: one of them has been told of it.
    pub(super) fn is_told(&self) -> bool {
        self.target.as_ref().is_some_and(|target| !matches!(target.stage, Stage::Waiting { .. }))
    }
}

/// What X11 windows are offered.
#[derive(Debug)]
pub(super) struct DraggedToX11 {
    pub(super) source: Source,
    /// What the window that it is over, or was, would do with it.
    action: DndAction,
    /// When it was dropped: until when the window may say something.
    pub(super) until: Option<Instant>,
}

impl Manager {
    /// A Wayland program drags something.
    fn drag_begins(&mut self, kinds: &[String], actions: DndAction) {
        self.drag_leaves();
        self.to_x11.round = self.to_x11.round.wrapping_add(1);
        (self.to_x11.actions, self.to_x11.known) = (actions, false);
        self.offer(Which::Dragged, kinds);
        // by when this is answered, the names of the kinds are known, which were asked for before
        let question = Question::DragKinds(self.to_x11.round);
        self.connection.ask(GetInputFocusRequest, question);
    }

    pub(super) fn drag_kinds_answered(&mut self, round: u32) {
        if round != self.to_x11.round {
            return;
        }
        let (window, atoms) = (self.to_x11.window, self.atoms);
        let kinds = self.offered_atoms(Which::Dragged);
        let actions: Vec<Atom> = [DndAction::Copy, DndAction::Move, DndAction::Ask]
            .into_iter()
            .filter(|action| self.to_x11.actions.contains(*action))
            .map(|action| self.action_atom(action))
            .collect();
        self.set_words(window, atoms.xdnd_type_list, AtomEnum::ATOM, &kinds);
        self.set_words(window, atoms.xdnd_action_list, AtomEnum::ATOM, &actions);
        self.to_x11.known = true;
        if self.to_x11.target.is_some() {
            self.tell_target();
        }
    }

    fn drag_ends(&mut self) {
        self.drag_leaves();
        self.to_x11.known = false;
        self.offer(Which::Dragged, &[]);
    }

    /// The version that a window is spoken to in, if it takes anything.
    fn drop_version(&self, window: Window) -> Option<u32> {
        let version = self.windows.get(&window)?.properties.drop_version?;
        (version >= OLDEST).then_some(version.min(VERSION))
    }

    fn takes_drops(&self, window: Window) -> bool {
        self.drop_version(window).is_some()
    }

    /// It is over a window.
    fn drag_enters(&mut self, window: Window) {
        self.drag_leaves();
        let Some(version) = self.drop_version(window) else { return };
        let (stage, place) = (Stage::Waiting { let_go: false }, Point::default());
        self.to_x11.target = Some(Target { window, version, stage, place, action: DndAction::None });
    }

    fn drag_is_at(&mut self, place: Point<f64, Logical>) {
        let place = point_in_pixels(self.density, place);
        let Some(target) = &mut self.to_x11.target else { return };
        let moves = std::mem::replace(&mut target.place, place) != place;
        match &mut target.stage {
            Stage::Asked { moved, .. } => *moved |= moves,
            Stage::Answered if moves => self.ask_target(false),
            Stage::Waiting { .. } if self.to_x11.known => self.tell_target(),
            Stage::Waiting { .. } | Stage::Answered | Stage::Dropped => {}
        }
    }

    fn drag_leaves(&mut self) {
        let Some(target) = self.to_x11.target.take() else { return };
        if !matches!(target.stage, Stage::Waiting { .. } | Stage::Dropped) {
            self.say_to(target.window, self.atoms.xdnd_leave, [0; 4]);
        }
    }

    /// The user lets go.
    fn drag_drops(&mut self) {
        match self.to_x11.target.as_mut().map(|target| &mut target.stage) {
            Some(Stage::Waiting { let_go } | Stage::Asked { let_go, .. }) => *let_go = true,
            Some(Stage::Answered) => self.drop_on_target(),
            Some(Stage::Dropped) | None => self.says(TargetSays::Did(DndAction::None)),
        }
    }

    /// Tells a window that something is over it, and asks what it thinks of that.
    fn tell_target(&mut self) {
        /// The bit that says that there are more kinds than fit into the message.
        const LISTED: u32 = 1;
        let kinds = self.offered_atoms(Which::Dragged);
        let listed = if kinds.len() > 3 { LISTED } else { 0 };
        let kind = |at: usize| kinds.get(at).copied().unwrap_or(NONE);
        let Some(target) = &self.to_x11.target else { return };
        let (window, first) = (target.window, target.version << 24 | listed);
        let let_go = target.stage == Stage::Waiting { let_go: true };
        self.say_to(window, self.atoms.xdnd_enter, [first, kind(0), kind(1), kind(2)]);
        self.ask_target(let_go);
    }

    fn ask_target(&mut self, let_go: bool) {
        let proposed = [DndAction::Copy, DndAction::Move, DndAction::Ask];
        let proposed = proposed.into_iter().find(|action| self.to_x11.actions.contains(*action));
        let action = self.action_atom(proposed.unwrap_or(DndAction::None));
        let since = self.offered_since(Which::Dragged);
        let Some(target) = &mut self.to_x11.target else { return };
        target.stage = Stage::Asked { moved: false, let_go };
        let (window, place) = (target.window, pair(target.place));
        self.say_to(window, self.atoms.xdnd_position, [0, place, since, action]);
    }

    fn drop_on_target(&mut self) {
        let since = self.offered_since(Which::Dragged);
        let Some(target) = &mut self.to_x11.target else { return };
        if target.action.is_empty() {
            return self.says(TargetSays::Did(DndAction::None));
        }
        target.stage = Stage::Dropped;
        let window = target.window;
        self.say_to(window, self.atoms.xdnd_drop, [0, since, 0, 0]);
        self.says(TargetSays::Dropped);
    }

    /// A window answers, or a program in its name.
    pub(super) fn drag_answer(&mut self, message: &ClientMessageEvent) {
        const ACCEPTED: u32 = 1;
        let [window, flags, second, _, fourth] = message.data.as_data32();
        let Some(target) = self.to_x11.target.as_ref().filter(|target| target.window == window) else {
            return;
        };
        let (stage, version, would) = (target.stage, target.version, target.action);
        let accepted = flags & ACCEPTED != 0;
        if message.type_ == self.atoms.xdnd_status {
            let action = if accepted { self.action_of(fourth) } else { DndAction::None };
            let moves_on = match stage {
                Stage::Asked { moved, let_go } => Some((moved, let_go)),
                // unasked, since it has changed its mind
                Stage::Answered => None,
                Stage::Waiting { .. } | Stage::Dropped => return,
            };
            if let Some(target) = &mut self.to_x11.target {
                (target.action, target.stage) = (action, Stage::Answered);
            }
            self.says(TargetSays::Would(action));
            match moves_on {
                Some((true, let_go)) => self.ask_target(let_go),
                Some((false, true)) => self.drop_on_target(),
                Some((false, false)) | None => {}
            }
        } else if message.type_ == self.atoms.xdnd_finished && stage == Stage::Dropped {
            self.to_x11.target = None;
            let did = match version {
                // before, it went without saying
                ..VERSION => would,
                _ if accepted => self.action_of(second),
                _ => DndAction::None,
            };
            self.says(TargetSays::Did(did));
        }
    }

    /// A window is not there any more.
    pub(super) fn drag_target_gone(&mut self, window: Window) {
        let gone = self.to_x11.target.take_if(|target| target.window == window);
        let let_go = gone.is_some_and(|target| match target.stage {
            Stage::Waiting { let_go } | Stage::Asked { let_go, .. } => let_go,
            Stage::Answered => false,
            Stage::Dropped => true,
        });
        if let_go {
            self.says(TargetSays::Did(DndAction::None));
        }
    }

    fn says(&mut self, what: TargetSays) {
        self.happenings.push_back(Happening::DragTarget(what));
    }

    pub(super) fn action_atom(&self, action: DndAction) -> Atom {
        match action {
            DndAction::Copy => self.atoms.xdnd_action_copy,
            DndAction::Move => self.atoms.xdnd_action_move,
            DndAction::Ask => self.atoms.xdnd_action_ask,
            _ => NONE,
        }
    }

    pub(super) fn known_action(&self, atom: Atom) -> Option<DndAction> {
        let known = [DndAction::Copy, DndAction::Move, DndAction::Ask];
        known.into_iter().find(|action| self.action_atom(*action) == atom)
    }

    /// What the source would call what a window does, as far as it allows that. Copying is what programs fall back to.
    fn action_of(&self, atom: Atom) -> DndAction {
        let action = self.known_action(atom).unwrap_or(DndAction::Copy);
        if self.to_x11.actions.contains(action) { action } else { DndAction::None }
    }

    fn say_to(&mut self, window: Window, type_: Atom, [a, b, c, d]: [u32; 4]) {
        let event = ClientMessageEvent {
            response_type: CLIENT_MESSAGE_EVENT,
            format: 32,
            sequence: 0,
            window,
            type_,
            data: [self.to_x11.window, a, b, c, d].into(),
        };
        self.send_event(window, EventMask::NO_EVENT, event);
    }
}

/// Both numbers in one word, 16 bits of each.
fn pair(place: Point<i32, Physical>) -> u32 {
    let half = |number: i32| {
        u32::from_ne_bytes(number.clamp(i16::MIN.into(), i16::MAX.into()).to_ne_bytes()) & 0xffff
    };
    half(place.x) << 16 | half(place.y)
}

impl State {
    /// Something is over an X11 window. Returns whether the window may be interested.
    pub(crate) fn x11_drag_entered(&mut self, window: u32, source: &Source) -> bool {
        if !self.xwayland.manager().is_some_and(|manager| manager.takes_drops(window)) {
            return false;
        }
        let is_new = self.xwayland.to_x11.as_ref().is_none_or(|known| known.source != *source);
        if is_new {
            // what was dropped before and has not been taken is not to be had any more
            self.end_drag_to_x11(DndAction::None);
        }
        let Some(manager) = self.xwayland.manager_mut() else { return false };
        if is_new {
            manager.drag_begins(&source.kinds(), source.actions());
        }
        manager.drag_enters(window);
        if is_new {
            let (source, action) = (source.clone(), DndAction::None);
            self.xwayland.to_x11 = Some(DraggedToX11 { source, action, until: None });
        }
        true
    }

    pub(crate) fn x11_drag_is_at(&mut self, place: Point<f64, Logical>) {
        if let Some(manager) = self.xwayland.manager_mut() {
            manager.drag_is_at(place);
        }
    }

    pub(crate) fn x11_drag_left(&mut self) {
        if let Some(manager) = self.xwayland.manager_mut() {
            manager.drag_leaves();
        }
    }

    /// The user lets go over an X11 window.
    pub(crate) fn x11_drag_dropped(&mut self) {
        if let Some(dragged) = &mut self.xwayland.to_x11 {
            dragged.until = Some(Instant::now() + ANSWER);
        }
        if let Some(manager) = self.xwayland.manager_mut() {
            manager.drag_drops();
        }
    }

    /// What X11 windows were offered is dragged no more. What was dropped on one goes on.
    pub(crate) fn x11_drag_over(&mut self) {
        if self.xwayland.to_x11.take_if(|dragged| dragged.until.is_none()).is_some()
            && let Some(manager) = self.xwayland.manager_mut()
        {
            manager.drag_ends();
        }
    }

    pub(super) fn x11_target_says(&mut self, says: TargetSays) {
        let Some(dragged) = &mut self.xwayland.to_x11 else { return };
        let source = dragged.source.clone();
        match says {
            TargetSays::Would(action) => {
                dragged.action = action;
                // X11 does not say in which
                let kind = source.kinds().into_iter().next().filter(|_| !action.is_empty());
                self.tell_source(&source, Word::Accepted(kind));
                self.tell_source(&source, Word::Action(action));
            }
            TargetSays::Dropped => {
                dragged.until = Some(Instant::now() + FINISH);
                self.tell_source(&source, Word::Dropped);
            }
            TargetSays::Did(action) => self.end_drag_to_x11(action),
        }
    }

    /// Gives up what takes too long.
    pub(super) fn serve_drag_to_x11(&mut self) {
        let until = self.xwayland.to_x11.as_ref().and_then(|dragged| dragged.until);
        if until.is_some_and(|until| until <= Instant::now()) {
            self.end_drag_to_x11(DndAction::None);
        }
    }

    /// An X11 window has done this with what was dropped on it, or none has done anything.
    pub(super) fn end_drag_to_x11(&mut self, did: DndAction) {
        let Some(dragged) = self.xwayland.to_x11.take() else { return };
        if let Some(manager) = self.xwayland.manager_mut() {
            manager.drag_ends();
        }
        if did.is_empty() {
            return self.tell_source(&dragged.source, Word::Cancelled);
        }
        if did != dragged.action {
            self.tell_source(&dragged.source, Word::Action(did));
        }
        self.tell_source(&dragged.source, Word::Finished);
    }
}

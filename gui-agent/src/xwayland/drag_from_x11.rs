//! What X11 programs drag over Wayland windows: the target's part of XDND, for targets that are no X11 windows.
//!
//! An X11 program that drags has the pointer, looks for windows itself, and speaks to the one below it. Where that is a
//! Wayland program's, the window manager has a window of its own, which nobody sees. It is told what is dragged and what is to
//! be done with it; the Wayland program is offered that as long as the pointer is there ([`crate::drag`]), and what it says to
//! it is answered, and answered anew when it says something else. So is what is dropped: the content comes by the selection.
//!
//! Any program may claim anything here: that something is dragged or dropped, and what. It costs a few questions at a time,
//! and nothing is offered to a Wayland program but where the user holds a button that was pressed on an X11 window, or has just
//! let go of it. A program that drags and says nothing more, and one that is offered something and does not take it, have the
//! limits of time below.

use std::{
    os::fd::OwnedFd,
    sync::Arc,
    time::{Duration, Instant},
};

use gui_protocol::WindowId;
use smithay::{
    reexports::wayland_server::protocol::wl_data_device_manager::DndAction,
    utils::{Logical, Physical, Point, Rectangle},
};
use x11rb_protocol::{
    id_allocator::IdAllocator,
    protocol::xproto::{
        Atom, AtomEnum, CLIENT_MESSAGE_EVENT, ClientMessageEvent, ConfigureWindowAux, EventMask,
        GetAtomNameReply, GetAtomNameRequest, GetPropertyRequest, MapWindowRequest, StackMode,
        UnmapWindowRequest, Window,
    },
};

use super::{
    connection::Connection,
    drag_to_x11::VERSION,
    manager::{CURRENT_TIME, Happening, Manager, NONE, to_sides},
    scale::to_pixels,
    selection::{MAX_KINDS, add_text_names, is_of_use},
    startup::{Question, parse_property, parse_reply},
};
use crate::{
    drag::{
        By,
        source::{Source, Word},
    },
    state::State,
    window::Window as AnyWindow,
};

/// How long a program may take to say that it has dropped what the user has let go of, and a target that it would take it:
/// no more than an answer.
const ANSWER: Duration = Duration::from_secs(1);

/// How long the target may then take to have all of it.
const TRANSFER: Duration = Duration::from_secs(10);

/// How often a program may offer something, or something else, while a button is held. A user does not change what is to be
/// done with it as often; and a Wayland program that does not read at once has room for as many offers.
const MAX_OFFERS: u32 = 32;

/// What the server has been asked about something dragged; an answer about an earlier one is of no use.
#[derive(Debug, Clone, Copy)]
pub(super) enum DragQuestion {
    /// All kinds it can be had in.
    Kinds(u32),
    /// What one of them is called.
    Name(u32, Atom),
}

/// What a program that drags has said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SourceSays {
    /// What it drags, or what is to be done with it, is known now.
    Offers,
    /// It is elsewhere.
    Leaves,
    /// It is dropped.
    Drops,
}

/// Something dragged over the window.
#[derive(Debug)]
struct Dragged {
    source: Window,
    kinds: Vec<(String, Atom)>,
    /// Answers about kinds that are still to come.
    unanswered: usize,
    /// What is to be done with it, as soon as the program has said where it is.
    proposed: Option<DndAction>,
    /// What the Wayland program says to it.
    accepted: bool,
    action: DndAction,
    /// The program's time, by which it can be had.
    time: u32,
    dropped: bool,
}

/// What is waited for when the user has let go, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LetGo {
    stage: Stage,
    pub(super) until: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// The program that drags says that it drops it.
    Drop,
    /// It is dropped, and the target says that it would take it.
    Answer,
    /// The target says that it has it.
    Taken,
}

/// The window that stands for Wayland's, and what is dragged over it.
#[derive(Debug)]
pub(super) struct DragFromX11 {
    pub(super) window: Window,
    /// Where it is, if it is anywhere.
    place: Option<Rectangle<i32, Logical>>,
    /// Whether any program has something to drag.
    owned: bool,
    dragged: Option<Dragged>,
    round: u32,
}

impl DragFromX11 {
    pub(super) fn new(
        connection: &mut Connection<Question>,
        root: Window,
        ids: &mut IdAllocator,
        selection: Atom,
    ) -> Option<Self> {
        let window = ids.generate_id()?;
        connection.create_hidden(window, root, EventMask::NO_EVENT);
        connection.watch_owner(window, selection);
        Some(Self { window, place: None, owned: false, dragged: None, round: 0 })
    }
}

impl Manager {
    /// Says that the window takes what is dragged to it.
    pub(super) fn offer_drops(&mut self) {
        self.set_words(self.from_x11.window, self.atoms.xdnd_aware, AtomEnum::ATOM, &[VERSION]);
    }

    /// A program has something to drag, or none has.
    pub(super) fn drag_owner_changed(&mut self, owner: Window) {
        self.from_x11.owned = owner != NONE;
    }

    /// Whether it matters where the pointer is.
    pub(super) fn drags(&self) -> bool {
        self.from_x11.owned || self.from_x11.place.is_some()
    }

    /// Whether the pointer was over a Wayland window when that was last told.
    pub(super) fn is_over(&self) -> bool {
        self.from_x11.place.is_some()
    }

    /// The pointer is over a Wayland window at this place, or over none.
    pub(super) fn drag_over(&mut self, place: Option<Rectangle<i32, Logical>>) {
        if std::mem::replace(&mut self.from_x11.place, place) == place {
            return;
        }
        let window = self.from_x11.window;
        let nowhere = Rectangle::<i32, Physical>::default();
        let pixels = place.map(|place| to_pixels(self.density, place, nowhere));
        let Some((corner, (width, height))) = pixels.and_then(|it| Some((it.loc, to_sides(it.size)?))) else {
            return self.connection.send(UnmapWindowRequest { window });
        };
        let values = ConfigureWindowAux::new().x(corner.x).y(corner.y).width(width).height(height);
        self.send_configure(window, values.stack_mode(StackMode::ABOVE));
        self.connection.send(MapWindowRequest { window });
    }

    /// A program that drags speaks to the window.
    pub(super) fn drag_message(&mut self, message: &ClientMessageEvent) {
        let (atoms, data) = (self.atoms, message.data.as_data32());
        let [source, flags, time, ..] = data;
        let is_source = self.from_x11.dragged.as_ref().is_some_and(|it| it.source == source);
        match message.type_ {
            it if it == atoms.xdnd_enter => self.drag_entered(source, flags, data),
            it if it == atoms.xdnd_position && is_source => self.drag_proposed(data),
            it if it == atoms.xdnd_leave && is_source => self.drag_left(),
            it if it == atoms.xdnd_drop && is_source => self.drag_dropped(time),
            _ => {}
        }
    }

    fn drag_left(&mut self) {
        if self.from_x11.dragged.take_if(|dragged| !dragged.dropped).is_some() {
            self.happenings.push_back(Happening::DragSource(SourceSays::Leaves));
        }
    }

    fn drag_dropped(&mut self, time: u32) {
        let dragged = self.from_x11.dragged.as_mut().filter(|dragged| !dragged.dropped);
        let Some(dragged) = dragged else { return };
        (dragged.dropped, dragged.time) = (true, time);
        if dragged.unanswered == 0 {
            self.happenings.push_back(Happening::DragSource(SourceSays::Drops));
        }
    }

    fn drag_entered(&mut self, source: Window, flags: u32, data: [u32; 5]) {
        /// The bit that says that there are more kinds than fit into the message.
        const LISTED: u32 = 1;
        // one at a time, and what was dropped is handed over first
        let busy = |dragged: &Dragged| dragged.unanswered > 0 || dragged.dropped;
        if self.from_x11.dragged.as_ref().is_some_and(busy) {
            return;
        }
        self.from_x11.round = self.from_x11.round.wrapping_add(1);
        let round = self.from_x11.round;
        self.from_x11.dragged = Some(Dragged {
            source,
            kinds: Vec::new(),
            unanswered: 0,
            proposed: None,
            accepted: false,
            action: DndAction::None,
            time: CURRENT_TIME,
            dropped: false,
        });
        if flags & LISTED == 0 {
            let [_, _, first, second, third] = data;
            return self.ask_drag_names(round, [first, second, third].into_iter());
        }
        let request = GetPropertyRequest {
            delete: false,
            window: source,
            property: self.atoms.xdnd_type_list,
            type_: AtomEnum::ATOM.into(),
            long_offset: 0,
            long_length: u32::try_from(MAX_KINDS).unwrap_or(0),
        };
        self.connection.ask(request, Question::Drag(DragQuestion::Kinds(round)));
        self.from_x11.dragged.iter_mut().for_each(|dragged| dragged.unanswered = 1);
    }

    fn ask_drag_names(&mut self, round: u32, kinds: impl Iterator<Item = Atom>) {
        for atom in kinds.filter(|atom| *atom != NONE).take(MAX_KINDS) {
            let question = DragQuestion::Name(round, atom);
            self.connection.ask(GetAtomNameRequest { atom }, Question::Drag(question));
            if let Some(dragged) = &mut self.from_x11.dragged {
                dragged.unanswered = dragged.unanswered.saturating_add(1);
            }
        }
    }

    pub(super) fn drag_answered(&mut self, question: DragQuestion, reply: Option<&Vec<u8>>) {
        let (DragQuestion::Kinds(round) | DragQuestion::Name(round, _)) = question;
        let Some(dragged) = self.from_x11.dragged.as_mut().filter(|_| round == self.from_x11.round) else {
            return;
        };
        dragged.unanswered = dragged.unanswered.saturating_sub(1);
        match question {
            DragQuestion::Kinds(_) => {
                let kinds = parse_property(reply);
                let kinds: Vec<Atom> =
                    kinds.as_ref().and_then(|kinds| kinds.value32()).into_iter().flatten().collect();
                self.ask_drag_names(round, kinds.into_iter());
            }
            DragQuestion::Name(_, atom) => {
                let name = parse_reply::<GetAtomNameReply>(reply);
                let name = name.and_then(|reply| String::from_utf8(reply.name).ok());
                dragged.kinds.extend(name.filter(|name| is_of_use(name)).map(|name| (name, atom)));
            }
        }
        self.tell_if_known();
    }

    fn tell_if_known(&mut self) {
        let Some(dragged) = self.from_x11.dragged.as_mut().filter(|dragged| dragged.unanswered == 0) else {
            return;
        };
        add_text_names(&mut dragged.kinds);
        let (is_there, is_dropped) = (dragged.proposed.is_some(), dragged.dropped);
        if is_there {
            self.happenings.push_back(Happening::DragSource(SourceSays::Offers));
        }
        if is_dropped {
            self.happenings.push_back(Happening::DragSource(SourceSays::Drops));
        }
    }

    /// The program says where it is, which the agent knows, and what is to be done with it.
    fn drag_proposed(&mut self, [_, _, _, time, action]: [u32; 5]) {
        // what Wayland does not know is done as what all programs can do
        let action = self.known_action(action).unwrap_or(DndAction::Copy);
        let Some(dragged) = &mut self.from_x11.dragged else { return };
        if dragged.dropped {
            return;
        }
        dragged.time = time;
        let is_new = dragged.proposed.replace(action) != Some(action);
        if is_new && dragged.unanswered == 0 {
            self.happenings.push_back(Happening::DragSource(SourceSays::Offers));
        }
        // the Wayland program may not have been asked yet, or not have answered; then it is told when it has
        self.tell_drag_status();
    }

    fn tell_drag_status(&mut self) {
        const ACCEPTED: u32 = 1;
        let Some(dragged) = &self.from_x11.dragged else { return };
        let (source, would) = (dragged.source, dragged.would());
        let (flags, action) = if would.is_empty() { (0, NONE) } else { (ACCEPTED, self.action_atom(would)) };
        self.tell_source(source, self.atoms.xdnd_status, [flags, 0, 0, action]);
    }

    /// The Wayland program has changed its mind.
    fn drag_answered_by(&mut self, change: impl FnOnce(&mut Dragged)) {
        let Some(dragged) = &mut self.from_x11.dragged else { return };
        let before = dragged.would();
        change(dragged);
        if dragged.would() != before && dragged.proposed.is_some() && !dragged.dropped {
            self.tell_drag_status();
        }
    }

    /// Whether the Wayland program would take it.
    fn is_wanted(&self) -> bool {
        self.from_x11.dragged.as_ref().is_some_and(|dragged| !dragged.would().is_empty())
    }

    /// What is dragged, once that is known.
    fn dragged(&self) -> Option<Source> {
        let dragged = self.from_x11.dragged.as_ref().filter(|dragged| dragged.unanswered == 0)?;
        let kinds: Arc<[String]> = dragged.kinds.iter().map(|(kind, _)| kind.clone()).collect();
        let actions = dragged.proposed.unwrap_or(DndAction::Copy);
        (!kinds.is_empty()).then_some(Source::X11 { kinds, actions })
    }

    fn tell_source(&mut self, source: Window, type_: Atom, [a, b, c, d]: [u32; 4]) {
        let event = ClientMessageEvent {
            response_type: CLIENT_MESSAGE_EVENT,
            format: 32,
            sequence: 0,
            window: source,
            type_,
            data: [self.from_x11.window, a, b, c, d].into(),
        };
        self.send_event(source, EventMask::NO_EVENT, event);
    }

    /// A Wayland program wants what is dragged, or was dropped. Returns a number that is told again when it is there.
    fn fetch_dragged(&mut self, kind: &str) -> Option<u64> {
        let dragged = self.from_x11.dragged.as_ref()?;
        let (time, (_, target)) = (dragged.time, dragged.kinds.iter().find(|(it, _)| it == kind)?);
        self.convert(self.atoms.xdnd_selection, *target, time)
    }

    /// The Wayland program has taken what was dropped, or does not want it.
    fn finish_drop(&mut self, taken: bool) {
        let Some(dragged) = self.from_x11.dragged.take_if(|dragged| dragged.dropped) else {
            return;
        };
        let action = if taken { self.action_atom(dragged.action) } else { NONE };
        self.tell_source(dragged.source, self.atoms.xdnd_finished, [taken.into(), action, CURRENT_TIME, 0]);
    }
}

impl Dragged {
    /// What the Wayland program would do with it.
    fn would(&self) -> DndAction {
        if self.accepted { self.action } else { DndAction::None }
    }
}

impl State {
    /// The pointer is there, with or without a button held that was pressed on this window.
    pub(crate) fn x11_drags_over(&mut self, id: WindowId, location: Point<f64, Logical>) {
        // the program may look for the window below the pointer once more when it hears that it was let go of
        if self.xwayland.let_go.is_some() || !self.xwayland.manager().is_some_and(Manager::drags) {
            return;
        }
        let held = self.seat.get_pointer().is_some_and(|pointer| pointer.is_grabbed());
        let from = self.windows.get(id).and_then(AnyWindow::x11).filter(|_| held);
        let target = from.and_then(|_| self.wayland_window_at(location));
        let place = target.and_then(|target| self.windows.get(target)).map(|target| target.geometry);
        if let Some(manager) = self.xwayland.manager_mut() {
            manager.drag_over(place);
        }
        if held && self.dragged_by() == Some(By::Program) {
            let under = target.and_then(|target| self.under(target, location));
            self.drag_over(under, location);
        }
    }

    fn wayland_window_at(&self, location: Point<f64, Logical>) -> Option<WindowId> {
        let target = self.windows.topmost_at(location)?;
        self.windows.get(target)?.x11().is_none().then_some(target)
    }

    /// A button was let go of, with which an X11 program may have dragged something.
    pub(crate) fn x11_lets_go(&mut self) {
        self.xwayland.offers_from_x11 = 0;
        if self.xwayland.let_go.is_none() && self.xwayland.manager().is_some_and(Manager::is_over) {
            self.wait_for(Stage::Drop, ANSWER);
        }
    }

    fn wait_for(&mut self, stage: Stage, time: Duration) {
        self.xwayland.let_go = Some(LetGo { stage, until: Instant::now() + time });
    }

    pub(super) fn x11_source_says(&mut self, says: SourceSays) {
        let is_dragged = self.dragged_by() == Some(By::Program);
        match says {
            SourceSays::Offers => self.offer_from_x11(),
            SourceSays::Leaves => match is_dragged {
                true => self.cancel_drag(),
                false => self.finish_x11_drop(false),
            },
            SourceSays::Drops => {
                if !is_dragged {
                    // it was faster than the server, which had to say what it drags
                    self.offer_from_x11();
                }
                // a program may have let go of what the user has not
                let by_user = self.xwayland.let_go.is_some_and(|it| it.stage == Stage::Drop);
                match self.dragged_by() == Some(By::Program) {
                    true if by_user => self.wait_for(Stage::Answer, ANSWER),
                    true => self.cancel_drag(),
                    false => self.finish_x11_drop(false),
                }
            }
        }
    }

    /// Offers what an X11 program drags to the Wayland program below the pointer, if it is the user who drags.
    fn offer_from_x11(&mut self) {
        let Some(manager) = self.xwayland.manager() else { return };
        // word of it may come after the pointer has moved on
        let is_let_go = self.xwayland.let_go.is_some_and(|it| it.stage == Stage::Drop);
        let (source, by_user) = (manager.dragged(), manager.is_over() || is_let_go);
        let Some(location) = self.seat.get_pointer().map(|pointer| pointer.current_location()) else {
            return;
        };
        let target = self.wayland_window_at(location).and_then(|target| self.under(target, location));
        let (Some(source), true, Some(target)) = (source, by_user, target) else { return };
        if self.xwayland.offers_from_x11 < MAX_OFFERS && self.begin_program_drag(source) {
            self.xwayland.offers_from_x11 = self.xwayland.offers_from_x11.saturating_add(1);
            self.drag_over(Some(target), location);
        }
    }

    /// What a Wayland program says to what an X11 program drags.
    pub(crate) fn tell_x11_source(&mut self, word: Word) {
        let Some(manager) = self.xwayland.manager_mut() else { return };
        match word {
            Word::Accepted(kind) => manager.drag_answered_by(|dragged| dragged.accepted = kind.is_some()),
            Word::Action(action) => manager.drag_answered_by(|dragged| dragged.action = action),
            Word::Wanted(kind, pipe) => self.fetch_dragged_from_x11(&kind, pipe),
            Word::Dropped => self.wait_for(Stage::Taken, TRANSFER),
            Word::Finished => self.finish_x11_drop(true),
            Word::Cancelled => self.finish_x11_drop(false),
        }
    }

    fn fetch_dragged_from_x11(&mut self, kind: &str, pipe: OwnedFd) {
        let number = self.xwayland.manager_mut().and_then(|manager| manager.fetch_dragged(kind));
        // without one the pipe is closed, which says that there is nothing
        number.map(|number| self.xwayland.fetching.insert(number, pipe));
    }

    fn finish_x11_drop(&mut self, taken: bool) {
        let held = self.xwayland.let_go.take().is_none();
        let Some(manager) = self.xwayland.manager_mut() else { return };
        if !held {
            manager.drag_over(None);
        }
        manager.finish_drop(taken);
    }

    /// Drops what was let go of as soon as the target would take it, and gives up what takes too long.
    pub(super) fn serve_drag_from_x11(&mut self) {
        let Some(let_go) = self.xwayland.let_go else { return };
        let is_late = let_go.until <= Instant::now();
        let is_wanted = self.xwayland.manager().is_some_and(Manager::is_wanted);
        let is_dragged = self.dragged_by() == Some(By::Program);
        match let_go.stage {
            Stage::Answer if is_dragged && (is_wanted || is_late) => self.drop_dragged(),
            Stage::Drop if is_late && is_dragged => self.cancel_drag(),
            _ if is_late => self.finish_x11_drop(false),
            _ => {}
        }
    }

    /// There is no X server any more that anything could be had from.
    pub(super) fn forget_drag_from_x11(&mut self) {
        self.xwayland.let_go = None;
        if self.dragged_by() == Some(By::Program) {
            self.cancel_drag();
        }
    }
}

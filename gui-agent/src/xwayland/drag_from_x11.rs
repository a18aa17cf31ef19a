//! What X11 programs drag to Wayland's, the X server's side of it; [`mod@super::drop`] is the other.
//!
//! An X11 program that drags looks for windows itself, and speaks to the one below the pointer (XDND). Where that is a Wayland
//! program's, the window manager has a window of its own, which nobody sees. It is told what is dragged, says that it takes
//! it, and is told when it is dropped; the Wayland program is asked then.
//!
//! Any program may claim anything here: that something is dragged or dropped, and what. It costs a few questions at a time,
//! and nothing is offered to a Wayland program but where the user has just let go of a button that was pressed on an X11 window.

use smithay::utils::{Logical, Physical, Rectangle};
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

/// What the server has been asked about something dragged; an answer about an earlier one is of no use.
#[derive(Debug, Clone, Copy)]
pub(super) enum DragQuestion {
    /// All kinds it can be had in.
    Kinds(u32),
    /// What one of them is called.
    Name(u32, Atom),
}

/// Something dragged over the window.
#[derive(Debug)]
struct Dragged {
    source: Window,
    kinds: Vec<(String, Atom)>,
    /// Answers about kinds that are still to come.
    unanswered: usize,
    /// When it was dropped.
    dropped: Option<u32>,
}

/// The window that stands for Wayland's, and what is dragged over it.
#[derive(Debug)]
pub(super) struct Drag {
    pub(super) window: Window,
    /// Where it is, if it is anywhere.
    place: Option<Rectangle<i32, Logical>>,
    /// Whether any program has something to drag.
    owned: bool,
    dragged: Option<Dragged>,
    round: u32,
}

impl Drag {
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
        self.set_words(self.drag.window, self.atoms.xdnd_aware, AtomEnum::ATOM, &[VERSION]);
    }

    /// A program has something to drag, or none has.
    pub(super) fn drag_owner_changed(&mut self, owner: Window) {
        self.drag.owned = owner != NONE;
    }

    /// Whether it matters where the pointer is.
    pub(super) fn drags(&self) -> bool {
        self.drag.owned || self.drag.place.is_some()
    }

    /// Whether the pointer was over a Wayland window when that was last told.
    pub(super) fn is_over(&self) -> bool {
        self.drag.place.is_some()
    }

    /// The pointer is over a Wayland window at this place, or over none.
    pub(super) fn drag_over(&mut self, place: Option<Rectangle<i32, Logical>>) {
        if std::mem::replace(&mut self.drag.place, place) == place {
            return;
        }
        let window = self.drag.window;
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
        let is_source = self.drag.dragged.as_ref().is_some_and(|it| it.source == source);
        match message.type_ {
            it if it == atoms.xdnd_enter => self.drag_entered(source, flags, data),
            it if it == atoms.xdnd_position && is_source => self.tell_drag_status(source),
            it if it == atoms.xdnd_leave && is_source => {
                self.drag.dragged.take_if(|dragged| dragged.dropped.is_none());
            }
            it if it == atoms.xdnd_drop && is_source => {
                let dragged = self.drag.dragged.as_mut().filter(|dragged| dragged.dropped.is_none());
                if let Some(dragged) = dragged {
                    dragged.dropped = Some(time);
                    self.drop_if_known();
                }
            }
            _ => {}
        }
    }

    fn drag_entered(&mut self, source: Window, flags: u32, data: [u32; 5]) {
        /// The bit that says that there are more kinds than fit into the message.
        const LISTED: u32 = 1;
        // one at a time, and what was dropped is handed over first
        let busy = |dragged: &Dragged| dragged.unanswered > 0 || dragged.dropped.is_some();
        if self.drag.dragged.as_ref().is_some_and(busy) {
            return;
        }
        self.drag.round = self.drag.round.wrapping_add(1);
        let round = self.drag.round;
        self.drag.dragged = Some(Dragged { source, kinds: Vec::new(), unanswered: 0, dropped: None });
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
        self.drag.dragged.iter_mut().for_each(|dragged| dragged.unanswered = 1);
    }

    fn ask_drag_names(&mut self, round: u32, kinds: impl Iterator<Item = Atom>) {
        for atom in kinds.filter(|atom| *atom != NONE).take(MAX_KINDS) {
            let question = DragQuestion::Name(round, atom);
            self.connection.ask(GetAtomNameRequest { atom }, Question::Drag(question));
            if let Some(dragged) = &mut self.drag.dragged {
                dragged.unanswered = dragged.unanswered.saturating_add(1);
            }
        }
    }

    pub(super) fn drag_answered(&mut self, question: DragQuestion, reply: Option<&Vec<u8>>) {
        let (DragQuestion::Kinds(round) | DragQuestion::Name(round, _)) = question;
        let Some(dragged) = self.drag.dragged.as_mut().filter(|_| round == self.drag.round) else { return };
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
        self.drop_if_known();
    }

    /// What was dropped can be offered when all of its kinds are known.
    fn drop_if_known(&mut self) {
        let Some(dragged) = &mut self.drag.dragged else { return };
        if dragged.dropped.is_some() && dragged.unanswered == 0 {
            add_text_names(&mut dragged.kinds);
            self.happenings.push_back(Happening::Dropped);
        }
    }

    fn tell_drag_status(&mut self, source: Window) {
        const ACCEPTED: u32 = 1;
        let copy = self.atoms.xdnd_action_copy;
        self.tell_source(source, self.atoms.xdnd_status, [ACCEPTED, 0, 0, copy]);
    }

    fn tell_source(&mut self, source: Window, type_: Atom, [a, b, c, d]: [u32; 4]) {
        let event = ClientMessageEvent {
            response_type: CLIENT_MESSAGE_EVENT,
            format: 32,
            sequence: 0,
            window: source,
            type_,
            data: [self.drag.window, a, b, c, d].into(),
        };
        self.send_event(source, EventMask::NO_EVENT, event);
    }

    /// The kinds of what was dropped.
    pub(super) fn dropped(&self) -> Vec<String> {
        let dropped = self.drag.dragged.iter().filter(|dragged| dragged.dropped.is_some());
        dropped.flat_map(|dragged| &dragged.kinds).map(|(kind, _)| kind.clone()).collect()
    }

    /// A Wayland program wants what was dropped. Returns a number that is told again when it is there.
    pub(super) fn fetch_dropped(&mut self, kind: &str) -> Option<u64> {
        let dragged = self.drag.dragged.as_ref()?;
        let (time, (_, target)) = (dragged.dropped?, dragged.kinds.iter().find(|(it, _)| it == kind)?);
        self.convert(self.atoms.xdnd_selection, *target, time)
    }

    /// The Wayland program has taken what was dropped, or does not want it.
    pub(super) fn finish_drop(&mut self, taken: bool) {
        let Some(dragged) = self.drag.dragged.take_if(|dragged| dragged.dropped.is_some()) else { return };
        let action = if taken { self.atoms.xdnd_action_copy } else { NONE };
        self.tell_source(dragged.source, self.atoms.xdnd_finished, [taken.into(), action, CURRENT_TIME, 0]);
    }
}

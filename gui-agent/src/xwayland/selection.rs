//! Clipboard and primary selection between X11 and Wayland programs, the X server's side of it ([`super::clipboard`] is the
//! other), and the handing over of what is dragged from the one to the other ([`super::drag_to_x11`], [`super::drag_from_x11`]).
//!
//! What an X11 program has copied is offered on by the kinds it names, and fetched when a Wayland program wants it. What a
//! Wayland program has copied, the window manager owns in its place, and gives to X11 programs that ask.
//!
//! As with Wayland programs, selections go with the keyboard: they are changed and looked at while an X11 window has it,
//! and at no other time; what is dragged is to be had while it is over an X11 window, or was dropped on it. Everything is counted: kinds, bytes, and what is under way.

use gui_protocol::limits::MAX_TITLE;
use smithay::wayland::selection::SelectionTarget;
use x11rb_protocol::{
    id_allocator::IdAllocator,
    protocol::{
        xfixes,
        xproto::{
            self, Atom, AtomEnum, ConvertSelectionRequest, DestroyWindowRequest, EventMask, GetAtomNameReply,
            GetAtomNameRequest, GetPropertyRequest, InternAtomReply, InternAtomRequest, PropMode,
            SetSelectionOwnerRequest, Window,
        },
    },
};

use super::{
    connection::Connection,
    manager::{CURRENT_TIME, Happening, Manager, NONE, parse},
    startup::{Question, parse_property, parse_reply},
};

/// Kinds of one selection. Programs offer a picture in a dozen.
pub(super) const MAX_KINDS: usize = 64;

/// Transfers under way at once, each way. One more, and the one that began first gets no more.
const MAX_TRANSFERS: usize = 16;

/// Bytes of one transfer: a screenshot of the largest screen as PNG. More is not passed on.
pub(super) const MAX_CONTENT: usize = 16 << 20;

/// Words asked for at once of what a program hands over.
const PART_WORDS: u32 = 60_000;

/// Bytes given at once to a program. Less than any server's longest request.
const PART: usize = 128 << 10;

/// What text is called that is UTF-8, and what it is called otherwise.
const UTF8: [&str; 2] = ["text/plain;charset=utf-8", "text/plain"];

/// What a selection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Which {
    /// What was copied.
    Copied(SelectionTarget),
    /// What a Wayland program drags. What X11 programs drag is [`super::drag_from_x11`]'s.
    Dragged,
}

/// One of the three.
struct Selection {
    which: Which,
    name: Atom,
    /// The window that owns it for Wayland's programs, and what it is offered by is told to.
    window: Window,
    /// Whether it does, and since when.
    ours: bool,
    since: u32,
    /// Counts owners; answers about earlier ones are of no use.
    round: u32,
    /// What the X11 program that owns it offers, and how many names of that are still to be learned.
    offered: Vec<(String, Atom)>,
    unnamed: usize,
    /// What Wayland's programs offer.
    kinds: Vec<(String, Atom)>,
}

/// Something on its way from an X11 program.
struct Fetch {
    number: u64,
    /// To which it is handed over.
    window: Window,
    bytes: Vec<u8>,
    /// Words of the present part that have been read.
    offset: u32,
    /// Whether there are more parts to come.
    incremental: bool,
}

/// Something on its way to an X11 program.
struct Give {
    number: u64,
    request: xproto::SelectionRequestEvent,
    which: Which,
    kind: String,
    /// Once it is there.
    bytes: Option<Vec<u8>>,
    sent: usize,
}

/// All selections, and what is under way.
pub(super) struct Selections {
    each: [Selection; 3],
    fetching: Vec<Fetch>,
    fetched: Vec<(u64, Vec<u8>)>,
    giving: Vec<Give>,
    next: u64,
}

/// What the server has been asked about selections.
#[derive(Debug, Clone, Copy)]
pub(super) enum SelectionQuestion {
    /// Which kinds there are of this selection.
    Kinds(usize, u32),
    /// What this kind is called.
    Name(usize, u32, Atom),
    /// What the server calls this kind of Wayland's.
    Atom(usize, u32, usize),
    /// A part of what is fetched.
    Part(u64),
    /// Of no interest but that it was asked.
    Version,
}

impl Selections {
    pub(super) fn new(
        connection: &mut Connection<Question>,
        root: Window,
        ids: &mut IdAllocator,
        clipboard: Atom,
        (dragged, dragged_by): (Atom, Window),
    ) -> Option<Self> {
        let version = xfixes::QueryVersionRequest { client_major_version: 1, client_minor_version: 0 };
        connection.ask(version, Question::Selection(SelectionQuestion::Version));
        let selection = |which, name, window| Selection {
            which,
            name,
            window,
            ours: false,
            since: CURRENT_TIME,
            round: 0,
            offered: Vec::new(),
            unnamed: 0,
            kinds: Vec::new(),
        };
        let mut copied = |which, name| {
            let window = new_window(connection, root, ids)?;
            connection.watch_owner(window, name);
            Some(selection(Which::Copied(which), name, window))
        };
        let each = [
            copied(SelectionTarget::Clipboard, clipboard)?,
            copied(SelectionTarget::Primary, AtomEnum::PRIMARY.into())?,
            selection(Which::Dragged, dragged, dragged_by),
        ];
        let (fetching, fetched, giving) = (Vec::new(), Vec::new(), Vec::new());
        Some(Self { each, fetching, fetched, giving, next: 0 })
    }

    fn position(&self, is_it: impl Fn(&Selection) -> bool) -> Option<usize> {
        self.each.iter().position(is_it)
    }

    fn of(&self, which: Which) -> Option<&Selection> {
        self.each.iter().find(|selection| selection.which == which)
    }

    fn next_number(&mut self) -> u64 {
        self.next = self.next.wrapping_add(1);
        self.next
    }
}

fn new_window(connection: &mut Connection<Question>, root: Window, ids: &mut IdAllocator) -> Option<Window> {
    let window = ids.generate_id()?;
    connection.create_hidden(window, root, EventMask::PROPERTY_CHANGE);
    Some(window)
}

/// Whether what an X11 program calls a kind is of use to Wayland's: what is not named as on the web is text, or the server's
/// business.
pub(super) fn is_of_use(name: &str) -> bool {
    name.len() <= MAX_TITLE as usize
        && (name.contains('/') || ["UTF8_STRING", "STRING", "TEXT"].contains(&name))
}

/// Offers text by Wayland's names as well, if it is offered by X11's.
pub(super) fn add_text_names(kinds: &mut Vec<(String, Atom)>) {
    let find = |kind: &str| kinds.iter().find(|(it, _)| it == kind).map(|(_, atom)| *atom);
    if let Some(text) = find("UTF8_STRING") {
        let missing = UTF8.into_iter().filter(|kind| find(kind).is_none());
        let missing: Vec<_> = missing.map(|kind| (kind.to_owned(), text)).collect();
        kinds.extend(missing);
    }
}

impl Manager {
    /// Wayland's programs have this to offer now, or nothing.
    pub(super) fn offer(&mut self, which: Which, kinds: &[String]) {
        let Some(at) = self.selections.position(|it| it.which == which) else { return };
        let Some(selection) = self.selections.each.get_mut(at) else { return };
        selection.round = selection.round.wrapping_add(1);
        let mut kinds: Vec<String> = kinds
            .iter()
            .filter(|kind| !kind.is_empty() && kind.len() <= MAX_TITLE as usize)
            .take(MAX_KINDS)
            .cloned()
            .collect();
        if kinds.is_empty() && !selection.ours {
            return;
        }
        // text is known to X11 by names of its own
        if kinds.iter().any(|kind| UTF8.contains(&kind.as_str())) {
            for name in ["UTF8_STRING", "TEXT", "STRING"] {
                if !kinds.iter().any(|kind| kind == name) {
                    kinds.push(name.to_owned());
                }
            }
        }
        let owner = if kinds.is_empty() { NONE } else { selection.window };
        let set = SetSelectionOwnerRequest { owner, selection: selection.name, time: CURRENT_TIME };
        (selection.ours, selection.since) = (!kinds.is_empty(), CURRENT_TIME);
        selection.kinds = kinds.into_iter().map(|kind| (kind, NONE)).collect();
        for (number, (kind, _)) in selection.kinds.iter().enumerate() {
            let request = InternAtomRequest { only_if_exists: false, name: kind.as_bytes().to_vec().into() };
            let question = SelectionQuestion::Atom(at, selection.round, number);
            self.connection.ask(request, Question::Selection(question));
        }
        self.connection.send(set);
    }

    /// The kinds of what an X11 program has to offer.
    pub(super) fn offered(&self, which: SelectionTarget) -> Vec<String> {
        let offered =
            self.selections.of(Which::Copied(which)).map(|it| it.offered.as_slice()).unwrap_or_default();
        offered.iter().map(|(kind, _)| kind.clone()).collect()
    }

    /// What the server calls the kinds of what Wayland's programs offer, as far as it has said so.
    pub(super) fn offered_atoms(&self, which: Which) -> Vec<Atom> {
        let kinds = self.selections.of(which).map(|it| it.kinds.as_slice()).unwrap_or_default();
        kinds.iter().map(|(_, atom)| *atom).filter(|atom| *atom != NONE).collect()
    }

    /// Since when it is offered, by the server's clock, which is nobody else's.
    pub(super) fn offered_since(&self, which: Which) -> u32 {
        self.selections.of(which).map_or(CURRENT_TIME, |it| it.since)
    }

    /// A Wayland program wants what an X11 program has. Returns a number that is told again when it is there.
    pub(super) fn fetch(&mut self, which: SelectionTarget, kind: &str) -> Option<u64> {
        let selection = self.selections.of(Which::Copied(which))?;
        let (name, target) = (selection.name, selection.offered.iter().find(|(it, _)| it == kind)?.1);
        self.convert(name, target, CURRENT_TIME)
    }

    /// Has a program hand something over. Returns a number that is told again when it has.
    pub(super) fn convert(&mut self, selection: Atom, target: Atom, time: u32) -> Option<u64> {
        let window = new_window(&mut self.connection, self.root, &mut self.ids)?;
        let number = self.selections.next_number();
        let (bytes, offset) = (Vec::new(), 0);
        self.selections.fetching.push(Fetch { number, window, bytes, offset, incremental: false });
        self.connection.send(ConvertSelectionRequest {
            requestor: window,
            selection,
            target,
            property: self.atoms.transom_selection,
            time,
        });
        if self.selections.fetching.len() > MAX_TRANSFERS {
            self.fetched(0, false);
        }
        Some(number)
    }

    /// What was fetched, if it could be.
    pub(super) fn take_fetched(&mut self, number: u64) -> Option<Vec<u8>> {
        let at = self.selections.fetched.iter().position(|(it, _)| *it == number)?;
        Some(self.selections.fetched.swap_remove(at).1)
    }

    /// What an X11 program wants.
    pub(super) fn wanted(&self, number: u64) -> Option<(Which, String)> {
        let give = self.selections.giving.iter().find(|give| give.number == number)?;
        Some((give.which, give.kind.clone()))
    }

    /// What an X11 program wanted is there, or cannot be had.
    pub(super) fn supply(&mut self, number: u64, bytes: Option<Vec<u8>>) {
        let Some(at) = self.selections.giving.iter().position(|give| give.number == number) else { return };
        let Some(bytes) = bytes else {
            let give = self.selections.giving.remove(at);
            return self.answer_request(&give.request, false);
        };
        let Some(give) = self.selections.giving.get_mut(at) else { return };
        let request = give.request;
        if bytes.len() <= PART {
            self.selections.giving.remove(at);
            self.set_bytes(&request, &bytes);
        } else {
            // in parts, each when the program has taken the last one
            let size = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
            give.bytes = Some(bytes);
            self.select(request.requestor, EventMask::PROPERTY_CHANGE);
            self.set_words(request.requestor, request.property, self.atoms.incr, &[size]);
        }
        self.answer_request(&request, true);
    }

    fn set_bytes(&mut self, request: &xproto::SelectionRequestEvent, bytes: &[u8]) {
        self.connection.send(xproto::ChangePropertyRequest {
            mode: PropMode::REPLACE,
            window: request.requestor,
            property: request.property,
            type_: request.target,
            format: 8,
            data_len: u32::try_from(bytes.len()).unwrap_or(0),
            data: bytes.to_vec().into(),
        });
    }

    fn answer_request(&mut self, request: &xproto::SelectionRequestEvent, given: bool) {
        let event = xproto::SelectionNotifyEvent {
            response_type: xproto::SELECTION_NOTIFY_EVENT,
            sequence: 0,
            time: request.time,
            requestor: request.requestor,
            selection: request.selection,
            target: request.target,
            property: if given { request.property } else { NONE },
        };
        self.send_event(request.requestor, EventMask::NO_EVENT, event);
    }

    /// What the server says about selections, programs having said it as often as not.
    pub(super) fn selection_event(&mut self, kind: u8, bytes: &[u8]) {
        const SENT: u8 = 0x80;
        match kind & !SENT {
            kind if kind == self.connection.xfixes_event => parse(bytes, |it| self.owner_changed(&it)),
            xproto::SELECTION_NOTIFY_EVENT => parse(bytes, |it| self.handed_over(&it)),
            xproto::SELECTION_REQUEST_EVENT => parse(bytes, |it| self.requested(it)),
            _ => {}
        }
    }

    fn owner_changed(&mut self, event: &xfixes::SelectionNotifyEvent) {
        let has_keyboard = self.focus().is_some();
        let Some(at) = self.selections.position(|it| it.name == event.selection) else { return };
        let Some(selection) = self.selections.each.get_mut(at) else { return };
        if event.owner == selection.window {
            selection.since = event.selection_timestamp;
            if selection.which == Which::Dragged {
                self.drag_owner_changed(NONE);
            }
            return;
        }
        if event.owner == NONE && selection.ours {
            // given up for the one that is on its way
            return;
        }
        if selection.which == Which::Dragged {
            selection.ours = false;
            return self.drag_owner_changed(event.owner);
        }
        selection.ours = false;
        selection.round = selection.round.wrapping_add(1);
        selection.offered.clear();
        if event.owner == NONE || !has_keyboard {
            if let Which::Copied(which) = selection.which {
                self.happenings.push_back(Happening::Emptied(which));
            }
            return;
        }
        let (requestor, name) = (selection.window, selection.name);
        self.connection.send(ConvertSelectionRequest {
            requestor,
            selection: name,
            target: self.atoms.targets,
            property: self.atoms.transom_selection,
            time: event.selection_timestamp,
        });
    }

    /// A program has handed something over, or could not.
    fn handed_over(&mut self, event: &xproto::SelectionNotifyEvent) {
        if let Some(at) = self.selections.position(|it| it.window == event.requestor) {
            let round = self.selections.each.get(at).map_or(0, |it| it.round);
            if event.property != NONE {
                let question = SelectionQuestion::Kinds(at, round);
                self.read_selection(event.requestor, 0, question);
            }
        } else if let Some(at) = self.selections.fetching.iter().position(|it| it.window == event.requestor) {
            match event.property {
                NONE => self.fetched(at, false),
                _ => self.ask_part(at),
            }
        }
    }

    fn read_selection(&mut self, window: Window, long_offset: u32, question: SelectionQuestion) {
        let request = GetPropertyRequest {
            delete: true,
            window,
            property: self.atoms.transom_selection,
            type_: AtomEnum::ANY.into(),
            long_offset,
            long_length: PART_WORDS,
        };
        self.connection.ask(request, Question::Selection(question));
    }

    fn ask_part(&mut self, at: usize) {
        if let Some(&Fetch { number, window, offset, .. }) = self.selections.fetching.get(at) {
            self.read_selection(window, offset, SelectionQuestion::Part(number));
        }
    }

    pub(super) fn selection_answered(&mut self, question: SelectionQuestion, reply: Option<&Vec<u8>>) {
        let is_now = |manager: &Self, at: usize, round: u32| {
            manager.selections.each.get(at).is_some_and(|selection| selection.round == round)
        };
        match question {
            SelectionQuestion::Kinds(at, round) if is_now(self, at, round) => {
                let kinds = parse_property(reply);
                let kinds = kinds.as_ref().and_then(|kinds| kinds.value32()).into_iter().flatten();
                let kinds: Vec<Atom> = kinds.take(MAX_KINDS).collect();
                if let Some(selection) = self.selections.each.get_mut(at) {
                    (selection.offered, selection.unnamed) = (Vec::new(), kinds.len());
                }
                for atom in kinds {
                    let question = SelectionQuestion::Name(at, round, atom);
                    self.connection.ask(GetAtomNameRequest { atom }, Question::Selection(question));
                }
            }
            SelectionQuestion::Name(at, round, atom) if is_now(self, at, round) => {
                self.kind_named(at, atom, parse_reply(reply));
            }
            SelectionQuestion::Atom(at, round, number) if is_now(self, at, round) => {
                let kinds = self.selections.each.get_mut(at).map(|selection| &mut selection.kinds);
                if let (Some(kind), Some(InternAtomReply { atom, .. })) =
                    (kinds.and_then(|kinds| kinds.get_mut(number)), parse_reply(reply))
                {
                    kind.1 = atom;
                }
            }
            SelectionQuestion::Part(number) => self.part_read(number, reply),
            // about what is not any more
            _ => {}
        }
    }

    /// A kind's name is known. When all are, the selection is offered on.
    fn kind_named(&mut self, at: usize, atom: Atom, reply: Option<GetAtomNameReply>) {
        let Some(selection) = self.selections.each.get_mut(at) else { return };
        selection.unnamed = selection.unnamed.saturating_sub(1);
        let name = reply.and_then(|reply| String::from_utf8(reply.name).ok());
        selection.offered.extend(name.filter(|name| is_of_use(name)).map(|name| (name, atom)));
        if selection.unnamed > 0 {
            return;
        }
        add_text_names(&mut selection.offered);
        if let Which::Copied(which) = selection.which {
            self.happenings.push_back(Happening::Copied(which));
        }
    }

    fn part_read(&mut self, number: u64, reply: Option<&Vec<u8>>) {
        let Some(at) = self.selections.fetching.iter().position(|it| it.number == number) else { return };
        let Some(part) = parse_property(reply) else { return self.fetched(at, false) };
        let Some(fetch) = self.selections.fetching.get_mut(at) else { return };
        if part.type_ == self.atoms.incr {
            // that it was read tells the program to go on
            fetch.incremental = true;
            return;
        }
        let is_last = fetch.incremental && fetch.offset == 0 && part.value.is_empty();
        fetch.bytes.extend_from_slice(&part.value);
        if fetch.bytes.len() > MAX_CONTENT {
            self.fetched(at, false);
        } else if part.bytes_after > 0 {
            fetch.offset = fetch.offset.saturating_add(PART_WORDS);
            self.ask_part(at);
        } else if is_last || !fetch.incremental {
            self.fetched(at, true);
        } else {
            fetch.offset = 0;
        }
    }

    /// A transfer from an X11 program is over.
    fn fetched(&mut self, at: usize, whole: bool) {
        let Fetch { number, window, bytes, .. } = self.selections.fetching.remove(at);
        self.connection.send(DestroyWindowRequest { window });
        if whole {
            self.selections.fetched.push((number, bytes));
        }
        self.happenings.push_back(Happening::Fetched(number));
    }

    /// An X11 program wants what a Wayland program has.
    fn requested(&mut self, mut request: xproto::SelectionRequestEvent) {
        if request.property == NONE {
            // as the oldest programs do
            request.property = request.target;
        }
        let (atoms, has_keyboard, is_dragged) = (self.atoms, self.focus().is_some(), self.to_x11.is_told());
        let may_have = |selection: &&Selection| match selection.which {
            Which::Copied(_) => has_keyboard,
            Which::Dragged => is_dragged,
        };
        let selection = self.selections.each.iter().find(|it| it.name == request.selection);
        let selection = selection.filter(|it| it.ours && it.window == request.owner);
        let Some(selection) = selection.filter(may_have) else {
            return self.answer_request(&request, false);
        };
        if request.target == atoms.targets {
            let known = selection.kinds.iter().map(|(_, atom)| *atom).filter(|atom| *atom != NONE);
            let kinds: Vec<Atom> = [atoms.targets, atoms.timestamp].into_iter().chain(known).collect();
            self.set_words(request.requestor, request.property, AtomEnum::ATOM, &kinds);
            return self.answer_request(&request, true);
        }
        if request.target == atoms.timestamp {
            let since = selection.since;
            self.set_words(request.requestor, request.property, AtomEnum::INTEGER, &[since]);
            return self.answer_request(&request, true);
        }
        let kind = selection.kinds.iter().find(|(_, atom)| *atom == request.target);
        let Some((kind, _)) = kind.filter(|_| request.target != NONE) else {
            return self.answer_request(&request, false);
        };
        let (which, kind) = (selection.which, kind.clone());
        let number = self.selections.next_number();
        self.selections.giving.push(Give { number, request, which, kind, bytes: None, sent: 0 });
        self.happenings.push_back(Happening::Wanted(number));
        if self.selections.giving.len() > MAX_TRANSFERS {
            let oldest = self.selections.giving.remove(0);
            if oldest.bytes.is_none() {
                self.answer_request(&oldest.request, false);
            }
        }
    }

    /// A property has been set or taken, perhaps as a part of a transfer.
    pub(super) fn selection_property(&mut self, event: &xproto::PropertyNotifyEvent) {
        let is_new = event.state == xproto::Property::NEW_VALUE;
        if is_new && event.atom == self.atoms.transom_selection {
            let fetch =
                self.selections.fetching.iter().position(|it| it.window == event.window && it.incremental);
            fetch.into_iter().for_each(|at| self.ask_part(at));
        }
        let is_it = |give: &Give| {
            give.bytes.is_some()
                && (give.request.requestor, give.request.property) == (event.window, event.atom)
        };
        if !is_new && let Some(at) = self.selections.giving.iter().position(is_it) {
            self.give_part(at);
        }
    }

    fn give_part(&mut self, at: usize) {
        let Some(give) = self.selections.giving.get_mut(at) else { return };
        let bytes = give.bytes.as_deref().unwrap_or_default();
        let rest = bytes.get(give.sent..).unwrap_or_default();
        let part = rest.get(..PART).unwrap_or(rest).to_vec();
        let request = give.request;
        give.sent = give.sent.saturating_add(part.len());
        // one that is empty ends it
        if part.is_empty() {
            self.selections.giving.remove(at);
        }
        self.set_bytes(&request, &part);
    }
}

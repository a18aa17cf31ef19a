//! The way of files to the keys the user presses, the domains, and the question on the screen.
//!
//! The question lies above all windows and waits for Super with a digit, or for the pointer. No key without Super is taken,
//! as it comes while the user types something else. What passes is shown at the lower edge, with a button that ends it.

use gui_protocol::{FileList, FilesEnd};
use smithay::reexports::calloop::{
    RegistrationToken,
    timer::{TimeoutAction, Timer},
};
use tracing::{error, info};

use super::{Files, Offer, PER_PAGE, Say};
use crate::{
    clipboard::user::{MARGIN, across},
    domain::DomainId,
    ipc::{Event, FilesInfo},
    render::{Banner, BannerButton},
    shell::geom::{Point, Rect},
    state::State,
};

/// Files, and what their being shown takes.
#[derive(Debug, Default)]
pub struct FilesDesk {
    pub(crate) files: Files,
    /// Runs while there is something to wait for.
    timer: Option<RegistrationToken>,
    /// Where the user is told, if anything is to be told.
    place: Option<Rect>,
    /// Whether the pointer could press something there when it was placed.
    blocks: bool,
    /// What the pointer pressed, until it lets go: the number of a button, or none of them.
    press: Option<Option<usize>>,
}

impl State {
    /// A domain would like to send files.
    pub(crate) fn files_offered(&mut self, id: DomainId, token: u32, files: FileList) {
        let from = self.party(id);
        let policy = &self.config.files.policy;
        let others = self.domains.iter().filter(|domain| domain.id != id && domain.level() > 0);
        let others = others.map(|other| {
            let party = self.party(other.id);
            let action = policy.decide(&from.name, &party.name);
            (party, action)
        });
        let others = others.collect();
        let most = self.config.files.max_bytes();
        info!(domain = %from.name, files = files.files().len(), bytes = files.total(), "files are offered");
        let now = self.now();
        self.files.files.offer(Offer { from, token, files }, others, most, now);
        self.files_changed();
    }

    /// A domain sent bytes of files.
    pub(crate) fn files_data(&mut self, id: DomainId, token: u32, data: Vec<u8>) {
        let now = self.now();
        if self.files.files.data(id, token, data, now) {
            self.files_changed();
        } else {
            self.say_of_files();
        }
    }

    /// A domain takes more bytes of files.
    pub(crate) fn files_credit(&mut self, id: DomainId, token: u32, bytes: u32) {
        let now = self.now();
        self.files.files.credit(id, token, bytes, now);
        self.say_of_files();
    }

    /// A domain sends no more of its files.
    pub(crate) fn files_ended(&mut self, id: DomainId, token: u32, end: FilesEnd) {
        let now = self.now();
        self.files.files.ended(id, token, end, now);
        self.files_changed();
    }

    /// A domain has all files, or cannot take them.
    pub(crate) fn files_result(&mut self, id: DomainId, token: u32, end: FilesEnd) {
        let now = self.now();
        self.files.files.result(id, token, end, now);
        self.files_changed();
    }

    /// A domain's link ended.
    pub(crate) fn files_gone(&mut self, id: DomainId) {
        if self.files.files.is_open() {
            let now = self.now();
            self.files.files.gone(id, now);
            self.files_changed();
        }
    }

    /// The user pressed Super with this digit while something is open.
    pub(crate) fn files_key(&mut self, digit: usize) {
        let now = self.now();
        match digit.checked_sub(1) {
            Some(place) => self.files.files.choose(place, now),
            None => self.files.files.cancel(now),
        }
        self.files_changed();
    }

    /// Says what is to be said to domains.
    fn say_of_files(&mut self) {
        while let Some(say) = self.files.files.poll() {
            match say {
                Say::Offer { to, offer } => {
                    let (name, list) = (offer.from.name, offer.files);
                    let mut number = None;
                    self.with_link(to, |link| number = link.offer_files(&name, &list));
                    info!(from = %name, to = %self.party(to).name, bytes = list.total(), "files are let through");
                    let now = self.now();
                    self.files.files.offered(number, now);
                }
                Say::Credit(id, token, bytes) => {
                    self.with_link(id, |link| _ = link.files_credit(token, bytes));
                }
                Say::Data(id, token, data) => self.with_link(id, |link| _ = link.files_data(token, data)),
                Say::End(id, token, end) => self.with_link(id, |link| _ = link.files_end(token, end)),
                Say::Result(id, token, end) => {
                    self.with_link(id, |link| _ = link.files_result(token, end));
                }
            }
        }
    }

    /// What is told the user may be another thing: has it drawn and told, and the time it takes measured.
    fn files_changed(&mut self) {
        self.say_of_files();
        self.place_files();
        if self.ipc.has_subscribers() {
            self.ipc.broadcast(&Event::FilesChanged(self.files_info()));
        }
        let now = self.now();
        if let Some(timer) = self.files.timer.take() {
            self.loop_handle.remove(timer);
        }
        let Some(due) = self.files.files.deadline() else { return };
        // That a transfer moves meanwhile is seen then.
        let late = |_, _: &mut (), state: &mut State| {
            state.files.timer = None;
            let now = state.now();
            state.files.files.timeout(now);
            state.files_changed();
            TimeoutAction::Drop
        };
        match self.loop_handle.insert_source(Timer::from_duration(due.saturating_sub(now)), late) {
            Ok(timer) => self.files.timer = Some(timer),
            Err(err) => error!(%err, "no timer for files"),
        }
    }

    /// Puts a question in the middle of the screen that shows the window with the keyboard, and everything else at its lower
    /// edge.
    pub(crate) fn place_files(&mut self) {
        let area = self.screen_in_use();
        let files = &self.files.files;
        let rows = self.files_rows().len();
        self.files.place = files.notice().map(|notice| {
            let height = Banner::height(notice.lines.len(), rows);
            let (left, width) = across(area);
            let room = area.height.saturating_sub(height);
            let down = if files.is_asking() { room / 2 } else { room.saturating_sub(MARGIN) };
            Rect::new(left, area.y.saturating_add(down.max(0)), width, height)
        });
        self.queue_redraw();
        let blocks = rows > 0;
        if blocks || self.files.blocks {
            self.files.blocks = blocks;
            self.refresh_pointer();
        }
    }

    /// How many buttons each row has: one for each domain, one for more of them, one that ends it.
    fn files_rows(&self) -> Vec<i32> {
        let (choices, more) = self.files.files.choices();
        let open = usize::from(self.files.files.is_open());
        vec![1; choices.len().saturating_add(more.into()).saturating_add(open)]
    }

    /// Where the user is told of files, if so.
    pub(crate) fn files_place(&self) -> Option<Rect> {
        self.files.place
    }

    /// What is told the user, as it is drawn.
    pub(crate) fn files_banner(&self) -> Option<Banner> {
        let (notice, place) = (self.files.files.notice()?, self.files.place?);
        let pointed = self.files_button_at(self.pointer_position());
        let press = self.files.press;
        let (choices, more) = self.files.files.choices();
        let domains = choices.iter().enumerate().map(|(number, party)| {
            let shown = (party.name.clone(), party.style);
            (format!("Super+{}", number.saturating_add(1)), Some(shown))
        });
        let more = more.then(|| (format!("Super+{}: others", PER_PAGE.saturating_add(1)), None));
        let end = if self.files.files.is_asking() { "Do not send (Super+0)" } else { "Stop (Super+0)" };
        let end = self.files.files.is_open().then(|| (end.to_owned(), None));
        let places = Banner::button_places(place, &self.files_rows());
        let buttons = domains.chain(more).chain(end).zip(places).enumerate();
        let buttons = buttons.map(|(number, ((text, party), place))| {
            let hovered = pointed == Some(number) && press.is_none_or(|press| press == Some(number));
            BannerButton { place, text, party, hovered }
        });
        let parties = notice.parties.iter().map(|party| (party.name.clone(), party.style)).collect();
        Some(Banner { place, parties, lines: notice.lines, buttons: buttons.collect() })
    }

    /// Whether a place for the pointer is ours. Nothing is while a window holds the pointer, as the user does not point then.
    pub(crate) fn files_cover(&self, at: Point) -> bool {
        let points = self.pointer.buttons == 0 && self.pointer_hold.holder().is_none();
        points && self.files.files.is_open() && self.files.place.is_some_and(|place| place.contains(at))
    }

    fn files_button_at(&self, at: Point) -> Option<usize> {
        let places = Banner::button_places(self.files.place?, &self.files_rows());
        places.iter().position(|place| place.contains(at))
    }

    /// Whether a button of the pointer was pressed where the user is told of files, or let go after that: nobody else gets it.
    pub(crate) fn files_take_button(&mut self, pressed: bool) -> bool {
        let at = self.pointer_position();
        if pressed {
            let takes = self.files_cover(at);
            if takes {
                // What is pressed before it could be read means nothing.
                let now = self.now();
                let readable = !self.files.files.is_asking() || self.files.files.takes_answers(now);
                if !readable {
                    self.files.files.pressed_early(now);
                }
                let pointed = self.files_button_at(at).filter(|_| readable);
                self.files.press = Some(pointed);
                self.queue_redraw();
            }
            return takes;
        }
        let Some(press) = self.files.press.take() else { return false };
        let pointed = self.files_button_at(at).filter(|pointed| press == Some(*pointed));
        let last = self.files_rows().len().saturating_sub(1);
        match pointed {
            Some(number) if number == last => self.files_key(0),
            // The button for more is the last but one, and its key the last but 0.
            Some(number) if number == self.files.files.choices().0.len() => {
                self.files_key(PER_PAGE.saturating_add(1))
            }
            Some(number) => self.files_key(number.saturating_add(1)),
            None => self.queue_redraw(),
        }
        true
    }

    /// Files on their way, and what is told of them.
    pub fn files_info(&self) -> FilesInfo {
        let files = &self.files.files;
        FilesInfo {
            notice: files.notice().map(|notice| notice.line()),
            open: files.is_open(),
            takes_answers: files.takes_answers(self.now()),
            choices: files.choices().0.iter().map(|party| party.name.clone()).collect(),
        }
    }
}

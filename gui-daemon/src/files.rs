//! Files from one domain to another: an agent offers them, the user says where they go, the bytes pass through.
//!
//! What holds:
//! - Files go only where the user, asked by this program, or the configuration lets them. Who offers them does not learn who
//!   there is to ask, who was asked, nor why nobody takes them.
//! - One offer or transfer at a time. Who was refused, or took an offer back, is not asked about for [`PAUSE`], so that
//!   nobody can fill the screen with questions.
//! - The sender is let send what the receiver takes and no more, so of the bytes no more is held here than one window
//!   of the protocol's. They are not looked at, and no file is made of them here.
//! - A transfer that does not move for [`STALLED_AFTER`] ends, as does one of whose ends a link ends.
//!
//! [`Files`] has neither clock nor I/O: what is to be said to whom is in [`Files::poll`]. `user` is its way to keys, domains
//! and screen.

pub(crate) mod user;

use std::{collections::VecDeque, time::Duration};

use gui_protocol::{FileInfo, FileList, FilesEnd};

use crate::{
    clipboard::{GUARD, NOTICE_FOR, Party, bytes, policy::Action},
    domain::DomainId,
    sanitise::escape_for_log,
};

/// How long the user may think about a question.
pub const QUESTION_FOR: Duration = Duration::from_secs(60);
/// How long a domain that was refused, or took its offer back, is told to try again later.
pub const PAUSE: Duration = Duration::from_secs(3);
/// How long a transfer may stand still. A receiver that puts a large file on a slow disk says nothing meanwhile.
pub const STALLED_AFTER: Duration = Duration::from_secs(60);
/// Domains that a question names at a time: those there are keys for, but for the one that shows the next.
pub const PER_PAGE: usize = 8;
/// Files that a question names.
const NAMED: usize = 3;
/// The longest name of a file in a question, in characters.
const NAME_CHARS: usize = 48;

/// Files that a domain would like to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// Who.
    pub from: Party,
    /// That agent's number of it.
    pub token: u32,
    /// Which.
    pub files: FileList,
}

impl Offer {
    /// How many files of how many bytes.
    pub fn summary(&self) -> String {
        let count = self.files.files().len();
        format!("{count} file{}, {}", if count == 1 { "" } else { "s" }, bytes(self.files.total()))
    }

    /// The first of the files, harmless to show, and how many there are beside them.
    fn names(&self) -> Vec<String> {
        let files = self.files.files();
        let name = |file: &FileInfo| format!("{} ({})", shown_name(&file.name), bytes(file.size));
        let rest = files.len().saturating_sub(NAMED);
        let more = (rest > 0).then(|| format!("and {rest} more"));
        files.iter().take(NAMED).map(name).chain(more).collect()
    }
}

/// A file's name, escaped. Of a long one the middle is left out, as it begins and ends with what says what it is.
fn shown_name(name: &str) -> String {
    let escaped = escape_for_log(name, usize::MAX);
    let length = escaped.chars().count();
    if length <= NAME_CHARS {
        return escaped;
    }
    let (head, tail) = (NAME_CHARS / 2, NAME_CHARS / 2 - 1);
    let first = escaped.chars().take(head);
    first.chain(['…']).chain(escaped.chars().skip(length.saturating_sub(tail))).collect()
}

/// Something that is to be said to a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// To offer it files; [`Files::offered`] says under which number.
    Offer {
        /// To whom.
        to: DomainId,
        /// What.
        offer: Offer,
    },
    /// To let it send more.
    Credit(DomainId, u32, u32),
    /// Bytes for it.
    Data(DomainId, u32, Vec<u8>),
    /// That no more comes.
    End(DomainId, u32, FilesEnd),
    /// What became of its offer.
    Result(DomainId, u32, FilesEnd),
}

/// What the user is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Whose files, and perhaps who gets them.
    pub parties: Vec<Party>,
    /// What is to be said.
    pub lines: Vec<String>,
}

impl Notice {
    /// The whole of it in one line.
    pub fn line(&self) -> String {
        let names: Vec<&str> = self.parties.iter().map(|party| party.name.as_str()).collect();
        format!("{}: {}", names.join(" → "), self.lines.join("; "))
    }
}

#[derive(Debug, Default)]
enum Stage {
    /// Nobody sends anything.
    #[default]
    Idle,
    /// The user is asked who gets it.
    Question { offer: Offer, choices: Vec<Party>, page: usize, since: Duration },
    /// Bytes pass.
    Moving(Transfer),
}

#[derive(Debug)]
struct Transfer {
    offer: Offer,
    to: Party,
    /// The number under which it was offered to the receiver.
    offered_as: Option<u32>,
    moved: u64,
    /// When anything came of it last.
    at: Duration,
}

impl Transfer {
    fn percent(&self) -> u64 {
        let (moved, total) = (u128::from(self.moved), u128::from(self.offer.files.total()));
        let percent = moved.saturating_mul(100).checked_div(total).unwrap_or(100);
        u64::try_from(percent).unwrap_or(100)
    }

    fn is_from(&self, domain: DomainId, token: u32) -> bool {
        self.offer.from.domain == Some(domain) && self.offer.token == token
    }

    fn is_to(&self, domain: DomainId, token: u32) -> bool {
        self.to.domain == Some(domain) && self.offered_as == Some(token)
    }
}

/// The files on their way, and what the user is told of them.
#[derive(Debug, Default)]
pub struct Files {
    stage: Stage,
    /// What became of the last, and how long that is shown.
    told: Option<(Notice, Duration)>,
    /// Who has to wait, until when.
    paused: Vec<(DomainId, Duration)>,
    to_say: VecDeque<Say>,
}

impl Files {
    /// A domain would like to send files. `others` are the domains that could take them, with what the configuration says of
    /// each; `most` is how many bytes may be sent.
    pub fn offer(&mut self, offer: Offer, others: Vec<(Party, Action)>, most: u64, now: Duration) {
        self.paused.retain(|(_, until)| now < *until);
        let is_paused = self.paused.iter().any(|(domain, _)| offer.from.domain == Some(*domain));
        if is_paused || !matches!(self.stage, Stage::Idle) {
            return self.answer(&offer, FilesEnd::Busy);
        }
        if offer.files.total() > most {
            let line = format!("{}: more than {} is not carried", offer.summary(), bytes(most));
            self.tell(&offer, None, line, now);
            return self.end_unasked(&offer, FilesEnd::TooLarge, now);
        }
        let is = |wanted| move |(_, action): &&(Party, Action)| *action == wanted;
        if let [(to, _)] = others.iter().filter(is(Action::Allow)).collect::<Vec<_>>().as_slice() {
            let to = to.clone();
            return self.begin(offer, to, now);
        }
        let may = others.into_iter().filter(|(_, action)| *action != Action::Deny);
        let choices: Vec<Party> = may.map(|(party, _)| party).collect();
        if choices.is_empty() {
            self.tell(&offer, None, format!("{}: no domain may take them now", offer.summary()), now);
            return self.end_unasked(&offer, FilesEnd::Refused, now);
        }
        self.told = None;
        self.stage = Stage::Question { offer, choices, page: 0, since: now };
    }

    /// The user chooses the domain at this place of the question, counted from 0. Too soon after it came, nothing happens.
    pub fn choose(&mut self, place: usize, now: Duration) {
        let takes_answers = self.takes_answers(now);
        let Stage::Question { choices, page, since, .. } = &mut self.stage else { return };
        if !takes_answers {
            return;
        }
        let pages = choices.len().div_ceil(PER_PAGE);
        if place == PER_PAGE && pages > 1 {
            *page = page.saturating_add(1).checked_rem(pages).unwrap_or(0);
            // What the keys mean now has to be seen first.
            *since = now;
            return;
        }
        let chosen = page.saturating_mul(PER_PAGE).saturating_add(place);
        let chosen = choices.get(chosen).filter(|_| place < PER_PAGE).cloned();
        if let Some(to) = chosen
            && let Stage::Question { offer, .. } = std::mem::take(&mut self.stage)
        {
            self.begin(offer, to, now);
        }
    }

    /// The user pressed the pointer on a question that could not be read yet: the time to read it begins anew, so that somebody
    /// who clicks away at what was there before chooses nothing.
    pub fn pressed_early(&mut self, now: Duration) {
        if let Stage::Question { since, .. } = &mut self.stage {
            *since = now;
        }
    }

    /// The user refuses, or stops what is under way. Too soon after a question came, nothing happens.
    pub fn cancel(&mut self, now: Duration) {
        if matches!(self.stage, Stage::Question { .. }) && !self.takes_answers(now) {
            return;
        }
        self.give_up(FilesEnd::Refused, FilesEnd::Cancelled, "stopped: nothing is kept", now);
    }

    /// The receiver was told of the files under this number, or could not be.
    pub fn offered(&mut self, token: Option<u32>, now: Duration) {
        let Stage::Moving(transfer) = &mut self.stage else { return };
        transfer.offered_as = token;
        if token.is_none() {
            self.give_up(FilesEnd::Failed, FilesEnd::Failed, "it takes no files now", now);
        }
    }

    /// The receiver takes more bytes.
    pub fn credit(&mut self, domain: DomainId, token: u32, count: u32, now: Duration) {
        if let Stage::Moving(transfer) = &mut self.stage
            && transfer.is_to(domain, token)
            && let Some(from) = transfer.offer.from.domain
        {
            transfer.at = now;
            self.to_say.push_back(Say::Credit(from, transfer.offer.token, count));
        }
    }

    /// The sender sent bytes. Whether the user is to be told how far it is.
    pub fn data(&mut self, domain: DomainId, token: u32, data: Vec<u8>, now: Duration) -> bool {
        let Stage::Moving(transfer) = &mut self.stage else { return false };
        let (Some(to), Some(offered_as)) = (transfer.to.domain, transfer.offered_as) else { return false };
        if !transfer.is_from(domain, token) {
            return false;
        }
        let before = transfer.percent();
        transfer.at = now;
        transfer.moved = transfer.moved.saturating_add(u64::try_from(data.len()).unwrap_or(u64::MAX));
        self.to_say.push_back(Say::Data(to, offered_as, data));
        transfer.percent() != before
    }

    /// The sender gave up.
    pub fn ended(&mut self, domain: DomainId, token: u32, end: FilesEnd, now: Duration) {
        let is_this = match &self.stage {
            Stage::Idle => false,
            Stage::Question { offer, .. } => offer.from.domain == Some(domain) && offer.token == token,
            Stage::Moving(transfer) => transfer.is_from(domain, token),
        };
        if is_this {
            let why = if end == FilesEnd::Cancelled { "taken back" } else { "they cannot be read" };
            self.sender_left(end, &format!("{why}: nothing is kept"), now);
        }
    }

    /// The receiver says what became of the files.
    pub fn result(&mut self, domain: DomainId, token: u32, end: FilesEnd, now: Duration) {
        if !matches!(&self.stage, Stage::Moving(transfer) if transfer.is_to(domain, token)) {
            return;
        }
        let Stage::Moving(Transfer { offer, to, .. }) = std::mem::take(&mut self.stage) else { return };
        let (told, line) = match end {
            FilesEnd::Done => (end, "sent"),
            FilesEnd::NoRoom => (FilesEnd::Failed, "no room there: nothing is kept"),
            FilesEnd::Busy | FilesEnd::Refused => (FilesEnd::Failed, "it takes none now"),
            _ => (FilesEnd::Failed, "they cannot be kept there: nothing is kept"),
        };
        self.answer(&offer, told);
        self.tell(&offer, Some(to), format!("{}: {line}", offer.summary()), now);
    }

    /// A domain's link ended.
    pub fn gone(&mut self, domain: DomainId, now: Duration) {
        match &mut self.stage {
            Stage::Idle => {}
            Stage::Question { offer, .. } if offer.from.domain == Some(domain) => {
                self.sender_left(FilesEnd::Failed, "it is gone", now);
            }
            Stage::Question { choices, page, since, .. } => {
                let before = choices.len();
                choices.retain(|party| party.domain != Some(domain));
                if choices.is_empty() {
                    let line = "no domain is left that may take them";
                    self.give_up(FilesEnd::Refused, FilesEnd::Failed, line, now);
                } else if choices.len() < before {
                    // The others have other keys now.
                    (*page, *since) = (0, now);
                }
            }
            Stage::Moving(transfer) if transfer.offer.from.domain == Some(domain) => {
                self.sender_left(FilesEnd::Failed, "it is gone: nothing is kept", now);
            }
            Stage::Moving(transfer) if transfer.to.domain == Some(domain) => {
                self.give_up(FilesEnd::Failed, FilesEnd::Failed, "it is gone", now);
            }
            Stage::Moving(_) => {}
        }
    }

    /// What is to be said to a domain next.
    pub fn poll(&mut self) -> Option<Say> {
        self.to_say.pop_front()
    }

    fn begin(&mut self, offer: Offer, to: Party, now: Duration) {
        self.told = None;
        if let Some(domain) = to.domain {
            self.to_say.push_back(Say::Offer { to: domain, offer: offer.clone() });
        }
        self.stage = Stage::Moving(Transfer { offer, to, offered_as: None, moved: 0, at: now });
    }

    /// Ends what there is: a question with `refused`, a transfer with `stopped`, which both ends hear.
    fn give_up(&mut self, refused: FilesEnd, stopped: FilesEnd, line: &str, now: Duration) {
        match std::mem::take(&mut self.stage) {
            Stage::Idle => {}
            Stage::Question { offer, .. } => {
                self.tell(&offer, None, format!("{}: not sent", offer.summary()), now);
                self.end_unasked(&offer, refused, now);
            }
            Stage::Moving(Transfer { offer, to, offered_as, .. }) => {
                self.answer(&offer, stopped);
                if let (Some(domain), Some(token)) = (to.domain, offered_as) {
                    self.to_say.push_back(Say::End(domain, token, stopped));
                }
                self.tell(&offer, Some(to), format!("{}: {line}", offer.summary()), now);
            }
        }
    }

    /// The sender ended its offer or its link: it is owed no answer.
    fn sender_left(&mut self, end: FilesEnd, line: &str, now: Duration) {
        match std::mem::take(&mut self.stage) {
            Stage::Idle => {}
            Stage::Question { offer, .. } => {
                self.tell(&offer, None, format!("{}: {line}", offer.summary()), now);
                self.pause(&offer, now);
            }
            Stage::Moving(Transfer { offer, to, offered_as, .. }) => {
                if let (Some(domain), Some(token)) = (to.domain, offered_as) {
                    self.to_say.push_back(Say::End(domain, token, end));
                }
                self.tell(&offer, Some(to), format!("{}: {line}", offer.summary()), now);
            }
        }
    }

    fn end_unasked(&mut self, offer: &Offer, end: FilesEnd, now: Duration) {
        self.answer(offer, end);
        self.pause(offer, now);
    }

    fn answer(&mut self, offer: &Offer, end: FilesEnd) {
        if let Some(domain) = offer.from.domain {
            self.to_say.push_back(Say::Result(domain, offer.token, end));
        }
    }

    fn pause(&mut self, offer: &Offer, now: Duration) {
        self.paused.extend(offer.from.domain.map(|domain| (domain, now.saturating_add(PAUSE))));
    }

    fn tell(&mut self, offer: &Offer, to: Option<Party>, line: String, now: Duration) {
        let parties = std::iter::once(offer.from.clone()).chain(to).collect();
        self.told = Some((Notice { parties, lines: vec![line] }, now.saturating_add(NOTICE_FOR)));
    }

    /// What the user is told now.
    pub fn notice(&self) -> Option<Notice> {
        match &self.stage {
            Stage::Idle => self.told.as_ref().map(|(notice, _)| notice.clone()),
            Stage::Question { offer, .. } => {
                let asked = format!("{} to another domain. Which one takes them?", offer.summary());
                let lines = std::iter::once(asked).chain(offer.names()).collect();
                Some(Notice { parties: vec![offer.from.clone()], lines })
            }
            Stage::Moving(transfer) => {
                let parties = vec![transfer.offer.from.clone(), transfer.to.clone()];
                let line = format!("{}: {} %", transfer.offer.summary(), transfer.percent());
                Some(Notice { parties, lines: vec![line] })
            }
        }
    }

    /// The domains that a question shows now, and whether there are more.
    pub fn choices(&self) -> (&[Party], bool) {
        let Stage::Question { choices, page, .. } = &self.stage else { return (&[], false) };
        let page = choices.chunks(PER_PAGE).nth(*page).unwrap_or_default();
        (page, choices.len() > PER_PAGE)
    }

    /// Whether the user is to answer.
    pub fn is_asking(&self) -> bool {
        matches!(self.stage, Stage::Question { .. })
    }

    /// Whether there is something the user may end.
    pub fn is_open(&self) -> bool {
        !matches!(self.stage, Stage::Idle)
    }

    /// Whether there is a question that was there for long enough to be read.
    pub fn takes_answers(&self, now: Duration) -> bool {
        matches!(self.stage, Stage::Question { since, .. } if now >= since.saturating_add(GUARD))
    }

    /// When [`Files::timeout`] has something to do.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.stage {
            Stage::Idle => self.told.as_ref().map(|(_, until)| *until),
            Stage::Question { since, .. } => Some(since.saturating_add(QUESTION_FOR)),
            Stage::Moving(transfer) => Some(transfer.at.saturating_add(STALLED_AFTER)),
        }
    }

    /// Lets time pass.
    pub fn timeout(&mut self, now: Duration) {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return;
        }
        match self.stage {
            Stage::Idle => self.told = None,
            Stage::Question { .. } | Stage::Moving(_) => {
                let line = "it does not go on: nothing is kept";
                self.give_up(FilesEnd::Refused, FilesEnd::Failed, line, now);
            }
        }
    }
}

#[cfg(test)]
mod tests;

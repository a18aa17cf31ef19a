//! Secure copy and paste: text goes from one domain to another by the user's two gestures, and by nothing else.
//!
//! What holds:
//! - A domain is asked for its clipboard on the user's gesture in its window, and has one answer, within
//!   [`ANSWER_WITHIN`]; what comes unasked or late is dropped. Nobody else hears of it.
//! - What was copied is kept until the next copy, or until it was pasted, once. Whatever is dropped is overwritten.
//! - It is given to the window that has the keyboard when the user pastes, if the [policy](policy::Policy) lets it.
//!   dom0's own windows neither give nor take.
//! - What is told the user is domains' names, sizes and outcomes, never a byte of what was copied.
//!
//! [`Clipboard`] has neither clock nor I/O; `user` is its way to keys, domains and screen.

pub mod policy;
pub(crate) mod user;

use std::time::Duration;

use zeroize::Zeroizing;

use crate::{domain::DomainId, render::Style, shell};
use policy::{Action, Policy};

/// How long a domain may take to answer. Agents give their applications less.
pub const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long the user may think about a question.
pub const QUESTION_FOR: Duration = Duration::from_secs(30);
/// How long a question takes no yes, so that what was pressed before it was seen is not taken for one.
pub const GUARD: Duration = Duration::from_millis(700);
/// How long the user is told what became of a gesture.
pub const NOTICE_FOR: Duration = Duration::from_secs(5);

/// A domain, or dom0, as the user is shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Party {
    /// Which domain; none for dom0.
    pub domain: Option<DomainId>,
    /// Its name.
    pub name: String,
    /// Its colour.
    pub style: Style,
}

/// What a domain gave when it was asked.
pub enum Answer {
    /// This, or nothing at all.
    Text(Zeroizing<Vec<u8>>),
    /// More than is taken.
    TooLarge,
}

/// What the user is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Where the text comes from.
    pub from: Option<Party>,
    /// Where it goes.
    pub to: Option<Party>,
    /// What becomes of it.
    pub text: String,
    /// Whether the user is to answer.
    pub asks: bool,
    /// When it has been there for long enough.
    until: Duration,
}

impl Notice {
    /// The whole of it in one line.
    pub fn line(&self) -> String {
        let parties = [&self.from, &self.to].into_iter().flatten();
        let names: Vec<&str> = parties.map(|party| party.name.as_str()).collect();
        if names.is_empty() { self.text.clone() } else { format!("{}: {}", names.join(" → "), self.text) }
    }
}

/// What was copied and not yet pasted.
#[derive(Debug)]
pub struct Kept {
    /// Where.
    pub from: Party,
    /// It.
    pub text: Zeroizing<Vec<u8>>,
    since: Duration,
}

impl Kept {
    /// For how long.
    pub fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.since)
    }
}

/// What is waited for.
#[derive(Debug, Default, PartialEq, Eq)]
enum Stage {
    /// The user.
    #[default]
    Idle,
    /// A domain that was asked for its clipboard.
    Asked { from: Party, until: Duration },
    /// The user's word on a paste.
    Question { into: shell::Id, to: Party, since: Duration },
}

/// What is copied, and what the user is told of it.
#[derive(Debug, Default)]
pub struct Clipboard {
    kept: Option<Kept>,
    stage: Stage,
    notice: Option<Notice>,
}

impl Clipboard {
    /// The user copies in a domain. What was copied before is gone at once, so that nobody pastes it for the new.
    pub fn copy(&mut self, from: Party, now: Duration) {
        let until = now.saturating_add(ANSWER_WITHIN);
        self.kept = None;
        self.stage = Stage::Asked { from: from.clone(), until };
        self.notice =
            Some(Notice { from: Some(from), to: None, text: "copying …".to_owned(), asks: false, until });
    }

    /// The user copies where there is nothing to copy from: `why`.
    pub fn cannot_copy(&mut self, from: Option<Party>, why: &str, now: Duration) {
        self.withdraw_question();
        self.tell(from, None, why.to_owned(), now);
    }

    /// A domain gave something for its clipboard, of which `most` bytes are taken.
    pub fn answered(&mut self, domain: DomainId, answer: Answer, most: usize, now: Duration) {
        let Some(from) = self.take_asked(domain) else { return };
        let told = match &answer {
            Answer::Text(text) if text.is_empty() => "it has no text to copy".to_owned(),
            Answer::Text(text) => format!("{} copied, to be pasted once", bytes(text.len() as u64)),
            Answer::TooLarge => format!("it has more than {}: nothing copied", bytes(most as u64)),
        };
        if let Answer::Text(text) = answer
            && !text.is_empty()
        {
            self.kept = Some(Kept { from: from.clone(), text, since: now });
        }
        self.tell(Some(from), None, told, now);
    }

    /// A domain's link ended.
    pub fn gone(&mut self, domain: DomainId, now: Duration) {
        if let Some(from) = self.take_asked(domain) {
            self.tell(Some(from), None, "it is gone: nothing copied".to_owned(), now);
        }
    }

    fn take_asked(&mut self, domain: DomainId) -> Option<Party> {
        match std::mem::take(&mut self.stage) {
            Stage::Asked { from, .. } if from.domain == Some(domain) => Some(from),
            other => {
                self.stage = other;
                None
            }
        }
    }

    /// The user pastes into a window. Whether the text is to be given to it now.
    pub fn paste(&mut self, into: shell::Id, to: Party, policy: &Policy, now: Duration) -> bool {
        if let Stage::Asked { from, .. } = &self.stage {
            let from = from.clone();
            self.tell(Some(from), Some(to), "still copying: nothing pasted".to_owned(), now);
            return false;
        }
        let Some(Kept { from, text, .. }) = &self.kept else {
            self.tell(None, Some(to), "nothing was copied".to_owned(), now);
            return false;
        };
        let (from, size) = (from.clone(), bytes(text.len() as u64));
        // Within one domain nothing crosses.
        let action =
            if from.domain == to.domain { Action::Allow } else { policy.decide(&from.name, &to.name) };
        match action {
            Action::Allow => return true,
            Action::Deny => {
                self.tell(Some(from), Some(to), "the configuration forbids this paste".to_owned(), now);
            }
            Action::Ask => {
                self.stage = Stage::Question { into, to: to.clone(), since: now };
                let until = now.saturating_add(QUESTION_FOR);
                let text = format!("paste {size}?");
                self.notice = Some(Notice { from: Some(from), to: Some(to), text, asks: true, until });
            }
        }
        false
    }

    /// The user pastes where nothing may be pasted: `why`.
    pub fn cannot_paste(&mut self, to: Option<Party>, why: &str, now: Duration) {
        self.tell(None, to, why.to_owned(), now);
    }

    /// The user says yes to the question. The window that the text is to be given to now, if it was not too soon.
    pub fn confirm(&mut self, now: Duration) -> Option<(shell::Id, Party)> {
        let Stage::Question { since, .. } = &self.stage else { return None };
        if now < since.saturating_add(GUARD) {
            return None;
        }
        let Stage::Question { into, to, .. } = std::mem::take(&mut self.stage) else { return None };
        self.notice = None;
        Some((into, to))
    }

    /// The user says no to the question.
    pub fn refuse(&mut self, now: Duration) {
        if let Stage::Question { to, .. } = &self.stage {
            let (from, to) = (self.kept.as_ref().map(|kept| kept.from.clone()), to.clone());
            self.stage = Stage::Idle;
            self.tell(from, Some(to), "nothing pasted".to_owned(), now);
        }
    }

    /// Another window has the keyboard, or none: the question was not about that one.
    pub fn focus_moved(&mut self, to: Option<shell::Id>) {
        if let Stage::Question { into, .. } = self.stage
            && to != Some(into)
        {
            self.withdraw_question();
        }
    }

    fn withdraw_question(&mut self) {
        if self.is_asking() {
            self.stage = Stage::Idle;
            self.notice = None;
        }
    }

    /// What is to be given to a domain now. [`Clipboard::given`] says what came of it.
    pub fn take(&mut self) -> Option<Kept> {
        self.kept.take()
    }

    /// The text was given to a domain, or its agent does not take as much: then it is kept.
    pub fn given(&mut self, kept: Kept, to: Party, taken: bool, now: Duration) {
        let (from, size) = (kept.from.clone(), bytes(kept.text.len() as u64));
        let told = if taken {
            format!("{size} pasted, nothing is kept")
        } else {
            self.kept = Some(kept);
            format!("its agent does not take {size}: nothing pasted")
        };
        self.tell(Some(from), Some(to), told, now);
    }

    fn tell(&mut self, from: Option<Party>, to: Option<Party>, text: String, now: Duration) {
        let until = now.saturating_add(NOTICE_FOR);
        self.notice = Some(Notice { from, to, text, asks: false, until });
    }

    /// What was copied and not yet pasted.
    pub fn kept(&self) -> Option<&Kept> {
        self.kept.as_ref()
    }

    /// What the user is told now.
    pub fn notice(&self) -> Option<&Notice> {
        self.notice.as_ref()
    }

    /// Whether the user is to answer.
    pub fn is_asking(&self) -> bool {
        matches!(self.stage, Stage::Question { .. })
    }

    /// Whether the user is to answer, and has had the time to see it.
    pub fn takes_answers(&self, now: Duration) -> bool {
        matches!(self.stage, Stage::Question { since, .. } if now >= since.saturating_add(GUARD))
    }

    /// When [`Clipboard::timeout`] has something to do.
    pub fn deadline(&self) -> Option<Duration> {
        let asked = match self.stage {
            Stage::Asked { until, .. } => Some(until),
            Stage::Idle | Stage::Question { .. } => None,
        };
        let notice = self.notice.as_ref().map(|notice| notice.until);
        asked.into_iter().chain(notice).min()
    }

    /// Lets time pass.
    pub fn timeout(&mut self, now: Duration) {
        match &self.stage {
            Stage::Asked { from, until } if *until <= now => {
                let from = from.clone();
                self.stage = Stage::Idle;
                let told = format!("no answer within {} s: nothing copied", ANSWER_WITHIN.as_secs());
                self.tell(Some(from), None, told, now);
            }
            Stage::Question { since, .. } if since.saturating_add(QUESTION_FOR) <= now => self.refuse(now),
            _ => {}
        }
        if self.notice.as_ref().is_some_and(|notice| notice.until <= now) {
            self.notice = None;
        }
    }
}

/// A number of bytes in words.
pub(crate) fn bytes(count: u64) -> String {
    let digits = count.to_string();
    let grouped: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    format!("{} byte{}", grouped.join(","), if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests;

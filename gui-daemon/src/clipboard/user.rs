//! The clipboard's way to the keys the user presses, the domains, and the notice on the screen.
//!
//! The notice lies above all windows, so no domain can cover it, and where it lies no domain's picture of the pointer is shown.
//! It passes the pointer through: that it is there is nobody's business. Only a question is in the pointer's way, and the
//! only key it takes is the one that refuses it.

use smithay::reexports::calloop::{
    RegistrationToken,
    timer::{TimeoutAction, Timer},
};
use tracing::{error, info};
use zeroize::Zeroizing;

use super::{Answer, Clipboard, Notice, Party};
use crate::{
    domain::DomainId,
    focus::GuestTarget,
    ipc::{ClipboardInfo, Event},
    render::{Banner, BannerButton, SHARE, Style},
    scene::DOM0,
    shell::{
        self, Hit,
        geom::{self, Insets, Rect},
    },
    state::State,
    windows::Source,
};

/// From the top of the screen to the notice, and at least from its sides.
pub(crate) const MARGIN: i32 = 16;
/// A question has one row of two buttons.
const BUTTONS: &[i32] = &[2];

/// The clipboard, and what its being shown takes.
#[derive(Debug, Default)]
pub struct ClipboardDesk {
    pub(crate) clipboard: Clipboard,
    /// Runs while there is something to wait for.
    timer: Option<RegistrationToken>,
    /// Where the notice is shown.
    place: Rect,
    /// Whether it was a question when it was placed.
    blocks: bool,
    /// What the pointer pressed on the question, until it lets go.
    press: Option<Option<Choice>>,
}

/// The buttons of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Choice {
    Yes,
    No,
}

/// Who has the keyboard.
enum Focused {
    Domain(shell::Id, GuestTarget),
    Dom0,
    Nobody,
}

impl State {
    /// The user copies.
    pub(crate) fn secure_copy(&mut self) {
        let now = self.now();
        match self.focused_window() {
            Focused::Domain(_, target) => {
                let from = self.party(target.domain);
                self.clipboard.clipboard.copy(from, now);
                self.with_link(target.domain, |link| link.request_clipboard(target.window));
            }
            Focused::Dom0 => {
                self.clipboard.clipboard.cannot_copy(Some(dom0()), "it gives nothing to domains", now);
            }
            Focused::Nobody => {
                self.clipboard.clipboard.cannot_copy(None, "no window to copy from", now);
            }
        }
        self.notice_changed();
    }

    /// The user pastes, or says yes to the question that this led to before.
    pub(crate) fn secure_paste(&mut self) {
        if self.clipboard.clipboard.is_asking() {
            return self.confirm_paste();
        }
        let now = self.now();
        match self.focused_window() {
            Focused::Domain(id, target) => {
                let to = self.party(target.domain);
                let policy = &self.config.clipboard.policy;
                if self.clipboard.clipboard.paste(id, to.clone(), policy, now) {
                    self.give(&target, to);
                }
            }
            Focused::Dom0 => {
                self.clipboard.clipboard.cannot_paste(Some(dom0()), "it takes nothing from domains", now);
            }
            Focused::Nobody => {
                self.clipboard.clipboard.cannot_paste(None, "no window to paste into", now);
            }
        }
        self.notice_changed();
    }

    fn confirm_paste(&mut self) {
        let Some((into, to)) = self.clipboard.clipboard.confirm(self.now()) else { return };
        if let Focused::Domain(id, target) = self.focused_window()
            && id == into
        {
            self.give(&target, to);
        }
        self.notice_changed();
    }

    /// The user says no.
    pub(crate) fn refuse_paste(&mut self) {
        let now = self.now();
        self.clipboard.clipboard.refuse(now);
        self.notice_changed();
    }

    fn give(&mut self, target: &GuestTarget, to: Party) {
        let Some(kept) = self.clipboard.clipboard.take() else { return };
        let mut taken = false;
        self.with_link(target.domain, |link| taken = link.send_clipboard(target.window, &kept.text));
        info!(from = %kept.from.name, to = %to.name, bytes = kept.text.len(), taken, "pasted");
        let now = self.now();
        self.clipboard.clipboard.given(kept, to, taken, now);
    }

    /// A domain gave a clipboard.
    pub(crate) fn clipboard_came(&mut self, id: DomainId, text: Option<Vec<u8>>) {
        let answer = text.map_or(Answer::TooLarge, |text| Answer::Text(Zeroizing::new(text)));
        let most = self.config.clipboard.max_size;
        let now = self.now();
        self.clipboard.clipboard.answered(id, answer, most, now);
        self.notice_changed();
    }

    /// A domain's link ended.
    pub(crate) fn clipboard_gone(&mut self, id: DomainId) {
        let now = self.now();
        self.clipboard.clipboard.gone(id, now);
        self.notice_changed();
    }

    /// Another window has the keyboard.
    pub(crate) fn clipboard_focus_moved(&mut self, to: Option<shell::Id>) {
        if self.clipboard.clipboard.is_asking() {
            self.clipboard.clipboard.focus_moved(to);
            self.notice_changed();
        }
    }

    fn focused_window(&self) -> Focused {
        let Some(id) = self.shell.focused() else { return Focused::Nobody };
        match self.windows.get(id).map(|window| &window.source) {
            Some(Source::Guest(guest)) => Focused::Domain(id, guest.target.clone()),
            Some(Source::Local(_)) => Focused::Dom0,
            None => Focused::Nobody,
        }
    }

    pub(crate) fn party(&self, id: DomainId) -> Party {
        self.domain(id).map_or_else(dom0, |domain| Party {
            domain: Some(id),
            name: domain.config.name.clone(),
            style: Style::Domain(domain.config.label),
        })
    }

    /// What is told the user may be another thing: has it drawn and told, and the time it takes measured.
    fn notice_changed(&mut self) {
        self.place_notice();
        if self.ipc.has_subscribers() {
            self.ipc.broadcast(&Event::ClipboardChanged(self.clipboard_info()));
        }
        let now = self.now();
        if let Some(timer) = self.clipboard.timer.take() {
            self.loop_handle.remove(timer);
        }
        let Some(due) = self.clipboard.clipboard.deadline() else { return };
        let late = |_, _: &mut (), state: &mut State| {
            state.clipboard.timer = None;
            let now = state.now();
            state.clipboard.clipboard.timeout(now);
            state.notice_changed();
            TimeoutAction::Drop
        };
        match self.loop_handle.insert_source(Timer::from_duration(due.saturating_sub(now)), late) {
            Ok(timer) => self.clipboard.timer = Some(timer),
            Err(err) => error!(%err, "no timer for the clipboard"),
        }
    }

    /// Puts the notice at the top of the screen that shows the window with the keyboard.
    pub(crate) fn place_notice(&mut self) {
        let area = self.screen_in_use();
        let asks = self.clipboard.clipboard.is_asking();
        let (left, width) = across(area);
        let height = Banner::height(1, asks.into());
        self.clipboard.place = Rect::new(left, area.y.saturating_add(MARGIN), width, height);
        self.queue_redraw();
        // Only a question is in the pointer's way; of a notice, the window under the pointer hears nothing.
        if std::mem::replace(&mut self.clipboard.blocks, asks) != asks {
            self.refresh_pointer();
        }
    }

    /// The screen that shows the window with the keyboard.
    pub(crate) fn screen_in_use(&self) -> Rect {
        let focused = self.shell.focused().and_then(|id| self.shell.window(id)).map(|window| window.frame);
        let screen = focused.and_then(|frame| self.outputs.main_of(frame)).or(self.outputs.primary());
        screen.map(|screen| screen.area()).unwrap_or_default()
    }

    /// What is told the user, as it is drawn, topmost first.
    pub(crate) fn banners(&self) -> Vec<Banner> {
        [self.clipboard_banner(), self.files_banner(), self.icon_banner()].into_iter().flatten().collect()
    }

    fn clipboard_banner(&self) -> Option<Banner> {
        let ClipboardDesk { clipboard, place, press, .. } = &self.clipboard;
        let notice = clipboard.notice()?;
        let pointed = self.choice_at(self.pointer_position());
        let button = |place, choice, text: String| BannerButton {
            place,
            text,
            party: None,
            hovered: pointed == Some(choice) && press.is_none_or(|press| press == Some(choice)),
        };
        let yes = self.config.clipboard.paste.map(|chord| format!("Paste ({chord})"));
        let places = Banner::button_places(*place, BUTTONS);
        let buttons = match places.as_slice() {
            [first, second] if notice.asks => vec![
                button(*first, Choice::Yes, yes.unwrap_or_else(|| "Paste".into())),
                button(*second, Choice::No, "Cancel (Escape)".into()),
            ],
            _ => Vec::new(),
        };
        let parties = [&notice.from, &notice.to].into_iter().flatten();
        let parties = parties.map(|party| (party.name.clone(), party.style)).collect();
        Some(Banner { place: *place, parties, lines: vec![notice.text.clone()], buttons })
    }

    /// Whether the pointer's picture has to be ours at this place, lest it lies on the notice.
    pub(crate) fn is_near_notice(&self, at: geom::Point) -> bool {
        let height = self.outputs.iter().map(|screen| screen.area().height).max().unwrap_or_default();
        let clipboard = self.clipboard.clipboard.notice().map(|_| self.clipboard.place);
        let icon = self.icon_banner().map(|banner| banner.place);
        let mut places = clipboard.into_iter().chain(self.files_place()).chain(icon);
        places.any(|place| place.outset(Insets::uniform(height / SHARE)).contains(at))
    }

    /// What lies under a place for the pointer: a question before windows.
    pub(crate) fn hit(&self, at: geom::Point) -> Hit {
        let is_ours = self.question_covers(at) || self.files_cover(at);
        if is_ours { Hit::Nothing } else { self.shell.hit(at) }
    }

    fn question_covers(&self, at: geom::Point) -> bool {
        let asks = self.clipboard.clipboard.is_asking() && self.pointer.buttons == 0;
        asks && self.clipboard.place.contains(at)
    }

    fn choice_at(&self, at: geom::Point) -> Option<Choice> {
        let ClipboardDesk { clipboard, place, .. } = &self.clipboard;
        let places = Banner::button_places(*place, BUTTONS);
        let pointed = places.iter().position(|button| button.contains(at));
        [Choice::Yes, Choice::No].get(pointed?).copied().filter(|_| clipboard.is_asking())
    }

    /// Whether a button of the pointer was pressed on a question, or let go after that: nobody else gets it.
    pub(crate) fn question_takes_button(&mut self, pressed: bool) -> bool {
        let at = self.pointer_position();
        let pointed = self.choice_at(at);
        if pressed {
            if !self.question_covers(at) {
                return self.files_take_button(pressed);
            }
            self.clipboard.press = Some(pointed);
            self.queue_redraw();
            return true;
        }
        let Some(press) = self.clipboard.press.take() else { return self.files_take_button(pressed) };
        match pointed.filter(|pointed| press == Some(*pointed)) {
            Some(Choice::Yes) => self.confirm_paste(),
            Some(Choice::No) => self.refuse_paste(),
            None => self.queue_redraw(),
        }
        true
    }

    /// What there is to be pasted, and what is told of it.
    pub fn clipboard_info(&self) -> ClipboardInfo {
        let clipboard = &self.clipboard.clipboard;
        let kept = clipboard.kept();
        ClipboardInfo {
            from: kept.map(|kept| kept.from.name.clone()),
            bytes: kept.map_or(0, |kept| kept.text.len()),
            age_s: kept.map_or(0, |kept| kept.age(self.now()).as_secs()),
            notice: clipboard.notice().map(Notice::line),
            asks: clipboard.is_asking(),
        }
    }
}

/// Left edge and width of what is told on this screen.
pub(crate) fn across(area: Rect) -> (i32, i32) {
    let width = Banner::WIDTH.min(area.width.saturating_sub(2 * MARGIN)).max(1);
    (area.x.saturating_add(area.width.saturating_sub(width) / 2), width)
}

fn dom0() -> Party {
    Party { domain: None, name: DOM0.to_owned(), style: Style::Admin }
}

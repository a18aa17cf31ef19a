use super::*;
use crate::{
    clipboard::policy::{Rule, Whom},
    label::Label,
};

const WORK: DomainId = DomainId(0);
const UNTRUSTED: DomainId = DomainId(1);
const WINDOW: shell::Id = shell::Id(7);

fn party(name: &str) -> Party {
    let domain = ["work", "untrusted", "personal"].iter().position(|known| *known == name).unwrap();
    let style = Style::Domain(Label::named("blue").unwrap());
    Party { domain: Some(DomainId(domain as u32)), name: name.into(), style }
}

fn text(text: &[u8]) -> Answer {
    Answer::Text(Zeroizing::new(text.to_vec()))
}

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn otherwise(action: Action) -> Policy {
    Policy { rules: Vec::new(), otherwise: action }
}

/// A clipboard with a text of work's, copied at the beginning.
fn copied() -> Clipboard {
    let mut clipboard = Clipboard::default();
    clipboard.copy(party("work"), at(0));
    clipboard.answered(WORK, text(b"secret"), 64_000, at(0));
    clipboard
}

fn paste(clipboard: &mut Clipboard, action: Action, now: u64) -> bool {
    clipboard.paste(WINDOW, party("untrusted"), &otherwise(action), at(now))
}

fn give(clipboard: &mut Clipboard, taken: bool) {
    let kept = clipboard.take().unwrap();
    clipboard.given(kept, party("untrusted"), taken, at(3));
}

fn kept(clipboard: &Clipboard) -> Option<&[u8]> {
    clipboard.kept().map(|kept| kept.text.as_slice())
}

fn told(clipboard: &Clipboard) -> String {
    clipboard.notice().map(Notice::line).unwrap_or_default()
}

#[test]
fn a_text_is_pasted_once() {
    let mut clipboard = Clipboard::default();
    clipboard.copy(party("work"), at(0));
    assert_eq!((told(&clipboard).as_str(), kept(&clipboard)), ("work: copying …", None));
    clipboard.answered(WORK, text(b"secret"), 64_000, at(1));
    assert_eq!(told(&clipboard), "work: 6 bytes copied, to be pasted once");
    assert!(paste(&mut clipboard, Action::Allow, 2));
    assert_eq!(kept(&clipboard), Some(&b"secret"[..]));
    give(&mut clipboard, true);
    assert_eq!(told(&clipboard), "work → untrusted: 6 bytes pasted, nothing is kept");
    assert_eq!(kept(&clipboard), None);
    assert!(!paste(&mut clipboard, Action::Allow, 4));
    assert_eq!(told(&clipboard), "untrusted: nothing was copied");
}

#[test]
fn only_the_domain_that_was_asked_answers_and_once() {
    let mut clipboard = Clipboard::default();
    clipboard.answered(WORK, text(b"unasked"), 64_000, at(0));
    assert_eq!((kept(&clipboard), clipboard.notice()), (None, None));
    clipboard.copy(party("work"), at(0));
    clipboard.answered(UNTRUSTED, text(b"me instead"), 64_000, at(1));
    assert_eq!(kept(&clipboard), None);
    clipboard.answered(WORK, text(b"first"), 64_000, at(2));
    clipboard.answered(WORK, text(b"second"), 64_000, at(3));
    assert_eq!(kept(&clipboard), Some(&b"first"[..]));
}

#[test]
fn a_copy_ends_what_was_before_it() {
    let mut clipboard = copied();
    clipboard.copy(party("untrusted"), at(10));
    assert_eq!(kept(&clipboard), None, "not pasted for what is being copied");
    assert!(!paste(&mut clipboard, Action::Allow, 11));
    assert_eq!(told(&clipboard), "untrusted → untrusted: still copying: nothing pasted");
    clipboard.answered(WORK, text(b"late"), 64_000, at(12));
    assert_eq!(kept(&clipboard), None, "work was asked before");
    clipboard.answered(UNTRUSTED, text(b"new"), 64_000, at(13));
    assert_eq!(kept(&clipboard), Some(&b"new"[..]));
}

#[test]
fn nothing_copied_leaves_nothing_to_paste() {
    for (answer, expected) in [
        (text(b""), "work: it has no text to copy"),
        (Answer::TooLarge, "work: it has more than 64,000 bytes: nothing copied"),
    ] {
        let mut clipboard = copied();
        clipboard.copy(party("work"), at(10));
        clipboard.answered(WORK, answer, 64_000, at(11));
        assert_eq!((told(&clipboard).as_str(), kept(&clipboard)), (expected, None));
    }
    let mut clipboard = copied();
    clipboard.copy(party("work"), at(10));
    clipboard.gone(UNTRUSTED, at(11));
    assert_eq!(told(&clipboard), "work: copying …");
    clipboard.gone(WORK, at(11));
    assert_eq!(told(&clipboard), "work: it is gone: nothing copied");
    assert_eq!(kept(&clipboard), None);
}

#[test]
fn what_was_copied_outlives_its_domain() {
    let mut clipboard = copied();
    clipboard.gone(WORK, at(10));
    assert!(paste(&mut clipboard, Action::Allow, 11));
}

#[test]
fn a_domain_that_does_not_answer_is_named() {
    let mut clipboard = Clipboard::default();
    clipboard.copy(party("work"), at(0));
    assert_eq!(clipboard.deadline(), Some(ANSWER_WITHIN));
    clipboard.timeout(at(4_999));
    assert_eq!(told(&clipboard), "work: copying …");
    clipboard.timeout(at(5_000));
    assert_eq!(told(&clipboard), "work: no answer within 5 s: nothing copied");
    clipboard.answered(WORK, text(b"late"), 64_000, at(5_001));
    assert_eq!(kept(&clipboard), None);
    assert_eq!(clipboard.deadline(), Some(at(10_000)));
    clipboard.timeout(at(10_000));
    assert_eq!((clipboard.notice(), clipboard.deadline()), (None, None));
}

#[test]
fn what_is_forbidden_stays_for_where_it_is_not() {
    let mut clipboard = copied();
    assert!(!paste(&mut clipboard, Action::Deny, 1));
    assert_eq!(told(&clipboard), "work → untrusted: the configuration forbids this paste");
    let rule = Rule { from: Whom::Any, to: Whom::Domain("personal".into()), action: Action::Allow };
    let policy = Policy { rules: vec![rule], otherwise: Action::Deny };
    assert!(clipboard.paste(WINDOW, party("personal"), &policy, at(2)));
}

#[test]
fn within_one_domain_no_rule_forbids_anything() {
    let mut clipboard = copied();
    assert!(clipboard.paste(WINDOW, party("work"), &otherwise(Action::Deny), at(1)));
    // which one it is, is not a matter of names
    let other = Party { domain: Some(UNTRUSTED), ..party("work") };
    assert!(!clipboard.paste(WINDOW, other, &otherwise(Action::Deny), at(1)));
}

#[test]
fn what_an_agent_does_not_take_is_kept() {
    let mut clipboard = copied();
    assert!(paste(&mut clipboard, Action::Allow, 1));
    give(&mut clipboard, false);
    assert_eq!(told(&clipboard), "work → untrusted: its agent does not take 6 bytes: nothing pasted");
    assert_eq!(kept(&clipboard), Some(&b"secret"[..]));
}

#[test]
fn a_question_takes_a_yes_only_once_it_can_have_been_seen() {
    let mut clipboard = copied();
    assert!(!paste(&mut clipboard, Action::Ask, 1_000));
    assert_eq!(told(&clipboard), "work → untrusted: paste 6 bytes?");
    assert!(clipboard.is_asking() && !clipboard.takes_answers(at(1_699)));
    assert_eq!(clipboard.confirm(at(1_699)), None);
    assert!(clipboard.takes_answers(at(1_700)));
    assert_eq!(clipboard.confirm(at(1_700)), Some((WINDOW, party("untrusted"))));
    assert_eq!(clipboard.confirm(at(1_701)), None, "once");
    assert_eq!(kept(&clipboard), Some(&b"secret"[..]), "until it is given");
}

#[test]
fn a_question_without_a_yes_is_a_no() {
    let mut refused = copied();
    paste(&mut refused, Action::Ask, 0);
    refused.refuse(at(1));
    assert_eq!(told(&refused), "work → untrusted: nothing pasted");
    assert_eq!(refused.confirm(at(10_000)), None);

    let mut forgotten = copied();
    paste(&mut forgotten, Action::Ask, 0);
    forgotten.timeout(at(29_999));
    assert!(forgotten.is_asking());
    forgotten.timeout(at(30_000));
    assert!(!forgotten.is_asking());
    assert_eq!(told(&forgotten), "work → untrusted: nothing pasted");

    let mut elsewhere = copied();
    paste(&mut elsewhere, Action::Ask, 0);
    elsewhere.focus_moved(Some(WINDOW));
    assert!(elsewhere.is_asking());
    elsewhere.focus_moved(None);
    assert!(!elsewhere.is_asking());
    assert_eq!(elsewhere.notice(), None);
    assert_eq!(elsewhere.confirm(at(10_000)), None);

    let mut again = copied();
    paste(&mut again, Action::Ask, 0);
    again.copy(party("work"), at(1));
    assert_eq!((again.is_asking(), again.confirm(at(10_000))), (false, None));
}

#[test]
fn numbers_are_easy_to_read() {
    let all = [0, 1, 999, 1_000, 64_000, 1_234_567].map(bytes);
    assert_eq!(all, ["0 bytes", "1 byte", "999 bytes", "1,000 bytes", "64,000 bytes", "1,234,567 bytes"]);
}

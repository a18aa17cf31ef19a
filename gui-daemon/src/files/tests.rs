use super::*;
use crate::{label::Label, render::Style};

const NAMES: [&str; 12] = ["work", "vault", "web", "mail", "a", "b", "c", "d", "e", "f", "g", "last"];
const WORK: DomainId = DomainId(0);
const VAULT: DomainId = DomainId(1);
const MOST: u64 = 1_000_000;

fn party(number: usize) -> Party {
    let style = Style::Domain(Label::named("blue").unwrap());
    Party { domain: Some(DomainId(number as u32)), name: NAMES[number].into(), style }
}

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn list(files: &[(&str, u64)]) -> FileList {
    let file = |(name, size): &(&str, u64)| FileInfo { name: (*name).into(), size: *size };
    FileList::new(files.iter().map(file).collect()).unwrap()
}

fn offer(token: u32) -> Offer {
    Offer { from: party(0), token, files: list(&[("a.txt", 1000), ("b", 234)]) }
}

/// The domains after work, and what the configuration says of each.
fn others(actions: &[Action]) -> Vec<(Party, Action)> {
    actions.iter().enumerate().map(|(number, action)| (party(number + 1), *action)).collect()
}

fn said(files: &mut Files) -> Vec<Say> {
    std::iter::from_fn(|| files.poll()).collect()
}

fn told(files: &Files) -> String {
    files.notice().map(|notice| notice.line()).unwrap_or_default()
}

fn choices(files: &Files) -> Vec<&str> {
    files.choices().0.iter().map(|party| party.name.as_str()).collect()
}

/// A question that came at the beginning, with two domains to choose from.
fn asked() -> Files {
    let mut files = Files::default();
    files.offer(offer(7), others(&[Action::Ask, Action::Ask]), MOST, at(0));
    files
}

/// A transfer from work to vault, that the latter knows as 3.
fn moving() -> Files {
    let mut files = asked();
    files.choose(0, at(1000));
    said(&mut files);
    files.offered(Some(3), at(1000));
    files
}

#[test]
fn the_user_chooses_and_the_bytes_pass() {
    let mut files = asked();
    assert_eq!(
        told(&files),
        "work: 2 files, 1,234 bytes to another domain. Which one takes them?; a.txt (1,000 bytes); b (234 bytes)"
    );
    assert_eq!(choices(&files), ["vault", "web"]);
    assert_eq!(said(&mut files), [], "nobody hears of it");
    files.choose(0, at(1000));
    assert_eq!(said(&mut files), [Say::Offer { to: VAULT, offer: offer(7) }]);
    files.offered(Some(3), at(1000));
    files.credit(VAULT, 3, 5000, at(1001));
    assert!(files.data(WORK, 7, vec![1; 617], at(1002)));
    assert_eq!(told(&files), "work → vault: 2 files, 1,234 bytes: 50 %");
    assert!(!files.data(WORK, 7, vec![1; 1], at(1002)), "no other percent");
    let data = |count| Say::Data(VAULT, 3, vec![1; count]);
    assert_eq!(said(&mut files), [Say::Credit(WORK, 7, 5000), data(617), data(1)]);
    files.data(WORK, 7, vec![1; 616], at(1003));
    said(&mut files);
    files.result(VAULT, 3, FilesEnd::Done, at(1004));
    assert_eq!(said(&mut files), [Say::Result(WORK, 7, FilesEnd::Done)]);
    assert_eq!(told(&files), "work → vault: 2 files, 1,234 bytes: sent");
    files.timeout(at(1004) + NOTICE_FOR);
    assert_eq!(told(&files), "");
}

#[test]
fn what_is_pressed_before_it_could_be_read_is_no_answer() {
    let mut files = asked();
    let early = GUARD - at(1);
    files.choose(0, early);
    files.cancel(early);
    assert!(files.is_asking() && !files.takes_answers(early) && files.takes_answers(GUARD));
    // a domain that goes moves the others to other keys
    files.gone(VAULT, at(2000));
    assert_eq!(choices(&files), ["web"]);
    files.choose(0, at(2001));
    assert!(files.is_asking());
    files.choose(0, at(2000) + GUARD);
    assert!(!files.is_asking());
    // who clicks on and on chooses nothing
    let mut files = asked();
    files.pressed_early(at(600));
    assert!(!files.takes_answers(at(1000)) && files.takes_answers(at(600) + GUARD));
    // keys without a domain are none
    let mut files = asked();
    files.choose(2, at(1000));
    files.choose(PER_PAGE, at(1000));
    assert!(files.is_asking());
}

#[test]
fn many_domains_come_in_pages() {
    let mut files = Files::default();
    files.offer(offer(7), others(&[Action::Ask; 11]), MOST, at(0));
    assert!(files.choices().1);
    assert_eq!(choices(&files), NAMES[1..9]);
    files.choose(PER_PAGE, at(1000));
    assert_eq!(choices(&files), NAMES[9..]);
    files.choose(2, at(1001));
    assert!(files.is_asking(), "too soon for this page");
    files.choose(2, at(2000));
    assert!(told(&files).starts_with("work → last: "));
}

#[test]
fn the_configuration_may_answer() {
    use Action::{Allow, Ask, Deny};
    let mut files = Files::default();
    files.offer(offer(1), others(&[Ask, Allow, Deny]), MOST, at(0));
    assert!(told(&files).starts_with("work → web: "), "the only one that is allowed");
    let mut files = Files::default();
    files.offer(offer(1), others(&[Allow, Allow, Ask, Deny]), MOST, at(0));
    assert_eq!(choices(&files), ["vault", "web", "mail"]);
    for none in [vec![], others(&[Deny])] {
        let mut files = Files::default();
        files.offer(offer(1), none, MOST, at(0));
        assert_eq!(said(&mut files), [Say::Result(WORK, 1, FilesEnd::Refused)]);
        assert_eq!(told(&files), "work: 2 files, 1,234 bytes: no domain may take them now");
    }
    let mut files = Files::default();
    files.offer(offer(1), others(&[Ask]), 1233, at(0));
    assert_eq!(said(&mut files), [Say::Result(WORK, 1, FilesEnd::TooLarge)]);
    assert_eq!(told(&files), "work: 2 files, 1,234 bytes: more than 1,233 bytes is not carried");
    let mut files = Files::default();
    files.offer(offer(1), others(&[Ask]), 1234, at(0));
    assert!(files.is_asking());
}

#[test]
fn nobody_fills_the_screen_with_questions() {
    let mut files = asked();
    // one at a time, whoever comes
    let other = Offer { from: party(2), ..offer(9) };
    files.offer(other.clone(), others(&[Action::Ask]), MOST, at(1));
    assert_eq!(said(&mut files), [Say::Result(DomainId(2), 9, FilesEnd::Busy)]);
    files.cancel(at(1000));
    assert_eq!(said(&mut files), [Say::Result(WORK, 7, FilesEnd::Refused)]);
    assert_eq!(told(&files), "work: 2 files, 1,234 bytes: not sent");
    // who was refused waits, others do not
    let again = at(1000) + PAUSE;
    files.offer(offer(8), others(&[Action::Ask]), MOST, again - at(1));
    assert_eq!(said(&mut files), [Say::Result(WORK, 8, FilesEnd::Busy)]);
    files.offer(other, others(&[Action::Ask]), MOST, again - at(1));
    assert!(files.is_asking());
    // taking it back is no way around that
    files.ended(DomainId(2), 9, FilesEnd::Cancelled, again);
    assert_eq!(said(&mut files), [], "it knows");
    files.offer(Offer { from: party(2), ..offer(10) }, others(&[Action::Ask]), MOST, again);
    assert_eq!(said(&mut files), [Say::Result(DomainId(2), 10, FilesEnd::Busy)]);
    files.offer(offer(8), others(&[Action::Ask]), MOST, again);
    assert!(files.is_asking());
}

#[test]
fn a_question_is_not_asked_for_ever() {
    let mut files = asked();
    assert_eq!(files.deadline(), Some(QUESTION_FOR));
    files.timeout(QUESTION_FOR - at(1));
    assert!(files.is_asking());
    files.timeout(QUESTION_FOR);
    assert_eq!(said(&mut files), [Say::Result(WORK, 7, FilesEnd::Refused)]);
    let mut files = asked();
    files.gone(WORK, at(1));
    assert_eq!((said(&mut files), told(&files)), (vec![], "work: 2 files, 1,234 bytes: it is gone".into()));
    let mut files = Files::default();
    files.offer(offer(7), others(&[Action::Ask]), MOST, at(0));
    files.gone(VAULT, at(1));
    assert_eq!(said(&mut files), [Say::Result(WORK, 7, FilesEnd::Refused)]);
}

#[test]
fn whatever_ends_a_transfer_both_ends_hear_of_it() {
    let end = |end| Say::End(VAULT, 3, end);
    let result = |end| Say::Result(WORK, 7, end);
    type End = (fn(&mut Files), Vec<Say>, &'static str);
    let ends: [End; 8] = [
        (
            |files| files.cancel(at(1001)),
            vec![result(FilesEnd::Cancelled), end(FilesEnd::Cancelled)],
            "stopped: nothing is kept",
        ),
        (
            |files| files.ended(WORK, 7, FilesEnd::Cancelled, at(1001)),
            vec![end(FilesEnd::Cancelled)],
            "taken back: nothing is kept",
        ),
        (
            |files| files.ended(WORK, 7, FilesEnd::Failed, at(1001)),
            vec![end(FilesEnd::Failed)],
            "they cannot be read: nothing is kept",
        ),
        (|files| files.gone(WORK, at(1001)), vec![end(FilesEnd::Failed)], "it is gone: nothing is kept"),
        (
            |files| files.gone(VAULT, at(1001)),
            vec![result(FilesEnd::Failed), end(FilesEnd::Failed)],
            "it is gone",
        ),
        (
            |files| files.result(VAULT, 3, FilesEnd::NoRoom, at(1001)),
            vec![result(FilesEnd::Failed)],
            "no room there: nothing is kept",
        ),
        (
            |files| files.result(VAULT, 3, FilesEnd::Busy, at(1001)),
            vec![result(FilesEnd::Failed)],
            "it takes none now",
        ),
        (
            |files| files.timeout(at(1000) + STALLED_AFTER),
            vec![result(FilesEnd::Failed), end(FilesEnd::Failed)],
            "it does not go on: nothing is kept",
        ),
    ];
    for (act, expected, line) in ends {
        let mut files = moving();
        act(&mut files);
        assert_eq!(said(&mut files), expected, "{line}");
        assert_eq!(told(&files), format!("work → vault: 2 files, 1,234 bytes: {line}"));
        assert!(!files.is_open());
    }
    // a receiver that cannot be offered anything
    let mut files = asked();
    files.choose(0, at(1000));
    said(&mut files);
    files.offered(None, at(1000));
    assert_eq!(said(&mut files), [Say::Result(WORK, 7, FilesEnd::Failed)]);
}

#[test]
fn others_have_no_say() {
    let mut files = moving();
    for domain in [VAULT, DomainId(2)] {
        assert!(!files.data(domain, 7, vec![1], at(1001)));
        files.ended(domain, 7, FilesEnd::Cancelled, at(1001));
    }
    for domain in [WORK, DomainId(2)] {
        files.credit(domain, 3, 1, at(1001));
        files.result(domain, 3, FilesEnd::Done, at(1001));
    }
    files.gone(DomainId(2), at(1001));
    for token in [6, 8] {
        assert!(!files.data(WORK, token, vec![1], at(1001)));
        files.result(VAULT, token, FilesEnd::Done, at(1001));
    }
    assert_eq!(said(&mut files), []);
    assert!(files.is_open());
}

#[test]
fn names_cannot_lie() {
    let offer = |files: &[(&str, u64)]| Offer { files: list(files), ..offer(1) };
    let names = offer(&[("evil\u{202e}fdp.exe", 1), ("a\nb\u{1b}[31m", 0)]).names();
    assert_eq!(names, ["evil\\u{202e}fdp.exe (1 byte)", "a\\nb\\u{1b}[31m (0 bytes)"]);
    let long = format!("{}{}.exe", "holiday.jpg", " ".repeat(200));
    let names = offer(&[(long.as_str(), 5)]).names();
    assert!(names[0].starts_with("holiday.jpg") && names[0].ends_with(".exe (5 bytes)"), "{names:?}");
    assert!(names[0].chars().count() < 60);
    let five = [("1", 0), ("2", 0), ("3", 0), ("4", 0), ("5", 0)];
    assert_eq!(offer(&five).names()[3], "and 2 more");
}

//! Frames that wait for content that fits.

use super::{OUTPUT, WORK, configured, content, desktop, effects, frame, shown};
use crate::shell::geom::{Edges, Point, Rect, Size};
use crate::shell::{Id, Shell, State};

const START: Rect = Rect::new(400, 300, 300, 200);
const LEFT: Edges = Edges { left: true, ..Edges::NONE };
const RIGHT: Edges = Edges { right: true, ..Edges::NONE };

/// A window that draws at the sizes it is told, and an edge of it held at a place.
fn held(edges: Edges, at: Point) -> (Shell, Id) {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, START);
    shell.set_patient(id, true);
    effects(&mut shell);
    shell.begin_resize(id, edges, at);
    (shell, id)
}

#[test]
fn a_frame_like_the_last_changes_nothing() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, START);
    shell.set_patient(id, true);
    effects(&mut shell);
    for answers in [true, false] {
        shell.drawn(id, START.size(), answers);
        assert!(effects(&mut shell).is_empty());
    }
    shell.drawn(id, Size::new(340, 200), true);
    assert!(!effects(&mut shell).is_empty());
}

#[test]
fn frame_and_content_change_together_when_the_content_comes() {
    let (mut shell, id) = held(RIGHT, Point::new(700, 400));
    let before = frame(&shell, id);
    shell.pointer_motion(Point::new(750, 400));
    let wider = Rect { width: 350, ..START };
    assert_eq!(configured(&mut shell, id), Some(wider));
    assert_eq!((content(&shell, id), frame(&shell, id)), (START, before));
    assert!(shell.window(id).unwrap().is_awaited());

    shell.drawn(id, wider.size(), true);
    assert_eq!(content(&shell, id), wider);
    assert_eq!(frame(&shell, id), Rect { width: before.width + 50, ..before });
    assert!(!shell.window(id).unwrap().is_awaited());
}

#[test]
fn one_size_at_a_time_is_told_and_the_latest_follows() {
    let (mut shell, id) = held(LEFT, Point::new(400, 400));
    shell.pointer_motion(Point::new(390, 400));
    let first = Rect { x: 390, width: 310, ..START };
    assert_eq!(configured(&mut shell, id), Some(first));
    for x in [370, 350, 320] {
        shell.pointer_motion(Point::new(x, 400));
        assert_eq!(configured(&mut shell, id), None);
    }
    // what was drawn for an older size is no answer
    shell.drawn(id, START.size(), false);
    assert_eq!(content(&shell, id), START);

    shell.drawn(id, first.size(), true);
    assert_eq!(content(&shell, id), first, "the right edge stays");
    let last = Rect { x: 320, width: 380, ..START };
    assert_eq!(configured(&mut shell, id), Some(last));
    shell.pointer_release();
    shell.drawn(id, last.size(), true);
    assert_eq!(content(&shell, id), last);
}

#[test]
fn a_size_of_its_own_keeps_the_edge_that_nobody_pulls_at() {
    let (mut shell, id) = held(LEFT, Point::new(400, 400));
    shell.pointer_motion(Point::new(355, 400));
    assert!(configured(&mut shell, id).is_some());
    // it draws in steps of 20
    shell.drawn(id, Size::new(340, 200), true);
    let chosen = Rect { x: 360, width: 340, ..START };
    assert_eq!(content(&shell, id), chosen);
    assert_eq!(configured(&mut shell, id), None, "it has answered");

    shell.pointer_release();
    assert_eq!(content(&shell, id), chosen, "and keeps what it chose");
    shell.request_maximise(id, true);
    shell.request_maximise(id, false);
    shell.give_up(id);
    assert_eq!(content(&shell, id), chosen);
}

#[test]
fn who_takes_too_long_is_not_waited_for() {
    let (mut shell, id) = held(RIGHT, Point::new(700, 400));
    shell.pointer_motion(Point::new(750, 400));
    effects(&mut shell);
    shell.pointer_motion(Point::new(760, 400));
    shell.give_up(id);
    assert_eq!(content(&shell, id), Rect { width: 360, ..START });
    // the frame goes ahead by now, but sizes are told one by one all the same
    assert_eq!(configured(&mut shell, id), Some(Rect { width: 360, ..START }));
    shell.pointer_motion(Point::new(770, 400));
    assert_eq!(configured(&mut shell, id), None);
    assert_eq!(content(&shell, id), Rect { width: 370, ..START });
    // old content does not pull it back
    shell.drawn(id, START.size(), false);
    assert_eq!(content(&shell, id), Rect { width: 370, ..START });

    // an answer, and it is waited for again
    shell.drawn(id, Size::new(360, 200), true);
    assert_eq!(content(&shell, id), Rect { width: 360, ..START });
    assert_eq!(configured(&mut shell, id), Some(Rect { width: 370, ..START }));
    assert_eq!(content(&shell, id), Rect { width: 360, ..START });
}

#[test]
fn maximising_waits_too_and_minimising_does_not() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, START);
    shell.set_patient(id, true);
    effects(&mut shell);
    shell.request_maximise(id, true);
    let all = configured(&mut shell, id).expect("a size");
    assert_eq!(content(&shell, id), START);
    shell.request_minimise(id, true);
    let told = shell.window(id).unwrap().told();
    assert_eq!(configured(&mut shell, id), Some(all));
    assert_ne!(shell.window(id).unwrap().told(), told);
    shell.request_minimise(id, false);

    // a window that has a largest size fills its frame as far as it goes
    shell.drawn(id, Size::new(1000, 500), true);
    assert_eq!((content(&shell, id), frame(&shell, id)), (all, OUTPUT));
    shell.request_maximise(id, false);
    assert_eq!(configured(&mut shell, id), Some(START));
    assert_eq!(frame(&shell, id), OUTPUT);
    shell.drawn(id, START.size(), true);
    assert_eq!(content(&shell, id), START);
    assert_eq!(shell.window(id).unwrap().told(), (START, State::default()));
}

#[test]
fn a_size_nobody_told_is_a_wish() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, START);
    shell.set_patient(id, true);
    effects(&mut shell);
    shell.drawn(id, Size::new(500, 100), true);
    assert_eq!(content(&shell, id), Rect::new(400, 300, 500, 100));
    assert_eq!(configured(&mut shell, id), None);
}

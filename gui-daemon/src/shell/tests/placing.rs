//! Where new windows and popups come, and what of them stays on the screen.

use super::*;

#[test]
fn new_windows_stay_clear_of_others_where_there_is_room() {
    let mut shell = desktop();
    let ids = [(); 6].map(|()| unplaced(&mut shell, 500, 400));
    let frames = ids.map(|id| frame(&shell, id));
    for (n, one) in frames.iter().enumerate() {
        assert!(OUTPUT.encloses(*one), "{n}: {one:?}");
        assert!(frames[..n].iter().all(|other| other.intersection(*one).is_empty()), "{n}: {frames:?}");
    }
}

#[test]
fn new_windows_without_room_come_in_the_middle_and_then_down_a_diagonal() {
    let mut shell = desktop();
    let ids = [(); 3].map(|()| unplaced(&mut shell, 1400, 900));
    let origins = ids.map(|id| frame(&shell, id).origin());
    let first = Point::new((1920 - 1408) / 2, (1080 - 932) / 2);
    assert_eq!(origins, [first, first.plus(Point::new(32, 32)), first.plus(Point::new(64, 64))]);
}

#[test]
fn every_new_window_has_its_whole_frame_on_the_screen() {
    let mut shell = desktop();
    for n in 0..100 {
        let id = unplaced(&mut shell, 300 + 17 * n, 200 + 13 * n);
        assert!(OUTPUT.encloses(frame(&shell, id)), "{n}: {:?}", frame(&shell, id));
    }
}

#[test]
fn new_windows_do_not_hide_each_other() {
    let mut shell = desktop();
    let ids: Vec<Id> = (0..50).map(|_| unplaced(&mut shell, 800, 600)).collect();
    let frames: Vec<Rect> = ids.into_iter().map(|id| frame(&shell, id)).collect();
    for (n, frame) in frames.iter().enumerate() {
        assert!(!frames.iter().skip(n + 1).any(|other| other == frame), "{n}: {frame:?}");
    }
}

#[test]
fn a_new_window_too_big_for_the_screen_is_made_smaller_in_its_increments() {
    let mut shell = desktop();
    let big = Rect::new(0, 0, 5000, 5000);
    let id = shell.add(NewWindow { owner: WORK, role: Role::Toplevel, content: big, placed: false });
    let size = |n| Some(Size::new(n, n));
    shell.set_limits(id, SizeLimits { min: size(50), increment: size(100), ..SizeLimits::default() });
    shell.map(id);
    assert_eq!(content(&shell, id).size(), Size::new(1850, 950));
    assert_eq!(configured(&mut shell, id), Some(content(&shell, id)));
}

#[test]
fn a_new_window_comes_to_the_output_with_the_pointer() {
    let right = Rect::new(1920, 0, 1280, 1024);
    let mut shell = Shell::new(Metrics::default(), vec![OUTPUT, right]);
    shell.pointer_motion(Point::new(2000, 500));
    let id = unplaced(&mut shell, 400, 300);
    assert!(right.encloses(frame(&shell, id)));
}

#[test]
fn a_dialog_comes_on_its_parent() {
    let mut shell = desktop();
    let parent = shown(&mut shell, WORK, Rect::new(1000, 500, 600, 400));
    let place = Rect::new(0, 0, 200, 100);
    let dialog = shell.add(NewWindow { owner: WORK, role: Role::Toplevel, content: place, placed: false });
    shell.set_transient(dialog, Some(parent));
    shell.map(dialog);
    assert_eq!(frame(&shell, dialog).centre(), frame(&shell, parent).centre());

    shell.request_geometry(parent, Rect::new(1900, 500, 600, 400));
    shell.unmap(dialog);
    shell.set_placed(dialog, false);
    shell.map(dialog);
    assert_eq!(frame(&shell, dialog).right(), 1920, "but inside the screen");
}

#[test]
fn a_title_band_cannot_leave_the_screen() {
    for (x, y) in
        [(-9000, 300), (9000, 300), (300, -9000), (300, 9000), (300, 1095), (-9000, -9000), (9000, 9000)]
    {
        let mut shell = desktop();
        let id = shown(&mut shell, WORK, Rect::new(500, 500, 400, 300));
        shell.request_geometry(id, Rect::new(x, y, 400, 300));
        let asked = frame(&shell, id);
        let visible = Rect { height: 28, ..asked }.intersection(OUTPUT);
        assert!(visible.width >= 128 && visible.height == 28, "asked for {x},{y}: {asked:?}");
        assert_eq!(configured(&mut shell, id), Some(content(&shell, id)), "the owner is told");
    }
}

#[test]
fn a_window_may_lie_across_two_outputs() {
    let below = Rect::new(0, 1080, 1920, 1080);
    let right = Rect::new(1920, 0, 1920, 1080);
    let mut shell = Shell::new(Metrics::default(), vec![OUTPUT, below, right]);
    for wish in [Rect::new(300, 1094, 90, 300), Rect::new(1880, 300, 90, 300)] {
        let id = shown(&mut shell, WORK, wish);
        assert_eq!(content(&shell, id), wish);
    }
}

#[test]
fn a_popup_is_shown_where_it_was_asked_for_but_inside_the_screen() {
    let mut shell = desktop();
    for (wish, place) in [
        (Rect::new(100, 100, 200, 300), Rect::new(100, 100, 200, 300)),
        (Rect::new(1900, 1000, 200, 300), Rect::new(1720, 780, 200, 300)),
        (Rect::new(-50, -50, 200, 300), Rect::new(0, 0, 200, 300)),
        (Rect::new(100, 100, 4000, 30), Rect::new(0, 100, 1920, 30)),
    ] {
        let id = popup(&mut shell, WORK, None, wish);
        assert_eq!((content(&shell, id), frame(&shell, id)), (place, place));
    }
}

#[test]
fn a_popup_that_no_output_shows_stays_there() {
    let mut shell = desktop();
    let parked = Rect::new(-500, -500, 200, 300);
    let id = popup(&mut shell, WORK, None, parked);
    assert_eq!(content(&shell, id), parked);
    assert_eq!(configured(&mut shell, id), None);
}

#[test]
fn a_popup_over_nine_tenths_of_the_screen_becomes_a_toplevel() {
    let mut shell = desktop();
    let most = popup(&mut shell, WORK, None, Rect::new(0, 0, 1920, 972));
    let over = popup(&mut shell, WORK, None, Rect::new(0, 0, 1920, 973));
    let trusted = popup(&mut shell, Owner::Dom0, None, OUTPUT);
    assert!(shell.window(most).unwrap().is_popup());
    assert!(shell.window(trusted).unwrap().is_popup());
    assert_eq!(shell.window(over).unwrap().role, Role::Toplevel);
    assert!(OUTPUT.encloses(frame(&shell, over)));
    assert_eq!(shell.focused(), Some(over));

    shell.request_geometry(most, OUTPUT);
    assert_eq!(shell.window(most).unwrap().role, Role::Toplevel, "growing into it does not help");
    shell.unmap(over);
    shell.request_geometry(over, Rect::new(0, 0, 100, 100));
    shell.map(over);
    assert!(shell.window(over).unwrap().is_popup(), "judged anew when shown again");
}

#[test]
fn a_popup_may_cover_the_screen_where_the_protection_is_off() {
    let mut shell = desktop();
    let id = added(&mut shell, WORK, Role::Popup { parent: None }, OUTPUT);
    shell.set_popup_protection(id, false);
    shell.map(id);
    assert_eq!((shell.window(id).unwrap().is_popup(), content(&shell, id)), (true, OUTPUT));
}

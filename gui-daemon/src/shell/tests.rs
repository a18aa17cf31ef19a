//! The rules one by one; then any operations in any order against what must always hold.

mod hold;
mod operations;
mod picture;
mod tile;
mod tray;

use picture::{METRICS, assert_picture, cell, cells};

use super::geom::{Edges, Insets, Point, Rect, Size};
use super::window::MAX_CONTENT;
use super::*;

const OUTPUT: Rect = Rect::new(0, 0, 1920, 1080);
const WORK: Owner = Owner::Domain(1);
const RED: Owner = Owner::Domain(2);

fn desktop() -> Shell {
    Shell::new(Metrics::default(), vec![OUTPUT])
}

/// A desktop of 40 by 16 cells, to be drawn.
fn small_desktop() -> Shell {
    Shell::new(METRICS, vec![cells(0, 0, 40, 16)])
}

fn added(shell: &mut Shell, owner: Owner, role: Role, content: Rect) -> Id {
    shell.add(NewWindow { owner, role, content, placed: true })
}

fn shown(shell: &mut Shell, owner: Owner, content: Rect) -> Id {
    let id = added(shell, owner, Role::Toplevel, content);
    shell.map(id);
    id
}

fn popup(shell: &mut Shell, owner: Owner, parent: Option<Id>, content: Rect) -> Id {
    let id = added(shell, owner, Role::Popup { parent }, content);
    shell.map(id);
    id
}

fn unplaced(shell: &mut Shell, width: i32, height: i32) -> Id {
    let content = Rect::new(0, 0, width, height);
    let id = shell.add(NewWindow { owner: WORK, role: Role::Toplevel, content, placed: false });
    shell.map(id);
    id
}

fn content(shell: &Shell, id: Id) -> Rect {
    shell.window(id).unwrap().content
}

fn frame(shell: &Shell, id: Id) -> Rect {
    shell.window(id).unwrap().frame
}

fn state(shell: &Shell, id: Id) -> State {
    shell.window(id).unwrap().state
}

fn stack(shell: &Shell) -> Vec<Id> {
    shell.stack().map(|window| window.id).collect()
}

/// All but that windows are to be told of the focus, which they are whenever it moves.
fn effects(shell: &mut Shell) -> Vec<Effect> {
    let all = std::iter::from_fn(|| shell.poll_effect());
    all.filter(|effect| !matches!(effect, Effect::Restyled { .. })).collect()
}

fn configured(shell: &mut Shell, id: Id) -> Option<Rect> {
    effects(shell).into_iter().find_map(|effect| match effect {
        Effect::Configure { id: of, content, .. } if of == id => Some(content),
        _ => None,
    })
}

fn title_of(shell: &Shell, id: Id) -> Point {
    frame(shell, id).origin().plus(Point::new(40, 14))
}

fn middle_of(shell: &Shell, id: Id, button: Button) -> Point {
    let window = shell.window(id).unwrap();
    window.frame.origin().plus(button.rect(window.frame.size(), window.insets).centre())
}

fn click(shell: &mut Shell, at: Point) {
    shell.pointer_motion(at);
    shell.pointer_press(at);
    shell.pointer_release();
}

#[test]
fn frames_have_a_band_four_sides_and_buttons() {
    let mut shell = small_desktop();
    shown(&mut shell, WORK, cells(3, 4, 12, 5));
    let red = shown(&mut shell, RED, cells(12, 8, 16, 4));
    popup(&mut shell, RED, Some(red), cells(20, 6, 5, 4));
    assert_picture(
        &shell,
        "
        ········································
        ········································
        ··##############························
        ··#AAAAAAA__^xx#························
        ··#aaaaaaaaaaaa#························
        ··#aaaaaaaaaaaa#························
        ··#aaaaaaaa#########ccccc####···········
        ··#aaaaaaaa#BBBBBBBBccccc^xx#···········
        ··#aaaaaaaa#bbbbbbbbcccccbbb#···········
        ··##########bbbbbbbbcccccbbb#···········
        ···········#bbbbbbbbbbbbbbbb#···········
        ···········#bbbbbbbbbbbbbbbb#···········
        ···········##################···········
        ········································
        ········································
        ········································
        ",
    );
}

#[test]
fn content_narrower_than_its_buttons_lies_at_the_left_of_a_wider_frame() {
    let mut shell = small_desktop();
    shown(&mut shell, WORK, cells(3, 4, 2, 2));
    let drawn = picture::draw(&shell);
    let rows: Vec<String> = drawn.lines().skip(2).take(5).map(|row| row.chars().take(14).collect()).collect();
    assert_eq!(
        rows,
        ["··##########··", "··#AAA__^xx#··", "··#aa%%%%%%#··", "··#aa%%%%%%#··", "··##########··"]
    );
}

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

#[test]
fn a_popup_is_directly_above_its_parent_and_takes_no_focus() {
    let mut shell = desktop();
    let below = shown(&mut shell, WORK, Rect::new(100, 100, 400, 300));
    let above = shown(&mut shell, RED, Rect::new(300, 200, 400, 300));
    let menu = popup(&mut shell, WORK, Some(below), Rect::new(150, 150, 100, 100));
    let submenu = popup(&mut shell, WORK, Some(menu), Rect::new(250, 150, 100, 100));
    assert_eq!(stack(&shell), [below, menu, submenu, above]);
    assert_eq!(shell.focused(), Some(above));

    let place = content(&shell, menu);
    shell.request_geometry(below, Rect::new(800, 500, 400, 300));
    assert_eq!(content(&shell, menu), place, "it does not move with its parent");

    shell.pointer_press(Point::new(160, 160));
    assert_eq!(shell.focused(), Some(below), "a click on it is a click on its toplevel");
    assert_eq!(stack(&shell), [above, below, menu, submenu]);
}

#[test]
fn a_popup_of_nobody_is_on_top_until_another_window_is_raised() {
    let mut shell = desktop();
    let window = shown(&mut shell, RED, Rect::new(300, 200, 400, 300));
    let menu = popup(&mut shell, WORK, None, Rect::new(350, 250, 100, 100));
    let strangers = popup(&mut shell, WORK, Some(window), Rect::new(350, 250, 100, 100));
    assert_eq!(stack(&shell), [window, menu, strangers], "another owner's window is no parent");
    shell.raise(window);
    assert_eq!(stack(&shell), [menu, strangers, window]);
}

#[test]
fn a_click_raises_and_focuses() {
    let mut shell = small_desktop();
    let a = shown(&mut shell, WORK, cells(3, 4, 12, 5));
    let b = shown(&mut shell, RED, cells(12, 8, 16, 4));
    assert_eq!(shell.focused(), Some(b));
    let hit = shell.pointer_press(cell(5, 5));
    assert_eq!(hit, Hit::Content { id: a, local: Point::new(2 * 16 + 8, 16 + 8) });
    assert_eq!(shell.focused(), Some(a));
    assert_eq!(stack(&shell), [b, a]);
    assert_eq!(shell.grabbed(), None);
    assert_eq!(effects(&mut shell), [Effect::FocusChanged { from: None, to: Some(a) }, Effect::Changed]);
    shell.pointer_press(cell(39, 15));
    assert_eq!(shell.focused(), Some(a), "the background takes nothing");
    assert_eq!(effects(&mut shell), []);
}

#[test]
fn without_leave_a_new_window_of_another_owner_stays_below() {
    let metrics = Metrics { focus_new: false, ..Metrics::default() };
    let mut shell = Shell::new(metrics, vec![OUTPUT]);
    let first = shown(&mut shell, WORK, Rect::new(100, 100, 400, 300));
    assert_eq!(shell.focused(), Some(first), "nobody had it");
    let red = shown(&mut shell, RED, Rect::new(100, 100, 400, 300));
    let menu = popup(&mut shell, RED, None, Rect::new(100, 100, 40, 30));
    assert_eq!((shell.focused(), stack(&shell)), (Some(first), vec![red, menu, first]));
    shell.request_minimise(red, true);
    shell.request_minimise(red, false);
    assert_eq!(
        (shell.focused(), stack(&shell)),
        (Some(first), vec![menu, red, first]),
        "nor by minimising itself"
    );
    let second = shown(&mut shell, WORK, Rect::new(100, 100, 400, 300));
    assert_eq!((shell.focused(), stack(&shell)), (Some(second), vec![menu, red, first, second]));
}

#[test]
fn the_focus_goes_back_to_the_window_used_last() {
    let mut shell = desktop();
    let [a, b, c, d] =
        [WORK, RED, WORK, RED].map(|owner| shown(&mut shell, owner, Rect::new(100, 100, 400, 300)));
    shell.request_focus(b);
    shell.remove(b);
    assert_eq!(shell.focused(), Some(d));
    shell.unmap(d);
    assert_eq!(shell.focused(), Some(c));
    shell.request_minimise(c, true);
    assert_eq!(shell.focused(), Some(a));
    shell.remove_owner(WORK);
    assert_eq!(shell.focused(), None);
    assert_eq!(effects(&mut shell), [Effect::Changed], "the caller never heard of the others");
}

#[test]
fn alt_tab_shows_the_choice_on_top_and_focuses_it_at_the_end() {
    let mut shell = desktop();
    let [a, b, c] = [WORK, RED, WORK].map(|owner| shown(&mut shell, owner, Rect::new(100, 100, 400, 300)));
    shell.request_minimise(a, true);
    shell.alt_tab(Direction::Forward);
    assert_eq!((shell.alt_tab_choice(), stack(&shell)), (Some(b), vec![c, b]));
    shell.alt_tab(Direction::Forward);
    assert_eq!((shell.alt_tab_choice(), stack(&shell)), (Some(a), vec![b, c, a]), "minimised ones too");
    assert_eq!((shell.focused(), state(&shell, a).minimised), (Some(c), true), "only a preview so far");
    shell.alt_tab_cancel();
    assert_eq!((shell.focused(), stack(&shell)), (Some(c), vec![b, c]));

    shell.alt_tab(Direction::Backward);
    shell.alt_tab_end();
    assert_eq!((shell.focused(), stack(&shell)), (Some(a), vec![b, c, a]));
    shell.alt_tab(Direction::Forward);
    shell.alt_tab_end();
    assert_eq!(shell.focused(), Some(c), "back and forth between the last two");

    shell.alt_tab(Direction::Forward);
    shell.pointer_press(Point::new(200, 200));
    assert_eq!((shell.focused(), shell.alt_tab_choice()), (Some(a), None), "a click decides too");
}

#[test]
fn alt_tab_survives_windows_that_go() {
    let mut shell = desktop();
    let [a, b, c] = [WORK, RED, WORK].map(|owner| shown(&mut shell, owner, Rect::new(100, 100, 400, 300)));
    shell.alt_tab(Direction::Forward);
    shell.remove(c);
    assert_eq!(shell.alt_tab_choice(), Some(b));
    shell.remove(b);
    assert_eq!(shell.alt_tab_choice(), Some(a));
    shell.remove(a);
    shell.alt_tab(Direction::Forward);
    assert_eq!(shell.alt_tab_choice(), None);
}

#[test]
fn a_maximised_window_fills_its_output_and_comes_back() {
    let mut shell = small_desktop();
    let id = shown(&mut shell, WORK, cells(3, 4, 12, 5));
    shell.toggle_maximise(id);
    assert_eq!(frame(&shell, id), cells(0, 0, 40, 16));
    assert_picture(
        &shell,
        "
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA__^xxA
        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA__^xxA
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa%
        %%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%
        ",
    );
    let filled = content(&shell, id);
    let states = State { maximised: true, ..State::default() };
    assert!(effects(&mut shell).contains(&Effect::Configure { id, content: filled, states }));
    shell.request_geometry(id, cells(1, 2, 3, 4));
    assert_eq!(configured(&mut shell, id), Some(filled), "a wish for another size is answered with this one");
    shell.toggle_maximise(id);
    assert_eq!(content(&shell, id), cells(3, 4, 12, 5));
}

#[test]
fn fullscreen_is_maximised_unless_allowed_and_undone_as_it_was_done() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(100, 100, 400, 300));
    let flags = |shell: &Shell| (state(shell, id).maximised, state(shell, id).fullscreen);
    shell.request_fullscreen(id, true);
    assert_eq!(flags(&shell), (true, false));
    shell.request_fullscreen(id, false);
    assert_eq!(flags(&shell), (false, false));

    shell.request_fullscreen(id, true);
    shell.toggle_maximise(id);
    shell.toggle_maximise(id);
    shell.request_fullscreen(id, false);
    assert_eq!(flags(&shell), (true, false), "the user maximised it");

    shell.request_fullscreen(id, true);
    shell.request_fullscreen(id, false);
    assert_eq!(flags(&shell), (true, false), "it was maximised before");

    shell.set_allow_fullscreen(id, true);
    shell.request_fullscreen(id, true);
    assert_eq!(flags(&shell), (true, true));
    assert_eq!((frame(&shell, id), content(&shell, id)), (OUTPUT, OUTPUT.inset(Insets::uniform(4))));
    assert_eq!(shell.hit(Point::new(0, 500)), Hit::Frame { id, part: FramePart::Border });
    shell.begin_move(id, Point::new(0, 500));
    assert_eq!(shell.grabbed(), None);
    shell.request_maximise(id, false);
    shell.request_geometry(id, Rect::new(5, 5, 5, 5));
    shell.request_fullscreen(id, false);
    assert_eq!(content(&shell, id), Rect::new(100, 100, 400, 300), "a wish in the meantime did not count");

    shell.request_fullscreen(id, true);
    shell.set_allow_fullscreen(id, false);
    assert_eq!(flags(&shell), (true, false), "the leave can be withdrawn");
}

#[test]
fn a_minimised_window_hides_what_belongs_to_it() {
    let mut shell = desktop();
    let other = shown(&mut shell, RED, Rect::new(100, 100, 400, 300));
    let main = shown(&mut shell, WORK, Rect::new(100, 100, 400, 300));
    let dialog = shown(&mut shell, WORK, Rect::new(100, 100, 400, 300));
    shell.set_transient(dialog, Some(main));
    shell.request_minimise(main, true);
    assert_eq!((stack(&shell), shell.focused()), (vec![other], Some(other)));
    assert_eq!(shell.all_windows().count(), 3);
    shell.request_focus(dialog);
    assert_eq!((stack(&shell), shell.focused()), (vec![other, main, dialog], Some(dialog)));
    shell.request_minimise(main, true);
    shell.unmap(main);
    assert_eq!(stack(&shell), [other, dialog], "a window its owner withdrew hides nothing");
}

#[test]
fn a_dialog_of_a_minimised_window_waits_for_it() {
    let mut shell = desktop();
    let main = shown(&mut shell, WORK, Rect::new(100, 100, 400, 300));
    let other = shown(&mut shell, RED, Rect::new(100, 100, 400, 300));
    shell.request_minimise(main, true);
    let dialog = added(&mut shell, WORK, Role::Toplevel, Rect::new(100, 100, 40, 30));
    shell.set_transient(dialog, Some(main));
    shell.map(dialog);
    assert_eq!((stack(&shell), shell.focused()), (vec![other], Some(other)));
    assert_eq!(shell.all_windows().map(|window| window.id).collect::<Vec<_>>(), [main, dialog, other]);
}

#[test]
fn a_modal_dialog_is_used_in_place_of_its_window() {
    let mut shell = desktop();
    let other = shown(&mut shell, RED, Rect::new(100, 100, 400, 300));
    let [main, dialog, question] = [(); 3].map(|()| shown(&mut shell, WORK, Rect::new(100, 100, 400, 300)));
    shell.set_transient(dialog, Some(main));
    shell.set_transient(question, Some(dialog));
    shell.set_modal(question, true);
    shell.request_focus(main);
    assert_eq!(shell.focused(), Some(main), "what is modal to a dialog alone leaves its window alone");
    shell.set_modal(dialog, true);
    shell.request_focus(main);
    assert_eq!(shell.focused(), Some(question));
    shell.request_focus(other);
    shell.set_modal(question, false);
    shell.request_focus(main);
    assert_eq!((stack(&shell), shell.focused()), (vec![other, main, dialog, question], Some(dialog)));
    shell.unmap(dialog);
    shell.request_focus(main);
    assert_eq!(shell.focused(), Some(main));
}

#[test]
fn a_dialog_stays_above_its_parent() {
    let mut shell = desktop();
    let [a, b, c, d] = [(); 4].map(|()| shown(&mut shell, WORK, Rect::new(100, 100, 400, 300)));
    shell.set_transient(b, Some(d));
    assert_eq!(stack(&shell), [a, c, d, b]);
    shell.request_focus(a);
    shell.request_focus(d);
    assert_eq!(stack(&shell), [c, a, d, b]);
    shell.set_transient(d, Some(b));
    assert_eq!(shell.window(d).unwrap().transient_for, None, "no circles");
    shell.set_transient(c, Some(d));
    assert_eq!(stack(&shell), [a, d, b, c], "the newest child on top");
    shell.remove(d);
    assert_eq!(stack(&shell), [a, b, c]);
    assert_eq!(shell.window(b).unwrap().transient_for, None);
    shell.set_transient(c, Some(b));
    shell.set_transient(b, Some(a));
    shell.remove(b);
    assert_eq!(shell.window(c).unwrap().transient_for, Some(a), "grandchildren become children");
}

#[test]
fn a_window_can_stop_being_a_dialog() {
    let mut shell = desktop();
    let [a, b, c] = [(); 3].map(|()| shown(&mut shell, WORK, Rect::new(100, 100, 400, 300)));
    shell.set_transient(c, Some(b));
    shell.raise(a);
    shell.set_transient(c, None);
    assert_eq!(stack(&shell), [b, c, a]);
    shell.raise(b);
    assert_eq!(stack(&shell), [c, a, b]);
}

#[test]
fn nesting_has_an_end() {
    let mut shell = desktop();
    let mut parent = shown(&mut shell, WORK, Rect::new(100, 100, 400, 300));
    for _ in 1..16 {
        let menu = popup(&mut shell, WORK, Some(parent), Rect::new(100, 100, 40, 30));
        assert_eq!(shell.window(menu).unwrap().parent(), Some(parent));
        parent = menu;
    }
    let menu = popup(&mut shell, WORK, Some(parent), Rect::new(100, 100, 40, 30));
    assert_eq!(shell.window(menu).unwrap().parent(), None);
}

#[test]
fn each_edge_follows_the_pointer_and_the_others_stay() {
    let start = Rect::new(500, 400, 400, 300);
    let (right, bottom) = (start.right(), start.bottom());
    let places =
        [(498, 550), (901, 550), (700, 373), (700, 702), (498, 374), (901, 374), (498, 702), (901, 702)];
    for (x, y) in places {
        let mut shell = desktop();
        let id = shown(&mut shell, WORK, start);
        let Hit::Frame { part: FramePart::Edge(edges), .. } = shell.pointer_press(Point::new(x, y)) else {
            panic!("no edge at {x},{y}");
        };
        shell.pointer_motion(Point::new(x + 30, y + 20));
        let now = content(&shell, id);
        let expect = |pulled: bool, from: i32, by: i32| if pulled { from + by } else { from };
        assert_eq!(now.x, expect(edges.left, 500, 30), "{edges:?}");
        assert_eq!(now.y, expect(edges.top, 400, 20), "{edges:?}");
        assert_eq!(now.right(), expect(edges.right, right, 30), "{edges:?}");
        assert_eq!(now.bottom(), expect(edges.bottom, bottom, 20), "{edges:?}");
        shell.pointer_release();
        shell.pointer_motion(Point::new(0, 0));
        assert_eq!(content(&shell, id), now, "let go");
    }
}

#[test]
fn a_corner_is_easy_to_hit() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    let (frame, last) = (frame(&shell, id), Point::new(407, 331));
    let corner = |left: bool, top: bool| Edges { left, right: !left, top, bottom: !top };
    let part = |x, y| match shell.hit(frame.origin().plus(Point::new(x, y))) {
        Hit::Frame { part: FramePart::Edge(edges), .. } => edges,
        other => panic!("{other:?} at {x},{y}"),
    };
    for along in [0, 15] {
        assert_eq!([part(along, 0), part(0, along)], [corner(true, true); 2]);
        assert_eq!([part(last.x - along, 0), part(last.x, along)], [corner(false, true); 2]);
        assert_eq!([part(along, last.y), part(0, last.y - along)], [corner(true, false); 2]);
        assert_eq!([part(last.x - along, last.y), part(last.x, last.y - along)], [corner(false, false); 2]);
    }
    assert_eq!(part(16, 0), Edges { top: true, ..Edges::NONE });
    assert_eq!(part(0, 16), Edges { left: true, ..Edges::NONE });
}

#[test]
fn resizing_keeps_the_limits_and_the_opposite_edge() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    let size = |width, height| Some(Size::new(width, height));
    shell.set_limits(
        id,
        SizeLimits { min: size(200, 100), max: size(500, 350), increment: size(10, 20), base: size(5, 0) },
    );
    shell.begin_resize(id, Edges { left: true, top: true, ..Edges::NONE }, Point::new(500, 400));
    for (x, y, width, height) in [(496, 396, 395, 300), (0, 0, 495, 340), (1900, 1000, 205, 100)] {
        shell.pointer_motion(Point::new(x, y));
        assert_eq!(content(&shell, id), Rect::new(900 - width, 700 - height, width, height));
    }
    shell.request_geometry(id, Rect::new(0, 0, 50, 50));
    assert_eq!(content(&shell, id).size(), Size::new(205, 100), "the user's hand goes first");
}

#[test]
fn resizing_stops_where_the_title_would_go_out_of_reach() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    shell.begin_resize(id, Edges { top: true, ..Edges::NONE }, Point::new(600, 372 + 3));
    shell.pointer_motion(Point::new(600, 0));
    assert_eq!((frame(&shell, id).y, content(&shell, id).bottom()), (0, 700));
    shell.pointer_release();

    shell.request_geometry(id, Rect::new(-300, 400, 500, 300));
    shell.begin_resize(id, Edges { right: true, ..Edges::NONE }, Point::new(200, 500));
    shell.pointer_motion(Point::new(0, 500));
    assert_eq!((frame(&shell, id).right(), content(&shell, id).x), (128, -300));
}

#[test]
fn a_window_follows_the_pointer_by_its_title() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    let from = title_of(&shell, id);
    assert_eq!(shell.pointer_press(from), Hit::Frame { id, part: FramePart::Title });
    assert_eq!(shell.grabbed(), Some((id, FramePart::Title)));
    shell.pointer_motion(from.plus(Point::new(-20, 35)));
    assert_eq!(content(&shell, id), Rect::new(480, 435, 400, 300));
    shell.request_geometry(id, Rect::new(0, 0, 600, 200));
    assert_eq!(content(&shell, id), Rect::new(480, 435, 600, 200), "its owner may still choose its size");
    let other = shown(&mut shell, RED, Rect::new(100, 100, 40, 30));
    shell.begin_move(other, Point::new(110, 110));
    assert_eq!(shell.pointer_press(Point::new(110, 110)), Hit::Nothing);
    assert_eq!(shell.grabbed(), Some((id, FramePart::Title)), "one thing at a time");
    shell.pointer_release();
    assert_eq!(shell.grabbed(), None);
}

#[test]
fn a_maximised_window_comes_off_under_the_pointer() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    shell.request_maximise(id, true);
    shell.pointer_press(Point::new(960, 10));
    shell.pointer_motion(Point::new(963, 15));
    assert!(state(&shell, id).maximised, "a hand may shake");
    shell.pointer_motion(Point::new(963, 60));
    assert!(!state(&shell, id).maximised);
    assert_eq!(frame(&shell, id), Rect::new(963 - 204, 50, 408, 332));
    shell.pointer_motion(Point::new(1000, 100));
    assert_eq!(frame(&shell, id).origin(), Point::new(1000 - 204, 90));
    assert_eq!(shell.hit(Point::new(1000, 100)), Hit::Frame { id, part: FramePart::Title });
}

#[test]
fn a_maximised_window_comes_to_the_pointer_from_anywhere() {
    let right = Rect::new(1920, 0, 1920, 1080);
    for (x, y) in [(500, 700), (3500, 700)] {
        let mut shell = Shell::new(Metrics::default(), vec![OUTPUT, right]);
        let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
        shell.request_maximise(id, true);
        shell.begin_move(id, Point::new(x, y));
        shell.pointer_motion(Point::new(x, y + 8));
        let visible = frame(&shell, id);
        assert!(Rect { height: 28, ..visible }.contains(Point::new(x, y + 8)), "{visible:?}");
    }
}

#[test]
fn a_maximised_window_can_be_resized_from_the_size_it_has() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    shell.request_maximise(id, true);
    shell.begin_resize(id, Edges { right: true, ..Edges::NONE }, Point::new(1919, 500));
    shell.pointer_motion(Point::new(1819, 500));
    assert_eq!(frame(&shell, id), Rect::new(0, 0, 1820, 1080));
    assert_eq!(state(&shell, id), State::default());
}

#[test]
fn a_button_acts_where_it_was_pressed() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    let [close, maximise, minimise] = Button::ALL.map(|button| middle_of(&shell, id, button));
    effects(&mut shell);
    shell.pointer_press(close);
    assert_eq!(shell.grabbed(), Some((id, FramePart::Button(Button::Close))));
    shell.pointer_motion(maximise);
    shell.pointer_release();
    assert_eq!(effects(&mut shell), [], "slid off");

    click(&mut shell, close);
    assert_eq!(effects(&mut shell), [Effect::Close { id }]);
    let other = shown(&mut shell, RED, Rect::new(500, 400, 400, 300));
    click(&mut shell, close);
    shell.remove(other);
    assert!(!effects(&mut shell).contains(&Effect::Close { id: other }), "gone before it was asked to");
    click(&mut shell, minimise);
    assert!(state(&shell, id).minimised);
    shell.request_focus(id);
    click(&mut shell, maximise);
    assert!(state(&shell, id).maximised);
    let maximise = middle_of(&shell, id, Button::Maximise);
    click(&mut shell, maximise);
    assert!(!state(&shell, id).maximised);
}

#[test]
fn a_wish_is_granted_in_silence_and_changed_aloud() {
    let mut shell = desktop();
    let id = shown(&mut shell, WORK, Rect::new(500, 400, 400, 300));
    effects(&mut shell);
    shell.request_geometry(id, Rect::new(510, 410, 300, 200));
    assert_eq!(effects(&mut shell), [Effect::Changed]);
    shell.request_geometry(id, Rect::new(510, 410, 300, 200));
    assert_eq!(effects(&mut shell), [], "nothing new");
    for huge in [Rect::new(510, 410, 16385, 6145), Rect::new(510, 410, i32::MAX, i32::MAX)] {
        shell.request_geometry(id, huge);
        assert_eq!(configured(&mut shell, id), Some(Rect::at(huge.origin(), MAX_CONTENT)));
    }
    shell.request_geometry(id, Rect::at(Point::new(510, 410), MAX_CONTENT));
    assert_eq!(configured(&mut shell, id), None, "at the limit");
    shell.request_geometry(id, Rect::new(510, 410, 0, -1));
    assert_eq!(configured(&mut shell, id), Some(Rect::new(510, 410, 1, 1)));
}

#[test]
fn windows_come_along_when_outputs_go() {
    let right = Rect::new(1920, 0, 1280, 1024);
    let mut shell = Shell::new(Metrics::default(), vec![OUTPUT, right]);
    let window = shown(&mut shell, WORK, Rect::new(2500, 500, 400, 300));
    let filling = shown(&mut shell, WORK, Rect::new(2500, 500, 400, 300));
    shell.request_maximise(filling, true);
    assert_eq!(frame(&shell, filling), right);
    shell.set_outputs(vec![OUTPUT]);
    assert_eq!(frame(&shell, window).x, 1920 - 128);
    assert_eq!(frame(&shell, filling), OUTPUT);
    shell.set_outputs(vec![Rect::default()]);
    assert_eq!(frame(&shell, filling), Rect::new(0, 0, 1024, 768), "there is always one");
}

#[test]
fn sizes_are_constrained_as_icccm_says() {
    let both = |n: Option<i32>| n.map(|n| Size::new(n, n));
    let limits = |min, max, increment, base| SizeLimits {
        min: both(min),
        max: both(max),
        increment: both(increment),
        base: both(base),
    };
    for (limits, wanted, expected) in [
        (SizeLimits::default(), 0, 1),
        (SizeLimits::default(), i32::MAX, 6144),
        (limits(Some(100), Some(200), None, None), 50, 100),
        (limits(Some(100), Some(200), None, None), 250, 200),
        (limits(Some(100), Some(50), None, None), 70, 100),
        (limits(Some(10), Some(0), None, None), 70, 70),
        (limits(None, None, Some(10), Some(4)), 33, 24),
        (limits(Some(7), None, Some(10), None), 33, 27),
        (limits(Some(20), None, Some(10), Some(4)), 21, 24),
        (limits(Some(20), Some(22), Some(10), Some(4)), 21, 20),
        (limits(Some(3), None, Some(10), Some(40)), 33, 33),
        (limits(Some(i32::MIN), Some(i32::MIN), Some(i32::MIN), Some(i32::MIN)), 33, 33),
        (limits(Some(i32::MAX), Some(i32::MAX), Some(i32::MAX), Some(i32::MAX)), 33, 6144),
    ] {
        assert_eq!(limits.constrain(Size::new(1, wanted)).height, expected, "{limits:?} {wanted}");
    }
}

#[test]
fn a_role_is_final_once_shown() {
    let mut shell = desktop();
    let id = added(&mut shell, WORK, Role::Toplevel, Rect::new(500, 400, 40, 30));
    let popup = Role::Popup { parent: None };
    shell.set_role(id, popup);
    shell.map(id);
    shell.set_role(id, Role::Toplevel);
    assert_eq!(shell.window(id).unwrap().role, popup);
    assert_eq!(frame(&shell, id), Rect::new(500, 400, 40, 30));
}

#[test]
fn the_place_counts_only_if_it_was_meant() {
    let mut shell = desktop();
    let id = added(&mut shell, WORK, Role::Toplevel, Rect::new(50, 50, 400, 300));
    shell.set_placed(id, false);
    shell.map(id);
    assert_eq!(frame(&shell, id).origin(), OUTPUT.origin());
    let place = content(&shell, id);
    shell.unmap(id);
    shell.map(id);
    assert_eq!(content(&shell, id), place, "and is kept from then on");
}

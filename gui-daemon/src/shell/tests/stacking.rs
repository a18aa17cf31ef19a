//! What lies above what, who has the focus, and the switcher.

use super::*;

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

//! Maximised, fullscreen and minimised windows.

use super::*;

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

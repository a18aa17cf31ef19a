//! What owners ask for: geometry, limits, roles; and outputs that go.

use super::*;

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
